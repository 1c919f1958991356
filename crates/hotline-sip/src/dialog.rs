//! Dialogs (RFC 3261 §12): what two peers remember of each other, and requests inside it.

use crate::endpoint::Endpoint;
use crate::message::{Heads, MAGIC_COOKIE, Message, Name, NameAddr, Uri, Writer, uri};
use crate::transport::{Arrival, Hop};
use crate::{ListenerId, Peer, Transport};
use std::net::SocketAddr;

/// The state of RFC 3261 §12.1, and the way that requests take.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    /// Our From inside the dialog, without tag.
    pub(crate) local: String,
    pub(crate) local_tag: String,
    /// Our To inside the dialog, without tag.
    pub(crate) remote: String,
    pub(crate) remote_tag: String,
    pub(crate) local_cseq: u32,
    pub(crate) remote_cseq: Option<u32>,
    pub(crate) target: String,
    pub(crate) routes: Vec<String>,
    pub(crate) hop: Hop,
    /// User part of our Contact.
    pub(crate) user: String,
    /// Phones are reached by the flow that they opened, whatever their Contact says (NAT).
    pub(crate) is_by_flow: bool,
    /// The phone's account: after a restart its next registration shows the new flow.
    pub(crate) account: Option<String>,
}

/// A request that is ready but for its further headers.
pub(crate) struct Draft {
    pub(crate) writer: Writer,
    pub(crate) branch: String,
    pub(crate) hop: Hop,
}

impl Endpoint {
    /// The dialog of an INVITE that we answer (RFC 3261 §12.1.1).
    pub(crate) fn server_dialog(
        &self,
        message: &Message,
        heads: &Heads,
        arrival: &Arrival,
        local_tag: &str,
        peer: &Peer,
    ) -> Dialog {
        let contact = contact_of(message);
        // RFC 2543 peers may leave Contact out: From is all that we have.
        let target = contact.unwrap_or_else(|| heads.from.uri.as_str().to_owned());
        let user = heads
            .uri
            .as_ref()
            .map(|uri| uri.user.clone())
            .unwrap_or_default();
        Dialog {
            call_id: heads.call_id.clone(),
            local: format!("<{}>", heads.to.uri),
            local_tag: local_tag.to_owned(),
            remote: format!("<{}>", heads.from.uri),
            remote_tag: heads.from_tag().to_owned(),
            local_cseq: 0,
            remote_cseq: Some(heads.cseq),
            target,
            routes: message.list(Name::RecordRoute).unwrap_or_default(),
            hop: arrival.hop(),
            user,
            is_by_flow: matches!(peer, Peer::Account(_)),
            account: match peer {
                Peer::Account(user) => Some(user.clone()),
                Peer::Trunk(_) | Peer::Unknown => None,
            },
        }
    }

    /// The dialog of a response to our INVITE (RFC 3261 §12.1.2).
    pub(crate) fn client_dialog(
        &self,
        message: &Message,
        heads: &Heads,
        hop: Hop,
        user: &str,
        is_by_flow: bool,
    ) -> Dialog {
        let mut routes = message.list(Name::RecordRoute).unwrap_or_default();
        routes.reverse();
        let target = contact_of(message).unwrap_or_else(|| heads.to.uri.as_str().to_owned());
        Dialog {
            call_id: heads.call_id.clone(),
            local: format!("<{}>", heads.from.uri),
            local_tag: heads.from_tag().to_owned(),
            remote: format!("<{}>", heads.to.uri),
            remote_tag: heads.to_tag().to_owned(),
            local_cseq: heads.cseq,
            remote_cseq: None,
            target,
            routes,
            hop,
            user: user.to_owned(),
            is_by_flow,
            account: None,
        }
    }

    /// Starts a request inside the dialog (RFC 3261 §12.2.1.1). ACK keeps the CSeq of its INVITE.
    pub(crate) fn draft(&mut self, dialog: &mut Dialog, method: &str) -> Draft {
        if method != "ACK" {
            dialog.local_cseq = dialog.local_cseq.saturating_add(1);
        }
        let (uri, routes) = dialog.path();
        let hop = self.dialog_hop(dialog);
        let branch = self.branch();
        let mut writer = Writer::request(method, &uri);
        writer
            .header("Via", &self.via(hop, &branch))
            .header("Max-Forwards", "70")
            .header(
                "From",
                &format!("{};tag={}", dialog.local, dialog.local_tag),
            );
        let to_tag = if dialog.remote_tag.is_empty() {
            String::new()
        } else {
            format!(";tag={}", dialog.remote_tag)
        };
        writer
            .header("To", &format!("{}{to_tag}", dialog.remote))
            .header("Call-ID", &dialog.call_id)
            .header("CSeq", &format!("{} {method}", dialog.local_cseq));
        for route in &routes {
            writer.header("Route", route);
        }
        writer.header("User-Agent", &self.config.product);
        Draft {
            writer,
            branch,
            hop,
        }
    }

