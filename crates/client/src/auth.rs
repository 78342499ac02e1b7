//! Tokens: one request per service key and scope, however many wait for it.
//!
//! A token is fetched by a shared future that every waiter polls. There is no
//! leader: a waiter that is cancelled leaves, the others go on, and when the
//! last one leaves the request ends with it.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foreign::Foreign;
use futures_util::FutureExt as _;
use futures_util::future::WeakShared;
use http::{HeaderValue, Method};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::certificate;
use super::context::Context;
use super::credentials::{KeyKind, OAuthClient, Proof};
use super::error::{Error, ErrorKind, Refusal};
use super::http::{Answer, Http, Operation, Request};
use super::retry::Repeat;

/// Assumed lifetime when neither the answer nor the token tells one.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(5);

/// Longest margin before expiry at which a token is renewed.
const MAX_MARGIN: Duration = Duration::from_mins(5);

/// Longest time one fetch may take, whoever waits for it.
const FETCH_LIMIT: Duration = Duration::from_mins(10);

/// Longest token: servers take no longer headers.
const LARGEST_TOKEN: usize = 16 * 1024;

/// A token of the token service.
pub struct Token {
    /// The access token.
    pub secret: SecretString,
    /// The token type as the service spells it, usually `bearer`.
    pub token_type: String,
    /// The scopes the service granted.
    pub granted_scopes: Vec<String>,
    /// Whom the token acts for.
    pub claims: TokenClaims,
    /// How long it is valid, as the token service told when it was fetched.
    pub lifetime: Duration,
    fetched: Instant,
}

/// What a token says about whom it acts for. Read without verification, as
/// the token comes from its issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenClaims {
    /// `ext_attr.subaccountid`, else the zone. The subaccount it acts for.
    pub subaccount_id: Option<String>,
    /// `ext_attr.serviceinstanceid`: the service instance it acts for.
    pub instance_id: Option<String>,
    /// `zid`, else `app_tid`, else `zone_uuid`: the tenant.
    pub tenant: Option<String>,
}

/// Without the token itself.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("granted_scopes", &self.granted_scopes)
            .field("claims", &self.claims)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl Token {
    /// When it stops being valid.
    pub fn expires_at(&self) -> Instant {
        self.fetched
            .checked_add(self.lifetime)
            .unwrap_or(self.fetched)
    }

    /// Whether it is far enough from its end: further than 10 % of its
    /// lifetime or 5 minutes, whichever is less.
    fn is_fresh(&self, now: Instant) -> bool {
        let margin = MAX_MARGIN.min(self.lifetime / 10);
        now.saturating_duration_since(self.fetched) < self.lifetime.saturating_sub(margin)
    }
}

type Fetched = Result<Arc<Token>, Error>;
type Fetch = Pin<Box<dyn Future<Output = Fetched> + Send>>;

/// Fetches and keeps tokens.
#[derive(Default)]
pub(crate) struct TokenService {
    slots: Mutex<HashMap<SlotName, Arc<Slot>>>,
}

/// Service key and scope.
type SlotName = (KeyKind, Option<String>);

type Slot = Mutex<State>;

/// The token of one service key and scope, and the request for the next one.
#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    fetch: Option<WeakShared<Fetch>>,
}

impl TokenService {
    /// A fresh token, from the cache or from the service.
    pub(crate) async fn token(
        &self,
        operation: &Operation,
        key: KeyKind,
        client: &OAuthClient,
        scope: Option<&str>,
    ) -> Fetched {
        let slot = self.slot(key, scope);
        let fetch = {
            let mut state = lock(&slot);
            if let Some(token) = &state.token
                && token.is_fresh(operation.http.clock.now())
            {
                return Ok(Arc::clone(token));
            }
            let running = state.fetch.as_ref().and_then(WeakShared::upgrade);
            running.unwrap_or_else(|| {
                let fetch = fetch(&operation.http, &slot, key, client, scope).shared();
                state.fetch = fetch.downgrade();
                fetch
            })
        };
        let fetched = operation.bounded(fetch).await;
        fetched.map_err(|mut error| {
            error.method = Some(Method::POST.to_string());
            error.url = Some(client.token_url.to_string());
            error
        })?
    }

    /// Forgets a token that was rejected, unless a newer one is there already.
    pub(crate) fn forget(&self, key: KeyKind, scope: Option<&str>, rejected: &Arc<Token>) {
        let slot = self.slot(key, scope);
        let is_rejected = |token: &mut Arc<Token>| Arc::ptr_eq(token, rejected);
        lock(&slot).token.take_if(is_rejected);
    }

