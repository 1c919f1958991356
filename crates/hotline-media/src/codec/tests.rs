//! Each codec carries a tone and a voice, and the names are those of the RFCs.

use super::*;
use crate::analysis::tone_level_db;
use crate::tone::Oscillator;

/// 100 frames of a 1 kHz tone at -12 dB through an encoder and a decoder; the last half second.
fn through(codec: Codec, encoder_hz: u32, decoder_hz: u32) -> Vec<i16> {
    let mut encoder = Encoder::new(codec, encoder_hz).unwrap();
    let mut decoder = Decoder::new(codec, decoder_hz).unwrap();
    let mut tone = Oscillator::new(1_000, 12, encoder_hz);
    let mut heard = Vec::new();
    let mut payload = Vec::new();
    for _ in 0..100 {
        let frame: Vec<i16> = (0..encoder_hz / 50).map(|_| tone.sample()).collect();
        payload.clear();
        encoder.encode(&frame, &mut payload).unwrap();
        assert_eq!(codec.payload_units(&payload), codec.clock().frame());
        let mut samples = [0; 960];
        let length = decoder.decode(&payload, &mut samples).unwrap();
        assert_eq!(length as u32, decoder_hz / 50);
        heard.extend_from_slice(&samples[..length]);
    }
    heard.split_off(heard.len() - decoder_hz as usize / 2)
}

#[test]
fn a_tone_comes_through_each_codec_at_each_of_its_rates() {
    for (codec, encoder_hz, decoder_hz) in [
        (Codec::Pcma, 8_000, 8_000),
        (Codec::Pcmu, 8_000, 8_000),
        (Codec::G722, 16_000, 16_000),
        (Codec::Opus, 8_000, 8_000),
        (Codec::Opus, 16_000, 8_000),
        (Codec::Opus, 48_000, 8_000),
        (Codec::Opus, 8_000, 48_000),
        (Codec::Opus, 48_000, 48_000),
    ] {
        let heard = through(codec, encoder_hz, decoder_hz);
        let level = tone_level_db(&heard, decoder_hz, 1_000);
        assert!(
            (level + 12.0).abs() < 1.5,
            "{codec:?} {encoder_hz} -> {decoder_hz}: {level:.1} dB"
        );
        let other = tone_level_db(&heard, decoder_hz, 2_300);
        assert!(other < -45.0, "{codec:?}: {other:.1} dB at 2,300 Hz");
    }
}

#[test]
fn a_rate_that_a_codec_has_not_is_refused_and_never_guessed() {
    for (codec, rate_hz) in [
        (Codec::Pcma, 16_000),
        (Codec::G722, 8_000),
        (Codec::Opus, 44_100),
    ] {
        let error = CodecError::Rate { codec, rate_hz };
        assert_eq!(Encoder::new(codec, rate_hz).unwrap_err(), error);
        assert_eq!(Decoder::new(codec, rate_hz).unwrap_err(), error);
    }
}

#[test]
fn packets_of_nonsense_are_refused_and_the_next_good_one_is_heard() {
    let mut decoder = Decoder::new(Codec::Opus, 8_000).unwrap();
    let mut samples = [0; 960];
    for payload in [&[][..], &[0xFF; 3][..], &[0x03, 0xFF, 0xFF][..]] {
        let refused = CodecError::Refused { codec: Codec::Opus };
        assert_eq!(decoder.decode(payload, &mut samples), Err(refused));
    }
    // 60 ms do not fit into the room for 20.
    let mut encoder = Encoder::new(Codec::Opus, 8_000).unwrap();
    let mut payload = Vec::new();
    encoder.encode(&[0; 480], &mut payload).unwrap();
    assert!(decoder.decode(&payload, &mut samples[..160]).is_err());
    assert_eq!(decoder.decode(&payload, &mut samples), Ok(480));
}

#[test]
fn a_lost_opus_packet_comes_back_out_of_the_next_one() {
    let mut encoder = Encoder::new(Codec::Opus, 8_000).unwrap();
    let mut decoder = Decoder::new(Codec::Opus, 8_000).unwrap();
    let mut tone = Oscillator::new(500, 12, 8_000);
    let packets: Vec<Vec<u8>> = (0..50)
        .map(|_| {
            let frame: Vec<i16> = (0..160).map(|_| tone.sample()).collect();
            let mut payload = Vec::new();
            encoder.encode(&frame, &mut payload).unwrap();
            payload
        })
        .collect();
    let mut heard = Vec::new();
    for index in 0..packets.len() - 1 {
        let mut samples = [0; 160];
        if index == 30 {
            assert!(decoder.conceal(Some(&packets[31]), &mut samples));
        } else {
            decoder.decode(&packets[index], &mut samples).unwrap();
        }
        heard.extend_from_slice(&samples);
    }
    let level = tone_level_db(&heard[30 * 160..31 * 160], 8_000, 500);
    assert!((level + 12.0).abs() < 3.0, "concealed at {level:.1} dB");
    let mut law = Decoder::new(Codec::Pcma, 8_000).unwrap();
    assert!(!law.conceal(None, &mut [0; 160]), "G.711 has no such art");
}

#[test]
fn names_and_numbers_are_those_of_the_registry() {
    let named = |name, clock_hz| Codec::of_encoding(name, Some(clock_hz));
    assert_eq!(named("pcma", 8_000), Some(Codec::Pcma));
    assert_eq!(named("PCMU", 8_000), Some(Codec::Pcmu));
    assert_eq!(named("g722", 8_000), Some(Codec::G722));
    assert_eq!(named("G722", 16_000), Some(Codec::G722));
    assert_eq!(named("OPUS", 48_000), Some(Codec::Opus));
    assert_eq!(named("PCMA", 16_000), None);
    assert_eq!(named("opus", 8_000), None);
    assert_eq!(named("speex", 8_000), None);
    assert_eq!(Codec::of_encoding("PCMA", None), Some(Codec::Pcma));
    assert_eq!(Codec::of_static_payload_type(9), Some(Codec::G722));
    assert_eq!(Codec::of_static_payload_type(111), None);
    for codec in ALL {
        let [name, clock, ..] = codec.encoding().split('/').collect::<Vec<_>>()[..] else {
            panic!("{codec:?}")
        };
        assert_eq!(Codec::of_encoding(name, clock.parse().ok()), Some(codec));
        let number = codec.static_payload_type();
        assert!(number.is_none_or(|number| Codec::of_static_payload_type(number) == Some(codec)));
    }
}
