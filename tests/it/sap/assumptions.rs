//! What is assumed about SAP, as the table in the guide lists it. Each row:
//! where SAP is different, the default fails with an error that names the
//! setting, and the setting makes it work.

use framework::proto::tfplugin6 as proto;
use framework::proto::tfplugin6::provider_server::Provider as _;
use serde_json::{Value as Json, json};
use tonic::Request;

use crate::support::core::{Core, Resource};
use crate::support::world::World;

const DESTINATION: &str = "sapcalm_destination.cloud_alm";
const REGISTRATION: &str = "sapcalm_registration.order_management";

/// The main job with more in its blocks.
#[derive(Clone)]
struct Job {
    provider: Json,
    destination: Json,
    registration: Json,
}

impl Job {
    /// The configuration of the README.
    fn plain() -> Self {
        Self {
            provider: json!({}),
            destination: json!({}),
            registration: json!({}),
        }
    }

    fn api(api: &Json) -> Self {
        Self {
            provider: json!({ "order_management_api": api }),
            ..Self::plain()
        }
    }

    fn destination(block: Json) -> Self {
        Self {
            destination: block,
            ..Self::plain()
        }
    }

    fn registration(block: Json) -> Self {
        Self {
            registration: block,
            ..Self::plain()
        }
    }

    fn configure(&self, world: &World, tf: &mut Core) {
        let mut block = world.provider();
        merge(&mut block, &self.provider);
        tf.configure(block);
    }

    fn resources(&self) -> Vec<Resource> {
        let registration = self.registration.clone();
        vec![
            Resource::new("sapcalm_destination", "cloud_alm", self.destination.clone()),
            Resource::with("sapcalm_registration", "order_management", move |values| {
                let mut block = registration.clone();
                block["destination_name"] = values.get(DESTINATION, "name");
                block
            })
            .depends_on(&[DESTINATION]),
        ]
    }
}

/// Puts a value over another one, member by member.
fn merge(over: &mut Json, value: &Json) {
    match (over.as_object_mut(), value.as_object()) {
        (Some(object), Some(members)) => {
            for (name, member) in members {
                merge(object.entry(name.clone()).or_insert(Json::Null), member);
            }
        }
        _ => *over = value.clone(),
    }
}

/// A world with these knobs, in which the destination is in place and old
/// enough that registering is not repeated for its sake.
async fn world(knobs: Json) -> (World, Core) {
    let world = World::documented().await;
    let mut tf = Core::start(&[]).await;
    let job = Job::plain();
    job.configure(&world, &mut tf);
    tf.apply(&job.resources()[..1]).await.ok();
    world.age_destinations().await;
    world.turn(knobs).await;
    (world, tf)
}

/// Applies, which must fail with an error that names each of `names`.
async fn fails(world: &World, tf: &mut Core, job: &Job, names: &[&str]) {
    job.configure(world, tf);
    let outcome = tf.apply(&job.resources()).await;
    assert!(outcome.diags.has_errors(), "the default works: {outcome}");
    for name in names {
        assert!(
            outcome
                .diags
                .errors()
                .any(|error| error.detail.contains(name)),
            "no error names {name}:\n{outcome}"
        );
    }
    assert!(!world.is_registered().await);
}

/// Applies, plans nothing more, and destroys.
async fn works(world: &World, tf: &mut Core, job: &Job) {
    job.configure(world, tf);
    tf.apply(&job.resources()).await.ok();
    assert!(world.is_registered().await);
    tf.assert_empty_plan(&job.resources()).await;
    tf.destroy().await.ok();
    assert!(!world.is_registered().await);
}

