//! Order Management foundation's monitoring API: register and offboard.
//!
//! Registering does what the real service must do to push its data: it reads
//! the destination `CloudALM` at subaccount level, fetches a token with it and
//! calls Cloud ALM at its URL. A wrong destination is so a failed
//! registration, here with 424 and the reason; what SAP answers is not
//! documented, as are paths, texts and most statuses (see `knobs`).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::call::{Call, Outcome, Refusal, Reply};
use super::certificate::{self, Identity};
use super::keys::CLOUD_ALM_PATH;
use super::knobs::{BodyRule, ErrorBody, OrderManagementKnobs, UrlForm};
use super::landscape::REGISTRATION_PATH;
use super::outbound::{Token, reason};
use super::shared::Shared;
use super::world::{Grant, Properties, Registration};

/// How this service names itself in its own requests.
const CALLER: &str = "order-management";
/// Name of the destination that it reads.
const DESTINATION: &str = "CloudALM";

/// Answers a request to the monitoring API; `path` is what follows the endpoint.
pub(crate) async fn handle(shared: &Shared, call: &Call, path: &str) -> Reply {
    let form = shared.world().knobs.order_management.messages;
    match answer(shared, call, path).await {
        Ok(reply) => reply,
        Err(refusal) => render(&refusal, form),
    }
}

fn render(refusal: &Refusal, form: ErrorBody) -> Reply {
    match form {
        ErrorBody::Json => {
            let code = refusal.status.as_str();
            let body = json!({"error": {"code": code, "message": refusal.message}});
            Reply::json(refusal.status, &body)
        }
        ErrorBody::Text => Reply::text(refusal.status, refusal.message.clone()),
    }
}

async fn answer(shared: &Shared, call: &Call, path: &str) -> Outcome {
    let grant = authorize(shared, call)?;
    let knobs = shared.world().knobs.order_management.clone();
    let registers = path == knobs.register_path;
    let offboards = path == knobs.offboard_path;
    if registers && call.method == knobs.register_method.as_str() {
        check_request(call, &knobs)?;
        return register(shared, &grant, &knobs).await;
    }
    if offboards && call.method == knobs.offboard_method.as_str() {
        check_body(call, BodyRule::Empty)?;
        return offboard(shared, &grant, &knobs).await;
    }
    if registers || offboards {
        return Err(Refusal::method_not_allowed());
    }
    Err(Refusal::new(StatusCode::NOT_FOUND, "Not Found"))
}

fn authorize(shared: &Shared, call: &Call) -> Result<Grant, Refusal> {
    let world = shared.world();
    let grant = call
        .authorization("bearer")
        .and_then(|token| world.grant(token))
        .ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized"))?;
    if grant.has_scope(".IntegrationMonitoring") {
        Ok(grant.clone())
    } else {
        Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden"))
    }
}

fn check_request(call: &Call, knobs: &OrderManagementKnobs) -> Result<(), Refusal> {
    for (name, value) in &knobs.register_headers {
        if call.header(name) != Some(value) {
            return Err(Refusal::bad_request(format!("Header '{name}' is missing")));
        }
    }
    check_body(call, knobs.register_body)
}

fn check_body(call: &Call, rule: BodyRule) -> Result<(), Refusal> {
    match rule {
        BodyRule::Empty if !call.body.is_empty() => {
            Err(Refusal::bad_request("The request body must be empty"))
        }
        BodyRule::Json if !call.content_type_is("application/json") => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported Media Type",
        )),
        BodyRule::Json if serde_json::from_slice::<Value>(&call.body).is_err() => {
            Err(Refusal::bad_request("The request body is not valid JSON"))
        }
        _ => Ok(()),
    }
}

async fn register(shared: &Shared, grant: &Grant, knobs: &OrderManagementKnobs) -> Outcome {
    let registered = registration_of(shared, grant).is_some();
    let success = success_status(knobs.already_registered);
    if let (true, Err(status)) = (registered, success) {
        return Err(Refusal::new(status, "Already registered"));
    }
    let lms_id = lms_id(shared, grant, knobs);
    let url = call_cloud_alm(shared, grant, knobs, Change::Register, &lms_id).await?;
    if let Some(subaccount) = shared.world().subaccounts.get_mut(&grant.subdomain) {
        subaccount.registration = Some(Registration { lms_id, url });
    }
    let status = match success {
        Ok(status) if registered => status,
        _ => StatusCode::OK,
    };
    let text = "Registration for Integration Monitoring was successful";
    Ok(message(status, text, knobs))
}

