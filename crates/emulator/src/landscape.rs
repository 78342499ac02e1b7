//! Cloud ALM: the landscape that it shows, and the registration call that
//! services make to appear in it.
//!
//! The landscape API is known from its users only. The registration call is
//! internal to SAP; path and body here are ours.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::call::{Call, Outcome, Refusal, Reply, json_body};
use super::knobs::{CloudAlmKnobs, ErrorBody};
use super::shared::Shared;
use super::world::{Grant, LandscapeObject, Service, World};

/// Path of the registration call, after `endpoints.Api`.
pub(crate) const REGISTRATION_PATH: &str = "/landscape-management/v1/Registration";

/// Answers a request below `endpoints.Api`.
pub(crate) fn handle(shared: &Shared, call: &Call, path: &[&str]) -> Reply {
    let mut world = shared.world();
    let outcome = authorize(&world, call).and_then(|grant| match (path, &call.method) {
        (["calm-landscape", "v1", "landscapeObjects"], &Method::GET) => {
            list(&mut world, call, &grant)
        }
        (["landscape-management", "v1", "Registration"], &Method::POST) => {
            register(&mut world, call, &grant)
        }
        (["landscape-management", "v1", "Registration"], &Method::DELETE) => {
            remove(&mut world, call, &grant)
        }
        (
            ["calm-landscape", "v1", "landscapeObjects"]
            | ["landscape-management", "v1", "Registration"],
            _,
        ) => Err(Refusal::method_not_allowed()),
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "Not Found")),
    });
    outcome.unwrap_or_else(|refusal| render(&refusal, world.knobs.cloud_alm.error_body))
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

fn authorize(world: &World, call: &Call) -> Result<Grant, Refusal> {
    let grant = call
        .authorization("bearer")
        .and_then(|token| world.grant(token))
        .ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized"))?;
    if grant.service == Service::CloudAlm {
        Ok(grant.clone())
    } else {
        Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden"))
    }
}

fn landscape<'a>(
    world: &'a mut World,
    grant: &Grant,
) -> Result<&'a mut Vec<LandscapeObject>, Refusal> {
    world
        .subaccounts
        .get_mut(&grant.subdomain)
        .map(|subaccount| &mut subaccount.landscape)
        .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Not Found"))
}

fn list(world: &mut World, call: &Call, grant: &Grant) -> Outcome {
    if !grant.has_scope(".calm-api.landscape.read") {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden"));
    }
    let knobs = world.knobs.cloud_alm.clone();
    let query = Query::parse(&call.query_pairs(), &knobs)?;
    let now = world.clock.now_ms();
    let found: Vec<&Map<String, Value>> = landscape(world, grant)?
        .iter()
        .filter(|object| knobs.landscape_visible && object.visible_at.is_none_or(|at| at <= now))
        .filter(|object| query.passes(object))
        .skip(query.offset)
        .take(query.limit)
        .map(|object| &object.fields)
        .collect();
    if found.is_empty() && knobs.empty_body {
        return Ok(Reply::empty(StatusCode::OK));
    }
    Ok(Reply::json(StatusCode::OK, &found))
}

/// The query of a landscape list: repeated keys are alternatives.
struct Query {
    filters: Vec<(String, String)>,
    limit: usize,
    offset: usize,
}

impl Query {
    fn parse(pairs: &[(String, String)], knobs: &CloudAlmKnobs) -> Result<Self, Refusal> {
        const FILTERS: [&str; 9] = [
            "lmsId",
            "name",
            "systemNumber",
            "objectType",
            "serviceType",
            "role",
            "source",
            "externalId",
            "deploymentModel",
        ];
        let mut query = Self {
            filters: Vec::new(),
            limit: knobs.page_size,
            offset: 0,
        };
        for (name, value) in pairs {
            let number = || {
                value
                    .parse::<usize>()
                    .map_err(|_| Refusal::bad_request(format!("Invalid value of {name}")))
            };
            match name.as_str() {
                "limit" => query.limit = number()?.min(knobs.page_size),
                "offset" => query.offset = number()?,
                filter if FILTERS.contains(&filter) && knobs.filters => {
                    query.filters.push((name.clone(), value.clone()));
                }
                _ => {}
            }
        }
        Ok(query)
    }

    fn passes(&self, object: &LandscapeObject) -> bool {
        self.filters.iter().all(|(name, _)| {
            self.filters
                .iter()
                .any(|(other, value)| other == name && object.field(name) == Some(value))
        })
    }
}

fn register(world: &mut World, call: &Call, grant: &Grant) -> Outcome {
    let body = json_body(call)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let lms_id = text("lmsId").ok_or_else(|| Refusal::bad_request("lmsId is missing"))?;
    let delay = world.knobs.cloud_alm.landscape_delay_ms;
    let now = world.clock.now_ms();
    let fields = json!({
        "lmsId": lms_id,
        "name": text("name"),
        "objectType": "CloudService",
        "serviceType": "ORDER_MANAGEMENT_PLACEHOLDER",
        "serviceTypeLabel": text("serviceTypeLabel"),
        "role": "PROD",
    });
    let landscape = landscape(world, grant)?;
    let known = landscape
        .iter()
        .any(|object| object.field("lmsId") == Some(lms_id));
    if let (false, Value::Object(fields)) = (known, fields) {
        landscape.push(LandscapeObject {
            visible_at: (delay > 0).then(|| now + delay),
            fields,
        });
    }
    Ok(Reply::json(StatusCode::OK, &json!({ "lmsId": lms_id })))
}

fn remove(world: &mut World, call: &Call, grant: &Grant) -> Outcome {
    let body = json_body(call)?;
    let lms_id = body.get("lmsId").and_then(Value::as_str);
    if world.knobs.cloud_alm.offboard_removes_object {
        landscape(world, grant)?.retain(|object| object.field("lmsId") != lms_id);
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
