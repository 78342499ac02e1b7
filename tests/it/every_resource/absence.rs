//! Absence needs SAP's own word. Whatever else answers in its place, the state
//! stays, and when SAP answers again there is nothing to do.

use serde_json::{Value as Json, json};

use crate::support::core::{Action, Core, Resource};
use crate::support::served::Served;
use crate::support::world::World;

const DESTINATIONS: &str = "/destination-configuration";
const LANDSCAPE: &str = "/api/calm-landscape";
const REGISTRATION: &str = "sapcalm_registration.order_management";

/// Several destinations, because a second read in a process is answered from
/// one list of all; and one at instance level.
fn destinations() -> Vec<Resource> {
    let named =
        |name: &'static str, config: Json| Resource::new("sapcalm_destination", name, config);
    vec![
        named("a", json!({})),
        named("b", json!({ "name": "b" })),
        named("c", json!({ "name": "c" })),
        named("d", json!({ "level": "instance" })),
    ]
}

fn registration() -> Vec<Resource> {
    let config = json!({ "destination_name": "CloudALM", "verify": true });
    vec![Resource::new(
        "sapcalm_registration",
        "order_management",
        config,
    )]
}

async fn applied(world: &World, provider: &Served, resources: &[Resource]) -> Core {
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    tf.apply(resources).await.ok();
    tf
}

/// A fault for every request of a method below a path.
fn always(method: &str, path_prefix: &str, action: &Json) -> Json {
    json!({
        "match": { "method": method, "path_prefix": path_prefix },
        "times": null,
        "do": action,
    })
}

const PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";

fn page(status: u16, content_type: &str) -> Json {
    json!({ "status": status, "headers": { "Content-Type": content_type }, "body": PAGE })
}

/// Answers that are not SAP's word about anything.
fn not_saps_word() -> Vec<(&'static str, Json)> {
    let html = "text/html;charset=utf-8";
    let router = json!({ "X-Cf-Routererror": "unknown_route" });
    vec![
        (
            "a router's 404",
            json!({ "status": 404, "headers": router, "body": "404 Not Found: Requested route does not exist." }),
        ),
        (
            "a router's 404 in the form of the service",
            json!({ "status": 404, "headers": router, "body": { "ErrorMessage": "Configuration with the specified name was not found" } }),
        ),
        (
            "a 404 in the form of something else",
            json!({ "status": 404, "body": { "error": "not found" } }),
        ),
        ("a bare 404", json!({ "status": 404 })),
        ("HTML with 200", page(200, html)),
        ("HTML with 404", page(404, html)),
        ("HTML with 500", page(500, html)),
        (
            "HTML that says it is JSON, with 200",
            page(200, "application/json"),
        ),
        (
            "HTML that says it is text, with 404",
            page(404, "text/plain"),
        ),
        ("a truncated answer", json!({ "truncate_bytes": 1 })),
        ("JSON that is no list", json!({ "body": {} })),
        (
            "null",
            json!({ "status": 200, "body": "null", "headers": { "Content-Type": "application/json" } }),
        ),
        ("410", json!({ "status": 410 })),
        (
            "a redirect",
            json!({ "status": 302, "headers": { "Location": "/login" } }),
        ),
        ("503", json!({ "status": 503 })),
    ]
}

