//! The stand-in for Terraform core, with this package's provider.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;

pub(crate) use terraform_stand_in::process::Launch;
pub(crate) use terraform_stand_in::{
    Action, ImportBy, Interrupt, Lifecycle, Outcome, Release, Resource, change, configuration,
    diagnostics, driver, managed, others, process, schema, session, state, unknown, value,
};

use super::promise;

/// Terraform core with this package's provider, each of whose applies is judged
/// by the [`promise`] of the plan.
pub(crate) struct Core(terraform_stand_in::Core);

impl Core {
    /// The provider's program, with these environment variables and no others.
    pub(crate) async fn start(env: &[(&str, &str)]) -> Self {
        Self::launch(provider(env)).await
    }

    /// The same in another way.
    pub(crate) async fn launch(launch: Launch) -> Self {
        Self::judged(terraform_stand_in::Core::launch(launch).await)
    }

    /// The provider behind this Unix socket, without TLS.
    pub(crate) async fn connect(socket: &Path) -> Self {
        Self::judged(terraform_stand_in::Core::connect(socket).await)
    }

    fn judged(mut core: terraform_stand_in::Core) -> Self {
        core.hook(Arc::new(promise::pre_apply));
        Self(core)
    }
}

impl Deref for Core {
    type Target = terraform_stand_in::Core;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Core {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// This package's provider binary.
pub(crate) fn provider(env: &[(&str, &str)]) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_terraform-provider-sapcalm"), env)
}
