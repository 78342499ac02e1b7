//! The ephemeral resource `sapcalm_access_token`: a token bought with one of
//! the provider's service keys, for whatever else talks to SAP in the same
//! run.
//!
//! Nothing is renewed and nothing is closed: a token lives until it expires,
//! and SAP's token service has no call that ends it sooner. One that is handed
//! out still has a tenth of its life, or five minutes, before it.
//!
//! While the service key is not known yet, as in the run that makes it, the
//! plan goes on with an unknown token.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::attributes::{TEXT, Timeouts, shown};
use super::configured::{Configured, client_context};
use super::diagnostics::{Call, failed};
use client::{KeyKind, Token};
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::Diagnostics;
use framework::ephemeral_resource::{EphemeralResource, Opened};
use framework::resource::Context;
use framework::schema::{Absent, Attribute, Schema};
use framework::sensitive::Sensitive;
use framework::validators::Validator;

/// The ephemeral resource `sapcalm_access_token`.
#[derive(Debug)]
pub(crate) struct AccessToken;

static DEFINITION: Definition =
    Definition::new(Kind::EphemeralResource, "sapcalm_access_token", &SCHEMA);

static SCHEMA: Schema = Schema::new(
    0,
    "Fetches an access token with one of the provider's service keys. It is stored nowhere, and \
     can be used where Terraform accepts ephemeral values: in `provider` blocks, in write-only \
     arguments and in other ephemeral resources.\n\n\
     A token is valid until `expires_at` and cannot be renewed or taken back. Give it to no host \
     but those of its own service key: whoever has it can act for the subaccount.",
    &[
        Attribute::string("service_key")
            .required()
            .validate(&[Validator::OneOf(&[
                "destination",
                "order_management",
                "cloud_alm",
            ])])
            .describe(
                "Which of the provider's service keys to use: the one in \
                 `destination_service_key`, in `order_management_service_key` or in \
                 `cloud_alm_service_key`.",
            ),
        Attribute::string("scope")
            .when_absent(Absent::Words("all scopes that the key has."))
            .describe("Scopes to ask for, separated by blanks, with the name of the application."),
        Attribute::timeouts(&[Attribute::open_timeout()]),
        Attribute::string("access_token")
            .computed()
            .sensitive()
            .describe("The token."),
        shown("token_type", "How to use it, usually `bearer`."),
        shown("expires_at", "When it stops being valid (RFC 3339, UTC)."),
        Attribute::list("granted_scopes", &TEXT)
            .computed()
            .describe("The scopes that were granted."),
        shown(
            "subaccount_id",
            "Id of the subaccount that the token acts for, where it says so.",
        ),
        shown(
            "tenant_id",
            "Id of the tenant that the token acts for, where it says so.",
        ),
    ],
);

/// Configuration and result; names follow the schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) service_key: ServiceKey,
    pub(crate) scope: Option<String>,
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) access_token: Option<Sensitive>,
    pub(crate) token_type: Option<String>,
    pub(crate) expires_at: Option<String>,
    pub(crate) granted_scopes: Option<Vec<String>>,
    pub(crate) subaccount_id: Option<String>,
    pub(crate) tenant_id: Option<String>,
}

/// A service key of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServiceKey {
    Destination,
    OrderManagement,
    CloudAlm,
}

impl ServiceKey {
    const fn kind(self) -> KeyKind {
        match self {
            Self::Destination => KeyKind::Destination,
            Self::OrderManagement => KeyKind::OrderManagement,
            Self::CloudAlm => KeyKind::CloudAlm,
        }
    }
}

impl Described for AccessToken {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }
}

impl EphemeralResource for AccessToken {
    type Provider = Configured;
    type Model = Model;

    async fn open(
        &self,
        provider: &Configured,
        context: &Context,
        config: Model,
    ) -> Result<Opened<Model>, Diagnostics> {
        let kind = config.service_key.kind();
        let consequence = "The token is unknown until then, and is fetched while applying. \
             OpenTofu takes no unknown token and ends the plan: there, apply what makes the \
             key first, with `-target` or in a configuration of its own.";
        if let Some(warning) = provider.unknown_key(kind, consequence) {
            return Ok(Opened::later(warning));
        }
        provider.require(kind)?;
        let scope = config.scope.as_deref().filter(|scope| !scope.is_empty());
        let context = client_context(context);
        let token = provider.client().token(&context, kind, scope).await;
        let token = token.map_err(|error| failed(Call::FetchToken(kind), &error))?;
        let claims = &token.claims;
        Ok(Opened {
            result: Some(Model {
                access_token: Some(token.secret.expose_secret().into()),
                token_type: Some(token.token_type.clone()),
                expires_at: expiry(&token).map(|time| time.to_string()),
                granted_scopes: Some(token.granted_scopes.clone()),
                subaccount_id: claims.subaccount_id.clone(),
                tenant_id: claims.tenant.clone(),
                ..config
            }),
            warnings: Diagnostics::new(),
        })
    }
}

/// The end of the token by the clock on the wall, in whole seconds.
fn expiry(token: &Token) -> Option<Timestamp> {
    let left = token.expires_at().saturating_duration_since(Instant::now());
    let left = SignedDuration::try_from(left).ok()?;
    let end = Timestamp::now().checked_add(left).ok()?;
    Timestamp::from_second(end.as_second()).ok()
}
