//! The methods about ephemeral resources: `ValidateEphemeralResourceConfig`,
//! `OpenEphemeralResource`, `RenewEphemeralResource` and
//! `CloseEphemeralResource`.

use super::{Server, convert};
use crate::diagnostics::Diagnostics;
use crate::ephemeral_resource::{DynEphemeralResource, Opened};
use crate::plan;
use crate::private::Private;
use crate::proto::tfplugin6::{
    close_ephemeral_resource, open_ephemeral_resource, renew_ephemeral_resource,
    validate_ephemeral_resource_config,
};
use crate::provider::Provider;
use crate::schema::{Attribute, Mode};
use crate::timeouts::Operation;
use crate::validators::validate_config;
use crate::value::Value;

/// The rules of an `ephemeral` block. Values can be unknown.
pub(super) fn validate<P: Provider>(
    server: &Server<P>,
    request: &validate_ephemeral_resource_config::Request,
) -> Result<validate_ephemeral_resource_config::Response, Diagnostics> {
    let resource = find(server, &request.type_name)?;
    let schema = resource.definition().schema;
    let config = convert::decode_object(&schema.object_type(), "config", request.config.as_ref())?;
    // There are no write-only attributes that a client would have to know.
    let mut diagnostics = validate_config(schema, &config, false);
    diagnostics.extend(resource.validate(&config));
    Ok(validate_ephemeral_resource_config::Response {
        diagnostics: convert::diagnostics(diagnostics),
    })
}

/// Opens it. Terraform calls only where the configuration is known.
pub(super) async fn open<P: Provider>(
    server: &Server<P>,
    request: &open_ephemeral_resource::Request,
) -> Result<open_ephemeral_resource::Response, Diagnostics> {
    let resource = find(server, &request.type_name)?;
    let definition = resource.definition();
    let object_type = definition.schema.object_type();
    let config = convert::decode_object(&object_type, "config", request.config.as_ref())?;
    if !config.is_wholly_known() {
        return Err(convert::malformed(
            "config",
            "Not every part of it is known.",
        ));
    }
    let configured = server.configured()?;
    let context = server.context(Operation::Open, &config, definition.default_timeout);
    let Opened { result, lease } = resource
        .open(&configured.provider, &context, &config)
        .await?;

    let attributes = definition.schema.attributes;
    let result = match result {
        Some(result) => {
            let impossible = plan::check_result(attributes, &config, &result);
            if impossible.has_errors() {
                return Err(impossible);
            }
            result
        }
        None => known_later(attributes, config),
    };
    Ok(open_ephemeral_resource::Response {
        result: Some(convert::encode(&object_type, &result)?),
        diagnostics: convert::diagnostics(lease.warnings),
        renew_at: lease.renew_at.map(Into::into),
        private: Some(lease.private.to_bytes()),
        deferred: None,
    })
}

/// What is configured, and every value that the provider gives unknown:
/// Terraform plans with it.
fn known_later(attributes: &[Attribute], mut config: Value) -> Value {
    if let Value::Object(entries) = &mut config {
        for attribute in attributes {
            let given = entries
                .get(attribute.name)
                .is_some_and(|value| !value.is_null());
            if !given && matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed) {
                entries.insert(attribute.name.to_owned(), Value::Unknown);
            }
        }
    }
    config
}

/// Makes it last longer.
pub(super) async fn renew<P: Provider>(
    server: &Server<P>,
    request: &renew_ephemeral_resource::Request,
) -> Result<renew_ephemeral_resource::Response, Diagnostics> {
    let resource = find(server, &request.type_name)?;
    let configured = server.configured()?;
    let context = server.context(
        Operation::Open,
        &Value::Null,
        resource.definition().default_timeout,
    );
    let private = Private::from_bytes(request.private());
    let lease = resource
        .renew(&configured.provider, &context, private)
        .await?;
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
    let resource = find(server, &request.type_name)?;
    let configured = server.configured()?;
    let context = server.context(
        Operation::Open,
        &Value::Null,
        resource.definition().default_timeout,
    );
    let private = Private::from_bytes(request.private());
    let diagnostics = resource
        .close(&configured.provider, &context, private)
        .await;
    Ok(close_ephemeral_resource::Response {
        diagnostics: convert::diagnostics(diagnostics),
    })
}

fn find<P: Provider>(
    server: &Server<P>,
    type_name: &str,
) -> Result<&'static dyn DynEphemeralResource<P::Configured>, Diagnostics> {
    let mut resources = server.provider.ephemeral_resources().iter();
    resources
        .find(|resource| resource.definition().type_name == type_name)
        .copied()
        .ok_or_else(|| {
            convert::absent_kind(
                "Unknown ephemeral resource type",
                "ephemeral resource",
                type_name,
            )
        })
}
