//! A provider with one resource whose objects live in memory, and with the kinds
//! of the sibling files. What an operation does can be chosen with the attribute
//! `behave`.

pub(super) mod streaming;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::data_sources::Lookup;
use super::ephemeral_resources::Ticket;
use super::functions::Join;
use crate::action::DynAction;
use crate::data_source::DynDataSource;
use crate::definition::{Definition, Described, Kind};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::ephemeral_resource::DynEphemeralResource;
use crate::function::DynFunction;
use crate::list_resource::DynListResource;
use crate::plan::{Action, Plan};
use crate::private::Private;
use crate::provider::Provider;
use crate::resource::{
    Context, CreateRequest, DeleteRequest, DynResource, Failed, ImportRequest, Mover, ReadRequest,
    Resource, Saved, Seen, UpdateRequest, Upgrader,
};
use crate::schema::{Attribute, AttributeType, IdentitySchema, Replace, Schema};
use crate::validators::Validator;
use crate::value::Value;

pub(super) struct Sample;

pub(super) static SAMPLE: Sample = Sample;

static PROVIDER_SCHEMA: Schema = Schema::new(
    0,
    "A sample.",
    &[
        Attribute::string("region").describe("Region."),
        Attribute::string("key").sensitive().describe("Key."),
    ],
);

/// The configured provider: its region, and what there is in it.
#[derive(Default)]
pub(super) struct World {
    region: String,
    things: Mutex<BTreeMap<String, Model>>,
    /// How many things lists have found.
    pub(super) listed: AtomicUsize,
}

impl World {
    pub(super) fn region(&self) -> &str {
        &self.region
    }
}

static PROVIDER: Definition = Definition::new(Kind::Provider, "sample", &PROVIDER_SCHEMA);

impl Described for Sample {
    fn definition(&self) -> &'static Definition {
        &PROVIDER
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        match config.get("region").as_str() {
            Some("nowhere") => Diagnostic::error("Invalid region", "There is none.").into(),
            _ => Diagnostics::new(),
        }
    }
}

impl Provider for Sample {
    type Configured = World;

    fn configure(&self, config: &Value, _: &str) -> Result<(World, Diagnostics), Diagnostics> {
        match config.get("region").as_str() {
            Some("nowhere") => Err(Diagnostic::error("Invalid region", "There is none.").into()),
            Some("panic") => panic!("configure s3cr3t"),
            region => {
                let world = World {
                    region: region.unwrap_or("here").to_owned(),
                    ..World::default()
                };
                Ok((world, Diagnostics::new()))
            }
        }
    }

    fn resources(&self) -> &'static [&'static dyn DynResource<World>] {
        &[&Thing]
    }

    fn list_resources(&self) -> &'static [&'static dyn DynListResource<World>] {
        &[&streaming::Things]
    }

    fn actions(&self) -> &'static [&'static dyn DynAction<World>] {
        &[&streaming::Count]
    }

    fn data_sources(&self) -> &'static [&'static dyn DynDataSource<World>] {
        &[&Lookup]
    }

    fn ephemeral_resources(&self) -> &'static [&'static dyn DynEphemeralResource<World>] {
        &[&Ticket]
    }

    fn functions(&self) -> &'static [&'static dyn DynFunction] {
        &[&Join]
    }
}

struct Thing;

static TEXT: AttributeType = AttributeType::String;

static SCHEMA: Schema = Schema::new(
    2,
    "A thing.",
    &[
        Attribute::string("name")
            .required()
            .replace(Replace::Always)
            .validate(&[Validator::NotBlank])
            .describe("Name."),
        Attribute::string("behave").describe("What an operation does."),
        Attribute::string("size").default("small").describe("Size."),
        Attribute::set("tags", &TEXT).describe("Tags."),
        Attribute::string("secret_wo")
            .write_only()
            .sensitive()
            .describe("Secret."),
        Attribute::string("old")
            .deprecated("Use `name`.")
            .describe("Former name."),
        Attribute::object(
            "access",
            &[
                Attribute::string("level").required().describe("Level."),
                Attribute::string("key")
                    .computed()
                    .sensitive()
                    .describe("Key."),
            ],
        )
        .describe("Access."),
        Attribute::timeouts(&[
            Attribute::create_timeout(),
            Attribute::read_timeout(),
            Attribute::update_timeout(),
            Attribute::delete_timeout(),
        ]),
        Attribute::string("id")
            .computed()
            .keep_prior()
            .describe("Identifier."),
        Attribute::number("revision")
            .computed()
            .describe("Counter."),
        Attribute::string("seen")
            .computed()
            .describe("What the latest operation saw."),
    ],
);

