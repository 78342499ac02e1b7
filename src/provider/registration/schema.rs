//! Attributes, identity and model of `sapcalm_registration`, and what is kept
//! beside a registration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::attributes::{TIMEOUTS, Timeouts, shown};
use framework::definition::{Definition, Kind};
use framework::private::Private;
use framework::schema::{Absent, Attribute, AttributeType, IdentitySchema, Replace, Schema};
use framework::validators::{Validator, wrong_line};

use super::super::destination::NAME_RULE;

/// Full type name.
pub(super) const TYPE_NAME: &str = "sapcalm_registration";

/// The entry of the private state with what was [`Given`].
const RECORD: &str = "record";

/// What counts for a part of the landscape id that nobody gives.
const FROM_LANDSCAPE: Absent =
    Absent::Words("found in the landscape, where neither `environment` nor `lms_id` is set.");

pub(super) static DEFINITION: Definition = Definition::new(Kind::Resource, TYPE_NAME, &SCHEMA);

pub(super) static IDENTITY: IdentitySchema = IdentitySchema::new(&[Attribute::string("tenant_id")
    .required()
    .describe("The Order Management tenant that is registered.")]);

pub(super) static SCHEMA: Schema = Schema::new(
    0,
    "The registration of a tenant of SAP Order Management foundation for Integration Monitoring \
     in SAP Cloud ALM. The tenant is the one of the provider's `order_management_service_key`. \
     Destroying it offboards the tenant. One tenant needs one registration.\n\n\
     SAP describes the calls on pages that need a login: [registering, in step \
     4](https://help.sap.com/viewer/95fb0d8e21b9460b8e4690ebbc667d92/LATEST/en-US/c6ed967bbc004e55abcc0e1ee7867c62.html), \
     [offboarding](https://help.sap.com/docs/SAP_Order_Management_Foundation/95fb0d8e21b9460b8e4690ebbc667d92/efe53dae889e42adbd3bd0722336b995.html?version=Cloud) \
     and [the token](https://help.sap.com/viewer/d91676a7fa624c31b7b1c526d7787e2f/LATEST/en-US/8d62e6742e9f4afbb492ff976d05fdc9.html). \
     This provider's path for registering is a guess: compare it, and set \
     `order_management_api.register` in the `provider` block.\n\n\
     Order Management is taken to read the destination `CloudALM` in its own subaccount when it \
     registers, while it sends data and when it is offboarded. Refer to the destination in \
     `destination_name`, so that it is made before the registration and outlives it.",
    &[
        Attribute::string("destination_name")
            .required()
            .validate(&[NAME_RULE])
            .replace(Replace::IfPriorKnown)
            .describe(
                "Name of the destination through which Order Management calls Cloud ALM, in the \
                 subaccount of Order Management. Order Management expects `CloudALM`. When the \
                 provider has a `destination_service_key`, the destination must exist before \
                 anything is registered.",
            ),
        Attribute::map("triggers", &AttributeType::String)
            .replace(Replace::IfPriorKnown)
            .describe(
                "Values of your choice. A change of one of them offboards the tenant and \
                 registers it anew; for example `{ target = sapcalm_destination.cloud_alm.url }`, \
                 so that the tenant is offboarded through the old destination before that \
                 changes. Values that are set for the first time on an existing registration \
                 change nothing.",
            ),
        Attribute::string("scope")
            .validate(&[Validator::Custom(
                "One line, or empty.",
                |value| match wrong_line(value.as_str().unwrap_or_default()) {
                    Some(wrong) => Err(format!("The scope {wrong}. Write it as SAP does.")),
                    None => Ok(()),
                },
            )])
            .when_absent(Absent::Words(
                "`{xsappname}.IntegrationMonitoring`, with the `xsappname` of the service key.",
            ))
            .describe(
                "Scope of the token for both calls. An empty text asks for all scopes that the \
                 service key has.",
            ),
        Attribute::string("environment")
            .optional_computed()
            .validate(&[Validator::Line])
            .when_absent(FROM_LANDSCAPE)
            .describe("Middle part of the landscape id, `CO_<environment>_<tenant ID>`."),
        Attribute::string("lms_id")
            .optional_computed()
            .validate(&[Validator::Line])
            .when_absent(FROM_LANDSCAPE)
            .describe(
                "Id of the tenant in the landscape of Cloud ALM. The landscape is searched for \
                 `CO_*_<tenant ID>`; the id stays null when several objects match.",
            ),
        Attribute::bool("verify")
            .when_absent(Absent::Words(
                "`true` when the provider has a `cloud_alm_service_key`, else `false`.",
            ))
            .describe(
                "Whether the tenant is looked up in the landscape of Cloud ALM after registering \
                 and with every read. A tenant that is not found there is never an error; for \
                 that, write a `postcondition` on `status`. A key that may not read the landscape \
                 is a warning where this is `true`, and otherwise nothing is looked up.",
            ),
        Attribute::string("verify_timeout")
            .validate(&[Validator::Duration])
            .when_absent(Absent::Words("no wait, one look."))
            .describe(
                "How long to wait, after registering, for the tenant to show up in the landscape.",
            ),
        shown("id", "The tenant id.").keep_prior(),
        shown("tenant_id", "The Order Management tenant that is registered.").keep_prior(),
        Attribute::string("status").computed().validate(Status::NAMES).describe(
            "`accepted`: Order Management confirmed the call. `registered`: the tenant was seen \
             in the landscape of Cloud ALM. `missing`: it was seen and is not shown any more, \
             because somebody offboarded it or because access control in Landscape Management \
             hides it; the next apply registers it again. Null after an import or an interrupted \
             create, until the tenant is seen.",
        ),
        shown(
            "message",
            "What Order Management answered when it registered the tenant, shortened and without \
             secrets.",
        ),
        TIMEOUTS,
    ],
);

