//! Decimal numbers of any precision, kept as text.
//!
//! Terraform computes with 512-bit floats and compares numbers by their
//! shortest decimal text, so a number that came in must go out with the same
//! digits; a trip through `f64` would lose them.

use std::fmt;

/// A decimal number in canonical form: no exponent, no superfluous zeros.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(String);

impl Number {
    /// The canonical decimal text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(value.to_string())
    }
}

impl fmt::Debug for Number {
    /// Numbers can be sensitive, so the digits are not printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(..)")
    }
}
