//! What a command came to, and what a test asks of it.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::change::Change;
use super::diagnostics::{Diag, Diags};
use super::rules::Action;
use super::value::Val;

/// What a command came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub diags: Diags,
    /// The planned changes by address, in the order of their dependencies.
    pub changes: Vec<(String, Change)>,
}

impl Outcome {
    /// Fails the test when there is any error, with everything that was said.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(
            !self.diags.has_errors(),
            "the command failed:\n{}",
            self.diags
        );
        self
    }

    /// Fails the test unless the provider reported an error with this summary,
    /// and core had nothing to object to. Returns that error.
    #[track_caller]
    pub fn fails_with(&self, summary: &str) -> &Diag {
        let objections: Vec<_> = self.diags.objections().collect();
        assert!(objections.is_empty(), "core objects:\n{}", self.diags);
        let found = self.diags.errors().find(|diag| diag.summary == summary);
        found.unwrap_or_else(|| panic!("no error {summary:?} in:\n{}", self.diags))
    }

    /// A warning with this summary.
    #[track_caller]
    pub fn warns(&self, summary: &str) -> &Diag {
        let found = self.diags.warnings().find(|diag| diag.summary == summary);
        found.unwrap_or_else(|| panic!("no warning {summary:?} in:\n{}", self.diags))
    }

    #[track_caller]
    pub fn change(&self, address: &str) -> &Change {
        let found = self.changes.iter().find(|(other, _)| other == address);
        &found
            .unwrap_or_else(|| panic!("nothing is planned for {address}:\n{}", self.diags))
            .1
    }

    #[track_caller]
    pub fn action(&self, address: &str) -> Action {
        self.change(address).action
    }

    /// The planned object as JSON, unknown values marked as
    /// [`UNKNOWN`](super::value::UNKNOWN).
    #[track_caller]
    pub fn planned(&self, address: &str) -> Json {
        self.change(address).planned.to_json()
    }

    /// The paths that the replacement is for, as text.
    #[track_caller]
    pub fn replaces_for(&self, address: &str) -> Vec<String> {
        self.change(address)
            .replace_paths
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// True when nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.changes
            .iter()
            .all(|(_, change)| change.action == Action::NoOp)
    }

    /// What differs between prior and planned objects, `address.path` each.
    pub fn differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (address, change) in &self.changes {
            for name in differing(&change.prior, &change.planned) {
                found.push(format!("{address}.{name}"));
            }
        }
        found
    }

    #[track_caller]
    pub fn assert_empty(&self) {
        assert!(!self.diags.has_errors(), "the plan failed:\n{}", self.diags);
        for (address, change) in &self.changes {
            let Change {
                action,
                prior,
                planned,
                ..
            } = change;
            assert!(
                *action == Action::NoOp,
                "the plan is not empty: {action:?} {address}, differing in {:?}\nprior   {prior}\nplanned {planned}",
                differing(prior, planned),
            );
        }
    }
}

/// Names of top-level attributes that differ.
pub fn differing(before: &Val, after: &Val) -> Vec<String> {
    let names: BTreeSet<&String> = before
        .entries()
        .chain(after.entries())
        .map(|(name, _)| name)
        .collect();
    names
        .into_iter()
        .filter(|name| before.get(name) != after.get(name))
        .cloned()
        .collect()
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let changes = self.changes.iter();
        changes
            .into_iter()
            .try_for_each(|(address, change)| writeln!(f, "{:?} {address}", change.action))?;
        write!(f, "{}", self.diags)
    }
}
