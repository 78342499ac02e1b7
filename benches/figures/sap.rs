//! The emulator as a process of its own, so that its work is not ours.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value as Json, json};

/// An emulated SAP over TLS. Dropping it ends the process.
pub(crate) struct Sap {
    child: Child,
    url: String,
    http: reqwest::Client,
    directory: tempfile::TempDir,
}

impl Sap {
    /// Starts the emulator; every answer takes `latency_ms` at least.
    pub(crate) fn start(program: &Path, latency_ms: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The documented limit of 1,000 destinations is lifted.
        let knobs = json!({ "latency_ms": latency_ms, "destination": { "entity_limit": null } });
        let scenario = directory.path().join("scenario.json");
        std::fs::write(&scenario, json!({ "knobs": knobs }).to_string()).unwrap();
        let mut child = Command::new(program)
            .arg("--tls")
            .arg("--keys")
            .arg(directory.path())
            .arg("--scenario")
            .arg(&scenario)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let ready: Json = serde_json::from_str(&line).unwrap();
        let pem = std::fs::read(directory.path().join("ca.pem")).unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .build()
            .unwrap();
        Self {
            child,
            url: ready["url"].as_str().unwrap().to_owned(),
            http,
            directory,
        }
    }

    /// The folder with the service keys and `ca.pem`.
    pub(crate) fn keys(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    fn control(&self, what: &str) -> String {
        format!("{}/_emulator/{what}", self.url)
    }

    /// The requests of the provider since the last call: all, and those for
    /// tokens.
    pub(crate) async fn take_requests(&self) -> (u64, u64) {
        let journal = self.journal().await;
        let answer = self.http.delete(self.control("journal")).send().await;
        answer.unwrap().error_for_status().unwrap();
        let tokens = journal
            .iter()
            .filter(|entry| path(entry).ends_with("/oauth/token"));
        (count(journal.len()), count(tokens.count()))
    }

    /// Lets every request that creates a destination wait for its answer.
    pub(crate) async fn keep_creators_waiting(&self) {
        let fault = json!({
            "match": { "method": "POST", "path_prefix": "/destination-configuration" },
            "do": { "delay_ms": 60_000 },
        });
        let answer = self.http.post(self.control("faults")).json(&fault).send();
        answer.await.unwrap().error_for_status().unwrap();
    }

    /// Waits until a destination is being created.
    pub(crate) async fn until_one_creates(&self) {
        let creates = |entry: &Json| entry["method"] == "POST" && path(entry).contains("/v1/");
        while !self.journal().await.iter().any(creates) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    async fn journal(&self) -> Vec<Json> {
        let answer = self.http.get(self.control("journal")).send().await.unwrap();
        let entries: Vec<Json> = answer.json().await.unwrap();
        entries
            .into_iter()
            .filter(|entry| entry["caller"].is_null())
            .collect()
    }

    /// How many destinations there are.
    pub(crate) async fn destinations(&self) -> usize {
        let answer = self.http.get(self.control("state")).send().await.unwrap();
        let state: Json = answer.json().await.unwrap();
        let subaccounts = state["subaccounts"].as_object().unwrap().values();
        subaccounts
            .filter_map(|one| one["destinations"].as_array().map(Vec::len))
            .sum()
    }
}

impl Drop for Sap {
    fn drop(&mut self) {
        // An error only says that the process is gone already.
        let _ = kill(
            Pid::from_raw(i32::try_from(self.child.id()).unwrap()),
            Signal::SIGTERM,
        );
        let _ = self.child.wait();
    }
}

fn path(entry: &Json) -> &str {
    entry["path"].as_str().unwrap_or_default()
}

fn count(number: usize) -> u64 {
    number.try_into().unwrap()
}
