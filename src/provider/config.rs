//! The `provider` block: its schema, the environment variables beside it, and
//! how both become a [`Configured`].
//!
//! Reading never asks a server. A value that is not known yet (while planning)
//! is no error here: the services that need it count as unknown, and only an
//! operation that calls one of them fails.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use url::Url;

use crate::client::{
    ApiCall, Client, CloudAlmKey, Config, ConfigError, DestinationKey, KeyError, KeyKind,
    OrderManagementApi, OrderManagementKey,
};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::duration;
use crate::framework::path::Path;
use crate::framework::schema::{Attribute, AttributeType, Schema};
use crate::framework::validators::Validator;
use crate::framework::value::Value;

use super::configured::{Configured, attribute};

/// The nested attribute for Order Management's monitoring API.
const API: &str = "order_management_api";

/// Every service we call.
const SERVICES: [KeyKind; 3] = [
    KeyKind::Destination,
    KeyKind::OrderManagement,
    KeyKind::CloudAlm,
];

/// The schema of the `provider` block.
pub static SCHEMA: Schema = Schema::new(
    0,
    "Connects SAP services to SAP Cloud ALM with the service keys of the services \
                  involved. Every attribute is optional and has an environment variable; an \
                  attribute that is set wins. The value of a variable may be `@` and a path: then \
                  the file's content is the value. A service key is needed only by what calls its \
                  service.",
    &[
        Attribute::string("destination_service_key")
            .sensitive()
            .describe(
                "Service key (or binding) of the Destination service, as JSON text, of the \
                 subaccount whose destinations are managed. Keys with a client secret and x509 \
                 keys are accepted. Environment variable: `SAPCALM_DESTINATION_SERVICE_KEY`.",
            ),
        Attribute::string("order_management_service_key")
            .sensitive()
            .describe(
                "Service key (or binding) of SAP Order Management foundation, as JSON text. Its \
                 subaccount is the one that is registered. Environment variable: \
                 `SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY`.",
            ),
        Attribute::string("cloud_alm_service_key")
            .sensitive()
            .describe(
                "Service key (or binding) of the SAP Cloud ALM API, as JSON text. Destinations \
                 take their values from it, and registrations are looked up in the landscape \
                 with it. Environment variable: `SAPCALM_CLOUD_ALM_SERVICE_KEY`.",
            ),
        Attribute::object(API, API_ATTRIBUTES).describe(
            "How registering and offboarding call SAP Order Management foundation. SAP documents \
             the offboarding call only, so all of it can be set. Changing it affects the next \
             call only, also the one of a destroy. Environment variable: \
             `SAPCALM_ORDER_MANAGEMENT_API`, an object in JSON with the same names.",
        ),
        Attribute::string("ca_certificates").describe(
            "Certificates in PEM form that are trusted besides those of the machine, for proxies \
             that re-sign traffic. Environment variable: `SAPCALM_CA_CERTIFICATES`.",
        ),
        Attribute::string("proxy_url").sensitive().describe(
            "`http://` or `https://` URL of the proxy for every request; it may hold a user name \
             and a password. Default: the variables `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`. \
             `NO_PROXY` holds in both cases. Environment variable: `SAPCALM_PROXY_URL`.",
        ),
        Attribute::number("max_retries")
            .validate(&[Validator::WholeNumber { min: 0, max: 100 }])
            .describe(
                "How often a failed request is repeated where that is safe. Default: `4`. \
                 Environment variable: `SAPCALM_MAX_RETRIES`.",
            ),
        Attribute::string("retry_base_delay")
            .validate(&[Validator::Duration])
            .describe(
                "Longest wait before the first repetition, as a duration such as `500ms`. It \
                 doubles with every further one, up to 20 seconds; the real wait is random. A \
                 `Retry-After` of the service wins. Default: `500ms`. Environment variable: \
                 `SAPCALM_RETRY_BASE_DELAY`.",
            ),
        Attribute::string("request_timeout")
            .validate(&[Validator::Duration])
            .describe(
                "Time for one request with its answer, as a duration such as `30s`. Default: \
                 `60s`. Environment variable: `SAPCALM_REQUEST_TIMEOUT`.",
            ),
        Attribute::string("connect_timeout")
            .validate(&[Validator::Duration])
            .describe(
                "Time until a connection stands, TLS included, as a duration such as `5s`. \
                 Default: `10s`. Environment variable: `SAPCALM_CONNECT_TIMEOUT`.",
            ),
        Attribute::number("max_concurrent_requests")
            .validate(&[Validator::WholeNumber { min: 1, max: 1000 }])
            .describe(
                "Requests in flight at the same time. Default: `10`. Environment variable: \
                 `SAPCALM_MAX_CONCURRENT_REQUESTS`.",
            ),
        Attribute::string("append_user_agent").describe(
            "Text added to the `User-Agent` header, after the versions of Terraform and of this \
             provider. Environment variable: `SAPCALM_APPEND_USER_AGENT`.",
        ),
    ],
);

