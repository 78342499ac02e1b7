//! Nothing is lost: every request of a whole life runs into every fault.
//!
//! The life is create, update, both kinds of replacement, import, refresh and
//! destroy, of two destinations and a registration. Each step is first run
//! undisturbed; the emulator's journal then names its requests. For every
//! request and every fault the step is run again from the same beginning, into
//! the fault, and once more without it. Afterwards the plan must be empty, SAP
//! must hold what the undisturbed run left there, secrets included, the state
//! must know exactly what is there, and a destroy must leave nothing.
//!
//! A representative part runs by default; `SAPCALM_CHAOS=full` runs everything,
//! and `SAPCALM_CHAOS=<text>` the cases whose description contains the text.

use std::collections::BTreeSet;
use std::time::Instant;

use sapcalm::emulator::{CLOUD_ALM_SUBDOMAIN, ORDERS_SUBDOMAIN};
use serde_json::{Value as Json, json};

use crate::support::core::state::State;
use crate::support::core::{Core, ImportBy, Outcome, Resource};
use crate::support::served::Served;
use crate::support::world::World;

/// Worlds that run side by side.
const WORKERS: usize = 3;
const MAIN: &str = "sapcalm_destination.cloud_alm";
const OTHER: &str = "sapcalm_destination.other";

// ------------------------------------------------------------ configuration

/// What is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Start,
    /// Other values of both destinations.
    Changed,
    /// Another name of a destination, which replaces the registration as well.
    Replaced,
    /// The same, created before it is destroyed.
    ReplacedCreateFirst,
    Nothing,
}

/// The configuration. Who is not patient gives up the registration soon.
fn resources(goal: Goal, patient: bool) -> Vec<Resource> {
    if goal == Goal::Nothing {
        return Vec::new();
    }
    let main = match goal {
        Goal::Changed => json!({ "check_token": true, "description": "changed" }),
        _ => json!({ "check_token": true }),
    };
    let replaced = matches!(goal, Goal::Replaced | Goal::ReplacedCreateFirst);
    let changed = goal == Goal::Changed;
    let version = if changed { 2 } else { 1 };
    let name = if replaced { "other-2" } else { "other-1" };
    let other = json!({
        "name": name,
        "authentication": "BasicAuthentication",
        "url": "https://backend.example.com",
        "user": "technical",
        "password_wo": format!("password-{version}"),
        "password_wo_version": version,
        "properties": if changed { json!({ "sap-client": "200" }) } else { json!({ "sap-client": "100", "sap-language": "en" }) },
        "secret_properties_wo": { "my.secret": format!("secret-{version}") },
        "secret_properties_wo_version": version,
        "labels": if changed { json!({ "team": ["a", "b"] }) } else { json!({ "team": ["a"] }) },
    });
    let timeouts = if patient {
        Json::Null
    } else {
        // A fresh destination makes the registration call patient.
        json!({ "create": "1500ms", "update": "1500ms" })
    };
    let registration = Resource::with("sapcalm_registration", "order_management", move |values| {
        json!({
            "destination_name": values.get(MAIN, "name"),
            "triggers": { "other": values.get(OTHER, "name") },
            "timeouts": timeouts,
        })
    })
    .depends_on(&[MAIN, OTHER]);
    let mut all = vec![
        Resource::new("sapcalm_destination", "cloud_alm", main),
        Resource::new("sapcalm_destination", "other", other),
        registration,
    ];
    if goal == Goal::ReplacedCreateFirst {
        all = all
            .into_iter()
            .map(Resource::create_before_destroy)
            .collect();
    }
    all
}

// -------------------------------------------------------------------- steps

/// Where a step begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    Empty,
    /// Everything is there and in the state.
    Applied,
    /// The same, and somebody has offboarded and edited by hand.
    Drifted,
    /// Everything is there, and the state is empty.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Apply,
    Refresh,
    Destroy,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    name: &'static str,
    begin: Begin,
    command: Command,
    goal: Goal,
    /// Whether objects may be deleted at SAP on the way.
    deletes: bool,
}