pub(super) static IDENTITY: IdentitySchema = IdentitySchema::new(&[
    Attribute::string("id").required().describe("Identifier."),
    Attribute::string("region").describe("Region."),
]);

pub(super) static DEFINITION: Definition = Definition::new(Kind::Resource, "sample_thing", &SCHEMA);

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Model {
    name: Option<String>,
    behave: Option<String>,
    size: Option<String>,
    tags: Option<Vec<String>>,
    secret_wo: Option<String>,
    old: Option<String>,
    access: Option<Access>,
    timeouts: Option<BTreeMap<String, Option<String>>>,
    id: Option<String>,
    revision: Option<i64>,
    seen: Option<String>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Access {
    level: Option<String>,
    key: Option<String>,
}

impl Model {
    fn behaves(&self, how: &str) -> bool {
        self.behave.as_deref() == Some(how)
    }

    /// What the provider decides, and what the operation saw.
    fn completed(mut self, world: &World, context: &Context, config: &Self) -> Self {
        let name = self.name.clone().unwrap_or_default();
        self.id = Some(format!("id-{name}"));
        self.revision = Some(self.revision.unwrap_or_default() + 1);
        if let Some(access) = &mut self.access {
            access.key = Some("s3cr3t-key".to_owned());
        }
        self.seen = Some(format!(
            "region={} secret={} minutes={} cancelled={}",
            world.region,
            config.secret_wo.is_some(),
            minutes(context.deadline),
            context.cancel.is_cancelled(),
        ));
        // The framework is to take it out.
        self.secret_wo.clone_from(&config.secret_wo);
        self
    }
}

/// Whole minutes from now, rounded.
pub(super) fn minutes(deadline: Instant) -> u64 {
    (deadline.duration_since(Instant::now()).as_secs() + 30) / 60
}

fn failure() -> Diagnostics {
    Diagnostic::error("It failed", "On purpose.").into()
}

fn private(content: &str) -> Private {
    let mut private = Private::default();
    private.set("note", &content);
    private
}

/// Waits for the end of the operation's time or for Terraform's stop.
async fn wait(context: &Context) {
    context.cancel.cancelled().await;
}

impl Described for Thing {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        match config.get("behave").as_str() {
            Some("panic_validate") => panic!("validate s3cr3t"),
            Some("invalid") => Diagnostic::error("Invalid thing", "It says so itself.").into(),
            _ => Diagnostics::new(),
        }
    }
}

impl Resource for Thing {
    type Provider = World;
    type Model = Model;
    /// The planned size.
    type Decision = Option<String>;

