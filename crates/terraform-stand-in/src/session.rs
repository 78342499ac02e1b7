//! One provider process in one graph walk: the calls, and the checks that core
//! makes of every answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::proto::plugin as go_plugin;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::provider_client::ProviderClient;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::diagnostics::{Diags, Origin, summary};
use super::hook::PreApply;
use super::msgpack;
use super::process::Process;
use super::release::Release;
use super::schema::{Identity, ProviderSchema, Schema};
use super::types::Type;
use super::value::Val;
use crate::counts::Checks;

/// PG and core allow messages of this size in both directions.
const MESSAGE_LIMIT: usize = 256 * 1024 * 1024;
/// Core has no deadline; a test must end.
const CALL_LIMIT: Duration = Duration::from_mins(2);
/// What calls that are about no object name as their address.
pub const PROVIDER: &str = "provider";
/// How long after Ctrl-C Terraform calls `StopProvider`.
const STOP_DELAY: Duration = Duration::from_millis(100);

/// What happens in the middle of the next call of a method.
#[derive(Clone, Copy, Debug)]
pub enum Interrupt {
    /// Ctrl-C: SIGINT to the process, then `StopProvider`.
    CtrlC,
    /// The process is killed.
    Kill,
}

/// An [`Interrupt`] that waits for its call.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    pub method: &'static str,
    pub after: Duration,
    pub what: Interrupt,
}

/// What one walk shares with the whole scenario.
#[derive(Clone)]
pub struct Shared {
    pub release: Release,
    pub checks: Checks,
    /// The methods called, in order.
    pub calls: Arc<Mutex<Vec<String>>>,
    pub interrupt: Arc<Mutex<Option<Planned>>>,
    /// What happens in the middle of whatever call there is when the token is
    /// cancelled.
    pub on_signal: Option<(CancellationToken, Interrupt)>,
    /// Plan and read everything twice and compare.
    pub repeat: bool,
    pub hook: Option<Arc<PreApply>>,
}

/// A connected provider.
pub struct Session {
    client: ProviderClient<Channel>,
    channel: Channel,
    process: Option<Process>,
    pub shared: Shared,
    schema: Option<Arc<ProviderSchema>>,
    /// The provider block that it was configured with.
    provider_config: Json,
    /// In the apply walk.
    applying: bool,
    /// The test killed the process.
    killed: AtomicBool,
    /// The signal has been heard.
    signalled: AtomicBool,
    /// Somebody pressed Ctrl-C: nothing new begins.
    interrupted: AtomicBool,
}

impl Session {
    pub async fn new(channel: Channel, process: Option<Process>, shared: Shared) -> Self {
        let client = ProviderClient::new(channel.clone())
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        let session = Self {
            client,
            channel,
            process,
            shared,
            schema: None,
            provider_config: Json::Null,
            applying: false,
            killed: AtomicBool::new(false),
            signalled: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
        };
        if session.process.is_some() {
            session.open_stdio().await;
        }
        session
    }

