//! The pieces of the table that the ladders (tests/scenarios) do not show one by one.

mod offerless;

use crate::Keys;
use crate::cause::{reason_header, retry_after_s, status};
use crate::legs::{CallEntry, DigitPath, Leg, LegState, Legs};
use crate::sounds::{SoundIndex, Sounds};
use hotline_core::{
    CallId, Cause, Clip, Language, LanguageId, LegId, Mono, Plan, Prompt, PromptId, Timing,
};
use hotline_media::{Codec, LegPlan};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn at_ms(millis: u64) -> Mono {
    Mono(millis * 1_000)
}

fn plan(prompts: &[&str]) -> Plan {
    let language = |code: &str| Language {
        code: code.into(),
        is_open: true,
    };
    let prompt = |name: &&str| Prompt {
        name: (*name).into(),
        length_ms: BTreeMap::new(),
    };
    Plan {
        languages: vec![language("vi"), language("en")],
        services: Vec::new(),
        prompts: prompts.iter().map(prompt).collect(),
        queues: Vec::new(),
        centres: Vec::new(),
        agents: Vec::new(),
        flows: Vec::new(),
        routes: Vec::new(),
        timing: Timing {
            entry_ms_max: 30_000,
            reattach_grace_ms: 20_000,
            lone_rona_ms: 30_000,
            short_ms: 10_000,
            counselling_ms_min: 0,
            recovery_ms: 0,
        },
        reasons: Vec::new(),
        calls_max: 10,
        notice: None,
        shutdown: None,
        lost_agent: None,
        beep: None,
        mobiles: Vec::new(),
        mobile_accept: None,
        announcement: hotline_core::Announcement::default(),
        outbound: Vec::new(),
        transfer_wait: None,
        transfer_failed: None,
    }
}

#[test]
fn a_carrier_may_have_its_keys_listened_for_elsewhere() {
    for (keys, with_events, without) in [
        (Keys::Agreed, false, true),
        (Keys::Events, false, false),
        (Keys::EventsAndTones, true, true),
    ] {
        for (agreed, expected) in [(false, with_events), (true, without)] {
            let plan = LegPlan {
                hears_key_tones: agreed,
                ..LegPlan::new(Codec::Pcma)
            };
            assert_eq!(keys.apply(plan).hears_key_tones, expected, "{keys:?}");
        }
    }
}

#[test]
fn one_press_that_comes_by_both_paths_counts_once() {
    let mut leg = Leg::new(LegState::Up, HERE, hotline_media::sdp::Security::Follow);
    assert!(leg.is_new_press('1', DigitPath::Media, at_ms(0)));
    assert!(
        !leg.is_new_press('1', DigitPath::Info, at_ms(200)),
        "the same press, by INFO"
    );
    assert!(
        leg.is_new_press('1', DigitPath::Media, at_ms(300)),
        "pressed again, by the same path"
    );
    assert!(
        leg.is_new_press('2', DigitPath::Info, at_ms(350)),
        "another key"
    );
    assert!(
        !leg.is_new_press('1', DigitPath::Info, at_ms(7_800)),
        "its INFO was lost four times"
    );
    assert!(
        leg.is_new_press('2', DigitPath::Media, at_ms(40_000)),
        "the same key much later"
    );
}

#[test]
fn a_missing_clip_is_vietnamese_then_a_tone_and_is_told() {
    let index = SoundIndex::from([
        (("greet.main".into(), "vi".into()), 7),
        (("greet.main".into(), "en".into()), 8),
        (("queue.hold".into(), "vi".into()), 9),
    ]);
    let sounds = Sounds::new(index, &plan(&["greet.main", "queue.hold", "sys.full"]));
    let clip = |prompt, language| Clip {
        prompt: PromptId(prompt),
        language: LanguageId(language),
    };
    assert_eq!(sounds.clip(clip(0, 1)), Ok(hotline_media::Clip::Prompt(8)));
    assert_eq!(
        sounds.clip(clip(1, 1)),
        Ok(hotline_media::Clip::Prompt(9)),
        "English is missing"
    );
    let (tone, name) = sounds.clip(clip(2, 0)).unwrap_err();
    assert!(matches!(tone, hotline_media::Clip::Tone { .. }));
    assert_eq!(name, "sys.full");
}

fn admit(legs: &mut Legs, number: u64) -> Option<(u16, u16)> {
    let (call, leg) = (CallId(number), LegId(2 * number));
    legs.calls.insert(call, CallEntry::new(leg, String::new()));
    let port = legs.port_for_caller(call);
    if port.is_none() {
        legs.remove_call(call);
    }
    port
}

#[test]
fn all_legs_of_a_call_live_on_one_worker_and_calls_spread() {
    let mut legs = Legs::new(2);
    legs.add_ports(0, &[100, 102, 104]);
    legs.add_ports(1, &[200, 202, 204]);
    let first = admit(&mut legs, 1).unwrap();
    let second = admit(&mut legs, 2).unwrap();
    assert_ne!(first.0, second.0, "the next call goes to the other worker");
    let agent = legs.port_for_party(CallId(1)).unwrap();
    assert_eq!(
        agent.0, first.0,
        "the counsellor's leg goes where the caller is"
    );
}

