//! `ValidateActionConfig`: the rules of an `action` block. Values can be
//! unknown.

use super::{Server, convert};
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6::validate_action_config::{Request, Response};
use crate::provider::Provider;
use crate::validators::validate_config;

pub(super) fn run<P: Provider>(
    server: &Server<P>,
    request: &Request,
) -> Result<Response, Diagnostics> {
    let action = server.action(&request.type_name)?;
    let schema = action.definition().schema;
    let config = convert::decode_object(&schema.object_type(), "config", request.config.as_ref())?;
    // Every client that knows actions knows write-only attributes.
    let mut diagnostics = validate_config(schema, &config, true);
    diagnostics.extend(action.validate(&config));
    Ok(Response {
        diagnostics: convert::diagnostics(diagnostics),
    })
}
