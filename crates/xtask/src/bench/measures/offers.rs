//! How quickly a caller and a counsellor find one another.

use hotline_phone::load::End;

use super::super::figure::{Figure, Floor};
use super::super::server::Server;
use super::super::settings::{ENTRANCE, Settings, UNRECORDED};
use super::super::{Bench, lines};
use crate::failure::Failure;

/// Key pressed -> INVITE, through the entrance as it is delivered.
pub(crate) fn digit(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let settings = Settings {
        counsellors: 20,
        wrap_up_s: 0,
    };
    let server = Server::start(bench, settings)?;
    let mut config = server.callers(ENTRANCE, if bench.is_quick { 40 } else { 100 }, 10.0)?;
    config.digits = "1".to_owned();
    config.digits_after_ms = 300;
    config.talk_ms = Some(500);
    config.end = End::Drained { millis_max: 30_000 };
    let (report, _) = server.run(&config)?;
    server.stop()?;
    lines::calls(&report);
    println!("    key {}", lines::both(&report.key_to_invite));
    let key = &report.key_to_invite;
    Ok(vec![
        Figure::new(
            "keys that led to a call",
            key.count() as f64,
            "",
            Floor::None,
        ),
        Figure::millis(
            "key -> INVITE at a free counsellor, p50",
            key.percentile_us(50.0),
            Floor::None,
        ),
        Figure::millis(
            "key -> INVITE at a free counsellor, p99",
            key.percentile_us(99.0),
            Floor::AtMost(5.0),
        ),
        Figure::millis(
            "INVITE -> 200, idle, p50",
            report.set_up.percentile_us(50.0),
            Floor::None,
        ),
        Figure::millis(
            "INVITE -> 200, idle, p99",
            report.set_up.percentile_us(99.0),
            Floor::None,
        ),
        Figure::millis(
            "200 -> first audio at the caller, p99",
            report.answer_to_audio.percentile_us(99.0),
            Floor::None,
        ),
        Figure::millis(
            "counsellor's 200 -> audio at the caller, p99",
            report.counsellor_to_audio.percentile_us(99.0),
            Floor::None,
        ),
        Figure::millis(
            "counsellor's BYE -> BYE at the caller, p99",
            report.bye_to_bye.percentile_us(99.0),
            Floor::None,
        ),
    ])
}

/// Free -> next INVITE: 220 callers for 20 counsellors, so that 100 wait in the middle of the run.
pub(crate) fn free(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let settings = Settings {
        counsellors: 20,
        wrap_up_s: 1,
    };
    let server = Server::start(bench, settings)?;
    let mut config = server.callers(UNRECORDED, if bench.is_quick { 120 } else { 220 }, 100.0)?;
    config.talk_ms = Some(500);
    config.end = End::Drained { millis_max: 60_000 };
    let (report, _) = server.run(&config)?;
    server.stop()?;
    lines::calls(&report);
    let free = &report.free_to_invite;
    Ok(vec![
        Figure::new(
            "times a counsellor became free",
            free.count() as f64,
            "",
            Floor::None,
        ),
        Figure::millis(
            "counsellor free -> next INVITE, callers waiting, p50",
            free.percentile_us(50.0),
            Floor::None,
        ),
        Figure::millis(
            "counsellor free -> next INVITE, callers waiting, p99",
            free.percentile_us(99.0),
            Floor::AtMost(10.0),
        ),
    ])
}

/// The whole machine of waiting: ideal are 22 s, because 200 counsellors need three rounds of 5 s and the callers
/// of the last round come until second 15.
pub(crate) fn queue(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let settings = Settings {
        counsellors: 200,
        wrap_up_s: 0,
    };
    let server = Server::start(bench, settings)?;
    let callers = if bench.is_quick { 300 } else { 600 };
    let mut config = server.callers(UNRECORDED, callers, 40.0)?;
    config.talk_ms = Some(5_000);
    config.end = End::Drained { millis_max: 90_000 };
    let (report, taken) = server.run(&config)?;
    server.stop()?;
    lines::calls(&report);
    lines::audio(&report, taken);
    let heard = &report.heard;
    let seconds = report.total_us as f64 / 1e6;
    Ok(vec![
        Figure::new(
            "callers at 40/s, 200 counsellors, 5 s talk",
            callers as f64,
            "",
            Floor::None,
        ),
        Figure::new(
            "... served without failure",
            (report.dialled - report.failures()) as f64,
            "",
            Floor::None,
        ),
        Figure::new("... all over after", seconds, "s", Floor::None),
        Figure::millis(
            "... latency of relayed audio, p99",
            heard.relay_latency.percentile_us(99.0),
            Floor::None,
        ),
    ])
}
