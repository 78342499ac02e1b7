//! The function `token_service_url`: where tokens for a service key come from,
//! as a destination wants it.

use super::function_parse_service_key::{Arguments, SERVICE_KEY, parse};
use framework::function::{Definition, Function, FunctionError, Return};
use framework::schema::AttributeType;

/// The function `token_service_url`.
#[derive(Debug)]
pub(crate) struct TokenServiceUrl;

static DEFINITION: Definition = Definition::new(
    "token_service_url",
    "Makes the token service URL of a service key.",
    "Makes the complete URL of the token endpoint for a service key, as `token_service_url` of \
     `sapcalm_destination` wants it: `url` of the key with `/oauth/token`, or `certurl` for an \
     x509 key.\n\n\
     Terraform marks the result as sensitive where the argument is; `nonsensitive()` takes that \
     mark off.",
    &[SERVICE_KEY],
    Return {
        kind: AttributeType::String,
        description: "The URL, with `/oauth/token`.",
    },
);

impl Function for TokenServiceUrl {
    type Arguments = Arguments;
    type Returned = String;

    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn call(&self, arguments: Arguments) -> Result<String, FunctionError> {
        let key = parse(&arguments.service_key)?;
        Ok(key.oauth.token_url.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(json: &str) -> Result<String, FunctionError> {
        let service_key = json.to_owned();
        TokenServiceUrl.call(Arguments { service_key })
    }

    #[test]
    fn the_path_is_added_once() {
        for url in ["https://a.example", "https://a.example/oauth/token"] {
            let key = format!(r#"{{"clientid": "a", "clientsecret": "b", "url": "{url}"}}"#);
            assert_eq!(call(&key).unwrap(), "https://a.example/oauth/token");
        }
        assert_eq!(call("{}").unwrap_err().argument, Some(0));
    }
}
