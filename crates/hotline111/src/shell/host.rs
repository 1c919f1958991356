//! What the asynchronous side shares: the way to the control thread, the database, the plan in force.

use crate::cli::control::{ControlReply, ControlRequest};
use crate::cli::user;
use crate::config::{self, AgentRow, Loaded, Options};
use crate::shell::control::{Inbox, Message, View};
use crate::shell::tickets::Tickets;
use crate::shell::tls::{self, Tls};
use hotline_core::Plan;
use hotline_store::{Account, JournalWatch, ProjectorStatus, Store, StoreError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tracing_appender::non_blocking::ErrorCounter;

/// The database has not taken anything for so long, although there is something: an alarm.
const PROJECTOR_WAIT_MAX: Duration = Duration::from_secs(5);

/// See the module.
pub(crate) struct Host {
    pub(crate) inbox: Inbox,
    pub(crate) store: Store,
    pub(crate) node: u8,
    /// What the sockets and workers were started with.
    pub(crate) in_force: Mutex<Loaded>,
    /// Log lines that nobody read in time.
    pub(crate) log_dropped: ErrorCounter,
    pub(crate) drain_ms: u32,
    pub(crate) tls: Arc<Tls>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) path: PathBuf,
    pub(crate) options: Options,
    pub(crate) journal: JournalWatch,
    pub(crate) projector: watch::Receiver<ProjectorStatus>,
    pub(crate) plan: Mutex<Arc<Plan>>,
}

impl Host {
    /// Names what the new configuration changes but only a restart takes.
    fn tell_restart(&self, new: &Loaded) {
        let old = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = [
            ("server, storage, http", old.server == new.server),
            ("media", old.media == new.media),
            (
                "sip, trunk",
                format!("{:?}", old.sip) == format!("{:?}", new.sip),
            ),
            (
                "sounds",
                format!("{:?}", old.sounds) == format!("{:?}", new.sounds),
            ),
        ];
        for (part, _) in parts.iter().filter(|(_, is_same)| !is_same) {
            tracing::warn!(part, "changed, but only a restart takes it");
        }
    }

    /// The plan in force.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins the drain; asked again, it ends at once.
    pub(crate) fn drain(&self, is_second: bool) {
        let limit_ms = if is_second { 0 } else { self.drain_ms };
        self.inbox.send(Message::Drain { limit_ms });
    }

    /// What is wrong now, in a word each: the names of RUNBOOK.
    pub(crate) fn troubles(&self, view: &View) -> Vec<String> {
        let mut troubles = Vec::new();
        if self.journal.status().trouble.is_some() {
            troubles.push("journal_trouble".to_owned());
        }
        if self.is_projector_behind() {
            troubles.push("projector_behind".to_owned());
        }
        if view.is_disk_full {
            troubles.push("disk_full".to_owned());
        }
        if view.counts.free_ports == 0 {
            troubles.push("no_media_port".to_owned());
        }
        troubles
    }

    /// The database takes nothing although there is something.
    pub(crate) fn is_projector_behind(&self) -> bool {
        self.projector.borrow().waiting() > PROJECTOR_WAIT_MAX
    }

    /// Carries out a request about accounts; what changed is in force when this returns.
    pub(crate) async fn accounts(&self, request: ControlRequest) -> ControlReply {
        let is_change = !matches!(request, ControlRequest::Users);
        let reply = user::accounts(&self.store, request).await;
        if !is_change || reply != ControlReply::Done {
            return reply;
        }
        match self.reload().await {
            Ok(()) => reply,
            Err(fault) => ControlReply::Failed(fault),
        }
    }

    /// A ticket for an account that there is.
    pub(crate) async fn ticket(&self, user: &str, valid_ms: u32) -> ControlReply {
        let accounts = match self.store.accounts().await {
            Ok(accounts) => accounts,
            Err(error) => return ControlReply::Failed(error.to_string()),
        };
        if !accounts.iter().any(|account| account.user == user) {
            return ControlReply::Refused(format!("{user} is no account"));
        }
        match self.tickets.issue(user, u64::from(valid_ms)) {
            Ok(ticket) => ControlReply::Ticket(ticket),
            Err(error) => ControlReply::Failed(error.to_string()),
        }
    }

    /// Reads configuration and accounts again; all or nothing.
    pub(crate) async fn reload(&self) -> Result<(), String> {
        let accounts = self
            .store
            .accounts()
            .await
            .map_err(|error| error.to_string())?;
        let options = Options {
            agents: accounts.iter().map(AgentRow::from).collect(),
            ..self.options.clone()
        };
        let loaded = config::load(&self.path, &options).map_err(|faults| {
            format!(
                "the configuration has {} fault(s), the old one stays; see hotline111 check",
                faults.len()
            )
        })?;
        // Certificates are replaced before anything else: a broken file leaves everything as it was.
        self.tls
            .reload(&loaded.sip.tls)
            .map_err(|error| tls::explain(&error))?;
        self.tell_restart(&loaded);
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded.plan.clone());
        self.inbox
            .send(Message::Accounts(endpoint_accounts(&accounts)));
        self.inbox.send(Message::Plan(Box::new(loaded.plan)));
        Ok(())
    }
}

/// Takes the files' accounts into the database, then loads the configuration again with what stands there.
pub(crate) async fn load_accounts(
    store: &Store,
    loaded: Loaded,
    path: &std::path::Path,
    options: &Options,
) -> Result<(Loaded, Vec<Account>), LoadError> {
    user::import_seeds(store, &loaded)
        .await
        .map_err(LoadError::Store)?;
    let accounts = store.accounts().await.map_err(LoadError::Store)?;
    if accounts.is_empty() {
        return Ok((loaded, accounts));
    }
    let options = Options {
        agents: accounts.iter().map(AgentRow::from).collect(),
        ..options.clone()
    };
    let loaded = config::load(path, &options).map_err(LoadError::Configuration)?;
    Ok((loaded, accounts))
}

/// Why accounts and configuration do not come together.
pub(crate) enum LoadError {
    Configuration(Vec<config::Fault>),
    Store(StoreError),
}

/// Accounts as the endpoint knows them.
pub(crate) fn endpoint_accounts(accounts: &[Account]) -> Vec<hotline_sip::Account> {
    accounts
        .iter()
        .map(|account| hotline_sip::Account {
            user: account.user.clone(),
            credentials: hotline_sip::Credentials {
                ha1_sha256: account.ha1.sha256.clone(),
                ha1_md5: account.ha1.md5.clone(),
            },
        })
        .collect()
}
