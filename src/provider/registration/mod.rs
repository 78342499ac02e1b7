//! `sapcalm_registration`: one Order Management tenant, registered for
//! Integration Monitoring in Cloud ALM. This file is its life: create, read,
//! update, delete, import. Beside it: [`schema`], [`plan`], [`call`] (what
//! comes before a call to Order Management) and [`landscape`].
//!
//! SAP has no call that tells whether a tenant is registered. What we know
//! comes from the answers to our own calls and from Cloud ALM's landscape,
//! where the tenant shows up as `CO_<environment>_<tenant ID>`, perhaps later.
//! So two things hold everywhere here:
//!
//! * Read never drops the object. A tenant that was seen in the landscape and
//!   is gone has the status `missing`, which the next plan turns into an
//!   update in place that registers again.
//! * Registering twice and offboarding twice are assumed to do no harm, so both
//!   are repeated where an answer was lost, and a registration that may have
//!   happened is saved, so that a destroy offboards it.
//!
//! What it deliberately does not do: tell a delete of a whole registration from
//! that of an older object of the same tenant which an earlier, interrupted run
//! left behind (a deposed object). Terraform does not say, and the landscape
//! cannot know; Read warns when it meets two objects of one tenant.

mod call;
mod landscape;
mod plan;
pub(super) mod schema;

use std::collections::BTreeMap;
use std::time::Duration;

use client::{self, KeyKind};
use framework::definition::{Definition, Described};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::duration;
use framework::path::Path;
use framework::plan::Plan;
use framework::private::Private;
use framework::resource::{
    Context, CreateRequest, DeleteRequest, Failed, ImportRequest, ReadRequest, Resource, Saved,
    Seen, UpdateRequest,
};
use framework::schema::IdentitySchema;
use framework::value::Value;

use super::configured::{Configured, Key, client_context};
use super::destination::DEFAULT_NAME;
use super::diagnostics::{Call, failed};
use super::unsettled;
pub(super) use call::SCOPE_SUFFIX;
use call::{check_key, check_token, offboarding_token, prepare};
use landscape::Sight;
pub(super) use landscape::ids_of;
use schema::{DEFINITION, Given, IDENTITY, Model, Status, TYPE_NAME, environment_in, lms_id};

/// The resource `sapcalm_registration`.
#[derive(Debug)]
pub(crate) struct Registration;

impl Described for Registration {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let text = |name| config.get(name).as_str();
        match (text("lms_id"), text("environment")) {
            (Some(id), Some(environment)) if !id.starts_with(&lms_id(environment, "")) => {
                contradicting_id().into()
            }
            _ => Diagnostics::new(),
        }
    }
}

impl Resource for Registration {
    type Provider = Configured;
    type Model = Model;
    /// The planned values say everything.
    type Decision = ();

    fn identity_schema(&self) -> &'static IdentitySchema {
        &IDENTITY
    }

    fn complete_generated(&self, _: Option<&Configured>, config: &mut BTreeMap<String, Value>) {
        let name = config.get_mut("destination_name");
        if let Some(name) = name.filter(|name| name.is_null()) {
            *name = Value::string(DEFAULT_NAME);
        }
    }

    fn plan(&self, provider: Option<&Configured>, plan: &mut Plan) {
        plan::refine(provider, plan);
    }

    /// A provider has one Order Management key, and so one tenant.
    fn turn(&self, _: &Model) -> String {
        String::new()
    }

    async fn create(
        &self,
        provider: &Configured,
        context: &Context,
        request: CreateRequest<Model, ()>,
    ) -> Result<Saved<Model>, Failed<Model>> {
        let mut notes = Diagnostics::new();
        let created = create(provider, &client_context(context), request, &mut notes).await;
        conclude(created, notes)
    }

    async fn read(
        &self,
        provider: &Configured,
        context: &Context,
        request: ReadRequest<Model>,
    ) -> Result<Seen<Model>, Diagnostics> {
        let ReadRequest { state, private } = request;
        let mut saved = Saved::new(state, private);
        if let Err(problem) = read(provider, &client_context(context), &mut saved).await {
            saved.warnings.push(problem);
            return Err(saved.warnings);
        }
        Ok(Seen::There(saved))
    }

    async fn update(
        &self,
        provider: &Configured,
        context: &Context,
        request: UpdateRequest<Model, ()>,
    ) -> Result<Saved<Model>, Failed<Model>> {
        let mut notes = Diagnostics::new();
        let updated = update(provider, &client_context(context), request, &mut notes).await;
        conclude(updated, notes)
    }

    async fn delete(
        &self,
        provider: &Configured,
        context: &Context,
        request: DeleteRequest<Model>,
    ) -> Result<Diagnostics, Failed<Model>> {
        Ok(delete(provider, &client_context(context), &request.prior).await?)
    }

    fn import(&self, request: ImportRequest) -> Result<Model, Diagnostics> {
        import(request)
    }
}

