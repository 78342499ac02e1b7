//! `MoveResourceState`: turns an object of another type into one of ours, as a
//! `moved` block says. Asked of a process that is not configured.
//!
//! What was kept beside the other object is another provider's business and is
//! dropped, as is its identity.

use super::rpc::{Outcome, plain};
use super::{Server, convert, identity};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::proto::tfplugin6::move_resource_state::{Request, Response};
use crate::provider::Provider;
use crate::resource::Mover;

pub(super) fn run<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let resource = server.resource(&request.target_type_name)?;
    let schema = resource.definition().schema;
    let mover = mover(resource.movers(), request)?;
    let source = request.source_state.as_ref();
    let source = source.map(|state| serde_json::from_slice(&state.json));
    let Some(Ok(source)) = source else {
        return Err(refused(request, "Its state is not JSON."));
    };
    let state = (mover.convert)(&source)
        .and_then(|moved| convert::stored(schema, moved))
        .map_err(|why| refused(request, &why))?;
    let known = identity::of_object(resource.identity_schema(), &state);
    plain(Response {
        target_state: Some(convert::encode(&schema.object_type(), &state)?),
        target_identity: identity::encode(resource.identity_schema(), &known)?,
        ..Response::default()
    })
}

fn mover(movers: &'static [Mover], request: &Request) -> Result<&'static Mover, Diagnostics> {
    let address = request.source_provider_address.to_ascii_lowercase();
    let provider = address.split_once('/').map_or("", |(_, provider)| provider);
    let found = movers.iter().find(|mover| {
        mover.source_provider == provider && mover.source_type == request.source_type_name
    });
    let Some(mover) = found else {
        let known: Vec<String> = movers
            .iter()
            .map(|mover| format!("`{}` of `{}`", mover.source_type, mover.source_provider))
            .collect();
        let why = if known.is_empty() {
            "It takes objects of no other type.".to_owned()
        } else {
            format!("It takes {}.", known.join(", "))
        };
        return Err(refused(request, &why));
    };
    if mover
        .source_versions
        .contains(&request.source_schema_version)
    {
        return Ok(mover);
    }
    Err(refused(
        request,
        "The shape of that version is not known here. Apply once with a version of that provider \
         that writes another one, or update this provider.",
    ))
}

fn refused(request: &Request, why: &str) -> Diagnostics {
    Diagnostic::error(
        "Resource cannot be moved",
        format!(
            "`{}` of the provider `{}` (schema version {}) cannot become a `{}`. {why}\n\nThe \
             state was not changed. Without a move, use a `removed` block for the one and an \
             `import` block for the other.",
            request.source_type_name,
            request.source_provider_address,
            request.source_schema_version,
            request.target_type_name
        ),
    )
    .into()
}
