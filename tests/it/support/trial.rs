//! One world, one Terraform in it, and what comes of a step of the life that is
//! disturbed: it is run again undisturbed, and then the plan must be empty, SAP
//! must hold what an undisturbed run leaves there, secrets included, and the
//! state must know exactly what is there.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use emulator::Options;
use serde_json::{Value as Json, json};

use super::core::state::State;
use super::core::{Core, Outcome};
use super::life::{
    Begin, Command, Goal, Patience, STEPS, Step, Target, document, import_blocks, imported, names,
    objects, resources, targets,
};
use super::served::Served;
use super::workspace::Workspace;
use super::world::{Variant, World};

// ---------------------------------------------------------------- terraform

/// What runs the commands.
pub(crate) enum Terraform {
    /// The stand-in for Terraform core, and the provider in this process.
    StandIn { core: Box<Core>, _provider: Served },
    /// The real program, and the provider's binary.
    Cli(Workspace),
}

/// The state between two commands.
#[derive(Clone)]
pub(crate) enum Saved {
    StandIn(State),
    /// The text of the state file, if there is one.
    File(Option<String>),
}

/// What one command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) failed: bool,
    /// Of a plan: there is nothing to do.
    pub(crate) empty: bool,
    /// What Terraform has against the provider.
    objections: Vec<String>,
    pub(crate) said: String,
}

impl From<Outcome> for Ran {
    fn from(outcome: Outcome) -> Self {
        Self {
            failed: outcome.diags.has_errors(),
            empty: !outcome.diags.has_errors() && outcome.is_empty(),
            objections: outcome
                .diags
                .objections()
                .map(|one| format!("{one:?}"))
                .collect(),
            said: format!("{:?}\n{outcome}", outcome.differences()),
        }
    }
}

impl From<super::cli::Output> for Ran {
    fn from(output: super::cli::Output) -> Self {
        const OBJECTIONS: [&str; 4] = [
            "Provider produced",
            "Provider returned",
            "Plugin did not respond",
            "panic",
        ];
        let said = output.to_string();
        let found = OBJECTIONS.into_iter().filter(|text| said.contains(text));
        Self {
            failed: !matches!(output.code, Some(0 | 2)),
            empty: output.code == Some(0),
            objections: found.map(str::to_owned).collect(),
            said,
        }
    }
}

impl Terraform {
    pub(crate) async fn stand_in() -> Self {
        let provider = Served::start();
        let core = Box::new(provider.core().await);
        Self::StandIn {
            core,
            _provider: provider,
        }
    }

    /// Runs the command of a step.
    pub(crate) async fn run(&mut self, world: &World, step: &Step, patience: Patience) -> Ran {
        match self {
            Self::StandIn { core, .. } => run_stand_in(core, world, step, patience).await,
            Self::Cli(workspace) => {
                let args = write(workspace, world, step, patience);
                workspace.run(args).await.into()
            }
        }
    }

    /// What is left to do after a step.
    async fn plan(&mut self, world: &World, step: &Step) -> Ran {
        match self {
            Self::StandIn { core, .. } => {
                core.configure(world.provider());
                let resources = resources(step.goal, Patience::Usual);
                core.plan(&resources).await.into()
            }
            Self::Cli(workspace) => {
                let document = document(step.goal, Patience::Usual);
                workspace.write_document(&world.provider(), document);
                workspace.plan().await.into()
            }
        }
    }

    async fn destroy(&mut self, world: &World) -> Ran {
        match self {
            Self::StandIn { core, .. } => {
                core.configure(world.provider());
                core.destroy().await.into()
            }
            Self::Cli(workspace) => {
                workspace.write_document(&world.provider(), json!({}));
                workspace.run(&["destroy", "-auto-approve"]).await.into()
            }
        }
    }

    fn save(&self) -> Saved {
        match self {
            Self::StandIn { core, .. } => Saved::StandIn(core.state.clone()),
            Self::Cli(workspace) => Saved::File(workspace.state_if_any()),
        }
    }

