//! `ctl`: asks a running server and prints what it says.

use super::args::{AgentChange, BanChange, Cli, Ctl, CtlCommand};
use super::control::{AgentOrder, ControlError, ControlReply, ControlRequest, Status, ask};
use super::output::{Console, Exit};
use super::table::{Table, clock};
use super::trace;
use crate::config::{Options, load};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

/// `--watch` asks again so often.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Clears a terminal and goes to its top left corner.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Carries out `ctl`.
pub(crate) fn run(cli: &Cli, ctl: &Ctl, console: &mut Console) -> Exit {
    let (request, question) = request(&ctl.command);
    if let Some((vietnamese, english)) = question
        && !is_agreed(console, vietnamese, english)
    {
        return Exit::Usage;
    }
    let socket = match &ctl.socket {
        Some(socket) => socket.clone(),
        None => socket(cli),
    };
    loop {
        let exit = match ask(&socket, &request) {
            Ok(ControlReply::Trace(lines)) if !ctl.json => {
                trace::print(&lines, &ctl.command, console)
            }
            Ok(reply) => {
                if ctl.watch && console.is_terminal {
                    console.out(CLEAR);
                }
                print(&reply, ctl.json, console)
            }
            Err(error) => fail(&error, console),
        };
        if !ctl.watch || exit != Exit::Ok {
            return exit;
        }
        std::thread::park_timeout(WATCH_EVERY);
    }
}

/// The socket of the configuration; the usual one when the configuration cannot be read (its faults are no
/// reason not to reach a server that runs).
pub(crate) fn socket(cli: &Cli) -> PathBuf {
    let options = super::options(cli, Vec::new(), true);
    match load(&cli.config, &options) {
        Ok(loaded) => loaded.server.control_socket,
        Err(_) => PathBuf::from(Options::CONTROL_SOCKET),
    }
}

/// Prints why a server could not be asked.
pub(crate) fn fail(error: &ControlError, console: &mut Console) -> Exit {
    match error {
        ControlError::NotRunning { socket } => {
            let text = console.pick(
                "tổng đài chưa chạy (không ai nghe ở",
                "the server is not running (nobody listens on",
            );
            let text = format!("{text} {socket})");
            console.tell(&text);
            Exit::NotRunning
        }
        ControlError::Asking { .. }
        | ControlError::Answer { .. }
        | ControlError::Refused { .. } => console.fail(error),
    }
}

fn request(command: &CtlCommand) -> (ControlRequest, Option<(&'static str, &'static str)>) {
    match command {
        CtlCommand::Status => (ControlRequest::Status, None),
        CtlCommand::Calls => (ControlRequest::Calls, None),
        CtlCommand::Queues => (ControlRequest::Queues, None),
        CtlCommand::Agents => (ControlRequest::Agents, None),
        CtlCommand::Regs => (ControlRequest::Regs, None),
        CtlCommand::Trunks => (ControlRequest::Trunks, None),
        CtlCommand::Bans { change } => (
            match change {
                None | Some(BanChange::List) => ControlRequest::Bans,
                Some(BanChange::Add { address, length }) => ControlRequest::Ban {
                    address: *address,
                    length_ms: u64::from(*length),
                },
                Some(BanChange::Remove { address }) => ControlRequest::Ban {
                    address: *address,
                    length_ms: 0,
                },
            },
            None,
        ),
        CtlCommand::Trace { call, reason, .. } => (
            ControlRequest::Trace {
                call: call.clone(),
                reason: reason.clone(),
            },
            None,
        ),
        CtlCommand::Agent { user, change } => {
            let change = match change {
                AgentChange::Login => AgentOrder::SignIn,
                AgentChange::Logout => AgentOrder::SignOut,
                AgentChange::Ready => AgentOrder::Ready,
                AgentChange::Pause { reason } => AgentOrder::NotReady {
                    reason: reason.clone(),
                },
                AgentChange::EndWrapUp => AgentOrder::EndWrapUp,
                AgentChange::Hard => AgentOrder::Hard,
            };
            (
                ControlRequest::Agent {
                    user: user.clone(),
                    change,
                },
                None,
            )
        }
        CtlCommand::Hangup { call, yes } => {
            let question = ("Cúp cuộc gọi này?", "End this call?");
            (
                ControlRequest::HangUp { call: call.clone() },
                (!yes).then_some(question),
            )
        }
        CtlCommand::Drain { yes } => {
            let question = (
                "Ngừng nhận cuộc gọi mới và dừng tổng đài?",
                "Take no new calls and stop the server?",
            );
            (ControlRequest::Drain, (!yes).then_some(question))
        }
    }
}

