//! States that earlier versions of the provider have written still work.
//!
//! `tests/fixtures/state/<type>/` holds, for every schema version so far, its
//! frozen shape (`v0.schema.json`) and objects as they lay in a state file
//! (`v0-<case>.json`), with the configuration and with what SAP held. They are
//! never edited. `SAPCALM_FREEZE=1 cargo test --test it stored_states` writes
//! what is missing: a new attribute, a new case, the first files of a new
//! version.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use framework::resource::DynResource;
use sapcalm::provider::RESOURCES;
use sapcalm::provider::configured::Configured;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::support::core::state::Instance;
use crate::support::core::{Core, Resource};
use crate::support::world::World;

const DESTINATION: &str = "sapcalm_destination";
const CERTIFICATE: &str = "sapcalm_destination_certificate";
const REGISTRATION: &str = "sapcalm_registration";
const JOB_MONITORING: &str = "sapcalm_job_monitoring";

/// One object of a state file, and the world it was written in.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    schema_version: i64,
    config: Json,
    attributes: Json,
    /// Private state as text; empty when there is none.
    private: String,
    identity: Option<Json>,
    identity_version: i64,
    /// What the emulator's control API said and is told again.
    sap: Json,
}

/// The shape of a schema version.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    attributes: BTreeMap<String, Json>,
    identity_version: i64,
    identity: BTreeSet<String>,
}

fn freezing() -> bool {
    std::env::var_os("SAPCALM_FREEZE").is_some_and(|value| value == "1")
}

fn folder(type_name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures/state").join(type_name)
}

fn shape_file(type_name: &str, version: i64) -> PathBuf {
    folder(type_name).join(format!("v{version}.schema.json"))
}

fn write(path: &PathBuf, content: &impl Serialize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = serde_json::to_string_pretty(content).unwrap();
    fs::write(path, text + "\n").unwrap();
}

fn read<T: for<'de> Deserialize<'de>>(path: &PathBuf) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("{}: {error}. {HOW_TO_FREEZE}", path.display());
    });
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const HOW_TO_FREEZE: &str =
    "Write what is missing with: SAPCALM_FREEZE=1 cargo test --test it stored_states";

fn resource(type_name: &str) -> &'static dyn DynResource<Configured> {
    let found = RESOURCES
        .iter()
        .find(|resource| resource.definition().type_name == type_name);
    *found.unwrap()
}

/// The files of stored states with their version.
fn stored_files(type_name: &str) -> Vec<(i64, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder(type_name)) else {
        return Vec::new();
    };
    let version_of = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.to_owned();
        let (version, _case) = name.strip_prefix('v')?.split_once('-')?;
        Some((version.parse().ok()?, path))
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| version_of(entry.unwrap().path()))
        .collect();
    files.sort();
    files
}

// ------------------------------------------------------------------- shapes

fn shape_of(resource: &dyn DynResource<Configured>) -> Shape {
    let definition = resource.definition();
    let attributes = definition.schema.attributes.iter();
    let identity = resource.identity_schema().attributes().iter();
    Shape {
        attributes: attributes
            .map(|attribute| {
                let kind = attribute.kind.to_json().to_string();
                let kind = serde_json::from_str(&kind).unwrap();
                (attribute.name.to_owned(), kind)
            })
            .collect(),
        identity_version: 0,
        identity: identity.map(|one| one.name.to_owned()).collect(),
    }
}

/// What a stored state of the frozen shape would lose in the new one.
fn lost(frozen: &Shape, now: &Shape) -> Vec<String> {
    let mut lost: Vec<String> = frozen
        .attributes
        .iter()
        .filter(|(name, kind)| now.attributes.get(*name) != Some(kind))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if (frozen.identity_version, &frozen.identity) != (now.identity_version, &now.identity) {
        lost.push("the identity".to_owned());
    }
    lost
}

