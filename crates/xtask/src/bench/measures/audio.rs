//! What happens to the audio: bridged calls with and without recording, hold music.

use hotline_phone::load::{End, LoadReport};

use super::super::figure::{Figure, Floor};
use super::super::server::{Server, Taken};
use super::super::settings::{RECORDED, Settings, UNRECORDED};
use super::super::{Bench, lines};
use crate::failure::Failure;

/// Bridged calls, step by step.
const STEPS: [usize; 8] = [100, 200, 300, 500, 650, 800, 1_000, 1_200];
const QUICK_STEPS: [usize; 4] = [300, 500, 800, 1_000];
/// The limit of a step: this much more or less latency from one packet to the next, in the 99th percentile ...
const CHANGE_US_MAX: u64 = 5_000;
/// ... or this share of packets lost.
const LOSS_MAX: f64 = 0.001;
/// New calls a second while a step is built up. No divisor of the 50 packets a second of a call: people do not begin
/// to speak in step, and a burst of all calls each 20 ms would measure the load program.
const RAMP_PER_S: f64 = 47.0;

/// The calls that the floors speak of.
pub(crate) fn bridged(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let (report, taken) = talk(bench, RECORDED, 300)?;
    let heard = &report.heard;
    let lost = heard.relayed_lost as f64 / (heard.relayed + heard.relayed_lost).max(1) as f64;
    Ok(vec![
        Figure::millis(
            "300 recorded calls: pacing error of the audio, p99",
            heard.relay_jitter.percentile_us(99.0),
            Floor::AtMost(5.0),
        ),
        Figure::new(
            "300 recorded calls: packets lost",
            lost * 100.0,
            "%",
            Floor::AtMost(0.0),
        ),
        Figure::new(
            "300 recorded calls: calls that failed",
            report.failures() as f64,
            "",
            Floor::AtMost(0.0),
        ),
        Figure::millis(
            "... latency added, p50",
            heard.relay_latency.percentile_us(50.0),
            Floor::None,
        ),
        Figure::millis(
            "... latency added, p99",
            heard.relay_latency.percentile_us(99.0),
            Floor::None,
        ),
        Figure::new(
            "... CPU of the server",
            taken.cpu_percent,
            "% of a core",
            Floor::None,
        ),
    ])
}

/// How far it goes.
pub(crate) fn stairs(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    for (dial, what) in [(UNRECORDED, "bridged"), (RECORDED, "bridged and recorded")] {
        let mut best = 0;
        let mut per_hundred = 0.0;
        let steps = if bench.is_quick {
            &QUICK_STEPS[..]
        } else {
            &STEPS[..]
        };
        for step in steps {
            println!("    {step} {what}:");
            let (report, taken) = talk(bench, dial, *step)?;
            if !is_good(&report) {
                break;
            }
            best = *step;
            per_hundred = taken.cpu_percent / *step as f64 * 100.0;
        }
        figures.push(Figure::new(
            &format!("calls {what} within the limit"),
            best as f64,
            "",
            Floor::None,
        ));
        figures.push(Figure::new(
            &format!("... CPU per 100 {what}"),
            per_hundred,
            "% of a core",
            Floor::None,
        ));
    }
    Ok(figures)
}

fn is_good(report: &LoadReport) -> bool {
    report.failures() == 0
        && report.relay_loss() <= LOSS_MAX
        && report.heard.relay_jitter.percentile_us(99.0) <= CHANGE_US_MAX
}

/// `count` callers talk to as many counsellors.
pub(crate) fn talk(
    bench: &Bench,
    dial: &str,
    count: usize,
) -> Result<(LoadReport, Taken), Failure> {
    let settings = Settings {
        counsellors: count,
        wrap_up_s: 0,
    };
    let server = Server::start(bench, settings)?;
    let mut config = server.callers(dial, count, RAMP_PER_S)?;
    config.end = End::Held {
        settle_ms: 3_000,
        window_ms: if bench.is_quick { 5_000 } else { 10_000 },
    };
    let (report, taken) = server.run(&config)?;
    server.stop()?;
    lines::calls(&report);
    lines::audio(&report, taken);
    if report.counsellor_calls < count as u64 {
        println!(
            "    only {} of {count} were joined",
            report.counsellor_calls
        );
    }
    Ok((report, taken))
}

/// Callers who wait: music, and now and then a clip.
pub(crate) fn music(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let settings = Settings {
        counsellors: 0,
        wrap_up_s: 0,
    };
    let server = Server::start(bench, settings)?;
    let mut config = server.callers(UNRECORDED, 300, RAMP_PER_S)?;
    config.end = End::Held {
        settle_ms: 3_000,
        window_ms: if bench.is_quick { 5_000 } else { 15_000 },
    };
    let (report, taken) = server.run(&config)?;
    server.stop()?;
    lines::calls(&report);
    println!(
        "    own lateness p99 {} us",
        report.own_lateness.percentile_us(99.0)
    );
    let pacing = &report.heard.pacing_error;
    Ok(vec![
        Figure::new(
            "300 callers on hold music: CPU of the server",
            taken.cpu_percent,
            "% of a core",
            Floor::None,
        ),
        Figure::millis(
            "... pacing error, p99",
            pacing.percentile_us(99.0),
            Floor::None,
        ),
        Figure::millis("... pacing error, max", pacing.max_us(), Floor::None),
        Figure::new(
            "... packets lost",
            report.heard.made_lost as f64,
            "",
            Floor::None,
        ),
    ])
}
