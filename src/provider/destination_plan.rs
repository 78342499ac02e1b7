//! The plan of `sapcalm_destination`.
//!
//! Asks no server and has no clock: the same configuration, state and private
//! state always give the same plan. The one question it answers is whether a
//! request will be sent; if so, `etag`, `modification_time` and
//! `unmanaged_properties` become unknown, else every computed value stays.
//!
//! `out_of_sync_secrets` is always planned empty. Where Read found drift, that
//! makes a visible update which names the secret.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;

use super::configured::{Configured, Key, missing_key};
use super::destination_fallback::{FROM_KEY, Fallback, KeyValues, key_values, no_key};
use super::destination_properties::{
    CLIENT_SECRET, HTTP, SECRETS, SecretPair, TYPED, default_authentication, default_proxy_type,
    default_token_service_url_type, is_further,
};
use super::destination_schema::{DEFAULT_LEVEL, id_of};
use super::destination_secrets::Records;
use client::KeyKind;
use framework::diagnostics::Diagnostic;
use framework::path::Path;
use framework::plan::{Action, Plan};
use framework::value::Value;

const COMPUTED_BY_REQUEST: [&str; 3] = ["etag", "modification_time", "unmanaged_properties"];

/// Refines the framework's plan.
pub(super) fn refine(provider: Option<&Configured>, plan: &mut Plan) {
    if plan.action() == Action::Delete {
        return;
    }
    // What certainly fails is better said before anything is changed.
    if plan.action() == Action::Create
        && provider.is_some_and(|provider| provider.key(KeyKind::Destination) == Key::Absent)
    {
        plan.report(missing_key(KeyKind::Destination));
    }
    identity(plan);
    defaults(plan);
    let source = Source::of(provider, plan);
    from_key(&source, plan);
    if plan.diagnostics.has_errors() {
        return;
    }
    let sends = plan.action() == Action::Create || plan.replaces() || sends(&source, plan);
    for name in COMPUTED_BY_REQUEST {
        if sends {
            plan.set(name, Value::Unknown);
        } else {
            plan.keep_prior(name);
        }
    }
    plan.set("out_of_sync_secrets", Value::List(Vec::new()));
}

/// `id` follows from the configuration; the other two are known after create
/// and never change.
pub(super) fn identity(plan: &mut Plan) {
    let level = plan.planned("level").clone();
    let id = match (level.as_str(), plan.planned("name").as_str()) {
        (Some(level), Some(name)) => Value::string(id_of(level, name)),
        _ => Value::Unknown,
    };
    plan.set("id", id);
    if plan.action() == Action::Update {
        plan.keep_prior("subaccount_id");
        plan.keep_prior("instance_id");
    } else {
        plan.set("subaccount_id", Value::Unknown);
        let is_subaccount = level.as_str() == Some(DEFAULT_LEVEL);
        let instance = if is_subaccount {
            Value::Null
        } else {
            Value::Unknown
        };
        plan.set("instance_id", instance);
    }
}

/// What is configured by leaving it out depends on type and authentication.
fn defaults(plan: &mut Plan) {
    let type_ = or_default(plan, "type", Value::string(HTTP));
    let authentication = or_default(
        plan,
        "authentication",
        default_for(&[&type_], || default_authentication(type_.as_str()?)),
    );
    let known = [&type_, &authentication];
    let auth = authentication.as_str();
    let proxy = default_for(&known, || default_proxy_type(type_.as_str()?, auth));
    or_default(plan, "proxy_type", proxy);
    let token = default_for(&known, || {
        default_token_service_url_type(type_.as_str()?, auth)
    });
    or_default(plan, "token_service_url_type", token);
}

/// A default that depends on other values, which can be unknown.
fn default_for(others: &[&Value], default: impl Fn() -> Option<&'static str>) -> Value {
    if others.iter().any(|other| other.is_unknown()) {
        return Value::Unknown;
    }
    default().map_or(Value::Null, Value::string)
}

