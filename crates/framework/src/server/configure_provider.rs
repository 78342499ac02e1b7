//! `ConfigureProvider`: hands over the `provider` block. In debug mode it is
//! called many times in one process; operations in flight keep the
//! configuration they began with.

use std::sync::Arc;

use super::rpc::Outcome;
use super::{Configuration, Server, convert};
use crate::proto::tfplugin6::configure_provider::{Request, Response};
use crate::provider::Provider;

pub(super) fn run<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    // Whatever happens below: the configuration before does not count any more.
    server.configure(Configuration::Failed);
    let config = convert::decode_object(
        &server.provider.definition().schema.object_type(),
        "config",
        request.config.as_ref(),
    )?;
    let terraform_version = &request.terraform_version;
    let (provider, warnings) = server.provider.configure(&config, terraform_version)?;
    server.configure(Configuration::Done(Arc::new(provider)));
    Ok((Response::default(), warnings))
}
