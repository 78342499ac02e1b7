//! The secrets that a configuration gives, in either of the two objects.

use std::collections::BTreeMap;

use framework::value::Value;

use super::vocabulary::NAMED_SECRETS;

/// The two objects that hold secrets, and the endings of their members.
pub(super) const SECRET_OBJECTS: [(&str, &str); 2] =
    [("credentials", "_wo"), ("stored_credentials", "")];

/// The configured secrets, by SAP's names.
pub(super) struct Credentials<'a> {
    /// Neither of the two objects is there.
    pub(super) is_absent: bool,
    /// Names or the objects themselves are not known yet.
    pub(super) is_open: bool,
    /// What is configured and not null.
    pub(super) values: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Credentials<'a> {
    /// Both objects of a configuration together.
    pub(super) fn of(config: &'a Value) -> Self {
        let [mut both, stored] =
            SECRET_OBJECTS.map(|(name, suffix)| Self::of_object(config.get(name), suffix));
        both.is_absent &= stored.is_absent;
        both.is_open |= stored.is_open;
        both.values.extend(stored.values);
        both
    }

    /// One of them; `suffix` is the ending of its members.
    pub(super) fn of_object(object: &'a Value, suffix: &str) -> Self {
        let further = object.get(&format!("properties{suffix}"));
        let mut found = Self {
            is_absent: object.is_null(),
            is_open: further.is_unknown(),
            values: BTreeMap::new(),
        };
        for (member, key) in NAMED_SECRETS {
            found.put(key, object.get(&format!("{member}{suffix}")));
        }
        for (key, value) in further.entries().into_iter().flatten() {
            found.put(key, value);
        }
        found
    }

    fn put(&mut self, key: &'a str, value: &'a Value) {
        if !value.is_null() {
            self.values.insert(key, value);
        }
    }
}
