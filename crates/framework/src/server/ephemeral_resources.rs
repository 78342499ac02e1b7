//! `OpenEphemeralResource`: what exists while Terraform works.

use super::rpc::Outcome;
use super::{Server, convert};
use crate::ephemeral_resource::Opened;
use crate::plan;
use crate::proto::tfplugin6::open_ephemeral_resource::{Request, Response};
use crate::provider::Provider;

/// Opens it. Terraform calls only where the configuration is known.
pub(super) async fn open<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let resource = server.ephemeral_resource(&request.type_name)?;
    let schema = resource.definition().schema;
    let config = convert::decode_known(&schema.object_type(), request.config.as_ref())?;
    let provider = server.configured()?;
    let context = server.context("open", &config);
    let Opened { result, warnings } = resource.open(&provider, &context, &config).await?;
    let result = match result {
        Some(result) => {
            plan::check_result(schema.attributes, &config, &result)?;
            result
        }
        // Terraform plans with it.
        None => plan::known_later(schema.attributes, &config),
    };
    let response = Response {
        result: Some(convert::encode(&schema.object_type(), &result)?),
        ..Response::default()
    };
    Ok((response, warnings))
}
