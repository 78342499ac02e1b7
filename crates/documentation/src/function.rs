//! The sections about the signature of a function.

use std::fmt::Write as _;

use super::schema;
use framework::function::{Definition, Parameter};
use framework::schema::AttributeType;

/// Signature, arguments and result.
pub(super) fn sections(definition: &'static Definition) -> String {
    let mut text = String::from("## Signature\n\n```text\n");
    let parameters = definition.parameters.iter();
    let parameters: Vec<String> = parameters.map(in_signature).collect();
    let _ = write!(
        text,
        "{}({}) {}\n```\n\n## Arguments\n\n",
        definition.name,
        parameters.join(", "),
        type_name(&definition.returns.kind)
    );
    if definition.parameters.is_empty() {
        text.push_str("There are none.\n");
    }
    for (index, parameter) in definition.parameters.iter().enumerate() {
        let _ = writeln!(text, "{}. {}", index + 1, argument(parameter));
    }
    let _ = write!(text, "\n## Result\n\n{}\n", definition.returns.description);
    if let AttributeType::Object(attributes) = definition.returns.kind {
        text.push('\n');
        schema::items(&mut text, attributes);
    }
    text
}

fn in_signature(parameter: &Parameter) -> String {
    format!("{} {}", parameter.name, type_name(&parameter.kind))
}

fn argument(parameter: &Parameter) -> String {
    let null = if parameter.allow_null {
        ", Nullable"
    } else {
        ""
    };
    format!(
        "`{}` ({}{null}) {}",
        parameter.name,
        schema::type_name(&parameter.kind),
        parameter.description
    )
}

/// The type as Terraform's language spells it.
fn type_name(kind: &AttributeType) -> String {
    match kind {
        AttributeType::String => "string".to_owned(),
        AttributeType::Bool => "bool".to_owned(),
        AttributeType::Number => "number".to_owned(),
        AttributeType::List(element) => format!("list of {}", type_name(element)),
        AttributeType::Set(element) => format!("set of {}", type_name(element)),
        AttributeType::Map(element) => format!("map of {}", type_name(element)),
        AttributeType::Object(_) => "object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framework::function::Return;
    use framework::schema::Attribute;

    const TEXTS: AttributeType = AttributeType::List(&AttributeType::String);

    static JOIN: Definition = Definition::new(
        "join",
        "Joins texts.",
        "Joins texts with another between them.",
        &[
            Parameter::new("between", AttributeType::String, "What is between.").nullable(),
            Parameter::new("texts", TEXTS, "The texts."),
        ],
        Return {
            kind: AttributeType::Object(&[Attribute::string("text")
                .computed()
                .describe("The whole text.")]),
            description: "What was joined.",
        },
    );

    #[test]
    fn a_function_shows_what_it_takes_and_gives() {
        assert_eq!(
            sections(&JOIN),
            "## Signature

```text
join(between string, texts list of string) object
```

## Arguments

1. `between` (String, Nullable) What is between.
2. `texts` (List of String) The texts.

## Result

What was joined.

- `text` (String) The whole text.
"
        );
    }
}
