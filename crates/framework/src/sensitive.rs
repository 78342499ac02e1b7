//! A secret as a field of a resource's model.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that must never be printed. It serialises to its real value,
/// because a sensitive attribute that is not write-only belongs into the
/// state, as the practitioner chose.
#[derive(Clone)]
pub struct Sensitive(SecretString);

impl Sensitive {
    /// The text itself. Ask for it only to send it to its owner.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Sensitive {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Sensitive {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// For comparing a plan with a state on this machine. It takes no care of
/// timing, so it is not for checking what somebody claims from afar.
impl PartialEq for Sensitive {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Sensitive {}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive")
    }
}

impl Serialize for Sensitive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Sensitive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_stored_and_not_printed() {
        let secret = Sensitive::from("hunter2");
        assert_eq!(format!("{secret:?}"), "Sensitive");
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#""hunter2""#);
        let read: Sensitive = serde_json::from_str(r#""hunter2""#).unwrap();
        assert_eq!(read, secret);
        assert_ne!(read, Sensitive::from("hunter3"));
    }
}