#[test]
fn a_schema_keeps_the_shape_of_its_version() {
    for resource in RESOURCES {
        let definition = resource.definition();
        let (type_name, version) = (definition.type_name, definition.schema.version);
        let now = shape_of(*resource);
        let path = shape_file(type_name, version);
        let frozen = match path.exists() {
            true => read::<Shape>(&path),
            false if freezing() => Shape {
                identity_version: now.identity_version,
                identity: now.identity.clone(),
                ..Shape::default()
            },
            false => panic!("{type_name} has a new version. {HOW_TO_FREEZE}"),
        };
        let lost = lost(&frozen, &now);
        assert!(
            lost.is_empty(),
            "{type_name}: states of version {version} hold {} in another shape. Raise the \
             version of the schema and write an upgrader from {version}.",
            lost.join(", ")
        );
        if freezing() && frozen != now {
            write(&path, &now);
        } else {
            assert_eq!(
                frozen, now,
                "{type_name} has new attributes. {HOW_TO_FREEZE}"
            );
        }
    }
}

#[test]
fn every_older_version_has_an_upgrader_and_stored_states() {
    for resource in RESOURCES {
        let definition = resource.definition();
        let type_name = definition.type_name;
        for version in 0..definition.schema.version {
            let mut upgraders = resource.upgraders().iter();
            assert!(
                upgraders.any(|upgrader| upgrader.from_version == version),
                "{type_name} has no upgrader from version {version}"
            );
            assert!(
                shape_file(type_name, version).exists(),
                "{type_name} {version}"
            );
        }
        if freezing() {
            continue;
        }
        for version in 0..=definition.schema.version {
            let mut files = stored_files(type_name).into_iter();
            assert!(
                files.any(|(found, _)| found == version),
                "{type_name} has no stored state of version {version}. {HOW_TO_FREEZE}"
            );
        }
    }
}

#[test]
fn a_shape_loses_what_vanishes_or_becomes_another_type_and_gains_what_is_new() {
    let shape = |attributes: &[(&str, &str)]| Shape {
        attributes: attributes
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), json!(kind)))
            .collect(),
        ..Shape::default()
    };
    let frozen = shape(&[("a", "string"), ("b", "number")]);
    assert!(
        lost(
            &frozen,
            &shape(&[("a", "string"), ("b", "number"), ("c", "bool")])
        )
        .is_empty()
    );
    assert_eq!(lost(&frozen, &shape(&[("a", "bool")])), ["`a`", "`b`"]);
    let mut other = shape(&[("a", "string"), ("b", "number")]);
    other.identity.insert("id".to_owned());
    assert_eq!(lost(&frozen, &other), ["the identity"]);
}

// ------------------------------------------------------------ stored objects

