//! A configuration, plan or state of `sapcalm_destination`, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use framework::sensitive::Sensitive;

use super::super::attributes::Timeouts;

/// Names in the world of SAP Cloud ALM: the destination that SAP Order
/// Management foundation reads.
pub(crate) const DEFAULT_NAME: &str = "CloudALM";

/// A configuration, plan or state of the resource; names and order follow the
/// schema. A model without value is a configuration without arguments.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) name: Option<String>,
    pub(crate) level: Option<String>,
    pub(crate) r#type: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) proxy_type: Option<String>,
    pub(crate) authentication: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) token_service_url: Option<String>,
    pub(crate) token_service_url_type: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) token_service_key_store_location: Option<String>,
    pub(crate) service_key: Option<ServiceKey>,
    pub(crate) properties: Option<BTreeMap<String, String>>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) stored_credentials: Option<StoredCredentials>,
    pub(crate) labels: Option<BTreeMap<String, BTreeSet<String>>>,
    pub(crate) adopt_existing: Option<bool>,
    pub(crate) check_token: Option<bool>,
    pub(crate) allow_unmanaged: Option<BTreeSet<String>>,
    pub(crate) id: Option<String>,
    pub(crate) subaccount_id: Option<String>,
    pub(crate) instance_id: Option<String>,
    /// An entry of a plan is `None` where it is not known yet.
    pub(crate) secrets: Option<BTreeMap<String, Option<String>>>,
    pub(crate) unmanaged_properties: Option<Vec<String>>,
    pub(crate) timeouts: Option<Timeouts>,
}

/// The nested object `service_key`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceKey {
    pub(crate) json_wo: Option<Sensitive>,
    pub(crate) url_form: Option<String>,
    pub(crate) url_path: Option<String>,
}

/// The nested object `credentials`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    pub(crate) client_secret_wo: Option<Sensitive>,
    pub(crate) password_wo: Option<Sensitive>,
    pub(crate) properties_wo: Option<BTreeMap<String, Sensitive>>,
    pub(crate) version: Option<i64>,
}

/// The nested object `stored_credentials`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredCredentials {
    pub(crate) client_secret: Option<Sensitive>,
    pub(crate) password: Option<Sensitive>,
    pub(crate) properties: Option<BTreeMap<String, Sensitive>>,
}

impl Model {
    /// Name of the destination.
    pub(super) fn destination_name(&self) -> &str {
        self.name.as_deref().unwrap_or(DEFAULT_NAME)
    }

    /// Whether this is the stub of an import or a move, which Read completes.
    /// Every destination has a type.
    pub(super) fn is_stub(&self) -> bool {
        self.r#type.is_none()
    }

    /// The configured value of a secret, by the name of its entry in `secrets`.
    pub(super) fn secret(&self, name: &str) -> Option<&Sensitive> {
        let written = self.credentials.as_ref();
        let stored = self.stored_credentials.as_ref();
        match name {
            "client_secret" => written
                .and_then(|object| object.client_secret_wo.as_ref())
                .or_else(|| stored?.client_secret.as_ref()),
            "password" => written
                .and_then(|object| object.password_wo.as_ref())
                .or_else(|| stored?.password.as_ref()),
            _ => written
                .and_then(|object| object.properties_wo.as_ref()?.get(name))
                .or_else(|| stored?.properties.as_ref()?.get(name)),
        }
    }
}
