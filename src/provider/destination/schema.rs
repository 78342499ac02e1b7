//! The attributes of `sapcalm_destination`.
//!
//! The order is the order of the documentation. Rules that look at more than
//! one attribute are in `rules`.

use super::super::attributes::{TEXT, TEXTS, TIMEOUTS, text};
use framework::definition::{Definition, Kind};
use framework::schema::{Absent, Attribute, Replace, Schema};
use framework::validators::Validator;
use framework::value::Value;

use super::super::destination_service::ids::{
    ADOPT_EXISTING, ID, INSTANCE_ID, LEVEL, SUBACCOUNT_ID, check_name,
};
use super::model::DEFAULT_NAME;
use super::vocabulary::{
    AUTHENTICATION_NAMES, HTTP, PROXY_TYPES, TOKEN_SERVICE_URL_TYPES, TYPES, holds_credentials,
};

/// The type's name.
pub(crate) const TYPE_NAME: &str = "sapcalm_destination";

/// Longest name of a destination, in characters (SAP BTP Connectivity).
const LONGEST_NAME: usize = 200;

/// The static facts about the resource.
pub(crate) static DEFINITION: Definition = Definition::new(Kind::Resource, TYPE_NAME, &SCHEMA);

static SCHEMA: Schema = Schema::new(
    0,
    "One destination of the SAP Destination service.\n\n\
        Without any argument it is the `CloudALM` destination that SAP Order Management \
        foundation reads, made from the provider's `cloud_alm_service_key`. It also manages \
        destinations of every other type and authentication.\n\n\
        Properties that this resource does not manage are never changed, unless they weaken \
        security (see `allow_unmanaged`). A secret is stored only where it is given in \
        `stored_credentials`. Consumers cache destinations: a change can take up to five minutes \
        to arrive.",
    ATTRIBUTES,
);

const WEB_ADDRESS: &[Validator] = &[Validator::Custom(
    "Starts with `https://` or `http://`, without credentials.",
    check_web_address,
)];
/// The rule for a name.
pub(crate) const NAME_RULE: Validator = Validator::Custom(
    "At most 200 characters in one line, without `/` and blanks at the ends.",
    |name| check_name(name, "destination", LONGEST_NAME),
);
/// The forms of a Cloud ALM URL.
pub(crate) const URL_FORMS: &[&str] = &[VERBATIM, "origin", "origin_with_slash"];
const FILLED: &[Validator] = &[Validator::NotBlank];
const FROM_KEY: Absent = Absent::Words("from a service key where `url` says so, else none.");
/// The default form of `url`.
const VERBATIM: &str = "verbatim";

