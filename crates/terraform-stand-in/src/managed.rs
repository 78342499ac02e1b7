//! The calls about managed resources, and what core checks in each answer.

use crate::proto::tfplugin6 as proto;
use serde_json::Value as Json;

use super::change::Change;
use super::diagnostics::{Diags, Origin, path, summary};
use super::hook::Applied;
use super::ignore_changes::IgnoreChanges;
use super::release::Release;
use super::rules::{self, Action};
use super::session::{
    Session, encode, no_faults, no_write_only, not_deferred, raw_state, wholly_known,
};
use super::state::{Instance, Object, State};
use super::value::Val;

/// A step went wrong; the diagnostics say how.
#[derive(Clone, Copy, Debug)]
pub struct Failed;

/// What a plan is made from, beside the configuration.
#[derive(Clone, Copy, Default)]
pub struct PlanInputs<'a> {
    pub object: Option<&'a Object>,
    pub create_first: bool,
    pub force_replace: bool,
    pub ignore_changes: Option<&'a IgnoreChanges>,
    /// Of the first plan, in the plan made at apply.
    pub planned_private: &'a [u8],
}

/// How an object is named for an import.
#[derive(Clone, Debug)]
pub enum ImportBy {
    Id(String),
    Identity(Json),
}

/// Which object is read: after an import the provider may start its private data
/// afresh, with a salt of its own, so that two reads differ in it.
#[derive(Clone, Copy, PartialEq)]
enum ReadOf {
    Stored,
    Imported,
}

impl Session {
    /// `ValidateResourceConfig`. False when there are errors.
    pub async fn validate(&self, ty: &str, address: &str, config: &Val, diags: &mut Diags) -> bool {
        let request = proto::validate_resource_config::Request {
            type_name: ty.to_owned(),
            config: Some(encode(config, &self.resource(ty).implied_type())),
            client_capabilities: self.capabilities(),
        };
        let mut own = Diags::default();
        let answer = self
            .call(
                "ValidateResourceConfig",
                address,
                &mut own,
                |mut client| async move { client.validate_resource_config(request).await },
            )
            .await;
        own.provider(
            address,
            answer.map(|answer| answer.diagnostics).unwrap_or_default(),
        );
        let good = !own.has_errors();
        diags.append(own);
        good
    }

    /// From the state file to an object: `UpgradeResourceState`, and
    /// `UpgradeResourceIdentity` when the versions differ.
    pub async fn upgrade(
        &self,
        address: &str,
        instance: &Instance,
        diags: &mut Diags,
    ) -> Option<Object> {
        let ty = instance.type_name.as_str();
        let schema = self.resource(ty);
        if instance.schema_version > schema.version {
            diags.error(
                Origin::User,
                address,
                summary::NEWER_STATE,
                "the state has a newer schema version",
            );
            return None;
        }
        let request = proto::upgrade_resource_state::Request {
            type_name: ty.to_owned(),
            version: instance.schema_version,
            raw_state: Some(raw_state(&instance.state)),
        };
        let mut own = Diags::default();
        let answer = self
            .call(
                "UpgradeResourceState",
                address,
                &mut own,
                |mut client| async move { client.upgrade_resource_state(request).await },
            )
            .await;
        let upgraded = answer.and_then(|answer| {
            own.provider(address, answer.diagnostics);
            self.decode(
                answer.upgraded_state.as_ref(),
                &schema.implied_type(),
                address,
                &mut own,
            )
        });
        let value = upgraded.filter(|_| !own.has_errors());
        let good = value.as_ref().is_some_and(|value| {
            let not_null = if value.is_null() {
                Err("the result is null".to_owned())
            } else {
                Ok(())
            };
            [not_null, wholly_known(value), no_write_only(schema, value)]
                .into_iter()
                .all(|outcome| self.check(summary::INVALID_UPGRADE, address, outcome, &mut own))
        });
        let identity = if good {
            self.upgrade_identity(address, instance, &mut own).await
        } else {
            None
        };
        let failed = own.has_errors();
        diags.append(own);
        if failed {
            return None;
        }
        Some(Object {
            value: value?,
            private: instance.private.clone(),
            identity: identity.unwrap_or(Val::Null),
            tainted: instance.tainted,
        })
    }

