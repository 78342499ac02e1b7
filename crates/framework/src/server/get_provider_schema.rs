//! `GetProviderSchema`: the static schemas as messages.

use super::get_metadata::capabilities;
use super::{Server, convert, functions};
use crate::definition::Described;
use crate::documentation;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::get_provider_schema::Response;
use crate::proto::tfplugin6::schema::object::NestingMode;
use crate::provider::Provider;
use crate::schema::{Attribute, AttributeType, Mode, Schema};

pub(super) fn run<P: Provider>(server: &Server<P>) -> Response {
    let provider = server.provider;
    let actions = schemas(provider.actions()).map(|(type_name, schema)| {
        let schema = Some(schema);
        (type_name, proto::ActionSchema { schema })
    });
    Response {
        provider: Some(schema(provider.definition().schema)),
        resource_schemas: schemas(provider.resources()).collect(),
        list_resource_schemas: schemas(provider.list_resources()).collect(),
        action_schemas: actions.collect(),
        data_source_schemas: schemas(provider.data_sources()).collect(),
        ephemeral_resource_schemas: schemas(provider.ephemeral_resources()).collect(),
        functions: functions::signatures(server).collect(),
        server_capabilities: Some(capabilities()),
        ..Response::default()
    }
}

/// Schemas by type name.
fn schemas<T: Described + ?Sized>(
    all: &'static [&'static T],
) -> impl Iterator<Item = (String, proto::Schema)> {
    all.iter().map(|one| {
        let definition = one.definition();
        (definition.type_name.to_owned(), schema(definition.schema))
    })
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
        kind => (convert::attribute_type(&kind), None),
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
