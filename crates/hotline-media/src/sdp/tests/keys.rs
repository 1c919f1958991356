//! Keys in descriptions: never lost once agreed, never taken where they cannot be kept.

use super::*;

const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const OTHER: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

fn phone(proto: &str, crypto: &[&str]) -> Vec<u8> {
    let crypto: String = crypto
        .iter()
        .map(|line| format!("\na=crypto:{line}"))
        .collect();
    lines(&format!(
        "v=0\no=- 1 1 IN IP4 203.0.113.5\ns=-\nc=IN IP4 203.0.113.5\nt=0 0\nm=audio 4000 {proto} 8 101\n\
         a=rtpmap:101 telephone-event/8000{crypto}"
    ))
}

fn with(security: Security) -> Local<'static> {
    Local {
        security,
        ..local()
    }
}

fn crypto_of(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("a=crypto:"))
        .collect()
}

#[test]
fn the_first_line_that_we_can_keep_is_taken_under_its_own_tag() {
    let strange = format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}");
    let changed = format!("2 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTCP");
    let good = format!("77 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^31");
    let offer = phone("RTP/SAVP", &[&strange, &changed, &good]);
    let (bytes, plan) = answer(&offer, &Capabilities::default(), &local()).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let ours = crypto_of(&text);
    assert_eq!(ours.len(), 1);
    assert!(
        ours[0].starts_with("77 AES_CM_128_HMAC_SHA1_32 inline:ZGVmZ2"),
        "{text}"
    );
    let Protection::Sdes { send, receive } = plan.protection else {
        panic!("{text}");
    };
    assert_eq!(
        (send.key(), receive.key()),
        (&RANDOM[..16], &b"YS___semctl () {"[..])
    );
    // Without a line to keep, the call cannot be.
    let offer = phone("RTP/SAVP", &[&strange, &changed]);
    assert_eq!(
        answer(&offer, &Capabilities::default(), &local()).map(|_| ()),
        Err(SdpError::NothingInCommon)
    );
}

#[test]
fn an_answer_follows_its_offer_as_far_as_the_house_allows() {
    let good = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    for (proto, has_key, security, expected) in [
        ("RTP/AVP", false, Security::Follow, Ok(false)),
        ("RTP/AVP", true, Security::Follow, Ok(true)),
        ("RTP/AVP", true, Security::Plain, Ok(false)),
        (
            "RTP/AVP",
            false,
            Security::Require,
            Err(SdpError::Downgrade),
        ),
        ("RTP/AVP", true, Security::Require, Ok(true)),
        ("RTP/SAVP", true, Security::Follow, Ok(true)),
        ("RTP/SAVPF", true, Security::Offer, Ok(true)),
        (
            "RTP/SAVP",
            true,
            Security::Plain,
            Err(SdpError::NothingInCommon),
        ),
        (
            "RTP/SAVP",
            false,
            Security::Follow,
            Err(SdpError::NothingInCommon),
        ),
    ] {
        let keys: &[&str] = if has_key { &[&good] } else { &[] };
        let result = answer(
            &phone(proto, keys),
            &Capabilities::default(),
            &with(security),
        )
        .map(|(_, plan)| plan.protection.is_protected());
        assert_eq!(result, expected, "{proto} {has_key} {security:?}");
    }
}

#[test]
fn what_was_protected_is_never_plain_again() {
    let good = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let rekeyed = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{OTHER}");
    let (first, plan) = answer(
        &phone("RTP/AVP", &[&good]),
        &Capabilities::default(),
        &local(),
    )
    .unwrap();
    let again = Local {
        version: 1,
        previous: &first,
        before: Some(&plan),
        ..local()
    };
    assert_eq!(
        answer(&phone("RTP/AVP", &[]), &Capabilities::default(), &again).map(|_| ()),
        Err(SdpError::Downgrade)
    );
    assert_eq!(
        accept(&Capabilities::default(), &phone("RTP/AVP", &[]), &again).map(|_| ()),
        Err(SdpError::Downgrade)
    );
    // A new key of the peer is taken, ours stays.
    let (_, rekeyed) = answer(
        &phone("RTP/AVP", &[&rekeyed]),
        &Capabilities::default(),
        &again,
    )
    .unwrap();
    let (
        Protection::Sdes { send, receive },
        Protection::Sdes {
            send: ours,
            receive: theirs,
        },
    ) = (&plan.protection, &rekeyed.protection)
    else {
        panic!("keys are gone");
    };
    assert!(send == ours && receive != theirs);
    // Our own new offer has the key that stands, under the profile that stands.
    let text = String::from_utf8(offer(&Capabilities::default(), &again)).unwrap();
    assert!(
        text.contains(" RTP/AVP ") && crypto_of(&text).len() == 1,
        "{text}"
    );
    assert_eq!(
        crypto_of(&text)[0],
        crypto_of(&String::from_utf8(first.clone()).unwrap())[0]
    );
}

#[test]
fn our_offers_have_a_key_of_its_own_for_each_suite() {
    for (security, proto, count) in [
        (Security::Plain, "RTP/AVP", 0),
        (Security::Follow, "RTP/AVP", 0),
        (Security::Offer, "RTP/AVP", 3),
        (Security::Require, "RTP/SAVP", 3),
    ] {
        let text = String::from_utf8(offer(&Capabilities::default(), &with(security))).unwrap();
        assert!(text.contains(&format!("m=audio 20000 {proto} ")), "{text}");
        let keys = crypto_of(&text);
        assert_eq!(keys.len(), count, "{text}");
        if let Some(first) = keys.first() {
            assert!(first.starts_with("1 AES_CM_128_HMAC_SHA1_80 inline:"));
            let of = |line: &str| line.split("inline:").nth(1).unwrap()[..20].to_owned();
            assert!(of(keys[0]) != of(keys[1]) && of(keys[1]) != of(keys[2]));
        }
    }
}

#[test]
fn an_answer_must_name_a_line_of_ours() {
    let ours = offer(&Capabilities::default(), &with(Security::Require));
    let waiting = Local {
        version: 1,
        previous: &ours,
        ..with(Security::Require)
    };
    let accepted = |proto: &str, line: &str| {
        accept(&Capabilities::default(), &phone(proto, &[line]), &waiting)
            .map(|plan| plan.protection.is_protected())
    };
    let suite = "AES_CM_128_HMAC_SHA1_80 inline:";
    assert_eq!(accepted("RTP/SAVP", &format!("1 {suite}{KEY}")), Ok(true));
    // Phones are loose with the profile's name in an answer; the key says what is meant.
    assert_eq!(accepted("RTP/AVP", &format!("1 {suite}{KEY}")), Ok(true));
    assert_eq!(
        accepted("RTP/SAVP", &format!("2 {suite}{KEY}")),
        Err(SdpError::NothingInCommon)
    );
    assert_eq!(
        accepted("RTP/SAVP", &format!("9 {suite}{KEY}")),
        Err(SdpError::NothingInCommon)
    );
    assert_eq!(accepted("RTP/AVP", "nothing"), Err(SdpError::Downgrade));
}

#[test]
fn the_profile_is_known_before_anything_is_answered() {
    assert_eq!(profile(&phone("RTP/AVP", &[])), Some(Profile::Plain));
    assert_eq!(profile(&phone("RTP/SAVP", &["1 x y"])), Some(Profile::Sdes));
    assert_eq!(
        profile(&phone("UDP/TLS/RTP/SAVPF", &[])),
        Some(Profile::Browser)
    );
    assert_eq!(profile(&phone("TCP/RTP/AVP", &[])), None);
    assert_eq!(profile(b"nonsense"), None);
}
