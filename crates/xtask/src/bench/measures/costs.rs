//! What a bridged call costs by the kind of the counsellor's leg: codecs, ciphers, browsers. Each kind is measured in
//! each run beside the plain pair, because only the ratio within a run says much on a machine that others use.

use std::process::Command;

use super::super::figure::{Figure, Floor};
use super::super::machine::{self, Core};
use super::super::{Bench, failed};
use crate::failure::Failure;

/// As `hotline-media`'s example `bridges` names them, and what they are; the first is what the others are compared
/// with.
const KINDS: [(&str, &str); 8] = [
    ("plain", "forwarded, A-law to A-law"),
    ("recorded", "forwarded and recorded"),
    ("mu-law", "A-law to mu-law by a table"),
    ("sdes", "SRTP with SDES at the counsellor"),
    ("browser", "browser, DTLS-SRTP, A-law"),
    ("g722", "transcoded, A-law to G.722"),
    ("opus", "transcoded, A-law to Opus"),
    ("browser-opus", "browser, DTLS-SRTP, A-law to Opus"),
];
/// A hundred calls of the dearest kind fill most of a core.
const CALLS: &str = "100";
/// More is a worker that does not keep up: its figure would look cheap.
const LOST_PERCENT_MAX: f64 = 1.0;

pub(crate) fn costs(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let seconds = if bench.is_quick { "3" } else { "6" };
    let mut figures = Vec::new();
    let mut plain = None;
    for (kind, what) in KINDS {
        let said = bridges(bench, &[kind, CALLS, seconds])?;
        println!("    {said}");
        let cost = Cost::read(&said).ok_or_else(|| failed(&format!("bridges said {said:?}")))?;
        let plain = *plain.get_or_insert(cost.percent);
        if cost.lost_percent > LOST_PERCENT_MAX {
            println!("    {kind}: the worker did not keep up");
        }
        let mut figure = Figure::new(
            &format!("100 calls, {what}"),
            cost.percent,
            "% of a core",
            Floor::None,
        );
        figure.ratio = Some(cost.percent / plain);
        figures.push(figure);
        if kind == "browser" {
            figures.push(Figure::new(
                "... one call's ICE and DTLS handshake",
                cost.set_up_ms,
                "ms of a core",
                Floor::None,
            ));
        }
    }
    Ok(figures)
}

/// Runs the example; it finds cores for its threads itself.
fn bridges(bench: &Bench, arguments: &[&str]) -> Result<String, Failure> {
    machine::run_anywhere().map_err(|error| failed(&error))?;
    let output = Command::new(&bench.bridges).args(arguments).output();
    machine::run_on(Core::Load).map_err(|error| failed(&error))?;
    let output = output.map_err(|error| failed(&error))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What the example has found.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    /// Of a core, for 100 calls.
    percent: f64,
    /// Of a core, to set one call up.
    set_up_ms: f64,
    lost_percent: f64,
}

impl Cost {
    /// `opus: 61.20 % of a core per 100 calls, 0.21 ms to set one up, 0.000 % lost`
    fn read(line: &str) -> Option<Self> {
        let (_, figures) = line.split_once(": ")?;
        let mut figures = figures
            .split(", ")
            .map(|figure| figure.split(' ').next()?.parse().ok());
        Some(Self {
            percent: figures.next()??,
            set_up_ms: figures.next()??,
            lost_percent: figures.next()??,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_example_is_read() {
        let line = "opus: 61.20 % of a core per 100 calls, 0.210 ms to set one up, 0.500 % lost";
        let cost = Cost {
            percent: 61.2,
            set_up_ms: 0.21,
            lost_percent: 0.5,
        };
        assert_eq!(Cost::read(line), Some(cost));
        assert_eq!(Cost::read("opus: no port"), None);
    }
}