    fn load(&mut self, saved: &Saved) {
        match (self, saved) {
            (Self::StandIn { core, .. }, Saved::StandIn(state)) => core.state = state.clone(),
            (Self::Cli(workspace), Saved::File(text)) => workspace.set_state(text.as_deref()),
            _ => panic!("a state of another Terraform"),
        }
    }

    /// The ids of all objects in the state, and whether one is tainted.
    fn known(&self) -> (BTreeSet<String>, bool) {
        match self {
            Self::StandIn { core, .. } => {
                let deposed = core.state.deposed.iter().map(|(_, instance)| instance);
                let all = core.state.current.values().chain(deposed);
                let id = |object: &Json| object["id"].as_str().unwrap().to_owned();
                let ids = all.map(|instance| id(&instance.json())).collect();
                let tainted = core.state.current.values().any(|one| one.tainted);
                (ids, tainted)
            }
            Self::Cli(workspace) => known_in_file(workspace.state_if_any().as_deref()),
        }
    }
}

/// Runs the command of a step with the stand-in.
pub(crate) async fn run_stand_in(
    core: &mut Core,
    world: &World,
    step: &Step,
    patience: Patience,
) -> Ran {
    core.configure(patience.configure(world.provider()));
    let resources = match step.begin {
        Begin::Unknown => imported(step.goal, patience, &tenant(world)),
        _ => resources(step.goal, patience),
    };
    let outcome = match step.command {
        Command::Apply => core.apply(&resources).await,
        Command::Refresh => core.refresh().await,
        Command::Destroy => core.destroy().await,
    };
    outcome.into()
}

/// Writes the configuration of a step; the result is the command for it.
pub(crate) fn write(
    workspace: &Workspace,
    world: &World,
    step: &Step,
    patience: Patience,
) -> &'static [&'static str] {
    // Who destroys usually still has everything in the configuration.
    let goal = match step.command {
        Command::Destroy => Goal::Start,
        _ => step.goal,
    };
    let mut document = document(goal, patience);
    if step.begin == Begin::Unknown {
        document["import"] = import_blocks(&tenant(world));
    }
    workspace.write_document(&patience.configure(world.provider()), document);
    match step.command {
        Command::Apply => &["apply", "-auto-approve"],
        Command::Refresh => &["apply", "-refresh-only", "-auto-approve"],
        Command::Destroy => &["destroy", "-auto-approve"],
    }
}

fn known_in_file(text: Option<&str>) -> (BTreeSet<String>, bool) {
    let state: Json = text.map_or(Json::Null, |text| serde_json::from_str(text).unwrap());
    let resources = state["resources"].as_array().into_iter().flatten();
    let instances: Vec<&Json> = resources
        .flat_map(|resource| resource["instances"].as_array().into_iter().flatten())
        .collect();
    let id = |instance: &&Json| instance["attributes"]["id"].as_str().unwrap().to_owned();
    let tainted = |instance: &&Json| instance["status"] == "tainted";
    (
        instances.iter().map(id).collect(),
        instances.iter().any(tainted),
    )
}

/// The tenant of Order Management.
fn tenant(world: &World) -> String {
    let key: Json = serde_json::from_str(&world.key("order-management")).unwrap();
    key["uaa"]["tenantid"].as_str().unwrap().to_owned()
}

// -------------------------------------------------------------------- trial

/// Where a step begins, what it asks for, and where it ends undisturbed.
pub(crate) struct Prepared {
    pub(crate) step: Step,
    sap: Json,
    saved: Saved,
    pub(crate) targets: Vec<Target>,
    golden: Json,
}

/// A world, and a Terraform in it.
pub(crate) struct Trial {
    pub(crate) world: World,
    pub(crate) terraform: Terraform,
}

impl Trial {
    /// With the stand-in.
    pub(crate) async fn start(tls: bool) -> Self {
        let options = Options {
            tls,
            ..Options::default()
        };
        Self {
            world: World::with(Variant::documented(), options).await,
            terraform: Terraform::stand_in().await,
        }
    }

