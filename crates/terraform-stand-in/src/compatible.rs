//! What core demands of a value that follows another one: everything that was
//! known stays as it was, and the unknown may become anything.

use std::collections::BTreeMap;

use super::schema::{Attribute, Block, NestedBlock, Nesting};
use super::value::{Path, Val};

/// Every place where `actual` breaks what `planned` promised, one line each.
pub fn assert_object_compatible(block: &Block, planned: &Val, actual: &Val) -> Vec<String> {
    let mut faults = Vec::new();
    check_block(block, planned, actual, &Path::root(), &mut faults);
    faults
}

fn fault(faults: &mut Vec<String>, path: &Path, text: &str) {
    if path.is_root() {
        faults.push(format!("Root object {text}"));
    } else {
        faults.push(format!(".{path}: {text}"));
    }
}

fn check_block(block: &Block, planned: &Val, actual: &Val, path: &Path, faults: &mut Vec<String>) {
    match (planned.is_null(), actual.is_null()) {
        (true, true) => return,
        (true, false) => return fault(faults, path, "was absent, but now present"),
        (false, true) => return fault(faults, path, "was present, but now absent"),
        (false, false) => {}
    }
    for (name, attribute) in &block.attributes {
        check_attribute(
            attribute,
            &planned.get(name),
            &actual.get(name),
            &path.attribute(name),
            faults,
        );
    }
    for (name, nested) in &block.blocks {
        check_nested_block(
            nested,
            &planned.get(name),
            &actual.get(name),
            &path.attribute(name),
            faults,
        );
    }
}

fn check_attribute(
    attribute: &Attribute,
    planned: &Val,
    actual: &Val,
    path: &Path,
    faults: &mut Vec<String>,
) {
    let mut found = Vec::new();
    check_value(planned, actual, path, &mut found);
    if attribute.sensitive && !found.is_empty() {
        return fault(faults, path, "inconsistent values for sensitive attribute");
    }
    faults.append(&mut found);
}

fn check_nested_block(
    nested: &NestedBlock,
    planned: &Val,
    actual: &Val,
    path: &Path,
    faults: &mut Vec<String>,
) {
    if planned.is_unknown() {
        // A dynamic block of unknown count: any blocks may follow.
        return;
    }
    match nested.nesting {
        Nesting::Single | Nesting::Group => {
            check_block(&nested.block, planned, actual, path, faults);
        }
        Nesting::List => {
            let (before, after) = (planned.elements(), actual.elements());
            if before.len() != after.len() {
                return fault(
                    faults,
                    path,
                    &format!(
                        "block count changed from {} to {}",
                        before.len(),
                        after.len()
                    ),
                );
            }
            for (i, (before, after)) in (0..).zip(before.iter().zip(after)) {
                check_block(&nested.block, before, after, &path.index(i), faults);
            }
        }
        Nesting::Map => {
            check_keys(planned, actual, path, "block key", faults);
            for (key, before, after) in common(planned, actual) {
                check_block(&nested.block, before, after, &path.key(key), faults);
            }
        }
        Nesting::Set => check_set(
            planned,
            actual,
            path,
            "block set length",
            faults,
            |before, after| {
                let mut found = Vec::new();
                check_block(&nested.block, before, after, path, &mut found);
                found.is_empty()
            },
        ),
    }
}

fn check_value(planned: &Val, actual: &Val, path: &Path, faults: &mut Vec<String>) {
    match (planned, actual) {
        (Val::Unknown, _) | (Val::Null, Val::Null) => {}
        (_, Val::Unknown) => fault(faults, path, "was known, but now unknown"),
        (Val::Null, actual) => fault(faults, path, &format!("was null, but now {actual}")),
        (planned, Val::Null) => fault(faults, path, &format!("was {planned}, but now null")),
        (Val::List(before), Val::List(after)) => {
            for (i, element) in (0..).zip(before).skip(after.len()) {
                fault(
                    faults,
                    path,
                    &format!("element {i} has vanished ({element})"),
                );
            }
            for (i, element) in (0..).zip(after).skip(before.len()) {
                fault(
                    faults,
                    path,
                    &format!("new element {i} has appeared ({element})"),
                );
            }
            for (i, (before, after)) in (0..).zip(before.iter().zip(after)) {
                check_value(before, after, &path.index(i), faults);
            }
        }
        (Val::Map(_), Val::Map(_)) => {
            check_keys(planned, actual, path, "element", faults);
            for (key, before, after) in common(planned, actual) {
                check_value(before, after, &path.key(key), faults);
            }
        }
        (Val::Object(_), Val::Object(_)) => {
            for (name, before, after) in common(planned, actual) {
                check_value(before, after, &path.attribute(name), faults);
            }
        }
        (Val::Set(_), Val::Set(_)) => {
            check_set(planned, actual, path, "length", faults, |before, after| {
                let mut found = Vec::new();
                check_value(before, after, path, &mut found);
                found.is_empty()
            });
        }
        (planned, actual) if planned == actual => {}
        (planned, actual) => fault(faults, path, &format!("was {planned}, but now {actual}")),
    }
}

fn common<'a>(planned: &'a Val, actual: &'a Val) -> Vec<(&'a String, &'a Val, &'a Val)> {
    let after: BTreeMap<_, _> = actual.entries().collect();
    planned
        .entries()
        .filter_map(|(key, before)| after.get(key).map(|after| (key, before, *after)))
        .collect()
}

fn check_keys(planned: &Val, actual: &Val, path: &Path, what: &str, faults: &mut Vec<String>) {
    let before: BTreeMap<_, _> = planned.entries().collect();
    let after: BTreeMap<_, _> = actual.entries().collect();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        fault(faults, path, &format!("{what} {key:?} has vanished"));
    }
    for key in after.keys().filter(|key| !before.contains_key(*key)) {
        fault(faults, path, &format!("new {what} {key:?} has appeared"));
    }
}

/// Every element must have a counterpart on the other side. A set may shrink,
/// as unknown elements may turn out equal, and must not grow.
fn check_set(
    planned: &Val,
    actual: &Val,
    path: &Path,
    length: &str,
    faults: &mut Vec<String>,
    fits: impl Fn(&Val, &Val) -> bool,
) {
    let (before, after) = (planned.elements(), actual.elements());
    for element in before.iter().filter(|b| !after.iter().any(|a| fits(b, a))) {
        fault(
            faults,
            path,
            &format!("planned set element {element} does not correlate with any element in actual"),
        );
    }
    for element in after.iter().filter(|a| !before.iter().any(|b| fits(b, a))) {
        fault(
            faults,
            path,
            &format!("actual set element {element} does not correlate with any element in plan"),
        );
    }
    if after.len() > before.len() {
        fault(
            faults,
            path,
            &format!("{length} changed from {} to {}", before.len(), after.len()),
        );
    }
}
