//! Rules of `sapcalm_destination` that look at more than one attribute.
//!
//! A rule about a value that is not known yet is left out; Terraform asks
//! again when it is known. What SAP merely ignores is a warning, so that every
//! destination that exists can be imported.

use std::collections::BTreeMap;

use super::destination_fallback::{FROM_KEY, Fallback};
use super::destination_properties::{
    ALWAYS_ALLOWED, Authentication, CLIENT_CREDENTIALS, HTTP, Known, PROXY_TYPES, SECRETS, TYPED,
    authentication, default_authentication, default_proxy_type, looks_secret, lookup, respelled,
};
use super::destination_schema::{DEFAULT_NAME, DEFINITION};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;
use framework::value::Value;

const PROPERTIES: &str = "properties";
const SECRET_PROPERTIES: &str = "secret_properties_wo";
const SECRET_PROPERTIES_VERSION: &str = "secret_properties_wo_version";

/// Everything that is wrong or doubtful about a configuration.
pub(super) fn validate(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    name(config, &mut found);
    spelling(config, &mut found);
    secret_pairs(config, &mut found);
    properties(config, &mut found);
    secret_properties(config, &mut found);
    url_form(config, &mut found);
    if known_or(config, "type", Some(HTTP)) == Some(HTTP) {
        http(config, &mut found);
    }
    found
}

/// The known text of an attribute, or the default where it is left out.
fn known_or<'a>(config: &'a Value, name: &str, default: Option<&'a str>) -> Option<&'a str> {
    match config.get(name) {
        Value::Null => default,
        value => value.as_str(),
    }
}

fn wrong(summary: &'static str, detail: impl Into<String>, path: Path) -> Diagnostic {
    Diagnostic::error(summary, detail).at(path)
}

fn doubtful(summary: &'static str, detail: impl Into<String>, path: Path) -> Diagnostic {
    Diagnostic::warning(summary, detail).at(path)
}

/// SAP's documents and its API disagree about names; what only one of them
/// forbids is a warning.
fn name(config: &Value, found: &mut Diagnostics) {
    let Some(name) = known_or(config, "name", Some(DEFAULT_NAME)) else {
        return;
    };
    let documented = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == '-';
    if !name.chars().all(documented) {
        found.push(doubtful(
            "Unusual destination name",
            format!(
                "SAP documents letters, digits, `_` and `-` for names of destinations. The \
                 service may refuse `{name}`, or services that read it may not find it."
            ),
            Path::attribute("name"),
        ));
    }
}

/// Values of SAP's closed vocabularies: another case of a known one is an
/// error, anything else may be newer than this provider.
fn spelling(config: &Value, found: &mut Diagnostics) {
    let type_ = known_or(config, "type", Some(HTTP));
    for attribute in DEFINITION.schema.attributes {
        let vocabulary = attribute.known_values;
        let Some(value) = config.get(attribute.name).as_str() else {
            continue;
        };
        if vocabulary.is_empty() {
            continue;
        }
        // The other types have authentications of their own.
        let closed = attribute.name != "authentication" || type_ == Some(HTTP);
        let attribute = attribute.name;
        if vocabulary.contains(&value) {
            continue;
        }
        let path = Path::attribute(attribute);
        if let Some(right) = vocabulary
            .iter()
            .find(|one| one.eq_ignore_ascii_case(value))
        {
            found.push(wrong(
                "Wrong spelling",
                format!("SAP spells it `{right}` and ignores `{value}`. Write `{right}`."),
                path,
            ));
        } else if closed {
            found.push(doubtful(
                "Unknown value",
                format!(
                    "`{value}` is not among the values SAP documents: `{}`. It is sent as it is, \
                     and this provider cannot check what else it needs.",
                    vocabulary.join("`, `")
                ),
                path,
            ));
        }
    }
}

/// A version says something about a secret. That a secret is not given in two
/// attributes is a matter of the schema.
fn secret_pairs(config: &Value, found: &mut Diagnostics) {
    for pair in SECRETS {
        if is_known(config.get(pair.version)) && config.get(pair.write_only).is_null() {
            found.push(wrong(
                "Version without secret",
                format!(
                    "`{0}` says when `{1}` is new, but `{1}` is not set. Set `{1}`, or take `{0}` out.",
                    pair.version, pair.write_only
                ),
                Path::attribute(pair.version),
            ));
        }
    }
}

