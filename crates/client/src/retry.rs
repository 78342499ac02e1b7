//! When a request is sent again, and how long to wait before: pure rules, no
//! clock, no I/O.

use std::time::Duration;

use jiff::Timestamp;

/// How often and at what pace a failed request is sent again: the one rule,
/// for every call.
///
/// Before retry *n* (counted from 0) the client waits for half of `base_delay`
/// × 2ⁿ (at most `max_delay`) or for as long as the service asks (at most
/// `max_hint`), whichever is longer, and for a random part of the other half.
/// So whatever a service answers, and whatever the clocks say, two attempts are
/// never closer to each other than half of `base_delay`, and there are never
/// more than [`RetryPolicy::retries`] says.
///
/// With the defaults no sequence of answers can cause more than 5 attempts of a
/// request, in 3.75 seconds at the fastest, or 25 in 195 seconds of one that is
/// patient; a token that is refused adds one. `max_concurrent_requests` of them,
/// 10, run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Retries after the first attempt.
    pub max_retries: u32,
    /// Upper bound of the first delay of our own.
    pub base_delay: Duration,
    /// Upper bound of every delay of our own. Default 20 s.
    pub max_delay: Duration,
    /// Upper bound of a delay the service asks for. Default 120 s.
    pub max_hint: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: Self::MAX_RETRIES,
            base_delay: Self::BASE_DELAY,
            max_delay: Duration::from_secs(20),
            max_hint: Duration::from_mins(2),
        }
    }
}

impl RetryPolicy {
    /// Default of `max_retries`: five attempts.
    pub const MAX_RETRIES: u32 = 4;
    /// Default of `base_delay`.
    pub const BASE_DELAY: Duration = Duration::from_millis(500);
    /// How many retries a request has, for each usual one, while its failure is
    /// plausibly about something that is not visible yet: with the defaults they
    /// last about as long as the Destination service's cache.
    const PATIENCE: u32 = 6;

    /// How often a request is repeated at most.
    pub(crate) fn retries(&self, is_patient: bool) -> u32 {
        let factor = if is_patient { Self::PATIENCE } else { 1 };
        self.max_retries.saturating_mul(factor)
    }

    /// The wait before retry `retry` (0 is the first).
    ///
    /// `random` is uniform in 0..1; `hint` is what the service asked for.
    pub(crate) fn delay(&self, retry: u32, hint: Option<Duration>, random: f64) -> Duration {
        let factor = 2_u32.saturating_pow(retry);
        let bound = self.base_delay.saturating_mul(factor).min(self.max_delay);
        let half = bound / 2;
        let asked = hint.unwrap_or_default().min(self.max_hint);
        asked.max(half) + half.mul_f64(random.clamp(0.0, 1.0))
    }
}

