//! The two walks over the resources: one plans, one applies.

use std::collections::BTreeSet;

use super::change::Change;
use super::configuration::{Resource, Values};
use super::diagnostics::{Diags, Origin, summary};
use super::managed::{Failed, PlanInputs};
use super::outcome::Outcome;
use super::rules::Action;
use super::session::Session;
use super::state::{Instance, Object, State};
use super::value::Val;

pub fn evaluate(
    session: &Session,
    resource: &Resource,
    values: &Values,
    diags: &mut Diags,
) -> Option<Val> {
    let json = resource.config(values);
    let block = &session.resource(&resource.type_name).block;
    if let Some(path) = resource.ignore_changes.unsupported(block) {
        let detail = format!("`ignore_changes` has {path}");
        diags.error(
            Origin::User,
            &resource.address(),
            summary::UNSUPPORTED,
            detail,
        );
        return None;
    }
    match block.config(&json) {
        Ok(config) => Some(config),
        Err(error) => {
            diags.error(
                Origin::User,
                &resource.address(),
                "Invalid configuration",
                error,
            );
            None
        }
    }
}

/// Upgrade and read: the object as it is now, also in the state. What is gone is
/// null, and keeps its private data until it was planned.
pub async fn refresh(
    session: &Session,
    state: &mut State,
    address: &str,
    diags: &mut Diags,
) -> Result<Object, Failed> {
    let Some(instance) = state.current.get(address) else {
        return Ok(Object::none());
    };
    let ty = instance.type_name.clone();
    let object = session
        .upgrade(address, instance, diags)
        .await
        .ok_or(Failed)?;
    let object = session.read(&ty, address, &object, diags).await?;
    if object.value.is_null() {
        state.current.remove(address);
    } else {
        let saved = Instance {
            depends_on: instance.depends_on.clone(),
            create_before_destroy: instance.create_before_destroy,
            ..session.save(&ty, &object)
        };
        state.current.insert(address.to_owned(), saved);
    }
    Ok(object)
}

pub async fn plan_delete(session: &Session, state: &State, address: &str, outcome: &mut Outcome) {
    let instance = &state.current[address];
    let Some(object) = session.upgrade(address, instance, &mut outcome.diags).await else {
        return;
    };
    let change = session
        .plan_destroy(&instance.type_name, address, &object, &mut outcome.diags)
        .await;
    outcome
        .changes
        .extend(change.map(|change| (address.to_owned(), change)));
}

/// Under which address the destruction of a deposed object is planned.
fn deposed(address: &str) -> String {
    format!("{address} (deposed)")
}

/// Plans to destroy what an earlier apply replaced and could not destroy.
pub async fn plan_deposed(session: &Session, state: &mut State, outcome: &mut Outcome) {
    for (address, instance) in std::mem::take(&mut state.deposed) {
        let ty = instance.type_name.as_str();
        let name = deposed(&address);
        if let Some(object) = session.upgrade(&name, &instance, &mut outcome.diags).await {
            match session.read(ty, &name, &object, &mut outcome.diags).await {
                Ok(object) if object.value.is_null() => continue,
                Ok(object) => {
                    let change = session
                        .plan_destroy(ty, &name, &object, &mut outcome.diags)
                        .await;
                    outcome.changes.extend(change.map(|change| (name, change)));
                }
                Err(Failed) => {}
            }
        }
        state.deposed.push((address, instance));
    }
}

pub struct PlanWalk<'a> {
    pub session: &'a Session,
    pub state: &'a mut State,
    pub create_first: Vec<String>,
    pub failed: BTreeSet<String>,
    pub values: Values,
    pub outcome: &'a mut Outcome,
}

