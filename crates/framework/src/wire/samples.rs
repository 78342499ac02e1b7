//! Random types and values of them, for the tests of both codecs.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::normalised;
use crate::schema::{Attribute, AttributeType};
use crate::value::Value;

/// Occurs in every text of [`typed_value`], and must occur in no error.
pub(super) const SECRET: &str = "hunter2";

/// Any type, a few levels deep.
pub(super) fn any_type() -> impl Strategy<Value = AttributeType> {
    let leaf = prop_oneof![
        3 => Just(AttributeType::String),
        1 => Just(AttributeType::Bool),
        1 => Just(AttributeType::Number),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(list),
            inner.clone().prop_map(set),
            inner.clone().prop_map(map),
            btree_map("[a-d]", inner, 0..4).prop_map(|attributes| {
                let attributes: Vec<_> = attributes
                    .iter()
                    .map(|(name, of)| (name.as_str(), *of))
                    .collect();
                object_type(&attributes)
            }),
        ]
    })
}

/// A type and a value of it in normal form, perhaps with unknown parts.
pub(super) fn typed_value(unknowns: bool) -> impl Strategy<Value = (AttributeType, Value)> {
    any_type().prop_flat_map(move |of| {
        let value = value(&of, unknowns);
        (Just(of), value)
    })
}

fn value(of: &AttributeType, unknowns: bool) -> BoxedStrategy<Value> {
    let known = match of {
        AttributeType::String => "[a-zäe\u{301}ﬁ\u{0}]{0,4}"
            .prop_map(|text| Value::String(normalised(format!("{SECRET}{text}"))))
            .boxed(),
        AttributeType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        AttributeType::Number => "-?[0-9]{1,25}(\\.[0-9]{1,25})?(e-?[0-9]{1,2})?"
            .prop_map(|text| Value::Number(text.parse().unwrap()))
            .boxed(),
        AttributeType::List(element) => vec(value(element, unknowns), 0..4)
            .prop_map(Value::List)
            .boxed(),
        AttributeType::Set(element) => vec(value(element, unknowns), 0..4)
            .prop_map(Value::set)
            .boxed(),
        AttributeType::Map(element) => btree_map("[a-zé]{0,3}", value(element, unknowns), 0..4)
            .prop_map(Value::Map)
            .boxed(),
        AttributeType::Object(attributes) => attributes
            .iter()
            .map(|attribute| {
                let name = Just(attribute.name.to_owned());
                (name, value(&attribute.kind, unknowns))
            })
            .collect::<Vec<_>>()
            .prop_map(|entries| Value::Object(entries.into_iter().collect()))
            .boxed(),
    };
    let unknown = if unknowns {
        Value::Unknown
    } else {
        Value::Null
    };
    prop_oneof![8 => known, 1 => Just(Value::Null), 1 => Just(unknown)].boxed()
}

/// A list in a list in a list …, and the type of it.
pub(super) fn nested(levels: usize) -> (AttributeType, Value) {
    (0..levels).fold((AttributeType::Bool, Value::Null), |(of, value), _| {
        (list(of), Value::List(vec![value]))
    })
}

/// A type as a static. The few that tests make may stay in memory.
fn fixed(of: AttributeType) -> &'static AttributeType {
    Box::leak(Box::new(of))
}

/// A list type.
pub(super) fn list(of: AttributeType) -> AttributeType {
    AttributeType::List(fixed(of))
}

/// A set type.
pub(super) fn set(of: AttributeType) -> AttributeType {
    AttributeType::Set(fixed(of))
}

/// A map type.
pub(super) fn map(of: AttributeType) -> AttributeType {
    AttributeType::Map(fixed(of))
}

/// An object type.
pub(super) fn object_type(attributes: &[(&str, AttributeType)]) -> AttributeType {
    let attributes: Vec<_> = attributes
        .iter()
        .map(|(name, of)| Attribute::new(name.to_string().leak(), *of))
        .collect();
    AttributeType::Object(attributes.leak())
}

/// Entries of an object or map.
pub(super) fn entries(entries: &[(&str, Value)]) -> BTreeMap<String, Value> {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}
