//! The provider as Terraform calls it: one file per method of the protocol, or
//! per small group of them; [`methods`] is the table of all of them.
//!
//! A method has one shape everywhere: a function that answers with the response
//! and messages, or with the errors that prevent it; and a fallback, the response
//! that changes nothing, which goes out with these errors, and also when the method
//! panics.
//! [`rpc`] puts the two together, so that a caller always gets a diagnostic and
//! never a broken connection.
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
mod methods;
mod move_resource_state;
mod panics;
mod plan_action;
mod plan_resource_change;
mod read_resource;
mod rpc;
#[cfg(test)]
mod tests;
mod turns;
mod upgrade_resource_identity;
mod upgrade_resource_state;
mod validate;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::action::DynAction;
use super::data_source::DynDataSource;
use super::definition::{Described, Kind};
use super::diagnostics::{Diagnostic, Diagnostics};
use super::ephemeral_resource::DynEphemeralResource;
use super::list_resource::DynListResource;
use super::provider::Provider;
use super::resource::{Context, DynResource};
use super::schema::Schema;
use super::timeouts;
use super::value::Value;
use turns::Turns;

/// A provider that answers Terraform's calls.
pub struct Server<P: Provider> {
    provider: &'static P,
    configuration: Mutex<Configuration<P::Configured>>,
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
    Done(Arc<C>),
}

impl<P: Provider> Server<P> {
    /// A server for a provider that is not configured yet.
    pub fn new(provider: &'static P) -> Self {
        panics::install_hook();
        Self {
            provider,
            configuration: Mutex::new(Configuration::Never),
            cancel: Mutex::new(CancellationToken::new()),
            turns: Turns::default(),
        }
    }

    /// The managed resource of a type name.
    fn resource(&self, type_name: &str) -> Found<dyn DynResource<P::Configured>> {
        find(self.provider.resources(), Kind::Resource, type_name)
    }

    /// The data source of a type name.
    fn data_source(&self, type_name: &str) -> Found<dyn DynDataSource<P::Configured>> {
        find(self.provider.data_sources(), Kind::DataSource, type_name)
    }

    /// The ephemeral resource of a type name.
    fn ephemeral_resource(
        &self,
        type_name: &str,
    ) -> Found<dyn DynEphemeralResource<P::Configured>> {
        let all = self.provider.ephemeral_resources();
        find(all, Kind::EphemeralResource, type_name)
    }

    /// The list resource of a type name.
    fn list_resource_of(&self, type_name: &str) -> Found<dyn DynListResource<P::Configured>> {
        find(
            self.provider.list_resources(),
            Kind::ListResource,
            type_name,
        )
    }

    /// The action of a type name.
    fn action(&self, type_name: &str) -> Found<dyn DynAction<P::Configured>> {
        find(self.provider.actions(), Kind::Action, type_name)
    }

    fn configure(&self, configuration: Configuration<P::Configured>) {
        *lock(&self.configuration) = configuration;
    }

    /// The configured provider, for an operation that cannot do without.
    fn configured(&self) -> Result<Arc<P::Configured>, Diagnostics> {
        let why = match &*lock(&self.configuration) {
            Configuration::Done(configured) => return Ok(Arc::clone(configured)),
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

    /// What surrounds an operation on an object whose `timeouts` are these.
    fn context(&self, operation: &str, object: &Value) -> Context {
        Context {
            deadline: timeouts::deadline(object, operation),
            cancel: lock(&self.cancel).clone(),
        }
    }

    /// `StopProvider`: the practitioner interrupted Terraform. Asks the operations
    /// in flight to stop, and only these; they end on their own, with the truth
    /// about their objects.
    fn stop(&self) {
        std::mem::take(&mut *lock(&self.cancel)).cancel();
    }
}

/// What a mutex holds, also after a panic: it is never left half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Found<T> = Result<&'static T, Diagnostics>;

/// The one of that type name.
fn find<T: Described + ?Sized>(
    all: &'static [&'static T],
    kind: Kind,
    type_name: &str,
) -> Found<T> {
    all.iter()
        .find(|one| one.definition().type_name == type_name)
        .copied()
        .ok_or_else(|| convert::absent(kind, type_name))
}
