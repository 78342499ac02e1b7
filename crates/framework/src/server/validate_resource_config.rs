//! `ValidateResourceConfig`: the rules of a `resource` block. Values can be
//! unknown.

use super::{Server, convert};
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6::validate_resource_config::{Request, Response};
use crate::provider::Provider;
use crate::validators::validate_config;

pub(super) fn run<P: Provider>(
    server: &Server<P>,
    request: &Request,
) -> Result<Response, Diagnostics> {
    let resource = server.resource(&request.type_name)?;
    let schema = resource.definition().schema;
    let config = convert::decode_object(&schema.object_type(), "config", request.config.as_ref())?;
    // A client that says nothing knows nothing.
    let capabilities = request.client_capabilities.unwrap_or_default();
    let mut diagnostics =
        validate_config(schema, &config, capabilities.write_only_attributes_allowed);
    diagnostics.extend(resource.validate(&config));
    Ok(Response {
        diagnostics: convert::diagnostics(diagnostics),
    })
}
