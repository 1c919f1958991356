//! One step of the control loop: an input goes to the engine it concerns, what that engine says goes to the
//! others, until all have said everything.

use crate::browsers::Browsers;
use crate::legs::Legs;
use crate::security::Srtp;
use crate::sounds::{SoundIndex, Sounds};
use crate::turn::{Effect, Turn};
use hotline_core::{AgentId, CallId, EdgeFact, Ledger, LegId, Mono, Now, Plan, RequestId, Switch};
use hotline_media::browser::Identity;
use hotline_media::sdp::Capabilities;
use hotline_sip::{Command, Endpoint, Output as SipOutput, Secrets};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Fixed at start.
pub struct Config {
    /// Listeners, trunks, limits.
    pub sip: hotline_sip::Config,
    /// How each trunk of `sip` writes numbers; the same index.
    pub numbers: Vec<crate::Numbers>,
    /// Who may register.
    pub accounts: Vec<hotline_sip::Account>,
    /// The rules.
    pub plan: Plan,
    /// Node number in call ids.
    pub node: u8,
    /// First call number: the start's second shifted left by 20 (see `CallId`).
    pub first_call: u64,
    /// Codecs and limits of SDP.
    pub capabilities: Capabilities,
    /// Whether phones' audio is protected by keys in the session descriptions.
    pub srtp: Srtp,
    /// Who we are to browsers; None: they are not served.
    pub identity: Option<Arc<Identity>>,
    /// The address that the SDP of calls to carriers names.
    pub advertise: IpAddr,
    /// The address that all SDP of its family names; None = that of the listener by which the peer is reached.
    pub told: Option<IpAddr>,
    /// Media workers.
    pub workers: u16,
    /// Loaded sounds.
    pub sounds: SoundIndex,
    /// Bound on the BYEs that end the dialogs of the run before, a second.
    pub restart_byes_per_s: u32,
}

/// One thing that happened to the server.
#[derive(Debug)]
pub enum Input {
    /// The accounts have changed.
    Accounts(Vec<hotline_sip::Account>),
    /// A person did or saw something: only the journal hears of it.
    Audit(hotline_core::Audit),
    /// Do not listen to this address for so many milliseconds; 0 ends a ban.
    Ban(IpAddr, u64),
    /// SIGTERM.
    Drain {
        /// How long callers are still served, milliseconds.
        limit_ms: u32,
    },
    /// A media worker tells something.
    Media {
        /// Index of the worker.
        worker: u16,
        /// What.
        event: hotline_media::Event,
    },
    /// A changed plan.
    Plan(Box<Plan>),
    /// First input of a run: what the journal knows.
    Recovered(Box<Ledger>),
    /// A person wants something.
    Request(RequestId, hotline_core::Request),
    /// Bytes, connections.
    Sip(hotline_sip::Input),
    /// A deadline is due.
    Tick,
}

/// Live numbers for status and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Legs that exist.
    pub legs: usize,
    /// Calls the edge knows.
    pub calls: usize,
    /// Media ports at hand, those included that are kept for whoever will talk with a caller.
    pub ports_at_hand: usize,
    /// Media ports for new callers, who take two each.
    pub free_ports: usize,
    /// Datagrams that the legs which have ended did not take.
    pub dropped: Dropped,
}

/// Datagrams at media ports that changed nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Of senders that are not the peer.
    pub foreign: u64,
    /// Not RTP, or of a format that nobody agreed to.
    pub malformed: u64,
    /// Not made with the keys of the leg, or copied.
    pub unauthentic: u64,
}

/// Core, SIP endpoint, and the table between them.
pub struct Switchboard {
    pub(crate) core: Switch,
    pub(crate) sip: Endpoint,
    pub(crate) legs: Legs,
    pub(crate) sounds: Sounds,
    pub(crate) capabilities: Capabilities,
    pub(crate) srtp: Srtp,
    pub(crate) browsers: Browsers,
    /// Keys of audio are cut out of these.
    pub(crate) secrets: Secrets,
    pub(crate) advertise: IpAddr,
    pub(crate) told: Option<IpAddr>,
    pub(crate) trunks: Vec<String>,
    /// How each trunk writes numbers.
    pub(crate) numbers: Vec<crate::Numbers>,
    pub(crate) agents: BTreeMap<String, AgentId>,
    pub(crate) users: Vec<String>,
    /// Of the plan, by name.
    pub(crate) centres: BTreeMap<String, hotline_core::CentreId>,
    /// Accounts with a phone, in the plan or not.
    pub(crate) contacts: BTreeMap<String, hotline_core::Contact>,
    pub(crate) restart_byes_per_s: u32,
    /// Counsellors of whose phones a restart has not heard yet.
    pub(crate) unheard: BTreeSet<AgentId>,
    pub(crate) dropped: Dropped,
    pub(crate) work: Work,
}

