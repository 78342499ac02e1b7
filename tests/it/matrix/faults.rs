//! Nothing is lost: every request of a whole life runs into every fault.
//!
//! Each step of the life is first run undisturbed; the emulator's journal then
//! names its requests. A case runs a step from the same beginning into one fault
//! or two of them, and then once more without, or straight into a destroy.
//! [`Trial`] says what must be true afterwards.
//!
//! By default every kind of request meets every fault once in the stand-in for
//! Terraform core, and some pairs of faults and some cases under the real CLI are
//! drawn. The seed is printed, and `SAPCALM_SEED` repeats it.
//! `SAPCALM_CHAOS=full` runs every request into every fault, both once and until
//! it is cleared, and hundreds of pairs, and under the real CLI one case of each
//! kind; `SAPCALM_CHAOS=<text>` the cases whose description contains the text.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value as Json, json};

use crate::support::feature::Feature;
use crate::support::life::{Begin, Command, Patience, Target};
use crate::support::trial::{Part, Prepared, Total, Trial, Verdict, seed};
use crate::support::workspace::Workspace;

/// Tests that share the cases, each with a world of its own: much of the time of a
/// case is waiting.
const SHARES: usize = 4;
/// Pairs of faults by default, and of the whole.
const PAIRS: [usize; 2] = [24, 600];
/// Cases under the real CLI by default.
const CLI_CASES: usize = 5;
/// One of so many single faults ends with a destroy. The others end in the same
/// place.
const DESTROYS: usize = 8;
/// Kinds of requests that the life has at least.
const KINDS: usize = 11;

// ------------------------------------------------------------------- faults

struct Fault {
    name: &'static str,
    action: Json,
    /// What a token service does instead, where it differs.
    at_token_service: Option<Json>,
    /// Struck by it once, a run succeeds all the same.
    absorbed: bool,
    /// Somebody is silent until the request times out.
    silence: bool,
    tls: bool,
}

impl Fault {
    fn new(name: &'static str, absorbed: bool, action: Json) -> Self {
        Self {
            name,
            action,
            at_token_service: None,
            absorbed,
            silence: false,
            tls: false,
        }
    }

    fn silent(mut self) -> Self {
        self.silence = true;
        self
    }

    fn of_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    fn at_token_service(mut self, action: Json) -> Self {
        self.at_token_service = Some(action);
        self
    }

    fn action(&self, target: &Target) -> &Json {
        match &self.at_token_service {
            Some(action) if target.is_token() => action,
            _ => &self.action,
        }
    }
}

fn faults() -> Vec<Fault> {
    let status = |status: u16| json!({ "status": status, "body": { "ErrorMessage": "a fault" } });
    let limited =
        |after: &str| json!({ "status": 429, "headers": { "retry-after": after }, "body": "slow" });
    let html = "<!DOCTYPE html><html><head><title>Log on</title></head><body></body></html>";
    let refused =
        |status: u16, error: &str| json!({ "status": status, "body": { "error": error } });
    let silence = 20_000;
    vec![
        Fault::new("reset before", true, json!({ "reset": "before" })),
        Fault::new(
            "reset after commit",
            true,
            json!({ "reset": "after_commit" }),
        ),
        Fault::new("429, now", true, limited("0")),
        Fault::new("429, in 1 s", true, limited("1")),
        Fault::new("500", true, status(500)),
        Fault::new("502", true, status(502)),
        Fault::new("503", true, status(503)),
        Fault::new("504", true, status(504)),
        Fault::new(
            "hang before",
            true,
            json!({ "reset": "before", "delay_ms": silence }),
        )
        .silent(),
        Fault::new("hang after commit", true, json!({ "delay_ms": silence })).silent(),
        Fault::new("slow drip", true, json!({ "drip_ms": 250 })).silent(),
        Fault::new("truncated", true, json!({ "truncate_bytes": 1 })),
        Fault::new(
            "HTML with 200",
            false,
            json!({ "status": 200, "headers": { "content-type": "text/html" }, "body": html }),
        ),
        Fault::new(
            "HTML after commit",
            false,
            json!({ "headers": { "content-type": "text/html" } }),
        ),
        Fault::new(
            "wrong content type",
            true,
            json!({ "headers": { "content-type": "text/plain" } }),
        ),
        Fault::new(
            "router's 404",
            false,
            json!({ "status": 404, "headers": { "X-Cf-Routererror": "unknown_route" }, "body": "404 Not Found: Requested route does not exist." }),
        ),
        Fault::new("expired token", true, json!({ "expire_tokens": true }))
            .at_token_service(refused(401, "unauthorized")),
        Fault::new(
            "revoked scope",
            false,
            json!({ "status": 403, "body": { "ErrorMessage": "insufficient scope" } }),
        )
        .at_token_service(refused(400, "invalid_scope")),
        Fault::new("TLS broken before", false, json!({ "break_tls": "before" })).of_tls(),
        Fault::new(
            "TLS broken after commit",
            false,
            json!({ "break_tls": "after_commit" }),
        )
        .of_tls(),
    ]
}

// -------------------------------------------------------------------- cases

