//! `sapcalm_registration`: one Order Management tenant, registered for
//! Integration Monitoring in Cloud ALM. The file follows the resource's life:
//! schema, model, validation, plan, create, read, update, delete, import.
//!
//! SAP has no call that tells whether a tenant is registered. What we know
//! comes from the answers to our own calls and from Cloud ALM's landscape,
//! where the tenant shows up as `CO_<environment>_<tenant ID>`, perhaps later.
//! So three things hold everywhere here:
//!
//! * The landscape is a witness, not a judge: that it cannot be asked, or does
//!   not show the tenant yet, is never an error.
//! * Read never drops the object. A tenant that was seen in the landscape and
//!   is gone has the status `missing`, which the next plan turns into an
//!   update in place that registers again.
//! * Registering twice and offboarding twice are assumed to do no harm, so both
//!   are repeated where an answer was lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use client::{
    self, Destination, Error, ErrorKind, KeyKind, LandscapeQuery, Level, Refusal, Registered, Token,
};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::duration;
use framework::path::Path;
use framework::plan::{Action, Plan};
use framework::private::Private;
use framework::resource::{
    Context, CreateRequest, Definition, DeleteRequest, ImportRequest, Outcome, ReadRequest,
    Resource, UpdateRequest,
};
use framework::schema::{
    Absent, Attribute, AttributeType, DEFAULT_TIMEOUT, IdentityAttribute, IdentitySchema, Replace,
    Schema,
};
use framework::validators::Validator;
use framework::value::Value;

use super::configured::{Configured, Key, attribute, client_context, variable};
use super::destination::DEFAULT_NAME;
use super::diagnostics::{Call, failed, failed_softly};

/// Full type name.
const TYPE_NAME: &str = "sapcalm_registration";

/// End of the scope that registering needs; SAP's documentation names it.
const SCOPE_SUFFIX: &str = ".IntegrationMonitoring";

/// How long consumers may see an old destination, as SAP documents.
const DESTINATION_CACHE: Duration = Duration::from_mins(5);

/// Longest wait between two looks at the landscape.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The entry of the private state that says which of `lms_id` and
/// `environment` came from the configuration.
const GIVEN: &str = "given";

/// What counts for a part of the landscape id that nobody gives.
const FROM_LANDSCAPE: Absent =
    Absent::Words("found in the landscape, where neither `environment` nor `lms_id` is set.");

/// The resource.
#[derive(Debug)]
pub struct Registration;

// ---------------------------------------------------------------- schema

static DEFINITION: Definition = Definition {
    type_name: TYPE_NAME,
    schema: &SCHEMA,
    identity: &IDENTITY,
    default_timeout: DEFAULT_TIMEOUT,
};

static IDENTITY: IdentitySchema = IdentitySchema::new(
    0,
    &[IdentityAttribute {
        name: "tenant_id",
        required_for_import: true,
        description: "The Order Management tenant that is registered.",
    }],
);

static SCHEMA: Schema = Schema::new(
    0,
    "The registration of a tenant of SAP Order Management foundation for Integration Monitoring \
     in SAP Cloud ALM. The tenant is the one of the provider's `order_management_service_key`. \
     Destroying it offboards the tenant.\n\n\
     Order Management is taken to read the destination `CloudALM` in its own subaccount when it \
     registers, while it sends data and when it is offboarded. Refer to the destination in \
     `destination_name`, so that it is made before the registration and outlives it.",
    &[
        Attribute::string("destination_name")
            .required()
            .validate(&[Validator::NotEmpty])
            .replace(Replace::IfPriorKnown)
            .describe(
                "Name of the destination through which Order Management calls Cloud ALM, in the \
                 subaccount of Order Management. Order Management expects `CloudALM`. When the \
                 provider has a `destination_service_key`, the destination must exist before \
                 anything is registered.",
            ),
        Attribute::map("triggers", &AttributeType::String)
            .replace(Replace::IfPriorKnown)
            .describe(
                "Values of your choice. A change of one of them offboards the tenant and \
                 registers it anew; for example `{ target = sapcalm_destination.cloud_alm.url }`, \
                 so that the tenant is offboarded through the old destination before that \
                 changes. Values that are set for the first time on an existing registration \
                 change nothing.",
            ),
        Attribute::string("scope")
            .when_absent(Absent::Words(
                "`{xsappname}.IntegrationMonitoring`, with the `xsappname` of the service key.",
            ))
            .describe(
                "Scope of the token for both calls. An empty text asks for all scopes that the \
                 service key has.",
            ),
        Attribute::string("environment")
            .optional_computed()
            .validate(&[Validator::NotEmpty])
            .when_absent(FROM_LANDSCAPE)
            .describe("Middle part of the landscape id, `CO_<environment>_<tenant ID>`."),
        Attribute::string("lms_id")
            .optional_computed()
            .validate(&[Validator::NotEmpty])
            .when_absent(FROM_LANDSCAPE)
            .describe(
                "Id of the tenant in the landscape of Cloud ALM. The landscape is searched for \
                 `CO_*_<tenant ID>`; the id stays null when several objects match.",
            ),
        Attribute::bool("verify")
            .when_absent(Absent::Words(
                "`true` when the provider has a `cloud_alm_service_key`, else `false`.",
            ))
            .describe(
                "Whether the tenant is looked up in the landscape of Cloud ALM after registering \
                 and with every read. A tenant that is not found there is never an error; for \
                 that, write a `postcondition` on `status`.",
            ),
        Attribute::string("verify_timeout")
            .validate(&[Validator::Duration])
            .when_absent(Absent::Words("no wait, one look."))
            .describe(
                "How long to wait, after registering, for the tenant to show up in the landscape.",
            ),
        Attribute::string("id")
            .computed()
            .keep_prior()
            .describe("The tenant id."),
        Attribute::string("tenant_id")
            .computed()
            .keep_prior()
            .describe("The Order Management tenant that is registered."),
        Attribute::string("status").computed().validate(Status::NAMES).describe(
            "`accepted`: Order Management confirmed the call. `registered`: the tenant was seen \
             in the landscape of Cloud ALM. `missing`: it was seen and is not there any more; \
             the next apply registers it again. Null after an import or an interrupted create, \
             until the tenant is seen.",
        ),
        Attribute::string("message").computed().describe(
            "What Order Management answered when it registered the tenant, shortened and \
             without secrets.",
        ),
        Attribute::timeouts(&[
            Attribute::create_timeout(),
            Attribute::read_timeout(),
            Attribute::update_timeout(),
            Attribute::delete_timeout(),
        ]),
    ],
);

