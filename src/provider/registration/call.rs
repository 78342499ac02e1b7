//! What comes before a call to Order Management: the destination that it will
//! read, the token, and whose it is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{
    self, Collection as _, Destination, Error, KeyKind, Level, OrderManagementKey, Refusal, Token,
};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;

use super::super::configured::{Configured, Key};
use super::super::diagnostics::{Call, failed};
use super::landscape::visible_from;
use super::schema::Model;

/// End of the scope that registering needs; SAP's documentation names it.
pub(in crate::provider) const SCOPE_SUFFIX: &str = ".IntegrationMonitoring";

/// How long consumers may see an old destination, as SAP documents.
const DESTINATION_CACHE: Duration = Duration::from_mins(5);

/// What registering needs.
pub(super) struct Ready<'a> {
    service: client::OrderManagement<'a>,
    pub(super) tenant: String,
    scope: Option<String>,
    /// Until when a refusal may be about a destination of before.
    changing_until: Option<Instant>,
}

impl Ready<'_> {
    /// Registers, and returns what Order Management answers.
    pub(super) async fn register(
        &self,
        context: &client::Context,
    ) -> Result<Option<String>, Error> {
        let scope = self.scope.as_deref();
        let registered = self.service.register(context, scope, self.changing_until);
        registered.await
    }
}

/// Checks the destination and fetches the token. `expected` is the tenant in the
/// plan or in the state, if there is one.
pub(super) async fn prepare<'a>(
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
    check_token(provider, &token, expected, Call::Register, notes)?;
    let tenant = match expected.or(token.claims.tenant.as_deref()) {
        Some(tenant) => tenant.to_owned(),
        None => return Err(unknown_tenant()),
    };
    if destination.is_some() {
        compare_subaccounts(provider, context, &token, notes).await;
    }
    if !token
        .granted_scopes
        .iter()
        .any(|scope| scope.ends_with(SCOPE_SUFFIX))
    {
        notes.push(missing_scope());
    }
    let changed = destination.and_then(|destination| destination.metadata.modification_time);
    Ok(Ready {
        service,
        tenant,
        scope,
        changing_until: changed
            .and_then(|at| visible_from(provider.client(), at, DESTINATION_CACHE)),
    })
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
                 `destination_service_key`. Nothing was registered.\n\n\
                 Create it before the registration, best by referring to the resource that makes \
                 it: `destination_name = sapcalm_destination.<name>.name`. Order Management \
                 reads the destination in its own subaccount."
            ),
        )
        .at(Path::attribute("destination_name"))),
    }
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
    let (theirs, ours) = (&order_management.claims, &destination.claims);
    if theirs.subaccount_id == ours.subaccount_id || theirs.tenant == ours.tenant {
        return;
    }
    if let (Some(theirs), Some(ours)) = (&theirs.subaccount_id, &ours.subaccount_id) {
        notes.push(Diagnostic::warning(
            "Service keys of two subaccounts",
            format!(
                "`destination_service_key` is of the subaccount `{ours}` and \
                 `order_management_service_key` of the subaccount `{theirs}`. Order Management \
                 reads the destination in its own subaccount, so the destination that was found \
                 is not the one that it uses.\n\n\
                 Use service keys of the same subaccount."
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
            .and_then(OrderManagementKey::default_scope),
    }
}

fn missing_scope() -> Diagnostic {
    Diagnostic::warning(
        "Token may lack the scope for registering",
        format!(
            "None of the scopes that the token service granted ends in `{SCOPE_SUFFIX}`. Order \
             Management decides whether that is enough.\n\n\
             If it refuses, create the service key in `order_management_service_key` (or \
             `SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY`) anew: a key that is older than the scope may \
             lack it."
        ),
    )
}

fn unknown_tenant() -> Diagnostic {
    Diagnostic::error(
        "Tenant is not known",
        "Neither the token nor the service key in `order_management_service_key` says for which \
         tenant it acts, so a registration could not be told from one of another tenant. Nothing \
         was registered.\n\n\
         Create a new service key of Order Management; `tenantid` in it names the tenant.",
    )
}

/// Compares whom the token acts for with the subaccounts that are allowed, and
/// with the tenant in the state, where there is one. With another tenant, every
/// call would be about somebody else's registration.
pub(super) fn check_token(
    provider: &Configured,
    token: &Token,
    expected: Option<&str>,
    call: Call,
    notes: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    provider.check_token(KeyKind::OrderManagement, &token.claims, call)?;
    let Some(expected) = expected else {
        return Ok(());
    };
    match &token.claims.tenant {
        None => warn_about_silent_token(provider, notes),
        Some(actual) if actual.eq_ignore_ascii_case(expected) => {}
        Some(actual) => return Err(other_tenant(expected, actual)),
    }
    Ok(())
}

/// The same with what the service key itself says, for a change that sends
/// nothing and so needs no token.
pub(super) fn check_key(provider: &Configured, expected: &str) -> Result<(), Diagnostic> {
    let key = &provider.client().config().order_management_key;
    match key.as_ref().and_then(|key| key.oauth.tenant_id.as_deref()) {
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
            "This registration is of the tenant `{expected}`, but the provider's \
             `order_management_service_key` acts for the tenant `{actual}`. Nothing was changed \
             at SAP, and the state stays as it is.\n\n\
             Configure the service key of `{expected}` again. To manage another tenant as well, \
             use a second `provider` block with an `alias`."
        ),
    )
}

fn warn_about_silent_token(provider: &Configured, notes: &mut Diagnostics) {
    if provider.first_time("order management token without tenant") {
        notes.push(Diagnostic::warning(
            "Token does not tell its tenant",
            "The token for `order_management_service_key` does not say for which tenant it acts, \
             so it cannot be checked that the service key fits the state.",
        ));
    }
}

/// A token for offboarding. A scope that is not granted any more cannot be
/// corrected for an object that has left the configuration, so without it the
/// token has all scopes that there are.
pub(super) async fn offboarding_token(
    provider: &Configured,
    context: &client::Context,
    prior: &Model,
) -> Result<(Option<String>, Arc<Token>), Diagnostic> {
    let kind = KeyKind::OrderManagement;
    let client = provider.client();
    let mut scope = token_scope(provider, prior.scope.as_deref());
    let mut token = client.token(context, kind, scope.as_deref()).await;
    if let Err(error) = &token
        && matches!(error.token_refusal(), Some(Refusal::InvalidScope { .. }))
    {
        scope = None;
        token = client.token(context, kind, None).await;
    }
    match token {
        Ok(token) => Ok((scope, token)),
        Err(error) => Err(failed(Call::AuthorizeRegistration, &error)),
    }
}
