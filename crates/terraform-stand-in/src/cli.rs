//! The real `terraform` (or `tofu`): the one at hand, and another one for what that
//! one does not have. `tools/cli.sh` knows where they are.
//!
//! Commands run in a directory of the test's own, with an environment of the
//! test's own, and nothing that they started outlives them.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde_json::{Value as Json, json};

use crate::counts::{elsewhere, skip, skip_or_fail};
use crate::feature::Feature;
use crate::process::inherited;

/// A command that takes longer is killed, and the test fails.
const LIMIT: Duration = Duration::from_secs(90);
/// Where Terraform and `OpenTofu` look for a provider without a host.
pub const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// A Terraform command line program.
#[derive(Clone, Debug)]
pub struct Cli {
    program: PathBuf,
    pub client: Client,
}

/// Which one it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Such as `1.11.4`.
    pub version: String,
    pub open_tofu: bool,
}

impl Client {
    /// `11` of `1.11.4`.
    pub fn minor(&self) -> u64 {
        let minor = self.version.split('.').nth(1);
        minor.and_then(|minor| minor.parse().ok()).unwrap()
    }

    pub fn has(&self, feature: Feature) -> bool {
        let since = feature.since();
        let since = if self.open_tofu {
            since.open_tofu
        } else {
            since.terraform
        };
        since.is_some_and(|since| self.minor() >= since)
    }
}

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = if self.open_tofu {
            "OpenTofu"
        } else {
            "Terraform"
        };
        write!(f, "{name} {}", self.version)
    }
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
    /// The program that `TF_CLI` names, else what `tools/cli.sh` finds. Nothing is
    /// fetched here: who runs the tests has done that.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<Option<Cli>> = OnceLock::new();
        let find = || Self::at(&found(&["terraform"])?);
        FOUND.get_or_init(find).clone()
    }

    /// Others than the one at hand, for what that one does not have: the newest
    /// Terraform and an `OpenTofu`. None in a run that is about one client.
    fn others() -> Vec<Self> {
        static FOUND: OnceLock<Vec<Cli>> = OnceLock::new();
        let find = || {
            let kept = |program| Self::at(&found(&[program, "newest"])?);
            let all = ["terraform", "opentofu"].into_iter().filter_map(kept);
            if only_one() {
                Vec::new()
            } else {
                all.collect()
            }
        };
        FOUND.get_or_init(find).clone()
    }

    /// A program that has these features. Where there is none the test is counted
    /// as left out.
    pub fn with(features: &[Feature]) -> Option<Self> {
        let Some(own) = Self::find() else {
            skip_or_fail("there is no Terraform and no OpenTofu");
            return None;
        };
        let lacks = |cli: &Self| {
            let mut features = features.iter();
            features.find(|&&feature| !cli.client.has(feature)).copied()
        };
        let Some(lacking) = lacks(&own) else {
            return Some(own);
        };
        let found = Self::others()
            .into_iter()
            .find(|other| lacks(other).is_none());
        if found.is_none() {
            let reason = format!("{} has no {lacking}", own.client);
            match lacking.since().terraform {
                _ if only_one() => skip(&reason),
                Some(_) => skip_or_fail(&reason),
                None => elsewhere("what only OpenTofu has (make clients)"),
            }
        }
        found
    }

    /// A program, when it starts.
    fn at(program: &Path) -> Option<Self> {
        let output = Command::new(program)
            .arg("version")
            .env("CHECKPOINT_DISABLE", "1")
            .output();
        let text = String::from_utf8(output.ok()?.stdout).ok()?;
        // `Terraform v1.11.4`
        let (name, version) = text.lines().find_map(|line| line.split_once(" v"))?;
        Some(Self {
            program: program.to_owned(),
            client: Client {
                version: version.trim().to_owned(),
                open_tofu: name == "OpenTofu",
            },
        })
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
            .envs(inherited())
            .env("HOME", directory)
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("TF_CLI_CONFIG_FILE", &config)
            .env("TMPDIR", temporary(directory))
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

/// Where commands in this directory put what is temporary.
pub fn temporary(directory: &Path) -> PathBuf {
    let temporary = directory.join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    temporary
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

/// Whether this run is about the client at hand alone, as in `make clients`.
fn only_one() -> bool {
    std::env::var_os("TF_CLI_ONLY").is_some()
}

/// The path that `tools/cli.sh` prints.
fn found(arguments: &[&str]) -> Option<PathBuf> {
    let output = Command::new("sh")
        .arg("tools/cli.sh")
        .args(arguments)
        .env("NO_DOWNLOAD", "1")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let path = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| PathBuf::from(path.trim()))
}

/// The value of `TF_REATTACH_PROVIDERS` for a provider, such as `sap/btp`, that
/// listens on a Unix socket, in clear text, and goes on living after the command.
pub fn reattach(source: &str, socket: &Path, pid: u32) -> String {
    let provider = json!({
        "Protocol": "grpc",
        "ProtocolVersion": 6,
        "Pid": pid,
        "Test": true,
        "Addr": { "Network": "unix", "String": socket },
    });
    let attached = HOSTS.map(|host| (format!("{host}/{source}"), provider.clone()));
    Json::Object(attached.into_iter().collect()).to_string()
}

/// Makes commands in this directory use this program for a provider, such as
/// `sapcalm/sapcalm`, without `init`. Terraform then prints a warning with every
/// command.
pub fn use_provider(directory: &Path, source: &str, program: &Path) {
    let plugins = directory.join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    let name = source.rsplit('/').next().unwrap_or(source);
    let binary = plugins.join(format!("terraform-provider-{name}"));
    if !binary.exists() {
        std::os::unix::fs::symlink(program, &binary).unwrap();
    }
    let overrides = HOSTS.map(|host| format!("    \"{host}/{source}\" = {plugins:?}\n"));
    let config = format!(
        "provider_installation {{\n  dev_overrides {{\n{}  }}\n  direct {{}}\n}}\n",
        overrides.concat()
    );
    std::fs::write(directory.join("cli.tfrc"), config).unwrap();
}
