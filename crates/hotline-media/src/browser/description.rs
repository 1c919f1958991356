//! A browser's session description (RFC 8829, RFC 8839, RFC 8842): what it says of audio is read and written by
//! [`crate::sdp`] like any other; ICE, DTLS and multiplexing are taken off before, and put on behind.

use super::{BEHIND, BrowserPlan, Credentials, Identity, Remote};
use crate::LegPlan;
use crate::Protection;
use crate::sdp::{self, Capabilities, SdpError, Security};

/// Our side of an exchange with a browser.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    /// Whose certificate.
    pub identity: &'a Identity,
    /// Of this leg, by [`Identity::credentials`].
    pub credentials: &'a Credentials,
    /// The rest, as for anybody; its address is our only candidate.
    pub plain: sdp::Local<'a>,
}

/// Whether an offer is a browser's: an audio line with SAVPF and a fingerprint. Such a one is never answered with
/// anything less.
pub fn is_browser_offer(offer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(offer);
    let is_audio = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        words.next() == Some("m=audio") && words.nth(1).is_some_and(is_browser_proto)
    };
    text.lines().any(is_audio) && text.contains("a=fingerprint:")
}

/// Answers a browser's offer.
pub fn answer(
    offer: &[u8],
    capabilities: &Capabilities,
    local: &Local<'_>,
) -> Result<(Vec<u8>, LegPlan, BrowserPlan), SdpError> {
    let peer = Peer::read(offer)?;
    let ours = setup_answered(peer.setup.as_deref(), local.plain.previous)?;
    let (plain, plan) = sdp::answer(&peer.plain, capabilities, &local.undressed())?;
    let bytes = dress(&plain, local, peer.mid.as_deref(), ours, &peer.proto)?;
    let remote = Remote {
        is_passive: ours == ACTIVE,
        ..peer.remote
    };
    Ok((bytes, protected(plan), local.plan(Some(remote))))
}

/// Makes an offer to a browser.
pub fn offer(capabilities: &Capabilities, local: &Local<'_>) -> Result<Vec<u8>, SdpError> {
    let plain = sdp::offer(capabilities, &local.undressed());
    // RFC 8842 §5.1: an offer leaves the choice; every browser chooses to begin.
    dress(&plain, local, Some(OUR_MID), "actpass", PROTO)
}

/// Reads a browser's answer to an offer of ours.
pub fn accept(
    capabilities: &Capabilities,
    answer: &[u8],
    local: &Local<'_>,
) -> Result<(LegPlan, BrowserPlan), SdpError> {
    let peer = Peer::read(answer)?;
    let remote = Remote {
        is_passive: is_passive(peer.setup.as_deref())?,
        ..peer.remote
    };
    // Unreadable: before the first description there is none.
    let ours = Peer::read(local.plain.previous).map_or_else(|_| Vec::new(), |ours| ours.plain);
    let undressed = sdp::Local {
        previous: &ours,
        ..local.undressed()
    };
    let plan = sdp::accept(capabilities, &peer.plain, &undressed)?;
    Ok((protected(plan), local.plan(Some(remote))))
}

/// What we answer to the setup of an offer. Who is left the choice lets the other begin, as every browser wants to;
/// an association that stands keeps its roles (RFC 8842 §5.5). RFC 4145 §4: an offer without setup is active.
fn setup_answered(offered: Option<&str>, previous: &[u8]) -> Result<&'static str, SdpError> {
    match offered {
        Some("active") | None => Ok(PASSIVE),
        Some("passive") => Ok(ACTIVE),
        Some("actpass") if has_begun(previous) => Ok(ACTIVE),
        Some("actpass") => Ok(PASSIVE),
        // RFC 5763 §5: holdconn is not for DTLS.
        Some(_) => Err(SdpError::NothingInCommon),
    }
}

/// Our last description said that we are the client.
fn has_begun(previous: &[u8]) -> bool {
    let text = String::from_utf8_lossy(previous);
    text.lines().any(|line| line.trim_end() == "a=setup:active")
}

/// Whether the answer to our `actpass` leaves the first flight to us. RFC 4145 §4: an answer without setup is passive.
fn is_passive(answered: Option<&str>) -> Result<bool, SdpError> {
    match answered {
        Some("active") => Ok(false),
        Some("passive") | None => Ok(true),
        Some(_) => Err(SdpError::NothingInCommon),
    }
}

