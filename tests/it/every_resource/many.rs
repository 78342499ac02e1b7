//! Many objects and every way to select, replace, move and forget them, under
//! the real `terraform`. After every apply nothing may be left to do.

use emulator::{DestinationKey, Options};
use serde_json::{Value as Json, json};

use crate::support::core::{Action, Core, Resource};
use crate::support::feature::Feature;
use crate::support::served::Served;
use crate::support::workspace::Workspace;
use crate::support::world::{Variant, World};

const OTHER_SUBDOMAIN: &str = "acme-other";

/// The names of destinations, sorted.
fn names(destinations: &[Json]) -> Vec<&str> {
    let name = |one| Json::get(one, "Name").and_then(Json::as_str).unwrap();
    destinations.iter().map(name).collect()
}

/// The provider block with the keys of the world.
fn provider(world: &World, more: &str, destination_key: &str) -> String {
    let keys = world.keys().display();
    format!(
        r#"
provider "sapcalm" {{
  {more}
  destination_service_key      = file("{keys}/{destination_key}.json")
  order_management_service_key = file("{keys}/order-management.json")
  cloud_alm_service_key        = file("{keys}/cloud-alm.json")
  order_management_api         = {{ register = {{ path = "v1/registration" }} }}
  retry_base_delay             = "1ms"
}}
"#
    )
}

/// A world, and a workspace whose configuration begins with the provider.
struct Scene {
    world: World,
    workspace: Workspace,
}

impl Scene {
    async fn new_or_skip() -> Option<Self> {
        Self::with(&[]).await
    }

    async fn with(features: &[Feature]) -> Option<Self> {
        let workspace = Workspace::with(features)?;
        let other = DestinationKey {
            name: "other".to_owned(),
            subdomain: OTHER_SUBDOMAIN.to_owned(),
        };
        let options = Options {
            destination_keys: vec![other],
            ..Options::default()
        };
        let world = World::with(Variant::documented(), options).await;
        Some(Self { world, workspace })
    }

    /// Replaces what follows the provider block.
    fn write(&self, resources: &str) {
        let provider = provider(&self.world, "", "destination");
        self.workspace.write(&format!("{provider}\n{resources}"));
    }

    async fn writes_since(&self, resources: &str, args: &[&str]) -> Vec<String> {
        self.write(resources);
        self.world.forget_journal().await;
        self.workspace.apply(args).await;
        self.world.writes().await
    }
}

