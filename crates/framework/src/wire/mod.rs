//! Values as bytes: the schema-directed codecs of Terraform's two wire forms.
//!
//! Both work from an [`AttributeType`]: what the type does not allow is an error that
//! names the attribute and never quotes a value. Neither of them knows the
//! plugin protocol's messages; picking the form and wrapping the bytes is the
//! server's business.

pub mod json;
pub mod msgpack;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::path::Step;
use super::schema::AttributeType;
use super::value_error::ValueError;

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;

impl ValueError {
    fn mismatch(expected: &AttributeType) -> Self {
        Self::new(format!(
            "This must be {}, and the data holds something else.",
            expected.noun()
        ))
    }

    fn missing(attribute: &str) -> Self {
        Self::new("The data lacks this attribute.").within(attribute_step(attribute))
    }

    fn unexpected(key: &str) -> Self {
        // Anything can be in a key; only what looks like a name is shown.
        let is_name = key.len() <= 64
            && key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if is_name {
            Self::new(format!(
                "The data has the attribute `{key}`, and the schema does not."
            ))
        } else {
            Self::unexpected_key()
        }
    }

    /// Where a damaged length can make a key of a secret value.
    fn unexpected_key() -> Self {
        Self::new("The data has an attribute that the schema does not have.")
    }

    fn repeated() -> Self {
        Self::new("The data has the same key twice.")
    }

    fn too_deep() -> Self {
        Self::new(format!(
            "The data is nested more than {MAX_DEPTH} levels deep."
        ))
    }
}

fn attribute_step(name: &str) -> Step {
    Step::Attribute(Cow::Owned(name.to_owned()))
}

/// The text in Unicode normalisation form C, the only one that Terraform
/// compares and stores.
pub(super) fn normalised(text: &str) -> String {
    if text.is_ascii() {
        text.to_owned()
    } else {
        text.nfc().collect()
    }
}

#[cfg(test)]
mod samples;