impl<'a> Local<'a> {
    /// For the description beneath: what protects it is not its business, and nobody is heard past the guard.
    fn undressed(&self) -> sdp::Local<'a> {
        sdp::Local {
            previous: &[],
            signalling: None,
            security: Security::Plain,
            before: None,
            ..self.plain
        }
    }

    /// What the leg's guard must know; without a remote while our offer waits for its answer.
    pub fn plan(&self, remote: Option<Remote>) -> BrowserPlan {
        BrowserPlan {
            local: self.credentials.clone(),
            remote,
        }
    }
}

/// What a browser's description says beside audio, and the rest of it as plain RTP.
struct Peer {
    plain: Vec<u8>,
    remote: Remote,
    setup: Option<String>,
    mid: Option<String>,
    /// As the audio line had it: the answer has it too.
    proto: String,
}

impl Peer {
    fn read(description: &[u8]) -> Result<Self, SdpError> {
        if description.len() > sdp::BYTES_MAX {
            return Err(SdpError::TooLarge);
        }
        let text = String::from_utf8_lossy(description);
        if text.lines().count() > sdp::LINES_MAX {
            return Err(SdpError::TooLarge);
        }
        let mut plain = String::with_capacity(text.len());
        let (mut of_session, mut of_audio) = (Said::default(), Said::default());
        let (mut place, mut proto) = (Place::Session, None);
        for line in text.lines().map(str::trim_end) {
            if line.starts_with("m=") {
                place = match browser_audio(line) {
                    Some((line, found)) if proto.is_none() => {
                        proto = Some(found);
                        plain += &format!("{line}\r\nc=IN IP4 {}\r\n", BEHIND.ip());
                        Place::Audio
                    }
                    Some(_) | None => {
                        plain += &format!("{line}\r\n");
                        Place::Other
                    }
                };
                continue;
            }
            let is_kept = match place {
                Place::Session => of_session.keep(line),
                Place::Audio => of_audio.keep(line),
                Place::Other => true,
            };
            if is_kept {
                plain += &format!("{line}\r\n");
            }
        }
        let proto = proto.ok_or(SdpError::NothingInCommon)?;
        let all = of_audio.or(of_session);
        let remote = Remote {
            fragment: all.fragment.ok_or(SdpError::Malformed)?,
            fingerprint: all.fingerprint.ok_or(SdpError::NothingInCommon)?,
            is_passive: false,
        };
        // Our only transport has RTCP on it (RFC 5761), and a browser that offers anything else is none.
        if !all.is_muxed {
            return Err(SdpError::NothingInCommon);
        }
        Ok(Peer {
            plain: plain.into_bytes(),
            remote,
            setup: all.setup,
            mid: all.mid,
            proto,
        })
    }
}

#[derive(Clone, Copy)]
enum Place {
    Session,
    Audio,
    Other,
}

/// The attributes of ICE, DTLS and multiplexing in one part of a description.
#[derive(Default)]
struct Said {
    fragment: Option<String>,
    fingerprint: Option<[u8; 32]>,
    setup: Option<String>,
    mid: Option<String>,
    is_muxed: bool,
}

impl Said {
    /// Notes a line; whether it means something for plain RTP too.
    fn keep(&mut self, line: &str) -> bool {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name {
            "a=ice-ufrag" => self.fragment = Some(value.to_owned()),
            "a=fingerprint" => self.fingerprint = self.fingerprint.or(fingerprint(value)),
            "a=setup" => self.setup = Some(value.trim().to_ascii_lowercase()),
            "a=mid" => self.mid = Some(value.to_owned()),
            "a=rtcp-mux" => self.is_muxed = true,
            "a=candidate"
            | "a=end-of-candidates"
            | "a=extmap"
            | "a=extmap-allow-mixed"
            | "a=group"
            | "a=ice-lite"
            | "a=ice-options"
            | "a=ice-pwd"
            | "a=msid"
            | "a=msid-semantic"
            | "a=rtcp"
            | "a=rtcp-fb"
            | "a=rtcp-mux-only"
            | "a=rtcp-rsize"
            | "a=ssrc" => {}
            _ => return !line.starts_with("c="),
        }
        false
    }