    async fn upgrade_identity(
        &self,
        address: &str,
        instance: &Instance,
        diags: &mut Diags,
    ) -> Option<Val> {
        let schema = self.identity(&instance.type_name)?;
        let stored = instance.identity.as_ref()?;
        let ty = schema.implied_type();
        if instance.identity_version == schema.version {
            return match serde_json::from_str(stored)
                .map_err(|e| e.to_string())
                .and_then(|j| Val::from_json(&j, &ty))
            {
                Ok(identity) => Some(identity),
                Err(error) => {
                    self.check(summary::INVALID_IDENTITY, address, Err(error), diags);
                    None
                }
            };
        }
        let request = proto::upgrade_resource_identity::Request {
            type_name: instance.type_name.clone(),
            version: instance.identity_version,
            raw_identity: Some(raw_state(stored)),
        };
        let answer = self
            .call(
                "UpgradeResourceIdentity",
                address,
                diags,
                |mut client| async move { client.upgrade_resource_identity(request).await },
            )
            .await?;
        diags.provider(address, answer.diagnostics);
        let identity = self.decode_identity(
            answer.upgraded_identity.as_ref(),
            &instance.type_name,
            address,
            diags,
        )?;
        self.check(
            summary::INVALID_IDENTITY,
            address,
            wholly_known(&identity),
            diags,
        );
        Some(identity)
    }

    /// `ReadResource`: the object as it is now; its value is null when it is gone.
    pub async fn read(
        &self,
        ty: &str,
        address: &str,
        object: &Object,
        diags: &mut Diags,
    ) -> Result<Object, Failed> {
        self.read_and_compare(ty, address, object, ReadOf::Stored, diags)
            .await
    }

    async fn read_and_compare(
        &self,
        ty: &str,
        address: &str,
        object: &Object,
        what: ReadOf,
        diags: &mut Diags,
    ) -> Result<Object, Failed> {
        let schema = self.resource(ty);
        let request = proto::read_resource::Request {
            type_name: ty.to_owned(),
            current_state: Some(encode(&object.value, &schema.implied_type())),
            private: object.private.clone(),
            provider_meta: None,
            client_capabilities: self.capabilities(),
            current_identity: self.encode_identity(&object.identity, ty),
        };
        let mut own = Diags::default();
        let first = self.read_once(address, request.clone(), &mut own).await;
        if self.shared.repeat
            && let Some(first) = &first
        {
            let again = self
                .read_once(address, request, &mut Diags::default())
                .await;
            let same = again.as_ref().is_some_and(|again| {
                let private = what == ReadOf::Imported || first.private == again.private;
                private
                    && first.new_state == again.new_state
                    && first.new_identity == again.new_identity
            });
            self.check(
                summary::UNSTABLE,
                address,
                same.then_some(()).ok_or("ReadResource".to_owned()),
                &mut own,
            );
        }
        let read =
            first.and_then(|answer| self.check_read(ty, address, object, answer, &mut own).ok());
        let failed = own.has_errors();
        diags.append(own);
        read.filter(|_| !failed).ok_or(Failed)
    }

    async fn read_once(
        &self,
        address: &str,
        request: proto::read_resource::Request,
        diags: &mut Diags,
    ) -> Option<proto::read_resource::Response> {
        self.call("ReadResource", address, diags, |mut client| async move {
            client.read_resource(request).await
        })
        .await
    }

    fn check_read(
        &self,
        ty: &str,
        address: &str,
        before: &Object,
        answer: proto::read_resource::Response,
        diags: &mut Diags,
    ) -> Result<Object, Failed> {
        let schema = self.resource(ty);
        diags.provider(address, answer.diagnostics);
        if diags.has_errors() {
            return Err(Failed);
        }
        self.check(
            summary::INVALID_DEFERRAL,
            address,
            not_deferred(answer.deferred.as_ref()),
            diags,
        );
        let value = self
            .decode(
                answer.new_state.as_ref(),
                &schema.implied_type(),
                address,
                diags,
            )
            .ok_or(Failed)?;
        self.check(
            summary::INVALID_OBJECT,
            address,
            wholly_known(&value),
            diags,
        );
        self.check(
            summary::INVALID_OBJECT,
            address,
            no_write_only(schema, &value),
            diags,
        );
        let identity = self
            .decode_identity(answer.new_identity.as_ref(), ty, address, diags)
            .ok_or(Failed)?;
        if !value.is_null() {
            self.check_identity(ty, address, &before.identity, &identity, diags);
        }
        Ok(Object {
            // What is gone is not to be replaced any more.
            tainted: before.tainted && !value.is_null(),
            value,
            private: answer.private,
            identity,
        })
    }

