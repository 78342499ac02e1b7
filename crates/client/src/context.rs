//! How long an operation may take, and how it is told to stop.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// How long an operation may take and how it is told to stop.
///
/// Every call takes one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// When the operation gives up, retries and waiting included.
    pub deadline: Instant,
    /// Cancelling it aborts the requests in flight at once.
    pub cancel: CancellationToken,
}

impl Context {
    /// A context that gives up after `timeout`, counted from now.
    pub fn within(timeout: Duration, cancel: CancellationToken) -> Self {
        let now = Instant::now();
        // A timeout beyond the end of time is as good as a century.
        let century = Duration::from_hours(24 * 365 * 100);
        Self {
            deadline: now.checked_add(timeout).unwrap_or(now + century),
            cancel,
        }
    }
}
