//! The provider as Terraform calls it: one file per method of the protocol, or
//! per small group of them.
//!
//! A method has one shape everywhere: a function `run` that answers with the
//! response, or with the errors that prevent it; and a `fallback`, the response
//! that changes nothing, which goes out with these errors, and also when the
//! method panics. [`rpc`] puts the two together, so that a caller always gets
//! a diagnostic and never a broken connection.
//!
//! Only this module sees the generated messages.
//!
//! What it deliberately does not do: it ends no operation that overstays its
//! deadline. Only the resource knows what can be given up without losing an
//! object, so the deadline is handed to it (see [`Context`]).

mod apply_resource_change;
mod configure_provider;
mod convert;
mod data_sources;
mod ephemeral_resources;
mod events;
mod functions;
mod generate_resource_config;
mod get_metadata;
mod get_provider_schema;
mod get_resource_identity_schemas;
mod identity;
mod import_resource_state;
mod invoke_action;
mod list_resource;
mod move_resource_state;
mod panics;
mod plan_action;
mod plan_resource_change;
mod read_resource;
mod rpc;
mod stop_provider;
#[cfg(test)]
mod tests;
mod turns;
mod upgrade_resource_identity;
mod upgrade_resource_state;
mod validate_action_config;
mod validate_list_resource_config;
mod validate_provider_config;
mod validate_resource_config;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::stream::BoxStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::action::DynAction;
use super::diagnostics::{Diagnostic, Diagnostics};
use super::list_resource::DynListResource;
use super::provider::Provider;
use super::resource::{Context, DynResource};
use super::schema::Schema;
use super::timeouts::{self, Operation};
use super::value::Value;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::provider_server::Provider as Protocol;
use events::Events;
use rpc::{Rpc, answer};
use turns::Turns;

/// A provider that answers Terraform's calls.
pub struct Server<P: Provider> {
    provider: &'static P,
    configuration: RwLock<Configuration<P::Configured>>,
    /// Cancelled when Terraform asks to stop; then a fresh one takes its place,
    /// because more calls may follow.
    cancel: Mutex<CancellationToken>,
    turns: Turns,
}

/// What the latest `ConfigureProvider` left behind. In debug mode there can be
/// many in one process; an operation in flight keeps the one it began with.
enum Configuration<C> {
    Never,
    Failed,
    Done(Configured<C>),
}

/// A configured provider, as an operation holds it.
struct Configured<C> {
    provider: Arc<C>,
}

impl<C> Clone for Configured<C> {
    fn clone(&self) -> Self {
        Self {
            provider: Arc::clone(&self.provider),
        }
    }
}

impl<P: Provider> Server<P> {
    /// A server for a provider that is not configured yet.
    #[must_use]
    pub fn new(provider: &'static P) -> Self {
        panics::install_hook();
        Self {
            provider,
            configuration: RwLock::new(Configuration::Never),
            cancel: Mutex::new(CancellationToken::new()),
            turns: Turns::default(),
        }
    }

    /// The resource of a type name.
    fn resource(
        &self,
        type_name: &str,
    ) -> Result<&'static dyn DynResource<P::Configured>, Diagnostics> {
        self.provider
            .resources()
            .iter()
            .find(|resource| resource.definition().type_name == type_name)
            .copied()
            .ok_or_else(|| convert::absent_kind("Unknown resource type", "resource", type_name))
    }

    /// The list resource of a type name.
    fn list_resource_of(
        &self,
        type_name: &str,
    ) -> Result<&'static dyn DynListResource<P::Configured>, Diagnostics> {
        self.provider
            .list_resources()
            .iter()
            .find(|list_resource| list_resource.definition().resource.type_name == type_name)
            .copied()
            .ok_or_else(|| {
                convert::absent_kind("Unknown list resource type", "list resource", type_name)
            })
    }

    /// The action of a type name.
    fn action(
        &self,
        type_name: &str,
    ) -> Result<&'static dyn DynAction<P::Configured>, Diagnostics> {
        self.provider
            .actions()
            .iter()
            .find(|action| action.definition().type_name == type_name)
            .copied()
            .ok_or_else(|| convert::absent_kind("Unknown action type", "action", type_name))
    }

    fn configure(&self, configuration: Configuration<P::Configured>) {
        *self
            .configuration
            .write()
            .unwrap_or_else(PoisonError::into_inner) = configuration;
    }

    /// The configured provider, for an operation that cannot do without.
    fn configured(&self) -> Result<Configured<P::Configured>, Diagnostics> {
        let configuration = self
            .configuration
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let why = match &*configuration {
            Configuration::Done(configured) => return Ok(configured.clone()),
            Configuration::Never => {
                "Terraform asked for this operation before it configured the provider."
            }
            Configuration::Failed => {
                "The configuration of the provider failed, so this operation was not tried. \
                 Correct what the provider's own error names."
            }
        };
        Err(Diagnostic::error(
            "Provider is not configured",
            format!("{why} Nothing was changed, and the state stays as it is."),
        )
        .into())
    }

    /// What surrounds an operation on an object whose `timeouts` are these.
    /// Tells the provider every secret text in configurations and states.
    fn keep_secrets(&self, configured: &P::Configured, schema: &Schema, values: &[&Value]) {
        let mut attributes = schema.walk();
        attributes.retain(|(_, attribute)| attribute.sensitive || attribute.write_only);
        for (path, _) in attributes {
            for value in values {
                let keep = &mut |text: &str| self.provider.keep_secret(configured, text);
                value.at(&path).each_text(keep);
            }
        }
    }

    fn context(&self, operation: Operation, object: &Value, default_timeout: Duration) -> Context {
        let cancel = self.cancel.lock().unwrap_or_else(PoisonError::into_inner);
        Context {
            deadline: timeouts::deadline(object, operation, default_timeout),
            cancel: cancel.clone(),
        }
    }

    /// Asks the operations in flight to stop, and only these.
    fn stop(&self) {
        let mut cancel = self.cancel.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *cancel, CancellationToken::new()).cancel();
    }
}