    /// A stored identity is known, there, and always the same. That it may not
    /// change is stricter than core, and the rule of Terraform's own framework;
    /// what was null, as after an import by id, may be filled in.
    fn check_identity(
        &self,
        ty: &str,
        address: &str,
        before: &Val,
        after: &Val,
        diags: &mut Diags,
    ) {
        if self.identity(ty).is_none() {
            return;
        }
        let present = if after.is_null() {
            Err("no identity was returned".to_owned())
        } else {
            wholly_known(after)
        };
        self.check(summary::INVALID_IDENTITY, address, present, diags);
        let changed = !after.is_null()
            && before.is_wholly_known()
            && before
                .entries()
                .any(|(name, value)| !value.is_null() && *value != after.get(name));
        let same = if changed {
            Err(format!("the identity was {before}, but now {after}"))
        } else {
            Ok(())
        };
        self.check(summary::INVALID_IDENTITY, address, same, diags);
    }

    /// Validates, plans and checks the plan; plans again where it turns out to
    /// be a replacement. Nothing when there are errors.
    pub async fn plan(
        &self,
        ty: &str,
        address: &str,
        config: &Val,
        inputs: PlanInputs<'_>,
        diags: &mut Diags,
    ) -> Option<Change> {
        if !self.validate(ty, address, config, diags).await {
            return None;
        }
        let none = Object::none();
        let stored = inputs.object.unwrap_or(&none);
        // A tainted object is planned as if there were none.
        let prior = if stored.tainted { &none } else { stored };
        let block = &self.resource(ty).block;
        let edited = inputs
            .ignore_changes
            .map(|ignored| ignored.edit(block, &prior.value, config, self.release()));
        let effective = edited.as_ref().unwrap_or(config);
        let first = self
            .plan_once(ty, address, effective, prior, inputs.planned_private, diags)
            .await?;
        let replace_paths = match rules::required_replaces(
            block,
            &prior.value,
            &first.planned,
            &first.replace_paths,
        ) {
            Ok(paths) => {
                self.shared.checks.count(summary::INVALID_PLAN);
                paths
            }
            Err(path) => {
                let detail =
                    format!("\"requires replacement\" on a non-existent attribute path `{path}`");
                self.check(summary::INVALID_PLAN, address, Err(detail), diags);
                return None;
            }
        };
        let must_replace = !replace_paths.is_empty() || inputs.force_replace;
        let mut action = rules::action(
            &prior.value,
            &first.planned,
            must_replace,
            inputs.create_first,
        );
        let mut change = Change {
            action,
            prior: stored.value.clone(),
            replace_paths,
            ..first
        };
        if action.is_replace() {
            let prior = Object {
                value: Val::Null,
                private: change.private,
                identity: change.identity,
                tainted: false,
            };
            let second = self
                .plan_once(ty, address, config, &prior, &[], diags)
                .await?;
            change = Change {
                planned: second.planned,
                private: second.private,
                identity: second.identity,
                ..change
            };
        }
        if stored.tainted {
            action = if inputs.create_first {
                Action::ReplaceCreateFirst
            } else {
                Action::Replace
            };
        }
        Some(Change { action, ..change })
    }

    /// One plan call with core's checks of the answer. Prior and action of the
    /// change are those of this call.
    async fn plan_once(
        &self,
        ty: &str,
        address: &str,
        config: &Val,
        prior: &Object,
        planned_private: &[u8],
        diags: &mut Diags,
    ) -> Option<Change> {
        let schema = self.resource(ty);
        let object = schema.implied_type();
        let proposed = rules::proposed_new(&schema.block, &prior.value, config);
        let mut own = Diags::default();
        let request = proto::plan_resource_change::Request {
            type_name: ty.to_owned(),
            prior_state: Some(encode(&prior.value, &object)),
            proposed_new_state: Some(encode(&proposed, &object)),
            config: Some(encode(config, &object)),
            prior_private: prior.private.clone(),
            provider_meta: None,
            client_capabilities: self.capabilities(),
            prior_identity: self.encode_identity(&prior.identity, ty),
            planned_private: if self.shared.release >= Release::V1_16 {
                planned_private.to_vec()
            } else {
                Vec::new()
            },
        };
        let answer = self.plan_call(address, request, &mut own).await;
        let change = answer.and_then(|answer| {
            own.provider(address, answer.diagnostics);
            if own.has_errors() {
                return None;
            }
            self.check(
                summary::INVALID_DEFERRAL,
                address,
                not_deferred(answer.deferred.as_ref()),
                &mut own,
            );
            let planned = self.decode(answer.planned_state.as_ref(), &object, address, &mut own)?;
            self.check(
                summary::INVALID_PLAN,
                address,
                no_write_only(schema, &planned),
                &mut own,
            );
            let faults = rules::assert_plan_valid(&schema.block, &prior.value, config, &planned);
            self.check(summary::INVALID_PLAN, address, no_faults(&faults), &mut own);
            let identity =
                self.decode_identity(answer.planned_identity.as_ref(), ty, address, &mut own)?;
            if !prior.value.is_null() && self.identity(ty).is_some() {
                self.check(
                    summary::INVALID_IDENTITY,
                    address,
                    wholly_known(&identity),
                    &mut own,
                );
            }
            Some(Change {
                action: Action::NoOp,
                prior: prior.value.clone(),
                planned,
                private: answer.planned_private,
                identity,
                replace_paths: answer
                    .requires_replace
                    .iter()
                    .map(|p| path(Some(p)))
                    .collect(),
            })
        });
        let failed = own.has_errors();
        diags.append(own);
        change.filter(|_| !failed)
    }

