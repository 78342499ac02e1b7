//! The plan of a registration.

use client::KeyKind;
use framework::diagnostics::Diagnostic;
use framework::plan::{Action, Plan};
use framework::value::Value;

use super::super::configured::{Configured, Key};
use super::schema::{Given, Status, environment_in, lms_id};

/// Refines what the framework has planned.
pub(super) fn refine(provider: Option<&Configured>, plan: &mut Plan) {
    match plan.action() {
        Action::Create => plan_create(provider, plan),
        Action::Update if !plan.replaces() => plan_update(provider, plan),
        Action::Update | Action::Delete => {}
    }
}

/// What create decides is unknown already, but for what the key tells. What
/// certainly fails is better said before anything is changed.
fn plan_create(provider: Option<&Configured>, plan: &mut Plan) {
    let Some(provider) = provider.filter(|it| it.key(KeyKind::OrderManagement) != Key::Unknown)
    else {
        return;
    };
    if let Err(problem) = provider.require_order_management() {
        plan.report(problem);
        return;
    }
    let config = provider.client().config();
    if config.order_management_api.register_is_guess {
        plan.report(path_is_guess());
    }
    let key = config.order_management_key.as_ref();
    if let Some(tenant) = key.and_then(|key| key.oauth.tenant_id.as_deref()) {
        plan.set("id", Value::string(tenant));
        plan.set("tenant_id", Value::string(tenant));
        set_landscape_id(plan, Some(tenant), (Value::Unknown, Value::Unknown));
    }
}

fn path_is_guess() -> Diagnostic {
    Diagnostic::warning(
        "Path of the registration is a guess",
        "SAP describes the call that registers on a page that needs a login, so this provider \
         guesses it: a POST to `registration` below the endpoint of the service key.\n\n\
         Compare it with step 4 of \"Integration Monitoring in SAP Cloud ALM\" \
         (https://help.sap.com/viewer/95fb0d8e21b9460b8e4690ebbc667d92/LATEST/en-US/c6ed967bbc004e55abcc0e1ee7867c62.html), \
         and set `order_management_api = { register = { path = \"...\" } }` in the `provider \
         \"sapcalm\"` block, also where the guess is right: that ends this warning.",
    )
}

/// Plans a change in place. The framework has made every computed value
/// unknown where anything changes; nearly all of them are known after all.
fn plan_update(provider: Option<&Configured>, plan: &mut Plan) {
    let moved = plan_landscape_id(provider, plan);
    if plan.prior("status").as_str() == Some(Status::Missing.as_str()) {
        // The update registers again.
        plan.set("status", Value::Unknown);
        plan.set("message", Value::Unknown);
        if !moved && !is_given(plan) && plan.prior("lms_id").is_null() {
            plan.set("lms_id", Value::Unknown);
            plan.set("environment", Value::Unknown);
        }
        return;
    }
    plan.keep_prior("message");
    if moved && can_verify(provider, plan.planned("verify")) {
        plan.set("status", Value::Unknown);
    } else {
        plan.keep_prior("status");
    }
}

/// Plans `lms_id` and `environment`. Says whether the tenant has to be looked up
/// again.
fn plan_landscape_id(provider: Option<&Configured>, plan: &mut Plan) -> bool {
    let was_given = Given::read(&plan.private).any();
    let otherwise = if was_given && can_verify(provider, plan.planned("verify")) {
        (Value::Unknown, Value::Unknown)
    } else {
        (
            plan.prior("lms_id").clone(),
            plan.prior("environment").clone(),
        )
    };
    let tenant = plan.prior("tenant_id").as_str().map(str::to_owned);
    set_landscape_id(plan, tenant.as_deref(), otherwise);
    plan.changes("lms_id")
}

/// Plans `lms_id` and `environment`, each of which follows from the other;
/// `otherwise` where neither is configured.
fn set_landscape_id(plan: &mut Plan, tenant: Option<&str>, otherwise: (Value, Value)) {
    let follows = |from: &Value, rule: fn(&str, &str) -> Option<String>| {
        let Some((from, tenant)) = from.as_str().zip(tenant) else {
            return Value::Unknown;
        };
        rule(from, tenant).map_or(Value::Null, Value::string)
    };
    let (id, environment) = match (plan.config("lms_id"), plan.config("environment")) {
        (Value::Null, Value::Null) => otherwise,
        (Value::Null, environment) => {
            let id = follows(environment, |from, tenant| Some(lms_id(from, tenant)));
            (id, environment.clone())
        }
        (id, Value::Null) => (id.clone(), follows(id, environment_in)),
        (id, environment) => (id.clone(), environment.clone()),
    };
    plan.set("lms_id", id);
    plan.set("environment", environment);
}

