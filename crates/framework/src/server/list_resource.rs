//! `ListResource`: objects as they are found, each with its identity. Errors
//! and warnings about the whole list are an event without an object.

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tonic::{Response, Status};

use super::events::{self, Events, Shape};
use super::rpc::Rpc;
use super::{Server, convert, identity};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::list_resource::{Event, ListRequest, Results};
use crate::plan;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::list_resource::Request;
use crate::provider::Provider;
use crate::resource::DynResource;
use crate::timeouts::Operation;
use crate::value::Value;

type Work = Box<dyn FnOnce(mpsc::Sender<Event>) -> BoxFuture<'static, Diagnostics> + Send>;

pub(super) async fn run<P: Provider>(
    server: &Server<P>,
    request: Request,
) -> Result<Response<Events<proto::list_resource::Event>>, Status> {
    let resource = server.resource(&request.type_name).ok();
    let include_object = request.include_resource_object;
    let shape = Shape {
        last: |diagnostics| (!diagnostics.is_empty()).then_some(Event::Message(diagnostics)),
        message: Box::new(move |event| message(resource, include_object, event)),
    };
    let rpc = Rpc::list_resource("ListResource", &request.type_name);
    events::answer(rpc, shape, async { work(server, &request) }).await
}

fn work<P: Provider>(server: &Server<P>, request: &Request) -> Result<Work, Diagnostics> {
    let list_resource = server.list_resource_of(&request.type_name)?;
    let definition = list_resource.definition();
    let config = convert::decode_object(
        &definition.schema.object_type(),
        "config",
        request.config.as_ref(),
    )?;
    if !config.is_wholly_known() {
        return Err(convert::malformed("config", "A value in it is unknown."));
    }
    let configured = server.configured()?;
    let default_timeout = definition.default_timeout;
    let context = server.context(Operation::List, &config, default_timeout);
    let limit = usize::try_from(request.limit).unwrap_or(0);
    let list_request = ListRequest {
        config,
        include_object: request.include_resource_object,
    };
    Ok(Box::new(move |events| {
        Box::pin(async move {
            let mut results = Results::new(definition.resource, events, limit);
            let provider = &configured.provider;
            list_resource
                .list(provider, &context, list_request, &mut results)
                .await
        })
    }))
}

/// An event as a message; what cannot be told as such is an error.
fn message<P>(
    resource: Option<&dyn DynResource<P>>,
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

fn failure(diagnostics: Diagnostics) -> proto::list_resource::Event {
    proto::list_resource::Event {
        diagnostic: convert::diagnostics(diagnostics),
        ..proto::list_resource::Event::default()
    }
}

fn found<P>(
    resource: Option<&dyn DynResource<P>>,
    include_object: bool,
    mut object: Value,
    display_name: String,
) -> Result<proto::list_resource::Event, Diagnostics> {
    let resource = resource.ok_or_else(nameless)?;
    let definition = resource.definition();
    plan::null_write_only(definition.schema.attributes, &mut object);
    let texts = identity::of_state(resource, &object)?;
    let identity = identity::encode(definition.identity, &texts)?.ok_or_else(nameless)?;
    let resource_object = include_object
        .then(|| convert::encode(&definition.schema.object_type(), &object))
        .transpose()?;
    Ok(proto::list_resource::Event {
        identity: Some(identity),
        display_name,
        resource_object,
        diagnostic: Vec::new(),
    })
}

/// Terraform cannot do anything with an object that it cannot name.
fn nameless() -> Diagnostics {
    Diagnostic::error(
        "Provider found an object without an identity",
        "An object was found and nothing says which one it is, so that it could not be imported. \
         This is a bug in the provider: report it.",
    )
    .into()
}