// ----------------------------------------------------------------- model

/// Configuration, plan and state.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Model {
    /// Null only after an import.
    pub destination_name: Option<String>,
    /// Values whose change registers anew.
    pub triggers: Option<BTreeMap<String, Option<String>>>,
    /// Scope of the token.
    pub scope: Option<String>,
    /// Middle part of the landscape id.
    pub environment: Option<String>,
    /// The landscape id.
    pub lms_id: Option<String>,
    /// Whether the landscape is asked.
    pub verify: Option<bool>,
    /// How long the landscape is asked after registering.
    pub verify_timeout: Option<String>,
    /// The tenant.
    pub id: Option<String>,
    /// The tenant.
    pub tenant_id: Option<String>,
    /// What is known about the registration; nothing after an import or an
    /// interrupted create.
    pub status: Option<Status>,
    /// Order Management's answer.
    pub message: Option<String>,
    /// Limits of the operations; the framework reads them.
    pub timeouts: Option<Timeouts>,
}

/// Limits of the operations, as durations.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Timeouts {
    /// Of create.
    pub create: Option<String>,
    /// Of read.
    pub read: Option<String>,
    /// Of update.
    pub update: Option<String>,
    /// Of delete.
    pub delete: Option<String>,
}

/// What is known about a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Order Management confirmed the registration call.
    Accepted,
    /// The tenant was seen in the landscape.
    Registered,
    /// The tenant was seen in the landscape and is not there any more.
    Missing,
}

impl Status {
    /// Every status, as the state spells it.
    const NAMES: &[Validator] = &[Validator::OneOf(&["accepted", "registered", "missing"])];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Registered => "registered",
            Self::Missing => "missing",
        }
    }
}

/// Which parts of the landscape id the configuration gave, so that one that
/// leaves the configuration is known to be discovered again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Given {
    lms_id: bool,
    environment: bool,
}

impl Given {
    fn of(config: &Model) -> Self {
        Self {
            lms_id: config.lms_id.is_some(),
            environment: config.environment.is_some(),
        }
    }

    fn read(private: &Private) -> Self {
        private.get(GIVEN).unwrap_or_default()
    }

    fn any(self) -> bool {
        self.lms_id || self.environment
    }

    fn write(self, private: &mut Private) {
        if self.any() {
            private.set(GIVEN, &self);
        } else {
            private.remove(GIVEN);
        }
    }
}

/// The landscape id of a tenant.
pub(super) fn lms_id(environment: &str, tenant: &str) -> String {
    format!("CO_{environment}_{tenant}")
}

/// The environment in a landscape id, when it is one of this tenant.
fn environment_in(lms_id: &str, tenant: &str) -> Option<String> {
    let middle = lms_id.strip_prefix("CO_")?;
    let end = middle.len().checked_sub(tenant.len())?;
    let (environment, rest) = (middle.get(..end)?, middle.get(end..)?);
    let environment = environment.strip_suffix('_')?;
    (rest.eq_ignore_ascii_case(tenant) && !environment.is_empty()).then(|| environment.to_owned())
}

// -------------------------------------------------------------- resource

