//! When a service key fills a destination in: all or nothing.
//!
//! `url`, `client_id`, `token_service_url` and the client secret come from the
//! key in `service_key`, or else from the provider's Cloud ALM key, only when none
//! of them is configured and the destination is the plain case a key is made for.
//! If one of them is configured, nothing comes from the key: otherwise its secret,
//! or a token bought with it, could reach a host that somebody else chose.
//!
//! Once they came from the key, a configured value that equals the state counts
//! as not configured: `ignore_changes` puts it there, and so does Terraform
//! where it generates the configuration of an import. A key in `service_key` that
//! is null then, was ignored or is an empty variable: what is there stays.

use std::collections::BTreeMap;

use secrecy::SecretString;
use url::Url;

use client::{CloudAlmKey, KeyKind, OAuthClient, ServiceKey};
use framework::diagnostics::Diagnostic;
use framework::path::Path;
use framework::plan::Plan;
use framework::value::Value;

use super::super::configured::{Configured, Key};
use super::credentials::SECRET_OBJECTS;
use super::record::{Origin, Record};
use super::vocabulary::{
    CLIENT_CREDENTIALS, CLIENT_SECRET, DEDICATED, HTTP, INTERNET, TYPED, secret_key,
};

/// The attributes that come from the key.
pub(super) const FROM_KEY: [&str; 3] = ["url", "client_id", "token_service_url"];

/// The answer to "does the key fill this destination in?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fallback {
    /// Yes, with everything.
    Everything,
    /// No: it is not the case the key is made for.
    OtherKind,
    /// No: something is configured that keeps the key out.
    KeptOut,
    /// A value of the configuration is not known yet.
    Undecided,
}

/// One condition for the fallback; of several the last in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Condition {
    Met,
    Unknown,
    Failed,
}

impl Condition {
    fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        conditions.into_iter().max().unwrap_or(Self::Met)
    }
}

impl Fallback {
    /// Decides for a configuration that can hold unknown values.
    pub(super) fn of(config: &Value) -> Self {
        Self::with(config, &|name| !config.get(name).is_null())
    }

    /// `is_configured` tells it of the attributes that come from the key.
    fn with(config: &Value, is_configured: &dyn Fn(&str) -> bool) -> Self {
        match (is_plain_case(config), is_untouched(config, is_configured)) {
            (Condition::Failed, _) => Self::OtherKind,
            (_, Condition::Failed) => Self::KeptOut,
            (Condition::Met, Condition::Met) => Self::Everything,
            _ => Self::Undecided,
        }
    }

    /// Whether the key certainly stays out.
    pub(super) fn is_out(self) -> bool {
        matches!(self, Self::OtherKind | Self::KeptOut)
    }
}

/// The kind of destination that the key is made for.
fn is_plain_case(config: &Value) -> Condition {
    let defaults = [
        ("type", HTTP),
        ("authentication", CLIENT_CREDENTIALS),
        ("proxy_type", INTERNET),
        ("token_service_url_type", DEDICATED),
    ];
    Condition::all(defaults.map(|(name, default)| left_out_or(config.get(name), Some(default))))
}

/// Whether a value is left out, or says no more than that.
fn left_out_or(value: &Value, default: Option<&str>) -> Condition {
    match value {
        Value::Null => Condition::Met,
        Value::Unknown => Condition::Unknown,
        Value::String(text) if default == Some(text) => Condition::Met,
        _ => Condition::Failed,
    }
}

/// Nothing is configured that would come from the key, or that changes how its
/// token is fetched.
fn is_untouched(config: &Value, is_configured: &dyn Fn(&str) -> bool) -> Condition {
    let absent = |value| left_out_or(value, None);
    let from_key = FROM_KEY.map(|name| match is_configured(name) {
        true => absent(config.get(name)),
        false => Condition::Met,
    });
    let typed = TYPED
        .iter()
        .filter(|property| !FROM_KEY.contains(&property.attribute) && keeps_out(property.key))
        .map(|property| absent(config.get(property.attribute)));
    let objects = SECRET_OBJECTS.map(|(name, suffix)| {
        let object = config.get(name);
        let secret = absent(object.get(&format!("client_secret{suffix}")));
        Condition::all([secret, map(object.get(&format!("properties{suffix}")))])
    });
    let rest = [map(config.get("properties"))].into_iter().chain(objects);
    Condition::all(from_key.into_iter().chain(typed).chain(rest))
}

