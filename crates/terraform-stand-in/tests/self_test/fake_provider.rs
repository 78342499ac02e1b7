//! A small, well-behaved provider in the test process, whose answers can be
//! spoiled one by one. It exists to test the stand-in for Terraform core, and is
//! served without TLS so that the real `terraform` can attach to it as well.
//!
//! Its one resource type has an attribute or block for each rule of core's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use terraform_stand_in::proto::tfplugin6 as proto;
use terraform_stand_in::proto::tfplugin6::provider_server::{Provider, ProviderServer};
use tokio::sync::oneshot;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status};

use terraform_stand_in::msgpack;
use terraform_stand_in::schema::{Attribute, Block, Nested, ProviderSchema, Shape};
use terraform_stand_in::types::Type;
use terraform_stand_in::value::Val;

/// The provider's address and its resource type.
pub(crate) const ADDRESS: &str = "registry.terraform.io/example/broken";
pub(crate) const THING: &str = "broken_thing";

/// One call to the provider, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) prior: Val,
    /// What the request proposes: the proposed new state or the planned state.
    pub(crate) proposed: Val,
    pub(crate) config: Val,
}

impl Call {
    fn new(method: &'static str) -> Self {
        Self {
            method,
            prior: Val::Null,
            proposed: Val::Null,
            config: Val::Null,
        }
    }

    pub(crate) fn is_create(&self) -> bool {
        self.prior.is_null()
    }

    pub(crate) fn is_delete(&self) -> bool {
        self.proposed.is_null()
    }
}

/// The answer to a [`Call`], before it is encoded.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) state: Val,
    pub(crate) private: Vec<u8>,
    pub(crate) identity: Val,
    /// Names of attributes, or of what is not there.
    pub(crate) replaces_for: Vec<&'static str>,
    pub(crate) errors: Vec<&'static str>,
    pub(crate) deferred: bool,
    /// How often an import returns the object.
    pub(crate) copies: usize,
}

/// Changes an answer before it is sent.
pub(crate) type Spoil = Arc<dyn Fn(&Call, &mut Answer) + Send + Sync>;

/// What the server and the test both see.
#[derive(Default)]
struct World {
    /// Existing objects by id.
    objects: BTreeMap<String, Val>,
    spoil: Option<Spoil>,
    requests: Vec<String>,
}

/// The running server. It ends when this is dropped.
pub(crate) struct FakeProvider {
    world: Arc<Mutex<World>>,
    socket: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _directory: tempfile::TempDir,
}

impl FakeProvider {
    /// Serves on a thread of its own, so that a test may block.
    pub(crate) fn serve() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("s");
        let world = Arc::new(Mutex::new(World::default()));
        let service = Service::new(Arc::clone(&world));
        let (stop, stopped) = oneshot::channel();
        let (listening, ready) = std::sync::mpsc::channel();
        let path = socket.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::UnixListener::bind(path).unwrap();
                listening.send(()).unwrap();
                let server = tonic::transport::Server::builder()
                    .add_service(ProviderServer::new(service))
                    .serve_with_incoming(UnixListenerStream::new(listener));
                tokio::select! {
                    result = server => result.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        ready.recv().unwrap();
        Self {
            world,
            socket,
            stop: Some(stop),
            thread: Some(thread),
            _directory: directory,
        }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// From now on every answer passes through this.
    pub(crate) fn spoil(&self, spoil: Spoil) {
        self.world.lock().unwrap().spoil = Some(spoil);
    }

    /// Answers well again.
    pub(crate) fn behave(&self) {
        self.world.lock().unwrap().spoil = None;
    }

    /// Everything that was asked so far, as text, and forgets it.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().requests)
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        let _ = self.thread.take().unwrap().join();
    }
}

/// What an attribute may be, in the schema below.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Required,
    Optional,
    Computed,
    OptionalComputed,
    Sensitive,
    WriteOnly,
}

fn attribute(name: &str, kind: Kind, ty: &Json) -> proto::schema::Attribute {
    proto::schema::Attribute {
        r#type: ty.to_string().into_bytes(),
        ..untyped(name, kind)
    }
}

