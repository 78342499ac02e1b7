//! Configurations that nobody thought of: generated from the schemas, and
//! driven through the whole life of a resource by the stand-in for Terraform
//! core. Its rules are the properties: plans are valid, the same when asked
//! twice, and empty after an apply; applies keep to their plans; what was
//! imported is what was made.
//!
//! A resource joins with an entry in [`subjects`]: what its schema cannot tell.
//!
//! The cases are the same in every run. With `GENERATED_LIVES` set to a number
//! (`make lives`), so many other ones are tried for each resource; the seed that is
//! printed repeats them as `GENERATED_SEED`.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use framework::diagnostics::Severity;
use framework::path::Step;
use framework::plan::Change;
use framework::private::Private;
use framework::resource::DynResource;
use framework::schema::{Attribute, AttributeType, Mode};
use framework::validation::validate_config;
use framework::validators::Validator;
use framework::value::Value;
use framework::wire::json::{self as wire, Leniency};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sapcalm::provider::RESOURCES;
use sapcalm::provider::configured::Configured;
use serde_json::{Map, Value as Json, json};

use crate::support::core::{Core, Lifecycle, Resource};
use crate::support::kinds::{NOT_IMPORTED, http_kinds, other_kinds};
use crate::support::pem::pem;
use crate::support::served::Served;
use crate::support::world::World;

/// Cases for each resource where nobody asked for a number.
const CASES: u32 = 8;

type Values = BoxedStrategy<Json>;

/// What the schema of a resource cannot tell.
struct Subject {
    type_name: &'static str,
    /// Configurations to begin with; what is generated comes on top.
    bases: Vec<Json>,
    /// Objects of a base that keep what is not generated anew.
    extended: &'static [&'static str],
    /// Values of attributes that need a form of their own.
    values: fn(&str) -> Option<Values>,
    /// Attributes that are never generated, because the emulated world could
    /// not do what they ask for.
    left_out: &'static [&'static str],
    /// Top-level attributes that an import cannot bring back.
    not_imported: Vec<&'static str>,
    /// Computed attributes that only a read finds out.
    completed_by_read: &'static [&'static str],
    /// Whether a read says that the object is gone after a destroy.
    gone_after_destroy: bool,
    /// Another resource that must be there, as type and configuration.
    needs: Option<(&'static str, Json)>,
}

fn destination() -> Subject {
    let kinds = http_kinds().into_iter().chain(other_kinds());
    let cannot_be_told = [
        "stored_credentials",
        "secrets",
        "properties",
        "allow_unmanaged",
        "unmanaged_properties",
        "service_key",
    ];
    Subject {
        type_name: "sapcalm_destination",
        bases: std::iter::once(json!({}))
            .chain(kinds.map(|kind| kind.config))
            .collect(),
        extended: &["credentials"],
        values: |attribute| {
            let known = match attribute {
                "name" => select(vec!["CloudALM", "kind", "it's (ü) ~1%"])
                    .prop_map(Json::from)
                    .boxed(),
                "url" | "token_service_url" => select(vec![
                    "https://a.example.com",
                    "http://b.example.com/x?y=%20",
                ])
                .prop_map(Json::from)
                .boxed(),
                "proxy_type" => select(vec!["Internet", "OnPremise", "PrivateLink"])
                    .prop_map(Json::from)
                    .boxed(),
                "token_service_url_type" => select(vec!["Dedicated", "Common"])
                    .prop_map(Json::from)
                    .boxed(),
                "properties" => entries(&["sap-client", "TrustAll", "my.own", "URL.headers.x"]),
                // A version needs something that it is the version of.
                "credentials" => {
                    let version = proptest::option::of(0..3_i64);
                    (entries(&["jco.client.passwd", "my.secret"]), version)
                        .prop_map(|(secrets, version)| match secrets == json!({}) {
                            true => json!({ "properties_wo": secrets }),
                            false => json!({ "properties_wo": secrets, "version": version }),
                        })
                        .boxed()
                }
                _ => return None,
            };
            Some(known)
        },
        left_out: &["type", "authentication", "check_token"],
        not_imported: [NOT_IMPORTED, &cannot_be_told].concat(),
        completed_by_read: &[],
        gone_after_destroy: true,
        needs: None,
    }
}

