//! Everything a caller can set, and every default, in one place.

use std::collections::BTreeMap;
use std::time::Duration;

use foreign::Secrets;
use http::{HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::credentials::{
    self, CloudAlmKey, DestinationKey, JobSchedulingKey, KeyKind, OAuthClient, OrderManagementKey,
};
use super::retry::RetryPolicy;
use super::tls::PemFault;

/// What a [`super::Client`] is made of. All fields have defaults.
#[derive(Clone)]
pub struct Config {
    /// Service key of the Destination service.
    pub destination_key: Option<DestinationKey>,
    /// Service key of SAP Order Management foundation.
    pub order_management_key: Option<OrderManagementKey>,
    /// Service key of the SAP Cloud ALM API.
    pub cloud_alm_key: Option<CloudAlmKey>,
    /// Service key of SAP Job Scheduling service.
    pub job_scheduling_key: Option<JobSchedulingKey>,
    /// How registering and offboarding are called.
    pub order_management_api: OrderManagementApi,
    /// Certificates in PEM form that are trusted besides the platform's.
    pub ca_certificates: Option<String>,
    /// Proxy for every request; it may hold a password. Without one the
    /// variable `HTTPS_PROXY` decides, except for loopback hosts; `NO_PROXY`
    /// holds in both cases.
    pub proxy_url: Option<SecretString>,
    /// Retries and their pace.
    pub retry: RetryPolicy,
    /// Time for one attempt, the answer included.
    pub request_timeout: Duration,
    /// Time until a connection, TLS included, must stand.
    pub connect_timeout: Duration,
    /// Requests in flight at the same time.
    pub max_concurrent_requests: usize,
    /// The whole `User-Agent` header.
    pub user_agent: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            destination_key: None,
            order_management_key: None,
            cloud_alm_key: None,
            job_scheduling_key: None,
            order_management_api: OrderManagementApi::default(),
            ca_certificates: None,
            proxy_url: None,
            retry: RetryPolicy::default(),
            request_timeout: Self::REQUEST_TIMEOUT,
            connect_timeout: Self::CONNECT_TIMEOUT,
            max_concurrent_requests: Self::MAX_CONCURRENT_REQUESTS,
            user_agent: concat!("terraform-provider-sapcalm/", env!("CARGO_PKG_VERSION"))
                .to_owned(),
        }
    }
}

impl Config {
    /// Default of `request_timeout`.
    pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
    /// Default of `connect_timeout`.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Default of `max_concurrent_requests`: Terraform's own parallelism.
    pub const MAX_CONCURRENT_REQUESTS: usize = 10;

    /// Who asks the token service with a service key, where there is one.
    pub fn oauth(&self, kind: KeyKind) -> Option<&OAuthClient> {
        match kind {
            KeyKind::Destination => Some(&self.destination_key.as_ref()?.oauth),
            KeyKind::OrderManagement => Some(&self.order_management_key.as_ref()?.oauth),
            KeyKind::CloudAlm => Some(&self.cloud_alm_key.as_ref()?.oauth),
            KeyKind::JobScheduling => Some(&self.job_scheduling_key.as_ref()?.oauth),
        }
    }

    /// Everything in it that must never be shown.
    pub(crate) fn secrets(&self) -> Secrets {
        let keys = KeyKind::ALL.map(|kind| self.oauth(kind));
        let api = &self.order_management_api;
        let secrets = Secrets::default();
        for key in keys.into_iter().flatten() {
            secrets.keep(key.secret().expose_secret());
        }
        for header in api.headers.values() {
            secrets.keep(header.expose_secret());
        }
        for body in [api.register.text(), api.offboard.text()] {
            keep_body(&secrets, body);
        }
        secrets
    }

    /// What can be checked without the HTTP stack.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.max_concurrent_requests == 0 {
            return Err(ConfigError::NoRequests);
        }
        if HeaderValue::from_str(&self.user_agent).is_err() {
            return Err(ConfigError::UserAgent);
        }
        self.order_management_api.validate()
    }
}

