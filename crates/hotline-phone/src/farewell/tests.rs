use super::Farewell;
use hotline_sip::Mono;

const BYE: &[u8] =
    b"BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;rport;branch=z9hG4bK1\r\n\r\n";
const TRYING: &[u8] =
    b"SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;rport=1;branch=z9hG4bK1;x\r\n\r\n";
const OK: &[u8] =
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;rport=1;branch=z9hG4bK1;x\r\n\r\n";

#[test]
fn a_bye_has_to_be_answered_once() {
    let mut farewell = Farewell::default();
    assert_eq!(farewell.over_at(), Some(Mono(100_000)));
    farewell.sent(BYE);
    farewell.sent(BYE);
    assert_eq!(farewell.over_at(), None);
    farewell.heard(Mono(5), TRYING);
    assert_eq!(farewell.over_at(), None);
    farewell.heard(Mono(7), OK);
    assert_eq!(farewell.over_at(), Some(Mono(100_007)));
}

#[test]
fn other_requests_and_garbage_hold_nobody_up() {
    let mut farewell = Farewell::default();
    farewell.sent(&BYE[4..]);
    farewell.sent(b"BYE");
    farewell.heard(Mono(1), b"\xff");
    assert_eq!(farewell.over_at(), Some(Mono(100_001)));
}
