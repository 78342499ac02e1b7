//! `ApplyResourceChange`: create, update or delete, as planned.
//!
//! Where a result contradicts the plan, the resource has a bug; the question is
//! only who pays for it. Terraform itself would mark a created object as
//! tainted and destroy it in the next run. So after a create the planned
//! values are kept with a warning that names the attributes: the object is
//! there, and the next read shows the difference as an ordinary change. After
//! an update there is nothing to be tainted, so the truth is saved, with an
//! error.

use std::sync::Arc;

use super::rpc::Outcome;
use super::turns::Turn;
use super::{Server, convert, identity};
use crate::definition::Definition;
use crate::diagnostics::{Diagnostic, Diagnostics, quoted};
use crate::path::Path;
use crate::plan;
use crate::private::Private;
use crate::proto::tfplugin6::apply_resource_change::{Request, Response};
use crate::provider::Provider;
use crate::resource::{
    Context, CreateRequest, DeleteRequest, DynResource, Failed, Saved, UpdateRequest,
};
use crate::schema::AttributeType;
use crate::value::Value;

/// The state before: null on create. The private data before is not part of
/// the request; the planned one is the nearest to it.
pub(super) fn fallback(request: &Request) -> Response {
    Response {
        new_state: request.prior_state.clone(),
        private: request.planned_private.clone(),
        new_identity: request.planned_identity.clone(),
        ..Response::default()
    }
}

pub(super) async fn run<P: Provider>(server: &Server<P>, request: &Request) -> Outcome<Response> {
    let resource = server.resource(&request.type_name)?;
    let object_type = resource.definition().schema.object_type();
    let prior = convert::decode(&object_type, "prior_state", request.prior_state.as_ref())?;
    let planned = convert::decode(
        &object_type,
        "planned_state",
        request.planned_state.as_ref(),
    )?;
    let config = convert::decode(&object_type, "config", request.config.as_ref())?;
    let configured = server.configured()?;
    let schema = resource.definition().schema;
    server.keep_secrets(&configured, schema, &[&prior, &planned, &config]);
    let apply = Apply {
        server,
        configured,
        resource,
        definition: resource.definition(),
        object_type,
        request,
    };
    match (prior, planned) {
        (Value::Null, Value::Null) => Err(convert::malformed(
            "planned_state",
            "It is null, and there is no prior state either.",
        )),
        (Value::Null, planned) => apply.create(config, planned).await,
        (prior, Value::Null) => apply.delete(prior).await,
        (prior, planned) => apply.update(config, planned, prior).await,
    }
}

/// What the three operations have in common.
struct Apply<'a, P: Provider> {
    server: &'a Server<P>,
    configured: Arc<P::Configured>,
    resource: &'static dyn DynResource<P::Configured>,
    definition: &'static Definition,
    object_type: AttributeType,
    request: &'a Request,
}

/// The object as it is now, and what is kept beside it.
type Left = (Value, Private);

