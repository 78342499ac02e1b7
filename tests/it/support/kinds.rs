//! Every authentication that SAP documents for HTTP destinations, and every
//! type of destination: how each is configured, and what SAP then holds.

use serde_json::{Map, Value as Json, json};

const NAME: &str = "kind";

/// What an import cannot bring back.
pub(crate) const NOT_IMPORTED: &[&str] = &[
    "credentials",
    "secrets",
    "timeouts",
    "check_token",
    "adopt_existing",
];

/// A kind of destination: what it is configured with, and what SAP then holds.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) config: Json,
}

impl Kind {
    fn http(authentication: &'static str, more: Json) -> Self {
        let mut config = json!({
            "name": NAME,
            "url": "https://target.example.com/api",
            "authentication": authentication,
        });
        extend(&mut config, more);
        Self {
            name: authentication,
            config,
        }
    }

    fn of_type(name: &'static str, more: Json) -> Self {
        let mut config = json!({ "name": NAME, "type": name });
        extend(&mut config, more);
        Self { name, config }
    }

    fn variant(name: &'static str, config: Self) -> Self {
        Self { name, ..config }
    }

    /// The properties at SAP that follow from the configuration.
    pub(crate) fn at_sap(&self) -> Map<String, Json> {
        let mut found = Map::new();
        for (attribute, value) in self.config.as_object().unwrap() {
            match attribute.as_str() {
                "properties" => found.extend(value.as_object().unwrap().clone()),
                "credentials" => {
                    for (member, value) in value.as_object().unwrap() {
                        match member.as_str() {
                            "properties_wo" => found.extend(value.as_object().unwrap().clone()),
                            "version" => {}
                            _ => drop(found.insert(spelled(member).to_owned(), value.clone())),
                        }
                    }
                }
                _ => drop(found.insert(spelled(attribute).to_owned(), value.clone())),
            }
        }
        if !found.contains_key("Type") {
            found.insert("Type".to_owned(), json!("HTTP"));
            let on_premise = ["OAuth2TechnicalUserPropagation", "PrincipalPropagation"];
            let is_on_premise = on_premise.contains(&found["Authentication"].as_str().unwrap());
            let proxy = if is_on_premise {
                "OnPremise"
            } else {
                "Internet"
            };
            found.entry("ProxyType").or_insert(json!(proxy));
            if found.contains_key("tokenServiceURL") {
                found
                    .entry("tokenServiceURLType")
                    .or_insert(json!("Dedicated"));
            }
        }
        found
    }
}

/// SAP's spelling, written down here once more.
fn spelled(attribute: &str) -> &'static str {
    match attribute {
        "name" => "Name",
        "type" => "Type",
        "url" => "URL",
        "description" => "Description",
        "proxy_type" => "ProxyType",
        "authentication" => "Authentication",
        "client_id" => "clientId",
        "token_service_url" => "tokenServiceURL",
        "token_service_url_type" => "tokenServiceURLType",
        "user" => "User",
        "token_service_key_store_location" => "tokenService.KeyStoreLocation",
        "client_secret_wo" => "clientSecret",
        "password_wo" => "Password",
        other => panic!("SAP's spelling of `{other}`?"),
    }
}

fn extend(config: &mut Json, more: Json) {
    let Json::Object(more) = more else {
        panic!("not an object: {more}")
    };
    // Properties and secrets are added to those that there are.
    for (name, value) in more {
        match (config.get_mut(&name), value) {
            (Some(Json::Object(there)), Json::Object(value)) => there.extend(value),
            (_, value) => config[&name] = value,
        }
    }
}

/// A client of a token service; every second secret has a version.
fn token_client(more: Json) -> Json {
    let mut config = json!({
        "client_id": "sb-client!b1",
        "credentials": { "client_secret_wo": "secret of the client" },
        "token_service_url": "https://token.example.com/oauth/token",
    });
    extend(&mut config, more);
    config
}

