//! SIPp as caller and as desk phone.

use crate::capture::Capture;
use crate::process::Program;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A SIPp run to be.
pub struct Sipp {
    name: String,
    folder: PathBuf,
    command: Command,
}

impl Sipp {
    /// `scenario` is a file of this folder's sipp/ without its ending; `local` names the address and port that
    /// it speaks from, which is how the server knows a trunk.
    pub fn new(name: &str, scenario: &str, folder: &Path, local: SocketAddr, server: SocketAddr) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/sipp").join(format!("{scenario}.xml"));
        let mut command = Command::new("sipp");
        command
            .current_dir(folder)
            .arg("-sf")
            .arg(source)
            .args(["-i", &local.ip().to_string(), "-p", &local.port().to_string()])
            .args(["-mi", &local.ip().to_string()])
            .args(["-nostdin", "-timeout", "120", "-timeout_error", "-trace_err"])
            .args(["-error_file", &format!("{name}.errors")])
            .arg(server.to_string());
        Self { name: name.to_owned(), folder: folder.to_owned(), command }
    }

    /// A keyword of the scenario.
    pub fn key(mut self, key: &str, value: &str) -> Self {
        self.command.args(["-key", key, value]);
        self
    }

    /// Further arguments.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// `count` calls in all, at most `rate` new ones a second.
    pub fn calls(self, count: u32, rate: u32) -> Self {
        let (count, rate) = (count.to_string(), rate.to_string());
        self.args(&["-m", &count, "-r", &rate, "-l", &count])
    }

    /// The audio port of its first call.
    pub fn media_port(self, port: u16) -> Self {
        let port = port.to_string();
        self.args(&["-mp", &port])
    }

    /// What it sends as `caller.pcap` or `counsellor.pcap`.
    pub fn audio(self, file: &str, capture: &Capture) -> Self {
        capture.write(&self.folder.join(file));
        self
    }

    /// Starts it.
    pub fn start(self) -> Program {
        Program::start(&self.name, self.command, &self.folder)
    }
}
