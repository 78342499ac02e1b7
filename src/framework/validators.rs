//! Rules for the known value of one attribute.

use super::value::Value;

/// A rule that a known value must keep. Null and unknown values pass: the
/// first is the business of [`super::schema::Mode`], the second comes back
/// when it is known.
#[derive(Debug, Clone, Copy)]
pub enum Validator {
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// At least one character.
    NotEmpty,
    /// A duration in Go's syntax, such as `30s` or `1h30m`, not negative.
    Duration,
    /// An absolute URL with the scheme `http` or `https` and a host.
    Url,
    /// JSON text.
    Json,
    /// A whole number between two bounds, both included.
    WholeNumber {
        /// Smallest allowed value.
        min: i64,
        /// Largest allowed value.
        max: i64,
    },
    /// A rule of its own; the error says what is wrong and what to do, without
    /// quoting a sensitive value. The first text names the rule for the
    /// documentation.
    Custom(&'static str, fn(&Value) -> Result<(), String>),
}
