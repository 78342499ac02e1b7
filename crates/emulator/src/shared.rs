//! What every request of an emulator can reach.

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::origins::Origins;
use super::outbound::Outbound;
use super::signing::SigningKey;
use super::tls::Authority;
use super::world::World;

/// What every request can reach.
pub(crate) struct Shared {
    pub(crate) origins: Origins,
    pub(crate) keys_dir: PathBuf,
    pub(crate) signing_key: &'static SigningKey,
    pub(crate) outbound: Outbound,
    /// Makes certificates, when TLS is on.
    pub(crate) authority: Option<Authority>,
    pub(crate) world: Mutex<World>,
    /// Requests from outside that are in progress.
    pub(crate) in_flight: AtomicUsize,
}

impl Shared {
    /// The world, for one step without waiting. A panic in another request
    /// does not end it.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
