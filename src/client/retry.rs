//! When a request is sent again, and how long to wait before: pure rules, no
//! clock, no I/O.

use std::time::Duration;

use jiff::Timestamp;

/// How often and at what pace a failed request is sent again.
///
/// Before retry *n* (counted from 0) the client waits a random time between 0
/// and `base_delay` × 2ⁿ, at most `max_delay`. When the service says how long
/// to wait, its word wins, up to `max_hint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Retries after the first attempt. Default 4, that is five attempts.
    pub max_retries: u32,
    /// Upper bound of the first delay. Default 500 ms.
    pub base_delay: Duration,
    /// Upper bound of every delay of our own. Default 20 s.
    pub max_delay: Duration,
    /// Upper bound of a delay the service asks for. Default 120 s.
    pub max_hint: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 4,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(20),
            max_hint: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// The wait before retry `retry` (0 is the first).
    ///
    /// `random` is uniform in 0..1; `hint` is what the service asked for.
    pub(crate) fn delay(&self, retry: u32, hint: Option<Duration>, random: f64) -> Duration {
        if let Some(hint) = hint {
            return hint.min(self.max_hint);
        }
        let factor = 2_u32.saturating_pow(retry);
        let bound = self.base_delay.saturating_mul(factor).min(self.max_delay);
        bound.mul_f64(random.clamp(0.0, 1.0))
    }
}

/// May the same request be sent twice?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing: GET.
    Safe,
    /// Twice is as good as once: PUT, PATCH, DELETE, a token request.
    Idempotent,
    /// Twice is not once: POST.
    Once,
}

/// How one attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection, so nothing was sent.
    Connect,
    /// The connection broke, timed out or ended in the middle of the answer.
    NoAnswer,
    /// An answer with a status that is no success; `hint` as the service asked.
    Status { status: u16, hint: Option<Duration> },
    /// TLS, a proxy's refusal, a redirect: the same would happen again, and
    /// nothing reached the service.
    Refused,
    /// A success that cannot be understood.
    Garbled,
}

/// What follows from a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Sending it again is allowed and makes sense.
    pub(crate) retry: bool,
    /// SAP may have carried it out all the same.
    pub(crate) maybe_processed: bool,
}

/// Judges one failed attempt.
pub(crate) fn judge(failure: Failure, repeat: Repeat) -> Verdict {
    let changes = repeat != Repeat::Safe;
    let repeatable = repeat != Repeat::Once;
    match failure {
        Failure::Connect => Verdict {
            retry: true,
            maybe_processed: false,
        },
        Failure::NoAnswer => Verdict {
            retry: repeatable,
            maybe_processed: changes,
        },
        Failure::Refused => Verdict {
            retry: false,
            maybe_processed: false,
        },
        Failure::Garbled => Verdict {
            retry: false,
            maybe_processed: changes,
        },
        Failure::Status { status: 429, .. }
        | Failure::Status {
            status: 503,
            hint: Some(_),
        } => Verdict {
            retry: true,
            maybe_processed: false,
        },
        Failure::Status {
            status: 408 | 500 | 502 | 503 | 504,
            ..
        } => Verdict {
            retry: repeatable,
            maybe_processed: changes,
        },
        Failure::Status { status, .. } => Verdict {
            retry: false,
            maybe_processed: changes && status >= 500,
        },
    }
}

/// Reads how long the service wants us to wait.
///
/// `retry_after` is `Retry-After` in seconds or as an HTTP date;
/// `ratelimit_reset` is `X-Ratelimit-Reset` in epoch milliseconds.
pub(crate) fn hint(
    retry_after: Option<&str>,
    ratelimit_reset: Option<&str>,
    now: Timestamp,
) -> Option<Duration> {
    retry_after
        .and_then(|text| seconds_or_date(text.trim(), now))
        .or_else(|| ratelimit_reset.and_then(|text| epoch_milliseconds(text.trim(), now)))
}

fn seconds_or_date(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()?;
    Some(until(date, now))
}

fn epoch_milliseconds(text: &str, now: Timestamp) -> Option<Duration> {
    let moment = Timestamp::from_millisecond(text.parse().ok()?).ok()?;
    Some(until(moment, now))
}

/// Zero when the moment has passed.
fn until(moment: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or(Duration::ZERO)
}
