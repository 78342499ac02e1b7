//! The real `terraform` (or `tofu`), where there is one.
//!
//! Commands run in a directory of the test's own, with an environment of the
//! test's own, and nothing that they started outlives them.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde_json::{Value as Json, json};

use crate::counts::skip_or_fail;

/// A command that takes longer is killed, and the test fails.
const LIMIT: Duration = Duration::from_mins(2);

/// A Terraform command line program.
#[derive(Clone, Debug)]
pub struct Cli {
    program: PathBuf,
}

/// What a command came to.
#[derive(Debug)]
pub struct Output {
    /// Nothing when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Output {
    /// Fails the test when the command failed, with everything it printed.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }

    /// The lines of a command that was run with `-json`.
    pub fn json_lines(&self) -> Vec<Json> {
        self.stdout
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The errors of a command that was run with `-json`: summary and detail.
    pub fn errors(&self) -> Vec<(String, String)> {
        let text =
            |diagnostic: &Json, key: &str| diagnostic[key].as_str().unwrap_or_default().to_owned();
        self.json_lines()
            .iter()
            .map(|line| &line["diagnostic"])
            .filter(|diagnostic| diagnostic["severity"] == "error")
            .map(|diagnostic| (text(diagnostic, "summary"), text(diagnostic, "detail")))
            .collect()
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            code,
            stdout,
            stderr,
            took,
        } = self;
        write!(
            f,
            "exit code {code:?} after {took:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

impl Cli {
    /// The program that `TF_CLI` names, else `terraform` or `tofu` on the `PATH`.
    pub fn find() -> Option<Self> {
        if let Some(program) = std::env::var_os("TF_CLI").filter(|program| !program.is_empty()) {
            return Some(Self {
                program: PathBuf::from(program),
            });
        }
        let path = std::env::var_os("PATH")?;
        let in_path = |name: &str| {
            std::env::split_paths(&path)
                .map(|dir| dir.join(name))
                .find(|file| file.is_file())
        };
        let program = in_path("terraform").or_else(|| in_path("tofu"))?;
        Some(Self { program })
    }

    /// As [`Cli::find`]; without a program the test is counted as left out and,
    /// where `CI=true`, fails.
    pub fn find_or_skip() -> Option<Self> {
        let found = Self::find();
        if found.is_none() {
            skip_or_fail("no `terraform` or `tofu` on the PATH and no TF_CLI");
        }
        found
    }

    /// The version, such as `1.11.4`, and whether this is `OpenTofu`.
    pub fn version(&self, directory: &Path) -> (String, bool) {
        let output = self.run(directory, &["version"], &[]).ok();
        let line = output.stdout.lines().next().unwrap_or_default().to_owned();
        let version = line
            .split_whitespace()
            .last()
            .unwrap_or_default()
            .trim_start_matches('v')
            .to_owned();
        (version, line.starts_with("OpenTofu"))
    }

    /// Runs a command to its end.
    pub fn run(&self, directory: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
        self.start(directory, args, env).wait()
    }

    /// Starts a command: for signals in the middle of it.
    pub fn start(&self, directory: &Path, args: &[&str], env: &[(&str, &str)]) -> Running {
        let config = directory.join("cli.tfrc");
        if !config.exists() {
            std::fs::write(&config, "").unwrap();
        }
        let mut child = Command::new(&self.program)
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", directory)
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("TF_CLI_CONFIG_FILE", &config)
            .envs(env.iter().copied())
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", self.program.display()));
        let stdout = read_to_end(child.stdout.take().unwrap());
        let stderr = read_to_end(child.stderr.take().unwrap());
        let what = format!("{} {}", self.program.display(), args.join(" "));
        Running {
            child,
            what,
            started: Instant::now(),
            stdout: Some(stdout),
            stderr: Some(stderr),
        }
    }
}

/// A command that runs. Dropping it kills it and all that it started.
pub struct Running {
    child: Child,
    what: String,
    started: Instant,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    fn group(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Sends a signal to the program and everything it started, as a terminal
    /// does for Ctrl-C.
    pub fn signal(&self, signal: Signal) {
        // An error only says that the group is gone already.
        let _ = killpg(self.group(), signal);
    }

    /// Sends a signal to the program alone.
    pub fn signal_program(&self, signal: Signal) {
        let _ = kill(self.group(), signal);
    }

    /// Kills the providers that the program has started, and only them.
    pub fn kill_providers(&self) {
        let list = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
        let list = String::from_utf8(list.unwrap().stdout).unwrap();
        let program = self.child.id().to_string();
        for line in list.lines() {
            let mut fields = line.split_whitespace();
            if let (Some(process), Some(parent)) = (fields.next(), fields.next())
                && parent == program
            {
                let _ = kill(Pid::from_raw(process.parse().unwrap()), Signal::SIGKILL);
            }
        }
    }

    /// Waits for the end; kills and fails the test when it takes too long.
    pub fn wait(self) -> Output {
        self.wait_at_most(LIMIT)
    }

    /// The same with a limit of the caller's.
    pub fn wait_at_most(mut self, limit: Duration) -> Output {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                self.started.elapsed() < limit,
                "{} did not end in {limit:?}",
                self.what
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = self.started.elapsed();
        // Providers that were left behind would keep the pipes open.
        self.signal(Signal::SIGKILL);
        let text = |thread: Option<JoinHandle<String>>| {
            thread.map(|t| t.join().unwrap()).unwrap_or_default()
        };
        let (stdout, stderr) = (text(self.stdout.take()), text(self.stderr.take()));
        Output {
            code: status.code(),
            stdout,
            stderr,
            took,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

fn read_to_end(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The value of `TF_REATTACH_PROVIDERS` for a provider that listens on a Unix
/// socket, in clear text, and goes on living after the command.
pub fn reattach(address: &str, socket: &Path, pid: u32) -> String {
    let provider = json!({
        "Protocol": "grpc",
        "ProtocolVersion": 6,
        "Pid": pid,
        "Test": true,
        "Addr": { "Network": "unix", "String": socket },
    });
    json!({ address: provider }).to_string()
}

/// Makes commands in this directory use this program for a provider's address,
/// without `init`. Terraform then prints a warning with every command.
pub fn use_provider(directory: &Path, address: &str, program: &Path) {
    let plugins = directory.join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    let name = address.rsplit('/').next().unwrap_or(address);
    let binary = plugins.join(format!("terraform-provider-{name}"));
    if !binary.exists() {
        std::os::unix::fs::symlink(program, &binary).unwrap();
    }
    let config = format!(
        "provider_installation {{\n  dev_overrides {{\n    {address:?} = {plugins:?}\n  }}\n  direct {{}}\n}}\n"
    );
    std::fs::write(directory.join("cli.tfrc"), config).unwrap();
}
