//! The provider: what Terraform's practitioners see, made of the framework and
//! the client. The only module that knows both.
//!
//! * [`config`] is the `provider` block, [`configured`] is what it becomes.
//! * [`diagnostics`] turns failures of the client into messages.

pub mod config;
pub mod configured;
pub mod diagnostics;
