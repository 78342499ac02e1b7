//! Everything of a provider that is not a managed resource, and what can be done
//! to one outside plan and apply: data sources, ephemeral resources, functions,
//! list resources, actions, moves, and generated configuration.

use crate::proto::tfplugin6 as proto;
use serde_json::Value as Json;

use super::configuration::Phase;
use super::diagnostics::{Diag, Diags, Origin, summary};
use super::driver::Core;
use super::outcome::Outcome;
use super::rules;
use super::schema::{Block, Schema};
use super::session::{
    Session, encode, no_faults, no_write_only, not_deferred, raw_state, wholly_known,
};
use super::state::Object;
use super::types::Type;
use super::value::Val;

/// What came of a call: diagnostics, and a result unless there were errors.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    pub diags: Diags,
    pub result: Option<T>,
}

impl<T> Answered<T> {
    fn new(diags: Diags, result: Option<T>) -> Self {
        let result = result.filter(|_| !diags.has_errors());
        Self { diags, result }
    }

    /// The result; fails the test when there is any error.
    #[track_caller]
    pub fn ok(self) -> T {
        assert!(!self.diags.has_errors(), "the call failed:\n{}", self.diags);
        self.result.expect("no result, and no error either")
    }

    /// The provider's error with this summary; core must not have objected.
    #[track_caller]
    pub fn fails_with(&self, summary: &str) -> &Diag {
        let objections = self.diags.objections().count();
        assert_eq!(objections, 0, "core objects:\n{}", self.diags);
        let found = self.diags.errors().find(|diag| diag.summary == summary);
        found.unwrap_or_else(|| panic!("no error {summary:?} in:\n{}", self.diags))
    }
}

/// A call of a provider function that the function itself refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionError {
    pub text: String,
    /// Index of the argument to blame.
    pub argument: Option<i64>,
}

/// One object that a list resource found.
#[derive(Clone, Debug)]
pub struct Listed {
    pub identity: Json,
    pub display_name: String,
    /// The whole object, if it was asked for.
    pub object: Option<Json>,
}

/// What is asked of a list resource.
struct Query<'a> {
    config: &'a Json,
    include_object: bool,
    limit: i64,
    /// How many objects are taken before the client leaves.
    taken: usize,
}

/// An object of another type, or of another provider, that is to become ours.
#[derive(Clone, Debug)]
pub struct MoveSource<'a> {
    /// `registry.terraform.io/<namespace>/<type>`.
    pub provider: &'a str,
    pub type_name: &'a str,
    pub schema_version: i64,
    pub state: Json,
}

impl Core {
    /// Reads a data source, as every plan does.
    pub async fn read_data(&mut self, ty: &str, config: &Json) -> Answered<Json> {
        let mut diags = Diags::default();
        let Some(session) = self.known_walk(&mut diags).await else {
            return Answered::new(diags, None);
        };
        let result = session.read_data(ty, config, &mut diags).await;
        session.close().await;
        Answered::new(diags, result.map(|value| value.to_json()))
    }

    /// Opens an ephemeral resource, renews it so many times, closes it. With
    /// [`Core::configure_at_plan`] it is opened as while planning.
    pub async fn open_ephemeral(
        &mut self,
        ty: &str,
        config: &Json,
        renewals: usize,
    ) -> Answered<Json> {
        let mut diags = Diags::default();
        let may_be_unknown = self.is_unknown_at_plan();
        let Some(session) = self.walk(Phase::Plan, &mut diags).await else {
            return Answered::new(diags, None);
        };
        let result = session
            .ephemeral(ty, config, (renewals, may_be_unknown), &mut diags)
            .await;
        session.close().await;
        Answered::new(diags, result.map(|value| value.to_json()))
    }

    /// Calls a function, in a process that is not configured; twice, as a
    /// function must always give the same answer.
    pub async fn call_function(
        &mut self,
        name: &str,
        arguments: &[Json],
    ) -> Answered<Result<Json, FunctionError>> {
        let session = self.session().await;
        let mut diags = Diags::default();
        let first = session.function(name, arguments, &mut diags).await;
        let second = session
            .function(name, arguments, &mut Diags::default())
            .await;
        let same = if first == second {
            Ok(())
        } else {
            Err(name.to_owned())
        };
        session.check(summary::UNSTABLE, name, same, &mut diags);
        session.close().await;
        let result = first.map(|result| result.map(|value| value.to_json()));
        Answered::new(diags, result)
    }

