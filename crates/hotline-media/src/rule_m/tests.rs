use super::*;

const SIGNALLING: &str = "203.0.113.5";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A sender with its own SSRC and sequence.
struct Sender {
    source: SocketAddr,
    ssrc: u32,
    sequence: u16,
    load: Load,
}

impl Sender {
    fn new(source: &str, ssrc: u32) -> Self {
        Sender {
            source: address(source),
            ssrc,
            sequence: ssrc as u16,
            load: Load::Audio,
        }
    }

    fn send(&mut self, gate: &mut Gate, now_ms: u64) -> Verdict {
        self.sequence = self.sequence.wrapping_add(1);
        let view = View {
            marker: false,
            payload_type: 8,
            sequence: self.sequence,
            timestamp: u32::from(self.sequence) * 160,
            ssrc: self.ssrc,
            payload: 12..172,
        };
        gate.judge(Mono(now_ms * 1000), self.source, &view, self.load)
    }
}

fn direct() -> Gate {
    Gate::new(
        Mono(0),
        Some(address("203.0.113.5:4000")),
        Some(ip(SIGNALLING)),
    )
}

fn behind_nat() -> Gate {
    Gate::new(
        Mono(0),
        Some(address("192.168.1.7:4000")),
        Some(ip(SIGNALLING)),
    )
}

fn is_foreign(verdict: Verdict) -> bool {
    verdict == Verdict::Foreign
}

#[test]
fn the_exact_address_locks_at_once_and_shuts_everybody_out() {
    let mut gate = direct();
    let mut caller = Sender::new("203.0.113.5:4000", 1);
    let mut neighbour = Sender::new("203.0.113.5:4002", 2);
    assert_eq!(caller.send(&mut gate, 10), Verdict::Accept);
    for tick in 1..100 {
        assert!(is_foreign(neighbour.send(&mut gate, 10 + tick * 20)));
        assert_eq!(caller.send(&mut gate, 15 + tick * 20), Verdict::Accept);
        assert_eq!(gate.target(), Some(caller.source));
    }
}

#[test]
fn a_stranger_who_comes_first_gets_nothing_and_injects_nothing() {
    for stranger in ["203.0.113.5:9999", "198.51.100.1:4000"] {
        let mut gate = direct();
        let mut stranger = Sender::new(stranger, 66);
        let mut caller = Sender::new("203.0.113.5:4000", 1);
        for tick in 0..20 {
            assert_ne!(stranger.send(&mut gate, tick * 20), Verdict::Accept);
            assert_eq!(
                gate.target(),
                Some(caller.source),
                "only the SDP address is sent to"
            );
        }
        assert_eq!(caller.send(&mut gate, 400), Verdict::Accept);
        assert!(is_foreign(stranger.send(&mut gate, 401)));
    }
}

#[test]
fn a_stranger_who_outlasts_the_probation_loses_to_the_sdp_address_within_the_window() {
    let mut gate = direct();
    let mut stranger = Sender::new("203.0.113.5:9999", 66);
    let mut caller = Sender::new("203.0.113.5:4000", 1);
    let taken = (0..100)
        .filter(|tick| stranger.send(&mut gate, tick * 20) == Verdict::Accept)
        .count();
    assert!(taken > 0);
    assert_eq!(caller.send(&mut gate, 2_000), Verdict::Accept);
    assert!(is_foreign(stranger.send(&mut gate, 2_010)));
    assert_eq!(gate.target(), Some(caller.source));
}

#[test]
fn a_caller_behind_nat_is_learned_though_a_stranger_came_first() {
    let mut gate = behind_nat();
    let mut stranger = Sender::new("198.51.100.1:7000", 66);
    let mut caller = Sender::new("203.0.113.5:31000", 1);
    let mut heard = 0;
    for tick in 0..100 {
        assert!(is_foreign(stranger.send(&mut gate, tick * 20)));
        if caller.send(&mut gate, tick * 20 + 5) == Verdict::Accept {
            heard += 1;
        }
    }
    assert!(heard >= 90, "{heard} of 100");
    assert_eq!(gate.target(), Some(caller.source));
}

#[test]
fn another_host_is_never_learned_and_nobody_is_after_the_window() {
    let mut gate = behind_nat();
    let mut elsewhere = Sender::new("198.51.100.1:4000", 5);
    let mut late = Sender::new("203.0.113.5:31000", 1);
    for tick in 0..250 {
        assert!(is_foreign(elsewhere.send(&mut gate, tick * 20)));
    }
    for tick in 251..400 {
        assert!(is_foreign(late.send(&mut gate, tick * 20)));
    }
    let mut exact = Sender::new("192.168.1.7:4000", 9);
    assert_eq!(
        exact.send(&mut gate, 9_000),
        Verdict::Accept,
        "the negotiated address needs no learning"
    );
}

