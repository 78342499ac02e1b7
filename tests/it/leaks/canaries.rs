//! Nothing leaks: every secret that goes in is a canary, everything that comes
//! out is searched for it.
//!
//! Secrets go in by every input that takes one: keys with client secrets and with
//! private keys, all secret attributes, headers and bodies of calls, the
//! proxy's password. SAP answers with errors that repeat what it was sent, and
//! with garbled objects that hold secrets. State, backup, plan file,
//! `show -json`, output, logs at `TRACE`, diagnostics and the emulator's journal
//! are searched for every secret, as it is and as JSON, URLs, forms and HTML
//! write it, private keys also line by line.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

use emulator::Options;

use crate::support::cli::{Cli, Output, use_built_provider};
use crate::support::core::{Core, Outcome, Resource};
use crate::support::counts::skip_or_fail;
use crate::support::feature::Feature;
use crate::support::world::{REGISTER_PATH, Variant, World};

const DESTINATIONS: &str = "/destination-configuration/v1/subaccountDestinations";
const KEYS: [(&str, &str); 3] = [
    ("destination", "SAPCALM_DESTINATION_SERVICE_KEY"),
    ("order-management", "SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY"),
    ("cloud-alm", "SAPCALM_CLOUD_ALM_SERVICE_KEY"),
];

/// A secret with every character that some encoding changes.
fn canary(name: &str) -> String {
    format!("canary-{name}_$a=\"b+c/d.e f!")
}

/// What has been searched, for what, and what was found.
struct Search {
    secrets: Vec<String>,
    artefacts: usize,
    bytes: usize,
    hits: Vec<String>,
}

impl Search {
    fn new() -> Self {
        Self {
            secrets: Vec::new(),
            artefacts: 0,
            bytes: 0,
            hits: Vec::new(),
        }
    }

