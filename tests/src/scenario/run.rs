//! Plays a script in the world and writes the ladder.

use super::script::{CallerSettings, Deed, Script, default_number};
use crate::world::board::{NORTH_IP, SOUTH_IP, password, server_address};
use crate::world::keeper::Death;
use crate::world::peer::{Login, News, OnChange, OnInvite, Peer};
use crate::world::plan::{self, Settings};
use crate::world::say::{Kind, Line};
use crate::world::sdp::Offer;
use crate::world::{REALM, STORY_US, Trace, World};
use hotline_core::{AgentId, CallId, RequestId};
use hotline_switchboard::Input;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// After the script: everybody hangs up, and this long is waited for everything to be freed.
const WIND_DOWN_US: u64 = 70_000_000;
/// The probe of a phone that is gone takes this long to give up.
const PROBE_US: u64 = 33_000_000;
/// Lines of one story: a story that says more runs in circles.
const LINES_MAX: usize = 2_000;

pub(super) struct Story {
    pub(super) ladder: String,
    pub(super) faults: Vec<String>,
}

/// What a phone does by itself.
#[derive(Clone, Copy, Debug, Default)]
struct Habit {
    answers_after_us: Option<u64>,
    talks_us: Option<u64>,
}

struct Player {
    world: World,
    settings: Settings,
    numbers: BTreeMap<String, String>,
    peers: BTreeMap<String, usize>,
    habits: BTreeMap<usize, Habit>,
    /// Deeds of habits, by time.
    later: BTreeMap<(u64, u64), (usize, Doing)>,
    serial: u64,
    request: u64,
    faults: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Doing {
    Answer,
    HangUp,
}

pub(super) fn run(script: &Script) -> Story {
    let mut player = Player::new(script);
    player.begin(script);
    for deed in &script.deeds {
        player.until(STORY_US + deed.at_us);
        if let Err(fault) = player.deed(deed) {
            player.faults.push(format!("line {}: {fault}", deed.line));
        }
    }
    player.until(STORY_US + script.end_us);
    player.world.sync();
    let rows = player.rows();
    let mut ladder = String::new();
    let lines = std::mem::take(&mut player.world.lines);
    if lines.len() > LINES_MAX {
        player.faults.push(format!("{} lines", lines.len()));
    }
    for line in lines
        .iter()
        .filter(|line| script.shown.contains(&line.kind))
        .take(LINES_MAX)
    {
        ladder.push_str(&Line::print(line));
        ladder.push('\n');
    }
    ladder.push_str(&rows);
    player.world.trace = Trace::Off;
    player.wind_down();
    let faults = player
        .world
        .watch
        .faults
        .iter()
        .filter(|fault| !script.waived.contains(&fault.invariant));
    let mut faults: Vec<String> = faults
        .map(|fault| {
            let at = (fault.at_us.saturating_sub(STORY_US)) as f64 / 1e6;
            format!("invariant {} at {at:.3} s: {}", fault.invariant, fault.text)
        })
        .collect();
    faults.extend(player.faults);
    Story { ladder, faults }
}

impl Player {
    fn new(script: &Script) -> Self {
        let mut world = World::new(script.settings.clone(), 1);
        world.watch.waived.clone_from(&script.waived);
        world.weather.delay_us_min = script.delay_us;
        world.weather.delay_us_max = script.delay_us;
        let mut player = Self {
            world,
            settings: script.settings.clone(),
            numbers: BTreeMap::new(),
            peers: BTreeMap::new(),
            habits: BTreeMap::new(),
            later: BTreeMap::new(),
            serial: 0,
            request: 0,
            faults: Vec::new(),
        };
        for (index, phone) in (1u8..).zip(&script.phones) {
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 2, 0, index)), 5_060);
            let mut peer = Peer::new(&phone.name, address, server_address());
            peer.is_stream = phone.is_stream;
            peer.login = Some(Login {
                user: phone.user.clone(),
                password: password(&phone.user),
                realm: REALM.to_owned(),
            });
            player
                .peers
                .insert(phone.name.clone(), player.world.add_peer(peer));
        }
        for caller in &script.callers {
            player.add_caller(caller);
        }
        player
    }

    fn begin(&mut self, script: &Script) {
        self.world.start();
        for phone in script.phones.iter().filter(|phone| !phone.is_off) {
            let number = self.peers[&phone.name];
            self.world
                .act(number, |peer, now| peer.register(now, 3_600));
            let next = self.world.now_us + 100_000;
            self.until(next);
        }
        self.until(STORY_US);
        self.world.advance_to(STORY_US);
        self.world.trace = Trace::All;
    }

    fn add_caller(&mut self, caller: &CallerSettings) -> usize {
        let port = 6_000 + 2 * u16::try_from(self.peers.len()).unwrap_or(0);
        let ip = match (caller.is_stranger, caller.is_south) {
            (true, _) => IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)),
            (false, true) => SOUTH_IP,
            (false, false) => NORTH_IP,
        };
        let mut peer = Peer::new(&caller.name, SocketAddr::new(ip, port), server_address());
        peer.is_stream = caller.is_stream;
        let number = self.world.add_peer(peer);
        self.peers.insert(caller.name.clone(), number);
        self.numbers
            .insert(caller.name.clone(), caller.number.clone());
        number
    }

    fn peer(&mut self, name: &str) -> usize {
        if let Some(number) = self.peers.get(name) {
            return *number;
        }
        let caller = CallerSettings {
            name: name.to_owned(),
            number: default_number(self.numbers.len()),
            is_south: false,
            is_stranger: false,
            is_stream: false,
        };
        self.add_caller(&caller)
    }

    /// Lets the world go on until then, habits included.
    fn until(&mut self, at_us: u64) {
        loop {
            let next_habit = self.later.keys().next().map(|(at, _)| *at);
            let next_event = self.world.next_at();
            let next = match (next_habit, next_event) {
                (Some(habit), Some(event)) => habit.min(event),
                (Some(at), None) | (None, Some(at)) => at,
                (None, None) => break,
            };
            if next > at_us {
                break;
            }
            if next_event.is_some_and(|event| event <= next) {
                self.world.step();
            } else if let Some(((at, _), (number, doing))) = self.later.pop_first() {
                self.world.advance_to(at);
                self.do_by_habit(number, doing);
            }
            self.notice();
            self.world.judge();
        }
        self.world.advance_to(at_us);
        self.world.judge();
    }

    fn notice(&mut self) {
        for (number, news) in std::mem::take(&mut self.world.news) {
            let habit = self.habits.get(&number).copied().unwrap_or_default();
            match news {
                News::Rings => {
                    if let Some(after) = habit.answers_after_us {
                        self.later(after, number, Doing::Answer);
                    }
                }
                News::Answered(_)
                | News::Cancelled
                | News::Ended
                | News::Refused(_)
                | News::Registered(_)
                | News::Transfer(_)
                | News::TransferRefused(_) => {}
            }
        }
    }

    fn later(&mut self, after_us: u64, number: usize, doing: Doing) {
        self.serial += 1;
        self.later
            .insert((self.world.now_us + after_us, self.serial), (number, doing));
    }

    fn do_by_habit(&mut self, number: usize, doing: Doing) {
        match doing {
            Doing::Answer => {
                if self.world.peer(number).ringing().is_some() {
                    self.world.say_deed(number, "answers");
                    self.world.act(number, |peer, now| {
                        peer.answer(now);
                    });
                    if let Some(talks) = self.habits.get(&number).and_then(|habit| habit.talks_us) {
                        self.later(talks, number, Doing::HangUp);
                    }
                }
            }
            Doing::HangUp => {
                if self.world.peer(number).open().is_some() {
                    self.world.say_deed(number, "hangs up");
                    self.world.act(number, Peer::hang_up);
                }
            }
        }
    }

    fn deed(&mut self, deed: &Deed) -> Result<(), String> {
        let words: Vec<&str> = deed.words.iter().map(String::as_str).collect();
        if deed.who == "server" {
            return self.server_deed(&words);
        }
        let number = self.peer(&deed.who);
        if let ["answers", "after", seconds] = words.as_slice() {
            self.habits.entry(number).or_default().answers_after_us = Some(micros(seconds)?);
            return Ok(());
        }
        if let ["talks", seconds] = words.as_slice() {
            self.habits.entry(number).or_default().talks_us = Some(micros(seconds)?);
            return Ok(());
        }
        self.world.say_deed(number, &words.join(" "));
        self.person_deed(number, &deed.who, &words)?;
        self.notice();
        Ok(())
    }

    fn person_deed(&mut self, number: usize, who: &str, words: &[&str]) -> Result<(), String> {
        let world = &mut self.world;
        match words {
            ["dials", dialled, rest @ ..] => {
                let offer = offer(rest)?;
                let login_user = world
                    .peer(number)
                    .login
                    .as_ref()
                    .map(|login| login.user.clone());
                let from = login_user
                    .unwrap_or_else(|| self.numbers.get(who).cloned().unwrap_or_default());
                world.act(number, |peer, now| peer.dial(now, dialled, &from, offer));
            }
            ["hangs", "up"] => world.act(number, Peer::hang_up),
            ["presses", keys, how @ ..] => {
                let (by_audio, by_info) = match how {
                    [] => (true, false),
                    ["by", "info"] => (false, true),
                    ["by", "both"] => (true, true),
                    _ => return Err(format!("{} is no way to press a key", how.join(" "))),
                };
                for key in keys.chars() {
                    world.press(number, key, by_audio, by_info);
                }
            }
            ["speaks"] => world.speak(number),
            ["loses", "audio"] => world.lose_media(number),
            ["answers"] => {
                let mut rang = false;
                world.act(number, |peer, now| rang = peer.answer(now));
                if !rang {
                    return Err(format!("the phone of {who} does not ring"));
                }
            }
            ["refuses", status] => {
                let status = status
                    .parse()
                    .map_err(|_not_a_status| format!("{status} is no status"))?;
                world.act(number, |peer, now| {
                    peer.refuse(now, status);
                });
            }
            ["is", "busy"] => world.peer(number).on_invite = OnInvite::Refuse(486),
            ["refuses", "all", status] => {
                let status = status
                    .parse()
                    .map_err(|_not_a_status| format!("{status} is no status"))?;
                world.peer(number).on_invite = OnInvite::Refuse(status);
            }
            ["only", "tries"] => world.peer(number).on_invite = OnInvite::TryOnly,
            ["rings", "again"] => world.peer(number).on_invite = OnInvite::Ring,
            ["is", "unplugged"] => world.peer(number).is_dead = true,
            ["bounces"] => world.bouncing[number] = true,
            ["is", "back"] => {
                world.peer(number).is_dead = false;
                world.bouncing[number] = false;
            }
            ["reboots"] => world.peer(number).reboot(),
            ["registers"] => world.act(number, |peer, now| peer.register(now, 3_600)),
            ["unregisters"] => world.act(number, |peer, now| peer.register(now, 0)),
            ["registers", "from", "elsewhere"] => {
                let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 3, 0, 7)), 5_070);
                world.peer(number).reboot();
                world.move_peer(number, address);
                world.act(number, |peer, now| peer.register(now, 3_600));
            }
            ["forgets", "ack"] => world.peer(number).forgets_ack = true,
            ["remembers", "ack"] => world.peer(number).forgets_ack = false,
            ["repeats", "invite"] => world.act(number, |peer, _| peer.repeat_invite()),
            ["cancels", "late"] => world.act(number, Peer::cancel_late),
            ["holds"] => world.act(number, |peer, now| peer.reinvite(now, Offer::Hold)),
            ["resumes"] => world.act(number, |peer, now| peer.reinvite(now, Offer::Normal)),
            ["passes", "to", dialled] => {
                world.act(number, |peer, now| peer.refer(now, dialled));
            }
            ["joins", "the", "calls"] => {
                world.act(number, |peer, now| peer.refer_joined(now, false))
            }
            ["takes", "over", "from", other] => {
                let user = world
                    .peer(number)
                    .login
                    .as_ref()
                    .map(|login| login.user.clone());
                let other = *self.peers.get(*other).ok_or("nobody of that name")?;
                let replaces = world.peer(other).replaceable().ok_or("no talk to take")?;
                let user = user.ok_or("a phone without an account")?;
                world.act(number, |peer, now| {
                    peer.dial_replacing(now, &user, replaces)
                });
            }
            ["offers", "rubbish"] => {
                world.act(number, |peer, now| peer.reinvite(now, Offer::Foreign))
            }
            ["has", "session", "timers"] => world.peer(number).has_session_timers = true,
            ["accepts", "changes", how @ ..] => {
                world.peer(number).on_change = OnChange::Accept(offer(how)?);
            }
            ["refuses", "changes", status] => {
                let status = status
                    .parse()
                    .map_err(|_not_a_status| format!("{status} is no status"))?;
                world.peer(number).on_change = OnChange::Refuse(status);
            }
            ["forges", "bye"] => world.act(number, Peer::forged_bye),
            ["sends", "options"] => {
                world.act(number, |peer, now| peer.bare_request(now, "OPTIONS", &[]))
            }
            ["sends", "message"] => {
                world.act(number, |peer, now| peer.bare_request(now, "MESSAGE", &[]))
            }
            ["sends", "fetch"] => {
                world.act(number, |peer, now| peer.bare_request(now, "FETCH", &[]))
            }
            ["requires", extension] => {
                world.act(number, |peer, now| {
                    peer.bare_request(now, "OPTIONS", &[("Require", extension)])
                });
            }
            ["breaks", "connection"] => world.break_stream(number),
            _ => return Err(format!("{} is no deed", words.join(" "))),
        }
        Ok(())
    }

    fn server_deed(&mut self, words: &[&str]) -> Result<(), String> {
        let kind = Kind::Deed;
        self.world.say("server", kind, words.join(" "));
        match words {
            ["dies"] => self.world.die(Death::Killed),
            ["loses", "power"] => self.world.die(Death::PowerLoss),
            ["starts"] => self.world.start(),
            ["drains", "within", seconds] => {
                let limit_ms = u32::try_from(micros(seconds)? / 1_000).unwrap_or(u32::MAX);
                self.world.handle(Input::Drain { limit_ms });
            }
            ["clock", "steps", seconds] => {
                let step: i64 = seconds
                    .parse()
                    .map_err(|_not_a_number| format!("{seconds} is no number"))?;
                self.world.wall_offset_ms += step * 1_000;
            }
            ["recordings", "fail"] => {
                let now_us = self.world.now_us;
                self.world.media.trouble.is_full = true;
                self.world.media.break_recordings(now_us);
                self.world.after_media();
            }
            ["disk", "is", "full"] => self.world.keeper.disk.set_errors(true),
            ["disk", "is", "well"] => {
                self.world.keeper.disk.set_errors(false);
                self.world.sync();
            }
            ["database", "is", "away"] => self.world.keeper.database.is_away = true,
            ["database", "is", "back"] => self.world.keeper.database.is_away = false,
            ["request", rest @ ..] => self.request(rest)?,
            ["plan", rest @ ..] => self.change_plan(rest)?,
            _ => return Err(format!("{} is no deed of the server", words.join(" "))),
        }
        self.notice();
        Ok(())
    }

    fn request(&mut self, words: &[&str]) -> Result<(), String> {
        use hotline_core::Request;
        let agent = |name: &str, world: &World| {
            let index = world
                .settings
                .agents
                .iter()
                .position(|agent| agent.user == name);
            index
                .and_then(|index| u32::try_from(index).ok())
                .map(AgentId)
                .ok_or_else(|| format!("no counsellor {name}"))
        };
        let request = match words {
            ["ready", name] => Request::Ready {
                agent: agent(name, &self.world)?,
            },
            ["not-ready", name, reason] => Request::NotReady {
                agent: agent(name, &self.world)?,
                reason: (*reason).to_owned(),
            },
            ["sign-in", name] => Request::SignIn {
                agent: agent(name, &self.world)?,
            },
            ["sign-out", name] => Request::SignOut {
                agent: agent(name, &self.world)?,
            },
            ["end-wrap-up", name] => Request::EndWrapUp {
                agent: agent(name, &self.world)?,
            },
            ["hard", name] => Request::Hard {
                agent: agent(name, &self.world)?,
            },
            ["hang-up", name] => Request::HangUp {
                call: self.call_of(name)?,
            },
            _ => return Err("no such request".to_owned()),
        };
        self.request += 1;
        self.world
            .handle(Input::Request(RequestId(self.request), request));
        for (_, result) in std::mem::take(&mut self.world.replies) {
            if let Err(refusal) = result {
                self.world
                    .say("server", Kind::Server, format!("refuses: {refusal:?}"));
            }
        }
        Ok(())
    }

    fn call_of(&mut self, name: &str) -> Result<CallId, String> {
        let number = *self.peers.get(name).ok_or_else(|| format!("no {name}"))?;
        let leg = self
            .world
            .leg_of(number)
            .ok_or_else(|| format!("{name} has no leg"))?;
        let journal = self.world.keeper.journal.as_ref().ok_or("no journal")?;
        let ledger = journal.ledger();
        ledger
            .legs
            .get(&hotline_core::LegId(leg))
            .copied()
            .ok_or_else(|| format!("{name} is in no call"))
    }

    fn change_plan(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["without", name] => self
                .world
                .settings
                .agents
                .retain(|agent| agent.user != *name),
            ["as", "before"] => self.world.settings.clone_from(&self.settings),
            ["ring", seconds] => {
                self.world.settings.ring_ms =
                    u32::try_from(micros(seconds)? / 1_000).unwrap_or(u32::MAX);
            }
            _ => return Err("no such change of plan".to_owned()),
        }
        let plan = plan::plan(&self.world.settings);
        self.world.watch.change_plan(&plan);
        self.world.handle(Input::Plan(Box::new(plan)));
        Ok(())
    }

    /// The rows that the database has at the end, in a line each.
    fn rows(&self) -> String {
        let mut text = String::new();
        for (call, row) in &self.world.keeper.database.rows {
            let record = &row.record;
            let path: String = record.path.iter().map(|press| press.key.key()).collect();
            let language = record.language.as_deref().unwrap_or("vi");
            let fate = record.fate(10_000).map_or("open", hotline_core::Fate::code);
            text.push_str(&format!(
                "row {:<9} {fate} path={path} language={language} queue={} wait={:.1} talk={:.1} offers={} rona={} agent={} notice={} recording={:?} ended by {}: {}\n",
                self.world.call_name(call.0),
                record.queue.as_deref().unwrap_or("-"),
                record.wait_ms as f64 / 1e3,
                record.talk_ms as f64 / 1e3,
                record.offers,
                record.rona,
                record.agent.as_deref().unwrap_or("-"),
                record.notice.map_or("-".to_owned(), |notice| format!("{notice:?}")),
                record.recording,
                record.ended_by.map_or("-".to_owned(), |by| format!("{by:?}")),
                record.cause.map_or("-".to_owned(), |cause| format!("{cause:?}")),
            ));
        }
        text
    }

    /// Everybody hangs up; then all legs, ports, dialogs and rows must be as if nobody had called.
    fn wind_down(&mut self) {
        self.habits.clear();
        self.later.clear();
        self.world.keeper.disk.set_errors(false);
        self.world.keeper.database.is_away = false;
        if self.world.is_down {
            self.world.start();
        }
        for number in 0..self.world.peers.len() {
            self.world.bouncing[number] = false;
            self.world.peer(number).is_dead = false;
            self.world.peer(number).on_invite = OnInvite::Refuse(480);
            self.world.act(number, Peer::hang_up);
        }
        let end_us = self.world.now_us + WIND_DOWN_US;
        self.until(end_us);
        if !self.world.is_endpoint_idle() {
            self.until(end_us + PROBE_US);
        }
        self.world.check_idle();
        let waived: BTreeSet<u8> = self.world.watch.waived.iter().copied().collect();
        self.world
            .watch
            .faults
            .retain(|fault| !waived.contains(&fault.invariant));
    }
}

fn offer(words: &[&str]) -> Result<Offer, String> {
    Ok(match words {
        [] => Offer::Normal,
        ["with", "mulaw"] => Offer::MuLaw,
        ["with", "g729"] => Offer::Foreign,
        ["with", "hold"] => Offer::Hold,
        ["without", "sdp"] => Offer::None,
        ["with", "rubbish"] => Offer::Garbage,
        _ => return Err(format!("{} is no offer", words.join(" "))),
    })
}

fn micros(seconds: &str) -> Result<u64, String> {
    let seconds: f64 = seconds
        .parse()
        .map_err(|_not_a_number| format!("{seconds} is no number"))?;
    Ok((seconds * 1_000_000.0).round() as u64)
}
