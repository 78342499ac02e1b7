//! Schemas as static data, built by `const fn` and checked at compile time.
//!
//! One static serves the protocol server, the validation and the
//! documentation; the order of the attributes is the order of the
//! documentation.

use super::validators::Validator;

/// The schema of a provider, resource or other kind.
#[derive(Debug)]
pub struct Schema {
    /// Version of the state's shape; raised with a state upgrader.
    pub version: i64,
    /// What it is, in Markdown.
    pub description: &'static str,
    /// The attributes, in the order of the documentation.
    pub attributes: &'static [Attribute],
}

/// The type of an attribute as a schema declares it.
#[derive(Debug, Clone, Copy)]
pub enum AttributeType {
    /// Text.
    String,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A list of simple values.
    List(&'static AttributeType),
    /// A set of simple values.
    Set(&'static AttributeType),
    /// A map of simple values.
    Map(&'static AttributeType),
    /// A single nested object with attributes of its own.
    Object(&'static [Attribute]),
}

/// Who gives the value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The configuration must.
    Required,
    /// The configuration may.
    Optional,
    /// The provider does.
    Computed,
    /// The configuration may, else the provider does.
    OptionalComputed,
}

/// The value of an attribute that the configuration leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// Text.
    String(&'static str),
    /// A boolean.
    Bool(bool),
}

/// When a change of an attribute replaces the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Never: it is updated in place.
    Never,
    /// Always.
    Always,
    /// Only when the prior value is not null. An import cannot know every
    /// value; filling such a one in must not destroy the imported object.
    IfPriorKnown,
}

/// One attribute.
#[derive(Debug)]
pub struct Attribute {
    /// `snake_case` name.
    pub name: &'static str,
    /// Its type.
    pub kind: AttributeType,
    /// Who gives the value.
    pub mode: Mode,
    /// Terraform hides the value in its output.
    pub sensitive: bool,
    /// The value is given to apply and never stored (Terraform 1.11).
    pub write_only: bool,
    /// Meaning, unit and whatever is not derived from the other fields, in
    /// Markdown.
    pub description: &'static str,
    /// The value when the configuration leaves it out.
    pub default: Option<DefaultValue>,
    /// Rules for a known value.
    pub validators: &'static [Validator],
    /// Whether a change replaces the object.
    pub replace: Replace,
    /// A computed value that keeps its prior value in a plan, because it never
    /// changes after create.
    pub keep_prior: bool,
    /// Why not to use it any more, and what to use instead.
    pub deprecation: Option<&'static str>,
}

impl Attribute {
    const fn new(name: &'static str, kind: AttributeType) -> Self {
        Self {
            name,
            kind,
            mode: Mode::Optional,
            sensitive: false,
            write_only: false,
            description: "",
            default: None,
            validators: &[],
            replace: Replace::Never,
            keep_prior: false,
            deprecation: None,
        }
    }

    /// An optional text attribute.
    #[must_use]
    pub const fn string(name: &'static str) -> Self {
        Self::new(name, AttributeType::String)
    }

    /// An optional boolean attribute.
    #[must_use]
    pub const fn bool(name: &'static str) -> Self {
        Self::new(name, AttributeType::Bool)
    }

    /// An optional number attribute.
    #[must_use]
    pub const fn number(name: &'static str) -> Self {
        Self::new(name, AttributeType::Number)
    }

    /// An optional list attribute.
    #[must_use]
    pub const fn list(name: &'static str, element: &'static AttributeType) -> Self {
        Self::new(name, AttributeType::List(element))
    }

    /// An optional set attribute.
    #[must_use]
    pub const fn set(name: &'static str, element: &'static AttributeType) -> Self {
        Self::new(name, AttributeType::Set(element))
    }

    /// An optional map attribute.
    #[must_use]
    pub const fn map(name: &'static str, element: &'static AttributeType) -> Self {
        Self::new(name, AttributeType::Map(element))
    }

    /// An optional nested object.
    #[must_use]
    pub const fn object(name: &'static str, attributes: &'static [Attribute]) -> Self {
        Self::new(name, AttributeType::Object(attributes))
    }

    /// The configuration must give the value.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.mode = Mode::Required;
        self
    }

    /// The provider gives the value.
    #[must_use]
    pub const fn computed(mut self) -> Self {
        self.mode = Mode::Computed;
        self
    }

    /// The configuration may give the value, else the provider does.
    #[must_use]
    pub const fn optional_computed(mut self) -> Self {
        self.mode = Mode::OptionalComputed;
        self
    }

    /// Terraform hides the value.
    #[must_use]
    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// The value is never stored.
    #[must_use]
    pub const fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// The description, in Markdown.
    #[must_use]
    pub const fn describe(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// The value when the configuration leaves it out; makes the attribute
    /// optional and computed, as Terraform demands.
    #[must_use]
    pub const fn default(mut self, default: DefaultValue) -> Self {
        self.default = Some(default);
        self.mode = Mode::OptionalComputed;
        self
    }

    /// Rules for a known value.
    #[must_use]
    pub const fn validate(mut self, validators: &'static [Validator]) -> Self {
        self.validators = validators;
        self
    }

    /// When a change replaces the object.
    #[must_use]
    pub const fn replace(mut self, replace: Replace) -> Self {
        self.replace = replace;
        self
    }

    /// A computed value that never changes after create.
    #[must_use]
    pub const fn keep_prior(mut self) -> Self {
        self.keep_prior = true;
        self
    }

    /// Why not to use it any more.
    #[must_use]
    pub const fn deprecated(mut self, instead: &'static str) -> Self {
        self.deprecation = Some(instead);
        self
    }
}

/// The identity of a resource: the immutable facts that name the remote
/// object (Terraform 1.12).
#[derive(Debug)]
pub struct IdentitySchema {
    /// Version of the identity's shape.
    pub version: i64,
    /// Its attributes.
    pub attributes: &'static [IdentityAttribute],
}

/// One text attribute of an identity.
#[derive(Debug)]
pub struct IdentityAttribute {
    /// `snake_case` name.
    pub name: &'static str,
    /// An import must give it; else it may.
    pub required_for_import: bool,
    /// Meaning.
    pub description: &'static str,
}
