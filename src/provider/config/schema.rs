//! The schema of the `provider` block, with the environment variables beside it.

use std::ops::RangeInclusive;

use client::{Config, OrderManagementApi, RetryPolicy};
use framework::schema::{Absent, Attribute, AttributeType, Schema};
use framework::validators::Validator;

use super::super::configured::ALLOWED_SUBACCOUNTS;

/// The nested attribute for Order Management's monitoring API.
pub(super) const API: &str = "order_management_api";

/// What `max_retries` accepts.
pub(super) const RETRIES: RangeInclusive<u32> = 0..=100;

/// What `max_concurrent_requests` accepts.
pub(super) const CONCURRENT_REQUESTS: RangeInclusive<u32> = 1..=1000;

const fn whole_number(range: &RangeInclusive<u32>) -> Validator {
    Validator::WholeNumber {
        min: *range.start() as i64,
        max: *range.end() as i64,
    }
}

/// The schema of the `provider` block.
pub static SCHEMA: Schema = Schema::new(
    0,
    "Connects SAP services to SAP Cloud ALM with the service keys of the services involved.\n\n\
        Every attribute is optional, and every one that is no object has an environment variable; \
        an attribute that is set wins. The value of a variable may be `@` and a path: then the \
        file's content is the value. Service keys are read in every form in which SAP's tools give \
        them (see the guide \"Service keys\"), and needed only by what calls their service.",
    &[
        Attribute::string("destination_service_key")
            .sensitive()
            .variable("SAPCALM_DESTINATION_SERVICE_KEY")
            .describe(
                "Service key (or binding) of the Destination service, as JSON text, of the \
                 subaccount whose destinations are managed. Keys with a client secret and x509 \
                 keys are accepted.",
            ),
        Attribute::string("order_management_service_key")
            .sensitive()
            .variable("SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY")
            .describe(
                "Service key (or binding) of SAP Order Management foundation, as JSON text. Its \
                 subaccount is the one that is registered.",
            ),
        Attribute::string("cloud_alm_service_key")
            .sensitive()
            .variable("SAPCALM_CLOUD_ALM_SERVICE_KEY")
            .describe(
                "Service key (or binding) of the SAP Cloud ALM API, as JSON text. Destinations \
                 take their values from it, and registrations are looked up in the landscape \
                 with it.",
            ),
        Attribute::string("job_scheduling_service_key")
            .sensitive()
            .variable("SAPCALM_JOB_SCHEDULING_SERVICE_KEY")
            .describe(
                "Service key (or binding) of SAP Job Scheduling service with XSUAA authentication, \
                 as JSON text. Its jobs are those of the instance that the key is for.",
            ),
        Attribute::set(ALLOWED_SUBACCOUNTS, &AttributeType::String)
            .when_absent(Absent::Words("every subaccount."))
            .variable("SAPCALM_ALLOWED_SUBACCOUNT_IDS")
            .describe(
                "Ids of the only subaccounts whose objects may be read or changed; the key of \
                 another one is refused. In the environment they are separated by commas.",
            ),
        Attribute::object(API, API_ATTRIBUTES).describe(
            "How registering and offboarding call SAP Order Management foundation. SAP \
                 documents the offboarding call only, so all of it can be set. Changing it affects \
                 the next call only, also the one of a destroy.",
        ),
        Attribute::string("ca_certificates")
            .variable("SAPCALM_CA_CERTIFICATES")
            .describe(
                "Certificates in PEM form that are trusted besides those of the machine, for \
                 proxies that re-sign traffic.",
            ),
        Attribute::string("proxy_url")
            .sensitive()
            .when_absent(Absent::Words(
                "the variable `HTTPS_PROXY`, which is not used for loopback hosts.",
            ))
            .variable("SAPCALM_PROXY_URL")
            .describe(
                "The proxy for every request, as `host:port` or as an `http://`, `https://` or \
                 `socks5://` URL; it may hold a user name and a password, with special characters \
                 percent-encoded. `NO_PROXY` holds in any case, by the rules of Terraform.",
            ),
        Attribute::number("max_retries")
            .validate(&[whole_number(&RETRIES)])
            .when_absent(Absent::Number(RetryPolicy::MAX_RETRIES as u64))
            .variable("SAPCALM_MAX_RETRIES")
            .describe(
                "How often a failed request is repeated where that is safe; `0` sends every \
                 request once. Registering is repeated up to six times as often, within 5 minutes \
                 after a change of the destination, while Order Management answers that it does \
                 not see the destination.",
            ),
        Attribute::string("retry_base_delay")
            .validate(&[Validator::Duration])
            .when_absent(Absent::Duration(RetryPolicy::BASE_DELAY))
            .variable("SAPCALM_RETRY_BASE_DELAY")
            .describe(
                "Longest wait before the first repetition. It doubles with every further one, up \
                 to 20 seconds; the real wait is at least half of it, and random beyond. Where the \
                 service asks for a longer one (`Retry-After`), that is waited for, up to 2 \
                 minutes.",
            ),
        Attribute::string("request_timeout")
            .validate(&[Validator::Duration])
            .when_absent(Absent::Duration(Config::REQUEST_TIMEOUT))
            .variable("SAPCALM_REQUEST_TIMEOUT")
            .describe("Time for one request with its answer."),
        Attribute::string("connect_timeout")
            .validate(&[Validator::Duration])
            .when_absent(Absent::Duration(Config::CONNECT_TIMEOUT))
            .variable("SAPCALM_CONNECT_TIMEOUT")
            .describe("Time until a connection stands, TLS included."),
        Attribute::number("max_concurrent_requests")
            .validate(&[whole_number(&CONCURRENT_REQUESTS)])
            .when_absent(Absent::Number(Config::MAX_CONCURRENT_REQUESTS as u64))
            .variable("SAPCALM_MAX_CONCURRENT_REQUESTS")
            .describe("Requests in flight at the same time."),
        Attribute::string("append_user_agent")
            .variable("SAPCALM_APPEND_USER_AGENT")
            .describe(
                "Text added to the `User-Agent` header, after the versions of Terraform and of \
                 this provider.",
            ),
    ],
);

