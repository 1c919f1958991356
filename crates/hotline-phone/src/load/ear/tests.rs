use super::{Ear, Heard, Sort};
use crate::load::ident::Ident;
use hotline_media::g711::Law;

fn packet(payload_type: u8, sequence: u16, timestamp: u32, ident: Option<u32>) -> Vec<u8> {
    let mut bytes = vec![0xD5; 172];
    bytes[..4].copy_from_slice(&[0x80, payload_type, (sequence >> 8) as u8, sequence as u8]);
    bytes[4..8].copy_from_slice(&timestamp.to_be_bytes());
    bytes[8..12].copy_from_slice(&[1, 2, 3, 4]);
    if let Some(sequence) = ident {
        Ident { leg: 3, sequence }.write(Law::A, &mut bytes[12..]);
    }
    bytes
}

#[test]
fn relayed_packets_give_latency_jitter_and_loss() {
    let (mut ear, mut heard) = (Ear::default(), Heard::default());
    // Sent each 20 ms from 0 on; numbers 2 and 3 are lost, 1 comes twice.
    for (number, arrived_us) in [(0, 50), (1, 20_060), (1, 20_070), (4, 80_100)] {
        let bytes = packet(8, 9, 9, Some(number));
        let sent_at = |ident: Ident| Some(u64::from(ident.sequence) * 20_000);
        assert_eq!(
            ear.hear(Law::A, 8, &bytes, arrived_us, sent_at, Some(&mut heard)),
            Sort::Relayed(3)
        );
    }
    assert_eq!(
        (heard.relayed, heard.relayed_lost, heard.relayed_disordered),
        (4, 2, 1)
    );
    assert_eq!(heard.relay_latency.max_us(), 100);
    assert_eq!(
        (heard.relay_jitter.count(), heard.relay_jitter.max_us()),
        (2, 30)
    );
    assert_eq!(heard.made, 0);
}

#[test]
fn packets_of_the_server_give_pacing_and_loss() {
    let (mut ear, mut heard) = (Ear::default(), Heard::default());
    // The second is 3 ms late, the third lost, the last one after a pause of the stream.
    for (sequence, timestamp, arrived_us) in [
        (65_534, 0, 0),
        (65_535, 160, 23_000),
        (1, 480, 60_000),
        (2, 80_480, 9_000_000),
    ] {
        let bytes = packet(8, sequence, timestamp, None);
        assert_eq!(
            ear.hear(Law::A, 8, &bytes, arrived_us, |_| None, Some(&mut heard)),
            Sort::Made
        );
    }
    assert_eq!((heard.made, heard.made_lost), (4, 1));
    assert_eq!(
        (heard.pacing_error.count(), heard.pacing_error.max_us()),
        (2, 3_000)
    );
}

#[test]
fn anything_else_is_not_judged() {
    let (mut ear, mut heard) = (Ear::default(), Heard::default());
    let mut hear = |bytes: &[u8]| ear.hear(Law::A, 8, bytes, 0, |_| None, Some(&mut heard));
    assert_eq!(hear(&packet(101, 1, 1, None)), Sort::Other, "a key");
    assert_eq!(hear(&packet(200, 1, 1, None)), Sort::Other, "RTCP");
    assert_eq!(hear(b"hello"), Sort::Other);
    assert_eq!(hear(&[0; 40]), Sort::Other);
    assert_eq!((heard.malformed, heard.made), (2, 0));
}
