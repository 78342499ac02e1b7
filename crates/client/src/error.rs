//! What can go wrong between us and SAP, in a form that can be asked questions.
//!
//! An [`Error`] carries what a diagnostic needs as separate parts: the
//! operation, the status, SAP's own words, the correlation id, attempts and
//! time. None of them can hold a secret: request bodies, headers, queries and
//! the causes of other libraries never get here, and what SAP says comes through
//! the door of [`foreign::Secrets`].

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use foreign::Foreign;
use jiff::Timestamp;

use super::credentials::{KeyError, KeyKind};
use super::tls::TlsFault;

/// A failed operation.
#[derive(Clone, Debug)]
pub struct Error {
    parts: Box<Parts>,
}

/// What kind of failure it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The service key this call needs is not configured.
    MissingKey(KeyKind),
    /// A configured service key lacks what this call needs.
    UnusableKey(KeyError),
    /// The HTTP stack could not be set up, for example because the machine has
    /// no trusted certificates.
    Setup,
    /// No connection came about: name not found, refused, or timed out.
    Connect,
    /// The TLS handshake failed or a certificate is not trusted.
    Tls(TlsFault),
    /// The server does not accept the client certificate of an x509 key.
    CertificateRefused,
    /// The certificate of an x509 key is not valid any more.
    ExpiredCertificate {
        /// Which key it belongs to.
        key: KeyKind,
        /// Since when.
        at: Timestamp,
    },
    /// The proxy refused to pass the request on.
    Proxy,
    /// The proxy wants credentials, or others than it got.
    ProxyCredentials,
    /// The connection broke or timed out after the request was sent, or the
    /// answer ended in the middle.
    NoAnswer,
    /// The operation's deadline passed.
    Deadline,
    /// The caller cancelled the operation.
    Cancelled,
    /// SAP, or something before it, answered with this kind of HTTP status.
    Status,
    /// A router of the platform answered, not the service behind it
    /// (`X-Cf-Routererror`).
    Router,
    /// An HTML page came back: a proxy or a login page, not the API.
    Html,
    /// A redirect, which is never followed.
    Redirect {
        /// The host of the `Location`, when it names one.
        host: Option<String>,
    },
    /// The answer is a success that is not in the API's form.
    UnexpectedAnswer,
    /// The answer is larger than the client accepts.
    TooLarge,
    /// The token service refused, see [`Refusal`].
    Token(Refusal),
    /// The object kept changing at SAP while we wrote it.
    ConcurrentChange,
    /// The name is empty, `.` or `..`, which no URL can carry.
    InvalidName,
}

/// Why the token service refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400 `invalid_scope`: the scope is not granted to the client of the key.
    InvalidScope {
        /// The scope that was asked for.
        scope: Option<String>,
    },
    /// 401: secret wrong, binding deleted, or credential type not allowed.
    BadCredentials,
    /// 404: the subdomain in the token URL is unknown.
    UnknownZone,
    /// 429: it says nothing about the credentials.
    TooManyRequests,
    /// 408 or 5xx: neither does that.
    Unavailable,
    /// Any other refusal.
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

/// All an [`Error`] is made of. Only for this module's siblings to fill in.
#[derive(Clone, Debug)]
pub struct Parts {
    pub kind: ErrorKind,
    pub method: Option<String>,
    pub url: Option<String>,
    pub proxy: Option<String>,
    pub status: Option<u16>,
    pub message: Option<String>,
    pub said_by_sap: bool,
    pub oauth_code: Option<Foreign>,
    pub correlation_id: Option<String>,
    pub attempts: u32,
    pub elapsed: Duration,
    pub maybe_processed: bool,
    pub gave_up: Option<GaveUp>,
    pub was_patient: bool,
}

impl Error {
    /// An error of this kind that nothing more is known about yet.
    #[must_use]
    pub fn new(kind: ErrorKind) -> Self {
        Self {
            parts: Box::new(Parts {
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
            }),
        }
    }

