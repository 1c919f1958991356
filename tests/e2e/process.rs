//! Programs that are not ours, run with a bound on their time and ended by their own pid.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// So much of a program's output is shown when a test fails.
const TAIL_LINES: usize = 150;

/// A running program, killed when dropped.
pub(crate) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command` with its output in `folder/name.log`.
    pub(crate) fn start(name: &str, mut command: Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).expect("creating a log file");
        let errors = file.try_clone().expect("sharing a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("starting {name} (is it installed?): {error}"));
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("asking for a child's state")
    }

    /// Waits for its end, at most `limit`; panics with its output when it takes longer.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        wait_until(limit, &format!("{} ends", self.name), || self.has_ended())
    }

    /// Waits for success.
    pub(crate) fn succeed(mut self, limit: Duration) -> String {
        let status = self.wait(limit);
        let output = self.output();
        assert!(
            status.success(),
            "{} failed ({status}):\n{output}",
            self.name
        );
        output
    }

    /// Its memory that is really there, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(path).expect("the status of our own child");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        number.expect("a figure of memory")
    }

    /// What it has printed.
    pub(crate) fn output(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killing our own child");
        self.child.wait().expect("waiting for our own child");
    }

    /// Any other signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("signalling our own child");
    }

    /// Its number.
    pub(crate) fn pid(&self) -> rustix::process::Pid {
        i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .expect("a pid")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.has_ended().is_none() {
            self.kill();
        }
        if std::thread::panicking() {
            let output = self.output();
            // baresip's counters come over and over in one line.
            let lines: Vec<&str> = output
                .lines()
                .map(|line| line.rsplit('\r').next().unwrap_or(line))
                .collect();
            let tail = lines
                .get(lines.len().saturating_sub(TAIL_LINES)..)
                .unwrap_or_default();
            eprintln!("--- {}\n{}", self.name, tail.join("\n"));
        }
    }
}

/// Polls until `probe` gives something; panics after `limit`.
pub(crate) fn wait_until<T>(
    limit: Duration,
    what: &str,
    mut probe: impl FnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain: {what}");
        pause(Duration::from_millis(10));
    }
}

/// Between two looks at something, or between two calls of a load: never in the hope that something has happened.
#[allow(clippy::disallowed_methods, reason = "the only place that sleeps")]
pub(crate) fn pause(length: Duration) {
    std::thread::sleep(length);
}
