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
