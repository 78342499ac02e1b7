//! `PlanResourceChange`: see [`plan`](crate::plan) for the algorithm.

use super::rpc::Outcome;
use super::{Server, convert};
use crate::plan::Change;
use crate::private::Private;
use crate::proto::tfplugin6::plan_resource_change::{Request, Response};
use crate::provider::Provider;

/// Terraform's own proposal; it is not looked at when there are errors.
pub(super) fn fallback(request: &Request) -> Response {
    Response {
        planned_state: request.proposed_new_state.clone(),
        planned_private: request.prior_private.clone(),
        planned_identity: request.prior_identity.clone(),
        ..Response::default()
    }
}

pub(super) fn run<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let resource = server.resource(&request.type_name)?;
    let object_type = resource.definition().schema.object_type();
    let prior = convert::decode(&object_type, "prior_state", request.prior_state.as_ref())?;
    let config = convert::decode(&object_type, "config", request.config.as_ref())?;
    if prior.is_null() && config.is_null() {
        return Err(convert::malformed(
            "config",
            "It is null, and there is no prior state either.",
        ));
    }
    let (creates, config_is_null) = (prior.is_null(), config.is_null());
    let private = Private::from_bytes(&request.prior_private);
    // Without a configured provider a plan is possible; it knows less.
    let configured = server.configured().ok();
    let change = Change {
        config,
        prior,
        private,
    };
    let planned = resource.plan(configured.as_deref(), change);

    if planned.diagnostics.has_errors() {
        return Err(planned.diagnostics);
    }
    let replace = planned.replace.iter();
    let response = Response {
        planned_state: Some(convert::encode(&object_type, &planned.state)?),
        requires_replace: replace.map(convert::attribute_path).collect(),
        planned_private: if config_is_null {
            // Bytes that the provider could not read stay as they were.
            request.prior_private.clone()
        } else {
            planned.private.to_bytes()
        },
        // A new object gets a new identity, also as a replacement.
        planned_identity: request.prior_identity.clone().filter(|_| !creates),
        ..Response::default()
    };
    Ok((response, planned.diagnostics))
}