/// The keys of a map of properties.
fn map(value: &Value) -> Condition {
    if value.is_unknown() {
        return Condition::Unknown;
    }
    let mut keys = value.entries().into_iter().flat_map(|map| map.keys());
    if keys.any(|key| keeps_out(key)) {
        Condition::Failed
    } else {
        Condition::Met
    }
}

/// Whether a configured property keeps the key out.
fn keeps_out(key: &str) -> bool {
    let decides_kind = key == "tokenServiceURLType";
    secret_key(key) == CLIENT_SECRET
        || key == "TrustAll"
        || (key.starts_with("tokenService") && !decides_kind)
}

/// Where `url`, `client_id`, `token_service_url` and the client secret come
/// from.
pub(super) enum Source {
    /// From the configuration alone.
    Configuration,
    /// From a service key.
    Key(Box<KeyValues>),
    /// From there, but what it says is not known yet.
    UnknownKey(Origin),
    /// It is not known yet whether they come from there.
    Undecided,
    /// They came from there, and now they cannot: what is there stays.
    Kept,
    /// From there, but the key cannot be used.
    Broken(Diagnostic),
}

impl Source {
    /// The record says whether they did when they were written last.
    pub(super) fn of(provider: Option<&Configured>, plan: &Plan, record: &Record) -> Self {
        let came_from_key = record.key.is_some();
        let is_configured = |name: &str| {
            let value = plan.config(name);
            let is_as_before = came_from_key && value.same(plan.prior(name));
            !value.is_null() && !is_as_before
        };
        let (config, ..) = plan.objects();
        match Fallback::with(config, &is_configured) {
            // Ignored changes brought it here: the configuration itself would
            // have been refused.
            Fallback::KeptOut if came_from_key && !FROM_KEY.into_iter().any(is_configured) => {
                return Self::Kept;
            }
            Fallback::OtherKind | Fallback::KeptOut => return Self::Configuration,
            Fallback::Undecided => return Self::Undecided,
            Fallback::Everything => {}
        }
        let block = config.get("service_key");
        match block.get("json_wo") {
            Value::String(json) => return Self::by(own_key_values(json, block)),
            Value::Unknown => return Self::UnknownKey(Origin::ServiceKey),
            _ if block.is_unknown() => return Self::UnknownKey(Origin::ServiceKey),
            _ if record.key == Some(Origin::ServiceKey) && !block.is_null() => return Self::Kept,
            _ => {}
        }
        let Some(provider) = provider else {
            return Self::UnknownKey(Origin::CloudAlmKey);
        };
        let key = &provider.client().config().cloud_alm_key;
        match (provider.key(KeyKind::CloudAlm), key) {
            (Key::Unknown, _) => Self::UnknownKey(Origin::CloudAlmKey),
            (Key::Known, Some(key)) => Self::by(key_values(key, block)),
            _ => Self::Kept,
        }
    }

    fn by(values: Result<KeyValues, Diagnostic>) -> Self {
        match values {
            Ok(values) => Self::Key(Box::new(values)),
            Err(problem) => Self::Broken(problem),
        }
    }

    /// Whether the values come from the provider's key, or stay as they were: then
    /// the destination is `CloudALM` where nothing else is said.
    pub(super) fn may_have_no_name(&self) -> bool {
        match self {
            Self::Configuration | Self::UnknownKey(Origin::ServiceKey) => false,
            Self::Key(values) => values.origin == Origin::CloudAlmKey,
            _ => true,
        }
    }

