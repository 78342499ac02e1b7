//! A managed resource: the typed trait that a resource implements, and its
//! object-safe twin that the server calls.
//!
//! The typed side speaks in models (plain structs, `serde`); the server speaks
//! in [`Value`]s. A model's field names are the attribute names. An unknown
//! value reads as `None`, so every computed field is an `Option`.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use tonic::async_trait;

use super::definition::Described;
use super::diagnostics::{Diagnostic, Diagnostics};
use super::model;
use super::plan::{Action, Change, Plan, Planned};
use super::private::Private;
use super::schema::IdentitySchema;
use super::value::Value;

/// What surrounds one operation: when to give up, and whether to stop now.
#[derive(Debug, Clone)]
pub struct Context {
    /// The operation's timeout, as a moment.
    pub deadline: Instant,
    /// Cancelled by Terraform's `StopProvider`.
    pub cancel: CancellationToken,
}

/// An object, what is kept beside it, and warnings.
#[derive(Debug)]
#[must_use]
pub struct Saved<M> {
    /// The object as it is now.
    pub state: M,
    /// What to keep beside it.
    pub private: Private,
    /// No errors: an operation that failed says so by its type.
    pub warnings: Diagnostics,
}

impl<M> Saved<M> {
    /// An object, and nothing to say.
    pub fn new(state: M, private: Private) -> Self {
        Self {
            state,
            private,
            warnings: Diagnostics::new(),
        }
    }

    /// The same with more warnings.
    pub fn with(mut self, warnings: impl Into<Diagnostics>) -> Self {
        self.warnings.extend(warnings.into());
        self
    }
}

/// Why an operation failed, and what is there now as far as that is news:
/// what a failed create leaves is saved as tainted, what a failed update or
/// delete leaves takes the place of the prior state. Where nothing is left, a
/// create saves nothing, and the others keep the prior state.
///
/// A diagnostic is one that leaves nothing, for `?`.
#[derive(Debug)]
#[must_use]
pub struct Failed<M> {
    left: Option<(M, Private)>,
    problems: Diagnostics,
}

impl<M> Failed<M> {
    /// A failure that leaves this.
    pub fn leaving(state: M, private: Private, problems: impl Into<Diagnostics>) -> Self {
        Self {
            left: Some((state, private)),
            problems: problems.into(),
        }
    }

    /// The same with more messages.
    pub fn with(mut self, more: impl Into<Diagnostics>) -> Self {
        self.problems.extend(more.into());
        self
    }

    /// What is there now, and the messages. There is always an error among them.
    pub fn into_parts(mut self) -> (Option<(M, Private)>, Diagnostics) {
        if !self.problems.has_errors() {
            self.problems.push(Diagnostic::error(
                "Provider failed without a reason",
                "The operation failed, and the provider does not say why. This is a bug in the \
                 provider: report it.",
            ));
        }
        (self.left, self.problems)
    }
}

impl<M> From<Diagnostics> for Failed<M> {
    fn from(problems: Diagnostics) -> Self {
        Self {
            left: None,
            problems,
        }
    }
}

impl<M> From<Diagnostic> for Failed<M> {
    fn from(problem: Diagnostic) -> Self {
        Self::from(Diagnostics::from(problem))
    }
}

/// What read found. That it could not find out is an error.
#[derive(Debug)]
pub enum Seen<M> {
    /// The object is there.
    There(Saved<M>),
    /// It is certainly gone; with warnings.
    Gone(Diagnostics),
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
    /// such as `hashicorp/random`. Its host does not matter, a mirror has another.
    pub source_provider: &'static str,
    /// The other type, such as `random_id`.
    pub source_type: &'static str,
    /// The schema versions of the other type whose states are understood.
    pub source_versions: &'static [i64],
    /// Gets the attributes of the other type as JSON, gives those of this
    /// one. What is missing then is null. No secret of the other state belongs
    /// in there. The error says what is wrong without quoting a value.
    pub convert: fn(&serde_json::Value) -> Result<serde_json::Value, String>,
}

