use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Options, Rig, ca};
use crate::{DestinationKey, Emulator};

const ZONE: &str = "/zones/acme-orders";

/// A token request with a Basic header and this form.
async fn basic(rig: &Rig, id: &str, secret: &str, form: &[(&str, &str)]) -> Answer {
    let credentials = STANDARD.encode(format!("{id}:{secret}"));
    let request = rig
        .request(Method::POST, &format!("{ZONE}/oauth/token"))
        .header("authorization", format!("Basic {credentials}"))
        .form(form);
    rig.send(request).await
}

fn claims(answer: &Answer) -> Value {
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_token_comes_with_the_fields_of_xsuaa() {
    let rig = Rig::plain().await;
    let answer = rig.token_answer("order-management", &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        "application/json;charset=UTF-8"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 43_199);
    assert_eq!(
        body["scope"],
        "uaa.resource omf-demo!b4711|dom!b99.IntegrationMonitoring"
    );
    assert!(body.get("refresh_token").is_none());
}

#[tokio::test]
async fn the_claims_name_tenant_instance_and_audience() {
    let rig = Rig::plain().await;
    let claims = claims(&rig.token_answer("destination", &[]).await);
    let key = rig.key("destination");
    assert_eq!(claims["zid"], key["tenantid"]);
    assert_eq!(
        claims["ext_attr"],
        json!({
            "enhancer": "XSUAA", "subaccountid": key["tenantid"], "zdn": "acme-orders",
            "serviceinstanceid": key["instanceid"]
        })
    );
    for name in ["sub", "client_id", "cid", "azp"] {
        assert_eq!(claims[name], key["clientid"], "{name}");
    }
    assert_eq!(claims["aud"], json!([key["clientid"], "uaa"]));
    assert_eq!(claims["scope"], json!(["uaa.resource"]));
    let url = text(&key["url"]);
    assert_eq!(claims["iss"], format!("{url}/oauth/token"));
    let (issued, expires) = (&claims["iat"], &claims["exp"]);
    assert_eq!(expires.as_u64().unwrap() - issued.as_u64().unwrap(), 43_200);
}

#[tokio::test]
async fn the_signature_fits_the_key_set() {
    let rig = Rig::plain().await;
    let token = rig.token("destination").await;
    let (content, signature) = token.rsplit_once('.').unwrap();
    let keys = rig
        .send(rig.request(Method::GET, &format!("{ZONE}/token_keys")))
        .await;
    let key = keys.json()["keys"][0].clone();
    let decode = |name: &str| URL_SAFE_NO_PAD.decode(text(&key[name])).unwrap();
    let public = RsaPublicKeyComponents {
        n: decode("n"),
        e: decode("e"),
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    public
        .verify(&RSA_PKCS1_2048_8192_SHA256, content.as_bytes(), &signature)
        .unwrap();
    assert_eq!(key["value"], rig.key("destination")["verificationkey"]);
}

#[tokio::test]
async fn the_openid_configuration_names_the_endpoints() {
    let rig = Rig::plain().await;
    let url = text(&rig.key("destination")["url"]).to_owned();
    let path = format!("{url}/.well-known/openid-configuration");
    let body = rig.send(rig.http.get(path)).await.json();
    assert_eq!(body["token_endpoint"], format!("{url}/oauth/token"));
    assert_eq!(
        body["token_endpoint_auth_methods_supported"],
        json!(["client_secret_basic", "client_secret_post"])
    );
    assert!(body.get("mtls_endpoint_aliases").is_none());
}

/// What SAP's libraries do with a key: they take the origin of `url` and append
/// `/oauth/token`, and `uaadomain` and append `/token_keys`.
#[tokio::test]
async fn a_token_service_has_an_origin_of_its_own_without_a_path() {
    let rig = Rig::start(Options {
        tls: true,
        ..Options::default()
    })
    .await;
    let plain = rig.key("destination");
    let x509 = rig.key("destination-x509");
    let other = rig.uaa("cloud-alm");
    let mut origins = vec![
        rig.emulator.url(),
        text(&plain["url"]),
        text(&x509["certurl"]),
        text(&other["url"]),
    ];
    for origin in &origins {
        let url = url::Url::parse(origin).unwrap();
        assert_eq!(url.origin().ascii_serialization(), *origin);
    }
    origins.sort_unstable();
    origins.dedup();
    assert_eq!(origins.len(), 4);
    assert_eq!(x509["url"], plain["url"]);

    let keys = format!("https://{}/token_keys", text(&plain["uaadomain"]));
    let keys = rig.send(rig.http.get(keys)).await;
    assert_eq!(keys.json()["keys"][0]["value"], plain["verificationkey"]);
    let other_services = format!("{}/api", text(&plain["url"]));
    assert_eq!(rig.send(rig.http.get(other_services)).await.status, 404);
    let control = format!("{}/_emulator/state", text(&plain["url"]));
    assert_eq!(rig.send(rig.http.get(control)).await.status, 404);
}

#[tokio::test]
async fn the_journal_and_faults_call_a_token_service_by_its_zone() {
    let rig = Rig::plain().await;
    let fault = json!({"match": {"path_prefix": "/zones/acme-orders/"}, "do": {"status": 503}});
    rig.add_fault(fault).await;
    assert_eq!(rig.token_answer("cloud-alm", &[]).await.status, 200);
    assert_eq!(rig.token_answer("destination", &[]).await.status, 503);
    let journal = rig.journal().await;
    let paths: Vec<&str> = journal.iter().map(|entry| text(&entry["path"])).collect();
    assert_eq!(
        paths,
        [
            "/zones/acme-calm/oauth/token",
            "/zones/acme-orders/oauth/token"
        ]
    );
}

#[tokio::test]
async fn only_post_gets_a_token() {
    let rig = Rig::plain().await;
    let path = format!("{ZONE}/oauth/token?grant_type=client_credentials");
    let answer = rig.send(rig.request(Method::GET, &path)).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.json()["error"], "method_not_allowed");
}

#[tokio::test]
async fn basic_credentials_are_raw_unless_declared_as_encoded() {
    let rig = Rig::plain().await;
    let key = rig.uaa("destination");
    let (id, secret) = (text(&key["clientid"]), text(&key["clientsecret"]));
    let grant = [("grant_type", "client_credentials")];
    assert_eq!(basic(&rig, id, secret, &grant).await.status, 200);

    let encode = |part: &str| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string();
    assert_eq!(
        basic(&rig, &encode(id), &encode(secret), &grant)
            .await
            .status,
        401
    );
    let credentials = STANDARD.encode(format!("{}:{}", encode(id), encode(secret)));
    let request = rig
        .request(Method::POST, &format!("{ZONE}/oauth/token"))
        .header("authorization", format!("Basic {credentials}"))
        .header("x-cf-encoded-credentials", "true")
        .form(&grant);
    assert_eq!(rig.send(request).await.status, 200);
}

#[tokio::test]
async fn two_different_clients_in_one_request_are_refused() {
    let rig = Rig::plain().await;
    let key = rig.uaa("destination");
    let form = [("grant_type", "client_credentials"), ("client_id", "other")];
    let answer = basic(
        &rig,
        text(&key["clientid"]),
        text(&key["clientsecret"]),
        &form,
    )
    .await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.json(),
        json!({
            "error": "invalid_client",
            "error_description": "Given client ID does not match authenticated client"
        })
    );
}

