//! `sapcalm_registration` against the emulator: its plan and its life as the
//! framework drives them, with SAP as it is documented and as it may be.

use std::time::Duration;

use emulator::{DestinationKey, Emulator, Options, Scenario};
use framework::diagnostics::Severity;
use framework::plan::Change;
use framework::private::Private;
use framework::resource::ImportRequest;
use framework::value::Value;
use sapcalm::provider::configured::Configured;
use sapcalm::provider::{RESOURCES, config};
use serde_json::json;

use crate::support::direct::{Direct, Instance, context, object, text};
use crate::support::world::REGISTER_PATH;

/// Where the emulated Order Management listens.
const OMF: &str = "/omf/";
const REGISTER: &str = "/omf/integration-monitoring/v1/registration";
const OFFBOARD: &str = "/omf/integration-monitoring";
const LANDSCAPE: &str = "/api/calm-landscape/";
const ORDERS: &str = "acme-orders";
const MISSING: &str = "Registration is missing in the landscape";
const CALM: &str = "acme-calm";

/// Plays Terraform.
const TF: Direct = Direct {
    resource: RESOURCES[2],
};

// ------------------------------------------------------------ the other side

/// SAP, with the destination `CloudALM` in place.
struct Sap {
    emulator: Emulator,
    http: reqwest::Client,
}

impl Sap {
    async fn new() -> Self {
        Self::with_knobs(json!({})).await
    }

    async fn with_knobs(knobs: serde_json::Value) -> Self {
        let sap = Self::without_destination(knobs).await;
        sap.set_destination(ORDERS, json!(null)).await;
        sap
    }

    async fn without_destination(knobs: serde_json::Value) -> Self {
        Self::start(Options {
            scenario: Scenario {
                knobs: serde_json::from_value(knobs).unwrap(),
                ..Scenario::default()
            },
            ..Options::default()
        })
        .await
    }

    async fn start(options: Options) -> Self {
        Self {
            emulator: Emulator::start(options).await.unwrap(),
            http: reqwest::Client::new(),
        }
    }

    /// Writes the destination that Order Management reads in its subaccount,
    /// last changed at
    /// `modification_time` (epoch milliseconds; null is now).
    async fn set_destination(&self, subaccount: &str, modification_time: serde_json::Value) {
        let key = self.key("cloud-alm");
        let token_url = format!("{}/oauth/token", key["uaa"]["url"].as_str().unwrap());
        let destination = json!({
            "properties": {
                "Name": "CloudALM",
                "Type": "HTTP",
                "URL": key["endpoints"]["Api"],
                "ProxyType": "Internet",
                "Authentication": "OAuth2ClientCredentials",
                "clientId": key["uaa"]["clientid"],
                "clientSecret": key["uaa"]["clientsecret"],
                "tokenServiceURL": token_url,
                "tokenServiceURLType": "Dedicated",
            },
            "modification_time": modification_time,
        });
        let destinations = json!({ "destinations": [destination] });
        self.patch(
            "state",
            &json!({ "subaccounts": { subaccount: destinations } }),
        )
        .await;
    }

