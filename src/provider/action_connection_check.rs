//! The action `sapcalm_connection_check`: the rows of [`check`] as
//! progress, and an error where one of them failed.

use serde::{Deserialize, Serialize};

use super::attributes::Timeouts;
use super::check::row::Verdict;
use super::check::{self, Unusable};
use super::configured::{Configured, client_context};
use super::data_source_connection::failures;
use framework::action::{Action, Progress};
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::resource::Context;
use framework::schema::{Attribute, Schema};
use framework::value::Value;

/// The action `sapcalm_connection_check`.
#[derive(Debug)]
pub(crate) struct ConnectionCheck;

static CHECK: Definition = Definition::new(Kind::Action, "sapcalm_connection_check", &SCHEMA);

static SCHEMA: Schema = Schema::new(
    0,
    "Compares what this provider assumes about SAP with what SAP's services say to the keys in the \
     `provider` block, says every row of it, and fails where one of them fails. It changes \
     nothing.\n\n\
     The data source `sapcalm_connection` gives the same as attributes, in every plan.",
    &[Attribute::timeouts(&[Attribute::timeout(
        "invoke",
        "How long the check may take.",
    )])],
);

/// The `config` block of the action; names and order follow the schema.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    timeouts: Option<Timeouts>,
}

impl Described for ConnectionCheck {
    fn definition(&self) -> &'static Definition {
        &CHECK
    }
}

impl Action for ConnectionCheck {
    type Provider = Configured;
    type Config = Limits;

    /// Whatever is missing is a row.
    fn plan(&self, _: Option<&Configured>, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn invoke(
        &self,
        provider: &Configured,
        context: &Context,
        _: Limits,
        progress: &Progress,
    ) -> Diagnostics {
        let findings = check::run(provider, &client_context(context), &Unusable::new()).await;
        for row in &findings.rows {
            let mark = row.verdict.mark();
            let (assumed, observed) = (row.topic.assumed, row.observed.whole());
            let advice = match (&row.advice, row.verdict) {
                (Some(advice), Verdict::Note) => format!(". {advice}"),
                _ => String::new(),
            };
            progress
                .say(format!("{mark:5} {assumed}: {observed}{advice}"))
                .await;
        }
        failures(&findings)
            .map(|text| Diagnostic::error("Connection does not work", text))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framework::model;

    #[test]
    fn the_limits_fit_their_schema() {
        assert_eq!(model::check::<Limits>(&SCHEMA), Ok(()));
    }
}
