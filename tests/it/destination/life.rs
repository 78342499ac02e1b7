//! `sapcalm_destination` against the emulator: its life as the framework
//! drives it, with SAP as it is documented and as it may be.

use std::collections::BTreeMap;
use std::time::Duration;

use emulator::{DestinationKey, Emulator, Options, Scenario};
use framework::private::Private;
use framework::resource::ImportRequest;
use framework::value::Value;
use sapcalm::provider::configured::Configured;
use sapcalm::provider::{RESOURCES, config};
use serde_json::json;

use crate::support::direct::{Direct, Instance, context, text};

const ORDERS: &str = "acme-orders";
const SERVICE: &str = "/destination-configuration/";
const COLLECTION: &str = "/destination-configuration/v1/subaccountDestinations";

/// Plays Terraform.
static TF: Direct = Direct {
    resource: RESOURCES[0],
};

// ------------------------------------------------------------ the other side

/// SAP, with one subaccount that has no destination yet.
struct Sap {
    emulator: Emulator,
    http: reqwest::Client,
}

impl Sap {
    async fn new() -> Self {
        Self::with_knobs(json!({})).await
    }

    /// With these knobs of the Destination service.
    async fn with_knobs(knobs: serde_json::Value) -> Self {
        let knobs = json!({ "destination": knobs });
        let options = Options {
            scenario: Scenario {
                knobs: serde_json::from_value(knobs).unwrap(),
                ..Scenario::default()
            },
            destination_keys: vec![DestinationKey {
                name: "other".to_owned(),
                subdomain: "acme-other".to_owned(),
            }],
            ..Options::default()
        };
        Self {
            emulator: Emulator::start(options).await.unwrap(),
            http: reqwest::Client::new(),
        }
    }

    fn control(&self, what: &str) -> String {
        format!("{}/_emulator/{what}", self.emulator.url())
    }

    async fn sent(&self, request: reqwest::RequestBuilder) {
        let answer = request.send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }

    /// Makes this the only destination, as somebody outside Terraform would.
    async fn set(&self, properties: serde_json::Value, labels: serde_json::Value) {
        let destination = json!({ "properties": properties, "labels": labels });
        let state = json!({ "subaccounts": { ORDERS: { "destinations": [destination] } } });
        self.sent(self.http.patch(self.control("state")).json(&state))
            .await;
    }

    async fn clear(&self) {
        let state = json!({ "subaccounts": { ORDERS: { "destinations": [] } } });
        self.sent(self.http.patch(self.control("state")).json(&state))
            .await;
    }

    async fn fault(&self, fault: serde_json::Value) {
        self.sent(self.http.post(self.control("faults")).json(&fault))
            .await;
    }

    async fn no_faults(&self) {
        self.sent(self.http.delete(self.control("faults"))).await;
    }

    async fn rotate(&self, key: &str) {
        self.sent(self.http.post(self.control(&format!("rotate/{key}"))))
            .await;
    }

    async fn all(&self) -> Vec<serde_json::Value> {
        let answer = self.http.get(self.control("state")).send().await.unwrap();
        let state: serde_json::Value = answer.json().await.unwrap();
        let list = &state["subaccounts"][ORDERS]["destinations"];
        list.as_array().unwrap().clone()
    }

    /// The properties of the only destination.
    async fn properties(&self) -> serde_json::Value {
        let all = self.all().await;
        assert_eq!(all.len(), 1);
        all[0]["properties"].clone()
    }

    /// Changes some properties of the only destination outside Terraform; null
    /// removes one.
    async fn change(&self, changes: serde_json::Value) {
        let mut all = self.all().await;
        let properties = all[0]["properties"].as_object_mut().unwrap();
        for (key, value) in changes.as_object().unwrap() {
            if value.is_null() {
                properties.remove(key);
            } else {
                properties.insert(key.clone(), value.clone());
            }
        }
        self.set(all[0]["properties"].clone(), all[0]["labels"].clone())
            .await;
    }

