//! The vocabulary of a destination: which attribute stands for which property
//! of SAP, which properties are secret, and which authentication needs what.
//!
//! Everything here is data and look-ups in it. What a configuration makes of
//! it is in `destination_rules` (validation), `destination_plan` and
//! `destination_body`.
//!
//! Sources: SAP BTP Connectivity documentation, one page per destination type
//! and authentication. SAP publishes no list of secret properties; the list
//! here is ours.

use super::destination_schema::Model;
use framework::sensitive::Sensitive;

/// The property that names a destination. It is not a typed property: it
/// cannot change.
pub(super) const NAME: &str = "Name";

/// A non-secret property with an attribute of its own.
pub(super) struct TypedProperty {
    /// The attribute, such as `token_service_url`.
    pub(super) attribute: &'static str,
    /// SAP's spelling, such as `tokenServiceURL`.
    pub(super) key: &'static str,
    /// Reads the attribute.
    pub(super) read: fn(&Model) -> Option<&str>,
    /// Writes the attribute.
    pub(super) slot: fn(&mut Model) -> &mut Option<String>,
}

const fn typed(
    attribute: &'static str,
    key: &'static str,
    read: fn(&Model) -> Option<&str>,
    slot: fn(&mut Model) -> &mut Option<String>,
) -> TypedProperty {
    TypedProperty {
        attribute,
        key,
        read,
        slot,
    }
}

/// The non-secret properties with an attribute, in the order of the schema.
#[rustfmt::skip]
pub(super) static TYPED: &[TypedProperty] = &[
    typed("type", "Type", |m| m.r#type.as_deref(), |m| &mut m.r#type),
    typed("description", "Description", |m| m.description.as_deref(), |m| &mut m.description),
    typed("url", "URL", |m| m.url.as_deref(), |m| &mut m.url),
    typed("proxy_type", "ProxyType", |m| m.proxy_type.as_deref(), |m| &mut m.proxy_type),
    typed("authentication", "Authentication", |m| m.authentication.as_deref(), |m| &mut m.authentication),
    typed("client_id", "clientId", |m| m.client_id.as_deref(), |m| &mut m.client_id),
    typed("token_service_url", "tokenServiceURL", |m| m.token_service_url.as_deref(), |m| &mut m.token_service_url),
    typed("token_service_url_type", "tokenServiceURLType", |m| m.token_service_url_type.as_deref(), |m| &mut m.token_service_url_type),
    typed("scope", "scope", |m| m.scope.as_deref(), |m| &mut m.scope),
    typed("user", "User", |m| m.user.as_deref(), |m| &mut m.user),
    typed("token_service_user", "tokenServiceUser", |m| m.token_service_user.as_deref(), |m| &mut m.token_service_user),
    typed("audience", "audience", |m| m.audience.as_deref(), |m| &mut m.audience),
    typed("authn_context_class_ref", "authnContextClassRef", |m| m.authn_context_class_ref.as_deref(), |m| &mut m.authn_context_class_ref),
    typed("key_store_location", "KeyStoreLocation", |m| m.key_store_location.as_deref(), |m| &mut m.key_store_location),
    typed("token_service_key_store_location", "tokenService.KeyStoreLocation", |m| m.token_service_key_store_location.as_deref(), |m| &mut m.token_service_key_store_location),
    typed("trust_store_location", "TrustStoreLocation", |m| m.trust_store_location.as_deref(), |m| &mut m.trust_store_location),
    typed("cloud_connector_location_id", "CloudConnectorLocationId", |m| m.cloud_connector_location_id.as_deref(), |m| &mut m.cloud_connector_location_id),
];

/// A secret property with attributes of its own: a plain one, a write-only
/// one, and a version that says when the write-only value is new.
pub(super) struct SecretPair {
    /// The plain attribute, such as `client_secret`.
    pub(super) attribute: &'static str,
    /// The write-only attribute, such as `client_secret_wo`.
    pub(super) write_only: &'static str,
    /// The version, such as `client_secret_wo_version`.
    pub(super) version: &'static str,
    /// SAP's spelling, such as `clientSecret`.
    pub(super) key: &'static str,
    /// Reads the three attributes.
    pub(super) read: fn(&Model) -> SecretValues<'_>,
}

/// The values of a [`SecretPair`] in a configuration, plan or state.
#[derive(Clone, Copy)]
pub(super) struct SecretValues<'a> {
    /// The plain attribute.
    pub(super) plain: Option<&'a Sensitive>,
    /// The write-only attribute.
    pub(super) write_only: Option<&'a Sensitive>,
    /// The version.
    pub(super) version: Option<i64>,
}

