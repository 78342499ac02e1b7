//! What an empty `sapcalm_destination` would change of a destination that is
//! there. It is computed as an apply would, and nothing is sent.

use std::collections::BTreeMap;

use client::CloudAlmKey;
use framework::diagnostics::Diagnostic;
use framework::value::Value;

use super::super::configured::Configured;
use super::model::{DEFAULT_NAME, Model};
use super::plan::Decision;
use super::record::Origin;
use super::source::key_values;
use super::vocabulary::{
    CLIENT_CREDENTIALS, CLIENT_SECRET, DEDICATED, HTTP, INTERNET, Known, lookup,
};
use super::write::Wanted;

/// Names of properties, each with whether SAP documents it; the name of
/// another one may be the practitioner's own word.
pub(crate) type Names = BTreeMap<String, bool>;

/// What differs.
pub(crate) struct Differences {
    /// What an apply would write or remove.
    pub(crate) changed: Names,
    /// What nobody manages then.
    pub(crate) unmanaged: Names,
}

/// Compares a destination with the one that is made of the Cloud ALM key, with a
/// form of its URL.
///
/// # Errors
/// An x509 key makes no destination.
pub(crate) fn with_key(
    provider: &Configured,
    key: &CloudAlmKey,
    url_form: Option<&str>,
    found: &client::Destination,
) -> Result<Differences, Diagnostic> {
    // What is not in a map is null.
    let form = url_form.map(|form| ("url_form".to_owned(), Value::string(form)));
    let block = Value::Map(form.into_iter().collect());
    let values = key_values(key, &block)?;
    let text = |text: &str| Some(text.to_owned());
    let planned = Model {
        name: text(DEFAULT_NAME),
        r#type: text(HTTP),
        url: Some(values.url),
        proxy_type: text(INTERNET),
        authentication: text(CLIENT_CREDENTIALS),
        client_id: Some(values.client_id),
        token_service_url: Some(values.token_service_url),
        token_service_url_type: text(DEDICATED),
        ..Model::default()
    };
    let decision = Decision {
        write: BTreeMap::from([(CLIENT_SECRET.to_owned(), Origin::CloudAlmKey)]),
        ..Decision::default()
    };
    let wanted = Wanted::new(provider, &Model::default(), &planned, &decision)?;
    // Where a secret goes is written together with it, also where it is the same.
    let changes = wanted.changes(&found.properties);
    let differs = |key: &&String| {
        let there = found.properties.get(*key);
        changes.get(*key).map(Option::as_ref) != Some(there)
    };
    Ok(Differences {
        changed: changes
            .keys()
            .filter(differs)
            .map(|key| named(key))
            .collect(),
        unmanaged: wanted
            .foreign(&found.properties)
            .iter()
            .map(|key| named(key))
            .collect(),
    })
}

fn named(key: &str) -> (String, bool) {
    let is_documented = !matches!(lookup(key), Known::Unknown);
    (key.to_owned(), is_documented)
}
