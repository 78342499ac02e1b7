//! The main job at the edges of its keys: every kind and shape from every
//! source, keys that another resource of the same run makes, and keys that are
//! missing, wrong, broken or expired.

use std::collections::BTreeMap;
use std::time::Duration;

use emulator::Options;
use serde_json::{Value as Json, json};

use crate::support::core::{Action, Core, Outcome, Resource, unknown};
use crate::support::feature::Feature;
use crate::support::page::{Page, assert_no_secret};
use crate::support::workspace::Workspace;
use crate::support::world::{Variant, World};

const DESTINATION: &str = "sapcalm_destination.cloud_alm";
const REGISTRATION: &str = "sapcalm_registration.order_management";

/// Attribute of the provider block and name of the key file, for every service.
const KEYS: [(&str, &str); 3] = [
    ("destination_service_key", "destination"),
    ("order_management_service_key", "order-management"),
    ("cloud_alm_service_key", "cloud-alm"),
];

/// Where a key keeps its credentials.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Nested,
    Flat,
    /// As `btp` and `cf` print a whole binding.
    Binding,
}

impl Shape {
    fn of(self, key: &str) -> String {
        let mut key: Json = serde_json::from_str(key).unwrap();
        let object = key.as_object_mut().unwrap();
        match (self, object.remove("uaa")) {
            (Self::Nested, None) => {
                let is_service = |name: &str| matches!(name, "uri" | "endpoints" | "instanceid");
                let uaa: serde_json::Map<_, _> = object
                    .iter()
                    .filter(|(name, _)| !is_service(name))
                    .map(clone)
                    .collect();
                object.retain(|name, _| is_service(name));
                object.insert("uaa".to_owned(), Json::Object(uaa));
            }
            (Self::Flat, Some(uaa)) => object.extend(uaa.as_object().unwrap().clone()),
            (_, None) => {}
            (_, Some(uaa)) => drop(object.insert("uaa".to_owned(), uaa)),
        }
        match self {
            Self::Binding => json!({ "id": "b-1", "ready": true, "credentials": key }).to_string(),
            Self::Nested | Self::Flat => key.to_string(),
        }
    }
}

fn clone((name, value): (&String, &Json)) -> (String, Json) {
    (name.clone(), value.clone())
}

/// Where the provider finds its keys.
#[derive(Clone, Copy, Debug)]
enum Origin {
    Attribute,
    Variable,
    File,
}

async fn world(x509: bool) -> World {
    let options = Options {
        tls: x509,
        ..Options::default()
    };
    World::with(Variant::documented(), options).await
}

fn suffix(x509: bool) -> &'static str {
    if x509 { "-x509" } else { "" }
}

/// The provider block of a world with x509 keys or those with secrets.
fn provider(world: &World, x509: bool) -> Json {
    let mut block = world.provider();
    for (attribute, file) in KEYS {
        block[attribute] = world.key(&format!("{file}{}", suffix(x509))).into();
    }
    block
}

/// What the destination's block has to say: nothing, as long as the Cloud ALM
/// key has a secret.
fn destination_block(world: &World, x509: bool) -> Json {
    if !x509 {
        return json!({});
    }
    let key: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
    json!({
        "url": key["endpoints"]["Api"],
        "client_id": key["uaa"]["clientid"],
        "name": "CloudALM",
        "credentials": { "client_secret_wo": key["uaa"]["clientsecret"] },
        "token_service_url": format!("{}/oauth/token", key["uaa"]["url"].as_str().unwrap()),
    })
}

fn resources(destination: Json) -> Vec<Resource> {
    vec![
        Resource::new("sapcalm_destination", "cloud_alm", destination),
        Resource::with(
            "sapcalm_registration",
            "order_management",
            |values| json!({ "destination_name": values.get(DESTINATION, "name") }),
        )
        .depends_on(&[DESTINATION]),
    ]
}

