//! The real server in a folder of its own, on free ports of loopback, seen only as a person sees it: through its
//! command line, its records, its recordings, its log.

use crate::audio::Audio;
use crate::process::{Program, wait_until};
use serde_json::Value;
use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Calls from here are the trunk's.
pub const TRUNK: &str = "127.0.0.2";
/// Desk phones live here.
pub const DESK: &str = "127.0.0.3";
/// A caller's number that must never be seen in a log.
pub const SENTINEL: &str = "0987654321";
/// Password of every counsellor.
pub const PASSWORD: &str = "mot-hai-ba";

/// A server, stopped when dropped.
pub struct Server {
    /// Its folder.
    pub folder: PathBuf,
    /// Where it listens (UDP and TCP).
    pub sip: SocketAddr,
    program: Option<Program>,
    starts: u32,
}

/// Finds a binary of this workspace beside the test's own.
fn binary(name: &str) -> PathBuf {
    let mut folder = std::env::current_exe().expect("the test's own path");
    folder.pop();
    folder.pop();
    let path = folder.join(name);
    assert!(path.is_file(), "{} is missing: cargo build -p hotline111", path.display());
    path
}

/// A free port for UDP and TCP on 127.0.0.1.
pub fn free_port() -> u16 {
    for _ in 0..50 {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a free UDP port");
        let address = udp.local_addr().expect("its address");
        if TcpListener::bind(address).is_ok() {
            return address.port();
        }
    }
    panic!("no port is free for UDP and TCP");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("creating a folder");
    for entry in fs::read_dir(from).expect("reading a folder") {
        let entry = entry.expect("a folder's entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copying a file");
        }
    }
}

