//! What a phone does: as values that are built in Rust, or parsed from text.
//!
//! One statement a line; see [`CallScript`] and [`AnswerScript`], which both are `FromStr`.
//!
//! ```text
//! call    = dial NUMBER | from NUMBER [NAME...] | login USER PASSWORD | give up after TIME | talk
//! answer  = answer [after TIME] [without ringing] | answer never | decline STATUS [after TIME] | dead
//!         | register for TIME | talk
//! talk    = record FILE | wait TIME | wait audio [TIME] | press KEYS [by rtp|by info]
//!         | speak tone HZ LEVEL [for TIME] | speak sound NAME | echo | quiet | mute | hang up [after TIME]
//! TIME    = 500ms | 2s | 1.5s | 3min          LEVEL = -20 | -20dB (below full scale)
//! ```
//!
//! A line whose first word begins with `#` is a comment, and so is everything after a word `//`. What both sides
//! say about talking happens from the answer on, in order; `speak tone` without a time goes on while the next
//! steps happen. A script that has ended waits for the other side to hang up.

mod parse;

pub use parse::ScriptError;

use std::path::PathBuf;

/// A call that somebody makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallScript {
    /// The number.
    pub dial: String,
    /// User part of From.
    pub from: String,
    /// Display name of From.
    pub name: String,
    /// User and password for a server that asks; a call by way of a trunk needs none.
    pub login: Option<(String, String)>,
    /// Cancelled when nobody has answered after so many milliseconds.
    pub patience_ms: Option<u64>,
    /// From the answer on.
    pub talk: Talk,
}

impl CallScript {
    /// A call to `number` that stays silent until the other side hangs up.
    #[must_use]
    pub fn dial(number: &str) -> Self {
        Self {
            dial: number.to_owned(),
            from: "anonymous".to_owned(),
            name: String::new(),
            login: None,
            patience_ms: None,
            talk: Talk::default(),
        }
    }

    /// Who calls.
    #[must_use]
    pub fn from(mut self, number: &str) -> Self {
        number.clone_into(&mut self.from);
        self
    }

    /// A call from an account: the number that calls is the user.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        user.clone_into(&mut self.from);
        self.login = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Give up unless answered after so many milliseconds.
    #[must_use]
    pub fn give_up_after_ms(mut self, millis: u64) -> Self {
        self.patience_ms = Some(millis);
        self
    }

    /// What happens from the answer on.
    #[must_use]
    pub fn talk(mut self, talk: Talk) -> Self {
        self.talk = talk;
        self
    }
}

/// What a phone that is called does, call after call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerScript {
    /// First reaction.
    pub reaction: Reaction,
    /// Lifetime asked for when it registers; the endpoint refreshes in time.
    pub expires_s: u32,
    /// From the answer on.
    pub talk: Talk,
}

impl AnswerScript {
    /// Rings, answers after so many milliseconds, stays silent until the other side hangs up.
    #[must_use]
    pub fn answer_after_ms(millis: u64) -> Self {
        Self::reacting(Reaction::Answer {
            after_ms: millis,
            rings: true,
        })
    }

    /// Rings for ever.
    #[must_use]
    pub fn never() -> Self {
        Self::reacting(Reaction::Never)
    }

    /// Says no.
    #[must_use]
    pub fn decline(status: u16) -> Self {
        Self::reacting(Reaction::Decline {
            status,
            after_ms: 0,
        })
    }

    /// Its datagrams vanish: not even 100 Trying.
    #[must_use]
    pub fn dead() -> Self {
        Self::reacting(Reaction::Dead)
    }

    /// With any reaction.
    #[must_use]
    pub fn reacting(reaction: Reaction) -> Self {
        Self {
            reaction,
            expires_s: EXPIRES_S,
            talk: Talk::default(),
        }
    }

    /// What happens from the answer on.
    #[must_use]
    pub fn talk(mut self, talk: Talk) -> Self {
        self.talk = talk;
        self
    }
}

