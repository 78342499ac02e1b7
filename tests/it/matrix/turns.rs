//! One object, one turn: Terraform creates and deletes at the same time what
//! only changed its address, and SAP must hold in the end what the configuration
//! says, whichever call is slow.
//!
//! Under the real CLI every run does the same to an object of every resource at
//! once; by default some runs are drawn, `SAPCALM_CHAOS=full` runs all of them.
//! The stand-in for Terraform core walks one resource after the other, so two of
//! its calls are sent at the same time here: what a changed address comes to on
//! the wire, for every resource by itself.

use std::time::Instant;

use serde_json::{Value as Json, json};

use crate::support::cli::Output;
use crate::support::core::change::Change as Planned;
use crate::support::core::diagnostics::Diags;
use crate::support::core::driver::Core;
use crate::support::core::managed::PlanInputs;
use crate::support::core::provider;
use crate::support::core::session::Session;
use crate::support::core::state::{Object, State};
use crate::support::core::value::Val;
use crate::support::feature::Feature;
use crate::support::trial::{Part, Total, Verdict, seed};
use crate::support::workspace::Workspace;
use crate::support::world::World;

/// Runs by default.
const DRAWN: usize = 3;
/// Longer than everything else that one apply does.
const LATE_MS: u64 = 400;

/// What happens to the resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// Another name of the resource, without `moved`.
    Rename,
    CountToForEach,
    /// Another key of `for_each`.
    OtherKey,
    /// Replaced with `create_before_destroy`.
    CreateFirst,
    /// Two resources of one object, both new.
    TwoOfOne,
    /// Two resources exchange the names of their objects.
    Swap,
}

const CHANGES: [Change; 6] = [
    Change::Rename,
    Change::CountToForEach,
    Change::OtherKey,
    Change::CreateFirst,
    Change::TwoOfOne,
    Change::Swap,
];

/// Which call arrives late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Late {
    Creates,
    Deletes,
}

struct Run {
    change: Change,
    late: Late,
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, late: {:?}", self.change, self.late)
    }
}

const DESTINATION: &str = "sapcalm_destination";
const CERTIFICATE: &str = "sapcalm_destination_certificate";
const REGISTRATION: &str = "sapcalm_registration";
const JOB_MONITORING: &str = "sapcalm_job_monitoring";
const TYPES: [&str; 4] = [DESTINATION, CERTIFICATE, REGISTRATION, JOB_MONITORING];

/// A block of each type, by the number of its object. There is one tenant.
fn block(type_name: &str, number: u32) -> Json {
    match type_name {
        DESTINATION => json!({
            "name": format!("target-{number}"),
            "url": "https://target.example.com",
            "authentication": "NoAuthentication",
            "description": format!("number {number}"),
        }),
        CERTIFICATE => json!({
            "name": format!("store-{number}.p12"),
            // The first byte of a DER sequence, and one of its own.
            "content": { "base64_wo": if number == 1 { "MAE=" } else { "MAI=" } },
        }),
        JOB_MONITORING => json!({ "job_id": number }),
        _ => json!({ "destination_name": "${sapcalm_destination.cloud_alm.name}" }),
    }
}

fn with(mut block: Json, name: &str, value: Json) -> Json {
    block[name] = value;
    block
}

impl Change {
    /// The resources of a type before, and after.
    fn blocks(self, type_name: &str) -> [Json; 2] {
        let one = || block(type_name, 1);
        let two = || block(type_name, 2);
        let keyed = |key: &str| json!({ "a": with(one(), "for_each", json!(format!("${{toset([\"{key}\"])}}"))) });
        match self {
            Self::Rename => [json!({ "a": one() }), json!({ "b": one() })],
            Self::CountToForEach => [json!({ "a": with(one(), "count", json!(1)) }), keyed("x")],
            Self::OtherKey => [keyed("x"), keyed("y")],
            Self::CreateFirst => {
                let first = json!({ "create_before_destroy": true });
                let block = json!({ "a": with(one(), "lifecycle", first) });
                [block.clone(), block]
            }
            Self::TwoOfOne => [json!({}), json!({ "a": one(), "b": one() })],
            Self::Swap if type_name == REGISTRATION => {
                [json!({ "a": one() }), json!({ "a": one() })]
            }
            Self::Swap => [
                json!({ "a": one(), "b": two() }),
                json!({ "a": two(), "b": one() }),
            ],
        }
    }

    /// Whether an error is right.
    fn may_fail(self) -> bool {
        matches!(self, Self::TwoOfOne | Self::Swap)
    }

    fn objects(self) -> usize {
        if self == Self::Swap { 2 } else { 1 }
    }
}

/// Which configuration stands in the workspace.
fn write(workspace: &Workspace, world: &World, resources: impl Fn(&str) -> Json) {
    let mut destinations = resources(DESTINATION);
    destinations["cloud_alm"] = json!({});
    let mut all = json!({ DESTINATION: destinations });
    for type_name in &TYPES[1..] {
        let blocks = resources(type_name);
        if blocks.as_object().is_some_and(|blocks| !blocks.is_empty()) {
            all[type_name] = blocks;
        }
    }
    workspace.write_json(&world.provider(), &all);
}

