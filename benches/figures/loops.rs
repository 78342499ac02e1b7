//! The inner loops: time by criterion, and instructions, which are equal from
//! run to run whatever else the machine does. These are counted by callgrind,
//! where valgrind is installed.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::process::to_f64;
use crate::programs::{self, Programs};
use crate::series::{Series, Table};

/// Rounds that are counted; what a run costs without any is subtracted.
const ROUNDS: u64 = 200;

/// What criterion writes down of a benchmark: times in nanoseconds.
#[derive(Deserialize)]
struct Samples {
    iters: Vec<f64>,
    times: Vec<f64>,
}

pub(crate) fn measure(programs: &Programs) {
    let micro = programs::micro_benchmarks();
    let has_valgrind = Command::new("valgrind").arg("--version").output().is_ok();
    if !has_valgrind {
        println!("\nLeft out: instructions (valgrind is not installed).");
    }
    let table = Table::new(
        "Inner loops, for one destination (`cargo run --release --package bench -- --bench`)",
        &["what", "time (min / median / max)", "instructions"],
    );
    let cell = |instructions: u64| {
        let mut series = Series::new("");
        series.add(to_f64(instructions));
        series.to_string()
    };
    for name in names(&micro) {
        let instructions = if has_valgrind {
            let rounds = |rounds: u64| count(&micro, &["count", &name, &rounds.to_string()]);
            cell((rounds(ROUNDS) - rounds(0)) / ROUNDS)
        } else {
            String::new()
        };
        table.row(&[
            format!("`{name}`"),
            time(&micro, &name).to_string(),
            instructions,
        ]);
    }
    if has_valgrind {
        table.row(&[
            "the program, printing its version".to_owned(),
            String::new(),
            cell(count(&programs.provider, &["version"])),
        ]);
    }
}

/// Runs one benchmark and reads what criterion has written down.
fn time(micro: &Path, name: &str) -> Series {
    let home = tempfile::tempdir().unwrap();
    let status = Command::new(micro)
        .args(["--bench", "--exact", name, "--quiet", "--noplot"])
        .args(["--warm-up-time", "0.5", "--measurement-time", "2"])
        .env("CRITERION_HOME", home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the benchmark {name} failed");
    let samples = File::open(home.path().join(name).join("new/sample.json")).unwrap();
    let samples: Samples = serde_json::from_reader(samples).unwrap();
    let mut series = Series::new("µs");
    for (rounds, nanoseconds) in samples.iters.iter().zip(&samples.times) {
        series.add(nanoseconds / rounds / 1e3);
    }
    series
}

/// The names of the micro-benchmarks.
fn names(micro: &Path) -> Vec<String> {
    let output = Command::new(micro).arg("count").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Runs a program under callgrind, which says on stderr how much it executed.
fn count(program: &Path, arguments: &[&str]) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find_map(|line| line.split_once("refs:"));
    let (_, number) = line.unwrap_or_else(|| panic!("callgrind said: {text}"));
    number.trim().replace(',', "").parse().unwrap()
}
