use super::*;
use crate::packet::write_header;

const SUITES: [Suite; 6] = [
    Suite::AesCm128HmacSha1_80,
    Suite::AesCm128HmacSha1_32,
    Suite::AesCm256HmacSha1_80,
    Suite::AesCm256HmacSha1_32,
    Suite::AeadAes128Gcm,
    Suite::AeadAes256Gcm,
];

fn key(suite: Suite, from: u8) -> MasterKey {
    let bytes: Vec<u8> = (from..from + 46).collect();
    MasterKey::new(suite, &bytes).unwrap()
}

fn pair(suite: Suite) -> (Guard, Guard) {
    let (one, other) = (key(suite, 1), key(suite, 101));
    (
        Guard::new(&one, &other).unwrap(),
        Guard::new(&other, &one).unwrap(),
    )
}

fn audio(sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut packet = Vec::new();
    write_header(
        &mut packet,
        false,
        8,
        sequence,
        u32::from(sequence) * 160,
        ssrc,
    );
    packet.extend_from_slice(&[sequence as u8; 160]);
    packet
}

fn seal(guard: &mut Guard, packet: &[u8]) -> Vec<u8> {
    guard
        .seal(|out| out.extend_from_slice(packet))
        .unwrap()
        .to_vec()
}

fn report(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet
}

#[test]
fn what_one_seals_the_other_opens_and_nobody_reads() {
    for suite in SUITES {
        let (mut here, mut there) = pair(suite);
        for sequence in [65_534, 65_535, 0, 1, 2] {
            let packet = audio(sequence, 7);
            let sealed = seal(&mut here, &packet);
            assert_eq!(sealed.len(), packet.len() + suite.tag_bytes(), "{suite:?}");
            assert!(
                sealed[12..]
                    .windows(8)
                    .all(|window| window != [sequence as u8; 8])
            );
            assert_eq!(there.open(&sealed).unwrap(), packet, "{suite:?} {sequence}");
        }
        let sealed = here.seal_control(&report(7)).unwrap();
        assert_eq!(there.open_control(&sealed).unwrap(), report(7), "{suite:?}");
        assert_eq!(there.open_control(&sealed), None, "{suite:?}: twice");
    }
}

#[test]
fn the_vectors_of_rfc_3711_are_met() {
    // Appendix B.3: master key and salt; libsrtp's packet under them.
    let bytes = [
        0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0, 0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde, 0x41,
        0x39, 0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6,
    ];
    let key = MasterKey::new(Suite::AesCm128HmacSha1_80, &bytes).unwrap();
    let mut plain = vec![
        0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe, 0xba, 0xbe,
    ];
    plain.extend_from_slice(&[0xab; 16]);
    let sealed = [
        0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe, 0xba, 0xbe, 0x4e, 0x55, 0xdc,
        0x4c, 0xe7, 0x99, 0x78, 0xd8, 0x8c, 0xa4, 0xd2, 0x15, 0x94, 0x9d, 0x24, 0x02, 0xb7, 0x8d,
        0x6a, 0xcc, 0x99, 0xea, 0x17, 0x9b, 0x8d, 0xbb,
    ];
    let mut guard = Guard::new(&key, &key).unwrap();
    assert_eq!(seal(&mut guard, &plain), sealed);
    assert_eq!(guard.open(&sealed).unwrap(), plain);
}

#[test]
fn a_packet_is_taken_once_and_late_ones_within_the_window() {
    let (mut here, mut there) = pair(Suite::AesCm128HmacSha1_80);
    let sealed: Vec<_> = (0..400_u16)
        .map(|step| seal(&mut here, &audio(65_400_u16.wrapping_add(step), 7)))
        .collect();
    for index in [0, 1, 3, 2, 199, 150] {
        assert!(there.open(&sealed[index]).is_some(), "{index}");
    }
    for index in [0, 1, 2, 3, 150, 199, 71] {
        assert!(there.open(&sealed[index]).is_none(), "{index}");
    }
    assert!(there.open(&sealed[72]).is_some());
    assert!(there.open(&sealed[399]).is_some());
    for packet in &sealed[..270] {
        assert!(there.open(packet).is_none());
    }
}

