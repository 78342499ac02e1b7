//! The plan of one resource: Terraform's proposal, refined by the rules of the
//! schema and then by the resource itself.
//!
//! The algorithm, in this order:
//!
//! 1. The proposal: what the configuration says, and where it says nothing the
//!    default, else for a computed attribute the prior value. Write-only
//!    attributes are null. A value equal to the prior one keeps the prior form
//!    (the order of a set). Terraform sends a proposal of its own; it follows
//!    from configuration and prior state alone, so it is made here from the
//!    same two, and an equal question always has an equal answer.
//! 2. Where that differs from the prior state (always, on create), every
//!    computed attribute without configured value and default becomes unknown,
//!    except those that [keep their prior
//!    value](super::schema::Attribute::keep_prior) while there is one.
//! 3. The attributes whose change [replaces](super::schema::Replace) the
//!    object are collected.
//! 4. The resource refines the plan. There is no second round of step 2:
//!    computed values that the resource does not touch stay as decided, also
//!    when only the resource made a difference.
//! 5. The replacements are collected again.
//!
//! What the resource may plan is what Terraform accepts, and a mistake is reported
//! as ours: see [`Plan::set`].
//!
//! A computed value that merely became unknown in step 2 replaces nothing:
//! nobody asked for another value.

mod check;
#[cfg(test)]
mod tests;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::path::Path;
use super::private::Private;
use super::schema::{Attribute, AttributeType, Mode, Replace, find};
use super::value::Value;

pub(super) use check::{contradictions, null_where, null_write_only, settle};

/// What a plan is made from.
#[derive(Debug, Clone)]
pub struct Change {
    /// The configuration, write-only values included; null on destroy.
    pub config: Value,
    /// The state before; null on create.
    pub prior: Value,
    /// What was kept beside it. On create it is that of the object to replace,
    /// if any, and not looked at.
    pub private: Private,
}

/// A finished plan. With errors in `diagnostics` the rest means nothing.
#[derive(Debug, Clone)]
#[must_use]
pub struct Planned {
    /// The planned state; null on destroy.
    pub state: Value,
    /// The attributes because of which the object is replaced, sorted.
    pub replace: Vec<Path>,
    /// What to keep beside it.
    pub private: Private,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

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
    attributes: &'static [Attribute],
    config: Value,
    prior: Value,
    planned: Value,
    /// What is kept beside the object. An update that fails keeps it as
    /// planned, so nothing belongs here that only a success makes true.
    pub private: Private,
    /// Messages so far.
    pub diagnostics: Diagnostics,
}

impl Plan {
    /// What kind of change is planned.
    pub fn action(&self) -> Action {
        match (&self.prior, &self.config) {
            (Value::Null, _) => Action::Create,
            (_, Value::Null) => Action::Delete,
            _ => Action::Update,
        }
    }

    /// An attribute of the configuration, write-only values included.
    pub fn config(&self, name: &str) -> &Value {
        self.config.get(name)
    }

    /// An attribute of the prior state; null on create.
    pub fn prior(&self, name: &str) -> &Value {
        self.prior.get(name)
    }

    /// An attribute of the plan so far.
    pub fn planned(&self, name: &str) -> &Value {
        self.planned.get(name)
    }

    /// The whole configuration, plan so far and prior object.
    pub fn objects(&self) -> (&Value, &Value, &Value) {
        (&self.config, &self.planned, &self.prior)
    }

    /// Plans a value for an attribute: any for a computed one that the
    /// configuration leaves out, and for others the configured or the prior one.
    /// Anything else Terraform would refuse, so it is an error of the plan; as is
    /// an attribute that the schema does not have. A destroy plans nothing.
    pub fn set(&mut self, name: &str, value: Value) {
        let Value::Object(planned) = &mut self.planned else {
            return;
        };
        let Some(attribute) = find(self.attributes, name) else {
            let detail =
                format!("The provider planned a value for `{name}`, which it does not have.");
            return self.impossible(name, &detail);
        };
        let (config, prior) = (self.config.get(name), self.prior.get(name));
        match unplannable(
            attribute,
            Path::attribute(attribute.name),
            [config, prior, &value],
        ) {
            None => {
                planned.insert(name.to_owned(), value);
            }
            Some(_) if attribute.mode == Mode::Computed => {
                self.report(computed_and_ignored(attribute.name));
            }
            Some(path) => {
                let detail = format!("`{path}` differs from the configured value in the plan.");
                self.impossible(name, &detail);
            }
        }
    }

