//! Runs a test program for `cargo test`, as its `runner`: shows what it prints,
//! notes how long each test took, and ends a program in which a test hangs.
//!
//! ```text
//! test-runner PROGRAM ARGUMENTS...
//! ```
//!
//! The test harness of Rust itself says which test runs for more than a minute;
//! here such a test gets [`PATIENCE`] more. The times go into a file of their own
//! in the folder that `TEST_COUNTS` names, a line of seconds and name each.
//!
//! Deliberately not here: choosing tests, running them again, sums; see
//! `tests/run.sh`.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What a test gets after the minute at which the harness names it.
const PATIENCE: Duration = Duration::from_secs(50);
/// What a program gets after its last test.
const FAREWELL: &str = "the end of the program";

fn main() -> io::Result<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next().unwrap_or_default();
    let mut child = start(&program, arguments.collect())?;
    let lines = lines_of(&mut child);
    let mut run = Run::default();
    let hung = run.watch(&lines, patience())?;
    run.note_times(&program)?;
    if let Some(test) = hung {
        end(child.id());
        child.wait()?;
        writeln!(io::stdout(), "\ntest {test} HANGS: the program was ended\n")?;
        return Ok(ExitCode::FAILURE);
    }
    let code = child
        .wait()?
        .code()
        .and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// [`PATIENCE`], or the milliseconds that the environment says: for our own tests.
fn patience() -> Duration {
    let milliseconds = env::var("TEST_RUNNER_PATIENCE_MS").ok();
    milliseconds
        .and_then(|text| text.parse().ok())
        .map_or(PATIENCE, Duration::from_millis)
}

/// `--report-time` is there for nightly Rust only, and for who says so.
fn start(program: &OsString, arguments: Vec<OsString>) -> io::Result<Child> {
    Command::new(program)
        .args(arguments)
        .args(["-Z", "unstable-options", "--report-time"])
        .env("RUSTC_BOOTSTRAP", "1")
        .envs(trust_store())
        .stdout(Stdio::piped())
        .spawn()
}

/// What programs of the tests read instead of the machine's trust store: its many
/// roots cost each of them more than anything else while it starts.
fn trust_store() -> Option<(&'static str, OsString)> {
    Some(("SSL_CERT_FILE", std::env::var_os("TEST_TRUST_STORE")?))
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line).into_owned();
                if sender.send(text).is_err() {
                    return;
                }
                line.clear();
            }
        });
    }
    lines
}

/// What is known of a program that runs.
#[derive(Default)]
struct Run {
    /// Since when a test is known to run too long.
    slow: HashMap<String, Instant>,
    /// Seconds and name of each test that ended.
    times: Vec<(String, String)>,
}

impl Run {
    /// Shows and reads all lines. Ends early with the name of a test that hangs.
    fn watch(
        &mut self,
        lines: &Receiver<String>,
        patience: Duration,
    ) -> io::Result<Option<String>> {
        loop {
            match lines.recv_timeout(Duration::from_millis(200)) {
                Ok(line) => {
                    io::stdout().write_all(line.as_bytes())?;
                    io::stdout().flush()?;
                    self.read(&line);
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let hung = self
                .slow
                .iter()
                .find(|(_, since)| since.elapsed() > patience);
            if let Some((test, _)) = hung {
                return Ok(Some(test.clone()));
            }
        }
    }

    fn read(&mut self, line: &str) {
        if line.starts_with("test result: ") {
            self.slow.insert(FAREWELL.to_owned(), Instant::now());
            return;
        }
        let Some((test, outcome)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.split_once(' '))
        else {
            return;
        };
        if outcome.starts_with("has been running for over") {
            self.slow.insert(test.to_owned(), Instant::now());
        } else if outcome.starts_with("... ") || outcome.starts_with("- should panic ... ") {
            self.slow.remove(test);
            if let Some(time) = time_of(outcome) {
                self.times.push((time.to_owned(), test.to_owned()));
            }
        }
    }

    fn note_times(&self, program: &OsString) -> io::Result<()> {
        let Some(folder) = env::var_os("TEST_COUNTS").map(PathBuf::from) else {
            return Ok(());
        };
        let program = PathBuf::from(program);
        let stem = program.file_stem().unwrap_or_default().to_string_lossy();
        // Without the hash that cargo puts behind it.
        let name = stem.rsplit_once('-').map_or(&*stem, |(name, _)| name);
        let lines: Vec<_> = self
            .times
            .iter()
            .map(|(time, test)| format!("{time} {name} {test}\n"))
            .collect();
        fs::write(
            folder.join(format!("times-{}", std::process::id())),
            lines.concat(),
        )
    }
}

/// The seconds in `... ok <0.123s>`.
fn time_of(outcome: &str) -> Option<&str> {
    let (_, time) = outcome.trim_end().rsplit_once('<')?;
    time.strip_suffix("s>")
}

/// Ends a process and everything that it started.
fn end(process: u32) {
    let mut list = vec![process.to_string()];
    let all = processes();
    let mut next = 0;
    while let Some(parent) = list.get(next).cloned() {
        list.extend(
            all.iter()
                .filter(|(_, its)| *its == parent)
                .map(|(id, _)| id.clone()),
        );
        next += 1;
    }
    // A process that is gone already is no error.
    let _ = Command::new("kill").arg("-KILL").args(list).status();
}

/// All processes of this machine, with their parents.
fn processes() -> Vec<(String, String)> {
    let listed = from_proc().unwrap_or_else(|_| from_ps());
    listed
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(id, parent)| (id.to_owned(), parent.trim().to_owned()))
        .collect()
}

/// Linux: `1234 (name) S 1233 ...`, where the name may be anything.
fn from_proc() -> io::Result<String> {
    let mut lines = String::new();
    for entry in fs::read_dir("/proc")? {
        let stat = fs::read_to_string(entry?.path().join("stat")).unwrap_or_default();
        if let (Some((id, _)), Some((_, rest))) = (stat.split_once(' '), stat.rsplit_once(") "))
            && let Some(parent) = rest.split(' ').nth(1)
        {
            let _ = writeln!(lines, "{id} {parent}");
        }
    }
    Ok(lines)
}

fn from_ps() -> String {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
    listed.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}