/// Whether the configuration gives a part of the landscape id.
fn is_given(plan: &Plan) -> bool {
    !plan.config("lms_id").is_null() || !plan.config("environment").is_null()
}

/// Whether apply may look into the landscape.
fn can_verify(provider: Option<&Configured>, verify: &Value) -> bool {
    verify.as_bool() != Some(false)
        && provider.is_none_or(|provider| provider.key(KeyKind::CloudAlm) != Key::Absent)
}

#[cfg(test)]
mod tests {
    use super::super::super::attributes::object_with;
    use super::super::super::config;
    use super::super::Registration;
    use super::super::schema::SCHEMA;
    use super::*;
    use framework::plan::{Change, Planned};
    use framework::private::Private;
    use framework::resource::DynResource;

    const TENANT: &str = "11111111-2222-4333-8444-555555555555";

    fn text(text: &str) -> Value {
        Value::string(text)
    }

    /// An object of the resource with these attributes, the others null.
    fn object(given: &[(&str, Value)]) -> Value {
        object_with(&SCHEMA, given)
    }

    fn with<const N: usize>(object: &Value, changes: [(&str, Value); N]) -> Value {
        let mut entries = object.entries().unwrap().clone();
        for (name, value) in changes {
            entries.insert(name.to_owned(), value);
        }
        Value::Object(entries)
    }

    fn configuration() -> Value {
        object(&[("destination_name", text("CloudALM"))])
    }

    /// The state of a registration that was seen in the landscape.
    fn registered() -> Value {
        object(&[
            ("destination_name", text("CloudALM")),
            ("id", text(TENANT)),
            ("tenant_id", text(TENANT)),
            ("status", text("registered")),
            ("message", text("Registration successful")),
            ("environment", text("prod")),
            ("lms_id", text(&lms_id("prod", TENANT))),
        ])
    }

    /// A provider with an Order Management key, with or without a Cloud ALM key.
    fn provider(cloud_alm: bool) -> Configured {
        let order_management = r#"{"endpoints":{"integration-monitoring-api":"https://omf.example"},"uaa":{"clientid":"c","clientsecret":"s","url":"https://orders.example"}}"#;
        let key = r#"{"endpoints":{"Api":"https://alm.example/api"},"uaa":{"clientid":"c","clientsecret":"s","url":"https://calm.example"}}"#;
        let environment = |name: &str| match name {
            "SAPCALM_CLOUD_ALM_SERVICE_KEY" if cloud_alm => Some(Ok(key.to_owned())),
            "SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY" => Some(Ok(order_management.to_owned())),
            _ => None,
        };
        config::read(&Value::Null, &environment, "").unwrap().0
    }

    fn planned(config: &Value, prior: &Value, given: Given) -> Planned {
        let mut private = Private::default();
        given.write(&mut private);
        let change = Change {
            config: config.clone(),
            prior: prior.clone(),
            private,
        };
        let planned = DynResource::plan(&Registration, Some(&provider(true)), change);
        assert!(
            !planned.diagnostics.has_errors(),
            "{:?}",
            planned.diagnostics
        );
        planned
    }

    fn unknown(planned: &Planned) -> Vec<&str> {
        let entries = planned.state.entries().unwrap();
        let unknown = entries.iter().filter(|(_, value)| value.is_unknown());
        unknown.map(|(name, _)| name.as_str()).collect()
    }

    const NOTHING: Given = Given {
        lms_id: false,
        environment: false,
    };

    #[test]
    fn plan_of_a_create_leaves_to_apply_what_sap_decides() {
        let planned = planned(&configuration(), &Value::Null, NOTHING);
        assert_eq!(
            unknown(&planned),
            [
                "environment",
                "id",
                "lms_id",
                "message",
                "status",
                "tenant_id"
            ]
        );
    }

    #[test]
    fn plan_of_an_unchanged_registration_is_empty() {
        let planned = planned(&configuration(), &registered(), NOTHING);
        assert!(planned.state.same(&registered()));
    }