    /// Core mirrors the provider's output; a provider need not offer it.
    async fn open_stdio(&self) {
        let mut client = go_plugin::grpc_stdio_client::GrpcStdioClient::new(self.channel.clone());
        if let Ok(stream) = client.stream_stdio(()).await {
            let mut stream = stream.into_inner();
            tokio::spawn(async move { while let Ok(Some(_)) = stream.message().await {} });
        }
    }

    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// The connection itself, for calls that no client of ours would make.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub fn set_schema(&mut self, schema: Arc<ProviderSchema>) {
        self.schema = Some(schema);
    }

    /// From now on this is the apply walk.
    pub fn set_applying(&mut self) {
        self.applying = true;
    }

    pub fn provider_config(&self) -> &Json {
        &self.provider_config
    }

    pub fn schema(&self) -> &ProviderSchema {
        self.schema
            .as_ref()
            .expect("the schema is loaded before the first walk")
    }

    pub fn resource(&self, ty: &str) -> &Schema {
        self.schema()
            .resources
            .get(ty)
            .unwrap_or_else(|| panic!("the provider has no resource type {ty:?}"))
    }

    pub fn identity(&self, ty: &str) -> Option<&Identity> {
        self.schema()
            .identities
            .get(ty)
            .filter(|_| self.shared.release.knows_identity())
    }

    /// Ends the process as Terraform does, and checks that it ends well.
    pub async fn close(self) {
        let Some(process) = self
            .process
            .filter(|_| !self.killed.load(Ordering::Relaxed))
        else {
            return;
        };
        let mut client =
            go_plugin::grpc_controller_client::GrpcControllerClient::new(self.channel.clone());
        let answer = client.shutdown(go_plugin::Empty {}).await;
        drop((client, self.client, self.channel));
        self.shared.checks.count("process ends by itself");
        if let Err(error) = process.expect_exit().await {
            panic!("{error}\n(Shutdown was answered with {:?})", answer.err());
        }
    }

    /// Makes one call; a broken connection becomes core's diagnostic.
    pub async fn call<T, F>(
        &self,
        method: &'static str,
        address: &str,
        diags: &mut Diags,
        call: impl FnOnce(ProviderClient<Channel>) -> F,
    ) -> Option<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.shared.calls.lock().unwrap().push(method.to_owned());
        // On the heap: every command of a test is made of these.
        let call = Box::pin(tokio::time::timeout(CALL_LIMIT, call(self.client.clone())));
        let (answer, ()) = tokio::join!(self.until_signal(call), self.interrupt(method));
        let answer =
            answer.unwrap_or_else(|_| panic!("{method} was not answered in {CALL_LIMIT:?}"));
        match answer {
            Ok(response) => Some(response.into_inner()),
            Err(status) => {
                // What the server did not send itself is a broken connection.
                let broken = std::error::Error::source(&status).is_some();
                let summary = match status.code() {
                    _ if broken => "Plugin did not respond",
                    tonic::Code::Unavailable => "Plugin did not respond",
                    tonic::Code::Cancelled => "Request cancelled",
                    tonic::Code::Unimplemented => "Unsupported plugin method",
                    _ => "Plugin error",
                };
                let detail = format!("{method}: {:?}: {}", status.code(), status.message());
                diags.error(Origin::Core, address, summary, detail);
                None
            }
        }
    }

    /// Waits for a call, and does meanwhile what the signal is for.
    async fn until_signal<T>(&self, mut call: impl Future<Output = T> + Unpin) -> T {
        let Some((signal, what)) = &self.shared.on_signal else {
            return call.await;
        };
        if self.signalled.load(Ordering::Relaxed) {
            return call.await;
        }
        tokio::select! {
            answer = &mut call => return answer,
            () = signal.cancelled() => self.signalled.store(true, Ordering::Relaxed),
        }
        let ((), answer) = tokio::join!(self.act(*what), call);
        answer
    }

    async fn interrupt(&self, method: &str) {
        let planned = {
            let mut slot = self.shared.interrupt.lock().unwrap();
            slot.take_if(|planned| planned.method == method)
        };
        let Some(planned) = planned else { return };
        tokio::time::sleep(planned.after).await;
        self.act(planned.what).await;
    }

    async fn act(&self, what: Interrupt) {
        match (what, &self.process) {
            (Interrupt::Kill, Some(process)) => {
                self.killed.store(true, Ordering::Relaxed);
                process.signal(nix::sys::signal::Signal::SIGKILL);
            }
            (Interrupt::Kill, None) => panic!("only a process can be killed"),
            (Interrupt::CtrlC, process) => {
                self.interrupted.store(true, Ordering::Relaxed);
                if let Some(process) = process {
                    process.signal(nix::sys::signal::Signal::SIGINT);
                }
                tokio::time::sleep(STOP_DELAY).await;
                Box::pin(self.stop()).await;
            }
        }
    }

    /// Whether somebody pressed Ctrl-C. Terraform then lets what it has begun
    /// come to its end, and begins nothing more.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// How an interrupted command fails.
    pub fn report_interrupt(&self, diags: &mut Diags) {
        if self.is_interrupted() {
            let detail = "somebody pressed Ctrl-C".to_owned();
            diags.error(Origin::User, PROVIDER, "execution halted", detail);
        }
    }

    /// `StopProvider`, which must answer at once and without an error.
    pub async fn stop(&self) {
        let mut diags = Diags::default();
        let answer = self
            .call("StopProvider", PROVIDER, &mut diags, |mut client| async move {
                client.stop_provider(proto::stop_provider::Request {}).await
            })
            .await;
        assert!(!diags.has_errors(), "{diags}");
        assert_eq!(answer.map(|answer| answer.error).as_deref(), Some(""));
    }

    /// Notes a check of core's and, when it fails, core's objection.
    pub fn check(
        &self,
        check: &'static str,
        address: &str,
        outcome: Result<(), String>,
        diags: &mut Diags,
    ) -> bool {
        self.shared.checks.count(check);
        match outcome {
            Ok(()) => true,
            Err(detail) => {
                diags.error(Origin::Core, address, check, detail);
                false
            }
        }
    }

    /// Loads the schema as core does at the start of every command.
    pub async fn load_schema(&self, diags: &mut Diags) -> Option<ProviderSchema> {
        let address = PROVIDER;
        let answer = self
            .call(
                "GetProviderSchema",
                address,
                diags,
                |mut client| async move {
                    client
                        .get_provider_schema(proto::get_provider_schema::Request {})
                        .await
                },
            )
            .await?;
        let mut identities = std::collections::HashMap::new();
        if self.shared.release.knows_identity() {
            let mut own = Diags::default();
            let answer = self
                .call(
                    "GetResourceIdentitySchemas",
                    address,
                    &mut own,
                    |mut client| async move {
                        client
                            .get_resource_identity_schemas(
                                proto::get_resource_identity_schemas::Request {},
                            )
                            .await
                    },
                )
                .await;
            if let Some(answer) = answer {
                diags.provider(address, answer.diagnostics);
                identities = answer.identity_schemas;
            } else if own
                .0
                .iter()
                .any(|diag| diag.summary != "Unsupported plugin method")
            {
                diags.append(own);
            }
        }
        let mut answer = answer;
        diags.provider(address, std::mem::take(&mut answer.diagnostics));
        if diags.has_errors() {
            return None;
        }
        if !self.shared.release.knows_lists_and_actions() {
            answer.list_resource_schemas.clear();
            answer.action_schemas.clear();
        }
        match ProviderSchema::from_proto(answer, identities) {
            Ok(mut schema) => {
                self.shared.checks.count("Invalid provider schema");
                if !self.shared.release.knows_write_only() {
                    schema.forget_write_only();
                }
                Some(schema)
            }
            Err(error) => {
                self.check("Invalid provider schema", address, Err(error), diags);
                None
            }
        }
    }

    /// Validates and configures the provider, which core does together.
    pub async fn configure(&mut self, config: &Json, diags: &mut Diags) {
        self.provider_config = config.clone();
        let Some(config) = self.validate_provider(config, diags).await else {
            return;
        };
        let request = proto::configure_provider::Request {
            terraform_version: self.shared.release.version().to_owned(),
            config: Some(encode(&config, &self.schema().provider.implied_type())),
            client_capabilities: self.capabilities(),
        };
        let address = PROVIDER;
        let answer = self
            .call(
                "ConfigureProvider",
                address,
                diags,
                |mut client| async move { client.configure_provider(request).await },
            )
            .await;
        diags.provider(
            address,
            answer.map(|answer| answer.diagnostics).unwrap_or_default(),
        );
    }

    /// Validates the provider block; nothing when it is wrong.
    pub async fn validate_provider(&self, config: &Json, diags: &mut Diags) -> Option<Val> {
        let schema = &self.schema().provider;
        let address = PROVIDER;
        let config = match schema.block.config(config) {
            Ok(config) => config,
            Err(error) => {
                diags.error(
                    Origin::User,
                    address,
                    "Invalid provider configuration",
                    error,
                );
                return None;
            }
        };
        let request = proto::validate_provider_config::Request {
            config: Some(encode(&config, &schema.implied_type())),
        };
        let answer = self
            .call(
                "ValidateProviderConfig",
                address,
                diags,
                |mut client| async move { client.validate_provider_config(request).await },
            )
            .await?;
        diags.provider(address, answer.diagnostics);
        (!diags.has_errors()).then_some(config)
    }

    /// Reads a value as core does; an error is core's, and about the provider.
    pub fn decode(
        &self,
        value: Option<&proto::DynamicValue>,
        ty: &Type,
        address: &str,
        diags: &mut Diags,
    ) -> Option<Val> {
        self.shared.checks.count("value on the wire");
        let decoded = match value {
            Some(value) if !value.msgpack.is_empty() => msgpack::decode(&value.msgpack, ty),
            Some(value) if !value.json.is_empty() => serde_json::from_slice(&value.json)
                .map_err(|e| e.to_string())
                .and_then(|json: Json| Val::from_json(&json, ty)),
            _ => Ok(Val::Null),
        };
        match decoded.and_then(|value| value.conforms(ty).map(|()| value)) {
            Ok(value) => Some(value),
            Err(error) => {
                // The error of the decoder is all that core has to say.
                diags.error(Origin::Core, address, &error, "");
                None
            }
        }
    }

    pub fn encode_identity(&self, identity: &Val, ty: &str) -> Option<proto::ResourceIdentityData> {
        let schema = self.identity(ty)?;
        (!identity.is_null()).then(|| proto::ResourceIdentityData {
            identity_data: Some(encode(identity, &schema.implied_type())),
        })
    }

    /// Null when there is no identity, nothing when it is broken.
    pub fn decode_identity(
        &self,
        identity: Option<&proto::ResourceIdentityData>,
        ty: &str,
        address: &str,
        diags: &mut Diags,
    ) -> Option<Val> {
        let Some(schema) = self.identity(ty) else {
            return Some(Val::Null);
        };
        let mut own = Diags::default();
        let data = identity.and_then(|identity| identity.identity_data.as_ref());
        let decoded = self.decode(data, &schema.implied_type(), address, &mut own);
        let fault = own
            .0
            .first()
            .map_or(Ok(()), |diag| Err(diag.summary.clone()));
        self.check(summary::INVALID_IDENTITY, address, fault, diags);
        decoded
    }

    pub fn capabilities(&self) -> Option<proto::ClientCapabilities> {
        self.shared.release.capabilities(self.applying)
    }

    pub fn release(&self) -> Release {
        self.shared.release
    }
}

pub fn encode(value: &Val, ty: &Type) -> proto::DynamicValue {
    proto::DynamicValue {
        msgpack: msgpack::encode(value, ty),
        json: Vec::new(),
    }
}

pub fn raw_state(json: &str) -> proto::RawState {
    proto::RawState {
        json: json.as_bytes().to_vec(),
        flatmap: std::collections::HashMap::new(),
    }
}

pub fn wholly_known(value: &Val) -> Result<(), String> {
    match value.first_unknown() {
        None => Ok(()),
        Some(path) => Err(format!("an unknown value for `{path}`")),
    }
}

pub fn no_write_only(schema: &Schema, value: &Val) -> Result<(), String> {
    match schema.block.write_only_values(value).first() {
        None => Ok(()),
        Some(path) => Err(format!("a value for the write-only attribute `{path}`")),
    }
}

pub fn no_faults(faults: &[String]) -> Result<(), String> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

/// No release that is played here allows a provider to defer.
pub fn not_deferred(deferred: Option<&proto::Deferred>) -> Result<(), String> {
    match deferred {
        None => Ok(()),
        Some(deferred) => Err(format!(
            "deferred for reason {}, which was not allowed",
            deferred.reason
        )),
    }
}
