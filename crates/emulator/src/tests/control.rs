use reqwest::Method;
use serde_json::{Value, json};

use super::{Options, Rig, simple};
use crate::Knobs;

async fn state(rig: &Rig) -> Value {
    rig.control(Method::GET, "/state", None).await.json()
}

async fn change(rig: &Rig, method: Method, state: Value) {
    let answer = rig.control(method, "/state", Some(state)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

fn orders(state: &Value) -> &Value {
    &state["subaccounts"]["acme-orders"]
}

async fn busy() -> Rig {
    let rig = Rig::plain().await;
    rig.create(rig.cloud_alm_destination()).await;
    let body = Some(simple("own"));
    rig.destinations(Method::POST, "/instanceDestinations", body)
        .await;
    let answer = rig.order_management(Method::POST, "/v1/registration").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    rig
}

#[tokio::test]
async fn the_state_shows_everything_secrets_included() {
    let rig = busy().await;
    let state = state(&rig).await;
    let orders = orders(&state);
    let tenant = rig.key("destination")["tenantid"].clone();
    let id = format!("CO_prod_{}", tenant.as_str().unwrap());
    assert_eq!(orders["id"], tenant);
    assert_eq!(
        orders["destinations"][0]["properties"],
        rig.cloud_alm_destination()
    );
    assert_eq!(orders["registration"]["lms_id"], id);
    let instance = rig.key("destination")["instanceid"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        orders["instances"][instance][0]["properties"],
        simple("own")
    );
    let landscape = &state["subaccounts"]["acme-calm"]["landscape"];
    assert_eq!(landscape[0]["lmsId"], id);
}

#[tokio::test]
async fn the_state_can_be_written_back_unchanged() {
    let rig = busy().await;
    let before = state(&rig).await;
    change(&rig, Method::PUT, before.clone()).await;
    assert_eq!(state(&rig).await, before);
}

#[tokio::test]
async fn put_empties_what_is_left_out() {
    let rig = busy().await;
    change(&rig, Method::PUT, json!({})).await;
    let after = state(&rig).await;
    let orders = orders(&after);
    assert_eq!(orders["destinations"], json!([]));
    assert_eq!(orders["registration"], Value::Null);
    let instances = orders["instances"].as_object().unwrap().values();
    assert!(instances.into_iter().all(|list| *list == json!([])));
    assert_eq!(after["subaccounts"]["acme-calm"]["landscape"], json!([]));
    assert_eq!(rig.list("").await.body, "[]");
}

#[tokio::test]
async fn patch_leaves_alone_what_is_left_out() {
    let rig = busy().await;
    let before = state(&rig).await;
    let none = json!({"subaccounts": {"acme-orders": {"registration": null}}});
    change(&rig, Method::PATCH, none).await;
    let mut wanted = before.clone();
    wanted["subaccounts"]["acme-orders"]["registration"] = Value::Null;
    assert_eq!(state(&rig).await, wanted);
}

#[tokio::test]
async fn a_change_outside_gets_a_new_etag() {
    let rig = busy().await;
    let mut document = state(&rig).await;
    let before = orders(&document)["destinations"][0].clone();
    document["subaccounts"]["acme-orders"]["destinations"][0]["properties"]["URL"] =
        json!("https://elsewhere.example");
    change(&rig, Method::PUT, document).await;
    let after = orders(&state(&rig).await)["destinations"][0].clone();
    assert_ne!(after["etag"], before["etag"]);
    assert!(after["modification_time"].as_u64() > before["modification_time"].as_u64());
    assert_eq!(after["properties"]["URL"], "https://elsewhere.example");
}

#[tokio::test]
async fn a_seed_needs_properties_only_and_may_say_more() {
    let rig = Rig::plain().await;
    let document = json!({"subaccounts": {"acme-orders": {"destinations": [
        {"properties": simple("a")},
        {"properties": simple("b"), "etag": "e", "modification_time": 5,
         "labels": [{"key": "k", "values": ["v"]}]},
    ]}}});
    change(&rig, Method::PUT, document).await;
    let list = rig
        .list("?$includeMetadata=etag;modification_time;labels")
        .await
        .json();
    assert_eq!(list[0]["$metadata"]["etag"].as_str().unwrap().len(), 64);
    assert_eq!(
        list[1]["$metadata"],
        json!({"etag": "e", "modification_time": "5", "labels": [{"key": "k", "values": ["v"]}]})
    );
}

#[tokio::test]
async fn a_document_with_a_mistake_changes_nothing() {
    let rig = busy().await;
    let before = state(&rig).await;
    for wrong in [
        json!({"subacounts": {}}),
        json!({"subaccounts": {"acme-orders": {"destinations": [{"properties": {"Type": "HTTP"}}]}}}),
        json!({"subaccounts": {"acme-orders": {"destinations": [{"properties": {"Name": 1}}]}}}),
    ] {
        let answer = rig.control(Method::PUT, "/state", Some(wrong)).await;
        assert_eq!(answer.status, 400);
        assert!(answer.json()["error"].is_string());
    }
    assert_eq!(state(&rig).await, before);
}

#[tokio::test]
async fn knobs_are_replaced_or_changed_one_by_one() {
    let rig = Rig::plain().await;
    let read = async || -> Knobs {
        let body = rig.control(Method::GET, "/knobs", None).await.body;
        serde_json::from_str(&body).unwrap()
    };
    assert_eq!(read().await, Knobs::default());
    rig.set_knobs(json!({"token": {"lifetime_s": 7}})).await;
    rig.set_knobs(json!({"latency_ms": 1})).await;
    assert_eq!(
        (read().await.token.lifetime_s, read().await.latency_ms),
        (7, 1)
    );
    let answer = rig
        .control(Method::PUT, "/knobs", Some(json!({"latency_ms": 2})))
        .await;
    assert_eq!(answer.status, 204);
    assert_eq!(read().await.token.lifetime_s, 43_200);
    let wrong = rig
        .control(Method::PATCH, "/knobs", Some(json!({"latency": 2})))
        .await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("latency"), "{}", wrong.body);
}

#[tokio::test]
async fn knobs_about_keys_write_the_keys_again() {
    let rig = Rig::plain().await;
    assert!(rig.key("order-management").get("uaa").is_some());
    rig.set_knobs(json!({"order_management": {"key_shape": "flat"}}))
        .await;
    assert!(rig.key("order-management").get("uaa").is_none());
}

#[tokio::test]
async fn expired_tokens_are_rejected_and_new_ones_work() {
    let rig = Rig::plain().await;
    let token = rig.token("destination").await;
    rig.control(Method::POST, "/tokens/expire", None).await;
    let path = "/destination-configuration/v1/subaccountDestinations";
    let answer = rig
        .send(rig.request(Method::GET, path).bearer_auth(token))
        .await;
    assert_eq!(answer.status, 401);
    let journal = rig.journal().await;
    let client = &journal.last().unwrap()["client_id"];
    assert_eq!(
        *client,
        rig.key("destination")["clientid"],
        "it is known whose it was"
    );
    assert_eq!(rig.list("").await.status, 200);
}

#[tokio::test]
async fn a_rotated_secret_replaces_the_old_one() {
    let rig = Rig::plain().await;
    rig.create(rig.cloud_alm_destination()).await;
    let old = rig.uaa("cloud-alm");
    let answer = rig.control(Method::POST, "/rotate/cloud-alm", None).await;
    assert_eq!(answer.status, 204);
    let new = rig.uaa("cloud-alm");
    assert_ne!(old["clientsecret"], new["clientsecret"]);
    assert_eq!(old["clientid"], new["clientid"]);
    assert_eq!(rig.token_answer("cloud-alm", &[]).await.status, 200);
    let answer = rig.order_management(Method::POST, "/v1/registration").await;
    assert_eq!(answer.status, 424, "the destination has the old secret");
    let unknown = rig.control(Method::POST, "/rotate/nothing", None).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn faults_are_listed_and_removed() {
    let rig = Rig::plain().await;
    rig.add_fault(json!({"do": {"status": 500}})).await;
    let listed = rig.control(Method::GET, "/faults", None).await.json();
    assert_eq!(listed[0]["do"]["status"], 500);
    assert_eq!(listed[0]["times"], 1);
    rig.control(Method::DELETE, "/faults", None).await;
    assert_eq!(rig.list("").await.status, 200);
    let wrong = rig
        .control(Method::POST, "/faults", Some(json!({"do": {"rest": 1}})))
        .await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn other_control_calls_are_refused() {
    let rig = Rig::plain().await;
    assert_eq!(
        rig.control(Method::POST, "/journal", None).await.status,
        405
    );
    assert_eq!(rig.control(Method::GET, "/nothing", None).await.status, 404);
}

#[tokio::test]
async fn a_scenario_brings_knobs_state_and_faults() {
    let scenario = json!({
        "knobs": {"token": {"lifetime_s": 60}},
        "state": {"subaccounts": {"acme-orders": {"destinations": [{"properties": simple("a")}]}}},
        "faults": [{"match": {"path_prefix": "/destination-configuration"}, "do": {"status": 503}}]
    });
    let options = Options {
        scenario: serde_json::from_value(scenario).unwrap(),
        destinations: 2,
        ..Options::default()
    };
    let rig = Rig::start(options).await;
    assert_eq!(
        rig.token_answer("destination", &[]).await.json()["expires_in"],
        59
    );
    assert_eq!(rig.list("").await.status, 503);
    assert_eq!(
        rig.list("").await.json()[0],
        simple("a"),
        "a seeded list replaces `destinations`"
    );
}

#[tokio::test]
async fn the_keys_look_like_saps() {
    let rig = Rig::plain().await;
    let destination = rig.key("destination");
    assert_eq!(destination["uri"], rig.emulator.url());
    assert_eq!(destination["identityzone"], "acme-orders");
    assert_eq!(destination["credential-type"], "binding-secret");
    let cloud_alm = rig.key("cloud-alm");
    assert_eq!(cloud_alm["endpoints"], json!({"Api": rig.url("/api")}));
    let orders = rig.key("order-management");
    assert_eq!(
        orders["endpoints"]["integration-monitoring-api"],
        rig.url("/omf/integration-monitoring")
    );
    let secret = orders["uaa"]["clientsecret"].as_str().unwrap();
    for sign in ['$', '+', '='] {
        assert!(secret.contains(sign), "{secret}");
    }
}

#[tokio::test]
async fn a_chosen_keys_directory_stays_after_the_end() {
    let chosen = tempfile::tempdir().unwrap();
    let keys = chosen.path().join("keys");
    let options = Options {
        keys: Some(keys.clone()),
        tls: true,
        ..Options::default()
    };
    let rig = Rig::start(options).await;
    assert_eq!(rig.emulator.keys_dir(), keys);
    rig.emulator.shutdown().await;
    for name in ["ca.pem", "destination.json", "order-management-x509.json"] {
        assert!(keys.join(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn a_page_in_a_browser_controls_nothing() {
    let rig = Rig::plain().await;
    for (header, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        let request = rig.request(Method::GET, "/_emulator/state");
        let answer = rig.send(request.header(header, value)).await;
        assert_eq!(answer.status, 404, "{header}");
    }
    let here = rig.request(Method::GET, "/_emulator/state");
    assert_eq!(rig.send(here).await.status, 200);
}