impl Run {
    async fn go(&self, workspace: &Workspace) -> Verdict {
        let world = World::documented().await;
        let mut verdict = Verdict::default();
        workspace.set_state(None);
        write(workspace, &world, |ty| self.change.blocks(ty)[0].clone());
        workspace.apply(&[]).await;
        self.late.make_late(&world).await;
        write(workspace, &world, |ty| self.change.blocks(ty)[1].clone());
        let changed = self.apply(workspace).await;
        let journal = world.journal().await;
        verdict.struck = journal.iter().any(|entry| entry["fault"] == true);
        verdict.absorbed = changed.code == Some(0);
        if !verdict.absorbed && !self.change.may_fail() {
            verdict.complain(format!("the change failed: {changed}"));
        }
        if self.change == Change::TwoOfOne {
            if verdict.absorbed {
                verdict.complain(format!("nobody refused the second one: {changed}"));
            }
            let kept = |ty: &str| {
                let known = workspace.instances(&format!("{ty}.a"));
                let name = if known.is_empty() { "b" } else { "a" };
                json!({ name: block(ty, 1) })
            };
            write(workspace, &world, kept);
        }
        // Two names that were exchanged need a second run, and perhaps a third.
        for _ in 0..2 {
            if self.change == Change::Swap && workspace.plan().await.code != Some(0) {
                world.clear_faults().await;
                workspace.run(&["apply", "-auto-approve"]).await;
            }
        }
        self.look(workspace, &world, &mut verdict).await;
        world.stop().await;
        verdict
    }

    /// SAP and the state hold what the configuration says.
    async fn look(&self, workspace: &Workspace, world: &World, verdict: &mut Verdict) {
        let plan = workspace.plan().await;
        if plan.code != Some(0) {
            verdict.not_converged = true;
            verdict.complain(format!("the plan is not empty: {plan}"));
        }
        let number = self.change.objects();
        let found = objects(world).await;
        let wanted = [number, number + 1, number, 1];
        for ((what, found), wanted) in OBJECTS.into_iter().zip(found).zip(wanted) {
            verdict.lost |= found < wanted;
            verdict.orphan |= found > wanted;
            if found != wanted {
                verdict.complain(format!("{found} {what} instead of {wanted}"));
            }
        }
    }

    async fn apply(&self, workspace: &Workspace) -> Output {
        let mut args = vec!["apply", "-auto-approve"];
        let replace = TYPES.map(|ty| format!("-replace={ty}.a"));
        if self.change == Change::CreateFirst {
            args.extend(replace.iter().map(String::as_str));
        }
        workspace.run(&args).await
    }
}

const OBJECTS: [&str; 4] = [
    "monitored jobs",
    "destinations",
    "certificates",
    "registrations",
];

/// How many of [`OBJECTS`] SAP has.
async fn objects(world: &World) -> [usize; 4] {
    let jobs = world.jobs().await;
    let monitored = jobs
        .iter()
        .filter(|job| job["calmConfig"]["enabled"] == true);
    [
        monitored.count(),
        world.destinations().await.len(),
        world.certificates().await.len(),
        usize::from(world.is_registered().await),
    ]
}

impl Late {
    async fn make_late(self, world: &World) {
        let service = "/destination-configuration/v1/subaccount";
        let omf = "/omf/integration-monitoring";
        let register = format!("{omf}/v1");
        let calls = match self {
            Late::Creates => [("POST", service), ("POST", register.as_str())],
            Late::Deletes => [("DELETE", service), ("POST", omf)],
        };
        // On and off are one call.
        let switch = ("PUT", "/jobscheduler-rest");
        for (method, path) in calls.into_iter().chain([switch]) {
            let fault = json!({
                "match": { "method": method, "path_prefix": path },
                "times": null,
                "do": { "late_ms": LATE_MS },
            });
            world.fault(fault).await;
        }
    }
}

