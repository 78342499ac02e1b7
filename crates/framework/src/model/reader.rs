//! Reading: a `serde` deserializer over a [`Value`].

use std::collections::btree_map;

use serde::Deserializer;
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::number::Number;
use crate::path::Step;
use crate::value::Value;
use crate::value_error::ValueError;

/// Hands one value to the model.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de> {
    value: &'de Value,
}

impl<'de> Reader<'de> {
    pub(super) fn new(value: &'de Value) -> Self {
        Self { value }
    }

    /// What to say when the value is not what the model asks for.
    fn not(self, expected: &'static str) -> ValueError {
        match self.value {
            Value::Null => ValueError::new("This has no value, and the model needs one."),
            Value::Unknown => ValueError::new("This is not known yet, and the model needs it."),
            _ => ValueError::expected(&expected),
        }
    }

    fn bool(self) -> Result<bool, ValueError> {
        self.value.as_bool().ok_or_else(|| self.not("a bool"))
    }

    fn text(self) -> Result<&'de str, ValueError> {
        self.value.as_str().ok_or_else(|| self.not("a string"))
    }

    fn number(self) -> Result<&'de Number, ValueError> {
        match self.value {
            Value::Number(number) => Ok(number),
            _ => Err(self.not("a number")),
        }
    }

    fn signed(self) -> Result<i64, ValueError> {
        self.number()?
            .as_i64()
            .ok_or_else(|| ValueError::expected(&"a whole number that fits 64 bits"))
    }

    fn unsigned(self) -> Result<u64, ValueError> {
        self.number()?
            .as_u64()
            .ok_or_else(|| ValueError::expected(&"a whole number, not negative, that fits 64 bits"))
    }
}

macro_rules! simple {
    ($($method:ident: $read:ident $visit:ident,)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            visitor.$visit(self.$read()?)
        })+
    };
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Null | Value::Unknown => visitor.visit_none(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => visitor.visit_i64(whole),
                None => visitor.visit_borrowed_str(number.as_str()),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::List(_) | Value::Set(_) => self.deserialize_seq(visitor),
            Value::Map(_) | Value::Object(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Null | Value::Unknown => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    simple!(
        deserialize_bool: bool visit_bool,
        deserialize_i8: signed visit_i64,
        deserialize_i16: signed visit_i64,
        deserialize_i32: signed visit_i64,
        deserialize_i64: signed visit_i64,
        deserialize_u8: unsigned visit_u64,
        deserialize_u16: unsigned visit_u64,
        deserialize_u32: unsigned visit_u64,
        deserialize_u64: unsigned visit_u64,
        deserialize_str: text visit_borrowed_str,
        deserialize_string: text visit_borrowed_str,
    );

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    /// A float has not the digits that a person wrote.
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ValueError> {
        Err(self.not("no float"))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::List(items) => visitor.visit_seq(Items {
                rest: items.iter().enumerate(),
                addressed: true,
            }),
            Value::Set(items) => visitor.visit_seq(Items {
                rest: items.iter().enumerate(),
                addressed: false,
            }),
            _ => Err(self.not("a list or set")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Map(entries) => visitor.visit_map(Entries {
                rest: entries.iter(),
                current: None,
                step: |key| Step::Key(key.to_owned()),
            }),
            Value::Object(_) => self.deserialize_struct("", &[], visitor),
            _ => Err(self.not("a map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Object(entries) => visitor.visit_map(Entries {
                rest: entries.iter(),
                current: None,
                step: |name| Step::Attribute(name.to_owned().into()),
            }),
            _ => Err(self.not("an object")),
        }
    }

    /// The values of an enum are texts; variants hold nothing.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(StrDeserializer::new(self.text()?))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

/// The elements of a list or set.
struct Items<'de> {
    rest: std::iter::Enumerate<std::slice::Iter<'de, Value>>,
    /// Whether an element has an address that an error can name.
    addressed: bool,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ValueError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ValueError> {
        let Some((index, value)) = self.rest.next() else {
            return Ok(None);
        };
        seed.deserialize(Reader::new(value))
            .map(Some)
            .map_err(|error| {
                if self.addressed {
                    error.within(Step::Index(index))
                } else {
                    error.within_set()
                }
            })
    }
}

/// The entries of a map or object.
struct Entries<'de> {
    rest: btree_map::Iter<'de, String, Value>,
    /// The entry whose key is read and whose value is not.
    current: Option<(&'de str, &'de Value)>,
    /// What an entry is called in a path.
    step: fn(&str) -> Step,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ValueError> {
        self.current = self.rest.next().map(|(key, value)| (key.as_str(), value));
        match self.current {
            Some((key, _)) => seed
                .deserialize(BorrowedStrDeserializer::new(key))
                .map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ValueError> {
        let Some((key, value)) = self.current.take() else {
            return Err(ValueError::new(
                "The model asks for a value before its key.",
            ));
        };
        seed.deserialize(Reader::new(value))
            .map_err(|error| error.within((self.step)(key)))
    }
}
