//! Values as Terraform core sees them: null, unknown, or data.
//!
//! This is a second value model, on purpose: it shares nothing with the
//! provider's own, so that a mistake there cannot hide here.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization;

use super::number::Number;
use super::types::Type;

/// In a configuration written as JSON: a value that is not known yet.
pub const UNKNOWN: &str = "\u{0}unknown";

/// [`UNKNOWN`] as JSON, for use inside `json!`.
pub fn unknown() -> Json {
    Json::String(UNKNOWN.to_owned())
}

/// A value of any type. Sets are kept sorted, so that equal sets are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Val {
    Null,
    Unknown,
    Bool(bool),
    Number(Number),
    String(String),
    List(Vec<Val>),
    Set(Vec<Val>),
    Map(BTreeMap<String, Val>),
    Object(BTreeMap<String, Val>),
}

impl Val {
    /// A string, in the normal form C that core gives to all strings.
    pub fn string(text: &str) -> Self {
        // ASCII is in it.
        if text.is_ascii() {
            return Self::String(text.to_owned());
        }
        Self::String(text.nfc().collect())
    }

    /// A set of these elements, sorted; equal known elements become one.
    pub fn set(mut elements: Vec<Self>) -> Self {
        elements.sort();
        elements.dedup_by(|a, b| a == b && a.is_wholly_known());
        Self::Set(elements)
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// True when no part of the value is unknown.
    pub fn is_wholly_known(&self) -> bool {
        self.first_unknown().is_none()
    }

    /// The path of the first unknown part.
    pub fn first_unknown(&self) -> Option<Path> {
        match self {
            Self::Unknown => Some(Path::root()),
            _ => self
                .children()
                .into_iter()
                .find_map(|(step, child)| child.first_unknown().map(|path| path.under(step))),
        }
    }

    /// The value with every unknown part made null, as core saves what a
    /// provider wrongly left unknown.
    pub fn unknown_as_null(&self) -> Self {
        match self {
            Self::Unknown => Self::Null,
            Self::List(list) => Self::List(list.iter().map(Self::unknown_as_null).collect()),
            Self::Set(set) => Self::set(set.iter().map(Self::unknown_as_null).collect()),
            Self::Map(map) => Self::Map(map_values(map, Self::unknown_as_null)),
            Self::Object(map) => Self::Object(map_values(map, Self::unknown_as_null)),
            other => other.clone(),
        }
    }

    /// The attribute or map element of that name; null when the value is null,
    /// unknown when it is unknown.
    pub fn get(&self, name: &str) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Map(map) | Self::Object(map) => map.get(name).cloned().unwrap_or(Self::Null),
            _ => Self::Null,
        }
    }

    /// Sets an attribute of an object; for building broken answers.
    pub fn put(&mut self, name: &str, value: Self) {
        match self {
            Self::Map(map) | Self::Object(map) => {
                map.insert(name.to_owned(), value);
            }
            other => panic!("`{name}` cannot be set in {other}"),
        }
    }

    /// The element at an index of a list; null when there is none.
    pub fn at(&self, index: usize) -> Self {
        match self {
            Self::List(list) => list.get(index).cloned().unwrap_or(Self::Null),
            Self::Unknown => Self::Unknown,
            _ => Self::Null,
        }
    }

    /// The elements of a list or a set; none for anything else.
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::List(list) | Self::Set(list) => list,
            _ => &[],
        }
    }

    /// The entries of a map or an object; none for anything else.
    pub fn entries(&self) -> impl Iterator<Item = (&String, &Self)> {
        match self {
            Self::Map(map) | Self::Object(map) => Some(map.iter()),
            _ => None,
        }
        .into_iter()
        .flatten()
    }

    /// Every direct part with the step that leads to it.
    pub fn children(&self) -> Vec<(Step, &Self)> {
        match self {
            Self::List(list) => (0..).zip(list).map(|(i, v)| (Step::Index(i), v)).collect(),
            Self::Set(set) => set.iter().map(|v| (Step::Element(v.clone()), v)).collect(),
            Self::Map(map) => map.iter().map(|(k, v)| (Step::Key(k.clone()), v)).collect(),
            Self::Object(map) => map
                .iter()
                .map(|(k, v)| (Step::Attribute(k.clone()), v))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The part at a path, or nothing when the path does not exist here.
    pub fn lookup(&self, path: &Path) -> Option<&Self> {
        path.0
            .iter()
            .try_fold(self, |value, step| match (value, step) {
                (Self::Object(map), Step::Attribute(name)) => map.get(name),
                (Self::Map(map), Step::Key(key)) => map.get(key),
                (Self::List(list), Step::Index(index)) => {
                    usize::try_from(*index).ok().and_then(|i| list.get(i))
                }
                (Self::Set(set), Step::Element(element)) => set.iter().find(|v| *v == element),
                _ => None,
            })
    }

    /// Checks the value against a type, exactly: the shape of every part and the
    /// key set of every object.
    pub fn conforms(&self, ty: &Type) -> Result<(), String> {
        self.conforms_at(ty, &Path::root())
    }

    fn conforms_at(&self, ty: &Type, path: &Path) -> Result<(), String> {
        let wrong = |what: String| Err(format!("`{path}`: {what}"));
        match (self, ty) {
            (Self::Null | Self::Unknown, _)
            | (_, Type::Dynamic)
            | (Self::Bool(_), Type::Bool)
            | (Self::Number(_), Type::Number)
            | (Self::String(_), Type::String) => Ok(()),
            (Self::List(list), Type::List(element)) => (0..)
                .zip(list)
                .try_for_each(|(i, v)| v.conforms_at(element, &path.index(i))),
            (Self::List(list), Type::Tuple(types)) if list.len() == types.len() => (0..)
                .zip(list.iter().zip(types))
                .try_for_each(|(i, (v, ty))| v.conforms_at(ty, &path.index(i))),
            (Self::Set(set), Type::Set(element)) => set
                .iter()
                .try_for_each(|v| v.conforms_at(element, &path.element(v))),
            (Self::Map(map), Type::Map(element)) => map
                .iter()
                .try_for_each(|(k, v)| v.conforms_at(element, &path.key(k))),
            (Self::Object(map), Type::Object(types)) => {
                if let Some(name) = types.keys().find(|name| !map.contains_key(*name)) {
                    return wrong(format!("attribute `{name}` is required"));
                }
                map.iter().try_for_each(|(name, v)| match types.get(name) {
                    Some(ty) => v.conforms_at(ty, &path.attribute(name)),
                    None => wrong(format!("unsupported attribute `{name}`")),
                })
            }
            _ => wrong(format!("{ty} required, got {self}")),
        }
    }

    /// The value as JSON: `null` for null and [`UNKNOWN`] for unknown.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Unknown => unknown(),
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => number.to_json(),
            Self::String(text) => Json::String(text.clone()),
            Self::List(list) | Self::Set(list) => list.iter().map(Self::to_json).collect(),
            Self::Map(map) | Self::Object(map) => {
                Json::Object(map.iter().map(|(k, v)| (k.clone(), v.to_json())).collect())
            }
        }
    }

    /// Reads JSON as a value of a type. A string may stand for a number or a
    /// bool and the other way round, as in Terraform's own JSON. [`UNKNOWN`]
    /// is unknown. An object must have exactly the type's attributes.
    pub fn from_json(json: &Json, ty: &Type) -> Result<Self, String> {
        if json.as_str() == Some(UNKNOWN) {
            return Ok(Self::Unknown);
        }
        match (json, ty) {
            (Json::Null, _) => Ok(Self::Null),
            (json, Type::Dynamic) => Self::from_json(json, &Type::of_json(json)),
            (Json::Bool(value), Type::Bool) => Ok(Self::Bool(*value)),
            (Json::String(text), Type::Bool) if text == "true" || text == "false" => {
                Ok(Self::Bool(text == "true"))
            }
            (Json::Number(number), Type::Number) => {
                Number::parse(&number.to_string()).map(Self::Number)
            }
            (Json::String(text), Type::Number) => Number::parse(text).map(Self::Number),
            (Json::String(text), Type::String) => Ok(Self::string(text)),
            (Json::Bool(value), Type::String) => Ok(Self::String(value.to_string())),
            (Json::Number(number), Type::String) => Ok(Self::String(
                Number::parse(&number.to_string())?.to_string(),
            )),
            (Json::Array(list), Type::List(element)) => list
                .iter()
                .map(|v| Self::from_json(v, element))
                .collect::<Result<_, _>>()
                .map(Self::List),
            (Json::Array(list), Type::Set(element)) => list
                .iter()
                .map(|v| Self::from_json(v, element))
                .collect::<Result<_, _>>()
                .map(Self::set),
            (Json::Array(list), Type::Tuple(types)) if list.len() == types.len() => list
                .iter()
                .zip(types)
                .map(|(v, ty)| Self::from_json(v, ty))
                .collect::<Result<_, _>>()
                .map(Self::List),
            (Json::Object(map), Type::Map(element)) => map
                .iter()
                .map(|(k, v)| Ok((k.nfc().collect(), Self::from_json(v, element)?)))
                .collect::<Result<_, String>>()
                .map(Self::Map),
            (Json::Object(map), Type::Object(types)) => {
                if let Some(name) = map.keys().find(|name| !types.contains_key(*name)) {
                    return Err(format!("unsupported attribute `{name}`"));
                }
                types
                    .iter()
                    .map(|(name, ty)| {
                        let json = map
                            .get(name)
                            .ok_or_else(|| format!("attribute `{name}` is required"))?;
                        Ok((
                            name.clone(),
                            Self::from_json(json, ty).map_err(|e| format!("`{name}`: {e}"))?,
                        ))
                    })
                    .collect::<Result<_, String>>()
                    .map(Self::Object)
            }
            _ => Err(format!("{ty} required, got {json}")),
        }
    }
}

