//! `ValidateResourceConfig`: the rules of a `resource` block. Values can be
//! unknown.

use super::{Server, convert};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::Provider;
use crate::proto::tfplugin6::validate_resource_config::{Request, Response};

pub(super) fn run<P: Provider>(
    server: &Server<P>,
    request: &Request,
) -> Result<Response, Diagnostics> {
    let resource = server.resource(&request.type_name)?;
    let schema = resource.definition().schema;
    let config = convert::decode_object(&schema.object_type(), "config", request.config.as_ref())?;
    let diagnostics = resource.validate(&config);
    Ok(Response {
        diagnostics: convert::diagnostics(diagnostics),
    })
}
