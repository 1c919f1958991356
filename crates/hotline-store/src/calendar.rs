//! Days of Vietnam and instants as text. UTC+7, no summer time, so no time zone database.

use std::fmt;
use std::str::FromStr;

const MS_PER_DAY: i64 = 86_400_000;
const OFFSET_MS: i64 = 7 * 3_600_000;

/// A day in Vietnam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// Days since 1970-01-01.
    number: i64,
}

impl Day {
    /// By the calendar; None when there is no such day.
    #[must_use]
    pub fn new(year: i64, month: u32, day: u32) -> Option<Self> {
        let number = days_from_civil(year, month, day);
        ((1970..=9999).contains(&year) && civil_from_days(number) == (year, month, day))
            .then_some(Self { number })
    }

    /// The day that an instant belongs to (UTC milliseconds since 1970).
    #[must_use]
    pub fn of(wall_ms: i64) -> Self {
        Self {
            number: wall_ms.saturating_add(OFFSET_MS).div_euclid(MS_PER_DAY),
        }
    }

    /// Its first instant, UTC milliseconds since 1970.
    #[must_use]
    pub fn start_ms(self) -> i64 {
        self.number
            .saturating_mul(MS_PER_DAY)
            .saturating_sub(OFFSET_MS)
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        Self {
            number: self.number.saturating_add(1),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.number);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Not a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no day; write YYYY-MM-DD")]
pub struct DayError(String);

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let parse = || {
            let mut parts = text.split('-');
            let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
            let are_digits = [year, month, day]
                .iter()
                .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            if parts.next().is_some()
                || !are_digits
                || (year.len(), month.len(), day.len()) != (4, 2, 2)
            {
                return None;
            }
            Self::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
        };
        parse().ok_or_else(|| DayError(text.to_owned()))
    }
}

/// ISO 8601 in UTC, e.g. `2026-11-24T05:53:21.123Z`.
pub(crate) fn utc_text(wall_ms: i64) -> String {
    instant_text(wall_ms, "Z")
}

/// ISO 8601 in Vietnam, e.g. `2026-11-24T12:53:21.123+07:00`.
pub(crate) fn local_text(wall_ms: i64) -> String {
    instant_text(wall_ms.saturating_add(OFFSET_MS), "+07:00")
}

fn instant_text(ms: i64, zone: &str) -> String {
    let (year, month, day) = civil_from_days(ms.div_euclid(MS_PER_DAY));
    let in_day = ms.rem_euclid(MS_PER_DAY);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1_000 % 60, in_day % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}{zone}")
}

/// Days since 1970-01-01 in the Gregorian calendar; eras of 400 years, years beginning in March.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        year,
        u32::try_from(month).unwrap_or(1),
        u32::try_from(day).unwrap_or(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_reads_back() {
        for number in 0..146_097 {
            let (year, month, day) = civil_from_days(number);
            assert_eq!(days_from_civil(year, month, day), number);
        }
    }

    #[test]
    fn a_day_of_vietnam_begins_at_17_utc_of_the_day_before() {
        let day: Day = "2026-03-01".parse().unwrap();
        assert_eq!(utc_text(day.start_ms()), "2026-02-28T17:00:00.000Z");
        assert_eq!(local_text(day.start_ms()), "2026-03-01T00:00:00.000+07:00");
        assert_eq!(Day::of(day.start_ms()), day);
        assert_eq!(Day::of(day.start_ms() - 1).to_string(), "2026-02-28");
        assert_eq!(day.next().to_string(), "2026-03-02");
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "2026-1-01",
            "26-01-01",
            "2026-01-01T00:00",
            "",
            "2026-00-10",
            "+026-01-01",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert!("2028-02-29".parse::<Day>().is_ok());
    }
}
