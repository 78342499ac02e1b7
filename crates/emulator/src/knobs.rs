//! What nobody documents, as settings.
//!
//! SAP's documentation leaves questions open: what does an offboarding call
//! answer when nothing is registered, is an etag quoted, is `PATCH` there at
//! all? Each of them is one field here. The defaults are what the
//! documentation suggests most; a client that only works with the defaults
//! has guessed.
//!
//! The knobs are JSON in a scenario file and at `/_emulator/knobs`. A field
//! that is left out has its default; an unknown field is an error.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Every knob, grouped by the service that it turns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// Milliseconds that every answer takes at least.
    pub latency_ms: u64,
    /// Path prefixes behind which no application runs: the platform's router
    /// answers 404 with `X-Cf-Routererror: unknown_route`.
    pub unrouted: Vec<String>,
    /// The token servers.
    pub token: TokenKnobs,
    /// The Destination service.
    pub destination: DestinationKnobs,
    /// Order Management foundation.
    pub order_management: OrderManagementKnobs,
    /// Cloud ALM.
    pub cloud_alm: CloudAlmKnobs,
    /// Job Scheduling.
    pub job_scheduling: JobSchedulingKnobs,
}

/// Knobs of the Job Scheduling service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobSchedulingKnobs {
    /// Form of error bodies, also of the 404 for a job that is gone.
    pub error_body: ErrorBody,
}

impl Default for JobSchedulingKnobs {
    fn default() -> Self {
        Self {
            error_body: ErrorBody::Json,
        }
    }
}

/// Knobs of the token servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenKnobs {
    /// Seconds that a token is valid.
    pub lifetime_s: u64,
    /// What a scope does that the client does not have.
    pub scope: ScopeRule,
    /// Body of the 401 for wrong credentials.
    pub unauthorized_body: UnauthorizedBody,
    /// What an access token looks like from outside.
    pub format: TokenFormat,
    /// Subdomains of subscribers: every client may fetch tokens there, too.
    pub subscribers: Vec<String>,
}

impl Default for TokenKnobs {
    fn default() -> Self {
        Self {
            lifetime_s: 43_200,
            scope: ScopeRule::Strict,
            unauthorized_body: UnauthorizedBody::Unauthorized,
            format: TokenFormat::Jwt,
            subscribers: Vec::new(),
        }
    }
}

/// What a requested scope does that the client does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeRule {
    /// The whole request fails with 400 `invalid_scope`, as in UAA.
    Strict,
    /// It is dropped; the token carries the others.
    Ignore,
}

/// Body of a 401 of the token server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnauthorizedBody {
    /// `unauthorized` / `Bad credentials`, as in UAA.
    Unauthorized,
    /// `invalid_client` / `Client authentication failed`, SAP's text.
    InvalidClient,
    /// No JSON at all.
    Text,
}

/// What an access token looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// A JWT with the claims of XSUAA.
    Jwt,
    /// A JWT that names neither tenant nor subaccount.
    JwtWithoutTenant,
    /// An opaque string.
    Opaque,
}

/// Knobs of the Destination service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent questions, each with two answers"
)]
pub struct DestinationKnobs {
    /// Form of an error body.
    pub error_body: ErrorBody,
    /// Body of the 409 for a name that exists.
    pub duplicate_body: DuplicateBody,
    /// Whether `$includeMetadata` does anything on `POST`.
    pub post_metadata: bool,
    /// Whether `PATCH` exists.
    pub patch: PatchSupport,
    /// Whether a 405 names the methods that there are (`Allow`), as HTTP demands.
    pub allow_header: bool,
    /// Answer to `DELETE` of a destination that is not there.
    pub missing_delete: MissingDelete,
    /// Whether the `ETag` header has quotes.
    pub quoted_etag: bool,
    /// Whether `If-Match` is honoured on `PUT`, `PATCH` and `DELETE`.
    pub if_match_on_write: bool,
    /// Whether labels survive a `PUT`.
    pub put_keeps_labels: bool,
    /// Which names are valid.
    pub name_rule: NameRule,
    /// What a property does that is not a JSON string.
    pub values: ValueRule,
    /// Whether the keys that an authentication needs are checked.
    pub check_required: bool,
    /// Most destinations in one subaccount; absent means no limit.
    pub entity_limit: Option<usize>,
    /// Milliseconds until consumers (Find, Order Management) see a change.
    pub propagation_ms: u64,
    /// Whether name and content of a certificate must fit together.
    pub check_certificates: bool,
    /// How the content of a certificate is told.
    pub certificate_content: CertificateContent,
    /// Whether that of a generated certificate has its private key.
    pub generated_key: bool,
}

impl Default for DestinationKnobs {
    fn default() -> Self {
        Self {
            error_body: ErrorBody::Json,
            duplicate_body: DuplicateBody::Documented,
            post_metadata: true,
            patch: PatchSupport::Supported,
            allow_header: true,
            missing_delete: MissingDelete::NotFound,
            quoted_etag: false,
            if_match_on_write: false,
            put_keeps_labels: true,
            name_rule: NameRule::Strict,
            values: ValueRule::Reject,
            check_required: true,
            entity_limit: Some(1000),
            propagation_ms: 0,
            check_certificates: true,
            certificate_content: CertificateContent::Verbatim,
            generated_key: true,
        }
    }
}

