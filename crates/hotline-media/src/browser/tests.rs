//! A browser in memory against a guard: checks, handshake, audio; and strangers at every moment.

mod descriptions;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_shared::TransportProtocol;
use webrtc_srtp::context::Context;
use webrtc_srtp::option::srtp_replay_protection;
use webrtc_srtp::protection_profile::ProtectionProfile;

use super::*;

const LEG: u64 = 42;
const OFFICE: &str = "198.51.100.7:5000";
const STRANGER: &str = "203.0.113.66:666";

/// The controlling side of ICE and the client of DTLS.
struct Chromium {
    identity: Identity,
    endpoint: Endpoint,
    ours: Credentials,
    address: SocketAddr,
    now: Instant,
    keys: Option<(Context, Context)>,
    /// Of DTLS: the other half of the keys is its own.
    is_server: bool,
    /// What the guard has sent to other addresses.
    astray: usize,
}

impl Chromium {
    fn new(server: &Identity, address: &str) -> Self {
        let now = Instant::now();
        Chromium {
            identity: Identity::generate().unwrap(),
            endpoint: Endpoint::new(BEHIND, TransportProtocol::UDP, None),
            ours: server.credentials(LEG).unwrap(),
            address: address.parse().unwrap(),
            now,
            keys: None,
            is_server: false,
            astray: 0,
        }
    }

    fn remote(&self) -> Remote {
        Remote {
            fragment: "chrm".to_owned(),
            fingerprint: hash(self.identity.fingerprint()),
            is_passive: false,
        }
    }

    fn check(&self, password: &str, is_nominated: bool) -> Vec<u8> {
        let mut bytes = stun::BINDING_REQUEST.to_vec();
        bytes.extend([0, 0]);
        bytes.extend(stun::COOKIE);
        bytes.extend([7; 12]);
        let user = format!("{}:chrm", self.ours.fragment);
        stun::attribute(&mut bytes, stun::USERNAME, user.as_bytes());
        if is_nominated {
            stun::attribute(&mut bytes, stun::USE_CANDIDATE, &[]);
        }
        stun::seal(&mut bytes, password, self.identity.provider.crypto()).unwrap();
        bytes
    }

    fn good_check(&self) -> Vec<u8> {
        self.check(&self.ours.password, true)
    }

    fn begin(&mut self) {
        let builder = dtls::builder(&self.identity, Arc::new(OnceLock::new()));
        let config = Arc::new(builder.build(true, None).unwrap());
        self.endpoint
            .connect(self.now, BEHIND, config, None)
            .unwrap();
    }

    fn hello(&mut self) -> Vec<u8> {
        self.begin();
        self.endpoint.poll_transmit().unwrap().message.to_vec()
    }

    /// Hands a datagram over and takes what comes back at once.
    fn give(&mut self, guard: &mut Guard, datagram: &[u8]) -> (Incoming, Vec<Vec<u8>>) {
        let mut back = Vec::new();
        let incoming = guard.receive(self.now, self.address, datagram, |bytes, target| {
            if target == self.address {
                back.push(bytes.to_vec());
            } else {
                self.astray += 1;
            }
        });
        (incoming, back)
    }

    fn shake_hands(&mut self, guard: &mut Guard) {
        for _ in 0..20 {
            while let Some(sent) = self.endpoint.poll_transmit() {
                let (_, back) = self.give(guard, &sent.message);
                for datagram in back {
                    self.hear_dtls(&datagram);
                }
            }
        }
    }

    fn hear_dtls(&mut self, datagram: &[u8]) {
        let events = self
            .endpoint
            .read(self.now, BEHIND, None, datagram.into())
            .unwrap();
        if events
            .iter()
            .any(|event| matches!(event, EndpointEvent::HandshakeComplete))
        {
            let state = self.endpoint.get_connection_state(BEHIND).unwrap();
            let material = state
                .export_keying_material("EXTRACTOR-dtls_srtp", &[], 60)
                .unwrap();
            let material = material.as_ref();
            let context = |key: usize, salt: usize| {
                Context::new(
                    &material[key..key + 16],
                    &material[salt..salt + 14],
                    ProtectionProfile::Aes128CmHmacSha1_80,
                    Some(srtp_replay_protection(64)),
                    None,
                )
                .unwrap()
            };
            let (client, server) = (context(0, 32), context(16, 46));
            self.keys = Some(if self.is_server {
                (server, client)
            } else {
                (client, server)
            });
        }
    }

    fn say(&mut self, sequence: u8) -> Vec<u8> {
        let (send, _) = self.keys.as_mut().unwrap();
        send.encrypt_rtp(&rtp(sequence)).unwrap().to_vec()
    }
}

