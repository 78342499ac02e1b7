//! An ephemeral resource that shows how it was called, called as Terraform
//! calls it. What opening does can be chosen with the attribute `behave`.

use serde::{Deserialize, Serialize};

use super::sample::{World, minutes};
use super::*;
use crate::definition::{Definition, Described, Kind};
use crate::ephemeral_resource::{EphemeralResource, Opened};
use crate::resource::Context;
use crate::schema::{Attribute, Schema};

const TYPE_NAME: &str = "sample_ticket";

static SCHEMA: Schema = Schema::new(
    0,
    "A ticket.",
    &[
        Attribute::string("behave").describe("What opening does."),
        Attribute::timeouts(&[Attribute::open_timeout()]),
        Attribute::string("ticket")
            .computed()
            .sensitive()
            .describe("The ticket."),
        Attribute::string("seen")
            .computed()
            .describe("What opening saw."),
    ],
);

static TICKET: Definition = Definition::new(Kind::EphemeralResource, TYPE_NAME, &SCHEMA);

pub(super) struct Ticket;

#[derive(Serialize, Deserialize)]
pub(super) struct Model {
    behave: Option<String>,
    timeouts: Option<BTreeMap<String, Option<String>>>,
    ticket: Option<String>,
    seen: Option<String>,
}

fn failure() -> Diagnostics {
    Diagnostic::error("It failed", "On purpose.").into()
}

impl Described for Ticket {
    fn definition(&self) -> &'static Definition {
        &TICKET
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        match config.get("behave").as_str() {
            Some("invalid") => Diagnostic::error("Invalid ticket", "It says so itself.").into(),
            _ => Diagnostics::new(),
        }
    }
}

impl EphemeralResource for Ticket {
    type Provider = World;
    type Model = Model;

    async fn open(
        &self,
        world: &World,
        context: &Context,
        mut config: Model,
    ) -> Result<Opened<Model>, Diagnostics> {
        match config.behave.as_deref() {
            Some("panic") => panic!("open s3cr3t"),
            Some("fail") => return Err(failure()),
            Some("change") => config.behave = None,
            Some("later") => {
                return Ok(Opened::later(Diagnostic::warning("Not yet", "On purpose.")));
            }
            _ => {}
        }
        config.ticket = Some("s3cr3t".to_owned());
        config.seen = Some(format!(
            "region={} minutes={}",
            world.region(),
            minutes(context.deadline)
        ));
        Ok(Opened {
            result: Some(config),
            warnings: Diagnostic::warning("Opened", "Once.").into(),
        })
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
    async fn open(&self, config: &Value) -> proto::open_ephemeral_resource::Response {
        self.open_ephemeral_resource(proto::open_ephemeral_resource::Request {
            type_name: TYPE_NAME.to_owned(),
            config: Some(encoded(config)),
            client_capabilities: None,
        })
        .await
    }

    async fn renew(&self, private: Option<Vec<u8>>) -> proto::renew_ephemeral_resource::Response {
        self.renew_ephemeral_resource(proto::renew_ephemeral_resource::Request {
            type_name: TYPE_NAME.to_owned(),
            private,
        })
        .await
    }

    async fn close(&self, private: Option<Vec<u8>>) -> Vec<proto::Diagnostic> {
        self.close_ephemeral_resource(proto::close_ephemeral_resource::Request {
            type_name: TYPE_NAME.to_owned(),
            private,
        })
        .await
        .diagnostics
    }

    async fn validate_ticket(&self, config: &Value) -> Vec<proto::Diagnostic> {
        self.validate_ephemeral_resource_config(
            proto::validate_ephemeral_resource_config::Request {
                type_name: TYPE_NAME.to_owned(),
                config: Some(encoded(config)),
            },
        )
        .await
        .diagnostics
    }
}

#[tokio::test]
async fn an_ephemeral_resource_is_opened_and_closed_and_never_to_be_renewed() {
    let client = Client::new().await;
    let timeouts = Value::Object(BTreeMap::from([("open".to_owned(), text("7m"))]));
    let patient = with(&config(Value::Null), [("timeouts", timeouts)]);
    let opened = client.open(&patient).await;
    assert_eq!(messages(&opened.diagnostics), ["WARNING: Opened: Once."]);
    let result = opened.result.unwrap();
    let result = msgpack::decode(&SCHEMA.object_type(), &result.msgpack).unwrap();
    assert_eq!(result.get("seen"), &text("region=here minutes=7"));
    assert_eq!(result.get("ticket"), &text("s3cr3t"));
    assert_eq!(opened.renew_at, None);

    // Terraform closes whatever it has opened.
    let renewed = client.renew(opened.private.clone()).await;
    fine(&renewed.diagnostics);
    assert_eq!(renewed.renew_at, None);
    fine(&client.close(opened.private).await);
}

#[tokio::test]
async fn what_is_opened_later_is_unknown_where_the_provider_gives_it() {
    let client = Client::new().await;
    let opened = client.open(&config(text("later"))).await;
    assert_eq!(
        messages(&opened.diagnostics),
        ["WARNING: Not yet: On purpose."]
    );
    let result = opened.result.unwrap();
    let result = msgpack::decode(&SCHEMA.object_type(), &result.msgpack).unwrap();
    assert_eq!(result.get("behave"), &text("later"));
    assert_eq!(result.get("timeouts"), &Value::Null);
    for computed in ["ticket", "seen"] {
        assert_eq!(result.get(computed), &Value::Unknown);
    }
    assert_eq!(opened.renew_at, None);
}

#[tokio::test]
async fn an_ephemeral_block_is_validated_by_schema_and_resource() {
    let client = Client::unconfigured();
    fine(&client.validate_ticket(&config(Value::Unknown)).await);
    let invalid = client.validate_ticket(&config(text("invalid"))).await;
    assert!(error(&invalid).contains("It says so itself."));
    let computed = with(&config(Value::Null), [("ticket", text("s3cr3t"))]);
    let computed = client.validate_ticket(&computed).await;
    assert!(error(&computed).contains("Read-only attribute configured"));
}

#[tokio::test]
async fn an_ephemeral_resource_that_fails_says_so() {
    let client = Client::new().await;
    for (behave, expected) in [
        ("fail", "It failed"),
        ("panic", "Provider crashed"),
        ("change", "`behave` differs from the configured value"),
    ] {
        let opened = client.open(&config(text(behave))).await;
        assert!(error(&opened.diagnostics).contains(expected), "{behave}");
        assert!(opened.result.is_none() && opened.private.is_none());
    }
    let opened = client.open(&config(Value::Unknown)).await;
    assert!(error(&opened.diagnostics).contains("A value in it is unknown"));
    let unconfigured = Client::unconfigured().open(&config(Value::Null)).await;
    assert!(error(&unconfigured.diagnostics).contains("Provider is not configured"));
}

#[tokio::test]
async fn the_schema_and_the_metadata_list_ephemeral_resources() {
    let client = Client::unconfigured();
    let schema = client
        .get_provider_schema(proto::get_provider_schema::Request {})
        .await;
    let block = &schema.ephemeral_resource_schemas[TYPE_NAME].block;
    assert_eq!(block.as_ref().unwrap().attributes.len(), 4);
    let metadata = client.get_metadata(proto::get_metadata::Request {}).await;
    assert_eq!(metadata.ephemeral_resources[0].type_name, TYPE_NAME);
}
