//! `ValidateListResourceConfig`: the rules of a `list` block. Values can be
//! unknown.

use super::{Server, convert};
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6::validate_list_resource_config::{Request, Response};
use crate::provider::Provider;
use crate::validators::validate_config;

pub(super) fn run<P: Provider>(
    server: &Server<P>,
    request: &Request,
) -> Result<Response, Diagnostics> {
    let list_resource = server.list_resource_of(&request.type_name)?;
    let schema = list_resource.definition().schema;
    let config = convert::decode_object(&schema.object_type(), "config", request.config.as_ref())?;
    // No list resource has write-only attributes: what it finds is shown.
    let mut diagnostics = validate_config(schema, &config, false);
    diagnostics.extend(list_resource.validate(&config));
    Ok(Response {
        diagnostics: convert::diagnostics(diagnostics),
    })
}
