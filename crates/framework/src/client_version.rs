//! Which release of Terraform and of `OpenTofu` first has a feature: for messages
//! and for the documentation.
//!
//! Behaviour never depends on a version: what a client can do it says in its
//! requests. Source: the protocol definitions and the provider clients of both
//! programs, release by release.

use std::fmt;

/// The first releases that have a feature. Displayed as the end of a sentence:
/// `Terraform 1.11 (OpenTofu 1.11) or later`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Release of Terraform.
    pub terraform: &'static str,
    /// Release of `OpenTofu`; none so far where there is none.
    pub opentofu: Option<&'static str>,
}

/// Plugin protocol 6, which every provider of this framework speaks. Terraform
/// 1.0 can run such a provider; from 1.0.3 on it also installs one.
pub const PROTOCOL: Since = since("1.0.3", "1.6");
/// `import` blocks.
pub const IMPORT_BLOCK: Since = since("1.5", "1.6");
/// Functions of a provider.
pub const FUNCTION: Since = since("1.8", "1.7");
/// `ephemeral` blocks and ephemeral values.
pub const EPHEMERAL: Since = since("1.10", "1.11");
/// Write-only attributes.
pub const WRITE_ONLY: Since = since("1.11", "1.11");
/// Identities, and `import` blocks that name one.
pub const IDENTITY: Since = since("1.12", "1.12");
/// `list` blocks and `terraform query`.
pub const LIST: Since = terraform_only("1.14");
/// `action` blocks.
pub const ACTION: Since = terraform_only("1.14");

const fn since(terraform: &'static str, opentofu: &'static str) -> Since {
    Since {
        terraform,
        opentofu: Some(opentofu),
    }
}

const fn terraform_only(terraform: &'static str) -> Since {
    Since {
        terraform,
        opentofu: None,
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terraform = self.terraform;
        match self.opentofu {
            Some(opentofu) => write!(f, "Terraform {terraform} (OpenTofu {opentofu}) or later"),
            None => write!(f, "Terraform {terraform} or later (no OpenTofu so far)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_never_has_a_feature_is_named() {
        assert_eq!(
            WRITE_ONLY.to_string(),
            "Terraform 1.11 (OpenTofu 1.11) or later"
        );
        assert_eq!(
            LIST.to_string(),
            "Terraform 1.14 or later (no OpenTofu so far)"
        );
    }
}