/// A managed resource, as its author writes it.
pub trait Resource: Described + Send + Sync + 'static {
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

    /// What its identity is made of: attributes of the state with the same names.
    fn identity_schema(&self) -> &'static IdentitySchema;

    /// Refines a plan. Called for create, update and delete; must answer the
    /// same for the same input, and asks no server. `provider` is `None`
    /// where the provider's configuration failed or was never given. What it
    /// returns is what create and update get; of a delete it is dropped.
    fn plan(&self, provider: Option<&Self::Provider>, plan: &mut Plan) -> Self::Decision {
        let _ = (provider, plan);
        Self::Decision::default()
    }

    /// Names the object outside Terraform that a plan or a state is about, as
    /// far as a plan knows it already. Creates, updates and deletes with the same
    /// name run one after the other, because Terraform does not see to it: it
    /// creates and deletes what is renamed at the same time.
    fn turn(&self, model: &Self::Model) -> String;

    /// Creates the object. A failure that leaves something is saved as tainted,
    /// which Terraform destroys in the next run.
    fn create(
        &self,
        provider: &Self::Provider,
        context: &Context,
        request: CreateRequest<Self::Model, Self::Decision>,
    ) -> impl Future<Output = Result<Saved<Self::Model>, Failed<Self::Model>>> + Send;

    /// Reads the object.
    fn read(
        &self,
        provider: &Self::Provider,
        context: &Context,
        request: ReadRequest<Self::Model>,
    ) -> impl Future<Output = Result<Seen<Self::Model>, Diagnostics>> + Send;

    /// Changes the object in place.
    fn update(
        &self,
        provider: &Self::Provider,
        context: &Context,
        request: UpdateRequest<Self::Model, Self::Decision>,
    ) -> impl Future<Output = Result<Saved<Self::Model>, Failed<Self::Model>>> + Send;

    /// Removes the object; removing what is gone already succeeds. The result
    /// are warnings.
    fn delete(
        &self,
        provider: &Self::Provider,
        context: &Context,
        request: DeleteRequest<Self::Model>,
    ) -> impl Future<Output = Result<Diagnostics, Failed<Self::Model>>> + Send;

    /// Turns what the practitioner named into a stub that read completes.
    ///
    /// # Errors
    /// What is wrong with the id or identity, and how it must look.
    fn import(&self, request: ImportRequest) -> Result<Self::Model, Diagnostics>;

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
#[async_trait]
pub trait DynResource<P>: Described + Send + Sync {
    /// See [`Resource::identity_schema`].
    fn identity_schema(&self) -> &'static IdentitySchema;

    /// See [`Resource::upgraders`].
    fn upgraders(&self) -> &'static [Upgrader];

    /// See [`Resource::complete_generated`].
    fn complete_generated(&self, provider: Option<&P>, config: &mut BTreeMap<String, Value>);

    /// See [`Resource::movers`].
    fn movers(&self) -> &'static [Mover];

    /// Plans a change of one object: see [`super::plan`] for the algorithm. `provider`
    /// is `None` where the provider is not configured.
    fn plan(&self, provider: Option<&P>, change: Change) -> Planned;

    /// See [`Resource::turn`].
    ///
    /// # Errors
    /// The value is not one of this resource: a bug.
    fn turn(&self, object: &Value) -> Result<String, Diagnostics>;

    /// See [`Resource::create`].
    async fn create(
        &self,
        provider: &P,
        context: &Context,
        request: CreateRequest<Value, serde_json::Value>,
    ) -> Result<Saved<Value>, Failed<Value>>;

    /// See [`Resource::read`].
    async fn read(
        &self,
        provider: &P,
        context: &Context,
        request: ReadRequest<Value>,
    ) -> Result<Seen<Value>, Diagnostics>;

    /// See [`Resource::update`].
    async fn update(
        &self,
        provider: &P,
        context: &Context,
        request: UpdateRequest<Value, serde_json::Value>,
    ) -> Result<Saved<Value>, Failed<Value>>;

    /// See [`Resource::delete`].
    async fn delete(
        &self,
        provider: &P,
        context: &Context,
        request: DeleteRequest<Value>,
    ) -> Result<Diagnostics, Failed<Value>>;