fn registration() -> Subject {
    Subject {
        type_name: "sapcalm_registration",
        bases: vec![json!({ "destination_name": "CloudALM" })],
        extended: &[],
        values: |attribute| {
            let known = match attribute {
                "destination_name" => Just(json!("CloudALM")).boxed(),
                "scope" => Just(json!("")).boxed(),
                // Nothing is waited for that may never come.
                "verify_timeout" => Just(json!("1ms")).boxed(),
                _ => return None,
            };
            Some(known)
        },
        left_out: &[],
        not_imported: vec![
            "destination_name",
            "triggers",
            "scope",
            "environment",
            "lms_id",
            "verify",
            "verify_timeout",
            "status",
            "message",
            "timeouts",
        ],
        // A change of `verify` alone asks nobody.
        completed_by_read: &["environment", "lms_id", "status"],
        gone_after_destroy: false,
        needs: Some(("sapcalm_destination", json!({}))),
    }
}

fn certificate() -> Subject {
    let [pem, _] = pems();
    Subject {
        type_name: "sapcalm_destination_certificate",
        bases: vec![
            json!({ "name": "a.pem", "content": { "pem_wo": pem } }),
            json!({ "name": "b.p12", "content": { "base64_wo": STANDARD.encode("0 a key store") } }),
            json!({ "name": "b.p12", "level": "instance", "content": { "base64_wo": STANDARD.encode("0 another") } }),
        ],
        extended: &[],
        values: |attribute| {
            let [pem, other] = pems();
            let known = match attribute {
                "name" => select(vec!["a.pem", "b.p12", "c.crt"])
                    .prop_map(Json::from)
                    .boxed(),
                // A new certificate needs one of the two.
                "content" => {
                    let pem = select(vec![pem, other]).prop_map(|pem| json!({ "pem_wo": pem }));
                    // Key stores, and certificates in DER form, begin so.
                    let base64 = vec(any::<u8>(), 0..40).prop_map(|rest| {
                        let file = [vec![b'0'], rest].concat();
                        json!({ "base64_wo": STANDARD.encode(file) })
                    });
                    let version = proptest::option::of(0..3_i64);
                    (prop_oneof![pem, base64], version)
                        .prop_map(|(mut content, version)| {
                            content["version"] = version.into();
                            content
                        })
                        .boxed()
                }
                _ => return None,
            };
            Some(known)
        },
        left_out: &["generate"],
        not_imported: vec!["adopt_existing", "content", "secrets", "timeouts"],
        completed_by_read: &[],
        gone_after_destroy: true,
        needs: None,
    }
}

/// A certificate that SAP makes, which excludes one that is uploaded.
fn made_certificate() -> Subject {
    Subject {
        bases: vec![
            json!({ "name": "a.pem", "generate": { "common_name": "a", "validity": 1 } }),
            json!({ "name": "b.crt", "level": "instance",
                    "generate": { "common_name": "b", "validity": 2, "validity_unit": "YEARS" } }),
        ],
        values: |attribute| {
            let known = match attribute {
                "name" => select(vec!["a.pem", "c.crt"]).prop_map(Json::from).boxed(),
                "generate" => {
                    let unit = proptest::option::of(select(vec!["DAYS", "MONTHS", "YEARS"]));
                    let renew = proptest::option::of(any::<bool>());
                    let csr = proptest::option::of(Just(request()));
                    (select(vec!["a", "ü, b"]), 1..400_i64, unit, renew, csr)
                        .prop_map(|(common_name, validity, unit, renew, csr)| {
                            json!({
                                "common_name": common_name, "validity": validity,
                                "validity_unit": unit, "automatic_renew": renew, "csr": csr,
                            })
                        })
                        .boxed()
                }
                _ => return None,
            };
            Some(known)
        },
        left_out: &["content"],
        not_imported: [
            &["adopt_existing", "generate", "secrets", "timeouts"][..],
            &["renews_at", "subject", "issuer", "chain"],
        ]
        .concat(),
        ..certificate()
    }
}