    fn slot(&self, key: KeyKind, scope: Option<&str>) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        Arc::clone(slots.entry((key, scope.map(str::to_owned))).or_default())
    }
}

/// The future all waiters share. It owns everything it needs and keeps the
/// token itself, so that it matters to nobody who of them is left.
fn fetch(
    http: &Arc<Http>,
    slot: &Arc<Slot>,
    key: KeyKind,
    client: &OAuthClient,
    scope: Option<&str>,
) -> Fetch {
    let http = Arc::clone(http);
    let slot = Arc::downgrade(slot);
    let client = client.clone();
    let scope = scope.map(str::to_owned);
    Box::pin(async move {
        let now = http.clock.now();
        let context = Context {
            deadline: now.checked_add(FETCH_LIMIT).unwrap_or(now),
            cancel: CancellationToken::new(),
        };
        let operation = http.operation(&context);
        let fetched = match expired(key, &client, http.clock.wall()) {
            Some(error) => Err(error),
            None => request_token(&operation, &client, scope.as_deref()).await,
        };
        if let Some(slot) = slot.upgrade() {
            let mut state = lock(&slot);
            state.token = fetched.as_ref().ok().map(Arc::clone);
            state.fetch = None;
        }
        fetched
    })
}

/// A panic of another holder does not make the map wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn request_token(
    operation: &Operation,
    client: &OAuthClient,
    scope: Option<&str>,
) -> Fetched {
    let fetched = operation.http.clock.now();
    let answer = operation.send(&token_request(client, scope)).await;
    let answer = answer.map_err(|error| refusal(error, scope))?;
    Ok(Arc::new(decode(&answer, fetched)?))
}

/// The error of an x509 key that is too old to be sent anywhere.
fn expired(key: KeyKind, client: &OAuthClient, now: Timestamp) -> Option<Error> {
    let Proof::Certificate { certificate, .. } = &client.proof else {
        return None;
    };
    let at = certificate::expiry(certificate).filter(|at| *at <= now)?;
    Some(Error::new(ErrorKind::ExpiredCertificate { key, at }))
}

fn token_request(client: &OAuthClient, scope: Option<&str>) -> Request {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    form.append_pair("client_id", &client.client_id);
    if let Some(secret) = client.client_secret() {
        form.append_pair("client_secret", secret.expose_secret());
    }
    if let Some(scope) = scope {
        form.append_pair("scope", scope);
    }
    let mut request = Request::new(Method::POST, client.token_url.clone())
        .repeat(Repeat::Safe)
        .body("application/x-www-form-urlencoded", form.finish());
    if let Proof::Certificate { identity, .. } = &client.proof {
        request.identity = Some(identity.clone());
    }
    request
}

/// Says what a refusal of the token service means.
fn refusal(mut error: Error, scope: Option<&str>) -> Error {
    let code = error.oauth_code.take();
    let has_code = |word| code.as_ref().is_some_and(|code| code.is(word));
    if error.kind == ErrorKind::Status {
        error.kind = ErrorKind::Token(match error.status {
            Some(400) if has_code("invalid_scope") => Refusal::InvalidScope {
                scope: scope.map(str::to_owned),
            },
            Some(401) => Refusal::BadCredentials,
            Some(404) => Refusal::UnknownZone,
            Some(429) => Refusal::TooManyRequests,
            Some(408 | 500..) => Refusal::Unavailable,
            _ => Refusal::Other,
        });
    }
    error
}

/// What is asked for in an answer of the token service. The rest is not even
/// read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenAnswer {
    access_token: Value,
    token_type: Value,
    scope: Value,
    expires_in: Value,
}

