//! Terraform provider that connects SAP services to SAP Cloud ALM.
//!
//! The crate is layered; a test reads the `use crate::` lines and keeps it so:
//!
//! * [`plugin`] is how Terraform starts the provider and talks to it.
//! * [`framework`] is Terraform's model of a provider, without SAP and HTTP.
//! * [`client`] is SAP's REST APIs as a plain Rust client, without Terraform.
//! * [`provider`] is the only module that sees both `framework` and `client`.
//! * [`emulator`] is a small and strict SAP in one process; it shares nothing
//!   with the others.
//! * [`docs`] renders the documentation from the schemas and the examples.
//! * [`cli`] is the command line of the provider binary.

pub mod cli;
pub mod client;
pub mod docs;
pub mod emulator;
pub mod framework;
pub mod plugin;
pub mod proto;
pub mod provider;