fn is_known(value: &Value) -> bool {
    !value.is_null() && !value.is_unknown()
}

/// The keys of `properties` belong there.
fn properties(config: &Value, found: &mut Diagnostics) {
    let Some(entries) = config.get(PROPERTIES).entries() else {
        return;
    };
    for key in entries.keys() {
        let path = Path::attribute(PROPERTIES).key(key);
        if let Some(problem) = misplaced_property(key) {
            found.push(problem.at(path));
        } else if looks_secret(key) {
            found.push(doubtful(
                "Property looks secret",
                format!(
                    "The values of `{PROPERTIES}` are stored in the state in clear and shown in \
                     plans. If `{key}` is secret, move it to `{SECRET_PROPERTIES}`."
                ),
                path,
            ));
        }
    }
}

fn misplaced_property(key: &str) -> Option<Diagnostic> {
    if let Some(problem) = unusable_key(key) {
        return Some(problem);
    }
    let detail = match lookup(key) {
        Known::Name => "The name of the destination is the attribute `name`.".to_owned(),
        Known::Typed(property) => {
            format!(
                "`{key}` is the attribute `{}`. Set it there.",
                property.attribute
            )
        }
        Known::Secret(pair) => format!(
            "`{key}` is secret. Set it with the attribute `{}` or `{}`.",
            pair.attribute, pair.write_only
        ),
        Known::OtherSecret => {
            format!("`{key}` is secret. Set it in `{SECRET_PROPERTIES}`.")
        }
        Known::Open | Known::Unknown => return None,
    };
    Some(Diagnostic::error("Property in the wrong place", detail))
}

/// Keys that are wrong in either map.
fn unusable_key(key: &str) -> Option<Diagnostic> {
    if key.is_empty() || key.chars().any(char::is_control) {
        return Some(Diagnostic::error(
            "Unusable property name",
            "The name of a property has at least one character and no control characters. Rename \
             the key, or take it out.",
        ));
    }
    if key.starts_with('$') {
        return Some(Diagnostic::error(
            "Unusable property name",
            "Names that begin with `$` are reserved by SAP. Take the key out.",
        ));
    }
    respelled(key).map(|right| {
        let attribute = match lookup(right) {
            Known::Name => Some("name"),
            Known::Typed(property) => Some(property.attribute),
            Known::Secret(pair) => Some(pair.attribute),
            Known::OtherSecret | Known::Open | Known::Unknown => None,
        };
        let next_step = match attribute {
            Some(attribute) => format!("Set it with the attribute `{attribute}`."),
            None => format!("Write `{right}`."),
        };
        Diagnostic::error(
            "Wrong spelling",
            format!(
                "SAP spells this property `{right}`. It would store `{key}` silently and never \
                 use it. {next_step}"
            ),
        )
    })
}

/// The keys of `secret_properties_wo` belong there, and have values that are
/// not empty.
fn secret_properties(config: &Value, found: &mut Diagnostics) {
    let secrets = config.get(SECRET_PROPERTIES);
    if is_known(config.get(SECRET_PROPERTIES_VERSION)) && secrets.is_null() {
        found.push(wrong(
            "Version without secret",
            format!(
                "`{SECRET_PROPERTIES_VERSION}` says when `{SECRET_PROPERTIES}` is new, but \
                 `{SECRET_PROPERTIES}` is not set. Set `{SECRET_PROPERTIES}`, or take \
                 `{SECRET_PROPERTIES_VERSION}` out."
            ),
            Path::attribute(SECRET_PROPERTIES_VERSION),
        ));
    }
    let nothing = BTreeMap::new();
    let open = config.get(PROPERTIES).entries().unwrap_or(&nothing);
    for (key, value) in secrets.entries().unwrap_or(&nothing) {
        // The path ends at the attribute: its keys are as hidden as its values.
        let path = Path::attribute(SECRET_PROPERTIES);
        if value.as_str() == Some("") {
            found.push(wrong(
                "Property without value",
                format!("`{key}` has no value. A secret is never replaced by an empty one."),
                path.clone(),
            ));
        }
        if open.contains_key(key) {
            found.push(wrong(
                "Property given twice",
                format!("`{key}` is in `{PROPERTIES}` as well. Keep one of them."),
                path.clone(),
            ));
        }
        if let Some(problem) = misplaced_secret(key) {
            found.push(problem.at(path));
        }
    }
}

