//! A look at a running emulator from within its process, without a request.

use std::fmt;
use std::sync::Arc;

use super::journal::Entry;
use super::shared::Shared;
use super::state::{self, State};

/// Sees what is stored and what was asked. It does not keep the emulator running.
#[derive(Clone)]
pub struct View(pub(crate) Arc<Shared>);

impl View {
    /// The world as the control API tells it, secrets included.
    pub fn state(&self) -> State {
        state::read(&self.0.world())
    }

    /// All requests since the start or since the journal was cleared.
    pub fn journal(&self) -> Vec<Entry> {
        self.0.world().journal.entries().to_vec()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}
