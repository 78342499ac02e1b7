//! What surrounds every method: the span and the log line, the guard against
//! panics, and the way from diagnostics into a response.
//!
//! Logged are names, numbers and the summaries of messages, which hold no
//! values; never the content of a request or response.

use std::time::Instant;

use tonic::{Response, Status};
use tracing::Instrument as _;

use super::convert;
use super::panics;
use crate::definition::Kind;
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::proto::tfplugin6 as proto;

/// The protocol version that the messages are of.
const PROTOCOL_VERSION: &str = "6.11";

/// Which method is called, and on what.
pub(super) struct Rpc<'a> {
    pub(super) name: &'static str,
    pub(super) subject: Option<(Kind, &'a str)>,
}

impl Rpc<'_> {
    #[cfg(test)]
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            subject: None,
        }
    }

    /// The span whose fields every line within the call carries.
    pub(super) fn span(&self) -> tracing::Span {
        let named = |kind| self.subject.filter(|of| of.0 == kind).map(|of| of.1);
        tracing::error_span!(
            "rpc",
            tf_rpc = self.name,
            tf_req_id = uuid::Uuid::new_v4().to_string(),
            tf_proto_version = PROTOCOL_VERSION,
            tf_resource_type = named(Kind::Resource),
            tf_data_source_type = named(Kind::DataSource),
            tf_ephemeral_resource_type = named(Kind::EphemeralResource),
            tf_list_resource_type = named(Kind::ListResource),
            tf_action_type = named(Kind::Action),
            tf_function = named(Kind::Function),
        )
    }
}

/// What the practitioner reads after a panic. What was panicked with can
/// hold a secret and is not shown.
pub(super) fn crashed(name: &str, location: &str) -> Diagnostic {
    let consequence = match name {
        "ApplyResourceChange" => {
            "What it had done until then is not known: look at the object itself before the \
             next `terraform apply`. An object that was about to be created may exist \
             without being in the state."
        }
        "InvokeAction" => "What it had done until then is not known. The state stays as it is.",
        _ => "Nothing was changed, and the state stays as it is.",
    };
    Diagnostic::error(
        "Provider crashed",
        format!(
            "`{name}` stopped in the middle, at `{location}`. {consequence} This is a bug in the \
             provider: report it together with this location."
        ),
    )
}

/// What a method answers with: a response, and messages that go with it, or the
/// errors that prevent it.
pub(super) type Outcome<R> = Result<(R, Diagnostics), Diagnostics>;

/// A response without messages.
#[expect(clippy::unnecessary_wraps, reason = "as all methods answer")]
pub(super) fn plain<R>(response: R) -> Outcome<R> {
    Ok((response, Diagnostics::new()))
}

/// Runs a method and answers in any case: with its response, or with the
/// fallback and the errors. `tell` puts the messages into either.
pub(super) async fn answer<R>(
    rpc: Rpc<'_>,
    fallback: R,
    tell: fn(&mut R, Vec<proto::Diagnostic>),
    body: impl Future<Output = Outcome<R>>,
) -> Result<Response<R>, Status> {
    let span = rpc.span();
    let answered = async {
        let started = Instant::now();
        tracing::trace!("Received request");
        let (mut response, diagnostics) = match panics::guarded(body).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(diagnostics)) => (fallback, diagnostics),
            Err(location) => (fallback, crashed(rpc.name, &location).into()),
        };
        log(&diagnostics, started);
        tell(&mut response, convert::diagnostics(diagnostics));
        response
    };
    Ok(Response::new(answered.instrument(span).await))
}

/// Logs the end of a call with what it tells the practitioner.
pub(super) fn log(diagnostics: &Diagnostics, started: Instant) {
    let count = |severity| {
        let all = diagnostics.iter();
        all.filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    for Diagnostic {
        severity, summary, ..
    } in diagnostics
    {
        let diagnostic_summary = &**summary;
        match severity {
            Severity::Warning => {
                tracing::warn!(diagnostic_summary, "Response contains warning diagnostic");
            }
            Severity::Error => {
                tracing::error!(diagnostic_summary, "Response contains error diagnostic");
            }
        }
    }
    tracing::trace!(
        tf_req_duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        diagnostic_error_count = count(Severity::Error),
        diagnostic_warning_count = count(Severity::Warning),
        "Served request"
    );
}
