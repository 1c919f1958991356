use super::Ident;
use hotline_media::Codec::{Pcma, Pcmu};
use hotline_media::g711::{ALAW_SILENCE, ALAW_TO_ULAW, ULAW_TO_ALAW};

#[test]
fn an_ident_survives_both_laws_and_every_change_between_them() {
    for (leg, sequence) in [
        (0, 0),
        (1, 2),
        (0xF_FFFF, 0xFF_FFFF),
        (0x5_A5A5, 0x12_3456),
        (999, 16_777_000),
    ] {
        let ident = Ident { leg, sequence };
        for (codec, there, back) in [
            (Pcma, &ALAW_TO_ULAW, &ULAW_TO_ALAW),
            (Pcmu, &ULAW_TO_ALAW, &ALAW_TO_ULAW),
        ] {
            let other = if codec == Pcma { Pcmu } else { Pcma };
            let mut payload = [ALAW_SILENCE; 160];
            ident.write(codec, &mut payload);
            assert_eq!(Ident::read(codec, &payload), Some(ident));
            let changed = payload.map(|code| there[usize::from(code)]);
            assert_eq!(Ident::read(other, &changed), Some(ident));
            let again = changed.map(|code| back[usize::from(code)]);
            assert_eq!(Ident::read(codec, &again), Some(ident));
        }
    }
}

#[test]
fn other_audio_is_no_ident() {
    assert_eq!(Ident::read(Pcma, &[ALAW_SILENCE; 160]), None);
    assert_eq!(Ident::read(Pcma, &[]), None);
    let mut payload = [ALAW_SILENCE; 160];
    Ident {
        leg: 77,
        sequence: 1_000,
    }
    .write(Pcma, &mut payload);
    payload[5] ^= 0x80;
    assert_eq!(
        Ident::read(Pcma, &payload),
        None,
        "a sample of the other sign"
    );
}
