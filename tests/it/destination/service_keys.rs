//! `service_key` with a key of its own: one argument fills the destination in,
//! its secret is written and remembered like any other, and a key that is null
//! or ignored changes nothing.

use serde_json::{Value as Json, json};

use crate::support::core::{Core, Outcome, Resource};
use crate::support::served::Served;
use crate::support::world::World;

const ADDRESS: &str = "sapcalm_destination.transport";
const SERVICE: &str = "https://transport.example.com";
const ZONE: &str = "https://acme.authentication.example.com";

/// A key as SAP Cloud Transport Management gives it.
fn key(secret: &str) -> String {
    json!({
        "uri": SERVICE,
        "uaa": { "clientid": "sb-transport!b1", "clientsecret": secret, "url": ZONE },
    })
    .to_string()
}

fn with_key(json: impl Into<Json>) -> Resource {
    destination(&json!({ "service_key": { "json_wo": json.into() } }))
}

fn destination(more: &Json) -> Resource {
    let mut block = json!({ "name": "CALM_FTR_CTMS_PROD" });
    for (name, value) in more.as_object().unwrap() {
        block[name] = value.clone();
    }
    Resource::new("sapcalm_destination", "transport", block)
}

async fn world_and_core(provider: &Served) -> (World, Core) {
    let world = World::documented().await;
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    (world, tf)
}

fn entry(tf: &Core) -> Json {
    tf.object(ADDRESS)["secrets"]["client_secret"].clone()
}

async fn stored(world: &World) -> Json {
    let destinations = world.destinations().await;
    assert_eq!(destinations.len(), 1);
    destinations[0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_argument_fills_a_destination_in_and_its_secret_is_nowhere_else() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    let resource = [with_key(key("canary-one"))];
    tf.apply(&resource).await.ok();
    assert_eq!(
        stored(&world).await,
        json!({
            "Name": "CALM_FTR_CTMS_PROD", "Type": "HTTP", "URL": SERVICE,
            "ProxyType": "Internet", "Authentication": "OAuth2ClientCredentials",
            "clientId": "sb-transport!b1", "clientSecret": "canary-one",
            "tokenServiceURL": format!("{ZONE}/oauth/token"), "tokenServiceURLType": "Dedicated",
        })
    );
    assert_eq!(entry(&tf), "from service_key");
    assert!(!tf.state.text().contains("canary-one"));
    tf.assert_empty_plan(&resource).await;

    // A new key: the plan names the secret, the apply writes it.
    let rotated = [with_key(key("canary-two"))];
    tf.apply(&rotated).await.ok();
    assert_eq!(stored(&world).await["clientSecret"], "canary-two");
    tf.assert_empty_plan(&rotated).await;

    // Somebody else's secret is drift, and is repaired.
    world
        .edit_destination(json!({ "clientSecret": "by-hand" }))
        .await;
    tf.refresh().await.ok();
    assert_eq!(entry(&tf), "changed outside Terraform");
    tf.apply(&rotated).await.ok();
    assert_eq!(stored(&world).await["clientSecret"], "canary-two");
    assert_eq!(entry(&tf), "from service_key");
    tf.assert_empty_plan(&rotated).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_null_or_ignored_changes_nothing() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    tf.apply(&[with_key(key("canary"))]).await.ok();
    let before = stored(&world).await;
    for resource in [
        with_key(Json::Null),
        with_key(key("other")).ignore_changes(&["service_key"]),
        destination(&json!({})).ignore_changes(&["service_key"]),
        with_key(key("other")).ignore_changes(&["all"]),
    ] {
        tf.assert_empty_plan(&[resource]).await;
    }
    assert_eq!(stored(&world).await, before);
    // As before.
    tf.assert_empty_plan(&[with_key(key("canary"))]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_block_the_values_come_from_where_they_come_otherwise() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    tf.apply(&[with_key(key("canary"))]).await.ok();
    // The provider's key.
    let resource = [destination(&json!({}))];
    tf.apply(&resource).await.ok();
    let cloud_alm: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
    let now = stored(&world).await;
    assert_eq!(now["URL"], cloud_alm["endpoints"]["Api"]);
    assert_eq!(now["clientSecret"], cloud_alm["uaa"]["clientsecret"]);
    assert_eq!(entry(&tf), "from cloud_alm_service_key");
    tf.assert_empty_plan(&resource).await;
    // And back.
    let resource = [with_key(key("canary"))];
    tf.apply(&resource).await.ok();
    assert_eq!(stored(&world).await["URL"], SERVICE);
    assert_eq!(entry(&tf), "from service_key");
    tf.assert_empty_plan(&resource).await;
    // The configuration: the key's secret stays with its host.
    let resource = [destination(&json!({
        "url": "https://elsewhere.example.com", "client_id": "c",
        "token_service_url": "https://elsewhere.example.com/oauth/token",
    }))];
    tf.apply(&resource).await.ok();
    assert_eq!(stored(&world).await.get("clientSecret"), None);
    tf.assert_empty_plan(&resource).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_goes_behind_the_url_of_either_key() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    let cloud_alm: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
    let api = cloud_alm["endpoints"]["Api"].as_str().unwrap();
    for (block, url) in [
        (json!({ "url_path": "/v1" }), format!("{api}/v1")),
        (
            json!({ "url_form": "origin_with_slash", "url_path": "/v1" }),
            format!("{}/v1", world.url()),
        ),
        (
            json!({ "json_wo": key("canary"), "url_path": "/v2" }),
            format!("{SERVICE}/v2"),
        ),
    ] {
        let resource = [destination(&json!({ "service_key": block }))];
        tf.apply(&resource).await.ok();
        assert_eq!(stored(&world).await["URL"], url);
        tf.assert_empty_plan(&resource).await;
    }
    world.stop().await;
}

fn message(outcome: &Outcome) -> String {
    let error = outcome.diags.errors().next();
    error.map_or(String::new(), |error| {
        format!("{}: {}", error.summary, error.detail)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_fill_a_destination_in_is_an_error_and_makes_none() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    for (resource, expected) in [
        (
            with_key("keys/transport.json"),
            "Invalid service key: The text in `service_key` looks like",
        ),
        (
            with_key(r#"{"clientid":"c","clientsecret":"canary","url":"https://zone"}"#),
            "Unusable service key: The key in `service_key` has no `uri`",
        ),
        (
            Resource::new(
                "sapcalm_destination",
                "transport",
                json!({ "service_key": { "json_wo": key("canary") } }),
            ),
            "Missing attribute: Without `name`",
        ),
    ] {
        let outcome = tf.apply(&[resource]).await;
        assert!(message(&outcome).starts_with(expected), "{outcome}");
        assert!(!outcome.to_string().contains("canary"), "{outcome}");
    }
    // Half of it is configured: nothing comes from the key.
    let half = destination(&json!({
        "service_key": { "json_wo": key("canary") }, "url": "https://elsewhere.example.com",
    }));
    let outcome = tf.apply(&[half]).await;
    assert!(
        message(&outcome).starts_with("Missing attribute"),
        "{outcome}"
    );
    assert!(world.destinations().await.is_empty());

    // Another name is another destination, which a null key cannot fill in.
    tf.apply(&[with_key(key("canary"))]).await.ok();
    let renamed = destination(&json!({ "name": "Other", "service_key": { "json_wo": null } }));
    let plan = tf.plan(&[renamed]).await;
    assert!(
        message(&plan).contains("`json_wo` in `service_key` is null"),
        "{plan}"
    );
    world.stop().await;
}
