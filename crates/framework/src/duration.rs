//! Durations in Go's syntax, as Terraform's practitioners write them: `30s`,
//! `1h30m`, `1.5h`.
//!
//! Negative durations are refused: nothing here could use one.

use std::fmt::Write as _;
use std::time::Duration;

/// The longest duration, which is Go's own: about 292 years.
const MAX_NANOSECONDS: u128 = i64::MAX as u128;

/// Units and their nanoseconds. A unit comes before another one that is its
/// beginning.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    // Micro sign and Greek letter look the same.
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// Why a text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not in Go's syntax.
    #[error("it is not a duration such as `30s` or `1h30m`")]
    Syntax,
    /// Less than zero.
    #[error("a duration cannot be negative here")]
    Negative,
    /// Longer than Go's longest.
    #[error("it is longer than 292 years")]
    TooLong,
}

/// Reads a duration: numbers with units, from `ns` to `h`, one after the
/// other. Fractions are allowed; what is below a nanosecond is cut off.
///
/// # Errors
/// [`DurationError`].
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let nanoseconds = parse_unsigned(unsigned)?;
    if negative && nanoseconds > 0 {
        return Err(DurationError::Negative);
    }
    let nanoseconds = u64::try_from(nanoseconds).map_err(|_| DurationError::TooLong)?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// The nanoseconds of a text without a sign.
fn parse_unsigned(text: &str) -> Result<u128, DurationError> {
    // The only number that needs no unit.
    if text == "0" {
        return Ok(0);
    }
    if text.is_empty() {
        return Err(DurationError::Syntax);
    }
    let mut rest = text;
    let mut total = 0;
    while !rest.is_empty() {
        let (whole, after_whole) = split_digits(rest);
        let (fraction, after_number) = match after_whole.strip_prefix('.') {
            Some(after_point) => split_digits(after_point),
            None => ("", after_whole),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(DurationError::Syntax);
        }
        let (unit, after_unit) = UNITS
            .iter()
            .find_map(|(name, unit)| Some((*unit, after_number.strip_prefix(name)?)))
            .ok_or(DurationError::Syntax)?;
        total = nanoseconds(whole, fraction, unit)
            .and_then(|part| part.checked_add(total))
            .filter(|total| *total <= MAX_NANOSECONDS)
            .ok_or(DurationError::TooLong)?;
        rest = after_unit;
    }
    Ok(total)
}

/// Digits at the start of a text, and what follows.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// The nanoseconds of `whole.fraction` units; `None` where they are too many to
/// count.
fn nanoseconds(whole: &str, fraction: &str, unit: u128) -> Option<u128> {
    let whole: u128 = format!("0{whole}").parse().ok()?;
    // An hour has 3.6 × 10¹² nanoseconds: digits after the 18th do not count.
    let fraction: u128 = format!("{fraction:0<18.18}").parse().ok()?;
    let below = fraction * unit / 10_u128.pow(18);
    whole.checked_mul(unit)?.checked_add(below)
}

/// Writes a duration so that it can be read again: `1h30m`, `20m`, `1s500ms`,
/// `0s`.
pub fn format(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    let mut text = String::new();
    for (name, unit) in UNITS.iter().rev().filter(|(name, _)| name.is_ascii()) {
        if rest >= *unit {
            let _ = write!(text, "{}{name}", rest / unit);
            rest %= unit;
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gos_own_examples_are_read() {
        for (text, expected) in [
            ("0", Duration::ZERO),
            ("-0", Duration::ZERO),
            ("-0s", Duration::ZERO),
            ("5s", Duration::from_secs(5)),
            ("+5s", Duration::from_secs(5)),
            ("1478s", Duration::from_secs(1478)),
            ("5.0s", Duration::from_secs(5)),
            ("5.6s", Duration::from_millis(5600)),
            ("5.s", Duration::from_secs(5)),
            (".5s", Duration::from_millis(500)),
            ("1.004s", Duration::from_millis(1004)),
            ("100.00100s", Duration::from_millis(100_001)),
            ("10ns", Duration::from_nanos(10)),
            ("11us", Duration::from_micros(11)),
            ("12\u{b5}s", Duration::from_micros(12)),
            ("12\u{3bc}s", Duration::from_micros(12)),
            ("13ms", Duration::from_millis(13)),
            ("15m", Duration::from_mins(15)),
            ("1.5h", Duration::from_mins(90)),
            ("3h30m", Duration::from_mins(210)),
            ("39h9m14.425s", Duration::from_millis(140_954_425)),
            ("1h1h", Duration::from_hours(2)),
            (
                "0.3333333333333333333h",
                Duration::from_nanos(1_199_999_999_999),
            ),
            (
                "9223372036854775807ns",
                Duration::from_nanos(i64::MAX as u64),
            ),
            ("00000000000000000000000000s", Duration::ZERO),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "", "3", "-", "s", ".", "-.", ".s", "+.s", "1d", "1 s", " 1s", "1s ", "1e3s", "s1",
            "1h30", "1H", "++1s", "1.2.3s", "\u{661}s",
        ] {
            assert_eq!(parse(text), Err(DurationError::Syntax), "{text:?}");
        }
        assert_eq!(parse("-1ns"), Err(DurationError::Negative));
        for text in [
            "9223372036854775808ns",
            "2562048h",
            "2562047h48m",
            "99999999999999999999999999999999999999999999h",
        ] {
            assert_eq!(parse(text), Err(DurationError::TooLong), "{text}");
        }
    }

    #[test]
    fn durations_are_written_without_what_is_zero() {
        for (duration, expected) in [
            (Duration::ZERO, "0s"),
            (Duration::from_nanos(1), "1ns"),
            (Duration::from_nanos(1_100), "1us100ns"),
            (Duration::from_millis(3_300), "3s300ms"),
            (Duration::from_millis(500), "500ms"),
            (Duration::from_secs(10), "10s"),
            (Duration::from_secs(245), "4m5s"),
            (Duration::from_mins(20), "20m"),
            (Duration::from_hours(1), "1h"),
            (Duration::from_mins(90), "1h30m"),
            (Duration::from_secs(36_010), "10h10s"),
        ] {
            assert_eq!(format(duration), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(nanoseconds in 0..=i64::MAX as u64, shift in 0..63) {
            let duration = Duration::from_nanos(nanoseconds >> shift);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn parts_add_up(hours in 0_u64..1_000, minutes in 0_u64..1_000, millis in 0_u64..1_000_000) {
            let text = format!("{hours}h{minutes}m{}.{:03}s", millis / 1000, millis % 1000);
            let expected = Duration::from_hours(hours)
                + Duration::from_mins(minutes)
                + Duration::from_millis(millis);
            prop_assert_eq!(parse(&text), Ok(expected));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), close in "[-+0-9.nuµmsh]{0,60}") {
            let _ = parse(&text);
            let _ = parse(&close);
        }
    }
}
