//! The rules that every schema keeps, checked while the provider compiles.
//!
//! Terraform refuses a schema that breaks its rules, and with it every command
//! of the practitioner. As schemas are statics, [`super::schema::Schema::new`]
//! and [`super::definition::Definition::new`] run these checks in the compiler,
//! so such a provider is never built; the error names the attribute. Some rules
//! are ours: descriptions are sentences, because the documentation is made of
//! them.
//!
//! Everything here is `const`, hence the plain loops.

use super::definition::Kind;
use super::function::{Definition as Function, Parameter};
use super::schema::{Absent, Attribute, AttributeType, Mode, Replace, Schema};
use super::validators::Validator;

/// Names that Terraform gives a meaning of its own in a `provider` block.
const RESERVED_IN_PROVIDER: &[&str] = &[
    "alias",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "locals",
    "source",
    "version",
];

/// The same in a `resource`, `data` or `ephemeral` block. In a `config` block
/// every name is free.
const RESERVED: &[&str] = &[
    "connection",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "locals",
    "provider",
    "provisioner",
];

/// The longest text about a broken rule, in bytes.
const LONGEST: usize = 200;

/// Stops the compiler with a rule and the name of what breaks it.
///
/// A constant can put no texts together, so the bytes are copied.
const fn rule(kept: bool, name: &str, rule: &str) {
    if kept {
        return;
    }
    let mut text = [b' '; LONGEST];
    let mut end = 0;
    let parts: [&str; 4] = ["`", name, "`: ", rule];
    let mut part = 0;
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut i = 0;
        while i < bytes.len() && end < LONGEST {
            text[end] = bytes[i];
            end += 1;
            i += 1;
        }
        part += 1;
    }
    let (text, _) = text.split_at(end);
    match std::str::from_utf8(text) {
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
    let mut required = false;
    let mut i = 0;
    while i < attributes.len() {
        let attribute = &attributes[i];
        rule(
            matches!(attribute.kind, AttributeType::String)
                && matches!(attribute.mode, Mode::Required | Mode::Optional),
            attribute.name,
            "an identity is made of texts, required or optional",
        );
        required = required || matches!(attribute.mode, Mode::Required);
        i += 1;
    }
    assert!(
        required,
        "at least one identity attribute is required for an import"
    );
}

/// Checks what a kind asks of its schema.
pub(super) const fn check_definition(kind: Kind, type_name: &str, schema: &Schema) {
    rule(
        is_name(type_name),
        type_name,
        "a type is named in snake_case",
    );
    let reserved: &[&str] = match kind {
        Kind::Provider => RESERVED_IN_PROVIDER,
        Kind::Resource | Kind::DataSource | Kind::EphemeralResource => RESERVED,
        Kind::ListResource | Kind::Action | Kind::Function => &[],
    };
    let mut i = 0;
    while i < schema.attributes.len() {
        let name = schema.attributes[i].name;
        rule(
            !contains(reserved, name),
            name,
            "Terraform reserves this name",
        );
        i += 1;
    }
    check_of_kind(kind, schema.attributes);
    rule(
        matches!(kind, Kind::Resource) || schema.version == 0,
        type_name,
        "what is not stored has no versions",
    );
}

/// Only a managed resource is planned, and only what has a result computes one.
const fn check_of_kind(kind: Kind, attributes: &[Attribute]) {
    let managed = matches!(kind, Kind::Resource);
    let has_result = !matches!(kind, Kind::Provider | Kind::ListResource | Kind::Action);
    let mut i = 0;
    while i < attributes.len() {
        let attribute = &attributes[i];
        let name = attribute.name;
        rule(
            managed || !attribute.write_only,
            name,
            "only a managed resource has write-only attributes",
        );
        rule(
            managed || attribute.default.is_none(),
            name,
            "only a managed resource has defaults",
        );
        rule(
            managed || (matches!(attribute.replace, Replace::Never) && !attribute.keep_prior),
            name,
            "only a managed resource has something to replace or to keep",
        );
        rule(
            has_result || matches!(attribute.mode, Mode::Required | Mode::Optional),
            name,
            "nothing is computed where there is only a configuration",
        );
        rule(
            matches!(kind, Kind::Provider) || attribute.variable.is_none(),
            name,
            "only the provider reads environment variables",
        );
        if let Some(inner) = attribute.kind.nested() {
            check_of_kind(kind, inner);
        }
        i += 1;
    }
}

