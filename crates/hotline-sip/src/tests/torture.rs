//! The messages of RFC 4475 and RFC 5118, from the folder that HOTLINE_TORTURE_DIR names.

use super::net::{server_config, summary};
use crate::message::{Frame, Framer, Message};
use crate::{Config, Endpoint, Input, Mono, Now, Output, Transport, Wall};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

struct Case {
    name: String,
    kind: String,
    ok: Vec<String>,
    best: Vec<String>,
    may_drop: bool,
    bytes: Vec<u8>,
}

fn folder() -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("HOTLINE_TORTURE_DIR") else {
        println!("HOTLINE_TORTURE_DIR is not set: nothing to run");
        return None;
    };
    Some(PathBuf::from(folder))
}

fn cases(folder: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for set in ["rfc4475", "rfc5118"] {
        let index = std::fs::read_to_string(folder.join(set).join("index.json"))
            .expect("HOTLINE_TORTURE_DIR has no index.json");
        let index: serde_json::Value = serde_json::from_str(&index).unwrap();
        for entry in index["entries"].as_array().unwrap() {
            let texts = |key: &str| {
                entry[key]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|text| text.as_str().unwrap().to_owned())
                    .collect()
            };
            let name = entry["file"].as_str().unwrap().to_owned();
            let bytes = std::fs::read(folder.join(set).join(&name)).unwrap();
            cases.push(Case {
                kind: entry["kind"].as_str().unwrap().to_owned(),
                ok: texts("ok"),
                best: texts("best"),
                may_drop: entry["drop_ok"].as_bool().unwrap(),
                name,
                bytes,
            });
        }
    }
    assert_eq!(cases.len(), 61);
    cases
}

fn fits(status: u16, wanted: &[String]) -> bool {
    let text = status.to_string();
    let is_named = |word: &String| {
        word == &text
            || word
                .strip_suffix("xx")
                .is_some_and(|class| text.starts_with(class))
            || word.strip_prefix('!').is_some_and(|not| not != text)
    };
    wanted.iter().any(is_named)
}

/// Where the end of a message must be found in a stream of bytes.
fn has_no_frames(transport: Transport) -> bool {
    transport.is_stream() && !transport.is_web_socket()
}

/// The last status of each answer that the message gets from a fresh endpoint.
fn answers(case: &Case, source: &str, transport: Transport) -> (Vec<u16>, bool) {
    let is_stream = has_no_frames(transport);
    let listener = Transport::ALL
        .iter()
        .position(|known| *known == transport)
        .unwrap() as u16;
    let mut config: Config = server_config();
    config.realm = "example.com".to_owned();
    let mut endpoint = Endpoint::new(config, [5; 32]);
    let mut out = Vec::new();
    let now = |seconds: u64| Now {
        mono: Mono(seconds * 1_000_000),
        wall: Wall(1_800_000_000_000),
    };
    let peer: SocketAddr = source.parse().unwrap();
    if transport.is_stream() {
        endpoint.handle(
            now(0),
            Input::StreamOpened {
                connection: 1,
                listener,
                peer,
                proof: crate::Proof::None,
            },
            &mut out,
        );
    }
    if is_stream {
        for piece in case.bytes.chunks(50) {
            endpoint.handle(
                now(0),
                Input::StreamBytes {
                    connection: 1,
                    bytes: piece.to_vec(),
                },
                &mut out,
            );
        }
        // A message that never ends is given up, and so is its connection.
        for second in 1..40 {
            endpoint.handle(now(second), Input::Tick, &mut out);
        }
    } else if transport.is_web_socket() {
        let bytes = case.bytes.clone();
        let message = Input::StreamMessage {
            connection: 1,
            bytes,
        };
        endpoint.handle(now(0), message, &mut out);
    } else {
        endpoint.handle(
            now(0),
            Input::Datagram {
                listener: 0,
                source: peer,
                bytes: case.bytes.clone(),
            },
            &mut out,
        );
    }
    let mut statuses = Vec::new();
    let mut is_closed = false;
    for output in out {
        match output {
            Output::Datagram { bytes, .. } | Output::Stream { bytes, .. } if bytes != b"\r\n" => {
                assert!(
                    Message::parse(bytes.clone()).unwrap().heads().is_ok() || case.kind != "valid",
                    "{}: our answer is broken",
                    case.name
                );
                statuses.push(summary(&bytes).split(' ').next().unwrap().parse().unwrap());
            }
            Output::Close { .. } => is_closed = true,
            _ => {}
        }
    }
    (statuses, is_closed)
}

