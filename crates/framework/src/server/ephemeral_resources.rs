//! `OpenEphemeralResource`, `RenewEphemeralResource` and `CloseEphemeralResource`.

use super::{Server, convert};
use crate::diagnostics::Diagnostics;
use crate::ephemeral_resource::Opened;
use crate::plan;
use crate::private::Private;
use crate::proto::tfplugin6::{
    close_ephemeral_resource, open_ephemeral_resource, renew_ephemeral_resource,
};
use crate::provider::Provider;
use crate::timeouts::Operation;
use crate::value::Value;

/// Opens it. Terraform calls only where the configuration is known.
pub(super) async fn open<P: Provider>(
    server: &Server<P>,
    request: &open_ephemeral_resource::Request,
) -> Result<open_ephemeral_resource::Response, Diagnostics> {
    let resource = server.ephemeral_resource(&request.type_name)?;
    let schema = resource.definition().schema;
    let config = convert::decode_known(&schema.object_type(), request.config.as_ref())?;
    let provider = server.configured()?;
    let context = server.context(Operation::Open, &config);
    let Opened { result, lease } = resource.open(&provider, &context, &config).await?;
    let result = match result {
        Some(result) => {
            plan::check_result(schema.attributes, &config, &result)?;
            result
        }
        // Terraform plans with it.
        None => plan::known_later(schema.attributes, &config),
    };
    Ok(open_ephemeral_resource::Response {
        result: Some(convert::encode(&schema.object_type(), &result)?),
        diagnostics: convert::diagnostics(lease.warnings),
        renew_at: lease.renew_at.map(Into::into),
        private: Some(lease.private.to_bytes()),
        deferred: None,
    })
}

/// Makes it last longer.
pub(super) async fn renew<P: Provider>(
    server: &Server<P>,
    request: &renew_ephemeral_resource::Request,
) -> Result<renew_ephemeral_resource::Response, Diagnostics> {
    let resource = server.ephemeral_resource(&request.type_name)?;
    let provider = server.configured()?;
    let context = server.context(Operation::Open, &Value::Null);
    let private = Private::from_bytes(request.private());
    let lease = resource.renew(&provider, &context, private).await?;
    Ok(renew_ephemeral_resource::Response {
        diagnostics: convert::diagnostics(lease.warnings),
        renew_at: lease.renew_at.map(Into::into),
        private: Some(lease.private.to_bytes()),
    })
}

/// Gives it back.
pub(super) async fn close<P: Provider>(
    server: &Server<P>,
    request: &close_ephemeral_resource::Request,
) -> Result<close_ephemeral_resource::Response, Diagnostics> {
    let resource = server.ephemeral_resource(&request.type_name)?;
    let provider = server.configured()?;
    let context = server.context(Operation::Open, &Value::Null);
    let private = Private::from_bytes(request.private());
    let diagnostics = resource.close(&provider, &context, private).await;
    Ok(close_ephemeral_resource::Response {
        diagnostics: convert::diagnostics(diagnostics),
    })
}