    fn impossible(&mut self, name: &str, detail: &str) {
        let detail = format!(
            "{detail} Nothing was changed. This is a bug in the provider: report it together with \
             the configuration of this resource."
        );
        let error = Diagnostic::error("Provider made an impossible plan", detail);
        self.report(error.at(Path::attribute(name.to_owned())));
    }

    /// Plans the prior value of an attribute.
    pub fn keep_prior(&mut self, name: &str) {
        let prior = self.prior(name).clone();
        self.set(name, prior);
    }

    /// Whether an attribute is planned to differ from the prior state; an
    /// unknown value counts as different.
    pub fn changes(&self, name: &str) -> bool {
        !self.planned(name).same(self.prior(name))
    }

    /// Whether the object will be replaced rather than updated.
    pub fn replaces(&self) -> bool {
        !self.replacements().is_empty()
    }

    /// The attributes whose change replaces the object, sorted.
    fn replacements(&self) -> Vec<Path> {
        let mut found = Vec::new();
        if self.action() == Action::Update {
            let objects = [&self.config, &self.prior, &self.planned];
            replacements(self.attributes, &Path::root(), objects, &mut found);
        }
        found.sort();
        found
    }

    /// Adds a message.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Steps 1 and 2 of the algorithm.
    pub(super) fn propose(attributes: &'static [Attribute], change: Change) -> Self {
        let Change {
            config,
            prior,
            mut private,
        } = change;
        let _ = private.take_decision();
        if prior.is_null() {
            private = Private::default();
        }
        let mut planned = Value::Null;
        if !config.is_null() {
            planned = proposal(attributes, &config, &prior);
            if !planned.same(&prior) {
                mark_unknown(attributes, &config, &prior, &mut planned);
            }
        }
        Self {
            attributes,
            config,
            prior,
            planned,
            private,
            diagnostics: Diagnostics::new(),
        }
    }

    /// Step 5 of the algorithm.
    pub(super) fn finish(self) -> Planned {
        Planned {
            replace: self.replacements(),
            state: self.planned,
            private: self.private,
            diagnostics: self.diagnostics,
        }
    }
}

/// The only way for a computed attribute to have a configured value:
/// `ignore_changes` puts the prior one there, and then Terraform refuses every
/// other one in the plan.
fn computed_and_ignored(name: &'static str) -> Diagnostic {
    let detail = format!(
        "`{name}` changes with this plan. The provider alone computes it, and `ignore_changes` of \
         this resource names it, so Terraform refuses the change. Nothing was changed. Take \
         `{name}` out of `ignore_changes`. To leave something as it is, name the argument there \
         that it comes from."
    );
    Diagnostic::error("Computed attribute is ignored", detail).at(Path::attribute(name))
}

/// The part of a value that Terraform would refuse to find in a plan.
fn unplannable(
    attribute: &Attribute,
    at: Path,
    [config, prior, value]: [&Value; 3],
) -> Option<Path> {
    let as_configured = value.same(config);
    let as_before = value.same(prior) && !prior.is_null() && !config.is_null();
    let left_out = is_computed(attribute) && config.is_null();
    match (attribute.kind, config, value) {
        _ if attribute.write_only => (!value.is_null()).then_some(at),
        _ if as_configured || as_before || left_out => None,
        (AttributeType::Object(nested), Value::Object(_), Value::Object(_)) => {
            nested.iter().find_map(|attribute| {
                let name = attribute.name;
                let values = [config.get(name), prior.get(name), value.get(name)];
                unplannable(attribute, at.clone().then(name), values)
            })
        }
        _ => Some(at),
    }
}