/// Plans the default where nothing is configured, and returns what is planned.
fn or_default(plan: &mut Plan, name: &'static str, default: Value) -> Value {
    if plan.config(name).is_null() {
        plan.set(name, default);
    }
    plan.planned(name).clone()
}

/// Where `url`, `client_id`, `token_service_url` and the client secret come
/// from.
enum Source {
    /// From the configuration alone.
    Configuration,
    /// From the provider's Cloud ALM key.
    Key(Box<KeyValues>),
    /// From there, but what it says is not known yet; or it is not known yet
    /// whether they come from there.
    Unknown,
    /// From there, but there is none: what is, stays.
    NoKey,
    /// From there, but the key cannot be used.
    Broken(Diagnostic),
}

impl Source {
    fn of(provider: Option<&Configured>, plan: &Plan) -> Self {
        let (config, ..) = plan.objects();
        match Fallback::of_config(config) {
            Fallback::Nothing => return Self::Configuration,
            Fallback::Undecided => return Self::Unknown,
            Fallback::Everything => {}
        }
        let Some(provider) = provider else {
            return Self::Unknown;
        };
        match (
            provider.key(KeyKind::CloudAlm),
            &provider.client().config().cloud_alm_key,
        ) {
            (Key::Unknown, _) => Self::Unknown,
            (Key::Known, Some(key)) => match key_values(key, config.get("url_form").as_str()) {
                Ok(values) => Self::Key(Box::new(values)),
                Err(problem) => Self::Broken(problem),
            },
            _ => Self::NoKey,
        }
    }
}

/// Plans what comes from the key. What is configured stays as it is.
fn from_key(source: &Source, plan: &mut Plan) {
    let values = match source {
        Source::Broken(problem) => {
            plan.report(problem.clone());
            return;
        }
        Source::NoKey => {
            let missing = FROM_KEY.iter().any(|name| plan.prior(name).is_null());
            if missing || plan.replaces() {
                plan.report(no_key());
            }
            FROM_KEY.map(|name| plan.prior(name).clone())
        }
        Source::Unknown => [const { Value::Unknown }; 3],
        Source::Configuration => [const { Value::Null }; 3],
        Source::Key(values) => {
            let url = match plan.config("url_form") {
                Value::Unknown => Value::Unknown,
                _ => Value::string(&values.url),
            };
            let client_id = Value::string(&values.client_id);
            [url, client_id, Value::string(&values.token_service_url)]
        }
    };
    for (name, value) in FROM_KEY.into_iter().zip(values) {
        if plan.config(name).is_null() {
            plan.set(name, value);
        }
    }
}

/// Whether an update will send a request, as far as that can be told now. What
/// is not known yet counts as a difference.
fn sends(source: &Source, plan: &mut Plan) -> bool {
    let records = Records::load(&plan.private);
    let body = TYPED
        .iter()
        .any(|property| plan.changes(property.attribute));
    let maps = plan.changes("properties") || plan.changes("labels");
    let foreign = foreign_properties(plan);
    if !foreign.is_empty() {
        plan.report(foreign_warning(&foreign));
    }
    body || maps
        || !foreign.is_empty()
        || SECRETS
            .iter()
            .any(|pair| sends_secret(pair, source, &records, plan))
        || sends_further_secrets(&records, plan)
        || drifted(plan).next().is_some()
}

/// What Read found that a complete set of properties removes. Their values are
/// not in the state, so the plan shows them by name.
fn foreign_properties(plan: &Plan) -> Vec<String> {
    let Some(configured) = plan.config("properties").entries() else {
        return Vec::new();
    };
    let secrets = plan.config("secret_properties_wo").entries();
    let is_configured = |name: &str| {
        configured.contains_key(name) || secrets.is_some_and(|map| map.contains_key(name))
    };
    texts(plan.prior("unmanaged_properties"))
        .filter(|name| is_further(name) && !is_configured(name))
        .map(str::to_owned)
        .collect()
}

