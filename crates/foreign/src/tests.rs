use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// As the token service makes them.
const SECRET: &str = "0c40b085-8a3e-4f8e-b1f3-2d9a7c0e5f61$fdbd27Qx_9kLmZ-3pW7yTq1vN8rJhG=";

fn show(text: &str, secrets: &[&str]) -> String {
    let known = Secrets::default();
    secrets.iter().for_each(|secret| known.keep(secret));
    known.show(&Foreign::new(text))
}

fn percent(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn each(text: &str, write: impl Fn(u32) -> String) -> String {
    text.chars().map(|one| write(one.into())).collect()
}

fn symbols(text: &str, write: impl Fn(u32) -> String) -> String {
    let one = |one: char| match one.is_ascii_alphanumeric() {
        true => one.to_string(),
        false => write(one.into()),
    };
    text.chars().map(one).collect()
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

type Encode = fn(&str) -> String;

/// The encodings that are promised to be seen through.
const ENCODINGS: &[(&str, Encode)] = &[
    ("plain", str::to_owned),
    ("JSON", json),
    ("JSON, every symbol", |text| {
        symbols(text, |one| format!("\\u{one:04x}"))
    }),
    ("JSON, every character", |text| {
        text.encode_utf16()
            .map(|unit| format!("\\u{unit:04X}"))
            .collect()
    }),
    ("JavaScript \\x", |text| {
        symbols(text, |one| match one {
            0..=255 => format!("\\x{one:02x}"),
            _ => format!("\\u{{{one:x}}}"),
        })
    }),
    ("\\u{}", |text| {
        symbols(text, |one| format!("\\u{{{one:x}}}"))
    }),
    ("\\U", |text| symbols(text, |one| format!("\\U{one:08x}"))),
    ("octal", |text| {
        symbols(text, |one| match one {
            0..=255 => format!("\\{one:03o}"),
            _ => format!("\\u{{{one:x}}}"),
        })
    }),
    ("percent", percent),
    ("small percent", |text| {
        symbols(text, |one| {
            percent(&char::from_u32(one).unwrap().to_string()).to_ascii_lowercase()
        })
    }),
    ("%u", |text| {
        symbols(text, |one| match one {
            0..=0xffff => format!("%u{one:04x}"),
            _ => String::new(),
        })
    }),
    ("form", |text| percent(text).replace("%20", "+")),
    ("HTML", html),
    ("HTML, numbers", |text| {
        symbols(text, |one| format!("&#{one};"))
    }),
    ("HTML, all numbers", |text| {
        each(text, |one| format!("&#{one:07};"))
    }),
    ("HTML, hexadecimal", |text| {
        symbols(text, |one| format!("&#x{one:X};"))
    }),
    ("HTML, names", |text| {
        text.replace('$', "&dollar;").replace('=', "&equals;")
    }),
    ("quoted-printable", |text| {
        let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("={byte:02X}"),
        };
        text.bytes().map(byte).collect()
    }),
];

/// Those that nothing may be wrapped around.
const PACKED: &[(&str, Encode)] = &[
    ("base64", |text| STANDARD.encode(text)),
    ("base64 without padding", |text| {
        STANDARD_NO_PAD.encode(text)
    }),
    ("base64 for URLs", |text| URL_SAFE_NO_PAD.encode(text)),
    ("base64 of id:secret", |text| {
        STANDARD.encode(format!("sb-x:{text}"))
    }),
    ("base64 of more", |text| {
        STANDARD.encode(format!("ab{text}c"))
    }),
    ("base64 of base64", |text| {
        STANDARD.encode(STANDARD.encode(format!("a{text}")))
    }),
    ("base64 of JSON", |text| {
        STANDARD.encode(json!({ "s": text }).to_string())
    }),
    ("hexadecimal", |text| {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }),
    ("bytes of Java", |text| {
        format!("{:?}", text.bytes().collect::<Vec<u8>>())
    }),
    ("upper case", str::to_ascii_uppercase),
    ("UTF-16", |text| {
        text.chars().flat_map(|one| [one, '\0']).collect()
    }),
    ("UTF-32", |text| {
        text.chars()
            .flat_map(|one| [one, '\0', '\0', '\0'])
            .collect()
    }),
    ("zero width", |text| {
        text.chars().flat_map(|one| [one, '\u{200b}']).collect()
    }),
    ("soft hyphens", |text| {
        text.chars().flat_map(|one| [one, '\u{ad}']).collect()
    }),
    ("bells", |text| {
        text.chars().flat_map(|one| [one, '\u{7}']).collect()
    }),
    ("colours", |text| {
        text.chars().map(|one| format!("{one}\u{1b}[0m")).collect()
    }),
    ("broken lines", |text| {
        text.chars().flat_map(|one| [one, '\n']).collect()
    }),
    ("pieces", |text| {
        let (one, other) = text.split_at(text.floor_char_boundary(text.len() / 2));
        format!("\"{one}\" + \"{other}\"")
    }),
    ("one byte wrong", |text| {
        let (one, other) = text.split_at(text.floor_char_boundary(text.len() / 2));
        format!("{one}\u{fffd}{other}")
    }),
];

/// Half of it, cut anywhere, is as good as the secret for who wants it.
const CUT: &[(&str, Encode)] = &[
    ("without the last character", |text| {
        text[..text.len() - 1].to_owned()
    }),
    ("without the first character", |text| text[1..].to_owned()),
    ("the first half", |text| text[..text.len() / 2].to_owned()),
    ("the last half", |text| text[text.len() / 2..].to_owned()),
    ("begin and end", |text| {
        let length = text.len();
        format!("{}…{}", &text[..length * 6 / 10], &text[length * 7 / 10..])
    }),
];

const OTHERS: [&str; 5] = [
    "a$b=c4e5f6g7h8",
    "a%5cb%25&amp;\\u0041xyz12345",
    "pass-wo_rd~1!*'()99",
    "q\"uo\\te&<x>+y/z1234",
    "two  words\tand\nlines 4711",
];

/// No six characters of the secret in a row are left.
fn shows(shown: &str, secret: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase()
    };
    let (shown, secret) = (letters(shown), letters(secret));
    (0..=secret.len().saturating_sub(PIECE_LEFT))
        .any(|at| shown.contains(&secret[at..at + PIECE_LEFT]))
}

