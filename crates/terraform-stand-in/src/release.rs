//! The releases of Terraform that are played: what each tells a provider and asks
//! for.

use crate::proto::tfplugin6 as proto;

/// Which Terraform is played: what it tells a provider and what it asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Release {
    /// The first one that installs a provider with this protocol. It knows
    /// neither plans for a destroy nor capabilities of either side.
    V1_0,
    /// Plans a destroy, and asks every process for the schema.
    V1_5,
    /// Knows ephemeral resources, but no write-only attributes.
    V1_10,
    V1_11,
    /// Knows identities.
    V1_12,
    /// Keeps an object for which a provider returns a write-only value.
    V1_14,
    /// Sends all four capabilities.
    V1_16,
}

impl Release {
    /// All of them, old to new.
    pub const ALL: [Self; 7] = [
        Self::V1_0,
        Self::V1_5,
        Self::V1_10,
        Self::V1_11,
        Self::V1_12,
        Self::V1_14,
        Self::V1_16,
    ];

    /// In the apply walk Terraform says that it allows deferral, although it then
    /// accepts none that was not planned.
    pub(crate) fn capabilities(self, applying: bool) -> Option<proto::ClientCapabilities> {
        (self > Self::V1_5).then_some(proto::ClientCapabilities {
            deferral_allowed: applying,
            write_only_attributes_allowed: self >= Self::V1_11,
            store_planned_private: self >= Self::V1_16,
            computed_blocks_allowed: self >= Self::V1_16,
        })
    }

    pub fn version(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0.3",
            Self::V1_5 => "1.5.7",
            Self::V1_10 => "1.10.5",
            Self::V1_11 => "1.11.4",
            Self::V1_12 => "1.12.2",
            Self::V1_14 => "1.14.9",
            Self::V1_16 => "1.16.0",
        }
    }

    /// From Terraform 1.3 on.
    pub fn plans_a_destroy(self) -> bool {
        self >= Self::V1_5
    }

    /// From Terraform 1.6 on a process is not asked for the schema when another
    /// one has told it and the provider does not mind.
    pub fn shares_the_schema(self) -> bool {
        self >= Self::V1_10
    }

    /// From Terraform 1.14 on an object stays in the state when a provider
    /// returns a value for a write-only attribute of it; before, it is forgotten.
    pub fn keeps_what_is_invalid(self) -> bool {
        self >= Self::V1_14
    }

    /// Before Terraform 1.3, `ignore_changes = all` puts into the configuration
    /// what only the provider decides.
    pub fn takes_computed_for_configured(self) -> bool {
        self == Self::V1_0
    }

    /// Before Terraform 1.1, a map that is null and has an ignored key becomes an
    /// empty one.
    pub fn empties_a_map_that_is_null(self) -> bool {
        self == Self::V1_0
    }

    pub fn knows_write_only(self) -> bool {
        self >= Self::V1_11
    }

    pub fn knows_identity(self) -> bool {
        self >= Self::V1_12
    }

    /// From Terraform 1.14 on; before, these parts of the schema are not read.
    pub fn knows_lists_and_actions(self) -> bool {
        self >= Self::V1_14
    }
}
