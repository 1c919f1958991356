use super::*;

fn score(codec: Codec, lost: u64, loss_runs: u64, round_trip_ms: u32) -> u16 {
    let measured = Measured {
        received: 1_000 - lost,
        lost,
        loss_runs,
        jitter_us: 5_000,
        round_trip_us: round_trip_ms * 1_000,
    };
    mean_opinion_hundredths(codec, measured)
}

#[test]
fn a_clean_short_line_is_as_good_as_the_telephone_gets() {
    for codec in crate::codec::ALL {
        let clean = score(codec, 0, 0, 20);
        assert!((425..=441).contains(&clean), "{codec:?}: {clean}");
    }
    assert_eq!(
        mean_opinion_hundredths(Codec::Pcma, Measured::default()),
        438
    );
}

#[test]
fn loss_bursts_and_delay_each_cost_and_the_worst_is_one() {
    for codec in crate::codec::ALL {
        let clean = score(codec, 0, 0, 20);
        let random = score(codec, 20, 20, 20);
        let bursts = score(codec, 100, 20, 20);
        let scattered = score(codec, 100, 100, 20);
        let far = score(codec, 0, 0, 800);
        assert!(
            clean > random && random > scattered && scattered > bursts,
            "{codec:?}"
        );
        assert!(clean > far + 60, "{codec:?}: {far}");
        // 2 % by chance stay above what is called fair, 10 % in bursts do not.
        assert!(
            random > 390 && bursts < 310,
            "{codec:?}: {random}, {bursts}"
        );
        assert_eq!(score(codec, 1_000, 1, 2_000), 100);
    }
}
