//! What all services share: configuration, HTTP, tokens, and what was found out
//! about this landscape. Each service adds how it is reached to [`Client`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use foreign::Secrets;

use super::auth::{Token, TokenService};
use super::clock::{Clock, SystemClock};
use super::config::{Config, ConfigError};
use super::context::Context;
use super::credentials::KeyKind;
use super::error::{Error, ErrorKind};
use super::http::{Answer, Http, Operation, Request};
use super::many_reads::ManyReads;

/// Everything one configured provider needs to talk to SAP.
///
/// Creating one is cheap: the HTTP stack and the trust store are built when the
/// first request is sent. Share it by reference or in an [`Arc`]; it holds the
/// token cache and the bound on concurrent requests.
pub struct Client {
    pub(crate) http: Arc<Http>,
    pub(crate) tokens: TokenService,
    /// The Destination service of this landscape has no PATCH.
    pub(crate) patch_unsupported: AtomicBool,
    /// The Destination service refused a list with filter and metadata.
    pub(crate) list_refused: AtomicBool,
    pub(crate) reads: ManyReads,
}

/// It holds keys, tokens and what was read, so nothing of it is shown.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// Makes a client of a configuration.
    ///
    /// # Errors
    ///
    /// When the configuration contradicts itself, see [`ConfigError`]. A
    /// missing service key is no error here, only where it is needed.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Self::with_clock(config, Arc::new(SystemClock))
    }

    pub(crate) fn with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            http: Arc::new(Http::new(config, clock)?),
            tokens: TokenService::default(),
            patch_unsupported: AtomicBool::new(false),
            list_refused: AtomicBool::new(false),
            reads: ManyReads::default(),
        })
    }

    /// The steady clock.
    pub fn now(&self) -> Instant {
        self.http.clock.now()
    }

    /// The wall clock.
    pub fn wall(&self) -> jiff::Timestamp {
        self.http.clock.wall()
    }

    /// Waits, unless the context ends before; says whether it did not.
    pub async fn pause(&self, context: &Context, duration: Duration) -> bool {
        let sleep = self.http.clock.sleep(duration);
        self.http.operation(context).bounded(sleep).await.is_ok()
    }

    /// Whether a whole call may be repeated once more, after `retries` repetitions
    /// so far: waits by the rule that holds for a single request.
    pub async fn may_repeat(&self, context: &Context, retries: u32) -> bool {
        let policy = &self.config().retry;
        retries < policy.retries(false)
            && self
                .pause(context, policy.delay(retries, None, fastrand::f64()))
                .await
    }

    /// How many requests were sent so far, repetitions included.
    pub fn requests_sent(&self) -> usize {
        self.http.sent.load(Ordering::Relaxed)
    }

    /// The configuration this client was made of.
    pub fn config(&self) -> &Config {
        &self.http.config
    }

    /// Everything this client knows to be secret, and the door for texts of
    /// others. What is going to be sent or was read as a secret is kept here.
    pub fn secrets(&self) -> &Arc<Secrets> {
        &self.http.secrets
    }

    /// A token for the given service key, from the cache when one is fresh.
    ///
    /// `scope` is sent to the token service as it is; `None` asks for every
    /// scope the client has.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingKey`] when that key is not configured; otherwise
    /// what the token service answered, see [`Error::token_refusal`].
    pub async fn token(
        &self,
        context: &Context,
        key: KeyKind,
        scope: Option<&str>,
    ) -> Result<Arc<Token>, Error> {
        let operation = self.http.operation(context);
        self.token_within(&operation, key, scope).await
    }

    async fn token_within(
        &self,
        operation: &Operation,
        key: KeyKind,
        scope: Option<&str>,
    ) -> Result<Arc<Token>, Error> {
        let client = needed(self.config().oauth(key), key)?;
        self.tokens.token(operation, key, client, scope).await
    }

    /// Sends a request with a token of the given key. A 401 drops the token and
    /// replays the request once with a new one.
    pub(crate) async fn call(
        &self,
        operation: &Operation,
        key: KeyKind,
        scope: Option<&str>,
        mut request: Request,
    ) -> Result<Answer, Error> {
        let token = self.token_within(operation, key, scope).await?;
        request.bearer = Some(token.secret.clone());
        let rejected = match operation.send(&request).await {
            Ok(answer) => return Ok(answer),
            Err(error) if error.status == Some(401) => error,
            Err(error) => return Err(error),
        };
        self.tokens.forget(key, scope, &token);
        let token = self.token_within(operation, key, scope).await;
        let token = token.map_err(|error| error.after(&rejected))?;
        request.bearer = Some(token.secret.clone());
        request.spent = rejected.attempts;
        let answer = operation.send(&request).await;
        answer.map_err(|error| error.after(&rejected))
    }
}

/// The service key that a call needs.
pub(crate) fn needed<K>(key: Option<&K>, kind: KeyKind) -> Result<&K, Error> {
    key.ok_or_else(|| Error::new(ErrorKind::MissingKey(kind)))
}
