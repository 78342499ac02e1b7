//! `InvokeAction`: messages about the progress, then exactly one end, whatever
//! happens. Terraform crashes on an event of no type, and never marks an action
//! as done that did not say so.

use tokio::sync::mpsc;

use super::events::Work;
use super::{Server, convert};
use crate::action::Progress;
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::invoke_action::Request;
use crate::proto::tfplugin6::invoke_action::event::{self, Type};
use crate::provider::Provider;

pub(super) fn prepare<P: Provider>(
    server: &Server<P>,
    request: &Request,
    events: mpsc::Sender<String>,
) -> Result<Work<String, proto::invoke_action::Event>, Diagnostics> {
    let action = server.action(&request.action_type)?;
    let schema = action.definition().schema;
    let config = convert::decode_known(&schema.object_type(), request.config.as_ref())?;
    let provider = server.configured()?;
    let context = server.context("invoke", &config);
    let work = async move {
        let progress = Progress::new(events);
        action.invoke(&provider, &context, config, &progress).await
    };
    let message = |message| of_type(Type::Progress(event::Progress { message }));
    Ok((Box::pin(work), Box::new(message)))
}

pub(super) fn completed(diagnostics: Diagnostics) -> proto::invoke_action::Event {
    of_type(Type::Completed(event::Completed {
        diagnostics: convert::diagnostics(diagnostics),
    }))
}

fn of_type(of: Type) -> proto::invoke_action::Event {
    proto::invoke_action::Event { r#type: Some(of) }
}
