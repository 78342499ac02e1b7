//! The table of all methods of the protocol: what each is called on, and what
//! answers it.

use tonic::{Request, Response, Status};

use super::events::{self, Events};
use super::rpc::{Rpc, answer, plain};
use super::{
    Server, apply_resource_change, configure_provider, convert, data_sources, ephemeral_resources,
    functions, generate_resource_config, get_metadata, get_provider_schema,
    get_resource_identity_schemas, import_resource_state, invoke_action, list_resource,
    move_resource_state, plan_action, plan_resource_change, read_resource,
    upgrade_resource_identity, upgrade_resource_state, validate,
};
use crate::definition::Kind;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::provider_server::Provider as Protocol;
use crate::provider::Provider;

type Answer<R> = Result<Response<R>, Status>;

/// Implements the protocol: for every method with one answer its name, what it is
/// called on, what answers, and, where that is not an empty response, what goes
/// out when it cannot. Messages go into the field `diagnostics`, or as a row says.
macro_rules! methods {
    (@tell) => {
        |response, diagnostics| response.diagnostics = diagnostics
    };
    (@tell $tell:expr) => {
        $tell
    };
    ($(
        $method:ident $name:literal |$server:ident, $request:ident| $($subject:expr)?
            => $answer:expr $(, else $fallback:expr)? $(, tell $tell:expr)?;
    )+) => {
        #[tonic::async_trait]
        impl<P: Provider> Protocol for Server<P> {
            $(async fn $method(
                &self,
                request: Request<proto::$method::Request>,
            ) -> Answer<proto::$method::Response> {
                let ($server, $request) = (self, &request.into_inner());
                let rpc = Rpc {
                    name: $name,
                    subject: None $(.or(Some($subject)))?,
                };
                let fallback: Option<proto::$method::Response> = None $(.or(Some($fallback)))?;
                let fallback = fallback.unwrap_or_default();
                answer(rpc, fallback, methods!(@tell $($tell)?), async { $answer }).await
            })+

            type ListResourceStream = Events<proto::list_resource::Event>;

            async fn list_resource(
                &self,
                request: Request<proto::list_resource::Request>,
            ) -> Answer<Self::ListResourceStream> {
                let request = request.into_inner();
                let rpc = Rpc {
                    name: "ListResource",
                    subject: Some((Kind::ListResource, &request.type_name)),
                };
                let prepare = |events| list_resource::prepare(self, &request, events);
                events::answer(rpc, prepare, |diagnostics| {
                    (!diagnostics.is_empty()).then(|| list_resource::failure(diagnostics))
                })
                .await
            }

            type InvokeActionStream = Events<proto::invoke_action::Event>;

            async fn invoke_action(
                &self,
                request: Request<proto::invoke_action::Request>,
            ) -> Answer<Self::InvokeActionStream> {
                let request = request.into_inner();
                let rpc = Rpc {
                    name: "InvokeAction",
                    subject: Some((Kind::Action, &request.action_type)),
                };
                let prepare = |events| invoke_action::prepare(self, &request, events);
                events::answer(rpc, prepare, |diagnostics| {
                    Some(invoke_action::completed(diagnostics))
                })
                .await
            }
        }
    };
}

