//! How registering and offboarding call SAP Order Management foundation, as the
//! attribute `order_management_api` says it.

use http::Method;
use url::Url;

use client::{ApiCall, OrderManagementApi};
use framework::path::Path;
use framework::value::Value;

use super::schema::API;

/// What cannot be used: where it stands, and the end of a sentence that begins
/// with that.
type Problems = Vec<(Path, &'static str)>;

/// What is set; the rest keeps its default, and so does everything while a part is
/// not known yet: half a description could seem to contradict itself.
pub(super) fn read(value: &Value) -> (OrderManagementApi, Problems) {
    let mut api = OrderManagementApi::default();
    let mut problems = Problems::new();
    let path = |name: &'static str| Path::attribute(API).then(name);
    if let Some(text) = value.get("endpoint").as_str() {
        match Url::parse(text) {
            Ok(url) => api.endpoint = Some(url),
            Err(_) => problems.push((path("endpoint"), "is not a URL.")),
        }
    }
    if let Some(text) = value.get("endpoint_key").as_str() {
        text.clone_into(&mut api.endpoint_key);
    }
    api.register_is_guess = value.get("register").get("path").is_null();
    call(value.get("register"), &mut api.register);
    call(value.get("offboard"), &mut api.offboard);
    for (name, header) in value.get("headers").entries().into_iter().flatten() {
        if let Some(text) = header.as_str() {
            api.headers.insert(name.clone(), text.into());
        }
    }
    for (name, target) in [
        (
            "already_registered_codes",
            &mut api.already_registered_codes,
        ),
        ("not_registered_codes", &mut api.not_registered_codes),
    ] {
        match value.get(name).items().map(statuses) {
            Some(Some(statuses)) => *target = statuses,
            Some(None) => problems.push((path(name), "must hold HTTP statuses, from 100 to 599.")),
            None => {}
        }
    }
    if !value.is_wholly_known() {
        api = OrderManagementApi::default();
    }
    (api, problems)
}

/// Takes what is set of one call.
fn call(value: &Value, call: &mut ApiCall) {
    if let Some(text) = value.get("path").as_str() {
        text.clone_into(&mut call.path);
    }
    if let Some(text) = value.get("body").as_str() {
        call.body = (!text.is_empty()).then(|| text.into());
    }
    // The schema names the methods that there are.
    if let Some(Ok(method)) = value.get("method").as_str().map(Method::try_from) {
        call.method = method;
    }
}

/// The known ones; nothing where one of them is no HTTP status.
fn statuses(items: &[Value]) -> Option<Vec<u16>> {
    let known = items.iter().filter(|item| !item.is_unknown());
    let status = |item: &Value| {
        let Value::Number(number) = item else {
            return None;
        };
        let status = number.as_str().parse().ok();
        status.filter(|status| (100..600).contains(status))
    };
    known.map(status).collect()
}
