//! What each operation costs in requests: counts are stable where times are
//! not. Less would break a promise: an update reads first, because it sends
//! nothing that SAP already holds and drops nothing that it does not manage,
//! and reads afterwards, because neither PATCH nor PUT answers with the new
//! etag.

use std::collections::{BTreeMap, BTreeSet};

use framework::value::Value;
use futures_util::future::join_all;
use sapcalm::provider::RESOURCES;
use sapcalm::provider::config;
use sapcalm::provider::configured::Configured;
use serde_json::{Value as Json, json};

use crate::support::direct::{Direct, Instance, text};
use crate::support::proxy::{Proxy, Rules};
use crate::support::world::{Variant, World};

/// Plays Terraform.
static TF: Direct = Direct {
    resource: RESOURCES[0],
};

/// As many as one subaccount can have.
const MANY: usize = 1_000;

/// A freshly configured provider, as in a new process.
fn provider(world: &World, more: &[(&str, &str)]) -> Configured {
    let environment = |name: &str| {
        let file = match name {
            "SAPCALM_DESTINATION_SERVICE_KEY" => "destination.json",
            "SAPCALM_CLOUD_ALM_SERVICE_KEY" => "cloud-alm.json",
            _ => {
                let (_, value) = more.iter().find(|(known, _)| *known == name)?;
                return Some(Ok((*value).to_owned()));
            }
        };
        Some(Ok(format!("@{}", world.keys().join(file).display())))
    };
    let given = Value::Map(BTreeMap::new());
    let (configured, diagnostics) = config::read(&given, &environment, "1.11.4").unwrap();
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    configured
}

/// The methods of the requests since the last call, tokens as `token`.
async fn requests(world: &World) -> Vec<String> {
    let journal = world.journal().await;
    world.forget_journal().await;
    let method = |entry: &Json| {
        let is_token = entry["path"].as_str().unwrap().contains("/oauth/token");
        let method = entry["method"].as_str().unwrap();
        if is_token { "token" } else { method }.to_owned()
    };
    journal.iter().map(method).collect()
}

