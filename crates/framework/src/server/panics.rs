//! A panic in a method ends the method and nothing else.
//!
//! What was panicked with can hold a secret, so it is neither shown nor
//! printed; where it happened is all that is kept. Only panics on the thread
//! that runs a method, while it runs it, are treated so: all others keep the
//! hook that was installed before.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

thread_local! {
    /// Whether this thread runs a guarded future right now.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Where the latest panic of a guarded future happened.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes panics of guarded futures silent and remembers where they were.
pub(super) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.get() {
                let location = info.location().map(ToString::to_string);
                LOCATION.with_borrow_mut(|slot| *slot = location);
            } else {
                previous(info);
            }
        }));
    });
}

/// Runs a future; where it panics, the error is the place in the source.
pub(super) async fn guarded<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match caught(|| future.as_mut().poll(context)) {
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(location) => Poll::Ready(Err(location)),
    })
    .await
}

/// Runs what does not wait; where it panics, the error is the place in the
/// source.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let _entered = Entered::new();
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        let location = LOCATION.with_borrow_mut(Option::take);
        location.unwrap_or_else(|| "an unknown place".to_owned())
    })
}

/// Marks the thread while it exists.
struct Entered {
    before: bool,
}

impl Entered {
    fn new() -> Self {
        Self {
            before: GUARDED.replace(true),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        GUARDED.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_its_location_without_its_payload() {
        install_hook();
        let location = guarded(async { panic!("secret-3f1") }).await.unwrap_err();
        assert!(location.contains("panics.rs"), "{location}");
        assert!(!location.contains("secret-3f1"));
    }

    #[tokio::test]
    async fn a_panic_after_waiting_is_caught_as_well() {
        install_hook();
        let outcome = guarded(async {
            tokio::task::yield_now().await;
            panic!("late")
        });
        assert!(outcome.await.is_err());
        assert_eq!(guarded(async { 7 }).await, Ok(7));
        assert!(!GUARDED.get());
    }
}
