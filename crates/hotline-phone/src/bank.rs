//! A bank of phones: the handle that gives orders, and the thread that carries them out.

mod audio;
mod incoming;
mod media;
mod outgoing;
mod phone;
mod run;
mod steps;
mod timers;

use crate::error::Error;
use crate::event::{Event, PhoneId};
use crate::line::local_for;
use crate::script::{AnswerScript, CallScript, DigitWay};
use hotline_media::sdp::Security;
use hotline_media::{Codec, Sound};
use hotline_sip::Transport;
use mio::Waker;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Where a bank lives and what it can do.
#[derive(Clone, Debug)]
pub struct BankConfig {
    /// Everything that is dialled or registered goes there.
    pub server: SocketAddr,
    /// Our address, for SIP and RTP. A server that knows trunks by address tells banks apart by it.
    pub local: IpAddr,
    /// SIP port, 0 for any.
    pub port: u16,
    /// How signalling leaves; both ways are answered.
    pub transport: Transport,
    /// Over TLS: the authority (PEM) that must have signed the server's certificate, and the name in it.
    pub tls: Option<(PathBuf, String)>,
    /// What phones speak, the preferred one first.
    pub codecs: Vec<Codec>,
    /// Offer and accept RFC 4733.
    pub telephone_event: bool,
    /// Whether audio is protected by keys in the session descriptions.
    pub security: Security,
    /// In calls of its own only the address that the other's description names is sent to and heard, as simple phones
    /// do it; else audio from where the answer came from is followed.
    pub is_strict: bool,
    /// RTP ports; even ones out of it are used.
    pub rtp_ports: RangeInclusive<u16>,
    /// What `speak sound` can name.
    pub sounds: Vec<Sound>,
    /// Where recordings grow before they are moved to the name that their script gives.
    pub spool: PathBuf,
}

impl BankConfig {
    /// The usual: our address as the routing table has it, any port, UDP, A-law before mu-law.
    pub fn to(server: SocketAddr) -> Result<Self, Error> {
        Ok(Self {
            server,
            local: local_for(server)?,
            port: 0,
            transport: Transport::Udp,
            tls: None,
            codecs: vec![Codec::Pcma, Codec::Pcmu],
            telephone_event: true,
            security: Security::Follow,
            is_strict: false,
            rtp_ports: RTP_PORTS,
            sounds: Vec::new(),
            spool: std::env::temp_dir().join(format!("hotline-phone-{}", std::process::id())),
        })
    }
}

/// Starts banks.
pub struct Bank;

impl Bank {
    /// Binds everything and starts the thread. It ends with the last handle.
    pub fn start(config: BankConfig) -> Result<(BankHandle, Receiver<Event>), Error> {
        let (orders, orders_out) = std::sync::mpsc::channel();
        let (events_in, events) = std::sync::mpsc::channel();
        let runner = run::Runner::open(config, orders_out, events_in)?;
        let (local, waker) = (runner.local(), runner.waker());
        let thread = std::thread::Builder::new()
            .name("phones".to_owned())
            .spawn(move || runner.run())
            .map_err(Error::system("a thread"))?;
        let shared = Shared {
            orders,
            waker,
            local,
            phone_next: AtomicU64::new(1),
            thread: Mutex::new(Some(thread)),
        };
        Ok((
            BankHandle {
                shared: Arc::new(shared),
            },
            events,
        ))
    }
}

/// Gives orders to a bank; clones speak to the same one. The last one to go ends all calls.
#[derive(Clone)]
pub struct BankHandle {
    shared: Arc<Shared>,
}

struct Shared {
    orders: Sender<Order>,
    waker: Arc<Waker>,
    local: SocketAddr,
    phone_next: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What a handle asks of the thread.
#[derive(Debug)]
pub(crate) enum Order {
    Call {
        phone: PhoneId,
        script: CallScript,
    },
    Listen {
        phone: PhoneId,
        user: String,
        password: Option<String>,
        script: AnswerScript,
    },
    HangUp {
        phone: PhoneId,
    },
    Press {
        phone: PhoneId,
        digits: String,
        way: DigitWay,
    },
    Register {
        phone: PhoneId,
    },
    Rescript {
        phone: PhoneId,
        script: AnswerScript,
    },
    Stop {
        farewell: Farewell,
    },
    Unregister {
        phone: PhoneId,
    },
}

/// How a bank goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// BYE, CANCEL and REGISTER with expires 0.
    Polite,
    /// As if the cable were cut.
    Silent,
}

impl BankHandle {
    /// The SIP address of the bank, with the real port.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.shared.local
    }

    /// Makes a call.
    pub fn call(&self, script: CallScript) -> PhoneId {
        let phone = self.next();
        self.order(Order::Call { phone, script });
        phone
    }

    /// A phone that registers and answers.
    pub fn register(&self, user: &str, password: &str, script: AnswerScript) -> PhoneId {
        let phone = self.next();
        let password = Some(password.to_owned());
        self.order(Order::Listen {
            phone,
            user: user.to_owned(),
            password,
            script,
        });
        phone
    }

    /// A phone that answers what comes for `user` without registering.
    pub fn listen(&self, user: &str, script: AnswerScript) -> PhoneId {
        let phone = self.next();
        self.order(Order::Listen {
            phone,
            user: user.to_owned(),
            password: None,
            script,
        });
        phone
    }

    /// REGISTER once more, now.
    pub fn register_again(&self, phone: PhoneId) {
        self.order(Order::Register { phone });
    }

    /// REGISTER with expires 0. The phone still answers what reaches it.
    pub fn unregister(&self, phone: PhoneId) {
        self.order(Order::Unregister { phone });
    }

    /// How the phone answers from the next call on.
    pub fn rescript(&self, phone: PhoneId, script: AnswerScript) {
        self.order(Order::Rescript { phone, script });
    }

    /// Ends the call of this phone, whatever its state.
    pub fn hang_up(&self, phone: PhoneId) {
        self.order(Order::HangUp { phone });
    }

    /// Presses keys in the call of this phone.
    pub fn press(&self, phone: PhoneId, digits: &str, way: DigitWay) {
        self.order(Order::Press {
            phone,
            digits: digits.to_owned(),
            way,
        });
    }

    /// Hangs up and unregisters everything and waits for the end of the thread.
    pub fn stop(&self) {
        self.leave(Farewell::Polite);
    }

    /// Ends without a word, as if the power were cut: no BYE, registrations stay behind.
    pub fn vanish(&self) {
        self.leave(Farewell::Silent);
    }

    fn leave(&self, farewell: Farewell) {
        self.order(Order::Stop { farewell });
        self.shared.join();
    }

    fn next(&self) -> PhoneId {
        self.shared.phone_next.fetch_add(1, Ordering::Relaxed)
    }

    fn order(&self, order: Order) {
        self.shared.order(order);
    }
}

impl Shared {
    /// An order to a bank that has ended is no order.
    fn order(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            let _ = self.waker.wake();
        }
    }

    fn join(&self) {
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.order(Order::Stop {
            farewell: Farewell::Polite,
        });
        self.join();
    }
}

/// Below the ephemeral ports of Linux. A phone at the server's own address needs a range outside the server's.
const RTP_PORTS: RangeInclusive<u16> = 22_000..=31_999;
