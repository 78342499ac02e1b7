//! The `provider` block: how it and the environment variables beside it become a
//! [`Configured`].
//!
//! * `schema` – the attributes and their variables.
//! * `environment` – reads a variable, or the file that it names.
//! * `order_management` – the calls of Order Management.
//! * `advice` – what to do about a service key that cannot be read.
//!
//! Reading never asks a server. A value that is not known yet (while planning)
//! is no error here: the services that need it count as unknown, and only an
//! operation that calls one of them fails.

mod advice;
mod environment;
mod order_management;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use client::{
    Client, CloudAlmKey, Config, ConfigError, DestinationKey, JobSchedulingKey, KeyError, KeyKind,
    KeyProblem, OrderManagementApi, OrderManagementKey,
};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::duration;
use framework::path::{Path, Step};
use framework::value::Value;

use super::configured::{ALLOWED_SUBACCOUNTS, Configured};
use super::diagnostics::sentence;
use super::keys::attribute;
use advice::advice;
use schema::{API, CONCURRENT_REQUESTS, RETRIES, variable_name};

pub use environment::{Environment, process_environment};
pub use schema::SCHEMA;

/// Checks what stands in the `provider` block itself.
pub fn validate(config: &Value) -> Diagnostics {
    match read_at(config, &|_| None, "", false) {
        Ok((_, diagnostics)) | Err(diagnostics) => diagnostics,
    }
}

/// Reads the `provider` block and the environment: the configured provider, and
/// warnings.
///
/// # Errors
/// What is wrong with the configuration.
pub fn read(
    config: &Value,
    environment: Environment<'_>,
    terraform_version: &str,
) -> Result<(Configured, Diagnostics), Diagnostics> {
    read_at(config, environment, terraform_version, true)
}

/// Reads the environment alone, for who says himself what the key of Order
/// Management has no endpoint for.
///
/// # Errors
/// What is wrong with the environment.
pub fn read_environment(
    environment: Environment<'_>,
) -> Result<(Configured, Diagnostics), Diagnostics> {
    let nothing = Value::Map(BTreeMap::new());
    read_at(&nothing, environment, "", false)
}

/// The endpoint of Order Management is looked for where something may be changed
/// with it.
fn read_at(
    config: &Value,
    environment: Environment<'_>,
    terraform_version: &str,
    needs_endpoint: bool,
) -> Result<(Configured, Diagnostics), Diagnostics> {
    let mut reader = Reader {
        config,
        environment,
        diagnostics: Diagnostics::new(),
        unknown: BTreeMap::new(),
        from_variables: BTreeSet::new(),
    };
    let settings = reader.settings(terraform_version);
    let allowed = reader.allowed_subaccounts();
    if needs_endpoint && !reader.diagnostics.has_errors() {
        reader.check_endpoint(&settings);
    }
    if reader.diagnostics.has_errors() {
        return Err(reader.diagnostics);
    }
    match Client::new(settings) {
        Ok(client) => {
            let configured = Configured::new(client, reader.unknown).allowing(allowed);
            Ok((configured, reader.diagnostics))
        }
        Err(error) => {
            reader.contradiction(&error);
            Err(reader.diagnostics)
        }
    }
}

/// One setting of the `provider` block.
enum Setting {
    Absent,
    Unknown,
    Known(String),
}

struct Reader<'a> {
    config: &'a Value,
    environment: Environment<'a>,
    diagnostics: Diagnostics,
    unknown: BTreeMap<KeyKind, &'static str>,
    /// The settings whose environment variable counts.
    from_variables: BTreeSet<&'static str>,
}

