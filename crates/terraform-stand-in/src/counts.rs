//! Counts the checks that were made, and the tests that were left out.
//!
//! Who runs the tests names a directory in `TEST_COUNTS` and sums up at the end.
//! Every test process writes files of its own: `checks-*` with lines of a number
//! and what was checked, `skipped-*` with one reason per line, `elsewhere-*` for
//! tests of clients that are not at hand. Without the variable nothing is written.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// How often each check was made, in one scenario.
#[derive(Clone, Default)]
pub struct Checks(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Checks {
    /// Notes that a check was made, whatever it found.
    pub fn count(&self, check: &'static str) {
        *self.0.lock().unwrap().entry(check).or_default() += 1;
    }

    pub fn total(&self) -> u64 {
        self.0.lock().unwrap().values().sum()
    }

    /// Hands the counts to whoever sums up, and starts again at zero.
    pub fn record(&self) {
        let counts = std::mem::take(&mut *self.0.lock().unwrap());
        let lines: Vec<_> = counts
            .iter()
            .map(|(check, n)| format!("{n} {check}\n"))
            .collect();
        append("checks", &lines.concat());
    }
}

impl fmt::Display for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.lock().unwrap();
        let parts: Vec<_> = counts
            .iter()
            .map(|(check, n)| format!("{n} {check}"))
            .collect();
        write!(
            f,
            "{} checks ({})",
            counts.values().sum::<u64>(),
            parts.join(", ")
        )
    }
}

/// Notes that a test, or a part of one, was left out. In CI, where everything
/// must be there, that is a failure.
pub fn skip_or_fail(reason: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{reason}: nothing may be left out where CI=true"
    );
    skip(reason);
}

/// The same where nobody can have it: a client without a feature, in a run that is
/// about this client.
pub fn skip(reason: &str) {
    eprintln!("left out: {reason}");
    append("skipped", &format!("{reason}\n"));
}

/// Notes that a test is for what another command brings, in a run of its own.
pub fn elsewhere(what: &str) {
    eprintln!("for a run of its own: {what}");
    append("elsewhere", &format!("{what}\n"));
}

fn append(kind: &str, lines: &str) {
    if lines.is_empty() {
        return;
    }
    let Some(directory) = std::env::var_os("TEST_COUNTS").map(PathBuf::from) else {
        return;
    };
    let path = directory.join(format!("{kind}-{}", std::process::id()));
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path);
    // One write: lines of tests that run in parallel do not mix.
    file.and_then(|mut file| file.write_all(lines.as_bytes()))
        .unwrap();
}
