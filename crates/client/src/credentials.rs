//! Service keys: what is in them, found tolerantly.
//!
//! Three services, three layouts, and none of them is promised by SAP. So the
//! credentials are looked for in `uaa`, then at the top, then one level down;
//! always as one block, never a client id from here and a secret from there.
//! Errors name the missing JSON path and never a value.
//!
//! In what form a tool hands a key out is the business of [`super::key_forms`].

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use reqwest::Identity;
use secrecy::SecretString;
use serde_json::Value;
use url::{Host, Url};

use super::key_forms::{self, Look, Members};
use super::tls::{self, PemFault};

/// Which service a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// The Destination service, plan `lite`.
    Destination,
    /// SAP Order Management foundation.
    OrderManagement,
    /// The SAP Cloud ALM API, plan `standard`.
    CloudAlm,
    /// SAP Job Scheduling service, plan `standard` or `free`.
    JobScheduling,
}

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Destination,
        Self::OrderManagement,
        Self::CloudAlm,
        Self::JobScheduling,
    ];
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Destination => "Destination service key",
            Self::OrderManagement => "Order Management service key",
            Self::CloudAlm => "Cloud ALM service key",
            Self::JobScheduling => "Job Scheduling service key",
        })
    }
}

/// A service key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {kind} {problem}")]
pub struct KeyError {
    /// Which key it should have been.
    pub kind: KeyKind,
    /// What is wrong with it.
    pub problem: KeyProblem,
}

/// What is wrong with a service key. Holds paths, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// Not even a text.
    #[error("is empty")]
    Empty,
    /// Not JSON at all.
    #[error("is not valid JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the first error, from 1.
        line: usize,
        /// Column of the first error, from 1.
        column: usize,
    },
    /// No key, but something that is known.
    #[error("looks like {0}")]
    LooksLike(Look),
    /// JSON, but not an object.
    #[error("is not a JSON object")]
    NotAnObject,
    /// Several keys that could be meant.
    #[error("could be one of several: {paths}")]
    Several {
        /// Where they are, as a text.
        paths: String,
    },
    /// A value is missing or not a string.
    #[error("has no `{path}`")]
    Missing {
        /// The JSON path, with dots.
        path: String,
    },
    /// It has endpoints, but not the one that is called.
    #[error("has no `{path}`, only {others}")]
    NoEndpoint {
        /// The JSON path that was looked for.
        path: String,
        /// The endpoints that are there, as a text.
        others: String,
    },
    /// A value is no URL that can be called.
    #[error("has no usable URL in `{path}`")]
    BadUrl {
        /// The JSON path, with dots.
        path: String,
    },
    /// A URL would send secrets in the clear.
    #[error("has a plain `http://` URL in `{path}`; only loopback hosts may have one")]
    PlainHttp {
        /// The JSON path, with dots.
        path: String,
    },
    /// The certificate or the private key of an x509 key cannot be used.
    #[error("has {fault} in `{path}`")]
    BadPem {
        /// The JSON path, with dots.
        path: String,
        /// What is there instead.
        fault: PemFault,
    },
    /// It is the key of another service.
    #[error("has no `{missing}`; this looks like the {looks_like}")]
    WrongService {
        /// The JSON path that the right key would have.
        missing: String,
        /// What it seems to be.
        looks_like: KeyKind,
    },
}

/// The OAuth 2.0 client of a service key: who asks the token service.
#[derive(Clone)]
pub struct OAuthClient {
    /// The member of the key in which the credentials were; `None` for the key
    /// itself.
    pub block: Option<String>,
    /// The client id.
    pub client_id: String,
    /// How the client proves who it is.
    pub proof: Proof,
    /// Where tokens come from: the host of the key plus `/oauth/token`, for an
    /// x509 key on the certificate host.
    pub token_url: Url,
    /// The name scopes begin with, when the key has it.
    pub xsappname: Option<String>,
    /// The subdomain of the owning subaccount, when the key has it.
    pub identity_zone: Option<String>,
    /// The tenant id in the key, when it has one.
    pub tenant_id: Option<String>,
    /// The subaccount id in the key, when it has one.
    pub subaccount_id: Option<String>,
    /// The service instance id in the key, when it has one.
    pub instance_id: Option<String>,
}

