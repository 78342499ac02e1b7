//! List resources and actions.

use std::sync::atomic::Ordering;

use futures_util::stream::BoxStream;

use super::sample::streaming::{COUNT, THINGS};
use super::*;
use crate::schema::Schema;
use proto::invoke_action::event::Type;

fn config<const N: usize>(schema: &Schema, entries: [(&str, Value); N]) -> proto::DynamicValue {
    let config = object(schema.attributes, entries);
    proto::DynamicValue {
        msgpack: msgpack::encode(&schema.object_type(), &config).unwrap(),
        json: Vec::new(),
    }
}

fn listing<const N: usize>(entries: [(&str, Value); N]) -> proto::list_resource::Request {
    proto::list_resource::Request {
        type_name: THING.to_owned(),
        config: Some(config(THINGS.schema, entries)),
        include_resource_object: true,
        limit: 5,
    }
}

fn counting(behave: &str) -> proto::invoke_action::Request {
    proto::invoke_action::Request {
        action_type: "sample_count".to_owned(),
        config: Some(config(COUNT.schema, [("behave", text(behave))])),
        client_capabilities: None,
    }
}

type Stream<E> = BoxStream<'static, Result<E, tonic::Status>>;

impl Client {
    async fn list(
        &self,
        request: proto::list_resource::Request,
    ) -> Stream<proto::list_resource::Event> {
        let answer = self.0.list_resource(Request::new(request)).await;
        answer.unwrap().into_inner()
    }

    async fn listed(
        &self,
        request: proto::list_resource::Request,
    ) -> Vec<proto::list_resource::Event> {
        let events = self.list(request).await;
        events.map(|event| event.unwrap()).collect().await
    }

    async fn invoke(
        &self,
        request: proto::invoke_action::Request,
    ) -> Stream<proto::invoke_action::Event> {
        let answer = self.0.invoke_action(Request::new(request)).await;
        answer.unwrap().into_inner()
    }

    /// Progress messages, and the messages of the one end.
    async fn invoked(
        &self,
        request: proto::invoke_action::Request,
    ) -> (Vec<String>, Vec<proto::Diagnostic>) {
        let events = self.invoke(request).await;
        ended(events.map(|event| event.unwrap()).collect().await)
    }

    fn listed_so_far(&self) -> usize {
        let configured = self.0.configured().ok().unwrap();
        configured.listed.load(Ordering::Relaxed)
    }
}

#[track_caller]
fn ended(mut events: Vec<proto::invoke_action::Event>) -> (Vec<String>, Vec<proto::Diagnostic>) {
    let Some(Type::Completed(end)) = events.pop().unwrap().r#type else {
        panic!("the last event is not the end");
    };
    let progress = events.into_iter().map(|event| match event.r#type {
        Some(Type::Progress(progress)) => progress.message,
        _ => panic!("more than one end"),
    });
    (progress.collect(), end.diagnostics)
}

// -- list resources -----------------------------------------------------------

#[tokio::test]
async fn a_list_says_who_every_object_is_and_holds_no_write_only_value() {
    let client = Client::new().await;
    let events = client.listed(listing([("behave", text("few"))])).await;
    assert_eq!(events.len(), 3);
    for (number, event) in events.iter().enumerate() {
        fine(&event.diagnostic);
        let id = format!("id-{number}");
        assert!(event.identity == Some(identity_of([("id", id.as_str())])));
        assert_eq!(event.display_name, format!("Thing {number}"));
        let object = value(event.resource_object.as_ref());
        assert_eq!(object.get("id").as_str(), Some(id.as_str()));
        assert!(object.get("secret_wo").is_null());
    }
}

#[tokio::test]
async fn a_list_without_objects_brings_identities_only() {
    let client = Client::new().await;
    let request = proto::list_resource::Request {
        include_resource_object: false,
        ..listing([("behave", text("few"))])
    };
    let events = client.listed(request).await;
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.resource_object.is_none()));
    assert!(events.iter().all(|event| event.identity.is_some()));
}

#[tokio::test]
async fn a_list_stops_at_its_limit_whatever_the_resource_does() {
    let client = Client::new().await;
    assert_eq!(client.listed(listing([])).await.len(), 5);
    assert_eq!(client.listed_so_far(), 5);
    let stubborn = listing([("behave", text("never_stop"))]);
    assert_eq!(client.listed(stubborn).await.len(), 5);
    for limit in [0, -1] {
        let request = proto::list_resource::Request {
            limit,
            ..listing([])
        };
        assert!(client.listed(request).await.is_empty());
    }
}

#[tokio::test]
async fn nothing_is_looked_for_any_more_when_nobody_listens() {
    let client = Client::new().await;
    let mut events = client.list(listing([])).await;
    events.next().await.unwrap().unwrap();
    drop(events);
    let then = client.listed_so_far();
    assert!(then < 5, "{then} were found for one that was taken");
    tokio::task::yield_now().await;
    assert_eq!(client.listed_so_far(), then);
}

#[tokio::test]
async fn what_goes_wrong_with_a_list_is_an_event_without_an_object() {
    let client = Client::new().await;
    let failed = client.listed(listing([("behave", text("fail"))])).await;
    assert_eq!(failed.len(), 1);
    assert!(error(&failed[0].diagnostic).contains("It failed"));
    assert!(failed[0].identity.is_none());

    let crashed = client.listed(listing([("behave", text("panic"))])).await;
    assert_eq!(crashed.len(), 4);
    assert!(error(&crashed[3].diagnostic).contains("Provider crashed"));

    let nameless = client.listed(listing([("behave", text("nameless"))])).await;
    assert!(error(&nameless[0].diagnostic).contains("without an identity"));

    let warned = client.listed(listing([("behave", text("warn"))])).await;
    assert_eq!(
        messages(&warned[0].diagnostic),
        ["WARNING: Many: There is no end of them."]
    );
    assert_eq!(warned.len(), 6);
}

