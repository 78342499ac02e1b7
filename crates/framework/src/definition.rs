//! What everything has in common that Terraform knows by a type name: the name,
//! the schema, and the rules of its own.

use super::diagnostics::Diagnostics;
use super::schema::Schema;
use super::schema_check;
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
    #[must_use]
    pub const fn new(kind: Kind, type_name: &'static str, schema: &'static Schema) -> Self {
        schema_check::check_definition(kind, type_name, schema);
        Self {
            kind,
            type_name,
            schema,
        }
    }

    /// What Terraform calls it.
    #[must_use]
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
