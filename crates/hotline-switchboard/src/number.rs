//! A caller's number in any of the forms that Vietnamese carriers and phones send, brought to E.164.

/// `0912…`, `+84912…`, `84912…`, `912…`, `0084…`, with spaces, dots and dashes, become `+84912…`; other countries'
/// `+…` and `00…` forms become `+…`. What is no number (`anonymous`, a name) becomes empty; short codes and
/// account names of digits stay as they are.
#[must_use]
pub fn normalise(raw: &str) -> String {
    let number = raw.split(';').next().unwrap_or_default();
    let mut digits = String::with_capacity(number.len());
    for character in number.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '+' if digits.is_empty() => digits.push('+'),
            ' ' | '.' | '-' | '(' | ')' => {}
            _ => return String::new(),
        }
    }
    if let Some(foreign) = digits.strip_prefix('+') {
        return if foreign.is_empty() {
            String::new()
        } else {
            digits
        };
    }
    if let Some(international) = digits.strip_prefix("00") {
        return format!("+{international}");
    }
    match digits.len() {
        // National: trunk prefix 0, then 9 digits (mobile) or 10 (fixed lines).
        10 | 11 if digits.starts_with('0') => format!("+84{}", &digits[1..]),
        11 | 12 if digits.starts_with("84") => format!("+{digits}"),
        9 if digits.starts_with(['3', '5', '7', '8', '9']) => format!("+84{digits}"),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn every_form_of_the_carriers_becomes_e164() {
        for (raw, expected) in [
            ("0912345678", "+84912345678"),
            ("+84912345678", "+84912345678"),
            ("84912345678", "+84912345678"),
            ("912345678", "+84912345678"),
            ("0084912345678", "+84912345678"),
            ("02438123456", "+842438123456"),
            ("842438123456", "+842438123456"),
            ("0912 345 678", "+84912345678"),
            ("0912.345-678", "+84912345678"),
            ("0912345678;phone-context=+84", "+84912345678"),
            ("0085512345678", "+85512345678"),
            ("+85512345678", "+85512345678"),
            ("anonymous", ""),
            ("", ""),
            ("+", ""),
            ("111", "111"),
            ("18001567", "18001567"),
            ("O912", ""),
        ] {
            assert_eq!(normalise(raw), expected, "{raw:?}");
        }
    }
}
