//! Where a host is: NAPTR, SRV, addresses; name servers that are slow, away, or wrong.

use super::net::{Net, server_config};
use super::script::run;
use crate::{
    Answers, Config, Input, Pointer, Query, Records, Service, Transport, Trunk, TrunkHost,
};
use std::collections::BTreeMap;
use std::net::IpAddr;

fn net(host: &str, port: Option<u16>, transport: Option<Transport>) -> Net {
    Net::with(Config {
        trunks: vec![Trunk {
            name: "named".to_owned(),
            hosts: vec![TrunkHost {
                host: host.to_owned(),
                port,
                transport,
            }],
            first_response_ms: 2_000,
            ..Trunk::default()
        }],
        ..server_config()
    })
}

fn pointer(order: u16, service: &str, replacement: &str) -> Pointer {
    Pointer {
        order,
        preference: 0,
        flags: "s".to_owned(),
        service: service.to_owned(),
        replacement: replacement.to_owned(),
    }
}

fn service(priority: u16, weight: u16, port: u16, host: &str) -> Service {
    Service {
        priority,
        weight,
        port,
        host: host.to_owned(),
    }
}

fn addresses(list: &[&str]) -> Records {
    Records::Addresses(
        list.iter()
            .map(|ip| ip.parse::<IpAddr>().unwrap())
            .collect(),
    )
}

/// A name server: what it does not know does not exist.
type Zone = BTreeMap<Query, Records>;

fn nothing(query: &Query) -> Records {
    match query {
        Query::Addresses(_) => Records::Addresses(Vec::new()),
        Query::Pointers(_) => Records::Pointers(Vec::new()),
        Query::Services(_) => Records::Services(Vec::new()),
    }
}

/// Answers questions until none is left; returns them in order.
fn answer(net: &mut Net, zone: &Zone) -> Vec<Query> {
    let mut asked = Vec::new();
    for _ in 0..20 {
        let questions = std::mem::take(&mut net.asked);
        if questions.is_empty() {
            break;
        }
        for (node, query) in questions {
            let records = zone.get(&query).cloned().unwrap_or_else(|| nothing(&query));
            let answers = Some(Answers { records, ttl_s: 60 });
            asked.push(query.clone());
            net.input(node, Input::Resolved { query, answers });
        }
    }
    asked
}

fn ways(net: &mut Net) -> Vec<String> {
    let status = net.node("server").endpoint.trunks().remove(0);
    status.addresses.into_iter().map(|(way, _)| way).collect()
}

#[test]
fn an_address_needs_no_name_server() {
    let mut net = net("10.0.0.2", None, None);
    run(&mut net, "server dials 113 0; trunk answers");
    assert_eq!(net.asked, []);
    assert!(net.log.contains("answered"), "{}", net.log);
}

#[test]
fn naptr_leads_to_srv_and_srv_to_addresses() {
    let mut net = net("carrier.vn", None, None);
    run(&mut net, "wait 1");
    let zone = Zone::from([
        (
            Query::Pointers("carrier.vn".to_owned()),
            Records::Pointers(vec![
                pointer(20, "SIP+D2T", "_sip._tcp.carrier.vn"),
                pointer(10, "SIP+D2U", "_sip._udp.carrier.vn"),
                pointer(5, "XMPP+D2T", "_x.carrier.vn"),
            ]),
        ),
        (
            Query::Services("_sip._udp.carrier.vn".to_owned()),
            Records::Services(vec![
                service(20, 0, 5080, "b.carrier.vn"),
                service(10, 0, 5070, "a.carrier.vn"),
            ]),
        ),
        (
            Query::Services("_sip._tcp.carrier.vn".to_owned()),
            Records::Services(vec![service(10, 0, 5090, "a.carrier.vn")]),
        ),
        (
            Query::Addresses("a.carrier.vn".to_owned()),
            addresses(&["10.0.0.21", "2001:db8::1"]),
        ),
        (
            Query::Addresses("b.carrier.vn".to_owned()),
            addresses(&["10.0.0.22"]),
        ),
    ]);
    let asked = answer(&mut net, &zone);
    assert!(!asked.contains(&Query::Addresses("carrier.vn".to_owned())));
    assert_eq!(
        ways(&mut net),
        [
            "udp 10.0.0.21:5070",
            "udp 10.0.0.22:5080",
            "udp [2001:db8::1]:5070",
            "tcp 10.0.0.21:5090",
            "tcp [2001:db8::1]:5090",
        ]
    );
    run(&mut net, "server dials 113 0; wait 3");
    let calls: Vec<&str> = net
        .log
        .lines()
        .filter(|line| line.contains("INVITE"))
        .collect();
    assert!(calls[0].contains("10.0.0.21:5070"), "{}", net.log);
    assert!(
        net.log.contains("10.0.0.22:5080"),
        "the next of SRV after 2 s: {}",
        net.log
    );
}

#[test]
fn a_port_excludes_srv_and_a_transport_naptr() {
    let mut named = net("carrier.vn", Some(5_070), None);
    run(&mut named, "wait 1");
    assert_eq!(
        answer(&mut named, &Zone::new()),
        [Query::Addresses("carrier.vn".to_owned())]
    );
    let mut by_tcp = net("carrier.vn", None, Some(Transport::Tcp));
    run(&mut by_tcp, "wait 1");
    let zone = Zone::from([(
        Query::Addresses("carrier.vn".to_owned()),
        addresses(&["10.0.0.2"]),
    )]);
    assert_eq!(
        answer(&mut by_tcp, &zone),
        [
            Query::Services("_sip._tcp.carrier.vn".to_owned()),
            Query::Addresses("carrier.vn".to_owned())
        ],
        "without SRV records the host itself (RFC 3263 §4.2)"
    );
    assert_eq!(ways(&mut by_tcp), ["tcp 10.0.0.2:5060"]);
}