fn misplaced_secret(key: &str) -> Option<Diagnostic> {
    if let Some(problem) = unusable_key(key) {
        return Some(problem);
    }
    let detail = match lookup(key) {
        Known::Name => "The name of the destination is the attribute `name`.".to_owned(),
        Known::Typed(property) => {
            format!(
                "`{key}` is the attribute `{}`. Set it there.",
                property.attribute
            )
        }
        Known::Secret(pair) => format!(
            "`{key}` has attributes of its own. Set it with `{}` or `{}`.",
            pair.attribute, pair.write_only
        ),
        Known::OtherSecret | Known::Open | Known::Unknown => return None,
    };
    Some(Diagnostic::error("Property in the wrong place", detail))
}

fn url_form(config: &Value, found: &mut Diagnostics) {
    if is_known(config.get("url_form")) && is_known(config.get("url")) {
        found.push(doubtful(
            "Attribute without effect",
            "`url_form` says how the URL is made from the Cloud ALM service key. Here `url` is \
             configured, and is used as it is.",
            Path::attribute("url_form"),
        ));
    }
}

/// What an HTTP destination needs.
fn http(config: &Value, found: &mut Diagnostics) {
    let Some(name) = known_or(config, "authentication", default_authentication(HTTP)) else {
        return;
    };
    let Some(kind) = authentication(name) else {
        return;
    };
    proxy_type(config, kind, found);
    required(config, kind, found);
    unfitting(config, kind, found);
}

fn proxy_type(config: &Value, kind: &Authentication, found: &mut Diagnostics) {
    let default = default_proxy_type(HTTP, Some(kind.name));
    let Some(proxy_type) = known_or(config, "proxy_type", default) else {
        return;
    };
    if PROXY_TYPES.contains(&proxy_type) && !kind.proxy_types.contains(&proxy_type) {
        found.push(wrong(
            "Proxy type does not fit",
            format!(
                "`{}` works with the proxy type `{}`, not with `{proxy_type}`. Change \
                 `proxy_type` or `authentication`.",
                kind.name,
                kind.proxy_types.join("` or `")
            ),
            Path::attribute("proxy_type"),
        ));
    }
}

fn required(config: &Value, kind: &Authentication, found: &mut Diagnostics) {
    // What the Cloud ALM key fills in is looked at when the plan is made.
    if Fallback::of_config(config) != Fallback::Nothing {
        return;
    }
    let client_has_the_key_store = || match config.get(PROPERTIES) {
        Value::Unknown => true,
        properties => match properties.get("KeyStore.Source") {
            Value::Unknown => true,
            source => source.as_str() == Some("ClientProvided"),
        },
    };
    for attribute in std::iter::once(&"url").chain(kind.requires) {
        if !config.get(attribute).is_null() {
            continue;
        }
        if *attribute == "key_store_location" && client_has_the_key_store() {
            continue;
        }
        let mut detail = format!(
            "An HTTP destination with the authentication `{}` needs `{attribute}`. Set it, or \
             choose another `authentication`.",
            kind.name
        );
        if FROM_KEY.contains(attribute) && kind.name == CLIENT_CREDENTIALS {
            detail.push_str(
                "\n\nIt can come from the provider's `cloud_alm_service_key` only when `url`, \
                 `client_id`, `token_service_url` and every client secret are left out, the proxy \
                 type is `Internet`, the token service URL type is `Dedicated`, and nothing else \
                 about the token service (or `TrustAll`) is configured.",
            );
        }
        found.push(wrong(
            "Missing attribute",
            detail,
            Path::attribute(*attribute),
        ));
    }
}