    /// A secret from now on, in every spelling.
    fn watch(&mut self, secret: &str) -> String {
        let quoted = json!(secret).to_string();
        let quoted_twice = json!(quoted).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for spelling in [
            secret.to_owned(),
            quoted.trim_matches('"').to_owned(),
            quoted_twice.trim_matches(['"', '\\']).to_owned(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            form,
            STANDARD.encode(secret),
        ] {
            if !self.secrets.contains(&spelling) {
                self.secrets.push(spelling);
            }
        }
        secret.to_owned()
    }

    /// A private key from now on: whole, and each of its lines, because whoever
    /// shows it wraps it anew.
    fn watch_pem(&mut self, pem: &str) {
        self.watch(pem);
        let lines = pem.lines().map(str::trim);
        for line in lines.filter(|line| line.len() >= 16 && !line.starts_with("-----")) {
            self.watch(line);
        }
    }

    /// The secrets of the keys, and how every token of these services begins.
    async fn watch_keys(&mut self, world: &World) {
        for (name, _) in KEYS {
            let key = key(world, name);
            self.watch(&secret_of(&key));
            let token = token(&key).await;
            let header = token.split('.').next().unwrap().to_owned();
            assert!(header.len() > 20, "{header}");
            if !self.secrets.contains(&header) {
                self.secrets.push(header);
            }
        }
    }

    fn look(&mut self, artefact: &str, text: &str) {
        self.artefacts += 1;
        self.bytes += text.len();
        for secret in &self.secrets {
            if let Some(at) = text.find(secret.as_str()) {
                let before = text.get(..at).unwrap_or_default();
                let start = before.char_indices().rev().nth(150).map_or(0, |(at, _)| at);
                let context = &before[start..];
                self.hits
                    .push(format!("{artefact}: {secret:?} after …{context}"));
            }
        }
    }

    fn finish(self, what: &str) {
        println!(
            "{what}: {} spellings of secrets searched for in {} artefacts, {} bytes: {} hits",
            self.secrets.len(),
            self.artefacts,
            self.bytes,
            self.hits.len()
        );
        assert!(self.hits.is_empty(), "{}", self.hits.join("\n\n"));
    }
}

fn key(world: &World, name: &str) -> Json {
    serde_json::from_str(&world.key(name)).unwrap()
}

/// The part of a key that is the token service's.
fn uaa(key: &Json) -> &Json {
    if key["uaa"].is_object() {
        &key["uaa"]
    } else {
        key
    }
}

fn secret_of(key: &Json) -> String {
    uaa(key)["clientsecret"].as_str().unwrap().to_owned()
}

async fn token(key: &Json) -> String {
    let uaa = uaa(key);
    let url = format!("{}/oauth/token", uaa["url"].as_str().unwrap());
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(url)
        .basic_auth(
            uaa["clientid"].as_str().unwrap(),
            uaa["clientsecret"].as_str(),
        )
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .unwrap();
    let answer: Json = answer.json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

// ---------------------------------------------------------- what SAP repeats

/// Answers that repeat what was sent, in the spellings of a service that
/// quotes the request.
fn echoes(secrets: &[&str]) -> Vec<Json> {
    let quoted = |secret: &&str| {
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC);
        let json = json!({ "clientSecret": secret });
        format!(
            "refused: {secret} {json} form client_secret={form}&x=1 {percent} \
             Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"
        )
    };
    // A form inside JSON inside JSON, and what browsers are shown.
    let nested = |secret: &&str| {
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = json!(json!({ "body": form, "secret": secret }).to_string());
        let html = secret.replace('"', "&quot;").replace('=', "\\u003d");
        format!(
            "request was {json} or {html} in base64 {}",
            STANDARD.encode(secret)
        )
    };
    let answers = |text: String| {
        let page = format!("<html><head><title>{text}</title></head></html>");
        [
            json!({ "status": 400, "body": { "ErrorMessage": text } }),
            json!({ "status": 403, "body": text }),
            json!({ "status": 401, "body": { "error": "unauthorized", "error_description": text } }),
            json!({ "status": 500, "headers": { "content-type": "text/html" }, "body": page }),
        ]
    };
    let texts = secrets
        .iter()
        .flat_map(|secret| [quoted(secret), nested(secret)]);
    texts.flat_map(answers).collect()
}

// ------------------------------------------------------------- the stand-in

struct Run {
    world: World,
    tf: Core,
    search: Search,
    header: String,
    password: String,
    client_secret: String,
    property: String,
}

impl Run {
    async fn start() -> Self {
        let world = World::documented().await;
        let mut tf = Core::start(&[("TF_LOG", "TRACE")]).await;
        let mut search = Search::new();
        search.watch_keys(&world).await;
        let header = search.watch(&canary("header"));
        for (name, variable) in KEYS {
            tf.set_env(variable, &world.key(name));
        }
        let api = json!({
            "headers": { "X-Api-Key": header }, "register": { "path": REGISTER_PATH },
        });
        tf.configure(json!({
            "retry_base_delay": "1ms", "max_retries": 0, "order_management_api": api,
        }));
        Self {
            password: search.watch(&canary("password")),
            client_secret: search.watch(&canary("client-secret")),
            property: search.watch(&canary("property")),
            header,
            world,
            tf,
            search,
        }
    }

    fn resources(&self) -> Vec<Resource> {
        let main = "sapcalm_destination.cloud_alm";
        vec![
            Resource::new("sapcalm_destination", "cloud_alm", json!({})),
            Resource::new(
                "sapcalm_destination",
                "basic",
                json!({
                    "name": "basic",
                    "authentication": "BasicAuthentication",
                    "url": "https://backend.example.com",
                    "user": "technical",
                    "credentials": {
                        "password_wo": self.password,
                        "properties_wo": { "my.secret": self.property, "URL.headers.apikey": self.property },
                    },
                }),
            ),
            Resource::new(
                "sapcalm_destination",
                "oauth",
                json!({
                    "name": "oauth",
                    "url": "https://backend.example.com",
                    "client_id": "sb-client",
                    "token_service_url": "https://backend.example.com/oauth/token",
                    "credentials": { "client_secret_wo": self.client_secret, "version": 1 },
                }),
            ),
            Resource::with("sapcalm_registration", "order_management", move |values| {
                // A fresh destination makes the registration call patient.
                let timeouts = json!({ "create": "2s", "update": "2s" });
                json!({ "destination_name": values.get(main, "name"), "timeouts": timeouts })
            })
            .depends_on(&[main]),
        ]
    }

    /// One of the destinations alone.
    fn only(&self, name: &str) -> Vec<Resource> {
        let mut all = self.resources();
        all.retain(|resource| resource.name == name);
        all
    }