/// Of a body in JSON the members that are called a secret are one; of any other
/// all of it.
fn keep_body(secrets: &Secrets, body: &str) {
    match serde_json::from_str(body) {
        Ok(body) => keep_members(secrets, "", &body),
        Err(_) => secrets.keep(body),
    }
}

/// Keeps everything in a value whose name says that it is a secret.
pub(crate) fn keep_members(secrets: &Secrets, name: &str, value: &Value) {
    match value {
        Value::String(text) => secrets.keep_named(name, text),
        Value::Object(members) => {
            for (name, value) in members {
                keep_members(secrets, name, value);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| keep_members(secrets, name, item)),
        _ => {}
    }
}

/// How OMF's monitoring API is called. SAP documents the offboarding call only
/// (POST, empty body, to the endpoint of the key as it stands), so everything
/// can be set.
#[derive(Clone)]
pub struct OrderManagementApi {
    /// Used instead of the endpoint in the service key. Setting it allows OMF's
    /// token to be sent there.
    pub endpoint: Option<Url>,
    /// Which member of the key's `endpoints` to use.
    pub endpoint_key: String,
    /// The call that registers.
    pub register: ApiCall,
    /// Whether its path is the default, which is our guess, and nobody has
    /// confirmed it.
    pub register_is_guess: bool,
    /// The call that offboards.
    pub offboard: ApiCall,
    /// Headers added to both calls; a value may be an API key.
    pub headers: BTreeMap<String, SecretString>,
    /// Statuses of the registration call that mean "registered already" and so
    /// success.
    pub already_registered_codes: Vec<u16>,
    /// Statuses of the offboarding call that mean "not registered" and so
    /// success, besides 409 and 410. Default none.
    pub not_registered_codes: Vec<u16>,
}

/// One configurable HTTP call.
#[derive(Clone)]
pub struct ApiCall {
    /// The HTTP method.
    pub method: Method,
    /// Appended to the endpoint: `""` is the endpoint itself, a leading `/` is
    /// added where it is missing, and a leading `?` adds a query only.
    pub path: String,
    /// The body, which may hold a secret; none is an empty one.
    pub body: Option<SecretString>,
}

impl OrderManagementApi {
    /// Default of `endpoint_key`.
    pub const ENDPOINT_KEY: &'static str = "integration-monitoring-api";
    /// Path of the default `register`, a POST without body. It is a guess.
    pub const REGISTER_PATH: &'static str = "registration";
    /// Path of the default `offboard`, a POST without body: the endpoint
    /// verbatim, as SAP documents.
    pub const OFFBOARD_PATH: &'static str = "";
    /// Default of `already_registered_codes`.
    pub const ALREADY_REGISTERED_CODES: &'static [u16] = &[409];
}

impl Default for OrderManagementApi {
    fn default() -> Self {
        Self {
            endpoint: None,
            endpoint_key: Self::ENDPOINT_KEY.to_owned(),
            register: ApiCall::post(Self::REGISTER_PATH),
            register_is_guess: true,
            offboard: ApiCall::post(Self::OFFBOARD_PATH),
            headers: BTreeMap::new(),
            already_registered_codes: Self::ALREADY_REGISTERED_CODES.to_vec(),
            not_registered_codes: Vec::new(),
        }
    }
}

impl ApiCall {
    /// A POST without body to this path.
    pub fn post(path: &str) -> Self {
        Self {
            method: Method::POST,
            path: path.to_owned(),
            body: None,
        }
    }

    /// The body's text, empty where there is none.
    pub(crate) fn text(&self) -> &str {
        self.body.as_ref().map_or("", ExposeSecret::expose_secret)
    }

    /// The URL of this call below `endpoint`, on the same host in any case.
    ///
    /// `None` when the path would be rewritten on its way (`.` and `..`
    /// segments) or holds a fragment.
    pub(crate) fn url(&self, endpoint: &Url) -> Option<Url> {
        if self.path.is_empty() {
            return Some(endpoint.clone());
        }
        let (path, query) = match self.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path.as_str(), None),
        };
        if self.path.contains('#') || path.split(['/', '\\']).any(is_dot_segment) {
            return None;
        }
        let mut url = endpoint.clone();
        if !path.is_empty() {
            let base = endpoint.path().trim_end_matches('/');
            url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        }
        if query.is_some() {
            url.set_query(query);
        }
        Some(url)
    }
}

