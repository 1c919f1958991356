//! Start and end of the server, in the order of decision 7: configuration, sounds, lock, journal, database, ports,
//! listeners; old dialogs, bindings and counsellors in the first turn; READY.

use crate::cli::Start;
use crate::config::Loaded;
use crate::shell::clock::Clock;
use crate::shell::console::Shown;
use crate::shell::control::{Control, Inbox};
use crate::shell::dns::{self, Dns};
use crate::shell::error::ServeError;
use crate::shell::host::{Host, LoadError, endpoint_accounts, load_accounts};
use crate::shell::lock::StateLock;
use crate::shell::net::{Bound, Net, PoolSettings};
use crate::shell::notify::Notifier;
use crate::shell::tap::Tap;
use crate::shell::tickets::Tickets;
use crate::shell::tls::Tls;
use crate::shell::{bind, log, socket, watch, workers};
use hotline_console::{Console, ConsoleState};
use hotline_core::Ledger;
use hotline_media::sdp::Capabilities;
use hotline_store::{Account, Journal, JournalOptions, Projector, ProjectorOptions, Store};
use hotline_switchboard::Switchboard;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tracing_appender::non_blocking::ErrorCounter;

/// Threads of the pool: HTTP, control socket, database. They step back behind signalling and media.
const POOL_THREADS: usize = 2;
const POOL_NICE: i32 = 10;
/// Tries to open a locked database, and the pause between them (SQLite itself waits 5 s in each).
const STORE_TRIES: u32 = 20;
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// After the last call the projector has this long to write the rows that are left; the next start does the rest.
const PROJECTOR_DRAIN_MAX: Duration = Duration::from_secs(5);
/// The seconds of the start, shifted: call numbers rise over restarts even without a journal.
const CALL_NUMBER_SHIFT: u32 = 20;

/// Runs the server until it is drained.
pub(crate) fn serve(start: Start, log_dropped: ErrorCounter) -> Result<(), ServeError> {
    keep_to_ourselves();
    open_files_max();
    let runtime = pool()?;
    let clock = Clock::start();
    let settings = &start.loaded.server;
    for folder in [&settings.state_dir, &settings.recordings_dir] {
        std::fs::create_dir_all(folder).map_err(ServeError::path(folder))?;
    }
    let _lock = take_lock(&settings.state_dir)?;
    let store = open_store(&runtime, &settings.database)?;
    let (loaded, accounts) = accounts(&runtime, &store, &start)?;
    let table = workers::load_sounds(&loaded);
    let (journal, ledger) = open_journal(&loaded)?;
    log::recovered(journal.recovery());
    let tls = Arc::new(Tls::load(&loaded.sip.tls).map_err(ServeError::Tls)?);
    let tickets = Tickets::new(clock).map_err(ServeError::system("the random source"))?;
    let (sockets, listeners) = bind::bind(&loaded.sip.listeners)?;
    let server = Server {
        start: &start,
        loaded: &loaded,
        accounts: &accounts,
        clock,
        log_dropped,
        runtime: runtime.handle().clone(),
        tls,
        tickets: Arc::new(tickets),
    };
    let (control, host, projector, questions) =
        server.build(sockets, listeners, table, journal, &ledger, store)?;
    let started = Started {
        host,
        projector,
        questions,
    };
    run(&runtime, control, started, ledger, &loaded)
}

struct Server<'a> {
    log_dropped: ErrorCounter,
    start: &'a Start,
    loaded: &'a Loaded,
    accounts: &'a [Account],
    clock: Clock,
    runtime: Handle,
    tls: Arc<Tls>,
    tickets: Arc<Tickets>,
}