const STEPS: [Step; 7] = {
    const fn step(
        name: &'static str,
        begin: Begin,
        command: Command,
        goal: Goal,
        deletes: bool,
    ) -> Step {
        Step {
            name,
            begin,
            command,
            goal,
            deletes,
        }
    }
    [
        step("create", Begin::Empty, Command::Apply, Goal::Start, false),
        step(
            "update",
            Begin::Drifted,
            Command::Apply,
            Goal::Changed,
            false,
        ),
        step(
            "replace",
            Begin::Applied,
            Command::Apply,
            Goal::Replaced,
            true,
        ),
        step(
            "replace, create first",
            Begin::Applied,
            Command::Apply,
            Goal::ReplacedCreateFirst,
            true,
        ),
        step("import", Begin::Unknown, Command::Apply, Goal::Start, false),
        step(
            "refresh",
            Begin::Applied,
            Command::Refresh,
            Goal::Start,
            false,
        ),
        step(
            "destroy",
            Begin::Applied,
            Command::Destroy,
            Goal::Nothing,
            true,
        ),
    ]
};

// ------------------------------------------------------------------- faults

struct Fault {
    name: &'static str,
    action: Json,
    /// Struck by it once, a run succeeds all the same.
    absorbed: bool,
    /// Left out of the representative part.
    rare: bool,
}

fn faults() -> Vec<Fault> {
    let fault = |name, absorbed, rare, action| Fault {
        name,
        action,
        absorbed,
        rare,
    };
    let status = |status: u16| json!({ "status": status, "body": { "ErrorMessage": "a fault" } });
    let limited =
        |after: &str| json!({ "status": 429, "headers": { "retry-after": after }, "body": "slow" });
    let html = "<!DOCTYPE html><html><head><title>Log on</title></head><body></body></html>";
    vec![
        fault("reset before", true, false, json!({ "reset": "before" })),
        fault(
            "reset after commit",
            true,
            false,
            json!({ "reset": "after_commit" }),
        ),
        fault("429, now", true, true, limited("0")),
        fault("429, in 1 s", true, true, limited("1")),
        fault("500", true, false, status(500)),
        fault("502", true, true, status(502)),
        fault("503", true, true, status(503)),
        fault("504", true, true, status(504)),
        fault(
            "hang before",
            true,
            true,
            json!({ "reset": "before", "delay_ms": 20_000 }),
        ),
        fault(
            "hang after commit",
            true,
            false,
            json!({ "delay_ms": 20_000 }),
        ),
        fault("truncated", true, false, json!({ "truncate_bytes": 1 })),
        fault(
            "HTML with 200",
            false,
            false,
            json!({ "status": 200, "headers": { "content-type": "text/html" }, "body": html }),
        ),
        fault(
            "wrong content type",
            true,
            true,
            json!({ "headers": { "content-type": "text/plain" } }),
        ),
        fault(
            "router's 404",
            false,
            false,
            json!({ "status": 404, "headers": { "X-Cf-Routererror": "unknown_route" }, "body": "404 Not Found: Requested route does not exist." }),
        ),
        fault(
            "expired token",
            true,
            false,
            json!({ "status": 401, "headers": { "www-authenticate": "Bearer error=\"invalid_token\"" }, "body": { "error": "invalid_token" } }),
        ),
        fault(
            "revoked scope",
            false,
            false,
            json!({ "status": 403, "body": { "ErrorMessage": "insufficient scope" } }),
        ),
    ]
}

// -------------------------------------------------------------------- cases

/// One request of a step, as a fault finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    method: String,
    path: String,
    /// How many requests that look like it come before it.
    skip: usize,
}

