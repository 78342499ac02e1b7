//! What Cloud ALM's landscape shows of a tenant. It is a witness, not a judge:
//! that it cannot be asked, or does not show the tenant, is never an error, and
//! nothing waits for it before the tenant is registered.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use client::{self, Error, KeyKind, LandscapeObject, LandscapeQuery};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;

use super::super::configured::{Configured, Key};
use super::super::diagnostics::{Call, failed_softly};
use super::schema::{Given, Model, Status, environment_in};

/// Longest wait between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What the landscape shows of a tenant.
pub(super) enum Sight {
    /// One object, with this id.
    Seen(String),
    /// The landscape answered, and shows none.
    Absent,
    /// Several objects could be it.
    Several(Vec<String>),
    /// Nobody looked, and nobody asked for it.
    Unasked,
}

/// Looks for the tenant, where there is a key for it: by its landscape id where
/// there is one. An id that the configuration does not insist on may have
/// changed, so then, and without one, by the tenant. The error is a warning.
pub(super) async fn look(
    provider: &Configured,
    context: &client::Context,
    state: &Model,
    given: Given,
) -> Result<Sight, Diagnostic> {
    if !may_look(provider, state)? {
        return Ok(Sight::Unasked);
    }
    match find(provider, context, state, given).await {
        Ok(sight) => Ok(sight),
        // The key that Cloud ALM makes by itself is for pushing.
        Err(error) if error.is_forbidden() && state.verify.is_none() => Ok(Sight::Unasked),
        Err(error) => Err(failed_softly(Call::ReadLandscape, &error)),
    }
}

/// Whether the landscape is to be asked, and if it cannot, whether that is worth
/// a warning.
fn may_look(provider: &Configured, state: &Model) -> Result<bool, Diagnostic> {
    if state.verify == Some(false) {
        return Ok(false);
    }
    let unread = "The registration was not looked up in the landscape.";
    if let Some(warning) = provider.unknown_key(KeyKind::CloudAlm, unread) {
        return Err(warning);
    }
    match provider.key(KeyKind::CloudAlm) {
        Key::Absent if state.verify == Some(true) => Err(Diagnostic::warning(
            "Registration cannot be verified",
            "`verify` is on, and the provider has no Cloud ALM service key to look into the \
             landscape with.\n\n\
             Set `cloud_alm_service_key` in the `provider \"sapcalm\"` block, or the environment \
             variable `SAPCALM_CLOUD_ALM_SERVICE_KEY`, or remove `verify`.",
        )
        .at(Path::attribute("verify"))),
        key => Ok(key == Key::Known),
    }
}

async fn find(
    provider: &Configured,
    context: &client::Context,
    state: &Model,
    given: Given,
) -> Result<Sight, Error> {
    let landscape = provider.client().landscape()?;
    if let Some(id) = &state.lms_id {
        let query = LandscapeQuery::lms_id(id);
        let objects = landscape.objects(context, &query).await?;
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
    let objects = landscape.objects(context, &query).await?;
    Ok(match ids_of(tenant, &objects)[..] {
        [] => Sight::Absent,
        [(id, _)] => Sight::Seen(id.to_owned()),
        ref several => Sight::Several(several.iter().map(|(id, _)| (*id).to_owned()).collect()),
    })
}

/// The ids of a tenant in the landscape, each with its environment.
pub(in crate::provider) fn ids_of<'a>(
    tenant: &str,
    objects: &'a [LandscapeObject],
) -> Vec<(&'a str, String)> {
    let ids = objects.iter().filter_map(LandscapeObject::lms_id);
    let found = ids.filter_map(|id| Some((id, environment_in(id, tenant)?)));
    let found: BTreeSet<_> = found.collect();
    found.into_iter().collect()
}

/// Writes down what was seen.
pub(super) fn note(state: &mut Model, sight: &Sight, given: Given, notes: &mut Diagnostics) {
    match sight {
        Sight::Seen(id) => {
            state.status = Some(Status::Registered);
            if !given.environment {
                let tenant = state.tenant_id.as_deref().unwrap_or_default();
                state.environment = environment_in(id, tenant);
            }
            state.lms_id = Some(id.clone());
        }
        Sight::Several(ids) => {
            state.lms_id = None;
            state.environment = None;
            notes.push(several(ids));
        }
        Sight::Absent | Sight::Unasked => {}
    }
}

/// The choice is not ours.
fn several(ids: &[String]) -> Diagnostic {
    let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    Diagnostic::warning(
        "Several landscape objects match",
        format!(
            "The landscape of Cloud ALM shows the tenant as {}. `lms_id` stays null, and the \
             status is not looked up.\n\n\
             Set `lms_id` or `environment` to the right one.",
            ids.join(", ")
        ),
    )
    .at(Path::attribute("lms_id"))
}

/// After registering: waits for the tenant to show up. What happens here is at
/// most a warning.
pub(super) async fn verify(
    provider: &Configured,
    context: &client::Context,
    state: &mut Model,
    given: Given,
    wait: Duration,
    notes: &mut Diagnostics,
) {
    let client = provider.client();
    let began = client.now();
    let end = began
        .checked_add(wait)
        .map_or(context.deadline, |end| end.min(context.deadline));
    let mut pause = client.config().retry.base_delay * 2;
    loop {
        match look(provider, context, state, given).await {
            Ok(Sight::Absent) => {}
            Ok(sight) => return note(state, &sight, given, notes),
            Err(mut warning) => {
                warning
                    .detail
                    .push_str("\n\nThe registration itself was accepted.");
                return notes.push(warning);
            }
        }
        let left = end.saturating_duration_since(client.now());
        if left.is_zero() || !client.pause(context, pause.min(left)).await {
            break;
        }
        pause = (pause * 2).min(LONGEST_WAIT);
    }
    if !wait.is_zero() || state.verify == Some(true) {
        notes.push(not_yet(client.now().saturating_duration_since(began), wait));
    }
}

fn not_yet(waited: Duration, limit: Duration) -> Diagnostic {
    let waited = if limit.is_zero() {
        "`verify_timeout` makes an apply wait for it".to_owned()
    } else {
        let seconds = waited.as_secs();
        format!("this apply waited {seconds} s for it, and `verify_timeout` ends that")
    };
    Diagnostic::warning(
        "Registration is not in the landscape yet",
        format!(
            "Order Management accepted the registration, and the landscape of Cloud ALM does not \
             show the tenant so far; {waited}. How long that takes is not documented; for other \
             services SAP says up to an hour. Until then `status` is `accepted`.\n\n\
             Run `terraform plan` later: `status` is `registered` then. If it stays `accepted`, \
             check the destination that Order Management reads, and whether access control in \
             Landscape Management hides the tenant from the Cloud ALM service key."
        ),
    )
}

/// When a destination that changed at `changed` is seen by everybody.
pub(super) fn visible_from(
    client: &client::Client,
    changed: jiff::Timestamp,
    cache: Duration,
) -> Option<Instant> {
    // The clocks of two machines differ: an age below zero is none.
    let age = Duration::try_from(client.wall().duration_since(changed)).unwrap_or_default();
    client.now().checked_add(cache.checked_sub(age)?)
}
