//! Calls: a scripted SIP softphone that plays callers and counsellors for demo, load and tests.
//!
//! Signalling is `hotline-sip`, audio `hotline-media`; the hotline itself is not known here, so every phone could
//! as well call somebody else's server.
//!
//! A [`Bank`] is one thread with one SIP address and one media worker. It drives any number of phones, tells each
//! thing that happens to them as an [`Event`] with its instant, and does what their scripts say:
//!
//! ```no_run
//! use hotline_phone::{AnswerScript, Bank, BankConfig, CallScript, Talk};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = "127.0.0.1:5060".parse()?;
//! let (bank, events) = Bank::start(BankConfig::to(server)?)?;
//! bank.register("tv01", "secret", AnswerScript::answer_after_ms(800).talk(Talk::new().tone(1_000, 20)));
//! bank.call(CallScript::dial("111").from("0912345678").talk(
//!     Talk::new().record("heard.wav").wait_ms(2_000).press("1").tone(600, 20).wait_ms(20_000).hang_up(),
//! ));
//! // The same as text:
//! let script: CallScript = "dial 111\nfrom 0912345678\nwait 2s\npress 1\nspeak tone 600 -20\nhang up after 20s".parse()?;
//! bank.call(script);
//! for event in events {
//!     eprintln!("{:?}", event.kind);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The text form is described in [`script`]. [`load`] measures servers with thousands of calls: it has no media
//! worker, but packets that are made once and carry a number in their audio.
//!
//! The program `hotline-phone` does calls and answers by hand or by script file.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests"
    )
)]

mod alarm;
mod bank;
mod clock;
mod error;
mod event;
mod farewell;
mod line;
pub mod load;
pub mod script;
mod sound;
mod streams;
mod tls;

pub use bank::{Bank, BankConfig, BankHandle};
pub use error::Error;
pub use event::{EndedBy, Event, EventKind, PhoneId};
pub use hotline_media::prompt::load as load_sound;
pub use hotline_media::{Codec, Sound};
pub use hotline_sip::Transport;
pub use script::{AnswerScript, CallScript, DigitWay, Reaction, ScriptError, Step, Talk};
pub use sound::read_recording;