/// One row per `Authentication` that SAP documents, in its order, with what it
/// needs; then the ways that differ from it.
pub(crate) fn http_kinds() -> Vec<Kind> {
    let saml = json!({ "properties": {
        "audience": "https://audience.example.com",
        "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:PreviousSession",
    } });
    let mut bearer = json!({
        "token_service_url": "https://token.example.com/oauth/token",
        "properties": { "tokenServiceUser": "technical" },
        "credentials": {
            "properties_wo": {
                "clientKey": "key of the client",
                "tokenServicePassword": "password of the technical user",
            },
            "version": 1,
        },
    });
    extend(&mut bearer, saml.clone());
    let users_token = json!({
        "properties": { "tokenServiceUser": "technical" },
        "credentials": {
            "properties_wo": { "tokenServicePassword": "password for the token service" },
            "version": 3,
        },
    });
    vec![
        Kind::http("NoAuthentication", json!({})),
        Kind::http(
            "BasicAuthentication",
            json!({
                "user": "somebody",
                "credentials": { "password_wo": "password of somebody" },
            }),
        ),
        Kind::http(
            "ClientCertificateAuthentication",
            json!({
                "properties": {
                    "KeyStoreLocation": "client.p12",
                    "TrustStoreLocation": "trust.jks",
                },
                "credentials": {
                    "properties_wo": {
                        "KeyStorePassword": "password of the key store",
                        "TrustStorePassword": "password of the trust store",
                    },
                    "version": 1,
                },
            }),
        ),
        Kind::http(
            "OAuth2ClientCredentials",
            token_client(json!({
                "properties": { "scope": "read write" },
                "credentials": { "version": 7 },
            })),
        ),
        Kind::http(
            "OAuth2Password",
            token_client(json!({
                "user": "somebody",
                "credentials": { "password_wo": "another password" },
            })),
        ),
        Kind::http("OAuth2RefreshToken", token_client(json!({}))),
        Kind::http(
            "OAuth2AuthorizationCode",
            token_client(json!({ "token_service_url_type": "Common" })),
        ),
        Kind::http("OAuth2UserTokenExchange", token_client(users_token.clone())),
        Kind::http("OAuth2JWTBearer", token_client(users_token.clone())),
        Kind::http("OAuth2SAMLBearerAssertion", bearer),
        Kind::http("OAuth2TechnicalUserPropagation", token_client(users_token)),
        Kind::http("OAuth2TokenExchange", token_client(json!({}))),
        Kind::http("SAMLAssertion", saml),
        Kind::http(
            "PrincipalPropagation",
            json!({ "properties": { "CloudConnectorLocationId": "cellar" } }),
        ),
        Kind::variant(
            "OAuth2ClientCredentials with mutual TLS",
            Kind::http(
                "OAuth2ClientCredentials",
                json!({
                    "client_id": "sb-client!b1",
                    "token_service_url": "https://token.cert.example.com/oauth/token",
                    "token_service_key_store_location": "client.p12",
                    "credentials": { "properties_wo": {
                        "tokenService.KeyStorePassword": "password of the key store",
                    } },
                }),
            ),
        ),
    ]
}

/// One row per type, and the authentication whose form needs `properties`.
pub(crate) fn other_kinds() -> Vec<Kind> {
    vec![
        Kind::variant(
            "ClientCertificateAuthentication with the client's own certificate",
            Kind::http(
                "ClientCertificateAuthentication",
                json!({ "properties": { "KeyStore.Source": "ClientProvided" } }),
            ),
        ),
        Kind::of_type(
            "RFC",
            json!({
                "properties": {
                    "jco.client.ashost": "abap.example.com",
                    "jco.client.client": "100",
                    "jco.client.sysnr": "00",
                    "jco.client.user": "SOMEBODY",
                    "jco.destination.auth_type": "CONFIGURED_USER",
                },
                "credentials": {
                    "properties_wo": { "jco.client.passwd": "password of SOMEBODY" },
                },
            }),
        ),
        Kind::of_type(
            "MAIL",
            json!({
                "proxy_type": "Internet",
                "authentication": "BasicAuthentication",
                "user": "postmaster",
                "properties": { "mail.smtp.host": "mail.example.com", "mail.smtp.port": "587" },
                "credentials": {
                    "password_wo": "password of the postmaster",
                    "properties_wo": { "mail.password": "password of the mailbox" },
                    "version": 2,
                },
            }),
        ),
        Kind::of_type(
            "LDAP",
            json!({
                "properties": {
                    "ldap.authentication": "BasicAuthentication",
                    "ldap.proxyType": "Internet",
                    "ldap.url": "ldap://ldap.example.com",
                    "ldap.user": "somebody",
                },
                "credentials": {
                    "properties_wo": { "ldap.password": "password of the directory" },
                },
            }),
        ),
        Kind::of_type(
            "TCP",
            json!({ "proxy_type": "OnPremise", "properties": { "Address": "host.example.com:389" } }),
        ),
    ]
}