impl PlanWalk<'_> {
    pub async fn plan(&mut self, resource: &Resource) {
        let address = resource.address();
        let blocked = resource
            .depends_on
            .iter()
            .any(|needed| self.failed.contains(needed));
        if blocked || self.session.is_interrupted() {
            self.failed.insert(address);
            return;
        }
        if let Some(change) = self.change(resource, &address).await {
            self.values
                .objects
                .insert(address.clone(), change.planned.clone());
            self.outcome.changes.push((address, change));
        } else {
            self.failed.insert(address);
        }
    }

    async fn change(&mut self, resource: &Resource, address: &str) -> Option<Change> {
        let diags = &mut self.outcome.diags;
        let object = match &resource.import {
            Some(by) if !self.state.current.contains_key(address) => {
                let ty = resource.type_name.as_str();
                let object = self.session.import(ty, address, by, diags).await?;
                let saved = self.session.save(ty, &object);
                self.state.current.insert(address.to_owned(), saved);
                object
            }
            _ => refresh(self.session, self.state, address, diags)
                .await
                .ok()?,
        };
        if let Some(instance) = self.state.current.get_mut(address) {
            instance.depends_on.clone_from(&resource.depends_on);
        }
        let config = evaluate(self.session, resource, &self.values, diags)?;
        let inputs = PlanInputs {
            object: Some(&object),
            create_first: self.create_first.iter().any(|other| other == address),
            ignore_changes: Some(&resource.ignore_changes),
            ..PlanInputs::default()
        };
        self.session
            .plan(&resource.type_name, address, &config, inputs, diags)
            .await
    }

    /// Plans to destroy what the configuration does not name.
    pub async fn plan_orphans(&mut self, ordered: &[&Resource]) {
        let named: BTreeSet<String> = ordered.iter().map(|resource| resource.address()).collect();
        let orphans: Vec<String> = self
            .state
            .current
            .keys()
            .filter(|address| !named.contains(*address))
            .cloned()
            .collect();
        for address in orphans {
            if self.session.is_interrupted() {
                return;
            }
            if let Some((change, object)) = self.plan_orphan(&address).await
                && !object.value.is_null()
            {
                self.outcome.changes.push((address, change));
            }
        }
    }

    /// Terraform plans the destruction before it reads what is there.
    async fn plan_orphan(&mut self, address: &str) -> Option<(Change, Object)> {
        let diags = &mut self.outcome.diags;
        let instance = self.state.current.get(address)?.clone();
        let ty = instance.type_name.as_str();
        let object = self.session.upgrade(address, &instance, diags).await?;
        let change = self
            .session
            .plan_destroy(ty, address, &object, diags)
            .await?;
        let object = self.session.read(ty, address, &object, diags).await.ok()?;
        if object.value.is_null() {
            self.state.current.remove(address);
        }
        Some((change, object))
    }
}

/// It did not come to an apply call: the state stays as it is.
struct Unchanged;

pub struct ApplyWalk<'a> {
    pub session: &'a Session,
    pub state: &'a mut State,
    pub ordered: Vec<&'a Resource>,
    /// Addresses whose step failed or was left out.
    pub failed: BTreeSet<String>,
    pub values: Values,
    pub diags: Diags,
}

