//! `moved` blocks from the destinations of SAP's provider for BTP: through the
//! stand-in, and with the real CLI from a fabricated state file.

use serde_json::{Value as Json, json};

use crate::support::btp_provider::Btp;
use crate::support::core::others::MoveSource;
use crate::support::core::{Action, Core, Resource};
use crate::support::feature::Feature;
use crate::support::workspace::Workspace;
use crate::support::world::World;

const DESTINATION: &str = "sapcalm_destination.a";
const GENERIC: &str = "btp_subaccount_destination_generic";
const TYPED: &str = "btp_subaccount_destination";

/// What is at SAP.
fn at_sap() -> Json {
    json!({
        "Name": "Moved", "Type": "HTTP", "URL": "https://target.example", "ProxyType": "Internet",
        "Authentication": "BasicAuthentication", "User": "u", "Password": "canary-moved",
    })
}

/// What is configured for it.
fn block() -> Json {
    json!({
        "name": "Moved", "authentication": "BasicAuthentication", "url": "https://target.example",
        "user": "u",
    })
}

async fn subaccount(world: &World) -> Json {
    world.state().await["subaccounts"]["acme-orders"]["id"].clone()
}

/// The state that the other provider left.
fn other_state(type_name: &str, subaccount: &Json) -> Json {
    let mut state = json!({
        "id": format!("{},Moved,", subaccount.as_str().unwrap()), "name": "Moved",
        "subaccount_id": subaccount, "service_instance_id": null, "etag": "e",
        "creation_time": "2025-01-01T00:00:00Z", "modification_time": "2025-01-01T00:00:00Z",
    });
    if type_name == GENERIC {
        state["destination_configuration"] = at_sap().to_string().into();
    } else {
        for (name, value) in [
            ("type", "HTTP"),
            ("url", "https://target.example"),
            ("proxy_type", "Internet"),
            ("authentication", "BasicAuthentication"),
        ] {
            state[name] = value.into();
        }
        state["description"] = Json::Null;
        let secrets = json!({ "User": "u", "Password": "canary-moved" });
        state["additional_configuration"] = secrets.to_string().into();
    }
    state
}

fn source(type_name: &str, state: Json) -> MoveSource<'_> {
    MoveSource {
        provider: "registry.terraform.io/sap/btp",
        type_name,
        schema_version: 0,
        state,
    }
}

