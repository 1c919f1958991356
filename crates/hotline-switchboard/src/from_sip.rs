//! What the SIP endpoint says becomes inputs of core, commands for media, and things to keep.

use crate::legs::{DigitPath, Leg, LegState, Offer, audio_address};
use crate::number::Numbers;
use crate::switchboard::Switchboard;
use crate::turn::{Effect, Say, Turn};
use hotline_core::{
    Arrival, CallerNumber, Cause, Contact, Digit, EdgeFact, Input, LegEvent, LegId, Now, Origin,
    TransferTarget,
};
use hotline_sip::{
    CarrierNote, Command as SipCommand, ContactState, Event, Failure, Invitation, Output, Peer,
    Referral, Table,
};

impl Switchboard {
    pub(crate) fn on_sip(&mut self, now: Now, output: Output, turn: &mut Turn) {
        match output {
            Output::Close { .. }
            | Output::Connect { .. }
            | Output::Datagram { .. }
            | Output::Resolve { .. }
            | Output::Stream { .. } => {
                turn.effects.push(Effect::Sip(output));
            }
            Output::Event(event) => self.on_event(now, event, turn),
            Output::Keep(keep) => turn.frame.edge.push(EdgeFact::Keep(hotline_core::Keep {
                table: table_number(keep.table),
                key: keep.key,
                value: keep.value,
            })),
        }
    }

    fn on_event(&mut self, now: Now, event: Event, turn: &mut Turn) {
        match event {
            Event::Acknowledged { dialog, body } => {
                self.on_acknowledged(LegId(dialog), body.as_deref(), turn)
            }
            Event::Answered {
                dialog,
                body,
                kind,
                source,
            } => self.on_answered(LegId(dialog), (kind, &body), source.ip(), turn),
            Event::Banned {
                address,
                reason,
                length_ms,
            } => turn.says.push(Say::Banned {
                address,
                reason,
                length_ms,
            }),
            Event::Contact { account, state } => self.on_contact(account, state, turn),
            Event::ContactReplaced {
                account,
                replaced,
                by,
            } => turn.says.push(Say::ContactReplaced {
                account,
                replaced: replaced.ip(),
                by: by.ip(),
            }),
            Event::Digit { dialog, digit } => {
                self.on_digit(now, LegId(dialog), digit, DigitPath::Info)
            }
            Event::Ended { dialog, is_by_peer } => self.on_ended(LegId(dialog), is_by_peer, turn),
            Event::Failed { dialog, failure } => {
                self.on_gone(LegId(dialog), cause_of(failure), turn)
            }
            Event::Invited(invitation) => self.on_invited(*invitation, turn),
            // Only softphones register themselves.
            Event::Registered { .. } | Event::ReferProgress { .. } => {}
            Event::ReinviteAnswered { dialog, body, .. } => {
                self.on_reinvite_answered(LegId(dialog), body.as_deref(), turn)
            }
            Event::Referred(referral) => self.on_referred(referral),
            Event::Reinvited { dialog, body } => self.on_reinvited(LegId(dialog), body, turn),
            Event::Trunk { trunk, state } => {
                let name = self.trunks.get(usize::from(trunk));
                turn.says.push(Say::Trunk {
                    trunk: name.cloned().unwrap_or_default(),
                    state,
                });
            }
            Event::Rejected { rejection, source } => {
                turn.says.push(Say::Refused { rejection, source })
            }
            Event::Ringing { dialog, .. } => {
                self.tell_core(Input::Leg(LegId(dialog), LegEvent::Ringing))
            }
        }
    }

    /// A trunk's way of writing numbers; phones have none of their own.
    fn numbers_of(&self, peer: &Peer) -> Numbers {
        match peer {
            Peer::Trunk(trunk) => {
                let numbers = self.numbers.get(usize::from(*trunk));
                numbers.cloned().unwrap_or_default()
            }
            Peer::Account(_) | Peer::Unknown => Numbers::default(),
        }
    }

    fn on_invited(&mut self, invitation: Invitation, turn: &mut Turn) {
        let leg = LegId(invitation.dialog);
        let ours = self.srtp.offer_to(&invitation.peer, invitation.transport);
        let follows = self.srtp.towards(&invitation.peer);
        let numbers = self.numbers_of(&invitation.peer);
        let caller = numbers.caller(&invitation.caller);
        let dialled = numbers.dialled(&invitation.dialled);
        let mut centre = None;
        if let Some(note) = &invitation.carrier {
            let region = numbers.region(&invitation, note, &caller);
            // A region that bears a centre's name is the caller's home.
            let named = region.as_ref().and_then(|region| self.centres.get(region));
            centre = named.copied();
            turn.frame.edge.push(said(leg, note, region));
        }
        let origin = match invitation.peer {
            Peer::Account(user) => Origin::Account(user),
            Peer::Trunk(trunk) => Origin::Trunk(
                self.trunks
                    .get(usize::from(trunk))
                    .cloned()
                    .unwrap_or_default(),
            ),
            // The endpoint challenges strangers; one that comes through is a fault and is refused.
            Peer::Unknown => {
                self.tell_sip(SipCommand::Reject {
                    dialog: leg.0,
                    status: 403,
                    retry_after_s: None,
                    reason: None,
                });
                return;
            }
        };
        if !invitation.diversion.is_empty() {
            turn.frame.edge.push(EdgeFact::Diverted {
                leg,
                values: invitation
                    .diversion
                    .into_iter()
                    .map(CallerNumber::new)
                    .collect(),
            });
        }
        // Another body type is refused by the endpoint (415); what is left is an SDP or nothing.
        let (offer, security) = match (invitation.body, ours) {
            (Some((_, body)), _) => (Offer::Theirs(body), follows),
            (None, Some((kind, security))) => (Offer::Ours(kind), security),
            (None, None) => (Offer::None, follows),
        };
        let state = LegState::Invited {
            offer,
            source: invitation.source.ip(),
        };
        let replaces = invitation.replaces.map(LegId);
        let advertise = audio_address(self.told, invitation.advertise.ip());
        let mut entry = Leg::new(state, advertise, security);
        entry.keys = numbers.keys;
        // A leg that takes the place of another belongs to its call, so it lives on the same worker.
        let old = replaces.and_then(|old| self.legs.legs.get(&old));
        entry.call = old.and_then(|old| old.call);
        self.legs.legs.insert(leg, entry);
        let caller = CallerNumber::new(caller);
        self.tell_core(Input::Leg(
            leg,
            LegEvent::Arrived(Arrival {
                origin,
                dialled,
                caller,
                replaces,
                centre,
            }),
        ));
    }

