//! Every call against services that put a text into every part of every answer, on
//! both versions of HTTP: a secret shows nowhere, and what is none is never hidden.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::testing::{Reply, Server, TestClient, answer, jwt, test_client};
use super::{
    CertificateFile, CertificateSource, Changes, Collection as _, Config, DestinationKey, KeyKind,
    LandscapeQuery, Level, ListFilter, Properties,
};

/// As the token service makes them.
const SECRET: &str = "7c40b085-8a3e-4f8e$fdbd27Qx_9kLmZ-3pW7yTq1vN8rJhG5";
/// The same shape, and nobody's secret.
const PLAIN: &str = "3f91d7aa-0b2c-4c1d$Zz81kQw_5tYuI-9oP4aSd6fGh2jKl7x";

fn percent(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The text in some of the encodings that are promised to be seen through; the
/// table of all is `foreign`'s.
fn spellings(text: &str) -> [String; 6] {
    [
        text.to_owned(),
        percent(text),
        percent(&text.replace('$', "\\u0024")),
        text.replace('$', "&#36;"),
        STANDARD.encode(format!("sb-client:{text}")),
        text.chars().flat_map(|one| [one, '\u{200b}']).collect(),
    ]
}

/// What a service can say with the text in it.
fn bodies(text: &str) -> Vec<String> {
    let object = json!({
        "Name": "a", "Type": text, "Description": text, "owner": { "InstanceId": text },
        "authTokens": [{ "error": text, "type": text }], "lmsId": text, "name": text,
        "message": text, "Content": text, "scope": text,
        "$metadata": { "etag": text, "labels": [{ "key": text, "values": [text] }] },
    });
    let mut named = object.clone();
    named[text] = text.into();
    [
        json!({ "ErrorMessage": text }),
        json!({ "error": text, "error_description": text }),
        json!({ "error": { "code": text, "message": { "value": text } } }),
        json!([object]),
        object,
        json!([named]),
        named,
        json!([{ "Name": text }]),
        json!([{ "key": text, "values": [text] }]),
        Value::from(text),
    ]
    .iter()
    .map(Value::to_string)
    .chain([
        text.to_owned(),
        format!("<html><title>{text}</title>"),
        format!("{{\"{text}"),
    ])
    .collect()
}

/// Every answer over HTTP/1.1 with the text in every part of it.
fn replies(text: &str) -> Vec<Reply> {
    let mut replies = Vec::new();
    for body in bodies(text) {
        for status in [200, 201, 206, 302, 400, 403, 404, 405, 409, 412, 500] {
            replies.push(answer(status, &body));
        }
    }
    if text.is_ascii() {
        for name in [
            "x-cf-routererror",
            "location",
            "etag",
            "link",
            "content-type",
            "retry-after",
        ] {
            for status in [200, 302, 404, 503] {
                replies.push(answer(status, r#"{"Name":"a"}"#).with(name, text));
            }
        }
        let host = text.replace(['$', '_', '%', ':', '&', '#', ';'], "-");
        replies.push(answer(302, "").with("location", &format!("https://{host}.example/")));
        for head in [
            format!("HTTP/1.1 400 {text}\r\nContent-Length: 0\r\n\r\n"),
            format!("HTTP/1.1 {text}\r\n\r\n"),
            format!("{text}\r\n\r\n"),
            format!("HTTP/1.1 200 OK\r\nContent-Length: {text}\r\n\r\n"),
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{text}\r\n"),
        ] {
            replies.push(Reply::Raw(head));
        }
    }
    replies
}

/// A token that says the text in every claim.
fn token(text: &str) -> Reply {
    let claims = json!({
        "zid": text, "app_tid": text, "scope": [text],
        "ext_attr": { "subaccountid": text, "serviceinstanceid": text, "zdn": text },
    });
    let token = json!({
        "access_token": jwt(&claims.to_string()), "token_type": text, "expires_in": 43200,
        "scope": text, "jti": text,
    });
    answer(200, &token.to_string())
}

/// Everything that every call gives to be shown or kept.
async fn all_calls(test: &TestClient) -> Vec<String> {
    let context = &test.context;
    let destinations = test.client.destinations().unwrap();
    let certificates = test.client.destination_certificates().unwrap();
    let order_management = test.client.order_management().unwrap();
    let landscape = test.client.landscape().unwrap();
    let level = Level::Subaccount;
    let properties = Properties::from_iter([("Name".to_owned(), "a".to_owned())]);
    let changes = Changes::from_iter([("URL".to_owned(), Some("https://x.example".to_owned()))]);
    let file = CertificateSource::File(CertificateFile::from_bytes(b"a file"));
    let labels = super::Labels::default();
    let mut shown = Vec::new();
    macro_rules! show {
        ($call:expr) => {
            match $call.await {
                Ok(told) => shown.push(format!("{told:?}")),
                Err(error) => shown.push(format!("{error} {error:?}")),
            }
        };
    }
    show!(destinations.find_now(context, level, "a"));
    show!(destinations.list(context, level, &ListFilter::All));
    show!(destinations.page(context, level, 1, 100));
    show!(destinations.create(context, level, &properties));
    show!(destinations.patch(context, level, "a", None, &changes));
    show!(destinations.labels(context, level, "a"));
    show!(destinations.set_labels(context, level, "a", &labels));
    show!(destinations.check_token(context, level, "a"));
    show!(destinations.delete(context, level, "a"));
    show!(certificates.find(context, level, "a.pem"));
    show!(certificates.create(context, level, "a.pem", &file));
    show!(certificates.replace(context, level, "a.pem", &file));
    show!(certificates.delete(context, level, "a.pem"));
    show!(order_management.register(context, None, None));
    show!(order_management.offboard(context, None));
    show!(landscape.objects(context, &LandscapeQuery::default()));
    shown
}

/// A client that has the secret as a header of Order Management's calls, and as
/// its token.
fn client(mut config: Config) -> TestClient {
    let headers = &mut config.order_management_api.headers;
    headers.insert("X-Own".to_owned(), SECRET.into());
    config.retry.max_retries = 0;
    test_client(config)
}

/// Of the text no ten letters in a row are in what is shown.
fn count_hits(shown: &[String], text: &str) -> usize {
    let letters =
        |text: &str| -> String { text.chars().filter(char::is_ascii_alphanumeric).collect() };
    let text = letters(text);
    let pieces = || (0..=text.len() - 10).map(|start| &text[start..start + 10]);
    let is_hit = |shown: &&String| {
        let shown = letters(shown);
        pieces().any(|piece| shown.contains(piece))
    };
    let hits: Vec<&String> = shown.iter().filter(is_hit).collect();
    assert!(hits.is_empty(), "{hits:#?}");
    hits.len()
}

/// A server that gives these tokens and, to everything else, what it is told.
async fn server(tokens: Reply) -> (Server, Arc<Mutex<Reply>>) {
    let next = Arc::new(Mutex::new(tokens.clone()));
    let told = Arc::clone(&next);
    let server = Server::handler(move |request| match request.is_token() {
        true => tokens.clone(),
        false => told.lock().unwrap().clone(),
    });
    (server.await, next)
}

/// What is shown of every call that gets each of these answers.
async fn all_answers(text: &str, replies: impl IntoIterator<Item = Reply>) -> Vec<String> {
    let (server, next) = server(token(text)).await;
    let caller = client(server.config());
    let mut shown = Vec::new();
    for reply in replies {
        *next.lock().unwrap() = reply;
        shown.extend(all_calls(&caller).await);
    }
    println!("{} answers, {} texts", server.all().len(), shown.len());
    shown
}

#[tokio::test]
async fn a_secret_that_comes_back_in_any_part_of_an_answer_is_hidden() {
    for (index, text) in spellings(SECRET).iter().enumerate() {
        // Spelled otherwise it is the same in every part.
        let replies = replies(text)
            .into_iter()
            .step_by(if index == 0 { 1 } else { 7 });
        count_hits(&all_answers(text, replies).await, SECRET);
    }
}

#[tokio::test]
async fn what_the_token_service_says_is_hidden_and_so_is_the_token() {
    for reply in replies(SECRET).into_iter().step_by(3) {
        let server = Server::handler(move |_| reply.clone()).await;
        let caller = client(server.config());
        let told = caller
            .client
            .token(&caller.context, KeyKind::OrderManagement, None);
        count_hits(&[format!("{:?}", told.await)], SECRET);
    }
    let (server, next) = server(token("x")).await;
    let caller = client(server.config());
    let token = caller
        .client
        .token(&caller.context, KeyKind::Destination, None)
        .await
        .unwrap();
    let token = token.secret.expose_secret();
    *next.lock().unwrap() = answer(400, token);
    count_hits(&all_calls(&caller).await, token);
}

#[tokio::test]
async fn what_is_no_secret_is_never_hidden_in_any_part_of_an_answer() {
    for shown in all_answers(PLAIN, replies(PLAIN)).await {
        assert!(!shown.contains("(hidden)"), "{shown}");
    }
}

// ------------------------------------------------------------------ HTTP/2

const FRAME_DATA: u8 = 0;
const FRAME_HEADERS: u8 = 1;
const FRAME_RESET: u8 = 3;
const FRAME_SETTINGS: u8 = 4;
const FRAME_GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(content);
    frame
}

/// A field that is in no table.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name, value] {
        field.push(u8::try_from(text.len()).unwrap());
        field.extend(text.as_bytes());
    }
    field
}

