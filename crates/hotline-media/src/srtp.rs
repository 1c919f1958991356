//! SRTP and SRTCP of one leg (RFC 3711): what we send is sealed, what comes is opened or counted.
//!
//! The `webrtc-srtp` crate has the ciphers. It keeps state for every SSRC that it ever meets, before it knows whether
//! the packet is genuine, so a stranger could fill our memory; it takes an RTCP packet that says it is not sealed
//! without looking at its tag, indexes beyond the end of a short one, and makes its replay windows anew for each
//! packet. So each SSRC that has proven itself has a context of its own
//! here, a new one is tried in a context that is thrown away after a while, lengths are checked before, and the
//! replay window of audio is ours.

use std::net::SocketAddr;

use bytes::Bytes;
use webrtc_srtp::context::Context;
use webrtc_srtp::option::srtcp_replay_protection;
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::demultiplex::{self, Kind};
use crate::output::{Channel, Output, Slot};
use crate::packet::HEADER_BYTES;
use crate::protection::{MasterKey, Protection, Suite};

/// What stands between a leg and the network.
#[derive(Debug)]
pub(crate) enum Cover {
    /// Nothing passes: there should be keys, and they are of no use. Never plain instead.
    Closed,
    /// Plain packets (or what `media::browser` has opened already).
    None,
    /// Keys out of the session descriptions.
    Sdes(Box<Guard>),
}

impl Cover {
    pub(crate) fn new(protection: &Protection) -> Self {
        match protection {
            Protection::Plain | Protection::Browser => Cover::None,
            Protection::Sdes { send, receive } => match Guard::new(send, receive) {
                Some(guard) => Cover::Sdes(Box::new(guard)),
                None => Cover::Closed,
            },
        }
    }

    /// A new offer and answer: a key that has not changed goes on counting where it was, or its stream of bytes
    /// would be used twice.
    pub(crate) fn renew(&mut self, protection: &Protection) {
        match (&mut *self, protection) {
            (Cover::Sdes(guard), Protection::Sdes { send, receive }) => guard.renew(send, receive),
            (Cover::Closed | Cover::None | Cover::Sdes(_), protection) => {
                *self = Cover::new(protection);
            }
        }
    }

    /// Sends an RTP packet that `write` makes.
    pub(crate) fn send(
        &mut self,
        slot: Slot,
        target: SocketAddr,
        out: &mut Output,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        match self {
            Cover::Closed => {}
            Cover::None => out.push(slot, Channel::Media, target, write),
            Cover::Sdes(guard) => {
                if let Some(sealed) = guard.seal(write) {
                    out.push(slot, Channel::Media, target, |bytes| {
                        bytes.extend_from_slice(&sealed)
                    });
                }
            }
        }
    }

    /// Sends an RTCP packet.
    pub(crate) fn send_control(
        &mut self,
        slot: Slot,
        (channel, target): (Channel, SocketAddr),
        out: &mut Output,
        packet: &[u8],
    ) {
        let write = |packet: &[u8], out: &mut Output| {
            out.push(slot, channel, target, |bytes| {
                bytes.extend_from_slice(packet)
            });
        };
        match self {
            Cover::Closed => {}
            Cover::None => write(packet, out),
            Cover::Sdes(guard) => {
                if let Some(sealed) = guard.seal_control(packet) {
                    write(&sealed, out);
                }
            }
        }
    }
}

/// Both ways of a leg.
pub(crate) struct Guard {
    sealer: Sealer,
    opener: Opener,
}

impl Guard {
    /// None when the cipher refuses the key, which a key of the right length never is.
    pub(crate) fn new(send: &MasterKey, receive: &MasterKey) -> Option<Self> {
        Some(Guard {
            sealer: Sealer::new(send)?,
            opener: Opener::new(receive)?,
        })
    }

    /// New keys of a new offer and answer: what has not changed goes on counting where it was.
    pub(crate) fn renew(&mut self, send: &MasterKey, receive: &MasterKey) {
        if self.sealer.key != *send
            && let Some(sealer) = Sealer::new(send)
        {
            self.sealer = sealer;
        }
        if self.opener.key != *receive
            && let Some(opener) = Opener::new(receive)
        {
            self.opener = opener;
        }
    }

