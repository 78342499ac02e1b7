use reqwest::Method;
use serde_json::{Value, json};

use super::{Rig, simple};

const SUCCESS: &str = "Registration for Integration Monitoring was successful";

async fn register(rig: &Rig) -> super::Answer {
    rig.order_management(Method::POST, "/v1/registration").await
}

async fn offboard(rig: &Rig) -> super::Answer {
    rig.order_management(Method::POST, "").await
}

async fn ready(knobs: Value) -> Rig {
    let rig = Rig::with_knobs(knobs).await;
    let created = rig.create(rig.cloud_alm_destination()).await;
    assert_eq!(created.status, 201, "{}", created.body);
    rig
}

/// The landscape ids that Cloud ALM shows.
async fn landscape_ids(rig: &Rig) -> Vec<String> {
    let answer = rig.landscape("").await;
    let list = answer.json();
    let ids = list.as_array().unwrap().iter();
    ids.map(|object| object["lmsId"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn registering_reaches_cloud_alm_through_the_destination() {
    let rig = ready(json!({})).await;
    let answer = register(&rig).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json(), json!({"message": SUCCESS}));
    let tenant = rig.uaa("order-management")["tenantid"].clone();
    let id = format!("CO_prod_{}", tenant.as_str().unwrap());
    assert_eq!(landscape_ids(&rig).await, [id]);

    let own: Vec<Value> = rig.journal().await;
    let own: Vec<String> = own
        .iter()
        .filter(|entry| entry["caller"] == "order-management")
        .map(|entry| {
            format!(
                "{} {}",
                entry["method"].as_str().unwrap(),
                entry["path"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        own,
        [
            "POST /zones/acme-calm/oauth/token",
            "POST /api/landscape-management/v1/Registration"
        ]
    );
}

#[tokio::test]
async fn a_missing_destination_fails_the_registration() {
    let rig = Rig::plain().await;
    let answer = register(&rig).await;
    assert_eq!(answer.status, 424);
    assert_eq!(
        answer.json()["error"]["message"],
        "Destination CloudALM cannot be used: it was not found at subaccount level"
    );
}

#[tokio::test]
async fn a_destination_at_instance_level_does_not_count() {
    let rig = Rig::plain().await;
    let body = rig.cloud_alm_destination();
    rig.destinations(Method::POST, "/instanceDestinations", Some(body))
        .await;
    assert_eq!(register(&rig).await.status, 424);
}

#[tokio::test]
async fn every_wrong_value_of_the_destination_fails_the_registration() {
    let rig = ready(json!({})).await;
    let origin = rig.emulator.url().to_owned();
    for (key, wrong, reason) in [
        ("clientSecret", "wrong".to_owned(), "401"),
        ("clientId", "wrong".to_owned(), "401"),
        (
            "tokenServiceURL",
            format!("{origin}/zones/acme-calm"),
            "404",
        ),
        (
            "tokenServiceURL",
            "http://127.0.0.1:1/oauth/token".to_owned(),
            "error sending",
        ),
        (
            "tokenServiceURL",
            "https://sap.example/oauth/token".to_owned(),
            "cannot be reached",
        ),
        ("URL", origin.clone(), "404"),
        ("URL", format!("{origin}/api/"), "404"),
        (
            "URL",
            "https://eu10.alm.cloud.sap/api".to_owned(),
            "cannot be reached",
        ),
        ("ProxyType", "OnPremise".to_owned(), "'ProxyType' must be"),
    ] {
        let mut body = rig.cloud_alm_destination();
        body[key] = json!(wrong);
        rig.destinations(Method::PUT, "/subaccountDestinations", Some(body))
            .await;
        let answer = register(&rig).await;
        assert_eq!(answer.status, 424, "{key} = {wrong}");
        assert!(answer.body.contains(reason), "{}", answer.body);
    }
    assert!(landscape_ids(&rig).await.is_empty());
    let other = simple("CloudALM");
    rig.destinations(Method::PUT, "/subaccountDestinations", Some(other))
        .await;
    assert!(
        register(&rig)
            .await
            .body
            .contains("'Authentication' must be")
    );
}

#[tokio::test]
async fn the_token_of_another_service_does_not_register() {
    let rig = ready(json!({})).await;
    let path = "/omf/integration-monitoring/v1/registration";
    let none = rig.send(rig.request(Method::POST, path)).await;
    assert_eq!(none.status, 401);
    assert_eq!(none.json()["error"]["message"], "Unauthorized");
    let foreign = rig.token("destination").await;
    let answer = rig
        .send(rig.request(Method::POST, path).bearer_auth(foreign))
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_token_without_the_scope_is_forbidden() {
    let rig = ready(json!({"order_management": {"scope_granted": false}})).await;
    assert_eq!(register(&rig).await.status, 403);
    assert_eq!(offboard(&rig).await.status, 403);

    let rig = ready(json!({})).await;
    let narrowed = rig
        .token_answer("order-management", &[("scope", "uaa.resource")])
        .await;
    let token = narrowed.json()["access_token"].as_str().unwrap().to_owned();
    let path = "/omf/integration-monitoring/v1/registration";
    let answer = rig
        .send(rig.request(Method::POST, path).bearer_auth(token))
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let rig = ready(json!({})).await;
    assert_eq!(
        rig.order_management(Method::GET, "/v1/registration")
            .await
            .status,
        405
    );
    assert_eq!(rig.order_management(Method::DELETE, "").await.status, 405);
    let unknown = rig.order_management(Method::POST, "/registrations").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.header("x-cf-routererror"),
        "",
        "the service's own 404"
    );
    assert_eq!(rig.order_management(Method::POST, "2").await.status, 404);
}

#[tokio::test]
async fn paths_and_methods_are_knobs() {
    let rig = ready(json!({"order_management": {
        "register_path": "", "register_method": "PUT",
        "offboard_path": "", "offboard_method": "DELETE"
    }}))
    .await;
    assert_eq!(register(&rig).await.status, 404);
    assert_eq!(rig.order_management(Method::POST, "").await.status, 405);
    assert_eq!(rig.order_management(Method::PUT, "").await.status, 200);
    assert_eq!(landscape_ids(&rig).await.len(), 1);
    assert_eq!(rig.order_management(Method::DELETE, "").await.status, 200);
    assert!(landscape_ids(&rig).await.is_empty());
}

#[tokio::test]
async fn headers_and_body_of_the_registration_are_knobs() {
    let rig = ready(json!({"order_management": {
        "register_headers": {"X-Wanted": "yes"}, "register_body": "json"
    }}))
    .await;
    let token = rig.token("order-management").await;
    let request = || {
        rig.request(Method::POST, "/omf/integration-monitoring/v1/registration")
            .bearer_auth(&token)
    };
    assert_eq!(rig.send(request().body("{}")).await.status, 400);
    let with_header = || request().header("X-Wanted", "yes");
    assert_eq!(rig.send(with_header()).await.status, 415);
    let no_json = with_header()
        .header("content-type", "application/json")
        .body("{");
    assert_eq!(rig.send(no_json).await.status, 400);
    assert_eq!(rig.send(with_header().json(&json!({}))).await.status, 200);

    rig.set_knobs(json!({"order_management": {"register_body": "empty"}}))
        .await;
    assert_eq!(rig.send(with_header().body("x")).await.status, 400);
    assert_eq!(rig.send(with_header()).await.status, 200);
}

#[tokio::test]
async fn registering_twice_is_200_or_409() {
    let rig = ready(json!({})).await;
    assert_eq!(register(&rig).await.status, 200);
    assert_eq!(register(&rig).await.status, 200);
    assert_eq!(landscape_ids(&rig).await.len(), 1);
    rig.set_knobs(json!({"order_management": {"already_registered": 409}}))
        .await;
    let answer = register(&rig).await;
    assert_eq!(answer.status, 409);
    assert_eq!(answer.json()["error"]["message"], "Already registered");
    rig.set_knobs(json!({"order_management": {"already_registered": 204}}))
        .await;
    let answer = register(&rig).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
}

#[tokio::test]
async fn offboarding_removes_the_landscape_object_unless_told_otherwise() {
    let rig = ready(json!({})).await;
    register(&rig).await;
    assert_eq!(offboard(&rig).await.status, 200);
    assert!(landscape_ids(&rig).await.is_empty());
    register(&rig).await;
    rig.set_knobs(json!({"cloud_alm": {"offboard_removes_object": false}}))
        .await;
    assert_eq!(offboard(&rig).await.status, 200);
    assert_eq!(landscape_ids(&rig).await.len(), 1);
}

#[tokio::test]
async fn offboarding_without_registration_is_200_or_404() {
    let rig = ready(json!({})).await;
    assert_eq!(offboard(&rig).await.status, 200);
    rig.set_knobs(json!({"order_management": {"not_registered": 404}}))
        .await;
    let answer = offboard(&rig).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["error"]["message"], "Not registered");
}

#[tokio::test]
async fn offboarding_needs_an_empty_body() {
    let rig = ready(json!({})).await;
    register(&rig).await;
    let token = rig.token("order-management").await;
    let request = rig.request(Method::POST, "/omf/integration-monitoring");
    let answer = rig.send(request.bearer_auth(token).body("{}")).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn offboarding_after_the_destination_is_gone_fails_unless_told_otherwise() {
    let rig = ready(json!({})).await;
    register(&rig).await;
    rig.destinations(Method::DELETE, "/subaccountDestinations/CloudALM", None)
        .await;
    assert_eq!(offboard(&rig).await.status, 424);
    rig.set_knobs(json!({"order_management": {"offboard_uses_destination": false}}))
        .await;
    assert_eq!(offboard(&rig).await.status, 200);
}

#[tokio::test]
async fn messages_are_json_or_text() {
    let rig = ready(json!({"order_management": {"messages": "text"}})).await;
    let answer = register(&rig).await;
    assert_eq!(answer.body, SUCCESS);
    assert_eq!(answer.header("content-type"), "text/plain;charset=UTF-8");
    assert_eq!(
        rig.order_management(Method::GET, "").await.body,
        "Method Not Allowed"
    );
}

#[tokio::test]
async fn the_form_of_the_url_is_a_knob() {
    let rig = ready(json!({"order_management": {"url_form": "origin"}})).await;
    assert_eq!(register(&rig).await.status, 424);
    for url in [
        rig.emulator.url().to_owned(),
        format!("{}/", rig.emulator.url()),
    ] {
        let mut body = rig.cloud_alm_destination();
        body["URL"] = json!(url);
        rig.destinations(Method::PUT, "/subaccountDestinations", Some(body))
            .await;
        assert_eq!(register(&rig).await.status, 200);
    }
}

#[tokio::test]
async fn the_environment_and_the_shape_of_the_key_are_knobs() {
    let rig = ready(json!({"order_management": {
        "environment": "eu10", "key_shape": "flat", "endpoint_form": "object",
        "endpoint_key": "monitoring", "scope_owner": "master"
    }}))
    .await;
    let key = rig.key("order-management");
    assert!(key["clientid"].is_string());
    assert_eq!(
        key["endpoints"]["monitoring"]["url"],
        rig.url("/omf/integration-monitoring")
    );
    let token = rig.token_answer("order-management", &[]).await;
    assert_eq!(
        token.json()["scope"],
        "uaa.resource dom!b99.IntegrationMonitoring"
    );
    assert_eq!(register(&rig).await.status, 200);
    assert!(landscape_ids(&rig).await[0].starts_with("CO_eu10_"));
}

#[tokio::test]
async fn order_management_sees_a_destination_after_the_propagation_only() {
    let rig = ready(json!({"destination": {"propagation_ms": 1500}})).await;
    assert_eq!(register(&rig).await.status, 424);
    rig.forward(1500).await;
    assert_eq!(register(&rig).await.status, 200);
}