const ATTRIBUTES: &[Attribute] = &[
    text(
        "name",
        "Name of the destination, unique on its level. SAP documents at most 200 letters, \
         digits, `_` and `-`. Only a destination whose values come from the provider's \
         `cloud_alm_service_key` may leave it out.",
    )
    .default(DEFAULT_NAME)
    .replace(Replace::Always)
    .validate(&[NAME_RULE]),
    LEVEL.describe(
        "Where the destination lives. A destination of the level `subaccount` is visible in the \
         whole subaccount, one of the level `instance` only to the service instance of the service \
         key.",
    ),
    text("type", "Type of the destination.")
        .optional_computed()
        .validate(FILLED)
        .known_values(TYPES)
        .when_absent(Absent::Text(HTTP)),
    text("description", "Free text about the destination."),
    text(
        "url",
        "Where the destination leads. When it is left out together with `client_id`, \
         `token_service_url` and every client secret, all of them come from the key in \
         `service_key`, or else from the provider's `cloud_alm_service_key`.",
    )
    .optional_computed()
    .validate(WEB_ADDRESS)
    .when_absent(FROM_KEY),
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
        .when_absent(FROM_KEY),
    text(
        "token_service_url",
        "Complete URL of the token endpoint, with `/oauth/token`.",
    )
    .optional_computed()
    .validate(WEB_ADDRESS)
    .when_absent(FROM_KEY),
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
    text("user", "User name for the target system."),
    text(
        "token_service_key_store_location",
        "Name of an uploaded certificate for mutual TLS with the token service. No client secret \
         is used then.",
    )
    .validate(FILLED),
    Attribute::object("service_key", SERVICE_KEY).describe(
        "The service key that `url`, `client_id`, `token_service_url` and the client secret come \
         from, and how they are taken from it.",
    ),
    Attribute::map("properties", &TEXT)
        .optional_computed()
        .when_absent(Absent::Words(
            "those that Terraform wrote are removed, and others are left alone.",
        ))
        .describe(
            "Further properties that are not secret, in SAP's spelling, such as `scope` or \
             `sap-client`. When it is set, also to `{}`, it is the complete set: properties that \
             others added are removed, unless `allow_unmanaged` names them. Properties with an \
             attribute of their own are not allowed here.",
        ),
    Attribute::object("credentials", CREDENTIALS).describe(
        "The secrets, never stored in plan or state (Terraform 1.11). `secrets` says what became \
         of them. A secret that is null here is left as it is: a variable that is empty by \
         mistake deletes nothing. To delete secrets take the whole block out, or choose an \
         authentication without them.",
    ),
    Attribute::object("stored_credentials", STORED_CREDENTIALS).describe(
        "The secrets for clients older than Terraform 1.11. They are stored in the state in \
         clear. Everything else is as for `credentials`.",
    ),
    Attribute::map("labels", &TEXTS)
        .when_absent(Absent::Words(
            "those in the state are removed, and others are left alone.",
        ))
        .describe(
            "Labels of the destination, each with its values. Never put a secret here: SAP stores \
             labels unencrypted.",
        ),
    ADOPT_EXISTING.describe(
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
    Attribute::set("allow_unmanaged", &TEXT)
        .optional_computed()
        .when_absent(Absent::Words(
            "what an import or an adoption found and could not show.",
        ))
        .describe(
            "Names of properties that may be there although nothing here manages them. Without \
             it, a property that somebody added and that weakens security (`TrustAll`, \
             `URL.headers.*` and others) is planned to be removed; and with `properties` every \
             property that it does not name.",
        ),
    ID,
    SUBACCOUNT_ID.keep_prior(),
    INSTANCE_ID.keep_prior(),
    Attribute::map("secrets", &TEXT)
        .describe(
            "The secrets that the destination has, each with where its value comes from: `from \
             configuration`, `from service_key`, `from cloud_alm_service_key`, or `as found` \
             (Terraform did not write it). `changed outside Terraform`, `of an earlier key` and \
             `not told by SAP` are what a plan found out. A plan names a secret that it will write \
             here.",
        )
        .computed(),
    Attribute::list("unmanaged_properties", &TEXT)
        .describe(
            "Names of properties at SAP that nothing here manages; null where there is none. The \
             plan takes out those that it will remove.",
        )
        .computed(),
    TIMEOUTS,
];

const SERVICE_KEY: &[Attribute] = &[
    text(
        "json_wo",
        "JSON text of the service key of the service that the destination leads to. Its `uri`, \
         its only endpoint, or its `url` beside `uaa` is where it leads. A key that is null here \
         changes nothing: to take the values from elsewhere take the whole block out.",
    )
    .validate(FILLED)
    .write_only()
    .when_absent(Absent::Words("the provider's `cloud_alm_service_key`.")),
    text(
        "url_form",
        "How `url` is made from the URL in the key, which is the `Api` endpoint of a Cloud ALM \
         key. `verbatim` is what SAP Order Management foundation needs; `origin` leaves out the \
         path, `origin_with_slash` leaves a `/` of it.",
    )
    .validate(&[Validator::OneOf(URL_FORMS)])
    .when_absent(Absent::Text(VERBATIM)),
    text(
        "url_path",
        "Path behind that URL, such as `/imp-cdm-transport-management-api/v1`.",
    )
    .validate(&[Validator::Custom(
        "Begins with `/`, without `?`, `#` and `..`.",
        check_path,
    )]),
];

// Not marked as sensitive: Terraform never shows or stores what is write-only,
// and stores a line of state for every sensitive attribute, also a null one.
const CREDENTIALS: &[Attribute] = &[
    text("client_secret_wo", "OAuth client secret.")
        .validate(FILLED)
        .write_only(),
    text("password_wo", "Password for `user`.")
        .validate(FILLED)
        .write_only(),
    Attribute::map("properties_wo", &TEXT)
        .describe("Further secret properties, in SAP's spelling, such as `jco.client.passwd`.")
        .write_only(),
    Attribute::number("version")
        .validate(&[Validator::WholeNumber {
            min: 0,
            max: i64::MAX,
        }])
        .when_absent(Absent::Words("every plan compares the values."))
        .describe(
            "When it is set, the secrets are written only when this number changes, or when \
             somebody changed one outside Terraform. Without it every plan compares them with \
             salted hashes of what was written last.",
        ),
];

const STORED_CREDENTIALS: &[Attribute] = &[
    text("client_secret", "OAuth client secret.")
        .validate(FILLED)
        .sensitive(),
    text("password", "Password for `user`.")
        .validate(FILLED)
        .sensitive(),
    Attribute::map("properties", &TEXT)
        .describe("Further secret properties, in SAP's spelling, such as `jco.client.passwd`.")
        .sensitive(),
];

/// SAP demands the scheme only; placeholders such as `{tenant}` are allowed
/// anywhere behind it.
fn check_web_address(value: &Value) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    if holds_credentials(text) {
        return Err(
            "This URL has credentials in it, in front of the `@`. URLs are stored in the state \
             and shown in plans in clear. Take them out of the URL, and set `user` and \
             `password_wo` in `credentials` for the target, or `tokenServiceUser` in `properties` \
             and `tokenServicePassword` in `properties_wo` for the token service."
                .to_owned(),
        );
    }
    let rest = text.split_once("://").filter(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
    });
    match rest {
        Some((_, rest)) if !rest.is_empty() && !rest.starts_with('/') => Ok(()),
        _ => Err(
            "This is not a URL. Write one that starts with `https://` or `http://` and names a host, \
                  such as `https://eu10.alm.cloud.sap/api`."
                .to_owned(),
        ),
    }
}

