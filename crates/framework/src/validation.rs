//! A configuration held against what its schema says.

use super::client_version;
use super::diagnostics::{Diagnostic, Diagnostics};
use super::path::Path;
use super::schema::{Attribute, AttributeType, Mode, Schema};
use super::value::Value;

/// Checks a configuration against what its schema says: values that only the
/// provider gives, missing ones, write-only values that the client cannot
/// handle, validators, nested objects, and use of what is deprecated. All
/// messages are collected; unknown values are left for later.
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
        let mut nulls = Vec::new();
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
fn find_nulls(at: &Path, value: &Value, hidden: bool, found: &mut Vec<Path>) {
    let mut look = |inner: Path, element: &Value, hidden: bool| {
        let at = if hidden { at } else { &inner };
        if element.is_null() {
            found.push(at.clone());
        } else {
            find_nulls(at, element, hidden, found);
        }
    };
    match value {
        Value::List(elements) => {
            for (position, element) in elements.iter().enumerate() {
                look(at.clone().index(position), element, hidden);
            }
        }
        Value::Map(entries) => {
            for (key, element) in entries {
                look(at.clone().key(key), element, hidden);
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

    use super::*;
    use crate::validators::Validator;

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
}