fn map_values(map: &BTreeMap<String, Val>, f: impl Fn(&Val) -> Val) -> BTreeMap<String, Val> {
    map.iter()
        .map(|(key, value)| (key.clone(), f(value)))
        .collect()
}

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Unknown => f.write_str("(unknown)"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(text) => write!(f, "{text:?}"),
            Self::List(list) => list_text(f, '[', list, ']'),
            Self::Set(set) => list_text(f, '(', set, ')'),
            Self::Map(map) | Self::Object(map) => {
                f.write_str("{")?;
                for (i, (key, value)) in map.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{key} = {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn list_text(f: &mut fmt::Formatter<'_>, open: char, list: &[Val], close: char) -> fmt::Result {
    write!(f, "{open}")?;
    for (i, value) in list.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(f, "{comma}{value}")?;
    }
    write!(f, "{close}")
}

impl fmt::Debug for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One step of a [`Path`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// An attribute or a block.
    Attribute(String),
    /// A map element.
    Key(String),
    /// A list element.
    Index(i64),
    /// A set element; providers cannot send this one.
    Element(Val),
}

/// Where a value is inside another one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    pub fn root() -> Self {
        Self::default()
    }

    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub fn attribute(&self, name: &str) -> Self {
        self.then(Step::Attribute(name.to_owned()))
    }

    pub fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.to_owned()))
    }

    pub fn index(&self, index: i64) -> Self {
        self.then(Step::Index(index))
    }

    pub fn element(&self, element: &Val) -> Self {
        self.then(Step::Element(element.clone()))
    }

    /// The path one step further down.
    pub fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The same path seen from one step further up.
    pub fn under(mut self, step: Step) -> Self {
        self.0.insert(0, step);
        self
    }

    /// Only the attribute names of the path, which is what a schema knows.
    pub fn attribute_names(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter_map(|step| match step {
                Step::Attribute(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// `properties["x"]`, `rule[0].port`; the root is the empty text.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if i == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Element(_) => f.write_str("[...]")?,
            }
        }
        Ok(())
    }
}