fn contradicting_id() -> Diagnostic {
    Diagnostic::error(
        "Contradicting landscape id",
        "`lms_id` does not begin with `CO_`, the value of `environment` and `_`.\n\n\
         Remove one of the two.",
    )
    .at(Path::attribute("lms_id"))
}

/// Whatever an operation came to, with the warnings on the way.
#[allow(
    clippy::result_large_err,
    reason = "once per operation, and what comes out is what Terraform gets"
)]
fn conclude(
    result: Result<(Model, Private), Failed<Model>>,
    notes: Diagnostics,
) -> Result<Saved<Model>, Failed<Model>> {
    match result {
        Ok((state, private)) => Ok(Saved::new(state, private).with(notes)),
        Err(failed) => Err(failed.with(notes)),
    }
}

// ---------------------------------------------------------------- create

async fn create(
    provider: &Configured,
    context: &client::Context,
    request: CreateRequest<Model, ()>,
    notes: &mut Diagnostics,
) -> Result<(Model, Private), Failed<Model>> {
    let CreateRequest {
        config,
        planned: mut state,
        ..
    } = request;
    let expected = state.tenant_id.clone();
    let ready = prepare(provider, context, &config, expected.as_deref(), notes).await?;
    let tenant = &ready.tenant;
    if provider.was_created_here(TYPE_NAME, &name(tenant)) {
        return Err(second_registration(tenant).into());
    }
    let given = Given::of(&config);
    let private = settle(&mut state, tenant, given);
    match ready.register(context).await {
        Ok(answer) => {
            provider.remember_created(TYPE_NAME, &name(tenant));
            state.status = Some(Status::Accepted);
            state.message = answer;
        }
        Err(error) => {
            let problem = failed(Call::Register, &error);
            if !error.maybe_processed {
                return Err(problem.into());
            }
            return Err(unsettled::failed_create(problem, state, private));
        }
    }
    let wait = verify_timeout(&state);
    landscape::verify(provider, context, &mut state, given, wait, notes).await;
    Ok((state, private))
}

/// How this process remembers a tenant: spelling does not make another one.
fn name(tenant: &str) -> String {
    tenant.to_ascii_lowercase()
}

/// Fills in what follows from the tenant and the configuration; the result is
/// what is kept beside it.
fn settle(state: &mut Model, tenant: &str, given: Given) -> Private {
    let mut private = Private::default();
    given.write(&mut private);
    state.id = Some(tenant.to_owned());
    state.tenant_id = Some(tenant.to_owned());
    match (given.lms_id, given.environment) {
        (true, false) => {
            let id = state.lms_id.as_deref();
            state.environment = id.and_then(|id| environment_in(id, tenant));
        }
        (false, true) => {
            let environment = state.environment.as_deref();
            state.lms_id = environment.map(|environment| lms_id(environment, tenant));
        }
        (true, true) | (false, false) => {}
    }
    private
}

/// How long to wait for the landscape; none is one look.
fn verify_timeout(config: &Model) -> Duration {
    let text = config.verify_timeout.as_deref();
    text.and_then(|text| duration::parse(text).ok())
        .unwrap_or_default()
}

fn second_registration(tenant: &str) -> Diagnostic {
    Diagnostic::error(
        "Two registrations of one tenant",
        format!(
            "This run has registered the tenant `{tenant}` already, for another resource. Nothing \
             was sent for this one: a tenant is registered once, and taking one of the two away \
             would offboard it for both.\n\n\
             Remove one of the two `sapcalm_registration` resources. To register several tenants, \
             use one `provider` block with an `alias` for each."
        ),
    )
}

// ------------------------------------------------------------------ read