    /// Searches what a command came to, and the state after it.
    fn look(&mut self, what: &str, outcome: &Outcome) {
        self.search
            .look(&format!("{what}: diagnostics"), &outcome.to_string());
        for (address, change) in &outcome.changes {
            let text = format!("{} {}", change.prior.to_json(), change.planned.to_json());
            self.search
                .look(&format!("{what}: plan of {address}"), &text);
        }
        self.search
            .look(&format!("{what}: state"), &self.tf.state.text());
    }

    async fn apply(&mut self, what: &str) -> Outcome {
        let resources = self.resources();
        self.apply_these(what, &resources).await
    }

    async fn apply_these(&mut self, what: &str, resources: &[Resource]) -> Outcome {
        let outcome = self.tf.apply(resources).await;
        self.look(what, &outcome);
        outcome
    }

    /// Applies with a fault that lasts.
    async fn apply_into(
        &mut self,
        resources: &[Resource],
        (method, prefix): (&str, &str),
        answer: &Json,
    ) -> Outcome {
        let matches = json!({ "method": method, "path_prefix": prefix });
        self.world
            .fault(json!({ "match": matches, "times": null, "do": answer }))
            .await;
        let what = format!("{method} {prefix} {answer}");
        let outcome = self.apply_these(&what, resources).await;
        self.world.clear_faults().await;
        outcome
    }

    async fn apply_all_into(&mut self, request: (&str, &str), answer: &Json) -> Outcome {
        let resources = self.resources();
        self.apply_into(&resources, request, answer).await
    }

