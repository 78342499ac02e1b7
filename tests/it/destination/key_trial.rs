//! Before a destination is written from the Cloud ALM key, one token is fetched
//! with that key: what the token service refuses is written nowhere, and a token
//! service out of reach stops nobody.

use serde_json::{Value as Json, json};

use crate::support::core::{Core, Resource};
use crate::support::served::Served;
use crate::support::world::World;

const DESTINATION: &str = "sapcalm_destination.cloud_alm";
const REFUSED: &str = "Cannot get a token with the Cloud ALM service key";
const NOT_TRIED: &str = "Cloud ALM service key was not tried";

/// The token service of the Cloud ALM key.
const ZONE: &str = "/zones/acme-calm";

fn destination(name: &str) -> Resource {
    let label = name.to_lowercase();
    Resource::new("sapcalm_destination", &label, json!({ "name": name }))
}

fn main_job(world: &World) -> Vec<Resource> {
    vec![
        Resource::new("sapcalm_destination", "cloud_alm", json!({})),
        Resource::new(
            "sapcalm_registration",
            "order_management",
            world.registration("CloudALM"),
        )
        .depends_on(&[DESTINATION]),
    ]
}

/// The provider block with something else in the `uaa` of the Cloud ALM key.
fn with_uaa(world: &World, changes: &Json) -> Json {
    let mut key: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        key["uaa"][name] = value.clone();
    }
    let mut block = world.provider();
    block["cloud_alm_service_key"] = key.to_string().into();
    block
}

/// Tokens that were asked for at the Cloud ALM key's token service.
async fn tokens(world: &World) -> usize {
    let journal = world.journal().await;
    let of_zone = |entry: &&Json| entry["path"].as_str().unwrap().starts_with(ZONE);
    journal.iter().filter(of_zone).count()
}

async fn started(block: Json) -> (Served, Core) {
    let provider = Served::start();
    let mut tf = provider.core().await;
    tf.configure(block);
    (provider, tf)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_token_service_refuses_is_written_nowhere() {
    let wrong_secret = json!({ "clientsecret": "wrong" });
    for body in ["unauthorized", "invalid_client", "text"] {
        let world = World::documented().await;
        world
            .turn(json!({ "token": { "unauthorized_body": body } }))
            .await;
        let (_provider, mut tf) = started(with_uaa(&world, &wrong_secret)).await;
        let outcome = tf.apply(&main_job(&world)).await;
        let error = outcome.fails_with(REFUSED);
        for part in ["401", "`cloud_alm_service_key`", "Nothing was written"] {
            assert!(error.detail.contains(part), "{error}");
        }
        assert_eq!(outcome.diags.errors().count(), 1, "{outcome}");
        assert_eq!(world.writes().await, [""; 0]);
        assert_eq!(tokens(&world).await, 1, "a refusal is not repeated");
        assert!(tf.state.current.is_empty());

        // With the right one the same run converges.
        tf.configure(world.provider());
        tf.apply(&main_job(&world)).await.ok();
        tf.assert_empty_plan(&main_job(&world)).await;
        world.stop().await;
    }
    let world = World::documented().await;
    let nowhere = format!("{}/zones/nobody", world.url());
    let (_provider, mut tf) = started(with_uaa(&world, &json!({ "url": nowhere }))).await;
    let outcome = tf.apply(&main_job(&world)).await;
    assert!(outcome.fails_with(REFUSED).detail.contains("404"));
    assert_eq!(world.writes().await, [""; 0]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_that_the_token_service_refuses_leaves_the_old_secret_where_it_is() {
    let world = World::documented().await;
    let (_provider, mut tf) = started(world.provider()).await;
    let resources = [Resource::new("sapcalm_destination", "cloud_alm", json!({}))];
    tf.apply(&resources).await.ok();
    let at_sap = world.destinations().await;
    world.forget_journal().await;

    tf.configure(with_uaa(&world, &json!({ "clientsecret": "wrong" })));
    tf.apply(&resources).await.fails_with(REFUSED);
    assert_eq!(world.destinations().await, at_sap);
    let secrets = json!({ "client_secret": "of an earlier key" });
    assert_eq!(tf.object(DESTINATION)["secrets"], secrets);
    assert_eq!(world.writes().await, [""; 0]);

    world.rotate("cloud-alm").await;
    tf.configure(world.provider());
    tf.apply(&resources).await.ok();
    assert_ne!(world.destinations().await, at_sap);
    tf.assert_empty_plan(&resources).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_service_out_of_reach_is_a_warning_once_and_the_destination_is_written() {
    let world = World::documented().await;
    let resources = [destination("CloudALM"), destination("Second")];
    let busy =
        |action: Json| json!({ "match": { "path_prefix": ZONE }, "times": null, "do": action });
    for fault in [
        busy(json!({ "status": 503 })),
        busy(json!({ "status": 429 })),
        busy(json!({ "status": 403 })),
        busy(json!({ "reset": "before" })),
        busy(json!({ "body": "<html>Login</html>", "headers": { "content-type": "text/html" } })),
        busy(json!({ "body": { "token": "misspelled" } })),
    ] {
        println!("{fault}");
        let (_provider, mut tf) = started(world.provider()).await;
        world.fault(fault).await;
        let outcome = tf.apply(&resources).await.ok();
        let warning = outcome.warns(NOT_TRIED);
        assert!(warning.detail.contains("`check_token = true`"), "{warning}");
        assert_eq!(outcome.diags.warning_summaries(), [NOT_TRIED]);
        world.clear_faults().await;
        assert_eq!(world.destinations().await.len(), 2);
        tf.assert_empty_plan(&resources).await;
        tf.destroy().await.ok();
    }
    // Nobody listens there.
    let nowhere = json!({ "url": "http://127.0.0.1:1/zones/acme-calm" });
    let (_provider, mut tf) = started(with_uaa(&world, &nowhere)).await;
    tf.apply(&resources).await.ok().warns(NOT_TRIED);
    assert_eq!(world.destinations().await.len(), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_write_the_keys_secret_does_not_try_it() {
    let world = World::documented().await;
    let (_provider, mut tf) = started(world.provider()).await;
    let described = |text: &str| {
        let block = json!({ "name": "CloudALM", "description": text });
        [Resource::new("sapcalm_destination", "cloud_alm", block)]
    };
    tf.apply(&described("one")).await.ok();
    assert_eq!(tokens(&world).await, 1);
    tf.apply(&described("two")).await.ok();
    let own = json!({
        "name": "Own", "url": "https://own.example/api", "client_id": "own",
        "token_service_url": "https://token.example/oauth/token",
        "credentials": { "client_secret_wo": "own-secret" },
    });
    let own = Resource::new("sapcalm_destination", "own", own);
    let [cloud_alm] = described("two");
    tf.apply(&[cloud_alm, own]).await.ok();
    tf.destroy().await.ok();
    assert_eq!(tokens(&world).await, 1);
    world.stop().await;
}
