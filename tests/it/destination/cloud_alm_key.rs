//! The Cloud ALM key, all or nothing: its secret never lies in a destination
//! that leads anywhere but to the hosts of the key.
//!
//! Everything that can keep the key out is switched on and off in every
//! combination, once for a new destination and once for one that the key has
//! filled in before. Whatever Terraform says to it, what SAP then holds decides.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::support::core::Resource;
use crate::support::core::state::State;
use crate::support::gate::Gate;
use crate::support::served::Served;
use crate::support::world::{Variant, World};

/// Worlds that run side by side.
const WORKERS: usize = 3;
const ELSEWHERE: &str = "https://elsewhere.example.com";

/// Each keeps the key out, alone or together with others.
fn switches() -> Vec<Json> {
    vec![
        json!({ "url": ELSEWHERE }),
        json!({ "client_id": "sb-other" }),
        json!({ "token_service_url": format!("{ELSEWHERE}/oauth/token") }),
        json!({ "credentials": { "client_secret_wo": "other-secret" } }),
        json!({ "token_service_url_type": "Common" }),
        json!({ "properties": { "tokenServiceURL.queries.to": ELSEWHERE } }),
        json!({ "credentials": { "properties_wo": { "tokenService.body.to": ELSEWHERE } } }),
        json!({ "proxy_type": "OnPremise" }),
    ]
}

/// Values of which a destination has one: kinds of destinations, and more that
/// keeps the key out.
fn kinds() -> Vec<Json> {
    vec![
        json!({}),
        json!({ "authentication": "OAuth2JWTBearer" }),
        json!({ "authentication": "BasicAuthentication", "user": "technical",
                "credentials": { "password_wo": "word" } }),
        json!({ "authentication": "NoAuthentication" }),
        json!({ "type": "RFC" }),
        json!({ "type": "TCP" }),
        json!({ "stored_credentials": { "client_secret": "other-secret" } }),
        json!({ "properties": { "TrustAll": "true" } }),
        json!({ "properties": { "tokenServiceURL.ProxyType": "OnPremise" } }),
        json!({ "properties": { "tokenServiceUser": "other" },
                "credentials": { "properties_wo": { "tokenServicePassword": "word" } } }),
        json!({ "token_service_key_store_location": "other.p12" }),
    ]
}

/// The configurations, and whether the key may fill them in.
fn configurations() -> Vec<(Json, bool)> {
    let switches = switches();
    let mut all = Vec::new();
    for kind in kinds() {
        for subset in 0..1_u32 << switches.len() {
            // Every combination of the plain kind; for the others those of the
            // four attributes that the key would give.
            let is_plain = kind == json!({});
            if !is_plain && subset >= 1 << 4 {
                break;
            }
            let mut block = kind.clone();
            block["name"] = "CloudALM".into();
            for (at, switch) in switches.iter().enumerate() {
                if subset & (1 << at) != 0 {
                    merge(&mut block, switch);
                }
            }
            all.push((block, is_plain && subset == 0));
        }
    }
    // What is harmless keeps the key.
    for harmless in [
        json!({ "description": "ours" }),
        json!({ "properties": { "sap-client": "100" } }),
        json!({ "service_key": { "url_form": "origin" } }),
        json!({ "properties": { "scope": "some.scope" } }),
        json!({ "labels": { "team": ["a"] } }),
        json!({
            "type": "HTTP", "authentication": "OAuth2ClientCredentials",
            "proxy_type": "Internet", "token_service_url_type": "Dedicated",
        }),
    ] {
        all.push((harmless, true));
    }
    all
}