    fn key(&self, name: &str) -> serde_json::Value {
        let path = self.emulator.keys_dir().join(format!("{name}.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// Method and path of every call of the Destination service, and forgets
    /// them.
    async fn calls(&self) -> Vec<String> {
        let answer = self.http.get(self.control("journal")).send().await.unwrap();
        let entries: Vec<serde_json::Value> = answer.json().await.unwrap();
        self.sent(self.http.delete(self.control("journal"))).await;
        let text = |entry: &serde_json::Value, name: &str| entry[name].as_str().unwrap().to_owned();
        entries
            .iter()
            .filter(|entry| entry["caller"].is_null())
            .filter(|entry| text(entry, "path").starts_with(SERVICE))
            .map(|entry| {
                let path = text(entry, "path");
                let path = path.split('?').next().unwrap().to_owned();
                format!(
                    "{} {}",
                    text(entry, "method"),
                    path.replace("/destination-configuration", "")
                )
            })
            .collect()
    }

    /// A freshly configured provider with Destination and Cloud ALM key, as in
    /// a new process.
    fn provider(&self) -> Configured {
        self.provider_of("destination", Some("cloud-alm"))
    }

    fn without_cloud_alm_key(&self) -> Configured {
        self.provider_of("destination", None)
    }

    fn provider_of(&self, destination: &str, cloud_alm: Option<&str>) -> Configured {
        let environment = |name: &str| {
            let file = match name {
                "SAPCALM_DESTINATION_SERVICE_KEY" => destination,
                "SAPCALM_CLOUD_ALM_SERVICE_KEY" => cloud_alm?,
                "SAPCALM_RETRY_BASE_DELAY" => return Some(Ok("10ms".to_owned())),
                "SAPCALM_MAX_RETRIES" => return Some(Ok("2".to_owned())),
                _ => return None,
            };
            let path = self.emulator.keys_dir().join(format!("{file}.json"));
            Some(Ok(format!("@{}", path.display())))
        };
        let given = Value::Map(BTreeMap::new());
        let (configured, diagnostics) = config::read(&given, &environment, "1.11.4").unwrap();
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        configured
    }
}

fn cloud_alm_at_sap(sap: &Sap) -> serde_json::Value {
    let key = sap.key("cloud-alm");
    let token_url = format!("{}/oauth/token", key["uaa"]["url"].as_str().unwrap());
    json!({
        "Name": "CloudALM",
        "Type": "HTTP",
        "URL": key["endpoints"]["Api"],
        "ProxyType": "Internet",
        "Authentication": "OAuth2ClientCredentials",
        "clientId": key["uaa"]["clientid"],
        "clientSecret": key["uaa"]["clientsecret"],
        "tokenServiceURL": token_url,
        "tokenServiceURLType": "Dedicated",
    })
}

fn basic_at_sap() -> serde_json::Value {
    json!({
        "Name": "CloudALM",
        "Type": "HTTP",
        "URL": "https://target.example",
        "ProxyType": "Internet",
        "Authentication": "BasicAuthentication",
        "User": "u",
        "Password": "p",
    })
}

// ------------------------------------------------------------ Terraform's side

fn number(number: i64) -> Value {
    Value::Number(number.into())
}

fn map<const N: usize>(entries: [(&str, &str); N]) -> Value {
    Value::Map(
        entries
            .map(|(key, value)| (key.to_owned(), text(value)))
            .into(),
    )
}

fn labels<const N: usize>(entries: [(&str, &str); N]) -> Value {
    let set = |value| Value::Set(vec![text(value)]);
    Value::Map(
        entries
            .map(|(key, value)| (key.to_owned(), set(value)))
            .into(),
    )
}

/// A destination with user and password, and these.
fn basic<const N: usize>(given: [(&str, Value); N]) -> Value {
    let base = [
        ("name", text("CloudALM")),
        ("authentication", text("BasicAuthentication")),
        ("url", text("https://target.example")),
        ("user", text("u")),
    ];
    let Value::Object(mut entries) = TF.configuration(base) else {
        unreachable!()
    };
    for (name, value) in given {
        entries.insert(name.to_owned(), value);
    }
    Value::Object(entries)
}

/// The nested object with these secrets, by the names of its members.
fn secrets<const N: usize>(members: [(&str, Value); N]) -> (&'static str, Value) {
    let names = [
        "client_secret_wo",
        "password_wo",
        "properties_wo",
        "version",
    ];
    let mut object = BTreeMap::from(names.map(|name| (name.to_owned(), Value::Null)));
    for (name, value) in members {
        assert!(object.insert(name.to_owned(), value).is_some(), "{name}");
    }
    ("credentials", Value::Object(object))
}

/// The same, with nothing but a password.
fn password(password: &str) -> (&'static str, Value) {
    secrets([("password_wo", text(password))])
}

fn stored_password(password: &str) -> (&'static str, Value) {
    let members = [
        ("client_secret", Value::Null),
        ("password", text(password)),
        ("properties", Value::Null),
    ];
    let members = members.map(|(name, value)| (name.to_owned(), value));
    ("stored_credentials", Value::Object(members.into()))
}

/// What core makes of a state for `-generate-config-out`: everything that the
/// configuration may give.
fn generated(instance: &Instance) -> Value {
    use framework::schema::Mode;
    let schema = TF.resource.definition().schema;
    let entries = schema.attributes.iter().map(|attribute| {
        let value = match attribute.mode {
            Mode::Computed => Value::Null,
            _ => instance.state.get(attribute.name).clone(),
        };
        (attribute.name.to_owned(), value)
    });
    Value::Object(entries.collect())
}

/// The object is what Terraform would have after the next refresh, and the
/// configuration asks for nothing more.
async fn converged(sap: &Sap, config: &Value, instance: &Instance) -> Instance {
    let provider = sap.provider();
    let after = TF.read(&provider, instance).await.quietly();
    assert!(
        TF.plans_nothing(&provider, config, &after),
        "the next plan is not empty"
    );
    after
}

// -------------------------------------------------------------------- create

#[tokio::test]
async fn create_makes_the_cloud_alm_destination_from_nothing_but_keys() {
    let sap = Sap::new().await;
    let config = TF.configuration([]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    assert_eq!(
        sap.calls().await,
        [
            "POST /v1/subaccountDestinations",
            "GET /v1/subaccountDestinations"
        ]
    );
    assert_eq!(sap.properties().await, cloud_alm_at_sap(&sap));
    assert_eq!(created.text("id"), Some("subaccount/CloudALM"));
    assert!(created.text("subaccount_id").is_some());
    assert_eq!(created.entry("client_secret"), "from cloud_alm_service_key");
    assert_eq!(created.list("unmanaged_properties"), [""; 0]);

    let after = converged(&sap, &config, &created).await;
    assert!(
        after.state.same(&created.state),
        "a refresh changes nothing"
    );
    assert_eq!(sap.calls().await, ["GET /v1/subaccountDestinations"]);
}

#[tokio::test]
async fn no_secret_is_stored_unless_the_plain_attribute_is_used() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    let secret = sap.key("cloud-alm")["uaa"]["clientsecret"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!created.stored().contains(&secret));

    sap.clear().await;
    let config = basic([secrets([
        ("password_wo", text("canary-1")),
        ("properties_wo", map([("my.secret", "canary-2")])),
    ])]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    assert!(!created.stored().contains("canary"));
    assert_eq!(sap.properties().await["my.secret"], "canary-2");
    converged(&sap, &config, &created).await;
}

#[tokio::test]
async fn create_works_with_every_shape_of_the_service() {
    for knobs in [
        json!({ "post_metadata": false }),
        json!({ "error_body": "text", "duplicate_body": "text" }),
        json!({ "quoted_etag": true, "if_match_on_write": true }),
        json!({ "patch": "method_not_allowed", "put_keeps_labels": false }),
    ] {
        let sap = Sap::with_knobs(knobs.clone()).await;
        let config = basic([password("p"), ("labels", labels([("a", "1")]))]);
        let created = TF.create(&sap.provider(), &config).await.quietly();
        let after = converged(&sap, &config, &created).await;
        let config = basic([
            password("p"),
            ("labels", labels([("a", "1")])),
            ("description", text("changed")),
        ]);
        let updated = TF.update(&sap.provider(), &config, &after).await.quietly();
        assert_eq!(sap.properties().await["Password"], "p", "{knobs}");
        converged(&sap, &config, &updated).await;
        let gone = TF.delete(&sap.provider(), &updated).await;
        assert!(
            gone.diagnostics.is_empty() && gone.instance.is_none(),
            "{knobs}"
        );
        assert!(sap.all().await.is_empty());
    }
}

#[tokio::test]
async fn every_kind_of_destination_imports_and_plans_empty() {
    let kinds = [
        json!({"Type": "HTTP", "URL": "https://a", "Authentication": "NoAuthentication", "ProxyType": "PrivateLink"}),
        json!({"Type": "HTTP", "URL": "https://a"}),
        json!({"Type": "HTTP", "URL": "https://a", "Authentication": "BasicAuthentication", "User": "u", "Password": "p", "Preemptive": "TRUE"}),
        json!({"Type": "HTTP", "URL": "https://a", "Authentication": "ClientCertificateAuthentication", "KeyStoreLocation": "a.p12", "KeyStorePassword": "p", "sap-client": "100"}),
        json!({"Type": "HTTP", "URL": "https://a", "Authentication": "ClientCertificateAuthentication", "KeyStore.Source": "ClientProvided"}),
        json!({"Type": "HTTP", "URL": "https://a", "Authentication": "OAuth2ClientCredentials", "clientId": "c", "clientSecret": "s", "tokenServiceURL": "https://t/oauth/token", "scope": "x y"}),
        json!({"Type": "HTTP", "URL": "https://a", "Authentication": "OAuth2Password", "clientId": "c", "clientSecret": "s", "User": "u", "Password": "p", "tokenServiceURL": "https://t", "tokenServiceURLType": "Common"}),
        json!({"Type": "HTTP", "URL": "https://a", "Authentication": "OAuth2UserTokenExchange", "clientId": "c", "tokenServiceURL": "https://t", "x_user_token.jwks_uri": "https://j", "HTML5.DynamicDestination": "true"}),
        json!({"Type": "HTTP", "URL": "https://a", "Authentication": "OAuth2SAMLBearerAssertion", "audience": "a", "clientKey": "k", "tokenServiceURL": "https://t", "authnContextClassRef": "urn:x", "nameIdFormat": "n"}),
        json!({"Type": "HTTP", "URL": "https://a", "Authentication": "SAMLAssertion", "audience": "a", "authnContextClassRef": "urn:x", "ProxyType": "OnPremise"}),
        json!({"Type": "HTTP", "URL": "http://virtual:80", "Authentication": "PrincipalPropagation", "ProxyType": "OnPremise", "CloudConnectorLocationId": "l"}),
        json!({"Type": "HTTP", "URL": "http://virtual:80", "Authentication": "OAuth2TechnicalUserPropagation", "ProxyType": "OnPremise", "clientId": "c", "tokenServiceURL": "https://t"}),
        json!({"Type": "HTTP", "URL": "https://a", "Authentication": "NoAuthentication", "mine": "x", "TrustAll": "FALSE"}),
        json!({"Type": "RFC", "jco.client.ashost": "h", "jco.client.sysnr": "00", "jco.client.passwd": "p", "jco.client.user": "u"}),
        json!({"Type": "MAIL", "ProxyType": "Internet", "Authentication": "BasicAuthentication", "User": "u", "Password": "p", "mail.smtp.host": "h"}),
        json!({"Type": "LDAP", "ldap.url": "ldap://h", "ldap.proxyType": "Internet", "ldap.authentication": "NoAuthentication"}),
        json!({"Type": "TCP", "Address": "h:1", "ProxyType": "OnPremise"}),
    ];
    let sap = Sap::new().await;
    for mut kind in kinds {
        kind["Name"] = json!("CloudALM");
        sap.set(kind.clone(), json!([{"key": "team", "values": ["a", "b"]}]))
            .await;
        let provider = sap.without_cloud_alm_key();
        let imported = TF.import(&provider, "subaccount/CloudALM").await;
        assert!(imported.errors().is_empty(), "{kind}");
        let imported = imported.instance.unwrap();
        let config = generated(&imported);
        let found = TF.resource.validate(&config);
        assert!(!found.has_errors(), "{kind}: {found:#?}");
        assert!(TF.plans_nothing(&provider, &config, &imported), "{kind}");
        let again = TF.read(&provider, &imported).await.quietly();
        assert!(again.state.same(&imported.state), "{kind}");
        for secret in ["\np\n", "\ns\n", "\nk\n"] {
            assert!(!imported.stored().contains(secret), "{kind}");
        }
        // A change of one thing leaves everything else as it was.
        let Value::Object(mut entries) = config else {
            panic!()
        };
        entries.insert("description".to_owned(), text("new"));
        let config = Value::Object(entries);
        let updated = TF.update(&provider, &config, &again).await.quietly();
        kind["Description"] = json!("new");
        assert_eq!(sap.properties().await, kind);
        assert_eq!(sap.all().await[0]["labels"][0]["key"], "team");
        assert!(TF.plans_nothing(&provider, &config, &updated), "{kind}");
    }
}

#[tokio::test]
async fn a_conflict_prints_the_import_block() {
    let sap = Sap::new().await;
    sap.set(basic_at_sap(), json!([])).await;
    let done = TF.create(&sap.provider(), &TF.configuration([])).await;
    let error = done.error();
    assert_eq!(error.summary, "Cannot create destination");
    assert!(
        error.detail.contains(
            "import {\n  to = sapcalm_destination.<name>\n  id = \"subaccount/CloudALM\"\n}"
        ),
        "{}",
        error.detail
    );
    assert!(done.instance.is_none());
    assert_eq!(sap.properties().await, basic_at_sap());
}

#[tokio::test]
async fn a_conflict_with_an_equal_destination_takes_it_over() {
    let sap = Sap::new().await;
    let config = TF.configuration([]);
    sap.set(cloud_alm_at_sap(&sap), json!([])).await;
    let created = TF
        .create(&sap.provider(), &config)
        .await
        .warning("Existing destination taken over");
    converged(&sap, &config, &created).await;

    let mut other = cloud_alm_at_sap(&sap);
    other["clientSecret"] = json!("another");
    sap.set(other, json!([])).await;
    TF.create(&sap.provider(), &config).await.error();
    let mut more = cloud_alm_at_sap(&sap);
    more["mine"] = json!("x");
    sap.set(more, json!([])).await;
    TF.create(&sap.provider(), &config).await.error();
}

#[tokio::test]
async fn two_resources_of_one_run_do_not_share_a_destination() {
    let sap = Sap::new().await;
    let provider = sap.provider();
    TF.create(&provider, &TF.configuration([])).await.quietly();
    for adopt in [Value::Null, Value::Bool(true)] {
        let config = TF.configuration([("adopt_existing", adopt)]);
        let error = TF.create(&provider, &config).await;
        assert!(error.error().detail.contains("exists already"));
    }
}

#[tokio::test]
async fn adopting_changes_what_is_configured_and_leaves_the_rest() {
    let sap = Sap::new().await;
    let mut there = basic_at_sap();
    there["mine"] = json!("x");
    there["TrustAll"] = json!("FALSE");
    sap.set(there, json!([])).await;
    let config = TF.configuration([("adopt_existing", Value::Bool(true))]);
    let created = TF
        .create(&sap.provider(), &config)
        .await
        .warning("Existing destination taken over");
    assert_eq!(created.list("unmanaged_properties"), ["TrustAll", "mine"]);
    let mut expected = cloud_alm_at_sap(&sap);
    expected["mine"] = json!("x");
    expected["TrustAll"] = json!("FALSE");
    expected["Password"] = json!("p");
    assert_eq!(sap.properties().await, expected);
    converged(&sap, &config, &created).await;
}

#[tokio::test]
async fn a_lost_answer_to_create_loses_nothing() {
    for reset in ["before", "after_commit"] {
        let sap = Sap::new().await;
        sap.fault(json!({
            "match": { "method": "POST", "path_prefix": COLLECTION }, "do": { "reset": reset }
        }))
        .await;
        let config = TF.configuration([]);
        let done = TF.create(&sap.provider(), &config).await;
        let created = done.instance.unwrap();
        assert_eq!(sap.properties().await, cloud_alm_at_sap(&sap), "{reset}");
        converged(&sap, &config, &created).await;
    }
}

#[tokio::test]
async fn a_create_that_cannot_be_decided_is_kept_as_tainted_and_deletes_only_its_own() {
    let sap = Sap::new().await;
    sap.fault(json!([
        { "match": { "method": "POST", "path_prefix": COLLECTION }, "do": { "reset": "after_commit" } },
        { "match": { "method": "GET", "path_prefix": COLLECTION }, "times": null, "do": { "status": 500 } }
    ]))
    .await;
    let config = TF.configuration([]);
    let done = TF.create(&sap.provider(), &config).await;
    let detail = &done.error().detail;
    assert!(detail.contains("not known") && detail.contains("tainted"));
    let tainted = done.instance.unwrap();
    assert!(tainted.state.is_wholly_known());
    sap.no_faults().await;

    // Without a read before it, the delete looks for itself.
    let made = sap.properties().await;
    let mut others = made.clone();
    others["clientSecret"] = json!("another one");
    sap.set(others.clone(), json!([])).await;
    let done = TF.delete(&sap.provider(), &tainted).await;
    let summary = "Outcome of the create was not known";
    assert_eq!(done.warnings()[0].summary, summary);
    assert_eq!(sap.properties().await, others);
    sap.set(made, json!([])).await;
    TF.delete(&sap.provider(), &tainted).await;
    assert!(sap.all().await.is_empty());
    TF.delete_quietly(&sap.provider(), &tainted).await;
}

#[tokio::test]
async fn a_cancelled_create_ends_soon_and_tells_the_truth() {
    let sap = Sap::new().await;
    sap.fault(json!({
        "match": { "method": "POST", "path_prefix": COLLECTION }, "do": { "delay_ms": 3_600_000 }
    }))
    .await;
    let context = context();
    let cancel = context.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
    });
    let config = TF.configuration([]);
    let done = TF.create_within(&sap.provider(), &config, &context).await;
    // The emulator commits before it waits, so the object is there and is ours.
    let created = done.warning("Existing destination taken over");
    converged(&sap, &config, &created).await;
}

#[tokio::test]
async fn failing_labels_do_not_fail_a_create() {
    let sap = Sap::new().await;
    sap.fault(json!({
        "match": { "method": "PUT", "path_prefix": COLLECTION }, "times": null, "do": { "status": 400, "body": {"ErrorMessage": "no labels today"} }
    }))
    .await;
    let config = TF.configuration([("labels", labels([("team", "a")]))]);
    let created = TF
        .create(&sap.provider(), &config)
        .await
        .warning("Cannot set labels of destination");
    sap.no_faults().await;
    let after = TF.read(&sap.provider(), &created).await.quietly();
    assert!(
        !TF.plans_nothing(&sap.provider(), &config, &after),
        "the difference shows"
    );
    let updated = TF.update(&sap.provider(), &config, &after).await.quietly();
    converged(&sap, &config, &updated).await;
    assert_eq!(
        sap.all().await[0]["labels"],
        json!([{"key": "team", "values": ["a"]}])
    );
}

#[tokio::test]
async fn a_failing_token_check_removes_what_was_just_created() {
    let sap = Sap::new().await;
    let key = sap.key("cloud-alm");
    let config = TF.configuration([
        ("name", text("CloudALM")),
        ("check_token", Value::Bool(true)),
        ("url", text("https://target.example")),
        ("client_id", text(key["uaa"]["clientid"].as_str().unwrap())),
        secrets([("client_secret_wo", text("wrong-secret"))]),
        (
            "token_service_url",
            text(&format!(
                "{}/oauth/token",
                key["uaa"]["url"].as_str().unwrap()
            )),
        ),
    ]);
    let done = TF.create(&sap.provider(), &config).await;
    let error = done.error();
    assert_eq!(error.summary, "Destination cannot fetch a token");
    assert!(error.detail.contains("deleted again"), "{}", error.detail);
    assert!(done.instance.is_none());
    assert!(sap.all().await.is_empty());

    // What cannot be removed again is known, and goes with the next destroy.
    sap.fault(json!({
        "match": { "method": "DELETE", "path_prefix": COLLECTION }, "times": null, "do": { "status": 500 }
    }))
    .await;
    let done = TF.create(&sap.provider(), &config).await;
    let tainted = done.instance.unwrap();
    assert_eq!(sap.all().await.len(), 1);
    sap.no_faults().await;
    TF.delete_quietly(&sap.provider(), &tainted).await;
    assert!(sap.all().await.is_empty());

    let config = TF.configuration([("check_token", Value::Bool(true))]);
    TF.create(&sap.provider(), &config).await.quietly();
}

// ---------------------------------------------------------------------- read

#[tokio::test]
async fn read_removes_state_when_gone_and_only_then() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    for answer in [
        json!({ "status": 404, "body": "404 Not Found: Requested route does not exist.", "headers": {"X-Cf-Routererror": "unknown_route"} }),
        json!({ "status": 200, "body": "<!DOCTYPE html><html></html>", "headers": {"content-type": "text/html"} }),
        json!({ "status": 503 }),
    ] {
        sap.fault(json!({
            "match": { "path_prefix": SERVICE }, "times": null, "do": answer
        }))
        .await;
        let done = TF.read(&sap.provider(), &created).await;
        assert!(done.diagnostics.has_errors(), "{answer}");
        assert!(done.instance.is_none());
        sap.no_faults().await;
    }
    sap.clear().await;
    let done = TF.read(&sap.provider(), &created).await;
    assert!(done.diagnostics.is_empty() && done.instance.is_none());
}

#[tokio::test]
async fn a_key_of_another_subaccount_is_an_error_before_any_call() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    sap.calls().await;
    let other = || sap.provider_of("destination-other", Some("cloud-alm"));
    let config = TF.configuration([("description", text("x"))]);
    for done in [
        TF.read(&other(), &created).await,
        TF.update(&other(), &config, &created).await,
        TF.delete(&other(), &created).await,
    ] {
        let error = done.error();
        assert_eq!(error.summary, "Service key of another subaccount");
        assert!(
            error
                .detail
                .contains(created.text("subaccount_id").unwrap())
        );
        assert!(done.instance.is_none());
    }
    assert!(sap.calls().await.is_empty());
}

