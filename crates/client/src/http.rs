//! One request and its answer, as often as the rules allow.
//!
//! An [`Operation`] is what the caller sees as one call: one correlation id,
//! one start time, one deadline. It sends [`Request`]s; each is judged by
//! [`super::retry`] and repeated here. Redirects are never followed, HTML is
//! never an answer, bodies are bounded by what is asked for, and requests are logged by a fixed list
//! of harmless fields.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use foreign::{Foreign, Secrets};
use http::header::{
    ACCEPT, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, LINK, LOCATION, RETRY_AFTER,
};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::clock::Clock;
use super::config::{Config, ConfigError};
use super::context::Context;
use super::error::{Error, ErrorKind, GaveUp};
use super::proxy::Proxies;
use super::retry::{self, Failure, Repeat};
use super::tls::TlsFault;
use super::{message, tls};

/// Largest answer about one object or token.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// Largest list that is accepted: one of 10,000 destinations fits easily.
const LARGEST_LIST: usize = 32 * 1024 * 1024;

/// As much of an error's body as is read.
const LARGEST_ERROR: usize = 64 * 1024;

/// Lists that are read at the same time, because of their size.
const LISTS_AT_ONCE: usize = 2;

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlationid");
const ROUTER_ERROR: HeaderName = HeaderName::from_static("x-cf-routererror");
const RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The HTTP stack with its bounds. Built on the first request.
pub(crate) struct Http {
    pub(crate) config: Config,
    /// Those of the configuration that are trusted besides the platform's.
    certificates: Vec<reqwest::Certificate>,
    proxies: Arc<Proxies>,
    /// For every request without a client identity.
    client: OnceLock<Result<reqwest::Client, Error>>,
    permits: Semaphore,
    /// Requests that left for somewhere, repetitions included.
    pub(crate) sent: AtomicUsize,
    lists: Arc<Semaphore>,
    /// Whatever must not be shown, and the door to everything that is.
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Http {
    pub(crate) fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let certificates = match &config.ca_certificates {
            Some(pem) => tls::certificates(pem).map_err(ConfigError::CaCertificates)?,
            None => Vec::new(),
        };
        let variable = |name: &str| std::env::var(name).ok();
        let proxies = Proxies::new(config.proxy_url.as_ref(), &variable)?;
        let secrets = config.secrets();
        if let Some(password) = proxies.password() {
            secrets.keep(password);
            secrets.keep(&percent_decode_str(password).decode_utf8_lossy());
        }
        Ok(Self {
            certificates,
            proxies: Arc::new(proxies),
            client: OnceLock::new(),
            permits: Semaphore::new(config.max_concurrent_requests.min(Semaphore::MAX_PERMITS)),
            sent: AtomicUsize::new(0),
            lists: Arc::new(Semaphore::new(LISTS_AT_ONCE)),
            secrets: Arc::new(secrets),
            clock,
            config,
        })
    }

    /// Starts an operation.
    pub(crate) fn operation(self: &Arc<Self>, context: &Context) -> Operation {
        Operation {
            http: Arc::clone(self),
            context: context.clone(),
            correlation_id: uuid::Uuid::new_v4().to_string(),
            started: self.clock.now(),
        }
    }

    /// The client for a request. A client identity belongs to its token service
    /// alone, and tokens are fetched seldom: such a request has one of its own.
    fn client(&self, request: &Request) -> Result<reqwest::Client, Error> {
        match &request.identity {
            None => self.client.get_or_init(|| self.build(None)).clone(),
            identity => self.build(identity.clone()),
        }
    }

    fn build(&self, identity: Option<reqwest::Identity>) -> Result<reqwest::Client, Error> {
        let proxies = Arc::clone(&self.proxies);
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .user_agent(&self.config.user_agent)
            .timeout(self.config.request_timeout)
            .connect_timeout(self.config.connect_timeout)
            // Shorter than any load balancer's, so that a request rarely meets
            // a connection that is just being closed.
            .pool_idle_timeout(Duration::from_secs(30))
            .tls_certs_merge(self.certificates.clone())
            .proxy(reqwest::Proxy::custom(move |url| proxies.of(url).cloned()));
        if let Some(identity) = identity {
            builder = builder.identity(identity);
        }
        builder.build().map_err(|error| {
            Error::new(ErrorKind::Setup).with_message(self.secrets.show(&innermost(&error)))
        })
    }
}

/// A request that can be sent more than once.
pub(crate) struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    repeat: Repeat,
    pub(crate) identity: Option<reqwest::Identity>,
    is_list: bool,
    pub(crate) bearer: Option<SecretString>,
    patience: Option<Patience>,
    /// Attempts that an earlier request for the same thing had.
    pub(crate) spent: u32,
    /// Statuses that are answers although they are no success.
    accepted: Vec<u16>,
}

/// More patience than usual: until this moment, with a failure of this kind.
struct Patience {
    until: Instant,
    with: fn(&Error) -> bool,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        let repeat = match method {
            Method::GET | Method::HEAD | Method::OPTIONS => Repeat::Safe,
            Method::PUT | Method::PATCH | Method::DELETE => Repeat::Idempotent,
            _ => Repeat::Once,
        };
        let headers =
            HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Self {
            method,
            url,
            headers,
            body: None,
            repeat,
            identity: None,
            is_list: false,
            bearer: None,
            patience: None,
            spent: 0,
            accepted: Vec::new(),
        }
    }

    pub(crate) fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    pub(crate) fn body(mut self, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = Some(body.into());
        self
    }

    pub(crate) fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Whatever the method says about it.
    pub(crate) fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Repeats it more often than usual, until a moment, after failures like this.
    pub(crate) fn patient(mut self, until: Instant, with: fn(&Error) -> bool) -> Self {
        self.patience = Some(Patience { until, with });
        self
    }

    /// Takes these statuses for answers, too.
    pub(crate) fn accepting(mut self, statuses: &[u16]) -> Self {
        self.accepted.extend_from_slice(statuses);
        self
    }

    /// The answer may be long, and is decoded bit by bit.
    pub(crate) fn for_list(mut self) -> Self {
        self.is_list = true;
        self
    }

    /// The URL without what may be confidential: user, query, fragment.
    fn location(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.into()
    }
}