impl Resource for Registration {
    type Provider = Configured;
    type Model = Model;
    type Decision = ();

    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        if let (Some(id), Some(environment)) = (
            config.get("lms_id").as_str(),
            config.get("environment").as_str(),
        ) && !id.starts_with(&lms_id(environment, ""))
        {
            diagnostics.push(
                Diagnostic::error(
                    "Contradicting landscape id",
                    "`lms_id` does not begin with `CO_`, the value of `environment` and `_`.\n\n\
                     Remove one of the two.",
                )
                .at(Path::attribute("lms_id")),
            );
        }
        diagnostics
    }

    fn complete_generated(&self, _: Option<&Configured>, config: &mut BTreeMap<String, Value>) {
        let name = config.get_mut("destination_name");
        if let Some(name) = name.filter(|name| name.is_null()) {
            *name = Value::string(DEFAULT_NAME);
        }
    }

    fn plan(&self, provider: Option<&Configured>, plan: &mut Plan) {
        // What create decides is unknown already; a replacement is planned
        // again as a create.
        if plan.action() == Action::Update && !plan.replaces() {
            plan_update(provider, plan);
        }
        // What certainly fails is better said before anything is changed.
        if plan.action() == Action::Create
            && let Some(provider) = provider
            && provider.key(KeyKind::OrderManagement) != Key::Unknown
            && let Err(problem) = provider.require_order_management()
        {
            plan.report(problem);
        }
    }

    async fn create(
        &self,
        provider: &Configured,
        context: &Context,
        request: CreateRequest<Model, ()>,
    ) -> Outcome<Model> {
        create(provider, &client_context(context), request).await
    }

    async fn read(
        &self,
        provider: &Configured,
        context: &Context,
        request: ReadRequest<Model>,
    ) -> Outcome<Model> {
        read(provider, &client_context(context), request).await
    }

    async fn update(
        &self,
        provider: &Configured,
        context: &Context,
        request: UpdateRequest<Model, ()>,
    ) -> Outcome<Model> {
        update(provider, &client_context(context), request).await
    }

    async fn delete(
        &self,
        provider: &Configured,
        context: &Context,
        request: DeleteRequest<Model>,
    ) -> Outcome<Model> {
        match delete(provider, &client_context(context), &request.prior).await {
            Ok(notes) => Outcome::gone().with(notes),
            Err(error) => Outcome::failed(error),
        }
    }

    fn import(&self, request: ImportRequest) -> Result<Model, Diagnostics> {
        import(request)
    }

    fn identity(&self, state: &Model) -> Vec<(&'static str, Option<String>)> {
        vec![("tenant_id", state.tenant_id.clone())]
    }
}

// ------------------------------------------------------------------ plan

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

/// Plans `lms_id` and `environment`, each of which follows from the other.
/// Says whether the tenant has to be looked up again.
fn plan_landscape_id(provider: Option<&Configured>, plan: &mut Plan) -> bool {
    let tenant = plan.prior("tenant_id").as_str().map(str::to_owned);
    let (id, environment) = match (plan.config("lms_id"), plan.config("environment")) {
        (Value::Null, Value::Null) => {
            let rediscover =
                Given::read(&plan.private).any() && can_verify(provider, plan.planned("verify"));
            if rediscover {
                (Value::Unknown, Value::Unknown)
            } else {
                (
                    plan.prior("lms_id").clone(),
                    plan.prior("environment").clone(),
                )
            }
        }
        (Value::Null, environment) => {
            let id = match (environment.as_str(), &tenant) {
                (Some(environment), Some(tenant)) => Value::string(lms_id(environment, tenant)),
                _ => Value::Unknown,
            };
            (id, environment.clone())
        }
        (id, Value::Null) => {
            let environment = match (id.as_str(), &tenant) {
                (Some(id), Some(tenant)) => {
                    environment_in(id, tenant).map_or(Value::Null, Value::string)
                }
                _ => Value::Unknown,
            };
            (id.clone(), environment)
        }
        (id, environment) => (id.clone(), environment.clone()),
    };
    plan.set("lms_id", id);
    plan.set("environment", environment);
    plan.changes("lms_id")
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

// ---------------------------------------------------------------- create

/// Registers. After SAP has confirmed the call nothing here fails any more, but
/// for an interrupt (see [`was_there`]): a create that ends with an error and a
/// state is destroyed by the next apply.
async fn create(
    provider: &Configured,
    context: &client::Context,
    request: CreateRequest<Model, ()>,
) -> Outcome<Model> {
    let mut notes = Diagnostics::new();
    let mut state = request.planned;
    let mut private = Private::default();
    let given = Given::of(&request.config);
    given.write(&mut private);
    let ready = match prepare(provider, context, &request.config, None, &mut notes).await {
        Ok(ready) => ready,
        Err(error) => return Outcome::failed(notes).with(error),
    };
    settle(&mut state, &ready.tenant, given);
    let was_there = was_there(provider, context, &state).await;
    match register(context, &ready).await {
        Ok(answer) => {
            provider.remember_created(TYPE_NAME, &ready.tenant);
            state.status = Some(Status::Accepted);
            state.message = answer.message;
            let wait = verify_timeout(&request.config);
            verify(provider, context, &mut state, given, wait, &mut notes).await;
            if was_there && context.cancel.is_cancelled() {
                return Outcome::failed(notes).with(interrupted(&ready.tenant));
            }
            Outcome::saved(state, private).with(notes)
        }
        Err(Failure::Nothing(error)) => Outcome::failed(notes).with(error),
        Err(Failure::Undecided(mut error)) => {
            // The tenant may be registered although nobody confirmed it. With
            // nothing in the state, who gives up now could never offboard it
            // with Terraform. A tainted object costs one offboarding call,
            // which does no harm where nothing is registered, before the next
            // apply registers again.
            error.detail.push_str(
                "\n\nThe registration is kept in the state as tainted: the next apply offboards \
                 it and registers again, and a destroy offboards it.",
            );
            Outcome::saved(state, private).with(notes).with(error)
        }
    }
}

/// Whether the landscape shows the tenant before it is registered: because
/// this object replaces it, with `create_before_destroy`, or because somebody
/// registered it by hand.
///
/// A create that Ctrl-C ends must not be kept then. Beside it the state would
/// keep the old object, which is the same tenant, and the next apply would
/// offboard it. Without it the old object is the current one again, as true as
/// before.
async fn was_there(provider: &Configured, context: &client::Context, state: &Model) -> bool {
    // What there is to say of the landscape is said after registering.
    if !may_look(provider, state, &mut Diagnostics::new()) {
        return false;
    }
    // Whichever id the configuration gives, what counts here is the tenant.
    let sight = look(provider, context, state, Given::default()).await;
    matches!(sight, Ok(Sight::Seen(_) | Sight::Several(_)))
}

fn interrupted(tenant: &str) -> Diagnostic {
    Diagnostic::error(
        "Registration was interrupted",
        format!(
            "The run was interrupted after the tenant `{tenant}` was registered anew and before \
             it was looked up in the landscape. It was registered before as well, so the state \
             stays as it was.\n\n\
             Run `terraform apply` again."
        ),
    )
}

/// What registering needs.
struct Ready<'a> {
    service: client::OrderManagement<'a>,
    tenant: String,
    scope: Option<String>,
    /// Until when a refusal may be about a destination of before.
    retry_until: Option<Instant>,
}