fn hash(fingerprint: &str) -> [u8; 32] {
    let bytes: Vec<u8> = fingerprint
        .split(':')
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect();
    bytes.try_into().unwrap()
}

fn rtp(sequence: u8) -> Vec<u8> {
    let mut packet = vec![0x80, 8, 0, sequence, 0, 0, 0, 160, 0, 0, 0, 9];
    packet.extend([0x55; 160]);
    packet
}

fn server() -> Arc<Identity> {
    Arc::new(Identity::generate().unwrap())
}

fn guard(identity: &Arc<Identity>, remote: Option<Remote>) -> Guard {
    let local = identity.credentials(LEG).unwrap();
    Guard::new(identity.clone(), BrowserPlan { local, remote })
}

/// A guard whose browser talks already.
fn in_talk() -> (Guard, Chromium) {
    let identity = server();
    let mut browser = Chromium::new(&identity, OFFICE);
    let mut guard = guard(&identity, Some(browser.remote()));
    let check = browser.good_check();
    browser.give(&mut guard, &check);
    browser.begin();
    browser.shake_hands(&mut guard);
    assert!(browser.keys.is_some(), "the handshake is over");
    (guard, browser)
}

#[test]
fn checks_handshake_and_audio_both_ways() {
    let (mut guard, mut browser) = in_talk();
    let packet = browser.say(1);
    let (incoming, _) = browser.give(&mut guard, &packet);
    assert_eq!(incoming, Incoming::Clear(rtp(1).into()));
    assert_eq!(
        browser.give(&mut guard, &packet).0,
        Incoming::Foreign,
        "repeated"
    );
    let (sealed, target) = guard.protect(&rtp(9), false).unwrap();
    assert_eq!(target, browser.address);
    assert_ne!(
        &sealed[12..172],
        &rtp(9)[12..],
        "nobody on the way hears it"
    );
    let (_, receive) = browser.keys.as_mut().unwrap();
    assert_eq!(receive.decrypt_rtp(&sealed).unwrap(), rtp(9));
}

/// The controlling side of ICE that is the server of DTLS: a gateway, for no browser wants it.
fn waiting(server: &Identity) -> (Chromium, Remote) {
    let mut gateway = Chromium::new(server, OFFICE);
    let builder = dtls::builder(&gateway.identity, Arc::new(OnceLock::new()));
    let config = builder.build(false, None).unwrap();
    gateway.endpoint = Endpoint::new(BEHIND, TransportProtocol::UDP, Some(Arc::new(config)));
    gateway.is_server = true;
    let remote = Remote {
        is_passive: true,
        ..gateway.remote()
    };
    (gateway, remote)
}

fn both_hear_each_other(guard: &mut Guard, peer: &mut Chromium) {
    let packet = peer.say(1);
    assert_eq!(peer.give(guard, &packet).0, Incoming::Clear(rtp(1).into()));
    let (sealed, target) = guard.protect(&rtp(9), false).unwrap();
    assert_eq!(target, peer.address);
    let (_, receive) = peer.keys.as_mut().unwrap();
    assert_eq!(receive.decrypt_rtp(&sealed).unwrap(), rtp(9));
}

#[test]
fn a_peer_that_waits_gets_our_first_flight() {
    let identity = server();
    let (mut gateway, remote) = waiting(&identity);
    let mut guard = guard(&identity, Some(remote));
    let mut sent = 0;
    guard.tick(gateway.now, |_, _| sent += 1);
    assert_eq!(sent, 0, "there is no way yet");
    let check = gateway.good_check();
    let (_, back) = gateway.give(&mut guard, &check);
    assert_eq!(back.len(), 2, "the answer to the check, and the flight");
    gateway.hear_dtls(&back[1]);
    gateway.shake_hands(&mut guard);
    both_hear_each_other(&mut guard, &mut gateway);
}

#[test]
fn the_role_may_become_known_after_the_way() {
    let identity = server();
    let (mut gateway, remote) = waiting(&identity);
    let mut guard = guard(&identity, None);
    let check = gateway.good_check();
    gateway.give(&mut guard, &check);
    let local = identity.credentials(LEG).unwrap();
    guard.replan(BrowserPlan {
        local,
        remote: Some(remote),
    });
    // The first flight is lost, and sent again.
    let mut flights = Vec::new();
    for _ in 0..200 {
        gateway.now += Duration::from_millis(20);
        guard.tick(gateway.now, |bytes, _| flights.push(bytes.to_vec()));
    }
    assert!(flights.len() > 1, "{}", flights.len());
    gateway.hear_dtls(flights.last().unwrap());
    gateway.shake_hands(&mut guard);
    both_hear_each_other(&mut guard, &mut gateway);
}