/// How the client proves who it is.
#[derive(Clone)]
pub enum Proof {
    /// A client secret, sent in the form body.
    Secret(SecretString),
    /// A client certificate for mutual TLS, both in PEM form.
    Certificate {
        /// The certificate chain.
        certificate: String,
        /// The private key.
        key: SecretString,
        /// Both, as they are shown to the token service.
        identity: Identity,
    },
}

/// The client id only.
impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.client_id)
    }
}

impl OAuthClient {
    /// The client secret; `None` for an x509 key.
    pub fn client_secret(&self) -> Option<&SecretString> {
        match &self.proof {
            Proof::Secret(secret) => Some(secret),
            Proof::Certificate { .. } => None,
        }
    }

    /// When the certificate of an x509 key stops being valid.
    pub fn certificate_expiry(&self) -> Option<Timestamp> {
        match &self.proof {
            Proof::Secret(_) => None,
            Proof::Certificate { certificate, .. } => super::certificate::expiry(certificate),
        }
    }

    /// What proves that a request comes from the owner of the key.
    pub(crate) fn secret(&self) -> &SecretString {
        match &self.proof {
            Proof::Secret(secret) => secret,
            Proof::Certificate { key, .. } => key,
        }
    }
}

/// Service key of the Destination service.
#[derive(Clone, Debug)]
pub struct DestinationKey {
    /// Who asks the token service.
    pub oauth: OAuthClient,
    /// The base URL of the Destination service.
    pub uri: Url,
}

impl DestinationKey {
    /// Reads a service key or binding in JSON form.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the JSON path that is missing or unusable.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        Document::read(KeyKind::Destination, json, |key| {
            let (path, uri) = key.service_text("uri").ok_or_else(|| key.missing("uri"))?;
            Ok(Self {
                uri: usable_url(&path, uri)?,
                oauth: key.oauth()?,
            })
        })
    }
}

/// Service key of SAP Order Management foundation.
#[derive(Clone, Debug)]
pub struct OrderManagementKey {
    /// Who asks the token service.
    pub oauth: OAuthClient,
    endpoints: BTreeMap<String, String>,
    looks_like: Option<KeyKind>,
}

impl OrderManagementKey {
    /// Reads a service key or binding in JSON form. The endpoints may be
    /// missing here: the configuration can name one.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the JSON path that is missing or unusable.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        Document::read(KeyKind::OrderManagement, json, |key| {
            Ok(Self {
                oauth: key.oauth()?,
                endpoints: key.endpoints(),
                looks_like: key.looks_like_other(),
            })
        })
    }

    /// The URL of one of the key's `endpoints`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when the key has no such endpoint or it is unusable.
    pub fn endpoint(&self, name: &str) -> Result<Url, KeyError> {
        let path = format!("endpoints.{name}");
        let url = match (self.endpoints.get(name), self.looks_like) {
            (Some(text), _) => usable_url(&path, text),
            (None, Some(looks_like)) => Err(KeyProblem::WrongService {
                missing: path,
                looks_like,
            }),
            (None, None) => Err(no_endpoint(path, &self.endpoints)),
        };
        let kind = KeyKind::OrderManagement;
        url.map_err(|problem| KeyError { kind, problem })
    }

    /// The names in the key's `endpoints`.
    pub fn endpoint_names(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }

    /// `{xsappname}.IntegrationMonitoring`, the scope that registering needs.
    pub fn default_scope(&self) -> Option<String> {
        let name = self.oauth.xsappname.as_ref()?;
        Some(format!("{name}.IntegrationMonitoring"))
    }
}

/// Service key of the SAP Cloud ALM API.
#[derive(Clone, Debug)]
pub struct CloudAlmKey {
    /// Who asks the token service.
    pub oauth: OAuthClient,
    /// `endpoints.Api` exactly as it stands in the key.
    pub api: String,
    /// `endpoints.Api` as a URL.
    pub api_url: Url,
}

impl CloudAlmKey {
    /// Reads a service key or binding in JSON form.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the JSON path that is missing or unusable.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        Document::read(KeyKind::CloudAlm, json, |key| {
            let mut endpoints = key.endpoints();
            let api = endpoints.remove("Api");
            let api = api.ok_or_else(|| key.missing("endpoints.Api"))?;
            Ok(Self {
                api_url: usable_url("endpoints.Api", &api)?,
                api,
                oauth: key.oauth()?,
            })
        })
    }
}

