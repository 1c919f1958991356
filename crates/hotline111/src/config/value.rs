//! What a single value may be: durations, sizes, addresses, names, lists of them.

use super::problem::{Expected, Problem};
use super::source::Place;
use super::tree::{Item, Value};
use hotline_switchboard::Srtp;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// A type that a value of the configuration can be read as.
pub(crate) trait Scalar: Sized {
    const EXPECTED: Expected;

    /// None when the value is of another kind or form.
    fn read(item: &Item) -> Option<Self>;

    /// As it would be written in a file.
    fn show(&self) -> String;
}

/// Milliseconds, written `"20s"`, `"250ms"`, `"1min 30s"`, `"12h"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Millis(pub(crate) u32);

/// Like [`Millis`], but may be negative: `"-2min"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SignedMillis(pub(crate) i32);

/// Bytes, written `"64 MiB"`, `"50 GiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes(pub(crate) u64);

/// A name of ours: lower-case letters, digits, `_`, `-`, `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(pub(crate) String);

/// An address whose port may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) ip: IpAddr,
    pub(crate) port: Option<u16>,
}

/// First and last port, written `"20000-29999"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

/// A value with its place, for checks that come later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// Longest name of ours.
const NAME_LENGTH_MAX: usize = 32;

impl Scalar for Millis {
    const EXPECTED: Expected = Expected::Duration;

    fn read(item: &Item) -> Option<Self> {
        match &item.value {
            Value::Text(text) => parse_millis(text).map(Self),
            _ => None,
        }
    }

    fn show(&self) -> String {
        format!("\"{}\"", show_millis(self.0))
    }
}

impl Scalar for SignedMillis {
    const EXPECTED: Expected = Expected::Duration;

    fn read(item: &Item) -> Option<Self> {
        let Value::Text(text) = &item.value else {
            return None;
        };
        let (is_negative, length) = match text.trim().strip_prefix('-') {
            Some(rest) => (true, parse_millis(rest)?),
            None => (false, parse_millis(text)?),
        };
        let length = i32::try_from(length).ok()?;
        Some(Self(if is_negative { -length } else { length }))
    }

    fn show(&self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("\"{sign}{}\"", show_millis(self.0.unsigned_abs()))
    }
}

impl Scalar for Bytes {
    const EXPECTED: Expected = Expected::Size;

    fn read(item: &Item) -> Option<Self> {
        match &item.value {
            Value::Text(text) => parse_bytes(text).map(Self),
            _ => None,
        }
    }

    fn show(&self) -> String {
        let (unit, name) = BYTE_UNITS
            .iter()
            .rev()
            .find(|(unit, _)| self.0 >= *unit && self.0.is_multiple_of(*unit))
            .copied()
            .unwrap_or((1, "B"));
        format!("\"{} {name}\"", self.0 / unit)
    }
}

impl Scalar for Name {
    const EXPECTED: Expected = Expected::Name;

    fn read(item: &Item) -> Option<Self> {
        let text = String::read(item)?;
        is_name(&text).then_some(Self(text))
    }