const PIECE_LEFT: usize = 6;

#[test]
fn a_secret_is_hidden_in_every_encoding_and_in_one_inside_the_other() {
    let mut tried = 0;
    for secret in OTHERS.iter().chain([&SECRET]) {
        for (inner, encode) in ENCODINGS {
            let once = encode(secret);
            for (outer, encode) in ENCODINGS {
                // Nobody writes e-mails into URLs.
                let pair = [*inner, *outer];
                if pair.contains(&"quoted-printable") && !pair.contains(&"plain") {
                    continue;
                }
                let text = format!("refused: \"{}\" is wrong", encode(&once));
                let shown = show(&text, &[secret]);
                assert!(
                    shown.contains(MASK),
                    "{secret:?}, {inner} in {outer}: {shown}"
                );
                assert!(
                    !shows(&shown, secret),
                    "{secret:?}, {inner} in {outer}: {shown}"
                );
                tried += 1;
            }
        }
    }
    println!("{tried} texts");
}

#[test]
fn a_secret_is_hidden_where_it_is_packed_or_cut() {
    for (name, encode) in PACKED.iter().chain(CUT) {
        let text = format!("refused: {} is wrong", encode(SECRET));
        let shown = show(&text, &[SECRET]);
        assert!(shown.starts_with("refused: "), "{name}: {shown}");
        assert!(shown.contains(MASK), "{name}: {shown}");
        assert!(!shows(&shown, SECRET), "{name}: {shown}");
        let packed = encode(SECRET);
        if packed.len() < 300 && packed.is_ascii() {
            assert!(!shows(&shown, &packed), "{name}: {shown}");
        }
    }
}