/// A secret that the authentication does not use is an error: it would be sent
/// for nothing. Other attributes are not: existing destinations have them.
fn unfitting(config: &Value, kind: &Authentication, found: &mut Diagnostics) {
    let fits = |attribute: &&str| {
        ALWAYS_ALLOWED.contains(attribute)
            || kind.requires.contains(attribute)
            || kind.allows.contains(attribute)
    };
    for pair in SECRETS.iter().filter(|pair| !fits(&pair.attribute)) {
        for attribute in [pair.attribute, pair.write_only] {
            if is_known(config.get(attribute)) {
                found.push(wrong(
                    "Secret does not fit",
                    format!("`{}` does not use `{attribute}`. Take it out.", kind.name),
                    Path::attribute(attribute),
                ));
            }
        }
    }
    for property in TYPED.iter().filter(|property| !fits(&property.attribute)) {
        if is_known(config.get(property.attribute)) {
            found.push(doubtful(
                "Attribute without effect",
                format!("`{}` does not use `{}`.", kind.name, property.attribute),
                Path::attribute(property.attribute),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framework::diagnostics::Severity;

    fn text(value: &str) -> Value {
        Value::string(value)
    }

    fn map(entries: &[(&str, Value)]) -> Value {
        let entries = entries.iter();
        Value::Map(
            entries
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        )
    }

    fn config(entries: &[(&str, Value)]) -> Value {
        match map(entries) {
            Value::Map(entries) => Value::Object(entries),
            other => other,
        }
    }

    /// `E summary @ path` per message.
    fn messages(entries: &[(&str, Value)]) -> Vec<String> {
        let found = validate(&config(entries));
        found
            .iter()
            .map(|one| {
                let letter = match one.severity {
                    Severity::Error => 'E',
                    Severity::Warning => 'W',
                };
                let path = one
                    .path
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                format!("{letter} {} @ {path}", one.summary)
            })
            .collect()
    }

    #[test]
    fn an_empty_configuration_is_the_cloud_alm_destination() {
        assert_eq!(messages(&[]), Vec::<String>::new());
    }

    #[test]
    fn each_authentication_names_what_it_lacks() {
        let missing =
            |name: &str| messages(&[("authentication", text(name)), ("url", text("https://a"))]);
        assert_eq!(missing("NoAuthentication"), Vec::<String>::new());
        assert_eq!(
            missing("BasicAuthentication"),
            ["E Missing attribute @ user"]
        );
        assert_eq!(
            missing("OAuth2ClientCredentials"),
            [
                "E Missing attribute @ client_id",
                "E Missing attribute @ token_service_url"
            ]
        );
        assert_eq!(
            missing("ClientCertificateAuthentication"),
            ["E Missing attribute @ key_store_location"]
        );
        assert_eq!(missing("PrincipalPropagation"), Vec::<String>::new());
        assert_eq!(
            missing("OAuth2SAMLBearerAssertion"),
            [
                "E Missing attribute @ audience",
                "E Missing attribute @ token_service_url",
                "E Missing attribute @ authn_context_class_ref"
            ]
        );
    }

    #[test]
    fn a_client_provided_key_store_needs_no_location() {
        let with = |properties: Value| {
            messages(&[
                ("authentication", text("ClientCertificateAuthentication")),
                ("url", text("https://a")),
                ("properties", properties),
            ])
        };
        assert!(with(map(&[("KeyStore.Source", text("ClientProvided"))])).is_empty());
        assert!(with(Value::Unknown).is_empty());
        assert!(!with(map(&[("KeyStore.Source", text("DestinationService"))])).is_empty());
    }

    #[test]
    fn half_a_configuration_does_not_fall_back_to_the_key() {
        assert_eq!(
            messages(&[("client_secret", text("x"))]),
            [
                "E Missing attribute @ url",
                "E Missing attribute @ client_id",
                "E Missing attribute @ token_service_url"
            ]
        );
    }

    #[test]
    fn unknown_values_are_not_judged() {
        for name in [
            "type",
            "authentication",
            "proxy_type",
            "url",
            "properties",
            "client_secret_wo",
        ] {
            assert!(messages(&[(name, Value::Unknown)]).is_empty(), "{name}");
        }
        let both = [
            ("client_secret", Value::Unknown),
            ("client_secret_wo", text("x")),
        ];
        assert!(
            !messages(&both)
                .iter()
                .any(|one| one.contains("given twice"))
        );
    }

    #[test]
    fn secrets_are_given_once_and_versions_need_them() {
        let basic = |extra: &[(&'static str, Value)]| {
            let mut entries = vec![
                ("authentication", text("BasicAuthentication")),
                ("url", text("https://a")),
                ("user", text("u")),
            ];
            entries.extend_from_slice(extra);
            messages(&entries)
        };
        assert!(basic(&[("password", text("x"))]).is_empty());
        assert_eq!(
            basic(&[("password_wo_version", Value::Number(1_i64.into()))]),
            ["E Version without secret @ password_wo_version"]
        );
        assert_eq!(
            basic(&[("client_secret_wo", text("x"))]),
            ["E Secret does not fit @ client_secret_wo"]
        );
        assert_eq!(
            basic(&[("scope", text("x"))]),
            ["W Attribute without effect @ scope"]
        );
    }

    #[test]
    fn properties_are_for_what_has_no_attribute() {
        let check = |key: &str| {
            messages(&[
                ("type", text("RFC")),
                ("properties", map(&[(key, text("x"))])),
            ])
        };
        assert!(check("jco.client.ashost").is_empty());
        assert!(check("mine").is_empty());
        assert_eq!(
            check("clientId"),
            [r#"E Property in the wrong place @ properties["clientId"]"#]
        );
        assert_eq!(
            check("ClientID"),
            [r#"E Wrong spelling @ properties["ClientID"]"#]
        );
        assert_eq!(
            check("Name"),
            [r#"E Property in the wrong place @ properties["Name"]"#]
        );
        assert_eq!(
            check("clientSecret"),
            [r#"E Property in the wrong place @ properties["clientSecret"]"#]
        );
        assert_eq!(
            check("jco.client.passwd"),
            [r#"E Property in the wrong place @ properties["jco.client.passwd"]"#]
        );
        assert_eq!(
            check("$metadata"),
            [r#"E Unusable property name @ properties["$metadata"]"#]
        );
        assert_eq!(
            check("URL.headers.apiKey"),
            [r#"W Property looks secret @ properties["URL.headers.apiKey"]"#]
        );
    }

    #[test]
    fn secret_properties_have_values_and_no_attribute() {
        let check = |key: &str, value: &str| {
            messages(&[
                ("type", text("RFC")),
                ("properties", map(&[("both", text("x"))])),
                ("secret_properties_wo", map(&[(key, text(value))])),
            ])
        };
        assert!(check("jco.client.passwd", "x").is_empty());
        assert_eq!(
            check("jco.client.passwd", ""),
            ["E Property without value @ secret_properties_wo"]
        );
        assert_eq!(
            check("both", "x"),
            ["E Property given twice @ secret_properties_wo"]
        );
        assert_eq!(
            check("Password", "x"),
            ["E Property in the wrong place @ secret_properties_wo"]
        );
    }

    #[test]
    fn vocabularies_are_open_but_case_matters() {
        assert_eq!(
            messages(&[("type", text("http"))]),
            ["E Wrong spelling @ type"]
        );
        assert_eq!(
            messages(&[("type", text("FTP"))]),
            ["W Unknown value @ type"]
        );
        let newer = [
            ("authentication", text("OAuth3")),
            ("url", text("https://a")),
        ];
        assert_eq!(messages(&newer), ["W Unknown value @ authentication"]);
    }

    #[test]
    fn an_authentication_has_its_proxy_types() {
        let check = |proxy: &str| {
            messages(&[
                ("authentication", text("PrincipalPropagation")),
                ("url", text("http://virtual:80")),
                ("proxy_type", text(proxy)),
            ])
        };
        assert!(check("OnPremise").is_empty());
        assert_eq!(
            check("Internet"),
            ["E Proxy type does not fit @ proxy_type"]
        );
    }

    #[test]
    fn an_unusual_name_is_a_warning() {
        assert_eq!(
            messages(&[("name", text("our team's app"))]),
            ["W Unusual destination name @ name"]
        );
    }
}
