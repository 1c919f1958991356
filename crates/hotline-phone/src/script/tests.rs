use super::{AnswerScript, CallScript, DigitWay, Reaction, Step, Talk};

fn call(text: &str) -> Result<CallScript, String> {
    text.parse()
        .map_err(|error: super::ScriptError| error.to_string())
}

fn answer(text: &str) -> Result<AnswerScript, String> {
    text.parse()
        .map_err(|error: super::ScriptError| error.to_string())
}

#[test]
fn a_caller_in_full() {
    let script = call(
        "# a child that needs somebody
         dial 111                  // the number
         from 0912345678 Nguyễn Văn A
         login tv09 secret
         give up after 20s
         record heard.wav
         wait audio
         wait audio 3s
         wait 1.5s
         press 1#
         press 2 by info

         speak tone 600 -20dB
         wait 250ms
         speak tone 700 10 for 2s
         quiet
         echo
         mute
         speak sound hello
         hang up after 1min",
    );
    let talk = Talk::new()
        .record("heard.wav")
        .step(Step::WaitAudio { millis_max: 10_000 })
        .step(Step::WaitAudio { millis_max: 3_000 })
        .wait_ms(1_500)
        .press("1#")
        .press_by("2", DigitWay::Info)
        .tone(600, 20)
        .wait_ms(250)
        .tone_for_ms(700, 10, 2_000)
        .step(Step::Quiet)
        .step(Step::Echo)
        .step(Step::Mute)
        .sound("hello")
        .wait_ms(60_000)
        .hang_up();
    let mut expected = CallScript::dial("111")
        .login("tv09", "secret")
        .from("0912345678");
    expected.name = "Nguyễn Văn A".to_owned();
    assert_eq!(script, Ok(expected.give_up_after_ms(20_000).talk(talk)));
}

#[test]
fn counsellors_of_each_kind() {
    let reaction = |text| answer(text).map(|script| script.reaction);
    assert_eq!(
        reaction("answer"),
        Ok(Reaction::Answer {
            after_ms: 0,
            rings: true
        })
    );
    assert_eq!(
        reaction("answer after 2s"),
        Ok(Reaction::Answer {
            after_ms: 2_000,
            rings: true
        })
    );
    assert_eq!(
        reaction("answer after 2s without ringing"),
        Ok(Reaction::Answer {
            after_ms: 2_000,
            rings: false
        })
    );
    assert_eq!(reaction("answer never"), Ok(Reaction::Never));
    assert_eq!(
        reaction("decline 486"),
        Ok(Reaction::Decline {
            status: 486,
            after_ms: 0
        })
    );
    assert_eq!(
        reaction("decline 603 after 1s"),
        Ok(Reaction::Decline {
            status: 603,
            after_ms: 1_000
        })
    );
    assert_eq!(reaction("dead"), Ok(Reaction::Dead));
    let script = answer("register for 2min\nanswer\nspeak tone 1000 -20\nhang up after 5s");
    let mut expected = AnswerScript::answer_after_ms(0);
    expected.expires_s = 120;
    assert_eq!(
        script,
        Ok(expected.talk(Talk::new().tone(1_000, 20).wait_ms(5_000).hang_up()))
    );
}

#[test]
fn errors_name_line_and_word() {
    let error = |text| call(text).unwrap_err();
    assert_eq!(error("press 1"), "nowhere in the script: `dial NUMBER`");
    assert_eq!(
        error("dial 111\nwait soon"),
        "line 2, word 2: `soon` where a time such as 500ms, 1.5s or 2min is expected"
    );
    assert_eq!(
        error("dial 111\n\n# x\nwait 1.2345s").split(':').next(),
        Some("line 4, word 2")
    );
    assert_eq!(
        error("dial 111\nwait 99999999999999999999s")
            .split(':')
            .next(),
        Some("line 2, word 2")
    );
    assert_eq!(
        error("dial"),
        "line 1: ends after word 1 where a number is expected"
    );
    assert_eq!(
        error("dial 111 now"),
        "line 1, word 3: `now` where the end of the line is expected"
    );
    assert_eq!(
        error("dial 111\npress 12x"),
        "line 2, word 2: `12x` where keys out of 0-9, *, #, A-D is expected"
    );
    assert_eq!(
        error("speak song 3"),
        "line 1, word 2: `song` where `tone` or `sound` is expected"
    );
    assert_eq!(
        error("press 1 by mail"),
        "line 1, word 4: `mail` where `rtp` or `info` is expected"
    );
    assert_eq!(
        error("speak tone 600 -99").split(':').next(),
        Some("line 1, word 4")
    );
    assert!(error("shout").starts_with("line 1, word 1: `shout` where dial, from"));
    assert!(error("answer").starts_with("line 1, word 1: `answer` where dial, from"));
    assert!(
        answer("decline 200")
            .unwrap_err()
            .starts_with("line 1, word 2: `200` where a status")
    );
    assert!(
        answer("dial 111")
            .unwrap_err()
            .starts_with("line 1, word 1: `dial` where answer")
    );
}
