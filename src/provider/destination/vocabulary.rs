//! The vocabulary of a destination: which attribute stands for which property
//! of SAP, which properties are secret, and which authentication needs what.
//!
//! Everything here is data and look-ups in it. What a configuration makes of
//! it is in `rules` (validation), `plan` and `write`.
//!
//! Sources: SAP BTP Connectivity documentation, one page per destination type
//! and authentication. SAP publishes no list of secret properties, and none of
//! those that weaken security; the lists here are ours.

use super::model::Model;

/// The property that names a destination. It is not a typed property: it
/// cannot change.
pub(super) const NAME: &str = "Name";

/// A non-secret property with an attribute of its own.
pub(crate) struct TypedProperty {
    /// The attribute, such as `token_service_url`.
    pub(crate) attribute: &'static str,
    /// SAP's spelling, such as `tokenServiceURL`.
    pub(crate) key: &'static str,
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

/// The non-secret properties with an attribute, in the order of the schema:
/// what a connection to Cloud ALM needs, or what has rules with others.
#[rustfmt::skip]
pub(crate) static TYPED: &[TypedProperty] = &[
    typed("type", "Type", |m| m.r#type.as_deref(), |m| &mut m.r#type),
    typed("description", "Description", |m| m.description.as_deref(), |m| &mut m.description),
    typed("url", "URL", |m| m.url.as_deref(), |m| &mut m.url),
    typed("proxy_type", "ProxyType", |m| m.proxy_type.as_deref(), |m| &mut m.proxy_type),
    typed("authentication", "Authentication", |m| m.authentication.as_deref(), |m| &mut m.authentication),
    typed("client_id", "clientId", |m| m.client_id.as_deref(), |m| &mut m.client_id),
    typed("token_service_url", "tokenServiceURL", |m| m.token_service_url.as_deref(), |m| &mut m.token_service_url),
    typed("token_service_url_type", "tokenServiceURLType", |m| m.token_service_url_type.as_deref(), |m| &mut m.token_service_url_type),
    typed("user", "User", |m| m.user.as_deref(), |m| &mut m.user),
    typed("token_service_key_store_location", "tokenService.KeyStoreLocation", |m| m.token_service_key_store_location.as_deref(), |m| &mut m.token_service_key_store_location),
];

/// The secret properties with a member of their own in `credentials` and
/// `stored_credentials`: the name there, and SAP's.
pub(super) static NAMED_SECRETS: &[(&str, &str)] =
    &[("client_secret", CLIENT_SECRET), ("password", PASSWORD)];

/// The one client secret that a service key can provide.
pub(super) const CLIENT_SECRET: &str = "clientSecret";

pub(super) const PASSWORD: &str = "Password";

/// Whether SAP's documentation lists the password of an authentication as
/// mandatory.
pub(super) fn needs_password(authentication: &str) -> bool {
    ["BasicAuthentication", "OAuth2Password"].contains(&authentication)
}

/// The name of a secret property in the configuration and in `secrets`.
pub(super) fn secret_name(key: &str) -> &str {
    let named = NAMED_SECRETS.iter().find(|(_, named)| *named == key);
    named.map_or(key, |(name, _)| name)
}

/// The secret property of that name.
pub(super) fn secret_key(name: &str) -> &str {
    let named = NAMED_SECRETS.iter().find(|(named, _)| *named == name);
    named.map_or(name, |(_, key)| key)
}

/// Secret properties without a member of their own; they are written with the
/// `properties` of `credentials`.
static OTHER_SECRETS: &[&str] = &[
    "KeyStorePassword",
    "TrustStorePassword",
    "clientKey",
    "tokenService.KeyStorePassword",
    "tokenServicePassword",
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
    "CloudConnectorLocationId", "KeyStoreLocation", "TrustStoreLocation", "audience",
    "authnContextClassRef", "scope", "tokenServiceUser",
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
    "mail.smtp.provider.class", "mail.smtp.provider.vendor", "mail.smtp.provider.version",
    "mail.smtp.ssl.checkserveridentity", "mail.smtp.ssl.enable", "mail.smtp.starttls.enable",
    "mail.smtp.starttls.required", "mail.smtps.auth", "mail.smtps.host", "mail.smtps.port",
    "mail.store.protocol", "mail.transport.protocol", "mail.user",
    // LDAP
    "ldap.authentication", "ldap.description", "ldap.proxyType", "ldap.url", "ldap.user",
    // TCP
    "Address",
];

/// What this provider knows about the name of a property.
#[derive(Clone, Copy)]
pub(crate) enum Known {
    /// The destination's name itself.
    Name,
    /// It has an attribute.
    Typed(&'static TypedProperty),
    /// It is secret.
    Secret,
    /// It is not secret and has no attribute.
    Open,
    /// Nothing.
    Unknown,
}

/// Every property that is known to be secret.
fn secrets() -> impl Iterator<Item = &'static str> {
    let named = NAMED_SECRETS.iter().map(|(_, key)| *key);
    named.chain(OTHER_SECRETS.iter().copied())
}

/// Whether a property is known to be secret.
pub(super) fn is_secret(key: &str) -> bool {
    matches!(lookup(key), Known::Secret)
}

/// Looks a property up by SAP's exact spelling.
pub(crate) fn lookup(key: &str) -> Known {
    if key == NAME {
        Known::Name
    } else if let Some(property) = TYPED.iter().find(|property| property.key == key) {
        Known::Typed(property)
    } else if secrets().any(|secret| secret == key) {
        Known::Secret
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
    std::iter::once(NAME)
        .chain(typed)
        .chain(secrets())
        .chain(OPEN.iter().copied())
        .find(|known| *known != key && known.eq_ignore_ascii_case(key))
}

/// The right spelling of a property whose family (`URL.headers.` and others)
/// is spelled in another case. Clients of SAP look for the exact one.
pub(super) fn respelled_family(key: &str) -> Option<String> {
    let families = CONCERNS.iter().map(|concern| concern.name);
    families
        .filter(|name| name.ends_with('.'))
        .find_map(|family| {
            let (start, rest) = key.split_at_checked(family.len())?;
            let is_other = start != family && start.eq_ignore_ascii_case(family);
            is_other.then(|| format!("{family}{rest}"))
        })
}

/// Whether the value of a property may be shown although nobody configured it.
pub(super) fn is_open(key: &str) -> bool {
    matches!(lookup(key), Known::Open)
}

/// Whether a value is a URL with a user name or a password in it, such as
/// `https://user:password@host`. Such a value is a secret under whatever name.
pub(crate) fn holds_credentials(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '\\', '?', '#']).next();
        authority.is_some_and(|authority| authority.contains('@'))
    })
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