/// A fault at a request.
#[derive(Clone, Copy)]
struct Hit<'a> {
    target: &'a Target,
    fault: &'a Fault,
    until_cleared: bool,
}

/// A step of the life, and the faults that it runs into.
struct Case<'a> {
    prepared: &'a Prepared,
    hits: Vec<Hit<'a>>,
    /// Nobody runs it again: everything is destroyed right after it.
    gives_up: bool,
}

impl<'a> Hit<'a> {
    /// Whether the run into the fault must succeed: it strikes once, and is of
    /// the kind that a repetition gets over. A token service's 401 is a word
    /// about the credentials.
    fn must_be_absorbed(&self) -> bool {
        let is_refusal = self.fault.at_token_service.is_some() && self.target.is_token();
        self.fault.absorbed && !self.until_cleared && !is_refusal
    }

    fn json(&self) -> Json {
        let action = self.fault.action(self.target);
        self.target.fault(action, self.until_cleared)
    }

    fn alone(self, prepared: &'a Prepared) -> Case<'a> {
        Case {
            prepared,
            hits: vec![self],
            gives_up: false,
        }
    }
}

impl Case<'_> {
    async fn run(&self, trial: &mut Trial, destroy: bool) -> Verdict {
        let patience = Patience::Short {
            silence: self.hits.iter().any(|hit| hit.fault.silence),
            lasting: self.hits.iter().any(|hit| hit.until_cleared),
        };
        let faults = self.hits.iter().map(Hit::json).collect();
        let mut verdict = trial.strike(self.prepared, faults, patience).await;
        let [hit] = &self.hits[..] else {
            if self.gives_up {
                trial.destroy(&mut verdict).await;
            } else {
                trial.converge(self.prepared, &mut verdict).await;
            }
            return verdict;
        };
        if verdict.struck && hit.must_be_absorbed() && !verdict.absorbed {
            let complaint = "the fault was not absorbed".to_owned();
            verdict.complaints.push(complaint);
        }
        trial.converge(self.prepared, &mut verdict).await;
        if destroy {
            trial.destroy(&mut verdict).await;
        }
        verdict
    }
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.prepared.step.name)?;
        for hit in &self.hits {
            let length = if hit.until_cleared {
                " until cleared"
            } else {
                ""
            };
            write!(f, ": {}: {}{length}", hit.target, hit.fault.name)?;
        }
        let end = if self.gives_up { ", then destroy" } else { "" };
        f.write_str(end)
    }
}

/// Every single fault at every request, in a fixed order.
fn singles<'a>(prepared: &'a [Prepared], faults: &'a [Fault]) -> Vec<(Hit<'a>, &'a Prepared)> {
    let mut all = Vec::new();
    for prepared in prepared {
        for target in &prepared.targets {
            for fault in faults {
                for until_cleared in [false, true] {
                    let hit = Hit {
                        target,
                        fault,
                        until_cleared,
                    };
                    all.push((hit, prepared));
                }
            }
        }
    }
    all
}

/// Every kind of request with every fault once: in which step and how long is
/// drawn.
fn one_of_each<'a>(all: Vec<(Hit<'a>, &'a Prepared)>, draw: &mut fastrand::Rng) -> Vec<Case<'a>> {
    let mut by_kind: BTreeMap<(String, &str), Vec<(Hit, &Prepared)>> = BTreeMap::new();
    for (hit, prepared) in all {
        let kind = (hit.target.kind(), hit.fault.name);
        by_kind.entry(kind).or_default().push((hit, prepared));
    }
    let drawn = by_kind.into_values().map(|mut same| {
        let (hit, prepared) = same.swap_remove(draw.usize(..same.len()));
        hit.alone(prepared)
    });
    drawn.collect()
}

/// Two different faults at one request and its repetition, or faults at two
/// requests of one run.
fn pair<'a>(prepared: &'a [Prepared], faults: &'a [Fault], draw: &mut fastrand::Rng) -> Case<'a> {
    let prepared = &prepared[draw.usize(..prepared.len())];
    let targets = &prepared.targets;
    let [mut first, mut second] = [(); 2].map(|()| Hit {
        target: &targets[draw.usize(..targets.len())],
        fault: &faults[draw.usize(..faults.len())],
        until_cleared: draw.bool(),
    });
    if draw.bool() {
        // The second one strikes the repetition.
        second.target = first.target;
        first.until_cleared = false;
    }
    Case {
        prepared,
        hits: vec![first, second],
        // What is there and not in the state yet is nobody's to destroy.
        gives_up: prepared.step.begin != Begin::Unknown && draw.bool(),
    }
}