impl Server {
    /// A new server with the shipped configuration, on its own ports, with counsellors `tv01`..; `more` is added
    /// to the configuration's end.
    pub fn start(name: &str, counsellors: u32, more: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("hotline111-{name}-{}", std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("clearing an old folder");
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
        copy_folder(&root.join("config"), &folder);
        let port = free_port();
        let sip = SocketAddr::from(([127, 0, 0, 1], port));
        let config = format!(
            "[server]\nstate_dir = \"state\"\nsounds_dir = \"{sounds}\"\ncontrol_socket = \"control.sock\"\n\
             drain = \"2s\"\n[http]\nbind = \"127.0.0.1:{http}\"\n[sip]\nudp = [\"{sip}\"]\ntcp = [\"{sip}\"]\n\
             [media]\nports = \"{first}-{last}\"\nworkers = 2\n[[trunk]]\nname = \"test\"\nsources = [\"{TRUNK}\"]\n{more}\n",
            sounds = root.join("sounds").display(),
            http = free_port(),
            first = 32_000,
            last = 59_999,
        );
        fs::write(folder.join("hotline111.toml"), config).expect("writing the configuration");
        let mut server = Self { folder, sip, program: None, starts: 0 };
        for number in 1..=counsellors {
            server.add_user(&format!("tv{number:02}"));
        }
        server.run();
        server
    }

    fn add_user(&self, user: &str) {
        let mut command = self.command(&["user", "add", user, "--password-stdin", "--sign-in-by-registration"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting user add");
        std::io::Write::write_all(&mut child.stdin.take().expect("its input"), PASSWORD.as_bytes())
            .expect("giving the password");
        let output = child.wait_with_output().expect("user add ends");
        assert!(output.status.success(), "user add {user}: {}", text(&output));
    }

    /// The command line of this server.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("hotline111"));
        command.current_dir(&self.folder).arg("--config").arg(self.folder.join("hotline111.toml")).args(arguments);
        command
    }

    /// Starts (again) and waits until it is ready.
    pub fn run(&mut self) {
        self.starts += 1;
        let program = Program::start(&format!("server-{}", self.starts), self.command(&["serve"]), &self.folder);
        self.program = Some(program);
        wait_until(Duration::from_secs(20), "the server is ready", || {
            if let Some(status) = self.program().has_ended() {
                panic!("the server ended ({status}):\n{}", self.log());
            }
            self.try_ctl("status").map(|_| ())
        });
    }

    /// The running process.
    pub fn program(&mut self) -> &mut Program {
        self.program.as_mut().expect("a running server")
    }

    /// Everything logged since its last start.
    pub fn log(&self) -> String {
        self.program.as_ref().map_or_else(String::new, Program::output)
    }

    /// kill -9, at once.
    pub fn kill(&mut self) {
        self.program().kill();
        self.program = None;
    }

    fn try_ctl(&self, what: &str) -> Option<Value> {
        let output = self.command(&["ctl", what, "--json"]).output().expect("starting ctl");
        output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("ctl prints JSON"))
    }

    /// `ctl WHAT --json`.
    pub fn ctl(&self, what: &str) -> Value {
        self.try_ctl(what).unwrap_or_else(|| panic!("ctl {what} failed\n{}", self.log()))
    }

    /// Waits until `ctl WHAT` shows what `probe` looks for.
    pub fn wait_ctl(&self, what: &str, meaning: &str, probe: impl Fn(&Value) -> bool) -> Value {
        wait_until(Duration::from_secs(20), meaning, || Some(self.ctl(what)).filter(&probe))
    }

    /// Waits until this many counsellors are in a state, e.g. `ready`.
    pub fn wait_agents(&self, state: &str, count: usize) {
        self.wait_ctl("agents", &format!("{count} counsellors are {state}"), |agents| {
            rows(agents).filter(|agent| agent["state"] == state).count() >= count
        });
    }

    /// Waits until no call is open.
    pub fn wait_no_calls(&self) {
        self.wait_ctl("calls", "all calls have ended", |calls| rows(calls).next().is_none());
    }

    /// All records, oldest first, once there are at least `count`.
    pub fn records(&self, count: usize) -> Vec<Value> {
        wait_until(Duration::from_secs(20), &format!("{count} call records"), || {
            let output = self
                .command(&["cdr", "export", "--from", "2020-01-01", "--to", "2100-01-01", "--format", "ndjson"])
                .output()
                .expect("starting cdr export");
            assert!(output.status.success(), "cdr export: {}", text(&output));
            let records: Vec<Value> = String::from_utf8_lossy(&output.stdout)
                .lines()
                .map(|line| serde_json::from_str(line).expect("a record is JSON"))
                .collect();
            (records.len() >= count).then_some(records)
        })
    }

    /// The recording of a record.
    pub fn recording(&self, record: &Value) -> PathBuf {
        let file = record["recording_file"].as_str().unwrap_or_else(|| panic!("no recording in {record}"));
        self.folder.join("state/recordings").join(file)
    }

    /// The recording's audio.
    pub fn audio(&self, record: &Value) -> Audio {
        Audio::read(&self.recording(record))
    }

    /// No log line shows a caller's number.
    pub fn assert_no_number_in_logs(&self) {
        for entry in fs::read_dir(&self.folder).expect("the server's folder") {
            let path = entry.expect("an entry").path();
            let is_log = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("server-"));
            if is_log {
                let log = fs::read_to_string(&path).expect("a log");
                assert!(!log.contains(&SENTINEL[1..]), "a caller's number is in {}", path.display());
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(program) = &mut self.program
            && program.has_ended().is_none()
        {
            program.signal(rustix::process::Signal::TERM);
            program.wait(Duration::from_secs(15));
        }
        if !std::thread::panicking() {
            self.assert_no_number_in_logs();
            fs::remove_dir_all(&self.folder).expect("removing the server's folder");
        }
    }
}

/// The rows of a JSON answer, whether it is a list or holds one.
pub fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.as_array().or_else(|| value.as_object()?.values().find_map(Value::as_array));
    list.into_iter().flatten()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
