//! What SAP or the network did, in the words of a diagnostic.
//!
//! This is the one conversion from [`Error`] to [`Diagnostic`]. The
//! summary is a stable line of [`Call`]; the detail says what SAP answered,
//! where, and what to do next. Style: literals in backticks, no "please".

use std::time::Duration;

use client::{Error, ErrorKind, GaveUp, KeyKind, Refusal, TlsFault};
use framework::diagnostics::{Diagnostic, Severity};
use framework::path::Path;

use super::keys::{attribute, missing_key, variable};

/// What was being done when something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// A service key was taken out of the provider's configuration.
    UseKey,
    /// A destination was created.
    CreateDestination,
    /// A destination was read.
    ReadDestination,
    /// Destinations were listed.
    ListDestinations,
    /// A destination was changed.
    UpdateDestination,
    /// A destination was deleted.
    DeleteDestination,
    /// The labels of a destination were written.
    LabelDestination,
    /// The service fetched a token through a destination.
    CheckDestination,
    /// A token was fetched with the Cloud ALM key, before a destination gets it.
    TryCloudAlmKey,
    /// A certificate was uploaded.
    CreateCertificate,
    /// A certificate was read.
    ReadCertificate,
    /// A certificate was replaced.
    UpdateCertificate,
    /// A certificate was deleted.
    DeleteCertificate,
    /// The destination that Order Management reads was looked up.
    FindRegistrationDestination,
    /// A token for Order Management was fetched.
    AuthorizeRegistration,
    /// The registration call.
    Register,
    /// The offboarding call.
    Offboard,
    /// The landscape of Cloud ALM was read.
    ReadLandscape,
    /// The switch of a job was read.
    ReadJob,
    /// The switch of a job was turned.
    SwitchJob,
    /// A token was fetched for the practitioner.
    FetchToken(KeyKind),
}

impl Call {
    /// The service key that it uses, whether it changes something at SAP, and the
    /// stable summary of a failure.
    const fn facts(self) -> (Option<KeyKind>, bool, &'static str) {
        use KeyKind::{CloudAlm, Destination, JobScheduling, OrderManagement};
        const READS: bool = false;
        const WRITES: bool = true;
        let (key, is_write, summary) = match self {
            Self::UseKey => return (None, READS, "Unusable service key"),
            Self::CreateDestination => (Destination, WRITES, "Cannot create destination"),
            Self::ReadDestination => (Destination, READS, "Cannot read destination"),
            Self::ListDestinations => (Destination, READS, "Cannot list destinations"),
            Self::UpdateDestination => (Destination, WRITES, "Cannot update destination"),
            Self::DeleteDestination => (Destination, WRITES, "Cannot delete destination"),
            Self::LabelDestination => (Destination, WRITES, "Cannot set labels of destination"),
            Self::CheckDestination => (Destination, READS, "Cannot check destination"),
            Self::TryCloudAlmKey => (
                CloudAlm,
                READS,
                "Cannot get a token with the Cloud ALM service key",
            ),
            Self::CreateCertificate => (Destination, WRITES, "Cannot upload certificate"),
            Self::ReadCertificate => (Destination, READS, "Cannot read certificate"),
            Self::UpdateCertificate => (Destination, WRITES, "Cannot update certificate"),
            Self::DeleteCertificate => (Destination, WRITES, "Cannot delete certificate"),
            Self::FindRegistrationDestination => (
                Destination,
                READS,
                "Cannot check the destination to register with",
            ),
            Self::AuthorizeRegistration => (
                OrderManagement,
                READS,
                "Cannot get a token for Order Management",
            ),
            Self::Register => (
                OrderManagement,
                WRITES,
                "Cannot register for Integration Monitoring",
            ),
            Self::Offboard => (
                OrderManagement,
                WRITES,
                "Cannot offboard from Integration Monitoring",
            ),
            Self::ReadLandscape => (CloudAlm, READS, "Cannot read the Cloud ALM landscape"),
            Self::ReadJob => (JobScheduling, READS, "Cannot read job"),
            Self::SwitchJob => (JobScheduling, WRITES, "Cannot switch monitoring of job"),
            Self::FetchToken(kind) => (kind, READS, "Cannot get an access token"),
        };
        (Some(key), is_write, summary)
    }

