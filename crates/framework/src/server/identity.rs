//! The identity of an object as a message: made from its state, because both
//! say which object it is.

use std::collections::BTreeMap;

use super::convert;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::proto::tfplugin6::ResourceIdentityData;
use crate::schema::IdentitySchema;
use crate::value::Value;

/// The texts of an identity by name; what is not known is missing.
pub(super) type Texts = BTreeMap<String, String>;

/// Reads an identity; nothing where there is none, as in a state that was
/// written before Terraform knew identities.
pub(super) fn decode(
    schema: &IdentitySchema,
    field: &str,
    identity: Option<&ResourceIdentityData>,
) -> Result<Texts, Diagnostics> {
    match identity.and_then(|identity| identity.identity_data.as_ref()) {
        Some(data) => {
            let identity = convert::decode(&schema.object_type(), field, Some(data))?;
            Ok(of_object(schema, &identity))
        }
        None => Ok(Texts::new()),
    }
}

/// The identity that a state says, and an identity itself: the texts by their names,
/// and numbers as texts.
pub(super) fn of_object(schema: &IdentitySchema, object: &Value) -> Texts {
    let attributes = schema.attributes().iter();
    attributes
        .filter_map(|attribute| {
            let text = match object.find(attribute.name)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((attribute.name.to_owned(), text))
        })
        .collect()
}

/// Writes an identity; nothing where nothing of it is known.
pub(super) fn encode(
    schema: &IdentitySchema,
    texts: &Texts,
) -> Result<Option<ResourceIdentityData>, Diagnostics> {
    if texts.is_empty() {
        return Ok(None);
    }
    let attributes = schema.attributes().iter();
    let entries = attributes.map(|attribute| {
        let text = texts.get(attribute.name).cloned();
        let value = text.map_or(Value::Null, Value::String);
        (attribute.name.to_owned(), value)
    });
    let identity = Value::Object(entries.collect());
    Ok(Some(ResourceIdentityData {
        identity_data: Some(convert::encode(&schema.object_type(), &identity)?),
    }))
}

/// What is wrong with an identity that contradicts the one before. What was not
/// known before may become known.
pub(super) fn contradiction(before: &Texts, now: &Texts) -> Option<Diagnostic> {
    let mut before = before.iter();
    let (name, _) = before.find(|(name, text)| now.get(*name).is_some_and(|now| now != *text))?;
    Some(Diagnostic::error(
        "Provider changed the identity of an object",
        format!(
            "The `{name}` in the identity of this object is not what it was before, which would \
             make it another object. This is a bug in the provider: report it."
        ),
    ))
}
