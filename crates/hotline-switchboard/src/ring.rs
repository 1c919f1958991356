//! Ringing a counsellor, or somebody outside.

use crate::legs::{Leg, LegState, audio_address};
use crate::switchboard::Switchboard;
use crate::turn::{Effect, Say, Turn};
use hotline_core::{AgentId, CallId, Cause, Input, LegEvent, LegId};
use hotline_media::sdp::Security;
use hotline_media::{Command as MediaCommand, sdp};
use hotline_sip::{Command as SipCommand, MediaKind, Target};
use std::net::IpAddr;

/// What a counsellor's phone shows as the caller's user part: the line, never the caller.
const LINE: &str = "111";

/// Whom a ring is for, and what it says.
pub(crate) struct Callee {
    target: Target,
    /// Display name of From.
    display: String,
    headers: Vec<(String, String)>,
    /// The address that our description names.
    advertise: IpAddr,
    /// Which kinds of description are offered, with what protection.
    kinds: Vec<(MediaKind, Security)>,
    /// A browser may answer.
    has_browsers: bool,
}

impl Switchboard {
    /// All contacts of a counsellor; the first answer wins inside the endpoint. None: the plan has no such counsellor.
    pub(crate) fn counsellor(&self, agent: AgentId, call: CallId) -> Option<Callee> {
        let user = self.users.get(usize::try_from(agent.0).ok()?)?.clone();
        let entry = self.legs.calls.get(&call);
        let label = entry.map_or(LINE, |entry| entry.label.as_str());
        let towards = self.sip.advertise_towards(&user);
        let advertise = audio_address(self.told, towards.unwrap_or(self.advertise));
        let contacts = self.sip.contact_kinds(&user);
        Some(Callee {
            display: format!("{LINE} {label}"),
            headers: vec![("X-Call-ID".into(), call.to_string())],
            advertise,
            kinds: self.srtp.offers().to_vec(),
            has_browsers: contacts.contains(&MediaKind::Browser),
            target: Target::Account(user),
        })
    }

    /// The first of these trunks that takes the call; each says who calls in its own way.
    pub(crate) fn somebody_outside(&self, number: String, trunks: &[String]) -> Callee {
        let known = |name: &String| self.trunks.iter().position(|trunk| trunk == name);
        let trunks: Vec<u16> = trunks
            .iter()
            .filter_map(known)
            .filter_map(|at| u16::try_from(at).ok())
            .collect();
        // The address family by which the first of them is reached.
        let towards = self.sip.advertise_over(&trunks);
        Callee {
            advertise: audio_address(self.told, towards.unwrap_or(self.advertise)),
            target: Target::Trunks { trunks, number },
            display: LINE.into(),
            headers: Vec::new(),
            kinds: vec![(MediaKind::Plain, Security::Follow)],
            has_browsers: false,
        }
    }

    /// Each call has a port kept for its party, so a ring that finds none is a transfer too many, or one that follows
    /// another so closely that the port of that one is still drained: our trouble and nobody's fault. Core gives the
    /// caller back, or makes the offer again in a moment.
    pub(crate) fn ring(&mut self, leg: LegId, call: CallId, callee: Callee, turn: &mut Turn) {
        let Some((worker, port)) = self.legs.port_for_party(call) else {
            turn.says.push(Say::NoMediaPort { leg });
            return self.tell_core(Input::Leg(leg, LegEvent::Down(Cause::Overload)));
        };
        let mut entry = Leg::new(LegState::Ringing, callee.advertise, Security::Follow);
        entry.call = Some(call);
        entry.media = Some((worker, port));
        for (kind, security) in callee.kinds {
            entry.security = security;
            let random = self.secrets.bytes();
            let offer = sdp::offer(&self.capabilities, &entry.local(leg, port, None, &random));
            entry.offers.push((kind, security, offer));
        }
        if callee.has_browsers {
            let random = self.secrets.bytes();
            let local = entry.local(leg, port, None, &random);
            // A guard keeps out what is plain, so there is one only where a browser may answer.
            if let Some(offer) = self.browsers.offer(leg, &self.capabilities, &local) {
                entry.is_guarded = true;
                let kind = MediaKind::Browser;
                entry.offers.push((kind, Security::Follow, offer));
            }
        }
        let offers = entry.offers.iter();
        self.tell_sip(SipCommand::Invite {
            dialog: leg.0,
            target: callee.target,
            from: (callee.display, LINE.into()),
            bodies: offers
                .map(|(kind, _, offer)| (*kind, offer.clone()))
                .collect(),
            headers: callee.headers,
            login: None,
        });
        let plan = sdp::unanswered(&self.capabilities, None);
        let command = MediaCommand::Open {
            leg: leg.0,
            port,
            plan,
        };
        turn.effects.push(Effect::Media { worker, command });
        if entry.is_guarded {
            let command = MediaCommand::Browser {
                leg: leg.0,
                browser: self.browsers.waiting(leg),
            };
            turn.effects.push(Effect::Media { worker, command });
        }
        self.legs.legs.insert(leg, entry);
    }
}