    /// Whether it changes something at SAP.
    pub(crate) fn is_write(self) -> bool {
        let (_, is_write, _) = self.facts();
        is_write
    }

    /// The stable summary of a failure.
    pub(crate) fn summary(self) -> &'static str {
        let (_, _, summary) = self.facts();
        summary
    }

    /// The service key that it uses.
    fn key(self) -> Option<KeyKind> {
        let (key, ..) = self.facts();
        key
    }

    /// What the Destination service was asked about.
    const fn object(self) -> &'static str {
        match self {
            Self::CreateCertificate
            | Self::ReadCertificate
            | Self::UpdateCertificate
            | Self::DeleteCertificate => "certificate",
            _ => "destination",
        }
    }
}

/// A failed call as an error.
pub(crate) fn failed(call: Call, error: &Error) -> Diagnostic {
    failed_advising(call, error, next_step(call, error))
}

/// A failed call that does not end the operation.
pub(crate) fn failed_softly(call: Call, error: &Error) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        ..failed(call, error)
    }
}

/// A failed call as an error, with advice that knows more than the status does.
pub(crate) fn failed_advising(call: Call, error: &Error, advice: String) -> Diagnostic {
    if let ErrorKind::MissingKey(kind) = &error.kind {
        return missing_key(*kind);
    }
    let parts = [Some(what_happened(error)), whereabouts(error), Some(advice)];
    Diagnostic {
        severity: Severity::Error,
        summary: call.summary().into(),
        detail: parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n"),
        path: blame(call, error).map(Path::attribute),
    }
}

/// SAP's own words, or what went wrong on the way.
fn what_happened(error: &Error) -> String {
    let message = error
        .message
        .as_deref()
        .filter(|text| !text.trim().is_empty());
    let mut text = match (&error.kind, message) {
        (ErrorKind::Status, Some(message)) => format!("SAP answered: {message}"),
        (ErrorKind::Status, None) => "SAP answered with an error and gave no reason.".to_owned(),
        (kind, Some(message)) => format!("{}: {message}", sentence(&kind.to_string())),
        (kind, None) => format!("{}.", sentence(&kind.to_string())),
    };
    if error.maybe_processed {
        text.push_str("\nSAP may have carried out the change all the same.");
    }
    if let Some(waited) = what_was_waited_for(error) {
        text.push('\n');
        text.push_str(&waited);
    }
    text
}

/// What the time was spent on, and which setting ends that.
fn what_was_waited_for(error: &Error) -> Option<String> {
    let cache = "The destination changed within the last 5 minutes, and Order Management may still \
                 see it as it was. So the call was repeated more often than usual; `timeouts` and \
                 `max_retries` end that earlier.";
    match error.gave_up {
        Some(GaveUp::Deadline { asked: Some(asked) }) => Some(format!(
            "SAP asked to wait {} before the next attempt, which is longer than `timeouts` leaves.",
            rounded(asked)
        )),
        Some(GaveUp::Deadline { asked: None }) => Some(
            "It was not repeated once more, because `timeouts` leaves no time for that.".to_owned(),
        ),
        _ if error.was_patient => Some(cache.to_owned()),
        _ => None,
    }
}

/// The request, when one was sent: `POST /path → 409, correlation id …,
/// 3 attempts in 4 s`. The host is named where no service answered, and where
/// the token service did, because then the host is what may be wrong.
fn whereabouts(error: &Error) -> Option<String> {
    let url = url::Url::parse(error.url.as_deref()?).ok()?;
    let host_matters = error.status.is_none()
        || error.token_refusal().is_some()
        || matches!(
            &error.kind,
            ErrorKind::Router
                | ErrorKind::Html
                | ErrorKind::NoAnswer
                | ErrorKind::Redirect { .. }
                | ErrorKind::ProxyCredentials
        );
    let host = if host_matters {
        url.origin().ascii_serialization()
    } else {
        String::new()
    };
    let method = error.method.as_deref().unwrap_or("request");
    let request = format!("{method} {host}{}", url.path());
    let request = match error.status {
        Some(status) => format!("{request} → {status}"),
        None => request,
    };
    let request = match error.proxy.as_deref().filter(|_| host_matters) {
        Some(proxy) => format!("{request} through the proxy {proxy}"),
        None => request,
    };
    let id = error.correlation_id.as_deref();
    let elapsed = rounded(error.elapsed);
    let parts = [
        Some(request),
        id.map(|id| format!("correlation id {id}")),
        match error.attempts {
            0 => None,
            1 => Some(format!("1 attempt in {elapsed}")),
            many => Some(format!("{many} attempts in {elapsed}")),
        },
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// A duration as people say it.
fn rounded(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.0} s", duration.as_secs_f64())
    }
}

