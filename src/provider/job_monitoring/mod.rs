//! `sapcalm_job_monitoring`: whether Cloud ALM monitors one job of SAP Job
//! Scheduling service. The object is a switch of a job that somebody else made:
//! creating turns it on, deleting turns it off, and the job itself stays.
//!
//! A switch that somebody turned off is drift: `enabled` says so, and the next
//! apply turns it on again. Nothing is kept beside the state, but for a create
//! whose outcome nobody knows.
//!
//! What it deliberately does not do: create jobs, find them by name (a name is
//! unique only while nobody renames), or anything about tasks, which SAP's API
//! cannot switch.

use serde::{Deserialize, Serialize};

use super::attributes::{TIMEOUTS, Timeouts, shown};
use client::{self, Jobs, KeyKind};
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;
use framework::plan::{Action, Plan};
use framework::private::Private;
use framework::resource::{
    Context, CreateRequest, DeleteRequest, Failed, ImportRequest, ReadRequest, Resource, Saved,
    Seen, UpdateRequest,
};
use framework::schema::{Attribute, IdentitySchema, Replace, Schema};
use framework::validators::Validator;
use framework::value::Value;

use super::configured::{Configured, Key, client_context};
use super::diagnostics::{Call, failed};
use super::unsettled;

/// Full type name.
const TYPE_NAME: &str = "sapcalm_job_monitoring";

static DEFINITION: Definition = Definition::new(Kind::Resource, TYPE_NAME, &SCHEMA);

static IDENTITY: IdentitySchema = IdentitySchema::new(&[Attribute::string("job_id")
    .required()
    .describe("Id of the job in its instance of SAP Job Scheduling service.")]);

static SCHEMA: Schema = Schema::new(
    0,
    "Lets SAP Cloud ALM monitor one job of SAP Job Scheduling service.\n\n\
        The job is one of the instance of the provider's `job_scheduling_service_key`; the \
        application that owns it creates it. Destroying this switches the monitoring off and \
        leaves the job alone. In Cloud ALM itself, Job & Automation Monitoring has to be switched \
        on as well. SAP's API cannot switch Cloud Foundry tasks.",
    &[
        Attribute::number("job_id")
            .required()
            .replace(Replace::Always)
            .validate(&[Validator::WholeNumber {
                min: 1,
                max: i64::MAX,
            }])
            .describe(
                "Id of the job: `_id` in the answer of `GET /scheduler/jobs?name=...`, or in the \
                 URL of the dashboard.",
            ),
        shown("id", "The id of the job, as text.").keep_prior(),
        Attribute::bool("enabled").computed().describe(
            "Whether Cloud ALM monitors the job. A plan says `true`; a state says `false` where \
             somebody switched it off.",
        ),
        shown("name", "Name of the job when it was looked at last.").keep_prior(),
        TIMEOUTS,
    ],
);

/// Configuration, plan and state.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    job_id: Option<i64>,
    id: Option<String>,
    enabled: Option<bool>,
    name: Option<String>,
    timeouts: Option<Timeouts>,
}

impl Model {
    /// Terraform hands over no object without it.
    fn job(&self) -> i64 {
        self.job_id.unwrap_or_default()
    }
}

/// The resource `sapcalm_job_monitoring`.
#[derive(Debug)]
pub(crate) struct JobMonitoring;

impl Described for JobMonitoring {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }
}

impl Resource for JobMonitoring {
    type Provider = Configured;
    type Model = Model;
    /// The planned values say everything.
    type Decision = ();

