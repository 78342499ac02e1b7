//! What core demands of a planned state: it is the configuration where that
//! says something, and the provider decides only where it may.

use std::collections::BTreeMap;

use super::schema::{Attribute, Block, Nested, NestedBlock, Nesting, Shape};
use super::value::{Path, Val};

/// Every place where a planned state is not what configuration and prior state
/// allow, one line each.
pub fn assert_plan_valid(block: &Block, prior: &Val, config: &Val, planned: &Val) -> Vec<String> {
    let mut faults = Faults(Vec::new());
    check_block(block, prior, config, planned, &Path::root(), &mut faults);
    faults.0
}

struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, path: &Path, text: &str) {
        self.0.push(format!(".{path}: {text}"));
    }
}

/// True when both are null or both are not; otherwise the fault is noted.
fn same_existence(config: &Val, planned: &Val, path: &Path, faults: &mut Faults) -> bool {
    match (config.is_null(), planned.is_null()) {
        (false, true) => faults.add(path, "planned for absence but config wants existence"),
        (true, false) => faults.add(path, "planned for existence but config wants absence"),
        _ => return true,
    }
    false
}

fn check_block(
    block: &Block,
    prior: &Val,
    config: &Val,
    planned: &Val,
    path: &Path,
    faults: &mut Faults,
) {
    if !same_existence(config, planned, path, faults) || planned.is_null() {
        return;
    }
    check_attributes(&block.attributes, prior, config, planned, path, faults);
    for (name, nested) in &block.blocks {
        let path = path.attribute(name);
        check_nested_block(
            nested,
            &prior.get(name),
            &config.get(name),
            &planned.get(name),
            &path,
            faults,
        );
    }
}

fn check_nested_block(
    nested: &NestedBlock,
    prior: &Val,
    config: &Val,
    planned: &Val,
    path: &Path,
    faults: &mut Faults,
) {
    if config.is_unknown() {
        if !planned.is_unknown() {
            faults.add(
                path,
                "must stay unknown, as the number of blocks is not known yet",
            );
        }
        return;
    }
    if planned.is_unknown() {
        faults.add(path, "attribute representing nested block must not be unknown itself; set nested attribute values to unknown instead");
        return;
    }
    let mut element = |prior: &Val, config: &Val, planned: &Val, path: &Path| {
        if planned.is_unknown() {
            faults.add(path, "element representing nested block must not be unknown itself; set nested attribute values to unknown instead");
        } else {
            check_block(&nested.block, prior, config, planned, path, faults);
        }
    };
    match (nested.nesting, config, planned) {
        (Nesting::Single | Nesting::Group, ..) => element(prior, config, planned, path),
        (_, _, Val::Null) => faults.add(path, "must be empty to indicate no blocks, not null"),
        (Nesting::List, ..) => check_lists(prior, config, planned, path, element)
            .unwrap_or_else(|text| faults.add(path, &format!("block {text}"))),
        (Nesting::Map, ..) => {
            check_maps(prior, config, planned, path, element)
                .unwrap_or_else(|text| faults.add(path, &format!("block {text}")));
        }
        (Nesting::Set, ..) => {
            if planned.elements().iter().any(Val::is_unknown) {
                faults.add(path, "element representing nested block must not be unknown itself; set nested attribute values to unknown instead");
            }
        }
    }
}

/// Walks two lists of the same length; the error is that they are not.
fn check_lists(
    prior: &Val,
    config: &Val,
    planned: &Val,
    path: &Path,
    mut element: impl FnMut(&Val, &Val, &Val, &Path),
) -> Result<(), String> {
    let (wanted, given) = (config.elements(), planned.elements());
    if wanted.len() != given.len() {
        return Err(format!(
            "count in plan ({}) disagrees with count in config ({})",
            given.len(),
            wanted.len()
        ));
    }
    for (i, (config, planned)) in wanted.iter().zip(given).enumerate() {
        element(
            &prior.at(i),
            config,
            planned,
            &path.index(i64::try_from(i).unwrap_or(i64::MAX)),
        );
    }
    Ok(())
}