    /// Runs every step undisturbed.
    pub(crate) async fn prepare(&mut self) -> Vec<Prepared> {
        let empty = (self.world.state().await, self.terraform.save());
        let applied = self.applied().await;
        let nothing = empty.1.clone();
        let mut all = Vec::new();
        for step in STEPS {
            let (sap, saved) = match step.begin {
                Begin::Empty => empty.clone(),
                Begin::Applied => applied.clone(),
                Begin::Unknown => (applied.0.clone(), nothing.clone()),
                Begin::Drifted => (self.offboarded(&applied.0).await, applied.1.clone()),
            };
            let mut prepared = Prepared {
                step,
                sap,
                saved,
                targets: Vec::new(),
                golden: Json::Null,
            };
            self.begin(&prepared).await;
            let ran = self
                .terraform
                .run(&self.world, &step, Patience::Usual)
                .await;
            assert!(!ran.failed, "{}: {}", step.name, ran.said);
            prepared.targets = targets(&self.world.journal().await);
            prepared.golden = objects(&self.world.state().await);
            let plan = self.terraform.plan(&self.world, &step).await;
            assert!(plan.empty, "{}: {}", step.name, plan.said);
            all.push(prepared);
        }
        all
    }

    /// From now on the real program, which begins where the stand-in did.
    pub(crate) async fn change_to(&mut self, workspace: Workspace, prepared: &mut [Prepared]) {
        self.terraform = Terraform::Cli(workspace);
        let nothing = self.terraform.save();
        let create = prepared.iter().find(|one| one.step.begin == Begin::Empty);
        self.world.restore(&create.unwrap().sap).await;
        let applied = self.applied().await;
        for one in prepared {
            match one.step.begin {
                Begin::Empty => one.saved = nothing.clone(),
                Begin::Unknown => (one.sap, one.saved) = (applied.0.clone(), nothing.clone()),
                Begin::Applied => (one.sap, one.saved) = applied.clone(),
                Begin::Drifted => {
                    one.sap = self.offboarded(&applied.0).await;
                    one.saved = applied.1.clone();
                }
            }
        }
    }

    /// The world and the state after the first step.
    async fn applied(&mut self) -> (Json, Saved) {
        let refresh = Step {
            command: Command::Refresh,
            ..STEPS[0]
        };
        for step in [STEPS[0], refresh] {
            let ran = self
                .terraform
                .run(&self.world, &step, Patience::Usual)
                .await;
            assert!(!ran.failed, "{}", ran.said);
        }
        (self.world.state().await, self.terraform.save())
    }

    async fn offboarded(&self, sap: &Json) -> Json {
        self.world.restore(sap).await;
        self.world.offboard().await;
        self.world.state().await
    }

    /// Goes to where a step begins.
    pub(crate) async fn begin(&mut self, prepared: &Prepared) {
        self.world.clear_faults().await;
        self.world.restore(&prepared.sap).await;
        self.terraform.load(&prepared.saved);
        self.world.forget_journal().await;
    }

    /// Runs a step into faults.
    pub(crate) async fn strike(
        &mut self,
        prepared: &Prepared,
        faults: Json,
        patience: Patience,
    ) -> Verdict {
        let step = &prepared.step;
        let mut verdict = Verdict {
            faults: faults.as_array().map_or(1, Vec::len),
            ..Verdict::default()
        };
        self.begin(prepared).await;
        self.world.fault(faults).await;
        let first = self.terraform.run(&self.world, step, patience).await;
        self.world.clear_faults().await;
        let journal = self.world.journal().await;
        verdict.struck = journal.iter().any(|entry| entry["fault"] == true);
        verdict.absorbed = !first.failed;
        verdict.object_to("the faulty run", &first);
        verdict
    }

