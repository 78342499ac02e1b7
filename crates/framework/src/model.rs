//! Values as plain structs: what a resource works with instead of a
//! [`Value`].
//!
//! A model is a struct with `serde` derives whose fields are named like the
//! attributes of the schema. Optional and computed attributes are `Option`s;
//! null and unknown both read as `None`. Reading is directed by the struct,
//! writing by the [`AttributeType`], as for JSON of a state file but strictly, so a
//! model that lacks an attribute is an error at that attribute. [`check`] finds such
//! mistakes in a test.
//!
//! Errors name the attribute and never quote a value: a model can hold
//! secrets, also in fields that are not marked.

mod reader;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::{self, DeserializeOwned, Expected, Unexpected};

use super::diagnostics::{Diagnostic, Diagnostics};
use super::number::Number;
use super::path::Step;
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
    M::deserialize(reader::Reader::new(value))
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
/// can hold what the schema allows: objects with everything set, with as
/// little as possible, and with unknown values go through the model and come
/// back. A test calls it for every resource and its like.
///
/// # Errors
/// The first attribute that does not come back as it went in.
pub fn check<M: Serialize + DeserializeOwned>(schema: &Schema) -> Result<(), ValueError> {
    let there_and_back = |filling: Filling, expected: Filling| {
        let model: M = from_value(&sample_object(schema.attributes, filling))?;
        let back = to_value(&model, &schema.object_type())?;
        let expected = sample_object(schema.attributes, expected);
        let lost = schema
            .walk()
            .into_iter()
            .find(|(path, _)| !back.at(path).same(expected.at(path)));
        match lost {
            Some((path, _)) => Err(ValueError {
                path,
                ..ValueError::new("The model does not give back the value that it was given.")
            }),
            None => Ok(()),
        }
    };
    for choice in 0..most_choices(schema) {
        there_and_back(
            Filling::Everything { choice },
            Filling::Everything { choice },
        )?;
    }
    there_and_back(Filling::Nulls, Filling::Nulls)?;
    there_and_back(Filling::NullsInObjects, Filling::NullsInObjects)?;
    there_and_back(Filling::Unknowns, Filling::Nulls)
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
    /// With unknown.
    Unknowns,
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
            Filling::Unknowns if !required => Value::Unknown,
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
        AttributeType::Number => {
            let smallest = attribute.validators.iter().find_map(|rule| match rule {
                Validator::WholeNumber { min, .. } => Some(*min),
                _ => None,
            });
            Value::Number(Number::from(smallest.unwrap_or(1)))
        }
        AttributeType::List(element) => Value::List(vec![sample(attribute, element, filling)]),
        AttributeType::Set(element) => Value::Set(vec![sample(attribute, element, filling)]),
        AttributeType::Map(element) => Value::Map(BTreeMap::from([(
            "key".to_owned(),
            sample(attribute, element, filling),
        )])),
        AttributeType::Object(attributes) => sample_object(attributes, filling),
    }
}

/// A text that the validators accept, else one that no other attribute has.
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
            Validator::Duration => Some("1m0s"),
            Validator::Url => Some("https://example.com"),
            _ => None,
        })
        .unwrap_or(attribute.name)
}

impl ValueError {
    fn expected(what: &dyn fmt::Display) -> Self {
        Self::new(format!("The model expects {what} here."))
    }
}

/// Whatever `serde` or a model's own code says, what they quote is dropped.
impl de::Error for ValueError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new("The model does not accept this value.")
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&expected)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&expected)
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::expected(&expected)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!(
            "The model knows only these values: {}.",
            expected
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::new(format!("The model has no field `{field}`."))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("The value lacks this attribute of the model.")
            .within(Step::Attribute(field.into()))
    }
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
            "`name`: This is not known yet, and the model needs it."
        );
        assert_eq!(
            error("name", Value::Null),
            "`name`: This has no value, and the model needs one."
        );
        let inside = Value::List(vec![Value::string("a"), Value::Unknown]);
        assert_eq!(
            error("urls", inside),
            "`urls[1]`: This is not known yet, and the model needs it."
        );
        let labels = Value::Set(vec![Value::Null]);
        let labels = Value::Map(BTreeMap::from([("k".to_owned(), labels)]));
        assert_eq!(
            error("labels", labels),
            "`labels[\"k\"]`: This has no value, and the model needs one."
        );
        let inside = Value::Set(vec![Value::List(vec![Value::Null])]);
        let error = from_value::<Vec<Vec<String>>>(&inside).unwrap_err();
        assert!(error.path.is_root(), "elements of sets have no address");
        assert!(from_value::<Thing>(&Value::Null).is_err());
        assert!(from_value::<Thing>(&Value::Unknown).is_err());
    }

    #[test]
    fn errors_name_the_attribute_and_no_value() {
        for (name, value, expected) in [
            (
                "check",
                Value::string("hunter2"),
                "`check`: The model expects a bool here.",
            ),
            (
                "secret",
                Value::Bool(true),
                "`secret`: The model expects a string here.",
            ),
            (
                "attempts",
                number("4711"),
                "`attempts`: The model expects u8 here.",
            ),
            (
                "attempts",
                number("-1"),
                "`attempts`: The model expects a whole number, not negative, that fits 64 bits \
                 here.",
            ),
            (
                "attempts",
                Value::string("4711"),
                "`attempts`: The model expects a number here.",
            ),
            (
                "level",
                Value::string("hunter2"),
                "`level`: The model knows only these values: `subaccount`, `instance`.",
            ),
            (
                "urls",
                Value::string("hunter2"),
                "`urls`: The model expects a list or set here.",
            ),
            (
                "timeouts",
                Value::string("x"),
                "`timeouts`: The model expects an object here.",
            ),
            ("surplus", Value::Null, "The model has no field `surplus`."),
        ] {
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
    fn a_float_is_no_field_of_a_model() {
        let error = from_value::<f64>(&number("1")).unwrap_err();
        assert_eq!(error.message, "The model expects no float here.");
        assert!(from_value::<f32>(&number("0.5")).is_err());
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
            "`level`: This has no value, and the model needs one."
        );
        assert_eq!(
            broken::<OtherType>(),
            "`level`: The model expects a bool here."
        );
        assert_eq!(
            broken::<OtherValues>(),
            "`level`: The model knows only these values: `subaccount`, `instance`."
        );
        assert_eq!(
            broken::<Forgetful>(),
            "`level`: The model does not give back the value that it was given."
        );
    }
}
