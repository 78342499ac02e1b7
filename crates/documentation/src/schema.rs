//! The section about the attributes of a schema.

use std::fmt::Write as _;

use framework::client_version;
use framework::documentation;
use framework::path::Path;
use framework::schema::{Attribute, AttributeType, IdentitySchema, Mode};

const ABOUT_WRITE_ONLY: &str =
    "https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments";

/// What the configuration must give, what it may give, and what the provider
/// gives.
const GROUPS: [(&str, &[Mode]); 3] = [
    ("Required", &[Mode::Required]),
    ("Optional", &[Mode::Optional, Mode::OptionalComputed]),
    ("Read-Only", &[Mode::Computed]),
];

/// The attributes of a whole schema.
pub(super) fn section(attributes: &'static [Attribute]) -> String {
    let mut text = String::from("## Schema\n");
    if attributes.is_empty() {
        text.push_str("\nThere is nothing to configure.\n");
    }
    level(&mut text, &Path::root(), attributes);
    text
}

/// One level of attributes, and below it the levels inside it. `parent` is the
/// path of the object around them.
fn level(text: &mut String, parent: &Path, attributes: &'static [Attribute]) {
    for (title, modes) in GROUPS {
        let of_group = |attribute: &&Attribute| modes.contains(&attribute.mode);
        let group: Vec<&Attribute> = attributes.iter().filter(of_group).collect();
        if group.is_empty() {
            continue;
        }
        let _ = match parent.is_root() {
            true => write!(text, "\n### {title}\n\n"),
            false => write!(text, "\n{title}:\n\n"),
        };
        if group.iter().any(|attribute| attribute.write_only) {
            let _ = write!(
                text,
                "> **NOTE**: [Write-only arguments]({ABOUT_WRITE_ONLY}) need {}.\n\n",
                client_version::WRITE_ONLY
            );
        }
        for each in group {
            item(text, parent, each, attributes);
        }
    }
    for attribute in attributes {
        if let Some(inner) = attribute.kind.nested() {
            let path = parent.clone().then(attribute.name);
            let anchor = anchor(&path);
            let _ = write!(
                text,
                "\n<a id=\"{anchor}\"></a>\n### Nested Schema for `{path}`\n"
            );
            level(text, &path, inner);
        }
    }
}

/// The attributes of an object, without groups.
pub(super) fn items(text: &mut String, attributes: &'static [Attribute]) {
    for attribute in attributes {
        item(text, &Path::root(), attribute, attributes);
    }
}

fn item(text: &mut String, parent: &Path, attribute: &Attribute, siblings: &[Attribute]) {
    let mut flags = type_name(&attribute.kind);
    if attribute.sensitive {
        flags.push_str(", Sensitive");
    }
    if attribute.deprecation.is_some() {
        flags.push_str(", Deprecated");
    }
    if attribute.write_only {
        let _ = write!(flags, ", [Write-only]({ABOUT_WRITE_ONLY})");
    }
    let description = documentation::text(attribute, siblings);
    let _ = write!(text, "- `{}` ({flags}) {description}", attribute.name);
    if attribute.kind.nested().is_some() {
        let anchor = anchor(&parent.clone().then(attribute.name));
        let _ = write!(text, " (see [below for nested schema](#{anchor}))");
    }
    text.push('\n');
}

fn anchor(path: &Path) -> String {
    format!("nestedatt--{}", path.to_string().replace('.', "--"))
}

/// The type of an attribute as the documentation names it.
pub(super) fn type_name(kind: &AttributeType) -> String {
    match kind {
        AttributeType::String => "String".to_owned(),
        AttributeType::Bool => "Boolean".to_owned(),
        AttributeType::Number => "Number".to_owned(),
        AttributeType::List(element) => format!("List of {}", type_name(element)),
        AttributeType::Set(element) => format!("Set of {}", type_name(element)),
        AttributeType::Map(element) => format!("Map of {}", type_name(element)),
        AttributeType::Object(_) => "Attributes".to_owned(),
    }
}

/// The attributes of an identity.
pub(super) fn identity(identity: &IdentitySchema) -> String {
    let mut text = String::from("### Identity Schema\n");
    for (title, mode) in [("Required", Mode::Required), ("Optional", Mode::Optional)] {
        let of_group = |attribute: &&Attribute| attribute.mode == mode;
        let group: Vec<_> = identity.attributes().iter().filter(of_group).collect();
        if group.is_empty() {
            continue;
        }
        let _ = write!(text, "\n#### {title}\n\n");
        for attribute in group {
            let _ = writeln!(
                text,
                "- `{}` (String) {}",
                attribute.name, attribute.description
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: &[Attribute] = &[
        Attribute::string("pin")
            .write_only()
            .describe("A number of four digits."),
        Attribute::object("more", &[Attribute::bool("x").describe("An x.")]).describe("More."),
    ];
    const ATTRIBUTES: &[Attribute] = &[
        Attribute::map("tags", &AttributeType::Set(&AttributeType::String)).describe("Its tags."),
        Attribute::string("id").computed().describe("Its id."),
        Attribute::string("name").required().describe("Its name."),
        Attribute::object("login", INNER).describe("How to get in."),
    ];

    #[test]
    fn attributes_stand_in_groups_and_nested_ones_below_with_an_anchor() {
        let write_only = client_version::WRITE_ONLY;
        let expected = format!(
            "## Schema

### Required

- `name` (String) Its name.

### Optional

- `tags` (Map of Set of String) Its tags. Default: none.
- `login` (Attributes) How to get in. (see [below for nested schema](#nestedatt--login))

### Read-Only

- `id` (String) Its id.

<a id=\"nestedatt--login\"></a>
### Nested Schema for `login`

Optional:

> **NOTE**: [Write-only arguments]({ABOUT_WRITE_ONLY}) need {write_only}.

- `pin` (String, [Write-only]({ABOUT_WRITE_ONLY})) A number of four digits. Default: none.
- `more` (Attributes) More. (see [below for nested schema](#nestedatt--login--more))

<a id=\"nestedatt--login--more\"></a>
### Nested Schema for `login.more`

Optional:

- `x` (Boolean) An x. Default: none.
"
        );
        assert_eq!(section(ATTRIBUTES), expected);
    }
}
