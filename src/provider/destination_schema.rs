//! The attributes of `sapcalm_destination`: schema, identity and model.
//!
//! The order is the order of the documentation. Rules that look at more than
//! one attribute are in `destination_rules`.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use super::destination_properties::{
    AUTHENTICATION_NAMES, HTTP, PROXY_TYPES, TOKEN_SERVICE_URL_TYPES, TYPES, holds_credentials,
};
use framework::resource::Definition;
use framework::schema::{
    Absent, Attribute, AttributeType, DEFAULT_TIMEOUT, DefaultValue, IdentityAttribute,
    IdentitySchema, Replace, Schema,
};
use framework::sensitive::Sensitive;
use framework::validators::Validator;
use framework::value::Value;

/// The type's name.
pub(super) const TYPE_NAME: &str = "sapcalm_destination";

/// Names in the world of SAP Cloud ALM: the destination that SAP Order
/// Management foundation reads.
pub(super) const DEFAULT_NAME: &str = "CloudALM";

/// The level that most services read.
pub(super) const DEFAULT_LEVEL: &str = "subaccount";

/// `level` of a destination that belongs to one service instance.
pub(super) const INSTANCE_LEVEL: &str = "instance";

/// Longest name of a destination, in characters (SAP BTP Connectivity).
const LONGEST_NAME: usize = 200;

/// The static facts about the resource.
pub(super) static DEFINITION: Definition = Definition {
    type_name: TYPE_NAME,
    schema: &SCHEMA,
    identity: &IDENTITY,
    default_timeout: DEFAULT_TIMEOUT,
};

static IDENTITY: IdentitySchema = IdentitySchema::new(
    0,
    &[
        IdentityAttribute {
            name: "subaccount_id",
            required_for_import: false,
            description: "Id of the subaccount. An import that names it fails when the \
                          Destination service key belongs to another one.",
        },
        IdentityAttribute {
            name: "level",
            required_for_import: false,
            description: "`subaccount` (when left out) or `instance`.",
        },
        IdentityAttribute {
            name: "instance_id",
            required_for_import: false,
            description: "Id of the service instance, for the level `instance`.",
        },
        IdentityAttribute {
            name: "name",
            required_for_import: true,
            description: "Name of the destination.",
        },
    ],
);

static SCHEMA: Schema = Schema::new(
    0,
    "One destination of the SAP Destination service.\n\n\
        Without any argument it is the `CloudALM` destination that SAP Order Management \
        foundation reads, made from the provider's `cloud_alm_service_key`. It also manages \
        destinations of every other type and authentication.\n\n\
        Properties that this resource does not manage are never changed, and a secret is \
        never stored unless its plain attribute is used. Consumers cache destinations: a \
        change can take up to five minutes to arrive.",
    ATTRIBUTES,
);

const TEXT: AttributeType = AttributeType::String;
const TEXTS: AttributeType = AttributeType::Set(&TEXT);
const VERSION: &[Validator] = &[Validator::WholeNumber {
    min: 0,
    max: i64::MAX,
}];
const WEB_ADDRESS: &[Validator] = &[Validator::Custom(
    "Starts with `https://` or `http://`, without credentials.",
    check_web_address,
)];
/// The rule for a name.
pub(super) const NAME_RULE: Validator = Validator::Custom(
    "At most 200 characters, without `/` and control characters.",
    check_name,
);
/// The rule for a level.
pub(super) const LEVELS: &[Validator] = &[Validator::OneOf(&[DEFAULT_LEVEL, INSTANCE_LEVEL])];
/// The forms of a Cloud ALM URL.
pub(super) const URL_FORMS: &[&str] = &[VERBATIM, "origin", "origin_with_slash"];
const FILLED: &[Validator] = &[Validator::NotEmpty];
const FROM_CLOUD_ALM_KEY: Absent =
    Absent::Words("from the Cloud ALM key where `url` says so, else none.");
/// The default form of `url`.
const VERBATIM: &str = "verbatim";

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute::string(name).describe(description)
}

const fn secret(name: &'static str, description: &'static str) -> Attribute {
    text(name, description).sensitive().validate(FILLED)
}

