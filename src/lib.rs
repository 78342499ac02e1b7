//! Terraform provider that connects SAP services to SAP Cloud ALM.
//!
//! * [`provider`] is the only place that sees both the framework, which is
//!   Terraform's side, and the client, which is SAP's.
//! * [`cli`] is the command line of the provider binary.

pub mod cli;
pub mod provider;
