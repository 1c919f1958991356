//! Placeholder speech: espeak-ng says a sentence, sox brings it to 8 kHz.
//!
//! Both are started as programs and only here, so nothing that runs on the line links to them.

use super::shape;
use crate::failure::Failure;
use crate::run;

/// The voice in which each language is spoken; a language that is not here has no machine voice.
const VOICES: [(&str, &str); 2] = [("en", "en-gb+f2"), ("vi", "vi+f2")];

/// Words a minute: calm, and the entry clips together stay below 25 s.
const SPEED_USUAL: u32 = 175;
/// Faster than this nobody understands the synthesiser; the sentence is too long then.
const SPEED_MAX: u32 = 220;
const SPEED_STEP: u32 = 5;

/// Numbers to call are spoken digit by digit, as people say them.
const DIGIT_BY_DIGIT: [&str; 3] = ["111", "113", "115"];
const DIGITS_VI: [&str; 10] = [
    "không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín",
];
const DIGITS_EN: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

fn voice(code: &str) -> Option<&'static str> {
    VOICES
        .iter()
        .find(|(language, _)| *language == code)
        .map(|(_, voice)| *voice)
}

pub(crate) struct Engine {
    name: String,
}

impl Engine {
    pub(crate) fn find() -> Result<Self, Failure> {
        let needs = |failure| {
            Failure::Missing(format!(
                "{failure}\nThe sounds are made by two programs: apt-get install --no-install-recommends espeak-ng sox"
            ))
        };
        run::pipe("sox", &["--version"], &[]).map_err(needs)?;
        let version = run::pipe("espeak-ng", &["--version"], &[]).map_err(needs)?;
        let version = String::from_utf8_lossy(&version);
        // "eSpeak NG text-to-speech: 1.51  Data at: ..."
        let number = version
            .split_once(": ")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .unwrap_or("unknown");
        Ok(Self {
            name: format!("espeak-ng {number}"),
        })
    }

    /// The program and the voice with which it speaks a language.
    pub(crate) fn voice(&self, code: &str) -> Option<String> {
        voice(code).map(|voice| format!("{} {voice}", self.name))
    }

    /// Says the sentence, faster when it would be too long; nothing when the language has no voice.
    pub(crate) fn say(
        &self,
        code: &str,
        text: &str,
        longest_ms: Option<u64>,
    ) -> Result<Option<Vec<i16>>, Failure> {
        let Some(voice) = voice(code) else {
            return Ok(None);
        };
        let text = spell_numbers(text, code);
        let mut speed = SPEED_USUAL;
        while speed <= SPEED_MAX {
            let samples = shape::speech(&say_once(voice, &text, speed)?);
            if longest_ms.is_none_or(|longest| shape::duration_ms(&samples) <= longest) {
                return Ok(Some(samples));
            }
            speed += SPEED_STEP;
        }
        Err(Failure::Findings(format!(
            "too long for its prompt even at {SPEED_MAX} words a minute: {text}"
        )))
    }
}

fn say_once(voice: &str, text: &str, speed: u32) -> Result<Vec<i16>, Failure> {
    let speed = speed.to_string();
    let spoken = run::pipe(
        "espeak-ng",
        &["-v", voice, "-s", &speed, "--stdin", "--stdout"],
        text.as_bytes(),
    )?;
    // -D: no dither, which is random; with it no two runs would give the same bytes.
    let raw = run::pipe(
        "sox",
        &[
            "-D",
            "-t",
            "wav",
            "-",
            "-t",
            "raw",
            "-e",
            "signed-integer",
            "-b",
            "16",
            "-c",
            "1",
            "-L",
            "-",
            "gain",
            "-6",
            "highpass",
            "150",
            "rate",
            "-h",
            "8000",
        ],
        &spoken,
    )?;
    Ok(raw
        .chunks_exact(2)
        .filter_map(|pair| pair.try_into().ok())
        .map(i16::from_le_bytes)
        .collect())
}

pub(crate) fn spell_numbers(text: &str, code: &str) -> String {
    let digits = if code == "en" { &DIGITS_EN } else { &DIGITS_VI };
    let mut spelled = text.to_owned();
    for number in DIGIT_BY_DIGIT {
        let words: Vec<&str> = number
            .chars()
            .filter_map(|digit| digit.to_digit(10))
            .filter_map(|digit| digits.get(digit as usize).copied())
            .collect();
        spelled = spelled.replace(number, &words.join(" "));
    }
    spelled
}
