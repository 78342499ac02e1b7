//! A data source: something that is read and never changed. The typed trait
//! that a data source implements, and its object-safe twin that the server
//! calls, as for a [`resource`](super::resource).
//!
//! Terraform reads a data source at every plan, or at apply where its
//! configuration is not known before; it keeps no prior value. So there is no
//! word for "gone": what is missing is an error, or a null or empty result
//! where the data source says so.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::model::{self, misfit};
use super::resource::Context;
use super::schema::Schema;
use super::schema_check;
use super::value::Value;

/// The static facts of a data source.
#[derive(Debug)]
#[expect(
    clippy::manual_non_exhaustive,
    reason = "this crate itself must not go around the checks"
)]
pub struct Definition {
    /// Full type name, such as `sapcalm_destination`.
    pub type_name: &'static str,
    /// Its schema: what to ask for, and, as computed attributes, the answer.
    pub schema: &'static Schema,
    /// How long reading may take when `timeouts` does not say.
    pub default_timeout: Duration,
    /// Only [`Definition::new`] makes one.
    #[expect(dead_code, reason = "keeps others from making one")]
    checked: (),
}

impl Definition {
    /// The facts of a data source whose schema has nothing that only a managed
    /// resource can have: a version, write-only attributes, defaults,
    /// replacements and prior values.
    ///
    /// # Panics
    /// Where it does: at compile time, as a definition is a static.
    #[must_use]
    pub const fn new(
        type_name: &'static str,
        schema: &'static Schema,
        default_timeout: Duration,
    ) -> Self {
        schema_check::check_unmanaged(type_name, schema.version, schema.attributes);
        Self {
            type_name,
            schema,
            default_timeout,
            checked: (),
        }
    }
}

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
    #[must_use]
    pub fn with(mut self, warning: Diagnostic) -> Self {
        self.warnings.push(warning);
        self
    }
}

/// A data source, as its author writes it.
pub trait DataSource: Send + Sync + 'static {
    /// What the provider's configuration became.
    type Provider: Send + Sync + 'static;
    /// The struct of configuration and result.
    type Model: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The static facts.
    fn definition(&self) -> &'static Definition;

    /// Rules that look at more than one attribute. Values can be unknown; a
    /// rule about an unknown value is left out, it is asked again later.
    fn validate(&self, config: &Value) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

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
pub trait DynDataSource<P>: Send + Sync {
    /// The static facts.
    fn definition(&self) -> &'static Definition;

    /// See [`DataSource::validate`].
    fn validate(&self, config: &Value) -> Diagnostics;

    /// See [`DataSource::read`].
    fn read<'a>(
        &'a self,
        provider: &'a P,
        context: &'a Context,
        config: &'a Value,
    ) -> BoxFuture<'a, Result<Found<Value>, Diagnostics>>;
}

impl<D: DataSource> DynDataSource<D::Provider> for D {
    fn definition(&self) -> &'static Definition {
        DataSource::definition(self)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        DataSource::validate(self, config)
    }

    fn read<'a>(
        &'a self,
        provider: &'a D::Provider,
        context: &'a Context,
        config: &'a Value,
    ) -> BoxFuture<'a, Result<Found<Value>, Diagnostics>> {
        Box::pin(async move {
            let config = model::from_value(config).map_err(misfit)?;
            let Found { state, warnings } =
                DataSource::read(self, provider, context, config).await?;
            let object_type = DataSource::definition(self).schema.object_type();
            let state = model::to_value(&state, &object_type).map_err(misfit)?;
            Ok(Found { state, warnings })
        })
    }
}