/// The first requests of a process.
fn with_token(calls: &[&'static str]) -> Vec<&'static str> {
    [&["token"], calls].concat()
}

/// Those of one that writes the secret of the Cloud ALM key: it is tried once.
fn with_both_tokens(calls: &[&'static str]) -> Vec<&'static str> {
    with_token(&with_token(calls))
}

/// The configuration of the destination `d<number>`.
fn numbered(number: usize, description: &str) -> Value {
    TF.configuration([
        ("name", text(&format!("d{number}"))),
        ("description", text(description)),
    ])
}

async fn created(provider: &Configured, number: usize) -> Instance {
    TF.create(provider, &numbered(number, "one"))
        .await
        .quietly()
}

#[tokio::test]
async fn each_operation_makes_as_few_requests_as_the_service_allows() {
    let metadata = json!({ "post_metadata": false });
    let patch = json!({ "patch": "method_not_allowed" });
    let both = json!({ "post_metadata": false, "patch": "not_found" });
    let none = json!({});
    for (knobs, create, first_update, next_update) in [
        (
            none,
            // What holds a secret is read back once.
            &["POST", "GET"][..],
            &["GET", "PATCH", "GET"][..],
            &["GET", "PATCH", "GET"][..],
        ),
        (
            metadata,
            &["POST", "GET"],
            &["GET", "PATCH", "GET"],
            &["GET", "PATCH", "GET"],
        ),
        (
            patch,
            &["POST", "GET"],
            &["GET", "PATCH", "PUT", "GET"],
            &["GET", "PUT", "GET"],
        ),
        (
            both,
            &["POST", "GET"],
            &["GET", "PATCH", "PUT", "GET"],
            &["GET", "PUT", "GET"],
        ),
    ] {
        let world = World::documented().await;
        world.turn(json!({ "destination": knobs })).await;
        let process = || provider(&world, &[]);

        let one = created(&process(), 1).await;
        assert_eq!(
            requests(&world).await,
            with_both_tokens(create),
            "{knobs}: create"
        );

        let one = TF.read(&process(), &one).await.quietly();
        assert_eq!(requests(&world).await, ["token", "GET"], "{knobs}: read");

        let applying = process();
        let two = numbered(1, "two");
        let one = TF.update(&applying, &two, &one).await.quietly();
        let expected = with_token(first_update);
        assert_eq!(requests(&world).await, expected, "{knobs}: update");
        let three = numbered(1, "three");
        let one = TF.update(&applying, &three, &one).await.quietly();
        assert_eq!(requests(&world).await, next_update, "{knobs}: next update");
        let switch = TF.configuration([
            ("name", text("d1")),
            ("description", text("three")),
            ("adopt_existing", Value::Bool(true)),
        ]);
        let one = TF.update(&applying, &switch, &one).await.quietly();
        assert_eq!(requests(&world).await, [""; 0], "{knobs}: a switch");

        TF.delete_quietly(&process(), &one).await;
        assert_eq!(
            requests(&world).await,
            ["token", "DELETE"],
            "{knobs}: delete"
        );
        world.stop().await;
    }
}

#[tokio::test]
async fn labels_and_the_token_check_are_one_request_each() {
    let world = World::documented().await;
    let labels = Value::Map(BTreeMap::from([(
        "env".to_owned(),
        Value::Set(vec![text("prod")]),
    )]));
    let config = TF.configuration([("labels", labels), ("check_token", Value::Bool(true))]);
    TF.create(&provider(&world, &[]), &config).await.quietly();
    let expected = with_both_tokens(&["POST", "GET", "PUT", "GET"]);
    assert_eq!(requests(&world).await, expected);
    world.stop().await;
}

#[tokio::test]
async fn thousand_unchanged_destinations_are_read_with_five_requests_token_included() {
    let world = World::documented().await;
    let foreign = json!({ "Name": "foreign", "Type": "HTTP", "Password": "canary" });
    world
        .turn(json!({ "destination": { "entity_limit": null } }))
        .await;
    world.set_destinations(&[foreign]).await;
    let applying = provider(&world, &[]);
    let mut before = Vec::new();
    let numbers: Vec<usize> = (0..MANY).collect();
    for ten in numbers.chunks(10) {
        before.extend(join_all(ten.iter().map(|number| created(&applying, *number))).await);
    }
    let creates = requests(&world).await;
    assert_eq!(
        creates.len(),
        2 * MANY + 2,
        "two requests each, and a token of each key"
    );

    let refreshing = provider(&world, &[]);
    let mut after = Vec::new();
    // Ten at a time, as Terraform does.
    for ten in before.chunks(10) {
        let reads = ten.iter().map(|one| TF.read(&refreshing, one));
        after.extend(join_all(reads).await);
    }
    let mut asked = requests(&world).await;
    asked.sort_unstable();
    assert_eq!(asked, ["GET", "GET", "GET", "GET", "token"]);
    for (before, after) in before.iter().zip(after) {
        let after = after.quietly();
        let same = before.state.same(&after.state) && before.stored() == after.stored();
        assert!(same, "a refresh changes nothing");
        assert!(!after.stored().contains("canary"));
    }
    world.stop().await;
}

#[tokio::test]
async fn reads_of_few_destinations_cost_one_request_each() {
    let world = World::documented().await;
    let applying = provider(&world, &[]);
    let numbers = [1, 2, 3, 4].map(|number| created(&applying, number));
    let instances = join_all(numbers).await;
    requests(&world).await;
    for count in 1..=instances.len() {
        let refreshing = provider(&world, &[]);
        let reads = instances[..count]
            .iter()
            .map(|one| TF.read(&refreshing, one));
        for read in join_all(reads).await {
            read.quietly();
        }
        let asked = requests(&world).await;
        assert_eq!(asked.len(), count + 1, "{count} reads: {asked:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn updates_at_the_same_time_cost_what_they_cost_alone() {
    let world = World::documented().await;
    let applying = provider(&world, &[]);
    let instances = join_all((0..10).map(|number| created(&applying, number))).await;
    requests(&world).await;
    let applying = provider(&world, &[]);
    let configs: Vec<Value> = (0..10).map(|number| numbered(number, "two")).collect();
    let updates = configs
        .iter()
        .zip(&instances)
        .map(|(config, one)| TF.update(&applying, config, one));
    for update in join_all(updates).await {
        update.quietly();
    }
    let asked = requests(&world).await;
    assert_eq!(asked.len(), 1 + 10 * 3, "{asked:?}");
    world.stop().await;
}

#[tokio::test]
async fn connections_are_used_again() {
    let world = World::with(
        Variant::documented(),
        emulator::Options {
            tls: true,
            ..emulator::Options::default()
        },
    )
    .await;
    let proxy = Proxy::start(Rules::default()).await;
    let ca = world.ca();
    let settings = [
        ("SAPCALM_CA_CERTIFICATES", ca.as_str()),
        ("SAPCALM_PROXY_URL", &proxy.url()),
    ];
    let process = provider(&world, &settings);
    for number in 0..20 {
        let one = created(&process, number).await;
        let one = TF
            .update(&process, &numbered(number, "two"), &one)
            .await
            .quietly();
        let one = TF.read(&process, &one).await.quietly();
        TF.update(&process, &numbered(number, "three"), &one)
            .await
            .quietly();
    }
    assert!(requests(&world).await.len() > 100);
    // One after the other, they all went through the same tunnel of their service.
    let tunnels = proxy.seen().tunnels;
    let services: BTreeSet<&String> = tunnels.iter().collect();
    assert_eq!(services.len(), tunnels.len(), "{tunnels:?}");
    world.stop().await;
}