    /// See [`Resource::import`].
    ///
    /// # Errors
    /// What is wrong with the id or identity.
    fn import(&self, request: ImportRequest) -> Result<Value, Diagnostics>;
}

#[async_trait]
impl<R: Resource> DynResource<R::Provider> for R {
    fn identity_schema(&self) -> &'static IdentitySchema {
        Resource::identity_schema(self)
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

    fn plan(&self, provider: Option<&R::Provider>, change: Change) -> Planned {
        let mut plan = Plan::propose(self.definition().schema.attributes, change);
        let decision = Resource::plan(self, provider, &mut plan);
        if plan.action() != Action::Delete {
            plan.private.decide(&decision);
        }
        plan.finish()
    }

    fn turn(&self, object: &Value) -> Result<String, Diagnostics> {
        Ok(Resource::turn(self, &from_value(object)?))
    }

    async fn create(
        &self,
        provider: &R::Provider,
        context: &Context,
        request: CreateRequest<Value, serde_json::Value>,
    ) -> Result<Saved<Value>, Failed<Value>> {
        let request = CreateRequest {
            config: from_value(&request.config)?,
            planned: from_value(&request.planned)?,
            decision: decision(request.decision)?,
        };
        let created = Resource::create(self, provider, context, request).await;
        encode(self, created)
    }

    async fn read(
        &self,
        provider: &R::Provider,
        context: &Context,
        request: ReadRequest<Value>,
    ) -> Result<Seen<Value>, Diagnostics> {
        let request = ReadRequest {
            state: from_value(&request.state)?,
            private: request.private,
        };
        match Resource::read(self, provider, context, request).await? {
            Seen::There(saved) => Ok(Seen::There(encode_saved(self, saved)?)),
            Seen::Gone(warnings) => Ok(Seen::Gone(warnings)),
        }
    }

    async fn update(
        &self,
        provider: &R::Provider,
        context: &Context,
        request: UpdateRequest<Value, serde_json::Value>,
    ) -> Result<Saved<Value>, Failed<Value>> {
        let request = UpdateRequest {
            config: from_value(&request.config)?,
            planned: from_value(&request.planned)?,
            prior: from_value(&request.prior)?,
            private: request.private,
            decision: decision(request.decision)?,
        };
        let updated = Resource::update(self, provider, context, request).await;
        encode(self, updated)
    }

    async fn delete(
        &self,
        provider: &R::Provider,
        context: &Context,
        request: DeleteRequest<Value>,
    ) -> Result<Diagnostics, Failed<Value>> {
        let request = DeleteRequest {
            prior: from_value(&request.prior)?,
            private: request.private,
        };
        let deleted = Resource::delete(self, provider, context, request).await;
        deleted.map_err(|failed| encode_failed(self, failed))
    }

    fn import(&self, request: ImportRequest) -> Result<Value, Diagnostics> {
        to_value(self, &Resource::import(self, request)?)
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
    let object_type = resource.definition().schema.object_type();
    model::to_value(model, &object_type).map_err(model::misfit)
}

/// The same with values.
fn encode<R: Resource>(
    resource: &R,
    result: Result<Saved<R::Model>, Failed<R::Model>>,
) -> Result<Saved<Value>, Failed<Value>> {
    match result {
        Ok(saved) => Ok(encode_saved(resource, saved)?),
        Err(failed) => Err(encode_failed(resource, failed)),
    }
}

fn encode_saved<R: Resource>(
    resource: &R,
    saved: Saved<R::Model>,
) -> Result<Saved<Value>, Diagnostics> {
    Ok(Saved {
        state: to_value(resource, &saved.state)?,
        private: saved.private,
        warnings: saved.warnings,
    })
}

fn encode_failed<R: Resource>(resource: &R, failed: Failed<R::Model>) -> Failed<Value> {
    let Failed { left, problems } = failed;
    let Some((state, private)) = left else {
        return Failed::from(problems);
    };
    match to_value(resource, &state) {
        Ok(state) => Failed::leaving(state, private, problems),
        Err(misfit) => Failed::from(problems).with(misfit),
    }
}