/// The cases of one kind of world: all of them, or one of each kind and some
/// pairs.
fn cases<'a>(
    prepared: &'a [Prepared],
    faults: &'a [Fault],
    tls: bool,
    seed: u64,
    whole: bool,
) -> Vec<Case<'a>> {
    let mut draw = fastrand::Rng::with_seed(seed);
    let mut all = singles(prepared, faults);
    all.retain(|(hit, _)| hit.fault.tls == tls);
    let mut chosen: Vec<Case> = if whole {
        all.into_iter().map(|(hit, step)| hit.alone(step)).collect()
    } else {
        one_of_each(all, &mut draw)
    };
    if !tls {
        let plain = faults.iter().position(|fault| fault.tls);
        let plain = &faults[..plain.unwrap_or(faults.len())];
        let count = PAIRS[usize::from(whole)];
        chosen.extend((0..count).map(|_| pair(prepared, plain, &mut draw)));
    }
    let part = Part::chosen();
    chosen.retain(|case| part.has(case, true));
    chosen
}

/// One share of the matrix in the stand-in; the faults of TLS are one of their own.
async fn share(number: usize, tls: bool) {
    let (began, seed) = (Instant::now(), seed());
    let mut trial = Trial::start(tls).await;
    let prepared = trial.prepare().await;
    let faults = faults();
    let kinds = prepared.iter().flat_map(|one| &one.targets);
    let kinds: std::collections::BTreeSet<String> = kinds.map(Target::kind).collect();
    assert!(kinds.len() >= KINDS, "{kinds:?}");
    let whole = !matches!(Part::chosen(), Part::Representative);
    let chosen = cases(&prepared, &faults, tls, seed, whole);
    if !whole {
        let of_kind = faults.iter().filter(|fault| fault.tls == tls).count();
        let pairs = if tls { 0 } else { PAIRS[0] };
        assert_eq!(chosen.len(), kinds.len() * of_kind + pairs);
    }
    let shares = if tls { 1 } else { SHARES };
    let mut total = Total::default();
    let mine = chosen.into_iter().skip(number).step_by(shares);
    let expected = mine.len();
    for (at, case) in mine.enumerate() {
        let verdict = case.run(&mut trial, at % DESTROYS == 0).await;
        total.add(&case, verdict);
    }
    trial.world.stop().await;
    total.conclude("faults, stand-in", began.elapsed(), expected);
}

/// A few cases under the real CLI, or one of each kind and some pairs.
async fn in_cli(workspace: Workspace, seed: u64) -> Total {
    let mut trial = Trial::start(false).await;
    let mut prepared = trial.prepare().await;
    trial.change_to(workspace, &mut prepared).await;
    let faults = faults();
    let mut chosen = cases(&prepared, &faults, false, seed, false);
    if matches!(Part::chosen(), Part::Representative) {
        fastrand::Rng::with_seed(seed).shuffle(&mut chosen);
        chosen.truncate(CLI_CASES);
    }
    let mut total = Total::default();
    for (at, case) in chosen.into_iter().enumerate() {
        let verdict = case.run(&mut trial, at % DESTROYS == 0).await;
        total.add(&case, verdict);
    }
    trial.world.stop().await;
    total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_survives_every_fault_one_quarter() {
    share(0, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_survives_every_fault_another_quarter() {
    share(1, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_survives_every_fault_a_third_quarter() {
    share(2, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_survives_every_fault_the_last_quarter() {
    share(3, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_survives_every_fault_of_tls() {
    share(0, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_requests_of_every_step_survive_every_fault() {
    let Some(workspace) = Workspace::with(&[Feature::WriteOnly]) else {
        return;
    };
    let (began, seed) = (Instant::now(), seed());
    let total = in_cli(workspace, seed).await;
    let expected = total.cases();
    total.conclude("faults, real CLI", began.elapsed(), expected);
}

/// The matrix would see it if something went wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orphan_a_duplicate_a_loss_and_a_changed_secret_are_noticed() {
    let mut trial = Trial::start(false).await;
    let prepared = trial.prepare().await;
    let refresh = prepared
        .iter()
        .find(|one| one.step.command == Command::Refresh)
        .unwrap();
    let spoilt = async |trial: &mut Trial, change: fn(&mut Vec<Json>)| {
        trial.begin(refresh).await;
        let mut destinations = trial.world.destinations().await;
        change(&mut destinations);
        trial.world.set_destinations(&destinations).await;
        let mut verdict = Verdict::default();
        trial.compare(refresh, &mut verdict).await;
        verdict
    };
    let same = spoilt(&mut trial, |_| {}).await;
    // Labels are not part of what was set.
    assert!(!same.orphan && !same.duplicate && !same.lost);

    let more = spoilt(&mut trial, |all| {
        let mut copy = all[0].clone();
        copy["Name"] = json!("copy");
        all.push(copy);
    });
    let more = more.await;
    assert!(more.orphan && more.duplicate && more.not_converged && !more.lost);

    let less = spoilt(&mut trial, |all| drop(all.pop())).await;
    assert!(less.lost && less.not_converged && !less.orphan);

    trial.begin(refresh).await;
    let mut untouched = Verdict::default();
    trial.compare(refresh, &mut untouched).await;
    assert!(
        untouched.complaints.is_empty(),
        "{:?}",
        untouched.complaints
    );
    let changed = spoilt(&mut trial, |all| all[0]["clientSecret"] = json!("other"));
    let changed = changed.await;
    assert!(changed.not_converged && changed.complaints[0].contains("other"));
    trial.world.stop().await;
}
