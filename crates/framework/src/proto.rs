//! The messages and services on the wire, generated from `proto/` by `make
//! protocol`.
//!
//! Terraform's messages have no `Debug`: values, and with them secrets, travel
//! in them. Nothing is added to the generated code here.

#![allow(
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    reason = "generated code; what a message means is said in the files in `proto/`"
)]

/// Terraform's provider interface, protocol 6.
pub mod tfplugin6 {
    include!("../../../proto/code/tfplugin6.rs");
}

/// The services that go-plugin, Terraform's plugin library, expects of every plugin.
pub mod plugin {
    include!("../../../proto/code/plugin.rs");
}

/// The gRPC health service.
pub mod health {
    include!("../../../proto/code/grpc.health.v1.rs");
}
