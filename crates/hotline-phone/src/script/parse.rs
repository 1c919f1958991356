//! Reads scripts, one statement a line; what cannot be read is named by line and word.

use super::{AnswerScript, CallScript, DigitWay, Reaction, Step, Talk};
use std::str::FromStr;

/// Where a script cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// A word is not what it should be.
    #[error("line {line}, word {word}: `{found}` where {wanted} is expected")]
    Unexpected {
        /// From 1.
        line: usize,
        /// From 1.
        word: usize,
        /// The word.
        found: String,
        /// What could stand there.
        wanted: &'static str,
    },
    /// The line ends too early.
    #[error("line {line}: ends after word {words} where {wanted} is expected")]
    Short {
        /// From 1.
        line: usize,
        /// How many words it has.
        words: usize,
        /// What is missing.
        wanted: &'static str,
    },
    /// A statement that has to be there.
    #[error("nowhere in the script: {wanted}")]
    Missing {
        /// Which.
        wanted: &'static str,
    },
}

impl FromStr for CallScript {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self::dial("");
        for mut words in lines(text) {
            match words.next(CALL_STATEMENT)? {
                "dial" => script.dial = words.next("a number")?.to_owned(),
                "from" => {
                    script.from = words.next("a number")?.to_owned();
                    script.name = words.rest();
                }
                "login" => {
                    let user = words.next("a user")?.to_owned();
                    script.login = Some((user, words.next("a password")?.to_owned()));
                }
                "give" => {
                    words.literal("up", "`up`")?;
                    words.literal("after", "`after`")?;
                    script.patience_ms = Some(words.time()?);
                }
                _ => talk(&mut script.talk, words.again(), CALL_STATEMENT)?,
            }
            words.end()?;
        }
        if script.dial.is_empty() {
            return Err(ScriptError::Missing {
                wanted: "`dial NUMBER`",
            });
        }
        Ok(script)
    }
}

impl FromStr for AnswerScript {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self::answer_after_ms(0);
        for mut words in lines(text) {
            match words.next(ANSWER_STATEMENT)? {
                "answer" => script.reaction = answer(&mut words)?,
                "dead" => script.reaction = Reaction::Dead,
                "decline" => {
                    let status = words.number("a status from 300 to 699")?;
                    if !(300..700).contains(&status) {
                        return Err(words.unexpected("a status from 300 to 699"));
                    }
                    let after_ms = words.optional("after", Words::time)?.unwrap_or(0);
                    script.reaction = Reaction::Decline { status, after_ms };
                }
                "register" => {
                    words.literal("for", "`for`")?;
                    script.expires_s = u32::try_from(words.time()? / 1_000).unwrap_or(u32::MAX);
                }
                _ => talk(&mut script.talk, words.again(), ANSWER_STATEMENT)?,
            }
            words.end()?;
        }
        Ok(script)
    }
}

fn answer(words: &mut Words<'_>) -> Result<Reaction, ScriptError> {
    if words.take("never") {
        return Ok(Reaction::Never);
    }
    let after_ms = words.optional("after", Words::time)?.unwrap_or(0);
    let is_mute = words
        .optional("without", |words| words.literal("ringing", "`ringing`"))?
        .is_some();
    Ok(Reaction::Answer {
        after_ms,
        rings: !is_mute,
    })
}

fn talk(talk: &mut Talk, words: &mut Words<'_>, wanted: &'static str) -> Result<(), ScriptError> {
    let step = match words.next(wanted)? {
        "echo" => Step::Echo,
        "hang" => {
            words.literal("up", "`up`")?;
            if let Some(millis) = words.optional("after", Words::time)? {
                talk.steps.push(Step::Wait { millis });
            }
            Step::HangUp
        }
        "mute" => Step::Mute,
        "press" => {
            let digits = words.keys()?;
            let way = words.optional("by", Words::way)?.unwrap_or(DigitWay::Rtp);
            Step::Press { digits, way }
        }
        "quiet" => Step::Quiet,
        "record" => {
            talk.record = Some(words.next("a file name")?.into());
            return Ok(());
        }
        "speak" => match words.next("`tone` or `sound`")? {
            "sound" => Step::Sound {
                name: words.next("the name of a sound")?.to_owned(),
            },
            "tone" => {
                let hz = words.number("a frequency in hertz")?;
                let level_db = words.level()?;
                let millis = words.optional("for", Words::time)?.unwrap_or(0);
                Step::Tone {
                    hz,
                    level_db,
                    millis: u32::try_from(millis).unwrap_or(u32::MAX),
                }
            }
            _ => return Err(words.unexpected("`tone` or `sound`")),
        },
        "wait" if words.take("audio") => Step::WaitAudio {
            millis_max: if words.is_empty() {
                WAIT_AUDIO_MS
            } else {
                words.time()?
            },
        },
        "wait" => Step::Wait {
            millis: words.time()?,
        },
        _ => return Err(words.unexpected(wanted)),
    };
    talk.steps.push(step);
    Ok(())
}