#[tokio::test]
async fn bad_credentials_look_as_in_uaa_or_as_the_knob_says() {
    let rig = Rig::plain().await;
    let ask = async |form: &[(&str, &str)]| {
        let path = format!("{ZONE}/oauth/token");
        rig.send(rig.request(Method::POST, &path).form(form)).await
    };
    let id = text(&rig.uaa("destination")["clientid"]).to_owned();
    let grant = ("grant_type", "client_credentials");
    for form in [
        vec![grant, ("client_id", &id), ("client_secret", "wrong")],
        vec![grant, ("client_id", &id)],
        vec![grant, ("client_id", "unknown"), ("client_secret", "x")],
        vec![grant],
    ] {
        let answer = ask(&form).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.json(),
            json!({"error": "unauthorized", "error_description": "Bad credentials"})
        );
        assert_eq!(
            answer.header("www-authenticate"),
            "Basic realm=\"UAA/client\", error=\"unauthorized\", error_description=\"Bad credentials\""
        );
    }
    rig.set_knobs(json!({"token": {"unauthorized_body": "invalid_client"}}))
        .await;
    assert_eq!(
        ask(&[grant]).await.json(),
        json!({"error": "invalid_client", "error_description": "Client authentication failed"})
    );
    rig.set_knobs(json!({"token": {"unauthorized_body": "text"}}))
        .await;
    assert_eq!(ask(&[grant]).await.body, "Client authentication failed");
}