    fn key(&self, name: &str) -> serde_json::Value {
        let path = self.emulator.keys_dir().join(format!("{name}.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn control(&self, what: &str) -> String {
        format!("{}/_emulator/{what}", self.emulator.url())
    }

    async fn patch(&self, what: &str, body: &serde_json::Value) {
        let request = self.http.patch(self.control(what)).json(body);
        let answer = request.send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }

    async fn fault(&self, fault: serde_json::Value) {
        let request = self.http.post(self.control("faults")).json(&fault);
        let answer = request.send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }

    async fn clear(&self, what: &str) {
        let request = self.http.delete(self.control(what));
        assert!(request.send().await.unwrap().status().is_success());
    }

    async fn state(&self) -> serde_json::Value {
        let answer = self.http.get(self.control("state")).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn is_registered(&self) -> bool {
        !self.state().await["subaccounts"][ORDERS]["registration"].is_null()
    }

    async fn tenant(&self) -> String {
        let state = self.state().await;
        let id = &state["subaccounts"][ORDERS]["id"];
        id.as_str().unwrap().to_owned()
    }

    async fn set_landscape(&self, ids: &[String]) {
        let objects: Vec<_> = ids
            .iter()
            .map(|id| json!({ "lmsId": id, "objectType": "CloudService" }))
            .collect();
        let calm = json!({ "landscape": objects });
        self.patch("state", &json!({ "subaccounts": { CALM: calm } }))
            .await;
    }

    /// What somebody does who offboards by hand.
    async fn offboard_outside(&self) {
        let orders = json!({ "registration": null });
        let calm = json!({ "landscape": [] });
        self.patch(
            "state",
            &json!({ "subaccounts": { ORDERS: orders, CALM: calm } }),
        )
        .await;
    }

    /// Method and path of every request of ours whose path begins so.
    async fn requests(&self, prefix: &str) -> Vec<String> {
        let answer = self.http.get(self.control("journal")).send().await.unwrap();
        let entries: Vec<serde_json::Value> = answer.json().await.unwrap();
        entries
            .iter()
            .filter(|entry| entry["caller"].is_null())
            .filter(|entry| entry["path"].as_str().unwrap().starts_with(prefix))
            .map(|entry| {
                let text = |name: &str| entry[name].as_str().unwrap().to_owned();
                format!("{} {}", text("method"), text("path"))
            })
            .collect()
    }

    /// A freshly configured provider with all three keys, as in a new process.
    fn provider(&self) -> Configured {
        self.provider_with(&[], Value::Null)
    }

    #[allow(clippy::needless_pass_by_value, reason = "callers build it in place")]
    fn provider_with(&self, without: &[&str], api: Value) -> Configured {
        self.provider_of(without, [("order_management_api", with_path(&api))])
    }

    fn provider_of<const N: usize>(
        &self,
        without: &[&str],
        given: [(&str, Value); N],
    ) -> Configured {
        let environment = |name: &str| {
            let file = match name {
                "SAPCALM_DESTINATION_SERVICE_KEY" => "destination",
                "SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY" => "order-management",
                "SAPCALM_CLOUD_ALM_SERVICE_KEY" => "cloud-alm",
                "SAPCALM_RETRY_BASE_DELAY" => return Some(Ok("20ms".to_owned())),
                "SAPCALM_MAX_RETRIES" => return Some(Ok("3".to_owned())),
                _ => return None,
            };
            let path = self.emulator.keys_dir().join(format!("{file}.json"));
            (!without.contains(&file)).then(|| Ok(format!("@{}", path.display())))
        };
        let given = given.map(|(name, value)| (name.to_owned(), value));
        let block = Value::Map(given.into());
        let (configured, diagnostics) = config::read(&block, &environment, "1.11.4").unwrap();
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        configured
    }
}

/// The setting with the emulator's path, where it does not have another one.
fn with_path(api: &Value) -> Value {
    const CALL: [&str; 3] = ["method", "path", "body"];
    const API: [&str; 7] = [
        "endpoint",
        "endpoint_key",
        "register",
        "offboard",
        "headers",
        "already_registered_codes",
        "not_registered_codes",
    ];
    // Whole objects, as the framework hands them over.
    let whole = |value: &Value, names: &[&str]| {
        let mut entries = value.entries().cloned().unwrap_or_default();
        for name in names {
            entries.entry((*name).to_owned()).or_default();
        }
        entries
    };
    let mut entries = whole(api, &API);
    let mut register = whole(&entries["register"], &CALL);
    let path = register.entry("path".to_owned()).or_default();
    if path.is_null() {
        *path = text(REGISTER_PATH);
    }
    entries.insert("register".to_owned(), Value::Object(register));
    if !entries["offboard"].is_null() {
        let offboard = whole(&entries["offboard"], &CALL);
        entries.insert("offboard".to_owned(), Value::Object(offboard));
    }
    Value::Object(entries)
}

// ------------------------------------------------------------ Terraform's side

/// A configuration of the resource: the destination `CloudALM` and these.
fn configuration<const N: usize>(given: [(&str, Value); N]) -> Value {
    let Value::Object(mut entries) = TF.configuration(given) else {
        unreachable!("a configuration is an object")
    };
    let name = entries.entry("destination_name".to_owned()).or_default();
    if name.is_null() {
        *name = text("CloudALM");
    }
    Value::Object(entries)
}

// -------------------------------------------------------------------- create

#[tokio::test]
async fn create_registers_and_sees_the_tenant_in_the_landscape() {
    let sap = Sap::new().await;
    let provider = sap.provider();
    let config = configuration([]);
    let created = TF.create(&provider, &config).await.quietly();

    let tenant = sap.tenant().await;
    assert_eq!(created.text("id"), Some(tenant.as_str()));
    assert_eq!(created.text("tenant_id"), Some(tenant.as_str()));
    assert_eq!(created.text("status"), Some("registered"));
    assert_eq!(created.text("environment"), Some("prod"));
    assert_eq!(
        created.text("lms_id"),
        Some(format!("CO_prod_{tenant}").as_str())
    );
    assert!(created.text("message").unwrap().contains("successful"));
    assert_eq!(sap.requests(OMF).await, [format!("POST {REGISTER}")]);
    assert!(sap.is_registered().await);
    assert!(TF.plans_nothing(&sap.provider(), &config, &created));
    let after = TF.read(&sap.provider(), &created).await.quietly();
    assert_eq!(after.state, created.state);
}

#[tokio::test]
async fn create_needs_no_other_key_than_the_one_of_order_management() {
    let sap = Sap::new().await;
    let provider = sap.provider_with(&["destination", "cloud-alm"], Value::Null);
    let config = configuration([]);
    let created = TF.create(&provider, &config).await.quietly();
    assert_eq!(created.text("status"), Some("accepted"));
    assert_eq!(created.text("lms_id"), None);
    assert_eq!(created.text("environment"), None);
    let after = TF.read(&provider, &created).await.quietly();
    assert_eq!(after.state, created.state);
    assert!(TF.plans_nothing(&provider, &config, &after));
    let next = sap.provider_with(&["destination", "cloud-alm"], Value::Null);
    TF.delete_quietly(&next, &after).await;
    assert!(!sap.is_registered().await);
}

#[tokio::test]
async fn create_fails_before_it_changes_anything_when_the_destination_is_missing() {
    let sap = Sap::without_destination(json!({})).await;
    let done = TF.create(&sap.provider(), &configuration([])).await;
    let error = done.error();
    assert_eq!(error.summary, "Destination to register with does not exist");
    assert_eq!(error.path.as_ref().unwrap().to_string(), "destination_name");
    assert!(done.instance.is_none());
    assert!(sap.requests(OMF).await.is_empty());
}

#[tokio::test]
async fn create_without_a_key_is_refused_while_planning_and_names_attribute_and_variable() {
    let sap = Sap::new().await;
    let provider = sap.provider_with(&["order-management"], Value::Null);
    let change = Change {
        config: configuration([]),
        prior: Value::Null,
        private: Private::default(),
    };
    let planned = TF.resource.plan(Some(&provider), change);
    let problem = planned.diagnostics.iter().next().unwrap();
    assert_eq!(problem.severity, Severity::Error);
    let detail = &problem.detail;
    assert!(
        detail.contains("`order_management_service_key`"),
        "{detail}"
    );
    assert!(
        detail.contains("`SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY`"),
        "{detail}"
    );
}

#[tokio::test]
async fn create_works_with_every_shape_of_the_service() {
    let call = |method: &str, path: &str| object([("method", text(method)), ("path", text(path))]);
    let cases = [
        (
            json!({ "key_shape": "flat", "messages": "text", "already_registered": 409 }),
            Value::Null,
        ),
        (
            json!({ "register_path": "/v2/register", "register_method": "PUT",
                    "offboard_path": "/v2/offboard", "offboard_method": "DELETE" }),
            object([
                ("register", call("PUT", "v2/register")),
                ("offboard", call("DELETE", "/v2/offboard")),
            ]),
        ),
        (
            json!({ "register_headers": { "X-Purpose": "calm-4711" }, "register_body": "json" }),
            object([
                ("register", object([("body", text(r#"{"kind":"full"}"#))])),
                (
                    "headers",
                    Value::Map([("X-Purpose".to_owned(), text("calm-4711"))].into()),
                ),
            ]),
        ),
        (
            json!({ "endpoint_key": "monitoring", "endpoint_form": "object" }),
            object([("endpoint_key", text("monitoring"))]),
        ),
    ];
    for (knobs, api) in cases {
        let sap = Sap::with_knobs(json!({ "order_management": knobs })).await;
        let provider = || sap.provider_with(&[], api.clone());
        let created = TF.create(&provider(), &configuration([])).await.quietly();
        assert_eq!(created.text("status"), Some("registered"), "{knobs}");
        let read = TF.read(&provider(), &created).await.quietly();
        assert_eq!(read.state, created.state, "{knobs}");
        TF.delete_quietly(&provider(), &read).await;
        assert!(!sap.is_registered().await, "{knobs}");
    }
}

#[tokio::test]
async fn an_empty_answer_is_a_success_without_message() {
    let sap = Sap::with_knobs(json!({ "order_management": { "already_registered": 204 } })).await;
    TF.create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    let again = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    assert_eq!(again.text("status"), Some("registered"));
    assert_eq!(again.text("message"), None);
}

#[tokio::test]
async fn already_registered_is_success() {
    let sap = Sap::with_knobs(json!({ "order_management": { "already_registered": 409 } })).await;
    TF.create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    let again = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    assert_eq!(again.text("status"), Some("registered"));
    assert!(
        again
            .text("message")
            .unwrap()
            .contains("Already registered")
    );
}

#[tokio::test]
async fn already_registered_with_another_status_is_configurable() {
    let sap = Sap::with_knobs(json!({ "order_management": { "already_registered": 412 } })).await;
    // The cache of destinations is over, so nothing is repeated.
    sap.set_destination(ORDERS, json!(1_700_000_000_000_u64))
        .await;
    TF.create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    let refused = TF.create(&sap.provider(), &configuration([])).await;
    assert!(refused.error().detail.contains("Already registered"));
    let codes = Value::Set(vec![Value::Number(412_i64.into())]);
    let api = object([("already_registered_codes", codes)]);
    let provider = sap.provider_with(&[], api);
    TF.create(&provider, &configuration([])).await.quietly();
}

#[tokio::test]
async fn a_wrong_path_fails_at_once_and_names_the_setting() {
    for (path, method) in [("v2/registration", "POST"), (REGISTER_PATH, "PUT")] {
        let sap = Sap::new().await;
        let register = object([("path", text(path)), ("method", text(method))]);
        let provider = sap.provider_with(&[], object([("register", register)]));
        let done = TF.create(&provider, &configuration([])).await;
        let error = done.error();
        assert_eq!(error.summary, "Cannot register for Integration Monitoring");
        assert!(
            error.detail.contains("`order_management_api.register`"),
            "{}",
            error.detail
        );
        assert!(
            error.detail.contains(&format!("{method} /omf/")),
            "{}",
            error.detail
        );
        assert!(done.instance.is_none());
        assert_eq!(sap.requests(OMF).await.len(), 1);
    }
}

#[tokio::test]
async fn a_router_that_answers_is_an_error_that_names_the_setting() {
    let sap = Sap::with_knobs(json!({ "unrouted": ["/omf"] })).await;
    let done = TF.create(&sap.provider(), &configuration([])).await;
    let detail = &done.error().detail;
    assert!(
        detail.contains("`order_management_api.register`"),
        "{detail}"
    );
    assert!(done.instance.is_none());
}

#[tokio::test]
async fn html_is_never_a_registration() {
    let sap = Sap::new().await;
    sap.fault(json!({
        "match": { "path_prefix": REGISTER }, "times": null,
        "do": { "status": 200, "headers": { "content-type": "text/html" },
                "body": "<html><title>Log in</title></html>" }
    }))
    .await;
    let done = TF.create(&sap.provider(), &configuration([])).await;
    assert!(
        done.error().detail.contains("HTML"),
        "{}",
        done.error().detail
    );
}

#[tokio::test]
async fn a_scope_that_is_not_granted_is_an_error_at_the_scope() {
    let sap = Sap::with_knobs(json!({ "order_management": { "scope_granted": false } })).await;
    let done = TF.create(&sap.provider(), &configuration([])).await;
    assert_eq!(done.error().path.as_ref().unwrap().to_string(), "scope");
    assert!(done.instance.is_none());

    // Without a scope in the request there is a token, but not a good one.
    let done = TF
        .create(&sap.provider(), &configuration([("scope", text(""))]))
        .await;
    assert_eq!(
        done.warnings()[0].summary,
        "Token may lack the scope for registering"
    );
    assert!(
        done.error().detail.contains("403"),
        "{}",
        done.error().detail
    );
    assert!(done.instance.is_none());
}

#[tokio::test]
async fn a_scope_of_the_master_application_is_recognised_by_its_end() {
    let sap = Sap::with_knobs(json!({ "order_management": { "scope_owner": "master" } })).await;
    let refused = TF.create(&sap.provider(), &configuration([])).await;
    assert_eq!(refused.error().path.as_ref().unwrap().to_string(), "scope");
    TF.create(&sap.provider(), &configuration([("scope", text(""))]))
        .await
        .quietly();
}

#[tokio::test]
async fn a_fresh_destination_is_waited_for() {
    let knobs = json!({ "destination": { "propagation_ms": 700 } });
    let sap = Sap::without_destination(knobs).await;
    sap.set_destination(ORDERS, json!(null)).await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    assert_eq!(created.text("status"), Some("registered"));
    assert!(sap.requests(OMF).await.len() > 1);
}

#[tokio::test]
async fn an_old_destination_that_does_not_work_is_not_waited_for() {
    let sap = Sap::new().await;
    sap.set_destination(ORDERS, json!(1_700_000_000_000_u64))
        .await;
    sap.fault(json!({
        "match": { "path_prefix": REGISTER }, "times": null,
        "do": { "status": 424, "body": { "message": "Destination CloudALM cannot be used" } }
    }))
    .await;
    let done = TF.create(&sap.provider(), &configuration([])).await;
    assert!(done.error().detail.contains("CloudALM cannot be used"));
    assert!(done.instance.is_none());
    assert_eq!(sap.requests(OMF).await.len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let sap = Sap::with_knobs(json!({ "order_management": { "already_registered": 409 } })).await;
    sap.fault(json!({ "match": { "path_prefix": REGISTER }, "do": { "reset": "after_commit" } }))
        .await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    assert_eq!(created.text("status"), Some("registered"));
    assert_eq!(sap.requests(REGISTER).await.len(), 2);
}

#[tokio::test]
async fn a_cancelled_create_that_may_have_registered_can_be_offboarded() {
    let sap = Sap::new().await;
    sap.fault(json!({ "match": { "path_prefix": REGISTER }, "do": { "delay_ms": 20_000 } }))
        .await;
    let provider = sap.provider();
    let context = context();
    let cancel = context.cancel.clone();
    let config = configuration([]);
    let (done, ()) = tokio::join!(TF.create_within(&provider, &config, &context), async {
        while !sap.is_registered().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        cancel.cancel();
    });
    assert!(
        done.error().detail.contains("tainted"),
        "{}",
        done.error().detail
    );
    let tainted = done.instance.unwrap();
    assert_eq!(tainted.text("tenant_id"), Some(sap.tenant().await.as_str()));
    assert_eq!(tainted.text("status"), None);
    assert!(tainted.state.is_wholly_known());
    TF.delete_quietly(&sap.provider(), &tainted).await;
    assert!(!sap.is_registered().await);
}

#[tokio::test]
async fn an_interrupted_create_that_registered_nothing_can_be_deleted() {
    let sap = Sap::with_knobs(json!({ "order_management": { "not_registered": 404 } })).await;
    let matches = json!({ "path_prefix": REGISTER });
    sap.fault(json!({ "match": matches, "times": null, "do": { "reset": "before" } }))
        .await;
    // An old destination, so that the loss of answers is not waited out.
    sap.set_destination(ORDERS, json!(1_700_000_000_000_u64))
        .await;
    let done = TF.create(&sap.provider(), &configuration([])).await;
    assert!(
        done.error().detail.contains("tainted"),
        "{}",
        done.error().detail
    );
    let tainted = done.instance.unwrap();
    let after = TF.read(&sap.provider(), &tainted).await;
    let after = after.warning("Outcome of the create was not known");
    TF.delete_quietly(&sap.provider(), &after).await;
}

#[tokio::test]
async fn a_create_that_is_cancelled_before_it_registers_leaves_nothing() {
    let sap = Sap::new().await;
    let context = context();
    context.cancel.cancel();
    let done = TF
        .create_within(&sap.provider(), &configuration([]), &context)
        .await;
    assert!(done.diagnostics.has_errors());
    assert!(done.instance.is_none());
    assert!(sap.requests(OMF).await.is_empty());
}

/// Ctrl-C while a new landscape entry is waited for: what is registered is in the
/// state, also where it replaces what this run has deleted.
#[tokio::test]
async fn an_interrupted_create_that_registered_is_in_the_state() {
    let config = configuration([("verify_timeout", text("20s"))]);
    for (replaces, deletes_first) in [(false, false), (true, true)] {
        let sap = Sap::new().await;
        let (context, provider) = (context(), sap.provider());
        let mut before = None;
        if replaces {
            before = Some(TF.create(&sap.provider(), &config).await.quietly());
        }
        if deletes_first {
            TF.delete_quietly(&provider, before.as_ref().unwrap()).await;
        }
        let matches = json!({ "method": "GET", "path_prefix": LANDSCAPE });
        sap.fault(json!({ "match": matches, "times": null, "do": { "delay_ms": 20_000 } }))
            .await;
        sap.clear("journal").await;
        let create = TF.create_instead(&provider, &config, before.as_ref(), &context);
        let interrupt = async {
            while sap.requests(LANDSCAPE).await.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            context.cancel.cancel();
        };
        let (done, ()) = tokio::join!(create, interrupt);
        assert!(sap.is_registered().await);
        assert!(done.errors().is_empty());
        let created = done.instance.unwrap();
        assert_eq!(created.text("status"), Some("accepted"));
    }
}

#[tokio::test]
async fn nothing_after_the_registration_fails_a_create() {
    let cases = [
        json!({ "status": 503 }),
        json!({ "reset": "before" }),
        json!({ "body": "not what was asked for" }),
    ];
    for action in cases {
        let sap = Sap::new().await;
        let matches = json!({ "path_prefix": LANDSCAPE });
        sap.fault(json!({ "match": matches, "times": null, "do": action }))
            .await;
        let done = TF.create(&sap.provider(), &configuration([])).await;
        let created = done.warning("Cannot read the Cloud ALM landscape");
        assert_eq!(created.text("status"), Some("accepted"), "{action}");
    }
}

/// The key that Cloud ALM makes by itself is for pushing.
#[tokio::test]
async fn a_key_that_may_not_read_the_landscape_is_silent_unless_verify_is_on() {
    let sap = Sap::new().await;
    let matches = json!({ "path_prefix": LANDSCAPE });
    sap.fault(json!({ "match": matches, "times": null, "do": { "status": 403 } }))
        .await;
    let config = configuration([]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    assert_eq!(created.text("status"), Some("accepted"));
    let read = TF.read(&sap.provider(), &created).await.quietly();
    assert!(TF.plans_nothing(&sap.provider(), &config, &read));
    let config = configuration([("verify", Value::Bool(true))]);
    let done = TF.create(&sap.provider(), &config).await;
    let created = done.warning("Cannot read the Cloud ALM landscape");
    let read = TF.read(&sap.provider(), &created).await;
    read.warning("Cannot read the Cloud ALM landscape");
}

/// The last answer alone decides nothing: the first one was lost.
#[tokio::test]
async fn a_registration_whose_lost_answer_is_followed_by_a_refusal_can_be_offboarded() {
    for last in [500, 503, 403, 404, 409] {
        let sap = Sap::new().await;
        let matches = json!({ "path_prefix": REGISTER });
        for action in [
            json!({ "reset": "after_commit" }),
            json!({ "status": last }),
        ] {
            let times = if action["status"].is_null() {
                json!(1)
            } else {
                json!(null)
            };
            sap.fault(json!({ "match": matches, "times": times, "do": action }))
                .await;
        }
        let codes = Value::Set(Vec::new());
        let provider = sap.provider_with(&[], object([("already_registered_codes", codes)]));
        let done = TF.create(&provider, &configuration([])).await;
        assert!(
            done.error().detail.contains("tainted"),
            "{last}: {}",
            done.error().detail
        );
        sap.clear("faults").await;
        assert!(sap.is_registered().await);
        let tainted = TF.read(&sap.provider(), &done.instance.unwrap()).await;
        let tainted = tainted.warning("Outcome of the create was not known");
        assert_eq!(tainted.text("status"), Some("registered"));
        TF.read(&sap.provider(), &tainted).await.quietly();
        TF.delete_quietly(&sap.provider(), &tainted).await;
        assert!(!sap.is_registered().await, "{last}");
    }
}

#[tokio::test]
async fn two_registrations_of_one_tenant_are_refused_in_one_run_and_told_in_a_state() {
    let sap = Sap::new().await;
    let provider = sap.provider();
    let config = configuration([]);
    let one = TF.create(&provider, &config).await.quietly();
    let second = TF.create(&provider, &config).await;
    assert_eq!(second.error().summary, "Two registrations of one tenant");
    assert!(second.instance.is_none());
    assert_eq!(sap.requests(OMF).await.len(), 1);

    let next = sap.provider();
    TF.read(&next, &one).await.quietly();
    let other = TF.read(&next, &one).await;
    other.warning("Two registrations of one tenant");
}

// -------------------------------------------------------------------- verify

#[tokio::test]
async fn a_late_landscape_is_waited_for_when_asked_to() {
    let sap = Sap::with_knobs(json!({ "cloud_alm": { "landscape_delay_ms": 600 } })).await;
    let config = configuration([("verify_timeout", text("20s"))]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    assert_eq!(created.text("status"), Some("registered"));
}

#[tokio::test]
async fn a_late_landscape_is_accepted_first_and_seen_by_a_later_read() {
    let sap = Sap::with_knobs(json!({ "cloud_alm": { "landscape_visible": false } })).await;
    let config = configuration([]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    assert_eq!(created.text("status"), Some("accepted"));
    // Not seen yet is not missing.
    let read_early = TF.read(&sap.provider(), &created).await.quietly();
    assert_eq!(read_early.state, created.state);
    assert!(TF.plans_nothing(&sap.provider(), &config, &read_early));

    sap.patch(
        "knobs",
        &json!({ "cloud_alm": { "landscape_visible": true } }),
    )
    .await;
    let seen = TF.read(&sap.provider(), &created).await.quietly();
    assert_eq!(seen.text("status"), Some("registered"));
    assert_eq!(seen.text("environment"), Some("prod"));
    assert!(TF.plans_nothing(&sap.provider(), &config, &seen));
}

#[tokio::test]
async fn a_wait_that_was_in_vain_is_a_warning() {
    let sap = Sap::with_knobs(json!({ "cloud_alm": { "landscape_visible": false } })).await;
    let config = configuration([("verify_timeout", text("100ms"))]);
    let done = TF.create(&sap.provider(), &config).await;
    let created = done.warning("Registration is not in the landscape yet");
    assert_eq!(created.text("status"), Some("accepted"));
}

#[tokio::test]
async fn verify_off_asks_no_landscape() {
    let sap = Sap::new().await;
    let config = configuration([
        ("verify", Value::Bool(false)),
        ("environment", text("prod")),
    ]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    let after = TF.read(&sap.provider(), &created).await.quietly();
    assert_eq!(after.text("status"), Some("accepted"));
    let id = format!("CO_prod_{}", sap.tenant().await);
    assert_eq!(after.text("lms_id"), Some(id.as_str()));
    assert!(sap.requests(LANDSCAPE).await.is_empty());
}

#[tokio::test]
async fn verify_on_without_a_key_is_a_warning() {
    let sap = Sap::new().await;
    let provider = sap.provider_with(&["cloud-alm"], Value::Null);
    let config = configuration([("verify", Value::Bool(true))]);
    let done = TF.create(&provider, &config).await;
    done.warning("Registration cannot be verified");
}

#[tokio::test]
async fn several_landscape_objects_leave_the_choice_to_the_practitioner() {
    let sap = Sap::with_knobs(json!({ "cloud_alm": { "filters": false } })).await;
    let tenant = sap.tenant().await;
    let old = format!("CO_old_{tenant}");
    sap.set_landscape(&[old.clone(), "CO_prod_other".to_owned()])
        .await;
    let done = TF.create(&sap.provider(), &configuration([])).await;
    let created = done.warning("Several landscape objects match");
    assert_eq!(created.text("lms_id"), None);
    assert_eq!(created.text("status"), Some("accepted"));

    let config = configuration([("environment", text("prod"))]);
    let updated = TF
        .update(&sap.provider(), &config, &created)
        .await
        .quietly();
    assert_eq!(
        updated.text("lms_id"),
        Some(format!("CO_prod_{tenant}").as_str())
    );
    assert_eq!(updated.text("status"), Some("registered"));
    assert_eq!(sap.requests(REGISTER).await.len(), 1);
}

#[tokio::test]
async fn a_landscape_with_small_pages_is_searched_to_its_end() {
    let knobs = json!({ "cloud_alm": { "page_size": 2, "filters": false } });
    let sap = Sap::with_knobs(knobs).await;
    let others: Vec<_> = (0..5).map(|number| format!("CO_prod_{number}")).collect();
    sap.set_landscape(&others).await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    assert_eq!(created.text("status"), Some("registered"));
    let after = TF.read(&sap.provider(), &created).await.quietly();
    assert_eq!(after.state, created.state);
}

#[tokio::test]
async fn a_landscape_id_that_leaves_the_configuration_is_discovered_again() {
    let sap = Sap::new().await;
    let config = configuration([("lms_id", text("CO_wrong_id"))]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    assert_eq!(created.text("status"), Some("accepted"));
    assert_eq!(created.text("lms_id"), Some("CO_wrong_id"));
    // Its own id was never seen, so it is not missing.
    let created = TF.read(&sap.provider(), &created).await.quietly();
    assert_eq!(created.text("status"), Some("accepted"));

    let config = configuration([]);
    let updated = TF
        .update(&sap.provider(), &config, &created)
        .await
        .quietly();
    assert_eq!(updated.text("environment"), Some("prod"));
    assert_eq!(updated.text("status"), Some("registered"));
    assert!(TF.plans_nothing(&sap.provider(), &config, &updated));
    assert_eq!(sap.requests(REGISTER).await.len(), 1);
}

// ---------------------------------------------------------------- read, update

#[tokio::test]
async fn what_somebody_offboarded_is_missing_and_registered_again_in_place() {
    let sap = Sap::new().await;
    let config = configuration([]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    sap.offboard_outside().await;

    let missing = TF.read(&sap.provider(), &created).await;
    let missing = missing.warning(MISSING);
    assert_eq!(missing.text("status"), Some("missing"));
    assert_eq!(missing.text("lms_id"), created.text("lms_id"));

    let repaired = TF
        .update(&sap.provider(), &config, &missing)
        .await
        .quietly();
    assert_eq!(repaired.text("status"), Some("registered"));
    assert!(sap.is_registered().await);
    assert!(TF.plans_nothing(&sap.provider(), &config, &repaired));
}

#[tokio::test]
async fn an_update_that_cannot_register_keeps_the_state_missing() {
    let sap = Sap::new().await;
    let config = configuration([]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    sap.offboard_outside().await;
    let missing = TF.read(&sap.provider(), &created).await;
    let missing = missing.warning(MISSING);
    sap.fault(json!({ "match": { "path_prefix": REGISTER }, "do": { "status": 403 } }))
        .await;
    let failed = TF.update(&sap.provider(), &config, &missing).await;
    assert!(failed.diagnostics.has_errors());
    assert!(failed.instance.is_none());
    TF.update(&sap.provider(), &config, &missing)
        .await
        .quietly();
    assert!(sap.is_registered().await);
}

#[tokio::test]
async fn a_landscape_that_cannot_be_asked_keeps_the_status() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    sap.offboard_outside().await;
    let matches = json!({ "path_prefix": LANDSCAPE });
    sap.fault(json!({ "match": matches, "times": null, "do": { "status": 503 } }))
        .await;
    let after = TF.read(&sap.provider(), &created).await;
    let after = after.warning("Cannot read the Cloud ALM landscape");
    assert_eq!(after.state, created.state);
}

#[tokio::test]
async fn an_empty_body_of_the_landscape_is_an_empty_landscape() {
    let sap = Sap::with_knobs(json!({ "cloud_alm": { "empty_body": true } })).await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    sap.offboard_outside().await;
    let after = TF.read(&sap.provider(), &created).await.warning(MISSING);
    assert_eq!(after.text("status"), Some("missing"));
}

#[tokio::test]
async fn changed_switches_send_nothing() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    sap.clear("journal").await;
    for (name, value) in [
        ("scope", text("some.IntegrationMonitoring")),
        ("verify", Value::Bool(true)),
        ("verify_timeout", text("1m")),
    ] {
        let config = configuration([(name, value.clone())]);
        let updated = TF
            .update(&sap.provider(), &config, &created)
            .await
            .quietly();
        assert_eq!(updated.state.get(name), &value);
        assert_eq!(updated.text("status"), Some("registered"));
    }
    assert!(sap.requests("/").await.is_empty());
}

#[tokio::test]
async fn a_scope_that_is_not_granted_any_more_does_not_stand_in_the_way() {
    let sap = Sap::new().await;
    let scope = "gone.IntegrationMonitoring";
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    let config = configuration([("scope", text(scope))]);
    let changed = TF
        .update(&sap.provider(), &config, &created)
        .await
        .quietly();
    let changed = TF.read(&sap.provider(), &changed).await.quietly();
    TF.delete_quietly(&sap.provider(), &changed).await;
    assert!(!sap.is_registered().await);
}

// ---------------------------------------------------------------------- keys

#[tokio::test]
async fn a_key_of_another_tenant_is_an_error_that_touches_nothing() {
    let sap = Sap::new().await;
    let config = configuration([]);
    let created = TF.create(&sap.provider(), &config).await.quietly();
    sap.offboard_outside().await;
    let missing = TF.read(&sap.provider(), &created).await;
    let missing = missing.warning(MISSING);
    let ours = sap.tenant().await;
    let theirs = "99999999-2222-4333-8444-555555555555";
    let orders = json!({ "id": theirs });
    sap.patch("state", &json!({ "subaccounts": { ORDERS: orders } }))
        .await;
    // Some emulated knob makes it write its keys again.
    sap.patch("knobs", &json!({})).await;
    sap.clear("journal").await;

    let provider = sap.provider();
    let switched = configuration([("verify", Value::Bool(false))]);
    let outcomes = [
        TF.read(&provider, &missing).await,
        TF.update(&provider, &config, &missing).await,
        TF.update(&provider, &switched, &created).await,
        TF.delete(&provider, &created).await,
    ];
    for done in outcomes {
        let error = done.error();
        assert_eq!(error.summary, "Service key of another tenant");
        assert!(error.detail.contains(&ours) && error.detail.contains(theirs));
        if let Some(kept) = done.instance {
            assert_eq!(kept.state, missing.state);
        }
    }
    assert!(sap.requests(OMF).await.is_empty());
    assert!(sap.requests(LANDSCAPE).await.is_empty());
}

#[tokio::test]
async fn a_token_that_tells_no_tenant_is_warned_about_once() {
    let knobs = json!({ "token": { "format": "opaque" } });
    let sap = Sap::with_knobs(knobs).await;
    let provider = sap.provider();
    let done = TF.create(&provider, &configuration([])).await;
    let created = done.warning("Token does not tell its tenant");
    // The service key tells it instead.
    assert_eq!(created.text("tenant_id"), Some(sap.tenant().await.as_str()));
    TF.read(&provider, &created).await.quietly();
    let next = sap.provider();
    let deleted = TF.delete(&next, &created).await;
    assert!(deleted.errors().is_empty());
    assert!(!sap.is_registered().await);
}

#[tokio::test]
async fn without_its_key_a_read_changes_nothing_and_a_delete_fails() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    sap.offboard_outside().await;

    let absent = sap.provider_with(&["order-management"], Value::Null);
    let kept = TF
        .read(&absent, &created)
        .await
        .warning("Registration was not read");
    assert_eq!(kept.state, created.state);
    let failed = TF.delete(&absent, &created).await;
    assert!(
        failed
            .error()
            .detail
            .contains("`SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY`")
    );

    let given = [("order_management_service_key", Value::Unknown)];
    let unknown = sap.provider_of(&[], given);
    let kept = TF.read(&unknown, &created).await;
    let kept = kept.warning("Unknown provider configuration");
    assert_eq!(kept.state, created.state);
    assert!(TF.plans_nothing(&unknown, &configuration([]), &kept));
}

#[tokio::test]
async fn a_destination_key_of_another_subaccount_is_warned_about() {
    let other = DestinationKey {
        name: "other".to_owned(),
        subdomain: CALM.to_owned(),
    };
    let sap = Sap::start(Options {
        destination_keys: vec![other],
        ..Options::default()
    })
    .await;
    sap.set_destination(ORDERS, json!(null)).await;
    let provider = || {
        let path = sap.emulator.keys_dir().join("destination-other.json");
        let key = text(&std::fs::read_to_string(path).unwrap());
        let api = with_path(&Value::Null);
        let given = [
            ("destination_service_key", key),
            ("order_management_api", api),
        ];
        sap.provider_of(&["destination"], given)
    };
    let missing = TF.create(&provider(), &configuration([])).await;
    assert_eq!(
        missing.error().summary,
        "Destination to register with does not exist"
    );
    sap.set_destination(CALM, json!(null)).await;
    let done = TF.create(&provider(), &configuration([])).await;
    done.warning("Service keys of two subaccounts");
}

// -------------------------------------------------------------------- delete

#[tokio::test]
async fn delete_offboards_through_the_documented_call() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    sap.clear("journal").await;
    TF.delete_quietly(&sap.provider(), &created).await;
    assert_eq!(sap.requests(OMF).await, [format!("POST {OFFBOARD}")]);
    assert!(!sap.is_registered().await);
}

#[tokio::test]
async fn delete_of_what_is_gone_succeeds_on_the_service_s_word() {
    for status in [200, 204, 409, 410] {
        let knobs = json!({ "order_management": { "not_registered": status } });
        let sap = Sap::with_knobs(knobs).await;
        let created = TF
            .create(&sap.provider(), &configuration([]))
            .await
            .quietly();
        sap.offboard_outside().await;
        TF.delete_quietly(&sap.provider(), &created).await;
    }
}

#[tokio::test]
async fn delete_with_a_404_needs_the_setting_or_the_landscape() {
    let sap = Sap::with_knobs(json!({ "order_management": { "not_registered": 404 } })).await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    sap.offboard_outside().await;

    // Nobody to confirm it.
    let alone = sap.provider_with(&["cloud-alm"], Value::Null);
    let failed = TF.delete(&alone, &created).await;
    assert!(
        failed
            .error()
            .detail
            .contains("`order_management_api.not_registered_codes`")
    );
    assert!(failed.instance.is_none());

    let codes = Value::Set(vec![Value::Number(404_i64.into())]);
    let api = object([("not_registered_codes", codes)]);
    TF.delete_quietly(&sap.provider_with(&["cloud-alm"], api), &created)
        .await;
    // The landscape, which showed the tenant before, shows it no more.
    TF.delete_quietly(&sap.provider(), &created).await;
}

#[tokio::test]
async fn delete_with_a_404_is_an_error_while_the_landscape_shows_the_tenant() {
    let sap = Sap::new().await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    let api = object([("offboard", object([("path", text("wrong"))]))]);
    let failed = TF.delete(&sap.provider_with(&[], api), &created).await;
    let detail = &failed.error().detail;
    assert!(
        detail.contains("`order_management_api.offboard`"),
        "{detail}"
    );
    assert!(sap.is_registered().await);
}

#[tokio::test]
async fn delete_with_a_404_is_an_error_while_the_landscape_may_be_late() {
    let sap = Sap::with_knobs(json!({ "cloud_alm": { "landscape_visible": false } })).await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    assert_eq!(created.text("status"), Some("accepted"));
    let api = object([("offboard", object([("path", text("wrong"))]))]);
    let failed = TF.delete(&sap.provider_with(&[], api), &created).await;
    assert!(failed.diagnostics.has_errors());
    assert!(sap.is_registered().await);
}

#[tokio::test]
async fn delete_through_a_router_s_404_or_html_is_an_error_even_when_404_is_listed() {
    let codes = Value::Set(vec![Value::Number(404_i64.into())]);
    let api = object([("not_registered_codes", codes)]);
    for fault in [
        json!({ "status": 404, "headers": { "x-cf-routererror": "unknown_route" } }),
        json!({ "status": 404, "headers": { "content-type": "text/html" },
                "body": "<html><title>404</title></html>" }),
    ] {
        let sap = Sap::new().await;
        let created = TF
            .create(&sap.provider(), &configuration([]))
            .await
            .quietly();
        let matches = json!({ "path_prefix": OMF });
        sap.fault(json!({ "match": matches, "times": null, "do": fault }))
            .await;
        let failed = TF
            .delete(&sap.provider_with(&[], api.clone()), &created)
            .await;
        assert!(failed.diagnostics.has_errors(), "{fault}");
        assert!(sap.is_registered().await);
    }
}

#[tokio::test]
async fn delete_repeats_an_offboarding_whose_answer_was_lost() {
    let sap = Sap::with_knobs(json!({ "order_management": { "not_registered": 409 } })).await;
    let created = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    sap.fault(json!({ "match": { "path_prefix": OMF }, "do": { "reset": "after_commit" } }))
        .await;
    TF.delete_quietly(&sap.provider(), &created).await;
    assert!(!sap.is_registered().await);
}

#[tokio::test]
async fn delete_after_create_in_the_same_process_leaves_the_successor_alone() {
    let sap = Sap::new().await;
    let older = TF
        .create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    let provider = sap.provider();
    TF.create(&provider, &configuration([])).await.quietly();
    sap.clear("journal").await;
    let done = TF.delete(&provider, &older).await;
    assert_eq!(done.warnings()[0].summary, "Tenant was not offboarded");
    assert!(done.errors().is_empty() && done.instance.is_none());
    assert!(sap.requests("/").await.is_empty());
    assert!(sap.is_registered().await);
}

// -------------------------------------------------------------------- import

#[tokio::test]
async fn an_import_is_filled_by_read_and_plans_nothing_but_what_it_could_not_know() {
    let sap = Sap::new().await;
    TF.create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    let tenant = sap.tenant().await;
    let import = ImportRequest::Id(tenant.clone());
    let stub = RESOURCES[2].import(import).unwrap();
    let stub = Instance {
        state: stub,
        private: Private::default(),
    };
    let imported = TF.read(&sap.provider(), &stub).await.quietly();
    assert_eq!(imported.text("status"), Some("registered"));
    assert_eq!(
        imported.text("lms_id"),
        Some(format!("CO_prod_{tenant}").as_str())
    );

    sap.clear("journal").await;
    let triggers = Value::Map([("target".to_owned(), text("x"))].into());
    let config = configuration([("triggers", triggers)]);
    let filled = TF
        .update(&sap.provider(), &config, &imported)
        .await
        .quietly();
    assert_eq!(filled.text("destination_name"), Some("CloudALM"));
    assert_eq!(filled.text("status"), Some("registered"));
    assert!(sap.requests("/").await.is_empty());
}

#[tokio::test]
async fn an_import_that_nothing_confirms_is_warned_about() {
    let sap = Sap::new().await;
    let import = ImportRequest::Id(sap.tenant().await);
    let stub = RESOURCES[2].import(import).unwrap();
    let stub = Instance {
        state: stub,
        private: Private::default(),
    };
    let done = TF.read(&sap.provider(), &stub).await;
    let imported = done.warning("Registration is not confirmed");
    assert_eq!(imported.text("status"), None);

    // Naming it is no reason to look as if somebody had confirmed it.
    let config = configuration([("environment", text("test"))]);
    let updated = TF
        .update(&sap.provider(), &config, &imported)
        .await
        .quietly();
    assert_eq!(updated.text("status"), None);
    TF.create(&sap.provider(), &configuration([]))
        .await
        .quietly();
    let config = configuration([("environment", text("prod"))]);
    let updated = TF
        .update(&sap.provider(), &config, &updated)
        .await
        .quietly();
    assert_eq!(updated.text("status"), Some("registered"));
}

#[tokio::test]
async fn an_import_of_another_tenant_is_an_error() {
    let sap = Sap::new().await;
    let import = ImportRequest::Id("99999999-0000-4000-8000-000000000000".to_owned());
    let stub = RESOURCES[2].import(import).unwrap();
    let stub = Instance {
        state: stub,
        private: Private::default(),
    };
    let done = TF.read(&sap.provider(), &stub).await;
    assert_eq!(done.error().summary, "Service key of another tenant");
}
