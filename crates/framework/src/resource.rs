//! A managed resource: the typed trait that a resource implements, and its
//! object-safe twin that the server calls.
//!
//! The typed side speaks in models (plain structs, `serde`); the server speaks
//! in [`Value`]s. A model's field names are the attribute names. An unknown
//! value reads as `None`, so every computed field is an `Option`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::model;
use super::plan::{Action, Plan};
use super::private::Private;
use super::schema::{IdentitySchema, Schema};
use super::value::Value;

/// The static facts of a resource type.
#[derive(Debug)]
pub struct Definition {
    /// Full type name, such as `sapcalm_destination`.
    pub type_name: &'static str,
    /// Its schema.
    pub schema: &'static Schema,
    /// Its identity.
    pub identity: &'static IdentitySchema,
    /// How long an operation may take when `timeouts` does not say.
    pub default_timeout: Duration,
}

/// What surrounds one operation: when to give up, and whether to stop now.
#[derive(Debug, Clone)]
pub struct Context {
    /// The operation's timeout, as a moment.
    pub deadline: Instant,
    /// Cancelled by Terraform's `StopProvider`.
    pub cancel: CancellationToken,
}

/// What an operation leaves behind. Without errors `state` must be there
/// (except after read and delete, where `None` means that the object is gone).
/// With errors it says what is really there now: after create, `None` saves
/// nothing, and a state is saved as tainted; after update and delete, `None`
/// keeps the prior state.
pub struct Outcome<M> {
    /// The object as it is now.
    pub state: Option<M>,
    /// What to keep beside it.
    pub private: Private,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl<M> Outcome<M> {
    /// It worked, and this is the object.
    #[must_use]
    pub fn saved(state: M, private: Private) -> Self {
        Self {
            state: Some(state),
            private,
            diagnostics: Diagnostics::new(),
        }
    }

    /// It failed, and Terraform keeps what it had.
    #[must_use]
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self {
            state: None,
            private: Private::default(),
            diagnostics: diagnostics.into(),
        }
    }

    /// The object is gone.
    #[must_use]
    pub fn gone() -> Self {
        Self {
            state: None,
            private: Private::default(),
            diagnostics: Diagnostics::new(),
        }
    }

    /// The same with more messages.
    #[must_use]
    pub fn with(mut self, diagnostics: impl Into<Diagnostics>) -> Self {
        self.diagnostics.extend(diagnostics.into());
        self
    }
}

/// What create works with.
pub struct CreateRequest<M, D> {
    /// The configuration, write-only values included. Only for the values that
    /// the decision asks for: what is done follows from the plan.
    pub config: M,
    /// The plan; what is not decided yet is `None`.
    pub planned: M,
    /// What the plan decided.
    pub decision: D,
}

/// What read works with.
pub struct ReadRequest<M> {
    /// The state so far; a stub after an import.
    pub state: M,
    /// What was kept beside it.
    pub private: Private,
}

/// What update works with.
pub struct UpdateRequest<M, D> {
    /// The configuration, write-only values included. Only for the values that
    /// the decision asks for: what is done follows from the plan.
    pub config: M,
    /// The plan; what is not decided yet is `None`.
    pub planned: M,
    /// The state before.
    pub prior: M,
    /// What the plan keeps beside it.
    pub private: Private,
    /// What the plan decided.
    pub decision: D,
}

/// What delete works with.
pub struct DeleteRequest<M> {
    /// The state before.
    pub prior: M,
    /// What was kept beside it.
    pub private: Private,
}

/// How an import names the object.
#[derive(Debug)]
pub enum ImportRequest {
    /// By the text of `terraform import` or an `import` block.
    Id(String),
    /// By its identity (Terraform 1.12): the known values by name.
    Identity(BTreeMap<String, String>),
}