    /// Seals an RTP packet that `write` makes. None when the key has been used up (RFC 3711 §9.2).
    pub(crate) fn seal(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Option<Bytes> {
        self.sealer.seal(write)
    }

    /// Seals an RTCP packet.
    pub(crate) fn seal_control(&mut self, packet: &[u8]) -> Option<Bytes> {
        self.sealer.context.encrypt_rtcp(packet).ok()
    }

    /// Opens an RTP packet; None when it is not the peer's, not whole, or not new.
    pub(crate) fn open(&mut self, datagram: &[u8]) -> Option<Bytes> {
        self.opener.open(datagram)
    }

    /// Opens an RTCP packet.
    pub(crate) fn open_control(&mut self, datagram: &[u8]) -> Option<Bytes> {
        self.opener.open_control(datagram)
    }

    /// Whether the packet's SSRC has proven itself: then opening it costs one hash and no new state.
    pub(crate) fn knows(&self, datagram: &[u8]) -> bool {
        ssrc(datagram)
            .is_some_and(|ssrc| self.opener.sources.iter().any(|source| source.ssrc == ssrc))
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Guard(..)")
    }
}

struct Sealer {
    key: MasterKey,
    context: Context,
    packets: u64,
    /// Filled again for each packet.
    plain: Vec<u8>,
}

impl Sealer {
    fn new(key: &MasterKey) -> Option<Self> {
        Some(Sealer {
            key: key.clone(),
            context: context(key)?,
            packets: 0,
            plain: Vec::with_capacity(PLAIN_BYTES),
        })
    }

    fn seal(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Option<Bytes> {
        if self.packets >= self.key.lifetime_packets() {
            return None;
        }
        self.packets += 1;
        self.plain.clear();
        write(&mut self.plain);
        self.context.encrypt_rtp(&self.plain).ok()
    }
}

struct Opener {
    key: MasterKey,
    /// Sources that have sent a genuine packet, the latest last.
    sources: Vec<Source>,
    /// Where an SSRC that nobody knows is tried, and how many were.
    trial: Option<Context>,
    trials: u32,
    control: Context,
    packets: u64,
    without_mki: Vec<u8>,
}

/// A genuine sender under this key.
struct Source {
    ssrc: u32,
    context: Context,
    window: Window,
}

impl Opener {
    fn new(key: &MasterKey) -> Option<Self> {
        Some(Opener {
            key: key.clone(),
            sources: Vec::new(),
            trial: None,
            trials: 0,
            control: control_context(key)?,
            packets: 0,
            without_mki: Vec::new(),
        })
    }

    fn open(&mut self, datagram: &[u8]) -> Option<Bytes> {
        let ssrc = ssrc(datagram)?;
        let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
        if self.packets >= self.key.lifetime_packets() {
            return None;
        }
        let datagram = without_mki(&self.key, datagram, &mut self.without_mki)?;
        if datagram.len() < HEADER_BYTES + self.key.suite().tag_bytes() {
            return None;
        }
        if let Some(source) = self.sources.iter_mut().find(|source| source.ssrc == ssrc) {
            if !source.window.admits(sequence) {
                return None;
            }
            let plain = source.context.decrypt_rtp(datagram).ok()?;
            source.window.enter(sequence);
            self.packets += 1;
            return Some(plain);
        }
        self.trials += 1;
        if self.trial.is_none() || self.trials > TRIALS_MAX {
            self.trials = 1;
            self.trial = Some(context(&self.key)?);
        }
        let plain = self.trial.as_mut()?.decrypt_rtp(datagram).ok()?;
        let context = self.trial.take()?;
        self.packets += 1;
        if self.sources.len() >= SOURCES_MAX {
            self.sources.remove(0);
        }
        self.sources.push(Source {
            ssrc,
            context,
            window: Window::begin(sequence),
        });
        Some(plain)
    }