#[test]
fn a_server_with_another_certificate_is_not_spoken_to() {
    let identity = server();
    let (_, remote) = waiting(&identity);
    let (mut impostor, _) = waiting(&identity);
    let mut guard = guard(&identity, Some(remote));
    let check = impostor.good_check();
    let (_, back) = impostor.give(&mut guard, &check);
    impostor.hear_dtls(&back[1]);
    impostor.shake_hands(&mut guard);
    assert!(guard.protect(&rtp(1), false).is_none());
}

#[test]
fn the_answer_to_a_check_is_signed_and_names_the_address() {
    let identity = server();
    let mut browser = Chromium::new(&identity, "[2001:db8::7]:5000");
    let mut guard = guard(&identity, None);
    let check = browser.good_check();
    let (_, back) = browser.give(&mut guard, &check);
    let [answer] = &back[..] else {
        panic!("{back:?}")
    };
    assert_eq!(answer[..2], stun::BINDING_SUCCESS);
    assert_eq!(answer[8..20], [7; 12]);
    let port = [answer[26] ^ 0x21, answer[27] ^ 0x12];
    assert_eq!(u16::from_be_bytes(port), 5000);
    let mut signed = answer[..answer.len() - 32].to_vec();
    signed[3] -= 32;
    stun::seal(
        &mut signed,
        &browser.ours.password,
        identity.provider.crypto(),
    )
    .unwrap();
    assert_eq!(&signed, answer);
}

#[test]
fn a_stranger_gets_no_word_and_changes_nothing_at_any_moment() {
    let identity = server();
    let mut browser = Chromium::new(&identity, OFFICE);
    let mut stranger = Chromium::new(&identity, STRANGER);
    let mut guard = guard(&identity, Some(browser.remote()));
    let hello = stranger.hello();
    let forged = stranger.check("not the password at all, only guessed", true);
    let mut junk: Vec<Vec<u8>> = vec![vec![], vec![0], vec![22], rtp(1), hello, forged];
    junk.extend((0..=255).map(|first| vec![first; 60]));
    let mut attack = |guard: &mut Guard, when: &str| {
        for datagram in &junk {
            let (incoming, back) = stranger.give(guard, datagram);
            assert_eq!(incoming, Incoming::Foreign, "{when}: {datagram:?}");
            assert_eq!(
                (back.len(), stranger.astray),
                (0, 0),
                "{when}: {datagram:?}"
            );
        }
    };
    attack(&mut guard, "first of all");
    let check = browser.good_check();
    browser.give(&mut guard, &check);
    attack(&mut guard, "after the check");
    browser.begin();
    let hello = browser.endpoint.poll_transmit().unwrap().message;
    let (_, back) = browser.give(&mut guard, &hello);
    attack(&mut guard, "in the middle of the handshake");
    back.iter().for_each(|datagram| browser.hear_dtls(datagram));
    browser.shake_hands(&mut guard);
    attack(&mut guard, "in the talk");
    let packet = browser.say(1);
    assert_eq!(
        browser.give(&mut guard, &packet).0,
        Incoming::Clear(rtp(1).into())
    );
    let (_, target) = guard.protect(&rtp(1), false).unwrap();
    assert_eq!(target, browser.address, "nothing bleeds");
}

