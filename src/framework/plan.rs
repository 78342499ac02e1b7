//! The plan of one resource: Terraform's proposal, refined by the rules of the
//! schema and then by the resource itself.

use super::diagnostics::{Diagnostic, Diagnostics};
use super::path::Path;
use super::private::Private;
use super::value::Value;

/// What kind of change is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// There is no prior object.
    Create,
    /// There is one, and it stays (perhaps replaced).
    Update,
    /// There is one, and it goes.
    Delete,
}

/// A plan in the making. The framework has already applied defaults, nulled
/// write-only attributes, marked computed values unknown where anything
/// changes, kept prior values and collected replacements; a resource refines
/// the rest in [`super::resource::Resource::plan`].
#[derive(Debug)]
pub struct Plan {
    pub(super) config: Value,
    pub(super) prior: Value,
    pub(super) planned: Value,
    pub(super) replace: Vec<Path>,
    /// What is kept beside the object.
    pub private: Private,
    /// Messages so far.
    pub diagnostics: Diagnostics,
}

impl Plan {
    /// What kind of change is planned.
    #[must_use]
    pub fn action(&self) -> Action {
        match (&self.prior, &self.config) {
            (Value::Null, _) => Action::Create,
            (_, Value::Null) => Action::Delete,
            _ => Action::Update,
        }
    }

    /// An attribute of the configuration, write-only values included.
    #[must_use]
    pub fn config(&self, name: &str) -> &Value {
        self.config.get(name)
    }

    /// An attribute of the prior state; null on create.
    #[must_use]
    pub fn prior(&self, name: &str) -> &Value {
        self.prior.get(name)
    }

    /// An attribute of the plan so far.
    #[must_use]
    pub fn planned(&self, name: &str) -> &Value {
        self.planned.get(name)
    }

    /// The whole configuration, plan so far and prior object.
    #[must_use]
    pub fn objects(&self) -> (&Value, &Value, &Value) {
        (&self.config, &self.planned, &self.prior)
    }

    /// Plans a value for a computed attribute.
    pub fn set(&mut self, name: &str, value: Value) {
        if let Value::Object(attributes) = &mut self.planned
            && let Some(slot) = attributes.get_mut(name)
        {
            *slot = value;
        }
    }

    /// Plans the prior value of an attribute.
    pub fn keep_prior(&mut self, name: &str) {
        let prior = self.prior(name).clone();
        self.set(name, prior);
    }

    /// Whether an attribute is planned to differ from the prior state; an
    /// unknown value counts as different.
    #[must_use]
    pub fn changes(&self, name: &str) -> bool {
        !self.planned(name).same(self.prior(name))
    }

    /// Demands that the object is replaced because of an attribute.
    pub fn require_replace(&mut self, name: &'static str) {
        self.replace.push(Path::attribute(name));
    }

    /// Whether the object will be replaced rather than updated.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.action() == Action::Update
            && self.replace.iter().any(|path| match path.steps().first() {
                Some(super::path::Step::Attribute(name)) => self.changes(name),
                _ => false,
            })
    }

    /// Adds a message.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}