#[tokio::test]
async fn drift_of_a_property_is_shown_and_corrected() {
    let sap = Sap::new().await;
    let config = TF.configuration([]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    for change in [
        json!({ "URL": "https://elsewhere" }),
        json!({ "Authentication": null }),
        json!({ "ProxyType": "OnPremise" }),
        json!({ "tokenServiceURLType": "Common" }),
    ] {
        sap.change(change.clone()).await;
        let after = TF.read(&sap.provider(), &created).await.quietly();
        assert!(
            !TF.plans_nothing(&sap.provider(), &config, &after),
            "{change}"
        );
        sap.calls().await;
        let updated = TF.update(&sap.provider(), &config, &after).await.quietly();
        let list = "GET /v1/subaccountDestinations";
        assert_eq!(
            sap.calls().await,
            [list, "PATCH /v1/subaccountDestinations", list]
        );
        assert_eq!(sap.properties().await, cloud_alm_at_sap(&sap), "{change}");
        converged(&sap, &config, &updated).await;
    }
}

#[tokio::test]
async fn a_property_that_weakens_security_is_drift_and_is_removed() {
    for key in ["TrustAll", "HTML5.ForwardAuthToken", "URL.headers.X-Foo"] {
        let sap = Sap::new().await;
        let config = TF.configuration([]);
        let created = TF.create(&sap.provider(), &config).await.quietly();
        sap.change(json!({ key: "TRUE", "mine": "x" })).await;
        let after = TF.read(&sap.provider(), &created).await.quietly();
        let planned = TF.planned(&sap.provider(), &config, Some(&after));
        let summaries: Vec<_> = planned.diagnostics.iter().map(|one| &one.summary).collect();
        assert_eq!(summaries, ["Properties will be removed"], "{key}");
        let updated = TF.update(&sap.provider(), &config, &after).await.quietly();
        assert_eq!(updated.list("unmanaged_properties"), ["mine"]);
        let mut expected = cloud_alm_at_sap(&sap);
        expected["mine"] = json!("x");
        assert_eq!(sap.properties().await, expected, "{key}");
        converged(&sap, &config, &updated).await;
    }
}

#[tokio::test]
async fn a_property_that_is_allowed_stays() {
    let sap = Sap::new().await;
    let allowed = Value::Set(vec![text("TrustAll")]);
    let config = TF.configuration([("allow_unmanaged", allowed)]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    sap.change(json!({ "TrustAll": "TRUE" })).await;
    let after = converged(&sap, &config, &created).await;
    assert_eq!(after.list("unmanaged_properties"), ["TrustAll"]);
}

#[tokio::test]
async fn a_complete_set_removes_what_others_added() {
    let sap = Sap::new().await;
    let config = TF.configuration([("properties", map([("sap-client", "100")]))]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    sap.change(json!({ "TrustAll": "TRUE", "mine": "x", "sap-client": "200" }))
        .await;
    let after = TF.read(&sap.provider(), &created).await.quietly();
    assert!(
        after
            .state
            .get("properties")
            .same(&map([("sap-client", "200"), ("TrustAll", "TRUE")]))
    );
    assert_eq!(after.list("unmanaged_properties"), ["mine"]);
    let updated = TF.update(&sap.provider(), &config, &after).await.quietly();
    let mut expected = cloud_alm_at_sap(&sap);
    expected["sap-client"] = json!("100");
    assert_eq!(sap.properties().await, expected);
    converged(&sap, &config, &updated).await;

    sap.change(json!({ "mine": "x" })).await;
    let after = TF.read(&sap.provider(), &updated).await.quietly();
    let updated = TF.update(&sap.provider(), &config, &after).await.quietly();
    assert_eq!(sap.properties().await, expected);

    // Taken out of the configuration, it goes with what it wrote.
    let config = TF.configuration([]);
    let updated = TF
        .update(&sap.provider(), &config, &updated)
        .await
        .quietly();
    assert_eq!(sap.properties().await, cloud_alm_at_sap(&sap));
    converged(&sap, &config, &updated).await;
}

// ------------------------------------------------------------------- secrets

#[tokio::test]
async fn a_secret_changed_outside_is_named_and_written_again() {
    let configs = [
        ("client_secret", "clientSecret", TF.configuration([])),
        ("password", "Password", basic([stored_password("p")])),
        ("password", "Password", basic([password("p")])),
        (
            "password",
            "Password",
            basic([secrets([
                ("password_wo", text("p")),
                ("version", number(1)),
            ])]),
        ),
        (
            "my.secret",
            "my.secret",
            basic([secrets([
                ("password_wo", text("p")),
                ("properties_wo", map([("my.secret", "s")])),
                ("version", number(7)),
            ])]),
        ),
    ];
    for (name, key, config) in configs {
        let sap = Sap::new().await;
        let created = TF.create(&sap.provider(), &config).await.quietly();
        let before = sap.properties().await;
        for drift in [json!("stolen"), json!(null)] {
            if drift.is_null() && key == "Password" {
                continue; // The service itself refuses that.
            }
            sap.change(json!({ key: drift })).await;
            let after = TF.read(&sap.provider(), &created).await.quietly();
            assert_eq!(after.entry(name), "changed outside Terraform");
            assert!(!after.stored().contains("stolen"));
            let again = TF.read(&sap.provider(), &after).await.quietly();
            let entry = again.entry(name);
            assert_eq!(entry, "changed outside Terraform", "it stays named");
            let planned = TF.planned(&sap.provider(), &config, Some(&after));
            let planned = planned.state.get("secrets").get(name).clone();
            assert!(planned.same(created.state.get("secrets").get(name)));
            let updated = TF.update(&sap.provider(), &config, &after).await.quietly();
            assert_eq!(sap.properties().await, before, "{name}");
            converged(&sap, &config, &updated).await;
        }
    }
}

#[tokio::test]
async fn a_rotated_key_is_an_update_in_place() {
    let sap = Sap::new().await;
    let config = TF.configuration([]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    sap.rotate("cloud-alm").await;
    // Without a refresh, too.
    assert!(!TF.plans_nothing(&sap.provider(), &config, &created));
    let after = TF.read(&sap.provider(), &created).await.quietly();
    assert_eq!(after.entry("client_secret"), "of an earlier key");
    let updated = TF.update(&sap.provider(), &config, &after).await.quietly();
    assert_eq!(sap.properties().await, cloud_alm_at_sap(&sap));
    converged(&sap, &config, &updated).await;
}

#[tokio::test]
async fn an_update_sends_nothing_when_sap_holds_the_value_already() {
    let sap = Sap::new().await;
    let config = basic([password("p")]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    sap.change(json!({ "Password": "q" })).await;
    sap.calls().await;
    let config = basic([password("q")]);
    let updated = TF
        .update(&sap.provider(), &config, &created)
        .await
        .quietly();
    assert_eq!(sap.calls().await, ["GET /v1/subaccountDestinations"]);
    converged(&sap, &config, &updated).await;
}

#[tokio::test]
async fn a_switch_sends_nothing_at_all() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    sap.calls().await;
    let config = TF.configuration([("check_token", Value::Bool(true))]);
    let updated = TF
        .update(&sap.provider(), &config, &created)
        .await
        .quietly();
    assert!(sap.calls().await.is_empty());
    converged(&sap, &config, &updated).await;
}

#[tokio::test]
async fn a_secret_that_leaves_the_configuration_is_deleted_and_others_stay() {
    let sap = Sap::new().await;
    let base = |more: Vec<(&str, Value)>| {
        let Value::Object(mut entries) = TF.configuration([
            ("name", text("CloudALM")),
            ("url", text("https://target.example")),
            ("client_id", text("c")),
            ("token_service_url", text("https://t.example/oauth/token")),
        ]) else {
            unreachable!()
        };
        for (name, value) in more {
            entries.insert(name.to_owned(), value);
        }
        Value::Object(entries)
    };
    let config = base(vec![secrets([
        ("client_secret_wo", text("s")),
        ("properties_wo", map([("one", "1"), ("two", "2")])),
    ])]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    sap.change(json!({ "KeyStorePassword": "never ours" }))
        .await;
    let after = TF.read(&sap.provider(), &created).await.quietly();
    // One of them is null: an empty variable deletes nothing.
    let config = base(vec![secrets([("properties_wo", map([("two", "2")]))])]);
    let planned = TF.planned(&sap.provider(), &config, Some(&after));
    assert!(
        planned
            .state
            .get("secrets")
            .same(after.state.get("secrets"))
    );
    let config = base(vec![]);
    let updated = TF.update(&sap.provider(), &config, &after).await.quietly();
    let properties = sap.properties().await;
    for gone in ["clientSecret", "one", "two"] {
        assert!(properties[gone].is_null(), "{gone}");
    }
    assert_eq!(properties["KeyStorePassword"], "never ours");
    converged(&sap, &config, &updated).await;
}

#[tokio::test]
async fn another_authentication_takes_the_secret_of_the_key_away() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    let config = basic([password("p")]);
    let updated = TF
        .update(&sap.provider(), &config, &created)
        .await
        .quietly();
    assert_eq!(sap.properties().await, basic_at_sap());
    converged(&sap, &config, &updated).await;
}

#[tokio::test]
async fn an_imported_secret_that_is_configured_plans_empty() {
    let sap = Sap::new().await;
    sap.set(basic_at_sap(), json!([])).await;
    let imported = TF
        .import(&sap.provider(), "subaccount/CloudALM")
        .await
        .quietly();
    let provider = sap.provider();
    // The object is new in the state, and nothing is written.
    let entry = |config: &Value, prior: &Instance| {
        let planned = TF.planned(&provider, config, Some(prior)).state;
        planned
            .get("secrets")
            .get("password")
            .as_str()
            .map(str::to_owned)
    };
    let is = |text: &str| Some(text.to_owned());
    assert_eq!(entry(&basic([password("p")]), &imported), is("as found"));
    assert_eq!(
        entry(&basic([password("q")]), &imported),
        is("from configuration")
    );
    sap.calls().await;
    let updated = TF
        .update(&provider, &basic([password("p")]), &imported)
        .await
        .quietly();
    assert!(sap.calls().await.is_empty());
    converged(&sap, &basic([password("p")]), &updated).await;
    sap.change(json!({ "Password": "q" })).await;
    let after = TF.read(&sap.provider(), &imported).await.quietly();
    let as_found = after.entry("password");
    assert_eq!(as_found, "as found", "nobody wrote it through us");
    assert_eq!(entry(&basic([password("q")]), &after), is("as found"));

    sap.set(cloud_alm_at_sap(&sap), json!([])).await;
    let imported = TF
        .import(&sap.provider(), "subaccount/CloudALM")
        .await
        .quietly();
    assert!(TF.plans_nothing(&provider, &TF.configuration([]), &imported));
}

#[tokio::test]
async fn a_null_secret_is_kept_and_stays_named() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &basic([password("p")]))
        .await
        .quietly();
    let config = basic([secrets([]), ("description", text("new"))]);
    let updated = TF
        .update(&sap.provider(), &config, &created)
        .await
        .quietly();
    assert_eq!(sap.properties().await["Password"], "p");
    assert_eq!(updated.entry("password"), "from configuration");
    converged(&sap, &config, &updated).await;
}

// -------------------------------------------------------------------- update

#[tokio::test]
async fn a_lost_answer_to_an_update_tells_the_truth() {
    for (reset, arrives) in [("before", false), ("after_commit", true)] {
        let sap = Sap::new().await;
        let config = basic([secrets([
            ("password_wo", text("p")),
            ("version", number(1)),
        ])]);
        let created = TF.create(&sap.provider(), &config).await.quietly();
        sap.fault(json!({
            "match": { "method": "PATCH", "path_prefix": COLLECTION }, "times": null, "do": { "reset": reset }
        }))
        .await;
        let config = basic([
            secrets([("password_wo", text("q")), ("version", number(2))]),
            ("description", text("new")),
        ]);
        let done = TF.update(&sap.provider(), &config, &created).await;
        sap.no_faults().await;
        let state = done.instance.clone().unwrap();
        if arrives {
            assert!(!done.diagnostics.has_errors(), "{:#?}", done.diagnostics);
            converged(&sap, &config, &state).await;
            continue;
        }
        done.error();
        assert_eq!(state.text("description"), None);
        let after = TF.read(&sap.provider(), &state).await.quietly();
        assert!(after.state.same(&state.state), "the state was true");
        let updated = TF.update(&sap.provider(), &config, &after).await.quietly();
        assert_eq!(sap.properties().await["Password"], "q");
        converged(&sap, &config, &updated).await;
    }
}

#[tokio::test]
async fn an_update_of_what_is_gone_says_so() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    sap.clear().await;
    let config = TF.configuration([("description", text("x"))]);
    let done = TF.update(&sap.provider(), &config, &created).await;
    assert!(done.error().detail.contains("deleted outside Terraform"));
    assert!(sap.all().await.is_empty());
}

#[tokio::test]
async fn what_somebody_adds_between_plan_and_apply_stays() {
    let sap = Sap::new().await;
    let config =
        |text_: &str| TF.configuration([("properties", map([])), ("description", text(text_))]);
    let created = TF.create(&sap.provider(), &config("one")).await.quietly();
    // The refresh of this plan has not seen it.
    sap.change(json!({ "mine": "x" })).await;
    let updated = TF
        .update(&sap.provider(), &config("two"), &created)
        .await
        .quietly();
    assert_eq!(updated.list("unmanaged_properties"), [""; 0], "as planned");
    assert_eq!(sap.properties().await["mine"], "x");
    let after = TF.read(&sap.provider(), &updated).await.quietly();
    assert!(
        !TF.plans_nothing(&sap.provider(), &config("two"), &after),
        "the next plan shows it"
    );
}

#[tokio::test]
async fn failing_labels_fail_an_update_with_a_true_state() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    sap.fault(json!({
        "match": { "method": "PUT", "path_prefix": COLLECTION }, "times": null, "do": { "status": 400 }
    }))
    .await;
    let config = TF.configuration([("labels", labels([("a", "1")])), ("description", text("x"))]);
    let done = TF.update(&sap.provider(), &config, &created).await;
    assert_eq!(done.error().summary, "Cannot set labels of destination");
    let state = done.instance.unwrap();
    assert_eq!(state.text("description"), Some("x"));
    assert!(state.state.get("labels").is_null());
    sap.no_faults().await;
    let updated = TF.update(&sap.provider(), &config, &state).await.quietly();
    converged(&sap, &config, &updated).await;
}

