//! The types of Terraform's values, as far as our schemas can express them.

use std::collections::BTreeMap;

use serde_json::json;

/// The type of a value on the wire.
///
/// Terraform's `dynamic` and `tuple` are missing on purpose: no schema of
/// ours can declare them (see [`super::schema::AttributeType`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// UTF-8 text, normalised to NFC by Terraform.
    String,
    /// `true` or `false`.
    Bool,
    /// A decimal number of any precision.
    Number,
    /// An ordered sequence.
    List(Box<Type>),
    /// An unordered collection without duplicates.
    Set(Box<Type>),
    /// String keys, values of one type.
    Map(Box<Type>),
    /// A fixed set of attributes; on the wire every one must be present.
    Object(BTreeMap<String, Type>),
}

impl Type {
    /// The type in Terraform's JSON notation, such as `["list","string"]`,
    /// as the protocol's schema messages carry it.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::String => json!("string"),
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<_, _> = attributes
                    .iter()
                    .map(|(name, attribute)| (name.clone(), attribute.to_json()))
                    .collect();
                json!(["object", attributes])
            }
        }
    }

    /// What a practitioner calls a value of this type, with its article.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Bool => "a bool",
            Self::Number => "a number",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_in_terraforms_notation() {
        let text = |of: &Type| of.to_json().to_string();
        assert_eq!(text(&Type::String), r#""string""#);
        assert_eq!(
            text(&Type::Map(Box::new(Type::Set(Box::new(Type::String))))),
            r#"["map",["set","string"]]"#
        );
        let object = Type::Object(BTreeMap::from([
            ("b".to_owned(), Type::List(Box::new(Type::Number))),
            ("a".to_owned(), Type::Bool),
        ]));
        assert_eq!(
            text(&object),
            r#"["object",{"a":"bool","b":["list","number"]}]"#
        );
    }
}
