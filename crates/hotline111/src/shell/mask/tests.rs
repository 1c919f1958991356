//! What is seen of a message, and what is not.

use super::*;
use expect_test::expect;

fn masked(messages: &[&str]) -> String {
    let mut masker = Masker::new(BTreeSet::from(["tv01".to_owned()]));
    for message in messages {
        masker.learn(message.as_bytes());
    }
    let last = messages.last().unwrap();
    String::from_utf8(masker.mask(last.as_bytes())).unwrap()
}

const INVITE: &str = "INVITE sip:111@10.0.0.1;user=phone SIP/2.0\r\n\
v: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK0987654321x\r\n\
From: \"Nguyen, Van \\\"A\\\"\" <sip:+84987654321@10.0.0.2;user=phone>;tag=0987654321\r\n\
To: <sip:111@10.0.0.1>\r\n\
i: 84987654321-1@10.0.0.2\r\n\
CSeq: 1 INVITE\r\n\
m: <sip:0987654321@10.0.0.2:5060;transport=udp>;x=84987654321\r\n\
P-Asserted-Identity: Nguyen Van A <tel:+84987654321;cpc=ordinary>,\r\n <sip:+84987654321@ims>\r\n\
Diversion: <sip:18001567@10.0.0.2?Reason=SIP>;reason=unconditional;counter=1\r\n\
History-Info: <sip:02437950111@old>;index=1, <sip:111@new>;index=1.1\r\n\
Authorization: Digest username=\"84987654321\", response=\"abc\"\r\n\
Subject: call of 0987654321\r\n\
User-Agent: gateway (0987654321)\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 999\r\n\
\r\n\
v=0\r\no=84987654321 1 1 IN IP4 10.0.0.2\r\ns=0987654321\r\ne=a@b\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
m=audio 4000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\na=ptime:20\r\n";

#[test]
fn numbers_names_and_keys_go_and_the_rest_stays() {
    let text = masked(&[INVITE]);
    expect![[r#"
        INVITE sip:111@10.0.0.1;user=phone SIP/2.0
        v: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK09********x
        From: "***" <sip:***21@10.0.0.2;user=phone>;tag=09********
        To: <sip:111@10.0.0.1>
        i: 849********-1@10.0.0.2
        CSeq: 1 INVITE
        m: <sip:***21@10.0.0.2:5060;transport=udp>;x=***
        P-Asserted-Identity: "***" <tel:***21>, <sip:***21@ims>
        Diversion: <sip:***67@10.0.0.2?***>;reason=unconditional;counter=1
        History-Info: <sip:***11@old>;index=1, <sip:111@new>;index=1.1
        Authorization: ***
        Subject: ***
        User-Agent: gateway (09********)
        Content-Type: application/sdp
        Content-Length: 119

        v=0
        o=- 1 1 IN IP4 10.0.0.2
        s=-
        e=***
        c=IN IP4 10.0.0.2
        t=0 0
        m=audio 4000 RTP/SAVP 8
        a=crypto:***
        a=ptime:20
    "#]]
    .assert_eq(&text.replace("\r\n", "\n"));
    let (_, body) = head_and_body(&text);
    assert!(text.contains(&format!("Content-Length: {}\r\n", body.len())));
    hotline_sip::message::Message::parse(text.into_bytes())
        .unwrap()
        .heads()
        .unwrap();
}

#[test]
fn a_number_of_one_message_is_taken_out_of_all() {
    let answer = "SIP/2.0 200 OK for 987654321\r\nVia: SIP/2.0/UDP a;branch=1\r\nCall-ID: 0987654321\r\n\r\n";
    let text = masked(&[INVITE, answer]);
    assert!(!text.contains("87654321"), "{text}");
    assert!(
        text.starts_with("SIP/2.0 200 OK for 9********\r\n"),
        "{text}"
    );
}

#[test]
fn accounts_and_codes_stay_and_other_bodies_are_withheld() {
    let info = "INFO sip:tv01@10.0.0.3 SIP/2.0\r\nTo: <sip:*11@x>\r\nFrom: sip:anonymous@anonymous.invalid;tag=1\r\n\
Contact: *\r\nContent-Type: application/dtmf-relay\r\nContent-Length: 8\r\n\r\nSignal=5";
    expect![[r#"
        INFO sip:tv01@10.0.0.3 SIP/2.0
        To: <sip:*11@x>
        From: sip:anonymous@anonymous.invalid;tag=1
        Contact: *
        Content-Type: application/dtmf-relay
        Content-Length: 19

        (8 bytes not shown)"#]]
    .assert_eq(&masked(&[info]).replace("\r\n", "\n"));
}

#[test]
fn whatever_is_sent_something_comes_out() {
    for message in [
        "",
        "\r\n",
        "\r\n\r\n",
        "INVITE",
        "A B C\r\n: x\r\nFrom\r\nTo: <\r\nContact: \"<sip:\r\nRoute: ,,;;<>,\r\n\r\n=\r\na=",
        "SIP/2.0 200 é\r\nFrom: \"\\",
    ] {
        masked(&[message]);
    }
}
