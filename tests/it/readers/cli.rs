//! Data sources, functions, the ephemeral token and mocked tests under the
//! real `terraform` or `tofu`.

use std::fs;

use serde_json::Value as Json;

use crate::support::feature::Feature;
use crate::support::workspace::Workspace;
use crate::support::world::{Variant, World};

/// The provider block, with the keys from files as in the README.
fn provider(world: &World) -> String {
    let keys = world.keys().display();
    format!(
        r#"
        provider "sapcalm" {{
          destination_service_key      = file("{keys}/destination.json")
          order_management_service_key = file("{keys}/order-management.json")
          cloud_alm_service_key        = file("{keys}/cloud-alm.json")
          order_management_api         = {{ register = {{ path = "v1/registration" }} }}
        }}
        "#
    )
}

fn outputs(workspace: &Workspace) -> Json {
    let state: Json = serde_json::from_str(&workspace.state()).unwrap();
    let outputs = state["outputs"].as_object().unwrap().iter();
    outputs
        .map(|(name, output)| (name.clone(), output["value"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_data_sources_functions_and_a_token_for_a_write_only_argument() {
    let Some(workspace) = Workspace::with(&[Feature::WriteOnly, Feature::Functions]) else {
        return;
    };
    let world = World::start(Variant::documented()).await;
    let keys = world.keys().display();
    workspace.write(&format!(
        r#"
        {provider}
        resource "sapcalm_destination" "cloud_alm" {{}}

        # Read while applying, as the destination is only made then.
        data "sapcalm_destination" "cloud_alm" {{
          name       = "CloudALM"
          depends_on = [sapcalm_destination.cloud_alm]
        }}
        data "sapcalm_destinations" "all" {{
          depends_on = [sapcalm_destination.cloud_alm, sapcalm_destination.job]
        }}
        data "sapcalm_landscape_objects" "all" {{}}

        ephemeral "sapcalm_access_token" "cloud_alm" {{
          service_key = "cloud_alm"
        }}
        resource "sapcalm_destination" "job" {{
          name              = "job"
          url               = "https://job.example"
          client_id         = "job"
          token_service_url = provider::sapcalm::token_service_url(file("{keys}/cloud-alm.json"))
          credentials = {{
            client_secret_wo = ephemeral.sapcalm_access_token.cloud_alm.access_token
            version          = 1
          }}
        }}

        output "url" {{ value = data.sapcalm_destination.cloud_alm.url }}
        output "hidden" {{ value = data.sapcalm_destination.cloud_alm.hidden_properties }}
        output "names" {{ value = keys(data.sapcalm_destinations.all.destinations) }}
        output "landscape" {{ value = data.sapcalm_landscape_objects.all.objects }}
        output "client_id" {{
          value = provider::sapcalm::parse_service_key(file("{keys}/cloud-alm.json")).client_id
        }}
        output "verbatim" {{
          value = provider::sapcalm::cloud_alm_url(file("{keys}/cloud-alm.json"), null)
        }}
        output "lms_id" {{ value = provider::sapcalm::lms_id("prod", "1") }}
        "#,
        provider = provider(&world),
    ));
    workspace.converges().await;

    let outputs = outputs(&workspace);
    let key: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
    let api = &key["endpoints"]["Api"];
    assert_eq!(&outputs["url"], api);
    assert_eq!(&outputs["verbatim"], api);
    assert_eq!(outputs["hidden"], serde_json::json!(["clientSecret"]));
    assert_eq!(outputs["names"], serde_json::json!(["CloudALM", "job"]));
    assert_eq!(outputs["landscape"], serde_json::json!([]));
    assert_eq!(outputs["client_id"], key["uaa"]["clientid"]);
    assert_eq!(outputs["lms_id"], "CO_prod_1");

    let destinations = world.destinations().await;
    let job = destinations
        .iter()
        .find(|one| one["Name"] == "job")
        .unwrap();
    let token = job["clientSecret"].as_str().unwrap();
    assert!(token.len() > 100, "a token is written");
    let secret = key["uaa"]["clientsecret"].as_str().unwrap();
    let state = workspace.state();
    assert!(!state.contains(token) && !state.contains(secret));

    // What a function finds wrong is shown at the argument.
    workspace.write("output \"x\" {\n  value = provider::sapcalm::lms_id(\"prod\", \"\")\n}\n");
    let output = workspace.plan().await;
    assert_eq!(output.code, Some(1), "{output}");
    assert!(
        output.stderr.contains("`tenant_id` must be a text"),
        "{output}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_token_of_a_key_that_the_same_run_makes_is_fetched_while_applying() {
    let Some(workspace) = Workspace::with(&[Feature::UnknownEphemeral, Feature::WriteOnly]) else {
        return;
    };
    let world = World::start(Variant::documented()).await;
    let keys = world.keys().display();
    workspace.write(&format!(
        r#"
        resource "terraform_data" "key" {{
          input = file("{keys}/cloud-alm.json")
        }}
        provider "sapcalm" {{
          destination_service_key = file("{keys}/destination.json")
          cloud_alm_service_key   = terraform_data.key.output
        }}
        ephemeral "sapcalm_access_token" "cloud_alm" {{
          service_key = "cloud_alm"
        }}
        resource "sapcalm_destination" "job" {{
          name              = "job"
          url               = "https://job.example"
          client_id         = "job"
          token_service_url = "https://token.example/oauth/token"
          credentials = {{
            client_secret_wo = ephemeral.sapcalm_access_token.cloud_alm.access_token
            version          = 1
          }}
        }}
        "#
    ));
    workspace.converges().await;
    let destinations = world.destinations().await;
    let token = destinations[0]["clientSecret"].as_str().unwrap();
    assert!(token.len() > 100, "a token is written");
    assert!(!workspace.state().contains(token));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_module_is_tested_with_a_mocked_provider() {
    let Some(workspace) = Workspace::with(&[Feature::Mocks]) else {
        return;
    };
    workspace.write(
        r#"
        resource "sapcalm_destination" "cloud_alm" {
          name = "CloudALM"
        }
        resource "sapcalm_registration" "order_management" {
          destination_name = sapcalm_destination.cloud_alm.name
        }
        data "sapcalm_destination" "other" {
          name = "other"
        }
        output "status" { value = sapcalm_registration.order_management.status }
        output "url" { value = data.sapcalm_destination.other.url }
        "#,
    );
    fs::write(
        workspace.path().join("mocked.tftest.hcl"),
        r#"
        mock_provider "sapcalm" {
          mock_resource "sapcalm_registration" {
            defaults = { status = "registered" }
          }
          mock_data "sapcalm_destination" {
            defaults = { url = "https://mocked.example" }
          }
        }
        run "applies" {
          assert {
            condition     = output.status == "registered"
            error_message = "the mocked status is not used"
          }
          assert {
            condition     = output.url == "https://mocked.example"
            error_message = "the mocked URL is not used"
          }
        }
        "#,
    )
    .unwrap();
    let output = workspace.run(&["test"]).await.ok();
    assert!(output.stdout.contains("1 passed, 0 failed"), "{output}");
}
