//! Nothing is lost: whoever dies, at every request of a whole life.
//!
//! The emulator holds a request, before it processes it or after; at that
//! moment the provider is killed, or Terraform is killed, or somebody asks both
//! to end: with Ctrl-C, or with SIGTERM to Terraform or to the whole process
//! group. Then the step is run again, and [`Trial`] says what must be true.
//!
//! Terraform that is killed has saved what was finished before. What it had
//! just made at SAP and not saved is recognised by the next apply: a
//! destination by its content, a registration because registering is
//! repeatable. Terraform empties its state file before it writes it; where it is
//! killed in between, the backup beside it is used, as a person would. The lock
//! of its state is the operating system's and ends with
//! the process; the file `.terraform.tfstate.lock.info` that stays behind says
//! who had it and locks nothing.
//!
//! By default every kind of request meets every blow at both moments once in the
//! stand-in (in which step is drawn, and printed), and under the real CLI what
//! leaves most behind. `SAPCALM_CHAOS=full` runs every request in the stand-in, and
//! every kind of request under the real CLI;
//! `SAPCALM_CHAOS=<text>` the cases whose description contains the text.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::support::core::{Core, Interrupt};
use crate::support::feature::Feature;
use crate::support::life::{Patience, STEPS, Target};
use crate::support::trial::{
    Part, Prepared, Terraform, Total, Trial, Verdict, run_stand_in, seed, write,
};
use crate::support::workspace::Workspace;
use crate::support::world::World;

/// Tests that share the cases, each with a world of its own.
const SHARES: usize = 2;
/// One of so many cases ends with a destroy. The others end in the same place.
const DESTROYS: usize = 8;
/// Longer than any run: who is held dies.
const HELD_MS: u64 = 120_000;

/// What happens in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    /// SIGKILL of the provider; Terraform lives on and saves what it knows.
    KillProvider,
    /// SIGKILL of Terraform, and of the provider with it.
    KillTerraform,
    /// Ctrl-C: Terraform asks the provider to come to an end.
    CtrlC,
    /// SIGTERM to everything that Terraform has started, too, as an init system
    /// and some runners of pipelines send it.
    TerminateGroup,
    /// SIGTERM to Terraform alone.
    TerminateTerraform,
}

/// What the stand-in can play: it is Terraform itself, so that its signals are
/// one to the provider alone.
const IN_STAND_IN: [Blow; 3] = [Blow::KillProvider, Blow::KillTerraform, Blow::CtrlC];
const IN_CLI: [Blow; 5] = [
    Blow::KillProvider,
    Blow::KillTerraform,
    Blow::CtrlC,
    Blow::TerminateGroup,
    Blow::TerminateTerraform,
];

/// Where the request is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    BeforeCommit,
    AfterCommit,
}

impl Moment {
    fn action(self) -> Json {
        match self {
            Self::BeforeCommit => json!({ "reset": "before", "delay_ms": HELD_MS }),
            Self::AfterCommit => json!({ "delay_ms": HELD_MS }),
        }
    }
}

struct Case<'a> {
    prepared: &'a Prepared,
    target: &'a Target,
    blow: Blow,
    moment: Moment,
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (step, target) = (self.prepared.step.name, self.target);
        write!(f, "{step}: {target}: {:?} {:?}", self.blow, self.moment)
    }
}

fn cases<'a>(prepared: &'a [Prepared], blows: &[Blow]) -> Vec<Case<'a>> {
    let mut all = Vec::new();
    for prepared in prepared {
        for target in &prepared.targets {
            for blow in blows {
                for moment in [Moment::BeforeCommit, Moment::AfterCommit] {
                    all.push(Case {
                        prepared,
                        target,
                        blow: *blow,
                        moment,
                    });
                }
            }
        }
    }
    all
}

