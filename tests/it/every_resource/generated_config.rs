//! Generated configuration: what `terraform plan -generate-config-out` writes
//! for an imported object plans empty as it is. Newer clients ask the provider
//! for it and are played by the stand-in for Terraform core; the client at hand
//! makes it up from schema and state by itself.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value as Json, json};

use crate::support::core::{Core, Resource};
use crate::support::feature::Feature;
use crate::support::kinds::{http_kinds, other_kinds};
use crate::support::served::Served;
use crate::support::workspace::Workspace;
use crate::support::world::World;

const DESTINATION: &str = "sapcalm_destination";
const CERTIFICATE: &str = "sapcalm_destination_certificate";
const REGISTRATION: &str = "sapcalm_registration";
const LEVELS: [&str; 2] = ["subaccount", "instance"];

async fn core(world: &World, provider: &Served) -> Core {
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    tf
}

/// Makes destinations of every kind at both levels, and forgets them in
/// Terraform. The result is their levels and names.
async fn make_every_kind(world: &World, provider: &Served) -> Vec<(&'static str, String)> {
    let mut tf = core(world, provider).await;
    let mut resources = Vec::new();
    let mut made = Vec::new();
    for level in LEVELS {
        for (i, kind) in http_kinds().iter().chain(&other_kinds()).enumerate() {
            let name = format!("kind-{i}");
            let mut config = kind.config.clone();
            config["name"] = name.clone().into();
            config["level"] = level.into();
            resources.push(Resource::new(DESTINATION, &format!("{level}_{i}"), config));
            made.push((level, name));
        }
    }
    tf.apply(&resources).await.ok();
    made
}

/// Destinations that nobody made with Terraform.
fn made_by_others() -> Vec<Json> {
    vec![
        json!({ "Name": "bare", "Type": "HTTP", "URL": "https://a.example.com" }),
        json!({
            "Name": "cockpit", "Type": "HTTP", "URL": "https://a.example.com/${x}?%{y}",
            "Description": "", "ProxyType": "Internet", "Authentication": "BasicAuthentication",
            "User": "\"some\\body\"\n", "Password": "s3cr3t", "Preemptive": "TRUE",
        }),
        json!({
            "Name": "open", "Type": "HTTP", "URL": "https://a.example.com",
            "Description": "Grüße, 你好", "ProxyType": "Internet",
            "Authentication": "NoAuthentication", "TrustAll": "TRUE",
            "HTML5.DynamicDestination": "true", "sap-client": "100",
        }),
        json!({
            "Name": "unknown", "Type": "HTTP", "URL": "https://a.example.com",
            "ProxyType": "Internet", "Authentication": "NoAuthentication",
            "URL.headers.apikey": "s3cr3t", "sap-client": "100", "my.own": "1",
        }),
        json!({
            "Name": "CloudALM", "Type": "HTTP", "URL": "https://eu10.alm.cloud.sap/api",
            "ProxyType": "Internet", "Authentication": "OAuth2ClientCredentials",
            "clientId": "sb-acme!b1|sapcloudalm!b2", "clientSecret": "s3cr3t",
            "tokenServiceURL": "https://acme.authentication.eu10.hana.ondemand.com/oauth/token",
        }),
        json!({
            "Name": "newer", "Type": "HTTP", "URL": "https://a.example.com",
            "ProxyType": "Satellite", "Authentication": "OAuth9Telepathy", "clientId": "me",
        }),
        json!({ "Name": "rfc", "Type": "RFC", "jco.client.ashost": "abap.example.com",
            "jco.client.passwd": "s3cr3t" }),
        json!({ "Name": "tcp", "Type": "TCP", "Address": "host.example.com:389" }),
    ]
}

/// Adds [`made_by_others`] at subaccount level.
async fn add_those_of_others(world: &World) -> Vec<(&'static str, String)> {
    let mut all = world.destinations().await;
    let others = made_by_others();
    let name = |one: &Json| ("subaccount", one["Name"].as_str().unwrap().to_owned());
    let names = others.iter().map(name).collect();
    all.extend(others);
    world.set_destinations(&all).await;
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_generated_configuration_of_every_destination_plans_empty() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut there = make_every_kind(&world, &provider).await;
    there.extend(add_those_of_others(&world).await);
    let mut tf = core(&world, &provider).await;
    for (i, (level, name)) in there.iter().enumerate() {
        let label = format!("d{i}");
        let identity = json!({ "level": level, "name": name });
        tf.import_by_identity(DESTINATION, &label, identity)
            .await
            .ok();
        let address = format!("{DESTINATION}.{label}");
        let config = tf.generate_config(&address).await.ok();
        let plan = tf.plan_one(DESTINATION, &label, config.clone()).await.ok();
        assert!(
            plan.is_empty(),
            "{level}/{name}: {:?}\n{config:#}",
            plan.differences()
        );
        for hidden in ["s3cr3t", "secret of", "password of", "key of"] {
            assert!(!config.to_string().contains(hidden), "{config:#}");
        }
        tf.forget(&address);
    }
    world.stop().await;
}

