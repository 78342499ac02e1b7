//! Each resource through its whole life with the stand-in for Terraform core:
//! validate with unknown values, create, update, read, import, destroy; every
//! plan and read is asked for twice. And what an interrupt leaves behind.

use std::time::Duration;

use serde_json::json;

use crate::support::core::{Core, Interrupt, Lifecycle};
use crate::support::pem::pem;
use crate::support::world::{HOUR, World};

const DESTINATION: &str = "sapcalm_destination";

async fn world_and_core() -> (World, Core) {
    let world = World::documented().await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    (world, tf)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destination_from_the_cloud_alm_key() {
    let (_world, mut tf) = world_and_core().await;
    let described = json!({"description": "for order management", "labels": {"team": ["a", "b"]}});
    let more = json!({"properties": {"sap.example": "1"}, "labels": {"team": ["b"]}});
    Lifecycle::new(DESTINATION, &[json!({}), described, more, json!({})])
        // Who imports has not written them.
        .differs_after_import(&["secrets"])
        .run(&mut tf)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destination_with_everything_of_its_own() {
    let (_world, mut tf) = world_and_core().await;
    let config = |url: &str, secret: &str| {
        json!({
            "name": "Own", "url": url, "client_id": "me",
            "credentials": {"client_secret_wo": secret},
            "token_service_url": "https://tokens.example/oauth/token",
            "properties": {"sap.example": "1"},
            "timeouts": {"create": "1m"},
        })
    };
    let configs = [
        config("https://one.example", "s1"),
        config("https://two.example", "s2"),
    ];
    Lifecycle::new(DESTINATION, &configs)
        .unknown_at_plan(&["url", "client_id", "credentials", "properties"])
        // An import cannot know that an unknown property was ours.
        .differs_after_import(&[
            "properties",
            "allow_unmanaged",
            "unmanaged_properties",
            "credentials",
            "secrets",
            "timeouts",
        ])
        .run(&mut tf)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destination_certificate_of_every_kind_and_level() {
    let (_world, mut tf) = world_and_core().await;
    let key_store = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let configs = [
        json!({ "name": "a.pem", "content": { "pem_wo": pem("a") } }),
        json!({ "name": "a.pem", "content": { "pem_wo": pem("b") }, "timeouts": { "update": "1m" } }),
        json!({ "name": "a.p12", "content": { "base64_wo": key_store(&[0x30, 1, 2, 3]) } }),
        json!({ "name": "a.p12", "level": "instance", "content": { "base64_wo": key_store(&[0x30, 4]) } }),
    ];
    Lifecycle::new("sapcalm_destination_certificate", &configs)
        .unknown_at_plan(&["content"])
        .differs_after_import(&["content", "secrets"])
        .run(&mut tf)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_a_create_soon_with_a_truthful_state() {
    let (world, mut tf) = world_and_core().await;
    world.fault(json!({"match": {"method": "POST", "path_prefix": "/destination-configuration"}, "do": {"delay_ms": HOUR}})).await;
    tf.interrupt_next(
        "ApplyResourceChange",
        Duration::from_millis(500),
        Interrupt::CtrlC,
    );
    let outcome = tf.apply_one(DESTINATION, "a", json!({})).await;
    assert_eq!(outcome.diags.objections().count(), 0, "{}", outcome.diags);
    assert!(tf.calls().contains(&"StopProvider".to_owned()));
    world.clear_faults().await;
    let exists = !world.destinations().await.is_empty();
    assert_eq!(
        !tf.state.is_empty(),
        exists,
        "the state tells what SAP has: {}",
        outcome.diags
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_provider_is_an_error_and_leaves_no_state() {
    let (world, mut tf) = world_and_core().await;
    world.fault(json!({"match": {"method": "POST", "path_prefix": "/destination-configuration"}, "do": {"delay_ms": HOUR}})).await;
    tf.interrupt_next(
        "ApplyResourceChange",
        Duration::from_millis(500),
        Interrupt::Kill,
    );
    let outcome = tf.apply_one(DESTINATION, "a", json!({})).await;
    let summaries = outcome.diags.error_summaries();
    assert_eq!(summaries, ["Plugin did not respond"]);
    assert!(tf.state.is_empty());
    world.clear_faults().await;
}
