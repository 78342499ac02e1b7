//! `sapcalm_job_monitoring`: the life of a switch, and what somebody else does
//! to it and to its job.

use serde_json::{Value as Json, json};

use crate::support::core::{Core, Resource};
use crate::support::served::Served;
use crate::support::world::World;

const TYPE_NAME: &str = "sapcalm_job_monitoring";
const ADDRESS: &str = "sapcalm_job_monitoring.settlement";

fn monitoring(job_id: i64) -> [Resource; 1] {
    let config = json!({ "job_id": job_id });
    [Resource::new(
        "sapcalm_job_monitoring",
        "settlement",
        config,
    )]
}

async fn world_and_core(provider: &Served) -> (World, Core) {
    let world = World::documented().await;
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    (world, tf)
}

/// Whether the service monitors the job.
async fn is_monitored(world: &World, id: i64) -> bool {
    let jobs = world.jobs().await;
    let job = jobs.iter().find(|job| job["_id"] == id).unwrap();
    job["calmConfig"]["enabled"] == true
}

fn job(id: i64, calm_config: &Json) -> Json {
    json!({ "_id": id, "name": format!("job-{id}"), "active": false, "calmConfig": calm_config })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_is_turned_on_kept_on_and_turned_off_and_the_job_stays_as_it_is() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    world
        .set_jobs(&[job(1, &Json::Null), job(2, &json!({ "enabled": true }))])
        .await;
    tf.apply(&monitoring(1)).await.ok();
    let object = tf.object(ADDRESS);
    assert_eq!(
        (&object["id"], &object["name"], &object["enabled"]),
        (&json!("1"), &json!("job-1"), &json!(true))
    );
    assert_eq!(world.jobs().await[0], job(1, &json!({ "enabled": true })));
    tf.assert_empty_plan(&monitoring(1)).await;

    // Somebody switches it off.
    world
        .set_jobs(&[job(1, &json!({ "enabled": false }))])
        .await;
    let plan = tf.plan(&monitoring(1)).await.ok();
    assert_eq!(plan.differences(), [format!("{ADDRESS}.enabled")]);
    tf.apply(&monitoring(1)).await.ok();
    assert!(is_monitored(&world, 1).await);
    tf.assert_empty_plan(&monitoring(1)).await;

    tf.apply(&[]).await.ok();
    assert_eq!(world.jobs().await, [job(1, &json!({ "enabled": false }))]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_job_is_another_switch() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    tf.apply(&monitoring(1)).await.ok();
    tf.apply(&monitoring(2)).await.ok();
    assert!(!is_monitored(&world, 1).await);
    assert!(is_monitored(&world, 2).await);
    tf.assert_empty_plan(&monitoring(2)).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_leaves_the_state_only_when_the_service_says_that_it_is_gone() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    tf.apply(&monitoring(1)).await.ok();
    // A router, or a text of nobody knows whom.
    let unrouted = json!(["/jobscheduler-rest"]);
    world.turn(json!({ "unrouted": unrouted })).await;
    tf.refresh().await.fails_with("Cannot read job");
    world
        .turn(json!({ "unrouted": [], "job_scheduling": { "error_body": "text" } }))
        .await;
    world.set_jobs(&[]).await;
    tf.refresh().await.fails_with("Cannot read job");
    assert_eq!(tf.object(ADDRESS)["enabled"], true);

    world
        .turn(json!({ "job_scheduling": { "error_body": "json" } }))
        .await;
    let outcome = tf.apply(&monitoring(1)).await;
    outcome.fails_with("No such job");
    assert_eq!(tf.object(ADDRESS), Json::Null);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_is_demanded_and_has_to_be_of_an_allowed_subaccount() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    let mut block = world.provider();
    block
        .as_object_mut()
        .unwrap()
        .remove("job_scheduling_service_key");
    tf.configure(block);
    let plan = tf.plan(&monitoring(1)).await;
    let error = plan.fails_with("Missing service key");
    assert!(
        error.detail.contains("`job_scheduling_service_key`"),
        "{plan}"
    );

    let mut block = world.provider();
    block["allowed_subaccount_ids"] = json!(["11111111-2222-4333-8444-555555555555"]);
    tf.configure(block);
    let outcome = tf.apply(&monitoring(1)).await;
    outcome.fails_with("Subaccount not allowed");
    assert_eq!(world.writes().await, [""; 0]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_shows_a_switch_that_is_off() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    for wrong in ["a", "0", "-1"] {
        let outcome = tf.import_by_id(TYPE_NAME, "settlement", wrong).await;
        outcome.fails_with("Invalid import id");
    }
    tf.import_by_id(TYPE_NAME, "settlement", "2").await.ok();
    assert_eq!(tf.object(ADDRESS)["enabled"], false);
    tf.apply(&monitoring(2)).await.ok();
    assert!(is_monitored(&world, 2).await);
    tf.assert_empty_plan(&monitoring(2)).await;
    world.stop().await;
}

/// A create whose answer was lost is kept, so that a destroy switches off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_that_nobody_knows_of_is_kept_as_tainted_and_turned_off_by_a_destroy() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    let at = |method: &str| json!({ "method": method, "path_prefix": "/jobscheduler-rest" });
    let lost = json!({ "match": at("PUT"), "times": null, "do": { "reset": "after_commit" } });
    world.fault(lost).await;
    let outcome = tf.apply(&monitoring(1)).await;
    let error = outcome.fails_with("Cannot switch monitoring of job");
    assert!(error.detail.contains("as tainted"), "{outcome}");
    assert!(tf.instance(ADDRESS).tainted && is_monitored(&world, 1).await);
    world.clear_faults().await;

    let plan = tf.plan(&monitoring(1)).await.ok();
    plan.warns("Outcome of the create was not known");
    tf.destroy().await.ok();
    assert!(!is_monitored(&world, 1).await);

    // A refusal is an answer.
    let refused = json!({ "match": at("PUT"), "times": null, "do": { "status": 400 } });
    world.fault(refused).await;
    tf.apply(&monitoring(1))
        .await
        .fails_with("Cannot switch monitoring of job");
    assert_eq!(tf.object(ADDRESS), Json::Null);
    world.stop().await;
}

/// One is enough, and the first one to go would switch off for both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_resource_of_the_same_job_is_refused_and_a_renamed_one_stays_on() {
    let provider = Served::start();
    let (world, mut tf) = world_and_core(&provider).await;
    let named = |name: &'static str| Resource::new(TYPE_NAME, name, json!({ "job_id": 1 }));
    let outcome = tf.apply(&[named("a"), named("b")]).await;
    outcome.fails_with("Two switches of one job");
    assert!(is_monitored(&world, 1).await);

    tf.apply(&[named("a")]).await.ok();
    tf.apply(&[named("c")]).await.ok();
    assert!(is_monitored(&world, 1).await);
    tf.assert_empty_plan(&[named("c")]).await;
    world.stop().await;
}
