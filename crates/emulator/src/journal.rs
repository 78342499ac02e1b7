//! What was asked, in order of arrival, without any secret.

use serde::Serialize;
use serde_json::Value;

use super::call::{Call, value_of};

/// One request. What is written down is chosen here; bodies are not.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Arrival, RFC 3339 with milliseconds.
    pub time: String,
    /// HTTP method.
    pub method: String,
    /// Path with query, as sent.
    pub path: String,
    /// Status of the answer; absent while there is none or when the connection was reset.
    pub status: Option<u16>,
    /// Who asked, when the credentials or the token say so.
    pub client_id: Option<String>,
    /// Correlation id of the request, or the one that was made for it.
    pub correlation_id: String,
    /// `User-Agent` header.
    pub user_agent: Option<String>,
    /// The emulated service that asked on its own behalf; absent for requests from outside.
    pub caller: Option<String>,
    /// Whether a fault was applied.
    pub fault: bool,
    /// Whether the fault's delay has begun: nothing happens until it is over.
    pub held: bool,
    /// Requests from outside that were in progress when this one arrived,
    /// itself included.
    pub in_flight: usize,
    /// Names of the properties in the body of a destination, sorted; never values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<String>>,
    /// The `scope` of a token request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// All requests since the start or since the journal was cleared.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Vec<Entry>,
    /// How many entries were cleared: what a request in flight remembers as
    /// its place must not hit a later entry.
    cleared: usize,
}

/// The place of one entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

impl Journal {
    /// Appends an entry.
    pub(crate) fn append(&mut self, entry: Entry) -> Place {
        self.entries.push(entry);
        Place(self.cleared + self.entries.len() - 1)
    }

    /// The entry at a place, unless it was cleared.
    pub(crate) fn at(&mut self, place: Place) -> Option<&mut Entry> {
        let index = place.0.checked_sub(self.cleared)?;
        self.entries.get_mut(index)
    }

    /// All entries.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Forgets all entries.
    pub(crate) fn clear(&mut self) {
        self.cleared += self.entries.len();
        self.entries.clear();
    }
}

/// The property names in the body of a write to the Destination service.
pub(crate) fn property_names(call: &Call) -> Option<Vec<String>> {
    if !call.path.starts_with("/destination-configuration/") || call.body.is_empty() {
        return None;
    }
    let body: Value = serde_json::from_slice(&call.body).ok()?;
    let objects = match &body {
        Value::Array(items) => items.iter().filter_map(Value::as_object).collect(),
        Value::Object(object) => vec![object],
        _ => return None,
    };
    let mut names: Vec<String> = objects
        .into_iter()
        .flat_map(|object| object.keys().cloned())
        .collect();
    names.sort();
    names.dedup();
    Some(names)
}

/// The `scope` of a token request.
pub(crate) fn requested_scope(call: &Call) -> Option<String> {
    if !call.path.ends_with("/oauth/token") {
        return None;
    }
    value_of(&call.form(), "scope").map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str) -> Entry {
        Entry {
            time: String::new(),
            method: "GET".to_owned(),
            path: path.to_owned(),
            status: None,
            client_id: None,
            correlation_id: String::new(),
            user_agent: None,
            caller: None,
            fault: false,
            held: false,
            in_flight: 1,
            keys: None,
            scope: None,
        }
    }

    #[test]
    fn a_request_in_flight_does_not_touch_entries_after_a_clear() {
        let mut journal = Journal::default();
        let old = journal.append(entry("/old"));
        journal.clear();
        let new = journal.append(entry("/new"));
        assert!(journal.at(old).is_none());
        assert_eq!(journal.at(new).unwrap().path, "/new");
        assert_eq!(journal.entries().len(), 1);
    }
}
