//! `check` and `config show`: is this machine ready to serve?

use super::args::Cli;
use super::control::{ControlRequest, ask};
use super::output::{Console, Exit};
use super::sipcheck::{Finding, Level, is_here, judge_audio, judge_told};
use super::table::Table;
use crate::config::{Fault, ListenerSettings, Loaded, ServerSettings, Severity, Tongue, load};
use crate::shell::tls;
use hotline_sip::Transport;
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

/// First bytes of every SQLite file.
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Something about this machine that keeps the server from serving.
struct Trouble {
    severity: Severity,
    text: String,
}

/// Carries out `check`.
pub(crate) fn run(
    cli: &Cli,
    is_strict: bool,
    accept_missing: bool,
    is_json: bool,
    console: &mut Console,
) -> Exit {
    let options = super::options(cli, Vec::new(), accept_missing);
    let (faults, loaded) = match load(&cli.config, &options) {
        Ok(loaded) => (loaded.warnings.clone(), Some(loaded)),
        Err(faults) => (faults, None),
    };
    let troubles = loaded
        .as_ref()
        .map_or_else(Vec::new, |loaded| machine(loaded, console.tongue));
    if is_json {
        for fault in &faults {
            let line = json(fault, console.tongue);
            console.out(&line);
        }
    } else {
        console.faults(&faults);
    }
    for trouble in &troubles {
        tell(trouble, is_json, console);
    }
    let count = |severity: Severity| {
        let of_faults = faults
            .iter()
            .filter(|fault| fault.severity == severity)
            .count();
        of_faults
            + troubles
                .iter()
                .filter(|trouble| trouble.severity == severity)
                .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if !is_json {
        let text = match console.tongue {
            Tongue::English => format!("{errors} errors, {warnings} warnings"),
            Tongue::Vietnamese => format!("{errors} lỗi, {warnings} cảnh báo"),
        };
        console.tell(&text);
    }
    match (loaded.is_some(), errors, warnings) {
        (false, _, _) => Exit::Usage,
        (true, 0, warnings) if warnings > 0 && is_strict => Exit::Warnings,
        (true, 0, _) => Exit::Ok,
        (true, _, _) => Exit::Error,
    }
}

/// Carries out `config show`.
pub(crate) fn show(cli: &Cli, prefix: Option<&str>, is_json: bool, console: &mut Console) -> Exit {
    let options = super::options(cli, Vec::new(), true);
    let loaded = match load(&cli.config, &options) {
        Ok(loaded) => loaded,
        Err(faults) => {
            console.faults(&faults);
            return Exit::Usage;
        }
    };
    let mut table = Table::new(&["key", "value", "from"]);
    let mut lines = String::new();
    for shown in loaded
        .values
        .iter()
        .filter(|shown| shown.key.starts_with(prefix.unwrap_or_default()))
    {
        let origin = shown
            .origin
            .clone()
            .unwrap_or_else(|| "built in".to_owned());
        if is_json {
            let value =
                serde_json::json!({ "key": shown.key, "value": shown.value, "from": origin });
            lines.push_str(&format!("{value}\n"));
        } else {
            table.row(vec![shown.key.clone(), shown.value.clone(), origin]);
        }
    }
    let text = if is_json {
        lines
    } else {
        table.render(console.is_terminal)
    };
    console.out(&text);
    Exit::Ok
}

fn tell(trouble: &Trouble, is_json: bool, console: &mut Console) {
    let word = match trouble.severity {
        Severity::Error => console.pick("lỗi", "error"),
        Severity::Warning => console.pick("cảnh báo", "warning"),
        Severity::Note => console.pick("lưu ý", "note"),
    };
    if is_json {
        let line = serde_json::json!({ "severity": severity_name(trouble.severity), "text": trouble.text });
        console.out(&format!("{line}\n"));
    } else {
        let text = format!("{word}: {}", trouble.text);
        console.tell(&text);
    }
}

fn json(fault: &Fault, tongue: Tongue) -> String {
    let line = serde_json::json!({
        "severity": severity_name(fault.severity),
        "file": fault.origin,
        "line": fault.at.map(|(line, _)| line),
        "column": fault.at.map(|(_, column)| column),
        "text": fault.problem.text(tongue),
        "help": fault.problem.help(tongue),
    });
    format!("{line}\n")
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// Folders, database, disk, ports.
fn machine(loaded: &Loaded, tongue: Tongue) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    let server = &loaded.server;
    for folder in [&server.state_dir, &server.recordings_dir] {
        if let Err(why) = check_writable(folder) {
            let text = tongue.pick("không ghi được vào thư mục", "cannot write to the folder");
            troubles.push(Trouble {
                severity: Severity::Error,
                text: format!("{text} {}: {why}", folder.display()),
            });
        }
    }
    troubles.extend(database(&server.database, tongue));
    troubles.extend(disk(server, tongue));
    if let Err(error) = tls::check(&loaded.sip.tls) {
        troubles.push(Trouble {
            severity: Severity::Error,
            text: tls::explain(&error),
        });
    }
    troubles.extend(told(loaded, tongue));
    let is_running = ask(&server.control_socket, &ControlRequest::Status).is_ok();
    if !is_running {
        let http = ListenerSettings {
            local: server.http,
            advertise: server.http,
            transport: Transport::Tcp,
        };
        for listener in loaded.sip.listeners.iter().chain([&http]) {
            if let Err(error) = bind(listener.local, listener.transport) {
                let text = tongue.pick("không mở được cổng", "cannot open the port");
                let kind = listener.transport.via();
                let text = format!("{text} {kind} {}: {error}", listener.local);
                troubles.push(Trouble {
                    severity: Severity::Error,
                    text,
                });
            }
        }
    }
    troubles
}

/// Addresses that others are told and that lead elsewhere: their calls would be silent, or never come.
fn told(loaded: &Loaded, tongue: Tongue) -> Vec<Trouble> {
    let mut found = judge_audio(loaded);
    for listener in &loaded.sip.listeners {
        let what = format!("{} {}", listener.transport.name(), listener.advertise);
        let (bind, advertise) = (listener.local.ip(), listener.advertise.ip());
        let is_here = is_here(advertise);
        found.push(judge_told(&what, "[sip]", bind, advertise, is_here));
    }
    let trouble = |finding: Finding| {
        let severity = match finding.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            // Whether a NAT stands before us, only a call from outside can show.
            Level::Fine | Level::Unknown => return None,
        };
        let help = finding.help.as_ref().map_or("", |help| help.pick(tongue));
        let text = format!("{}: {}; {help}", finding.what, finding.result.pick(tongue));
        Some(Trouble { severity, text })
    };
    found.into_iter().filter_map(trouble).collect()
}

