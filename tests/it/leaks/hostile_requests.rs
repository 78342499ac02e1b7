//! Malformed and hostile messages to the real provider process: each is answered
//! by a diagnostic, never by a broken connection, and afterwards the same
//! process still works.

use std::collections::HashMap;

use serde_json::json;
use terraform_stand_in::proto::plugin::ConnInfo;
use terraform_stand_in::proto::tfplugin6 as proto;
use terraform_stand_in::proto::tfplugin6::DynamicValue;
use tonic::Response;

use crate::support::core::diagnostics::Diags;
use crate::support::core::session::Session;
use crate::support::core::{Core, Resource};
use crate::support::world::World;

/// More than a hostile message may make the process hold, in KiB.
const MOST_MEMORY: u64 = 300 * 1024;

fn msgpack(bytes: impl Into<Vec<u8>>) -> DynamicValue {
    DynamicValue {
        msgpack: bytes.into(),
        json: Vec::new(),
    }
}

fn json_text(text: impl Into<Vec<u8>>) -> DynamicValue {
    DynamicValue {
        msgpack: Vec::new(),
        json: text.into(),
    }
}

/// Values that are no object of any schema.
fn hostile_values() -> Vec<(&'static str, Option<DynamicValue>)> {
    let declares = |marker: u8| [&[marker][..], &[0xff; 4], &[0xc0; 64]].concat();
    let mut deep_map = Vec::new();
    for _ in 0..50_000 {
        deep_map.extend(b"\x81\xa1a");
    }
    vec![
        ("absent", None),
        ("empty", Some(DynamicValue::default())),
        ("null", Some(msgpack([0xc0]))),
        ("unknown", Some(msgpack([0xd4, 0, 0]))),
        ("a text", Some(msgpack(*b"\xa6hidden"))),
        ("a number", Some(msgpack([0x07]))),
        ("an object without attributes", Some(msgpack([0x80]))),
        ("another object", Some(msgpack(*b"\x81\xa4name\xa1x"))),
        ("a key that is no text", Some(msgpack([0x81, 0x01, 0xc0]))),
        (
            "text that is not UTF-8",
            Some(msgpack([0x81, 0xa2, 0xff, 0xfe, 0xc0])),
        ),
        ("a marker that does not exist", Some(msgpack([0xc1]))),
        ("a map of 4 billion entries", Some(msgpack(declares(0xdf)))),
        (
            "an array of 4 billion elements",
            Some(msgpack(declares(0xdd))),
        ),
        ("a text of 4 GiB", Some(msgpack(declares(0xdb)))),
        ("an extension of 4 GiB", Some(msgpack(declares(0xc9)))),
        (
            "50,000 arrays in each other",
            Some(msgpack(vec![0x91; 50_000])),
        ),
        ("50,000 maps in each other", Some(msgpack(deep_map))),
        ("8 MiB of nulls", Some(msgpack(vec![0xc0; 8 << 20]))),
        ("8 MiB of noise", Some(msgpack(noise(8 << 20)))),
        ("JSON that breaks off", Some(json_text("{\"name\":"))),
        ("JSON of something else", Some(json_text("[1,2,3]"))),
        (
            "JSON with a huge number",
            Some(json_text("{\"name\":1e999999999}")),
        ),
        (
            "JSON nested 100,000 times",
            Some(json_text("[".repeat(100_000))),
        ),
        ("8 MiB of JSON", Some(json_text("[0,".repeat(2 << 20)))),
    ]
}

/// The same bytes every time.
fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(4711);
    std::iter::repeat_with(|| random.u8(..))
        .take(length)
        .collect()
}

fn type_names() -> [String; 5] {
    [
        "sapcalm_destination".to_owned(),
        "sapcalm_registration".to_owned(),
        String::new(),
        "aws_instance\0\n\"`".to_owned(),
        "x".repeat(1 << 20),
    ]
}

/// Calls one method and returns its messages; fails the test when there is no
/// answer.
macro_rules! answer {
    ($session:expr, $what:expr, $method:ident($request:expr)) => {{
        let mut broken = Diags::default();
        let request = $request;
        let answered = $session
            .call(
                stringify!($method),
                "hostile",
                &mut broken,
                |mut client| async move { client.$method(request).await },
            )
            .await;
        match answered {
            Some(answer) => answer,
            None => panic!("{} answered {} with {broken}", stringify!($method), $what),
        }
    }};
}

