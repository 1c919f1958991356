//! How fast calls are set up and ended, and that memory does not grow with their number.

use super::net::{REALM, server_config};
use crate::message::{Message, Writer};
use crate::{Command, Endpoint, Event, Input, Mono, Now, Output, Wall};

const CALLS: u64 = 4_000;
/// A fifth of what one core must do.
const CALLS_PER_S_MIN: f64 = 300.0;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

fn request(method: &str, number: u64, cseq: u32, to_tag: &str) -> Vec<u8> {
    let mut writer = Writer::request(method, &format!("sip:111@{REALM}"));
    writer
        .header(
            "Via",
            &format!("SIP/2.0/UDP 10.0.0.2:5060;rport;branch=z9hG4bK{method}{number}"),
        )
        .header("Max-Forwards", "70")
        .header(
            "From",
            &format!("<sip:0912345678@trunk.example>;tag=t{number}"),
        )
        .header("To", &format!("<sip:111@{REALM}>{to_tag}"))
        .header("Call-ID", &format!("{number}@trunk"))
        .header("CSeq", &format!("{cseq} {method}"))
        .header("Contact", "<sip:0912345678@10.0.0.2:5060>")
        .header("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE")
        .header("User-Agent", "carrier");
    writer.finish((method == "INVITE").then_some(("application/sdp", SDP.as_bytes())))
}

#[test]
#[allow(clippy::disallowed_methods, reason = "measures time")]
fn calls_a_second_on_one_core() {
    let mut config = server_config();
    (config.calls_max, config.transactions_max) = (100_000, 100_000);
    let mut endpoint = Endpoint::new(config, [1; 32]);
    let mut out = Vec::new();
    let mut spent = std::time::Duration::ZERO;
    let mut most = 0;
    for number in 0..CALLS {
        // 1,500 calls a second of the network's time.
        let now = Now {
            mono: Mono(number * 667),
            wall: Wall(1_800_000_000_000),
        };
        let mut handle = |input: Input, out: &mut Vec<Output>| {
            let start = std::time::Instant::now();
            endpoint.handle(now, input, out);
            spent += start.elapsed();
        };
        let source = "10.0.0.2:5060".parse().unwrap();
        let datagram = |bytes| Input::Datagram {
            listener: 0,
            source,
            bytes,
        };
        out.clear();
        handle(datagram(request("INVITE", number, 1, "")), &mut out);
        let dialog = out.iter().find_map(|output| match output {
            Output::Event(Event::Invited(invitation)) => Some(invitation.dialog),
            _ => None,
        });
        out.clear();
        handle(
            Input::Command(Command::Answer {
                dialog: dialog.unwrap(),
                body: SDP.as_bytes().to_vec(),
            }),
            &mut out,
        );
        let answer = out.iter().find_map(|output| match output {
            Output::Datagram { bytes, .. } => Some(Message::parse(bytes.clone()).unwrap()),
            _ => None,
        });
        let to_tag = format!(";tag={}", answer.unwrap().heads().unwrap().to_tag());
        handle(datagram(request("ACK", number, 1, &to_tag)), &mut out);
        out.clear();
        handle(datagram(request("BYE", number, 2, &to_tag)), &mut out);
        assert!(out.iter().any(|output| matches!(
            output,
            Output::Event(Event::Ended {
                is_by_peer: true,
                ..
            })
        )));
        most = most.max(endpoint.counters().transactions);
    }
    let per_s = CALLS as f64 / spent.as_secs_f64();
    println!("{per_s:.0} calls/s (INVITE, 200, ACK, BYE, 200), at most {most} transactions");
    assert!(per_s > CALLS_PER_S_MIN, "{per_s}");
    endpoint.handle(
        Now {
            mono: Mono(CALLS * 667 + 40_000_000),
            wall: Wall(0),
        },
        Input::Tick,
        &mut out,
    );
    assert!(endpoint.idle());
}
