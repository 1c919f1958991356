use super::*;
use crate::codec::{Decoder, Encoder};

/// A packer, what came out of it, and what is put next.
struct Case {
    packer: Packer,
    came: Vec<(Numbers, Vec<u8>)>,
    next: Numbers,
    now: Mono,
    count: u8,
}

const FIRST: Numbers = Numbers {
    marker: true,
    sequence: 65_535,
    timestamp: u32::MAX - 100,
    ssrc: 9,
};

impl Case {
    fn new(codec: Codec, packet_ms: u8) -> Self {
        Case {
            packer: Packer::new(codec, Some(packet_ms), FIRST),
            came: Vec::new(),
            next: FIRST,
            now: Mono(1_000_000),
            count: 0,
        }
    }

    /// Puts so many bytes, all different from one another as long as they can be.
    fn put_bytes(&mut self, length: usize) {
        let payload: Vec<u8> = (0..length)
            .map(|_| {
                self.count = self.count.wrapping_add(1);
                self.count
            })
            .collect();
        self.put(&payload);
    }

    fn put(&mut self, payload: &[u8]) {
        let Case {
            packer, came, next, ..
        } = self;
        packer.put(self.now, *next, payload, &mut |numbers, payload| {
            came.push((numbers, payload.to_vec()));
        });
        self.skip(packer_units(self.packer.codec, payload));
    }

    fn skip(&mut self, units: u32) {
        self.now = Mono(self.now.0 + 20_000);
        self.next.marker = false;
        self.next.sequence = self.next.sequence.wrapping_add(1);
        self.next.timestamp = self.next.timestamp.wrapping_add(units);
    }

    fn lengths(&self) -> Vec<usize> {
        self.came.iter().map(|(_, payload)| payload.len()).collect()
    }

    /// One line: numbers rise by one, the clock by what was in the packet before.
    fn assert_line(&self) {
        let (first, _) = &self.came[0];
        assert_eq!(*first, FIRST);
        for pair in self.came.windows(2) {
            let ((one, payload), (other, _)) = (&pair[0], &pair[1]);
            assert_eq!(other.sequence, one.sequence.wrapping_add(1));
            let units = packer_units(self.packer.codec, payload);
            assert_eq!(other.timestamp, one.timestamp.wrapping_add(units));
            assert!(!other.marker);
            assert_eq!(other.ssrc, one.ssrc);
        }
    }
}

fn packer_units(codec: Codec, payload: &[u8]) -> u32 {
    codec.payload_units(payload)
}

#[test]
fn any_length_becomes_the_wanted_one_and_no_byte_is_lost() {
    for codec in [Codec::Pcma, Codec::Pcmu, Codec::G722] {
        for packet_ms in STEPS_MS {
            for put_ms in [10, 20, 30, 40, 60, 100] {
                let mut case = Case::new(codec, packet_ms);
                for _ in 0..600 / put_ms {
                    case.put_bytes(put_ms * 8);
                }
                let length = usize::from(packet_ms) * 8;
                assert!(
                    case.lengths().iter().all(|came| *came == length),
                    "{put_ms} ms to {packet_ms} ms: {:?}",
                    case.lengths()
                );
                case.assert_line();
                assert_eq!(case.came.len(), 600 / usize::from(packet_ms));
                let bytes: Vec<u8> = case.came.iter().flat_map(|(_, p)| p.clone()).collect();
                let expected: Vec<u8> = (1..=bytes.len()).map(|count| count as u8).collect();
                assert_eq!(bytes, expected);
            }
        }
    }
}

#[test]
fn what_has_the_wanted_length_comes_out_at_once() {
    let mut case = Case::new(Codec::Pcma, 30);
    for count in 1..=4 {
        case.put_bytes(240);
        assert_eq!(case.came.len(), count);
    }
    case.assert_line();
}

#[test]
fn a_hole_is_a_hole_and_what_is_late_is_dropped() {
    let mut case = Case::new(Codec::Pcma, 40);
    case.put_bytes(160);
    let late = case.next;
    // Lost on the way: 20 ms.
    case.skip(160);
    case.put_bytes(160);
    let after = case.next;
    case.next = late;
    case.put_bytes(160);
    case.next = after;
    case.put_bytes(160);
    assert_eq!(case.lengths(), [160, 320]);
    let (one, other) = (case.came[0].0, case.came[1].0);
    assert_eq!(other.timestamp, one.timestamp.wrapping_add(320));
    assert_eq!(other.sequence, one.sequence.wrapping_add(2));
}