/// Checks the destination and fetches the token. `expected` is the tenant in
/// the state, if there is one.
async fn prepare<'a>(
    provider: &'a Configured,
    context: &client::Context,
    config: &Model,
    expected: Option<&str>,
    notes: &mut Diagnostics,
) -> Result<Ready<'a>, Diagnostic> {
    let service = provider.require_order_management()?;
    let destination = find_destination(provider, context, config).await?;

    let scope = token_scope(provider, config.scope.as_deref());
    let token = provider
        .client()
        .token(context, KeyKind::OrderManagement, scope.as_deref())
        .await
        .map_err(|error| failed(Call::AuthorizeRegistration, &error))?;
    if let Some(expected) = expected {
        check_tenant(provider, &token, expected, notes)?;
    }
    let tenant = tenant_of(provider, &token, notes);
    if destination.is_some() {
        compare_subaccounts(provider, context, &token, notes).await;
    }
    if !token
        .granted_scopes()
        .iter()
        .any(|scope| scope.ends_with(SCOPE_SUFFIX))
    {
        notes.push(missing_scope());
    }
    Ok(Ready {
        service,
        tenant,
        scope,
        retry_until: destination.as_ref().and_then(cached_until),
    })
}

/// How registering failed.
enum Failure {
    /// Nothing is registered because of us.
    Nothing(Diagnostic),
    /// The answer to the call was lost, and so were those to its repetitions.
    Undecided(Diagnostic),
}

/// Makes the call.
async fn register(context: &client::Context, ready: &Ready<'_>) -> Result<Registered, Failure> {
    ready
        .service
        .register(context, ready.scope.as_deref(), ready.retry_until)
        .await
        .map_err(|error| {
            let diagnostic = failed(Call::Register, &error);
            if is_undecided(&error) {
                Failure::Undecided(diagnostic)
            } else {
                Failure::Nothing(diagnostic)
            }
        })
}

/// Whether SAP may have registered the tenant although no answer says so. An
/// application's own 500 or 503 says that it did not; a gateway's 502 or 504,
/// a broken connection or an end of our time says nothing.
fn is_undecided(error: &Error) -> bool {
    error.may_have_been_processed() && !matches!(error.status(), Some(500 | 503))
}

/// The destination that Order Management will read; `None` where no
/// Destination key is configured.
async fn find_destination(
    provider: &Configured,
    context: &client::Context,
    config: &Model,
) -> Result<Option<Destination>, Diagnostic> {
    let Some(name) = &config.destination_name else {
        return Ok(None);
    };
    if provider.key(KeyKind::Destination) == Key::Absent {
        return Ok(None);
    }
    let found = provider
        .require_destination()?
        .find(context, Level::Subaccount, name)
        .await
        .map_err(|error| failed(Call::FindRegistrationDestination, &error))?;
    match found {
        Some(destination) => Ok(Some(destination)),
        None => Err(Diagnostic::error(
            "Destination to register with does not exist",
            format!(
                "There is no destination `{name}` at subaccount level in the subaccount of \
                 `{}`. Nothing was registered.\n\n\
                 Create it before the registration, best by referring to the resource that makes \
                 it: `destination_name = sapcalm_destination.<name>.name`. Order Management \
                 reads the destination in its own subaccount.",
                attribute(KeyKind::Destination)
            ),
        )
        .at(Path::attribute("destination_name"))),
    }
}

/// Until when Order Management may still see the destination as it was before
/// its last change.
fn cached_until(destination: &Destination) -> Option<Instant> {
    let changed = destination.metadata.modification_time?;
    let age = jiff::Timestamp::now().duration_since(changed);
    // The clocks of two machines differ: an age below zero is none.
    let age = Duration::try_from(age).unwrap_or_default();
    let rest = DESTINATION_CACHE.checked_sub(age)?;
    Instant::now().checked_add(rest)
}

/// Warns where the destination that was found is in another subaccount than
/// the one where Order Management will look for it.
async fn compare_subaccounts(
    provider: &Configured,
    context: &client::Context,
    order_management: &Token,
    notes: &mut Diagnostics,
) {
    let destination = provider
        .client()
        .token(context, KeyKind::Destination, None)
        .await;
    let Ok(destination) = destination else {
        return;
    };
    let (theirs, ours) = (order_management.claims(), destination.claims());
    if theirs.subaccount_id == ours.subaccount_id || theirs.tenant == ours.tenant {
        return;
    }
    if let (Some(theirs), Some(ours)) = (&theirs.subaccount_id, &ours.subaccount_id) {
        notes.push(Diagnostic::warning(
            "Service keys of two subaccounts",
            format!(
                "`{}` is of the subaccount `{ours}` and `{}` of the subaccount `{theirs}`. Order \
                 Management reads the destination in its own subaccount, so the destination that \
                 was found is not the one that it uses.\n\n\
                 Use service keys of the same subaccount.",
                attribute(KeyKind::Destination),
                attribute(KeyKind::OrderManagement)
            ),
        ));
    }
}