/// The file stays at SAP and is never shown; nothing else of a certificate needs
/// to be said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_generated_configuration_of_a_certificate_plans_empty_but_for_its_file() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    // Begins as a key store does.
    let file = "MCBhIGtleSBzdG9yZQ==";
    for level in LEVELS {
        let made = json!({ "name": "a.p12", "level": level, "content": { "base64_wo": file } });
        tf.apply_one(CERTIFICATE, "made", made).await.ok();
        let identity = tf.forget("sapcalm_destination_certificate.made").identity;
        let identity = serde_json::from_str(&identity.unwrap()).unwrap();
        tf.import_by_identity(CERTIFICATE, "found", identity)
            .await
            .ok();
        let address = "sapcalm_destination_certificate.found";
        let mut config = tf.generate_config(address).await.ok();
        assert_eq!(config, json!({ "name": "a.p12", "level": level }));
        tf.assert_empty_plan_one(CERTIFICATE, "found", config.clone())
            .await;
        // The file is new in the state, and is not uploaded.
        config["content"] = json!({ "base64_wo": file });
        world.forget_journal().await;
        tf.apply_one(CERTIFICATE, "found", config.clone())
            .await
            .ok();
        assert!(world.writes().await.is_empty());
        tf.assert_empty_plan_one(CERTIFICATE, "found", config).await;
        tf.forget(address);
    }
    world.stop().await;
}

/// Nobody but the practitioner knows the name; Order Management expects
/// `CloudALM`. What is generated is a configuration as it is, and filling it in
/// asks nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_generated_configuration_of_a_registration_names_the_destination_that_sap_expects() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let calm = Resource::new(DESTINATION, "calm", json!({}));
    let registration = Resource::new(REGISTRATION, "r", world.registration("CloudALM"))
        .depends_on(&["sapcalm_destination.calm"]);
    tf.apply(&[calm, registration]).await.ok();
    let address = "sapcalm_registration.r";
    let identity = tf.forget(address).identity.unwrap();
    let identity = serde_json::from_str(&identity).unwrap();
    tf.import_by_identity(REGISTRATION, "r", identity)
        .await
        .ok();
    let mut config = tf.generate_config(address).await.ok();
    assert_eq!(config["destination_name"], "CloudALM");
    world.forget_journal().await;
    let both = |config: &Json| {
        let destination = Resource::new(DESTINATION, "calm", json!({}));
        [
            destination,
            Resource::new(REGISTRATION, "r", config.clone()),
        ]
    };
    let resources = both(&config);
    let plan = tf.plan(&resources).await.ok();
    assert_eq!(plan.differences(), [format!("{address}.destination_name")]);
    tf.apply(&resources).await.ok();
    assert!(world.writes().await.is_empty());
    tf.assert_empty_plan(&resources).await;
    // From then on everything is in the state.
    config = tf.generate_config(address).await.ok();
    tf.assert_empty_plan(&both(&config)).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_the_generated_configuration_of_every_destination_plans_empty() {
    let Some(workspace) = Workspace::with(&[Feature::GeneratedLines]) else {
        return;
    };
    let world = World::documented().await;
    let provider = Served::start();
    let mut there = make_every_kind(&world, &provider).await;
    there.extend(add_those_of_others(&world).await);

    let keys = world.keys().display();
    let mut configuration = format!(
        r#"
provider "sapcalm" {{
  destination_service_key = file("{keys}/destination.json")
  retry_base_delay        = "1ms"
}}
"#
    );
    for (i, (level, name)) in there.iter().enumerate() {
        write!(
            configuration,
            "import {{\n  to = {DESTINATION}.d{i}\n  id = \"{level}/{name}\"\n}}\n"
        )
        .unwrap();
    }
    workspace.write(&configuration);
    let generated = workspace.path().join("generated.tf");
    let output = workspace
        .run(&["plan", "-generate-config-out=generated.tf"])
        .await
        .ok();
    let only_imports = format!(
        "{} to import, 0 to add, 0 to change, 0 to destroy",
        there.len()
    );
    assert!(output.stdout.contains(&only_imports), "{output}");
    let text = fs::read_to_string(&generated).unwrap();
    for hidden in ["s3cr3t", "secret of", "password of", "key of"] {
        assert!(!text.contains(hidden), "{text}");
    }
    let output = workspace.apply(&[]).await;
    let only_imports = format!("{} imported, 0 added, 0 changed, 0 destroyed", there.len());
    assert!(output.stdout.contains(&only_imports), "{output}");
    workspace.assert_empty_plan().await;
    world.stop().await;
}