/// Turns a state of one older schema version directly into one of the current
/// version.
#[derive(Debug, Clone, Copy)]
pub struct Upgrader {
    /// The older version.
    pub from_version: i64,
    /// Gets the attributes as JSON, gives those of the current schema. What is
    /// missing then is null, what is unknown to the schema is dropped. The
    /// error says what is wrong without quoting a value.
    pub upgrade: fn(serde_json::Value) -> Result<serde_json::Value, String>,
}

/// Turns an object of another resource type into one of this type, where a
/// `moved` block says so (Terraform 1.8). Nothing is asked: the result is often
/// a stub that the next read completes, as after an import.
#[derive(Debug, Clone, Copy)]
pub struct Mover {
    /// Namespace and type of the provider of the other type, in lower case,
    /// such as `sap/btp`. Its host does not matter, a mirror has another.
    pub source_provider: &'static str,
    /// The other type, such as `btp_subaccount_destination`.
    pub source_type: &'static str,
    /// The schema versions of the other type whose states are understood.
    pub source_versions: &'static [i64],
    /// Gets the attributes of the other type as JSON, gives those of this
    /// one. What is missing then is null. No secret of the other state belongs
    /// in there. The error says what is wrong without quoting a value.
    pub convert: fn(&serde_json::Value) -> Result<serde_json::Value, String>,
}

/// A managed resource, as its author writes it.
pub trait Resource: Send + Sync + 'static {
    /// What the provider's configuration became.
    type Provider: Send + Sync + 'static;
    /// The struct of configuration, plan and state. A write-only field is
    /// `None` in plan and state; the framework sees to it.
    type Model: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What a plan decides beyond the planned values, for create and update to
    /// carry out. It may refine what follows from those values and never add
    /// to it: the decision of the plan that a person reviewed is thrown away,
    /// and Terraform plans again, with known values, right before every create
    /// and update. It travels in private data, so no secret belongs in it.
    /// `()` where there is nothing to decide.
    type Decision: Default + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The static facts.
    fn definition(&self) -> &'static Definition;

    /// Rules that look at more than one attribute. Values can be unknown; a
    /// rule about an unknown value is left out, it is asked again later.
    fn validate(&self, config: &Value) -> Diagnostics;

    /// Refines a plan. Called for create, update and delete; must answer the
    /// same for the same input, and asks no server. `provider` is `None`
    /// where the provider's configuration failed or was never given. What it
    /// returns is what create and update get; of a delete it is dropped.
    fn plan(&self, provider: Option<&Self::Provider>, plan: &mut Plan) -> Self::Decision;

    /// Creates the object.
    fn create(
        &self,
        provider: &Self::Provider,
        context: &Context,
        request: CreateRequest<Self::Model, Self::Decision>,
    ) -> impl Future<Output = Outcome<Self::Model>> + Send;

    /// Reads the object; [`Outcome::gone`] when it is certainly gone.
    fn read(
        &self,
        provider: &Self::Provider,
        context: &Context,
        request: ReadRequest<Self::Model>,
    ) -> impl Future<Output = Outcome<Self::Model>> + Send;

    /// Changes the object in place.
    fn update(
        &self,
        provider: &Self::Provider,
        context: &Context,
        request: UpdateRequest<Self::Model, Self::Decision>,
    ) -> impl Future<Output = Outcome<Self::Model>> + Send;

    /// Removes the object; removing what is gone already succeeds.
    fn delete(
        &self,
        provider: &Self::Provider,
        context: &Context,
        request: DeleteRequest<Self::Model>,
    ) -> impl Future<Output = Outcome<Self::Model>> + Send;

    /// Turns what the practitioner named into a stub that read completes.
    ///
    /// # Errors
    /// What is wrong with the id or identity, and how it must look.
    fn import(&self, request: ImportRequest) -> Result<Self::Model, Diagnostics>;

    /// The identity of an object, from its state: name and value, in the order
    /// of the identity schema. `None` for what is not known yet, such as in
    /// the stub of an import.
    fn identity(&self, state: &Self::Model) -> Vec<(&'static str, Option<String>)>;

    /// Fills in what a generated configuration needs and the state of an
    /// imported object does not tell, and takes out what it had better not
    /// say. The rest of it is made from the state. `provider` is `None` where
    /// the provider is not configured.
    fn complete_generated(
        &self,
        _provider: Option<&Self::Provider>,
        _config: &mut BTreeMap<String, Value>,
    ) {
    }

    /// How states of older schema versions become states of the current one:
    /// one upgrader for each older version.
    fn upgraders(&self) -> &'static [Upgrader] {
        &[]
    }

    /// Which objects of other types can become objects of this one.
    fn movers(&self) -> &'static [Mover] {
        &[]
    }
}

