//! What the service keys are called, and the errors of a key that is not there or
//! does not say whose it is.
//!
//! What is known about a key is the business of
//! [`Configured`](super::configured::Configured).

use client::KeyKind;
use framework::diagnostics::Diagnostic;

/// The attribute of the provider block that holds a service key.
pub(crate) const fn attribute(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Destination => "destination_service_key",
        KeyKind::OrderManagement => "order_management_service_key",
        KeyKind::CloudAlm => "cloud_alm_service_key",
        KeyKind::JobScheduling => "job_scheduling_service_key",
    }
}

/// The short name of a service key, such as `cloud_alm`.
pub(super) fn name(kind: KeyKind) -> &'static str {
    attribute(kind).trim_end_matches("_service_key")
}

/// The environment variable that holds a service key.
pub(crate) fn variable(kind: KeyKind) -> String {
    format!("SAPCALM_{}", attribute(kind).to_ascii_uppercase())
}

/// The error of an operation whose service key is not configured.
pub(crate) fn missing_key(kind: KeyKind) -> Diagnostic {
    Diagnostic::error(
        "Missing service key",
        format!(
            "This operation needs the {kind}, and the provider has none.\n\n\
             Set `{}` in the `provider \"sapcalm\"` block, or the environment variable `{}` \
             (its value is the JSON text, or `@` and the path of a file).",
            attribute(kind),
            variable(kind)
        ),
    )
}

/// The error of a write while nobody says for which subaccount a key acts. `why`
/// ends the sentence that says why that matters.
pub(crate) fn nobody_says(kind: KeyKind, why: &str) -> Diagnostic {
    Diagnostic::error(
        "Unknown subaccount",
        format!(
            "Neither the key in `{}` nor its token says for which subaccount it acts, and {why}. \
             Nothing was changed.\n\n\
             Give the provider a key that says so: one that SAP writes has `subaccountid` or \
             `tenantid`. If the key is of the right subaccount, add `subaccountid` to it.",
            attribute(kind)
        ),
    )
}