#[test]
fn equal_priorities_share_by_weight() {
    let query = Query::Services("_sip._udp.carrier.vn".to_owned());
    let mut net = net("carrier.vn", None, Some(Transport::Udp));
    run(&mut net, "wait 1");
    let zone = Zone::from([(
        query,
        Records::Services(vec![
            service(1, 90, 5_060, "10.0.0.41"),
            service(1, 10, 5_060, "10.0.0.42"),
        ]),
    )]);
    answer(&mut net, &zone);
    let now = net.now();
    let mut first = BTreeMap::<IpAddr, u32>::new();
    for _ in 0..1_000 {
        let mut out = Vec::new();
        let mut turn = crate::endpoint::Turn { now, out: &mut out };
        let ways = net.node("server").endpoint.trunk_ways(&mut turn, 0);
        assert_eq!(ways.len(), 2);
        *first.entry(ways[0].address.ip()).or_default() += 1;
    }
    let heavy = first[&"10.0.0.41".parse::<IpAddr>().unwrap()];
    assert!((850..950).contains(&heavy), "{heavy} of 1,000 for 90 %");
}

#[test]
fn answers_are_kept_past_their_time_when_the_name_server_is_away() {
    let mut net = net("carrier.vn", Some(5_060), None);
    run(&mut net, "wait 1");
    let zone = Zone::from([(
        Query::Addresses("carrier.vn".to_owned()),
        addresses(&["10.0.0.2"]),
    )]);
    answer(&mut net, &zone);
    // An hour without a name server: it is asked again and again, never often.
    run(&mut net, "wait 3600");
    let asked = net.asked.len();
    assert!((20..120).contains(&asked), "{asked} questions in an hour");
    run(&mut net, "server dials 113 0; trunk answers");
    assert!(net.log.contains("answered"), "{}", net.log);
    // It says that there is no such host: the address is kept all the same.
    answer(&mut net, &Zone::new());
    assert_eq!(ways(&mut net), ["udp 10.0.0.2:5060"]);
    // It is back with another address.
    run(&mut net, "wait 70");
    let moved = Zone::from([(
        Query::Addresses("carrier.vn".to_owned()),
        addresses(&["10.0.0.3"]),
    )]);
    answer(&mut net, &moved);
    assert_eq!(ways(&mut net), ["udp 10.0.0.3:5060"]);
}

#[test]
fn a_call_does_not_wait_for_a_name_server_that_never_answers() {
    let mut net = Net::with(Config {
        trunks: ["nowhere.vn", "10.0.0.2"]
            .map(|host| Trunk {
                name: host.to_owned(),
                hosts: vec![TrunkHost {
                    host: host.to_owned(),
                    port: None,
                    transport: None,
                }],
                ..Trunk::default()
            })
            .to_vec(),
        ..server_config()
    });
    run(&mut net, "wait 1");
    net.log.clear();
    run(&mut net, "server dials 113 0 1; trunk answers");
    assert!(net.log.starts_with("1.100"), "{}", net.log);
    assert!(net.log.contains("answered"), "{}", net.log);
    net.log.clear();
    run(&mut net, "server dials 113 0");
    assert!(net.log.contains("failed"), "at once: {}", net.log);
}

#[test]
fn what_nobody_asked_and_what_does_not_fit_is_ignored() {
    let mut net = net("carrier.vn", Some(5_060), None);
    run(&mut net, "wait 1");
    let query = Query::Addresses("carrier.vn".to_owned());
    let server = net.index("server");
    for (query, records) in [
        (
            Query::Addresses("evil.vn".to_owned()),
            addresses(&["10.0.0.66"]),
        ),
        (query.clone(), Records::Pointers(Vec::new())),
        // The first answer was no answer; nothing is asked now.
        (query, addresses(&["10.0.0.66"])),
    ] {
        let answers = Some(Answers { records, ttl_s: 1 });
        net.input(server, Input::Resolved { query, answers });
    }
    assert_eq!(ways(&mut net), [] as [&str; 0]);
}

#[test]
fn a_connection_to_a_carrier_says_whose_name_its_certificate_must_bear() {
    let mut net = net("carrier.vn", None, Some(Transport::Tls));
    run(&mut net, "wait 1");
    let zone = Zone::from([
        (
            Query::Services("_sips._tcp.carrier.vn".to_owned()),
            Records::Services(vec![service(10, 0, 5071, "sbc7.provider.vn")]),
        ),
        (
            Query::Addresses("sbc7.provider.vn".to_owned()),
            addresses(&["10.0.0.2"]),
        ),
    ]);
    answer(&mut net, &zone);
    assert_eq!(ways(&mut net), ["tls 10.0.0.2:5071"]);
    let invite = crate::Command::Invite {
        dialog: 1,
        target: crate::Target::Trunks {
            trunks: vec![0],
            number: "113".to_owned(),
        },
        from: (String::new(), "111".to_owned()),
        bodies: vec![(crate::MediaKind::Plain, b"offer".to_vec())],
        headers: Vec::new(),
        login: None,
    };
    let (mut out, now) = (Vec::new(), net.now());
    net.node("server")
        .endpoint
        .handle(now, Input::Command(invite), &mut out);
    let carriers: Vec<_> = out
        .iter()
        .filter_map(|output| match output {
            crate::Output::Connect { carrier, .. } => Some(carrier.clone()),
            _ => None,
        })
        .collect();
    // RFC 5922 §7.3: not sbc7.provider.vn, which only the name server has said.
    let named = crate::CarrierHost {
        trunk: 0,
        host: "carrier.vn".to_owned(),
    };
    assert_eq!(carriers, [Some(named)]);
}