impl Reader<'_> {
    fn settings(&mut self, terraform_version: &str) -> Config {
        let defaults = Config::default();
        let mut retry = defaults.retry;
        if let Some(count) = self.whole_number("max_retries", &RETRIES) {
            retry.max_retries = count;
        }
        if let Some(delay) = self.duration("retry_base_delay") {
            retry.base_delay = delay;
        }
        let order_management_key = self.key(KeyKind::OrderManagement, OrderManagementKey::parse);
        let order_management_api = self.order_management_api();
        Config {
            destination_key: self.key(KeyKind::Destination, DestinationKey::parse),
            order_management_key,
            cloud_alm_key: self.key(KeyKind::CloudAlm, CloudAlmKey::parse),
            job_scheduling_key: self.key(KeyKind::JobScheduling, JobSchedulingKey::parse),
            order_management_api,
            ca_certificates: self.needed_by("ca_certificates", &KeyKind::ALL),
            proxy_url: self.needed_by("proxy_url", &KeyKind::ALL).map(Into::into),
            retry,
            request_timeout: self
                .duration("request_timeout")
                .unwrap_or(defaults.request_timeout),
            connect_timeout: self
                .duration("connect_timeout")
                .unwrap_or(defaults.connect_timeout),
            max_concurrent_requests: self
                .whole_number("max_concurrent_requests", &CONCURRENT_REQUESTS)
                .map_or(defaults.max_concurrent_requests, |count| count as usize),
            user_agent: user_agent(
                terraform_version,
                self.known("append_user_agent").as_deref(),
            ),
        }
    }

    /// The subaccounts to touch. Ids that are not known yet are checked by the
    /// apply that knows them.
    fn allowed_subaccounts(&mut self) -> Option<BTreeSet<String>> {
        let trimmed = |id: &str| id.trim().to_owned();
        if let Some(ids) = self.config.get(ALLOWED_SUBACCOUNTS).items() {
            let is_known = ids.iter().all(|id| !id.is_unknown());
            return is_known.then(|| ids.iter().filter_map(Value::as_str).map(trimmed).collect());
        }
        let ids = self.known(ALLOWED_SUBACCOUNTS)?;
        Some(
            ids.split(',')
                .map(trimmed)
                .filter(|id| !id.is_empty())
                .collect(),
        )
    }

    fn key<K>(&mut self, kind: KeyKind, parse: fn(&str) -> Result<K, KeyError>) -> Option<K> {
        let name = attribute(kind);
        let json = self.needed_by(name, &[kind])?;
        let key = parse(&json);
        key.map_err(|error| self.reject_key(name, &error)).ok()
    }

    fn reject_key(&mut self, name: &'static str, error: &KeyError) {
        let problem = format!("{}.\n\n{}", error.problem, advice(error));
        self.reject(Path::attribute(name), "Invalid service key", &problem);
    }

    /// A text without which some services cannot be called as they should be: they
    /// are unknown until it is known.
    fn needed_by(&mut self, name: &'static str, kinds: &[KeyKind]) -> Option<String> {
        match self.text(name) {
            Setting::Absent => None,
            Setting::Known(text) => Some(text),
            Setting::Unknown => {
                for kind in kinds {
                    self.unknown.entry(*kind).or_insert(name);
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

    fn duration(&mut self, name: &'static str) -> Option<Duration> {
        let text = self.known(name)?;
        let problem = match duration::parse(text.trim()) {
            Ok(duration) if duration >= Duration::from_millis(1) => return Some(duration),
            Ok(_) => "must be longer than nothing.".to_owned(),
            Err(problem) => format!("cannot be used: {problem}."),
        };
        self.reject(Path::attribute(name), "Invalid duration", &problem);
        None
    }

    fn whole_number(&mut self, name: &'static str, range: &RangeInclusive<u32>) -> Option<u32> {
        let text = self.known(name)?;
        let number = text.trim().parse().ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let (min, max) = (range.start(), range.end());
            let must = format!("must be a whole number from {min} to {max}.");
            self.reject(Path::attribute(name), "Invalid number", &must);
        }
        number
    }

    /// An attribute, or else its environment variable.
    fn text(&mut self, name: &'static str) -> Setting {
        let configured = match self.config.get(name) {
            Value::Unknown => return Setting::Unknown,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.as_str().to_owned()),
            _ => None,
        };
        let variable = environment::value_of(self.environment, variable_name(name));
        match (configured, variable) {
            // A variable that the attribute overrides is only compared: that it
            // cannot be read is then nobody's problem.
            (Some(text), other) => {
                if other.is_some_and(|other| other.is_ok_and(|other| other.trim() != text.trim())) {
                    self.warn_overridden(name);
                }
                Setting::Known(text)
            }
            (None, None) => Setting::Absent,
            (None, Some(Ok(text))) => {
                self.from_variables.insert(name);
                Setting::Known(text)
            }
            (None, Some(Err(problem))) => {
                self.diagnostics.push(Diagnostic::error(
                    "Unreadable environment variable",
                    problem,
                ));
                Setting::Absent
            }
        }
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
    fn reject(&mut self, path: Path, summary: &'static str, problem: &str) {
        let name = match path.steps() {
            [Step::Attribute(name), ..] => name.as_ref(),
            _ => "",
        };
        self.diagnostics
            .push(match self.from_variables.contains(name) {
                true => Diagnostic::error(
                    summary,
                    format!(
                        "The value of the environment variable `{}` {problem}",
                        variable_name(name)
                    ),
                ),
                false => {
                    Diagnostic::error(summary, format!("The value of `{path}` {problem}")).at(path)
                }
            });
    }

    /// Looks for the endpoint of Order Management in its service key, so that
    /// the key of another service is found before anything is changed. That a
    /// key has no endpoints at all is an error only of what calls one.
    fn check_endpoint(&mut self, settings: &Config) {
        let api = &settings.order_management_api;
        let Some(key) = &settings.order_management_key else {
            return;
        };
        if api.endpoint.is_some() || self.unknown.contains_key(&KeyKind::OrderManagement) {
            return;
        }
        match key.endpoint(&api.endpoint_key) {
            Err(error) if matches!(error.problem, KeyProblem::NoEndpoint { .. }) => {
                self.reject_endpoint_key(&error);
            }
            Err(error) if !matches!(error.problem, KeyProblem::Missing { .. }) => {
                self.reject_key(attribute(KeyKind::OrderManagement), &error);
            }
            _ => {}
        }
    }

    /// An error at `endpoint_key` where that is configured, else at the key.
    fn reject_endpoint_key(&mut self, error: &KeyError) {
        let summary = "Invalid service key";
        let next_step = "Set `order_management_api.endpoint_key` in the `provider \"sapcalm\"` \
                         block to the name of the endpoint for monitoring, or \
                         `order_management_api.endpoint` to its URL.";
        if self.config.get(API).get("endpoint_key").is_null() {
            let problem = format!("{}.\n\n{next_step}", error.problem);
            let path = Path::attribute(attribute(KeyKind::OrderManagement));
            self.reject(path, summary, &problem);
        } else {
            let detail = format!("{}.\n\n{next_step}", sentence(&error.to_string()));
            let path = Path::attribute(API).then("endpoint_key");
            self.diagnostics
                .push(Diagnostic::error(summary, detail).at(path));
        }
    }

    /// What the client found wrong with the settings as a whole.
    fn contradiction(&mut self, error: &ConfigError) {
        let summary = "Invalid provider configuration";
        let in_api = |name: &'static str| Path::attribute(API).then(name);
        let (path, problem) = match error {
            ConfigError::ProxyVariable => {
                self.diagnostics.push(Diagnostic::error(
                    summary,
                    "The environment variable `HTTPS_PROXY` is not the URL of a proxy that can be \
                     used. Without it requests would go past the proxy that was meant.\n\n\
                     Set it as `host:port`, `http://host:port`, `https://host:port` or \
                     `socks5://host:port`, or remove it.",
                ));
                return;
            }
            ConfigError::CaCertificates(fault) => (
                Path::attribute("ca_certificates"),
                format!(
                    "has {fault}.\n\n\
                     Set the text of a PEM file, which begins with `-----BEGIN CERTIFICATE-----`, \
                     for example as `file(\"ca.pem\")`."
                ),
            ),
            ConfigError::ProxyUrl => (
                Path::attribute("proxy_url"),
                "is not a URL of a proxy that can be used.\n\n\
                 Set it as `host:port`, `http://host:port`, `https://host:port` or \
                 `socks5://host:port`, with `user:password@` in front of the host if the proxy \
                 wants them."
                    .to_owned(),
            ),
            ConfigError::UserAgent => (
                Path::attribute("append_user_agent"),
                format!("cannot be used: {error}.\n\nUse printable ASCII characters only."),
            ),
            ConfigError::Endpoint => (
                in_api("endpoint"),
                "cannot be called.\n\n\
                 Set an `https://` URL without user name; `http://` is accepted for loopback \
                 hosts only, because a token must not travel in clear text."
                    .to_owned(),
            ),
            ConfigError::Header { name } => (
                in_api("headers").key(name.clone()),
                format!(
                    "cannot be used: {error}.\n\nTake it out. The provider sets the headers of \
                     the connection and the authorization itself, and name and value of a header \
                     are ASCII text."
                ),
            ),
            ConfigError::RegisterPath => (in_api("register").then("path"), BAD_PATH.to_owned()),
            ConfigError::OffboardPath => (in_api("offboard").then("path"), BAD_PATH.to_owned()),
            ConfigError::IdenticalCalls => (
                Path::attribute(API),
                format!(
                    "cannot be used: {error}.\n\n\
                     Give one of the two another `method`, `path` or `body`."
                ),
            ),
            error => (
                Path::attribute(API),
                format!("cannot be used: {error}. Correct it."),
            ),
        };
        self.reject(path, summary, &problem);
    }

    fn order_management_api(&mut self) -> OrderManagementApi {
        let value = self.config.get(API);
        if !value.is_wholly_known() {
            self.unknown.entry(KeyKind::OrderManagement).or_insert(API);
        }
        let (api, problems) = order_management::read(value);
        for (path, problem) in problems {
            self.reject(path, "Invalid provider configuration", problem);
        }
        api
    }
}

/// The path of a call that would be another one on the wire.
const BAD_PATH: &str = "has a `.` or `..` segment or a `#`.\n\n\
                        Take it out: the path is added to the endpoint as it is.";

fn user_agent(terraform_version: &str, append: Option<&str>) -> String {
    let terraform = match terraform_version.trim() {
        "" => "Terraform".to_owned(),
        version => format!("Terraform/{version}"),
    };
    let own = concat!("terraform-provider-sapcalm/", env!("CARGO_PKG_VERSION"));
    match append.map(str::trim) {
        None | Some("") => format!("{terraform} {own}"),
        Some(more) => format!("{terraform} {own} {more}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::object_with;
    use super::super::configured::Key;
    use super::super::keys::variable;
    use super::*;

    const DESTINATION: &str = r#"{"clientid":"c","clientsecret":"top-secret","uri":"https://destination-configuration.example","url":"https://zone.authentication.example","tenantid":"t"}"#;
    const ORDER_MANAGEMENT: &str = r#"{"endpoints":{"integration-monitoring-api":"https://omf.example/api"},"uaa":{"clientid":"c","clientsecret":"top-secret","url":"https://zone.authentication.example","xsappname":"omf"}}"#;
    const CLOUD_ALM: &str = r#"{"endpoints":{"Api":"https://alm.example/api"},"uaa":{"clientid":"c","clientsecret":"top-secret","url":"https://calm.authentication.example"}}"#;

    const JOB_SCHEDULING: &str = r#"{"url":"https://jobscheduler-rest.example","uaa":{"clientid":"c","clientsecret":"top-secret","url":"https://jobs.authentication.example"}}"#;

    /// A `provider` block with these attributes, the others null.
    fn block(given: &[(&str, Value)]) -> Value {
        object_with(&SCHEMA, given)
    }

    /// Some entries of a nested object; what is not there reads as null.
    fn object<const N: usize>(given: [(&str, Value); N]) -> Value {
        Value::Map(given.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn text(text: &str) -> Value {
        Value::string(text)
    }

    fn with_variables(
        config: &Value,
        variables: &[(&str, &str)],
    ) -> (Option<Configured>, Diagnostics) {
        let environment = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| Ok((*value).to_owned()))
        };
        match read(config, &environment, "1.11.4") {
            Ok((configured, diagnostics)) => (Some(configured), diagnostics),
            Err(diagnostics) => (None, diagnostics),
        }
    }

    #[test]
    fn no_variable_shows_its_value_whatever_is_wrong_with_it() {
        const MARKER: &str = "mk-7Fq2x9Zt4Lw8Rb1Vn6Ys3Kd5";
        let key = DESTINATION.replace("top-secret", MARKER);
        let values = [
            MARKER.to_owned(),
            format!("@{MARKER}"),
            format!("@/{MARKER}"),
            format!("@{key}"),
            format!("@{key}\n"),
            format!("@/tmp\n{MARKER}"),
            format!("@{}", MARKER.repeat(300)),
            key.clone(),
            key.replace("https://", "http://"),
            key.replace("clientid", "client"),
            key.replace("\"url\"", "\"x\""),
            key[..key.len() - 1].to_owned(),
            format!("{key}{MARKER}"),
            key.replace("destination-configuration.example", MARKER),
            format!("http://user:{MARKER}@[proxy"),
            format!("{MARKER}\u{1b}[31m"),
            format!("-----BEGIN CERTIFICATE-----\n{MARKER}\n-----END CERTIFICATE-----"),
            format!("{{\"{MARKER}\":\"{MARKER}\"}}"),
            format!("1{MARKER}"),
        ];
        let mut tried = 0;
        for attribute in SCHEMA.attributes {
            for value in &values {
                let name = variable_name(attribute.name);
                let (_, diagnostics) = with_variables(&block(&[]), &[(name, value)]);
                for one in &diagnostics {
                    let shown = format!("{} {}", one.summary, one.detail);
                    assert!(!shown.contains(&MARKER[3..13]), "{name}={value}: {shown}");
                }
                tried += 1;
            }
        }
        println!("{tried} values");
    }

    fn configured(config: &Value, variables: &[(&str, &str)]) -> Configured {
        let (configured, diagnostics) = with_variables(config, variables);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        configured.unwrap()
    }

    /// The only message, which is an error.
    fn error(config: &Value, variables: &[(&str, &str)]) -> Diagnostic {
        let (configured, diagnostics) = with_variables(config, variables);
        assert!(configured.is_none());
        let mut messages: Vec<_> = diagnostics.into_iter().collect();
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    fn path(diagnostic: &Diagnostic) -> String {
        let path = diagnostic.path.as_ref();
        path.map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn an_empty_block_takes_every_default_and_no_key() {
        let provider = configured(&block(&[]), &[]);
        let (config, defaults) = (provider.client().config(), Config::default());
        assert_eq!(config.retry, defaults.retry);
        assert_eq!(config.request_timeout, defaults.request_timeout);
        assert_eq!(config.connect_timeout, defaults.connect_timeout);
        assert_eq!(
            config.user_agent,
            concat!(
                "Terraform/1.11.4 terraform-provider-sapcalm/",
                env!("CARGO_PKG_VERSION")
            )
        );
        for kind in KeyKind::ALL {
            assert_eq!(provider.key(kind), Key::Absent);
        }
    }

    #[test]
    fn a_missing_key_is_demanded_with_its_attribute_and_its_variable() {
        let provider = configured(&block(&[]), &[]);
        let error = provider.require_order_management().unwrap_err();
        assert_eq!(error.summary, "Missing service key");
        assert!(error.detail.contains("`order_management_service_key`"));
        assert!(
            error
                .detail
                .contains("`SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY`")
        );
    }

    #[test]
    fn an_endpoint_that_the_key_lacks_is_found_before_anything_is_called() {
        let key = ("order_management_service_key", text(ORDER_MANAGEMENT));
        let other = object([("endpoint_key", text("other"))]);
        let config = block(&[key.clone(), (API, other)]);
        let found = error(&config, &[]);
        assert_eq!(path(&found), "order_management_api.endpoint_key");
        // A variable may still bring another key: the block alone is no error.
        assert!(validate(&config).is_empty());
    }

    #[test]
    fn every_attribute_has_a_variable_that_works_and_is_documented() {
        let values = [
            ("destination_service_key", DESTINATION),
            ("order_management_service_key", ORDER_MANAGEMENT),
            ("cloud_alm_service_key", CLOUD_ALM),
            ("job_scheduling_service_key", JOB_SCHEDULING),
            ("allowed_subaccount_ids", "s-1, s-2"),
            ("ca_certificates", ""),
            ("proxy_url", "http://user:pass@proxy.example:8080"),
            ("max_retries", "7"),
            ("retry_base_delay", "10ms"),
            ("request_timeout", "1m30s"),
            ("connect_timeout", "3s"),
            ("max_concurrent_requests", "3"),
            ("append_user_agent", "pipeline/7"),
        ];
        let names: Vec<_> = values.iter().map(|(name, _)| *name).collect();
        let texts = || SCHEMA.attributes.iter().filter(|a| a.name != API);
        let attributes: Vec<_> = texts().map(|a| a.name).collect();
        assert_eq!(names, attributes);
        for attribute in texts() {
            let variable = format!("SAPCALM_{}", attribute.name.to_uppercase());
            assert_eq!(attribute.variable, Some(&*variable));
        }
        for kind in KeyKind::ALL {
            assert_eq!(variable_name(attribute(kind)), variable(kind));
        }

        let variables: Vec<_> = values
            .iter()
            .map(|(name, value)| (variable_name(name), *value))
            .collect();
        let provider = configured(&block(&[]), &variables);
        let config = provider.client().config();
        for kind in KeyKind::ALL {
            assert_eq!(provider.key(kind), Key::Known);
        }
        assert!(provider.check_subaccount("s-2").is_ok());
        let refused = provider.check_subaccount("s-3").unwrap_err();
        assert!(refused.detail.contains("`allowed_subaccount_ids`"));
        assert!(config.proxy_url.is_some());
        assert_eq!(config.retry.max_retries, 7);
        assert_eq!(config.retry.base_delay, Duration::from_millis(10));
        assert_eq!(config.request_timeout, Duration::from_secs(90));
        assert_eq!(config.connect_timeout, Duration::from_secs(3));
        assert_eq!(config.max_concurrent_requests, 3);
        assert!(config.user_agent.ends_with(" pipeline/7"));
    }

    #[test]
    fn only_allowed_subaccounts_are_touched_and_a_single_one_is_the_one_of_the_plan() {
        let ids = |ids: &[&str]| {
            let ids = ids.iter().map(|id| Value::string(*id)).collect();
            [(ALLOWED_SUBACCOUNTS, Value::Set(ids))]
        };
        let none = configured(&block(&[]), &[]);
        assert!(none.check_subaccount("any").is_ok());
        assert_eq!(none.destination_subaccount(), None);
        let one = configured(&block(&ids(&["s-1"])), &[]);
        assert!(one.check_subaccount("s-1").is_ok());
        assert!(one.check_subaccount("s-2").is_err());
        assert_eq!(one.destination_subaccount(), Some("s-1"));
        let two = configured(&block(&ids(&["s-1", "s-2"])), &[]);
        assert_eq!(two.destination_subaccount(), None);
        assert!(
            configured(&block(&ids(&[])), &[])
                .check_subaccount("s-1")
                .is_err()
        );
    }

    #[test]
    fn a_variable_can_name_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), CLOUD_ALM).unwrap();
        let at = format!("@{}", file.path().display());
        let provider = configured(&block(&[]), &[("SAPCALM_CLOUD_ALM_SERVICE_KEY", &at)]);
        assert_eq!(provider.key(KeyKind::CloudAlm), Key::Known);
    }

    #[test]
    fn a_variable_can_name_the_folder_of_a_mounted_binding() {
        let folder = tempfile::tempdir().unwrap();
        let key: serde_json::Value = serde_json::from_str(CLOUD_ALM).unwrap();
        for (name, member) in key.as_object().unwrap() {
            std::fs::write(folder.path().join(name), format!("{member}\n")).unwrap();
        }
        std::fs::create_dir(folder.path().join("..data")).unwrap();
        std::fs::write(folder.path().join(".metadata"), "{").unwrap();
        let at = format!("@{}", folder.path().display());
        let provider = configured(&block(&[]), &[("SAPCALM_CLOUD_ALM_SERVICE_KEY", &at)]);
        assert_eq!(provider.key(KeyKind::CloudAlm), Key::Known);
    }

    #[test]
    fn a_file_in_utf_16_is_read() {
        for (mark, unit) in [
            ([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]),
            ([0xfe, 0xff], u16::to_be_bytes),
        ] {
            let units = CLOUD_ALM.encode_utf16().flat_map(unit);
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(
                file.path(),
                mark.into_iter().chain(units).collect::<Vec<u8>>(),
            )
            .unwrap();
            let at = format!("@{}", file.path().display());
            let provider = configured(&block(&[]), &[("SAPCALM_CLOUD_ALM_SERVICE_KEY", &at)]);
            assert_eq!(provider.key(KeyKind::CloudAlm), Key::Known);
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [0xe4, 0x22]).unwrap();
        let at = format!("@{}", file.path().display());
        let error = error(&block(&[]), &[("SAPCALM_CLOUD_ALM_SERVICE_KEY", &at)]);
        assert!(error.detail.contains("not UTF-8"), "{}", error.detail);
    }

    /// What to do about each kind of unusable key, on one page.
    #[test]
    fn every_unusable_key_comes_with_its_own_advice() {
        let uaa = r#""clientid":"c","clientsecret":"s3cr3t","url":"https://u.example""#;
        let pem = |certificate: &str, key: &str| {
            let certurl = "https://cert.example";
            serde_json::json!({
                "clientid": "c", "certificate": certificate, "key": key, "certurl": certurl,
                "uri": "https://destination-configuration.example",
            })
            .to_string()
        };
        let made = rcgen::generate_simple_self_signed(["one".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let other = rcgen::generate_simple_self_signed(["two".to_owned()]).unwrap();
        let foreign = other.signing_key.serialize_pem();
        let chain = format!("{}{certificate}", other.cert.pem());
        let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        let two = format!("[{{{uaa},\"uri\":\"https://a\"}},{{{uaa},\"uri\":\"https://b\"}}]");
        let keys = [
            "",
            "s3cr3t",
            "{ \"clientid\": \"s3cr3t\"",
            "keys/destination.json",
            "apiVersion: v1\nkind: Secret",
            "clientid=s3cr3t",
            "<html>",
            "-----BEGIN CERTIFICATE-----",
            "Getting key k ...\nFAILED",
            r#"{"kind":"ServiceBinding"}"#,
            r#"{"guid":"g","links":{}}"#,
            r#"[{"service_instance_id":"i"}]"#,
            "[]",
            &two,
            &format!("{{{uaa}}}"),
            &format!("{{{uaa},\"uri\":\"s3cr3t\"}}"),
            &format!("{{{uaa},\"uri\":\"http://d.example\"}}"),
            CLOUD_ALM,
            &pem("", &key),
            &pem("nonsense", &key),
            &pem(&certificate[..certificate.len() / 2], &key),
            &pem(&key, &certificate),
            &pem(&certificate, ""),
            &pem(&certificate, "nonsense"),
            &pem(&certificate, &key[..key.len() / 2]),
            &pem(&certificate, &encrypted),
            &pem(&chain, &key),
            &pem(&certificate, &foreign),
        ];
        let texts = keys.map(|key| {
            let error = error(&block(&[("destination_service_key", text(key))]), &[]);
            assert_eq!(path(&error), "destination_service_key");
            assert!(!error.detail.contains("s3cr3t"), "{}", error.detail);
            error.detail
        });
        insta::assert_snapshot!("unusable_keys", texts.join("\n\n----\n\n"));
    }

    /// Odd values of every setting: read, or refused at which attribute with
    /// which words.
    #[test]
    fn odd_values_of_every_setting_are_read_or_refused_where_they_stand() {
        let number = |text: &str| Value::Number(text.parse().unwrap());
        let texts = [
            "",
            " ",
            "\n",
            "null",
            "0",
            "@file",
            "\u{feff}",
            "\u{202e}",
            "\u{1b}[31m",
        ];
        let urls = [
            "",
            " ",
            "nowhere",
            "http://",
            "https://",
            "ftp://a",
            "https://u:s3cr3t@a",
            "HTTPS://A",
            "https://a b",
            "https://a#f",
            "http://a",
            "http://localhost",
            "https://[::1",
            "//a",
        ];
        let durations = [
            "",
            "0",
            "0s",
            "1",
            "-1s",
            "1 s",
            "1S",
            "1ms",
            "1h",
            "99999999999h",
        ];
        let numbers = [
            "-1",
            "0",
            "1",
            "1.5",
            "100",
            "101",
            "1000",
            "1001",
            "99999999999999999999",
        ];
        let (texts, urls) = (texts.map(text), urls.map(text));
        let (durations, numbers) = (durations.map(text), numbers.map(number));
        let settings: [(&str, &[Value]); 12] = [
            ("destination_service_key", &texts),
            ("ca_certificates", &texts),
            ("proxy_url", &urls),
            ("retry_base_delay", &durations),
            ("request_timeout", &durations),
            ("connect_timeout", &durations),
            ("max_retries", &numbers),
            ("max_concurrent_requests", &numbers),
            ("append_user_agent", &texts),
            ("endpoint", &urls),
            ("endpoint_key", &texts),
            ("path", &texts),
        ];
        let mut page = Vec::new();
        for (name, values) in settings {
            for value in values {
                let given = match name {
                    "endpoint" | "endpoint_key" => (API, object([(name, value.clone())])),
                    "path" => (API, object([("register", object([(name, value.clone())]))])),
                    _ => (name, value.clone()),
                };
                let (_, diagnostics) = with_variables(&block(&[given]), &[]);
                let outcome = match diagnostics.iter().next() {
                    None => "read".to_owned(),
                    Some(error) => {
                        let words = error.detail.split("\n\n").next().unwrap();
                        format!("refused at {}: {words}", path(error))
                    }
                };
                assert!(!outcome.contains("s3cr3t"), "{outcome}");
                let shown = match value {
                    Value::Number(number) => number.as_str().to_owned(),
                    value => format!("{:?}", value.as_str().unwrap()),
                };
                page.push(format!("{name} = {shown}: {outcome}"));
            }
        }
        insta::assert_snapshot!("odd_values", page.join("\n"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_its_variable() {
        let error = error(
            &block(&[]),
            &[("SAPCALM_CLOUD_ALM_SERVICE_KEY", "@/does/not/exist.json")],
        );
        assert_eq!(error.summary, "Unreadable environment variable");
        assert!(error.detail.contains("`SAPCALM_CLOUD_ALM_SERVICE_KEY`"));
        // What stands behind the `@` may be the key itself.
        assert!(!error.detail.contains("exist.json"));
    }

    #[test]
    fn an_attribute_wins_over_its_variable_with_a_warning_without_values() {
        let config = block(&[("cloud_alm_service_key", text(CLOUD_ALM))]);
        let other = CLOUD_ALM.replace("alm.example", "other.example");
        let (provider, diagnostics) =
            with_variables(&config, &[("SAPCALM_CLOUD_ALM_SERVICE_KEY", &other)]);
        let config = provider.unwrap();
        let key = config.client().config().cloud_alm_key.as_ref().unwrap();
        assert_eq!(key.api, "https://alm.example/api");
        let messages: Vec<_> = diagnostics.iter().collect();
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].summary, "Environment variable is overridden");
        assert_eq!(path(messages[0]), "cloud_alm_service_key");
        assert!(
            !messages[0].detail.contains("example"),
            "{}",
            messages[0].detail
        );
    }

    #[test]
    fn an_attribute_and_a_variable_that_say_the_same_are_no_warning() {
        configured(
            &block(&[("max_retries", Value::Number(2_i64.into()))]),
            &[("SAPCALM_MAX_RETRIES", "2")],
        );
    }

    #[test]
    fn a_broken_key_is_an_error_at_its_attribute_that_shows_no_value() {
        let config = block(&[(
            "destination_service_key",
            text(r#"{"clientid":"c","clientsecret":"top-secret","url":"https://a.example"}"#),
        )]);
        let error = error(&config, &[]);
        assert_eq!(error.summary, "Invalid service key");
        assert_eq!(path(&error), "destination_service_key");
        assert!(error.detail.contains("`uri`"), "{}", error.detail);
        assert!(!error.detail.contains("top-secret"));
    }

    #[test]
    fn a_broken_key_in_a_variable_names_the_variable() {
        let error = error(&block(&[]), &[("SAPCALM_DESTINATION_SERVICE_KEY", "{")]);
        assert_eq!(error.path, None);
        assert!(error.detail.contains("`SAPCALM_DESTINATION_SERVICE_KEY`"));
    }

    #[test]
    fn the_key_of_another_service_is_recognised() {
        let config = block(&[("destination_service_key", text(CLOUD_ALM))]);
        let error = error(&config, &[]);
        assert!(
            error.detail.contains("Cloud ALM service key"),
            "{}",
            error.detail
        );
    }

    #[test]
    fn plain_http_is_refused_at_the_key_except_on_loopback_hosts() {
        let plain = ORDER_MANAGEMENT.replace("https://zone", "http://zone");
        let error = error(
            &block(&[("order_management_service_key", text(&plain))]),
            &[],
        );
        assert_eq!(path(&error), "order_management_service_key");
        assert!(error.detail.contains("http://"), "{}", error.detail);
        let loopback = plain.replace("zone.authentication.example", "127.0.0.1:4000");
        configured(
            &block(&[("order_management_service_key", text(&loopback))]),
            &[],
        );
    }

    #[test]
    fn settings_that_cannot_be_used_are_errors_at_their_attribute() {
        let api = |given| (API, object(given));
        let cases = [
            (("ca_certificates", text("no PEM")), "ca_certificates"),
            (
                ("proxy_url", text("ftp://user:top-secret@proxy")),
                "proxy_url",
            ),
            (("retry_base_delay", text("soon")), "retry_base_delay"),
            (("request_timeout", text("0s")), "request_timeout"),
            (("connect_timeout", text("-1s")), "connect_timeout"),
            (
                ("max_retries", Value::Number((-1_i64).into())),
                "max_retries",
            ),
            (
                ("max_concurrent_requests", Value::Number(0_i64.into())),
                "max_concurrent_requests",
            ),
            (
                ("append_user_agent", text("two\nlines")),
                "append_user_agent",
            ),
            (
                api([("endpoint", text("http://omf.example"))]),
                "order_management_api.endpoint",
            ),
            (
                api([("register", object([("path", text(""))]))]),
                "order_management_api",
            ),
            (
                api([("register", object([("path", text("../x"))]))]),
                "order_management_api.register.path",
            ),
            (
                api([(
                    "headers",
                    Value::Map([("Authorization".to_owned(), text("top-secret"))].into()),
                )]),
                "order_management_api.headers[\"Authorization\"]",
            ),
            (
                api([(
                    "not_registered_codes",
                    Value::Set(vec![Value::Number(4040_i64.into())]),
                )]),
                "order_management_api.not_registered_codes",
            ),
        ];
        for ((name, value), expected) in cases {
            let error = error(&block(&[(name, value)]), &[]);
            assert_eq!(path(&error), expected, "{}", error.detail);
            assert!(!error.detail.contains("top-secret"), "{}", error.detail);
        }
    }

    #[test]
    fn the_same_settings_in_variables_name_the_variable() {
        for (variable, value) in [
            ("SAPCALM_MAX_RETRIES", "many"),
            ("SAPCALM_PROXY_URL", "ftp://proxy"),
            ("SAPCALM_REQUEST_TIMEOUT", "soon"),
        ] {
            let error = error(&block(&[]), &[(variable, value)]);
            assert_eq!(error.path, None, "{value}");
            assert!(
                error.detail.contains(&format!("`{variable}`")),
                "{}",
                error.detail
            );
        }
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        configured(
            &block(&[]),
            &[
                ("SAPCALM_MAX_RETRIES", ""),
                ("SAPCALM_DESTINATION_SERVICE_KEY", ""),
            ],
        );
    }

    #[test]
    fn a_key_that_is_unknown_makes_its_service_unknown_and_is_no_error() {
        let provider = configured(
            &block(&[
                ("order_management_service_key", Value::Unknown),
                ("destination_service_key", text(DESTINATION)),
            ]),
            &[("SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY", ORDER_MANAGEMENT)],
        );
        assert_eq!(provider.key(KeyKind::OrderManagement), Key::Unknown);
        assert_eq!(provider.key(KeyKind::Destination), Key::Known);
        let error = provider.require_order_management().unwrap_err();
        assert!(error.detail.contains("`order_management_service_key`"));
    }

    #[test]
    fn what_all_requests_need_makes_all_services_unknown() {
        for name in ["proxy_url", "ca_certificates"] {
            let provider = configured(&block(&[(name, Value::Unknown)]), &[]);
            for kind in KeyKind::ALL {
                assert_eq!(provider.key(kind), Key::Unknown);
            }
            let error = provider.require_landscape().unwrap_err();
            assert!(error.detail.contains(&format!("`{name}`")));
        }
    }

    #[test]
    fn half_known_calls_are_not_compared() {
        // With the default path of `register` the two calls would be the same.
        let api = object([
            ("register", object([("path", Value::Unknown)])),
            ("offboard", object([("path", text("registration"))])),
        ]);
        let provider = configured(&block(&[(API, api)]), &[]);
        assert_eq!(provider.key(KeyKind::OrderManagement), Key::Unknown);
        assert_eq!(provider.key(KeyKind::Destination), Key::Absent);
    }

    #[test]
    fn validation_sees_the_block_alone() {
        assert!(validate(&block(&[])).is_empty());
        assert!(validate(&block(&[("destination_service_key", text("{"))])).has_errors());
    }
}