    /// `terraform query` with one `list` block.
    pub async fn list(
        &mut self,
        ty: &str,
        config: &Json,
        include_object: bool,
        limit: i64,
    ) -> Answered<Vec<Listed>> {
        let query = Query {
            config,
            include_object,
            limit,
            taken: usize::try_from(limit).unwrap(),
        };
        self.query(ty, &query).await
    }

    /// The same of a client that leaves after so many objects.
    pub async fn list_and_leave(
        &mut self,
        ty: &str,
        config: &Json,
        taken: usize,
    ) -> Answered<Vec<Listed>> {
        let query = Query {
            config,
            include_object: true,
            limit: 100_000,
            taken,
        };
        self.query(ty, &query).await
    }

    async fn query(&mut self, ty: &str, query: &Query<'_>) -> Answered<Vec<Listed>> {
        let mut diags = Diags::default();
        let Some(session) = self.known_walk(&mut diags).await else {
            return Answered::new(diags, None);
        };
        let found = session.list(ty, query, &mut diags).await;
        session.close().await;
        Answered::new(diags, found)
    }

    /// Plans and invokes an action; the result is its progress messages.
    pub async fn invoke_action(&mut self, ty: &str, config: &Json) -> Answered<Vec<String>> {
        let mut diags = Diags::default();
        let Some(session) = self.known_walk(&mut diags).await else {
            return Answered::new(diags, None);
        };
        let messages = session.action(ty, config, &mut diags).await;
        session.close().await;
        Answered::new(diags, messages)
    }

    /// A `moved` block from another type: the object becomes one of ours in the
    /// state. Terraform asks a process that is not configured.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn move_from(
        &mut self,
        source: &MoveSource<'_>,
        type_name: &str,
        name: &str,
    ) -> Outcome {
        let session = self.session().await;
        let mut outcome = Outcome::default();
        let address = format!("{type_name}.{name}");
        let moved = session
            .move_state(source, type_name, &address, &mut outcome.diags)
            .await;
        if let Some(object) = moved {
            self.state
                .current
                .insert(address, session.save(type_name, &object));
        }
        session.close().await;
        outcome
    }

    /// The configuration that `-generate-config-out` writes for an object in the
    /// state (1.14).
    pub async fn generate_config(&mut self, address: &str) -> Answered<Json> {
        let instance = self.instance(address).clone();
        let mut diags = Diags::default();
        let Some(session) = self.known_walk(&mut diags).await else {
            return Answered::new(diags, None);
        };
        let ty = instance.type_name.as_str();
        let config = match session.upgrade(address, &instance, &mut diags).await {
            Some(object) => {
                session
                    .generate_config(ty, address, &object.value, &mut diags)
                    .await
            }
            None => None,
        };
        session.close().await;
        Answered::new(diags, config.map(|config| without_nulls(&config.to_json())))
    }
}

/// What is null is not written into a configuration.
fn without_nulls(json: &Json) -> Json {
    match json {
        Json::Object(map) => Json::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn of<'a>(schemas: &'a std::collections::BTreeMap<String, Schema>, name: &str) -> &'a Schema {
    schemas
        .get(name)
        .unwrap_or_else(|| panic!("the provider does not have {name:?}"))
}

fn config_of(block: &Block, json: &Json, address: &str, diags: &mut Diags) -> Option<Val> {
    match block.config(json) {
        Ok(config) => Some(config),
        Err(error) => {
            diags.error(Origin::User, address, "Invalid configuration", error);
            None
        }
    }
}

impl Session {
    async fn read_data(&self, ty: &str, config: &Json, diags: &mut Diags) -> Option<Val> {
        let schema = of(&self.schema().data_sources, ty);
        let object = schema.implied_type();
        let config = config_of(&schema.block, config, ty, diags)?;
        let request = proto::validate_data_resource_config::Request {
            type_name: ty.to_owned(),
            config: Some(encode(&config, &object)),
        };
        let answer = self
            .call(
                "ValidateDataResourceConfig",
                ty,
                diags,
                |mut client| async move { client.validate_data_resource_config(request).await },
            )
            .await?;
        diags.provider(ty, answer.diagnostics);
        if diags.has_errors() || !config.is_wholly_known() {
            // Terraform defers the read to apply.
            return None;
        }
        let request = proto::read_data_source::Request {
            type_name: ty.to_owned(),
            config: Some(encode(&config, &object)),
            provider_meta: None,
            client_capabilities: self.capabilities(),
        };
        let answer = self
            .call("ReadDataSource", ty, diags, |mut client| async move {
                client.read_data_source(request).await
            })
            .await?;
        diags.provider(ty, answer.diagnostics);
        if diags.has_errors() {
            return None;
        }
        let deferred = not_deferred(answer.deferred.as_ref());
        self.check(summary::INVALID_DEFERRAL, ty, deferred, diags);
        let value = self.decode(answer.state.as_ref(), &object, ty, diags)?;
        let present = not_null(&value);
        self.check(summary::NULL_OBJECT, ty, present, diags);
        self.check(summary::INVALID_OBJECT, ty, wholly_known(&value), diags);
        Some(value)
    }

