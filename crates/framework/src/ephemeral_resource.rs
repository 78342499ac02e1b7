//! An ephemeral resource (Terraform 1.10): something that exists while
//! Terraform works and is stored nowhere. The typed trait that an ephemeral
//! resource implements, and its object-safe twin that the server calls, as for
//! a [`resource`](super::resource).
//!
//! Terraform opens it once while planning and once more while applying, renews
//! it as often as it is told to, and closes it after its last use. What was
//! opened cannot change: renewing only makes it last longer.

use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::model::{self, misfit};
use super::private::Private;
use super::resource::Context;
use super::schema::Schema;
use super::schema_check;
use super::value::Value;

/// The static facts of an ephemeral resource.
#[derive(Debug)]
#[expect(
    clippy::manual_non_exhaustive,
    reason = "this crate itself must not go around the checks"
)]
pub struct Definition {
    /// Full type name, such as `sapcalm_access_token`.
    pub type_name: &'static str,
    /// Its schema: what to open, and, as computed attributes, the result.
    pub schema: &'static Schema,
    /// How long opening may take when `timeouts` does not say; renewing and
    /// closing, which see no configuration, may take that long in any case.
    pub default_timeout: Duration,
    /// Only [`Definition::new`] makes one.
    #[expect(dead_code, reason = "keeps others from making one")]
    checked: (),
}

impl Definition {
    /// The facts of an ephemeral resource whose schema has nothing that only a
    /// managed resource can have: a version, write-only attributes, defaults,
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
pub trait EphemeralResource: Send + Sync + 'static {
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
pub trait DynEphemeralResource<P>: Send + Sync {
    /// The static facts.
    fn definition(&self) -> &'static Definition;

    /// See [`EphemeralResource::validate`].
    fn validate(&self, config: &Value) -> Diagnostics;

    /// See [`EphemeralResource::open`].
    fn open<'a>(
        &'a self,
        provider: &'a P,
        context: &'a Context,
        config: &'a Value,
    ) -> BoxFuture<'a, Result<Opened<Value>, Diagnostics>>;

    /// See [`EphemeralResource::renew`].
    fn renew<'a>(
        &'a self,
        provider: &'a P,
        context: &'a Context,
        private: Private,
    ) -> BoxFuture<'a, Result<Lease, Diagnostics>>;

    /// See [`EphemeralResource::close`].
    fn close<'a>(
        &'a self,
        provider: &'a P,
        context: &'a Context,
        private: Private,
    ) -> BoxFuture<'a, Diagnostics>;
}

impl<E: EphemeralResource> DynEphemeralResource<E::Provider> for E {
    fn definition(&self) -> &'static Definition {
        EphemeralResource::definition(self)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        EphemeralResource::validate(self, config)
    }

    fn open<'a>(
        &'a self,
        provider: &'a E::Provider,
        context: &'a Context,
        config: &'a Value,
    ) -> BoxFuture<'a, Result<Opened<Value>, Diagnostics>> {
        Box::pin(async move {
            let config = model::from_value(config).map_err(misfit)?;
            let Opened { result, lease } =
                EphemeralResource::open(self, provider, context, config).await?;
            let object_type = EphemeralResource::definition(self).schema.object_type();
            let result = result.map(|result| model::to_value(&result, &object_type));
            let result = result.transpose().map_err(misfit)?;
            Ok(Opened { result, lease })
        })
    }

    fn renew<'a>(
        &'a self,
        provider: &'a E::Provider,
        context: &'a Context,
        private: Private,
    ) -> BoxFuture<'a, Result<Lease, Diagnostics>> {
        Box::pin(EphemeralResource::renew(self, provider, context, private))
    }

    fn close<'a>(
        &'a self,
        provider: &'a E::Provider,
        context: &'a Context,
        private: Private,
    ) -> BoxFuture<'a, Diagnostics> {
        Box::pin(EphemeralResource::close(self, provider, context, private))
    }
}