#[test]
fn forged_datagrams_from_the_browsers_own_address_end_nothing() {
    let (mut guard, mut browser) = in_talk();
    let hello = Chromium::new(&guard_identity(), OFFICE).hello();
    let alert = [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
    let close = [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0];
    let mut junk: Vec<Vec<u8>> = vec![hello, alert.to_vec(), close.to_vec(), rtp(3)];
    junk.extend((0..=255).map(|first| vec![first; 60]));
    for datagram in &junk {
        let (incoming, _) = browser.give(&mut guard, datagram);
        assert!(!matches!(incoming, Incoming::Clear(_)), "{datagram:?}");
    }
    let packet = browser.say(1);
    assert_eq!(
        browser.give(&mut guard, &packet).0,
        Incoming::Clear(rtp(1).into())
    );
    assert!(guard.protect(&rtp(1), false).is_some());
}

fn guard_identity() -> Identity {
    Identity::generate().unwrap()
}

#[test]
fn an_alert_during_the_handshake_does_not_end_it() {
    let identity = server();
    let mut browser = Chromium::new(&identity, OFFICE);
    let mut guard = guard(&identity, Some(browser.remote()));
    let check = browser.good_check();
    browser.give(&mut guard, &check);
    let hello = browser.hello();
    let (_, back) = browser.give(&mut guard, &hello);
    browser.give(
        &mut guard,
        &[21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40],
    );
    back.iter().for_each(|datagram| browser.hear_dtls(datagram));
    browser.shake_hands(&mut guard);
    assert!(browser.keys.is_some());
}

#[test]
fn what_comes_before_the_description_waits_for_it() {
    let identity = server();
    let mut browser = Chromium::new(&identity, OFFICE);
    let mut guard = guard(&identity, None);
    let check = browser.good_check();
    browser.give(&mut guard, &check);
    browser.begin();
    browser.shake_hands(&mut guard);
    let packet = browser.say(1);
    assert_eq!(browser.give(&mut guard, &packet).0, Incoming::Done);
    assert!(
        guard.protect(&rtp(1), false).is_none(),
        "nobody knows who that is"
    );
    let local = identity.credentials(LEG).unwrap();
    let remote = Some(browser.remote());
    guard.replan(BrowserPlan { local, remote });
    let packet = browser.say(2);
    assert_eq!(
        browser.give(&mut guard, &packet).0,
        Incoming::Clear(rtp(2).into())
    );
}

#[test]
fn another_certificate_than_the_description_named_is_not_heard() {
    let identity = server();
    let mut browser = Chromium::new(&identity, OFFICE);
    let mut impostor = Chromium::new(&identity, OFFICE);
    let mut guard = guard(&identity, Some(browser.remote()));
    let check = impostor.good_check();
    impostor.give(&mut guard, &check);
    impostor.begin();
    impostor.shake_hands(&mut guard);
    assert!(
        impostor.keys.is_none(),
        "it is not even told that it was heard"
    );
    assert!(guard.protect(&rtp(1), false).is_none());
    // Whom the description names can still come.
    browser.begin();
    browser.shake_hands(&mut guard);
    let packet = browser.say(1);
    assert_eq!(
        browser.give(&mut guard, &packet).0,
        Incoming::Clear(rtp(1).into())
    );
}

#[test]
fn a_lost_flight_is_sent_again() {
    let identity = server();
    let mut browser = Chromium::new(&identity, OFFICE);
    let mut guard = guard(&identity, Some(browser.remote()));
    let check = browser.good_check();
    browser.give(&mut guard, &check);
    let hello = browser.hello();
    let (_, back) = browser.give(&mut guard, &hello);
    // The cookie exchange; then the whole flight of the server is lost.
    back.iter().for_each(|datagram| browser.hear_dtls(datagram));
    let hello = browser.endpoint.poll_transmit().unwrap().message;
    let (_, lost) = browser.give(&mut guard, &hello);
    assert!(!lost.is_empty());
    let mut again = Vec::new();
    for _ in 0..200 {
        browser.now += Duration::from_millis(20);
        guard.tick(browser.now, |bytes, _| again.push(bytes.to_vec()));
    }
    assert!(!again.is_empty());
    again
        .iter()
        .for_each(|datagram| browser.hear_dtls(datagram));
    browser.shake_hands(&mut guard);
    assert!(browser.keys.is_some());
}

#[test]
fn a_browser_that_moves_takes_its_audio_along() {
    let (mut guard, mut browser) = in_talk();
    browser.address = "198.51.100.7:6001".parse().unwrap();
    let packet = browser.say(1);
    assert_eq!(browser.give(&mut guard, &packet).0, Incoming::Foreign);
    let check = browser.good_check();
    browser.give(&mut guard, &check);
    let packet = browser.say(2);
    assert_eq!(
        browser.give(&mut guard, &packet).0,
        Incoming::Clear(rtp(2).into())
    );
    assert_eq!(guard.protect(&rtp(1), false).unwrap().1, browser.address);
}

#[test]
fn no_cut_or_changed_check_is_taken() {
    let identity = server();
    let browser = Chromium::new(&identity, OFFICE);
    let crypto = identity.provider.crypto();
    let check = browser.good_check();
    let read = |bytes: &[u8], theirs| stun::read(bytes, &browser.ours, theirs, crypto);
    assert!(read(&check, None).is_some());
    assert!(read(&check, Some("chrm")).is_some());
    assert!(read(&check, Some("other")).is_none());
    for length in 0..check.len() {
        assert!(read(&check[..length], None).is_none(), "{length}");
    }
    // The fingerprint behind the integrity is no proof and is not looked at.
    for at in 0..check.len() - 8 {
        let mut changed = check.clone();
        changed[at] ^= 1;
        assert!(read(&changed, None).is_none(), "{at}");
    }
}

#[test]
fn credentials_differ_by_leg_and_process_and_do_not_show_themselves() {
    let (one, other) = (server(), server());
    let credentials = one.credentials(1).unwrap();
    assert_eq!(credentials, one.credentials(1).unwrap());
    assert_ne!(credentials, one.credentials(2).unwrap());
    assert_ne!(credentials, other.credentials(1).unwrap());
    assert!(credentials.fragment.len() >= 4 && credentials.password.len() >= 22);
    assert!(!format!("{credentials:?} {one:?}").contains(&credentials.password));
}