fn foreign_warning(names: &[String]) -> Diagnostic {
    Diagnostic::warning(
        "Properties will be removed",
        format!(
            "`properties` is the complete set of further properties, and the destination has \
             others: `{}`. This apply removes them. To keep one, add it to `properties` (or to \
             `secret_properties_wo`); to leave all of them alone, take `properties` out.",
            names.join("`, `")
        ),
    )
    .at(Path::attribute("properties"))
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    let items = match list {
        Value::List(items) => items.as_slice(),
        _ => &[],
    };
    items.iter().filter_map(Value::as_str)
}

/// The secrets that Read found changed.
fn drifted(plan: &Plan) -> impl Iterator<Item = &str> {
    texts(plan.prior("out_of_sync_secrets"))
}

/// Whether one of the secrets with attributes will be written or deleted.
fn sends_secret(pair: &SecretPair, source: &Source, records: &Records, plan: &Plan) -> bool {
    let record = records.get(pair.key);
    let differs = |secret: &str| !record.is_some_and(|record| record.confirms(secret));
    if plan.changes(pair.attribute) || plan.changes(pair.version) {
        return true;
    }
    if !plan.config(pair.attribute).is_null() {
        return false;
    }
    let write_only = plan.config(pair.write_only);
    if !write_only.is_null() {
        return match write_only.as_str() {
            _ if !plan.config(pair.version).is_null() => !records.is_ours(pair.key),
            Some(secret) => differs(secret),
            None => true,
        };
    }
    if pair.key == CLIENT_SECRET {
        match source {
            Source::Key(values) => return differs(values.client_secret.expose_secret()),
            Source::Unknown => return true,
            Source::NoKey => return false,
            Source::Configuration | Source::Broken(_) => {}
        }
    }
    records.is_ours(pair.key)
}

