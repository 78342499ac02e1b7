//! An action (Terraform 1.14): does something once, at a practitioner's call
//! or before or after a change of a resource, and leaves nothing in the state.
//! The typed trait that its author writes, and its object-safe twin that the
//! server calls.

use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tonic::async_trait;

use super::definition::Described;
use super::diagnostics::Diagnostics;
use super::model::{self, misfit};
use super::resource::Context;
use super::value::Value;

/// Tells the practitioner how an action gets on.
#[derive(Debug)]
pub struct Progress {
    sentences: mpsc::Sender<String>,
}

impl Progress {
    /// Sends what it is told through a channel.
    pub fn new(sentences: mpsc::Sender<String>) -> Self {
        Self { sentences }
    }

    /// Says one sentence. When nobody listens any more it is not said.
    pub async fn say(&self, message: impl Into<String>) {
        let _ = self.sentences.send(message.into()).await;
    }
}

/// An action, as its author writes it.
pub trait Action: Described + Send + Sync + 'static {
    /// What the provider's configuration became.
    type Provider: Send + Sync + 'static;
    /// The struct of the `config` block.
    type Config: DeserializeOwned + Send + Sync + 'static;

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
#[async_trait]
pub trait DynAction<P>: Described + Send + Sync {
    /// See [`Action::plan`].
    fn plan(&self, provider: Option<&P>, config: &Value) -> Diagnostics;

    /// See [`Action::invoke`].
    async fn invoke(
        &self,
        provider: &P,
        context: &Context,
        config: Value,
        progress: &Progress,
    ) -> Diagnostics;
}

#[async_trait]
impl<A: Action> DynAction<A::Provider> for A {
    fn plan(&self, provider: Option<&A::Provider>, config: &Value) -> Diagnostics {
        Action::plan(self, provider, config)
    }

    async fn invoke(
        &self,
        provider: &A::Provider,
        context: &Context,
        config: Value,
        progress: &Progress,
    ) -> Diagnostics {
        match model::from_value(&config) {
            Ok(config) => Action::invoke(self, provider, context, config, progress).await,
            Err(error) => misfit(error),
        }
    }
}
