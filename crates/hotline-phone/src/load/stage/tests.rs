use super::Stage;
use crate::load::call::{Call, Counsellor, Duty, Media, Side, State};
use crate::load::ear::Ear;
use crate::load::talker::Talker;
use hotline_media::g711::Law;
use hotline_media::{Codec, LegPlan};

/// A leg whose audio comes from the port `40_000 + index`.
fn call(stage: &mut Stage, side: Side, begun_us: u64) -> usize {
    let index = stage.calls.len();
    let remote = ([127, 0, 0, 1], 40_000 + index as u16).into();
    let plan = LegPlan {
        event_send: Some(101),
        event_receive: Some(101),
        remote: Some(remote),
        ..LegPlan::new(Codec::Pcma)
    };
    let media = Media {
        law: Law::A,
        payload_type: 8,
        socket: 0,
        remote,
        talker: Talker::new(index as u32, &plan),
        ear: Ear::default(),
        has_heard: false,
    };
    stage.remotes.insert(remote, index);
    stage.calls.push(Call {
        dialog: index as u64,
        side,
        state: State::Up,
        begun_us,
        answered_us: begun_us,
        hung_up_us: None,
        media: Some(Box::new(media)),
        partner: None,
        has_pressed: false,
        was_anyone_free: false,
    });
    index
}

/// What `from` says next reaches `to`.
fn relay(stage: &mut Stage, from: usize, to: usize, sent_us: u64, arrived_us: u64) {
    let talker = &mut stage.calls[from].media.as_mut().unwrap().talker;
    let bytes = talker.slot(sent_us).bytes.to_vec();
    let source = stage.calls[to].media.as_ref().unwrap().remote;
    stage.hear(source, &bytes, arrived_us);
}

#[test]
fn a_key_is_measured_to_the_invite_of_the_counsellor_who_is_heard() {
    let mut stage = Stage {
        is_window_open: true,
        ..Stage::default()
    };
    let caller = call(&mut stage, Side::Caller, 0);
    stage.calls[caller].has_pressed = true;
    stage.calls[caller].was_anyone_free = true;
    stage.waiting = 1;
    let talker = &mut stage.calls[caller].media.as_mut().unwrap().talker;
    talker.press("1");
    for slot in 0..5 {
        talker.slot(100_000 + slot * 20_000);
    }
    let counsellor = call(&mut stage, Side::Counsellor(0), 182_500);
    assert!(stage.calls[caller].is_waiting());
    relay(&mut stage, counsellor, caller, 190_000, 190_040);
    relay(&mut stage, caller, counsellor, 190_000, 190_050);
    relay(&mut stage, counsellor, caller, 210_000, 210_060);
    let report = &stage.report;
    assert_eq!(
        (report.key_to_invite.count(), report.key_to_invite.max_us()),
        (1, 82_500)
    );
    assert_eq!(
        (
            report.key_end_to_invite.count(),
            report.key_end_to_invite.max_us()
        ),
        (1, 2_500)
    );
    assert_eq!(
        (
            report.counsellor_to_audio.count(),
            report.counsellor_to_audio.max_us()
        ),
        (1, 7_540)
    );
    assert_eq!(
        (report.heard.relayed, report.heard.relay_latency.max_us()),
        (3, 60)
    );
    assert_eq!(
        (stage.calls[caller].partner, stage.calls[counsellor].partner),
        (Some(1), Some(0))
    );
    assert_eq!(
        (stage.waiting, stage.calls[caller].is_waiting()),
        (0, false)
    );
}

#[test]
fn a_counsellor_is_awaited_only_by_more_callers_than_are_served() {
    let mut stage = Stage::default();
    for _ in 0..2 {
        let (user, password) = (String::new(), String::new());
        stage.counsellors.push(Counsellor {
            user,
            password,
            state: Duty::Busy,
        });
    }
    stage.waiting = 1;
    stage.set_free(0, 5, false);
    stage.set_free(1, 6, false);
    assert_eq!(
        stage.counsellors[0].state,
        Duty::Free {
            since_us: 5,
            was_awaited: true,
            is_first: false
        }
    );
    assert_eq!(
        stage.counsellors[1].state,
        Duty::Free {
            since_us: 6,
            was_awaited: false,
            is_first: false
        }
    );
    assert_eq!(stage.free(), 2);
}

#[test]
fn a_call_ends_once_and_leaves_nothing_behind() {
    let mut stage = Stage::default();
    let index = call(&mut stage, Side::Caller, 0);
    stage.calls[index].has_pressed = true;
    stage.dialogs.insert(0, index);
    (stage.waiting, stage.callers_alive) = (1, 1);
    stage.end(index, 9);
    stage.end(index, 10);
    assert_eq!(
        (stage.waiting, stage.callers_alive, stage.report.total_us),
        (0, 0, 9)
    );
    assert!(stage.dialogs.is_empty() && stage.remotes.is_empty());
}