/// The object-safe twin of [`Resource`], implemented for every resource. Where
/// the one has a model, the other has a [`Value`].
pub trait DynResource<P>: Send + Sync {
    /// The static facts.
    fn definition(&self) -> &'static Definition;

    /// See [`Resource::upgraders`].
    fn upgraders(&self) -> &'static [Upgrader];

    /// See [`Resource::complete_generated`].
    fn complete_generated(&self, provider: Option<&P>, config: &mut BTreeMap<String, Value>);

    /// See [`Resource::movers`].
    fn movers(&self) -> &'static [Mover];

    /// See [`Resource::validate`].
    fn validate(&self, config: &Value) -> Diagnostics;

    /// See [`Resource::plan`].
    fn plan(&self, provider: Option<&P>, plan: &mut Plan);

    /// See [`Resource::create`].
    fn create<'a>(
        &'a self,
        provider: &'a P,
        context: &'a Context,
        request: CreateRequest<Value, serde_json::Value>,
    ) -> BoxFuture<'a, Outcome<Value>>;

    /// See [`Resource::read`].
    fn read<'a>(
        &'a self,
        provider: &'a P,
        context: &'a Context,
        request: ReadRequest<Value>,
    ) -> BoxFuture<'a, Outcome<Value>>;

    /// See [`Resource::update`].
    fn update<'a>(
        &'a self,
        provider: &'a P,
        context: &'a Context,
        request: UpdateRequest<Value, serde_json::Value>,
    ) -> BoxFuture<'a, Outcome<Value>>;

    /// See [`Resource::delete`].
    fn delete<'a>(
        &'a self,
        provider: &'a P,
        context: &'a Context,
        request: DeleteRequest<Value>,
    ) -> BoxFuture<'a, Outcome<Value>>;

    /// See [`Resource::import`].
    ///
    /// # Errors
    /// What is wrong with the id or identity.
    fn import(&self, request: ImportRequest) -> Result<Value, Diagnostics>;

    /// See [`Resource::identity`].
    ///
    /// # Errors
    /// The state is not one of this resource: a bug.
    fn identity(&self, state: &Value) -> Result<Vec<(&'static str, Option<String>)>, Diagnostics>;
}

