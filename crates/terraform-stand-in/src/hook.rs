//! A hook around every `ApplyResourceChange`, as Terraform has them: somebody
//! looks before it and judges after it.

use serde_json::Value as Json;

use super::change::Change;
use super::state::{Object, State};
use super::value::Val;

/// Called before an apply with the provider block. It returns what is called
/// after it, if it cares.
pub type PreApply = dyn Fn(&Json) -> Option<Box<PostApply>> + Send + Sync;

/// Called after an apply. An error becomes one of core's, about the provider.
pub type PostApply = dyn FnOnce(&Applied<'_>) -> Result<(), String> + Send;

/// One object that was created, updated or deleted, or should have been.
pub struct Applied<'a> {
    pub type_name: &'a str,
    /// The change as it was planned right before; a destroy as it was planned
    /// at first.
    pub change: &'a Change,
    /// What the user wrote, ignored or not; null for a destroy.
    pub config: &'a Val,
    /// What the state held.
    pub before: Option<&'a Object>,
    /// What the state holds now.
    pub after: Option<&'a Object>,
    pub failed: bool,
    /// The whole state right before.
    pub state: &'a State,
}
