//! `ApplyResourceChange`: create, update or delete, as planned.
//!
//! Where a result contradicts the plan, the resource has a bug; the question is
//! only who pays for it. Terraform itself would mark a created object as
//! tainted and destroy it in the next run. So after a create the planned
//! values are kept with a warning that names the attributes: the object is
//! there, and the next read shows the difference as an ordinary change. After
//! an update there is nothing to be tainted, so the truth is saved, with an
//! error.

use super::identity::Texts;
use super::{Configured, Server, convert, identity};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::path::Path;
use crate::plan;
use crate::private::Private;
use crate::proto::tfplugin6::apply_resource_change::{Request, Response};
use crate::provider::Provider;
use crate::resource::{
    CreateRequest, Definition, DeleteRequest, DynResource, Outcome, UpdateRequest,
};
use crate::timeouts::Operation;
use crate::types::Type;
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

pub(super) async fn run<P: Provider>(
    server: &Server<P>,
    request: &Request,
) -> Result<Response, Diagnostics> {
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
    server.keep_secrets(&configured.provider, schema, &[&prior, &planned, &config]);
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
    configured: Configured<P::Configured>,
    resource: &'static dyn DynResource<P::Configured>,
    definition: &'static Definition,
    object_type: Type,
    request: &'a Request,
}

impl<P: Provider> Apply<'_, P> {
    async fn create(&self, config: Value, planned: Value) -> Result<Response, Diagnostics> {
        let context =
            self.server
                .context(Operation::Create, &planned, self.definition.default_timeout);
        let mut private = Private::from_bytes(&self.request.planned_private);
        let request = CreateRequest {
            config,
            planned: planned.clone(),
            decision: private.take_decision(),
        };
        let outcome = self
            .resource
            .create(&self.configured.provider, &context, request)
            .await;

        let failed = outcome.diagnostics.has_errors();
        let mut diagnostics = outcome.diagnostics;
        let Some(state) = outcome.state else {
            if !failed {
                diagnostics.push(no_state("creating"));
            }
            return Err(diagnostics);
        };
        let mut state = self.without_write_only(state);
        if !failed {
            let contradictions = self.contradictions(&planned, &state);
            if !contradictions.is_empty() {
                diagnostics.push(contradicts_create(&contradictions));
            }
            state = plan::settle(self.definition.schema.attributes, &planned, &state);
        }
        let identity = identity::of_state(self.resource, &state).unwrap_or_default();
        self.saved(&state, &outcome.private.to_bytes(), &identity, diagnostics)
    }

    async fn update(
        &self,
        config: Value,
        planned: Value,
        prior: Value,
    ) -> Result<Response, Diagnostics> {
        let context =
            self.server
                .context(Operation::Update, &planned, self.definition.default_timeout);
        let mut private = Private::from_bytes(&self.request.planned_private);
        let request = UpdateRequest {
            config,
            planned: planned.clone(),
            prior,
            decision: private.take_decision(),
            private,
        };
        let outcome = self
            .resource
            .update(&self.configured.provider, &context, request)
            .await;

        let failed = outcome.diagnostics.has_errors();
        let private = outcome.private.to_bytes();
        let mut diagnostics = outcome.diagnostics;
        let Some(state) = outcome.state else {
            if !failed {
                diagnostics.push(no_state("changing"));
            }
            return Err(diagnostics);
        };
        let state = self.without_write_only(state);
        if !failed {
            let contradictions = self.contradictions(&planned, &state);
            if !contradictions.is_empty() {
                diagnostics.push(contradicts_update(&contradictions));
            }
        }
        let identity = identity::of_state(self.resource, &state).unwrap_or_default();
        let before = identity::decode(
            self.definition.identity,
            "planned_identity",
            self.request.planned_identity.as_ref(),
        );
        if let Ok(before) = before
            && let Err(changed) = identity::unchanged(&before, &identity)
        {
            diagnostics.extend(changed);
        }
        self.saved(&state, &private, &identity, diagnostics)
    }

    async fn delete(&self, prior: Value) -> Result<Response, Diagnostics> {
        let context =
            self.server
                .context(Operation::Delete, &prior, self.definition.default_timeout);
        let private = Private::from_bytes(&self.request.planned_private);
        let request = DeleteRequest {
            prior,
            private: private.clone(),
        };
        let outcome = self
            .resource
            .delete(&self.configured.provider, &context, request)
            .await;

        let failed = outcome.diagnostics.has_errors();
        let private = self.private_bytes(&private, &outcome);
        let mut diagnostics = outcome.diagnostics;
        match outcome.state {
            None if failed => Err(diagnostics),
            None => Ok(Response {
                new_state: Some(convert::encode(&self.object_type, &Value::Null)?),
                diagnostics: convert::diagnostics(diagnostics),
                ..Response::default()
            }),
            Some(state) => {
                if !failed {
                    diagnostics.push(still_there());
                }
                let state = self.without_write_only(state);
                let identity = identity::of_state(self.resource, &state).unwrap_or_default();
                self.saved(&state, &private, &identity, diagnostics)
            }
        }
    }

    fn without_write_only(&self, mut state: Value) -> Value {
        plan::null_write_only(self.definition.schema.attributes, &mut state);
        state
    }

    fn contradictions(&self, planned: &Value, state: &Value) -> Vec<Path> {
        plan::contradictions(self.definition.schema.attributes, planned, state)
    }

    /// What to keep: bytes that the provider could not read stay as they were.
    fn private_bytes(&self, before: &Private, outcome: &Outcome<Value>) -> Vec<u8> {
        if outcome.private == *before {
            self.request.planned_private.clone()
        } else {
            outcome.private.to_bytes()
        }
    }

    fn saved(
        &self,
        state: &Value,
        private: &[u8],
        identity: &Texts,
        diagnostics: Diagnostics,
    ) -> Result<Response, Diagnostics> {
        Ok(Response {
            new_state: Some(convert::encode(&self.object_type, state)?),
            private: private.to_vec(),
            diagnostics: convert::diagnostics(diagnostics),
            legacy_type_system: false,
            new_identity: identity::encode(self.definition.identity, identity)?
                .or_else(|| self.request.planned_identity.clone()),
        })
    }
}

fn names(paths: &[Path]) -> String {
    let names: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
    names.join(", ")
}

fn contradicts_create(paths: &[Path]) -> Diagnostic {
    Diagnostic::warning(
        "Created object differs from its plan",
        format!(
            "The object was created. In {}, it has not got the value that was planned. The state \
             has the planned value, and the next `terraform plan` shows the difference. This is \
             a bug in the provider: report it.",
            names(paths)
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
            names(paths)
        ),
    )
}

fn no_state(what: &str) -> Diagnostic {
    Diagnostic::error(
        "Provider returned no object",
        format!(
            "After {what} the object, the provider said neither what became of it nor that it \
             failed. Look at the object itself before the next `terraform apply`. This is a bug \
             in the provider: report it."
        ),
    )
}

fn still_there() -> Diagnostic {
    Diagnostic::error(
        "Provider returned an object after deleting it",
        "The object stays in the state. This is a bug in the provider: report it.",
    )
}
