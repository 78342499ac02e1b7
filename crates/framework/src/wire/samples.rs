//! Random types and values of them, for the tests of both codecs.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::{normalised, without_duplicates};
use crate::types::Type;
use crate::value::Value;

/// Occurs in every text of [`typed_value`], and must occur in no error.
pub(super) const SECRET: &str = "hunter2";

/// Any type, a few levels deep.
pub(super) fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        3 => Just(Type::String),
        1 => Just(Type::Bool),
        1 => Just(Type::Number),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|of| Type::List(Box::new(of))),
            inner.clone().prop_map(|of| Type::Set(Box::new(of))),
            inner.clone().prop_map(|of| Type::Map(Box::new(of))),
            btree_map("[a-d]", inner, 0..4).prop_map(Type::Object),
        ]
    })
}

/// A type and a value of it in normal form, perhaps with unknown parts.
pub(super) fn typed_value(unknowns: bool) -> impl Strategy<Value = (Type, Value)> {
    any_type().prop_flat_map(move |of| {
        let value = value(&of, unknowns);
        (Just(of), value)
    })
}

fn value(of: &Type, unknowns: bool) -> BoxedStrategy<Value> {
    let known = match of {
        Type::String => "[a-zäe\u{301}ﬁ\u{0}]{0,4}"
            .prop_map(|text| Value::String(normalised(&format!("{SECRET}{text}"))))
            .boxed(),
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => "-?[0-9]{1,25}(\\.[0-9]{1,25})?(e-?[0-9]{1,2})?"
            .prop_map(|text| Value::Number(text.parse().unwrap()))
            .boxed(),
        Type::List(element) => vec(value(element, unknowns), 0..4)
            .prop_map(Value::List)
            .boxed(),
        Type::Set(element) => {
            let element = element.clone();
            vec(value(&element, unknowns), 0..4)
                .prop_map(move |items| Value::Set(without_duplicates(&element, items).unwrap()))
                .boxed()
        }
        Type::Map(element) => btree_map("[a-zé]{0,3}", value(element, unknowns), 0..4)
            .prop_map(Value::Map)
            .boxed(),
        Type::Object(attributes) => attributes
            .iter()
            .map(|(name, attribute)| (Just(name.clone()), value(attribute, unknowns)))
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
pub(super) fn nested(levels: usize) -> (Type, Value) {
    (0..levels).fold((Type::Bool, Value::Null), |(of, value), _| {
        (Type::List(Box::new(of)), Value::List(vec![value]))
    })
}

/// An object type.
pub(super) fn object_type(attributes: &[(&str, Type)]) -> Type {
    Type::Object(
        attributes
            .iter()
            .map(|(name, of)| ((*name).to_owned(), of.clone()))
            .collect(),
    )
}

/// Entries of an object or map.
pub(super) fn entries(entries: &[(&str, Value)]) -> BTreeMap<String, Value> {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}
