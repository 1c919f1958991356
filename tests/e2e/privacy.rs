//! Who called is known to the record alone; what happened is told in the log, a line a milestone.

use crate::phones::Phones;
use crate::server::{NUMBER, PASSWORD, Plan, SENTINEL, shows_a_number};
use hotline_phone::{AnswerScript, CallScript, Talk};

#[test]
fn the_number_is_in_the_record_alone_and_the_log_tells_each_milestone() {
    let server = Plan::new("privacy", 1).start();
    let mut desk = Phones::start(server.net.sip(), server.net.desk(1));
    let answers = AnswerScript::answer_after_ms(300).talk(Talk::new().tone(1_000, 20));
    let tv01 = desk.bank.register("tv01", PASSWORD, answers);
    desk.wait_registered(tv01);
    server.wait_agent("tv01", "ready");
    let mut trunk = Phones::start(server.net.sip(), server.net.trunk());
    let talk = Talk::new().wait_ms(500).press("1").tone(600, 20);
    let caller = trunk
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    server.wait_calls("talking", 1);

    for what in ["calls", "queues", "agents", "regs", "status"] {
        let told = server.ctl(what).to_string();
        assert!(
            !shows_a_number(&told),
            "ctl {what} shows the caller: {told}"
        );
    }
    for path in [
        "/api/v1/calls",
        "/api/v1/queues",
        "/api/v1/agents",
        "/metrics",
        "/readyz",
    ] {
        let (status, told) = server.http(path);
        assert_eq!(status, 200, "{path}: {told}");
        assert!(!shows_a_number(&told), "{path} shows the caller: {told}");
    }
    let masked = server.ctl("calls")[0]["caller"].clone();
    println!("ctl calls shows {masked}");
    assert!(
        masked.as_str().is_some_and(|masked| masked.contains("**")),
        "{masked}"
    );
    trunk.bank.hang_up(caller);
    trunk.wait_ended(caller);
    server.wait_no_calls();

    let records = server.records(1);
    assert_eq!(records[0]["caller"], NUMBER);
    let call = &records[0]["call"];
    for milestone in [
        "call arrived",
        "call answered",
        "key pressed",
        "call queued",
        "counsellor rung",
        "caller and counsellor joined",
        "call ended",
        "fate",
    ] {
        let lines = server.log_lines(milestone);
        assert_eq!(lines.len(), 1, "{milestone}: {lines:?}");
        assert_eq!(&lines[0]["call"], call, "{milestone} names another call");
    }
    // The number must not be in the names of files either.
    for entry in std::fs::read_dir(server.recording(&records[0]).parent().expect("a folder"))
        .expect("recordings")
    {
        let name = entry.expect("an entry").file_name();
        assert!(!shows_a_number(&name.to_string_lossy()), "{name:?}");
    }
    server.assert_no_number_in_logs();
}
