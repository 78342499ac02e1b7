//! What not every client has, and from which version on each has it.

use std::fmt;

/// A part of the language or of the protocol that a test needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Texts of several lines in generated configuration, as they are.
    GeneratedLines,
    /// `lifecycle` in a `removed` block.
    RemovedLifecycle,
    Mocks,
    /// A mocked object of one instance of a module.
    MocksOfInstances,
    Functions,
    MoveAcrossTypes,
    /// With ephemeral resources, which came earlier or together.
    WriteOnly,
    /// An ephemeral resource whose result is not known while planning.
    UnknownEphemeral,
    Identity,
    /// Asks a provider what Terraform asks it; OpenTofu differs in capabilities.
    TerraformsRequests,
    Query,
    Actions,
    ProviderForEach,
    StateEncryption,
    Exclude,
    Enabled,
}

/// The minor version `n` of 1.n; none is never.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    pub terraform: Option<u64>,
    pub open_tofu: Option<u64>,
}

impl Feature {
    const fn told(self) -> (&'static str, Option<u64>, Option<u64>) {
        match self {
            Self::GeneratedLines => ("generated texts of several lines", Some(10), Some(10)),
            Self::RemovedLifecycle => ("`lifecycle` in `removed` blocks", Some(7), Some(10)),
            Self::Mocks => ("mocked providers", Some(7), Some(8)),
            Self::MocksOfInstances => ("mocks in one instance of a module", Some(7), None),
            Self::Functions => ("functions of providers", Some(8), Some(7)),
            Self::MoveAcrossTypes => ("moves between types", Some(8), Some(10)),
            Self::WriteOnly => ("write-only arguments", Some(11), Some(11)),
            Self::UnknownEphemeral => ("unknown results of ephemeral resources", Some(10), None),
            Self::Identity => ("import by identity", Some(12), Some(12)),
            Self::TerraformsRequests => ("the requests of Terraform", Some(11), None),
            Self::Query => ("`query`", Some(14), None),
            Self::Actions => ("actions", Some(14), None),
            Self::ProviderForEach => ("`for_each` of provider blocks", None, Some(9)),
            Self::StateEncryption => ("encryption of state and plan", None, Some(7)),
            Self::Exclude => ("`-exclude`", None, Some(9)),
            Self::Enabled => ("`enabled`", None, Some(11)),
        }
    }

    pub const fn since(self) -> Since {
        let (_, terraform, open_tofu) = self.told();
        Since {
            terraform,
            open_tofu,
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.told().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Feature; 16] = [
        Feature::GeneratedLines,
        Feature::RemovedLifecycle,
        Feature::Mocks,
        Feature::MocksOfInstances,
        Feature::Functions,
        Feature::MoveAcrossTypes,
        Feature::WriteOnly,
        Feature::UnknownEphemeral,
        Feature::Identity,
        Feature::TerraformsRequests,
        Feature::Query,
        Feature::Actions,
        Feature::ProviderForEach,
        Feature::StateEncryption,
        Feature::Exclude,
        Feature::Enabled,
    ];

    #[test]
    fn the_page_has_every_feature_with_its_versions() {
        let version = |since: Option<u64>| match since {
            Some(minor) => format!("1.{minor}"),
            None => "never".to_owned(),
        };
        let rows = ALL.map(|feature| {
            let since = feature.since();
            let (terraform, tofu) = (version(since.terraform), version(since.open_tofu));
            format!("| {feature} | {terraform} | {tofu} |")
        });
        let page = include_str!("../README.md");
        let (_, table) = page.split_once("| --- | --- | --- |\n").unwrap();
        assert_eq!(table.trim_end(), rows.join("\n"));
    }
}
