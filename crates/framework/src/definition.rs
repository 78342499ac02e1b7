//! What everything has in common that Terraform knows by a type name: the name,
//! the schema, and the rules of its own.

use super::diagnostics::Diagnostics;
use super::schema::rules::{contains, is_name, must};
use super::schema::{Attribute, Mode, Replace, Schema};
use super::value::Value;

/// What Terraform calls something that a provider offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The `provider` block.
    Provider,
    /// A `resource` block: a managed resource.
    Resource,
    /// A `data` block.
    DataSource,
    /// An `ephemeral` block.
    EphemeralResource,
    /// The `config` block of a `list` block.
    ListResource,
    /// The `config` block of an `action` block.
    Action,
    /// A function.
    Function,
}

impl Kind {
    /// What messages call it.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Resource => "resource",
            Self::DataSource => "data source",
            Self::EphemeralResource => "ephemeral resource",
            Self::ListResource => "list resource",
            Self::Action => "action",
            Self::Function => "function",
        }
    }
}

/// The static facts of anything that has a schema.
#[derive(Debug)]
pub struct Definition {
    kind: Kind,
    /// Full type name, such as `acme_thing`. A list resource has the name of
    /// the managed resource whose objects it finds.
    pub type_name: &'static str,
    /// Its schema.
    pub schema: &'static Schema,
}

impl Definition {
    /// The facts of something whose schema has nothing that its kind cannot
    /// have: only a managed resource has, for example, defaults.
    ///
    /// ```compile_fail,E0080
    /// use framework::definition::{Definition, Kind};
    /// use framework::schema::{Attribute, Schema};
    ///
    /// static SECRETS: Schema = Schema::new(0, "Secrets.", &[
    ///     Attribute::string("secret_wo").write_only().describe("A secret."),
    /// ]);
    /// static BAD: Definition = Definition::new(Kind::DataSource, "acme_secrets", &SECRETS);
    /// ```
    ///
    /// # Panics
    /// Where it does: at compile time, as a definition is a static.
    pub const fn new(kind: Kind, type_name: &'static str, schema: &'static Schema) -> Self {
        check(kind, type_name, schema);
        Self {
            kind,
            type_name,
            schema,
        }
    }

    /// What Terraform calls it.
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

/// What its author says about anything that has a schema.
pub trait Described {
    /// The static facts.
    fn definition(&self) -> &'static Definition;

    /// Rules that look at more than one attribute. Values can be unknown; a
    /// rule about an unknown value is left out, it is asked again later.
    fn validate(&self, config: &Value) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }
}

/// Names that Terraform gives a meaning of its own in every block. In a `config`
/// block every name is free.
const RESERVED: &[&str] = &["count", "depends_on", "for_each", "lifecycle", "locals"];

/// The same in a `provider` block alone.
const RESERVED_IN_PROVIDER: &[&str] = &["alias", "source", "version"];

/// The same in a `resource`, `data` or `ephemeral` block.
const RESERVED_IN_RESOURCE: &[&str] = &["connection", "provider", "provisioner"];

/// Checks what a kind asks of its schema.
const fn check(kind: Kind, type_name: &str, schema: &Schema) {
    must(
        is_name(type_name),
        type_name,
        "a type is named in snake_case",
    );
    let reserved = match kind {
        Kind::Provider => [RESERVED, RESERVED_IN_PROVIDER],
        Kind::Resource | Kind::DataSource | Kind::EphemeralResource => {
            [RESERVED, RESERVED_IN_RESOURCE]
        }
        Kind::ListResource | Kind::Action | Kind::Function => [&[] as &[&str]; 2],
    };
    let mut rest = schema.attributes;
    while let [attribute, others @ ..] = rest {
        let name = attribute.name;
        let is_free = !contains(reserved[0], name) && !contains(reserved[1], name);
        must(is_free, name, "Terraform reserves this name");
        rest = others;
    }
    check_attributes(kind, schema.attributes);
    must(
        schema.version == 0 || matches!(kind, Kind::Resource),
        type_name,
        "what is not stored has no versions",
    );
}

