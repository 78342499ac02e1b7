//! Every authentication that SAP documents for HTTP, and every type of
//! destination: its whole life, and the change to every next one.

use serde_json::{Map, Value as Json, json};

use crate::support::core::{Core, Lifecycle, Resource};
use crate::support::kinds::{Kind, NOT_IMPORTED, http_kinds, other_kinds};
use crate::support::served::Served;
use crate::support::world::World;

async fn core(world: &World, provider: &Served) -> Core {
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    tf
}

/// Each kind is made from the one before it, with every check of the stand-in.
async fn live(kinds: &[Kind], not_imported: &[&str]) {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    for (i, kind) in kinds.iter().enumerate() {
        let before = &kinds[(i + kinds.len() - 1) % kinds.len()];
        println!("{}, then {}", before.name, kind.name);
        let configs = [before.config.clone(), kind.config.clone()];
        Lifecycle::new("sapcalm_destination", &configs)
            .differs_after_import(not_imported)
            .run(&mut tf)
            .await;
        assert!(world.destinations().await.is_empty());
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_authentication_lives_and_is_imported() {
    live(&http_kinds(), NOT_IMPORTED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_lives_and_is_imported() {
    live(&other_kinds(), NOT_IMPORTED).await;
}

/// What no kind leaves behind but as a secret that the next one could use.
const SECRETS: [&str; 10] = [
    "clientSecret",
    "Password",
    "tokenServicePassword",
    "clientKey",
    "KeyStorePassword",
    "tokenService.KeyStorePassword",
    "TrustStorePassword",
    "jco.client.passwd",
    "mail.password",
    "ldap.password",
];

/// Applies a kind and checks that SAP holds exactly what it says, and `others`.
async fn becomes(tf: &mut Core, world: &World, kind: &Kind, others: &Map<String, Json>) {
    let mut config = kind.config.clone();
    config["allow_unmanaged"] = others.keys().cloned().collect();
    let resources = [Resource::new("sapcalm_destination", "kind", config)];
    tf.apply(&resources).await.ok();
    let mut expected = kind.at_sap();
    expected.extend(others.clone());
    let mut found = world.destinations().await;
    // A secret that the new kind could use, and does not mention, is kept.
    let found = found[0].as_object_mut().unwrap();
    found.retain(|name, _| expected.contains_key(name) || !SECRETS.contains(&&**name));
    assert_eq!(*found, expected, "{}", kind.name);
    tf.assert_empty_plan(&resources).await;
    tf.refresh().await.ok();
    tf.assert_empty_plan(&resources).await;
    let state = tf.state.text();
    let secrets = kind.config["credentials"].as_object();
    for (attribute, value) in secrets.into_iter().flatten() {
        let secrets = match value {
            Json::String(text) if attribute.ends_with("_wo") => vec![text.as_str()],
            Json::Object(map) if attribute.ends_with("_wo") => {
                map.values().filter_map(Json::as_str).collect()
            }
            _ => Vec::new(),
        };
        for secret in secrets {
            assert!(!state.contains(secret), "{}: {state}", kind.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_authentication_leaves_nothing_of_the_old_one_and_all_that_is_unmanaged() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let kinds = http_kinds();
    // An order in which every two neighbours of a round of steps differ, too.
    for step in [1, 4, 7] {
        let mut others = Map::new();
        for i in 0..=kinds.len() {
            let kind = &kinds[i * step % kinds.len()];
            becomes(&mut tf, &world, kind, &others).await;
            if others.is_empty() {
                // Somebody adds an open property, a header and a secret.
                let added = json!({
                    "sap-client": "100",
                    "URL.headers.x-origin": "cockpit",
                    "jco.client.passwd": "of somebody else",
                });
                world.edit_destination(added.clone()).await;
                others = added.as_object().unwrap().clone();
            }
        }
        tf.destroy().await.ok();
        assert!(world.destinations().await.is_empty());
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_type_leaves_nothing_of_the_old_one() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let mut kinds = other_kinds();
    kinds.extend(http_kinds().into_iter().take(4));
    let nothing = Map::new();
    for step in [1, 2, 4] {
        for i in 0..=kinds.len() {
            let kind = &kinds[i * step % kinds.len()];
            becomes(&mut tf, &world, kind, &nothing).await;
        }
        tf.destroy().await.ok();
    }
    world.stop().await;
}
