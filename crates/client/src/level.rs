//! The levels on which the Destination service keeps objects.

use std::fmt;

/// Where an object of the Destination service lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Visible in the whole subaccount.
    Subaccount,
    /// Visible to the service instance of the key only.
    Instance,
}

impl Level {
    /// `subaccount` or `instance`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subaccount => "subaccount",
            Self::Instance => "instance",
        }
    }

    /// The level of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Subaccount, Self::Instance]
            .into_iter()
            .find(|level| level.as_str() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
