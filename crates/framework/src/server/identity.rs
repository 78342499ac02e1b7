//! The identity of an object as a message: made from its state, because both
//! say which object it is.

use std::collections::BTreeMap;

use super::convert;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::proto::tfplugin6::ResourceIdentityData;
use crate::resource::DynResource;
use crate::schema::IdentitySchema;
use crate::value::Value;
use crate::wire::json::{self, Leniency};

/// The texts of an identity by name; what is not known is missing.
pub(super) type Texts = BTreeMap<String, String>;

/// Reads an identity; nothing where there is none, as in a state that was
/// written before Terraform knew identities.
pub(super) fn decode(
    schema: &IdentitySchema,
    field: &str,
    identity: Option<&ResourceIdentityData>,
) -> Result<Texts, Diagnostics> {
    let Some(data) = identity.and_then(|identity| identity.identity_data.as_ref()) else {
        return Ok(Texts::new());
    };
    Ok(texts(convert::decode(
        &schema.object_type(),
        field,
        Some(data),
    )?))
}

/// Reads an identity as it lies in a state file.
pub(super) fn from_json(schema: &IdentitySchema, stored: &[u8]) -> Result<Texts, String> {
    json::decode(&schema.object_type(), stored, Leniency::Lenient)
        .map(texts)
        .map_err(|error| error.to_string())
}

/// The known texts of an identity.
fn texts(identity: Value) -> Texts {
    let Value::Object(entries) = identity else {
        return Texts::new();
    };
    let known = entries.into_iter().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    });
    known.collect()
}

/// The identity that a state says.
pub(super) fn of_state<P>(
    resource: &dyn DynResource<P>,
    state: &Value,
) -> Result<Texts, Diagnostics> {
    let identity = resource.identity(state)?.into_iter();
    Ok(identity
        .filter_map(|(name, text)| Some((name.to_owned(), text?)))
        .collect())
}

/// Writes an identity; nothing where nothing of it is known.
pub(super) fn encode(
    schema: &IdentitySchema,
    texts: &Texts,
) -> Result<Option<ResourceIdentityData>, Diagnostics> {
    let attributes = schema.attributes().iter();
    let entries: BTreeMap<_, _> = attributes
        .map(|attribute| {
            let text = texts.get(attribute.name).cloned();
            (
                attribute.name.to_owned(),
                text.map_or(Value::Null, Value::String),
            )
        })
        .collect();
    if entries.values().all(Value::is_null) {
        return Ok(None);
    }
    let identity_data = convert::encode(&schema.object_type(), &Value::Object(entries))?;
    Ok(Some(ResourceIdentityData {
        identity_data: Some(identity_data),
    }))
}

/// Refuses an identity that contradicts the one before. What was not known
/// before may become known.
pub(super) fn unchanged(before: &Texts, now: &Texts) -> Result<(), Diagnostics> {
    let changed = before
        .iter()
        .find(|(name, text)| now.get(*name).is_some_and(|now| now != *text));
    match changed {
        None => Ok(()),
        Some((name, _)) => Err(Diagnostic::error(
            "Provider changed the identity of an object",
            format!(
                "The `{name}` in the identity of this object is not what it was before, which \
                 would make it another object. This is a bug in the provider: report it."
            ),
        )
        .into()),
    }
}