impl Server<'_> {
    fn build(
        &self,
        sockets: Vec<Bound>,
        listeners: Vec<hotline_sip::Listener>,
        table: workers::SoundTable,
        journal: Journal,
        ledger: &Ledger,
        store: Store,
    ) -> Result<(Control, Arc<Host>, Projector, Receiver<hotline_sip::Query>), ServeError> {
        let loaded = self.loaded;
        let carriers = loaded
            .sip
            .trunks
            .iter()
            .flat_map(|trunk| &trunk.sources)
            .map(|(ip, _)| *ip)
            .collect();
        let settings = PoolSettings {
            runtime: self.runtime.clone(),
            tls: Arc::clone(&self.tls),
            tickets: Arc::clone(&self.tickets),
            origins: loaded.sip.origins.clone(),
            carriers,
        };
        let net =
            Net::new(sockets, settings).map_err(ServeError::system("the poll of signalling"))?;
        let (inbox, receiver) = Inbox::new(net.waker());
        let identity = workers::identity();
        let media = workers::start(loaded, &table, identity.clone(), &inbox)?;
        let options = ProjectorOptions {
            short_ms: loaded.plan.timing.short_ms,
            ..ProjectorOptions::default()
        };
        let projector = Projector::new(store.clone(), journal.watch(), options);
        let host = Arc::new(Host {
            inbox: inbox.clone(),
            store,
            in_force: Mutex::new(loaded.clone()),
            log_dropped: self.log_dropped.clone(),
            node: loaded.server.node,
            drain_ms: loaded.server.drain_ms,
            tls: Arc::clone(&self.tls),
            tickets: Arc::clone(&self.tickets),
            path: self.start.path.clone(),
            options: self.start.options.clone(),
            journal: journal.watch(),
            projector: projector.status(),
            plan: Mutex::new(Arc::new(loaded.plan.clone())),
        });
        let switchboard = Switchboard::new(
            hotline_switchboard::Config {
                sip: loaded.sip.endpoint(listeners.clone()),
                numbers: loaded.sip.numbers.clone(),
                accounts: endpoint_accounts(self.accounts),
                plan: loaded.plan.clone(),
                node: loaded.server.node,
                first_call: self.first_call(ledger),
                capabilities: capabilities(&listeners, loaded.media.ports),
                srtp: loaded.media.srtp,
                identity,
                advertise: loaded.media.advertise,
                told: loaded.media.told,
                workers: workers::worker_count(loaded.media.workers),
                sounds: table.index,
                restart_byes_per_s: loaded.server.byes_per_s,
            },
            seed()?,
        );
        let (dns, questions) = Dns::new();
        let control = Control {
            dns,
            clock: self.clock,
            net,
            switchboard,
            journal,
            workers: media,
            receiver,
            inbox,
            notifier: Notifier::from_environment(),
            short_ms: loaded.plan.timing.short_ms,
            tap: Tap::new(
                usize::try_from(loaded.sip.trace_bytes).unwrap_or(usize::MAX),
                listeners,
            ),
        };
        Ok((control, host, projector, questions))
    }

    /// Above every call of the journal, and above every earlier start even when the journal is gone.
    fn first_call(&self, ledger: &Ledger) -> u64 {
        let seconds = u64::try_from(self.clock.now().wall.0 / 1_000).unwrap_or(0);
        let of_node = u64::from(self.loaded.server.node) << 56 | seconds << CALL_NUMBER_SHIFT;
        of_node.max(ledger.last_call.0.saturating_add(1))
    }
}

/// What runs on the pool beside the control thread.
struct Started {
    host: Arc<Host>,
    projector: Projector,
    questions: Receiver<hotline_sip::Query>,
}

fn run(
    runtime: &Runtime,
    control: Control,
    started: Started,
    ledger: Ledger,
    loaded: &Loaded,
) -> Result<(), ServeError> {
    let Started {
        host,
        projector,
        questions,
    } = started;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let console = ConsoleState::new(Arc::new(Shown(Arc::clone(&host))));
    let console = runtime
        .block_on(Console::bind(loaded.server.http, console))
        .map_err(|source| ServeError::Console {
            address: loaded.server.http,
            source,
        })?;
    let guard = runtime.enter();
    let signals = Signals::listen().map_err(ServeError::system("signal handling"))?;
    let listener = socket::bind(&loaded.server.control_socket)?;
    let mut tasks = JoinSet::new();
    tasks.spawn(signals.follow(Arc::clone(&host)));
    tasks.spawn(socket::serve(listener, Arc::clone(&host)));
    let stop_percent = loaded.server.recordings_stop_percent;
    tasks.spawn(watch::watch_disk(
        loaded.server.recordings_dir.clone(),
        stop_percent,
        host.inbox.clone(),
    ));
    tasks.spawn(dns::serve(
        loaded.sip.name_servers.clone(),
        questions,
        host.inbox.clone(),
    ));
    tasks.spawn(watch::watch_projector(Arc::clone(&host)));
    tasks.spawn(console.run(stopped.clone()));
    let projecting = runtime.spawn(projector.run(stopped));
    drop(guard);

    let thread = std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || control.run(ledger, env!("CARGO_PKG_VERSION")))
        .map_err(ServeError::system("the control thread"))?;
    let ended = thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the control thread panicked")));
    // The media workers went with the control thread: their recordings are complete.
    stop.send_replace(true);
    runtime.block_on(async {
        if tokio::time::timeout(PROJECTOR_DRAIN_MAX, projecting)
            .await
            .is_err()
        {
            tracing::warn!("rows are left for the next start");
        }
        tasks.shutdown().await;
    });
    // A socket left behind is removed by the next start; nobody listens on it any more.
    std::fs::remove_file(&loaded.server.control_socket).ok();
    ended.map_err(ServeError::system("the control loop"))
}

