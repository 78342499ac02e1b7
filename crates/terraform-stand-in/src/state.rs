//! The state file, in memory: every object lies in it as JSON, so that each
//! step of a scenario goes through the provider's upgrade, as with Terraform.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::value::Val;

/// An object between two calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub value: Val,
    pub private: Vec<u8>,
    /// Null when there is none.
    pub identity: Val,
    pub tainted: bool,
}

impl Object {
    /// What a create starts from.
    pub fn none() -> Self {
        Self {
            value: Val::Null,
            private: Vec::new(),
            identity: Val::Null,
            tainted: false,
        }
    }
}

/// An object in the state file.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    pub type_name: String,
    /// The object as JSON text.
    pub state: String,
    pub schema_version: i64,
    pub private: Vec<u8>,
    /// The identity as JSON text.
    pub identity: Option<String>,
    pub identity_version: i64,
    pub tainted: bool,
    /// Addresses that must outlive this object.
    pub depends_on: Vec<String>,
    pub create_before_destroy: bool,
}

impl Instance {
    /// The object as JSON.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.state).unwrap()
    }
}

/// Objects by address (`type.name`), and those that wait for their destruction
/// after a replacement that created first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub current: BTreeMap<String, Instance>,
    pub deposed: Vec<(String, Instance)>,
}

impl State {
    /// JSON as Terraform writes it into the state file.
    pub fn pretty(value: &Val) -> String {
        serde_json::to_string_pretty(&value.to_json()).unwrap()
    }

    pub fn is_empty(&self) -> bool {
        self.current.is_empty() && self.deposed.is_empty()
    }

    /// Everything in the state as one text, to search for what must not be there.
    pub fn text(&self) -> String {
        let current = self.current.iter();
        let deposed = self
            .deposed
            .iter()
            .map(|(address, instance)| (address, instance));
        let mut text = String::new();
        for (address, instance) in current.chain(deposed) {
            let identity = instance.identity.as_deref().unwrap_or_default();
            let private = String::from_utf8_lossy(&instance.private);
            for line in [address, &instance.state, identity, &private] {
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}
