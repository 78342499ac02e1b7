//! JSON, the form in which Terraform hands over the state file's objects.
//!
//! JSON cannot express unknown values. Where a key comes twice the last one
//! counts, as everywhere in Terraform.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{MAX_DEPTH, attribute_step, check_attributes, normalised, without_duplicates};
use crate::number::Number;
use crate::path::Step;
use crate::types::Type;
use crate::value::Value;
use crate::value_error::ValueError;

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
pub fn decode(expected: &Type, bytes: &[u8], leniency: Leniency) -> Result<Value, ValueError> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| {
        ValueError::new(format!(
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
pub fn decode_value(expected: &Type, json: &Json, leniency: Leniency) -> Result<Value, ValueError> {
    from_json(expected, json, leniency, 0)
}

/// Writes a value of the given type.
///
/// # Errors
/// The first place where the value is unknown or not of the type.
pub fn encode(expected: &Type, value: &Value) -> Result<Json, ValueError> {
    to_json(expected, value, 0)
}

fn from_json(
    expected: &Type,
    json: &Json,
    leniency: Leniency,
    depth: usize,
) -> Result<Value, ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::too_deep());
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
                from_json(element, item, leniency, depth + 1).map_err(ValueError::within_set)
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
        _ => Err(ValueError::mismatch(expected)),
    }
}

fn object(
    attributes: &BTreeMap<String, Type>,
    entries: &serde_json::Map<String, Json>,
    leniency: Leniency,
    depth: usize,
) -> Result<Value, ValueError> {
    if leniency == Leniency::Strict
        && let Some(key) = entries.keys().find(|key| !attributes.contains_key(*key))
    {
        return Err(ValueError::unexpected(key));
    }
    let mut object = BTreeMap::new();
    for (name, attribute) in attributes {
        let value = match entries.get(name) {
            Some(json) => from_json(attribute, json, leniency, depth + 1)
                .map_err(|error| error.within(attribute_step(name)))?,
            None if leniency == Leniency::Strict => return Err(ValueError::missing(name)),
            None => Value::Null,
        };
        object.insert(name.clone(), value);
    }
    Ok(Value::Object(object))
}

/// A simple value that an older schema has declared with another simple type.
fn converted(expected: &Type, json: &Json) -> Result<Value, ValueError> {
    match (expected, json) {
        (Type::Bool, Json::String(text)) => match text.as_str() {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(ValueError::mismatch(expected)),
        },
        (Type::String, Json::Bool(value)) => Ok(Value::string(value.to_string())),
        (Type::String, Json::Number(number)) => match number.as_str().parse::<Number>() {
            Ok(number) => Ok(Value::string(number.as_str())),
            Err(error) => Err(ValueError::new(error.to_string())),
        },
        _ => Err(ValueError::mismatch(expected)),
    }
}

fn parse_number(text: &str) -> Result<Value, ValueError> {
    match text.parse() {
        Ok(number) => Ok(Value::Number(number)),
        Err(error) => {
            let error: crate::number::NumberError = error;
            Err(ValueError::new(error.to_string()))
        }
    }
}

