//! Credentials: right, wrong, replayed, stale, downgraded.

use super::accounts::{Desk, request};
use super::net::{REALM, ip};
use crate::digest::{Asked, Digest, Verdict, answer};
use crate::message::{Message, Uri, Writer};
use crate::random::Random;
use crate::{Credentials, Wall, credentials};
use std::collections::BTreeMap;

struct Case {
    digest: Digest,
    accounts: BTreeMap<String, Credentials>,
}

impl Case {
    fn new() -> Self {
        let accounts = BTreeMap::from([("tv01".to_owned(), credentials("tv01", REALM, "secret"))]);
        Self {
            digest: Digest::new(&mut Random::new([1; 32]), 60_000),
            accounts,
        }
    }
    fn challenge(&mut self, wall_ms: i64) -> Message {
        let challenges = self
            .digest
            .challenges(true, REALM, Wall(wall_ms), ip("10.0.0.3"), false);
        let mut writer = Writer::response(401);
        for challenge in &challenges {
            writer.header("WWW-Authenticate", challenge);
        }
        Message::parse(writer.finish(None)).unwrap()
    }
    fn verdict(&mut self, wall_ms: i64, authorization: &str) -> Verdict {
        let uri = Uri::parse("sip:hotline.test").unwrap();
        let asked = Asked {
            realm: REALM,
            method: "REGISTER",
            uri: &uri,
            source: ip("10.0.0.3"),
            wall: Wall(wall_ms),
        };
        let message = Message::parse(request(
            "REGISTER",
            "tv01",
            1,
            &[&format!("Authorization: {authorization}")],
        ))
        .unwrap();
        self.digest.verify(&self.accounts, &asked, &message)
    }
    fn good(&mut self, wall_ms: i64) -> String {
        let challenge = self.challenge(wall_ms);
        answer(
            &challenge,
            &crate::digest::Login::anywhere(("tv01".to_owned(), "secret".to_owned())),
            "REGISTER",
            "sip:hotline.test",
            "cnonce",
        )
        .unwrap()
        .1
    }
}

#[test]
fn right_credentials_with_either_algorithm_are_good() {
    let mut case = Case::new();
    let strong = case.good(1_000);
    assert!(
        strong.contains("algorithm=SHA-256"),
        "the client takes the stronger"
    );
    assert_eq!(
        case.verdict(1_000, &strong),
        Verdict::Good("tv01".to_owned())
    );
    // For phones that give up at SHA-256 instead of passing it over (RFC 8760 §2.4).
    let weak = case
        .digest
        .challenges(false, REALM, Wall(1_000), ip("10.0.0.3"), false);
    let mut writer = Writer::response(401);
    for challenge in &weak {
        writer.header("WWW-Authenticate", challenge);
    }
    let challenge = Message::parse(writer.finish(None)).unwrap();
    let weak = answer(
        &challenge,
        &crate::digest::Login::anywhere(("tv01".to_owned(), "secret".to_owned())),
        "REGISTER",
        "sip:hotline.test",
        "c",
    )
    .unwrap()
    .1;
    assert!(weak.contains("algorithm=MD5"));
    assert_eq!(case.verdict(1_000, &weak), Verdict::Good("tv01".to_owned()));
}

#[test]
fn what_is_wrong_with_credentials_is_refused() {
    let wrong = |change: &dyn Fn(String) -> String| {
        let mut case = Case::new();
        let good = case.good(1_000);
        let changed = change(good.clone());
        assert_ne!(changed, good);
        case.verdict(1_000, &changed)
    };
    let replaced =
        |from: &'static str, to: &'static str| wrong(&move |text: String| text.replace(from, to));
    assert_eq!(
        replaced("uri=\"sip:hotline.test\"", "uri=\"sip:other.test\""),
        Verdict::Wrong,
        "other URI"
    );
    assert_eq!(
        replaced("realm=\"hotline.test\"", "realm=\"other\""),
        Verdict::Ask { is_stale: false },
        "foreign realm"
    );
    assert_eq!(
        replaced(", qop=auth", ""),
        Verdict::Wrong,
        "downgrade to RFC 2069"
    );
    assert_eq!(
        replaced("algorithm=SHA-256", "algorithm=MD5"),
        Verdict::Wrong,
        "other algorithm than computed"
    );
    assert_eq!(
        replaced("algorithm=SHA-256", "algorithm=SHA-512"),
        Verdict::Wrong,
        "unknown algorithm"
    );
    assert_eq!(
        replaced("nc=00000001", "nc=00000002"),
        Verdict::Wrong,
        "count not covered"
    );
    assert_eq!(
        replaced("username=\"tv01\"", "username=\"tv02\""),
        Verdict::Wrong,
        "unknown account"
    );
    assert_eq!(
        replaced("username=\"tv01\"", "username=\"tv01\", username=\"tv01\""),
        Verdict::Wrong,
        "twice"
    );
    assert_eq!(
        replaced("Digest ", "Basic "),
        Verdict::Ask { is_stale: false },
        "other scheme"
    );
}

#[test]
fn old_and_foreign_nonces_are_stale() {
    let mut case = Case::new();
    let good = case.good(1_000_000);
    assert_eq!(
        case.verdict(1_060_001, &good),
        Verdict::Ask { is_stale: true },
        "older than its life"
    );
    assert_eq!(
        case.verdict(900_000, &good),
        Verdict::Ask { is_stale: true },
        "of the future"
    );
    assert_eq!(
        case.verdict(1_059_000, &good),
        Verdict::Good("tv01".to_owned())
    );
    assert_eq!(
        case.verdict(1_059_000, &good),
        Verdict::Ask { is_stale: true },
        "count used"
    );
    let again = good.clone();
    case.digest.set_secret([9; 32]);
    assert_eq!(
        case.verdict(1_059_000, &again),
        Verdict::Ask { is_stale: true },
        "of another secret"
    );
}

#[test]
fn a_stale_nonce_is_named_so() {
    let mut desk = Desk::new();
    let asked = desk.send(request("REGISTER", "tv01", 1, &[])).remove(0);
    let credentials = desk.credentials(&asked, "REGISTER", "tv01");
    desk.net.run_ms(61_000);
    let stale = desk
        .send(request("REGISTER", "tv01", 2, &[&credentials]))
        .remove(0);
    let challenge = stale
        .value(crate::message::Name::WwwAuthenticate)
        .unwrap()
        .into_owned();
    assert!(
        stale.status() == Some(401) && challenge.contains("stale=true"),
        "{challenge}"
    );
}

#[test]
fn the_example_of_rfc_7616_is_computed() {
    // RFC 7616 §3.9.1 with method GET.
    let challenge = |algorithm: &str| {
        let mut writer = Writer::response(401);
        let value = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        writer.header("WWW-Authenticate", &value);
        Message::parse(writer.finish(None)).unwrap()
    };
    let login = crate::digest::Login::anywhere(("Mufasa".to_owned(), "Circle of Life".to_owned()));
    let response = |algorithm: &str| {
        answer(
            &challenge(algorithm),
            &login,
            "GET",
            "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )
        .unwrap()
        .1
    };
    assert!(
        response("SHA-256")
            .contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")
    );
    assert!(response("MD5").contains("8ca523f5e9506fed4657c9700eebdbec"));
}