/// The text with a capital letter at its beginning.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// The attribute of the resource that is to blame, where there is one.
fn blame(call: Call, error: &Error) -> Option<&'static str> {
    match (call, &error.kind) {
        (
            Call::AuthorizeRegistration | Call::Register | Call::FetchToken(_),
            ErrorKind::Token(Refusal::InvalidScope { .. }),
        ) => Some("scope"),
        (Call::CreateDestination | Call::CreateCertificate, ErrorKind::Status)
            if error.is_conflict() =>
        {
            Some("name")
        }
        _ => None,
    }
}

/// What the practitioner can do about it.
pub(super) fn next_step(call: Call, error: &Error) -> String {
    match &error.kind {
        ErrorKind::Status
            if call.key() == Some(KeyKind::Destination) && error.is_not_found_by_other() =>
        {
            format!(
                "This 404 is not in the form of the Destination service, so it says nothing about \
                 the {}. Check the URL in {}.",
                call.object(),
                endpoint_settings(call)
            )
        }
        ErrorKind::Status => next_step_by_status(call, error),
        ErrorKind::Token(refusal) => next_step_for_token(call, refusal),
        kind => next_step_on_the_way(call, kind),
    }
}

/// Failures before, after or beside SAP's own answer.
fn next_step_on_the_way(call: Call, kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::MissingKey(key) => key_settings(*key),
        ErrorKind::UnusableKey(problem) if problem.kind == KeyKind::OrderManagement => format!(
            "Name the member of `endpoints` to call in `order_management_api.endpoint_key`, or \
             the URL itself in `order_management_api.endpoint`, or create a service key of Order \
             Management and set it in {}.",
            key_settings(problem.kind)
        ),
        ErrorKind::UnusableKey(problem) => format!(
            "Create a service key for the right service and set it in {}.",
            key_settings(problem.kind)
        ),
        ErrorKind::Setup => "Check that this machine has trusted root certificates (often the \
                             package `ca-certificates`), or set the provider's \
                             `ca_certificates`."
            .to_owned(),
        ErrorKind::Connect => format!(
            "Check that this machine can reach the host: the URL in {}, name resolution, \
             firewalls, and the proxy (`proxy_url`, or the variables `HTTPS_PROXY` and \
             `NO_PROXY`).",
            settings(call)
        ),
        ErrorKind::Tls(fault) => next_step_for_tls(call, *fault),
        ErrorKind::Proxy => "Check the provider's `proxy_url`, or the variables `HTTPS_PROXY` \
                             and `NO_PROXY`, and whether the proxy allows this host."
            .to_owned(),
        ErrorKind::ProxyCredentials => {
            "Write the user name and the password of the proxy into the provider's `proxy_url`, as \
             `http://user:password@host:port` (with special characters percent-encoded), or into \
             the variable that names the proxy."
                .to_owned()
        }
        ErrorKind::CertificateRefused => format!(
            "The service key was deleted, its certificate was replaced or is not valid any more, \
             or the clock of this machine is wrong. Create a new service key and set it in {}.",
            settings(call)
        ),
        ErrorKind::ExpiredCertificate { key, .. } => format!(
            "Create a new service key and set it in {}. SAP makes the certificate of an x509 key \
             valid for 7 days, unless its `validity` is set when the key is created.",
            key_settings(*key)
        ),
        ErrorKind::NoAnswer => "Run Terraform again. If it happens again, raise the provider's \
                                `request_timeout`."
            .to_owned(),
        ErrorKind::Deadline => format!(
            "Raise the value for this operation in `timeouts`, and run Terraform again. If the \
             host never answers, check the URL in {}, firewalls and the proxy.",
            settings(call)
        ),
        ErrorKind::Cancelled => "Run Terraform again to complete it.".to_owned(),
        ErrorKind::Router => format!(
            "No application runs behind this URL. Check the host and path in {}.",
            endpoint_settings(call)
        ),
        ErrorKind::Html | ErrorKind::Redirect { .. } => format!(
            "Something other than the API answered. Check the URL in {}, and whether a proxy \
             asks for a login.",
            endpoint_settings(call)
        ),
        ErrorKind::ConcurrentChange => "Find out who else changes this object, and run Terraform \
                                        again."
            .to_owned(),
        _ => format!(
            "Check that the URL in {} leads to the right service; if it does, report this \
             answer as an issue of the provider.",
            endpoint_settings(call)
        ),
    }
}

