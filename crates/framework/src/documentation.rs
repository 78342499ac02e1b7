//! What practitioners read about an attribute: its description, followed by
//! what the schema's own data says. Editors get it with the schema, and the
//! documentation prints it.
//!
//! Rules, defaults, environment variables, conflicts and replacement are said
//! here and nowhere else: a description that repeated them could go stale.

use super::diagnostics::quoted;
use super::duration;
use super::schema::{Absent, Attribute, AttributeType, Mode, Replace};
use super::validators::Validator;

/// The whole text about an attribute among the attributes beside it, in
/// Markdown.
pub fn text(attribute: &Attribute, siblings: &[Attribute]) -> String {
    let mut sentences = vec![attribute.description.to_owned()];
    if !attribute.known_values.is_empty() {
        sentences.push(format!("Known values: {}.", quoted(attribute.known_values)));
    }
    let rules = attribute.validators.iter();
    sentences.extend(rules.filter_map(|rule| allowed(attribute, rule)));
    sentences.extend(default(attribute));
    if let Some(variable) = attribute.variable {
        sentences.push(format!("Environment variable: `{variable}`."));
    }
    let others = conflicts(attribute, siblings);
    if !others.is_empty() {
        sentences.push(format!("Conflicts with {}.", quoted(&others)));
    }
    sentences.extend(replacement(attribute.replace).map(str::to_owned));
    if let Some(instead) = attribute.deprecation {
        sentences.push(format!("Deprecated: {instead}"));
    }
    sentences.join(" ")
}

/// What a rule allows. That a text is not empty, and has no line breaks, goes
/// without saying.
fn allowed(attribute: &Attribute, rule: &Validator) -> Option<String> {
    match rule {
        Validator::NotBlank | Validator::Line => None,
        Validator::OneOf(_) if attribute.mode == Mode::Computed => {
            Some(format!("One of {}", rule.describe()))
        }
        Validator::OneOf(_) => Some(format!("Allowed: {}", rule.describe())),
        _ => Some(capitalised(&rule.describe())),
    }
}

/// What counts when nobody gives a value.
fn default(attribute: &Attribute) -> Option<String> {
    let value = match (attribute.default, attribute.absent) {
        (Some(text), _) | (None, Some(Absent::Text(text))) => literal(text),
        (None, Some(Absent::Bool(value))) => format!("`{value}`."),
        (None, Some(Absent::Number(number))) => format!("`{number}`."),
        (None, Some(Absent::Numbers([]))) => "none.".to_owned(),
        (None, Some(Absent::Numbers(numbers))) => format!("`{numbers:?}`."),
        (None, Some(Absent::Duration(time))) => format!("`{}`.", duration::format(time)),
        (None, Some(Absent::Words(words))) => words.to_owned(),
        // What is inside has defaults of its own.
        (None, None) if matches!(attribute.kind, AttributeType::Object(_)) => return None,
        (None, None) if attribute.mode == Mode::Optional => "none.".to_owned(),
        (None, None) => return None,
    };
    Some(format!("Default: {value}"))
}

fn literal(text: &str) -> String {
    if text.is_empty() {
        "the empty text.".to_owned()
    } else {
        format!("`{text}`.")
    }
}

/// Attributes that must not be set with this one, whichever side says so.
fn conflicts(attribute: &Attribute, siblings: &[Attribute]) -> Vec<&'static str> {
    let named_by = |other: &&Attribute| other.conflicts_with.contains(&attribute.name);
    let others = siblings.iter().filter(named_by).map(|other| other.name);
    attribute
        .conflicts_with
        .iter()
        .copied()
        .chain(others)
        .collect()
}

fn replacement(replace: Replace) -> Option<&'static str> {
    match replace {
        Replace::Never => None,
        Replace::Always => Some("Changing it replaces the resource."),
        Replace::IfPriorKnown => Some(
            "Changing it replaces the resource, except where the value was not known before, as \
             after an import.",
        ),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ATTRIBUTES: &[Attribute] = &[
        Attribute::string("pin").describe("A number."),
        Attribute::string("pin_wo")
            .write_only()
            .conflicts_with(&["pin"])
            .describe("A number."),
        Attribute::string("level")
            .default("low")
            .validate(&[Validator::NotBlank, Validator::OneOf(&["low", "high"])])
            .replace(Replace::Always)
            .describe("Where it is."),
        Attribute::string("wait")
            .when_absent(Absent::Duration(Duration::from_mins(90)))
            .validate(&[Validator::Duration])
            .variable("THING_WAIT")
            .describe("How long to wait."),
        Attribute::string("status")
            .computed()
            .validate(&[Validator::OneOf(&["on", "off"])])
            .describe("How it is."),
        Attribute::string("kind")
            .optional_computed()
            .known_values(&["A", "B"])
            .when_absent(Absent::Words("what the service says."))
            .deprecated("Use `level`.")
            .describe("What it is."),
        Attribute::set("codes", &AttributeType::Number)
            .when_absent(Absent::Numbers(&[409, 410]))
            .describe("Codes."),
    ];

    fn of(name: &str) -> String {
        let attribute = ATTRIBUTES.iter().find(|each| each.name == name).unwrap();
        text(attribute, ATTRIBUTES)
    }

    #[test]
    fn the_data_of_an_attribute_follows_its_description() {
        assert_eq!(
            of("level"),
            "Where it is. Allowed: `low`, `high`. Default: `low`. Changing it replaces the \
             resource."
        );
        assert_eq!(
            of("wait"),
            "How long to wait. A duration in Go's syntax, such as `30s` or `1h30m`, not negative. \
             Default: `1h30m`. Environment variable: `THING_WAIT`."
        );
        assert_eq!(of("status"), "How it is. One of `on`, `off`.");
        assert_eq!(
            of("kind"),
            "What it is. Known values: `A`, `B`. Default: what the service says. Deprecated: Use \
             `level`."
        );
        assert_eq!(of("codes"), "Codes. Default: `[409, 410]`.");
    }

    #[test]
    fn a_conflict_is_said_on_both_sides() {
        assert_eq!(
            of("pin"),
            "A number. Default: none. Conflicts with `pin_wo`."
        );
        assert_eq!(
            of("pin_wo"),
            "A number. Default: none. Conflicts with `pin`."
        );
    }
}