#[test]
fn a_guessed_ssrc_from_the_right_address_is_dropped_while_the_peer_speaks() {
    let mut gate = direct();
    let mut caller = Sender::new("203.0.113.5:4000", 1);
    let mut forger = Sender::new("203.0.113.5:4000", 2);
    for tick in 0..200 {
        assert_eq!(caller.send(&mut gate, tick * 20), Verdict::Accept);
        assert!(is_foreign(forger.send(&mut gate, tick * 20 + 10)));
    }
}

#[test]
fn a_gateway_that_changes_its_ssrc_is_heard_again_after_the_old_one_is_silent() {
    let mut gate = direct();
    let mut old = Sender::new("203.0.113.5:4000", 1);
    let mut new = Sender::new("203.0.113.5:4000", 2);
    assert_eq!(old.send(&mut gate, 0), Verdict::Accept);
    let first = (1..100)
        .find(|tick| new.send(&mut gate, tick * 20) == Verdict::Accept)
        .unwrap();
    assert!((25..=35).contains(&first), "heard after {} ms", first * 20);
}

#[test]
fn a_new_offer_unlocks_once_and_the_same_phone_goes_on_at_once() {
    let mut gate = behind_nat();
    let mut caller = Sender::new("203.0.113.5:31000", 1);
    let first = (0..100)
        .find(|tick| caller.send(&mut gate, tick * 20) == Verdict::Accept)
        .unwrap();
    assert!(first < 15);
    gate.renegotiate(
        Mono(10_000_000),
        Some(address("192.168.1.7:4000")),
        Some(ip(SIGNALLING)),
    );
    assert_eq!(
        gate.target(),
        Some(caller.source),
        "a refreshed session goes on sending where it did"
    );
    assert_eq!(caller.send(&mut gate, 10_001), Verdict::Accept);

    gate.renegotiate(
        Mono(20_000_000),
        Some(address("203.0.113.5:5000")),
        Some(ip(SIGNALLING)),
    );
    assert_eq!(
        gate.target(),
        Some(address("203.0.113.5:5000")),
        "moved by signalling"
    );
    let mut moved = Sender::new("203.0.113.5:5000", 3);
    assert_eq!(moved.send(&mut gate, 20_010), Verdict::Accept);
    assert!(is_foreign(caller.send(&mut gate, 20_020)));
}

#[test]
fn stragglers_of_the_old_place_do_not_win_against_the_new_one_behind_nat() {
    let mut gate = behind_nat();
    let mut desk = Sender::new("203.0.113.5:31000", 1);
    for tick in 0..20 {
        desk.send(&mut gate, tick * 20);
    }
    assert_eq!(gate.target(), Some(desk.source));
    gate.renegotiate(
        Mono(1_000_000),
        Some(address("192.168.1.8:5000")),
        Some(ip(SIGNALLING)),
    );
    for tick in 0..10 {
        assert_eq!(desk.send(&mut gate, 1_000 + tick * 20), Verdict::Wait);
    }
    let mut mobile = Sender::new("203.0.113.5:32000", 2);
    let first = (10..100)
        .find(|tick| mobile.send(&mut gate, 1_000 + tick * 20) == Verdict::Accept)
        .unwrap();
    assert!(first <= 30, "after {} ms", first * 20);
    assert_eq!(gate.target(), Some(mobile.source));
}

#[test]
fn nothing_is_taken_or_sent_before_the_peer_has_said_where() {
    let mut gate = Gate::new(Mono(0), None, Some(ip(SIGNALLING)));
    let mut early = Sender::new("203.0.113.5:4000", 1);
    assert_eq!(early.send(&mut gate, 1), Verdict::Wait);
    assert_eq!(gate.target(), None);
}

