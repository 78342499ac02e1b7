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
use futures_util::FutureExt as _;
use futures_util::future::WeakShared;
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::Context;
use super::credentials::{KeyKind, OAuthClient, Proof};
use super::error::{Error, ErrorKind, Refusal};
use super::http::{Answer, Http, Operation, Request, Stack};
use super::tls;

/// Assumed lifetime when neither the answer nor the token tells one.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);

/// Longest margin before expiry at which a token is renewed.
const MAX_MARGIN: Duration = Duration::from_secs(300);

/// Longest time one fetch may take, whoever waits for it.
const FETCH_LIMIT: Duration = Duration::from_secs(600);

/// A token of the token service.
pub struct Token {
    secret: SecretString,
    token_type: String,
    granted_scopes: Vec<String>,
    claims: TokenClaims,
    lifetime: Duration,
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
    /// `ext_attr.zdn`: the subdomain, for people.
    pub subdomain: Option<String>,
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
    /// The access token.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The token type as the service spells it, usually `bearer`.
    #[must_use]
    pub fn token_type(&self) -> &str {
        &self.token_type
    }

    /// The scopes the service granted.
    #[must_use]
    pub fn granted_scopes(&self) -> &[String] {
        &self.granted_scopes
    }

    /// Whom the token acts for.
    #[must_use]
    pub fn claims(&self) -> &TokenClaims {
        &self.claims
    }

    /// When it stops being valid.
    #[must_use]
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
#[derive(Debug)]
pub(crate) struct TokenService {
    http: Arc<Http>,
    slots: Mutex<HashMap<(KeyKind, Option<String>), Arc<Slot>>>,
    stacks: Mutex<HashMap<KeyKind, Arc<Stack>>>,
}

/// The token of one service key and scope, and the request for the next one.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    fetch: Option<WeakShared<Fetch>>,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

impl TokenService {
    pub(crate) fn new(http: Arc<Http>) -> Self {
        Self {
            http,
            slots: Mutex::default(),
            stacks: Mutex::default(),
        }
    }

    /// A fresh token, from the cache or from the service.
    pub(crate) async fn token(
        &self,
        context: &Context,
        key: KeyKind,
        client: &OAuthClient,
        scope: Option<&str>,
    ) -> Fetched {
        let slot = self.slot(key, scope);
        let fetch = {
            let mut state = lock(&slot.state);
            if let Some(token) = &state.token
                && token.is_fresh(self.http.clock.now())
            {
                return Ok(Arc::clone(token));
            }
            match state.fetch.as_ref().and_then(WeakShared::upgrade) {
                Some(running) => running,
                None => {
                    let fetch = self.fetch(&slot, key, client, scope).shared();
                    state.fetch = fetch.downgrade();
                    fetch
                }
            }
        };
        self.http.operation(context).bounded(fetch).await?
    }

    /// Forgets a token that was rejected, unless a newer one is there already.
    pub(crate) fn forget(&self, key: KeyKind, scope: Option<&str>, rejected: &Arc<Token>) {
        let slot = self.slot(key, scope);
        let mut state = lock(&slot.state);
        if state
            .token
            .as_ref()
            .is_some_and(|token| Arc::ptr_eq(token, rejected))
        {
            state.token = None;
        }
    }

    fn slot(&self, key: KeyKind, scope: Option<&str>) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        Arc::clone(slots.entry((key, scope.map(str::to_owned))).or_default())
    }

    /// The future all waiters share. It owns everything it needs and keeps the
    /// token itself, so that it matters to nobody who of them is left.
    fn fetch(
        &self,
        slot: &Arc<Slot>,
        key: KeyKind,
        client: &OAuthClient,
        scope: Option<&str>,
    ) -> Fetch {
        let stack = match client.proof() {
            Proof::Secret(_) => None,
            Proof::Certificate { .. } => {
                Some(Arc::clone(lock(&self.stacks).entry(key).or_default()))
            }
        };
        let http = Arc::clone(&self.http);
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
            let stack = stack.as_deref().unwrap_or_else(|| http.shared());
            let fetched = request_token(&operation, stack, &client, scope.as_deref()).await;
            if let Some(slot) = slot.upgrade() {
                let mut state = lock(&slot.state);
                state.token = fetched.as_ref().ok().map(Arc::clone);
                state.fetch = None;
            }
            fetched
        })
    }
}

/// A panic of another holder does not make the map wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn request_token(
    operation: &Operation,
    stack: &Stack,
    client: &OAuthClient,
    scope: Option<&str>,
) -> Fetched {
    let fetched = operation.http.clock.now();
    let request = token_request(client, scope)?;
    let answer = operation
        .send(stack, &request)
        .await
        .map_err(|error| refusal(error, scope))?;
    decode(&answer, fetched).map(Arc::new)
}

fn token_request(client: &OAuthClient, scope: Option<&str>) -> Result<Request, Error> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    form.append_pair("client_id", client.client_id());
    if let Some(secret) = client.client_secret() {
        form.append_pair("client_secret", secret.expose_secret());
    }
    if let Some(scope) = scope {
        form.append_pair("scope", scope);
    }
    let request = Request::new(Method::POST, client.token_url().clone())
        .repeatable()
        .masking(client.secrets())
        .body("application/x-www-form-urlencoded", form.finish());
    match client.proof() {
        Proof::Secret(_) => Ok(request),
        Proof::Certificate { certificate, key } => tls::identity(certificate, key.expose_secret())
            .map(|identity| request.identity(identity))
            .map_err(|()| {
                Error::new(ErrorKind::Setup)
                    .with_message("the certificate and key of the service key cannot be read")
            }),
    }
}

/// Says what a refusal of the token service means.
fn refusal(mut error: Error, scope: Option<&str>) -> Error {
    let parts = error.parts_mut();
    if parts.kind == ErrorKind::Status {
        parts.kind = ErrorKind::Token(match (parts.status, parts.oauth_code.as_deref()) {
            (Some(400), Some("invalid_scope")) => Refusal::InvalidScope {
                scope: scope.map(str::to_owned),
            },
            (Some(401), _) => Refusal::BadCredentials,
            (Some(404), _) => Refusal::UnknownZone,
            _ => Refusal::Other,
        });
    }
    // Fetching a token changes nothing anybody would have to read back.
    parts.maybe_processed = false;
    error
}

fn decode(answer: &Answer, fetched: Instant) -> Result<Token, Error> {
    let body: Map<String, Value> = answer.json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::trim);
    let Some(token) = text("access_token").filter(|token| !token.is_empty()) else {
        return Err(answer.unexpected("the token service's answer has no `access_token`"));
    };
    let payload = payload(token).unwrap_or_default();
    let granted_scopes = match text("scope") {
        Some(scope) => scope.split_whitespace().map(str::to_owned).collect(),
        None => texts(payload.get("scope")),
    };
    Ok(Token {
        secret: token.into(),
        token_type: text("token_type").unwrap_or("bearer").to_owned(),
        granted_scopes,
        claims: TokenClaims::of(&payload),
        lifetime: seconds(body.get("expires_in"))
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
    fn of(payload: &Map<String, Value>) -> Self {
        let claim = |name: &str| Some(payload.get(name)?.as_str()?.to_owned());
        let extended = |name: &str| Some(payload.get("ext_attr")?.get(name)?.as_str()?.to_owned());
        Self {
            subaccount_id: extended("subaccountid").or_else(|| claim("zid")),
            instance_id: extended("serviceinstanceid"),
            tenant: claim("zid")
                .or_else(|| claim("app_tid"))
                .or_else(|| claim("zone_uuid")),
            subdomain: extended("zdn"),
        }
    }
}
