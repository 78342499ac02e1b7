//! The SAP of a test: the emulator with its knobs turned one way or another,
//! and what the provider has to be told so that it still works.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use emulator::{CLOUD_ALM_SUBDOMAIN, Emulator, Knobs, ORDERS_SUBDOMAIN, Options, Scenario};
use serde_json::{Value as Json, json};

use super::promise::{Watch, watch};

/// Longer than any test: a fault that holds so long holds until the test moves
/// the emulator's time.
pub(crate) const HOUR: u64 = 3_600_000;

/// Where the emulated Order Management registers: not where the provider guesses.
pub(crate) const REGISTER_PATH: &str = "v1/registration";

/// One way SAP might be.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    knobs: Json,
    /// What the provider block says beside the keys.
    settings: Json,
    /// What the registration says beside the destination's name.
    pub(crate) registration: Json,
    /// Whether the landscape tells who is registered.
    pub(crate) landscape: bool,
}

impl Variant {
    fn new(name: &'static str, knobs: Json) -> Self {
        Self {
            name,
            knobs,
            settings: json!({}),
            registration: json!({}),
            landscape: true,
        }
    }

    /// What the documentation suggests most.
    pub(crate) fn documented() -> Self {
        Self::new("as documented", json!({}))
    }

    /// Every variant: none of the provider's guesses may be needed.
    pub(crate) fn all() -> Vec<Self> {
        vec![
            Self::documented(),
            Self {
                settings: json!({ "order_management_api": {
                    "endpoint_key": "monitoring",
                    "register": { "method": "PUT", "path": "/v2/on", "body": "{}" },
                    "offboard": { "method": "DELETE", "path": "/v2/off" },
                    "headers": { "X-Api": "2" },
                } }),
                ..Self::new(
                    "other paths, methods, headers and endpoint",
                    json!({ "order_management": {
                        "endpoint_key": "monitoring", "endpoint_form": "object",
                        "register_path": "/v2/on", "register_method": "PUT", "register_body": "json",
                        "register_headers": { "X-Api": "2" },
                        "offboard_path": "/v2/off", "offboard_method": "DELETE",
                    } }),
                )
            },
            Self::new(
                "flat key and text bodies",
                json!({
                    "order_management": { "key_shape": "flat", "messages": "text" },
                    "destination": { "error_body": "text", "duplicate_body": "text" },
                    "cloud_alm": { "error_body": "text", "empty_body": true },
                    "token": { "unauthorized_body": "text" },
                }),
            ),
            Self::new(
                "no PATCH, no metadata of a POST, quoted etags",
                json!({ "destination": {
                    "patch": "method_not_allowed", "post_metadata": false, "quoted_etag": true,
                    "missing_delete": "count_zero", "put_keeps_labels": false,
                } }),
            ),
            Self::new(
                "PATCH answered by 404, names and values lenient",
                json!({ "destination": { "patch": "not_found", "name_rule": "lenient", "values": "stringify" } }),
            ),
            Self::new(
                "already registered is a 409, the landscape is late and ignores filters",
                json!({
                    "order_management": { "already_registered": 409, "not_registered": 410, "environment": "eu10" },
                    "cloud_alm": { "landscape_delay_ms": 300, "filters": false, "page_size": 2, "offboard_removes_object": false },
                }),
            ),
            Self {
                registration: json!({ "scope": "" }),
                ..Self::new(
                    "the scope belongs to the master application",
                    json!({ "order_management": { "scope_owner": "master" } }),
                )
            },
            Self {
                landscape: false,
                ..Self::new(
                    "the landscape cannot be asked, scopes are dropped silently",
                    json!({ "unrouted": ["/api/calm-landscape"], "token": { "scope": "ignore" } }),
                )
            },
        ]
    }

    fn knobs(&self) -> Knobs {
        serde_json::from_value(self.knobs.clone()).unwrap()
    }
}

/// An emulated SAP, and the control over it.
pub(crate) struct World {
    tls: bool,
    emulator: Emulator,
    _watch: Watch,
    /// A client that trusts it.
    pub(crate) http: reqwest::Client,
    pub(crate) variant: Variant,
}

impl World {
    pub(crate) async fn start(variant: Variant) -> Self {
        Self::with(variant, Options::default()).await
    }

