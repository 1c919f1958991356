//! baresip as caller and as desk phone: plays one WAV, writes what it hears into another, and is worked by hand.

use crate::process::{Program, wait_until};
use crate::server::{PASSWORD, PATIENCE};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A baresip run to be.
pub(crate) struct Baresip {
    name: String,
    folder: PathBuf,
    hands: SocketAddr,
    commands: Vec<String>,
    quit_after_s: u32,
}

/// Debian keeps its modules here.
const MODULES: [&str; 2] = [
    "/usr/lib/baresip/modules",
    "/usr/lib/x86_64-linux-gnu/baresip/modules",
];
/// Where it takes orders, at its own address.
const HANDS_PORT: u16 = 4444;

impl Baresip {
    /// A phone with `account` (a line of baresip's accounts file) that speaks from `local` and plays `says`.
    pub(crate) fn new(
        name: &str,
        folder: PathBuf,
        account: &str,
        local: SocketAddr,
        says: &Path,
    ) -> Self {
        fs::create_dir_all(&folder).expect("a folder for baresip");
        let modules = MODULES
            .iter()
            .find(|path| Path::new(path).is_dir())
            .expect("baresip's modules");
        let hands = SocketAddr::new(local.ip(), HANDS_PORT);
        // Audio comes from 127.0.0.1 (its sockets are bound to no address), so that must stand in its SDP. It has no
        // player that writes files: `sndfile` writes down what passes, `aubridge` swallows it.
        let config = format!(
            "poll_method epoll\nsip_listen {local}\nnet_interface 127.0.0.1\naudio_source aufile,{says}\n\
             audio_player aubridge,nowhere\naudio_alert aubridge,nowhere\nausrc_srate 8000\nauplay_srate 8000\n\
             ausrc_channels 1\nauplay_channels 1\nrtp_ports 10000-10200\nmodule_path {modules}\nmodule g711.so\n\
             module g722.so\nmodule opus.so\nmodule srtp.so\nmodule aufile.so\nmodule aubridge.so\n\
             module sndfile.so\nsnd_path {folder}\nmodule_tmp account.so\nmodule_app menu.so\n\
             module_app ctrl_tcp.so\nctrl_tcp_listen {hands}\n",
            says = says.display(),
            folder = folder.display(),
        );
        fs::write(folder.join("config"), config).expect("writing baresip's config");
        fs::write(folder.join("accounts"), format!("{account}\n"))
            .expect("writing baresip's accounts");
        fs::write(folder.join("contacts"), "").expect("writing baresip's contacts");
        Self {
            name: name.to_owned(),
            folder,
            hands,
            commands: Vec::new(),
            quit_after_s: 60,
        }
    }

    /// An account line of a desk phone that answers by itself and leaves registering to somebody else.
    pub(crate) fn desk_phone(user: &str, server: SocketAddr) -> String {
        format!("<sip:{user}@{server}>;auth_pass=none;answermode=auto;regint=0;audio_codecs=pcma")
    }

    /// An account line of a desk phone that registers over `transport`, answers by itself, and has `more`, e.g. its
    /// codecs. It gives up where SHA-256 is asked for ([`MD5_ONLY`]).
    pub(crate) fn registering(
        user: &str,
        server: SocketAddr,
        transport: &str,
        more: &str,
    ) -> String {
        format!(
            "<sip:{user}@{server};transport={transport}>;auth_pass={PASSWORD};answermode=auto;regint=300;{more}"
        )
    }

    /// An account line of a trunk caller.
    pub(crate) fn caller(number: &str, local: IpAddr, server: SocketAddr) -> String {
        format!(
            "<sip:{number}@{local}>;auth_pass=none;regint=0;outbound=\"sip:{server}\";audio_codecs=pcma"
        )
    }

    /// A command at its start, e.g. `/dial sip:111@...`.
    pub(crate) fn command(mut self, command: &str) -> Self {
        self.commands.push(command.to_owned());
        self
    }

    /// It hangs up and ends by itself.
    pub(crate) fn quit_after_s(mut self, seconds: u32) -> Self {
        self.quit_after_s = seconds;
        self
    }

    /// What it has heard: `dump-TIME-dec.wav`.
    pub(crate) fn heard(&self) -> PathBuf {
        let files = fs::read_dir(&self.folder).expect("baresip's folder");
        let mut paths = files.map(|entry| entry.expect("an entry").path());
        let is_heard = |path: &PathBuf| path.to_string_lossy().ends_with("-dec.wav");
        paths.find(is_heard).expect("what baresip has heard")
    }

    /// Starts it.
    pub(crate) fn start(&self) -> Program {
        let mut command = Command::new("baresip");
        command
            .arg("-f")
            .arg(&self.folder)
            .args(["-t", &self.quit_after_s.to_string()]);
        for text in &self.commands {
            command.args(["-e", text]);
        }
        Program::start(&self.name, command, &self.folder)
    }

    /// A key of its menu while it runs: `hold`, `resume`, `transfer` with a target, `hangup`. Gives its answer.
    pub(crate) fn order(&self, command: &str, parameter: &str) -> String {
        let mut stream = wait_until(PATIENCE, "baresip takes orders", || {
            TcpStream::connect(self.hands).ok()
        });
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit");
        let order = format!(
            "{{\"command\":\"{command}\",\"params\":\"{parameter}\",\"token\":\"{command}\"}}"
        );
        // Its frames are netstrings: the length, a colon, the text, a comma.
        stream
            .write_all(format!("{}:{order},", order.len()).as_bytes())
            .expect("giving an order");
        let (mut answer, mut buffer) = (String::new(), [0; 4_096]);
        // Events of the call come on the same connection.
        while !answer.contains("\"response\":true") {
            match stream.read(&mut buffer) {
                Ok(0) => panic!("baresip hung up on us: {answer}"),
                Ok(length) => answer.push_str(&String::from_utf8_lossy(&buffer[..length])),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("no answer to {command}: {error}; {answer}"),
            }
        }
        assert!(answer.contains("\"ok\":true"), "{command}: {answer}");
        answer
    }
}

/// Of `[sip]`: baresip 1.0 does not register where a challenge names SHA-256.
pub(crate) const MD5_ONLY: &str = "sha256 = false\n";
