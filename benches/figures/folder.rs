//! A folder with a configuration, and the real Terraform in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::process::{children_time, peak, processor_time};
use crate::support::cli::{Cli, Running, use_provider};

/// Longer than the largest run; a run that hangs ends the benchmark.
const LIMIT: Duration = Duration::from_mins(10);

/// How often the memory of the provider processes is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A configuration, where to run it, and with which build of the provider.
pub(crate) struct Folder {
    cli: Cli,
    provider: PathBuf,
    directory: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new(cli: &Cli, provider: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        use_provider(directory.path(), provider);
        Self {
            cli: cli.clone(),
            provider: provider.canonicalize().unwrap(),
            directory,
        }
    }

    /// Replaces the configuration.
    pub(crate) fn write(&self, configuration: &str) {
        std::fs::write(self.directory.path().join("main.tf"), configuration).unwrap();
    }

    /// Makes this folder begin with the state of another one.
    pub(crate) fn copy_state(&self, from: &Self) {
        let state = |folder: &Self| folder.directory.path().join("terraform.tfstate");
        std::fs::copy(state(from), state(self)).unwrap();
    }

    /// How many destinations the state has.
    pub(crate) fn managed(&self) -> usize {
        let text = std::fs::read_to_string(self.directory.path().join("terraform.tfstate"));
        let state: Json = serde_json::from_str(&text.unwrap()).unwrap();
        let resources = state["resources"].as_array().unwrap().iter();
        resources
            .filter_map(|resource| resource["instances"].as_array().map(Vec::len))
            .sum()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.cli.start(self.directory.path(), arguments, &[])
    }

    /// Runs a command to its good end, and tells how long it took.
    pub(crate) fn run(&self, arguments: &[&str]) -> Duration {
        let began = Instant::now();
        let output = self.start(arguments).wait_at_most(LIMIT);
        let took = began.elapsed();
        assert_eq!(output.code, Some(0), "{output}");
        took
    }

    pub(crate) fn apply(&self) -> Duration {
        self.run(&["apply", "-auto-approve", "-no-color"])
    }

    /// A plan in which there is nothing to do.
    pub(crate) fn plan(&self) -> Duration {
        self.run(&["plan", "-detailed-exitcode", "-no-color"])
    }

    /// What `command` took, and the most memory that a provider process had
    /// resident meanwhile, in MiB.
    pub(crate) fn watched<T>(&self, command: impl FnOnce(&Self) -> T) -> (T, f64) {
        let watch = Watch::start(self.provider.clone());
        let done = command(self);
        (done, watch.finish().memory)
    }

    /// Runs a command and tells whose time it took.
    pub(crate) fn timed(&self, arguments: &[&str]) -> Took {
        let before = children_time().unwrap_or(f64::NAN);
        let watch = Watch::start(self.provider.clone());
        let clock = self.run(arguments).as_secs_f64();
        let provider = watch.finish().time;
        let all = children_time().unwrap_or(f64::NAN) - before;
        Took {
            clock,
            terraform: all - provider,
            provider,
        }
    }

    /// The size of the state file.
    pub(crate) fn state_bytes(&self) -> usize {
        let state = self.directory.path().join("terraform.tfstate");
        std::fs::read(state).unwrap().len()
    }
}

/// What a command took, in seconds.
pub(crate) struct Took {
    clock: f64,
    /// Of the processor, in Terraform itself.
    terraform: f64,
    /// Of the processor, in all provider processes.
    provider: f64,
}

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            clock,
            terraform,
            provider,
        } = self;
        write!(f, "{clock:.1} s ({terraform:.1} + {provider:.1})")
    }
}

/// What all processes of a program needed, each as it was last seen.
struct Seen {
    /// The most that one of them had resident, in MiB.
    memory: f64,
    /// The processor time of all of them, in seconds.
    time: f64,
}

/// Looks at all processes of one program, again and again.
struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watch {
    fn start(program: PathBuf) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut known = BTreeMap::new();
            let mut times = BTreeMap::new();
            let mut memory = f64::NAN;
            while !end.load(Ordering::Relaxed) {
                for process in processes() {
                    let is_ours = known
                        .entry(process)
                        .or_insert_with(|| runs(process, &program));
                    if *is_ours {
                        memory = memory.max(peak(process).unwrap_or(f64::NAN));
                        times.extend(processor_time(process).map(|time| (process, time)));
                    }
                }
                std::thread::sleep(LOOK);
            }
            Seen {
                memory,
                time: times.into_values().sum(),
            }
        });
        Self { over, thread }
    }

    fn finish(self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// The ids of all processes, where the system lists them.
fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

fn runs(process: u32, program: &Path) -> bool {
    std::fs::read_link(format!("/proc/{process}/exe")).is_ok_and(|link| link == program)
}
