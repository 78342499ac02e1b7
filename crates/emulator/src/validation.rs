//! What a valid destination is: names, types, strings only, and the keys that
//! an authentication needs. The rules are documented, the texts are ours.

use serde_json::{Map, Value};

use super::call::Refusal;
use super::issuing::Made;
use super::knobs::{DestinationKnobs, NameRule, ValueRule};
use super::world::{LevelKind, Properties};

/// A destination as a request describes it.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) properties: Properties,
    pub(crate) shared_with_subscriber: Option<bool>,
    /// A certificate that the service makes.
    pub(crate) made: Option<Made>,
}

/// Checks a body.
pub(crate) fn draft(
    value: &Value,
    kind: LevelKind,
    knobs: &DestinationKnobs,
) -> Result<Draft, Refusal> {
    let object = value
        .as_object()
        .ok_or_else(|| invalid("the body is not an object"))?;
    let (object, shared_with_subscriber) = take_metadata(object.clone(), kind)?;
    let mut properties = Properties::new();
    for (key, value) in object {
        let text = match (value, knobs.values) {
            (Value::String(text), _) => text,
            (other, ValueRule::Stringify) => other.to_string(),
            (_, ValueRule::Reject) => {
                return Err(invalid(&format!("the value of '{key}' is not a string")));
            }
        };
        properties.insert(key, text);
    }
    let name = check_name(&properties, knobs.name_rule)?;
    check_type(&properties)?;
    if knobs.check_required {
        check_required(&properties)?;
    }
    Ok(Draft {
        name,
        properties,
        shared_with_subscriber,
        made: None,
    })
}

fn invalid(reason: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid destination: {reason}"))
}

/// Takes the reserved key `$metadata` out, which exists at instance level only.
fn take_metadata(
    mut object: Map<String, Value>,
    kind: LevelKind,
) -> Result<(Map<String, Value>, Option<bool>), Refusal> {
    let Some(metadata) = object.remove("$metadata") else {
        return Ok((object, None));
    };
    let shared = metadata
        .get("shared_with_subscriber")
        .and_then(Value::as_bool);
    match (kind, shared) {
        (LevelKind::Instance, Some(_)) => Ok((object, shared)),
        _ => Err(invalid("'$metadata' is reserved")),
    }
}

fn check_name(properties: &Properties, rule: NameRule) -> Result<String, Refusal> {
    let name = properties
        .get("Name")
        .filter(|name| !name.is_empty())
        .ok_or_else(|| invalid("'Name' is missing"))?;
    let length = name.chars().count();
    let valid = match rule {
        NameRule::Strict => {
            length <= 200
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        }
        NameRule::Lenient => {
            length <= 255 && !name.chars().any(|one| one == '/' || one.is_control())
        }
    };
    if valid {
        Ok(name.clone())
    } else {
        Err(invalid("'Name' is not valid"))
    }
}

fn check_type(properties: &Properties) -> Result<(), Refusal> {
    match properties.get("Type").map(String::as_str) {
        None => Err(invalid("'Type' is missing")),
        Some("HTTP" | "RFC" | "MAIL" | "LDAP" | "TCP") => Ok(()),
        Some(_) => Err(invalid("'Type' is not valid")),
    }
}

fn check_required(properties: &Properties) -> Result<(), Refusal> {
    if properties.get("Type").is_none_or(|kind| kind != "HTTP") {
        return Ok(());
    }
    let has_scheme = |url: &String| url.starts_with("http://") || url.starts_with("https://");
    if properties.get("URL").is_some_and(|url| !has_scheme(url)) {
        return Err(invalid("'URL' must start with http:// or https://"));
    }
    let Some(authentication) = properties.get("Authentication") else {
        return Ok(());
    };
    let required = required_keys(authentication, properties)
        .ok_or_else(|| invalid("'Authentication' is not valid"))?;
    match required.iter().find(|key| !properties.contains_key(**key)) {
        None => Ok(()),
        Some(key) => Err(invalid(&format!("'{key}' is missing"))),
    }
}