fn untyped(name: &str, kind: Kind) -> proto::schema::Attribute {
    proto::schema::Attribute {
        name: name.to_owned(),
        required: kind == Kind::Required,
        optional: !matches!(kind, Kind::Required | Kind::Computed),
        computed: matches!(kind, Kind::Computed | Kind::OptionalComputed),
        sensitive: kind == Kind::Sensitive,
        write_only: kind == Kind::WriteOnly,
        ..Default::default()
    }
}

fn nested(
    name: &str,
    kind: Kind,
    nesting: proto::schema::object::NestingMode,
    attributes: Vec<proto::schema::Attribute>,
) -> proto::schema::Attribute {
    let object = proto::schema::Object {
        attributes,
        nesting: nesting.into(),
        ..Default::default()
    };
    proto::schema::Attribute {
        nested_type: Some(object),
        ..untyped(name, kind)
    }
}

fn block(
    name: &str,
    nesting: proto::schema::nested_block::NestingMode,
    attributes: Vec<proto::schema::Attribute>,
) -> proto::schema::NestedBlock {
    proto::schema::NestedBlock {
        type_name: name.to_owned(),
        block: Some(proto::schema::Block {
            attributes,
            ..Default::default()
        }),
        nesting: nesting.into(),
        ..Default::default()
    }
}

fn thing_schema() -> proto::Schema {
    use proto::schema::nested_block::NestingMode as Blocks;
    use proto::schema::object::NestingMode as Objects;
    let text = json!("string");
    let part = || {
        vec![
            attribute("name", Kind::Optional, &text),
            attribute("made", Kind::Computed, &text),
        ]
    };
    proto::Schema {
        version: 0,
        block: Some(proto::schema::Block {
            attributes: vec![
                attribute("id", Kind::Computed, &text),
                attribute("name", Kind::Required, &text),
                attribute("size", Kind::Optional, &json!("number")),
                attribute("note", Kind::OptionalComputed, &text),
                attribute("labels", Kind::Optional, &json!(["map", "string"])),
                attribute("tags", Kind::Optional, &json!(["set", "string"])),
                attribute("ports", Kind::Optional, &json!(["list", "number"])),
                attribute("grades", Kind::OptionalComputed, &json!(["set", "string"])),
                attribute("secret", Kind::Sensitive, &text),
                attribute("secret_wo", Kind::WriteOnly, &text),
                nested("single", Kind::Optional, Objects::Single, part()),
                nested("several", Kind::Optional, Objects::List, part()),
                nested("unordered", Kind::Optional, Objects::Set, part()),
                nested("keyed", Kind::Optional, Objects::Map, part()),
                nested("either", Kind::OptionalComputed, Objects::Single, part()),
            ],
            block_types: vec![
                block("rule", Blocks::List, part()),
                block("zone", Blocks::Set, part()),
                block("owner", Blocks::Single, part()),
            ],
            ..Default::default()
        }),
    }
}