fn decode(answer: &Answer, fetched: Instant) -> Result<Token, Error> {
    let body: TokenAnswer = answer.json()?;
    let token = body.access_token.as_str().unwrap_or_default().trim();
    if token.is_empty() {
        return Err(answer.unexpected("the token service's answer has no `access_token`"));
    }
    if token.len() > LARGEST_TOKEN || HeaderValue::from_str(token).is_err() {
        return Err(answer.unexpected("the `access_token` fits into no header"));
    }
    answer.secrets.keep(token);
    let identifier = |text: &str| answer.secrets.identifier(&Foreign::new(text));
    let payload = payload(token).unwrap_or_default();
    let scopes = match &body.scope {
        Value::String(_) => texts(Some(&body.scope)),
        _ => texts(payload.get("scope")),
    };
    let kind = body.token_type.as_str().and_then(identifier);
    Ok(Token {
        secret: token.into(),
        token_type: kind.unwrap_or_else(|| "bearer".to_owned()),
        granted_scopes: scopes
            .iter()
            .filter_map(|scope| identifier(scope))
            .collect(),
        claims: TokenClaims::of(&payload, identifier),
        lifetime: seconds(Some(&body.expires_in))
            .or_else(|| seconds(payload.get("exp"))?.checked_sub(seconds(payload.get("iat"))?))
            .unwrap_or(DEFAULT_LIFETIME),
        fetched,
    })
}

/// A whole number of seconds, as number or string.
fn seconds(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The claims in a JSON web token; `None` when it is none.
fn payload(token: &str) -> Option<Map<String, Value>> {
    let part = token.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&json).ok()
}