type Answer<R> = Result<Response<R>, Status>;

fn no_state_stores<R>() -> Answer<R> {
    Err(Status::unimplemented("the provider has no state stores"))
}

#[tonic::async_trait]
impl<P: Provider> Protocol for Server<P> {
    // -- what the provider offers ---------------------------------------------

    async fn get_metadata(
        &self,
        _: Request<proto::get_metadata::Request>,
    ) -> Answer<proto::get_metadata::Response> {
        let fallback = proto::get_metadata::Response::default();
        let body = async { Ok(get_metadata::run(self)) };
        answer(Rpc::new("GetMetadata"), fallback, body).await
    }

    async fn get_provider_schema(
        &self,
        _: Request<proto::get_provider_schema::Request>,
    ) -> Answer<proto::get_provider_schema::Response> {
        let fallback = proto::get_provider_schema::Response::default();
        let body = async { Ok(get_provider_schema::run(self)) };
        answer(Rpc::new("GetProviderSchema"), fallback, body).await
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<proto::get_resource_identity_schemas::Request>,
    ) -> Answer<proto::get_resource_identity_schemas::Response> {
        let fallback = proto::get_resource_identity_schemas::Response::default();
        let body = async { Ok(get_resource_identity_schemas::run(self)) };
        answer(Rpc::new("GetResourceIdentitySchemas"), fallback, body).await
    }

    async fn get_functions(
        &self,
        _: Request<proto::get_functions::Request>,
    ) -> Answer<proto::get_functions::Response> {
        let fallback = proto::get_functions::Response::default();
        let body = async {
            Ok(proto::get_functions::Response {
                functions: functions::signatures(self).collect(),
                diagnostics: Vec::new(),
            })
        };
        answer(Rpc::new("GetFunctions"), fallback, body).await
    }

    // -- the provider itself --------------------------------------------------

    async fn validate_provider_config(
        &self,
        request: Request<proto::validate_provider_config::Request>,
    ) -> Answer<proto::validate_provider_config::Response> {
        let request = request.into_inner();
        let fallback = proto::validate_provider_config::Response::default();
        let body = async { validate_provider_config::run(self, &request) };
        answer(Rpc::new("ValidateProviderConfig"), fallback, body).await
    }

    async fn configure_provider(
        &self,
        request: Request<proto::configure_provider::Request>,
    ) -> Answer<proto::configure_provider::Response> {
        let request = request.into_inner();
        let fallback = proto::configure_provider::Response::default();
        let body = async { configure_provider::run(self, &request) };
        answer(Rpc::new("ConfigureProvider"), fallback, body).await
    }

    async fn stop_provider(
        &self,
        _: Request<proto::stop_provider::Request>,
    ) -> Answer<proto::stop_provider::Response> {
        let fallback = proto::stop_provider::Response::default();
        let body = async { Ok(stop_provider::run(self)) };
        answer(Rpc::new("StopProvider"), fallback, body).await
    }

    // -- managed resources ----------------------------------------------------

