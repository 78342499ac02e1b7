//! Rules for the values of a configuration.
//!
//! A [`Validator`] looks at one known value; [`validate_config`] applies what
//! a schema says to a whole configuration. Rules about several attributes are
//! the business of a resource.
//!
//! The texts say what is wrong and what is allowed. They quote a value only if
//! neither it nor an object around it is sensitive or write-only.

use std::collections::BTreeSet;
use std::time::Duration;

use foreign::{is_visible, visible};
use url::Url;

use super::client_version;
use super::diagnostics::{Diagnostic, Diagnostics};
use super::duration;
use super::path::Path;
use super::schema::{Attribute, AttributeType, Mode, Schema};
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
    #[must_use]
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
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::OneOf(allowed) => {
                let allowed: Vec<_> = allowed.iter().map(|text| format!("`{text}`")).collect();
                format!("{}.", allowed.join(", "))
            }
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
#[must_use]
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

/// Checks a configuration against what its schema says: values that only the
/// provider gives, missing ones, write-only values that the client cannot
/// handle, validators, nested objects, and use of what is deprecated. All
/// messages are collected; unknown values are left for later.
#[must_use]
pub fn validate_config(schema: &Schema, config: &Value, write_only_allowed: bool) -> Diagnostics {
    let mut validation = Validation {
        write_only_allowed,
        diagnostics: Diagnostics::new(),
    };
    validation.object(&Path::root(), schema.attributes, config, false);
    validation.diagnostics
}

struct Validation {
    write_only_allowed: bool,
    diagnostics: Diagnostics,
}

impl Validation {
    fn object(&mut self, parent: &Path, attributes: &[Attribute], object: &Value, hidden: bool) {
        if object.is_unknown() {
            return;
        }
        for attribute in attributes {
            let path = parent.clone().then(attribute.name);
            self.attribute(&path, attribute, object.get(attribute.name), hidden);
            self.conflicts(&path, attribute, object);
            if attribute.write_only && !object.get(attribute.name).is_null() {
                self.write_only(&path, attribute, attributes);
            }
        }
    }

    /// `hidden` says that the object around the attribute is sensitive.
    fn attribute(&mut self, path: &Path, attribute: &Attribute, value: &Value, hidden: bool) {
        let hidden = hidden || attribute.sensitive || attribute.write_only;
        if attribute.mode == Mode::Computed && !value.is_null() {
            self.error(
                path,
                "Read-only attribute configured",
                format!(
                    "Only the provider gives the value of `{path}`. Remove it from the \
                     configuration."
                ),
            );
        }
        let is_empty = value.as_str() == Some("");
        if attribute.mode == Mode::Required && (value.is_null() || is_empty) {
            let lacks = if is_empty { "is empty" } else { "has no value" };
            self.error(
                path,
                "Required attribute missing",
                format!("`{path}` {lacks}. The configuration must give a value."),
            );
            return;
        }
        for validator in attribute.validators {
            if let Some(diagnostic) = validator.check(path, value, hidden) {
                self.diagnostics.push(diagnostic);
            }
        }
        if value.is_null() || value.is_unknown() {
            return;
        }
        self.null_elements(path, value, hidden);
        if let AttributeType::Object(inner) = attribute.kind {
            self.object(path, inner, value, hidden);
        }
        if let Some(instead) = attribute.deprecation {
            let warning = Diagnostic::warning("Attribute deprecated", instead);
            self.diagnostics.push(warning.at(path.clone()));
        }
    }

    /// No attribute has a use for elements without a value.
    fn null_elements(&mut self, path: &Path, value: &Value, hidden: bool) {
        let mut nulls = BTreeSet::new();
        find_nulls(path, value, hidden, &mut nulls);
        for null in nulls {
            let subject = if null == *path {
                format!("An element of `{null}` is null")
            } else {
                format!("`{null}` is null")
            };
            self.error(
                &null,
                "Null element",
                format!(
                    "{subject}, and every element needs a value. Give it one, or leave the \
                     element out, for example with a `for` expression that ends in \
                     `if x != null`."
                ),
            );
        }
    }

    /// Two values of which only one can count.
    fn conflicts(&mut self, path: &Path, attribute: &Attribute, object: &Value) {
        let is_known = |value: &Value| !value.is_null() && !value.is_unknown();
        if !is_known(object.get(attribute.name)) {
            return;
        }
        for other in attribute.conflicts_with {
            if is_known(object.get(other)) {
                self.error(
                    path,
                    "Conflicting attributes",
                    format!(
                        "`{path}` and `{other}` beside it are both set, and only one of them can \
                         count. Keep one."
                    ),
                );
            }
        }
    }

