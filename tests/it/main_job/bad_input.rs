//! The main job with bad input. Each mistake ends with an error at the
//! attribute or key to blame that says what to do next, and changes nothing at
//! SAP. The texts are kept in `snapshots/`, as a practitioner reads them.

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::support::cli::{Cli, use_built_provider};
use crate::support::core::{Core, Release, Resource};
use crate::support::world::World;

/// A destination that Order Management can register through.
fn cloud_alm_destination(world: &World) -> Json {
    let key: Json = serde_json::from_str(&world.key("cloud-alm")).unwrap();
    json!({
        "Name": "CloudALM",
        "Type": "HTTP",
        "ProxyType": "Internet",
        "Authentication": "OAuth2ClientCredentials",
        "URL": key["endpoints"]["Api"],
        "clientId": key["uaa"]["clientid"],
        "clientSecret": key["uaa"]["clientsecret"],
        "tokenServiceURL": format!("{}/oauth/token", key["uaa"]["url"].as_str().unwrap()),
        "tokenServiceURLType": "Dedicated",
    })
}

fn destination(config: Json) -> Vec<Resource> {
    vec![Resource::new("sapcalm_destination", "cloud_alm", config)]
}

/// A registration alone; the destination is made by somebody else.
fn registration(config: Json) -> Vec<Resource> {
    vec![Resource::new(
        "sapcalm_registration",
        "order_management",
        config,
    )]
}

/// The provider block of this world with one attribute changed.
fn provider_with(world: &World, name: &str, value: impl Into<Json>) -> Json {
    let mut block = world.provider();
    block[name] = value.into();
    block
}

/// A service key of this world with one member changed; null removes it.
fn key_with(world: &World, key: &str, pointer: &str, value: &Json) -> String {
    let mut key: Json = serde_json::from_str(&world.key(key)).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = key.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    assert!(parent.remove(name).is_some(), "the key has no {pointer}");
    if !value.is_null() {
        parent.insert(name.to_owned(), value.clone());
    }
    key.to_string()
}

/// Applies, which must fail and change nothing, and gives what is read: the
/// errors, and the writes that SAP refused.
async fn refused(world: &World, tf: &mut Core, resources: &[Resource]) -> String {
    let (sap, state) = (world.state().await, tf.state.clone());
    world.forget_journal().await;
    let outcome = tf.apply(resources).await;
    assert!(outcome.diags.has_errors(), "it was accepted");
    assert_eq!(
        outcome.diags.objections().count(),
        0,
        "core objects:\n{}",
        outcome.diags
    );
    assert_eq!(world.state().await, sap, "something was changed at SAP");
    assert_eq!(
        tf.state.current.len(),
        state.current.len(),
        "the state has changed"
    );

    let mut page = Vec::new();
    for error in outcome.diags.errors() {
        let at = match error.path.as_str() {
            "" => error.address.clone(),
            path => format!("{}, {path}", error.address),
        };
        page.push(format!(
            "Error: {}\n  at {at}\n\n{}\n",
            error.summary, error.detail
        ));
    }
    for write in refused_writes(world).await {
        page.push(format!("(SAP refused: {write})\n"));
    }
    normalised(world, &page.join("\n"))
}

/// Every request that would change something was refused; these are they.
async fn refused_writes(world: &World) -> Vec<String> {
    let mut writes = Vec::new();
    for entry in world.journal().await {
        let path = entry["path"].as_str().unwrap();
        let path = path.split('?').next().unwrap_or(path);
        if entry["method"] == "GET" || path.ends_with("/oauth/token") {
            continue;
        }
        let status = entry["status"].as_u64().unwrap_or_default();
        assert!(status >= 400, "SAP accepted {entry}");
        writes.push(format!(
            "{} {path} with {status}",
            entry["method"].as_str().unwrap()
        ));
    }
    writes
}

