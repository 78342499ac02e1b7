use reqwest::Method;
use serde_json::{Value, json};

use super::Rig;

async fn seeded(knobs: Value, objects: Value) -> Rig {
    let rig = Rig::with_knobs(knobs).await;
    let state = json!({"subaccounts": {"acme-calm": {"landscape": objects}}});
    let answer = rig.control(Method::PATCH, "/state", Some(state)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    rig
}

fn three() -> Value {
    json!([
        {"lmsId": "a", "name": "one", "objectType": "CloudService", "role": "PROD"},
        {"lmsId": "b", "name": "two", "objectType": "CloudService", "role": "TEST"},
        {"lmsId": "c", "name": "three", "objectType": "TechnicalSystem"},
    ])
}

async fn ids(rig: &Rig, query: &str) -> Vec<String> {
    let answer = rig.landscape(query).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let list: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
    list.iter()
        .map(|object| object["lmsId"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_landscape_is_a_bare_array_of_objects() {
    let rig = seeded(json!({}), three()).await;
    assert_eq!(rig.landscape("").await.json(), three());
    let rig = seeded(json!({}), json!([])).await;
    assert_eq!(rig.landscape("").await.body, "[]");
}

#[tokio::test]
async fn filters_are_joined_and_repeated_keys_are_alternatives() {
    let rig = seeded(json!({}), three()).await;
    assert_eq!(ids(&rig, "?lmsId=b").await, ["b"]);
    assert_eq!(ids(&rig, "?lmsId=b&lmsId=c").await, ["b", "c"]);
    assert_eq!(ids(&rig, "?objectType=CloudService&role=TEST").await, ["b"]);
    assert!(ids(&rig, "?name=nobody").await.is_empty());
    rig.set_knobs(json!({"cloud_alm": {"filters": false}}))
        .await;
    assert_eq!(ids(&rig, "?lmsId=b").await.len(), 3);
}

#[tokio::test]
async fn limit_and_offset_page_within_the_largest_page() {
    let rig = seeded(json!({"cloud_alm": {"page_size": 2}}), three()).await;
    assert_eq!(ids(&rig, "").await, ["a", "b"]);
    assert_eq!(ids(&rig, "?limit=100").await, ["a", "b"]);
    assert_eq!(ids(&rig, "?limit=1&offset=1").await, ["b"]);
    assert_eq!(ids(&rig, "?limit=2&offset=2").await, ["c"]);
    assert_eq!(rig.landscape("?limit=x").await.status, 400);
}

#[tokio::test]
async fn an_empty_result_can_be_an_empty_body() {
    let rig = seeded(json!({"cloud_alm": {"empty_body": true}}), json!([])).await;
    let answer = rig.landscape("").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn an_object_can_be_hidden_or_late() {
    let rig = seeded(json!({"cloud_alm": {"landscape_visible": false}}), three()).await;
    assert!(ids(&rig, "").await.is_empty());

    let rig = Rig::with_knobs(json!({"cloud_alm": {"landscape_delay_ms": 1500}})).await;
    rig.create(rig.cloud_alm_destination()).await;
    let answer = rig.order_management(Method::POST, "/v1/registration").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(ids(&rig, "").await.is_empty());
    rig.forward(1500).await;
    assert_eq!(ids(&rig, "").await.len(), 1);
}

#[tokio::test]
async fn only_the_right_token_with_the_right_scope_reads() {
    let rig = seeded(json!({"cloud_alm": {"scope_granted": false}}), three()).await;
    let path = "/api/calm-landscape/v1/landscapeObjects";
    assert_eq!(rig.send(rig.request(Method::GET, path)).await.status, 401);
    let foreign = rig.token("destination").await;
    let answer = rig
        .send(rig.request(Method::GET, path).bearer_auth(foreign))
        .await;
    assert_eq!(answer.status, 403);
    let answer = rig.landscape("").await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.json(),
        json!({"error": {"code": "403", "message": "Forbidden"}})
    );
    rig.set_knobs(json!({"cloud_alm": {"error_body": "text"}}))
        .await;
    assert_eq!(rig.landscape("").await.body, "Forbidden");
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let rig = Rig::plain().await;
    let token = rig.token("cloud-alm").await;
    let ask = |method, path: &str| rig.send(rig.request(method, path).bearer_auth(&token));
    let path = "/api/calm-landscape/v1/landscapeObjects";
    assert_eq!(ask(Method::POST, path).await.status, 405);
    assert_eq!(
        ask(Method::GET, "/api/calm-landscape/v1/nothing")
            .await
            .status,
        404
    );
}
