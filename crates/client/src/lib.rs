//! SAP's REST APIs as a plain Rust client: tokens, destinations, registration
//! and the landscape. It knows nothing of Terraform.
//!
//! * [`config`] is everything a caller can set, with every default.
//! * [`credentials`] reads service keys, in every form that [`key_forms`]
//!   knows.
//! * [`auth`] fetches and caches tokens.
//! * [`certificate`] tells when the certificate of an x509 key expires.
//! * [`http`], with [`tls`], [`proxy`], [`retry`] and [`clock`], sends requests.
//! * [`message`] finds SAP's own words in an answer. They are [`foreign`]: nothing
//!   but its door shows them.
//! * [`told`] bounds what is decoded of an answer.
//! * [`error`] is what can go wrong, in a form that can be asked questions.
//! * [`registration`], [`landscape`] and [`jobs`] are services; the Destination
//!   service has two collections, [`destination`] and [`destination_certificate`],
//!   with [`destination_service`] for what both do. [`many_reads`] turns many reads
//!   of destinations into one list.
//!
//! The way of one call: a service method starts an operation (one correlation
//! id), takes a token for its service key, sends the request as often as the
//! retry rules allow, and decodes the answer. A [`Context`] bounds all of it.
//!
//! What it deliberately does not do: decide. Whether a lost answer to a create
//! call means "created", or a missing destination is drift, is for the caller;
//! the client only answers truthfully what is known.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use foreign::Secrets;
use tokio_util::sync::CancellationToken;

mod auth;
mod certificate;
mod clock;
mod config;
mod credentials;
mod destination;
mod destination_certificate;
mod destination_service;
#[cfg(test)]
mod echoes;
mod error;
mod http;
mod jobs;
mod key_forms;
mod landscape;
mod many_reads;
mod message;
mod proxy;
mod registration;
mod retry;
#[cfg(test)]
mod testing;
mod tls;
mod told;

pub use auth::{Token, TokenClaims};
pub use config::{ApiCall, Config, ConfigError, OrderManagementApi};
pub use credentials::{
    CloudAlmKey, DestinationKey, JobSchedulingKey, KeyError, KeyKind, KeyProblem, OAuthClient,
    OrderManagementKey, Proof, ServiceKey,
};
pub use destination::{
    ByProperty, Changes, Destination, Destinations, Labels, ListFilter, Metadata, Page, Properties,
    TokenCheck,
};
pub use destination_certificate::{
    CertificateFile, CertificateSource, DestinationCertificate, DestinationCertificates,
    Generation, Issued,
};
pub use destination_service::{Collection, Deleted, Level};
pub use error::{Error, ErrorKind, GaveUp, Refusal};
pub use jobs::{Job, Jobs};
pub use key_forms::Look;
pub use landscape::{Landscape, LandscapeObject, LandscapeQuery};
pub use registration::OrderManagement;
pub use retry::RetryPolicy;
pub use tls::{PemFault, TlsFault};

use auth::TokenService;
use clock::{Clock, SystemClock};
use http::{Answer, Http, Operation, Request};
use many_reads::ManyReads;

/// How long an operation may take and how it is told to stop.
///
/// Every call takes one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// When the operation gives up, retries and waiting included.
    pub deadline: Instant,
    /// Cancelling it aborts the requests in flight at once.
    pub cancel: CancellationToken,
}

impl Context {
    /// A context that gives up after `timeout`, counted from now.
    #[must_use]
    pub fn within(timeout: Duration, cancel: CancellationToken) -> Self {
        let now = Instant::now();
        // A timeout beyond the end of time is as good as a century.
        let century = Duration::from_hours(24 * 365 * 100);
        Self {
            deadline: now.checked_add(timeout).unwrap_or(now + century),
            cancel,
        }
    }
}

/// Everything one configured provider needs to talk to SAP.
///
/// Creating one is cheap: the HTTP stack and the trust store are built when the
/// first request is sent. Share it by reference or in an [`Arc`]; it holds the
/// token cache and the bound on concurrent requests.
pub struct Client {
    config: Config,
    http: Arc<Http>,
    tokens: TokenService,
    /// The Destination service of this landscape has no PATCH.
    patch_unsupported: AtomicBool,
    /// The Destination service refused a list with filter and metadata.
    list_refused: AtomicBool,
    reads: ManyReads,
}