    /// What is known, to be completed; also for tests of whoever shows errors.
    pub fn parts_mut(&mut self) -> &mut Parts {
        &mut self.parts
    }

    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.parts.message = Some(message.into());
        self
    }

    /// This error as the end of an operation that had met `earlier` before.
    pub(crate) fn after(mut self, earlier: &Self) -> Self {
        self.parts.attempts = self.parts.attempts.max(earlier.parts.attempts);
        self.parts.maybe_processed |= earlier.parts.maybe_processed;
        self
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.parts.kind
    }

    /// The HTTP method of the failing request.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.parts.method.as_deref()
    }

    /// The URL of the failing request, without its query.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.parts.url.as_deref()
    }

    /// The proxy that the request went through, without user name and password.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        self.parts.proxy.as_deref()
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.parts.status
    }

    /// What SAP said, shortened and without secrets; for failures on our side,
    /// what happened.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.parts.message.as_deref()
    }

    /// The `X-CorrelationID` SAP can find the operation by.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.parts.correlation_id.as_deref()
    }

    /// How often the request was sent. 0: nothing left this machine.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.parts.attempts
    }

    /// Time from the start of the operation to its failure.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.parts.elapsed
    }

    /// Whether SAP may have carried out the change although no clear answer
    /// came. Read back before deciding anything. Never true for a read.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        self.parts.maybe_processed
    }

    /// Why it was not repeated once more, where it could have been.
    #[must_use]
    pub fn gave_up(&self) -> Option<GaveUp> {
        self.parts.gave_up
    }

    /// Whether it was repeated more often than usual, because something may not
    /// have been visible yet.
    #[must_use]
    pub fn was_patient(&self) -> bool {
        self.parts.was_patient
    }

    /// Whether the service itself answered 404, not a router or a page before it.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.is_status(404)
    }

    /// Whether the object is absent by SAP's own word: a 404 with SAP's
    /// `ErrorMessage` and no router's mark.
    #[must_use]
    pub fn is_not_found_by_sap(&self) -> bool {
        self.is_status(404) && self.parts.said_by_sap
    }

    /// Whether a router or an unknown path answered 404; says nothing about
    /// the object.
    #[must_use]
    pub fn is_not_found_by_other(&self) -> bool {
        self.parts.status == Some(404) && !self.is_not_found_by_sap()
    }

    /// Whether an object of that name exists already (409).
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.is_status(409)
    }

    /// Whether the token is valid but not entitled (403).
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.is_status(403)
    }

    /// Whether the operation ended because the caller cancelled it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.parts.kind == ErrorKind::Cancelled
    }

    /// Whether the operation ended because its deadline passed.
    #[must_use]
    pub fn is_deadline(&self) -> bool {
        self.parts.kind == ErrorKind::Deadline
    }

    /// Whether an HTML page came back.
    #[must_use]
    pub fn is_html(&self) -> bool {
        self.parts.kind == ErrorKind::Html
    }

    /// Why the token service refused, when it was the token service.
    #[must_use]
    pub fn token_refusal(&self) -> Option<&Refusal> {
        match &self.parts.kind {
            ErrorKind::Token(refusal) => Some(refusal),
            _ => None,
        }
    }

    fn is_status(&self, status: u16) -> bool {
        self.parts.kind == ErrorKind::Status && self.parts.status == Some(status)
    }
}

/// One line: what happened, SAP's words, and where.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &self.parts;
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

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingKey(key) => write!(f, "no {key} is configured"),
            Self::UnusableKey(error) => error.fmt(f),
            Self::Setup => f.write_str("the HTTP client could not be set up"),
            Self::Connect => f.write_str("no connection"),
            Self::Tls(fault) => write!(f, "{fault}"),
            Self::CertificateRefused => {
                f.write_str("the server does not accept the certificate of the service key")
            }
            Self::ExpiredCertificate { key, at } => {
                write!(f, "the certificate of the {key} expired at {at}")
            }
            Self::Proxy => f.write_str("the proxy refused the request"),
            Self::ProxyCredentials => {
                f.write_str("the proxy demands a user name and password, or rejects those it got")
            }
            Self::NoAnswer => f.write_str("no complete answer came"),
            Self::Deadline => f.write_str("the time for the operation is over"),
            Self::Cancelled => f.write_str("the operation was cancelled"),
            Self::Status => f.write_str("the service answered with an error"),
            Self::Router => f.write_str("a router answered instead of the service"),
            Self::Html => f.write_str("an HTML page came back instead of the API's answer"),
            Self::Redirect { host: Some(host) } => {
                write!(
                    f,
                    "the service redirected to `{host}`, which is not followed"
                )
            }
            Self::Redirect { host: None } => {
                f.write_str("the service answered with a redirect, which is not followed")
            }
            Self::UnexpectedAnswer => f.write_str("the answer is not in the API's form"),
            Self::TooLarge => f.write_str("the answer is too large"),
            Self::Token(Refusal::InvalidScope { scope: Some(scope) }) => {
                write!(f, "the token service does not grant the scope `{scope}`")
            }
            Self::Token(Refusal::InvalidScope { scope: None }) => {
                f.write_str("the token service does not grant the scope")
            }
            Self::Token(Refusal::BadCredentials) => {
                f.write_str("the token service rejected the credentials of the service key")
            }
            Self::Token(Refusal::UnknownZone) => {
                f.write_str("the token service does not know the subdomain of its URL")
            }
            Self::Token(Refusal::TooManyRequests) => {
                f.write_str("the token service limits the rate of requests")
            }
            Self::Token(Refusal::Unavailable) => {
                f.write_str("the token service has a problem of its own")
            }
            Self::Token(Refusal::Other) => f.write_str("the token service refused"),
            Self::InvalidName => f.write_str("the name cannot be part of a URL"),
            Self::ConcurrentChange => {
                f.write_str("the object was changed by somebody else at the same time")
            }
        }
    }
}

impl StdError for Error {}
