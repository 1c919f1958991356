//! Calls between phones that differ: mu-law to A-law, keys by INFO, TCP, packets of another length.

use crate::audio::{Audio, Span, TALK};
use crate::phones::Phones;
use crate::raw::Caller;
use crate::server::{Plan, SENTINEL};
use crate::talk_sipp::assert_recording;
use hotline_phone::{AnswerScript, CallScript, Codec, DigitWay, EventKind, Talk, Transport};
use std::path::Path;
use std::time::Duration;

/// What a phone heard in its last seconds: the other's tone and not its own.
fn assert_heard(phone: &str, path: &Path, hears: u32, says: u32) {
    let audio = Audio::read(path);
    let end = audio.length_ms() - 100;
    let figures = audio.check_only(0, Span::At(end - 3_000, 3_000), hears, TALK.level_db, says);
    println!("{phone}: {figures:?}");
    figures.expect("the other's tone alone");
}

#[test]
fn mu_law_caller_by_info_and_a_law_counsellor_by_tcp() {
    let server = Plan::new("codecs", 1).start();
    let mut desk = Phones::start_with(server.net.sip(), server.net.desk(1), |config| {
        config.transport = Transport::Tcp;
        config.codecs = vec![Codec::Pcma];
    });
    let heard_at_desk = server.folder.join("desk.wav");
    let talk = Talk::new().record(&heard_at_desk).tone(1_000, 20);
    let tv01 = desk.bank.register(
        "tv01",
        crate::server::PASSWORD,
        AnswerScript::answer_after_ms(500).talk(talk),
    );
    desk.wait_registered(tv01);
    server.wait_agents("ready", 1);
    let regs = server.ctl("regs");
    assert_eq!(regs[0]["transport"], "tcp", "{regs}");

    let mut trunk = Phones::start_with(server.net.sip(), server.net.trunk(), |config| {
        config.codecs = vec![Codec::Pcmu];
        config.telephone_event = false;
    });
    let heard_by_caller = server.folder.join("caller.wav");
    let talk = Talk::new()
        .record(&heard_by_caller)
        .wait_ms(1_000)
        .press_by("1", DigitWay::Info)
        .tone(600, 20)
        .wait_ms(9_000)
        .hang_up();
    let caller = trunk
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    trunk.wait_kind(caller, "the caller's recording", |kind| {
        matches!(kind, EventKind::Recorded { .. })
    });
    desk.wait_kind(tv01, "the desk's recording", |kind| {
        matches!(kind, EventKind::Recorded { .. })
    });

    let records = server.records(1);
    assert_eq!(records[0]["fate"], "H_UNCODED", "{}", records[0]);
    assert_eq!(records[0]["path"][0]["key"], "1");
    assert_heard("caller", &heard_by_caller, 1_000, 600);
    assert_heard("desk", &heard_at_desk, 600, 1_000);
    assert_recording(&server.audio(&records[0]), &records[0]);
}

/// A carrier that wants 30 ms, or less than 20 ms, gets the greeting so.
#[test]
fn the_greeting_comes_in_packets_as_long_as_the_carrier_wants() {
    let server = Plan::new("ptime", 0).start();
    for (said, packet_bytes) in [
        ("a=ptime:30\r\n", 240),
        ("a=ptime:40\r\na=maxptime:10\r\n", 80),
    ] {
        let caller =
            Caller::try_dial_with(server.net.trunk(), server.net.sip(), "111", SENTINEL, said)
                .expect("an answer");
        caller.stay(Duration::from_millis(1_200));
        let heard = caller.hang_up();
        println!("{said:?}: {} packets", heard.len());
        assert!(heard.len() * packet_bytes >= 8_000, "a second was heard");
        for pair in heard.windows(2) {
            let (one, next) = (&pair[0], &pair[1]);
            assert_eq!(one.payload.len(), packet_bytes, "{said:?}");
            let step = next.timestamp.wrapping_sub(one.timestamp) as usize;
            // More only where the machine stood still.
            assert!(step >= packet_bytes, "{said:?}: {step}");
            assert_eq!(next.sequence, one.sequence.wrapping_add(1));
        }
    }
}