#[tokio::test]
async fn labels_that_leave_the_configuration_are_removed() {
    let sap = Sap::new().await;
    let config = TF.configuration([("labels", labels([("a", "1")]))]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    let updated = TF
        .update(&sap.provider(), &TF.configuration([]), &created)
        .await
        .quietly();
    assert_eq!(sap.all().await[0]["labels"], json!([]));
    converged(&sap, &TF.configuration([]), &updated).await;
}

// -------------------------------------------------------------------- delete

#[tokio::test]
async fn deleting_what_is_gone_succeeds() {
    for knobs in [json!({}), json!({ "missing_delete": "count_zero" })] {
        let sap = Sap::with_knobs(knobs).await;
        let created = TF
            .create(&sap.provider(), &TF.configuration([]))
            .await
            .quietly();
        for _ in 0..2 {
            let done = TF.delete(&sap.provider(), &created).await;
            assert!(done.diagnostics.is_empty() && done.instance.is_none());
        }
    }
}

#[tokio::test]
async fn a_lost_answer_to_delete_is_no_failure() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    sap.fault(json!({
        "match": { "method": "DELETE", "path_prefix": COLLECTION }, "times": null, "do": { "reset": "after_commit" }
    }))
    .await;
    let done = TF.delete(&sap.provider(), &created).await;
    assert!(
        done.diagnostics.is_empty() && done.instance.is_none(),
        "{:#?}",
        done.diagnostics
    );
}

