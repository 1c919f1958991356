use super::*;

fn view(ssrc: u32, sequence: u16, timestamp: u32) -> View {
    View {
        marker: false,
        payload_type: 8,
        sequence,
        timestamp,
        ssrc,
        payload: 12..172,
    }
}

#[test]
fn loss_duplicates_and_reordering_are_told_apart() {
    let mut reception = Reception::default();
    let arriving = [65_534u16, 65_535, 1, 0, 0, 3, 1];
    let new: Vec<Arrival> = arriving
        .iter()
        .enumerate()
        .map(|(index, sequence)| {
            reception.arrive(Mono(index as u64 * 20_000), &view(1, *sequence, 0), false)
        })
        .collect();
    use Arrival::{New, Old, Restart};
    assert_eq!(new, [Restart, New, New, New, Old, New, Old]);
    assert_eq!((reception.received, reception.lost()), (5, 1));
    let block = reception.report().unwrap();
    assert_eq!((block.lost, block.fraction_lost), (1, 42));
    assert_eq!(reception.report().unwrap().fraction_lost, 0);
}

#[test]
fn a_new_source_or_a_leap_keeps_the_totals() {
    let mut reception = Reception::default();
    reception.arrive(Mono(0), &view(1, 10, 0), true);
    reception.arrive(Mono(0), &view(1, 12, 0), true);
    reception.arrive(Mono(0), &view(2, 40_000, 0), true);
    let leap = reception.arrive(Mono(0), &view(2, 10, 0), true);
    assert_eq!(leap, Arrival::Restart);
    assert_eq!((reception.received, reception.lost()), (4, 1));
}

#[test]
fn jitter_follows_the_rfc() {
    let mut reception = Reception::default();
    for count in 0..500u64 {
        let late = if count % 2 == 0 { 0 } else { 5_000 };
        let sample = (count * 160) as u32;
        reception.arrive(
            Mono(count * 20_000 + late),
            &view(1, count as u16, sample),
            true,
        );
    }
    let jitter = reception.jitter_us();
    assert!(
        (4_300..=5_100).contains(&jitter),
        "every transit differs by 5 ms: {jitter}"
    );
}
