//! The main job under the real `terraform` or `tofu`: what a practitioner
//! types, and what it ends with.

use nix::sys::signal::Signal;
use serde_json::{Value as Json, json};

use crate::support::workspace::Workspace;
use crate::support::world::{HOUR, REGISTER_PATH, Variant, World};

/// The resources of the README.
fn resources(world: &World) -> Json {
    json!({
        "sapcalm_destination": { "cloud_alm": {} },
        "sapcalm_registration": {
            "order_management": world.registration("${sapcalm_destination.cloud_alm.name}"),
        },
    })
}

async fn applied(variant: Variant) -> Option<(World, Workspace)> {
    let workspace = Workspace::new_or_skip()?;
    let world = World::start(variant).await;
    workspace.write_json(&world.provider(), &resources(&world));
    workspace.apply(&[]).await;
    Some((world, workspace))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_apply_drift_repair_and_destroy() {
    // The stand-in meets every variant of SAP.
    for variant in Variant::all().into_iter().take(2) {
        println!("{}", variant.name);
        let landscape = variant.landscape;
        let Some((world, workspace)) = applied(variant).await else {
            return;
        };
        workspace.assert_empty_plan().await;
        let secret = world.destinations().await[0]["clientSecret"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            !workspace.state().contains(&secret),
            "the state holds the secret"
        );

        world.forward(400).await;
        workspace
            .run(&["apply", "-refresh-only", "-auto-approve"])
            .await
            .ok();
        world
            .edit_destination(
                json!({ "Description": "temporary, ask Jo", "clientSecret": "by hand" }),
            )
            .await;
        world.offboard().await;
        let output = workspace.plan().await;
        assert_eq!(output.code, Some(2), "{output}");
        let readme = include_str!("../../../README.md");
        let (_, printed) = readme.split_once("the plan says\n\n```text\n").unwrap();
        let (destination, _) = printed.split_once("\n\n").unwrap();
        assert!(output.stdout.contains(destination), "{output}");
        assert_eq!(output.stdout.contains("missing"), landscape, "{output}");

        workspace.apply(&[]).await;
        workspace.assert_empty_plan().await;
        assert_eq!(
            world.destinations().await[0]["clientSecret"],
            secret.as_str()
        );
        if landscape {
            assert!(world.is_registered().await);
        }

        world.forget_journal().await;
        workspace.run(&["destroy", "-auto-approve"]).await.ok();
        let writes = world.writes().await;
        assert_eq!(writes.len(), 2, "{writes:?}");
        assert!(
            writes[1].ends_with("/subaccountDestinations/CloudALM"),
            "{writes:?}"
        );
        assert!(world.destinations().await.is_empty());
        assert!(!world.is_registered().await);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_imports_both_resources_and_plans_nothing_to_replace() {
    let Some((world, workspace)) = applied(Variant::documented()).await else {
        return;
    };
    let registration = workspace.instances("sapcalm_registration.order_management");
    let tenant = registration[0]["id"].as_str().unwrap();
    workspace.forget_state();
    for (address, id) in [
        ("sapcalm_destination.cloud_alm", "subaccount/CloudALM"),
        ("sapcalm_registration.order_management", tenant),
    ] {
        workspace.run(&["import", address, id]).await.ok();
    }
    workspace.apply(&[]).await;
    workspace.assert_empty_plan().await;
    assert!(world.is_registered().await);
    let writes = world.writes().await;
    assert_eq!(
        writes.len(),
        2,
        "an import and what it fills in must write nothing: {writes:?}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_ctrl_c_in_the_middle_of_an_apply_ends_soon_with_a_truthful_state() {
    for method in [
        "/destination-configuration/v1/subaccountDestinations",
        "/omf",
    ] {
        let Some(workspace) = Workspace::new_or_skip() else {
            return;
        };
        let world = World::documented().await;
        workspace.write_json(&world.provider(), &resources(&world));
        // SAP processes the call, and then takes its time to answer.
        world
            .fault(json!({ "match": { "method": "POST", "path_prefix": method }, "do": { "delay_ms": HOUR } }))
            .await;
        let running = workspace.start(&["apply", "-auto-approve", "-no-color"]);
        world.held().await;
        running.signal(Signal::SIGINT);
        let output = tokio::task::spawn_blocking(move || running.wait())
            .await
            .unwrap();
        assert_eq!(output.code, Some(1), "{output}");
        // Whatever the state says now, the next apply converges without a duplicate.
        world.clear_faults().await;
        workspace.apply(&[]).await;
        workspace.assert_empty_plan().await;
        assert_eq!(world.destinations().await.len(), 1);
        assert!(world.is_registered().await);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_keys_from_the_environment_and_from_files_work() {
    let Some(mut workspace) = Workspace::new_or_skip() else {
        return;
    };
    let world = World::documented().await;
    let api = json!({ "register": { "path": REGISTER_PATH } });
    workspace.write_json(&json!({ "order_management_api": api }), &resources(&world));
    let destination = format!("@{}", world.keys().join("destination.json").display());
    for (variable, key) in [
        ("SAPCALM_DESTINATION_SERVICE_KEY", destination.as_str()),
        (
            "SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY",
            &world.key("order-management"),
        ),
        ("SAPCALM_CLOUD_ALM_SERVICE_KEY", &world.key("cloud-alm")),
    ] {
        workspace.set_env(variable, key);
    }
    workspace.apply(&[]).await;
    assert!(world.is_registered().await);
    workspace.destroy().await;
    assert!(!world.is_registered().await);
    world.stop().await;
}