    async fn ephemeral(
        &self,
        ty: &str,
        config: &Json,
        (renewals, may_be_unknown): (usize, bool),
        diags: &mut Diags,
    ) -> Option<Val> {
        let schema = of(&self.schema().ephemeral_resources, ty);
        let object = schema.implied_type();
        let config = config_of(&schema.block, config, ty, diags)?;
        let request = proto::validate_ephemeral_resource_config::Request {
            type_name: ty.to_owned(),
            config: Some(encode(&config, &object)),
        };
        let answer = self
            .call("ValidateEphemeralResourceConfig", ty, diags, |mut client| async move {
                client.validate_ephemeral_resource_config(request).await
            })
            .await?;
        diags.provider(ty, answer.diagnostics);
        if diags.has_errors() || !config.is_wholly_known() {
            return None;
        }
        let request = proto::open_ephemeral_resource::Request {
            type_name: ty.to_owned(),
            config: Some(encode(&config, &object)),
            // Core sends none here, today.
            client_capabilities: None,
        };
        let answer = self
            .call(
                "OpenEphemeralResource",
                ty,
                diags,
                |mut client| async move { client.open_ephemeral_resource(request).await },
            )
            .await?;
        diags.provider(ty, answer.diagnostics);
        if diags.has_errors() {
            return None;
        }
        let deferred = not_deferred(answer.deferred.as_ref());
        self.check(summary::INVALID_DEFERRAL, ty, deferred, diags);
        let value = self.decode(answer.result.as_ref(), &object, ty, diags)?;
        self.check(summary::INVALID_EPHEMERAL, ty, not_null(&value), diags);
        // Stricter than core, which takes unknown values at any time.
        if !may_be_unknown {
            self.check(summary::INVALID_EPHEMERAL, ty, wholly_known(&value), diags);
        }
        let faults = rules::assert_plan_valid(&schema.block, &Val::Null, &config, &value);
        self.check(summary::INVALID_EPHEMERAL, ty, no_faults(&faults), diags);
        self.renew(ty, answer.private.clone(), renewals, diags)
            .await;
        let request = proto::close_ephemeral_resource::Request {
            type_name: ty.to_owned(),
            private: answer.private,
        };
        let closed = self
            .call(
                "CloseEphemeralResource",
                ty,
                diags,
                |mut client| async move { client.close_ephemeral_resource(request).await },
            )
            .await?;
        diags.provider(ty, closed.diagnostics);
        Some(value)
    }

    async fn renew(&self, ty: &str, mut private: Option<Vec<u8>>, times: usize, diags: &mut Diags) {
        for _ in 0..times {
            let request = proto::renew_ephemeral_resource::Request {
                type_name: ty.to_owned(),
                private: private.clone(),
            };
            let answer = self
                .call(
                    "RenewEphemeralResource",
                    ty,
                    diags,
                    |mut client| async move { client.renew_ephemeral_resource(request).await },
                )
                .await;
            let Some(answer) = answer else { return };
            diags.provider(ty, answer.diagnostics);
            private = answer.private;
        }
    }

    /// The outer nothing is core's objection, the inner error the function's own.
    async fn function(
        &self,
        name: &str,
        arguments: &[Json],
        diags: &mut Diags,
    ) -> Option<Result<Val, FunctionError>> {
        let functions = &self.schema().functions;
        let function = functions.get(name);
        let function = function.unwrap_or_else(|| panic!("the provider has no function {name:?}"));
        let mut encoded = Vec::new();
        let mut unknown = false;
        for (i, json) in arguments.iter().enumerate() {
            let parameter = function.parameters.get(i).or(function.variadic.as_ref());
            let parameter = parameter.unwrap_or_else(|| panic!("too many arguments for {name}"));
            let value = match Val::from_json(json, &parameter.ty) {
                Ok(value) if !value.is_null() || parameter.allow_null => value,
                Ok(_) => {
                    let detail = format!("{}: argument must not be null", parameter.name);
                    diags.error(Origin::User, name, "Invalid function argument", detail);
                    return None;
                }
                Err(error) => {
                    diags.error(Origin::User, name, "Invalid function argument", error);
                    return None;
                }
            };
            unknown |= !parameter.allow_unknown && !value.is_wholly_known();
            encoded.push(encode(&value, &parameter.ty));
        }
        assert!(
            arguments.len() >= function.parameters.len(),
            "too few arguments for {name}"
        );
        if unknown {
            // Core does not even ask.
            return Some(Ok(Val::Unknown));
        }
        let request = proto::call_function::Request {
            name: name.to_owned(),
            arguments: encoded,
        };
        let answer = self
            .call("CallFunction", name, diags, |mut client| async move {
                client.call_function(request).await
            })
            .await?;
        if let Some(error) = answer.error {
            let argument = error.function_argument;
            return Some(Err(FunctionError {
                text: error.text,
                argument,
            }));
        }
        let present = answer.result.as_ref().map(|_| ());
        let present = present.ok_or("provider returned no result and no errors".to_owned());
        self.check(summary::INVALID_VALUE, name, present, diags);
        let value = self.decode(answer.result.as_ref(), &function.returns, name, diags)?;
        self.check(summary::INVALID_VALUE, name, not_null(&value), diags);
        Some(Ok(value))
    }

