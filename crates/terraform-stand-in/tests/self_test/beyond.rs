//! What the stand-in can do and Terraform 1.11 cannot show: newer and older
//! releases, rules that are stricter than core's, schemas, and processes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::json;
use terraform_stand_in::proto::tfplugin6 as proto;

use super::cases::{full, thing};
use crate::fake_provider::{Answer, Call, FakeProvider, THING, identity_schemas, schema_answer};
use terraform_stand_in::process::{Launch, Process};
use terraform_stand_in::schema::ProviderSchema;
use terraform_stand_in::value::Val;
use terraform_stand_in::{Action, Core, Release, Resource};

fn other_identity(answer: &mut Answer) {
    answer.identity = Val::Object([("id".to_owned(), Val::string("other"))].into());
}

#[tokio::test]
async fn identity_must_be_there_known_and_always_the_same() {
    type Spoil = fn(&Call, &mut Answer);
    let on_create: [(&str, Spoil); 2] = [
        ("missing after create", |call, answer| {
            if call.method == "ApplyResourceChange" {
                answer.identity = Val::Null;
            }
        }),
        ("unknown after create", |call, answer| {
            if call.method == "ApplyResourceChange" {
                answer.identity.put("id", Val::Unknown);
            }
        }),
    ];
    let on_update: [(&str, Spoil); 4] = [
        ("missing after read", |call, answer| {
            if call.method == "ReadResource" {
                answer.identity = Val::Null;
            }
        }),
        ("changed by read", |call, answer| {
            if call.method == "ReadResource" {
                other_identity(answer);
            }
        }),
        ("unknown in the plan of an update", |call, answer| {
            if call.method == "PlanResourceChange" {
                answer.identity.put("id", Val::Unknown);
            }
        }),
        ("changed by update", |call, answer| {
            if call.method == "ApplyResourceChange" {
                other_identity(answer);
            }
        }),
    ];
    let all = on_create
        .iter()
        .map(|case| (false, case))
        .chain(on_update.iter().map(|case| (true, case)));
    for (exists, (name, spoil)) in all {
        let provider = FakeProvider::serve();
        let mut tf = Core::connect(provider.socket()).await;
        if exists {
            let _ = tf.apply_one(THING, "a", full()).await.ok();
        }
        let spoil = *spoil;
        provider.spoil(Arc::new(spoil));
        let outcome = tf
            .apply_one(THING, "a", json!({"name": "a", "size": 3}))
            .await;
        let summaries = outcome.diags.error_summaries();
        assert_eq!(
            summaries,
            ["Provider produced invalid identity"],
            "{name}: {}",
            outcome.diags
        );
    }
}

#[tokio::test]
async fn same_call_must_get_the_same_answer() {
    for method in ["PlanResourceChange", "ReadResource"] {
        let provider = FakeProvider::serve();
        let mut tf = Core::connect(provider.socket()).await;
        tf.repeat_calls(true);
        let _ = tf.apply_one(THING, "a", full()).await.ok();
        let count = std::sync::atomic::AtomicU32::new(0);
        provider.spoil(Arc::new(move |call, answer| {
            if call.method == method {
                let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                answer.private = n.to_string().into_bytes();
            }
        }));
        let outcome = tf.plan_one(THING, "a", full()).await;
        let summaries = outcome.diags.error_summaries();
        assert_eq!(
            summaries,
            ["Provider answered the same call differently"],
            "{method}"
        );
    }
}

#[tokio::test]
async fn each_release_sends_the_capabilities_that_it_has() {
    let all = [
        (Release::V1_5, "(no capabilities)"),
        (Release::V1_10, "()"),
        (Release::V1_11, "(write-only)"),
        (Release::V1_12, "(write-only)"),
        (Release::V1_14, "(write-only)"),
        (
            Release::V1_16,
            "(write-only planned-private computed-blocks)",
        ),
    ];
    for (release, capabilities) in all {
        let provider = FakeProvider::serve();
        let mut tf = Core::connect(provider.socket()).await;
        tf.release(release);
        let _ = tf.plan_one(THING, "a", json!({"name": "a"})).await.ok();
        let requests = provider.take_requests();
        let told = requests
            .iter()
            .filter(|request| request.starts_with("PlanResourceChange"));
        for request in told {
            assert!(
                request.contains(&format!("Change {capabilities} prior")),
                "{release:?}: {request}"
            );
        }
        assert_eq!(
            tf.calls()
                .contains(&"GetResourceIdentitySchemas".to_owned()),
            release.knows_identity()
        );
    }
}

#[tokio::test]
async fn client_without_write_only_attributes_takes_them_for_ordinary_ones() {
    let provider = FakeProvider::serve();
    let mut tf = Core::connect(provider.socket()).await;
    tf.release(Release::V1_10);
    let outcome = tf
        .plan_one(THING, "a", json!({"name": "a", "secret_wo": "w"}))
        .await;
    let summaries = outcome.diags.error_summaries();
    assert_eq!(summaries, ["Provider produced invalid plan"]);
}

