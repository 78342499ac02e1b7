//! The runner with programs that print what a test program prints.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails where anything is wrong"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// Runs a shell script as a test program.
fn run(script: &str, counts: &Path, patience: &str) -> Output {
    let program = counts.join("it-0123456789abcdef");
    fs::write(&program, script).unwrap();
    Command::new(env!("CARGO_BIN_EXE_test-runner"))
        .arg("sh")
        .arg(program)
        .env("TEST_COUNTS", counts)
        .env("TEST_RUNNER_PATIENCE_MS", patience)
        .output()
        .unwrap()
}

fn times(counts: &Path) -> String {
    let files = fs::read_dir(counts)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .filter(|file| {
            file.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("times-")
        })
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

#[test]
fn the_output_the_exit_code_and_the_times_are_those_of_the_program() {
    let counts = tempfile::tempdir().unwrap();
    let script = "
        echo 'test a::quick ... ok <0.002s>'
        echo 'test a::slow has been running for over 60 seconds'
        echo 'test a::panics - should panic ... ok <1.500s>'
        echo 'test a::slow ... FAILED <61.000s>'
        echo 'test result: FAILED. 2 passed; 1 failed'
        exit 101";
    let output = run(script, counts.path(), "60000");
    assert_eq!(output.status.code(), Some(101), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 5, "{text}");
    assert_eq!(
        times(counts.path()),
        "0.002 sh a::quick\n1.500 sh a::panics\n61.000 sh a::slow\n"
    );
}

#[test]
fn a_test_that_hangs_is_named_and_ended_with_what_it_started() {
    let counts = tempfile::tempdir().unwrap();
    let child = counts.path().join("child");
    let script = format!(
        "sleep 3600 & echo $! > {child:?}
        echo 'test a::hangs has been running for over 60 seconds'
        wait"
    );
    let output = run(&script, counts.path(), "300");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("test a::hangs HANGS"), "{text}");

    let child = fs::read_to_string(child).unwrap();
    let is_there = || {
        let probe = Command::new("sh")
            .args(["-c", &format!("kill -0 {child}")])
            .output();
        probe.unwrap().status.success()
    };
    while is_there() {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_program_that_does_not_end_after_its_last_test_is_ended() {
    let counts = tempfile::tempdir().unwrap();
    let output = run(
        "echo 'test result: ok. 1 passed'; sleep 3600",
        counts.path(),
        "300",
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