/// The one client secret a Cloud ALM service key can provide.
pub(super) const CLIENT_SECRET: &str = "clientSecret";

/// The secret properties with attributes, in the order of the schema.
pub(super) static SECRETS: &[SecretPair] = &[
    SecretPair {
        attribute: "client_secret",
        write_only: "client_secret_wo",
        version: "client_secret_wo_version",
        key: CLIENT_SECRET,
        read: |model| SecretValues {
            plain: model.client_secret.as_ref(),
            write_only: model.client_secret_wo.as_ref(),
            version: model.client_secret_wo_version,
        },
    },
    SecretPair {
        attribute: "password",
        write_only: "password_wo",
        version: "password_wo_version",
        key: "Password",
        read: |model| SecretValues {
            plain: model.password.as_ref(),
            write_only: model.password_wo.as_ref(),
            version: model.password_wo_version,
        },
    },
    SecretPair {
        attribute: "token_service_password",
        write_only: "token_service_password_wo",
        version: "token_service_password_wo_version",
        key: "tokenServicePassword",
        read: |model| SecretValues {
            plain: model.token_service_password.as_ref(),
            write_only: model.token_service_password_wo.as_ref(),
            version: model.token_service_password_wo_version,
        },
    },
    SecretPair {
        attribute: "client_key",
        write_only: "client_key_wo",
        version: "client_key_wo_version",
        key: "clientKey",
        read: |model| SecretValues {
            plain: model.client_key.as_ref(),
            write_only: model.client_key_wo.as_ref(),
            version: model.client_key_wo_version,
        },
    },
    SecretPair {
        attribute: "key_store_password",
        write_only: "key_store_password_wo",
        version: "key_store_password_wo_version",
        key: "KeyStorePassword",
        read: |model| SecretValues {
            plain: model.key_store_password.as_ref(),
            write_only: model.key_store_password_wo.as_ref(),
            version: model.key_store_password_wo_version,
        },
    },
    SecretPair {
        attribute: "token_service_key_store_password",
        write_only: "token_service_key_store_password_wo",
        version: "token_service_key_store_password_wo_version",
        key: "tokenService.KeyStorePassword",
        read: |model| SecretValues {
            plain: model.token_service_key_store_password.as_ref(),
            write_only: model.token_service_key_store_password_wo.as_ref(),
            version: model.token_service_key_store_password_wo_version,
        },
    },
    SecretPair {
        attribute: "trust_store_password",
        write_only: "trust_store_password_wo",
        version: "trust_store_password_wo_version",
        key: "TrustStorePassword",
        read: |model| SecretValues {
            plain: model.trust_store_password.as_ref(),
            write_only: model.trust_store_password_wo.as_ref(),
            version: model.trust_store_password_wo_version,
        },
    },
];

/// Secret properties without attributes of their own; they are written with
/// `secret_properties_wo`.
static OTHER_SECRETS: &[&str] = &[
    "jco.client.passwd",
    "jco.client.tls_p12passwd",
    "jco.destination.repository.passwd",
    "ldap.password",
    "mail.password",
];