const API_ATTRIBUTES: &[Attribute] = &[
    Attribute::string("endpoint")
        .validate(&[Validator::Url])
        .describe(
            "URL that is called instead of the one in the service key. Setting it allows the \
             service key's token to be sent there.",
        ),
    Attribute::string("endpoint_key")
        .validate(&[Validator::NotEmpty])
        .describe(
            "Which member of `endpoints` in the service key is called. Default: \
             `integration-monitoring-api`.",
        ),
    Attribute::object("register", CALL_ATTRIBUTES).describe(
        "The call that registers. SAP does not document it; the default, a `POST` without body \
         to `registration` below the endpoint, is a guess.",
    ),
    Attribute::object("offboard", CALL_ATTRIBUTES).describe(
        "The call that offboards. Default, as SAP documents: a `POST` without body to the \
         endpoint as it stands in the service key.",
    ),
    Attribute::map("headers", &AttributeType::String)
        .sensitive()
        .describe("Headers added to both calls. Default: none."),
    Attribute::set("already_registered_codes", &AttributeType::Number).describe(
        "HTTP statuses of the registration call that mean \"registered already\", and so \
         success. Default: `[409]`.",
    ),
    Attribute::set("not_registered_codes", &AttributeType::Number).describe(
        "HTTP statuses of the offboarding call that mean \"not registered\", and so success, \
         besides 409 and 410. Default: none.",
    ),
];

const CALL_ATTRIBUTES: &[Attribute] = &[
    Attribute::string("method")
        .validate(&[Validator::OneOf(&["POST", "PUT", "PATCH", "DELETE", "GET"])])
        .describe("HTTP method. Default: `POST`."),
    Attribute::string("path").describe(
        "Path below the endpoint; an empty text is the endpoint itself, a leading `?` adds a \
         query only.",
    ),
    Attribute::string("body")
        .sensitive()
        .describe("Body of the request. Default: none."),
];

/// Looks up an environment variable: its value, or why it cannot be read.
/// `None` where it is not set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<Result<String, String>>;

/// The environment of this process.
#[must_use]
pub fn process_environment(name: &str) -> Option<Result<String, String>> {
    std::env::var_os(name).map(|value| {
        value
            .into_string()
            .map_err(|_| "its value is not UTF-8 text".to_owned())
    })
}

/// Checks what stands in the `provider` block itself.
#[must_use]
pub fn validate(config: &Value) -> Diagnostics {
    read(config, &|_| None, "").1
}

/// Reads the `provider` block and the environment. Without errors there is a
/// configured provider.
#[must_use]
pub fn read(
    config: &Value,
    environment: Environment<'_>,
    terraform_version: &str,
) -> (Option<Configured>, Diagnostics) {
    let mut reader = Reader {
        config,
        environment,
        diagnostics: Diagnostics::new(),
        unknown: BTreeMap::new(),
        origins: BTreeMap::new(),
    };
    let settings = reader.settings(terraform_version);
    if reader.diagnostics.has_errors() {
        return (None, reader.diagnostics);
    }
    match Client::new(settings) {
        Ok(client) => (
            Some(Configured::new(client, reader.unknown)),
            reader.diagnostics,
        ),
        Err(error) => {
            let diagnostic = reader.contradiction(&error);
            reader.diagnostics.push(diagnostic);
            (None, reader.diagnostics)
        }
    }
}

