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
//! 5. The replacements are collected again, and everything that Terraform
//!    enforces is checked, so that a mistake is reported as ours.
//!
//! A computed value that merely became unknown in step 2 replaces nothing:
//! nobody asked for another value.

mod check;
#[cfg(test)]
mod tests;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::path::Path;
use super::private::Private;
use super::resource::DynResource;
use super::schema::{Attribute, AttributeType, DefaultValue, Mode, Replace, Schema};
use super::value::Value;

pub(super) use check::{contradictions, null_write_only, result as check_result, settle};

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

/// Plans a change of one object. `provider` is `None` where the provider is
/// not configured.
#[must_use]
pub fn plan<P>(resource: &dyn DynResource<P>, provider: Option<&P>, change: Change) -> Planned {
    let schema = resource.definition().schema;
    let mut plan = Plan::propose(schema, change);
    resource.plan(provider, &mut plan);
    plan.finish(schema)
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
    pub(super) config: Value,
    pub(super) prior: Value,
    pub(super) planned: Value,
    pub(super) replace: Vec<Path>,
    /// What is kept beside the object. An update that fails keeps it as
    /// planned, so nothing belongs here that only a success makes true.
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

    /// Steps 1 to 3 of the algorithm.
    fn propose(schema: &Schema, change: Change) -> Self {
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
        let mut replace = Vec::new();
        if !config.is_null() {
            planned = proposal(schema.attributes, &config, &prior);
            if !planned.same(&prior) {
                mark_unknown(schema.attributes, &config, &prior, &mut planned);
            }
            if !prior.is_null() {
                replacements(
                    schema.attributes,
                    &Path::root(),
                    [&config, &prior, &planned],
                    &mut replace,
                );
            }
        }
        Self {
            config,
            prior,
            planned,
            replace,
            private,
            diagnostics: Diagnostics::new(),
        }
    }

    /// Step 5 of the algorithm.
    fn finish(mut self, schema: &Schema) -> Planned {
        if !self.diagnostics.has_errors() {
            let violations = check::plan(
                schema.attributes,
                [&self.config, &self.prior, &self.planned],
                &self.replace,
            );
            for violation in violations {
                self.report(violation.into());
            }
        }
        let replace = self.effective_replacements(schema);
        Planned {
            state: self.planned,
            replace,
            private: self.private,
            diagnostics: self.diagnostics,
        }
    }

    /// What the schema demands after the resource's plan, and what the
    /// resource demands, without what did not change after all. A change of a
    /// write-only attribute cannot be seen here: the resource's word counts.
    fn effective_replacements(&mut self, schema: &Schema) -> Vec<Path> {
        if self.action() != Action::Update {
            return Vec::new();
        }
        let mut replace = std::mem::take(&mut self.replace);
        replace.retain(|path| match path.steps() {
            [super::path::Step::Attribute(name)] => {
                self.changes(name)
                    || schema
                        .attributes
                        .iter()
                        .any(|attribute| attribute.name == name && attribute.write_only)
            }
            // Deeper paths only come from the schema: collected anew below.
            _ => false,
        });
        replacements(
            schema.attributes,
            &Path::root(),
            [&self.config, &self.prior, &self.planned],
            &mut replace,
        );
        replace.sort();
        replace.dedup();
        replace
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
            Some(default) => default_value(default),
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

fn default_value(default: DefaultValue) -> Value {
    match default {
        DefaultValue::String(text) => Value::string(text),
        DefaultValue::Bool(value) => Value::Bool(value),
    }
}

fn is_computed(attribute: &Attribute) -> bool {
    matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed)
}

/// Step 2: leaves to the provider what only the provider can know.
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

/// Step 3: the paths whose change replaces the object. Every path found exists
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
