//! The list resource and the action, which only newer clients than the one at
//! hand know: played by the stand-in for Terraform core.

use std::time::Duration;

use emulator::Options;
use serde_json::{Value as Json, json};

use crate::support::core::Core;
use crate::support::core::others::Listed;
use crate::support::served::Served;
use crate::support::world::{Variant, World};

const DESTINATION: &str = "sapcalm_destination";
const CHECK: &str = "sapcalm_destination_check";

async fn world_of(destinations: usize) -> World {
    let options = Options {
        destinations,
        ..Options::default()
    };
    World::with(Variant::documented(), options).await
}

async fn core(world: &World, provider: &Served) -> Core {
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    tf
}

/// The requests so far, without those for tokens, and forgets them.
async fn requests(world: &World) -> Vec<String> {
    let journal = world.journal().await;
    world.forget_journal().await;
    let line = |entry: &Json| {
        let path = entry["path"].as_str().unwrap();
        format!("{} {path}", entry["method"].as_str().unwrap())
    };
    let lines = journal.iter().map(line);
    lines
        .filter(|line| !line.contains("/oauth/token"))
        .collect()
}

fn names(found: &[Listed]) -> Vec<&str> {
    let names = found.iter().map(|one| &one.identity["name"]);
    names.map(|name| name.as_str().unwrap()).collect()
}