/// The scope to ask for; `None` asks for all.
fn token_scope(provider: &Configured, configured: Option<&str>) -> Option<String> {
    match configured {
        Some("") => None,
        Some(scope) => Some(scope.to_owned()),
        None => provider
            .client()
            .config()
            .order_management_key
            .as_ref()
            .and_then(client::OrderManagementKey::default_scope),
    }
}

fn missing_scope() -> Diagnostic {
    Diagnostic::warning(
        "Token may lack the scope for registering",
        format!(
            "None of the scopes that the token service granted ends in `{SCOPE_SUFFIX}`. Order \
             Management decides whether that is enough.\n\n\
             If it refuses, create the service key in `{}` (or `{}`) anew: a key that is older \
             than the scope may lack it.",
            attribute(KeyKind::OrderManagement),
            variable(KeyKind::OrderManagement)
        ),
    )
}

/// The tenant that a token acts for. A token that does not tell leaves it to
/// the service key, and in the end to the host of the token service, which is
/// different for every tenant.
fn tenant_of(provider: &Configured, token: &Token, notes: &mut Diagnostics) -> String {
    if let Some(tenant) = &token.claims().tenant {
        return tenant.clone();
    }
    warn_about_silent_token(provider, notes);
    let Some(key) = &provider.client().config().order_management_key else {
        return String::new();
    };
    let key = key.oauth();
    key.tenant_id()
        .or(key.subaccount_id())
        .or(key.identity_zone())
        .or(key.token_url().host_str())
        .unwrap_or_default()
        .to_owned()
}

/// Compares whom the token acts for with the tenant in the state. With another
/// one, every call would be about somebody else's registration.
fn check_tenant(
    provider: &Configured,
    token: &Token,
    expected: &str,
    notes: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    match &token.claims().tenant {
        None => warn_about_silent_token(provider, notes),
        Some(actual) if actual.eq_ignore_ascii_case(expected) => {}
        Some(actual) => return Err(other_tenant(expected, actual)),
    }
    Ok(())
}

/// The same with what the service key itself says, for a change that sends
/// nothing and so needs no token.
fn check_key(provider: &Configured, expected: &str) -> Result<(), Diagnostic> {
    let key = &provider.client().config().order_management_key;
    match key.as_ref().and_then(|key| key.oauth().tenant_id()) {
        Some(actual) if !actual.eq_ignore_ascii_case(expected) => {
            Err(other_tenant(expected, actual))
        }
        _ => Ok(()),
    }
}

fn other_tenant(expected: &str, actual: &str) -> Diagnostic {
    Diagnostic::error(
        "Service key of another tenant",
        format!(
            "This registration is of the tenant `{expected}`, but the provider's `{}` acts for \
             the tenant `{actual}`. Nothing was changed at SAP, and the state stays as it \
             is.\n\n\
             Configure the service key of `{expected}` again. To manage another tenant as well, \
             use a second `provider` block with an `alias`.",
            attribute(KeyKind::OrderManagement)
        ),
    )
}

fn warn_about_silent_token(provider: &Configured, notes: &mut Diagnostics) {
    if provider.first_time("order management token without tenant") {
        notes.push(Diagnostic::warning(
            "Token does not tell its tenant",
            format!(
                "The token for `{}` does not say for which tenant it acts, so it cannot be \
                 checked that the service key fits the state.",
                attribute(KeyKind::OrderManagement)
            ),
        ));
    }
}

/// Fills in what follows from the tenant and the configuration.
fn settle(state: &mut Model, tenant: &str, given: Given) {
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
}

// ------------------------------------------------------------- landscape

/// What the landscape shows of a tenant.
enum Sight {
    /// One object, with this id.
    Seen(String),
    /// The landscape answered, and shows none.
    Absent,
    /// Several objects could be it.
    Several(Vec<String>),
}

/// Whether the landscape is to be asked, and if not, whether that is worth a
/// warning.
fn may_look(provider: &Configured, state: &Model, notes: &mut Diagnostics) -> bool {
    match provider.key(KeyKind::CloudAlm) {
        _ if state.verify == Some(false) => false,
        Key::Known => true,
        Key::Unknown => {
            let consequence = "The registration was not looked up in the landscape.";
            notes.push(provider.unknown_key_warning(KeyKind::CloudAlm, consequence));
            false
        }
        Key::Absent if state.verify == Some(true) => {
            notes.push(
                Diagnostic::warning(
                    "Registration cannot be verified",
                    format!(
                        "`verify` is on, and the provider has no Cloud ALM service key to look \
                         into the landscape with.\n\n\
                         Set `{}` in the `provider \"sapcalm\"` block, or the environment \
                         variable `{}`, or remove `verify`.",
                        attribute(KeyKind::CloudAlm),
                        variable(KeyKind::CloudAlm)
                    ),
                )
                .at(Path::attribute("verify")),
            );
            false
        }
        Key::Absent => false,
    }
}

