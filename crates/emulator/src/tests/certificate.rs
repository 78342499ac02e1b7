use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Rig};
use crate::Options;

fn pem() -> String {
    let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
    made.cert.pem()
}

fn body(name: &str, content: &str) -> Value {
    json!({ "Name": name, "Type": "CERTIFICATE", "Content": STANDARD.encode(content) })
}

async fn create(rig: &Rig, body: &Value) -> Answer {
    let path = "/subaccountCertificates";
    rig.destinations(Method::POST, path, Some(body.clone()))
        .await
}

async fn get(rig: &Rig, path: &str) -> Answer {
    rig.destinations(Method::GET, path, None).await
}

#[tokio::test]
async fn a_certificate_lives_on_its_level_and_beside_the_destinations() {
    let rig = Rig::plain().await;
    let certificate = body("a.pem", &pem());
    let made = create(&rig, &certificate).await;
    assert_eq!((made.status.as_u16(), made.body.as_str()), (201, ""));
    let read = get(&rig, "/subaccountCertificates/a.pem").await;
    assert_eq!(read.json(), certificate);
    assert_eq!(read.header("etag").len(), 64);
    let listed = get(&rig, "/subaccountCertificates").await.json();
    assert_eq!(listed, json!([certificate]));
    let filter = "/subaccountCertificates?$filter=Name%20in%20(%27a.pem%27)";
    let filter = format!("{filter}&$includeMetadata=etag");
    let listed = get(&rig, &filter).await.json();
    assert_eq!(listed[0]["$metadata"]["etag"], read.header("etag"));
    for other in [
        "/instanceCertificates/a.pem",
        "/subaccountDestinations/a.pem",
    ] {
        assert_eq!(get(&rig, other).await.status, 404, "{other}");
    }

    let again = create(&rig, &certificate).await;
    assert_eq!(
        (again.status.as_u16(), again.body.as_str()),
        (409, "Duplicate key")
    );
    let path = "/subaccountCertificates";
    let renewed = body("a.pem", &pem());
    let put = rig.destinations(Method::PUT, path, Some(renewed.clone()));
    assert_eq!(put.await.json(), json!({"Count": 1}));
    assert_eq!(
        get(&rig, "/subaccountCertificates/a.pem").await.json(),
        renewed
    );
    let missing = rig.destinations(Method::PUT, path, Some(body("b.pem", &pem())));
    assert_eq!(missing.await.status, 404);
    let refused = rig.destinations(Method::PATCH, path, Some(renewed)).await;
    assert_eq!(refused.status, 405);

    let item = "/subaccountCertificates/a.pem";
    let gone = rig.destinations(Method::DELETE, item, None).await;
    assert_eq!(gone.json(), json!({"Count": 1}));
    let gone = rig.destinations(Method::DELETE, item, None).await;
    assert_eq!(gone.status, 404);
    assert!(gone.json()["ErrorMessage"].is_string());
}

#[tokio::test]
async fn certificates_have_a_limit_of_their_own_and_errors_in_either_form() {
    let rig = Rig::with_knobs(json!({ "destination": {
        "entity_limit": 1, "error_body": "text", "missing_delete": "count_zero",
    } }))
    .await;
    assert_eq!(rig.create(super::simple("a")).await.status, 201);
    assert_eq!(create(&rig, &body("a.pem", &pem())).await.status, 201);
    let full = create(&rig, &body("b.pem", &pem())).await;
    assert_eq!(full.status, 400);
    assert_eq!(full.body, "The maximum number of certificates is reached");
    let wrong = create(&rig, &body("c.p12", &pem())).await;
    assert!(wrong.body.starts_with("Invalid certificate"), "{wrong:?}");
    let item = "/subaccountCertificates/nowhere.pem";
    let gone = rig.destinations(Method::DELETE, item, None).await;
    assert_eq!(gone.json(), json!({"Count": 0}));
}

#[tokio::test]
async fn the_content_is_told_as_the_knob_says() {
    let rig = Rig::plain().await;
    let pem = pem();
    create(&rig, &body("a.pem", &pem)).await;
    let content = async |form: &str| {
        let knobs = json!({ "destination": { "certificate_content": form } });
        rig.set_knobs(knobs).await;
        let read = get(&rig, "/subaccountCertificates/a.pem").await.json();
        read["Content"].as_str().map(ToOwned::to_owned)
    };
    assert_eq!(content("verbatim").await, Some(STANDARD.encode(&pem)));
    let wrapped = content("wrapped").await.unwrap();
    assert!(wrapped.lines().all(|line| line.len() <= 76));
    assert_eq!(wrapped.replace("\r\n", ""), STANDARD.encode(&pem));
    assert_ne!(content("rewritten").await, Some(STANDARD.encode(&pem)));
    assert_eq!(content("masked").await, Some(STANDARD.encode("***")));
    assert_eq!(content("withheld").await, None);
}

#[tokio::test]
async fn the_state_shows_certificates_and_sets_them() {
    let rig = Rig::plain().await;
    create(&rig, &body("a.pem", &pem())).await;
    let state = rig.control(Method::GET, "/state", None).await.json();
    let orders = &state["subaccounts"]["acme-orders"];
    assert_eq!(orders["certificates"][0]["properties"]["Name"], "a.pem");
    let other = json!([{ "properties": body("b.pem", &pem()) }]);
    let change = json!({ "subaccounts": { "acme-orders": { "certificates": other } } });
    rig.control(Method::PATCH, "/state", Some(change)).await;
    let listed = get(&rig, "/subaccountCertificates?$select=Name").await;
    assert_eq!(listed.json(), json!([{ "Name": "b.pem" }]));
}

