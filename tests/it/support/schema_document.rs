//! The provider's schemas as JSON, in the shape of `terraform providers schema
//! -json`, made from the very answers that Terraform gets: what the tests of
//! pages and examples hold names against.

use std::collections::{BTreeMap, HashMap};

use framework::proto::tfplugin6 as proto;
use framework::proto::tfplugin6::provider_server::Provider;
use serde_json::{Map, Value as Json, json};
use tonic::{Request, Status};

/// The schemas of the built provider, by kind and name.
pub(crate) fn schemas() -> Map<String, Json> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let provider = sapcalm::provider::service();
    runtime.block_on(document(&provider)).unwrap()
}

async fn document(provider: &impl Provider) -> Result<Map<String, Json>, Status> {
    let request = Request::new(proto::get_provider_schema::Request {});
    let schemas = provider.get_provider_schema(request).await?.into_inner();
    let request = Request::new(proto::get_resource_identity_schemas::Request {});
    let identities = provider.get_resource_identity_schemas(request).await?;
    let identities = identities.into_inner().identity_schemas;

    let mut document = Map::new();
    let provider_schema = schemas.provider.as_ref().map(schema);
    document.insert("provider".to_owned(), provider_schema.unwrap_or_default());
    let kinds = [
        ("resource_schemas", &schemas.resource_schemas),
        ("data_source_schemas", &schemas.data_source_schemas),
        (
            "ephemeral_resource_schemas",
            &schemas.ephemeral_resource_schemas,
        ),
        ("list_resource_schemas", &schemas.list_resource_schemas),
    ];
    for (name, schemas) in kinds {
        insert(&mut document, name, by_name(schemas, schema));
    }
    insert(
        &mut document,
        "action_schemas",
        by_name(&schemas.action_schemas, action),
    );
    insert(
        &mut document,
        "functions",
        by_name(&schemas.functions, function),
    );
    insert(
        &mut document,
        "resource_identity_schemas",
        by_name(&identities, identity),
    );
    Ok(document)
}

/// Terraform leaves out what is empty.
fn insert(object: &mut Map<String, Json>, name: &str, members: Json) {
    if members
        .as_object()
        .is_some_and(|members| !members.is_empty())
    {
        object.insert(name.to_owned(), members);
    }
}

/// An object with its members in alphabetical order.
fn by_name<T>(items: &HashMap<String, T>, convert: impl Fn(&T) -> Json) -> Json {
    let sorted: BTreeMap<&String, &T> = items.iter().collect();
    let members = sorted
        .into_iter()
        .map(|(name, item)| (name.clone(), convert(item)));
    Json::Object(members.collect())
}

fn schema(schema: &proto::Schema) -> Json {
    let empty = proto::schema::Block::default();
    let block = schema.block.as_ref().unwrap_or(&empty);
    let mut members = Map::new();
    insert(&mut members, "attributes", attributes(&block.attributes));
    describe(&mut members, &block.description, block.description_kind);
    json!({ "version": schema.version, "block": members })
}

/// An action has no version, as nothing of it is stored.
fn action(action: &proto::ActionSchema) -> Json {
    let Some(Json::Object(mut members)) = action.schema.as_ref().map(schema) else {
        return json!({});
    };
    members.shift_remove("version");
    Json::Object(members)
}

fn attributes(attributes: &[proto::schema::Attribute]) -> Json {
    let sorted: BTreeMap<&str, &proto::schema::Attribute> = attributes
        .iter()
        .map(|attribute| (attribute.name.as_str(), attribute))
        .collect();
    let members = sorted
        .into_iter()
        .map(|(name, item)| (name.to_owned(), attribute(item)));
    Json::Object(members.collect())
}

fn attribute(attribute: &proto::schema::Attribute) -> Json {
    let mut members = Map::new();
    if let Some(nested) = &attribute.nested_type {
        use proto::schema::object::NestingMode;
        let mode = match nested.nesting() {
            NestingMode::List => "list",
            NestingMode::Set => "set",
            NestingMode::Map => "map",
            NestingMode::Single | NestingMode::Invalid => "single",
        };
        let nested = json!({ "attributes": attributes(&nested.attributes), "nesting_mode": mode });
        members.insert("nested_type".to_owned(), nested);
    } else {
        members.insert("type".to_owned(), type_of(&attribute.r#type));
    }
    describe(
        &mut members,
        &attribute.description,
        attribute.description_kind,
    );
    let flags = [
        ("deprecated", attribute.deprecated),
        ("required", attribute.required),
        ("optional", attribute.optional),
        ("computed", attribute.computed),
        ("sensitive", attribute.sensitive),
        ("write_only", attribute.write_only),
    ];
    for (name, _) in flags.iter().filter(|(_, is_set)| *is_set) {
        members.insert((*name).to_owned(), Json::Bool(true));
    }
    if !attribute.deprecation_message.is_empty() {
        let message = attribute.deprecation_message.as_str();
        members.insert("deprecation_message".to_owned(), message.into());
    }
    Json::Object(members)
}

/// Types are JSON on the wire, too.
fn type_of(bytes: &[u8]) -> Json {
    serde_json::from_slice(bytes).unwrap_or_default()
}

fn describe(members: &mut Map<String, Json>, description: &str, kind: i32) {
    if !description.is_empty() {
        members.insert("description".to_owned(), description.into());
    }
    let kind = match proto::StringKind::try_from(kind) {
        Ok(proto::StringKind::Markdown) => "markdown",
        _ => "plain",
    };
    members.insert("description_kind".to_owned(), kind.into());
}

fn function(function: &proto::Function) -> Json {
    let parameter = |parameter: &proto::function::Parameter| {
        let mut members = Map::new();
        members.insert("name".to_owned(), parameter.name.as_str().into());
        if !parameter.description.is_empty() {
            let description = parameter.description.as_str();
            members.insert("description".to_owned(), description.into());
        }
        if parameter.allow_null_value {
            members.insert("is_nullable".to_owned(), true.into());
        }
        members.insert("type".to_owned(), type_of(&parameter.r#type));
        Json::Object(members)
    };
    let mut members = Map::new();
    for (name, text) in [
        ("description", &function.description),
        ("summary", &function.summary),
        ("deprecation_message", &function.deprecation_message),
    ] {
        if !text.is_empty() {
            members.insert(name.to_owned(), text.as_str().into());
        }
    }
    let returned = function.r#return.as_ref();
    let returned = returned.map_or(Json::Null, |returned| type_of(&returned.r#type));
    members.insert("return_type".to_owned(), returned);
    if !function.parameters.is_empty() {
        let parameters: Vec<Json> = function.parameters.iter().map(parameter).collect();
        members.insert("parameters".to_owned(), parameters.into());
    }
    if let Some(variadic) = &function.variadic_parameter {
        members.insert("variadic_parameter".to_owned(), parameter(variadic));
    }
    Json::Object(members)
}

fn identity(identity: &proto::ResourceIdentitySchema) -> Json {
    let mut attributes = BTreeMap::new();
    for attribute in &identity.identity_attributes {
        let mut members = Map::new();
        members.insert("type".to_owned(), type_of(&attribute.r#type));
        if !attribute.description.is_empty() {
            let description = attribute.description.as_str();
            members.insert("description".to_owned(), description.into());
        }
        for (name, is_set) in [
            ("required_for_import", attribute.required_for_import),
            ("optional_for_import", attribute.optional_for_import),
        ] {
            if is_set {
                members.insert(name.to_owned(), true.into());
            }
        }
        attributes.insert(attribute.name.clone(), Json::Object(members));
    }
    json!({ "version": identity.version, "attributes": attributes })
}