/// `twin` is the plain attribute of the same secret.
const fn secret_write_only(name: &'static str, twin: &'static [&'static str]) -> Attribute {
    secret(name, WRITE_ONLY).write_only().conflicts_with(twin)
}

const fn secret_version(name: &'static str) -> Attribute {
    Attribute::number(name)
        .validate(VERSION)
        .when_absent(Absent::Words("every plan compares the value."))
        .describe(WRITE_ONLY_VERSION)
}

const WRITE_ONLY: &str = "The same as the attribute without `_wo`, but never stored in plan or \
    state. Without a version, every plan compares the value with a salted hash of what was written \
    last.";
const WRITE_ONLY_VERSION: &str = "When it is set, the write-only value is written only when this \
    number changes, or when somebody changed the value outside Terraform.";

const ATTRIBUTES: &[Attribute] = &[
    text(
        "name",
        "Name of the destination, unique on its level. SAP documents at most 200 letters, \
         digits, `_` and `-`.",
    )
    .default(DefaultValue::String(DEFAULT_NAME))
    .replace(Replace::Always)
    .validate(&[NAME_RULE]),
    text(
        "level",
        "Where the destination lives. A destination of the level `subaccount` is visible in the \
         whole subaccount, one of the level `instance` only to the service instance of the service \
         key.",
    )
    .default(DefaultValue::String(DEFAULT_LEVEL))
    .replace(Replace::Always)
    .validate(LEVELS),
    text("type", "Type of the destination.")
        .optional_computed()
        .validate(FILLED)
        .known_values(TYPES)
        .when_absent(Absent::Text(HTTP)),
    text("description", "Free text about the destination."),
    text(
        "url",
        "Where the destination leads. When it is left out together with `client_id`, \
         `token_service_url` and every client secret, all of them come from the provider's \
         `cloud_alm_service_key`.",
    )
    .optional_computed()
    .validate(WEB_ADDRESS)
    .when_absent(FROM_CLOUD_ALM_KEY),
    text(
        "url_form",
        "How `url` is made from the `Api` endpoint of the Cloud ALM key. `verbatim` is what SAP \
         Order Management foundation needs; `origin` leaves out the path, `origin_with_slash` \
         leaves a `/` of it.",
    )
    .validate(&[Validator::OneOf(URL_FORMS)])
    .when_absent(Absent::Text(VERBATIM)),
    text(
        "proxy_type",
        "Through which network the destination is reached.",
    )
    .optional_computed()
    .validate(FILLED)
    .known_values(PROXY_TYPES)
    .when_absent(Absent::Words(
        "`Internet` for the type `HTTP` (`OnPremise` for authentications that only work there), \
         none for other types.",
    )),
    text(
        "authentication",
        "How requests are authenticated, as SAP spells it.",
    )
    .optional_computed()
    .validate(FILLED)
    .known_values(AUTHENTICATION_NAMES)
    .when_absent(Absent::Words(
        "`OAuth2ClientCredentials` for the type `HTTP`, none for other types.",
    )),
    text("client_id", "OAuth client id.")
        .optional_computed()
        .validate(FILLED)
        .when_absent(FROM_CLOUD_ALM_KEY),
    text(
        "token_service_url",
        "Complete URL of the token endpoint, with `/oauth/token`.",
    )
    .optional_computed()
    .validate(WEB_ADDRESS)
    .when_absent(FROM_CLOUD_ALM_KEY),
    text(
        "token_service_url_type",
        "How `token_service_url` is used: as it is (`Dedicated`), or with the subdomain of the \
         tenant filled in (`Common`).",
    )
    .optional_computed()
    .validate(FILLED)
    .known_values(TOKEN_SERVICE_URL_TYPES)
    .when_absent(Absent::Words(
        "`Dedicated` for authentications with a token service, none for others.",
    )),
    text(
        "scope",
        "Scopes to ask the token service for, separated by blanks.",
    ),
    text("user", "User name for the target system."),
    text(
        "token_service_user",
        "User name for the token service, when it differs from the client.",
    ),
    text("audience", "Audience of the SAML assertion."),
    text(
        "authn_context_class_ref",
        "`AuthnContextClassRef` of the SAML assertion.",
    ),
    text(
        "key_store_location",
        "Name of an uploaded certificate for client authentication at the target.",
    ),
    text(
        "token_service_key_store_location",
        "Name of an uploaded certificate for mutual TLS with the token service. No client secret \
         is used then.",
    ),
    text(
        "trust_store_location",
        "Name of an uploaded trust store for the target's certificate.",
    ),
    text(
        "cloud_connector_location_id",
        "Location id of the Cloud Connector, for the proxy type `OnPremise`.",
    ),
    secret("client_secret", "OAuth client secret.").when_absent(FROM_CLOUD_ALM_KEY),
    secret_write_only("client_secret_wo", &["client_secret"]),
    secret_version("client_secret_wo_version"),
    secret("password", "Password for `user`."),
    secret_write_only("password_wo", &["password"]),
    secret_version("password_wo_version"),
    secret(
        "token_service_password",
        "Password for `token_service_user`.",
    ),
    secret_write_only("token_service_password_wo", &["token_service_password"]),
    secret_version("token_service_password_wo_version"),
    secret("client_key", "Client key for `OAuth2SAMLBearerAssertion`."),
    secret_write_only("client_key_wo", &["client_key"]),
    secret_version("client_key_wo_version"),
    secret("key_store_password", "Password of `key_store_location`."),
    secret_write_only("key_store_password_wo", &["key_store_password"]),
    secret_version("key_store_password_wo_version"),
    secret(
        "token_service_key_store_password",
        "Password of `token_service_key_store_location`.",
    ),
    secret_write_only(
        "token_service_key_store_password_wo",
        &["token_service_key_store_password"],
    ),
    secret_version("token_service_key_store_password_wo_version"),
    secret(
        "trust_store_password",
        "Password of `trust_store_location`.",
    ),
    secret_write_only("trust_store_password_wo", &["trust_store_password"]),
    secret_version("trust_store_password_wo_version"),
    Attribute::map("properties", &TEXT)
        .when_absent(Absent::Words(
            "further properties are left alone and named in `unmanaged_properties`.",
        ))
        .describe(
            "Further properties that are not secret, in SAP's spelling. When it is set, also to \
             `{}`, it is the complete set: further properties that others added are removed. \
             Properties with an attribute of their own are not allowed here.",
        ),
    Attribute::map("secret_properties_wo", &TEXT)
        .describe(
            "Further properties that are secret, in SAP's spelling, such as `jco.client.passwd`. \
             Never stored in plan or state. One that is taken out is deleted.",
        )
        .sensitive()
        .write_only(),
    secret_version("secret_properties_wo_version"),
    Attribute::map("labels", &TEXTS)
        .when_absent(Absent::Words("labels are left alone."))
        .describe(
            "Labels of the destination, each with its values. Never put a secret here: SAP stores \
             labels unencrypted.",
        ),
    Attribute::bool("adopt_existing")
        .when_absent(Absent::Bool(false))
        .describe(
            "Take over a destination of that name when there is one, instead of failing. Its \
             properties become what is configured here.",
        ),
    Attribute::bool("check_token")
        .when_absent(Absent::Bool(false))
        .describe(
            "After create and update let the Destination service fetch a token through the \
             destination. When that fails, a destination that was just created is deleted again \
             and the apply fails with SAP's reason.",
        ),
    text("id", "`<level>/<name>`, which is also the import id.")
        .computed()
        .keep_prior(),
    text(
        "subaccount_id",
        "Id of the subaccount, as the token of the Destination service key says.",
    )
    .computed()
    .keep_prior(),
    text(
        "instance_id",
        "Id of the service instance, for the level `instance`; else null.",
    )
    .computed()
    .keep_prior(),
    text("etag", "Version of the destination at SAP.").computed(),
    text(
        "modification_time",
        "When it was last changed (RFC 3339, UTC).",
    )
    .computed(),
    Attribute::list("unmanaged_properties", &TEXT)
        .describe(
            "Names of properties at SAP that no attribute stands for. While `properties` is null \
             they are left alone; while it is set, those not known to be secret are removed by \
             the next apply.",
        )
        .computed(),
    Attribute::list("out_of_sync_secrets", &TEXT)
        .describe(
            "Attributes whose secret somebody changed outside Terraform. Planned to become empty: \
             the next apply writes the configured value again.",
        )
        .computed(),
    Attribute::timeouts(&[
        Attribute::create_timeout(),
        Attribute::read_timeout(),
        Attribute::update_timeout(),
        Attribute::delete_timeout(),
    ]),
];

/// A configuration, plan or state of the resource; names and order follow the
/// schema. A model without value is a configuration without arguments.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the schema above describes the attributes of the same names"
)]
pub struct Model {
    pub name: Option<String>,
    pub level: Option<String>,
    pub r#type: Option<String>,
    pub description: Option<String>,
    pub url: Option<String>,
    pub url_form: Option<String>,
    pub proxy_type: Option<String>,
    pub authentication: Option<String>,
    pub client_id: Option<String>,
    pub token_service_url: Option<String>,
    pub token_service_url_type: Option<String>,
    pub scope: Option<String>,
    pub user: Option<String>,
    pub token_service_user: Option<String>,
    pub audience: Option<String>,
    pub authn_context_class_ref: Option<String>,
    pub key_store_location: Option<String>,
    pub token_service_key_store_location: Option<String>,
    pub trust_store_location: Option<String>,
    pub cloud_connector_location_id: Option<String>,
    pub client_secret: Option<Sensitive>,
    pub client_secret_wo: Option<Sensitive>,
    pub client_secret_wo_version: Option<i64>,
    pub password: Option<Sensitive>,
    pub password_wo: Option<Sensitive>,
    pub password_wo_version: Option<i64>,
    pub token_service_password: Option<Sensitive>,
    pub token_service_password_wo: Option<Sensitive>,
    pub token_service_password_wo_version: Option<i64>,
    pub client_key: Option<Sensitive>,
    pub client_key_wo: Option<Sensitive>,
    pub client_key_wo_version: Option<i64>,
    pub key_store_password: Option<Sensitive>,
    pub key_store_password_wo: Option<Sensitive>,
    pub key_store_password_wo_version: Option<i64>,
    pub token_service_key_store_password: Option<Sensitive>,
    pub token_service_key_store_password_wo: Option<Sensitive>,
    pub token_service_key_store_password_wo_version: Option<i64>,
    pub trust_store_password: Option<Sensitive>,
    pub trust_store_password_wo: Option<Sensitive>,
    pub trust_store_password_wo_version: Option<i64>,
    pub properties: Option<BTreeMap<String, String>>,
    pub secret_properties_wo: Option<BTreeMap<String, Sensitive>>,
    pub secret_properties_wo_version: Option<i64>,
    pub labels: Option<BTreeMap<String, BTreeSet<String>>>,
    pub adopt_existing: Option<bool>,
    pub check_token: Option<bool>,
    pub id: Option<String>,
    pub subaccount_id: Option<String>,
    pub instance_id: Option<String>,
    pub etag: Option<String>,
    pub modification_time: Option<String>,
    pub unmanaged_properties: Option<Vec<String>>,
    pub out_of_sync_secrets: Option<Vec<String>>,
    pub timeouts: Option<Timeouts>,
}

