//! A provider without resources: it counts bytes, never ends a call, and
//! refuses everything else.

use tonic::{Request, Response, Status};

use crate::proto::tfplugin6::{provider_server::Provider, *};

pub(super) struct SmallProvider;

/// The whole implementation, with a refusal for every method in the list.
macro_rules! small_provider {
    ($($method:ident: $messages:ident,)*) => {
        #[tonic::async_trait]
        impl Provider for SmallProvider {
            type ListResourceStream = tokio_stream::Pending<Result<list_resource::Event, Status>>;
            type InvokeActionStream = tokio_stream::Pending<Result<invoke_action::Event, Status>>;

            /// Answers with the number of bytes in the configuration.
            async fn validate_provider_config(
                &self,
                request: Request<validate_provider_config::Request>,
            ) -> Result<Response<validate_provider_config::Response>, Status> {
                let config = request.into_inner().config.unwrap_or_default();
                let diagnostic = Diagnostic {
                    summary: config.msgpack.len().to_string(),
                    ..Diagnostic::default()
                };
                Ok(Response::new(validate_provider_config::Response {
                    diagnostics: vec![diagnostic],
                }))
            }

            /// Never answers.
            async fn read_data_source(
                &self,
                _: Request<read_data_source::Request>,
            ) -> Result<Response<read_data_source::Response>, Status> {
                std::future::pending().await
            }

            async fn list_resource(
                &self,
                _: Request<list_resource::Request>,
            ) -> Result<Response<Self::ListResourceStream>, Status> {
                Err(Status::unimplemented("list_resource"))
            }

            async fn invoke_action(
                &self,
                _: Request<invoke_action::Request>,
            ) -> Result<Response<Self::InvokeActionStream>, Status> {
                Err(Status::unimplemented("invoke_action"))
            }

            $(async fn $method(
                &self,
                _: Request<$messages::Request>,
            ) -> Result<Response<$messages::Response>, Status> {
                Err(Status::unimplemented(stringify!($method)))
            })*
        }
    };
}

small_provider! {
    get_metadata: get_metadata,
    get_provider_schema: get_provider_schema,
    get_resource_identity_schemas: get_resource_identity_schemas,
    get_functions: get_functions,
    configure_provider: configure_provider,
    stop_provider: stop_provider,
    validate_resource_config: validate_resource_config,
    upgrade_resource_state: upgrade_resource_state,
    upgrade_resource_identity: upgrade_resource_identity,
    read_resource: read_resource,
    plan_resource_change: plan_resource_change,
    apply_resource_change: apply_resource_change,
    import_resource_state: import_resource_state,
    move_resource_state: move_resource_state,
    generate_resource_config: generate_resource_config,
    validate_data_resource_config: validate_data_resource_config,
    validate_ephemeral_resource_config: validate_ephemeral_resource_config,
    open_ephemeral_resource: open_ephemeral_resource,
    renew_ephemeral_resource: renew_ephemeral_resource,
    close_ephemeral_resource: close_ephemeral_resource,
    call_function: call_function,
    validate_list_resource_config: validate_list_resource_config,
    validate_action_config: validate_action_config,
    plan_action: plan_action,
}