/// Every kind of request with every blow and moment once.
fn one_of_each(all: Vec<Case<'_>>, seed: u64) -> Vec<Case<'_>> {
    let mut draw = fastrand::Rng::with_seed(seed);
    let mut by_kind: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in all {
        let kind = format!("{} {:?} {:?}", case.target.kind(), case.blow, case.moment);
        by_kind.entry(kind).or_default().push(case);
    }
    let drawn = by_kind
        .into_values()
        .map(|mut same| same.swap_remove(draw.usize(..same.len())));
    drawn.collect()
}

// ---------------------------------------------------------------- stand-in

impl Case<'_> {
    /// `process` is a stand-in whose provider is a process of its own.
    async fn run(&self, trial: &mut Trial, process: &mut Core) -> Verdict {
        let mut verdict = Verdict::default();
        trial.begin(self.prepared).await;
        let fault = self.target.fault(&self.moment.action(), false);
        trial.world.fault(fault).await;
        verdict.struck = self.strike(trial, process).await;
        trial.world.clear_faults().await;
        trial.converge(self.prepared, &mut verdict).await;
        verdict
    }

    /// Runs the step until it is struck; the result is whether it was.
    async fn strike(&self, trial: &mut Trial, process: &mut Core) -> bool {
        let (world, step) = (&trial.world, &self.prepared.step);
        let Terraform::StandIn { core, .. } = &mut trial.terraform else {
            panic!("the stand-in is meant");
        };
        let core = match self.blow {
            Blow::KillTerraform => {
                // What it has saved so far is in the state.
                return tokio::select! {
                    _ = run_stand_in(core, world, step, Patience::Usual) => false,
                    () = world.held() => true,
                };
            }
            Blow::CtrlC => core,
            Blow::TerminateGroup | Blow::TerminateTerraform => panic!("the real CLI is meant"),
            Blow::KillProvider => {
                process.state = core.state.clone();
                &mut *process
            }
        };
        let signal = CancellationToken::new();
        let what = match self.blow {
            Blow::CtrlC => Interrupt::CtrlC,
            _ => Interrupt::Kill,
        };
        core.on_signal(Some((signal.clone(), what)));
        let run = run_stand_in(core, world, step, Patience::Usual);
        let blow = async {
            world.held().await;
            signal.cancel();
            // The run ends this.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = run => {}
            () = blow => {}
        }
        core.on_signal(None);
        let state = core.state.clone();
        if let Terraform::StandIn { core, .. } = &mut trial.terraform {
            core.state = state;
        }
        signal.is_cancelled()
    }
}

