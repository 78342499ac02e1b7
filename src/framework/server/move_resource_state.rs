//! `MoveResourceState`: turns an object of another type into one of ours. No
//! resource takes any yet, and the capability is not announced; OpenTofu asks
//! all the same.

use super::Server;
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::provider::Provider;
use crate::proto::tfplugin6::move_resource_state::{Request, Response};

pub(super) fn run<P: Provider>(
    server: &Server<P>,
    request: &Request,
) -> Result<Response, Diagnostics> {
    server.resource(&request.target_type_name)?;
    Err(Diagnostic::error(
        "Resource cannot be moved",
        format!(
            "`{}` of the provider `{}` (schema version {}) cannot become a `{}`. The state was \
             not changed. Use a `removed` block for the one and an `import` block for the other.",
            request.source_type_name,
            request.source_provider_address,
            request.source_schema_version,
            request.target_type_name
        ),
    )
    .into())
}
