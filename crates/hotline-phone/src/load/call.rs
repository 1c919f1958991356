//! One call of a load run, and the people in it.

use super::ear::Ear;
use super::talker::Talker;
use hotline_media::g711::Law;
use hotline_sip::DialogId;
use std::net::SocketAddr;

pub(crate) struct Call {
    pub(crate) dialog: DialogId,
    pub(crate) side: Side,
    pub(crate) state: State,
    /// The INVITE left or came.
    pub(crate) begun_us: u64,
    pub(crate) answered_us: u64,
    /// We have hung up (or refused) at this time.
    pub(crate) hung_up_us: Option<u64>,
    pub(crate) media: Option<Box<Media>>,
    /// The call of ours at the other end, once its audio was heard.
    pub(crate) partner: Option<usize>,
    /// Keys are pressed (or there are none to press).
    pub(crate) has_pressed: bool,
    /// A counsellor was free when this caller pressed the last key.
    pub(crate) was_anyone_free: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Calls the hotline.
    Caller,
    /// Index of the counsellor who is called.
    Counsellor(usize),
    /// Index of the counsellor who dials the sign-in code.
    SignIn(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Ended or failed.
    Over,
    /// INVITE without a final answer.
    SettingUp,
    /// Answered.
    Up,
}

/// The audio of an answered call.
pub(crate) struct Media {
    pub(crate) law: Law,
    pub(crate) payload_type: u8,
    pub(crate) socket: usize,
    pub(crate) remote: SocketAddr,
    pub(crate) talker: Talker,
    pub(crate) ear: Ear,
    pub(crate) has_heard: bool,
}

pub(crate) struct Counsellor {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) state: Duty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// In a call (or invited to one).
    Busy,
    /// Registration or sign-in failed.
    Failed,
    /// Waits for a call. `was_awaited`: more callers waited then than counsellors were free.
    Free {
        since_us: u64,
        was_awaited: bool,
        is_first: bool,
    },
    /// Not registered yet; asked at this time.
    Registering { asked_us: u64 },
    /// Dials the code.
    SigningIn,
    /// Its turn to register has not come.
    Unknown,
}

impl Duty {
    pub(crate) fn is_settled(self) -> bool {
        match self {
            Self::Busy | Self::Failed | Self::Free { .. } => true,
            Self::Registering { .. } | Self::SigningIn | Self::Unknown => false,
        }
    }
}
