//! What a carrier says of its callers: who they are, who hides, where they are.

use super::trunks::net;
use crate::{Event, Input, Output};

/// What the server says of an INVITE with these lines.
fn told(extra: &str, body: &str) -> crate::Invitation {
    let mut net = net(|trunks| {
        trunks[0].region_headers = vec!["X-Region".to_owned()];
    });
    let invite = format!(
        "INVITE sip:111@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKnote\r\n\
         Max-Forwards: 70\r\nTo: <sip:111@10.0.0.1>\r\nCall-ID: note\r\nCSeq: 1 INVITE\r\n\
         {extra}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (now, mut out) = (net.now(), Vec::new());
    net.node("server").endpoint.handle(
        now,
        Input::Datagram {
            listener: 0,
            source: "10.0.0.2:5060".parse().unwrap(),
            bytes: invite.into_bytes(),
        },
        &mut out,
    );
    let told = out.into_iter().find_map(|output| match output {
        Output::Event(Event::Invited(invitation)) => Some(*invitation),
        _ => None,
    });
    told.unwrap()
}

#[test]
fn who_calls_is_taken_from_what_the_trunk_asserts() {
    let from = "From: \"Bé\" <sip:0911@c.vn>;tag=1\r\n";
    let said = told(
        &format!("{from}P-Asserted-Identity: \"x\" <tel:+84912345678>, <sip:2@c.vn>\r\n"),
        "",
    );
    assert_eq!(said.caller, "+84912345678");
    let said = told(
        &format!("{from}Remote-Party-ID: <sip:0912@c.vn>;privacy=off\r\n"),
        "",
    );
    assert_eq!(said.caller, "0912");
    let said = told(from, "");
    let note = said.carrier.unwrap();
    assert_eq!((said.caller.as_str(), note.is_private), ("0911", false));
    assert_eq!(note.caller_uri, "sip:0911@c.vn");
}

#[test]
fn who_hides_is_not_shown_but_kept() {
    for extra in [
        "From: <sip:anonymous@anonymous.invalid>;tag=1\r\nP-Asserted-Identity: <tel:+84912345678>\r\nPrivacy: id\r\n",
        "From: \"Restricted\" <sip:restricted@c.vn>;tag=1\r\nP-Asserted-Identity: <tel:+84912345678>\r\nPrivacy: user;id\r\n",
        "From: \"x\" <sip:a@c.vn>;tag=1\r\nRemote-Party-ID: <tel:+84912345678>;privacy=full\r\n",
    ] {
        let said = told(extra, "");
        let note = said.carrier.clone().unwrap();
        assert_eq!((said.caller.as_str(), said.caller_name.as_str()), ("", ""));
        assert!(note.is_private);
        assert_eq!(note.caller_uri, "tel:+84912345678");
        let shown = format!("{said:?}");
        assert!(!shown.contains("345678"), "{shown}");
    }
    let said = told("From: <sip:anonymous@c.vn>;tag=1\r\n", "");
    assert_eq!(said.caller, "");
}

#[test]
fn the_location_beside_the_offer_is_kept_and_the_offer_found() {
    let body = "--b1\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n\
                --b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1--\r\n";
    let said = told(
        "From: <sip:0912@c.vn>;tag=1\r\nGeolocation: <cid:a@b>, <https://c.vn/l>\r\n\
         X-Region: hn\r\nContact: <sip:0912;tgrp=hanoi;trunk-context=c.vn@10.0.0.2>\r\n\
         Content-Type: multipart/mixed; boundary=b1\r\n",
        body,
    );
    assert_eq!(
        said.body,
        Some(("application/sdp".to_owned(), b"v=0".to_vec()))
    );
    let note = said.carrier.unwrap();
    assert_eq!(note.location.as_deref(), Some(b"<presence/>".as_slice()));
    assert_eq!(note.geolocation, ["<cid:a@b>", "<https://c.vn/l>"]);
    assert_eq!(note.trunk_group.as_deref(), Some("hanoi"));
    assert_eq!(
        note.region_headers,
        [("x-region".to_owned(), "hn".to_owned())]
    );
    let alone = told(
        "From: <sip:0912@c.vn>;tag=1\r\nContent-Type: application/pidf+xml\r\n",
        "<presence/>",
    );
    assert_eq!(alone.body, None, "an INVITE without an offer");
    assert!(alone.carrier.unwrap().location.is_some());
}
