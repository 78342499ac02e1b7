//! Rules for the values of a configuration.
//!
//! A [`Validator`] looks at one known value; [`super::validation`] applies what
//! a schema says to a whole configuration. Rules about several attributes are
//! the business of a resource.
//!
//! The texts say what is wrong and what is allowed. They quote a value only if
//! neither it nor an object around it is sensitive or write-only.

use std::time::Duration;

use foreign::{is_visible, visible};
use url::Url;

use super::diagnostics::{Diagnostic, quoted};
use super::duration;
use super::path::Path;
use super::value::Value;

/// Characters of a value that a message quotes.
const QUOTED: usize = 80;

/// A rule that a known value must keep. Null and unknown values pass: the
/// first is the business of [`super::schema::Mode`], the second comes back
/// when it is known.
#[derive(Debug, Clone, Copy)]
pub enum Validator {
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// At least one character that is no blank.
    NotBlank,
    /// A text in one line: something in it, no blank at its ends, and every
    /// character of it can be seen.
    Line,
    /// A duration in Go's syntax, such as `30s` or `1h30m`, not negative.
    Duration,
    /// A duration in which something can be done: longer than zero.
    Timeout,
    /// An absolute URL with the scheme `http` or `https` and a host.
    Url,
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

impl Validator {
    /// What is wrong with the value, if anything is.
    pub fn check(&self, path: &Path, value: &Value, sensitive: bool) -> Option<Diagnostic> {
        if value.is_null() || value.is_unknown() {
            return None;
        }
        if let Self::Custom(_, rule) = self {
            return Some(invalid(path, rule(value).err()?));
        }
        let wrong = self.wrong(value)?;
        let quoted = match value {
            Value::String(text) if self.quotes_the_value() => shortened(text),
            Value::Number(number) => shortened(number.as_str()),
            _ => String::new(),
        };
        let subject = if sensitive || quoted.is_empty() {
            format!("The value of `{path}`")
        } else {
            format!("The value `{quoted}` of `{path}`")
        };
        let detail = format!("{subject} {wrong}. Allowed: {}", self.describe());
        Some(invalid(path, detail))
    }

    /// What is allowed, for messages and the documentation.
    pub fn describe(&self) -> String {
        match self {
            Self::OneOf(allowed) => format!("{}.", quoted(allowed)),
            Self::NotBlank => "at least one character that is no blank.".to_owned(),
            Self::Line => {
                "one line, without blanks at its ends and characters that cannot be seen. \
                 `trimspace()` removes the line break at the end of a file."
                    .to_owned()
            }
            Self::Timeout => {
                "a duration in Go's syntax, such as `30s` or `1h30m`, longer than zero.".to_owned()
            }
            Self::Duration => {
                "a duration in Go's syntax, such as `30s` or `1h30m`, not negative.".to_owned()
            }
            Self::Url => "an absolute `http` or `https` URL.".to_owned(),
            Self::WholeNumber { min, max: i64::MAX } => {
                format!("a whole number, at least `{min}`.")
            }
            Self::WholeNumber { min, max } => format!("a whole number from `{min}` to `{max}`."),
            Self::Custom(description, _) => (*description).to_owned(),
        }
    }

    /// Whether a message may repeat the value, unless it is sensitive. URLs
    /// hold secrets even where nobody has said so.
    fn quotes_the_value(&self) -> bool {
        !matches!(self, Self::Url)
    }