    fn show(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl Scalar for String {
    const EXPECTED: Expected = Expected::Text;

    fn read(item: &Item) -> Option<Self> {
        match (&item.loose, &item.value) {
            (Some(raw), _) => Some(raw.clone()),
            (None, Value::Text(text)) => Some(text.clone()),
            (None, _) => None,
        }
    }

    fn show(&self) -> String {
        format!("\"{}\"", self.escape_debug())
    }
}

impl Scalar for PathBuf {
    const EXPECTED: Expected = Expected::Text;

    fn read(item: &Item) -> Option<Self> {
        String::read(item)
            .filter(|text| !text.is_empty())
            .map(Self::from)
    }

    fn show(&self) -> String {
        format!("\"{}\"", self.display())
    }
}

impl Scalar for bool {
    const EXPECTED: Expected = Expected::YesNo;

    fn read(item: &Item) -> Option<Self> {
        match item.value {
            Value::Truth(truth) => Some(truth),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Scalar for u32 {
    const EXPECTED: Expected = Expected::Whole;

    fn read(item: &Item) -> Option<Self> {
        match item.value {
            Value::Whole(number) => number.try_into().ok(),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Scalar for SocketAddr {
    const EXPECTED: Expected = Expected::Address;

    fn read(item: &Item) -> Option<Self> {
        String::read(item)?.parse().ok()
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

impl Scalar for IpAddr {
    const EXPECTED: Expected = Expected::Ip;

    fn read(item: &Item) -> Option<Self> {
        String::read(item)?.parse().ok()
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

impl Scalar for Host {
    const EXPECTED: Expected = Expected::Host;

    fn read(item: &Item) -> Option<Self> {
        let text = String::read(item)?;
        let ip = text.trim_start_matches('[').trim_end_matches(']').parse();
        match (ip, text.parse::<SocketAddr>()) {
            (Ok(ip), _) => Some(Self { ip, port: None }),
            (Err(_), Ok(address)) => Some(Self {
                ip: address.ip(),
                port: Some(address.port()),
            }),
            (Err(_), Err(_)) => None,
        }
    }

    fn show(&self) -> String {
        match self.port {
            Some(port) => format!("\"{}\"", SocketAddr::new(self.ip, port)),
            None => format!("\"{}\"", self.ip),
        }
    }
}

impl Scalar for Srtp {
    const EXPECTED: Expected = Expected::Srtp;

    fn read(item: &Item) -> Option<Self> {
        let text = String::read(item)?;
        SRTP_WORDS
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, srtp)| *srtp)
    }

    fn show(&self) -> String {
        let word = SRTP_WORDS.iter().find(|(_, srtp)| srtp == self);
        format!("\"{}\"", word.map_or("", |(word, _)| word))
    }
}

const SRTP_WORDS: [(&str, Srtp); 3] = [
    ("off", Srtp::Off),
    ("offer", Srtp::Offer),
    ("require", Srtp::Require),
];

impl Scalar for Ports {
    const EXPECTED: Expected = Expected::Ports;

    fn read(item: &Item) -> Option<Self> {
        let text = String::read(item)?;
        let (first, last) = text.split_once('-')?;
        let range = Self {
            first: first.trim().parse().ok()?,
            last: last.trim().parse().ok()?,
        };
        (range.first < range.last && range.first > 0).then_some(range)
    }

    fn show(&self) -> String {
        format!("\"{}-{}\"", self.first, self.last)
    }
}

impl<T: Scalar> Scalar for Placed<T> {
    const EXPECTED: Expected = T::EXPECTED;

    fn read(item: &Item) -> Option<Self> {
        T::read(item).map(|value| Self {
            value,
            place: item.place,
        })
    }

    fn show(&self) -> String {
        self.value.show()
    }
}

/// Reads a list, telling of each bad element. A single value counts as a list of one.
pub(crate) fn read_list<T: Scalar>(
    key: &str,
    item: &Item,
    mut fault: impl FnMut(Place, Problem),
) -> Vec<T> {
    let Value::List(list) = &item.value else {
        return match T::read(item) {
            Some(one) => vec![one],
            None => {
                fault(item.place, bad(key, T::EXPECTED, item));
                Vec::new()
            }
        };
    };
    let mut read = Vec::with_capacity(list.len());
    for element in list {
        match T::read(element) {
            Some(value) => read.push(value),
            None => fault(element.place, bad(key, T::EXPECTED, element)),
        }
    }
    read
}

/// The problem of a value that is not what the key wants.
pub(crate) fn bad(key: &str, expected: Expected, item: &Item) -> Problem {
    let found = match (&item.loose, &item.value) {
        (Some(raw), _) | (None, Value::Text(raw)) => format!("\"{}\"", raw.escape_debug()),
        (None, Value::Whole(number)) => number.to_string(),
        (None, value) => value.kind().to_owned(),
    };
    Problem::BadValue {
        key: key.to_owned(),
        expected,
        found,
    }
}

/// Whether a text may be the name of a thing or an account.
pub(crate) fn is_name(text: &str) -> bool {
    let is_fine = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '_' | '-' | '.');
    !text.is_empty() && text.len() <= NAME_LENGTH_MAX && text.chars().all(is_fine)
}

const MILLIS_UNITS: [(u64, &str); 4] = [(1, "ms"), (1_000, "s"), (60_000, "min"), (3_600_000, "h")];
const BYTE_UNITS: [(u64, &str); 4] = [
    (1, "B"),
    (1 << 10, "KiB"),
    (1 << 20, "MiB"),
    (1 << 30, "GiB"),
];

pub(crate) fn parse_millis(text: &str) -> Option<u32> {
    let mut rest = text.trim();
    let mut total = None;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let tail = rest.get(digits..)?.trim_start();
        let letters = tail
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let unit = tail.get(..letters)?;
        let (millis, _) = MILLIS_UNITS.iter().find(|(_, name)| *name == unit)?;
        total = Some(
            total
                .unwrap_or(0_u64)
                .checked_add(number.checked_mul(*millis)?)?,
        );
        rest = tail.get(letters..)?.trim_start();
    }
    total?.try_into().ok()
}

fn show_millis(millis: u32) -> String {
    let mut rest = u64::from(millis);
    let mut text = String::new();
    for (unit, name) in MILLIS_UNITS.iter().rev() {
        if rest >= *unit {
            // Writing into a String cannot fail.
            let _ = write!(
                text,
                "{}{}{name}",
                if text.is_empty() { "" } else { " " },
                rest / unit
            );
            rest %= unit;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let unit = text.get(digits..)?.trim();
    let (bytes, _) = BYTE_UNITS.iter().find(|(_, name)| *name == unit)?;
    number.checked_mul(*bytes)
}
