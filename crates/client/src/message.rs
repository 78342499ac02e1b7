//! SAP's own words in an answer: found, masked and shortened for people.
//!
//! Every text of a service that reaches an error, a state or a log passes
//! through [`clean`]. How a secret is recognised in it, however it is spelled,
//! is the business of [`super::spelling`]; a piece of a long one is found by
//! [`super::fragments`].

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use super::{fragments, spelling};

/// Longest text that is shown, in characters.
const MAX_CHARACTERS: usize = 500;

/// What stands in the place of a secret.
const MASK: &str = "(hidden)";

/// What an answer's body says.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// The message, unmasked and of any length.
    pub(crate) text: Option<String>,
    /// It stands in the Destination service's own `ErrorMessage`.
    pub(crate) error_message: bool,
    /// OAuth's `error`, a fixed word such as `invalid_scope`.
    pub(crate) oauth_code: Option<String>,
}

/// The text is not masked yet, so it is not shown.
impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words")
            .field("error_message", &self.error_message)
            .finish_non_exhaustive()
    }
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
                    .or_else(|| in_object(&object)),
                error_message: error_message.is_some(),
                oauth_code: object
                    .get("error")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
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
            text: Some(text),
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
pub(crate) fn html_title(body: &[u8]) -> Option<String> {
    let page = String::from_utf8_lossy(body);
    // ASCII only, so that the positions fit the original.
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let title = page.get(start..end)?.trim();
    (!title.is_empty()).then(|| title.to_owned())
}

/// Masks secrets, makes one line of it, and shortens it.
pub(crate) fn clean<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) -> String {
    let mut secrets: Vec<&str> = secrets
        .into_iter()
        .filter(|s| s.chars().count() >= 4)
        .collect();
    // Longest first: one secret may be a part of another.
    secrets.sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
    secrets.dedup();
    let text = spelling::masked(text, &secrets, MASK);
    let text = fragments::masked(&text, &secrets, MASK);
    let words: Vec<Cow<'_, str>> = text.split_whitespace().map(mask_tokens).collect();
    shorten(&mask_schemes(&words))
}

/// Hides everything in a word that looks like a JSON web token.
fn mask_tokens(word: &str) -> Cow<'_, str> {
    let Some(start) = word.find("eyJ") else {
        return Cow::Borrowed(word);
    };
    let (before, token) = word.split_at(start);
    let end = token
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=')))
        .unwrap_or(token.len());
    let (token, after) = token.split_at(end);
    let token = if token.len() > 16 { MASK } else { token };
    Cow::Owned(format!("{before}{token}{}", mask_tokens(after)))
}

/// Hides what follows `Bearer` and `Basic`, and joins the words.
fn mask_schemes(words: &[Cow<'_, str>]) -> String {
    let mut line = String::new();
    let mut hide = false;
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        // A short word after "Basic" or "Bearer" is prose, not a credential.
        line.push_str(if hide && word.len() >= 16 { MASK } else { word });
        let ending = word
            .trim_start_matches(['"', '\'', '`'])
            .to_ascii_lowercase();
        hide = ending.ends_with("bearer") || ending.ends_with("basic");
    }
    line
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> Option<String> {
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
            assert_eq!(text(body).as_deref(), Some(expected), "{body}");
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
    fn secrets_are_masked_also_when_encoded() {
        let cleaned = clean("a pass$word b pass%24word c", ["pass$word"]);
        assert_eq!(cleaned, "a (hidden) b (hidden) c");
        assert_eq!(clean("abcdef abc", ["abcd", "abcdef"]), "(hidden) abc");
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
    fn debug_shows_no_text_that_is_not_masked_yet() {
        let words = find(br#"{"error":"s3cr3t","error_description":"s3cr3t"}"#);
        assert!(!format!("{words:?}").contains("s3cr3t"));
    }

    #[test]
    fn tokens_and_credentials_are_masked_without_knowing_them() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln";
        assert_eq!(
            clean(&format!("got '{token}', sorry"), []),
            "got '(hidden)', sorry"
        );
        assert_eq!(
            clean(r#"{"value":"Bearer 0123456789abcdef0123"}"#, []),
            r#"{"value":"Bearer (hidden)"#,
        );
        assert_eq!(clean("Basic access is off", []), "Basic access is off");
        assert_eq!(
            clean("Bearer token is missing", []),
            "Bearer token is missing"
        );
    }

    #[test]
    fn text_becomes_one_short_line() {
        assert_eq!(clean("a\n\tb\r\nc", []), "a b c");
        let long = clean(&"ü".repeat(2000), []);
        assert_eq!(long.chars().count(), MAX_CHARACTERS + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn secret_that_the_cut_would_halve_is_masked_before() {
        let cleaned = clean(
            &format!("{} secret-value", "x".repeat(490)),
            ["secret-value"],
        );
        assert!(!cleaned.contains("secret"), "{cleaned}");
    }

    #[test]
    fn html_title_is_found() {
        let page = b"<!doctype html><HEAD><Title lang='en'> Log On </TITLE></HEAD>";
        assert_eq!(html_title(page).as_deref(), Some("Log On"));
        assert_eq!(html_title(b"<html><title></title>"), None);
        assert_eq!(html_title(b"<title>never ends"), None);
        assert_eq!(html_title(b"<p>none</p>"), None);
    }

    proptest::proptest! {
        #[test]
        fn cleaning_never_panics_and_never_shows_the_secret(
            before in ".*", after in ".*", secret in "[a-zA-Z0-9$=+/]{6,40}",
        ) {
            let cleaned = clean(&format!("{before}{secret}{after}"), [secret.as_str()]);
            let shown = !before.contains(&secret) && cleaned.contains(&secret);
            proptest::prop_assert!(!shown, "{}", cleaned);
        }
    }
}
