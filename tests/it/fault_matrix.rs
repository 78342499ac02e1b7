//! Nothing is lost: every request of a whole life runs into every fault.
//!
//! Each step of the life is first run undisturbed; the emulator's journal then
//! names its requests. For every request and every fault the step is run again
//! from the same beginning, into the fault, and once more without it.
//! [`Trial`] says what must be true afterwards.
//!
//! By default every request meets every fault in the stand-in for Terraform
//! core, in turn once and until it is cleared, and some thirty pairs meet under
//! the real CLI. `SAPCALM_CHAOS=full` runs both lengths of everything, and
//! every request and every fault under the real CLI, too; `SAPCALM_CHAOS=<text>` the cases whose
//! description contains the text.

use std::time::Instant;

use serde_json::{Value as Json, json};

use crate::support::life::{Command, Patience, Step, Target};
use crate::support::trial::{Part, Prepared, Total, Trial, Verdict};
use crate::support::workspace::Workspace;

/// Worlds that run side by side: most of the time of a case is waiting.
const WORKERS: usize = 7;
/// Worlds with TLS, for the faults of TLS.
const TLS_WORKERS: usize = 1;
/// Workspaces of the real CLI, which keeps a processor busy.
const CLI_WORKERS: usize = 2;
/// How many pairs of each fault run under the real CLI by default.
const CLI_PAIRS: usize = 2;
/// One of so many cases ends with a destroy. The others end in the same place.
const DESTROYS: usize = 8;

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

/// One request of one step, and one fault.
struct Case<'a> {
    prepared: &'a Prepared,
    target: &'a Target,
    fault: &'a Fault,
    until_cleared: bool,
    /// True for one of the two lengths of a fault, in turn.
    is_alternate: bool,
}

impl Case<'_> {
    fn step(&self) -> &Step {
        &self.prepared.step
    }

    /// Whether the run into the fault must succeed: it strikes once, and is of
    /// the kind that a repetition gets over. A token service's 401 is a word
    /// about the credentials.
    fn must_be_absorbed(&self) -> bool {
        let is_refusal = self.fault.at_token_service.is_some() && self.target.is_token();
        self.fault.absorbed && !self.until_cleared && !is_refusal
    }

    async fn run(&self, trial: &mut Trial, destroy: bool) -> Verdict {
        let action = self.fault.action(self.target);
        let fault = self.target.fault(action, self.until_cleared);
        let patience = Patience::Short {
            silence: self.fault.silence,
            lasting: self.until_cleared,
        };
        let mut verdict = trial.case(self.prepared, fault, patience).await;
        if verdict.struck && self.must_be_absorbed() && !verdict.absorbed {
            let complaint = "the fault was not absorbed".to_owned();
            verdict.complaints.push(complaint);
        }
        if destroy {
            trial.destroy(&mut verdict).await;
        }
        verdict
    }
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let length = if self.until_cleared {
            " until cleared"
        } else {
            ""
        };
        let (step, target, fault) = (self.step().name, self.target, self.fault.name);
        write!(f, "{step}: {target}: {fault}{length}")
    }
}

/// Every case there is, in a fixed order.
fn cases<'a>(prepared: &'a [Prepared], faults: &'a [Fault]) -> Vec<Case<'a>> {
    let mut all = Vec::new();
    for prepared in prepared {
        for (at, target) in prepared.targets.iter().enumerate() {
            for (number, fault) in faults.iter().enumerate() {
                for until_cleared in [false, true] {
                    all.push(Case {
                        prepared,
                        target,
                        fault,
                        until_cleared,
                        is_alternate: (at + number) % 2 == usize::from(until_cleared),
                    });
                }
            }
        }
    }
    all
}

/// One worker's share of the matrix in the stand-in.
async fn share(number: usize, tls: bool) -> Total {
    let mut trial = Trial::start(tls).await;
    let prepared = trial.prepare().await;
    let (faults, part) = (faults(), Part::chosen());
    let chosen = cases(&prepared, &faults)
        .into_iter()
        .filter(|case| case.fault.tls == tls && part.has(case, case.is_alternate));
    let workers = if tls { TLS_WORKERS } else { WORKERS };
    let mut total = Total::default();
    for (at, case) in chosen.skip(number).step_by(workers).enumerate() {
        let verdict = case.run(&mut trial, at % DESTROYS == 0).await;
        total.add(&case, verdict);
    }
    trial.world.stop().await;
    total
}

/// One worker's share under the real CLI.
async fn cli_share(number: usize, workspace: Workspace) -> Total {
    let mut trial = Trial::start(false).await;
    let mut prepared = trial.prepare().await;
    trial.change_to(workspace, &mut prepared).await;
    let (faults, part) = (faults(), Part::chosen());
    let all = cases(&prepared, &faults);
    let all: Vec<Case> = all.into_iter().filter(|case| !case.fault.tls).collect();
    let chosen: Vec<Case> = match part {
        Part::Representative => pairs(all, &faults),
        Part::Full => all.into_iter().filter(|case| case.is_alternate).collect(),
        Part::Containing(_) => all
            .into_iter()
            .filter(|case| part.has(case, true))
            .collect(),
    };
    let mut total = Total::default();
    for (at, case) in chosen
        .into_iter()
        .skip(number)
        .step_by(CLI_WORKERS)
        .enumerate()
    {
        let verdict = case.run(&mut trial, at % DESTROYS == 0).await;
        total.add(&case, verdict);
    }
    trial.world.stop().await;
    total
}

/// The same number of cases of every fault, spread over the requests.
fn pairs<'a>(all: Vec<Case<'a>>, faults: &[Fault]) -> Vec<Case<'a>> {
    let mut chosen = Vec::new();
    for (number, fault) in faults.iter().enumerate() {
        let mut of_fault: Vec<usize> = (0..all.len())
            .filter(|at| all[*at].fault.name == fault.name)
            .collect();
        for pair in 0..CLI_PAIRS.min(of_fault.len()) {
            // Two primes that share nothing with the number of steps.
            let at = (number * 17 + pair * 53) % of_fault.len();
            chosen.push(of_fault.remove(at));
        }
    }
    let all = all.into_iter().enumerate();
    all.filter(|(at, _)| chosen.contains(at))
        .map(|(_, case)| case)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_request_survives_every_fault() {
    let began = Instant::now();
    let plain = (0..WORKERS).map(|number| (number, false));
    let tls = (0..TLS_WORKERS).map(|number| (number, true));
    let workers: Vec<_> = plain
        .chain(tls)
        .map(|(number, tls)| tokio::spawn(share(number, tls)))
        .collect();
    let mut total = Total::default();
    for worker in workers {
        total.merge(worker.await.unwrap());
    }
    total.conclude("faults, stand-in", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cli_requests_of_every_step_survive_every_fault() {
    let began = Instant::now();
    let mut workers = Vec::new();
    for number in 0..CLI_WORKERS {
        let Some(workspace) = Workspace::new_or_skip() else {
            return;
        };
        workers.push(tokio::spawn(cli_share(number, workspace)));
    }
    let mut total = Total::default();
    for worker in workers {
        total.merge(worker.await.unwrap());
    }
    total.conclude("faults, real CLI", began.elapsed());
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
