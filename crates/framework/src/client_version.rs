//! Which release of Terraform and of `OpenTofu` first has a feature: for messages
//! and for the documentation.
//!
//! Behaviour never depends on a version: what a client can do it says in its
//! requests. Source: the protocol definitions and the provider clients of both
//! programs, release by release.

/// Plugin protocol 6, which every provider of this framework speaks. Terraform
/// 1.0 can run such a provider; from 1.0.3 on it also installs one.
pub const PROTOCOL: &str = "Terraform 1.0.3 (OpenTofu 1.6) or later";
/// `import` blocks.
pub const IMPORT_BLOCK: &str = "Terraform 1.5 (OpenTofu 1.6) or later";
/// Functions of a provider.
pub const FUNCTION: &str = "Terraform 1.8 (OpenTofu 1.7) or later";
/// `ephemeral` blocks and ephemeral values.
pub const EPHEMERAL: &str = "Terraform 1.10 (OpenTofu 1.11) or later";
/// Write-only attributes.
pub const WRITE_ONLY: &str = "Terraform 1.11 (OpenTofu 1.11) or later";
/// Identities, and `import` blocks that name one.
pub const IDENTITY: &str = "Terraform 1.12 (OpenTofu 1.12) or later";
/// `list` blocks and `terraform query`.
pub const LIST: &str = "Terraform 1.14 or later (no OpenTofu so far)";
/// `action` blocks.
pub const ACTION: &str = "Terraform 1.14 or later (no OpenTofu so far)";