    fn identity_schema(&self) -> &'static IdentitySchema {
        &IDENTITY
    }

    fn plan(&self, provider: Option<&World>, plan: &mut Plan) -> Option<String> {
        match plan.planned("behave").as_str() {
            Some("panic_plan") => panic!("plan s3cr3t"),
            Some("impossible") => plan.set("name", Value::string("another")),
            Some("fail_plan") => plan.report(Diagnostic::error("No plan", "On purpose.")),
            _ => {}
        }
        if plan.action() == Action::Update && plan.replaces() {
            plan.private = private("replaced");
        }
        if plan.action() == Action::Delete {
            plan.report(Diagnostic::warning("Going", "It goes."));
        }
        if provider.is_none() {
            plan.report(Diagnostic::warning("Not configured", "Less is known."));
        }
        plan.planned("size").as_str().map(str::to_owned)
    }

    fn turn(&self, model: &Model) -> String {
        model.name.clone().unwrap_or_default()
    }

    async fn create(
        &self,
        world: &World,
        context: &Context,
        request: CreateRequest<Model, Option<String>>,
    ) -> Result<Saved<Model>, Failed<Model>> {
        let CreateRequest {
            config,
            planned,
            decision,
        } = request;
        assert_eq!(decision, planned.size, "the decision is that of this plan");
        let mut model = planned.clone().completed(world, context, &config);
        if model.behaves("panic") {
            panic!("create s3cr3t");
        } else if model.behaves("fail") {
            return Err(failure().into());
        } else if model.behaves("silent") {
            return Err(Diagnostics::new().into());
        } else if model.behaves("slow") {
            wait(context).await;
            return Err(Diagnostic::error("Stopped", "As asked.").into());
        } else if model.behaves("lie") {
            model.size = Some("s3cr3t".to_owned());
        }
        let mut things = world.things.lock().unwrap();
        things.insert(model.id.clone().unwrap_or_default(), model.clone());
        if config.behaves("half") {
            Err(Failed::leaving(model, private("created"), failure()))
        } else {
            Ok(Saved::new(model, private("created")))
        }
    }

    async fn read(
        &self,
        world: &World,
        context: &Context,
        request: ReadRequest<Model>,
    ) -> Result<Seen<Model>, Diagnostics> {
        let state = request.state;
        if state.behaves("panic") {
            panic!("read s3cr3t");
        } else if state.behaves("fail") {
            return Err(failure());
        } else if state.behaves("slow") {
            wait(context).await;
        } else if state.behaves("other") {
            let other = Model {
                id: Some("id-other".to_owned()),
                ..state
            };
            return Ok(Seen::There(Saved::new(other, request.private)));
        }
        let things = world.things.lock().unwrap();
        let Some(thing) = state.id.as_ref().and_then(|id| things.get(id)) else {
            return Ok(Seen::Gone(Diagnostics::new()));
        };
        let mut thing = thing.clone();
        if let Some(tags) = &mut thing.tags {
            tags.reverse();
        }
        thing.seen = Some(format!("region={}", world.region));
        let private = if state.revision.is_none() {
            private("imported")
        } else {
            request.private
        };
        Ok(Seen::There(Saved::new(thing, private)))
    }

    async fn update(
        &self,
        world: &World,
        context: &Context,
        request: UpdateRequest<Model, Option<String>>,
    ) -> Result<Saved<Model>, Failed<Model>> {
        let UpdateRequest {
            config,
            planned,
            prior,
            private: kept,
            decision,
        } = request;
        assert_eq!(decision, planned.size, "the decision is that of this plan");
        let mut model = planned.clone().completed(world, context, &config);
        model.revision = prior.revision.map(|revision| revision + 1);
        if model.behaves("panic") {
            panic!("update s3cr3t");
        } else if model.behaves("fail") {
            return Err(failure().into());
        } else if model.behaves("silent") {
            return Err(Diagnostics::new().into());
        } else if model.behaves("lie") {
            model.size = Some("huge".to_owned());
        } else if model.behaves("other") {
            model.id = Some("id-other".to_owned());
        }
        let mut things = world.things.lock().unwrap();
        things.insert(model.id.clone().unwrap_or_default(), model.clone());
        Ok(Saved::new(model, kept))
    }

    async fn delete(
        &self,
        world: &World,
        context: &Context,
        request: DeleteRequest<Model>,
    ) -> Result<Diagnostics, Failed<Model>> {
        let prior = request.prior;
        if prior.behaves("panic") {
            panic!("delete s3cr3t");
        } else if prior.behaves("fail") {
            return Err(failure().into());
        } else if prior.behaves("silent") {
            return Err(Diagnostics::new().into());
        } else if prior.behaves("half") {
            let seen = format!("minutes={}", minutes(context.deadline));
            let rest = Model {
                seen: Some(seen),
                ..prior
            };
            return Err(Failed::leaving(rest, request.private, failure()));
        }
        let mut things = world.things.lock().unwrap();
        things.remove(&prior.id.unwrap_or_default());
        Ok(Diagnostics::new())
    }

    fn import(&self, request: ImportRequest) -> Result<Model, Diagnostics> {
        let id = match request {
            ImportRequest::Id(id) => id,
            ImportRequest::Identity(identity) => identity
                .get("id")
                .map(|id| id.to_lowercase())
                .unwrap_or_default(),
        };
        assert!(id != "panic", "import s3cr3t");
        if !id.starts_with("id-") {
            return Err(Diagnostic::error("Invalid id", "It begins with `id-`.").into());
        }
        Ok(Model {
            id: Some(id),
            secret_wo: Some("s3cr3t".to_owned()),
            ..Model::default()
        })
    }

    fn movers(&self) -> &'static [Mover] {
        &[Mover {
            source_provider: "acme/other",
            source_type: "other_thing",
            source_versions: &[3],
            convert: |state| {
                let label = state.get("label").ok_or("It has no attribute `label`.")?;
                Ok(serde_json::json!({
                    "name": label, "id": state["key"], "secret_wo": "not to be kept",
                }))
            },
        }]
    }

    fn upgraders(&self) -> &'static [Upgrader] {
        &[Upgrader {
            from_version: 1,
            upgrade: |mut state| {
                let attributes = state.as_object_mut().ok_or("It is not an object.")?;
                let title = attributes
                    .remove("title")
                    .ok_or("It has no attribute `title`.")?;
                attributes.insert("name".to_owned(), title);
                Ok(state)
            },
        }]
    }
}
