//! `SECURITY.md` names tests: all of them exist, and every promise has one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../../SECURITY.md");

/// The names of all test functions below a folder.
fn tests_in(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let mut is_test = false;
            for line in fs::read_to_string(&path).unwrap().lines() {
                let line = line.trim();
                let function = line.trim_start_matches("async ").strip_prefix("fn ");
                if let Some(name) = function.filter(|_| is_test) {
                    let end = name.find('(').unwrap_or(name.len());
                    found.insert(name[..end].to_owned());
                }
                is_test = line.starts_with("#[test]")
                    || line.starts_with("#[tokio::test")
                    || (is_test && line.starts_with("#["));
            }
        }
    }
}

fn all_tests(root: &Path) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    tests_in(&root.join("src"), &mut known);
    tests_in(&root.join("crates"), &mut known);
    tests_in(&root.join("tests"), &mut known);
    known
}

/// The texts between backticks.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_security_md_names_exists() {
    let known = all_tests(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(known.contains("every_test_that_security_md_names_exists"));

    let promises = PAGE.split_once("## Promises").unwrap().1;
    let mut named = 0;
    for row in promises.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let tests = cells[1];
        if tests == "tests" || tests.starts_with("---") {
            continue;
        }
        assert!(
            literals(tests).count() > 0,
            "no test keeps this promise: {row}"
        );
        for name in literals(tests) {
            named += 1;
            assert!(known.contains(name), "there is no test `{name}`");
        }
    }
    assert!(named > 40, "{named}");
}

/// See `tests/mutants.sh`.
#[test]
fn every_mutant_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known = all_tests(root);
    let mut named = 0;
    for entry in fs::read_dir(root.join("tests/mutants")).unwrap() {
        let path = entry.unwrap().path();
        let mutant = fs::read_to_string(&path).unwrap();
        let tests: Vec<&str> = mutant
            .lines()
            .filter_map(|line| line.strip_prefix("Red: "))
            .collect();
        assert!(!tests.is_empty(), "{}", path.display());
        for test in tests {
            named += 1;
            assert!(known.contains(test), "there is no test `{test}`");
        }
    }
    assert!(named > 10, "{named}");
}

/// The code that a mutant changes is still there, word for word.
#[test]
fn every_mutant_still_applies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut hunks = 0;
    for entry in fs::read_dir(root.join("tests/mutants")).unwrap() {
        let path = entry.unwrap().path();
        let mutant = fs::read_to_string(&path).unwrap();
        for file in mutant.split("\n--- a/").skip(1) {
            let (name, rest) = file.split_once('\n').unwrap();
            let code = fs::read_to_string(root.join(name)).unwrap();
            for hunk in rest.split("\n@@ ").skip(1) {
                // What was there: the lines around the change and the removed.
                let before: Vec<&str> = hunk
                    .lines()
                    .skip(1)
                    .take_while(|line| line.is_empty() || line.starts_with([' ', '+', '-']))
                    .filter(|line| !line.starts_with('+'))
                    .map(|line| line.get(1..).unwrap_or_default())
                    .collect();
                hunks += 1;
                assert!(
                    code.contains(&before.join("\n")),
                    "{}: {name} has no longer\n{}",
                    path.display(),
                    before.join("\n")
                );
            }
        }
    }
    assert!(hunks > 10, "{hunks}");
}

#[test]
fn security_md_names_a_private_channel_and_the_supported_versions() {
    for heading in ["## Report a vulnerability", "## Supported versions"] {
        assert!(PAGE.contains(heading), "{heading}");
    }
    assert!(PAGE.contains("private vulnerability reporting"));
}

/// Whoever writes `{:?}` of a message of Terraform does not get a secret, but no program.
#[test]
fn messages_that_can_hold_values_have_no_debug_form() {
    let code = include_str!("../../../proto/code/tfplugin6.rs");
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let mut messages = 0;
    for (at, line) in lines.iter().enumerate() {
        let is_message = line.contains("::prost::Message)") || line.contains("::prost::Oneof)");
        if line.starts_with("#[derive(") && is_message {
            messages += 1;
            assert!(!line.contains("Debug"), "{line}");
            assert_eq!(lines[at + 1], "#[prost(skip_debug)]", "{}", lines[at + 2]);
        }
    }
    assert!(messages > 100, "{messages}");
}
