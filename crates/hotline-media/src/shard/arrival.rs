//! The way of a datagram that has come: proof, form, order, and who hears it.

use std::net::SocketAddr;

use bytes::Bytes;

use super::Shard;
use crate::control;
use crate::demultiplex::{self, Kind};
use crate::leg::{Flow, Hearing, Leg};
use crate::message::{Codec, Event, LegPlan};
use crate::output::{Output, Slot};
use crate::packet::{self, PAYLOAD_BYTES_MAX, View};
use crate::receive::Arrival;
use crate::rule_m::{Load, Verdict};
use crate::srtp::Cover;
use crate::time::Mono;
use crate::voice::level_of_codes;

impl Shard {
    pub(super) fn packet(
        &mut self,
        now: Mono,
        slot: Slot,
        source: SocketAddr,
        datagram: &[u8],
        out: &mut Output,
    ) {
        let Some(leg) = self.at(slot) else { return };
        match demultiplex::kind(datagram) {
            Kind::Rtp => {}
            Kind::Rtcp => {
                // RFC 5761, even without being asked; some gateways do it. Keys prove it wherever it comes from.
                if Some(source) == leg.gate.target() || matches!(leg.cover, Cover::Sdes(_)) {
                    self.control(now, slot, source, datagram, out);
                } else {
                    leg.count_foreign(now, out);
                }
                return;
            }
            // A leg that has ICE and DTLS has them before it; here nobody speaks them but strangers and the lost.
            Kind::Stun | Kind::Dtls | Kind::Other => {
                if leg.gate.expects(source) {
                    leg.malformed += 1;
                } else {
                    leg.count_foreign(now, out);
                }
                return;
            }
        }
        let opened;
        let (datagram, is_proven) = match open(leg, now, source, datagram) {
            Opened::Plain => (datagram, false),
            Opened::Proven(plain) => {
                opened = plain;
                (&opened[..], true)
            }
            Opened::Dropped { is_stranger } => {
                if is_stranger {
                    leg.count_foreign(now, out);
                }
                return;
            }
        };
        let Some(view) = packet::read(datagram) else {
            leg.malformed += 1;
            return;
        };
        let payload = &datagram[view.payload.clone()];
        let format = Format::of(&leg.plan, view.payload_type, payload.len());
        let verdict = if is_proven {
            leg.gate.judge_proven(now, source, &view, format.load())
        } else {
            leg.gate.judge(now, source, &view, format.load())
        };
        match verdict {
            Verdict::Accept => self.accept(now, slot, &view, format, payload, out),
            Verdict::Wait => {}
            Verdict::Foreign => leg.count_foreign(now, out),
        }
    }

    pub(super) fn control(
        &mut self,
        now: Mono,
        slot: Slot,
        source: SocketAddr,
        datagram: &[u8],
        out: &mut Output,
    ) {
        let Some(leg) = self.at(slot) else { return };
        let opened;
        let datagram = match &mut leg.cover {
            Cover::Closed => return,
            Cover::None if !leg.gate.admits_control(source) => {
                leg.count_foreign(now, out);
                return;
            }
            Cover::None => datagram,
            Cover::Sdes(guard) => match guard.open_control(datagram) {
                Some(plain) => {
                    opened = plain;
                    &opened[..]
                }
                None => {
                    leg.unauthentic += 1;
                    if !leg.gate.expects(source) {
                        leg.count_foreign(now, out);
                    }
                    return;
                }
            },
        };
        let Some(heard) = control::read(now, datagram, leg.line.ssrc(), leg.gate.ssrc()) else {
            leg.malformed += 1;
            return;
        };
        // Another port than the described one is a NAT's only if the peer itself speaks out of it.
        if heard.is_peer {
            leg.control_source = Some(source);
        }
        leg.hear_report(&heard);
    }

    fn accept(
        &mut self,
        now: Mono,
        slot: Slot,
        view: &View,
        format: Format,
        payload: &[u8],
        out: &mut Output,
    ) {
        let Some(leg) = self.at(slot) else { return };
        if format == Format::Unknown {
            leg.malformed += 1;
            return;
        }
        // Keys with an SSRC of their own stand beside the audio: its numbers go on.
        let is_beside = format == Format::Event && leg.gate.ssrc() != Some(view.ssrc);
        let arrival = if is_beside {
            leg.reception.arrive_beside(now)
        } else {
            leg.reception.arrive(now, view, format != Format::Event)
        };
        if arrival == Arrival::Old {
            return;
        }
        if leg.flow != Flow::Flowing {
            leg.flow = Flow::Flowing;
            out.events.push(Event::Flowing { leg: leg.id });
        }
        match format {
            Format::Audio(codec) if leg.plan.direction.receives() => {
                if arrival == Arrival::Restart {
                    self.release_listener(slot);
                }
                self.audio(now, slot, view, codec, payload, out);
            }
            Format::Audio(_) | Format::Comfort | Format::Unknown => {}
            // A key counts on hold too: it may be the only thing that a caller can say.
            Format::Event => {
                let Some(digit) = leg.digits.receive(now, view.ssrc, view.timestamp, payload)
                else {
                    return;
                };
                leg.on_key(now, digit, false, out);
            }
        }
    }

