//! `PlanAction`: what would prevent an action, as far as a plan can tell.
//! Values can be unknown, and nothing is done yet.

use super::rpc::Outcome;
use super::{Server, convert};
use crate::proto::tfplugin6::plan_action::{Request, Response};
use crate::provider::Provider;

pub(super) fn run<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let action = server.action(&request.action_type)?;
    let object_type = action.definition().schema.object_type();
    let config = convert::decode_object(&object_type, "config", request.config.as_ref())?;
    let configured = server.configured().ok();
    let diagnostics = action.plan(configured.as_deref(), &config);
    Ok((Response::default(), diagnostics))
}
