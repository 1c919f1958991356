//! Packet captures for SIPp to play: A-law tones and RFC 4733 digits with one SSRC, as a real phone sends them.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

const PACKET_MS: u32 = 20;
const SAMPLES: u32 = 160;
const SSRC: u32 = 0x1110_0111;
const PAYLOAD_ALAW: u8 = 8;
const PAYLOAD_EVENT: u8 = 101;

/// Writes packets with a common sequence and timestamp line.
pub(crate) struct Capture {
    bytes: Vec<u8>,
    at_ms: u32,
    sequence: u16,
    timestamp: u32,
    phase: f64,
}

impl Default for Capture {
    fn default() -> Self {
        let mut bytes = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        Self {
            bytes,
            at_ms: 0,
            sequence: 1,
            timestamp: 0,
            phase: 0.0,
        }
    }
}

impl Capture {
    /// A sine of `hz` at `level_dbfs` for `length_ms`.
    pub(crate) fn tone(mut self, hz: f64, level_dbfs: f64, length_ms: u32) -> Self {
        let amplitude = 32_767.0 * 10_f64.powf(level_dbfs / 20.0);
        for _ in 0..length_ms / PACKET_MS {
            let payload: Vec<u8> = (0..SAMPLES)
                .map(|_| {
                    self.phase += TAU * hz / 8_000.0;
                    hotline_media::g711::alaw_encode((amplitude * self.phase.sin()) as i16)
                })
                .collect();
            self.packet(PAYLOAD_ALAW, self.timestamp, &payload);
            self.timestamp += SAMPLES;
        }
        self
    }

    /// Nothing but A-law zeros for `length_ms`.
    pub(crate) fn silence(mut self, length_ms: u32) -> Self {
        for _ in 0..length_ms / PACKET_MS {
            self.packet(
                PAYLOAD_ALAW,
                self.timestamp,
                &[hotline_media::g711::ALAW_SILENCE; SAMPLES as usize],
            );
            self.timestamp += SAMPLES;
        }
        self
    }

    /// One press of 160 ms: eight packets, the last three with the end bit (RFC 4733 §2.5).
    pub(crate) fn digit(mut self, event: u8) -> Self {
        let start = self.timestamp;
        for step in 1..=8_u32 {
            let is_end = step >= 6;
            let duration = (step.min(6) * SAMPLES) as u16;
            let flags = 10 | if is_end { 0x80 } else { 0 };
            let [high, low] = duration.to_be_bytes();
            self.packet(PAYLOAD_EVENT, start, &[event, flags, high, low]);
        }
        self.timestamp += 8 * SAMPLES;
        self
    }

    fn packet(&mut self, payload_type: u8, timestamp: u32, payload: &[u8]) {
        let mut rtp = vec![0x80, payload_type];
        rtp.extend_from_slice(&self.sequence.to_be_bytes());
        rtp.extend_from_slice(&timestamp.to_be_bytes());
        rtp.extend_from_slice(&SSRC.to_be_bytes());
        rtp.extend_from_slice(payload);
        let udp_length = (rtp.len() + 8) as u16;
        let ip_length = udp_length + 20;
        let mut frame = vec![0; 12];
        frame.extend_from_slice(&[0x08, 0x00, 0x45, 0]);
        frame.extend_from_slice(&ip_length.to_be_bytes());
        frame.extend_from_slice(&[0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
        frame.extend_from_slice(&[0x27, 0x10, 0x27, 0x10]);
        frame.extend_from_slice(&udp_length.to_be_bytes());
        frame.extend_from_slice(&[0, 0]);
        frame.extend_from_slice(&rtp);
        for word in [
            self.at_ms / 1_000,
            self.at_ms % 1_000 * 1_000,
            frame.len() as u32,
            frame.len() as u32,
        ] {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.bytes.extend_from_slice(&frame);
        self.sequence = self.sequence.wrapping_add(1);
        self.at_ms += PACKET_MS;
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) {
        fs::write(path, &self.bytes).expect("writing a capture");
    }
}