/// Looks the tenant up in the landscape. Never ends with the object gone.
async fn read(
    provider: &Configured,
    context: &client::Context,
    saved: &mut Saved<Model>,
) -> Result<(), Diagnostic> {
    let kind = KeyKind::OrderManagement;
    let unread = "The registration was not read; its state is the one of before.";
    let unread = provider.unknown_key(kind, unread);
    let unread = unread.or_else(|| (provider.key(kind) == Key::Absent).then(not_read));
    if let Some(warning) = unread {
        saved.warnings.push(warning);
        return Ok(());
    }
    let Some(tenant) = saved.state.tenant_id.clone() else {
        return Ok(());
    };
    if !provider.first_time(&format!("registration of {}", name(&tenant))) {
        saved.warnings.push(two_objects(&tenant));
    }
    // Without a scope: a scope in the state that is not granted any more must
    // not stand in the way of a plan that corrects it.
    let token = provider.client().token(context, kind, None).await;
    let token = token.map_err(|error| failed(Call::AuthorizeRegistration, &error))?;
    let call = Call::AuthorizeRegistration;
    check_token(provider, &token, Some(&tenant), call, &mut saved.warnings)?;

    let given = Given::read(&saved.private);
    let sight = match landscape::look(provider, context, &saved.state, given).await {
        Ok(sight) => sight,
        Err(mut warning) => {
            warning
                .detail
                .push_str("\n\nThe status of the registration is the one of before.");
            saved.warnings.push(warning);
            Sight::Unasked
        }
    };
    landscape::note(&mut saved.state, &sight, given, &mut saved.warnings);
    if matches!(sight, Sight::Absent) {
        match saved.state.status {
            // Only what was seen before can be missing; otherwise it is not
            // there yet, as far as we can tell.
            Some(Status::Registered | Status::Missing) => {
                saved.state.status = Some(Status::Missing);
                saved.warnings.push(missing(&tenant));
            }
            Some(Status::Accepted) => {}
            None if unsettled::is_marked(&saved.private) => {}
            None => saved.warnings.push(unconfirmed(&tenant)),
        }
    }
    let what = format!("registration of the tenant `{tenant}`");
    unsettled::read(saved, &what, matches!(sight, Sight::Seen(_)));
    Ok(())
}

fn not_read() -> Diagnostic {
    Diagnostic::warning(
        "Registration was not read",
        "The provider has no Order Management service key, so the state of the registration is \
         the one of before.\n\n\
         Set `order_management_service_key` in the `provider \"sapcalm\"` block, or the \
         environment variable `SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY`.",
    )
}

/// A rename shows one object only. What shows two is a state with two
/// resources, or one that an interrupted run has left with an old object.
fn two_objects(tenant: &str) -> Diagnostic {
    Diagnostic::warning(
        "Two registrations of one tenant",
        format!(
            "The state has more than one registration of the tenant `{tenant}`: two resources, \
             or an older object that an interrupted replacement has left (`deposed`). Deleting \
             one of them offboards the tenant for both.\n\n\
             If both stay, remove one with a `removed` block or `terraform state rm`. If the next \
             apply deletes one, run `terraform apply` once more after it: the tenant that is \
             missing then is registered again, where `verify` can see it."
        ),
    )
}

fn missing(tenant: &str) -> Diagnostic {
    Diagnostic::warning(
        "Registration is missing in the landscape",
        format!(
            "The landscape of Cloud ALM has shown the tenant `{tenant}` and does not show it any \
             more. Somebody offboarded it, or access control in Landscape Management hides it \
             from the service key in `cloud_alm_service_key`.\n\n\
             The next apply registers the tenant again, which is taken to do no harm where it \
             still is. If it is only hidden, set `verify = false`."
        ),
    )
    .at(Path::attribute("status"))
}

fn unconfirmed(tenant: &str) -> Diagnostic {
    Diagnostic::warning(
        "Registration is not confirmed",
        format!(
            "The registration of the tenant `{tenant}` was imported, and the landscape of Cloud \
             ALM does not show it. It may be late, or nothing is registered.\n\n\
             Run `terraform plan` later; `status` stays null until the tenant is seen. To \
             register it now, replace the resource: `terraform apply -replace=<address>`."
        ),
    )
}

// ---------------------------------------------------------------- update

