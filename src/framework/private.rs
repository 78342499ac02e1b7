//! Private state: what the provider keeps beside an object without showing it.
//!
//! Terraform stores it in the state file, neither encrypted nor shown. It is a
//! small JSON object here; content that is foreign or broken counts as empty,
//! so that no state can become unreadable because of it.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The private data of one object.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Private(serde_json::Map<String, serde_json::Value>);

impl fmt::Debug for Private {
    /// The names of the entries, never their content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Private {
    /// Reads what Terraform stored; anything but a JSON object counts as empty.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(serde_json::from_slice(bytes).unwrap_or_default())
    }

    /// What Terraform is to store: empty when there is nothing to keep.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// The entry of that name, where it is there and has the expected shape.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_value(self.0.get(key)?.clone()).ok()
    }

    /// Sets an entry. A value that cannot be written as JSON removes it.
    pub fn set<T: Serialize>(&mut self, key: &str, value: &T) {
        match serde_json::to_value(value) {
            Ok(value) => {
                self.0.insert(key.to_owned(), value);
            }
            Err(_) => self.remove(key),
        }
    }

    /// Removes an entry.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }
}