/// Answers to a read that would empty a list, if one believed them.
fn nothing_at_all() -> Vec<(&'static str, Json)> {
    let empty_list = |content_type: &str| json!({ "status": 200, "headers": { "Content-Type": content_type }, "body": "[]" });
    vec![
        (
            "an empty body with 200",
            json!({ "status": 200, "body": "" }),
        ),
        ("no content", json!({ "status": 204 })),
        ("an empty list in a page", empty_list("text/html")),
        ("an empty list as text", empty_list("text/plain")),
        ("a list of nothing", json!({ "body": [{}] })),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_saps_word_makes_a_destination_absent() {
    let world = World::documented().await;
    let provider = Served::start();
    let resources = destinations();
    let mut tf = applied(&world, &provider, &resources).await;
    let before = tf.state.clone();
    for (what, action) in [not_saps_word(), nothing_at_all()].concat() {
        world.fault(always("GET", DESTINATIONS, &action)).await;
        for outcome in [tf.plan(&resources).await, tf.refresh().await] {
            let mut blamed: Vec<&str> = outcome
                .diags
                .errors()
                .map(|error| error.address.as_str())
                .collect();
            blamed.sort_unstable();
            let all = ["a", "b", "c", "d"].map(|name| format!("sapcalm_destination.{name}"));
            assert_eq!(blamed, all, "{what}:\n{}", outcome.diags);
            println!(
                "{what}: {}\n",
                outcome.fails_with("Cannot read destination")
            );
        }
        assert!(tf.state == before, "{what}: the state changed");
        world.clear_faults().await;
        tf.assert_empty_plan(&resources).await;
    }
    assert_eq!(world.destinations().await.len(), 3);
    world.stop().await;
}

/// The control: SAP's own word is believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saps_word_makes_a_destination_absent() {
    let world = World::documented().await;
    let provider = Served::start();
    let resources = destinations();
    let mut tf = applied(&world, &provider, &resources).await;
    world.set_destinations(&[]).await;
    let plan = tf.plan(&resources).await.ok();
    for name in ["a", "b", "c"] {
        let address = format!("sapcalm_destination.{name}");
        assert_eq!(plan.action(&address), Action::Create);
    }
    assert_eq!(plan.action("sapcalm_destination.d"), Action::NoOp);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_that_sap_did_not_answer_forgets_no_destination() {
    let world = World::documented().await;
    let provider = Served::start();
    let resources = destinations();
    let mut tf = applied(&world, &provider, &resources).await;
    let ids = |tf: &Core| -> Vec<String> { tf.state.current.keys().cloned().collect() };
    let before = ids(&tf);
    let empty = (
        "an empty body with 200",
        json!({ "status": 200, "body": "" }),
    );
    let mut answers = not_saps_word();
    answers.extend([empty, ("no content", json!({ "status": 204 }))]);
    // Cut off after the deletion, an answer is as good as none: SAP's list tells.
    answers.retain(|(what, _)| *what != "a truncated answer");
    for (what, action) in answers {
        world.fault(always("DELETE", DESTINATIONS, &action)).await;
        let outcome = tf.destroy().await;
        println!(
            "{what}: {}\n",
            outcome.fails_with("Cannot delete destination")
        );
        assert_eq!(ids(&tf), before, "{what}");
        assert_eq!(world.destinations().await.len(), 3, "{what}");
        world.clear_faults().await;
        tf.assert_empty_plan(&resources).await;
    }
    world
        .fault(always(
            "DELETE",
            DESTINATIONS,
            &json!({ "truncate_bytes": 1 }),
        ))
        .await;
    tf.destroy().await.ok();
    assert!(tf.state.is_empty());
    assert!(world.destinations().await.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_sap_did_not_answer_keeps_the_destination_and_is_repeated() {
    let world = World::documented().await;
    let provider = Served::start();
    let config = |description: &str| {
        let config = json!({ "description": description });
        [Resource::new("sapcalm_destination", "a", config)]
    };
    let mut tf = applied(&world, &provider, &config("before")).await;
    for (what, action) in not_saps_word() {
        if what == "a truncated answer" {
            continue;
        }
        world.fault(always("PATCH", DESTINATIONS, &action)).await;
        world.fault(always("PUT", DESTINATIONS, &action)).await;
        let after = config(what);
        let outcome = tf.apply(&after).await;
        println!("{what}: {}\n", outcome.diags);
        if outcome.diags.has_errors() {
            let error = outcome.fails_with("Cannot update destination");
            assert!(!error.detail.contains("was deleted"), "{error}");
        } else {
            let warning = outcome.warns("Update not visible");
            assert!(warning.detail.contains("`Description`"), "{warning}");
        }
        assert_eq!(
            world.destinations().await[0]["Description"],
            "before",
            "{what}"
        );
        world.clear_faults().await;
        let plan = tf.plan(&after).await.ok();
        assert_eq!(
            plan.action("sapcalm_destination.a"),
            Action::Update,
            "{what}"
        );
        tf.apply(&config("before")).await.ok();
        tf.assert_empty_plan(&config("before")).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_the_landscapes_word_makes_a_registration_missing() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = applied(&world, &provider, &destinations()[..1]).await;
    tf.forget("sapcalm_destination.a");
    let resources = registration();
    tf.apply(&resources).await.ok();
    tf.refresh().await.ok();
    let before = tf.state.clone();
    assert_eq!(tf.object(REGISTRATION)["status"], "registered");
    for (what, action) in not_saps_word() {
        world.fault(always("GET", LANDSCAPE, &action)).await;
        let plan = tf.plan(&resources).await.ok();
        plan.assert_empty();
        println!(
            "{what}: {}\n",
            plan.warns("Cannot read the Cloud ALM landscape")
        );
        tf.refresh().await.ok();
        assert!(tf.state == before, "{what}: the state changed");
        world.clear_faults().await;
        tf.assert_empty_plan(&resources).await;
    }
    assert!(world.is_registered().await);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offboarding_that_sap_did_not_answer_forgets_no_registration() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = applied(&world, &provider, &destinations()[..1]).await;
    tf.forget("sapcalm_destination.a");
    let resources = registration();
    tf.apply(&resources).await.ok();
    for (what, action) in not_saps_word() {
        // To offboarding any 2xx of the service is a success, also without JSON.
        let status = action["status"].as_u64().unwrap_or(200);
        if status < 300 && !what.starts_with("HTML") {
            continue;
        }
        world.fault(always("POST", "/omf", &action)).await;
        let outcome = tf.destroy().await;
        println!("{what}: {}\n", outcome.diags);
        if status == 410 {
            // The service's own word for "not registered".
            assert!(!outcome.diags.has_errors(), "{what}: {}", outcome.diags);
            world.clear_faults().await;
            tf.apply(&resources).await.ok();
            continue;
        }
        outcome.fails_with("Cannot offboard from Integration Monitoring");
        assert!(tf.state.current.contains_key(REGISTRATION), "{what}");
        assert!(world.is_registered().await, "{what}");
        world.clear_faults().await;
        tf.refresh().await.ok();
        tf.assert_empty_plan(&resources).await;
    }
    world.stop().await;
}