/// The nested object `timeouts`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the schema above describes the attributes of the same names"
)]
pub struct Timeouts {
    pub create: Option<String>,
    pub read: Option<String>,
    pub update: Option<String>,
    pub delete: Option<String>,
}

impl Model {
    /// Name of the destination.
    pub(super) fn destination_name(&self) -> &str {
        self.name.as_deref().unwrap_or(DEFAULT_NAME)
    }

    /// Whether this is the stub of an import, which Read completes.
    pub(super) fn is_import_stub(&self) -> bool {
        self.unmanaged_properties.is_none()
    }

    /// The same without write-only values, as plan and state are.
    pub(super) fn without_write_only(mut self) -> Self {
        self.client_secret_wo = None;
        self.password_wo = None;
        self.token_service_password_wo = None;
        self.client_key_wo = None;
        self.key_store_password_wo = None;
        self.token_service_key_store_password_wo = None;
        self.trust_store_password_wo = None;
        self.secret_properties_wo = None;
        self
    }
}

/// `<level>/<name>`.
pub(super) fn id_of(level: &str, name: &str) -> String {
    format!("{level}/{name}")
}

/// What makes a name impossible: it would not survive in a request, or SAP
/// documents that it is too long. A warning about other characters is in
/// `destination_rules`.
pub(super) fn check_name(value: &Value) -> Result<(), String> {
    let name = value.as_str().unwrap_or_default();
    if name.is_empty() {
        return Err(
            "A destination has a name of at least one character. Without `name` it is `CloudALM`."
                .to_owned(),
        );
    }
    let length = name.chars().count();
    if length > LONGEST_NAME {
        return Err(format!(
            "This name has {length} characters, and SAP allows at most {LONGEST_NAME}. Shorten it."
        ));
    }
    if name.contains('/') || name.chars().any(char::is_control) {
        return Err(
            "The name of a destination cannot contain `/` or control characters. Choose \
                    another `name`."
                .to_owned(),
        );
    }
    if name == "." || name == ".." {
        return Err(
            "`.` and `..` cannot be names of destinations. Choose another `name`.".to_owned(),
        );
    }
    Ok(())
}