/// Only a managed resource is planned, and only what has a result computes one.
const fn check_attributes(kind: Kind, attributes: &[Attribute]) {
    let is_managed = matches!(kind, Kind::Resource);
    let has_result = !matches!(kind, Kind::Provider | Kind::ListResource | Kind::Action);
    let mut rest = attributes;
    while let [attribute, others @ ..] = rest {
        let name = attribute.name;
        must(
            is_managed || !attribute.write_only,
            name,
            "only a managed resource has write-only attributes",
        );
        must(
            is_managed || attribute.default.is_none(),
            name,
            "only a managed resource has defaults",
        );
        let is_kept = attribute.keep_prior || !matches!(attribute.replace, Replace::Never);
        must(
            is_managed || !is_kept,
            name,
            "only a managed resource has something to replace or to keep",
        );
        must(
            has_result || matches!(attribute.mode, Mode::Required | Mode::Optional),
            name,
            "nothing is computed where there is only a configuration",
        );
        must(
            attribute.variable.is_none() || matches!(kind, Kind::Provider),
            name,
            "only the provider reads environment variables",
        );
        if let Some(inner) = attribute.kind.nested() {
            check_attributes(kind, inner);
        }
        rest = others;
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    const KINDS: [Kind; 6] = [
        Kind::Provider,
        Kind::Resource,
        Kind::DataSource,
        Kind::EphemeralResource,
        Kind::ListResource,
        Kind::Action,
    ];

    /// The kinds that refuse the attribute.
    fn refusing(attribute: Attribute, version: i64, expected: &str) -> Vec<Kind> {
        let attributes: &'static [Attribute] = Box::leak(Box::new([attribute.describe("A.")]));
        let schema = Schema::new(version, "A thing.", attributes);
        let refused = |kind: &Kind| {
            let checked = catch_unwind(|| check(*kind, "acme_thing", &schema));
            let Err(panic) = checked else {
                return false;
            };
            let text = *panic.downcast::<String>().unwrap();
            assert!(text.contains(expected), "{text}");
            assert!(
                text.contains("`thing`") || text.contains("`acme_thing`"),
                "{text}"
            );
            true
        };
        KINDS.into_iter().filter(refused).collect()
    }

    #[test]
    fn every_kind_refuses_what_it_cannot_have() {
        use Kind::{Action, DataSource, EphemeralResource, ListResource, Provider, Resource};
        static INNER: [Attribute; 1] = [Attribute::string("thing").write_only().describe("A.")];
        let thing = || Attribute::string("thing");
        let unmanaged = [
            Provider,
            DataSource,
            EphemeralResource,
            ListResource,
            Action,
        ];
        assert_eq!(refusing(thing(), 0, ""), []);
        let write_only = thing().write_only();
        assert_eq!(refusing(write_only, 0, "write-only attributes"), unmanaged);
        assert_eq!(refusing(thing().default("x"), 0, "has defaults"), unmanaged);
        let replacing = thing().replace(Replace::Always);
        assert_eq!(refusing(replacing, 0, "replace or to keep"), unmanaged);
        assert_eq!(refusing(thing(), 1, "has no versions"), unmanaged);
        let configured = [Provider, ListResource, Action];
        assert_eq!(refusing(thing().computed(), 0, "is computed"), configured);
        let rest = [
            Resource,
            DataSource,
            EphemeralResource,
            ListResource,
            Action,
        ];
        assert_eq!(refusing(thing().variable("X"), 0, "variables"), rest);
        let nested = Attribute::object("outer", &INNER);
        assert_eq!(refusing(nested, 0, "write-only attributes"), unmanaged);
        assert!(catch_unwind(|| check(Resource, "Acme", &Schema::new(0, "A.", &[]))).is_err());
    }

    #[test]
    fn a_name_is_reserved_only_where_terraform_reserves_it() {
        let refusing = |name: &'static str| {
            let attributes: &'static [Attribute] =
                Box::leak(Box::new([Attribute::string(name).describe("A.")]));
            let schema = Schema::new(0, "A thing.", attributes);
            let refused =
                |kind: &Kind| catch_unwind(|| check(*kind, "acme_thing", &schema)).is_err();
            KINDS.into_iter().filter(refused).collect::<Vec<_>>()
        };
        let blocks = [Kind::Resource, Kind::DataSource, Kind::EphemeralResource];
        for name in ["alias", "version", "source"] {
            assert_eq!(refusing(name), [Kind::Provider]);
        }
        for name in ["provider", "connection", "provisioner"] {
            assert_eq!(refusing(name), blocks);
        }
        for name in ["count", "depends_on", "for_each", "lifecycle", "locals"] {
            assert_eq!(refusing(name), [&[Kind::Provider][..], &blocks].concat());
        }
    }
}
