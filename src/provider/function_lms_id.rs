//! The function `lms_id`: the id by which Cloud ALM's landscape knows a tenant
//! of SAP Order Management foundation.

use serde::Deserialize;

use super::registration::schema::lms_id;
use framework::function::{Definition, Function, FunctionError, Parameter, Return};
use framework::schema::AttributeType;

/// The function `lms_id`.
#[derive(Debug)]
pub(crate) struct LmsId;

static DEFINITION: Definition = Definition::new(
    "lms_id",
    "Makes the landscape id of an Order Management tenant.",
    "Makes the id by which the landscape of SAP Cloud ALM knows a tenant of SAP Order Management \
     foundation: `CO_<environment>_<tenant ID>`.",
    &[
        Parameter::new(
            "environment",
            AttributeType::String,
            "The environment of the tenant, such as `prod`.",
        ),
        Parameter::new(
            "tenant_id",
            AttributeType::String,
            "The id of the tenant, which is `tenantid` in most service keys.",
        ),
    ],
    Return {
        kind: AttributeType::String,
        description: "The landscape id.",
    },
);

/// What the function takes; names follow the parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct Arguments {
    pub(crate) environment: String,
    pub(crate) tenant_id: String,
}

impl Function for LmsId {
    type Arguments = Arguments;
    type Returned = String;

    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn call(&self, arguments: Arguments) -> Result<String, FunctionError> {
        let Arguments {
            environment,
            tenant_id,
        } = arguments;
        for (position, name, text) in [
            (0, "environment", &environment),
            (1, "tenant_id", &tenant_id),
        ] {
            if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
                let text = format!("`{name}` must be a text without blanks, and not empty.");
                return Err(FunctionError::at(position, text));
            }
        }
        if tenant_id.starts_with("CO_") {
            let text = "`tenant_id` begins with `CO_`, so it is a landscape id already.";
            return Err(FunctionError::at(1, text));
        }
        Ok(lms_id(&environment, &tenant_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(environment: &str, tenant_id: &str) -> Result<String, FunctionError> {
        LmsId.call(Arguments {
            environment: environment.to_owned(),
            tenant_id: tenant_id.to_owned(),
        })
    }

    #[test]
    fn the_id_is_made_of_environment_and_tenant() {
        assert_eq!(call("prod", "1-2").unwrap(), "CO_prod_1-2");
    }

    #[test]
    fn an_argument_that_cannot_be_right_is_blamed() {
        let blamed = |environment, tenant| call(environment, tenant).unwrap_err().argument;
        assert_eq!(blamed("", "1"), Some(0));
        assert_eq!(blamed("pr od", "1"), Some(0));
        assert_eq!(blamed("prod", ""), Some(1));
        assert_eq!(blamed("prod", "CO_prod_1"), Some(1));
    }
}
