//! The methods about ephemeral resources: the provider has none.

use super::convert;
use crate::framework::diagnostics::Diagnostics;

/// The answer to every name.
pub(super) fn absent(type_name: &str) -> Diagnostics {
    convert::absent_kind(
        "Unknown ephemeral resource type",
        "ephemeral resource",
        type_name,
    )
}