/// What was read is shown by name only, and no token at all.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", &self.config)
            .field("reads", &self.reads)
            .finish_non_exhaustive()
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

    fn with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        config.validate()?;
        let http = Arc::new(Http::new(&config, clock)?);
        Ok(Self {
            tokens: TokenService::new(Arc::clone(&http)),
            http,
            config,
            patch_unsupported: AtomicBool::new(false),
            list_refused: AtomicBool::new(false),
            reads: ManyReads::default(),
        })
    }

    /// The steady clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.http.clock.now()
    }

    /// The wall clock.
    #[must_use]
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
        let policy = &self.config.retry;
        retries < policy.retries(false)
            && self
                .pause(context, policy.delay(retries, None, fastrand::f64()))
                .await
    }

    /// How many requests were sent so far, repetitions included.
    #[must_use]
    pub fn requests_sent(&self) -> usize {
        self.http.sent.load(Ordering::Relaxed)
    }

    /// The configuration this client was made of.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Everything this client knows to be secret, and the door for texts of
    /// others. What is going to be sent or was read as a secret is kept here.
    #[must_use]
    pub fn secrets(&self) -> &Arc<Secrets> {
        &self.http.secrets
    }

    /// The destinations of the Destination service.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingKey`] when no Destination service key is configured.
    pub fn destinations(&self) -> Result<Destinations<'_>, Error> {
        let key = needed(self.config.destination_key.as_ref(), KeyKind::Destination)?;
        Ok(Destinations::new(self, key))
    }

    /// The certificates of the Destination service.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingKey`] when no Destination service key is configured.
    pub fn destination_certificates(&self) -> Result<DestinationCertificates<'_>, Error> {
        let key = needed(self.config.destination_key.as_ref(), KeyKind::Destination)?;
        Ok(DestinationCertificates::new(self, key))
    }

    /// SAP Order Management foundation's monitoring API.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingKey`] when no Order Management service key is
    /// configured, [`ErrorKind::UnusableKey`] when neither the key nor the
    /// configuration names the endpoint.
    pub fn order_management(&self) -> Result<OrderManagement<'_>, Error> {
        let key = needed(
            self.config.order_management_key.as_ref(),
            KeyKind::OrderManagement,
        )?;
        OrderManagement::new(self, key)
    }

    /// Cloud ALM's landscape API.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingKey`] when no Cloud ALM service key is configured.
    pub fn landscape(&self) -> Result<Landscape<'_>, Error> {
        let key = needed(self.config.cloud_alm_key.as_ref(), KeyKind::CloudAlm)?;
        Ok(Landscape::new(self, key))
    }

    /// The jobs of SAP Job Scheduling service.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingKey`] when no Job Scheduling service key is
    /// configured.
    pub fn jobs(&self) -> Result<Jobs<'_>, Error> {
        let key = needed(
            self.config.job_scheduling_key.as_ref(),
            KeyKind::JobScheduling,
        )?;
        Ok(Jobs::new(self, key))
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
        let client = needed(self.config.oauth(key), key)?;
        self.tokens.token(context, key, client, scope).await
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
        let client = needed(self.config.oauth(key), key)?;
        let token = self
            .tokens
            .token(&operation.context, key, client, scope)
            .await?;
        request.bearer(&token.secret);
        let rejected = match operation.send(&request).await {
            Ok(answer) => return Ok(answer),
            Err(error) if error.status == Some(401) => error,
            Err(error) => return Err(error),
        };
        self.tokens.forget(key, scope, &token);
        let token = self
            .tokens
            .token(&operation.context, key, client, scope)
            .await;
        let token = token.map_err(|error| error.after(&rejected))?;
        request.bearer(&token.secret);
        request.after(&rejected);
        let answer = operation.send(&request).await;
        answer.map_err(|error| error.after(&rejected))
    }
}

/// The service key that a call needs.
fn needed<K>(key: Option<&K>, kind: KeyKind) -> Result<&K, Error> {
    key.ok_or_else(|| Error::new(ErrorKind::MissingKey(kind)))
}
