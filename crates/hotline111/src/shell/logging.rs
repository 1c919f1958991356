//! Starts the log: text on a terminal, JSON otherwise, to standard error.

use crate::cli::LogFormat;
use std::io::IsTerminal;
use tracing::Level;

/// Sets the process's subscriber; a second call has no effect.
pub(crate) fn start_logging(format: Option<LogFormat>, verbosity: i8) {
    let level = match verbosity {
        i8::MIN..=-1 => Level::WARN,
        0 => Level::INFO,
        1 => Level::DEBUG,
        2..=i8::MAX => Level::TRACE,
    };
    let is_terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(std::io::stderr);
    let is_json = match format {
        Some(LogFormat::Json) => true,
        Some(LogFormat::Text) => false,
        None => !is_terminal,
    };
    let set = if is_json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder
            .with_ansi(is_terminal && std::env::var_os("NO_COLOR").is_none())
            .try_init()
    };
    // Set already: by a test of the same process.
    set.ok();
}
