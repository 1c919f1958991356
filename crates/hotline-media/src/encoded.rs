//! Prompts and beds in Opus, the dear codec: each frame is encoded once, for whoever hears it first.
//!
//! A whole prompt at first use would hold the media thread up for tens of milliseconds, so a sound is encoded as it
//! is played: listeners begin at its beginning and take a frame each tick, hence the foremost of them finds one frame
//! to encode and all others find it done. Three hundred who wait cost one encoder, not three hundred.
//!
//! G.722 costs little, and its decoders answer a change between two encoders with up to full scale: a leg with G.722
//! has an encoder to itself, always.

use std::collections::HashMap;

use crate::line::FRAME_SAMPLES;
use crate::message::Codec;
use crate::mouth::Mouth;
use crate::time::Mono;

/// A frame of 20 ms of a sound that many may hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) piece: Piece,
    /// Counted from the beginning of the sound.
    pub(crate) frame: usize,
    /// Of the whole sound, the last one filled up with silence.
    pub(crate) frames: usize,
}

impl Place {
    /// Whether `next` follows at once.
    pub(crate) fn is_before(self, next: Place) -> bool {
        self.piece == next.piece && self.frame + 1 == next.frame
    }
}

/// A sound of the shard's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    /// Index into the table of sounds.
    Sound(u32),
    /// The soft bed, which no file holds.
    Soft,
}

/// What has been encoded so far, within [`Encoded::new`]'s limit.
#[derive(Debug)]
pub(crate) struct Encoded {
    sounds: HashMap<Piece, Packets>,
    bytes: usize,
    bytes_max: usize,
}

/// The payloads of one sound, one behind the other.
#[derive(Debug)]
struct Packets {
    /// None when the last frame is done.
    mouth: Option<Mouth>,
    payloads: Vec<u8>,
    /// Where each payload ends.
    ends: Vec<u32>,
    bytes: usize,
    used_at: Mono,
}

impl Encoded {
    /// Of at most so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Encoded {
            sounds: HashMap::new(),
            bytes: 0,
            bytes_max,
        }
    }

    /// The payload of a frame whose A-law is `alaw`. None when the listener must encode it alone: it has come into
    /// the middle of a sound that nobody has heard so far, there is no room, or libopus refuses.
    pub(crate) fn payload(
        &mut self,
        now: Mono,
        place: Place,
        alaw: &[u8; FRAME_SAMPLES],
    ) -> Option<&[u8]> {
        if place.frame == 0 && !self.sounds.contains_key(&place.piece) {
            self.begin(now, place)?;
        }
        let packets = self.sounds.get_mut(&place.piece)?;
        packets.used_at = now;
        packets.payload(place, alaw)
    }

    /// Room for a sound, if need be that of those which nobody has heard for the longest time.
    fn begin(&mut self, now: Mono, place: Place) -> Option<()> {
        let bytes = place.frames * (FRAME_BYTES + size_of::<u32>());
        while self.bytes + bytes > self.bytes_max {
            let oldest = self
                .sounds
                .iter()
                .filter(|(_, packets)| now.0.saturating_sub(packets.used_at.0) > IDLE_MICROSECONDS)
                .min_by_key(|(_, packets)| packets.used_at)
                .map(|(piece, _)| *piece)?;
            self.bytes -= self.sounds.remove(&oldest)?.bytes;
        }
        self.bytes += bytes;
        let packets = Packets {
            mouth: Some(Mouth::new(Codec::Opus, None)),
            payloads: Vec::with_capacity(place.frames * FRAME_BYTES),
            ends: Vec::with_capacity(place.frames),
            bytes,
            used_at: now,
        };
        self.sounds.insert(place.piece, packets);
        Some(())
    }
}

impl Packets {
    fn payload(&mut self, place: Place, alaw: &[u8; FRAME_SAMPLES]) -> Option<&[u8]> {
        if place.frame == self.ends.len() {
            let payload = self.mouth.as_mut()?.say_alaw(alaw).ok()?.whole();
            self.payloads.extend_from_slice(payload);
            self.ends.push(u32::try_from(self.payloads.len()).ok()?);
            if self.ends.len() == place.frames {
                self.mouth = None;
            }
        }
        let end = *self.ends.get(place.frame)? as usize;
        let start = match place.frame.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.payloads.get(start..end)
    }
}

/// What 20 ms take at 24 kbit/s.
const FRAME_BYTES: usize = 60;
/// A sound that somebody hears is taken at each tick; one that was silent for a second has no listener.
const IDLE_MICROSECONDS: u64 = 1_000_000;
/// All shipped sounds, played to somebody with Opus, take 3.5 MB.
pub(crate) const ENCODED_BYTES_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests;