fn bind(address: SocketAddr, transport: Transport) -> std::io::Result<()> {
    if transport.is_stream() {
        TcpListener::bind(address).map(|_| ())
    } else {
        UdpSocket::bind(address).map(|_| ())
    }
}

/// The folder, or the nearest one above it that exists (it will be made there), takes a file.
fn check_writable(folder: &Path) -> Result<(), String> {
    let existing = folder
        .ancestors()
        .find(|path| path.as_os_str().is_empty() || path.exists());
    let existing = match existing {
        Some(path) if !path.as_os_str().is_empty() => path,
        Some(_) | None => Path::new("."),
    };
    if !existing.is_dir() {
        return Err("not a folder".to_owned());
    }
    let probe = existing.join(format!(".hotline111-check-{}", std::process::id()));
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|error| error.to_string())
}

fn database(path: &Path, tongue: Tongue) -> Option<Trouble> {
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        // The first start makes it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            let text = tongue.pick("không mở được cơ sở dữ liệu", "cannot open the database");
            let text = format!("{text} {}: {error}", path.display());
            return Some(Trouble {
                severity: Severity::Error,
                text,
            });
        }
    };
    let mut magic = [0; SQLITE_MAGIC.len()];
    let is_sqlite = file.read_exact(&mut magic).is_ok() && magic == *SQLITE_MAGIC;
    let is_empty = file.metadata().is_ok_and(|metadata| metadata.len() == 0);
    if is_sqlite || is_empty {
        return None;
    }
    let text = tongue.pick(
        "tệp này không phải cơ sở dữ liệu SQLite:",
        "this file is no SQLite database:",
    );
    Some(Trouble {
        severity: Severity::Error,
        text: format!("{text} {}", path.display()),
    })
}

fn disk(server: &ServerSettings, tongue: Tongue) -> Option<Trouble> {
    let existing = server
        .recordings_dir
        .ancestors()
        .find(|path| path.exists())?;
    let used = used_percent(existing)?;
    if used < u64::from(server.recordings_stop_percent) {
        return None;
    }
    let text = match tongue {
        Tongue::English => format!(
            "the disk of {} is {used} % full: nothing will be recorded",
            existing.display()
        ),
        Tongue::Vietnamese => format!(
            "ổ đĩa của {} đã đầy {used} %: sẽ không ghi âm được",
            existing.display()
        ),
    };
    Some(Trouble {
        severity: Severity::Warning,
        text,
    })
}

fn used_percent(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    let used = found.f_blocks.saturating_sub(found.f_bfree);
    let usable = used.saturating_add(found.f_bavail);
    used.saturating_mul(100).checked_div(usable)
}
