//! The proposed new state: what core merges from configuration and prior state
//! before it asks the provider for a plan.

use std::collections::BTreeMap;

use super::schema::{Attribute, Block, Nested, NestedBlock, Nesting, Shape};
use super::value::Val;

/// Configuration where it is set, and the prior value where the configuration
/// is null and the provider computes the attribute.
pub fn proposed_new(block: &Block, prior: &Val, config: &Val) -> Val {
    match (prior, config) {
        (Val::Null, Val::Null) => Val::Null,
        (Val::Null, _) => merge_block(block, &block.empty_object(), config),
        _ => merge_block(block, prior, config),
    }
}

fn merge_block(block: &Block, prior: &Val, config: &Val) -> Val {
    if !matches!(config, Val::Object(_)) {
        return prior.clone();
    }
    let empty = block.empty_object();
    let prior = if prior.is_null() { &empty } else { prior };
    let mut object = merge_attributes(&block.attributes, prior, config);
    for (name, nested) in &block.blocks {
        object.insert(
            name.clone(),
            merge_nested_block(nested, &prior.get(name), &config.get(name)),
        );
    }
    Val::Object(object)
}

fn merge_attributes(
    attributes: &BTreeMap<String, Attribute>,
    prior: &Val,
    config: &Val,
) -> BTreeMap<String, Val> {
    attributes
        .iter()
        .map(|(name, attribute)| {
            (
                name.clone(),
                merge_attribute(attribute, prior.get(name), config.get(name)),
            )
        })
        .collect()
}

fn merge_attribute(attribute: &Attribute, prior: Val, config: Val) -> Val {
    match &attribute.shape {
        _ if attribute.computed && config.is_null() => {
            if came_from_configuration(attribute, &prior) {
                config
            } else {
                prior
            }
        }
        Shape::Nested(nested) => merge_nested(nested, &prior, config),
        Shape::Plain(_) => config,
    }
}

/// True for an optional nested value that holds something only a configuration
/// can have put there: it was configured once and is not any more.
fn came_from_configuration(attribute: &Attribute, prior: &Val) -> bool {
    match &attribute.shape {
        Shape::Nested(nested) => attribute.optional && holds_configured_value(nested, prior),
        Shape::Plain(_) => false,
    }
}

fn holds_configured_value(nested: &Nested, value: &Val) -> bool {
    let in_object = |object: &Val| {
        nested.attributes.iter().any(|(name, attribute)| {
            match (object.get(name), &attribute.shape) {
                (Val::Null, _) => false,
                (_, _) if !attribute.computed => true,
                (inner, Shape::Nested(nested)) => holds_configured_value(nested, &inner),
                (_, Shape::Plain(_)) => false,
            }
        })
    };
    match nested.nesting {
        Nesting::Single | Nesting::Group => in_object(value),
        _ => value
            .children()
            .into_iter()
            .any(|(_, element)| in_object(element)),
    }
}

fn merge_nested(nested: &Nested, prior: &Val, config: Val) -> Val {
    let merge = |prior: &Val, config: &Val| match config {
        Val::Object(_) => Val::Object(merge_attributes(&nested.attributes, prior, config)),
        other => other.clone(),
    };
    let came_from = |prior: &Val, config: &Val| may_come_from(&nested.attributes, prior, config);
    merge_collection(nested.nesting, prior, config, merge, came_from)
}

fn merge_nested_block(nested: &NestedBlock, prior: &Val, config: &Val) -> Val {
    let merge = |prior: &Val, config: &Val| merge_block(&nested.block, prior, config);
    let came_from = |prior: &Val, config: &Val| block_may_come_from(&nested.block, prior, config);
    merge_collection(nested.nesting, prior, config.clone(), merge, came_from)
}

fn merge_collection(
    nesting: Nesting,
    prior: &Val,
    config: Val,
    merge: impl Fn(&Val, &Val) -> Val,
    came_from: impl Fn(&Val, &Val) -> bool,
) -> Val {
    match (nesting, config) {
        (_, config @ (Val::Null | Val::Unknown)) => config,
        (Nesting::Single | Nesting::Group, config) => merge(prior, &config),
        (_, Val::List(list)) => Val::List(
            list.iter()
                .enumerate()
                .map(|(i, config)| merge(&prior.at(i), config))
                .collect(),
        ),
        (_, Val::Map(map)) => Val::Map(
            map.iter()
                .map(|(key, config)| (key.clone(), merge(&prior.get(key), config)))
                .collect(),
        ),
        (_, Val::Set(set)) => {
            let mut candidates: Vec<&Val> = prior.elements().iter().collect();
            let merged = set.iter().map(|config| {
                let found = candidates.iter().position(|prior| came_from(prior, config));
                merge(found.map_or(&Val::Null, |i| candidates.remove(i)), config)
            });
            Val::set(merged.collect())
        }
        (_, other) => other,
    }
}

/// Whether a prior set element can be what a provider made of this
/// configuration: the same, except for what it computed where nothing was set.
fn may_come_from(attributes: &BTreeMap<String, Attribute>, prior: &Val, config: &Val) -> bool {
    if prior == config {
        return true;
    }
    if !matches!((prior, config), (Val::Object(_), Val::Object(_))) {
        return false;
    }
    attributes.iter().all(|(name, attribute)| {
        let (prior, config) = (prior.get(name), config.get(name));
        let computed = attribute.computed && config.is_null();
        prior == config || computed || nested_may_come_from(attribute, &prior, &config)
    })
}

fn nested_may_come_from(attribute: &Attribute, prior: &Val, config: &Val) -> bool {
    let Shape::Nested(nested) = &attribute.shape else {
        return false;
    };
    elements_may_come_from(nested.nesting, prior, config, |p, c| {
        may_come_from(&nested.attributes, p, c)
    })
}

fn block_may_come_from(block: &Block, prior: &Val, config: &Val) -> bool {
    may_come_from(&block.attributes, prior, config)
        && block.blocks.iter().all(|(name, nested)| {
            let (prior, config) = (prior.get(name), config.get(name));
            prior == config
                || elements_may_come_from(nested.nesting, &prior, &config, |p, c| {
                    block_may_come_from(&nested.block, p, c)
                })
        })
}

fn elements_may_come_from(
    nesting: Nesting,
    prior: &Val,
    config: &Val,
    came_from: impl Fn(&Val, &Val) -> bool,
) -> bool {
    match (nesting, prior, config) {
        (Nesting::Single | Nesting::Group, prior, config) => came_from(prior, config),
        (_, Val::List(prior), Val::List(config)) => {
            prior.len() == config.len() && prior.iter().zip(config).all(|(p, c)| came_from(p, c))
        }
        (_, Val::Map(prior), Val::Map(config)) => {
            prior.len() == config.len()
                && prior
                    .iter()
                    .all(|(key, p)| config.get(key).is_some_and(|c| came_from(p, c)))
        }
        _ => false,
    }
}
