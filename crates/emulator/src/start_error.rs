//! Why an emulator does not start.

use std::io;

/// Why an emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, for example, or the keys cannot be written.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The scenario contradicts itself.
    #[error("the scenario is not usable: {0}")]
    Scenario(String),
    /// No random numbers.
    #[error("cannot generate a key")]
    SigningKey,
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP client for the services' own requests could not be made.
    #[error("cannot set up HTTP: {0}")]
    Http(#[from] reqwest::Error),
}

/// An error of the operating system, with what was tried.
pub(crate) fn io_error(what: &str) -> impl FnOnce(io::Error) -> StartError {
    let what = what.to_owned();
    move |source| StartError::Io { what, source }
}
