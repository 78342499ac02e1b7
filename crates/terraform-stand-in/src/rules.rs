//! The smaller rules: which action a plan is, and what it must replace for.

use super::schema::Block;
use super::value::{Path, Val};

pub use super::compatible::assert_object_compatible;
pub use super::plan_valid::assert_plan_valid;
pub use super::proposed_new::proposed_new;

/// What is to happen to one object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    NoOp,
    Create,
    Update,
    Delete,
    /// Destroy the old object, then create the new one.
    Replace,
    /// Create the new object, then destroy the old one.
    ReplaceCreateFirst,
}

impl Action {
    pub fn is_replace(self) -> bool {
        matches!(self, Self::Replace | Self::ReplaceCreateFirst)
    }
}

/// Of the paths that a provider wants a replacement for, those whose value
/// really changes. The error is a path that exists neither before nor after.
pub fn required_replaces(
    block: &Block,
    prior: &Val,
    planned: &Val,
    paths: &[Path],
) -> Result<Vec<Path>, Path> {
    if prior.is_null() {
        return Ok(Vec::new());
    }
    let mut required = Vec::new();
    for path in paths {
        let (before, after) = (prior.lookup(path), planned.lookup(path));
        if before.is_none() && after.is_none() {
            return Err(path.clone());
        }
        let changed = before != after || after.is_some_and(|value| !value.is_wholly_known());
        if changed
            || block
                .attribute_at(path)
                .is_some_and(|attribute| attribute.write_only)
        {
            required.push(path.clone());
        }
    }
    Ok(required)
}

/// The action that follows from a plan.
pub fn action(prior: &Val, planned: &Val, must_replace: bool, create_first: bool) -> Action {
    match (prior.is_null(), must_replace, create_first) {
        (true, ..) => Action::Create,
        (false, true, true) => Action::ReplaceCreateFirst,
        (false, true, false) => Action::Replace,
        (false, false, _) if prior == planned && planned.is_wholly_known() => Action::NoOp,
        (false, false, _) => Action::Update,
    }
}

/// Whether the action of the plan made at apply may follow that of the first
/// plan. By then the destroy half of a replacement is a step of its own.
pub fn action_may_follow(first: Action, second: Action) -> bool {
    let first = if first.is_replace() {
        Action::Create
    } else {
        first
    };
    first == second || (first == Action::Update && second == Action::NoOp)
}
