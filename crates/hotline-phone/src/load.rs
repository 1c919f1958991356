//! Load for benchmarks: one thread plays all callers and counsellors, without a media worker.
//!
//! Every packet has a number in its audio which survives forwarding, so that each relayed packet gives
//! a one-way latency, and each packet without one was made by the server and gives its pacing error.
//! Both ends of a call live in one thread with one clock; `at` is read when the packet leaves and when the batch
//! with it has been read, so figures contain this thread's own wake-up (see [`LoadReport::own_lateness`]).

mod answer;
mod call;
mod distribution;
mod ear;
mod ident;
mod report;
mod run;
mod sockets;
mod stage;
mod talker;

pub use distribution::Distribution;
pub use ear::Heard;
pub use report::LoadReport;

use crate::error::Error;
use crate::line::local_for;
use hotline_media::Codec;
use std::net::{IpAddr, SocketAddr};

/// What a run does.
#[derive(Clone, Debug)]
pub struct LoadConfig {
    /// The server under test.
    pub server: SocketAddr,
    /// Address of the callers; a server knows trunks by it.
    pub local: IpAddr,
    /// Address of the counsellors, where it has to be another one.
    pub counsellor_local: IpAddr,
    /// SIP port of the callers, 0 for any.
    pub port: u16,
    /// What callers dial.
    pub dial: String,
    /// Callers are this with a four-digit number behind it.
    pub from_prefix: String,
    /// How many calls.
    pub callers: usize,
    /// New calls a second.
    pub rate_per_s: f64,
    /// Keys that a caller presses by RFC 4733.
    pub digits: String,
    /// From its answer on.
    pub digits_after_ms: u64,
    /// A caller hangs up so long after its answer; None: when the other side does, or at the end.
    pub hold_ms: Option<u64>,
    /// User and password of each counsellor; they register before the first call.
    pub counsellors: Vec<(String, String)>,
    /// Registrations (and sign-ins) a second.
    pub register_rate_per_s: f64,
    /// A code that each counsellor dials once after registering, e.g. `*11`.
    pub sign_in: Option<String>,
    /// A counsellor rings for so long.
    pub answer_after_ms: u64,
    /// A counsellor hangs up so long after the answer; None: never before the end.
    pub talk_ms: Option<u64>,
    /// The server's wrap-up time, subtracted from "free to next INVITE".
    pub wrap_up_ms: u64,
    /// Audio at all. Without, offers are made and answered but no packet is sent.
    pub has_media: bool,
    /// What callers speak.
    pub codec: Codec,
    /// What counsellors speak.
    pub counsellor_codec: Codec,
    /// RTP sockets that the legs share.
    pub sockets: usize,
    /// When the run is over.
    pub end: End,
}

/// When a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All calls have ended by themselves. Everything is measured, from the first call on.
    Drained {
        /// Or after so long.
        millis_max: u64,
    },
    /// All calls are up; some settling, then a window in which audio is measured, then everybody hangs up.
    Held {
        /// Not measured.
        settle_ms: u64,
        /// Measured.
        window_ms: u64,
    },
}

/// Where a run is; a benchmark reads the server's CPU time and memory at these moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Counsellors are registered and signed in; the first call comes now.
    Ready,
    /// All calls have begun.
    Ramped,
    /// Audio is measured from now on.
    WindowOpened,
    /// No longer.
    WindowClosed,
}

impl LoadConfig {
    /// `callers` calls to `dial` at `rate_per_s`, audio both ways, held for 10 s.
    pub fn to(
        server: SocketAddr,
        dial: &str,
        callers: usize,
        rate_per_s: f64,
    ) -> Result<Self, Error> {
        let local = local_for(server)?;
        Ok(Self {
            server,
            local,
            counsellor_local: local,
            port: 0,
            dial: dial.to_owned(),
            from_prefix: "09000".to_owned(),
            callers,
            rate_per_s,
            digits: String::new(),
            digits_after_ms: 0,
            hold_ms: None,
            counsellors: Vec::new(),
            register_rate_per_s: 200.0,
            sign_in: None,
            answer_after_ms: 0,
            talk_ms: None,
            wrap_up_ms: 0,
            has_media: true,
            codec: Codec::Pcma,
            counsellor_codec: Codec::Pcma,
            sockets: 16,
            end: End::Held {
                settle_ms: 2_000,
                window_ms: 10_000,
            },
        })
    }

    /// INVITE, 200, ACK, BYE, 200 and nothing else: `calls` of them at `rate_per_s`.
    pub fn signalling(
        server: SocketAddr,
        dial: &str,
        calls: usize,
        rate_per_s: f64,
    ) -> Result<Self, Error> {
        let mut config = Self::to(server, dial, calls, rate_per_s)?;
        config.hold_ms = Some(0);
        config.has_media = false;
        let ramp_ms = (calls as f64 / rate_per_s.max(1.0) * 1_000.0) as u64;
        // RFC 3261 timer B: by then every call has come to an end.
        config.end = End::Drained {
            millis_max: ramp_ms + 35_000,
        };
        Ok(config)
    }
}

/// Runs to the end. `observe` is called at each moment, on this thread: be quick.
pub fn run(config: &LoadConfig, observe: &mut dyn FnMut(Moment)) -> Result<LoadReport, Error> {
    Ok(run::Runner::open(config)?.run(observe))
}