/// The requests of an undisturbed run.
fn targets(journal: &[Json]) -> Vec<Target> {
    let requests: Vec<(String, String)> = journal
        .iter()
        .map(|entry| {
            let path = entry["path"].as_str().unwrap();
            let path = path.split('?').next().unwrap_or(path);
            (
                entry["method"].as_str().unwrap().to_owned(),
                path.to_owned(),
            )
        })
        .collect();
    let same = |of: &(String, String), among: &[(String, String)]| {
        among
            .iter()
            .filter(|(method, path)| *method == of.0 && path.starts_with(&of.1))
            .count()
    };
    let target = |(index, request): (usize, &(String, String))| Target {
        method: request.0.clone(),
        path: request.1.clone(),
        skip: same(request, &requests[..index]),
    };
    requests.iter().enumerate().map(target).collect()
}

impl Target {
    fn fault(&self, fault: &Fault, until_cleared: bool) -> Json {
        json!({
            "match": { "method": self.method, "path_prefix": self.path },
            "skip": self.skip,
            "times": if until_cleared { Json::Null } else { json!(1) },
            "do": fault.action,
        })
    }

    /// Whether it is in the representative part: the first of its kind, and
    /// every one that changes something.
    fn is_representative(&self) -> bool {
        let is_write = self.method != "GET" && !self.is_token();
        self.skip == 0 || is_write
    }

    fn is_token(&self) -> bool {
        self.path.ends_with("/oauth/token")
    }
}

// ------------------------------------------------------------------- worker

/// Where a step begins, what it asks for, and where it ends undisturbed.
struct Prepared {
    step: Step,
    sap: Json,
    state: State,
    targets: Vec<Target>,
    golden: Json,
}

/// A world with a provider in it.
struct Worker {
    world: World,
    core: Core,
    _provider: Served,
}

/// What a case came to.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent findings, each counted on its own"
)]
struct Verdict {
    absorbed: bool,
    struck: bool,
    complaints: Vec<String>,
    orphan: bool,
    duplicate: bool,
    lost: bool,
    not_converged: bool,
}

impl Worker {
    async fn start() -> Self {
        let provider = Served::start();
        let core = Core::connect(provider.socket()).await;
        Self {
            world: World::documented().await,
            core,
            _provider: provider,
        }
    }

    /// The provider block: impatient while there is a fault.
    fn configure(&mut self, patient: bool) {
        let mut block = self.world.provider();
        if !patient {
            block["request_timeout"] = json!("300ms");
            block["max_retries"] = json!(1);
        }
        self.core.configure(block);
    }

    async fn begin(&mut self, prepared: &Prepared) {
        self.world.clear_faults().await;
        self.world.restore(&prepared.sap).await;
        self.core.state = prepared.state.clone();
        self.world.forget_journal().await;
    }

    async fn run(&mut self, step: &Step, patient: bool) -> Outcome {
        self.configure(patient);
        let mut resources = resources(step.goal, patient);
        if step.begin == Begin::Unknown {
            resources = self.with_imports(resources);
        }
        match step.command {
            Command::Apply => self.core.apply(&resources).await,
            Command::Refresh => self.core.refresh().await,
            Command::Destroy => self.core.destroy().await,
        }
    }

    /// What is there and not in the state is imported.
    fn with_imports(&self, resources: Vec<Resource>) -> Vec<Resource> {
        let tenant = self.tenant();
        resources
            .into_iter()
            .map(|resource| {
                let id = match resource.address().as_str() {
                    MAIN => "subaccount/CloudALM".to_owned(),
                    OTHER => "subaccount/other-1".to_owned(),
                    _ => tenant.clone(),
                };
                resource.import(ImportBy::Id(id))
            })
            .collect()
    }

    /// The tenant of Order Management.
    fn tenant(&self) -> String {
        let key: Json = serde_json::from_str(&self.world.key("order-management")).unwrap();
        key["uaa"]["tenantid"].as_str().unwrap().to_owned()
    }

