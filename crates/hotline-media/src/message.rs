//! The closed vocabulary between a media worker and its owner. Plain data, so that it could cross a process.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::browser::BrowserPlan;
use crate::protection::Protection;

/// A leg of a call, numbered by the owner; never reused.
pub type LegId = u64;
/// One run of a list of clips on a leg, numbered by the owner, rising.
pub type PlayId = u64;
/// Names the recording file: our own id, nothing of the caller's.
pub type RecordingId = u64;

/// A codec of ours; its names, numbers and rates stand in [`crate::codec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// A-law, static payload type 8; the national trunks' codec and our own inner one.
    Pcma,
    /// mu-law, static payload type 0.
    Pcmu,
    /// G.722 at 64 kbit/s: 16 kHz of audio on an RTP clock of 8 kHz, static payload type 9.
    G722,
    /// Opus (RFC 6716, RFC 7587): one channel, RTP clock of 48 kHz, dynamic payload type.
    Opus,
}

/// RFC 3264 direction, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Neither.
    Inactive,
    /// We listen.
    ReceiveOnly,
    /// We speak.
    SendOnly,
    /// Both.
    SendReceive,
}

impl Direction {
    /// Whether we speak.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendOnly | Direction::SendReceive)
    }

    /// Whether we listen.
    pub fn receives(self) -> bool {
        matches!(self, Direction::ReceiveOnly | Direction::SendReceive)
    }
}

/// Where a leg's RTCP goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ControlPath {
    /// To the port after that of the audio.
    #[default]
    Next,
    /// Where the peer says (RFC 3605).
    At(SocketAddr),
    /// The way of the audio (RFC 5761).
    Muxed,
}

/// What an offer and answer agreed for one audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegPlan {
    /// Codec both sides speak.
    pub codec: Codec,
    /// Payload type that the peer wants for it.
    pub payload_type: u8,
    /// Payload type that the peer sends it with: its answer may number its own way (RFC 3264 §6.1).
    pub payload_type_receive: u8,
    /// Payload type for telephone-event (RFC 4733), if agreed: the one we send, the one we get.
    pub event_send: Option<u8>,
    /// See `event_send`.
    pub event_receive: Option<u8>,
    /// Clock that the durations of those events count, hertz: 8,000, or 48,000 beside Opus.
    pub event_clock_hz: u32,
    /// Keys are heard in the audio too: for peers that know no telephone-event.
    pub hears_key_tones: bool,
    /// Where the peer wants its audio; None until its SDP is known (an outgoing call that rings).
    pub remote: Option<SocketAddr>,
    /// Where it wants our RTCP.
    pub control: ControlPath,
    /// Source address of the peer's signalling: rule M accepts audio from there too.
    pub signalling: Option<std::net::IpAddr>,
    /// How long the peer wants our packets: 10, 20, 30, 40 or 60 ms. None: it has no wish; what we make is 20 ms then,
    /// and a partner's packets are passed on as long as they come.
    pub packet_ms: Option<u8>,
    /// Who speaks.
    pub direction: Direction,
    /// Against listeners on the way.
    pub protection: Protection,
}

impl LegPlan {
    /// The plain plan for a codec under its own number, both ways, with nobody to send to and no telephone-event.
    pub fn new(codec: Codec) -> Self {
        LegPlan {
            codec,
            payload_type: codec.offered_payload_type(),
            payload_type_receive: codec.offered_payload_type(),
            event_send: None,
            event_receive: None,
            event_clock_hz: 8_000,
            hears_key_tones: false,
            remote: None,
            control: ControlPath::Next,
            signalling: None,
            packet_ms: None,
            direction: Direction::SendReceive,
            protection: Protection::Plain,
        }
    }
}

/// A piece of sound to play to a leg.
#[derive(Clone, Debug, PartialEq)]
pub enum Clip {
    /// A prompt: index into the table of [`Sound`]s given to the worker at start.
    Prompt(u32),
    /// Nothing, for this many milliseconds.
    Silence(u32),
    /// A sine tone, in hertz, dB below full scale, milliseconds (0 = until stopped).
    Tone {
        /// Hertz.
        hz: u32,
        /// dB below full scale sine.
        level_db: u32,
        /// Milliseconds; 0 for ever.
        length_ms: u32,
    },
}

