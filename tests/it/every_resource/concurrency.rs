//! Many at once, and time: hundreds of destinations under `-parallelism=50`,
//! rate limits, tokens that end in the middle, and two applies of the same
//! destination.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use framework::resource::Context;
use framework::value::Value;
use futures_util::{StreamExt as _, stream};
use sapcalm::provider::RESOURCES;
use sapcalm::provider::config;
use sapcalm::provider::configured::Configured;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::support::core::{Core, Resource};
use crate::support::direct::{Direct, Instance, text};
use crate::support::served::Served;
use crate::support::workspace::Workspace;
use crate::support::world::{HOUR, Variant, World};

const COLLECTION: &str = "/destination-configuration/v1/subaccountDestinations";
const DESTINATION: &str = "sapcalm_destination";
/// What Terraform does at once.
const PARALLELISM: usize = 50;
const MANY: usize = 100;
/// The default of `max_concurrent_requests`.
const BOUND: u64 = 10;

/// Plays Terraform.
static TF: Direct = Direct {
    resource: RESOURCES[0],
};

fn configured(world: &World) -> Configured {
    let environment = |name: &str| {
        let file = match name {
            "SAPCALM_DESTINATION_SERVICE_KEY" => "destination",
            "SAPCALM_CLOUD_ALM_SERVICE_KEY" => "cloud-alm",
            "SAPCALM_RETRY_BASE_DELAY" => return Some(Ok("10ms".to_owned())),
            _ => return None,
        };
        Some(Ok(world.key(file)))
    };
    let given = Value::Map(BTreeMap::new());
    let (configured, diagnostics) = config::read(&given, &environment, "1.11.4").unwrap();
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    configured
}

/// Creates destinations of these numbers, fifty at a time.
async fn create_many(provider: &Configured, numbers: Range<usize>) -> Vec<Instance> {
    stream::iter(numbers)
        .map(|number| async move {
            let name = text(&format!("d-{number:03}"));
            let context = Context {
                deadline: Instant::now() + Duration::from_mins(5),
                cancel: CancellationToken::new(),
            };
            let config = TF.configuration([("name", name)]);
            TF.create_within(provider, &config, &context)
                .await
                .quietly()
        })
        .buffer_unordered(PARALLELISM)
        .collect()
        .await
}

// ------------------------------------------------------------------ journal

fn is_token(entry: &Json) -> bool {
    entry["path"].as_str().unwrap().ends_with("/oauth/token")
}

/// Tokens of the Destination key. That of the Cloud ALM key is tried once, and
/// none of its tokens is used here.
fn tokens(journal: &[Json]) -> usize {
    let zone = format!("/zones/{}/", emulator::ORDERS_SUBDOMAIN);
    let of_zone = |entry: &&Json| entry["path"].as_str().unwrap().starts_with(&zone);
    let journal = journal.iter().filter(|entry| is_token(entry));
    journal.filter(of_zone).count()
}

/// Never more at once than allowed, and as many as that when there was work.
fn assert_bounded(journal: &[Json]) {
    let in_flight = journal.iter().map(|entry| entry["in_flight"].as_u64());
    assert_eq!(in_flight.max().unwrap(), Some(BOUND));
}

/// Every request that was told to wait a second came again, and not sooner.
fn assert_rate_limit_honoured(journal: &[Json], limited: usize) {
    let time =
        |entry: &Json| -> jiff::Timestamp { entry["time"].as_str().unwrap().parse().unwrap() };
    let mut found = 0;
    for (at, entry) in journal.iter().enumerate() {
        if entry["status"] != 429 {
            continue;
        }
        found += 1;
        let again = journal[at + 1..]
            .iter()
            .find(|later| later["correlation_id"] == entry["correlation_id"])
            .unwrap_or_else(|| panic!("not sent again: {entry}"));
        let waited = Duration::try_from(time(again).duration_since(time(entry))).unwrap();
        // The journal's times are cut to milliseconds.
        assert!(waited >= Duration::from_millis(998), "{waited:?}: {entry}");
    }
    assert_eq!(found, limited);
}

/// Twenty-five create calls, spread over the apply, are told to wait a second.
async fn limit_some(world: &World) -> usize {
    let limited = json!({ "status": 429, "headers": { "Retry-After": "1" }, "body": "slow down" });
    let fault = |skip: usize| json!({ "match": { "method": "POST", "path_prefix": COLLECTION }, "skip": skip, "times": 5, "do": limited });
    let faults: Vec<Json> = [0, 10, 20, 40, 70].map(fault).into();
    world.fault(json!(faults)).await;
    25
}

/// Some create calls wait for each other: as many as may be on their way at
/// once. However slow the machine is, it comes to that.
async fn hold_some(world: &World) {
    let fault = json!({ "match": { "method": "POST", "path_prefix": COLLECTION }, "skip": 50, "times": BOUND, "do": { "delay_ms": HOUR } });
    world.fault(fault).await;
}