    /// Runs every step undisturbed.
    async fn prepare(&mut self) -> Vec<Prepared> {
        let empty = self.world.state().await;
        self.configure(true);
        self.core.apply(&resources(Goal::Start, true)).await.ok();
        self.core.refresh().await.ok();
        let sap = self.world.state().await;
        let state = self.core.state.clone();
        let mut all = Vec::new();
        for step in STEPS {
            let mut prepared = Prepared {
                step,
                sap: sap.clone(),
                state: state.clone(),
                targets: Vec::new(),
                golden: Json::Null,
            };
            match step.begin {
                Begin::Empty => {
                    prepared.sap = empty.clone();
                    prepared.state = State::default();
                }
                Begin::Unknown => prepared.state = State::default(),
                Begin::Drifted => {
                    self.begin(&prepared).await;
                    self.world.offboard().await;
                    prepared.sap = self.world.state().await;
                }
                Begin::Applied => {}
            }
            self.begin(&prepared).await;
            self.run(&step, true).await.ok();
            prepared.targets = targets(&self.world.journal().await);
            prepared.golden = objects(&self.world.state().await);
            self.core
                .plan(&resources(step.goal, true))
                .await
                .assert_empty();
            all.push(prepared);
        }
        all
    }

    /// Runs a step into a fault and then again without it.
    async fn case(&mut self, prepared: &Prepared, fault: Json) -> Verdict {
        let step = &prepared.step;
        let mut verdict = Verdict::default();
        self.begin(prepared).await;
        self.world.fault(fault).await;
        let first = self.run(step, false).await;
        self.world.clear_faults().await;
        verdict.struck = self.was_struck().await;
        verdict.absorbed = !first.diags.has_errors();
        verdict.object_to("the faulty run", &first);

        let second = self.run(step, true).await;
        if second.diags.has_errors() {
            verdict.not_converged = true;
            let complaint = format!("the run after the fault failed:\n{}", second.diags);
            verdict.complaints.push(complaint);
        }
        let deleted = self.deletions().await;
        if !step.deletes && !deleted.is_empty() {
            verdict.lost = true;
            let complaint = format!("a good object was deleted on the way: {deleted:?}");
            verdict.complaints.push(complaint);
        }
        let plan = self.core.plan(&resources(step.goal, true)).await;
        verdict.object_to("the last plan", &plan);
        if plan.diags.has_errors() || !plan.is_empty() {
            verdict.not_converged = true;
            let complaint = format!("the plan is not empty: {:?}\n{plan}", plan.differences());
            verdict.complaints.push(complaint);
        }
        self.compare(prepared, &mut verdict).await;
        self.destroy(&mut verdict).await;
        verdict
    }

    async fn was_struck(&self) -> bool {
        let journal = self.world.journal().await;
        journal.iter().any(|entry| entry["fault"] == true)
    }

    /// Every deletion of a destination so far.
    async fn deletions(&self) -> Vec<String> {
        let writes = self.world.writes().await;
        let deletions = writes.into_iter().filter(|line| line.starts_with("DELETE"));
        deletions.collect()
    }

    /// SAP as the undisturbed run left it, and the state as SAP.
    async fn compare(&self, prepared: &Prepared, verdict: &mut Verdict) {
        let now = objects(&self.world.state().await);
        if now != prepared.golden {
            verdict.not_converged = true;
            let complaint = format!("SAP holds\n{now}\nand should hold\n{}", prepared.golden);
            verdict.complaints.push(complaint);
        }
        let (at_sap, wanted) = (names(&now), names(&prepared.golden));
        verdict.duplicate |= at_sap.len() > wanted.len();
        let known: BTreeSet<String> = self
            .core
            .state
            .current
            .values()
            .chain(self.core.state.deposed.iter().map(|(_, instance)| instance))
            .map(|instance| instance.json()["id"].as_str().unwrap().to_owned())
            .collect();
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
        if self.core.state.current.values().any(|one| one.tainted) {
            verdict.not_converged = true;
            let complaint = "an object is still tainted".to_owned();
            verdict.complaints.push(complaint);
        }
    }

    async fn destroy(&mut self, verdict: &mut Verdict) {
        let outcome = self.core.destroy().await;
        verdict.object_to("the destroy", &outcome);
        let left = names(&objects(&self.world.state().await));
        if outcome.diags.has_errors() || !left.is_empty() || !self.core.state.is_empty() {
            verdict.orphan = true;
            let complaint = format!("the destroy left {left:?}\n{}", outcome.diags);
            verdict.complaints.push(complaint);
        }
    }
}

