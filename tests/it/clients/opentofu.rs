//! What only `OpenTofu` has, and the one thing that it does otherwise.

use std::fmt::Write as _;

use emulator::{DestinationKey, Options};
use serde_json::Value as Json;

use crate::support::feature::Feature;
use crate::support::workspace::Workspace;
use crate::support::world::{Variant, World};

const OTHER_SUBDOMAIN: &str = "acme-other";

/// A world with a second subaccount, whose key is `destination-other.json`.
async fn two_subaccounts() -> World {
    let other = DestinationKey {
        name: "other".to_owned(),
        subdomain: OTHER_SUBDOMAIN.to_owned(),
    };
    let options = Options {
        destination_keys: vec![other],
        ..Options::default()
    };
    World::with(Variant::documented(), options).await
}

fn provider(world: &World) -> String {
    let keys = world.keys().display();
    format!(
        "provider \"sapcalm\" {{\n  destination_service_key = file(\"{keys}/destination.json\")\n}}\n"
    )
}

/// Destinations of these names, with more lines in each block.
fn destinations(names: &[&str], more: &str) -> String {
    let mut text = String::new();
    for name in names {
        write!(
            text,
            r#"
resource "sapcalm_destination" "{name}" {{
  name           = "{name}"
  url            = "https://{name}.example.com"
  authentication = "NoAuthentication"
  {more}
}}
"#
        )
        .unwrap();
    }
    text
}

fn names(destinations: &[Json]) -> Vec<&str> {
    destinations
        .iter()
        .map(|one| one["Name"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_an_instance_of_the_provider_for_each_subaccount_is_one_block() {
    let Some(workspace) = Workspace::with(&[Feature::ProviderForEach]) else {
        return;
    };
    let world = two_subaccounts().await;
    let keys = world.keys().display();
    let write = |used: &str| {
        workspace.write(&format!(
            r#"
locals {{
  keys = {{ orders = "destination", other = "destination-other" }}
}}
provider "sapcalm" {{
  alias                   = "each"
  for_each                = local.keys
  destination_service_key = file("{keys}/${{each.value}}.json")
}}
resource "sapcalm_destination" "one" {{
  for_each       = {used}
  provider       = sapcalm.each[each.key]
  name           = "one-of-${{each.key}}"
  url            = "https://one.example.com"
  authentication = "NoAuthentication"
}}
"#
        ));
    };
    write("local.keys");
    workspace.converges().await;
    assert_eq!(names(&world.destinations().await), ["one-of-orders"]);
    assert_eq!(
        names(&world.destinations_of(OTHER_SUBDOMAIN).await),
        ["one-of-other"]
    );

    // A subaccount goes in two steps: first what is in it.
    write("{ orders = local.keys.orders }");
    workspace.converges().await;
    assert_eq!(names(&world.destinations().await), ["one-of-orders"]);
    assert!(world.destinations_of(OTHER_SUBDOMAIN).await.is_empty());
    workspace.destroy().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_an_encrypted_state_and_plan_work_and_tell_nothing() {
    let Some(workspace) = Workspace::with(&[Feature::StateEncryption]) else {
        return;
    };
    let world = World::documented().await;
    let encryption = r#"
terraform {
  encryption {
    key_provider "pbkdf2" "word" {
      passphrase = "correct-horse-battery-staple"
    }
    method "aes_gcm" "word" {
      keys = key_provider.pbkdf2.word
    }
    state {
      method = method.aes_gcm.word
    }
    plan {
      method = method.aes_gcm.word
    }
  }
}
"#;
    let one = destinations(&["one"], "description = \"found-nowhere\"");
    workspace.write(&format!("{encryption}{}{one}", provider(&world)));
    workspace.run(&["plan", "-out=saved"]).await.ok();
    workspace.run(&["apply", "saved"]).await.ok();
    workspace.assert_empty_plan().await;
    assert!(workspace.state().contains("encrypted_data"));
    for file in ["terraform.tfstate", "saved"] {
        let bytes = std::fs::read(workspace.path().join(file)).unwrap();
        assert!(
            !String::from_utf8_lossy(&bytes).contains("found-nowhere"),
            "{file}"
        );
    }
    assert_eq!(names(&world.destinations().await), ["one"]);
    workspace.destroy().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_what_is_excluded_is_neither_made_nor_destroyed() {
    let Some(workspace) = Workspace::with(&[Feature::Exclude]) else {
        return;
    };
    let world = World::documented().await;
    workspace.write(&format!(
        "{}{}",
        provider(&world),
        destinations(&["one", "two"], "")
    ));
    workspace.apply(&["-exclude=sapcalm_destination.two"]).await;
    assert_eq!(names(&world.destinations().await), ["one"]);
    workspace.converges().await;
    let destroy = [
        "destroy",
        "-auto-approve",
        "-exclude=sapcalm_destination.one",
    ];
    workspace.run(&destroy).await.ok();
    assert_eq!(names(&world.destinations().await), ["one"]);
    workspace.destroy().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_what_is_not_enabled_is_not_there() {
    let Some(workspace) = Workspace::with(&[Feature::Enabled]) else {
        return;
    };
    let world = World::documented().await;
    for (enabled, expected) in [("false", &[][..]), ("true", &["one"]), ("false", &[])] {
        let lifecycle = format!("lifecycle {{\n    enabled = {enabled}\n  }}");
        let one = destinations(&["one"], &lifecycle);
        workspace.write(&format!("{}{one}", provider(&world)));
        workspace.converges().await;
        assert_eq!(names(&world.destinations().await), expected);
    }
    world.stop().await;
}

/// The guide "With OpenTofu" shows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_opentofu_ends_a_plan_with_an_unknown_token_and_our_warning_says_what_to_do() {
    let Some(workspace) = Workspace::with(&[Feature::ProviderForEach]) else {
        return;
    };
    let world = World::documented().await;
    let keys = world.keys().display();
    workspace.write(&format!(
        r#"
resource "terraform_data" "key" {{
  input = file("{keys}/cloud-alm.json")
}}
provider "sapcalm" {{
  cloud_alm_service_key = terraform_data.key.output
}}
ephemeral "sapcalm_access_token" "cloud_alm" {{
  service_key = "cloud_alm"
}}
provider "sapcalm" {{
  alias                   = "with_token"
  append_user_agent       = ephemeral.sapcalm_access_token.cloud_alm.token_type
  destination_service_key = file("{keys}/destination.json")
}}
resource "sapcalm_destination" "one" {{
  provider       = sapcalm.with_token
  name           = "one"
  url            = "https://one.example.com"
  authentication = "NoAuthentication"
}}
"#
    ));
    let plan = workspace.plan().await;
    assert_eq!(plan.code, Some(1), "{plan}");
    assert!(plan.stderr.contains("bug in the provider"), "{plan}");
    let told = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("apply what makes the key first"), "{plan}");

    workspace.apply(&["-target=terraform_data.key"]).await;
    workspace.converges().await;
    assert_eq!(names(&world.destinations().await), ["one"]);
    world.stop().await;
}
