//! The keys of the demo: b, p, q, without Enter where there is a terminal.

use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

pub(super) enum Key {
    Burst,
    Pause,
    Quit,
}

pub(super) struct Keys {
    receiver: Receiver<u8>,
    before: Option<Termios>,
}

impl Keys {
    /// A thread reads the keyboard; it ends with the process.
    pub(super) fn listen(is_terminal: bool) -> Self {
        let before = if is_terminal { without_enter() } else { None };
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut byte = [0];
            while matches!(std::io::stdin().read(&mut byte), Ok(1)) {
                if sender.send(byte[0]).is_err() {
                    return;
                }
            }
        });
        Self { receiver, before }
    }

    pub(super) fn next(&self, wait: Duration) -> Option<Key> {
        match self.receiver.recv_timeout(wait) {
            Ok(b'b') => Some(Key::Burst),
            Ok(b'p') => Some(Key::Pause),
            // Control-C arrives as a byte where the terminal does not make it a signal.
            Ok(b'q' | 3) => Some(Key::Quit),
            Ok(_) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                // No keyboard (standard input is closed): the demo runs on.
                std::thread::park_timeout(wait);
                None
            }
        }
    }
}

fn without_enter() -> Option<Termios> {
    let before = tcgetattr(std::io::stdin()).ok()?;
    let mut quiet = before.clone();
    quiet
        .local_modes
        .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
    tcsetattr(std::io::stdin(), OptionalActions::Now, &quiet).ok()?;
    Some(before)
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before
            && tcsetattr(std::io::stdin(), OptionalActions::Now, before).is_err()
        {
            println!("type `reset` if the terminal stays silent");
        }
    }
}