    async fn plan_call(
        &self,
        address: &str,
        request: proto::plan_resource_change::Request,
        diags: &mut Diags,
    ) -> Option<proto::plan_resource_change::Response> {
        let again = self.shared.repeat.then(|| request.clone());
        let plan = async |request, diags: &mut Diags| {
            self.call(
                "PlanResourceChange",
                address,
                diags,
                |mut client| async move { client.plan_resource_change(request).await },
            )
            .await
        };
        let answer = plan(request, diags).await?;
        if let Some(request) = again {
            let second = plan(request, &mut Diags::default()).await;
            let same = second.as_ref().is_some_and(|second| *second == answer);
            let outcome = same.then_some(()).ok_or("PlanResourceChange".to_owned());
            self.check(summary::UNSTABLE, address, outcome, diags);
        }
        Some(answer)
    }

    /// The plan to destroy an object; a provider may ask not to be asked.
    pub async fn plan_destroy(
        &self,
        ty: &str,
        address: &str,
        object: &Object,
        diags: &mut Diags,
    ) -> Option<Change> {
        let ty_object = self.resource(ty).implied_type();
        let mut change = Change {
            action: Action::Delete,
            prior: object.value.clone(),
            planned: Val::Null,
            private: object.private.clone(),
            identity: Val::Null,
            replace_paths: Vec::new(),
        };
        let plans =
            self.shared.release.plans_a_destroy() && self.schema().capabilities.plan_destroy;
        if !plans {
            return Some(change);
        }
        let request = proto::plan_resource_change::Request {
            type_name: ty.to_owned(),
            prior_state: Some(encode(&object.value, &ty_object)),
            proposed_new_state: Some(encode(&Val::Null, &ty_object)),
            config: Some(encode(&Val::Null, &ty_object)),
            prior_private: object.private.clone(),
            provider_meta: None,
            client_capabilities: self.capabilities(),
            prior_identity: self.encode_identity(&object.identity, ty),
            planned_private: Vec::new(),
        };
        let mut own = Diags::default();
        let answer = self.plan_call(address, request, &mut own).await;
        if let Some(answer) = answer {
            own.provider(address, answer.diagnostics);
            if !own.has_errors()
                && let Some(planned) =
                    self.decode(answer.planned_state.as_ref(), &ty_object, address, &mut own)
            {
                let null = if planned.is_null() {
                    Ok(())
                } else {
                    Err("a non-null destroy value".to_owned())
                };
                self.check(summary::INVALID_PLAN, address, null, &mut own);
            }
            let identity = answer.planned_identity.as_ref();
            change.identity = self
                .decode_identity(identity, ty, address, &mut own)
                .unwrap_or(Val::Null);
            change.private = answer.planned_private;
        }
        let failed = own.has_errors();
        diags.append(own);
        (!failed).then_some(change)
    }

    /// Compares the plan made at apply with the first one.
    pub fn check_planned_change(
        &self,
        ty: &str,
        address: &str,
        first: &Change,
        second: &Change,
        diags: &mut Diags,
    ) -> bool {
        let action = if rules::action_may_follow(first.action, second.action) {
            Ok(())
        } else {
            Err(format!(
                "the planned action changed from {:?} to {:?}",
                first.action, second.action
            ))
        };
        let same = self.check(summary::INCONSISTENT_PLAN, address, action, diags);
        let faults = rules::assert_object_compatible(
            &self.resource(ty).block,
            &first.planned,
            &second.planned,
        );
        self.check(
            summary::INCONSISTENT_PLAN,
            address,
            no_faults(&faults),
            diags,
        ) && same
    }