/// A successful answer (2xx, no HTML, complete).
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    /// The error this answer turns into when it cannot be understood.
    blank: Error,
    pub(crate) secrets: Arc<Secrets>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Answer {
    /// Decodes a JSON body.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let body = self
            .body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.body);
        serde_json::from_slice(body).map_err(|error| self.unexpected(self.no_json(&error)))
    }

    /// Why there is no JSON in it. The text of a serde error may quote the body,
    /// so only its place.
    fn no_json(&self, error: &serde_json::Error) -> String {
        if self.is_empty() {
            "it is empty".to_owned()
        } else if self.headers.contains_key(CONTENT_ENCODING) {
            "it is compressed (`Content-Encoding`), which nobody asked for".to_owned()
        } else if !self.claims_json() {
            "it does not call itself JSON (`Content-Type`)".to_owned()
        } else {
            let (line, column) = (error.line(), error.column());
            format!("no JSON of the expected form at line {line}, column {column}")
        }
    }

    /// The error "this is not what the API promises".
    pub(crate) fn unexpected(&self, what: impl Into<String>) -> Error {
        self.blank.clone().with_message(what)
    }

    /// Whether the content type is JSON, or there is none.
    pub(crate) fn claims_json(&self) -> bool {
        self.header(&CONTENT_TYPE)
            .is_none_or(|it| it.to_ascii_lowercase().contains("json"))
    }

    /// Whether there is nothing but white space in the body.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.trim_ascii().is_empty()
    }

    /// What the body says, fit to be shown.
    pub(crate) fn message(&self) -> Option<String> {
        let text = message::find(&self.body).text?;
        Some(self.secrets.show(&text))
    }

    /// The version of the object. One that no request could carry is none that
    /// the API gives.
    pub(crate) fn etag(&self) -> Result<Option<String>, Error> {
        let Some(etag) = self.headers.get(ETAG) else {
            return Ok(None);
        };
        let etag = Foreign::new(String::from_utf8_lossy(etag.as_bytes()));
        match self.secrets.identifier(&etag) {
            None => Err(self.unexpected("an `ETag` that nobody could read")),
            etag => Ok(etag),
        }
    }

    /// Whether another page of the list follows; `None` when nothing says so.
    pub(crate) fn has_next_page(&self) -> Option<bool> {
        let links = self.header(&LINK)?;
        Some(links.contains("rel='next'") || links.contains("rel=\"next\""))
    }

    /// The methods that it tells (`Allow`).
    pub(crate) fn methods(&self) -> Option<Vec<Method>> {
        let told = self.header(&ALLOW)?.split(',');
        let methods = told.filter_map(|one| one.trim().parse().ok());
        Some(methods.collect())
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What the caller sees as one call to SAP.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) http: Arc<Http>,
    pub(crate) context: Context,
    correlation_id: String,
    started: Instant,
}

/// What has happened to a request in earlier attempts.
#[derive(Default)]
struct SoFar {
    attempts: u32,
    maybe_processed: bool,
    was_patient: bool,
    last: Option<Error>,
}

/// One attempt that failed.
struct Failed {
    error: Error,
    failure: Failure,
}