#[tokio::test]
async fn credentials_in_json_are_no_credentials() {
    let rig = Rig::plain().await;
    let key = rig.uaa("destination");
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": key["clientid"], "client_secret": key["clientsecret"]
    });
    let request = rig
        .request(Method::POST, &format!("{ZONE}/oauth/token"))
        .json(&body);
    assert_eq!(rig.send(request).await.status, 401);
}

#[tokio::test]
async fn other_grants_are_refused() {
    let rig = Rig::plain().await;
    let key = rig.uaa("destination");
    let (id, secret) = (text(&key["clientid"]), text(&key["clientsecret"]));
    let missing = basic(&rig, id, secret, &[]).await;
    assert_eq!(missing.status, 400);
    assert_eq!(
        missing.json(),
        json!({"error": "invalid_request", "error_description": "Missing grant type"})
    );
    let other = basic(&rig, id, secret, &[("grant_type", "password")]).await;
    assert_eq!(other.status, 400);
    assert_eq!(other.json()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn a_scope_narrows_and_a_foreign_one_fails_the_request() {
    let rig = Rig::plain().await;
    let scope = "omf-demo!b4711|dom!b99.IntegrationMonitoring";
    let answer = rig
        .token_answer("order-management", &[("scope", scope)])
        .await;
    assert_eq!(answer.json()["scope"], scope);
    let both = format!("{scope} foreign.Scope");
    let answer = rig
        .token_answer("order-management", &[("scope", &both)])
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({
            "error": "invalid_scope",
            "error_description": "foreign.Scope is invalid. Please use a valid scope name in the request"
        })
    );
    rig.set_knobs(json!({"token": {"scope": "ignore"}})).await;
    let answer = rig
        .token_answer("order-management", &[("scope", &both)])
        .await;
    assert_eq!(answer.json()["scope"], scope);
}

#[tokio::test]
async fn an_unknown_zone_is_not_found() {
    let rig = Rig::plain().await;
    let request = rig.request(Method::POST, "/zones/nobody/oauth/token");
    let answer = rig
        .send(request.form(&[("grant_type", "client_credentials")]))
        .await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.json()["error_description"],
        "The subdomain does not map to a valid identity zone"
    );
}

#[tokio::test]
async fn a_client_has_no_tokens_in_a_foreign_zone_unless_it_subscribed() {
    let options = Options {
        destination_keys: vec!["other=acme-other".parse::<DestinationKey>().unwrap()],
        ..Options::default()
    };
    let rig = Rig::start(options).await;
    let key = rig.uaa("destination");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", text(&key["clientid"])),
        ("client_secret", text(&key["clientsecret"])),
    ];
    let ask = || {
        rig.request(Method::POST, "/zones/acme-other/oauth/token")
            .form(&form)
    };
    assert_eq!(rig.send(ask()).await.status, 401);
    rig.set_knobs(json!({"token": {"subscribers": ["acme-other"]}}))
        .await;
    let answer = rig.send(ask()).await;
    let other = rig.key("destination-other")["tenantid"].clone();
    assert_eq!(claims(&answer)["zid"], other);

    let by_id = rig
        .request(Method::POST, "/zones/acme-orders/oauth/token")
        .header("x-zid", text(&other))
        .form(&form);
    assert_eq!(claims(&rig.send(by_id).await)["zid"], other);
}

