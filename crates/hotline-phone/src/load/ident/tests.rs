use super::Ident;
use hotline_media::g711::Law::{A, Mu};
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
        for (law, there, back) in [
            (A, &ALAW_TO_ULAW, &ULAW_TO_ALAW),
            (Mu, &ULAW_TO_ALAW, &ALAW_TO_ULAW),
        ] {
            let other = if law == A { Mu } else { A };
            let mut payload = [ALAW_SILENCE; 160];
            ident.write(law, &mut payload);
            assert_eq!(Ident::read(law, &payload), Some(ident));
            let changed = payload.map(|code| there[usize::from(code)]);
            assert_eq!(Ident::read(other, &changed), Some(ident));
            let again = changed.map(|code| back[usize::from(code)]);
            assert_eq!(Ident::read(law, &again), Some(ident));
        }
    }
}

#[test]
fn other_audio_is_no_ident() {
    assert_eq!(Ident::read(A, &[ALAW_SILENCE; 160]), None);
    assert_eq!(Ident::read(A, &[]), None);
    let mut payload = [ALAW_SILENCE; 160];
    Ident {
        leg: 77,
        sequence: 1_000,
    }
    .write(A, &mut payload);
    payload[5] ^= 0x80;
    assert_eq!(Ident::read(A, &payload), None, "a sample of the other sign");
}
