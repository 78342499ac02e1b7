//! The server, called as Terraform calls it.

mod data_sources;
mod ephemeral_resources;
mod functions;
mod sample;
mod streams;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tonic::Request;

use super::*;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::provider_server::Provider as Protocol;
use crate::wire::msgpack;
use sample::{DEFINITION, IDENTITY, SAMPLE, Sample};

const THING: &str = "sample_thing";

fn text(text: &str) -> Value {
    Value::string(text)
}

/// An object of the type of a schema: null where nothing is given.
fn object<const N: usize>(
    attributes: &[super::super::schema::Attribute],
    entries: [(&str, Value); N],
) -> Value {
    let mut object: BTreeMap<_, _> = attributes
        .iter()
        .map(|attribute| (attribute.name.to_owned(), Value::Null))
        .collect();
    for (name, value) in entries {
        assert!(
            object.insert(name.to_owned(), value).is_some(),
            "the schema has no {name}"
        );
    }
    Value::Object(object)
}

fn thing<const N: usize>(entries: [(&str, Value); N]) -> Value {
    object(DEFINITION.schema.attributes, entries)
}

fn with<const N: usize>(object: &Value, entries: [(&str, Value); N]) -> Value {
    let Value::Object(mut object) = object.clone() else {
        panic!("not an object");
    };
    object.extend(entries.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(object)
}

fn dynamic(value: &Value) -> proto::DynamicValue {
    let object_type = DEFINITION.schema.object_type();
    proto::DynamicValue {
        msgpack: msgpack::encode(&object_type, value).unwrap(),
        json: Vec::new(),
    }
}

fn value(dynamic: Option<&proto::DynamicValue>) -> Value {
    let object_type = DEFINITION.schema.object_type();
    msgpack::decode(&object_type, &dynamic.unwrap().msgpack).unwrap()
}

fn identity_of<const N: usize>(texts: [(&str, &str); N]) -> proto::ResourceIdentityData {
    let mut entries = BTreeMap::from([
        ("id".to_owned(), Value::Null),
        ("region".to_owned(), Value::Null),
    ]);
    entries.extend(texts.map(|(name, value)| (name.to_owned(), text(value))));
    let msgpack = msgpack::encode(&IDENTITY.object_type(), &Value::Object(entries));
    proto::ResourceIdentityData {
        identity_data: Some(proto::DynamicValue {
            msgpack: msgpack.unwrap(),
            json: Vec::new(),
        }),
    }
}

/// Severity and text of every message.
fn messages(diagnostics: &[proto::Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let severity = diagnostic.severity().as_str_name();
            format!("{severity}: {}: {}", diagnostic.summary, diagnostic.detail)
        })
        .collect()
}

/// The one message, which is an error and holds no secret.
#[track_caller]
fn error(diagnostics: &[proto::Diagnostic]) -> String {
    let messages = messages(diagnostics);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].starts_with("ERROR: "), "{messages:?}");
    assert!(!messages[0].contains("s3cr3t"), "{messages:?}");
    messages[0].clone()
}

/// Private data as the resource sees it: what a plan decided is the framework's.
fn without_decision(private: &[u8]) -> Vec<u8> {
    let mut entries: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(private).unwrap();
    entries.shift_remove("decision");
    serde_json::to_vec(&entries).unwrap()
}

#[track_caller]
fn fine(diagnostics: &[proto::Diagnostic]) {
    let messages = messages(diagnostics);
    assert!(messages.is_empty(), "{messages:?}");
}

/// The protocol without its wrapping.
struct Client(Server<Sample>);

macro_rules! calls {
    ($($method:ident: $message:ident),+ $(,)?) => {
        impl Client {
            $(async fn $method(
                &self,
                request: proto::$message::Request,
            ) -> proto::$message::Response {
                let request = Request::new(request);
                self.0.$method(request).await.unwrap().into_inner()
            })+
        }
    };
}

calls!(
    get_metadata: get_metadata,
    get_provider_schema: get_provider_schema,
    get_resource_identity_schemas: get_resource_identity_schemas,
    get_functions: get_functions,
    validate_provider_config: validate_provider_config,
    configure_provider: configure_provider,
    stop_provider: stop_provider,
    validate_resource_config: validate_resource_config,
    upgrade_resource_state: upgrade_resource_state,
    upgrade_resource_identity: upgrade_resource_identity,
    read_resource: read_resource,
    plan_resource_change: plan_resource_change,
    apply_resource_change: apply_resource_change,
    import_resource_state: import_resource_state,
    move_resource_state: move_resource_state,
    generate_resource_config: generate_resource_config,
    validate_data_resource_config: validate_data_resource_config,
    read_data_source: read_data_source,
    validate_ephemeral_resource_config: validate_ephemeral_resource_config,
    open_ephemeral_resource: open_ephemeral_resource,
    renew_ephemeral_resource: renew_ephemeral_resource,
    close_ephemeral_resource: close_ephemeral_resource,
    call_function: call_function,
    validate_list_resource_config: validate_list_resource_config,
    validate_action_config: validate_action_config,
    plan_action: plan_action,
);

fn provider_config(region: &str) -> proto::DynamicValue {
    let schema = SAMPLE.definition().schema;
    let config = object(schema.attributes, [("region", text(region))]);
    proto::DynamicValue {
        msgpack: msgpack::encode(&schema.object_type(), &config).unwrap(),
        json: Vec::new(),
    }
}

impl Client {
    fn unconfigured() -> Self {
        Self(Server::new(&SAMPLE))
    }

    async fn new() -> Self {
        let client = Self::unconfigured();
        fine(&client.configure("here").await.diagnostics);
        client
    }