/// What a property that somebody added does to the security of a destination.
pub(crate) struct Concern {
    /// Its name, or how its name begins where it ends with a full stop.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) effect: &'static str,
}

const fn concern(name: &'static str, effect: &'static str) -> Concern {
    Concern { name, effect }
}

/// The properties that decide whom a destination trusts, or what it sends to
/// whom. One of them that nobody configured is drift. Only names count: the
/// value of a foreign property is not in the plan.
pub(crate) static CONCERNS: &[Concern] = &[
    concern(
        "TrustAll",
        "It can switch the check of server certificates off.",
    ),
    concern("HostnameVerifier", "It can weaken the check of host names."),
    concern(
        "HTML5.ForwardAuthToken",
        "It hands the user's token on to the target.",
    ),
    concern(
        "jco.client.tls_trust_all",
        "It can switch the check of server certificates off.",
    ),
    concern(
        "mail.smtp.ssl.checkserveridentity",
        "It can weaken the check of host names.",
    ),
    concern(
        "x_user_token.jwks",
        "It says whose signature of user tokens counts.",
    ),
    concern(
        "x_user_token.jwks_uri",
        "It says whose signature of user tokens counts.",
    ),
    concern("URL.headers.", "It adds a header to every request."),
    concern("URL.queries.", "It adds a parameter to every request."),
    concern(
        "tokenServiceURL.headers.",
        "It adds a header to every request for a token.",
    ),
    concern(
        "tokenServiceURL.queries.",
        "It adds a parameter to every request for a token.",
    ),
    concern(
        "tokenService.body.",
        "It adds a field to every request for a token.",
    ),
];

