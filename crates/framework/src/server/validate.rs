//! The `Validate…Config` methods: the rules of a block, by its schema and by its
//! own. Values can be unknown.

use super::convert;
use super::rpc::Outcome;
use crate::definition::{Described, Kind};
use crate::proto::tfplugin6::DynamicValue;
use crate::validation::validate_config;

/// What is wrong with a block. `write_only_allowed` says whether the client
/// knows write-only attributes; nothing but a resource has any.
pub(super) fn block<R: Default>(
    described: &(impl Described + ?Sized),
    config: Option<&DynamicValue>,
    write_only_allowed: bool,
) -> Outcome<R> {
    let definition = described.definition();
    let schema = definition.schema;
    let config = convert::decode_object(&schema.object_type(), "config", config)?;
    let mut diagnostics = validate_config(schema, &config, write_only_allowed);
    // The provider reads the same values again, and would say the same again.
    if definition.kind() != Kind::Provider || !diagnostics.has_errors() {
        diagnostics.extend(described.validate(&config));
    }
    Ok((R::default(), diagnostics))
}
