//! One token with the Cloud ALM key, before anything is written from it.
//!
//! The Destination service takes every secret that it is given. A wrong one
//! would show only where it is used, minutes later and in the words of another
//! service.
//!
//! What it deliberately does not do: judge by anything but the word of the token
//! service. Where this machine cannot reach it, SAP may.

use std::time::{Duration, Instant};

use client::{Error, KeyKind, Refusal};
use framework::diagnostics::Diagnostic;

use super::super::diagnostics::{Call, failed, failed_softly};
use super::site::DestinationSite;

/// A token service that needs longer counts as out of reach.
const LIMIT: Duration = Duration::from_secs(10);

/// What is said once in a process, which then does not try again.
const NOT_TRIED: &str = "token with the Cloud ALM key";

/// Fetches a token with the Cloud ALM key, which is kept for who needs one
/// later. The error is the refusal of the token service; that it cannot be asked
/// is a warning.
pub(super) async fn try_key(site: &DestinationSite<'_>) -> Result<Option<Diagnostic>, Diagnostic> {
    let provider = site.provider;
    if provider.was_said(NOT_TRIED) {
        return Ok(None);
    }
    let soon = Instant::now() + LIMIT;
    let context = client::Context {
        deadline: site.context.deadline.min(soon),
        cancel: site.context.cancel.clone(),
    };
    let token = provider.client().token(&context, KeyKind::CloudAlm, None);
    match token.await {
        Ok(_) => Ok(None),
        Err(error) if is_refusal(&error) => Err(refused(&error)),
        Err(error) if site.is_over() => Err(failed(Call::TryCloudAlmKey, &error)),
        Err(error) => Ok(provider.first_time(NOT_TRIED).then(|| not_tried(&error))),
    }
}

/// Whether the token service itself says that the key is no good.
fn is_refusal(error: &Error) -> bool {
    match error.token_refusal() {
        Some(Refusal::BadCredentials | Refusal::InvalidScope { .. } | Refusal::UnknownZone) => true,
        Some(Refusal::Other) => error.status == Some(400),
        _ => false,
    }
}

fn refused(error: &Error) -> Diagnostic {
    let mut problem = failed(Call::TryCloudAlmKey, error);
    problem.detail += "\n\nNothing was written: the destination would have got a secret that does \
                       not work.";
    problem
}

fn not_tried(error: &Error) -> Diagnostic {
    let summary = "Cloud ALM service key was not tried";
    let warning = failed_softly(Call::TryCloudAlmKey, error);
    let detail = format!(
        "{}\n\nThe destination was written from `cloud_alm_service_key` all the same: it is SAP \
         that fetches its tokens, and SAP may reach what this machine does not. To let SAP try, \
         set `check_token = true`, or use the action `sapcalm_destination_check`.",
        warning.detail
    );
    Diagnostic::warning(summary, detail)
}
