//! `ignore_changes` with every argument of every resource in turn, with map keys,
//! nested values and `all`; with the stand-in and with the real Terraform.
//!
//! Each row is one resource with a list of its own. It is created; its
//! configuration changes in what is ignored and in something else; somebody
//! changes both at SAP. After each of these an apply ends well, the plan is empty,
//! SAP has kept what is ignored, and everything else is as configured. With the
//! stand-in the promise of the plan is judged as well.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use framework::schema::{Attribute, AttributeType};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value as Json, json};

use crate::support::core::{Core, Resource};
use crate::support::feature::Feature;
use crate::support::pem::pem;
use crate::support::served::Served;
use crate::support::trial::Part;
use crate::support::workspace::Workspace;
use crate::support::world::World;

const DESTINATION: &str = "sapcalm_destination";
const CERTIFICATE: &str = "sapcalm_destination_certificate";
const REGISTRATION: &str = "sapcalm_registration";
const JOB_MONITORING: &str = "sapcalm_job_monitoring";

/// One resource, and what happens to it.
struct Row {
    ignored: Vec<&'static str>,
    /// As it is created.
    config: Json,
    /// What changes in the configuration, as a merge patch.
    edit: Json,
    /// What changes at SAP with it, beside what is ignored.
    effect: Vec<(&'static str, Option<&'static str>)>,
    /// What somebody changes at SAP.
    by_hand: Option<(&'static str, &'static str)>,
    /// Whether that is ignored.
    is_kept: bool,
}

impl Row {
    fn new(ignored: &'static str, config: Json, edit: Json) -> Self {
        Self {
            ignored: vec![ignored],
            config,
            edit,
            effect: Vec::new(),
            by_hand: None,
            is_kept: true,
        }
    }

    fn effect(mut self, property: &'static str, value: Option<&'static str>) -> Self {
        self.effect.push((property, value));
        self
    }

    /// Somebody changes a property, and `ignore_changes` does not keep it: it is
    /// none of the configuration's, or the state has the value that is wanted.
    fn by_hand_in_vain(mut self, property: &'static str, value: &'static str) -> Self {
        self.is_kept = false;
        self.by_hand(property, value)
    }

    fn by_hand(mut self, property: &'static str, value: &'static str) -> Self {
        self.by_hand = Some((property, value));
        self
    }

    /// Whether it names what only the provider computes. Terraform warns that this
    /// has no effect, and refuses every plan that changes it.
    fn names_computed(&self, computed: &[&str]) -> bool {
        self.ignored.iter().any(|name| computed.contains(name))
    }

    /// Whether nothing at all may change.
    fn ignores_all(&self) -> bool {
        self.ignored == ["all"]
    }

    fn edited(&self) -> Json {
        let mut config = self.config.clone();
        merge(&mut config, &self.edit);
        config
    }
}

fn merge(config: &mut Json, patch: &Json) {
    match patch {
        Json::Object(entries) if config.is_object() => {
            for (name, value) in entries {
                merge(&mut config[name], value);
            }
        }
        other => *config = other.clone(),
    }
}

fn with(mut config: Json, more: &Json) -> Json {
    merge(&mut config, more);
    config
}

/// A destination with everything that a token service needs.
fn client_credentials() -> Json {
    json!({
        "description": "one",
        "url": "https://one.example.com",
        "authentication": "OAuth2ClientCredentials",
        "client_id": "one",
        "token_service_url": "https://one.example.com/oauth/token",
        "properties": { "a": "one", "b": "one" },
        "credentials": {
            "client_secret_wo": "one", "properties_wo": { "c": "one" }, "version": 1,
        },
        "labels": { "a": ["one"], "b": ["one"] },
        "allow_unmanaged": ["TrustAll"],
        "timeouts": { "create": "1m" },
    })
}

fn stored() -> Json {
    let secrets = json!({ "client_secret": "one", "properties": { "c": "one" } });
    with(
        client_credentials(),
        &json!({ "credentials": null, "stored_credentials": secrets }),
    )
}

/// A destination that comes from a key of its own.
fn keyed() -> Json {
    json!({
        "description": "one", "properties": { "b": "one" },
        "service_key": { "json_wo": service_key("one"), "url_path": "/one" },
    })
}