    #[test]
    fn plan_of_a_missing_registration_registers_again_in_place() {
        let prior = with(&registered(), [("status", text("missing"))]);
        let planned = planned(&configuration(), &prior, NOTHING);
        assert_eq!(unknown(&planned), ["message", "status"]);
        assert!(planned.replace.is_empty());
    }

    #[test]
    fn plan_of_changed_switches_keeps_every_computed_value() {
        let timeouts = Value::Object(
            [
                ("create", Value::Null),
                ("read", Value::Null),
                ("update", Value::Null),
                ("delete", text("5m")),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        );
        for (name, value) in [
            ("scope", text("")),
            ("verify", Value::Bool(false)),
            ("verify_timeout", text("1m")),
            ("timeouts", timeouts),
        ] {
            let config = with(&configuration(), [(name, value.clone())]);
            let planned = planned(&config, &registered(), NOTHING);
            assert!(unknown(&planned).is_empty(), "{name}");
            assert!(planned.state.same(&with(&registered(), [(name, value)])));
            assert!(planned.replace.is_empty());
        }
    }

    #[test]
    fn a_new_destination_or_trigger_replaces() {
        let trigger = |value: &str| Value::Map([("target".to_owned(), text(value))].into());
        let prior = with(&registered(), [("triggers", trigger("old"))]);
        for (name, value) in [
            ("destination_name", text("Other")),
            ("triggers", trigger("new")),
        ] {
            let config = with(
                &configuration(),
                [("triggers", trigger("old")), (name, value)],
            );
            let planned = planned(&config, &prior, NOTHING);
            assert_eq!(planned.replace.len(), 1, "{name}");
        }
    }

    #[test]
    fn what_an_import_could_not_know_is_filled_in_place() {
        let imported = with(&registered(), [("destination_name", Value::Null)]);
        let triggers = Value::Map([("target".to_owned(), text("x"))].into());
        let config = with(&configuration(), [("triggers", triggers.clone())]);
        let planned = planned(&config, &imported, NOTHING);
        assert!(planned.replace.is_empty());
        assert!(
            planned
                .state
                .same(&with(&registered(), [("triggers", triggers)]))
        );
    }

    #[test]
    fn a_configured_environment_decides_the_landscape_id_in_the_plan() {
        let config = with(&configuration(), [("environment", text("test"))]);
        let planned = planned(&config, &registered(), NOTHING);
        assert_eq!(planned.state.get("lms_id"), &text(&lms_id("test", TENANT)));
        assert_eq!(unknown(&planned), ["status"]);
    }

    #[test]
    fn a_configured_landscape_id_decides_the_environment_in_the_plan() {
        let id = lms_id("eu_10", TENANT);
        let config = with(&configuration(), [("lms_id", text(&id))]);
        let plan = planned(&config, &registered(), NOTHING);
        assert_eq!(plan.state.get("environment"), &text("eu_10"));
        let config = with(&configuration(), [("lms_id", text("something else"))]);
        let plan = planned(&config, &registered(), NOTHING);
        assert_eq!(plan.state.get("environment"), &Value::Null);
    }

    #[test]
    fn a_landscape_id_that_leaves_the_configuration_is_discovered_again() {
        let given = Given {
            lms_id: true,
            environment: false,
        };
        let plan = planned(&configuration(), &registered(), given);
        assert_eq!(unknown(&plan), ["environment", "lms_id", "status"]);
        // Where nobody will look, it stays.
        let verify = [("verify", Value::Bool(false))];
        let (config, prior) = (
            with(&configuration(), verify.clone()),
            with(&registered(), verify),
        );
        let plan = planned(&config, &prior, given);
        assert!(plan.state.same(&prior));
    }

    #[test]
    fn without_a_cloud_alm_key_nothing_of_the_landscape_becomes_unknown() {
        let mut private = Private::default();
        let given = Given {
            lms_id: true,
            environment: false,
        };
        given.write(&mut private);
        let change = Change {
            config: configuration(),
            prior: registered(),
            private,
        };
        let planned = DynResource::plan(&Registration, Some(&provider(false)), change);
        assert!(planned.state.same(&registered()));
    }

    #[test]
    fn planning_twice_gives_the_same_plan() {
        let prior = with(&registered(), [("status", text("missing"))]);
        let config = with(&configuration(), [("environment", text("test"))]);
        let (first, second) = (
            planned(&config, &prior, NOTHING),
            planned(&config, &prior, NOTHING),
        );
        assert_eq!(first.state, second.state);
        assert_eq!(first.private, second.private);
    }
}