/// `.` and `..`, also percent-encoded, which a URL parser resolves.
fn is_dot_segment(segment: &str) -> bool {
    matches!(
        segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
        "." | ".."
    )
}

impl OrderManagementApi {
    fn validate(&self) -> Result<(), ConfigError> {
        if !self.endpoint.as_ref().is_none_or(credentials::is_callable) {
            return Err(ConfigError::Endpoint);
        }
        for (name, value) in &self.headers {
            if !is_allowed_header(name, value.expose_secret()) {
                return Err(ConfigError::Header { name: name.clone() });
            }
        }
        let endpoint = self.endpoint.clone();
        let endpoint = endpoint.unwrap_or_else(placeholder_endpoint);
        let register = self
            .register
            .url(&endpoint)
            .ok_or(ConfigError::RegisterPath)?;
        let offboard = self
            .offboard
            .url(&endpoint)
            .ok_or(ConfigError::OffboardPath)?;
        let same = self.register.method == self.offboard.method
            && self.register.text() == self.offboard.text()
            && without_trailing_slash(register) == without_trailing_slash(offboard);
        if same {
            Err(ConfigError::IdenticalCalls)
        } else {
            Ok(())
        }
    }
}

/// Stands for the endpoint of the key when two paths are compared.
#[expect(clippy::expect_used, reason = "a constant that a test parses, too")]
fn placeholder_endpoint() -> Url {
    Url::parse("https://endpoint.invalid/path").expect("a valid URL")
}

fn without_trailing_slash(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    url
}

/// Headers that would break authorisation or the request itself are refused.
fn is_allowed_header(name: &str, value: &str) -> bool {
    const OURS: [&str; 8] = [
        "authorization",
        "connection",
        "content-length",
        "host",
        "proxy-authorization",
        "transfer-encoding",
        "user-agent",
        "x-correlationid",
    ];
    HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| !OURS.contains(&name.as_str()))
        && HeaderValue::from_str(value).is_ok()
}

