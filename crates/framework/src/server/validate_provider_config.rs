//! `ValidateProviderConfig`: the rules of the `provider` block. Values can be
//! unknown.

use super::{Server, convert};
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6::validate_provider_config::{Request, Response};
use crate::provider::Provider;
use crate::validators::validate_config;

pub(super) fn run<P: Provider>(
    server: &Server<P>,
    request: &Request,
) -> Result<Response, Diagnostics> {
    let schema = server.provider.schema();
    let config = convert::decode_object(&schema.object_type(), "config", request.config.as_ref())?;
    let mut diagnostics = validate_config(schema, &config, true);
    // The provider reads the same values again, and would say the same again.
    if !diagnostics.has_errors() {
        diagnostics.extend(server.provider.validate(&config));
    }
    Ok(Response {
        diagnostics: convert::diagnostics(diagnostics),
    })
}
