//! The phone at the command line: makes one call, or answers, and tells what happens, one line each.

use hotline_phone::{
    AnswerScript, Bank, BankConfig, BankHandle, CallScript, Event, EventKind, Transport, load_sound,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::Receiver;
use std::time::Instant;

const USAGE: &str = "\
hotline-phone call --server IP:PORT [--to NUMBER] [--from NUMBER] [--user NAME --password WORD] [--script FILE]
hotline-phone answer --server IP:PORT --user NAME --password WORD [--script FILE]

also: --local IP, --port N, --tcp, --sound NAME=FILE.wav
Without a script a call lasts until the other side hangs up, and a phone answers at once.
The statements of a script are listed in the documentation of hotline_phone::script.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(error) = source {
                text = format!("{text}: {error}");
                source = error.source();
            }
            let _ = writeln!(std::io::stderr(), "hotline-phone: {text}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let verb = words.next().unwrap_or_default();
    if !matches!(verb.as_str(), "answer" | "call") {
        return Err(format!("which? answer or call\n\n{USAGE}").into());
    }
    let options = Options::read(words)?;
    let (bank, events) = Bank::start(options.bank()?)?;
    if verb == "answer" {
        answer(&options, &bank, &events)
    } else {
        call(&options, &bank, &events)
    }
}

fn call(
    options: &Options,
    bank: &BankHandle,
    events: &Receiver<Event>,
) -> Result<(), Box<dyn Error>> {
    let mut script = match (options.get("script"), options.get("to")) {
        (Some(path), _) => std::fs::read_to_string(path)?.parse()?,
        (None, Some(number)) => CallScript::dial(number),
        (None, None) => return Err(format!("--to or --script is missing\n\n{USAGE}").into()),
    };
    if let Some(number) = options.get("to") {
        number.clone_into(&mut script.dial);
    }
    if let Some(user) = options.get("user") {
        script = script.login(user, options.get("password").unwrap_or_default());
    }
    if let Some(number) = options.get("from") {
        script = script.from(number);
    }
    let is_recorded = script.talk.record.is_some();
    bank.call(script);
    let began = Instant::now();
    let (mut has_ended, mut is_complete) = (false, !is_recorded);
    while !(has_ended && is_complete) {
        let event = events.recv()?;
        tell(began, &event)?;
        match event.kind {
            // Without an answer there is no recording to wait for.
            EventKind::Ended { talk_us, .. } => {
                (has_ended, is_complete) = (true, is_complete || talk_us == 0)
            }
            EventKind::Recorded { .. } | EventKind::Trouble(_) => is_complete = true,
            _ => {}
        }
    }
    bank.stop();
    Ok(())
}

fn answer(
    options: &Options,
    bank: &BankHandle,
    events: &Receiver<Event>,
) -> Result<(), Box<dyn Error>> {
    let script = match options.get("script") {
        Some(path) => std::fs::read_to_string(path)?.parse()?,
        None => AnswerScript::answer_after_ms(0),
    };
    let user = options
        .get("user")
        .ok_or_else(|| format!("--user is missing\n\n{USAGE}"))?;
    bank.register(user, options.get("password").unwrap_or_default(), script);
    let began = Instant::now();
    for event in events {
        tell(began, &event)?;
        if let EventKind::Registered {
            granted: Err(status),
        } = event.kind
        {
            return Err(format!("{user} may not register: {status}").into());
        }
    }
    Ok(())
}

fn tell(began: Instant, event: &Event) -> std::io::Result<()> {
    let seconds = event.at.saturating_duration_since(began).as_secs_f64();
    writeln!(std::io::stdout(), "{seconds:9.3}  {:?}", event.kind)
}

struct Options {
    values: BTreeMap<String, String>,
    sounds: Vec<(String, String)>,
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            values: BTreeMap::new(),
            sounds: Vec::new(),
        };
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").filter(|name| NAMES.contains(name));
            let name = name.ok_or_else(|| format!("{word} is not known\n\n{USAGE}"))?;
            let value = if name == "tcp" {
                Some(String::new())
            } else {
                words.next()
            };
            let value = value.ok_or_else(|| format!("{word} needs a value"))?;
            if name == "sound" {
                let (name, path) = value.split_once('=').ok_or("--sound needs NAME=FILE.wav")?;
                options.sounds.push((name.to_owned(), path.to_owned()));
            } else {
                options.values.insert(name.to_owned(), value);
            }
        }
        Ok(options)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn bank(&self) -> Result<BankConfig, Box<dyn Error>> {
        let server = self
            .get("server")
            .ok_or_else(|| format!("--server is missing\n\n{USAGE}"))?;
        let mut config = BankConfig::to(
            server
                .parse()
                .map_err(|_| format!("--server {server}: not an IP:PORT"))?,
        )?;
        if let Some(local) = self.get("local") {
            config.local = local
                .parse()
                .map_err(|_| format!("--local {local}: not an IP address"))?;
        }
        if let Some(port) = self.get("port") {
            config.port = port
                .parse()
                .map_err(|_| format!("--port {port}: not a port"))?;
        }
        if self.get("tcp").is_some() {
            config.transport = Transport::Tcp;
        }
        for (name, path) in &self.sounds {
            config.sounds.push(load_sound(Path::new(path), name)?);
        }
        Ok(config)
    }
}

const NAMES: [&str; 10] = [
    "from", "local", "password", "port", "script", "server", "sound", "tcp", "to", "user",
];
