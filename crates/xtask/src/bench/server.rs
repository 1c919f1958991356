//! The server that is measured: the real binary in a folder of its own, on a core of its own.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hotline_phone::load::{self, LoadConfig, LoadReport, Moment};

use super::machine::{self, Core, Process, run_on};
use super::settings::{self, Settings};
use super::{Bench, failed};
use crate::failure::Failure;

/// The server is ready within this time, or something is wrong.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// After the signal it has this long.
const STOP_WITHIN: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    child: Option<Child>,
    program: PathBuf,
    folder: PathBuf,
    pub(crate) address: SocketAddr,
    pub(crate) settings: Settings,
}

/// What the server took while the audio of a run was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    /// Of one core.
    pub(crate) cpu_percent: f64,
    /// At the end of the window.
    pub(crate) resident_mib: f64,
}

impl Server {
    /// Writes the configuration; nothing runs yet.
    pub(crate) fn prepare(bench: &Bench, settings: Settings) -> Result<Self, Failure> {
        let folder = bench.scratch.next();
        let address = free_address().map_err(|error| failed(&error))?;
        let http = free_address().map_err(|error| failed(&error))?;
        fs::create_dir_all(&folder).map_err(Failure::file("creating", &folder))?;
        settings::write(&folder, settings, address, http)?;
        Ok(Self {
            child: None,
            program: bench.server.clone(),
            folder,
            address,
            settings,
        })
    }

    /// Prepared, started, ready.
    pub(crate) fn start(bench: &Bench, settings: Settings) -> Result<Self, Failure> {
        let mut server = Self::prepare(bench, settings)?;
        server.launch()?;
        server.wait_ready()?;
        if bench.is_realtime {
            machine::put_back(server.process())?;
        }
        Ok(server)
    }

    /// Starts the program on its core, and does not wait.
    pub(crate) fn launch(&mut self) -> Result<(), Failure> {
        let log = self.log();
        let errors = File::create(&log).map_err(Failure::file("creating", &log))?;
        // A child runs where its parent ran when it was started.
        run_on(Core::Server).map_err(|error| failed(&error))?;
        let child = self
            .command(&["serve"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn();
        run_on(Core::Load).map_err(|error| failed(&error))?;
        self.child = Some(child.map_err(|error| failed(&error))?);
        Ok(())
    }

    pub(crate) fn wait_ready(&mut self) -> Result<(), Failure> {
        let start = Instant::now();
        while start.elapsed() < READY_WITHIN {
            let asked = self
                .command(&["ctl", "status"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if asked.is_ok_and(|status| status.success()) {
                return Ok(());
            }
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                return Err(self.broken(&format!("it ended: {status}")));
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Err(self.broken("it is not ready"))
    }

    /// Figures of a server that raised alarms meanwhile are to be read with them.
    fn tell_alarms(&self) {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let mut alarms = BTreeMap::<&str, u64>::new();
        for line in log.lines() {
            let alarm = line
                .split_once("\"alarm\":\"")
                .and_then(|(_, rest)| rest.split_once('"'));
            if let Some((name, _)) = alarm {
                *alarms.entry(name).or_default() += 1;
            }
        }
        for (name, count) in alarms {
            println!("    alarm {name}: {count} times");
        }
    }

    /// What it wrote last, for whoever must find out why.
    fn broken(&self, what: &str) -> Failure {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let mut last: Vec<&str> = log.lines().rev().take(5).collect();
        last.reverse();
        failed(&format!("hotline111: {what}\n{}", last.join("\n")))
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.as_ref().map_or(0, Child::id))
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(self.folder.join("hotline111.toml"))
            .args(arguments);
        command
    }

    /// Callers from the carrier's address, counsellors beside it.
    pub(crate) fn callers(
        &self,
        dial: &str,
        count: usize,
        rate_per_s: f64,
    ) -> Result<LoadConfig, Failure> {
        let config = LoadConfig::to(self.address, dial, count, rate_per_s);
        let mut config = config.map_err(|error| failed(&error))?;
        config.local = Ipv4Addr::from(settings::TRUNK_SOURCE).into();
        config.wrap_up_ms = u64::from(self.settings.wrap_up_s) * 1_000;
        config.counsellors = (0..self.settings.counsellors)
            .map(|index| (settings::counsellor(index), settings::PASSWORD.to_owned()))
            .collect();
        Ok(config)
    }

    /// One load run from the other core.
    pub(crate) fn run(&self, config: &LoadConfig) -> Result<(LoadReport, Taken), Failure> {
        run_on(Core::Load).map_err(|error| failed(&error))?;
        let process = self.process();
        let mut opened = None;
        let mut taken = Taken::default();
        let mut observe = |moment| match moment {
            Moment::WindowOpened => opened = Some((Instant::now(), process.cpu_seconds())),
            Moment::WindowClosed => {
                if let Some((since, before)) = opened {
                    let seconds = since.elapsed().as_secs_f64().max(0.001);
                    taken.cpu_percent = (process.cpu_seconds() - before) / seconds * 100.0;
                }
                taken.resident_mib = process.resident_mib();
            }
            Moment::Ready | Moment::Ramped => {}
        };
        let report = load::run(config, &mut observe).map_err(|error| failed(&error))?;
        if (report.counsellors_ready as usize) < config.counsellors.len() {
            let ready = report.counsellors_ready;
            let wanted = config.counsellors.len();
            return Err(self.broken(&format!("only {ready} of {wanted} counsellors are ready")));
        }
        Ok((report, taken))
    }

    /// SIGTERM, the end, and nothing left behind.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        self.end()
    }

    /// SIGTERM and the end; its folder stays.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        self.tell_alarms();
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        let pid = i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)
                .map_err(|error| failed(&error))?;
        }
        let start = Instant::now();
        while start.elapsed() < STOP_WITHIN {
            if let Ok(Some(status)) = child.try_wait() {
                return if status.success() {
                    Ok(())
                } else {
                    Err(self.broken(&format!("it ended: {status}")))
                };
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        child.kill().map_err(|error| failed(&error))?;
        child.wait().map_err(|error| failed(&error))?;
        Err(self.broken("it did not stop"))
    }
}

/// Whatever happened, no process stays.
impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take()
            && child.kill().is_ok()
        {
            child.wait().ok();
        }
    }
}

/// The folders of all servers of a run. They go together at the end: a file system that has just deleted thousands
/// of recordings is slow at making new ones, and the next server would be blamed for it.
pub(crate) struct Scratch {
    folder: PathBuf,
    made: Cell<u32>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let name = format!("hotline111-bench-{}", std::process::id());
        Self {
            folder: std::env::temp_dir().join(name),
            made: Cell::new(0),
        }
    }

    fn next(&self) -> PathBuf {
        self.made.set(self.made.get() + 1);
        self.folder.join(self.made.get().to_string())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// Free for UDP and TCP a moment ago.
fn free_address() -> std::io::Result<SocketAddr> {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    loop {
        let address = UdpSocket::bind(loopback)?.local_addr()?;
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
}
