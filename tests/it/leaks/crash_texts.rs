//! A panic with a secret in its hands: neither the provider's log nor its
//! answer nor the process's output shows it.
//!
//! The crashing provider runs in a process of its own, which is this test once
//! more: panics print to the real stderr there, as in the provider binary.

use std::process::Command;

use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::Diagnostics;
use framework::plugin::logging;
use framework::proto::tfplugin6 as proto;
use framework::proto::tfplugin6::provider_server::Provider as Protocol;
use framework::provider::Provider;
use framework::resource::DynResource;
use framework::schema::{Attribute, Schema};
use framework::server::Server;
use framework::value::Value;
use framework::wire::msgpack;

const SECRET: &str = "canary-in-a-crash";
const VARIABLE: &str = "SAPCALM_TEST_CRASH";

static SCHEMA: Schema = Schema::new(
    0,
    "A provider that crashes.",
    &[Attribute::string("key").sensitive().describe("Key.")],
);

/// Panics with what it was given.
struct Crashing;

impl Crashing {
    fn crash(config: &Value) -> ! {
        let key = config.get("key").as_str().unwrap().to_owned();
        panic!("the key {key:?} is no number")
    }
}

static DEFINITION: Definition = Definition::new(Kind::Provider, "crashing", &SCHEMA);

impl Described for Crashing {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        Self::crash(config)
    }
}

impl Provider for Crashing {
    type Configured = ();

    fn configure(&self, config: &Value, _: &str) -> Result<((), Diagnostics), Diagnostics> {
        Self::crash(config)
    }

    fn resources(&self) -> &'static [&'static dyn DynResource<()>] {
        &[]
    }
}

/// What the other process does. Nothing, unless it is the other process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crashing_process() {
    if std::env::var_os(VARIABLE).is_none() {
        return;
    }
    logging::install(&sapcalm::cli::PROGRAM, |name| {
        (name == "TF_LOG").then(|| "TRACE".into())
    });
    let server = Server::new(&Crashing);
    let object = Value::Object([("key".to_owned(), Value::string(SECRET))].into());
    let config = || {
        Some(proto::DynamicValue {
            msgpack: msgpack::encode(&SCHEMA.object_type(), &object).unwrap(),
            json: Vec::new(),
        })
    };
    let validated = server
        .validate_provider_config(tonic::Request::new(
            proto::validate_provider_config::Request { config: config() },
        ))
        .await;
    let configured = server
        .configure_provider(tonic::Request::new(proto::configure_provider::Request {
            config: config(),
            ..proto::configure_provider::Request::default()
        }))
        .await;
    let answers = [
        validated.unwrap().into_inner().diagnostics,
        configured.unwrap().into_inner().diagnostics,
    ];
    for diagnostic in answers.iter().flatten() {
        println!("{}: {}", diagnostic.summary, diagnostic.detail);
    }
    // Panics that no method guards.
    let text = SECRET.to_owned();
    assert!(
        tokio::spawn(async move { panic!("in a task: {text}") })
            .await
            .is_err()
    );
    let text = SECRET.to_owned();
    assert!(
        std::thread::spawn(move || panic!("in a thread: {text}"))
            .join()
            .is_err()
    );
    logging::flush();
    std::thread::sleep(std::time::Duration::from_millis(100));
}

#[test]
fn a_panic_shows_where_it_was_and_no_secret() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "leaks::crash_texts::the_crashing_process",
            "--nocapture",
        ])
        .env(VARIABLE, "1")
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let text = format!("{stdout}\n---\n{stderr}");
    assert!(output.status.success(), "{text}");
    assert_eq!(stdout.matches("Provider crashed: ").count(), 2, "{text}");
    assert!(stdout.contains("crash_texts.rs"), "{text}");
    // One line for each of the four, and one for each answer.
    assert_eq!(stderr.matches("panic: this is a bug").count(), 4, "{text}");
    assert_eq!(stderr.matches("Provider crashed").count(), 2, "{text}");
    assert!(!text.contains(SECRET), "{text}");
    assert!(!text.contains("is no number"), "{text}");
}