/// A destination that proves itself with the certificate of the Cloud ALM key.
fn mutual_tls(rig: &Rig) -> (Value, Value) {
    let uaa = rig.uaa("cloud-alm-x509");
    let text = |name: &str| uaa[name].as_str().unwrap().to_owned();
    let certificate = body(
        "calm.pem",
        &format!("{}{}", text("certificate"), text("key")),
    );
    let destination = json!({
        "Name": "CloudALM",
        "Type": "HTTP",
        "URL": rig.key("cloud-alm-x509")["endpoints"]["Api"],
        "ProxyType": "Internet",
        "Authentication": "OAuth2ClientCredentials",
        "clientId": text("clientid"),
        "tokenServiceURL": format!("{}/oauth/token", text("certurl")),
        "tokenServiceURLType": "Dedicated",
        "tokenService.KeyStoreLocation": "calm.pem",
    });
    (certificate, destination)
}

#[tokio::test]
async fn finding_fetches_the_token_with_the_certificate() {
    let options = Options {
        tls: true,
        ..Options::default()
    };
    let rig = Rig::start(options).await;
    let (certificate, destination) = mutual_tls(&rig);
    assert_eq!(rig.create(destination).await.status, 201);
    let find = async || {
        let token = rig.token("destination").await;
        let path = "/destination-configuration/v2/destinations/CloudALM@subaccount";
        let request = rig.request(Method::GET, path).bearer_auth(token);
        rig.send(request).await.json()
    };
    let error = find().await["authTokens"][0]["error"].clone();
    assert!(
        error.as_str().unwrap().contains("'calm.pem' was not found"),
        "{error}"
    );

    assert_eq!(create(&rig, &certificate).await.status, 201);
    let found = find().await;
    assert_eq!(found["authTokens"][0]["type"], "Bearer", "{found}");
    assert_eq!(found["certificates"], json!([certificate]));
    // The certificate of a key that was replaced is worth nothing.
    let rotated = rig.control(Method::POST, "/rotate/cloud-alm", None).await;
    assert_eq!(rotated.status, 204);
    let error = find().await["authTokens"][0]["error"].clone();
    assert!(error.as_str().unwrap().contains("401"), "{error}");

    let registered = rig.order_management(Method::POST, "/v1/registration").await;
    assert_eq!(registered.status, 424);
    let (certificate, _) = mutual_tls(&rig);
    let path = "/subaccountCertificates";
    rig.destinations(Method::PUT, path, Some(certificate)).await;
    let registered = rig.order_management(Method::POST, "/v1/registration").await;
    assert_eq!(registered.status, 200, "{}", registered.body);
}

fn ordered(attributes: &Value) -> Value {
    let mut all = json!({ "CN": "calm", "Validity": { "TimeUnit": "DAYS", "Value": 30 } });
    let all_of_it = all.as_object_mut().unwrap();
    all_of_it.extend(attributes.as_object().unwrap().clone());
    json!({ "Name": "a.pem", "Attributes": all })
}

async fn file(rig: &Rig) -> String {
    let read = get(rig, "/subaccountCertificates/a.pem").await.json();
    let content = STANDARD.decode(read["Content"].as_str().unwrap());
    String::from_utf8(content.unwrap()).unwrap()
}

#[tokio::test]
async fn a_certificate_is_made_from_attributes_and_renewed_when_its_time_has_come() {
    const DAY: u64 = 24 * 3600 * 1000;
    let rig = Rig::plain().await;
    let forward = async |days: u64| {
        let change = json!({ "forward_ms": days * DAY });
        let moved = rig.control(Method::POST, "/clock", Some(change)).await;
        assert_eq!(moved.status, 204);
    };
    for renew in [true, false] {
        let made = create(&rig, &ordered(&json!({ "AutomaticRenew": renew }))).await;
        assert_eq!((made.status.as_u16(), made.body.as_str()), (201, ""));
        let first = file(&rig).await;
        assert_eq!(first.matches("BEGIN CERTIFICATE").count(), 3);
        assert_eq!(first.matches("BEGIN PRIVATE KEY").count(), 1);
        let item = "/subaccountCertificates/a.pem";
        let read = get(&rig, item).await;
        assert!(read.json().get("Attributes").is_none());
        forward(26).await;
        assert_eq!(file(&rig).await, first);
        forward(1).await;
        assert_eq!(file(&rig).await != first, renew);
        let renewed = get(&rig, item).await;
        assert_eq!(renewed.header("etag") != read.header("etag"), renew);
        let path = "/subaccountCertificates";
        let again = rig.destinations(Method::PUT, path, Some(ordered(&json!({}))));
        assert_eq!(again.await.json(), json!({"Count": 1}));
        assert_ne!(file(&rig).await, first);
        rig.destinations(Method::DELETE, item, None).await;
    }
}

#[tokio::test]
async fn what_cannot_be_made_is_refused() {
    let rig = Rig::plain().await;
    for attributes in [
        json!({ "CN": "" }),
        json!({ "CN": "a".repeat(65) }),
        json!({ "Validity": { "TimeUnit": "WEEKS", "Value": 1 } }),
        json!({ "Validity": { "TimeUnit": "DAYS", "Value": 0 } }),
        json!({ "Validity": { "TimeUnit": "YEARS", "Value": 60_000 } }),
        json!({ "CSR": "no base64" }),
        json!({ "Password": "x" }),
    ] {
        let refused = create(&rig, &ordered(&attributes)).await;
        assert_eq!(refused.status, 400, "{attributes}");
    }
    let mut key_store = ordered(&json!({}));
    key_store["Name"] = "a.p12".into();
    assert_eq!(create(&rig, &key_store).await.status, 400);
}
