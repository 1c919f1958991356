//! A server in a thread: `hotline-sip` with accounts, that can ring their phones, and connects calls of its trunk
//! (127.0.0.2) with the first idle one. Session descriptions pass through, so audio goes from phone to phone.

use hotline_sip::{
    Account, Command, Config, ContactState, Endpoint, Event, Input, Listener, Mono, Now, Output,
    Target, Wall, credentials,
};
use hotline_sip::{DialogId, MediaKind, Trunk};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

pub struct Registrar {
    pub address: SocketAddr,
    commands: Sender<Command>,
    events: Receiver<Event>,
}

impl Registrar {
    /// Knows `user` by `password`.
    pub fn start(user: &str, password: &str) -> Self {
        Self::with(&[(user.to_owned(), password.to_owned())])
    }

    pub fn with(users: &[(String, String)]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(5)))
            .unwrap();
        let address = socket.local_addr().unwrap();
        let (commands, commands_out) = channel();
        let (events_in, events) = channel();
        let account = |(user, password): &(String, String)| Account {
            user: user.clone(),
            credentials: credentials(user, REALM, password),
        };
        commands
            .send(Command::Accounts(users.iter().map(account).collect()))
            .unwrap();
        let idle = users.iter().map(|(user, _)| user.clone()).collect();
        let bridges = Bridges {
            idle,
            partners: HashMap::new(),
            next: 1_001,
        };
        std::thread::spawn(move || serve(&socket, address, &commands_out, &events_in, bridges));
        Self {
            address,
            commands,
            events,
        }
    }

    pub fn wait(&self, what: &str, is_it: impl Fn(&Event) -> bool) {
        let until = Instant::now() + Duration::from_secs(10);
        while let Ok(event) = self
            .events
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            if is_it(&event) {
                return;
            }
        }
        panic!("waiting for {what}");
    }

    pub fn wait_contact(&self, expected: ContactState) {
        let is_it =
            |event: &Event| matches!(event, Event::Contact { state, .. } if *state == expected);
        self.wait("the contact", is_it);
    }

    pub fn ring(&self, dialog: u64, user: &str) {
        let target = Target::Account(user.to_owned());
        let from = ("111".to_owned(), "111".to_owned());
        let body = OFFER.replace('\n', "\r\n").into_bytes();
        self.commands
            .send(Command::Invite {
                dialog,
                target,
                from,
                bodies: vec![(MediaKind::Plain, body)],
                headers: vec![],
                login: None,
            })
            .unwrap();
    }
}

fn serve(
    socket: &UdpSocket,
    address: SocketAddr,
    commands: &Receiver<Command>,
    events: &Sender<Event>,
    mut bridges: Bridges,
) {
    let mut endpoint = Endpoint::new(config(address), [7; 32]);
    let began = Instant::now();
    let (mut out, mut buffer) = (Vec::new(), [0; 65_536]);
    loop {
        let mut inputs: Vec<Input> = commands.try_iter().map(Input::Command).collect();
        if let Ok((count, source)) = socket.recv_from(&mut buffer) {
            inputs.push(Input::Datagram {
                listener: 0,
                source,
                bytes: buffer[..count].to_vec(),
            });
        }
        inputs.push(Input::Tick);
        for input in inputs {
            let now = Now {
                mono: Mono(began.elapsed().as_micros() as u64),
                wall: Wall(1_800_000_000_000),
            };
            endpoint.handle(now, input, &mut out);
        }
        while !out.is_empty() {
            for output in std::mem::take(&mut out) {
                match output {
                    Output::Datagram {
                        destination, bytes, ..
                    } => drop(socket.send_to(&bytes, destination)),
                    Output::Event(event) => {
                        for command in bridges.follow(&event) {
                            let now = Now {
                                mono: Mono(began.elapsed().as_micros() as u64),
                                wall: Wall(0),
                            };
                            endpoint.handle(now, Input::Command(command), &mut out);
                        }
                        if events.send(event).is_err() {
                            return; // The test is over when nobody listens any more.
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

fn config(address: SocketAddr) -> Config {
    Config {
        realm: REALM.to_owned(),
        listeners: vec![Listener {
            local: address,
            advertise: address,
            transport: hotline_sip::Transport::Udp,
        }],
        trunks: vec![Trunk {
            name: "trunk".to_owned(),
            sources: vec![(IpAddr::from([127, 0, 0, 2]), None)],
            ..Trunk::default()
        }],
        product: "registrar".to_owned(),
        expires_s_min: 1,
        expires_s_default: 60,
        expires_s_max: 600,
        contacts_max: 3,
        calls_max: 100,
        transactions_max: 1_000,
        stranger_rate_per_s: 1_000,
        stranger_burst: 1_000,
        defence: hotline_sip::Defence::default(),
        sessions: hotline_sip::Sessions::default(),
        has_sha256: true,
        nonce_ms: 60_000,
        first_response_ms: 500,
        nat_keepalive_ms: 0,
        is_user_agent: false,
    }
}

/// Who is connected with whom.
struct Bridges {
    idle: VecDeque<String>,
    /// Both ways; the account is the called side's.
    partners: HashMap<DialogId, (DialogId, Option<String>)>,
    next: DialogId,
}

impl Bridges {
    fn follow(&mut self, event: &Event) -> Vec<Command> {
        match event {
            Event::Invited(call) => {
                let (Some(user), Some((_, body))) = (self.idle.pop_front(), call.body.clone())
                else {
                    let (dialog, status) = (call.dialog, 480);
                    return vec![Command::Reject {
                        dialog,
                        status,
                        retry_after_s: None,
                        reason: None,
                    }];
                };
                let dialog = self.next;
                self.next += 2;
                self.partners.insert(call.dialog, (dialog, None));
                self.partners
                    .insert(dialog, (call.dialog, Some(user.clone())));
                let from = ("111".to_owned(), "111".to_owned());
                vec![Command::Invite {
                    dialog,
                    target: Target::Account(user),
                    from,
                    bodies: vec![(MediaKind::Plain, body)],
                    headers: vec![],
                    login: None,
                }]
            }
            Event::Answered { dialog, body, .. } => {
                let caller = self.partners.get(dialog).map(|(caller, _)| *caller);
                caller
                    .map(|dialog| Command::Answer {
                        dialog,
                        body: body.clone(),
                    })
                    .into_iter()
                    .collect()
            }
            Event::Ended { dialog, .. } | Event::Failed { dialog, .. } => {
                let Some((partner, user)) = self.partners.remove(dialog) else {
                    return vec![];
                };
                let other = self.partners.remove(&partner).and_then(|(_, user)| user);
                self.idle.extend(user.or(other));
                vec![Command::Hangup {
                    dialog: partner,
                    reason: None,
                }]
            }
            _ => vec![],
        }
    }
}

const REALM: &str = "127.0.0.1";
const OFFER: &str = "v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 40000 RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
";