/// Things said by one engine and not yet told to another. Empty between turns.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) core_inputs: std::collections::VecDeque<hotline_core::Input>,
    pub(crate) sip_inputs: std::collections::VecDeque<hotline_sip::Input>,
    core_outputs: Vec<hotline_core::Output>,
    sip_outputs: Vec<SipOutput>,
}

/// Rounds between the engines in one turn; more is a fault of ours, and the rest waits for the next turn.
const ROUNDS_MAX: usize = 10_000;

impl Switchboard {
    /// `seed` feeds every unguessable value (tags, branches, nonces).
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let trunks = config
            .sip
            .trunks
            .iter()
            .map(|trunk| trunk.name.clone())
            .collect();
        let sounds = Sounds::new(config.sounds, &config.plan);
        let mut switchboard = Self {
            agents: BTreeMap::new(),
            centres: BTreeMap::new(),
            users: Vec::new(),
            contacts: BTreeMap::new(),
            core: Switch::new(config.plan.clone(), config.node, config.first_call),
            sip: Endpoint::new(config.sip, seed),
            legs: Legs::new(config.workers),
            sounds,
            capabilities: config.capabilities,
            srtp: config.srtp,
            browsers: Browsers {
                identity: config.identity,
            },
            secrets: Secrets::new(seed, "audio keys"),
            advertise: config.advertise,
            told: config.told,
            trunks,
            numbers: config.numbers,
            restart_byes_per_s: config.restart_byes_per_s,
            unheard: BTreeSet::new(),
            dropped: Dropped::default(),
            work: Work::default(),
        };
        switchboard.index_agents(&config.plan);
        switchboard
            .work
            .sip_inputs
            .push_back(hotline_sip::Input::Command(Command::Accounts(
                config.accounts,
            )));
        switchboard
    }

    /// One thing happened at `now`; `turn` gets everything that follows from it.
    pub fn handle(&mut self, now: Now, input: Input, turn: &mut Turn) {
        turn.frame.now = now;
        match input {
            Input::Accounts(accounts) => self.tell_sip(Command::Accounts(accounts)),
            Input::Audit(audit) => turn.frame.edge.push(EdgeFact::Audit(audit)),
            Input::Ban(address, 0) => self.tell_sip(Command::Unban { address }),
            Input::Ban(address, length_ms) => self.tell_sip(Command::Ban { address, length_ms }),
            Input::Drain { limit_ms } => self.tell_core(hotline_core::Input::Drain { limit_ms }),
            Input::Media { worker, event } => self.on_media(now, worker, event, turn),
            Input::Plan(plan) => self.on_plan(plan),
            Input::Recovered(ledger) => self.on_recovered(now, ledger, turn),
            Input::Request(id, request) => {
                self.tell_core(hotline_core::Input::Request(id, request))
            }
            Input::Sip(input) => self.work.sip_inputs.push_back(input),
            Input::Tick => self.on_tick(now),
        }
        self.settle(now, turn);
        for (worker, ports) in self.legs.ports_to_keep() {
            let command = hotline_media::Command::KeepReady { ports };
            turn.effects.push(Effect::Media { worker, command });
        }
    }

    /// When `handle` must be called again at the latest, with `Input::Tick`.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        let sip = self.sip.next_deadline().map(|at| Mono(at.0));
        match (self.core.next_deadline(), sip) {
            (Some(core), Some(sip)) => Some(core.min(sip)),
            (core, sip) => core.or(sip),
        }
    }

    /// Live numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            legs: self.legs.legs.len(),
            calls: self.legs.calls.len(),
            ports_at_hand: self.legs.ports_at_hand(),
            free_ports: self.legs.free_ports(),
            dropped: self.dropped,
        }
    }

    /// The call that a dialog belongs to, by its Call-ID, while both live.
    #[must_use]
    pub fn call_of(&self, call_id: &str) -> Option<CallId> {
        let leg = LegId(self.sip.dialog_of(call_id)?);
        self.legs.legs.get(&leg)?.call
    }

    /// For the simulator and for metrics.
    #[must_use]
    pub fn core(&self) -> &Switch {
        &self.core
    }

    /// For the simulator and for metrics.
    #[must_use]
    pub fn sip(&self) -> &Endpoint {
        &self.sip
    }

    pub(crate) fn tell_core(&mut self, input: hotline_core::Input) {
        self.work.core_inputs.push_back(input);
    }

    pub(crate) fn tell_sip(&mut self, command: Command) {
        self.work
            .sip_inputs
            .push_back(hotline_sip::Input::Command(command));
    }

    /// A counsellor who is new in the plan may have been registered for long: core must hear so.
    fn on_plan(&mut self, plan: Box<Plan>) {
        let before = std::mem::take(&mut self.agents);
        self.index_agents(&plan);
        self.sounds.replan(&plan);
        self.tell_core(hotline_core::Input::Plan(plan));
        for (user, agent) in &self.agents {
            if let (false, Some(contact)) = (before.contains_key(user), self.contacts.get(user)) {
                let input = hotline_core::Input::Contact(*agent, *contact);
                self.work.core_inputs.push_back(input);
            }
        }
    }

    fn index_agents(&mut self, plan: &Plan) {
        self.centres = (0u16..)
            .map(hotline_core::CentreId)
            .zip(&plan.centres)
            .map(|(id, centre)| (centre.name.clone(), id))
            .collect();
        self.users = plan.agents.iter().map(|agent| agent.user.clone()).collect();
        self.agents = (0u32..)
            .map(AgentId)
            .zip(&self.users)
            .map(|(id, user)| (user.clone(), id))
            .collect();
    }

    fn on_tick(&mut self, now: Now) {
        if self.core.next_deadline().is_some_and(|at| at <= now.mono) {
            self.tell_core(hotline_core::Input::Tick);
        }
        self.work.sip_inputs.push_back(hotline_sip::Input::Tick);
    }

    fn on_recovered(&mut self, now: Now, ledger: Box<Ledger>, turn: &mut Turn) {
        let kept = ledger
            .kept
            .iter()
            .filter_map(|((table, key), value)| {
                Some(hotline_sip::Keep {
                    table: crate::from_sip::table_from_number(*table)?,
                    key: key.clone(),
                    value: Some(value.clone()),
                })
            })
            .collect();
        // Core first: counsellors must stand in their old state when their phones become reachable.
        self.tell_core(hotline_core::Input::Recovered(ledger));
        let byes_per_s = self.restart_byes_per_s;
        self.tell_sip(Command::Restore { kept, byes_per_s });
        self.unheard = self.agents.values().copied().collect();
        self.settle(now, turn);
        // Whose phone was not among the bindings has none: nobody is left standing ready without one.
        for agent in std::mem::take(&mut self.unheard) {
            self.tell_core(hotline_core::Input::Contact(
                agent,
                hotline_core::Contact::Gone,
            ));
        }
    }

    /// Lets the engines talk until nothing is left to say. Core goes first: what it has heard it must judge
    /// before the next message of a peer.
    fn settle(&mut self, now: Now, turn: &mut Turn) {
        let sip_now = hotline_sip::Now {
            mono: hotline_sip::Mono(now.mono.0),
            wall: hotline_sip::Wall(now.wall.0),
        };
        for _ in 0..ROUNDS_MAX {
            if let Some(input) = self.work.core_inputs.pop_front() {
                self.step_core(now, input, turn);
            } else if let Some(input) = self.work.sip_inputs.pop_front() {
                let mut outputs = std::mem::take(&mut self.work.sip_outputs);
                self.sip.handle(sip_now, input, &mut outputs);
                for output in outputs.drain(..) {
                    self.on_sip(now, output, turn);
                }
                self.work.sip_outputs = outputs;
            } else {
                return;
            }
        }
        turn.effects.push(Effect::Alarm(hotline_core::Alarm::Bug {
            call: None,
            text: String::from("a turn of the control loop did not settle"),
        }));
    }

    fn step_core(&mut self, now: Now, input: hotline_core::Input, turn: &mut Turn) {
        turn.frame.inputs.push(input.clone());
        let mut outputs = std::mem::take(&mut self.work.core_outputs);
        self.core.handle(now, input, &mut outputs);
        for output in outputs.drain(..) {
            self.on_core(output, turn);
        }
        self.work.core_outputs = outputs;
    }
}