/// Adds the entries of objects to those that are there.
fn merge(into: &mut Json, more: &Json) {
    match (into, more) {
        (Json::Object(into), Json::Object(more)) => {
            for (name, value) in more {
                merge(into.entry(name).or_insert(Json::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}

/// What the key says.
struct Key {
    host: String,
    client_id: String,
    token_service_url: String,
    secret: String,
}

impl Key {
    fn of(world: &World) -> Self {
        let key: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
        let uaa = &key["uaa"];
        Self {
            host: world.url().to_owned(),
            client_id: uaa["clientid"].as_str().unwrap().to_owned(),
            token_service_url: format!("{}/oauth/token", uaa["url"].as_str().unwrap()),
            secret: uaa["clientsecret"].as_str().unwrap().to_owned(),
        }
    }

    /// Whether a destination holds the secret. If so it must be the key's own.
    fn is_in(&self, destination: &Json, because: &str) -> bool {
        let text = destination.to_string();
        let quoted = Json::from(self.secret.as_str()).to_string();
        if !text.contains(quoted.trim_matches('"')) {
            return false;
        }
        let is = |name: &str, expected: &str| destination[name] == expected;
        let url = destination["URL"].as_str().unwrap_or_default();
        let properties = destination.as_object().unwrap();
        let foreign = properties.keys().filter(|name| {
            let is_own = matches!(&***name, "tokenServiceURL" | "tokenServiceURLType");
            (name.starts_with("tokenService") && !is_own) || *name == "TrustAll"
        });
        assert!(
            (url == self.host || url.starts_with(&format!("{}/", self.host)))
                && is("tokenServiceURL", &self.token_service_url)
                && is("clientId", &self.client_id)
                && is("clientSecret", &self.secret)
                && is("Type", "HTTP")
                && is("Authentication", "OAuth2ClientCredentials")
                && is("ProxyType", "Internet")
                && is("tokenServiceURLType", "Dedicated")
                && foreign.count() == 0,
            "the key's secret is in {destination:#} after {because}"
        );
        true
    }
}

/// What a worker found.
#[derive(Debug, Default)]
struct Found {
    applied: usize,
    refused: usize,
    filled_in: usize,
}

/// Every `WORKERS`th configuration, in a world of its own.
async fn work(variant: Variant, worker: usize) -> Found {
    let world = World::start(variant).await;
    let key = Key::of(&world);
    let served = Served::start();
    let mut tf = served.core().await;
    tf.configure(world.provider());
    let resource = |block: &Json| {
        [Resource::new(
            "sapcalm_destination",
            "cloud_alm",
            block.clone(),
        )]
    };
    tf.apply(&resource(&json!({}))).await.ok();
    let filled_in = (world.state().await, tf.state.clone());
    world.set_destinations(&[]).await;
    let empty = (world.state().await, State::default());

    let mut found = Found::default();
    for (block, may_be_filled_in) in configurations().into_iter().skip(worker).step_by(WORKERS) {
        for (begin, (at_sap, state)) in [("nothing", &empty), ("filled in", &filled_in)] {
            world.restore(at_sap).await;
            tf.state = state.clone();
            let outcome = tf.apply(&resource(&block)).await;
            let destinations = world.destinations().await;
            let because = format!("{block} from {begin}: {outcome}");
            if outcome.diags.has_errors() {
                // Nothing was changed.
                let left = usize::from(begin == "filled in");
                assert_eq!(destinations.len(), left, "{because}");
                found.refused += 1;
                assert!(!may_be_filled_in, "{because}");
                continue;
            }
            found.applied += 1;
            let [destination] = &destinations[..] else {
                panic!("{} destinations after {because}", destinations.len());
            };
            let is_in = key.is_in(destination, &because);
            assert_eq!(is_in, may_be_filled_in, "{destination:#} after {because}");
            found.filled_in += usize::from(is_in);
        }
    }
    world.stop().await;
    found
}

async fn every_combination(variant: Variant) {
    let workers = (0..WORKERS).map(|worker| tokio::spawn(work(variant.clone(), worker)));
    let mut sum = Found::default();
    for worker in workers.collect::<Vec<_>>() {
        let found = worker.await.unwrap();
        sum.applied += found.applied;
        sum.refused += found.refused;
        sum.filled_in += found.filled_in;
    }
    println!("{}: {sum:?}", variant.name);
    assert!(
        sum.applied > 50 && sum.refused > 50 && sum.filled_in == 14,
        "{sum:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_keys_secret_is_in_no_destination_that_leads_elsewhere_in_every_combination() {
    every_combination(Variant::documented()).await;
}

/// Somebody redirects the destination between our look and our write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_takes_its_address_along_when_somebody_redirects_the_destination_meanwhile() {
    for (method, variant) in [("PATCH", 0), ("PUT", 3)] {
        let world = Arc::new(World::start(Variant::all().swap_remove(variant)).await);
        let gate = Gate::to(world.address()).await;
        let mut provider = world.provider();
        let key = world.key("destination").replace(
            &format!("\"uri\": \"{}\"", world.url()),
            &format!("\"uri\": \"{}\"", gate.url()),
        );
        provider["destination_service_key"] = key.into();
        let served = Served::start();
        let mut tf = served.core().await;
        let resources = [Resource::new("sapcalm_destination", "cloud_alm", json!({}))];
        tf.configure(provider.clone());
        tf.apply(&resources).await.ok();

        world.rotate("cloud-alm").await;
        provider["cloud_alm_service_key"] = world.key("cloud-alm").into();
        tf.configure(provider);
        let (at_sap, colleague) = (Key::of(&world), Arc::clone(&world));
        gate.before(method, move || async move {
            let evil =
                json!({ "URL": ELSEWHERE, "tokenServiceURL": format!("{ELSEWHERE}/oauth/token") });
            colleague.edit_destination(evil).await;
        });
        let outcome = tf.apply(&resources).await;
        assert!(gate.is_done(), "no {method} was sent: {outcome}");
        let destinations = world.destinations().await;
        let because = format!("a redirection before {method}: {outcome}");
        assert!(at_sap.is_in(&destinations[0], &because), "{because}");
        drop(gate);
        Arc::into_inner(world).unwrap().stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_with_another_secret_is_not_taken_over() {
    let world = World::documented().await;
    let served = Served::start();
    let mut tf = served.core().await;
    tf.configure(world.provider());
    let resources = [Resource::new("sapcalm_destination", "cloud_alm", json!({}))];
    tf.apply(&resources).await.ok();
    drop(tf.forget("sapcalm_destination.cloud_alm"));
    let other = json!({ "clientSecret": "somebody-elses" });
    world.edit_destination(other).await;
    let before = world.destinations().await;

    // Whether SAP says that it exists, or nothing at all.
    let lost = json!({ "match": { "method": "POST", "path_prefix": "/destination" }, "do": { "reset": "before" } });
    for fault in [None, Some(lost)] {
        if let Some(fault) = fault {
            world.fault(fault).await;
        }
        let outcome = tf.apply(&resources).await;
        assert!(outcome.diags.has_errors(), "{outcome}");
        assert!(tf.object("sapcalm_destination.cloud_alm").is_null());
        assert_eq!(world.destinations().await, before);
    }
    world.stop().await;
}
