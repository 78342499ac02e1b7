//! The methods about data sources: the provider has none.

use super::convert;
use crate::framework::diagnostics::Diagnostics;

/// The answer to every name.
pub(super) fn absent(type_name: &str) -> Diagnostics {
    convert::absent_kind("Unknown data source type", "data source", type_name)
}
