//! The real `terraform` (or `tofu`) with this package's provider.

use std::path::Path;

pub(crate) use terraform_stand_in::cli::{
    Cli, Client, HOSTS, Output, Running, reattach, temporary,
};

/// The provider in configurations.
const SOURCE: &str = "sapcalm/sapcalm";

/// Makes commands in this directory use this package's provider binary, without
/// `init`.
pub(crate) fn use_built_provider(directory: &Path) {
    use_provider(
        directory,
        Path::new(env!("CARGO_BIN_EXE_terraform-provider-sapcalm")),
    );
}

/// The same with another build of it.
pub(crate) fn use_provider(directory: &Path, program: &Path) {
    terraform_stand_in::cli::use_provider(directory, SOURCE, program);
}
