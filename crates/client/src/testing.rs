//! The other side for the client's tests: a server that answers what it is
//! told, and a clock that nobody waits for. Deliberately not the emulator:
//! here the wire itself is broken, cut and lied about.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::clock::{Clock, Wait};
use super::{
    Client, CloudAlmKey, Config, Context, DestinationKey, JobSchedulingKey, OrderManagementKey,
};

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path with query.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name)?;
        Some(&found.1)
    }

    pub(crate) fn is_token(&self) -> bool {
        self.target.ends_with("/oauth/token")
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers.
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Answers these bytes.
    Raw(String),
    /// Reads the request and closes the connection.
    Close,
    /// Promises more bytes than it sends.
    Truncate { status: u16 },
    /// Never answers.
    Hang,
}

pub(crate) fn answer(status: u16, body: &str) -> Reply {
    Reply::Answer {
        status,
        headers: Vec::new(),
        body: body.to_owned(),
    }
}

impl Reply {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// An unsigned token whose payload is this JSON.
pub(crate) fn jwt(payload: &str) -> String {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(payload);
    format!("eyJhbGciOiJSUzI1NiJ9.{encoded}.c2lnbmF0dXJl")
}

/// What the token service answers by default.
pub(crate) fn token_answer(number: usize) -> Reply {
    let token = jwt(&format!(
        r#"{{"ext_attr":{{"subaccountid":"sub-1","serviceinstanceid":"inst-1","zdn":"acme"}},
            "zid":"zone-1","scope":["uaa.resource"],"n":{number}}}"#
    ));
    let body = serde_json::json!({
        "access_token": token, "token_type": "bearer", "expires_in": 43200,
        "scope": "uaa.resource app!b1.IntegrationMonitoring",
    });
    answer(200, &body.to_string())
}

/// A server on a loopback port for one test.
pub(crate) struct Server {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Gives out tokens, and these replies in order to everything else.
    pub(crate) async fn script(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies = replies.into_iter().collect::<Vec<_>>().into_iter();
        let mut tokens = 0;
        Self::start(None, move |request| {
            if request.is_token() {
                tokens += 1;
                return token_answer(tokens);
            }
            replies
                .next()
                .unwrap_or_else(|| answer(599, "the script is over"))
        })
        .await
    }

    /// Asks `handler` for every reply.
    pub(crate) async fn handler(handler: impl FnMut(&Received) -> Reply + Send + 'static) -> Self {
        Self::start(None, handler).await
    }

