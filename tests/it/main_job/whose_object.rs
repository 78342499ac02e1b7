//! Whose object is it? A service key of another subaccount, service instance or
//! tenant reads, changes and deletes nothing, and loses nothing from the state.

use emulator::{DestinationKey, Options, Scenario};
use serde_json::{Value as Json, json};

use crate::support::core::{Action, Core, Outcome, Resource};
use crate::support::pem::pem;
use crate::support::served::Served;
use crate::support::world::{Variant, World};

const DESTINATION: &str = "sapcalm_destination.cloud_alm";
const REGISTRATION: &str = "sapcalm_registration.order_management";
const OTHER_SUBDOMAIN: &str = "acme-other";
const OTHER_TENANT: &str = "99999999-2222-4333-8444-555555555555";

fn destination(config: Json) -> Resource {
    Resource::new("sapcalm_destination", "cloud_alm", config)
}

fn registration(config: Json) -> Resource {
    Resource::new("sapcalm_registration", "order_management", config)
}

/// A world with two more Destination keys: of another subaccount, and of
/// another service instance in the same one.
async fn world() -> World {
    let destination_keys = vec![
        DestinationKey {
            name: "other".to_owned(),
            subdomain: OTHER_SUBDOMAIN.to_owned(),
        },
        "second".parse().unwrap(),
    ];
    let options = Options {
        destination_keys,
        ..Options::default()
    };
    World::with(Variant::documented(), options).await
}

/// The provider block with one key replaced.
fn provider_with(world: &World, attribute: &str, key: impl Into<Json>) -> Json {
    let mut block = world.provider();
    block[attribute] = key.into();
    block
}

/// A key that does not say where it belongs.
fn silent_key(world: &World, name: &str) -> String {
    let mut key: Json = serde_json::from_str(&world.key(name)).unwrap();
    for member in ["subaccountid", "tenantid", "zoneid"] {
        key.as_object_mut().unwrap().remove(member);
    }
    key.to_string()
}

/// The only member of a JSON object of the emulator's state, by this path.
async fn in_state(world: &World, path: &str) -> String {
    let state = world.state().await;
    let value = state.pointer(path);
    value.and_then(Json::as_str).unwrap().to_owned()
}

fn assert_names_both(outcome: &Outcome, summary: &str, expected: &str, actual: &str) {
    assert_ne!(expected, actual);
    let error = outcome.fails_with(summary);
    println!("{error}\n");
    assert!(error.detail.contains(&format!("`{expected}`")), "{error}");
    assert!(error.detail.contains(&format!("`{actual}`")), "{error}");
}

/// Every command with the wrong key fails with `summary`, sends no request to
/// the service and leaves the state alone; with the right key nothing is to do.
struct Mismatch<'a> {
    world: &'a World,
    right: Json,
    wrong: Json,
    address: &'static str,
    summary: &'static str,
    /// Whom the state belongs to, and whom the wrong key acts for.
    sides: [&'a str; 2],
}

