//! What the program says to people.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

pub(super) fn fail(error: &dyn Display) -> ExitCode {
    complain(&format!("terraform-provider-sapcalm: {error}\n"));
    ExitCode::FAILURE
}

pub(super) fn version() -> String {
    format!("terraform-provider-sapcalm {}", env!("CARGO_PKG_VERSION"))
}

/// Text that was asked for.
pub(super) fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Text that was not. There is no place left to report a closed stderr.
pub(super) fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
