//! The accept loop and the way of one request: journal, fault, service,
//! answer.
//!
//! The loop is our own because a fault must be able to reset a connection and
//! to break an answer off, which a web framework does not let a handler do.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_LENGTH, HeaderName};
use http::{HeaderValue, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::call::{Call, Reply, router_not_found, value_of};
use super::clock::Clock;
use super::fault::{self, Action, Reset};
use super::journal::{self, Entry, Place};
use super::origins::{Door, Listener};
use super::outbound::CALLER_HEADER;
use super::shared::Shared;
use super::token;
use super::world::World;
use super::{control, destination, jobs, keys, landscape, registration};

/// Largest body of a request.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Serves until told to stop; connections that are open then are dropped.
pub(crate) async fn serve(
    (listener, zone): Listener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((tcp, _)) = accepted else {
            // Out of file descriptors, for example: others will be closed soon.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let connection = connection(tcp, zone.clone(), tls.clone(), Arc::clone(&shared));
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection => {}
            }
        });
    }
}

async fn connection(tcp: TcpStream, zone: String, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let _ = tcp.set_nodelay(true);
    let ending = Arc::new(Ending::default());
    let socket = Socket {
        tcp,
        ending: Arc::clone(&ending),
    };
    match tls {
        None => requests(socket, &zone, None, ending, shared).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(socket).await {
                let certificates = stream.get_ref().1.peer_certificates();
                let certificate = certificates.and_then(|all| all.first()).cloned();
                let certificate = certificate.map(CertificateDer::into_owned);
                requests(stream, &zone, certificate, ending, shared).await;
            }
        }
    }
}

async fn requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    zone: &str,
    certificate: Option<CertificateDer<'static>>,
    ending: Arc<Ending>,
    shared: Arc<Shared>,
) {
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        let certificate = certificate.clone();
        let ending = Arc::clone(&ending);
        async move {
            respond(&shared, zone, certificate, request)
                .await
                .inspect_err(|abort| ending.choose(abort))
        }
    });
    // An error means that the peer has gone or that we reset the connection.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The end of a connection instead of an answer.