    fn or(self, session: Said) -> Said {
        Said {
            fragment: self.fragment.or(session.fragment),
            fingerprint: self.fingerprint.or(session.fingerprint),
            setup: self.setup.or(session.setup),
            mid: self.mid,
            is_muxed: self.is_muxed,
        }
    }
}

/// The m= line as plain RTP would have it, and its profile; None when it is no browser's audio.
fn browser_audio(line: &str) -> Option<(String, String)> {
    let mut words = line.strip_prefix("m=audio ")?.splitn(3, ' ');
    let (port, proto, formats) = (words.next()?, words.next()?, words.next()?);
    // Port 9 and address 0.0.0.0 only say that the way is found by ICE (RFC 8829 §5.2.1); 0 refuses.
    let port = if port == "0" { 0 } else { BEHIND.port() };
    is_browser_proto(proto).then(|| {
        (
            format!("m=audio {port} RTP/AVP {formats}"),
            proto.to_owned(),
        )
    })
}

fn is_browser_proto(proto: &str) -> bool {
    matches!(
        proto,
        "UDP/TLS/RTP/SAVPF" | "RTP/SAVPF" | "UDP/TLS/RTP/SAVP"
    )
}

/// RFC 8122 §5: only SHA-256 counts; every browser has it.
fn fingerprint(value: &str) -> Option<[u8; 32]> {
    let (algorithm, digits) = value.trim().split_once(' ')?;
    if !algorithm.eq_ignore_ascii_case("sha-256") {
        return None;
    }
    let mut hash = [0; 32];
    let mut pairs = digits.trim().split(':');
    for byte in &mut hash {
        *byte = u8::from_str_radix(pairs.next()?, 16).ok()?;
    }
    pairs.next().is_none().then_some(hash)
}

/// Puts ICE, DTLS and multiplexing on a plain description of ours.
fn dress(
    plain: &[u8],
    local: &Local<'_>,
    mid: Option<&str>,
    setup: &str,
    proto: &str,
) -> Result<Vec<u8>, SdpError> {
    let text = std::str::from_utf8(plain).map_err(|_| SdpError::Malformed)?;
    let mut dressed = String::with_capacity(text.len() + DRESS_BYTES);
    let (mut is_session, mut is_ours) = (true, false);
    for line in text.lines() {
        if line.starts_with("m=") {
            if std::mem::take(&mut is_session) {
                dressed += "a=ice-lite\r\n";
                if let Some(mid) = mid {
                    dressed += &format!("a=group:BUNDLE {mid}\r\n");
                }
            }
            if std::mem::take(&mut is_ours) {
                dressed += &attributes(local, mid, setup);
            }
            is_ours = line.starts_with("m=audio ") && !line.starts_with("m=audio 0 ");
            if is_ours {
                dressed += &format!("{}\r\n", line.replacen("RTP/AVP", proto, 1));
                continue;
            }
        }
        dressed += &format!("{line}\r\n");
    }
    if is_ours {
        dressed += &attributes(local, mid, setup);
    }
    Ok(dressed.into_bytes())
}

fn attributes(local: &Local<'_>, mid: Option<&str>, setup: &str) -> String {
    let Local {
        identity,
        credentials,
        plain,
    } = local;
    let (address, port) = (plain.address, plain.port);
    let mid = mid.map_or_else(String::new, |mid| format!("a=mid:{mid}\r\n"));
    // RFC 8445 §5.1.2.1: the only candidate has the highest priority of its kind.
    format!(
        "{mid}a=rtcp-mux\r\n\
         a=msid:hotline audio\r\n\
         a=ice-ufrag:{}\r\n\
         a=ice-pwd:{}\r\n\
         a=fingerprint:sha-256 {}\r\n\
         a=setup:{setup}\r\n\
         a=candidate:1 1 udp 2130706431 {address} {port} typ host\r\n\
         a=end-of-candidates\r\n",
        credentials.fragment,
        credentials.password,
        identity.fingerprint(),
    )
}

fn protected(plan: LegPlan) -> LegPlan {
    LegPlan {
        protection: Protection::Browser,
        ..plan
    }
}

const PROTO: &str = "UDP/TLS/RTP/SAVPF";
const ACTIVE: &str = "active";
const PASSIVE: &str = "passive";
const OUR_MID: &str = "0";
const DRESS_BYTES: usize = 512;
