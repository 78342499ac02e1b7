//! A data source that shows what it was asked with, called as Terraform calls
//! it. What reading does can be chosen with the attribute `behave`.

use serde::{Deserialize, Serialize};

use super::sample::{World, minutes};
use super::*;
use crate::data_source::{DataSource, Found};
use crate::definition::{Definition, Described, Kind};
use crate::resource::Context;
use crate::schema::{Attribute, AttributeType, Replace, Schema};
use crate::validators::Validator;

const TYPE_NAME: &str = "sample_lookup";

static FOUND: AttributeType = AttributeType::Object(&[
    Attribute::string("name").computed().describe("Name."),
    Attribute::string("key")
        .computed()
        .sensitive()
        .describe("Key."),
]);

static SCHEMA: Schema = Schema::new(
    0,
    "What there is.",
    &[
        Attribute::string("behave")
            .required()
            .validate(&[Validator::NotBlank])
            .describe("What reading does."),
        Attribute::timeouts(&[Attribute::read_timeout()]),
        Attribute::list("found", &FOUND)
            .computed()
            .describe("What was found."),
        Attribute::map("by_name", &FOUND)
            .computed()
            .describe("The same by name."),
        Attribute::string("seen")
            .computed()
            .describe("What reading saw."),
    ],
);

static LOOKUP: Definition = Definition::new(Kind::DataSource, TYPE_NAME, &SCHEMA);

pub(super) struct Lookup;

#[derive(Serialize, Deserialize)]
pub(super) struct Model {
    behave: String,
    timeouts: Option<BTreeMap<String, Option<String>>>,
    found: Option<Vec<Thing>>,
    by_name: Option<BTreeMap<String, Thing>>,
    seen: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Thing {
    name: Option<String>,
    key: Option<String>,
}

impl Described for Lookup {
    fn definition(&self) -> &'static Definition {
        &LOOKUP
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        match config.get("behave").as_str() {
            Some("invalid") => Diagnostic::error("Invalid lookup", "It says so itself.").into(),
            _ => Diagnostics::new(),
        }
    }
}

impl DataSource for Lookup {
    type Provider = World;
    type Model = Model;

    async fn read(
        &self,
        world: &World,
        context: &Context,
        mut config: Model,
    ) -> Result<Found<Model>, Diagnostics> {
        match config.behave.as_str() {
            "panic" => panic!("read s3cr3t"),
            "fail" => return Err(Diagnostic::error("It failed", "On purpose.").into()),
            "slow" => context.cancel.cancelled().await,
            "change" => config.behave = "another".to_owned(),
            _ => {}
        }
        let thing = Thing {
            name: Some("one".to_owned()),
            key: Some("s3cr3t".to_owned()),
        };
        config.found = Some(vec![thing.clone()]);
        config.by_name = Some(BTreeMap::from([("one".to_owned(), thing)]));
        config.seen = Some(format!(
            "region={} minutes={}",
            world.region(),
            minutes(context.deadline)
        ));
        let found = Found::from(config);
        if found.state.behave == "warn" {
            return Ok(found.with(Diagnostic::warning("Odd", "But good.")));
        }
        Ok(found)
    }
}

fn config(behave: Value) -> Value {
    object(SCHEMA.attributes, [("behave", behave)])
}

fn encoded(value: &Value) -> proto::DynamicValue {
    proto::DynamicValue {
        msgpack: msgpack::encode(&SCHEMA.object_type(), value).unwrap(),
        json: Vec::new(),
    }
}

impl Client {
    async fn lookup(&self, config: &Value) -> proto::read_data_source::Response {
        self.read_data_source(proto::read_data_source::Request {
            type_name: TYPE_NAME.to_owned(),
            config: Some(encoded(config)),
            ..proto::read_data_source::Request::default()
        })
        .await
    }

    async fn validate_lookup(&self, config: &Value) -> Vec<proto::Diagnostic> {
        self.validate_data_resource_config(proto::validate_data_resource_config::Request {
            type_name: TYPE_NAME.to_owned(),
            config: Some(encoded(config)),
        })
        .await
        .diagnostics
    }
}

fn read(response: &proto::read_data_source::Response) -> Value {
    let state = response.state.as_ref().unwrap();
    msgpack::decode(&SCHEMA.object_type(), &state.msgpack).unwrap()
}

