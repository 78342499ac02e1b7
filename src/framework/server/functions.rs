//! The methods about functions: the provider has none.

use super::convert;
use crate::framework::diagnostics::Diagnostics;
use crate::proto::tfplugin6::get_functions::Response;

/// The signatures of all functions.
pub(super) fn signatures() -> Response {
    Response::default()
}

/// The answer to every call.
pub(super) fn absent(name: &str) -> Diagnostics {
    convert::absent_kind("Unknown function", "function", name)
}