/// Properties without attributes of their own that hold no secret, so that
/// their values may be shown.
#[rustfmt::skip]
static OPEN: &[&str] = &[
    // HTTP
    "HTML5.DynamicDestination", "HTML5.ForwardAuthToken", "HostnameVerifier", "KeyStore.Source",
    "Preemptive", "SAMLAssertionProvider", "SystemUser", "TrustAll", "WebIDEEnabled",
    "WebIDESystem", "WebIDEUsage", "assertionIssuer", "assertionRecipient",
    "clientAssertion.destinationName", "clientAssertion.type", "companyId",
    "includeSigningCertificateInSAMLAssertion", "nameIdFormat", "nameQualifier",
    "samlAssertionEncoding", "sap-client", "sap-language", "sap.processautomation.enabled",
    "skipUserAttributesPrefixInSAMLAttributes", "skipUserUuidInSAMLAttributes", "systemRole",
    "tokenService.addClientCredentialsInBody", "tokenServiceURL.ConnectionTimeoutInSeconds",
    "tokenServiceURL.ProxyType", "tokenServiceURL.SocketReadTimeoutInSeconds", "userIdSource",
    "x_user_token.header.typ", "x_user_token.jwks", "x_user_token.jwks_uri",
    // RFC
    "jco.client.alias_user", "jco.client.ashost", "jco.client.client", "jco.client.codepage",
    "jco.client.delta", "jco.client.group", "jco.client.lang", "jco.client.mshost",
    "jco.client.msserv", "jco.client.network", "jco.client.r3name",
    "jco.client.serialization_format", "jco.client.snc_partnername", "jco.client.sysnr",
    "jco.client.tls_client_certificate_logon", "jco.client.tls_trust_all", "jco.client.trace",
    "jco.client.type", "jco.client.user", "jco.client.wshost", "jco.client.wsport",
    "jco.destination.auth_type", "jco.destination.description",
    "jco.destination.expiration_check_period", "jco.destination.expiration_time",
    "jco.destination.max_get_client_time", "jco.destination.peak_limit",
    "jco.destination.pool_capacity", "jco.destination.proxy_type",
    "jco.destination.repository.user", "jco.destination.repository_destination",
    // MAIL
    "mail.from", "mail.imap.host", "mail.imap.port", "mail.imap.ssl.enable", "mail.pop3.host",
    "mail.pop3.port", "mail.smtp.auth", "mail.smtp.from", "mail.smtp.host", "mail.smtp.port",
    "mail.smtp.ssl.checkserveridentity", "mail.smtp.ssl.enable", "mail.smtp.starttls.enable",
    "mail.smtp.starttls.required", "mail.smtps.auth", "mail.smtps.host", "mail.smtps.port",
    "mail.store.protocol", "mail.transport.protocol", "mail.user",
    // LDAP
    "ldap.authentication", "ldap.description", "ldap.proxyType", "ldap.url", "ldap.user",
    // TCP
    "Address",
];

/// Prefixes of properties that carry a header, query or form field of a
/// request. They change what is sent where, and their values can be secret.
static REQUEST_PARTS: &[&str] = &[
    "URL.headers.",
    "URL.queries.",
    "tokenServiceURL.headers.",
    "tokenServiceURL.queries.",
    "tokenService.body.",
];

/// What this provider knows about the name of a property.
#[derive(Clone, Copy)]
pub(super) enum Known {
    /// The destination's name itself.
    Name,
    /// It has an attribute.
    Typed(&'static TypedProperty),
    /// It is secret and has attributes.
    Secret(&'static SecretPair),
    /// It is secret and has no attribute.
    OtherSecret,
    /// It is not secret and has no attribute.
    Open,
    /// Nothing.
    Unknown,
}

/// Looks a property up by SAP's exact spelling.
pub(super) fn lookup(key: &str) -> Known {
    if key == NAME {
        Known::Name
    } else if let Some(property) = TYPED.iter().find(|property| property.key == key) {
        Known::Typed(property)
    } else if let Some(pair) = SECRETS.iter().find(|pair| pair.key == key) {
        Known::Secret(pair)
    } else if OTHER_SECRETS.contains(&key) {
        Known::OtherSecret
    } else if OPEN.contains(&key) {
        Known::Open
    } else {
        Known::Unknown
    }
}

/// The spelling of a known property that differs from `key` only in case.
/// SAP stores the misspelt one silently and ignores it.
pub(super) fn respelled(key: &str) -> Option<&'static str> {
    let typed = TYPED.iter().map(|property| property.key);
    let secrets = SECRETS.iter().map(|pair| pair.key);
    std::iter::once(NAME)
        .chain(typed)
        .chain(secrets)
        .chain(OTHER_SECRETS.iter().copied())
        .chain(OPEN.iter().copied())
        .find(|known| *known != key && known.eq_ignore_ascii_case(key))
}

/// Whether the value of a property may be shown although nobody configured it.
pub(super) fn is_open(key: &str) -> bool {
    matches!(lookup(key), Known::Open)
}

/// Whether a value is a URL with a user name or a password in it, such as
/// `https://user:password@host`. Such a value is a secret under whatever name.
pub(super) fn holds_credentials(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '\\', '?', '#']).next();
        authority.is_some_and(|authority| authority.contains('@'))
    })
}