/// Asks on a terminal; without one, only `--yes` is an agreement.
pub(crate) fn is_agreed(console: &mut Console, vietnamese: &str, english: &str) -> bool {
    let question = console.pick(vietnamese, english).to_owned();
    if !io::stdin().is_terminal() {
        let hint = console.pick("cần thêm --yes", "needs --yes");
        let text = format!("{question} {hint}");
        console.tell(&text);
        return false;
    }
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    // No answer is a no.
    let _ = io::stdin().lock().read_line(&mut answer);
    matches!(answer.trim(), "y" | "Y" | "yes" | "c" | "có")
}

pub(crate) fn print(reply: &ControlReply, is_json: bool, console: &mut Console) -> Exit {
    match reply {
        ControlReply::Refused(why) | ControlReply::Failed(why) => {
            let word = match reply {
                ControlReply::Refused(_) => console.pick("bị từ chối", "refused"),
                _ => console.pick("lỗi", "error"),
            };
            let text = format!("{word}: {why}");
            console.tell(&text);
            return Exit::Error;
        }
        ControlReply::Done => {
            if is_json {
                console.out("{\"done\":true}\n");
            }
            return Exit::Ok;
        }
        ControlReply::Agents(_)
        | ControlReply::Bans(_)
        | ControlReply::Calls(_)
        | ControlReply::Queues(_)
        | ControlReply::Regs(_)
        | ControlReply::Status(_)
        | ControlReply::Trace(_)
        | ControlReply::Ticket(_)
        | ControlReply::Trunks(_)
        | ControlReply::Users(_) => {}
    }
    let text = if is_json {
        json(reply)
    } else if let ControlReply::Ticket(ticket) = reply {
        format!("{ticket}\n")
    } else {
        table(reply).render(console.is_terminal)
    };
    console.out(&text);
    Exit::Ok
}

/// The value alone, one line.
fn json(reply: &ControlReply) -> String {
    let value = match reply {
        ControlReply::Agents(lines) => serde_json::to_string(lines),
        ControlReply::Bans(lines) => serde_json::to_string(lines),
        ControlReply::Calls(lines) => serde_json::to_string(lines),
        ControlReply::Queues(lines) => serde_json::to_string(lines),
        ControlReply::Regs(lines) => serde_json::to_string(lines),
        ControlReply::Status(status) => serde_json::to_string(status),
        ControlReply::Trace(lines) => serde_json::to_string(lines),
        ControlReply::Ticket(ticket) => serde_json::to_string(ticket),
        ControlReply::Trunks(lines) => serde_json::to_string(lines),
        ControlReply::Users(lines) => serde_json::to_string(lines),
        ControlReply::Done | ControlReply::Failed(_) | ControlReply::Refused(_) => {
            Ok(String::new())
        }
    };
    value.unwrap_or_default() + "\n"
}