/// What a leg hears while nothing is played and nobody is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bed {
    /// Hold music, carried on where it was.
    Music,
    /// No packets at all (before media, softphones).
    None,
    /// Soft bed for key windows: quiet, but audibly alive.
    Soft,
}

/// A prompt or music, ready to play: A-law, 8 kHz.
#[derive(Clone, Debug)]
pub struct Sound {
    /// For logs, e.g. `vi/greet.main`.
    pub name: String,
    /// One byte a sample.
    pub alaw: Arc<[u8]>,
}

/// What the owner wants.
#[derive(Clone, Debug)]
pub enum Command {
    /// A leg begins on one of the worker's free ports.
    Open {
        /// New leg.
        leg: LegId,
        /// Even RTP port out of [`Event::Ports`]; RTCP is port + 1.
        port: u16,
        /// What was agreed.
        plan: LegPlan,
    },
    /// A new offer and answer on an open leg (answer of an outgoing call, hold, resume). Unlocks rule M once.
    Replan {
        /// Which.
        leg: LegId,
        /// What was agreed.
        plan: LegPlan,
    },
    /// The leg's peer is a browser: everything on its port goes through ICE and DTLS from now on. The first time it
    /// follows [`Command::Open`] at once; again with each new plan. `None`: the peer is none after all.
    Browser {
        /// Which.
        leg: LegId,
        /// What ICE and DTLS must know.
        browser: Option<BrowserPlan>,
    },
    /// The leg ends: its port is drained and closed within 1 s, recording ends, [`Event::Closed`] follows.
    Close {
        /// Which.
        leg: LegId,
    },
    /// Play clips one after the other, cutting what is played now. With `barge_in` the first digit cuts them. On a
    /// connected leg the run goes before the partner, who still hears the leg.
    Play {
        /// To whom.
        leg: LegId,
        /// Number of this run.
        play: PlayId,
        /// What.
        clips: Vec<Clip>,
        /// A digit stops the run at once (inside the worker, without waiting for the owner).
        barge_in: bool,
    },
    /// Stop the run, if it still runs. [`Event::PlayEnded`] follows with what was heard.
    StopPlay {
        /// To whom.
        leg: LegId,
    },
    /// What the leg hears beneath.
    Bed {
        /// Who.
        leg: LegId,
        /// What.
        bed: Bed,
    },
    /// Two legs hear each other. A running play on either is cut; each bed goes on until the other's first packet
    /// (half a second at most). Former partners of either hear their beds again.
    Connect {
        /// One.
        a: LegId,
        /// Other.
        b: LegId,
    },
    /// A leg hears its bed again, and so does the one it was connected to.
    Disconnect {
        /// Either.
        leg: LegId,
    },
    /// The leg hears itself (echo test).
    Echo {
        /// Who.
        leg: LegId,
    },
    /// Send one digit (RFC 4733; in band where not agreed).
    Digit {
        /// On which leg.
        leg: LegId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// Milliseconds.
        length_ms: u32,
    },
    /// Record: left what the leg says, right what it hears, until the leg closes.
    Record {
        /// Which.
        leg: LegId,
        /// Names the file.
        recording: RecordingId,
    },
    /// Zeros on both channels while paused.
    PauseRecording {
        /// Which.
        leg: LegId,
        /// Pause or go on.
        is_paused: bool,
    },
    /// Begin (or stop) the recordings of all legs being refused: disk full. Running ones are completed as they are.
    RefuseRecordings(bool),
    /// Bind so many ports more than usual ahead: the owner keeps as many for callers who will need a second one.
    KeepReady {
        /// Ports, 0 at the start; each replaces the one before.
        ports: u32,
    },
    /// Close all legs and end the thread.
    Stop,
}

