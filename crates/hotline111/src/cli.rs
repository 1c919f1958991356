//! The command line: what is asked, done, and said about it.

pub(crate) mod args;
mod cdr;
mod check;
pub(crate) mod control;
mod ctl;
pub(crate) mod demo;
mod init;
pub(crate) mod output;
mod password;
#[expect(
    clippy::disallowed_methods,
    reason = "it measures how long others take"
)]
mod sipcheck;
mod sounds;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod trace;
pub(crate) mod user;

pub(crate) use args::{Cli, LogFormat};
pub(crate) use output::{Console, Exit};

use crate::config::{AgentRow, Fault, Loaded, Options, Severity, load};
use args::{Command, Config, Sounds};
use clap::CommandFactory;
use std::path::PathBuf;
use std::process::ExitCode;

/// What the server is started with.
#[derive(Debug)]
pub(crate) struct Start {
    /// The configuration's file, for a reload or for loading it again with the database's counsellors.
    pub path: PathBuf,
    /// What it was loaded with.
    pub options: Options,
    /// What it says.
    pub loaded: Loaded,
    /// Form of the log; None = text on a terminal, else JSON.
    pub log_format: Option<LogFormat>,
    /// -1 (`--quiet`), 0, 1, 2 ... (`-v`).
    pub verbosity: i8,
}

/// Carries out a command. `serve` runs the server until it ends.
pub(crate) fn run(cli: &Cli, serve: impl FnOnce(Start) -> ExitCode) -> ExitCode {
    let mut console = Console::of_process(cli);
    match &cli.command {
        Command::Serve { accept_missing } => self::serve(
            cli,
            options(cli, Vec::new(), *accept_missing),
            &mut console,
            serve,
        ),
        Command::Demo(demo) => run_demo(cli, demo, &mut console, serve),
        Command::Cdr(_)
        | Command::Check { .. }
        | Command::Completions { .. }
        | Command::Config(_)
        | Command::Ctl(_)
        | Command::Init(_)
        | Command::Sipcheck(_)
        | Command::Sounds(_)
        | Command::User(_)
        | Command::Version { .. } => carry_out(cli, &mut console).into(),
    }
}

/// Commands that end by themselves.
fn carry_out(cli: &Cli, console: &mut Console) -> Exit {
    match &cli.command {
        Command::Cdr(cdr) => cdr::run(cli, cdr, console),
        Command::Check {
            strict,
            accept_missing,
            json,
        } => check::run(cli, *strict, *accept_missing, *json, console),
        Command::Completions { shell } => {
            clap_complete::generate(
                *shell,
                &mut Cli::command(),
                "hotline111",
                &mut console.writer(),
            );
            Exit::Ok
        }
        Command::Config(Config::Show { json, prefix }) => {
            check::show(cli, prefix.as_deref(), *json, console)
        }
        Command::Ctl(ctl) => ctl::run(cli, ctl, console),
        Command::Init(init) => init::run(init, console),
        Command::Sipcheck(asked) => sipcheck::run(cli, asked, console),
        Command::Sounds(Sounds::Check { strict, json }) => {
            sounds::check(cli, *strict, *json, console)
        }
        Command::User(user) => user::run(cli, user, console),
        Command::Version { json } => {
            console.out(&version(*json));
            Exit::Ok
        }
        // These run until they are stopped; `run` has taken them out.
        Command::Demo(_) | Command::Serve { .. } => Exit::Usage,
    }
}

/// What a load takes from the command line and the environment.
pub(crate) fn options(cli: &Cli, agents: Vec<AgentRow>, accept_missing: bool) -> Options {
    Options {
        overrides: cli.set.clone(),
        environment: std::env::vars().collect(),
        agents,
        accept_missing,
    }
}

fn serve(
    cli: &Cli,
    options: Options,
    console: &mut Console,
    serve: impl FnOnce(Start) -> ExitCode,
) -> ExitCode {
    match load(&cli.config, &options) {
        Ok(loaded) => {
            let warnings: Vec<Fault> = loaded
                .warnings
                .iter()
                .filter(|fault| fault.severity < Severity::Note)
                .cloned()
                .collect();
            console.faults(&warnings);
            serve(start(cli, cli.config.clone(), options, loaded))
        }
        Err(faults) => {
            console.faults(&faults);
            Exit::Usage.into()
        }
    }
}

fn start(cli: &Cli, path: PathBuf, options: Options, loaded: Loaded) -> Start {
    Start {
        path,
        options,
        loaded,
        log_format: cli.log_format,
        verbosity: if cli.quiet {
            -1
        } else {
            i8::try_from(cli.verbose).unwrap_or(i8::MAX)
        },
    }
}

fn run_demo(
    cli: &Cli,
    demo: &args::Demo,
    console: &mut Console,
    serve: impl FnOnce(Start) -> ExitCode,
) -> ExitCode {
    let prepared = match demo::prepare(demo, console) {
        Ok(prepared) => prepared,
        Err(error) => {
            console.fail(&error);
            return Exit::Usage.into();
        }
    };
    let exit = start_demo(cli, demo, &prepared, console, serve);
    if prepared.is_temporary {
        // Somebody may have cleaned up before us.
        let _ = std::fs::remove_dir_all(&prepared.dir);
    }
    exit
}

fn start_demo(
    cli: &Cli,
    demo: &args::Demo,
    prepared: &demo::Prepared,
    console: &mut Console,
    serve: impl FnOnce(Start) -> ExitCode,
) -> ExitCode {
    // The environment of a real server means nothing here.
    let options = Options {
        overrides: cli.set.clone(),
        ..Options::default()
    };
    let loaded = match load(&prepared.config, &options) {
        Ok(loaded) => loaded,
        Err(faults) => {
            console.faults(&faults);
            return Exit::Usage.into();
        }
    };
    if let Some(address) = outside(&loaded) {
        console.fail(&demo::DemoError::NotLoopback(address));
        return Exit::Usage.into();
    }
    let text = if demo.json {
        demo::json(prepared)
    } else {
        demo::banner(prepared, console)
    };
    console.out(&text);
    serve(start(cli, prepared.config.clone(), options, loaded))
}

/// An address of the demo that others could reach (`--set sip.udp=…`).
fn outside(loaded: &Loaded) -> Option<std::net::IpAddr> {
    let sip = loaded
        .sip
        .listeners
        .iter()
        .map(|listener| listener.local.ip());
    sip.chain([loaded.server.http.ip(), loaded.media.bind])
        .find(|ip| !ip.is_loopback())
}

fn version(is_json: bool) -> String {
    let version = env!("CARGO_PKG_VERSION");
    if is_json {
        format!(
            "{}\n",
            serde_json::json!({ "name": "hotline111", "version": version })
        )
    } else {
        format!("hotline111 {version}\n")
    }
}