#[tokio::test]
async fn deposed_object_is_destroyed_by_the_next_apply() {
    let provider = FakeProvider::serve();
    let mut tf = Core::connect(provider.socket()).await;
    let resource =
        |name: &str| [Resource::new(THING, "a", json!({"name": name})).create_before_destroy()];
    let _ = tf.apply(&resource("a")).await.ok();
    provider.spoil(Arc::new(|call, answer| {
        if call.method == "ApplyResourceChange" && call.is_delete() {
            answer.errors.push("Broken on purpose");
            answer.state = call.prior.clone();
        }
    }));
    let _ = tf
        .apply(&resource("b"))
        .await
        .fails_with("Broken on purpose");
    assert_eq!(tf.state.deposed.len(), 1);
    assert_eq!(tf.object("broken_thing.a")["id"], "thing-b");
    provider.behave();
    let outcome = tf.apply(&resource("b")).await.ok();
    assert_eq!(outcome.action("broken_thing.a"), Action::NoOp);
    assert!(tf.state.deposed.is_empty());
    tf.assert_empty_plan(&resource("b")).await;
}

#[tokio::test]
async fn tainted_object_is_replaced() {
    let provider = FakeProvider::serve();
    let mut tf = Core::connect(provider.socket()).await;
    let _ = tf.apply(&[thing(full())]).await.ok();
    tf.taint("broken_thing.a");
    let plan = tf.plan(&[thing(full())]).await.ok();
    assert_eq!(plan.action("broken_thing.a"), Action::Replace);
    let _ = tf.apply(&[thing(full())]).await.ok();
    tf.assert_empty_plan(&[thing(full())]).await;
}

/// The fake provider's thing with one attribute more.
fn with_attribute(attribute: proto::schema::Attribute) -> proto::get_provider_schema::Response {
    let mut answer = schema_answer();
    let thing = answer.resource_schemas.get_mut(THING).unwrap();
    thing.block.as_mut().unwrap().attributes.push(attribute);
    answer
}

fn optional_text() -> proto::schema::Attribute {
    proto::schema::Attribute {
        name: "extra".to_owned(),
        r#type: b"\"string\"".to_vec(),
        optional: true,
        ..Default::default()
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn schema_faults_are_found() {
    let load = |answer| ProviderSchema::from_proto(answer, identity_schemas()).map(|_| ());
    assert_eq!(load(schema_answer()), Ok(()));
    assert_eq!(load(with_attribute(optional_text())), Ok(()));
    let object = proto::schema::Object {
        nesting: 1,
        ..Default::default()
    };
    let set_of = |attribute| proto::schema::Object {
        nesting: proto::schema::object::NestingMode::Set.into(),
        attributes: vec![attribute],
        ..Default::default()
    };
    let nested_set = |attribute| proto::schema::Attribute {
        r#type: Vec::new(),
        nested_type: Some(set_of(attribute)),
        ..optional_text()
    };
    let faults = [
        (
            "both kinds of type",
            proto::schema::Attribute {
                nested_type: Some(object),
                ..optional_text()
            },
        ),
        (
            "no type",
            proto::schema::Attribute {
                r#type: Vec::new(),
                ..optional_text()
            },
        ),
        (
            "not a type",
            proto::schema::Attribute {
                r#type: b"\"text\"".to_vec(),
                ..optional_text()
            },
        ),
        (
            "neither required nor optional nor computed",
            proto::schema::Attribute {
                optional: false,
                ..optional_text()
            },
        ),
        (
            "required and optional",
            proto::schema::Attribute {
                required: true,
                ..optional_text()
            },
        ),
        (
            "required and computed",
            proto::schema::Attribute {
                optional: false,
                required: true,
                computed: true,
                ..optional_text()
            },
        ),
        (
            "a name twice",
            proto::schema::Attribute {
                name: "size".to_owned(),
                ..optional_text()
            },
        ),
        (
            "name of a block",
            proto::schema::Attribute {
                name: "rule".to_owned(),
                ..optional_text()
            },
        ),
        (
            "a name with a dash",
            proto::schema::Attribute {
                name: "a-b".to_owned(),
                ..optional_text()
            },
        ),
        (
            "a message without deprecation",
            proto::schema::Attribute {
                deprecation_message: "old".to_owned(),
                ..optional_text()
            },
        ),
        (
            "computed and write-only",
            proto::schema::Attribute {
                computed: true,
                write_only: true,
                ..optional_text()
            },
        ),
        (
            "a set of dynamic values",
            proto::schema::Attribute {
                r#type: br#"["set","dynamic"]"#.to_vec(),
                ..optional_text()
            },
        ),
        (
            "write-only inside a set",
            nested_set(proto::schema::Attribute {
                write_only: true,
                ..optional_text()
            }),
        ),
    ];
    for (name, attribute) in faults {
        assert!(
            load(with_attribute(attribute)).is_err(),
            "{name} is not found"
        );
    }
    let mut no_provider = schema_answer();
    no_provider.provider = None;
    assert_eq!(load(no_provider), Err("missing provider schema".to_owned()));
}

/// Written by another process: a file that this one has open for writing, and
/// every process that is started meanwhile, cannot be executed.
fn write_script(path: &Path, script: &str) {
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod +x \"$2\"";
    let status = Command::new("sh")
        .args(["-c", write, "sh", script])
        .arg(path)
        .status();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn process_that_is_no_provider_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (script, error) in [
        ("echo hello", "Unrecognized remote plugin message"),
        ("echo oops >&2; exit 1", "oops"),
        ("echo '1|5|unix|/tmp/s|grpc|'", "incompatible API version"),
        (
            "echo '1|6|unix|/tmp/s|grpc|'",
            "TLS was not what was asked for",
        ),
    ] {
        let program = directory.path().join("plugin");
        write_script(&program, script);
        let launch = Launch::new(program, &[]);
        let found = Process::start(&launch).await.map(|process| process.pid());
        assert!(
            found.as_ref().is_err_and(|found| found.contains(error)),
            "{script}: {found:?}"
        );
    }
}
