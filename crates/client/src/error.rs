//! What can go wrong between us and SAP, in a form that can be asked questions.
//!
//! An [`Error`] carries what a diagnostic needs as separate parts: the
//! operation, the status, SAP's own words, the correlation id, attempts and
//! time. None of them can hold a secret: request bodies, headers, queries and
//! the causes of other libraries never get here, and what SAP says comes through
//! the door of [`foreign::Secrets`].

use std::error::Error as StdError;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use foreign::Foreign;
use jiff::Timestamp;

use super::credentials::{KeyError, KeyKind};
use super::tls::TlsFault;

/// A failed operation: what is known about it, readable as its fields.
#[derive(Clone, Debug)]
pub struct Error(Box<Parts>);

/// What kind of failure it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The service key this call needs is not configured.
    #[error("no {0} is configured")]
    MissingKey(KeyKind),
    /// A configured service key lacks what this call needs.
    #[error("{0}")]
    UnusableKey(KeyError),
    /// The HTTP stack could not be set up, for example because the machine has
    /// no trusted certificates.
    #[error("the HTTP client could not be set up")]
    Setup,
    /// No connection came about: name not found, refused, or timed out.
    #[error("no connection")]
    Connect,
    /// The TLS handshake failed or a certificate is not trusted.
    #[error("{0}")]
    Tls(TlsFault),
    /// The server does not accept the client certificate of an x509 key.
    #[error("the server does not accept the certificate of the service key")]
    CertificateRefused,
    /// The certificate of an x509 key is not valid any more.
    #[error("the certificate of the {key} expired at {at}")]
    ExpiredCertificate {
        /// Which key it belongs to.
        key: KeyKind,
        /// Since when.
        at: Timestamp,
    },
    /// The proxy refused to pass the request on.
    #[error("the proxy refused the request")]
    Proxy,
    /// The proxy wants credentials, or others than it got.
    #[error("the proxy demands a user name and password, or rejects those it got")]
    ProxyCredentials,
    /// The connection broke or timed out after the request was sent, or the
    /// answer ended in the middle.
    #[error("no complete answer came")]
    NoAnswer,
    /// The operation's deadline passed.
    #[error("the time for the operation is over")]
    Deadline,
    /// The caller cancelled the operation.
    #[error("the operation was cancelled")]
    Cancelled,
    /// SAP, or something before it, answered with this kind of HTTP status.
    #[error("the service answered with an error")]
    Status,
    /// A router of the platform answered, not the service behind it
    /// (`X-Cf-Routererror`).
    #[error("a router answered instead of the service")]
    Router,
    /// An HTML page came back: a proxy or a login page, not the API.
    #[error("an HTML page came back instead of the API's answer")]
    Html,
    /// A redirect, which is never followed.
    #[error("the service redirected{}, which is not followed", quoted(" to", host.as_deref()))]
    Redirect {
        /// The host of the `Location`, when it names one.
        host: Option<String>,
    },
    /// The answer is a success that is not in the API's form.
    #[error("the answer is not in the API's form")]
    UnexpectedAnswer,
    /// The answer is larger than the client accepts.
    #[error("the answer is too large")]
    TooLarge,
    /// The token service refused, see [`Refusal`].
    #[error("the token service {0}")]
    Token(Refusal),
    /// The object kept changing at SAP while we wrote it.
    #[error("the object was changed by somebody else at the same time")]
    ConcurrentChange,
    /// The name is empty, `.` or `..`, which no URL can carry.
    #[error("the name cannot be part of a URL")]
    InvalidName,
}

/// Why the token service refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400 `invalid_scope`: the scope is not granted to the client of the key.
    #[error("does not grant the scope{}", quoted("", scope.as_deref()))]
    InvalidScope {
        /// The scope that was asked for.
        scope: Option<String>,
    },
    /// 401: secret wrong, binding deleted, or credential type not allowed.
    #[error("rejected the credentials of the service key")]
    BadCredentials,
    /// 404: the subdomain in the token URL is unknown.
    #[error("does not know the subdomain of its URL")]
    UnknownZone,
    /// 429: it says nothing about the credentials.
    #[error("limits the rate of requests")]
    TooManyRequests,
    /// 408 or 5xx: neither does that.
    #[error("has a problem of its own")]
    Unavailable,
    /// Any other refusal.
    #[error("refused")]
    Other,
}

/// Why a request that could have been repeated was not repeated once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaveUp {
    /// It was repeated as often as `max_retries` allows.
    Attempts,
    /// The next attempt would have come after the deadline of the operation.
    Deadline {
        /// How long the service asked to wait, where that was the reason.
        asked: Option<Duration>,
    },
}