/// Whether a property is one for `properties`: neither typed nor known to be
/// secret.
pub(super) fn is_further(key: &str) -> bool {
    matches!(lookup(key), Known::Open | Known::Unknown)
}

/// Whether a property of this name usually holds a secret, such as a header
/// with an API key.
pub(super) fn looks_secret(key: &str) -> bool {
    const WORDS: [&str; 8] = [
        "password",
        "passwd",
        "secret",
        "apikey",
        "api-key",
        "api_key",
        "authorization",
        "token",
    ];
    let last = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
    !is_open(key) && WORDS.iter().any(|word| last.contains(word))
}

/// Why a property that is left alone deserves a warning: it decides whom the
/// destination trusts or what it adds to requests.
pub(super) fn security_concern(key: &str, value: &str) -> Option<&'static str> {
    if key == "TrustAll" {
        return value
            .eq_ignore_ascii_case("true")
            .then_some("it switches the check of server certificates off");
    }
    if key == "HostnameVerifier" {
        return value
            .eq_ignore_ascii_case("BrowserCompatible")
            .then_some("it weakens the check of host names");
    }
    REQUEST_PARTS
        .iter()
        .any(|prefix| key.starts_with(prefix))
        .then_some("it adds to every request through the destination")
}

/// The destination type that is meant when nothing is said.
pub(super) const HTTP: &str = "HTTP";
/// The destination types SAP documents.
pub(super) const TYPES: &[&str] = &[HTTP, "RFC", "MAIL", "LDAP", "TCP"];
/// The authentication that is meant for HTTP when nothing is said.
pub(super) const CLIENT_CREDENTIALS: &str = "OAuth2ClientCredentials";
/// What a destination does for which SAP holds no authentication.
pub(super) const NO_AUTHENTICATION: &str = "NoAuthentication";
/// The proxy type that is meant for HTTP when nothing is said.
pub(super) const INTERNET: &str = "Internet";
/// The proxy type of a destination behind a Cloud Connector.
pub(super) const ON_PREMISE: &str = "OnPremise";
const PRIVATE_LINK: &str = "PrivateLink";
/// The proxy types SAP documents.
pub(super) const PROXY_TYPES: &[&str] = &[INTERNET, ON_PREMISE, PRIVATE_LINK];
/// A token service URL that is used as it is.
pub(super) const DEDICATED: &str = "Dedicated";
/// How a token service URL is used (SAP BTP Connectivity).
pub(super) const TOKEN_SERVICE_URL_TYPES: &[&str] = &[DEDICATED, "Common"];

/// What SAP documents about one value of `Authentication` of an HTTP
/// destination.
pub(super) struct Authentication {
    /// SAP's spelling.
    pub(super) name: &'static str,
    /// The proxy types it works with.
    pub(super) proxy_types: &'static [&'static str],
    /// The attributes without which SAP cannot use it. Secrets are never among
    /// them: one that is not configured stays as it is at SAP.
    pub(super) requires: &'static [&'static str],
    /// The attributes (plain names of secrets) that mean something beside the
    /// required ones.
    pub(super) allows: &'static [&'static str],
}

