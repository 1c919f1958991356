//! `ctl trace`: the signalling of a call as a ladder, in full, or as a capture file.

mod pcap;
#[cfg(test)]
mod tests;

use super::args::CtlCommand;
use super::control::TraceLine;
use super::output::{Console, Exit};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Prints or writes what the server sent.
pub(crate) fn print(lines: &[TraceLine], command: &CtlCommand, console: &mut Console) -> Exit {
    let (pcap, is_full) = match command {
        CtlCommand::Trace { pcap, full, .. } => (pcap.as_deref(), *full),
        _ => (None, false),
    };
    let Some(path) = pcap else {
        console.out(&ladder(lines, is_full));
        return Exit::Ok;
    };
    match write(path, lines) {
        Ok(()) => Exit::Ok,
        Err(source) => {
            let text = format!("{}: {source}", path.display());
            console.tell(&text);
            Exit::Error
        }
    }
}

/// One line a message: when, by what, with whom, in which direction, what.
fn ladder(lines: &[TraceLine], is_full: bool) -> String {
    let width = lines
        .iter()
        .map(|line| line.remote.to_string().len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for line in lines {
        let bytes = from_hex(&line.message);
        let message = String::from_utf8_lossy(&bytes);
        let arrow = if line.is_incoming { "-->" } else { "<--" };
        let (remote, transport) = (line.remote.to_string(), &line.transport);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} {transport:<3} {remote:<width$} {arrow} {}",
            time_of_day(line.at_us),
            shown(&summary(&message)),
        );
        if is_full {
            for line in message.lines() {
                let _ = writeln!(text, "    {}", shown(line));
            }
        }
    }
    text
}

/// The first line, CSeq when the first line does not say it, and what body there is.
fn summary(message: &str) -> String {
    let (head, body) = message.split_once("\r\n\r\n").unwrap_or((message, ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let first = first.strip_suffix(" SIP/2.0").unwrap_or(first);
    let value = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim())
        })
    };
    let mut text = first.strip_prefix("SIP/2.0 ").unwrap_or(first).to_owned();
    if let Some(cseq) = value("CSeq") {
        let _ = write!(text, "  ({cseq})");
    }
    if !body.is_empty() {
        let kind = value("Content-Type")
            .or_else(|| value("c"))
            .unwrap_or("body");
        let _ = write!(text, "  [{kind}]");
    }
    text
}

/// Messages come from anybody: nothing in them may move a terminal's cursor or turn its writing.
fn shown(line: &str) -> String {
    let is_shown = |letter: &char| {
        !letter.is_control()
            && !matches!(letter, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    line.chars().filter(is_shown).collect()
}

/// Of Vietnam, which has no summer time.
fn time_of_day(at_us: u64) -> String {
    let of_day_us = (at_us + VIETNAM_US) % DAY_US;
    let (seconds, ms) = (of_day_us / 1_000_000, of_day_us / 1_000 % 1_000);
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{ms:03}", seconds % 60)
}

/// For our eyes only, and never over a file that is there.
fn write(path: &Path, lines: &[TraceLine]) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let mut file = BufWriter::new(file);
    pcap::begin(&mut file)?;
    for line in lines {
        let way = if line.is_incoming {
            (line.remote, line.local)
        } else {
            (line.local, line.remote)
        };
        pcap::message(&mut file, line.at_us, way, &from_hex(&line.message))?;
    }
    file.flush()
}

/// Two digits a byte.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

const DAY_US: u64 = 24 * 3_600 * 1_000_000;
const VIETNAM_US: u64 = 7 * 3_600 * 1_000_000;