impl<R: Resource> DynResource<R::Provider> for R {
    fn definition(&self) -> &'static Definition {
        Resource::definition(self)
    }

    fn upgraders(&self) -> &'static [Upgrader] {
        Resource::upgraders(self)
    }

    fn complete_generated(
        &self,
        provider: Option<&R::Provider>,
        config: &mut BTreeMap<String, Value>,
    ) {
        Resource::complete_generated(self, provider, config);
    }

    fn movers(&self) -> &'static [Mover] {
        Resource::movers(self)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        Resource::validate(self, config)
    }

    fn plan(&self, provider: Option<&R::Provider>, plan: &mut Plan) {
        let decision = Resource::plan(self, provider, plan);
        if plan.action() != Action::Delete {
            plan.private.decide(&decision);
        }
    }

    fn create<'a>(
        &'a self,
        provider: &'a R::Provider,
        context: &'a Context,
        request: CreateRequest<Value, serde_json::Value>,
    ) -> BoxFuture<'a, Outcome<Value>> {
        Box::pin(async move {
            let decoded = || -> Result<_, Diagnostics> {
                Ok(CreateRequest {
                    config: from_value(&request.config)?,
                    planned: from_value(&request.planned)?,
                    decision: decision(request.decision)?,
                })
            };
            match decoded() {
                Ok(request) => encode(
                    self,
                    Resource::create(self, provider, context, request).await,
                ),
                Err(diagnostics) => Outcome::failed(diagnostics),
            }
        })
    }

    fn read<'a>(
        &'a self,
        provider: &'a R::Provider,
        context: &'a Context,
        request: ReadRequest<Value>,
    ) -> BoxFuture<'a, Outcome<Value>> {
        Box::pin(async move {
            let request = match from_value(&request.state) {
                Ok(state) => ReadRequest {
                    state,
                    private: request.private,
                },
                Err(diagnostics) => return Outcome::failed(diagnostics),
            };
            encode(self, Resource::read(self, provider, context, request).await)
        })
    }

    fn update<'a>(
        &'a self,
        provider: &'a R::Provider,
        context: &'a Context,
        request: UpdateRequest<Value, serde_json::Value>,
    ) -> BoxFuture<'a, Outcome<Value>> {
        Box::pin(async move {
            let decoded = || -> Result<_, Diagnostics> {
                Ok(UpdateRequest {
                    config: from_value(&request.config)?,
                    planned: from_value(&request.planned)?,
                    prior: from_value(&request.prior)?,
                    private: request.private,
                    decision: decision(request.decision)?,
                })
            };
            match decoded() {
                Ok(request) => encode(
                    self,
                    Resource::update(self, provider, context, request).await,
                ),
                Err(diagnostics) => Outcome::failed(diagnostics),
            }
        })
    }

    fn delete<'a>(
        &'a self,
        provider: &'a R::Provider,
        context: &'a Context,
        request: DeleteRequest<Value>,
    ) -> BoxFuture<'a, Outcome<Value>> {
        Box::pin(async move {
            let request = match from_value(&request.prior) {
                Ok(prior) => DeleteRequest {
                    prior,
                    private: request.private,
                },
                Err(diagnostics) => return Outcome::failed(diagnostics),
            };
            encode(
                self,
                Resource::delete(self, provider, context, request).await,
            )
        })
    }

    fn import(&self, request: ImportRequest) -> Result<Value, Diagnostics> {
        to_value(self, &Resource::import(self, request)?)
    }

    fn identity(&self, state: &Value) -> Result<Vec<(&'static str, Option<String>)>, Diagnostics> {
        Ok(Resource::identity(self, &from_value(state)?))
    }
}

/// A value as the model of a resource. A value that fits the schema and not
/// the model is a bug, of the model.
fn from_value<M: DeserializeOwned>(value: &Value) -> Result<M, Diagnostics> {
    model::from_value(value).map_err(model::misfit)
}

/// What a plan decided. Nobody but this provider writes it.
fn decision<D: DeserializeOwned>(decision: serde_json::Value) -> Result<D, Diagnostics> {
    serde_json::from_value(decision).map_err(|_| {
        Diagnostic::error(
            "Plan without a decision",
            "The plan does not say what to do: it lacks what this provider put beside it, or \
             another version of the provider made it. Nothing was changed. Plan again.",
        )
        .into()
    })
}

/// The model of a resource as a value.
fn to_value<R: Resource>(resource: &R, model: &R::Model) -> Result<Value, Diagnostics> {
    let object_type = Resource::definition(resource).schema.object_type();
    model::to_value(model, &object_type).map_err(model::misfit)
}

/// An outcome as values.
fn encode<R: Resource>(resource: &R, outcome: Outcome<R::Model>) -> Outcome<Value> {
    let Outcome {
        state,
        private,
        mut diagnostics,
    } = outcome;
    let state = match state.map(|state| to_value(resource, &state)).transpose() {
        Ok(state) => state,
        Err(misfit) => {
            diagnostics.extend(misfit);
            None
        }
    };
    Outcome {
        state,
        private,
        diagnostics,
    }
}
