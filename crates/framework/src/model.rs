//! Values as plain structs: what a resource works with instead of a
//! [`Value`].
//!
//! A model is a struct with `serde` derives whose fields are named like the
//! attributes of the schema. Optional and computed attributes are `Option`s;
//! null and unknown both read as `None`. Both ways lead through JSON. Reading is
//! directed by the struct, writing by the [`AttributeType`], as for JSON of a state
//! file but strictly, so a model that lacks an attribute is an error at that
//! attribute. [`check`] finds such mistakes in a test.
//!
//! Errors name the attribute and never quote a value: a model can hold
//! secrets, also in fields that are not marked.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_path_to_error::Segment;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::number::Number;
use super::path::Path;
use super::schema::{Attribute, AttributeType, Mode, Schema};
use super::validators::Validator;
use super::value::Value;
use super::value_error::ValueError;
use super::wire::json::{self, Leniency};

/// Reads a model from a known object.
///
/// # Errors
/// The first attribute that the model cannot take, such as a null for a field
/// that is no `Option`, or a number beyond the type of its field.
pub fn from_value<M: DeserializeOwned>(value: &Value) -> Result<M, ValueError> {
    serde_path_to_error::deserialize(to_json(value))
        .map_err(|error| refused(value, error.path().iter()))
}

/// A value as JSON, which has no word for the unknown.
fn to_json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Unknown => Json::Null,
        Value::Bool(value) => (*value).into(),
        // Every decimal text is a number of JSON.
        Value::Number(number) => number.as_str().parse().map_or(Json::Null, Json::Number),
        Value::String(text) => text.as_str().into(),
        Value::List(items) | Value::Set(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) | Value::Object(entries) => {
            let entries = entries.iter();
            entries
                .map(|(key, entry)| (key.clone(), to_json(entry)))
                .collect()
        }
    }
}

/// The error of a model that does not take what is at the address of `segments`.
/// Whatever `serde` or the model's own code says is dropped: it can quote a value.
fn refused<'a>(value: &Value, segments: impl Iterator<Item = &'a Segment>) -> ValueError {
    let mut path = Path::root();
    for segment in segments {
        path = match (value.at(&path), segment) {
            (Value::List(_), Segment::Seq { index }) => path.index(*index),
            (Value::Map(_), Segment::Map { key }) => path.key(key),
            (Value::Object(_), Segment::Map { key }) => path.then(key.clone()),
            _ => break,
        };
    }
    let message = match value.at(&path) {
        Value::Null => "The model needs a value here, and there is none.",
        Value::Unknown => "The model needs a value here, and it is not known yet.",
        _ => "The model does not accept this value.",
    };
    ValueError {
        path,
        ..ValueError::new(message)
    }
}

/// Writes a model as a value of exactly the given type: every attribute is
/// there, `None` is null, texts are in normalisation form C, and the elements
/// of sets are distinct.
///
/// # Errors
/// The first attribute where model and type disagree.
pub fn to_value<M: Serialize + ?Sized>(
    model: &M,
    expected: &AttributeType,
) -> Result<Value, ValueError> {
    let json = serde_json::to_value(model)
        .map_err(|_| ValueError::new("The model cannot be written as JSON."))?;
    json::decode_value(expected, json, Leniency::Strict)
}

/// The report of a value that fits the schema and not the model: a bug, of the
/// model.
pub(super) fn misfit(error: ValueError) -> Diagnostics {
    Diagnostic::error(
        "Model does not fit its schema",
        format!("{error} This is a bug in the provider: report it."),
    )
    .at(error.path)
    .into()
}

