//! baresip as caller and as desk phone: plays one WAV, writes what it hears into another.

use crate::process::Program;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A baresip run to be.
pub struct Baresip {
    folder: PathBuf,
    commands: Vec<String>,
    quit_after_s: u32,
}

/// Debian keeps its modules here.
const MODULES: [&str; 2] = ["/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules"];

impl Baresip {
    /// A phone with `account` (a line of baresip's accounts file) that speaks from `local` and plays `says`.
    pub fn new(folder: PathBuf, account: &str, local: SocketAddr, says: &Path) -> Self {
        fs::create_dir_all(&folder).expect("a folder for baresip");
        let modules = MODULES.iter().find(|path| Path::new(path).is_dir()).expect("baresip's modules");
        let heard = folder.join("heard.wav");
        let config = format!(
            "poll_method epoll\nsip_listen {local}\naudio_source aufile,{says}\naudio_player aufile,{heard}\n\
             audio_alert aufile,{heard}.alert\nausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\n\
             auplay_channels 1\nrtp_ports 30000-30200\nmodule_path {modules}\nmodule stdio.so\nmodule g711.so\n\
             module aufile.so\nmodule_tmp account.so\nmodule_app menu.so\nnet_interface lo\n",
            says = says.display(),
            heard = heard.display(),
        );
        fs::write(folder.join("config"), config).expect("writing baresip's config");
        fs::write(folder.join("accounts"), format!("{account}\n")).expect("writing baresip's accounts");
        fs::write(folder.join("contacts"), "").expect("writing baresip's contacts");
        Self { folder, commands: Vec::new(), quit_after_s: 60 }
    }

    /// An account line of a desk phone that answers by itself.
    pub fn desk_phone(user: &str, password: &str, server: SocketAddr) -> String {
        format!("<sip:{user}@{server}>;auth_user={user};auth_pass={password};answermode=auto;regint=60")
    }

    /// An account line of a trunk caller.
    pub fn caller(number: &str, local: IpAddr, server: SocketAddr) -> String {
        format!("<sip:{number}@{local}>;regint=0;outbound=\"sip:{server}\"")
    }

    /// A command at its start, e.g. `/dial sip:111@...`.
    pub fn command(mut self, command: &str) -> Self {
        self.commands.push(command.to_owned());
        self
    }

    /// It hangs up and ends by itself.
    pub fn quit_after_s(mut self, seconds: u32) -> Self {
        self.quit_after_s = seconds;
        self
    }

    /// What it has heard.
    pub fn heard(&self) -> PathBuf {
        self.folder.join("heard.wav")
    }

    /// Starts it.
    pub fn start(&self) -> Program {
        let mut command = Command::new("baresip");
        command.arg("-f").arg(&self.folder).args(["-t", &self.quit_after_s.to_string()]);
        for text in &self.commands {
            command.args(["-e", text]);
        }
        Program::start("baresip", command, &self.folder)
    }
}
