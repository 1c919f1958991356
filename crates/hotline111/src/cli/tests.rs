//! The command line: what is parsed, written, asked and printed.

mod asking;
mod commands;
mod deploy;
mod parse;

use super::output::Console;
use super::{Cli, Exit};
use crate::config::Tongue;
use clap::Parser;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// The repository's folder.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder that goes with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("hotline111-cli-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What was printed.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A console whose two outputs can be read.
fn console() -> (Console, Paper, Paper) {
    let (out, err) = (Paper::default(), Paper::default());
    (
        Console::new(
            Tongue::English,
            Box::new(out.clone()),
            Box::new(err.clone()),
        ),
        out,
        err,
    )
}

fn parse(arguments: &[&str]) -> Cli {
    Cli::try_parse_from(std::iter::once(&"hotline111").chain(arguments)).unwrap()
}

/// Carries out a command that is not `serve` or `demo`; exit, result, messages.
fn run(arguments: &[&str]) -> (Exit, String, String) {
    let (mut console, out, err) = console();
    let exit = super::carry_out(&parse(arguments), &mut console);
    (exit, out.text(), err.text())
}