/// Looks for the tenant: by its landscape id where there is one. An id that
/// the configuration does not insist on may have changed, so then, and without
/// one, by the tenant.
async fn look(
    provider: &Configured,
    context: &client::Context,
    state: &Model,
    given: Given,
) -> Result<Sight, Diagnostic> {
    let landscape = provider.require_landscape()?;
    let soften = |error: Error| failed_softly(Call::ReadLandscape, &error);
    if let Some(id) = &state.lms_id {
        let query = LandscapeQuery::lms_id(id);
        let objects = landscape.objects(context, &query).await.map_err(soften)?;
        // The service may not know the filter and send everything.
        if objects.iter().any(|object| object.lms_id() == Some(id)) {
            return Ok(Sight::Seen(id.clone()));
        }
        if given.any() {
            return Ok(Sight::Absent);
        }
    }
    let Some(tenant) = &state.tenant_id else {
        return Ok(Sight::Absent);
    };
    let query = LandscapeQuery::cloud_services();
    let objects = landscape.objects(context, &query).await.map_err(soften)?;
    let mut ids: Vec<String> = objects
        .iter()
        .filter_map(client::LandscapeObject::lms_id)
        .filter(|id| environment_in(id, tenant).is_some())
        .map(str::to_owned)
        .collect();
    ids.sort();
    ids.dedup();
    Ok(match ids.as_slice() {
        [] => Sight::Absent,
        [id] => Sight::Seen(id.clone()),
        _ => Sight::Several(ids),
    })
}

/// Writes down an object that was seen.
fn note_seen(state: &mut Model, id: String, given: Given) {
    state.status = Some(Status::Registered);
    if !given.environment {
        let tenant = state.tenant_id.as_deref().unwrap_or_default();
        state.environment = environment_in(&id, tenant);
    }
    state.lms_id = Some(id);
}

