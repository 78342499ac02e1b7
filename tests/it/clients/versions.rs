//! Old and new clients: nothing in schema, answers or capabilities is one that
//! a Terraform from 1.0.3 on rejects, and what only newer ones understand is
//! used only with them.

use framework::proto::tfplugin6 as proto;
use framework::proto::tfplugin6::provider_server::Provider as _;
use serde_json::{Value as Json, json};
use tonic::Request;

use crate::support::core::{Action, Core, Release, Resource, unknown};
use crate::support::world::World;

const DESTINATION: &str = "sapcalm_destination.cloud_alm";
const REGISTRATION: &str = "sapcalm_registration.order_management";

fn main_job() -> Vec<Resource> {
    vec![
        Resource::new("sapcalm_destination", "cloud_alm", json!({})),
        Resource::with(
            "sapcalm_registration",
            "order_management",
            |values| json!({ "destination_name": values.get(DESTINATION, "name") }),
        )
        .depends_on(&[DESTINATION]),
    ]
}

async fn core(release: Release, provider: Json) -> Core {
    println!("{release:?}");
    let mut tf = Core::start(&[]).await;
    tf.release(release);
    tf.configure(provider);
    tf
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_does_the_whole_main_job() {
    for release in Release::ALL {
        let world = World::documented().await;
        let mut tf = core(release, world.provider()).await;
        let resources = main_job();
        tf.apply(&resources).await.ok();
        assert!(world.is_registered().await);
        tf.assert_empty_plan(&resources).await;

        world
            .edit_destination(json!({ "Description": "by hand", "clientSecret": "by hand" }))
            .await;
        world.offboard().await;
        let plan = tf.plan(&resources).await.ok();
        assert_eq!(plan.action(DESTINATION), Action::Update);
        assert_eq!(plan.action(REGISTRATION), Action::Update);
        let shown = plan.differences();
        for attribute in ["description", "secrets"] {
            assert!(shown.contains(&format!("{DESTINATION}.{attribute}")));
        }
        tf.apply(&resources).await.ok();
        assert!(world.is_registered().await);
        tf.assert_empty_plan(&resources).await;

        for address in [DESTINATION, REGISTRATION] {
            let (type_name, name) = address.split_once('.').unwrap();
            let forgotten = tf.forget(address);
            assert_eq!(
                forgotten.identity.is_some(),
                release.knows_identity(),
                "{address}"
            );
            let id = forgotten.json()["id"].as_str().unwrap().to_owned();
            if let Some(identity) = &forgotten.identity {
                let identity = serde_json::from_str(identity).unwrap();
                tf.import_by_identity(type_name, name, identity).await.ok();
                tf.forget(address);
            }
            tf.import_by_id(type_name, name, &id).await.ok();
        }
        let plan = tf.plan(&resources).await.ok();
        assert!(plan.replaces_for(DESTINATION).is_empty());
        assert!(plan.replaces_for(REGISTRATION).is_empty());
        tf.apply(&resources).await.ok();
        tf.assert_empty_plan(&resources).await;

        tf.destroy().await.ok();
        assert!(!world.is_registered().await);
        assert!(world.destinations().await.is_empty());

        let asked = tf.calls();
        let identities = asked
            .iter()
            .any(|call| call == "GetResourceIdentitySchemas");
        assert_eq!(identities, release.knows_identity());
        world.stop().await;
    }
}

/// A key that another resource makes in the same run: only a client that asks
/// for it could be answered with a deferral, and none is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_can_make_a_key_in_the_same_run() {
    for release in Release::ALL {
        let world = World::documented().await;
        let mut tf = core(release, world.provider()).await;
        let mut at_plan = world.provider();
        for key in ["destination", "order_management", "cloud_alm"] {
            at_plan[format!("{key}_service_key")] = unknown();
        }
        tf.configure_at_plan(at_plan);
        tf.apply(&main_job()).await.ok();
        assert!(world.is_registered().await);
        tf.configure(world.provider());
        tf.assert_empty_plan(&main_job()).await;
        world.stop().await;
    }
}

/// A secret without a Cloud ALM key: write-only where the client knows that,
/// plain where it does not. (That an older client is refused a write-only one
/// is bad input.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_write_only_where_the_client_allows_it() {
    for release in Release::ALL {
        let world = World::documented().await;
        let mut tf = core(release, world.provider()).await;
        let write_only = release.knows_write_only();
        let credentials = |secret: &str| match write_only {
            true => ("credentials", json!({ "password_wo": secret })),
            false => ("stored_credentials", json!({ "password": secret })),
        };
        let resources = |secret: &str| {
            let (object, secret) = credentials(secret);
            let block = json!({
                "name": "Basic",
                "authentication": "BasicAuthentication",
                "url": "https://example.com",
                "user": "me",
                object: secret,
            });
            vec![Resource::new("sapcalm_destination", "cloud_alm", block)]
        };
        tf.apply(&resources("first-canary")).await.ok();
        tf.assert_empty_plan(&resources("first-canary")).await;
        let object = tf.object(DESTINATION).to_string();
        assert_eq!(object.contains("first-canary"), !write_only);

        tf.apply(&resources("second-canary")).await.ok();
        assert_eq!(world.destinations().await[0]["Password"], "second-canary");
        tf.assert_empty_plan(&resources("second-canary")).await;
        tf.destroy().await.ok();
        assert!(world.destinations().await.is_empty());
        world.stop().await;
    }
}

/// An older client drops what it does not know from the schema. What is left
/// must be a schema of protocol 6.0, which is what Terraform 1.0.3 accepts.
#[tokio::test]
async fn the_schema_without_newer_fields_is_one_of_the_first_protocol() {
    let provider = sapcalm::provider::service();
    let request = Request::new(proto::get_provider_schema::Request {});
    let answer = provider.get_provider_schema(request).await.unwrap();
    let answer = answer.into_inner();
    assert!(answer.diagnostics.is_empty());
    let mut schemas = vec![("provider".to_owned(), answer.provider.unwrap())];
    schemas.extend(answer.resource_schemas);
    schemas.extend(answer.data_source_schemas);
    for (name, schema) in schemas {
        let block = schema.block.unwrap();
        assert!(block.block_types.is_empty(), "{name} has blocks");
        assert!(!block.deprecated, "{name}");
        for attribute in &block.attributes {
            check_attribute(&format!("{name}.{}", attribute.name), attribute);
        }
    }
}

fn check_attribute(path: &str, attribute: &proto::schema::Attribute) {
    // Without the flag a write-only attribute is an ordinary one, and the null
    // that we answer must be allowed for it. (A value is refused before anybody
    // plans with it.)
    if attribute.write_only {
        assert!(attribute.optional && !attribute.computed, "{path}");
    }
    assert!(
        attribute.required ^ (attribute.optional || attribute.computed),
        "{path}"
    );
    assert!(
        attribute.deprecated || attribute.deprecation_message.is_empty(),
        "{path}: a message without the flag is refused by newer clients"
    );
    assert_eq!(
        attribute.r#type.is_empty(),
        attribute.nested_type.is_some(),
        "{path}"
    );
    if let Some(nested) = &attribute.nested_type {
        assert_ne!(
            nested.nesting(),
            proto::schema::object::NestingMode::Invalid,
            "{path}"
        );
        for inner in &nested.attributes {
            check_attribute(&format!("{path}.{}", inner.name), inner);
        }
    }
}