/// What a server can do with the text once it has a request.
fn h2_answers(text: &str) -> Vec<Vec<u8>> {
    let whole = |status: &str, fields: &[(&str, &str)], body: &str| {
        let fields = [(":status", status)]
            .into_iter()
            .chain(fields.iter().copied());
        let head: Vec<u8> = fields
            .flat_map(|(name, value)| field(name, value))
            .collect();
        let mut bytes = frame(FRAME_HEADERS, END_HEADERS, 1, &head);
        bytes.extend(frame(FRAME_DATA, END_STREAM, 1, body.as_bytes()));
        bytes
    };
    let go_away = [&[0; 8], text.as_bytes()].concat();
    let begun = frame(FRAME_HEADERS, END_HEADERS, 1, &field(":status", "200"));
    let mut answers = vec![
        frame(FRAME_GOAWAY, 0, 0, &go_away),
        [begun.clone(), frame(FRAME_GOAWAY, 0, 0, &go_away)].concat(),
        [begun, frame(FRAME_RESET, 0, 1, &[0, 0, 0, 2])].concat(),
        whole(text, &[], ""),
    ];
    for body in bodies(text) {
        answers.push(whole("200", &[], &body));
        answers.push(whole("400", &[], &body));
    }
    for name in ["x-cf-routererror", "location", "etag", "content-type"] {
        answers.push(whole("302", &[(name, text)], ""));
        answers.push(whole("404", &[(name, text)], ""));
    }
    answers
}

