//! The ephemeral access token and the functions against the emulator, through
//! the stand-in for Terraform core.

use emulator::Options;
use jiff::{SignedDuration, Timestamp};
use sapcalm::provider::FUNCTIONS;
use serde_json::{Value as Json, json};

use crate::support::core::{Core, unknown};
use crate::support::served::Served;
use crate::support::world::{Variant, World};

const TOKEN: &str = "sapcalm_access_token";

async fn core(world: &World, provider: &Served) -> Core {
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    tf
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_every_key_is_opened_in_every_variant() {
    let provider = Served::start();
    for variant in Variant::all() {
        println!("{}", variant.name);
        let world = World::start(variant).await;
        let mut tf = core(&world, &provider).await;
        for key in ["destination", "order_management", "cloud_alm"] {
            let config = json!({ "service_key": key });
            let opened = tf.open_ephemeral(TOKEN, &config, 0).await.ok();
            assert_eq!(opened["token_type"], "bearer");
            assert!(opened["access_token"].as_str().unwrap().len() > 20);
            assert!(opened["subaccount_id"].is_string() && opened["tenant_id"].is_string());
            assert!(!opened["granted_scopes"].as_array().unwrap().is_empty());
            let end: Timestamp = opened["expires_at"].as_str().unwrap().parse().unwrap();
            let left = end.duration_since(Timestamp::now());
            assert!(
                left > SignedDuration::from_hours(11) && left <= SignedDuration::from_hours(12)
            );
            assert_eq!(end.subsec_nanosecond(), 0, "in whole seconds");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_can_be_used_and_carries_the_scope_that_was_asked_for() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let destination = json!({ "service_key": "destination" });
    let opened = tf.open_ephemeral(TOKEN, &destination, 2).await.ok();
    let list = format!(
        "{}/destination-configuration/v1/subaccountDestinations",
        world.url()
    );
    let token = opened["access_token"].as_str().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(&list).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(!tf.log().contains(token));

    let config = json!({ "service_key": "order_management" });
    let all = tf.open_ephemeral(TOKEN, &config, 0).await.ok();
    let scopes = all["granted_scopes"].as_array().unwrap();
    assert!(scopes.len() > 1);
    let wanted = scopes
        .iter()
        .filter_map(Json::as_str)
        .find(|scope| scope.ends_with(".IntegrationMonitoring"))
        .unwrap();
    let config = json!({ "service_key": "order_management", "scope": wanted });
    let one = tf.open_ephemeral(TOKEN, &config, 0).await.ok();
    assert_eq!(one["granted_scopes"], json!([wanted]));
    let config = json!({ "service_key": "order_management", "scope": "" });
    let none = tf.open_ephemeral(TOKEN, &config, 0).await.ok();
    assert_eq!(none["granted_scopes"], all["granted_scopes"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_cannot_be_had_is_an_error_that_says_what_to_do() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let config = json!({ "service_key": "cloud_alm", "scope": "nobody.HasThis" });
    let refused = tf.open_ephemeral(TOKEN, &config, 0).await;
    let error = refused.fails_with("Cannot get an access token");
    assert_eq!(error.path, "scope");
    assert!(error.detail.contains("`cloud_alm_service_key`"), "{error}");
    let config = json!({ "service_key": "cloud" });
    let wrong = tf.open_ephemeral(TOKEN, &config, 0).await;
    assert_eq!(
        wrong.fails_with("Invalid attribute value").path,
        "service_key"
    );

    let mut block = world.provider();
    block
        .as_object_mut()
        .unwrap()
        .remove("cloud_alm_service_key");
    tf.configure(block);
    let config = json!({ "service_key": "cloud_alm" });
    let missing = tf.open_ephemeral(TOKEN, &config, 0).await;
    let error = missing.fails_with("Missing service key");
    assert!(
        error.detail.contains("SAPCALM_CLOUD_ALM_SERVICE_KEY"),
        "{error}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_a_key_that_the_same_run_makes_is_unknown_while_planning() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let mut at_plan = world.provider();
    at_plan["cloud_alm_service_key"] = unknown();
    tf.configure_at_plan(at_plan);
    let config = json!({ "service_key": "cloud_alm" });
    let opened = tf.open_ephemeral(TOKEN, &config, 0).await;
    let warnings = opened.diags.warning_summaries();
    assert_eq!(warnings, ["Unknown provider configuration"]);
    let opened = opened.ok();
    assert_eq!(opened["service_key"], "cloud_alm");
    for computed in ["access_token", "expires_at", "granted_scopes", "tenant_id"] {
        assert_eq!(opened[computed], unknown(), "{computed}");
    }
    // The key that is known is used.
    let config = json!({ "service_key": "destination" });
    let opened = tf.open_ephemeral(TOKEN, &config, 0).await.ok();
    assert!(opened["access_token"].is_string());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_key_is_taken_apart_in_every_variant() {
    let provider = Served::start();
    for variant in Variant::all() {
        println!("{}", variant.name);
        let world = World::start(variant).await;
        let mut tf = provider.core().await;
        for (file, service) in [
            ("destination", Some("destination")),
            ("order-management", Some("order_management")),
            ("cloud-alm", Some("cloud_alm")),
        ] {
            let text = world.key(file);
            let key: Json = serde_json::from_str(&text).unwrap();
            let uaa = if key["uaa"].is_object() {
                &key["uaa"]
            } else {
                &key
            };
            let called = tf.call_function("parse_service_key", &[json!(text)]).await;
            let parts = called.ok().unwrap();
            // An endpoint of another name tells nothing about the service.
            if !parts["service"].is_null() {
                assert_eq!(parts["service"], service.unwrap());
            }
            assert_eq!(parts["client_id"], uaa["clientid"]);
            assert_eq!(parts["credential_type"], "secret");
            assert_eq!(parts["xsappname"], uaa["xsappname"]);
            assert!(
                !parts
                    .to_string()
                    .contains(uaa["clientsecret"].as_str().unwrap())
            );
            let url = tf
                .call_function("token_service_url", &[json!(text)])
                .await
                .ok();
            assert_eq!(url.unwrap(), parts["token_service_url"]);
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_x509_key_tells_the_end_of_its_certificate() {
    let options = Options {
        tls: true,
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    let text = world.key("cloud-alm-x509");
    let parts = tf.call_function("parse_service_key", &[json!(text)]).await;
    let parts = parts.ok().unwrap();
    assert_eq!(parts["credential_type"], "x509");
    let end: Timestamp = parts["certificate_expires_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(end > Timestamp::now());
    assert!(!parts.to_string().contains("PRIVATE KEY") && !parts.to_string().contains("BEGIN"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_function_answers_and_blames_the_right_argument() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    let key = world.key("cloud-alm");
    let api = serde_json::from_str::<Json>(&key).unwrap()["endpoints"]["Api"].clone();
    let api = api.as_str().unwrap();
    let origin = api.strip_suffix("/api").unwrap();
    let good = [
        (
            "lms_id",
            vec![json!("prod"), json!("1-2")],
            json!("CO_prod_1-2"),
        ),
        ("cloud_alm_url", vec![json!(key), Json::Null], json!(api)),
        (
            "cloud_alm_url",
            vec![json!(key), json!("verbatim")],
            json!(api),
        ),
        (
            "cloud_alm_url",
            vec![json!(key), json!("origin")],
            json!(origin),
        ),
        (
            "cloud_alm_url",
            vec![json!(key), json!("origin_with_slash")],
            json!(format!("{origin}/")),
        ),
    ];
    for (name, arguments, expected) in good {
        let returned = tf.call_function(name, &arguments).await.ok();
        assert_eq!(returned.unwrap(), expected, "{name}");
    }
    let bad = [
        ("lms_id", vec![json!(""), json!("1")], 0),
        ("lms_id", vec![json!("prod"), json!("CO_prod_1")], 1),
        ("cloud_alm_url", vec![json!("canary"), Json::Null], 0),
        (
            "cloud_alm_url",
            vec![json!(world.key("destination")), Json::Null],
            0,
        ),
        ("cloud_alm_url", vec![json!(key), json!("canary")], 1),
        (
            "token_service_url",
            vec![json!("{\"clientid\": \"canary\"}")],
            0,
        ),
        ("parse_service_key", vec![json!("canary")], 0),
    ];
    for (name, arguments, argument) in bad {
        let error = tf.call_function(name, &arguments).await.ok().unwrap_err();
        assert_eq!(error.argument, Some(argument), "{name}: {}", error.text);
        assert!(!error.text.contains("canary"), "{}", error.text);
    }
    for function in FUNCTIONS {
        let name = function.definition().name;
        assert!(tf.schema().await.functions.contains_key(name), "{name}");
    }
    // Nobody was asked.
    assert_eq!(world.journal().await.len(), 0);
    world.stop().await;
}