impl Authentication {
    /// Whether it asks a token service for tokens.
    pub(super) fn uses_token_service(&self) -> bool {
        self.requires.contains(&"token_service_url")
    }
}

/// Attributes that make sense whatever the authentication of an HTTP
/// destination is.
pub(super) static ALWAYS_ALLOWED: &[&str] = &[
    "type",
    "description",
    "url",
    "proxy_type",
    "authentication",
    "trust_store_location",
    "trust_store_password",
    "cloud_connector_location_id",
];

const ANY_PROXY: &[&str] = &[INTERNET, ON_PREMISE, PRIVATE_LINK];
const OAUTH_PROXIES: &[&str] = &[INTERNET, ON_PREMISE];
const TOKEN_CLIENT: &[&str] = &["client_id", "token_service_url"];
const TOKEN_OPTIONS: &[&str] = &[
    "client_secret",
    "token_service_url_type",
    "scope",
    "token_service_user",
    "token_service_password",
    "token_service_key_store_location",
    "token_service_key_store_password",
];

const fn token_client(name: &'static str) -> Authentication {
    Authentication {
        name,
        proxy_types: OAUTH_PROXIES,
        requires: TOKEN_CLIENT,
        allows: TOKEN_OPTIONS,
    }
}

/// Every authentication SAP documents for HTTP.
pub(super) const AUTHENTICATIONS: &[Authentication] = &[
    Authentication {
        name: NO_AUTHENTICATION,
        proxy_types: ANY_PROXY,
        requires: &[],
        allows: &[],
    },
    Authentication {
        name: "BasicAuthentication",
        proxy_types: ANY_PROXY,
        requires: &["user"],
        allows: &["password"],
    },
    Authentication {
        name: "ClientCertificateAuthentication",
        proxy_types: ANY_PROXY,
        requires: &["key_store_location"],
        allows: &["key_store_password"],
    },
    token_client(CLIENT_CREDENTIALS),
    Authentication {
        name: "OAuth2Password",
        proxy_types: OAUTH_PROXIES,
        requires: &["client_id", "token_service_url", "user"],
        allows: &[
            "password",
            "client_secret",
            "token_service_url_type",
            "scope",
            "token_service_user",
            "token_service_password",
            "token_service_key_store_location",
            "token_service_key_store_password",
        ],
    },
    token_client("OAuth2RefreshToken"),
    token_client("OAuth2AuthorizationCode"),
    token_client("OAuth2UserTokenExchange"),
    token_client("OAuth2JWTBearer"),
    token_client("OAuth2TokenExchange"),
    Authentication {
        name: "OAuth2TechnicalUserPropagation",
        proxy_types: &[ON_PREMISE],
        requires: TOKEN_CLIENT,
        allows: TOKEN_OPTIONS,
    },
    Authentication {
        name: "OAuth2SAMLBearerAssertion",
        proxy_types: OAUTH_PROXIES,
        requires: &["audience", "token_service_url", "authn_context_class_ref"],
        allows: &[
            "client_key",
            "client_id",
            "client_secret",
            "token_service_url_type",
            "scope",
            "user",
            "token_service_user",
            "token_service_password",
            "token_service_key_store_location",
            "token_service_key_store_password",
            "key_store_location",
            "key_store_password",
        ],
    },
    Authentication {
        name: "SAMLAssertion",
        proxy_types: ANY_PROXY,
        requires: &["audience", "authn_context_class_ref"],
        allows: &["key_store_location", "key_store_password"],
    },
    Authentication {
        name: "PrincipalPropagation",
        proxy_types: &[ON_PREMISE],
        requires: &[],
        allows: &[],
    },
];

/// SAP's spelling of each of them.
pub(super) const AUTHENTICATION_NAMES: &[&str] = &{
    let mut names = [""; AUTHENTICATIONS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = AUTHENTICATIONS[i].name;
        i += 1;
    }
    names
};

/// The documented facts about an authentication, by SAP's spelling.
pub(super) fn authentication(name: &str) -> Option<&'static Authentication> {
    AUTHENTICATIONS.iter().find(|kind| kind.name == name)
}