/// A request for a certificate, the same one every time.
fn request() -> &'static str {
    static REQUEST: OnceLock<String> = OnceLock::new();
    REQUEST.get_or_init(|| {
        let key = rcgen::KeyPair::generate().unwrap();
        let request = rcgen::CertificateParams::default().serialize_request(&key);
        request.unwrap().pem().unwrap()
    })
}

fn job_monitoring() -> Subject {
    Subject {
        type_name: "sapcalm_job_monitoring",
        bases: vec![json!({ "job_id": 1 })],
        extended: &[],
        values: |attribute| match attribute {
            "job_id" => Some(select(vec![json!(1), json!(2)]).boxed()),
            _ => None,
        },
        left_out: &[],
        not_imported: vec!["timeouts"],
        completed_by_read: &[],
        // The job stays.
        gone_after_destroy: false,
        needs: None,
    }
}

/// Two certificates with their keys, the same ones every time.
fn pems() -> &'static [String; 2] {
    static PEMS: OnceLock<[String; 2]> = OnceLock::new();
    PEMS.get_or_init(|| ["one", "two"].map(pem))
}

/// One for each resource of the provider.
fn subjects() -> Vec<Subject> {
    vec![
        destination(),
        registration(),
        certificate(),
        made_certificate(),
        job_monitoring(),
    ]
}

#[test]
fn every_resource_has_generated_lives() {
    let driven: Vec<&str> = subjects().iter().map(|subject| subject.type_name).collect();
    let offered = RESOURCES.iter().map(|one| one.definition().type_name);
    let (driven, offered) = (BTreeSet::from_iter(driven), offered.collect());
    assert_eq!(driven, offered, "describe the new resource in `subjects()`");
}

#[test]
fn generated_destinations_keep_every_rule_for_life() {
    live(&destination());
}

#[test]
fn generated_registrations_keep_every_rule_for_life() {
    live(&registration());
}

#[test]
fn generated_certificates_keep_every_rule_for_life() {
    live(&certificate());
    live(&made_certificate());
}

#[test]
fn generated_monitored_jobs_keep_every_rule_for_life() {
    live(&job_monitoring());
}

// ------------------------------------------------------------------ the drive

/// Two configurations, one after the other, and what is known late of them.
#[derive(Clone, Debug)]
struct Life {
    configs: [Json; 2],
    late: Vec<String>,
}

fn live(subject: &Subject) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (world, provider, beginning) = runtime.block_on(async {
        let world = World::documented().await;
        world
            .turn(json!({ "destination": { "name_rule": "lenient" } }))
            .await;
        let provider = Served::start();
        if let Some((type_name, config)) = &subject.needs {
            let mut tf = core(&world, &provider).await;
            let needed = [Resource::new(type_name, "needed", config.clone())];
            tf.apply(&needed).await.ok();
        }
        let beginning = world.state().await;
        (world, provider, beginning)
    });
    let asked = asked_for("GENERATED_LIVES");
    let seed = asked_for("GENERATED_SEED").or_else(|| asked.map(|_| fastrand::u64(..)));
    let config = Config {
        cases: asked.map_or(CASES, |number| u32::try_from(number).unwrap()),
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    };
    let seed = seed.unwrap_or_default();
    let lived = Cell::new(0);
    println!("{} with GENERATED_SEED={seed}", subject.type_name);
    let mut runner = TestRunner::new_with_rng(config.clone(), rng(seed));
    let outcome = runner.run(&lives(subject), |life| {
        lived.set(lived.get() + 1);
        runtime.block_on(async {
            world.restore(&beginning).await;
            let mut tf = core(&world, &provider).await;
            subject.lifecycle(&life).run(&mut tf).await;
        });
        Ok(())
    });
    runtime.block_on(world.stop());
    if let Err(problem) = outcome {
        panic!("GENERATED_SEED={seed}: {problem}");
    }
    assert_eq!(lived.get(), config.cases);
}

/// The number in an environment variable.
fn asked_for(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap())
}

