//! Starts the log: text on a terminal, JSON otherwise, to standard error. A thread of its own writes: whoever reads
//! the log and stops (a paused pager, a full disk of the journal service) must not stop the calls.

use crate::cli::LogFormat;
use std::io::IsTerminal;
use tracing::Level;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};

/// Lines that may wait for a reader; more are dropped and counted.
const LINES_WAITING_MAX: usize = 16_384;

/// The running log. Dropping it writes what waits.
pub(crate) struct Log {
    _guard: WorkerGuard,
    /// Lines dropped so far.
    pub(crate) dropped: ErrorCounter,
}

/// Sets the process's subscriber; a second call has no effect.
pub(crate) fn start_logging(format: Option<LogFormat>, verbosity: i8) -> Log {
    let level = match verbosity {
        i8::MIN..=-1 => Level::WARN,
        0 => Level::INFO,
        1 => Level::DEBUG,
        2..=i8::MAX => Level::TRACE,
    };
    let is_terminal = std::io::stderr().is_terminal();
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_WAITING_MAX)
        .thread_name("log")
        .finish(std::io::stderr());
    let dropped = writer.error_counter();
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(writer);
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
    Log {
        _guard: guard,
        dropped,
    }
}
