use super::{escape_user, request_user};

#[test]
fn a_request_names_its_user_and_a_response_none() {
    assert_eq!(
        request_user(b"INVITE sip:tv01@127.0.0.1:5062 SIP/2.0\r\nVia: x\r\n"),
        Some("tv01")
    );
    assert_eq!(
        request_user(b"CANCEL sip:tv01@127.0.0.1 SIP/2.0\r\n"),
        Some("tv01")
    );
    assert_eq!(request_user(b"SIP/2.0 200 OK\r\n"), None);
    assert_eq!(request_user(b"\xff\xfe"), None);
    assert_eq!(request_user(b""), None);
}

#[test]
fn feature_codes_survive_in_an_address() {
    assert_eq!(escape_user("*11"), "*11");
    assert_eq!(escape_user("#1 ü"), "%231%20%C3%BC");
}