/// As `answer!`, for methods with `diagnostics`, among which an error must be.
macro_rules! refused {
    ($session:expr, $what:expr, $($method:ident($request:expr)),+ $(,)?) => {$(
        let answer = answer!($session, $what, $method($request));
        assert_error(stringify!($method), $what, &answer.diagnostics);
    )+};
}

#[track_caller]
fn assert_error(method: &str, what: &str, diagnostics: &[proto::Diagnostic]) {
    let is_error = |one: &proto::Diagnostic| one.severity() == proto::diagnostic::Severity::Error;
    assert!(diagnostics.iter().any(is_error), "{method} accepted {what}");
    for diagnostic in diagnostics {
        assert!(!diagnostic.summary.is_empty() && !diagnostic.detail.is_empty());
        let text = format!("{}{}", diagnostic.summary, diagnostic.detail);
        assert!(!text.contains("hidden"), "{method} quotes {what}: {text}");
        assert!(
            !text.contains("crashed"),
            "{method} crashed at {what}: {text}"
        );
    }
}

async fn attack(session: &Session, what: &str, value: Option<&DynamicValue>, ty: &str) {
    attack_resources(session, what, value, ty).await;
    attack_others(session, what, value, ty).await;
}

async fn attack_resources(session: &Session, what: &str, value: Option<&DynamicValue>, ty: &str) {
    let value = || value.cloned();
    let type_name = || ty.to_owned();
    let identity = || {
        Some(proto::ResourceIdentityData {
            identity_data: value(),
        })
    };
    let raw = value().map(|value| proto::RawState {
        json: [value.msgpack, value.json].concat(),
        flatmap: HashMap::new(),
    });
    refused!(
        session,
        what,
        validate_resource_config(proto::validate_resource_config::Request {
            type_name: type_name(),
            config: value(),
            ..Default::default()
        }),
        upgrade_resource_state(proto::upgrade_resource_state::Request {
            type_name: type_name(),
            version: i64::MIN,
            raw_state: raw.clone(),
        }),
        read_resource(proto::read_resource::Request {
            type_name: type_name(),
            current_state: value(),
            private: noise(1000),
            current_identity: identity(),
            ..Default::default()
        }),
        plan_resource_change(proto::plan_resource_change::Request {
            type_name: type_name(),
            prior_state: value(),
            proposed_new_state: value(),
            config: value(),
            prior_private: noise(1000),
            prior_identity: identity(),
            ..Default::default()
        }),
        apply_resource_change(proto::apply_resource_change::Request {
            type_name: type_name(),
            prior_state: value(),
            planned_state: value(),
            config: value(),
            planned_private: noise(1000),
            planned_identity: identity(),
            ..Default::default()
        }),
        import_resource_state(proto::import_resource_state::Request {
            type_name: type_name(),
            id: String::new(),
            identity: identity(),
            ..Default::default()
        }),
        move_resource_state(proto::move_resource_state::Request {
            target_type_name: type_name(),
            source_type_name: "other_thing".to_owned(),
            source_state: raw.clone(),
            ..Default::default()
        }),
        generate_resource_config(proto::generate_resource_config::Request {
            type_name: type_name(),
            state: value(),
        }),
    );
}