/// Lets them go on when all of them are there.
async fn release(world: &World) {
    let all_held = async {
        let is_held = |entry: &&Json| entry["held"] == true;
        while (world.journal().await.iter().filter(is_held).count() as u64) < BOUND {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let held = tokio::time::timeout(Duration::from_mins(2), all_held).await;
    world.forward(HOUR).await;
    assert!(held.is_ok(), "never {BOUND} requests at once");
}

// --------------------------------------------------------------------- many

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_creates_share_a_token_keep_the_bound_and_honour_rate_limits() {
    let world = World::documented().await;
    world.turn(json!({ "latency_ms": 10 })).await;
    let limited = limit_some(&world).await;
    hold_some(&world).await;
    let provider = configured(&world);
    let (made, ()) = tokio::join!(create_many(&provider, 0..MANY), release(&world));
    assert_eq!(made.len(), MANY);
    assert_eq!(world.destinations().await.len(), MANY);
    let journal = world.journal().await;
    assert_eq!(tokens(&journal), 1);
    assert_bounded(&journal);
    assert_rate_limit_honoured(&journal, limited);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_hundred_destinations_under_parallelism_50() {
    let Some(workspace) = Workspace::new_or_skip() else {
        return;
    };
    let world = World::documented().await;
    world.turn(json!({ "latency_ms": 10 })).await;
    let limited = limit_some(&world).await;
    hold_some(&world).await;
    let many = json!({ DESTINATION: { "many": { "count": MANY, "name": "d-${count.index}" } } });
    workspace.write_json(&world.provider(), &many);
    tokio::join!(workspace.apply(&["-parallelism=50"]), release(&world));
    assert_eq!(world.destinations().await.len(), MANY);
    let journal = world.journal().await;
    assert_eq!(tokens(&journal), 1, "planning a create asks nobody");
    assert_bounded(&journal);
    assert_rate_limit_honoured(&journal, limited);

    world.forget_journal().await;
    let plan = workspace
        .run(&["plan", "-detailed-exitcode", "-parallelism=50"])
        .await;
    assert_eq!(plan.code, Some(0), "{plan}");
    assert_eq!(tokens(&world.journal().await), 1);
    world.stop().await;
}

// ------------------------------------------------------------------- tokens

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_end_in_the_middle_of_an_apply_are_fetched_anew_once() {
    let world = World::documented().await;
    world.turn(json!({ "latency_ms": 10 })).await;
    // Somebody revokes all tokens while ten requests are on their way.
    // Far enough from each other that nobody meets both.
    for skip in [30, 180] {
        let fault = json!({ "match": { "method": "POST", "path_prefix": COLLECTION }, "skip": skip, "do": { "expire_tokens": true } });
        world.fault(fault).await;
    }
    let provider = configured(&world);
    assert_eq!(create_many(&provider, 0..300).await.len(), 300);
    assert_eq!(world.destinations().await.len(), 300);
    let journal = world.journal().await;
    assert_eq!(tokens(&journal), 3, "one, and one more after each end");
    assert!(journal.iter().any(|entry| entry["status"] == 401));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_live_shorter_than_the_apply_are_renewed_in_time() {
    let world = World::documented().await;
    world.turn(json!({ "token": { "lifetime_s": 3 } })).await;
    // However slow the machine is, a token ends only between the two halves.
    world.stop_time().await;
    let provider = configured(&world);
    assert_eq!(create_many(&provider, 0..100).await.len(), 100);
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.forward(3_000).await;
    assert_eq!(create_many(&provider, 100..200).await.len(), 100);
    assert_eq!(world.destinations().await.len(), 200);
    let journal = world.journal().await;
    assert!(tokens(&journal) > 1);
    assert!(journal.iter().all(|entry| entry["status"] != 401));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_token_that_ends_in_the_middle_of_an_apply_is_not_noticed() {
    let Some(workspace) = Workspace::new_or_skip() else {
        return;
    };
    let world = World::documented().await;
    world.turn(json!({ "latency_ms": 10 })).await;
    let fault = json!({ "match": { "method": "POST", "path_prefix": COLLECTION }, "skip": 60, "do": { "expire_tokens": true } });
    world.fault(fault).await;
    let resources = json!({
        DESTINATION: { "cloud_alm": {}, "many": { "count": 120, "name": "d-${count.index}" } },
        "sapcalm_registration": { "order_management": world.registration("${sapcalm_destination.cloud_alm.name}") },
    });
    workspace.write_json(&world.provider(), &resources);
    workspace.converges().await;
    let journal = world.journal().await;
    assert!(journal.iter().any(|entry| entry["status"] == 401));
    assert_eq!(world.destinations().await.len(), 121);
    assert!(world.is_registered().await);
    world.stop().await;
}

// -------------------------------------------------------- two applies at once

/// The plan looks at the destination once, and then the apply, before it writes.
const LAST_LOOK: u32 = 1;

/// Two Terraforms with states of their own and the same provider block.
struct Two {
    world: World,
    one: Core,
    other: Core,
    _provider: Served,
}

impl Two {
    async fn start(knobs: Json) -> Self {
        let world = World::start(Variant::documented()).await;
        world.turn(knobs).await;
        let provider = Served::start();
        let mut one = Core::connect(provider.socket()).await;
        let mut other = Core::connect(provider.socket()).await;
        one.configure(world.provider());
        other.configure(world.provider());
        Self {
            world,
            one,
            other,
            _provider: provider,
        }
    }
}

fn described(description: &str, key: &str, value: &str) -> Vec<Resource> {
    let config = json!({ "description": description, "properties": { key: value } });
    vec![Resource::new(DESTINATION, "one", config)]
}

/// One reads the destination; before it writes, the other one has written.
/// Both kinds of services: with `PATCH`, and with `PUT` against the etag.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_applies_that_change_the_same_destination_lose_nothing() {
    let put =
        json!({ "destination": { "patch": "method_not_allowed", "if_match_on_write": true } });
    for knobs in [json!({}), put] {
        let Two {
            world,
            mut one,
            mut other,
            _provider,
        } = Two::start(knobs).await;
        one.apply(&described("first", "a", "1")).await.ok();
        other.state = one.state.clone();

        // What the first one has read last when the other one comes.
        let fault = json!({ "match": { "method": "GET", "path_prefix": COLLECTION }, "skip": LAST_LOOK, "do": { "delay_ms": HOUR } });
        world.fault(fault).await;
        world.forget_journal().await;
        let change_one = described("by one", "a", "1");
        let first = one.apply(&change_one);
        let second = async {
            world.held().await;
            let change = described("first", "a", "2");
            other.apply(&change).await.ok();
            let between = world.destinations().await;
            world.forward(HOUR).await;
            between
        };
        let (first, between) = tokio::join!(first, second);
        assert_eq!(between[0]["Description"], "first");
        assert_eq!(between[0]["a"], "2");
        first.ok();
        let end = world.destinations().await;
        assert_eq!(end.len(), 1);
        assert_eq!(end[0]["Description"], "by one");
        assert_eq!(end[0]["a"], "2", "what the other one wrote is still there");

        // Each of the two now sees what the other one did, and nothing is lost.
        assert!(!one.plan(&change_one).await.ok().is_empty());
        one.apply(&change_one).await.ok();
        one.assert_empty_plan(&change_one).await;
        world.stop().await;
    }
}

/// The second of two equal creates takes over what the first one made, and
/// says so; the second of two different ones is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_applies_that_create_the_same_destination_end_with_one() {
    for (description, same) in [("first", true), ("second", false)] {
        let Two {
            world,
            mut one,
            mut other,
            _provider,
        } = Two::start(json!({})).await;
        let fault = json!({ "match": { "method": "POST", "path_prefix": COLLECTION }, "do": { "delay_ms": HOUR } });
        world.fault(fault).await;
        let (ours, theirs) = (
            described("first", "a", "1"),
            described(description, "a", "1"),
        );
        let second = async {
            world.held().await;
            let outcome = other.apply(&theirs).await;
            world.forward(HOUR).await;
            outcome
        };
        let (first, second) = tokio::join!(one.apply(&ours), second);
        first.ok();
        if same {
            second.ok().warns("Existing destination taken over");
            other.assert_empty_plan(&theirs).await;
        } else {
            let error = second.fails_with("Cannot create destination");
            assert!(error.detail.contains("import {"), "{error}");
            assert!(other.state.is_empty());
        }
        one.assert_empty_plan(&ours).await;
        let end = world.destinations().await;
        assert_eq!(end.len(), 1);
        assert_eq!(end[0]["Description"], "first");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_two_applies_at_once_on_the_same_destination_lose_nothing() {
    let (Some(one), Some(other)) = (Workspace::new_or_skip(), Workspace::new_or_skip()) else {
        return;
    };
    let world = World::documented().await;
    world
        .turn(
            json!({ "destination": { "patch": "method_not_allowed", "if_match_on_write": true } }),
        )
        .await;
    let write = |workspace: &Workspace, description: &str, value: &str| {
        let config = json!({ "description": description, "properties": { "a": value } });
        let resources = json!({ DESTINATION: { "one": config } });
        workspace.write_json(&world.provider(), &resources);
    };
    write(&one, "first", "1");
    one.apply(&[]).await;
    other.set_state(Some(&one.state()));
    write(&one, "by one", "1");
    write(&other, "first", "2");
    let fault = json!({ "match": { "method": "GET", "path_prefix": COLLECTION }, "skip": LAST_LOOK, "do": { "delay_ms": HOUR } });
    world.fault(fault).await;
    world.forget_journal().await;
    let second = async {
        world.held().await;
        other.apply(&[]).await;
        world.forward(HOUR).await;
    };
    tokio::join!(one.apply(&[]), second);
    let end = world.destinations().await;
    assert_eq!(end.len(), 1);
    assert_eq!(end[0]["Description"], "by one");
    assert_eq!(end[0]["a"], "2");
    one.converges().await;
    world.stop().await;
}