impl ApplyWalk<'_> {
    /// One of the orders that core's graph allows: first every destroy that
    /// nothing has to precede, dependents before what they depend on; then
    /// creates and updates the other way round; then what was replaced by a new
    /// object already.
    pub async fn run(&mut self, changes: &[(String, Change)]) {
        for address in self.destroy_order(changes) {
            if self.session.is_interrupted() {
                return;
            }
            let change = &changes
                .iter()
                .find(|(other, _)| *other == address)
                .unwrap()
                .1;
            self.destroy(&address, change).await;
        }
        for resource in self.ordered.clone() {
            if self.session.is_interrupted() {
                return;
            }
            let address = resource.address();
            let Some((_, change)) = changes.iter().find(|(other, _)| *other == address) else {
                continue;
            };
            self.create_or_update(resource, &address, change).await;
        }
        self.destroy_deposed().await;
    }

    /// Dependents first.
    fn destroy_order(&self, changes: &[(String, Change)]) -> Vec<String> {
        let mut rest: Vec<String> = changes
            .iter()
            .filter(|(_, change)| matches!(change.action, Action::Delete | Action::Replace))
            .filter(|(address, _)| self.state.current.contains_key(address))
            .map(|(address, _)| address.clone())
            .collect();
        let mut order = Vec::new();
        while !rest.is_empty() {
            let free = rest
                .iter()
                .position(|address| !rest.iter().any(|other| self.depends(other, address)));
            order.push(rest.remove(free.unwrap_or(0)));
        }
        order
    }

    fn depends(&self, dependent: &str, on: &str) -> bool {
        self.state
            .current
            .get(dependent)
            .is_some_and(|instance| instance.depends_on.iter().any(|d| d == on))
    }

    async fn destroy(&mut self, address: &str, change: &Change) {
        let blocked = self
            .failed
            .iter()
            .any(|failed| self.depends(failed, address));
        let Some(instance) = self
            .state
            .current
            .get(address)
            .cloned()
            .filter(|_| !blocked)
        else {
            self.failed.insert(address.to_owned());
            return;
        };
        match self.delete(address, &instance, Some(change)).await {
            None => drop(self.state.current.remove(address)),
            Some(left) => {
                self.state.current.insert(address.to_owned(), left);
                self.failed.insert(address.to_owned());
            }
        }
    }

    /// What is left of an object after its destruction: nothing, if all is well.
    /// A deposed object has no plan and gets it here.
    async fn delete(
        &mut self,
        address: &str,
        instance: &Instance,
        planned: Option<&Change>,
    ) -> Option<Instance> {
        let ty = &instance.type_name;
        let errors = self.diags.errors().count();
        let Some(object) = self
            .session
            .upgrade(address, instance, &mut self.diags)
            .await
        else {
            return Some(instance.clone());
        };
        let change = if let Some(change) = planned {
            Some(change.clone())
        } else {
            let diags = &mut self.diags;
            self.session.plan_destroy(ty, address, &object, diags).await
        };
        let Some(change) = change else {
            return Some(instance.clone());
        };
        // Of a replacement this half has the private data, and no identity.
        let change = Change {
            identity: match change.action {
                Action::Delete => change.identity,
                _ => Val::Null,
            },
            action: Action::Delete,
            planned: Val::Null,
            ..change
        };
        let left = self
            .session
            .apply(
                ty,
                address,
                &change,
                Some(&object),
                &Val::Null,
                self.state,
                &mut self.diags,
            )
            .await;
        let left = left.map(|object| Instance {
            depends_on: instance.depends_on.clone(),
            create_before_destroy: instance.create_before_destroy,
            ..self.session.save(ty, &object)
        });
        assert!(
            left.is_none() || self.diags.errors().count() > errors,
            "an object survived without an error"
        );
        left
    }

    async fn create_or_update(&mut self, resource: &Resource, address: &str, first: &Change) {
        let blocked = self.failed.contains(address)
            || resource
                .depends_on
                .iter()
                .any(|needed| self.failed.contains(needed));
        if blocked {
            self.failed.insert(address.to_owned());
            return;
        }
        if first.action == Action::NoOp {
            self.values
                .objects
                .insert(address.to_owned(), first.planned.clone());
            return;
        }
        let errors = self.diags.errors().count();
        self.apply(resource, address, first).await;
        if self.diags.errors().count() > errors {
            self.failed.insert(address.to_owned());
        }
        if let Some(instance) = self.state.current.get(address) {
            let ty = self.session.resource(&resource.type_name).implied_type();
            let value = Val::from_json(&instance.json(), &ty).unwrap();
            self.values.objects.insert(address.to_owned(), value);
        }
    }

    /// Plans again with everything known, compares, applies, saves.
    async fn apply(&mut self, resource: &Resource, address: &str, first: &Change) {
        let ty = resource.type_name.as_str();
        let mut object = None;
        if first.action == Action::ReplaceCreateFirst {
            let old = self.state.current.remove(address).unwrap();
            self.state.deposed.push((address.to_owned(), old));
        } else if let Some(instance) = self.state.current.get(address) {
            object = self
                .session
                .upgrade(address, instance, &mut self.diags)
                .await;
            if object.is_none() {
                return;
            }
        }
        let Ok(after) = self
            .replan_and_apply(resource, address, first, object.as_ref())
            .await
        else {
            return;
        };
        match after {
            Some(object) => {
                let saved = Instance {
                    depends_on: resource.depends_on.clone(),
                    create_before_destroy: first.action == Action::ReplaceCreateFirst
                        || resource.create_before_destroy,
                    ..self.session.save(ty, &object)
                };
                self.state.current.insert(address.to_owned(), saved);
            }
            None => drop(self.state.current.remove(address)),
        }
    }

    async fn replan_and_apply(
        &mut self,
        resource: &Resource,
        address: &str,
        first: &Change,
        object: Option<&Object>,
    ) -> Result<Option<Object>, Unchanged> {
        let ty = resource.type_name.as_str();
        let config =
            evaluate(self.session, resource, &self.values, &mut self.diags).ok_or(Unchanged)?;
        let inputs = PlanInputs {
            object,
            ignore_changes: Some(&resource.ignore_changes),
            planned_private: &first.private,
            ..PlanInputs::default()
        };
        let second = self
            .session
            .plan(ty, address, &config, inputs, &mut self.diags)
            .await;
        let restored = self.restore_deposed(address, first, second.is_none());
        let second = second.ok_or(Unchanged)?;
        if !self
            .session
            .check_planned_change(ty, address, first, &second, &mut self.diags)
        {
            self.restore_deposed(address, first, !restored);
            return Err(Unchanged);
        }
        if second.action == Action::NoOp {
            return Err(Unchanged);
        }
        let after = self
            .session
            .apply(
                ty,
                address,
                &second,
                object,
                &config,
                self.state,
                &mut self.diags,
            )
            .await;
        if after.is_none() && self.restore_deposed(address, first, true) {
            return Err(Unchanged);
        }
        Ok(after)
    }

    /// When nothing was created, the old object is current again.
    fn restore_deposed(&mut self, address: &str, first: &Change, restore: bool) -> bool {
        let deposed = self
            .state
            .deposed
            .iter()
            .rposition(|(other, _)| other == address);
        match deposed.filter(|_| restore && first.action == Action::ReplaceCreateFirst) {
            Some(i) => {
                let (address, old) = self.state.deposed.remove(i);
                self.state.current.insert(address, old);
                true
            }
            None => false,
        }
    }

    async fn destroy_deposed(&mut self) {
        for (address, old) in self.state.deposed.clone().into_iter().rev() {
            if self.session.is_interrupted() {
                return;
            }
            let blocked = self.failed.contains(&address)
                || self.ordered.iter().any(|resource| {
                    resource.depends_on.contains(&address)
                        && self.failed.contains(&resource.address())
                });
            if blocked {
                continue;
            }
            let left = self.delete(&address, &old, None).await;
            // It leaves the state when it is gone, and not before.
            let this = (address, old);
            let at = self.state.deposed.iter().position(|one| *one == this);
            let at = at.expect("only this loop removes one");
            match left {
                Some(left) => self.state.deposed[at].1 = left,
                None => drop(self.state.deposed.remove(at)),
            }
        }
    }
}