/// What differs from run to run gets a name.
fn normalised(world: &World, text: &str) -> String {
    let mut text = text.replace(world.host(), "HOST");
    for (key, name) in [
        ("destination", "ORDERS-TOKENS"),
        ("cloud-alm", "CALM-TOKENS"),
    ] {
        text = text.replace(&world.token_service(key).to_string(), name);
    }
    let text = replaced(&text, "correlation id ", &[',', '\n'], "ID");
    let text = replaced(&text, "1 attempt in ", &['\n'], "TIME");
    replaced(&text, " attempts in ", &['\n'], "TIME")
}

/// Every text between `before` and one of `ends` becomes `name`.
fn replaced(text: &str, before: &str, ends: &[char], name: &str) -> String {
    let mut parts = text.split(before);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(ends).unwrap_or(part.len());
        result = result + before + name + &part[end..];
    }
    result
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unusable_key_is_refused_at_its_attribute_and_says_what_it_lacks() {
    let world = World::documented().await;
    let key = "destination_service_key";
    let no_uri = key_with(&world, "destination", "/uri", &json!(null));
    let no_secret = key_with(&world, "destination", "/clientsecret", &json!(null));
    let real_uri = json!("https://destination-configuration.cfapps.eu10.hana.ondemand.com");
    let in_the_clear = json!("http://destination.example.com");
    let plain = key_with(&world, "destination", "/uri", &in_the_clear);
    let cases = [
        (
            "malformed_key",
            key,
            "{\n  \"clientid\": oops\n}".to_owned(),
        ),
        (
            "key_that_is_a_path",
            key,
            "keys/destination.json".to_owned(),
        ),
        ("key_without_uri", key, no_uri),
        ("key_without_secret", key, no_secret),
        ("key_with_a_plain_url", key, plain),
        ("key_of_another_service", key, world.key("cloud-alm")),
        (
            "cloud_alm_key_of_another_service",
            "cloud_alm_service_key",
            key_with(&world, "destination", "/uri", &real_uri),
        ),
        (
            "order_management_key_of_another_service",
            "order_management_service_key",
            world.key("cloud-alm"),
        ),
    ];
    let mut everything = destination(json!({}));
    everything.extend(registration(json!({ "destination_name": "CloudALM" })));
    for (name, attribute, value) in cases {
        let mut tf = Core::start(&[]).await;
        tf.configure(provider_with(&world, attribute, value));
        let text = refused(&world, &mut tf, &everything).await;
        assert!(
            text.contains(&format!("at provider, {attribute}")),
            "{text}"
        );
        insta::assert_snapshot!(name, text);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unusable_key_from_a_variable_names_the_variable() {
    let world = World::documented().await;
    for (name, value) in [
        ("malformed_key_in_a_variable", "{"),
        ("key_file_that_is_missing", "@/nowhere/destination.json"),
    ] {
        let mut tf = Core::start(&[("SAPCALM_DESTINATION_SERVICE_KEY", value)]).await;
        tf.configure(provider_with(&world, "destination_service_key", Json::Null));
        let text = refused(&world, &mut tf, &destination(json!({}))).await;
        insta::assert_snapshot!(name, text);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_key_is_named_by_what_needs_it() {
    let world = World::documented().await;
    for (name, attribute, resources) in [
        (
            "missing_destination_key",
            "destination_service_key",
            destination(json!({})),
        ),
        (
            "missing_cloud_alm_key",
            "cloud_alm_service_key",
            destination(json!({})),
        ),
        (
            "missing_order_management_key",
            "order_management_service_key",
            registration(json!({ "destination_name": "CloudALM" })),
        ),
    ] {
        let mut tf = Core::start(&[]).await;
        tf.configure(provider_with(&world, attribute, Json::Null));
        insta::assert_snapshot!(name, refused(&world, &mut tf, &resources).await);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_names_the_key_that_holds_it() {
    let world = World::documented().await;
    let wrong = json!("not-the-secret");
    let mut tf = Core::start(&[]).await;
    let key = key_with(&world, "destination", "/clientsecret", &wrong);
    tf.configure(provider_with(&world, "destination_service_key", key));
    let text = refused(&world, &mut tf, &destination(json!({}))).await;
    insta::assert_snapshot!("wrong_secret_in_the_destination_key", text);

    let sap = [cloud_alm_destination(&world)];
    world.set_destinations(&sap).await;
    let key = key_with(&world, "order-management", "/uaa/clientsecret", &wrong);
    tf.configure(provider_with(&world, "order_management_service_key", key));
    let resources = registration(json!({ "destination_name": "CloudALM" }));
    let text = refused(&world, &mut tf, &resources).await;
    insta::assert_snapshot!("wrong_secret_in_the_order_management_key", text);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_in_the_cloud_alm_key_is_refused_before_it_is_written() {
    let world = World::documented().await;
    let wrong = json!("not-the-secret");
    let key = key_with(&world, "cloud-alm", "/uaa/clientsecret", &wrong);
    let mut tf = Core::start(&[]).await;
    tf.configure(provider_with(&world, "cloud_alm_service_key", key));
    let outcome = tf.apply(&destination(json!({}))).await;
    let error = outcome.fails_with("Cannot get a token with the Cloud ALM service key");
    let text = format!("Error: {}\n\n{}\n", error.summary, error.detail);
    insta::assert_snapshot!(
        "wrong_secret_in_the_cloud_alm_key",
        normalised(&world, &text)
    );
    assert_eq!(world.writes().await, [""; 0]);
    assert!(tf.state.current.is_empty());
    world.stop().await;
}

/// What works from here need not work from there, so only a check of the
/// destination can tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_only_sap_cannot_use_is_found_by_check_token_and_leaves_nothing() {
    let world = World::documented().await;
    world
        .fault(json!({
            "match": { "caller": "destination" },
            "do": { "status": 401, "body": {
                "error": "unauthorized", "error_description": "Bad credentials" } },
        }))
        .await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let outcome = tf.apply(&destination(json!({ "check_token": true }))).await;
    let error = outcome.fails_with("Destination cannot fetch a token");
    assert_eq!(error.path, "check_token");
    let text = format!("Error: {}\n\n{}\n", error.summary, error.detail);
    insta::assert_snapshot!("secret_that_only_sap_cannot_use", normalised(&world, &text));
    assert!(world.destinations().await.is_empty());
    assert!(tf.state.current.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_that_the_key_does_not_have_is_refused_before_anything_is_registered() {
    let world = World::documented().await;
    world
        .turn(json!({ "order_management": { "scope_granted": false } }))
        .await;
    world
        .set_destinations(&[cloud_alm_destination(&world)])
        .await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let resources = registration(json!({ "destination_name": "CloudALM" }));
    let text = refused(&world, &mut tf, &resources).await;
    insta::assert_snapshot!("missing_scope", text);

    // A token service that leaves the scope out: Order Management refuses.
    world.turn(json!({ "token": { "scope": "ignore" } })).await;
    let text = refused(&world, &mut tf, &resources).await;
    insta::assert_snapshot!("missing_scope_that_the_token_service_ignores", text);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_exists_is_left_alone_unless_it_is_to_be_adopted() {
    let world = World::documented().await;
    let mut sap = cloud_alm_destination(&world);
    sap["URL"] = json!("https://elsewhere.example.com");
    sap["Description"] = json!("Made by hand");
    world.set_destinations(&[sap]).await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let text = refused(&world, &mut tf, &destination(json!({}))).await;
    insta::assert_snapshot!("destination_exists", text);

    let adopting = destination(json!({ "adopt_existing": true }));
    let outcome = tf.apply(&adopting).await.ok();
    outcome.warns("Existing destination taken over");
    assert_eq!(
        world.destinations().await[0]["URL"],
        cloud_alm_destination(&world)["URL"]
    );
    tf.assert_empty_plan(&adopting).await;
    // The switch has done its work and can go.
    tf.apply(&destination(json!({}))).await.ok();
    tf.assert_empty_plan(&destination(json!({}))).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::too_many_lines, reason = "one table")]
async fn an_impossible_destination_is_refused_at_the_attribute_to_blame() {
    let world = World::documented().await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let url = "https://example.com";
    let basic = json!({ "name": "Basic", "authentication": "BasicAuthentication", "url": url, "user": "me" });
    let basic_with = |name: &str, value: Json| {
        let mut block = basic.clone();
        block[name] = value;
        block
    };
    let cases = [
        ("name_with_a_slash", json!({ "name": "Cloud/ALM" })),
        ("name_that_is_empty", json!({ "name": "" })),
        ("name_that_is_too_long", json!({ "name": "x".repeat(201) })),
        ("level_that_does_not_exist", json!({ "level": "global" })),
        (
            "basic_authentication_without_user",
            json!({ "name": "Basic", "authentication": "BasicAuthentication", "url": url }),
        ),
        (
            "client_credentials_without_token_service",
            json!({ "name": "Own", "url": url, "client_id": "me",
                    "stored_credentials": { "client_secret": "x" } }),
        ),
        (
            "certificate_authentication_without_key_store",
            json!({ "name": "Own", "authentication": "ClientCertificateAuthentication", "url": url }),
        ),
        (
            "saml_assertion_without_what_it_needs",
            json!({ "name": "Own", "authentication": "OAuth2SAMLBearerAssertion" }),
        ),
        (
            "name_that_was_forgotten",
            json!({ "authentication": "NoAuthentication", "url": url }),
        ),
        (
            "authentication_that_is_spelled_wrong",
            basic_with("authentication", json!("basicauthentication")),
        ),
        (
            "secret_that_the_authentication_does_not_use",
            basic_with("credentials", json!({ "client_secret_wo": "x" })),
        ),
        (
            "principal_propagation_over_the_internet",
            json!({ "name": "Own", "authentication": "PrincipalPropagation", "url": url, "proxy_type": "Internet" }),
        ),
        (
            "property_with_an_attribute",
            json!({ "properties": { "ProxyType": "Internet" } }),
        ),
        (
            "property_that_is_a_secret",
            json!({ "properties": { "clientSecret": "x" } }),
        ),
        (
            "property_that_is_another_secret",
            json!({ "name": "Own", "type": "MAIL", "properties": { "mail.password": "x" } }),
        ),
        (
            "property_that_differs_only_in_case",
            json!({ "properties": { "trustall": "true" } }),
        ),
        (
            "property_with_a_reserved_name",
            json!({ "properties": { "$metadata": "x" } }),
        ),
        (
            "secret_property_with_an_attribute",
            json!({ "credentials": { "properties_wo": { "clientSecret": "x" } } }),
        ),
        (
            "secret_in_two_attributes",
            basic_with("stored_credentials", json!({ "password": "x" }))
                .with("credentials", json!({ "password_wo": "y" })),
        ),
        (
            "secret_in_two_maps",
            json!({
                "properties": { "URL.headers.apiKey": "x" },
                "credentials": { "properties_wo": { "URL.headers.apiKey": "y" } },
            }),
        ),
        (
            "version_without_secret",
            basic_with("credentials", json!({ "version": 1 })),
        ),
        ("url_that_is_none", json!({ "url": "eu10.alm.cloud.sap" })),
        (
            "duration_that_is_none",
            json!({ "timeouts": { "create": "5 minutes" } }),
        ),
    ];
    for (name, config) in cases {
        let text = refused(&world, &mut tf, &destination(config)).await;
        insta::assert_snapshot!(name, text);
        assert!(
            world.journal().await.is_empty(),
            "{name}: SAP was asked although the configuration alone is wrong"
        );
    }
    world.stop().await;
}

/// What would be refused as new exists all the same: made before SAP checked it, or
/// by whoever knew better.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_exists_is_imported_whatever_is_odd_about_it_and_stays() {
    let world = World::documented().await;
    let odd = |name: &str, more: Json| {
        let mut all = json!({
            "Name": name, "Type": "HTTP", "URL": "https://a.example.com",
            "Authentication": "BasicAuthentication", "ProxyType": "Internet",
        });
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        all
    };
    let stored = [
        odd(
            "no-key-store",
            json!({ "Authentication": "ClientCertificateAuthentication" }),
        ),
        odd("no-user", json!({})),
        odd("proxy", json!({ "Authentication": "PrincipalPropagation" })),
        odd(
            "spelling",
            json!({ "User": "ann", "ProxyType": "internet" }),
        ),
    ];
    world.set_destinations(&stored).await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let mut resources = Vec::new();
    for one in &stored {
        let text = |name: &str| one[name].as_str();
        let name = text("Name").unwrap();
        let config = json!({
            "name": name, "url": text("URL"), "authentication": text("Authentication"),
            "proxy_type": text("ProxyType"), "user": text("User"),
        });
        resources.push(Resource::new("sapcalm_destination", name, config));
        let id = format!("subaccount/{name}");
        tf.import_by_id("sapcalm_destination", name, &id).await.ok();
    }
    let plan = tf.plan(&resources).await.ok();
    assert!(plan.is_empty(), "{plan}");
    plan.warns("Missing attribute");
    plan.warns("Wrong spelling");
    plan.warns("Proxy type does not fit");
    tf.apply(&resources).await.ok();
    assert_eq!(world.destinations().await, stored);

    // As new ones they are refused.
    for resource in &resources {
        tf.forget(&format!("sapcalm_destination.{}", resource.name));
    }
    world.set_destinations(&[]).await;
    for resource in resources {
        assert!(tf.plan(&[resource]).await.diags.has_errors());
    }
    world.stop().await;
}

/// A block with one more attribute.
trait With {
    fn with(self, name: &str, value: Json) -> Self;
}

impl With for Json {
    fn with(mut self, name: &str, value: Json) -> Self {
        self[name] = value;
        self
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_impossible_provider_block_is_refused_at_the_attribute_to_blame() {
    let world = World::documented().await;
    let api = |api: Json| ("order_management_api", api);
    let same = json!({ "register": { "path": "" } });
    let headers = json!({ "headers": { "Authorization": "Basic x" } });
    let cases = [
        ("identical_register_and_offboard", api(same)),
        (
            "register_path_that_climbs",
            api(json!({ "register": { "path": "/../x" } })),
        ),
        (
            "method_that_does_not_exist",
            api(json!({ "register": { "method": "post" } })),
        ),
        ("header_that_is_not_yours", api(headers)),
        (
            "status_that_does_not_exist",
            api(json!({ "not_registered_codes": [40] })),
        ),
        (
            "endpoint_in_the_clear",
            api(json!({ "endpoint": "http://omf.example.com" })),
        ),
        (
            "certificates_that_are_none",
            ("ca_certificates", json!("certificate.pem")),
        ),
        (
            "proxy_that_is_none",
            ("proxy_url", json!("ftp://proxy.example.com")),
        ),
        (
            "delay_that_is_no_duration",
            ("retry_base_delay", json!("soon")),
        ),
        (
            "number_of_retries_out_of_range",
            ("max_retries", json!(101)),
        ),
    ];
    for (name, (attribute, value)) in cases {
        let mut tf = Core::start(&[]).await;
        tf.configure(provider_with(&world, attribute, value));
        let text = refused(&world, &mut tf, &destination(json!({}))).await;
        assert!(text.contains(&format!("provider, {attribute}")), "{text}");
        insta::assert_snapshot!(name, text);
        assert!(world.journal().await.is_empty(), "{name}: SAP was asked");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_path_that_the_server_does_not_know_names_the_setting() {
    let world = World::documented().await;
    world
        .set_destinations(&[cloud_alm_destination(&world)])
        .await;
    let mut tf = Core::start(&[]).await;
    let resources = registration(json!({ "destination_name": "CloudALM" }));
    let api = json!({ "register": { "path": "/v9/registration" } });
    tf.configure(provider_with(&world, "order_management_api", api));
    let text = refused(&world, &mut tf, &resources).await;
    insta::assert_snapshot!("registration_path_unknown_to_the_service", text);

    // No application at all behind the endpoint.
    world.turn(json!({ "unrouted": ["/omf"] })).await;
    let text = refused(&world, &mut tf, &resources).await;
    insta::assert_snapshot!("registration_path_unknown_to_the_router", text);

    let api = json!({ "endpoint_key": "monitoring" });
    tf.configure(provider_with(&world, "order_management_api", api));
    let text = refused(&world, &mut tf, &resources).await;
    insta::assert_snapshot!("endpoint_that_the_key_does_not_have", text);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_destination_is_found_before_anything_is_registered() {
    let world = World::documented().await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let resources = registration(json!({ "destination_name": "CloudALM" }));
    let text = refused(&world, &mut tf, &resources).await;
    insta::assert_snapshot!("destination_missing_before_registration", text);

    let contradiction = json!({
        "destination_name": "CloudALM", "lms_id": "CO_prod_1", "environment": "eu10",
    });
    let text = refused(&world, &mut tf, &registration(contradiction)).await;
    insta::assert_snapshot!("landscape_id_that_contradicts_the_environment", text);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_only_argument_under_an_older_terraform_names_the_plain_one() {
    let world = World::documented().await;
    for release in [Release::V1_5, Release::V1_10] {
        let mut tf = Core::start(&[]).await;
        tf.release(release);
        tf.configure(world.provider());
        let config = json!({
            "authentication": "BasicAuthentication",
            "url": "https://example.com",
            "user": "me",
            "name": "Basic",
            "credentials": { "password_wo": "x" },
        });
        let text = refused(&world, &mut tf, &destination(config)).await;
        insta::assert_snapshot!("write_only_argument_under_an_older_terraform", text);
        let secrets = json!({ "URL.headers.apiKey": "x" });
        let config = json!({ "credentials": { "properties_wo": secrets } });
        let text = refused(&world, &mut tf, &destination(config)).await;
        insta::assert_snapshot!("write_only_map_under_an_older_terraform", text);
    }
    world.stop().await;
}

/// A directory with the keys of the world and one configuration in it.
struct Directory {
    cli: Cli,
    directory: tempfile::TempDir,
}

impl Directory {
    fn new(cli: &Cli, world: &World, configuration: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        use_built_provider(directory.path());
        for key in ["destination", "order-management", "cloud-alm"] {
            fs::write(directory.path().join(format!("{key}.json")), world.key(key)).unwrap();
        }
        let directory = Self {
            cli: cli.clone(),
            directory,
        };
        directory.write(configuration);
        directory
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, configuration: &str) {
        fs::write(self.path().join("main.tf"), configuration).unwrap();
    }

    /// The emulator lives in this process, so a command must not block it.
    async fn run(&self, args: &'static [&'static str]) -> crate::support::cli::Output {
        let (cli, directory) = (self.cli.clone(), self.path().to_owned());
        let run = move || cli.run(&directory, args, &[]);
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// The errors of an apply as Terraform prints them, before it draws a
    /// border and wraps the lines.
    async fn errors(&self) -> String {
        let output = self.run(&["apply", "-json", "-auto-approve"]).await;
        assert_eq!(output.code, Some(1), "{output}");
        let mut page = Vec::new();
        for line in output.json_lines() {
            let diagnostic = &line["diagnostic"];
            if diagnostic["severity"] != "error" {
                continue;
            }
            let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
            let snippet = &diagnostic["snippet"];
            page.push(format!(
                "Error: {}\n\n  on {} line {}, in {}:\n  {}: {}\n\n{}\n",
                text(&diagnostic["summary"]),
                text(&diagnostic["range"]["filename"]),
                diagnostic["range"]["start"]["line"],
                text(&snippet["context"]),
                snippet["start_line"],
                text(&snippet["code"]),
                text(&diagnostic["detail"]),
            ));
        }
        page.join("\n")
    }
}

/// The configuration of the README, with more in the provider block and in the
/// destination.
fn written(provider: &str, destination: &str) -> String {
    format!(
        r#"terraform {{
  required_providers {{
    sapcalm = {{ source = "sapcalm/sapcalm" }}
  }}
}}

provider "sapcalm" {{
  destination_service_key      = file("destination.json")
  order_management_service_key = file("order-management.json")
  cloud_alm_service_key        = file("cloud-alm.json")
  retry_base_delay             = "1ms"
{provider}}}

resource "sapcalm_destination" "cloud_alm" {{
{destination}}}

resource "sapcalm_registration" "order_management" {{
  destination_name = sapcalm_destination.cloud_alm.name
}}
"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_bad_input_is_shown_with_file_and_line() {
    let Some(cli) = Cli::with(&[]) else {
        return;
    };
    let world = World::documented().await;
    let malformed = written("", "").replace("file(\"destination.json\")", "\"destination.json\"");
    let cases = [
        ("cli_malformed_key", malformed),
        (
            "cli_name_with_a_slash",
            written("", "  name = \"Cloud/ALM\"\n"),
        ),
        (
            "cli_property_that_differs_only_in_case",
            written(
                "",
                "  properties = {\n    \"sap-client\" = \"100\"\n    trustall     = \"true\"\n  }\n",
            ),
        ),
        (
            "cli_authentication_without_what_it_needs",
            written("", "  authentication = \"BasicAuthentication\"\n"),
        ),
        (
            "cli_identical_register_and_offboard",
            written(
                "  order_management_api = {\n    register = { path = \"\" }\n  }\n",
                "",
            ),
        ),
    ];
    for (name, configuration) in cases {
        let directory = Directory::new(&cli, &world, &configuration);
        let text = directory.errors().await;
        insta::assert_snapshot!(name, normalised(&world, &text));
        assert!(world.writes().await.is_empty(), "{name}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_the_import_block_in_the_error_imports_the_existing_destination() {
    let Some(cli) = Cli::with(&[]) else {
        return;
    };
    let world = World::documented().await;
    let mut sap = cloud_alm_destination(&world);
    sap["Description"] = json!("Made by hand");
    world.set_destinations(&[sap]).await;
    let configuration = written(
        "  order_management_api = { register = { path = \"v1/registration\" } }\n",
        "",
    );
    let directory = Directory::new(&cli, &world, &configuration);
    let text = directory.errors().await;
    insta::assert_snapshot!("cli_destination_exists", normalised(&world, &text));
    assert!(refused_writes(&world).await.len() == 1);

    let block = text.find("import {").unwrap();
    let block = &text[block..];
    let block = &block[..=block.find("\n}").unwrap() + 1];
    let block = block.replace("<name>", "cloud_alm");
    directory.write(&(configuration + "\n" + &block + "\n"));
    world.forget_journal().await;
    let output = directory
        .run(&["apply", "-auto-approve", "-no-color"])
        .await;
    let output = output.ok();
    assert!(
        output.stdout.contains("1 imported, 1 added, 1 changed"),
        "{output}"
    );
    let plan = directory.run(&["plan", "-detailed-exitcode"]).await;
    assert_eq!(plan.code, Some(0), "{plan}");
    assert_eq!(world.destinations().await, [cloud_alm_destination(&world)]);
    assert!(world.is_registered().await);
    world.stop().await;
}