#[test]
fn every_torture_message_is_answered_as_its_index_says() {
    let Some(folder) = folder() else { return };
    let mut not_best = Vec::new();
    let mut faults = Vec::new();
    for case in cases(&folder) {
        for transport in Transport::ALL {
            let (is_stream, name) = (has_no_frames(transport), transport.name());
            // A message of RFC 2543 without Content-Length; on a stream its end cannot be known (RFC 3261 §18.3).
            if is_stream && case.name == "inv2543.dat" {
                assert_eq!(
                    answers(&case, "10.0.0.2:5060", transport),
                    (vec![400], true)
                );
                continue;
            }
            let mut is_best = case.best.is_empty();
            for source in ["10.0.0.2:5060", "10.0.0.9:5060"] {
                let (statuses, is_closed) = answers(&case, source, transport);
                // On a stream bytes behind a message are the next message.
                let statuses = if is_stream {
                    statuses.get(..1.min(statuses.len())).unwrap().to_vec()
                } else {
                    statuses
                };
                let is_silent_well = case.kind == "response"
                    || case.may_drop
                    || (transport.is_stream() && is_closed);
                match statuses.as_slice() {
                    [] if !is_silent_well => {
                        faults.push(format!("{} from {source} by {name}: silence", case.name))
                    }
                    [] => is_best |= transport.is_stream() && is_closed,
                    [status] => {
                        if case.kind == "response" || !(fits(*status, &case.ok)) {
                            faults.push(format!("{} from {source} by {name}: {status}", case.name));
                        }
                        is_best |= fits(*status, &case.best);
                    }
                    many => faults.push(format!(
                        "{} from {source} by {name}: answered {many:?}",
                        case.name
                    )),
                }
            }
            if !is_best {
                not_best.push(format!("{} by {name}", case.name));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    // wsinv.dat has a To tag of a dialog that we do not have: a call must not come to life out of the
    // re-INVITE of a dead one, so 481 (RFC 3261 §12.2.2) and not a new call.
    assert_eq!(
        not_best,
        Transport::ALL.map(|transport| format!("wsinv.dat by {}", transport.name()))
    );
}

#[test]
fn the_valid_messages_print_back_byte_for_byte() {
    let Some(folder) = folder() else { return };
    let mut printed = 0;
    for case in cases(&folder) {
        let Ok(message) = Message::parse(case.bytes.clone()) else {
            continue;
        };
        if case.kind != "valid" {
            continue;
        }
        let print = message.print();
        assert_eq!(print, message.as_bytes(), "{}", case.name);
        assert!(case.bytes.starts_with(&print), "{}", case.name);
        message
            .heads()
            .unwrap_or_else(|fault| panic!("{}: {fault:?}", case.name));
        printed += 1;
    }
    assert!(printed >= 13, "{printed}");
}

#[test]
fn streams_cut_anywhere_give_the_same_messages() {
    let Some(folder) = folder() else { return };
    for case in cases(&folder) {
        let frames = |piece_bytes: usize| {
            let mut framer = Framer::default();
            let mut frames: Vec<Frame> = Vec::new();
            for piece in case.bytes.chunks(piece_bytes) {
                framer.push(piece);
                while let Some(frame) = framer.next_frame() {
                    let is_broken = matches!(frame, Frame::Broken(..));
                    frames.push(frame);
                    if is_broken {
                        return frames;
                    }
                }
            }
            frames
        };
        let whole = frames(usize::MAX);
        for piece_bytes in [1, 2, 3, 17, 100] {
            assert_eq!(
                frames(piece_bytes),
                whole,
                "{} in pieces of {piece_bytes}",
                case.name
            );
        }
    }
}