impl Operation {
    /// Sends a request, again where the rules allow it.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, Error> {
        let mut so_far = SoFar {
            attempts: request.spent,
            ..SoFar::default()
        };
        let client = match self.http.client(request) {
            Ok(client) => client,
            Err(error) => return Err(self.finish(error, request, &so_far)),
        };
        loop {
            // The semaphore is never closed, so there is always a permit.
            let permit = match self.interruptible(self.http.permits.acquire()).await {
                Ok(permit) => permit.ok(),
                Err(why) => return Err(self.interrupted(why, request, so_far)),
            };
            so_far.attempts += 1;
            self.http.sent.fetch_add(1, Ordering::Relaxed);
            let sent = self
                .interruptible(self.attempt(&client, request, so_far.attempts))
                .await;
            drop(permit);
            let failed = match sent {
                Ok(Ok(mut answer)) => {
                    // One that cannot be understood may belong to a change made.
                    so_far.maybe_processed = request.repeat != Repeat::Safe;
                    answer.blank = self.finish(answer.blank, request, &so_far);
                    return Ok(answer);
                }
                Ok(Err(failed)) => failed,
                Err(why) => {
                    // Nobody can know how far the attempt had come.
                    so_far.maybe_processed |= request.repeat != Repeat::Safe;
                    return Err(self.interrupted(why, request, so_far));
                }
            };
            let verdict = retry::judge(failed.failure, request.repeat);
            so_far.maybe_processed |= verdict.maybe_processed;
            let delay = match self.delay(request, &failed, verdict.retry, &mut so_far) {
                Ok(delay) => delay,
                Err(gave_up) => {
                    let mut error = self.finish(failed.error, request, &so_far);
                    error.gave_up = gave_up;
                    return Err(error);
                }
            };
            so_far.last = Some(failed.error);
            if let Err(why) = self.interruptible(self.http.clock.sleep(delay)).await {
                return Err(self.interrupted(why, request, so_far));
            }
        }
    }

    fn interrupted(&self, why: ErrorKind, request: &Request, mut so_far: SoFar) -> Error {
        let mut error = Error::new(why);
        if let Some(last) = so_far.last.take() {
            error.message = Some(format!("the attempt before failed: {last}"));
        }
        self.finish(error, request, &so_far)
    }

    /// How long to wait before the next attempt, or why there is none.
    fn delay(
        &self,
        request: &Request,
        failed: &Failed,
        retry: bool,
        so_far: &mut SoFar,
    ) -> Result<Duration, Option<GaveUp>> {
        let now = self.http.clock.now();
        let patience = request.patience.as_ref();
        let is_patient =
            patience.is_some_and(|patience| now < patience.until && (patience.with)(&failed.error));
        if !retry && !is_patient {
            return Err(None);
        }
        so_far.was_patient |= is_patient;
        let policy = &self.http.config.retry;
        let retries = so_far.attempts - 1;
        if retries >= policy.retries(is_patient) {
            return Err(Some(GaveUp::Attempts));
        }
        let hint = match failed.failure {
            Failure::Status { hint, .. } => hint,
            _ => None,
        };
        let delay = policy.delay(retries, hint, fastrand::f64());
        if now
            .checked_add(delay)
            .is_none_or(|then| then >= self.context.deadline)
        {
            let asked = hint.filter(|hint| *hint >= delay / 2);
            return Err(Some(GaveUp::Deadline { asked }));
        }
        Ok(delay)
    }

    /// Runs something until it ends, the deadline passes or the caller cancels.
    pub(crate) async fn bounded<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        self.interruptible(work).await.map_err(|why| {
            let mut error = Error::new(why);
            error.elapsed = self.elapsed();
            error
        })
    }

    /// The error says why it ended early.
    async fn interruptible<T>(&self, work: impl Future<Output = T>) -> Result<T, ErrorKind> {
        tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => Err(ErrorKind::Cancelled),
            () = self.http.clock.passed(self.context.deadline) => Err(ErrorKind::Deadline),
            done = work => Ok(done),
        }
    }

    async fn attempt(
        &self,
        client: &reqwest::Client,
        request: &Request,
        number: u32,
    ) -> Result<Answer, Failed> {
        let start = self.http.clock.now();
        let outcome = self.exchange(client, request).await;
        let status = match &outcome {
            Ok(answer) => Some(answer.status),
            Err(failed) => failed.error.status,
        };
        tracing::debug!(
            method = %request.method,
            host = request.url.host_str(),
            path = request.url.path(),
            status,
            attempt = number,
            duration_ms = milliseconds(self.http.clock.now().saturating_duration_since(start)),
            correlation_id = self.correlation_id,
            "request to SAP"
        );
        outcome
    }

    async fn exchange(
        &self,
        client: &reqwest::Client,
        request: &Request,
    ) -> Result<Answer, Failed> {
        let mut builder = client
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone())
            .header(CORRELATION_ID, &self.correlation_id);
        if let Some(token) = &request.bearer {
            builder = builder.bearer_auth(token.expose_secret());
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        } else if matches!(request.method, Method::POST | Method::PUT | Method::PATCH) {
            // An empty body is a body, too, and some servers insist on its length.
            builder = builder.header(CONTENT_LENGTH, 0);
        }
        let response = builder
            .send()
            .await
            .map_err(|error| self.not_sent(request, error))?;
        self.read(request, response).await
    }

    async fn read(&self, request: &Request, response: reqwest::Response) -> Result<Answer, Failed> {
        let status = response.status();
        let headers = response.headers().clone();
        let is_answer = is_answer(status, request);
        let turn = match request.is_list && is_answer {
            true => Arc::clone(&self.http.lists).acquire_owned().await.ok(),
            false => None,
        };
        let largest = match (is_answer, request.is_list) {
            (false, _) => LARGEST_ERROR,
            (true, false) => LARGEST_ANSWER,
            (true, true) => LARGEST_LIST,
        };
        let (body, broken) = read_body(response, largest).await;
        let mut error = Error::new(ErrorKind::Status);
        error.status = Some(status.as_u16());
        let as_status = match status.is_success() {
            true => Failure::Garbled,
            false => Failure::Status {
                status: status.as_u16(),
                hint: self.hint(status, &headers),
            },
        };
        let failure =
            if let Some(router) = headers.get(ROUTER_ERROR).filter(|_| !status.is_success()) {
                error.kind = ErrorKind::Router;
                let router = Foreign::new(String::from_utf8_lossy(router.as_bytes()));
                error.message = Some(self.show(&router));
                as_status
            } else if status.is_redirection() {
                error.kind = ErrorKind::Redirect {
                    host: redirect_host(request, &headers)
                        .and_then(|host| self.http.secrets.identifier(&host)),
                };
                // "See Other" is what a service answers that has done it.
                match status == StatusCode::SEE_OTHER {
                    true => Failure::Garbled,
                    false => Failure::Refused,
                }
            } else if is_html(&headers, &body) {
                error.kind = ErrorKind::Html;
                error.message = message::html_title(&body).map(|title| self.show(&title));
                as_status
            } else if !is_answer {
                let words = message::find(&body);
                if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
                    error.kind = ErrorKind::ProxyCredentials;
                } else if status.is_success() {
                    // A part of an answer, for example, is neither an error nor the answer.
                    error.kind = ErrorKind::UnexpectedAnswer;
                }
                error.message = words.text.map(|text| self.show(&text));
                error.said_by_sap = words.error_message;
                error.oauth_code = words.oauth_code;
                as_status
            } else if let Some(broken) = broken {
                self.broken(broken, &mut error)
            } else {
                error.kind = ErrorKind::UnexpectedAnswer;
                return Ok(Answer {
                    status: status.as_u16(),
                    headers,
                    body,
                    blank: error,
                    secrets: Arc::clone(&self.http.secrets),
                    _turn: turn,
                });
            };
        Err(Failed { error, failure })
    }

    /// No answer at all: finds out why.
    fn not_sent(&self, request: &Request, error: reqwest::Error) -> Failed {
        let error = error.without_url();
        let text = cause(&error);
        let (kind, failure) = if let Some(tls) = tls_error(&error) {
            // Before the request is sent, or as the answer to it (TLS 1.3 rejects a
            // client certificate that late).
            let failure = if error.is_connect() {
                Failure::Refused
            } else {
                Failure::Garbled
            };
            // An alert means that the other side ended the handshake, and not we.
            let refused = matches!(tls, rustls::Error::AlertReceived(_));
            let kind = if refused && request.identity.is_some() {
                ErrorKind::CertificateRefused
            } else {
                ErrorKind::Tls(TlsFault::of(tls))
            };
            (kind, failure)
        } else if let Some(refusal) = tunnel_refusal(&error) {
            (refusal, Failure::Refused)
        } else if error.is_connect() {
            (ErrorKind::Connect, Failure::Connect)
        } else if error.is_builder() {
            (ErrorKind::Setup, Failure::Refused)
        } else {
            (ErrorKind::NoAnswer, Failure::NoAnswer)
        };
        let mut failed = Error::new(kind);
        // The tunnel's own words say no more than the kind does.
        let is_tunnel = matches!(failed.kind, ErrorKind::Proxy | ErrorKind::ProxyCredentials);
        failed.message = (!is_tunnel).then(|| self.show(&text));
        Failed {
            error: failed,
            failure,
        }
    }

    /// A text of the service, fit to be shown.
    fn show(&self, text: &Foreign) -> String {
        self.http.secrets.show(text)
    }

    /// An answer that did not come to its end.
    fn broken(&self, broken: Broken, error: &mut Error) -> Failure {
        match broken {
            Broken::TooLarge => {
                error.kind = ErrorKind::TooLarge;
                Failure::Garbled
            }
            Broken::Connection(source) => {
                error.kind = ErrorKind::NoAnswer;
                error.message = Some(self.show(&cause(&source.without_url())));
                Failure::NoAnswer
            }
        }
    }

    fn hint(&self, status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
        if !matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            return None;
        }
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        retry::hint(
            text(&RETRY_AFTER),
            text(&RATELIMIT_RESET),
            self.http.clock.wall(),
        )
    }

    /// Adds what every error of this operation says about where it happened.
    fn finish(&self, mut error: Error, request: &Request, so_far: &SoFar) -> Error {
        error.method = Some(request.method.to_string());
        error.url = Some(request.location());
        error.correlation_id = Some(self.correlation_id.clone());
        error.attempts = so_far.attempts;
        error.elapsed = self.elapsed();
        error.maybe_processed = so_far.maybe_processed;
        error.was_patient = so_far.was_patient;
        error.proxy = self.http.proxies.shown(&request.url);
        error
    }

    fn elapsed(&self) -> Duration {
        self.http
            .clock
            .now()
            .saturating_duration_since(self.started)
    }
}