/// Whether the model has exactly the attributes of the schema, in types that
/// can hold what the schema allows: objects with everything set and with as
/// little as possible go through the model and come back. A test calls it for
/// every resource and its like.
///
/// # Errors
/// The first attribute that does not come back as it went in.
pub fn check<M: Serialize + DeserializeOwned>(schema: &Schema) -> Result<(), ValueError> {
    let there_and_back = |filling: Filling| {
        let sample = sample_object(schema.attributes, filling);
        let model: M = from_value(&sample)?;
        let back = to_value(&model, &schema.object_type())?;
        let lost = schema
            .walk()
            .into_iter()
            .find(|(path, _)| !back.at(path).same(sample.at(path)));
        match lost {
            Some((path, _)) => Err(ValueError {
                path,
                ..ValueError::new("The model does not give back the value that it was given.")
            }),
            None => Ok(()),
        }
    };
    for choice in 0..most_choices(schema) {
        there_and_back(Filling::Everything { choice })?;
    }
    there_and_back(Filling::Nulls)?;
    there_and_back(Filling::NullsInObjects)
}

/// How [`check`] fills what is not required.
#[derive(Clone, Copy)]
enum Filling {
    /// With a value; where several are allowed, this one of them.
    Everything { choice: usize },
    /// With null.
    Nulls,
    /// With null, but nested objects are there.
    NullsInObjects,
}

/// The largest number of values that an attribute allows by name, at least 1.
fn most_choices(schema: &Schema) -> usize {
    schema
        .walk()
        .iter()
        .flat_map(|(_, attribute)| attribute.validators)
        .map(|validator| match validator {
            Validator::OneOf(allowed) => allowed.len(),
            _ => 1,
        })
        .fold(1, usize::max)
}

fn sample_object(attributes: &[Attribute], filling: Filling) -> Value {
    let entries = attributes.iter().map(|attribute| {
        let required = attribute.mode == Mode::Required;
        let is_object = matches!(attribute.kind, AttributeType::Object(_));
        let value = match filling {
            Filling::Nulls if !required => Value::Null,
            Filling::NullsInObjects if !required && !is_object => Value::Null,
            _ => sample(attribute, &attribute.kind, filling),
        };
        (attribute.name.to_owned(), value)
    });
    Value::Object(entries.collect())
}

fn sample(attribute: &Attribute, kind: &AttributeType, filling: Filling) -> Value {
    match kind {
        AttributeType::String => Value::string(sample_text(attribute, filling)),
        AttributeType::Bool => Value::Bool(true),
        AttributeType::Number => Value::Number(Number::from(1_i64)),
        AttributeType::List(element) => Value::List(vec![sample(attribute, element, filling)]),
        AttributeType::Set(element) => Value::Set(vec![sample(attribute, element, filling)]),
        AttributeType::Map(element) => Value::Map(BTreeMap::from([(
            "key".to_owned(),
            sample(attribute, element, filling),
        )])),
        AttributeType::Object(attributes) => sample_object(attributes, filling),
    }
}

