//! Phones behind a NAT: their flows are kept open, and their dialogs follow them when the flow has moved.

use crate::dialog::Dialog;
use crate::endpoint::{Endpoint, Turn};
use crate::message::Uri;
use crate::registrar::Binding;
use crate::timer::Alarm;
use crate::transport::Hop;

impl Endpoint {
    /// Sees to it that the flows of phones behind a NAT are kept open, now that there may be one.
    pub(crate) fn watch_flows(&mut self, turn: &mut Turn<'_>) {
        let period_ms = self.config.nat_keepalive_ms;
        if period_ms == 0 || self.registrar.keep_open.is_some() {
            return;
        }
        let mut bindings = self.registrar.bindings.values().flatten();
        if bindings.any(Binding::is_behind_nat) {
            let timer = self.timers.arm(turn.now.mono, period_ms, Alarm::KeepOpen);
            self.registrar.keep_open = Some(timer);
        }
    }

    /// OPTIONS to each UDP phone behind a NAT: the request and the phone's answer make the NAT remember the flow. A
    /// phone of which nothing is heard is known to be dead before a caller is offered to it.
    pub(crate) fn keep_flows_open(&mut self, turn: &mut Turn<'_>) {
        self.registrar.keep_open = None;
        let mut due = Vec::new();
        for (user, bindings) in &self.registrar.bindings {
            let natted = bindings
                .iter()
                // Dead ones are probed already.
                .filter(|binding| binding.is_behind_nat() && binding.is_reachable);
            due.extend(natted.map(|binding| (user.clone(), binding.uri.clone(), binding.hop)));
        }
        for (user, contact, hop) in due {
            self.send_probe(turn, user, contact, hop);
        }
        self.watch_flows(turn);
    }

    /// Where the phone of a dialog is now: a registration of the same contact shows where its flow has gone since
    /// (another port of the NAT, another connection).
    pub(crate) fn present_hop(&self, dialog: &Dialog) -> Hop {
        let bindings = dialog
            .account
            .as_ref()
            .and_then(|user| self.registrar.bindings.get(user));
        let target = Uri::parse(&dialog.target);
        let is_same = |binding: &&Binding| {
            let contact = Uri::parse(&binding.uri);
            contact
                .zip(target.as_ref())
                .is_some_and(|(contact, target)| {
                    (&contact.user, &contact.host, contact.port)
                        == (&target.user, &target.host, target.port)
                })
        };
        bindings
            .and_then(|bindings| {
                bindings
                    .iter()
                    .filter(is_same)
                    .max_by_key(|binding| binding.age)
            })
            .map_or(dialog.hop, |binding| binding.hop)
    }
}

impl Binding {
    /// Its datagrams come from elsewhere than its contact says.
    fn is_behind_nat(&self) -> bool {
        let contact = Uri::parse(&self.uri).and_then(|uri| uri.ip());
        !self.hop.is_reliable()
            && contact.map(|ip| ip.to_canonical()) != Some(self.source.ip().to_canonical())
    }
}
