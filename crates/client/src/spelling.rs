//! Finds a secret in a text however the text spells it.
//!
//! Services quote the request that they refuse: as JSON, as a form, as part of a
//! URL, in an HTML page, and one inside the other; each library escapes other
//! characters. The usual spellings are masked where they stand. For all others
//! text and secret are decoded until nothing is left to decode: where the secret
//! shows then, the whole text is hidden, because nobody can tell where it stood.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use url::form_urlencoded;

/// Encodings inside each other that are undone.
const LAYERS: usize = 6;

/// A secret that is this short when it is decoded would hide everything.
const SHORTEST: usize = 4;

/// The text with `mask` in the place of each secret, or of all of it.
pub(crate) fn masked<'a>(text: &'a str, secrets: &[&str], mask: &str) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    let secrets = secrets.iter().map(|secret| secret.trim());
    let secrets: Vec<&str> = secrets.filter(|secret| !secret.is_empty()).collect();
    for spelling in secrets.iter().flat_map(|secret| spellings(secret)) {
        if text.contains(&*spelling) {
            text = Cow::Owned(text.replace(&*spelling, mask));
        }
    }
    let shown = decoded(&text);
    let is_shown = |form: &str| {
        let form = decoded(form);
        form.chars().count() >= SHORTEST && shown.contains(&form)
    };
    let hides_more = secrets.iter().any(|secret| {
        is_shown(secret) || is_shown(&base64(secret)) || is_shown(&base64_of_urls(secret))
    });
    if hides_more {
        return Cow::Owned(mask.to_owned());
    }
    text
}

/// A secret as it is, and as JSON, URLs, forms, HTML and headers write it.
fn spellings(secret: &str) -> [Cow<'_, str>; 7] {
    let json = Value::from(secret).to_string();
    let inside = json.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    [
        Cow::Borrowed(secret),
        Cow::Owned(inside.unwrap_or(secret).to_owned()),
        Cow::Owned(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()),
        Cow::Owned(form),
        Cow::Owned(html(secret)),
        base64(secret),
        base64_of_urls(secret),
    ]
}

fn base64(secret: &str) -> Cow<'_, str> {
    Cow::Owned(STANDARD_NO_PAD.encode(secret))
}

fn base64_of_urls(secret: &str) -> Cow<'_, str> {
    Cow::Owned(URL_SAFE_NO_PAD.encode(secret))
}

const ENTITIES: [(&str, &str); 6] = [
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&apos;", "'"),
];

fn html(text: &str) -> String {
    let escape = |text: String, (entity, plain): &(&str, &str)| text.replace(plain, entity);
    ENTITIES[..5].iter().fold(text.to_owned(), escape)
}

/// A text without any encoding that is left in it, and without white space.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..LAYERS {
        let next = decoded_once(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn decoded_once(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let (decoded, after) = match character {
            '\\' => escape(rest),
            '&' => entity(rest),
            _ => None,
        }
        .unwrap_or((Some(character), &rest[character.len_utf8()..]));
        result.extend(decoded.filter(|one| !one.is_whitespace() && *one != '+'));
        rest = after;
    }
    percent_decode_str(&result)
        .decode_utf8_lossy()
        .chars()
        .filter(|one| !one.is_whitespace() && *one != '+')
        .collect()
}

/// What an escape with a backslash at the beginning stands for, and what
/// follows it. A backslash that begins no escape of its own stands for nothing.
fn escape(text: &str) -> Option<(Option<char>, &str)> {
    let body = text.strip_prefix('\\')?;
    if let Some((unit, after)) = unicode_unit(body) {
        // Two units make one character beyond the first 65,536.
        let second = after.starts_with('\\').then(|| {
            let body = after.trim_start_matches('\\');
            unicode_unit(body)
        });
        if let Some(Some((low, after))) = second
            && let Some(Ok(character)) = char::decode_utf16([unit, low]).next()
            && character.len_utf16() == 2
        {
            return Some((Some(character), after));
        }
        return Some((char::from_u32(u32::from(unit)), after));
    }
    Some(match body.strip_prefix(['n', 'r', 't', 'b', 'f']) {
        Some(after) => (None, after),
        None => (None, body),
    })
}

/// `uXXXX` at the beginning, and what follows it.
fn unicode_unit(text: &str) -> Option<(u16, &str)> {
    let (digits, after) = text.strip_prefix('u')?.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, after))
}

