use super::{Distribution, bucket, upper};

#[test]
fn buckets_follow_one_another_without_a_gap() {
    let mut last = 0;
    for micros in (0..5_000).chain((5_000..50_000_000).step_by(997)) {
        let index = bucket(micros);
        assert!(
            index == last || index == last + 1 || micros > 5_000,
            "{micros}"
        );
        assert!(upper(index) >= micros, "{micros}");
        assert!(index == 0 || upper(index - 1) < micros, "{micros}");
        assert!(
            upper(index) as f64 <= micros as f64 * 1.016 + 1.0,
            "{micros}"
        );
        last = index;
    }
}

#[test]
fn percentiles_of_a_known_row() {
    let mut row = Distribution::default();
    assert_eq!((row.percentile_us(50.0), row.max_us()), (0, 0));
    (1..=100).for_each(|micros| row.add(micros));
    assert_eq!(row.percentile_us(50.0), 50);
    assert_eq!(row.percentile_us(99.0), 99);
    assert_eq!(row.percentile_us(100.0), 100);
    row.add(1_000_000);
    assert_eq!(row.max_us(), 1_000_000);
    assert_eq!(
        row.to_string(),
        "p50 0.051 p99 0.100 max 1000.000 ms of 101"
    );
}
