//! Operations on one object take turns: create, update and delete with the same
//! name (see [`Resource::turn`]) run one after the other.
//!
//! Terraform does not see to it. It deletes `a` and creates `b` at the same time
//! where a resource was renamed, or where the elements of a `count` move up, and
//! both may be the same object outside.
//!
//! What it deliberately does not do: two processes, that is two runs of Terraform
//! or two aliases of the provider, know nothing of each other.
//!
//! [`Resource::turn`]: crate::resource::Resource::turn

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::OwnedMutexGuard;

use super::lock;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::resource::Context;

/// The right to work on an object, until it is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

/// Type name, and the name of the object.
type Object = (&'static str, String);

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<BTreeMap<Object, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until nobody else works on the object, as long as the operation may
    /// take.
    pub(super) async fn wait(
        &self,
        type_name: &'static str,
        object: String,
        context: &Context,
    ) -> Result<Turn, Diagnostics> {
        let turn = {
            let mut all = lock(&self.0);
            Arc::clone(all.entry((type_name, object)).or_default())
        };
        let why = tokio::select! {
            biased;
            turn = turn.lock_owned() => return Ok(turn),
            () = context.cancel.cancelled() => "The run was interrupted meanwhile.",
            () = tokio::time::sleep_until(context.deadline.into()) => {
                "The time for this one is over; `timeouts` sets it."
            }
        };
        Err(Diagnostic::error(
            "Object is being changed by another resource",
            format!(
                "Another operation of this run worked on the same object, and this one waited for \
                 its end. {why} Nothing was changed, and the state stays as it is.\n\n\
                 Run Terraform again."
            ),
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio_util::sync::CancellationToken;

    use super::*;

    fn context(limit: Duration) -> Context {
        Context {
            deadline: Instant::now() + limit,
            cancel: CancellationToken::new(),
        }
    }

    #[tokio::test]
    async fn operations_on_one_object_take_turns_and_others_do_not_wait() {
        let (turns, patient) = (Turns::default(), context(Duration::from_mins(1)));
        let object = || "1".to_owned();
        let first = turns.wait("a", object(), &patient).await.unwrap();
        let over = turns.wait("a", object(), &context(Duration::ZERO)).await;
        assert!(over.unwrap_err().has_errors());
        let cancelled = context(Duration::from_mins(1));
        cancelled.cancel.cancel();
        assert!(turns.wait("a", object(), &cancelled).await.is_err());
        turns.wait("a", "2".to_owned(), &patient).await.unwrap();
        turns.wait("b", object(), &patient).await.unwrap();
        drop(first);
        // Whose turn it is at once may begin, and finds out the rest itself.
        turns.wait("a", object(), &cancelled).await.unwrap();
    }
}