/// Why a body could not be read to its end.
enum Broken {
    TooLarge,
    Connection(reqwest::Error),
}

/// Whether a status is an answer to what was asked.
fn is_answer(status: StatusCode, request: &Request) -> bool {
    matches!(status.as_u16(), 200..=202 | 204) || request.accepted.contains(&status.as_u16())
}

/// Reads what there is of a body.
async fn read_body(mut response: reqwest::Response, largest: usize) -> (Vec<u8>, Option<Broken>) {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > largest => {
                return (body, Some(Broken::TooLarge));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return (body, None),
            Err(error) => return (body, Some(Broken::Connection(error))),
        }
    }
}

/// What a proxy did instead of connecting us: the HTTP library tells it in words
/// only.
fn tunnel_refusal(error: &reqwest::Error) -> Option<ErrorKind> {
    let text = last_cause(error).to_string();
    let reason = text.strip_prefix("tunnel error: ")?;
    Some(if reason.contains("authorization required") {
        ErrorKind::ProxyCredentials
    } else {
        ErrorKind::Proxy
    })
}

/// What went wrong on the way, in few words, which may be the server's.
fn cause(error: &reqwest::Error) -> Foreign {
    if error.is_timeout() {
        // The last cause of a time-out is a different one each time.
        let setting = if error.is_connect() {
            "connect_timeout"
        } else {
            "request_timeout"
        };
        Foreign::new(format!("timed out (`{setting}`)"))
    } else {
        innermost(error)
    }
}

/// The text of the last cause, which is the only telling one.
fn innermost(error: &dyn StdError) -> Foreign {
    Foreign::new(last_cause(error).to_string())
}

fn last_cause(error: &dyn StdError) -> &dyn StdError {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last
}

/// The failure of TLS among the causes of an error.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error hides the error it was made of from its source chain.
        if let Some(inner) = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            && let Some(found) = tls_error(inner)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let kind = kind.trim_start().to_ascii_lowercase();
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    kind.starts_with("text/html")
        || kind.starts_with("application/xhtml")
        || text.trim_ascii_start().starts_with(b"<")
}

