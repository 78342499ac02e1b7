//! Requests that an emulated service sends itself: the token for a
//! destination, and Order Management's call to Cloud ALM.
//!
//! They are real HTTP, so that a wrong destination fails as it would at SAP.
//! They only ever go to this machine: a destination with an address of the
//! real world is answered with an error instead of a request.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::Value;
use url::{Host, Url};

use super::certificate::Identity;
use super::world::Properties;

/// Header by which the emulator recognises its own requests.
pub(crate) const CALLER_HEADER: &str = "x-emulator-caller";

/// Sends the requests of the emulated services.
pub(crate) struct Outbound {
    client: reqwest::Client,
    /// What is trusted; nothing where the emulator does no TLS.
    authorities: Vec<reqwest::Certificate>,
    /// The emulator's own host name and where it leads, if it has one.
    own_host: Option<(String, SocketAddr)>,
    /// Proof that a request is the emulator's own.
    pass: String,
}

/// The answer to a token request.
#[derive(Debug)]
pub(crate) struct Token {
    /// The access token.
    pub(crate) value: String,
    pub(crate) expires_in: Option<u64>,
    pub(crate) scope: Option<String>,
}

impl Outbound {
    /// `ca_pem` is trusted in addition when the emulator does TLS; `own_host`
    /// is its name and where that leads.
    pub(crate) fn new(
        ca_pem: Option<&str>,
        own_host: Option<(String, SocketAddr)>,
    ) -> Result<Self, reqwest::Error> {
        // Nothing but this machine is ever called, so no trust store is needed.
        let authorities: Vec<_> = ca_pem
            .map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()))
            .transpose()?
            .into_iter()
            .collect();
        Ok(Self {
            client: builder(&authorities, own_host.as_ref()).build()?,
            authorities,
            own_host,
            pass: uuid::Uuid::new_v4().to_string(),
        })
    }

    /// The service that sent a request with this header value.
    pub(crate) fn caller(&self, header: Option<&str>) -> Option<String> {
        let (pass, caller) = header?.split_once(' ')?;
        (pass == self.pass).then(|| caller.to_owned())
    }

    /// Starts a request to this machine.
    pub(crate) fn request(
        &self,
        caller: &str,
        method: Method,
        url: &str,
    ) -> Result<reqwest::RequestBuilder, String> {
        self.request_by(&self.client, caller, method, url)
    }

    fn request_by(
        &self,
        client: &reqwest::Client,
        caller: &str,
        method: Method,
        url: &str,
    ) -> Result<reqwest::RequestBuilder, String> {
        let url = Url::parse(url).map_err(|error| format!("'{url}' is not a URL: {error}"))?;
        let local = match url.host() {
            Some(Host::Domain(name)) => {
                let own = self.own_host.as_ref();
                name.eq_ignore_ascii_case("localhost")
                    || own.is_some_and(|(own, _)| name.eq_ignore_ascii_case(own))
            }
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        if !local {
            let host = url.host_str().unwrap_or_default();
            return Err(format!("host '{host}' cannot be reached from the emulator"));
        }
        let own = format!("{} {caller}", self.pass);
        Ok(client.request(method, url).header(CALLER_HEADER, own))
    }

    /// Fetches the token that `OAuth2ClientCredentials` properties describe;
    /// with an identity by mutual TLS, and without the client secret. The error
    /// is the reason in words.
    pub(crate) async fn token(
        &self,
        caller: &str,
        properties: &Properties,
        tenant: Option<&str>,
        identity: Option<&Identity>,
    ) -> Result<Token, String> {
        let get = |key: &str| properties.get(key).map(String::as_str);
        let url = token_url(properties, tenant)?;
        let mut form = vec![("grant_type", "client_credentials")];
        let client = match identity {
            Some(identity) => builder(&self.authorities, self.own_host.as_ref())
                .identity(identity.to_reqwest()?)
                .build()
                .map_err(|error| reason(&error))?,
            None => self.client.clone(),
        };
        let mut request = self.request_by(&client, caller, Method::POST, &url)?;
        request = request.header("accept", "application/json");
        let client_id = get("clientId").unwrap_or_default();
        let secret = get("clientSecret").filter(|_| identity.is_none());
        if identity.is_some() {
            form.push(("client_id", client_id));
        } else if let Some(user) = get("tokenServiceUser") {
            request = request.basic_auth(user, get("tokenServicePassword"));
        } else if get("tokenService.addClientCredentialsInBody") == Some("false") {
            let pair = format!("{client_id}:{}", secret.unwrap_or_default());
            request = request.header("authorization", format!("Basic {}", STANDARD.encode(pair)));
        } else {
            form.push(("client_id", client_id));
            if let Some(secret) = secret {
                form.push(("client_secret", secret));
            }
        }
        if let Some(scope) = get("scope") {
            form.push(("scope", scope));
        }
        for (key, value) in properties {
            if let Some(name) = key.strip_prefix("tokenService.body.") {
                form.push((name, value));
            } else if let Some(name) = key.strip_prefix("tokenServiceURL.headers.") {
                request = request.header(name, value);
            } else if let Some(name) = key.strip_prefix("tokenServiceURL.queries.") {
                request = request.query(&[(name, value)]);
            }
        }
        let answer = request.form(&form).send().await;
        let answer = answer.map_err(|error| reason(&error))?;
        let status = answer.status();
        let body = answer.text().await.map_err(|error| reason(&error))?;
        if !status.is_success() {
            return Err(format!(
                "the token service answered {status}: {}",
                body.trim()
            ));
        }
        parse_token(&body).ok_or_else(|| "the token service answered without a token".to_owned())
    }
}

