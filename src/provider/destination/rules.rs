//! Rules of `sapcalm_destination` that look at more than one attribute.
//!
//! A rule about a value that is not known yet is left out; Terraform asks
//! again when it is known. What SAP merely ignores is a warning, so that every
//! destination that exists can be imported.

use std::collections::BTreeMap;

use foreign::can_be_identifier;
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;
use framework::validators::wrong_line;
use framework::value::Value;

use super::credentials::{Credentials, SECRET_OBJECTS};
use super::model::DEFAULT_NAME;
use super::schema::DEFINITION;
use super::source::{FROM_KEY, Fallback};
use super::vocabulary::{
    ALWAYS_ALLOWED, Authentication, CLIENT_CREDENTIALS, HTTP, Known, NAMED_SECRETS, PROXY_TYPES,
    TYPED, authentication, belongs_to_authentication, default_authentication, default_proxy_type,
    looks_secret, lookup, respelled, respelled_family, secret_name,
};

const PROPERTIES: &str = "properties";

/// What is wrong or doubtful about a configuration, whatever SAP stores.
pub(super) fn validate(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    name(config, &mut found);
    properties(config, &mut found);
    secrets(config, &mut found);
    labels(config, &mut found);
    service_key(config, &mut found);
    if let Some(kind) = http(config) {
        unfitting(config, kind, &mut found);
        // Only the configuration itself tells what ignored changes hide from the
        // plan: something beside the key's secret that leads elsewhere.
        if Fallback::of(config) == Fallback::KeptOut {
            required(config, kind, &mut found);
        }
    }
    found
}

