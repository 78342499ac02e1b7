//! What is measured: the release build of this commit, a naive build of the
//! same commit, and a peer.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

/// The emulator's program, as Cargo names it.
const EMULATOR: &str = "sapcalm-emulator";

pub(crate) struct Programs {
    pub(crate) provider: PathBuf,
    /// Reads every destination by itself.
    pub(crate) naive: PathBuf,
    pub(crate) emulator: PathBuf,
    /// Another provider to compare with: the path in `PEER_PROVIDER`.
    pub(crate) peer: Option<PathBuf>,
}

impl Programs {
    /// Builds everything and puts it aside, so that no other build replaces it
    /// while it is measured.
    pub(crate) fn build() -> Self {
        let naive = put_aside(&release(&["--features", "naive-reads"]), "naive");
        let provider = put_aside(&release(&[]), "bench");
        cargo(&["--bin", EMULATOR]);
        let release = target().join("release");
        Self {
            provider,
            naive,
            emulator: put_aside(&release.join(EMULATOR), "bench"),
            peer: env::var_os("PEER_PROVIDER")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
        }
    }
}

/// Builds the provider as releases have it.
fn release(arguments: &[&str]) -> PathBuf {
    let build = "release/build.sh";
    let host = output("rustc", &["--print", "host-tuple"]);
    eprintln!("sh {build} {host} {}", arguments.join(" "));
    let path = built(Command::new("sh").args([build, &host]).args(arguments));
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path.trim())
}

/// What a command that builds something prints, besides what it is doing.
fn built(command: &mut Command) -> String {
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "a build failed");
    String::from_utf8(output.stdout).unwrap()
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

fn put_aside(program: &Path, kind: &str) -> PathBuf {
    let folder = target().join("bench").join(kind);
    std::fs::create_dir_all(&folder).unwrap();
    let copy = folder.join(program.file_name().unwrap());
    std::fs::copy(program, &copy).unwrap();
    copy
}

/// Builds the micro-benchmarks as a release, and tells where they are.
pub(crate) fn micro_benchmarks() -> PathBuf {
    let messages = built(
        Command::new(cargo_program())
            .args(["build", "--locked", "--release", "--quiet"])
            .args(["--package", "bench", "--message-format", "json"]),
    );
    let messages = messages.lines().map(serde_json::from_str::<Json>);
    let program = messages
        .map(Result::unwrap)
        .filter(|message| message["target"]["name"] == "codecs")
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
    program.unwrap()
}

fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn cargo(arguments: &[&str]) {
    eprintln!("cargo build --release {}", arguments.join(" "));
    let status = Command::new(cargo_program())
        .args(["build", "--locked", "--release", "--quiet"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success(), "the release build failed");
}

/// The machine and the versions that the figures belong to.
pub(crate) fn machine() -> String {
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = file("/proc/cpuinfo");
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = file("/proc/meminfo");
    let memory: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next())
        .and_then(|kilobytes| kilobytes.parse().ok())
        .unwrap_or_default();
    let load = file("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("unknown");
    format!(
        "{processor}, {cores} cores, {} GiB; {}; {}; commit {}; load at the start {load}",
        memory >> 20,
        output("uname", &["-sr"]),
        output("rustc", &["--version"]),
        output("git", &["rev-parse", "--short", "HEAD"]),
    )
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| format!("{program} unknown"))
}