/// What a reference of HTML at the beginning stands for, and what follows it.
fn entity(text: &str) -> Option<(Option<char>, &str)> {
    for (entity, plain) in ENTITIES {
        if let Some(after) = text.strip_prefix(entity) {
            return Some((plain.chars().next(), after));
        }
    }
    let body = text.strip_prefix("&#")?;
    let end = body.bytes().take(9).position(|byte| byte == b';')?;
    let number = body.get(..end)?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    Some((char::from_u32(code.ok()?), body.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MASK: &str = "(hidden)";

    fn form(text: &str) -> String {
        form_urlencoded::byte_serialize(text.as_bytes()).collect()
    }

    fn json(text: &str) -> String {
        let quoted = Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    }

    /// As Gson and Go write JSON: nothing that HTML could misread.
    fn careful_json(text: &str) -> String {
        [
            ('=', r"\u003d"),
            ('&', r"\u0026"),
            ('<', r"\u003C"),
            ('\'', r"\u0027"),
        ]
        .iter()
        .fold(json(text), |text, (plain, escaped)| {
            text.replace(*plain, escaped)
        })
    }

    fn ascii_json(text: &str) -> String {
        let unit = |unit: u16| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        };
        json(text).encode_utf16().map(unit).collect()
    }

    fn percent(text: &str) -> String {
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
    }

    fn small_percent(text: &str) -> String {
        let bytes = text.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02x}"),
        });
        bytes.collect()
    }

    type Encode = fn(&str) -> String;
    const ENCODINGS: [(&str, Encode); 10] = [
        ("plain", |text| text.to_owned()),
        ("JSON", json),
        ("careful JSON", careful_json),
        ("ASCII JSON", ascii_json),
        ("form", form),
        ("percent", percent),
        ("small percent", small_percent),
        ("HTML", html),
        ("base64", |text| STANDARD_NO_PAD.encode(text)),
        ("base64 for URLs", |text| URL_SAFE_NO_PAD.encode(text)),
    ];
    const SECRETS: [&str; 6] = [
        "a$b=c",
        "a%5cb%25&amp;\\u0041",
        "pass-wo_rd~1!*'()",
        "q\"uo\\te&<x>+y/z",
        "über\u{1f511}schlüssel",
        "two  words\tand\nlines",
    ];

    #[test]
    fn a_secret_is_hidden_in_every_encoding_and_in_one_inside_the_other() {
        for secret in SECRETS {
            for (inner, encode) in ENCODINGS {
                let once = encode(secret);
                for (outer, encode) in &ENCODINGS[..8] {
                    let text = format!("refused: \"{}\" is wrong", encode(&once));
                    let hidden = masked(&text, &[secret], MASK);
                    assert!(
                        hidden == MASK || hidden == "refused: \"(hidden)\" is wrong",
                        "{secret:?} as {inner} in {outer}: {hidden}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_usual_spellings_are_masked_where_they_stand() {
        for secret in SECRETS {
            for encode in [json, form, percent, html, |text: &str| text.to_owned()] {
                let text = format!("refused: \"{}\" is wrong", encode(secret));
                let hidden = masked(&text, &[secret], MASK);
                assert_eq!(hidden, "refused: \"(hidden)\" is wrong", "{secret:?}");
            }
        }
    }

    #[test]
    fn what_is_not_the_secret_stays() {
        for text in [
            "",
            "abc",
            "a b d e\\",
            "%61%62",
            "&#97;&#98;x",
            r"\\\\",
            "%",
            "&#",
        ] {
            assert_eq!(masked(text, &["abcd"], MASK), text);
        }
        for nothing in ["", " ", "\n", "\\\\"] {
            assert_eq!(masked("a b\nc", &[nothing], MASK), "a b\nc");
        }
    }

    #[test]
    fn a_text_full_of_beginnings_is_read_once_per_layer() {
        for piece in ["\\", "%5c", "%25", "&amp;", "%", "&#", "\\u00", " ", "a"] {
            let text = piece.repeat(1 << 15);
            assert_eq!(masked(&text, &["abcd"], MASK), text);
        }
    }

    proptest! {
        #[test]
        fn any_secret_is_hidden_in_any_surroundings(
            secret in "[a-zA-Z0-9$=+/!\"&<>ä\u{1f511} -]{6,30}",
            before in "[ -$\\,-\\[\\]-~ü]{0,20}", after in "[ -~ü]{0,20}",
            (_, encode) in proptest::sample::select(&ENCODINGS[..8]),
        ) {
            let decoded = decoded(&secret);
            prop_assume!(decoded.chars().count() >= SHORTEST);
            let text = format!("{before} {} {after}", encode(&secret));
            prop_assert!(masked(&text, &[&secret], MASK).contains(MASK));
        }

        #[test]
        fn no_text_panics(text in ".*", secret in ".*") {
            drop(masked(&text, &[&secret], MASK));
        }
    }
}
