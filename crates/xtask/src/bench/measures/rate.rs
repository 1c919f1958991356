//! INVITE, 200, ACK, BYE, 200: how many a second the server takes without a failure.

use hotline_phone::load::LoadConfig;

use super::super::figure::{Figure, Floor};
use super::super::server::Server;
use super::super::settings::{ENTRANCE, PLAIN, Settings, TRUNK_SOURCE};
use super::super::{Bench, failed, lines};
use crate::failure::Failure;

/// Calls a second, step by step.
const STEPS: [u32; 6] = [500, 1_000, 1_500, 2_000, 2_500, 3_000];
/// Failures appear later than the queue: a set-up this slow is over the limit.
const SET_UP_US_MAX: u64 = 200_000;

pub(crate) fn rate(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let plain = climb(bench, PLAIN)?;
    let entrance = climb(bench, ENTRANCE)?;
    Ok(vec![
        Figure::new(
            "INVITE -> 200 -> BYE, echo route",
            plain.best,
            "a second",
            Floor::AtLeast(1_000.0),
        ),
        Figure::new("... CPU there", plain.cpu_percent, "%", Floor::None),
        Figure::millis("... set-up there, p99", plain.set_up_us, Floor::None),
        Figure::new(
            "INVITE -> 200 -> BYE, entrance with record",
            entrance.best,
            "a second",
            Floor::None,
        ),
        Figure::new(
            "... CPU there, with record",
            entrance.cpu_percent,
            "%",
            Floor::None,
        ),
        Figure::millis(
            "... set-up there, with record, p99",
            entrance.set_up_us,
            Floor::None,
        ),
    ])
}

/// The highest step that held.
#[derive(Default)]
struct Top {
    best: f64,
    cpu_percent: f64,
    set_up_us: u64,
}

fn climb(bench: &Bench, dial: &str) -> Result<Top, Failure> {
    let seconds = if bench.is_quick { 3 } else { 6 };
    let mut top = Top::default();
    for step in STEPS {
        let settings = Settings {
            counsellors: 0,
            wrap_up_s: 0,
        };
        let server = Server::start(bench, settings)?;
        let calls = (step * seconds) as usize;
        let config = LoadConfig::signalling(server.address, dial, calls, f64::from(step));
        let mut config = config.map_err(|error| failed(&error))?;
        config.local = std::net::Ipv4Addr::from(TRUNK_SOURCE).into();
        let (report, taken) = server.run(&config)?;
        server.stop()?;
        let set_up_us = report.set_up.percentile_us(99.0);
        println!(
            "    {dial} at {step}/s: CPU {:.0} %, {:.0} MiB",
            taken.cpu_percent, taken.resident_mib
        );
        lines::calls(&report);
        if report.failures() > 0 || report.retransmissions > 0 || set_up_us > SET_UP_US_MAX {
            break;
        }
        top = Top {
            best: f64::from(step),
            cpu_percent: taken.cpu_percent,
            set_up_us,
        };
    }
    Ok(top)
}
