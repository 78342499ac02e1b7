//! `UpgradeResourceIdentity`: Terraform calls it where the version of what lies in
//! a state file is not that of the identity schema. Ours have no version, so only
//! another provider, or a later one, can have written that.

use super::rpc::{Outcome, plain};
use super::{Server, convert, identity};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::proto::tfplugin6::upgrade_resource_identity::{Request, Response};
use crate::provider::Provider;
use crate::wire::json::{self, Leniency};

pub(super) fn run<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let resource = server.resource(&request.type_name)?;
    let schema = resource.identity_schema();
    let Some(stored) = &request.raw_identity else {
        return Err(convert::malformed("raw_identity", "It is missing."));
    };
    if request.version != 0 {
        return Err(unreadable(&format!(
            "It has version {}, and this version of the provider knows `0` only. Use the version \
             of the provider that wrote it, or a newer one.",
            request.version
        )));
    }
    let identity = json::decode(&schema.object_type(), &stored.json, Leniency::Lenient)
        .map_err(|error| unreadable(&error.to_string()))?;
    let texts = identity::of_object(schema, &identity);
    plain(Response {
        upgraded_identity: identity::encode(schema, &texts)?,
        ..Response::default()
    })
}

fn unreadable(why: &str) -> Diagnostics {
    Diagnostic::error(
        "Identity cannot be read",
        format!(
            "What is stored as the identity of this object is not one of this resource. {why} \
             The state was not changed."
        ),
    )
    .into()
}