/// Why a property that nobody configured is drift.
pub(super) fn security_concern(key: &str) -> Option<&'static Concern> {
    CONCERNS.iter().find(|concern| {
        key == concern.name || (concern.name.ends_with('.') && key.starts_with(concern.name))
    })
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
    /// The properties without which SAP cannot use it. Secrets are never among
    /// them: one that is not configured stays as it is at SAP.
    pub(super) requires: &'static [&'static str],
    /// The properties that belong to an authentication and mean something
    /// beside the required ones, and beside the [`TOKEN_OPTIONS`] of one with a
    /// token service.
    pub(super) allows: &'static [&'static str],
}

impl Authentication {
    /// Whether a property that belongs to authentications means something to
    /// this one.
    pub(super) fn uses(&self, key: &str) -> bool {
        let is_option = self.uses_token_service() && TOKEN_OPTIONS.contains(&key);
        is_option || self.requires.contains(&key) || self.allows.contains(&key)
    }

    /// Whether it asks a token service for tokens.
    pub(super) fn uses_token_service(&self) -> bool {
        self.requires.contains(&"tokenServiceURL")
    }
}

/// Properties with an attribute that make sense whatever the authentication of
/// an HTTP destination is.
pub(super) static ALWAYS_ALLOWED: &[&str] =
    &["Type", "Description", "URL", "ProxyType", "Authentication"];

const ANY_PROXY: &[&str] = &[INTERNET, ON_PREMISE, PRIVATE_LINK];
const OAUTH_PROXIES: &[&str] = &[INTERNET, ON_PREMISE];
const TOKEN_CLIENT: &[&str] = &["clientId", "tokenServiceURL"];

/// What every authentication with a token service knows about it.
const TOKEN_OPTIONS: &[&str] = &[
    "clientSecret",
    "tokenServiceURLType",
    "scope",
    "tokenServiceUser",
    "tokenServicePassword",
    "tokenService.KeyStoreLocation",
    "tokenService.KeyStorePassword",
];

