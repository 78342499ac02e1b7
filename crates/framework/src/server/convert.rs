//! Between the protocol's messages and the framework's types: values, paths and
//! diagnostics.

use crate::definition::Kind;
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::path::{Path, Step};
use crate::plan;
use crate::proto::tfplugin6 as proto;
use crate::schema::{AttributeType, Schema};
use crate::value::Value;
use crate::wire::json::{self, Leniency};
use crate::wire::msgpack;

/// Reads an object or null. `field` is the name of the message's field.
pub(super) fn decode(
    expected: &AttributeType,
    field: &str,
    value: Option<&proto::DynamicValue>,
) -> Result<Value, Diagnostics> {
    let Some(value) = value else {
        return Err(malformed(field, "It is missing."));
    };
    match decode_part(expected, field, value)? {
        Value::Unknown => Err(malformed(field, "It is unknown as a whole.")),
        value => Ok(value),
    }
}

/// Reads any value, such as an argument of a function.
pub(super) fn decode_part(
    expected: &AttributeType,
    field: &str,
    value: &proto::DynamicValue,
) -> Result<Value, Diagnostics> {
    let decoded = if !value.msgpack.is_empty() {
        msgpack::decode(expected, &value.msgpack)
    } else if !value.json.is_empty() {
        json::decode(expected, &value.json, Leniency::Strict)
    } else {
        Ok(Value::Null)
    };
    decoded.map_err(|error| {
        // Of the right type, and nobody can work with it.
        if error.unusable {
            let detail = format!("{error} Nothing was changed. Use another value.");
            let unusable = Diagnostic::error("Unusable value", detail);
            unusable.at(error.path).into()
        } else {
            malformed(field, &error.to_string())
        }
    })
}

/// Reads an object that must be there.
pub(super) fn decode_object(
    expected: &AttributeType,
    field: &str,
    value: Option<&proto::DynamicValue>,
) -> Result<Value, Diagnostics> {
    match decode(expected, field, value)? {
        Value::Null => Err(malformed(field, "It is null.")),
        value => Ok(value),
    }
}

/// Reads a configuration of which every part is known.
pub(super) fn decode_known(
    expected: &AttributeType,
    config: Option<&proto::DynamicValue>,
) -> Result<Value, Diagnostics> {
    let config = decode_object(expected, "config", config)?;
    if config.is_wholly_known() {
        Ok(config)
    } else {
        Err(malformed("config", "A value in it is unknown."))
    }
}

/// Reads a state that another schema may have shaped, as it lies in a state file.
pub(super) fn stored(schema: &Schema, state: serde_json::Value) -> Result<Value, String> {
    let mut state = json::decode_value(&schema.object_type(), state, Leniency::Lenient)
        .map_err(|error| error.to_string())?;
    if state.is_null() {
        // Terraform would take it for an object that is gone.
        return Err("It is null.".to_owned());
    }
    plan::null_write_only(schema.attributes, &mut state);
    Ok(state)
}

/// Writes a value; an error is a bug, of the resource that made the value.
pub(super) fn encode(
    expected: &AttributeType,
    value: &Value,
) -> Result<proto::DynamicValue, Diagnostics> {
    let msgpack = msgpack::encode(expected, value).map_err(|error| {
        Diagnostic::error(
            "Provider made a value that does not fit its schema",
            format!("{error} This is a bug in the provider: report it."),
        )
        .at(error.path)
    })?;
    Ok(proto::DynamicValue {
        msgpack,
        json: Vec::new(),
    })
}

/// A request that cannot be understood.
pub(super) fn malformed(field: &str, why: &str) -> Diagnostics {
    Diagnostic::error(
        "Request cannot be read",
        format!(
            "Terraform's request has a field `{field}` that the provider cannot read. {why} \
             Nothing was changed. Terraform and the provider disagree about the schema: run \
             `terraform init -upgrade`, and report a bug in the provider if it stays."
        ),
    )
    .into()
}

/// A name that the provider does not know.
pub(super) fn absent(kind: Kind, name: &str) -> Diagnostics {
    let noun = kind.noun();
    Diagnostic::error(
        "Unknown type or function",
        format!(
            "The provider has no {noun} `{name}`. Check the name, and the version of the \
             provider: a newer one may have it."
        ),
    )
    .into()
}

pub(super) fn diagnostics(diagnostics: Diagnostics) -> Vec<proto::Diagnostic> {
    diagnostics.into_iter().map(diagnostic).collect()
}

/// Bytes of a message: what it quotes can be of any length.
const LONGEST_SUMMARY: usize = 1024;
const LONGEST_DETAIL: usize = 64 * 1024;

/// The one way of a message to Terraform, which prints it as it is: whatever it
/// quotes, no terminal obeys it.
fn diagnostic(diagnostic: Diagnostic) -> proto::Diagnostic {
    use proto::diagnostic::Severity as Wire;
    let severity = match diagnostic.severity {
        Severity::Error => Wire::Error,
        Severity::Warning => Wire::Warning,
    };
    proto::Diagnostic {
        severity: severity.into(),
        summary: foreign::visible_beginning(&diagnostic.summary, LONGEST_SUMMARY),
        detail: foreign::visible_beginning(&diagnostic.detail, LONGEST_DETAIL),
        attribute: diagnostic
            .path
            .filter(|path| !path.steps().is_empty())
            .map(|path| attribute_path(&path)),
    }
}

/// Messages where only text fits.
pub(super) fn details(diagnostics: Vec<proto::Diagnostic>) -> String {
    let details = diagnostics.into_iter().map(|diagnostic| diagnostic.detail);
    details.collect::<Vec<_>>().join("\n")
}

/// An error of a function as Terraform wants it: without the last full stop, which Terraform
/// adds.
pub(super) fn function_error(text: &str, argument: Option<usize>) -> proto::FunctionError {
    proto::FunctionError {
        text: foreign::visible(text.trim_end().trim_end_matches('.')),
        function_argument: argument.and_then(|index| i64::try_from(index).ok()),
    }
}

/// A type as the protocol's schema messages carry it.
pub(super) fn attribute_type(of: &AttributeType) -> Vec<u8> {
    of.to_json().to_string().into_bytes()
}

pub(super) fn attribute_path(path: &Path) -> proto::AttributePath {
    use proto::attribute_path::step::Selector;
    let steps = path.steps().iter().map(|step| {
        let selector = match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone().into_owned()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => {
                Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX))
            }
        };
        proto::attribute_path::Step {
            selector: Some(selector),
        }
    });
    proto::AttributePath {
        steps: steps.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_carries_what_a_terminal_obeys() {
        for (text, expected) in [
            ("a\u{1b}[31mb", r"a\u{1b}[31mb"),
            (
                "\u{1b}]8;;https://x\u{7}link",
                r"\u{1b}]8;;https://x\u{7}link",
            ),
            ("\u{9b}2J\0\r", r"\u{9b}2J\u{0}\u{d}"),
            ("\u{202e}a\u{2066}b\u{61c}", r"\u{202e}a\u{2066}b\u{61c}"),
            (
                "a\u{200b}\u{ad}\u{feff}b\u{2028}",
                r"a\u{200b}\u{ad}\u{feff}b\u{2028}",
            ),
            ("two\n\n\tlines, ü \u{1f511}", "two\n\n\tlines, ü \u{1f511}"),
        ] {
            let message = Diagnostic::warning(text, text);
            let sent = diagnostics(message.into()).remove(0);
            assert_eq!((&*sent.summary, &*sent.detail), (expected, expected));
        }
    }
}