/// Service key of SAP Job Scheduling service, with XSUAA authentication.
#[derive(Clone, Debug)]
pub struct JobSchedulingKey {
    /// Who asks the token service.
    pub oauth: OAuthClient,
    /// The base URL of the service.
    pub url: Url,
}

impl JobSchedulingKey {
    /// Reads a service key or binding in JSON form.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the JSON path that is missing or unusable.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        Document::read(KeyKind::JobScheduling, json, |key| {
            let url = key.url_beside_uaa().ok_or_else(|| key.missing("url"))?;
            Ok(Self {
                url: usable_url("url", &url)?,
                oauth: key.oauth()?,
            })
        })
    }
}

/// A service key of any of the services, for who wants to know what is in it.
#[derive(Clone, Debug)]
pub struct ServiceKey {
    /// Who asks the token service.
    pub oauth: OAuthClient,
    /// The service it is clearly for.
    pub service: Option<KeyKind>,
    /// `uri` as it stands in the key.
    pub uri: Option<String>,
    /// `url` beside `uaa`; without `uaa` it is that of the token service.
    url: Option<String>,
    /// `endpoints` as they stand in the key.
    pub endpoints: BTreeMap<String, String>,
}

impl ServiceKey {
    /// Reads a service key or binding in JSON form. Only the credentials must
    /// be there.
    ///
    /// # Errors
    ///
    /// [`KeyProblem`] names the JSON path that is missing or unusable.
    pub fn parse(json: &str) -> Result<Self, KeyProblem> {
        let key = Document::parse(None, json)?;
        Ok(Self {
            service: key.looks_like(),
            uri: key.service_text("uri").map(|(_, uri)| uri.to_owned()),
            url: key.url_beside_uaa(),
            endpoints: key.endpoints(),
            oauth: key.oauth()?,
        })
    }

    /// Where its service is called, as it stands in the key: `uri`, the only one
    /// of `endpoints`, or `url` beside `uaa`.
    ///
    /// # Errors
    ///
    /// [`KeyProblem`] when there is none, several could be meant, or it would
    /// send tokens in the clear.
    pub fn service_url(&self) -> Result<(&str, Url), KeyProblem> {
        let mut endpoints = self.endpoints.iter();
        let endpoint = endpoints.next().filter(|_| endpoints.next().is_none());
        let found = self.uri.as_deref().map(|uri| ("uri".to_owned(), uri));
        let found = found
            .or_else(|| endpoint.map(|(name, url)| (format!("endpoints.{name}"), url.as_str())))
            .or_else(|| self.url.as_deref().map(|url| ("url".to_owned(), url)));
        let Some((path, text)) = found else {
            return Err(no_endpoint("uri".to_owned(), &self.endpoints));
        };
        Ok((text, usable_url(&path, text)?))
    }
}

/// What is wrong with a key that has other endpoints at most.
fn no_endpoint(path: String, endpoints: &BTreeMap<String, String>) -> KeyProblem {
    let names = endpoints.keys().map(|name| format!("`endpoints.{name}`"));
    let others = names.collect::<Vec<_>>().join(", ");
    match others.is_empty() {
        true => KeyProblem::Missing { path },
        false => KeyProblem::NoEndpoint { path, others },
    }
}

/// A key before anybody knows what is in it.
struct Document {
    /// The service it should be for, where that matters.
    kind: Option<KeyKind>,
    root: Members,
}

/// One object that may hold the credentials, and the path in front of its
/// members (`""` or `"uaa."`).
struct Block<'a> {
    prefix: String,
    members: &'a Members,
}