#[derive(Debug, thiserror::Error)]
enum Abort {
    #[error("the connection is reset")]
    Reset,
    #[error("the TLS session is broken")]
    BreakTls,
    #[error("the request ended early")]
    Request(#[from] Box<dyn std::error::Error + Send + Sync>),
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// One request from its arrival to its answer.
async fn respond(
    shared: &Shared,
    zone: &str,
    certificate: Option<CertificateDer<'static>>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Body>, Abort> {
    let (head, body) = request.into_parts();
    let mut call = Call {
        method: head.method,
        path: format!("{zone}{}", head.uri.path()),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: Bytes::new(),
        certificate,
    };
    let body = Limited::new(body, LARGEST_BODY);
    shared.world().renew_certificates();
    if let Some(path) = call.path.strip_prefix("/_emulator/") {
        let path = path.to_owned();
        if !is_from_here(&call, shared.origins.base()) {
            let host = call.header("host").unwrap_or_default();
            return Ok(whole(router_not_found(host)));
        }
        call.body = body.collect().await?.to_bytes();
        let path: Vec<&str> = path.split('/').collect();
        return Ok(whole(control::handle(shared, &call, &path)));
    }

    let caller = shared.outbound.caller(call.header(CALLER_HEADER));
    let _in_flight = InFlight::enter(&shared.in_flight, caller.is_none());
    let correlation_id = correlation_id(&call);
    let (place, action) = arrive(shared, &call, caller, &correlation_id);
    call.body = body.collect().await?.to_bytes();
    complete_entry(&mut shared.world(), place, &call);

    let reply = perform(shared, &call, place, &action).await?;
    let reply = reply
        .with_header(HeaderName::from_static("x-correlationid"), &correlation_id)
        .with_header(
            HeaderName::from_static("x-vcap-request-id"),
            &correlation_id,
        );
    if let Some(entry) = shared.world().journal.at(place) {
        entry.status = Some(reply.status.as_u16());
    }
    Ok(match (action.truncate_bytes, action.drip_ms) {
        (Some(bytes), _) => truncated(reply, bytes),
        (None, Some(pause)) => {
            let clock = shared.world().clock.clone();
            dripping(reply, Duration::from_millis(pause), clock)
        }
        (None, None) => whole(reply),
    })
}

/// Whether whoever calls the control API is a program on this machine, and not a
/// page in a browser, which says where it is from or asks for another host.
/// A host name that the emulator was started for is its own.
fn is_from_here(call: &Call, base_url: &str) -> bool {
    let host = call.header("host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = ["localhost", "127.0.0.1", "[::1]"].contains(&name);
    let is_own = base_url.ends_with(&format!("://{host}"));
    (is_here || is_own) && call.header("origin").is_none()
}

/// Processes the request as the fault lets it.
async fn perform(
    shared: &Shared,
    call: &Call,
    place: Place,
    action: &Action,
) -> Result<Reply, Abort> {
    let (clock, latency) = {
        let world = shared.world();
        (world.clock.clone(), world.knobs.latency_ms)
    };
    clock
        .sleep(Duration::from_millis(latency + action.late_ms))
        .await;
    if action.expire_tokens {
        shared.world().expire_tokens();
    }
    if action.end() == Some(Reset::Before) {
        hold(shared, place, action).await;
        return Err(Abort::of(action));
    }
    let mut reply = match canned(action) {
        Some(reply) if action.end().is_none() => reply,
        _ => route(shared, call).await,
    };
    hold(shared, place, action).await;
    if action.end().is_some() {
        return Err(Abort::of(action));
    }
    for (name, value) in &action.headers {
        if let Ok(name) = HeaderName::try_from(name) {
            reply = reply.with_header(name, value);
        }
    }
    Ok(reply)
}

/// The delay of a fault. The journal says when it has begun.
async fn hold(shared: &Shared, place: Place, action: &Action) {
    if action.delay_ms == 0 {
        return;
    }
    // In one step: who sees it held may move the clock.
    let (clock, end) = {
        let mut world = shared.world();
        if let Some(entry) = world.journal.at(place) {
            entry.held = true;
        }
        let clock = world.clock.clone();
        let end = clock.now() + Duration::from_millis(action.delay_ms);
        (clock, end)
    };
    clock.passed(end).await;
}

impl Abort {
    /// How the connection ends that a fault ends.
    fn of(action: &Action) -> Self {
        match action.break_tls {
            Some(_) => Self::BreakTls,
            None => Self::Reset,
        }
    }
}

/// The answer that a fault brings itself.
fn canned(action: &Action) -> Option<Reply> {
    if action.status.is_none() && action.body.is_none() {
        return None;
    }
    let status = action.status.unwrap_or(200);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Some(match &action.body {
        None => Reply::empty(status),
        Some(serde_json::Value::String(text)) => Reply::text(status, text.clone()),
        Some(body) => Reply::json(status, body),
    })
}

/// Which service a path belongs to.
async fn route(shared: &Shared, call: &Call) -> Reply {
    let unrouted = shared
        .world()
        .knobs
        .unrouted
        .iter()
        .any(|prefix| call.path.starts_with(prefix.as_str()));
    if unrouted {
        return router_not_found(call.header("host").unwrap_or_default());
    }
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["zones", zone, rest @ ..] => token::handle(shared, call, zone, rest, Door::Secret),
        ["cert-zones", zone, rest @ ..] => {
            token::handle(shared, call, zone, rest, Door::Certificate)
        }
        ["destination-configuration", rest @ ..] => destination::handle(shared, call, rest).await,
        ["api", rest @ ..] => landscape::handle(shared, call, rest),
        ["jobscheduler-rest", rest @ ..] => jobs::handle(shared, call, rest),
        _ => match call.path.strip_prefix(keys::ORDER_MANAGEMENT_PATH) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                registration::handle(shared, call, rest).await
            }
            _ => router_not_found(call.header("host").unwrap_or_default()),
        },
    }
}

// ---- journal ----

/// Writes the request down and finds its fault, in order of arrival.
fn arrive(
    shared: &Shared,
    call: &Call,
    caller: Option<String>,
    correlation_id: &str,
) -> (Place, Action) {
    let world = &mut *shared.world();
    let action = fault::strike(
        &mut world.faults,
        &call.method,
        &call.path,
        caller.as_deref(),
    );
    let place = world.journal.append(Entry {
        time: now(),
        method: call.method.to_string(),
        path: call.path_and_query(),
        status: None,
        client_id: None,
        correlation_id: correlation_id.to_owned(),
        user_agent: call.header("user-agent").map(ToOwned::to_owned),
        caller,
        fault: action.is_some(),
        held: false,
        in_flight: shared.in_flight.load(Ordering::Relaxed),
        keys: None,
        scope: None,
    });
    (place, action.unwrap_or_default())
}