    /// Runs the step again, unless nothing is left to do, and looks at the end.
    pub(crate) async fn converge(&mut self, prepared: &Prepared, verdict: &mut Verdict) {
        let step = &prepared.step;
        let mut plan = None;
        if verdict.absorbed {
            let first = self.terraform.plan(&self.world, step).await;
            plan = first.empty.then_some(first);
        }
        let plan = if let Some(plan) = plan {
            plan
        } else {
            let mut second = self.terraform.run(&self.world, step, Patience::Usual).await;
            let title = "Outcome of the create was not known";
            verdict.outcome_unknown = second.said.contains(title);
            // An interrupted replacement that creates first leaves two objects of
            // one tenant, of which nobody can know which is meant. Where the warning
            // says so, the run after the next one repairs it.
            if second.said.contains("Two registrations of one tenant") {
                second = self.terraform.run(&self.world, step, Patience::Usual).await;
            }
            if second.failed {
                verdict.not_converged = true;
                let complaint = format!("the run after it failed:\n{}", second.said);
                verdict.complaints.push(complaint);
            }
            self.terraform.plan(&self.world, step).await
        };
        verdict.object_to("the last plan", &plan);
        if !plan.empty {
            verdict.not_converged = true;
            let complaint = format!("the plan is not empty: {}", plan.said);
            verdict.complaints.push(complaint);
        }
        let deleted = self.deletions().await;
        // Only two faults can lose the answer to a create and hide what it left, which
        // is made anew then.
        let is_excused = verdict.outcome_unknown && verdict.faults > 1;
        if !step.deletes && !is_excused && !deleted.is_empty() {
            verdict.lost = true;
            let complaint = format!("a good object was deleted on the way: {deleted:?}");
            verdict.complaints.push(complaint);
        }
        self.compare(prepared, verdict).await;
    }

    /// Every deletion of a destination so far.
    async fn deletions(&self) -> Vec<String> {
        let writes = self.world.writes().await;
        let deletions = writes.into_iter().filter(|line| line.starts_with("DELETE"));
        deletions.collect()
    }

    /// SAP as the undisturbed run left it, and the state as SAP.
    pub(crate) async fn compare(&self, prepared: &Prepared, verdict: &mut Verdict) {
        let now = objects(&self.world.state().await);
        if now != prepared.golden {
            verdict.not_converged = true;
            let complaint = format!("SAP holds\n{now}\nand should hold\n{}", prepared.golden);
            verdict.complaints.push(complaint);
        }
        let (at_sap, wanted) = (names(&now), names(&prepared.golden));
        verdict.duplicate |= at_sap.len() > wanted.len();
        let (known, tainted) = self.terraform.known();
        for id in at_sap.difference(&known) {
            verdict.orphan = true;
            let complaint = format!("SAP holds {id}, and the state does not know it");
            verdict.complaints.push(complaint);
        }
        for id in known.difference(&at_sap) {
            verdict.lost = true;
            let complaint = format!("the state holds {id}, and it does not exist");
            verdict.complaints.push(complaint);
        }
        if tainted {
            verdict.not_converged = true;
            let complaint = "an object is still tainted".to_owned();
            verdict.complaints.push(complaint);
        }
    }

    /// A destroy leaves nothing, neither at SAP nor in the state.
    pub(crate) async fn destroy(&mut self, verdict: &mut Verdict) {
        let ran = self.terraform.destroy(&self.world).await;
        verdict.object_to("the destroy", &ran);
        let left = names(&objects(&self.world.state().await));
        if ran.failed || !left.is_empty() || !self.terraform.known().0.is_empty() {
            verdict.orphan = true;
            let complaint = format!("the destroy left {left:?}\n{}", ran.said);
            verdict.complaints.push(complaint);
        }
    }
}

// ------------------------------------------------------------------ verdict

/// What a case came to.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent findings, each counted on its own"
)]
pub(crate) struct Verdict {
    /// The disturbed run succeeded all the same.
    pub(crate) absorbed: bool,
    /// How many faults there were.
    faults: usize,
    /// Nobody could tell whether a create was carried out.
    outcome_unknown: bool,
    pub(crate) struck: bool,
    pub(crate) complaints: Vec<String>,
    pub(crate) orphan: bool,
    pub(crate) duplicate: bool,
    pub(crate) lost: bool,
    pub(crate) not_converged: bool,
}

impl Verdict {
    pub(crate) fn complain(&mut self, complaint: String) {
        self.complaints.push(complaint);
    }

