//! `cargo xtask bench`: measures the figures of docs/bench.md. The real server runs on one core, the load program on
//! another, over loopback. Load runs, not tests: what falls short is said, and nothing fails because of it.

mod figure;
mod lines;
mod machine;
mod measures;
mod pages;
mod server;
mod settings;

use std::path::PathBuf;
use std::process::Command;

use clap::ValueEnum;

use crate::failure::Failure;
use crate::{apt, run};
use figure::Figure;
use machine::Machine;

/// What building takes beside Rust.
const BUILD_PACKAGES: [&str; 2] = ["gcc", "libc6-dev"];
/// Runs of a short measure; the median counts.
const RUNS: usize = 5;
/// Runs of a measure that takes a minute.
const LONG_RUNS: usize = 3;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these; without a name all
    names: Vec<Measure>,
    /// One short run of each
    #[arg(long)]
    quick: bool,
    /// Signalling, media and load go before everything else: for a machine that others use meanwhile (needs root)
    #[arg(long)]
    realtime: bool,
    /// Put what was measured into docs/bench.md and README.md
    #[arg(long)]
    write: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// A key pressed, to the INVITE at a free counsellor; INVITE to 200 on an idle server
    Digit,
    /// A counsellor becomes free, to the next INVITE there, while 100 wait
    Free,
    /// INVITE, 200, BYE: how many a second
    Rate,
    /// 300 bridged and recorded calls: pacing, latency, loss, CPU
    Bridged,
    /// From the click on "answer" in a browser to the first sound both ways
    Clicks,
    /// What 100 bridged calls cost by codec, cipher and browser, beside the plain pair
    Costs,
    /// More and more bridged calls, without and with recording, until the audio suffers
    Stairs,
    /// 300 callers on hold music
    Music,
    /// Memory of a bridged call
    Memory,
    /// Memory after 5,000 more calls
    Growth,
    /// The core's step with 10,000 callers waiting and 2,000 counsellors
    Matcher,
    /// Memory of a server without calls
    Idle,
    /// From the start of the program to its first answered call
    Start,
    /// 600 callers at 40 a second, 200 counsellors, 5 s of talk
    Queue,
}

/// How a run is made.
pub(crate) struct Bench {
    server: PathBuf,
    /// The example of hotline-media that carries calls without signalling.
    bridges: PathBuf,
    is_quick: bool,
    is_realtime: bool,
    scratch: server::Scratch,
}

pub(crate) fn main(arguments: &Arguments) -> Result<(), Failure> {
    // Figures of a debug build say nothing: this build makes the other one, and that one measures.
    if cfg!(debug_assertions) {
        return hand_over();
    }
    let own = std::env::current_exe().map_err(|error| failed(&error))?;
    let bench = Bench {
        server: own.with_file_name("hotline111"),
        bridges: own.with_file_name("examples").join("bridges"),
        is_quick: arguments.quick,
        is_realtime: arguments.realtime,
        scratch: server::Scratch::new(),
    };
    if bench.is_realtime {
        machine::put_first(std::process::id())?;
    }
    let names = match arguments.names.as_slice() {
        [] => Measure::value_variants(),
        names => names,
    };
    let machine = Machine::read();
    println!("{machine}");
    let mut figures = Vec::new();
    for measure in names {
        figures.extend(bench.measure(*measure, &machine)?);
    }
    println!();
    println!("{}", figure::table(&figures));
    println!("{}", Machine::read());
    if arguments.write {
        pages::write(&run::repository(), &figures, &machine, &bench)?;
    }
    Ok(())
}

impl Bench {
    /// All runs of one measure, and the median of each of its figures.
    fn measure(&self, measure: Measure, machine: &Machine) -> Result<Vec<Figure>, Failure> {
        let runs = match (self.is_quick, measure) {
            (true, _) | (false, Measure::Clicks | Measure::Growth | Measure::Stairs) => 1,
            (false, Measure::Memory | Measure::Queue | Measure::Rate) => LONG_RUNS,
            (
                false,
                Measure::Bridged
                | Measure::Costs
                | Measure::Digit
                | Measure::Free
                | Measure::Idle
                | Measure::Matcher
                | Measure::Music
                | Measure::Start,
            ) => RUNS,
        };
        let mut all = Vec::new();
        for index in 1..=runs {
            println!();
            println!("{} ({index} of {runs})", name(measure));
            let others = machine.watch_others();
            let found = match measure {
                Measure::Bridged => measures::audio::bridged(self),
                Measure::Clicks => measures::clicks::clicks(self),
                Measure::Costs => measures::costs::costs(self),
                Measure::Digit => measures::offers::digit(self),
                Measure::Free => measures::offers::free(self),
                Measure::Growth => measures::memory::growth(self),
                Measure::Idle => measures::memory::idle(self),
                Measure::Matcher => measures::matcher::matcher(self),
                Measure::Memory => measures::memory::slope(self),
                Measure::Music => measures::audio::music(self),
                Measure::Queue => measures::offers::queue(self),
                Measure::Rate => measures::rate::rate(self),
                Measure::Stairs => measures::audio::stairs(self),
                Measure::Start => measures::start::start(self),
            }?;
            let others = others.percent();
            for figure in &found {
                println!("  {figure}");
            }
            println!("  other programs took {others:.0} % of a core meanwhile");
            all.push((others, found));
        }
        Ok(figure::medians(all))
    }
}

fn name(measure: Measure) -> String {
    measure
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Builds server and load program as they are delivered, and lets that build measure.
fn hand_over() -> Result<(), Failure> {
    apt::ensure(&BUILD_PACKAGES)?;
    let repository = run::repository();
    println!("Building for release (a few minutes the first time) ...");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let is_built = Command::new(&cargo)
        .args(["build", "--release", "-p", "hotline111", "-p", "xtask"])
        .args(["-p", "hotline-media", "--bins", "--example", "bridges"])
        .current_dir(&repository)
        .status()
        .map_err(|error| failed(&error))?
        .success();
    if !is_built {
        return Err(Failure::Reported);
    }
    let folder = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository.join("target"), PathBuf::from);
    let is_done = Command::new(folder.join("release/xtask"))
        .args(std::env::args_os().skip(1))
        .status()
        .map_err(|error| failed(&error))?
        .success();
    if is_done {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::Tool {
        program: "bench".to_owned(),
        message: error.to_string(),
    }
}
