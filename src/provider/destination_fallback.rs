//! When the provider's Cloud ALM key fills a destination in: all or nothing.
//!
//! `url`, `client_id`, `token_service_url` and the client secret come from the
//! key only when none of them is configured and the destination is the plain
//! case the key is made for. If one of them is configured, nothing falls back:
//! otherwise the key's secret, or a token bought with it, could reach a host
//! that somebody else chose.

use secrecy::SecretString;
use url::Url;

use super::configured::{attribute, variable};
use super::destination_properties::{
    CLIENT_CREDENTIALS, DEDICATED, HTTP, INTERNET, SECRETS, TYPED, default_authentication,
    default_proxy_type, default_token_service_url_type,
};
use super::destination_schema::Model;
use client::{CloudAlmKey, KeyKind};
use framework::diagnostics::Diagnostic;
use framework::path::Path;
use framework::value::Value;

/// The attributes that come from the key.
pub(super) const FROM_KEY: [&str; 3] = ["url", "client_id", "token_service_url"];

/// The answer to "does the key fill this destination in?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fallback {
    /// Yes, with everything.
    Everything,
    /// No, with nothing.
    Nothing,
    /// A value of the configuration is not known yet.
    Undecided,
}

/// One condition for the fallback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Met,
    Failed,
    Unknown,
}

impl Fallback {
    fn all(conditions: impl IntoIterator<Item = Condition>) -> Self {
        let mut result = Self::Everything;
        for condition in conditions {
            match condition {
                Condition::Met => {}
                Condition::Failed => return Self::Nothing,
                Condition::Unknown => result = Self::Undecided,
            }
        }
        result
    }

    /// Decides for a configuration that can hold unknown values.
    pub(super) fn of_config(config: &Value) -> Self {
        let type_ = text_or(config.get("type"), Some(HTTP));
        let authentication = match type_ {
            Text::Known(name) => {
                text_or(config.get("authentication"), default_authentication(name))
            }
            other => other.only_if_configured(config.get("authentication")),
        };
        let plain_case = [
            type_.is(HTTP),
            authentication.is(CLIENT_CREDENTIALS),
            text_or(config.get("proxy_type"), Some(INTERNET)).is(INTERNET),
            text_or(config.get("token_service_url_type"), Some(DEDICATED)).is(DEDICATED),
        ];
        let untouched = blocking_attributes().map(|name| match config.get(name) {
            Value::Null => Condition::Met,
            Value::Unknown => Condition::Unknown,
            _ => Condition::Failed,
        });
        let maps = ["properties", "secret_properties_wo"].map(|name| match config.get(name) {
            Value::Unknown => Condition::Unknown,
            value => blocking_keys(value.entries().into_iter().flat_map(|map| map.keys())),
        });
        Self::all(plain_case.into_iter().chain(untouched).chain(maps))
    }

    /// Decides for a configuration that is known.
    pub(super) fn of_model(config: &Model) -> Self {
        let met = |condition: bool| {
            if condition {
                Condition::Met
            } else {
                Condition::Failed
            }
        };
        let type_ = config.r#type.as_deref().unwrap_or(HTTP);
        let authentication = config.authentication.as_deref();
        let authentication = authentication.or_else(|| default_authentication(type_));
        let proxy_type = config.proxy_type.as_deref();
        let token_type = config.token_service_url_type.as_deref();
        let plain_case = [
            met(type_ == HTTP),
            met(authentication == Some(CLIENT_CREDENTIALS)),
            met(proxy_type.or_else(|| default_proxy_type(type_, authentication)) == Some(INTERNET)),
            met(
                token_type.or_else(|| default_token_service_url_type(type_, authentication))
                    == Some(DEDICATED),
            ),
        ];
        let properties = TYPED
            .iter()
            .filter(|property| blocks(property.attribute, property.key))
            .map(|property| met((property.read)(config).is_none()));
        let secrets = SECRETS
            .iter()
            .filter(|pair| blocks(pair.attribute, pair.key))
            .map(|pair| {
                let values = (pair.read)(config);
                met(values.plain.is_none() && values.write_only.is_none())
            });
        let maps = [
            blocking_keys(config.properties.iter().flat_map(|map| map.keys())),
            blocking_keys(
                config
                    .secret_properties_wo
                    .iter()
                    .flat_map(|map| map.keys()),
            ),
        ];
        Self::all(
            plain_case
                .into_iter()
                .chain(properties)
                .chain(secrets)
                .chain(maps),
        )
    }
}

/// A text of the configuration.
#[derive(Clone, Copy)]
enum Text<'a> {
    Known(&'a str),
    Missing,
    Unknown,
}

