//! `sapcalm_destination_certificate` through the stand-in and the real CLI:
//! what SAP holds, what is stored, drift, lost answers, ownership, and the
//! destination that gets its token by mutual TLS.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulator::{DestinationKey, ORDERS_SUBDOMAIN, Options};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value as Json, json};

use crate::support::core::{Action, Core, Resource};
use crate::support::feature::Feature;
use crate::support::page::assert_no_secret;
use crate::support::pem::pem;
use crate::support::workspace::Workspace;
use crate::support::world::{Variant, World};

const TYPE: &str = "sapcalm_destination_certificate";
const CERTIFICATE: &str = "sapcalm_destination_certificate.cloud_alm";
const DESTINATION: &str = "sapcalm_destination.cloud_alm";
const REGISTRATION: &str = "sapcalm_registration.order_management";
const COLLECTION: &str = "/destination-configuration/v1/subaccountCertificates";

/// The ways in which SAP may tell a file.
const FORMS: [&str; 5] = ["verbatim", "wrapped", "rewritten", "masked", "withheld"];

fn at_sap(name: &str, content: &str) -> Json {
    json!({ "Name": name, "Type": "CERTIFICATE", "Content": STANDARD.encode(content) })
}

fn block(pem: &str) -> Json {
    json!({ "name": "calm.pem", "content": { "pem_wo": pem } })
}

fn alone(block: Json) -> [Resource; 1] {
    [Resource::new(TYPE, "cloud_alm", block)]
}

async fn world_and_core() -> (World, Core) {
    let world = World::documented().await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    (world, tf)
}

