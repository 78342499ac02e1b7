//! Which object of the Destination service: by level and name, inside of a
//! subaccount and a service instance. The attributes that say so, the id, and
//! how an import names an object.

use std::collections::BTreeMap;

use super::super::attributes::shown;
use client::Level;
use framework::diagnostics::Diagnostic;
use framework::resource::ImportRequest;
use framework::schema::{Absent, Attribute, IdentitySchema, Replace};
use framework::validators::{Validator, wrong_line};
use framework::value::Value;

/// The level that most services read.
pub(crate) const DEFAULT_LEVEL: &str = "subaccount";

/// `level` of an object that belongs to one service instance.
pub(crate) const INSTANCE_LEVEL: &str = "instance";

/// The rule for a level.
pub(crate) const LEVELS: &[Validator] = &[Validator::OneOf(&[DEFAULT_LEVEL, INSTANCE_LEVEL])];

/// The attribute `level`, to be described.
pub(crate) const LEVEL: Attribute = Attribute::string("level")
    .default(DEFAULT_LEVEL)
    .replace(Replace::Always)
    .validate(LEVELS);

/// The attribute `adopt_existing`, to be described.
pub(crate) const ADOPT_EXISTING: Attribute =
    Attribute::bool("adopt_existing").when_absent(Absent::Bool(false));

/// The attribute `id`.
pub(crate) const ID: Attribute =
    shown("id", "`<level>/<name>`, which is also the import id.").keep_prior();

/// The attribute `subaccount_id`.
pub(crate) const SUBACCOUNT_ID: Attribute = shown(
    "subaccount_id",
    "Id of the subaccount, as the token of the Destination service key says.",
);

/// The attribute `instance_id`.
pub(crate) const INSTANCE_ID: Attribute = shown(
    "instance_id",
    "Id of the service instance, for the level `instance`; else null.",
);

/// The identity.
pub(crate) static IDENTITY: IdentitySchema = IdentitySchema::new(&[
    Attribute::string("subaccount_id").describe(
        "Id of the subaccount. An import that names it fails when the Destination \
                      service key belongs to another one.",
    ),
    Attribute::string("level").describe("`subaccount` (when left out) or `instance`."),
    Attribute::string("instance_id")
        .describe("Id of the service instance, for the level `instance`."),
    Attribute::string("name").required().describe("Its name."),
]);

/// What makes a name impossible: it would not survive in a request, or is too
/// long. `noun` is what has the name.
pub(crate) fn check_name(name: &Value, noun: &str, longest: usize) -> Result<(), String> {
    let name = name.as_str().unwrap_or_default();
    let length = name.chars().count();
    if length > longest {
        return Err(format!(
            "This name has {length} characters, and {longest} are allowed. Shorten it."
        ));
    }
    if let Some(wrong) = wrong_line(name) {
        return Err(format!(
            "The name of the {noun} {wrong}. Write it as SAP tells it."
        ));
    }
    if matches!(name, "" | "." | "..") || name.contains('/') {
        return Err(format!(
            "The name of a {noun} cannot be empty, `.` or `..`, and cannot contain `/`. Choose \
             another one."
        ));
    }
    Ok(())
}

/// The level that a configuration or state names.
pub(crate) fn level_of(name: Option<&str>) -> Level {
    name.and_then(Level::from_name).unwrap_or(Level::Subaccount)
}

/// `<level>/<name>`.
pub(crate) fn id_of(level: &str, name: &str) -> String {
    format!("{level}/{name}")
}

/// An object as an import names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ImportId {
    /// Where it is said.
    pub(crate) subaccount_id: Option<String>,
    /// Where it is said, at the level `instance`.
    pub(crate) instance_id: Option<String>,
    /// Its level.
    pub(crate) level: Level,
    /// Its name, at least one character.
    pub(crate) name: String,
}

impl ImportId {
    /// An object that somebody names; nothing when the level does not exist or
    /// the name is empty.
    pub(crate) fn new(
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

    /// An object as an import names it. `what` is its kind and `example` a name
    /// of one, for messages.
    pub(crate) fn of(
        request: ImportRequest,
        what: &str,
        example: &str,
    ) -> Result<Self, Diagnostic> {
        match request {
            ImportRequest::Id(id) => Self::of_text(&id, what, example),
            ImportRequest::Identity(identity) => Self::of_identity(&identity, what, example),
        }
    }

    /// `<level>/<name>` or `<subaccount_id>/<level>/<name>`.
    fn of_text(id: &str, what: &str, example: &str) -> Result<Self, Diagnostic> {
        let parts: Vec<&str> = id.split('/').collect();
        let found = match parts[..] {
            [level, name] => Self::new(None, None, level, name),
            [subaccount, level, name] => Self::new(Some(subaccount), None, level, name),
            [name] if name.contains(',') => return Err(comma_id(name, what)),
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
    fn of_identity(
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

/// SAP's provider for BTP names objects as
/// `<subaccount_id>,<name>[,<service_instance_id>]`.
fn comma_id(id: &str, what: &str) -> Diagnostic {
    let (subaccount, rest) = id.split_once(',').unwrap_or((id, ""));
    let (name, instance) = rest.split_once(',').unwrap_or((rest, ""));
    let level = match instance {
        "" => DEFAULT_LEVEL,
        _ => INSTANCE_LEVEL,
    };
    Diagnostic::error(
        "Unusable import id",
        format!(
            "`{id}` has commas, as the ids of SAP's provider for BTP. Use \
             `{subaccount}/{level}/{name}` for the {what} `{name}`."
        ),
    )
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

/// The `import` block for an object that is there already.
pub(crate) fn import_block(type_name: &str, id: &str) -> String {
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
            "s-1,a",
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
    fn the_id_of_another_provider_is_translated() {
        for (id, ours) in [
            ("s-1,a", "`s-1/subaccount/a`"),
            ("s-1,a,", "`s-1/subaccount/a`"),
            ("s-1,a,i-1", "`s-1/instance/a`"),
        ] {
            let error = ImportId::of_text(id, "destination", "CloudALM").unwrap_err();
            assert!(error.detail.contains(ours), "{}", error.detail);
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
