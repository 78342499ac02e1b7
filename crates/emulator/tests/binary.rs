//! The emulator as a process: ready line, key files, the end on a signal.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails where anything is wrong"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

fn start(arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sapcalm-emulator"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line: {line}"));
    (child, ready)
}

#[test]
fn the_emulator_says_where_it_is_and_ends_on_either_signal() {
    let keys = tempfile::tempdir().unwrap();
    let directory = keys.path().to_str().unwrap();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let arguments = ["--keys", directory, "--destination-key", "other=acme-other"];
        let (mut child, ready) = start(&arguments);
        assert_eq!(ready["keys"], directory);
        let url = ready["url"].as_str().unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        for name in [
            "destination",
            "order-management",
            "cloud-alm",
            "destination-other",
        ] {
            let key = std::fs::read(keys.path().join(format!("{name}.json"))).unwrap();
            let key: Value = serde_json::from_slice(&key).unwrap();
            assert!(key.to_string().contains(url), "{name}");
        }
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        assert!(child.wait().unwrap().success(), "{signal}");
    }
}

/// Runs a verb, which says something.
fn verb(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_sapcalm-emulator"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(text(output.stderr)),
    }
}

#[test]
fn people_make_drift_and_read_the_journal_from_another_terminal() {
    let destination = serde_json::json!({ "state": { "subaccounts": { "acme-orders": {
        "destinations": [{ "properties": {
            "Name": "CloudALM", "Type": "HTTP", "URL": "https://a.example",
            "Authentication": "NoAuthentication" } }],
    } } } });
    for tls in [false, true] {
        let keys = tempfile::tempdir().unwrap();
        let folder = keys.path().to_str().unwrap();
        let scenario = keys.path().join("scenario");
        std::fs::write(&scenario, destination.to_string()).unwrap();
        let mut arguments = vec!["--keys", folder, "--scenario", scenario.to_str().unwrap()];
        arguments.extend(tls.then_some("--tls"));
        let (mut child, _) = start(&arguments);
        let key = || std::fs::read_to_string(keys.path().join("cloud-alm.json")).unwrap();
        let before = key();
        for (what, said) in [
            ("description", "has another `Description`"),
            ("secret", "has another `clientSecret`"),
            ("trust-all", "has another `TrustAll`"),
            ("offboard", "not registered any more"),
            ("delete", "is deleted"),
        ] {
            let told = verb(&["drift", what, "--keys", folder]).unwrap();
            assert!(told.contains(said), "{told}");
        }
        let told = verb(&["drift", "secret", "--keys", folder]).unwrap_err();
        assert!(
            told.contains("there is no destination `CloudALM`"),
            "{told}"
        );
        verb(&["rotate", "--keys", folder]).unwrap();
        assert_ne!(key(), before);
        // The control API is not in the journal.
        assert_eq!(verb(&["journal", "--clear", "--keys", folder]).unwrap(), "");
        let told = verb(&["rotate", "nobody", "--keys", folder]).unwrap_err();
        assert!(told.contains("no such key"), "{told}");
        kill(
            Pid::from_raw(child.id().try_into().unwrap()),
            Signal::SIGTERM,
        )
        .unwrap();
        child.wait().unwrap();
        let told = verb(&["journal", "--keys", folder]).unwrap_err();
        assert!(told.contains("no emulator answers at "), "{told}");
    }
    let told = verb(&["journal", "--keys", "nowhere"]).unwrap_err();
    assert!(told.contains("`--keys nowhere`"), "{told}");
}

#[test]
fn help_has_examples_and_every_verb() {
    let help = verb(&["--help"]).unwrap();
    for word in [
        "Examples:",
        "drift secret",
        "journal",
        "rotate",
        "--latency",
        "knobs",
    ] {
        assert!(help.contains(word), "{help}");
    }
}

#[test]
fn a_wrong_scenario_is_said_on_stderr() {
    let output = Command::new(env!("CARGO_BIN_EXE_sapcalm-emulator"))
        .args(["--scenario", "/nonexistent.json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("`/nonexistent.json`"), "{text}");
    assert!(output.stdout.is_empty());
}