/// Objects whose states are worth keeping: type, case, what SAP holds before,
/// configuration, and the import id of those that were imported.
type Case = (&'static str, &'static str, Json, Json, Option<&'static str>);

fn cases() -> Vec<Case> {
    let nothing = || json!({});
    let basic = json!({
        "name": "Basic", "authentication": "BasicAuthentication", "url": "https://a.example",
        "user": "u", "credentials": { "password_wo": "secret-1", "version": 1 },
        "labels": { "team": ["a", "b"] }, "properties": { "sap-client": "100" },
        "timeouts": { "create": "5m" },
    });
    let oauth = json!({
        "name": "OAuth", "level": "instance", "url": "https://a.example", "client_id": "c",
        "token_service_url": "https://t.example/oauth/token", "credentials": {
            "client_secret_wo": "secret-2",
            "properties_wo": { "tokenService.body.key": "secret-3" },
        },
    });
    let rfc = json!({
        "name": "RFC", "type": "RFC", "properties": { "jco.client.ashost": "h" },
        "credentials": { "properties_wo": { "jco.client.passwd": "secret-4" } },
    });
    let imported_at_sap = json!({ "destinations": [{ "properties": {
        "Name": "Imported", "Type": "HTTP", "URL": "https://a.example", "ProxyType": "Internet",
        "Authentication": "BasicAuthentication", "User": "u", "Password": "secret-5", "mine": "x",
    } }] });
    let imported = json!({
        "name": "Imported", "authentication": "BasicAuthentication", "url": "https://a.example",
        "user": "u", "credentials": { "password_wo": "secret-5" },
    });
    let registration = json!({
        "destination_name": "CloudALM", "environment": "prod", "triggers": { "a": "1" },
    });
    let key_store = json!({ "name": "a.p12", "content": { "base64_wo": "MAECAwQ=" } });
    let generated = json!({
        "name": "a.pem", "generate": { "common_name": "calm", "validity": 30 },
    });
    vec![
        (DESTINATION, "basic", nothing(), basic, None),
        (DESTINATION, "oauth-at-instance", nothing(), oauth, None),
        (DESTINATION, "rfc", nothing(), rfc, None),
        (
            DESTINATION,
            "imported",
            imported_at_sap,
            imported,
            Some("subaccount/Imported"),
        ),
        (CERTIFICATE, "key-store", nothing(), key_store, None),
        (CERTIFICATE, "generated", nothing(), generated, None),
        (REGISTRATION, "registered", nothing(), registration, None),
        (
            JOB_MONITORING,
            "on",
            nothing(),
            json!({ "job_id": 1 }),
            None,
        ),
    ]
}

/// Makes the object as a practitioner would, and keeps what the state file has.
async fn freeze((type_name, case, before, config, import): &Case) {
    let version = resource(type_name).definition().schema.version;
    let path = folder(type_name).join(format!("v{version}-{case}.json"));
    if path.exists() {
        return;
    }
    let world = World::documented().await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let mut state = world.state().await;
    let orders = &mut state["subaccounts"]["acme-orders"];
    for (name, value) in before.as_object().unwrap() {
        orders[name] = value.clone();
    }
    world.restore(&state).await;
    let mut resources = vec![Resource::new(type_name, "stored", config.clone())];
    if *type_name == REGISTRATION {
        let registration = resources.remove(0);
        resources = vec![
            Resource::new(DESTINATION, "cloud_alm", json!({})),
            registration.depends_on(&["sapcalm_destination.cloud_alm"]),
        ];
    }
    if let Some(id) = import {
        tf.import_by_id(type_name, "stored", id).await.ok();
    }
    tf.apply(&resources).await.ok();
    let mut sap = world.state().await;
    if *type_name == REGISTRATION {
        // Its own destination holds addresses of this run.
        sap["subaccounts"]["acme-orders"]["destinations"] = json!([]);
    }
    let instance = tf.instance(&format!("{type_name}.stored"));
    let identity = instance.identity.as_deref();
    let stored = Stored {
        schema_version: instance.schema_version,
        config: config.clone(),
        attributes: instance.json(),
        private: String::from_utf8(instance.private.clone()).unwrap(),
        identity: identity.map(|text| serde_json::from_str(text).unwrap()),
        identity_version: instance.identity_version,
        sap,
    };
    write(&path, &stored);
    world.stop().await;
}

/// The object comes out of the state, out of SAP and out of a plan as it was.
async fn works(type_name: &str, path: &PathBuf) {
    let stored: Stored = read(path);
    let world = World::documented().await;
    world.restore(&stored.sap).await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let address = format!("{type_name}.stored");
    let instance = Instance {
        type_name: type_name.to_owned(),
        state: stored.attributes.to_string(),
        schema_version: stored.schema_version,
        private: stored.private.into_bytes(),
        identity: stored.identity.map(|identity| identity.to_string()),
        identity_version: stored.identity_version,
        tainted: false,
        depends_on: Vec::new(),
        create_before_destroy: false,
    };
    tf.state.current.insert(address.clone(), instance);
    let resources = [Resource::new(type_name, "stored", stored.config.clone())];
    tf.assert_empty_plan(&resources).await;
    tf.refresh().await.ok();
    let now = tf.object(&address);
    for (name, value) in stored.attributes.as_object().unwrap() {
        // Another version may have renamed it; then its upgrader has a test.
        if stored.schema_version == tf.instance(&address).schema_version {
            assert_eq!(&now[name], value, "{}: `{name}`", path.display());
        }
    }
    tf.assert_empty_plan(&resources).await;
    assert!(world.writes().await.is_empty(), "{}", path.display());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stored_state_still_reads_and_plans_empty() {
    if freezing() {
        for case in &cases() {
            freeze(case).await;
        }
    }
    let mut count = 0;
    for resource in RESOURCES {
        let type_name = resource.definition().type_name;
        for (_, path) in stored_files(type_name) {
            println!("{}", path.display());
            works(type_name, &path).await;
            count += 1;
        }
    }
    assert!(
        count >= cases().len(),
        "only {count} stored states. {HOW_TO_FREEZE}"
    );
}