/// Failed handshakes. Only one of them is cured by trusting somebody else.
fn next_step_for_tls(call: Call, fault: TlsFault) -> String {
    match fault {
        TlsFault::UnknownIssuer | TlsFault::Other => {
            "If a proxy or firewall re-signs the traffic of this machine, or the host has an \
             authority of its own, add the certificate of that authority, in PEM form, to the \
             provider's `ca_certificates`."
                .to_owned()
        }
        TlsFault::AuthorityAsHost => {
            "Whoever runs the host, or the proxy that re-signs its traffic, has to give it a \
             certificate of its own, signed by that authority. Adding this one to \
             `ca_certificates` does not help."
                .to_owned()
        }
        TlsFault::Expired | TlsFault::NotYetValid => {
            "Check the clock of this machine. If it is right, whoever runs the host, or the proxy \
             that re-signs its traffic, has to renew the certificate. No setting of the provider \
             helps."
                .to_owned()
        }
        TlsFault::Revoked => {
            "Whoever runs the host, or the proxy that re-signs its traffic, has to replace the \
             certificate. No setting of the provider helps."
                .to_owned()
        }
        TlsFault::WrongHost => format!(
            "Check the host in {}, and whether name resolution or a proxy leads to another host.",
            endpoint_settings(call)
        ),
        TlsFault::OldVersion => {
            "SAP's services speak TLS 1.2 at least, so something before them answers. Ask whoever \
             runs the proxy or firewall of this machine."
                .to_owned()
        }
        TlsFault::NotTls => format!(
            "Check scheme and port of the URL in {}, and of the proxy: one that is called in clear \
             text has an `http://` URL, whatever it passes on.",
            endpoint_settings(call)
        ),
    }
}

/// Refusals of the token service.
fn next_step_for_token(call: Call, refusal: &Refusal) -> String {
    match refusal {
        Refusal::InvalidScope { .. } => format!(
            "The client of the service key in {} was not granted the scope. A service key that is \
             older than the scope may lack it: create a new one. Or set `scope`; an empty \
             text asks for all scopes that the client has.",
            settings(call)
        ),
        Refusal::BadCredentials => format!(
            "The secret or certificate is wrong or expired, the service key was deleted, or its kind \
             of credentials is not allowed any more. Create a new service key and set it in {}.",
            settings(call)
        ),
        Refusal::UnknownZone => format!(
            "The subdomain in the token URL is unknown. Check the service key in {}: it may be \
             of a subaccount that was deleted.",
            settings(call)
        ),
        Refusal::TooManyRequests => {
            "The service key is not to blame. Run Terraform again later, lower the provider's \
             `max_concurrent_requests`, or raise `max_retries`."
                .to_owned()
        }
        Refusal::Unavailable => {
            "The service key is not to blame. Run Terraform again later; SAP's support finds the \
             request by the correlation id."
                .to_owned()
        }
        Refusal::Other => format!("Check the service key in {}.", settings(call)),
    }
}

