//! `InvokeAction`: messages about the progress, then exactly one end, whatever
//! happens. Terraform crashes on an event of no type, and never marks an action
//! as done that did not say so.

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tonic::{Response, Status};

use super::events::{self, Events, Shape};
use super::rpc::Rpc;
use super::{Server, convert};
use crate::action::{Event, Progress};
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::invoke_action::Request;
use crate::proto::tfplugin6::invoke_action::event::{self, Type};
use crate::provider::Provider;
use crate::timeouts::Operation;

type Work = Box<dyn FnOnce(mpsc::Sender<Event>) -> BoxFuture<'static, Diagnostics> + Send>;

pub(super) async fn run<P: Provider>(
    server: &Server<P>,
    request: Request,
) -> Result<Response<Events<proto::invoke_action::Event>>, Status> {
    let shape = Shape {
        last: |diagnostics| Some(Event::Completed(diagnostics)),
        message: Box::new(message),
    };
    let rpc = Rpc::action("InvokeAction", &request.action_type);
    events::answer(rpc, shape, async { work(server, &request) }).await
}

fn work<P: Provider>(server: &Server<P>, request: &Request) -> Result<Work, Diagnostics> {
    let action = server.action(&request.action_type)?;
    let definition = action.definition();
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
    let context = server.context(Operation::Invoke, &config, default_timeout);
    Ok(Box::new(move |events| {
        Box::pin(async move {
            let progress = Progress::new(events);
            let provider = &configured.provider;
            action.invoke(provider, &context, config, &progress).await
        })
    }))
}

fn message(event: Event) -> proto::invoke_action::Event {
    let kind = match event {
        Event::Progress(message) => Type::Progress(event::Progress { message }),
        Event::Completed(diagnostics) => Type::Completed(event::Completed {
            diagnostics: convert::diagnostics(diagnostics),
        }),
    };
    proto::invoke_action::Event { r#type: Some(kind) }
}