// ------------------------------------------------------------------- the list

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_of_a_thousand_destinations_cost_one_page() {
    let world = world_of(1_000).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;

    let found = tf.list(DESTINATION, &json!({}), false, 100).await.ok();
    assert_eq!(found.len(), 100);
    assert_eq!(found[0].display_name, "subaccount/destination-00001");
    let identity = &found[99].identity;
    assert_eq!(identity["name"], "destination-00100");
    assert_eq!(identity["level"], "subaccount");
    assert_eq!(identity["instance_id"], Json::Null);
    assert!(identity["subaccount_id"].is_string());
    let sent = requests(&world).await;
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert!(sent[0].contains("page=1&$pageSize=100"), "{sent:#?}");

    // With objects, the metadata of the same hundred in one more request.
    let found = tf.list(DESTINATION, &json!({}), true, 100).await.ok();
    assert_eq!(found.len(), 100);
    let sent = requests(&world).await;
    assert_eq!(sent.len(), 2, "{sent:#?}");
    assert!(sent[1].contains("Name%20in"), "{sent:#?}");

    // Fewer are asked for where fewer are wanted.
    assert_eq!(
        names(&tf.list(DESTINATION, &json!({}), false, 3).await.ok()),
        [
            "destination-00001",
            "destination-00002",
            "destination-00003"
        ]
    );
    let sent = requests(&world).await;
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert!(sent[0].ends_with("pageSize=3"), "{sent:#?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_destinations_are_found_page_by_page_each_once() {
    let world = world_of(250).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    for include_object in [false, true] {
        let found = tf
            .list(DESTINATION, &json!({}), include_object, 1_000)
            .await;
        let found = found.ok();
        let mut all = names(&found);
        all.dedup();
        assert_eq!(all.len(), 250);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_is_asked_for_when_the_client_has_left() {
    let world = world_of(1_000).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let found = tf.list_and_leave(DESTINATION, &json!({}), 3).await.ok();
    assert_eq!(found.len(), 3);
    let sent = requests(&world).await;
    assert!(sent.len() < 10, "20 would be all: {sent:#?}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(requests(&world).await, [""; 0]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_listed_is_imported_by_its_identity_as_it_was_shown() {
    let world = world_of(3).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let labelled = json!({
        "name": "labelled", "level": "instance", "authentication": "NoAuthentication",
        "url": "https://target.example.com", "labels": { "team": ["a", "b"] },
        "properties": { "sap-client": "100" },
    });
    tf.apply_one(DESTINATION, "made", labelled).await.ok();
    tf.forget("sapcalm_destination.made");

    let found = tf.list(DESTINATION, &json!({}), true, 100).await.ok();
    assert_eq!(found.len(), 4);
    for (i, one) in found.iter().enumerate() {
        let name = format!("found{i}");
        let identity = one.identity.clone();
        tf.import_by_identity(DESTINATION, &name, identity)
            .await
            .ok();
        let imported = tf.object(&format!("sapcalm_destination.{name}"));
        assert_eq!(one.object.as_ref(), Some(&imported));
        assert!(!imported.to_string().contains("secret-"), "{imported}");
    }
    assert_eq!(found[3].display_name, "instance/labelled");
    assert!(found[3].identity["instance_id"].is_string());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_in_a_url_are_not_listed_and_an_import_warns_of_them() {
    let world = World::documented().await;
    let foreign = json!({
        "Name": "foreign", "Type": "HTTP", "ProxyType": "Internet",
        "Authentication": "NoAuthentication", "URL": "https://ann:s3cr3t-canary@target.example",
        "sap-client": "https://ann:s3cr3t-canary@target.example",
    });
    world.set_destinations(&[foreign]).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;

    let found = tf.list(DESTINATION, &json!({}), true, 10).await.ok();
    let object = found[0].object.as_ref().unwrap();
    assert_eq!(object["url"], Json::Null);
    assert!(!object.to_string().contains("canary"), "{object}");

    let identity = found[0].identity.clone();
    let imported = tf.import_by_identity(DESTINATION, "it", identity).await;
    let warnings: Vec<_> = imported.diags.warnings().collect();
    assert!(
        warnings
            .iter()
            .any(|one| one.summary == "URL with credentials"),
        "{warnings:#?}"
    );
    assert!(!format!("{warnings:?}").contains("canary"));
    let state = tf.object("sapcalm_destination.it");
    assert_eq!(state["url"], "https://ann:s3cr3t-canary@target.example");
    assert_eq!(state["properties"], Json::Null);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_choose_by_level_prefix_and_label() {
    let world = world_of(0).await;
    world
        .turn(json!({ "destination": { "name_rule": "lenient" } }))
        .await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    for (name, level, labels) in [
        ("calm-a", "subaccount", json!({ "env": ["prod", "eu"] })),
        ("calm-b", "subaccount", json!({ "env": ["test"] })),
        ("it's calm", "subaccount", json!({ "env": ["prod"] })),
        ("calm-a", "instance", json!({})),
        ("other", "instance", json!({ "env": ["prod"] })),
    ] {
        let config = json!({
            "name": name, "level": level, "labels": labels,
            "authentication": "NoAuthentication", "url": "https://target.example.com",
        });
        tf.apply_one(DESTINATION, "made", config).await.ok();
        tf.forget("sapcalm_destination.made");
    }
    let cases = [
        (
            json!({ "level": "instance" }),
            vec!["instance/calm-a", "instance/other"],
        ),
        (
            json!({ "name_prefix": "calm-" }),
            vec!["subaccount/calm-a", "subaccount/calm-b", "instance/calm-a"],
        ),
        (
            json!({ "name_prefix": "it's" }),
            vec!["subaccount/it's calm"],
        ),
        (
            json!({ "label": { "key": "env", "values": ["prod", "test"] }, "level": "subaccount" }),
            vec![
                "subaccount/calm-a",
                "subaccount/calm-b",
                "subaccount/it's calm",
            ],
        ),
        (
            json!({ "label": { "key": "env", "values": ["prod"] }, "name_prefix": "calm" }),
            vec!["subaccount/calm-a"],
        ),
        (
            json!({ "label": { "key": "nobody", "values": ["x"] } }),
            vec![],
        ),
    ];
    for (filters, expected) in cases {
        let found = tf.list(DESTINATION, &filters, true, 100).await.ok();
        let shown: Vec<&str> = found.iter().map(|one| &one.display_name[..]).collect();
        assert_eq!(shown, expected, "{filters}");
    }
    let empty = json!({ "label": { "key": "env", "values": [] } });
    tf.list(DESTINATION, &empty, false, 100)
        .await
        .fails_with("Invalid attribute value");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_fails_half_way_is_an_error_with_saps_reason() {
    let world = world_of(150).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    world
        .fault(json!({
            "match": { "path_prefix": "/destination-configuration/" }, "skip": 1, "times": 99,
            "do": { "status": 403, "body": { "ErrorMessage": "not for you" } },
        }))
        .await;
    let answered = tf.list(DESTINATION, &json!({}), false, 1_000).await;
    let error = answered.fails_with("Cannot list destinations");
    assert!(error.detail.contains("not for you"), "{}", error.detail);
    assert!(error.detail.contains("403"), "{}", error.detail);
    tf.configure(json!({}));
    tf.list(DESTINATION, &json!({}), false, 1)
        .await
        .fails_with("Missing service key");
    world.stop().await;
}

// ----------------------------------------------------------------- the action

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_says_that_the_service_fetched_a_token() {
    let world = world_of(0).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    tf.apply_one(DESTINATION, "a", json!({})).await.ok();
    world.forget_journal().await;
    let messages = tf.invoke_action(CHECK, &json!({})).await.ok();
    assert_eq!(
        messages,
        [
            "Asking the Destination service to fetch a token through `subaccount/CloudALM`.",
            "The service fetched a token through `subaccount/CloudALM`.",
        ]
    );
    assert_eq!(
        requests(&world).await,
        ["GET /destination-configuration/v2/destinations/CloudALM@subaccount"]
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_fails_ends_once_with_saps_own_reason_and_no_secret() {
    let world = world_of(0).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    tf.apply_one(DESTINATION, "a", json!({})).await.ok();
    world
        .edit_destination(json!({ "clientSecret": "wrong-s3cr3t" }))
        .await;
    let answered = tf
        .invoke_action(CHECK, &json!({ "name": "CloudALM" }))
        .await;
    let error = answered.fails_with("Destination cannot fetch a token");
    assert!(error.detail.contains("401"), "{}", error.detail);
    assert!(!error.detail.contains("wrong-s3cr3t"), "{}", error.detail);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_looks_at_the_level_it_is_told() {
    let world = world_of(0).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let config = json!({
        "name": "open", "level": "instance", "authentication": "NoAuthentication",
        "url": "https://target.example.com",
    });
    tf.apply_one(DESTINATION, "open", config).await.ok();
    let target = json!({ "name": "open", "level": "instance" });
    let answered = tf.invoke_action(CHECK, &target).await;
    let warnings: Vec<_> = answered.diags.warnings().map(|one| &one.summary).collect();
    assert_eq!(warnings, ["Nothing to check"]);
    assert_eq!(answered.ok().len(), 1);
    let answered = tf.invoke_action(CHECK, &json!({ "name": "open" })).await;
    let error = answered.fails_with("Cannot check destination");
    assert!(
        error
            .detail
            .contains("There is no destination of that name")
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_without_a_key_fails_while_planning() {
    let world = world_of(0).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    tf.configure(json!({}));
    tf.invoke_action(CHECK, &json!({}))
        .await
        .fails_with("Missing service key");
    assert_eq!(
        tf.calls()
            .iter()
            .filter(|call| *call == "InvokeAction")
            .count(),
        0
    );
    world.stop().await;
}