#[test]
fn every_resource_takes_part() {
    let resources = sapcalm::provider::RESOURCES.iter();
    let names: Vec<&str> = resources.map(|one| one.definition().type_name).collect();
    assert!(names.iter().all(|name| TYPES.contains(name)), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_the_end_is_what_the_configuration_says_whichever_call_is_slow() {
    let Some(workspace) = Workspace::with(&[Feature::WriteOnly]) else {
        return;
    };
    let (began, part) = (Instant::now(), Part::chosen());
    let all = CHANGES
        .into_iter()
        .flat_map(|change| [Late::Creates, Late::Deletes].map(|late| Run { change, late }));
    let mut runs: Vec<Run> = all.filter(|run| part.has(run, true)).collect();
    if matches!(part, Part::Representative) {
        fastrand::Rng::with_seed(seed()).shuffle(&mut runs);
        // What a user meets most, and what was wrong once.
        let rename = |run: &Run| run.change != Change::Rename || run.late != Late::Deletes;
        runs.sort_by_key(rename);
        runs.truncate(DRAWN);
    }
    let expected = runs.len();
    let mut total = Total::default();
    for run in runs {
        let verdict = run.go(&workspace).await;
        total.add(&run, verdict);
    }
    total.conclude("turns, real CLI", began.elapsed(), expected);
}

/// An object as resources of the stand-in have it, without the walk of a run.
struct Case<'a> {
    session: &'a Session,
    type_name: &'a str,
    config: Val,
}

impl<'a> Case<'a> {
    fn new(session: &'a Session, type_name: &'a str, config: &Json) -> Self {
        let config = session.resource(type_name).block.config(config).unwrap();
        Self {
            session,
            type_name,
            config,
        }
    }

    async fn plan_create(&self, address: &str) -> Planned {
        let (inputs, mut diags) = (PlanInputs::default(), Diags::default());
        let plan = self
            .session
            .plan(self.type_name, address, &self.config, inputs, &mut diags);
        plan.await.unwrap_or_else(|| panic!("{address}: {diags}"))
    }

    async fn plan_delete(&self, address: &str, object: &Object) -> Planned {
        let mut diags = Diags::default();
        let plan = self
            .session
            .plan_destroy(self.type_name, address, object, &mut diags);
        plan.await.unwrap_or_else(|| panic!("{address}: {diags}"))
    }

    /// What the state holds afterwards, and what was said.
    async fn apply(
        &self,
        address: &str,
        change: &Planned,
        before: Option<&Object>,
    ) -> (Option<Object>, Diags) {
        let (state, mut diags) = (State::default(), Diags::default());
        let config = before.map_or(&self.config, |_| &Val::Null);
        let apply = self.session.apply(
            self.type_name,
            address,
            change,
            before,
            config,
            &state,
            &mut diags,
        );
        (apply.await, diags)
    }

    async fn make(&self, address: &str) -> Object {
        let change = self.plan_create(address).await;
        let (object, diags) = self.apply(address, &change, None).await;
        assert!(!diags.has_errors(), "{address}: {diags}");
        object.unwrap()
    }

    /// A resource goes while another one of the same object comes.
    async fn renamed(&self, old: &Object, world: &World, late: Late) {
        let [delete, create] = [
            self.plan_delete("old", old).await,
            self.plan_create("new").await,
        ];
        late.make_late(world).await;
        let ((left, deleted), (new, created)) = tokio::join!(
            self.apply("old", &delete, Some(old)),
            self.apply("new", &create, None),
        );
        assert!(!deleted.has_errors() && left.is_none(), "{deleted}");
        assert!(!created.has_errors(), "{created}");
        let (new, mut diags) = (new.unwrap(), Diags::default());
        let read = self.session.read(self.type_name, "new", &new, &mut diags);
        assert!(!read.await.unwrap().value.is_null(), "{diags}");
    }

    /// Two resources of one object come: one of them is told.
    async fn made_twice(&self, world: &World, late: Late) {
        let plans = [self.plan_create("a").await, self.plan_create("b").await];
        late.make_late(world).await;
        let ((a, first), (b, second)) = tokio::join!(
            self.apply("a", &plans[0], None),
            self.apply("b", &plans[1], None),
        );
        assert!(
            first.has_errors() != second.has_errors(),
            "{first}\n{second}"
        );
        assert!(a.is_some() != b.is_some(), "{first}\n{second}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_stand_in_the_end_is_what_the_configuration_says_whichever_call_is_slow() {
    for (number, type_name) in [JOB_MONITORING, DESTINATION, CERTIFICATE, REGISTRATION]
        .into_iter()
        .enumerate()
    {
        for (late, twice) in [
            (Late::Creates, false),
            (Late::Deletes, false),
            (Late::Creates, true),
        ] {
            println!("{type_name}, late: {late:?}, twice: {twice}");
            let world = World::documented().await;
            let mut core = Core::launch(provider(&[])).await;
            core.configure(world.provider());
            let mut config = block(type_name, 1);
            let first_run = core.configured_session().await;
            if type_name == REGISTRATION {
                let cloud_alm = Case::new(&first_run, DESTINATION, &json!({}));
                cloud_alm.make("cloud_alm").await;
                config["destination_name"] = json!("CloudALM");
            }
            let mut old = None;
            if !twice {
                let case = Case::new(&first_run, type_name, &config);
                old = Some(case.make("old").await);
            }
            first_run.close().await;

            let session = core.configured_session().await;
            let case = Case::new(&session, type_name, &config);
            match &old {
                Some(old) => case.renamed(old, &world, late).await,
                None => case.made_twice(&world, late).await,
            }
            assert_eq!(objects(&world).await[number], 1);
            session.close().await;
            world.stop().await;
        }
    }
}