/// Counters of one leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegStatistics {
    /// RTP packets accepted.
    pub received: u64,
    /// Missing by sequence numbers.
    pub lost: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1), microseconds.
    pub jitter_us: u32,
    /// Sent.
    pub sent: u64,
    /// Dropped by rule M.
    pub foreign: u64,
    /// Dropped as not RTP, wrong payload type, too short or long.
    pub malformed: u64,
    /// Dropped because the leg has keys and the packet was not made with them, or came twice.
    pub unauthentic: u64,
    /// Round trip by RTCP, microseconds; 0 = never measured.
    pub round_trip_us: u32,
    /// Runs of lost packets: how much of the loss comes in bursts.
    pub loss_runs: u64,
    /// Packets of ours that the peer says it misses.
    pub peer_lost: u32,
    /// Mean opinion score of what came, as [`crate::quality`] estimates it, hundredths; 0 = nothing came.
    pub mean_opinion: u16,
    /// The same of the worst ten seconds; 0 = there were none.
    pub mean_opinion_lowest: u16,
}

/// Which way audio goes that goes one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneWay {
    /// The peer says that it sends, and nothing arrives: a NAT or firewall before us, or a wrong advertised address.
    NothingArrives,
    /// The peer's reports say that nothing of ours arrives there any more.
    NothingReaches,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Bound, free, even ports that the owner may use; more follow as they are used up.
    Ports(Vec<u16>),
    /// A digit by RFC 4733, or heard in the audio where that was agreed; once per press.
    Digit {
        /// From whom.
        leg: LegId,
        /// The key.
        digit: char,
    },
    /// A run of clips has ended, been cut, or replaced.
    PlayEnded {
        /// To whom.
        leg: LegId,
        /// Which run.
        play: PlayId,
        /// Milliseconds heard of the whole run.
        heard_ms: u32,
        /// False when it was cut.
        is_complete: bool,
        /// Index of the clip that was being heard when it ended (= number of clips when complete).
        clip: u32,
    },
    /// The first valid packet of a leg came, or the first after [`Event::MediaLost`]; audio flows.
    Flowing {
        /// Which.
        leg: LegId,
    },
    /// Nothing but silence (or nothing) was heard from the leg for this long: told at 6, 30 and 60 s, then each
    /// minute, while the leg is expected to send.
    Silent {
        /// Which.
        leg: LegId,
        /// Milliseconds.
        for_ms: u32,
    },
    /// Voice of at least 1.5 s was heard while prompts or beds played (once per run of voice).
    Voice {
        /// Which.
        leg: LegId,
    },
    /// Packets have stopped, or never came, for 10 s while they were expected (no judgement: never a hang-up for a caller in menu or queue).
    MediaLost {
        /// Which.
        leg: LegId,
    },
    /// What comes from the leg has been poor for 20 s (told again when it was good in between).
    Poor {
        /// Which.
        leg: LegId,
        /// Mean opinion score of the last 10 s, hundredths.
        mean_opinion: u16,
    },
    /// Audio goes one way only, by the peer's own reports (told again when it went both ways in between).
    OneWay {
        /// Which.
        leg: LegId,
        /// Which way.
        way: OneWay,
    },
    /// Counters, each 10 s.
    Statistics {
        /// Which.
        leg: LegId,
        /// Since its opening.
        statistics: LegStatistics,
    },
    /// The leg is gone; its port will not be used again for a while.
    Closed {
        /// Which.
        leg: LegId,
        /// Final counters.
        statistics: LegStatistics,
    },
    /// The port could not be used; the leg does not exist.
    OpenFailed {
        /// Which.
        leg: LegId,
    },
    /// A recording is complete on disk.
    RecordingClosed {
        /// Which.
        recording: RecordingId,
        /// Length in milliseconds.
        length_ms: u64,
    },
    /// A recording could not be begun or went wrong; the call goes on. A file that was begun and could be completed
    /// (recordings refused, some seconds missing) is told by [`Event::RecordingClosed`] besides.
    RecordingFailed {
        /// Which.
        recording: RecordingId,
        /// For the log.
        error: String,
    },
    /// Strangers send to a leg's port at more than 50 packets/s.
    ForeignFlood {
        /// Which.
        leg: LegId,
    },
}
