//! What Terraform enforces on results, checked before Terraform does: its own
//! messages tell the practitioner little, and its answer to an impossible result
//! is to destroy the object in the next run.
//!
//! What it enforces on plans is not checked here: a plan is made from the
//! configuration, and [`Plan::set`](super::Plan::set) lets nothing else in.
//!
//! Attributes are named down to nested objects and no further: keys and
//! elements of collections are content.

use std::collections::BTreeSet;

use crate::path::Path;
use crate::schema::{Attribute, AttributeType};
use crate::value::Value;

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
    match value {
        Value::Unknown => Value::Null,
        _ => value.with_parts(known),
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
        (Value::Set(planned), Value::Set(result)) => compatible_sets(planned, result),
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

/// Known elements are looked up; only those that are not wholly known have to be
/// tried one by one.
fn compatible_sets(planned: &[Value], result: &[Value]) -> bool {
    let (known, open): (Vec<_>, Vec<_>) = planned.iter().partition(|item| item.is_wholly_known());
    let known: BTreeSet<Value> = known.into_iter().map(Value::canonical).collect();
    let (same, others): (Vec<_>, Vec<_>) = result
        .iter()
        .map(Value::canonical)
        .partition(|item| known.contains(item));
    result.len() <= planned.len()
        && same.into_iter().collect::<BTreeSet<_>>() == known
        && others.iter().all(|r| open.iter().any(|p| compatible(p, r)))
        && open.iter().all(|p| result.iter().any(|r| compatible(p, r)))
}

/// Takes the values of write-only attributes out of an object.
pub(crate) fn null_write_only(attributes: &[Attribute], object: &mut Value) {
    null_where(attributes, object, |attribute, _| attribute.write_only);
}

/// Takes the values of such attributes out of an object.
pub(crate) fn null_where(
    attributes: &[Attribute],
    object: &mut Value,
    is_out: fn(&Attribute, &Value) -> bool,
) {
    let Value::Object(entries) = object else {
        return;
    };
    for attribute in attributes {
        let Some(entry) = entries.get_mut(attribute.name) else {
            continue;
        };
        if is_out(attribute, entry) {
            *entry = Value::Null;
        } else if let AttributeType::Object(nested) = attribute.kind {
            null_where(nested, entry, is_out);
        }
    }
}