impl Mismatch<'_> {
    async fn check(&self, tf: &mut Core, config: &[Resource], changed: &[Resource]) {
        let before = tf.state.clone();
        let at_sap = self.world.state().await;

        // Read: in a plan, in a refresh, in a destroy.
        self.world.forget_journal().await;
        tf.configure(self.wrong.clone());
        let outcomes = [
            tf.plan(config).await,
            tf.refresh().await,
            tf.destroy().await,
            tf.apply(changed).await,
        ];
        for outcome in &outcomes {
            self.assert_refused(outcome);
        }
        assert!(tf.state == before, "the state changed");
        self.assert_nothing_asked().await;

        // Update, delete and replacement, planned with the right key.
        for (wanted, action) in [(changed, Action::Update), (&[][..], Action::Delete)] {
            tf.configure(self.right.clone());
            let plan = tf.plan_for_later(wanted).await;
            assert_eq!(plan.outcome.action(self.address), action);
            self.world.forget_journal().await;
            tf.configure(self.wrong.clone());
            let outcome = tf.apply_saved(wanted, plan).await;
            self.assert_refused(&outcome);
            self.assert_nothing_asked().await;
            assert_eq!(
                tf.object(self.address)["id"],
                before.current[self.address].json()["id"]
            );
        }

        assert_eq!(self.world.state().await, at_sap, "something changed at SAP");
        tf.configure(self.right.clone());
        tf.assert_empty_plan(config).await;
    }

    fn assert_refused(&self, outcome: &Outcome) {
        let [expected, actual] = self.sides;
        assert_names_both(outcome, self.summary, expected, actual);
    }

    /// A token tells whom it acts for, so tokens are fetched; nothing else is.
    async fn assert_nothing_asked(&self) {
        let journal = self.world.journal().await;
        let others: Vec<_> = journal
            .iter()
            .filter(|entry| !entry["path"].as_str().unwrap().contains("/oauth/token"))
            .collect();
        assert!(others.is_empty(), "{others:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_subaccount_touches_no_destination() {
    let world = world().await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    let config = [destination(json!({}))];
    tf.apply(&config).await.ok();
    let ours = in_state(&world, "/subaccounts/acme-orders/id").await;
    let theirs = in_state(&world, "/subaccounts/acme-other/id").await;
    let mismatch = Mismatch {
        world: &world,
        right: world.provider(),
        wrong: provider_with(
            &world,
            "destination_service_key",
            world.key("destination-other"),
        ),
        address: DESTINATION,
        summary: "Service key of another subaccount",
        sides: [&ours, &theirs],
    };
    let changed = [destination(json!({ "description": "changed" }))];
    mismatch.check(&mut tf, &config, &changed).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_service_instance_touches_no_destination_at_instance_level() {
    let world = world().await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    let config = [destination(json!({ "level": "instance" }))];
    tf.apply(&config).await.ok();
    let instance_of = |key: &str| {
        let key: Json = serde_json::from_str(&world.key(key)).unwrap();
        key["instanceid"].as_str().unwrap().to_owned()
    };
    let [ours, theirs] = ["destination", "destination-second"].map(instance_of);
    let mismatch = Mismatch {
        world: &world,
        right: world.provider(),
        wrong: provider_with(
            &world,
            "destination_service_key",
            world.key("destination-second"),
        ),
        address: DESTINATION,
        summary: "Service key of another service instance",
        sides: [&ours, &theirs],
    };
    let changed = [destination(
        json!({ "level": "instance", "description": "changed" }),
    )];
    mismatch.check(&mut tf, &config, &changed).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_instance_of_the_same_subaccount_is_good_at_subaccount_level() {
    let world = world().await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    let config = [destination(json!({}))];
    tf.apply(&config).await.ok();
    let second = world.key("destination-second");
    tf.configure(provider_with(&world, "destination_service_key", second));
    tf.assert_empty_plan(&config).await;
    let changed = [destination(json!({ "description": "changed" }))];
    tf.apply(&changed).await.ok();
    tf.destroy().await.ok();
    assert!(world.destinations().await.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_tenant_touches_no_registration() {
    let world = World::documented().await;
    let elsewhere = json!({ "subaccounts": { "acme-orders": { "id": OTHER_TENANT } } });
    let scenario = Scenario {
        state: serde_json::from_value(elsewhere).unwrap(),
        ..Scenario::default()
    };
    let options = Options {
        scenario,
        ..Options::default()
    };
    let other_world = World::with(Variant::documented(), options).await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    let with = |config: Json| vec![destination(json!({})), registration(config)];
    let config = with(json!({ "destination_name": "CloudALM" }));
    tf.apply(&config).await.ok();

    let ours = in_state(&world, "/subaccounts/acme-orders/id").await;
    let mismatch = Mismatch {
        world: &world,
        right: world.provider(),
        wrong: provider_with(
            &world,
            "order_management_service_key",
            other_world.key("order-management"),
        ),
        address: REGISTRATION,
        summary: "Service key of another tenant",
        sides: [&ours, OTHER_TENANT],
    };
    // Only the registration: the destination's key is the right one.
    let instance = tf.forget(DESTINATION);
    let config = &config[1..];
    let changed = [registration(
        json!({ "destination_name": "CloudALM", "environment": "elsewhere" }),
    )];
    // The landscape is Cloud ALM's, and its key did not change.
    let there = other_world.state().await;
    mismatch.check(&mut tf, config, &changed).await;
    assert_eq!(other_world.state().await, there);
    assert_eq!(other_world.writes().await, [""; 0]);
    drop(instance);
    world.stop().await;
    other_world.stop().await;
}

/// A replacement that creates first makes its new object wherever the key
/// belongs. The old one of the same name is then somebody else's, and not the
/// one that was just made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_in_another_subaccount_does_not_forget_the_old_destination() {
    let world = world().await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    // Keys that do not say where they belong: else the plan would, and Terraform
    // would refuse what differs from it.
    let silent = |name: &str| {
        let key = silent_key(&world, name);
        provider_with(&world, "destination_service_key", key)
    };
    tf.configure(silent("destination"));
    let config = || [destination(json!({})).create_before_destroy()];
    tf.apply(&config()).await.ok();
    tf.taint(DESTINATION);
    let plan = tf.plan_for_later(&config()).await;
    assert_eq!(plan.outcome.action(DESTINATION), Action::ReplaceCreateFirst);
    tf.configure(silent("destination-other"));
    let outcome = tf.apply_saved(&config(), plan).await;
    let ours = in_state(&world, "/subaccounts/acme-orders/id").await;
    let theirs = in_state(&world, "/subaccounts/acme-other/id").await;
    let summary = "Service key of another subaccount";
    assert_names_both(&outcome, summary, &ours, &theirs);
    assert_eq!(tf.object(DESTINATION)["subaccount_id"], theirs.as_str());
    let old = tf.state.deposed.first().expect("the old object is kept");
    assert_eq!(old.1.json()["subaccount_id"], ours.as_str());
    assert_eq!(world.destinations().await.len(), 1);
    assert_eq!(world.destinations_of(OTHER_SUBDOMAIN).await.len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_names_another_owner_is_refused() {
    let world = world().await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    let config = [
        destination(json!({})),
        Resource::new("sapcalm_destination", "own", json!({ "level": "instance" })),
    ];
    tf.apply(&config).await.ok();
    let ours = in_state(&world, "/subaccounts/acme-orders/id").await;
    let theirs = in_state(&world, "/subaccounts/acme-other/id").await;
    tf.forget(DESTINATION);
    let own = tf.forget("sapcalm_destination.own");
    world.forget_journal().await;

    let id = format!("{theirs}/subaccount/CloudALM");
    let outcome = tf
        .import_by_id("sapcalm_destination", "cloud_alm", &id)
        .await;
    let summary = "Service key of another subaccount";
    assert_names_both(&outcome, summary, &theirs, &ours);

    let mut identity: Json = serde_json::from_str(own.identity.as_deref().unwrap()).unwrap();
    let instance = identity["instance_id"].as_str().unwrap().to_owned();
    identity["instance_id"] = json!("of somebody else");
    let outcome = tf
        .import_by_identity("sapcalm_destination", "own", identity)
        .await;
    let summary = "Service key of another service instance";
    assert_names_both(&outcome, summary, "of somebody else", &instance);

    let id = format!("{OTHER_TENANT}x");
    let outcome = tf
        .import_by_id("sapcalm_registration", "order_management", &id)
        .await;
    let summary = "Service key of another tenant";
    assert_names_both(&outcome, summary, &id, &ours);
    assert!(tf.state.is_empty());
    assert_eq!(world.writes().await, [""; 0]);
    world.stop().await;
}

/// A token that says nothing, and a key that says as little.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_while_nobody_says_whose_the_key_is_and_the_state_names_an_owner() {
    let world = world().await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    tf.apply(&[destination(json!({}))]).await.ok();
    let before = (tf.object(DESTINATION), world.destinations().await);
    let opaque = json!({ "token": { "format": "opaque" } });
    world.turn(opaque).await;

    // The key says it.
    tf.configure(world.provider());
    tf.assert_empty_plan(&[destination(json!({}))]).await;

    let silent = silent_key(&world, "destination");
    tf.configure(provider_with(&world, "destination_service_key", silent));
    let changed = [destination(json!({ "description": "changed" }))];
    let plan = tf.plan(&changed).await.ok();
    plan.warns("Unknown subaccount");
    for outcome in [tf.apply(&changed).await, tf.destroy().await] {
        outcome.fails_with("Unknown subaccount");
    }
    let after = (tf.object(DESTINATION), world.destinations().await);
    assert_eq!(after, before);

    // Nor where some subaccounts are allowed only.
    let mut block = provider_with(
        &world,
        "destination_service_key",
        silent_key(&world, "destination-other"),
    );
    block["allowed_subaccount_ids"] = json!(["one", "two"]);
    let mut tf = provider.core().await;
    tf.configure(block);
    let outcome = tf.apply(&[destination(json!({}))]).await;
    outcome.fails_with("Unknown subaccount");
    assert!(tf.state.is_empty());
    world.stop().await;
}

/// A key that says its subaccount, which the emulator's leave to the token.
fn with_subaccount(key: &str, id: &str) -> String {
    let mut key: Json = serde_json::from_str(key).unwrap();
    let credentials = match key.get("uaa") {
        Some(_) => &mut key["uaa"],
        None => &mut key,
    };
    credentials["subaccountid"] = id.into();
    key.to_string()
}

/// The key says so while planning; where it does not, its token does before
/// anything is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_allowed_subaccounts_are_changed() {
    let world = world().await;
    let provider = Served::start();
    let register = world.registration("CloudALM");
    let resources = [
        ("destination", destination(json!({}))),
        ("order-management", registration(register)),
    ];
    for (name, resource) in resources {
        let attribute = format!("{}_service_key", name.replace('-', "_"));
        let key = world.key(name);
        let open = with_subaccount(&key, "88888888-2222-4333-8444-555555555555");
        for (key, is_planned) in [(open, false), (key, true)] {
            let mut block = world.provider();
            block
                .as_object_mut()
                .unwrap()
                .remove("destination_service_key");
            block[&attribute] = key.into();
            block["allowed_subaccount_ids"] = json!(["99999999-2222-4333-8444-555555555555"]);
            let mut tf = provider.core().await;
            tf.configure(block);
            let resources = std::slice::from_ref(&resource);
            let plan = tf.plan(resources).await;
            assert_eq!(plan.diags.errors().next().is_none(), is_planned, "{plan}");
            let outcome = tf.apply(resources).await;
            outcome.fails_with("Subaccount not allowed");
            assert!(tf.state.is_empty());
        }
    }
    assert_eq!(world.writes().await, [""; 0]);
    world.stop().await;
}

// ------------------------------------------------ creates that nobody can judge

/// A resource, where its objects are, and what somebody else's would be.
struct Undecided {
    resources: [Resource; 1],
    collection: &'static str,
    others: fn(&Json) -> Json,
}

fn undecided() -> [Undecided; 2] {
    let certificate = json!({ "name": "a.pem", "content": { "pem_wo": pem("client") } });
    [
        Undecided {
            resources: [destination(json!({}))],
            collection: "/destination-configuration/v1/subaccountDestinations",
            others: |made| {
                let mut others = made.clone();
                others["URL"] = json!("https://theirs.example.com");
                others
            },
        },
        Undecided {
            resources: [Resource::new(
                "sapcalm_destination_certificate",
                "cloud_alm",
                certificate,
            )],
            collection: "/destination-configuration/v1/subaccountCertificates",
            others: |made| {
                let mut others = made.clone();
                others["Content"] = json!("dGhlaXJz");
                others
            },
        },
    ]
}

impl Undecided {
    fn is_certificate(&self) -> bool {
        self.collection.ends_with("Certificates")
    }

    /// The create is carried out, its answer is lost, and nothing can be read.
    async fn create(&self, world: &World, tf: &mut Core) {
        let at = |method: &str| json!({ "method": method, "path_prefix": self.collection });
        // It is looked for before it is uploaded.
        let looks = u32::from(self.is_certificate());
        world
            .fault(json!([
                { "match": at("POST"), "do": { "reset": "after_commit" } },
                { "match": at("GET"), "skip": looks, "times": null, "do": { "status": 500 } }
            ]))
            .await;
        let outcome = tf.apply(&self.resources).await;
        let error = outcome.diags.errors().next().unwrap();
        assert!(error.detail.contains("kept in the state as tainted"));
        world.clear_faults().await;
    }

    async fn objects(&self, world: &World) -> Vec<Json> {
        if self.is_certificate() {
            world.certificates().await
        } else {
            world.destinations().await
        }
    }

    async fn set(&self, world: &World, objects: &[Json]) {
        if self.is_certificate() {
            world.set_certificates(objects).await;
        } else {
            world.set_destinations(objects).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_create_may_have_left_is_destroyed_unless_it_is_somebody_elses() {
    const OPEN: &str = "Outcome of the create was not known";
    let world = World::documented().await;
    let provider = Served::start();
    for case in undecided() {
        let mut tf = provider.core().await;
        tf.configure(world.provider());

        case.create(&world, &mut tf).await;
        tf.destroy().await.ok();
        assert!(case.objects(&world).await.is_empty() && tf.state.is_empty());

        case.create(&world, &mut tf).await;
        let outcome = tf.apply(&case.resources).await.ok();
        assert_eq!(outcome.changes[0].1.action, Action::Replace);
        outcome.warns(OPEN);
        tf.assert_empty_plan(&case.resources).await;
        tf.destroy().await.ok();

        case.create(&world, &mut tf).await;
        let others = [(case.others)(&case.objects(&world).await[0])];
        case.set(&world, &others).await;
        tf.destroy().await.ok().warns(OPEN);
        assert_eq!(case.objects(&world).await, others);
        assert!(tf.state.is_empty());
        case.set(&world, &[]).await;
    }
}
