//! Which object of the Destination service, and whose.
//!
//! Destinations and certificates are named alike: by level and name, inside
//! the subaccount and the service instance that the token acts for. The same
//! name elsewhere is another object, so nothing is called before the owner in
//! the state was compared with the one of the token.

use std::collections::BTreeMap;

use super::configured::Configured;
use super::destination_schema::{DEFAULT_LEVEL, INSTANCE_LEVEL};
use client::{Level, TokenClaims};
use framework::diagnostics::{Diagnostic, Diagnostics};

/// An object as an import names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImportId {
    /// Where it is said.
    pub(super) subaccount_id: Option<String>,
    /// Where it is said, at the level `instance`.
    pub(super) instance_id: Option<String>,
    /// Its level.
    pub(super) level: Level,
    /// Its name, at least one character.
    pub(super) name: String,
}

impl ImportId {
    /// An object that somebody names; nothing when the level does not exist or
    /// the name is empty.
    pub(super) fn new(
        subaccount_id: Option<&str>,
        instance_id: Option<&str>,
        level: &str,
        name: &str,
    ) -> Option<Self> {
        let filled = |text: &&str| !text.is_empty();
        let level = Level::from_name(level)?;
        let instance_id = instance_id.filter(|_| level == Level::Instance);
        Some(Self {
            subaccount_id: subaccount_id.filter(filled).map(str::to_owned),
            instance_id: instance_id.filter(filled).map(str::to_owned),
            level,
            name: Some(name).filter(filled)?.to_owned(),
        })
    }

    /// `<level>/<name>` or `<subaccount_id>/<level>/<name>`. `what` is the
    /// object and `example` a name of one, for messages.
    pub(super) fn of_text(id: &str, what: &str, example: &str) -> Result<Self, Diagnostic> {
        let parts: Vec<&str> = id.split('/').collect();
        let found = match parts[..] {
            [level, name] => Self::new(None, None, level, name),
            [subaccount, level, name] => Self::new(Some(subaccount), None, level, name),
            [name] if !name.is_empty() => {
                return Err(Diagnostic::error(
                    "Unusable import id",
                    format!(
                        "`{name}` does not say on which level the {what} lives, and the same \
                         name can exist on both.\n\nUse `{DEFAULT_LEVEL}/{name}` or \
                         `{INSTANCE_LEVEL}/{name}`."
                    ),
                ));
            }
            _ => None,
        };
        found.ok_or_else(|| unusable_id(what, example))
    }

    /// The known values of an identity by name.
    pub(super) fn of_identity(
        identity: &BTreeMap<String, String>,
        what: &str,
        example: &str,
    ) -> Result<Self, Diagnostic> {
        let text = |name: &str| identity.get(name).map(String::as_str);
        let level = text("level").filter(|level| !level.is_empty());
        Self::new(
            text("subaccount_id"),
            text("instance_id"),
            level.unwrap_or(DEFAULT_LEVEL),
            text("name").unwrap_or_default(),
        )
        .ok_or_else(|| unusable_id(what, example))
    }
}

fn unusable_id(what: &str, example: &str) -> Diagnostic {
    Diagnostic::error(
        "Unusable import id",
        format!(
            "The import id of a {what} is `<level>/<name>` or `<subaccount_id>/<level>/<name>`; \
             the level is `{DEFAULT_LEVEL}` or `{INSTANCE_LEVEL}`. Example: \
             `{DEFAULT_LEVEL}/{example}`."
        ),
    )
}

/// The id with its owner, as subaccount, service instance and id: the same id
/// elsewhere is another object.
pub(super) fn owned_id(parts: [&Option<String>; 3]) -> String {
    parts
        .map(|part| part.as_deref().unwrap_or_default())
        .join("/")
}

/// Why an object is not deleted: with `create_before_destroy` the new one can
/// be the old one, because create took it over, or made it anew under the same
/// name. `object` is such as a destination with its id.
pub(super) fn replaced_in_place(object: &str) -> String {
    format!(
        "The {object} was created in this same run, so the one to delete is the one to keep. \
         Nothing was deleted at SAP. This is what `create_before_destroy` means for two objects \
         of one name."
    )
}

/// The `import` block for an object that is there already.
pub(super) fn import_block(type_name: &str, id: &str) -> String {
    format!(
        "import {{\n  to = {type_name}.<name>\n  id = \"{}\"\n}}",
        quoted(id)
    )
}

