//! From the start of the program to its first answered call.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::super::figure::{Figure, Floor};
use super::super::server::Server;
use super::super::settings::{ENTRANCE, Settings, TRUNK_SOURCE};
use super::super::{Bench, failed};
use crate::failure::Failure;

/// An INVITE leaves this often, until one is answered.
const EVERY: Duration = Duration::from_millis(2);
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// The first start makes the database and takes the accounts; every later one finds them.
pub(crate) fn start(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let settings = Settings {
        counsellors: 20,
        wrap_up_s: 0,
    };
    let mut server = Server::prepare(bench, settings)?;
    let first = until_answered(&mut server)?;
    server.end()?;
    let again = until_answered(&mut server)?;
    server.stop()?;
    Ok(vec![
        Figure::new(
            "start -> first answered call",
            again.as_secs_f64(),
            "s",
            Floor::AtMost(0.2),
        ),
        Figure::new(
            "very first start -> first answered call",
            first.as_secs_f64(),
            "s",
            Floor::None,
        ),
    ])
}

fn until_answered(server: &mut Server) -> Result<Duration, Failure> {
    let local = SocketAddr::new(Ipv4Addr::from(TRUNK_SOURCE).into(), 0);
    let socket = UdpSocket::bind(local).map_err(|error| failed(&error))?;
    socket
        .set_read_timeout(Some(EVERY))
        .map_err(|error| failed(&error))?;
    let local = socket.local_addr().map_err(|error| failed(&error))?;
    let began = Instant::now();
    server.launch()?;
    let mut buffer = [0; 4_096];
    // Each INVITE is a call of its own: a server that answers the first it hears answers one of the last 2 ms.
    for number in 0_u32.. {
        if began.elapsed() > ANSWERED_WITHIN {
            break;
        }
        let invite = invite(local, server.address, number);
        // Refused while nobody listens there.
        socket.send_to(invite.as_bytes(), server.address).ok();
        match socket.recv_from(&mut buffer) {
            Ok((length, _)) if is_answer(buffer.get(..length).unwrap_or_default()) => {
                return Ok(began.elapsed());
            }
            Ok(_) => {}
            // Nothing came in time, or the ICMP error of an earlier one, which came at once.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                std::thread::park_timeout(EVERY)
            }
            Err(_) => {}
        }
    }
    Err(failed(&"hotline111: no call was answered"))
}

fn is_answer(message: &[u8]) -> bool {
    message.starts_with(b"SIP/2.0 200")
}

fn invite(local: SocketAddr, server: SocketAddr, number: u32) -> String {
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n",
        ip = local.ip(),
        port = 40_000 + number % 1_000 * 2,
    );
    format!(
        "INVITE sip:{ENTRANCE}@{server} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {local};branch=z9hG4bKstart{number}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:0900000000@{local}>;tag=start{number}\r\n\
         To: <sip:{ENTRANCE}@{server}>\r\n\
         Call-ID: start{number}@{local}\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:bench@{local}>\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {length}\r\n\r\n{body}",
        length = body.len(),
    )
}
