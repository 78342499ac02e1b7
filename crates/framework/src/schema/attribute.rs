//! One attribute of a schema: its name, its type, and what holds for its value.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::timeouts;
use crate::validators::Validator;

/// The type of an attribute, and of its values on the wire.
///
/// Terraform's `dynamic` and `tuple` are missing on purpose: what no schema can
/// declare, no schema can get wrong.
#[derive(Debug, Clone, Copy)]
pub enum AttributeType {
    /// Text, normalised to NFC by Terraform.
    String,
    /// `true` or `false`.
    Bool,
    /// A decimal number of any precision.
    Number,
    /// A list: of simple values, or, where the attribute is computed, of
    /// objects.
    List(&'static AttributeType),
    /// A set of simple values.
    Set(&'static AttributeType),
    /// A map: of simple values, or, where the attribute is computed, of
    /// objects.
    Map(&'static AttributeType),
    /// A single nested object with attributes of its own.
    Object(&'static [Attribute]),
}

impl AttributeType {
    /// The type in Terraform's JSON notation, such as `["list","string"]`,
    /// as the protocol's schema messages carry it.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::String => json!("string"),
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Object(attributes) => {
                let attributes: BTreeMap<_, _> = attributes
                    .iter()
                    .map(|attribute| (attribute.name, attribute.kind.to_json()))
                    .collect();
                json!(["object", attributes])
            }
        }
    }

    /// What a practitioner calls a value of this type, with its article.
    pub(crate) const fn noun(&self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Bool => "a bool",
            Self::Number => "a number",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
        }
    }

    /// The attributes inside it: of the object itself, or of the objects in a
    /// list or map.
    pub const fn nested(&self) -> Option<&'static [Attribute]> {
        match self {
            Self::Object(attributes)
            | Self::List(Self::Object(attributes))
            | Self::Map(Self::Object(attributes)) => Some(attributes),
            _ => None,
        }
    }
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

/// What counts where nobody gives a value. Unlike a [default](Attribute::default)
/// it is no value: null stays null in plan and state, so that an import plans
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// This text.
    Text(&'static str),
    /// This boolean.
    Bool(bool),
    /// This whole number.
    Number(u64),
    /// These whole numbers.
    Numbers(&'static [u16]),
    /// This duration.
    Duration(Duration),
    /// Whatever these words say, for the documentation; they end with a full
    /// stop.
    Words(&'static str),
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
#[derive(Debug, Clone, Copy)]
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
    /// The text when the configuration leaves it out.
    pub default: Option<&'static str>,
    /// What counts where nobody gives a value and there is no `default`. An
    /// optional attribute without it stands for nothing then.
    pub absent: Option<Absent>,
    /// The environment variable that counts where the configuration gives no
    /// value; for attributes of the `provider` block.
    pub variable: Option<&'static str>,
    /// Rules for a known value.
    pub validators: &'static [Validator],
    /// The values that the service documents, where it may accept others.
    pub known_values: &'static [&'static str],
    /// Attributes beside it that must not have a value at the same time. Only
    /// one side of a pair names the other.
    pub conflicts_with: &'static [&'static str],
    /// Whether a change replaces the object.
    pub replace: Replace,
    /// A computed value that keeps its prior value in a plan, because it never
    /// changes after create.
    pub keep_prior: bool,
    /// Why not to use it any more, and what to use instead.
    pub deprecation: Option<&'static str>,
}

impl Attribute {
    pub(crate) const fn new(name: &'static str, kind: AttributeType) -> Self {
        Self {
            name,
            kind,
            mode: Mode::Optional,
            sensitive: false,
            write_only: false,
            description: "",
            default: None,
            absent: None,
            variable: None,
            validators: &[],
            known_values: &[],
            conflicts_with: &[],
            replace: Replace::Never,
            keep_prior: false,
            deprecation: None,
        }
    }

    /// An optional text attribute.
    pub const fn string(name: &'static str) -> Self {
        Self::new(name, AttributeType::String)
    }

    /// An optional boolean attribute.
    pub const fn bool(name: &'static str) -> Self {
        Self::new(name, AttributeType::Bool)
    }

    /// An optional number attribute.
    pub const fn number(name: &'static str) -> Self {
        Self::new(name, AttributeType::Number)
    }

    /// An optional list attribute.
    pub const fn list(name: &'static str, element: &'static AttributeType) -> Self {
        Self::new(name, AttributeType::List(element))
    }

    /// An optional set attribute.
    pub const fn set(name: &'static str, element: &'static AttributeType) -> Self {
        Self::new(name, AttributeType::Set(element))
    }