    async fn configure(&self, region: &str) -> proto::configure_provider::Response {
        self.configure_provider(proto::configure_provider::Request {
            terraform_version: "1.14.0".to_owned(),
            config: Some(provider_config(region)),
            client_capabilities: Some(proto::ClientCapabilities {
                write_only_attributes_allowed: true,
                ..proto::ClientCapabilities::default()
            }),
        })
        .await
    }

    async fn plan(
        &self,
        config: &Value,
        prior: &Value,
        private: &[u8],
    ) -> proto::plan_resource_change::Response {
        self.plan_resource_change(proto::plan_resource_change::Request {
            type_name: THING.to_owned(),
            prior_state: Some(dynamic(prior)),
            proposed_new_state: Some(dynamic(config)),
            config: Some(dynamic(config)),
            prior_private: private.to_vec(),
            prior_identity: Some(identity_of([("id", "id-one")])),
            ..proto::plan_resource_change::Request::default()
        })
        .await
    }

    /// Plans and applies as Terraform does.
    async fn apply(
        &self,
        config: &Value,
        prior: &Value,
        private: &[u8],
    ) -> proto::apply_resource_change::Response {
        let planned = self.plan(config, prior, private).await;
        let errors = messages(&planned.diagnostics);
        assert!(
            !errors.iter().any(|message| message.starts_with("ERROR")),
            "{errors:?}"
        );
        self.apply_resource_change(proto::apply_resource_change::Request {
            type_name: THING.to_owned(),
            prior_state: Some(dynamic(prior)),
            planned_state: planned.planned_state,
            config: Some(dynamic(config)),
            planned_private: planned.planned_private,
            planned_identity: planned.planned_identity,
            ..proto::apply_resource_change::Request::default()
        })
        .await
    }

    /// Creates a thing and checks that it worked.
    async fn created(&self, config: &Value) -> Value {
        let created = self.apply(config, &Value::Null, b"").await;
        fine(&created.diagnostics);
        value(created.new_state.as_ref())
    }

    async fn read(&self, state: &Value, private: &[u8]) -> proto::read_resource::Response {
        self.read_resource(proto::read_resource::Request {
            type_name: THING.to_owned(),
            current_state: Some(dynamic(state)),
            private: private.to_vec(),
            current_identity: Some(identity_of([("id", "id-one")])),
            ..proto::read_resource::Request::default()
        })
        .await
    }
}

// -- what the provider offers -------------------------------------------------