/// Configuration, plan and state.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Model {
    /// Null only after an import.
    pub(crate) destination_name: Option<String>,
    /// Values whose change registers anew.
    pub(crate) triggers: Option<BTreeMap<String, Option<String>>>,
    /// Scope of the token.
    pub(crate) scope: Option<String>,
    /// Middle part of the landscape id.
    pub(crate) environment: Option<String>,
    /// The landscape id.
    pub(crate) lms_id: Option<String>,
    /// Whether the landscape is asked.
    pub(crate) verify: Option<bool>,
    /// How long the landscape is asked after registering.
    pub(crate) verify_timeout: Option<String>,
    /// The tenant.
    pub(crate) id: Option<String>,
    /// The tenant.
    pub(crate) tenant_id: Option<String>,
    /// What is known about the registration; nothing after an import or an
    /// interrupted create.
    pub(crate) status: Option<Status>,
    /// Order Management's answer.
    pub(crate) message: Option<String>,
    /// Limits of the operations; the framework reads them.
    pub(crate) timeouts: Option<Timeouts>,
}

/// What is known about a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// Order Management confirmed the registration call.
    Accepted,
    /// The tenant was seen in the landscape.
    Registered,
    /// The tenant was seen in the landscape and is not there any more.
    Missing,
}

impl Status {
    /// Every status, as the state spells it.
    const NAMES: &[Validator] = &[Validator::OneOf(&["accepted", "registered", "missing"])];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Registered => "registered",
            Self::Missing => "missing",
        }
    }
}

/// Which parts of the landscape id the configuration gives. It is kept beside a
/// registration, so that one that leaves the configuration is known to be
/// discovered again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) lms_id: bool,
    pub(super) environment: bool,
}

impl Given {
    pub(super) fn of(config: &Model) -> Self {
        Self {
            lms_id: config.lms_id.is_some(),
            environment: config.environment.is_some(),
        }
    }

    pub(super) fn any(self) -> bool {
        self.lms_id || self.environment
    }

    pub(super) fn read(private: &Private) -> Self {
        private.get(RECORD).unwrap_or_default()
    }

    pub(super) fn write(self, private: &mut Private) {
        private.set(RECORD, &self);
    }
}

/// The landscape id of a tenant.
pub(in crate::provider) fn lms_id(environment: &str, tenant: &str) -> String {
    format!("CO_{environment}_{tenant}")
}

/// The environment in a landscape id, when it is one of this tenant.
pub(in crate::provider) fn environment_in(lms_id: &str, tenant: &str) -> Option<String> {
    let middle = lms_id.strip_prefix("CO_")?;
    let end = middle.len().checked_sub(tenant.len())?;
    let (environment, rest) = (middle.get(..end)?, middle.get(end..)?);
    let environment = environment.strip_suffix('_')?;
    (rest.eq_ignore_ascii_case(tenant) && !environment.is_empty()).then(|| environment.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "11111111-2222-4333-8444-555555555555";

    #[test]
    fn the_environment_is_what_stands_between_prefix_and_tenant() {
        let found = |id: &str| environment_in(id, TENANT);
        assert_eq!(found(&lms_id("prod", TENANT)), Some("prod".to_owned()));
        assert_eq!(found(&lms_id("eu_10", TENANT)), Some("eu_10".to_owned()));
        assert_eq!(
            found(&lms_id("prod", &TENANT.to_uppercase())),
            Some("prod".to_owned())
        );
        assert_eq!(found(&format!("CO_{TENANT}")), None);
        assert_eq!(found(&format!("CO__{TENANT}")), None);
        assert_eq!(found(&format!("XX_prod_{TENANT}")), None);
        assert_eq!(found("CO_prod_other"), None);
        assert_eq!(found("CO_ü"), None);
    }
}
