//! `ignore_changes`: the configuration that a provider is asked to plan. Apply
//! gets what the user wrote, whatever is ignored.

use std::collections::BTreeMap;

use super::release::Release;
use super::schema::{Attribute, Block, Nested, Shape};
use super::types::Type;
use super::value::{Path, Step, Val};

/// `lifecycle { ignore_changes = … }` of one resource.
#[derive(Clone, Debug)]
pub enum IgnoreChanges {
    /// `all`
    All,
    /// `[url, properties["x"], credentials.version]`
    These(Vec<Path>),
}

impl Default for IgnoreChanges {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl IgnoreChanges {
    /// The elements of the list as the user writes them, or `all` alone.
    #[track_caller]
    pub fn parse(list: &[&str]) -> Self {
        match list {
            ["all"] => Self::All,
            list => Self::These(list.iter().map(|text| traversal(text)).collect()),
        }
    }

    /// An element that names nothing in the schema, which is the user's error.
    pub fn unsupported(&self, block: &Block) -> Option<&Path> {
        match self {
            Self::All => None,
            Self::These(paths) => paths.iter().find(|path| {
                let first = path.attribute_names().first().copied();
                !first.is_some_and(|name| {
                    block.attributes.contains_key(name) || block.blocks.contains_key(name)
                })
            }),
        }
    }

    /// The configuration with the prior value of everything whose changes are
    /// ignored. Without a prior object nothing is.
    pub fn edit(&self, block: &Block, prior: &Val, config: &Val, release: Release) -> Val {
        match self {
            _ if prior.is_null() => config.clone(),
            Self::All if release.takes_computed_for_configured() => prior.clone(),
            Self::All => configurable(block, prior),
            Self::These(paths) => {
                let ty = block.implied_type();
                let mut edited = config.clone();
                for path in paths {
                    retain(&mut edited, prior, path, &ty, release);
                }
                edited
            }
        }
    }
}

/// Puts the prior value at a path, if the path exists on both sides. A key at
/// its end is that of a map; of anything else the whole value is meant.
fn retain(config: &mut Val, prior: &Val, path: &Path, ty: &Type, release: Release) {
    let (path, key) = match path.0.split_last() {
        Some((Step::Key(key), rest)) => (Path(rest.to_vec()), Some(key)),
        _ => (path.clone(), None),
    };
    let Some(before) = prior.lookup(&path) else {
        return;
    };
    match part(config, ty, &path) {
        Some((now, _)) if now == before => {}
        // Also where the whole map is ignored.
        Some((Val::Unknown, Type::Map(_))) => {}
        Some((now, Type::Map(_))) if key.is_some() => {
            let emptied = retain_key(now, before, key.unwrap());
            if emptied && now.is_null() && release.empties_a_map_that_is_null() {
                *now = Val::Map(BTreeMap::new());
            }
        }
        Some((now, _)) => *now = before.clone(),
        None => {}
    }
}

/// True when nothing is left in the map.
fn retain_key(now: &mut Val, before: &Val, key: &str) -> bool {
    let mut entries = match now {
        Val::Map(entries) => std::mem::take(entries),
        _ => BTreeMap::new(),
    };
    match before {
        Val::Map(before) if before.contains_key(key) => {
            entries.insert(key.to_owned(), before[key].clone());
        }
        _ => drop(entries.remove(key)),
    }
    let emptied = entries.is_empty();
    if !(emptied && now.is_null()) {
        *now = Val::Map(entries);
    }
    emptied
}

/// The part of a value that a path leads to, and its type.
fn part<'a>(value: &'a mut Val, ty: &'a Type, path: &Path) -> Option<(&'a mut Val, &'a Type)> {
    path.0
        .iter()
        .try_fold((value, ty), |(value, ty), step| match (value, ty, step) {
            (Val::Object(map), Type::Object(types), Step::Attribute(name)) => {
                Some((map.get_mut(name)?, types.get(name)?))
            }
            (Val::Map(map), Type::Map(element), Step::Key(key)) => {
                Some((map.get_mut(key)?, element.as_ref()))
            }
            (Val::List(list), Type::List(element), Step::Index(index)) => Some((
                list.get_mut(usize::try_from(*index).ok()?)?,
                element.as_ref(),
            )),
            _ => None,
        })
}

/// The value without what a provider alone decides, which no configuration has.
fn configurable(block: &Block, value: &Val) -> Val {
    let Val::Object(object) = value else {
        return value.clone();
    };
    let mut object = object.clone();
    for (name, attribute) in &block.attributes {
        object.insert(
            name.clone(),
            configurable_attribute(attribute, &value.get(name)),
        );
    }
    for (name, nested) in &block.blocks {
        let inner = nested
            .nesting
            .each(&value.get(name), |value| configurable(&nested.block, value));
        object.insert(name.clone(), inner);
    }
    Val::Object(object)
}

fn configurable_attribute(attribute: &Attribute, value: &Val) -> Val {
    match &attribute.shape {
        _ if attribute.computed && !attribute.optional => Val::Null,
        Shape::Plain(_) => value.clone(),
        Shape::Nested(Nested {
            nesting,
            attributes,
        }) => nesting.each(value, |value| match value {
            Val::Object(object) => Val::Object(
                object
                    .iter()
                    .map(|(name, v)| (name.clone(), configurable_attribute(&attributes[name], v)))
                    .collect(),
            ),
            other => other.clone(),
        }),
    }
}

/// Reads `a.b["c"][0].d`.
#[track_caller]
fn traversal(text: &str) -> Path {
    let mut path = Path::root();
    let mut rest = text;
    while !rest.is_empty() {
        let step;
        (step, rest) = if let Some(quoted) = rest.strip_prefix("[\"") {
            let (key, rest) = quoted.split_once("\"]").unwrap_or_else(|| panic!("{text}"));
            (Step::Key(key.to_owned()), rest)
        } else if let Some(index) = rest.strip_prefix('[') {
            let (index, rest) = index.split_once(']').unwrap_or_else(|| panic!("{text}"));
            (Step::Index(index.parse().unwrap()), rest)
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            (Step::Attribute(name[..end].to_owned()), &name[end..])
        };
        path = path.then(step);
    }
    path
}
