//! The function `cloud_alm_url`: the address of SAP Cloud ALM in the form that
//! a service wants in its destination.

use serde::Deserialize;

use super::destination::{URL_FORMS, url_in_form};
use super::function_parse_service_key::{SERVICE_KEY, unusable};
use client::CloudAlmKey;
use framework::function::{Definition, Function, FunctionError, Parameter, Return};
use framework::schema::AttributeType;

/// The function `cloud_alm_url`.
#[derive(Debug)]
pub(crate) struct CloudAlmUrl;

static DEFINITION: Definition = Definition::new(
    "cloud_alm_url",
    "Makes the URL of Cloud ALM from its service key.",
    "Makes the URL of SAP Cloud ALM from the `Api` endpoint of its service key, in one of three \
     forms. SAP's services want different ones: SAP Order Management foundation takes the \
     endpoint as it stands.\n\n\
     Terraform marks the result as sensitive where the argument is; `nonsensitive()` takes that \
     mark off.",
    &[
        SERVICE_KEY,
        Parameter::new(
            "url_form",
            AttributeType::String,
            "`verbatim` (the endpoint as it stands), `origin` (without path) or \
             `origin_with_slash`. Null means `verbatim`.",
        )
        .nullable(),
    ],
    Return {
        kind: AttributeType::String,
        description: "The URL in the form that was asked for.",
    },
);

/// What the function takes; names follow the parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct Arguments {
    pub(crate) service_key: String,
    pub(crate) url_form: Option<String>,
}

impl Function for CloudAlmUrl {
    type Arguments = Arguments;
    type Returned = String;

    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn call(&self, arguments: Arguments) -> Result<String, FunctionError> {
        let form = arguments.url_form.as_deref();
        if let Some(form) = form
            && !URL_FORMS.contains(&form)
        {
            let text = "`url_form` is one of `verbatim`, `origin`, `origin_with_slash`, or null.";
            return Err(FunctionError::at(1, text));
        }
        let key =
            CloudAlmKey::parse(&arguments.service_key).map_err(|error| unusable(&error.problem))?;
        Ok(url_in_form(&key.api, &key.api_url, form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{
        "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
        "uaa": { "clientid": "a", "clientsecret": "b", "url": "https://c" }
    }"#;

    fn call(json: &str, form: Option<&str>) -> Result<String, FunctionError> {
        CloudAlmUrl.call(Arguments {
            service_key: json.to_owned(),
            url_form: form.map(str::to_owned),
        })
    }

    #[test]
    fn the_url_comes_in_three_forms() {
        for (form, url) in [
            (None, "https://eu10.alm.cloud.sap/api"),
            (Some("verbatim"), "https://eu10.alm.cloud.sap/api"),
            (Some("origin"), "https://eu10.alm.cloud.sap"),
            (Some("origin_with_slash"), "https://eu10.alm.cloud.sap/"),
        ] {
            assert_eq!(call(KEY, form).unwrap(), url);
        }
    }

    #[test]
    fn what_is_wrong_is_blamed_on_its_argument() {
        assert_eq!(call(KEY, Some("short")).unwrap_err().argument, Some(1));
        let other = r#"{"uri": "https://destination-configuration.x", "clientid": "a"}"#;
        let error = call(other, None).unwrap_err();
        assert_eq!(error.argument, Some(0));
        assert!(
            error.text.contains("Destination service key"),
            "{}",
            error.text
        );
    }
}