fn lines(text: &str) -> impl Iterator<Item = Words<'_>> {
    let numbered = text.lines().enumerate();
    numbered.filter_map(|(index, line)| {
        let words: Vec<&str> = line
            .split_whitespace()
            .take_while(|word| *word != "//")
            .collect();
        let is_comment = words.first().is_none_or(|word| word.starts_with('#'));
        (!is_comment).then_some(Words {
            line: index + 1,
            words,
            read: 0,
        })
    })
}

/// The words of one line, read from left to right.
struct Words<'a> {
    line: usize,
    words: Vec<&'a str>,
    read: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self, wanted: &'static str) -> Result<&'a str, ScriptError> {
        let word = self.words.get(self.read).copied();
        let word = word.ok_or(ScriptError::Short {
            line: self.line,
            words: self.words.len(),
            wanted,
        })?;
        self.read += 1;
        Ok(word)
    }

    /// From the first word once more.
    fn again(&mut self) -> &mut Self {
        self.read = 0;
        self
    }

    /// The word read last is wrong.
    fn unexpected(&self, wanted: &'static str) -> ScriptError {
        let found = self
            .words
            .get(self.read.saturating_sub(1))
            .copied()
            .unwrap_or_default();
        ScriptError::Unexpected {
            line: self.line,
            word: self.read,
            found: found.to_owned(),
            wanted,
        }
    }

    fn is_empty(&self) -> bool {
        self.read >= self.words.len()
    }

    fn rest(&mut self) -> String {
        let rest = self.words.get(self.read..).unwrap_or_default().join(" ");
        self.read = self.words.len();
        rest
    }

    fn end(&mut self) -> Result<(), ScriptError> {
        if self.is_empty() {
            return Ok(());
        }
        self.read += 1;
        Err(self.unexpected("the end of the line"))
    }

    fn take(&mut self, literal: &str) -> bool {
        let is_there = self
            .words
            .get(self.read)
            .is_some_and(|word| *word == literal);
        self.read += usize::from(is_there);
        is_there
    }

    fn literal(&mut self, literal: &str, wanted: &'static str) -> Result<(), ScriptError> {
        if self.next(wanted)? == literal {
            Ok(())
        } else {
            Err(self.unexpected(wanted))
        }
    }

    fn optional<T>(
        &mut self,
        literal: &str,
        read: impl FnOnce(&mut Self) -> Result<T, ScriptError>,
    ) -> Result<Option<T>, ScriptError> {
        if self.take(literal) {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }

    fn number<T: FromStr>(&mut self, wanted: &'static str) -> Result<T, ScriptError> {
        self.next(wanted)?
            .parse()
            .map_err(|_| self.unexpected(wanted))
    }

    fn time(&mut self) -> Result<u64, ScriptError> {
        let word = self.next(TIME)?;
        let unit_at = word
            .find(|letter: char| letter.is_ascii_alphabetic())
            .unwrap_or(word.len());
        let (number, unit) = word.split_at(unit_at);
        let unit_ms = match unit {
            "min" => 60_000,
            "ms" => 1,
            "s" => 1_000,
            _ => return Err(self.unexpected(TIME)),
        };
        millis(number, unit_ms).ok_or_else(|| self.unexpected(TIME))
    }

    fn level(&mut self) -> Result<u32, ScriptError> {
        let word = self.next(LEVEL)?;
        let number = word.strip_suffix("dB").unwrap_or(word);
        let number = number.strip_prefix('-').unwrap_or(number);
        number
            .parse()
            .ok()
            .filter(|level| *level <= LEVEL_DB_MAX)
            .ok_or_else(|| self.unexpected(LEVEL))
    }

    fn keys(&mut self) -> Result<String, ScriptError> {
        let keys = self.next(KEYS)?;
        let is_good = keys.chars().all(|key| "0123456789*#ABCD".contains(key));
        if is_good {
            Ok(keys.to_owned())
        } else {
            Err(self.unexpected(KEYS))
        }
    }

    fn way(&mut self) -> Result<DigitWay, ScriptError> {
        match self.next("`rtp` or `info`")? {
            "info" => Ok(DigitWay::Info),
            "rtp" => Ok(DigitWay::Rtp),
            _ => Err(self.unexpected("`rtp` or `info`")),
        }
    }
}

/// `12` or `1.5` of a unit, to the millisecond.
fn millis(number: &str, unit_ms: u64) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    if part.is_empty() {
        return (!number.ends_with('.'))
            .then(|| whole.checked_mul(unit_ms))
            .flatten();
    }
    let places = u32::try_from(part.len())
        .ok()
        .filter(|places| *places <= 3)?;
    let part: u64 = part.parse().ok()?;
    whole
        .checked_mul(unit_ms)?
        .checked_add(part * unit_ms / 10u64.pow(places))
}

const TIME: &str = "a time such as 500ms, 1.5s or 2min";
const LEVEL: &str = "a level below full scale such as -20 or -20dB, down to -90";
const KEYS: &str = "keys out of 0-9, *, #, A-D";
const CALL_STATEMENT: &str =
    "dial, from, login, give up after, record, wait, press, speak, echo, quiet, mute or hang up";
const ANSWER_STATEMENT: &str =
    "answer, decline, dead, register for, record, wait, press, speak, echo, quiet, mute or hang up";
const LEVEL_DB_MAX: u32 = 90;
/// How long `wait audio` waits unless told.
const WAIT_AUDIO_MS: u64 = 10_000;
