//! SAP Job Scheduling service: reading a job and configuring it by its id.
//!
//! The form of both calls and the refusals of `calmConfig` are documented; the
//! body of a 404 is not.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::call::{Call, Outcome, Refusal, Reply, json_body};
use super::knobs::ErrorBody;
use super::shared::Shared;
use super::world::{CalmConfig, Job, Service, World};

/// Path of the service.
pub(crate) const PATH: &str = "/jobscheduler-rest";

/// Answers a request below the service's URL.
pub(crate) fn handle(shared: &Shared, call: &Call, path: &[&str]) -> Reply {
    let mut world = shared.world();
    let outcome = authorize(&world, call).and_then(|subdomain| match path {
        ["scheduler", "jobs", id] => {
            let job = job(&mut world, &subdomain, id)?;
            match call.method {
                Method::GET => Ok(Reply::json(StatusCode::OK, job)),
                Method::PUT => configure(job, &json_body(call)?),
                _ => Err(Refusal::method_not_allowed()),
            }
        }
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "Not Found")),
    });
    outcome.unwrap_or_else(|refusal| match world.knobs.job_scheduling.error_body {
        ErrorBody::Json => Reply::json(refusal.status, &body(&refusal)),
        ErrorBody::Text => Reply::text(refusal.status, refusal.message.clone()),
    })
}

/// The subdomain whose jobs the token is for.
fn authorize(world: &World, call: &Call) -> Result<String, Refusal> {
    let token = call.authorization("bearer");
    match token.and_then(|token| world.grant(token)) {
        Some(grant) if grant.service == Service::JobScheduling => Ok(grant.subdomain.clone()),
        Some(_) => Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden")),
        None => Err(Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized")),
    }
}

fn job<'a>(world: &'a mut World, subdomain: &str, id: &str) -> Result<&'a mut Job, Refusal> {
    let subaccount = world.subaccounts.get_mut(subdomain);
    let mut jobs = subaccount.into_iter().flat_map(|one| one.jobs.iter_mut());
    let message = format!("Could not find any job with id {id}");
    jobs.find(|job| job.id.to_string() == id)
        .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, message))
}

/// What is left out stays as it is.
fn configure(job: &mut Job, changes: &Value) -> Outcome {
    let calm = match changes.get("calmConfig") {
        Some(config) => Some(calm_config(config)?),
        None => None,
    };
    job.calm_config = calm.or(job.calm_config);
    if let Some(active) = changes.get("active").and_then(Value::as_bool) {
        job.active = active;
    }
    Ok(Reply::json(StatusCode::OK, &json!({ "success": true })))
}

fn calm_config(config: &Value) -> Result<CalmConfig, Refusal> {
    let wrong = |what: &str| Refusal::bad_request(format!("Error while creating job: {what}"));
    let members = config.as_object();
    let members = members.ok_or_else(|| wrong("'calmConfig' must be of type 'object'"))?;
    if members.is_empty() {
        return Err(wrong("'calmConfig' object cannot be empty"));
    }
    if let Some(other) = members.keys().find(|name| *name != "enabled") {
        return Err(wrong(&format!(
            "'{other}' is not an allowed property for object 'calmConfig'"
        )));
    }
    let enabled = members.get("enabled").and_then(Value::as_bool);
    let enabled =
        enabled.ok_or_else(|| wrong("'enabled' in 'calmConfig' must be of type 'boolean'"))?;
    Ok(CalmConfig { enabled })
}

fn body(refusal: &Refusal) -> Value {
    json!({
        "code": refusal.status.as_u16(),
        "message": refusal.message,
        "type": refusal.status.canonical_reason(),
        "detailedError": refusal.message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job {
            id: 3,
            name: "a".to_owned(),
            active: true,
            calm_config: None,
        }
    }

    #[test]
    fn what_a_request_leaves_out_stays() {
        let mut one = job();
        configure(&mut one, &json!({ "calmConfig": { "enabled": true } })).unwrap();
        configure(&mut one, &json!({ "active": false })).unwrap();
        let calm_config = Some(CalmConfig { enabled: true });
        assert_eq!(
            one,
            Job {
                active: false,
                calm_config,
                ..job()
            }
        );
    }

    #[test]
    fn the_switch_is_a_boolean_and_nothing_else() {
        for (config, reason) in [
            (json!({}), "'calmConfig' object cannot be empty"),
            (json!({ "enabled": "true" }), "must be of type 'boolean'"),
            (
                json!({ "enabled": true, "on": 1 }),
                "'on' is not an allowed property",
            ),
        ] {
            let mut one = job();
            let refusal = configure(&mut one, &json!({ "calmConfig": config })).unwrap_err();
            assert!(refusal.message.contains(reason), "{}", refusal.message);
            assert_eq!(one, job());
        }
    }
}
