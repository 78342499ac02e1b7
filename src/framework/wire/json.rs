//! JSON, the form in which Terraform hands over the state file's objects.
//!
//! JSON cannot express unknown values. Where a key comes twice the last one
//! counts, as everywhere in Terraform.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    MAX_DEPTH, WireError, attribute_step, check_attributes, normalised, without_duplicates,
};
use crate::framework::number::Number;
use crate::framework::path::Step;
use crate::framework::types::Type;
use crate::framework::value::Value;

/// How closely JSON must follow the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    /// Exactly: for values that Terraform has just written by our schema.
    Strict,
    /// What an older version of a schema has left in a state file: unknown
    /// keys are ignored, missing ones are null, and a string, number or bool
    /// may be written as one of the others.
    Lenient,
}

/// Reads a value of the given type.
///
/// # Errors
/// The first place where the text is not such a value.
pub fn decode(expected: &Type, bytes: &[u8], leniency: Leniency) -> Result<Value, WireError> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| {
        WireError::new(format!(
            "The data is not valid JSON at line {}, column {}.",
            error.line(),
            error.column()
        ))
    })?;
    from_json(expected, &json, leniency, 0)
}

/// Converts JSON that is parsed already; otherwise the same as [`decode`].
///
/// # Errors
/// The first place where the JSON is not such a value.
pub fn decode_value(expected: &Type, json: &Json, leniency: Leniency) -> Result<Value, WireError> {
    from_json(expected, json, leniency, 0)
}

/// Writes a value of the given type.
///
/// # Errors
/// The first place where the value is unknown or not of the type.
pub fn encode(expected: &Type, value: &Value) -> Result<Json, WireError> {
    to_json(expected, value, 0)
}

fn from_json(
    expected: &Type,
    json: &Json,
    leniency: Leniency,
    depth: usize,
) -> Result<Value, WireError> {
    if depth > MAX_DEPTH {
        return Err(WireError::too_deep());
    }
    match (expected, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Type::String, Json::String(text)) => Ok(Value::String(normalised(text))),
        (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Type::Number, Json::Number(number)) => parse_number(number.as_str()),
        (Type::Number, Json::String(text)) => parse_number(text),
        (Type::List(element), Json::Array(items)) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                from_json(element, item, leniency, depth + 1)
                    .map_err(|error| error.within(Step::Index(index)))
            });
            Ok(Value::List(items.collect::<Result<_, _>>()?))
        }
        (Type::Set(element), Json::Array(items)) => {
            let items = items.iter().map(|item| {
                from_json(element, item, leniency, depth + 1).map_err(WireError::within_set)
            });
            let items = without_duplicates(element, items.collect::<Result<_, _>>()?)?;
            Ok(Value::Set(items))
        }
        (Type::Map(element), Json::Object(entries)) => {
            let entries = entries.iter().map(|(key, item)| {
                let key = normalised(key);
                match from_json(element, item, leniency, depth + 1) {
                    Ok(item) => Ok((key, item)),
                    Err(error) => Err(error.within(Step::Key(key))),
                }
            });
            Ok(Value::Map(entries.collect::<Result<_, _>>()?))
        }
        (Type::Object(attributes), Json::Object(entries)) => {
            object(attributes, entries, leniency, depth)
        }
        _ if leniency == Leniency::Lenient => converted(expected, json),
        _ => Err(WireError::mismatch(expected)),
    }
}

fn object(
    attributes: &BTreeMap<String, Type>,
    entries: &serde_json::Map<String, Json>,
    leniency: Leniency,
    depth: usize,
) -> Result<Value, WireError> {
    if leniency == Leniency::Strict
        && let Some(key) = entries.keys().find(|key| !attributes.contains_key(*key))
    {
        return Err(WireError::unexpected(key));
    }
    let mut object = BTreeMap::new();
    for (name, attribute) in attributes {
        let value = match entries.get(name) {
            Some(json) => from_json(attribute, json, leniency, depth + 1)
                .map_err(|error| error.within(attribute_step(name)))?,
            None if leniency == Leniency::Strict => return Err(WireError::missing(name)),
            None => Value::Null,
        };
        object.insert(name.clone(), value);
    }
    Ok(Value::Object(object))
}

/// A simple value that an older schema has declared with another simple type.
fn converted(expected: &Type, json: &Json) -> Result<Value, WireError> {
    match (expected, json) {
        (Type::Bool, Json::String(text)) => match text.as_str() {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(WireError::mismatch(expected)),
        },
        (Type::String, Json::Bool(value)) => Ok(Value::string(value.to_string())),
        (Type::String, Json::Number(number)) => match number.as_str().parse::<Number>() {
            Ok(number) => Ok(Value::string(number.as_str())),
            Err(error) => Err(WireError::new(error.to_string())),
        },
        _ => Err(WireError::mismatch(expected)),
    }
}

fn parse_number(text: &str) -> Result<Value, WireError> {
    match text.parse() {
        Ok(number) => Ok(Value::Number(number)),
        Err(error) => {
            let error: crate::framework::number::NumberError = error;
            Err(WireError::new(error.to_string()))
        }
    }
}

fn to_json(expected: &Type, value: &Value, depth: usize) -> Result<Json, WireError> {
    if depth > MAX_DEPTH {
        return Err(WireError::too_deep());
    }
    match (expected, value) {
        (_, Value::Null) => Ok(Json::Null),
        (_, Value::Unknown) => Err(WireError::new("This is not known yet.")),
        (Type::String, Value::String(text)) => Ok(Json::String(normalised(text))),
        (Type::Bool, Value::Bool(value)) => Ok(Json::Bool(*value)),
        (Type::Number, Value::Number(number)) => match number.as_str().parse() {
            Ok(number) => Ok(Json::Number(number)),
            Err(_) => Err(WireError::mismatch(expected)),
        },
        (Type::List(element), Value::List(items)) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                to_json(element, item, depth + 1).map_err(|error| error.within(Step::Index(index)))
            });
            Ok(Json::Array(items.collect::<Result<_, _>>()?))
        }
        (Type::Set(element), Value::Set(items)) => {
            let items = without_duplicates(element, items.clone())?;
            let items = items
                .iter()
                .map(|item| to_json(element, item, depth + 1).map_err(WireError::within_set));
            Ok(Json::Array(items.collect::<Result<_, _>>()?))
        }
        (Type::Map(element), Value::Map(entries)) => {
            let entries = entries.iter().map(|(key, item)| {
                let item = to_json(element, item, depth + 1)
                    .map_err(|error| error.within(Step::Key(key.clone())))?;
                Ok((normalised(key), item))
            });
            Ok(Json::Object(entries.collect::<Result<_, _>>()?))
        }
        (Type::Object(attributes), Value::Object(entries)) => {
            check_attributes(attributes, entries)?;
            let entries = attributes
                .iter()
                .zip(entries)
                .map(|(attribute, (name, value))| {
                    let value = to_json(attribute.1, value, depth + 1)
                        .map_err(|error| error.within(attribute_step(name)))?;
                    Ok((name.clone(), value))
                });
            Ok(Json::Object(entries.collect::<Result<_, _>>()?))
        }
        _ => Err(WireError::mismatch(expected)),
    }
}
