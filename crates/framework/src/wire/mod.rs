//! Values as bytes: the codecs of Terraform's two wire forms.
//!
//! Each reads values of whatever type, and [`fitted`] makes values of an
//! [`AttributeType`] of them: what the type does not allow is an error that
//! names the attribute and never quotes a value. Neither of them knows the
//! plugin protocol's messages; picking the form and wrapping the bytes is the
//! server's business.

pub mod json;
pub mod msgpack;

use std::borrow::Cow;
use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use super::path::{Path, Step};
use super::schema::{Attribute, AttributeType, find};
use super::value::Value;
use super::value_error::ValueError;

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;

/// How closely a value must follow its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    /// Exactly: for values that Terraform has just written by our schema, or a
    /// resource by its model.
    Strict,
    /// Exactly, and no error names what is not in the schema: a damaged length can
    /// make a key of a secret value.
    Unnamed,
    /// What an older version of a schema has left in a state file: unknown
    /// keys are ignored, missing ones are null.
    Lenient,
}

/// A value of the type: texts are in normalisation form C, a set has each element
/// once, an object exactly the attributes of its type, and a number may have been
/// a text.
///
/// # Errors
/// The first place where the value is none of that type.
fn fitted(expected: &AttributeType, value: Value, leniency: Leniency) -> Result<Value, ValueError> {
    fitted_at(expected, value, leniency, 0)
}

fn fitted_at(
    expected: &AttributeType,
    value: Value,
    leniency: Leniency,
    depth: usize,
) -> Result<Value, ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::too_deep());
    }
    let inner = |of: &AttributeType, value| fitted_at(of, value, leniency, depth + 1);
    match (expected, value) {
        (_, Value::Null) => Ok(Value::Null),
        (_, Value::Unknown) => Ok(Value::Unknown),
        (AttributeType::String, Value::String(text)) => Ok(Value::String(normalised(text))),
        (AttributeType::Bool, value @ Value::Bool(_))
        | (AttributeType::Number, value @ Value::Number(_)) => Ok(value),
        (AttributeType::Number, Value::String(text)) => Ok(Value::Number(text.parse()?)),
        (AttributeType::List(element), Value::List(items)) => {
            let items = items.into_iter().enumerate().map(|(index, item)| {
                inner(element, item).map_err(|error| error.within(Step::Index(index)))
            });
            Ok(Value::List(items.collect::<Result<_, _>>()?))
        }
        (AttributeType::Set(element), Value::Set(items) | Value::List(items)) => {
            let items = items.into_iter();
            let items = items.map(|item| inner(element, item).map_err(ValueError::within_set));
            Ok(Value::set(items.collect::<Result<_, _>>()?))
        }
        (AttributeType::Map(element), Value::Map(entries)) => {
            let mut fitted = BTreeMap::new();
            for (key, value) in entries {
                let key = normalised(key);
                let value =
                    inner(element, value).map_err(|error| error.within(Step::Key(key.clone())))?;
                let earlier = fitted.insert(key, value);
                // Terraform's keys are normalised. A service may have two of one normal form,
                // of which the last one counts.
                if earlier.is_some() && leniency == Leniency::Unnamed {
                    return Err(ValueError::repeated());
                }
            }
            Ok(Value::Map(fitted))
        }
        (AttributeType::Object(attributes), Value::Object(entries) | Value::Map(entries)) => {
            object(attributes, entries, leniency, inner)
        }
        _ => Err(ValueError::mismatch(expected)),
    }
}

fn object(
    attributes: &[Attribute],
    mut entries: BTreeMap<String, Value>,
    leniency: Leniency,
    inner: impl Fn(&AttributeType, Value) -> Result<Value, ValueError>,
) -> Result<Value, ValueError> {
    let mut keys = entries.keys();
    match keys.find(|key| find(attributes, key).is_none()) {
        Some(key) if leniency == Leniency::Strict => return Err(ValueError::unexpected(key)),
        Some(_) if leniency == Leniency::Unnamed => return Err(ValueError::unexpected_key()),
        _ => {}
    }
    let mut object = BTreeMap::new();
    for Attribute { name, kind, .. } in attributes {
        let value = match entries.remove(*name) {
            Some(value) => {
                inner(kind, value).map_err(|error| error.within(attribute_step(name)))?
            }
            None if leniency == Leniency::Lenient => Value::Null,
            None => return Err(ValueError::missing(name)),
        };
        object.insert((*name).to_owned(), value);
    }
    Ok(Value::Object(object))
}

/// The error of a reader that did not know the type, at the address that its place has
/// in the type: a key may be an attribute's name, and an element of a set has none.
/// It ends where the type does not know the way, since anything can stand there.
fn located(mut expected: &AttributeType, error: ValueError) -> ValueError {
    let mut path = Path::root();
    for step in error.path.steps() {
        (path, expected) = match (expected, step) {
            (AttributeType::List(element), Step::Index(index)) => (path.index(*index), *element),
            (AttributeType::Map(element), Step::Key(key)) => (path.key(key), *element),
            (AttributeType::Object(attributes), Step::Key(key)) => match find(attributes, key) {
                Some(attribute) => (path.then(attribute.name), &attribute.kind),
                None => break,
            },
            _ => break,
        };
    }
    ValueError { path, ..error }
}

impl ValueError {
    fn mismatch(expected: &AttributeType) -> Self {
        Self::new(format!(
            "This must be {}, and the data holds something else.",
            expected.noun()
        ))
    }

    fn missing(attribute: &str) -> Self {
        Self::new("The data lacks this attribute.").within(attribute_step(attribute))
    }

    fn unexpected(key: &str) -> Self {
        // Anything can be in a key; only what looks like a name is shown.
        let is_name = key.len() <= 64
            && key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if is_name {
            Self::new(format!(
                "The data has the attribute `{key}`, and the schema does not."
            ))
        } else {
            Self::unexpected_key()
        }
    }

    /// Where a damaged length can make a key of a secret value.
    fn unexpected_key() -> Self {
        Self::new("The data has an attribute that the schema does not have.")
    }

    fn repeated() -> Self {
        Self::new("The data has the same key twice.")
    }

    fn too_deep() -> Self {
        Self::new(format!(
            "The data is nested more than {MAX_DEPTH} levels deep."
        ))
    }
}

fn attribute_step(name: &str) -> Step {
    Step::Attribute(Cow::Owned(name.to_owned()))
}

/// The text in Unicode normalisation form C, the only one that Terraform
/// compares and stores.
fn normalised(text: String) -> String {
    if text.is_ascii() {
        text
    } else {
        text.nfc().collect()
    }
}

#[cfg(test)]
mod samples;