/// Where a value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Attribute,
    Variable,
}

/// One setting of the `provider` block.
enum Setting<T> {
    Absent,
    Unknown,
    Known(T),
}

struct Reader<'a> {
    config: &'a Value,
    environment: Environment<'a>,
    diagnostics: Diagnostics,
    unknown: BTreeMap<KeyKind, &'static str>,
    origins: BTreeMap<&'static str, Origin>,
}

impl Reader<'_> {
    fn settings(&mut self, terraform_version: &str) -> Config {
        let defaults = Config::default();
        let mut retry = defaults.retry;
        if let Some(count) = self.whole_number("max_retries", 0, 100) {
            retry.max_retries = count;
        }
        if let Some(delay) = self.duration("retry_base_delay", Duration::ZERO) {
            retry.base_delay = delay;
        }
        let at_least = Duration::from_millis(1);
        Config {
            destination_key: self.key(KeyKind::Destination, DestinationKey::parse),
            order_management_key: self.key(KeyKind::OrderManagement, OrderManagementKey::parse),
            cloud_alm_key: self.key(KeyKind::CloudAlm, CloudAlmKey::parse),
            order_management_api: self.order_management_api(),
            ca_certificates: self.needed_by_all("ca_certificates"),
            proxy_url: self.needed_by_all("proxy_url").map(Into::into),
            retry,
            request_timeout: self
                .duration("request_timeout", at_least)
                .unwrap_or(defaults.request_timeout),
            connect_timeout: self
                .duration("connect_timeout", at_least)
                .unwrap_or(defaults.connect_timeout),
            max_concurrent_requests: self
                .whole_number("max_concurrent_requests", 1, 1000)
                .map_or(defaults.max_concurrent_requests, |count| count as usize),
            user_agent: user_agent(terraform_version, self.known("append_user_agent")),
        }
    }

    /// A service key; a value that is not known yet makes its service unknown.
    fn key<K>(&mut self, kind: KeyKind, parse: fn(&str) -> Result<K, KeyError>) -> Option<K> {
        let name = attribute(kind);
        match self.text(name) {
            Setting::Absent => None,
            Setting::Unknown => {
                self.unknown.entry(kind).or_insert(name);
                None
            }
            Setting::Known(json) => match parse(&json) {
                Ok(key) => Some(key),
                Err(error) => {
                    self.reject(
                        name,
                        "Invalid service key",
                        &format!(
                            "is not usable: {error}.\n\nSet the JSON text that the service gives, \
                             whole: the `credentials` of a service binding, or what `cf \
                             service-key` prints."
                        ),
                    );
                    None
                }
            },
        }
    }

    /// A text without which no request can be sent as it should be.
    fn needed_by_all(&mut self, name: &'static str) -> Option<String> {
        match self.text(name) {
            Setting::Absent => None,
            Setting::Known(text) => Some(text),
            Setting::Unknown => {
                for kind in SERVICES {
                    self.unknown.entry(kind).or_insert(name);
                }
                None
            }
        }
    }

    /// A text whose default serves until it is known.
    fn known(&mut self, name: &'static str) -> Option<String> {
        match self.text(name) {
            Setting::Known(text) => Some(text),
            Setting::Absent | Setting::Unknown => None,
        }
    }

    fn duration(&mut self, name: &'static str, min: Duration) -> Option<Duration> {
        let text = self.known(name)?;
        match duration::parse(text.trim()) {
            Ok(duration) if duration >= min => Some(duration),
            Ok(_) => {
                self.reject(name, "Invalid duration", "must be longer than nothing.");
                None
            }
            Err(problem) => {
                self.reject(
                    name,
                    "Invalid duration",
                    &format!("cannot be used: {problem}."),
                );
                None
            }
        }
    }

    fn whole_number(&mut self, name: &'static str, min: u32, max: u32) -> Option<u32> {
        let text = self.known(name)?;
        match text.trim().parse() {
            Ok(number) if (min..=max).contains(&number) => Some(number),
            _ => {
                let must = format!("must be a whole number from {min} to {max}.");
                self.reject(name, "Invalid number", &must);
                None
            }
        }
    }

    /// An attribute, or else its environment variable.
    fn text(&mut self, name: &'static str) -> Setting<String> {
        let configured = match self.config.get(name) {
            Value::Unknown => return Setting::Unknown,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.as_str().to_owned()),
            _ => None,
        };
        // A variable that the attribute overrides is only compared: that it
        // cannot be read is then nobody's problem.
        if let Some(text) = configured {
            if let Some(Ok(other)) = self.variable(name)
                && other.trim() != text.trim()
            {
                self.warn_overridden(name);
            }
            self.origins.insert(name, Origin::Attribute);
            return Setting::Known(text);
        }
        match self.variable(name) {
            None => Setting::Absent,
            Some(Ok(text)) => {
                self.origins.insert(name, Origin::Variable);
                Setting::Known(text)
            }
            Some(Err(problem)) => {
                self.diagnostics.push(Diagnostic::error(
                    "Unreadable environment variable",
                    problem,
                ));
                Setting::Absent
            }
        }
    }

    /// The value of an environment variable, from a file when it begins with
    /// `@`. An empty variable counts as not set.
    fn variable(&self, name: &str) -> Option<Result<String, String>> {
        let variable = variable_name(name);
        let value = match (self.environment)(&variable)? {
            Ok(value) => value,
            Err(problem) => {
                return Some(Err(format!(
                    "The environment variable `{variable}` cannot be used: {problem}."
                )));
            }
        };
        let Some(path) = value.strip_prefix('@') else {
            return (!value.is_empty()).then_some(Ok(value));
        };
        Some(std::fs::read_to_string(path).map_err(|error| {
            format!(
                "The environment variable `{variable}` names the file `{path}`, which cannot be \
                 read: {error}.\n\nCorrect the path after the `@` (relative paths begin at \
                 Terraform's working directory), or set the value itself."
            )
        }))
    }

    fn warn_overridden(&mut self, name: &'static str) {
        self.diagnostics.push(
            Diagnostic::warning(
                "Environment variable is overridden",
                format!(
                    "The provider's `{name}` and the environment variable `{}` are both set and \
                     differ. The attribute is used.\n\nRemove one of them.",
                    variable_name(name)
                ),
            )
            .at(Path::attribute(name)),
        );
    }

    /// An error about a setting, at its attribute or naming its variable.
    /// `problem` continues a sentence that begins with the setting.
    fn reject(&mut self, name: &'static str, summary: &'static str, problem: &str) {
        let diagnostic = self.about(Path::attribute(name), name, summary, problem);
        self.diagnostics.push(diagnostic);
    }

    fn about(
        &self,
        path: Path,
        name: &'static str,
        summary: &'static str,
        problem: &str,
    ) -> Diagnostic {
        match self.origins.get(name) {
            Some(Origin::Variable) => Diagnostic::error(
                summary,
                format!(
                    "The value of the environment variable `{}` {problem}",
                    variable_name(name)
                ),
            ),
            _ => Diagnostic::error(summary, format!("The value of `{path}` {problem}")).at(path),
        }
    }

    /// What the client found wrong with the settings as a whole.
    fn contradiction(&self, error: &ConfigError) -> Diagnostic {
        let (name, path) = match error {
            ConfigError::CaCertificates => ("ca_certificates", Path::attribute("ca_certificates")),
            ConfigError::ProxyUrl => ("proxy_url", Path::attribute("proxy_url")),
            ConfigError::NoRequests => (
                "max_concurrent_requests",
                Path::attribute("max_concurrent_requests"),
            ),
            ConfigError::UserAgent => ("append_user_agent", Path::attribute("append_user_agent")),
            ConfigError::Endpoint => (API, Path::attribute(API).then("endpoint")),
            ConfigError::Header { name } => {
                (API, Path::attribute(API).then("headers").key(name.clone()))
            }
            ConfigError::OffboardPath => (API, Path::attribute(API).then("offboard").then("path")),
            ConfigError::RegisterPath => (API, Path::attribute(API).then("register").then("path")),
            _ => (API, Path::attribute(API)),
        };
        self.about(
            path,
            name,
            "Invalid provider configuration",
            &format!("cannot be used: {error}."),
        )
    }

    fn order_management_api(&mut self) -> OrderManagementApi {
        let mut api = OrderManagementApi::default();
        let from_variable;
        let value = match self.config.get(API) {
            Value::Null => match self.text(API) {
                Setting::Known(json) => {
                    from_variable = match api_from_json(&json) {
                        Ok(value) => value,
                        Err(problem) => {
                            self.reject(API, "Invalid provider configuration", &problem);
                            return api;
                        }
                    };
                    &from_variable
                }
                Setting::Absent | Setting::Unknown => return api,
            },
            value => {
                if let Some(Ok(json)) = self.variable(API)
                    && api_from_json(&json).map_or(true, |other| !same_settings(&other, value))
                {
                    self.warn_overridden(API);
                }
                value
            }
        };
        if !value.is_wholly_known() {
            self.unknown.entry(KeyKind::OrderManagement).or_insert(API);
        }
        let path = Path::attribute(API);
        if let Some(text) = value.get("endpoint").as_str() {
            match Url::parse(text) {
                Ok(url) => api.endpoint = Some(url),
                Err(_) => self.reject_api(path.clone().then("endpoint"), "is not a URL."),
            }
        }
        if let Some(text) = value.get("endpoint_key").as_str() {
            api.endpoint_key = text.to_owned();
        }
        self.call(
            &mut api.register,
            value.get("register"),
            &path.clone().then("register"),
        );
        self.call(
            &mut api.offboard,
            value.get("offboard"),
            &path.clone().then("offboard"),
        );
        for (name, header) in value.get("headers").entries().into_iter().flatten() {
            if let Some(text) = header.as_str() {
                api.headers.insert(name.clone(), text.to_owned());
            }
        }
        let codes = "already_registered_codes";
        if let Some(statuses) = self.statuses(value.get(codes), path.clone().then(codes)) {
            api.already_registered_codes = statuses;
        }
        let codes = "not_registered_codes";
        if let Some(statuses) = self.statuses(value.get(codes), path.then(codes)) {
            api.not_registered_codes = statuses;
        }
        // Half a description could seem to contradict itself.
        if value.is_wholly_known() {
            api
        } else {
            OrderManagementApi::default()
        }
    }

    /// What is set of one call; the rest keeps its default.
    fn call(&mut self, call: &mut ApiCall, value: &Value, path: &Path) {
        if let Some(text) = value.get("method").as_str() {
            match Method::from_bytes(text.as_bytes()) {
                Ok(method) => call.method = method,
                Err(_) => self.reject_api(path.clone().then("method"), "is no HTTP method."),
            }
        }
        if let Some(text) = value.get("path").as_str() {
            call.path = text.to_owned();
        }
        if let Some(text) = value.get("body").as_str() {
            call.body = (!text.is_empty()).then(|| text.to_owned());
        }
    }

    fn statuses(&mut self, value: &Value, path: Path) -> Option<Vec<u16>> {
        let (Value::Set(items) | Value::List(items)) = value else {
            return None;
        };
        let mut statuses = Vec::new();
        for item in items {
            match item {
                Value::Number(number) => match number.as_str().parse() {
                    Ok(status) if (100..600).contains(&status) => statuses.push(status),
                    _ => {
                        self.reject_api(path, "must hold HTTP statuses, from 100 to 599.");
                        return None;
                    }
                },
                Value::Unknown => {}
                _ => {
                    self.reject_api(path, "must hold numbers only.");
                    return None;
                }
            }
        }
        Some(statuses)
    }

    fn reject_api(&mut self, path: Path, problem: &str) {
        let diagnostic = self.about(path, API, "Invalid provider configuration", problem);
        self.diagnostics.push(diagnostic);
    }
}