/// One share of the matrix in the stand-in.
async fn share(number: usize) {
    let (began, seed) = (Instant::now(), seed());
    let mut trial = Trial::start(false).await;
    let prepared = trial.prepare().await;
    let mut process = Core::start(&[]).await;
    let part = Part::chosen();
    let mut chosen = cases(&prepared, &IN_STAND_IN);
    if matches!(part, Part::Representative) {
        chosen = one_of_each(chosen, seed);
    }
    chosen.retain(|case| part.has(case, true));
    let mut total = Total::default();
    let mine = chosen.into_iter().skip(number).step_by(SHARES);
    let expected = mine.len();
    for (at, case) in mine.enumerate() {
        let mut verdict = case.run(&mut trial, &mut process).await;
        if at % DESTROYS == 0 {
            trial.destroy(&mut verdict).await;
        }
        total.add(&case, verdict);
    }
    trial.world.stop().await;
    total.conclude("kills, stand-in", began.elapsed(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_dies_at_whatever_request_the_next_apply_converges_one_half() {
    share(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_dies_at_whatever_request_the_next_apply_converges_the_other_half() {
    share(1).await;
}

// --------------------------------------------------------------------- CLI

impl Case<'_> {
    /// By default the real CLI runs what leaves most behind: a create that SAP has
    /// carried out, and whose answer never comes.
    fn is_representative_for_cli(&self) -> bool {
        let create = self.prepared.step.name == STEPS[0].name;
        let kind = self.target.kind();
        let done = self.moment == Moment::AfterCommit;
        let registers = kind.contains("/omf/");
        let makes = kind.starts_with("POST ") && kind.ends_with("/subaccountDestinations");
        create
            && done
            && match self.blow {
                Blow::KillTerraform | Blow::TerminateTerraform => registers,
                Blow::KillProvider => makes && self.target.is_first(),
                Blow::TerminateGroup => registers || makes && self.target.is_first(),
                Blow::CtrlC => false,
            }
    }

    /// Terraform 1.11 does not hear Ctrl-C in the part of an apply that plans,
    /// nor does it tell the provider: the read that is held ends by its own
    /// timeout.
    fn patience_under_cli(&self) -> Patience {
        match self.blow {
            Blow::CtrlC | Blow::TerminateGroup | Blow::TerminateTerraform => Patience::Short {
                silence: false,
                lasting: false,
            },
            Blow::KillProvider | Blow::KillTerraform => Patience::Usual,
        }
    }

    async fn run_cli(&self, trial: &mut Trial) -> Verdict {
        let mut verdict = Verdict::default();
        trial.begin(self.prepared).await;
        let fault = self.target.fault(&self.moment.action(), false);
        trial.world.fault(fault).await;
        let Terraform::Cli(workspace) = &trial.terraform else {
            panic!("the real CLI is meant");
        };
        let args = write(
            workspace,
            &trial.world,
            &self.prepared.step,
            self.patience_under_cli(),
        );
        let running = workspace.start(&[args, &["-no-color"]].concat());
        trial.world.held().await;
        verdict.struck = true;
        match self.blow {
            Blow::KillProvider => running.kill_providers(),
            Blow::KillTerraform => running.signal_program(Signal::SIGKILL),
            Blow::CtrlC => running.signal(Signal::SIGINT),
            Blow::TerminateGroup => running.signal(Signal::SIGTERM),
            Blow::TerminateTerraform => running.signal_program(Signal::SIGTERM),
        }
        let output = tokio::task::spawn_blocking(move || running.wait())
            .await
            .unwrap();
        let expected = match self.blow {
            Blow::KillTerraform => None,
            _ => Some(1),
        };
        if output.code != expected {
            verdict
                .complaints
                .push(format!("the struck command ended otherwise: {output}"));
        }
        if self.blow == Blow::KillTerraform {
            workspace.mend_state();
        }
        let left = workspace.sockets_left();
        let was_asked = !matches!(self.blow, Blow::KillProvider | Blow::KillTerraform);
        if was_asked && !left.is_empty() {
            verdict.complaints.push(format!("left behind: {left:?}"));
        }
        trial.world.clear_faults().await;
        trial.converge(self.prepared, &mut verdict).await;
        verdict
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_killed_terraform_or_provider_loses_nothing() {
    let Some(workspace) = Workspace::with(&[Feature::WriteOnly]) else {
        return;
    };
    let began = Instant::now();
    let mut trial = Trial::start(false).await;
    let mut prepared = trial.prepare().await;
    trial.change_to(workspace, &mut prepared).await;
    let part = Part::chosen();
    let mut chosen = cases(&prepared, &IN_CLI);
    if matches!(part, Part::Full) {
        chosen = one_of_each(chosen, seed());
    }
    chosen.retain(|case| part.has(case, case.is_representative_for_cli()));
    let expected = chosen.len();
    assert!(!matches!(part, Part::Representative) || expected == 5);
    let mut total = Total::default();
    for case in chosen {
        let verdict = case.run_cli(&mut trial).await;
        total.add(&case, verdict);
    }
    trial.world.stop().await;
    total.conclude("kills, real CLI", began.elapsed(), expected);
}

// ----------------------------------------------------------------- by hand

/// A workspace and a world for the first step, with a request that is held.
async fn held_at(method: &str, path: &str) -> Option<(World, Workspace)> {
    let workspace = Workspace::with(&[Feature::WriteOnly])?;
    let world = World::documented().await;
    let fault = json!({
        "match": { "method": method, "path_prefix": path },
        "do": Moment::AfterCommit.action(),
    });
    world.fault(fault).await;
    write(&workspace, &world, &STEPS[0], Patience::Usual);
    Some((world, workspace))
}

const DESTINATIONS: &str = "/destination-configuration/v1/subaccountDestinations";
const APPLY: [&str; 3] = ["apply", "-auto-approve", "-no-color"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_ctrl_c_twice_ends_at_once_and_the_next_apply_converges() {
    for (method, path) in [("POST", DESTINATIONS), ("POST", "/omf")] {
        let Some((world, workspace)) = held_at(method, path).await else {
            return;
        };
        let running = workspace.start(&APPLY);
        world.held().await;
        running.signal(Signal::SIGINT);
        // A person needs a moment, too. Terraform has it in order then.
        tokio::time::sleep(Duration::from_millis(50)).await;
        running.signal(Signal::SIGINT);
        let output = tokio::task::spawn_blocking(move || running.wait())
            .await
            .unwrap();
        assert_eq!(output.code, Some(1), "{output}");
        world.clear_faults().await;
        workspace.converges().await;
        assert_eq!(world.destinations().await.len(), 2);
        assert!(world.is_registered().await);
        workspace.destroy().await;
        assert!(world.destinations().await.is_empty());
        assert!(!world.is_registered().await);
        world.stop().await;
    }
}

/// What a user sees and does: the file that says who had the lock is there, and
/// neither `force-unlock` nor `-lock=false` is needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_killed_terraform_leaves_no_lock_and_what_it_made_is_taken_over() {
    let Some((world, workspace)) = held_at("POST", DESTINATIONS).await else {
        return;
    };
    let running = workspace.start(&APPLY);
    world.held().await;
    running.signal_program(Signal::SIGKILL);
    let output = tokio::task::spawn_blocking(move || running.wait())
        .await
        .unwrap();
    assert_eq!(output.code, None, "{output}");
    assert!(
        workspace
            .path()
            .join(".terraform.tfstate.lock.info")
            .exists()
    );
    world.clear_faults().await;

    let output = workspace.apply(&[]).await;
    assert!(
        output.stdout.contains("Existing destination taken over"),
        "{output}"
    );
    workspace.assert_empty_plan().await;
    assert_eq!(world.destinations().await.len(), 2);
    workspace.destroy().await;
    assert!(world.destinations().await.is_empty());
    world.stop().await;
}

/// The one case that no provider can help: nobody told Terraform's state of the
/// object, and nobody asks for it any more. It stays, and the next apply of the
/// same configuration takes it over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destroy_right_after_a_killed_create_leaves_what_the_state_does_not_know() {
    let mut trial = Trial::start(false).await;
    let prepared = trial.prepare().await;
    let create = &prepared[0];
    trial.begin(create).await;
    let post = create.targets.iter().find(|target| target.is_write());
    let case = Case {
        prepared: create,
        target: post.unwrap(),
        blow: Blow::KillTerraform,
        moment: Moment::AfterCommit,
    };
    trial
        .world
        .fault(case.target.fault(&case.moment.action(), false))
        .await;
    let mut process = Core::start(&[]).await;
    assert!(case.strike(&mut trial, &mut process).await);
    trial.world.clear_faults().await;
    let Terraform::StandIn { core, .. } = &mut trial.terraform else {
        panic!("the stand-in is meant");
    };
    assert!(core.state.is_empty());
    core.configure(trial.world.provider());
    core.destroy().await.ok();
    assert_eq!(trial.world.destinations().await.len(), 1);

    let mut verdict = Verdict::default();
    trial.converge(create, &mut verdict).await;
    trial.destroy(&mut verdict).await;
    assert!(verdict.complaints.is_empty(), "{:?}", verdict.complaints);
    trial.world.stop().await;
}