/// Nothing of the file is in the state or in the log.
fn assert_not_stored(tf: &Core, pem: &str) {
    let secrets = pem.lines().filter(|line| line.len() > 40);
    let base64 = STANDARD.encode(pem);
    for text in [tf.state.text(), tf.log()] {
        for secret in secrets.clone().chain([base64.as_str()]) {
            assert!(!text.contains(secret), "the file was stored");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_uploaded_to_its_level_and_not_stored() {
    let (world, mut tf) = world_and_core().await;
    let pem = pem("client");
    tf.apply(&alone(block(&pem))).await.ok();
    assert_eq!(world.certificates().await, [at_sap("calm.pem", &pem)]);
    let state = tf.object(CERTIFICATE);
    assert_eq!(state["id"], "subaccount/calm.pem");
    assert_eq!(state["content"]["pem_wo"], Json::Null);
    assert_eq!(state["secrets"], json!({ "content": "from configuration" }));
    // rcgen's default.
    assert_eq!(state["validity_end_time"], "4096-01-01T00:00:00Z");
    assert!(state["subaccount_id"].is_string());
    assert_not_stored(&tf, &pem);
    tf.assert_empty_plan(&alone(block(&pem))).await;

    let mut instance = block(&pem);
    instance["level"] = "instance".into();
    let outcome = tf.apply(&alone(instance.clone())).await.ok();
    assert_eq!(outcome.action(CERTIFICATE), Action::Replace);
    assert!(world.certificates().await.is_empty());
    assert_eq!(
        world.instance_certificates().await,
        [at_sap("calm.pem", &pem)]
    );
    assert!(tf.object(CERTIFICATE)["instance_id"].is_string());
    tf.assert_empty_plan(&alone(instance)).await;
    tf.destroy().await.ok();
    assert!(world.instance_certificates().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_file_is_seen_and_put_back_however_sap_tells_it() {
    let (world, mut tf) = world_and_core().await;
    let pem = pem("client");
    for form in FORMS {
        println!("{form}");
        let knobs = json!({ "destination": { "certificate_content": form } });
        world.turn(knobs).await;
        tf.apply(&alone(block(&pem))).await.ok();
        tf.assert_empty_plan(&alone(block(&pem))).await;

        world
            .set_certificates(&[at_sap("calm.pem", &self::pem("client"))])
            .await;
        let plan = tf.plan(&alone(block(&pem))).await.ok();
        assert_eq!(plan.action(CERTIFICATE), Action::Update);
        let outcome = tf.apply(&alone(block(&pem))).await.ok();
        assert_not_stored(&tf, &outcome.to_string());
        assert_eq!(outcome.action(CERTIFICATE), Action::Update);
        assert_eq!(world.certificates().await, [at_sap("calm.pem", &pem)]);
        tf.assert_empty_plan(&alone(block(&pem))).await;

        // Another file is always uploaded.
        let renewed = self::pem("client");
        tf.apply(&alone(block(&renewed))).await.ok();
        assert_eq!(world.certificates().await, [at_sap("calm.pem", &renewed)]);
        tf.assert_empty_plan(&alone(block(&renewed))).await;
        tf.destroy().await.ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_named_in_the_state_and_costs_nothing_while_the_etag_stays() {
    let (world, mut tf) = world_and_core().await;
    let pem = pem("client");
    tf.apply(&alone(block(&pem))).await.ok();
    world
        .set_certificates(&[at_sap("calm.pem", &self::pem("client"))])
        .await;
    for _ in 0..2 {
        tf.refresh().await.ok();
        let state = tf.object(CERTIFICATE);
        assert_eq!(state["secrets"]["content"], "changed outside Terraform");
    }
    // Somebody put it back: nothing is left to do, and nothing is written.
    world.set_certificates(&[at_sap("calm.pem", &pem)]).await;
    world.forget_journal().await;
    tf.refresh().await.ok();
    tf.apply(&alone(block(&pem))).await.ok();
    assert!(world.writes().await.is_empty());
    assert_eq!(
        tf.object(CERTIFICATE)["secrets"]["content"],
        "from configuration"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_version_the_file_is_uploaded_when_the_version_changes_or_somebody_replaced_it() {
    let (world, mut tf) = world_and_core().await;
    let [first, second] = [pem("client"), pem("client")];
    let versioned = |pem: &str, version: u32| {
        let mut block = block(pem);
        block["content"]["version"] = version.into();
        alone(block)
    };
    tf.apply(&versioned(&first, 1)).await.ok();
    tf.assert_empty_plan(&versioned(&second, 1)).await;
    world
        .set_certificates(&[at_sap("calm.pem", &self::pem("client"))])
        .await;
    tf.apply(&versioned(&first, 1)).await.ok();
    assert_eq!(world.certificates().await, [at_sap("calm.pem", &first)]);
    tf.apply(&versioned(&second, 2)).await.ok();
    assert_eq!(world.certificates().await, [at_sap("calm.pem", &second)]);
    tf.assert_empty_plan(&versioned(&second, 2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_switches_change_without_a_request() {
    let (world, mut tf) = world_and_core().await;
    let pem = pem("client");
    tf.apply(&alone(block(&pem))).await.ok();
    let mut switched = block(&pem);
    switched["adopt_existing"] = true.into();
    switched["timeouts"] = json!({ "delete": "1m" });
    world.forget_journal().await;
    let plan = tf.apply(&alone(switched.clone())).await.ok();
    assert_eq!(plan.action(CERTIFICATE), Action::Update);
    assert!(world.writes().await.is_empty());
    tf.assert_empty_plan(&alone(switched)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_leaves_the_configuration_stays_at_sap_and_nothing_puts_it_back() {
    let (world, mut tf) = world_and_core().await;
    let pem = pem("client");
    tf.apply(&alone(block(&pem))).await.ok();
    let bare = || alone(json!({ "name": "calm.pem" }));
    world.forget_journal().await;
    tf.apply(&bare()).await.ok();
    assert!(world.writes().await.is_empty());
    tf.assert_empty_plan(&bare()).await;
    let other = at_sap("calm.pem", &self::pem("client"));
    world.set_certificates(std::slice::from_ref(&other)).await;
    tf.apply(&bare()).await.ok();
    assert_eq!(world.certificates().await, [other]);
    tf.assert_empty_plan(&bare()).await;
    world
        .set_certificates(&[at_sap("calm.pem", &self::pem("client"))])
        .await;
    tf.refresh().await.ok();
    tf.assert_empty_plan(&bare()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_without_file_or_with_two_is_refused_while_planning() {
    let (world, mut tf) = world_and_core().await;
    let plan = tf.plan(&alone(json!({ "name": "calm.pem" }))).await;
    assert_eq!(plan.fails_with("Missing file").path, "content");
    let mut twice = block(&pem("client"));
    twice["content"]["base64_wo"] = "MAA=".into();
    let plan = tf.plan(&alone(twice)).await;
    let error = plan.fails_with("Conflicting attributes");
    assert_eq!(error.path, "content.base64_wo");
    assert!(world.journal().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_prints_the_import_block_or_is_taken_over_on_demand() {
    let (world, mut tf) = world_and_core().await;
    let pem = pem("client");
    let other = at_sap("calm.pem", &self::pem("client"));
    world.set_certificates(std::slice::from_ref(&other)).await;
    let outcome = tf.apply(&alone(block(&pem))).await;
    let error = outcome.fails_with("Cannot upload certificate");
    assert_eq!(error.path, "name");
    let import = "import {\n  to = sapcalm_destination_certificate.<name>\n  id = \"subaccount/calm.pem\"\n}";
    assert!(error.detail.contains(import), "{outcome}");
    assert!(tf.state.is_empty());
    assert_eq!(world.certificates().await, [other]);

    let mut adopting = block(&pem);
    adopting["adopt_existing"] = true.into();
    let outcome = tf.apply(&alone(adopting.clone())).await.ok();
    outcome.warns("Existing certificate taken over");
    assert_eq!(world.certificates().await, [at_sap("calm.pem", &pem)]);
    tf.assert_empty_plan(&alone(adopting)).await;
}

/// The answer to the next upload, replacement or deletion does not arrive.
fn lost(method: &str) -> Json {
    json!({ "match": { "method": method, "path_prefix": COLLECTION }, "times": 1,
            "do": { "reset": "after_commit" } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_loses_nothing_however_sap_tells_the_file() {
    let (world, mut tf) = world_and_core().await;
    let [first, second] = [pem("client"), pem("client")];
    for form in FORMS {
        println!("{form}");
        let knobs = json!({ "destination": { "certificate_content": form } });
        world.turn(knobs).await;
        world.fault(lost("POST")).await;
        let outcome = tf.apply(&alone(block(&first))).await.ok();
        outcome.warns("Existing certificate taken over");
        assert!(!tf.instance(CERTIFICATE).tainted);
        tf.assert_empty_plan(&alone(block(&first))).await;
        world.fault(lost("PUT")).await;
        tf.apply(&alone(block(&second))).await.ok();
        assert_eq!(world.certificates().await, [at_sap("calm.pem", &second)]);
        tf.assert_empty_plan(&alone(block(&second))).await;
        world.fault(lost("DELETE")).await;
        tf.destroy().await.ok();
        assert!(world.certificates().await.is_empty());
    }

    // Nothing was there after the loss: the upload is repeated.
    let mut before = lost("POST");
    before["do"]["reset"] = "before".into();
    world.fault(before).await;
    tf.apply(&alone(block(&first))).await.ok();
    assert_eq!(world.certificates().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_store_whose_answer_was_lost_is_taken_over_in_the_form_that_sap_tells() {
    let (world, mut tf) = world_and_core().await;
    let store = STANDARD.encode("0 a key store");
    let config = alone(json!({ "name": "calm.p12", "content": { "base64_wo": store } }));
    for form in FORMS {
        println!("{form}");
        let knobs = json!({ "destination": { "certificate_content": form } });
        world.turn(knobs).await;
        world.fault(lost("POST")).await;
        let outcome = tf.apply(&config).await.ok();
        outcome.warns("Existing certificate taken over");
        tf.assert_empty_plan(&config).await;
        tf.destroy().await.ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_was_there_is_not_taken_over_when_it_cannot_be_compared() {
    let (world, mut tf) = world_and_core().await;
    let pem = pem("client");
    let knobs = json!({ "destination": { "certificate_content": "withheld" } });
    world.turn(knobs).await;
    let other = at_sap("calm.pem", &self::pem("client"));
    world.set_certificates(std::slice::from_ref(&other)).await;
    for is_lost in [false, true] {
        if is_lost {
            world.fault(lost("POST")).await;
        }
        let outcome = tf.apply(&alone(block(&pem))).await;
        let error = outcome.fails_with("Cannot upload certificate");
        assert!(error.detail.contains("cannot be compared"), "{outcome}");
        assert!(error.detail.contains("import it"), "{outcome}");
        assert!(error.detail.contains("adopt_existing"), "{outcome}");
        assert!(tf.state.is_empty());
        assert_eq!(world.certificates().await, std::slice::from_ref(&other));
    }
    let mut adopting = block(&pem);
    adopting["adopt_existing"] = true.into();
    tf.apply(&alone(adopting.clone())).await.ok();
    tf.assert_empty_plan(&alone(adopting)).await;
}

/// What was told until now is told once more, right after the next replacement.
async fn stale_read_back(world: &World, told: &Json) {
    let state = world.state().await;
    let etag = state["subaccounts"][ORDERS_SUBDOMAIN]["certificates"][0]["etag"].clone();
    world
        .fault(
            json!({ "match": { "method": "GET", "path_prefix": COLLECTION },
            // Refresh, and the look before the write.
            "skip": 2, "times": 1, "do": { "body": told, "headers": { "ETag": etag } } }),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_answer_after_the_upload_is_not_taken_for_the_new_file() {
    let (world, mut tf) = world_and_core().await;
    let [first, second] = [pem("client"), pem("client")];
    tf.apply(&alone(block(&first))).await.ok();
    stale_read_back(&world, &at_sap("calm.pem", &first)).await;
    tf.apply(&alone(block(&second))).await.ok();
    assert_eq!(world.certificates().await, [at_sap("calm.pem", &second)]);
    tf.assert_empty_plan(&alone(block(&second))).await;
    // Somebody puts the old file back: that is seen.
    world.set_certificates(&[at_sap("calm.pem", &first)]).await;
    let outcome = tf.apply(&alone(block(&second))).await.ok();
    assert_eq!(outcome.action(CERTIFICATE), Action::Update);
    assert_eq!(world.certificates().await, [at_sap("calm.pem", &second)]);

    let knobs = json!({ "destination": { "certificate_content": "withheld" } });
    world.turn(knobs).await;
    let mut told = at_sap("calm.pem", &second);
    told.as_object_mut().unwrap().remove("Content");
    stale_read_back(&world, &told).await;
    tf.apply(&alone(block(&first))).await.ok();
    tf.assert_empty_plan(&alone(block(&first))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_cannot_be_read_back_is_kept_and_completed_later() {
    let (world, mut tf) = world_and_core().await;
    let pem = pem("client");
    let unreadable = json!({ "status": 403 });
    let looks = |skip: u32| {
        json!({ "match": { "method": "GET", "path_prefix": COLLECTION }, "skip": skip,
                "times": null, "do": unreadable })
    };
    // Where it cannot be looked for, nothing is uploaded.
    world.fault(looks(0)).await;
    let outcome = tf.apply(&alone(block(&pem))).await;
    outcome.fails_with("Cannot upload certificate");
    assert!(tf.state.is_empty() && world.certificates().await.is_empty());
    world.clear_faults().await;

    world.fault(looks(1)).await;
    let outcome = tf.apply(&alone(block(&pem))).await.ok();
    outcome.warns("Certificate not read back");
    assert!(!tf.instance(CERTIFICATE).tainted);
    world.clear_faults().await;
    tf.assert_empty_plan(&alone(block(&pem))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absence_needs_saps_own_word_in_either_form() {
    for form in ["json", "text"] {
        let (world, mut tf) = world_and_core().await;
        world
            .turn(json!({ "destination": { "error_body": form } }))
            .await;
        let pem = pem("client");
        tf.apply(&alone(block(&pem))).await.ok();
        let before = tf.object(CERTIFICATE);
        world.turn(json!({ "unrouted": [COLLECTION] })).await;
        tf.plan(&alone(block(&pem)))
            .await
            .fails_with("Cannot read certificate");
        tf.destroy().await.fails_with("Cannot read certificate");
        assert_eq!(tf.object(CERTIFICATE), before);
        world.turn(json!({ "unrouted": [] })).await;

        world.set_certificates(&[]).await;
        let plan = tf.plan(&alone(block(&pem))).await.ok();
        assert_eq!(plan.action(CERTIFICATE), Action::Create);
        tf.apply(&alone(block(&pem))).await.ok();
        world.set_certificates(&[]).await;
        tf.destroy().await.ok();
        assert!(tf.state.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_subaccount_reads_and_changes_nothing() {
    let options = Options {
        destination_keys: vec![DestinationKey {
            name: "other".to_owned(),
            subdomain: "acme-other".to_owned(),
        }],
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let pem = pem("client");
    tf.apply(&alone(block(&pem))).await.ok();
    let before = tf.object(CERTIFICATE);
    let mut other = world.provider();
    other["destination_service_key"] = world.key("destination-other").into();
    tf.configure(other);
    world.forget_journal().await;
    let summary = "Service key of another subaccount";
    let plan = tf.plan(&alone(block(&pem))).await;
    let error = plan.fails_with(summary);
    assert!(
        error
            .detail
            .contains("The certificate `subaccount/calm.pem` belongs to"),
        "{plan}"
    );
    tf.destroy().await.fails_with(summary);
    assert_eq!(tf.object(CERTIFICATE), before);
    let calls = world.journal().await;
    assert!(
        calls
            .iter()
            .all(|call| call["path"].as_str().unwrap().ends_with("/oauth/token"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_compares_the_configured_file_with_the_one_at_sap() {
    let (world, mut tf) = world_and_core().await;
    let pem = pem("client");
    world.set_certificates(&[at_sap("calm.pem", &pem)]).await;
    tf.import_by_id(TYPE, "cloud_alm", "subaccount/calm.pem")
        .await
        .ok();
    assert_not_stored(&tf, &pem);
    // Generated configuration has no file, and still plans empty.
    tf.assert_empty_plan(&alone(json!({ "name": "calm.pem", "level": "subaccount" })))
        .await;
    let plan = tf.plan(&alone(block(&self::pem("client")))).await.ok();
    let planned = plan.planned(CERTIFICATE);
    assert_eq!(planned["secrets"]["content"], "from configuration");
    // The same file is new in the state, and is not uploaded.
    world.forget_journal().await;
    tf.apply(&alone(block(&pem))).await.ok();
    assert!(world.writes().await.is_empty());
    tf.assert_empty_plan(&alone(block(&pem))).await;
}

// ------------------------------------------------------------- mutual TLS

async fn world_with_tls() -> World {
    let options = Options {
        tls: true,
        ..Options::default()
    };
    World::with(Variant::documented(), options).await
}

/// Certificate, destination and registration from an x509 Cloud ALM key.
fn mutual_tls(world: &World) -> Vec<Resource> {
    connected(world, block(&x509_pem(world)), json!({}))
}

/// Certificate and private key of the x509 Cloud ALM key.
fn x509_pem(world: &World) -> String {
    let key: Json = serde_json::from_str(&world.key("cloud-alm-x509")).unwrap();
    let text = |name: &str| key["uaa"][name].as_str().unwrap().to_owned();
    format!("{}{}", text("certificate"), text("key"))
}

/// A file, a destination that proves itself with it, and a registration.
fn connected(world: &World, file: Json, more: Json) -> Vec<Resource> {
    let key: Json = serde_json::from_str(&world.key("cloud-alm-x509")).unwrap();
    let text = |pointer: &str| key.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let mut base = json!({
        "name": "CloudALM",
        "url": text("/endpoints/Api"),
        "client_id": text("/uaa/clientid"),
        "token_service_url": format!("{}/oauth/token", text("/uaa/certurl")),
        "check_token": true,
    });
    let Json::Object(more) = more else {
        panic!("{more} is no object");
    };
    base.as_object_mut().unwrap().extend(more);
    vec![
        Resource::new(TYPE, "cloud_alm", file),
        Resource::with("sapcalm_destination", "cloud_alm", move |values| {
            let mut block = base.clone();
            block["token_service_key_store_location"] = values.get(CERTIFICATE, "name");
            block
        })
        .depends_on(&[CERTIFICATE]),
        Resource::with(
            "sapcalm_registration",
            "order_management",
            |values| json!({ "destination_name": values.get(DESTINATION, "name") }),
        )
        .depends_on(&[DESTINATION]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_x509_cloud_alm_key_connects_by_mutual_tls() {
    let world = world_with_tls().await;
    let mut tf = Core::start(&[]).await;
    let mut provider = world.provider();
    provider["cloud_alm_service_key"] = world.key("cloud-alm-x509").into();
    tf.configure(provider);
    tf.apply(&mutual_tls(&world)).await.ok();
    assert!(world.is_registered().await);
    assert_eq!(tf.object(REGISTRATION)["status"], "registered");
    let destination = &world.destinations().await[0];
    assert_eq!(destination["tokenService.KeyStoreLocation"], "calm.pem");
    assert!(destination.get("clientSecret").is_none());
    assert_no_secret(&world, &tf.state.text());
    tf.assert_empty_plan(&mutual_tls(&world)).await;

    // A new key: certificate and nothing else changes, in one apply.
    world.rotate("cloud-alm").await;
    let mut provider = world.provider();
    provider["cloud_alm_service_key"] = world.key("cloud-alm-x509").into();
    tf.configure(provider);
    world.forget_journal().await;
    let outcome = tf.apply(&mutual_tls(&world)).await.ok();
    assert_eq!(outcome.action(CERTIFICATE), Action::Update);
    assert_eq!(outcome.action(DESTINATION), Action::NoOp);
    assert_eq!(world.writes().await, [format!("PUT {COLLECTION}")]);
    tf.assert_empty_plan(&mutual_tls(&world)).await;

    world.forget_journal().await;
    tf.destroy().await.ok();
    let writes = world.writes().await;
    assert!(
        writes[1].contains("subaccountDestinations/CloudALM"),
        "{writes:?}"
    );
    assert!(
        writes[2].contains("subaccountCertificates/calm.pem"),
        "{writes:?}"
    );
    assert!(world.certificates().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_whose_certificate_is_not_accepted_is_not_kept() {
    let world = world_with_tls().await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let mut resources = mutual_tls(&world);
    resources[0] = Resource::new(TYPE, "cloud_alm", block(&pem("client")));
    let outcome = tf.apply(&resources).await;
    let error = outcome.fails_with("Destination cannot fetch a token");
    assert!(error.detail.contains("401"), "{outcome}");
    assert!(world.destinations().await.is_empty());
    assert_eq!(world.certificates().await.len(), 1);
    tf.apply(&mutual_tls(&world)).await.ok();
    assert!(world.is_registered().await);
}

/// The same as a PKCS#12 key store, in base64.
fn key_store(pem: &str, password: &str) -> String {
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let key = RsaKeyPair::from_der(key.secret_der()).unwrap();
    let pkcs8: Pkcs8V1Der = key.as_der().unwrap();
    let key = PrivateKey::from_der(pkcs8.as_ref()).unwrap();
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    let certificates = certificates.map(|der| Certificate::from_der(&der.unwrap()).unwrap());
    let chain = PrivateKeyChain::new("client", key, certificates);
    let mut store = KeyStore::new();
    store.add_entry("client", KeyStoreEntry::PrivateKeyChain(chain));
    STANDARD.encode(store.writer(password).write().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_store_connects_by_mutual_tls_when_its_password_opens_it() {
    let world = world_with_tls().await;
    let mut tf = Core::start(&[]).await;
    tf.configure(world.provider());
    let store = key_store(&x509_pem(&world), "opens-the-store");
    let file = json!({ "name": "client.p12", "content": { "base64_wo": store } });
    let resources = |password: &str| {
        let secrets = json!({ "tokenService.KeyStorePassword": password });
        let password = json!({ "credentials": { "properties_wo": secrets } });
        connected(&world, file.clone(), password)
    };
    let outcome = tf.apply(&resources("not-the-password")).await;
    let error = outcome.fails_with("Destination cannot fetch a token");
    let reason = "'tokenService.KeyStorePassword' does not open the key store";
    assert!(error.detail.contains(reason), "{outcome}");
    assert!(!outcome.to_string().contains("not-the-password"));
    assert!(world.destinations().await.is_empty());
    assert!(!world.is_registered().await);

    tf.apply(&resources("opens-the-store")).await.ok();
    assert!(world.is_registered().await);
    let destination = &world.destinations().await[0];
    assert_eq!(destination["tokenService.KeyStoreLocation"], "client.p12");
    assert!(destination.get("clientSecret").is_none());
    for text in [tf.state.text(), tf.log()] {
        for secret in [store.as_str(), "opens-the-store", "not-the-password"] {
            assert!(!text.contains(secret), "a secret was stored");
        }
    }
    tf.assert_empty_plan(&resources("opens-the-store")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_an_x509_cloud_alm_key_connects_by_mutual_tls() {
    let Some(mut workspace) = Workspace::with(&[Feature::WriteOnly]) else {
        return;
    };
    let world = world_with_tls().await;
    let keys = workspace.path().join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    for (file, key) in [
        ("destination", "destination"),
        ("order-management", "order-management"),
        ("cloud-alm", "cloud-alm-x509"),
    ] {
        std::fs::write(keys.join(format!("{file}.json")), world.key(key)).unwrap();
    }
    let ca = keys.join("ca.pem");
    std::fs::write(&ca, world.ca()).unwrap();
    workspace.set_env("SAPCALM_CA_CERTIFICATES", &format!("@{}", ca.display()));
    // The emulator has another path than the one that is guessed.
    let example = include_str!("../../../examples/mutual-tls/main.tf").replace(
        "provider \"sapcalm\" {\n",
        "provider \"sapcalm\" {\n  order_management_api = { register = { path = \"v1/registration\" } }\n",
    );
    std::fs::write(workspace.path().join("main.tf"), example).unwrap();
    workspace.converges().await;
    assert!(world.is_registered().await);
    assert_eq!(world.certificates().await.len(), 1);
    assert_no_secret(&world, &workspace.state());
    let finds = world.journal().await;
    let found = |entry: &&Json| {
        let path = entry["path"].as_str().unwrap();
        path.contains("/v2/destinations/CloudALM")
    };
    assert_eq!(
        finds.iter().filter(found).count(),
        1,
        "check_token asks once"
    );
    workspace.destroy().await;
    assert!(world.destinations().await.is_empty());
    assert!(world.certificates().await.is_empty());
    world.stop().await;
}