/// It is put behind a URL as it is.
fn check_path(value: &Value) -> Result<(), String> {
    let path = value.as_str().unwrap_or_default();
    let is_plain = !path.contains(['?', '#', '\\']) && !path.contains(char::is_whitespace);
    let climbs = path.split('/').any(|part| part == "..");
    if path.starts_with('/') && !path.starts_with("//") && is_plain && !climbs {
        return Ok(());
    }
    Err(
        "This is not a path to put behind a URL. Write one that begins with one `/`, such as \
         `/imp-cdm-transport-management-api/v1`."
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::{NAMED_SECRETS, TYPED};
    use super::*;

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
        for (name, _) in NAMED_SECRETS {
            let written = CREDENTIALS
                .iter()
                .find(|member| member.name == format!("{name}_wo"))
                .unwrap();
            assert!(written.write_only, "{name}");
            let stored = STORED_CREDENTIALS
                .iter()
                .find(|member| member.name == *name)
                .unwrap();
            assert!(stored.sensitive, "{name}");
        }
    }

    #[test]
    fn the_schema_is_narrow() {
        assert!(SCHEMA.attributes.len() <= 26, "{}", SCHEMA.attributes.len());
    }

    #[test]
    fn behaviour_switches_have_no_default() {
        for name in ["adopt_existing", "check_token", "service_key", "timeouts"] {
            assert!(attribute(name).unwrap().default.is_none(), "{name}");
        }
    }

    #[test]
    fn names_that_cannot_be_sent_are_refused() {
        let check = |name: &str| check_name(&Value::string(name), "destination", LONGEST_NAME);
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
        assert!(check("HTTPS://eu10.alm.cloud.sap/api").is_ok());
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
    fn a_path_is_put_behind_a_url_and_climbs_nowhere() {
        let check = |path: &str| check_path(&Value::string(path));
        assert!(check("/imp-cdm-transport-management-api/v1").is_ok());
        assert!(check("/").is_ok());
        for wrong in [
            "",
            "v1",
            "//evil.example",
            "/a/../b",
            "/a?b",
            "/a#b",
            "/a b",
        ] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn credentials_in_a_web_address_are_refused_and_not_repeated() {
        for url in ["https://ann:s3cr3t@host/api", "http://s3cr3t@host"] {
            let refused = check_web_address(&Value::string(url)).unwrap_err();
            assert!(refused.contains("`credentials`"), "{refused}");
            assert!(!refused.contains("s3cr3t"), "{refused}");
        }
    }
}