async fn world_and_core() -> (World, Core) {
    let world = World::documented().await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    (world, tf)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_of_the_btp_provider_becomes_ours_without_a_change() {
    for type_name in [GENERIC, TYPED] {
        let (world, mut tf) = world_and_core().await;
        world.set_destinations(&[at_sap()]).await;
        let state = other_state(type_name, &subaccount(&world).await);
        tf.move_from(&source(type_name, state), "sapcalm_destination", "a")
            .await
            .ok();
        assert_eq!(tf.object(DESTINATION)["id"], "subaccount/Moved");
        assert!(!tf.state.text().contains("canary"));
        let resources = [Resource::new("sapcalm_destination", "a", block())];
        tf.assert_empty_plan(&resources).await;
        tf.apply(&resources).await.ok();
        assert!(world.writes().await.is_empty());
        let state = tf.object(DESTINATION);
        assert_eq!(state["url"], "https://target.example");
        assert_eq!(state["user"], "u");
        assert!(!tf.state.text().contains("canary") && !tf.log().contains("canary"));

        // What the configuration says otherwise is an update, never a replacement.
        let mut changed = block();
        changed["description"] = "new".into();
        let resources = [Resource::new("sapcalm_destination", "a", changed)];
        let outcome = tf.apply(&resources).await.ok();
        assert_eq!(outcome.action(DESTINATION), Action::Update);
        assert_eq!(world.destinations().await[0]["Password"], "canary-moved");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_at_instance_level_stays_there() {
    let (world, mut tf) = world_and_core().await;
    let key: Json = serde_json::from_str(&world.key("destination")).unwrap();
    let mut created = block();
    created["level"] = "instance".into();
    let resources = [Resource::new("sapcalm_destination", "a", created.clone())];
    created["credentials"] = json!({ "password_wo": "canary-moved" });
    tf.apply(&[Resource::new("sapcalm_destination", "a", created)])
        .await
        .ok();
    tf.forget(DESTINATION);
    let mut state = other_state(GENERIC, &subaccount(&world).await);
    state["service_instance_id"] = key["instanceid"].clone();
    tf.move_from(&source(GENERIC, state), "sapcalm_destination", "a")
        .await
        .ok();
    tf.assert_empty_plan(&resources).await;
    assert_eq!(tf.object(DESTINATION)["id"], "instance/Moved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_of_another_subaccount_is_not_mistaken_for_ours() {
    let (world, mut tf) = world_and_core().await;
    world.set_destinations(&[at_sap()]).await;
    let state = other_state(TYPED, &json!("00000000-1111-4222-8333-444444444444"));
    tf.move_from(&source(TYPED, state), "sapcalm_destination", "a")
        .await
        .ok();
    let resources = [Resource::new("sapcalm_destination", "a", block())];
    let plan = tf.plan(&resources).await;
    plan.fails_with("Service key of another subaccount");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_moved_is_named_with_what_can() {
    let (_world, mut tf) = world_and_core().await;
    let good = other_state(GENERIC, &json!("s"));
    let with = |change: &dyn Fn(&mut MoveSource<'_>)| {
        let mut source = source(GENERIC, good.clone());
        change(&mut source);
        source
    };
    let cases = [
        (
            with(&|one| one.provider = "registry.terraform.io/other/btp"),
            "other/btp",
        ),
        (
            with(&|one| one.type_name = "btp_subaccount"),
            "`btp_subaccount`",
        ),
        (with(&|one| one.schema_version = 7), "schema version 7"),
        (with(&|one| one.state = json!({})), "`name`"),
    ];
    for (source, expected) in cases {
        let outcome = tf.move_from(&source, "sapcalm_destination", "a").await;
        let error = outcome.fails_with("Resource cannot be moved");
        assert!(error.detail.contains(expected), "{outcome}");
        assert!(!outcome.to_string().contains("canary"), "{outcome}");
        assert!(tf.state.is_empty());
    }
    // A mirror has another host.
    let mirrored = with(&|one| one.provider = "mirror.example/SAP/btp");
    tf.move_from(&mirrored, "sapcalm_destination", "a")
        .await
        .ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_moved_block_takes_destinations_over_from_the_btp_provider() {
    let Some(mut workspace) = Workspace::with(&[Feature::MoveAcrossTypes]) else {
        return;
    };
    let world = World::documented().await;
    // Terraform wants the schema of every provider that the state names.
    let btp = Btp::start();
    workspace.set_env("TF_REATTACH_PROVIDERS", &btp.reattach());
    world.set_destinations(&[at_sap()]).await;
    for type_name in [GENERIC, TYPED] {
        let state = other_state(type_name, &subaccount(&world).await);
        let file = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": 1,
            "lineage": "00000000-1111-4222-8333-555555555555", "outputs": {},
            "resources": [{
                "mode": "managed", "type": type_name, "name": "old",
                "provider": "provider[\"registry.terraform.io/sap/btp\"]",
                "instances": [{ "schema_version": 0, "attributes": state, "sensitive_attributes": [] }],
            }],
        });
        std::fs::write(workspace.path().join("terraform.tfstate"), file.to_string()).unwrap();
        let configuration = json!({
            "terraform": { "required_providers": { "sapcalm": { "source": "sapcalm/sapcalm" } } },
            "provider": { "sapcalm": world.provider() },
            "resource": { "sapcalm_destination": { "a": block() } },
            "moved": [{ "from": format!("{type_name}.old"), "to": "sapcalm_destination.a" }],
        });
        let file = workspace.path().join("main.tf.json");
        std::fs::write(file, configuration.to_string()).unwrap();
        let output = workspace.run(&["plan"]).await.ok();
        assert!(
            output.stdout.contains("has moved to sapcalm_destination.a"),
            "{output}"
        );
        assert!(
            output
                .stdout
                .contains("0 to add, 0 to change, 0 to destroy"),
            "{output}"
        );
        workspace.apply(&[]).await;
        workspace.assert_empty_plan().await;
        assert!(
            !workspace.state().contains("canary"),
            "the secret stayed in the state"
        );
        assert_eq!(
            workspace.instances(DESTINATION)[0]["id"],
            "subaccount/Moved"
        );
    }
    assert!(world.writes().await.is_empty());
    world.stop().await;
}