    /// Terraform must have nothing to object to.
    pub(crate) fn object_to(&mut self, what: &str, ran: &Ran) {
        if !ran.objections.is_empty() {
            let complaint = format!(
                "Terraform objects to {what}: {:?}\n{}",
                ran.objections, ran.said
            );
            self.complaints.push(complaint);
        }
    }
}

/// What all cases came to.
#[derive(Default)]
pub(crate) struct Total {
    cases: usize,
    struck: usize,
    absorbed: usize,
    converged: usize,
    orphans: usize,
    duplicates: usize,
    lost: usize,
    failures: Vec<String>,
}

impl Total {
    pub(crate) fn add(&mut self, case: &impl std::fmt::Display, mut verdict: Verdict) {
        if !verdict.struck {
            let complaint = "it was never disturbed".to_owned();
            verdict.complaints.push(complaint);
        }
        self.cases += 1;
        self.struck += usize::from(verdict.struck);
        self.absorbed += usize::from(verdict.absorbed);
        self.converged += usize::from(!verdict.not_converged);
        self.orphans += usize::from(verdict.orphan);
        self.duplicates += usize::from(verdict.duplicate);
        self.lost += usize::from(verdict.lost);
        if !verdict.complaints.is_empty() {
            let complaints = verdict.complaints.join("\n");
            self.failures.push(format!("{case}: {complaints}"));
        }
    }

    pub(crate) fn cases(&self) -> usize {
        self.cases
    }

    /// Prints the figures, for `make chaos` also as a line of its table, and
    /// fails the test if a case failed, or if there were not as many as expected.
    #[track_caller]
    pub(crate) fn conclude(self, what: &str, took: Duration, expected: usize) {
        let Self {
            cases,
            struck,
            absorbed,
            converged,
            orphans,
            duplicates,
            lost,
            failures,
        } = self;
        let seconds = took.as_secs();
        println!(
            "{what}: {cases} cases in {seconds} s: {struck} struck, {absorbed} absorbed, \
             {converged} converged, {orphans} orphans, {duplicates} duplicates, {lost} lost objects"
        );
        if let Some(table) = std::env::var_os("SAPCALM_CHAOS_TABLE") {
            let file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(table);
            let row = format!(
                "{what}\t{cases}\t{converged}\t{orphans}\t{duplicates}\t{lost}\t{seconds}\n"
            );
            file.and_then(|mut file| file.write_all(row.as_bytes()))
                .unwrap();
        }
        assert!(
            failures.is_empty(),
            "{} cases failed:\n\n{}",
            failures.len(),
            failures.join("\n\n")
        );
        assert!(cases > 0, "{what}: no case was chosen");
        assert_eq!(cases, expected, "{what}: some cases did not run");
    }
}

// -------------------------------------------------------------------- parts

/// What draws the cases that are not fixed; printed, so that they can be had
/// again.
pub(crate) fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    let given = std::env::var("SAPCALM_SEED").ok();
    let drawn = || given.map_or_else(|| fastrand::u64(..1_000_000), |text| text.parse().unwrap());
    let seed = *SEED.get_or_init(drawn);
    println!("SAPCALM_SEED={seed} draws the same cases again");
    seed
}

/// Which cases run: a representative part by default; everything where
/// `SAPCALM_CHAOS=full`; where it is any other text, the cases whose
/// description contains that text.
pub(crate) enum Part {
    Representative,
    Full,
    Containing(String),
}

impl Part {
    pub(crate) fn chosen() -> Self {
        match std::env::var("SAPCALM_CHAOS").as_deref() {
            Err(_) | Ok("") => Self::Representative,
            Ok("full") => Self::Full,
            Ok(text) => Self::Containing(text.to_owned()),
        }
    }

    /// Whether a case runs; `representative` says whether it is one.
    pub(crate) fn has(&self, case: &impl std::fmt::Display, representative: bool) -> bool {
        match self {
            Self::Representative => representative,
            Self::Full => true,
            Self::Containing(text) => case.to_string().contains(text.as_str()),
        }
    }
}