    async fn validate_resource_config(
        &self,
        request: Request<proto::validate_resource_config::Request>,
    ) -> Answer<proto::validate_resource_config::Response> {
        let request = request.into_inner();
        let rpc = Rpc::resource("ValidateResourceConfig", &request.type_name);
        let fallback = proto::validate_resource_config::Response::default();
        let body = async { validate_resource_config::run(self, &request) };
        answer(rpc, fallback, body).await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<proto::upgrade_resource_state::Request>,
    ) -> Answer<proto::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let rpc = Rpc::resource("UpgradeResourceState", &request.type_name);
        let fallback = proto::upgrade_resource_state::Response::default();
        let body = async { upgrade_resource_state::run(self, &request) };
        answer(rpc, fallback, body).await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<proto::upgrade_resource_identity::Request>,
    ) -> Answer<proto::upgrade_resource_identity::Response> {
        let request = request.into_inner();
        let rpc = Rpc::resource("UpgradeResourceIdentity", &request.type_name);
        let fallback = proto::upgrade_resource_identity::Response::default();
        let body = async { upgrade_resource_identity::run(self, &request) };
        answer(rpc, fallback, body).await
    }

    async fn read_resource(
        &self,
        request: Request<proto::read_resource::Request>,
    ) -> Answer<proto::read_resource::Response> {
        let request = request.into_inner();
        let rpc = Rpc::resource("ReadResource", &request.type_name);
        let fallback = read_resource::fallback(&request);
        answer(rpc, fallback, read_resource::run(self, &request)).await
    }

    async fn plan_resource_change(
        &self,
        request: Request<proto::plan_resource_change::Request>,
    ) -> Answer<proto::plan_resource_change::Response> {
        let request = request.into_inner();
        let rpc = Rpc::resource("PlanResourceChange", &request.type_name);
        let fallback = plan_resource_change::fallback(&request);
        let body = async { plan_resource_change::run(self, &request) };
        answer(rpc, fallback, body).await
    }

    async fn apply_resource_change(
        &self,
        request: Request<proto::apply_resource_change::Request>,
    ) -> Answer<proto::apply_resource_change::Response> {
        let request = request.into_inner();
        let rpc = Rpc::resource("ApplyResourceChange", &request.type_name);
        let fallback = apply_resource_change::fallback(&request);
        answer(rpc, fallback, apply_resource_change::run(self, &request)).await
    }

    async fn import_resource_state(
        &self,
        request: Request<proto::import_resource_state::Request>,
    ) -> Answer<proto::import_resource_state::Response> {
        let request = request.into_inner();
        let rpc = Rpc::resource("ImportResourceState", &request.type_name);
        let fallback = proto::import_resource_state::Response::default();
        let body = async { import_resource_state::run(self, &request) };
        answer(rpc, fallback, body).await
    }

    async fn move_resource_state(
        &self,
        request: Request<proto::move_resource_state::Request>,
    ) -> Answer<proto::move_resource_state::Response> {
        let request = request.into_inner();
        let rpc = Rpc::resource("MoveResourceState", &request.target_type_name);
        let fallback = proto::move_resource_state::Response::default();
        let body = async { move_resource_state::run(self, &request) };
        answer(rpc, fallback, body).await
    }

    async fn generate_resource_config(
        &self,
        request: Request<proto::generate_resource_config::Request>,
    ) -> Answer<proto::generate_resource_config::Response> {
        let request = request.into_inner();
        let rpc = Rpc::resource("GenerateResourceConfig", &request.type_name);
        let fallback = proto::generate_resource_config::Response::default();
        let body = async { generate_resource_config::run(self, &request) };
        answer(rpc, fallback, body).await
    }

    // -- data sources ---------------------------------------------------------

    async fn validate_data_resource_config(
        &self,
        request: Request<proto::validate_data_resource_config::Request>,
    ) -> Answer<proto::validate_data_resource_config::Response> {
        let request = request.into_inner();
        let rpc = Rpc::data_source("ValidateDataResourceConfig", &request.type_name);
        let fallback = proto::validate_data_resource_config::Response::default();
        let body = async { data_sources::validate(self, &request) };
        answer(rpc, fallback, body).await
    }

    async fn read_data_source(
        &self,
        request: Request<proto::read_data_source::Request>,
    ) -> Answer<proto::read_data_source::Response> {
        let request = request.into_inner();
        let rpc = Rpc::data_source("ReadDataSource", &request.type_name);
        let fallback = proto::read_data_source::Response::default();
        answer(rpc, fallback, data_sources::read(self, &request)).await
    }

    // -- ephemeral resources --------------------------------------------------

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<proto::validate_ephemeral_resource_config::Request>,
    ) -> Answer<proto::validate_ephemeral_resource_config::Response> {
        let request = request.into_inner();
        let rpc = Rpc::ephemeral_resource("ValidateEphemeralResourceConfig", &request.type_name);
        let fallback = proto::validate_ephemeral_resource_config::Response::default();
        let body = async { ephemeral_resources::validate(self, &request) };
        answer(rpc, fallback, body).await
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<proto::open_ephemeral_resource::Request>,
    ) -> Answer<proto::open_ephemeral_resource::Response> {
        let request = request.into_inner();
        let rpc = Rpc::ephemeral_resource("OpenEphemeralResource", &request.type_name);
        let fallback = proto::open_ephemeral_resource::Response::default();
        let body = ephemeral_resources::open(self, &request);
        answer(rpc, fallback, body).await
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<proto::renew_ephemeral_resource::Request>,
    ) -> Answer<proto::renew_ephemeral_resource::Response> {
        let request = request.into_inner();
        let rpc = Rpc::ephemeral_resource("RenewEphemeralResource", &request.type_name);
        let fallback = proto::renew_ephemeral_resource::Response::default();
        let body = ephemeral_resources::renew(self, &request);
        answer(rpc, fallback, body).await
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<proto::close_ephemeral_resource::Request>,
    ) -> Answer<proto::close_ephemeral_resource::Response> {
        let request = request.into_inner();
        let rpc = Rpc::ephemeral_resource("CloseEphemeralResource", &request.type_name);
        let fallback = proto::close_ephemeral_resource::Response::default();
        let body = ephemeral_resources::close(self, &request);
        answer(rpc, fallback, body).await
    }

    // -- functions ------------------------------------------------------------

    async fn call_function(
        &self,
        request: Request<proto::call_function::Request>,
    ) -> Answer<proto::call_function::Response> {
        let request = request.into_inner();
        let fallback = proto::call_function::Response::default();
        let body = async { functions::call(self, &request) };
        answer(Rpc::new("CallFunction"), fallback, body).await
    }

    // -- list resources -------------------------------------------------------

    async fn validate_list_resource_config(
        &self,
        request: Request<proto::validate_list_resource_config::Request>,
    ) -> Answer<proto::validate_list_resource_config::Response> {
        let request = request.into_inner();
        let rpc = Rpc::list_resource("ValidateListResourceConfig", &request.type_name);
        let fallback = proto::validate_list_resource_config::Response::default();
        let body = async { validate_list_resource_config::run(self, &request) };
        answer(rpc, fallback, body).await
    }

    type ListResourceStream = Events<proto::list_resource::Event>;

    async fn list_resource(
        &self,
        request: Request<proto::list_resource::Request>,
    ) -> Answer<Self::ListResourceStream> {
        list_resource::run(self, request.into_inner()).await
    }

    // -- actions --------------------------------------------------------------

    async fn validate_action_config(
        &self,
        request: Request<proto::validate_action_config::Request>,
    ) -> Answer<proto::validate_action_config::Response> {
        let request = request.into_inner();
        let rpc = Rpc::action("ValidateActionConfig", &request.type_name);
        let fallback = proto::validate_action_config::Response::default();
        let body = async { validate_action_config::run(self, &request) };
        answer(rpc, fallback, body).await
    }

    async fn plan_action(
        &self,
        request: Request<proto::plan_action::Request>,
    ) -> Answer<proto::plan_action::Response> {
        let request = request.into_inner();
        let rpc = Rpc::action("PlanAction", &request.action_type);
        let fallback = proto::plan_action::Response::default();
        let body = async { plan_action::run(self, &request) };
        answer(rpc, fallback, body).await
    }

    type InvokeActionStream = Events<proto::invoke_action::Event>;

    async fn invoke_action(
        &self,
        request: Request<proto::invoke_action::Request>,
    ) -> Answer<Self::InvokeActionStream> {
        invoke_action::run(self, request.into_inner()).await
    }

    // -- state stores: an experiment of Terraform's, not offered --------------

    async fn validate_state_store_config(
        &self,
        _: Request<proto::validate_state_store::Request>,
    ) -> Answer<proto::validate_state_store::Response> {
        no_state_stores()
    }

    async fn configure_state_store(
        &self,
        _: Request<proto::configure_state_store::Request>,
    ) -> Answer<proto::configure_state_store::Response> {
        no_state_stores()
    }

    type ReadStateBytesStream =
        BoxStream<'static, Result<proto::read_state_bytes::Response, Status>>;

    async fn read_state_bytes(
        &self,
        _: Request<proto::read_state_bytes::Request>,
    ) -> Answer<Self::ReadStateBytesStream> {
        no_state_stores()
    }

    async fn write_state_bytes(
        &self,
        _: Request<Streaming<proto::write_state_bytes::RequestChunk>>,
    ) -> Answer<proto::write_state_bytes::Response> {
        no_state_stores()
    }

    async fn lock_state(
        &self,
        _: Request<proto::lock_state::Request>,
    ) -> Answer<proto::lock_state::Response> {
        no_state_stores()
    }

    async fn unlock_state(
        &self,
        _: Request<proto::unlock_state::Request>,
    ) -> Answer<proto::unlock_state::Response> {
        no_state_stores()
    }

    async fn get_states(
        &self,
        _: Request<proto::get_states::Request>,
    ) -> Answer<proto::get_states::Response> {
        no_state_stores()
    }

    async fn delete_state(
        &self,
        _: Request<proto::delete_state::Request>,
    ) -> Answer<proto::delete_state::Response> {
        no_state_stores()
    }
}
