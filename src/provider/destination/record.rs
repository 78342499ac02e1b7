//! What is remembered about a destination beside its state, in private data:
//! written by Read and by a successful create or update, used by Plan and Read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use framework::private::Private;

use super::super::destination_service::secret::{NoRandomness, Remembered, text};

/// The entry in private data.
const ENTRY: &str = "record";

/// Where the value of a secret comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Origin {
    Configuration,
    /// The key in `service_key`.
    ServiceKey,
    /// The provider's key.
    CloudAlmKey,
}

impl Origin {
    /// The text of the entry in `secrets`.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Configuration => text::CONFIGURATION,
            Self::ServiceKey => text::SERVICE_KEY,
            Self::CloudAlmKey => text::CLOUD_ALM_KEY,
        }
    }
}

/// What is remembered. Where nothing is, nothing is written: Terraform writes
/// the whole state after every object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// Version of the destination at the last look that changed something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    /// The service key that `url`, `client_id` and `token_service_url` came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Origin>,
    /// What `properties` of the state holds was configured, and not found.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) owns_properties: bool,
    /// The secrets, by SAP's names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) secrets: BTreeMap<String, Remembered>,
    /// What SAP tells of properties that it tells otherwise than they were
    /// written, by SAP's names; nothing where it leaves them out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) told: BTreeMap<String, Option<String>>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Record {
    /// Reads private data; what is foreign or broken there counts as nothing.
    pub(super) fn load(private: &Private) -> Self {
        private.get(ENTRY).unwrap_or_default()
    }

    /// Private data with it.
    pub(super) fn store(&self) -> Private {
        let mut private = Private::default();
        if *self != Self::default() {
            private.set(ENTRY, self);
        }
        private
    }

    /// Whether the secret is certainly the remembered one.
    pub(super) fn confirms(&self, key: &str, secret: &str) -> bool {
        let remembered = self.secrets.get(key);
        remembered.is_some_and(|remembered| remembered.confirms(secret))
    }

    /// Remembers a secret, unless it is remembered already.
    pub(super) fn remember(
        &mut self,
        key: &str,
        secret: &str,
        new: fn(&str) -> Result<Remembered, NoRandomness>,
    ) -> Result<(), NoRandomness> {
        if !self.confirms(key, secret) {
            self.secrets.insert(key.to_owned(), new(secret)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_from_private_data() {
        let mut record = Record {
            etag: Some("e".into()),
            key: Some(Origin::CloudAlmKey),
            ..Record::default()
        };
        record
            .remember("Password", "canary", Remembered::new)
            .unwrap();
        record.told.insert("URL".into(), None);
        let private = record.store();
        assert_eq!(Record::load(&private), record);
        assert!(
            !String::from_utf8(private.to_bytes())
                .unwrap()
                .contains("canary")
        );
    }

    #[test]
    fn nothing_to_remember_takes_no_bytes() {
        assert!(Record::default().store().to_bytes().is_empty());
    }

    #[test]
    fn foreign_private_data_counts_as_empty() {
        let private = Private::from_bytes(br#"{"record": [1, 2], "other": true}"#);
        assert_eq!(Record::load(&private), Record::default());
    }
}