/// What the provider offers.
pub(crate) fn schema_answer() -> proto::get_provider_schema::Response {
    proto::get_provider_schema::Response {
        provider: Some(proto::Schema {
            block: Some(proto::schema::Block::default()),
            ..Default::default()
        }),
        resource_schemas: [(THING.to_owned(), thing_schema())].into(),
        server_capabilities: Some(proto::ServerCapabilities {
            plan_destroy: true,
            get_provider_schema_optional: true,
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The identities of its resources.
pub(crate) fn identity_schemas() -> std::collections::HashMap<String, proto::ResourceIdentitySchema>
{
    let id = proto::resource_identity_schema::IdentityAttribute {
        name: "id".to_owned(),
        r#type: b"\"string\"".to_vec(),
        required_for_import: true,
        ..Default::default()
    };
    let schema = proto::ResourceIdentitySchema {
        version: 0,
        identity_attributes: vec![id],
    };
    [(THING.to_owned(), schema)].into()
}

struct Service {
    world: Arc<Mutex<World>>,
    block: Block,
    ty: Type,
    identity: Type,
}

impl Service {
    fn new(world: Arc<Mutex<World>>) -> Self {
        let schema = ProviderSchema::from_proto(schema_answer(), identity_schemas()).unwrap();
        let thing = &schema.resources[THING];
        Self {
            world,
            block: thing.block.clone(),
            ty: thing.implied_type(),
            identity: schema.identities[THING].implied_type(),
        }
    }

    fn decode(&self, value: Option<&proto::DynamicValue>) -> Val {
        let bytes = value.map_or(&[][..], |value| &value.msgpack);
        msgpack::decode(bytes, &self.ty).expect("Terraform sends what the schema says")
    }

    fn encode(&self, value: &Val) -> proto::DynamicValue {
        proto::DynamicValue {
            msgpack: msgpack::encode(value, &self.ty),
            json: Vec::new(),
        }
    }

    fn encode_identity(&self, identity: &Val) -> Option<proto::ResourceIdentityData> {
        let data = proto::DynamicValue {
            msgpack: msgpack::encode(identity, &self.identity),
            json: Vec::new(),
        };
        (!identity.is_null()).then_some(proto::ResourceIdentityData {
            identity_data: Some(data),
        })
    }

    fn note(&self, request: String) {
        self.world.lock().unwrap().requests.push(request);
    }

    /// The answer of a good provider, spoiled as the test wants it.
    fn spoiled(&self, call: &Call, state: Val, private: &[u8]) -> Answer {
        let id = state.get("id");
        let known = matches!(id, Val::String(_));
        let mut answer = Answer {
            identity: if known {
                Val::Object([("id".to_owned(), id)].into())
            } else {
                Val::Null
            },
            state,
            private: private.to_vec(),
            replaces_for: Vec::new(),
            errors: Vec::new(),
            deferred: false,
            copies: 1,
        };
        if call.method == "PlanResourceChange"
            && call.prior.get("name") != call.proposed.get("name")
        {
            answer.replaces_for.push("name");
        }
        let spoil = self.world.lock().unwrap().spoil.clone();
        if let Some(spoil) = spoil {
            spoil(call, &mut answer);
        }
        answer
    }

    fn plan(&self, call: &Call) -> Val {
        let mut planned = plan_block(&self.block, &call.proposed);
        if !planned.is_null() && call.prior.is_null() {
            planned.put("id", Val::Unknown);
        }
        planned
    }

    fn apply(&self, call: &Call) -> Val {
        let mut world = self.world.lock().unwrap();
        if call.is_delete() {
            if let Val::String(id) = call.prior.get("id") {
                world.objects.remove(&id);
            }
            return Val::Null;
        }
        let mut state = call.proposed.clone();
        let Val::String(name) = state.get("name") else {
            panic!("`name` is required")
        };
        let id = format!("thing-{name}");
        state.put("id", Val::string(&id));
        let state = made(&state, &self.ty);
        world.objects.insert(id, state.clone());
        state
    }
}

/// What is computed and has no value yet is decided at apply.
fn plan_block(block: &Block, value: &Val) -> Val {
    let Val::Object(object) = value else {
        return value.clone();
    };
    let mut planned = object.clone();
    for (name, attribute) in &block.attributes {
        planned.insert(name.clone(), plan_attribute(attribute, &value.get(name)));
    }
    for (name, nested) in &block.blocks {
        let inner = nested
            .nesting
            .each(&value.get(name), |value| plan_block(&nested.block, value));
        planned.insert(name.clone(), inner);
    }
    Val::Object(planned)
}

fn plan_attribute(attribute: &Attribute, value: &Val) -> Val {
    match (&attribute.shape, value) {
        _ if attribute.write_only => Val::Null,
        (_, Val::Null) if attribute.computed => Val::Unknown,
        (
            Shape::Nested(Nested {
                nesting,
                attributes,
            }),
            value,
        ) => nesting.each(value, |value| match value {
            Val::Object(_) => Val::Object(
                attributes
                    .iter()
                    .map(|(name, a)| (name.clone(), plan_attribute(a, &value.get(name))))
                    .collect(),
            ),
            other => other.clone(),
        }),
        (Shape::Plain(_), value) => value.clone(),
    }
}

/// The value with everything decided that was unknown.
fn made(value: &Val, ty: &Type) -> Val {
    match (value, ty) {
        (Val::Unknown, Type::String) => Val::string("made by the provider"),
        (Val::Unknown, Type::Set(_)) => Val::Set(vec![Val::string("a"), Val::string("b")]),
        (Val::Unknown, Type::Object(types)) => {
            let decided = |name: &str| {
                if name == "made" {
                    Val::Unknown
                } else {
                    Val::Null
                }
            };
            Val::Object(
                types
                    .iter()
                    .map(|(name, ty)| (name.clone(), made(&decided(name), ty)))
                    .collect(),
            )
        }
        (Val::List(list), Type::List(element)) => {
            Val::List(list.iter().map(|v| made(v, element)).collect())
        }
        (Val::Set(set), Type::Set(element)) => {
            Val::set(set.iter().map(|v| made(v, element)).collect())
        }
        (Val::Map(map), Type::Map(element)) => Val::Map(
            map.iter()
                .map(|(key, v)| (key.clone(), made(v, element)))
                .collect(),
        ),
        (Val::Object(map), Type::Object(types)) => Val::Object(
            map.iter()
                .map(|(name, v)| (name.clone(), made(v, &types[name])))
                .collect(),
        ),
        (value, _) => value.clone(),
    }
}

fn diagnostics(errors: &[&str]) -> Vec<proto::Diagnostic> {
    errors
        .iter()
        .map(|summary| proto::Diagnostic {
            severity: proto::diagnostic::Severity::Error.into(),
            summary: (*summary).to_owned(),
            ..Default::default()
        })
        .collect()
}

fn deferred(deferred: bool) -> Option<proto::Deferred> {
    deferred.then_some(proto::Deferred { reason: 1 })
}

/// The capabilities that are set, or that there was no message about them.
fn capabilities(client: Option<proto::ClientCapabilities>) -> String {
    let Some(client) = client else {
        return "(no capabilities)".to_owned();
    };
    let all = [
        (client.deferral_allowed, "deferral"),
        (client.write_only_attributes_allowed, "write-only"),
        (client.store_planned_private, "planned-private"),
        (client.computed_blocks_allowed, "computed-blocks"),
    ];
    let set = all.iter().filter(|(set, _)| *set).map(|(_, name)| *name);
    format!("({})", set.collect::<Vec<_>>().join(" "))
}

fn attribute_path(name: &str) -> proto::AttributePath {
    use proto::attribute_path::{Step, step::Selector};
    let steps = vec![Step {
        selector: Some(Selector::AttributeName(name.to_owned())),
    }];
    proto::AttributePath { steps }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

type Reply<T> = Result<Response<T>, Status>;

#[expect(
    clippy::unnecessary_wraps,
    reason = "what the methods of the service return"
)]
fn reply<T>(message: T) -> Reply<T> {
    Ok(Response::new(message))
}

fn not_offered<T>() -> Reply<T> {
    Err(Status::unimplemented(
        "the fake provider does not offer this",
    ))
}

type Events<T> = tokio_stream::Empty<Result<T, Status>>;

#[tonic::async_trait]
impl Provider for Service {
    async fn get_provider_schema(
        &self,
        _: Request<proto::get_provider_schema::Request>,
    ) -> Reply<proto::get_provider_schema::Response> {
        reply(schema_answer())
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<proto::get_resource_identity_schemas::Request>,
    ) -> Reply<proto::get_resource_identity_schemas::Response> {
        reply(proto::get_resource_identity_schemas::Response {
            identity_schemas: identity_schemas(),
            ..Default::default()
        })
    }

    async fn validate_provider_config(
        &self,
        _: Request<proto::validate_provider_config::Request>,
    ) -> Reply<proto::validate_provider_config::Response> {
        reply(proto::validate_provider_config::Response::default())
    }

    async fn configure_provider(
        &self,
        request: Request<proto::configure_provider::Request>,
    ) -> Reply<proto::configure_provider::Response> {
        let client = capabilities(request.into_inner().client_capabilities);
        self.note(format!("ConfigureProvider {client}"));
        reply(proto::configure_provider::Response::default())
    }

    async fn stop_provider(
        &self,
        _: Request<proto::stop_provider::Request>,
    ) -> Reply<proto::stop_provider::Response> {
        reply(proto::stop_provider::Response::default())
    }

    async fn validate_resource_config(
        &self,
        request: Request<proto::validate_resource_config::Request>,
    ) -> Reply<proto::validate_resource_config::Response> {
        let request = request.into_inner();
        let config = self.decode(request.config.as_ref());
        let client = capabilities(request.client_capabilities);
        self.note(format!("ValidateResourceConfig {client} config {config}"));
        let call = Call {
            config,
            ..Call::new("ValidateResourceConfig")
        };
        let answer = self.spoiled(&call, Val::Null, &[]);
        reply(proto::validate_resource_config::Response {
            diagnostics: diagnostics(&answer.errors),
        })
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<proto::upgrade_resource_state::Request>,
    ) -> Reply<proto::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let json: Json = serde_json::from_slice(&request.raw_state.unwrap().json).unwrap();
        let state = Val::from_json(&json, &self.ty).unwrap();
        self.note(format!(
            "UpgradeResourceState version {} state {state}",
            request.version
        ));
        let answer = self.spoiled(&Call::new("UpgradeResourceState"), state, &[]);
        reply(proto::upgrade_resource_state::Response {
            upgraded_state: Some(self.encode(&answer.state)),
            diagnostics: diagnostics(&answer.errors),
        })
    }

    async fn read_resource(
        &self,
        request: Request<proto::read_resource::Request>,
    ) -> Reply<proto::read_resource::Response> {
        let request = request.into_inner();
        let prior = self.decode(request.current_state.as_ref());
        self.note(format!(
            "ReadResource {} state {prior} private {}",
            capabilities(request.client_capabilities),
            text(&request.private)
        ));
        let state = match prior.get("id") {
            Val::String(id) => self.world.lock().unwrap().objects.get(&id).cloned(),
            _ => None,
        };
        let call = Call {
            prior,
            ..Call::new("ReadResource")
        };
        let answer = self.spoiled(&call, state.unwrap_or(Val::Null), &request.private);
        reply(proto::read_resource::Response {
            new_state: Some(self.encode(&answer.state)),
            diagnostics: diagnostics(&answer.errors),
            private: answer.private,
            deferred: deferred(answer.deferred),
            new_identity: self.encode_identity(&answer.identity),
        })
    }

    async fn plan_resource_change(
        &self,
        request: Request<proto::plan_resource_change::Request>,
    ) -> Reply<proto::plan_resource_change::Response> {
        let request = request.into_inner();
        let call = Call {
            prior: self.decode(request.prior_state.as_ref()),
            proposed: self.decode(request.proposed_new_state.as_ref()),
            config: self.decode(request.config.as_ref()),
            ..Call::new("PlanResourceChange")
        };
        let Call {
            prior,
            proposed,
            config,
            ..
        } = &call;
        let private = text(&request.prior_private);
        let client = capabilities(request.client_capabilities);
        self.note(format!(
            "PlanResourceChange {client} prior {prior} proposed {proposed} config {config} private {private}"
        ));
        let answer = self.spoiled(&call, self.plan(&call), b"planned");
        reply(proto::plan_resource_change::Response {
            planned_state: Some(self.encode(&answer.state)),
            requires_replace: answer
                .replaces_for
                .iter()
                .map(|name| attribute_path(name))
                .collect(),
            planned_private: answer.private,
            diagnostics: diagnostics(&answer.errors),
            legacy_type_system: false,
            deferred: deferred(answer.deferred),
            planned_identity: self.encode_identity(&answer.identity),
        })
    }

    async fn apply_resource_change(
        &self,
        request: Request<proto::apply_resource_change::Request>,
    ) -> Reply<proto::apply_resource_change::Response> {
        let request = request.into_inner();
        let call = Call {
            prior: self.decode(request.prior_state.as_ref()),
            proposed: self.decode(request.planned_state.as_ref()),
            config: self.decode(request.config.as_ref()),
            ..Call::new("ApplyResourceChange")
        };
        let Call {
            prior,
            proposed,
            config,
            ..
        } = &call;
        let private = text(&request.planned_private);
        self.note(format!(
            "ApplyResourceChange prior {prior} planned {proposed} config {config} private {private}"
        ));
        let private: &[u8] = if call.is_delete() { &[] } else { b"applied" };
        let answer = self.spoiled(&call, self.apply(&call), private);
        reply(proto::apply_resource_change::Response {
            new_state: Some(self.encode(&answer.state)),
            private: answer.private,
            diagnostics: diagnostics(&answer.errors),
            legacy_type_system: false,
            new_identity: self.encode_identity(&answer.identity),
        })
    }

    async fn import_resource_state(
        &self,
        request: Request<proto::import_resource_state::Request>,
    ) -> Reply<proto::import_resource_state::Response> {
        let request = request.into_inner();
        let id = match request.identity.and_then(|identity| identity.identity_data) {
            Some(data) => msgpack::decode(&data.msgpack, &self.identity)
                .unwrap()
                .get("id"),
            None => Val::string(&request.id),
        };
        let client = capabilities(request.client_capabilities);
        self.note(format!("ImportResourceState {client} {id}"));
        let mut stub = self.block.empty_object();
        stub.put("id", id);
        let answer = self.spoiled(&Call::new("ImportResourceState"), stub, b"imported");
        let imported = proto::import_resource_state::ImportedResource {
            type_name: THING.to_owned(),
            state: Some(self.encode(&answer.state)),
            private: answer.private,
            identity: self.encode_identity(&answer.identity),
        };
        reply(proto::import_resource_state::Response {
            imported_resources: vec![imported; answer.copies],
            diagnostics: diagnostics(&answer.errors),
            deferred: deferred(answer.deferred),
        })
    }

    // What follows is not offered.

    async fn get_metadata(
        &self,
        _: Request<proto::get_metadata::Request>,
    ) -> Reply<proto::get_metadata::Response> {
        not_offered()
    }

    async fn get_functions(
        &self,
        _: Request<proto::get_functions::Request>,
    ) -> Reply<proto::get_functions::Response> {
        not_offered()
    }

    async fn upgrade_resource_identity(
        &self,
        _: Request<proto::upgrade_resource_identity::Request>,
    ) -> Reply<proto::upgrade_resource_identity::Response> {
        not_offered()
    }

    async fn move_resource_state(
        &self,
        _: Request<proto::move_resource_state::Request>,
    ) -> Reply<proto::move_resource_state::Response> {
        not_offered()
    }

    async fn generate_resource_config(
        &self,
        _: Request<proto::generate_resource_config::Request>,
    ) -> Reply<proto::generate_resource_config::Response> {
        not_offered()
    }

    async fn validate_data_resource_config(
        &self,
        _: Request<proto::validate_data_resource_config::Request>,
    ) -> Reply<proto::validate_data_resource_config::Response> {
        not_offered()
    }

    async fn read_data_source(
        &self,
        _: Request<proto::read_data_source::Request>,
    ) -> Reply<proto::read_data_source::Response> {
        not_offered()
    }

    async fn validate_ephemeral_resource_config(
        &self,
        _: Request<proto::validate_ephemeral_resource_config::Request>,
    ) -> Reply<proto::validate_ephemeral_resource_config::Response> {
        not_offered()
    }

    async fn open_ephemeral_resource(
        &self,
        _: Request<proto::open_ephemeral_resource::Request>,
    ) -> Reply<proto::open_ephemeral_resource::Response> {
        not_offered()
    }

    async fn renew_ephemeral_resource(
        &self,
        _: Request<proto::renew_ephemeral_resource::Request>,
    ) -> Reply<proto::renew_ephemeral_resource::Response> {
        not_offered()
    }

    async fn close_ephemeral_resource(
        &self,
        _: Request<proto::close_ephemeral_resource::Request>,
    ) -> Reply<proto::close_ephemeral_resource::Response> {
        not_offered()
    }

    async fn call_function(
        &self,
        _: Request<proto::call_function::Request>,
    ) -> Reply<proto::call_function::Response> {
        not_offered()
    }

    async fn validate_list_resource_config(
        &self,
        _: Request<proto::validate_list_resource_config::Request>,
    ) -> Reply<proto::validate_list_resource_config::Response> {
        not_offered()
    }

    type ListResourceStream = Events<proto::list_resource::Event>;

    async fn list_resource(
        &self,
        _: Request<proto::list_resource::Request>,
    ) -> Reply<Self::ListResourceStream> {
        not_offered()
    }

    async fn validate_action_config(
        &self,
        _: Request<proto::validate_action_config::Request>,
    ) -> Reply<proto::validate_action_config::Response> {
        not_offered()
    }

    async fn plan_action(
        &self,
        _: Request<proto::plan_action::Request>,
    ) -> Reply<proto::plan_action::Response> {
        not_offered()
    }

    type InvokeActionStream = Events<proto::invoke_action::Event>;

    async fn invoke_action(
        &self,
        _: Request<proto::invoke_action::Request>,
    ) -> Reply<Self::InvokeActionStream> {
        not_offered()
    }
}