/// The keys that an authentication needs; none for one that does not exist.
fn required_keys(authentication: &str, properties: &Properties) -> Option<&'static [&'static str]> {
    Some(match authentication {
        "NoAuthentication" | "PrincipalPropagation" => &[],
        "BasicAuthentication" => &["User", "Password"],
        "ClientCertificateAuthentication" => {
            let source = properties.get("KeyStore.Source");
            if source.is_some_and(|source| source == "ClientProvided") {
                &[]
            } else {
                &["KeyStoreLocation"]
            }
        }
        "OAuth2ClientCredentials"
        | "OAuth2RefreshToken"
        | "OAuth2AuthorizationCode"
        | "OAuth2UserTokenExchange"
        | "OAuth2JWTBearer"
        | "OAuth2TechnicalUserPropagation"
        | "OAuth2TokenExchange" => &["clientId", "tokenServiceURL"],
        "OAuth2Password" => &["clientId", "User", "Password", "tokenServiceURL"],
        "OAuth2SAMLBearerAssertion" => &[
            "audience",
            "clientKey",
            "tokenServiceURL",
            "authnContextClassRef",
        ],
        "SAMLAssertion" => &["audience", "authnContextClassRef"],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(value: &Value) -> Result<Draft, String> {
        draft(value, LevelKind::Subaccount, &DestinationKnobs::default())
            .map_err(|refusal| refusal.message)
    }

    #[test]
    fn name_and_type_are_required() {
        assert_eq!(
            check(&json!({"Type": "HTTP"})).unwrap_err(),
            "Invalid destination: 'Name' is missing"
        );
        assert_eq!(
            check(&json!({"Name": "a"})).unwrap_err(),
            "Invalid destination: 'Type' is missing"
        );
        assert!(check(&json!({"Name": "a", "Type": "FTP"})).is_err());
        assert!(check(&json!({"Name": "a", "Type": "TCP"})).is_ok());
    }

    #[test]
    fn the_name_rule_is_strict_or_lenient() {
        let lenient = DestinationKnobs {
            name_rule: NameRule::Lenient,
            ..DestinationKnobs::default()
        };
        let check_lenient = |value: &Value| draft(value, LevelKind::Subaccount, &lenient).is_ok();
        let named = |name: &str| json!({"Name": name, "Type": "HTTP"});
        assert!(check(&named(&"a".repeat(200))).is_ok());
        assert!(check(&named(&"a".repeat(201))).is_err());
        assert!(check(&named("a b")).is_err());
        assert!(check_lenient(&named("our team's")));
        assert!(!check_lenient(&named("a/b")));
        assert!(!check_lenient(&named("a\nb")));
        assert!(!check_lenient(&named(&"a".repeat(256))));
    }

    #[test]
    fn values_are_strings_only() {
        let value = json!({"Name": "a", "Type": "HTTP", "TrustAll": true});
        assert!(check(&value).is_err());
        let tolerant = DestinationKnobs {
            values: ValueRule::Stringify,
            ..DestinationKnobs::default()
        };
        let draft = draft(&value, LevelKind::Subaccount, &tolerant).unwrap();
        assert_eq!(draft.properties["TrustAll"], "true");
    }

    #[test]
    fn an_authentication_needs_its_keys() {
        let basic = json!({"Name": "a", "Type": "HTTP", "Authentication": "BasicAuthentication", "User": "u"});
        assert_eq!(
            check(&basic).unwrap_err(),
            "Invalid destination: 'Password' is missing"
        );
        let oauth = json!({
            "Name": "a", "Type": "HTTP", "Authentication": "OAuth2ClientCredentials",
            "clientId": "c", "tokenServiceURL": "https://t"
        });
        assert!(check(&oauth).is_ok(), "a client secret is optional");
    }

    #[test]
    fn metadata_is_reserved_except_for_sharing_at_instance_level() {
        let value = json!({
            "Name": "a", "Type": "HTTP", "$metadata": {"shared_with_subscriber": true}
        });
        assert!(check(&value).is_err());
        let knobs = DestinationKnobs::default();
        let draft = draft(&value, LevelKind::Instance, &knobs).unwrap();
        assert_eq!(draft.shared_with_subscriber, Some(true));
        assert!(!draft.properties.contains_key("$metadata"));
    }
}