impl Verdict {
    /// Core must have nothing to object to.
    fn object_to(&mut self, what: &str, outcome: &Outcome) {
        let objections: Vec<_> = outcome.diags.objections().collect();
        if !objections.is_empty() {
            let complaint = format!("core objects to {what}: {objections:?}");
            self.complaints.push(complaint);
        }
    }
}

/// What SAP holds, without etags and times.
fn objects(state: &Json) -> Json {
    let orders = &state["subaccounts"][ORDERS_SUBDOMAIN];
    let destinations: Vec<Json> = orders["destinations"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| json!({ "properties": one["properties"], "labels": one["labels"] }))
        .collect();
    json!({
        "destinations": destinations,
        "registration": orders["registration"],
        "landscape": state["subaccounts"][CLOUD_ALM_SUBDOMAIN]["landscape"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|object| object["lmsId"].clone())
            .collect::<Vec<_>>(),
    })
}

/// The objects as their resources' ids: `subaccount/<name>`, and the tenant of
/// every object in the landscape.
fn names(objects: &Json) -> BTreeSet<String> {
    let list = |name: &str| objects[name].as_array().cloned().unwrap_or_default();
    let destinations = list("destinations")
        .into_iter()
        .map(|one| format!("subaccount/{}", one["properties"]["Name"].as_str().unwrap()));
    let registered = list("landscape").into_iter().map(|id| {
        let id = id.as_str().unwrap().to_owned();
        id.rsplit('_').next().unwrap_or_default().to_owned()
    });
    destinations.chain(registered).collect()
}

// --------------------------------------------------------------------- test

/// What all cases came to.
#[derive(Default)]
struct Total {
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
    fn add(&mut self, case: &Case, mut verdict: Verdict) {
        if !verdict.struck {
            let complaint = "the fault never struck".to_owned();
            verdict.complaints.push(complaint);
        } else if case.must_be_absorbed() && !verdict.absorbed {
            let complaint = "the fault was not absorbed".to_owned();
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

    fn merge(&mut self, other: Self) {
        self.cases += other.cases;
        self.struck += other.struck;
        self.absorbed += other.absorbed;
        self.converged += other.converged;
        self.orphans += other.orphans;
        self.duplicates += other.duplicates;
        self.lost += other.lost;
        self.failures.extend(other.failures);
    }
}

/// Which cases run.
enum Part {
    Representative,
    Full,
    Containing(String),
}

impl Part {
    fn chosen() -> Self {
        match std::env::var("SAPCALM_CHAOS").as_deref() {
            Err(_) | Ok("") => Self::Representative,
            Ok("full") => Self::Full,
            Ok(text) => Self::Containing(text.to_owned()),
        }
    }

    fn has(&self, case: &Case) -> bool {
        match self {
            Self::Representative => {
                !case.fault.rare && case.target.is_representative() && case.is_alternate
            }
            Self::Full => true,
            Self::Containing(text) => case.to_string().contains(text.as_str()),
        }
    }
}

/// One request of one step, and one fault.
struct Case<'a> {
    step: &'a Step,
    target: &'a Target,
    fault: &'a Fault,
    until_cleared: bool,
    /// True for one of the two lengths of a fault, in turn.
    is_alternate: bool,
}

impl Case<'_> {
    /// Whether the run into the fault must succeed: it strikes once, and is of
    /// the kind that a repetition gets over. A token service's 401 is a word
    /// about the credentials.
    fn must_be_absorbed(&self) -> bool {
        let is_refusal = self.fault.name == "expired token" && self.target.is_token();
        self.fault.absorbed && !self.until_cleared && !is_refusal
    }
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Target { method, path, skip } = self.target;
        let length = if self.until_cleared {
            " until cleared"
        } else {
            ""
        };
        let (step, fault, number) = (self.step.name, self.fault.name, skip + 1);
        write!(f, "{step}: {method} {path} #{number}: {fault}{length}")
    }
}