#[tokio::test]
async fn the_timeout_of_a_list_is_its_own() {
    let client = Client::new().await;
    let timeouts = Value::Object(BTreeMap::from([("list".to_owned(), text("2m"))]));
    let events = client.listed(listing([("timeouts", timeouts)])).await;
    let object = value(events[0].resource_object.as_ref());
    assert_eq!(object.get("seen").as_str(), Some("minutes=2"));
}

#[tokio::test]
async fn a_list_needs_a_configured_provider_and_known_values() {
    let client = Client::unconfigured();
    let events = client.listed(listing([])).await;
    assert_eq!(events.len(), 1);
    assert!(error(&events[0].diagnostic).contains("Provider is not configured"));
    let client = Client::new().await;
    let events = client.listed(listing([("behave", Value::Unknown)])).await;
    assert_eq!(events.len(), 1);
    assert!(error(&events[0].diagnostic).contains("unknown"));
}

#[tokio::test]
async fn the_config_of_a_list_is_validated() {
    let client = Client::unconfigured();
    let schema = THINGS.schema;
    let timeouts = Value::Object(BTreeMap::from([("list".to_owned(), text("soon"))]));
    for (entry, expected) in [
        (("behave", text("invalid")), "Invalid list"),
        (("timeouts", timeouts), "`timeouts.list`"),
    ] {
        let validated = client
            .validate_list_resource_config(proto::validate_list_resource_config::Request {
                type_name: THING.to_owned(),
                config: Some(config(schema, [entry])),
                ..proto::validate_list_resource_config::Request::default()
            })
            .await;
        assert!(error(&validated.diagnostics).contains(expected));
    }
}

// -- actions ------------------------------------------------------------------

#[tokio::test]
async fn an_action_reports_its_progress_and_then_its_one_end() {
    let client = Client::new().await;
    let (progress, end) = client.invoked(counting("well")).await;
    assert_eq!(progress, ["one", "two", "three"]);
    fine(&end);
    let (progress, end) = client.invoked(counting("warn")).await;
    assert_eq!(progress.len(), 3);
    assert_eq!(messages(&end), ["WARNING: Counted: To three only."]);
}

#[tokio::test]
async fn an_action_that_fails_or_crashes_ends_once_as_well() {
    let client = Client::new().await;
    let (progress, end) = client.invoked(counting("fail")).await;
    assert_eq!(progress.len(), 3);
    assert!(error(&end).contains("It failed"));
    let (progress, end) = client.invoked(counting("panic")).await;
    assert_eq!(progress.len(), 3);
    assert!(error(&end).contains("What it had done until then is not known"));
}

#[tokio::test]
async fn an_action_that_is_stopped_ends_once_as_well() {
    let client = Client::new().await;
    let mut events = client.invoke(counting("slow")).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(events.next().await.unwrap().unwrap());
    }
    client
        .stop_provider(proto::stop_provider::Request::default())
        .await;
    seen.extend(events.map(|event| event.unwrap()).collect::<Vec<_>>().await);
    let (progress, end) = ended(seen);
    assert_eq!(progress.len(), 3);
    assert!(error(&end).contains("Stopped"));
}

#[tokio::test]
async fn an_action_that_cannot_begin_ends_once_as_well() {
    let client = Client::unconfigured();
    let (progress, end) = client.invoked(counting("well")).await;
    assert!(progress.is_empty());
    assert!(error(&end).contains("Provider is not configured"));
    let client = Client::new().await;
    let unknown = proto::invoke_action::Request {
        config: Some(config(COUNT.schema, [("behave", Value::Unknown)])),
        ..counting("well")
    };
    assert!(error(&client.invoked(unknown).await.1).contains("unknown"));
}

#[tokio::test]
async fn the_config_of_an_action_is_validated_and_planned() {
    let client = Client::new().await;
    let schema = COUNT.schema;
    let validated = client
        .validate_action_config(proto::validate_action_config::Request {
            type_name: "sample_count".to_owned(),
            config: Some(config(schema, [("behave", text("invalid"))])),
        })
        .await;
    assert!(error(&validated.diagnostics).contains("Invalid action"));
    let plan = |behave: Value| proto::plan_action::Request {
        action_type: "sample_count".to_owned(),
        config: Some(config(schema, [("behave", behave)])),
        client_capabilities: None,
    };
    let planned = client.plan_action(plan(text("impossible"))).await;
    assert!(error(&planned.diagnostics).contains("No plan"));
    let planned = client.plan_action(plan(Value::Unknown)).await;
    fine(&planned.diagnostics);
    assert!(planned.deferred.is_none());
    let planned = Client::unconfigured().plan_action(plan(text("well"))).await;
    assert!(messages(&planned.diagnostics)[0].starts_with("WARNING"));
}

// -- what the provider offers -------------------------------------------------

#[tokio::test]
async fn list_resources_and_actions_are_offered_by_name_and_schema() {
    let client = Client::unconfigured();
    let metadata = client.get_metadata(proto::get_metadata::Request {}).await;
    assert_eq!(metadata.list_resources[0].type_name, THING);
    assert_eq!(metadata.actions[0].type_name, "sample_count");
    let schemas = client
        .get_provider_schema(proto::get_provider_schema::Request {})
        .await;
    assert!(schemas.list_resource_schemas.contains_key(THING));
    let count = &schemas.action_schemas["sample_count"];
    let block = count.schema.as_ref().unwrap().block.as_ref().unwrap();
    assert_eq!(block.attributes[0].name, "behave");
}
