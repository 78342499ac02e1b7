//! Numbers as decimal text, so that none is ever rounded.

use std::fmt;
use std::str::FromStr;

use serde_json::Value as Json;

/// A decimal number in one canonical form: `digits` × 10^`exponent`, without
/// leading or trailing zeros. Zero has no digits and is never negative.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Number {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// Beyond this many zeros a number is written with an exponent.
const LONGEST_PLAIN: i64 = 60;

impl Number {
    /// Reads `-12.5e3` and the like; not `Infinity`, not `NaN`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a number");
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| wrong())?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let exponent = exponent - i64::try_from(fraction.len()).map_err(|_| wrong())?;
        Ok(Self::canonical(
            negative,
            all.trim_start_matches('0'),
            exponent,
        ))
    }

    fn canonical(negative: bool, digits: &str, exponent: i64) -> Self {
        let short = digits.trim_end_matches('0');
        if short.is_empty() {
            return Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            };
        }
        let dropped = i64::try_from(digits.len() - short.len()).unwrap_or(0);
        Self {
            negative,
            digits: short.to_owned(),
            exponent: exponent + dropped,
        }
    }

    /// A float as core compares it: whole numbers exactly, others by their
    /// shortest decimal text.
    pub fn from_f64(value: f64) -> Result<Self, String> {
        if !value.is_finite() {
            return Err(format!("{value} is not a number that a state can hold"));
        }
        if value.fract() == 0.0 {
            Self::parse(&format!("{value:.0}"))
        } else {
            Self::parse(&format!("{value}"))
        }
    }

    /// The number as an `i64`, when it is one.
    pub fn as_i64(&self) -> Option<i64> {
        i64::from_str(&self.to_string()).ok()
    }

    /// The number as an `f64`, when that holds it exactly.
    pub fn as_exact_f64(&self) -> Option<f64> {
        let float = f64::from_str(&self.to_string()).ok()?;
        let exact = Self::parse(&format!("{float:.1100}")).ok()?;
        (exact == *self).then_some(float)
    }

    /// The number as a JSON number.
    pub fn to_json(&self) -> Json {
        serde_json::from_str(&self.to_string()).unwrap()
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::canonical(value < 0, &value.unsigned_abs().to_string(), 0)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::canonical(false, &value.to_string(), 0)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        if self.negative {
            f.write_str("-")?;
        }
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let point = length.saturating_add(self.exponent);
        if self.exponent.abs() > LONGEST_PLAIN {
            write!(f, "{}e{}", self.digits, self.exponent)
        } else if self.exponent >= 0 {
            write!(
                f,
                "{}{}",
                self.digits,
                "0".repeat(usize::try_from(self.exponent).unwrap_or(0))
            )
        } else if point > 0 {
            let (whole, fraction) = self.digits.split_at(usize::try_from(point).unwrap_or(0));
            write!(f, "{whole}.{fraction}")
        } else {
            write!(
                f,
                "0.{}{}",
                "0".repeat(usize::try_from(-point).unwrap_or(0)),
                self.digits
            )
        }
    }
}

#[test]
fn number_has_one_form_however_it_is_written() {
    for (text, canonical) in [
        ("0", "0"),
        ("-0.0", "0"),
        ("007", "7"),
        ("1e3", "1000"),
        ("1200", "1200"),
        ("0.10", "0.1"),
        ("-12.5e-3", "-0.0125"),
        ("1e400", "1e400"),
        ("9223372036854775808", "9223372036854775808"),
    ] {
        assert_eq!(Number::parse(text).unwrap().to_string(), canonical);
    }
    assert_eq!(Number::from_f64(0.1), Number::parse("0.1"));
    assert_eq!(
        Number::from_f64(9_223_372_036_854_775_808.0),
        Number::parse("9223372036854775808")
    );
    assert_eq!(Number::parse("0.5").unwrap().as_exact_f64(), Some(0.5));
    assert_eq!(Number::parse("0.1").unwrap().as_exact_f64(), None);
    for text in ["", "-", "1.2.3", "0x1", "Infinity", "NaN", "1e", "½"] {
        assert!(Number::parse(text).is_err(), "{text}");
    }
}
