//! A name server for tests: a small zone over UDP, what it was asked, and silence when told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// A record of the zone.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    /// A.
    Address(Ipv4Addr),
    /// The name is there, and nothing of the kind.
    Nothing,
    /// SRV: port and host, at the same priority.
    Service(u16, &'static str),
    /// Questions for the name are not answered.
    Silence,
}

/// What it does and has been asked.
#[derive(Default)]
struct State {
    zone: Vec<(&'static str, Record)>,
    is_silent: bool,
    is_over: bool,
    /// Name and type, in the order of the questions; those that it did not answer too.
    asked: Vec<(String, u16)>,
}

/// A running name server.
pub(crate) struct NameServer {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

const A: u16 = 1;
const SRV: u16 = 33;
/// It looks up from its socket so often.
const LOOK_UP: Duration = Duration::from_millis(100);

impl NameServer {
    /// At any port of `local`.
    pub(crate) fn start(local: IpAddr, zone: &[(&'static str, Record)]) -> Self {
        let socket = UdpSocket::bind((local, 0)).expect("binding a name server");
        socket
            .set_read_timeout(Some(LOOK_UP))
            .expect("a time limit");
        let address = socket.local_addr().expect("a bound socket");
        let state = Arc::new(Mutex::new(State {
            zone: zone.to_vec(),
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || serve(&socket, &shared));
        Self {
            address,
            state,
            thread: Some(thread),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a name server that lives")
    }

    /// It answers nothing from now on.
    pub(crate) fn falls_silent(&self) {
        self.state().is_silent = true;
    }

    /// How often it was asked for this name, of whatever type.
    pub(crate) fn asked(&self, name: &str) -> usize {
        let state = self.state();
        state
            .asked
            .iter()
            .filter(|(asked, _)| asked == name)
            .count()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.state().is_over = true;
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a name server that ends");
        }
    }
}

fn serve(socket: &UdpSocket, state: &Mutex<State>) {
    let mut buffer = [0; 4_096];
    loop {
        let received = socket.recv_from(&mut buffer);
        let mut state = state.lock().expect("a test that lives");
        if state.is_over {
            return;
        }
        let Ok((length, client)) = received else {
            continue;
        };
        let Some((name, kind, end)) = question(&buffer[..length]) else {
            continue;
        };
        state.asked.push((name.clone(), kind));
        let mut of_name = state.zone.iter().filter(|(known, _)| *known == name);
        let is_mute = of_name.any(|(_, record)| matches!(record, Record::Silence));
        if !state.is_silent && !is_mute {
            let answer = answer(&buffer[..end], &name, kind, &state.zone);
            socket.send_to(&answer, client).expect("answering");
        }
    }
}

/// Name (lower case), type, and where the question ends (RFC 1035 §4.1).
fn question(bytes: &[u8]) -> Option<(String, u16, usize)> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        let label = bytes.get(at..at + length)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
    Some((labels.join("."), kind, at + 4))
}

fn answer(question: &[u8], name: &str, kind: u16, zone: &[(&str, Record)]) -> Vec<u8> {
    let of_name = || zone.iter().filter(|(known, _)| *known == name);
    let records: Vec<Vec<u8>> = of_name()
        .filter_map(|(_, record)| match (record, kind) {
            (Record::Address(ip), A) => Some(ip.octets().to_vec()),
            (Record::Service(port, host), SRV) => {
                let mut data = vec![0, 10, 0, 0];
                data.extend(port.to_be_bytes());
                for label in host.split('.') {
                    data.push(u8::try_from(label.len()).expect("a short label"));
                    data.extend(label.as_bytes());
                }
                data.push(0);
                Some(data)
            }
            (Record::Address(_) | Record::Nothing | Record::Service(..) | Record::Silence, _) => {
                None
            }
        })
        .collect();
    let mut bytes = question.to_vec();
    // An authoritative answer; NXDOMAIN for names that the zone has not.
    let code = if of_name().next().is_some() { 0 } else { 3 };
    bytes[2..4].copy_from_slice(&[0x85, 0x80 | code]);
    let count = u16::try_from(records.len()).expect("a small zone");
    bytes[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    bytes[6..8].copy_from_slice(&count.to_be_bytes());
    for data in records {
        // The question's name; the type; class IN; 60 s.
        bytes.extend([0xc0, 12]);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 60]);
        bytes.extend(
            u16::try_from(data.len())
                .expect("a short record")
                .to_be_bytes(),
        );
        bytes.extend(data);
    }
    bytes
}