impl<P: Provider> Apply<'_, P> {
    async fn create(&self, config: Value, planned: Value) -> Outcome<Response> {
        let context = self.server.context("create", &planned);
        let _turn = self.turn(&planned, &context).await?;
        let mut private = Private::from_bytes(&self.request.planned_private);
        let request = CreateRequest {
            config,
            planned: planned.clone(),
            decision: private.take_decision(),
        };
        let created = self.resource.create(&self.configured, &context, request);
        let (left, diagnostics) = match created.await {
            Ok(saved) => {
                let ((state, private), diagnostics) =
                    self.compared(saved, &planned, contradicts_create);
                let attributes = self.definition.schema.attributes;
                let settled = plan::settle(attributes, &planned, &state);
                ((settled, private), diagnostics)
            }
            Err(failed) => self.left(failed)?,
        };
        self.saved(left, diagnostics)
    }

    async fn update(&self, config: Value, planned: Value, prior: Value) -> Outcome<Response> {
        let context = self.server.context("update", &planned);
        let _turn = self.turn(&prior, &context).await?;
        let mut private = Private::from_bytes(&self.request.planned_private);
        let request = UpdateRequest {
            config,
            planned: planned.clone(),
            prior,
            decision: private.take_decision(),
            private,
        };
        let updated = self.resource.update(&self.configured, &context, request);
        let (left, diagnostics) = match updated.await {
            Ok(saved) => self.compared(saved, &planned, contradicts_update),
            Err(failed) => self.left(failed)?,
        };
        self.saved(left, diagnostics)
    }

    async fn delete(&self, prior: Value) -> Outcome<Response> {
        let context = self.server.context("delete", &prior);
        let _turn = self.turn(&prior, &context).await?;
        let request = DeleteRequest {
            prior,
            private: Private::from_bytes(&self.request.planned_private),
        };
        let deleted = self.resource.delete(&self.configured, &context, request);
        match deleted.await {
            Ok(warnings) => {
                let response = Response {
                    new_state: Some(convert::encode(&self.object_type, &Value::Null)?),
                    ..Response::default()
                };
                Ok((response, warnings))
            }
            Err(failed) => {
                let (left, diagnostics) = self.left(failed)?;
                self.saved(left, diagnostics)
            }
        }
    }

    /// Waits until no other operation on the same object runs.
    async fn turn(&self, object: &Value, context: &Context) -> Result<Turn, Diagnostics> {
        let name = self.resource.turn(object)?;
        let turns = &self.server.turns;
        turns.wait(self.definition.type_name, name, context).await
    }

    /// What a failure leaves, and its messages; nothing keeps the prior state.
    fn left(&self, failed: Failed<Value>) -> Result<(Left, Diagnostics), Diagnostics> {
        match failed.into_parts() {
            (None, problems) => Err(problems),
            (Some((state, private)), problems) => {
                Ok(((self.without_write_only(state), private), problems))
            }
        }
    }

    fn without_write_only(&self, mut state: Value) -> Value {
        plan::null_write_only(self.definition.schema.attributes, &mut state);
        state
    }

    /// What is there, and the warnings; with one message more where it is not what
    /// was planned.
    fn compared(
        &self,
        saved: Saved<Value>,
        planned: &Value,
        contradicts: fn(&[Path]) -> Diagnostic,
    ) -> (Left, Diagnostics) {
        let state = self.without_write_only(saved.state);
        let mut diagnostics = saved.warnings;
        let attributes = self.definition.schema.attributes;
        let contradictions = plan::contradictions(attributes, planned, &state);
        if !contradictions.is_empty() {
            diagnostics.push(contradicts(&contradictions));
        }
        ((state, saved.private), diagnostics)
    }

    /// What to keep: bytes that the provider could not read stay as they were.
    fn bytes(&self, private: &Private) -> Vec<u8> {
        let planned = &self.request.planned_private;
        if *private == Private::from_bytes(planned) {
            planned.clone()
        } else {
            private.to_bytes()
        }
    }

    fn saved(&self, (state, private): Left, mut diagnostics: Diagnostics) -> Outcome<Response> {
        let request = self.request;
        let schema = self.resource.identity_schema();
        let planned = request.planned_identity.as_ref();
        let before = identity::decode(schema, "planned_identity", planned).unwrap_or_default();
        let identity = identity::of_object(schema, &state);
        diagnostics.extend(identity::contradiction(&before, &identity));
        let response = Response {
            new_state: Some(convert::encode(&self.object_type, &state)?),
            private: self.bytes(&private),
            new_identity: identity::encode(schema, &identity)?
                .or_else(|| request.planned_identity.clone()),
            ..Response::default()
        };
        Ok((response, diagnostics))
    }
}

fn contradicts_create(paths: &[Path]) -> Diagnostic {
    Diagnostic::warning(
        "Created object differs from its plan",
        format!(
            "The object was created. In {}, it has not got the value that was planned. The state \
             has the planned value, and the next `terraform plan` shows the difference. This is \
             a bug in the provider: report it.",
            quoted(paths)
        ),
    )
}

fn contradicts_update(paths: &[Path]) -> Diagnostic {
    Diagnostic::error(
        "Updated object differs from its plan",
        format!(
            "The object was changed. In {}, it has not got the value that was planned. The state \
             has the value that the object has now, and the next `terraform plan` shows the \
             difference. This is a bug in the provider: report it.",
            quoted(paths)
        ),
    )
}