fn rng(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

async fn core(world: &World, provider: &Served) -> Core {
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    tf
}

impl Subject {
    fn resource(&self) -> &'static dyn DynResource<Configured> {
        let found = RESOURCES
            .iter()
            .find(|one| one.definition().type_name == self.type_name);
        *found.unwrap()
    }

    fn lifecycle(&self, life: &Life) -> Lifecycle {
        let late: Vec<&str> = life.late.iter().map(String::as_str).collect();
        // An empty text or collection reads as one that was never there.
        let is_empty = |value: &&Json| **value == json!("") || **value == json!({});
        let last = life.configs[1].as_object().unwrap();
        let empty = last.iter().filter(|(_, value)| is_empty(value));
        let empty = empty.map(|(name, _)| name.as_str());
        let not_imported: Vec<&str> = self.not_imported.iter().copied().chain(empty).collect();
        let lifecycle = Lifecycle::new(self.type_name, &life.configs)
            .unknown_at_plan(&late)
            .differs_after_import(&not_imported)
            .completed_by_read(self.completed_by_read);
        if self.gone_after_destroy {
            lifecycle
        } else {
            lifecycle.still_read_after_destroy()
        }
    }
}

// ------------------------------------------------------------- the generation

fn lives(subject: &Subject) -> impl Strategy<Value = Life> + use<> {
    let names: Vec<String> = configurable(subject)
        .map(|attribute| attribute.name.to_owned())
        .collect();
    let late = proptest::sample::subsequence(names, 0..=2);
    (config(subject), config(subject), late).prop_map(|(first, second, late)| Life {
        configs: [first, second],
        late,
    })
}

fn configurable(subject: &Subject) -> impl Iterator<Item = &'static Attribute> {
    let schema = subject.resource().definition().schema;
    schema.attributes.iter().filter(|attribute| {
        attribute.mode != Mode::Computed && !subject.left_out.contains(&attribute.name)
    })
}

/// A base with some attributes on top, as far as the provider accepts it.
fn config(subject: &Subject) -> Values {
    let base = select(subject.bases.clone());
    let attributes: Vec<&Attribute> = configurable(subject).collect();
    let values: Vec<Values> = attributes
        .iter()
        .map(|attribute| value(attribute, subject.values))
        .collect();
    let chosen = vec(proptest::bool::weighted(0.15), attributes.len());
    let names: Vec<&str> = attributes.iter().map(|attribute| attribute.name).collect();
    let (resource, extended) = (subject.resource(), subject.extended);
    (base, values, chosen)
        .prop_filter_map("the provider refuses it", move |(base, values, chosen)| {
            let spare: BTreeMap<&str, Json> = names.iter().copied().zip(values).collect();
            let mut config = base;
            for (name, _) in names.iter().zip(chosen).filter(|(_, chosen)| *chosen) {
                let value = spare[name].clone();
                match (&mut config[*name], value) {
                    (Json::Object(base), Json::Object(more)) if extended.contains(name) => {
                        base.extend(more);
                    }
                    (base, value) => *base = value,
                }
            }
            repaired(resource, config, &spare)
        })
        .boxed()
}

/// The configuration without what the provider objects to, and with what it
/// misses.
fn repaired(
    resource: &dyn DynResource<Configured>,
    mut config: Json,
    spare: &BTreeMap<&str, Json>,
) -> Option<Json> {
    for _ in 0..30 {
        let Some(blamed) = blamed(resource, &config) else {
            return Some(config);
        };
        let config = config.as_object_mut().unwrap();
        match blamed.as_slice() {
            [Step::Attribute(name), Step::Key(key), ..] => {
                config.get_mut(name.as_ref())?.as_object_mut()?.remove(key);
            }
            [Step::Attribute(name), ..] => {
                if config.remove(name.as_ref()).is_none() {
                    config.insert(name.clone().into_owned(), spare.get(name.as_ref())?.clone());
                }
            }
            _ => return None,
        }
    }
    None
}