/// How a phone reacts to an INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// 180 (unless `rings` is false), then 200.
    Answer {
        /// From the INVITE.
        after_ms: u64,
        /// Say 180 first.
        rings: bool,
    },
    /// Nothing at all, as if the cable were out (UDP only). REGISTER still works.
    Dead,
    /// A refusal.
    Decline {
        /// 300-699, e.g. 486, 603.
        status: u16,
        /// From the INVITE.
        after_ms: u64,
    },
    /// 180, and that is all.
    Never,
}

/// What a phone does from the answer on, step by step. After the last step it waits for the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Talk {
    /// One after the other.
    pub steps: Vec<Step>,
    /// Two-channel WAV of the whole call: left what is heard, right what is spoken.
    pub record: Option<PathBuf>,
}

impl Talk {
    /// Silence.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Record the call.
    #[must_use]
    pub fn record(mut self, path: impl Into<PathBuf>) -> Self {
        self.record = Some(path.into());
        self
    }

    /// One more step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Do nothing for a while.
    #[must_use]
    pub fn wait_ms(self, millis: u64) -> Self {
        self.step(Step::Wait { millis })
    }

    /// Press keys, by RFC 4733.
    #[must_use]
    pub fn press(self, digits: &str) -> Self {
        self.press_by(digits, DigitWay::Rtp)
    }

    /// Press keys.
    #[must_use]
    pub fn press_by(self, digits: &str, way: DigitWay) -> Self {
        self.step(Step::Press {
            digits: digits.to_owned(),
            way,
        })
    }

    /// Speak a tone from now on.
    #[must_use]
    pub fn tone(self, hz: u32, level_db: u32) -> Self {
        self.step(Step::Tone {
            hz,
            level_db,
            millis: 0,
        })
    }

    /// Speak a tone for a while.
    #[must_use]
    pub fn tone_for_ms(self, hz: u32, level_db: u32, millis: u32) -> Self {
        self.step(Step::Tone {
            hz,
            level_db,
            millis,
        })
    }

    /// Speak a sound of the bank's to its end.
    #[must_use]
    pub fn sound(self, name: &str) -> Self {
        self.step(Step::Sound {
            name: name.to_owned(),
        })
    }

    /// Hang up.
    #[must_use]
    pub fn hang_up(self) -> Self {
        self.step(Step::HangUp)
    }
}

/// One thing that a phone does in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Give everything that is heard back, until something is spoken.
    Echo,
    /// End the call.
    HangUp,
    /// Stop speaking and send no packets at all.
    Mute,
    /// Press keys one after the other.
    Press {
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digits: String,
        /// How they travel.
        way: DigitWay,
    },
    /// Stop speaking: silence is sent.
    Quiet,
    /// Speak a sound that the bank has loaded; the next step begins at its end.
    Sound {
        /// As given to the bank.
        name: String,
    },
    /// Speak a sine tone.
    Tone {
        /// Hertz.
        hz: u32,
        /// dB below a full-scale sine.
        level_db: u32,
        /// The next step begins at its end; 0: go on at once, and speak until something else is spoken.
        millis: u32,
    },
    /// Do nothing.
    Wait {
        /// For so long.
        millis: u64,
    },
    /// Do nothing until the first audio packet was heard.
    WaitAudio {
        /// Or for so long.
        millis_max: u64,
    },
}

/// How a key press travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitWay {
    /// SIP INFO with `application/dtmf-relay`.
    Info,
    /// RFC 4733 in the audio stream.
    Rtp,
}

/// How long a key is held.
pub const PRESS_MS: u32 = 100;
/// Pause between two keys.
pub const PRESS_GAP_MS: u32 = 100;
/// Lifetime that a registration asks for.
pub const EXPIRES_S: u32 = 600;

#[cfg(test)]
mod tests;