/// SAP demands the scheme only; placeholders such as `{tenant}` are allowed
/// anywhere behind it.
fn check_web_address(value: &Value) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    if holds_credentials(text) {
        return Err(
            "This URL has credentials in it, in front of the `@`. URLs are stored in the state \
             and shown in plans in clear. Take them out of the URL, and set `user` and `password` \
             for the target, or `token_service_user` and `token_service_password` for the token \
             service."
                .to_owned(),
        );
    }
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => Ok(()),
        _ => Err(
            "This is not a URL. Write one that starts with `https://` or `http://` and names a host, \
                  such as `https://eu10.alm.cloud.sap/api`."
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::destination_properties::{SECRETS, TYPED};

    fn attribute(name: &str) -> Option<&'static Attribute> {
        SCHEMA.attribute(name)
    }

    #[test]
    fn every_property_of_the_vocabulary_is_in_the_schema() {
        for property in TYPED {
            assert!(
                attribute(property.attribute).is_some(),
                "{}",
                property.attribute
            );
        }
        for pair in SECRETS {
            let plain = attribute(pair.attribute).unwrap();
            assert!(plain.sensitive && !plain.write_only, "{}", pair.attribute);
            let write_only = attribute(pair.write_only).unwrap();
            assert!(
                write_only.sensitive && write_only.write_only,
                "{}",
                pair.write_only
            );
            assert!(attribute(pair.version).is_some(), "{}", pair.version);
        }
    }

    #[test]
    fn schema_and_model_have_the_same_attributes() {
        let model = serde_json::to_value(Model {
            timeouts: Some(Timeouts::default()),
            ..Model::default()
        })
        .unwrap();
        let mut fields: Vec<&str> = model
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut attributes: Vec<&str> = SCHEMA.attributes.iter().map(|one| one.name).collect();
        fields.sort_unstable();
        attributes.sort_unstable();
        assert_eq!(fields, attributes);
    }

    #[test]
    fn behaviour_switches_have_no_default() {
        for name in ["adopt_existing", "check_token", "url_form", "timeouts"] {
            assert!(attribute(name).unwrap().default.is_none(), "{name}");
        }
    }

    #[test]
    fn names_that_cannot_be_sent_are_refused() {
        let check = |name: &str| check_name(&Value::string(name));
        assert!(check("CloudALM").is_ok());
        assert!(check("our team's app").is_ok());
        assert!(check(&"a".repeat(200)).is_ok());
        for wrong in ["", "a/b", "a\nb", "..", &"a".repeat(201)] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn web_addresses_need_scheme_and_host() {
        let check = |url: &str| check_web_address(&Value::string(url));
        assert!(check("https://eu10.alm.cloud.sap/api").is_ok());
        assert!(check("http://virtual-host:8080").is_ok());
        assert!(
            check("https://{tenant}.authentication.eu10.hana.ondemand.com/oauth/token").is_ok()
        );
        assert!(check("https://host/path@version?user=a@b").is_ok());
        for wrong in [
            "",
            "eu10.alm.cloud.sap",
            "https://",
            "ftp://a",
            "https:///x",
        ] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn credentials_in_a_web_address_are_refused_and_not_repeated() {
        for url in ["https://ann:s3cr3t@host/api", "http://s3cr3t@host"] {
            let refused = check_web_address(&Value::string(url)).unwrap_err();
            assert!(refused.contains("`user` and `password`"), "{refused}");
            assert!(!refused.contains("s3cr3t"), "{refused}");
        }
    }
}