#[test]
fn damage_wrong_keys_and_short_packets_change_nothing() {
    for suite in SUITES {
        let (mut here, mut there) = pair(suite);
        let mut stranger = Guard::new(&key(suite, 55), &key(suite, 56)).unwrap();
        for sequence in 0..20 {
            let packet = audio(sequence, 7);
            let sealed = seal(&mut here, &packet);
            assert!(there.open(&seal(&mut stranger, &packet)).is_none());
            for length in 0..sealed.len() {
                assert!(
                    there.open(&sealed[..length]).is_none(),
                    "{suite:?} {length}"
                );
            }
            for at in [2, 8, 12, sealed.len() - 1] {
                let mut damaged = sealed.clone();
                damaged[at] ^= 0x10;
                assert!(there.open(&damaged).is_none(), "{suite:?} {at}");
            }
            assert_eq!(there.open(&sealed).unwrap(), packet, "{suite:?}");
        }
        let control = here.seal_control(&report(7)).unwrap();
        for length in 0..control.len() {
            assert!(
                there.open_control(&control[..length]).is_none(),
                "{suite:?} {length}"
            );
        }
        assert!(
            there
                .open_control(&stranger.seal_control(&report(7)).unwrap())
                .is_none()
        );
        assert!(there.open_control(&control).is_some());
    }
}

#[test]
fn strangers_leave_no_state() {
    let (mut here, mut there) = pair(Suite::AesCm128HmacSha1_80);
    let first = seal(&mut here, &audio(1, 7));
    assert!(there.open(&first).is_some());
    for ssrc in 0..10_000 {
        assert!(there.open(&audio(1, ssrc)).is_none());
        assert!(
            there
                .open_control(&[&report(ssrc)[..], &[0; 20]].concat())
                .is_none()
        );
    }
    assert_eq!(there.opener.sources.len(), 1);
    assert!(there.opener.trials <= TRIALS_MAX);
    // More genuine sources than are remembered: the oldest are forgotten.
    for ssrc in 100..140 {
        let sealed = seal(&mut here, &audio(1, ssrc));
        assert!(there.open(&sealed).is_some());
    }
    assert_eq!(there.opener.sources.len(), SOURCES_MAX);
}

#[test]
fn a_key_is_used_no_longer_than_it_lives() {
    let short = key(Suite::AesCm128HmacSha1_80, 1).with_limits(Some(3), 0);
    let mut here = Guard::new(&short, &short).unwrap();
    let sealed: Vec<_> = (0..3)
        .map(|sequence| seal(&mut here, &audio(sequence, 7)))
        .collect();
    assert_eq!(here.seal(|out| out.extend_from_slice(&audio(3, 7))), None);
    assert!(sealed.iter().all(|packet| here.open(packet).is_some()));
    let long = key(Suite::AesCm128HmacSha1_80, 1);
    let fourth = seal(&mut Guard::new(&long, &long).unwrap(), &audio(4, 7));
    assert_eq!(here.open(&fourth), None);
    // A new key, and all begins anew; the same key again changes nothing.
    here.renew(&short, &short);
    assert_eq!(here.open(&fourth), None);
    here.renew(&key(Suite::AeadAes128Gcm, 3), &long);
    assert!(here.open(&fourth).is_some());
}

#[test]
fn a_named_key_is_taken_by_its_packets() {
    for suite in SUITES {
        let named = key(suite, 1).with_limits(None, 4);
        let mut there = Guard::new(&named, &named).unwrap();
        let bare = key(suite, 1);
        let mut here = Guard::new(&bare, &bare).unwrap();
        let name = |sealed: Vec<u8>, tag_bytes: usize| {
            let tag_at = sealed.len() - tag_bytes;
            [&sealed[..tag_at], &[0, 0, 0, 1], &sealed[tag_at..]].concat()
        };
        let is_gcm = matches!(suite, Suite::AeadAes128Gcm | Suite::AeadAes256Gcm);
        let tag_bytes = if is_gcm { 0 } else { suite.tag_bytes() };
        let packet = audio(9, 7);
        let sealed = name(seal(&mut here, &packet), tag_bytes);
        assert_eq!(there.open(&sealed).unwrap(), packet, "{suite:?}");
        let control = here.seal_control(&report(7)).unwrap().to_vec();
        let control = name(control, if is_gcm { 0 } else { 10 });
        assert_eq!(
            there.open_control(&control).unwrap(),
            report(7),
            "{suite:?}"
        );
    }
}
