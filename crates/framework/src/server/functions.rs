//! The methods about functions: `GetFunctions` and `CallFunction`. Neither
//! needs a configured provider.

use super::rpc::{Outcome, plain};
use super::{Server, convert};
use crate::definition::Kind;
use crate::diagnostics::Diagnostics;
use crate::function::{Definition, DynFunction, FunctionError, Parameter};
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::call_function::{Request, Response};
use crate::provider::Provider;
use crate::value::Value;

/// `GetFunctions`.
pub(super) fn get<P: Provider>(server: &Server<P>) -> proto::get_functions::Response {
    proto::get_functions::Response {
        functions: signatures(server).collect(),
        diagnostics: Vec::new(),
    }
}

/// The signatures of all functions, by name.
pub(super) fn signatures<P: Provider>(
    server: &Server<P>,
) -> impl Iterator<Item = (String, proto::Function)> {
    let functions = server.provider.functions().iter();
    functions.map(|function| {
        let definition = function.definition();
        (definition.name.to_owned(), signature(definition))
    })
}

fn signature(definition: &Definition) -> proto::Function {
    proto::Function {
        parameters: definition.parameters.iter().map(parameter).collect(),
        variadic_parameter: None,
        r#return: Some(proto::function::Return {
            r#type: convert::attribute_type(&definition.returns.kind),
        }),
        summary: definition.summary.to_owned(),
        description: definition.description.to_owned(),
        description_kind: proto::StringKind::Markdown.into(),
        deprecation_message: String::new(),
    }
}

fn parameter(parameter: &Parameter) -> proto::function::Parameter {
    proto::function::Parameter {
        name: parameter.name.to_owned(),
        r#type: convert::attribute_type(&parameter.kind),
        allow_null_value: parameter.allow_null,
        // With an unknown argument Terraform knows the answer: unknown.
        allow_unknown_values: false,
        description: parameter.description.to_owned(),
        description_kind: proto::StringKind::Markdown.into(),
    }
}

/// Calls a function. What it says about an argument is its own kind of error;
/// `Err` is for a request that cannot be understood.
pub(super) fn call<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let function = find(server, &request.name)?;
    let definition = function.definition();
    let arguments = arguments(definition, &request.arguments)?;
    let returned = if arguments.is_wholly_known() {
        function.call(&arguments)
    } else {
        Ok(Value::Unknown)
    };
    plain(match returned {
        Ok(value) => Response {
            result: Some(convert::encode(&definition.returns.kind, &value)?),
            error: None,
        },
        Err(FunctionError { text, argument }) => Response {
            result: None,
            error: Some(convert::function_error(&text, argument)),
        },
    })
}

/// A function has one error of plain text, and no warnings.
pub(super) fn tell(response: &mut Response, diagnostics: Vec<proto::Diagnostic>) {
    if !diagnostics.is_empty() {
        let text = convert::details(diagnostics);
        response.error = Some(convert::function_error(&text, None));
    }
}

/// The arguments by name. Terraform sends as many as the parameters demand,
/// and null only where it is allowed.
fn arguments(definition: &Definition, given: &[proto::DynamicValue]) -> Result<Value, Diagnostics> {
    let parameters = definition.parameters;
    if given.len() != parameters.len() {
        let why = "The function takes another number of arguments.";
        return Err(convert::malformed("arguments", why));
    }
    let values = parameters.iter().zip(given).map(|(parameter, argument)| {
        match convert::decode_part(&parameter.kind, parameter.name, argument)? {
            Value::Null if !parameter.allow_null => {
                Err(convert::malformed(parameter.name, "It is null."))
            }
            value => Ok(value),
        }
    });
    Ok(definition.named(values.collect::<Result<_, _>>()?))
}

fn find<P: Provider>(
    server: &Server<P>,
    name: &str,
) -> Result<&'static dyn DynFunction, Diagnostics> {
    let mut functions = server.provider.functions().iter();
    functions
        .find(|function| function.definition().name == name)
        .copied()
        .ok_or_else(|| convert::absent(Kind::Function, name))
}
