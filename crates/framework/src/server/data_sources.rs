//! The methods about data sources: `ValidateDataResourceConfig` and
//! `ReadDataSource`.

use super::{Server, convert};
use crate::data_source::DynDataSource;
use crate::diagnostics::Diagnostics;
use crate::plan;
use crate::proto::tfplugin6::{read_data_source, validate_data_resource_config};
use crate::provider::Provider;
use crate::timeouts::Operation;
use crate::validators::validate_config;

/// The rules of a `data` block. Values can be unknown.
pub(super) fn validate<P: Provider>(
    server: &Server<P>,
    request: &validate_data_resource_config::Request,
) -> Result<validate_data_resource_config::Response, Diagnostics> {
    let data_source = find(server, &request.type_name)?;
    let schema = data_source.definition().schema;
    let config = convert::decode_object(&schema.object_type(), "config", request.config.as_ref())?;
    // There are no write-only attributes that a client would have to know.
    let mut diagnostics = validate_config(schema, &config, false);
    diagnostics.extend(data_source.validate(&config));
    Ok(validate_data_resource_config::Response {
        diagnostics: convert::diagnostics(diagnostics),
    })
}

/// What there is now. Terraform calls only where the configuration is known.
pub(super) async fn read<P: Provider>(
    server: &Server<P>,
    request: &read_data_source::Request,
) -> Result<read_data_source::Response, Diagnostics> {
    let data_source = find(server, &request.type_name)?;
    let definition = data_source.definition();
    let object_type = definition.schema.object_type();
    let config = convert::decode_object(&object_type, "config", request.config.as_ref())?;
    if !config.is_wholly_known() {
        return Err(convert::malformed(
            "config",
            "Not every part of it is known.",
        ));
    }
    let configured = server.configured()?;
    let context = server.context(Operation::Read, &config, definition.default_timeout);
    let found = data_source
        .read(&configured.provider, &context, &config)
        .await?;

    let attributes = definition.schema.attributes;
    let impossible = plan::check_result(attributes, &config, &found.state);
    if impossible.has_errors() {
        return Err(impossible);
    }
    Ok(read_data_source::Response {
        state: Some(convert::encode(&object_type, &found.state)?),
        diagnostics: convert::diagnostics(found.warnings),
        deferred: None,
    })
}

fn find<P: Provider>(
    server: &Server<P>,
    type_name: &str,
) -> Result<&'static dyn DynDataSource<P::Configured>, Diagnostics> {
    let mut data_sources = server.provider.data_sources().iter();
    data_sources
        .find(|data_source| data_source.definition().type_name == type_name)
        .copied()
        .ok_or_else(|| convert::absent_kind("Unknown data source type", "data source", type_name))
}