#[tokio::test]
async fn what_was_created_in_this_run_is_not_deleted() {
    let sap = Sap::new().await;
    let provider = sap.provider();
    let created = TF.create(&provider, &TF.configuration([])).await.quietly();
    let done = TF.delete(&provider, &created).await;
    assert!(done.instance.is_none());
    let warning = done.diagnostics.iter().next().unwrap();
    assert_eq!(warning.summary, "Destination not deleted");
    assert_eq!(sap.all().await.len(), 1);
}

// -------------------------------------------------------------------- import

#[tokio::test]
async fn import_takes_every_documented_form_and_refuses_the_others() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    let subaccount = created.text("subaccount_id").unwrap().to_owned();
    for id in [
        "subaccount/CloudALM".to_owned(),
        format!("{subaccount}/subaccount/CloudALM"),
    ] {
        let imported = TF.import(&sap.provider(), &id).await.quietly();
        assert_eq!(imported.text("id"), Some("subaccount/CloudALM"));
        assert!(TF.plans_nothing(&sap.provider(), &TF.configuration([]), &imported));
    }
    let done = TF
        .import(&sap.provider(), "not-this-one/subaccount/CloudALM")
        .await;
    assert_eq!(done.error().summary, "Service key of another subaccount");
    let done = TF.import(&sap.provider(), "instance/CloudALM").await;
    assert!(
        done.instance.is_none() && done.diagnostics.is_empty(),
        "absent at that level"
    );

    let refused = |id: &str| {
        let import = ImportRequest::Id(id.to_owned());
        let error = TF.resource.import(import).unwrap_err();
        error.iter().next().unwrap().detail.clone()
    };
    assert!(refused("CloudALM").contains("`subaccount/CloudALM`"));
    for id in ["", "global/CloudALM", "subaccount/", "a/b/c/d"] {
        assert!(refused(id).contains("`<level>/<name>`"), "{id}");
    }
}