    /// A phone wants its call passed on; core knows whether it may.
    fn on_referred(&mut self, referral: Referral) {
        let leg = LegId(referral.dialog);
        if !self.legs.legs.contains_key(&leg) {
            // The leg ended in this very moment (RFC 3261 §12.2.2).
            return self.tell_sip(SipCommand::AnswerRefer {
                dialog: referral.dialog,
                status: 481,
            });
        }
        let target = match referral.replaces {
            Some(consult) => TransferTarget::Leg(LegId(consult)),
            None => TransferTarget::Number(referral.number),
        };
        self.tell_core(Input::Leg(leg, LegEvent::TransferAsked(target)));
    }

    fn on_ended(&mut self, leg: LegId, is_by_peer: bool, turn: &mut Turn) {
        let Some(entry) = self.legs.legs.get(&leg) else {
            return;
        };
        let cause = match (&entry.state, is_by_peer) {
            (LegState::Invited { .. }, true) => Cause::CallerGone,
            (LegState::Offered | LegState::Ringing | LegState::Up, true) => Cause::NormalClearing,
            (_, false) => Cause::Lost,
        };
        self.on_gone(leg, cause, turn);
    }

    /// The dialog is no more: close media, tell core. A leg that we ended ourselves is not in the table.
    fn on_gone(&mut self, leg: LegId, cause: Cause, turn: &mut Turn) {
        if self.legs.legs.contains_key(&leg) {
            self.close_leg(leg, turn);
            self.tell_core(Input::Leg(leg, LegEvent::Down(cause)));
        }
    }

    pub(crate) fn on_digit(&mut self, now: Now, leg: LegId, digit: char, path: DigitPath) {
        let Some(entry) = self.legs.legs.get_mut(&leg) else {
            return;
        };
        let Some(key) = Digit::new(digit) else { return };
        if entry.is_new_press(digit, path, now.mono) {
            self.tell_core(Input::Leg(leg, LegEvent::Digit(key)));
        }
    }

    fn on_contact(&mut self, account: String, state: ContactState, turn: &mut Turn) {
        let (contact, word) = match state {
            ContactState::Gone => (Contact::Gone, "gone"),
            ContactState::Reachable => (Contact::Reachable, "reachable"),
            ContactState::Unreachable => (Contact::Unreachable, "unreachable"),
        };
        if contact == Contact::Gone {
            self.contacts.remove(&account);
        } else {
            self.contacts.insert(account.clone(), contact);
        }
        if let Some(agent) = self.agents.get(&account) {
            self.unheard.remove(agent);
            self.tell_core(Input::Contact(*agent, contact));
        }
        turn.says.push(Say::Contact {
            account,
            state: word,
        });
    }
}

/// What is kept of a carrier's words: they may tell where a child is, so they mask themselves.
fn said(leg: LegId, note: &CarrierNote, region: Option<String>) -> EdgeFact {
    let location = note.location.as_deref().map(String::from_utf8_lossy);
    let geolocation = note.geolocation.iter().cloned();
    EdgeFact::CarrierSaid {
        leg,
        caller: CallerNumber::new(note.caller_uri.clone()),
        is_private: note.is_private,
        region,
        geolocation: geolocation.map(CallerNumber::new).collect(),
        location: location.map(|location| CallerNumber::new(location.into_owned())),
    }
}

fn cause_of(failure: Failure) -> Cause {
    match failure {
        Failure::Busy => Cause::Busy,
        Failure::Cancelled => Cause::CallerGone,
        Failure::Declined(_) => Cause::Declined,
        Failure::Unreachable(_) => Cause::Unreachable,
    }
}

const fn table_number(table: Table) -> u8 {
    match table {
        Table::Binding => 1,
        Table::Dialog => 2,
        Table::Secret => 3,
    }
}

/// None for a table of a newer version.
pub(crate) const fn table_from_number(number: u8) -> Option<Table> {
    match number {
        1 => Some(Table::Binding),
        2 => Some(Table::Dialog),
        3 => Some(Table::Secret),
        _ => None,
    }
}
