//! Invariants 6, 7 and 15: the reference ACD. Written from domain.md §9 and §13 and the decisions on the queue's order,
//! naively: a list of callers, a list of counsellors, and a search through both. It shares no code with the product;
//! it hears the same facts and must come to the same assignments.

use hotline_core::{
    AgentStanding, Contact, Fact, Ledger, OfferOutcome, Plan, Standing, TransferOutcome,
};
use std::collections::{BTreeMap, BTreeSet};

/// Decision 13: seconds of head start by queue.
const HEAD_STARTS_S: [(&str, i64); 5] = [
    ("urgent", 600),
    ("trafficking", 300),
    ("child", 120),
    ("general", 0),
    ("checked", -120),
];
/// Decision 13: key 0.
const PERSON_KEY_S: i64 = 30;
/// Decision 14.
const GRACE_US: u64 = 20_000_000;
/// Whose offer failed by our own trouble is left alone for so long.
const REST_US: u64 = 1_000_000;

/// Somebody in the line.
#[derive(Clone, Debug)]
struct Caller {
    call: u64,
    /// Lost their counsellor: before everybody.
    is_at_head: bool,
    /// Arrival in the first queue: who has waited once does not begin anew when a counsellor passes them on.
    arrival_us: i64,
    /// That arrival minus head start.
    rank_us: i64,
    language: String,
    service: Option<String>,
    /// A simulated one, by the number dialled.
    is_training: bool,
    search: Search,
    /// Only for this counsellor, until then.
    only: Option<(String, u64)>,
    is_offered: bool,
}

/// How far the search for a counsellor goes: own centre, all centres, anybody with the language.
#[derive(Clone, Debug)]
struct Search {
    home: Option<String>,
    entered_us: u64,
    everywhere_us: Option<u64>,
    anybody_us: Option<u64>,
    /// At least so far, whatever the clock says.
    least: u8,
}

impl Search {
    fn reach(&self, at_us: u64) -> u8 {
        let waited_us = at_us.saturating_sub(self.entered_us);
        let is_past = |limit: Option<u64>| limit.is_some_and(|limit| waited_us >= limit);
        let by_clock = if is_past(self.anybody_us) {
            2
        } else {
            u8::from(self.home.is_none() || is_past(self.everywhere_us))
        };
        by_clock.max(self.least)
    }
}

#[derive(Clone, Debug)]
struct Counsellor {
    user: String,
    /// With levels: less is better.
    languages: BTreeMap<String, u8>,
    services: BTreeMap<String, u8>,
    is_learning: bool,
    is_reserve: bool,
    centre: String,
    is_on_shift: bool,
    contact: Contact,
    /// Order in which they became ready; None: not ready.
    ready: Option<u64>,
    rests_until_us: u64,
}

#[derive(Default)]
pub(super) struct Reference {
    counsellors: Vec<Counsellor>,
    callers: Vec<Caller>,
    /// Callers in a talk: should the line be lost, they come back.
    talking: BTreeMap<u64, Caller>,
    languages: BTreeMap<u64, String>,
    last_key: BTreeMap<u64, char>,
    dialled: BTreeMap<u64, String>,
    /// Calls from the phones of accounts: nobody is offered a call from the phone they are talking on.
    calling: BTreeMap<u64, String>,
    homes: BTreeMap<u64, String>,
    /// By queue: everywhere and anybody, after so long.
    widening: BTreeMap<String, (u64, Option<u64>)>,
    /// Callers being passed on.
    passing: BTreeSet<u64>,
    order: u64,
    contacts: BTreeMap<String, Contact>,
    /// From here on nobody is offered any more: the stop has come to its limit.
    closes_us: Option<u64>,
}

impl Reference {
    /// Whoever was idle longest before a restart is so again.
    pub(super) fn begin_run(&mut self, plan: &Plan, known: &Ledger) {
        *self = Self::default();
        self.counsellors = counsellors(plan);
        self.widening = widening(plan);
        for counsellor in &mut self.counsellors {
            let known = known.agents.get(&counsellor.user);
            counsellor.is_on_shift =
                known.is_some_and(|known| known.standing != Standing::SignedOut);
        }
        let mut ready: Vec<(&String, &AgentStanding)> = known
            .agents
            .iter()
            .filter(|(_, known)| known.standing == Standing::Ready)
            .collect();
        ready.sort_by_key(|(user, known)| {
            (known.since.run, known.since.mono, known.since.wall, *user)
        });
        for (user, _) in ready {
            self.order += 1;
            let order = self.order;
            if let Some(counsellor) = self
                .counsellors
                .iter_mut()
                .find(|counsellor| counsellor.user == *user)
            {
                counsellor.ready = Some(order);
            }
        }
    }

