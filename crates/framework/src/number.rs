//! Decimal numbers of any precision, kept as text.
//!
//! Terraform computes with 512-bit floats and compares numbers by their
//! shortest decimal text, so a number that came in must go out with the same
//! digits; a trip through `f64` would lose them.
//!
//! There is no arithmetic here, and no infinity: Terraform can send one, but
//! no attribute has a use for it, so it is an error where it comes in.

use std::fmt;
use std::str::FromStr;

/// The longest text of a number, in characters. It leaves room for every
/// `f64` and for far more digits than Terraform computes with, and keeps a
/// short text with a large exponent from filling the memory.
const MAX_LENGTH: usize = 4096;

/// A decimal number in canonical form: no exponent, no superfluous zeros, no
/// plus sign, no negative zero. Equal numbers have equal texts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(String);

/// Why something is not a [`Number`]. The texts do not quote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a decimal number.
    #[error("This is not a decimal number.")]
    NotDecimal,
    /// Longer than [`MAX_LENGTH`] when written out.
    #[error("This number has more than {MAX_LENGTH} digits when written out.")]
    TooLong,
    /// An infinity or "not a number".
    #[error("An infinite number is not supported.")]
    NotFinite,
}

impl Number {
    /// The canonical decimal text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, if it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// Exactly the number that the float holds: 0.1 becomes
    /// `0.1000000000000000055…`. This is what Terraform means by a float on
    /// the wire.
    ///
    /// # Errors
    /// [`NumberError::NotFinite`].
    pub(super) fn from_exact_f64(value: f64) -> Result<Self, NumberError> {
        if !value.is_finite() {
            return Err(NumberError::NotFinite);
        }
        // No `f64` has more than 1,074 digits after the point.
        format!("{value:.1074}").parse()
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        i128::from(value).into()
    }
}

impl From<i128> for Number {
    fn from(value: i128) -> Self {
        Self(value.to_string())
    }
}

impl FromStr for Number {
    type Err = NumberError;

    /// Reads `12`, `-0.10`, `+.5`, `5.`, `1E+2` and the like.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        if text.len() > MAX_LENGTH {
            return Err(NumberError::TooLong);
        }
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if mantissa == "." || mantissa.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return Err(NumberError::NotDecimal);
        }
        write_out(negative, whole, fraction, exponent)
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The exponent, cut to a range that is far beyond [`MAX_LENGTH`] but cannot
/// overflow.
fn parse_exponent(text: &str) -> Result<i64, NumberError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !is_digits(digits) {
        return Err(NumberError::NotDecimal);
    }
    let magnitude = digits.parse().unwrap_or(i64::MAX).min(i64::MAX / 4);
    Ok(if negative { -magnitude } else { magnitude })
}

/// Writes `whole.fraction × 10^exponent` in canonical form.
fn write_out(
    negative: bool,
    whole: &str,
    fraction: &str,
    exponent: i64,
) -> Result<Number, NumberError> {
    let all = [whole, fraction].concat();
    let significant = all.trim_start_matches('0');
    let leading_zeros = all.len() - significant.len();
    let digits = significant.trim_end_matches('0');
    if digits.is_empty() {
        return Ok(Number("0".to_owned()));
    }
    // The number is 0.DIGITS × 10^point.
    let point = position(whole.len()) - position(leading_zeros) + exponent;
    let length = position(digits.len());
    if point.max(length) - point.min(0) > position(MAX_LENGTH) {
        return Err(NumberError::TooLong);
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    let sign = if negative { "-" } else { "" };
    let text = if point <= 0 {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else if point >= length {
        format!("{sign}{digits}{}", zeros(point - length))
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or_default());
        format!("{sign}{whole}.{fraction}")
    };
    Ok(Number(text))
}

/// A position in a text of at most [`MAX_LENGTH`] characters, to calculate
/// with.
fn position(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX / 4)
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Number {
    /// Numbers can be sensitive, so the digits are not printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    fn as_f64(number: &Number) -> f64 {
        number.as_str().parse().unwrap()
    }

    fn canonical(text: &str) -> String {
        text.parse::<Number>().unwrap().to_string()
    }

    #[test]
    fn equal_numbers_have_one_text() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.000e7", "0"),
            ("0e99999999999999999999", "0"),
            ("0.10", "0.1"),
            ("+.5", "0.5"),
            ("5.", "5"),
            ("007", "7"),
            ("1E+2", "100"),
            ("12.5e1", "125"),
            ("12.5e-3", "0.0125"),
            ("-1.50e1", "-15"),
            ("100e-2", "1"),
            ("9223372036854775808", "9223372036854775808"),
            ("18446744073709551616", "18446744073709551616"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
        assert_eq!(canonical("1e400"), format!("1{}", "0".repeat(400)));
        assert_eq!(canonical("1e-400"), format!("0.{}1", "0".repeat(399)));
    }

    #[test]
    fn what_is_no_decimal_number_is_refused() {
        for text in [
            "", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", "1_000", "0x10", "1e1.5", " 1", "1 ",
            "--1", "inf", "NaN", "١", "1e--2",
        ] {
            assert_eq!(
                text.parse::<Number>(),
                Err(NumberError::NotDecimal),
                "{text}"
            );
        }
    }

    #[test]
    fn a_large_exponent_does_not_fill_the_memory() {
        for text in [
            "1e65536",
            "1e-65536",
            "1e4096",
            "1e9223372036854775807",
            "1e-99999999999999999999999999",
        ] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::TooLong), "{text}");
        }
        assert_eq!(canonical("1e4095").len(), MAX_LENGTH);
        assert_eq!(
            "1".repeat(MAX_LENGTH + 1).parse::<Number>(),
            Err(NumberError::TooLong)
        );
    }

    #[test]
    fn whole_numbers_come_out_only_where_they_fit() {
        let number = |text: &str| text.parse::<Number>().unwrap();
        assert_eq!(number("-9223372036854775808").as_i64(), Some(i64::MIN));
        assert_eq!(number("9223372036854775808").as_i64(), None);
        assert_eq!(number("1.0").as_i64(), Some(1));
        assert_eq!(number("1.5").as_i64(), None);
    }

    #[test]
    fn floats_are_exact() {
        assert_eq!(
            Number::from_exact_f64(0.1).unwrap().as_str(),
            "0.1000000000000000055511151231257827021181583404541015625"
        );
        assert_eq!(Number::from_exact_f64(-0.0).unwrap().as_str(), "0");
        assert_eq!(
            Number::from_exact_f64(f64::INFINITY),
            Err(NumberError::NotFinite)
        );
    }

    #[test]
    fn digits_are_not_printed_by_accident() {
        assert_eq!(format!("{:?}", Number::from(4711_i64)), "Number(..)");
    }

    proptest! {
        #[test]
        fn reading_the_canonical_text_changes_nothing(
            text in "[-+]?[0-9]{0,30}(\\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?",
        ) {
            if let Ok(number) = text.parse::<Number>() {
                prop_assert_eq!(number.as_str().parse::<Number>(), Ok(number.clone()));
                prop_assert!(!number.as_str().contains(['e', 'E', '+']));
                // The float parser of the standard library is the judge.
                let expected: f64 = text.parse().unwrap();
                prop_assert_eq!(as_f64(&number).partial_cmp(&expected), Some(Ordering::Equal));
            }
        }

        #[test]
        fn integers_and_floats_survive(int in any::<i64>(),
                                       float in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(Number::from(int).as_i64(), Some(int));
            let exact = Number::from_exact_f64(float).unwrap();
            prop_assert_eq!(as_f64(&exact).to_bits(), float.to_bits());
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<Number>();
        }
    }
}
