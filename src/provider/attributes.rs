//! What the schemas of several kinds say in the same words.

use std::collections::BTreeMap;

#[cfg(test)]
use framework::schema::Schema;
use framework::schema::{Attribute, AttributeType};
#[cfg(test)]
use framework::value::Value;

/// A text.
pub(crate) const TEXT: AttributeType = AttributeType::String;

/// Several texts, in no order.
pub(crate) const TEXTS: AttributeType = AttributeType::Set(&TEXT);

/// A text.
pub(crate) const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute::string(name).describe(description)
}

/// A text that nobody configures ("computed").
pub(crate) const fn shown(name: &'static str, description: &'static str) -> Attribute {
    text(name, description).computed()
}

/// How long each operation of a resource may take.
pub(crate) const TIMEOUTS: Attribute = Attribute::timeouts(&[
    Attribute::create_timeout(),
    Attribute::read_timeout(),
    Attribute::update_timeout(),
    Attribute::delete_timeout(),
]);

/// The nested object `timeouts` of any kind: the framework reads it, and its
/// schema says which names there are.
pub(crate) type Timeouts = BTreeMap<String, Option<String>>;

/// An object of this schema with these attributes, the others null: what a test
/// plans or configures.
#[cfg(test)]
pub(crate) fn object_with(schema: &Schema, given: &[(&str, Value)]) -> Value {
    let all = schema.attributes.iter();
    let mut object: BTreeMap<String, Value> = all
        .map(|attribute| (attribute.name.to_owned(), Value::Null))
        .collect();
    for (name, value) in given {
        let earlier = object.insert((*name).to_owned(), value.clone());
        assert!(earlier.is_some(), "{name}");
    }
    Value::Object(object)
}
