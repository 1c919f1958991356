//! The control socket's server side: one JSON object a line, one reply for each request.

use crate::cli::control::{
    AgentOrder, ControlReply, ControlRequest, LINE_BYTES_MAX, decode, encode,
};
use crate::shell::error::ServeError;
use crate::shell::host::Host;
use crate::shell::operate::TraceRefused;
use crate::shell::tables;
use hotline_core::{AgentId, CallId, Refusal, Request};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// People and scripts that ask at once.
const CLIENTS_MAX: usize = 32;
/// A client that says nothing for so long is let go.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Of the reason why somebody must see numbers.
const REASON_BYTES_MAX: usize = 1_000;

/// Binds the socket, mode 0660: whoever may write to it may control the server.
pub(crate) fn bind(path: &Path) -> Result<UnixListener, ServeError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(ServeError::path(folder))?;
    }
    // The lock of the state directory is ours: a socket that lies there is a dead server's.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(ServeError::path(path)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(ServeError::path(path))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o660);
    std::fs::set_permissions(path, mode).map_err(ServeError::path(path))?;
    Ok(listener)
}

/// Serves until the task is dropped.
pub(crate) async fn serve(listener: UnixListener, host: Arc<Host>) {
    let places = Arc::new(Semaphore::new(CLIENTS_MAX));
    let mut clients = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        // Ended clients are collected so that the set does not grow.
        while clients.try_join_next().is_some() {}
        if let Ok((stream, _)) = listener.accept().await {
            let host = Arc::clone(&host);
            clients.spawn(async move {
                if let Err(error) = converse(stream, &host).await {
                    tracing::debug!(%error, "a control connection broke off");
                }
                drop(place);
            });
        }
    }
}

async fn converse(stream: UnixStream, host: &Host) -> std::io::Result<()> {
    // Whoever may write to the socket may act; who it was is kept with what must be accounted for.
    let who = stream.peer_cred().map_or_else(
        |_| "unknown".to_owned(),
        |peer| format!("uid {}", peer.uid()),
    );
    let (reader, mut writer) = stream.into_split();
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = String::new();
        let mut bounded = (&mut reader).take(limit);
        let read = tokio::time::timeout(SILENCE_MAX, bounded.read_line(&mut line)).await;
        if !matches!(read, Ok(Ok(length)) if length > 0) {
            return Ok(());
        }
        let reply = match decode(&line) {
            Ok(request) => answer(request, host, &who).await,
            Err(fault) => ControlReply::Refused(fault),
        };
        writer.write_all(encode(&reply)?.as_bytes()).await?;
    }
}

async fn answer(request: ControlRequest, host: &Host, who: &str) -> ControlReply {
    match request {
        ControlRequest::Agent { user, change } => change_agent(&user, change, host).await,
        ControlRequest::Ban { address, length_ms } => {
            match host.ban(address, length_ms, who.to_owned()).await {
                Some(true) => ControlReply::Done,
                Some(false) => ControlReply::Refused(format!(
                    "{address} is a carrier's: callers come from there"
                )),
                None => ControlReply::Failed("the server is stopping".into()),
            }
        }
        ControlRequest::Drain => {
            host.drain(false);
            ControlReply::Done
        }
        ControlRequest::HangUp { call } => match u64::from_str_radix(&call, 16) {
            Ok(number) => reply(
                host.inbox
                    .request(Request::HangUp {
                        call: CallId(number),
                    })
                    .await,
            ),
            Err(_) => ControlReply::Refused(format!(
                "{call} is no call: 16 hexadecimal digits are expected"
            )),
        },
        ControlRequest::Trace { call, reason } => trace(&call, reason, host, who).await,
        ControlRequest::UserTicket { user, valid_ms } => host.ticket(&user, valid_ms).await,
        ControlRequest::UserAdd { .. }
        | ControlRequest::UserPassword { .. }
        | ControlRequest::UserRemove { .. }
        | ControlRequest::Users => host.accounts(request).await,
        ControlRequest::Agents
        | ControlRequest::Bans
        | ControlRequest::Calls
        | ControlRequest::Queues
        | ControlRequest::Regs
        | ControlRequest::Status
        | ControlRequest::Trunks => show(&request, host).await,
    }
}

async fn trace(call: &str, reason: Option<String>, host: &Host, who: &str) -> ControlReply {
    let Ok(number) = u64::from_str_radix(call, 16) else {
        return ControlReply::Refused(format!(
            "{call} is no call: 16 hexadecimal digits are expected"
        ));
    };
    if reason
        .as_ref()
        .is_some_and(|reason| reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX)
    {
        return ControlReply::Refused("a reason is needed to see numbers, in a sentence".into());
    }
    match host.trace(CallId(number), reason, who).await {
        Ok(messages) => ControlReply::Trace(tables::trace(&messages)),
        Err(TraceRefused::Unknown) => ControlReply::Refused(format!(
            "nothing is kept of call {call}: it is too old, unknown, or [sip] trace is 0"
        )),
        Err(TraceRefused::NotAudited) => ControlReply::Refused(
            "the journal cannot keep who looks, so nothing is shown (see `ctl status`)".into(),
        ),
        Err(TraceRefused::Stopping) => ControlReply::Failed("the server is stopping".into()),
    }
}

async fn show(request: &ControlRequest, host: &Host) -> ControlReply {
    let Some(view) = host.inbox.view().await else {
        return ControlReply::Failed("the server is stopping".into());
    };
    let plan = host.plan();
    match request {
        ControlRequest::Agents => ControlReply::Agents(tables::shown(&view, &plan).agents),
        ControlRequest::Bans => ControlReply::Bans(tables::bans(&view)),
        ControlRequest::Calls => ControlReply::Calls(tables::shown(&view, &plan).calls),
        ControlRequest::Queues => ControlReply::Queues(tables::shown(&view, &plan).queues),
        ControlRequest::Trunks => ControlReply::Trunks(tables::trunks(&view.trunks)),
        ControlRequest::Regs => ControlReply::Regs(tables::registrations(&view)),
        _ => {
            let troubles = host.troubles(&view);
            ControlReply::Status(Box::new(tables::status(&view, &plan, host.node, troubles)))
        }
    }
}

async fn change_agent(user: &str, change: AgentOrder, host: &Host) -> ControlReply {
    let plan = host.plan();
    let position = plan.agents.iter().position(|agent| agent.user == user);
    let Some(agent) = position
        .and_then(|index| u32::try_from(index).ok())
        .map(AgentId)
    else {
        return ControlReply::Refused(format!("{user} is no counsellor"));
    };
    let request = match change {
        AgentOrder::EndWrapUp => Request::EndWrapUp { agent },
        AgentOrder::Hard => Request::Hard { agent },
        AgentOrder::NotReady { reason } => Request::NotReady { agent, reason },
        AgentOrder::Ready => Request::Ready { agent },
        AgentOrder::SignIn => Request::SignIn { agent },
        AgentOrder::SignOut => Request::SignOut { agent },
    };
    reply(host.inbox.request(request).await)
}

fn reply(result: Option<Result<(), Refusal>>) -> ControlReply {
    match result {
        Some(Ok(())) => ControlReply::Done,
        Some(Err(refusal)) => ControlReply::Refused(sentence(refusal).into()),
        None => ControlReply::Failed("the server is stopping".into()),
    }
}

const fn sentence(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotNow => "not in this state",
        Refusal::UnknownAgent => "no such counsellor",
        Refusal::UnknownCall => "no such call",
        Refusal::UnknownReason => "no such reason in the configuration",
    }
}
