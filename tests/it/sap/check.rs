//! `check`: each row of its table changes with what SAP is like, whatever goes
//! wrong ends in a row, nothing is changed, no secret is told, and the report
//! names nobody.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use emulator::{DestinationKey, Knobs, Options};
use serde_json::{Value as Json, json};

use crate::support::core::Resource;
use crate::support::served::Served;
use crate::support::world::{HOUR, Variant, World};

/// The end of a process without and with something to say.
const FINE: i32 = 0;
const FAILED: i32 = 1;
const TO_KNOW: i32 = 2;

/// The topics, as the command prints them.
const TOPICS: [&str; 19] = [
    "destination_key",
    "destination_token",
    "order_management_key",
    "order_management_token",
    "one_subaccount",
    "endpoint",
    "scope",
    "cloud_alm_key",
    "cloud_alm_token",
    "destinations",
    "instance_destinations",
    "answers",
    "destination",
    "url_form",
    "token_through_destination",
    "landscape",
    "landscape_id",
    "register",
    "offboard",
];

/// Runs the command with these variables and no others.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terraform-provider-sapcalm"));
    command
        .arg("check")
        .args(arguments)
        .env_clear()
        .env("SAPCALM_RETRY_BASE_DELAY", "1ms")
        .envs(variables.iter().copied());
    // The emulator goes on meanwhile.
    tokio::task::block_in_place(|| command.output()).unwrap()
}

/// Rows by their names.
struct Table {
    rows: BTreeMap<String, Json>,
    whole: Json,
    code: i32,
}

impl Table {
    fn of(keys: &Path, variables: &[(&str, &str)]) -> Self {
        let keys = keys.to_str().unwrap();
        let output = run(&["--json", "--keys", keys], variables);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr, "", "an error beside the table");
        let whole: Json = serde_json::from_slice(&output.stdout).unwrap();
        let rows = whole["rows"].as_array().unwrap();
        let names: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(names, TOPICS, "every topic has one row");
        let pair = |row: &Json| (row["id"].as_str().unwrap().to_owned(), row.clone());
        Self {
            rows: rows.iter().map(pair).collect(),
            code: output.status.code().unwrap(),
            whole,
        }
    }

    fn text(&self, row: &str) -> String {
        let row = &self.rows[row];
        let text = |member: &str| row[member].as_str().unwrap_or_default().to_owned();
        format!("{}: {}", text("verdict"), text("observed"))
    }

    fn advice(&self, row: &str) -> &str {
        self.rows[row]["advice"].as_str().unwrap_or_default()
    }
}

fn check(world: &World) -> Table {
    let ca = world.keys().join("ca.pem");
    let ca = format!("@{}", ca.display());
    let variables: &[(&str, &str)] = match world.url().starts_with("https") {
        true => &[("SAPCALM_CA_CERTIFICATES", &ca)],
        false => &[],
    };
    Table::of(world.keys(), variables)
}

/// The destination that an apply makes, as somebody made it by hand.
fn by_hand(world: &World) -> Json {
    let key: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
    let uaa = &key["uaa"];
    json!({
        "Name": "CloudALM", "Type": "HTTP", "ProxyType": "Internet",
        "URL": key["endpoints"]["Api"],
        "Authentication": "OAuth2ClientCredentials",
        "clientId": uaa["clientid"], "clientSecret": uaa["clientsecret"],
        "tokenServiceURL": format!("{}/oauth/token", uaa["url"].as_str().unwrap()),
        "tokenServiceURLType": "Dedicated",
    })
}

/// Registers the tenant.
async fn connect(world: &World) {
    let provider = Served::start();
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    tf.apply(&[
        Resource::new("sapcalm_destination", "cloud_alm", json!({})),
        Resource::new(
            "sapcalm_registration",
            "omf",
            world.registration("CloudALM"),
        )
        .depends_on(&["sapcalm_destination.cloud_alm"]),
    ])
    .await
    .ok();
}

