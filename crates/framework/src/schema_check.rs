//! The rules that every schema keeps, checked while the provider compiles.
//!
//! Terraform refuses a schema that breaks its rules, and with it every command
//! of the practitioner. As schemas are statics, [`super::schema::Schema::new`]
//! runs these checks in the compiler, so such a provider is never built. Some
//! rules are ours: descriptions are sentences, because the documentation is
//! made of them.
//!
//! Everything here is `const`, hence the plain loops.

use super::function::{Definition as Function, Parameter};
use super::schema::{
    Absent, Attribute, AttributeType, DefaultValue, IdentityAttribute, Mode, Replace,
};
use super::validators::Validator;

/// Names that Terraform gives a meaning of its own in a `resource` or
/// `provider` block.
const RESERVED: [&str; 9] = [
    "alias",
    "connection",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "provider",
    "provisioner",
    "version",
];

/// Checks a schema as a whole.
pub(super) const fn check_schema(version: i64, description: &str, attributes: &[Attribute]) {
    assert!(version >= 0, "a schema version is not negative");
    assert!(
        is_sentence(description),
        "the description of a schema ends with a full stop"
    );
    let mut i = 0;
    while i < attributes.len() {
        let mut j = 0;
        while j < RESERVED.len() {
            assert!(
                !equal(attributes[i].name, RESERVED[j]),
                "Terraform reserves the name of this attribute"
            );
            j += 1;
        }
        i += 1;
    }
    check_attributes(attributes);
}

/// Checks an identity as a whole.
pub(super) const fn check_identity(version: i64, attributes: &[IdentityAttribute]) {
    assert!(version >= 0, "an identity version is not negative");
    let mut required = false;
    let mut i = 0;
    while i < attributes.len() {
        let attribute = &attributes[i];
        assert!(
            is_name(attribute.name),
            "an identity attribute is named in snake_case"
        );
        assert!(
            is_sentence(attribute.description),
            "the description of an identity attribute ends with a full stop"
        );
        let mut j = 0;
        while j < i {
            assert!(
                !equal(attribute.name, attributes[j].name),
                "two identity attributes have the same name"
            );
            j += 1;
        }
        required = required || attribute.required_for_import;
        i += 1;
    }
    assert!(
        required,
        "at least one identity attribute is required for an import"
    );
}

/// Checks what has no state: a data source or an ephemeral resource.
pub(super) const fn check_unmanaged(type_name: &str, version: i64, attributes: &[Attribute]) {
    assert!(is_name(type_name), "a type is named in snake_case");
    assert!(version == 0, "what is not stored has no versions");
    let mut i = 0;
    while i < attributes.len() {
        let attribute = &attributes[i];
        assert!(
            !attribute.write_only,
            "only a managed resource has write-only attributes"
        );
        assert!(
            attribute.default.is_none(),
            "only a managed resource has defaults"
        );
        assert!(
            matches!(attribute.replace, Replace::Never) && !attribute.keep_prior,
            "only a managed resource has something to replace or to keep"
        );
        if let AttributeType::Object(inner) = attribute.kind {
            check_unmanaged(type_name, version, inner);
        }
        i += 1;
    }
}

/// Checks a function as a whole.
pub(super) const fn check_function(function: &Function) {
    assert!(is_name(function.name), "a function is named in snake_case");
    assert!(
        is_sentence(function.summary) && is_sentence(function.description),
        "summary and description of a function end with a full stop"
    );
    let mut i = 0;
    while i < function.parameters.len() {
        check_parameter(&function.parameters[i]);
        let mut j = 0;
        while j < i {
            assert!(
                !equal(function.parameters[i].name, function.parameters[j].name),
                "two parameters have the same name"
            );
            j += 1;
        }
        if let Some(variadic) = &function.variadic {
            assert!(
                !equal(function.parameters[i].name, variadic.name),
                "two parameters have the same name"
            );
        }
        i += 1;
    }
    if let Some(variadic) = &function.variadic {
        check_parameter(variadic);
    }
    assert!(
        is_sentence(function.returns.description),
        "the description of what a function returns ends with a full stop"
    );
    match function.returns.kind {
        AttributeType::String | AttributeType::Bool | AttributeType::Number => {}
        AttributeType::List(element)
        | AttributeType::Set(element)
        | AttributeType::Map(element) => check_element(element),
        AttributeType::Object(attributes) => check_computed(attributes),
    }
}