async fn attack_others(session: &Session, what: &str, value: Option<&DynamicValue>, ty: &str) {
    let value = || value.cloned();
    let type_name = || ty.to_owned();
    refused!(
        session,
        what,
        validate_data_resource_config(proto::validate_data_resource_config::Request {
            type_name: type_name(),
            config: value(),
        }),
        read_data_source(proto::read_data_source::Request {
            type_name: type_name(),
            config: value(),
            ..Default::default()
        }),
        open_ephemeral_resource(proto::open_ephemeral_resource::Request {
            type_name: type_name(),
            config: value(),
            ..Default::default()
        }),
        validate_ephemeral_resource_config(proto::validate_ephemeral_resource_config::Request {
            type_name: type_name(),
            config: value(),
        }),
        renew_ephemeral_resource(proto::renew_ephemeral_resource::Request {
            type_name: type_name(),
            private: Some(noise(1000)),
        }),
        close_ephemeral_resource(proto::close_ephemeral_resource::Request {
            type_name: type_name(),
            private: Some(noise(1000)),
        }),
        validate_list_resource_config(proto::validate_list_resource_config::Request {
            type_name: type_name(),
            config: value(),
            ..Default::default()
        }),
        validate_action_config(proto::validate_action_config::Request {
            type_name: type_name(),
            config: value(),
        }),
        plan_action(proto::plan_action::Request {
            action_type: type_name(),
            config: value(),
            ..Default::default()
        }),
    );
    let called = answer!(
        session,
        what,
        call_function(proto::call_function::Request {
            name: type_name(),
            arguments: value().into_iter().cycle().take(3).collect(),
        })
    );
    assert!(called.error.is_some(), "a function accepted {what}");
    let mut listed = answer!(
        session,
        what,
        list_resource(proto::list_resource::Request {
            type_name: type_name(),
            config: value(),
            ..Default::default()
        })
    );
    let event = listed.message().await.unwrap().unwrap();
    assert_error("ListResource", what, &event.diagnostic);
    let mut invoked = answer!(
        session,
        what,
        invoke_action(proto::invoke_action::Request {
            action_type: type_name(),
            config: value(),
            ..Default::default()
        })
    );
    assert!(invoked.message().await.unwrap().is_some());
}

/// The largest memory that the process ever had, in KiB, where the system tells.
fn peak_memory(session: &Session) -> Option<u64> {
    let pid = session.process()?.pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_messages_end_in_a_diagnostic_and_the_provider_goes_on() {
    let world = World::documented().await;
    let mut tf = Core::start(&[("TF_LOG", "TRACE")]).await;
    tf.configure(world.provider());
    let mut session = tf.configured_session().await;
    for (what, value) in hostile_values() {
        for ty in type_names() {
            // Megabytes times megabytes prove nothing more.
            let length = value
                .as_ref()
                .map_or(0, |one| one.msgpack.len() + one.json.len());
            let is_of_ours = ty.starts_with("sapcalm_");
            if length > 1 << 20 && !is_of_ours || length > 2 && ty.len() > 1000 {
                continue;
            }
            attack(&session, what, value.as_ref(), &ty).await;
        }
    }
    if let Some(peak) = peak_memory(&session) {
        println!("peak memory of the provider: {peak} KiB");
        assert!(peak < MOST_MEMORY, "{peak} KiB");
    }

    // The provider block last: a failed configuration counts.
    for (what, value) in hostile_values() {
        refused!(
            &session,
            what,
            validate_provider_config(proto::validate_provider_config::Request {
                config: value.clone(),
            }),
            configure_provider(proto::configure_provider::Request {
                terraform_version: "x".repeat(1 << 16),
                config: value,
                ..Default::default()
            }),
        );
    }

    // The same process does its work.
    let mut diags = Diags::default();
    session.configure(&world.provider(), &mut diags).await;
    assert!(!diags.has_errors(), "{diags}");
    assert!(session.load_schema(&mut diags).await.is_some());
    session.close().await;
    let log = tf.log();
    assert!(!log.contains("panic"), "{log}");
    let resources = [Resource::new("sapcalm_destination", "cloud_alm", json!({}))];
    tf.apply(&resources).await.ok();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_message_at_all_leave_the_provider_unharmed() {
    let mut tf = Core::start(&[]).await;
    let session = tf.session().await;
    for method in [
        "ReadResource",
        "ApplyResourceChange",
        "ConfigureProvider",
        "Nothing",
    ] {
        // Its first field is a number, where all requests have a text or a value.
        let wrong = ConnInfo {
            service_id: u32::MAX,
            network: "hidden".to_owned(),
            ..ConnInfo::default()
        };
        let codec = tonic_prost::ProstCodec::<ConnInfo, proto::read_resource::Response>::default();
        let path = http::uri::PathAndQuery::try_from(format!("/tfplugin6.Provider/{method}"));
        let mut client = tonic::client::Grpc::new(session.channel());
        client.ready().await.unwrap();
        let answer: Result<Response<_>, _> = client
            .unary(tonic::Request::new(wrong), path.unwrap(), codec)
            .await;
        // gRPC itself refuses it, before there is a request to answer.
        let status = answer.err().unwrap();
        assert!(!status.message().contains("hidden"), "{status}");
    }
    let mut diags = Diags::default();
    assert!(session.load_schema(&mut diags).await.is_some(), "{diags}");
    session.close().await;
}