/// Every secret in the folder of keys.
fn secrets(keys: &Path) -> Vec<String> {
    let files = std::fs::read_dir(keys).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let keys = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let texts = keys.map(|path| std::fs::read_to_string(path).unwrap());
    let keys = texts.map(|text| serde_json::from_str::<Json>(&text).unwrap());
    let secret = |key: Json| {
        let uaa = if key["uaa"].is_object() {
            &key["uaa"]
        } else {
            &key
        };
        let secret = uaa["clientsecret"].as_str().or(uaa["key"].as_str());
        secret.unwrap().to_owned()
    };
    keys.map(secret).collect()
}

// -------------------------------------------------------------------- rows

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_account_is_fine_and_nothing_is_changed() {
    let world = World::documented().await;
    let table = check(&world);
    assert_eq!(table.code, FINE, "{:#}", table.whole);
    assert_eq!(table.whole["verdict"], "ok");
    for (row, text) in [
        (
            "destination_key",
            "ok: client secret at the top; subdomain acme-orders",
        ),
        (
            "order_management_key",
            "ok: client secret in `uaa`; subdomain acme-orders",
        ),
        ("one_subaccount", "ok: the same"),
        (
            "scope",
            "ok: `{xsappname}.IntegrationMonitoring` is granted",
        ),
        ("destinations", "ok: 0 can be read"),
        ("destination", "ok: not there: an apply makes it"),
        (
            "url_form",
            "not tried: not told: there is no destination to learn it from",
        ),
        (
            "token_through_destination",
            "not tried: there is no destination",
        ),
        ("landscape", "ok: 0 objects"),
        (
            "landscape_id",
            "not tried: not there: not registered so far, or not shown",
        ),
        (
            "offboard",
            "not tried: never tried here, it changes something: POST to the endpoint itself",
        ),
    ] {
        assert_eq!(table.text(row), text);
    }
    assert!(table.text("register").contains("(a guess)"));
    assert_eq!(world.writes().await, [""; 0]);
    assert!(!world.is_registered().await);
    world.stop().await;
}