/// Reads a request as far as it matters and answers it.
async fn serve_h2(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: Vec<u8>) -> Option<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.ok()?;
    stream
        .write_all(&frame(FRAME_SETTINGS, 0, 0, &[]))
        .await
        .ok()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut content = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut content).await.ok()?;
        if head[3] == FRAME_SETTINGS && head[4] == 0 {
            stream
                .write_all(&frame(FRAME_SETTINGS, 1, 0, &[]))
                .await
                .ok()?;
        }
        if head[3] <= FRAME_HEADERS && head[4] & END_STREAM != 0 {
            stream.write_all(&answer).await.ok()?;
            stream.flush().await.ok()?;
            // The other side reads before it is told that this is the end.
            let mut rest = Vec::new();
            let _ = tokio::time::timeout(
                std::time::Duration::from_millis(50),
                stream.read_to_end(&mut rest),
            )
            .await;
            return Some(());
        }
    }
}

/// What is shown of the calls to a service that speaks HTTP/2 and is called this.
async fn over_h2(name: &str, answer: Vec<u8>) -> Vec<String> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = made.signing_key.serialize_der();
    let mut settings = tokio_rustls::rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.try_into().unwrap())
        .unwrap();
    settings.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_h2(stream, answer.clone()).await;
            }
        }
    });
    let tokens = Server::script([]).await;
    let mut config = tokens.config();
    config.ca_certificates = Some(made.cert.pem());
    let key = json!({
        "clientid": "c", "clientsecret": "x", "url": tokens.url,
        "uri": format!("https://127.0.0.1:{port}"),
    });
    config.destination_key = Some(DestinationKey::parse(&key.to_string()).unwrap());
    let test = client(config);
    let destinations = test.client.destinations().unwrap();
    let mut shown = Vec::new();
    let properties = Properties::from_iter([("Name".to_owned(), "a".to_owned())]);
    let found = destinations
        .find_now(&test.context, Level::Subaccount, "a")
        .await;
    shown.push(format!(
        "{found:?} {}",
        found
            .as_ref()
            .err()
            .map(ToString::to_string)
            .unwrap_or_default()
    ));
    let created = destinations
        .create(&test.context, Level::Subaccount, &properties)
        .await;
    shown.push(format!(
        "{created:?} {}",
        created
            .as_ref()
            .err()
            .map(ToString::to_string)
            .unwrap_or_default()
    ));
    task.abort();
    shown
}

#[tokio::test]
async fn neither_http_2_nor_a_certificate_shows_a_secret() {
    let mut answered = 0;
    for answer in h2_answers(SECRET) {
        let shown = over_h2("127.0.0.1", answer).await;
        answered += usize::from(shown.iter().any(|it| it.contains("(hidden)")));
        count_hits(&shown, SECRET);
    }
    assert!(answered > 10, "{answered} answers were understood");
    // A certificate of another name is refused, and the names are said.
    let name = format!("{}.example", SECRET.replace(['$', '_'], "-"));
    count_hits(&over_h2(&name, Vec::new()).await, SECRET);
    for answer in h2_answers(PLAIN) {
        let shown = over_h2("127.0.0.1", answer).await;
        assert!(
            !shown.iter().any(|it| it.contains("(hidden)")),
            "{shown:#?}"
        );
    }
}
