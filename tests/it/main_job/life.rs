//! The main job through the stand-in for Terraform core, in every variant of
//! SAP: apply, empty plan, drift of every kind, repair, import, target change,
//! destroy.

use serde_json::{Value as Json, json};

use crate::support::core::{Action, Core, Resource};
use crate::support::world::{Variant, World};

const DESTINATION: &str = "sapcalm_destination.cloud_alm";
const REGISTRATION: &str = "sapcalm_registration.order_management";

/// The configuration of the README.
fn configuration(world: &World, destination: Json) -> Vec<Resource> {
    let registration = world.registration(json!(null));
    vec![
        Resource::new("sapcalm_destination", "cloud_alm", destination),
        Resource::with("sapcalm_registration", "order_management", move |values| {
            let mut block = registration.clone();
            block["destination_name"] = values.get(DESTINATION, "name");
            block
        })
        .depends_on(&[DESTINATION]),
    ]
}

async fn core(world: &World) -> Core {
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    tf
}

async fn applied(variant: Variant) -> (World, Core, Vec<Resource>) {
    let world = World::start(variant).await;
    let mut tf = core(&world).await;
    let resources = configuration(&world, json!({}));
    tf.apply(&resources).await.ok();
    (world, tf, resources)
}

/// Every secret of the keys must be absent from a text.
fn assert_no_secret(world: &World, text: &str) {
    for key in ["destination", "order-management", "cloud-alm"] {
        let key: Json = serde_json::from_str(&world.key(key)).unwrap();
        let secret = [&key["clientsecret"], &key["uaa"]["clientsecret"]]
            .into_iter()
            .find_map(Json::as_str)
            .unwrap()
            .to_owned();
        assert!(!text.contains(&secret), "a secret shows in: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_connects_and_the_next_plan_is_empty_in_every_variant() {
    for variant in Variant::all() {
        println!("{}", variant.name);
        let (world, mut tf, resources) = applied(variant).await;
        assert!(world.is_registered().await);
        tf.assert_empty_plan(&resources).await;
        assert_no_secret(&world, &tf.object(DESTINATION).to_string());
        assert_no_secret(&world, &tf.object(REGISTRATION).to_string());
        assert_no_secret(&world, &tf.log());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_asks_sap_for_no_more_than_the_job_needs() {
    let (world, tf, _) = applied(Variant::documented()).await;
    let journal = world.journal().await;
    let of = |method: &str, part: &str| {
        journal
            .iter()
            .filter(|entry| {
                entry["method"] == method && entry["path"].as_str().unwrap().contains(part)
            })
            .cloned()
            .collect::<Vec<_>>()
    };

    let posts = of("POST", "/subaccountDestinations");
    assert_eq!(posts.len(), 1, "{journal:#?}");
    assert_eq!(
        posts[0]["keys"],
        json!([
            "Authentication",
            "Name",
            "ProxyType",
            "Type",
            "URL",
            "clientId",
            "clientSecret",
            "tokenServiceURL",
            "tokenServiceURLType",
        ])
    );
    assert_eq!(of("POST", "/registration").len(), 1);
    // One look into the landscape, after registering. Its pages are read until an
    // empty one, since nobody documents how long a page is.
    let pages: Vec<Json> = of("GET", "/landscapeObjects");
    let first = |page: &&Json| page["path"].as_str().unwrap().contains("offset=0");
    assert_eq!(pages.iter().filter(first).count(), 1, "{pages:#?}");
    assert_eq!(pages.len(), 2, "{pages:#?}");

    // Two provider processes asked: one planned, one applied. Only the second
    // one had to.
    let mut tokens: Vec<String> = of("POST", "/oauth/token")
        .iter()
        .map(|entry| format!("{} {}", entry["client_id"], entry["scope"]))
        .collect();
    tokens.sort();
    let asked = tokens.len();
    tokens.dedup();
    assert_eq!(asked, tokens.len(), "a token was fetched twice: {tokens:?}");
    assert_eq!(asked, 3);
    assert!(
        tokens
            .iter()
            .any(|token| token.contains(".IntegrationMonitoring")),
        "{tokens:?}"
    );
    assert!(tf.processes >= 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_changed_property_shows_in_the_plan_and_is_repaired() {
    let changes = [
        ("Description", json!("temporary"), "description"),
        ("URL", json!("https://elsewhere.example.com/api"), "url"),
        ("ProxyType", json!("OnPremise"), "proxy_type"),
        ("clientId", json!("sb-other!b1"), "client_id"),
        (
            "tokenServiceURL",
            json!("https://elsewhere.example.com/oauth/token"),
            "token_service_url",
        ),
        (
            "tokenServiceURLType",
            json!("Common"),
            "token_service_url_type",
        ),
        ("tokenServiceURLType", Json::Null, "token_service_url_type"),
        ("clientSecret", json!("rotated by hand"), "secrets"),
        ("clientSecret", Json::Null, "secrets"),
        ("TrustAll", json!("TRUE"), "unmanaged_properties"),
    ];
    for (number, variant) in Variant::all().into_iter().enumerate() {
        println!("{}", variant.name);
        let (world, mut tf, resources) = applied(variant).await;
        // Everything in the first one, and in the others a part each.
        let part = if number == 0 {
            0..changes.len()
        } else {
            number..number + 2
        };
        for (property, value, attribute) in &changes[part] {
            let before = world.destinations().await;
            world.edit_destination(json!({ *property: value })).await;
            let plan = tf.plan(&resources).await.ok();
            let shown = format!("{DESTINATION}.{attribute}");
            if property == &"tokenServiceURLType" && value.is_null() {
                // Absent reads as the default, which is what is wanted.
                assert!(plan.is_empty(), "{plan}");
                tf.apply(&resources).await.ok();
                world.set_destinations(&before).await;
                continue;
            }
            assert_eq!(
                plan.action(DESTINATION),
                Action::Update,
                "{property}: {plan}"
            );
            assert!(
                plan.differences().contains(&shown),
                "{property}: {:?}",
                plan.differences()
            );
            tf.apply(&resources).await.ok();
            assert_eq!(world.destinations().await, before, "{property}");
            tf.assert_empty_plan(&resources).await;
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_secret_is_named_and_never_shown() {
    let (world, mut tf, resources) = applied(Variant::documented()).await;
    world
        .edit_destination(json!({ "clientSecret": "canary-of-the-colleague" }))
        .await;
    tf.refresh().await.ok();
    assert_eq!(
        tf.object(DESTINATION)["secrets"],
        json!({ "client_secret": "changed outside Terraform" })
    );
    let plan = tf.plan(&resources).await.ok();
    assert_eq!(
        plan.planned(DESTINATION)["secrets"],
        json!({ "client_secret": "from cloud_alm_service_key" })
    );
    assert!(!plan.to_string().contains("canary"));
    assert!(!tf.log().contains("canary"));
    tf.apply(&resources).await.ok();
    tf.assert_empty_plan(&resources).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_cloud_alm_key_is_an_update_in_place() {
    for variant in Variant::all() {
        println!("{}", variant.name);
        let (world, mut tf, resources) = applied(variant).await;
        let before = world.destinations().await[0]["clientSecret"].clone();
        world.rotate("cloud-alm").await;
        tf.configure(world.provider());
        let plan = tf.plan(&resources).await.ok();
        assert_eq!(plan.action(DESTINATION), Action::Update);
        assert_eq!(plan.action(REGISTRATION), Action::NoOp);
        tf.apply(&resources).await.ok();
        assert_ne!(world.destinations().await[0]["clientSecret"], before);
        tf.assert_empty_plan(&resources).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_destination_is_planned_anew() {
    for variant in Variant::all() {
        println!("{}", variant.name);
        let (world, mut tf, resources) = applied(variant).await;
        world.set_destinations(&[]).await;
        let plan = tf.plan(&resources).await.ok();
        assert_eq!(plan.action(DESTINATION), Action::Create);
        tf.apply(&resources).await.ok();
        assert_eq!(world.destinations().await.len(), 1);
        tf.assert_empty_plan(&resources).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offboarded_service_is_registered_again_by_an_update() {
    for variant in Variant::all() {
        if !variant.landscape {
            continue;
        }
        println!("{}", variant.name);
        let (world, mut tf, resources) = applied(variant).await;
        // A late landscape shows the registration only now.
        world.forward(400).await;
        tf.refresh().await.ok();
        world.offboard().await;
        let plan = tf.plan(&resources).await.ok();
        assert_eq!(plan.action(REGISTRATION), Action::Update, "{plan}");
        assert!(
            plan.differences()
                .contains(&format!("{REGISTRATION}.status"))
        );
        tf.apply(&resources).await.ok();
        assert!(world.is_registered().await);
        tf.assert_empty_plan(&resources).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destroy_offboards_before_it_deletes_the_destination() {
    for variant in Variant::all() {
        println!("{}", variant.name);
        let (world, mut tf, _) = applied(variant).await;
        world.forget_journal().await;
        tf.destroy().await.ok();
        let writes = world.writes().await;
        assert_eq!(writes.len(), 2, "{writes:?}");
        assert!(!writes[0].contains("Destinations"), "{writes:?}");
        assert!(
            writes[1].starts_with("DELETE ") && writes[1].ends_with("/CloudALM"),
            "{writes:?}"
        );
        assert!(!world.is_registered().await);
        assert!(world.destinations().await.is_empty());
        assert!(tf.state.current.is_empty());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_target_is_offboarded_changed_and_registered_in_that_order() {
    let world = World::documented().await;
    let mut tf = core(&world).await;
    let with_url_form = |url_form: Json| {
        let mut resources =
            configuration(&world, json!({ "service_key": { "url_form": url_form } }));
        resources.pop();
        let registration = world.registration(json!(null));
        resources.push(
            Resource::with("sapcalm_registration", "order_management", move |values| {
                let mut block = registration.clone();
                block["destination_name"] = values.get(DESTINATION, "name");
                block["triggers"] = json!({ "target": values.get(DESTINATION, "url") });
                block
            })
            .depends_on(&[DESTINATION]),
        );
        resources
    };
    tf.apply(&with_url_form(json!(null))).await.ok();
    let other_form = json!({ "url_form": "origin", "offboard_uses_destination": false });
    world.turn(json!({ "order_management": other_form })).await;
    world.forget_journal().await;
    let resources = with_url_form(json!("origin"));
    tf.apply(&resources).await.ok();
    let writes = world.writes().await;
    let order: Vec<&str> = writes
        .iter()
        .map(|write| match write {
            write if write.contains("/subaccountDestinations") => "destination",
            write if write.ends_with("/registration") => "register",
            _ => "offboard",
        })
        .collect();
    assert_eq!(order, ["offboard", "destination", "register"], "{writes:?}");
    tf.assert_empty_plan(&resources).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_resources_import_by_id_and_by_identity_and_plan_empty() {
    for variant in Variant::all() {
        println!("{}", variant.name);
        let (world, mut tf, resources) = applied(variant).await;
        world.forward(400).await;
        tf.refresh().await.ok();
        for by_identity in [false, true] {
            for address in [DESTINATION, REGISTRATION] {
                let (type_name, name) = address.split_once('.').unwrap();
                let instance = tf.forget(address);
                if by_identity {
                    let identity =
                        serde_json::from_str(instance.identity.as_deref().unwrap()).unwrap();
                    tf.import_by_identity(type_name, name, identity).await.ok();
                } else {
                    let id = instance.json()["id"].as_str().unwrap().to_owned();
                    tf.import_by_id(type_name, name, &id).await.ok();
                }
            }
            let plan = tf.plan(&resources).await.ok();
            let only_filled_in = |difference: &String| {
                difference == &format!("{REGISTRATION}.destination_name")
                    || difference == &format!("{REGISTRATION}.scope")
            };
            assert!(
                plan.differences().iter().all(only_filled_in),
                "{:?}",
                plan.differences()
            );
            for address in [DESTINATION, REGISTRATION] {
                assert!(matches!(
                    plan.action(address),
                    Action::NoOp | Action::Update
                ));
            }
            tf.apply(&resources).await.ok();
            tf.assert_empty_plan(&resources).await;
        }
        assert!(world.is_registered().await);
        world.stop().await;
    }
}
