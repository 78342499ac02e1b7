//! `ReadDataSource`: what there is now.

use super::{Server, convert};
use crate::diagnostics::Diagnostics;
use crate::plan;
use crate::proto::tfplugin6::read_data_source::{Request, Response};
use crate::provider::Provider;
use crate::timeouts::Operation;

/// Terraform calls only where the configuration is known.
pub(super) async fn read<P: Provider>(
    server: &Server<P>,
    request: &Request,
) -> Result<Response, Diagnostics> {
    let data_source = server.data_source(&request.type_name)?;
    let schema = data_source.definition().schema;
    let config = convert::decode_known(&schema.object_type(), request.config.as_ref())?;
    let provider = server.configured()?;
    let context = server.context(Operation::Read, &config);
    let found = data_source.read(&provider, &context, &config).await?;
    plan::check_result(schema.attributes, &config, &found.state)?;
    Ok(Response {
        state: Some(convert::encode(&schema.object_type(), &found.state)?),
        diagnostics: convert::diagnostics(found.warnings),
        deferred: None,
    })
}