/// Registers again what is missing, looks up again what is named differently,
/// and otherwise calls nobody.
async fn update(
    provider: &Configured,
    context: &client::Context,
    request: UpdateRequest<Model, ()>,
    notes: &mut Diagnostics,
) -> Result<(Model, Private), Failed<Model>> {
    let UpdateRequest {
        config,
        planned: mut state,
        prior,
        ..
    } = request;
    let given = Given::of(&config);
    let tenant = prior.tenant_id.clone().unwrap_or_default();
    check_key(provider, &tenant)?;
    let moved = state.status.is_none() && (prior.status.is_some() || state.lms_id != prior.lms_id);
    let private = settle(&mut state, &tenant, given);

    if prior.status == Some(Status::Missing) {
        // The planned values: a change of the configuration may be ignored.
        let ready = prepare(provider, context, &state, Some(&tenant), notes).await?;
        // After a failure the state still says `missing`, so the next apply
        // tries again, and delete offboards in any case.
        let answer = ready.register(context).await;
        let answer = answer.map_err(|error| failed(Call::Register, &error))?;
        state.status = Some(Status::Accepted);
        state.message = answer;
        let wait = verify_timeout(&config);
        landscape::verify(provider, context, &mut state, given, wait, notes).await;
    } else if moved {
        // It was not seen under this id so far.
        state.status = prior.status.and(Some(Status::Accepted));
        match landscape::look(provider, context, &state, given).await {
            Ok(sight) => landscape::note(&mut state, &sight, given, notes),
            Err(warning) => {
                state.status = prior.status;
                notes.push(warning);
            }
        }
    }
    Ok((state, private))
}

// ---------------------------------------------------------------- delete

/// Offboards, whatever the status is.
async fn delete(
    provider: &Configured,
    context: &client::Context,
    prior: &Model,
) -> Result<Diagnostics, Diagnostic> {
    let mut notes = Diagnostics::new();
    let tenant = prior.tenant_id.as_deref().unwrap_or_default();
    if provider.was_created_here(TYPE_NAME, &name(tenant)) {
        return Ok(kept_for_successor(tenant).into());
    }
    let service = provider.require_order_management()?;
    let (scope, token) = offboarding_token(provider, context, prior).await?;
    check_token(provider, &token, Some(tenant), Call::Offboard, &mut notes)?;
    if let Err(error) = service.offboard(context, scope.as_deref()).await
        && !(error.is_not_found() && confirmed_absent(provider, context, prior).await)
    {
        return Err(failed(Call::Offboard, &error));
    }
    provider.remember_deleted(TYPE_NAME, &name(tenant));
    Ok(notes)
}

/// Whether the landscape confirms that nothing is registered. It cannot for a
/// tenant whose registration Order Management confirmed and that was never
/// seen: there the landscape may just be late, and a wrong path answers 404 as
/// well.
async fn confirmed_absent(provider: &Configured, context: &client::Context, prior: &Model) -> bool {
    if prior.status == Some(Status::Accepted) {
        return false;
    }
    // Also where nobody wants it looked up otherwise; and whichever id the
    // configuration gave, what counts here is the tenant.
    let asked = Model {
        verify: None,
        ..prior.clone()
    };
    let sight = landscape::look(provider, context, &asked, Given::default()).await;
    matches!(sight, Ok(Sight::Absent))
}

fn kept_for_successor(tenant: &str) -> Diagnostic {
    Diagnostic::warning(
        "Tenant was not offboarded",
        format!(
            "The tenant `{tenant}` was registered anew in this run before this older object was \
             to be deleted (the resource was renamed without a `moved` block, or \
             `create_before_destroy` holds, which a resource inherits from those that depend on \
             it). Offboarding would have undone that, so only the state was changed.\n\n\
             To offboard before registering anew, remove `create_before_destroy`."
        ),
    )
}

// ---------------------------------------------------------------- import

fn import(request: ImportRequest) -> Result<Model, Diagnostics> {
    let tenant = match request {
        ImportRequest::Id(id) => id,
        ImportRequest::Identity(mut values) => values.remove("tenant_id").unwrap_or_default(),
    };
    let tenant = tenant.trim();
    let is_tenant = !tenant.is_empty()
        && !tenant.starts_with("CO_")
        && !tenant.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/' || c == ',');
    if !is_tenant {
        return Err(Diagnostic::error(
            "Invalid import id",
            "The import id of a registration is the id of the Order Management tenant, for \
             example `11111111-2222-4333-8444-555555555555`: the last part of the landscape id \
             `CO_<environment>_<tenant ID>`, which is `tenantid` in most service keys.",
        )
        .into());
    }
    Ok(Model {
        id: Some(tenant.to_owned()),
        tenant_id: Some(tenant.to_owned()),
        ..Model::default()
    })
}