/// All an [`Error`] is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What kind of failure it was.
    pub kind: ErrorKind,
    /// The HTTP method of the failing request.
    pub method: Option<String>,
    /// The URL of the failing request, without its query.
    pub url: Option<String>,
    /// The proxy that the request went through, without user name and password.
    pub proxy: Option<String>,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// What SAP said, shortened and without secrets; for failures on our side,
    /// what happened.
    pub message: Option<String>,
    /// The message stands in the Destination service's own `ErrorMessage`.
    pub said_by_sap: bool,
    /// OAuth's word for the error.
    pub oauth_code: Option<Foreign>,
    /// The `X-CorrelationID` SAP can find the operation by.
    pub correlation_id: Option<String>,
    /// How often the request was sent. 0: nothing left this machine.
    pub attempts: u32,
    /// Time from the start of the operation to its failure.
    pub elapsed: Duration,
    /// Whether SAP may have carried out the change although no clear answer
    /// came. Read back before deciding anything. Never true for a read.
    pub maybe_processed: bool,
    /// Why it was not repeated once more, where it could have been.
    pub gave_up: Option<GaveUp>,
    /// Whether it was repeated more often than usual, because something may not
    /// have been visible yet.
    pub was_patient: bool,
}

impl Deref for Error {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0
    }
}

impl Error {
    /// An error of this kind that nothing more is known about yet.
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Parts {
            kind,
            method: None,
            url: None,
            proxy: None,
            status: None,
            message: None,
            said_by_sap: false,
            oauth_code: None,
            correlation_id: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            maybe_processed: false,
            gave_up: None,
            was_patient: false,
        }))
    }

    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// This error as the end of an operation that had met `earlier` before.
    pub(crate) fn after(mut self, earlier: &Self) -> Self {
        self.attempts = self.attempts.max(earlier.attempts);
        self.maybe_processed |= earlier.maybe_processed;
        self
    }

    /// Whether the service itself answered 404, not a router or a page before it.
    pub fn is_not_found(&self) -> bool {
        self.is_status(404)
    }

    /// Whether the object is absent by SAP's own word: a 404 with SAP's
    /// `ErrorMessage` and no router's mark.
    pub fn is_not_found_by_sap(&self) -> bool {
        self.is_status(404) && self.said_by_sap
    }

    /// Whether a router or an unknown path answered 404; says nothing about
    /// the object.
    pub fn is_not_found_by_other(&self) -> bool {
        self.status == Some(404) && !self.is_not_found_by_sap()
    }

    /// Whether an object of that name exists already (409).
    pub fn is_conflict(&self) -> bool {
        self.is_status(409)
    }

    /// Whether the token is valid but not entitled (403).
    pub fn is_forbidden(&self) -> bool {
        self.is_status(403)
    }

    /// Whether the operation ended because the caller cancelled it.
    pub fn is_cancelled(&self) -> bool {
        self.kind == ErrorKind::Cancelled
    }

    /// Whether the operation ended because its deadline passed.
    pub fn is_deadline(&self) -> bool {
        self.kind == ErrorKind::Deadline
    }

    /// Whether an HTML page came back.
    pub fn is_html(&self) -> bool {
        self.kind == ErrorKind::Html
    }

    /// Why the token service refused, when it was the token service.
    pub fn token_refusal(&self) -> Option<&Refusal> {
        match &self.kind {
            ErrorKind::Token(refusal) => Some(refusal),
            _ => None,
        }
    }

    fn is_status(&self, status: u16) -> bool {
        self.kind == ErrorKind::Status && self.status == Some(status)
    }
}

/// One line: what happened, SAP's words, and where.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &self.0;
        write!(f, "{}", parts.kind)?;
        if let Some(message) = &parts.message {
            write!(f, ": {message}")?;
        }
        if let (Some(method), Some(url)) = (&parts.method, &parts.url) {
            write!(f, " ({method} {url}")?;
            if let Some(status) = parts.status {
                write!(f, " → {status}")?;
            }
            if let Some(id) = &parts.correlation_id {
                write!(f, ", correlation id {id}")?;
            }
            let plural = if parts.attempts == 1 { "" } else { "s" };
            write!(
                f,
                ", {} attempt{plural} in {:.1} s)",
                parts.attempts,
                parts.elapsed.as_secs_f64()
            )?;
        }
        Ok(())
    }
}

/// What is known of it, in its place in a sentence.
fn quoted(before: &str, text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!("{before} `{text}`"))
}

impl StdError for Error {}
