//! What devices really offer, each answered and judged by RFC 3264: whole, damaged, and our own.

use proptest::prelude::*;

use super::*;

mod judge;

use judge::{judge, judge_hold};

/// `=== NAME | EXPECTED` and the offer, again and again. EXPECTED is what is chosen: codec, protection, direction as
/// we have it, and what else is worth saying; or the refusal.
const OFFERS: &str = include_str!("offers.txt");

/// Every codec that we have.
fn whole() -> Capabilities {
    Capabilities {
        codecs: crate::codec::ALL.to_vec(),
        ..Capabilities::default()
    }
}

struct Case {
    name: String,
    expected: String,
    offer: Vec<u8>,
}

fn cases() -> Vec<Case> {
    OFFERS
        .split("=== ")
        .skip(1)
        .map(|block| {
            let (title, body) = block.split_once('\n').unwrap();
            let (name, expected) = title.split_once(" | ").unwrap();
            Case {
                name: name.to_owned(),
                expected: expected.trim().to_owned(),
                offer: body.trim_end().replace('\n', "\r\n").into_bytes(),
            }
        })
        .collect()
}

fn told(answered: &Result<(Vec<u8>, LegPlan), SdpError>) -> String {
    let plan = match answered {
        Ok((_, plan)) => plan,
        Err(error) => return format!("{error:?}"),
    };
    let protection = match &plan.protection {
        Protection::Plain => "plain".to_owned(),
        Protection::Sdes { receive, .. } => format!("{:?}", receive.suite()),
        Protection::Browser => "browser".to_owned(),
    };
    let mut words = vec![
        format!("{:?}/{}", plan.codec, plan.payload_type),
        protection,
        format!("{:?}", plan.direction),
    ];
    match plan.event_receive {
        Some(number) if plan.event_clock_hz == 8_000 => words.push(format!("event {number}")),
        Some(number) => words.push(format!("event {number} at {}", plan.event_clock_hz)),
        None => words.push("no events".to_owned()),
    }
    match plan.control {
        ControlPath::Next => {}
        ControlPath::At(address) => words.push(format!("rtcp {}", address.port())),
        ControlPath::Muxed => words.push("mux".to_owned()),
    }
    if plan.remote.is_none() {
        words.push("nowhere".to_owned());
    }
    words.join(", ")
}