struct Signals {
    hang_up: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// SIGTERM and SIGINT drain, the second one at once; SIGHUP reads the configuration again.
    async fn follow(mut self, host: Arc<Host>) {
        let mut is_second = false;
        loop {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
                _ = self.hang_up.recv() => {
                    match host.reload().await {
                        Ok(()) => tracing::info!("configuration read again"),
                        Err(fault) => tracing::error!(alarm = "reload_refused", fault, "configuration not taken"),
                    }
                    continue;
                }
            }
            host.drain(is_second);
            is_second = true;
        }
    }
}

/// Files are readable by us alone, and memory (it holds children's voices) is never dumped to disk.
fn keep_to_ourselves() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if rustix::process::setrlimit(rustix::process::Resource::Core, none).is_err() {
        tracing::warn!("core dumps could not be switched off");
    }
}

/// Each call takes four sockets, and a shell allows 1,024 files unless asked: what we may have, we take.
fn open_files_max() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

fn pool() -> Result<Runtime, ServeError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(POOL_THREADS)
        .thread_name("pool")
        .on_thread_start(|| {
            // On Linux this names the calling thread only. Without it everything still works.
            if rustix::process::setpriority_process(None, POOL_NICE).is_err() {
                tracing::debug!("the pool runs at the usual priority");
            }
        })
        .enable_all()
        .build()
        .map_err(ServeError::system("the pool"))
}

/// A database that somebody else holds (a backup, a person at a shell) is waited for; without accounts there is no
/// line. Only after minutes does the start fail, and the service manager tries again.
fn open_store(runtime: &Runtime, path: &std::path::Path) -> Result<Store, ServeError> {
    for _ in 1..STORE_TRIES {
        match runtime.block_on(Store::open(path)) {
            Ok(store) => return Ok(store),
            Err(error) => log::store_waits(&error),
        }
        runtime.block_on(tokio::time::sleep(STORE_PAUSE));
    }
    runtime
        .block_on(Store::open(path))
        .map_err(|source| ServeError::Store {
            path: path.to_owned(),
            source,
        })
}

fn take_lock(folder: &std::path::Path) -> Result<StateLock, ServeError> {
    StateLock::take(folder).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => ServeError::Locked {
            path: folder.to_owned(),
        },
        _ => ServeError::path(folder)(source),
    })
}

fn accounts(
    runtime: &Runtime,
    store: &Store,
    start: &Start,
) -> Result<(Loaded, Vec<Account>), ServeError> {
    runtime
        .block_on(load_accounts(
            store,
            start.loaded.clone(),
            &start.path,
            &start.options,
        ))
        .map_err(|error| match error {
            LoadError::Configuration(faults) => ServeError::Configuration(faults),
            LoadError::Store(source) => ServeError::Store {
                path: start.loaded.server.database.clone(),
                source,
            },
        })
}

fn open_journal(loaded: &Loaded) -> Result<(Journal, Ledger), ServeError> {
    let path = loaded.server.state_dir.join("journal");
    let options = JournalOptions {
        reserve_bytes: loaded.server.journal_reserve_bytes,
        ..JournalOptions::default()
    };
    Journal::open(&path, options).map_err(|source| ServeError::Journal { path, source })
}

/// What our SDP can do; media is never sent to our own listeners and media ports.
fn capabilities(listeners: &[hotline_sip::Listener], ports: (u16, u16)) -> Capabilities {
    Capabilities {
        refused_targets: listeners
            .iter()
            .flat_map(|listener| [listener.local, listener.advertise])
            .collect(),
        own_ports: Some(ports),
        ..Capabilities::default()
    }
}

fn seed() -> Result<[u8; 32], ServeError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| ServeError::System {
        what: "the random source",
        source: io::Error::other(error),
    })?;
    Ok(seed)
}