/// The environment variable of an attribute.
fn variable_name(attribute: &str) -> String {
    format!("SAPCALM_{}", attribute.to_ascii_uppercase())
}

fn user_agent(terraform_version: &str, append: Option<String>) -> String {
    let terraform = match terraform_version.trim() {
        "" => "Terraform".to_owned(),
        version => format!("Terraform/{version}"),
    };
    let own = concat!("terraform-provider-sapcalm/", env!("CARGO_PKG_VERSION"));
    match append.as_deref().map(str::trim) {
        None | Some("") => format!("{terraform} {own}"),
        Some(more) => format!("{terraform} {own} {more}"),
    }
}

/// Reads `order_management_api` from JSON. The error continues a sentence.
fn api_from_json(json: &str) -> Result<Value, String> {
    let value: serde_json::Value = serde_json::from_str(json).map_err(|error| {
        format!(
            "is not valid JSON (line {}, column {}).",
            error.line(),
            error.column()
        )
    })?;
    object_from_json(&value, API_ATTRIBUTES, "")
}

fn object_from_json(
    value: &serde_json::Value,
    attributes: &[Attribute],
    place: &str,
) -> Result<Value, String> {
    let Some(members) = value.as_object() else {
        return Err(match place {
            "" => "is not a JSON object.".to_owned(),
            place => format!("has no object in `{place}`."),
        });
    };
    let mut object = BTreeMap::new();
    for (name, member) in members {
        let here = if place.is_empty() {
            name.clone()
        } else {
            format!("{place}.{name}")
        };
        let Some(attribute) = attributes.iter().find(|attribute| attribute.name == name) else {
            return Err(format!("has an unknown member `{here}`."));
        };
        let value = value_from_json(member, &attribute.kind, &here)?;
        object.insert(name.clone(), value);
    }
    Ok(Value::Object(object))
}

