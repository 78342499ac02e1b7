//! The integration tests: one binary, so that the library is linked once.

#[cfg(test)]
#[allow(
    dead_code,
    unused_imports,
    reason = "offered to all tests; which of it they use changes with them"
)]
mod support;

#[cfg(test)]
mod certificate;

#[cfg(test)]
mod clients;

#[cfg(test)]
mod destination;

#[cfg(test)]
mod every_resource;

#[cfg(test)]
mod job_monitoring;

#[cfg(test)]
mod leaks;

#[cfg(test)]
mod main_job;

#[cfg(test)]
mod matrix;

#[cfg(test)]
mod readers;

#[cfg(test)]
mod registration;

#[cfg(test)]
mod repository;

#[cfg(test)]
mod sap;