    /// An optional map attribute.
    pub const fn map(name: &'static str, element: &'static AttributeType) -> Self {
        Self::new(name, AttributeType::Map(element))
    }

    /// An optional nested object.
    pub const fn object(name: &'static str, attributes: &'static [Attribute]) -> Self {
        Self::new(name, AttributeType::Object(attributes))
    }

    /// The `timeouts` object by Terraform's convention. Its attributes are the
    /// operations that the object has: [`Attribute::create_timeout`] and so
    /// on.
    pub const fn timeouts(operations: &'static [Attribute]) -> Self {
        Self::object("timeouts", operations)
            .describe("How long operations may take, retries included.")
    }

    /// The `create` key of [`Attribute::timeouts`].
    pub const fn create_timeout() -> Self {
        Self::timeout("create", "How long creating may take.")
    }

    /// The `read` key of [`Attribute::timeouts`].
    pub const fn read_timeout() -> Self {
        Self::timeout("read", "How long reading may take.")
    }

    /// The `open` key of [`Attribute::timeouts`].
    pub const fn open_timeout() -> Self {
        Self::timeout("open", "How long opening may take.")
    }

    /// The `update` key of [`Attribute::timeouts`].
    pub const fn update_timeout() -> Self {
        Self::timeout("update", "How long updating may take.")
    }

    /// The `delete` key of [`Attribute::timeouts`].
    pub const fn delete_timeout() -> Self {
        Self::timeout(
            "delete",
            "How long deleting may take. A destroy takes the value from the state, so apply a \
             new one first.",
        )
    }

    /// A key of [`Attribute::timeouts`] for another operation, such as `invoke`.
    pub const fn timeout(operation: &'static str, description: &'static str) -> Self {
        Self::string(operation)
            .validate(&[Validator::Timeout])
            .when_absent(Absent::Duration(timeouts::DEFAULT))
            .describe(description)
    }

    /// The configuration must give the value.
    pub const fn required(mut self) -> Self {
        self.mode = Mode::Required;
        self
    }

    /// The provider gives the value.
    pub const fn computed(mut self) -> Self {
        self.mode = Mode::Computed;
        self
    }

    /// The configuration may give the value, else the provider does.
    pub const fn optional_computed(mut self) -> Self {
        self.mode = Mode::OptionalComputed;
        self
    }

    /// Terraform hides the value.
    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// The value is never stored.
    pub const fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// The description, in Markdown.
    pub const fn describe(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// The text when the configuration leaves it out; makes the attribute
    /// optional and computed, as Terraform demands.
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self.mode = Mode::OptionalComputed;
        self
    }

    /// What counts where nobody gives a value.
    pub const fn when_absent(mut self, absent: Absent) -> Self {
        self.absent = Some(absent);
        self
    }

    /// The environment variable beside it.
    pub const fn variable(mut self, name: &'static str) -> Self {
        self.variable = Some(name);
        self
    }

    /// The values that the service documents, where it may accept others.
    pub const fn known_values(mut self, values: &'static [&'static str]) -> Self {
        self.known_values = values;
        self
    }

    /// Attributes beside it that must not have a value at the same time.
    pub const fn conflicts_with(mut self, others: &'static [&'static str]) -> Self {
        self.conflicts_with = others;
        self
    }

    /// Rules for a known value.
    pub const fn validate(mut self, validators: &'static [Validator]) -> Self {
        self.validators = validators;
        self
    }

    /// When a change replaces the object.
    pub const fn replace(mut self, replace: Replace) -> Self {
        self.replace = replace;
        self
    }

    /// A computed value that never changes after create.
    pub const fn keep_prior(mut self) -> Self {
        self.keep_prior = true;
        self
    }

    /// Why not to use it any more.
    pub const fn deprecated(mut self, instead: &'static str) -> Self {
        self.deprecation = Some(instead);
        self
    }
}

/// Attributes and more of them, such as what a data source asks for and what
/// it shares with another one. `N` is the number of both.
///
/// # Panics
/// When it is not: at compile time, as a schema is a static.
pub const fn joined<const N: usize>(first: &[Attribute], second: &[Attribute]) -> [Attribute; N] {
    assert!(
        first.len() + second.len() == N,
        "the number is that of both"
    );
    let mut all = [first[0]; N];
    let mut i = 1;
    while i < N {
        all[i] = if i < first.len() {
            first[i]
        } else {
            second[i - first.len()]
        };
        i += 1;
    }
    all
}

/// The attribute of that name.
pub(crate) fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name == name)
}
