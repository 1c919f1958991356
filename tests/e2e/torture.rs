//! Every message of RFC 4475 and RFC 5118 at the real sockets of a running server, by UDP, TCP, TLS and WebSockets
//! in the clear and under TLS: the same answer by each, one connection's fault is its own, and calls go on.

use crate::process::pause;
use crate::raw::{Caller, Line};
use crate::server::{SENTINEL, Server};
use crate::ways::{By, DUE, Good, Heard, STEP, Target, Way, final_status};
use hotline_tests::torture::Case;
use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// After a later question has been answered: for what was on its way.
const LATE: Duration = Duration::from_millis(30);
/// Where answers to a datagram may come: its port, and each that the message names (RFC 3261 §18.2.2).
struct Ears(Vec<UdpSocket>);

impl Ears {
    fn open(server: &Server, bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let named = text.split(':').skip(1).filter_map(|rest| {
            rest.split(|letter: char| !letter.is_ascii_digit())
                .next()?
                .parse()
                .ok()
        });
        let ports: BTreeSet<u16> = named
            .filter(|port| *port >= 1_024 && *port != 5_060)
            .collect();
        let open = |port| UdpSocket::bind((server.net.trunk(), port)).expect("a free port");
        let sockets: Vec<UdpSocket> = std::iter::once(5_060).chain(ports).map(open).collect();
        for socket in &sockets {
            socket.set_nonblocking(true).expect("not waiting");
        }
        Ears(sockets)
    }

    fn listen(&self, heard: &mut Heard, limit: Duration) {
        let (started, mut buffer) = (Instant::now(), [0; 65_535]);
        while heard.status.is_none() && started.elapsed() < limit {
            for socket in &self.0 {
                while let Ok(length) = socket.recv(&mut buffer) {
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    heard.status = heard.status.or_else(|| final_status(&text));
                }
            }
            pause(STEP);
        }
    }
}

/// A server of one way's own: a message that comes by two ways would be one request (RFC 3261 §8.2.2.2).
fn target(way: Way) -> Target {
    let name = match way {
        Way::Udp => "torture-udp",
        Way::Tcp => "torture-tcp",
        Way::Tls => "torture-tls",
        Way::Ws => "torture-ws",
        Way::Wss => "torture-wss",
    };
    Target::start(name)
}

/// What each message is answered by UDP.
fn by_datagrams(cases: &[Case]) -> Vec<Heard> {
    let target = target(Way::Udp);
    let server = &target.server;
    let line = Line::open(server.net.trunk(), server.net.sip());
    let mut good = Good {
        by: By::Line(line),
        cseq: 0,
    };
    let each = |case: &Case| {
        let ears = Ears::open(server, &case.bytes);
        ears.0[0]
            .send_to(&case.bytes, server.net.sip())
            .expect("sending");
        let mut heard = Heard::default();
        if !case.is_response && !case.may_drop {
            ears.listen(&mut heard, DUE);
        }
        good.ask(server);
        ears.listen(&mut heard, LATE);
        heard
    };
    let heard = cases.iter().map(each).collect();
    is_alive(&target, Way::Udp);
    heard
}

/// The same on connections, one for each message, beside one that asks good questions all the time.
fn by_connections(way: Way, cases: &[Case], by_udp: &[Heard]) -> Vec<String> {
    let target = target(way);
    let mut good = Good {
        by: By::Stream(target.open(way)),
        cseq: 0,
    };
    let mut faults = Vec::new();
    for (case, by_udp) in cases.iter().zip(by_udp) {
        let mut stream = target.open(way);
        stream.send(&case.bytes);
        let mut heard = Heard::default();
        let end = if way.is_bytes() {
            End::of(&case.bytes)
        } else {
            End::Known
        };
        match end {
            End::Known if by_udp.status.is_some() => {
                stream.listen(&mut heard, DUE, |heard| heard.status.is_some());
            }
            End::Unknowable => stream.listen(&mut heard, DUE, |heard| heard.is_closed),
            End::Known | End::Awaited => {}
        }
        good.ask(&target.server);
        stream.listen(&mut heard, LATE, |_| false);
        let is_right = match end {
            End::Known => heard.status == by_udp.status,
            // RFC 3261 §18.3: said, if the head can be read, and closed.
            End::Unknowable => heard.is_closed && matches!(heard.status, None | Some(400)),
            End::Awaited => heard == Heard::default(),
        };
        if !is_right {
            faults.push(format!(
                "{} by {way:?}: {heard:?}, {end:?}, by UDP {by_udp:?}",
                case.name
            ));
        }
    }
    is_alive(&target, way);
    faults
}

/// A call through, and nothing of the server's is missing.
fn is_alive(target: &Target, way: Way) {
    let net = target.server.net;
    let caller = Caller::dial(net.trunk(), net.sip(), "111", SENTINEL);
    caller.stay(Duration::from_millis(300));
    let heard = caller.hang_up();
    assert!(heard.len() > 5, "{way:?}: {} packets", heard.len());
}

/// Where a message ends on a stream of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Known,
    /// Not all of it has come.
    Awaited,
    /// No Content-Length, or none that can be read.
    Unknowable,
}

impl End {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let Some(head) = text
            .split("\r\n\r\n")
            .next()
            .filter(|head| head.len() < text.len())
        else {
            return End::Awaited;
        };
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let lengths: BTreeSet<Option<usize>> = unfolded
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| {
                matches!(
                    name.trim_end().to_ascii_lowercase().as_str(),
                    "l" | "content-length"
                )
            })
            .map(|(_, value)| value.trim().parse().ok())
            .collect();
        let head_bytes = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .map_or(0, |at| at + 4);
        match lengths.iter().next() {
            Some(Some(length)) if lengths.len() == 1 && head_bytes + length <= bytes.len() => {
                End::Known
            }
            Some(Some(_)) if lengths.len() == 1 => End::Awaited,
            Some(_) | None => End::Unknowable,
        }
    }
}

#[test]
fn every_torture_message_is_answered_alike_by_each_transport_and_ends_nothing() {
    let Some(cases) = Case::all() else { return };
    let by_udp = by_datagrams(&cases);
    let mut faults: Vec<String> = cases
        .iter()
        .zip(&by_udp)
        .filter(|(case, heard)| match heard.status {
            None => !case.is_response && !case.may_drop,
            Some(status) => case.is_response || !case.takes(status),
        })
        .map(|(case, heard)| {
            format!(
                "{} by UDP: {heard:?}, the index says {}",
                case.name,
                case.wanted()
            )
        })
        .collect();
    let others = std::thread::scope(|scope| {
        let ways = Way::STREAMS.map(|way| {
            let (cases, by_udp) = (&cases, &by_udp);
            scope.spawn(move || by_connections(way, cases, by_udp))
        });
        ways.map(|way| way.join().expect("a way"))
    });
    faults.extend(others.into_iter().flatten());
    let answered = by_udp.iter().filter(|heard| heard.status.is_some()).count();
    println!(
        "{answered} of {} messages answered, alike by five ways",
        cases.len()
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