#[test]
fn whoever_is_let_in_has_a_second_port_and_nobody_takes_it() {
    let mut legs = Legs::new(1);
    legs.add_ports(0, &[100, 102, 104]);
    assert!(admit(&mut legs, 1).is_some());
    assert_eq!(legs.free_ports(), 0, "one is left, and a caller takes two");
    assert_eq!(admit(&mut legs, 2), None);
    let (worker, _) = legs.port_for_party(CallId(1)).unwrap();
    assert!(
        legs.port_for_party(CallId(1)).is_some(),
        "a transfer may have what is kept for nobody"
    );
    assert_eq!(legs.port_for_party(CallId(1)), None);
    legs.release(LegId(51), Some(CallId(1)), worker);
    legs.release(LegId(53), Some(CallId(1)), worker);
    legs.add_ports(0, &[106, 108]);
    assert_eq!(admit(&mut legs, 3), None, "one of the two is kept again");
    legs.release(LegId(2), Some(CallId(1)), worker);
    legs.remove_call(CallId(1));
    assert!(admit(&mut legs, 4).is_some());
}

#[test]
fn a_worker_without_ports_gives_none_for_its_call() {
    let mut legs = Legs::new(2);
    legs.add_ports(0, &[100, 102]);
    assert!(admit(&mut legs, 1).is_some());
    assert!(legs.port_for_party(CallId(1)).is_some());
    legs.add_ports(1, &[200, 202]);
    assert_eq!(
        legs.port_for_party(CallId(1)),
        None,
        "not from another worker"
    );
}

#[test]
fn a_worker_binds_more_ahead_for_what_is_kept() {
    let mut legs = Legs::new(1);
    legs.add_ports(0, &(100..300).collect::<Vec<_>>());
    assert!(admit(&mut legs, 1).is_some());
    assert_eq!(legs.ports_to_keep(), [(0, 32)]);
    for number in 2..=32 {
        assert!(admit(&mut legs, number).is_some());
    }
    assert_eq!(legs.ports_to_keep(), [], "told already");
    assert!(admit(&mut legs, 33).is_some());
    assert_eq!(legs.ports_to_keep(), [(0, 64)]);
    for number in 1..=33 {
        assert!(legs.port_for_party(CallId(number)).is_some());
    }
    assert_eq!(legs.ports_to_keep(), [(0, 0)]);
}

/// Whatever comes in which order: a call without a party gets a port for one, as long as ports come back.
#[test]
fn a_ring_for_a_caller_without_a_party_always_finds_a_port() {
    let mut throw = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |limit: u64| {
        throw ^= throw << 13;
        throw ^= throw >> 7;
        throw ^= throw << 17;
        throw % limit
    };
    for ports in 2..=12_u16 {
        let mut legs = Legs::new(1);
        legs.add_ports(0, &(0..ports).map(|at| 100 + 2 * at).collect::<Vec<_>>());
        // Call: parties' ports, and the caller's own.
        let mut calls: BTreeMap<u64, (u16, Vec<u16>)> = BTreeMap::new();
        let (mut rings, mut refused) = (0, 0);
        for number in 1..2_000_u64 {
            let keys: Vec<u64> = calls.keys().copied().collect();
            let chosen = keys.get(below(keys.len().max(1) as u64) as usize).copied();
            match (below(4), chosen) {
                (0, _) | (_, None) => match admit(&mut legs, number) {
                    Some((_, port)) => {
                        calls.insert(number, (port, Vec::new()));
                    }
                    None => refused += 1,
                },
                (1, Some(call)) => {
                    let parties = &mut calls.get_mut(&call).unwrap().1;
                    let got = legs.port_for_party(CallId(call));
                    rings += u32::from(parties.is_empty());
                    assert!(got.is_some() || !parties.is_empty(), "call {call} waits");
                    parties.extend(got.map(|(_, port)| port));
                }
                (2, Some(call)) => {
                    if let Some(port) = calls.get_mut(&call).unwrap().1.pop() {
                        legs.release(LegId(2 * call + 1), Some(CallId(call)), 0);
                        legs.add_ports(0, &[port]);
                    }
                }
                (_, Some(call)) => {
                    let (own, parties) = calls.remove(&call).unwrap();
                    legs.remove_call(CallId(call));
                    for port in parties.into_iter().chain([own]) {
                        legs.release(LegId(2 * call), Some(CallId(call)), 0);
                        legs.add_ports(0, &[port]);
                    }
                }
            }
            let in_use: usize = calls.values().map(|(_, parties)| 1 + parties.len()).sum();
            assert_eq!(legs.ports_at_hand() + in_use, usize::from(ports));
        }
        assert!(
            rings > 50 && refused > 10,
            "{rings} rings, {refused} refused"
        );
    }
}

#[test]
fn shedding_names_when_to_come_again_and_nothing_else_does() {
    assert_eq!(
        (status(Cause::Overload), retry_after_s(Cause::Overload)),
        (503, Some(5))
    );
    assert_eq!(
        (status(Cause::Shutdown), retry_after_s(Cause::Shutdown)),
        (503, Some(30))
    );
    assert_eq!(
        (
            status(Cause::UnknownNumber),
            retry_after_s(Cause::UnknownNumber)
        ),
        (404, None)
    );
    assert_eq!(
        reason_header(Cause::NormalClearing),
        "Q.850;cause=16;text=\"Normal call clearing\""
    );
}

#[test]
fn one_address_for_audio_goes_before_those_of_the_listeners_of_its_family() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let (outside, listener) = (ip("203.0.113.1"), ip("10.0.0.1"));
    assert_eq!(crate::audio_address(None, listener), listener);
    assert_eq!(crate::audio_address(Some(outside), listener), outside);
    let six = ip("2001:db8::1");
    assert_eq!(crate::audio_address(Some(outside), six), six);
}
