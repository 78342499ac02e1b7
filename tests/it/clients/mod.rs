//! Who runs the provider, and who reads what it made: Terraform, OpenTofu, SAP's own clients.

mod fetched_cli;
mod install;
mod newest;
mod opentofu;
mod sap_clients;
mod transport;
mod versions;
