//! What a plan becomes at apply: every value decided, every secret at hand.
//!
//! The same decisions as in `destination_plan`, made of known values; what
//! the plan already said must come out again.

use secrecy::{ExposeSecret, SecretString};

use super::configured::{Configured, Key};
use super::destination_body::{SecretsWanted, Unwanted, Wanted};
use super::destination_fallback::{Fallback, KeyValues, key_values, no_key};
use super::destination_properties::{
    HTTP, default_authentication, default_proxy_type, default_token_service_url_type,
};
use super::destination_schema::Model;
use super::destination_secrets::{NoRandomness, Origin, Record, Records};
use client::KeyKind;
use framework::diagnostics::Diagnostic;
use framework::path::Path;

/// A plan with everything decided.
pub(super) struct Settled {
    /// The planned state without unknown values, except for what only the
    /// request tells.
    pub(super) model: Model,
    /// What the destination is to hold.
    pub(super) wanted: Wanted,
}

/// Decides what the plan left open. `prior` is `None` on create.
pub(super) fn settle(
    provider: &Configured,
    config: &Model,
    planned: Model,
    prior: Option<&Model>,
    records: &Records,
    unwanted: Unwanted,
) -> Result<Settled, Diagnostic> {
    let mut model = planned.without_write_only();
    defaults(config, &mut model);
    let from_key = from_key(provider, config)?;
    match &from_key {
        FromKey::Values(values) => take(values, &mut model)?,
        FromKey::NoKey => keep(prior, &mut model)?,
        FromKey::NotUsed => {}
    }
    let secret = match &from_key {
        FromKey::Values(values) => Some(&values.client_secret),
        FromKey::NoKey | FromKey::NotUsed => None,
    };
    let secrets = SecretsWanted::of(config, prior, records, secret);
    Ok(Settled {
        wanted: Wanted::new(&model, unwanted, secrets),
        model,
    })
}

fn defaults(config: &Model, model: &mut Model) {
    let type_ = config.r#type.clone().unwrap_or_else(|| HTTP.to_owned());
    let authentication = config.authentication.clone();
    let authentication =
        authentication.or_else(|| default_authentication(&type_).map(str::to_owned));
    let auth = authentication.as_deref();
    let fill = |slot: &mut Option<String>, default: Option<&str>| {
        if slot.is_none() {
            *slot = default.map(str::to_owned);
        }
    };
    fill(&mut model.proxy_type, default_proxy_type(&type_, auth));
    let token_type = default_token_service_url_type(&type_, auth);
    fill(&mut model.token_service_url_type, token_type);
    fill(&mut model.authentication, auth);
    fill(&mut model.r#type, Some(&type_));
}

/// What the provider's Cloud ALM key says about a known configuration.
enum FromKey {
    Values(Box<KeyValues>),
    NoKey,
    NotUsed,
}

fn from_key(provider: &Configured, config: &Model) -> Result<FromKey, Diagnostic> {
    if Fallback::of_model(config) != Fallback::Everything {
        return Ok(FromKey::NotUsed);
    }
    let key = &provider.client().config().cloud_alm_key;
    match (provider.key(KeyKind::CloudAlm), key) {
        (Key::Unknown, _) => provider.require(KeyKind::CloudAlm).map(|()| FromKey::NoKey),
        (Key::Known, Some(key)) => {
            let values = key_values(key, config.url_form.as_deref())?;
            Ok(FromKey::Values(Box::new(values)))
        }
        _ => Ok(FromKey::NoKey),
    }
}

/// Takes what comes from the key into the model.
fn take(values: &KeyValues, model: &mut Model) -> Result<(), Diagnostic> {
    decide("url", &mut model.url, &values.url)?;
    decide("client_id", &mut model.client_id, &values.client_id)?;
    let token_service_url = &mut model.token_service_url;
    decide(
        "token_service_url",
        token_service_url,
        &values.token_service_url,
    )
}

/// Without a key what is there stays.
fn keep(prior: Option<&Model>, model: &mut Model) -> Result<(), Diagnostic> {
    let prior = prior.ok_or_else(no_key)?;
    let (Some(url), Some(client_id), Some(token_service_url)) =
        (&prior.url, &prior.client_id, &prior.token_service_url)
    else {
        return Err(no_key());
    };
    decide("url", &mut model.url, url)?;
    decide("client_id", &mut model.client_id, client_id)?;
    decide(
        "token_service_url",
        &mut model.token_service_url,
        token_service_url,
    )
}

/// Fills in what the plan left open. A saved plan can have been made with
/// another key: then its URL and this key's secret do not belong together.
fn decide(
    attribute: &'static str,
    planned: &mut Option<String>,
    value: &str,
) -> Result<(), Diagnostic> {
    if planned.get_or_insert_with(|| value.to_owned()) == value {
        return Ok(());
    }
    Err(Diagnostic::error(
        "Cloud ALM service key changed",
        format!(
            "The plan was made with another Cloud ALM service key: `{attribute}` is not what it \
             says now. Nothing was changed. Plan again."
        ),
    )
    .at(Path::attribute(attribute)))
}

/// What to remember once SAP holds everything that is wanted.
pub(super) fn remember(wanted: &SecretsWanted, records: &Records) -> Result<Records, NoRandomness> {
    let mut after = records.clone();
    for key in &wanted.drop {
        after.remove(key);
    }
    for (key, (origin, secret)) in &wanted.set {
        after.insert(key, remembered(*origin, secret, records.get(key))?);
    }
    Ok(after)
}

fn remembered(
    origin: Origin,
    secret: &SecretString,
    before: Option<&Record>,
) -> Result<Record, NoRandomness> {
    let secret = secret.expose_secret();
    match before {
        Some(before) if before.origin == origin && before.confirms(secret) => Ok(before.clone()),
        _ => Record::new(origin, secret),
    }
}
