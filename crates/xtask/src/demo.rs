//! `cargo xtask demo`: the whole hotline on this machine. Starts the real server on loopback, lets counsellors and
//! callers be played by hotline-phone over real SIP and RTP, and shows who waits for whom.

mod dice;
mod keys;
mod people;
mod screen;
mod server;

use std::io::IsTerminal;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::{apt, run};
use keys::Key;

/// What building the server takes beside Rust.
const BUILD_PACKAGES: [&str; 2] = ["gcc", "libc6-dev"];
/// The table is drawn this often.
const DRAW_EVERY: Duration = Duration::from_millis(500);
/// Without a terminal the table is printed this often.
const PRINT_EVERY: Duration = Duration::from_secs(5);
/// New callers at once on key `b`.
const BURST: usize = 20;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// First SIP port to try; a busy one moves on to the next
    #[arg(long, default_value_t = 5060)]
    port: u16,
    /// Address to serve on; must be a loopback address
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// End by itself after so many seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// Let no simulated caller call: only your own softphone
    #[arg(long)]
    quiet: bool,
}

pub(crate) fn main(arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.bind.is_loopback() {
        return Err(Failure::Findings(format!(
            "{} is no loopback address; the demo has known passwords and serves this machine only",
            arguments.bind
        )));
    }
    apt::ensure(&BUILD_PACKAGES)?;
    let server = server::DemoServer::start(arguments.bind, arguments.port)?;
    server.introduce();
    let people = people::People::start(&server, arguments.quiet)?;
    let ended = show(arguments, &server, people);
    println!("\r\nStopping: callers hear the last words, records are completed ...\r");
    server.stop()?;
    ended
}

fn show(
    arguments: &Arguments,
    server: &server::DemoServer,
    mut people: people::People,
) -> Result<(), Failure> {
    let is_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let keys = keys::Keys::listen(is_terminal);
    let start = Instant::now();
    let every = if is_terminal { DRAW_EVERY } else { PRINT_EVERY };
    let mut drawn_at: Option<Instant> = None;
    loop {
        match keys.next(Duration::from_millis(50)) {
            Some(Key::Burst) => people.burst(BURST),
            Some(Key::Pause) => people.pause(),
            Some(Key::Quit) => break,
            None => {}
        }
        people.tick();
        if drawn_at.is_none_or(|at| at.elapsed() >= every) {
            drawn_at = Some(Instant::now());
            let picture = server.picture()?;
            let how_to_call = is_terminal.then(|| server.how_to_call());
            let standing = people.standing();
            screen::draw(&picture, &standing, start.elapsed(), how_to_call.as_deref());
        }
        let is_over = arguments
            .seconds
            .is_some_and(|seconds| start.elapsed() >= Duration::from_secs(seconds));
        if is_over {
            break;
        }
    }
    let standing = people.standing();
    people.stop();
    println!("\r\n{}\r", server.summary()?);
    if standing.calls_made > 0 && standing.calls_answered == 0 {
        return Err(Failure::Findings("no call was answered".to_owned()));
    }
    Ok(())
}

/// Builds the server's binary and says where it lies.
fn build() -> Result<std::path::PathBuf, Failure> {
    let repository = run::repository();
    println!("Building the server (the first time takes a few minutes) ...");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = std::process::Command::new(&cargo)
        .args(["build", "--bin", "hotline111"])
        .current_dir(&repository)
        .status()
        .map_err(|error| Failure::Tool {
            program: cargo.clone(),
            message: error.to_string(),
        })?;
    if !status.success() {
        return Err(Failure::Reported);
    }
    let folder = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository.join("target"), std::path::PathBuf::from);
    Ok(folder.join("debug/hotline111"))
}
