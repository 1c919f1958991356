//! What stands between the socket of a browser's leg and the leg: demultiplexing (RFC 7983), proof, decryption.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::dtls::{Handshake, Keys};
use super::{BrowserPlan, Identity, stun};
use crate::demultiplex::{self, Kind};

/// State of one leg's ICE and DTLS.
pub struct Guard {
    identity: Arc<Identity>,
    plan: BrowserPlan,
    /// Addresses with an authenticated check, the last heard at the end.
    proven: Vec<SocketAddr>,
    /// Where our packets go.
    selected: Option<SocketAddr>,
    is_nominated: bool,
    handshake: Option<Box<Handshake>>,
    keys: Option<Box<Keys>>,
    /// Handshakes begun anew after one that failed.
    retries: u32,
}

/// What has become of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Belongs to ICE or DTLS, or came too early: nothing for the leg.
    Done,
    /// Of a stranger, forged or repeated.
    Foreign,
    /// RTP or RTCP of the peer, in the clear.
    Clear(Bytes),
}

impl Guard {
    /// Of a leg whose peer has said nothing yet.
    pub fn new(identity: Arc<Identity>, plan: BrowserPlan) -> Self {
        Guard {
            handshake: Handshake::as_server(&identity).map(Box::new),
            identity,
            plan,
            proven: Vec::with_capacity(PROVEN_MAX),
            selected: None,
            is_nominated: false,
            keys: None,
            retries: 0,
        }
    }

    /// The peer's description has come, or a new one of the same session.
    pub fn replan(&mut self, plan: BrowserPlan) {
        self.plan = plan;
    }

    /// Takes a datagram; `send` gets what has to be answered at once.
    pub fn receive(
        &mut self,
        now: Instant,
        source: SocketAddr,
        datagram: &[u8],
        mut send: impl FnMut(&[u8], SocketAddr),
    ) -> Incoming {
        let kind = demultiplex::kind(datagram);
        if kind == Kind::Stun {
            let incoming = self.check(source, datagram, &mut send);
            self.begin(now);
            self.send_flights(&mut send);
            return incoming;
        }
        // CVE-2023-49786 and its kin: who has not shown our password by a check does not take part, whatever it sends.
        if !self.proven.contains(&source) {
            return Incoming::Foreign;
        }
        if kind == Kind::Dtls {
            self.shake(now, datagram);
            self.send_flights(&mut send);
            return Incoming::Done;
        }
        let Some(keys) = self.trusted() else {
            return Incoming::Done;
        };
        let clear = match kind {
            Kind::Rtcp => keys.srtp.open_control(datagram),
            Kind::Rtp => keys.srtp.open(datagram),
            Kind::Stun | Kind::Dtls | Kind::Other => None,
        };
        clear.map_or(Incoming::Foreign, Incoming::Clear)
    }

    /// Encrypts what the leg says; None while there is nobody to send it to.
    pub fn protect(&mut self, clear: &[u8], is_control: bool) -> Option<(Bytes, SocketAddr)> {
        let target = self.selected?;
        let keys = self.trusted()?;
        let sealed = if is_control {
            keys.srtp.seal_control(clear)
        } else {
            keys.srtp.seal(|bytes| bytes.extend_from_slice(clear))
        };
        Some((sealed?, target))
    }

    /// Repeats lost flights of the handshake.
    pub fn tick(&mut self, now: Instant, mut send: impl FnMut(&[u8], SocketAddr)) {
        if self.keys.is_some() {
            return;
        }
        self.begin(now);
        if let Some(handshake) = &mut self.handshake {
            handshake.tick(now);
        }
        self.send_flights(&mut send);
    }

    fn check(
        &mut self,
        source: SocketAddr,
        datagram: &[u8],
        send: &mut impl FnMut(&[u8], SocketAddr),
    ) -> Incoming {
        let crypto = self.identity.provider.crypto();
        let remote = self.plan.remote.as_ref();
        let remote = remote.map(|remote| remote.fragment.as_str());
        let Some(check) = stun::read(datagram, &self.plan.local, remote, crypto) else {
            return Incoming::Foreign;
        };
        if let Some(bytes) = stun::write_success(&check, source, &self.plan.local, crypto) {
            send(&bytes, source);
        }
        self.prove(source);
        // Before the choice the first way serves: its peer is no less proven, and the handshake need not wait.
        if check.is_nominated || !self.is_nominated && self.selected.is_none() {
            self.is_nominated |= check.is_nominated;
            self.selected = Some(source);
        }
        Incoming::Done
    }

    /// A peer that waits for us gets our first flight as soon as there is a way to it.
    fn begin(&mut self, now: Instant) {
        let has_begun = self
            .handshake
            .as_ref()
            .is_some_and(|shake| shake.is_client());
        if self.is_client() && !has_begun && self.keys.is_none() && self.selected.is_some() {
            self.handshake = self.fresh(now);
        }
    }

    fn is_client(&self) -> bool {
        let remote = self.plan.remote.as_ref();
        remote.is_some_and(|remote| remote.is_passive)
    }

    fn fresh(&self, now: Instant) -> Option<Box<Handshake>> {
        let handshake = if self.is_client() {
            Handshake::as_client(&self.identity, now)
        } else {
            Handshake::as_server(&self.identity)
        };
        handshake.map(Box::new)
    }

    fn prove(&mut self, source: SocketAddr) {
        if self.proven.last() == Some(&source) {
            return;
        }
        self.proven.retain(|known| *known != source);
        if self.proven.len() == PROVEN_MAX {
            self.proven.remove(0);
        }
        self.proven.push(source);
    }

    fn shake(&mut self, now: Instant, datagram: &[u8]) {
        // Alerts end nothing: until the keys are there they can be forged, and afterwards BYE says it better.
        if datagram.first() == Some(&ALERT) {
            return;
        }
        let Some(handshake) = &mut self.handshake else {
            return;
        };
        if let Some(keys) = handshake.read(now, datagram)
            && self.keys.is_none()
        {
            self.keys = Some(Box::new(keys));
        }
        let is_stranger = match (&self.keys, &self.plan.remote) {
            (Some(keys), Some(remote)) => keys.peer != remote.fingerprint,
            (Some(_), None) | (None, _) => false,
        };
        // Somebody who knows the password but has another certificate: the peer may still come.
        if is_stranger && self.retries < RETRIES_MAX {
            self.retries += 1;
            self.keys = None;
            self.handshake = self.fresh(now);
        }
    }

    fn send_flights(&mut self, send: &mut impl FnMut(&[u8], SocketAddr)) {
        let (Some(handshake), Some(target)) = (&mut self.handshake, self.selected) else {
            return;
        };
        for _ in 0..FLIGHT_DATAGRAMS_MAX {
            match handshake.take_flight() {
                Some(bytes) => send(&bytes, target),
                None => break,
            }
        }
    }

    /// The keys, if they belong to whom the description names (RFC 5763 §5): before that nothing is heard or said.
    fn trusted(&mut self) -> Option<&mut Keys> {
        let remote = self.plan.remote.as_ref()?;
        let keys = self.keys.as_deref_mut()?;
        (keys.peer == remote.fingerprint).then_some(keys)
    }
}

/// Content type of a record (RFC 8446 §5.1).
const ALERT: u8 = 21;
/// A browser has an address for each of its interfaces.
const PROVEN_MAX: usize = 16;
const RETRIES_MAX: u32 = 3;
/// Our longest flight has three.
const FLIGHT_DATAGRAMS_MAX: usize = 16;
