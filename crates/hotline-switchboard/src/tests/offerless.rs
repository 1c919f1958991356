//! Who calls without an offer gets one that fits how it signals, and nobody gets less.

use super::plan;
use crate::switchboard::{Config, Input, Switchboard};
use crate::turn::{Effect, Turn};
use crate::{SoundIndex, Srtp};
use hotline_core::{Mono, Now, Route, RouteKind, Wall};
use hotline_media::Command as MediaCommand;
use hotline_media::browser::Identity;
use hotline_media::sdp::{Capabilities, Security};
use hotline_sip::{Input as SipInput, Listener, MediaKind, Output, Peer, Proof, Transport, Trunk};
use std::net::SocketAddr;
use std::sync::Arc;

const HERE: &str = "192.0.2.1:5060";
const CARRIER: &str = "198.51.100.7:5060";
/// Streams that came in have numbers of the shell's.
const CONNECTION: u64 = 7;

/// A line with one listener, and a carrier that is known by its address.
struct Line {
    switchboard: Switchboard,
    transport: Transport,
}

impl Line {
    fn new(transport: Transport, srtp: Srtp, identity: Option<Arc<Identity>>) -> Self {
        let here: SocketAddr = HERE.parse().unwrap();
        let mut plan = plan(&[]);
        plan.routes.push(Route {
            dialled: "*43".into(),
            trunk: None,
            from_accounts: true,
            kind: RouteKind::Echo,
            is_recorded: false,
            is_training: false,
            centre: None,
        });
        let carrier: SocketAddr = CARRIER.parse().unwrap();
        let config = Config {
            sip: hotline_sip::Config {
                realm: "hotline111".into(),
                listeners: vec![Listener {
                    local: here,
                    advertise: here,
                    transport,
                }],
                trunks: vec![Trunk {
                    name: "carrier".into(),
                    sources: vec![(carrier.ip(), None)],
                    ..Trunk::default()
                }],
                product: "hotline111".into(),
                expires_s_min: 60,
                expires_s_default: 300,
                expires_s_max: 3_600,
                contacts_max: 4,
                calls_max: 10,
                transactions_max: 100,
                stranger_rate_per_s: 10,
                stranger_burst: 30,
                defence: hotline_sip::Defence::default(),
                sessions: hotline_sip::Sessions::default(),
                has_sha256: true,
                nonce_ms: 60_000,
                first_response_ms: 3_000,
                nat_keepalive_ms: 20_000,
                is_user_agent: false,
            },
            numbers: Vec::new(),
            accounts: Vec::new(),
            plan,
            node: 1,
            first_call: 1 << 20,
            capabilities: Capabilities::default(),
            srtp,
            identity,
            advertise: here.ip(),
            told: None,
            workers: 1,
            sounds: SoundIndex::new(),
            restart_byes_per_s: 1,
        };
        let mut line = Self {
            switchboard: Switchboard::new(config, [1; 32]),
            transport,
        };
        let event = hotline_media::Event::Ports(vec![20_000, 20_002]);
        line.handle(Input::Media { worker: 0, event });
        if transport != Transport::Udp {
            line.handle(Input::Sip(SipInput::StreamOpened {
                connection: CONNECTION,
                listener: 0,
                peer: carrier,
                proof: Proof::default(),
            }));
        }
        line
    }

    fn handle(&mut self, input: Input) -> Vec<Effect> {
        let now = Now {
            mono: Mono(1_000_000),
            wall: Wall(1_700_000_000_000),
        };
        let mut turn = Turn::default();
        self.switchboard.handle(now, input, &mut turn);
        turn.effects
    }

    /// What follows from a message of the carrier.
    fn hears(&mut self, text: &str) -> Vec<Effect> {
        let bytes = text.as_bytes().to_vec();
        let input = match self.transport {
            Transport::Udp => SipInput::Datagram {
                listener: 0,
                source: CARRIER.parse().unwrap(),
                bytes,
            },
            Transport::Tcp | Transport::Tls => SipInput::StreamBytes {
                connection: CONNECTION,
                bytes,
            },
            Transport::Ws | Transport::Wss => SipInput::StreamMessage {
                connection: CONNECTION,
                bytes,
            },
        };
        self.handle(Input::Sip(input))
    }

    /// An INVITE without a body: the final answer, and what media is told.
    fn invited(&mut self) -> (String, Vec<Effect>) {
        let effects = self.hears(&self.request("INVITE", 1, "", ""));
        let answer = said(&effects)
            .into_iter()
            .find(|text| !text.starts_with("SIP/2.0 1"));
        (answer.expect("a final answer"), effects)
    }