/// May the same request be sent twice?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing that anybody would have to read back: GET, a token
    /// request.
    Safe,
    /// Twice is as good as once: PUT, PATCH, DELETE.
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
    let (retry, maybe_processed) = match failure {
        Failure::Connect
        | Failure::Status { status: 429, .. }
        | Failure::Status {
            status: 503,
            hint: Some(_),
        } => (true, false),
        Failure::NoAnswer
        | Failure::Status {
            status: 408 | 500 | 502 | 503 | 504,
            ..
        } => (repeatable, changes),
        Failure::Refused => (false, false),
        Failure::Garbled => (false, changes),
        Failure::Status { status, .. } => (false, changes && status >= 500),
    };
    Verdict {
        retry,
        maybe_processed,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap()
    }

    #[test]
    fn delay_doubles_up_to_its_cap_and_half_of_it_is_random() {
        let policy = RetryPolicy::default();
        let bound = |retry| policy.delay(retry, None, 1.0);
        assert_eq!(bound(0), Duration::from_millis(500));
        assert_eq!(bound(1), Duration::from_secs(1));
        assert_eq!(bound(5), Duration::from_secs(16));
        assert_eq!(bound(6), Duration::from_secs(20));
        assert_eq!(bound(u32::MAX), Duration::from_secs(20));
        assert_eq!(policy.delay(3, None, 0.0), Duration::from_secs(2));
        assert_eq!(policy.delay(0, None, 0.5), Duration::from_millis(375));
    }

    #[test]
    fn the_longer_of_hint_and_own_delay_wins() {
        let policy = RetryPolicy::default();
        let hinted = |seconds| policy.delay(0, Some(Duration::from_secs(seconds)), 0.0);
        assert_eq!(hinted(0), Duration::from_millis(250));
        assert_eq!(hinted(90), Duration::from_secs(90));
        assert_eq!(hinted(100_000), Duration::from_mins(2));
        // Not all of those who were told the same come back at once.
        let late = policy.delay(2, Some(Duration::from_secs(90)), 1.0);
        assert_eq!(late, Duration::from_secs(91));
    }

    #[test]
    fn no_answers_can_cause_more_than_the_worst_case_that_is_documented() {
        let policy = RetryPolicy::default();
        for (is_patient, attempts, fastest) in [(false, 5, 3.75), (true, 25, 195.75)] {
            let retries = policy.retries(is_patient);
            let waits = (0..retries).map(|retry| policy.delay(retry, None, 0.0));
            assert_eq!(1 + retries, attempts);
            assert!((waits.sum::<Duration>().as_secs_f64() - fastest).abs() < 1e-9);
        }
    }

    #[test]
    fn patience_is_a_multiple_of_the_usual_retries_and_none_stays_none() {
        let policy = RetryPolicy::default();
        assert_eq!((policy.retries(false), policy.retries(true)), (4, 24));
        let impatient = RetryPolicy {
            max_retries: 0,
            ..policy
        };
        assert_eq!((impatient.retries(false), impatient.retries(true)), (0, 0));
    }

    #[test]
    fn hint_is_read_as_seconds_date_and_epoch_milliseconds() {
        let seconds = |retry_after, reset| hint(retry_after, reset, now()).map(|d| d.as_secs());
        assert_eq!(seconds(Some(" 7 "), None), Some(7));
        assert_eq!(
            seconds(Some("Thu, 01 Jan 2026 00:00:30 GMT"), None),
            Some(30)
        );
        assert_eq!(
            seconds(Some("Wed, 31 Dec 2025 23:59:59 GMT"), None),
            Some(0)
        );
        assert_eq!(seconds(None, Some("1767225605000")), Some(5));
        assert_eq!(seconds(Some("7"), Some("1767225605000")), Some(7));
        assert_eq!(seconds(Some("soon"), Some("1767225605000")), Some(5));
        assert_eq!(seconds(Some("soon"), None), None);
        assert_eq!(seconds(Some("-1"), Some("later")), None);
        assert_eq!(seconds(None, None), None);
    }

    /// The whole table of what is repeated and what may have been processed.
    #[test]
    fn judge_knows_every_class_of_failure() {
        let status = |status| Failure::Status { status, hint: None };
        let hinted = |status| Failure::Status {
            status,
            hint: Some(Duration::ZERO),
        };
        let again = Verdict {
            retry: true,
            maybe_processed: false,
        };
        let again_maybe = Verdict {
            retry: true,
            maybe_processed: true,
        };
        let end = Verdict {
            retry: false,
            maybe_processed: false,
        };
        let end_maybe = Verdict {
            retry: false,
            maybe_processed: true,
        };
        let table = [
            (Failure::Connect, again, again, again),
            (status(429), again, again, again),
            (hinted(503), again, again, again),
            (Failure::NoAnswer, again, again_maybe, end_maybe),
            (status(408), again, again_maybe, end_maybe),
            (status(500), again, again_maybe, end_maybe),
            (hinted(500), again, again_maybe, end_maybe),
            (status(502), again, again_maybe, end_maybe),
            (status(503), again, again_maybe, end_maybe),
            (status(504), again, again_maybe, end_maybe),
            (status(501), end, end_maybe, end_maybe),
            (Failure::Garbled, end, end_maybe, end_maybe),
            (Failure::Refused, end, end, end),
            (status(400), end, end, end),
            (status(401), end, end, end),
            (status(403), end, end, end),
            (status(404), end, end, end),
            (status(409), end, end, end),
            (status(412), end, end, end),
        ];
        for (failure, safe, idempotent, once) in table {
            assert_eq!(judge(failure, Repeat::Safe), safe, "GET {failure:?}");
            assert_eq!(
                judge(failure, Repeat::Idempotent),
                idempotent,
                "PUT {failure:?}"
            );
            assert_eq!(judge(failure, Repeat::Once), once, "POST {failure:?}");
        }
    }
}
