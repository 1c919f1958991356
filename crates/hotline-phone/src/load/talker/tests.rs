use super::Talker;
use crate::load::ident::Ident;
use hotline_media::g711::Law;
use hotline_media::{Codec, LegPlan};

fn plan() -> LegPlan {
    LegPlan {
        event_send: Some(101),
        event_receive: Some(101),
        ..LegPlan::new(Codec::Pcma)
    }
}

#[test]
fn audio_packets_carry_rising_numbers_and_remember_when_they_left() {
    let mut talker = Talker::new(7, &plan());
    for number in 0..3u32 {
        let bytes = talker.slot(1_000 + u64::from(number)).bytes.to_vec();
        assert_eq!((bytes.len(), bytes[0], bytes[1]), (172, 0x80, 8));
        assert_eq!(u16::from_be_bytes([bytes[2], bytes[3]]), number as u16 + 1);
        assert_eq!(
            u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            (number + 1) * 160
        );
        assert_eq!(
            Ident::read(Law::A, &bytes[12..]),
            Some(Ident {
                leg: 7,
                sequence: number
            })
        );
    }
    assert_eq!(talker.sent_at(1), Some(1_001));
    assert_eq!(talker.sent_at(3), None);
}

#[test]
fn a_key_is_five_slots_of_one_event_and_ends_three_times() {
    let mut talker = Talker::new(7, &plan());
    talker.slot(0);
    talker.press("9x#");
    let mut story = Vec::new();
    for slot in 1..=11 {
        let slot = talker.slot(slot * 20_000);
        let bytes = slot.bytes;
        story.push(if bytes.len() == 16 {
            let (key, end) = (bytes[12], bytes[13] >> 7);
            let timestamp = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) / 160;
            let duration = u16::from_be_bytes([bytes[14], bytes[15]]) / 160;
            format!(
                "{key} m{} t{timestamp} d{duration} e{end} x{}",
                bytes[1] >> 7,
                slot.copies
            )
        } else {
            "audio".to_owned()
        });
    }
    assert_eq!(
        story[..5],
        [
            "9 m1 t2 d1 e0 x1",
            "9 m0 t2 d2 e0 x1",
            "9 m0 t2 d3 e0 x1",
            "9 m0 t2 d4 e0 x1",
            "9 m0 t2 d5 e1 x3"
        ]
    );
    assert_eq!(
        (story[5].as_str(), story[9].as_str()),
        ("11 m1 t7 d1 e0 x1", "11 m0 t7 d5 e1 x3")
    );
    assert_eq!(story[10], "audio");
    assert_eq!(
        (talker.key_first_us, talker.key_end_us),
        (Some(120_000), Some(200_000))
    );
}
