//! Service keys: what is in them, found tolerantly.
//!
//! Three services, three layouts, and none of them is promised by SAP. So the
//! credentials are looked for in `uaa`, then at the top, then one level down;
//! always as one block, never a client id from here and a secret from there.
//! Errors name the missing JSON path and never a value.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::digest;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::{Host, Url};

/// Which service a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// The Destination service, plan `lite`.
    Destination,
    /// SAP Order Management foundation.
    OrderManagement,
    /// The SAP Cloud ALM API, plan `standard`.
    CloudAlm,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Destination => "Destination service key",
            Self::OrderManagement => "Order Management service key",
            Self::CloudAlm => "Cloud ALM service key",
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
    /// Not JSON at all.
    #[error("is not valid JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the first error, from 1.
        line: usize,
        /// Column of the first error, from 1.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("is not a JSON object")]
    NotAnObject,
    /// A value is missing or not a string.
    #[error("has no `{path}`")]
    Missing {
        /// The JSON path, with dots.
        path: String,
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
    /// The certificate and key of an x509 key cannot be read.
    #[error("has no usable PEM certificate and key in `{path}`")]
    BadCertificate {
        /// The JSON path, with dots.
        path: String,
    },
    /// It is the key of another service.
    #[error("has no `{missing}`; this looks like a {looks_like}")]
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
    client_id: String,
    proof: Proof,
    token_url: Url,
    xsappname: Option<String>,
    identity_zone: Option<String>,
    tenant_id: Option<String>,
    subaccount_id: Option<String>,
    instance_id: Option<String>,
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
    },
}

/// Names only.
impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient")
            .field("client_id", &self.client_id)
            .field("proof", &self.proof)
            .field("token_url", &self.token_url.as_str())
            .finish_non_exhaustive()
    }
}

/// The kind only.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret",
            Self::Certificate { .. } => "Certificate",
        })
    }
}

impl OAuthClient {
    /// The client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// How the client proves who it is.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The client secret; `None` for an x509 key.
    #[must_use]
    pub fn client_secret(&self) -> Option<&SecretString> {
        match &self.proof {
            Proof::Secret(secret) => Some(secret),
            Proof::Certificate { .. } => None,
        }
    }

    /// Where tokens come from: the host of the key plus `/oauth/token`, for an
    /// x509 key on the certificate host.
    #[must_use]
    pub fn token_url(&self) -> &Url {
        &self.token_url
    }

    /// The name scopes begin with, when the key has it.
    #[must_use]
    pub fn xsappname(&self) -> Option<&str> {
        self.xsappname.as_deref()
    }

    /// The subdomain of the owning subaccount, when the key has it.
    #[must_use]
    pub fn identity_zone(&self) -> Option<&str> {
        self.identity_zone.as_deref()
    }

    /// The tenant id in the key, when it has one.
    #[must_use]
    pub fn tenant_id(&self) -> Option<&str> {
        self.tenant_id.as_deref()
    }

    /// The subaccount id in the key, when it has one.
    #[must_use]
    pub fn subaccount_id(&self) -> Option<&str> {
        self.subaccount_id.as_deref()
    }

    /// The service instance id in the key, when it has one.
    #[must_use]
    pub fn instance_id(&self) -> Option<&str> {
        self.instance_id.as_deref()
    }

