//! Writing: a `serde` serializer to a [`Value`], directed by an [`AttributeType`].

use std::collections::BTreeMap;

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use crate::number::{self, Number};
use crate::path::Step;
use crate::schema::{Attribute, AttributeType, find};
use crate::value::Value;
use crate::value_error::ValueError;
use crate::wire;

/// Takes one value from the model.
#[derive(Clone, Copy)]
pub(super) struct Writer<'t> {
    expected: &'t AttributeType,
}

impl<'t> Writer<'t> {
    pub(super) fn new(expected: &'t AttributeType) -> Self {
        Self { expected }
    }

    fn mismatch(self) -> ValueError {
        ValueError::new(format!(
            "The schema expects {} here, and the model gives something else.",
            self.expected.noun()
        ))
    }

    fn number(self, number: Number) -> Result<Value, ValueError> {
        match self.expected {
            AttributeType::Number => Ok(Value::Number(number)),
            _ => Err(self.mismatch()),
        }
    }
}

type Unsupported = Impossible<Value, ValueError>;

macro_rules! whole_numbers {
    ($($method:ident: $of:ty,)+) => {
        $(fn $method(self, value: $of) -> Result<Value, ValueError> {
            self.number(i128::from(value).into())
        })+
    };
}

impl<'t> Serializer for Writer<'t> {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Items<'t>;
    type SerializeTuple = Unsupported;
    type SerializeTupleStruct = Unsupported;
    type SerializeTupleVariant = Unsupported;
    type SerializeMap = Entries<'t>;
    type SerializeStruct = Entries<'t>;
    type SerializeStructVariant = Unsupported;

    fn serialize_bool(self, value: bool) -> Result<Value, ValueError> {
        match self.expected {
            AttributeType::Bool => Ok(Value::Bool(value)),
            _ => Err(self.mismatch()),
        }
    }

    whole_numbers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
    );

    /// A float has not the digits that a person wrote: a model has a [`Number`].
    fn serialize_f32(self, _: f32) -> Result<Value, ValueError> {
        Err(self.mismatch())
    }

    fn serialize_f64(self, _: f64) -> Result<Value, ValueError> {
        Err(self.mismatch())
    }

    fn serialize_char(self, value: char) -> Result<Value, ValueError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<Value, ValueError> {
        match self.expected {
            AttributeType::String => Ok(Value::String(wire::normalised(text))),
            _ => Err(self.mismatch()),
        }
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Value, ValueError> {
        Err(self.mismatch())
    }

    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, ValueError> {
        Err(self.mismatch())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, ValueError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        if name != number::NEWTYPE {
            return value.serialize(self);
        }
        match text(value)?.parse() {
            Ok(number) => self.number(number),
            Err(_) => Err(self.mismatch()),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Value, ValueError> {
        Err(self.mismatch())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'t>, ValueError> {
        let (element, is_set) = match self.expected {
            AttributeType::List(element) => (element, false),
            AttributeType::Set(element) => (element, true),
            _ => return Err(self.mismatch()),
        };
        Ok(Items {
            element,
            is_set,
            collected: Vec::new(),
        })
    }

    fn serialize_tuple(self, _: usize) -> Result<Unsupported, ValueError> {
        Err(self.mismatch())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Unsupported, ValueError> {
        Err(self.mismatch())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Unsupported, ValueError> {
        Err(self.mismatch())
    }

    /// A map, or a struct with `#[serde(flatten)]`.
    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'t>, ValueError> {
        match self.expected {
            AttributeType::Map(element) => Ok(Entries::new(Shape::Map(element))),
            AttributeType::Object(attributes) => Ok(Entries::new(Shape::Object(attributes))),
            _ => Err(self.mismatch()),
        }
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries<'t>, ValueError> {
        match self.expected {
            AttributeType::Object(attributes) => Ok(Entries::new(Shape::Object(attributes))),
            _ => Err(self.mismatch()),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Unsupported, ValueError> {
        Err(self.mismatch())
    }
}

/// The text that a key or a number consists of.
fn text<T: Serialize + ?Sized>(value: &T) -> Result<String, ValueError> {
    let writer = Writer::new(&AttributeType::String);
    match value.serialize(writer)? {
        Value::String(text) => Ok(text),
        _ => Err(writer.mismatch()),
    }
}

/// The elements of a list or set so far.
pub(super) struct Items<'t> {
    element: &'t AttributeType,
    is_set: bool,
    collected: Vec<Value>,
}

impl SerializeSeq for Items<'_> {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let item = value
            .serialize(Writer::new(self.element))
            .map_err(|error| {
                if self.is_set {
                    error.within_set()
                } else {
                    error.within(Step::Index(self.collected.len()))
                }
            })?;
        self.collected.push(item);
        Ok(())
    }

    fn end(self) -> Result<Value, ValueError> {
        if self.is_set {
            let items = wire::without_duplicates(self.element, self.collected)?;
            Ok(Value::Set(items))
        } else {
            Ok(Value::List(self.collected))
        }
    }
}

/// What a map or object is made of.
#[derive(Clone, Copy)]
enum Shape<'t> {
    Map(&'t AttributeType),
    Object(&'t [Attribute]),
}

/// The entries of a map or object so far.
pub(super) struct Entries<'t> {
    shape: Shape<'t>,
    collected: BTreeMap<String, Value>,
    /// The key of an entry whose value is still to come.
    key: String,
}

impl<'t> Entries<'t> {
    fn new(shape: Shape<'t>) -> Self {
        Self {
            shape,
            collected: BTreeMap::new(),
            key: String::new(),
        }
    }

    fn add<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), ValueError> {
        let expected = match self.shape {
            Shape::Map(element) => element,
            Shape::Object(attributes) => match find(attributes, &key) {
                Some(attribute) => &attribute.kind,
                None => {
                    return Err(ValueError::new(format!(
                        "The model has the field `{key}`, and the schema has no such attribute."
                    )));
                }
            },
        };
        match value.serialize(Writer::new(expected)) {
            Ok(value) => {
                self.collected.insert(key, value);
                Ok(())
            }
            Err(error) => Err(error.within(match self.shape {
                Shape::Map(_) => Step::Key(key),
                Shape::Object(_) => Step::Attribute(key.into()),
            })),
        }
    }

    fn finish(self) -> Result<Value, ValueError> {
        let Shape::Object(attributes) = self.shape else {
            return Ok(Value::Map(self.collected));
        };
        let mut names = attributes.iter().map(|attribute| attribute.name);
        match names.find(|name| !self.collected.contains_key(*name)) {
            Some(name) => Err(ValueError::new("The model lacks this attribute.")
                .within(Step::Attribute(name.to_owned().into()))),
            None => Ok(Value::Object(self.collected)),
        }
    }
}

impl SerializeMap for Entries<'_> {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.key = text(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = std::mem::take(&mut self.key);
        self.add(key, value)
    }

    fn end(self) -> Result<Value, ValueError> {
        self.finish()
    }
}

impl SerializeStruct for Entries<'_> {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), ValueError> {
        self.add(name.to_owned(), value)
    }

    fn end(self) -> Result<Value, ValueError> {
        self.finish()
    }
}