async fn offboard(shared: &Shared, grant: &Grant, knobs: &OrderManagementKnobs) -> Outcome {
    let Some(registration) = registration_of(shared, grant) else {
        return match success_status(knobs.not_registered) {
            Ok(status) => Ok(message(status, "Nothing to offboard", knobs)),
            Err(status) => Err(Refusal::new(status, "Not registered")),
        };
    };
    if knobs.offboard_uses_destination {
        let lms_id = &registration.lms_id;
        call_cloud_alm(shared, grant, knobs, Change::Offboard, lms_id).await?;
    }
    if let Some(subaccount) = shared.world().subaccounts.get_mut(&grant.subdomain) {
        subaccount.registration = None;
    }
    let text = "Offboarding from Integration Monitoring was successful";
    Ok(message(StatusCode::OK, text, knobs))
}

fn message(status: StatusCode, text: &str, knobs: &OrderManagementKnobs) -> Reply {
    if status == StatusCode::NO_CONTENT {
        return Reply::empty(status);
    }
    match knobs.messages {
        ErrorBody::Json => Reply::json(status, &json!({ "message": text })),
        ErrorBody::Text => Reply::text(status, text),
    }
}

/// A status from the knobs: `Ok` when it is a success.
fn success_status(code: u16) -> Result<StatusCode, StatusCode> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_success() {
        Ok(status)
    } else {
        Err(status)
    }
}

fn registration_of(shared: &Shared, grant: &Grant) -> Option<Registration> {
    let world = shared.world();
    let subaccount = world.subaccounts.get(&grant.subdomain)?;
    subaccount.registration.clone()
}

/// `CO_<environment>_<tenant>`
fn lms_id(shared: &Shared, grant: &Grant, knobs: &OrderManagementKnobs) -> String {
    let world = shared.world();
    let subaccount = world.subaccounts.get(&grant.subdomain);
    let tenant = subaccount.map_or("", |subaccount| subaccount.id.as_str());
    format!("CO_{}_{tenant}", knobs.environment)
}

/// What Order Management tells Cloud ALM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Register,
    Offboard,
}

/// Calls Cloud ALM through the destination and returns the destination's URL.
async fn call_cloud_alm(
    shared: &Shared,
    grant: &Grant,
    knobs: &OrderManagementKnobs,
    change: Change,
    lms_id: &str,
) -> Result<String, Refusal> {
    let failed = |reason: String| {
        let text = format!("Destination {DESTINATION} cannot be used: {reason}");
        Refusal::new(StatusCode::FAILED_DEPENDENCY, text)
    };
    let (properties, identity) = destination(shared, grant)
        .ok_or_else(|| failed("it was not found at subaccount level".to_owned()))?;
    let url = check(&properties).map_err(failed)?;
    let identity = identity.map_err(failed)?;
    let outbound = &shared.outbound;
    let token = outbound.token(CALLER, &properties, None, identity.as_ref());
    let token = token.await.map_err(failed)?;
    send(shared, knobs, change, lms_id, &url, &token)
        .await
        .map_err(failed)?;
    Ok(url)
}

/// The destination as a consumer sees it, with its certificate for the token
/// service or why that cannot be used.
fn destination(
    shared: &Shared,
    grant: &Grant,
) -> Option<(Properties, Result<Option<Identity>, String>)> {
    let world = shared.world();
    let level = &world.subaccounts.get(&grant.subdomain)?.destinations;
    let found = level.seen_by_consumers(DESTINATION, world.clock.now())?;
    let identity = certificate::identity(&level.certificates, &found.properties);
    Some((found.properties.clone(), identity))
}

/// What the destination must be; its URL.
fn check(properties: &Properties) -> Result<String, String> {
    let get = |key: &str| properties.get(key).map(String::as_str);
    for (key, wanted) in [
        ("Type", "HTTP"),
        ("Authentication", "OAuth2ClientCredentials"),
    ] {
        if get(key) != Some(wanted) {
            return Err(format!("'{key}' must be '{wanted}'"));
        }
    }
    if get("ProxyType").is_some_and(|proxy| proxy != "Internet") {
        return Err("'ProxyType' must be 'Internet'".to_owned());
    }
    get("URL")
        .map(ToOwned::to_owned)
        .ok_or_else(|| "'URL' is missing".to_owned())
}

async fn send(
    shared: &Shared,
    knobs: &OrderManagementKnobs,
    change: Change,
    lms_id: &str,
    url: &str,
    token: &Token,
) -> Result<(), String> {
    let base = match knobs.url_form {
        UrlForm::Verbatim => url.to_owned(),
        UrlForm::Origin => format!("{}{CLOUD_ALM_PATH}", url.trim_end_matches('/')),
    };
    let method = match change {
        Change::Register => Method::POST,
        Change::Offboard => Method::DELETE,
    };
    let address = format!("{base}{REGISTRATION_PATH}");
    let answer = shared
        .outbound
        .request(CALLER, method, &address)?
        .bearer_auth(&token.value)
        .json(&json!({
            "lmsId": lms_id,
            "name": "acme order management",
            "serviceTypeLabel": "SAP Order Management foundation",
        }))
        .send()
        .await
        .map_err(|error| reason(&error))?;
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("{address} answered {status}"))
    }
}