impl<'a> Text<'a> {
    fn is(self, expected: &str) -> Condition {
        match self {
            Self::Known(text) if text == expected => Condition::Met,
            Self::Unknown => Condition::Unknown,
            _ => Condition::Failed,
        }
    }

    /// What another value is whose default depends on this one, which is not
    /// known.
    fn only_if_configured(self, value: &'a Value) -> Self {
        match value {
            Value::Null => self,
            other => text_or(other, None),
        }
    }
}

fn text_or<'a>(value: &'a Value, default: Option<&'a str>) -> Text<'a> {
    match value {
        Value::String(text) => Text::Known(text),
        Value::Unknown => Text::Unknown,
        _ => default.map_or(Text::Missing, Text::Known),
    }
}

/// Whether a configured attribute keeps the key out. Besides what would come
/// from the key that is everything that changes how its token is fetched.
fn blocks(attribute: &str, key: &str) -> bool {
    let decides_kind = attribute == "token_service_url_type";
    FROM_KEY.contains(&attribute)
        || attribute == "client_secret"
        || (blocks_as_key(key) && !decides_kind)
}

fn blocks_as_key(key: &str) -> bool {
    key.starts_with("tokenService") || key == "TrustAll"
}

fn blocking_attributes() -> impl Iterator<Item = &'static str> {
    let typed = TYPED
        .iter()
        .filter(|property| blocks(property.attribute, property.key))
        .map(|property| property.attribute);
    let secrets = SECRETS
        .iter()
        .filter(|pair| blocks(pair.attribute, pair.key))
        .flat_map(|pair| [pair.attribute, pair.write_only]);
    typed.chain(secrets)
}

fn blocking_keys<'a>(mut keys: impl Iterator<Item = &'a String>) -> Condition {
    if keys.any(|key| blocks_as_key(key)) {
        Condition::Failed
    } else {
        Condition::Met
    }
}

/// What a Cloud ALM key fills in.
#[derive(Debug, Clone)]
pub(super) struct KeyValues {
    /// `url`
    pub(super) url: String,
    /// `client_id`
    pub(super) client_id: String,
    /// `token_service_url`
    pub(super) token_service_url: String,
    /// The client secret.
    pub(super) client_secret: SecretString,
}

/// Takes what a destination needs out of the Cloud ALM key.
///
/// # Errors
/// An x509 key has no client secret to put into a destination.
pub(super) fn key_values(
    key: &CloudAlmKey,
    url_form: Option<&str>,
) -> Result<KeyValues, Diagnostic> {
    let Some(client_secret) = key.oauth().client_secret() else {
        return Err(Diagnostic::error(
            "Unusable service key",
            format!(
                "The Cloud ALM service key is an x509 key: it has a certificate instead of a \
                 client secret, and a destination holds a certificate only by the name of an \
                 uploaded one.\n\n\
                 Upload the key's `certificate` and `key` with the resource \
                 `sapcalm_destination_certificate` on the same level, name that in \
                 `token_service_key_store_location` here, and configure `url`, `client_id` and \
                 `token_service_url` (the key's `certurl` with `/oauth/token`); or give the \
                 provider's `{}` a key with a client secret.",
                attribute(KeyKind::CloudAlm)
            ),
        )
        .at(Path::attribute("url")));
    };
    Ok(KeyValues {
        url: url_in_form(key.api(), key.api_url(), url_form),
        client_id: key.oauth().client_id().to_owned(),
        token_service_url: key.oauth().token_url().to_string(),
        client_secret: client_secret.clone(),
    })
}

/// The forms in which SAP's services want the URL of Cloud ALM.
pub(super) fn url_in_form(verbatim: &str, url: &Url, form: Option<&str>) -> String {
    match form {
        Some("origin") => url.origin().ascii_serialization(),
        Some("origin_with_slash") => format!("{}/", url.origin().ascii_serialization()),
        _ => verbatim.to_owned(),
    }
}

