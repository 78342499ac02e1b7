//! The methods about actions: the provider has none.

use super::convert;
use crate::framework::diagnostics::Diagnostics;
use crate::proto::tfplugin6::invoke_action::Event;
use crate::proto::tfplugin6::invoke_action::event::{Completed, Type};

/// The answer to every name.
pub(super) fn absent(type_name: &str) -> Diagnostics {
    convert::absent_kind("Unknown action type", "action", type_name)
}

/// The last event of an action. There must be exactly one: Terraform crashes
/// on an event of no type, and waits for the end in vain without this one.
pub(super) fn completed() -> Event {
    Event {
        r#type: Some(Type::Completed(Completed::default())),
    }
}
