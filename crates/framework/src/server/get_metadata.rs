//! `GetMetadata`: the names of everything, and what the server can do.

use super::Server;
use crate::definition::Described;
use crate::proto::tfplugin6::ServerCapabilities;
use crate::proto::tfplugin6::get_metadata::{
    ActionMetadata, DataSourceMetadata, EphemeralMetadata, FunctionMetadata, ListResourceMetadata,
    ResourceMetadata, Response,
};
use crate::provider::Provider;

pub(super) fn run<P: Provider>(server: &Server<P>) -> Response {
    let provider = server.provider;
    let functions = provider.functions().iter();
    let functions = functions.map(|function| function.definition().name.to_owned());
    Response {
        server_capabilities: Some(capabilities()),
        resources: named(provider.resources(), |type_name| ResourceMetadata {
            type_name,
        }),
        list_resources: named(provider.list_resources(), |type_name| {
            ListResourceMetadata { type_name }
        }),
        actions: named(provider.actions(), |type_name| ActionMetadata { type_name }),
        data_sources: named(provider.data_sources(), |type_name| DataSourceMetadata {
            type_name,
        }),
        ephemeral_resources: named(provider.ephemeral_resources(), |type_name| {
            EphemeralMetadata { type_name }
        }),
        functions: functions.map(|name| FunctionMetadata { name }).collect(),
        ..Response::default()
    }
}

/// The type names of all of a kind.
fn named<T: Described + ?Sized, M>(
    all: &'static [&'static T],
    metadata: impl Fn(String) -> M,
) -> Vec<M> {
    let names = all.iter().map(|one| one.definition().type_name.to_owned());
    names.map(metadata).collect()
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