/// One of the texts that are allowed by name, else one that no other attribute has.
fn sample_text(attribute: &Attribute, filling: Filling) -> &'static str {
    let choice = match filling {
        Filling::Everything { choice } => choice,
        _ => 0,
    };
    attribute
        .validators
        .iter()
        .find_map(|rule| match rule {
            Validator::OneOf(allowed) => allowed.get(choice % allowed.len().max(1)).copied(),
            _ => None,
        })
        .unwrap_or(attribute.name)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::sensitive::Sensitive;

    static TEXT: AttributeType = AttributeType::String;
    static TEXTS: AttributeType = AttributeType::Set(&TEXT);
    static THING: Schema = Schema::new(
        0,
        "A thing.",
        &[
            Attribute::string("name").required().describe("Its name."),
            Attribute::string("level")
                .validate(&[Validator::OneOf(&["subaccount", "instance"])])
                .describe("Its level."),
            Attribute::string("secret")
                .sensitive()
                .describe("Its secret."),
            Attribute::bool("check").describe("Whether to look."),
            Attribute::number("attempts")
                .validate(&[Validator::WholeNumber { min: 0, max: 9 }])
                .describe("How often."),
            Attribute::list("urls", &TEXT).describe("Its places."),
            Attribute::map("labels", &TEXTS).describe("Its labels."),
            Attribute::timeouts(&[Attribute::create_timeout(), Attribute::delete_timeout()]),
            Attribute::string("id").computed().describe("Its id."),
        ],
    );

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Level {
        Subaccount,
        Instance,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Timeouts {
        create: Option<String>,
        delete: Option<String>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        name: String,
        level: Option<Level>,
        secret: Option<Sensitive>,
        check: Option<bool>,
        attempts: Option<u8>,
        urls: Option<Vec<String>>,
        labels: Option<BTreeMap<String, Vec<String>>>,
        timeouts: Option<Timeouts>,
        id: Option<String>,
    }

    fn thing(changes: &[(&str, Value)]) -> Value {
        let Value::Object(mut entries) = sample_object(THING.attributes, Filling::Nulls) else {
            unreachable!("a sample of an object is an object");
        };
        for (name, value) in changes {
            entries.insert((*name).to_owned(), value.clone());
        }
        Value::Object(entries)
    }

    fn error(name: &str, value: Value) -> String {
        let value = thing(&[(name, value)]);
        from_value::<Thing>(&value).unwrap_err().to_string()
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    #[test]
    fn a_model_goes_there_and_back() {
        check::<Thing>(&THING).unwrap();
        let texts = |texts: &[&str]| texts.iter().map(|text| Value::string(*text)).collect();
        let value = thing(&[
            ("name", Value::string("CloudALM")),
            ("level", Value::string("instance")),
            ("secret", Value::string("hunter2")),
            ("check", Value::Bool(false)),
            ("attempts", number("3")),
            ("urls", Value::List(texts(&["b", "a", "b"]))),
            (
                "labels",
                Value::Map(BTreeMap::from([(
                    "k".to_owned(),
                    Value::Set(texts(&["b", "a"])),
                )])),
            ),
        ]);
        let model: Thing = from_value(&value).unwrap();
        assert_eq!(model.level, Some(Level::Instance));
        assert_eq!(model.secret, Some(Sensitive::from("hunter2")));
        assert_eq!(model.timeouts, None);
        assert_eq!(to_value(&model, &THING.object_type()).unwrap(), value);
    }

    #[test]
    fn unknown_and_null_read_as_none_where_that_is_possible() {
        let model: Thing = from_value(&thing(&[
            ("id", Value::Unknown),
            ("timeouts", Value::Unknown),
            ("labels", Value::Unknown),
        ]))
        .unwrap();
        assert_eq!((model.id, model.timeouts, model.labels), (None, None, None));
        assert_eq!(
            error("name", Value::Unknown),
            "`name`: The model needs a value here, and it is not known yet."
        );
        assert_eq!(
            error("name", Value::Null),
            "`name`: The model needs a value here, and there is none."
        );
        let inside = Value::List(vec![Value::string("a"), Value::Unknown]);
        assert_eq!(
            error("urls", inside),
            "`urls[1]`: The model needs a value here, and it is not known yet."
        );
        let labels = Value::Set(vec![Value::Null]);
        let labels = Value::Map(BTreeMap::from([("k".to_owned(), labels)]));
        assert_eq!(
            error("labels", labels),
            "`labels[\"k\"]`: The model does not accept this value."
        );
        let inside = Value::Set(vec![Value::List(vec![Value::Null])]);
        let error = from_value::<Vec<Vec<String>>>(&inside).unwrap_err();
        assert!(error.path.is_root(), "elements of sets have no address");
        assert!(from_value::<Thing>(&Value::Null).is_err());
        assert!(from_value::<Thing>(&Value::Unknown).is_err());
    }

    #[test]
    fn errors_name_the_attribute_and_no_value() {
        for (name, value) in [
            ("check", Value::string("hunter2")),
            ("secret", Value::Bool(true)),
            ("attempts", number("4711")),
            ("attempts", number("-1")),
            ("attempts", number("0.5")),
            ("attempts", Value::string("4711")),
            ("level", Value::string("hunter2")),
            ("urls", Value::string("hunter2")),
            ("timeouts", Value::string("x")),
            ("surplus", Value::Bool(true)),
        ] {
            let expected = format!("`{name}`: The model does not accept this value.");
            assert_eq!(error(name, value), expected);
        }
    }

    #[test]
    fn what_the_models_own_code_says_is_not_repeated() {
        #[derive(Debug, Deserialize)]
        #[serde(try_from = "String")]
        struct Picky;

        impl TryFrom<String> for Picky {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                Err(format!("bad: {text}"))
            }
        }

        let error = from_value::<Picky>(&Value::string("hunter2")).unwrap_err();
        assert_eq!(error.message, "The model does not accept this value.");
    }

    #[test]
    fn writing_follows_the_type() {
        let set = TEXTS;
        let written = to_value(&["b", "e\u{301}", "b", "\u{e9}"][..], &set).unwrap();
        let expected = vec![Value::string("b"), Value::string("\u{e9}")];
        assert_eq!(written, Value::Set(expected));
        let error = |result: Result<Value, ValueError>| result.unwrap_err().to_string();
        assert_eq!(
            error(to_value(&true, &AttributeType::Number)),
            "This must be a number, and the data holds something else."
        );
        assert!(!error(to_value("hunter2", &AttributeType::Number)).contains("hunter2"));
        assert_eq!(
            error(to_value(&[1][..], &set)),
            "This must be a string, and the data holds something else."
        );
        let list = AttributeType::List(&TEXT);
        assert_eq!(
            error(to_value(&[Some(1)][..], &list)),
            "`[0]`: This must be a string, and the data holds something else."
        );
        assert_eq!(
            to_value(&u64::MAX, &AttributeType::Number).unwrap(),
            number("18446744073709551615")
        );
        assert_eq!(to_value(&None::<bool>, &set).unwrap(), Value::Null);
        assert!(to_value(&1, &AttributeType::String).is_err());
        assert!(to_value(&BTreeMap::from([("a", 1)]), &set).is_err());
    }

    #[test]
    fn a_flattened_model_is_an_object() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Flat {
            name: String,
            #[serde(flatten)]
            rest: Rest,
        }
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Rest {
            size: Option<i64>,
            text: Option<String>,
        }
        static FLAT: Schema = Schema::new(
            0,
            "A flat thing.",
            &[
                Attribute::string("name").required().describe("Its name."),
                Attribute::number("size").describe("Its size."),
                Attribute::string("text").describe("Its text."),
            ],
        );
        check::<Flat>(&FLAT).unwrap();
    }

    #[test]
    fn a_check_finds_what_does_not_fit_the_schema() {
        static SMALL: Schema = Schema::new(
            0,
            "A small thing.",
            &[
                Attribute::string("name").required().describe("Its name."),
                Attribute::string("level")
                    .validate(&[Validator::OneOf(&["subaccount", "instance", "global"])])
                    .describe("Its level."),
            ],
        );
        fn broken<M: Serialize + DeserializeOwned>() -> String {
            check::<M>(&SMALL).unwrap_err().to_string()
        }

        #[derive(Serialize, Deserialize)]
        struct Lacking {
            name: String,
        }

        #[derive(Serialize, Deserialize)]
        struct Surplus {
            name: String,
            level: Option<String>,
            size: Option<i64>,
        }

        #[derive(Serialize, Deserialize)]
        struct Demanding {
            name: String,
            level: String,
        }

        #[derive(Serialize, Deserialize)]
        struct OtherType {
            name: String,
            level: Option<bool>,
        }

        #[derive(Serialize, Deserialize)]
        struct OtherValues {
            name: String,
            level: Option<Level>,
        }

        #[derive(Serialize, Deserialize)]
        struct Forgetful {
            name: String,
            #[serde(skip_deserializing)]
            level: Option<String>,
        }

        assert_eq!(
            broken::<Lacking>(),
            "`level`: The data lacks this attribute."
        );
        assert_eq!(
            broken::<Surplus>(),
            "The data has the attribute `size`, and the schema does not."
        );
        assert_eq!(
            broken::<Demanding>(),
            "`level`: The model needs a value here, and there is none."
        );
        assert_eq!(
            broken::<OtherType>(),
            "`level`: The model does not accept this value."
        );
        assert_eq!(
            broken::<OtherValues>(),
            "`level`: The model does not accept this value."
        );
        assert_eq!(
            broken::<Forgetful>(),
            "`level`: The model does not give back the value that it was given."
        );
    }
}