/// Checks a function as a whole.
pub(super) const fn check_function(function: &Function) {
    rule(
        is_name(function.name),
        function.name,
        "a function is named in snake_case",
    );
    rule(
        is_sentence(function.summary) && is_sentence(function.description),
        function.name,
        "summary and description of a function end with a full stop",
    );
    let mut i = 0;
    while i < function.parameters.len() {
        check_parameter(&function.parameters[i], function.parameters, i);
        i += 1;
    }
    if let Some(variadic) = &function.variadic {
        check_parameter(variadic, function.parameters, function.parameters.len());
    }
    rule(
        is_sentence(function.returns.description),
        function.name,
        "the description of what a function returns ends with a full stop",
    );
    match function.returns.kind {
        AttributeType::String | AttributeType::Bool | AttributeType::Number => {}
        AttributeType::List(element)
        | AttributeType::Set(element)
        | AttributeType::Map(element) => check_element(function.name, element),
        AttributeType::Object(attributes) => check_computed(function.name, attributes),
    }
}

/// Checks a parameter that comes after so many of these.
const fn check_parameter(parameter: &Parameter, all: &[Parameter], before: usize) {
    let name = parameter.name;
    rule(is_name(name), name, "a parameter is named in snake_case");
    rule(
        is_sentence(parameter.description),
        name,
        "the description of a parameter ends with a full stop",
    );
    let mut i = 0;
    while i < before {
        rule(
            !equal(name, all[i].name),
            name,
            "two parameters have the same name",
        );
        i += 1;
    }
    check_element(name, &parameter.kind);
}

const fn check_attributes(attributes: &[Attribute]) {
    let mut i = 0;
    while i < attributes.len() {
        let mut j = 0;
        while j < i {
            rule(
                !equal(attributes[i].name, attributes[j].name),
                attributes[i].name,
                "two attributes have the same name",
            );
            j += 1;
        }
        check_attribute(&attributes[i]);
        check_conflicts(&attributes[i], attributes);
        i += 1;
    }
}

const fn check_conflicts(attribute: &Attribute, siblings: &[Attribute]) {
    let mut i = 0;
    while i < attribute.conflicts_with.len() {
        let mut found = false;
        let mut j = 0;
        while j < siblings.len() {
            let other = &siblings[j];
            let optional = !matches!(other.mode, Mode::Required | Mode::Computed);
            found = found || (optional && equal(other.name, attribute.conflicts_with[i]));
            j += 1;
        }
        rule(
            found && !equal(attribute.name, attribute.conflicts_with[i]),
            attribute.name,
            "an attribute conflicts with an optional one beside it",
        );
        i += 1;
    }
}

const fn check_attribute(attribute: &Attribute) {
    rule(
        is_name(attribute.name),
        attribute.name,
        "an attribute is named in snake_case",
    );
    rule(
        is_sentence(attribute.description),
        attribute.name,
        "the description of an attribute ends with a full stop",
    );
    if let Some(instead) = attribute.deprecation {
        rule(
            is_sentence(instead),
            attribute.name,
            "the text of a deprecation ends with a full stop",
        );
    }
    match attribute.kind {
        AttributeType::String | AttributeType::Bool | AttributeType::Number => {}
        AttributeType::List(AttributeType::Object(inner))
        | AttributeType::Map(AttributeType::Object(inner))
            if matches!(attribute.mode, Mode::Computed) =>
        {
            check_computed(attribute.name, inner);
        }
        AttributeType::List(element)
        | AttributeType::Set(element)
        | AttributeType::Map(element) => {
            check_element(attribute.name, element);
        }
        AttributeType::Object(inner) => check_object(attribute, inner),
    }
    check_mode(attribute);
    check_default(attribute);
    check_absent(attribute);
    check_validators(attribute);
}

const fn check_element(name: &str, element: &AttributeType) {
    match element {
        AttributeType::String | AttributeType::Bool | AttributeType::Number => {}
        AttributeType::List(element)
        | AttributeType::Set(element)
        | AttributeType::Map(element) => {
            check_element(name, element);
        }
        AttributeType::Object(_) => rule(
            false,
            name,
            "only a computed list or map has objects as elements, and no parameter is one",
        ),
    }
}

/// Objects that only the provider makes.
const fn check_computed(name: &str, inner: &[Attribute]) {
    rule(!inner.is_empty(), name, "a nested object has attributes");
    check_attributes(inner);
    let mut i = 0;
    while i < inner.len() {
        rule(
            matches!(inner[i].mode, Mode::Computed),
            inner[i].name,
            "what is inside a computed object is computed",
        );
        i += 1;
    }
}

const fn check_object(attribute: &Attribute, inner: &[Attribute]) {
    rule(
        !inner.is_empty(),
        attribute.name,
        "a nested object has attributes",
    );
    check_attributes(inner);
    let mut i = 0;
    while i < inner.len() {
        rule(
            !matches!(attribute.mode, Mode::Computed) || matches!(inner[i].mode, Mode::Computed),
            attribute.name,
            "what is inside a computed object is computed",
        );
        rule(
            !attribute.write_only || inner[i].write_only,
            attribute.name,
            "what is inside a write-only object is write-only",
        );
        i += 1;
    }
}

