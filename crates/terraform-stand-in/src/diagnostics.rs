//! What the user would read: the provider's diagnostics and core's own.

use std::fmt;

use crate::proto::tfplugin6 as proto;

use super::value::{Path, Step};

/// The summaries of core's own errors about a provider.
pub mod summary {
    pub const INVALID_PLAN: &str = "Provider produced invalid plan";
    pub const INCONSISTENT_PLAN: &str = "Provider produced inconsistent final plan";
    pub const INCONSISTENT_RESULT: &str = "Provider produced inconsistent result after apply";
    pub const INVALID_RESULT: &str = "Provider returned invalid result object after apply";
    pub const INVALID_OBJECT: &str = "Provider produced invalid object";
    pub const NULL_OBJECT: &str = "Provider produced null object";
    pub const INVALID_IDENTITY: &str = "Provider produced invalid identity";
    pub const INVALID_VALUE: &str = "Provider returned invalid value";
    pub const INVALID_UPGRADE: &str = "Invalid resource state upgrade";
    pub const INVALID_EPHEMERAL: &str = "Provider produced invalid ephemeral resource instance";
    pub const INVALID_DEFERRAL: &str =
        "Provider deferred changes when Terraform did not allow deferrals";
    pub const IMPORT_NONE: &str = "Import returned no resources";
    pub const IMPORT_MANY: &str = "Multiple import states not supported";
    pub const IMPORT_NULL: &str = "Import returned null resource";
    pub const IMPORT_GONE: &str = "Cannot import non-existent remote object";
    pub const NEWER_STATE: &str = "Resource instance managed by newer provider version";
    pub const UNSUPPORTED: &str = "Unsupported attribute";
    /// Of a hook, see [`crate::hook`]: the effect is not what the plan said.
    pub const UNTRUE_PLAN: &str = "Provider did something else than it planned";
    pub const UNKNOWN_CONFIG: &str = "Configuration contains unknown value";
    /// Stricter than core, which cannot see it: the same call, another answer.
    pub const UNSTABLE: &str = "Provider answered the same call differently";
    /// Stricter than core, which shows such a diagnostic badly.
    pub const BAD_DIAGNOSTIC: &str = "Provider returned an invalid diagnostic";
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    Error,
    Warning,
}

/// Who says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    Provider,
    /// Core, about the provider: always a bug in the provider.
    Core,
    /// Core, about the configuration or the connection.
    User,
}

/// One error or warning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diag {
    pub severity: Severity,
    pub origin: Origin,
    /// `type.name`, or what else the call was about.
    pub address: String,
    pub summary: String,
    pub detail: String,
    /// Rendered like `properties["x"]`; empty when there is none.
    pub path: String,
}

impl fmt::Display for Diag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            origin,
            address,
            summary,
            detail,
            path,
        } = self;
        write!(f, "{severity:?} from {origin:?}, {address}")?;
        if !path.is_empty() {
            write!(f, " at {path}")?;
        }
        write!(f, ": {summary}")?;
        if detail.is_empty() {
            Ok(())
        } else {
            write!(f, "\n    {}", detail.replace('\n', "\n    "))
        }
    }
}

/// Diagnostics in the order in which they came.
#[derive(Clone, Default, Debug)]
pub struct Diags(pub Vec<Diag>);

impl Diags {
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    pub fn errors(&self) -> impl Iterator<Item = &Diag> {
        self.0
            .iter()
            .filter(|diag| diag.severity == Severity::Error)
    }

    pub fn warnings(&self) -> impl Iterator<Item = &Diag> {
        self.0
            .iter()
            .filter(|diag| diag.severity == Severity::Warning)
    }

    /// The first lines of the errors.
    pub fn error_summaries(&self) -> Vec<&str> {
        self.errors().map(|diag| diag.summary.as_str()).collect()
    }

    /// The first lines of the warnings.
    pub fn warning_summaries(&self) -> Vec<&str> {
        self.warnings().map(|diag| diag.summary.as_str()).collect()
    }

    /// Core's objections to what the provider did.
    pub fn objections(&self) -> impl Iterator<Item = &Diag> {
        self.0.iter().filter(|diag| diag.origin == Origin::Core)
    }

    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub fn error(
        &mut self,
        origin: Origin,
        address: &str,
        summary: &str,
        detail: impl Into<String>,
    ) {
        self.0.push(Diag {
            severity: Severity::Error,
            origin,
            address: address.to_owned(),
            summary: summary.to_owned(),
            detail: detail.into(),
            path: String::new(),
        });
    }

    /// Takes over the provider's own diagnostics.
    pub fn provider(&mut self, address: &str, diagnostics: Vec<proto::Diagnostic>) {
        use proto::diagnostic::Severity as Wire;
        for diagnostic in diagnostics {
            let severity = match diagnostic.severity() {
                Wire::Warning => Severity::Warning,
                Wire::Error | Wire::Invalid => Severity::Error,
            };
            let wrong = match (diagnostic.severity(), diagnostic.summary.as_str()) {
                (Wire::Invalid, _) => Some("severity 0"),
                (_, "") => Some("no summary"),
                _ => None,
            };
            if let Some(wrong) = wrong {
                self.error(Origin::Core, address, summary::BAD_DIAGNOSTIC, wrong);
            }
            self.0.push(Diag {
                severity,
                origin: Origin::Provider,
                address: address.to_owned(),
                path: path(diagnostic.attribute.as_ref()).to_string(),
                summary: diagnostic.summary,
                detail: diagnostic.detail,
            });
        }
    }
}

impl fmt::Display for Diags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|diag| writeln!(f, "- {diag}"))
    }
}

/// A path from the wire.
pub fn path(path: Option<&proto::AttributePath>) -> Path {
    use proto::attribute_path::step::Selector;
    let steps = path.map_or(&[][..], |path| &path.steps);
    Path(
        steps
            .iter()
            .map(|step| match &step.selector {
                Some(Selector::AttributeName(name)) => Step::Attribute(name.clone()),
                Some(Selector::ElementKeyString(key)) => Step::Key(key.clone()),
                Some(Selector::ElementKeyInt(index)) => Step::Index(*index),
                None => Step::Attribute("(a step without a selector)".to_owned()),
            })
            .collect(),
    )
}
