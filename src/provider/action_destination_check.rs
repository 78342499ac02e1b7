//! The action `sapcalm_destination_check`: lets the Destination service fetch a
//! token through a destination, as the services that use it do.
//!
//! It changes nothing. What `check_token` of the resource does after a change,
//! it does at any time.

use serde::{Deserialize, Serialize};

use super::attributes::Timeouts;
use super::configured::{Configured, Key, client_context};
use super::destination::{DEFAULT_NAME, NAME_RULE};
use super::destination_service::ids::{LEVELS, id_of, level_of};
use super::diagnostics::{Call, failed};
use super::keys::missing_key;
use client::{KeyKind, TokenCheck};
use framework::action::{Action, Progress};
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::resource::Context;
use framework::schema::{Attribute, Schema};
use framework::value::Value;

/// The action `sapcalm_destination_check`.
#[derive(Debug)]
pub(crate) struct DestinationCheck;

static CHECK: Definition = Definition::new(Kind::Action, "sapcalm_destination_check", &SCHEMA);

static SCHEMA: Schema = Schema::new(
    0,
    "Asks the Destination service to fetch a token through a destination, and fails with SAP's \
     own reason when it cannot. The destination stays as it is, and the token is dropped.\n\n\
     The service remembers tokens and destinations: the answer can be up to five minutes behind \
     the latest change.",
    &[
        Attribute::string("name")
            .validate(&[NAME_RULE])
            .describe("Name of the destination. `CloudALM` when left out."),
        Attribute::string("level").validate(LEVELS).describe(
            "Where the destination lives: `subaccount` or `instance`. `subaccount` when left \
                 out.",
        ),
        Attribute::timeouts(&[Attribute::timeout("invoke", "How long the check may take.")]),
    ],
);

/// The `config` block of the action; names and order follow the schema.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    name: Option<String>,
    level: Option<String>,
    timeouts: Option<Timeouts>,
}

impl Described for DestinationCheck {
    fn definition(&self) -> &'static Definition {
        &CHECK
    }
}

impl Action for DestinationCheck {
    type Provider = Configured;
    type Config = Target;

    fn plan(&self, provider: Option<&Configured>, _: &Value) -> Diagnostics {
        match provider {
            // A key that another change of this run makes is known by then.
            Some(provider) if provider.key(KeyKind::Destination) == Key::Absent => {
                missing_key(KeyKind::Destination).into()
            }
            _ => Diagnostics::new(),
        }
    }

    async fn invoke(
        &self,
        provider: &Configured,
        context: &Context,
        config: Target,
        progress: &Progress,
    ) -> Diagnostics {
        let service = match provider.require_destination() {
            Ok(service) => service,
            Err(problem) => return problem.into(),
        };
        let name = config.name.as_deref().unwrap_or(DEFAULT_NAME);
        let level = level_of(config.level.as_deref());
        let id = id_of(level.as_str(), name);
        progress
            .say(format!(
                "Asking the Destination service to fetch a token through `{id}`."
            ))
            .await;
        let context = client_context(context);
        match service.check_token(&context, level, name).await {
            Ok(TokenCheck::Fetched) => {
                progress
                    .say(format!("The service fetched a token through `{id}`."))
                    .await;
                Diagnostics::new()
            }
            Ok(TokenCheck::Failed { reason }) => no_token(&id, &reason).into(),
            Ok(TokenCheck::NoToken) => nothing_to_check(&id).into(),
            Err(error) => failed(Call::CheckDestination, &error).into(),
        }
    }
}

fn no_token(id: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(
        "Destination cannot fetch a token",
        format!(
            "The Destination service could not fetch a token through the destination `{id}`. SAP \
             says: {reason}\n\n\
             Correct client, secret or certificate, and token service URL of the destination. \
             Nothing was changed."
        ),
    )
}

fn nothing_to_check(id: &str) -> Diagnostic {
    Diagnostic::warning(
        "Nothing to check",
        format!("The service fetches no token for the authentication of the destination `{id}`."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use framework::model;

    #[test]
    fn the_target_fits_its_schema() {
        assert_eq!(model::check::<Target>(&SCHEMA), Ok(()));
    }
}
