//! `GetResourceIdentitySchemas`: what names the remote object of a resource.

use super::{Server, convert};
use crate::proto::tfplugin6::ResourceIdentitySchema;
use crate::proto::tfplugin6::get_resource_identity_schemas::Response;
use crate::proto::tfplugin6::resource_identity_schema::IdentityAttribute;
use crate::provider::Provider;
use crate::schema::{IdentitySchema, Mode};

pub(super) fn run<P: Provider>(server: &Server<P>) -> Response {
    let resources = server.provider.resources().iter();
    Response {
        identity_schemas: resources
            .map(|resource| {
                let type_name = resource.definition().type_name.to_owned();
                (type_name, schema(resource.identity_schema()))
            })
            .collect(),
        diagnostics: Vec::new(),
    }
}

fn schema(identity: &IdentitySchema) -> ResourceIdentitySchema {
    let attributes = identity.attributes().iter();
    ResourceIdentitySchema {
        version: 0,
        identity_attributes: attributes
            .map(|attribute| IdentityAttribute {
                name: attribute.name.to_owned(),
                r#type: convert::attribute_type(&attribute.kind),
                required_for_import: attribute.mode == Mode::Required,
                optional_for_import: attribute.mode == Mode::Optional,
                description: attribute.description.to_owned(),
            })
            .collect(),
    }
}
