//! What is planned for one object.

use super::rules::Action;
use super::value::{Path, Val};

/// The plan for one object.
#[derive(Clone, Debug)]
pub struct Change {
    pub action: Action,
    /// The object in the state, also when it is tainted.
    pub prior: Val,
    pub planned: Val,
    pub private: Vec<u8>,
    pub identity: Val,
    pub replace_paths: Vec<Path>,
}