    async fn finish(mut self, what: &str) {
        self.search.look("log", &self.tf.log());
        let journal = json!(self.world.journal().await).to_string();
        self.search.look("journal", &journal);
        self.world.stop().await;
        self.search.finish(what);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_shows_while_everything_works_or_somebody_interferes() {
    let mut run = Run::start().await;
    run.apply("create").await.ok();
    assert!(
        run.tf.log().contains("request to SAP"),
        "no log was written"
    );
    let resources = run.resources();
    run.tf.assert_empty_plan(&resources).await;

    // The colleague's secrets are read, compared and overwritten.
    let colleague = run.search.watch(&canary("colleague"));
    let mut destinations = run.world.destinations().await;
    for destination in &mut destinations {
        for property in ["clientSecret", "Password", "my.secret"] {
            if let Some(value) = destination.get_mut(property) {
                *value = json!(colleague);
            }
        }
    }
    run.world.set_destinations(&destinations).await;
    let refreshed = run.tf.refresh().await.ok();
    run.look("refresh", &refreshed);
    let plan = run.tf.plan(&resources).await.ok();
    run.look("plan", &plan);
    let echo =
        json!({ "status": 400, "body": { "ErrorMessage": format!("client_secret {colleague}") } });
    let refused = run.apply_all_into(("PATCH", DESTINATIONS), &echo).await;
    assert!(refused.diags.has_errors());
    run.apply("repair").await.ok();

    run.world.rotate("cloud-alm").await;
    run.search.watch_keys(&run.world).await;
    run.tf.set_env(KEYS[2].1, &run.world.key("cloud-alm"));
    run.apply("rotation").await.ok();
    let destroyed = run.tf.destroy().await.ok();
    run.look("destroy", &destroyed);
    run.finish("working").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_shows_in_answers_that_repeat_the_request() {
    let mut run = Run::start().await;
    let secret = |name: &str| secret_of(&key(&run.world, name));
    let (of_destination, of_calm) = (secret("destination"), secret("cloud-alm"));
    let (password, property) = (run.password.clone(), run.property.clone());
    let client_secret = run.client_secret.clone();
    let token = ("POST", "/zones/acme-orders/oauth/token");
    let create = ("POST", DESTINATIONS);
    for (name, request, secret) in [
        ("basic", token, &of_destination),
        ("cloud_alm", create, &of_calm),
        ("basic", create, &password),
        ("basic", create, &property),
        ("oauth", create, &client_secret),
    ] {
        for answer in echoes(&[secret]) {
            let resources = run.only(name);
            let outcome = run.apply_into(&resources, request, &answer).await;
            assert!(outcome.diags.has_errors(), "{answer} did nothing");
        }
    }
    // The others need what comes before them.
    run.apply("create").await.ok();
    let header = run.header.clone();
    for answer in echoes(&[&header]) {
        run.world.offboard().await;
        run.tf.refresh().await.ok();
        drop(run.apply_all_into(("POST", "/omf"), &answer).await);
    }
    let success = json!({ "status": 200, "body": { "message": format!("done with {header}") } });
    run.world.offboard().await;
    drop(run.apply_all_into(("POST", "/omf"), &success).await);
    for answer in echoes(&[&of_calm]) {
        drop(run.apply_all_into(("GET", "/api"), &answer).await);
    }
    // Objects that cannot be understood, full of secrets.
    for answer in [
        json!({ "status": 200, "body": format!("{{\"clientSecret\":\"{of_calm}\", broken") }),
        json!({ "status": 200, "body": [of_calm, { "Name": "CloudALM", "clientSecret": [of_calm] }] }),
        json!({ "status": 500, "body": { "Name": "CloudALM", "clientSecret": of_calm } }),
        json!({ "truncate_bytes": 200 }),
    ] {
        drop(
            run.apply_all_into(("GET", "/destination-configuration"), &answer)
                .await,
        );
    }
    run.finish("repeated").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_shows_when_keys_are_wrong() {
    let mut run = Run::start().await;
    let wrong = run.search.watch(&canary("wrong"));
    for (name, variable) in KEYS {
        let good = run.world.key(name);
        let mut key = key(&run.world, name);
        let secret = secret_of(&key);
        let nested = key["uaa"].is_object();
        let set = |key: &mut Json, field: &str, value: Json| {
            let uaa = if nested { &mut key["uaa"] } else { key };
            uaa[field] = value;
        };
        let mut bad = Vec::new();
        let mut without_url = key.clone();
        set(&mut without_url, "url", json!(null));
        bad.push(without_url.to_string());
        let mut secret_as_url = key.clone();
        set(&mut secret_as_url, "url", json!(secret));
        bad.push(secret_as_url.to_string());
        let mut wrong_type = key.clone();
        set(&mut wrong_type, "clientsecret", json!([wrong]));
        bad.push(wrong_type.to_string());
        let at = good.find(&secret).unwrap() + secret.len();
        bad.push(good[..at].to_owned());
        bad.push(json!(secret).to_string());
        bad.push(secret.clone());
        bad.push(format!("@{}", run.world.keys().join("none.json").display()));
        set(&mut key, "clientsecret", json!(wrong));
        bad.push(key.to_string());
        for text in bad {
            run.tf.set_env(variable, &text);
            let outcome = run.apply(&format!("wrong {name}")).await;
            assert!(!outcome.diags.0.is_empty(), "{name} was accepted: {text}");
            run.tf.state = crate::support::core::state::State::default();
            run.world.set_destinations(&[]).await;
        }
        run.tf.set_env(variable, &good);
    }
    // A proxy that is not there, and its password.
    let proxy = run.search.watch("canary-proxy-password");
    let mut key = key(&run.world, "destination");
    key["uri"] = json!("https://destinations.example.invalid");
    key["url"] = json!("https://tokens.example.invalid");
    run.tf.set_env(KEYS[0].1, &key.to_string());
    for scheme in ["http", "https", "socks5"] {
        let url = format!("{scheme}://user:{proxy}@127.0.0.1:9");
        run.tf.set_env("SAPCALM_PROXY_URL", &url);
        let outcome = run.apply("proxy").await;
        assert!(outcome.diags.has_errors());
    }
    run.finish("wrong keys").await;
}

/// One destination for every secret: its authentication, what that needs, and
/// the name of the member or of the property.
fn every_secret_attribute() -> Vec<(&'static str, Json)> {
    let url = "https://backend.example.com";
    let token = json!({
        "url": url, "client_id": "sb-client", "token_service_url": format!("{url}/oauth/token"),
    });
    let with = |base: &Json, more: Json| {
        let mut block = base.clone();
        let more = more.as_object().unwrap().clone();
        block.as_object_mut().unwrap().extend(more);
        block
    };
    let basic = json!({ "url": url, "authentication": "BasicAuthentication", "user": "ann" });
    let saml = with(
        &token,
        json!({
            "authentication": "OAuth2SAMLBearerAssertion",
            "properties": { "audience": "a", "authnContextClassRef": "b" },
        }),
    );
    let certificate = json!({
        "url": url, "authentication": "ClientCertificateAuthentication",
        "properties": { "KeyStoreLocation": "own.p12" },
    });
    vec![
        ("client_secret", token.clone()),
        ("password", basic),
        (
            "tokenServicePassword",
            with(
                &token,
                json!({ "properties": { "tokenServiceUser": "ann" } }),
            ),
        ),
        ("clientKey", saml),
        ("KeyStorePassword", certificate),
        (
            "tokenService.KeyStorePassword",
            with(
                &token,
                json!({ "token_service_key_store_location": "own.p12" }),
            ),
        ),
        (
            "TrustStorePassword",
            with(
                &token,
                json!({ "properties": { "TrustStoreLocation": "own.jks" } }),
            ),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_attribute_shows_and_a_plain_one_is_in_the_state_only() {
    let mut run = Run::start().await;
    let mut kept = Vec::new();
    for suffix in ["_wo", ""] {
        let mut resources = Vec::new();
        for (at, (attribute, mut block)) in every_secret_attribute().into_iter().enumerate() {
            let secret = canary(&format!("{attribute}{suffix}"));
            block["name"] = format!("d{at}{suffix}").into();
            let object = if suffix == "_wo" {
                "credentials"
            } else {
                "stored_credentials"
            };
            block[object] = match attribute {
                "client_secret" | "password" => json!({ format!("{attribute}{suffix}"): secret }),
                key => json!({ format!("properties{suffix}"): { key: secret } }),
            };
            resources.push(Resource::new(
                "sapcalm_destination",
                &format!("d{at}"),
                block,
            ));
            kept.push(secret);
        }
        if suffix == "_wo" {
            for secret in &kept {
                run.search.watch(secret);
            }
            run.apply_these("write-only", &resources).await.ok();
            let destinations = json!(run.world.destinations().await).to_string();
            for secret in &kept {
                let quoted = json!(secret).to_string();
                assert!(destinations.contains(&quoted), "{secret} was not written");
            }
            kept.clear();
        } else {
            // The practitioner chose to store them: in the state, and nowhere else.
            run.tf.apply(&resources).await.ok();
            let state = run.tf.state.text();
            for secret in &kept {
                assert!(state.contains(json!(secret).to_string().trim_matches('"')));
                run.search.watch(secret);
            }
            let echo = echoes(&kept.iter().map(String::as_str).collect::<Vec<_>>());
            for answer in echo {
                let fault = json!({ "match": { "method": "GET", "path_prefix": "/destination" }, "times": null, "do": answer });
                run.world.fault(fault).await;
                let refreshed = run.tf.refresh().await;
                assert!(refreshed.diags.has_errors());
                run.world.clear_faults().await;
            }
        }
    }
    for instance in run.tf.state.current.values() {
        let private = String::from_utf8_lossy(&instance.private).into_owned();
        run.search.look("private state", &private);
    }
    run.finish("secret attributes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_private_key_of_an_x509_service_key_shows() {
    let options = Options {
        tls: true,
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let mut tf = Core::start(&[("TF_LOG", "TRACE")]).await;
    let mut search = Search::new();
    let mut lines = Vec::new();
    for (name, variable) in KEYS {
        let text = world.key(&format!("{name}-x509"));
        let key: Json = serde_json::from_str(&text).unwrap();
        let pem = uaa(&key)["key"].as_str().unwrap().to_owned();
        search.watch_pem(&pem);
        let line = pem.lines().nth(2).unwrap();
        lines.push(line.to_owned());
        lines.push(pem);
        tf.set_env(variable, &text);
    }
    tf.configure(json!({
        "ca_certificates": world.ca(),
        "retry_base_delay": "1ms",
        "max_retries": 0,
        "order_management_api": { "register": { "path": REGISTER_PATH } },
    }));
    let calm = key(&world, "cloud-alm");
    let secret = search.watch(&secret_of(&calm));
    let main = Resource::new(
        "sapcalm_destination",
        "cloud_alm",
        json!({
            "name": "CloudALM",
            "url": calm["endpoints"]["Api"],
            "client_id": calm["uaa"]["clientid"],
            "credentials": { "client_secret_wo": secret },
            "token_service_url": format!("{}/oauth/token", calm["uaa"]["url"].as_str().unwrap()),
        }),
    );
    let registration = Resource::with("sapcalm_registration", "order_management", |values| {
        json!({
            "destination_name": values.get("sapcalm_destination.cloud_alm", "name"),
            "timeouts": { "create": "2s", "update": "2s" },
        })
    })
    .depends_on(&["sapcalm_destination.cloud_alm"]);
    let resources = vec![main, registration];
    let look = |search: &mut Search, tf: &Core, what: &str, outcome: &Outcome| {
        search.look(&format!("{what}: diagnostics"), &outcome.to_string());
        search.look(&format!("{what}: state"), &tf.state.text());
    };
    tf.apply(&resources).await.ok();

    // Something in the way knows the key and repeats it.
    for answer in echoes(&lines.iter().map(String::as_str).collect::<Vec<_>>()) {
        let fault =
            json!({ "match": { "path_prefix": "/cert-zones" }, "times": null, "do": answer });
        world.fault(fault).await;
        let refreshed = tf.refresh().await;
        assert!(refreshed.diags.has_errors());
        look(&mut search, &tf, "repeated", &refreshed);
        world.clear_faults().await;
    }
    // Keys that cannot be used.
    let (_, variable) = KEYS[0];
    let text = world.key("destination-x509");
    let good: Json = serde_json::from_str(&text).unwrap();
    let pem = good["key"].as_str().unwrap().to_owned();
    let other: Json = serde_json::from_str(&world.key("cloud-alm-x509")).unwrap();
    let spoilt = |field: &str, value: Json| {
        let mut key = good.clone();
        key[field] = value;
        key.to_string()
    };
    for bad in [
        spoilt("key", other["uaa"]["key"].clone()),
        spoilt("key", pem[..pem.len() / 2].into()),
        spoilt("key", pem.replace("-----", "").into()),
        spoilt("certificate", pem.clone().into()),
        spoilt("certurl", pem.clone().into()),
        text[..text.find("-----BEGIN").unwrap() + 200].to_owned(),
        pem,
    ] {
        tf.set_env(variable, &bad);
        let outcome = tf.apply(&resources).await;
        assert!(outcome.diags.has_errors());
        look(&mut search, &tf, "unusable", &outcome);
    }
    search.look("log", &tf.log());
    search.look("journal", &json!(world.journal().await).to_string());
    world.stop().await;
    search.finish("x509 keys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_shows_whose_key_or_request_body_stands_in_the_provider_block() {
    let mut run = Run::start().await;
    let body = run.search.watch(&canary("body"));
    let mut block = run.world.provider();
    block["max_retries"] = 0.into();
    block["order_management_api"] = json!({
        "headers": { "X-Api-Key": run.header },
        "register": { "path": REGISTER_PATH, "body": body },
        "offboard": { "body": body },
    });
    for (_, variable) in KEYS {
        run.tf.set_env(variable, "");
    }
    run.tf.configure(block);
    drop(run.apply("create").await);
    for answer in echoes(&[&body]) {
        run.world.offboard().await;
        drop(run.tf.refresh().await);
        drop(run.apply_all_into(("POST", "/omf"), &answer).await);
    }
    let destroyed = run.tf.destroy().await;
    run.look("destroy", &destroyed);
    run.finish("provider block").await;
}

// ------------------------------------------------------------- the real CLI

/// Where the real CLI gets the service keys from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Environment,
    File,
    EphemeralVariables,
    /// What the documentation warns of.
    OrdinaryVariables,
}

/// The same configuration, every secret from outside.
fn configuration(source: Source) -> Json {
    let secret = json!({ "type": "string", "sensitive": true, "ephemeral": true });
    let mut variables = json!({ "password": secret, "client_secret": secret, "property": secret });
    let mut provider = json!({
        "retry_base_delay": "1ms",
        "order_management_api": {
            "headers": { "X-Api-Key": "${file(\"keys/header\")}" },
            "register": { "path": REGISTER_PATH },
        },
    });
    for (name, _) in KEYS {
        let attribute = format!("{}_service_key", name.replace('-', "_"));
        match source {
            Source::Environment => {}
            Source::File => {
                provider[&attribute] = format!("${{file(\"keys/{name}.json\")}}").into();
            }
            Source::EphemeralVariables | Source::OrdinaryVariables => {
                provider[&attribute] = format!("${{var.{attribute}}}").into();
                variables[&attribute] = secret.clone();
                if source == Source::OrdinaryVariables {
                    variables[&attribute]["ephemeral"] = false.into();
                }
            }
        }
    }
    json!({
        "terraform": { "required_providers": { "sapcalm": { "source": "sapcalm/sapcalm" } } },
        "provider": { "sapcalm": provider },
        "variable": variables,
        "resource": {
            "sapcalm_destination": {
                "cloud_alm": {},
                "basic": {
                    "name": "basic",
                    "authentication": "BasicAuthentication",
                    "url": "https://backend.example.com",
                    "user": "technical",
                    "credentials": {
                        "password_wo": "${var.password}",
                        "properties_wo": { "my.secret": "${var.property}" },
                    },
                },
                "oauth": {
                    "name": "oauth",
                    "url": "https://backend.example.com",
                    "client_id": "sb-client",
                    "token_service_url": "https://backend.example.com/oauth/token",
                    "credentials": { "client_secret_wo": "${var.client_secret}", "version": 1 },
                },
            },
            "sapcalm_registration": {
                "order_management": { "destination_name": "${sapcalm_destination.cloud_alm.name}" },
            },
        },
    })
}

struct Workspace {
    cli: Cli,
    directory: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Workspace {
    async fn run(&self, search: &mut Search, args: &[&str]) -> Output {
        let (cli, directory, env) = (
            self.cli.clone(),
            self.directory.path().to_owned(),
            self.env.clone(),
        );
        let what = args.join(" ");
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let output = tokio::task::spawn_blocking(move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let env: Vec<(&str, &str)> =
                env.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            cli.run(&directory, &args, &env)
        })
        .await
        .unwrap();
        search.look(&format!("{what}: stdout"), &output.stdout);
        search.look(&format!("{what}: stderr"), &output.stderr);
        self.look_at_files(search, &what);
        output
    }

    /// Every file that a command left: states, backups, plans, logs, locks.
    fn look_at_files(&self, search: &mut Search, what: &str) {
        for entry in fs::read_dir(self.directory.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let name = format!("{what}: {}", path.file_name().unwrap().to_string_lossy());
            let bytes = fs::read(&path).unwrap();
            search.look(&name, &String::from_utf8_lossy(&bytes));
            if name.contains("tfstate") {
                search.look(&format!("{name}, private"), &private(&bytes));
            }
            if bytes.starts_with(b"PK") {
                search.look(&format!("{name}, unpacked"), &unpacked(&path));
            }
        }
    }
}

/// The private state of all objects in a state file, decoded.
fn private(state: &[u8]) -> String {
    let state: Json = serde_json::from_slice(state).unwrap_or_default();
    let instances = state["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|resource| {
            resource["instances"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        });
    instances
        .filter_map(|instance| STANDARD.decode(instance["private"].as_str()?).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

/// What is in a plan file.
fn unpacked(path: &Path) -> String {
    let unzip = std::process::Command::new("unzip")
        .arg("-p")
        .arg(path)
        .output();
    let Ok(output) = unzip else {
        skip_or_fail("no `unzip` on the PATH: the inside of plan files was not searched");
        return String::new();
    };
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Everything for a run of the real CLI: the secrets of the variables last.
async fn at_the_cli(source: Source) -> Option<(World, Search, Workspace, Vec<String>)> {
    let cli = Cli::with(&[Feature::WriteOnly])?;
    let directory = tempfile::tempdir().unwrap();
    use_built_provider(directory.path());
    let configuration = configuration(source).to_string();
    fs::write(directory.path().join("main.tf.json"), configuration).unwrap();

    let world = World::documented().await;
    let mut search = Search::new();
    search.watch_keys(&world).await;
    let mut env: Vec<(String, String)> = vec![
        ("TF_LOG".into(), "TRACE".into()),
        ("TF_LOG_PATH".into(), "trace.log".into()),
    ];
    // A folder: what goes in is not what comes out.
    fs::create_dir(directory.path().join("keys")).unwrap();
    for (name, variable) in KEYS {
        match source {
            Source::Environment => env.push((variable.into(), world.key(name))),
            Source::File => {
                let path = directory.path().join(format!("keys/{name}.json"));
                fs::write(path, world.key(name)).unwrap();
            }
            Source::EphemeralVariables | Source::OrdinaryVariables => {
                let attribute = format!("{}_service_key", name.replace('-', "_"));
                env.push((format!("TF_VAR_{attribute}"), world.key(name)));
            }
        }
    }
    let header = search.watch(&canary("header"));
    fs::write(directory.path().join("keys/header"), &header).unwrap();
    let secrets = ["password", "client_secret", "property"].map(|name| {
        let secret = search.watch(&canary(name));
        env.push((format!("TF_VAR_{name}"), secret.clone()));
        secret
    });
    let workspace = Workspace {
        cli,
        directory,
        env,
    };
    Some((world, search, workspace, secrets.to_vec()))
}

const SAVED: [&str; 4] = ["plan", "-out", "saved.tfplan", "-no-color"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_leaves_no_secret_of_keys_from_files_and_ephemeral_variables() {
    for source in [Source::File, Source::EphemeralVariables] {
        let Some((world, mut search, workspace, _)) = at_the_cli(source).await else {
            return;
        };
        for args in [
            &SAVED[..],
            &["show", "-json", "saved.tfplan"],
            &["apply", "-no-color", "saved.tfplan"],
            &["show", "-json"],
            &["destroy", "-auto-approve", "-no-color"],
        ] {
            workspace.run(&mut search, args).await.ok();
        }
        search.look("journal", &json!(world.journal().await).to_string());
        world.stop().await;
        search.finish(&format!("real CLI, keys from {source:?}"));
    }
}

/// Terraform itself does this, and nobody can do anything about it but warn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_writes_ordinary_variables_into_plan_files_as_the_documentation_warns() {
    let Some((world, _, workspace, _)) = at_the_cli(Source::OrdinaryVariables).await else {
        return;
    };
    let mut anything = Search::new();
    let output = workspace.run(&mut anything, &SAVED).await.ok();
    let plan = unpacked(&workspace.directory.path().join("saved.tfplan"));
    for (name, _) in KEYS {
        let secret = secret_of(&key(&world, name));
        assert!(plan.contains(&secret), "{name}: the warning is out of date");
        assert!(!output.stdout.contains(&secret));
    }
    let readme = include_str!("../../../README.md");
    assert!(readme.contains("Terraform itself writes ordinary variables into plan files"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_leaves_no_secret_in_anything_it_writes() {
    let Some((world, mut search, workspace, secrets)) = at_the_cli(Source::Environment).await
    else {
        return;
    };
    let echo = |secret: &str| json!({ "status": 400, "body": { "ErrorMessage": format!("refused: {secret}") } });
    let apply = ["apply", "-auto-approve", "-no-color"];
    for (secret, name) in secrets.iter().zip(["basic", "oauth", "basic"]) {
        let fault = json!({ "match": { "method": "POST", "path_prefix": DESTINATIONS }, "times": null, "do": echo(secret) });
        world.fault(fault).await;
        let target = format!("-target=sapcalm_destination.{name}");
        let one = [&apply[..], &[&target]].concat();
        let failed = workspace.run(&mut search, &one).await;
        assert_eq!(failed.code, Some(1), "{failed}");
        assert!(failed.stderr.contains("refused:"), "{failed}");
        world.clear_faults().await;
    }
    workspace.run(&mut search, &SAVED).await.ok();
    workspace
        .run(&mut search, &["show", "-json", "saved.tfplan"])
        .await
        .ok();
    workspace
        .run(&mut search, &["apply", "-no-color", "saved.tfplan"])
        .await
        .ok();
    workspace.run(&mut search, &["show", "-json"]).await.ok();

    let colleague = search.watch(&canary("colleague"));
    let mut destinations = world.destinations().await;
    for destination in &mut destinations {
        for property in ["clientSecret", "Password", "my.secret"] {
            if let Some(value) = destination.get_mut(property) {
                *value = json!(colleague);
            }
        }
    }
    world.set_destinations(&destinations).await;
    let drift = workspace.run(&mut search, &SAVED).await.ok();
    assert!(
        drift.stdout.contains("changed outside Terraform"),
        "{drift}"
    );
    workspace
        .run(&mut search, &["show", "-json", "saved.tfplan"])
        .await
        .ok();
    let fault = json!({ "match": { "method": "PATCH" }, "times": null, "do": echo(&colleague) });
    world.fault(fault).await;
    let failed = workspace
        .run(&mut search, &["apply", "-no-color", "saved.tfplan"])
        .await;
    assert_eq!(failed.code, Some(1), "{failed}");
    world.clear_faults().await;
    workspace.run(&mut search, &apply).await.ok();
    workspace
        .run(&mut search, &["destroy", "-auto-approve", "-no-color"])
        .await
        .ok();

    let journal = json!(world.journal().await).to_string();
    search.look("journal", &journal);
    world.stop().await;
    search.finish("real CLI");
}