/// What is configured when `authentication` is left out.
pub(super) fn default_authentication(type_: &str) -> Option<&'static str> {
    (type_ == HTTP).then_some(CLIENT_CREDENTIALS)
}

/// What is configured when `proxy_type` is left out, and what SAP does when it
/// holds none.
pub(super) fn default_proxy_type(type_: &str, auth: Option<&str>) -> Option<&'static str> {
    if type_ != HTTP {
        return None;
    }
    let known = auth.and_then(authentication);
    Some(known.map_or(INTERNET, |kind| {
        kind.proxy_types.first().copied().unwrap_or(INTERNET)
    }))
}

/// What is configured when `token_service_url_type` is left out, and what SAP
/// does when it holds none.
pub(super) fn default_token_service_url_type(
    type_: &str,
    auth: Option<&str>,
) -> Option<&'static str> {
    let known = auth.and_then(authentication)?;
    (type_ == HTTP && known.uses_token_service()).then_some(DEDICATED)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_property_is_listed_twice_even_in_another_case() {
        let typed = TYPED.iter().map(|property| property.key);
        let secrets = SECRETS.iter().map(|pair| pair.key);
        let all: Vec<String> = typed
            .chain(secrets)
            .chain(OTHER_SECRETS.iter().copied())
            .chain(OPEN.iter().copied())
            .map(str::to_ascii_lowercase)
            .collect();
        let distinct: BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn the_accessors_of_a_typed_property_meet() {
        for property in TYPED {
            let mut model = Model::default();
            *(property.slot)(&mut model) = Some("x".to_owned());
            assert_eq!((property.read)(&model), Some("x"), "{}", property.attribute);
            let filled = TYPED.iter().filter(|other| (other.read)(&model).is_some());
            assert_eq!(filled.count(), 1, "{}", property.attribute);
        }
    }

    #[test]
    fn authentications_name_existing_attributes() {
        for kind in AUTHENTICATIONS {
            for name in kind.requires.iter().chain(kind.allows) {
                let typed = TYPED.iter().any(|property| property.attribute == *name);
                let secret = SECRETS.iter().any(|pair| pair.attribute == *name);
                assert!(typed || secret, "{} of {}", name, kind.name);
            }
        }
    }

    #[test]
    fn a_misspelt_property_is_recognised() {
        assert_eq!(respelled("ClientID"), Some("clientId"));
        assert_eq!(respelled("trustall"), Some("TrustAll"));
        assert_eq!(respelled("clientId"), None);
        assert_eq!(respelled("mine"), None);
    }

    #[test]
    fn values_of_unknown_and_secret_properties_are_not_open() {
        assert!(is_open("TrustAll"));
        for key in [
            "clientSecret",
            "jco.client.passwd",
            "URL.headers.apikey",
            "mine",
            "URL",
        ] {
            assert!(!is_open(key), "{key}");
        }
    }

    #[test]
    fn names_that_usually_hold_secrets() {
        assert!(looks_secret("URL.headers.Authorization"));
        assert!(looks_secret("URL.headers.apiKey"));
        assert!(looks_secret("my.password"));
        assert!(!looks_secret("HTML5.ForwardAuthToken"));
        assert!(!looks_secret("sap-client"));
    }

    #[test]
    fn defaults_depend_on_type_and_authentication() {
        assert_eq!(
            default_authentication("HTTP"),
            Some("OAuth2ClientCredentials")
        );
        assert_eq!(default_authentication("RFC"), None);
        assert_eq!(default_proxy_type("HTTP", None), Some("Internet"));
        assert_eq!(
            default_proxy_type("HTTP", Some("PrincipalPropagation")),
            Some("OnPremise")
        );
        assert_eq!(
            default_proxy_type("MAIL", Some("BasicAuthentication")),
            None
        );
        assert_eq!(
            default_token_service_url_type("HTTP", Some("OAuth2JWTBearer")),
            Some("Dedicated")
        );
        assert_eq!(
            default_token_service_url_type("HTTP", Some("BasicAuthentication")),
            None
        );
    }
}