/// What a status means for this call (SAP's documentation where it says so).
fn next_step_by_status(call: Call, error: &Error) -> String {
    let status = error.status.unwrap_or_default();
    match (call, status) {
        (_, 429) if matches!(error.gave_up, Some(GaveUp::Deadline { .. })) => {
            "Raise the value for this operation in `timeouts`, or run Terraform again later."
                .to_owned()
        }
        (_, 429) => "SAP limits the rate of requests. Lower the provider's \
                     `max_concurrent_requests` or raise `max_retries`."
            .to_owned(),
        (Call::CreateDestination | Call::CreateCertificate, 409) => format!(
            "A {} of that name exists already. Import it with an `import` block, or set \
             `adopt_existing = true` to take over the existing one.",
            call.object()
        ),
        (Call::UpdateDestination | Call::UpdateCertificate, 404) => format!(
            "The {} was deleted outside of Terraform. Run Terraform again to create it anew.",
            call.object()
        ),
        (Call::CheckDestination, 404) => "There is no destination of that name on that level, or \
                                          it is so new that the service does not see it yet. \
                                          Check `name` and `level`."
            .to_owned(),
        (Call::Register | Call::Offboard, 401 | 403) => format!(
            "The token is not entitled: it needs the scope that ends in `.IntegrationMonitoring`. \
             Create the Order Management service key in {} anew, or set `scope`.",
            settings(call)
        ),
        (Call::Register, 404 | 405) => {
            "Correct `order_management_api.register` (`path`, `method`) in the `provider \
             \"sapcalm\"` block. The default, a POST to `registration` below the endpoint of the \
             service key, is a guess. SAP describes the call in step 4 of \"Integration Monitoring \
             in SAP Cloud ALM\", which needs a login: \
             https://help.sap.com/viewer/95fb0d8e21b9460b8e4690ebbc667d92/LATEST/en-US/c6ed967bbc004e55abcc0e1ee7867c62.html"
                .to_owned()
        }
        (Call::Register, 400) => {
            format!("{REGISTRATION_REQUEST} {}", if_registered_already(status))
        }
        (Call::Register, 415) => REGISTRATION_REQUEST.to_owned(),
        (Call::Register, 402..=423 | 425..=499) => {
            format!("{THROUGH_DESTINATION} {}", if_registered_already(status))
        }
        (Call::Register, _) => THROUGH_DESTINATION.to_owned(),
        (Call::Offboard, 405 | 415) => format!("{OFFBOARDING_REQUEST} {STATE_IS_KEPT}"),
        (Call::Offboard, 400 | 404 | 406..=423 | 425..=428) => format!(
            "{OFFBOARDING_REQUEST} If nothing is registered any \
             more, add {status} to `order_management_api.not_registered_codes`, and the destroy \
             succeeds. {STATE_IS_KEPT}"
        ),
        (Call::Offboard, 424) => format!(
            "Order Management may call Cloud ALM through the destination also to offboard: check \
             that the destination exists and that its credentials work. If it was deleted outside \
             Terraform, run `terraform apply` first, which makes it again, and then destroy. \
             {STATE_IS_KEPT}"
        ),
        (Call::ReadLandscape, 403) => "The instance of the Cloud ALM service key lacks the \
                                       authority `calm-api.landscape.read`. Make an instance that \
                                       has it, or set `verify = false`."
            .to_owned(),
        (_, 401) => format!(
            "A fresh token was rejected. Check that the service key in {} is one of the right \
             service.",
            settings(call)
        ),
        (_, 403) => format!(
            "The token is valid but not entitled. Check that the service key in {} is one of the \
             right service and subaccount.",
            settings(call)
        ),
        (_, 400 | 404 | 405 | 409 | 412 | 415 | 422) => {
            "Correct what SAP names, and run Terraform again.".to_owned()
        }
        (_, 500..) => "SAP has a problem of its own. Run Terraform again later; SAP's support \
                       finds the request by the correlation id."
            .to_owned(),
        _ => "Run Terraform again. If it happens again, SAP's support finds the request by the \
              correlation id."
            .to_owned(),
    }
}

/// What to do when the registration call lacks something.
const REGISTRATION_REQUEST: &str = "If the answer says that something is missing in the request, correct \
     `order_management_api.register.body` or `order_management_api.headers` in the `provider \
     \"sapcalm\"` block.";

/// What to do when the offboarding call is not understood.
const OFFBOARDING_REQUEST: &str = "Correct `order_management_api.offboard` (`path`, `method`, `body`) \
     in the `provider \"sapcalm\"` block.";

const STATE_IS_KEPT: &str = "Nothing was removed from the state.";

/// Why registering fails when the request itself is right.
const THROUGH_DESTINATION: &str = "Order Management reads the destination in its own subaccount and calls Cloud ALM through it: \
     check that it exists there, that its credentials work, and that its URL has the form that \
     Order Management expects (`url_form` of `sapcalm_destination`).";

fn if_registered_already(status: u16) -> String {
    format!(
        "If it says that the tenant is registered already, add {status} to \
         `order_management_api.already_registered_codes` in the `provider \"sapcalm\"` block."
    )
}