    /// A client that does not know write-only attributes would store the value.
    fn write_only(&mut self, path: &Path, attribute: &Attribute, siblings: &[Attribute]) {
        if self.write_only_allowed {
            return;
        }
        // By convention the attribute without the suffix is the stored twin.
        let twin = attribute.name.strip_suffix("_wo");
        let twin = twin.and_then(|name| siblings.iter().find(|other| other.name == name));
        let instead = match twin {
            Some(twin) => format!(
                "use `{}` instead, whose value Terraform stores in its state",
                twin.name
            ),
            None => "take the attribute out".to_owned(),
        };
        self.error(
            path,
            "Write-only attribute not allowed",
            format!(
                "`{path}` is write-only: its value is used and never stored. That takes {}. Use \
                 such a version, or {instead}.",
                client_version::WRITE_ONLY
            ),
        );
    }

    fn error(&mut self, path: &Path, summary: &'static str, detail: String) {
        self.diagnostics
            .push(Diagnostic::error(summary, detail).at(path.clone()));
    }
}

/// Where a collection holds null. What has no address, as in sets, or one that
/// is as hidden as its value, is found where it is held.
fn find_nulls(at: &Path, value: &Value, hidden: bool, found: &mut BTreeSet<Path>) {
    let mut look = |at: Path, element: &Value, hidden: bool| {
        if element.is_null() {
            found.insert(at);
        } else {
            find_nulls(&at, element, hidden, found);
        }
    };
    match value {
        Value::List(elements) => {
            for (position, element) in elements.iter().enumerate() {
                let inner = at.clone();
                let inner = if hidden { inner } else { inner.index(position) };
                look(inner, element, hidden);
            }
        }
        Value::Map(entries) => {
            for (key, element) in entries {
                let inner = at.clone();
                let inner = if hidden { inner } else { inner.key(key) };
                look(inner, element, hidden);
            }
        }
        Value::Set(elements) => {
            for element in elements {
                look(at.clone(), element, true);
            }
        }
        // What is in an object are attributes.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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

    static SCHEMA: Schema = Schema::new(
        0,
        "A thing.",
        &[
            Attribute::string("id").computed().describe("Its id."),
            Attribute::string("name")
                .required()
                .validate(&[Validator::NotBlank])
                .describe("Its name."),
            Attribute::string("secret").describe("Its secret."),
            Attribute::string("secret_wo")
                .write_only()
                .conflicts_with(&["secret"])
                .describe("Its secret."),
            Attribute::string("old")
                .deprecated("Use `name` instead.")
                .validate(&[Validator::OneOf(&["a"])])
                .describe("Its old name."),
            Attribute::object(
                "login",
                &[
                    Attribute::string("user").required().describe("A user."),
                    Attribute::string("pin")
                        .validate(&[Validator::OneOf(&["0"])])
                        .describe("A number."),
                ],
            )
            .sensitive()
            .describe("How to get in."),
        ],
    );

    fn config(entries: &[(&str, Value)]) -> Value {
        let mut object: BTreeMap<String, Value> = SCHEMA
            .attributes
            .iter()
            .map(|attribute| (attribute.name.to_owned(), Value::Null))
            .collect();
        for (name, value) in entries {
            object.insert((*name).to_owned(), value.clone());
        }
        Value::Object(object)
    }

    fn messages(config: &Value, write_only_allowed: bool) -> Vec<String> {
        validate_config(&SCHEMA, config, write_only_allowed)
            .iter()
            .map(|diagnostic| {
                let path = diagnostic.path.as_ref().unwrap();
                format!("{path}: {}", diagnostic.summary)
            })
            .collect()
    }

    #[test]
    fn a_configuration_is_checked_in_the_order_of_the_schema() {
        let login = Value::Object(BTreeMap::from([
            ("user".to_owned(), Value::Null),
            ("pin".to_owned(), Value::string("hunter2")),
        ]));
        let bad = config(&[
            ("id", Value::string("1")),
            ("secret_wo", Value::Unknown),
            ("old", Value::string("b")),
            ("login", login),
        ]);
        assert_eq!(
            messages(&bad, false),
            [
                "id: Read-only attribute configured",
                "name: Required attribute missing",
                "secret_wo: Write-only attribute not allowed",
                "old: Invalid attribute value",
                "old: Attribute deprecated",
                "login.user: Required attribute missing",
                "login.pin: Invalid attribute value",
            ]
        );
        let all = format!("{:?}", validate_config(&SCHEMA, &bad, false));
        assert!(
            !all.contains("hunter2"),
            "a sensitive object hides what is inside it"
        );
        assert_eq!(
            messages(&Value::Null, true),
            ["name: Required attribute missing"]
        );
    }

    #[test]
    fn two_values_of_which_one_can_count_are_refused_when_both_are_known() {
        let both = |plain: Value| {
            let secret = ("secret_wo", Value::string("hunter2"));
            config(&[("name", Value::string("x")), ("secret", plain), secret])
        };
        let wrong = both(Value::string("hunter2"));
        assert_eq!(
            messages(&wrong, true),
            ["secret_wo: Conflicting attributes"]
        );
        let all = format!("{:?}", validate_config(&SCHEMA, &wrong, true));
        assert!(!all.contains("hunter2"), "{all}");
        assert_eq!(messages(&both(Value::Unknown), true), Vec::<String>::new());
    }

    #[test]
    fn what_is_unknown_or_right_is_not_mentioned() {
        let unknown = config(&[
            ("name", Value::Unknown),
            ("secret_wo", Value::string("x")),
            ("old", Value::Unknown),
            ("login", Value::Unknown),
        ]);
        assert_eq!(messages(&unknown, true), Vec::<String>::new());
        assert_eq!(messages(&Value::Unknown, false), Vec::<String>::new());
        let good = config(&[("name", Value::string("x"))]);
        assert_eq!(messages(&good, false), Vec::<String>::new());
    }

    #[test]
    fn a_null_element_is_refused_where_it_can_be_named() {
        static TEXT: AttributeType = AttributeType::String;
        static TEXTS: AttributeType = AttributeType::Set(&TEXT);
        static COLLECTIONS: Schema = Schema::new(
            0,
            "A thing.",
            &[
                Attribute::list("list", &TEXT).describe("Texts."),
                Attribute::set("set", &TEXT).describe("Texts."),
                Attribute::map("map", &TEXT).describe("Texts."),
                Attribute::map("sets", &TEXTS).describe("Texts."),
                Attribute::map("secret", &TEXT)
                    .sensitive()
                    .describe("Texts."),
                Attribute::map("secret_wo", &TEXT)
                    .write_only()
                    .describe("Texts."),
                Attribute::object(
                    "inner",
                    &[Attribute::list("list", &TEXT).describe("Texts.")],
                )
                .describe("A part."),
            ],
        );
        let some = || Value::string("x");
        let entries = |entries: &[(&str, Value)]| -> BTreeMap<String, Value> {
            let owned = |(key, value): &(&str, Value)| ((*key).to_owned(), value.clone());
            entries.iter().map(owned).collect()
        };
        let keyed = || Value::Map(entries(&[("k-1", Value::Null), ("k-2", some())]));
        let list = || Value::List(vec![some(), Value::Null, Value::Unknown]);
        let sets = entries(&[
            ("good", Value::Set(vec![some()])),
            ("holds", Value::Set(vec![Value::Null, some()])),
            ("null", Value::Null),
        ]);
        let config = Value::Object(entries(&[
            ("list", list()),
            ("set", Value::Set(vec![Value::Null, some()])),
            ("map", keyed()),
            ("sets", Value::Map(sets)),
            ("secret", keyed()),
            ("secret_wo", keyed()),
            ("inner", Value::Object(entries(&[("list", list())]))),
        ]));
        let found = validate_config(&COLLECTIONS, &config, true);
        let places: Vec<String> = found
            .iter()
            .map(|diagnostic| {
                assert_eq!(diagnostic.summary, "Null element");
                diagnostic.path.as_ref().unwrap().to_string()
            })
            .collect();
        assert_eq!(
            places,
            [
                "list[1]",
                "set",
                "map[\"k-1\"]",
                "sets[\"holds\"]",
                "sets[\"null\"]",
                "secret",
                "secret_wo",
                "inner.list[1]",
            ]
        );
        for hidden in found.iter().filter(|one| {
            let path = one.path.as_ref().unwrap().to_string();
            path.starts_with("secret")
        }) {
            assert!(!hidden.detail.contains("k-1"), "{}", hidden.detail);
        }
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
