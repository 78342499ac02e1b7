//! What only the newest Terraform has, under the real thing: a query, the
//! configuration that it generates, and actions.

use std::fs;

use serde_json::{Value as Json, json};

use crate::support::feature::Feature;
use crate::support::workspace::Workspace;
use crate::support::world::World;

/// The provider block, with the keys from files as in the README.
fn provider(world: &World) -> String {
    let keys = world.keys().display();
    format!(
        r#"
provider "sapcalm" {{
  destination_service_key = file("{keys}/destination.json")
  cloud_alm_service_key   = file("{keys}/cloud-alm.json")
}}
"#
    )
}

fn at_sap(name: &str) -> Json {
    json!({
        "Name": name, "Type": "HTTP", "URL": format!("https://{name}.example.com"),
        "Authentication": "NoAuthentication", "ProxyType": "Internet",
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_what_a_query_finds_is_imported_by_the_configuration_that_it_generates() {
    let Some(workspace) = Workspace::with(&[Feature::Query]) else {
        return;
    };
    let world = World::documented().await;
    world
        .set_destinations(&["q-1", "q-2", "other"].map(at_sap))
        .await;
    workspace.write(&provider(&world));
    let query = |config: &str| {
        format!("list \"sapcalm_destination\" \"found\" {{\n  provider = sapcalm\n{config}}}\n")
    };
    let file = workspace.path().join("found.tfquery.hcl");
    fs::write(&file, query("  include_resource = true\n")).unwrap();
    let all = workspace.run(&["query"]).await.ok();
    for name in ["q-1", "q-2", "other"] {
        assert!(all.stdout.contains(name), "{all}");
    }

    let some = query("  config {\n    name_prefix = \"q-\"\n  }\n");
    fs::write(&file, some).unwrap();
    let generate = ["query", "-generate-config-out=generated.tf"];
    workspace.run(&generate).await.ok();
    let generated = fs::read_to_string(workspace.path().join("generated.tf")).unwrap();
    assert!(!generated.contains("other"), "{generated}");
    let applied = workspace.apply(&[]).await;
    let only_imports = "2 imported, 0 added, 0 changed, 0 destroyed";
    assert!(
        applied.stdout.contains(only_imports),
        "{applied}\n{generated}"
    );
    workspace.assert_empty_plan().await;
    world.stop().await;
}

/// How often SAP was asked to fetch a token through the destination.
async fn checks(world: &World) -> usize {
    let journal = world.journal().await;
    let found = |entry: &&Json| {
        let path = entry["path"].as_str().unwrap();
        path.contains("/v2/destinations/CloudALM")
    };
    journal.iter().filter(found).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_an_action_runs_by_its_trigger_and_by_itself() {
    let Some(workspace) = Workspace::with(&[Feature::Actions]) else {
        return;
    };
    let world = World::documented().await;
    let example = include_str!("../../../examples/actions/sapcalm_destination_check/action.tf");
    workspace.write(&format!("{}{example}", provider(&world)));
    let triggered = workspace.apply(&[]).await;
    assert_eq!(checks(&world).await, 1, "{triggered}");
    workspace.assert_empty_plan().await;

    world.forget_journal().await;
    let invoked = workspace
        .apply(&["-invoke=action.sapcalm_destination_check.cloud_alm"])
        .await;
    assert_eq!(checks(&world).await, 1, "{invoked}");
    assert!(world.writes().await.is_empty(), "an action changes nothing");
    world.stop().await;
}
