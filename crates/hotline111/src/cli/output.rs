//! What the commands print: to whom, in which language, in which form.

use super::args::{Cli, Colour, Language};
use crate::config::{Fault, Severity, Tongue};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Ok,
    /// 1: tried, and went wrong.
    Error,
    /// 2: wrong usage or configuration.
    Usage,
    /// 3: no server runs.
    NotRunning,
    /// 4: warnings, and they count.
    Warnings,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl Exit {
    /// Number for the system.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::NotRunning => 3,
            Self::Warnings => 4,
        }
    }
}

/// Where a command prints to.
pub(crate) struct Console {
    /// Language of sentences.
    pub tongue: Tongue,
    /// Tables for eyes; else tab-separated.
    pub is_terminal: bool,
    /// Colour in messages.
    pub is_colour: bool,
    out: Box<dyn Write>,
    err: Box<dyn Write>,
}

impl Console {
    /// The process's own.
    pub(crate) fn of_process(cli: &Cli) -> Self {
        let tongue = match cli.lang {
            Some(Language::En) => Tongue::English,
            Some(Language::Vi) => Tongue::Vietnamese,
            None => Tongue::of_environment(|name| std::env::var(name).ok()),
        };
        let is_colour = match cli.color {
            Colour::Always => true,
            Colour::Auto => {
                let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !is_plain && io::stderr().is_terminal()
            }
            Colour::Never => false,
        };
        Self {
            tongue,
            is_terminal: io::stdout().is_terminal(),
            is_colour,
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
        }
    }

    /// One that prints elsewhere.
    #[cfg(test)]
    pub(crate) fn new(tongue: Tongue, out: Box<dyn Write>, err: Box<dyn Write>) -> Self {
        Self {
            tongue,
            is_terminal: false,
            is_colour: false,
            out,
            err,
        }
    }

    /// The sentence in the console's language.
    pub(crate) fn pick<'a>(&self, vietnamese: &'a str, english: &'a str) -> &'a str {
        self.tongue.pick(vietnamese, english)
    }

    /// Prints a result. Nobody reading any more (`| head`) is no fault.
    pub(crate) fn out(&mut self, text: &str) {
        let _ = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
    }

    /// Prints a message, with a line end.
    pub(crate) fn tell(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}").and_then(|()| self.err.flush());
    }

    /// Prints what went wrong, with its causes.
    pub(crate) fn fail(&mut self, error: &dyn std::error::Error) -> Exit {
        let mut text = format!("{}: {error}", self.pick("lỗi", "error"));
        let mut cause = error.source();
        // Chains of causes are short; a ring would be a bug.
        for _ in 0..CAUSES_MAX {
            let Some(source) = cause else { break };
            text.push_str(&format!(": {source}"));
            cause = source.source();
        }
        self.tell(&text);
        Exit::Error
    }

    /// Prints faults of the configuration.
    pub(crate) fn faults(&mut self, faults: &[Fault]) {
        for fault in faults {
            let mut text = fault.render(self.tongue);
            if self.is_colour {
                text = coloured(fault.severity, &text);
            }
            self.tell(text.trim_end());
        }
    }

    /// The writer of results, for long ones.
    pub(crate) fn writer(&mut self) -> &mut dyn Write {
        &mut self.out
    }
}

/// Causes of an error that are printed.
const CAUSES_MAX: usize = 8;

/// The first line in the colour of its severity.
fn coloured(severity: Severity, text: &str) -> String {
    let code = match severity {
        Severity::Error => "31;1",
        Severity::Warning => "33;1",
        Severity::Note => "36",
    };
    match text.split_once('\n') {
        Some((first, rest)) => format!("\u{1b}[{code}m{first}\u{1b}[0m\n{rest}"),
        None => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
    }
}