    /// The leg counts anew: whoever hears it forgets how its numbers went.
    fn release_listener(&mut self, slot: Slot) {
        let Some(leg) = self.at(slot) else { return };
        match leg.hearing {
            Hearing::Bed => {}
            Hearing::Echo => leg.line.release(),
            Hearing::Partner { slot: partner, .. } => {
                if let Some(partner) = self.at(partner) {
                    partner.line.release();
                }
            }
        }
    }

    fn audio(
        &mut self,
        now: Mono,
        slot: Slot,
        view: &View,
        codec: Codec,
        payload: &[u8],
        out: &mut Output,
    ) {
        let Some(leg) = self.at(slot) else { return };
        let is_voice = match codec.law() {
            Some(law) => {
                if let Some(tap) = &mut leg.tap {
                    tap.say(now, view.ssrc, view.timestamp, law, payload);
                }
                let table = law.to_linear();
                let samples = payload.iter().map(|code| table[usize::from(*code)]);
                if let Some(digit) = leg.hear_keys(samples) {
                    leg.on_key(now, digit, true, out);
                }
                let level = level_of_codes(table, payload);
                leg.listener.hear(now, level, payload.len() as u32)
            }
            None => false,
        };
        let wants = self.wants(slot);
        let Some(leg) = self.at(slot) else { return };
        leg.listen(now, view.timestamp, codec, payload, wants);
        match leg.hearing {
            Hearing::Bed => {
                if is_voice {
                    out.events.push(Event::Voice { leg: leg.id });
                }
            }
            Hearing::Echo => {
                if !leg.is_busy() && leg.takes(codec) {
                    leg.pass_on(now, view, codec, payload, out);
                }
            }
            Hearing::Partner { slot: partner, .. } => {
                let Some(partner) = self.at(partner) else {
                    return;
                };
                if let Hearing::Partner { passed_at, .. } = &mut partner.hearing {
                    *passed_at = Some(now);
                }
                if !partner.is_busy() && partner.takes(codec) {
                    partner.pass_on(now, view, codec, payload, out);
                }
            }
        }
    }
}

/// What the leg's keys say of a datagram.
enum Opened {
    /// The leg has none.
    Plain,
    /// It is the peer's.
    Proven(Bytes),
    /// It is not, or cannot be known.
    Dropped {
        /// It comes from where the peer is not expected.
        is_stranger: bool,
    },
}

/// A wrong key or a damaged packet is counted, and nothing else comes of it (CVE-2021-41105).
fn open(leg: &mut Leg, now: Mono, source: SocketAddr, datagram: &[u8]) -> Opened {
    let guard = match &mut leg.cover {
        Cover::Closed => return Opened::Dropped { is_stranger: false },
        Cover::None => return Opened::Plain,
        Cover::Sdes(guard) => guard,
    };
    let is_expected = leg.gate.expects(source);
    let is_tried = is_expected || guard.knows(datagram) || leg.trials.take(now);
    if is_tried && let Some(plain) = guard.open(datagram) {
        return Opened::Proven(plain);
    }
    leg.unauthentic += 1;
    Opened::Dropped {
        is_stranger: !is_expected,
    }
}

/// What a payload type means on a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Audio(Codec),
    /// Comfort noise (RFC 3389): the peer is silent.
    Comfort,
    Event,
    Unknown,
}

impl Format {
    fn load(self) -> Load {
        match self {
            Format::Audio(_) | Format::Comfort => Load::Audio,
            Format::Event => Load::Event,
            Format::Unknown => Load::Unknown,
        }
    }

    fn of(plan: &LegPlan, payload_type: u8, length: usize) -> Format {
        if plan.event_receive == Some(payload_type) {
            return Format::Event;
        }
        if payload_type == COMFORT_NOISE {
            return Format::Comfort;
        }
        // RFC 3264 §6.1 lets a peer change between agreed formats at any moment; either law is read as what it is
        // even where only the other was agreed, for it costs nothing.
        let other = Codec::of_static_payload_type(payload_type)
            .filter(|codec| codec.law().is_some() && plan.codec.law().is_some());
        let codec = match other {
            _ if payload_type == plan.payload_type_receive => plan.codec,
            Some(codec) => codec,
            // Some answer with a number of their own and then send with it too.
            None if payload_type == plan.payload_type => plan.codec,
            None => return Format::Unknown,
        };
        if (1..=PAYLOAD_BYTES_MAX).contains(&length) {
            Format::Audio(codec)
        } else {
            Format::Unknown
        }
    }
}

const COMFORT_NOISE: u8 = 13;
