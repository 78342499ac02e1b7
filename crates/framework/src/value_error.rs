//! Why something is not the value that was expected.
//!
//! One error for the codecs and for the models: both look for a part to blame
//! and say what is wrong with it, without quoting a value.

use std::borrow::Cow;
use std::fmt;

use super::number::NumberError;
use super::path::{Path, Step};

/// What is wrong with which part of a value.
///
/// The message is a sentence without values, so that it can be shown whatever
/// they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    /// The part to blame. It ends at a set, whose elements have no address.
    pub path: Path,
    /// What is wrong with it.
    pub message: Cow<'static, str>,
    /// Whether the value itself is to blame: its type is the right one.
    pub(super) unusable: bool,
}

impl ValueError {
    pub(super) fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: Path::root(),
            message: message.into(),
            unusable: false,
        }
    }

    /// The same error, seen from one step further outside.
    pub(super) fn within(mut self, step: Step) -> Self {
        self.path = self.path.within(step);
        self
    }

    /// The same error, seen from the set that contains the blamed element.
    pub(super) fn within_set(mut self) -> Self {
        self.path = Path::root();
        self
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_root() {
            f.write_str(&self.message)
        } else {
            write!(f, "`{}`: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ValueError {}

impl From<NumberError> for ValueError {
    fn from(error: NumberError) -> Self {
        Self {
            unusable: error != NumberError::NotDecimal,
            ..Self::new(error.to_string())
        }
    }
}
