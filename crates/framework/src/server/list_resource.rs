//! `ListResource`: objects as they are found, each with its identity. Errors
//! and warnings about the whole list are an event without an object.

use tokio::sync::mpsc;

use super::events::Work;
use super::{Server, convert, identity};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::list_resource::{Event, ListRequest, Results};
use crate::plan;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::list_resource::Request;
use crate::provider::Provider;
use crate::resource::DynResource;
use crate::value::Value;

pub(super) fn prepare<P: Provider>(
    server: &Server<P>,
    request: &Request,
    events: mpsc::Sender<Event>,
) -> Result<Work<Event, proto::list_resource::Event>, Diagnostics> {
    let list_resource = server.list_resource_of(&request.type_name)?;
    let resource = server.resource(&request.type_name)?;
    let schema = list_resource.definition().schema;
    let config = convert::decode_known(&schema.object_type(), request.config.as_ref())?;
    let provider = server.configured()?;
    let context = server.context("list", &config);
    let limit = usize::try_from(request.limit).unwrap_or(0);
    let include_object = request.include_resource_object;
    let request = ListRequest {
        config,
        include_object,
    };
    let work = async move {
        let mut results = Results::new(resource.definition().schema, events, limit);
        list_resource
            .list(&provider, &context, request, &mut results)
            .await
    };
    let message = move |event| message(resource, include_object, event);
    Ok((Box::pin(work), Box::new(message)))
}

/// An event as a message; what cannot be told as such is an error.
fn message<P>(
    resource: &dyn DynResource<P>,
    include_object: bool,
    event: Event,
) -> proto::list_resource::Event {
    match event {
        Event::Found {
            object,
            display_name,
        } => found(resource, include_object, object, display_name).unwrap_or_else(failure),
        Event::Message(diagnostics) => failure(diagnostics),
    }
}

pub(super) fn failure(diagnostics: Diagnostics) -> proto::list_resource::Event {
    proto::list_resource::Event {
        diagnostic: convert::diagnostics(diagnostics),
        ..proto::list_resource::Event::default()
    }
}

fn found<P>(
    resource: &dyn DynResource<P>,
    include_object: bool,
    mut object: Value,
    display_name: String,
) -> Result<proto::list_resource::Event, Diagnostics> {
    let schema = resource.definition().schema;
    plan::null_write_only(schema.attributes, &mut object);
    let identity_schema = resource.identity_schema();
    let texts = identity::of_object(identity_schema, &object);
    let identity = identity::encode(identity_schema, &texts)?;
    let resource_object = include_object
        .then(|| convert::encode(&schema.object_type(), &object))
        .transpose()?;
    Ok(proto::list_resource::Event {
        identity: Some(identity.ok_or_else(without_identity)?),
        display_name,
        resource_object,
        diagnostic: Vec::new(),
    })
}

/// Terraform cannot do anything with an object that it cannot name.
fn without_identity() -> Diagnostics {
    Diagnostic::error(
        "Provider found an object without an identity",
        "An object was found and nothing says which one it is, so that it could not be imported. \
         This is a bug in the provider: report it.",
    )
    .into()
}