    /// How the value breaks the rule, as the end of a sentence.
    fn wrong(&self, value: &Value) -> Option<String> {
        match (self, value) {
            (Self::OneOf(allowed), Value::String(text)) => {
                (!allowed.contains(&text.as_str())).then(|| "is not allowed".to_owned())
            }
            (Self::NotBlank | Self::Line, Value::String(text)) if text.trim().is_empty() => {
                Some("is empty".to_owned())
            }
            (Self::Line, Value::String(text)) => wrong_line(text).map(str::to_owned),
            (Self::Timeout, Value::String(text)) if duration::parse(text) == Ok(Duration::ZERO) => {
                Some("leaves no time for anything".to_owned())
            }
            (Self::Duration | Self::Timeout, Value::String(text)) => {
                let error = duration::parse(text).err()?;
                Some(format!("is not accepted: {error}"))
            }
            (Self::Url, Value::String(text)) => {
                let wrong = wrong_url(text)?;
                Some(format!("is not an absolute URL: {wrong}"))
            }
            (Self::WholeNumber { min, max }, Value::Number(number)) => match number.as_i64() {
                Some(whole) if (*min..=*max).contains(&whole) => None,
                Some(_) => Some("is out of range".to_owned()),
                None => Some("is not a whole number in this range".to_owned()),
            },
            // The schema's checks leave no other pair.
            _ => None,
        }
    }
}

fn invalid(path: &Path, detail: String) -> Diagnostic {
    Diagnostic::error("Invalid attribute value", detail).at(path.clone())
}

/// How a text is not one line that can be seen as it is, as the end of a
/// sentence.
pub fn wrong_line(text: &str) -> Option<&'static str> {
    if text.trim() != text {
        Some("begins or ends with a blank or a line break")
    } else if !is_visible(text) {
        Some("has a line break or a character that cannot be seen")
    } else {
        None
    }
}

/// Why a text is not an absolute URL with a host. The URL parser itself
/// forgives too much: blanks around the text, and missing slashes.
fn wrong_url(text: &str) -> Option<&'static str> {
    if text.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return Some("it contains a blank or a control character");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Some("it does not begin with `https://`");
    };
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Some("its scheme is neither `https` nor `http`");
    }
    if rest.starts_with(['/', '\\', '?', '#']) || rest.is_empty() {
        return Some("it has no host");
    }
    match Url::parse(text) {
        Ok(_) => None,
        Err(_) => Some("its host or port is malformed"),
    }
}