    async fn list(&self, ty: &str, query: &Query<'_>, diags: &mut Diags) -> Option<Vec<Listed>> {
        let Query {
            include_object,
            limit,
            ..
        } = *query;
        let schema = of(&self.schema().list_resources, ty);
        let object = schema.implied_type();
        let config = config_of(&schema.block, query.config, ty, diags)?;
        let flag = encode(&Val::Bool(include_object), &Type::Bool);
        let number = encode(&Val::Number(limit.into()), &Type::Number);
        let request = proto::validate_list_resource_config::Request {
            type_name: ty.to_owned(),
            config: Some(encode(&config, &object)),
            include_resource_object: Some(flag),
            limit: Some(number),
        };
        let answer = self
            .call(
                "ValidateListResourceConfig",
                ty,
                diags,
                |mut client| async move { client.validate_list_resource_config(request).await },
            )
            .await?;
        diags.provider(ty, answer.diagnostics);
        if diags.has_errors() {
            return None;
        }
        let request = proto::list_resource::Request {
            type_name: ty.to_owned(),
            config: Some(encode(&config, &object)),
            include_resource_object: include_object,
            limit,
        };
        let mut events = self
            .call("ListResource", ty, diags, |mut client| async move {
                client.list_resource(request).await
            })
            .await?;
        let mut found = Vec::new();
        while found.len() < query.taken {
            match events.message().await {
                Ok(Some(event)) => found.extend(self.listed(ty, event, include_object, diags)),
                Ok(None) => break,
                Err(status) => {
                    diags.error(Origin::Core, ty, "Plugin error", status.message());
                    break;
                }
            }
        }
        Some(found)
    }

    fn listed(
        &self,
        ty: &str,
        event: proto::list_resource::Event,
        include_object: bool,
        diags: &mut Diags,
    ) -> Option<Listed> {
        let only_a_warning = event.identity.is_none() && !event.diagnostic.is_empty();
        diags.provider(ty, event.diagnostic);
        if only_a_warning || diags.has_errors() {
            return None;
        }
        let identity = self.decode_identity(event.identity.as_ref(), ty, ty, diags)?;
        self.check(summary::INVALID_IDENTITY, ty, not_null(&identity), diags);
        self.check(
            summary::INVALID_IDENTITY,
            ty,
            wholly_known(&identity),
            diags,
        );
        let object = match event.resource_object {
            Some(object) => {
                let resource = self.resource(ty).implied_type();
                let value = self.decode(Some(&object), &resource, ty, diags)?;
                self.check(summary::INVALID_OBJECT, ty, not_null(&value), diags);
                self.check(summary::INVALID_OBJECT, ty, wholly_known(&value), diags);
                Some(value.to_json())
            }
            None => None,
        };
        let asked = if include_object && object.is_none() {
            Err("the object was asked for and is missing".to_owned())
        } else {
            Ok(())
        };
        self.check(summary::INVALID_OBJECT, ty, asked, diags);
        Some(Listed {
            identity: identity.to_json(),
            display_name: event.display_name,
            object,
        })
    }