/// A configuration that contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// `ca_certificates` holds something else than certificates.
    #[error("`ca_certificates` has {0}")]
    CaCertificates(PemFault),
    /// `proxy_url` is no URL of a proxy.
    #[error("`proxy_url` is not the URL of a proxy")]
    ProxyUrl,
    /// The proxy of the environment cannot be used.
    #[error("`HTTPS_PROXY` is not the URL of a proxy")]
    ProxyVariable,
    /// `max_concurrent_requests` is 0.
    #[error("`max_concurrent_requests` must be at least 1")]
    NoRequests,
    /// The user agent cannot be sent in a header.
    #[error("the user agent contains characters that a header cannot carry")]
    UserAgent,
    /// `order_management_api.endpoint` is not usable.
    #[error(
        "`order_management_api.endpoint` must be an `https://` URL without user name \
         (`http://` is accepted for loopback hosts only)"
    )]
    Endpoint,
    /// A header that cannot be set or that the client sets itself.
    #[error("`order_management_api.headers` cannot set `{name}`")]
    Header {
        /// The header's name.
        name: String,
    },
    /// The path of the registration call is not usable.
    #[error("`order_management_api.register.path` must not contain `.` or `..` segments or `#`")]
    RegisterPath,
    /// The path of the offboarding call is not usable.
    #[error("`order_management_api.offboard.path` must not contain `.` or `..` segments or `#`")]
    OffboardPath,
    /// Registering and offboarding are the same request.
    #[error(
        "`order_management_api.register` and `order_management_api.offboard` are the same \
         request (method, path and body), so that registering could offboard"
    )]
    IdenticalCalls,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validate(change: impl FnOnce(&mut OrderManagementApi)) -> Result<(), ConfigError> {
        let mut config = Config::default();
        change(&mut config.order_management_api);
        config.validate()
    }

    fn url(endpoint: &str, path: &str) -> Option<String> {
        let endpoint = Url::parse(endpoint).unwrap();
        ApiCall::post(path).url(&endpoint).map(String::from)
    }

    #[test]
    fn defaults_are_valid_and_registering_is_not_the_bare_endpoint() {
        assert_eq!(Config::default().validate(), Ok(()));
        let api = OrderManagementApi::default();
        let endpoint = Url::parse("https://m.example/v1").unwrap();
        assert_eq!(api.offboard.url(&endpoint).unwrap(), endpoint);
        assert_eq!(
            api.register.url(&endpoint).unwrap().as_str(),
            "https://m.example/v1/registration"
        );
    }

    #[test]
    fn path_is_appended_without_losing_any_of_the_endpoint() {
        let joined = |path| url("https://m.example/a%20b/v1/", path);
        assert_eq!(joined("").unwrap(), "https://m.example/a%20b/v1/");
        assert_eq!(joined("x").unwrap(), "https://m.example/a%20b/v1/x");
        assert_eq!(joined("/x/y").unwrap(), "https://m.example/a%20b/v1/x/y");
        assert_eq!(joined("?a=b").unwrap(), "https://m.example/a%20b/v1/?a=b");
        assert_eq!(joined("x?a=b").unwrap(), "https://m.example/a%20b/v1/x?a=b");
        assert_eq!(
            url("https://m.example", "x").unwrap(),
            "https://m.example/x"
        );
        assert_eq!(
            url("https://m.example?k=v", "x").unwrap(),
            "https://m.example/x?k=v"
        );
    }

    #[test]
    fn path_never_leaves_the_endpoint() {
        for path in [".", "..", "a/../..", "%2e%2E/x", "./", "x\\..\\y", "a#b"] {
            assert_eq!(url("https://m.example/v1", path), None, "{path}");
        }
        for path in ["//evil.example/x", "@evil.example", "https://evil.example"] {
            let joined = Url::parse(&url("https://m.example", path).unwrap()).unwrap();
            assert_eq!(joined.host_str(), Some("m.example"), "{path}");
        }
    }

    #[test]
    fn identical_calls_are_refused_however_they_are_written() {
        let same = Err(ConfigError::IdenticalCalls);
        assert_eq!(validate(|api| api.register.path = String::new()), same);
        assert_eq!(validate(|api| api.register.path = "/".to_owned()), same);
        assert_eq!(
            validate(|api| api.offboard.path = "/registration/".to_owned()),
            same
        );
        assert_eq!(
            validate(|api| {
                api.register = ApiCall::post("");
                api.register.body = Some(String::new().into());
            }),
            same
        );
        assert_eq!(
            validate(|api| {
                api.register = ApiCall {
                    method: Method::PUT,
                    ..ApiCall::post("")
                };
            }),
            Ok(())
        );
        assert_eq!(
            validate(|api| {
                api.register = ApiCall {
                    body: Some("{}".into()),
                    ..ApiCall::post("")
                };
            }),
            Ok(())
        );
        assert_eq!(
            validate(|api| api.register.path = "?action=register".to_owned()),
            Ok(())
        );
    }

    #[test]
    fn unusable_settings_are_refused_by_name() {
        assert_eq!(
            validate(|api| api.register.path = "..".to_owned()),
            Err(ConfigError::RegisterPath)
        );
        assert_eq!(
            validate(|api| api.offboard.path = "#".to_owned()),
            Err(ConfigError::OffboardPath)
        );
        let plain = Url::parse("http://m.example").unwrap();
        assert_eq!(
            validate(|api| api.endpoint = Some(plain)),
            Err(ConfigError::Endpoint)
        );
        for (name, value) in [
            ("Authorization", "x"),
            ("Host", "x"),
            ("a b", "x"),
            ("X-A", "a\nb"),
        ] {
            let refused = validate(|api| {
                api.headers.insert(name.to_owned(), value.into());
            });
            assert_eq!(
                refused,
                Err(ConfigError::Header {
                    name: name.to_owned()
                })
            );
        }
        let none = Config {
            max_concurrent_requests: 0,
            ..Config::default()
        };
        assert_eq!(none.validate(), Err(ConfigError::NoRequests));
    }
}