/// The beginning of a text on one line.
fn shortened(text: &str) -> String {
    let escaped = text.chars().take(QUOTED).map(|one| match one {
        '`' | '\n' | '\t' | '\r' => one.escape_unicode().to_string(),
        _ => one.to_string(),
    });
    let mut shown = visible(&escaped.collect::<String>());
    if text.chars().nth(QUOTED).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diagnostics::Severity;
    use crate::number::Number;

    fn text(validator: Validator, value: &str) -> Option<String> {
        detail(validator, &Value::string(value), false)
    }

    fn detail(validator: Validator, value: &Value, sensitive: bool) -> Option<String> {
        let path = Path::attribute("x");
        let diagnostic = validator.check(&path, value, sensitive)?;
        assert_eq!(diagnostic.path, Some(path));
        assert_eq!(diagnostic.severity, Severity::Error);
        assert_eq!(diagnostic.summary, "Invalid attribute value");
        Some(diagnostic.detail)
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    #[test]
    fn a_message_says_what_is_wrong_and_what_is_allowed() {
        let levels = Validator::OneOf(&["subaccount", "instance"]);
        assert_eq!(
            text(levels, "global").unwrap(),
            "The value `global` of `x` is not allowed. Allowed: `subaccount`, `instance`."
        );
        assert_eq!(
            text(Validator::NotBlank, "").unwrap(),
            "The value of `x` is empty. Allowed: at least one character that is no blank."
        );
        assert_eq!(
            text(Validator::Timeout, "0s").unwrap(),
            "The value `0s` of `x` leaves no time for anything. Allowed: a duration in Go's \
             syntax, such as `30s` or `1h30m`, longer than zero."
        );
        for (bad, wrong) in [
            ("  ", "of `x` is empty."),
            (" a", "of `x` begins or ends with a blank or a line break."),
            (
                "a\n",
                "`a\\u{a}` of `x` begins or ends with a blank or a line break.",
            ),
            (
                "a\nb",
                "has a line break or a character that cannot be seen.",
            ),
            (
                "\u{202e}",
                "`\\u{202e}` of `x` has a line break or a character that cannot be seen.",
            ),
        ] {
            let message = text(Validator::Line, bad).unwrap();
            assert!(message.contains(wrong), "{message}");
        }
        assert_eq!(
            text(Validator::Duration, "5 minutes").unwrap(),
            "The value `5 minutes` of `x` is not accepted: it is not a duration such as `30s` or \
             `1h30m`. Allowed: a duration in Go's syntax, such as `30s` or `1h30m`, not negative."
        );
        let attempts = Validator::WholeNumber { min: 1, max: 10 };
        assert_eq!(
            detail(attempts, &number("11"), false).unwrap(),
            "The value `11` of `x` is out of range. Allowed: a whole number from `1` to `10`."
        );
    }

    #[test]
    fn good_values_pass_and_null_and_unknown_are_not_asked() {
        let good = [
            (Validator::OneOf(&["a", "b"]), Value::string("b")),
            (Validator::NotBlank, Value::string(" a\n")),
            (Validator::Line, Value::string("a b")),
            (Validator::Duration, Value::string("0s")),
            (Validator::Timeout, Value::string("1h30m")),
            (
                Validator::Url,
                Value::string("https://example.com:8443/a?b#c"),
            ),
            (Validator::WholeNumber { min: 0, max: 3 }, number("3.0")),
            (
                Validator::Custom("Anything.", |_| Ok(())),
                Value::Bool(true),
            ),
        ];
        for (validator, value) in good {
            for value in [&value, &Value::Null, &Value::Unknown] {
                assert_eq!(detail(validator, value, false), None, "{validator:?}");
            }
            assert!(validator.describe().ends_with('.'));
        }
    }

    #[test]
    fn only_absolute_urls_of_the_web_pass() {
        for good in [
            "http://localhost",
            "HTTPS://EXAMPLE.COM/",
            "http://[::1]:80/x",
        ] {
            assert_eq!(text(Validator::Url, good), None, "{good}");
        }
        for bad in [
            "",
            "example.com",
            "/path",
            "https:/example.com",
            "https:example.com",
            "https://",
            "https:///path",
            "ftp://example.com",
            " https://example.com",
            "https://a b/",
            "https://example.com:99999",
            "https://[::1",
            "https://?q",
            "https://exa\nmple.com",
        ] {
            let message = text(Validator::Url, bad).unwrap();
            assert!(bad.is_empty() || !message.contains(bad), "{message}");
        }
    }

    #[test]
    fn numbers_beyond_the_bounds_are_refused() {
        let rule = Validator::WholeNumber {
            min: 0,
            max: i64::MAX,
        };
        assert_eq!(rule.describe(), "a whole number, at least `0`.");
        for bad in ["-1", "1.5", "1e400", "9223372036854775808"] {
            assert!(detail(rule, &number(bad), false).is_some(), "{bad}");
        }
        assert_eq!(detail(rule, &number("9223372036854775807"), false), None);
    }

    #[test]
    fn sensitive_values_are_never_quoted() {
        for (validator, value) in [
            (Validator::OneOf(&["a"]), Value::string("hunter2")),
            (Validator::Duration, Value::string("hunter2")),
            (Validator::WholeNumber { min: 0, max: 1 }, number("4711")),
        ] {
            let message = detail(validator, &value, true).unwrap();
            assert!(
                !message.contains("hunter2") && !message.contains("4711"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_long_or_strange_value_is_quoted_in_part() {
        let message = text(Validator::OneOf(&["a"]), &format!("`\n{}", "x".repeat(500))).unwrap();
        assert!(message.contains("`\\u{60}\\u{a}xxx"), "{message}");
        assert!(message.contains("x…`"), "{message}");
        assert!(message.len() < 250);
    }

    proptest! {
        #[test]
        fn no_text_panics(value in any::<String>(), sensitive in any::<bool>()) {
            for validator in [
                Validator::OneOf(&["a"]),
                Validator::NotBlank,
                Validator::Duration,
                Validator::Url,
            ] {
                let _ = detail(validator, &Value::string(value.clone()), sensitive);
            }
        }

        #[test]
        fn whole_numbers_pass_exactly_within_their_bounds(
            value in -20_i64..20, min in -10_i64..0, max in 0_i64..10,
        ) {
            let rule = Validator::WholeNumber { min, max };
            let refused = detail(rule, &Value::Number(Number::from(value)), false).is_some();
            prop_assert_eq!(refused, value < min || value > max);
        }
    }
}
