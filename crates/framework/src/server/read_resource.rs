//! `ReadResource`: the object as it is now, null when it is gone.

use super::rpc::Outcome;
use super::{Server, convert, identity};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::plan;
use crate::private::Private;
use crate::proto::tfplugin6::read_resource::{Request, Response};
use crate::provider::Provider;
use crate::resource::{ReadRequest, Seen};
use crate::value::Value;

/// Everything stays as it is: Terraform forgets what does not come back.
pub(super) fn fallback(request: &Request) -> Response {
    Response {
        new_state: request.current_state.clone(),
        private: request.private.clone(),
        new_identity: request.current_identity.clone(),
        ..Response::default()
    }
}

pub(super) async fn run<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let resource = server.resource(&request.type_name)?;
    let definition = resource.definition();
    let object_type = definition.schema.object_type();
    let state = convert::decode_object(
        &object_type,
        "current_state",
        request.current_state.as_ref(),
    )?;
    let identity_before = identity::decode(
        resource.identity_schema(),
        "current_identity",
        request.current_identity.as_ref(),
    )?;
    let configured = server.configured()?;
    server.keep_secrets(&configured, definition.schema, &[&state]);
    let context = server.context("read", &state);
    let mut private = Private::from_bytes(&request.private);
    // Of an update that failed.
    let _ = private.take_decision();
    let request_for = ReadRequest {
        state,
        private: private.clone(),
    };
    let read = resource.read(&configured, &context, request_for);
    let saved = match read.await? {
        Seen::There(saved) => saved,
        Seen::Gone(warnings) => {
            let response = Response {
                new_state: Some(convert::encode(&object_type, &Value::Null)?),
                ..Response::default()
            };
            return Ok((response, warnings));
        }
    };
    let mut new_state = saved.state;
    plan::null_write_only(definition.schema.attributes, &mut new_state);
    if !new_state.is_wholly_known() {
        return Err(unknown());
    }
    let identity = identity::of_object(resource.identity_schema(), &new_state);
    if let Some(contradiction) = identity::contradiction(&identity_before, &identity) {
        return Err(contradiction.into());
    }
    let response = Response {
        new_state: Some(convert::encode(&object_type, &new_state)?),
        // Bytes that the provider could not read come back as they were.
        private: if saved.private == private {
            request.private.clone()
        } else {
            saved.private.to_bytes()
        },
        new_identity: identity::encode(resource.identity_schema(), &identity)?
            .or_else(|| request.current_identity.clone()),
        ..Response::default()
    };
    Ok((response, saved.warnings))
}

fn unknown() -> Diagnostics {
    Diagnostic::error(
        "Provider read an unknown value",
        "What was read is not known in every part, which cannot be. The state stays as it is. \
         This is a bug in the provider: report it.",
    )
    .into()
}