/// A client that asks this machine and nobody else.
fn builder(
    authorities: &[reqwest::Certificate],
    own_host: Option<&(String, SocketAddr)>,
) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .tls_certs_only(authorities.to_vec());
    match own_host {
        Some((host, address)) => builder.resolve(host, *address),
        None => builder,
    }
}

/// The address of the token service: as it is when it is dedicated, with the
/// tenant's subdomain in the place of `{tenant}` when it is common.
fn token_url(properties: &Properties, tenant: Option<&str>) -> Result<String, String> {
    let url = properties
        .get("tokenServiceURL")
        .ok_or("tokenServiceURL is missing")?;
    let common = properties
        .get("tokenServiceURLType")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("common"));
    match (common, tenant) {
        (false, _) => Ok(url.clone()),
        (true, None) => Err("tokenServiceURLType is Common, but no tenant was given".to_owned()),
        (true, Some(tenant)) if url.contains("{tenant}") => Ok(url.replace("{tenant}", tenant)),
        (true, Some(tenant)) => Ok(url.replacen("://", &format!("://{tenant}."), 1)),
    }
}

fn parse_token(body: &str) -> Option<Token> {
    let body: Value = serde_json::from_str(body).ok()?;
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    Some(Token {
        value: text("access_token")?,
        expires_in: body.get("expires_in").and_then(Value::as_u64),
        scope: text("scope"),
    })
}

/// A transport error down to its cause.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_common_token_url_takes_the_tenant() {
        let placeholder = properties(&[
            ("tokenServiceURL", "http://h/zones/{tenant}/oauth/token"),
            ("tokenServiceURLType", "Common"),
        ]);
        let url = token_url(&placeholder, Some("acme")).unwrap();
        assert_eq!(url, "http://h/zones/acme/oauth/token");
        assert!(token_url(&placeholder, None).is_err());
        let host = properties(&[
            ("tokenServiceURL", "https://auth.example/oauth/token"),
            ("tokenServiceURLType", "Common"),
        ]);
        let url = token_url(&host, Some("acme")).unwrap();
        assert_eq!(url, "https://acme.auth.example/oauth/token");
    }

    #[test]
    fn nothing_leaves_this_machine() {
        let outbound = Outbound::new(None, None).unwrap();
        let request = |url| outbound.request("test", Method::GET, url);
        assert!(request("http://127.0.0.1:1/").is_ok());
        assert!(request("http://[::1]:1/").is_ok());
        assert!(request("http://localhost/").is_ok());
        assert!(request("https://eu10.alm.cloud.sap/api").is_err());
        assert!(request("http://localhost.example/").is_err());
        assert!(request("no url").is_err());
    }

    #[test]
    fn only_the_own_pass_names_a_caller() {
        let outbound = Outbound::new(None, None).unwrap();
        assert_eq!(outbound.caller(Some("forged omf")), None);
        let own = format!("{} omf", outbound.pass);
        assert_eq!(outbound.caller(Some(&own)).as_deref(), Some("omf"));
    }
}
