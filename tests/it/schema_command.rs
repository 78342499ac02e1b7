//! `terraform-provider-sapcalm schema`: the same document as `terraform
//! providers schema -json` prints.

use std::fs;
use std::process::Command;

use serde_json::{Map, Value as Json};

use crate::support::cli::{ADDRESS, Cli, use_built_provider};

/// Schemas of these kinds are left out by a Terraform that does not know them.
const NEWER: [&str; 5] = [
    "action_schemas",
    "ephemeral_resource_schemas",
    "list_resource_schemas",
    "functions",
    "resource_identity_schemas",
];

fn printed() -> Map<String, Json> {
    let output = Command::new(env!("CARGO_BIN_EXE_terraform-provider-sapcalm"))
        .arg("schema")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let document: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["format_version"], "1.0");
    provider_of(&document)
}

fn provider_of(document: &Json) -> Map<String, Json> {
    let provider = document["provider_schemas"][ADDRESS].as_object();
    provider.unwrap().clone()
}

#[test]
fn the_schema_command_prints_every_kind_of_schema() {
    let schemas = printed();
    let destination = &schemas["resource_schemas"]["sapcalm_destination"];
    let attributes = &destination["block"]["attributes"];
    assert_eq!(attributes["client_secret_wo"]["write_only"], true);
    assert_eq!(
        attributes["timeouts"]["nested_type"]["nesting_mode"],
        "single"
    );
    let many = &schemas["data_source_schemas"]["sapcalm_destinations"];
    let many = &many["block"]["attributes"]["destinations"]["nested_type"];
    assert_eq!(many["nesting_mode"], "map");
    assert_eq!(many["attributes"]["url"]["computed"], true);
    let token = &schemas["ephemeral_resource_schemas"]["sapcalm_access_token"];
    let attributes = &token["block"]["attributes"];
    assert_eq!(attributes["access_token"]["sensitive"], true);
    let url = &schemas["functions"]["cloud_alm_url"];
    assert_eq!(url["return_type"], "string");
    assert_eq!(url["parameters"][1]["is_nullable"], true);
    let identity = &schemas["resource_identity_schemas"]["sapcalm_registration"];
    assert_eq!(
        identity["attributes"]["tenant_id"]["required_for_import"],
        true
    );
}

#[test]
fn cli_the_schema_command_prints_what_terraform_prints() {
    let Some(cli) = Cli::find_or_skip() else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    use_built_provider(directory.path());
    let configuration = r#"
        terraform {
          required_providers {
            sapcalm = { source = "sapcalm/sapcalm" }
          }
        }
        provider "sapcalm" {}
    "#;
    fs::write(directory.path().join("main.tf"), configuration).unwrap();
    let output = cli
        .run(directory.path(), &["providers", "schema", "-json"], &[])
        .ok();
    let theirs = provider_of(&serde_json::from_str(&output.stdout).unwrap());
    let mut ours = printed();
    ours.retain(|kind, _| theirs.contains_key(kind) || !NEWER.contains(&kind.as_str()));
    assert_eq!(ours, theirs);
}
