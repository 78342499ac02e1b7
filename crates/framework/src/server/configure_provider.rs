//! `ConfigureProvider`: hands over the `provider` block. In debug mode it is
//! called many times in one process; operations in flight keep the
//! configuration they began with.

use std::sync::Arc;

use super::{Configuration, Server, convert};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::proto::tfplugin6::configure_provider::{Request, Response};
use crate::provider::Provider;

pub(super) fn run<P: Provider>(
    server: &Server<P>,
    request: &Request,
) -> Result<Response, Diagnostics> {
    // Whatever happens below: the configuration before does not count any more.
    server.configure(Configuration::Failed);
    let config = convert::decode_object(
        &server.provider.definition().schema.object_type(),
        "config",
        request.config.as_ref(),
    )?;
    let (provider, mut diagnostics) = server
        .provider
        .configure(&config, &request.terraform_version);
    match provider {
        Some(provider) if !diagnostics.has_errors() => {
            server.configure(Configuration::Done(Arc::new(provider)));
        }
        None if !diagnostics.has_errors() => diagnostics.push(Diagnostic::error(
            "Provider is not configured",
            "The provider did not accept its configuration and gave no reason. This is a bug in \
             the provider: report it.",
        )),
        _ => {}
    }
    Ok(Response {
        diagnostics: convert::diagnostics(diagnostics),
    })
}