    /// A hash that changes when client, proof or token URL change. It does not
    /// reveal them.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = digest::Context::new(&digest::SHA256);
        let mut add = |text: &str| {
            hash.update(&(text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        add(&self.client_id);
        add(self.token_url.as_str());
        match &self.proof {
            Proof::Secret(secret) => add(secret.expose_secret()),
            Proof::Certificate { certificate, key } => {
                add(certificate);
                add(key.expose_secret());
            }
        }
        hash.finish()
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Texts that must never be shown, for masking.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        match &self.proof {
            Proof::Secret(secret) => vec![secret.expose_secret()],
            Proof::Certificate { key, .. } => vec![key.expose_secret()],
        }
    }
}

/// Service key of the Destination service.
#[derive(Clone, Debug)]
pub struct DestinationKey {
    oauth: OAuthClient,
    uri: Url,
}

impl DestinationKey {
    /// Reads a service key or binding in JSON form.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the JSON path that is missing or unusable.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        let key = Document::parse(KeyKind::Destination, json)?;
        let (path, uri) = key.service_text("uri").ok_or_else(|| key.missing("uri"))?;
        Ok(Self {
            uri: key.url(&path, uri)?,
            oauth: key.oauth()?,
        })
    }

    /// Who asks the token service.
    #[must_use]
    pub fn oauth(&self) -> &OAuthClient {
        &self.oauth
    }

    /// The base URL of the Destination service.
    #[must_use]
    pub fn uri(&self) -> &Url {
        &self.uri
    }
}

/// Service key of SAP Order Management foundation.
#[derive(Clone, Debug)]
pub struct OrderManagementKey {
    oauth: OAuthClient,
    endpoints: BTreeMap<String, String>,
}

impl OrderManagementKey {
    /// Reads a service key or binding in JSON form. The endpoints may be
    /// missing here: the configuration can name one.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the JSON path that is missing or unusable.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        let key = Document::parse(KeyKind::OrderManagement, json)?;
        if let Some(other) = key.recognise_other() {
            let missing = "endpoints.integration-monitoring-api".to_owned();
            return Err(key.error(KeyProblem::WrongService {
                missing,
                looks_like: other,
            }));
        }
        Ok(Self {
            oauth: key.oauth()?,
            endpoints: key.endpoints(),
        })
    }

    /// Who asks the token service.
    #[must_use]
    pub fn oauth(&self) -> &OAuthClient {
        &self.oauth
    }

    /// The URL of one of the key's `endpoints`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when the key has no such endpoint or it is unusable.
    pub fn endpoint(&self, name: &str) -> Result<Url, KeyError> {
        let kind = KeyKind::OrderManagement;
        let path = format!("endpoints.{name}");
        match self.endpoints.get(name) {
            Some(text) => parse_url(text)
                .and_then(|url| check_url(&url).map(|()| url))
                .map_err(|fault| KeyError {
                    kind,
                    problem: fault.at(path),
                }),
            None => Err(KeyError {
                kind,
                problem: KeyProblem::Missing { path },
            }),
        }
    }

    /// The names in the key's `endpoints`.
    pub fn endpoint_names(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }

    /// `{xsappname}.IntegrationMonitoring`, the scope that registering needs.
    #[must_use]
    pub fn default_scope(&self) -> Option<String> {
        self.oauth
            .xsappname()
            .map(|name| format!("{name}.IntegrationMonitoring"))
    }
}

/// Service key of the SAP Cloud ALM API.
#[derive(Clone, Debug)]
pub struct CloudAlmKey {
    oauth: OAuthClient,
    api: String,
    api_url: Url,
}

impl CloudAlmKey {
    /// Reads a service key or binding in JSON form.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the JSON path that is missing or unusable.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        let key = Document::parse(KeyKind::CloudAlm, json)?;
        let endpoints = key.endpoints();
        let api = endpoints
            .get("Api")
            .ok_or_else(|| key.missing("endpoints.Api"))?;
        Ok(Self {
            api_url: key.url("endpoints.Api", api)?,
            api: api.clone(),
            oauth: key.oauth()?,
        })
    }

    /// Who asks the token service.
    #[must_use]
    pub fn oauth(&self) -> &OAuthClient {
        &self.oauth
    }

    /// `endpoints.Api` exactly as it stands in the key.
    #[must_use]
    pub fn api(&self) -> &str {
        &self.api
    }

    /// `endpoints.Api` as a URL.
    #[must_use]
    pub fn api_url(&self) -> &Url {
        &self.api_url
    }
}

/// A parsed key before anybody knows what is in it.
struct Document {
    kind: KeyKind,
    root: Map<String, Value>,
}