/// What is below a URL, by path segments that get encoded.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    // Never fails for http and https, which are all we have.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// The host a redirect points to; nothing else of it is shown.
fn redirect_host(request: &Request, headers: &HeaderMap) -> Option<Foreign> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let target = request.url.join(location).ok()?;
    target.host_str().map(Foreign::new)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::fmt;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::retry::RetryPolicy;
    use crate::testing::{Reply, Server, TestClient, answer, test_client, token_answer};

    /// Sends one request without a token and says how it went.
    async fn send(test: &TestClient, request: Request) -> Result<Answer, Error> {
        test.client
            .http
            .operation(&test.context)
            .send(&request)
            .await
    }

    fn get(server: &Server) -> Request {
        Request::get(
            Url::parse(&server.url)
                .unwrap()
                .join("/a%2Fb?secret=query")
                .unwrap(),
        )
    }

    fn post(server: &Server) -> Request {
        let url = Url::parse(&server.url).unwrap();
        Request::new(Method::POST, url).json(&serde_json::json!({"clientSecret": "s3cr3t"}))
    }

    impl fmt::Debug for Answer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "Answer {}", self.status)
        }
    }

    #[tokio::test]
    async fn request_carries_our_headers_and_one_correlation_id_over_its_retries() {
        let server = Server::script([answer(503, ""), answer(200, "[]"), answer(200, "[]")]).await;
        let test = server.client();
        send(&test, get(&server)).await.unwrap();
        send(&test, get(&server)).await.unwrap();

        let calls = server.calls();
        let ids: Vec<_> = calls
            .iter()
            .map(|call| call.header("x-correlationid").unwrap())
            .collect();
        assert_eq!(ids[0], ids[1]);
        assert_ne!(ids[1], ids[2]);
        assert_eq!(ids[0].len(), 36);
        assert!(
            calls[0]
                .header("user-agent")
                .unwrap()
                .starts_with("terraform-provider-sapcalm/")
        );
        assert_eq!(calls[0].header("accept"), Some("application/json"));
        assert_eq!(calls[0].target, "/a%2Fb?secret=query");
    }

    #[tokio::test]
    async fn post_without_body_sends_its_length() {
        let server = Server::script([answer(200, "")]).await;
        let request = Request::new(Method::POST, Url::parse(&server.url).unwrap());
        send(&server.client(), request).await.unwrap();
        assert_eq!(server.calls()[0].header("content-length"), Some("0"));
    }

    #[tokio::test]
    async fn idempotent_request_is_sent_five_times_with_growing_jitter() {
        for reply in [
            answer(500, "down"),
            answer(408, ""),
            Reply::Close,
            Reply::Truncate { status: 200 },
        ] {
            let server = Server::script(vec![reply.clone(); 9]).await;
            let test = server.client();
            let error = send(&test, get(&server)).await.unwrap_err();
            assert_eq!(server.calls().len(), 5, "{reply:?}");
            assert_eq!(error.attempts, 5);
            assert!(!error.maybe_processed, "a read changes nothing");
            let slept = test.clock.slept();
            assert_eq!(slept.len(), 4);
            for (delay, bound) in slept.iter().zip([500, 1000, 2000, 4000]) {
                let bound = Duration::from_millis(bound);
                assert!((bound / 2..=bound).contains(delay), "{slept:?}");
            }
        }
    }

    #[tokio::test]
    async fn truncated_body_is_read_again() {
        let server = Server::script([Reply::Truncate { status: 200 }, answer(200, "[]")]).await;
        let answer = send(&server.client(), get(&server)).await.unwrap();
        assert_eq!(answer.body, b"[]");
    }

    #[tokio::test]
    async fn post_is_sent_once_when_it_may_have_been_processed() {
        let lost = [
            (answer(500, ""), ErrorKind::Status),
            (answer(502, ""), ErrorKind::Status),
            (answer(503, ""), ErrorKind::Status),
            (answer(504, "<html>gateway</html>"), ErrorKind::Html),
            (Reply::Close, ErrorKind::NoAnswer),
            (Reply::Truncate { status: 201 }, ErrorKind::NoAnswer),
            (answer(200, "<html>login</html>"), ErrorKind::Html),
        ];
        for (reply, kind) in lost {
            let server = Server::script([reply.clone()]).await;
            let error = send(&server.client(), post(&server)).await.unwrap_err();
            assert_eq!(error.kind, kind, "{reply:?}");
            assert!(error.maybe_processed, "{reply:?}");
            assert_eq!(server.calls().len(), 1);
        }
    }

    #[tokio::test]
    async fn post_is_repeated_when_it_was_certainly_not_processed() {
        let server = Server::script([
            answer(429, ""),
            answer(503, "").with("Retry-After", "7"),
            answer(429, "").with("Retry-After", "Thu, 01 Jan 2026 00:01:00 GMT"),
            answer(201, ""),
        ])
        .await;
        let test = server.client();
        assert_eq!(send(&test, post(&server)).await.unwrap().status, 201);
        let slept = test.clock.slept();
        let second = Duration::from_secs(1);
        assert!(slept[1] >= 7 * second && slept[1] < 8 * second);
        // The date is a minute after the clock's start, less what has passed.
        let all = slept[0] + slept[1] + slept[2];
        assert!(all >= 60 * second && all <= 62 * second, "{slept:?}");
    }

    #[tokio::test]
    async fn date_to_wait_for_is_bounded_when_the_clock_is_wrong() {
        let half = RetryPolicy::BASE_DELAY / 2;
        for (hours, waits) in [(-1, Duration::from_mins(2)), (1, half)] {
            let limited = || answer(429, "").with("Retry-After", "Thu, 01 Jan 2026 00:00:30 GMT");
            let server = Server::script([limited(), answer(200, "[]")]).await;
            let test = server.client();
            test.clock
                .set_wall_off(jiff::SignedDuration::from_hours(hours));
            send(&test, get(&server)).await.unwrap();
            let slept = test.clock.slept();
            assert!(slept.len() == 1 && slept[0] >= waits && slept[0] <= waits + half);
        }
        // In a past that never comes back, attempts are still counted.
        let limited = answer(429, "").with("Retry-After", "Wed, 31 Dec 2025 00:00:00 GMT");
        let server = Server::script(vec![limited; 9]).await;
        let error = send(&server.client(), get(&server)).await.unwrap_err();
        assert_eq!((error.status, error.attempts), (Some(429), 5));
    }

    #[tokio::test]
    async fn clock_that_is_set_does_not_move_a_deadline() {
        let server = Server::script([answer(503, ""), answer(200, "[]")]).await;
        let mut test = server.client();
        test.context = test.clock.context(Duration::from_secs(30));
        test.clock
            .set_wall_off(jiff::SignedDuration::from_hours(24));
        send(&test, get(&server)).await.unwrap();
        test.clock.advance(Duration::from_secs(31));
        test.clock
            .set_wall_off(jiff::SignedDuration::from_hours(-24));
        assert!(send(&test, get(&server)).await.unwrap_err().is_deadline());
    }

    #[tokio::test]
    async fn clear_refusal_of_a_post_was_not_processed() {
        for status in [400, 401, 403, 404, 409, 412, 422] {
            let server = Server::script([answer(status, "no")]).await;
            let error = send(&server.client(), post(&server)).await.unwrap_err();
            assert!(!error.maybe_processed);
            assert_eq!(
                (error.status, error.message.as_deref()),
                (Some(status), Some("no"))
            );
            assert_eq!(server.calls().len(), 1);
        }
    }

    #[tokio::test]
    async fn refused_connection_is_repeated_and_nothing_was_processed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        drop(listener);
        let test = test_client(Config::default());
        let error = send(&test, Request::new(Method::POST, url))
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Connect);
        assert_eq!(error.attempts, 5);
        assert!(!error.maybe_processed);
        assert!(
            error.message.as_deref().unwrap().contains("refused"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn wait_that_would_pass_the_deadline_is_not_begun() {
        let server = Server::script([answer(503, "busy").with("Retry-After", "60")]).await;
        let mut test = server.client();
        test.context = test.clock.context(Duration::from_secs(30));
        let error = send(&test, get(&server)).await.unwrap_err();
        assert_eq!((error.status, error.attempts), (Some(503), 1));
        let asked = Some(Duration::from_mins(1));
        assert_eq!(error.gave_up, Some(GaveUp::Deadline { asked }));
        assert!(test.clock.slept().is_empty());
    }

    #[tokio::test]
    async fn see_other_after_a_change_may_mean_that_it_was_made() {
        for (status, maybe) in [(303, true), (302, false), (307, false)] {
            let reply = || answer(status, "").with("Location", "/elsewhere");
            let server = Server::script([reply(), reply()]).await;
            let error = send(&server.client(), post(&server)).await.unwrap_err();
            assert_eq!(error.maybe_processed, maybe, "{status}");
            let error = send(&server.client(), get(&server)).await.unwrap_err();
            assert!(!error.maybe_processed, "{status}");
        }
    }

    #[tokio::test]
    async fn a_token_that_is_refused_does_not_give_a_request_new_attempts() {
        for max_retries in [0_u32, 1, 4] {
            // One that wears out its attempts and then meets a 401.
            let mut left = max_retries;
            let script = Server::handler(move |request| {
                if request.is_token() {
                    return token_answer(1);
                }
                let status = if left == 0 { 401 } else { 500 };
                left = left.checked_sub(1).unwrap_or(9);
                answer(status, "")
            });
            let script = script.await;
            let mut config = script.config();
            config.retry.max_retries = max_retries;
            let test = test_client(config);
            let operation = test.client.http.operation(&test.context);
            let request = Request::get(Url::parse(&script.url).unwrap());
            let key = crate::KeyKind::Destination;
            let called = test.client.call(&operation, key, None, request).await;
            let error = called.map(|_| ()).unwrap_err();
            assert_eq!(script.calls().len(), max_retries as usize + 2);
            assert_eq!(error.attempts, max_retries + 2);
        }
    }

    // ------------------------------------------------------------- the bound

    /// An answer that somebody makes who wants to be asked again and again.
    fn any_reply() -> impl Strategy<Value = Reply> {
        let hint = prop_oneof![
            Just(None),
            Just(Some(("Retry-After", "0".to_owned()))),
            Just(Some(("Retry-After", "-7".to_owned()))),
            Just(Some(("Retry-After", "99999999999999999999".to_owned()))),
            (0_u64..400).prop_map(|it| Some(("Retry-After", it.to_string()))),
            // In the past, in the future, and in a century.
            prop_oneof![
                Just("Wed, 31 Dec 2025 00:00:00 GMT"),
                Just("Thu, 01 Jan 2026 00:00:07 GMT"),
                Just("Sun, 01 Jan 2126 00:00:00 GMT"),
            ]
            .prop_map(|it| Some(("Retry-After", it.to_owned()))),
            // Seconds where milliseconds are meant, and the other way round.
            (0_u64..4_000_000_000_000_000)
                .prop_map(|it| Some(("X-Ratelimit-Reset", it.to_string()))),
        ];
        let status = prop_oneof![
            4 => prop_oneof![Just(429_u16), Just(503), Just(424), Just(422), Just(500)],
            1 => 400_u16..600,
        ];
        let body = prop_oneof![
            Just(String::new()),
            Just(r#"{"message":"Destination CloudALM was not found"}"#.to_owned()),
            Just("<html>busy</html>".to_owned()),
        ];
        let said = (status, hint, body).prop_map(|(status, hint, body)| {
            let reply = answer(status, &body);
            match hint {
                Some((name, value)) => reply.with(name, &value),
                None => reply,
            }
        });
        prop_oneof![
            6 => said,
            1 => Just(Reply::Close),
            1 => Just(Reply::Truncate { status: 200 }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

        /// No sequence of answers, no hint and no clock makes us hammer: neither
        /// more attempts than the rule has, nor two that are close together.
        #[test]
        fn no_answer_makes_us_ask_more_often_or_faster_than_the_rule(
            replies in prop::collection::vec(any_reply(), 1..4),
            method in prop_oneof![Just(Method::GET), Just(Method::PUT), Just(Method::POST)],
            max_retries in 0_u32..6,
            patient in any::<bool>(),
            hours_off in -48_i64..48,
            minutes in 1_u64..60,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let mut next = (0..replies.len()).cycle();
                let server = Server::handler(move |_| replies[next.next().unwrap()].clone()).await;
                let mut config = server.config();
                config.retry.max_retries = max_retries;
                let (base, policy) = (config.retry.base_delay, config.retry);
                let mut test = test_client(config);
                test.context = test.clock.context(Duration::from_mins(minutes));
                test.clock.set_wall_off(jiff::SignedDuration::from_hours(hours_off));
                let began = test.clock.now();
                let mut request = Request::new(method, Url::parse(&server.url).unwrap());
                if patient {
                    let until = began + Duration::from_mins(5);
                    request = request.repeat(Repeat::Idempotent).patient(until, |_| true);
                }
                let error = send(&test, request).await.unwrap_err();

                let asked = u32::try_from(server.calls().len()).unwrap();
                let slept = test.clock.slept();
                assert_eq!(error.attempts, asked);
                assert_eq!(slept.len(), asked as usize - 1, "each attempt is waited for");
                let bound = 1 + max_retries * if patient { 6 } else { 1 };
                assert!(asked <= bound, "{asked} attempts, at most {bound}");
                assert!(slept.iter().all(|delay| *delay >= base / 2), "{slept:?}");
                assert!(slept.iter().all(|delay| *delay <= policy.max_hint + policy.max_delay / 2));
                assert!(test.clock.now() - began < Duration::from_mins(minutes));
            });
        }
    }

    #[tokio::test]
    async fn passed_deadline_sends_nothing() {
        let server = Server::script([]).await;
        let mut test = server.client();
        test.context = test.clock.context(Duration::ZERO);
        let error = send(&test, post(&server)).await.unwrap_err();
        assert!(error.is_deadline());
        assert!(!error.maybe_processed);
        assert_eq!((error.attempts, server.calls().len()), (0, 0));
    }

    #[tokio::test]
    async fn cancelling_aborts_the_request_in_flight_and_says_what_is_known() {
        for (request, maybe) in [
            (Method::GET, false),
            (Method::POST, true),
            (Method::DELETE, true),
        ] {
            let server = Server::script([Reply::Hang]).await;
            let test = server.client();
            let request = Request::new(request, Url::parse(&server.url).unwrap());
            let cancelling = async {
                while server.calls().is_empty() {
                    tokio::task::yield_now().await;
                }
                test.context.cancel.cancel();
            };
            let (sent, ()) = tokio::join!(send(&test, request), cancelling);
            let error = sent.unwrap_err();
            assert!(error.is_cancelled());
            assert_eq!(error.maybe_processed, maybe);
        }
    }

    #[tokio::test]
    async fn attempt_that_takes_too_long_is_a_lost_answer() {
        let server = Server::script([Reply::Hang, answer(200, "[]")]).await;
        let config = Config {
            request_timeout: Duration::from_millis(50),
            ..server.config()
        };
        let answer = send(&test_client(config), get(&server)).await.unwrap();
        assert_eq!(answer.status, 200);

        let server = Server::script([Reply::Hang]).await;
        let config = Config {
            request_timeout: Duration::from_millis(50),
            ..server.config()
        };
        let error = send(&test_client(config), post(&server)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoAnswer);
        assert!(error.maybe_processed);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_json_says_why() {
        for (reply, expected) in [
            (answer(200, ""), "it is empty"),
            (answer(200, " \n"), "it is empty"),
            (
                answer(200, "\u{1f}\u{8b}").with("Content-Encoding", "gzip"),
                "it is compressed (`Content-Encoding`), which nobody asked for",
            ),
            (
                answer(200, "fine").with("Content-Type", "text/plain"),
                "it does not call itself JSON (`Content-Type`)",
            ),
            (
                answer(200, "{\n oops"),
                "no JSON of the expected form at line 2, column 2",
            ),
        ] {
            let server = Server::script([reply]).await;
            let answer = send(&server.client(), get(&server)).await.unwrap();
            let error = answer.json::<serde_json::Value>().unwrap_err();
            assert_eq!(error.message.as_deref(), Some(expected));
        }
        let server = Server::script([answer(200, "\u{feff}[]")]).await;
        let answer = send(&server.client(), get(&server)).await.unwrap();
        answer.json::<Vec<()>>().unwrap();
    }

    #[tokio::test]
    async fn html_is_no_answer_whatever_its_status() {
        let pages = [
            answer(200, "<!doctype html><title>Log On</title>").with("Content-Type", "text/plain"),
            answer(200, "no angle bracket").with("Content-Type", "text/html;charset=utf-8"),
            answer(404, " \n<html><title>Log On</title>"),
            answer(409, "\u{feff}<html>"),
        ];
        for page in pages {
            let server = Server::script([page.clone()]).await;
            let error = send(&server.client(), get(&server)).await.unwrap_err();
            assert!(error.is_html(), "{page:?}");
            assert!(!error.is_not_found_by_sap() && !error.is_conflict());
            assert_eq!(server.calls().len(), 1);
        }
    }

    #[tokio::test]
    async fn routers_404_is_not_saps() {
        let body = r#"{"ErrorMessage":"Configuration with the specified name was not found"}"#;
        let router = answer(404, body).with("X-Cf-Routererror", "unknown_route");
        let server = Server::script([router, answer(404, body), answer(404, "Not Found")]).await;
        let test = server.client();
        let by_router = send(&test, get(&server)).await.unwrap_err();
        assert_eq!(by_router.kind, ErrorKind::Router);
        assert_eq!(by_router.message.as_deref(), Some("unknown_route"));
        assert!(by_router.is_not_found_by_other() && !by_router.is_not_found_by_sap());
        let by_sap = send(&test, get(&server)).await.unwrap_err();
        assert!(by_sap.is_not_found_by_sap() && !by_sap.is_not_found_by_other());
        let by_text = send(&test, get(&server)).await.unwrap_err();
        assert!(by_text.is_not_found_by_other() && !by_text.is_not_found_by_sap());
    }

    #[tokio::test]
    async fn redirect_is_not_followed_and_shows_the_host_only() {
        let target = "https://login.example/path?token=s3cr3t";
        for status in [301, 302, 303, 307, 308] {
            let server = Server::script([answer(status, "").with("Location", target)]).await;
            let error = send(&server.client(), get(&server)).await.unwrap_err();
            let host = Some("login.example".to_owned());
            assert_eq!(error.kind, ErrorKind::Redirect { host });
            assert!(!format!("{error} {error:?}").contains("s3cr3t"));
            assert_eq!(server.calls().len(), 1);
        }
    }

    #[tokio::test]
    async fn error_tells_where_and_shows_no_secret() {
        let body = r#"{"ErrorMessage":"bad value s3cr3t near s3cr3t"}"#;
        let server = Server::script([answer(400, body)]).await;
        let test = server.client();
        test.client.secrets().keep("s3cr3t");
        let error = send(&test, get(&server)).await.unwrap_err();
        let id = error.correlation_id.as_deref().unwrap();
        let expected = format!(
            "the service answered with an error: bad value (hidden) near (hidden) \
             (GET {}/a%2Fb → 400, correlation id {id}, 1 attempt in 0.0 s)",
            server.url
        );
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("s3cr3t"));
        assert!(!format!("{error:?}").contains("secret=query"));
    }

    #[tokio::test]
    async fn every_kind_of_answer_has_its_own_bound() {
        for (request, bound) in [
            (get as fn(&Server) -> Request, LARGEST_ANSWER),
            (|server| get(server).for_list(), LARGEST_LIST),
        ] {
            let body = |bytes: usize| answer(200, &"1".repeat(bytes));
            let server = Server::script([body(bound), body(bound + 1)]).await;
            let test = server.client();
            assert!(send(&test, request(&server)).await.is_ok(), "{bound}");
            let error = send(&test, request(&server)).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::TooLarge, "{bound}");
        }
        // Of an error the beginning is enough.
        let server = Server::script([answer(400, &"x y ".repeat(LARGEST_ERROR))]).await;
        let error = send(&server.client(), get(&server)).await.unwrap_err();
        assert_eq!(error.status, Some(400));
        assert!(
            error
                .message
                .as_deref()
                .unwrap_or_default()
                .starts_with("x y x"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_part_of_an_answer_is_no_answer() {
        for status in [203, 205, 206, 207, 226, 299] {
            let server = Server::script([answer(status, "[]")]).await;
            let error = send(&server.client(), get(&server)).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::UnexpectedAnswer, "{status}");
        }
    }

    #[tokio::test]
    async fn requests_in_flight_are_bounded() {
        let server = Server::script([Reply::Hang, answer(200, "")]).await;
        let config = Config {
            max_concurrent_requests: 1,
            ..server.config()
        };
        let test = test_client(config);
        let first = send(&test, get(&server));
        let second = send(&test, get(&server));
        let watching = async {
            while server.calls().is_empty() {
                tokio::task::yield_now().await;
            }
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            let in_flight = server.calls().len();
            test.context.cancel.cancel();
            in_flight
        };
        let (_, second, in_flight) = tokio::join!(first, second, watching);
        assert_eq!(in_flight, 1);
        assert_eq!(second.unwrap_err().attempts, 0);
    }

    #[tokio::test]
    async fn configured_proxy_is_used_and_its_refusal_recognised() {
        let proxy = Server::handler(|_| answer(407, "who are you")).await;
        let with_password = proxy.url.replace("http://", "http://user:s3cr3t@");
        let config = Config {
            proxy_url: Some(with_password.into()),
            ..Config::default()
        };
        let test = test_client(config);

        let plain = Request::get(Url::parse("http://sap.example/x").unwrap());
        let error = send(&test, plain).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::ProxyCredentials);
        assert!(proxy.all()[0].target.starts_with("http://sap.example/"));
        assert!(proxy.all()[0].header("proxy-authorization").is_some());

        let tunnel = Request::new(Method::POST, Url::parse("https://sap.example/x").unwrap());
        let error = send(&test, tunnel).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::ProxyCredentials, "{error:?}");
        assert!(!error.maybe_processed);
        assert_eq!(proxy.all()[1].method, "CONNECT");
        assert!(!format!("{error:?}").contains("s3cr3t"));
    }

    /// Writes down every field of every event.
    #[derive(Clone, Default)]
    struct Recorder(Arc<std::sync::Mutex<Vec<(String, String)>>>);

    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Recorder {
        fn on_event(
            &self,
            event: &tracing::Event<'_>,
            _: tracing_subscriber::layer::Context<'_, S>,
        ) {
            if event.metadata().target().starts_with("client::") {
                event.record(&mut self.clone());
            }
        }
    }

    impl tracing::field::Visit for Recorder {
        fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
            self.0
                .lock()
                .unwrap()
                .push((field.name().to_owned(), format!("{value:?}")));
        }
    }

    #[tokio::test]
    async fn log_has_the_allowed_fields_only() {
        use tracing_subscriber::layer::SubscriberExt as _;
        let recorder = Recorder::default();
        let subscriber = tracing_subscriber::registry().with(recorder.clone());
        let _guard = tracing::subscriber::set_default(subscriber);
        let replies = ["warm up", "s3cr3t answer"].map(|text| answer(400, text));
        let server = Server::script(replies.into_iter().chain([answer(200, "s3cr3t")])).await;
        let test = server.client();
        // The first event of the process may be another test's, on a thread
        // without a subscriber, and `tracing` remembers that nobody listened.
        assert!(send(&test, get(&server)).await.is_err());
        tracing::callsite::rebuild_interest_cache();
        recorder.0.lock().unwrap().clear();
        let url = Url::parse(&format!("{}/a%20b?key=s3cr3t", server.url)).unwrap();
        let request = || Request::new(Method::POST, url.clone()).body("text/plain", "s3cr3t body");
        let operation = test.client.http.operation(&test.context);
        let called = || {
            test.client
                .call(&operation, crate::KeyKind::Destination, None, request())
        };
        assert!(called().await.is_err());
        assert!(called().await.is_ok());

        let fields = recorder.0.lock().unwrap().clone();
        let allowed = [
            "method",
            "host",
            "path",
            "status",
            "attempt",
            "duration_ms",
            "correlation_id",
            "message",
        ];
        assert!(
            fields
                .iter()
                .all(|(name, _)| allowed.contains(&name.as_str())),
            "{fields:?}"
        );
        assert_eq!(
            fields.iter().filter(|(name, _)| name == "attempt").count(),
            3
        );
        assert!(fields.contains(&("path".to_owned(), "\"/a%20b\"".to_owned())));
        let all = format!("{fields:?}");
        assert!(!all.contains("s3cr3t") && !all.contains("top$secret") && !all.contains("eyJ"));
    }

    /// Answers as a SOCKS 5 proxy that asks for no credentials, and tells the
    /// host that it was to connect to.
    async fn socks_proxy() -> (String, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("socks5://{}", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut greeting = [0; 3];
            stream.read_exact(&mut greeting).await.unwrap();
            stream.write_all(&[5, 0]).await.unwrap();
            let mut request = [0; 5];
            stream.read_exact(&mut request).await.unwrap();
            let mut host = vec![0; usize::from(request[4])];
            stream.read_exact(&mut host).await.unwrap();
            String::from_utf8(host).unwrap()
        });
        (url, asked)
    }

    #[tokio::test]
    async fn socks_proxy_is_used_and_looks_up_the_names() {
        let (url, asked) = socks_proxy().await;
        let config = Config {
            proxy_url: Some(url.into()),
            retry: RetryPolicy {
                max_retries: 0,
                ..RetryPolicy::default()
            },
            ..Config::default()
        };
        let test = crate::testing::test_client(config);
        let request = Request::get(Url::parse("https://sap.invalid/x").unwrap());
        let error = send(&test, request).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Connect, "{error:?}");
        assert_eq!(asked.await.unwrap(), "sap.invalid");
    }

    #[test]
    fn unusable_proxy_and_certificates_are_refused_at_once() {
        let refused = |config| crate::Client::new(config).unwrap_err();
        let config = Config {
            proxy_url: Some("ftp://proxy.example".into()),
            ..Config::default()
        };
        assert_eq!(refused(config), ConfigError::ProxyUrl);
        let config = Config {
            ca_certificates: Some("nonsense".to_owned()),
            ..Config::default()
        };
        let fault = crate::PemFault::NoCertificate;
        assert_eq!(refused(config), ConfigError::CaCertificates(fault));
    }
}
