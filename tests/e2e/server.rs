//! The real server in a folder and on loopback addresses of its own, seen only as a person sees it: through its
//! command line, its records, its recordings, its log.

use crate::audio::Audio;
use crate::namespaces::Namespace;
use crate::process::{Program, pause, wait_until};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// A caller's number that must never be seen in a log.
pub(crate) const SENTINEL: &str = "0987654321";
/// The same in the record, as E.164.
pub(crate) const NUMBER: &str = "+84987654321";
/// The part of it that no mask shows.
const SENTINEL_CORE: &str = "98765432";
/// Password of every counsellor.
pub(crate) const PASSWORD: &str = "mot-hai-ba";
/// On the server's own address.
const HTTP_PORT: u16 = 8111;
/// A wait that is only as long when something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server to be.
pub(crate) struct Plan {
    name: &'static str,
    counsellors: u32,
    storage: String,
    sip: String,
    sip_also: String,
    media: String,
    more: String,
    queues: Vec<(&'static str, &'static str)>,
    drain: &'static str,
    state: Option<PathBuf>,
}

impl Plan {
    /// With counsellors `tv01`.. who speak Vietnamese and English and have a second of paperwork.
    pub(crate) fn new(name: &'static str, counsellors: u32) -> Self {
        Self {
            name,
            counsellors,
            storage: String::new(),
            sip: String::new(),
            sip_also: String::new(),
            media: String::new(),
            more: String::new(),
            queues: Vec::new(),
            drain: "2s",
            state: None,
        }
    }

    /// Replaces a text in the shipped `queues.toml`.
    pub(crate) fn queues(mut self, from: &'static str, to: &'static str) -> Self {
        self.queues.push((from, to));
        self
    }

    /// SIGTERM: callers are served this long.
    pub(crate) fn drain(mut self, drain: &'static str) -> Self {
        self.drain = drain;
        self
    }

    /// Further lines of `[storage]`.
    pub(crate) fn storage(mut self, lines: &str) -> Self {
        self.storage.push_str(lines);
        self
    }

    /// Further lines of `[sip]`; `SERVER_IP` stands for the server's address.
    pub(crate) fn sip(mut self, lines: &str) -> Self {
        self.sip.push_str(lines);
        self
    }

    /// One more listener, UDP and TCP.
    pub(crate) fn sip_also(mut self, address: SocketAddr) -> Self {
        self.sip_also = format!(", \"{address}\"");
        self
    }

    /// Further lines of `[media]`.
    pub(crate) fn media(mut self, lines: &str) -> Self {
        self.media.push_str(lines);
        self
    }

    /// Further lines at the end of the configuration.
    pub(crate) fn more(mut self, lines: &str) -> Self {
        self.more.push_str(lines);
        self
    }

    /// State, database and recordings lie here instead of in the server's folder.
    pub(crate) fn state(mut self, folder: &Path) -> Self {
        self.state = Some(folder.to_owned());
        self
    }

    /// Writes the configuration and starts the server.
    pub(crate) fn start(self) -> Server {
        self.start_at(Net::next())
    }

    /// The same on another host, at its 10.77.0.1.
    pub(crate) fn start_in(self, host: &Namespace) -> Server {
        host.enter(|| self.start_at(Net([10, 77, 0])))
    }

