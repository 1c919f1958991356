//! Asks name servers on the pool, never on the control thread. A name server that is slow or dead costs a few
//! places here and nobody's call.

#[cfg(test)]
mod tests;

use crate::shell::control::{Inbox, Message};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use hotline_sip::{Answers, Pointer, Query, Records, Service};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Questions that wait for their turn; beyond it a question counts as not answered, and comes again by itself.
const QUESTIONS_MAX: usize = 256;
/// Questions that are asked at once.
const ASKED_AT_ONCE_MAX: usize = 16;
/// A question is given up after this; the endpoint keeps the answer that it has.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);
/// One try of it.
const TRY_WAIT_MAX: Duration = Duration::from_secs(2);
/// Records of one answer that are passed on.
const RECORDS_MAX: usize = 64;

/// The way to the name servers.
pub(crate) struct Dns {
    sender: Sender<Query>,
}

impl Dns {
    /// The way in, and what [`serve`] reads.
    pub(crate) fn new() -> (Self, Receiver<Query>) {
        let (sender, receiver) = channel(QUESTIONS_MAX);
        (Self { sender }, receiver)
    }

    /// Never waits; false when too many questions wait already.
    pub(crate) fn ask(&self, query: Query) -> bool {
        self.sender.try_send(query).is_ok()
    }
}

/// Asks name servers for whoever may wait.
pub(crate) struct Resolver(TokioResolver);

impl Resolver {
    /// With these servers, or those of the system; None when none is known.
    pub(crate) fn open(servers: &[SocketAddr]) -> Option<Self> {
        resolver(servers).map(Self)
    }

    /// None when no name server says anything in time.
    pub(crate) async fn ask(&self, query: &Query) -> Option<Answers> {
        ask(&self.0, query).await
    }
}

/// Serves until the control thread is gone.
pub(crate) async fn serve(servers: Vec<SocketAddr>, mut questions: Receiver<Query>, inbox: Inbox) {
    let resolver = Resolver::open(&servers).map(Arc::new);
    if resolver.is_none() {
        tracing::error!(
            alarm = "dns",
            "no name server is known: trunks by name are not found"
        );
    }
    let places = Arc::new(Semaphore::new(ASKED_AT_ONCE_MAX));
    let mut asked = tokio::task::JoinSet::new();
    while let Some(query) = questions.recv().await {
        while asked.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let (resolver, inbox) = (resolver.clone(), inbox.clone());
        asked.spawn(async move {
            let answers = match resolver {
                Some(resolver) => resolver.ask(&query).await,
                None => None,
            };
            if answers.is_none() {
                tracing::warn!(?query, "a name server did not answer");
            }
            inbox.send(Message::Resolved { query, answers });
            drop(place);
        });
    }
}

fn resolver(servers: &[SocketAddr]) -> Option<TokioResolver> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio().ok()?
    } else {
        let server = |address: &SocketAddr| {
            let mut server = NameServerConfig::udp_and_tcp(address.ip());
            for connection in &mut server.connections {
                connection.port = address.port();
            }
            server
        };
        let servers = servers.iter().map(server).collect();
        let config = ResolverConfig::from_parts(None, Vec::new(), servers);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    // The endpoint keeps answers itself, and past their time.
    options.cache_size = 0;
    options.timeout = TRY_WAIT_MAX;
    options.attempts = 2;
    builder.build().ok()
}

async fn ask(resolver: &TokioResolver, query: &Query) -> Option<Answers> {
    match query {
        Query::Addresses(name) => {
            // Each on its own: a name server that swallows one kind must not hide the other.
            let (four, six) = tokio::join!(
                records(resolver, name, RecordType::A),
                records(resolver, name, RecordType::AAAA)
            );
            if four.is_none() && six.is_none() {
                return None;
            }
            // "None of this family" has no life of its own.
            let both = [&four, &six].into_iter().flatten();
            let of_some = both.filter(|(found, _)| !found.is_empty());
            let ttl_s = of_some.map(|(_, ttl_s)| *ttl_s).min().unwrap_or(0);
            let found = four.into_iter().chain(six).flat_map(|(found, _)| found);
            let addresses = found.filter_map(|data| match data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            });
            Some(Answers {
                records: Records::Addresses(addresses.take(RECORDS_MAX).collect()),
                ttl_s,
            })
        }
        Query::Pointers(name) => {
            let (found, ttl_s) = records(resolver, name, RecordType::NAPTR).await?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let pointers = found.into_iter().filter_map(|data| match data {
                RData::NAPTR(pointer) => Some(Pointer {
                    order: pointer.order,
                    preference: pointer.preference,
                    flags: text(&pointer.flags),
                    service: text(&pointer.services),
                    replacement: name_of(&pointer.replacement),
                }),
                _ => None,
            });
            Some(Answers {
                records: Records::Pointers(pointers.take(RECORDS_MAX).collect()),
                ttl_s,
            })
        }
        Query::Services(name) => {
            let (found, ttl_s) = records(resolver, name, RecordType::SRV).await?;
            let services = found.into_iter().filter_map(|data| match data {
                RData::SRV(service) => Some(Service {
                    priority: service.priority,
                    weight: service.weight,
                    port: service.port,
                    host: name_of(&service.target),
                }),
                _ => None,
            });
            Some(Answers {
                records: Records::Services(services.take(RECORDS_MAX).collect()),
                ttl_s,
            })
        }
    }
}

/// A name as the endpoint writes it: lower case, no dot at the end; the root stays a dot (RFC 2782).
fn name_of(name: &hickory_resolver::proto::rr::Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    match text.strip_suffix('.') {
        Some("") | None => text,
        Some(name) => name.to_owned(),
    }
}

/// Records of one kind and their shortest life; none with the word of the name server that there are none; None
/// when it said nothing.
async fn records(
    resolver: &TokioResolver,
    name: &str,
    kind: RecordType,
) -> Option<(Vec<RData>, u32)> {
    let asking = resolver.lookup(format!("{name}."), kind);
    let found: Result<Lookup, _> = tokio::time::timeout(ANSWER_WAIT_MAX, asking).await.ok()?;
    match found {
        Ok(lookup) => {
            let answers = lookup.answers();
            let ttl_s = answers.iter().map(|record| record.ttl).min().unwrap_or(0);
            let data = answers.iter().map(|record| record.data.clone());
            Some((data.collect(), ttl_s))
        }
        // "No such name" and "no such records" are answers.
        Err(error) if error.is_no_records_found() => Some((Vec::new(), 0)),
        Err(_) => None,
    }
}