    pub(crate) async fn documented() -> Self {
        Self::start(Variant::documented()).await
    }

    pub(crate) async fn with(variant: Variant, options: Options) -> Self {
        let scenario = Scenario {
            knobs: variant.knobs(),
            ..options.scenario.clone()
        };
        let tls = options.tls;
        let emulator = Emulator::start(Options {
            scenario,
            ..options
        })
        .await
        .unwrap();
        let mut http = reqwest::Client::builder().no_proxy();
        if tls {
            let pem = std::fs::read(emulator.keys_dir().join("ca.pem")).unwrap();
            http = http.tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()]);
        }
        let http = http.build().unwrap();
        let url = emulator.url();
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        Self {
            tls,
            _watch: watch(host, emulator.view()),
            emulator,
            http,
            variant,
        }
    }

    /// The folder with the service keys.
    pub(crate) fn keys(&self) -> &Path {
        self.emulator.keys_dir()
    }

    /// Host and port of every service but the token services.
    pub(crate) fn host(&self) -> &str {
        let url = self.emulator.url();
        url.split_once("://").map_or(url, |(_, host)| host)
    }

    /// The text of a service key.
    pub(crate) fn key(&self, name: &str) -> String {
        std::fs::read_to_string(self.keys().join(format!("{name}.json"))).unwrap()
    }

    /// Where the token service of a key listens.
    pub(crate) fn token_service(&self, key: &str) -> SocketAddr {
        let key: Json = serde_json::from_str(&self.key(key)).unwrap();
        let url = key.pointer("/uaa/url").unwrap_or(&key["url"]);
        let url = url::Url::parse(url.as_str().unwrap()).unwrap();
        SocketAddr::new(self.address().ip(), url.port().unwrap())
    }

    /// The certificate of the emulator's authority, when it does TLS.
    pub(crate) fn ca(&self) -> String {
        std::fs::read_to_string(self.keys().join("ca.pem")).unwrap()
    }

    /// `https://127.0.0.1:41234`, or with the host name that was chosen.
    pub(crate) fn url(&self) -> &str {
        self.emulator.url()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.emulator.address()
    }

    /// The provider block with all keys, and what this variant needs.
    pub(crate) fn provider(&self) -> Json {
        let mut block = json!({
            "destination_service_key": self.key("destination"),
            "order_management_service_key": self.key("order-management"),
            "cloud_alm_service_key": self.key("cloud-alm"),
            "job_scheduling_service_key": self.key("job-scheduling"),
            "order_management_api": { "register": { "path": REGISTER_PATH } },
            "retry_base_delay": "1ms",
        });
        if self.tls {
            block["ca_certificates"] = self.ca().into();
        }
        for (name, value) in self.variant.settings.as_object().unwrap() {
            block[name] = value.clone();
        }
        block
    }

    /// The registration's block for the destination's name.
    pub(crate) fn registration(&self, destination_name: impl Into<Json>) -> Json {
        let mut block = json!({ "destination_name": destination_name.into() });
        for (name, value) in self.variant.registration.as_object().unwrap() {
            block[name] = value.clone();
        }
        block
    }

    fn control(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}/_emulator/{path}", self.emulator.address())
    }

    async fn get(&self, path: &str) -> Json {
        self.http
            .get(self.control(path))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: Json) {
        let answer = self
            .http
            .request(method, self.control(path))
            .json(&body)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        assert!(
            status.is_success(),
            "{path}: {status} {}",
            answer.text().await.unwrap()
        );
    }

    /// Turns knobs, the others stay.
    pub(crate) async fn turn(&self, knobs: Json) {
        self.send(reqwest::Method::PATCH, "knobs", knobs).await;
    }

    /// Adds a fault, or a list of them.
    pub(crate) async fn fault(&self, fault: Json) {
        self.send(reqwest::Method::POST, "faults", fault).await;
    }

    pub(crate) async fn clear_faults(&self) {
        self.send(reqwest::Method::DELETE, "faults", Json::Null)
            .await;
    }

    /// Moves the emulator's time: propagation, tokens, latency and held requests
    /// go by it.
    pub(crate) async fn forward(&self, milliseconds: u64) {
        let change = json!({ "forward_ms": milliseconds });
        self.send(reqwest::Method::POST, "clock", change).await;
    }

    /// Stops the emulator's time: from now on only [`World::forward`] moves it.
    pub(crate) async fn stop_time(&self) {
        let change = json!({ "runs": false });
        self.send(reqwest::Method::POST, "clock", change).await;
    }

    pub(crate) async fn expire_tokens(&self) {
        self.send(reqwest::Method::POST, "tokens/expire", Json::Null)
            .await;
    }

    /// A new secret for a service key; the key file changes.
    pub(crate) async fn rotate(&self, key: &str) {
        self.send(reqwest::Method::POST, &format!("rotate/{key}"), Json::Null)
            .await;
    }

    /// A new x509 key for a certificate of one's own; the key file changes.
    pub(crate) async fn bind(&self, key: &str, parameters: Json) {
        self.send(reqwest::Method::POST, &format!("bind/{key}"), parameters)
            .await;
    }

    pub(crate) async fn state(&self) -> Json {
        self.get("state").await
    }

    /// Makes the whole world what an earlier [`World::state`] said.
    pub(crate) async fn restore(&self, state: &Json) {
        self.send(reqwest::Method::PUT, "state", state.clone())
            .await;
    }

    /// The destinations of Order Management's subaccount: their properties.
    pub(crate) async fn destinations(&self) -> Vec<Json> {
        self.destinations_of(ORDERS_SUBDOMAIN).await
    }

    /// The destinations of a subaccount: their properties.
    pub(crate) async fn destinations_of(&self, subdomain: &str) -> Vec<Json> {
        properties_of(&self.state().await["subaccounts"][subdomain]["destinations"])
    }

    /// The destinations of all service instances of Order Management's
    /// subaccount: their properties.
    pub(crate) async fn instance_destinations(&self) -> Vec<Json> {
        let state = self.state().await;
        let instances = state["subaccounts"][ORDERS_SUBDOMAIN]["instances"].as_object();
        let lists = instances.into_iter().flat_map(serde_json::Map::values);
        lists.flat_map(properties_of).collect()
    }

    /// The certificates of Order Management's subaccount: their properties.
    pub(crate) async fn certificates(&self) -> Vec<Json> {
        let state = self.state().await;
        properties_of(&state["subaccounts"][ORDERS_SUBDOMAIN]["certificates"])
    }

    /// The certificates of all service instances of Order Management's
    /// subaccount: their properties.
    pub(crate) async fn instance_certificates(&self) -> Vec<Json> {
        let state = self.state().await;
        let instances = state["subaccounts"][ORDERS_SUBDOMAIN]["instance_certificates"].as_object();
        let lists = instances.into_iter().flat_map(serde_json::Map::values);
        lists.flat_map(properties_of).collect()
    }

    /// Somebody replaces all certificates outside Terraform.
    pub(crate) async fn set_certificates(&self, properties: &[Json]) {
        let list: Vec<Json> = properties
            .iter()
            .map(|one| json!({ "properties": one }))
            .collect();
        let change = json!({ "subaccounts": { ORDERS_SUBDOMAIN: { "certificates": list } } });
        self.send(reqwest::Method::PATCH, "state", change).await;
    }

    /// Somebody replaces all destinations outside Terraform.
    pub(crate) async fn set_destinations(&self, properties: &[Json]) {
        let list: Vec<Json> = properties
            .iter()
            .map(|one| json!({ "properties": one }))
            .collect();
        let change = json!({ "subaccounts": { ORDERS_SUBDOMAIN: { "destinations": list } } });
        self.send(reqwest::Method::PATCH, "state", change).await;
    }

    /// Somebody edits the only destination outside Terraform; null removes a property.
    pub(crate) async fn edit_destination(&self, changes: Json) {
        let mut destinations = self.destinations().await;
        assert_eq!(destinations.len(), 1);
        for (name, value) in changes.as_object().unwrap() {
            let properties = destinations[0].as_object_mut().unwrap();
            if value.is_null() {
                properties.remove(name);
            } else {
                properties.insert(name.clone(), value.clone());
            }
        }
        self.set_destinations(&destinations).await;
    }

    /// Makes all destinations old enough for every cache to have seen them.
    pub(crate) async fn age_destinations(&self) {
        let state = self.state().await;
        let mut list = state["subaccounts"][ORDERS_SUBDOMAIN]["destinations"].clone();
        for one in list.as_array_mut().unwrap() {
            // A time counts only together with a new etag.
            one["etag"] = json!("0".repeat(64));
            one["modification_time"] = json!(1_600_000_000_000_u64);
        }
        let change = json!({ "subaccounts": { ORDERS_SUBDOMAIN: { "destinations": list } } });
        self.send(reqwest::Method::PATCH, "state", change).await;
    }

    /// The jobs of Order Management's subaccount.
    pub(crate) async fn jobs(&self) -> Vec<Json> {
        let jobs = &self.state().await["subaccounts"][ORDERS_SUBDOMAIN]["jobs"];
        jobs.as_array().unwrap().clone()
    }

    /// Somebody replaces all jobs outside Terraform.
    pub(crate) async fn set_jobs(&self, jobs: &[Json]) {
        let change = json!({ "subaccounts": { ORDERS_SUBDOMAIN: { "jobs": jobs } } });
        self.send(reqwest::Method::PATCH, "state", change).await;
    }

    /// What the landscape of Cloud ALM shows, by id.
    pub(crate) async fn landscape(&self) -> Vec<String> {
        let state = self.state().await;
        let objects = state["subaccounts"][CLOUD_ALM_SUBDOMAIN]["landscape"].as_array();
        let id = |object: &Json| object["lmsId"].as_str().unwrap().to_owned();
        objects.into_iter().flatten().map(id).collect()
    }

    /// Makes the landscape show these ids.
    pub(crate) async fn set_landscape(&self, ids: &[String]) {
        let objects: Vec<Json> = ids
            .iter()
            .map(|id| json!({ "lmsId": id, "objectType": "CloudService" }))
            .collect();
        let change = json!({ "subaccounts": { CLOUD_ALM_SUBDOMAIN: { "landscape": objects } } });
        self.send(reqwest::Method::PATCH, "state", change).await;
    }

    /// Whether Order Management is registered.
    pub(crate) async fn is_registered(&self) -> bool {
        !self.state().await["subaccounts"][ORDERS_SUBDOMAIN]["registration"].is_null()
    }

    /// Somebody offboards Order Management outside Terraform.
    pub(crate) async fn offboard(&self) {
        let change = json!({ "subaccounts": {
            ORDERS_SUBDOMAIN: { "registration": null },
            CLOUD_ALM_SUBDOMAIN: { "landscape": [] },
        } });
        self.send(reqwest::Method::PATCH, "state", change).await;
    }

    /// All requests of the provider so far; those that the emulated services
    /// send each other are left out.
    pub(crate) async fn journal(&self) -> Vec<Json> {
        let entries = self.get("journal").await.as_array().unwrap().clone();
        entries
            .into_iter()
            .filter(|entry| entry["caller"].is_null())
            .collect()
    }

    /// Waits until the delay of a fault has begun: the request is where the
    /// fault wants it, and nothing moves.
    pub(crate) fn held(&self) -> impl Future<Output = ()> + Send {
        let wait = async {
            while !self
                .journal()
                .await
                .iter()
                .any(|entry| entry["held"] == true)
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        async {
            let held = tokio::time::timeout(Duration::from_mins(1), wait).await;
            assert!(
                held.is_ok(),
                "no request was held: {:#?}",
                self.journal().await
            );
        }
    }

    pub(crate) async fn forget_journal(&self) {
        self.send(reqwest::Method::DELETE, "journal", Json::Null)
            .await;
    }

    /// `METHOD path` of every request that changes something, in order.
    pub(crate) async fn writes(&self) -> Vec<String> {
        let journal = self.journal().await;
        let is_write = |entry: &&Json| {
            let reads = entry["method"] == "GET" || entry["method"] == "OPTIONS";
            !reads && !entry["path"].as_str().unwrap().contains("/oauth/token")
        };
        let line = |entry: &Json| {
            let path = entry["path"].as_str().unwrap();
            let path = path.split('?').next().unwrap_or(path);
            format!("{} {path}", entry["method"].as_str().unwrap())
        };
        journal.iter().filter(is_write).map(line).collect()
    }

    pub(crate) async fn stop(self) {
        self.emulator.shutdown().await;
    }
}

fn properties_of(list: &Json) -> Vec<Json> {
    let list = list.as_array().into_iter().flatten();
    list.map(|one| one["properties"].clone()).collect()
}
