//! `GetProviderSchema`: the static schemas as messages.

use super::get_metadata::capabilities;
use super::{Server, functions};
use crate::documentation;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::get_provider_schema::Response;
use crate::proto::tfplugin6::schema::object::NestingMode;
use crate::provider::Provider;
use crate::schema::{Attribute, AttributeType, Mode, Schema};

pub(super) fn run<P: Provider>(server: &Server<P>) -> Response {
    let resources = server.provider.resources().iter();
    let list_resources = server.provider.list_resources().iter();
    let actions = server.provider.actions().iter();
    let data_sources = server.provider.data_sources().iter();
    let ephemeral_resources = server.provider.ephemeral_resources().iter();
    Response {
        provider: Some(schema(server.provider.schema())),
        resource_schemas: resources
            .map(|resource| {
                let definition = resource.definition();
                (definition.type_name.to_owned(), schema(definition.schema))
            })
            .collect(),
        list_resource_schemas: list_resources
            .map(|list_resource| {
                let definition = list_resource.definition();
                let type_name = definition.resource.type_name.to_owned();
                (type_name, schema(definition.schema))
            })
            .collect(),
        action_schemas: actions
            .map(|action| {
                let definition = action.definition();
                let action_schema = proto::ActionSchema {
                    schema: Some(schema(definition.schema)),
                };
                (definition.type_name.to_owned(), action_schema)
            })
            .collect(),
        data_source_schemas: data_sources
            .map(|data_source| {
                let definition = data_source.definition();
                (definition.type_name.to_owned(), schema(definition.schema))
            })
            .collect(),
        ephemeral_resource_schemas: ephemeral_resources
            .map(|resource| {
                let definition = resource.definition();
                (definition.type_name.to_owned(), schema(definition.schema))
            })
            .collect(),
        functions: functions::signatures(server).collect(),
        server_capabilities: Some(capabilities()),
        ..Response::default()
    }
}

fn schema(schema: &Schema) -> proto::Schema {
    proto::Schema {
        version: schema.version,
        block: Some(proto::schema::Block {
            version: schema.version,
            attributes: attributes(schema.attributes),
            description: schema.description.to_owned(),
            description_kind: proto::StringKind::Markdown.into(),
            ..proto::schema::Block::default()
        }),
    }
}

fn attributes(attributes: &[Attribute]) -> Vec<proto::schema::Attribute> {
    attributes
        .iter()
        .map(|each| attribute(each, attributes))
        .collect()
}

fn attribute(attribute: &Attribute, siblings: &[Attribute]) -> proto::schema::Attribute {
    // Exactly one of type and nested type: Terraform refuses both.
    let (r#type, nested_type) = match attribute.kind {
        AttributeType::Object(inner) => (Vec::new(), Some(nested(NestingMode::Single, inner))),
        AttributeType::List(AttributeType::Object(inner)) => {
            (Vec::new(), Some(nested(NestingMode::List, inner)))
        }
        AttributeType::Map(AttributeType::Object(inner)) => {
            (Vec::new(), Some(nested(NestingMode::Map, inner)))
        }
        kind => (kind.to_type().to_json().to_string().into_bytes(), None),
    };
    proto::schema::Attribute {
        name: attribute.name.to_owned(),
        r#type,
        nested_type,
        description: documentation::text(attribute, siblings),
        description_kind: proto::StringKind::Markdown.into(),
        required: attribute.mode == Mode::Required,
        optional: matches!(attribute.mode, Mode::Optional | Mode::OptionalComputed),
        computed: matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed),
        sensitive: attribute.sensitive,
        write_only: attribute.write_only,
        deprecated: attribute.deprecation.is_some(),
        deprecation_message: attribute.deprecation.unwrap_or_default().to_owned(),
    }
}

fn nested(nesting: NestingMode, inner: &[Attribute]) -> proto::schema::Object {
    proto::schema::Object {
        attributes: attributes(inner),
        nesting: nesting.into(),
        ..proto::schema::Object::default()
    }
}
