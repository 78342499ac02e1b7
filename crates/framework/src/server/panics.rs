//! A panic in a method ends the method and nothing else.
//!
//! What was panicked with can hold a secret, so only where it happened is kept,
//! for the practitioner. Whether and how a panic is printed is decided by the
//! hook that was installed before; see [`logging`](crate::plugin::logging).

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use futures_util::FutureExt as _;

thread_local! {
    /// Where the latest panic on this thread happened.
    static LOCATION: Cell<Option<String>> = const { Cell::new(None) };
}

/// Remembers from now on where panics happen.
pub(super) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            LOCATION.set(info.location().map(ToString::to_string));
            previous(info);
        }));
    });
}

/// Runs a future; where it panics, the error is the place in the source.
pub(super) async fn guarded<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    caught.map_err(|_| {
        LOCATION
            .take()
            .unwrap_or_else(|| "an unknown place".to_owned())
    })
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
    }
}
