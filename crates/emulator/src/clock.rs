//! The emulator's time: the machine's, until somebody moves it forward or stops
//! it by `POST /_emulator/clock`. Propagation, the life of tokens, latency and the
//! delays of faults all go by it, so that no test has to wait.
//!
//! Deliberately not here: the times in the journal. They are the machine's, and
//! say when something happened in the test.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use tokio::sync::watch;

/// One time, for all who hold a copy.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    start: (Instant, SystemTime),
    state: Arc<watch::Sender<State>>,
}

/// What the clock showed at a moment, and whether it has gone on since.
#[derive(Clone, Copy, Debug)]
struct State {
    shown: Instant,
    at: Instant,
    runs: bool,
}

/// What `POST /_emulator/clock` takes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) forward_ms: u64,
    /// Whether time passes by itself; left out is as it is.
    pub(crate) runs: Option<bool>,
}

impl Default for Clock {
    fn default() -> Self {
        let now = Instant::now();
        let state = State {
            shown: now,
            at: now,
            runs: true,
        };
        Self {
            start: (now, SystemTime::now()),
            state: Arc::new(watch::Sender::new(state)),
        }
    }
}

impl State {
    fn now(self) -> Instant {
        if self.runs {
            self.shown + self.at.elapsed()
        } else {
            self.shown
        }
    }
}

impl Clock {
    pub(crate) fn now(&self) -> Instant {
        self.state.borrow().now()
    }

    /// The same as a date.
    pub(crate) fn date(&self) -> SystemTime {
        let (instant, date) = self.start;
        date + self.now().saturating_duration_since(instant)
    }

    /// The same in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> u64 {
        let elapsed = self.date().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn change(&self, change: &Change) {
        self.state.send_modify(|state| {
            *state = State {
                shown: state.now() + Duration::from_millis(change.forward_ms),
                at: Instant::now(),
                runs: change.runs.unwrap_or(state.runs),
            };
        });
    }

    /// Waits for as long as this, by the clock.
    pub(crate) async fn sleep(&self, duration: Duration) {
        self.passed(self.now() + duration).await;
    }

    /// Waits until the clock shows this, by itself or because it was moved.
    pub(crate) async fn passed(&self, end: Instant) {
        let mut changed = self.state.subscribe();
        loop {
            let state = *changed.borrow_and_update();
            let left = end.saturating_duration_since(state.now());
            if left.is_zero() {
                return;
            }
            let passed = async {
                if state.runs {
                    tokio::time::sleep(left).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = passed => {}
                _ = changed.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn forward(hours: u64) -> Change {
        Change {
            forward_ms: hours * 3_600_000,
            runs: None,
        }
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_when_the_clock_is_moved() {
        let clock = Clock::default();
        let waiter = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(2 * HOUR).await }
        });
        tokio::task::yield_now().await;
        clock.change(&forward(1));
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        clock.change(&forward(1));
        waiter.await.unwrap();
    }

    #[test]
    fn a_stopped_clock_moves_only_when_it_is_moved() {
        let clock = Clock::default();
        clock.change(&Change {
            runs: Some(false),
            ..Change::default()
        });
        let (now, date) = (clock.now(), clock.date());
        assert_eq!((clock.now(), clock.date()), (now, date));
        clock.change(&forward(1));
        assert_eq!((clock.now(), clock.date()), (now + HOUR, date + HOUR));
        clock.change(&Change {
            runs: Some(true),
            ..Change::default()
        });
        assert!(clock.now() >= now + HOUR);
    }
}
