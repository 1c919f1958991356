//! What a caller hears who waits long: never silence, comfort at its times, one unbroken line of packets.

use crate::audio::CALLER_HEARS;
use crate::raw::{Caller, assert_one_line};
use crate::server::{Plan, SENTINEL, time_ms};
use std::path::Path;
use std::time::Duration;

/// Decision 10.
const SILENCE_MS_MAX: usize = 2_000;
/// Five times the bar of 40 ms: on a busy machine both ends wait for their turn.
const GAP_MS_MAX: f64 = 200.0;
/// Longer than the comfort clips at 15 s and 45 s and the music between them.
const WAIT: Duration = Duration::from_secs(72);

#[test]
fn a_long_wait_is_never_silent_and_never_broken() {
    let server = Plan::new("waiting", 1).start();
    let mut caller = Caller::dial(server.net.trunk(), server.net.sip(), "111", SENTINEL);
    let answer_ms = caller
        .answered_at
        .duration_since(caller.invited_at)
        .as_millis();
    caller.stay(Duration::from_secs(1));
    caller.press(1);
    server.wait_calls("waiting", 1);
    // The caller sends no audio at all, as a muted phone does: that must not cost the call.
    let asked = caller.stay(WAIT);
    println!("the server asks the silent caller {asked:?}");
    let invited_at = caller.invited_at;
    let packets = caller.hang_up();

    let first_ms = packets[0].at.duration_since(invited_at).as_millis();
    println!(
        "200 after {answer_ms} ms, first audio after {first_ms} ms, {} packets",
        packets.len()
    );
    assert!(
        first_ms < 1_000,
        "the first prompt is heard within 1 s of the INVITE"
    );
    let gaps = assert_one_line(&packets);
    println!(
        "between packets: p99 {:.1} ms, largest {:.1} ms; {} stalls of the machine",
        gaps.p99_ms, gaps.max_ms, gaps.stalls
    );
    assert!(gaps.max_ms < GAP_MS_MAX, "{gaps:?}");
    let (first, last) = (&packets[0], &packets[packets.len() - 1]);
    let took_ms = last.at.duration_since(first.at).as_millis();
    let spoken_ms = u128::from(last.timestamp.wrapping_sub(first.timestamp) / 8);
    println!("{spoken_ms} ms of audio in {took_ms} ms");
    assert!(
        spoken_ms.abs_diff(took_ms) < 200,
        "the line runs at another speed than the clock"
    );
    assert!(
        packets
            .iter()
            .all(|packet| packet.payload_type == 8 && packet.payload.len() == 160)
    );

    let records = server.records(1);
    let record = &records[0];
    assert_eq!(record["fate"], "A_QUEUE");
    let audio = server.audio(record);
    let (silence_ms, at_ms) = audio.longest_silence_ms(CALLER_HEARS, 0, audio.length_ms());
    println!(
        "recording of {} ms; longest silence {silence_ms} ms at {at_ms} ms",
        audio.length_ms()
    );
    assert!(
        silence_ms < SILENCE_MS_MAX,
        "{silence_ms} ms of silence at {at_ms} ms"
    );

    let queued_ms = usize::try_from(time_ms(record, "queued") - time_ms(record, "answered"))
        .expect("queued later");
    let sounds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sounds/vi");
    let heard = |name: &str| audio.find_prompt(CALLER_HEARS, &sounds.join(name));
    let (greeting, service) = (heard("greet_main.wav"), heard("svc_child_ok.wav"));
    let (hold, brave) = (heard("queue_hold.wav"), heard("queue_brave.wav"));
    println!(
        "queued at {queued_ms} ms; greeting {greeting:?}, service {service:?}, hold {hold:?}, brave {brave:?} ms"
    );
    assert!(
        greeting.first().is_some_and(|at| *at < 500),
        "the greeting begins at once"
    );
    assert!(
        service
            .first()
            .is_some_and(|at| at.abs_diff(queued_ms) < 1_000),
        "the service is confirmed at the key"
    );
    // A comfort clip waits for the clip before it to end, and for nothing else.
    let follows = |heard: &[usize], after: usize| {
        heard
            .iter()
            .any(|at| (after..after + 8_000).contains(&(at - queued_ms)))
    };
    assert!(follows(&hold, 15_000), "comfort at 15 s");
    assert!(follows(&brave, 45_000), "comfort at 45 s");
}