methods! {
    get_metadata "GetMetadata" |server, _request|
        => plain(get_metadata::run(server));
    get_provider_schema "GetProviderSchema" |server, _request|
        => plain(get_provider_schema::run(server));
    get_resource_identity_schemas "GetResourceIdentitySchemas" |server, _request|
        => plain(get_resource_identity_schemas::run(server));
    get_functions "GetFunctions" |server, _request|
        => plain(functions::get(server));

    validate_provider_config "ValidateProviderConfig" |server, request|
        => validate::block(server.provider, request.config.as_ref(), false);
    configure_provider "ConfigureProvider" |server, request|
        => configure_provider::run(server, request);
    stop_provider "StopProvider" |server, _request| => {
        server.stop();
        plain(proto::stop_provider::Response::default())
    }, tell |response, diagnostics| response.error = convert::details(diagnostics);

    validate_resource_config "ValidateResourceConfig" |server, request|
        (Kind::Resource, &request.type_name) => {
            // A client that says nothing knows nothing.
            let client = request.client_capabilities.unwrap_or_default();
            let write_only_allowed = client.write_only_attributes_allowed;
            let resource = server.resource(&request.type_name)?;
            validate::block(resource, request.config.as_ref(), write_only_allowed)
        };
    upgrade_resource_state "UpgradeResourceState" |server, request|
        (Kind::Resource, &request.type_name)
        => upgrade_resource_state::run(server, request);
    upgrade_resource_identity "UpgradeResourceIdentity" |server, request|
        (Kind::Resource, &request.type_name)
        => upgrade_resource_identity::run(server, request);
    read_resource "ReadResource" |server, request|
        (Kind::Resource, &request.type_name)
        => read_resource::run(server, request).await,
        else read_resource::fallback(request);
    plan_resource_change "PlanResourceChange" |server, request|
        (Kind::Resource, &request.type_name)
        => plan_resource_change::run(server, request),
        else plan_resource_change::fallback(request);
    apply_resource_change "ApplyResourceChange" |server, request|
        (Kind::Resource, &request.type_name)
        => apply_resource_change::run(server, request).await,
        else apply_resource_change::fallback(request);
    import_resource_state "ImportResourceState" |server, request|
        (Kind::Resource, &request.type_name)
        => import_resource_state::run(server, request);
    move_resource_state "MoveResourceState" |server, request|
        (Kind::Resource, &request.target_type_name)
        => move_resource_state::run(server, request);
    generate_resource_config "GenerateResourceConfig" |server, request|
        (Kind::Resource, &request.type_name)
        => generate_resource_config::run(server, request);

    validate_data_resource_config "ValidateDataResourceConfig" |server, request|
        (Kind::DataSource, &request.type_name) => {
            let data_source = server.data_source(&request.type_name)?;
            validate::block(data_source, request.config.as_ref(), false)
        };
    read_data_source "ReadDataSource" |server, request|
        (Kind::DataSource, &request.type_name)
        => data_sources::read(server, request).await;

    validate_ephemeral_resource_config "ValidateEphemeralResourceConfig" |server, request|
        (Kind::EphemeralResource, &request.type_name) => {
            let resource = server.ephemeral_resource(&request.type_name)?;
            validate::block(resource, request.config.as_ref(), false)
        };
    open_ephemeral_resource "OpenEphemeralResource" |server, request|
        (Kind::EphemeralResource, &request.type_name)
        => ephemeral_resources::open(server, request).await;
    renew_ephemeral_resource "RenewEphemeralResource" |server, request|
        (Kind::EphemeralResource, &request.type_name) => {
            // Opening asks for no renewal.
            server.ephemeral_resource(&request.type_name)?;
            plain(proto::renew_ephemeral_resource::Response::default())
        };
    close_ephemeral_resource "CloseEphemeralResource" |server, request|
        (Kind::EphemeralResource, &request.type_name) => {
            // What was opened ends by itself.
            server.ephemeral_resource(&request.type_name)?;
            plain(proto::close_ephemeral_resource::Response::default())
        };

    call_function "CallFunction" |server, request|
        (Kind::Function, &request.name)
        => functions::call(server, request),
        tell functions::tell;

    validate_list_resource_config "ValidateListResourceConfig" |server, request|
        (Kind::ListResource, &request.type_name) => {
            let list_resource = server.list_resource_of(&request.type_name)?;
            validate::block(list_resource, request.config.as_ref(), false)
        };

    validate_action_config "ValidateActionConfig" |server, request|
        (Kind::Action, &request.type_name) => {
            let action = server.action(&request.type_name)?;
            validate::block(action, request.config.as_ref(), false)
        };
    plan_action "PlanAction" |server, request|
        (Kind::Action, &request.action_type)
        => plan_action::run(server, request);
}
