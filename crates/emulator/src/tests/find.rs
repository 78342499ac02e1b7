use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Rig, simple};

async fn find(rig: &Rig, path: &str) -> Answer {
    let token = rig.token("destination").await;
    let path = format!("/destination-configuration/{path}");
    rig.send(rig.request(Method::GET, &path).bearer_auth(token))
        .await
}

async fn with_cloud_alm(change: impl FnOnce(&mut Value)) -> Rig {
    let rig = Rig::plain().await;
    let mut body = rig.cloud_alm_destination();
    change(&mut body);
    assert_eq!(rig.create(body).await.status, 201);
    rig
}

#[tokio::test]
async fn finding_fetches_a_real_token() {
    let rig = with_cloud_alm(|_| {}).await;
    let body = find(&rig, "v1/destinations/CloudALM").await.json();
    assert_eq!(
        body["owner"],
        json!({"SubaccountId": rig.key("destination")["tenantid"], "InstanceId": null})
    );
    assert_eq!(
        body["destinationConfiguration"],
        rig.cloud_alm_destination()
    );
    let token = &body["authTokens"][0];
    assert_eq!(token["type"], "Bearer");
    assert_eq!(token["expires_in"], "43199");
    let header = token["http_header"]["value"].as_str().unwrap();
    let path = "/api/calm-landscape/v1/landscapeObjects";
    let request = rig
        .request(Method::GET, path)
        .header("authorization", header);
    assert_eq!(rig.send(request).await.status, 200, "the token is good");
}

#[tokio::test]
async fn a_token_that_cannot_be_fetched_is_an_error_in_a_success() {
    let rig = with_cloud_alm(|body| body["clientSecret"] = json!("wrong")).await;
    let answer = find(&rig, "v2/destinations/CloudALM@subaccount").await;
    assert_eq!(answer.status, 200);
    let token = answer.json()["authTokens"][0].clone();
    assert_eq!((&token["type"], &token["value"]), (&json!(""), &json!("")));
    let error = token["error"].as_str().unwrap();
    assert!(
        error.starts_with("Retrieval of OAuthToken failed due to: "),
        "{error}"
    );
    assert!(error.contains("401"), "{error}");
}

#[tokio::test]
async fn credentials_in_the_header_and_the_scope_are_used() {
    let rig = with_cloud_alm(|body| {
        body["tokenService.addClientCredentialsInBody"] = json!("false");
        body["scope"] = json!("uaa.resource");
    })
    .await;
    let body = find(&rig, "v1/destinations/CloudALM").await.json();
    assert_eq!(body["authTokens"][0]["scope"], "uaa.resource");
}

#[tokio::test]
async fn version_1_falls_back_and_version_2_does_not() {
    let rig = Rig::plain().await;
    rig.create(simple("a")).await;
    assert_eq!(find(&rig, "v1/destinations/a").await.status, 200);
    assert_eq!(find(&rig, "v2/destinations/a").await.status, 404);
    assert_eq!(find(&rig, "v2/destinations/a@subaccount").await.status, 200);
    assert_eq!(
        find(&rig, "v2/destinations/a@provider_subaccount")
            .await
            .status,
        200
    );
    assert_eq!(find(&rig, "v2/destinations/a@nowhere").await.status, 400);
    let mut instance = simple("a");
    instance["URL"] = json!("https://instance.example");
    rig.destinations(Method::POST, "/instanceDestinations", Some(instance))
        .await;
    let body = find(&rig, "v1/destinations/a").await.json();
    assert_eq!(
        body["destinationConfiguration"]["URL"],
        "https://instance.example"
    );
    assert_eq!(
        body["owner"]["InstanceId"],
        rig.key("destination")["instanceid"]
    );
    assert_eq!(find(&rig, "v2/destinations/a").await.status, 200);
}

#[tokio::test]
async fn version_2_names_owner_and_labels_on_request_only() {
    let rig = Rig::plain().await;
    rig.create(simple("a")).await;
    let plain = find(&rig, "v2/destinations/a@subaccount").await.json();
    assert!(plain.get("owner").is_none());
    assert_eq!(plain["authTokens"], json!([]));
    let path = "v2/destinations/a@subaccount?$includeMetadata=owner;labels";
    let metadata = find(&rig, path).await.json()["destinationConfiguration"]["$metadata"].clone();
    assert_eq!(
        metadata["owner"]["SubaccountId"],
        rig.key("destination")["tenantid"]
    );
    assert_eq!(metadata["labels"], json!([]));
}

#[tokio::test]
async fn token_and_credentials_can_be_skipped() {
    let rig = with_cloud_alm(|_| {}).await;
    let path = "v1/destinations/CloudALM?$skipTokenRetrieval=true&$skipCredentials=true";
    let body = find(&rig, path).await.json();
    assert!(body.get("authTokens").is_none());
    assert!(
        body["destinationConfiguration"]
            .get("clientSecret")
            .is_none()
    );
    assert!(body["destinationConfiguration"]["clientId"].is_string());
}

#[tokio::test]
async fn a_common_token_service_needs_the_tenant_and_a_dedicated_one_refuses_it() {
    let rig = with_cloud_alm(|body| {
        let origin = body["URL"].as_str().unwrap().trim_end_matches("/api");
        body["tokenServiceURL"] = json!(format!("{origin}/zones/{{tenant}}/oauth/token"));
        body["tokenServiceURLType"] = json!("Common");
    })
    .await;
    let token = rig.token("destination").await;
    let path = "/destination-configuration/v1/destinations/CloudALM";
    let ask = || rig.request(Method::GET, path).bearer_auth(&token);
    assert_eq!(rig.send(ask()).await.status, 400);
    let answer = rig.send(ask().header("x-tenant", "acme-calm")).await;
    assert_eq!(answer.json()["authTokens"][0]["type"], "Bearer");
    rig.destinations(
        Method::PUT,
        "/subaccountDestinations",
        Some(rig.cloud_alm_destination()),
    )
    .await;
    assert_eq!(
        rig.send(ask().header("x-tenant", "acme-calm")).await.status,
        400
    );
}

#[tokio::test]
async fn basic_credentials_become_a_header() {
    let rig = Rig::plain().await;
    rig.create(json!({
        "Name": "a", "Type": "HTTP", "Authentication": "BasicAuthentication",
        "User": "u", "Password": "p"
    }))
    .await;
    let body = find(&rig, "v1/destinations/a").await.json();
    assert_eq!(body["authTokens"][0]["http_header"]["value"], "Basic dTpw");
}