#[tokio::test]
async fn tokens_expire() {
    let rig = Rig::with_knobs(json!({"token": {"lifetime_s": 2}})).await;
    let token = rig.token("destination").await;
    let path = "/destination-configuration/v1/subaccountDestinations";
    let ask = || rig.send(rig.request(Method::GET, path).bearer_auth(&token));
    assert_eq!(ask().await.status, 200);
    rig.forward(2000).await;
    assert_eq!(ask().await.status, 401);
}

#[tokio::test]
async fn a_token_can_hide_its_tenant() {
    let rig = Rig::with_knobs(json!({"token": {"format": "jwt_without_tenant"}})).await;
    let answer = rig.token_answer("destination", &[]).await;
    assert!(claims(&answer).get("zid").is_none());
    assert_eq!(claims(&answer)["ext_attr"], json!({"enhancer": "XSUAA"}));
    assert_eq!(rig.list("").await.status, 200);
    rig.set_knobs(json!({"token": {"format": "opaque"}})).await;
    assert!(!rig.token("destination").await.contains('.'));
    assert_eq!(rig.list("").await.status, 200);
}

#[tokio::test]
async fn an_x509_key_gets_a_token_with_its_certificate_only() {
    let rig = Rig::start(Options {
        tls: true,
        ..Options::default()
    })
    .await;
    let key = rig.key("destination-x509");
    assert!(key.get("clientsecret").is_none());
    assert_eq!(key["credential-type"], "x509");
    let private_key = text(&key["key"]);
    assert!(private_key.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    let with_certificate = |key: &Value| {
        let pem = format!("{}{}", text(&key["certificate"]), text(&key["key"]));
        reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([ca(&rig.emulator)])
            .identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap())
            .build()
            .unwrap()
    };
    let url = format!("{}/oauth/token", text(&key["certurl"]));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", text(&key["clientid"])),
    ];
    let own = with_certificate(&key)
        .post(&url)
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(own.status(), 200);

    let foreign = with_certificate(&rig.uaa("cloud-alm-x509"));
    let foreign = foreign.post(&url).form(&form).send().await.unwrap();
    assert_eq!(foreign.status(), 401);
    let none = rig.http.post(&url).form(&form).send().await.unwrap();
    assert_eq!(none.status(), 401);
}

#[tokio::test]
async fn an_expired_certificate_gets_no_token_and_a_rotated_key_a_new_one() {
    let rig = Rig::start(Options {
        tls: true,
        certificate_lifetime: std::time::Duration::ZERO,
        ..Options::default()
    })
    .await;
    let key = rig.key("destination-x509");
    let pem = format!("{}{}", text(&key["certificate"]), text(&key["key"]));
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([ca(&rig.emulator)])
        .identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", text(&key["clientid"])),
    ];
    let url = format!("{}/oauth/token", text(&key["certurl"]));
    let request = client.build().unwrap().post(url).form(&form);
    assert_eq!(request.send().await.unwrap().status(), 401);

    let rotate = rig.request(Method::POST, "/_emulator/rotate/destination");
    assert_eq!(rig.send(rotate).await.status, 204);
    let renewed = rig.key("destination-x509");
    assert_ne!(renewed["certificate"], key["certificate"]);
    assert_ne!(renewed["key"], key["key"]);
    assert_eq!(renewed["clientid"], key["clientid"]);
}

#[tokio::test]
async fn a_host_name_is_in_all_keys_and_in_the_certificate() {
    let emulator = Emulator::start(Options {
        tls: true,
        host: Some("sap.test".to_owned()),
        ..Options::default()
    })
    .await
    .unwrap();
    let base = format!("https://sap.test:{}", emulator.address().port());
    assert_eq!(emulator.url(), base);
    let http = reqwest::Client::builder()
        .no_proxy()
        .resolve("sap.test", emulator.address())
        .tls_certs_only([ca(&emulator)])
        .build()
        .unwrap();
    let answer = http.get(format!("{base}/_emulator/journal")).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    for file in ["destination", "order-management", "cloud-alm"] {
        let path = emulator.keys_dir().join(format!("{file}.json"));
        let key = std::fs::read_to_string(path).unwrap();
        assert!(key.contains(&base) && !key.contains("127.0.0.1"), "{key}");
    }
}