/// Adds what is known when the body has arrived, too.
fn complete_entry(world: &mut World, place: Place, call: &Call) {
    let bearer = call.authorization("bearer");
    let client_id = bearer
        .and_then(|token| world.grants.get(token))
        .map(|grant| grant.client_id.clone())
        .or_else(|| token::basic_credentials(call).map(|(id, _)| id))
        .or_else(|| value_of(&call.form(), "client_id").map(ToOwned::to_owned));
    if let Some(entry) = world.journal.at(place) {
        entry.client_id = client_id;
        entry.keys = journal::property_names(call);
        entry.scope = journal::requested_scope(call);
    }
}

/// RFC 3339 with milliseconds.
fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// The correlation id of the request, or a new one.
fn correlation_id(call: &Call) -> String {
    [
        "x-correlationid",
        "x-correlation-id",
        "x-request-id",
        "x-vcap-request-id",
    ]
    .into_iter()
    .find_map(|name| call.header(name))
    .map_or_else(|| uuid::Uuid::new_v4().to_string(), ToOwned::to_owned)
}

// ---- answers ----

fn whole(reply: Reply) -> hyper::Response<Body> {
    let body = Full::new(reply.body).map_err(|never: Infallible| match never {});
    response(reply.status, reply.headers, body.boxed_unsync())
}

/// An answer that promises more than it sends: the connection is closed after
/// `bytes` of the body.
fn truncated(reply: Reply, bytes: usize) -> hyper::Response<Body> {
    let promised = reply.body.len().max(bytes + 1);
    let sent = reply.body.slice(..bytes.min(reply.body.len()));
    let broken = async {
        // What was sent must have left before the connection ends.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    let frames = stream::once(async move { Ok(Frame::data(sent)) }).chain(stream::once(broken));
    let mut headers = reply.headers;
    headers.insert(CONTENT_LENGTH, HeaderValue::from(promised));
    response(
        reply.status,
        headers,
        StreamBody::new(frames).boxed_unsync(),
    )
}

/// An answer that comes byte by byte.
fn dripping(reply: Reply, pause: Duration, clock: Clock) -> hyper::Response<Body> {
    let length = reply.body.len();
    let byte = move |(clock, body, at): (Clock, Bytes, usize)| async move {
        if at == body.len() {
            return None;
        }
        clock.sleep(pause).await;
        let frame = Frame::data(body.slice(at..=at));
        Some((Ok(frame), (clock, body, at + 1)))
    };
    let frames = stream::unfold((clock, reply.body, 0), byte);
    let mut headers = reply.headers;
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    response(
        reply.status,
        headers,
        StreamBody::new(frames).boxed_unsync(),
    )
}

fn response(status: StatusCode, headers: http::HeaderMap, body: Body) -> hyper::Response<Body> {
    let mut response = hyper::Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

// ---- socket ----

/// How a connection ends, if not in the usual way.
#[derive(Debug, Default)]
struct Ending {
    reset: AtomicBool,
    break_tls: AtomicBool,
}

impl Ending {
    fn choose(&self, abort: &Abort) {
        let flag = match abort {
            Abort::BreakTls => &self.break_tls,
            Abort::Reset | Abort::Request(_) => &self.reset,
        };
        flag.store(true, Ordering::Relaxed);
    }
}

/// A TCP connection that ends as its flags say.
struct Socket {
    tcp: TcpStream,
    ending: Arc<Ending>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        /// Application data of TLS that no key fits.
        const GARBAGE: [u8; 37] = {
            let mut record = [0x5a; 37];
            [record[0], record[1], record[2], record[3], record[4]] = [23, 3, 3, 0, 32];
            record
        };
        if self.ending.break_tls.load(Ordering::Relaxed) {
            // A full buffer would only mean that the connection just ends.
            let _ = self.tcp.try_write(&GARBAGE);
        } else if self.ending.reset.load(Ordering::Relaxed) {
            let _ = self.tcp.set_zero_linger();
        }
    }
}

/// Counts a request from outside as long as it is in progress.
struct InFlight<'a>(Option<&'a AtomicUsize>);

impl<'a> InFlight<'a> {
    fn enter(count: &'a AtomicUsize, from_outside: bool) -> Self {
        let count = from_outside.then_some(count);
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
