//! `moved` blocks from the resources of SAP's provider for BTP: through the
//! stand-in, and with the real CLI from a fabricated state file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::support::btp_provider::Btp;
use crate::support::core::others::MoveSource;
use crate::support::core::{Action, Core, Resource};
use crate::support::feature::Feature;
use crate::support::pem::pem;
use crate::support::workspace::Workspace;
use crate::support::world::World;

const DESTINATION: &str = "sapcalm_destination.a";
const GENERIC: &str = "btp_subaccount_destination_generic";
const TYPED: &str = "btp_subaccount_destination";
const CERTIFICATE: &str = "btp_subaccount_destination_certificate";

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

/// The state that the other provider left of an uploaded certificate.
fn certificate_state(subaccount: &Json, pem: &str) -> Json {
    json!({
        "subaccount_id": subaccount, "service_instance_id": null,
        "certificate_name": "client.pem", "certificate_content": STANDARD.encode(pem),
    })
}

fn certificate_source(state: Json) -> MoveSource<'static> {
    MoveSource {
        schema_version: 1,
        ..source(CERTIFICATE, state)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_the_btp_provider_becomes_ours_without_its_file_in_the_state() {
    let (world, mut tf) = world_and_core().await;
    let pem = pem("client");
    let content = STANDARD.encode(&pem);
    let at_sap = json!({ "Name": "client.pem", "Type": "CERTIFICATE", "Content": content });
    world.set_certificates(&[at_sap]).await;
    let state = certificate_state(&subaccount(&world).await, &pem);
    let ours = "sapcalm_destination_certificate";
    tf.move_from(&certificate_source(state), ours, "a")
        .await
        .ok();
    let block = json!({ "name": "client.pem", "content": { "pem_wo": pem } });
    tf.apply_one(ours, "a", block.clone()).await.ok();
    tf.assert_empty_plan_one(ours, "a", block).await;
    assert!(world.writes().await.is_empty());
    let object = tf.object("sapcalm_destination_certificate.a");
    assert_eq!(object["id"], "subaccount/client.pem");
    assert_eq!(object["secrets"]["content"], "as found");
    assert!(!tf.state.text().contains(&content[..60]) && !tf.log().contains(&content[..60]));

    let nameless = certificate_source(json!({ "subaccount_id": "s" }));
    let outcome = tf.move_from(&nameless, ours, "b").await;
    let error = outcome.fails_with("Resource cannot be moved");
    assert!(error.detail.contains("`certificate_name`"), "{outcome}");
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
async fn cli_a_moved_block_takes_objects_over_from_the_btp_provider() {
    let Some(mut workspace) = Workspace::with(&[Feature::MoveAcrossTypes]) else {
        return;
    };
    let world = World::documented().await;
    // Terraform wants the schema of every provider that the state names.
    let btp = Btp::start();
    workspace.set_env("TF_REATTACH_PROVIDERS", &btp.reattach());
    world.set_destinations(&[at_sap()]).await;
    let pem = pem("canary");
    let content = STANDARD.encode(&pem);
    let uploaded = json!({ "Name": "client.pem", "Type": "CERTIFICATE", "Content": content });
    world.set_certificates(&[uploaded]).await;
    let subaccount = subaccount(&world).await;
    let destination = |type_name| (type_name, 0, other_state(type_name, &subaccount));
    let certificate = certificate_state(&subaccount, &pem);
    for (type_name, version, state) in [
        destination(GENERIC),
        destination(TYPED),
        (CERTIFICATE, 1, certificate),
    ] {
        let (ours, block) = match type_name {
            CERTIFICATE => (
                "sapcalm_destination_certificate",
                json!({ "name": "client.pem" }),
            ),
            _ => ("sapcalm_destination", block()),
        };
        let file = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": 1,
            "lineage": "00000000-1111-4222-8333-555555555555", "outputs": {},
            "resources": [{
                "mode": "managed", "type": type_name, "name": "old",
                "provider": "provider[\"registry.terraform.io/sap/btp\"]",
                "instances": [{
                    "schema_version": version, "attributes": state, "sensitive_attributes": [],
                }],
            }],
        });
        std::fs::write(workspace.path().join("terraform.tfstate"), file.to_string()).unwrap();
        let configuration = json!({
            "terraform": { "required_providers": { "sapcalm": { "source": "sapcalm/sapcalm" } } },
            "provider": { "sapcalm": world.provider() },
            "resource": { ours: { "a": block } },
            "moved": [{ "from": format!("{type_name}.old"), "to": format!("{ours}.a") }],
        });
        let file = workspace.path().join("main.tf.json");
        std::fs::write(file, configuration.to_string()).unwrap();
        let output = workspace.run(&["plan"]).await.ok();
        assert!(
            output.stdout.contains(&format!("has moved to {ours}.a")),
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
        for secret in ["canary", &content[..60]] {
            let state = workspace.state();
            assert!(!state.contains(secret), "the secret stayed in the state");
        }
        let moved = &workspace.instances(&format!("{ours}.a"))[0];
        let name = block["name"].as_str().unwrap();
        assert_eq!(moved["id"], format!("subaccount/{name}"));
    }
    assert!(world.writes().await.is_empty());
    world.stop().await;
}