    /// Where a request inside the dialog goes: to the first route or the remote target when that is an
    /// address, else back to where the peer was heard from. Phones are always reached by their flow.
    pub(crate) fn dialog_hop(&self, dialog: &Dialog) -> Hop {
        if dialog.is_by_flow {
            return self.present_hop(dialog);
        }
        let next = match dialog.routes.first() {
            Some(route) => NameAddr::parse(route).map(|route| route.uri),
            None => Uri::parse(&dialog.target),
        };
        let Some((next, ip)) = next.and_then(|next| next.ip().map(|ip| (next, ip))) else {
            return dialog.hop;
        };
        let spoken = self.transport(dialog.hop.listener());
        let transport = match next.transport() {
            // A peer that came by TLS or WebSocket is not followed into the clear (RFC 3261 §26.2.1 in
            // spirit), and nobody can be called up by WebSocket (RFC 7118 §5).
            Some(named) if !spoken.is_secure() && !named.is_web_socket() => named,
            Some(_) | None => spoken,
        };
        if transport.is_web_socket() {
            return dialog.hop;
        }
        let port = next.port.unwrap_or(transport.port_default());
        let address = SocketAddr::new(ip, port);
        let listener = if transport == spoken {
            Some(dialog.hop.listener())
        } else {
            self.listener(transport, address)
        };
        if !transport.is_stream() {
            return listener.map_or(dialog.hop, |listener| Hop::Datagram { listener, address });
        }
        // The connection that is there is used while it lives (RFC 5923 in spirit); the address is for a new one.
        listener.map_or(dialog.hop, |listener| Hop::Stream {
            listener,
            address,
            connection: dialog.hop.connection(),
        })
    }

    pub(crate) fn branch(&mut self) -> String {
        format!("{MAGIC_COOKIE}{}", self.random.token())
    }

    /// Our Via by this hop.
    pub(crate) fn via(&self, hop: Hop, branch: &str) -> String {
        format!(
            "SIP/2.0/{} {};rport;branch={branch}",
            self.transport(hop.listener()).via(),
            self.advertised(hop.listener())
        )
    }

    /// Our Contact by this hop.
    pub(crate) fn contact(&self, hop: Hop, user: &str) -> String {
        let at = if user.is_empty() { "" } else { "@" };
        // `sips:` would promise security to the last hop (RFC 3261 §26.2.2), and phones know `transport=tls`.
        // RFC 7118 §5.2.4: a WebSocket is `ws` in a URI, under TLS or not.
        let transport = match self.transport(hop.listener()) {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
            Transport::Ws | Transport::Wss => ";transport=ws",
        };
        format!(
            "<sip:{user}{at}{}{transport}>",
            self.advertised(hop.listener())
        )
    }

    pub(crate) fn advertised(&self, listener: ListenerId) -> SocketAddr {
        let fallback = SocketAddr::from(([127, 0, 0, 1], uri::PORT_DEFAULT));
        self.config
            .listeners
            .get(usize::from(listener))
            .map_or(fallback, |listener| listener.advertise)
    }

    /// What is spoken on a listener.
    pub(crate) fn transport(&self, listener: ListenerId) -> Transport {
        self.streams.transport(listener)
    }

    /// The first listener for this transport and address family.
    pub(crate) fn listener(&self, transport: Transport, toward: SocketAddr) -> Option<ListenerId> {
        let fits = |listener: &crate::Listener| {
            listener.transport == transport && listener.local.is_ipv4() == toward.is_ipv4()
        };
        self.config
            .listeners
            .iter()
            .position(fits)
            .and_then(|at| ListenerId::try_from(at).ok())
    }
}

impl Dialog {
    /// Request-URI and Route values (RFC 3261 §12.2.1.1): a first route without `lr` is a strict router.
    fn path(&self) -> (String, Vec<String>) {
        let Some((first, rest)) = self.routes.split_first() else {
            return (self.target.clone(), Vec::new());
        };
        match NameAddr::parse(first) {
            Some(strict) if !strict.uri.params.contains("lr") => {
                let mut routes = rest.to_vec();
                routes.push(format!("<{}>", self.target));
                (strict.uri.as_str().to_owned(), routes)
            }
            _ => (self.target.clone(), self.routes.clone()),
        }
    }

    /// A request or response inside the dialog may move the remote target (RFC 3261 §12.2).
    pub(crate) fn refresh(&mut self, message: &Message) {
        if let Some(contact) = contact_of(message) {
            self.target = contact;
        }
    }
}

fn contact_of(message: &Message) -> Option<String> {
    let contact = message.first(Name::Contact)?;
    NameAddr::parse(&contact).map(|contact| contact.uri.as_str().to_owned())
}