impl Block<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        text(self.members.get(name)?)
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Document {
    /// Reads the key of one service.
    fn read<T>(
        kind: KeyKind,
        json: &str,
        take: impl FnOnce(&Self) -> Result<T, KeyProblem>,
    ) -> Result<T, KeyError> {
        let key = Self::parse(Some(kind), json);
        key.and_then(|key| take(&key))
            .map_err(|problem| KeyError { kind, problem })
    }

    fn parse(kind: Option<KeyKind>, text: &str) -> Result<Self, KeyProblem> {
        if text.trim_start_matches('\u{feff}').trim().is_empty() {
            return Err(KeyProblem::Empty);
        }
        let contents = key_forms::read(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let look = Look::of_text(text, &error).map(KeyProblem::LooksLike);
            look.unwrap_or(KeyProblem::NotJson { line, column })
        })?;
        if contents.keys.is_empty() {
            return Self::without_credentials(kind, contents.rest);
        }
        let paths = contents.keys.iter().map(|key| format!("`{}`", key.path));
        let paths = paths.collect::<Vec<_>>().join(", ");
        let keys = contents.keys.into_iter().map(|key| Self {
            kind,
            root: key.members,
        });
        let mut keys: Vec<Self> = keys.collect();
        if keys.len() > 1 {
            keys.retain(|key| kind.is_some() && key.looks_like() == kind);
        }
        match keys.pop() {
            Some(key) if keys.is_empty() => Ok(key),
            _ => Err(KeyProblem::Several { paths }),
        }
    }

    /// Nobody's key, to say what is missing in it.
    fn without_credentials(kind: Option<KeyKind>, rest: Value) -> Result<Self, KeyProblem> {
        let first = match rest {
            Value::Array(items) => items.into_iter().next().filter(Value::is_object),
            rest => Some(rest),
        };
        let Some(Value::Object(mut root)) = first else {
            return Err(KeyProblem::NotAnObject);
        };
        if let Some(look) = Look::of_object(&root) {
            return Err(KeyProblem::LooksLike(look));
        }
        if let Some(Value::Object(credentials)) = root.get_mut("credentials") {
            root = std::mem::take(credentials);
        }
        Ok(Self { kind, root })
    }

    fn missing(&self, path: &str) -> KeyProblem {
        let path = path.to_owned();
        match self.looks_like_other() {
            Some(looks_like) => KeyProblem::WrongService {
                missing: path,
                looks_like,
            },
            None => KeyProblem::Missing { path },
        }
    }

    /// `uaa`, the top, then every object one level down.
    fn blocks(&self) -> Vec<Block<'_>> {
        let others = self.root.keys().map(String::as_str);
        let others = others.filter(|name| !matches!(*name, "uaa" | "endpoints"));
        let top = Block {
            prefix: String::new(),
            members: &self.root,
        };
        let mut blocks: Vec<Block<'_>> = self.nested("uaa").into_iter().collect();
        blocks.push(top);
        blocks.extend(others.filter_map(|name| self.nested(name)));
        blocks
    }

    fn nested(&self, name: &str) -> Option<Block<'_>> {
        let members = self.root.get(name)?.as_object()?;
        Some(Block {
            prefix: format!("{name}."),
            members,
        })
    }

    /// A member of the service itself: at the top or one level down.
    fn service_text(&self, name: &str) -> Option<(String, &str)> {
        if let Some(found) = self.root.get(name).and_then(text) {
            return Some((name.to_owned(), found));
        }
        self.root.iter().find_map(|(outer, value)| {
            let found = text(value.as_object()?.get(name)?)?;
            Some((format!("{outer}.{name}"), found))
        })
    }

    /// The service's own `url` at the top, where the token service's is in `uaa`.
    fn url_beside_uaa(&self) -> Option<String> {
        let is_nested = self.nested("uaa").is_some();
        let url = self.root.get("url").and_then(text)?;
        is_nested.then(|| url.to_owned())
    }

    /// `endpoints` at the top or one level down; values as string or `{url}`.
    fn endpoints(&self) -> BTreeMap<String, String> {
        let at_top = self.root.get("endpoints").and_then(Value::as_object);
        let nested = || {
            self.root
                .values()
                .find_map(|value| value.as_object()?.get("endpoints")?.as_object())
        };
        let Some(endpoints) = at_top.or_else(nested) else {
            return BTreeMap::new();
        };
        endpoints
            .iter()
            .filter_map(|(name, value)| {
                let found = text(value).or_else(|| text(value.as_object()?.get("url")?))?;
                Some((name.clone(), found.to_owned()))
            })
            .collect()
    }

    /// Which other service this key is clearly for.
    fn looks_like_other(&self) -> Option<KeyKind> {
        let kind = self.kind?;
        self.looks_like().filter(|it| *it != kind)
    }

    /// Which service this key is clearly for.
    fn looks_like(&self) -> Option<KeyKind> {
        let endpoints = self.endpoints();
        let uri = self.service_text("uri").map(|(_, uri)| uri);
        if endpoints.contains_key("integration-monitoring-api") {
            Some(KeyKind::OrderManagement)
        } else if endpoints.contains_key("Api") {
            Some(KeyKind::CloudAlm)
        } else if uri.is_some_and(|uri| uri.contains("destination-configuration"))
            || self.is_clone_of_destination_service()
        {
            Some(KeyKind::Destination)
        } else if self
            .url_beside_uaa()
            .is_some_and(|url| url.contains("jobscheduler"))
        {
            Some(KeyKind::JobScheduling)
        } else {
            None
        }
    }

    /// Every client of the Destination service is a clone of its application.
    fn is_clone_of_destination_service(&self) -> bool {
        let blocks = self.blocks();
        let mut names = blocks.iter().filter_map(|block| block.text("xsappname"));
        names.any(|name| name.contains("|destination-xsappname!"))
    }

    fn oauth(&self) -> Result<OAuthClient, KeyProblem> {
        let blocks = self.blocks();
        let Some(block) = blocks.iter().find(|block| block.text("clientid").is_some()) else {
            let has_uaa = self.root.get("uaa").is_some_and(Value::is_object);
            return Err(self.missing(if has_uaa { "uaa.clientid" } else { "clientid" }));
        };
        let proof = self.proof(block)?;
        let anywhere = |name: &str| {
            let found = block
                .text(name)
                .or_else(|| blocks.iter().find_map(|b| b.text(name)));
            found.map(str::to_owned)
        };
        Ok(OAuthClient {
            block: block.prefix.strip_suffix('.').map(str::to_owned),
            client_id: block.text("clientid").unwrap_or_default().to_owned(),
            token_url: self.token_url(block, &proof)?,
            proof,
            xsappname: anywhere("xsappname"),
            identity_zone: anywhere("identityzone"),
            tenant_id: anywhere("tenantid").or_else(|| anywhere("zoneid")),
            subaccount_id: anywhere("subaccountid"),
            instance_id: anywhere("instanceid").or_else(|| anywhere("serviceInstanceId")),
        })
    }

    fn proof(&self, block: &Block<'_>) -> Result<Proof, KeyProblem> {
        if let Some(secret) = block.text("clientsecret") {
            return Ok(Proof::Secret(secret.into()));
        }
        let Some(certificate) = block.text("certificate") else {
            return Err(self.missing(&block.path("clientsecret")));
        };
        let Some(key) = block.text("key") else {
            return Err(self.missing(&block.path("key")));
        };
        let (certificate, key) = (tls::lines(certificate), tls::lines(key));
        let identity = tls::identity(&certificate, &key).map_err(|fault| KeyProblem::BadPem {
            path: block.path(if fault.is_about_key() {
                "key"
            } else {
                "certificate"
            }),
            fault,
        })?;
        Ok(Proof::Certificate {
            certificate,
            key: key.into(),
            identity,
        })
    }

    fn token_url(&self, block: &Block<'_>, proof: &Proof) -> Result<Url, KeyProblem> {
        let host = match (proof, block.text("tokenurl")) {
            (Proof::Secret(_), Some(ready)) => return usable_url(&block.path("tokenurl"), ready),
            (Proof::Secret(_), None) => "url",
            (Proof::Certificate { .. }, _) => "certurl",
        };
        let path = block.path(host);
        let text = block.text(host).ok_or_else(|| self.missing(&path))?;
        let base = text.trim_end_matches('/');
        let base = base.strip_suffix("/oauth/token").unwrap_or(base);
        usable_url(&path, &format!("{base}/oauth/token"))
    }
}