#[test]
fn any_ten_letters_and_digits_in_a_row_are_hidden() {
    for start in 0..SECRET.len() - 16 {
        let piece = &SECRET[start..];
        let mut letters = 0;
        let end = piece.find(|one: char| {
            letters += usize::from(one.is_ascii_alphanumeric());
            letters > 10
        });
        let text = format!("got {}, sorry", &piece[..end.unwrap_or(piece.len())]);
        let shown = show(&text, &[SECRET]);
        assert_eq!(shown, "got (hidden), sorry", "{text}");
    }
}

#[test]
fn what_stands_around_a_secret_stays() {
    for secret in OTHERS.iter().chain([&SECRET]) {
        for encode in [json, percent, html, str::to_owned as Encode] {
            let text = format!("a \"{}\" b", encode(secret));
            let shown = show(&text, &[secret]);
            assert!(
                shown.starts_with("a \"") && shown.ends_with("\" b"),
                "{shown}"
            );
        }
    }
}

/// What a service says about what is no secret.
#[test]
fn nothing_else_is_hidden() {
    let secrets = [
        SECRET,
        "PW-of-the-destination-1",
        "Invalid subaccount certificate",
        "acme-Production-2024",
        "prod",
        "{\"registration\":\"IntegrationMonitoring\"}",
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUe3pX\n-----END CERTIFICATE-----\n",
    ];
    for text in [
        "The certificate client.p12 does not exist in the account",
        "PRODUCT ID missing",
        "Configuration with the specified name was not found: destination CloudALM",
        "the name of the destination is wrong",
        "production-eu10: https://api.cf.eu10.hana.ondemand.com/v1/subaccountDestinations",
        "invalid_token: The token expired",
        "unauthorized: Bad credentials",
        "error=\"invalid_token\", error_description=\"The token expired\"",
        "Client secret: wrong. Password: missing. Basic access is off.",
        "Bearer token is missing",
        "-----BEGIN CERTIFICATE----- is missing",
        "0c40b085 is no id; 4f8e-b1f3-2 neither",
        "tokenServiceURLType=Dedicated&token_type=bearer",
        "",
        "\\ % & = %zz &# \\u12 =",
    ] {
        assert_eq!(show(text, &secrets), text.trim());
    }
}

#[test]
fn a_short_secret_is_hidden_as_a_word_of_its_own() {
    let shown = |text| show(text, &["acme", "Xk9$Lm2q", "%&§!?"]);
    assert_eq!(
        shown("acme, acmes, acme-orders"),
        "(hidden), acmes, (hidden)"
    );
    assert_eq!(
        shown("got 'Xk9%24Lm2q' and Xk9$Lm2qq"),
        "got '(hidden)' and Xk9$Lm2qq"
    );
    assert_eq!(shown("got %&§!? here"), "got (hidden) here");
    for nothing in ["", " ", "abc", "true", "NULL", "\n\n\n\n\n"] {
        assert_eq!(show("a true abc null", &[nothing]), "a true abc null");
    }
}

#[test]
fn a_piece_of_a_long_file_is_hidden_and_nothing_else() {
    let byte = |index: u32| (index.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0];
    let content = STANDARD.encode((0..30_000).map(byte).collect::<Vec<u8>>());
    let text = format!(
        "Content \"{}\" of certificate.pem is wrong",
        &content[500..530]
    );
    let expected = "Content \"(hidden)\" of certificate.pem is wrong";
    assert_eq!(show(&text, &[&content]), expected);
    let harmless = "Invalid certificate: authentication of subaccountCertificates";
    assert_eq!(show(harmless, &[&content]), harmless);
}

