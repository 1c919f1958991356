//! SIGTERM with callers on the line: no new calls, last words, a goodbye, an orderly end.

use crate::audio::Audio;
use crate::phones::Phones;
use crate::raw::{Caller, header, status};
use crate::server::{Plan, SENTINEL};
use hotline_phone::{CallScript, EndedBy, EventKind, PhoneId, Talk};
use std::path::Path;
use std::time::{Duration, Instant};

const CALLERS: usize = 3;

#[test]
fn sigterm_serves_those_who_wait_to_the_limit_and_says_goodbye() {
    let mut server = Plan::new("drain", 1).drain("4s").start();
    let mut trunk = Phones::start(server.net.sip(), server.net.trunk());
    let heard = |number: usize| server.folder.join(format!("caller-{number}.wav"));
    let waits = |number: usize| Talk::new().record(heard(number)).wait_ms(500).press("1");
    let callers: Vec<PhoneId> = (0..CALLERS)
        .map(|number| {
            trunk
                .bank
                .call(CallScript::dial("111").from(SENTINEL).talk(waits(number)))
        })
        .collect();
    let paths: Vec<_> = (0..CALLERS).map(heard).collect();
    server.wait_calls("waiting", CALLERS);
    let asked = Instant::now();
    server.terminate();
    server.wait_ctl("status", "the server drains", |status| {
        status["is_draining"] == true
    });

    let refused = Caller::try_dial(server.net.trunk(), server.net.sip(), "111", SENTINEL);
    let answer = refused.err().expect("no new call");
    assert_eq!(status(&answer), 503, "{answer}");
    println!(
        "a new call gets 503, Retry-After {:?}",
        header(&answer, "Retry-After")
    );
    assert!(header(&answer, "Retry-After").is_some(), "{answer}");
    server.wait_calls("waiting", CALLERS);

    let sys_down = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sounds/vi/sys_down.wav");
    for (caller, path) in callers.iter().zip(&paths) {
        trunk.wait_kind(*caller, "the recording", |kind| {
            matches!(kind, EventKind::Recorded { .. })
        });
        let ended = trunk.wait_ended(*caller);
        assert!(
            matches!(
                ended.kind,
                EventKind::Ended {
                    by: EndedBy::Peer,
                    ..
                }
            ),
            "{:?}",
            ended.kind
        );
        let after_ms = ended.at.duration_since(asked).as_millis();
        let said = Audio::read(path).find_prompt(0, &sys_down);
        println!("BYE {after_ms} ms after SIGTERM, last words at {said:?} ms of the call");
        assert!(after_ms >= 4_000, "served to the limit");
        assert_eq!(said.len(), 1, "the last words are heard once");
    }
    let exit = server.wait_end(Duration::from_secs(20));
    println!("{exit}, {} ms after SIGTERM", asked.elapsed().as_millis());
    assert!(exit.success(), "{exit}");

    // The server is gone; its records are read from the database.
    let records = server.records(CALLERS + 1);
    let mut fates: Vec<&str> = records
        .iter()
        .filter_map(|record| record["fate"].as_str())
        .collect();
    fates.sort_unstable();
    assert_eq!(fates, ["F_SYSTEM", "F_SYSTEM", "F_SYSTEM", "X_REJECT"]);
    for record in records.iter().filter(|record| record["fate"] == "F_SYSTEM") {
        assert_eq!(record["cause"], "shutdown", "{record}");
        assert!(server.audio(record).length_ms() > 4_000, "{record}");
    }
}
