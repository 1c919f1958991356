//! What is kept of which call, and that it is bounded.

use super::*;
use hotline_core::{Mono, Wall};
use hotline_sip::{Proof, Transport};

const NOW: Now = Now {
    mono: Mono(1_234),
    wall: Wall(1_800_000_000_000),
};

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn tap(bytes_max: usize) -> Tap {
    let listener = |transport| Listener {
        local: address("0.0.0.0:5060"),
        advertise: address("10.0.0.1:5060"),
        transport,
    };
    Tap::new(
        bytes_max,
        vec![listener(Transport::Udp), listener(Transport::Tcp)],
    )
}

fn message(start: &str, call_id: &str) -> Vec<u8> {
    format!("{start} SIP/2.0\r\nVia: x\r\nCall-ID: {call_id}\r\nContent-Length: 0\r\n\r\n")
        .into_bytes()
}

fn datagram(bytes: Vec<u8>) -> Input {
    Input::Datagram {
        listener: 0,
        source: address("10.0.0.2:5060"),
        bytes,
    }
}

fn answer(bytes: Vec<u8>) -> Output {
    Output::Datagram {
        listener: 0,
        destination: address("10.0.0.2:5060"),
        bytes,
    }
}

#[test]
fn a_call_has_what_was_said_before_and_after_it_was_known() {
    let mut tap = tap(1 << 20);
    tap.incoming(NOW, &datagram(message("INVITE sip:111", "a@b")));
    tap.outgoing(NOW, &answer(message("SIP/2.0 401", "a@b")));
    tap.incoming(NOW, &datagram(message("INVITE sip:111", "a@b")));
    assert_eq!(tap.beginning(None).as_deref(), Some("a@b"));
    tap.tie("a@b", CallId(7));
    assert_eq!(tap.beginning(None), None);
    tap.outgoing(NOW, &answer(message("SIP/2.0 200", "a@b")));
    tap.incoming(NOW, &datagram(message("OPTIONS sip:111", "other")));
    let seen = tap.of_call(CallId(7)).unwrap();
    let directions: Vec<bool> = seen.iter().map(|seen| seen.is_incoming).collect();
    assert_eq!(directions, [true, false, true, false]);
    assert_eq!(seen[0].at_us, 1_800_000_000_000_234);
    assert_eq!(
        (seen[0].local, seen[0].transport),
        (address("10.0.0.1:5060"), "udp")
    );
    assert!(tap.of_call(CallId(8)).is_none());
}

#[test]
fn whom_we_ring_belongs_to_the_call() {
    let mut tap = tap(1 << 20);
    let invite = answer(message("INVITE sip:tv01", "ours"));
    tap.outgoing(NOW, &invite);
    assert_eq!(tap.beginning(Some(&invite)).as_deref(), Some("ours"));
    tap.tie("ours", CallId(7));
    tap.incoming(NOW, &datagram(message("SIP/2.0 180", "ours")));
    assert_eq!(tap.of_call(CallId(7)).map(<[Seen]>::len), Some(2));
    assert_eq!(tap.beginning(Some(&answer(message("BYE x", "new")))), None);
}

#[test]
fn a_stream_is_cut_into_messages() {
    let mut tap = tap(1 << 20);
    tap.incoming(
        NOW,
        &Input::StreamOpened {
            connection: 3,
            listener: 1,
            peer: address("10.0.0.9:4000"),
            proof: Proof::None,
        },
    );
    let mut bytes = message("INVITE sip:111", "s");
    tap.tie("s", CallId(1));
    bytes.extend(message("ACK sip:111", "s"));
    for piece in bytes.chunks(20) {
        tap.incoming(
            NOW,
            &Input::StreamBytes {
                connection: 3,
                bytes: piece.to_vec(),
            },
        );
    }
    let seen = tap.of_call(CallId(1)).unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(
        (seen[1].remote, seen[1].transport),
        (address("10.0.0.9:4000"), "tcp")
    );
    tap.incoming(NOW, &Input::StreamClosed { connection: 3 });
    assert!(tap.pipes.is_empty());
}

#[test]
fn strangers_push_nothing_out_and_old_calls_make_room() {
    let mut tap = tap(10_000);
    for call in 0..50 {
        let call_id = format!("call{call}");
        tap.tie(&call_id, CallId(call));
        for _ in 0..20 {
            tap.incoming(NOW, &datagram(message("INVITE sip:111", &call_id)));
        }
        for stranger in 0..100 {
            tap.incoming(
                NOW,
                &datagram(message("INVITE sip:111", &format!("x{stranger}"))),
            );
        }
    }
    assert!(tap.of_call(CallId(0)).is_none());
    assert_eq!(tap.of_call(CallId(49)).map(<[Seen]>::len), Some(20));
    let kept: usize = tap.calls.values().map(|call| call.bytes).sum();
    assert!(tap.bytes == kept && kept <= 10_000);
    assert_eq!(tap.known.len(), tap.calls.len());
    assert_eq!(tap.strays.len(), STRAYS_MAX);
}

#[test]
fn of_an_endless_call_beginning_and_end_are_kept() {
    let mut tap = tap(1 << 20);
    tap.tie("long", CallId(1));
    for number in 0..1_000 {
        tap.incoming(
            NOW,
            &datagram(message(&format!("INFO sip:{number}"), "long")),
        );
    }
    let seen = tap.of_call(CallId(1)).unwrap();
    assert_eq!(seen.len(), MESSAGES_MAX);
    assert!(seen[0].bytes.starts_with(b"INFO sip:0 "));
    assert!(seen[MESSAGES_MAX - 1].bytes.starts_with(b"INFO sip:999 "));
}

#[test]
fn nothing_is_kept_when_it_is_switched_off() {
    let mut tap = tap(0);
    tap.incoming(NOW, &datagram(message("INVITE sip:111", "a")));
    tap.tie("a", CallId(1));
    tap.outgoing(NOW, &answer(message("SIP/2.0 200", "a")));
    assert!(tap.of_call(CallId(1)).is_none() && tap.strays.is_empty());
}

#[test]
fn the_call_id_is_found_long_or_short_and_only_in_the_head() {
    let of = |text: &str| call_id(text.as_bytes()).map(|key| String::from_utf8(key).unwrap());
    assert_eq!(of("A\r\nI : x \r\n\r\n").as_deref(), Some("x"));
    assert_eq!(of("A\r\ncall-id:y\r\n\r\n").as_deref(), Some("y"));
    assert_eq!(of("A\r\nVia: x\r\n\r\nCall-ID: z\r\n"), None);
    for text in ["", "\r\n", "A\r\nB", "A\r\nCall-ID:\r\n\r\n"] {
        assert_eq!(of(text), None);
    }
}