impl TokenClaims {
    /// A claim that is empty or that nobody could read says nothing.
    fn of(payload: &Map<String, Value>, identifier: impl Fn(&str) -> Option<String>) -> Self {
        let claim = |name: &str| identifier(payload.get(name)?.as_str()?);
        let extended = |name: &str| identifier(payload.get("ext_attr")?.get(name)?.as_str()?);
        Self {
            subaccount_id: extended("subaccountid").or_else(|| claim("zid")),
            instance_id: extended("serviceinstanceid"),
            tenant: claim("zid")
                .or_else(|| claim("app_tid"))
                .or_else(|| claim("zone_uuid")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;
    use crate::testing::{Reply, Server, TestClient, answer, jwt, token_answer};

    async fn fetch(test: &TestClient, scope: Option<&str>) -> Fetched {
        test.client
            .token(&test.context, KeyKind::Destination, scope)
            .await
    }

    #[tokio::test]
    async fn token_request_is_a_form_with_everything_encoded() {
        let server = Server::script([]).await;
        let test = server.client();
        let token = fetch(&test, Some("app!b1.IntegrationMonitoring other"))
            .await
            .unwrap();

        let requests = server.all();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].method, "POST");
        assert_eq!(requests[0].target, "/oauth/token");
        assert_eq!(requests[0].header("accept"), Some("application/json"));
        assert_eq!(
            requests[0].header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
        assert_eq!(requests[0].header("authorization"), None);
        assert_eq!(
            requests[0].body,
            "grant_type=client_credentials&client_id=sb-client%21b1%7Cx%21b2\
             &client_secret=top%24secret%3D&scope=app%21b1.IntegrationMonitoring+other"
        );
        assert_eq!(
            token.granted_scopes,
            ["uaa.resource", "app!b1.IntegrationMonitoring"]
        );
        let claims = TokenClaims {
            subaccount_id: Some("sub-1".to_owned()),
            instance_id: Some("inst-1".to_owned()),
            tenant: Some("zone-1".to_owned()),
        };
        assert_eq!(token.claims, claims);
        assert!(!format!("{token:?}").contains("eyJ"));
    }

    #[tokio::test]
    async fn token_is_kept_per_scope_until_shortly_before_its_end() {
        let server = Server::script([]).await;
        let test = server.client();
        for _ in 0..3 {
            fetch(&test, None).await.unwrap();
        }
        assert_eq!(server.tokens(), 1);
        fetch(&test, Some("a")).await.unwrap();
        assert_eq!(server.tokens(), 2);
        // 12 hours of life, renewed 5 minutes before the end.
        test.clock.advance(Duration::from_secs(43_200 - 301));
        fetch(&test, None).await.unwrap();
        assert_eq!(server.tokens(), 2);
        test.clock.advance(Duration::from_secs(2));
        let late = test.clock.context(Duration::from_mins(1));
        test.client
            .token(&late, KeyKind::Destination, None)
            .await
            .unwrap();
        assert_eq!(server.tokens(), 3);
    }

    #[tokio::test]
    async fn clock_that_is_set_forward_or_back_changes_nothing_about_a_token() {
        let server = Server::script([]).await;
        let test = server.client();
        fetch(&test, None).await.unwrap();
        for hours in [-48, 48, 0] {
            test.clock
                .set_wall_off(jiff::SignedDuration::from_hours(hours));
            fetch(&test, None).await.unwrap();
        }
        test.clock.advance(Duration::from_mins(2));
        fetch(&test, Some("late")).await.unwrap();
        // A steady clock does not go back; should one, tokens are simply young.
        test.clock.rewind(Duration::from_mins(2));
        for scope in [None, Some("late")] {
            fetch(&test, scope).await.unwrap();
        }
        assert_eq!(server.tokens(), 2);
    }

    /// The steady clock stands still while a machine sleeps, so a token looks
    /// fresh that SAP rejects.
    #[tokio::test]
    async fn token_that_ended_while_the_machine_slept_is_replaced_after_its_401() {
        let server = Server::script([answer(401, "expired"), answer(200, "[]")]).await;
        let test = server.client();
        fetch(&test, None).await.unwrap();
        test.clock
            .set_wall_off(jiff::SignedDuration::from_hours(13));
        let operation = test.client.http.operation(&test.context);
        let url = url::Url::parse(&server.url).unwrap();
        let called = test
            .client
            .call(&operation, KeyKind::Destination, None, Request::get(url));
        assert_eq!(called.await.unwrap().status, 200);
        assert_eq!((server.tokens(), server.calls().len()), (2, 2));
    }

    #[test]
    fn short_token_is_renewed_ten_percent_before_its_end() {
        let fetched = Instant::now();
        let token = Token {
            secret: "t".into(),
            token_type: "bearer".to_owned(),
            granted_scopes: Vec::new(),
            claims: TokenClaims::default(),
            lifetime: Duration::from_secs(100),
            fetched,
        };
        assert!(token.is_fresh(fetched + Duration::from_secs(89)));
        assert!(!token.is_fresh(fetched + Duration::from_secs(90)));
        let dead = Token {
            lifetime: Duration::ZERO,
            ..token
        };
        assert!(!dead.is_fresh(fetched));
    }

    #[tokio::test]
    async fn fifty_callers_share_one_request() {
        let server = Server::script([]).await;
        let test = server.client();
        let tokens = join_all((0..50).map(|_| fetch(&test, None))).await;
        let first = tokens[0].as_ref().unwrap();
        assert!(
            tokens
                .iter()
                .all(|token| Arc::ptr_eq(token.as_ref().unwrap(), first))
        );
        assert_eq!(server.tokens(), 1);
    }

    #[tokio::test]
    async fn fifty_callers_share_one_failure_and_the_next_tries_again() {
        let calls = AtomicUsize::new(0);
        let server = Server::handler(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
            0 => answer(
                401,
                r#"{"error":"unauthorized","error_description":"Bad credentials"}"#,
            ),
            number => token_answer(number),
        })
        .await;
        let test = server.client();
        let results = join_all((0..50).map(|_| fetch(&test, None))).await;
        for result in results {
            let error = result.unwrap_err();
            assert_eq!(error.token_refusal(), Some(&Refusal::BadCredentials));
        }
        assert_eq!(server.tokens(), 1);
        fetch(&test, None).await.unwrap();
        assert_eq!(server.tokens(), 2);
    }

    #[tokio::test]
    async fn cancelled_caller_takes_nobody_along() {
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let server = Server::handler(move |_| {
            gate.recv().unwrap();
            token_answer(1)
        });
        // The handler blocks its thread, so it must not be ours.
        let (url, stop) = on_another_thread(server);
        let test = crate::testing::test_client(config_for(&url));

        let first = Context {
            cancel: CancellationToken::new(),
            ..test.context.clone()
        };
        let leader = test.client.token(&first, KeyKind::Destination, None);
        let follower = fetch(&test, None);
        let conductor = async {
            tokio::task::yield_now().await;
            first.cancel.cancel();
            tokio::task::yield_now().await;
            release.send(()).unwrap();
        };
        let (leader, follower, ()) = tokio::join!(leader, follower, conductor);
        assert!(leader.unwrap_err().is_cancelled());
        assert!(follower.is_ok(), "{follower:?}");
        drop(stop);
    }

    #[tokio::test]
    async fn fetch_that_everybody_left_is_started_anew() {
        let calls = AtomicUsize::new(0);
        let server = Server::handler(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::Hang,
            number => token_answer(number),
        })
        .await;
        let test = server.client();
        let context = Context {
            cancel: CancellationToken::new(),
            ..test.context.clone()
        };
        let waiting = test.client.token(&context, KeyKind::Destination, None);
        let cancelling = async {
            while server.tokens() == 0 {
                tokio::task::yield_now().await;
            }
            context.cancel.cancel();
        };
        let (waited, ()) = tokio::join!(waiting, cancelling);
        assert!(waited.unwrap_err().is_cancelled());
        fetch(&test, None).await.unwrap();
        assert_eq!(server.tokens(), 2);
    }

