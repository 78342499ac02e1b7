//! A data source: something that is read and never changed. The typed trait
//! that a data source implements, and its object-safe twin that the server
//! calls, as for a [`resource`](super::resource).
//!
//! Terraform reads a data source at every plan, or at apply where its
//! configuration is not known before; it keeps no prior value. So there is no
//! word for "gone": what is missing is an error, or a null or empty result
//! where the data source says so.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::async_trait;

use super::definition::Described;
use super::diagnostics::{Diagnostic, Diagnostics};
use super::model::{self, misfit};
use super::resource::Context;
use super::value::Value;

/// What was read, and what to say about it.
#[derive(Debug)]
pub struct Found<M> {
    /// The configuration, completed with what was read.
    pub state: M,
    /// Warnings.
    pub warnings: Diagnostics,
}

impl<M> From<M> for Found<M> {
    fn from(state: M) -> Self {
        Self {
            state,
            warnings: Diagnostics::new(),
        }
    }
}

impl<M> Found<M> {
    /// The same with one more warning.
    pub fn with(mut self, warning: Diagnostic) -> Self {
        self.warnings.push(warning);
        self
    }
}

/// A data source, as its author writes it.
pub trait DataSource: Described + Send + Sync + 'static {
    /// What the provider's configuration became.
    type Provider: Send + Sync + 'static;
    /// The struct of configuration and result.
    type Model: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Reads. The configuration is wholly known and comes back unchanged in
    /// the result.
    ///
    /// # Errors
    /// What could not be read, or is not there.
    fn read(
        &self,
        provider: &Self::Provider,
        context: &Context,
        config: Self::Model,
    ) -> impl Future<Output = Result<Found<Self::Model>, Diagnostics>> + Send;
}

/// The object-safe twin of [`DataSource`], implemented for every data source.
/// Where the one has a model, the other has a [`Value`].
#[async_trait]
pub trait DynDataSource<P>: Described + Send + Sync {
    /// See [`DataSource::read`].
    async fn read(
        &self,
        provider: &P,
        context: &Context,
        config: &Value,
    ) -> Result<Found<Value>, Diagnostics>;
}

#[async_trait]
impl<D: DataSource> DynDataSource<D::Provider> for D {
    async fn read(
        &self,
        provider: &D::Provider,
        context: &Context,
        config: &Value,
    ) -> Result<Found<Value>, Diagnostics> {
        let config = model::from_value(config).map_err(misfit)?;
        let Found { state, warnings } = DataSource::read(self, provider, context, config).await?;
        let object_type = self.definition().schema.object_type();
        let state = model::to_value(&state, &object_type).map_err(misfit)?;
        Ok(Found { state, warnings })
    }
}
