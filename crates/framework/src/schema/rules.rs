//! The rules that every schema keeps, checked while the provider compiles.
//!
//! Terraform refuses a schema that breaks its rules, and with it every command
//! of the practitioner. As schemas are statics, [`super::Schema::new`] and the
//! constructors of definitions run these checks in the compiler, so such a
//! provider is never built; the error names the attribute. Some rules are ours:
//! descriptions are sentences, because the documentation is made of them.
//!
//! What only some kinds allow is in [`crate::definition`], what holds for
//! functions in [`crate::function`].
//!
//! Everything here is `const`, hence the plain loops.

use super::attribute::{Absent, Attribute, AttributeType, Mode, Replace};
use crate::validators::Validator;

/// The longest text about a broken rule, in bytes.
const LONGEST: usize = 200;

/// Stops the compiler, with the rule and the name of what breaks it, where the rule
/// does not hold.
///
/// A constant can put no texts together, so the bytes are copied.
pub(crate) const fn must(holds: bool, name: &str, rule: &str) {
    if holds {
        return;
    }
    let mut text = [b' '; LONGEST];
    let mut end = 0;
    let mut parts: &[&str] = &["`", name, "`: ", rule];
    while let [part, others @ ..] = parts {
        let mut bytes = part.as_bytes();
        while let [byte, rest @ ..] = bytes
            && end < LONGEST
        {
            text[end] = *byte;
            end += 1;
            bytes = rest;
        }
        parts = others;
    }
    match std::str::from_utf8(text.split_at(end).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("a schema breaks a rule"),
    }
}

/// Checks what every schema keeps.
pub(super) const fn check_schema(version: i64, description: &str, attributes: &[Attribute]) {
    assert!(version >= 0, "a schema version is not negative");
    assert!(
        is_sentence(description),
        "the description of a schema ends with a full stop"
    );
    check_attributes(attributes);
}

/// Checks an identity as a whole.
pub(super) const fn check_identity(attributes: &[Attribute]) {
    check_attributes(attributes);
    let mut is_required = false;
    let mut rest = attributes;
    while let [attribute, others @ ..] = rest {
        let is_text = matches!(attribute.kind, AttributeType::String);
        must(
            is_text && matches!(attribute.mode, Mode::Required | Mode::Optional),
            attribute.name,
            "an identity is made of texts, required or optional",
        );
        is_required = is_required || matches!(attribute.mode, Mode::Required);
        rest = others;
    }
    assert!(
        is_required,
        "at least one identity attribute is required for an import"
    );
}

const fn check_attributes(attributes: &[Attribute]) {
    let mut rest = attributes;
    while let [attribute, others @ ..] = rest {
        must(
            named(others, attribute.name).is_none(),
            attribute.name,
            "two attributes have the same name",
        );
        check_attribute(attribute);
        check_conflicts(attribute, attributes);
        rest = others;
    }
}

const fn named<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    match attributes {
        [first, ..] if equal(first.name, name) => Some(first),
        [_, rest @ ..] => named(rest, name),
        [] => None,
    }
}

const fn check_conflicts(attribute: &Attribute, siblings: &[Attribute]) {
    let mut rest = attribute.conflicts_with;
    while let [name, others @ ..] = rest {
        let is_optional = match named(siblings, name) {
            Some(other) => !matches!(other.mode, Mode::Required | Mode::Computed),
            None => false,
        };
        must(
            is_optional && !equal(attribute.name, name),
            attribute.name,
            "an attribute conflicts with an optional one beside it",
        );
        rest = others;
    }
}

const fn check_attribute(attribute: &Attribute) {
    let name = attribute.name;
    must(is_name(name), name, "an attribute is named in snake_case");
    must(
        is_sentence(attribute.description),
        name,
        "the description of an attribute ends with a full stop",
    );
    if let Some(instead) = attribute.deprecation {
        must(
            is_sentence(instead),
            name,
            "the text of a deprecation ends with a full stop",
        );
    }
    let is_computed = matches!(attribute.mode, Mode::Computed);
    match attribute.kind {
        AttributeType::List(AttributeType::Object(inner))
        | AttributeType::Map(AttributeType::Object(inner))
            if is_computed =>
        {
            check_object(name, inner, is_computed, attribute.write_only);
        }
        AttributeType::Object(inner) => {
            check_object(name, inner, is_computed, attribute.write_only);
        }
        simple => check_simple(name, &simple),
    }
    check_write_only(attribute);
    check_computed(attribute);
    check_default(attribute);
    check_absent(attribute);
    check_validators(attribute);
}