#[test]
fn every_device_gets_the_answer_that_rfc_3264_asks_for() {
    let cases = cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut faults = Vec::new();
    for case in &cases {
        let answered = answer(&case.offer, &whole(), &local());
        if told(&answered) != case.expected {
            faults.push(format!(
                "{}: {} ≠ {}",
                case.name,
                told(&answered),
                case.expected
            ));
        }
        if let Ok((bytes, plan)) = &answered
            && let Err(fault) = judge(&case.offer, bytes, plan)
        {
            faults.push(format!("{}: {fault}", case.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The same offers without a carriage return, with one each, with blanks at the ends of lines, without the lines
/// that nobody needs: the answer does not change.
#[test]
fn the_form_of_an_offer_does_not_matter() {
    for case in cases() {
        let text = String::from_utf8_lossy(&case.offer).into_owned();
        let forms = [
            text.replace("\r\n", "\n"),
            text.replace("\r\n", "\r"),
            text.replace("\r\n", "\r\n\r\n"),
            text.replace("\r\n", " \t\r\n"),
            format!("{text}\r\n\r\n\0"),
            format!("\u{FEFF}{text}\r\nthis is no line\r\ny=unknown\r\nb=TIAS\r\nk=\r\n"),
            without(&text, 'o'),
            without(&text, 's'),
            without(&text, 'b'),
            without(&text, 'v'),
        ];
        let plan = |offer: &[u8]| answer(offer, &whole(), &local()).map(|(_, plan)| plan);
        let whole = plan(&case.offer);
        for form in forms {
            assert_eq!(plan(form.as_bytes()), whole, "{}:\n{form}", case.name);
        }
    }
}

fn without(text: &str, kind: char) -> String {
    text.lines()
        .filter(|line| !line.starts_with(&format!("{kind}=")))
        .map(|line| format!("{line}\r\n"))
        .collect()
}

/// Every device holds in each of the ways there are, moves its port, and resumes.
#[test]
fn every_device_can_hold_move_and_resume() {
    for case in cases() {
        let Ok((first, plan)) = answer(&case.offer, &whole(), &local()) else {
            continue;
        };
        let again = Local {
            version: 1,
            previous: &first,
            before: Some(&plan),
            ..local()
        };
        // RFC 3264 §8: the same offer, the same answer, the same version.
        let (same, _) = answer(&case.offer, &whole(), &again).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&same),
            String::from_utf8_lossy(&first),
            "{}",
            case.name
        );
        for way in [
            "a=sendonly",
            "a=inactive",
            "a=recvonly",
            "0.0.0.0",
            "port 0",
            "moved",
        ] {
            let held = judge_hold::offer(&case.offer, way);
            let (bytes, held_plan) = answer(&held, &whole(), &again)
                .unwrap_or_else(|error| panic!("{} {way}: {error}", case.name));
            judge(&held, &bytes, &held_plan)
                .unwrap_or_else(|fault| panic!("{} {way}: {fault}", case.name));
            assert_eq!(held_plan.protection, plan.protection, "{} {way}", case.name);
            judge_hold::check(way, &plan, &held_plan)
                .unwrap_or_else(|fault| panic!("{} {way}: {fault}", case.name));
            if bytes != first {
                let origin = String::from_utf8_lossy(&bytes).into_owned();
                assert!(
                    origin.contains("\r\no=- 7 2 IN "),
                    "{} {way}: {origin}",
                    case.name
                );
            }
        }
    }
}

/// Our own offers, in every shape, answered by ourselves in every shape.
#[test]
fn our_offers_are_answered_by_ourselves() {
    let wishes = [
        Security::Plain,
        Security::Follow,
        Security::Offer,
        Security::Require,
    ];
    for (ours, theirs) in wishes
        .into_iter()
        .flat_map(|ours| wishes.map(|theirs| (ours, theirs)))
    {
        for codec in crate::codec::ALL {
            let narrow = Capabilities {
                codecs: vec![codec],
                ..whole()
            };
            let here = Local {
                security: ours,
                ..local()
            };
            let offered = offer(&whole(), &here);
            let there = Local {
                security: theirs,
                ..there()
            };
            let result = answer(&offered, &narrow, &there);
            let is_impossible = matches!(
                (ours, theirs),
                (Security::Plain | Security::Follow, Security::Require)
                    | (Security::Require, Security::Plain)
            );
            assert_eq!(
                result.is_err(),
                is_impossible,
                "{ours:?} {theirs:?} {result:?}"
            );
            let Ok((bytes, plan_there)) = result else {
                continue;
            };
            judge(&offered, &bytes, &plan_there).unwrap();
            let here = Local {
                version: 1,
                previous: &offered,
                ..here
            };
            let plan_here = accept(&whole(), &bytes, &here).unwrap();
            assert_eq!(plan_here.codec, codec);
            assert_eq!(plan_here.payload_type, plan_there.payload_type_receive);
            assert_eq!(plan_here.payload_type_receive, plan_there.payload_type);
            assert_eq!(
                (
                    plan_here.event_send,
                    plan_here.event_receive,
                    plan_here.event_clock_hz
                ),
                (
                    plan_there.event_receive,
                    plan_there.event_send,
                    plan_there.event_clock_hz
                )
            );
            assert!(plan_here.event_send.is_some());
            match (&plan_here.protection, &plan_there.protection) {
                (Protection::Plain, Protection::Plain) => {}
                (
                    Protection::Sdes { send, receive },
                    Protection::Sdes {
                        send: sent,
                        receive: received,
                    },
                ) => assert_eq!((send, receive), (received, sent)),
                other => panic!("{ours:?} {theirs:?}: {other:?}"),
            }
        }
    }
}

proptest! {
    /// However an offer is damaged, what is answered is answered by the rules.
    #[test]
    fn damaged_offers_are_answered_by_the_rules_or_refused(
        which in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..6), 1..8),
    ) {
        let cases = cases();
        let case = &cases[which.index(cases.len())];
        let mut bytes = case.offer.clone();
        for (at, value, kind) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = value,
                1 => bytes.insert(at, value),
                2 => { bytes.remove(at); }
                // Whole lines go, come twice or change places.
                _ => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let mut lines: Vec<&str> = text.split("\r\n").collect();
                    let line = usize::from(value) % lines.len();
                    match kind {
                        3 => { lines.remove(line); }
                        4 => lines.insert(line, lines[line]),
                        _ => { let other = at % lines.len(); lines.swap(line, other); }
                    }
                    bytes = lines.join("\r\n").into_bytes();
                }
            }
        }
        if let Ok((answer, plan)) = answer(&bytes, &whole(), &local())
            && let Err(fault) = judge(&bytes, &answer, &plan)
        {
            panic!("{}: {fault}\n{}", case.name, String::from_utf8_lossy(&bytes));
        }
    }
}