const fn check_mode(attribute: &Attribute) {
    let computed = matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
    if attribute.write_only {
        rule(
            !computed,
            attribute.name,
            "a write-only attribute is required or optional, without a default",
        );
        rule(
            matches!(attribute.replace, Replace::Never),
            attribute.name,
            "a write-only attribute is never stored, so no change of it can be seen",
        );
    }
    if attribute.keep_prior {
        rule(
            computed && attribute.default.is_none(),
            attribute.name,
            "only a computed attribute without a default keeps its prior value",
        );
    }
    if matches!(attribute.mode, Mode::Computed) {
        rule(
            only_names_values(attribute.validators),
            attribute.name,
            "nobody configures a computed attribute, so it has no validators but the names of \
             its values",
        );
        rule(
            matches!(attribute.replace, Replace::Never),
            attribute.name,
            "nobody configures a computed attribute, so it does not replace the object",
        );
    }
}

/// `OneOf` of a computed attribute checks nothing; it says which values there are.
const fn only_names_values(validators: &[Validator]) -> bool {
    let mut i = 0;
    while i < validators.len() {
        if !matches!(validators[i], Validator::OneOf(_)) {
            return false;
        }
        i += 1;
    }
    true
}

const fn check_default(attribute: &Attribute) {
    let Some(default) = attribute.default else {
        return;
    };
    rule(
        matches!(attribute.mode, Mode::OptionalComputed),
        attribute.name,
        "an attribute with a default is optional and computed",
    );
    rule(
        matches!(attribute.kind, AttributeType::String),
        attribute.name,
        "a default has the type of its attribute",
    );
    let mut i = 0;
    while i < attribute.validators.len() {
        if let Validator::OneOf(allowed) = attribute.validators[i] {
            rule(
                contains(allowed, default),
                attribute.name,
                "the default is one of the allowed values",
            );
        }
        i += 1;
    }
}

const fn check_absent(attribute: &Attribute) {
    let Some(absent) = &attribute.absent else {
        return;
    };
    rule(
        attribute.default.is_none() && !matches!(attribute.mode, Mode::Required | Mode::Computed),
        attribute.name,
        "only an optional attribute without a default can be left out",
    );
    match (absent, &attribute.kind) {
        (Absent::Words(words), _) => rule(
            is_sentence(words),
            attribute.name,
            "the words about a value that is left out end with a full stop",
        ),
        (Absent::Bool(_), AttributeType::Bool)
        | (Absent::Number(_), AttributeType::Number)
        | (Absent::Text(_) | Absent::Duration(_), AttributeType::String)
        | (Absent::Numbers(_), AttributeType::Set(_) | AttributeType::List(_)) => {}
        _ => rule(
            false,
            attribute.name,
            "what counts for a value that is left out has the type of its attribute",
        ),
    }
}

const fn check_validators(attribute: &Attribute) {
    let mut i = 0;
    while i < attribute.validators.len() {
        match attribute.validators[i] {
            Validator::OneOf(allowed) => {
                rule(
                    !allowed.is_empty(),
                    attribute.name,
                    "at least one value is allowed",
                );
                check_text(attribute);
            }
            Validator::NotBlank
            | Validator::Line
            | Validator::Duration
            | Validator::Timeout
            | Validator::Url => {
                check_text(attribute);
            }
            Validator::WholeNumber { min, max } => {
                rule(
                    min <= max,
                    attribute.name,
                    "the bounds of a number are in order",
                );
                rule(
                    matches!(attribute.kind, AttributeType::Number),
                    attribute.name,
                    "only a number can be a whole number",
                );
            }
            Validator::Custom(description, _) => {
                rule(
                    is_sentence(description),
                    attribute.name,
                    "the description of a validator ends with a full stop",
                );
            }
        }
        i += 1;
    }
}

const fn check_text(attribute: &Attribute) {
    rule(
        matches!(attribute.kind, AttributeType::String),
        attribute.name,
        "this validator is for strings only",
    );
}

/// Whether Terraform accepts the name: lower-case letters, digits and
/// underscores, with a letter first.
const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || !bytes[0].is_ascii_lowercase() {
        return false;
    }
    let mut i = 0;
    while i < bytes.len() {
        if !(bytes[i].is_ascii_lowercase() || bytes[i].is_ascii_digit() || bytes[i] == b'_') {
            return false;
        }
        i += 1;
    }
    true
}

