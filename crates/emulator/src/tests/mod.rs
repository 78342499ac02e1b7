//! The emulator over real HTTP, one file per service.

mod certificate;
mod control;
mod destination;
mod find;
mod landscape;
mod registration;
mod server;
mod token;

use std::path::PathBuf;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Emulator, Options};

/// An emulator with a client that knows the keys.
struct Rig {
    emulator: Emulator,
    http: reqwest::Client,
}

/// What came back, read in full.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Rig {
    async fn start(options: Options) -> Self {
        let tls = options.tls;
        let emulator = Emulator::start(options).await.unwrap();
        let mut http = reqwest::Client::builder().no_proxy();
        if tls {
            http = http.tls_certs_only([ca(&emulator)]);
        } else {
            http = http.tls_certs_only([]);
        }
        let http = http.build().unwrap();
        Self { emulator, http }
    }

    /// An emulator with these knobs, the others at their defaults.
    async fn with_knobs(knobs: Value) -> Self {
        let mut options = Options::default();
        options.scenario.knobs = serde_json::from_value(knobs).unwrap();
        Self::start(options).await
    }

    async fn plain() -> Self {
        Self::start(Options::default()).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.url())
    }

    fn key_path(&self, name: &str) -> PathBuf {
        self.emulator.keys_dir().join(format!("{name}.json"))
    }

    fn key(&self, name: &str) -> Value {
        let text = std::fs::read_to_string(self.key_path(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The token server's part of a key, wherever it is.
    fn uaa(&self, name: &str) -> Value {
        let key = self.key(name);
        key.get("uaa").cloned().unwrap_or(key)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// Asks for a token with a key; `form` is added to the form.
    async fn token_answer(&self, key: &str, form: &[(&str, &str)]) -> Answer {
        let uaa = self.uaa(key);
        let text = |name: &str| uaa[name].as_str().unwrap_or_default().to_owned();
        let (id, secret) = (text("clientid"), text("clientsecret"));
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", &secret),
        ];
        fields.extend_from_slice(form);
        let url = format!("{}/oauth/token", text("url"));
        self.send(self.http.post(url).form(&fields)).await
    }

    async fn token(&self, key: &str) -> String {
        let answer = self.token_answer(key, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A request to the Destination service; `path` begins after `/v1`.
    async fn destinations(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let token = self.token("destination").await;
        let path = format!("/destination-configuration/v1{path}");
        let mut request = self.request(method, &path).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request).await
    }

    async fn create(&self, body: Value) -> Answer {
        let path = "/subaccountDestinations";
        self.destinations(Method::POST, path, Some(body)).await
    }

    async fn list(&self, query: &str) -> Answer {
        let path = format!("/subaccountDestinations{query}");
        self.destinations(Method::GET, &path, None).await
    }

    /// The destination that Order Management needs, from the Cloud ALM key.
    fn cloud_alm_destination(&self) -> Value {
        let key = self.key("cloud-alm");
        json!({
            "Name": "CloudALM",
            "Type": "HTTP",
            "URL": key["endpoints"]["Api"],
            "ProxyType": "Internet",
            "Authentication": "OAuth2ClientCredentials",
            "clientId": key["uaa"]["clientid"],
            "clientSecret": key["uaa"]["clientsecret"],
            "tokenServiceURL": format!("{}/oauth/token", key["uaa"]["url"].as_str().unwrap()),
            "tokenServiceURLType": "Dedicated",
        })
    }

    /// A call to Order Management; `path` begins after the endpoint.
    async fn order_management(&self, method: Method, path: &str) -> Answer {
        let token = self.token("order-management").await;
        let path = format!("/omf/integration-monitoring{path}");
        self.send(self.request(method, &path).bearer_auth(token))
            .await
    }

    async fn landscape(&self, query: &str) -> Answer {
        let token = self.token("cloud-alm").await;
        let path = format!("/api/calm-landscape/v1/landscapeObjects{query}");
        self.send(self.request(Method::GET, &path).bearer_auth(token))
            .await
    }

    async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, &format!("/_emulator{path}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request).await
    }

    async fn journal(&self) -> Vec<Value> {
        let answer = self.control(Method::GET, "/journal", None).await;
        answer.json().as_array().unwrap().clone()
    }

    async fn clock(&self, change: Value) {
        let answer = self.control(Method::POST, "/clock", Some(change)).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
    }

    async fn forward(&self, milliseconds: u64) {
        self.clock(json!({ "forward_ms": milliseconds })).await;
    }

    /// Waits until a fault holds a request.
    async fn held(&self) {
        while !self
            .journal()
            .await
            .iter()
            .any(|entry| entry["held"] == true)
        {}
    }

    async fn set_knobs(&self, changes: Value) {
        let answer = self.control(Method::PATCH, "/knobs", Some(changes)).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
    }

    async fn add_fault(&self, fault: Value) {
        let answer = self.control(Method::POST, "/faults", Some(fault)).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
    }
}

fn ca(emulator: &Emulator) -> reqwest::Certificate {
    let pem = std::fs::read(emulator.keys_dir().join("ca.pem")).unwrap();
    reqwest::Certificate::from_pem(&pem).unwrap()
}

/// A destination without credentials.
fn simple(name: &str) -> Value {
    json!({"Name": name, "Type": "HTTP", "URL": "https://example.com", "Authentication": "NoAuthentication"})
}
