//! Objects that another provider managed until now: what `moved` blocks from the
//! resources of SAP's provider for BTP have in common.
//!
//! What is taken over is only which object it is. The next read looks at SAP and
//! fills in the rest, as after an import: the other state has secrets in clear,
//! and the values of another tool's view of the object.

use serde_json::{Value, json};

use super::ids::{DEFAULT_LEVEL, INSTANCE_LEVEL, id_of};

/// Namespace and type of SAP's provider for BTP.
pub(crate) const BTP: &str = "sap/btp";

/// The object that a state of that provider is about; `attribute` has its name.
pub(crate) fn taken_over(
    state: &Value,
    attribute: &str,
    name: Option<&str>,
) -> Result<Value, String> {
    let name = name.ok_or_else(|| format!("It does not say the `{attribute}`."))?;
    let subaccount = text(state, "subaccount_id");
    let subaccount = subaccount.ok_or("It does not say the `subaccount_id`.")?;
    let instance = text(state, "service_instance_id");
    let level = instance.map_or(DEFAULT_LEVEL, |_| INSTANCE_LEVEL);
    Ok(json!({
        "id": id_of(level, name),
        "name": name,
        "level": level,
        "subaccount_id": subaccount,
        "instance_id": instance,
    }))
}

/// A text of the other state that is not empty.
pub(crate) fn text<'a>(state: &'a Value, name: &str) -> Option<&'a str> {
    state.get(name)?.as_str().filter(|text| !text.is_empty())
}