    fn open_control(&mut self, datagram: &[u8]) -> Option<Bytes> {
        // RTCP has an index of four bytes besides; a report without a block is eight bytes long.
        let mki_bytes = self.key.mki_bytes();
        if datagram.len()
            < CONTROL_HEADER_BYTES + CONTROL_INDEX_BYTES + control_tag_bytes(&self.key) + mki_bytes
        {
            return None;
        }
        let sender = u32::from_be_bytes([datagram[4], datagram[5], datagram[6], datagram[7]]);
        // The crate remembers whom it has met before it knows whether he is genuine: only known ones get that far.
        if !self.sources.iter().any(|source| source.ssrc == sender) {
            return None;
        }
        let datagram = without_mki(&self.key, datagram, &mut self.without_mki)?;
        // RFC 3711 §3.4: the bit that says that it is sealed. Without it the crate would not even look at the tag.
        let index_at = datagram.len() - CONTROL_INDEX_BYTES - trailing_tag_bytes(&self.key);
        if datagram[index_at] & 0x80 == 0 {
            return None;
        }
        self.control.decrypt_rtcp(datagram).ok()
    }
}

/// The key's name stands between payload and tag, but behind the tag of GCM (RFC 3711 §3.1, RFC 7714 §8.1).
fn without_mki<'a>(key: &MasterKey, datagram: &'a [u8], room: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let mki_bytes = key.mki_bytes();
    if mki_bytes == 0 {
        return Some(datagram);
    }
    let tag_bytes = match trailing_tag_bytes(key) {
        0 => 0,
        bytes if demultiplex::kind(datagram) == Kind::Rtcp => bytes,
        _ => key.suite().tag_bytes(),
    };
    let tag_at = datagram.len().checked_sub(tag_bytes)?;
    let mki_at = tag_at.checked_sub(mki_bytes)?;
    room.clear();
    room.extend_from_slice(&datagram[..mki_at]);
    room.extend_from_slice(&datagram[tag_at..]);
    Some(room)
}

/// What stands behind the index: GCM has its tag before it (RFC 7714 §17).
fn trailing_tag_bytes(key: &MasterKey) -> usize {
    match key.suite() {
        Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 0,
        Suite::AesCm128HmacSha1_32
        | Suite::AesCm128HmacSha1_80
        | Suite::AesCm256HmacSha1_32
        | Suite::AesCm256HmacSha1_80 => CONTROL_TAG_BYTES,
    }
}

fn control_tag_bytes(key: &MasterKey) -> usize {
    match key.suite() {
        Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => key.suite().tag_bytes(),
        Suite::AesCm128HmacSha1_32
        | Suite::AesCm128HmacSha1_80
        | Suite::AesCm256HmacSha1_32
        | Suite::AesCm256HmacSha1_80 => CONTROL_TAG_BYTES,
    }
}

/// Which packets of a source have come: the last 128 (RFC 3711 §3.3.2 asks for 64 at least).
struct Window {
    highest: u16,
    /// Bit n: highest - n has come.
    seen: u128,
}

impl Window {
    fn begin(sequence: u16) -> Self {
        Window {
            highest: sequence,
            seen: 1,
        }
    }

    fn admits(&self, sequence: u16) -> bool {
        let back = self.highest.wrapping_sub(sequence);
        let is_ahead = back == 0 || back > u16::MAX / 2;
        match u32::from(back) {
            0 => false,
            _ if is_ahead => true,
            back => back < u128::BITS && self.seen & (1 << back) == 0,
        }
    }

    fn enter(&mut self, sequence: u16) {
        let ahead = sequence.wrapping_sub(self.highest);
        if ahead <= u16::MAX / 2 {
            self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            self.highest = sequence;
        } else {
            self.seen |= 1_u128
                .checked_shl(u32::from(self.highest.wrapping_sub(sequence)))
                .unwrap_or(0);
        }
    }
}

fn ssrc(datagram: &[u8]) -> Option<u32> {
    let (header, _) = datagram.split_first_chunk::<HEADER_BYTES>()?;
    (demultiplex::kind(datagram) == Kind::Rtp)
        .then(|| u32::from_be_bytes([header[8], header[9], header[10], header[11]]))
}

fn context(key: &MasterKey) -> Option<Context> {
    Context::new(key.key(), key.salt(), profile(key.suite()), None, None).ok()
}

fn control_context(key: &MasterKey) -> Option<Context> {
    let window = srtcp_replay_protection(CONTROL_WINDOW_PACKETS);
    Context::new(
        key.key(),
        key.salt(),
        profile(key.suite()),
        None,
        Some(window),
    )
    .ok()
}

fn profile(suite: Suite) -> ProtectionProfile {
    match suite {
        Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Suite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        Suite::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
        Suite::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::AesCm256HmacSha1_32 => ProtectionProfile::Aes256CmHmacSha1_32,
        Suite::AesCm256HmacSha1_80 => ProtectionProfile::Aes256CmHmacSha1_80,
    }
}

/// Genuine sources of a key: gateways change their SSRC when their far side changes.
const SOURCES_MAX: usize = 16;
/// Strangers' SSRCs that the trial context remembers before it is made anew.
const TRIALS_MAX: u32 = 64;
const CONTROL_WINDOW_PACKETS: usize = 64;
const CONTROL_HEADER_BYTES: usize = 8;
const CONTROL_INDEX_BYTES: usize = 4;
const CONTROL_TAG_BYTES: usize = 10;
/// A frame of 20 ms with its header, and some more.
const PLAIN_BYTES: usize = 256;

#[cfg(test)]
mod tests;