/// Where the service key of this call is set.
fn settings(call: Call) -> String {
    match call.key() {
        Some(key) => key_settings(key),
        None => "the service key".to_owned(),
    }
}

fn key_settings(key: KeyKind) -> String {
    format!("`{}` (or `{}`)", attribute(key), variable(key))
}

/// Where the URL of this call is set.
fn endpoint_settings(call: Call) -> String {
    match call {
        Call::Register => format!("`order_management_api.register` and {}", settings(call)),
        Call::Offboard => format!("`order_management_api.offboard` and {}", settings(call)),
        _ => settings(call),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client;
    use client::{KeyError, KeyProblem};

    /// An error as the client makes it.
    fn error(kind: ErrorKind, status: Option<u16>, message: Option<&str>) -> Error {
        let mut error = Error::new(kind);
        error.method = Some("POST".to_owned());
        error.url = Some("https://host.example/some/path".to_owned());
        error.status = status;
        error.message = message.map(str::to_owned);
        error.correlation_id = Some("7d9f".to_owned());
        error.attempts = 3;
        error.elapsed = std::time::Duration::from_millis(4_200);
        error
    }

    fn answered(status: u16, message: &str) -> Error {
        error(ErrorKind::Status, Some(status), Some(message))
    }

    fn said_by_sap(status: u16, message: &str) -> Error {
        let mut error = answered(status, message);
        error.said_by_sap = true;
        error
    }

    /// Every text a practitioner can get, on one page.
    #[test]
    #[allow(clippy::too_many_lines, reason = "one table")]
    fn the_texts_say_what_happened_where_and_what_to_do_next() {
        let scope = Refusal::InvalidScope {
            scope: Some("omf.IntegrationMonitoring".to_owned()),
        };
        let token = |refusal, status| error(ErrorKind::Token(refusal), Some(status), Some("words"));
        let on_the_way = |kind| error(kind, None, None);
        let no_endpoint = Error::new(ErrorKind::UnusableKey(client::KeyError {
            kind: KeyKind::OrderManagement,
            problem: client::KeyProblem::Missing {
                path: "endpoints.integration-monitoring-api".to_owned(),
            },
        }));
        let mut lost = error(ErrorKind::NoAnswer, None, Some("connection reset"));
        lost.maybe_processed = true;
        let cases = [
            (Call::CreateDestination, answered(409, "exists already")),
            (Call::CreateDestination, answered(400, "Invalid property")),
            (Call::UpdateDestination, answered(404, "not found")),
            (Call::UpdateDestination, said_by_sap(404, "not found")),
            (Call::ReadDestination, answered(401, "Unauthorized")),
            (Call::ReadDestination, answered(403, "Forbidden")),
            (Call::DeleteDestination, answered(429, "slow down")),
            (
                Call::DeleteDestination,
                error(ErrorKind::Status, Some(500), None),
            ),
            (Call::Register, answered(403, "insufficient scope")),
            (Call::Register, answered(404, "no such path")),
            (Call::Register, answered(405, "Method Not Allowed")),
            (Call::Register, answered(415, "Unsupported Media Type")),
            (
                Call::Register,
                answered(424, "destination CloudALM not found"),
            ),
            (Call::Register, lost),
            (Call::Offboard, answered(404, "not registered")),
            (Call::Offboard, answered(405, "Method Not Allowed")),
            (Call::Offboard, answered(424, "destination not found")),
            (Call::Register, answered(400, "header is missing")),
            (Call::Register, answered(500, "oops")),
            (Call::ReadLandscape, answered(403, "Forbidden")),
            (Call::AuthorizeRegistration, token(scope, 400)),
            (
                Call::AuthorizeRegistration,
                token(Refusal::BadCredentials, 401),
            ),
            (
                Call::AuthorizeRegistration,
                token(Refusal::UnknownZone, 404),
            ),
            (Call::ReadDestination, token(Refusal::Other, 400)),
            (
                Call::AuthorizeRegistration,
                token(Refusal::TooManyRequests, 429),
            ),
            (Call::ReadDestination, token(Refusal::Unavailable, 503)),
            (Call::ReadDestination, on_the_way(ErrorKind::Setup)),
            (Call::ReadDestination, on_the_way(ErrorKind::Connect)),
            (
                Call::ReadDestination,
                on_the_way(ErrorKind::Tls(TlsFault::UnknownIssuer)),
            ),
            (
                Call::ReadDestination,
                on_the_way(ErrorKind::Tls(TlsFault::AuthorityAsHost)),
            ),
            (
                Call::ReadDestination,
                on_the_way(ErrorKind::Tls(TlsFault::Expired)),
            ),
            (
                Call::ReadDestination,
                on_the_way(ErrorKind::Tls(TlsFault::Revoked)),
            ),
            (
                Call::ReadDestination,
                on_the_way(ErrorKind::Tls(TlsFault::WrongHost)),
            ),
            (
                Call::Register,
                on_the_way(ErrorKind::Tls(TlsFault::OldVersion)),
            ),
            (Call::Register, on_the_way(ErrorKind::Tls(TlsFault::NotTls))),
            (Call::ReadDestination, on_the_way(ErrorKind::Proxy)),
            (Call::ReadDestination, on_the_way(ErrorKind::Deadline)),
            (Call::ReadDestination, on_the_way(ErrorKind::Cancelled)),
            (
                Call::Register,
                error(ErrorKind::Router, Some(404), Some("unknown_route")),
            ),
            (
                Call::Offboard,
                error(ErrorKind::Html, Some(200), Some("Log in")),
            ),
            (
                Call::Offboard,
                error(
                    ErrorKind::Redirect {
                        host: Some("login.example".to_owned()),
                    },
                    Some(302),
                    None,
                ),
            ),
            (
                Call::ReadLandscape,
                error(ErrorKind::UnexpectedAnswer, Some(200), None),
            ),
            (
                Call::UpdateDestination,
                on_the_way(ErrorKind::ConcurrentChange),
            ),
            (Call::UseKey, no_endpoint),
            (
                Call::UseKey,
                Error::new(ErrorKind::MissingKey(KeyKind::CloudAlm)),
            ),
        ];
        insta::assert_snapshot!("texts", page(&cases));
    }

    #[test]
    fn the_texts_about_proxies_and_certificates_say_so_too() {
        let expired = ErrorKind::ExpiredCertificate {
            key: KeyKind::Destination,
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        let missing_endpoint = ErrorKind::UnusableKey(KeyError {
            kind: KeyKind::OrderManagement,
            problem: KeyProblem::Missing {
                path: "endpoints.monitoring".to_owned(),
            },
        });
        let mut cases = [
            ErrorKind::ProxyCredentials,
            ErrorKind::Connect,
            ErrorKind::CertificateRefused,
        ]
        .map(|kind| (Call::ReadDestination, error(kind, None, None)));
        for (_, error) in &mut cases[..2] {
            error.proxy = Some("http://proxy.example:3128".to_owned());
        }
        let others = [
            (Call::CreateCertificate, answered(409, "Duplicate key")),
            (Call::UpdateCertificate, said_by_sap(404, "not found")),
            (Call::ReadCertificate, answered(404, "Not Found")),
            (Call::DeleteCertificate, answered(400, "in use")),
            (Call::ReadDestination, Error::new(expired)),
            (Call::UseKey, Error::new(missing_endpoint)),
        ];
        let cases: Vec<_> = cases.into_iter().chain(others).collect();
        insta::assert_snapshot!("proxy_and_certificate_texts", page(&cases));
    }

    /// The messages as a practitioner sees them, one after the other.
    fn page(cases: &[(Call, Error)]) -> String {
        let shown = cases.iter().map(|(call, error)| {
            let diagnostic = failed(*call, error);
            assert!(!diagnostic.detail.contains("please"));
            let path = diagnostic.path.map(|path| format!(" (at {path})"));
            let heading = format!("{}{}", diagnostic.summary, path.unwrap_or_default());
            format!("## {heading}\n\n{}\n", diagnostic.detail)
        });
        shown.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_soft_failure_is_a_warning_with_the_same_words() {
        let error = answered(503, "down");
        let (hard, soft) = (
            failed(Call::ReadLandscape, &error),
            failed_softly(Call::ReadLandscape, &error),
        );
        assert_eq!(soft.severity, Severity::Warning);
        assert_eq!((hard.summary, hard.detail), (soft.summary, soft.detail));
    }
}