fn twenty(name: &str, description: &str, lifecycle: &str) -> String {
    let block = |level: &str| {
        format!(
            r#"
resource "sapcalm_destination" "{level}" {{
  for_each       = toset([for i in range(20) : format("d-%02d", i)])
  name           = "{name}"
  level          = "{level}"
  url            = "https://${{each.key}}.example.com"
  description    = "{description}"
  authentication = "BasicAuthentication"
  user           = "somebody"
  credentials    = {{ password_wo = "password of ${{each.key}}" }}
  {lifecycle}
}}
"#
        )
    };
    block("subaccount") + &block("instance")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_twenty_destinations_at_both_levels_are_made_changed_renamed_and_destroyed() {
    let Some(scene) = Scene::with(&[Feature::WriteOnly]).await else {
        return;
    };
    let Scene { world, workspace } = &scene;
    let foreign = json!({ "Name": "foreign", "Type": "HTTP", "URL": "https://a.example.com" });
    world.set_destinations(std::slice::from_ref(&foreign)).await;
    let first = "lifecycle { create_before_destroy = true }";
    let steps = [
        ("${each.key}", "one", ""),
        ("${each.key}", "two", ""),
        ("${each.key}-renamed", "two", ""),
        ("${each.key}-again", "three", first),
    ];
    for (name, description, lifecycle) in steps {
        scene.write(&twenty(name, description, lifecycle));
        workspace.converges().await;
        let expected: Vec<String> = (0..20)
            .map(|i| name.replace("${each.key}", &format!("d-{i:02}")))
            .collect();
        let mut subaccount = world.destinations().await;
        let instance = world.instance_destinations().await;
        let foreign_one = subaccount.pop().unwrap();
        assert_eq!(foreign_one, foreign);
        for found in [subaccount, instance] {
            assert_eq!(names(&found), expected);
            assert!(found.iter().all(|one| one["Description"] == description));
        }
    }
    workspace.destroy().await;
    assert_eq!(world.destinations().await, [foreign]);
    assert!(world.instance_destinations().await.is_empty());
    scene.world.stop().await;
}

const CREATE_FIRST: &str = r#"
resource "sapcalm_destination" "cloud_alm" {
  lifecycle { create_before_destroy = true }
}

resource "sapcalm_registration" "order_management" {
  destination_name = sapcalm_destination.cloud_alm.name
  lifecycle { create_before_destroy = true }
}
"#;

const INHERITED: &str = r#"
resource "sapcalm_destination" "cloud_alm" {}

resource "sapcalm_registration" "order_management" {
  destination_name = sapcalm_destination.cloud_alm.name
}

resource "terraform_data" "dependent" {
  input = sapcalm_registration.order_management.id
  lifecycle { create_before_destroy = true }
}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_replacement_that_creates_first_keeps_what_it_has_just_made() {
    let Some(scene) = Scene::new_or_skip().await else {
        return;
    };
    let Scene { world, workspace } = &scene;
    for configuration in [CREATE_FIRST, INHERITED] {
        scene.write(configuration);
        workspace.converges().await;
        for replaced in [
            &["-replace=sapcalm_destination.cloud_alm"][..],
            &["-replace=sapcalm_registration.order_management"],
            &[
                "-replace=sapcalm_destination.cloud_alm",
                "-replace=sapcalm_registration.order_management",
            ],
        ] {
            world.forget_journal().await;
            let output = workspace.apply(replaced).await;
            let writes = world.writes().await;
            assert!(
                output
                    .stdout
                    .contains("create replacement and then destroy"),
                "{output}"
            );
            assert!(
                !writes.iter().any(|write| write.starts_with("DELETE ")),
                "{writes:?}"
            );
            let offboarded = "POST /omf/integration-monitoring";
            assert!(
                !writes.iter().any(|write| write == offboarded),
                "{writes:?}"
            );
            assert_eq!(names(&world.destinations().await), ["CloudALM"]);
            assert!(world.is_registered().await);
            workspace.assert_empty_plan().await;
        }
        workspace.destroy().await;
        assert!(world.destinations().await.is_empty());
        assert!(!world.is_registered().await);
    }
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_renamed_destination_is_replaced_in_either_order() {
    let Some(scene) = Scene::new_or_skip().await else {
        return;
    };
    let Scene { world, workspace } = &scene;
    let with = |name: &str, lifecycle: &str| {
        format!(
            r#"
resource "sapcalm_destination" "cloud_alm" {{
  name = "{name}"
  {lifecycle}
}}
"#
        )
    };
    scene.write(&with("one", ""));
    workspace.converges().await;
    let collection = "/destination-configuration/v1/subaccountDestinations";
    let writes = scene.writes_since(&with("two", ""), &[]).await;
    assert_eq!(
        writes,
        [
            format!("DELETE {collection}/one"),
            format!("POST {collection}")
        ]
    );
    workspace.assert_empty_plan().await;
    let first = "lifecycle { create_before_destroy = true }";
    let writes = scene.writes_since(&with("three", first), &[]).await;
    assert_eq!(
        writes,
        [
            format!("POST {collection}"),
            format!("DELETE {collection}/two")
        ]
    );
    workspace.assert_empty_plan().await;
    assert_eq!(names(&world.destinations().await), ["three"]);
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_target_replace_and_refresh_only_touch_what_they_name() {
    let Some(scene) = Scene::new_or_skip().await else {
        return;
    };
    let Scene { world, workspace } = &scene;
    let with = |description: &str| {
        format!(
            r#"
resource "sapcalm_destination" "each" {{
  for_each    = toset(["a", "b", "c"])
  name        = each.key
  description = "{description}"
}}
"#
        )
    };
    let collection = "/destination-configuration/v1/subaccountDestinations";
    let b = r#"sapcalm_destination.each["b"]"#;
    let target = format!("-target={b}");
    let writes = scene.writes_since(&with("one"), &[&target]).await;
    assert_eq!(writes, [format!("POST {collection}")]);
    assert_eq!(names(&world.destinations().await), ["b"]);
    workspace.converges().await;

    let writes = scene.writes_since(&with("two"), &[&target]).await;
    assert_eq!(writes, [format!("PATCH {collection}")]);
    workspace.converges().await;

    let replace = format!("-replace={b}");
    let writes = scene.writes_since(&with("two"), &[&replace]).await;
    assert_eq!(
        writes,
        [
            format!("DELETE {collection}/b"),
            format!("POST {collection}")
        ]
    );
    workspace.assert_empty_plan().await;

    let mut changed = world.destinations().await;
    changed[0]["Description"] = json!("by hand");
    changed.remove(1);
    world.set_destinations(&changed).await;
    let writes = scene.writes_since(&with("two"), &["-refresh-only"]).await;
    assert_eq!(writes, [""; 0]);
    let instances = workspace.instances("sapcalm_destination.each");
    assert_eq!(instances.len(), 2, "{instances:?}");
    assert_eq!(instances[0]["description"], "by hand");
    assert_eq!(workspace.plan().await.code, Some(2));
    workspace.converges().await;
    assert_eq!(names(&world.destinations().await), ["a", "b", "c"]);

    world.forget_journal().await;
    workspace
        .run(&["destroy", "-auto-approve", &target])
        .await
        .ok();
    assert_eq!(world.writes().await, [format!("DELETE {collection}/b")]);
    workspace.converges().await;
    scene.world.stop().await;
}

const KEPT: &str = r#"
resource "sapcalm_destination" "cloud_alm" {
  description = "kept"
  credentials = null
}

resource "sapcalm_registration" "order_management" {
  destination_name = sapcalm_destination.cloud_alm.name
}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_removed_block_forgets_or_destroys_and_an_import_block_takes_back() {
    let Some(scene) = Scene::with(&[Feature::RemovedLifecycle]).await else {
        return;
    };
    let Scene { world, workspace } = &scene;
    let removed = |destroy: bool| {
        ["sapcalm_destination.cloud_alm", "sapcalm_registration.order_management"]
            .map(|address| {
                format!("removed {{\n  from = {address}\n  lifecycle {{\n    destroy = {destroy}\n  }}\n}}\n")
            })
            .concat()
    };
    scene.write(KEPT);
    workspace.converges().await;
    let tenant = workspace.instances("sapcalm_registration.order_management")[0]["id"].clone();

    let writes = scene.writes_since(&removed(false), &[]).await;
    assert_eq!(writes, [""; 0]);
    workspace.assert_empty_plan().await;
    assert_eq!(names(&world.destinations().await), ["CloudALM"]);
    assert!(world.is_registered().await);

    let imports = format!(
        r#"
import {{
  to = sapcalm_destination.cloud_alm
  id = "subaccount/CloudALM"
}}

import {{
  to = sapcalm_registration.order_management
  id = {tenant}
}}
"#
    );
    let writes = scene.writes_since(&format!("{KEPT}{imports}"), &[]).await;
    assert_eq!(writes, [""; 0], "an import writes nothing");
    workspace.assert_empty_plan().await;

    scene.write(&removed(true));
    workspace.converges().await;
    assert!(world.destinations().await.is_empty());
    assert!(!world.is_registered().await);
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_shifted_count_ends_with_what_is_configured() {
    let Some(scene) = Scene::with(&[Feature::WriteOnly]).await else {
        return;
    };
    let Scene { world, workspace } = &scene;
    let with = |list: &[&str]| {
        format!(
            r#"
locals {{
  names = {}
}}

resource "sapcalm_destination" "list" {{
  count          = length(local.names)
  name           = local.names[count.index]
  url            = "https://${{local.names[count.index]}}.example.com"
  authentication = "BasicAuthentication"
  user           = "somebody"
  credentials    = {{ password_wo = "password of ${{local.names[count.index]}}" }}
}}
"#,
            json!(list)
        )
    };
    for list in [
        &["a", "b", "c", "d", "e"][..],
        &["b", "c", "d", "e"],
        &["x", "b", "c", "d", "e"],
        &["e", "d", "c", "b"],
        &["c"],
    ] {
        scene.write(&with(list));
        workspace.converges().await;
        let mut expected = list.to_vec();
        expected.sort_unstable();
        assert_eq!(names(&world.destinations().await), expected);
    }
    workspace.destroy().await;
    assert!(world.destinations().await.is_empty());
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_two_subaccounts_live_in_one_configuration() {
    let Some(scene) = Scene::new_or_skip().await else {
        return;
    };
    let Scene { world, workspace } = &scene;
    let with = |description: &str, provider_of_second: &str| {
        let other = provider(world, r#"alias = "other""#, "destination-other");
        format!(
            r#"
{other}

resource "sapcalm_destination" "ours" {{
  description = "{description}"
}}

resource "sapcalm_destination" "theirs" {{
  provider    = {provider_of_second}
  description = "{description}"
}}
"#
        )
    };
    for description in ["one", "two"] {
        scene.write(&with(description, "sapcalm.other"));
        workspace.converges().await;
        for found in [
            world.destinations().await,
            world.destinations_of(OTHER_SUBDOMAIN).await,
        ] {
            assert_eq!(names(&found), ["CloudALM"]);
            assert_eq!(found[0]["Description"], description);
        }
    }
    let owner = |address: &str| workspace.instances(address)[0]["subaccount_id"].clone();
    let ours = owner("sapcalm_destination.ours");
    let theirs = owner("sapcalm_destination.theirs");
    assert_ne!(ours, theirs);

    // The second one under the first provider: another subaccount's object.
    scene.write(&with("two", "sapcalm"));
    world.forget_journal().await;
    let output = workspace.run(&["apply", "-auto-approve"]).await;
    assert_eq!(output.code, Some(1), "{output}");
    assert!(
        output.stderr.contains("Service key of another subaccount"),
        "{output}"
    );
    for id in [&ours, &theirs] {
        assert!(output.stderr.contains(id.as_str().unwrap()), "{output}");
    }
    assert_eq!(world.writes().await, [""; 0]);

    scene.write(&with("two", "sapcalm.other"));
    workspace.assert_empty_plan().await;
    workspace.destroy().await;
    assert!(world.destinations().await.is_empty());
    assert!(world.destinations_of(OTHER_SUBDOMAIN).await.is_empty());
    scene.world.stop().await;
}

/// The same in the stand-in, whose order is fixed: the new object is made while
/// the old one of another index still has the name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_moves_to_another_resource_is_taken_over_and_kept() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf: Core = provider.core().await;
    tf.configure(world.provider());
    let named = |resource: &str, name: &str| {
        Resource::new("sapcalm_destination", resource, json!({ "name": name }))
            .create_before_destroy()
    };
    tf.apply(&[named("one", "a"), named("two", "b")]).await.ok();
    let shifted = [named("one", "b"), named("two", "c")];
    let outcome = tf.apply(&shifted).await.ok();
    assert_eq!(
        outcome.action("sapcalm_destination.one"),
        Action::ReplaceCreateFirst
    );
    println!("{}", outcome.warns("Existing destination taken over"));
    println!("{}", outcome.warns("Destination not deleted"));
    assert_eq!(names(&world.destinations().await), ["b", "c"]);
    tf.assert_empty_plan(&shifted).await;
    world.stop().await;
}

/// What somebody added to the destination makes it another one than the
/// configured one, so it is not taken over unasked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_that_creates_first_loses_nothing_that_was_added_outside() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf: Core = provider.core().await;
    tf.configure(world.provider());
    let with =
        |config: Json| [Resource::new("sapcalm_destination", "a", config).create_before_destroy()];
    tf.apply(&with(json!({}))).await.ok();
    world.edit_destination(json!({ "added": "by hand" })).await;
    let found = world.destinations().await;
    tf.refresh().await.ok();
    tf.taint("sapcalm_destination.a");
    let outcome = tf.apply(&with(json!({}))).await;
    let error = outcome.fails_with("Cannot create destination");
    println!("{error}");
    let advice = "set `adopt_existing = true`";
    assert_eq!(error.detail.matches(advice).count(), 1, "{error}");
    assert!(tf.state.current.contains_key("sapcalm_destination.a"));
    assert_eq!(world.destinations().await, found);

    let adopting = with(json!({ "adopt_existing": true }));
    let outcome = tf.apply(&adopting).await.ok();
    outcome.warns("Existing destination taken over");
    outcome.warns("Destination not deleted");
    assert!(tf.state.deposed.is_empty());
    assert_eq!(world.destinations().await, found);
    tf.assert_empty_plan(&adopting).await;
    world.stop().await;
}

/// There is nothing to replace, so Terraform makes it as if it had never been there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tainted_object_that_is_gone_is_created_whichever_comes_first() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf: Core = provider.core().await;
    tf.configure(world.provider());
    let resource = Resource::new("sapcalm_destination", "a", json!({})).create_before_destroy();
    let resource = [resource];
    tf.apply(&resource).await.ok();
    let found = world.destinations().await;
    world.set_destinations(&[]).await;
    tf.taint("sapcalm_destination.a");
    let outcome = tf.apply(&resource).await.ok();
    assert_eq!(outcome.action("sapcalm_destination.a"), Action::Create);
    assert_eq!(world.destinations().await, found);
    tf.assert_empty_plan(&resource).await;
    world.stop().await;
}