/// What SAP or whoever reads the destination does not accept, and what they may
/// not. There are destinations like that all the same, and they can be imported,
/// so it is the plan that asks: see [`super::plan`].
pub(super) fn unfit(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    spelling(config, &mut found);
    lines(config, &mut found);
    if let Some(kind) = http(config) {
        proxy_type(config, kind, &mut found);
        required(config, kind, &mut found);
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

/// Without a name it would be `CloudALM`, and lead elsewhere.
pub(super) fn missing_name() -> Diagnostic {
    wrong(
        "Missing attribute",
        format!(
            "Without `name` a destination is `{DEFAULT_NAME}`, which leads to Cloud ALM with the \
             values of the provider's `cloud_alm_service_key`. This one is configured otherwise. \
             Set `name`."
        ),
        Path::attribute("name"),
    )
}

/// SAP's documentation lists the password as mandatory.
pub(super) fn missing_password(authentication: &Value) -> Diagnostic {
    wrong(
        "Missing password",
        format!(
            "A destination with the authentication `{}` needs a password, and none is configured. \
             Set `password_wo` in `credentials`.",
            authentication.as_str().unwrap_or_default()
        ),
        Path::attribute("credentials"),
    )
}

/// Blanks at the ends, and what nobody sees, is sent to SAP as it is.
fn lines(config: &Value, found: &mut Diagnostics) {
    for property in TYPED.iter().filter(|one| one.key != "Description") {
        let text = config.get(property.attribute).as_str().unwrap_or_default();
        if let Some(wrong) = wrong_line(text) {
            found.push(self::wrong(
                "Blank or hidden character",
                format!(
                    "The value of `{}` {wrong}, and SAP would store it so. Take it out; \
                     `trimspace()` removes the line break at the end of a file.",
                    property.attribute
                ),
                Path::attribute(property.attribute),
            ));
        }
    }
}

/// Whether SAP can be asked for it, and tell it, as it is.
fn is_name(text: &str) -> bool {
    can_be_identifier(text) && wrong_line(text).is_none()
}

/// Labels that could not be shown when they are read.
fn labels(config: &Value, found: &mut Diagnostics) {
    for (key, values) in config.get("labels").entries().into_iter().flatten() {
        let values = values.items().into_iter().flatten();
        let values = values.filter_map(Value::as_str);
        let values = values.filter(|value| !value.is_empty());
        if values.chain([key.as_str()]).any(|text| !is_name(text)) {
            found.push(wrong(
                "Unusable label",
                "Keys and values of labels are texts in one line, of at most 256 characters, \
                 without blanks at their ends and characters that cannot be seen. Correct this \
                 one, or take it out.",
                Path::attribute("labels").key(key.as_str()),
            ));
        }
    }
}

/// Values of SAP's closed vocabularies: another case of a known one is an
/// error, anything else may be newer than this provider.
fn spelling(config: &Value, found: &mut Diagnostics) {
    let type_ = known_or(config, "type", Some(HTTP));
    for attribute in DEFINITION.schema.attributes {
        let vocabulary = attribute.known_values;
        let value = config.get(attribute.name).as_str();
        let Some(value) = value.filter(|value| !vocabulary.contains(value)) else {
            continue;
        };
        // The other types have authentications of their own.
        let closed = attribute.name != "authentication" || type_ == Some(HTTP);
        let path = Path::attribute(attribute.name);
        if let Some(right) = vocabulary
            .iter()
            .find(|one| one.eq_ignore_ascii_case(value))
        {
            found.push(wrong(
                "Wrong spelling",
                format!("SAP spells it `{right}` and ignores `{value}`. Write `{right}`."),
                path,
            ));
        } else if closed && !vocabulary.is_empty() {
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
        if let Some(right) = respelled_family(key) {
            found.push(doubtful(
                "Wrong spelling",
                format!(
                    "SAP spells the beginning of this property as in `{right}`. It stores `{key}` \
                     silently, and whoever reads the destination looks for the other. Write \
                     `{right}`."
                ),
                path.clone(),
            ));
        }
        if let Some(problem) = unusable_key(key).or_else(|| typed_key(key)) {
            found.push(problem.at(path));
        } else if matches!(lookup(key), Known::Secret) {
            found.push(wrong(
                "Property in the wrong place",
                format!("`{key}` is secret. Set it with {}.", member_of(key)),
                path,
            ));
        } else if looks_secret(key) {
            found.push(doubtful(
                "Property looks secret",
                format!(
                    "The values of `{PROPERTIES}` are stored in the state in clear and shown in \
                     plans. If `{key}` is secret, move it to {}.",
                    member_of(key)
                ),
                path,
            ));
        }
    }
}

/// The attribute of a property that has one.
fn attribute_of(key: &str) -> Option<&'static str> {
    match lookup(key) {
        Known::Name => Some("name"),
        Known::Typed(property) => Some(property.attribute),
        Known::Secret | Known::Open | Known::Unknown => None,
    }
}

/// A property with an attribute of its own.
fn typed_key(key: &str) -> Option<Diagnostic> {
    let attribute = attribute_of(key)?;
    Some(Diagnostic::error(
        "Property in the wrong place",
        format!("`{key}` is the attribute `{attribute}`. Set it there."),
    ))
}

/// Where a secret is configured, in words.
fn member_of(key: &str) -> String {
    let name = secret_name(key);
    if name == key {
        "`properties_wo` of `credentials`".to_owned()
    } else {
        format!("`{name}_wo` of `credentials`")
    }
}

/// Keys that are wrong in either map.
fn unusable_key(key: &str) -> Option<Diagnostic> {
    if !is_name(key) {
        return Some(Diagnostic::error(
            "Unusable property name",
            "The name of a property has from 1 to 256 characters, no blank at its ends, and none \
             that cannot be seen. Rename the key, or take it out.",
        ));
    }
    if key.starts_with('$') {
        return Some(Diagnostic::error(
            "Unusable property name",
            "Names that begin with `$` are reserved by SAP. Take the key out.",
        ));
    }
    respelled(key).map(|right| {
        let next_step = match attribute_of(right) {
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

/// Whether a text of one line ends with a line break. One of several lines is
/// more likely to be meant so.
fn ends_by_mistake(text: &str) -> bool {
    text.trim_end().lines().count() == 1 && text.ends_with(['\n', '\r'])
}

/// Secrets have values, each in one place; and those without a member of
/// their own are named as SAP spells them.
fn secrets(config: &Value, found: &mut Diagnostics) {
    let nothing = BTreeMap::new();
    let open = config.get(PROPERTIES).entries().unwrap_or(&nothing);
    for value in Credentials::of(config).values.values() {
        if value.as_str().is_some_and(ends_by_mistake) {
            found.push(doubtful(
                "Line break at the end of a secret",
                "A secret ends with a line break, and SAP would store it so. A file often ends \
                 with one: `trimspace(file(\"...\"))` takes it off.",
                Path::attribute("credentials"),
            ));
        }
    }
    for (object, suffix) in SECRET_OBJECTS {
        let map = format!("properties{suffix}");
        // The path ends at the map: its keys are as hidden as its values.
        let path = Path::attribute(object).then(map.clone());
        let entries = config.get(object).get(&map).entries();
        for (key, value) in entries.unwrap_or(&nothing) {
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
            let named = NAMED_SECRETS
                .iter()
                .find(|(name, named)| key == name || key == named);
            if let Some((name, _)) = named {
                found.push(wrong(
                    "Property in the wrong place",
                    format!("`{key}` is `{name}{suffix}` of `{object}`. Set it there."),
                    path.clone(),
                ));
            } else if let Some(problem) = unusable_key(key).or_else(|| typed_key(key)) {
                found.push(problem.at(path.clone()));
            }
        }
    }
    let [written, stored] =
        SECRET_OBJECTS.map(|(name, suffix)| Credentials::of_object(config.get(name), suffix));
    let is_given = |value: Option<&&Value>| value.is_some_and(|value| is_known(value));
    for (key, _) in written
        .values
        .iter()
        .filter(|(key, value)| is_known(value) && is_given(stored.values.get(*key)))
    {
        found.push(wrong(
            "Secret given twice",
            format!(
                "`{}` is in `credentials` and in `stored_credentials`. Keep one of them.",
                secret_name(key)
            ),
            Path::attribute("stored_credentials"),
        ));
    }
}

/// A destination that a key does not fill in, or not its URL.
fn service_key(config: &Value, found: &mut Diagnostics) {
    let block = config.get("service_key");
    for name in ["url_form", "url_path"] {
        if is_known(block.get(name)) && is_known(config.get("url")) {
            found.push(doubtful(
                "Attribute without effect",
                format!(
                    "`{name}` says how the URL is made from the one in the service key. Here `url` \
                     is configured, and is used as it is."
                ),
                Path::attribute("service_key").then(name),
            ));
        }
    }
    if is_known(block.get("json_wo")) && Fallback::of(config).is_out() {
        found.push(doubtful(
            "Attribute without effect",
            "Nothing comes from the key in `service_key`: something is configured that it would \
             say, or the destination is of another kind than `HTTP` with \
             `OAuth2ClientCredentials`. Take one of both out.",
            Path::attribute("service_key").then("json_wo"),
        ));
    }
}

/// The authentication of an HTTP destination, where it is a known one.
fn http(config: &Value) -> Option<&'static Authentication> {
    known_or(config, "type", Some(HTTP)).filter(|name| *name == HTTP)?;
    authentication(known_or(
        config,
        "authentication",
        default_authentication(HTTP),
    )?)
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

/// The configured value of a property of SAP, in an attribute of its own or
/// not.
fn configured<'a>(config: &'a Value, key: &str) -> &'a Value {
    match lookup(key) {
        Known::Typed(property) => config.get(property.attribute),
        _ => config.get(PROPERTIES).get(key),
    }
}

/// Where a property that is not secret is configured, in words.
fn place_of(key: &str) -> (String, Path) {
    match lookup(key) {
        Known::Typed(property) => (
            format!("`{}`", property.attribute),
            Path::attribute(property.attribute),
        ),
        _ => (
            format!("`{key}` in `{PROPERTIES}`"),
            Path::attribute(PROPERTIES),
        ),
    }
}

/// An empty text is as good as none to SAP.
fn is_missing(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn required(config: &Value, kind: &Authentication, found: &mut Diagnostics) {
    // What a service key fills in is looked at when the plan is made.
    if !Fallback::of(config).is_out() {
        return;
    }
    let client_has_the_key_store = || match configured(config, "KeyStore.Source") {
        Value::Unknown => true,
        source => source.as_str() == Some("ClientProvided"),
    };
    let missing: Vec<&str> = std::iter::once(&"URL")
        .chain(kind.requires)
        .filter(|key| is_missing(configured(config, key)))
        .filter(|key| **key != "KeyStoreLocation" || !client_has_the_key_store())
        .copied()
        .collect();
    let Some(first) = missing.first() else {
        return;
    };
    let places: Vec<String> = missing.iter().map(|key| place_of(key).0).collect();
    let mut detail = format!(
        "An HTTP destination with the authentication `{}` needs {}. Set what is missing, or \
         choose another `authentication`.",
        kind.name,
        places.join(", ")
    );
    let from_key = TYPED
        .iter()
        .any(|property| missing.contains(&property.key) && FROM_KEY.contains(&property.attribute));
    if from_key && kind.name == CLIENT_CREDENTIALS {
        detail.push_str(
            "\n\nIt can come from `service_key` or the provider's `cloud_alm_service_key` only when \
             `url`, `client_id`, `token_service_url` and every client secret are left out, the proxy \
             type is `Internet`, the token service URL type is `Dedicated`, and nothing else \
             about the token service (or `TrustAll`) is configured.",
        );
    }
    found.push(wrong("Missing attribute", detail, place_of(first).1));
}

/// A secret that the authentication does not use is an error: it would be sent
/// for nothing. Other properties are not: existing destinations have them.
fn unfitting(config: &Value, kind: &Authentication, found: &mut Diagnostics) {
    let fits = |key: &str| ALWAYS_ALLOWED.contains(&key) || kind.uses(key);
    let secrets = Credentials::of(config).values;
    for (key, _) in secrets.iter().filter(|(_, value)| is_known(value)) {
        if belongs_to_authentication(key) && !fits(key) {
            found.push(wrong(
                "Secret does not fit",
                format!(
                    "`{}` does not use `{}`. Take it out.",
                    kind.name,
                    secret_name(key)
                ),
                Path::attribute("credentials"),
            ));
        }
    }
    let typed = TYPED.iter().map(|property| property.key);
    let further = config.get(PROPERTIES).entries().into_iter().flatten();
    let further = further.map(|(key, _)| key.as_str());
    for key in typed.chain(further.filter(|key| belongs_to_authentication(key))) {
        if !fits(key) && is_known(configured(config, key)) {
            let (place, path) = place_of(key);
            let detail = format!("`{}` does not use {place}.", kind.name);
            found.push(doubtful("Attribute without effect", detail, path));
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
        let attributes = DEFINITION.schema.attributes.iter();
        let nulls = attributes.map(|attribute| (attribute.name, Value::Null));
        let given = entries.iter().cloned();
        let all = nulls.chain(given);
        Value::Object(all.map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// `E summary @ path` per message.
    fn messages(entries: &[(&str, Value)]) -> Vec<String> {
        let config = config(entries);
        let mut found = validate(&config);
        let more = unfit(&config).into_iter();
        let more: Vec<_> = more
            .filter(|one| !found.iter().any(|two| two == one))
            .collect();
        found.extend(more);
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
    fn a_line_break_that_a_file_brought_along_is_told() {
        let basic = |user: &str, password: &str| {
            messages(&[
                ("name", text("d")),
                ("url", text("https://d.example")),
                ("authentication", text("BasicAuthentication")),
                ("user", text(user)),
                wo(&[("password_wo", text(password))]),
            ])
        };
        assert_eq!(basic("u", "p"), [""; 0]);
        let told = "W Line break at the end of a secret @ credentials";
        assert_eq!(basic("u", "p\n"), [told]);
        assert_eq!(basic("u", "-----BEGIN\nx\n-----END\n"), [""; 0]);
        assert_eq!(basic("u\n", "p"), ["E Blank or hidden character @ user"]);
    }

    #[test]
    fn an_empty_text_is_a_missing_one() {
        let basic = |user: &str| {
            messages(&[
                ("name", text("d")),
                ("url", text("https://d.example")),
                ("authentication", text("BasicAuthentication")),
                ("user", text(user)),
            ])
        };
        assert_eq!(basic(""), ["E Missing attribute @ user"]);
        assert!(basic("ann").is_empty());
    }

    #[test]
    fn a_family_of_properties_in_another_case_is_doubtful() {
        let open = map(&[("url.headers.x", text("y")), ("URL.queries.q", text("z"))]);
        assert_eq!(
            messages(&[
                ("name", text("d")),
                ("url", text("https://d.example")),
                ("authentication", text("NoAuthentication")),
                ("properties", open),
            ]),
            [r#"W Wrong spelling @ properties["url.headers.x"]"#]
        );
    }

    #[test]
    fn an_empty_configuration_is_the_cloud_alm_destination() {
        assert_eq!(messages(&[]), Vec::<String>::new());
    }

    #[test]
    fn each_authentication_names_what_it_lacks() {
        let missing = |name: &str| {
            messages(&[
                ("name", text("d")),
                ("authentication", text(name)),
                ("url", text("https://a")),
            ])
        };
        assert_eq!(missing("NoAuthentication"), Vec::<String>::new());
        assert_eq!(
            missing("BasicAuthentication"),
            ["E Missing attribute @ user"]
        );
        assert_eq!(
            missing("OAuth2ClientCredentials"),
            ["E Missing attribute @ client_id"]
        );
        assert_eq!(
            missing("ClientCertificateAuthentication"),
            ["E Missing attribute @ properties"]
        );
        assert_eq!(missing("PrincipalPropagation"), Vec::<String>::new());
        assert_eq!(
            missing("OAuth2SAMLBearerAssertion"),
            ["E Missing attribute @ properties"]
        );
    }

    #[test]
    fn one_message_names_everything_that_is_missing() {
        let found = unfit(&config(&[
            ("name", text("d")),
            ("authentication", text("OAuth2SAMLBearerAssertion")),
            ("url", text("https://a")),
        ]));
        let detail = &found.iter().next().unwrap().detail;
        for place in [
            "`audience` in `properties`",
            "`token_service_url`",
            "`authnContextClassRef` in `properties`",
        ] {
            assert!(detail.contains(place), "{place}: {detail}");
        }
    }

    #[test]
    fn a_client_provided_key_store_needs_no_location() {
        let with = |properties: Value| {
            messages(&[
                ("name", text("d")),
                ("authentication", text("ClientCertificateAuthentication")),
                ("url", text("https://a")),
                ("properties", properties),
            ])
        };
        assert!(with(map(&[("KeyStore.Source", text("ClientProvided"))])).is_empty());
        assert!(with(Value::Unknown).is_empty());
        assert!(!with(map(&[("KeyStore.Source", text("DestinationService"))])).is_empty());
    }

    fn wo(members: &[(&str, Value)]) -> (&'static str, Value) {
        let names = [
            "client_secret_wo",
            "password_wo",
            "properties_wo",
            "version",
        ];
        ("credentials", object(&names, members))
    }

    /// An object as the framework hands it over: with all its members.
    fn object(names: &[&str], members: &[(&str, Value)]) -> Value {
        let nulls = names.iter().map(|name| (*name, Value::Null));
        let all = nulls.chain(members.iter().cloned());
        Value::Object(all.map(|(name, value)| (name.to_owned(), value)).collect())
    }

    #[test]
    fn half_a_configuration_does_not_fall_back_to_the_key() {
        assert_eq!(
            messages(&[("name", text("d")), wo(&[("client_secret_wo", text("x"))])]),
            ["E Missing attribute @ url"]
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
            "credentials",
        ] {
            assert!(messages(&[(name, Value::Unknown)]).is_empty(), "{name}");
        }
        let unknown = wo(&[("client_secret_wo", Value::Unknown)]);
        assert!(messages(&[unknown]).is_empty());
        // Perhaps there is no such secret in it.
        let basic = [
            ("name", text("d")),
            ("url", text("https://a")),
            ("authentication", text("BasicAuthentication")),
            ("user", text("u")),
            wo(&[("password_wo", text("p"))]),
            ("stored_credentials", Value::Unknown),
        ];
        assert!(messages(&basic).is_empty());
    }

    #[test]
    fn secrets_are_given_once_and_where_they_are_used() {
        let basic = |extra: &[(&'static str, Value)]| {
            let mut entries = vec![
                ("name", text("d")),
                ("authentication", text("BasicAuthentication")),
                ("url", text("https://a")),
                ("user", text("u")),
            ];
            entries.extend_from_slice(extra);
            messages(&entries)
        };
        let names = ["client_secret", "password", "properties"];
        let stored = |members: &[(&str, Value)]| ("stored_credentials", object(&names, members));
        assert!(basic(&[wo(&[("password_wo", text("x"))])]).is_empty());
        assert!(basic(&[stored(&[("password", text("x"))])]).is_empty());
        assert_eq!(
            basic(&[
                wo(&[("password_wo", text("x"))]),
                stored(&[("password", text("x"))])
            ]),
            ["E Secret given twice @ stored_credentials"]
        );
        assert_eq!(
            basic(&[wo(&[("client_secret_wo", text("x"))])]),
            ["E Secret does not fit @ credentials"]
        );
        let key_store = map(&[("KeyStorePassword", text("x"))]);
        assert_eq!(
            basic(&[wo(&[("properties_wo", key_store)])]),
            ["E Secret does not fit @ credentials"]
        );
        assert_eq!(
            basic(&[("client_id", text("x"))]),
            ["W Attribute without effect @ client_id"]
        );
        assert_eq!(
            basic(&[("properties", map(&[("scope", text("x"))]))]),
            ["W Attribute without effect @ properties"]
        );
    }

    #[test]
    fn properties_are_for_what_has_no_attribute() {
        let check = |key: &str| {
            messages(&[
                ("name", text("d")),
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
                ("name", text("d")),
                ("type", text("RFC")),
                ("properties", map(&[("both", text("x"))])),
                wo(&[("properties_wo", map(&[(key, text(value))]))]),
            ])
        };
        assert!(check("jco.client.passwd", "x").is_empty());
        assert_eq!(
            check("jco.client.passwd", ""),
            ["E Property without value @ credentials.properties_wo"]
        );
        assert_eq!(
            check("both", "x"),
            ["E Property given twice @ credentials.properties_wo"]
        );
        assert_eq!(
            check("client_secret", "x"),
            ["E Property in the wrong place @ credentials.properties_wo"]
        );
        assert_eq!(
            check("Password", "x"),
            ["E Property in the wrong place @ credentials.properties_wo"]
        );
    }

    #[test]
    fn vocabularies_are_open_but_case_matters() {
        assert_eq!(
            messages(&[("name", text("d")), ("type", text("http"))]),
            ["E Wrong spelling @ type"]
        );
        assert_eq!(
            messages(&[("name", text("d")), ("type", text("FTP"))]),
            ["W Unknown value @ type"]
        );
        let newer = [
            ("name", text("d")),
            ("authentication", text("OAuth3")),
            ("url", text("https://a")),
        ];
        assert_eq!(messages(&newer), ["W Unknown value @ authentication"]);
    }

    #[test]
    fn an_authentication_has_its_proxy_types() {
        let check = |proxy: &str| {
            messages(&[
                ("name", text("d")),
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
