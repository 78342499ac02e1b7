//! `GenerateResourceConfig`: turns the state of an imported object into the
//! configuration that would have made it.

use super::rpc::{Outcome, plain};
use super::{Server, convert};
use crate::plan;
use crate::proto::tfplugin6::generate_resource_config::{Request, Response};
use crate::provider::Provider;
use crate::schema::{Attribute, Mode};
use crate::value::Value;

pub(super) fn run<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let resource = server.resource(&request.type_name)?;
    let schema = resource.definition().schema;
    let object_type = schema.object_type();
    let mut config = convert::decode_object(&object_type, "state", request.state.as_ref())?;
    plan::null_where(schema.attributes, &mut config, is_not_configurable);
    if let Value::Object(attributes) = &mut config {
        let configured = server.configured().ok();
        let provider = configured.as_deref();
        resource.complete_generated(provider, attributes);
    }
    plain(Response {
        config: Some(convert::encode(&object_type, &config)?),
        ..Response::default()
    })
}

/// What a configuration cannot or need not say.
fn is_not_configurable(attribute: &Attribute, value: &Value) -> bool {
    let is_empty_text = attribute.mode != Mode::Required && value.as_str() == Some("");
    attribute.mode == Mode::Computed
        || attribute.write_only
        || attribute.deprecation.is_some()
        || is_empty_text
}
