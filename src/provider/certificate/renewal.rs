//! The times of a certificate that SAP generated: when it is renewed, and which
//! lengths of validity are the same. No clock: whether it was renewed, `drift`
//! sees by the certificate itself.

use jiff::{SignedDuration, Timestamp};

/// Whether two times mean the same validity: a month has 28 to 31 days.
pub(super) fn is_as_long(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= one.max(other).unsigned_abs() / 8
}

/// From when on SAP renews a certificate. Its documentation has two tables, for
/// days and for months and years; they say the same.
pub(super) fn renewal_of(not_before: Timestamp, not_after: Timestamp) -> Timestamp {
    const HOUR: i64 = 3600;
    let days = not_after.duration_since(not_before).as_hours() + 12;
    let margin = match days / 24 {
        ..=1 => 12 * HOUR,
        2..=14 => 24 * HOUR,
        15..=31 => 3 * 24 * HOUR,
        32..=154 => 7 * 24 * HOUR,
        _ => 30 * 24 * HOUR,
    };
    not_after
        .checked_sub(SignedDuration::from_secs(margin))
        .unwrap_or(not_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_renewal_follows_from_the_length_of_validity_as_sap_says() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let day = SignedDuration::from_hours(24);
        // The longest and shortest months and years, too.
        for (days, margin) in [
            (1, 12),
            (2, 24),
            (14, 24),
            (15, 72),
            (28, 72),
            (31, 72),
            (32, 168),
            (59, 168),
            (154, 168),
            (155, 720),
            (181, 720),
            (366, 720),
            (3653, 720),
        ] {
            let end = start + day * days;
            let before = end.duration_since(renewal_of(start, end));
            assert_eq!(before.as_hours(), margin, "{days} days");
        }
    }

    #[test]
    fn months_and_years_are_as_long_as_others_of_their_kind_only() {
        let day = 86_400;
        for (one, other, is_same) in [
            (28, 31, true),
            (365, 366, true),
            (181, 184, true),
            (30, 60, false),
            (1, 2, false),
            (30, 365, false),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                assert_eq!(is_as_long(one * day, other * day), is_same, "{one} {other}");
            }
        }
    }
}
