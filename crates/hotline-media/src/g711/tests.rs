use super::*;

/// A second writing of the encoder, by segment end points (the form of CCITT G.711 tables 1a and 1b).
fn alaw_by_segments(sample: i16) -> u8 {
    const ENDS: [i32; 8] = [0x1F, 0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF];
    let mut value = i32::from(sample) >> 3;
    let mask = if value >= 0 {
        0xD5
    } else {
        value = -value - 1;
        0x55
    };
    let segment = ENDS.iter().position(|end| value <= *end).unwrap();
    let shift = if segment < 2 { 1 } else { segment };
    (((segment as i32) << 4) | ((value >> shift) & 0x0F)) as u8 ^ mask
}

/// mu-law by segment end points (CCITT G.711 tables 2a and 2b).
fn ulaw_by_segments(sample: i16) -> u8 {
    const ENDS: [i32; 8] = [0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF, 0x1FFF];
    // The reference works on the one's complement of negative values.
    let (value, mask) = if sample < 0 {
        (i32::from(!sample) >> 2, 0x7F)
    } else {
        (i32::from(sample) >> 2, 0xFF)
    };
    let value = (value + 33).min(0x1FFF);
    let segment = ENDS.iter().position(|end| value <= *end).unwrap();
    (((segment as i32) << 4) | ((value >> (segment + 1)) & 0x0F)) as u8 ^ mask
}

#[test]
fn every_input_encodes_as_the_reference() {
    for sample in i16::MIN..=i16::MAX {
        assert_eq!(
            alaw_encode(sample),
            alaw_by_segments(sample),
            "A-law of {sample}"
        );
        assert_eq!(
            ulaw_encode(sample),
            ulaw_by_segments(sample),
            "mu-law of {sample}"
        );
    }
}

#[test]
fn every_code_comes_back_as_itself() {
    for code in 0..=255u8 {
        assert_eq!(alaw_encode(alaw_decode(code)), code);
        let again = ulaw_encode(ulaw_decode(code));
        // mu-law has two zeros: negative zero decodes to 0, which encodes to positive zero.
        assert_eq!(again, if code == 0x7F { 0xFF } else { code });
    }
}

#[test]
fn known_points_of_the_recommendation() {
    assert_eq!(alaw_encode(0), ALAW_SILENCE);
    assert_eq!(alaw_encode(-8), 0x55);
    assert_eq!(alaw_decode(0xD5), 8);
    assert_eq!(alaw_decode(0xAA), 32256);
    assert_eq!(alaw_decode(0x2A), -32256);
    assert_eq!(ulaw_encode(0), ULAW_SILENCE);
    assert_eq!(ulaw_decode(0x80), 32124);
    assert_eq!(ulaw_decode(0x00), -32124);
}

#[test]
fn error_of_encoding_stays_within_the_step() {
    for sample in i16::MIN..=i16::MAX {
        let error = (i32::from(alaw_decode(alaw_encode(sample))) - i32::from(sample)).abs();
        assert!(
            error <= 16.max(i32::from(sample).abs() / 31 + 1),
            "{sample}: {error}"
        );
    }
}

#[test]
fn tables_between_the_laws_go_through_the_linear_value() {
    for code in 0..=255u8 {
        assert_eq!(
            ALAW_TO_ULAW[usize::from(code)],
            ulaw_encode(alaw_decode(code))
        );
        assert_eq!(
            ULAW_TO_ALAW[usize::from(code)],
            alaw_encode(ulaw_decode(code))
        );
    }
    assert_eq!(ULAW_TO_ALAW[usize::from(ULAW_SILENCE)], ALAW_SILENCE);
}
