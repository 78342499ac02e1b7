//! The forms in which tools hand out service keys, down to the keys in them.
//!
//! One rule instead of a reader for every tool: text that is JSON counts as
//! what it says and base64 as what it stands for, wherever they are; and every
//! object that holds credentials is a key, however deep it lies. Which one is
//! meant is decided by [`super::credentials`].
//!
//! What it deliberately does not do: read what is made for people (tables,
//! YAML). That is told apart by [`Look`], so that the message can say what to
//! ask the tool for.

use std::fmt;

use serde_json::{Map, Value};

use super::told;

/// A JSON object.
pub(super) type Members = Map<String, Value>;

/// How many wrappings of one text in another are taken off.
const WRAPPINGS: usize = 4;

/// A key and where it was found (`VCAP_SERVICES.destination[0].credentials`).
pub(super) struct Found {
    pub(super) path: String,
    pub(super) members: Members,
}

/// What the text of a service key holds.
pub(super) struct Contents {
    /// Every different object with credentials.
    pub(super) keys: Vec<Found>,
    /// What stands there instead where there is none.
    pub(super) rest: Value,
}

/// Opens a text as far as it goes.
pub(super) fn read(text: &str) -> Result<Contents, serde_json::Error> {
    let value = opened(document(text, WRAPPINGS)?, WRAPPINGS);
    let mut keys = Vec::new();
    collect(&value, String::new(), &mut keys);
    Ok(Contents { keys, rest: value })
}

/// The JSON in a text, or several one after the other as an array.
fn document(text: &str, wrappings: usize) -> Result<Value, serde_json::Error> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let error = match serde_json::from_str(text) {
        Ok(Value::String(inner)) if wrappings > 0 => return document(&inner, wrappings - 1),
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let inner = base64(text).or_else(|| unescaped(text));
    match inner.filter(|_| wrappings > 0) {
        Some(inner) => document(&inner, wrappings - 1).map_err(|_| error),
        None => embedded(text).ok_or(error),
    }
}

/// The text that base64 stands for, in one line or many.
fn base64(text: &str) -> Option<String> {
    let text = text.replace('-', "+").replace('_', "/");
    let bytes = told::bytes_of(&text).filter(|bytes| !bytes.is_empty())?;
    String::from_utf8(bytes).ok()
}

/// JSON text that was cut out of another one, with `\"` for every quote.
fn unescaped(text: &str) -> Option<String> {
    text.contains("\\\"")
        .then(|| serde_json::from_str(&format!("\"{text}\"")).ok())?
}

/// The JSON objects between other text: what a command printed.
fn embedded(text: &str) -> Option<Value> {
    // Between YAML there may be a copy of an older state.
    if text.lines().any(|line| line.starts_with("apiVersion:")) {
        return None;
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let mut values = serde_json::Deserializer::from_str(&rest[at..]).into_iter();
        found.push(values.next()?.ok()?);
        rest = &rest[at + values.byte_offset()..];
    }
    match found.len() {
        0 => None,
        1 => found.pop(),
        _ => Some(Value::Array(found)),
    }
}

/// The value with every JSON text and every Kubernetes Secret in it opened.
fn opened(value: Value, wrappings: usize) -> Value {
    match value {
        Value::String(text) if wrappings > 0 => match inner(&text) {
            Some(inner) => opened(inner, wrappings - 1),
            None => Value::String(text),
        },
        Value::Array(items) => {
            let items = items.into_iter();
            items.map(|item| opened(item, wrappings)).collect()
        }
        Value::Object(members) => {
            let members = decoded(&members).unwrap_or(members).into_iter();
            members
                .map(|(name, value)| (name, opened(value, wrappings)))
                .collect()
        }
        value => value,
    }
}

