//! kill -9 in the middle of twenty calls, and the next start.

use crate::audio::{Audio, CALLER_HEARS, Span};
use crate::phones::Phones;
use crate::server::{PASSWORD, Plan, SENTINEL, Server, rows};
use hotline_phone::{AnswerScript, CallScript, EndedBy, EventKind, PhoneId, Talk};
use std::time::{Duration, Instant};

const TALKING: usize = 15;
const WAITING: usize = 3;
const MENU: usize = 2;
const CALLS: usize = TALKING + WAITING + MENU;
/// Five times the bar of 1 s.
const BYE_MAX: Duration = Duration::from_secs(5);

struct World {
    server: Server,
    desk: Phones,
    trunk: Phones,
    counsellors: Vec<PhoneId>,
    callers: Vec<PhoneId>,
}

fn twenty_calls() -> World {
    let server = Plan::new("crash", TALKING as u32).start();
    let mut desk = Phones::start(server.net.sip(), server.net.desk(1));
    let answers = AnswerScript::answer_after_ms(200).talk(Talk::new().tone(1_000, 20));
    let counsellors: Vec<PhoneId> = (1..=TALKING)
        .map(|number| {
            desk.bank
                .register(&format!("tv{number:02}"), PASSWORD, answers.clone())
        })
        .collect();
    for phone in &counsellors {
        desk.wait_registered(*phone);
    }
    server.wait_agents("ready", TALKING);
    let trunk = Phones::start(server.net.sip(), server.net.trunk());
    let chooses = CallScript::dial("111")
        .from(SENTINEL)
        .talk(Talk::new().wait_ms(500).press("1").tone(600, 20));
    let mut callers: Vec<PhoneId> = (0..TALKING + WAITING)
        .map(|_| trunk.bank.call(chooses.clone()))
        .collect();
    server.wait_calls("talking", TALKING);
    server.wait_calls("waiting", WAITING);
    callers.extend((0..MENU).map(|_| trunk.bank.call(CallScript::dial("111").from(SENTINEL))));
    server.wait_calls("menu", MENU);
    World {
        server,
        desk,
        trunk,
        counsellors,
        callers,
    }
}

/// How long after `since` each of these phones was told by the server that its call is over.
fn byes(phones: &mut Phones, who: &[PhoneId], since: Instant) -> Vec<Duration> {
    who.iter()
        .map(|phone| {
            let ended = phones.wait_ended(*phone);
            assert!(
                matches!(
                    ended.kind,
                    EventKind::Ended {
                        by: EndedBy::Peer,
                        ..
                    }
                ),
                "phone {phone} was not told by BYE: {:?}",
                ended.kind
            );
            ended.at.saturating_duration_since(since)
        })
        .collect()
}

#[test]
fn kill_9_leaves_no_dead_line_no_lost_row_and_no_broken_recording() {
    let World {
        mut server,
        mut desk,
        mut trunk,
        counsellors,
        callers,
    } = twenty_calls();
    // Long enough for each recording to have a second that is safe.
    server.wait_ctl("calls", "all calls are 3 s old", |calls| {
        rows(calls).all(|call| call["age_ms"].as_u64() >= Some(3_000))
    });
    server.kill();
    // Audio is missing, but nobody has said goodbye.
    assert_eq!(
        desk.count(|kind| matches!(kind, EventKind::Ended { .. })),
        0
    );
    let registrations = desk.count(|kind| matches!(kind, EventKind::Registered { .. }));
    let started = server.run();
    let up = Instant::now();
    let mut after = byes(&mut desk, &counsellors, started);
    after.extend(byes(&mut trunk, &callers, started));
    let last = after.iter().max().copied().unwrap_or_default();
    println!(
        "{} BYEs; the last {} ms after the start of the process, which answered after {} ms",
        after.len(),
        last.as_millis(),
        up.duration_since(started).as_millis()
    );
    assert!(last < BYE_MAX, "the last BYE came {last:?} after the start");

    let records = server.records(CALLS);
    let mut shortest_ms = usize::MAX;
    for record in &records {
        assert_eq!(
            (&record["fate"], &record["cause"]),
            (&"F_SYSTEM".into(), &"crash".into()),
            "{record}"
        );
        let audio = server.audio(record);
        assert_eq!(audio.channels(), 2);
        shortest_ms = shortest_ms.min(audio.length_ms());
        assert!(
            audio.level(CALLER_HEARS, Span::At(0, audio.length_ms())) > -50.0,
            "a recording is silent: {record}"
        );
    }
    println!("{CALLS} rows F_SYSTEM, {CALLS} playable recordings, the shortest {shortest_ms} ms");
    assert!(shortest_ms > 1_000);
    let talked = records
        .iter()
        .filter(|record| !record["joined"].is_null())
        .count();
    assert_eq!(talked, TALKING);

    next_caller(&server, &mut desk, &mut trunk);
    let now = desk.count(|kind| matches!(kind, EventKind::Registered { .. }));
    assert_eq!(now, registrations, "a phone has registered again");
    drop(trunk);
    server.wait_no_calls();
}

/// The next caller reaches a counsellor whose phone has not registered again, and they hear each other.
fn next_caller(server: &Server, desk: &mut Phones, trunk: &mut Phones) {
    server.wait_ctl("agents", "the counsellors are ready again", |agents| {
        rows(agents).any(|agent| agent["state"] == "ready")
    });
    let invited = desk.count(|kind| matches!(kind, EventKind::Invited { .. }));
    let heard = server.folder.join("next.wav");
    let talk = Talk::new()
        .record(&heard)
        .wait_ms(500)
        .press("1")
        .tone(600, 20)
        .wait_ms(5_000)
        .hang_up();
    let caller = trunk
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    trunk.wait_kind(caller, "the recording", |kind| {
        matches!(kind, EventKind::Recorded { .. })
    });
    assert!(
        desk.count(|kind| matches!(kind, EventKind::Invited { .. })) > invited,
        "no counsellor was rung"
    );
    let audio = Audio::read(&heard);
    let figures = audio.check_only(
        0,
        Span::At(audio.length_ms() - 2_100, 2_000),
        1_000,
        -20.0,
        600,
    );
    println!("the next caller hears: {figures:?}");
    figures.expect("the counsellor's tone");
}