const fn check_parameter(parameter: &Parameter) {
    assert!(
        is_name(parameter.name),
        "a parameter is named in snake_case"
    );
    assert!(
        is_sentence(parameter.description),
        "the description of a parameter ends with a full stop"
    );
    check_element(&parameter.kind);
}

const fn check_attributes(attributes: &[Attribute]) {
    let mut i = 0;
    while i < attributes.len() {
        let mut j = 0;
        while j < i {
            assert!(
                !equal(attributes[i].name, attributes[j].name),
                "two attributes have the same name"
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
        assert!(
            found && !equal(attribute.name, attribute.conflicts_with[i]),
            "an attribute conflicts with an optional one beside it"
        );
        i += 1;
    }
}

const fn check_attribute(attribute: &Attribute) {
    assert!(
        is_name(attribute.name),
        "an attribute is named in snake_case"
    );
    assert!(
        is_sentence(attribute.description),
        "the description of an attribute ends with a full stop"
    );
    if let Some(instead) = attribute.deprecation {
        assert!(
            is_sentence(instead),
            "the text of a deprecation ends with a full stop"
        );
    }
    match attribute.kind {
        AttributeType::String | AttributeType::Bool | AttributeType::Number => {}
        AttributeType::List(AttributeType::Object(inner))
        | AttributeType::Map(AttributeType::Object(inner))
            if matches!(attribute.mode, Mode::Computed) =>
        {
            check_computed(inner);
        }
        AttributeType::List(element)
        | AttributeType::Set(element)
        | AttributeType::Map(element) => {
            check_element(element);
        }
        AttributeType::Object(inner) => check_object(attribute, inner),
    }
    check_mode(attribute);
    check_default(attribute);
    check_absent(attribute);
    check_validators(attribute);
}

const fn check_element(element: &AttributeType) {
    match element {
        AttributeType::String | AttributeType::Bool | AttributeType::Number => {}
        AttributeType::List(element)
        | AttributeType::Set(element)
        | AttributeType::Map(element) => {
            check_element(element);
        }
        AttributeType::Object(_) => {
            panic!("only a computed list or map has objects as elements, and no parameter is one")
        }
    }
}

/// Objects that only the provider makes.
const fn check_computed(inner: &[Attribute]) {
    assert!(!inner.is_empty(), "a nested object has attributes");
    check_attributes(inner);
    let mut i = 0;
    while i < inner.len() {
        assert!(
            matches!(inner[i].mode, Mode::Computed),
            "what is inside a computed object is computed"
        );
        i += 1;
    }
}

const fn check_object(attribute: &Attribute, inner: &[Attribute]) {
    assert!(!inner.is_empty(), "a nested object has attributes");
    check_attributes(inner);
    let mut i = 0;
    while i < inner.len() {
        assert!(
            !matches!(attribute.mode, Mode::Computed) || matches!(inner[i].mode, Mode::Computed),
            "what is inside a computed object is computed"
        );
        assert!(
            !attribute.write_only || inner[i].write_only,
            "what is inside a write-only object is write-only"
        );
        i += 1;
    }
}

const fn check_mode(attribute: &Attribute) {
    let computed = matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
    if attribute.write_only {
        assert!(
            !computed,
            "a write-only attribute is required or optional, without a default"
        );
        assert!(
            matches!(attribute.replace, Replace::Never),
            "a write-only attribute is never stored, so no change of it can be seen"
        );
    }
    if attribute.keep_prior {
        assert!(
            computed && attribute.default.is_none(),
            "only a computed attribute without a default keeps its prior value"
        );
    }
    if matches!(attribute.mode, Mode::Computed) {
        assert!(
            only_names_values(attribute.validators),
            "nobody configures a computed attribute, so it has no validators but the names of \
             its values"
        );
        assert!(
            matches!(attribute.replace, Replace::Never),
            "nobody configures a computed attribute, so it does not replace the object"
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
    let Some(default) = &attribute.default else {
        return;
    };
    assert!(
        matches!(attribute.mode, Mode::OptionalComputed),
        "an attribute with a default is optional and computed"
    );
    match (default, &attribute.kind) {
        (DefaultValue::Bool(_), AttributeType::Bool) => {}
        (DefaultValue::String(text), AttributeType::String) => {
            let mut i = 0;
            while i < attribute.validators.len() {
                if let Validator::OneOf(allowed) = attribute.validators[i] {
                    assert!(
                        contains(allowed, text),
                        "the default is one of the allowed values"
                    );
                }
                i += 1;
            }
        }
        _ => panic!("a default has the type of its attribute"),
    }
}

const fn check_absent(attribute: &Attribute) {
    let Some(absent) = &attribute.absent else {
        return;
    };
    assert!(
        attribute.default.is_none() && !matches!(attribute.mode, Mode::Required | Mode::Computed),
        "only an optional attribute without a default can be left out"
    );
    match (absent, &attribute.kind) {
        (Absent::Words(words), _) => assert!(
            is_sentence(words),
            "the words about a value that is left out end with a full stop"
        ),
        (Absent::Bool(_), AttributeType::Bool)
        | (Absent::Number(_), AttributeType::Number)
        | (Absent::Text(_) | Absent::Duration(_), AttributeType::String)
        | (Absent::Numbers(_), AttributeType::Set(_) | AttributeType::List(_)) => {}
        _ => panic!("what counts for a value that is left out has the type of its attribute"),
    }
}

const fn check_validators(attribute: &Attribute) {
    let mut i = 0;
    while i < attribute.validators.len() {
        match attribute.validators[i] {
            Validator::OneOf(allowed) => {
                assert!(!allowed.is_empty(), "at least one value is allowed");
                check_text(attribute);
            }
            Validator::NotEmpty | Validator::Duration | Validator::Url | Validator::Json => {
                check_text(attribute);
            }
            Validator::WholeNumber { min, max } => {
                assert!(min <= max, "the bounds of a number are in order");
                assert!(
                    matches!(attribute.kind, AttributeType::Number),
                    "only a number can be a whole number"
                );
            }
            Validator::Custom(description, _) => {
                assert!(
                    is_sentence(description),
                    "the description of a validator ends with a full stop"
                );
            }
        }
        i += 1;
    }
}

const fn check_text(attribute: &Attribute) {
    assert!(
        matches!(attribute.kind, AttributeType::String),
        "this validator is for strings only"
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
            Err(panic) => (*panic.downcast::<&'static str>().unwrap()).to_owned(),
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
            (|| Attribute::string("count").describe("A."), "reserves"),
            (|| Attribute::string("a"), "full stop"),
            (|| good().describe("."), "full stop"),
            (|| good().deprecated("Use that"), "full stop"),
            (
                || good().default(DefaultValue::String("x")).required(),
                "with a default",
            ),
            (
                || good().default(DefaultValue::String("x")).computed(),
                "with a default",
            ),
            (
                || good().default(DefaultValue::Bool(true)),
                "type of its attribute",
            ),
            (
                || {
                    good()
                        .default(DefaultValue::String("x"))
                        .validate(&[Validator::OneOf(&["y"])])
                },
                "allowed values",
            ),
            (
                || good().computed().validate(&[Validator::NotEmpty]),
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
            (
                || good().default(DefaultValue::String("x")).write_only(),
                "required or optional",
            ),
            (|| good().write_only().replace(Replace::Always), "no change"),
            (|| good().keep_prior(), "prior value"),
            (|| good().required().keep_prior(), "prior value"),
            (
                || good().default(DefaultValue::String("x")).keep_prior(),
                "prior value",
            ),
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
                        .validate(&[Validator::NotEmpty])
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
                || {
                    good()
                        .default(DefaultValue::String("x"))
                        .when_absent(Absent::Text("x"))
                },
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
    fn an_identity_names_something() {
        let attribute = |name, required_for_import, description| IdentityAttribute {
            name,
            required_for_import,
            description,
        };
        check_identity(0, &[attribute("name", true, "Its name.")]);
        for bad in [
            vec![],
            vec![attribute("name", false, "Its name.")],
            vec![attribute("Name", true, "Its name.")],
            vec![attribute("name", true, "Its name")],
            vec![attribute("name", true, "A."), attribute("name", true, "A.")],
        ] {
            assert!(catch_unwind(|| check_identity(0, &bad)).is_err());
        }
    }
}