/// Checks a type that consists of no objects.
pub(crate) const fn check_simple(name: &str, kind: &AttributeType) {
    match kind {
        AttributeType::String | AttributeType::Bool | AttributeType::Number => {}
        AttributeType::List(element)
        | AttributeType::Set(element)
        | AttributeType::Map(element) => check_simple(name, element),
        AttributeType::Object(_) => must(
            false,
            name,
            "only a computed list or map has objects as elements, and no parameter is one",
        ),
    }
}

/// Checks what is inside an object of that name.
pub(crate) const fn check_object(
    name: &str,
    inner: &[Attribute],
    is_computed: bool,
    is_write_only: bool,
) {
    must(!inner.is_empty(), name, "a nested object has attributes");
    check_attributes(inner);
    let mut rest = inner;
    while let [attribute, others @ ..] = rest {
        must(
            !is_computed || matches!(attribute.mode, Mode::Computed),
            attribute.name,
            "what is inside a computed object is computed",
        );
        must(
            !is_write_only || attribute.write_only,
            attribute.name,
            "what is inside a write-only object is write-only",
        );
        rest = others;
    }
}

const fn check_write_only(attribute: &Attribute) {
    if !attribute.write_only {
        return;
    }
    must(
        matches!(attribute.mode, Mode::Required | Mode::Optional),
        attribute.name,
        "a write-only attribute is required or optional, without a default",
    );
    must(
        matches!(attribute.replace, Replace::Never),
        attribute.name,
        "a write-only attribute is never stored, so no change of it can be seen",
    );
}

const fn check_computed(attribute: &Attribute) {
    let may_compute = matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
    must(
        !attribute.keep_prior || (may_compute && attribute.default.is_none()),
        attribute.name,
        "only a computed attribute without a default keeps its prior value",
    );
    if !matches!(attribute.mode, Mode::Computed) {
        return;
    }
    // `OneOf` of a computed attribute checks nothing; it says which values there are.
    must(
        matches!(attribute.validators, [] | [Validator::OneOf(_)]),
        attribute.name,
        "nobody configures a computed attribute, so it has no validators but the names of its \
         values",
    );
    must(
        matches!(attribute.replace, Replace::Never),
        attribute.name,
        "nobody configures a computed attribute, so it does not replace the object",
    );
}

const fn check_default(attribute: &Attribute) {
    if attribute.default.is_none() {
        return;
    }
    must(
        matches!(attribute.mode, Mode::OptionalComputed),
        attribute.name,
        "an attribute with a default is optional and computed",
    );
    must(
        matches!(attribute.kind, AttributeType::String),
        attribute.name,
        "a default has the type of its attribute",
    );
}

const fn check_absent(attribute: &Attribute) {
    let Some(absent) = &attribute.absent else {
        return;
    };
    let is_optional = matches!(attribute.mode, Mode::Optional | Mode::OptionalComputed);
    must(
        is_optional && attribute.default.is_none(),
        attribute.name,
        "only an optional attribute without a default can be left out",
    );
    let fits = match (absent, &attribute.kind) {
        (Absent::Words(words), _) => is_sentence(words),
        (Absent::Bool(_), AttributeType::Bool)
        | (Absent::Number(_), AttributeType::Number)
        | (Absent::Text(_) | Absent::Duration(_), AttributeType::String)
        | (Absent::Numbers(_), AttributeType::Set(_) | AttributeType::List(_)) => true,
        _ => false,
    };
    must(
        fits,
        attribute.name,
        "what counts for a value that is left out has the type of its attribute, and words end \
         with a full stop",
    );
}

