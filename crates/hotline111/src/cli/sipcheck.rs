//! `sipcheck`: tries the edge as others will meet it. Each line says what was tried, what came of it, and what to do;
//! what one machine cannot know it does not guess.

mod address;
mod call;
mod certificate;
mod finding;
mod listener;
mod ports;
mod probe;
#[cfg(test)]
mod tests;
mod trunk;

pub(super) use address::{is_here, judge_audio, judge_told};
pub(super) use finding::{Finding, Level, Said};

use super::args::{Cli, Sipcheck};
use super::control::{ControlReply, ControlRequest, Status, TrunkLine, ask};
use super::output::{Console, Exit};
use super::password;
use crate::config::{Loaded, load};
use std::path::Path;

/// What a running server says of itself.
#[derive(Clone, Debug, Default)]
struct Running {
    status: Status,
    trunks: Vec<TrunkLine>,
}

/// Carries out `sipcheck`.
pub(crate) fn run(cli: &Cli, asked: &Sipcheck, console: &mut Console) -> Exit {
    let options = super::options(cli, Vec::new(), true);
    let loaded = match load(&cli.config, &options) {
        Ok(loaded) => loaded,
        Err(faults) => {
            console.faults(&faults);
            return Exit::Usage;
        }
    };
    let account = match account(asked, &loaded, console) {
        Ok(account) => account,
        Err(error) => return console.fail(&error),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return console.fail(&error),
    };
    let running = running(&loaded.server.control_socket);
    let mut findings = Vec::new();
    let mut report = |found: Vec<Finding>, console: &mut Console| {
        for finding in found {
            finding.print(asked.json, console);
            findings.push(finding.level);
        }
    };
    report(vec![server(running.as_ref())], console);
    let (found, chains) = runtime.block_on(listener::check(&loaded, running.is_some()));
    report(found, console);
    report(
        runtime.block_on(certificate::check(&loaded, &chains, &asked.names)),
        console,
    );
    report(
        runtime.block_on(trunk::check(&loaded, running.as_ref())),
        console,
    );
    report(media(&loaded, running.as_ref()), console);
    let is_running = running.is_some();
    report(vec![call::check(&loaded, is_running, account)], console);
    report(vec![outside()], console);
    exit(&findings, is_running, asked.strict)
}

/// What the whole comes to.
fn exit(levels: &[Level], is_running: bool, is_strict: bool) -> Exit {
    if levels.contains(&Level::Error) {
        Exit::Error
    } else if !is_running {
        Exit::NotRunning
    } else if is_strict && levels.contains(&Level::Warning) {
        Exit::Warnings
    } else {
        Exit::Ok
    }
}

fn running(socket: &Path) -> Option<Running> {
    let Ok(ControlReply::Status(status)) = ask(socket, &ControlRequest::Status) else {
        return None;
    };
    let trunks = match ask(socket, &ControlRequest::Trunks) {
        Ok(ControlReply::Trunks(trunks)) => trunks,
        Ok(_) | Err(_) => Vec::new(),
    };
    Some(Running {
        status: *status,
        trunks,
    })
}

fn server(running: Option<&Running>) -> Finding {
    let what = "server";
    match running {
        Some(Running { status, .. }) if status.is_ready => Finding::fine(
            what,
            Said::new("đang chạy và sẵn sàng", "runs and is ready"),
        ),
        Some(Running { status, .. }) => {
            let troubles = status.troubles.join(", ");
            Finding::new(
                Level::Warning,
                what,
                Said::new(
                    format!("đang chạy nhưng chưa sẵn sàng: {troubles}"),
                    format!("runs and is not ready: {troubles}"),
                ),
            )
            .help(Said::new("xem deploy/RUNBOOK.md", "see deploy/RUNBOOK.md"))
        }
        None => Finding::new(
            Level::Unknown,
            what,
            Said::new(
                "chưa chạy: cổng SIP, đăng ký và cuộc gọi thử không thử được",
                "does not run: listeners, registrations and the test call cannot be tried",
            ),
        )
        .help(Said::new(
            "chạy `hotline111 serve` rồi hỏi lại",
            "start `hotline111 serve` and ask again",
        )),
    }
}

fn media(loaded: &Loaded, running: Option<&Running>) -> Vec<Finding> {
    let media = &loaded.media;
    let mut found = judge_audio(loaded);
    let free = running.map(|running| running.status.free_ports);
    found.push(ports::judge(
        media.ports,
        &ports::try_some(media.bind, media.ports),
        free,
    ));
    found
}

fn outside() -> Finding {
    Finding::new(
        Level::Unknown,
        "from outside",
        Said::new(
            "máy này không thấy được tường lửa, NAT và mạng của nhà mạng",
            "firewalls, NAT and the carriers' networks cannot be seen from this machine",
        ),
    )
    .help(Said::new(
        "gọi số của đường dây từ một điện thoại di động và nghe thử hai chiều",
        "call the line from a mobile telephone and listen both ways",
    ))
}

/// Who makes the test call: the account that was named, else one of the files whose password is there.
fn account(
    asked: &Sipcheck,
    loaded: &Loaded,
    console: &mut Console,
) -> std::io::Result<Option<(String, String)>> {
    let known = |user: &str| {
        let mut seeds = loaded.seeds.iter();
        let seed = seeds.find(|seed| seed.user == user)?;
        Some(seed.password.as_ref()?.expose().to_owned())
    };
    match &asked.user {
        Some(user) if asked.password_stdin => {
            Ok(Some((user.clone(), password::read(true, console)?)))
        }
        Some(user) => Ok(known(user).map(|password| (user.clone(), password))),
        None => {
            // A phone without a counsellor is disturbed least.
            let mut seeds: Vec<_> = loaded.seeds.iter().collect();
            seeds.sort_by_key(|seed| seed.is_counsellor);
            let mut users = seeds.into_iter().map(|seed| seed.user.clone());
            Ok(users.find_map(|user| known(&user).map(|password| (user, password))))
        }
    }
}
