//! What name servers say, and what they do not say, asked over the loopback.

use super::*;
use hickory_resolver::proto::op::{Message as Dns, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, Record};
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

/// What is said to a question.
enum Said {
    /// Records and the life of each; none is "not of this kind".
    Records(Vec<(RData, u32)>),
    /// NXDOMAIN.
    NoSuchName,
    /// SERVFAIL.
    Broken,
    /// Nothing.
    Silence,
}

/// A name server whose whole wisdom is a function.
struct NameServer {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    fn start(wisdom: fn(&str, RecordType) -> Said) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let address = socket.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while !ends.load(Ordering::Relaxed) {
                let Ok((length, client)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let question = Dns::from_vec(&buffer[..length]).unwrap();
                if let Some(answer) = answer(&question, wisdom) {
                    socket.send_to(&answer, client).unwrap();
                }
            }
        });
        Self {
            address,
            is_over,
            thread: Some(thread),
        }
    }

    /// What comes of a question, and how long it took.
    fn ask(&self, query: Query) -> (Option<Answers>, Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let began = Instant::now();
        let answers = runtime.block_on(async {
            let resolver = resolver(&[self.address]).unwrap();
            ask(&resolver, &query).await
        });
        (answers, began.elapsed())
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn answer(question: &Dns, wisdom: fn(&str, RecordType) -> Said) -> Option<Vec<u8>> {
    let asked = question.queries.first()?.clone();
    let name = asked.name().to_ascii();
    let mut answer = Dns::response(question.metadata.id, question.metadata.op_code);
    match wisdom(name.trim_end_matches('.'), asked.query_type()) {
        Said::Records(records) => {
            let record = |(data, ttl_s)| Record::from_rdata(asked.name().clone(), ttl_s, data);
            answer.add_answers(records.into_iter().map(record));
        }
        Said::NoSuchName => answer.metadata.response_code = ResponseCode::NXDomain,
        Said::Broken => answer.metadata.response_code = ResponseCode::ServFail,
        Said::Silence => return None,
    }
    answer.queries.push(asked);
    Some(answer.to_vec().unwrap())
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn four(last: u8) -> RData {
    RData::A(A(Ipv4Addr::new(10, 0, 0, last)))
}

fn addresses(answers: Option<Answers>) -> (Vec<String>, u32) {
    let Some(Answers {
        records: Records::Addresses(found),
        ttl_s,
    }) = answers
    else {
        panic!("no addresses: {answers:?}")
    };
    (found.iter().map(IpAddr::to_string).collect(), ttl_s)
}

#[test]
fn addresses_of_both_families_are_passed_on_with_the_shortest_life() {
    let server = NameServer::start(|_, kind| match kind {
        RecordType::A => Said::Records(vec![(four(1), 300), (four(2), 120)]),
        RecordType::AAAA => Said::Records(vec![(RData::AAAA(AAAA(Ipv6Addr::LOCALHOST)), 600)]),
        _ => Said::NoSuchName,
    });
    let (answers, _) = server.ask(Query::Addresses("sbc.carrier.test".to_owned()));
    let (found, ttl_s) = addresses(answers);
    assert_eq!(found, ["10.0.0.1", "10.0.0.2", "::1"]);
    assert_eq!(ttl_s, 120);
}

#[test]
fn a_family_that_is_not_there_does_not_shorten_the_life_of_the_other() {
    let server = NameServer::start(|_, kind| match kind {
        RecordType::A => Said::Records(vec![(four(1), 300)]),
        _ => Said::Records(Vec::new()),
    });
    let (answers, _) = server.ask(Query::Addresses("sbc.carrier.test".to_owned()));
    assert_eq!(addresses(answers), (vec!["10.0.0.1".to_owned()], 300));
}

#[test]
fn a_name_server_that_swallows_questions_for_ipv6_hides_no_ipv4() {
    let server = NameServer::start(|_, kind| match kind {
        RecordType::A => Said::Records(vec![(four(1), 300)]),
        _ => Said::Silence,
    });
    let (answers, waited) = server.ask(Query::Addresses("sbc.carrier.test".to_owned()));
    assert_eq!(addresses(answers).0, ["10.0.0.1"]);
    assert!(waited <= ANSWER_WAIT_MAX + TRY_WAIT_MAX, "{waited:?}");
}

#[test]
fn services_and_pointers_come_with_all_that_decides_their_order() {
    let server = NameServer::start(|asked, kind| match (asked, kind) {
        ("_sip._udp.carrier.test", RecordType::SRV) => Said::Records(vec![
            (
                RData::SRV(SRV::new(20, 5, 5080, name("B.Carrier.test."))),
                60,
            ),
            (
                RData::SRV(SRV::new(10, 0, 5070, name("a.carrier.test."))),
                30,
            ),
            (RData::SRV(SRV::new(30, 0, 0, Name::root())), 90),
        ]),
        ("carrier.test", RecordType::NAPTR) => {
            let pointer = |order, service: &str, to| {
                let (flags, service) = (b"s".to_vec().into(), service.as_bytes().to_vec().into());
                let data = NAPTR::new(order, 50, flags, service, Box::default(), name(to));
                (RData::NAPTR(data), 3_600)
            };
            Said::Records(vec![
                pointer(20, "SIP+D2T", "_sip._tcp.carrier.test."),
                pointer(10, "SIP+D2U", "_SIP._udp.carrier.test."),
            ])
        }
        _ => Said::NoSuchName,
    });
    let (services, _) = server.ask(Query::Services("_sip._udp.carrier.test".to_owned()));
    let service = |priority, weight, port, host: &str| Service {
        priority,
        weight,
        port,
        host: host.to_owned(),
    };
    assert_eq!(
        services,
        Some(Answers {
            records: Records::Services(vec![
                service(20, 5, 5080, "b.carrier.test"),
                service(10, 0, 5070, "a.carrier.test"),
                service(30, 0, 0, "."),
            ]),
            ttl_s: 30,
        })
    );
    let (pointers, _) = server.ask(Query::Pointers("carrier.test".to_owned()));
    let pointer = |order, service: &str, replacement: &str| Pointer {
        order,
        preference: 50,
        flags: "s".to_owned(),
        service: service.to_owned(),
        replacement: replacement.to_owned(),
    };
    assert_eq!(
        pointers,
        Some(Answers {
            records: Records::Pointers(vec![
                pointer(20, "SIP+D2T", "_sip._tcp.carrier.test"),
                pointer(10, "SIP+D2U", "_sip._udp.carrier.test"),
            ]),
            ttl_s: 3_600,
        })
    );
}

#[test]
fn no_such_name_and_nothing_of_the_kind_are_answers() {
    let server = NameServer::start(|name, _| match name {
        "gone.test" => Said::NoSuchName,
        _ => Said::Records(Vec::new()),
    });
    for name in ["gone.test", "empty.test"] {
        for (query, records) in [
            (
                Query::Addresses(name.to_owned()),
                Records::Addresses(Vec::new()),
            ),
            (
                Query::Services(name.to_owned()),
                Records::Services(Vec::new()),
            ),
            (
                Query::Pointers(name.to_owned()),
                Records::Pointers(Vec::new()),
            ),
        ] {
            let (answers, _) = server.ask(query);
            assert_eq!(answers, Some(Answers { records, ttl_s: 0 }), "{name}");
        }
    }
}

#[test]
fn a_broken_and_a_silent_name_server_say_nothing_within_the_limit() {
    let broken = NameServer::start(|_, _| Said::Broken);
    let silent = NameServer::start(|_, _| Said::Silence);
    for server in [broken, silent] {
        let (answers, waited) = server.ask(Query::Services("_sip._udp.carrier.test".to_owned()));
        assert_eq!(answers, None);
        assert!(waited <= ANSWER_WAIT_MAX + TRY_WAIT_MAX, "{waited:?}");
    }
}
