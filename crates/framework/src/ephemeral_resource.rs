//! An ephemeral resource (Terraform 1.10): something that exists while
//! Terraform works and is stored nowhere. The typed trait that an ephemeral
//! resource implements, and its object-safe twin that the server calls, as for
//! a [`resource`](super::resource).
//!
//! Terraform opens it once while planning and once more while applying, renews
//! it as often as it is told to, and closes it after its last use. What was
//! opened cannot change: renewing only makes it last longer.

use std::time::SystemTime;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::async_trait;

use super::definition::Described;
use super::diagnostics::{Diagnostic, Diagnostics};
use super::model::{self, misfit};
use super::private::Private;
use super::resource::Context;
use super::value::Value;

/// What was opened.
#[derive(Debug)]
pub struct Opened<M> {
    /// The configuration, completed with what was opened. Nothing while that
    /// is only known after another change: every computed attribute is unknown
    /// then, and Terraform opens once more while applying.
    pub result: Option<M>,
    /// How long it lasts, and what renewing and closing need to know.
    pub lease: Lease,
}

impl<M> Opened<M> {
    /// Nothing is opened yet; the warning says why.
    #[must_use]
    pub fn later(warning: Diagnostic) -> Self {
        Self {
            result: None,
            lease: Lease {
                warnings: warning.into(),
                ..Lease::default()
            },
        }
    }
}

/// How long something opened lasts, and what is known about it meanwhile.
#[derive(Debug, Default)]
pub struct Lease {
    /// What the next renewal gets. Closing gets what *opening* kept, whatever
    /// the renewals since then answered.
    pub private: Private,
    /// When Terraform is to renew; `None` means never.
    pub renew_at: Option<SystemTime>,
    /// Warnings.
    pub warnings: Diagnostics,
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

    /// Makes it last longer. Called only where `renew_at` asks for it.
    ///
    /// # Errors
    /// What could not be renewed.
    fn renew(
        &self,
        provider: &Self::Provider,
        context: &Context,
        private: Private,
    ) -> impl Future<Output = Result<Lease, Diagnostics>> + Send {
        let _ = (provider, context);
        async move {
            Ok(Lease {
                private,
                ..Lease::default()
            })
        }
    }

    /// Gives back what was opened; giving back what has expired succeeds.
    fn close(
        &self,
        provider: &Self::Provider,
        context: &Context,
        private: Private,
    ) -> impl Future<Output = Diagnostics> + Send {
        let _ = (provider, context, private);
        async { Diagnostics::new() }
    }
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

    /// See [`EphemeralResource::renew`].
    async fn renew(
        &self,
        provider: &P,
        context: &Context,
        private: Private,
    ) -> Result<Lease, Diagnostics>;

    /// See [`EphemeralResource::close`].
    async fn close(&self, provider: &P, context: &Context, private: Private) -> Diagnostics;
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
        let Opened { result, lease } =
            EphemeralResource::open(self, provider, context, config).await?;
        let object_type = self.definition().schema.object_type();
        let result = result.map(|result| model::to_value(&result, &object_type));
        let result = result.transpose().map_err(misfit)?;
        Ok(Opened { result, lease })
    }

    async fn renew(
        &self,
        provider: &E::Provider,
        context: &Context,
        private: Private,
    ) -> Result<Lease, Diagnostics> {
        EphemeralResource::renew(self, provider, context, private).await
    }

    async fn close(
        &self,
        provider: &E::Provider,
        context: &Context,
        private: Private,
    ) -> Diagnostics {
        EphemeralResource::close(self, provider, context, private).await
    }
}
