//! SAP's own words in an answer, found wherever a service puts them.

use foreign::Foreign;
use serde_json::Value;

/// What an answer's body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// The message.
    pub(crate) text: Option<Foreign>,
    /// It stands in the Destination service's own `ErrorMessage`.
    pub(crate) error_message: bool,
    /// OAuth's `error`, a fixed word such as `invalid_scope`.
    pub(crate) oauth_code: Option<Foreign>,
}

/// Finds the message in a body: `ErrorMessage`, OAuth's `error` with
/// `error_description`, an `OData` error, `message`, or the bare text. JSON that
/// breaks off is no text: it may hold the secrets of anybody's objects.
pub(crate) fn find(body: &[u8]) -> Words {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => {
            let error_message = object.get("ErrorMessage").and_then(Value::as_str);
            Words {
                text: error_message
                    .map(str::to_owned)
                    .or_else(|| in_object(&object))
                    .map(Foreign::new),
                error_message: error_message.is_some(),
                oauth_code: object
                    .get("error")
                    .and_then(Value::as_str)
                    .map(Foreign::new),
            }
        }
        Ok(Value::String(bare)) => Words::text(bare),
        Ok(_) => Words::default(),
        Err(_) if text.is_empty() || text.starts_with(['{', '[']) => Words::default(),
        Err(_) => Words::text(text.to_owned()),
    }
}

impl Words {
    fn text(text: String) -> Self {
        Self {
            text: Some(Foreign::new(text)),
            ..Self::default()
        }
    }
}

fn in_object(object: &serde_json::Map<String, Value>) -> Option<String> {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    match object.get("error") {
        Some(Value::String(error)) => Some(match text("error_description") {
            Some(description) => format!("{error}: {description}"),
            None => error.clone(),
        }),
        Some(Value::Object(odata)) => {
            let part = |name: &str| match odata.get(name) {
                Some(Value::String(text)) => Some(text.clone()),
                // `OData` v2 wraps the text once more: `{"lang", "value"}`.
                Some(Value::Object(wrapped)) => wrapped
                    .get("value")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            };
            match (part("code"), part("message")) {
                (Some(code), Some(message)) => Some(format!("{code}: {message}")),
                (code, message) => message.or(code),
            }
        }
        _ => ["message", "Message", "description", "status", "text"]
            .iter()
            .find_map(|name| text(name))
            .map(str::to_owned),
    }
}

/// The title of an HTML page.
pub(crate) fn html_title(body: &[u8]) -> Option<Foreign> {
    let page = String::from_utf8_lossy(body);
    // ASCII only, so that the positions fit the original.
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let title = page.get(start..end)?.trim();
    (!title.is_empty()).then(|| Foreign::new(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> Option<Foreign> {
        find(body.as_bytes()).text
    }

    #[test]
    fn message_is_found_in_every_known_form() {
        let known = [
            (r#"{"ErrorMessage":"Duplicate key","x":1}"#, "Duplicate key"),
            (
                r#"{"error":"invalid_scope","error_description":"a is bad"}"#,
                "invalid_scope: a is bad",
            ),
            (r#"{"error":"unauthorized"}"#, "unauthorized"),
            (
                r#"{"error":{"code":"403","message":"no access"}}"#,
                "403: no access",
            ),
            (
                r#"{"error":{"code":4,"message":{"lang":"en","value":"no"}}}"#,
                "4: no",
            ),
            (r#"{"error":{"message":"only this"}}"#, "only this"),
            (r#"{"message":"done"}"#, "done"),
            (r#""bare JSON string""#, "bare JSON string"),
            ("  Not Found\n", "Not Found"),
        ];
        for (body, expected) in known {
            assert_eq!(text(body), Some(Foreign::new(expected)), "{body}");
        }
        for silent in ["", "  ", "[]", "17", "{}", r#"{"error":{}}"#] {
            assert_eq!(text(silent), None, "{silent}");
        }
    }

    #[test]
    fn only_error_message_is_the_destination_services_own_word() {
        assert!(find(br#"{"ErrorMessage":"gone"}"#).error_message);
        assert!(!find(br#"{"error":"gone"}"#).error_message);
        assert!(!find(b"ErrorMessage").error_message);
        assert!(!find(br#"{"ErrorMessage":404}"#).error_message);
    }

    #[test]
    fn json_that_breaks_off_is_no_text_to_show() {
        for body in [
            r#"{"Name":"other","clientSecret":"s3cr3t"#,
            r#" [{"Name":"other","Password":"s3cr3t"},"#,
            r#"{"Name":"other","Password":"s3cr3t"} trailing"#,
        ] {
            assert_eq!(text(body), None, "{body}");
        }
    }

    #[test]
    fn html_title_is_found() {
        let page = b"<!doctype html><HEAD><Title lang='en'> Log On </TITLE></HEAD>";
        assert_eq!(html_title(page), Some(Foreign::new("Log On")));
        assert_eq!(html_title(b"<html><title></title>"), None);
        assert_eq!(html_title(b"<title>never ends"), None);
        assert_eq!(html_title(b"<p>none</p>"), None);
    }
}