/// A string with something in it.
fn text(value: &Value) -> Option<&str> {
    value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

fn usable_url(path: &str, text: &str) -> Result<Url, KeyProblem> {
    let path = path.to_owned();
    match Url::parse(text) {
        Ok(url) if is_callable(&url) => Ok(url),
        Ok(url) if url.scheme() == "http" => Err(KeyProblem::PlainHttp { path }),
        _ => Err(KeyProblem::BadUrl { path }),
    }
}

/// What we never call: other schemes, user names and fragments in the URL, and
/// plain `http://` except on loopback hosts.
pub(crate) fn is_callable(url: &Url) -> bool {
    let clean = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match url.scheme() {
        "https" => clean && url.has_host(),
        "http" => clean && is_loopback(url),
        _ => false,
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    const UAA: &str = r#""clientid":"sb-a!b1|x!b2","clientsecret":"s$cret=",
        "url":"https://acme.authentication.eu10.hana.ondemand.com","xsappname":"a!b1|x!b2""#;

    #[test]
    fn a_key_of_any_service_tells_what_it_is_for() {
        let table = [
            (
                r#""uri":"https://destination-configuration.cfapps.eu10""#,
                Some(KeyKind::Destination),
            ),
            (
                r#""endpoints":{"Api":"https://a"}"#,
                Some(KeyKind::CloudAlm),
            ),
            (
                r#""endpoints":{"integration-monitoring-api":{"url":"https://b"}}"#,
                Some(KeyKind::OrderManagement),
            ),
            (r#""endpoints":{"other":"https://c"}"#, None),
        ];
        for (member, service) in table {
            let key = ServiceKey::parse(&format!("{{{UAA},{member}}}")).unwrap();
            assert_eq!(key.service, service, "{member}");
            assert_eq!(key.oauth.client_id, "sb-a!b1|x!b2");
            assert_eq!(key.oauth.certificate_expiry(), None);
            // The same without credentials is not taken for another service's.
            let broken = ServiceKey::parse(&format!("{{{member}}}")).unwrap_err();
            assert_eq!(broken, missing("clientid"));
        }
    }

    fn problem<T: fmt::Debug>(result: Result<T, KeyError>) -> KeyProblem {
        result.unwrap_err().problem
    }

    fn missing(path: &str) -> KeyProblem {
        KeyProblem::Missing {
            path: path.to_owned(),
        }
    }

    fn destination(json: &str) -> Result<DestinationKey, KeyError> {
        DestinationKey::parse(json)
    }

    /// A self-signed certificate and its key in PEM form, as JSON strings.
    fn x509() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        let json = |pem: String| Value::String(pem).to_string();
        (
            json(made.cert.pem()),
            json(made.signing_key.serialize_pem()),
        )
    }

    #[test]
    fn destination_key_is_read_in_every_layout() {
        let uri = r#""uri":"https://destination.example.com""#;
        let layouts = [
            format!("{{{UAA},{uri}}}"),
            format!("{{\"uaa\":{{{UAA}}},{uri}}}"),
            format!("{{\"anything\":{{{UAA}}},{uri}}}"),
            format!("{{\"destination\":{{{UAA},{uri}}}}}"),
            format!("{{\"credentials\":{{{UAA},{uri}}}}}"),
            format!("\u{feff}{{\"name\":\"binding\",\"credentials\":{{\"uaa\":{{{UAA}}},{uri}}}}}"),
            Value::String(format!("{{{UAA},{uri}}}")).to_string(),
        ];
        for layout in layouts {
            let key = destination(&layout).unwrap_or_else(|error| panic!("{layout}: {error}"));
            assert_eq!(key.uri.as_str(), "https://destination.example.com/");
            let oauth = &key.oauth;
            assert_eq!(oauth.client_id, "sb-a!b1|x!b2");
            assert_eq!(oauth.client_secret().unwrap().expose_secret(), "s$cret=");
            assert_eq!(
                oauth.token_url.as_str(),
                "https://acme.authentication.eu10.hana.ondemand.com/oauth/token"
            );
            assert_eq!(oauth.xsappname.as_deref(), Some("a!b1|x!b2"));
        }
    }

    #[test]
    fn uaa_wins_over_the_top_and_nothing_is_mixed() {
        let key = destination(
            r#"{"clientid":"top","clientsecret":"top-secret","url":"https://top.example",
                "uaa":{"clientid":"in","clientsecret":"in-secret","url":"https://in.example"},
                "uri":"https://d.example","tenantid":"t-1"}"#,
        )
        .unwrap();
        assert_eq!(key.oauth.client_id, "in");
        assert_eq!(
            key.oauth.client_secret().unwrap().expose_secret(),
            "in-secret"
        );
        assert_eq!(
            key.oauth.token_url.as_str(),
            "https://in.example/oauth/token"
        );
        assert_eq!(key.oauth.tenant_id.as_deref(), Some("t-1"));

        let mixed = destination(
            r#"{"clientsecret":"top-secret","url":"https://top.example",
                "uaa":{"clientid":"in"},"uri":"https://d.example"}"#,
        );
        assert_eq!(problem(mixed), missing("uaa.clientsecret"));
    }

    #[test]
    fn token_url_is_completed_once() {
        let with = |urls: &str| {
            let json = format!(
                r#"{{"clientid":"c","clientsecret":"s",{urls},"uri":"https://d.example"}}"#
            );
            destination(&json).unwrap().oauth.token_url.to_string()
        };
        let expected = "https://t.example/oauth/token";
        assert_eq!(with(r#""url":"https://t.example""#), expected);
        assert_eq!(with(r#""url":"https://t.example/""#), expected);
        assert_eq!(with(r#""url":"https://t.example/oauth/token""#), expected);
        assert_eq!(
            with(r#""tokenurl":"https://t.example/ready?x=1","url":"https://u.example""#),
            "https://t.example/ready?x=1"
        );
    }

    #[test]
    fn x509_key_takes_the_certificate_host() {
        let (certificate, key) = x509();
        let json = format!(
            r#"{{"clientid":"c","certificate":{certificate},"key":{key},"credential-type":"x509",
                "certurl":"https://acme.cert.example","url":"https://acme.example",
                "uri":"https://d.example"}}"#
        );
        let parsed = destination(&json).unwrap();
        assert!(parsed.oauth.client_secret().is_none());
        assert!(matches!(parsed.oauth.proof, Proof::Certificate { .. }));
        assert_eq!(
            parsed.oauth.token_url.as_str(),
            "https://acme.cert.example/oauth/token"
        );

        let without_host = json.replace("certurl", "other");
        assert_eq!(problem(destination(&without_host)), missing("certurl"));
        let without_key = json.replace("\"key\"", "\"other\"");
        assert_eq!(problem(destination(&without_key)), missing("key"));
        let broken = json.replace("BEGIN CERTIFICATE", "BEGIN NOTHING");
        let path = "certificate".to_owned();
        assert_eq!(
            problem(destination(&broken)),
            KeyProblem::BadPem {
                path,
                fault: PemFault::DamagedCertificate,
            }
        );
    }

    #[test]
    fn cloud_alm_key_keeps_its_endpoint_verbatim() {
        for api in [
            r#""https://eu10.alm.cloud.sap/api""#,
            r#"{"url":"https://eu10.alm.cloud.sap/api"}"#,
        ] {
            let json = format!(r#"{{"uaa":{{{UAA}}},"endpoints":{{"Api":{api}}}}}"#);
            let key = CloudAlmKey::parse(&json).unwrap();
            assert_eq!(key.api, "https://eu10.alm.cloud.sap/api");
            assert_eq!(key.api_url.as_str(), key.api);
        }
    }

    #[test]
    fn order_management_key_knows_its_endpoints() {
        let endpoints = r#""endpoints":{"integration-monitoring-api":"https://m.example/x/","o":"http://o.example"}"#;
        for json in [
            format!("{{{UAA},{endpoints}}}"),
            format!("{{\"uaa\":{{{UAA}}},{endpoints}}}"),
        ] {
            let key = OrderManagementKey::parse(&json).unwrap();
            let url = key.endpoint("integration-monitoring-api").unwrap();
            assert_eq!(url.as_str(), "https://m.example/x/");
            assert_eq!(
                key.default_scope().unwrap(),
                "a!b1|x!b2.IntegrationMonitoring"
            );
            let path = "endpoints.none".to_owned();
            let others = "`endpoints.integration-monitoring-api`, `endpoints.o`".to_owned();
            let expected = KeyProblem::NoEndpoint { path, others };
            assert_eq!(problem(key.endpoint("none")), expected);
            let path = "endpoints.o".to_owned();
            assert_eq!(problem(key.endpoint("o")), KeyProblem::PlainHttp { path });
            assert_eq!(key.endpoint_names().count(), 2);
        }
    }

    #[test]
    fn key_of_another_service_is_recognised() {
        let cloud_alm = format!(r#"{{"uaa":{{{UAA}}},"endpoints":{{"Api":"https://a.example"}}}}"#);
        let destination_key = format!(
            r#"{{{UAA},"uri":"https://destination-configuration.cfapps.eu10.hana.ondemand.com"}}"#
        );

        let error = destination(&cloud_alm).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the Destination service key has no `uri`; this looks like the Cloud ALM service key"
        );
        let error = CloudAlmKey::parse(&destination_key).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the Cloud ALM service key has no `endpoints.Api`; this looks like the Destination service key"
        );
        let key = OrderManagementKey::parse(&cloud_alm).unwrap();
        let error = key.endpoint("integration-monitoring-api").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the Order Management service key has no `endpoints.integration-monitoring-api`; \
             this looks like the Cloud ALM service key"
        );
    }

    #[test]
    fn unusable_key_names_the_place_and_no_value() {
        let cases = [
            ("", "is empty"),
            (
                "{\"clientsecret\": \"s3cr3t\"\n oops}",
                "is not valid JSON (line 2, column 2)",
            ),
            ("[1]", "is not a JSON object"),
            ("\"text\"", "is not valid JSON (line 1, column 2)"),
            ("{}", "has no `uri`"),
            (r#"{"uri":"https://d.example"}"#, "has no `clientid`"),
            (
                r#"{"uri":"https://d.example","uaa":{}}"#,
                "has no `uaa.clientid`",
            ),
            (
                r#"{"uri":"https://d.example","clientid":""}"#,
                "has no `clientid`",
            ),
            (
                r#"{"uri":"https://d.example","clientid":"c"}"#,
                "has no `clientsecret`",
            ),
            (
                r#"{"uri":"https://d.example","clientid":"c","clientsecret":"s3cr3t"}"#,
                "has no `url`",
            ),
            (r#"{"uri":"s3cr3t"}"#, "has no usable URL in `uri`"),
            (r#"{"uri":"ftp://d.example"}"#, "has no usable URL in `uri`"),
            (
                r#"{"uri":"https://u:s3cr3t@d.example"}"#,
                "has no usable URL in `uri`",
            ),
            (
                r#"{"uri":"http://d.example"}"#,
                "has a plain `http://` URL in `uri`; only loopback hosts may have one",
            ),
        ];
        for (json, expected) in cases {
            let text = destination(json).unwrap_err().to_string();
            assert_eq!(
                text,
                format!("the Destination service key {expected}"),
                "{json}"
            );
            assert!(!text.contains("s3cr3t"), "{text}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        let allowed = [
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://localhost:1",
        ];
        let refused = [
            "http://10.0.0.1",
            "http://localhost.example",
            "http://[::2]",
            "http://d.example",
        ];
        assert!(allowed.iter().all(|url| usable_url("uri", url).is_ok()));
        let path = "uri".to_owned();
        let plain = KeyProblem::PlainHttp { path };
        assert!(
            refused
                .iter()
                .all(|url| usable_url("uri", url) == Err(plain.clone()))
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let json = format!(r#"{{{UAA},"uri":"https://d.example"}}"#);
        let shown = format!("{:?}", destination(&json).unwrap());
        assert!(
            shown.contains("sb-a!b1") && !shown.contains("s$cret"),
            "{shown}"
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec![
            "uaa",
            "clientid",
            "clientsecret",
            "url",
            "uri",
            "endpoints",
            "Api",
            "certificate",
            "key",
            "certurl",
            "tokenurl",
            "credentials",
            "integration-monitoring-api",
            "other",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "https://[a-z]{1,8}\\.example".prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((names.clone(), inner), 0..8).prop_map(|members| {
                    Value::Object(
                        members
                            .into_iter()
                            .map(|(k, v)| (k.to_owned(), v))
                            .collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn parsing_never_panics_on_any_json(value in any_json()) {
            let json = value.to_string();
            let _ = DestinationKey::parse(&json);
            let _ = CloudAlmKey::parse(&json);
            if let Ok(key) = OrderManagementKey::parse(&json) {
                let _ = key.endpoint("integration-monitoring-api");
            }
        }

        #[test]
        fn parsing_never_panics_on_any_text(text in ".{0,200}") {
            let _ = DestinationKey::parse(&text);
        }
    }
}