    /// Plans what comes from the key. What is configured stays as it is.
    pub(super) fn plan(&self, plan: &mut Plan) {
        let values = match self {
            Self::Broken(problem) => {
                plan.report(problem.clone());
                return;
            }
            Self::Kept => {
                let missing = FROM_KEY.iter().any(|name| plan.prior(name).is_null());
                if missing || plan.replaces() {
                    plan.report(match plan.config("service_key").is_null() {
                        true => no_key(),
                        false => no_own_key(),
                    });
                }
                FROM_KEY.map(|name| plan.prior(name).clone())
            }
            Self::UnknownKey(_) | Self::Undecided => [const { Value::Unknown }; 3],
            Self::Configuration => [const { Value::Null }; 3],
            Self::Key(values) => {
                let block = plan.config("service_key");
                let is_open = |name| block.get(name).is_unknown();
                let url = match is_open("url_form") || is_open("url_path") {
                    true => Value::Unknown,
                    false => Value::string(&values.url),
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
}

/// What a service key fills in.
#[derive(Debug, Clone)]
pub(super) struct KeyValues {
    /// Which key it is.
    pub(super) origin: Origin,
    /// `url`
    pub(super) url: String,
    /// `client_id`
    pub(super) client_id: String,
    /// `token_service_url`
    pub(super) token_service_url: String,
    /// The client secret.
    pub(super) client_secret: SecretString,
}

impl KeyValues {
    /// Whether the key's secret may be written: it goes to the key's token
    /// service, and the token to the key's host. An ignored change can have
    /// brought others there.
    pub(super) fn lead_to(&self, url: &Value, token_service_url: &Value) -> bool {
        let origin = |url: &str| Url::parse(url).map(|url| url.origin()).ok();
        let same_host = match url.as_str() {
            Some(url) => origin(url).is_some_and(|one| origin(&self.url) == Some(one)),
            None => url.is_unknown(),
        };
        same_host && token_service_url.as_str() == Some(&self.token_service_url)
    }
}

/// What the provider's Cloud ALM key fills in, where there is a usable one.
pub(super) fn of_provider(provider: &Configured) -> Option<KeyValues> {
    let key = provider.client().config().cloud_alm_key.as_ref()?;
    let is_known = provider.key(KeyKind::CloudAlm) == Key::Known;
    key_values(key, &Value::Null).ok().filter(|_| is_known)
}

/// The client secret of the text in `service_key`.
pub(super) fn own_secret(json: &str) -> Option<SecretString> {
    let key = ServiceKey::parse(json).ok()?;
    key.oauth.client_secret().cloned()
}

/// Takes out of a generated configuration what the Cloud ALM key says, so that
/// the destination keeps following its key.
pub(super) fn without_key_values(
    provider: Option<&Configured>,
    config: &mut BTreeMap<String, Value>,
) {
    let Some(values) = provider.and_then(of_provider) else {
        return;
    };
    let said = [&values.url, &values.client_id, &values.token_service_url];
    let text = |name: &str| config.get(name).and_then(Value::as_str);
    let are_same = FROM_KEY
        .iter()
        .zip(said)
        .all(|(name, said)| text(name) == Some(said));
    let mut without = config.clone();
    for name in FROM_KEY {
        without.insert(name.to_owned(), Value::Null);
    }
    if are_same && Fallback::of(&Value::Object(without.clone())) == Fallback::Everything {
        *config = without;
    }
}

/// Takes what a destination needs out of the Cloud ALM key; `block` says how.
///
/// # Errors
/// An x509 key has no client secret to put into a destination.
pub(super) fn key_values(key: &CloudAlmKey, block: &Value) -> Result<KeyValues, Diagnostic> {
    let url = (key.api.as_str(), &key.api_url);
    values(Origin::CloudAlmKey, &key.oauth, url, block).ok_or_else(|| {
        let key = "The Cloud ALM service key";
        x509_key(key, "the provider's `cloud_alm_service_key`").at(Path::attribute("url"))
    })
}

/// The same out of the key in `service_key`.
///
/// # Errors
/// Also where it is no service key, or names no URL of its service.
fn own_key_values(json: &str, block: &Value) -> Result<KeyValues, Diagnostic> {
    let path = || Path::attribute("service_key").then("json_wo");
    let key = ServiceKey::parse(json).map_err(|problem| {
        Diagnostic::error(
            "Invalid service key",
            format!(
                "The text in `service_key` {problem}.\n\nGive it the JSON text of one service \
                 key, for example `file(\"key.json\")`."
            ),
        )
        .at(path())
    })?;
    let (text, url) = key.service_url().map_err(|problem| {
        unusable(format!(
            "The key in `service_key` {problem}, so it does not say where the destination \
             leads.\n\nTake `service_key` out, and configure `url`, `client_id`, \
             `token_service_url` and `client_secret_wo` in `credentials`."
        ))
        .at(path())
    })?;
    values(Origin::ServiceKey, &key.oauth, (text, &url), block)
        .ok_or_else(|| x509_key("The key in `service_key`", "`service_key`").at(path()))
}

fn unusable(detail: String) -> Diagnostic {
    Diagnostic::error("Unusable service key", detail)
}

/// `setting` is where a key with a client secret would go.
fn x509_key(key: &str, setting: &str) -> Diagnostic {
    unusable(format!(
        "{key} is an x509 key: it has a certificate instead of a client secret, and a destination \
         holds a certificate only by the name of an uploaded one.\n\n\
         Upload the key's `certificate` and `key` with the resource \
         `sapcalm_destination_certificate` on the same level, name that in \
         `token_service_key_store_location` here, and configure `url`, `client_id` and \
         `token_service_url` (the key's `certurl` with `/oauth/token`); or give {setting} a key \
         with a client secret."
    ))
}

/// `None` where there is no client secret.
fn values(
    origin: Origin,
    oauth: &OAuthClient,
    (text, url): (&str, &Url),
    block: &Value,
) -> Option<KeyValues> {
    let base = url_in_form(text, url, block.get("url_form").as_str());
    Some(KeyValues {
        origin,
        url: match block.get("url_path").as_str() {
            Some(path) => format!("{}{path}", base.trim_end_matches('/')),
            None => base,
        },
        client_id: oauth.client_id.clone(),
        token_service_url: oauth.token_url.to_string(),
        client_secret: oauth.client_secret()?.clone(),
    })
}

/// The forms in which SAP's services want the URL of Cloud ALM.
pub(crate) fn url_in_form(verbatim: &str, url: &Url, form: Option<&str>) -> String {
    match form {
        Some("origin") => url.origin().ascii_serialization(),
        Some("origin_with_slash") => format!("{}/", url.origin().ascii_serialization()),
        _ => verbatim.to_owned(),
    }
}

/// The error of a new destination that needs the key when there is none.
fn no_key() -> Diagnostic {
    Diagnostic::error(
        "Missing service key",
        "Nothing says where this destination leads: `url`, `client_id`, `token_service_url` and \
         the client secret are all left out, and the provider has no Cloud ALM service key to \
         take them from.\n\n\
         Set `cloud_alm_service_key` in the `provider \"sapcalm\"` block, or the environment \
         variable `SAPCALM_CLOUD_ALM_SERVICE_KEY`; or configure these attributes here.",
    )
    .at(Path::attribute("url"))
}

/// The error of a new destination whose own key is null.
fn no_own_key() -> Diagnostic {
    Diagnostic::error(
        "Missing service key",
        "Nothing says where this destination leads: `json_wo` in `service_key` is null. Give it \
         the JSON text of the service key. Where `service_key` is ignored by `ignore_changes`, \
         take that out for this apply.",
    )
    .at(Path::attribute("service_key").then("json_wo"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{
        "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
        "uaa": {
            "clientid": "sb-calm!b1|sapcloudalm!b2",
            "clientsecret": "fake",
            "url": "https://acme-calm.authentication.eu10.hana.ondemand.com"
        }
    }"#;

    fn object(entries: &[(&str, Value)]) -> Value {
        Value::Map(
            entries
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        )
    }

    fn map(key: &str) -> Value {
        Value::Map(BTreeMap::from([(key.to_owned(), Value::string("x"))]))
    }

    #[test]
    fn the_key_fills_in_everything_or_nothing() {
        use Fallback::{Everything, KeptOut, OtherKind, Undecided};
        let text = Value::string;
        let unknown = Value::Unknown;
        let wo = |name, value| ("credentials", object(&[(name, value)]));
        let stored = |name, value| ("stored_credentials", object(&[(name, value)]));
        let table = [
            ("type", text("HTTP"), Everything),
            ("type", text("RFC"), OtherKind),
            ("type", unknown.clone(), Undecided),
            (
                "authentication",
                text("OAuth2ClientCredentials"),
                Everything,
            ),
            ("authentication", text("NoAuthentication"), OtherKind),
            ("authentication", unknown.clone(), Undecided),
            ("proxy_type", text("Internet"), Everything),
            ("proxy_type", text("OnPremise"), OtherKind),
            ("token_service_url_type", text("Dedicated"), Everything),
            ("token_service_url_type", text("Common"), OtherKind),
            ("url", text("https://elsewhere"), KeptOut),
            ("url", unknown.clone(), Undecided),
            ("client_id", text("me"), KeptOut),
            ("token_service_url", text("https://elsewhere"), KeptOut),
            ("token_service_key_store_location", text("a.p12"), KeptOut),
            ("properties", map("sap-client"), Everything),
            ("properties", map("scope"), Everything),
            ("properties", map("TrustAll"), KeptOut),
            ("properties", map("tokenServiceUser"), KeptOut),
            ("properties", map("tokenServiceURL.headers.x"), KeptOut),
            ("properties", map("tokenService.body.x"), KeptOut),
            ("properties", unknown.clone(), Undecided),
            ("description", text("x"), Everything),
        ]
        .into_iter()
        .map(|(name, value, expected)| ((name, value), expected))
        .chain([
            (wo("client_secret_wo", text("x")), KeptOut),
            (wo("client_secret_wo", unknown.clone()), Undecided),
            (wo("password_wo", text("x")), Everything),
            (wo("properties_wo", map("tokenServicePassword")), KeptOut),
            (wo("properties_wo", map("my.secret")), Everything),
            (wo("properties_wo", unknown.clone()), Undecided),
            (wo("version", unknown.clone()), Everything),
            (("credentials", unknown), Undecided),
            (stored("client_secret", text("x")), KeptOut),
            (stored("properties", map("tokenServicePassword")), KeptOut),
        ]);
        assert_eq!(Fallback::of(&object(&[])), Everything);
        for ((name, value), expected) in table {
            let config = object(&[(name, value)]);
            assert_eq!(Fallback::of(&config), expected, "{name}");
        }
    }

    #[test]
    fn what_certainly_fails_wins_over_what_is_unknown() {
        let config = object(&[
            ("type", Value::Unknown),
            ("url", Value::string("https://a")),
        ]);
        assert!(Fallback::of(&config).is_out());
    }

    #[test]
    fn the_url_comes_in_three_forms() {
        let key = CloudAlmKey::parse(KEY).unwrap();
        let url = |entries: &[(&str, Value)]| key_values(&key, &object(entries)).unwrap().url;
        let form = |form: &str| ("url_form", Value::string(form));
        assert_eq!(url(&[]), "https://eu10.alm.cloud.sap/api");
        assert_eq!(url(&[form("verbatim")]), "https://eu10.alm.cloud.sap/api");
        assert_eq!(url(&[form("origin")]), "https://eu10.alm.cloud.sap");
        assert_eq!(
            url(&[form("origin_with_slash")]),
            "https://eu10.alm.cloud.sap/"
        );
        let path = || ("url_path", Value::string("/a/v1"));
        assert_eq!(url(&[path()]), "https://eu10.alm.cloud.sap/api/a/v1");
        assert_eq!(
            url(&[form("origin_with_slash"), path()]),
            "https://eu10.alm.cloud.sap/a/v1"
        );
    }

    #[test]
    fn any_key_that_says_where_its_service_is_fills_a_destination_in() {
        let uaa = r#""uaa": { "clientid": "c", "clientsecret": "s", "url": "https://zone" }"#;
        let flat = r#""clientid": "c", "clientsecret": "s", "url": "https://zone""#;
        for (key, url) in [
            (
                format!(r#"{{ "uri": "https://a/x", {uaa} }}"#),
                Ok("https://a/x"),
            ),
            (
                format!(r#"{{ "uri": "https://a/x", {flat} }}"#),
                Ok("https://a/x"),
            ),
            (
                format!(r#"{{ "url": "https://a", {uaa} }}"#),
                Ok("https://a"),
            ),
            (
                format!(r#"{{ "endpoints": {{ "b": "https://a" }}, {uaa} }}"#),
                Ok("https://a"),
            ),
            (
                format!(r#"{{ "endpoints": {{ "b": {{ "url": "https://a" }} }}, {flat} }}"#),
                Ok("https://a"),
            ),
            (format!("{{ {flat} }}"), Err("has no `uri`")),
            (
                format!(r#"{{ "endpoints": {{ "b": "https://b", "a": "https://a" }}, {uaa} }}"#),
                Err("only `endpoints.a`, `endpoints.b`"),
            ),
            (
                format!(r#"{{ "uri": "http://a", {uaa} }}"#),
                Err("plain `http://`"),
            ),
            ("{}".to_owned(), Err("has no `clientid`")),
            ("keys/a.json".to_owned(), Err("looks like")),
        ] {
            let found = own_key_values(&key, &Value::Null);
            match (found, url) {
                (Ok(found), Ok(url)) => {
                    assert_eq!(found.url, url);
                    assert_eq!(found.client_id, "c");
                    assert_eq!(found.token_service_url, "https://zone/oauth/token");
                    assert_eq!(found.origin, Origin::ServiceKey);
                }
                (Err(problem), Err(expected)) => {
                    assert!(problem.detail.contains(expected), "{}", problem.detail);
                    let path = Path::attribute("service_key").then("json_wo");
                    assert_eq!(problem.path, Some(path));
                }
                (found, _) => panic!("{key}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_token_service_url_is_complete() {
        let key = CloudAlmKey::parse(KEY).unwrap();
        assert_eq!(
            key_values(&key, &Value::Null).unwrap().token_service_url,
            "https://acme-calm.authentication.eu10.hana.ondemand.com/oauth/token"
        );
    }

    #[test]
    fn the_secret_of_the_key_goes_to_its_own_hosts_only() {
        let values = key_values(&CloudAlmKey::parse(KEY).unwrap(), &Value::Null).unwrap();
        let token = Value::string(&values.token_service_url);
        let leads = |url: &str| values.lead_to(&Value::string(url), &token);
        assert!(leads("https://eu10.alm.cloud.sap/api/other"));
        assert!(!leads("https://eu10.alm.cloud.sap.evil/api"));
        assert!(!leads("http://eu10.alm.cloud.sap/api"));
        let url = Value::string(&values.url);
        assert!(!values.lead_to(&url, &Value::string("https://evil/oauth/token")));
        assert!(!values.lead_to(&Value::Null, &token));
    }

    #[test]
    fn an_x509_key_cannot_fill_a_destination_in() {
        let made = rcgen::generate_simple_self_signed(["calm".to_owned()]).unwrap();
        let key = serde_json::json!({
            "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
            "uaa": {
                "clientid": "sb-calm!b1|sapcloudalm!b2",
                "credential-type": "x509",
                "certificate": made.cert.pem(),
                "key": made.signing_key.serialize_pem(),
                "certurl": "https://acme-calm.authentication.cert.eu10.hana.ondemand.com",
                "url": "https://acme-calm.authentication.eu10.hana.ondemand.com"
            }
        });
        let key = key.to_string();
        let error = own_key_values(&key, &Value::Null).unwrap_err();
        assert!(error.detail.contains("`sapcalm_destination_certificate`"));
        let key = CloudAlmKey::parse(&key).unwrap();
        let error = key_values(&key, &Value::Null).unwrap_err();
        assert!(error.detail.contains("`sapcalm_destination_certificate`"));
        assert_eq!(error.path, Some(Path::attribute("url")));
    }
}