/// Destroys, which must fail with an error that names each of `names` and keep
/// the state.
async fn cannot_be_destroyed(tf: &mut Core, names: &[&str]) {
    let outcome = tf.destroy().await;
    let error = outcome.fails_with("Cannot offboard from Integration Monitoring");
    for name in names {
        assert!(error.detail.contains(name), "{error} does not name {name}");
    }
    assert!(!tf.object(REGISTRATION).is_null());
    assert!(!tf.object(DESTINATION).is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_to_register() {
    // The guess works where it is right, and every plan of a new registration
    // says that it is one.
    let (sap, mut tf) =
        world(json!({ "order_management": { "register_path": "/registration" } })).await;
    let guess = Job::api(&json!({ "register": null }));
    guess.configure(&sap, &mut tf);
    let summary = "Path of the registration is a guess";
    tf.plan(&guess.resources()).await.ok().warns(summary);
    tf.apply(&guess.resources()).await.ok().warns(summary);
    tf.assert_empty_plan(&guess.resources()).await;
    assert!(sap.is_registered().await);
    sap.stop().await;

    let cases = [
        (
            json!({ "register_path": "/v2/on" }),
            "`order_management_api.register`",
            json!({ "register": { "path": "v2/on" } }),
        ),
        (
            json!({ "register_method": "PUT" }),
            "`order_management_api.register`",
            json!({ "register": { "method": "PUT" } }),
        ),
        (
            json!({ "register_body": "json" }),
            "`order_management_api.register.body`",
            json!({ "register": { "body": "{}" } }),
        ),
        // At the endpoint itself, where only the body tells it from offboarding.
        (
            json!({ "register_path": "", "register_body": "json", "offboard_path": "/off" }),
            "`order_management_api.register`",
            json!({ "register": { "path": "", "body": "{}" }, "offboard": { "path": "/off" } }),
        ),
    ];
    for (knobs, setting, api) in cases {
        println!("{knobs}");
        let (world, mut tf) = world(json!({ "order_management": knobs })).await;
        fails(&world, &mut tf, &Job::plain(), &[setting]).await;
        works(&world, &mut tf, &Job::api(&api)).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_to_offboard() {
    let cases = [
        (
            json!({ "offboard_path": "/v2/off" }),
            json!({ "offboard": { "path": "/v2/off" } }),
        ),
        (
            json!({ "offboard_method": "DELETE" }),
            json!({ "offboard": { "method": "DELETE" } }),
        ),
    ];
    for (knobs, api) in cases {
        println!("{knobs}");
        let (world, mut tf) = world(json!({ "order_management": knobs })).await;
        Job::plain().configure(&world, &mut tf);
        tf.apply(&Job::plain().resources()).await.ok();
        cannot_be_destroyed(&mut tf, &["`order_management_api.offboard`"]).await;
        assert!(world.is_registered().await);
        Job::api(&api).configure(&world, &mut tf);
        tf.destroy().await.ok();
        assert!(!world.is_registered().await);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn which_endpoint_to_call() {
    let knobs = json!({ "order_management": { "endpoint_key": "monitoring" } });
    let (world, mut tf) = world(knobs).await;
    let names = [
        "`order_management_api.endpoint_key`",
        "`order_management_api.endpoint`",
    ];
    fails(&world, &mut tf, &Job::plain(), &names).await;
    works(
        &world,
        &mut tf,
        &Job::api(&json!({ "endpoint_key": "monitoring" })),
    )
    .await;
    let key: Json = serde_json::from_str(&world.key("order-management")).unwrap();
    let endpoint = &key["endpoints"]["monitoring"];
    works(&world, &mut tf, &Job::api(&json!({ "endpoint": endpoint }))).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn which_headers_to_send() {
    let knobs = json!({ "order_management": { "register_headers": { "X-Tenant": "7" } } });
    let (world, mut tf) = world(knobs).await;
    fails(
        &world,
        &mut tf,
        &Job::plain(),
        &["`order_management_api.headers`"],
    )
    .await;
    works(
        &world,
        &mut tf,
        &Job::api(&json!({ "headers": { "X-Tenant": "7" } })),
    )
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_already_registered_is_answered() {
    for status in [400, 422] {
        let (world, mut tf) = world(json!({})).await;
        Job::plain().configure(&world, &mut tf);
        tf.apply(&Job::plain().resources()).await.ok();
        // The state is lost, the registration is not.
        tf.forget(REGISTRATION);
        world.age_destinations().await;
        world
            .turn(json!({ "order_management": { "already_registered": status } }))
            .await;
        let outcome = tf.apply(&Job::plain().resources()).await;
        let error = outcome.fails_with("Cannot register for Integration Monitoring");
        let advice = format!("add {status} to `order_management_api.already_registered_codes`");
        assert!(error.detail.contains(&advice), "{error}");
        let job = Job::api(&json!({ "already_registered_codes": [status] }));
        works(&world, &mut tf, &job).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_not_registered_is_answered() {
    for status in [400, 404, 422] {
        let (world, mut tf) = world(json!({ "order_management": { "not_registered": status },
            "cloud_alm": { "landscape_visible": false } }))
        .await;
        Job::plain().configure(&world, &mut tf);
        tf.apply(&Job::plain().resources()).await.ok();
        world.offboard().await;
        // Without a witness the answer alone decides.
        let mut alone = Job::plain();
        alone.provider = json!({ "cloud_alm_service_key": null });
        alone.configure(&world, &mut tf);
        cannot_be_destroyed(&mut tf, &["`order_management_api.not_registered_codes`"]).await;
        alone.provider["order_management_api"] = json!({ "not_registered_codes": [status] });
        alone.configure(&world, &mut tf);
        tf.destroy().await.ok();
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn which_scope_to_ask_for() {
    let knobs = json!({ "order_management": { "scope_owner": "master" } });
    let (world, mut tf) = world(knobs).await;
    fails(&world, &mut tf, &Job::plain(), &["`scope`"]).await;
    works(&world, &mut tf, &Job::registration(json!({ "scope": "" }))).await;
    let key: Json = serde_json::from_str(&world.key("order-management")).unwrap();
    let (_, master) = key["uaa"]["xsappname"]
        .as_str()
        .unwrap()
        .split_once('|')
        .unwrap();
    let scope = format!("{master}.IntegrationMonitoring");
    works(
        &world,
        &mut tf,
        &Job::registration(json!({ "scope": scope })),
    )
    .await;
    world.stop().await;
}

/// Not knowing which object it is fails nothing: a warning names the settings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn which_landscape_object_it_is() {
    let (world, mut tf) = world(json!({})).await;
    let job = Job::plain();
    job.configure(&world, &mut tf);
    tf.apply(&job.resources()).await.ok();
    let mut ids = world.landscape().await;
    let tenant = tf.object(REGISTRATION)["id"].as_str().unwrap().to_owned();
    assert_eq!(ids, [format!("CO_prod_{tenant}")]);
    ids.push(format!("CO_test_{tenant}"));
    world.set_landscape(&ids).await;
    tf.forget(REGISTRATION);
    let outcome = tf.apply(&job.resources()).await.ok();
    let warning = outcome.warns("Several landscape objects match");
    for name in ["`lms_id`", "`environment`", ids[1].as_str()] {
        assert!(warning.detail.contains(name), "{warning}");
    }
    for block in [
        json!({ "environment": "test" }),
        json!({ "lms_id": ids[1] }),
    ] {
        let job = Job::registration(block);
        tf.apply(&job.resources()).await.ok();
        let object = tf.object(REGISTRATION);
        assert_eq!(object["status"], "registered", "{object}");
        assert_eq!(object["lms_id"], ids[1].as_str());
        assert_eq!(object["environment"], "test");
        tf.assert_empty_plan(&job.resources()).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_soon_the_landscape_shows_it() {
    let late = json!({ "cloud_alm": { "landscape_delay_ms": 2_000 } });
    let (world, mut tf) = world(late).await;
    let one_look = Job::plain();
    one_look.configure(&world, &mut tf);
    tf.apply(&one_look.resources()).await.ok();
    assert_eq!(tf.object(REGISTRATION)["status"], "accepted");
    tf.destroy().await.ok();

    let patient = Job::registration(json!({ "verify_timeout": "1m" }));
    tf.apply(&patient.resources()).await.ok();
    assert_eq!(tf.object(REGISTRATION)["status"], "registered");
    tf.assert_empty_plan(&patient.resources()).await;
    tf.destroy().await.ok();

    world.forget_journal().await;
    let blind = Job::registration(json!({ "verify": false }));
    works(&world, &mut tf, &blind).await;
    let asked = world.journal().await;
    let landscape = asked
        .iter()
        .filter(|entry| entry["path"].as_str().unwrap().contains("landscape"));
    assert_eq!(landscape.count(), 0, "{asked:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn which_form_the_url_has() {
    let knobs = json!({ "order_management": { "url_form": "origin" } });
    for url_form in ["origin", "origin_with_slash"] {
        let (world, mut tf) = world(knobs.clone()).await;
        fails(&world, &mut tf, &Job::plain(), &["`url_form`"]).await;
        let job = Job::destination(json!({ "service_key": { "url_form": url_form } }));
        works(&world, &mut tf, &job).await;
        world.stop().await;
    }
}

/// A key of another layout can be put together by hand from its values.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn which_layout_a_key_has() {
    let (world, mut tf) = world(json!({})).await;
    let key = |name: &str| -> Json { serde_json::from_str(&world.key(name)).unwrap() };
    let renamed = |name: &str| world.key(name).replace("\"clientid\"", "\"client_id\"");
    let mut job = Job::plain();
    job.provider = json!({ "order_management_service_key": renamed("order-management") });
    let names = ["`uaa.clientid`", "JSON text"];
    fails(&world, &mut tf, &job, &names).await;

    let client = |uaa: &Json| {
        json!({
            "clientid": uaa["clientid"], "clientsecret": uaa["clientsecret"], "url": uaa["url"],
        })
    };
    let mut destination = client(&key("destination"));
    destination["uri"] = key("destination")["uri"].clone();
    let mut order_management = client(&key("order-management")["uaa"]);
    order_management["xsappname"] = key("order-management")["uaa"]["xsappname"].clone();
    order_management["endpoints"] = key("order-management")["endpoints"].clone();
    let mut cloud_alm = client(&key("cloud-alm")["uaa"]);
    cloud_alm["endpoints"] = key("cloud-alm")["endpoints"].clone();
    job.provider = json!({
        "destination_service_key": destination.to_string(),
        "order_management_service_key": order_management.to_string(),
        "cloud_alm_service_key": cloud_alm.to_string(),
    });
    works(&world, &mut tf, &job).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_long_a_changed_destination_stays_cached() {
    let knobs = |ms: u32| json!({ "destination": { "propagation_ms": ms } });
    let world = World::documented().await;
    world.turn(knobs(1_500)).await;
    let mut tf = Core::start(&[]).await;
    works(&world, &mut tf, &Job::plain()).await;
    let writes = world.writes().await;
    let calls = writes
        .iter()
        .filter(|write| write.ends_with("/registration"));
    assert!(calls.count() > 1, "nothing was repeated: {writes:?}");

    let world = World::documented().await;
    world.turn(knobs(60_000)).await;
    let hasty = Job::registration(json!({ "timeouts": { "create": "1s" } }));
    fails(&world, &mut tf, &hasty, &["`timeouts`"]).await;
    world.turn(knobs(0)).await;
    world.forward(60_000).await;
    works(&world, &mut tf, &Job::plain()).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_many_requests_are_too_many() {
    let world = World::documented().await;
    let busy = json!({
        "match": { "method": "POST", "path_prefix": "/destination-configuration" },
        "times": 6,
        "do": { "status": 429, "body": "Too Many Requests" },
    });
    let mut tf = Core::start(&[]).await;
    world.fault(busy.clone()).await;
    let names = ["`max_retries`", "`max_concurrent_requests`"];
    fails(&world, &mut tf, &Job::plain(), &names).await;
    world.clear_faults().await;
    world.fault(busy).await;
    let mut patient = Job::plain();
    patient.provider = json!({ "max_retries": 10, "max_concurrent_requests": 1 });
    works(&world, &mut tf, &patient).await;
    world.stop().await;
}

/// The rows of the table, in order: what is assumed, and the test of it here.
const ROWS: &[(&str, &str)] = &[
    (
        "where Order Management foundation registers",
        "where_to_register",
    ),
    ("where it offboards", "where_to_offboard"),
    (
        "which endpoint of the key to call",
        "which_endpoint_to_call",
    ),
    ("extra headers of these calls", "which_headers_to_send"),
    (
        "how \"already registered\" is answered",
        "how_already_registered_is_answered",
    ),
    (
        "how \"not registered\" is answered when offboarding",
        "how_not_registered_is_answered",
    ),
    ("the scope of the token", "which_scope_to_ask_for"),
    ("the landscape object's id", "which_landscape_object_it_is"),
    (
        "how soon the landscape shows a registration",
        "how_soon_the_landscape_shows_it",
    ),
    (
        "the URL in the `CloudALM` destination",
        "which_form_the_url_has",
    ),
    ("layout of service keys", "which_layout_a_key_has"),
    (
        "how long a changed destination stays cached at SAP",
        "how_long_a_changed_destination_stays_cached",
    ),
    ("rate limits", "how_many_requests_are_too_many"),
];

#[tokio::test]
async fn every_row_of_the_guide_has_a_test_and_names_settings_that_exist() {
    let guide = include_str!("../../../templates/guides/assumptions.md");
    let (_, table) = guide.split_once("| assumption |").unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let assumed: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    let proven: Vec<&str> = ROWS.iter().map(|(row, _)| *row).collect();
    assert_eq!(assumed, proven);
    for (_, test) in ROWS {
        let definition = format!("async fn {test}()");
        assert!(include_str!("assumptions.rs").contains(&definition));
    }

    let provider = sapcalm::provider::service();
    let request = Request::new(proto::get_provider_schema::Request {});
    let answer = provider.get_provider_schema(request).await.unwrap();
    let answer = answer.into_inner();
    let mut known = Vec::new();
    for schema in answer
        .provider
        .iter()
        .chain(answer.resource_schemas.values())
    {
        names("", &schema.block.as_ref().unwrap().attributes, &mut known);
    }
    for row in rows {
        let settings = row[2].split('`').skip(1).step_by(2);
        for setting in settings.filter(|setting| !setting.starts_with("sapcalm_")) {
            // `{ method, path, body }` are the members of the one before.
            for word in setting.split(|c| "{}, ".contains(c)) {
                let exists = word.is_empty()
                    || ["\"\"", "jsonencode"].contains(&word)
                    || known
                        .iter()
                        .any(|name| name == word || name.ends_with(&format!("register.{word}")));
                assert!(exists, "there is no setting `{word}` (row {:?})", row[0]);
            }
        }
    }
}

/// The paths of all attributes.
fn names(before: &str, attributes: &[proto::schema::Attribute], found: &mut Vec<String>) {
    for attribute in attributes {
        let path = format!("{before}{}", attribute.name);
        if let Some(nested) = &attribute.nested_type {
            names(&format!("{path}."), &nested.attributes, found);
        }
        found.push(path);
    }
}
