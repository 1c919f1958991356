//! baresip as caller and as desk phone: plays one WAV, writes what it hears into another.

use crate::process::Program;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A baresip run to be.
pub(crate) struct Baresip {
    name: String,
    folder: PathBuf,
    commands: Vec<String>,
    quit_after_s: u32,
}

/// Debian keeps its modules here.
const MODULES: [&str; 2] = [
    "/usr/lib/baresip/modules",
    "/usr/lib/x86_64-linux-gnu/baresip/modules",
];

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
        // Audio comes from 127.0.0.1 (its sockets are bound to no address), so that must stand in its SDP. It has no
        // player that writes files: `sndfile` writes down what passes, `aubridge` swallows it.
        let config = format!(
            "poll_method epoll\nsip_listen {local}\nnet_interface 127.0.0.1\naudio_source aufile,{says}\n\
             audio_player aubridge,nowhere\naudio_alert aubridge,nowhere\nausrc_srate 8000\nauplay_srate 8000\n\
             ausrc_channels 1\nauplay_channels 1\nrtp_ports 10000-10200\nmodule_path {modules}\nmodule g711.so\n\
             module aufile.so\nmodule aubridge.so\nmodule sndfile.so\nsnd_path {folder}\nmodule_tmp account.so\n\
             module_app menu.so\n",
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
            commands: Vec::new(),
            quit_after_s: 60,
        }
    }

    /// An account line of a desk phone that answers by itself and leaves registering to somebody else.
    pub(crate) fn desk_phone(user: &str, server: SocketAddr) -> String {
        format!("<sip:{user}@{server}>;auth_pass=none;answermode=auto;regint=0;audio_codecs=pcma")
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
}