#[test]
fn what_nobody_knows_is_hidden_by_the_name_before_it() {
    for (text, expected) in [
        ("password=swordfish&x=1", "password=(hidden)&x=1"),
        (
            r#"{"Name":"c","Password":"sword\"fish, \\ and"}"#,
            r#"{"Name":"c","Password":"(hidden)"}"#,
        ),
        (
            r#"{\"clientSecret\":\"sword\\\"fish\"}"#,
            r#"{\"clientSecret\":\"(hidden)\"}"#,
        ),
        (
            "client_secret%3Dswordfish%26x",
            "client_secret%3D(hidden)%26x",
        ),
        ("<token>swordfish</token>", "<token>(hidden)</token>"),
        ("X-Api-Key: sword-fish1", "X-Api-Key: (hidden)"),
        (
            "Authorization: Bearer 0123456789abcdef0123",
            "Authorization: Bearer (hidden)",
        ),
        (
            "got 'eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln', sorry",
            "got '(hidden)', sorry",
        ),
    ] {
        assert_eq!(show(text, &[]), expected);
    }
}

#[test]
fn what_a_terminal_obeys_is_visible_in_one_short_line() {
    assert_eq!(show("a\n\tb\r\nc", &[]), "a b c");
    assert_eq!(
        show(
            "\u{1b}[31m\u{9b}2J\u{7}\0 \u{202e}x\u{200b}\u{2066}\u{feff}\u{2028}x",
            &[]
        ),
        r"\u{1b}[31m\u{9b}2J\u{7}\u{0} \u{202e}x\u{200b}\u{2066}\u{feff} x"
    );
    let long = show(&"ü".repeat(20_000), &[]);
    assert_eq!(long.chars().count(), LONGEST + 1);
    assert!(long.ends_with('…'));
}

#[test]
fn an_identifier_is_what_it_says_or_nothing() {
    let known = Secrets::default();
    known.keep(SECRET);
    let identifier = |text: &str| known.identifier(&Foreign::new(text));
    assert_eq!(identifier("sub-1 ü").as_deref(), Some("sub-1 ü"));
    for bad in [
        "",
        "a\nb",
        "a\u{1b}[0m",
        "\u{202e}a",
        &"x".repeat(257),
        SECRET,
    ] {
        assert_eq!(identifier(bad), None, "{bad}");
    }
}

#[test]
fn nothing_of_the_other_side_is_in_a_debug_form() {
    let known = Secrets::default();
    known.keep(SECRET);
    let shown = format!("{:?} {known:?}", Foreign::new(SECRET));
    assert_eq!(shown, "Foreign Secrets");
}

#[test]
fn a_text_full_of_beginnings_is_read_within_a_second() {
    for piece in [
        "\\", "%5c", "%25", "&amp;", "%", "&#", "\\u00", " ", "a", "12, ", "AAAA", "=\n",
    ] {
        let text = piece.repeat(1 << 15);
        drop(show(&text, &[SECRET]));
    }
}

proptest! {
    #[test]
    fn any_long_secret_is_hidden_in_any_surroundings(
        secret in "[a-zA-Z0-9$=+/!\"&<>ä -]{6,20}[0-9]{4}[A-Z][a-z]{5}",
        before in "[ -~ü]{0,20}", after in "[ -~ü]{0,20}",
        (_, encode) in proptest::sample::select(&ENCODINGS[..12]),
    ) {
        let text = format!("{before} {} {after}", encode(&secret));
        prop_assert!(show(&text, &[&secret]).contains(MASK));
    }

    #[test]
    fn no_text_panics(text in ".*", secret in ".*") {
        drop(show(&text, &[&secret]));
    }
}

#[test]
fn a_beginning_ends_between_characters() {
    assert_eq!(visible_beginning("äöü", 6), "äöü");
    assert_eq!(visible_beginning("äöü", 5), "äö…");
    assert_eq!(visible_beginning("\u{1b}\u{1b}", 6), "\\u{1b}…");
}