#[tokio::test]
async fn the_schema_says_what_the_statics_say() {
    let schema = Client::unconfigured()
        .get_provider_schema(proto::get_provider_schema::Request {})
        .await;
    fine(&schema.diagnostics);
    assert!(schema.provider.is_some() && schema.provider_meta.is_none());
    let capabilities = schema.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    assert!(capabilities.generate_resource_config && capabilities.move_resource_state);

    let thing = &schema.resource_schemas[THING];
    let block = thing.block.as_ref().unwrap();
    assert_eq!((thing.version, block.version), (2, 2));
    assert!(block.description_kind() == proto::StringKind::Markdown);
    let names: Vec<_> = block.attributes.iter().map(|a| a.name.as_str()).collect();
    let expected: Vec<_> = DEFINITION
        .schema
        .attributes
        .iter()
        .map(|a| a.name)
        .collect();
    assert_eq!(names, expected);
    for attribute in &block.attributes {
        assert_ne!(
            attribute.r#type.is_empty(),
            attribute.nested_type.is_none(),
            "{}",
            attribute.name
        );
        assert!(!attribute.required || !attribute.optional && !attribute.computed);
        assert!(attribute.required || attribute.optional || attribute.computed);
        assert_eq!(
            attribute.deprecated,
            !attribute.deprecation_message.is_empty()
        );
    }
    let attribute = |name| block.attributes.iter().find(|a| a.name == name).unwrap();
    assert_eq!(attribute("tags").r#type, br#"["set","string"]"#);
    assert!(attribute("secret_wo").write_only && attribute("secret_wo").sensitive);
    assert_eq!(attribute("old").deprecation_message, "Use `name`.");
    assert!(attribute("size").optional && attribute("size").computed);
    assert!(!attribute("id").optional && attribute("id").computed);
    let access = attribute("access").nested_type.as_ref().unwrap();
    assert!(access.nesting() == proto::schema::object::NestingMode::Single);
    assert_eq!(access.attributes.len(), 2);
}

#[tokio::test]
async fn the_identity_schema_says_which_part_an_import_needs() {
    let schemas = Client::unconfigured()
        .get_resource_identity_schemas(proto::get_resource_identity_schemas::Request {})
        .await;
    let schema = &schemas.identity_schemas[THING];
    assert_eq!(schema.version, 0);
    let [id, region] = &schema.identity_attributes[..] else {
        panic!("two attributes");
    };
    assert!(id.required_for_import && !id.optional_for_import);
    assert!(!region.required_for_import && region.optional_for_import);
    assert_eq!(id.r#type, br#""string""#);
}

#[tokio::test]
async fn the_metadata_lists_what_the_schema_lists() {
    let metadata = Client::unconfigured()
        .get_metadata(proto::get_metadata::Request {})
        .await;
    assert_eq!(metadata.resources.len(), 1);
    assert_eq!(metadata.resources[0].type_name, THING);
    assert!(metadata.server_capabilities.unwrap().plan_destroy);
}

// -- the provider itself ------------------------------------------------------

#[tokio::test]
async fn a_provider_block_is_validated() {
    let client = Client::unconfigured();
    let validate = |region| {
        client.validate_provider_config(proto::validate_provider_config::Request {
            config: Some(provider_config(region)),
        })
    };
    fine(&validate("here").await.diagnostics);
    assert!(error(&validate("nowhere").await.diagnostics).contains("Invalid region"));
}

#[tokio::test]
async fn an_operation_before_configure_changes_nothing_and_says_so() {
    let client = Client::unconfigured();
    let state = thing([("name", text("one")), ("id", text("id-one"))]);
    let read = client.read(&state, b"{\"a\":1}").await;
    assert!(error(&read.diagnostics).contains("before it configured"));
    assert_eq!(value(read.new_state.as_ref()), state);
    assert_eq!(read.private, b"{\"a\":1}");
    assert!(read.new_identity == Some(identity_of([("id", "id-one")])));

    // A plan knows less without a provider, and is possible.
    let planned = client
        .plan(&thing([("name", text("one"))]), &Value::Null, b"")
        .await;
    assert!(messages(&planned.diagnostics)[0].starts_with("WARNING: Not configured"));
}

#[tokio::test]
async fn a_failed_configuration_replaces_the_one_before() {
    for (region, expected) in [("nowhere", "Invalid region"), ("panic", "Provider crashed")] {
        let client = Client::new().await;
        assert!(error(&client.configure(region).await.diagnostics).contains(expected));
        let read = client.read(&thing([("name", text("one"))]), b"").await;
        assert!(error(&read.diagnostics).contains("configuration of the provider failed"));
        fine(&client.configure("here").await.diagnostics);
        fine(
            &client
                .read(&thing([("name", text("one"))]), b"")
                .await
                .diagnostics,
        );
    }
}

#[tokio::test]
async fn an_operation_in_flight_keeps_the_configuration_it_began_with() {
    let client = Arc::new(Client::new().await);
    let state = client.created(&thing([("name", text("one"))])).await;
    let slow = with(&state, [("behave", text("slow"))]);
    let in_flight = tokio::spawn({
        let client = Arc::clone(&client);
        async move { client.read(&slow, b"").await }
    });
    tokio::task::yield_now().await;
    fine(&client.configure("there").await.diagnostics);
    client.stop_provider(proto::stop_provider::Request {}).await;
    let read = in_flight.await.unwrap();
    fine(&read.diagnostics);
    let seen = value(read.new_state.as_ref());
    assert_eq!(seen.get("seen"), &text("region=here"));
}

#[tokio::test]
async fn stopping_ends_what_runs_and_not_what_comes_after() {
    let client = Arc::new(Client::new().await);
    let running = tokio::spawn({
        let client = Arc::clone(&client);
        let config = thing([("name", text("one")), ("behave", text("slow"))]);
        async move { client.apply(&config, &Value::Null, b"").await }
    });
    tokio::task::yield_now().await;
    let stopped = client.stop_provider(proto::stop_provider::Request {}).await;
    assert_eq!(stopped.error, "");
    let answer = running.await.unwrap();
    assert!(error(&answer.diagnostics).contains("Stopped"));
    assert!(value(answer.new_state.as_ref()).is_null());
    let after = client.created(&thing([("name", text("two"))])).await;
    let seen = after.get("seen").as_str().unwrap();
    assert!(seen.ends_with("cancelled=false"), "{seen}");
}

// -- managed resources --------------------------------------------------------

/// What Terraform begins at the same time where a resource was renamed.
#[tokio::test]
async fn operations_on_one_object_run_one_after_the_other() {
    let client = Arc::new(Client::new().await);
    let state = client.created(&thing([("name", text("one"))])).await;
    let other = client.created(&thing([("name", text("two"))])).await;
    let creating = tokio::spawn({
        let client = Arc::clone(&client);
        let config = thing([("name", text("one")), ("behave", text("slow"))]);
        async move { client.apply(&config, &Value::Null, b"").await }
    });
    tokio::task::yield_now().await;
    let changed = with(&state, [("behave", text("calmly"))]);
    for next in [&Value::Null, &changed] {
        let waiting = client.apply(next, &state, b"");
        let soon = tokio::time::timeout(std::time::Duration::from_millis(30), waiting);
        assert!(soon.await.is_err(), "it did not wait for its turn");
    }
    // Another object is nobody's business.
    fine(&client.apply(&Value::Null, &other, b"").await.diagnostics);
    client.stop_provider(proto::stop_provider::Request {}).await;
    creating.await.unwrap();
    fine(&client.apply(&Value::Null, &state, b"").await.diagnostics);
}

#[tokio::test]
async fn a_thing_lives_from_create_to_destroy() {
    let client = Client::new().await;
    let tags = Value::Set(vec![text("a"), text("b")]);
    let config = thing([
        ("name", text("one")),
        ("tags", tags.clone()),
        ("secret_wo", text("s3cr3t")),
    ]);

    let created = client.apply(&config, &Value::Null, b"").await;
    fine(&created.diagnostics);
    let state = value(created.new_state.as_ref());
    assert_eq!(state.get("id"), &text("id-one"));
    assert_eq!(state.get("secret_wo"), &Value::Null);
    let seen = "region=here secret=true minutes=20 cancelled=false";
    assert_eq!(state.get("seen"), &text(seen));
    assert_eq!(created.private, br#"{"note":"created"}"#);
    assert!(created.new_identity == Some(identity_of([("id", "id-one")])));

    // The remote side has the tags in another order: no difference.
    let read = client.read(&state, &created.private).await;
    fine(&read.diagnostics);
    let state = value(read.new_state.as_ref());
    assert_eq!(state.get("tags"), &tags);
    assert_eq!(read.private, created.private);
    assert!(read.new_identity == created.new_identity);

    let planned = client.plan(&config, &state, &read.private).await;
    fine(&planned.diagnostics);
    assert_eq!(value(planned.planned_state.as_ref()), state);
    assert!(planned.requires_replace.is_empty());
    assert_eq!(without_decision(&planned.planned_private), read.private);
    assert!(planned.planned_identity == Some(identity_of([("id", "id-one")])));

    let larger = with(&config, [("size", text("large"))]);
    let updated = client.apply(&larger, &state, &read.private).await;
    fine(&updated.diagnostics);
    let state = value(updated.new_state.as_ref());
    assert_eq!(state.get("size"), &text("large"));
    assert_eq!(updated.private, read.private);
    assert!(updated.new_identity == read.new_identity);

    let destroyed = client.apply(&Value::Null, &state, &updated.private).await;
    fine(&destroyed.diagnostics);
    assert!(value(destroyed.new_state.as_ref()).is_null());
    assert!(destroyed.private.is_empty() && destroyed.new_identity.is_none());

    let read = client.read(&state, &updated.private).await;
    fine(&read.diagnostics);
    assert!(value(read.new_state.as_ref()).is_null());
    assert!(read.private.is_empty() && read.new_identity.is_none());
}

#[tokio::test]
async fn a_configuration_is_validated_by_schema_and_resource() {
    let client = Client::unconfigured();
    let validate = |config: Value, write_only| {
        client.validate_resource_config(proto::validate_resource_config::Request {
            type_name: THING.to_owned(),
            config: Some(dynamic(&config)),
            client_capabilities: Some(proto::ClientCapabilities {
                write_only_attributes_allowed: write_only,
                ..proto::ClientCapabilities::default()
            }),
        })
    };
    let config = thing([("name", text("one")), ("secret_wo", text("s3cr3t"))]);
    fine(&validate(config.clone(), true).await.diagnostics);
    let refused = validate(config.clone(), false).await;
    assert!(error(&refused.diagnostics).contains("secret_wo"));
    let invalid = validate(with(&config, [("behave", text("invalid"))]), true).await;
    assert!(error(&invalid.diagnostics).contains("Invalid thing"));
    let nameless = validate(thing([("name", text(""))]), true).await;
    let [diagnostic] = &nameless.diagnostics[..] else {
        panic!("one message");
    };
    assert!(diagnostic.attribute.is_some());
    let crashed = validate(with(&config, [("behave", text("panic_validate"))]), true).await;
    assert!(error(&crashed.diagnostics).contains("Provider crashed"));
}

#[tokio::test]
async fn a_replacement_is_planned_with_its_path() {
    let client = Client::new().await;
    let state = client.created(&thing([("name", text("one"))])).await;
    let config = thing([("name", text("two"))]);
    let planned = client.plan(&config, &state, b"").await;
    fine(&planned.diagnostics);
    assert_eq!(planned.requires_replace.len(), 1);
    let step = planned.requires_replace[0].steps[0].selector.clone();
    assert!(
        step == Some(proto::attribute_path::step::Selector::AttributeName(
            "name".to_owned()
        ))
    );
    assert_eq!(
        without_decision(&planned.planned_private),
        br#"{"note":"replaced"}"#
    );
    assert!(!planned.legacy_type_system && planned.deferred.is_none());

    // Terraform then plans the new object, with what came out of the old.
    let create = client
        .plan(&config, &Value::Null, &planned.planned_private)
        .await;
    fine(&create.diagnostics);
    assert_eq!(without_decision(&create.planned_private), b"{}");
    assert!(create.planned_identity.is_none() && create.requires_replace.is_empty());
    assert!(value(create.planned_state.as_ref()).get("id").is_unknown());
}

#[tokio::test]
async fn a_decision_goes_from_a_plan_to_its_apply_and_nowhere_else() {
    let client = Client::new().await;
    let state = client.created(&thing([("name", text("one"))])).await;
    let config = thing([("name", text("one")), ("size", text("large"))]);
    let planned = client.plan(&config, &state, br#"{"note":"n"}"#).await;
    fine(&planned.diagnostics);
    assert_eq!(
        planned.planned_private,
        br#"{"decision":"large","note":"n"}"#
    );

    // That of an update that failed is in the state: nobody gets to see it.
    let read = client.read(&state, &planned.planned_private).await;
    assert_eq!(read.private, planned.planned_private);
    let updated = client.apply(&config, &state, &read.private).await;
    fine(&updated.diagnostics);
    assert_eq!(updated.private, br#"{"note":"n"}"#);
}

#[tokio::test]
async fn a_plan_that_fails_is_an_error_of_ours() {
    let client = Client::new().await;
    for (behave, expected) in [
        ("impossible", "`name` differs from the configured value"),
        ("fail_plan", "No plan"),
        ("panic_plan", "Provider crashed"),
    ] {
        let config = thing([("name", text("one")), ("behave", text(behave))]);
        let planned = client.plan(&config, &Value::Null, b"").await;
        assert!(error(&planned.diagnostics).contains(expected), "{behave}");
    }
}

#[tokio::test]
async fn a_timeout_is_the_one_of_the_operation() {
    let client = Client::new().await;
    let Some(timeouts) = DEFINITION.schema.attribute("timeouts") else {
        panic!("no timeouts");
    };
    let super::super::schema::AttributeType::Object(operations) = timeouts.kind else {
        panic!("not an object");
    };
    let timeouts = object(
        operations,
        [("create", text("90m")), ("delete", text("2m"))],
    );
    let config = thing([("name", text("one")), ("timeouts", timeouts)]);
    let state = client.created(&config).await;
    let seen = state.get("seen").as_str().unwrap();
    assert!(seen.contains("minutes=90"), "{seen}");
    let state = with(&state, [("behave", text("half"))]);
    let kept = client.apply(&Value::Null, &state, b"").await;
    assert_eq!(error(&kept.diagnostics), "ERROR: It failed: On purpose.");
    assert_eq!(
        value(kept.new_state.as_ref()).get("seen"),
        &text("minutes=2")
    );
}

#[tokio::test]
async fn a_create_that_fails_leaves_what_the_resource_says() {
    let client = Client::new().await;
    for (behave, expected) in [
        ("fail", "It failed"),
        ("silent", "failed without a reason"),
        ("panic", "Provider crashed"),
    ] {
        let config = thing([("name", text("one")), ("behave", text(behave))]);
        let failed = client.apply(&config, &Value::Null, b"").await;
        assert!(error(&failed.diagnostics).contains(expected), "{behave}");
        assert!(value(failed.new_state.as_ref()).is_null());
    }

    let config = thing([("name", text("one")), ("behave", text("half"))]);
    let half = client.apply(&config, &Value::Null, b"").await;
    assert!(error(&half.diagnostics).contains("It failed"));
    let state = value(half.new_state.as_ref());
    assert_eq!(state.get("id"), &text("id-one"));
    assert_eq!(half.private, br#"{"note":"created"}"#);
    assert!(half.new_identity == Some(identity_of([("id", "id-one")])));
}

#[tokio::test]
async fn a_create_that_contradicts_its_plan_is_kept_with_a_warning() {
    let client = Client::new().await;
    let config = thing([("name", text("one")), ("behave", text("lie"))]);
    let created = client.apply(&config, &Value::Null, b"").await;
    let messages = messages(&created.diagnostics);
    assert_eq!(messages.len(), 1);
    assert!(messages[0].starts_with("WARNING: Created object differs"));
    assert!(messages[0].contains("`size`") && !messages[0].contains("s3cr3t"));
    let state = value(created.new_state.as_ref());
    assert_eq!(state.get("size"), &text("small"));
    assert_eq!(state.get("id"), &text("id-one"));
    // The next read shows the difference.
    let read = client.read(&state, &created.private).await;
    assert_eq!(value(read.new_state.as_ref()).get("size"), &text("s3cr3t"));
}

#[tokio::test]
async fn an_update_that_fails_keeps_what_was() {
    let client = Client::new().await;
    let state = client.created(&thing([("name", text("one"))])).await;
    for (behave, expected) in [
        ("fail", "It failed"),
        ("silent", "failed without a reason"),
        ("panic", "Provider crashed"),
    ] {
        let config = thing([("name", text("one")), ("behave", text(behave))]);
        let failed = client.apply(&config, &state, b"{\"a\":1}").await;
        assert!(error(&failed.diagnostics).contains(expected), "{behave}");
        assert_eq!(value(failed.new_state.as_ref()), state);
        assert_eq!(without_decision(&failed.private), b"{\"a\":1}");
        assert!(failed.new_identity == Some(identity_of([("id", "id-one")])));
    }
}

#[tokio::test]
async fn an_update_that_contradicts_its_plan_saves_the_truth_with_an_error() {
    let client = Client::new().await;
    let state = client.created(&thing([("name", text("one"))])).await;
    let config = thing([("name", text("one")), ("behave", text("lie"))]);
    let updated = client.apply(&config, &state, b"").await;
    let message = error(&updated.diagnostics);
    assert!(message.contains("Updated object differs") && message.contains("`size`"));
    let truth = value(updated.new_state.as_ref());
    assert_eq!(truth.get("size"), &text("huge"));

    let config = thing([("name", text("one")), ("behave", text("other"))]);
    let other = client.apply(&config, &state, b"").await;
    let messages = messages(&other.diagnostics);
    assert!(messages[0].contains("`id`"), "{messages:?}");
    assert!(messages[1].contains("identity"), "{messages:?}");
}

#[tokio::test]
async fn a_delete_that_fails_keeps_the_object() {
    let client = Client::new().await;
    let state = client.created(&thing([("name", text("one"))])).await;
    for (behave, expected) in [
        ("fail", "It failed"),
        ("silent", "failed without a reason"),
        ("panic", "Provider crashed"),
    ] {
        let state = with(&state, [("behave", text(behave))]);
        let failed = client.apply(&Value::Null, &state, b"{\"a\": 1}").await;
        assert!(error(&failed.diagnostics).contains(expected), "{behave}");
        assert_eq!(value(failed.new_state.as_ref()), state);
        assert_eq!(failed.private, b"{\"a\": 1}");
        assert!(failed.new_identity == Some(identity_of([("id", "id-one")])));
    }
}

#[tokio::test]
async fn a_read_that_fails_keeps_everything() {
    let client = Client::new().await;
    let state = client.created(&thing([("name", text("one"))])).await;
    for (behave, expected) in [
        ("fail", "It failed"),
        ("panic", "Provider crashed"),
        ("other", "changed the identity"),
    ] {
        let state = with(&state, [("behave", text(behave))]);
        let failed = client.read(&state, b"not json").await;
        assert!(error(&failed.diagnostics).contains(expected), "{behave}");
        assert_eq!(value(failed.new_state.as_ref()), state);
        assert_eq!(failed.private, b"not json");
        assert!(failed.new_identity == Some(identity_of([("id", "id-one")])));
    }
}

#[tokio::test]
async fn private_data_that_nobody_can_read_comes_back_as_it_was() {
    let client = Client::new().await;
    let state = client.created(&thing([("name", text("one"))])).await;
    let read = client.read(&state, b"from elsewhere").await;
    fine(&read.diagnostics);
    assert_eq!(read.private, b"from elsewhere");
}

#[tokio::test]
async fn an_import_names_one_object_that_read_completes() {
    let client = Client::new().await;
    client.created(&thing([("name", text("one"))])).await;
    let by_id = |id: &str| {
        client.import_resource_state(proto::import_resource_state::Request {
            type_name: THING.to_owned(),
            id: id.to_owned(),
            ..proto::import_resource_state::Request::default()
        })
    };
    let imported = by_id("id-one").await;
    fine(&imported.diagnostics);
    let [stub] = &imported.imported_resources[..] else {
        panic!("exactly one");
    };
    assert_eq!(stub.type_name, THING);
    assert!(stub.identity == Some(identity_of([("id", "id-one")])));
    let state = value(stub.state.as_ref());
    assert_eq!(state, thing([("id", text("id-one"))]));
    let read = client.read(&state, &stub.private).await;
    fine(&read.diagnostics);
    assert_eq!(value(read.new_state.as_ref()).get("name"), &text("one"));
    assert_eq!(read.private, br#"{"note":"imported"}"#);

    assert!(error(&by_id("one").await.diagnostics).contains("Invalid id"));
    assert!(error(&by_id("panic").await.diagnostics).contains("Provider crashed"));
    assert!(error(&by_id("").await.diagnostics).contains("names no object"));
}

#[tokio::test]
async fn an_import_by_identity_keeps_all_of_it() {
    let client = Client::new().await;
    let imported = client
        .import_resource_state(proto::import_resource_state::Request {
            type_name: THING.to_owned(),
            identity: Some(identity_of([("id", "id-one"), ("region", "here")])),
            ..proto::import_resource_state::Request::default()
        })
        .await;
    fine(&imported.diagnostics);
    let stub = &imported.imported_resources[0];
    assert!(stub.identity == Some(identity_of([("id", "id-one"), ("region", "here")])));
}

#[tokio::test]
async fn an_import_by_identity_may_spell_it_otherwise() {
    let client = Client::new().await;
    let imported = client
        .import_resource_state(proto::import_resource_state::Request {
            type_name: THING.to_owned(),
            identity: Some(identity_of([("id", "ID-ONE"), ("region", "here")])),
            ..proto::import_resource_state::Request::default()
        })
        .await;
    fine(&imported.diagnostics);
    let stub = &imported.imported_resources[0];
    assert!(stub.identity == Some(identity_of([("id", "id-one"), ("region", "here")])));
}

fn upgrade(version: i64, json: &str) -> proto::upgrade_resource_state::Request {
    proto::upgrade_resource_state::Request {
        type_name: THING.to_owned(),
        version,
        raw_state: Some(proto::RawState {
            json: json.as_bytes().to_vec(),
            flatmap: std::collections::HashMap::new(),
        }),
    }
}

#[tokio::test]
async fn a_stored_state_of_this_version_is_read_leniently() {
    let client = Client::unconfigured();
    let stored = r#"{"name": "one", "gone": true, "secret_wo": "s3cr3t", "revision": 3}"#;
    let upgraded = client.upgrade_resource_state(upgrade(2, stored)).await;
    fine(&upgraded.diagnostics);
    let state = value(upgraded.upgraded_state.as_ref());
    assert_eq!(state.get("name"), &text("one"));
    assert_eq!(state.get("secret_wo"), &Value::Null);
    assert_eq!(state.get("size"), &Value::Null);
}

#[tokio::test]
async fn a_stored_state_of_an_older_version_is_upgraded() {
    let client = Client::unconfigured();
    let upgraded = client
        .upgrade_resource_state(upgrade(1, r#"{"title": "one"}"#))
        .await;
    fine(&upgraded.diagnostics);
    let state = value(upgraded.upgraded_state.as_ref());
    assert_eq!(state, thing([("name", text("one"))]));
}

#[tokio::test]
async fn a_stored_state_that_cannot_be_read_is_an_error_and_never_null() {
    let client = Client::unconfigured();
    for (request, expected) in [
        (upgrade(2, "null"), "It is null"),
        (upgrade(2, r#"{"name": {"s3cr3t": 1}}"#), "`name`"),
        (upgrade(2, "s3cr3t"), "not JSON"),
        (upgrade(2, ""), "not JSON"),
        (upgrade(1, "[]"), "not an object"),
        (upgrade(1, "{}"), "no attribute `title`"),
        (upgrade(0, "{}"), "cannot upgrade that to 2"),
        (upgrade(3, "{}"), "knows 2 at most"),
    ] {
        let upgraded = client.upgrade_resource_state(request).await;
        let message = error(&upgraded.diagnostics);
        assert!(message.contains(expected), "{message}");
        assert!(upgraded.upgraded_state.is_none());
    }
    let mut ancient = upgrade(0, "");
    let raw_state = ancient.raw_state.as_mut().unwrap();
    raw_state.flatmap.insert("id".to_owned(), "1".to_owned());
    let upgraded = client.upgrade_resource_state(ancient).await;
    assert!(error(&upgraded.diagnostics).contains("before version 0.12"));
}

#[tokio::test]
async fn a_stored_identity_has_no_version() {
    let client = Client::unconfigured();
    let upgrade = |version, json: &str| {
        client.upgrade_resource_identity(proto::upgrade_resource_identity::Request {
            type_name: THING.to_owned(),
            version,
            raw_identity: Some(proto::RawState {
                json: json.as_bytes().to_vec(),
                flatmap: std::collections::HashMap::new(),
            }),
        })
    };
    let upgraded = upgrade(0, r#"{"id": "id-one", "more": 1}"#).await;
    fine(&upgraded.diagnostics);
    assert!(upgraded.upgraded_identity == Some(identity_of([("id", "id-one")])));
    assert!(error(&upgrade(1, r#"{"id": "id-one"}"#).await.diagnostics).contains("version 1"));
    assert!(error(&upgrade(0, "{").await.diagnostics).contains("not valid JSON"));
}

fn move_from(provider: &str, version: i64, json: &str) -> proto::move_resource_state::Request {
    proto::move_resource_state::Request {
        source_provider_address: provider.to_owned(),
        source_type_name: "other_thing".to_owned(),
        source_schema_version: version,
        source_state: Some(proto::RawState {
            json: json.as_bytes().to_vec(),
            flatmap: std::collections::HashMap::new(),
        }),
        source_private: b"{\"kept\": 1}".to_vec(),
        target_type_name: THING.to_owned(),
        ..proto::move_resource_state::Request::default()
    }
}

#[tokio::test]
async fn a_moved_object_is_one_of_ours_with_an_identity_and_without_write_only_values() {
    let client = Client::unconfigured();
    let source = r#"{"label": "one", "key": "id-one", "secret": "s3cr3t"}"#;
    for address in [
        "registry.terraform.io/acme/other",
        "mirror.example/Acme/other",
    ] {
        let moved = client
            .move_resource_state(move_from(address, 3, source))
            .await;
        fine(&moved.diagnostics);
        let state = value(moved.target_state.as_ref());
        assert_eq!(state.get("name").as_str(), Some("one"));
        assert!(state.get("secret_wo").is_null() && state.get("size").is_null());
        assert!(moved.target_identity == Some(identity_of([("id", "id-one")])));
        assert!(moved.target_private.is_empty());
    }
}

#[tokio::test]
async fn a_move_that_is_not_possible_names_what_was_asked_for_and_what_is() {
    let client = Client::unconfigured();
    let good = r#"{"label": "one", "key": "id-one"}"#;
    let ours = "registry.terraform.io/acme/other";
    for (request, expected) in [
        (
            move_from("registry.terraform.io/x/y", 3, good),
            "`other_thing` of `acme/other`",
        ),
        (move_from(ours, 2, good), "schema version 2"),
        (move_from(ours, 3, "{"), "not JSON"),
        (
            move_from(ours, 3, r#"{"key": "s3cr3t"}"#),
            "no attribute `label`",
        ),
    ] {
        let asked = request.source_provider_address.clone();
        let moved = client.move_resource_state(request).await;
        let message = error(&moved.diagnostics);
        for part in [&asked, "`other_thing`", "`sample_thing`", expected] {
            assert!(message.contains(part), "{message}");
        }
        assert!(moved.target_state.is_none());
    }
}

#[tokio::test]
async fn a_generated_configuration_holds_what_can_be_configured() {
    let client = Client::new().await;
    let state = client
        .created(&thing([
            ("name", text("one")),
            ("tags", Value::Set(vec![])),
            ("behave", text("")),
            ("old", text("uno")),
        ]))
        .await;
    let generated = client
        .generate_resource_config(proto::generate_resource_config::Request {
            type_name: THING.to_owned(),
            state: Some(dynamic(&state)),
        })
        .await;
    fine(&generated.diagnostics);
    let expected = thing([
        ("name", text("one")),
        ("size", text("small")),
        ("tags", Value::Set(vec![])),
    ]);
    assert_eq!(value(generated.config.as_ref()), expected);
}

// -- requests that nobody should send -----------------------------------------

#[tokio::test]
async fn an_empty_request_is_answered_with_an_error() {
    let client = Client::new().await;
    macro_rules! empty {
        ($($method:ident),+ $(,)?) => {
            $(error(&client.$method(Default::default()).await.diagnostics);)+
        };
    }
    empty!(
        validate_provider_config,
        configure_provider,
        validate_resource_config,
        upgrade_resource_state,
        upgrade_resource_identity,
        read_resource,
        plan_resource_change,
        apply_resource_change,
        import_resource_state,
        move_resource_state,
        generate_resource_config,
        validate_data_resource_config,
        read_data_source,
        validate_ephemeral_resource_config,
        open_ephemeral_resource,
        renew_ephemeral_resource,
        close_ephemeral_resource,
        validate_list_resource_config,
        validate_action_config,
        plan_action,
    );
}

#[tokio::test]
async fn a_request_without_its_values_is_answered_with_an_error() {
    let client = Client::new().await;
    let type_name = THING.to_owned();
    let missing = "cannot read. It is missing.";
    let read = client
        .read_resource(proto::read_resource::Request {
            type_name: type_name.clone(),
            ..proto::read_resource::Request::default()
        })
        .await;
    assert!(error(&read.diagnostics).contains(missing));
    let planned = client
        .plan_resource_change(proto::plan_resource_change::Request {
            type_name: type_name.clone(),
            ..proto::plan_resource_change::Request::default()
        })
        .await;
    assert!(error(&planned.diagnostics).contains(missing));
    let applied = client
        .apply_resource_change(proto::apply_resource_change::Request {
            type_name: type_name.clone(),
            ..proto::apply_resource_change::Request::default()
        })
        .await;
    assert!(error(&applied.diagnostics).contains(missing));
    let upgraded = client
        .upgrade_resource_state(proto::upgrade_resource_state::Request {
            type_name: type_name.clone(),
            ..proto::upgrade_resource_state::Request::default()
        })
        .await;
    assert!(error(&upgraded.diagnostics).contains(missing));
    let validated = client
        .validate_resource_config(proto::validate_resource_config::Request {
            type_name,
            ..proto::validate_resource_config::Request::default()
        })
        .await;
    assert!(error(&validated.diagnostics).contains(missing));
    // Nothing before and nothing after is nothing to do.
    let planned = client.plan(&Value::Null, &Value::Null, b"").await;
    assert!(error(&planned.diagnostics).contains("It is null"));
}

#[tokio::test]
async fn broken_bytes_are_an_error_that_quotes_nothing() {
    let client = Client::new().await;
    let state = proto::DynamicValue {
        msgpack: b"\xa6s3cr3t".to_vec(),
        json: Vec::new(),
    };
    let read = client
        .read_resource(proto::read_resource::Request {
            type_name: THING.to_owned(),
            current_state: Some(state.clone()),
            ..proto::read_resource::Request::default()
        })
        .await;
    assert!(error(&read.diagnostics).contains("`current_state`"));
    assert!(read.new_state == Some(state.clone()));
    let applied = client
        .apply_resource_change(proto::apply_resource_change::Request {
            type_name: THING.to_owned(),
            prior_state: Some(state.clone()),
            planned_state: Some(state.clone()),
            config: Some(state.clone()),
            ..proto::apply_resource_change::Request::default()
        })
        .await;
    assert!(error(&applied.diagnostics).contains("`prior_state`"));
    assert!(applied.new_state == Some(state));
}

#[tokio::test]
async fn a_number_that_nobody_can_work_with_is_to_blame_itself() {
    let client = Client::unconfigured();
    let config = |revision: &str| proto::generate_resource_config::Request {
        type_name: THING.to_owned(),
        state: Some(proto::DynamicValue {
            msgpack: Vec::new(),
            json: format!(
                r#"{{"name": "a", "behave": null, "size": null, "tags": null, "secret_wo": null,
                "old": null, "access": null, "timeouts": null, "id": null, "seen": null,
                "revision": {revision}}}"#
            )
            .into_bytes(),
        }),
    };
    fine(
        &client
            .generate_resource_config(config("1e400"))
            .await
            .diagnostics,
    );
    let refused = client.generate_resource_config(config("1e5000")).await;
    let message = error(&refused.diagnostics);
    assert!(
        message.contains("`revision`: This number has more than 4096 digits"),
        "{message}"
    );
    assert!(!message.contains("init -upgrade"), "{message}");
    assert!(refused.diagnostics[0].attribute.is_some());
}

#[tokio::test]
async fn a_value_in_json_is_as_good_as_one_in_msgpack() {
    let client = Client::unconfigured();
    let validated = client
        .validate_provider_config(proto::validate_provider_config::Request {
            config: Some(proto::DynamicValue {
                msgpack: Vec::new(),
                json: br#"{"region": "nowhere", "key": null}"#.to_vec(),
            }),
        })
        .await;
    assert!(error(&validated.diagnostics).contains("Invalid region"));
}

#[tokio::test]
async fn what_the_provider_does_not_have_is_named() {
    let client = Client::new().await;
    let read = client
        .read_resource(proto::read_resource::Request {
            type_name: "sample_other".to_owned(),
            current_state: Some(dynamic(&thing([]))),
            ..proto::read_resource::Request::default()
        })
        .await;
    assert!(error(&read.diagnostics).contains("no resource `sample_other`"));
    assert_eq!(value(read.new_state.as_ref()), thing([]));

    let data = client
        .read_data_source(proto::read_data_source::Request {
            type_name: "sample_x".to_owned(),
            ..proto::read_data_source::Request::default()
        })
        .await;
    assert!(error(&data.diagnostics).contains("The provider has no data source `sample_x`"));

    let called = client
        .call_function(proto::call_function::Request {
            name: "x".to_owned(),
            arguments: Vec::new(),
        })
        .await;
    assert!(called.result.is_none());
    assert!(called.error.unwrap().text.contains("no function `x`"));
}

#[tokio::test]
async fn streams_end_with_the_event_that_says_why() {
    let Client(server) = Client::new().await;
    let request = Request::new(proto::list_resource::Request::default());
    let events = server.list_resource(request).await.unwrap().into_inner();
    let events: Vec<_> = events.collect().await;
    assert_eq!(events.len(), 1);
    error(&events[0].as_ref().ok().unwrap().diagnostic);

    let request = Request::new(proto::invoke_action::Request::default());
    let events = server.invoke_action(request).await.unwrap().into_inner();
    let events: Vec<_> = events.collect().await;
    assert_eq!(events.len(), 1);
    let Ok(proto::invoke_action::Event {
        r#type: Some(proto::invoke_action::event::Type::Completed(completed)),
    }) = &events[0]
    else {
        panic!("not the end");
    };
    error(&completed.diagnostics);
}

// -- logs ---------------------------------------------------------------------

#[tokio::test]
async fn a_call_is_logged_by_name_and_number_without_values() {
    use tracing::instrument::WithSubscriber as _;

    let log = log::Log::default();
    // With only one dispatcher in the process, a callsite that another test
    // reaches first would be switched off for this one, too.
    let _second = tracing::Dispatch::new(log::Log::default().subscriber());
    let config = thing([
        ("name", text("n4me")),
        ("behave", text("fail")),
        ("secret_wo", text("s3cr3t")),
    ]);
    let client = Client::new().await;
    client
        .apply(&config, &Value::Null, b"pr1vate")
        .with_subscriber(log.subscriber())
        .await;
    let text = log.text();
    for part in [
        "tf_rpc=ApplyResourceChange",
        "tf_req_id=",
        "tf_resource_type=sample_thing",
        "tf_proto_version=6.11",
        "tf_req_duration_ms=",
        "diagnostic_error_count=1",
        "diagnostic_warning_count=0",
        "diagnostic_summary=It failed",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for value in ["n4me", "s3cr3t", "pr1vate", "On purpose"] {
        assert!(!text.contains(value), "{value} in {text}");
    }
}

mod log {
    //! Everything that is logged, as text.

    use std::fmt::{Debug, Write as _};
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
    use tracing_subscriber::registry::LookupSpan;

    #[derive(Clone, Default)]
    pub(super) struct Log(Arc<Mutex<String>>);

    impl Log {
        pub(super) fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
            tracing_subscriber::registry().with(self.clone())
        }

        pub(super) fn text(&self) -> String {
            self.0.lock().unwrap().clone()
        }
    }

    struct Fields<'a>(&'a mut String);

    impl Visit for Fields<'_> {
        fn record_str(&mut self, field: &Field, value: &str) {
            writeln!(self.0, "{}={value}", field.name()).unwrap();
        }

        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            writeln!(self.0, "{}={value:?}", field.name()).unwrap();
        }
    }

    impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
        fn on_new_span(
            &self,
            attributes: &tracing::span::Attributes<'_>,
            _: &tracing::span::Id,
            _: Context<'_, S>,
        ) {
            attributes.record(&mut Fields(&mut self.0.lock().unwrap()));
        }

        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            event.record(&mut Fields(&mut self.0.lock().unwrap()));
        }
    }
}
