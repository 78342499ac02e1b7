//! The function `parse_service_key`: what a service key says, without what is
//! secret in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attributes::{TEXT, shown};
use super::keys::name;
use client::{KeyProblem, Proof, ServiceKey};
use framework::function::{Definition, Function, FunctionError, Parameter, Return};
use framework::schema::{Attribute, AttributeType};

/// The function `parse_service_key`.
#[derive(Debug)]
pub(crate) struct ParseServiceKey;

static DEFINITION: Definition = Definition::new(
    "parse_service_key",
    "Takes a service key apart, without its secrets.",
    "Takes a service key of the Destination service, of SAP Order Management foundation or of SAP \
     Cloud ALM apart. The key may be the JSON text of a service key or of a binding, with the \
     credentials in `uaa`, at the top or one level down.\n\n\
     Client secret, certificate and private key are never part of the result. Terraform marks the \
     result as sensitive where the argument is; `nonsensitive()` takes that mark off.",
    &[SERVICE_KEY],
    Return {
        kind: AttributeType::Object(PARTS),
        description: "An object with the parts of the key; what the key does not have is null.",
    },
);

/// The parameter of every function that takes a service key.
pub(super) const SERVICE_KEY: Parameter = Parameter::new(
    "service_key",
    AttributeType::String,
    "The service key as JSON text.",
);

const PARTS: &[Attribute] = &[
    shown(
        "service",
        "Which service the key is clearly for: `destination`, `order_management` or `cloud_alm`.",
    ),
    shown("client_id", "OAuth client id."),
    shown(
        "credential_type",
        "`secret` (a client secret) or `x509` (a client certificate).",
    ),
    shown(
        "token_service_url",
        "URL of the token endpoint, with `/oauth/token`.",
    ),
    shown(
        "xsappname",
        "Name of the application, with which scopes begin.",
    ),
    shown("identity_zone", "Subdomain of the subaccount."),
    shown("tenant_id", "Id of the tenant."),
    shown("subaccount_id", "Id of the subaccount."),
    shown("instance_id", "Id of the service instance."),
    shown(
        "uri",
        "Base URL of the service, as it stands in the key, but without user and password.",
    ),
    Attribute::map("endpoints", &TEXT).computed().describe(
        "URLs of the service by name, as they stand in the key, but without user and password.",
    ),
    shown(
        "certificate_expires_at",
        "When the certificate of an x509 key stops being valid (RFC 3339, UTC).",
    ),
];

/// What the function takes; names follow the parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct Arguments {
    pub(crate) service_key: String,
}

/// What the function gives; names follow the attributes above.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Parts {
    pub(crate) service: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) credential_type: Option<String>,
    pub(crate) token_service_url: Option<String>,
    pub(crate) xsappname: Option<String>,
    pub(crate) identity_zone: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) subaccount_id: Option<String>,
    pub(crate) instance_id: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) endpoints: Option<BTreeMap<String, String>>,
    pub(crate) certificate_expires_at: Option<String>,
}

impl Function for ParseServiceKey {
    type Arguments = Arguments;
    type Returned = Parts;

    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn call(&self, arguments: Arguments) -> Result<Parts, FunctionError> {
        let key = parse(&arguments.service_key)?;
        let oauth = &key.oauth;
        let credential_type = match oauth.proof {
            Proof::Secret(_) => "secret",
            Proof::Certificate { .. } => "x509",
        };
        let endpoints = key.endpoints.iter();
        let endpoints = endpoints.map(|(name, url)| (name.clone(), without_credentials(url)));
        Ok(Parts {
            service: key.service.map(|kind| name(kind).to_owned()),
            client_id: Some(oauth.client_id.clone()),
            credential_type: Some(credential_type.to_owned()),
            token_service_url: Some(oauth.token_url.to_string()),
            xsappname: oauth.xsappname.clone(),
            identity_zone: oauth.identity_zone.clone(),
            tenant_id: oauth.tenant_id.clone(),
            subaccount_id: oauth.subaccount_id.clone(),
            instance_id: oauth.instance_id.clone(),
            uri: key.uri.as_deref().map(without_credentials),
            endpoints: Some(endpoints.collect()),
            certificate_expires_at: oauth.certificate_expiry().map(|end| end.to_string()),
        })
    }
}

/// The URL without user and password, which some services put there.
fn without_credentials(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            // Fails only for URLs that cannot have either.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.into()
        }
        _ => text.to_owned(),
    }
}

/// Reads the key that is the first argument.
pub(super) fn parse(json: &str) -> Result<ServiceKey, FunctionError> {
    ServiceKey::parse(json).map_err(|problem| unusable(&problem))
}

/// The error about a key that is the first argument; it quotes no value.
pub(super) fn unusable(problem: &KeyProblem) -> FunctionError {
    FunctionError::at(
        0,
        format!(
            "The service key {problem}. Give the JSON text of a service key, for example \
             `file(\"key.json\")`."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr3t";

    fn parts(json: &str) -> Parts {
        let service_key = json.to_owned();
        ParseServiceKey.call(Arguments { service_key }).unwrap()
    }

    #[test]
    fn the_parts_of_a_key_are_told_without_the_secret() {
        let parts = parts(&format!(
            r#"{{ "credentials": {{
                "uri": "https://destination-configuration.cfapps.eu10.hana.ondemand.com",
                "clientid": "sb-a!b1|destination-xsappname!b9", "clientsecret": "{SECRET}",
                "url": "https://acme.authentication.eu10.hana.ondemand.com",
                "xsappname": "a!b1|destination-xsappname!b9", "identityzone": "acme",
                "tenantid": "t", "subaccountid": "s", "instanceid": "i", "verificationkey": "{SECRET}"
            }} }}"#
        ));
        let text = serde_json::to_string(&parts).unwrap();
        assert!(!text.contains(SECRET), "{text}");
        assert_eq!(parts.service.as_deref(), Some("destination"));
        assert_eq!(parts.credential_type.as_deref(), Some("secret"));
        assert_eq!(
            parts.token_service_url.as_deref(),
            Some("https://acme.authentication.eu10.hana.ondemand.com/oauth/token")
        );
        let ids = [parts.tenant_id, parts.subaccount_id, parts.instance_id];
        assert_eq!(ids.map(Option::unwrap), ["t", "s", "i"]);
        assert_eq!(parts.certificate_expires_at, None);
        assert_eq!(parts.endpoints, Some(BTreeMap::new()));
    }

    #[test]
    fn an_unusable_key_is_an_error_about_the_argument_that_quotes_nothing() {
        for (json, expected) in [
            (SECRET, "is not valid JSON (line 1, column 1)"),
            ("[]", "is not a JSON object"),
            (r#"{"clientid": "s3cr3t"}"#, "has no `clientsecret`"),
            (
                r#"{"clientid": "a", "clientsecret": "s3cr3t", "url": "http://s3cr3t"}"#,
                "plain `http://` URL in `url`",
            ),
        ] {
            let service_key = json.to_owned();
            let error = ParseServiceKey.call(Arguments { service_key }).unwrap_err();
            assert_eq!(error.argument, Some(0));
            assert!(error.text.contains(expected), "{}", error.text);
            assert!(!error.text.contains(SECRET), "{}", error.text);
        }
    }
}
