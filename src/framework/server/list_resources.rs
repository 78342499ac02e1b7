//! The methods about list resources: the provider has none.

use super::convert;
use crate::framework::diagnostics::Diagnostics;

/// The answer to every name.
pub(super) fn absent(type_name: &str) -> Diagnostics {
    convert::absent_kind("Unknown list resource type", "list resource", type_name)
}
