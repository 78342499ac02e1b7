//! Messages as a practitioner reads them, one page of them per test: for
//! snapshots, and so that somebody can read all of them in one go.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::core::Outcome;
use super::core::diagnostics::{Diag, Severity};
use super::world::World;

/// A page that grows.
#[derive(Default)]
pub(crate) struct Page(String);

impl Page {
    /// Adds the errors and warnings of a command under a heading. What changes
    /// from run to run is replaced.
    pub(crate) fn add(&mut self, heading: &str, outcome: &Outcome) {
        writeln!(self.0, "# {heading}\n").unwrap();
        let mut shown: Vec<String> = Vec::new();
        for diag in &outcome.diags.0 {
            let text = steady(&message(diag));
            // A refresh says the same as the plan before it.
            if !shown.contains(&text) {
                shown.push(text);
            }
        }
        self.0.push_str(&shown.join("\n"));
        self.0.push('\n');
    }

    /// The text, without any secret of the world's keys.
    #[track_caller]
    pub(crate) fn finish(self, world: &World) -> String {
        assert_no_secret(world, &self.0);
        self.0
    }
}

fn message(diag: &Diag) -> String {
    let severity = match diag.severity {
        Severity::Error => "Error",
        Severity::Warning => "Warning",
    };
    let place = match diag.path.as_str() {
        "" => format!("({})", diag.address),
        path => format!("({}, at {path})", diag.address),
    };
    format!("{severity}: {} {place}\n\n{}\n", diag.summary, diag.detail)
}

/// Fails the test when a secret or private key of the world is in a text.
#[track_caller]
pub(crate) fn assert_no_secret(world: &World, text: &str) {
    for file in std::fs::read_dir(world.keys()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let key: Json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for block in [&key, &key["uaa"]] {
            for name in ["clientsecret", "key"] {
                let Some(secret) = block[name].as_str() else {
                    continue;
                };
                // A private key could also show line by line.
                let lines = secret.lines().map(str::trim);
                for line in lines.filter(|line| line.len() >= 16 && !line.starts_with("-----")) {
                    assert!(
                        !text.contains(line),
                        "a secret of {path:?} shows in: {text}"
                    );
                }
            }
        }
    }
}

/// Replaces ports, ids and durations.
pub(crate) fn steady(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    let text: String = words.map(without_id).collect();
    let text = replaced_number(&text, "127.0.0.1:", "", "127.0.0.1:(port)");
    let text = replaced_number(&text, "sap.test:", "", "sap.test:(port)");
    let text = replaced_number(&text, " in ", " ms", " in (time)");
    replaced_number(&text, " in ", " s", " in (time)")
}

fn without_id(word: &str) -> String {
    let id = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_id = id.len() == 36 && id.bytes().filter(|byte| *byte == b'-').count() == 4;
    if is_id {
        word.replace(id, "(id)")
    } else {
        word.to_owned()
    }
}

/// Replaces `<before><digits><after>` wherever it stands.
fn replaced_number(text: &str, before: &str, after: &str, with: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(before) {
        let (head, tail) = rest.split_at(at);
        let number = &tail[before.len()..];
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        result.push_str(head);
        if digits > 0 && number[digits..].starts_with(after) {
            result.push_str(with);
            rest = &number[digits + after.len()..];
        } else {
            result.push_str(before);
            rest = number;
        }
    }
    result + rest
}

#[test]
fn what_changes_from_run_to_run_is_replaced() {
    let text = "GET http://127.0.0.1:4711/x in 12 ms, id 0123abcd-0123-4567-89ab-0123456789ab, in 3 attempts in 4 s";
    assert_eq!(
        steady(text),
        "GET http://127.0.0.1:(port)/x in (time), id (id), in 3 attempts in (time)"
    );
}