#[test]
fn a_pause_is_no_loss_and_keeps_its_mark() {
    let mut case = Case::new(Codec::Pcma, 40);
    case.put_bytes(160);
    case.next.timestamp = case.next.timestamp.wrapping_add(8_000);
    case.next.marker = true;
    case.put_bytes(160);
    case.put_bytes(160);
    assert_eq!(case.lengths(), [160, 320]);
    let (one, other) = (case.came[0].0, case.came[1].0);
    assert_eq!(other.sequence, one.sequence.wrapping_add(1));
    assert!(other.marker);
}

#[test]
fn an_end_is_heard_and_a_key_has_the_next_number() {
    let mut case = Case::new(Codec::G722, 60);
    case.put_bytes(160);
    let Case { packer, came, .. } = &mut case;
    let mut emit = |numbers: Numbers, payload: &[u8]| came.push((numbers, payload.to_vec()));
    packer.flush_stale(Mono(1_060_000), &mut emit);
    packer.flush_stale(Mono(1_120_000), &mut emit);
    assert_eq!(packer.interrupt(&mut emit), 0);
    assert_eq!(case.lengths(), [160]);
}

/// 20 ms of a tone in one or two packets, as a leg makes them for this length.
fn opus_frames(packet_ms: u8, frames: usize) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(Codec::Opus, 8_000).unwrap();
    let mut tone = crate::tone::Oscillator::new(600, 12, 8_000);
    let pieces = pieces_of_a_frame(Codec::Opus, Some(packet_ms));
    (0..frames * pieces)
        .map(|_| {
            let samples: Vec<i16> = (0..160 / pieces).map(|_| tone.sample()).collect();
            let mut payload = Vec::new();
            encoder.encode(&samples, &mut payload).unwrap();
            payload
        })
        .collect()
}

#[test]
fn frames_of_opus_are_joined() {
    for packet_ms in STEPS_MS {
        let mut case = Case::new(Codec::Opus, packet_ms);
        for payload in opus_frames(packet_ms, 60) {
            case.put(&payload);
        }
        assert_eq!(case.came.len(), 1_200 / usize::from(packet_ms));
        case.assert_line();
        let mut decoder = Decoder::new(Codec::Opus, 8_000).unwrap();
        let mut heard = Vec::new();
        for (_, payload) in &case.came {
            let mut samples = [0; 480];
            let length = decoder.decode(payload, &mut samples).unwrap();
            assert_eq!(length, usize::from(packet_ms) * 8);
            heard.extend_from_slice(&samples[..length]);
        }
        let level = crate::analysis::tone_level_db(&heard[1_600..], 8_000, 600);
        assert!((level + 12.0).abs() < 3.0, "{packet_ms} ms: {level} dB");
    }
}

#[test]
fn opus_that_is_longer_than_wanted_goes_as_it_is() {
    let mut case = Case::new(Codec::Opus, 10);
    let payloads = opus_frames(20, 3);
    for payload in &payloads {
        case.put(payload);
    }
    let came: Vec<&Vec<u8>> = case.came.iter().map(|(_, payload)| payload).collect();
    assert_eq!(came, payloads.iter().collect::<Vec<_>>());
    case.assert_line();
}

#[test]
fn frames_of_opus_that_do_not_fit_together_go_one_by_one() {
    let mut case = Case::new(Codec::Opus, 60);
    let narrow = opus_frames(20, 1).remove(0);
    // The first byte says mode and band (RFC 6716 §3.1): another one than the packet before.
    let mut other = narrow.clone();
    other[0] ^= 0b0010_0000;
    assert_eq!(packer_units(Codec::Opus, &other), 960);
    for payload in [&narrow, &other, &narrow] {
        case.put(payload);
    }
    let came: Vec<Vec<u8>> = case.came.iter().map(|(_, p)| p.clone()).collect();
    assert_eq!(came, [narrow.clone(), other, narrow]);
    case.assert_line();
}

#[test]
fn a_wish_is_rounded_down_to_a_step_and_bounded() {
    for (wanted, most, expected) in [
        (None, None, None),
        (Some(20), None, Some(20)),
        (Some(30), None, Some(30)),
        (Some(25), None, Some(20)),
        (Some(5), None, Some(10)),
        (Some(200), None, Some(60)),
        (Some(60), Some(40), Some(40)),
        (Some(20), Some(150), Some(20)),
        (None, Some(150), Some(20)),
        (None, Some(10), Some(10)),
    ] {
        assert_eq!(packet_ms(wanted, most), expected, "{wanted:?}, {most:?}");
    }
}