const fn token_client(name: &'static str) -> Authentication {
    Authentication {
        name,
        proxy_types: OAUTH_PROXIES,
        requires: TOKEN_CLIENT,
        allows: &[],
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
        requires: &["User"],
        allows: &["Password"],
    },
    Authentication {
        name: "ClientCertificateAuthentication",
        proxy_types: ANY_PROXY,
        requires: &["KeyStoreLocation"],
        allows: &["KeyStorePassword"],
    },
    token_client(CLIENT_CREDENTIALS),
    Authentication {
        name: "OAuth2Password",
        proxy_types: OAUTH_PROXIES,
        requires: &["clientId", "tokenServiceURL", "User"],
        allows: &["Password"],
    },
    token_client("OAuth2RefreshToken"),
    token_client("OAuth2AuthorizationCode"),
    token_client("OAuth2UserTokenExchange"),
    token_client("OAuth2JWTBearer"),
    token_client("OAuth2TokenExchange"),
    Authentication {
        proxy_types: &[ON_PREMISE],
        ..token_client("OAuth2TechnicalUserPropagation")
    },
    Authentication {
        name: "OAuth2SAMLBearerAssertion",
        proxy_types: OAUTH_PROXIES,
        requires: &["audience", "tokenServiceURL", "authnContextClassRef"],
        allows: &[
            "clientKey",
            "clientId",
            "User",
            "KeyStoreLocation",
            "KeyStorePassword",
        ],
    },
    Authentication {
        name: "SAMLAssertion",
        proxy_types: ANY_PROXY,
        requires: &["audience", "authnContextClassRef"],
        allows: &["KeyStoreLocation", "KeyStorePassword"],
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
    let first = known.and_then(|kind| kind.proxy_types.first());
    Some(first.copied().unwrap_or(INTERNET))
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

/// Whether a property means something to some authentication of an HTTP
/// destination, and to others not.
pub(super) fn belongs_to_authentication(key: &str) -> bool {
    AUTHENTICATIONS.iter().any(|kind| kind.uses(key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_property_is_listed_twice_even_in_another_case() {
        let typed = TYPED.iter().map(|property| property.key);
        let all: Vec<String> = typed
            .chain(secrets())
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
        }
    }

    #[test]
    fn a_secret_has_one_name() {
        for (name, key) in NAMED_SECRETS {
            assert_eq!((secret_name(key), secret_key(name)), (*name, *key));
            assert!(is_secret(key));
        }
        assert_eq!(secret_name("jco.client.passwd"), "jco.client.passwd");
    }

    #[test]
    fn every_property_of_an_authentication_is_known() {
        for kind in AUTHENTICATIONS {
            for key in kind.requires.iter().chain(kind.allows).chain(TOKEN_OPTIONS) {
                assert!(!matches!(lookup(key), Known::Unknown), "{key}");
            }
            for key in kind.requires {
                assert!(!is_secret(key), "a secret is never demanded: {key}");
            }
        }
    }

    #[test]
    fn what_weakens_security_is_found_by_name_and_by_prefix() {
        for key in ["TrustAll", "HTML5.ForwardAuthToken", "URL.headers.X-Key"] {
            assert!(security_concern(key).is_some(), "{key}");
        }
        for key in ["sap-client", "URL.headersX", "TrustAllX"] {
            assert!(security_concern(key).is_none(), "{key}");
        }
    }

    #[test]
    fn a_wrong_spelling_is_told_the_right_one() {
        assert_eq!(respelled("trustall"), Some("TrustAll"));
        assert_eq!(respelled("clientsecret"), Some("clientSecret"));
        assert_eq!(respelled("TrustAll"), None);
        assert_eq!(respelled("my.own"), None);
    }

    #[test]
    fn a_family_in_another_case_is_told_the_right_one() {
        for (key, right) in [
            ("url.headers.x", Some("URL.headers.x")),
            ("URL.Headers.X-Key", Some("URL.headers.X-Key")),
            ("Url.queries.q", Some("URL.queries.q")),
            (
                "tokenServiceUrl.headers.x",
                Some("tokenServiceURL.headers.x"),
            ),
            ("tokenservice.body.b", Some("tokenService.body.b")),
            ("URL.headers.x", None),
            ("URL.headers", None),
            ("my.headers.x", None),
            ("\u{dc}RL.headers.x", None),
        ] {
            assert_eq!(respelled_family(key).as_deref(), right, "{key}");
        }
    }

    #[test]
    fn a_url_with_credentials_is_recognised() {
        assert!(holds_credentials("https://user:password@host/path"));
        assert!(!holds_credentials("https://host/path@version"));
    }

    #[test]
    fn names_of_secrets_are_suspected() {
        for key in ["URL.headers.Authorization", "x.apiKey", "my-password"] {
            assert!(looks_secret(key), "{key}");
        }
        for key in ["sap-client", "HTML5.ForwardAuthToken", "my.value"] {
            assert!(!looks_secret(key), "{key}");
        }
    }

    #[test]
    fn defaults_depend_on_type_and_authentication() {
        assert_eq!(default_authentication("HTTP"), Some(CLIENT_CREDENTIALS));
        assert_eq!(default_authentication("RFC"), None);
        assert_eq!(default_proxy_type("HTTP", None), Some(INTERNET));
        let on_premise = default_proxy_type("HTTP", Some("PrincipalPropagation"));
        assert_eq!(on_premise, Some(ON_PREMISE));
        assert_eq!(
            default_proxy_type("MAIL", Some("BasicAuthentication")),
            None
        );
        let token = default_token_service_url_type("HTTP", Some("OAuth2JWTBearer"));
        assert_eq!(token, Some(DEDICATED));
        assert_eq!(
            default_token_service_url_type("HTTP", Some("BasicAuthentication")),
            None
        );
    }
}