/// How the content of a certificate is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateContent {
    /// As it was sent.
    Verbatim,
    /// The same bytes, in lines of 76 characters.
    Wrapped,
    /// Other bytes that mean the same, as after a conversion.
    Rewritten,
    /// The same for every file.
    Masked,
    /// Not at all.
    Withheld,
}

/// Form of an error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// JSON in the service's own form.
    Json,
    /// The bare text.
    Text,
}

/// Body of the 409 for a destination that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateBody {
    /// Text, or JSON with the existing object's metadata when that was asked for.
    Documented,
    /// Always JSON.
    Json,
    /// Always text.
    Text,
}

/// Whether the service knows `PATCH`, which is a recent addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchSupport {
    /// It does.
    Supported,
    /// 405.
    MethodNotAllowed,
    /// 501.
    NotImplemented,
    /// 404, although the destination exists.
    NotFound,
}

/// Answer to `DELETE` of a destination that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingDelete {
    /// 404.
    NotFound,
    /// 200 with `{"Count":0}`.
    CountZero,
}

/// Which destination names are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameRule {
    /// At most 200 letters, digits, `_` and `-`.
    Strict,
    /// At most 255 characters without `/` and control characters.
    Lenient,
}

/// What a property does that is not a JSON string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueRule {
    /// 400.
    Reject,
    /// It is stored as its JSON text.
    Stringify,
}

/// Knobs of Order Management foundation and of its service key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderManagementKnobs {
    /// Whether the key has its credentials in `uaa` or at the top.
    pub key_shape: KeyShape,
    /// Form of `endpoints.<endpoint_key>` in the key.
    pub endpoint_form: EndpointForm,
    /// Name of the endpoint in the key.
    pub endpoint_key: String,
    /// Which application's name begins the scope.
    pub scope_owner: ScopeOwner,
    /// Whether the client has the scope at all; a key from before the feature has not.
    pub scope_granted: bool,
    /// Path of the registration call, after the endpoint.
    pub register_path: String,
    /// Method of the registration call.
    pub register_method: String,
    /// Headers that the registration call must have.
    pub register_headers: BTreeMap<String, String>,
    /// What the body of the registration call must be.
    pub register_body: BodyRule,
    /// Path of the offboarding call, after the endpoint.
    pub offboard_path: String,
    /// Method of the offboarding call.
    pub offboard_method: String,
    /// Status when a registration exists already: 2xx registers anew.
    pub already_registered: u16,
    /// Status of an offboarding call without registration.
    pub not_registered: u16,
    /// Form of success messages and errors.
    pub messages: ErrorBody,
    /// Which form of `URL` the destination must have.
    pub url_form: UrlForm,
    /// Whether offboarding needs a working destination, too.
    pub offboard_uses_destination: bool,
    /// The word between `CO_` and the tenant in the landscape's id.
    pub environment: String,
}

impl Default for OrderManagementKnobs {
    fn default() -> Self {
        Self {
            key_shape: KeyShape::Nested,
            endpoint_form: EndpointForm::Text,
            endpoint_key: "integration-monitoring-api".to_owned(),
            scope_owner: ScopeOwner::Xsappname,
            scope_granted: true,
            register_path: "/v1/registration".to_owned(),
            register_method: "POST".to_owned(),
            register_headers: BTreeMap::new(),
            register_body: BodyRule::Any,
            offboard_path: String::new(),
            offboard_method: "POST".to_owned(),
            already_registered: 200,
            not_registered: 200,
            messages: ErrorBody::Json,
            url_form: UrlForm::Verbatim,
            offboard_uses_destination: true,
            environment: "prod".to_owned(),
        }
    }
}

/// Where a service key has its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyShape {
    /// In the object `uaa`.
    Nested,
    /// At the top.
    Flat,
}

/// Form of an endpoint in a service key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointForm {
    /// A string.
    Text,
    /// An object with `url`.
    Object,
}

/// Which application's name begins the scope `<name>.IntegrationMonitoring`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeOwner {
    /// The whole `xsappname` of the key.
    Xsappname,
    /// The part after `|`, the application that the key was cloned from.
    Master,
}

/// What a request body must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyRule {
    /// Anything.
    Any,
    /// Empty.
    Empty,
    /// JSON.
    Json,
}

/// Which form of the Cloud ALM address a destination must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UrlForm {
    /// `endpoints.Api` as it is, with `/api`.
    Verbatim,
    /// Only scheme and host; the service adds `/api` itself.
    Origin,
}

/// Knobs of Cloud ALM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent questions, each with two answers"
)]
pub struct CloudAlmKnobs {
    /// Whether the client has the scope for the landscape.
    pub scope_granted: bool,
    /// Milliseconds from a registration until the landscape shows it.
    pub landscape_delay_ms: u64,
    /// Whether the landscape shows anything.
    pub landscape_visible: bool,
    /// Whether an empty result is an empty body instead of `[]`.
    pub empty_body: bool,
    /// Whether query parameters other than `limit` and `offset` filter.
    pub filters: bool,
    /// Largest page, also the page without `limit`.
    pub page_size: usize,
    /// Whether offboarding removes the landscape object.
    pub offboard_removes_object: bool,
    /// Form of an error body; the JSON is that of `OData`.
    pub error_body: ErrorBody,
}

impl Default for CloudAlmKnobs {
    fn default() -> Self {
        Self {
            scope_granted: true,
            landscape_delay_ms: 0,
            landscape_visible: true,
            empty_body: false,
            filters: true,
            page_size: 100,
            offboard_removes_object: true,
            error_body: ErrorBody::Json,
        }
    }
}