#[tokio::test]
async fn import_by_identity_finds_the_same_object() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    let identity = TF.resource.identity_schema().attributes().iter();
    let known = identity.filter_map(|attribute| {
        let text = created.state.get(attribute.name).as_str()?;
        Some((attribute.name.to_owned(), text.to_owned()))
    });
    let import = ImportRequest::Identity(known.collect());
    let stub = Instance {
        state: TF.resource.import(import).unwrap(),
        private: Private::default(),
    };
    let imported = TF.read(&sap.provider(), &stub).await.quietly();
    for (name, value) in created.state.entries().unwrap() {
        let is_same = value.same(imported.state.get(name)) || name == "secrets";
        assert!(is_same, "{name}");
    }
    assert_eq!(imported.entry("client_secret"), "as found");
}

// --------------------------------------------------------------- unknown keys

#[tokio::test]
async fn an_unknown_key_keeps_what_is_known_and_plans_what_is_not() {
    let sap = Sap::new().await;
    let config = TF.configuration([]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    sap.calls().await;
    let names = ["destination_service_key", "cloud_alm_service_key"];
    let unknown = names.map(|name| (name.to_owned(), Value::Unknown));
    let given = Value::Map(unknown.into());
    let (provider, _) = config::read(&given, &|_: &str| None, "1.11.4").unwrap();
    let after = TF
        .read(&provider, &created)
        .await
        .warning("Unknown provider configuration");
    assert!(after.state.same(&created.state));
    assert!(sap.calls().await.is_empty());
    let plan = TF.planned(&provider, &config, Some(&after));
    assert!(plan.state.get("url").is_unknown());
    assert!(plan.state.get("secrets").get("client_secret").is_unknown());
    // Before the apply Terraform plans again. Now the keys are known, and
    // nothing turns out to be different.
    assert!(TF.plans_nothing(&sap.provider(), &config, &after));
    let stub = TF.import(&provider, "subaccount/CloudALM").await;
    assert_eq!(stub.error().summary, "Unknown provider configuration");
}

// ------------------------------------------------------------ instance level

#[tokio::test]
async fn both_levels_hold_destinations_of_one_name() {
    let sap = Sap::new().await;
    let config = TF.configuration([("level", text("instance"))]);
    let one = TF
        .create(&sap.provider(), &TF.configuration([]))
        .await
        .quietly();
    let other = TF.create(&sap.provider(), &config).await.quietly();
    assert_eq!(other.text("id"), Some("instance/CloudALM"));
    assert!(other.text("instance_id").is_some() && one.text("instance_id").is_none());
    converged(&sap, &config, &other).await;
    let done = TF.delete(&sap.provider(), &other).await;
    assert!(done.diagnostics.is_empty());
    converged(&sap, &TF.configuration([]), &one).await;
}