const fn check_validators(attribute: &Attribute) {
    let name = attribute.name;
    let mut rest = attribute.validators;
    while let [validator, others @ ..] = rest {
        let fits = match validator {
            Validator::Custom(..) => true,
            Validator::WholeNumber { .. } => matches!(attribute.kind, AttributeType::Number),
            _ => matches!(attribute.kind, AttributeType::String),
        };
        must(fits, name, "a validator has the type of its attribute");
        match validator {
            Validator::OneOf(allowed) => {
                must(!allowed.is_empty(), name, "at least one value is allowed");
                let is_allowed = match attribute.default {
                    Some(default) => contains(allowed, default),
                    None => true,
                };
                must(is_allowed, name, "the default is one of the allowed values");
            }
            Validator::WholeNumber { min, max } => {
                must(*min <= *max, name, "the bounds of a number are in order");
            }
            Validator::Custom(description, _) => must(
                is_sentence(description),
                name,
                "the description of a validator ends with a full stop",
            ),
            _ => {}
        }
        rest = others;
    }
}

/// Whether Terraform accepts the name: lower-case letters, digits and
/// underscores, with a letter first.
pub(crate) const fn is_name(name: &str) -> bool {
    let [b'a'..=b'z', rest @ ..] = name.as_bytes() else {
        return false;
    };
    let mut rest = rest;
    while let [b'a'..=b'z' | b'0'..=b'9' | b'_', others @ ..] = rest {
        rest = others;
    }
    rest.is_empty()
}

pub(crate) const fn is_sentence(text: &str) -> bool {
    matches!(text.as_bytes(), [_, .., b'.'])
}

pub(crate) const fn contains(texts: &[&str], text: &str) -> bool {
    match texts {
        [first, rest @ ..] => equal(first, text) || contains(rest, text),
        [] => false,
    }
}

