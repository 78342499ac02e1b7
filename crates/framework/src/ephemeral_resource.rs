//! An ephemeral resource (Terraform 1.10): something that exists while
//! Terraform works and is stored nowhere. The typed trait that an ephemeral
//! resource implements, and its object-safe twin that the server calls, as for
//! a [`resource`](super::resource).
//!
//! Terraform opens it once while planning and once more while applying. What is
//! opened ends by itself: nothing here is renewed or given back, which Terraform
//! asks for only where opening says so.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::async_trait;

use super::definition::Described;
use super::diagnostics::{Diagnostic, Diagnostics};
use super::model::{self, misfit};
use super::resource::Context;
use super::value::Value;

/// What was opened.
#[derive(Debug)]
pub struct Opened<M> {
    /// The configuration, completed with what was opened. Nothing while that
    /// is only known after another change: every computed attribute is unknown
    /// then, and Terraform opens once more while applying.
    pub result: Option<M>,
    /// Warnings.
    pub warnings: Diagnostics,
}

impl<M> Opened<M> {
    /// Nothing is opened yet; the warning says why.
    pub fn later(warning: Diagnostic) -> Self {
        Self {
            result: None,
            warnings: warning.into(),
        }
    }
}

/// An ephemeral resource, as its author writes it.
pub trait EphemeralResource: Described + Send + Sync + 'static {
    /// What the provider's configuration became.
    type Provider: Send + Sync + 'static;
    /// The struct of configuration and result.
    type Model: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Opens. The configuration is wholly known and comes back unchanged in
    /// the result.
    ///
    /// # Errors
    /// What could not be opened.
    fn open(
        &self,
        provider: &Self::Provider,
        context: &Context,
        config: Self::Model,
    ) -> impl Future<Output = Result<Opened<Self::Model>, Diagnostics>> + Send;
}

/// The object-safe twin of [`EphemeralResource`], implemented for every
/// ephemeral resource. Where the one has a model, the other has a [`Value`].
#[async_trait]
pub trait DynEphemeralResource<P>: Described + Send + Sync {
    /// See [`EphemeralResource::open`].
    async fn open(
        &self,
        provider: &P,
        context: &Context,
        config: &Value,
    ) -> Result<Opened<Value>, Diagnostics>;
}

#[async_trait]
impl<E: EphemeralResource> DynEphemeralResource<E::Provider> for E {
    async fn open(
        &self,
        provider: &E::Provider,
        context: &Context,
        config: &Value,
    ) -> Result<Opened<Value>, Diagnostics> {
        let config = model::from_value(config).map_err(misfit)?;
        let opened = EphemeralResource::open(self, provider, context, config).await?;
        let Opened { result, warnings } = opened;
        let object_type = self.definition().schema.object_type();
        let result = result.map(|result| model::to_value(&result, &object_type));
        let result = result.transpose().map_err(misfit)?;
        Ok(Opened { result, warnings })
    }
}
