//! Values as plain structs: what a resource works with instead of a
//! [`Value`].
//!
//! A model is a struct with `serde` derives whose fields are named like the
//! attributes of the schema. Optional and computed attributes are `Option`s;
//! null and unknown both read as `None`. Reading is directed by the struct,
//! writing by the [`Type`], so a model that lacks an attribute is an error at
//! that attribute. [`check`] finds such mistakes in a test.
//!
//! Errors name the attribute and never quote a value: a model can hold
//! secrets, also in fields that are not marked.

mod reader;
mod writer;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::{self, DeserializeOwned, Expected, Unexpected};
use serde::ser;

use super::number::Number;
use super::path::{Path, Step};
use super::schema::{Attribute, AttributeType, Mode, Schema};
use super::types::Type;
use super::validators::Validator;
use super::value::Value;
use super::wire::WireError;

/// Why a value and a model do not fit each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelError {
    /// The attribute to blame. The path ends at a set, whose elements have no
    /// address.
    pub path: Path,
    /// What is wrong with it, as a sentence without values.
    pub message: Cow<'static, str>,
}

/// Reads a model from a known object.
///
/// # Errors
/// The first attribute that the model cannot take, such as a null for a field
/// that is no `Option`, or a number beyond the type of its field.
pub fn from_value<M: DeserializeOwned>(value: &Value) -> Result<M, ModelError> {
    M::deserialize(reader::Reader::new(value))
}

/// Writes a model as a value of exactly the given type: every attribute is
/// there, `None` is null, texts are in normalisation form C, and the elements
/// of sets are distinct.
///
/// # Errors
/// The first attribute where model and type disagree.
pub fn to_value<M: Serialize + ?Sized>(model: &M, expected: &Type) -> Result<Value, ModelError> {
    model.serialize(writer::Writer::new(expected))
}

/// Whether the model has exactly the attributes of the schema, in types that
/// can hold what the schema allows: objects with everything set, with as
/// little as possible, and with unknown values go through the model and come
/// back. A test calls it for every resource.
///
/// # Errors
/// The first attribute that does not come back as it went in.
pub fn check<M: Serialize + DeserializeOwned>(schema: &Schema) -> Result<(), ModelError> {
    let there_and_back = |filling: Filling, expected: Filling| {
        let model: M = from_value(&sample_object(schema.attributes, filling))?;
        let back = to_value(&model, &schema.object_type())?;
        let expected = sample_object(schema.attributes, expected);
        let lost = schema
            .walk()
            .into_iter()
            .find(|(path, _)| !back.at(path).same(expected.at(path)));
        match lost {
            Some((path, _)) => Err(ModelError {
                path,
                message: "The model does not give back the value that it was given.".into(),
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
            Validator::Json => Some("{}"),
            _ => None,
        })
        .unwrap_or(attribute.name)
}

impl ModelError {
    fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: Path::root(),
            message: message.into(),
        }
    }

    /// The same error, seen from one step further outside.
    fn within(mut self, step: Step) -> Self {
        self.path = self.path.within(step);
        self
    }

    /// The same error, seen from the set that contains the blamed element.
    fn within_set(mut self) -> Self {
        self.path = Path::root();
        self
    }

    fn expected(what: &dyn fmt::Display) -> Self {
        Self::new(format!("The model expects {what} here."))
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_root() {
            f.write_str(&self.message)
        } else {
            write!(f, "`{}`: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ModelError {}

impl From<WireError> for ModelError {
    fn from(error: WireError) -> Self {
        Self {
            path: error.path,
            message: error.message,
        }
    }
}

/// Whatever `serde` or a model's own code says, what they quote is dropped.
impl de::Error for ModelError {
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

impl ser::Error for ModelError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new("The model cannot be written.")
    }
}
