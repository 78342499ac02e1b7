//! A value as Terraform sees it: known, null or not yet known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::number::Number;
use super::path::{Path, Step};

/// One value of a configuration, plan or state.
///
/// The [`Debug`](fmt::Debug) form shows the shape and never the content: any
/// value can be a secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// A value that is decided later in the same run.
    Unknown,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text, in Unicode normalisation form C.
    String(String),
    /// An ordered sequence.
    List(Vec<Value>),
    /// An unordered collection without duplicates. The order of the elements
    /// carries no meaning; equality as a set is [`Value::same`].
    Set(Vec<Value>),
    /// A map with string keys.
    Map(BTreeMap<String, Value>),
    /// An object: every attribute of its type is present.
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// A string value.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// A set of these elements, each once, in the order of their first appearance.
    /// Elements that are not wholly known stay: they can become different ones.
    pub(crate) fn set(mut elements: Vec<Value>) -> Self {
        let mut seen = BTreeSet::new();
        elements.retain(|one| !one.is_wholly_known() || seen.insert(one.canonical()));
        Self::Set(elements)
    }

    /// Whether this is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this value itself is unknown; see
    /// [`Value::is_wholly_known`] for what is inside it.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether neither this value nor any part of it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        !self.is_unknown() && self.parts().all(Self::is_wholly_known)
    }

    /// The values directly inside it.
    fn parts(&self) -> impl Iterator<Item = &Value> {
        let items = self.items().unwrap_or_default();
        let entries = self.entries().into_iter();
        items.iter().chain(entries.flat_map(BTreeMap::values))
    }

    /// The same value with something else in the place of each value directly
    /// inside it.
    pub(crate) fn with_parts(&self, instead_of: fn(&Value) -> Value) -> Self {
        let items = |items: &[Self]| items.iter().map(instead_of).collect();
        let entries = |entries: &BTreeMap<String, Self>| {
            let entries = entries.iter();
            entries
                .map(|(key, entry)| (key.clone(), instead_of(entry)))
                .collect()
        };
        match self {
            Self::List(list) => Self::List(items(list)),
            Self::Set(set) => Self::Set(items(set)),
            Self::Map(map) => Self::Map(entries(map)),
            Self::Object(object) => Self::Object(entries(object)),
            _ => self.clone(),
        }
    }

    /// The text of a known string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// A known boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The entries of a known map or object.
    pub fn entries(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(entries) | Self::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// The elements of a known list or set.
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The attribute of a known object, or the entry of a map; [`Value::Null`]
    /// where this value is null or a map without it, [`Value::Unknown`] where it
    /// is unknown.
    ///
    /// # Panics
    /// In a debug build, where an object has no such attribute: an object has all
    /// that its schema says, so the name is misspelt.
    pub fn get(&self, name: &str) -> &Value {
        let found = self.find(name);
        debug_assert!(
            found.is_some() || !matches!(self, Self::Object(_)),
            "an object has no attribute `{name}`"
        );
        found.unwrap_or(match self {
            Self::Unknown => &Self::Unknown,
            _ => &Self::Null,
        })
    }

    /// The attribute or entry, where there is one.
    pub(crate) fn find(&self, name: &str) -> Option<&Value> {
        self.entries()?.get(name)
    }

    /// The part of this value at a path; [`Value::Null`] where there is none,
    /// [`Value::Unknown`] inside of what is unknown.
    pub fn at(&self, path: &Path) -> &Value {
        path.steps()
            .iter()
            .fold(self, |value, step| match (step, value) {
                (_, Self::Unknown) => &Self::Unknown,
                (Step::Attribute(name), _) => value.find(name).unwrap_or(&Self::Null),
                (Step::Key(key), _) => value.find(key).unwrap_or(&Self::Null),
                (Step::Index(index), Self::List(items)) => items.get(*index).unwrap_or(&Self::Null),
                (Step::Index(_), _) => &Self::Null,
            })
    }

    /// Calls `use_text` with every text in it.
    pub(crate) fn each_text(&self, use_text: &mut impl FnMut(&str)) {
        if let Self::String(text) = self {
            use_text(text);
        }
        self.parts().for_each(|part| part.each_text(use_text));
    }

    /// Equality as Terraform sees it: sets compare without order.
    pub fn same(&self, other: &Self) -> bool {
        // Terraform keeps the order of a set, so it seldom differs.
        self == other || self.canonical() == other.canonical()
    }

    /// The same value with the elements of all sets in one order.
    pub(crate) fn canonical(&self) -> Self {
        let mut canonical = self.with_parts(Self::canonical);
        if let Self::Set(items) = &mut canonical {
            items.sort();
        }
        canonical
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Unknown => f.write_str("unknown"),
            Self::Bool(_) => f.write_str("bool"),
            Self::Number(_) => f.write_str("number"),
            Self::String(_) => f.write_str("string"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Set(items) => f.debug_set().entries(items).finish(),
            Self::Map(entries) | Self::Object(entries) => f.debug_map().entries(entries).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(entries: &[(&str, Value)]) -> Value {
        Value::Object(
            entries
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        )
    }

    #[test]
    fn sets_are_the_same_in_any_order_and_lists_are_not() {
        let (a, b) = (Value::string("a"), Value::string("b"));
        let set = |items: &[&Value]| Value::Set(items.iter().copied().cloned().collect());
        assert!(set(&[&a, &b]).same(&set(&[&b, &a])));
        assert!(!set(&[&a, &b]).same(&set(&[&a])));
        let nested = |items: &[&Value]| object(&[("x", set(items))]);
        assert!(nested(&[&a, &b]).same(&nested(&[&b, &a])));
        let list = |items: &[&Value]| Value::List(items.iter().copied().cloned().collect());
        assert!(!list(&[&a, &b]).same(&list(&[&b, &a])));
        assert!(!list(&[]).same(&Value::Null));
        assert!(!Value::Unknown.same(&Value::Null));
    }

    #[test]
    fn a_path_leads_to_its_value() {
        let value = object(&[
            ("timeouts", object(&[("create", Value::string("1m"))])),
            ("list", Value::List(vec![Value::Bool(true), Value::Unknown])),
            ("later", Value::Unknown),
        ]);
        let at = |path: Path| value.at(&path).clone();
        assert_eq!(at(Path::root()), value);
        assert_eq!(
            at(Path::attribute("timeouts").then("create")),
            Value::string("1m")
        );
        assert_eq!(at(Path::attribute("list").index(0)), Value::Bool(true));
        assert_eq!(at(Path::attribute("list").index(7)), Value::Null);
        assert_eq!(
            at(Path::attribute("later").then("x").index(1)),
            Value::Unknown
        );
        assert_eq!(at(Path::attribute("none").then("x")), Value::Null);
    }

    #[test]
    #[should_panic(expected = "an object has no attribute `nmae`")]
    fn a_misspelt_attribute_is_a_mistake_of_the_provider() {
        let value = object(&[("name", Value::Null)]);
        assert!(value.get("name").is_null() && Value::Null.get("nmae").is_null());
        let _ = value.get("nmae");
    }

    #[test]
    fn a_value_is_wholly_known_only_if_all_of_it_is() {
        let inside = |value: Value| object(&[("a", Value::List(vec![value]))]);
        assert!(inside(Value::Null).is_wholly_known());
        assert!(!inside(Value::Unknown).is_wholly_known());
        assert!(!inside(Value::Unknown).is_unknown());
    }

    #[test]
    fn printing_a_value_shows_its_shape_only() {
        let value = object(&[
            ("secret", Value::string("hunter2")),
            ("pin", Value::Number(Number::from(4711_i64))),
            (
                "labels",
                Value::Set(vec![Value::Bool(true), Value::Unknown]),
            ),
        ]);
        let shown = format!("{value:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("4711") && !shown.contains("true"));
        assert!(shown.contains("secret"));
    }
}
