//! The data source `sapcalm_connection`: the rows of [`check`],
//! for configurations that assert on them.
//!
//! It fails where nothing can be asked at all, and nowhere else: whatever a
//! service answers is a row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attributes::{TEXT, Timeouts, shown};
use super::check::row::{Row, Verdict};
use super::check::{self, Facts, Findings, Unusable};
use super::configured::{Configured, client_context};
use framework::data_source::{DataSource, Found};
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::resource::Context;
use framework::schema::{Attribute, AttributeType, Schema};

/// The data source `sapcalm_connection`.
#[derive(Debug)]
pub(crate) struct Connection;

static DEFINITION: Definition = Definition::new(Kind::DataSource, "sapcalm_connection", &SCHEMA);

static SCHEMA: Schema = Schema::new(
    0,
    "Compares what this provider assumes about SAP with what SAP's services say to the keys in the \
     `provider` block, and changes nothing. A configuration that has it talks to SAP in its first \
     plan: a wrong secret, a missing scope or a service key of another subaccount shows there and \
     not in an apply.\n\n\
     Nothing that it finds is an error: what fails is in `failed`, in `rows` and in one warning. A \
     `check` block or a postcondition makes more of it. Where there is a destination `CloudALM`, \
     SAP fetches a token through it, and keeps it as it is then for up to five minutes. The guide \
     \"What is assumed about SAP\" says which row belongs to which assumption.",
    &[
        Attribute::timeouts(&[Attribute::read_timeout()]),
        shown(
            "verdict",
            "The worst of all rows: `failed`, `note` (something to know) or `ok`.",
        ),
        Attribute::list("failed", &TEXT)
            .computed()
            .describe("Names of the rows that failed."),
        Attribute::list("notes", &TEXT)
            .computed()
            .describe("Names of the rows with something to know."),
        Attribute::map("rows", &ROW).computed().describe(
            "What was found out, by name: `destination_key`, `destination_token`, \
                 `order_management_key`, `order_management_token`, `one_subaccount`, `endpoint`, \
                 `scope`, `cloud_alm_key`, `cloud_alm_token`, `destinations`, \
                 `instance_destinations`, `answers`, `destination`, `url_form`, \
                 `token_through_destination`, `landscape`, `landscape_id`, `register` and \
                 `offboard`.",
        ),
        shown(
            "subaccount_id",
            "Id of the subaccount that the Destination service key acts for; null where it is not \
             known.",
        ),
        shown(
            "tenant_id",
            "Id of the Order Management tenant; null where it is not known.",
        ),
        shown(
            "lms_id",
            "Id of the tenant in Cloud ALM's landscape; null where it does not show exactly one.",
        ),
        shown(
            "environment",
            "The environment in that id, for `environment` of `sapcalm_registration`.",
        ),
    ],
);

static ROW: AttributeType = AttributeType::Object(&[
    shown("assumed", "What is assumed."),
    shown(
        "verdict",
        "`ok`, `note`, `failed`, or `not tried` where it would change something or a key is \
         missing.",
    ),
    shown("observed", "What was observed, without secrets."),
    shown("setting", "The setting that corrects the assumption."),
    shown(
        "advice",
        "What to do about it; null where there is nothing to do.",
    ),
]);

/// Configuration and result; names follow the schema.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) verdict: Option<String>,
    pub(crate) failed: Option<Vec<String>>,
    pub(crate) notes: Option<Vec<String>>,
    pub(crate) rows: Option<BTreeMap<String, Told>>,
    #[serde(flatten)]
    pub(crate) facts: Facts,
}

/// One row; names follow the schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    pub(crate) assumed: Option<String>,
    pub(crate) verdict: Option<String>,
    pub(crate) observed: Option<String>,
    pub(crate) setting: Option<String>,
    pub(crate) advice: Option<String>,
}

impl Told {
    fn of(row: &Row) -> (String, Self) {
        let text = |text: &str| Some(text.to_owned());
        let told = Self {
            assumed: text(row.topic.assumed),
            verdict: text(row.verdict.as_str()),
            observed: Some(row.observed.whole()),
            setting: text(row.topic.setting),
            advice: row.advice.as_deref().and_then(text),
        };
        (row.topic.id.to_owned(), told)
    }
}

impl Described for Connection {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }
}

impl DataSource for Connection {
    type Provider = Configured;
    type Model = Model;

    async fn read(
        &self,
        provider: &Configured,
        context: &Context,
        config: Model,
    ) -> Result<Found<Model>, Diagnostics> {
        let findings = check::run(provider, &client_context(context), &Unusable::new()).await;
        let names = |verdict| {
            let rows = findings.with(verdict);
            Some(rows.map(|row| row.topic.id.to_owned()).collect())
        };
        let verdict = findings.verdict().max(Verdict::Ok);
        let found = Found::from(Model {
            timeouts: config.timeouts,
            verdict: Some(verdict.as_str().to_owned()),
            failed: names(Verdict::Failed),
            notes: names(Verdict::Note),
            rows: Some(findings.rows.iter().map(Told::of).collect()),
            facts: findings.facts.clone(),
        });
        match failures(&findings) {
            None => Ok(found),
            Some(text) => Ok(found.with(Diagnostic::warning("Connection does not work", text))),
        }
    }
}

/// What failed, and what to do about it; nothing where all is well.
pub(super) fn failures(findings: &Findings) -> Option<String> {
    let line = |row: &Row| {
        let text = format!("{}: {}.", row.topic.assumed, row.observed.whole());
        match &row.advice {
            Some(advice) => format!("- {text} {advice}"),
            None => format!("- {text}"),
        }
    };
    let lines: Vec<String> = findings.with(Verdict::Failed).map(line).collect();
    (!lines.is_empty()).then(|| {
        format!(
            "Nothing was changed. What the services say to the keys of the provider:\n\n{}",
            lines.join("\n")
        )
    })
}
