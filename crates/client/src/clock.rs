//! Time as the client sees it, so that tests need not wait for it.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A future that ends when a time has come.
pub(crate) type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The two clocks and the two ways to wait.
pub(crate) trait Clock: Debug + Send + Sync {
    /// The steady clock: deadlines, token lifetimes, durations.
    fn now(&self) -> Instant;

    /// The wall clock, only to understand an HTTP date.
    fn wall(&self) -> Timestamp;

    /// Waits between two attempts. A test's clock jumps ahead instead.
    fn sleep(&self, duration: Duration) -> Wait;

    /// Ends when `deadline` has passed. A test's clock never jumps for it.
    fn passed(&self, deadline: Instant) -> Wait;
}

/// The real time.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) -> Wait {
        Box::pin(tokio::time::sleep(duration))
    }

    fn passed(&self, deadline: Instant) -> Wait {
        Box::pin(tokio::time::sleep_until(deadline.into()))
    }
}