    /// `ApplyResourceChange` with core's checks: what the state holds afterwards.
    /// `config` is null for a destroy; `state` is for a hook.
    #[expect(clippy::too_many_arguments, reason = "one of them is for hooks alone")]
    pub async fn apply(
        &self,
        ty: &str,
        address: &str,
        change: &Change,
        before: Option<&Object>,
        config: &Val,
        state: &State,
        diags: &mut Diags,
    ) -> Option<Object> {
        if !config.is_wholly_known() {
            diags.error(
                Origin::User,
                address,
                summary::UNKNOWN_CONFIG,
                format!("{config}"),
            );
            return before.cloned();
        }
        let schema = self.resource(ty);
        let object = schema.implied_type();
        let prior = before.map_or(Val::Null, |before| before.value.clone());
        let request = proto::apply_resource_change::Request {
            type_name: ty.to_owned(),
            prior_state: Some(encode(&prior, &object)),
            planned_state: Some(encode(&change.planned, &object)),
            config: Some(encode(config, &object)),
            planned_private: change.private.clone(),
            provider_meta: None,
            planned_identity: self.encode_identity(&change.identity, ty),
        };
        let hook = self.shared.hook.as_ref();
        let post_apply = hook.and_then(|hook| hook(self.provider_config()));
        let mut own = Diags::default();
        let answer = self
            .call(
                "ApplyResourceChange",
                address,
                &mut own,
                |mut client| async move { client.apply_resource_change(request).await },
            )
            .await;
        let after = self.check_apply(ty, address, change, before, answer, &mut own);
        let failed = own.has_errors();
        diags.append(own);
        let create = prior.is_null();
        let after = after.map(|after| Object {
            tainted: failed && (create || after.tainted),
            ..after
        });
        if let Some(post_apply) = post_apply {
            let outcome = post_apply(&Applied {
                type_name: ty,
                change,
                config,
                before,
                after: after.as_ref(),
                failed,
                state,
            });
            self.check(summary::UNTRUE_PLAN, address, outcome, diags);
        }
        after
    }

    /// `tainted` of the result is that of the object before, as far as it counts.
    fn check_apply(
        &self,
        ty: &str,
        address: &str,
        change: &Change,
        before: Option<&Object>,
        answer: Option<proto::apply_resource_change::Response>,
        diags: &mut Diags,
    ) -> Option<Object> {
        let schema = self.resource(ty);
        let Some(answer) = answer else {
            return before.cloned();
        };
        diags.provider(address, answer.diagnostics);
        let Some(value) = self.decode(
            answer.new_state.as_ref(),
            &schema.implied_type(),
            address,
            diags,
        ) else {
            return before.cloned();
        };
        let identity = self
            .decode_identity(answer.new_identity.as_ref(), ty, address, diags)
            .unwrap_or(Val::Null);
        let provider_failed = diags.has_errors();
        let write_only = no_write_only(schema, &value);
        if !self.check(summary::INVALID_OBJECT, address, write_only, diags) {
            return before
                .filter(|_| self.release().keeps_what_is_invalid())
                .cloned();
        }
        self.check(
            summary::INVALID_RESULT,
            address,
            wholly_known(&value),
            diags,
        );
        let value = value.unknown_as_null();
        if !provider_failed {
            if change.planned.is_null() {
                let gone = if value.is_null() {
                    Ok(())
                } else {
                    Err("destroyed, but not null".to_owned())
                };
                self.check(summary::INVALID_RESULT, address, gone, diags);
            } else if !diags.has_errors() {
                let faults =
                    rules::assert_object_compatible(&schema.block, &change.planned, &value);
                self.check(
                    summary::INCONSISTENT_RESULT,
                    address,
                    no_faults(&faults),
                    diags,
                );
                if !value.is_null() {
                    let known = before.map_or(Val::Null, |before| before.identity.clone());
                    let known = if known.is_null() {
                        change.identity.clone()
                    } else {
                        known
                    };
                    self.check_identity(ty, address, &known, &identity, diags);
                }
            }
        }
        if value.is_null() {
            // After an error null says nothing: what was there is kept.
            return before.filter(|_| diags.has_errors()).cloned();
        }
        let tainted = before.is_some_and(|before| before.tainted);
        Some(Object {
            value,
            private: answer.private,
            identity,
            tainted,
        })
    }