/// Writes down that the landscape leaves a choice which is not ours.
fn note_several(state: &mut Model, ids: &[String], notes: &mut Diagnostics) {
    state.lms_id = None;
    state.environment = None;
    notes.push(
        Diagnostic::warning(
            "Several landscape objects match",
            format!(
                "The landscape of Cloud ALM shows the tenant as {}. `lms_id` stays null, and \
                 the status is not looked up.\n\n\
                 Set `lms_id` or `environment` to the right one.",
                ids.iter()
                    .map(|id| format!("`{id}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        )
        .at(Path::attribute("lms_id")),
    );
}

/// How long to wait for the landscape; none is one look.
fn verify_timeout(config: &Model) -> Duration {
    let text = config.verify_timeout.as_deref();
    text.and_then(|text| duration::parse(text).ok())
        .unwrap_or_default()
}

/// After registering: waits for the tenant to show up in the landscape. What
/// happens here is at most a warning.
async fn verify(
    provider: &Configured,
    context: &client::Context,
    state: &mut Model,
    given: Given,
    wait: Duration,
    notes: &mut Diagnostics,
) {
    if !may_look(provider, state, notes) {
        return;
    }
    let end = Instant::now()
        .checked_add(wait)
        .map_or(context.deadline, |end| end.min(context.deadline));
    let mut pause = provider.client().config().retry.base_delay * 2;
    loop {
        match look(provider, context, state, given).await {
            Ok(Sight::Seen(id)) => return note_seen(state, id, given),
            Ok(Sight::Several(ids)) => return note_several(state, &ids, notes),
            Ok(Sight::Absent) => {}
            Err(mut warning) => {
                warning
                    .detail
                    .push_str("\n\nThe registration itself was accepted.");
                return notes.push(warning);
            }
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || !pause_for(context, pause.min(left)).await {
            break;
        }
        pause = (pause * 2).clamp(Duration::from_millis(1), LONGEST_WAIT);
    }
    if !wait.is_zero() || state.verify == Some(true) {
        notes.push(Diagnostic::warning(
            "Registration is not in the landscape yet",
            "Order Management accepted the registration, and the landscape of Cloud ALM does not \
             show the tenant so far. How long that takes is not documented; for other services \
             SAP says up to an hour. Until then `status` is `accepted`.\n\n\
             Run `terraform plan` later: `status` is `registered` then. If it stays `accepted`, \
             check the destination that Order Management reads.",
        ));
    }
}

/// Waits, unless the operation is cancelled meanwhile.
async fn pause_for(context: &client::Context, duration: Duration) -> bool {
    tokio::select! {
        () = context.cancel.cancelled() => false,
        () = tokio::time::sleep(duration) => true,
    }
}

// ------------------------------------------------------------------ read

/// Looks the tenant up in the landscape. Never ends with the object gone.
async fn read(
    provider: &Configured,
    context: &client::Context,
    request: ReadRequest<Model>,
) -> Outcome<Model> {
    let ReadRequest { mut state, private } = request;
    let mut notes = Diagnostics::new();
    if let Err(diagnostic) = read_into(provider, context, &mut state, &private, &mut notes).await {
        notes.push(diagnostic);
    }
    Outcome::saved(state, private).with(notes)
}

async fn read_into(
    provider: &Configured,
    context: &client::Context,
    state: &mut Model,
    private: &Private,
    notes: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let kind = KeyKind::OrderManagement;
    match provider.key(kind) {
        Key::Known => {}
        Key::Unknown => {
            let consequence = "The registration was not read; its state is the one of before.";
            notes.push(provider.unknown_key_warning(kind, consequence));
            return Ok(());
        }
        Key::Absent => {
            notes.push(Diagnostic::warning(
                "Registration was not read",
                format!(
                    "The provider has no Order Management service key, so the state of the \
                     registration is the one of before.\n\n\
                     Set `{}` in the `provider \"sapcalm\"` block, or the environment variable \
                     `{}`.",
                    attribute(kind),
                    variable(kind)
                ),
            ));
            return Ok(());
        }
    }
    let Some(tenant) = state.tenant_id.clone() else {
        return Ok(());
    };
    // Without a scope: a scope in the state that is not granted any more must
    // not stand in the way of a plan that corrects it.
    let token = provider.client().token(context, kind, None).await;
    let token = token.map_err(|error| failed(Call::AuthorizeRegistration, &error))?;
    check_tenant(provider, &token, &tenant, notes)?;

    if !may_look(provider, state, notes) {
        return Ok(());
    }
    let given = Given::read(private);
    match look(provider, context, state, given).await {
        Ok(Sight::Seen(id)) => note_seen(state, id, given),
        Ok(Sight::Several(ids)) => note_several(state, &ids, notes),
        // Only what was seen before can be missing; otherwise it is not there
        // yet, as far as we can tell.
        Ok(Sight::Absent) if state.status == Some(Status::Registered) => {
            state.status = Some(Status::Missing);
        }
        Ok(Sight::Absent) if state.status.is_none() => notes.push(unconfirmed(&tenant)),
        Ok(Sight::Absent) => {}
        Err(mut warning) => {
            warning
                .detail
                .push_str("\n\nThe status of the registration is the one of before.");
            notes.push(warning);
        }
    }
    Ok(())
}

fn unconfirmed(tenant: &str) -> Diagnostic {
    Diagnostic::warning(
        "Registration is not confirmed",
        format!(
            "The registration of the tenant `{tenant}` was imported, or the call that registers \
             it was interrupted, and the landscape of Cloud ALM does not show it. It may be late, \
             or nothing is registered.\n\n\
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
) -> Outcome<Model> {
    let UpdateRequest {
        config,
        planned: mut state,
        prior,
        mut private,
        decision: (),
    } = request;
    let mut notes = Diagnostics::new();
    let given = Given::of(&config);
    given.write(&mut private);
    let tenant = prior.tenant_id.clone().unwrap_or_default();
    if let Err(error) = check_key(provider, &tenant) {
        return Outcome::failed(error);
    }
    let moved = state.status.is_none() && (prior.status.is_some() || state.lms_id != prior.lms_id);

    if prior.status == Some(Status::Missing) {
        // The planned values: a change of the configuration may be ignored.
        let ready = prepare(provider, context, &state, Some(&tenant), &mut notes).await;
        let ready = match ready {
            Ok(ready) => ready,
            Err(error) => return Outcome::failed(notes).with(error),
        };
        match register(context, &ready).await {
            Ok(answer) => {
                state.status = Some(Status::Accepted);
                state.message = answer.message;
            }
            // The state still says `missing`, so the next apply tries again,
            // and delete offboards in any case.
            Err(Failure::Nothing(error) | Failure::Undecided(error)) => {
                return Outcome::failed(notes).with(error);
            }
        }
        settle(&mut state, &tenant, given);
        let wait = verify_timeout(&state);
        verify(provider, context, &mut state, given, wait, &mut notes).await;
    } else if moved {
        settle(&mut state, &tenant, given);
        look_again(provider, context, &mut state, &prior, given, &mut notes).await;
    }
    Outcome::saved(state, private).with(notes)
}

/// Looks up the tenant under its new landscape id, or finds out that id.
async fn look_again(
    provider: &Configured,
    context: &client::Context,
    state: &mut Model,
    prior: &Model,
    given: Given,
    notes: &mut Diagnostics,
) {
    // It was not seen under this id so far.
    state.status = prior.status.and(Some(Status::Accepted));
    if !may_look(provider, state, notes) {
        return;
    }
    match look(provider, context, state, given).await {
        Ok(Sight::Seen(id)) => note_seen(state, id, given),
        Ok(Sight::Several(ids)) => note_several(state, &ids, notes),
        Ok(Sight::Absent) => {}
        Err(warning) => {
            state.status = prior.status;
            notes.push(warning);
        }
    }
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
    if provider.was_created_here(TYPE_NAME, tenant) {
        notes.push(kept_for_successor(tenant));
        return Ok(notes);
    }
    let service = provider.require_order_management()?;
    let (scope, token) = offboarding_token(provider, context, prior).await?;
    check_tenant(provider, &token, tenant, &mut notes)?;
    match service.offboard(context, scope.as_deref()).await {
        Ok(_) => Ok(notes),
        Err(error) if is_not_found(&error) && confirmed_absent(provider, context, prior).await => {
            Ok(notes)
        }
        Err(error) => Err(failed(Call::Offboard, &error)),
    }
}

/// A token for offboarding. A scope that is not granted any more cannot be
/// corrected for an object that has left the configuration, so without it the
/// token has all scopes that there are.
async fn offboarding_token(
    provider: &Configured,
    context: &client::Context,
    prior: &Model,
) -> Result<(Option<String>, std::sync::Arc<Token>), Diagnostic> {
    let kind = KeyKind::OrderManagement;
    let scope = token_scope(provider, prior.scope.as_deref());
    let client = provider.client();
    match client.token(context, kind, scope.as_deref()).await {
        Ok(token) => Ok((scope, token)),
        Err(error) if matches!(error.token_refusal(), Some(Refusal::InvalidScope { .. })) => {
            let token = client.token(context, kind, None).await;
            token
                .map(|token| (None, token))
                .map_err(|error| failed(Call::AuthorizeRegistration, &error))
        }
        Err(error) => Err(failed(Call::AuthorizeRegistration, &error)),
    }
}

/// A 404 of the service itself, not of a router or a proxy before it.
fn is_not_found(error: &Error) -> bool {
    *error.kind() == ErrorKind::Status && error.status() == Some(404)
}

/// Whether the landscape confirms that nothing is registered. It cannot for a
/// tenant whose registration Order Management confirmed and that was never
/// seen: there the landscape may just be late, and a wrong path answers 404 as
/// well.
async fn confirmed_absent(provider: &Configured, context: &client::Context, prior: &Model) -> bool {
    if provider.key(KeyKind::CloudAlm) != Key::Known || prior.status == Some(Status::Accepted) {
        return false;
    }
    // Whichever id the configuration gave, what counts here is the tenant.
    let sight = look(provider, context, prior, Given::default()).await;
    matches!(sight, Ok(Sight::Absent))
}

fn kept_for_successor(tenant: &str) -> Diagnostic {
    Diagnostic::warning(
        "Tenant was not offboarded",
        format!(
            "The tenant `{tenant}` was registered anew in this run before this older object was \
             to be deleted (`create_before_destroy`, which a resource inherits from those that \
             depend on it). Offboarding would have undone that, so only the state was \
             changed.\n\n\
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::config;
    use super::*;
    use framework::plan::{Change, Planned, plan};

    const TENANT: &str = "11111111-2222-4333-8444-555555555555";

    fn text(text: &str) -> Value {
        Value::string(text)
    }

    /// An object of the resource with these attributes, the others null.
    fn object<const N: usize>(given: [(&str, Value); N]) -> Value {
        let mut object: BTreeMap<String, Value> = SCHEMA
            .attributes
            .iter()
            .map(|attribute| (attribute.name.to_owned(), Value::Null))
            .collect();
        for (name, value) in given {
            assert!(object.insert(name.to_owned(), value).is_some(), "{name}");
        }
        Value::Object(object)
    }

    fn with<const N: usize>(object: &Value, changes: [(&str, Value); N]) -> Value {
        let mut entries = object.entries().unwrap().clone();
        for (name, value) in changes {
            entries.insert(name.to_owned(), value);
        }
        Value::Object(entries)
    }

    fn configuration() -> Value {
        object([("destination_name", text("CloudALM"))])
    }

    /// The state of a registration that was seen in the landscape.
    fn registered() -> Value {
        object([
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
        config::read(&Value::Null, &environment, "").0.unwrap()
    }

    fn planned(config: &Value, prior: &Value, given: Given) -> Planned {
        let mut private = Private::default();
        given.write(&mut private);
        let change = Change {
            config: config.clone(),
            prior: prior.clone(),
            private,
        };
        let planned = plan(&Registration, Some(&provider(true)), change);
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
        Given {
            lms_id: true,
            environment: false,
        }
        .write(&mut private);
        let change = Change {
            config: configuration(),
            prior: registered(),
            private,
        };
        let planned = plan(&Registration, Some(&provider(false)), change);
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

    #[test]
    fn environment_and_landscape_id_that_contradict_each_other_are_refused() {
        let both = |id: &str| {
            with(
                &configuration(),
                [("environment", text("prod")), ("lms_id", text(id))],
            )
        };
        assert!(
            Registration
                .validate(&both(&lms_id("prod", TENANT)))
                .is_empty()
        );
        assert!(
            Registration
                .validate(&both(&lms_id("test", TENANT)))
                .has_errors()
        );
        let unknown = with(
            &configuration(),
            [("environment", Value::Unknown), ("lms_id", text("x"))],
        );
        assert!(Registration.validate(&unknown).is_empty());
    }

    #[test]
    fn the_environment_is_what_stands_between_prefix_and_tenant() {
        let found = |id: &str| environment_in(id, TENANT);
        assert_eq!(found(&lms_id("prod", TENANT)), Some("prod".to_owned()));
        assert_eq!(found(&lms_id("eu_10", TENANT)), Some("eu_10".to_owned()));
        assert_eq!(
            found(&lms_id("prod", &TENANT.to_uppercase())),
            Some("prod".to_owned())
        );
        assert_eq!(found(&format!("CO_{TENANT}")), None);
        assert_eq!(found(&format!("CO__{TENANT}")), None);
        assert_eq!(found(&format!("XX_prod_{TENANT}")), None);
        assert_eq!(found("CO_prod_other"), None);
        assert_eq!(found("CO_ü"), None);
    }

    #[test]
    fn import_takes_the_tenant_by_id_and_by_identity() {
        let by_id = import(ImportRequest::Id(format!(" {TENANT}\n"))).unwrap();
        let values = [("tenant_id".to_owned(), TENANT.to_owned())];
        let by_identity = import(ImportRequest::Identity(values.into())).unwrap();
        for stub in [by_id, by_identity] {
            assert_eq!(stub.id.as_deref(), Some(TENANT));
            let identity = Resource::identity(&Registration, &stub);
            assert_eq!(identity, [("tenant_id", Some(TENANT.to_owned()))]);
        }
    }

    #[test]
    fn import_explains_what_an_id_looks_like() {
        let landscape = lms_id("prod", TENANT);
        for id in ["", " ", "subaccount/CloudALM", "a,b", &landscape] {
            let error = import(ImportRequest::Id(id.to_owned())).unwrap_err();
            assert!(error.has_errors(), "{id}");
        }
    }
}
