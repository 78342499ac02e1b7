//! One object, one turn: Terraform creates and deletes at the same time what
//! only changed its address, and SAP must hold in the end what the configuration
//! says, whichever call is slow.
//!
//! Every run of the matrix does the same to an object of every resource at once. By default some runs are drawn, under the real CLI,
//! which alone does things at the same time; `SAPCALM_CHAOS=full` runs all of
//! them.

use std::time::Instant;

use serde_json::{Value as Json, json};

use crate::support::cli::Output;
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
        self.make_late(&world).await;
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

    async fn make_late(&self, world: &World) {
        let service = "/destination-configuration/v1/subaccount";
        let omf = "/omf/integration-monitoring";
        let register = format!("{omf}/v1");
        let calls = match self.late {
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

    async fn apply(&self, workspace: &Workspace) -> Output {
        let mut args = vec!["apply", "-auto-approve"];
        let replace = TYPES.map(|ty| format!("-replace={ty}.a"));
        if self.change == Change::CreateFirst {
            args.extend(replace.iter().map(String::as_str));
        }
        workspace.run(&args).await
    }

    /// SAP and the state hold what the configuration says.
    async fn look(&self, workspace: &Workspace, world: &World, verdict: &mut Verdict) {
        let plan = workspace.plan().await;
        if plan.code != Some(0) {
            verdict.not_converged = true;
            verdict.complain(format!("the plan is not empty: {plan}"));
        }
        let number = self.change.objects();
        let jobs = world.jobs().await;
        let monitored = jobs
            .iter()
            .filter(|job| job["calmConfig"]["enabled"] == true);
        let found = [
            ("monitored jobs", monitored.count(), number),
            ("destinations", world.destinations().await.len(), number + 1),
            ("certificates", world.certificates().await.len(), number),
            ("registrations", usize::from(world.is_registered().await), 1),
        ];
        for (what, found, wanted) in found {
            verdict.lost |= found < wanted;
            verdict.orphan |= found > wanted;
            if found != wanted {
                verdict.complain(format!("{found} {what} instead of {wanted}"));
            }
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
