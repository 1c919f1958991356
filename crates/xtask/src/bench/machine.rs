//! The machine that measures: processor, kernel, who else uses it; cores for server and load; a process in /proc.

use std::fmt;
use std::fs;
use std::process::Command;
use std::time::Instant;

use rustix::process::{Pid, setpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::failed;
use crate::failure::Failure;

/// Names of the threads that nobody may hold up.
const FIRST: [&str; 2] = ["control", "media-"];
/// The niceness of the other threads then.
const BEFORE_OTHERS: i32 = -10;
/// Kernel ticks a second in /proc, on every Linux.
const TICKS_A_SECOND: f64 = 100.0;

pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) kernel: String,
    pub(crate) load: String,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let information = read("/proc/cpuinfo");
        let names: Vec<&str> = information
            .lines()
            .filter_map(|line| line.strip_prefix("model name"))
            .map(|line| line.trim_start_matches([' ', '\t', ':']))
            .collect();
        Self {
            processor: names.first().map_or("unknown", |name| name).to_owned(),
            processors: names.len(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg")
                .split(' ')
                .take(3)
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    /// What others take of the machine from now on.
    pub(crate) fn watch_others(&self) -> Others {
        Others {
            since: Instant::now(),
            busy: busy_ticks(),
            ours: own_ticks(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} x {}, Linux {}, load average {}",
            self.processors, self.processor, self.kernel, self.load
        )
    }
}

/// Processor time that neither this program nor its ended children took.
pub(crate) struct Others {
    since: Instant,
    busy: u64,
    ours: u64,
}

impl Others {
    /// Of one core. Children count when they have ended, so ask when the server has.
    pub(crate) fn percent(&self) -> f64 {
        let busy = busy_ticks().saturating_sub(self.busy);
        let ours = own_ticks().saturating_sub(self.ours);
        let seconds = self.since.elapsed().as_secs_f64().max(0.01);
        busy.saturating_sub(ours) as f64 / TICKS_A_SECOND / seconds * 100.0
    }
}

/// The core of the server, and the one of the load program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Core {
    Load,
    Server,
}

/// This thread, and what it starts from now on, runs on that core only. A machine with one core has no choice.
pub(crate) fn run_on(core: Core) -> std::io::Result<()> {
    let index = match core {
        Core::Server => 0,
        Core::Load => 1,
    };
    let processors = Machine::read().processors;
    if index >= processors {
        return Ok(());
    }
    let mut set = CpuSet::new();
    set.set(index);
    sched_setaffinity(None, &set)?;
    debug_assert!(sched_getaffinity(None).is_ok_and(|set| set.count() == 1));
    Ok(())
}

/// This thread, and what it starts from now on, finds a core for itself.
pub(crate) fn run_anywhere() -> std::io::Result<()> {
    let mut set = CpuSet::new();
    for index in 0..Machine::read().processors {
        set.set(index);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// This thread or program, and what it starts from now on, runs before everything else on its core.
pub(crate) fn put_first(id: u32) -> Result<(), Failure> {
    schedule(id, &["--rr", "--pid", "10"])
}

/// The threads of a process that are not of signalling or media step back behind those that are, yet not behind other
/// programs: a recorder that others held up would be measured as cheap.
pub(crate) fn put_back(process: Process) -> Result<(), Failure> {
    let folder = format!("/proc/{}/task", process.0);
    let threads = fs::read_dir(&folder).map_err(Failure::file("reading", folder.as_ref()))?;
    for thread in threads.filter_map(Result::ok) {
        let name = read(&format!("{}/comm", thread.path().display()));
        let is_first = FIRST.iter().any(|first| name.starts_with(first));
        let id = thread.file_name().to_string_lossy().parse().ok();
        if let Some(id) = id.filter(|_| !is_first) {
            schedule(id, &["--other", "--pid", "0"])?;
            let id = i32::try_from(id).ok().and_then(Pid::from_raw);
            setpriority_process(id, BEFORE_OTHERS).map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}

/// `chrt` of util-linux, which every Linux has.
fn schedule(id: u32, how: &[&str]) -> Result<(), Failure> {
    let output = Command::new("chrt").args(how).arg(id.to_string()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(failed(&String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(failed(&error)),
    }
}

/// A running process, seen from outside.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Processor time so far, seconds.
    pub(crate) fn cpu_seconds(self) -> f64 {
        let stat = read(&format!("/proc/{}/stat", self.0));
        ticks(&stat, 11..13) as f64 / TICKS_A_SECOND
    }

    /// Memory in RAM, MiB.
    pub(crate) fn resident_mib(self) -> f64 {
        let status = read(&format!("/proc/{}/status", self.0));
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap_or_default();
        let kib: f64 = line
            .split_whitespace()
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or_default();
        kib / 1_024.0
    }
}

/// Of this program and its children that have ended.
fn own_ticks() -> u64 {
    ticks(&read("/proc/self/stat"), 11..15)
}

/// Fields of /proc/PID/stat behind the name, which may hold spaces: state is 0, utime 11, stime 12.
fn ticks(stat: &str, fields: std::ops::Range<usize>) -> u64 {
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    behind
        .split_whitespace()
        .skip(fields.start)
        .take(fields.len())
        .filter_map(|word| word.parse::<u64>().ok())
        .sum()
}

/// All processors: everything but idle and waiting for the disk.
fn busy_ticks() -> u64 {
    let stat = read("/proc/stat");
    let numbers: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|word| word.parse().ok())
        .collect();
    let idle: u64 = numbers.iter().skip(3).take(2).sum();
    numbers.iter().sum::<u64>().saturating_sub(idle)
}

/// What is not there reads as empty: the figure becomes 0 and is seen.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_hides_no_field() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 40 2 3 1 20 0";
        assert_eq!((ticks(stat, 11..13), ticks(stat, 11..15)), (42, 46));
    }

    #[test]
    fn this_process_is_seen() {
        let own = Process(std::process::id());
        assert!(own.resident_mib() > 0.5, "{}", own.resident_mib());
        assert!(Machine::read().processors > 0);
    }
}