    pub(crate) async fn start(
        tls: Option<tokio_rustls::TlsAcceptor>,
        handler: impl FnMut(&Received) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let log = Arc::clone(&received);
        let handler = Arc::new(Mutex::new(handler));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, handler, tls) = (Arc::clone(&log), Arc::clone(&handler), tls.clone());
                let respond = move |request: Received| {
                    let reply = (handler.lock().unwrap())(&request);
                    log.lock().unwrap().push(request);
                    reply
                };
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, respond).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, respond).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            url: format!("{scheme}://127.0.0.1:{port}"),
            received,
            task,
        }
    }

    /// All requests so far.
    pub(crate) fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The requests that are no token requests.
    pub(crate) fn calls(&self) -> Vec<Received> {
        self.all()
            .into_iter()
            .filter(|request| !request.is_token())
            .collect()
    }

    pub(crate) fn tokens(&self) -> usize {
        self.all()
            .iter()
            .filter(|request| request.is_token())
            .count()
    }

    /// A configuration with all keys, every service being this server.
    pub(crate) fn config(&self) -> Config {
        let url = &self.url;
        let uaa = format!(
            r#""clientid":"sb-client!b1|x!b2","clientsecret":"top$secret=","url":"{url}","xsappname":"app!b1""#
        );
        Config {
            destination_key: Some(
                DestinationKey::parse(&format!(r#"{{{uaa},"uri":"{url}"}}"#)).unwrap(),
            ),
            order_management_key: Some(
                OrderManagementKey::parse(&format!(
                    r#"{{"uaa":{{{uaa}}},"endpoints":{{"integration-monitoring-api":"{url}/monitoring"}}}}"#
                ))
                .unwrap(),
            ),
            cloud_alm_key: Some(
                CloudAlmKey::parse(&format!(
                    r#"{{"uaa":{{{uaa}}},"endpoints":{{"Api":"{url}/api"}}}}"#
                ))
                .unwrap(),
            ),
            job_scheduling_key: Some(
                JobSchedulingKey::parse(&format!(r#"{{"uaa":{{{uaa}}},"url":"{url}"}}"#)).unwrap(),
            ),
            ..Config::default()
        }
    }

    pub(crate) fn client(&self) -> TestClient {
        test_client(self.config())
    }
}

/// A client on a clock of its own.
pub(crate) struct TestClient {
    pub(crate) client: Client,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) context: Context,
}

pub(crate) fn test_client(config: Config) -> TestClient {
    let clock = Arc::new(FakeClock::new());
    let client = Client::with_clock(config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let context = clock.context(Duration::from_mins(20));
    TestClient {
        client,
        clock,
        context,
    }
}

/// Answers the one request of a connection.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    respond: impl FnOnce(Received) -> Reply,
) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    let head_only = request.method == "HEAD";
    let text = match respond(request) {
        Reply::Close => return,
        Reply::Raw(text) => text,
        Reply::Hang => return std::future::pending().await,
        Reply::Truncate { status } => {
            format!("HTTP/1.1 {status} X\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n[{{")
        }
        Reply::Answer {
            status,
            headers,
            body,
        } => {
            let mut text = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
            for (name, value) in headers {
                text.extend([name, ": ", &value, "\r\n"]);
            }
            if status != 204 {
                let length = body.len().to_string();
                text.extend(["Content-Length: ", &length, "\r\n"]);
            }
            text += "\r\n";
            if !head_only {
                text += &body;
            }
            text
        }
    };
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let mut chunk = [0; 4096];
        let count = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut start = lines.next()?.split(' ');
    let method = start.next()?.to_owned();
    let target = start.next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = bytes[head_end + 4..].to_vec();
    while body.len() < length {
        let mut chunk = [0; 4096];
        let count = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        body.extend_from_slice(&chunk[..count]);
    }
    Some(Received {
        method,
        target,
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}

/// A clock that jumps when somebody sleeps and stands still otherwise.
#[derive(Debug)]
pub(crate) struct FakeClock {
    start: Instant,
    passed: Arc<Mutex<Duration>>,
    /// How far the wall clock is off.
    wall_off: Arc<Mutex<jiff::SignedDuration>>,
    slept: Arc<Mutex<Vec<Duration>>>,
}

impl FakeClock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            passed: Arc::default(),
            wall_off: Arc::default(),
            slept: Arc::default(),
        }
    }

    pub(crate) fn advance(&self, duration: Duration) {
        *self.passed.lock().unwrap() += duration;
    }

    /// Somebody sets the wall clock: forward, or back. The steady clock goes on.
    pub(crate) fn set_wall_off(&self, off: jiff::SignedDuration) {
        *self.wall_off.lock().unwrap() = off;
    }

    /// The steady clock goes back, which it never should.
    pub(crate) fn rewind(&self, duration: Duration) {
        let mut passed = self.passed.lock().unwrap();
        *passed = passed.saturating_sub(duration);
    }

    /// All the sleeps so far.
    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }

    pub(crate) fn context(&self, timeout: Duration) -> Context {
        Context {
            deadline: self.now() + timeout,
            cancel: CancellationToken::new(),
        }
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Instant {
        self.start + *self.passed.lock().unwrap()
    }

    /// 2026-01-01T00:00:00Z and on.
    fn wall(&self) -> Timestamp {
        let here = Timestamp::from_second(1_767_225_600).unwrap() + *self.passed.lock().unwrap();
        here + *self.wall_off.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> Wait {
        *self.passed.lock().unwrap() += duration;
        self.slept.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }

    fn passed(&self, deadline: Instant) -> Wait {
        if self.now() >= deadline {
            Box::pin(std::future::ready(()))
        } else {
            Box::pin(std::future::pending())
        }
    }
}