/// Walks two maps with the same keys; the error is that they have not.
fn check_maps(
    prior: &Val,
    config: &Val,
    planned: &Val,
    path: &Path,
    mut element: impl FnMut(&Val, &Val, &Val, &Path),
) -> Result<(), String> {
    let wanted: BTreeMap<_, _> = config.entries().collect();
    let given: BTreeMap<_, _> = planned.entries().collect();
    if let Some(key) = wanted.keys().find(|key| !given.contains_key(*key)) {
        return Err(format!("key {key:?} from config is not present in plan"));
    }
    for (key, planned) in given {
        let Some(config) = wanted.get(key) else {
            return Err(format!("key {key:?} from plan is not present in config"));
        };
        element(&prior.get(key), config, planned, &path.key(key));
    }
    Ok(())
}

fn check_attributes(
    attributes: &BTreeMap<String, Attribute>,
    prior: &Val,
    config: &Val,
    planned: &Val,
    path: &Path,
    faults: &mut Faults,
) {
    for (name, attribute) in attributes {
        let path = path.attribute(name);
        check_attribute(
            attribute,
            &prior.get(name),
            &config.get(name),
            &planned.get(name),
            &path,
            faults,
        );
    }
}

fn check_attribute(
    attribute: &Attribute,
    prior: &Val,
    config: &Val,
    planned: &Val,
    path: &Path,
    faults: &mut Faults,
) {
    let kept = planned == prior && !prior.is_null() && !config.is_null();
    // A write-only value of the configuration is never planned.
    let write_only = attribute.write_only && planned.is_null();
    if planned == config || kept || write_only || (attribute.computed && config.is_null()) {
        return;
    }
    match &attribute.shape {
        Shape::Nested(nested) if !config.is_unknown() => {
            check_nested(nested, prior, config, planned, path, faults);
        }
        _ => faults.add(path, &wrong_value(attribute, prior, config, planned)),
    }
}

fn wrong_value(attribute: &Attribute, prior: &Val, config: &Val, planned: &Val) -> String {
    match (attribute.sensitive, config.is_null(), prior.is_null()) {
        (true, true, _) => "sensitive planned value for a non-computed attribute".to_owned(),
        (true, false, true) => "sensitive planned value does not match config value".to_owned(),
        (true, false, false) => {
            "sensitive planned value does not match config value nor prior value".to_owned()
        }
        (false, true, _) => format!("planned value {planned} for a non-computed attribute"),
        (false, false, true) => {
            format!("planned value {planned} does not match config value {config}")
        }
        (false, false, false) => {
            format!(
                "planned value {planned} does not match config value {config} nor prior value {prior}"
            )
        }
    }
}

fn check_nested(
    nested: &Nested,
    prior: &Val,
    config: &Val,
    planned: &Val,
    path: &Path,
    faults: &mut Faults,
) {
    if !same_existence(config, planned, path, faults) || planned.is_null() {
        return;
    }
    if planned.is_unknown() {
        faults.add(path, "planned unknown for configured value");
        return;
    }
    let element = |prior: &Val, config: &Val, planned: &Val, path: &Path| {
        if planned == config {
            return;
        }
        if same_existence(config, planned, path, faults) && !planned.is_null() {
            if planned.is_unknown() || config.is_unknown() {
                faults.add(
                    path,
                    "planned value is unknown where the config is not, or the other way round",
                );
            } else {
                check_attributes(&nested.attributes, prior, config, planned, path, faults);
            }
        }
    };
    let counts = match nested.nesting {
        Nesting::Single | Nesting::Group => {
            check_attributes(&nested.attributes, prior, config, planned, path, faults);
            Ok(())
        }
        Nesting::List => check_lists(prior, config, planned, path, element),
        Nesting::Map => check_maps(prior, config, planned, path, element),
        Nesting::Set => check_lists(&Val::Null, config, planned, path, |_, _, _, _| {}),
    };
    if let Err(text) = counts {
        faults.add(path, &text);
    }
}