const API_ATTRIBUTES: &[Attribute] = &[
    Attribute::string("endpoint")
        .validate(&[Validator::Url])
        .when_absent(Absent::Words("the URL in the service key."))
        .describe(
            "URL that is called instead of the one in the service key. Setting it allows the \
             service key's token to be sent there.",
        ),
    Attribute::string("endpoint_key")
        .validate(&[Validator::Line])
        .when_absent(Absent::Text(OrderManagementApi::ENDPOINT_KEY))
        .describe("Which member of `endpoints` in the service key is called."),
    Attribute::object("register", REGISTER).describe(
        "The call that registers. SAP describes it on [a page that needs a \
         login](https://help.sap.com/viewer/95fb0d8e21b9460b8e4690ebbc667d92/LATEST/en-US/c6ed967bbc004e55abcc0e1ee7867c62.html) \
         (step 4); the default, a `POST` without body to `registration` below the endpoint, is a \
         guess. Set `path` to end the warning that says so.",
    ),
    Attribute::object("offboard", OFFBOARD).describe(
        "The call that offboards. The default is what SAP documents: a `POST` without body to \
         the endpoint as it stands in the service key.",
    ),
    Attribute::map("headers", &AttributeType::String)
        .sensitive()
        .describe("Headers added to both calls."),
    Attribute::set("already_registered_codes", &AttributeType::Number)
        .when_absent(Absent::Numbers(
            OrderManagementApi::ALREADY_REGISTERED_CODES,
        ))
        .describe(
            "HTTP statuses of the registration call that mean \"registered already\", and so \
             success.",
        ),
    Attribute::set("not_registered_codes", &AttributeType::Number).describe(
        "HTTP statuses of the offboarding call that mean \"not registered\", and so success, \
         besides 409 and 410.",
    ),
];

const REGISTER: &[Attribute] = &call(OrderManagementApi::REGISTER_PATH);
const OFFBOARD: &[Attribute] = &call(OrderManagementApi::OFFBOARD_PATH);

/// One call with its default path.
const fn call(path: &'static str) -> [Attribute; 3] {
    [
        Attribute::string("method")
            .validate(&[Validator::OneOf(&["POST", "PUT", "PATCH", "DELETE", "GET"])])
            .when_absent(Absent::Text("POST"))
            .describe("HTTP method."),
        Attribute::string("path")
            .when_absent(Absent::Text(path))
            .describe(
                "Path below the endpoint; an empty text is the endpoint itself, a leading `?` \
                 adds a query only.",
            ),
        Attribute::string("body")
            .sensitive()
            .describe("Body of the request."),
    ]
}

/// The environment variable of an attribute of the `provider` block that is no
/// object.
pub(super) fn variable_name(attribute: &str) -> &'static str {
    let attribute = SCHEMA.attribute(attribute);
    attribute
        .and_then(|attribute| attribute.variable)
        .unwrap_or_default()
}
