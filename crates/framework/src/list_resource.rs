//! A list resource (Terraform 1.14): finds objects of one managed resource, so
//! that they can be looked at or imported. The typed trait that its author
//! writes, and its object-safe twin that the server calls.
//!
//! What is found goes out while the rest is still looked for, through
//! [`Results`], whose answer says when it is enough. When Terraform stops
//! listening, the future of [`ListResource::list`] is dropped where it waits.

use std::ops::ControlFlow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tonic::async_trait;

use super::definition::Described;
use super::diagnostics::Diagnostics;
use super::model::{self, misfit};
use super::resource::Context;
use super::schema::Schema;
use super::value::Value;

/// What to look for.
#[derive(Debug, Clone)]
pub struct ListRequest<C> {
    /// The `config` block; every value is known.
    pub config: C,
    /// Whether whole objects are wanted. If not, what the identity of an
    /// object is made of is enough.
    pub include_object: bool,
}

/// What goes out while objects are looked for.
#[derive(Debug)]
pub enum Event {
    /// An object was found.
    Found {
        /// The object as a state holds it.
        object: Value,
        /// What people call it.
        display_name: String,
    },
    /// Something about the list as a whole.
    Message(Diagnostics),
}

/// Where found objects go.
#[derive(Debug)]
pub struct Results {
    /// The schema of the managed resource.
    schema: &'static Schema,
    events: mpsc::Sender<Event>,
    left: usize,
}

impl Results {
    /// Takes objects of a managed resource, and not more than so many.
    pub fn new(schema: &'static Schema, events: mpsc::Sender<Event>, limit: usize) -> Self {
        Self {
            schema,
            events,
            left: limit,
        }
    }

    /// How many more objects are wanted.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Hands over an object, which is a model of the managed resource, and
    /// waits until Terraform takes more. Breaks when it is enough: the limit
    /// is reached, or nobody listens any more.
    pub async fn found(
        &mut self,
        object: &impl Serialize,
        display_name: impl Into<String>,
    ) -> ControlFlow<()> {
        if self.left == 0 {
            return ControlFlow::Break(());
        }
        let event = match model::to_value(object, &self.schema.object_type()) {
            Ok(object) => {
                self.left -= 1;
                Event::Found {
                    object,
                    display_name: display_name.into(),
                }
            }
            Err(error) => Event::Message(misfit(error)),
        };
        self.send(event).await
    }

    /// Says something about the list as a whole. Breaks as
    /// [`Results::found`] does.
    pub async fn report(&mut self, diagnostics: impl Into<Diagnostics>) -> ControlFlow<()> {
        let diagnostics = diagnostics.into();
        if diagnostics.is_empty() {
            return ControlFlow::Continue(());
        }
        self.send(Event::Message(diagnostics)).await
    }

    async fn send(&self, event: Event) -> ControlFlow<()> {
        match self.events.send(event).await {
            Ok(()) if self.left > 0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}

/// A list resource, as its author writes it.
pub trait ListResource: Described + Send + Sync + 'static {
    /// What the provider's configuration became.
    type Provider: Send + Sync + 'static;
    /// The struct of the `config` block.
    type Config: DeserializeOwned + Send + Sync + 'static;

    /// Looks for objects and hands them over one by one, until all are found
    /// or `results` breaks. The result says what went wrong; what was handed
    /// over before stays found.
    fn list(
        &self,
        provider: &Self::Provider,
        context: &Context,
        request: ListRequest<Self::Config>,
        results: &mut Results,
    ) -> impl Future<Output = Diagnostics> + Send;
}

/// The object-safe twin of [`ListResource`], implemented for every one. Where
/// the one has a struct, the other has a [`Value`].
#[async_trait]
pub trait DynListResource<P>: Described + Send + Sync {
    /// See [`ListResource::list`].
    async fn list(
        &self,
        provider: &P,
        context: &Context,
        request: ListRequest<Value>,
        results: &mut Results,
    ) -> Diagnostics;
}

#[async_trait]
impl<L: ListResource> DynListResource<L::Provider> for L {
    async fn list(
        &self,
        provider: &L::Provider,
        context: &Context,
        request: ListRequest<Value>,
        results: &mut Results,
    ) -> Diagnostics {
        let request = match model::from_value(&request.config) {
            Ok(config) => ListRequest {
                config,
                include_object: request.include_object,
            },
            Err(error) => return misfit(error),
        };
        ListResource::list(self, provider, context, request, results).await
    }
}
