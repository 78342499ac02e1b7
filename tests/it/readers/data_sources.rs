//! The data sources against the emulator, through the stand-in for Terraform
//! core.

use serde_json::{Value as Json, json};

use crate::support::core::{Core, Resource};
use crate::support::served::Served;
use crate::support::world::{Variant, World};

const ONE: &str = "sapcalm_destination";
const MANY: &str = "sapcalm_destinations";
const LANDSCAPE: &str = "sapcalm_landscape_objects";

async fn core(world: &World, provider: &Served) -> Core {
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    tf
}

fn names(found: &Json) -> Vec<&str> {
    let destinations = found["destinations"].as_object().unwrap();
    destinations.keys().map(String::as_str).collect()
}

/// A destination that holds every kind of property.
fn full() -> Json {
    json!({
        "Name": "full", "Type": "HTTP", "URL": "https://target.example/api",
        "ProxyType": "Internet", "Authentication": "OAuth2ClientCredentials",
        "clientId": "me", "clientSecret": "canary-1", "tokenServiceURL": "https://token.example",
        "tokenServiceURLType": "Dedicated", "Description": "Everything",
        "TrustAll": "false", "sap-client": "100",
        "Password": "canary-2", "URL.headers.apikey": "canary-3", "own-thing": "canary-4",
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destinations_and_landscape_are_read_in_every_variant() {
    let provider = Served::start();
    for variant in Variant::all() {
        println!("{}", variant.name);
        let landscape = variant.landscape;
        let world = World::start(variant).await;
        let mut tf = core(&world, &provider).await;
        let resources = [
            Resource::new("sapcalm_destination", "cloud_alm", json!({})),
            Resource::new(
                "sapcalm_registration",
                "order_management",
                world.registration("CloudALM"),
            )
            .depends_on(&["sapcalm_destination.cloud_alm"]),
        ];
        tf.apply(&resources).await.ok();
        let managed = tf.object("sapcalm_destination.cloud_alm");

        let one = tf.read_data(ONE, &json!({ "name": "CloudALM" })).await.ok();
        for attribute in [
            "id",
            "url",
            "type",
            "client_id",
            "token_service_url",
            "subaccount_id",
            "authentication",
            "proxy_type",
            "instance_id",
        ] {
            assert_eq!(one[attribute], managed[attribute], "{attribute}");
        }
        for told in ["etag", "modification_time"] {
            assert!(one[told].is_string(), "{told}");
        }
        assert_eq!(one["hidden_properties"], json!(["clientSecret"]));
        assert_eq!(one["level"], Json::Null, "as configured");

        for config in [
            json!({}),
            json!({ "names": ["CloudALM", "not there"] }),
            json!({ "name_prefix": "Cloud" }),
        ] {
            let many = tf.read_data(MANY, &config).await.ok();
            assert_eq!(names(&many), ["CloudALM"], "{config}");
            assert_eq!(many["subaccount_id"], managed["subaccount_id"]);
            assert_eq!(many["destinations"]["CloudALM"]["url"], managed["url"]);
        }
        for config in [
            json!({ "names": [] }),
            json!({ "names": ["cloudalm"] }),
            json!({ "name_prefix": "x" }),
            json!({ "level": "instance" }),
        ] {
            let many = tf.read_data(MANY, &config).await.ok();
            assert_eq!(names(&many), Vec::<&str>::new(), "{config}");
        }

        let read = tf
            .read_data(LANDSCAPE, &json!({ "object_type": "CloudService" }))
            .await;
        if landscape {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let ids = world.landscape().await;
            let by_id = tf
                .read_data(LANDSCAPE, &json!({ "lms_id": ids[0] }))
                .await
                .ok();
            let objects = by_id["objects"].as_array().unwrap();
            assert_eq!(objects.len(), 1);
            assert_eq!(objects[0]["lms_id"], ids[0].as_str());
            assert_eq!(objects[0]["object_type"], "CloudService");
        } else {
            read.fails_with("Cannot read the Cloud ALM landscape");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_source_shows_no_secret_and_names_what_it_hides() {
    let world = World::documented().await;
    world.set_destinations(&[full()]).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let one = tf.read_data(ONE, &json!({ "name": "full" })).await.ok();
    let many = tf.read_data(MANY, &json!({})).await.ok();
    let hidden = json!([
        "Password",
        "URL.headers.apikey",
        "clientSecret",
        "own-thing"
    ]);
    for (found, whole) in [(&one, &one), (&many["destinations"]["full"], &many)] {
        assert_eq!(found["description"], "Everything");
        assert_eq!(
            found["properties"],
            json!({ "TrustAll": "false", "sap-client": "100" })
        );
        assert_eq!(found["hidden_properties"], hidden);
        assert!(!whole.to_string().contains("canary"), "{whole}");
    }
    assert!(!tf.log().contains("canary"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destinations_are_found_by_label_and_by_names_that_need_escaping() {
    let world = World::start(
        Variant::all()
            .into_iter()
            .find(|variant| variant.name.contains("names and values lenient"))
            .unwrap(),
    )
    .await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let named = |label: &str, name: &str, labels: Json| {
        let config = json!({
            "name": name, "url": "https://a.example", "authentication": "NoAuthentication",
            "labels": labels,
        });
        Resource::new("sapcalm_destination", label, config)
    };
    tf.apply(&[
        named("a", "our team's app", json!({ "env": ["prod"] })),
        named("b", "our b+c&d", json!({ "env": ["q a", "test"] })),
        named("c", "other", json!({ "tier": ["prod"] })),
    ])
    .await
    .ok();
    for (config, expected) in [
        (
            json!({ "label": { "key": "env", "values": ["prod"] } }),
            &["our team's app"][..],
        ),
        (
            json!({ "label": { "key": "env", "values": ["q a", "x"] } }),
            &["our b+c&d"],
        ),
        (
            json!({ "label": { "key": "none", "values": ["prod"] } }),
            &[],
        ),
        (json!({ "name_prefix": "our team's" }), &["our team's app"]),
        (
            json!({ "names": ["our team's app", "our b+c&d", "nobody"] }),
            &["our b+c&d", "our team's app"],
        ),
    ] {
        let many = tf.read_data(MANY, &config).await.ok();
        assert_eq!(names(&many), expected, "{config}");
    }
    let one = tf
        .read_data(ONE, &json!({ "name": "our team's app" }))
        .await
        .ok();
    assert_eq!(one["labels"], json!({ "env": ["prod"] }));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_is_not_there_is_an_error_at_its_name() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    for (level, place, other) in [
        ("subaccount", "in the subaccount", "instance"),
        ("instance", "in the service instance", "subaccount"),
    ] {
        let config = json!({ "name": "missing", "level": level });
        let answer = tf.read_data(ONE, &config).await;
        let error = answer.fails_with("Destination not found");
        assert_eq!(error.path, "name");
        assert!(error.detail.contains("`missing`"), "{error}");
        assert!(error.detail.contains(place), "{error}");
        assert!(
            error.detail.contains(&format!("level = \"{other}\"")),
            "{error}"
        );
    }
    // What is not SAP's own word says nothing about it.
    for action in [
        json!({ "status": 404, "headers": { "X-Cf-Routererror": "unknown_route" } }),
        json!({ "status": 200, "headers": { "Content-Type": "text/html" }, "body": "<html></html>" }),
    ] {
        world
            .fault(json!({
                "match": { "path_prefix": "/destination-configuration" }, "times": null, "do": action,
            }))
            .await;
        let one = tf.read_data(ONE, &json!({ "name": "missing" })).await;
        one.fails_with("Cannot read destination");
        let many = tf.read_data(MANY, &json!({})).await;
        many.fails_with("Cannot list destinations");
        world.clear_faults().await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_cannot_be_had_or_says_nothing_is_reported_for_what_was_asked() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let key: Json = serde_json::from_str(&world.key("destination")).unwrap();
    let refuse = json!({
        "match": { "path_prefix": "/zones/acme-orders" }, "times": null,
        "do": { "status": 401, "body": { "error": "unauthorized" } },
    });
    world.fault(refuse).await;
    let one = tf.read_data(ONE, &json!({ "name": "a" })).await;
    one.fails_with("Cannot read destination");
    let many = tf.read_data(MANY, &json!({})).await;
    many.fails_with("Cannot list destinations");
    world.clear_faults().await;

    // A token of no known form, and a key that does not say whose it is either.
    let mut key = key.clone();
    for member in ["subaccountid", "tenantid", "zoneid"] {
        key.as_object_mut().unwrap().remove(member);
    }
    let silent = json!({
        "access_token": "opaque", "token_type": "bearer", "expires_in": 3600, "scope": "",
    });
    for (path, body) in [
        ("/zones/acme-orders", silent),
        ("/destination-configuration", json!([])),
    ] {
        world
            .fault(json!({
                "match": { "path_prefix": path }, "times": null,
                "do": { "status": 200, "body": body },
            }))
            .await;
    }
    let mut block = world.provider();
    block["destination_service_key"] = key.to_string().into();
    tf.configure(block);
    let many = tf.read_data(MANY, &json!({})).await;
    let warnings = many.diags.warning_summaries();
    assert_eq!(warnings, ["Unknown subaccount"]);
    assert_eq!(many.ok()["subaccount_id"], Json::Null);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_null_element_is_an_error_at_its_place() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    for (config, path) in [
        (json!({ "names": ["a", null] }), "names"),
        (
            json!({ "label": { "key": "a", "values": [null] } }),
            "label.values",
        ),
    ] {
        let error = tf.read_data(MANY, &config).await;
        assert_eq!(error.fails_with("Null element").path, path);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_question_is_an_error_before_anybody_is_asked() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    for (ty, config, path) in [
        (ONE, json!({ "name": "a/b" }), "name"),
        (ONE, json!({ "name": "a", "level": "global" }), "level"),
        (
            ONE,
            json!({ "name": "a", "timeouts": { "read": "soon" } }),
            "timeouts.read",
        ),
        (MANY, json!({ "name_prefix": "" }), "name_prefix"),
        (
            MANY,
            json!({ "label": { "key": "a", "values": [] } }),
            "label.values",
        ),
        (LANDSCAPE, json!({ "role": "" }), "role"),
    ] {
        let answer = tf.read_data(ty, &config).await;
        assert_eq!(answer.fails_with("Invalid attribute value").path, path);
    }
    for config in [
        json!({ "names": ["a"], "name_prefix": "a" }),
        json!({ "names": ["a"], "label": { "key": "a", "values": ["b"] } }),
        json!({ "name_prefix": "a", "label": { "key": "a", "values": ["b"] } }),
    ] {
        let answer = tf.read_data(MANY, &config).await;
        assert!(answer.diags.has_errors(), "{config}");
    }
    assert_eq!(world.journal().await.len(), 0);

    let mut without_keys = world.provider();
    for key in ["destination_service_key", "cloud_alm_service_key"] {
        without_keys.as_object_mut().unwrap().remove(key);
    }
    tf.configure(without_keys);
    for (ty, config) in [
        (ONE, json!({ "name": "a" })),
        (MANY, json!({})),
        (LANDSCAPE, json!({})),
    ] {
        let answer = tf.read_data(ty, &config).await;
        let key = if ty == LANDSCAPE {
            "CLOUD_ALM"
        } else {
            "DESTINATION"
        };
        let error = answer.fails_with("Missing service key");
        assert!(
            error.detail.contains(&format!("SAPCALM_{key}_SERVICE_KEY")),
            "{error}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_landscape_is_filtered_sorted_and_read_to_its_end() {
    let world = World::documented().await;
    let ids: Vec<String> = (0..150).rev().map(|n| format!("CO_prod_{n:03}")).collect();
    world.set_landscape(&ids).await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let all = tf.read_data(LANDSCAPE, &json!({})).await.ok();
    let objects = all["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 150);
    assert_eq!(objects[0]["lms_id"], "CO_prod_000");
    assert_eq!(objects[149]["lms_id"], "CO_prod_149");
    assert!(all["subaccount_id"].is_string());
    let none = tf
        .read_data(LANDSCAPE, &json!({ "object_type": "TechnicalSystem" }))
        .await
        .ok();
    assert_eq!(none["objects"], json!([]));
    world.forget_journal().await;
    let config = json!({
        "name": "n", "service_type": "s", "role": "r", "system_number": "y", "external_id": "e",
        "deployment_model": "d", "source": "o",
    });
    tf.read_data(LANDSCAPE, &config).await.ok();
    let journal = world.journal().await;
    let path = journal.last().unwrap()["path"].as_str().unwrap().to_owned();
    for parameter in [
        "name=n",
        "serviceType=s",
        "role=r",
        "systemNumber=y",
        "externalId=e",
        "deploymentModel=d",
        "source=o",
    ] {
        assert!(path.contains(parameter), "{path}");
    }
    world
        .turn(json!({ "cloud_alm": { "scope_granted": false } }))
        .await;
    world.expire_tokens().await;
    let mut tf = core(&world, &provider).await;
    let denied = tf.read_data(LANDSCAPE, &json!({})).await;
    let error = denied.fails_with("Cannot read the Cloud ALM landscape");
    assert!(
        error.detail.contains("`calm-api.landscape.read`"),
        "{error}"
    );
    assert!(!error.detail.contains("verify"), "{error}");
    world.stop().await;
}
