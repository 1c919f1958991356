use proptest::prelude::*;

use super::*;

const SENDING: Sending = Sending {
    timestamp: 160,
    packets: 10,
    octets: 1_600,
};
const BLOCK: ReportBlock = ReportBlock {
    ssrc: 22,
    fraction_lost: 3,
    lost: 4,
    highest_sequence: 65_540,
    jitter: 5,
};

#[test]
fn our_reports_are_read_by_the_rtcp_crate() {
    let bytes = report(
        Mono(5_000_000),
        11,
        "a1b2",
        Some(SENDING),
        Some(BLOCK),
        None,
    )
    .unwrap();
    let packets = rtcp::packet::unmarshal(&mut bytes.clone()).unwrap();
    let sender = packets[0].as_any().downcast_ref::<SenderReport>().unwrap();
    assert_eq!(
        (sender.ssrc, sender.packet_count, sender.reports[0].ssrc),
        (11, 10, 22)
    );
    let name = packets[1]
        .as_any()
        .downcast_ref::<SourceDescription>()
        .unwrap();
    assert_eq!(name.chunks[0].items[0].text, "a1b2");
    let bytes = report(Mono(5_000_000), 11, "a1b2", None, None, None).unwrap();
    let packets = rtcp::packet::unmarshal(&mut bytes.clone()).unwrap();
    assert!(packets[0].as_any().is::<ReceiverReport>());
}

#[test]
fn two_ends_measure_their_round_trip() {
    // 11 reports at 1.000 s, 22 hears it at 1.030 s, answers at 3.000 s, 11 hears that at 3.050 s.
    let first = report(Mono(1_000_000), 11, "x", Some(SENDING), None, None).unwrap();
    let heard = read(Mono(1_030_000), &first, 22, Some(11)).unwrap();
    assert!(heard.sender_report.is_some() && heard.round_trip_us.is_none());
    let block = ReportBlock { ssrc: 11, ..BLOCK };
    let second = report(
        Mono(3_000_000),
        22,
        "y",
        None,
        Some(block),
        heard.sender_report,
    )
    .unwrap();
    let heard = read(Mono(3_050_000), &second, 11, Some(22)).unwrap();
    let round_trip = heard.round_trip_us.unwrap();
    assert!((79_000..=81_000).contains(&round_trip), "{round_trip}");
    assert_eq!(
        read(Mono(3_050_000), &second, 11, Some(99)).unwrap(),
        Heard::default(),
        "not the locked source"
    );
}

#[test]
fn wrong_lengths_are_refused() {
    let good = report(Mono(1_000_000), 11, "x", Some(SENDING), Some(BLOCK), None).unwrap();
    for cut in 1..good.len() {
        // Packets of a compound end on words; a cut in between is malformed or a shorter compound.
        let _ = read(Mono(0), &good[..cut], 22, None);
    }
    assert!(read(Mono(0), &good[..good.len() - 2], 22, None).is_none());
    assert!(read(Mono(0), &[], 22, None).is_none());
    assert!(
        read(Mono(0), &[0x81, 203, 0, 1, 0, 0, 0, 11], 22, None)
            .is_some_and(|heard| heard == Heard::default())
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200), now in any::<u32>()) {
        let _ = read(Mono(u64::from(now)), &bytes, 22, Some(11));
    }
}