/// Inside a quoted text of the configuration language.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "$${")
        .replace("%{", "%%{")
}

/// Whom the token acts for, as far as it says.
pub(super) struct Owner {
    pub(super) subaccount_id: Option<String>,
    /// For the level `instance` only.
    pub(super) instance_id: Option<String>,
    /// The warning when the token says nothing.
    pub(super) diagnostics: Diagnostics,
}

/// Whom the token acts for; an error when that is not whom the state belongs
/// to. `object` is what the state is about, such as a destination with its id;
/// `expected` is subaccount and service instance of the state.
pub(super) fn check_owner(
    provider: &Configured,
    claims: &TokenClaims,
    level: Level,
    object: &str,
    expected: [&Option<String>; 2],
) -> Result<Owner, Diagnostic> {
    let at_instance = level == Level::Instance;
    let owner = Owner {
        subaccount_id: claims.subaccount_id.clone(),
        instance_id: claims.instance_id.clone().filter(|_| at_instance),
        diagnostics: silent_token(provider, claims.subaccount_id.is_none()),
    };
    let [subaccount, instance] = expected;
    let pairs = [
        ("subaccount", subaccount, &owner.subaccount_id),
        ("service instance", instance, &owner.instance_id),
    ];
    for (what, expected, actual) in pairs {
        if let (Some(expected), Some(actual)) = (expected, actual)
            && expected != actual
        {
            return Err(wrong_owner(object, what, expected, actual));
        }
    }
    Ok(owner)
}

fn wrong_owner(object: &str, what: &str, expected: &str, actual: &str) -> Diagnostic {
    let summary = match what {
        "subaccount" => "Service key of another subaccount",
        _ => "Service key of another service instance",
    };
    Diagnostic::error(
        summary,
        format!(
            "The {object} belongs to the {what} `{expected}`, but the provider's \
             `destination_service_key` acts for the {what} `{actual}`. Nothing was read or \
             changed.\n\n\
             Give the provider the key it had before. To manage the {kind} of the other {what} \
             instead, remove this one from the state (`removed` block or `terraform state rm`) \
             and import the other.",
            kind = object.split(' ').next().unwrap_or(object),
        ),
    )
}

fn silent_token(provider: &Configured, is_silent: bool) -> Diagnostics {
    if is_silent && provider.first_time("token without subaccount") {
        return Diagnostic::warning(
            "Unknown subaccount",
            "The token of the Destination service key does not say for which subaccount it \
             acts. It cannot be checked that the key belongs to the objects in the state.",
        )
        .into();
    }
    Diagnostics::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(id: &str) -> Option<(Option<String>, &'static str, String)> {
        let found = ImportId::of_text(id, "destination", "CloudALM").ok()?;
        Some((found.subaccount_id, found.level.as_str(), found.name))
    }

    #[test]
    fn an_import_id_says_level_and_name() {
        let name = || "a.b c".to_owned();
        assert_eq!(
            parsed("subaccount/a.b c"),
            Some((None, "subaccount", name()))
        );
        assert_eq!(
            parsed("s-1/instance/a.b c"),
            Some((Some("s-1".to_owned()), "instance", name()))
        );
        for wrong in [
            "",
            "a",
            "/a",
            "subaccount/",
            "elsewhere/a",
            "a/b/c/d",
            "Subaccount/a",
        ] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_identity_needs_no_level() {
        let identity = |entries: &[(&str, &str)]| {
            let entries = entries.iter();
            let identity = entries.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            ImportId::of_identity(&identity.collect(), "destination", "CloudALM")
        };
        let found = identity(&[("name", "a"), ("instance_id", "i")]).unwrap();
        assert_eq!((found.level, found.instance_id), (Level::Subaccount, None));
        let found = identity(&[("name", "a"), ("level", "instance"), ("instance_id", "i")]);
        assert_eq!(found.unwrap().instance_id.as_deref(), Some("i"));
        assert!(identity(&[("level", "instance")]).is_err());
    }

    #[test]
    fn the_import_block_quotes_its_id() {
        let block = import_block("sapcalm_destination", r#"subaccount/a"${b}"#);
        assert!(block.contains(r#"id = "subaccount/a\"$${b}""#), "{block}");
    }
}
