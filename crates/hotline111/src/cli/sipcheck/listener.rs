//! Whether each listener answers at the address that others are told.

use super::address::is_here;
use super::finding::{Finding, Level, Said};
use super::probe::{Outcome, Way, options};
use crate::config::{ListenerSettings, Loaded};
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;

/// A listener's certificates, as it shows them.
pub(super) type Shown = (ListenerSettings, Vec<CertificateDer<'static>>);

/// Tries each; a server that does not run is not tried.
pub(super) async fn check(loaded: &Loaded, is_running: bool) -> (Vec<Finding>, Vec<Shown>) {
    let (mut found, mut chains) = (Vec::new(), Vec::new());
    if !is_running {
        return (found, chains);
    }
    for listener in &loaded.sip.listeners {
        if listener.advertise.port() == 0 {
            continue;
        }
        let told = ask(listener, listener.advertise).await;
        let is_told = matches!(told.outcome, Outcome::Answered { .. });
        let local = if is_told || listener.local.ip().is_unspecified() {
            None
        } else {
            Some(ask(listener, listener.local).await)
        };
        let local_outcome = local.as_ref().map(|answer| &answer.outcome);
        let is_here = is_here(listener.advertise.ip());
        found.push(judge(listener, &told.outcome, local_outcome, is_here));
        let chain = match local {
            Some(local) if told.chain.is_empty() => local.chain,
            Some(_) | None => told.chain,
        };
        if !chain.is_empty() {
            chains.push((*listener, chain));
        }
    }
    (found, chains)
}

async fn ask(listener: &ListenerSettings, to: SocketAddr) -> super::probe::Answer {
    let from = if to.is_ipv4() == listener.local.is_ipv4() {
        listener.local.ip()
    } else {
        to.ip()
    };
    options(&Way {
        transport: listener.transport,
        from,
        to,
        trust: None,
    })
    .await
}

/// `local`: what came from the socket itself, when the advertised address gave nothing.
pub(super) fn judge(
    listener: &ListenerSettings,
    told: &Outcome,
    local: Option<&Outcome>,
    is_here: bool,
) -> Finding {
    let ListenerSettings {
        local: bound,
        advertise,
        transport,
    } = listener;
    let what = format!("{} {advertise}", transport.name());
    let (vietnamese, english) = match told {
        Outcome::Answered { after, .. } => {
            let millis = after.as_secs_f64() * 1_000.0;
            return Finding::fine(
                what,
                Said::new(
                    format!("trả lời OPTIONS sau {millis:.1} ms"),
                    format!("answers OPTIONS in {millis:.1} ms"),
                ),
            );
        }
        Outcome::Refused(why) => (
            format!("không trả lời ({why})"),
            format!("does not answer ({why})"),
        ),
        Outcome::Silent => ("không trả lời".to_owned(), "does not answer".to_owned()),
    };
    let answers_locally = matches!(local, Some(Outcome::Answered { .. })) && bound != advertise;
    let (level, help) = match (answers_locally, is_here) {
        (true, true) => (
            Level::Error,
            Said::new(
                format!("chỉ {bound} trả lời: sửa `advertise` của [sip]"),
                format!("only {bound} answers: mend `advertise` of [sip]"),
            ),
        ),
        (true, false) => (
            Level::Warning,
            Said::new(
                format!(
                    "{bound} trả lời. Nếu {advertise} là mặt ngoài của NAT không quay gói vào trong, hãy thử từ bên ngoài; nếu không, sửa `advertise` của [sip]"
                ),
                format!(
                    "{bound} answers. If {advertise} is the outside of a NAT that turns nothing back, try from outside; else mend `advertise` of [sip]"
                ),
            ),
        ),
        (false, _) => (
            Level::Error,
            Said::new(
                "xem tường lửa của máy này, `hotline111 ctl status` và `hotline111 ctl bans`",
                "look at this machine's firewall, `hotline111 ctl status` and `hotline111 ctl bans`",
            ),
        ),
    };
    Finding::new(level, what, Said::new(vietnamese, english)).help(help)
}