/// The error of a new destination that needs the key when there is none.
pub(super) fn no_key() -> Diagnostic {
    Diagnostic::error(
        "Missing service key",
        format!(
            "Nothing says where this destination leads: `url`, `client_id`, `token_service_url` \
             and the client secret are all left out, and the provider has no Cloud ALM service \
             key to take them from.\n\n\
             Set `{}` in the `provider \"sapcalm\"` block, or the environment variable `{}`; or \
             configure these attributes here.",
            attribute(KeyKind::CloudAlm),
            variable(KeyKind::CloudAlm)
        ),
    )
    .at(Path::attribute("url"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use framework::sensitive::Sensitive;

    const KEY: &str = r#"{
        "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
        "uaa": {
            "clientid": "sb-calm!b1|sapcloudalm!b2",
            "clientsecret": "fake",
            "url": "https://acme-calm.authentication.eu10.hana.ondemand.com"
        }
    }"#;

    fn config(entries: &[(&str, Value)]) -> Value {
        Value::Object(
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
        use Fallback::{Everything, Nothing, Undecided};
        let text = Value::string;
        let unknown = Value::Unknown;
        let table = [
            ("type", text("HTTP"), Everything),
            ("type", text("RFC"), Nothing),
            ("type", unknown.clone(), Undecided),
            (
                "authentication",
                text("OAuth2ClientCredentials"),
                Everything,
            ),
            ("authentication", text("NoAuthentication"), Nothing),
            ("authentication", unknown.clone(), Undecided),
            ("proxy_type", text("Internet"), Everything),
            ("proxy_type", text("OnPremise"), Nothing),
            ("token_service_url_type", text("Dedicated"), Everything),
            ("token_service_url_type", text("Common"), Nothing),
            ("url", text("https://elsewhere"), Nothing),
            ("url", unknown.clone(), Undecided),
            ("client_id", text("me"), Nothing),
            ("token_service_url", text("https://elsewhere"), Nothing),
            ("client_secret", text("x"), Nothing),
            ("client_secret_wo", text("x"), Nothing),
            ("client_secret_wo", unknown.clone(), Undecided),
            ("token_service_user", text("me"), Nothing),
            ("token_service_password_wo", text("x"), Nothing),
            ("token_service_key_store_location", text("a.p12"), Nothing),
            ("token_service_key_store_password", text("x"), Nothing),
            ("properties", map("sap-client"), Everything),
            ("properties", map("TrustAll"), Nothing),
            ("properties", map("tokenServiceURL.headers.x"), Nothing),
            ("properties", map("tokenService.body.x"), Nothing),
            ("properties", unknown.clone(), Undecided),
            ("secret_properties_wo", map("tokenService.body.x"), Nothing),
            ("secret_properties_wo", unknown, Undecided),
            ("description", text("x"), Everything),
            ("scope", text("x"), Everything),
            ("url_form", text("origin"), Everything),
        ];
        assert_eq!(Fallback::of_config(&config(&[])), Everything);
        for (name, value, expected) in table {
            let config = config(&[(name, value)]);
            assert_eq!(Fallback::of_config(&config), expected, "{name}");
        }
    }

    #[test]
    fn what_certainly_fails_wins_over_what_is_unknown() {
        let config = config(&[
            ("type", Value::Unknown),
            ("url", Value::string("https://a")),
        ]);
        assert_eq!(Fallback::of_config(&config), Fallback::Nothing);
    }

    #[test]
    fn a_known_configuration_gets_the_same_answer() {
        let with = |change: fn(&mut Model)| {
            let mut model = Model::default();
            change(&mut model);
            Fallback::of_model(&model)
        };
        assert_eq!(with(|_| ()), Fallback::Everything);
        assert_eq!(with(|m| m.scope = Some("x".into())), Fallback::Everything);
        let nothing: [fn(&mut Model); 9] = [
            |m| m.r#type = Some("RFC".into()),
            |m| m.authentication = Some("BasicAuthentication".into()),
            |m| m.proxy_type = Some("OnPremise".into()),
            |m| m.token_service_url_type = Some("Common".into()),
            |m| m.url = Some("https://a".into()),
            |m| m.client_secret = Some(Sensitive::from("x".to_owned())),
            |m| m.client_secret_wo = Some(Sensitive::from("x".to_owned())),
            |m| m.token_service_user = Some("x".into()),
            |m| m.properties = Some(BTreeMap::from([("TrustAll".into(), "TRUE".into())])),
        ];
        for change in nothing {
            assert_eq!(with(change), Fallback::Nothing);
        }
    }

    #[test]
    fn the_url_comes_in_three_forms() {
        let key = CloudAlmKey::parse(KEY).unwrap();
        let url = |form| key_values(&key, form).unwrap().url;
        assert_eq!(url(None), "https://eu10.alm.cloud.sap/api");
        assert_eq!(url(Some("verbatim")), "https://eu10.alm.cloud.sap/api");
        assert_eq!(url(Some("origin")), "https://eu10.alm.cloud.sap");
        assert_eq!(
            url(Some("origin_with_slash")),
            "https://eu10.alm.cloud.sap/"
        );
    }

    #[test]
    fn the_token_service_url_is_complete() {
        let key = CloudAlmKey::parse(KEY).unwrap();
        assert_eq!(
            key_values(&key, None).unwrap().token_service_url,
            "https://acme-calm.authentication.eu10.hana.ondemand.com/oauth/token"
        );
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
        let key = CloudAlmKey::parse(&key.to_string()).unwrap();
        let error = key_values(&key, None).unwrap_err();
        assert!(error.detail.contains("`sapcalm_destination_certificate`"));
        assert_eq!(error.path, Some(Path::attribute("url")));
    }
}
