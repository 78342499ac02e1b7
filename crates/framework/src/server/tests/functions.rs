//! A function that joins its arguments, called as Terraform calls it.

use serde::{Deserialize, Serialize};

use super::*;
use crate::function::{Definition, Function, FunctionError, Parameter, Return};
use crate::schema::{Attribute, AttributeType};

static JOIN: Definition = Definition::new(
    "join",
    "Joins words.",
    "Joins words in `order`.",
    &[
        Parameter::new("first", AttributeType::String, "The first word."),
        Parameter::new(
            "between",
            AttributeType::String,
            "What is between. Null means a blank.",
        )
        .nullable(),
        Parameter::new("more", AttributeType::String, "One word more.").nullable(),
    ],
    Return {
        kind: AttributeType::Object(&[
            Attribute::string("words").computed().describe("The words."),
            Attribute::number("count")
                .computed()
                .describe("Their number."),
        ]),
        description: "The words and their number.",
    },
);

pub(super) struct Join;

#[derive(Deserialize)]
pub(super) struct Arguments {
    first: String,
    between: Option<String>,
    more: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Joined {
    words: Option<String>,
    count: usize,
}

impl Function for Join {
    type Arguments = Arguments;
    type Returned = Joined;

    fn definition(&self) -> &'static Definition {
        &JOIN
    }

    fn call(&self, arguments: Arguments) -> Result<Joined, FunctionError> {
        let Arguments {
            first,
            between,
            more,
        } = arguments;
        assert!(first != "panic", "call s3cr3t");
        let words: Vec<String> = [first].into_iter().chain(more).collect();
        if let Some(empty) = words.iter().position(String::is_empty) {
            let argument = if empty == 0 { 0 } else { empty + 1 };
            return Err(FunctionError::at(argument, "A word has letters."));
        }
        Ok(Joined {
            words: Some(words.join(between.as_deref().unwrap_or(" "))),
            count: words.len(),
        })
    }
}

async fn call<const N: usize>(arguments: [Value; N]) -> proto::call_function::Response {
    let arguments = arguments.iter().map(|argument| proto::DynamicValue {
        msgpack: msgpack::encode(&AttributeType::String, argument).unwrap(),
        json: Vec::new(),
    });
    let request = proto::call_function::Request {
        name: "join".to_owned(),
        arguments: arguments.collect(),
    };
    Client::unconfigured().call_function(request).await
}

fn returned(response: &proto::call_function::Response) -> Value {
    assert!(response.error.is_none());
    let result = response.result.as_ref().unwrap();
    msgpack::decode(&JOIN.returns.kind, &result.msgpack).unwrap()
}

fn failed(response: &proto::call_function::Response) -> (&str, Option<i64>) {
    assert!(response.result.is_none());
    let error = response.error.as_ref().unwrap();
    assert!(!error.text.contains("s3cr3t"));
    (&error.text, error.function_argument)
}

#[tokio::test]
async fn a_function_is_called_without_a_configured_provider() {
    let joined = returned(&call([text("a"), text("-"), text("b")]).await);
    assert_eq!(joined.get("words"), &text("a-b"));
    let joined = returned(&call([text("a"), Value::Null, Value::Null]).await);
    assert_eq!(joined.get("words"), &text("a"));
}

#[tokio::test]
async fn an_error_names_the_argument_to_blame() {
    let empty = "A word has letters";
    let response = call([text(""), Value::Null, Value::Null]).await;
    assert_eq!(failed(&response), (empty, Some(0)));
    let response = call([text("a"), Value::Null, text("")]).await;
    assert_eq!(failed(&response), (empty, Some(2)));
    let response = call([Value::Null, Value::Null, Value::Null]).await;
    assert!(failed(&response).0.contains("`first`"));
    let few = call([text("a")]).await;
    assert!(failed(&few).0.contains("another number of arguments"));
    let many = call([text("a"), text("b"), text("c"), text("d")]).await;
    assert!(failed(&many).0.contains("another number of arguments"));
    let response = call([text("panic"), Value::Null, Value::Null]).await;
    assert!(failed(&response).0.contains("stopped in the middle"));
}

#[tokio::test]
async fn what_is_not_known_yet_makes_the_result_unknown() {
    let response = call([text("a"), Value::Unknown, Value::Null]).await;
    assert_eq!(returned(&response), Value::Unknown);
}

#[tokio::test]
async fn an_argument_of_another_type_is_refused() {
    let argument = proto::DynamicValue {
        msgpack: msgpack::encode(&AttributeType::Bool, &Value::Bool(true)).unwrap(),
        json: Vec::new(),
    };
    let request = proto::call_function::Request {
        name: "join".to_owned(),
        arguments: vec![argument.clone(), argument.clone(), argument],
    };
    let response = Client::unconfigured().call_function(request).await;
    assert!(failed(&response).0.contains("`first`"));
}

#[tokio::test]
async fn the_signature_says_what_the_static_says() {
    let client = Client::unconfigured();
    let functions = client
        .get_functions(proto::get_functions::Request {})
        .await
        .functions;
    let join = &functions["join"];
    assert_eq!(functions.len(), 1);
    assert_eq!(join.summary, "Joins words.");
    assert_eq!(
        join.r#return.as_ref().unwrap().r#type,
        br#"["object",{"count":"number","words":"string"}]"#
    );
    let names: Vec<_> = join
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p.allow_null_value))
        .collect();
    assert_eq!(names, [("first", false), ("between", true), ("more", true)]);
    assert!(join.variadic_parameter.is_none());
    assert!(join.parameters.iter().all(|p| !p.allow_unknown_values));
    let schema = client
        .get_provider_schema(proto::get_provider_schema::Request {})
        .await;
    assert!(schema.functions["join"] == *join);
    let metadata = client.get_metadata(proto::get_metadata::Request {}).await;
    assert_eq!(metadata.functions[0].name, "join");
}

#[test]
fn a_signature_that_terraform_refuses_is_not_made() {
    static WORD: Parameter = Parameter::new("word", AttributeType::String, "A word.");
    static SHOUT: Parameter = Parameter::new("Word", AttributeType::String, "A word.");
    static MUTE: Parameter = Parameter::new("word", AttributeType::String, "A word");
    static TWICE: [Parameter; 2] = [WORD, WORD];
    static BADLY: [Parameter; 1] = [SHOUT];
    static MUTELY: [Parameter; 1] = [MUTE];
    let returns = Return {
        kind: AttributeType::String,
        description: "The result.",
    };
    let made = |name: &'static str, parameters: &'static [Parameter]| {
        let made = std::panic::catch_unwind(|| {
            Definition::new(name, "Does it.", "Does it.", parameters, returns)
        });
        made.map_err(|panic| *panic.downcast::<String>().unwrap())
            .map(|_| ())
    };
    assert_eq!(made("do_it", &[]), Ok(()));
    assert!(made("Do it", &[]).unwrap_err().contains("snake_case"));
    assert!(made("do_it", &TWICE).unwrap_err().contains("same name"));
    assert!(made("do_it", &BADLY).unwrap_err().contains("snake_case"));
    assert!(made("do_it", &MUTELY).unwrap_err().contains("full stop"));
}
