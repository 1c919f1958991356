//! A caller's number in any of the forms that Vietnamese carriers and phones send, brought to E.164; and from
//! where in the country the carrier says that it comes.

use crate::Keys;
use hotline_sip::{CarrierNote, Invitation, NumberRule, rewrite};

/// How one carrier writes numbers and regions, and how its callers' keys come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Rules for callers' numbers, before they are read.
    pub callers_in: Vec<NumberRule>,
    /// Rules for dialled numbers.
    pub dialled_in: Vec<NumberRule>,
    /// Area code of fixed lines that send their number without one, e.g. `24`; empty = none.
    pub area: String,
    /// The first that fits tells the region.
    pub regions: Vec<RegionRule>,
    /// Where keys are listened for.
    pub keys: Keys,
}

/// Where a hint at the region stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegionSource {
    /// The caller's number, as E.164 when it can be read.
    Caller,
    /// The dialled number, as it came.
    Dialled,
    /// A header, by its name in lower case.
    Header(String),
    /// The trunk group (RFC 4904).
    TrunkGroup,
}

/// A hint and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionRule {
    /// Where it stands.
    pub source: RegionSource,
    /// How it begins.
    pub begins: String,
    /// The region.
    pub region: String,
}

impl Numbers {
    /// Names of the headers that `regions` look at, in lower case.
    #[must_use]
    pub fn region_headers(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for rule in &self.regions {
            if let RegionSource::Header(name) = &rule.source
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        names
    }

    /// The caller's number as E.164; empty when there is none.
    #[must_use]
    pub fn caller(&self, raw: &str) -> String {
        normalise_in(&rewrite(&self.callers_in, raw), &self.area)
    }

    /// The dialled number as routes know it.
    #[must_use]
    pub fn dialled(&self, raw: &str) -> String {
        rewrite(&self.dialled_in, raw)
    }

    /// The region that the first fitting rule names.
    pub(crate) fn region(
        &self,
        invitation: &Invitation,
        note: &CarrierNote,
        caller: &str,
    ) -> Option<String> {
        let fits = |rule: &&RegionRule| match &rule.source {
            RegionSource::Caller => caller.starts_with(&rule.begins),
            RegionSource::Dialled => invitation.dialled.starts_with(&rule.begins),
            RegionSource::Header(wanted) => note
                .region_headers
                .iter()
                .any(|(name, value)| name == wanted && value.starts_with(&rule.begins)),
            RegionSource::TrunkGroup => note
                .trunk_group
                .as_ref()
                .is_some_and(|group| group.starts_with(&rule.begins)),
        };
        let fitting = self.regions.iter().find(fits);
        fitting.map(|rule| rule.region.clone())
    }
}

/// `0912…`, `+84912…`, `84912…`, `912…`, `0084…`, with spaces, dots and dashes, become `+84912…`; other countries'
/// `+…` and `00…` forms become `+…`; `tel:` and `sip:` forms are their number. What is no number (`anonymous`, a
/// name) becomes empty; short codes and account names of digits stay as they are.
#[must_use]
pub fn normalise(raw: &str) -> String {
    normalise_in(raw, "")
}

/// The same, for a place whose fixed lines send their numbers without its area code.
fn normalise_in(raw: &str, area: &str) -> String {
    let Some(digits) = digits_of(raw) else {
        return String::new();
    };
    if let Some(foreign) = digits.strip_prefix('+') {
        return international(foreign);
    }
    if let Some(foreign) = digits.strip_prefix("00") {
        return international(foreign);
    }
    match digits.len() {
        // National: trunk prefix 0, then 9 digits (mobile) or 10 (fixed lines).
        10 | 11 if digits.starts_with('0') => international(&format!("84{}", &digits[1..])),
        11 | 12 if digits.starts_with("84") => international(&digits),
        9 if digits.starts_with(['3', '5', '7', '8', '9']) => international(&format!("84{digits}")),
        // A fixed line without its trunk prefix: 2, two digits, seven (24 and 28: eight).
        10 if digits.starts_with('2') => international(&format!("84{digits}")),
        7 | 8 if !area.is_empty() && !is_service(&digits) => {
            international(&format!("84{area}{digits}"))
        }
        _ => digits,
    }
}

/// 1800… and 1900… are numbers of services, of 8 to 10 digits, and no subscribers of an area.
fn is_service(digits: &str) -> bool {
    digits.starts_with("1800") || digits.starts_with("1900")
}

/// `+` and the digits, once they are what E.164 allows; a national 0 behind the country code (`+84 0912 …`) goes.
fn international(digits: &str) -> String {
    let digits = match digits.strip_prefix("84") {
        Some(national) => format!("84{}", national.trim_start_matches('0')),
        None => digits.to_owned(),
    };
    // ITU-T E.164 §6: at most 15 digits; no country code begins with 0.
    if digits.is_empty() || digits.len() > E164_DIGITS_MAX || digits.starts_with('0') {
        return String::new();
    }
    format!("+{digits}")
}

/// Digits, with a `+` before them when there is one; None when it is no number.
fn digits_of(raw: &str) -> Option<String> {
    let raw = raw.trim();
    let number = match raw.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => rest.split('@').next().unwrap_or_default(),
        Some(_) => return None,
        None => raw.split('@').next().unwrap_or_default(),
    };
    let mut parts = number.split(';');
    let number = unescape(parts.next().unwrap_or_default());
    let mut digits = String::with_capacity(number.len());
    for character in number.chars().take(RAW_LETTERS_MAX) {
        match character {
            '0'..='9' => digits.push(character),
            '+' if digits.is_empty() => digits.push('+'),
            // RFC 3966 §3: visual separators.
            ' ' | '.' | '-' | '(' | ')' => {}
            _ => return None,
        }
    }
    // RFC 3966 §5.1.5: a local number says where it is local.
    let context = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let is_prefix = value
            .strip_prefix('+')?
            .bytes()
            .all(|byte| byte.is_ascii_digit());
        (name.eq_ignore_ascii_case("phone-context") && is_prefix).then_some(value)
    });
    match context {
        Some(context) if !digits.starts_with(['+', '0']) && digits.len() >= LOCAL_DIGITS_MIN => {
            Some(format!("{context}{digits}"))
        }
        Some(_) | None => Some(digits),
    }
}