    fn start_at(self, net: Net) -> Server {
        let folder =
            std::env::temp_dir().join(format!("hotline111-{}-{}", self.name, std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("clearing an old folder");
        }
        fs::create_dir_all(folder.join("ivr")).expect("creating the server's folder");
        let state = self.state.clone().unwrap_or_else(|| folder.join("state"));
        self.write(&folder, &state, &net);
        let mut server = Server {
            folder,
            state,
            net,
            program: None,
            starts: 0,
            started: Instant::now(),
        };
        server.run();
        server
    }

    fn write(&self, folder: &Path, state: &Path, net: &Net) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the repository");
        let mut queues =
            fs::read_to_string(root.join("config/queues.toml")).expect("the shipped queues");
        for (from, to) in &self.queues {
            assert!(queues.contains(from), "config/queues.toml has no {from}");
            queues = queues.replace(from, to);
        }
        fs::write(folder.join("queues.toml"), queues).expect("writing the queues");
        fs::copy(
            root.join("config/ivr/entry.toml"),
            folder.join("ivr/entry.toml"),
        )
        .expect("copying the flow");
        fs::write(folder.join("password"), format!("{PASSWORD}\n")).expect("writing the password");
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(folder.join("password"), owner_only).expect("protecting the password");
        let mut config = format!(
            r#"[server]
state_dir = "{state}"
sounds_dir = "{sounds}"
control_socket = "{control}"
drain = "{drain}"
[storage]
{storage}
[http]
bind = "{ip}:{http}"
[sip]
udp = ["{sip}"{also}]
tcp = ["{sip}"{also}]
{more_sip}
[media]
workers = 2
{media}
[timing]
counselling_min = "0s"
[languages]
offered = ["vi", "en"]
[ivr.switch]
information = false
record_first = false
[centre.hanoi]
[[trunk]]
name = "carrier"
sources = ["{trunk}"]
[[route]]
dialled = "111"
flow = "entry"
[[route]]
dialled = "*11"
feature = "sign_in"
[[route]]
dialled = "*10"
feature = "sign_out"
[[route]]
dialled = "*12"
feature = "break"
reason = "break"
[[route]]
dialled = "*43"
echo = true
{more}
"#,
            state = state.display(),
            sounds = root.join("sounds").display(),
            control = folder.join("control.sock").display(),
            drain = self.drain,
            storage = self.storage,
            ip = net.http().ip(),
            http = HTTP_PORT,
            sip = net.sip(),
            also = self.sip_also,
            trunk = net.trunk(),
            more_sip = self.sip.replace("SERVER_IP", &net.sip().ip().to_string()),
            media = self.media,
            more = self.more,
        );
        for number in 1..=self.counsellors {
            config.push_str(&format!(
                "[[agent]]\nuser = \"tv{number:02}\"\nlanguages = [\"vi\", \"en\"]\nwrap_up = \"1s\"\n\
                 password = {{ file = \"password\" }}\n"
            ));
        }
        fs::write(folder.join("hotline111.toml"), config).expect("writing the configuration");
    }
}

/// The first three numbers of addresses that no other test and no other run uses: 127.RUN.TEST on the loopback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Net([u8; 3]);

impl Net {
    fn next() -> Self {
        static TEST: AtomicU8 = AtomicU8::new(1);
        let run = u8::try_from(std::process::id() % 200).expect("below 200") + 20;
        Self([127, run, TEST.fetch_add(1, Ordering::Relaxed)])
    }

    fn host(self, last: u8) -> IpAddr {
        let [a, b, c] = self.0;
        Ipv4Addr::new(a, b, c, last).into()
    }

    /// Where the server listens, UDP and TCP.
    pub(crate) fn sip(self) -> SocketAddr {
        SocketAddr::new(self.host(1), 5060)
    }

    /// Where the server has its web side: on the loopback in any case.
    fn http(self) -> SocketAddr {
        let ip = if self.0[0] == 127 {
            self.sip().ip()
        } else {
            Ipv4Addr::LOCALHOST.into()
        };
        SocketAddr::new(ip, HTTP_PORT)
    }

    /// Calls from here are the carrier's.
    pub(crate) fn trunk(self) -> IpAddr {
        self.host(2)
    }

    /// Desk phones live here (3-8: six desks).
    pub(crate) fn desk(self, number: u8) -> IpAddr {
        assert!((1..=6).contains(&number), "there are six desks");
        self.host(2 + number)
    }

    /// Nobody knows this address.
    pub(crate) fn stranger(self) -> IpAddr {
        self.host(99)
    }
}

/// A server, stopped when dropped.
pub(crate) struct Server {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Its addresses.
    pub(crate) net: Net,
    state: PathBuf,
    program: Option<Program>,
    starts: u32,
    started: Instant,
}

/// Finds a binary of this workspace beside the test's own; a bench names another, built for release.
fn binary(name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os("HOTLINE_SERVER") {
        return path.into();
    }
    let mut folder = std::env::current_exe().expect("the test's own path");
    folder.pop();
    folder.pop();
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is missing: cargo build -p hotline111",
        path.display()
    );
    path
}

