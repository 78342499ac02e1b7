//! The provider binary: everything is in [`sapcalm::cli`].

use std::process::ExitCode;

use sapcalm::{cli, provider};

fn main() -> ExitCode {
    cli::run(provider::service)
}
