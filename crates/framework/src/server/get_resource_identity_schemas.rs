//! `GetResourceIdentitySchemas`: what names the remote object of a resource.

use super::Server;
use crate::proto::tfplugin6::ResourceIdentitySchema;
use crate::proto::tfplugin6::get_resource_identity_schemas::Response;
use crate::proto::tfplugin6::resource_identity_schema::IdentityAttribute;
use crate::provider::Provider;
use crate::schema::IdentitySchema;
use crate::types::Type;

pub(super) fn run<P: Provider>(server: &Server<P>) -> Response {
    let resources = server.provider.resources().iter();
    Response {
        identity_schemas: resources
            .map(|resource| {
                let definition = resource.definition();
                (definition.type_name.to_owned(), schema(definition.identity))
            })
            .collect(),
        diagnostics: Vec::new(),
    }
}

fn schema(identity: &IdentitySchema) -> ResourceIdentitySchema {
    let attributes = identity.attributes.iter();
    ResourceIdentitySchema {
        version: identity.version,
        identity_attributes: attributes
            .map(|attribute| IdentityAttribute {
                name: attribute.name.to_owned(),
                r#type: Type::String.to_json().to_string().into_bytes(),
                required_for_import: attribute.required_for_import,
                optional_for_import: !attribute.required_for_import,
                description: attribute.description.to_owned(),
            })
            .collect(),
    }
}