fn value_from_json(
    value: &serde_json::Value,
    kind: &AttributeType,
    place: &str,
) -> Result<Value, String> {
    use serde_json::Value as Json;
    match (kind, value) {
        (_, Json::Null) => Ok(Value::Null),
        (AttributeType::String, Json::String(text)) => Ok(Value::string(text)),
        (AttributeType::Number, Json::Number(number)) => number
            .as_i64()
            .map(|number| Value::Number(number.into()))
            .ok_or_else(|| format!("has no whole number in `{place}`.")),
        (AttributeType::Set(element), Json::Array(items)) => {
            let items = items
                .iter()
                .map(|item| value_from_json(item, element, place));
            Ok(Value::Set(items.collect::<Result<_, _>>()?))
        }
        (AttributeType::Map(element), Json::Object(members)) => {
            let entries = members
                .iter()
                .map(|(key, item)| Ok((key.clone(), value_from_json(item, element, place)?)));
            Ok(Value::Map(entries.collect::<Result<_, String>>()?))
        }
        (AttributeType::Object(attributes), value) => object_from_json(value, attributes, place),
        _ => Err(format!("has a value of the wrong type in `{place}`.")),
    }
}

/// Whether two objects say the same, where null and absent are one.
fn same_settings(a: &Value, b: &Value) -> bool {
    match (a.entries(), b.entries()) {
        (Some(left), Some(right)) => left
            .keys()
            .chain(right.keys())
            .all(|name| same_settings(a.get(name), b.get(name))),
        _ => a.same(b),
    }
}