fn is_scheme(scheme: &str) -> bool {
    ["sip", "sips", "tel"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
}

/// `%2B84…`: escapes of RFC 3986; what is no valid escape makes it no number.
fn unescape(text: &str) -> String {
    let mut letters = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        if letter != '%' {
            plain.push(letter);
            continue;
        }
        let (high, low) = (letters.next(), letters.next());
        let value = high
            .and_then(|high| high.to_digit(16))
            .zip(low.and_then(|low| low.to_digit(16)))
            .and_then(|(high, low)| char::from_u32(high * 16 + low));
        plain.push(value.unwrap_or('%'));
    }
    plain
}

const E164_DIGITS_MAX: usize = 15;
/// No number is longer, separators included.
const RAW_LETTERS_MAX: usize = 64;
/// Shorter ones are short codes, which are the same everywhere in the country.
const LOCAL_DIGITS_MIN: usize = 7;

#[cfg(test)]
mod tests {
    use super::{NumberRule, Numbers, RegionRule, RegionSource, normalise};
    use proptest::prelude::*;

    #[test]
    fn every_form_of_the_carriers_becomes_e164() {
        for (raw, expected) in [
            ("0912345678", "+84912345678"),
            ("+84912345678", "+84912345678"),
            ("84912345678", "+84912345678"),
            ("912345678", "+84912345678"),
            ("0084912345678", "+84912345678"),
            ("+840912345678", "+84912345678"),
            ("02438123456", "+842438123456"),
            ("842438123456", "+842438123456"),
            ("2438123456", "+842438123456"),
            ("2093812345", "+842093812345"),
            ("0912 345 678", "+84912345678"),
            ("0912.345-678", "+84912345678"),
            ("(091) 234-5678", "+84912345678"),
            ("0912345678;phone-context=+84", "+84912345678"),
            ("912345678;phone-context=+84", "+84912345678"),
            ("111;phone-context=+84", "111"),
            ("912345678;phone-context=example.vn", "+84912345678"),
            ("tel:+84-912-345-678", "+84912345678"),
            ("tel:0912345678;phone-context=+84", "+84912345678"),
            ("sip:0912345678@viettel.vn;user=phone", "+84912345678"),
            (
                "sip:+84912345678;npdi@10.1.2.3:5060;user=phone",
                "+84912345678",
            ),
            ("SIPS:84912345678@c.vn", "+84912345678"),
            ("%2B84912345678", "+84912345678"),
            ("%30912345678", "+84912345678"),
            ("0085512345678", "+85512345678"),
            ("+85512345678", "+85512345678"),
            ("anonymous", ""),
            ("sip:anonymous@anonymous.invalid", ""),
            ("Restricted", ""),
            ("unavailable", ""),
            ("", ""),
            ("+", ""),
            ("00", ""),
            ("+0912345678", ""),
            ("+1234567890123456", ""),
            ("%zz", ""),
            ("mailto:1@2", ""),
            ("111", "111"),
            ("113", "113"),
            ("18001567", "18001567"),
            ("19001234", "19001234"),
            ("O912", ""),
        ] {
            assert_eq!(normalise(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn a_trunk_has_rules_and_an_area_of_its_own() {
        let numbers = Numbers {
            callers_in: vec![NumberRule {
                begins: "9".to_owned(),
                becomes: String::new(),
            }],
            dialled_in: vec![NumberRule {
                begins: "9024".to_owned(),
                becomes: String::new(),
            }],
            area: "24".to_owned(),
            ..Numbers::default()
        };
        assert_eq!(numbers.caller("90912345678"), "+84912345678");
        assert_eq!(numbers.caller("38123456"), "+842438123456");
        assert_eq!(numbers.caller("18001567"), "18001567");
        assert_eq!(numbers.dialled("9024111"), "111");
        assert_eq!(numbers.dialled("111"), "111");
    }

    #[test]
    fn headers_are_asked_for_once() {
        let rule = |begins: &str| RegionRule {
            source: RegionSource::Header("x-region".to_owned()),
            begins: begins.to_owned(),
            region: "hanoi".to_owned(),
        };
        let numbers = Numbers {
            regions: vec![rule("hn"), rule("ha")],
            ..Numbers::default()
        };
        assert_eq!(numbers.region_headers(), ["x-region"]);
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_so(raw in "(tel:|sip:|\\+|00|84|0|%2B)?[0-9 .()-]{0,18}(;phone-context=\\+84)?(@c\\.vn)?") {
            let once = normalise(&raw);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn nothing_panics_and_nothing_but_digits_comes_out(raw in "\\PC{0,80}") {
            let number = normalise(&raw);
            let digits = number.strip_prefix('+').unwrap_or(&number);
            prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert_eq!(normalise(&number), number.clone());
        }

        #[test]
        fn every_mobile_number_has_one_name(prefix in "[35789]", rest in "[0-9]{8}") {
            let wanted = format!("+84{prefix}{rest}");
            for form in ["0", "84", "+84", "0084", "", "+840"] {
                prop_assert_eq!(normalise(&format!("{form}{prefix}{rest}")), wanted.clone());
            }
        }
    }
}
