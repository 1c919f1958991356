//! The demo's server: the real binary, started as a person would, seen through its own command line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::failure::Failure;
use crate::run;

/// The server is ready within this time, or something is wrong.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// After the signal it has this long to say goodbye to its callers.
const STOP_WITHIN: Duration = Duration::from_secs(15);

pub(super) struct DemoServer {
    child: Child,
    program: PathBuf,
    folder: PathBuf,
    told: Value,
    address: SocketAddr,
    // Kept open: a server whose output nobody can take would stop.
    _output: BufReader<ChildStdout>,
}

/// Rows of three tables.
pub(super) struct Picture {
    pub(super) calls: Vec<Vec<String>>,
    pub(super) queues: Vec<Vec<String>>,
    pub(super) agents: Vec<Vec<String>>,
}

impl DemoServer {
    pub(super) fn start(bind: IpAddr, port: u16) -> Result<Self, Failure> {
        let program = super::build()?;
        let folder = std::env::temp_dir().join(format!("hotline111-demo-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(Failure::file("creating", &folder))?;
        let log = folder.join("server.log");
        let errors = File::create(&log).map_err(Failure::file("creating", &log))?;
        let mut child = Command::new(&program)
            .args([
                "demo",
                "--json",
                "--bind",
                &bind.to_string(),
                "--port",
                &port.to_string(),
            ])
            .arg("--dir")
            .arg(&folder)
            .arg("--sounds")
            .arg(run::repository().join("sounds"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let output = child
            .stdout
            .take()
            .ok_or_else(|| failed("no output".to_owned()))?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output
            .read_line(&mut line)
            .map_err(|error| failed(error.to_string()))?;
        let told: Value = serde_json::from_str(&line).map_err(|_| {
            failed(std::fs::read_to_string(&log).unwrap_or_else(|error| error.to_string()))
        })?;
        let address = text(&told, "sip")
            .parse()
            .map_err(|_| failed(line.clone()))?;
        let mut server = Self {
            child,
            program,
            folder,
            told,
            address,
            _output: output,
        };
        server.wait_ready()?;
        if server.address.port() != port {
            println!("Port {port} is busy; {} it is.", server.address.port());
        }
        Ok(server)
    }

    fn wait_ready(&mut self) -> Result<(), Failure> {
        let start = Instant::now();
        while start.elapsed() < READY_WITHIN {
            if self.ctl("status").is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(failed(format!(
                    "the server ended: {status}; see {}",
                    self.log().display()
                )));
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Err(failed(format!(
            "the server is not ready; see {}",
            self.log().display()
        )))
    }

    /// Tells people where to point their softphone.
    pub(super) fn introduce(&self) {
        let (sip, caller) = (text(&self.told, "sip"), text(&self.told, "caller"));
        println!();
        println!("Hotline 111 runs on this machine.");
        println!(
            "  Call it:           softphone account sip:{caller}@{sip}, password {}, dial {}",
            self.password(),
            text(&self.told, "dial")
        );
        println!("  Be a counsellor:   account sip:tv01@{sip} (tv01 to tv06, same password)");
        println!(
            "  State:             http://{}/healthz  /readyz  /metrics",
            text(&self.told, "http")
        );
        println!("  Log:               {}", self.log().display());
        println!(
            "  Recordings:        {}",
            self.folder.join("state/recordings").display()
        );
        println!();
    }

    /// The same in one line, for the live table.
    pub(super) fn how_to_call(&self) -> String {
        format!(
            "call it: sip:{}@{} password {}, dial {}",
            text(&self.told, "caller"),
            text(&self.told, "sip"),
            self.password(),
            text(&self.told, "dial"),
        )
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the simulated carrier must call from.
    pub(super) fn trunk(&self) -> Result<IpAddr, Failure> {
        text(&self.told, "trunk_source")
            .parse()
            .map_err(|_| failed(self.told.to_string()))
    }

    pub(super) fn password(&self) -> &str {
        text(&self.told, "password")
    }

    pub(super) fn counsellors(&self) -> Vec<String> {
        let list = self
            .told
            .get("counsellors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
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

    /// `ctl WHAT`, cut into cells (tab-separated when nobody looks).
    fn ctl(&self, what: &str) -> Result<Vec<Vec<String>>, Failure> {
        let output = self
            .command(&["ctl", what])
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
        Ok(String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(cells)
            .collect())
    }

    pub(super) fn picture(&self) -> Result<Picture, Failure> {
        Ok(Picture {
            calls: self.ctl("calls")?,
            queues: self.ctl("queues")?,
            agents: self.ctl("agents")?,
        })
    }

    /// What became of the calls, from the records.
    pub(super) fn summary(&self) -> Result<String, Failure> {
        let arguments = [
            "cdr",
            "export",
            "--from",
            "2000-01-01",
            "--to",
            "2100-01-01",
            "--format",
            "ndjson",
        ];
        let output = self
            .command(&arguments)
            .output()
            .map_err(|error| failed(error.to_string()))?;
        let mut fates = std::collections::BTreeMap::<String, u64>::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let record: Value = serde_json::from_str(line).unwrap_or_default();
            *fates.entry(text(&record, "fate").to_owned()).or_default() += 1;
        }
        let list: Vec<String> = fates
            .iter()
            .map(|(fate, count)| format!("{fate} {count}"))
            .collect();
        Ok(format!(
            "Records so far: {}",
            if list.is_empty() {
                "none".to_owned()
            } else {
                list.join(", ")
            }
        ))
    }

    /// SIGTERM, and the end.
    pub(super) fn stop(mut self) -> Result<(), Failure> {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)
                .map_err(|error| failed(error.to_string()))?;
        }
        let start = Instant::now();
        while start.elapsed() < STOP_WITHIN {
            if let Ok(Some(status)) = self.child.try_wait() {
                println!(
                    "Stopped ({status}). Everything is still in {}",
                    self.folder.display()
                );
                return if status.success() {
                    Ok(())
                } else {
                    Err(failed(status.to_string()))
                };
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        self.child
            .kill()
            .map_err(|error| failed(error.to_string()))?;
        Err(failed("the server did not stop in time".to_owned()))
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn failed(message: String) -> Failure {
    Failure::Tool {
        program: "hotline111".to_owned(),
        message,
    }
}
