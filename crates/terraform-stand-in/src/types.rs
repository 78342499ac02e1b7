//! Types, and the JSON they are written in on the wire.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value as Json, json};

/// The type of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    Bool,
    Number,
    String,
    /// Any type; the value says which.
    Dynamic,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
    Tuple(Vec<Type>),
    Object(BTreeMap<String, Type>),
}

impl Type {
    /// Reads `"string"`, `["map","number"]`, `["object",{"a":"bool"}]` and so on.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let json: Json =
            serde_json::from_slice(bytes).map_err(|e| format!("type is not JSON: {e}"))?;
        Self::from_json(&json)
    }

    fn from_json(json: &Json) -> Result<Self, String> {
        let wrong = || Err(format!("{json} is not a type"));
        match json {
            Json::String(name) => match name.as_str() {
                "bool" => Ok(Self::Bool),
                "number" => Ok(Self::Number),
                "string" => Ok(Self::String),
                "dynamic" => Ok(Self::Dynamic),
                _ => wrong(),
            },
            Json::Array(parts) => match parts.as_slice() {
                [Json::String(kind), element] if kind == "list" => {
                    Ok(Self::List(Box::new(Self::from_json(element)?)))
                }
                [Json::String(kind), element] if kind == "set" => {
                    Ok(Self::Set(Box::new(Self::from_json(element)?)))
                }
                [Json::String(kind), element] if kind == "map" => {
                    Ok(Self::Map(Box::new(Self::from_json(element)?)))
                }
                [Json::String(kind), Json::Array(types)] if kind == "tuple" => types
                    .iter()
                    .map(Self::from_json)
                    .collect::<Result<_, _>>()
                    .map(Self::Tuple),
                [Json::String(kind), Json::Object(types)] if kind == "object" => types
                    .iter()
                    .map(|(name, ty)| Ok((name.clone(), Self::from_json(ty)?)))
                    .collect::<Result<_, String>>()
                    .map(Self::Object),
                _ => wrong(),
            },
            _ => wrong(),
        }
    }

    /// The type as JSON; the reverse of [`Type::parse`].
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::String => json!("string"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Tuple(types) => {
                json!(["tuple", types.iter().map(Self::to_json).collect::<Vec<_>>()])
            }
            Self::Object(types) => {
                let types: serde_json::Map<_, _> = types
                    .iter()
                    .map(|(k, ty)| (k.clone(), ty.to_json()))
                    .collect();
                json!(["object", types])
            }
        }
    }

    /// The type that a literal in a configuration has.
    pub fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Dynamic,
            Json::Bool(_) => Self::Bool,
            Json::Number(_) => Self::Number,
            Json::String(_) => Self::String,
            Json::Array(list) => Self::Tuple(list.iter().map(Self::of_json).collect()),
            Json::Object(map) => Self::Object(
                map.iter()
                    .map(|(k, v)| (k.clone(), Self::of_json(v)))
                    .collect(),
            ),
        }
    }

    /// True when a part of the type is dynamic.
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(types) => types.iter().any(Self::has_dynamic),
            Self::Object(types) => types.values().any(Self::has_dynamic),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Dynamic => f.write_str("dynamic"),
            Self::List(element) => write!(f, "list of {element}"),
            Self::Set(element) => write!(f, "set of {element}"),
            Self::Map(element) => write!(f, "map of {element}"),
            Self::Tuple(_) => f.write_str("tuple"),
            Self::Object(_) => f.write_str("object"),
        }
    }
}
