//! An action (Terraform 1.14): does something once, at a practitioner's call
//! or before or after a change of a resource, and leaves nothing in the state.
//! The typed trait that its author writes, and its object-safe twin that the
//! server calls.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::diagnostics::Diagnostics;
use super::model::{self, misfit};
use super::resource::Context;
use super::schema::Schema;
use super::value::Value;

/// The static facts of an action.
#[derive(Debug)]
pub struct Definition {
    /// Full type name, such as `sapcalm_destination_check`.
    pub type_name: &'static str,
    /// The schema of the `config` block within the `action` block.
    pub schema: &'static Schema,
    /// How long it may take when `timeouts` does not say.
    pub default_timeout: Duration,
}

/// What goes out while an action runs.
#[derive(Debug)]
pub enum Event {
    /// How it gets on, in one sentence.
    Progress(String),
    /// It is over.
    Completed(Diagnostics),
}

/// Tells the practitioner how an action gets on.
#[derive(Debug)]
pub struct Progress {
    events: mpsc::Sender<Event>,
}

impl Progress {
    /// Sends what it is told through a channel.
    #[must_use]
    pub fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events }
    }

    /// Says one sentence. When nobody listens any more it is not said.
    pub async fn say(&self, message: impl Into<String>) {
        let _ = self.events.send(Event::Progress(message.into())).await;
    }
}

/// An action, as its author writes it.
pub trait Action: Send + Sync + 'static {
    /// What the provider's configuration became.
    type Provider: Send + Sync + 'static;
    /// The struct of the `config` block.
    type Config: DeserializeOwned + Send + Sync + 'static;

    /// The static facts.
    fn definition(&self) -> &'static Definition;

    /// Rules that look at more than one attribute. Values can be unknown.
    fn validate(&self, config: &Value) -> Diagnostics;

    /// Says while planning what would prevent the action. Values can be
    /// unknown, and no server is asked. `provider` is `None` where the
    /// provider's configuration failed or was never given.
    fn plan(&self, provider: Option<&Self::Provider>, config: &Value) -> Diagnostics;

    /// Does it. Errors in the result fail Terraform's run.
    fn invoke(
        &self,
        provider: &Self::Provider,
        context: &Context,
        config: Self::Config,
        progress: &Progress,
    ) -> impl Future<Output = Diagnostics> + Send;
}

/// The object-safe twin of [`Action`], implemented for every action. Where the
/// one has a struct, the other has a [`Value`].
pub trait DynAction<P>: Send + Sync {
    /// The static facts.
    fn definition(&self) -> &'static Definition;

    /// See [`Action::validate`].
    fn validate(&self, config: &Value) -> Diagnostics;

    /// See [`Action::plan`].
    fn plan(&self, provider: Option<&P>, config: &Value) -> Diagnostics;

    /// See [`Action::invoke`].
    fn invoke<'a>(
        &'a self,
        provider: &'a P,
        context: &'a Context,
        config: Value,
        progress: &'a Progress,
    ) -> BoxFuture<'a, Diagnostics>;
}

impl<A: Action> DynAction<A::Provider> for A {
    fn definition(&self) -> &'static Definition {
        Action::definition(self)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        Action::validate(self, config)
    }

    fn plan(&self, provider: Option<&A::Provider>, config: &Value) -> Diagnostics {
        Action::plan(self, provider, config)
    }

    fn invoke<'a>(
        &'a self,
        provider: &'a A::Provider,
        context: &'a Context,
        config: Value,
        progress: &'a Progress,
    ) -> BoxFuture<'a, Diagnostics> {
        Box::pin(async move {
            match model::from_value(&config) {
                Ok(config) => Action::invoke(self, provider, context, config, progress).await,
                Err(error) => misfit(error),
            }
        })
    }
}
