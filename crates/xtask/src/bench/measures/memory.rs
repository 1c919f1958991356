//! Memory: of an idle server, of a call, and what is left of calls that are over.

use std::time::Duration;

use hotline_phone::load::End;

use super::super::figure::{Figure, Floor};
use super::super::server::Server;
use super::super::settings::{RECORDED, Settings};
use super::super::{Bench, lines};
use super::audio::talk;
use crate::failure::Failure;

/// A server at rest has done all that a start brings with it.
const REST: Duration = Duration::from_secs(5);
/// RFC 3261 §17: a transaction over UDP lives 32 s after its end, and its memory with it.
const TRANSACTIONS_OVER: Duration = Duration::from_secs(35);
/// Calls of the two ends of the slope.
const FEW: usize = 100;
const MANY: usize = 400;
const GROWTH_CALLS: usize = 5_000;
/// Within this the allocator's own unrest cannot be told from growth.
const UNREST_MIB: f64 = 1.0;

pub(crate) fn idle(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let settings = Settings {
        counsellors: 20,
        wrap_up_s: 0,
    };
    let server = Server::start(bench, settings)?;
    std::thread::park_timeout(REST);
    let resident = server.process().resident_mib();
    server.stop()?;
    Ok(vec![Figure::new(
        "idle server, memory",
        resident,
        "MiB",
        Floor::AtMost(30.0),
    )])
}

/// The slope between few and many bridged, recorded calls, each with its counsellor's account and registration.
pub(crate) fn slope(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let (_, few) = talk(bench, RECORDED, FEW)?;
    let (_, many) = talk(bench, RECORDED, MANY)?;
    let slope = (many.resident_mib - few.resident_mib) / (MANY - FEW) as f64;
    Ok(vec![Figure::new(
        "memory per bridged and recorded call",
        slope,
        "MiB",
        Floor::AtMost(0.1),
    )])
}

/// Three rounds of calls that are bridged and recorded; the first one fills what a running server keeps.
pub(crate) fn growth(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let calls = if bench.is_quick {
        GROWTH_CALLS / 5
    } else {
        GROWTH_CALLS
    };
    let settings = Settings {
        counsellors: 100,
        wrap_up_s: 0,
    };
    let server = Server::start(bench, settings)?;
    let mut after = [0.0; 3];
    for round in &mut after {
        let mut config = server.callers(RECORDED, calls, 100.0)?;
        config.talk_ms = Some(300);
        config.end = End::Drained {
            millis_max: 120_000,
        };
        let (report, taken) = server.run(&config)?;
        lines::calls(&report);
        std::thread::park_timeout(TRANSACTIONS_OVER);
        *round = server.process().resident_mib();
        println!(
            "    {:.1} MiB at the end of the calls, {round:.1} MiB later",
            taken.resident_mib
        );
    }
    server.stop()?;
    let [_, second, third] = after;
    Ok(vec![
        Figure::new(
            &format!("memory growth over {calls} calls"),
            third - second,
            "MiB",
            Floor::AtMost(UNREST_MIB),
        ),
        Figure::new(
            &format!("... memory after {} calls", 3 * calls),
            third,
            "MiB",
            Floor::None,
        ),
    ])
}