/// Where the provider's first error about a configuration points to.
fn blamed(resource: &dyn DynResource<Configured>, config: &Json) -> Option<Vec<Step>> {
    let schema = resource.definition().schema;
    let text = config.to_string();
    let config: Value =
        wire::decode(&schema.object_type(), text.as_bytes(), Leniency::Lenient).unwrap();
    let mut found = validate_config(schema, &config, true);
    found.extend(resource.validate(&config));
    let create = Change {
        config,
        prior: Value::Null,
        private: Private::default(),
    };
    found.extend(resource.plan(None, create).diagnostics);
    let error = found.iter().find(|one| one.severity == Severity::Error)?;
    let path = error.path.as_ref();
    Some(path.map_or(Vec::new(), |path| path.steps().to_vec()))
}

/// A value that the schema allows.
fn value(attribute: &'static Attribute, own: fn(&str) -> Option<Values>) -> Values {
    own(attribute.name).unwrap_or_else(|| of_kind(&attribute.kind, attribute.validators, own))
}

fn of_kind(
    kind: &'static AttributeType,
    rules: &'static [Validator],
    own: fn(&str) -> Option<Values>,
) -> Values {
    match kind {
        AttributeType::String => text(rules),
        AttributeType::Bool => any::<bool>().prop_map(Json::from).boxed(),
        AttributeType::Number => number(rules),
        AttributeType::List(element) => vec(of_kind(element, &[], own), 0..3)
            .prop_map(Json::from)
            .boxed(),
        // Elements by their text, so that each is there once.
        AttributeType::Set(element) => btree_map(key(), of_kind(element, &[], own), 0..3)
            .prop_map(|elements| {
                let distinct: BTreeMap<String, Json> = elements
                    .into_values()
                    .map(|element| (element.to_string(), element))
                    .collect();
                distinct.into_values().collect()
            })
            .boxed(),
        AttributeType::Map(element) => btree_map(key(), of_kind(element, &[], own), 0..3)
            .prop_map(|entries| Json::Object(entries.into_iter().collect()))
            .boxed(),
        AttributeType::Object(attributes) => object(attributes, own),
    }
}

fn object(attributes: &'static [Attribute], own: fn(&str) -> Option<Values>) -> Values {
    let members: Vec<_> = attributes
        .iter()
        .filter(|attribute| attribute.mode != Mode::Computed)
        .map(|attribute| {
            let weight = if attribute.mode == Mode::Required {
                1.0
            } else {
                0.5
            };
            let value = proptest::option::weighted(weight, value(attribute, own));
            value.prop_map(|value| (attribute.name, value))
        })
        .collect();
    members
        .prop_map(|members| {
            let given = members
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Json::Object(given.collect::<Map<_, _>>())
        })
        .boxed()
}

fn text(rules: &'static [Validator]) -> Values {
    for rule in rules {
        match rule {
            Validator::OneOf(allowed) => return select(*allowed).prop_map(Json::from).boxed(),
            Validator::Duration | Validator::Timeout => {
                let durations = vec!["30s", "1m30s", "1h"];
                return select(durations).prop_map(Json::from).boxed();
            }
            Validator::Url => return Just(json!("https://a.example.com/x")).boxed(),
            Validator::NotBlank | Validator::Line | Validator::Custom(..) => {
                return "\\PC{1,12}".prop_map(Json::from).boxed();
            }
            Validator::WholeNumber { .. } => {}
        }
    }
    "\\PC{0,12}".prop_map(Json::from).boxed()
}

fn number(rules: &'static [Validator]) -> Values {
    let bounds = rules.iter().find_map(|rule| match rule {
        Validator::WholeNumber { min, max } => Some((*min, *max)),
        _ => None,
    });
    let (min, max) = bounds.unwrap_or((i64::MIN, i64::MAX));
    prop_oneof![min..=max, min..=min.saturating_add(3).min(max)]
        .prop_map(Json::from)
        .boxed()
}

fn key() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9._-]{0,5}"
}

/// Some of these keys, each with a text.
fn entries(keys: &'static [&'static str]) -> Values {
    let chosen = btree_set(select(keys), 0..=keys.len());
    let texts = vec("\\PC{1,8}", keys.len());
    (chosen, texts)
        .prop_map(|(keys, texts)| {
            let texts = texts.into_iter().map(Json::from);
            let keys = keys.into_iter().map(str::to_owned);
            Json::Object(keys.zip(texts).collect())
        })
        .boxed()
}