    #[tokio::test]
    async fn refusals_are_told_apart_and_show_no_secret() {
        let invalid_scope = |scope: &str| Refusal::InvalidScope {
            scope: Some(scope.to_owned()),
        };
        let cases = [
            (
                400,
                r#"{"error":"invalid_scope","error_description":"s is invalid"}"#,
                invalid_scope("s"),
            ),
            (400, r#"{"error":"invalid_request"}"#, Refusal::Other),
            (
                401,
                "Client top$secret= top%24secret%3D unknown",
                Refusal::BadCredentials,
            ),
            (
                404,
                "The subdomain does not map to a valid identity zone",
                Refusal::UnknownZone,
            ),
            (403, "", Refusal::Other),
            (429, "slow down", Refusal::TooManyRequests),
            (500, "", Refusal::Unavailable),
            (503, "try later", Refusal::Unavailable),
        ];
        for (status, body, refusal) in cases {
            let server = Server::handler(move |_| answer(status, body)).await;
            let test = server.client();
            let error = fetch(&test, Some("s")).await.unwrap_err();
            assert_eq!(error.token_refusal(), Some(&refusal), "{status} {body}");
            let is_repeated = matches!(status, 429 | 500..);
            assert_eq!(error.attempts > 1, is_repeated, "{status}");
            assert!(!error.maybe_processed);
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains("top$secret") && !shown.contains("top%24"),
                "{shown}"
            );
        }
    }

    #[tokio::test]
    async fn token_request_is_repeated_like_an_idempotent_one() {
        let calls = AtomicUsize::new(0);
        let server = Server::handler(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
            0 => answer(500, ""),
            1 => Reply::Close,
            2 => Reply::Truncate { status: 200 },
            number => token_answer(number),
        })
        .await;
        let test = server.client();
        fetch(&test, None).await.unwrap();
        assert_eq!(server.tokens(), 4);
        assert_eq!(test.clock.slept().len(), 3);
    }

    #[tokio::test]
    async fn answer_without_token_is_an_error() {
        for body in ["{}", "", "[]", "ok", r#"{"access_token":""}"#] {
            let server = Server::handler(move |_| answer(200, body)).await;
            let error = fetch(&server.client(), None).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::UnexpectedAnswer, "{body}");
        }
    }

    #[test]
    fn lifetime_is_a_number_a_string_or_in_the_token() {
        let seconds_of = |value: Value| seconds(Some(&value)).map(|d| d.as_secs());
        assert_eq!(seconds_of(43_199.into()), Some(43_199));
        assert_eq!(seconds_of("3600".into()), Some(3600));
        assert_eq!(seconds_of((-1).into()), None);
        assert_eq!(seconds_of(Value::Null), None);
        let claims = payload(&jwt(r#"{"iat":100,"exp":700,"zone_uuid":"z"}"#)).unwrap();
        assert_eq!(seconds(claims.get("exp")), Some(Duration::from_secs(700)));
        let claims = TokenClaims::of(&claims, |text| Some(text.to_owned()));
        assert_eq!(claims.tenant.as_deref(), Some("z"));
    }

    #[test]
    fn token_that_is_no_jwt_has_no_claims() {
        for token in ["", "opaque", "a.b.c", "a.bm90IGpzb24.c", "..."] {
            assert_eq!(payload(token), None, "{token}");
        }
    }

    fn config_for(url: &str) -> crate::Config {
        let json = format!(r#"{{"clientid":"c","clientsecret":"s","url":"{url}","uri":"{url}"}}"#);
        crate::Config {
            destination_key: Some(crate::DestinationKey::parse(&json).unwrap()),
            ..crate::Config::default()
        }
    }

    /// Runs a server on a runtime of its own until the guard is dropped.
    fn on_another_thread(
        server: impl Future<Output = Server> + Send + 'static,
    ) -> (String, tokio::sync::oneshot::Sender<()>) {
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let server = server.await;
                tell.send(server.url.clone()).unwrap();
                let _ = stopped.await;
            });
        });
        (told.recv().unwrap(), stop)
    }
}