#[test]
fn on_hold_nobody_is_learned_and_the_peer_is_where_it_was() {
    let mut gate = direct();
    let mut caller = Sender::new("203.0.113.5:4000", 1);
    assert_eq!(caller.send(&mut gate, 0), Verdict::Accept);
    let remote = Some(caller.source);
    gate.renegotiate(Mono(1_000_000), remote, Some(ip(SIGNALLING)));
    gate.hold(true);
    let mut neighbour = Sender::new("203.0.113.5:9000", 66);
    for step in 0..100 {
        let verdict = neighbour.send(&mut gate, 1_000 + step * 20);
        assert_eq!(verdict, Verdict::Foreign, "{step}");
        assert_eq!(gate.target(), remote);
    }
    gate.renegotiate(Mono(3_000_000), remote, Some(ip(SIGNALLING)));
    gate.hold(false);
    assert_eq!(gate.target(), remote, "the first word goes to the peer");
    assert_eq!(neighbour.send(&mut gate, 3_010), Verdict::Wait);
    assert_eq!(caller.send(&mut gate, 3_020), Verdict::Accept);
    assert_eq!(neighbour.send(&mut gate, 3_030), Verdict::Foreign);
}

#[test]
fn a_flood_is_told_once_in_ten_seconds() {
    let mut gate = direct();
    let told = (0..2_000u64)
        .filter(|count| gate.count_stranger(Mono(count * 10_000)))
        .count();
    assert_eq!(told, 2, "100 packets/s for 20 s");
    let slow = (0..500u64)
        .filter(|count| gate.count_stranger(Mono(100_000_000 + count * 25_000)))
        .count();
    assert_eq!(slow, 0, "40 packets/s is under the bar");
}

#[test]
fn keys_of_another_ssrc_from_the_locked_address_are_taken_at_once_and_move_nothing() {
    let mut gate = direct();
    let mut caller = Sender::new("203.0.113.5:4000", 1);
    let mut keys = Sender::new("203.0.113.5:4000", 2);
    let mut stranger = Sender::new("203.0.113.5:4002", 3);
    keys.load = Load::Event;
    stranger.load = Load::Event;
    assert_eq!(caller.send(&mut gate, 0), Verdict::Accept);
    for tick in 1..50 {
        assert_eq!(keys.send(&mut gate, tick * 20), Verdict::Accept);
        assert_eq!(caller.send(&mut gate, tick * 20 + 5), Verdict::Accept);
        assert!(is_foreign(stranger.send(&mut gate, tick * 20 + 10)));
        assert_eq!(gate.ssrc(), Some(1));
    }
}

#[test]
fn a_stream_that_goes_on_from_another_port_of_its_host_is_taken_after_five_packets() {
    let mut gate = behind_nat();
    let mut phone = Sender::new("203.0.113.5:40000", 7);
    for tick in 0..1_000 {
        phone.send(&mut gate, tick * 20);
    }
    assert_eq!(gate.target(), Some(phone.source));
    // Half a second swallowed by the NAT, then another port.
    phone.sequence += 25;
    phone.source = address("203.0.113.5:51234");
    for packet in 0..4 {
        assert_eq!(phone.send(&mut gate, 20_500 + packet * 20), Verdict::Wait);
    }
    assert_eq!(phone.send(&mut gate, 20_580), Verdict::Accept);
    assert_eq!(gate.target(), Some(phone.source));
}

#[test]
fn only_the_very_stream_may_move_and_only_while_the_old_port_is_silent() {
    let strangers = [
        ("203.0.113.5:51234", 8, 0, "another SSRC of the same host"),
        ("198.51.100.9:51234", 7, 0, "another host"),
        ("203.0.113.5:51234", 7, 20_000, "a guessed sequence"),
    ];
    for (source, ssrc, ahead, who) in strangers {
        let mut gate = behind_nat();
        let mut phone = Sender::new("203.0.113.5:40000", 7);
        for tick in 0..1_000 {
            phone.send(&mut gate, tick * 20);
        }
        let mut stranger = Sender::new(source, ssrc);
        stranger.sequence = phone.sequence.wrapping_add(ahead);
        for packet in 0..100 {
            let verdict = stranger.send(&mut gate, 20_500 + packet * 20);
            assert!(is_foreign(verdict), "{who}: {verdict:?}");
        }
        assert_eq!(gate.target(), Some(phone.source), "{who}");
    }
    let mut gate = behind_nat();
    let mut phone = Sender::new("203.0.113.5:40000", 7);
    for tick in 0..1_000 {
        phone.send(&mut gate, tick * 20);
    }
    let mut copy = Sender::new("203.0.113.5:51234", 7);
    copy.sequence = phone.sequence;
    for tick in 1_000..1_100 {
        assert_eq!(phone.send(&mut gate, tick * 20), Verdict::Accept);
        assert!(is_foreign(copy.send(&mut gate, tick * 20 + 10)));
    }
}
