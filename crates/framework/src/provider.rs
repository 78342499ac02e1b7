//! A provider: its schema, how it is configured, and the static lists of what
//! it offers.

use super::action::DynAction;
use super::data_source::DynDataSource;
use super::definition::Described;
use super::diagnostics::Diagnostics;
use super::ephemeral_resource::DynEphemeralResource;
use super::function::DynFunction;
use super::list_resource::DynListResource;
use super::resource::DynResource;
use super::value::Value;

/// What a provider is made of. The type name in its definition is the prefix of
/// all others, such as `acme`.
pub trait Provider: Described + Send + Sync + 'static {
    /// What a configuration becomes. Shared by all operations.
    type Configured: Send + Sync + 'static;

    /// Makes ready for operations, with warnings. Values can be unknown while
    /// planning: that is not an error, only what really needs them may fail.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn configure(
        &self,
        config: &Value,
        terraform_version: &str,
    ) -> Result<(Self::Configured, Diagnostics), Diagnostics>;

    /// Takes note of a text that the practitioner wrote into a sensitive or
    /// write-only attribute, before anything is done with it: no message may
    /// repeat it, whoever it comes from.
    fn keep_secret(&self, _configured: &Self::Configured, _secret: &str) {}

    /// The managed resources.
    fn resources(&self) -> &'static [&'static dyn DynResource<Self::Configured>];

    /// The list resources.
    fn list_resources(&self) -> &'static [&'static dyn DynListResource<Self::Configured>] {
        &[]
    }

    /// The actions.
    fn actions(&self) -> &'static [&'static dyn DynAction<Self::Configured>] {
        &[]
    }

    /// The data sources.
    fn data_sources(&self) -> &'static [&'static dyn DynDataSource<Self::Configured>] {
        &[]
    }

    /// The ephemeral resources.
    fn ephemeral_resources(
        &self,
    ) -> &'static [&'static dyn DynEphemeralResource<Self::Configured>] {
        &[]
    }

    /// The functions.
    fn functions(&self) -> &'static [&'static dyn DynFunction] {
        &[]
    }
}