    fn request(&self, method: &str, cseq: u32, to_tag: &str, body: &str) -> String {
        let via = match self.transport {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        };
        let kind = match body {
            "" => "",
            _ => "Content-Type: application/sdp\r\n",
        };
        format!(
            "{method} sip:*43@{HERE} SIP/2.0\r\nVia: SIP/2.0/{via} {CARRIER};branch=z9hG4bK{method}{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:0912000111@{CARRIER}>;tag=a\r\nTo: <sip:*43@{HERE}>{to_tag}\r\n\
             Call-ID: offerless\r\nCSeq: {cseq} {method}\r\nContact: <sip:0912000111@{CARRIER}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// The messages that leave.
fn said(effects: &[Effect]) -> Vec<String> {
    let bytes = effects.iter().filter_map(|effect| match effect {
        Effect::Sip(Output::Datagram { bytes, .. } | Output::Stream { bytes, .. }) => Some(bytes),
        _ => None,
    });
    bytes
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .collect()
}

/// Whether media is told of a browser, and for each whether it has answered.
fn guards(effects: &[Effect]) -> Vec<Option<bool>> {
    let commands = effects.iter().filter_map(|effect| match effect {
        Effect::Media {
            command: MediaCommand::Browser { browser, .. },
            ..
        } => Some(browser.as_ref().map(|browser| browser.remote.is_some())),
        _ => None,
    });
    commands.collect()
}

#[test]
fn our_offer_fits_how_the_peer_signals() {
    let identity = Arc::new(Identity::generate().unwrap());
    let cases = [
        (Transport::Udp, Srtp::Offer, "RTP/AVP", false),
        (Transport::Tcp, Srtp::Require, "RTP/AVP", false),
        (Transport::Tls, Srtp::Off, "RTP/AVP", false),
        (Transport::Tls, Srtp::Offer, "RTP/AVP", true),
        // A carrier's line is private: it is never refused for its lack of keys.
        (Transport::Tls, Srtp::Require, "RTP/AVP", true),
        (Transport::Ws, Srtp::Off, "UDP/TLS/RTP/SAVPF", false),
        (Transport::Wss, Srtp::Offer, "UDP/TLS/RTP/SAVPF", false),
    ];
    for (transport, srtp, profile, has_keys) in cases {
        let mut line = Line::new(transport, srtp, Some(Arc::clone(&identity)));
        let (answer, effects) = line.invited();
        let what = format!("{transport:?} {srtp:?}: {answer}");
        assert!(answer.starts_with("SIP/2.0 200 "), "{what}");
        assert!(
            answer.contains(&format!("m=audio 20002 {profile} ")),
            "{what}"
        );
        assert_eq!(answer.contains("a=crypto:"), has_keys, "{what}");
        let is_browser = profile.ends_with("SAVPF");
        assert_eq!(answer.contains("a=fingerprint:"), is_browser, "{what}");
        assert_eq!(answer.contains("a=setup:actpass"), is_browser, "{what}");
        let guarded: &[Option<bool>] = if is_browser { &[Some(false)] } else { &[] };
        assert_eq!(guards(&effects), guarded, "{what}");
    }
}

#[test]
fn a_browser_s_answer_comes_with_the_acknowledgement_and_a_plain_one_ends_the_call() {
    let identity = Arc::new(Identity::generate().unwrap());
    let fingerprint = ["AB"; 32].join(":");
    let browser = format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8\r\nc=IN IP4 0.0.0.0\r\n\
         a=ice-ufrag:chrm\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=setup:active\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
    );
    let plain = "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
                 m=audio 4000 RTP/AVP 8\r\na=sendrecv\r\n";
    for (body, is_taken) in [(browser.as_str(), true), (plain, false)] {
        let mut line = Line::new(Transport::Ws, Srtp::Offer, Some(Arc::clone(&identity)));
        let (answer, _) = line.invited();
        let tag = answer
            .lines()
            .find_map(|line| line.strip_prefix("To: ")?.split_once(";tag="))
            .expect("our tag")
            .1;
        let acknowledgement = line.request("ACK", 1, &format!(";tag={tag}"), body);
        let effects = line.hears(&acknowledgement);
        assert_eq!(
            guards(&effects) == [Some(true)],
            is_taken,
            "{body}: {effects:?}"
        );
        let is_ended = said(&effects).iter().any(|text| text.starts_with("BYE "));
        assert_eq!(is_ended, !is_taken, "{body}: {effects:?}");
    }
}

#[test]
fn without_a_fitting_offer_the_call_is_refused_and_nothing_is_downgraded() {
    let (answer, effects) = Line::new(Transport::Ws, Srtp::Offer, None).invited();
    assert!(answer.starts_with("SIP/2.0 488 "), "{answer}");
    assert_eq!(guards(&effects), []);

    let phone = Peer::Account("tv01".into());
    assert_eq!(Srtp::Require.offer_to(&phone, Transport::Udp), None);
    assert_eq!(
        Srtp::Require.offer_to(&phone, Transport::Tls),
        Some((MediaKind::Sdes, Security::Require))
    );
    assert_eq!(
        Srtp::Off.offer_to(&phone, Transport::Tls),
        Some((MediaKind::Plain, Security::Plain))
    );
}
