//! Our own phones as callers and counsellors: a bank, and everything that it has told.

use hotline_phone::{Bank, BankConfig, BankHandle, Event, EventKind, PhoneId};
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// A bank of phones and its events.
pub(crate) struct Phones {
    /// Orders go here.
    pub(crate) bank: BankHandle,
    receiver: Receiver<Event>,
    seen: Vec<Event>,
}

impl Phones {
    /// Phones at `local` that know the server; A-law, UDP.
    pub(crate) fn start(server: SocketAddr, local: IpAddr) -> Self {
        Self::start_with(server, local, |_| {})
    }

    /// The same with something changed.
    pub(crate) fn start_with(
        server: SocketAddr,
        local: IpAddr,
        change: impl FnOnce(&mut BankConfig),
    ) -> Self {
        let mut config = BankConfig::to(server).expect("a way to the server");
        config.local = local;
        config.spool = std::env::temp_dir().join(format!("hotline111-phones-{local}"));
        change(&mut config);
        let (bank, receiver) = Bank::start(config).expect("starting phones");
        Self {
            bank,
            receiver,
            seen: Vec::new(),
        }
    }

    /// Everything told so far, oldest first.
    pub(crate) fn events(&mut self) -> &[Event] {
        self.seen.extend(self.receiver.try_iter());
        &self.seen
    }

    /// How many events are of this kind.
    pub(crate) fn count(&mut self, probe: impl Fn(&EventKind) -> bool) -> usize {
        self.events()
            .iter()
            .filter(|event| probe(&event.kind))
            .count()
    }

    /// Waits for the first event, old or new, that `probe` knows.
    pub(crate) fn wait(
        &mut self,
        limit: Duration,
        what: &str,
        probe: impl Fn(&Event) -> bool,
    ) -> Event {
        let started = Instant::now();
        let mut looked = 0;
        loop {
            if let Some(event) = self.seen[looked..].iter().find(|event| probe(event)) {
                return event.clone();
            }
            looked = self.seen.len();
            let left = limit.saturating_sub(started.elapsed());
            match self.receiver.recv_timeout(left) {
                Ok(event) => self.seen.push(event),
                Err(_) => panic!(
                    "waited {limit:?} in vain until {what}; told: {}",
                    self.story()
                ),
            }
        }
    }

    /// The same for one phone and kind.
    pub(crate) fn wait_kind(
        &mut self,
        phone: PhoneId,
        what: &str,
        probe: impl Fn(&EventKind) -> bool,
    ) -> Event {
        self.wait(Duration::from_secs(20), what, |event| {
            event.phone == phone && probe(&event.kind)
        })
    }

    /// The phone is registered.
    pub(crate) fn wait_registered(&mut self, phone: PhoneId) {
        self.wait_kind(phone, "the phone is registered", |kind| {
            matches!(kind, EventKind::Registered { granted: Ok(1..) })
        });
    }

    /// The phone's call has ended.
    pub(crate) fn wait_ended(&mut self, phone: PhoneId) -> Event {
        self.wait_kind(phone, "the call has ended", |kind| {
            matches!(kind, EventKind::Ended { .. })
        })
    }

    fn story(&self) -> String {
        let lines = self
            .seen
            .iter()
            .map(|event| format!("\n  {}: {:?}", event.phone, event.kind));
        lines.collect()
    }
}

impl Drop for Phones {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.seen.extend(self.receiver.try_iter());
            eprintln!("--- phones{}", self.story());
        }
    }
}
