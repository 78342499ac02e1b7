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

use super::configured::{Configured, Key};
use super::destination_fallback::{FROM_KEY, Fallback, KeyValues, key_values, no_key};
use super::destination_properties::{
    CLIENT_SECRET, HTTP, SECRETS, SecretPair, TYPED, default_authentication, default_proxy_type,
    default_token_service_url_type, is_further,
};
use super::destination_schema::{DEFAULT_LEVEL, id_of};
use super::destination_secrets::Records;
use crate::client::KeyKind;
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::framework::plan::{Action, Plan};
use crate::framework::value::Value;

const COMPUTED_BY_REQUEST: [&str; 3] = ["etag", "modification_time", "unmanaged_properties"];

/// Refines the framework's plan.
pub(super) fn refine(provider: Option<&Configured>, plan: &mut Plan) {
    if plan.action() == Action::Delete {
        return;
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
fn identity(plan: &mut Plan) {
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