#[tokio::test]
async fn a_data_source_is_read_with_what_is_configured() {
    let client = Client::new().await;
    let response = client.lookup(&config(text("read"))).await;
    fine(&response.diagnostics);
    let state = read(&response);
    assert_eq!(state.get("seen"), &text("region=here minutes=20"));
    assert_eq!(state.get("found").items().unwrap().len(), 1);
    assert_eq!(
        state.get("by_name").get("one").get("name"),
        &text("one"),
        "an object in a map"
    );

    let timeouts = Value::Object(BTreeMap::from([("read".to_owned(), text("7m"))]));
    let patient = with(&config(text("read")), [("timeouts", timeouts)]);
    let state = read(&client.lookup(&patient).await);
    assert_eq!(state.get("seen"), &text("region=here minutes=7"));

    let response = client.lookup(&config(text("warn"))).await;
    assert_eq!(messages(&response.diagnostics), ["WARNING: Odd: But good."]);
    assert!(response.state.is_some());
}

#[tokio::test]
async fn the_schema_of_a_data_source_has_lists_and_maps_of_objects() {
    use proto::schema::object::NestingMode;
    let client = Client::unconfigured();
    let schema = client
        .get_provider_schema(proto::get_provider_schema::Request {})
        .await;
    let block = schema.data_source_schemas[TYPE_NAME]
        .block
        .as_ref()
        .unwrap();
    for (name, nesting) in [("found", NestingMode::List), ("by_name", NestingMode::Map)] {
        let attribute = block.attributes.iter().find(|a| a.name == name).unwrap();
        assert!(attribute.r#type.is_empty() && attribute.computed);
        let nested = attribute.nested_type.as_ref().unwrap();
        assert!(nested.nesting() == nesting, "{name}");
        assert!(nested.attributes.iter().all(|a| a.computed && !a.optional));
        assert!(nested.attributes[1].sensitive);
    }
    let metadata = client.get_metadata(proto::get_metadata::Request {}).await;
    let names: Vec<_> = metadata.data_sources.iter().map(|a| &a.type_name).collect();
    assert_eq!(names, [TYPE_NAME]);
}

#[tokio::test]
async fn a_data_block_is_validated_by_schema_and_data_source() {
    let client = Client::unconfigured();
    fine(&client.validate_lookup(&config(text("read"))).await);
    fine(&client.validate_lookup(&config(Value::Unknown)).await);
    let invalid = client.validate_lookup(&config(text("invalid"))).await;
    assert!(error(&invalid).contains("It says so itself."));
    let empty = client.validate_lookup(&config(text(""))).await;
    assert!(error(&empty).contains("is empty"), "{}", error(&empty));
    let computed = with(&config(text("read")), [("seen", text("x"))]);
    let computed = client.validate_lookup(&computed).await;
    assert!(error(&computed).contains("Read-only attribute configured"));
}

#[tokio::test]
async fn a_data_source_that_cannot_be_read_has_no_state() {
    let client = Client::new().await;
    for (behave, expected) in [
        ("fail", "It failed"),
        ("panic", "Provider crashed"),
        ("change", "`behave` differs from the configured value"),
    ] {
        let response = client.lookup(&config(text(behave))).await;
        assert!(error(&response.diagnostics).contains(expected), "{behave}");
        assert!(response.state.is_none());
    }
    let response = client.lookup(&config(Value::Unknown)).await;
    assert!(error(&response.diagnostics).contains("A value in it is unknown"));
    let unconfigured = Client::unconfigured().lookup(&config(text("read"))).await;
    assert!(error(&unconfigured.diagnostics).contains("Provider is not configured"));
}

#[tokio::test]
async fn stopping_ends_a_read_that_waits() {
    let client = Arc::new(Client::new().await);
    let reading = tokio::spawn({
        let client = Arc::clone(&client);
        async move { client.lookup(&config(text("slow"))).await }
    });
    tokio::task::yield_now().await;
    client.0.stop();
    fine(&reading.await.unwrap().diagnostics);
}

/// An attribute, and a word of the rule that it breaks.
type Case = (fn() -> Attribute, &'static str);

#[test]
fn what_only_a_managed_resource_can_have_is_refused() {
    let cases: [Case; 3] = [
        (
            || Attribute::string("a_wo").write_only().describe("A."),
            "write-only attributes",
        ),
        (
            || Attribute::string("a").default("x").describe("A."),
            "has defaults",
        ),
        (
            || {
                Attribute::string("a")
                    .replace(Replace::Always)
                    .describe("A.")
            },
            "to replace or to keep",
        ),
    ];
    for (attribute, rule) in cases {
        let attributes: &'static [Attribute] = Box::leak(Box::new([attribute()]));
        let schema: &'static Schema = Box::leak(Box::new(Schema::new(0, "A.", attributes)));
        let made =
            std::panic::catch_unwind(|| Definition::new(Kind::DataSource, "sample_x", schema));
        let broken = made.unwrap_err();
        let broken = broken.downcast_ref::<String>().unwrap();
        assert!(broken.contains(rule), "{broken}");
    }
}