/// The token requests of the provider, by path.
async fn token_requests(world: &World) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for entry in world.journal().await {
        let path = entry["path"].as_str().unwrap();
        if path.ends_with("/oauth/token") {
            *found.entry(path.to_owned()).or_default() += 1;
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_and_shape_of_key_does_the_job_from_every_source() {
    let sources = [
        (Shape::Nested, Origin::Attribute),
        (Shape::Flat, Origin::Variable),
        (Shape::Binding, Origin::File),
        (Shape::Flat, Origin::Attribute),
        (Shape::Nested, Origin::File),
        (Shape::Binding, Origin::Variable),
    ];
    for x509 in [false, true] {
        for (shape, origin) in sources {
            println!("x509: {x509}, {shape:?} from {origin:?}");
            let world = world(x509).await;
            let files = tempfile::tempdir().unwrap();
            let mut tf = Core::start(&[]).await;
            let mut block = provider(&world, x509);
            for (attribute, _) in KEYS {
                let key = shape.of(block[attribute].as_str().unwrap());
                let variable = format!("SAPCALM_{}", attribute.to_uppercase());
                match origin {
                    Origin::Attribute => block[attribute] = key.into(),
                    Origin::Variable => {
                        block[attribute] = Json::Null;
                        tf.set_env(&variable, &key);
                    }
                    Origin::File => {
                        block[attribute] = Json::Null;
                        let path = files.path().join(attribute);
                        std::fs::write(&path, key).unwrap();
                        tf.set_env(&variable, &format!("@{}", path.display()));
                    }
                }
            }
            tf.configure(block);
            let resources = resources(destination_block(&world, x509));
            tf.apply(&resources).await.ok();
            assert!(world.is_registered().await);
            assert_eq!(tf.object(REGISTRATION)["status"], "registered");
            tf.assert_empty_plan(&resources).await;
            assert_no_secret(&world, &tf.log());
            assert_no_secret(&world, &tf.object(DESTINATION).to_string());
            assert_no_secret(&world, &tf.object(REGISTRATION).to_string());
            tf.destroy().await.ok();
            assert!(world.destinations().await.is_empty());

            let door = if x509 { "/cert-zones/" } else { "/zones/" };
            let tokens = token_requests(&world).await;
            assert!(!tokens.is_empty());
            assert!(
                tokens.keys().all(|path| path.starts_with(door)),
                "{tokens:?}"
            );
            world.stop().await;
        }
    }
}

// ---------------------------------------------------- keys of the same run

/// Every choice of keys that are not known yet.
fn choices() -> Vec<Vec<&'static str>> {
    let [destination, order_management, cloud_alm] = KEYS.map(|(attribute, _)| attribute);
    vec![
        vec![destination],
        vec![order_management],
        vec![cloud_alm],
        vec![destination, cloud_alm],
        vec![destination, order_management, cloud_alm],
    ]
}

fn with_unknown(block: &Json, names: &[&str]) -> Json {
    let mut block = block.clone();
    for name in names {
        block[*name] = unknown();
    }
    block
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_the_same_run_makes_connect_in_one_apply() {
    for x509 in [false, true] {
        for names in choices() {
            println!("x509: {x509}, unknown: {names:?}");
            let world = world(x509).await;
            let mut tf = Core::start(&[]).await;
            let block = provider(&world, x509);
            tf.configure(block.clone());
            tf.configure_at_plan(with_unknown(&block, &names));
            let resources = resources(destination_block(&world, x509));

            let plan = tf.plan(&resources).await.ok();
            assert_eq!(plan.action(DESTINATION), Action::Create);
            assert_eq!(plan.action(REGISTRATION), Action::Create);
            let from_key = names.contains(&"cloud_alm_service_key") && !x509;
            for attribute in ["url", "client_id", "token_service_url"] {
                let is_unknown = plan.planned(DESTINATION)[attribute] == unknown();
                assert_eq!(is_unknown, from_key, "{attribute}");
            }
            tf.apply(&resources).await.ok();
            assert!(world.is_registered().await);
            tf.configure(block);
            tf.assert_empty_plan(&resources).await;
            tf.destroy().await.ok();
            world.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_the_same_run_rotates_converge_in_one_apply() {
    for x509 in [false, true] {
        for names in choices() {
            println!("x509: {x509}, rotated and unknown: {names:?}");
            let world = world(x509).await;
            let mut tf = Core::start(&[]).await;
            tf.configure(provider(&world, x509));
            tf.apply(&resources(destination_block(&world, x509)))
                .await
                .ok();

            for (attribute, file) in KEYS {
                if names.contains(&attribute) {
                    world.rotate(file).await;
                }
            }
            world.forget_journal().await;
            // At SAP the old keys are gone; what is known at plan is the rest.
            let block = provider(&world, x509);
            tf.configure(block.clone());
            tf.configure_at_plan(with_unknown(&block, &names));
            let resources = resources(destination_block(&world, x509));
            let plan = tf.plan(&resources).await.ok();
            plan.warns("Unknown provider configuration");
            assert_ne!(plan.action(DESTINATION), Action::Replace, "{plan}");
            assert_eq!(plan.action(REGISTRATION), Action::NoOp, "{plan}");
            let new_values = names.contains(&"cloud_alm_service_key");
            assert_eq!(
                plan.action(DESTINATION) == Action::Update,
                new_values,
                "{plan}"
            );

            tf.apply(&resources).await.ok();
            let key: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
            let secret = &world.destinations().await[0]["clientSecret"];
            assert_eq!(*secret, key["uaa"]["clientsecret"]);
            let writes = world.writes().await;
            assert_eq!(writes.len(), usize::from(new_values), "{writes:?}");
            tf.configure(block);
            tf.assert_empty_plan(&resources).await;
            assert!(world.is_registered().await);
            tf.destroy().await.ok();
            world.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_unknown_and_turns_out_the_same_writes_nothing() {
    let world = world(false).await;
    let mut tf = Core::start(&[]).await;
    let block = provider(&world, false);
    tf.configure(block.clone());
    let resources = resources(json!({}));
    tf.apply(&resources).await.ok();
    world.forget_journal().await;
    let all = KEYS.map(|(attribute, _)| attribute);
    tf.configure_at_plan(with_unknown(&block, &all));
    let outcome = tf.apply(&resources).await.ok();
    assert_eq!(outcome.action(DESTINATION), Action::Update);
    assert!(
        world.writes().await.is_empty(),
        "{:?}",
        world.writes().await
    );
    tf.configure(block);
    tf.assert_empty_plan(&resources).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn warnings_about_unknown_keys_say_what_was_not_done() {
    let world = world(false).await;
    let mut tf = Core::start(&[]).await;
    let block = provider(&world, false);
    tf.configure(block.clone());
    let resources = resources(json!({}));
    tf.apply(&resources).await.ok();
    let mut page = Page::default();
    for names in choices() {
        tf.configure_at_plan(with_unknown(&block, &names));
        let plan = tf.plan(&resources).await.ok();
        page.add(&format!("Unknown: {}", names.join(", ")), &plan);
    }
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}

/// The configuration of somebody whose keys come from a resource of the same
/// run. `terraform_data` stands for the one that makes service keys.
fn write_with_keys_of_the_run(workspace: &Workspace, world: &World, x509: bool, serial: u32) {
    let mut block = world.provider();
    let mut input = json!({});
    for (attribute, file) in KEYS {
        input[attribute] = world.key(&format!("{file}{}", suffix(x509))).into();
        block[attribute] = format!("${{terraform_data.keys.output.{attribute}}}").into();
    }
    let resources = json!({
        "terraform_data": { "keys": { "input": input, "triggers_replace": serial } },
        "sapcalm_destination": { "cloud_alm": destination_block(world, x509) },
        "sapcalm_registration": { "order_management": {
            "destination_name": "${sapcalm_destination.cloud_alm.name}",
        } },
    });
    workspace.write_json(&block, &resources);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_keys_that_the_same_run_makes_and_rotates_need_one_apply_each() {
    for x509 in [false, true] {
        let world = world(x509).await;
        let Some(workspace) = Workspace::with(&[Feature::WriteOnly]) else {
            return;
        };
        write_with_keys_of_the_run(&workspace, &world, x509, 1);
        workspace.apply(&[]).await;
        assert!(world.is_registered().await);
        workspace.assert_empty_plan().await;

        for (_, file) in KEYS {
            world.rotate(file).await;
        }
        write_with_keys_of_the_run(&workspace, &world, x509, 2);
        workspace.apply(&[]).await;
        let key: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
        let secret = &world.destinations().await[0]["clientSecret"];
        assert_eq!(*secret, key["uaa"]["clientsecret"]);
        workspace.assert_empty_plan().await;

        workspace.destroy().await;
        assert!(!world.is_registered().await);
        assert!(world.destinations().await.is_empty());
        world.stop().await;
    }
}

// --------------------------------------------- missing, wrong and broken

/// An apply that must fail without any change at SAP.
async fn refused(world: &World, tf: &mut Core, resources: &[Resource]) -> Outcome {
    world.forget_journal().await;
    let outcome = tf.apply(resources).await;
    assert!(outcome.diags.has_errors(), "{outcome}");
    assert_eq!(outcome.diags.objections().count(), 0, "{outcome}");
    assert!(
        world.writes().await.is_empty(),
        "{:?}",
        world.writes().await
    );
    assert_no_secret(world, &outcome.to_string());
    assert_no_secret(world, &tf.log());
    outcome
}

fn registration_alone() -> Vec<Resource> {
    let block = json!({ "destination_name": "CloudALM" });
    vec![Resource::new(
        "sapcalm_registration",
        "order_management",
        block,
    )]
}

fn destination_alone(block: Json) -> Vec<Resource> {
    vec![Resource::new("sapcalm_destination", "cloud_alm", block)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_key_is_demanded_by_name_where_it_is_needed() {
    let world = world(false).await;
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    let block = provider(&world, false);
    let without = |names: &[&str]| {
        let mut block = block.clone();
        for name in names {
            block[*name] = Json::Null;
        }
        block
    };

    // All of it is said while planning, before anything is changed.
    tf.configure(json!({}));
    let plan = tf.plan(&destination_alone(json!({}))).await;
    page.add("No key at all, a new destination", &plan);
    let plan = tf.plan(&registration_alone()).await;
    page.add("No key at all, a new registration", &plan);
    tf.configure(without(&["destination_service_key"]));
    let plan = tf.plan(&destination_alone(json!({}))).await;
    page.add("No Destination key, a new destination", &plan);
    tf.configure(without(&["cloud_alm_service_key"]));
    let plan = tf.plan(&destination_alone(json!({}))).await;
    page.add("No Cloud ALM key, a new destination", &plan);
    assert!(world.journal().await.is_empty());

    tf.configure(block.clone());
    tf.apply(&resources(json!({}))).await.ok();
    tf.configure(json!({}));
    let plan = tf.plan(&resources(json!({}))).await;
    page.add("The keys are gone, plan", &plan);
    tf.configure(without(&["order_management_service_key"]));
    let before = tf.object(REGISTRATION);
    let outcome = refused(&world, &mut tf, &destination_alone(json!({}))).await;
    page.add(
        "The Order Management key is gone, the registration is to go",
        &outcome,
    );
    assert_eq!(tf.object(REGISTRATION), before);
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_service_is_recognised() {
    let world = world(false).await;
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    for (attribute, own) in KEYS {
        for (_, file) in KEYS {
            if file == own {
                continue;
            }
            let mut block = provider(&world, false);
            block[attribute] = world.key(file).into();
            tf.configure(block);
            let outcome = refused(&world, &mut tf, &resources(json!({}))).await;
            page.add(&format!("`{attribute}` holds {file}.json"), &outcome);
        }
    }
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_key_names_what_is_missing_and_shows_nothing() {
    let world = world(true).await;
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    let changed = |file: &str, change: &dyn Fn(&mut Json)| {
        let mut key: Json = serde_json::from_str(&world.key(file)).unwrap();
        change(&mut key);
        key.to_string()
    };
    let other: Json = serde_json::from_str(&world.key("cloud-alm-x509")).unwrap();
    let cases = [
        (
            "not JSON",
            "destination_service_key",
            "{ \"clientid\": ".to_owned(),
        ),
        ("a list", "destination_service_key", "[]".to_owned()),
        (
            "a path without @",
            "cloud_alm_service_key",
            "keys/cloud-alm.json".to_owned(),
        ),
        (
            "no clientsecret",
            "destination_service_key",
            changed("destination", &|key| key["clientsecret"] = Json::Null),
        ),
        (
            "no uaa.clientsecret",
            "order_management_service_key",
            changed("order-management", &|key| {
                key["uaa"]["clientsecret"] = Json::Null;
            }),
        ),
        (
            "no endpoints.Api",
            "cloud_alm_service_key",
            changed("cloud-alm", &|key| key["endpoints"] = json!({})),
        ),
        (
            "no endpoint for monitoring",
            "order_management_service_key",
            changed("order-management", &|key| {
                key["endpoints"] = json!({ "orders": "https://a.example" });
            }),
        ),
        (
            "no key to the certificate",
            "destination_service_key",
            changed("destination-x509", &|key| key["key"] = Json::Null),
        ),
        (
            "the key of another certificate",
            "destination_service_key",
            changed("destination-x509", &|key| {
                key["key"] = other["uaa"]["key"].clone();
            }),
        ),
        (
            "no certurl",
            "destination_service_key",
            changed("destination-x509", &|key| key["certurl"] = Json::Null),
        ),
    ];
    for (heading, attribute, key) in cases {
        let mut block = provider(&world, false);
        block[attribute] = key.into();
        tf.configure(block);
        let outcome = refused(&world, &mut tf, &resources(json!({}))).await;
        page.add(heading, &outcome);
    }
    let mut block = provider(&world, false);
    block["cloud_alm_service_key"] = Json::Null;
    tf.configure(block);
    tf.set_env("SAPCALM_CLOUD_ALM_SERVICE_KEY", "@keys/nowhere.json");
    let outcome = refused(&world, &mut tf, &resources(json!({}))).await;
    page.add("a file that is not there", &outcome);
    tf.set_env("SAPCALM_CLOUD_ALM_SERVICE_KEY", "{}");
    let outcome = refused(&world, &mut tf, &resources(json!({}))).await;
    page.add("an empty key in a variable", &outcome);
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_sap_rejects_point_to_their_key() {
    for x509 in [false, true] {
        let world = world(x509).await;
        let mut page = Page::default();
        let mut tf = Core::start(&[]).await;
        let old = provider(&world, x509);
        let resources = resources(destination_block(&world, x509));
        tf.configure(old.clone());
        tf.apply(&resources).await.ok();
        for (attribute, file) in KEYS {
            world.rotate(file).await;
            let mut block = provider(&world, x509);
            block[attribute] = old[attribute].clone();
            tf.configure(block);
            let plan = tf.plan(&resources).await;
            assert_no_secret(&world, &plan.to_string());
            page.add(
                &format!("The key in `{attribute}` was deleted, plan"),
                &plan,
            );
        }
        // A destination with a stale secret could not even be offboarded.
        tf.configure(provider(&world, x509));
        tf.apply(&self::resources(destination_block(&world, x509)))
            .await
            .ok();
        tf.destroy().await.ok();
        for (attribute, resources) in [
            (
                "destination_service_key",
                destination_alone(destination_block(&world, x509)),
            ),
            ("order_management_service_key", registration_alone()),
        ] {
            let mut block = provider(&world, x509);
            if attribute != "destination_service_key" {
                block["destination_service_key"] = Json::Null;
            }
            block[attribute] = old[attribute].clone();
            tf.configure(block);
            let outcome = refused(&world, &mut tf, &resources).await;
            page.add(
                &format!("The key in `{attribute}` was deleted, create"),
                &outcome,
            );
        }
        insta::assert_snapshot!(
            format!("rejected_credentials_x509_{x509}"),
            page.finish(&world)
        );
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_certificate_is_named_with_its_key_and_its_end() {
    let options = Options {
        tls: true,
        certificate_lifetime: Duration::ZERO,
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    for (attribute, file) in KEYS {
        let mut block = provider(&world, false);
        block[attribute] = world.key(&format!("{file}-x509")).into();
        tf.configure(block);
        let resources = resources(destination_block(&world, true));
        world.forget_journal().await;
        let outcome = tf.apply(&resources).await;
        let asked = token_requests(&world).await;
        assert!(
            asked.keys().all(|path| !path.starts_with("/cert-zones")),
            "{asked:?}"
        );
        let text = outcome.to_string();
        assert!(text.contains("expired at 20"), "{text}");
        page.add(&format!("`{attribute}` has expired"), &outcome);
        tf.configure(provider(&world, false));
        tf.destroy().await.ok();
    }
    let page = without_times(&page.finish(&world));
    insta::assert_snapshot!(page);
    world.stop().await;
}

/// `2026-01-02T03:04:05Z` becomes `(time)`.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| word.len() == 21 && word.ends_with("Z.") && word.contains('T');
    let words = text.split_inclusive(char::is_whitespace);
    words
        .map(|word| match word.trim_end() {
            time if is_time(time) => word.replace(time, "(time)."),
            _ => word.to_owned(),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_x509_cloud_alm_key_cannot_feed_a_destination() {
    let world = world(true).await;
    let mut tf = Core::start(&[]).await;
    tf.configure(provider(&world, true));
    let mut page = Page::default();
    let plan = tf.plan(&destination_alone(json!({}))).await;
    assert_eq!(plan.fails_with("Unusable service key").path, "url");
    page.add("A new destination", &plan);

    let secret = provider(&world, false);
    tf.configure(secret.clone());
    tf.apply(&destination_alone(json!({}))).await.ok();
    let before = tf.object(DESTINATION);
    tf.configure(provider(&world, true));
    let outcome = refused(&world, &mut tf, &destination_alone(json!({}))).await;
    page.add("The key became an x509 key", &outcome);

    // Not known before apply: the destination stays as it is.
    let mut block = secret;
    block["cloud_alm_service_key"] = world.key("cloud-alm-x509").into();
    tf.configure(block.clone());
    tf.configure_at_plan(with_unknown(&block, &["cloud_alm_service_key"]));
    let outcome = refused(&world, &mut tf, &destination_alone(json!({}))).await;
    page.add("The key turned out to be an x509 key", &outcome);
    assert_eq!(tf.object(DESTINATION), before);
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}
