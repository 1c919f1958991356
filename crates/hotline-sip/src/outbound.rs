//! What a REGISTER says of its way: the proxies behind which a phone lives (Path, RFC 3327), and flows that the phone
//! keeps open itself (outbound, RFC 5626); and what we tell when a device takes the place of another.

use crate::endpoint::{Endpoint, Turn};
use crate::message::{Message, Name, NameAddr, Writer};
use crate::registrar::{Binding, Registrar};
use crate::reply::Request;
use crate::{Event, Output};
use std::net::SocketAddr;

/// The way of a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Road {
    /// Route of requests to it, the first hop first.
    pub(crate) path: Vec<String>,
    /// Which of the device's flows; 0 when it is not kept as one.
    pub(crate) reg_id: u32,
}

impl Endpoint {
    /// The way of one contact of a REGISTER. Err is the status of the refusal.
    pub(crate) fn road(
        &self,
        request: &Request,
        contact: &NameAddr,
        instance: &str,
    ) -> Result<Road, u16> {
        let path = request.message.list(Name::Path).ok_or(400_u16)?;
        let is_fine =
            |route: &String| route.len() <= ROUTE_BYTES_MAX && NameAddr::parse(route).is_some();
        if path.len() > ROUTES_MAX || !path.iter().all(is_fine) {
            return Err(400);
        }
        let named: Option<u32> = contact
            .params
            .value("reg-id")
            .and_then(|id| id.parse().ok());
        let wished = named.filter(|id| *id > 0 && !instance.is_empty());
        let Some(reg_id) = wished.filter(|_| has_option(&request.message, "outbound")) else {
            return Ok(Road { path, reg_id: 0 });
        };
        // RFC 5626 §6: behind a proxy that does not keep flows there is none to rely on.
        let is_first_hop = request.message.list(Name::Via).map_or(0, |vias| vias.len()) == 1;
        let keeps_flow = path
            .first()
            .and_then(|route| NameAddr::parse(route))
            .is_some_and(|route| route.uri.params.contains("ob"));
        if !is_first_hop && !keeps_flow {
            return Err(439);
        }
        // Over UDP its client would ask for STUN (§4.4.2), which we do not speak: it is not told that we keep the flow.
        let is_kept = request.arrival.connection.is_some();
        Ok(Road {
            path,
            reg_id: if is_kept { reg_id } else { 0 },
        })
    }

    /// What the 200 says of it: RFC 3327 §5.3, RFC 5626 §6.
    pub(crate) fn tell_road(&self, user: &str, request: &Request, reply: &mut Writer) {
        for route in request.message.list(Name::Path).unwrap_or_default() {
            reply.header("Path", &route);
        }
        let bindings = self.registrar.bindings.get(user).into_iter().flatten();
        let is_of_this = |binding: &&Binding| {
            binding.call_id == request.heads.call_id && binding.cseq == request.heads.cseq
        };
        if bindings
            .filter(is_of_this)
            .any(|binding| binding.road.reg_id > 0)
        {
            reply
                .header("Require", "outbound")
                .header("Flow-Timer", &FLOW_TIMER_S.to_string());
        }
        reply.header("Supported", "outbound, path");
    }

    /// A live contact had to go for one that registered from `by`.
    pub(crate) fn tell_replaced(
        &self,
        turn: &mut Turn<'_>,
        user: &str,
        replaced: &Binding,
        by: SocketAddr,
    ) {
        turn.out.push(Output::Event(Event::ContactReplaced {
            account: user.to_owned(),
            replaced: replaced.source,
            by,
        }));
    }
}

impl Registrar {
    /// Route values of requests to a contact.
    pub(crate) fn path(&self, user: &str, contact: &str) -> &[String] {
        let bindings = self.bindings.get(user).map_or(&[][..], Vec::as_slice);
        let found = bindings.iter().find(|binding| binding.uri == contact);
        found.map_or(&[], |binding| binding.road.path.as_slice())
    }
}

impl Binding {
    /// RFC 5626 §6: the same flow of the same device, or the device's way without flows before or after.
    pub(crate) fn is_replaced_by(&self, uri: &str, instance: &str, road: &Road) -> bool {
        let is_device = !instance.is_empty() && self.instance == instance;
        let is_flow = self.road.reg_id == road.reg_id || self.road.reg_id == 0 || road.reg_id == 0;
        self.uri == uri || (is_device && is_flow)
    }

    /// Another device than the one that registers now.
    pub(crate) fn is_other_device(&self, instance: &str, source: SocketAddr) -> bool {
        if self.instance.is_empty() && instance.is_empty() {
            return self.source.ip().to_canonical() != source.ip().to_canonical();
        }
        self.instance != instance
    }
}

fn has_option(message: &Message, option: &str) -> bool {
    [Name::Supported, Name::Require].into_iter().any(|name| {
        let options = message.list(name).unwrap_or_default();
        options
            .iter()
            .any(|known| known.eq_ignore_ascii_case(option))
    })
}

/// A phone that keeps a flow pings within this time (RFC 5626 §4.4.1 says how far below it).
const FLOW_TIMER_S: u32 = 120;
/// Proxies between a phone and us.
const ROUTES_MAX: usize = 8;
const ROUTE_BYTES_MAX: usize = 1_024;
