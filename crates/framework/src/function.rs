//! A function of the provider (Terraform 1.8), called in a configuration as
//! `provider::<name>::<function>(…)`. The typed trait that a function implements,
//! and its object-safe twin that the server calls.
//!
//! A function is pure: Terraform calls it in a process that was never
//! configured, and refuses a run in which equal arguments gave different
//! answers. So it gets nothing but its arguments, and asks nobody.
//!
//! Terraform cannot be told that a result is sensitive; it is where an
//! argument is. A function therefore returns nothing secret.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::model;
use super::schema::AttributeType;
use super::schema::rules::{check_object, check_simple, equal, is_name, is_sentence, must};
use super::value::Value;
use super::value_error::ValueError;

/// The signature of a function and what it means.
///
/// A signature that breaks Terraform's rules does not compile:
///
/// ```compile_fail,E0080
/// use framework::function::{Definition, Parameter, Return};
/// use framework::schema::AttributeType;
///
/// static BAD: Definition = Definition::new(
///     "sum",
///     "Adds two numbers.",
///     "Adds them.",
///     &[
///         Parameter::new("a", AttributeType::Number, "The one."),
///         Parameter::new("a", AttributeType::Number, "The other."),
///     ],
///     Return { kind: AttributeType::Number, description: "Their sum." },
/// );
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Definition {
    /// Its name, without the provider's.
    pub name: &'static str,
    /// What it does, in one sentence of plain text.
    pub summary: &'static str,
    /// What it does, in Markdown.
    pub description: &'static str,
    /// What it takes, in this order.
    pub parameters: &'static [Parameter],
    /// What it gives.
    pub returns: Return,
}

impl Definition {
    /// A signature that Terraform accepts.
    ///
    /// # Panics
    /// Where it does not keep them: at compile time, as a definition is a
    /// static.
    pub const fn new(
        name: &'static str,
        summary: &'static str,
        description: &'static str,
        parameters: &'static [Parameter],
        returns: Return,
    ) -> Self {
        let definition = Self {
            name,
            summary,
            description,
            parameters,
            returns,
        };
        check(&definition);
        definition
    }

    /// The arguments by the names of their parameters.
    pub(super) fn named(&self, arguments: Vec<Value>) -> Value {
        let names = self.parameters.iter().map(|parameter| parameter.name);
        Value::Object(names.map(str::to_owned).zip(arguments).collect())
    }
}

/// One parameter of a function.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// `snake_case` name, for the documentation and for error messages.
    pub name: &'static str,
    /// The type of its argument.
    pub kind: AttributeType,
    /// Meaning, in Markdown.
    pub description: &'static str,
    /// Whether null is an argument, too. If not, Terraform itself refuses it.
    pub allow_null: bool,
}

impl Parameter {
    /// A parameter that does not take null.
    pub const fn new(name: &'static str, kind: AttributeType, description: &'static str) -> Self {
        Self {
            name,
            kind,
            description,
            allow_null: false,
        }
    }

    /// The same, and null is an argument, too.
    pub const fn nullable(mut self) -> Self {
        self.allow_null = true;
        self
    }
}

/// What a function gives.
#[derive(Debug, Clone, Copy)]
pub struct Return {
    /// Its type. The attributes of an object are computed.
    pub kind: AttributeType,
    /// Its meaning, in Markdown. Terraform has no place for it; the
    /// documentation has.
    pub description: &'static str,
}

/// Why a function has no result. There are no warnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// What is wrong and what to do. It quotes no argument: an argument can be
    /// a secret.
    pub text: String,
    /// The argument to blame, counted from 0.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// An error that blames one argument.
    pub fn at(argument: usize, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            argument: Some(argument),
        }
    }

    /// A value that fits the signature and not the model is a bug, of the
    /// model.
    fn misfit(error: &ValueError) -> Self {
        Self {
            text: format!(
                "The model of the function does not fit its signature. {error} This is a bug in \
                 the provider: report it."
            ),
            argument: None,
        }
    }
}

/// A function, as its author writes it.
pub trait Function: Send + Sync + 'static {
    /// A struct with a field for every parameter, named like it. Arguments are
    /// known when the function is called.
    type Arguments: DeserializeOwned;
    /// What it returns.
    type Returned: Serialize;

    /// The signature.
    fn definition(&self) -> &'static Definition;

    /// Calls it. Equal arguments always give an equal answer.
    ///
    /// # Errors
    /// What is wrong with the arguments.
    fn call(&self, arguments: Self::Arguments) -> Result<Self::Returned, FunctionError>;
}

/// The object-safe twin of [`Function`], implemented for every function.
pub trait DynFunction: Send + Sync {
    /// The signature.
    fn definition(&self) -> &'static Definition;

    /// See [`Function::call`]. The arguments are those of
    /// [`Definition::named`].
    ///
    /// # Errors
    /// What is wrong with the arguments.
    fn call(&self, arguments: &Value) -> Result<Value, FunctionError>;
}

impl<F: Function> DynFunction for F {
    fn definition(&self) -> &'static Definition {
        Function::definition(self)
    }

    fn call(&self, arguments: &Value) -> Result<Value, FunctionError> {
        let arguments =
            model::from_value(arguments).map_err(|error| FunctionError::misfit(&error))?;
        let returned = Function::call(self, arguments)?;
        let expected = &Function::definition(self).returns.kind;
        model::to_value(&returned, expected).map_err(|error| FunctionError::misfit(&error))
    }
}

/// Checks a signature as a whole.
const fn check(function: &Definition) {
    let name = function.name;
    must(is_name(name), name, "a function is named in snake_case");
    must(
        is_sentence(function.summary) && is_sentence(function.description),
        name,
        "summary and description of a function end with a full stop",
    );
    let mut rest = function.parameters;
    while let [parameter, others @ ..] = rest {
        check_parameter(parameter, others);
        rest = others;
    }
    must(
        is_sentence(function.returns.description),
        name,
        "the description of what a function returns ends with a full stop",
    );
    match &function.returns.kind {
        AttributeType::Object(attributes) => check_object(name, attributes, true, false),
        simple => check_simple(name, simple),
    }
}

/// Checks a parameter, and that none of the others has its name.
const fn check_parameter(parameter: &Parameter, others: &[Parameter]) {
    let name = parameter.name;
    must(is_name(name), name, "a parameter is named in snake_case");
    must(
        is_sentence(parameter.description),
        name,
        "the description of a parameter ends with a full stop",
    );
    let mut rest = others;
    while let [other, others @ ..] = rest {
        must(
            !equal(name, other.name),
            name,
            "two parameters have the same name",
        );
        rest = others;
    }
    check_simple(name, &parameter.kind);
}