/// The object or array that a text is.
fn inner(text: &str) -> Option<Value> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// The `data` of a Kubernetes Secret: all of it is base64, which no key in the
/// clear can be, because of the colon in its URLs.
fn decoded(members: &Members) -> Option<Members> {
    let decode = |(name, value): (&String, &Value)| Some((name.clone(), base64(value.as_str()?)?));
    let texts: Vec<_> = members.iter().map(decode).collect::<Option<_>>()?;
    let is_key = |text: &str| text.starts_with("http") || inner(text).is_some();
    let texts = Some(texts).filter(|texts| texts.iter().any(|(_, text)| is_key(text)))?;
    Some(
        texts
            .into_iter()
            .map(|(name, text)| (name, text.into()))
            .collect(),
    )
}

/// Adds every different key in a value.
fn collect(value: &Value, path: String, found: &mut Vec<Found>) {
    #[allow(
        clippy::collapsible_match,
        reason = "a key that was found before is no other object"
    )]
    match value {
        Value::Object(members) if is_key(members) => {
            if found.iter().all(|other| other.members != *members) {
                let members = members.clone();
                found.push(Found { path, members });
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                // What Kubernetes was asked for last is a copy, perhaps an old one.
                if name != "metadata" {
                    let dot = if path.is_empty() { "" } else { "." };
                    collect(value, format!("{path}{dot}{name}"), found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// Whether an object is a key: credentials in it, in its `uaa`, or beside the
/// address of the service in some other member.
fn is_key(members: &Members) -> bool {
    let has_id = |members: &Members| members.get("clientid").is_some_and(Value::is_string);
    let has_address = || members.contains_key("uri") || members.contains_key("endpoints");
    has_id(members)
        || members.get("uaa").is_some_and(Value::is_object)
        || has_address() && members.values().filter_map(Value::as_object).any(has_id)
}

/// What a text that holds no key looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The path of a file.
    Path,
    /// JSON whose end is missing.
    CutOff,
    /// YAML, or the text output of a tool.
    Yaml,
    /// Lines of `NAME=value`.
    Variables,
    /// A file in PEM form.
    Pem,
    /// A web page.
    Html,
    /// What a command said that had no key to print.
    Output,
    /// A binding of the Kubernetes operator, which names the Secret only.
    KubernetesBinding,
    /// A binding of Cloud Foundry without its credentials.
    CloudFoundryBinding,
    /// A binding of the BTP CLI without its credentials.
    BtpBinding,
}

impl Look {
    /// What a text looks like that is no JSON.
    pub(super) fn of_text(text: &str, error: &serde_json::Error) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}').trim();
        let first = text.lines().next().unwrap_or_default();
        let starts = |ends: char| {
            let (name, _) = first.split_once(ends)?;
            let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            (!name.is_empty() && name.chars().all(is_name)).then_some(())
        };
        if text.starts_with("-----BEGIN") {
            Some(Self::Pem)
        } else if text.starts_with('<') {
            Some(Self::Html)
        } else if text.starts_with('{') {
            error.is_eof().then_some(Self::CutOff)
        } else if text == first && is_path(first) {
            Some(Self::Path)
        } else if starts('=').is_some() {
            Some(Self::Variables)
        } else if starts(':').is_some() || first == "---" {
            Some(Self::Yaml)
        } else {
            first.contains(' ').then_some(Self::Output)
        }
    }

    /// What an object without credentials looks like.
    pub(super) fn of_object(members: &Members) -> Option<Self> {
        let has = |name: &str| members.contains_key(name);
        let kind = members.get("kind").and_then(Value::as_str);
        if matches!(kind, Some("ServiceBinding" | "ServiceInstance")) {
            Some(Self::KubernetesBinding)
        } else if has("guid") && has("links") {
            Some(Self::CloudFoundryBinding)
        } else if has("service_instance_id") {
            Some(Self::BtpBinding)
        } else {
            None
        }
    }
}

fn is_path(text: &str) -> bool {
    let is_word = !text.contains(char::is_whitespace) && !text.contains("://");
    text.to_ascii_lowercase().ends_with(".json") || is_word && text.contains(['/', '\\'])
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "the path of a file",
            Self::CutOff => "JSON whose end is missing",
            Self::Yaml => "YAML",
            Self::Variables => "lines of `NAME=value`",
            Self::Pem => "a file in PEM form",
            Self::Html => "a web page",
            Self::Output => "what a command printed without a service key",
            Self::KubernetesBinding => {
                "a Kubernetes resource that only names the Secret of the key"
            }
            Self::CloudFoundryBinding => "a Cloud Foundry binding without its credentials",
            Self::BtpBinding => "a BTP binding without its credentials",
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    use super::*;
    use crate::credentials::{
        CloudAlmKey, DestinationKey, OAuthClient, OrderManagementKey, ServiceKey,
    };

    fn destination() -> Value {
        json!({
            "clientid": "sb-d!b1|destination-xsappname!b9", "clientsecret": "d-s3cr3t$=~",
            "url": "https://acme.authentication.example", "xsappname": "d!b1|destination-xsappname!b9",
            "uri": "https://destination-configuration.example", "instanceid": "i-1",
        })
    }

    fn order_management() -> Value {
        json!({
            "endpoints": { "integration-monitoring-api": "https://omf.example/api/v1" },
            "uaa": {
                "clientid": "sb-o!b1", "clientsecret": "o-s3cr3t", "xsappname": "omf!b1",
                "url": "https://acme.authentication.example",
            },
        })
    }

    fn cloud_alm() -> Value {
        json!({
            "endpoints": { "Api": "https://alm.example/api" },
            "uaa": {
                "clientid": "sb-c!b1", "clientsecret": "c-s3cr3t",
                "url": "https://calm.authentication.example",
            },
        })
    }

    fn encoded(text: impl AsRef<[u8]>) -> String {
        STANDARD.encode(text)
    }

    /// Members as the operator for Kubernetes stores them: what is no text as
    /// JSON text.
    fn flat(key: &Value) -> Members {
        let members = key.as_object().unwrap().iter();
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        members
            .map(|(name, value)| (name.clone(), text(value).into()))
            .collect()
    }

    fn secret(data: &Members) -> Value {
        let encode = |value: &Value| Value::from(encoded(value.as_str().unwrap()));
        let data: Members = data
            .iter()
            .map(|(name, value)| (name.clone(), encode(value)))
            .collect();
        let applied = json!({ "kind": "Secret", "stringData": { "clientid": "old" } }).to_string();
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
            "metadata": {
                "name": "binding",
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": applied },
            },
        })
    }

    fn with(mut members: Members, name: &str, value: &str) -> Members {
        members.insert(name.to_owned(), value.into());
        members
    }

    fn in_lines(text: &str) -> String {
        let letters: Vec<char> = text.chars().collect();
        letters
            .chunks(76)
            .map(String::from_iter)
            .collect::<Vec<_>>()
            .join("\r\n")
    }

    /// Every form in which a key of one service comes, by the tool.
    fn forms(key: &Value) -> Vec<(&'static str, String)> {
        let pretty = serde_json::to_string_pretty(key).unwrap();
        let flat = flat(key);
        let metadata = r#"{"credentialProperties":[{"name":"uaa","format":"json"}]}"#;
        let operator = with(
            with(flat.clone(), ".metadata", metadata),
            "tags",
            r#"["sap"]"#,
        );
        let root =
            |inner: &Value| Members::from_iter([("myKey".to_owned(), inner.to_string().into())]);
        let whole = json!({ "instance_name": "i", "plan": "lite", "credentials": key });
        let mixed: Members = key
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .chain([("plan".into(), "lite".into())])
            .collect();
        vec![
            ("the cockpit", pretty.clone()),
            ("the cockpit, one line and a byte order mark", format!("\u{feff}{key}\r\n")),
            ("cf service-key, version 7", format!("Getting key k for service instance d as a.b@example.com...\n\n{pretty}\n")),
            ("cf service-key, version 8", format!("Getting key k for service instance d as me ...\n\n{}\n", json!({ "credentials": key }))),
            ("cf curl of a key of version 2", json!({ "metadata": { "guid": "g" }, "entity": { "name": "k", "credentials": key } }).to_string()),
            ("cf curl of the details of a binding", json!({ "credentials": key, "syslog_drain_url": null, "volume_mounts": [] }).to_string()),
            ("btp, as JSON", json!({ "id": "b", "ready": true, "service_instance_id": "i", "credentials": key }).to_string()),
            ("VCAP_SERVICES", json!({ "service": [{ "label": "l", "name": "n", "credentials": key }] }).to_string()),
            ("cf env, version 8", format!("Getting env variables for app a ...\nOK\n\nSystem-Provided:\nVCAP_SERVICES: {}\n\nVCAP_APPLICATION: {}\n\nNo user-provided env variables\n", json!({ "l": [{ "credentials": key }] }), json!({ "name": "a" }))),
            ("default-env.json", json!({ "VCAP_SERVICES": { "l": [{ "credentials": key }] } }).to_string()),
            ("an environment file", format!("PORT=1\nVCAP_SERVICES='{}'\n", json!({ "l": [{ "credentials": key }] }))),
            ("cf curl of the environment of an app", json!({ "system_env_json": { "VCAP_SERVICES": { "l": [{ "credentials": key }] } } }).to_string()),
            ("files of a binding, as one object", Value::Object(operator.clone()).to_string()),
            ("operator secret, decoded", Value::Object(flat.clone()).to_string()),
            ("kubectl get secret -o json", secret(&operator).to_string()),
            ("kubectl get secrets -o json, one", json!({ "kind": "List", "items": [secret(&flat)] }).to_string()),
            ("kubectl get secret -o jsonpath={.data}", secret(&operator)["data"].to_string()),
            ("operator with secretKey", secret(&with(root(key), "plan", "lite")).to_string()),
            ("operator with secretRootKey", secret(&root(&whole)).to_string()),
            ("operator with secretRootKey, flat", secret(&root(&Value::Object(mixed))).to_string()),
            ("operator with a secretTemplate", json!({ "kind": "Secret", "stringData": flat }).to_string()),
            ("one entry of a secret", encoded(&pretty)),
            ("base64 in lines", in_lines(&encoded(&pretty))),
            ("base64 without padding", STANDARD_NO_PAD.encode(format!("{key} "))),
            ("base64 for URLs", URL_SAFE.encode(&pretty)),
            ("jsonencode of a JSON text", Value::from(pretty.clone()).to_string()),
            ("cut out of a JSON text", pretty.replace('"', "\\\"").replace('\n', "\\n")),
            ("in quotes that a shell left", format!("'{key}'")),
            ("vault kv get -format=json", json!({ "data": { "data": flat, "metadata": { "version": 1 } } }).to_string()),
        ]
    }

    #[test]
    fn keys_of_every_service_are_read_in_every_form() {
        let same = |client: &OAuthClient, key: &Value| {
            let block = key.get("uaa").unwrap_or(key);
            let secret = client.client_secret().unwrap().expose_secret();
            client.client_id == block["clientid"] && secret == block["clientsecret"]
        };
        for (form, text) in forms(&destination()) {
            let key =
                DestinationKey::parse(&text).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert!(same(&key.oauth, &destination()), "{form}");
            assert_eq!(
                key.uri.host_str(),
                Some("destination-configuration.example"),
                "{form}"
            );
            assert_eq!(key.oauth.instance_id.as_deref(), Some("i-1"), "{form}");
        }
        for (form, text) in forms(&order_management()) {
            let key =
                OrderManagementKey::parse(&text).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert!(same(&key.oauth, &order_management()), "{form}");
            assert_eq!(
                key.endpoint("integration-monitoring-api").unwrap().as_str(),
                "https://omf.example/api/v1",
                "{form}"
            );
        }
        for (form, text) in forms(&cloud_alm()) {
            let key = CloudAlmKey::parse(&text).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert!(same(&key.oauth, &cloud_alm()), "{form}");
            assert_eq!(key.api, "https://alm.example/api", "{form}");
            let key = ServiceKey::parse(&text).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert!(same(&key.oauth, &cloud_alm()), "{form}");
        }
    }

    #[test]
    fn of_several_keys_the_one_of_the_service_is_taken() {
        let bound = |key: Value| json!([{ "name": "n", "credentials": key }]);
        let xsuaa = json!({ "clientid": "x", "clientsecret": "x", "url": "https://x.example" });
        let all = json!({ "VCAP_SERVICES": {
            "xsuaa": bound(xsuaa), "destination": bound(destination()),
            "omf": bound(order_management()), "sap-calm": bound(cloud_alm()),
        } });
        let text = all.to_string();
        assert_eq!(
            DestinationKey::parse(&text).unwrap().oauth.client_id,
            "sb-d!b1|destination-xsappname!b9"
        );
        assert_eq!(
            OrderManagementKey::parse(&text).unwrap().oauth.client_id,
            "sb-o!b1"
        );
        assert_eq!(
            CloudAlmKey::parse(&text).unwrap().oauth.client_id,
            "sb-c!b1"
        );

        let mut other = destination();
        other["clientsecret"] = "another-s3cr3t".into();
        let two =
            json!({ "destination": [{ "credentials": destination() }, { "credentials": other }] });
        assert_eq!(
            DestinationKey::parse(&two.to_string())
                .unwrap_err()
                .to_string(),
            "the Destination service key could be one of several: `destination[0].credentials`, \
             `destination[1].credentials`"
        );
        assert!(
            ServiceKey::parse(&text)
                .unwrap_err()
                .to_string()
                .starts_with("could be one of several: `VCAP")
        );
        // The same key twice is one.
        let twice = format!("{}\n{}", destination(), destination());
        DestinationKey::parse(&twice).unwrap();
    }

    #[test]
    fn what_holds_no_key_is_told_apart_and_not_quoted() {
        let yaml = "apiVersion: v1\nkind: Secret\ndata:\n  clientid: czNjcjN0\nmetadata:\n  annotations:\n    last: |\n      {\"clientid\":\"s3cr3t\",\"clientsecret\":\"s3cr3t\"}\n";
        let pretty = serde_json::to_string_pretty(&destination()).unwrap();
        let cut = &pretty[..pretty.len() - 20];
        for (text, expected) in [
            ("keys/destination.json", "looks like the path of a file"),
            (
                "C:\\Users\\My Name\\key.json",
                "looks like the path of a file",
            ),
            ("./key", "looks like the path of a file"),
            (cut, "looks like JSON whose end is missing"),
            (yaml, "looks like YAML"),
            ("---\nclientid: s3cr3t\n", "looks like YAML"),
            (
                "clientid: s3cr3t\nclientsecret: s3cr3t\n",
                "looks like YAML",
            ),
            (
                "clientid=s3cr3t\nclientsecret=s3cr3t\n",
                "looks like lines of `NAME=value`",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\ns3cr3t",
                "looks like a file in PEM form",
            ),
            (
                "<!doctype html><title>Log in</title>",
                "looks like a web page",
            ),
            (
                "Getting key k for service instance s3cr3t ...\nFAILED\n",
                "looks like what a command printed without a service key",
            ),
            (
                r#"{"kind":"ServiceBinding","spec":{"secretName":"s3cr3t"}}"#,
                "looks like a Kubernetes resource that only names the Secret of the key",
            ),
            (
                r#"{"guid":"s3cr3t","type":"key","links":{}}"#,
                "looks like a Cloud Foundry binding without its credentials",
            ),
            (
                r#"[{"id":"s3cr3t","ready":true,"service_instance_id":"i"}]"#,
                "looks like a BTP binding without its credentials",
            ),
            ("s3cr3t", "is not valid JSON (line 1, column 1)"),
            ("{clientid: s3cr3t}", "is not valid JSON (line 1, column 2)"),
            (" \n", "is empty"),
            ("null", "is not a JSON object"),
            ("[]", "is not a JSON object"),
            (r#"{"VCAP_SERVICES":{}}"#, "has no `uri`"),
        ] {
            let error = DestinationKey::parse(text).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("the Destination service key {expected}"),
                "{text}"
            );
            assert!(!error.contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn wrappings_end() {
        let mut text = destination().to_string();
        for _ in 0..20 {
            text = encoded(Value::from(text).to_string());
        }
        assert!(DestinationKey::parse(&text).is_err());
    }
}
