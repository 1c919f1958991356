//! SIPp as caller and as desk phone, and what it writes down of its messages.

use crate::capture::Capture;
use crate::process::Program;
use crate::server::utc_ms;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A SIPp run to be.
pub(crate) struct Sipp {
    name: String,
    folder: PathBuf,
    command: Command,
}

/// A message that SIPp has sent or got.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// SIPp's clock, UTC milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// By SIPp.
    pub(crate) is_sent: bool,
    /// First line.
    pub(crate) start: String,
    /// Method in CSeq.
    pub(crate) method: String,
}

impl Sipp {
    /// `scenario` is a file of this folder's sipp/ without its ending; `local` names the address and port that
    /// it speaks from, which is how the server knows a trunk.
    pub(crate) fn new(
        name: &str,
        scenario: &str,
        folder: &Path,
        local: SocketAddr,
        server: SocketAddr,
    ) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("e2e/sipp")
            .join(format!("{scenario}.xml"));
        let mut command = Command::new("sipp");
        let ip = local.ip().to_string();
        command
            .current_dir(folder)
            // Its message log is in local time.
            .env("TZ", "UTC")
            .arg("-sf")
            .arg(source)
            .args([
                "-i",
                &ip,
                "-p",
                &local.port().to_string(),
                "-mi",
                &ip,
                "-mp",
                "6000",
            ])
            .args([
                "-nostdin",
                "-timeout",
                "120",
                "-timeout_error",
                "-trace_err",
                "-trace_msg",
            ])
            .args([
                "-error_file",
                &format!("{name}.errors"),
                "-message_file",
                &format!("{name}.messages"),
            ])
            .arg(server.to_string());
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            command,
        }
        .calls(1)
    }

    /// A keyword of the scenario.
    pub(crate) fn key(mut self, key: &str, value: &str) -> Self {
        self.command.args(["-key", key, value]);
        self
    }

    /// The number that it dials.
    pub(crate) fn dial(mut self, number: &str) -> Self {
        self.command.args(["-s", number]);
        self
    }

    /// How long the scenario's `<pause/>` is.
    pub(crate) fn pause_ms(mut self, millis: u32) -> Self {
        self.command.args(["-d", &millis.to_string()]);
        self
    }

    fn calls(mut self, count: u32) -> Self {
        self.command.args(["-m", &count.to_string()]);
        self
    }

    /// What it sends as `caller.pcap` or `counsellor.pcap`.
    pub(crate) fn audio(self, file: &str, capture: &Capture) -> Self {
        capture.write(&self.folder.join(file));
        self
    }

    /// Starts it.
    pub(crate) fn start(self) -> Program {
        Program::start(&self.name, self.command, &self.folder)
    }
}

/// The messages of a run, oldest first.
pub(crate) fn messages(folder: &Path, name: &str) -> Vec<Message> {
    let path = folder.join(format!("{name}.messages"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut found = Vec::new();
    for part in text
        .split("\n-----------------------------------------------")
        .chain([""])
    {
        let mut lines = part.trim_start_matches('-').trim_start().lines();
        let Some(at_ms) = lines.next().and_then(|line| utc_ms(line.trim())) else {
            continue;
        };
        let is_sent = lines.next().is_some_and(|line| line.contains("sent"));
        let rest: Vec<&str> = lines.skip_while(|line| line.trim().is_empty()).collect();
        let Some(start) = rest.first() else { continue };
        let cseq = rest
            .iter()
            .find_map(|line| line.strip_prefix("CSeq: "))
            .unwrap_or_default();
        found.push(Message {
            at_ms,
            is_sent,
            start: start.trim().to_owned(),
            method: cseq
                .split_whitespace()
                .nth(1)
                .unwrap_or_default()
                .to_owned(),
        });
    }
    found
}

/// When the first message with this beginning (e.g. `INVITE`, `SIP/2.0 200`) and CSeq method passed.
pub(crate) fn first_ms(messages: &[Message], start: &str, method: &str) -> i64 {
    let found = messages
        .iter()
        .find(|message| message.start.starts_with(start) && message.method == method);
    found
        .unwrap_or_else(|| panic!("no {start} of {method} in {messages:#?}"))
        .at_ms
}
