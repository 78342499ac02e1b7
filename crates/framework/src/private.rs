//! Private state: what the provider keeps beside an object without showing it.
//!
//! Terraform stores it in the state file, neither encrypted nor shown. It is a
//! small JSON object here; content that is foreign or broken counts as empty,
//! so that no state can become unreadable because of it. Equal content gives
//! equal bytes, as a plan that is made twice must be the same.
//!
//! One entry is the framework's: the [decision](super::resource::Resource::Decision)
//! of a plan. Apply takes it out, so no state keeps it and nobody else sees it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The entry of the decision.
const DECISION: &str = "decision";

/// The private data of one object.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Private(BTreeMap<String, serde_json::Value>);

impl fmt::Debug for Private {
    /// The names of the entries, never their content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Private {
    /// Reads what Terraform stored; anything but a JSON object counts as empty.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(serde_json::from_slice(bytes).unwrap_or_default())
    }

    /// What Terraform is to store: empty when there is nothing to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// The entry of that name, where it is there and has the expected shape.
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

    /// Puts a plan's decision in; one without content leaves no entry.
    pub(crate) fn decide<T: Serialize>(&mut self, decision: &T) {
        self.set(DECISION, decision);
        if self.0.get(DECISION) == Some(&serde_json::Value::Null) {
            self.remove(DECISION);
        }
    }

    /// Takes a plan's decision out; null where there is none.
    pub fn take_decision(&mut self) -> serde_json::Value {
        self.0.remove(DECISION).unwrap_or_default()
    }

    /// Removes an entry.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Entry {
        salt: String,
        rounds: u32,
    }

    fn entry() -> Entry {
        Entry {
            salt: "c2FsdA==".to_owned(),
            rounds: 2,
        }
    }

    #[test]
    fn entries_come_back_as_they_were_set() {
        let mut private = Private::default();
        assert_eq!(private.to_bytes(), b"");
        private.set("verifier", &entry());
        let stored = Private::from_bytes(&private.to_bytes());
        assert_eq!(stored, private);
        assert_eq!(stored.get("verifier"), Some(entry()));
        assert_eq!(stored.get::<Entry>("other"), None);
        assert_eq!(stored.get::<u32>("verifier"), None, "another shape");
        private.remove("verifier");
        assert_eq!(private.to_bytes(), b"");
    }

    #[test]
    fn a_value_that_is_no_json_removes_the_entry() {
        let mut private = Private::default();
        private.set("a", &1);
        private.set("a", &std::collections::BTreeMap::from([((1, 2), 3)]));
        assert_eq!(private, Private::default());
    }

    #[test]
    fn the_order_of_setting_does_not_show() {
        let (mut one, mut other) = (Private::default(), Private::default());
        one.set("a", &1);
        one.set("b", &2);
        other.set("b", &2);
        other.set("c", &3);
        other.set("a", &1);
        other.remove("c");
        assert_eq!(one.to_bytes(), other.to_bytes());
    }

    #[test]
    fn foreign_content_counts_as_empty() {
        for bytes in [
            &b""[..],
            b"null",
            b"[]",
            b"7",
            b"{\"a\":",
            b"\xff\xfe",
            b"{} x",
        ] {
            assert_eq!(Private::from_bytes(bytes), Private::default());
        }
        let deep = "[".repeat(100_000);
        assert_eq!(Private::from_bytes(deep.as_bytes()), Private::default());
    }

    #[test]
    fn printing_shows_names_only() {
        let mut private = Private::default();
        private.set("verifier", &entry());
        assert_eq!(format!("{private:?}"), r#"{"verifier"}"#);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
            let private = Private::from_bytes(&bytes);
            prop_assert_eq!(Private::from_bytes(&private.to_bytes()), private);
        }
    }
}