impl Server {
    /// The command line of this server.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("hotline111"));
        command
            .current_dir(&self.folder)
            .arg("--config")
            .arg(self.folder.join("hotline111.toml"))
            .args(arguments);
        command
    }

    /// Starts (again) and waits until it answers. Returns when the process was started.
    pub(crate) fn run(&mut self) -> Instant {
        self.starts += 1;
        self.started = Instant::now();
        let program = Program::start(
            &format!("server-{}", self.starts),
            self.command(&["serve"]),
            &self.folder,
        );
        self.program = Some(program);
        wait_until(PATIENCE, "the server is ready", || {
            if let Some(status) = self.program().has_ended() {
                panic!("the server ended ({status})");
            }
            self.try_ctl("status").map(|_| ())
        });
        self.started
    }

    /// The running process.
    pub(crate) fn program(&mut self) -> &mut Program {
        self.program.as_mut().expect("a running server")
    }

    /// Everything logged since its last start.
    pub(crate) fn log(&self) -> String {
        self.program
            .as_ref()
            .map_or_else(String::new, Program::output)
    }

    /// Log lines of the last start that say `message`.
    pub(crate) fn log_lines(&self, message: &str) -> Vec<Value> {
        let log = self.log();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"] == message).collect()
    }

    /// kill -9, at once.
    pub(crate) fn kill(&mut self) -> Instant {
        self.program().kill();
        self.program = None;
        Instant::now()
    }

    /// SIGTERM.
    pub(crate) fn terminate(&mut self) {
        self.program().signal(rustix::process::Signal::TERM);
    }

    /// Waits for its end.
    pub(crate) fn wait_end(&mut self, limit: Duration) -> ExitStatus {
        self.program().wait(limit)
    }

    fn try_ctl(&self, what: &str) -> Option<Value> {
        let output = self.run_ctl(&[what]);
        let answer = || serde_json::from_slice(&output.stdout).expect("ctl prints JSON");
        output.status.success().then(answer)
    }

    /// `ctl` with these arguments. The socket is named so that no configuration has to be read for each question.
    pub(crate) fn run_ctl(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary("hotline111"));
        command
            .args(["ctl", "--json", "--socket"])
            .arg(self.folder.join("control.sock"))
            .args(arguments);
        command.output().expect("starting ctl")
    }

    /// `ctl WHAT --json`.
    pub(crate) fn ctl(&self, what: &str) -> Value {
        self.try_ctl(what)
            .unwrap_or_else(|| panic!("ctl {what} failed"))
    }

    /// Waits until `ctl WHAT` shows what `probe` looks for.
    pub(crate) fn wait_ctl(
        &self,
        what: &str,
        meaning: &str,
        probe: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut last = Value::Null;
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            last = self.ctl(what);
            if probe(&last) {
                return last;
            }
            pause(Duration::from_millis(50));
        }
        panic!("waited in vain until {meaning}; the last answer of ctl {what}: {last}");
    }

    /// Waits until this many counsellors are in a state, e.g. `ready`.
    pub(crate) fn wait_agents(&self, state: &str, count: usize) {
        self.wait_ctl(
            "agents",
            &format!("{count} counsellors are {state}"),
            |agents| rows(agents).filter(|agent| agent["state"] == state).count() == count,
        );
    }

    /// Waits until this many calls are in a state, e.g. `talking`.
    pub(crate) fn wait_calls(&self, state: &str, count: usize) -> Value {
        self.wait_ctl("calls", &format!("{count} calls are {state}"), |calls| {
            rows(calls).filter(|call| call["state"] == state).count() == count
        })
    }

    /// A counsellor's line of `ctl agents`.
    pub(crate) fn agent(&self, user: &str) -> Value {
        let agents = self.ctl("agents");
        rows(&agents)
            .find(|agent| agent["user"] == user)
            .cloned()
            .unwrap_or_else(|| panic!("no {user} in {agents}"))
    }

    /// Waits until a counsellor is in a state.
    pub(crate) fn wait_agent(&self, user: &str, state: &str) -> Value {
        self.wait_ctl("agents", &format!("{user} is {state}"), |agents| {
            rows(agents).any(|agent| agent["user"] == user && agent["state"] == state)
        });
        self.agent(user)
    }

    /// `ctl agent USER CHANGE`.
    pub(crate) fn change_agent(&self, user: &str, change: &[&str]) {
        let output = self.run_ctl(&[&["agent", user], change].concat());
        assert!(
            output.status.success(),
            "ctl agent {user} {change:?}: {}",
            text(&output)
        );
    }

    /// What the HTTP address gives for a path: status and body.
    pub(crate) fn http(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.net.http()).expect("connecting by HTTP");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.net.http().ip()
        );
        stream
            .write_all(request.as_bytes())
            .expect("asking by HTTP");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("an answer by HTTP");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.get(9..12).and_then(|code| code.parse().ok());
        (
            status.unwrap_or_else(|| panic!("no answer by HTTP: {answer}")),
            body.to_owned(),
        )
    }

    /// Waits until no call is open.
    pub(crate) fn wait_no_calls(&self) {
        self.wait_ctl("calls", "all calls have ended", |calls| {
            rows(calls).next().is_none()
        });
    }

    /// All records now, oldest first.
    pub(crate) fn records_now(&self) -> Vec<Value> {
        let output = self
            .command(&[
                "cdr",
                "export",
                "--from",
                "2020-01-01",
                "--to",
                "2100-01-01",
                "--format",
                "ndjson",
            ])
            .output()
            .expect("starting cdr export");
        assert!(output.status.success(), "cdr export: {}", text(&output));
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("a record is JSON"))
            .collect()
    }

    /// All records, oldest first, once there are `count` with everything that is known late (counters, length of
    /// the recording); more than `count` is a failure at once.
    pub(crate) fn records(&self, count: usize) -> Vec<Value> {
        let mut last = Vec::new();
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            last = self.records_now();
            assert!(
                last.len() <= count,
                "{} records where {count} are due: {last:#?}",
                last.len()
            );
            if last.len() == count && last.iter().all(is_complete) {
                return last;
            }
            pause(Duration::from_millis(200));
        }
        panic!(
            "waited in vain for {count} complete records; there are {}: {last:#?}",
            last.len()
        );
    }

    /// The recording of a record.
    pub(crate) fn recording(&self, record: &Value) -> PathBuf {
        let file = record["recording_file"]
            .as_str()
            .unwrap_or_else(|| panic!("no recording in {record}"));
        self.state.join("recordings").join(file)
    }

    /// The recording's audio.
    pub(crate) fn audio(&self, record: &Value) -> Audio {
        Audio::read(&self.recording(record))
    }

    /// No log line shows a caller's number.
    pub(crate) fn assert_no_number_in_logs(&self) {
        for entry in fs::read_dir(&self.folder).expect("the server's folder") {
            let path = entry.expect("an entry").path();
            let is_log = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("server-"));
            if is_log {
                let log = fs::read_to_string(&path).expect("a log");
                assert!(
                    !shows_a_number(&log),
                    "a caller's number is in {}",
                    path.display()
                );
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
            if !std::thread::panicking() {
                let status = program.wait(PATIENCE);
                assert!(status.success(), "the server ended with {status}");
            }
        }
        if !std::thread::panicking() {
            self.assert_no_number_in_logs();
            let bugs: Vec<String> = self
                .log()
                .lines()
                .filter(|line| line.contains("\"bug\""))
                .map(str::to_owned)
                .collect();
            assert!(
                bugs.is_empty(),
                "the server found faults of its own: {bugs:#?}"
            );
            fs::remove_dir_all(&self.folder).expect("removing the server's folder");
        }
    }
}