fn service_key(secret: &str) -> String {
    json!({
        "uri": "https://service.example.com/base",
        "uaa": {
            "clientid": "c", "clientsecret": secret, "url": "https://zone.example.com",
        },
    })
    .to_string()
}

/// A destination with a password, in one of the two places.
fn basic(object: &str, password: &str) -> Json {
    json!({
        "description": "one", "properties": { "b": "one" },
        "url": "https://one.example.com", "authentication": "BasicAuthentication",
        "user": "one", object: { password: "one" },
    })
}

fn open(more: &Json) -> Json {
    let open = json!({
        "description": "one", "url": "https://one.example.com", "authentication": "NoAuthentication",
    });
    with(open, more)
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn destinations() -> Vec<Row> {
    let row = |ignored, edit| Row::new(ignored, client_credentials(), edit);
    let two = "https://two.example.com";
    let user = json!({ "authentication": "BasicAuthentication", "user": "one", "credentials": { "password_wo": "one" } });
    vec![
        row("description", json!({ "description": "two" })).by_hand("Description", "hand"),
        row("url", json!({ "url": two })).by_hand("URL", "https://hand.example.com"),
        row("client_id", json!({ "client_id": "two" })).by_hand("clientId", "hand"),
        row(
            "token_service_url",
            json!({ "token_service_url": "https://two.example.com/oauth/token" }),
        )
        .by_hand("tokenServiceURL", "https://hand.example.com/oauth/token"),
        row(
            "token_service_url_type",
            json!({ "token_service_url_type": "Common" }),
        )
        .by_hand("tokenServiceURLType", "Common"),
        row("properties", json!({ "properties": { "a": "two", "d": "two" } })).by_hand("a", "hand"),
        row(r#"properties["a"]"#, json!({ "properties": { "a": "two" } })).by_hand("a", "hand"),
        row(r#"properties["d"]"#, json!({ "properties": { "d": "two" } })),
        // Not ignored: a secret is written, properties go.
        row(
            "labels",
            json!({
                "labels": { "a": ["two"] },
                "properties": null,
                "credentials": { "client_secret_wo": "two", "version": 2 },
            }),
        )
        .effect("clientSecret", Some("two"))
        .effect("a", None)
        .effect("b", None),
        row(r#"labels["a"]"#, json!({ "labels": { "a": ["two"] } })),
        row(
            "credentials",
            json!({ "credentials": { "client_secret_wo": "two", "version": 2 } }),
        )
        .by_hand("clientSecret", "hand"),
        row(
            "credentials.client_secret_wo",
            json!({ "credentials": { "client_secret_wo": "two" } }),
        )
        .by_hand("clientSecret", "hand"),
        row(
            "credentials.properties_wo",
            json!({ "credentials": { "properties_wo": { "c": "two" } } }),
        )
        .by_hand("c", "hand"),
        row(
            r#"credentials.properties_wo["c"]"#,
            json!({ "credentials": { "properties_wo": { "c": "two" } } }),
        )
        .by_hand("c", "hand"),
        Row::new(
            "credentials.password_wo",
            basic("credentials", "password_wo"),
            json!({ "credentials": { "password_wo": "two" } }),
        )
        .by_hand("Password", "hand"),
        Row::new(
            "stored_credentials.password",
            basic("stored_credentials", "password"),
            json!({ "stored_credentials": { "password": "two" } }),
        )
        .by_hand_in_vain("Password", "hand"),
        row("credentials.version", json!({ "credentials": { "version": 2 } })),
        row("allow_unmanaged", json!({ "allow_unmanaged": [] })),
        row("adopt_existing", json!({ "adopt_existing": true })),
        row("check_token", json!({ "check_token": true })),
        row("timeouts", json!({ "timeouts": { "create": "2m" } })),
        row("timeouts.create", json!({ "timeouts": { "create": "2m" } })),
        row("level", json!({ "level": "instance" })),
        row("name", json!({ "name": "renamed" })),
        row("service_key", json!({ "service_key": null })),
        Row::new("service_key", keyed(), json!({ "service_key": { "url_path": "/two" } }))
            .by_hand("clientSecret", "hand"),
        Row::new(
            "service_key.json_wo",
            keyed(),
            json!({ "service_key": { "json_wo": service_key("two") } }),
        )
        .by_hand("clientSecret", "hand"),
        Row::new(
            "service_key.url_form",
            keyed(),
            json!({ "service_key": { "url_form": "origin" } }),
        )
        .by_hand_in_vain("clientSecret", "hand"),
        Row::new(
            "service_key.url_path",
            keyed(),
            json!({ "service_key": { "url_path": "/two" } }),
        )
        .by_hand_in_vain("URL", "https://hand.example.com"),
        row("id", json!({})),
        row("subaccount_id", json!({})),
        row("instance_id", json!({})),
        row("secrets", json!({})),
        row("unmanaged_properties", json!({})).by_hand_in_vain("HTML5.ForwardAuthToken", "true"),
        Row::new(
            "stored_credentials",
            stored(),
            json!({ "stored_credentials": { "client_secret": "two" } }),
        )
        .by_hand_in_vain("clientSecret", "hand"),
        Row::new(
            "stored_credentials.client_secret",
            stored(),
            json!({ "stored_credentials": { "client_secret": "two" } }),
        )
        .by_hand_in_vain("clientSecret", "hand"),
        Row::new(
            r#"stored_credentials.properties["c"]"#,
            stored(),
            json!({ "stored_credentials": { "properties": { "c": "two" } } }),
        )
        .by_hand_in_vain("c", "hand"),
        Row::new("user", open(&user), json!({ "user": "two" })).by_hand("User", "hand"),
        Row::new(
            "proxy_type",
            open(&json!({})),
            json!({ "proxy_type": "OnPremise" }),
        )
        .by_hand("ProxyType", "OnPremise"),
        Row::new(
            "authentication",
            open(&json!({ "proxy_type": "OnPremise" })),
            json!({ "authentication": "PrincipalPropagation" }),
        )
        .by_hand("Authentication", "PrincipalPropagation"),
        Row::new(
            "type",
            json!({ "type": "RFC", "description": "one" }),
            json!({ "type": "MAIL" }),
        ),
        Row::new(
            "token_service_key_store_location",
            open(&json!({
                "authentication": "OAuth2ClientCredentials",
                "client_id": "one",
                "token_service_url": "https://one.example.com/oauth/token",
                "token_service_key_store_location": "one.p12",
            })),
            json!({ "token_service_key_store_location": "two.p12" }),
        )
        .by_hand("tokenService.KeyStoreLocation", "hand.p12"),
        row("all", json!({ "url": two, "client_id": "two", "credentials": { "client_secret_wo": "two", "version": 2 } }))
            .by_hand("URL", "https://hand.example.com"),
    ]
}

fn certificates() -> Vec<Row> {
    let config = json!({
        "content": { "pem_wo": pem("one"), "version": 1 }, "timeouts": { "create": "1m" },
    });
    let row = |ignored, edit| Row::new(ignored, config.clone(), edit);
    let two = pem("two");
    let [one, other] = [("one", 1, "DAYS", true), ("two", 2, "YEARS", false)].map(
        |(common_name, validity, unit, renew)| {
            let key = KeyPair::generate().unwrap();
            let csr = CertificateParams::default().serialize_request(&key);
            json!({
                "common_name": common_name, "validity": validity, "validity_unit": unit,
                "automatic_renew": renew, "csr": csr.unwrap().pem().unwrap(),
            })
        },
    );
    let generated = |ignored, edit| Row::new(ignored, json!({ "generate": one }), edit);
    let mut rows = vec![
        row("name", json!({ "name": "renamed.pem" })),
        row("level", json!({ "level": "instance" })),
        row(
            "content",
            json!({ "content": { "pem_wo": two, "version": 2 } }),
        ),
        row("content.pem_wo", json!({ "content": { "pem_wo": two } })),
        Row::new(
            "content.base64_wo",
            json!({ "content": { "base64_wo": STANDARD.encode(pem("one")), "version": 1 } }),
            json!({ "content": { "base64_wo": STANDARD.encode(&two) } }),
        ),
        row("content.version", json!({ "content": { "version": 2 } })),
        row("adopt_existing", json!({ "adopt_existing": true })),
        row("timeouts", json!({ "timeouts": { "create": "2m" } })),
        row("timeouts.create", json!({ "timeouts": { "create": "2m" } })),
        row("id", json!({})),
        row("subaccount_id", json!({})),
        row("instance_id", json!({})),
        row("validity_end_time", json!({})),
        row("renews_at", json!({})),
        row("subject", json!({})),
        row("issuer", json!({})),
        row("chain", json!({})),
        row("secrets", json!({})),
        row("all", json!({ "content": { "pem_wo": two, "version": 2 } })),
        generated("generate", json!({ "generate": other })),
        generated("all", json!({ "generate": other })),
    ];
    for member in [
        "common_name",
        "validity",
        "validity_unit",
        "automatic_renew",
        "csr",
    ] {
        let path = format!("generate.{member}").leak();
        rows.push(generated(
            path,
            json!({ "generate": { member: other[member] } }),
        ));
    }
    rows
}

// ---------------------------------------------------------------- terraform

/// One resource of the whole configuration, as it stands now.
struct Block<'a> {
    type_name: &'static str,
    name: String,
    row: &'a Row,
    config: Json,
}

enum Terraform {
    StandIn(
        Box<Core>,
        #[expect(dead_code, reason = "serves until it is dropped")] Served,
    ),
    Cli(Workspace),
}

impl Terraform {
    async fn stand_in(world: &World) -> Self {
        let provider = Served::start();
        let mut core = Box::new(provider.core().await);
        core.configure(world.provider());
        Self::StandIn(core, provider)
    }

    /// Applies, and then there is nothing left to do.
    async fn converge(&mut self, world: &World, blocks: &[Block<'_>]) {
        match self {
            Self::StandIn(core, _) => {
                let resource = |block: &Block| {
                    Resource::new(block.type_name, &block.name, block.config.clone())
                        .ignore_changes(&block.row.ignored)
                };
                let resources: Vec<Resource> = blocks.iter().map(resource).collect();
                core.apply(&resources).await.ok();
                core.assert_empty_plan(&resources).await;
            }
            Self::Cli(workspace) => {
                let mut types: BTreeMap<&str, BTreeMap<&str, Json>> = BTreeMap::new();
                for block in blocks {
                    let mut config = block.config.clone();
                    let ignored = match block.row.ignores_all() {
                        true => json!("all"),
                        false => json!(block.row.ignored),
                    };
                    config["lifecycle"] = json!({ "ignore_changes": ignored });
                    types
                        .entry(block.type_name)
                        .or_default()
                        .insert(&block.name, config);
                }
                workspace.write_json(&world.provider(), &json!(types));
                workspace.converges().await;
            }
        }
    }
}

// --------------------------------------------------------------- what is done

fn blocks<'a>(type_name: &'static str, rows: &'a [Row], extension: &str) -> Vec<Block<'a>> {
    let block = |(number, row): (usize, &'a Row)| {
        let name = format!("row-{number}");
        let config = with(json!({ "name": format!("{name}{extension}") }), &row.config);
        Block {
            type_name,
            name,
            row,
            config,
        }
    };
    rows.iter().enumerate().map(block).collect()
}

/// What SAP stores, by name.
fn by_name(list: Vec<Json>) -> BTreeMap<String, Json> {
    let name = |one: &Json| one["Name"].as_str().unwrap().to_owned();
    list.into_iter().map(|one| (name(&one), one)).collect()
}

/// Everything but the description changes in the configuration and is ignored;
/// then the same at SAP.
async fn destinations_live(world: &World, terraform: &mut Terraform) {
    let rows = destinations();
    let mut blocks = blocks(DESTINATION, &rows, "");
    terraform.converge(world, &blocks).await;
    let created = by_name(world.destinations().await);

    // Something else changes beside what is ignored.
    let other = |row: &Row| match row.ignored[0] {
        "description" => ("properties", "b"),
        _ => ("description", "Description"),
    };
    for block in &mut blocks {
        block.config = with(block.row.edited(), &json!({ "name": block.config["name"] }));
        if block.row.ignored == ["name"] {
            block.config["name"] = json!("renamed");
        }
        match other(block.row).0 {
            "properties" => block.config["properties"]["b"] = json!("other"),
            name => block.config[name] = json!("other"),
        }
    }
    terraform.converge(world, &blocks).await;
    let mut expected = created;
    for (block, at_sap) in blocks.iter().zip(sorted(&mut expected, &rows)) {
        if !block.row.ignores_all() {
            at_sap[other(block.row).1] = json!("other");
        }
        for (property, value) in &block.row.effect {
            set(at_sap, property, *value);
        }
    }
    assert_eq!(by_name(world.destinations().await), expected);

    // Somebody changes both at SAP.
    let mut edited = expected.clone();
    for (row, at_sap) in rows.iter().zip(sorted(&mut edited, &rows)) {
        at_sap[other(row).1] = json!("hand");
        if let Some((property, value)) = row.by_hand {
            at_sap[property] = json!(value);
        }
    }
    let list: Vec<Json> = edited.into_values().collect();
    world.set_destinations(&list).await;
    terraform.converge(world, &blocks).await;
    for (row, at_sap) in rows.iter().zip(sorted(&mut expected, &rows)) {
        if row.ignores_all() {
            at_sap[other(row).1] = json!("hand");
        }
        if let Some((property, value)) = row.by_hand.filter(|_| row.is_kept) {
            at_sap[property] = json!(value);
        }
    }
    assert_eq!(by_name(world.destinations().await), expected);
}

/// A property, or that there is none.
fn set(at_sap: &mut Json, property: &str, value: Option<&str>) {
    let properties = at_sap.as_object_mut().unwrap();
    match value {
        Some(value) => drop(properties.insert(property.to_owned(), json!(value))),
        None => drop(properties.remove(property)),
    }
}

/// The stored objects in the order of the rows.
fn sorted<'a>(objects: &'a mut BTreeMap<String, Json>, rows: &[Row]) -> Vec<&'a mut Json> {
    let number = |name: &str| {
        let number = name.trim_start_matches("row-").split('.').next();
        number.unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(objects.len(), rows.len());
    let mut all: Vec<_> = objects.iter_mut().collect();
    all.sort_by_key(|(name, _)| number(name));
    all.into_iter().map(|(_, object)| object).collect()
}

async fn certificates_live(world: &World, terraform: &mut Terraform) {
    let rows = certificates();
    let mut blocks = blocks(CERTIFICATE, &rows, ".pem");
    terraform.converge(world, &blocks).await;
    let created = by_name(world.certificates().await);
    for block in &mut blocks {
        let name = block.config["name"].clone();
        block.config = with(json!({ "name": name }), &block.row.edited());
    }
    terraform.converge(world, &blocks).await;
    // Nothing but the file could change, and where it is not ignored it did not.
    assert_eq!(by_name(world.certificates().await), created);

    // Somebody replaces every file.
    let mut edited = created.clone();
    let hand = STANDARD.encode(pem("hand"));
    for (row, at_sap) in rows.iter().zip(sorted(&mut edited, &rows)) {
        // What SAP made, it would have to make anew.
        let is_generated = !row.config["generate"].is_null();
        if !is_generated && !row.names_computed(&["secrets", "validity_end_time"]) {
            at_sap["Content"] = json!(hand);
        }
    }
    let list: Vec<Json> = edited.into_values().collect();
    world.set_certificates(&list).await;
    terraform.converge(world, &blocks).await;
    let mut expected = created;
    for (row, at_sap) in rows.iter().zip(sorted(&mut expected, &rows)) {
        let is_file = row.config["generate"].is_null();
        if is_file
            && ["content", "content.pem_wo", "content.base64_wo", "all"].contains(&row.ignored[0])
        {
            at_sap["Content"] = json!(hand);
        }
    }
    assert_eq!(by_name(world.certificates().await), expected);
}

/// One tenant has one registration, so that the rows come one after the other.
fn registrations() -> Vec<Row> {
    let config = json!({
        "destination_name": "CloudALM", "triggers": { "a": "one" }, "timeouts": { "create": "1m" },
    });
    let row = |ignored, edit| Row::new(ignored, config.clone(), edit);
    let mut rows = vec![
        row("destination_name", json!({ "destination_name": "row-0" })),
        row("triggers", json!({ "triggers": { "a": "two" } })),
        row(r#"triggers["a"]"#, json!({ "triggers": { "a": "two" } })),
        row("scope", json!({ "scope": "" })),
        row("environment", json!({ "environment": "prod" })),
        row("lms_id", json!({ "lms_id": null })),
        row("verify", json!({ "verify": false })),
        row("verify_timeout", json!({ "verify_timeout": "1ms" })),
        row("timeouts", json!({ "timeouts": { "create": "2m" } })),
        row("timeouts.create", json!({ "timeouts": { "create": "2m" } })),
        row("id", json!({})),
        row("tenant_id", json!({})),
        row("status", json!({})),
        row("message", json!({})),
        row("all", json!({ "triggers": { "a": "two" }, "scope": "" })),
    ];
    let every = rows.iter().map(|row| row.ignored[0]);
    let ignored = every
        .filter(|name| !["all", "status", "message"].contains(name))
        .collect();
    rows.push(Row {
        ignored,
        ..row(
            "",
            json!({ "triggers": { "a": "two" }, "scope": "", "verify": false }),
        )
    });
    rows
}

async fn registration_lives(world: &World, terraform: &mut Terraform, row: &Row) {
    let destination = Row::new("timeouts", json!({}), json!({}));
    let block = |type_name, name: &str, row, config| Block {
        type_name,
        name: name.to_owned(),
        row,
        config,
    };
    let named = match terraform {
        // So that Terraform knows the order.
        Terraform::Cli(_) => json!({ "depends_on": ["sapcalm_destination.cloud_alm"] }),
        Terraform::StandIn(..) => json!({}),
    };
    let mut blocks = vec![
        block(DESTINATION, "cloud_alm", &destination, json!({})),
        block(
            REGISTRATION,
            "orders",
            row,
            with(row.config.clone(), &named),
        ),
    ];
    terraform.converge(world, &blocks).await;
    let registered = world.state().await["subaccounts"]["acme-orders"]["registration"].clone();
    blocks[1].config = with(row.edited(), &named);
    terraform.converge(world, &blocks).await;
    let now = world.state().await["subaccounts"]["acme-orders"]["registration"].clone();
    assert_eq!(now, registered, "{:?}", row.ignored);

    if row.names_computed(&["status", "message"]) {
        return;
    }
    // Somebody offboards: what is ignored is no reason not to register again.
    world.offboard().await;
    terraform.converge(world, &blocks).await;
    let looks = row.edited()["verify"] != false || row.ignored.contains(&"verify");
    assert_eq!(world.is_registered().await, looks, "{:?}", row.ignored);
}

/// Each row is a job; what somebody does is to switch it off.
fn jobs() -> Vec<Row> {
    let config = json!({ "timeouts": { "create": "1m" } });
    let row = |ignored, edit| Row::new(ignored, config.clone(), edit);
    vec![
        row("job_id", json!({ "job_id": 99 })),
        row("timeouts", json!({ "timeouts": { "create": "2m" } })),
        row("timeouts.create", json!({ "timeouts": { "create": "2m" } })),
        row("id", json!({})),
        row("name", json!({})),
        row("enabled", json!({})),
        row("all", json!({ "job_id": 99, "timeouts": null })),
    ]
}

async fn jobs_live(world: &World, terraform: &mut Terraform) {
    let rows = jobs();
    let job = |id: usize, is_on: bool| {
        json!({ "_id": id, "name": format!("job-{id}"), "active": true,
                "calmConfig": { "enabled": is_on } })
    };
    let set = async |is_on: &dyn Fn(&Row) -> bool| {
        let jobs = rows.iter().enumerate();
        let jobs: Vec<Json> = jobs.map(|(at, row)| job(at + 1, is_on(row))).collect();
        world.set_jobs(&jobs).await;
    };
    set(&|_| false).await;
    let blocks = |is_edited: bool| -> Vec<Block> {
        let block = |(at, row)| {
            let config = match is_edited {
                true => Row::edited(row),
                false => row.config.clone(),
            };
            Block {
                type_name: JOB_MONITORING,
                name: format!("row-{at}"),
                row,
                config: with(json!({ "job_id": at + 1 }), &config),
            }
        };
        rows.iter().enumerate().map(block).collect()
    };
    let all_on = async || {
        let jobs = world.jobs().await;
        assert!(jobs.iter().all(|job| job["calmConfig"]["enabled"] == true));
        assert_eq!(jobs.len(), rows.len());
    };
    for is_edited in [false, true] {
        terraform.converge(world, &blocks(is_edited)).await;
        all_on().await;
    }
    // Somebody switches them off. `ignore_changes` does not reach what is computed.
    set(&|row| row.names_computed(&["enabled"])).await;
    terraform.converge(world, &blocks(true)).await;
    all_on().await;
}

// ---------------------------------------------------------------------- tests

/// What a row ignores, without keys of maps.
fn ignored(rows: &[Row]) -> BTreeSet<String> {
    let names = rows.iter().flat_map(|row| &row.ignored);
    let without_key = |name: &&str| name.split('[').next().unwrap().to_owned();
    names.map(without_key).collect()
}

/// The arguments that a configuration can have, and what a plan computes.
fn attributes(attributes: &[Attribute], path: &str, names: &mut BTreeSet<String>) {
    for attribute in attributes {
        let name = format!("{path}{}", attribute.name);
        match attribute.kind {
            // One time limit is like the other.
            AttributeType::Object(members) if attribute.name != "timeouts" => {
                self::attributes(members, &format!("{name}."), names);
            }
            _ => {}
        }
        names.insert(name);
    }
}

#[test]
fn every_attribute_is_ignored_somewhere() {
    for resource in sapcalm::provider::RESOURCES {
        let definition = resource.definition();
        let rows = match definition.type_name {
            DESTINATION => destinations(),
            CERTIFICATE => certificates(),
            REGISTRATION => registrations(),
            JOB_MONITORING => jobs(),
            other => panic!("no rows for {other}"),
        };
        let mut all = BTreeSet::new();
        attributes(definition.schema.attributes, "", &mut all);
        let rows = ignored(&rows);
        let missing: Vec<&String> = all.difference(&rows).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", definition.type_name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ignored_changes_of_a_destination_change_nothing_and_others_do() {
    let world = World::documented().await;
    let mut terraform = Terraform::stand_in(&world).await;
    destinations_live(&world, &mut terraform).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ignored_changes_of_a_certificate_change_nothing_and_others_do() {
    let world = World::documented().await;
    let mut terraform = Terraform::stand_in(&world).await;
    certificates_live(&world, &mut terraform).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ignored_changes_of_a_monitored_job_change_nothing_and_others_do() {
    let world = World::documented().await;
    let mut terraform = Terraform::stand_in(&world).await;
    jobs_live(&world, &mut terraform).await;
    world.stop().await;
}

/// Terraform would call it a bug of the provider.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_computed_attribute_that_is_ignored_and_changes_is_named() {
    let world = World::documented().await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let resources = [Resource::new(
        CERTIFICATE,
        "one",
        json!({ "name": "one.pem", "content": { "pem_wo": pem("one"), "version": 1 } }),
    )
    .ignore_changes(&["secrets"])];
    tf.apply(&resources).await.ok();
    let mut edited = world.certificates().await;
    edited[0]["Content"] = json!(STANDARD.encode(pem("hand")));
    world.set_certificates(&edited).await;
    let outcome = tf.plan(&resources).await;
    outcome.fails_with("Computed attribute is ignored");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ignored_changes_of_a_registration_change_nothing_and_others_do() {
    for row in registrations() {
        let world = World::documented().await;
        let mut terraform = Terraform::stand_in(&world).await;
        registration_lives(&world, &mut terraform, &row).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_ignored_changes_change_nothing() {
    let Some(workspace) = Workspace::with(&[Feature::WriteOnly]) else {
        return;
    };
    let world = World::documented().await;
    let mut terraform = Terraform::Cli(workspace);
    destinations_live(&world, &mut terraform).await;
    let world = World::documented().await;
    let mut terraform = Terraform::Cli(Workspace::with(&[Feature::WriteOnly]).unwrap());
    certificates_live(&world, &mut terraform).await;
    let world = World::documented().await;
    let mut terraform = Terraform::Cli(Workspace::with(&[Feature::WriteOnly]).unwrap());
    jobs_live(&world, &mut terraform).await;
    // One row that ignores everything by name, and one that ignores `all`; each with
    // the whole matrices.
    let some = match Part::chosen() {
        Part::Representative => 2,
        _ => usize::MAX,
    };
    for row in registrations().iter().rev().take(some) {
        let world = World::documented().await;
        let mut terraform = Terraform::Cli(Workspace::with(&[Feature::WriteOnly]).unwrap());
        registration_lives(&world, &mut terraform, row).await;
    }
}