/// One object that may hold the credentials, and the path in front of its
/// members (`""` or `"uaa."`).
struct Block<'a> {
    prefix: String,
    members: &'a Map<String, Value>,
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
    fn parse(kind: KeyKind, json: &str) -> Result<Self, KeyError> {
        let not_json = |error: serde_json::Error| KeyError {
            kind,
            problem: KeyProblem::NotJson {
                line: error.line(),
                column: error.column(),
            },
        };
        let mut value: Value =
            serde_json::from_str(json.trim_start_matches('\u{feff}')).map_err(not_json)?;
        // Encoded twice, as `jsonencode` of a JSON text gives it.
        if let Value::String(inner) = &value {
            value = serde_json::from_str(inner).map_err(not_json)?;
        }
        let Value::Object(mut root) = value else {
            return Err(KeyError {
                kind,
                problem: KeyProblem::NotAnObject,
            });
        };
        // A whole binding, and what `cf service-key` of version 8 prints.
        if let Some(Value::Object(credentials)) = root.get_mut("credentials") {
            root = std::mem::take(credentials);
        }
        Ok(Self { kind, root })
    }

    fn error(&self, problem: KeyProblem) -> KeyError {
        KeyError {
            kind: self.kind,
            problem,
        }
    }

    fn missing(&self, path: &str) -> KeyError {
        let path = path.to_owned();
        self.error(match self.recognise_other() {
            Some(looks_like) => KeyProblem::WrongService {
                missing: path,
                looks_like,
            },
            None => KeyProblem::Missing { path },
        })
    }

    fn url(&self, path: &str, text: &str) -> Result<Url, KeyError> {
        parse_url(text)
            .and_then(|url| check_url(&url).map(|()| url))
            .map_err(|fault| self.error(fault.at(path.to_owned())))
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
    fn recognise_other(&self) -> Option<KeyKind> {
        let endpoints = self.endpoints();
        let uri = self.service_text("uri").map(|(_, uri)| uri);
        let looks_like = if endpoints.contains_key("integration-monitoring-api") {
            KeyKind::OrderManagement
        } else if endpoints.contains_key("Api") {
            KeyKind::CloudAlm
        } else if uri.is_some_and(|uri| uri.contains("destination-configuration")) {
            KeyKind::Destination
        } else {
            return None;
        };
        (looks_like != self.kind).then_some(looks_like)
    }

    fn oauth(&self) -> Result<OAuthClient, KeyError> {
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

    fn proof(&self, block: &Block<'_>) -> Result<Proof, KeyError> {
        if let Some(secret) = block.text("clientsecret") {
            return Ok(Proof::Secret(secret.into()));
        }
        let Some(certificate) = block.text("certificate") else {
            return Err(self.missing(&block.path("clientsecret")));
        };
        let Some(key) = block.text("key") else {
            return Err(self.missing(&block.path("key")));
        };
        super::tls::identity(certificate, key).map_err(|()| {
            self.error(KeyProblem::BadCertificate {
                path: block.path("certificate"),
            })
        })?;
        Ok(Proof::Certificate {
            certificate: certificate.to_owned(),
            key: key.into(),
        })
    }

    fn token_url(&self, block: &Block<'_>, proof: &Proof) -> Result<Url, KeyError> {
        let host = match proof {
            Proof::Secret(_) => "url",
            Proof::Certificate { .. } => "certurl",
        };
        if let (Proof::Secret(_), Some(ready)) = (proof, block.text("tokenurl")) {
            return self.url(&block.path("tokenurl"), ready);
        }
        let path = block.path(host);
        let text = block.text(host).ok_or_else(|| self.missing(&path))?;
        let base = text.trim_end_matches('/');
        let base = base.strip_suffix("/oauth/token").unwrap_or(base);
        self.url(&path, &format!("{base}/oauth/token"))
    }
}

/// A string with something in it.
fn text(value: &Value) -> Option<&str> {
    value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// Why a URL cannot be used; the path is added by who knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlFault {
    Bad,
    PlainHttp,
}

impl UrlFault {
    fn at(self, path: String) -> KeyProblem {
        match self {
            Self::Bad => KeyProblem::BadUrl { path },
            Self::PlainHttp => KeyProblem::PlainHttp { path },
        }
    }
}

fn parse_url(text: &str) -> Result<Url, UrlFault> {
    Url::parse(text).map_err(|_| UrlFault::Bad)
}

/// Refuses what we never call: other schemes, user names and fragments in the
/// URL, and plain `http://` except on loopback hosts.
pub(crate) fn check_url(url: &Url) -> Result<(), UrlFault> {
    let clean = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match url.scheme() {
        "https" if clean && url.has_host() => Ok(()),
        "http" if clean && is_loopback(url) => Ok(()),
        "http" => Err(UrlFault::PlainHttp),
        _ => Err(UrlFault::Bad),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
