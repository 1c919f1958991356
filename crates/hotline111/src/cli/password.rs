//! Passwords: typed without being seen, or from the standard input. Never on the command line.

use super::output::Console;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// Longest password that is read.
const PASSWORD_BYTES_MAX: u64 = 1_024;

/// Reads a password: the first line of the standard input, or twice from the terminal.
pub(crate) fn read(from_stdin: bool, console: &mut Console) -> io::Result<String> {
    if from_stdin {
        return line();
    }
    if !io::stdin().is_terminal() {
        let text = console.pick(
            "không có bàn phím: hãy dùng --password-stdin",
            "no terminal: use --password-stdin",
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text.to_owned()));
    }
    let first = hidden(console.pick("Mật khẩu: ", "Password: "))?;
    let second = hidden(console.pick("Nhập lại: ", "Again: "))?;
    if first != second {
        let text = console.pick("hai lần nhập không giống nhau", "the two are not the same");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text.to_owned()));
    }
    Ok(first)
}

fn line() -> io::Result<String> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(PASSWORD_BYTES_MAX)
        .read_line(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn hidden(prompt: &str) -> io::Result<String> {
    let mut stderr = io::stderr();
    write!(stderr, "{prompt}")?;
    stderr.flush()?;
    let echo = Echo::off()?;
    let text = line();
    drop(echo);
    writeln!(stderr)?;
    text
}

/// The terminal does not show what is typed while this lives.
struct Echo(Termios);

impl Echo {
    fn off() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // The terminal may be gone; then nobody sees anything anyway.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
