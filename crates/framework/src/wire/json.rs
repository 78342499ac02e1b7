//! JSON, the form in which Terraform hands over the state file's objects.
//!
//! JSON cannot express unknown values. Where a key comes twice the last one
//! counts, as everywhere in Terraform.

use serde_json::Value as Json;

use super::{fitted, located};
use crate::path::Step;
use crate::schema::AttributeType;
use crate::value::Value;
use crate::value_error::ValueError;

pub use super::Leniency;

/// Reads a value of the given type.
///
/// # Errors
/// The first place where the text is not such a value.
pub fn decode(
    expected: &AttributeType,
    bytes: &[u8],
    leniency: Leniency,
) -> Result<Value, ValueError> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| {
        ValueError::new(format!(
            "The data is not valid JSON at line {}, column {}.",
            error.line(),
            error.column()
        ))
    })?;
    decode_value(expected, json, leniency)
}

/// Converts JSON that is parsed already; otherwise the same as [`decode`].
///
/// # Errors
/// The first place where the JSON is not such a value.
pub(crate) fn decode_value(
    expected: &AttributeType,
    json: Json,
    leniency: Leniency,
) -> Result<Value, ValueError> {
    let value = value(json).map_err(|error| located(expected, error))?;
    fitted(expected, value, leniency)
}

/// A value of whatever type: a list may be a set, and a map an object.
fn value(json: Json) -> Result<Value, ValueError> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Number(number.as_str().parse()?),
        Json::String(text) => Value::String(text),
        Json::Array(items) => {
            let items = items
                .into_iter()
                .enumerate()
                .map(|(index, json)| value(json).map_err(|error| error.within(Step::Index(index))));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        Json::Object(entries) => {
            let entries = entries.into_iter().map(|(key, json)| match value(json) {
                Ok(value) => Ok((key, value)),
                Err(error) => Err(error.within(Step::Key(key))),
            });
            Value::Map(entries.collect::<Result<_, ValueError>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::MAX_DEPTH;
    use super::super::samples::{
        SECRET, any_type, entries, list, map, nested, object_type, set, typed_value,
    };
    use super::*;

    fn lenient(of: &AttributeType, text: &str) -> Result<Value, String> {
        decode(of, text.as_bytes(), Leniency::Lenient).map_err(|error| error.to_string())
    }

    fn strict(of: &AttributeType, text: &str) -> Result<Value, String> {
        decode(of, text.as_bytes(), Leniency::Strict).map_err(|error| error.to_string())
    }

    /// The value as JSON.
    fn written(value: &Value) -> Json {
        let entry = |(key, value): (&String, &Value)| (key.clone(), written(value));
        match value {
            Value::Null | Value::Unknown => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => Json::Number(number.as_str().parse().unwrap()),
            Value::String(text) => Json::String(text.clone()),
            Value::List(items) | Value::Set(items) => items.iter().map(written).collect(),
            Value::Map(entries) | Value::Object(entries) => entries.iter().map(entry).collect(),
        }
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    /// A service may have both, and a person who reads them sees one.
    #[test]
    fn of_keys_with_one_normal_form_one_counts() {
        let text = "{\"cafe\u{301}\": \"decomposed\", \"caf\u{e9}\": \"composed\"}";
        let one = entries(&[("caf\u{e9}", Value::string("composed"))]);
        assert_eq!(
            strict(&map(AttributeType::String), text),
            Ok(Value::Map(one))
        );
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
            assert_eq!(strict(&AttributeType::Number, text).unwrap(), number(text));
            let quoted = format!("\"{text}\"");
            assert_eq!(
                strict(&AttributeType::Number, &quoted).unwrap(),
                number(text)
            );
        }
        assert_eq!(strict(&AttributeType::Number, "-0").unwrap(), number("0"));
        assert_eq!(
            strict(&AttributeType::Number, "1e400").unwrap(),
            number("1e400")
        );
        assert_eq!(
            strict(&AttributeType::Number, "1e99999").unwrap_err(),
            "This number has more than 4096 digits when written out."
        );
    }

    #[test]
    fn an_older_state_is_read_leniently() {
        let of = object_type(&[
            ("text", AttributeType::String),
            ("flag", AttributeType::Bool),
            ("count", AttributeType::Number),
            ("new", list(AttributeType::String)),
        ]);
        let text = r#"{"text": "a", "flag": true, "count": "3", "gone": {"x": [1]}}"#;
        let expected = Value::Object(entries(&[
            ("text", Value::string("a")),
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
            "`flag`: The data lacks this attribute."
        );
    }

    #[test]
    fn what_no_leniency_can_read_is_an_error_without_the_value() {
        let of = object_type(&[("a", list(AttributeType::Bool))]);
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
    }

    #[test]
    fn texts_come_in_normal_form_and_sets_without_duplicates() {
        let of = map(set(AttributeType::String));
        let read = strict(&of, r#"{"e\u0301": ["e\u0301", "\u00e9"]}"#).unwrap();
        let expected = Value::Set(vec![Value::string("\u{e9}")]);
        assert_eq!(read, Value::Map(entries(&[("\u{e9}", expected)])));
    }

    #[test]
    fn nesting_has_a_limit() {
        let (of, value) = nested(MAX_DEPTH);
        let text = written(&value).to_string();
        assert_eq!(strict(&of, &text).unwrap(), value);
        let (of, _) = nested(MAX_DEPTH + 1);
        assert!(strict(&of, &format!("[{text}]")).is_err());
        assert!(lenient(&of, &"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again((of, value) in typed_value(false)) {
            let text = written(&value).to_string();
            for leniency in [Leniency::Strict, Leniency::Lenient] {
                prop_assert_eq!(decode(&of, text.as_bytes(), leniency).unwrap(), value.clone());
            }
        }

        #[test]
        fn errors_show_no_value((_, value) in typed_value(false), other in any_type()) {
            let json = written(&value);
            for leniency in [Leniency::Strict, Leniency::Lenient] {
                if let Err(error) = decode_value(&other, json.clone(), leniency) {
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