    async fn action(&self, ty: &str, config: &Json, diags: &mut Diags) -> Option<Vec<String>> {
        use proto::invoke_action::event::Type as Event;
        let schema = of(&self.schema().actions, ty);
        let config = config_of(&schema.block, config, ty, diags)?;
        let config = Some(encode(&config, &schema.implied_type()));
        let request = proto::validate_action_config::Request {
            type_name: ty.to_owned(),
            config: config.clone(),
        };
        let answer = self
            .call("ValidateActionConfig", ty, diags, |mut client| async move {
                client.validate_action_config(request).await
            })
            .await?;
        diags.provider(ty, answer.diagnostics);
        if diags.has_errors() {
            return None;
        }
        let request = proto::plan_action::Request {
            action_type: ty.to_owned(),
            config: config.clone(),
            client_capabilities: self.capabilities(),
        };
        let answer = self
            .call("PlanAction", ty, diags, |mut client| async move {
                client.plan_action(request).await
            })
            .await?;
        diags.provider(ty, answer.diagnostics);
        let deferred = not_deferred(answer.deferred.as_ref());
        self.check(summary::INVALID_DEFERRAL, ty, deferred, diags);
        if diags.has_errors() {
            return None;
        }
        let request = proto::invoke_action::Request {
            action_type: ty.to_owned(),
            config,
            client_capabilities: self.capabilities(),
        };
        let mut events = self
            .call("InvokeAction", ty, diags, |mut client| async move {
                client.invoke_action(request).await
            })
            .await?;
        let mut messages = Vec::new();
        let mut completed = 0;
        while let Ok(Some(event)) = events.message().await {
            let after_the_end = if completed > 0 {
                Err("an event after the end".to_owned())
            } else {
                Ok(())
            };
            self.check(summary::INVALID_VALUE, ty, after_the_end, diags);
            match event.r#type {
                Some(Event::Progress(progress)) => messages.push(progress.message),
                Some(Event::Completed(end)) => {
                    completed += 1;
                    diags.provider(ty, end.diagnostics);
                }
                None => diags.error(
                    Origin::Core,
                    ty,
                    summary::INVALID_VALUE,
                    "an event of no type",
                ),
            }
        }
        let once = if completed == 1 {
            Ok(())
        } else {
            Err(format!("completed {completed} times"))
        };
        self.check(summary::INVALID_VALUE, ty, once, diags);
        Some(messages)
    }

    async fn move_state(
        &self,
        source: &MoveSource<'_>,
        ty: &str,
        address: &str,
        diags: &mut Diags,
    ) -> Option<Object> {
        if !self.schema().capabilities.move_resource_state {
            let detail = "the provider does not offer to move states";
            diags.error(Origin::User, address, "Move not supported", detail);
            return None;
        }
        let request = proto::move_resource_state::Request {
            source_provider_address: source.provider.to_owned(),
            source_type_name: source.type_name.to_owned(),
            source_schema_version: source.schema_version,
            source_state: Some(raw_state(&source.state.to_string())),
            target_type_name: ty.to_owned(),
            ..Default::default()
        };
        let answer = self
            .call(
                "MoveResourceState",
                address,
                diags,
                |mut client| async move { client.move_resource_state(request).await },
            )
            .await?;
        diags.provider(address, answer.diagnostics);
        if diags.has_errors() {
            return None;
        }
        let schema = self.resource(ty);
        let object = schema.implied_type();
        let value = self.decode(answer.target_state.as_ref(), &object, address, diags)?;
        for outcome in [
            not_null(&value),
            wholly_known(&value),
            no_write_only(schema, &value),
        ] {
            self.check(summary::INVALID_VALUE, address, outcome, diags);
        }
        let identity = self.decode_identity(answer.target_identity.as_ref(), ty, address, diags)?;
        let failed = diags.has_errors();
        (!failed).then_some(Object {
            value,
            private: answer.target_private,
            identity,
            tainted: false,
        })
    }

    async fn generate_config(
        &self,
        ty: &str,
        address: &str,
        state: &Val,
        diags: &mut Diags,
    ) -> Option<Val> {
        let object = self.resource(ty).implied_type();
        let request = proto::generate_resource_config::Request {
            type_name: ty.to_owned(),
            state: Some(encode(state, &object)),
        };
        let answer = self
            .call(
                "GenerateResourceConfig",
                address,
                diags,
                |mut client| async move { client.generate_resource_config(request).await },
            )
            .await?;
        diags.provider(address, answer.diagnostics);
        if diags.has_errors() {
            return None;
        }
        let config = self.decode(answer.config.as_ref(), &object, address, diags)?;
        self.check(summary::INVALID_VALUE, address, not_null(&config), diags);
        self.check(
            summary::INVALID_VALUE,
            address,
            wholly_known(&config),
            diags,
        );
        self.validate(ty, address, &config, diags)
            .await
            .then_some(config)
    }
}

fn not_null(value: &Val) -> Result<(), String> {
    if value.is_null() {
        Err("the value is null".to_owned())
    } else {
        Ok(())
    }
}