    fn identity_schema(&self) -> &'static IdentitySchema {
        &IDENTITY
    }

    fn plan(&self, provider: Option<&Configured>, plan: &mut Plan) {
        if plan.action() == Action::Delete {
            return;
        }
        if plan.action() == Action::Create || plan.replaces() {
            let id = match plan.config("job_id") {
                Value::Number(id) => Value::string(id.as_str()),
                _ => Value::Unknown,
            };
            plan.set("id", id);
            plan.set("name", Value::Unknown);
            let known = provider.filter(|it| it.key(KeyKind::JobScheduling) != Key::Unknown);
            if let Some(Err(problem)) = known.map(Configured::require_jobs) {
                plan.report(problem);
            }
        }
        plan.set("enabled", Value::Bool(true));
    }

    fn turn(&self, model: &Model) -> String {
        model.job().to_string()
    }

    async fn create(
        &self,
        provider: &Configured,
        context: &Context,
        request: CreateRequest<Model, ()>,
    ) -> Result<Saved<Model>, Failed<Model>> {
        let mut state = request.planned;
        let id = state.job();
        if provider.was_created_here(TYPE_NAME, &id.to_string()) {
            return Err(second_switch(id).into());
        }
        let context = client_context(context);
        let jobs = jobs(provider, &context, Call::SwitchJob).await?;
        let found = jobs.find(&context, id).await;
        let found = found.map_err(|error| failed(Call::ReadJob, &error))?;
        let Some(found) = found else {
            return Err(no_such_job(id).into());
        };
        state.id = Some(id.to_string());
        state.name = found.name;
        match jobs.monitor(&context, id, true).await {
            Ok(true) => {}
            Ok(false) => return Err(no_such_job(id).into()),
            Err(error) => {
                let problem = failed(Call::SwitchJob, &error);
                if !error.maybe_processed {
                    return Err(problem.into());
                }
                let private = Private::default();
                return Err(unsettled::failed_create(problem, state, private));
            }
        }
        provider.remember_created(TYPE_NAME, &id.to_string());
        Ok(Saved::new(state, Private::default()))
    }

    async fn read(
        &self,
        provider: &Configured,
        context: &Context,
        request: ReadRequest<Model>,
    ) -> Result<Seen<Model>, Diagnostics> {
        let ReadRequest { mut state, private } = request;
        let unread = "The job was not looked at; the plan is made from its last known state.";
        let unread = provider.unknown_key(KeyKind::JobScheduling, unread);
        if let Some(warning) = unread.filter(|_| state.enabled.is_some()) {
            return Ok(Seen::There(Saved::new(state, private).with(warning)));
        }
        let context = client_context(context);
        let jobs = jobs(provider, &context, Call::ReadJob).await?;
        let found = jobs.find(&context, state.job()).await;
        let found = found.map_err(|error| failed(Call::ReadJob, &error))?;
        let Some(found) = found else {
            return Ok(Seen::Gone(Diagnostics::new()));
        };
        let what = format!("monitoring of the job `{}`", state.job());
        state.enabled = Some(found.is_monitored);
        state.name = found.name;
        let mut saved = Saved::new(state, private);
        unsettled::read(&mut saved, &what, found.is_monitored);
        Ok(Seen::There(saved))
    }

    async fn update(
        &self,
        provider: &Configured,
        context: &Context,
        request: UpdateRequest<Model, ()>,
    ) -> Result<Saved<Model>, Failed<Model>> {
        let UpdateRequest {
            planned,
            prior,
            private,
            ..
        } = request;
        if prior.enabled != planned.enabled {
            let context = client_context(context);
            let jobs = jobs(provider, &context, Call::SwitchJob).await?;
            let switched = jobs.monitor(&context, planned.job(), true).await;
            if !switched.map_err(|error| failed(Call::SwitchJob, &error))? {
                return Err(no_such_job(planned.job()).into());
            }
        }
        Ok(Saved::new(planned, private))
    }

    async fn delete(
        &self,
        provider: &Configured,
        context: &Context,
        request: DeleteRequest<Model>,
    ) -> Result<Diagnostics, Failed<Model>> {
        let id = request.prior.job();
        if provider.was_created_here(TYPE_NAME, &id.to_string()) {
            return Ok(kept_for_successor(id).into());
        }
        let context = client_context(context);
        let jobs = jobs(provider, &context, Call::SwitchJob).await?;
        // A job that is gone is monitored no more.
        let switched = jobs.monitor(&context, id, false).await;
        switched.map_err(|error| failed(Call::SwitchJob, &error))?;
        provider.remember_deleted(TYPE_NAME, &id.to_string());
        Ok(Diagnostics::new())
    }

    fn import(&self, request: ImportRequest) -> Result<Model, Diagnostics> {
        let id = match request {
            ImportRequest::Id(id) => id,
            ImportRequest::Identity(mut values) => values.remove("job_id").unwrap_or_default(),
        };
        let job_id = id.trim().parse().ok().filter(|id| *id > 0);
        let job_id: i64 = job_id.ok_or_else(|| {
            Diagnostic::error(
                "Invalid import id",
                "The import id of a monitored job is the id of the job, a whole number such as \
                 `3`.",
            )
        })?;
        Ok(Model {
            job_id: Some(job_id),
            id: Some(job_id.to_string()),
            ..Model::default()
        })
    }
}

/// The service, once it is known that the token is for an allowed subaccount.
async fn jobs<'a>(
    provider: &'a Configured,
    context: &client::Context,
    call: Call,
) -> Result<Jobs<'a>, Diagnostic> {
    let jobs = provider.require_jobs()?;
    let client = provider.client();
    let token = client.token(context, KeyKind::JobScheduling, None).await;
    let token = token.map_err(|error| failed(call, &error))?;
    provider.check_token(KeyKind::JobScheduling, &token.claims, call)?;
    Ok(jobs)
}

fn second_switch(id: i64) -> Diagnostic {
    Diagnostic::error(
        "Two switches of one job",
        format!(
            "This run has switched the monitoring of the job `{id}` on already, for another \
             resource. Nothing was sent for this one: taking one of the two away would switch it \
             off for both.\n\n\
             Remove one of the two `sapcalm_job_monitoring` resources."
        ),
    )
    .at(Path::attribute("job_id"))
}

fn kept_for_successor(id: i64) -> Diagnostic {
    Diagnostic::warning(
        "Monitoring not switched off",
        format!(
            "This run has switched the monitoring of the job `{id}` on for another resource, so \
             the switch to turn off is the one to keep. Nothing was changed at SAP."
        ),
    )
}

fn no_such_job(id: i64) -> Diagnostic {
    Diagnostic::error(
        "No such job",
        format!(
            "The instance of the provider's `job_scheduling_service_key` has no job with the id \
             `{id}`. Nothing was changed. Correct `job_id`, or give the provider the key of the \
             instance that has it."
        ),
    )
    .at(Path::attribute("job_id"))
}