const fn is_sentence(text: &str) -> bool {
    matches!(text.as_bytes(), [_, .., b'.'])
}

const fn contains(texts: &[&str], text: &str) -> bool {
    let mut i = 0;
    while i < texts.len() {
        if equal(texts[i], text) {
            return true;
        }
        i += 1;
    }
    false
}

const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
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
    fn broken(attribute: fn() -> Attribute) -> String {
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
        assert_eq!(broken(good), "none");
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
                "strings only",
            ),
            (
                || good().validate(&[Validator::OneOf(&[])]),
                "at least one value",
            ),
            (
                || good().validate(&[Validator::WholeNumber { min: 0, max: 1 }]),
                "only a number",
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
            let broken = broken(*attribute);
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
        let text = broken(|| Attribute::string("size").describe("Its size").computed());
        assert_eq!(
            text,
            "`size`: the description of an attribute ends with a full stop"
        );
        let long: &'static str = "x".repeat(2 * LONGEST).leak();
        let text = catch_unwind(|| rule(false, long, "is too long")).unwrap_err();
        assert_eq!(text.downcast::<String>().unwrap().len(), LONGEST);
    }

    const KINDS: [Kind; 6] = [
        Kind::Provider,
        Kind::Resource,
        Kind::DataSource,
        Kind::EphemeralResource,
        Kind::ListResource,
        Kind::Action,
    ];

    /// The kinds that refuse the attribute.
    fn refusing(attribute: Attribute, version: i64, expected: &str) -> Vec<Kind> {
        let attributes: &'static [Attribute] = Box::leak(Box::new([attribute.describe("A.")]));
        let schema = Schema::new(version, "A thing.", attributes);
        let refused = |kind: &Kind| {
            let checked = catch_unwind(|| check_definition(*kind, "acme_thing", &schema));
            let Err(panic) = checked else {
                return false;
            };
            let text = *panic.downcast::<String>().unwrap();
            assert!(text.contains(expected), "{text}");
            assert!(
                text.contains("`thing`") || text.contains("`acme_thing`"),
                "{text}"
            );
            true
        };
        KINDS.into_iter().filter(refused).collect()
    }

    #[test]
    fn every_kind_refuses_what_it_cannot_have() {
        use Kind::{Action, DataSource, EphemeralResource, ListResource, Provider, Resource};
        static INNER: [Attribute; 1] = [Attribute::string("thing").write_only().describe("A.")];
        let thing = || Attribute::string("thing");
        let unmanaged = [
            Provider,
            DataSource,
            EphemeralResource,
            ListResource,
            Action,
        ];
        assert_eq!(refusing(thing(), 0, ""), []);
        let write_only = thing().write_only();
        assert_eq!(refusing(write_only, 0, "write-only attributes"), unmanaged);
        assert_eq!(refusing(thing().default("x"), 0, "has defaults"), unmanaged);
        let replacing = thing().replace(Replace::Always);
        assert_eq!(refusing(replacing, 0, "replace or to keep"), unmanaged);
        assert_eq!(refusing(thing(), 1, "has no versions"), unmanaged);
        let configured = [Provider, ListResource, Action];
        assert_eq!(refusing(thing().computed(), 0, "is computed"), configured);
        let rest = [
            Resource,
            DataSource,
            EphemeralResource,
            ListResource,
            Action,
        ];
        assert_eq!(refusing(thing().variable("X"), 0, "variables"), rest);
        let nested = Attribute::object("outer", &INNER);
        assert_eq!(refusing(nested, 0, "write-only attributes"), unmanaged);
        assert!(
            catch_unwind(|| check_definition(Resource, "Acme", &Schema::new(0, "A.", &[])))
                .is_err()
        );
    }

    #[test]
    fn a_name_is_reserved_only_where_terraform_reserves_it() {
        let refusing = |name: &'static str| {
            let attributes: &'static [Attribute] =
                Box::leak(Box::new([Attribute::string(name).describe("A.")]));
            let schema = Schema::new(0, "A thing.", attributes);
            let refused = |kind: &Kind| {
                catch_unwind(|| check_definition(*kind, "acme_thing", &schema)).is_err()
            };
            KINDS.into_iter().filter(refused).collect::<Vec<_>>()
        };
        let blocks = [Kind::Resource, Kind::DataSource, Kind::EphemeralResource];
        for name in ["alias", "version", "source"] {
            assert_eq!(refusing(name), [Kind::Provider]);
        }
        for name in ["provider", "connection", "provisioner"] {
            assert_eq!(refusing(name), blocks);
        }
        for name in ["count", "depends_on", "for_each", "lifecycle", "locals"] {
            assert_eq!(refusing(name), [&[Kind::Provider][..], &blocks].concat());
        }
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
