//! What Terraform enforces on plans and results, checked before Terraform does:
//! Terraform's own messages tell the practitioner little, and its answer to an
//! impossible result is to destroy the object in the next run.
//!
//! Attributes are named down to nested objects and no further: keys and
//! elements of collections are content.

use std::collections::BTreeMap;

use crate::diagnostics::{Diagnostic, Diagnostics};
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

impl Rule {
    const fn text(self) -> &'static str {
        match self {
            Self::Shape => "has another type than the schema says",
            Self::WriteOnly => "has a value although it is write-only",
            Self::Existence => "exists where the configuration has nothing, or the reverse",
            Self::Configured => "differs from the configured value",
            Self::NotComputed => {
                "has a value although the configuration leaves it out and it is not computed"
            }
            Self::ReplacePath => "is to replace the object although it does not exist",
        }
    }
}

impl From<Violation> for Diagnostic {
    fn from(violation: Violation) -> Self {
        Self::error(
            "Provider made an impossible plan",
            format!(
                "{} {} in the plan. Nothing was changed. This is a bug in the provider: \
                 report it together with the configuration of this resource.",
                subject(&violation.path),
                violation.rule.text()
            ),
        )
        .at(violation.path)
    }
}

fn subject(path: &Path) -> String {
    if path.is_root() {
        "The object as a whole".to_owned()
    } else {
        format!("`{path}`")
    }
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

/// What is wrong with what was made from a configuration in one go, without a
/// plan: the result of a data source or an ephemeral resource. It is wholly
/// known, and what is configured comes back as it was.
pub(crate) fn result(attributes: &[Attribute], config: &Value, result: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for violation in plan(attributes, [config, &Value::Null, result], &[]) {
        diagnostics.push(impossible_result(&violation.path, violation.rule.text()));
    }
    if !result.is_wholly_known() {
        diagnostics.push(impossible_result(
            &Path::root(),
            "is not known in every part",
        ));
    }
    diagnostics
}

fn impossible_result(path: &Path, what: &str) -> Diagnostic {
    Diagnostic::error(
        "Provider made an impossible result",
        format!(
            "{} {what} in the result. Nothing was changed. This is a bug in the provider: report \
             it together with the configuration of this block.",
            subject(path)
        ),
    )
    .at(path.clone())
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

/// The attributes in which a result is not what was planned, sorted.
pub(crate) fn contradictions(
    attributes: &[Attribute],
    planned: &Value,
    result: &Value,
) -> Vec<Path> {
    let mut found = Vec::new();
    contradictions_at(attributes, &Path::root(), [planned, result], &mut found);
    found.sort();
    found
}

fn contradictions_at(
    attributes: &[Attribute],
    at: &Path,
    [planned, result]: [&Value; 2],
    found: &mut Vec<Path>,
) {
    for attribute in attributes {
        let planned = planned.get(attribute.name);
        let result = result.get(attribute.name);
        if compatible(planned, result) {
            continue;
        }
        let path = at.clone().then(attribute.name);
        match (attribute.kind, planned, result) {
            (AttributeType::Object(nested), Value::Object(_), Value::Object(_)) => {
                contradictions_at(nested, &path, [planned, result], found);
            }
            _ => found.push(path),
        }
    }
}

/// The result with the planned value wherever the two contradict each other,
/// so that Terraform accepts it. What the plan left open there becomes null.
pub(crate) fn settle(attributes: &[Attribute], planned: &Value, result: &Value) -> Value {
    let settled = attributes.iter().map(|attribute| {
        let planned = planned.get(attribute.name);
        let result = result.get(attribute.name);
        let value = match (attribute.kind, planned, result) {
            _ if compatible(planned, result) => result.clone(),
            (AttributeType::Object(nested), Value::Object(_), Value::Object(_)) => {
                settle(nested, planned, result)
            }
            _ => known(planned),
        };
        (attribute.name.to_owned(), value)
    });
    Value::Object(settled.collect())
}

/// A value with null in place of everything unknown.
fn known(value: &Value) -> Value {
    let entries = |entries: &BTreeMap<String, Value>| {
        entries
            .iter()
            .map(|(key, entry)| (key.clone(), known(entry)))
            .collect()
    };
    match value {
        Value::Unknown => Value::Null,
        Value::List(items) => Value::List(items.iter().map(known).collect()),
        Value::Set(items) => Value::Set(items.iter().map(known).collect()),
        Value::Map(map) => Value::Map(entries(map)),
        Value::Object(object) => Value::Object(entries(object)),
        _ => value.clone(),
    }
}

/// Whether Terraform accepts a result for a planned value: what was unknown
/// may become anything, what was known must be the same. A set may shrink,
/// because elements that were unknown can turn out equal.
fn compatible(planned: &Value, result: &Value) -> bool {
    match (planned, result) {
        (Value::Unknown, _) => true,
        (Value::List(planned), Value::List(result)) => {
            planned.len() == result.len()
                && planned.iter().zip(result).all(|(p, r)| compatible(p, r))
        }
        (Value::Set(planned), Value::Set(result)) => {
            result.len() <= planned.len()
                && planned
                    .iter()
                    .all(|p| result.iter().any(|r| compatible(p, r)))
                && result
                    .iter()
                    .all(|r| planned.iter().any(|p| compatible(p, r)))
        }
        (Value::Map(planned), Value::Map(result))
        | (Value::Object(planned), Value::Object(result)) => {
            planned.len() == result.len()
                && planned
                    .iter()
                    .all(|(key, p)| result.get(key).is_some_and(|r| compatible(p, r)))
        }
        _ => planned == result,
    }
}

/// Takes the values of write-only attributes out of an object.
pub(crate) fn null_write_only(attributes: &[Attribute], object: &mut Value) {
    let Value::Object(entries) = object else {
        return;
    };
    for attribute in attributes {
        let Some(entry) = entries.get_mut(attribute.name) else {
            continue;
        };
        if attribute.write_only {
            *entry = Value::Null;
        } else if let AttributeType::Object(nested) = attribute.kind {
            null_write_only(nested, entry);
        }
    }
}