/// Step 1: what the object becomes when nothing is left to the provider.
fn proposal(attributes: &[Attribute], config: &Value, prior: &Value) -> Value {
    let proposed = attributes.iter().map(|attribute| {
        let (config, prior) = (config.get(attribute.name), prior.get(attribute.name));
        let value = propose_attribute(attribute, config, prior);
        (attribute.name.to_owned(), value)
    });
    Value::Object(proposed.collect())
}

fn propose_attribute(attribute: &Attribute, config: &Value, prior: &Value) -> Value {
    if attribute.write_only {
        return Value::Null;
    }
    let proposed = match (&attribute.kind, config) {
        (AttributeType::Object(nested), Value::Object(_)) => proposal(nested, config, prior),
        (_, Value::Null) => match attribute.default {
            Some(default) => Value::string(default),
            None if is_computed(attribute) => return prior.clone(),
            None => Value::Null,
        },
        _ => config.clone(),
    };
    if proposed.same(prior) {
        prior.clone()
    } else {
        proposed
    }
}

fn is_computed(attribute: &Attribute) -> bool {
    matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed)
}

/// A configuration in which everything that the provider gives is unknown.
pub(super) fn known_later(attributes: &[Attribute], config: &Value) -> Value {
    let mut later = config.clone();
    mark_unknown(attributes, config, &Value::Null, &mut later);
    later
}

/// Refuses what was made from a configuration in one go, without a plan, where
/// what is configured does not come back as it was: the result of a data source
/// or an ephemeral resource.
pub(super) fn check_result(
    attributes: &[Attribute],
    config: &Value,
    result: &Value,
) -> Result<(), Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let planned = known_later(attributes, config);
    for path in contradictions(attributes, &planned, result) {
        let detail = format!(
            "`{path}` differs from the configured value in the result. Nothing was changed. This \
             is a bug in the provider: report it together with the configuration of this block."
        );
        diagnostics.push(Diagnostic::error("Provider made an impossible result", detail).at(path));
    }
    if diagnostics.is_empty() {
        Ok(())
    } else {
        Err(diagnostics)
    }
}

/// Step 2: leaves to the provider what only the provider can know. Terraform's
/// framework for Go knows it as `MarkComputedNilsAsUnknown`.
fn mark_unknown(attributes: &[Attribute], config: &Value, prior: &Value, planned: &mut Value) {
    let Value::Object(planned) = planned else {
        return;
    };
    for attribute in attributes {
        let Some(slot) = planned.get_mut(attribute.name) else {
            continue;
        };
        let config = config.get(attribute.name);
        match (&attribute.kind, config) {
            (AttributeType::Object(nested), Value::Object(_)) => {
                mark_unknown(nested, config, prior.get(attribute.name), slot);
            }
            (_, Value::Null)
                if is_computed(attribute)
                    && !attribute.write_only
                    && attribute.default.is_none()
                    && (!attribute.keep_prior || prior.is_null()) =>
            {
                *slot = Value::Unknown;
            }
            _ => {}
        }
    }
}

/// Steps 3 and 5: the paths whose change replaces the object. Every path found exists
/// in the prior or in the planned object.
fn replacements(
    attributes: &[Attribute],
    at: &Path,
    [config, prior, planned]: [&Value; 3],
    found: &mut Vec<Path>,
) {
    for attribute in attributes {
        let config = config.get(attribute.name);
        let prior = prior.get(attribute.name);
        let planned = planned.get(attribute.name);
        if planned.same(prior) || (planned.is_unknown() && config.is_null()) {
            continue;
        }
        let path = at.clone().then(attribute.name);
        let replaces = match attribute.replace {
            Replace::Never => false,
            Replace::Always => true,
            Replace::IfPriorKnown => !prior.is_null(),
        };
        match attribute.kind {
            _ if replaces => found.push(path),
            AttributeType::Object(nested)
                if matches!(prior, Value::Object(_)) || matches!(planned, Value::Object(_)) =>
            {
                replacements(nested, &path, [config, prior, planned], found);
            }
            _ => {}
        }
    }
}