fn table(reply: &ControlReply) -> Table {
    match reply {
        ControlReply::Agents(lines) => {
            let mut table =
                Table::new(&["user", "name", "centre", "state", "reason", "call", "for"]);
            for line in lines {
                table.row(vec![
                    line.user.clone(),
                    line.name.clone(),
                    line.centre.clone(),
                    line.state.clone(),
                    line.reason.clone().unwrap_or_default(),
                    line.call.clone().unwrap_or_default(),
                    clock(line.for_ms),
                ]);
            }
            table
        }
        ControlReply::Bans(lines) => {
            let mut table = Table::new(&["address", "reason", "ends in", "dropped"]);
            for line in lines {
                table.row(vec![
                    line.address.clone(),
                    line.reason.clone(),
                    clock(line.left_s * 1_000),
                    line.dropped.to_string(),
                ]);
            }
            table
        }
        ControlReply::Trunks(lines) => {
            let mut table = Table::new(&[
                "trunk",
                "state",
                "registration",
                "in",
                "out",
                "limited",
                "addresses",
            ]);
            for line in lines {
                table.row(vec![
                    line.trunk.clone(),
                    line.state.clone(),
                    line.registration.clone(),
                    line.calls_in.to_string(),
                    line.calls_out.to_string(),
                    line.limited.to_string(),
                    line.addresses.join(", "),
                ]);
            }
            table
        }
        ControlReply::Calls(lines) => {
            let mut table = Table::new(&[
                "call", "caller", "dialled", "from", "state", "at", "language", "service", "age",
                "waited",
            ]);
            for line in lines {
                table.row(vec![
                    line.call.clone(),
                    line.caller.clone(),
                    line.dialled.clone(),
                    line.origin.clone(),
                    line.state.clone(),
                    line.place().to_owned(),
                    line.language.clone().unwrap_or_default(),
                    line.service.clone().unwrap_or_default(),
                    clock(line.age_ms),
                    clock(line.wait_ms),
                ]);
            }
            table
        }
        ControlReply::Queues(lines) => {
            let mut table = Table::new(&["queue", "waiting", "ringing", "talking", "longest wait"]);
            for line in lines {
                table.row(vec![
                    line.queue.clone(),
                    line.waiting.to_string(),
                    line.ringing.to_string(),
                    line.talking.to_string(),
                    clock(line.longest_wait_ms),
                ]);
            }
            table
        }
        ControlReply::Regs(lines) => {
            let mut table = Table::new(&[
                "account",
                "contact",
                "source",
                "transport",
                "expires",
                "reachable",
            ]);
            for line in lines {
                table.row(vec![
                    line.account.clone(),
                    line.contact.clone(),
                    line.source.clone(),
                    line.transport.clone(),
                    format!("{} s", line.expires_s),
                    if line.is_reachable { "yes" } else { "no" }.to_owned(),
                ]);
            }
            table
        }
        ControlReply::Status(status) => status_table(status),
        ControlReply::Users(lines) => {
            let mut table = Table::new(&[
                "user",
                "name",
                "role",
                "languages",
                "services",
                "centre",
                "wrap-up",
            ]);
            for line in lines {
                table.row(vec![
                    line.user.clone(),
                    line.name.clone(),
                    line.role.clone(),
                    line.languages.join(","),
                    line.services.join(","),
                    line.centre.clone(),
                    match line.is_wrap_up_until_done {
                        true => "until done".to_owned(),
                        false => format!("{} s", line.wrap_up_s),
                    },
                ]);
            }
            table
        }
        // A trace has a form of its own.
        ControlReply::Done
        | ControlReply::Failed(_)
        | ControlReply::Refused(_)
        | ControlReply::Trace(_)
        | ControlReply::Ticket(_) => Table::default(),
    }
}

fn status_table(status: &Status) -> Table {
    let mut table = Table::new(&["what", "value"]);
    let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
    row("version", status.version.clone());
    row("node", status.node.to_string());
    row("up", clock(status.uptime_ms));
    row(
        "ready",
        if status.is_ready {
            "yes".to_owned()
        } else {
            format!("no: {}", status.troubles.join(", "))
        },
    );
    row(
        "draining",
        if status.is_draining { "yes" } else { "no" }.to_owned(),
    );
    row("calls", status.calls.to_string());
    row("waiting", status.waiting.to_string());
    for (state, count) in &status.agents {
        row(&format!("agents {state}"), count.to_string());
    }
    row("registrations", status.registrations.to_string());
    row("free media ports", status.free_ports.to_string());
    for (alarm, count) in &status.alarms {
        row(&format!("alarm {alarm}"), count.to_string());
    }
    table
}
