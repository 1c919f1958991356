//! Who is not listened to, for how long, and who can never be banned.

use super::accounts::{Desk, request};
use super::net::ip;
use crate::bans::{BanReason, Bans, Offence, Offences};
use crate::site::Site;
use crate::{Command, Event, Input, Mono, Output, Rejection};

const STRANGER: &str = "10.0.0.66:5060";
const SCANNER: &str = "User-Agent: friendly-scanner";

fn banned(desk: &mut Desk) -> Vec<(String, BanReason)> {
    let now = desk.net.now();
    let bans = desk.net.node("server").endpoint.bans(now);
    bans.iter()
        .map(|ban| (ban.address.to_string(), ban.reason))
        .collect()
}

/// Wrong password for `tv01`; how many answers came.
fn guess(desk: &mut Desk, source: &str) -> usize {
    desk.sequence += 2;
    let asked = desk.send_from(source, request("REGISTER", "tv01", desk.sequence, &[]));
    let Some(asked) = asked.first() else {
        return 0;
    };
    let line = desk.credentials(asked, "REGISTER", "tv01");
    let line = line.replace("username=\"tv01\"", "username=\"tv99\"");
    let bytes = request("REGISTER", "tv01", desk.sequence + 1, &[&line]);
    desk.net.now_us += 300_000;
    desk.send_from(source, bytes).len()
}

#[test]
fn a_scanner_gets_silence_at_once_and_for_ten_minutes() {
    let mut desk = Desk::new();
    let options = |number| request("OPTIONS", "tv01", number, &[]);
    let scan = request("OPTIONS", "tv01", 1, &[SCANNER]);
    assert!(desk.send_from(STRANGER, scan.clone()).is_empty());
    assert!(desk.send_from(STRANGER, options(2)).is_empty());
    desk.net.now_us += 1_000;
    let mut out = Vec::new();
    let (now, source) = (desk.net.now(), STRANGER.parse().unwrap());
    let again = Input::Datagram {
        listener: 0,
        source,
        bytes: scan,
    };
    desk.net
        .node("server")
        .endpoint
        .handle(now, again, &mut out);
    assert!(out.is_empty(), "one ban is told once: {out:?}");
    assert_eq!(
        banned(&mut desk),
        [("10.0.0.66".to_owned(), BanReason::Scanner)]
    );
    assert_eq!(desk.send_from("10.0.0.67:5060", options(3)).len(), 1);
    desk.net.now_us += 599_000_000;
    assert!(desk.send_from(STRANGER, options(4)).is_empty());
    desk.net.now_us += 2_000_000;
    assert_eq!(desk.send_from(STRANGER, options(5)).len(), 1);
    assert!(banned(&mut desk).is_empty());
    let counters = desk.net.counters("server");
    assert_eq!(counters.rejections.get(&Rejection::Banned), Some(&4));
}

#[test]
fn the_name_that_a_scanner_writes_into_from_gives_it_away() {
    let mut desk = Desk::new();
    let scan = String::from_utf8(request("OPTIONS", "100", 1, &[])).unwrap();
    let scan = scan.replace("From: ", "From: \"SIPVicious\" ").into_bytes();
    assert!(desk.send_from(STRANGER, scan).is_empty());
    assert_eq!(banned(&mut desk).len(), 1);
}

#[test]
fn a_trunk_is_never_banned_and_need_not_fear_its_own_user_agent() {
    let mut desk = Desk::new();
    let scan = request("OPTIONS", "tv01", 1, &[SCANNER]);
    assert_eq!(desk.send_from("10.0.0.2:5060", scan).len(), 1);
    let order = Command::Ban {
        address: ip("10.0.0.2"),
        length_ms: 60_000,
    };
    desk.net.command("server", order);
    for number in 0..500 {
        desk.send_from("10.0.0.2:5060", request("FROB", "x", number, &[]));
    }
    assert!(banned(&mut desk).is_empty());
    assert!(!desk.net.node("server").endpoint.may_ban(ip("10.0.0.2")));
    let options = request("OPTIONS", "tv01", 900, &[]);
    assert_eq!(desk.send_from("10.0.0.2:5060", options).len(), 1);
}

#[test]
fn behind_the_address_of_a_registered_counsellor_the_machine_bans_nobody() {
    let mut desk = Desk::new();
    desk.login("REGISTER", "tv01", "tv01", &["Contact: <sip:a@10.0.0.3>"]);
    let scan = request("OPTIONS", "tv01", 1, &[SCANNER]);
    assert!(desk.send_from("10.0.0.3:9999", scan).is_empty());
    assert!(banned(&mut desk).is_empty());
    let options = request("OPTIONS", "tv01", 2, &[]);
    assert_eq!(desk.send_from("10.0.0.3:9998", options).len(), 1);
}