/// Every case there is, in a fixed order.
fn cases<'a>(prepared: &'a [Prepared], faults: &'a [Fault]) -> Vec<(&'a Prepared, Case<'a>)> {
    let mut all = Vec::new();
    for prepared in prepared {
        for (at, target) in prepared.targets.iter().enumerate() {
            for (number, fault) in faults.iter().enumerate() {
                for until_cleared in [false, true] {
                    let case = Case {
                        step: &prepared.step,
                        target,
                        fault,
                        until_cleared,
                        is_alternate: (at + number) % 2 == usize::from(until_cleared),
                    };
                    all.push((prepared, case));
                }
            }
        }
    }
    all
}

/// One worker's share of the matrix.
async fn share(number: usize) -> Total {
    let mut worker = Worker::start().await;
    let prepared = worker.prepare().await;
    let (faults, part) = (faults(), Part::chosen());
    let chosen = cases(&prepared, &faults)
        .into_iter()
        .filter(|(_, case)| part.has(case));
    let mut total = Total::default();
    for (prepared, case) in chosen.skip(number).step_by(WORKERS) {
        let fault = case.target.fault(case.fault, case.until_cleared);
        let verdict = worker.case(prepared, fault).await;
        total.add(&case, verdict);
    }
    worker.world.stop().await;
    total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn every_request_survives_every_fault() {
    let began = Instant::now();
    let mut total = Total::default();
    let workers: Vec<_> = (0..WORKERS)
        .map(|number| tokio::spawn(share(number)))
        .collect();
    for worker in workers {
        total.merge(worker.await.unwrap());
    }
    println!(
        "fault matrix: {} cases in {:.0?}: {} struck, {} absorbed, {} converged, {} orphans, {} duplicates, {} lost objects",
        total.cases,
        began.elapsed(),
        total.struck,
        total.absorbed,
        total.converged,
        total.orphans,
        total.duplicates,
        total.lost,
    );
    assert!(
        total.failures.is_empty(),
        "{} cases failed:\n\n{}",
        total.failures.len(),
        total.failures.join("\n\n")
    );
    assert!(total.cases > 0);
}

/// The matrix would see it if something went wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orphan_a_duplicate_a_loss_and_a_changed_secret_are_noticed() {
    let mut worker = Worker::start().await;
    let prepared = worker.prepare().await;
    let refresh = prepared
        .iter()
        .find(|one| one.step.command == Command::Refresh)
        .unwrap();
    let spoilt = async |worker: &mut Worker, change: fn(&mut Vec<Json>)| {
        worker.begin(refresh).await;
        let mut destinations = worker.world.destinations().await;
        change(&mut destinations);
        worker.world.set_destinations(&destinations).await;
        let mut verdict = Verdict::default();
        worker.compare(refresh, &mut verdict).await;
        verdict
    };
    let same = spoilt(&mut worker, |_| {}).await;
    // Labels are not part of what was set.
    assert!(!same.orphan && !same.duplicate && !same.lost);

    let more = spoilt(&mut worker, |all| {
        let mut copy = all[0].clone();
        copy["Name"] = json!("copy");
        all.push(copy);
    });
    let more = more.await;
    assert!(more.orphan && more.duplicate && more.not_converged && !more.lost);

    let less = spoilt(&mut worker, |all| drop(all.pop())).await;
    assert!(less.lost && less.not_converged && !less.orphan);

    worker.begin(refresh).await;
    let mut untouched = Verdict::default();
    worker.compare(refresh, &mut untouched).await;
    assert!(
        untouched.complaints.is_empty(),
        "{:?}",
        untouched.complaints
    );
    let changed = spoilt(&mut worker, |all| all[0]["clientSecret"] = json!("other"));
    let changed = changed.await;
    assert!(changed.not_converged && changed.complaints[0].contains("other"));
    worker.world.stop().await;
}
