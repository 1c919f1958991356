//! What strangers may cost: bans, buckets, scanners. Trunks and live flows of counsellors never come to harm.

use crate::bans::{BanReason, Banned, Offence};
use crate::endpoint::{Endpoint, Turn};
use crate::flood::Admission;
use crate::message::{Message, Name};
use crate::site::Site;
use crate::transport::Arrival;
use crate::{Event, Now, Output, Rejection};
use std::net::IpAddr;

/// How the endpoint defends itself against people who have proved nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defence {
    /// Who is found scanning, guessing or flooding is not listened to for so long, in milliseconds; 0 = nobody
    /// is banned but by [`Command::Ban`](crate::Command::Ban).
    pub ban_ms: u64,
    /// Parts of User-Agent, lower case, that only scanners have: the first such request already gets silence.
    pub scanners: Vec<String>,
}

impl Default for Defence {
    fn default() -> Self {
        Self {
            ban_ms: BAN_MS,
            scanners: SCANNERS.map(str::to_owned).to_vec(),
        }
    }
}

impl Endpoint {
    /// Whether a request may cost us anything: of trunks always; of registered phones as long as they are not
    /// beside themselves; of strangers as long as the bucket of their site lasts and they are not banned.
    pub(crate) fn admit(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, is_busy: bool) -> bool {
        if !self.is_server() || self.trunk_of(arrival).is_some() {
            return true;
        }
        let site = Site::of(arrival.source.ip());
        let admission = if self.is_live(arrival) {
            // The address of a datagram can be forged: even a phone's own has a limit.
            self.flood_of_phones.admit(turn.now.mono, site)
        } else if self.is_dropped(turn, arrival) {
            return false;
        } else if is_busy {
            Admission::Silenced
        } else {
            self.flood.admit(turn.now.mono, site)
        };
        match admission {
            Admission::Admitted => return true,
            Admission::SilencedFirst => self.rejected(turn, Rejection::Flood, arrival),
            // One event a run: a flood must not become a flood of log lines.
            Admission::Silenced => {
                *self.rejections.entry(Rejection::Flood).or_default() += 1;
                if !is_busy {
                    self.offended(turn, arrival, Offence::Flood);
                }
            }
        }
        false
    }

    /// The flow of a registered phone, or a connection on which somebody has proved a password.
    fn is_live(&self, arrival: &Arrival) -> bool {
        self.registrar.is_contact(arrival.source)
            || arrival
                .connection
                .and_then(|connection| self.streams.get(connection))
                .is_some_and(|stream| stream.is_proved)
    }

    /// A banned site's message, counted; no line in the log.
    fn is_dropped(&mut self, turn: &Turn<'_>, arrival: &Arrival) -> bool {
        let site = Site::of(arrival.source.ip());
        let is_dropped = self
            .bans
            .drops(turn.now.mono, site, arrival.connection.is_some());
        if is_dropped {
            *self.rejections.entry(Rejection::Banned).or_default() += 1;
        }
        is_dropped
    }

    /// A new connection of a banned site is closed before it says anything.
    pub(crate) fn is_unwelcome(&mut self, turn: &Turn<'_>, arrival: &Arrival) -> bool {
        self.is_server()
            && self.trunk_of(arrival).is_none()
            && !self.is_live(arrival)
            && self.is_dropped(turn, arrival)
    }

    /// The request of a scanner: silence at once, and a ban.
    pub(crate) fn is_scanner(
        &mut self,
        turn: &mut Turn<'_>,
        message: &Message,
        arrival: &Arrival,
    ) -> bool {
        if !is_scanning(&self.config.defence.scanners, message) || self.is_live(arrival) {
            return false;
        }
        if !self.is_dropped(turn, arrival) {
            *self.rejections.entry(Rejection::Banned).or_default() += 1;
            self.ban_offender(turn, arrival, BanReason::Scanner);
        }
        true
    }

    /// Notes what a stranger did wrong; too much of it is a ban.
    pub(crate) fn offended(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, offence: Offence) {
        if !self.is_server() || self.trunk_of(arrival).is_some() || self.is_live(arrival) {
            return;
        }
        let site = Site::of(arrival.source.ip());
        if self.offences.add(turn.now.mono, site, offence) {
            self.ban_offender(turn, arrival, offence.reason());
        }
    }

    /// Behind an address with registered counsellors nobody is banned by the machine: one infected computer
    /// must not keep a whole centre from signing in. Its bucket holds it down all the same.
    fn ban_offender(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, reason: BanReason) {
        let site = Site::of(arrival.source.ip());
        let length_ms = self.config.defence.ban_ms;
        if length_ms == 0 || self.registrar.has_contact_at(site) {
            return;
        }
        // A password is answered to our nonce, which only its true address has got.
        let is_proven = arrival.connection.is_some() || reason == BanReason::Passwords;
        if self
            .bans
            .add(turn.now.mono, site, (reason, length_ms), is_proven)
        {
            turn.out.push(Output::Event(Event::Banned {
                address: site.first(),
                reason,
                length_ms,
            }));
        }
    }

    /// A person's ban. A trunk's address cannot be banned.
    pub(crate) fn ban(&mut self, turn: &mut Turn<'_>, address: IpAddr, length_ms: u64) {
        if !self.may_ban(address) {
            return;
        }
        let site = Site::of(address);
        let reason = BanReason::Operator;
        self.bans
            .add(turn.now.mono, site, (reason, length_ms), true);
        turn.out.push(Output::Event(Event::Banned {
            address: site.first(),
            reason,
            length_ms,
        }));
    }

    pub(crate) fn unban(&mut self, address: IpAddr) {
        self.bans.remove(Site::of(address));
    }

    /// False for the address of a carrier, and for a /64 with one in it: callers come from there.
    #[must_use]
    pub fn may_ban(&self, address: IpAddr) -> bool {
        let site = Site::of(address);
        let mut sources = self.config.trunks.iter().flat_map(|trunk| &trunk.sources);
        !sources.any(|(known, _)| Site::of(*known) == site)
    }

    /// Bans in force, by address.
    #[must_use]
    pub fn bans(&self, now: Now) -> Vec<Banned> {
        self.bans.list(now.mono)
    }
}

/// What scanners give themselves away by: their program's name, or the name that the best known one writes
/// into From.
fn is_scanning(scanners: &[String], message: &Message) -> bool {
    let agent = message.other("User-Agent").unwrap_or_default();
    let agent = agent.to_ascii_lowercase();
    let from = message.value(Name::From).unwrap_or_default();
    let from = from.to_ascii_lowercase();
    let is_agent = |scanner: &String| agent.contains(scanner.as_str());
    scanners.iter().any(is_agent) || FROM_SCANNERS.iter().any(|name| from.contains(name))
}

/// Long enough that a scanner moves on, short enough that a mistake heals by itself.
const BAN_MS: u64 = 600_000;
/// Programs that are known for nothing else. Tools of people who look after servers (sipsak, SIPp) are not
/// here: strangers with them get what strangers get.
const SCANNERS: [&str; 17] = [
    "friendly-request",
    "friendly-scanner",
    "gulp",
    "iwar",
    "pplsip",
    "sip-scan",
    "sipbomber",
    "sipcli",
    "siparmyknife",
    "sipptk",
    "siprogue",
    "sipvicious",
    "sivus",
    "smap",
    "sundayddr",
    "vaxipuseragent",
    "vaxsipuseragent",
];
const FROM_SCANNERS: [&str; 2] = ["sipvicious", "friendly-scanner"];
