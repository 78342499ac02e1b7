//! `GetMetadata`: the names of everything, and what the server can do.

use super::Server;
use crate::proto::tfplugin6::ServerCapabilities;
use crate::proto::tfplugin6::get_metadata::{
    ActionMetadata, DataSourceMetadata, EphemeralMetadata, FunctionMetadata, ListResourceMetadata,
    ResourceMetadata, Response,
};
use crate::provider::Provider;

pub(super) fn run<P: Provider>(server: &Server<P>) -> Response {
    let resources = server.provider.resources().iter();
    let list_resources = server.provider.list_resources().iter();
    let actions = server.provider.actions().iter();
    let data_sources = server.provider.data_sources().iter();
    let ephemeral_resources = server.provider.ephemeral_resources().iter();
    let functions = server.provider.functions().iter();
    Response {
        server_capabilities: Some(capabilities()),
        resources: resources
            .map(|resource| ResourceMetadata {
                type_name: resource.definition().type_name.to_owned(),
            })
            .collect(),
        list_resources: list_resources
            .map(|list_resource| ListResourceMetadata {
                type_name: list_resource.definition().resource.type_name.to_owned(),
            })
            .collect(),
        actions: actions
            .map(|action| ActionMetadata {
                type_name: action.definition().type_name.to_owned(),
            })
            .collect(),
        data_sources: data_sources
            .map(|data_source| DataSourceMetadata {
                type_name: data_source.definition().type_name.to_owned(),
            })
            .collect(),
        ephemeral_resources: ephemeral_resources
            .map(|resource| EphemeralMetadata {
                type_name: resource.definition().type_name.to_owned(),
            })
            .collect(),
        functions: functions
            .map(|function| FunctionMetadata {
                name: function.definition().name.to_owned(),
            })
            .collect(),
        ..Response::default()
    }
}

/// What the server can do beyond the methods themselves.
pub(super) fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: true,
    }
}