/// The recordings that there are, growing or finished.
pub(crate) fn recordings(server: &Server) -> Vec<PathBuf> {
    let mut folders = vec![server.state.join("recordings")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "wav") {
                found.push(path);
            }
        }
    }
    found
}

/// Nothing of this record can still change.
fn is_complete(record: &Value) -> bool {
    let has_caller = record["answered"].is_null() || !record["caller_received"].is_null();
    let has_recording = record["recording"] != "made" || !record["recording_ms"].is_null();
    let has_agent = record["joined"].is_null() || !record["agent_received"].is_null();
    let is_crash = record["cause"] == "crash";
    is_crash || (has_caller && has_recording && has_agent)
}

/// Whether a text gives a test caller away.
pub(crate) fn shows_a_number(text: &str) -> bool {
    text.contains(SENTINEL_CORE)
}

/// The rows of a JSON answer.
pub(crate) fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A time of a record as UTC milliseconds since 1970.
pub(crate) fn time_ms(record: &Value, name: &str) -> i64 {
    let text = record[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {record}"));
    utc_ms(text).unwrap_or_else(|| panic!("{name} is no time: {text}"))
}

/// `2026-11-24T05:53:21.123Z`, or with a blank instead of T and more digits of the second, as SIPp writes it.
pub(crate) fn utc_ms(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, millis) = (
        number(11, 13)?,
        number(14, 16)?,
        number(17, 19)?,
        number(20, 23)?,
    );
    // Days from the civil date, counted from March so that the leap day is last.
    let shifted = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + of_year - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + millis)
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