    /// `ImportResourceState` and the read that follows it.
    pub async fn import(
        &self,
        ty: &str,
        address: &str,
        by: &ImportBy,
        diags: &mut Diags,
    ) -> Option<Object> {
        let identity = match by {
            ImportBy::Id(_) => Val::Null,
            ImportBy::Identity(json) => {
                let Some(schema) = self.identity(ty) else {
                    diags.error(
                        Origin::User,
                        address,
                        "Invalid import identity",
                        "there is no identity schema",
                    );
                    return None;
                };
                match schema.config(json) {
                    Ok(identity) => identity,
                    Err(error) => {
                        diags.error(Origin::User, address, "Invalid import identity", error);
                        return None;
                    }
                }
            }
        };
        let request = proto::import_resource_state::Request {
            type_name: ty.to_owned(),
            id: if let ImportBy::Id(id) = by {
                id.clone()
            } else {
                String::new()
            },
            client_capabilities: self.capabilities(),
            identity: self.encode_identity(&identity, ty),
        };
        let mut own = Diags::default();
        let answer = self
            .call(
                "ImportResourceState",
                address,
                &mut own,
                |mut client| async move { client.import_resource_state(request).await },
            )
            .await;
        let stub = answer.and_then(|answer| self.check_import(ty, address, by, answer, &mut own));
        let failed = own.has_errors();
        diags.append(own);
        // Core reads what was imported even when it has objected to it.
        let found = self
            .read_and_compare(ty, address, &stub?, ReadOf::Imported, diags)
            .await
            .ok()?;
        if failed {
            return None;
        }
        if found.value.is_null() {
            let detail = "the provider found no such object";
            diags.error(Origin::User, address, summary::IMPORT_GONE, detail);
            return None;
        }
        Some(found)
    }

    fn check_import(
        &self,
        ty: &str,
        address: &str,
        by: &ImportBy,
        answer: proto::import_resource_state::Response,
        diags: &mut Diags,
    ) -> Option<Object> {
        let schema = self.resource(ty);
        diags.provider(address, answer.diagnostics);
        if diags.has_errors() {
            return None;
        }
        self.check(
            summary::INVALID_DEFERRAL,
            address,
            not_deferred(answer.deferred.as_ref()),
            diags,
        );
        let count = answer.imported_resources.len();
        self.check(
            summary::IMPORT_NONE,
            address,
            (count > 0).then_some(()).ok_or(String::new()),
            diags,
        );
        self.check(
            summary::IMPORT_MANY,
            address,
            (count < 2).then_some(()).ok_or(String::new()),
            diags,
        );
        let imported = answer.imported_resources.into_iter().next()?;
        let same = if imported.type_name == ty {
            Ok(())
        } else {
            Err(format!("of type {:?}", imported.type_name))
        };
        self.check(summary::INVALID_VALUE, address, same, diags);
        let value = self.decode(
            imported.state.as_ref(),
            &schema.implied_type(),
            address,
            diags,
        )?;
        let not_null = if value.is_null() {
            Err("the state is null".to_owned())
        } else {
            Ok(())
        };
        self.check(summary::IMPORT_NULL, address, not_null, diags);
        self.check(
            summary::INVALID_VALUE,
            address,
            no_write_only(schema, &value),
            diags,
        );
        let identity = self.decode_identity(imported.identity.as_ref(), ty, address, diags)?;
        if matches!(by, ImportBy::Identity(_)) {
            let present = if identity.is_null() {
                Err("no identity".to_owned())
            } else {
                wholly_known(&identity)
            };
            self.check(summary::INVALID_IDENTITY, address, present, diags);
        }
        Some(Object {
            value,
            private: imported.private,
            identity,
            tainted: false,
        })
    }

    /// From an object to the state file.
    pub fn save(&self, ty: &str, object: &Object) -> Instance {
        let state = State::pretty(&object.value);
        let read = Val::from_json(
            &serde_json::from_str(&state).unwrap(),
            &self.resource(ty).implied_type(),
        );
        assert_eq!(
            read.as_ref(),
            Ok(&object.value),
            "the object does not survive the state file"
        );
        self.shared.checks.count("JSON round trip");
        Instance {
            type_name: ty.to_owned(),
            state,
            schema_version: self.resource(ty).version,
            private: object.private.clone(),
            identity: (!object.identity.is_null()).then(|| State::pretty(&object.identity)),
            identity_version: self.identity(ty).map_or(0, |identity| identity.version),
            tainted: object.tainted,
            depends_on: Vec::new(),
            create_before_destroy: false,
        }
    }
}