/// Knobs; the row; what it says without them, and with them.
fn knobs() -> Vec<(Json, &'static str, &'static str, &'static str)> {
    vec![
        (
            json!({ "token": { "lifetime_s": 600 } }),
            "cloud_alm_token",
            "valid for 12 h",
            "valid for 10 min",
        ),
        (
            json!({ "token": { "format": "jwt_without_tenant" } }),
            "order_management_token",
            "ok: valid for 12 h; subaccount ",
            "note: valid for 12 h; does not tell whom it acts for",
        ),
        (
            json!({ "token": { "format": "opaque" } }),
            "one_subaccount",
            "ok: the same",
            "not tried: no two tokens that tell it",
        ),
        (
            json!({ "order_management": { "key_shape": "flat" } }),
            "order_management_key",
            "in `uaa`",
            "at the top",
        ),
        (
            json!({ "order_management": { "endpoint_key": "monitoring" } }),
            "endpoint",
            "ok: `endpoints.integration-monitoring-api`: http",
            "failed: none named `integration-monitoring-api`; the key has `monitoring`",
        ),
        (
            json!({ "order_management": { "scope_owner": "master" } }),
            "scope",
            "ok: ",
            "is refused (400 `invalid_scope`); granted is `dom!b99.IntegrationMonitoring`",
        ),
        (
            json!({ "order_management": { "scope_granted": false } }),
            "scope",
            "ok: ",
            "failed: `{xsappname}.IntegrationMonitoring` is refused",
        ),
        (
            json!({ "order_management": { "scope_granted": false }, "token": { "scope": "ignore" } }),
            "scope",
            "ok: ",
            "failed: `{xsappname}.IntegrationMonitoring` is not granted",
        ),
        (
            json!({ "destination": { "quoted_etag": true } }),
            "answers",
            "etags without quotes",
            "etags in quotes",
        ),
        (
            json!({ "destination": { "patch": "not_found" } }),
            "answers",
            ", `PATCH`",
            ", no `PATCH`",
        ),
        (
            json!({ "destination": { "allow_header": false } }),
            "answers",
            ", `PATCH`",
            "not told whether `PATCH` is there",
        ),
        (
            json!({ "unrouted": ["/destination-configuration/v1/instanceDestinations"] }),
            "instance_destinations",
            "ok: 0 can be read",
            "failed: a router answered",
        ),
        (
            json!({ "unrouted": ["/destination-configuration"] }),
            "destinations",
            "ok: 1 can be read",
            "failed: a router answered",
        ),
        (
            json!({ "cloud_alm": { "scope_granted": false } }),
            "landscape",
            "ok: 1 objects",
            "note: SAP answered with an error (403)",
        ),
        (
            json!({ "cloud_alm": { "landscape_visible": false } }),
            "landscape_id",
            "ok: registered as `CO_prod_",
            "not tried: not there",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_knob_changes_its_row() {
    let world = World::documented().await;
    connect(&world).await;
    for (knobs, row, before, after) in knobs() {
        println!("{knobs}");
        let says = |table: &Table, expected: &str| {
            let text = table.text(row);
            assert!(text.contains(expected), "{text} does not say {expected}");
        };
        says(&check(&world), before);
        world.turn(knobs.clone()).await;
        says(&check(&world), after);
        world.turn(defaults(&knobs)).await;
    }
    assert!(world.is_registered().await);
    world.stop().await;
}

/// Turns the same knobs back.
fn defaults(knobs: &Json) -> Json {
    back(knobs, &serde_json::to_value(Knobs::default()).unwrap())
}

fn back(knobs: &Json, defaults: &Json) -> Json {
    let Some(members) = knobs.as_object() else {
        return defaults.clone();
    };
    let members = members.iter();
    let members = members.map(|(name, value)| (name.clone(), back(value, &defaults[name])));
    Json::Object(members.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_destination_is_compared_by_the_names_of_its_properties() {
    let world = World::documented().await;
    let made = by_hand(&world);
    let with = |changes: Json| {
        let mut destination = made.clone();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Json::Null => drop(destination.as_object_mut().unwrap().remove(name)),
                value => destination[name] = value.clone(),
            }
        }
        destination
    };
    let origin = Json::from(world.url());
    for (destination, expected, form) in [
        (made.clone(), "ok: there, as an apply would make it", "ok"),
        // Left out it means the same.
        (
            with(json!({ "tokenServiceURLType": null })),
            "ok: there, as an apply would make it",
            "ok",
        ),
        (
            with(json!({ "own-thing": "1" })),
            "ok: there, as an apply would make it, and with `own-thing`",
            "ok",
        ),
        (
            with(json!({ "Description": "by Jo", "clientSecret": "another" })),
            "note: there; differs in `Description`, `clientSecret`",
            "ok",
        ),
        (
            with(json!({ "URL": origin })),
            "ok: there, as an apply would make it",
            "note",
        ),
        (
            with(json!({ "URL": "https://elsewhere.example.com" })),
            "note: there; differs in `URL`",
            "note",
        ),
    ] {
        world.set_destinations(&[destination]).await;
        let table = check(&world);
        assert_eq!(table.text("destination"), expected);
        assert!(
            table.text("url_form").starts_with(form),
            "{}",
            table.text("url_form")
        );
        assert!(!table.whole.to_string().contains("by Jo"));
    }
    world
        .set_destinations(&[with(json!({ "URL": origin }))])
        .await;
    let table = check(&world);
    assert!(table.advice("url_form").contains("url_form = \"origin\""));
    assert_eq!(table.code, TO_KNOW);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_fetches_a_token_through_the_destination_that_is_there() {
    let world = World::documented().await;
    let mut destination = by_hand(&world);
    world.set_destinations(&[destination.clone()]).await;
    let table = check(&world);
    assert!(
        table
            .text("token_through_destination")
            .starts_with("ok: fetched by SAP")
    );
    assert_eq!(table.code, FINE);

    destination["clientSecret"] = "wrong-s3cr3t".into();
    world.set_destinations(&[destination.clone()]).await;
    let table = check(&world);
    let text = table.text("token_through_destination");
    assert!(
        text.starts_with("failed: SAP could not fetch one: "),
        "{text}"
    );
    assert!(text.contains("401"), "{text}");
    assert!(!table.whole.to_string().contains("wrong-s3cr3t"));
    assert_eq!(table.code, FAILED);

    destination["Authentication"] = "NoAuthentication".into();
    world.set_destinations(&[destination]).await;
    let table = check(&world);
    assert!(
        table
            .text("token_through_destination")
            .starts_with("note: SAP fetches none")
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_landscape_id_is_found_missed_or_ambiguous() {
    let world = World::documented().await;
    connect(&world).await;
    let registered = world.landscape().await;
    let (_, tenant) = registered[0].rsplit_once('_').unwrap();
    let other = format!("CO_test_{tenant}");
    for (ids, expected) in [
        (
            vec![registered[0].clone(), "CO_prod_somebody-else".to_owned()],
            format!("ok: registered as `{}`", registered[0]),
        ),
        (
            vec![registered[0].clone(), other],
            "note: 2 objects of this tenant, with the environments `prod`, `test`".to_owned(),
        ),
        (
            vec!["CO_prod_somebody-else".to_owned()],
            "note: no `CO_<environment>_<tenant ID>` of this tenant, but 1 that begin with `CO_`"
                .to_owned(),
        ),
        (
            vec!["other".to_owned()],
            "not tried: not there: not registered so far, or not shown".to_owned(),
        ),
    ] {
        world.set_landscape(&ids).await;
        assert_eq!(check(&world).text("landscape_id"), expected);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_two_subaccounts_and_subaccounts_that_are_not_allowed_fail() {
    let other = DestinationKey {
        name: "other".to_owned(),
        subdomain: "acme-other".to_owned(),
    };
    let options = Options {
        destination_keys: vec![other],
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [
        ("destination-other", "destination"),
        ("order-management", "order-management"),
    ] {
        std::fs::write(folder.path().join(format!("{to}.json")), world.key(from)).unwrap();
    }
    let table = Table::of(folder.path(), &[]);
    assert!(
        table
            .text("one_subaccount")
            .starts_with("failed: Destination key of ")
    );
    assert!(table.text("cloud_alm_key").starts_with("not tried: no key"));
    assert_eq!(table.code, FAILED);

    world.forget_journal().await;
    let variables = [("SAPCALM_ALLOWED_SUBACCOUNT_IDS", "another")];
    let table = Table::of(world.keys(), &variables);
    for row in ["destination_token", "order_management_token"] {
        let text = table.text(row);
        assert!(
            text.ends_with("is not among `allowed_subaccount_ids`"),
            "{text}"
        );
    }
    assert!(table.text("destinations").starts_with("not tried"));
    let asked = world.journal().await;
    let read = |entry: &&Json| entry["path"].as_str().unwrap().starts_with("/destination");
    assert_eq!(asked.iter().filter(read).count(), 0, "{asked:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x509_keys_tell_when_they_end() {
    let options = Options {
        tls: true,
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let folder = tempfile::tempdir().unwrap();
    for key in ["destination", "order-management", "cloud-alm"] {
        let text = world.key(&format!("{key}-x509"));
        std::fs::write(folder.path().join(format!("{key}.json")), text).unwrap();
    }
    world.set_destinations(&[by_hand(&world)]).await;
    let ca = format!("@{}", world.keys().join("ca.pem").display());
    let table = Table::of(folder.path(), &[("SAPCALM_CA_CERTIFICATES", &ca)]);
    for row in ["destination_key", "order_management_key", "cloud_alm_key"] {
        assert!(
            table.text(row).starts_with("ok: x509, valid until "),
            "{}",
            table.text(row)
        );
    }
    assert!(table.text("cloud_alm_token").starts_with("ok: "));
    // No destination is made of such a key.
    let text = table.text("destination");
    assert!(text.starts_with("note: there; not comparable"), "{text}");
    assert!(
        table
            .advice("destination")
            .contains("sapcalm_destination_certificate")
    );
    // Without the authority nobody can be asked.
    let table = Table::of(folder.path(), &[]);
    for row in [
        "destination_token",
        "order_management_token",
        "cloud_alm_token",
    ] {
        assert!(
            table.text(row).starts_with("failed: "),
            "{}",
            table.text(row)
        );
        assert!(table.advice(row).contains("`ca_certificates`"));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_ends_soon_is_worth_a_word() {
    let options = Options {
        tls: true,
        certificate_lifetime: std::time::Duration::from_hours(24),
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let folder = tempfile::tempdir().unwrap();
    let key = world.key("destination-x509");
    std::fs::write(folder.path().join("destination.json"), key).unwrap();
    let ca = format!("@{}", world.keys().join("ca.pem").display());
    let table = Table::of(folder.path(), &[("SAPCALM_CA_CERTIFICATES", &ca)]);
    assert!(
        table
            .text("destination_key")
            .starts_with("note: x509, valid until ")
    );
    assert_eq!(table.code, TO_KNOW);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_cannot_be_read_is_a_row_and_the_others_are_checked() {
    let world = World::documented().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let cases = [
        (r#"{"uaa": {}}"#, "failed: has no `endpoints.Api`"),
        ("{", "failed: looks like JSON whose end is missing"),
        ("", "failed: is empty"),
        ("./key.json", "failed: looks like the path of a file"),
    ];
    file("destination.json", &world.key("destination"));
    for (text, expected) in cases {
        file("cloud-alm.json", text);
        let table = Table::of(folder.path(), &[]);
        let told = table.text("cloud_alm_key");
        assert!(told.starts_with(expected), "{told} is not {expected}");
        assert_ne!(table.advice("cloud_alm_key"), "");
        assert!(table.text("destinations").starts_with("ok: "));
        assert_eq!(table.code, FAILED);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_key_it_says_where_they_go() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["--keys", folder.path().to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(FAILED));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("`order-management.json`"), "{text}");
    let output = run(&[], &[]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("SAPCALM_CLOUD_ALM_SERVICE_KEY"), "{text}");
    assert!(text.contains("`--keys`"), "{text}");
    let output = run(&[], &[("SAPCALM_MAX_RETRIES", "many")]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("SAPCALM_MAX_RETRIES"), "{text}");
}

#[test]
fn the_data_source_names_every_row_in_its_documentation() {
    let page = include_str!("../../../docs/data-sources/connection.md");
    for topic in TOPICS {
        assert!(page.contains(&format!("`{topic}`")), "{topic} is not named");
    }
}

/// The guide says of every assumption whether a row shows it, in the words of the
/// table, and its example has the rows of the command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_names_the_rows_in_the_words_of_the_table() {
    let world = World::documented().await;
    let table = check(&world);
    world.stop().await;
    let words = table.rows.values().map(|row| row["assumed"].as_str());
    let words: Vec<&str> = words.map(Option::unwrap).collect();
    let guide = include_str!("../../../templates/guides/assumptions.md");
    let (_, assumptions) = guide.split_once("| assumption |").unwrap();
    let mut seen = 0;
    for row in assumptions
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
    {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        if cell == "no" || cell == "no: it changes something" {
            continue;
        }
        let mut parts = cell.split(", ");
        assert!(
            parts.clone().any(|part| words.contains(&part)),
            "{cell} names no row"
        );
        seen += parts.by_ref().filter(|part| words.contains(part)).count();
    }
    assert_eq!(seen, 7, "rows that are named");
    let (_, example) = guide.split_once("      what is assumed ").unwrap();
    let (example, _) = example.split_once("\n\n").unwrap();
    let marks = ["ok  ", "note", "FAIL", "-   "];
    let rows = example
        .lines()
        .filter(|line| marks.iter().any(|mark| line.starts_with(mark)));
    let mut count = 0;
    for row in rows {
        let text = &row[6..];
        assert!(words.iter().any(|word| text.starts_with(word)), "{row}");
        count += 1;
    }
    assert!(count > 8, "the test found only {count} rows");
}

// ------------------------------------------------------------------- faults

/// Everything that can go wrong with a request.
fn faults() -> Vec<Json> {
    let html = json!({ "content-type": "text/html" });
    vec![
        json!({ "status": 401, "body": "Unauthorized" }),
        json!({ "status": 403, "body": "Forbidden" }),
        json!({ "status": 404, "body": "Not Found" }),
        json!({ "status": 429 }),
        json!({ "status": 500 }),
        json!({ "status": 503 }),
        json!({ "status": 302, "headers": { "location": "https://login.example.com" } }),
        json!({ "status": 200, "body": "<html>Login</html>", "headers": html }),
        json!({ "status": 200, "body": "no JSON" }),
        json!({ "status": 200, "body": { "another": "form" } }),
        json!({ "truncate_bytes": 3 }),
        json!({ "reset": "before" }),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_ends_in_a_row() {
    let world = World::documented().await;
    connect(&world).await;
    for (path, row) in [
        ("/zones/acme-orders", "destination_token"),
        ("/zones/acme-calm", "cloud_alm_token"),
        (
            "/destination-configuration/v1/subaccountDestinations",
            "destinations",
        ),
        (
            "/destination-configuration/v1/instanceDestinations",
            "instance_destinations",
        ),
        ("/destination-configuration/v2", "token_through_destination"),
        ("/api/calm-landscape", "landscape"),
    ] {
        for action in faults() {
            if path.ends_with("/v2") && action["status"] == 404 {
                // An old service has no such path, and is asked by another one.
                continue;
            }
            println!("{path} {action}");
            let fault = json!({
                "match": { "path_prefix": path }, "times": null, "do": action,
            });
            world.fault(fault).await;
            let table = check(&world);
            world.clear_faults().await;
            let text = table.text(row);
            let is_bad = text.starts_with("failed: ") || text.starts_with("note: ");
            assert!(is_bad, "{text}");
            assert_ne!(table.advice(row), "", "{text}");
            assert_ne!(table.code, FINE);
        }
    }
    // Nothing of it lasts.
    assert_eq!(check(&world).code, FINE);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_nobody_reaches_fails_alone() {
    let world = World::documented().await;
    let folder = tempfile::tempdir().unwrap();
    for name in ["destination", "order-management", "cloud-alm"] {
        let file = folder.path().join(format!("{name}.json"));
        std::fs::write(file, world.key(name)).unwrap();
    }
    let mut key: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
    key["uaa"]["url"] = "http://127.0.0.1:1".into();
    key["endpoints"]["Api"] = "http://127.0.0.1:1/api".into();
    std::fs::write(folder.path().join("cloud-alm.json"), key.to_string()).unwrap();
    let table = Table::of(folder.path(), &[]);
    assert!(
        table
            .text("cloud_alm_token")
            .starts_with("failed: no connection")
    );
    assert!(table.text("landscape").starts_with("not tried"));
    assert!(table.text("destinations").starts_with("ok: "));
    assert!(table.text("scope").starts_with("ok: "));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_never_answers_is_a_row_as_soon_as_its_time_is_over() {
    let world = World::documented().await;
    let held = json!({
        "match": { "path_prefix": "/zones/acme-calm" }, "times": null, "do": { "delay_ms": HOUR },
    });
    world.fault(held).await;
    let variables = [
        ("SAPCALM_REQUEST_TIMEOUT", "300ms"),
        ("SAPCALM_MAX_RETRIES", "0"),
    ];
    let table = Table::of(world.keys(), &variables);
    let text = table.text("cloud_alm_token");
    assert!(
        text.starts_with("failed: no complete answer came"),
        "{text}"
    );
    assert!(
        table
            .advice("cloud_alm_token")
            .contains("`request_timeout`")
    );
    assert!(table.text("destinations").starts_with("ok: "));
    world.stop().await;
}

// ------------------------------------------------------- secrets and names

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_form_of_the_output_holds_a_secret_and_the_report_names_nobody() {
    let options = Options {
        tls: true,
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    connect(&world).await;
    let mut destination = world.destinations().await[0].clone();
    let secrets_of_others = ["canary-secret", "canary-header"];
    destination["clientSecret"] = secrets_of_others[0].into();
    destination["URL.headers.apikey"] = secrets_of_others[1].into();
    destination["AcmeProject"] = "canary-value".into();
    world.set_destinations(&[destination]).await;

    let keys = world.keys().to_str().unwrap().to_owned();
    let ca = format!("@{}", world.keys().join("ca.pem").display());
    let mut secrets = secrets(world.keys());
    secrets.extend(secrets_of_others.map(str::to_owned));
    secrets.push("canary-value".to_owned());
    let state = world.state().await;
    let id = state["subaccounts"]["acme-orders"]["id"].as_str();
    let names = [
        Some("acme"),
        Some("Acme"),
        Some("127.0.0.1"),
        Some("omf-demo"),
        Some("terraform-calm"),
        Some("sb-"),
        Some(keys.as_str()),
        id,
    ];
    // As it is, with faults whose words quote names, and with keys that are none.
    let faults = [
        "/destination-configuration/v1",
        "/zones/acme-calm",
        "/api",
        "/nothing",
    ];
    for path in faults {
        world
            .fault(
                json!({ "match": { "path_prefix": path }, "times": null, "do": {
                "status": 400, "body": { "error": "invalid_scope",
                    "error_description": "sb-omf-demo of acme-orders must not" } } }),
            )
            .await;
        for form in ["--json", "--report", ""] {
            let arguments = ["--keys", &keys, form];
            let arguments = &arguments[..if form.is_empty() { 2 } else { 3 }];
            let output = run(arguments, &[("SAPCALM_CA_CERTIFICATES", &ca)]);
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.contains("call that offboards"), "{text}");
            for secret in &secrets {
                assert!(!text.contains(secret), "{secret} is in {text}");
            }
            for name in names.into_iter().flatten().filter(|_| form == "--report") {
                assert!(!text.contains(name), "{name} is in {text}");
            }
        }
        world.clear_faults().await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_in_the_place_of_a_name_is_hidden() {
    let world = World::documented().await;
    let folder = tempfile::tempdir().unwrap();
    let mut key: Json = serde_json::from_str(&world.key("destination")).unwrap();
    key["identityzone"] = key["clientsecret"].clone();
    std::fs::write(folder.path().join("destination.json"), key.to_string()).unwrap();
    let table = Table::of(folder.path(), &[]);
    assert_eq!(table.text("destination_key"), "ok: (hidden)");
    let secret = key["clientsecret"].as_str().unwrap();
    assert!(!table.whole.to_string().contains(secret));
    world.stop().await;
}

// ------------------------------------------------------------------ the cost

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_makes_as_few_requests_as_its_rows_need() {
    let world = World::documented().await;
    let asked = async || {
        world.forget_journal().await;
        let table = check(&world);
        let journal = world.journal().await;
        assert_eq!(table.whole["requests"], journal.len());
        journal.len()
    };
    // Three tokens; two levels, methods, and one destination in three ways; the
    // landscape until its empty page.
    assert_eq!(asked().await, 3 + 6 + 1);
    connect(&world).await;
    // And a token through the destination.
    assert_eq!(asked().await, 3 + 6 + 1 + 2);
    world.stop().await;
}

// -------------------------------------------------------------- other doors

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_data_source_tells_the_same_in_every_variant() {
    let provider = Served::start();
    for variant in Variant::all() {
        println!("{}", variant.name);
        let landscape = variant.landscape;
        let world = World::start(variant).await;
        let mut tf = provider.core().await;
        tf.configure(world.provider());
        let resources = [
            Resource::new("sapcalm_destination", "cloud_alm", json!({})),
            Resource::new(
                "sapcalm_registration",
                "omf",
                world.registration("CloudALM"),
            )
            .depends_on(&["sapcalm_destination.cloud_alm"]),
        ];
        tf.apply(&resources).await.ok();
        world.forward(1_000).await;
        let managed = tf.object("sapcalm_destination.cloud_alm");
        let writes = world.writes().await;
        let found = tf.read_data("sapcalm_connection", &json!({})).await.ok();
        assert_eq!(world.writes().await, writes, "it changes nothing");
        let rows = found["rows"].as_object().unwrap();
        let mut names = TOPICS;
        names.sort_unstable();
        assert_eq!(rows.keys().collect::<Vec<_>>(), names);
        assert_eq!(found["subaccount_id"], managed["subaccount_id"]);
        let failed = if landscape {
            json!([])
        } else {
            json!(["landscape"])
        };
        assert_eq!(found["failed"], failed, "{found:#}");
        if landscape {
            let ids = world.landscape().await;
            assert_eq!(found["lms_id"], ids[0].as_str());
            let expected = ids[0].split('_').nth(1);
            assert_eq!(found["environment"].as_str(), expected);
        }
        // Settings of the provider block count, unlike on the command line.
        assert!(
            !rows["endpoint"]["observed"]
                .as_str()
                .unwrap()
                .contains("none named")
        );
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_one_warning_of_the_data_source_and_one_error_of_the_action() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    let mut block = world.provider();
    for name in ["destination_service_key", "cloud_alm_service_key"] {
        let mut key: Json = serde_json::from_str(block[name].as_str().unwrap()).unwrap();
        let uaa = if key["uaa"].is_object() {
            &mut key["uaa"]
        } else {
            &mut key
        };
        uaa["clientsecret"] = "wrong".into();
        block[name] = key.to_string().into();
    }
    tf.configure(block);
    let summary = "Connection does not work";
    let read = tf.read_data("sapcalm_connection", &json!({})).await;
    assert_eq!(read.diags.warning_summaries(), [summary]);
    let warning = read.diags.warnings().next().unwrap();
    for part in ["token of the Destination key", "token of the Cloud ALM key"] {
        assert!(warning.detail.contains(part), "{warning}");
    }
    let found = read.ok();
    assert_eq!(found["verdict"], "failed");
    assert_eq!(
        found["failed"],
        json!(["destination_token", "cloud_alm_token"])
    );
    assert_eq!(found["subaccount_id"], Json::Null);

    let answered = tf
        .invoke_action("sapcalm_connection_check", &json!({}))
        .await;
    answered.fails_with(summary);
    assert_eq!(answered.diags.0.len(), 1);

    tf.configure(world.provider());
    let said = tf
        .invoke_action("sapcalm_connection_check", &json!({}))
        .await
        .ok();
    assert_eq!(said.len(), TOPICS.len());
    assert!(said[0].starts_with("ok    layout of the Destination key: client secret"));
    assert_eq!(world.writes().await, [""; 0]);

    // Without any key nothing is asked, and nothing fails.
    tf.configure(json!({}));
    let found = tf.read_data("sapcalm_connection", &json!({})).await.ok();
    assert_eq!(found["failed"], json!([]));
    world.stop().await;
}