    pub(super) fn change_plan(&mut self, plan: &Plan) {
        let before = std::mem::replace(&mut self.counsellors, counsellors(plan));
        for counsellor in &mut self.counsellors {
            if let Some(old) = before.iter().find(|old| old.user == counsellor.user) {
                counsellor.ready = old.ready;
                counsellor.rests_until_us = old.rests_until_us;
                counsellor.is_on_shift = old.is_on_shift;
            }
            counsellor.contact = self
                .contacts
                .get(&counsellor.user)
                .copied()
                .unwrap_or(Contact::Gone);
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.callers.len()
    }

    pub(super) fn on_contact(&mut self, account: &str, contact: Contact) {
        self.contacts.insert(account.to_owned(), contact);
        if let Some(counsellor) = self
            .counsellors
            .iter_mut()
            .find(|counsellor| counsellor.user == account)
        {
            counsellor.contact = contact;
        }
    }

    pub(super) fn on_fact(&mut self, at_us: u64, fact: &Fact) -> Vec<(u8, String)> {
        match fact {
            Fact::Arrived {
                call,
                dialled,
                origin,
                is_from_trunk,
                ..
            } => {
                if !is_from_trunk {
                    self.calling.insert(call.0, origin.clone());
                }
                self.languages.insert(call.0, "vi".to_owned());
                self.dialled.insert(call.0, dialled.clone());
            }
            Fact::HomeCentre { call, centre } => {
                self.homes.insert(call.0, centre.clone());
            }
            Fact::TransferBegan { call, .. } => {
                self.passing.insert(call.0);
            }
            Fact::TransferEnded {
                call,
                agent,
                outcome,
            } => {
                self.passing.remove(&call.0);
                if let TransferOutcome::FailedAlone(_) = outcome {
                    self.back_to_head(at_us, call.0, Some((agent.clone(), at_us + GRACE_US)));
                }
            }
            Fact::OutsideLost { call } => self.back_to_head(at_us, call.0, None),
            Fact::Key { call, key, .. } => {
                self.last_key.insert(call.0, key.key());
            }
            Fact::LanguageChosen { call, language } => {
                self.languages.insert(call.0, language.clone());
                if let Some(caller) = self.callers.iter_mut().find(|caller| caller.call == call.0) {
                    caller.language.clone_from(language);
                }
            }
            Fact::Queued {
                call,
                queue,
                service,
                head_start_ms,
                ..
            } => {
                return self.queued(at_us, call.0, queue, service.clone(), *head_start_ms);
            }
            Fact::Offered { call, agent, .. } => return self.offered(at_us, call.0, agent),
            Fact::OfferEnded { call, outcome, .. } => self.offer_ended(at_us, call.0, *outcome),
            Fact::AgentLost { call, agent } => {
                self.back_to_head(at_us, call.0, Some((agent.clone(), at_us + GRACE_US)));
            }
            Fact::Ended { call, .. } => self.forget(call.0),
            Fact::AgentState {
                agent,
                standing,
                why,
            } => {
                self.order += 1;
                let order = self.order;
                if let Some(counsellor) = self
                    .counsellors
                    .iter_mut()
                    .find(|counsellor| counsellor.user == *agent)
                {
                    counsellor.ready = (*standing == Standing::Ready).then_some(order);
                    counsellor.rests_until_us = if why == "withdrawn" {
                        at_us + REST_US
                    } else {
                        0
                    };
                    counsellor.is_on_shift = *standing != Standing::SignedOut;
                }
            }
            Fact::Started { .. }
            | Fact::Answered { .. }
            | Fact::Node { .. }
            | Fact::SpokeAtMenu { .. }
            | Fact::InformationHeard { .. }
            | Fact::Joined { .. }
            | Fact::NoticeHeard { .. }
            | Fact::Recording { .. }
            | Fact::HardCall { .. }
            | Fact::MobileEnded { .. }
            | Fact::MobileRung { .. }
            | Fact::Widened { .. }
            | Fact::Held { .. }
            | Fact::Resumed { .. }
            | Fact::Consulting { .. }
            | Fact::Taken { .. }
            | Fact::JoinedOutside { .. }
            | Fact::PhoneChanged { .. } => {}
        }
        Vec::new()
    }

    /// SIGTERM: served until the limit.
    pub(super) fn on_drain(&mut self, limit_us: u64) {
        self.closes_us.get_or_insert(limit_us);
    }

    /// 6: nobody waits while a fit counsellor is ready.
    pub(super) fn end_of_turn(&self, at_us: u64) -> Vec<(u8, String)> {
        match self.next_pair(at_us) {
            Some((call, agent)) => vec![(
                6,
                format!("call {call:x} waits although {agent} is ready and fit"),
            )],
            None => Vec::new(),
        }
    }

    /// A caller whose party went stands before everybody, for a while only for this counsellor.
    fn back_to_head(&mut self, at_us: u64, call: u64, only: Option<(String, u64)>) {
        if let Some(mut caller) = self.talking.remove(&call) {
            caller.search.entered_us = at_us;
            caller.is_at_head = true;
            caller.is_offered = false;
            caller.only = only;
            self.callers.push(caller);
        }
    }

    fn queued(
        &mut self,
        at_us: u64,
        call: u64,
        queue: &str,
        service: Option<String>,
        head_start_ms: i32,
    ) -> Vec<(u8, String)> {
        let mut found = Vec::new();
        let before = self.talking.remove(&call);
        let only = self.own_number(call, queue);
        if only.is_none() {
            let base = HEAD_STARTS_S
                .iter()
                .find(|(name, _)| *name == queue)
                .map_or(0, |(_, seconds)| *seconds);
            let extra = if before.is_none() && self.last_key.get(&call) == Some(&'0') {
                PERSON_KEY_S
            } else {
                0
            };
            if i64::from(head_start_ms) != (base + extra) * 1_000 {
                found.push((7, format!("head start of {queue} is {head_start_ms} ms")));
            }
        }
        let now_us = i64::try_from(at_us).unwrap_or(i64::MAX);
        let is_passed_on = before.is_some();
        let arrival_us = before.map_or(now_us, |before| before.arrival_us);
        let language = self.languages.get(&call).cloned().unwrap_or_default();
        let search = self.search(
            at_us,
            call,
            queue,
            &language,
            service.as_deref(),
            is_passed_on,
        );
        self.callers.push(Caller {
            search,
            call,
            is_at_head: false,
            arrival_us,
            rank_us: arrival_us - i64::from(head_start_ms) * 1_000,
            language,
            service,
            is_training: self
                .dialled
                .get(&call)
                .is_some_and(|number| number == "9111"),
            only: only.map(|user| (user, u64::MAX)),
            is_offered: false,
        });
        found
    }

    /// A caller of whose centre nobody is on shift who could help begins everywhere, and so does one who is passed on.
    fn search(
        &self,
        at_us: u64,
        call: u64,
        queue: &str,
        language: &str,
        service: Option<&str>,
        is_passed_on: bool,
    ) -> Search {
        let (everywhere_us, anybody_us) = match self.widening.get(queue) {
            Some((everywhere_us, anybody_us)) => (*everywhere_us, *anybody_us),
            None => (0, None),
        };
        let home = self.homes.get(&call).cloned();
        let is_manned = self.counsellors.iter().any(|counsellor| {
            counsellor.is_on_shift
                && !counsellor.is_learning
                && !counsellor.is_reserve
                && Some(&counsellor.centre) == home.as_ref()
                && counsellor.languages.contains_key(language)
                && service.is_none_or(|service| counsellor.services.contains_key(service))
        });
        Search {
            home,
            entered_us: at_us,
            everywhere_us: Some(everywhere_us),
            anybody_us,
            least: u8::from(!is_manned || is_passed_on),
        }
    }

    /// A counsellor's own number is a line for one; in the tests 7001 is the first counsellor's, 7002 the next's.
    fn own_number(&self, call: u64, queue: &str) -> Option<String> {
        if HEAD_STARTS_S.iter().any(|(name, _)| *name == queue) {
            return None;
        }
        let number = self.dialled.get(&call)?.strip_prefix("700")?;
        let at: usize = number.parse().ok()?;
        let counsellor = self.counsellors.get(at.checked_sub(1)?)?;
        Some(counsellor.user.clone())
    }

    /// 7 and 15: the first fit caller in line with the longest-idle fit counsellor.
    fn offered(&mut self, at_us: u64, call: u64, agent: &str) -> Vec<(u8, String)> {
        if self.passing.contains(&call) {
            // The counsellor chose whom to ring; that they are free is another invariant's matter.
            return Vec::new();
        }
        let expected = self.next_pair(at_us);
        let mut found = Vec::new();
        match &expected {
            Some((first, _)) if *first != call => {
                found.push((
                    7,
                    format!("call {call:x} is offered before call {first:x}, whose turn it is"),
                ));
            }
            Some((_, longest)) if longest != agent => {
                found.push((
                    15,
                    format!("{agent} is offered a call before {longest}, who is idle for longer"),
                ));
            }
            Some(_) => {}
            None => found.push((
                7,
                format!("call {call:x} is offered to {agent}, and nobody should be"),
            )),
        }
        if let Some(caller) = self.callers.iter_mut().find(|caller| caller.call == call) {
            caller.is_offered = true;
        }
        found
    }

    fn offer_ended(&mut self, at_us: u64, call: u64, outcome: OfferOutcome) {
        let Some(at) = self.callers.iter().position(|caller| caller.call == call) else {
            return;
        };
        if outcome == OfferOutcome::Answered {
            let caller = self.callers.remove(at);
            let mut caller = caller;
            caller.search.least = caller.search.reach(at_us);
            self.talking.insert(call, caller);
        } else {
            // The old place: nothing about the caller's rank has changed.
            self.callers[at].is_offered = false;
        }
    }

    fn forget(&mut self, call: u64) {
        self.callers.retain(|caller| caller.call != call);
        self.talking.remove(&call);
        self.languages.remove(&call);
        self.last_key.remove(&call);
        self.dialled.remove(&call);
        self.calling.remove(&call);
        self.homes.remove(&call);
        self.passing.remove(&call);
    }

    /// Naively: every caller in order, every counsellor in order.
    fn next_pair(&self, at_us: u64) -> Option<(u64, String)> {
        if self.closes_us.is_some_and(|closes_us| at_us >= closes_us) {
            return None;
        }
        let mut line: Vec<&Caller> = self
            .callers
            .iter()
            .filter(|caller| !caller.is_offered)
            .collect();
        line.sort_by_key(|caller| (!caller.is_at_head, caller.rank_us, caller.call));
        let mut idle: Vec<&Counsellor> = self
            .counsellors
            .iter()
            .filter(|counsellor| {
                counsellor.ready.is_some()
                    && counsellor.contact == Contact::Reachable
                    && !self.calling.values().any(|user| *user == counsellor.user)
                    && at_us >= counsellor.rests_until_us
            })
            .collect();
        idle.sort_by_key(|counsellor| counsellor.ready);
        for caller in line {
            // The best fit; of the equally fit the longest idle, who stands first.
            let fit = idle
                .iter()
                .filter(|counsellor| fits(caller, counsellor, at_us))
                .min_by_key(|counsellor| level(caller, counsellor, at_us));
            if let Some(counsellor) = fit {
                return Some((caller.call, counsellor.user.clone()));
            }
        }
        None
    }
}

fn fits(caller: &Caller, counsellor: &Counsellor, at_us: u64) -> bool {
    if let Some((only, until_us)) = &caller.only
        && at_us < *until_us
    {
        return counsellor.user == *only;
    }
    caller.is_training == counsellor.is_learning
        && counsellor.languages.contains_key(&caller.language)
        && distance(caller, counsellor) <= caller.search.reach(at_us)
}

/// How far the search must go to come to this counsellor.
fn distance(caller: &Caller, counsellor: &Counsellor) -> u8 {
    let takes_service = caller
        .service
        .as_ref()
        .is_none_or(|service| counsellor.services.contains_key(service));
    if !takes_service || counsellor.is_reserve {
        2
    } else {
        u8::from(caller.search.home.as_ref() != Some(&counsellor.centre))
    }
}

/// How well a fit counsellor fits: who is nearer, then who has the skills better. Beyond the service only the
/// language counts.
fn level(caller: &Caller, counsellor: &Counsellor, at_us: u64) -> (u8, u32) {
    if caller
        .only
        .as_ref()
        .is_some_and(|(_, until_us)| at_us < *until_us)
    {
        return (0, 0);
    }
    let distance = distance(caller, counsellor);
    let language = counsellor.languages.get(&caller.language);
    let service = caller
        .service
        .as_ref()
        .filter(|_| distance < 2)
        .and_then(|service| counsellor.services.get(service));
    let levels = language.into_iter().chain(service);
    (distance, levels.map(|level| u32::from(*level)).sum())
}

fn widening(plan: &Plan) -> BTreeMap<String, (u64, Option<u64>)> {
    plan.queues
        .iter()
        .map(|queue| {
            let anybody_us = queue
                .widening
                .anybody_ms
                .map(|at_ms| u64::from(at_ms) * 1_000);
            let everywhere_us = u64::from(queue.widening.everywhere_ms) * 1_000;
            (queue.name.clone(), (everywhere_us, anybody_us))
        })
        .collect()
}

fn counsellors(plan: &Plan) -> Vec<Counsellor> {
    plan.agents
        .iter()
        .map(|agent| Counsellor {
            user: agent.user.clone(),
            languages: agent
                .languages
                .iter()
                .filter_map(|(id, level)| {
                    let language = plan.languages.get(usize::from(id.0))?;
                    Some((language.code.clone(), level.0))
                })
                .collect(),
            services: agent
                .services
                .iter()
                .filter_map(|(id, level)| {
                    let service = plan.services.get(usize::from(id.0))?;
                    Some((service.name.clone(), level.0))
                })
                .collect(),
            is_learning: agent.is_in_training,
            is_reserve: agent.is_reserve,
            centre: plan
                .centres
                .get(usize::from(agent.centre.0))
                .map(|centre| centre.name.clone())
                .unwrap_or_default(),
            is_on_shift: false,
            contact: Contact::Gone,
            ready: None,
            rests_until_us: 0,
        })
        .collect()
}
