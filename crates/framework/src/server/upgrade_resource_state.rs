//! `UpgradeResourceState`: makes what lies in a state file a state of the
//! current schema. Called for every object, also when the versions are equal.
//!
//! A state can hold attributes that another version of the provider knew, and
//! lack some that this one knows; neither is an error.

use super::rpc::{Outcome, plain};
use super::{Server, convert};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::proto::tfplugin6::upgrade_resource_state::{Request, Response};
use crate::provider::Provider;
use crate::resource::Upgrader;

pub(super) fn run<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let resource = server.resource(&request.type_name)?;
    let schema = resource.definition().schema;
    let stored = stored_json(request)?;
    let current = if request.version == schema.version {
        stored
    } else {
        upgrade(
            resource.upgraders(),
            request.version,
            schema.version,
            stored,
        )?
    };
    let state = convert::stored(schema, current).map_err(|why| unreadable(&why))?;
    plain(Response {
        upgraded_state: Some(convert::encode(&schema.object_type(), &state)?),
        ..Response::default()
    })
}

fn stored_json(request: &Request) -> Result<serde_json::Value, Diagnostics> {
    let Some(stored) = &request.raw_state else {
        return Err(convert::malformed("raw_state", "It is missing."));
    };
    if stored.json.is_empty() && !stored.flatmap.is_empty() {
        return Err(unreadable(
            "It was written by Terraform before version 0.12. No version of this provider ever \
             worked with that.",
        ));
    }
    serde_json::from_slice(&stored.json).map_err(|_| unreadable("It is not JSON."))
}

fn upgrade(
    upgraders: &[Upgrader],
    from: i64,
    to: i64,
    stored: serde_json::Value,
) -> Result<serde_json::Value, Diagnostics> {
    if from > to {
        return Err(unreadable(&format!(
            "It has schema version {from}, and this version of the provider knows {to} at most. \
             Use the version of the provider that wrote it, or a newer one."
        )));
    }
    let upgrader = upgraders
        .iter()
        .find(|upgrader| upgrader.from_version == from)
        .ok_or_else(|| {
            unreadable(&format!(
                "It has schema version {from}, and the provider cannot upgrade that to {to}. \
                 This is a bug in the provider: report it."
            ))
        })?;
    (upgrader.upgrade)(stored).map_err(|why| unreadable(&why))
}

fn unreadable(why: &str) -> Diagnostics {
    Diagnostic::error(
        "State cannot be read",
        format!(
            "What is stored for this object is not a state of this resource. {why} The state was \
             not changed."
        ),
    )
    .into()
}