#[test]
fn a_persons_ban_spares_the_live_flow_of_a_counsellor_and_can_be_ended() {
    let mut desk = Desk::new();
    desk.login("REGISTER", "tv01", "tv01", &["Contact: <sip:a@10.0.0.3>"]);
    let order = Command::Ban {
        address: ip("10.0.0.3"),
        length_ms: 60_000,
    };
    desk.net.command("server", order);
    let options = |number| request("OPTIONS", "tv01", number, &[]);
    assert!(desk.send_from("10.0.0.3:9999", options(2)).is_empty());
    assert_eq!(desk.send_from("10.0.0.3:5060", options(3)).len(), 1);
    let order = Command::Unban {
        address: ip("10.0.0.3"),
    };
    desk.net.command("server", order);
    assert_eq!(desk.send_from("10.0.0.3:9999", options(4)).len(), 1);
}

#[test]
fn who_guesses_on_and_on_is_banned_whether_the_account_exists_or_not() {
    let mut desk = Desk::new();
    let mut tries = 0;
    while guess(&mut desk, STRANGER) > 0 {
        tries += 1;
        assert!(tries < 100);
    }
    assert!((40..50).contains(&tries), "{tries}");
    assert_eq!(
        banned(&mut desk),
        [("10.0.0.66".to_owned(), BanReason::Passwords)]
    );
}

#[test]
fn a_flood_of_junk_ends_in_a_ban_and_one_line_tells_it() {
    let mut desk = Desk::new();
    let mut bans = 0;
    for number in 0..5_000_u32 {
        let mut out = Vec::new();
        desk.net.now_us += 400;
        let now = desk.net.now();
        let input = Input::Datagram {
            listener: 0,
            source: STRANGER.parse().unwrap(),
            bytes: format!("junk {number}\r\n\r\n").into_bytes(),
        };
        let endpoint = &mut desk.net.node("server").endpoint;
        endpoint.handle(now, input, &mut out);
        let is_ban = |output: &&Output| matches!(output, Output::Event(Event::Banned { .. }));
        bans += out.iter().filter(is_ban).count();
    }
    assert_eq!(bans, 1);
    assert_eq!(
        banned(&mut desk),
        [("10.0.0.66".to_owned(), BanReason::Flood)]
    );
}

#[test]
fn a_ban_that_a_forged_datagram_could_earn_is_none_for_streams() {
    let mut bans = Bans::default();
    let site = Site::of(ip("10.0.0.66"));
    let minute = |reason| (reason, 60_000);
    assert!(bans.add(Mono(0), site, minute(BanReason::Scanner), false));
    assert!(bans.drops(Mono(1), site, false));
    assert!(!bans.drops(Mono(1), site, true));
    assert!(bans.add(Mono(1), site, minute(BanReason::Operator), true));
    assert!(bans.drops(Mono(1), site, true));
    assert!(!bans.add(Mono(1), site, minute(BanReason::Scanner), false));
    assert!(!bans.drops(Mono(61_000_000), site, true), "it is over");
}

#[test]
fn one_who_has_a_network_of_ipv6_addresses_counts_as_one() {
    let site = |text: &str| Site::of(ip(text));
    assert_eq!(site("2001:db8:1:2::1"), site("2001:db8:1:2:ffff::9"));
    assert_ne!(site("2001:db8:1:2::1"), site("2001:db8:1:3::1"));
    assert_eq!(site("::ffff:10.0.0.1"), site("10.0.0.1"));
    assert_ne!(site("10.0.0.1"), site("10.0.0.2"));
    for text in ["[2001:db8:1:2:ffff::9]:5060", "10.0.0.1:1"] {
        let address: std::net::SocketAddr = text.parse().unwrap();
        assert!(Site::of(address.ip()).span().contains(&address));
    }
}

#[test]
fn tables_of_bans_and_offences_are_bounded() {
    let (mut bans, mut offences) = (Bans::default(), Offences::default());
    for number in 0..20_000_u32 {
        let site = Site::of(std::net::Ipv4Addr::from(number).into());
        bans.add(
            Mono(u64::from(number)),
            site,
            (BanReason::Junk, 600_000),
            true,
        );
        offences.add(Mono(0), site, Offence::Junk);
    }
    assert_eq!((bans.len(), offences.len()), (4_096, 4_096));
    let last = Site::of(std::net::Ipv4Addr::from(19_999).into());
    assert!(
        bans.drops(Mono(20_000), last, true),
        "the oldest goes first"
    );
}

#[test]
fn offences_are_forgiven_with_time() {
    let mut offences = Offences::default();
    let site = Site::of(ip("10.0.0.66"));
    for second in 0..2_000 {
        let now = Mono(second * 1_000_000);
        assert!(!offences.add(now, site, Offence::Junk), "{second}");
    }
}
