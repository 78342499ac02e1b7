//! How long an operation on one object may take: the values of its `timeouts`
//! attribute (see [`Attribute::timeouts`](super::schema::Attribute::timeouts)).
//!
//! They are ordinary attributes and live in the state; the one for delete is
//! therefore the value of the latest apply.
//!
//! A timeout becomes the deadline in [`Context`](super::resource::Context).
//! Nothing here or in the server ends an operation that does not keep it: a
//! create that is cut off could leave an object that nobody knows.

use std::time::{Duration, Instant};

use super::duration;
use super::value::Value;

/// How long an operation may take when `timeouts` does not say. The schema says
/// the same to the practitioner.
pub(super) const DEFAULT: Duration = Duration::from_mins(20);

/// A moment further away than this is out of reach anyway.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// How long an operation such as `create` may take on an object: what its `timeouts`
/// say, else [`DEFAULT`].
fn timeout(object: &Value, operation: &str) -> Duration {
    object
        .find("timeouts")
        .and_then(|timeouts| timeouts.find(operation))
        .and_then(Value::as_str)
        .and_then(|text| duration::parse(text).ok())
        .unwrap_or(DEFAULT)
        .min(LONGEST)
}

/// When an operation that begins now is to give up.
pub(super) fn deadline(object: &Value, operation: &str) -> Instant {
    Instant::now() + timeout(object, operation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn object(delete: Value) -> Value {
        let timeouts = Value::Object(BTreeMap::from([("delete".to_owned(), delete)]));
        Value::Object(BTreeMap::from([("timeouts".to_owned(), timeouts)]))
    }

    #[test]
    fn the_configured_timeout_wins_over_the_default() {
        let object = object(Value::string("1h30m"));
        assert_eq!(timeout(&object, "delete"), Duration::from_mins(90));
    }

    #[test]
    fn the_default_stands_in_for_what_is_not_said() {
        for object in [
            Value::Null,
            object(Value::Null),
            object(Value::Unknown),
            object(Value::string("soon")),
        ] {
            assert_eq!(timeout(&object, "delete"), DEFAULT);
            assert_eq!(timeout(&object, "create"), DEFAULT);
        }
    }

    #[test]
    fn a_timeout_beyond_all_bounds_is_a_deadline_all_the_same() {
        let object = object(Value::string("2000000h"));
        assert!(deadline(&object, "delete") > Instant::now());
    }
}
