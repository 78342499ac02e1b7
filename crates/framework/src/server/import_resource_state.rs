//! `ImportResourceState`: turns an id or an identity into exactly one stub, an
//! object of which only that much is known. Terraform reads it next.

use super::rpc::{Outcome, plain};
use super::{Server, convert, identity};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::plan;
use crate::proto::tfplugin6::import_resource_state::{ImportedResource, Request, Response};
use crate::provider::Provider;
use crate::resource::ImportRequest;

pub(super) fn run<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let resource = server.resource(&request.type_name)?;
    let definition = resource.definition();
    let given = identity::decode(
        resource.identity_schema(),
        "identity",
        request.identity.as_ref(),
    )?;
    let import = if !request.id.is_empty() {
        ImportRequest::Id(request.id.clone())
    } else if !given.is_empty() {
        ImportRequest::Identity(given.clone())
    } else {
        return Err(nothing_named());
    };

    let mut stub = resource.import(import)?;
    plan::null_write_only(definition.schema.attributes, &mut stub);
    // The stub may say less than the practitioner did, and spell it otherwise.
    let mut identity = given;
    identity.extend(identity::of_object(resource.identity_schema(), &stub));
    plain(Response {
        imported_resources: vec![ImportedResource {
            type_name: request.type_name.clone(),
            state: Some(convert::encode(&definition.schema.object_type(), &stub)?),
            private: Vec::new(),
            identity: identity::encode(resource.identity_schema(), &identity)?,
        }],
        ..Response::default()
    })
}

fn nothing_named() -> Diagnostics {
    Diagnostic::error(
        "Import names no object",
        "Neither an id nor an identity was given. Nothing was imported. Set `id` or `identity` \
         in the `import` block.",
    )
    .into()
}