fn to_json(expected: &Type, value: &Value, depth: usize) -> Result<Json, ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::too_deep());
    }
    match (expected, value) {
        (_, Value::Null) => Ok(Json::Null),
        (_, Value::Unknown) => Err(ValueError::new("This is not known yet.")),
        (Type::String, Value::String(text)) => Ok(Json::String(normalised(text))),
        (Type::Bool, Value::Bool(value)) => Ok(Json::Bool(*value)),
        (Type::Number, Value::Number(number)) => match number.as_str().parse() {
            Ok(number) => Ok(Json::Number(number)),
            Err(_) => Err(ValueError::mismatch(expected)),
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
                .map(|item| to_json(element, item, depth + 1).map_err(ValueError::within_set));
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
        _ => Err(ValueError::mismatch(expected)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::samples::{SECRET, any_type, entries, nested, object_type, typed_value};
    use super::*;

    fn lenient(of: &Type, text: &str) -> Result<Value, String> {
        decode(of, text.as_bytes(), Leniency::Lenient).map_err(|error| error.to_string())
    }

    fn strict(of: &Type, text: &str) -> Result<Value, String> {
        decode(of, text.as_bytes(), Leniency::Strict).map_err(|error| error.to_string())
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    #[test]
    fn numbers_keep_every_digit() {
        for text in [
            "0",
            "0.1",
            "9223372036854775808",
            "18446744073709551616",
            "123456789012345678901234567890.12345678901234567890123456789",
        ] {
            assert_eq!(strict(&Type::Number, text).unwrap(), number(text));
            let quoted = format!("\"{text}\"");
            assert_eq!(strict(&Type::Number, &quoted).unwrap(), number(text));
            assert_eq!(
                encode(&Type::Number, &number(text)).unwrap().to_string(),
                text
            );
        }
        assert_eq!(strict(&Type::Number, "-0").unwrap(), number("0"));
        assert_eq!(strict(&Type::Number, "1e400").unwrap(), number("1e400"));
        assert_eq!(
            strict(&Type::Number, "1e99999").unwrap_err(),
            "This number has more than 4096 digits when written out."
        );
    }

    #[test]
    fn an_older_state_is_read_leniently() {
        let of = object_type(&[
            ("text", Type::String),
            ("flag", Type::Bool),
            ("count", Type::Number),
            ("new", Type::List(Box::new(Type::String))),
        ]);
        let text = r#"{"text": 1.50, "flag": "true", "count": "3", "gone": {"x": [1]}}"#;
        let expected = Value::Object(entries(&[
            ("text", Value::string("1.5")),
            ("flag", Value::Bool(true)),
            ("count", number("3")),
            ("new", Value::Null),
        ]));
        assert_eq!(lenient(&of, text).unwrap(), expected);
        assert_eq!(
            strict(&of, text).unwrap_err(),
            "The data has the attribute `gone`, and the schema does not."
        );
        assert_eq!(
            strict(&of, r#"{"text": "a"}"#).unwrap_err(),
            "`count`: The data lacks this attribute."
        );
        for (text, expected) in [("\"1\"", true), ("\"0\"", false), ("\"false\"", false)] {
            assert_eq!(lenient(&Type::Bool, text).unwrap(), Value::Bool(expected));
            assert!(strict(&Type::Bool, text).is_err());
        }
        assert_eq!(
            lenient(&Type::String, "true").unwrap(),
            Value::string("true")
        );
        assert!(strict(&Type::String, "1").is_err());
    }

    #[test]
    fn what_no_leniency_can_read_is_an_error_without_the_value() {
        let of = object_type(&[("a", Type::List(Box::new(Type::Bool)))]);
        for text in [r#"{"a": ["hunter2"]}"#, r#"{"a": [7]}"#] {
            assert_eq!(
                lenient(&of, text).unwrap_err(),
                "`a[0]`: This must be a bool, and the data holds something else."
            );
        }
        assert_eq!(
            lenient(&of, r#"{"a": "hunter2"}"#).unwrap_err(),
            "`a`: This must be a list, and the data holds something else."
        );
        assert_eq!(
            lenient(&of, "{\n\"a\": hunter2}").unwrap_err(),
            "The data is not valid JSON at line 2, column 6."
        );
        assert!(lenient(&of, "").is_err());
        assert!(lenient(&of, "{} {}").is_err());
        let error = encode(&Type::String, &Value::Unknown).unwrap_err();
        assert_eq!(error.message, "This is not known yet.");
    }

    #[test]
    fn texts_come_in_normal_form_and_sets_without_duplicates() {
        let of = Type::Map(Box::new(Type::Set(Box::new(Type::String))));
        let read = strict(&of, r#"{"e\u0301": ["e\u0301", "\u00e9"]}"#).unwrap();
        let expected = Value::Set(vec![Value::string("\u{e9}")]);
        assert_eq!(read, Value::Map(entries(&[("\u{e9}", expected)])));
        assert_eq!(encode(&of, &read).unwrap(), json!({"\u{e9}": ["\u{e9}"]}));
    }

    #[test]
    fn nesting_has_a_limit() {
        let (of, value) = nested(MAX_DEPTH);
        let text = encode(&of, &value).unwrap().to_string();
        assert_eq!(strict(&of, &text).unwrap(), value);
        let (of, value) = nested(MAX_DEPTH + 1);
        assert!(encode(&of, &value).is_err());
        assert!(strict(&of, &format!("[{text}]")).is_err());
        assert!(lenient(&of, &"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again((of, value) in typed_value(false)) {
            let text = encode(&of, &value).unwrap().to_string();
            for leniency in [Leniency::Strict, Leniency::Lenient] {
                prop_assert_eq!(decode(&of, text.as_bytes(), leniency).unwrap(), value.clone());
            }
        }

        #[test]
        fn errors_show_no_value((of, value) in typed_value(false), other in any_type()) {
            let json = encode(&of, &value).unwrap();
            for leniency in [Leniency::Strict, Leniency::Lenient] {
                if let Err(error) = decode_value(&other, &json, leniency) {
                    prop_assert!(!error.to_string().contains(SECRET));
                }
            }
        }

        #[test]
        fn no_text_panics(of in any_type(), text in "[-\\[\\]{}\",:0-9.eEtruefalsn \\\\]{0,40}") {
            let _ = decode(&of, text.as_bytes(), Leniency::Lenient);
            let _ = decode(&of, text.as_bytes(), Leniency::Strict);
        }
    }
}
