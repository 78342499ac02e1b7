//! What Terraform enforces on plans, written down a second time: the judge of the
//! plans of any schema.

use crate::path::{Path, Step};
use crate::schema::{Attribute, AttributeType, Mode};
use crate::value::Value;

/// A rule that a plan breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) path: Path,
    pub(super) rule: Rule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The value has another shape than the schema.
    Shape,
    /// A write-only attribute has a value.
    WriteOnly,
    /// An object is planned where the configuration has none, or the reverse.
    Existence,
    /// A configured value is not what is planned.
    Configured,
    /// A value is planned that only the configuration can give.
    NotComputed,
    /// A replacement because of something that does not exist.
    ReplacePath,
}

/// Everything that is wrong with a plan.
pub(super) fn plan(
    attributes: &[Attribute],
    [config, prior, planned]: [&Value; 3],
    replace: &[Path],
) -> Vec<Violation> {
    let mut found = Vec::new();
    if config.is_null() != planned.is_null() {
        found.push(Violation {
            path: Path::root(),
            rule: Rule::Existence,
        });
        return found;
    }
    if planned.is_null() {
        return found;
    }
    if !object_conforms(attributes, planned) {
        shape(attributes, &Path::root(), planned, &mut found);
        return found;
    }
    write_only(attributes, &Path::root(), planned, &mut found);
    values(
        attributes,
        &Path::root(),
        [config, prior, planned],
        &mut found,
    );
    for path in replace {
        if !exists(path, prior) && !exists(path, planned) {
            found.push(Violation {
                path: path.clone(),
                rule: Rule::ReplacePath,
            });
        }
    }
    found
}

/// Whether a value has the shape of a type; null and unknown have every shape.
fn conforms(kind: &AttributeType, value: &Value) -> bool {
    match (kind, value) {
        (_, Value::Null | Value::Unknown)
        | (AttributeType::String, Value::String(_))
        | (AttributeType::Bool, Value::Bool(_))
        | (AttributeType::Number, Value::Number(_)) => true,
        (AttributeType::List(element), Value::List(items))
        | (AttributeType::Set(element), Value::Set(items)) => {
            items.iter().all(|item| conforms(element, item))
        }
        (AttributeType::Map(element), Value::Map(entries)) => {
            entries.values().all(|entry| conforms(element, entry))
        }
        (AttributeType::Object(attributes), value) => object_conforms(attributes, value),
        _ => false,
    }
}

fn object_conforms(attributes: &[Attribute], value: &Value) -> bool {
    let Value::Object(entries) = value else {
        return false;
    };
    entries.len() == attributes.len()
        && attributes.iter().all(|attribute| {
            entries
                .get(attribute.name)
                .is_some_and(|entry| conforms(&attribute.kind, entry))
        })
}

/// Names the attributes that do not conform.
fn shape(attributes: &[Attribute], at: &Path, value: &Value, found: &mut Vec<Violation>) {
    let before = found.len();
    for attribute in attributes {
        if !conforms(&attribute.kind, value.get(attribute.name)) {
            found.push(Violation {
                path: at.clone().then(attribute.name),
                rule: Rule::Shape,
            });
        }
    }
    if found.len() == before {
        // Attributes too many or too few: nothing but the object is to blame.
        found.push(Violation {
            path: at.clone(),
            rule: Rule::Shape,
        });
    }
}

fn write_only(attributes: &[Attribute], at: &Path, value: &Value, found: &mut Vec<Violation>) {
    for attribute in attributes {
        let value = value.get(attribute.name);
        let path = at.clone().then(attribute.name);
        match attribute.kind {
            _ if attribute.write_only && !value.is_null() => found.push(Violation {
                path,
                rule: Rule::WriteOnly,
            }),
            AttributeType::Object(nested) if matches!(value, Value::Object(_)) => {
                write_only(nested, &path, value, found);
            }
            _ => {}
        }
    }
}

fn values(
    attributes: &[Attribute],
    at: &Path,
    [config, prior, planned]: [&Value; 3],
    found: &mut Vec<Violation>,
) {
    for attribute in attributes {
        let config = config.get(attribute.name);
        let prior = prior.get(attribute.name);
        let planned = planned.get(attribute.name);
        let as_configured = planned.same(config);
        let as_before = planned.same(prior) && !prior.is_null() && !config.is_null();
        let decided_by_provider = match attribute.mode {
            Mode::Computed => true,
            Mode::OptionalComputed => config.is_null(),
            Mode::Required | Mode::Optional => false,
        };
        if attribute.write_only || as_configured || as_before || decided_by_provider {
            continue;
        }
        let path = at.clone().then(attribute.name);
        let rule = match (attribute.kind, config, planned) {
            (AttributeType::Object(nested), Value::Object(_), Value::Object(_)) => {
                values(nested, &path, [config, prior, planned], found);
                continue;
            }
            (AttributeType::Object(_), Value::Null, _)
            | (AttributeType::Object(_), _, Value::Null) => Rule::Existence,
            (_, Value::Null, _) => Rule::NotComputed,
            _ => Rule::Configured,
        };
        found.push(Violation { path, rule });
    }
}

fn exists(path: &Path, object: &Value) -> bool {
    let mut value = object;
    for step in path.steps() {
        match (step, value) {
            (_, Value::Unknown) => return true,
            (Step::Attribute(name), Value::Object(entries)) => match entries.get(name.as_ref()) {
                Some(entry) => value = entry,
                None => return false,
            },
            _ => return false,
        }
    }
    true
}
