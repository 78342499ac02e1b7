//! `ReadDataSource`: what there is now.

use super::rpc::Outcome;
use super::{Server, convert};
use crate::plan;
use crate::proto::tfplugin6::read_data_source::{Request, Response};
use crate::provider::Provider;

/// Terraform calls only where the configuration is known.
pub(super) async fn read<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let data_source = server.data_source(&request.type_name)?;
    let schema = data_source.definition().schema;
    let config = convert::decode_known(&schema.object_type(), request.config.as_ref())?;
    let provider = server.configured()?;
    let context = server.context("read", &config);
    let found = data_source.read(&provider, &context, &config).await?;
    plan::check_result(schema.attributes, &config, &found.state)?;
    let response = Response {
        state: Some(convert::encode(&schema.object_type(), &found.state)?),
        ..Response::default()
    };
    Ok((response, found.warnings))
}
