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
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::diagnostic::Severity;

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

/// Runs a method and answers in any case: with its response, or with the
/// fallback and the errors.
pub(super) async fn answer<R: Report>(
    rpc: Rpc<'_>,
    fallback: R,
    body: impl Future<Output = Result<R, Diagnostics>>,
) -> Result<Response<R>, Status> {
    let span = rpc.span();
    let answered = async {
        let started = Instant::now();
        tracing::trace!("Received request");
        let response = match panics::guarded(body).await {
            Ok(Ok(response)) => response,
            Ok(Err(diagnostics)) => with(fallback, diagnostics),
            Err(location) => with(fallback, crashed(rpc.name, &location).into()),
        };
        log(response.reported(), started);
        response
    };
    Ok(Response::new(answered.instrument(span).await))
}

/// The same response with more messages.
pub(super) fn with<R: Report>(mut response: R, diagnostics: Diagnostics) -> R {
    response.report(convert::diagnostics(diagnostics));
    response
}

/// Logs the end of a call with what it told the practitioner.
pub(super) fn log(reported: &[proto::Diagnostic], started: Instant) {
    let count = |severity: Severity| {
        reported
            .iter()
            .filter(|diagnostic| diagnostic.severity() == severity)
            .count()
    };
    for diagnostic in reported {
        match diagnostic.severity() {
            Severity::Warning => tracing::warn!(
                diagnostic_summary = diagnostic.summary,
                "Response contains warning diagnostic"
            ),
            Severity::Error | Severity::Invalid => tracing::error!(
                diagnostic_summary = diagnostic.summary,
                "Response contains error diagnostic"
            ),
        }
    }
    tracing::trace!(
        tf_req_duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        diagnostic_error_count = count(Severity::Error),
        diagnostic_warning_count = count(Severity::Warning),
        "Served request"
    );
}

/// A response that can carry messages to the practitioner.
pub(super) trait Report {
    /// Adds messages.
    fn report(&mut self, diagnostics: Vec<proto::Diagnostic>);

    /// The messages so far.
    fn reported(&self) -> &[proto::Diagnostic];
}

/// The responses that have a list of diagnostics, by the name of its field.
macro_rules! reports_in {
    ($field:ident: $($response:ty),+ $(,)?) => {
        $(impl Report for $response {
            fn report(&mut self, diagnostics: Vec<proto::Diagnostic>) {
                self.$field.extend(diagnostics);
            }

            fn reported(&self) -> &[proto::Diagnostic] {
                &self.$field
            }
        })+
    };
}

reports_in!(diagnostics:
    proto::get_metadata::Response,
    proto::get_provider_schema::Response,
    proto::get_resource_identity_schemas::Response,
    proto::get_functions::Response,
    proto::validate_provider_config::Response,
    proto::configure_provider::Response,
    proto::validate_resource_config::Response,
    proto::upgrade_resource_state::Response,
    proto::upgrade_resource_identity::Response,
    proto::read_resource::Response,
    proto::plan_resource_change::Response,
    proto::apply_resource_change::Response,
    proto::import_resource_state::Response,
    proto::move_resource_state::Response,
    proto::generate_resource_config::Response,
    proto::validate_data_resource_config::Response,
    proto::read_data_source::Response,
    proto::validate_ephemeral_resource_config::Response,
    proto::open_ephemeral_resource::Response,
    proto::renew_ephemeral_resource::Response,
    proto::close_ephemeral_resource::Response,
    proto::validate_list_resource_config::Response,
    proto::validate_action_config::Response,
    proto::plan_action::Response,
);

impl Report for proto::stop_provider::Response {
    /// The one field is for an error that prevented stopping.
    fn report(&mut self, diagnostics: Vec<proto::Diagnostic>) {
        if let Some(first) = diagnostics.into_iter().next() {
            self.error = first.detail;
        }
    }

    fn reported(&self) -> &[proto::Diagnostic] {
        &[]
    }
}

impl Report for proto::call_function::Response {
    /// A function has one error of plain text, and no warnings.
    fn report(&mut self, diagnostics: Vec<proto::Diagnostic>) {
        let text = diagnostics
            .into_iter()
            .map(|diagnostic| diagnostic.detail)
            .collect::<Vec<_>>()
            .join("\n");
        self.result = None;
        self.error = Some(convert::function_error(&text, None));
    }

    fn reported(&self) -> &[proto::Diagnostic] {
        &[]
    }
}