pub(crate) const fn equal(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let ([first, rest_of_a @ ..], [second, rest_of_b @ ..]) = (a, b)
        && *first == *second
    {
        (a, b) = (rest_of_a, rest_of_b);
    }
    a.is_empty() && b.is_empty()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    static TEXT: AttributeType = AttributeType::String;
    static OBJECT: AttributeType = AttributeType::Object(&[]);
    static INNER: [Attribute; 1] = [Attribute::string("b").describe("B.")];
    static BAD_INNER: [Attribute; 1] = [Attribute::string("b")];

    /// An attribute, and a word of the rule that it breaks.
    type Case = (fn() -> Attribute, &'static str);

    /// The rule that an attribute breaks.
    fn broken_by(attribute: fn() -> Attribute) -> String {
        let result = catch_unwind(|| check_schema(0, "A thing.", &[attribute()]));
        match result {
            Ok(()) => "none".to_owned(),
            Err(panic) => {
                let text = *panic.downcast::<String>().unwrap();
                assert!(text.starts_with('`'), "{text} names nothing");
                text
            }
        }
    }

    fn good() -> Attribute {
        Attribute::string("name").describe("Its name.")
    }

    #[test]
    fn every_rule_about_an_attribute_is_checked() {
        assert_eq!(broken_by(good), "none");
        let cases: &[Case] = &[
            (|| Attribute::string("").describe("A."), "snake_case"),
            (|| Attribute::string("Name").describe("A."), "snake_case"),
            (|| Attribute::string("a-b").describe("A."), "snake_case"),
            (|| Attribute::string("1a").describe("A."), "snake_case"),
            (|| Attribute::string("a"), "full stop"),
            (|| good().describe("."), "full stop"),
            (|| good().deprecated("Use that"), "full stop"),
            (|| good().default("x").required(), "with a default"),
            (|| good().default("x").computed(), "with a default"),
            (
                || Attribute::bool("a").describe("A.").default("x"),
                "type of its attribute",
            ),
            (
                || good().default("x").validate(&[Validator::OneOf(&["y"])]),
                "allowed values",
            ),
            (
                || good().computed().validate(&[Validator::NotBlank]),
                "no validators but",
            ),
            (
                || good().computed().replace(Replace::Always),
                "does not replace",
            ),
            (|| good().computed().write_only(), "required or optional"),
            (
                || good().optional_computed().write_only(),
                "required or optional",
            ),
            (|| good().default("x").write_only(), "required or optional"),
            (|| good().write_only().replace(Replace::Always), "no change"),
            (|| good().keep_prior(), "prior value"),
            (|| good().required().keep_prior(), "prior value"),
            (|| good().default("x").keep_prior(), "prior value"),
            (
                || Attribute::set("a", &OBJECT).describe("A."),
                "only a computed list",
            ),
            (
                || Attribute::object("a", &[]).describe("A."),
                "has attributes",
            ),
            (
                || Attribute::object("a", &INNER).describe("A.").computed(),
                "is computed",
            ),
            (
                || Attribute::object("a", &INNER).describe("A.").write_only(),
                "is write-only",
            ),
            (
                || Attribute::object("a", &BAD_INNER).describe("A."),
                "full stop",
            ),
            (
                || {
                    Attribute::list("a", &TEXT)
                        .describe("A.")
                        .validate(&[Validator::NotBlank])
                },
                "a validator has the type",
            ),
            (
                || good().validate(&[Validator::OneOf(&[])]),
                "at least one value",
            ),
            (
                || good().validate(&[Validator::WholeNumber { min: 0, max: 1 }]),
                "a validator has the type",
            ),
        ];
        assert_rules(cases);
    }

    #[test]
    fn every_rule_about_leaving_out_and_conflicts_is_checked() {
        let cases: &[Case] = &[
            (
                || good().when_absent(Absent::Words("Nothing")),
                "end with a full stop",
            ),
            (
                || good().when_absent(Absent::Bool(true)),
                "left out has the type",
            ),
            (
                || good().required().when_absent(Absent::Text("x")),
                "can be left out",
            ),
            (
                || good().default("x").when_absent(Absent::Text("x")),
                "can be left out",
            ),
            (|| good().conflicts_with(&["other"]), "conflicts with"),
            (|| good().conflicts_with(&["name"]), "conflicts with"),
        ];
        assert_rules(cases);
    }

    /// Each attribute breaks its rule.
    fn assert_rules(cases: &[Case]) {
        for (number, (attribute, rule)) in cases.iter().enumerate() {
            let broken = broken_by(*attribute);
            assert!(broken.contains(rule), "case {number}: {broken}, not {rule}");
        }
    }

    #[test]
    fn names_are_unique_and_versions_not_negative() {
        assert!(catch_unwind(|| check_schema(0, "A thing.", &[good(), good()])).is_err());
        assert!(catch_unwind(|| check_schema(-1, "A thing.", &[])).is_err());
        assert!(catch_unwind(|| check_schema(0, "A thing", &[])).is_err());
        check_schema(0, "A thing.", &[]);
    }

    #[test]
    fn a_broken_rule_names_the_attribute() {
        let text = broken_by(|| Attribute::string("size").describe("Its size").computed());
        assert_eq!(
            text,
            "`size`: the description of an attribute ends with a full stop"
        );
        let long: &'static str = "x".repeat(2 * LONGEST).leak();
        let text = catch_unwind(|| must(false, long, "is too long")).unwrap_err();
        assert_eq!(text.downcast::<String>().unwrap().len(), LONGEST);
    }

    #[test]
    fn an_identity_names_something() {
        let name = || Attribute::string("name").required().describe("Its name.");
        check_identity(&[name()]);
        check_identity(&[name(), Attribute::string("region").describe("Its region.")]);
        for bad in [
            vec![],
            vec![Attribute::string("name").describe("Its name.")],
            vec![Attribute::string("Name").required().describe("Its name.")],
            vec![name().describe("Its name")],
            vec![name(), name()],
            vec![name(), Attribute::bool("flag").describe("A flag.")],
            vec![
                name(),
                Attribute::string("id").computed().describe("Its id."),
            ],
        ] {
            assert!(catch_unwind(|| check_identity(&bad)).is_err());
        }
    }
}