/// Whether something in `secret_properties_wo` will be written or deleted.
fn sends_further_secrets(records: &Records, plan: &Plan) -> bool {
    let version = plan.config("secret_properties_wo_version");
    if plan.changes("secret_properties_wo_version") {
        return true;
    }
    let written = records.further();
    let entries = match plan.config("secret_properties_wo") {
        Value::Null => return !written.is_empty(),
        Value::Map(entries) => entries,
        _ => return true,
    };
    let configured: BTreeSet<&str> = entries.keys().map(String::as_str).collect();
    if version.is_null() {
        written.iter().any(|key| !configured.contains(key))
            || entries.iter().any(|(key, value)| {
                let record = records.get(key);
                value
                    .as_str()
                    .is_none_or(|secret| !record.is_some_and(|record| record.confirms(secret)))
            })
    } else {
        written != configured
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::destination_schema::DEFINITION;
    use super::super::destination_secrets::{Origin, Record};
    use super::super::resource_destination::Destination;
    use super::*;
    use client::{Client, CloudAlmKey, Config, DestinationKey};
    use framework::plan::{Change, Planned, plan};
    use framework::private::Private;

    const KEY: &str = r#"{
        "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
        "uaa": { "clientid": "sb-calm", "clientsecret": "key-secret", "url": "https://acme-calm.auth" }
    }"#;

    const DESTINATION_KEY: &str = r#"{"clientid":"c","clientsecret":"s","uri":"https://d.example","url":"https://zone.example"}"#;

    /// A provider with a Destination key, and what is known about the Cloud ALM
    /// key.
    fn provider(key: Key) -> Configured {
        let config = Config {
            destination_key: Some(DestinationKey::parse(DESTINATION_KEY).unwrap()),
            cloud_alm_key: (key == Key::Known).then(|| CloudAlmKey::parse(KEY).unwrap()),
            ..Config::default()
        };
        let unknown = (key == Key::Unknown).then_some((KeyKind::CloudAlm, "cloud_alm_service_key"));
        Configured::new(Client::new(config).unwrap(), unknown.into_iter().collect())
    }

    fn text(text: &str) -> Value {
        Value::string(text)
    }

    fn list(items: &[&str]) -> Value {
        Value::List(items.iter().map(|item| text(item)).collect())
    }

    fn map(entries: &[(&str, Value)]) -> Value {
        let entries = entries.iter();
        Value::Map(
            entries
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        )
    }

    fn object(entries: &[(&str, Value)]) -> Value {
        let all = DEFINITION.schema.attributes.iter();
        let mut object: BTreeMap<String, Value> = all
            .map(|attribute| (attribute.name.to_owned(), Value::Null))
            .collect();
        for (name, value) in entries {
            assert!(
                object.insert((*name).to_owned(), value.clone()).is_some(),
                "{name}"
            );
        }
        Value::Object(object)
    }

    fn with(base: &Value, entries: &[(&str, Value)]) -> Value {
        let mut object = base.entries().unwrap().clone();
        for (name, value) in entries {
            object.insert((*name).to_owned(), value.clone());
        }
        Value::Object(object)
    }

    /// The state of a basic destination.
    fn state() -> Value {
        object(&[
            ("name", text("CloudALM")),
            ("level", text("subaccount")),
            ("type", text("HTTP")),
            ("url", text("https://a")),
            ("proxy_type", text("Internet")),
            ("authentication", text("BasicAuthentication")),
            ("user", text("u")),
            ("id", text("subaccount/CloudALM")),
            ("subaccount_id", text("s")),
            ("etag", text("e")),
            ("modification_time", text("2026-01-01T00:00:00Z")),
            ("unmanaged_properties", list(&[])),
            ("out_of_sync_secrets", list(&[])),
        ])
    }

    fn config(entries: &[(&str, Value)]) -> Value {
        let base = object(&[
            ("url", text("https://a")),
            ("authentication", text("BasicAuthentication")),
            ("user", text("u")),
        ]);
        with(&base, entries)
    }

    /// The state of a destination that came from the key.
    fn keyed_state() -> Value {
        with(
            &state(),
            &[
                ("authentication", text("OAuth2ClientCredentials")),
                ("url", text("https://eu10.alm.cloud.sap/api")),
                ("client_id", text("sb-calm")),
                (
                    "token_service_url",
                    text("https://acme-calm.auth/oauth/token"),
                ),
                ("token_service_url_type", text("Dedicated")),
                ("user", Value::Null),
            ],
        )
    }

    fn remembered(entries: &[(&str, Origin, &str)]) -> Private {
        let mut records = Records::default();
        for (key, origin, secret) in entries {
            records.insert(key, Record::new(*origin, secret).unwrap());
        }
        let mut private = Private::default();
        records.store(&mut private);
        private
    }

    fn planned(key: Key, config: &Value, prior: &Value, private: &Private) -> Planned {
        let provider = provider(key);
        let change = || Change {
            config: config.clone(),
            prior: prior.clone(),
            private: private.clone(),
        };
        let first = plan(&Destination, Some(&provider), change());
        let second = plan(&Destination, Some(&provider), change());
        assert!(first.state.same(&second.state), "planning is deterministic");
        first
    }

    fn nothing() -> Private {
        Private::default()
    }

    #[derive(Debug, PartialEq, Eq)]
    enum Effect {
        /// The plan is empty.
        Nothing,
        /// In place, without a request: every computed value stays.
        Unsent,
        /// In place, with a request.
        Sent,
    }

    fn effect(key: Key, config: &Value, prior: &Value, private: &Private) -> Effect {
        let planned = planned(key, config, prior, private);
        assert!(
            !planned.diagnostics.has_errors(),
            "{:#?}",
            planned.diagnostics
        );
        let unknown = COMPUTED_BY_REQUEST.map(|name| planned.state.get(name).is_unknown());
        assert!(
            unknown.iter().all(|one| *one == unknown[0]),
            "all three or none"
        );
        for name in ["id", "subaccount_id", "instance_id"] {
            assert!(
                planned.state.get(name).same(prior.get(name)),
                "{name} stays"
            );
        }
        assert!(planned.state.get("out_of_sync_secrets").same(&list(&[])));
        if unknown[0] {
            Effect::Sent
        } else if planned.state.same(prior) {
            Effect::Nothing
        } else {
            Effect::Unsent
        }
    }

    /// Name, configuration, prior state, what is remembered, effect.
    type Row = (
        &'static str,
        Vec<(&'static str, Value)>,
        Vec<(&'static str, Value)>,
        Private,
        Effect,
    );

    fn check(rows: Vec<Row>) {
        for (name, configured, before, private, expected) in rows {
            let prior = with(&state(), &before);
            let actual = effect(Key::Absent, &config(&configured), &prior, &private);
            assert_eq!(actual, expected, "{name}");
        }
    }

    fn number(number: i64) -> Value {
        Value::Number(number.into())
    }

    #[test]
    fn what_an_update_sends() {
        use Effect::{Nothing, Sent, Unsent};
        check(vec![
            ("no change", vec![], vec![], nothing(), Nothing),
            (
                "a property",
                vec![("description", text("d"))],
                vec![],
                nothing(),
                Sent,
            ),
            (
                "a property that left",
                vec![],
                vec![("scope", text("s"))],
                nothing(),
                Sent,
            ),
            (
                "an unknown property",
                vec![("user", Value::Unknown)],
                vec![],
                nothing(),
                Sent,
            ),
            (
                "labels",
                vec![("labels", map(&[]))],
                vec![],
                nothing(),
                Sent,
            ),
            (
                "a switch",
                vec![("check_token", Value::Bool(true))],
                vec![],
                nothing(),
                Unsent,
            ),
            (
                "another switch",
                vec![("adopt_existing", Value::Bool(true))],
                vec![],
                nothing(),
                Unsent,
            ),
            (
                "unmanaged properties",
                vec![],
                vec![("unmanaged_properties", list(&["TrustAll", "mine"]))],
                nothing(),
                Nothing,
            ),
            (
                "foreign properties beside a complete set",
                vec![("properties", map(&[]))],
                vec![
                    ("properties", map(&[])),
                    ("unmanaged_properties", list(&["mine"])),
                ],
                nothing(),
                Sent,
            ),
            (
                "a foreign secret beside a complete set",
                vec![("properties", map(&[]))],
                vec![
                    ("properties", map(&[])),
                    ("unmanaged_properties", list(&["jco.client.passwd"])),
                ],
                nothing(),
                Nothing,
            ),
        ]);
    }

    fn plain(secret: &str) -> (&'static str, Value) {
        ("password", text(secret))
    }

    fn write_only(secret: &str) -> (&'static str, Value) {
        ("password_wo", text(secret))
    }

    fn version(version: i64) -> (&'static str, Value) {
        ("password_wo_version", number(version))
    }

    fn drift() -> (&'static str, Value) {
        ("out_of_sync_secrets", list(&["password"]))
    }

    fn written() -> Private {
        remembered(&[("Password", Origin::Configuration, "p")])
    }

    #[test]
    #[rustfmt::skip]
    fn when_a_secret_is_sent() {
        use Effect::{Nothing, Sent};
        let imported = || remembered(&[("Password", Origin::Sap, "p")]);
        let unknown = ("password_wo", Value::Unknown);
        check(vec![
            ("as written", vec![write_only("p")], vec![], written(), Nothing),
            ("new", vec![write_only("q")], vec![], written(), Sent),
            ("unknown", vec![unknown], vec![], written(), Sent),
            ("as imported", vec![write_only("p")], vec![], imported(), Nothing),
            ("other than imported", vec![write_only("q")], vec![], imported(), Sent),
            ("never seen", vec![write_only("p")], vec![], nothing(), Sent),
            ("same version", vec![write_only("q"), version(1)], vec![version(1)], written(), Nothing),
            ("new version", vec![write_only("p"), version(2)], vec![version(1)], written(), Sent),
            ("first version", vec![write_only("p"), version(1)], vec![], written(), Sent),
            ("drift with version", vec![write_only("p"), version(1)], vec![version(1), drift()], written(), Sent),
            ("drift without version", vec![write_only("p")], vec![drift()], written(), Sent),
            ("drift of a plain one", vec![plain("p")], vec![plain("p"), drift()], written(), Sent),
            ("plain", vec![plain("p")], vec![plain("p")], written(), Nothing),
            ("plain, new", vec![plain("q")], vec![plain("p")], written(), Sent),
            ("plain, left", vec![], vec![plain("p")], written(), Sent),
            ("left", vec![], vec![], written(), Sent),
            ("imported, not configured", vec![], vec![], imported(), Nothing),
        ]);
    }

    #[test]
    fn when_a_further_secret_is_sent() {
        use Effect::{Nothing, Sent};
        let further = || remembered(&[("k", Origin::Configuration, "v")]);
        check(vec![
            (
                "further secrets",
                vec![("secret_properties_wo", map(&[("k", text("v"))]))],
                vec![],
                further(),
                Nothing,
            ),
            (
                "another further secret",
                vec![("secret_properties_wo", map(&[("k", text("w"))]))],
                vec![],
                further(),
                Sent,
            ),
            (
                "a further secret that left",
                vec![],
                vec![],
                further(),
                Sent,
            ),
            (
                "one of the further secrets left, with a version",
                vec![
                    ("secret_properties_wo", map(&[])),
                    ("secret_properties_wo_version", number(1)),
                ],
                vec![("secret_properties_wo_version", number(1))],
                further(),
                Sent,
            ),
        ]);
    }

    #[test]
    fn the_key_is_compared_with_what_was_written() {
        let written = |secret| remembered(&[(CLIENT_SECRET, Origin::CloudAlmKey, secret)]);
        let imported = remembered(&[(CLIENT_SECRET, Origin::Sap, "key-secret")]);
        let config = object(&[]);
        let rows = [
            (
                "the same key",
                Key::Known,
                written("key-secret"),
                Effect::Nothing,
            ),
            ("a rotated key", Key::Known, written("older"), Effect::Sent),
            ("an import that fits", Key::Known, imported, Effect::Nothing),
            ("no key", Key::Absent, written("older"), Effect::Nothing),
            (
                "an unknown key",
                Key::Unknown,
                written("key-secret"),
                Effect::Sent,
            ),
        ];
        for (name, key, private, expected) in rows {
            assert_eq!(
                effect(key, &config, &keyed_state(), &private),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn an_unknown_key_makes_unknown_what_comes_from_it() {
        let planned = planned(Key::Unknown, &object(&[]), &keyed_state(), &nothing());
        for name in FROM_KEY {
            assert!(planned.state.get(name).is_unknown(), "{name}");
        }
        assert!(!planned.state.get("authentication").is_unknown());
    }

    #[test]
    fn a_new_destination_knows_everything_but_what_sap_decides() {
        let planned = planned(Key::Known, &object(&[]), &Value::Null, &nothing());
        assert!(!planned.diagnostics.has_errors());
        let expected = [
            ("name", text("CloudALM")),
            ("level", text("subaccount")),
            ("id", text("subaccount/CloudALM")),
            ("type", text("HTTP")),
            ("authentication", text("OAuth2ClientCredentials")),
            ("proxy_type", text("Internet")),
            ("token_service_url_type", text("Dedicated")),
            ("url", text("https://eu10.alm.cloud.sap/api")),
            ("client_id", text("sb-calm")),
            (
                "token_service_url",
                text("https://acme-calm.auth/oauth/token"),
            ),
            ("instance_id", Value::Null),
            ("subaccount_id", Value::Unknown),
            ("etag", Value::Unknown),
            ("out_of_sync_secrets", list(&[])),
            ("properties", Value::Null),
        ];
        for (name, value) in expected {
            assert!(planned.state.get(name).same(&value), "{name}");
        }
    }

    #[test]
    fn other_types_write_nothing_that_was_not_asked_for() {
        let config = object(&[("type", text("RFC"))]);
        let planned = planned(Key::Known, &config, &Value::Null, &nothing());
        for name in [
            "authentication",
            "proxy_type",
            "token_service_url_type",
            "url",
            "client_id",
        ] {
            assert!(planned.state.get(name).is_null(), "{name}");
        }
    }

    #[test]
    fn a_new_destination_without_key_names_attribute_and_variable() {
        let planned = planned(Key::Absent, &object(&[]), &Value::Null, &nothing());
        let error = planned.diagnostics.iter().next().unwrap();
        assert!(error.detail.contains("`cloud_alm_service_key`"));
        assert!(error.detail.contains("`SAPCALM_CLOUD_ALM_SERVICE_KEY`"));
        assert_eq!(error.path, Some(Path::attribute("url")));
    }

    #[test]
    fn a_new_destination_without_a_destination_key_is_refused_while_planning() {
        let without = Configured::new(Client::new(Config::default()).unwrap(), BTreeMap::new());
        let change = Change {
            config: object(&[("url", text("https://a.example"))]),
            prior: Value::Null,
            private: nothing(),
        };
        let planned = plan(&Destination, Some(&without), change);
        let details: Vec<_> = planned.diagnostics.iter().map(|one| &one.detail).collect();
        assert_eq!(details.len(), 1, "{details:?}");
        assert!(details[0].contains("`SAPCALM_DESTINATION_SERVICE_KEY`"));
    }

    #[test]
    fn defaults_wait_for_what_they_depend_on() {
        let config = object(&[("type", Value::Unknown)]);
        let planned = planned(Key::Known, &config, &Value::Null, &nothing());
        assert!(!planned.diagnostics.has_errors());
        for name in [
            "authentication",
            "proxy_type",
            "token_service_url_type",
            "url",
        ] {
            assert!(planned.state.get(name).is_unknown(), "{name}");
        }
    }

    #[test]
    fn another_authentication_takes_what_came_from_the_key_away() {
        let config = object(&[
            ("authentication", text("NoAuthentication")),
            ("url", text("https://a")),
        ]);
        let private = remembered(&[(CLIENT_SECRET, Origin::CloudAlmKey, "key-secret")]);
        let planned = planned(Key::Known, &config, &keyed_state(), &private);
        for name in ["client_id", "token_service_url", "token_service_url_type"] {
            assert!(planned.state.get(name).is_null(), "{name}");
        }
        assert!(planned.state.get("etag").is_unknown());
    }

    #[test]
    fn what_a_complete_set_removes_is_named() {
        let prior = with(
            &state(),
            &[
                ("properties", map(&[])),
                ("unmanaged_properties", list(&["mine"])),
            ],
        );
        let config = config(&[("properties", map(&[]))]);
        let planned = planned(Key::Absent, &config, &prior, &nothing());
        let warning = planned.diagnostics.iter().next().unwrap();
        assert_eq!(warning.summary, "Properties will be removed");
        assert!(warning.detail.contains("`mine`"));
    }

    #[test]
    fn name_and_level_replace() {
        for (name, value) in [("name", "other"), ("level", "instance")] {
            let config = config(&[(name, text(value))]);
            let planned = planned(Key::Absent, &config, &state(), &nothing());
            assert_eq!(planned.replace, [Path::attribute(name)], "{name}");
        }
    }
}
