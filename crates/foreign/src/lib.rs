//! Text from the other side: what a service, a proxy, the network, the
//! environment or a file says.
//!
//! [`Foreign`] cannot be printed, compared or taken apart: it has no `Display`,
//! no `Deref` and nothing in its `Debug`. One door leads out of it, the methods
//! of [`Secrets`], which knows everything in this process that must not be
//! shown. [`Secrets::show`] makes a sentence for people of it and
//! [`Secrets::identifier`] a name or id, or nothing.
//!
//! How a secret is recognised is the business of [`hidden`]. What this crate does
//! not do: decide what is a secret. Whoever reads, sends or receives one says so
//! with [`Secrets::keep`].

mod hidden;
mod view;
mod visible;

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hidden::{Index, Part};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub use visible::{is_visible, visible, visible_beginning};

/// Longest sentence that is shown, in characters.
const LONGEST: usize = 500;

/// Longest name or id, in characters.
const LONGEST_IDENTIFIER: usize = 256;

/// Bytes of a text that are looked at; what follows is never shown.
const LOOKED_AT: usize = 8 * 1024;

/// What stands in the place of a secret.
pub const MASK: &str = "(hidden)";

/// A text that somebody else wrote. Whatever it says, it is not fit to be shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Foreign(String);

impl Foreign {
    /// A text of somebody else.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether it is this word. For decisions, which show nothing.
    pub fn is(&self, word: &str) -> bool {
        self.0 == word
    }

    /// Whether there is anything but white space in it.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Foreign")
    }
}

/// Everything that this process knows to be secret, and the door that hides it.
#[derive(Default)]
pub struct Secrets {
    known: Mutex<Known>,
}

/// Whether a text can be a name or an id: something, visible, and short. What
/// cannot is refused where SAP tells it, so it must not get there.
pub fn can_be_identifier(text: &str) -> bool {
    !text.is_empty() && text.chars().nth(LONGEST_IDENTIFIER).is_none() && is_visible(text)
}

impl Secrets {
    /// Keeps a text secret from now on.
    pub fn keep(&self, secret: &str) {
        if hidden::is_worth_hiding(secret) {
            self.known().insert(secret);
        }
    }

    /// Keeps a value secret whose name says that it is one.
    pub fn keep_named(&self, name: &str, value: &str) {
        if hidden::names_secret(name.as_bytes()) {
            self.keep(value);
        }
    }

    /// One line for people: secrets hidden, control characters visible, short.
    pub fn show(&self, text: &Foreign) -> String {
        let (text, is_cut) = beginning(&text.0);
        let mut ranges = self.known_in(text, Part::Piece);
        ranges.extend(hidden::named(text));
        let shown = masked(text, ranges);
        let words: Vec<&str> = shown.split_whitespace().collect();
        let line = visible(&words.join(" "));
        match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
            None if is_cut => format!("{line}…"),
            None => line,
        }
    }

    /// The text as it is, when it can be a name or an id: visible, short, and
    /// without a secret in it.
    pub fn identifier(&self, text: &Foreign) -> Option<String> {
        let text = &text.0;
        (can_be_identifier(text) && !self.are_in(text)).then(|| text.clone())
    }

    /// Whether a long secret or most of it is in the text, in one of the encodings
    /// that are known. A name may have a word in common with a password.
    pub fn are_in(&self, text: &str) -> bool {
        !self.known_in(text, Part::Most).is_empty()
    }

    fn known_in(&self, text: &str, part: Part) -> Vec<Range<usize>> {
        let known = self.known();
        let secrets = known.all.iter().map(|one| one.0.expose_secret());
        hidden::known(text, &known.index, secrets, part)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic of another holder does not make the set wrong.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

#[derive(Default)]
struct Known {
    all: HashSet<Secret>,
    index: Index,
}

impl Known {
    fn insert(&mut self, secret: &str) {
        if self.all.insert(Secret(SecretString::from(secret))) {
            self.index.add(secret);
        }
    }
}

struct Secret(SecretString);

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for Secret {}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.expose_secret().hash(state);
    }
}

/// As much of a text as is looked at, and whether there is more.
fn beginning(text: &str) -> (&str, bool) {
    let end = text.floor_char_boundary(LOOKED_AT);
    (text.get(..end).unwrap_or_default(), end < text.len())
}

/// The text with [`MASK`] in the place of the ranges.
fn masked(text: &str, mut ranges: Vec<Range<usize>>) -> String {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for range in ranges {
        if range.start >= end {
            shown.push_str(text.get(end..range.start).unwrap_or_default());
            // Two that touch each other are one.
            if end == 0 || range.start > end {
                shown.push_str(MASK);
            }
        }
        end = end.max(range.end);
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    shown
}

#[cfg(test)]
mod tests;
