//! `make demo`: the main job against the built-in SAP emulator, with the real
//! Terraform or OpenTofu: apply, drift, repair and destroy.
//!
//! Everything happens in a scratch folder and on loopback; the emulator runs
//! inside this process, so nothing is left behind when it ends.

#![allow(clippy::print_stdout, reason = "the demo is there to be watched")]

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use emulator::{CLOUD_ALM_SUBDOMAIN, Emulator, ORDERS_SUBDOMAIN, Options};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    // Ctrl-C reaches Terraform, too, which ends in good order; the demo then
    // sees its failure, and cleans up.
    tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nThe demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let cli = find_cli()?;
    let scratch = tempfile::Builder::new().prefix("sapcalm-demo-").tempdir()?;
    let terraform = Terraform::prepare(cli, scratch.path())?;
    let emulator = Emulator::start(Options {
        keys: Some(scratch.path().join("keys")),
        ..Options::default()
    })
    .await?;
    let sap = Sap {
        url: emulator.url().to_owned(),
        http: reqwest::Client::new(),
    };
    let result = show(&terraform, &sap).await;
    emulator.shutdown().await;
    result
}

async fn show(terraform: &Terraform, sap: &Sap) -> Result<()> {
    println!("{}\n", include_str!("main.tf").trim_end());

    title("1. Terraform installs the provider");
    terraform.run(&["init"], 0)?;
    terraform.run(&["version"], 0)?;

    title("2. Plan: nothing is there yet");
    terraform.run(&["plan", "-out=first.tfplan"], 0)?;

    title("3. Apply: the destination is created, then the service registers through it");
    terraform.run(&["apply", "first.tfplan"], 0)?;

    title("4. Plan again: what SAP holds is what the configuration says");
    terraform.run(&["plan", "-detailed-exitcode"], 0)?;

    title("5. Somebody edits the destination, replaces its secret and offboards the service");
    sap.meddle().await?;

    title("6. Plan shows all three");
    terraform.run(&["plan", "-detailed-exitcode"], 2)?;

    title("7. Apply repairs");
    terraform.run(&["apply", "-auto-approve"], 0)?;
    terraform.run(&["plan", "-detailed-exitcode"], 0)?;

    title("8. Destroy: offboards first, removes the destination last");
    terraform.run(&["destroy", "-auto-approve"], 0)?;

    title("What SAP saw, in order (reads and tokens left out)");
    sap.summary().await
}

fn title(text: &str) {
    println!("\n{}\n{text}\n{}\n", "=".repeat(78), "=".repeat(78));
}

/// `make demo` names one, see `tools/cli.sh`; by itself the demo takes what the
/// `PATH` has.
fn find_cli() -> Result<PathBuf> {
    if let Some(path) = env::var_os("TF_CLI").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    ["terraform", "tofu"]
        .iter()
        .map(|name| format!("{name}{}", env::consts::EXE_SUFFIX))
        .flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(&name)))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| "no `terraform` or `tofu` on the PATH; `make demo` fetches one".into())
}

/// The CLI in a scratch folder with a configuration of its own.
struct Terraform {
    cli: PathBuf,
    folder: PathBuf,
}

impl Terraform {
    /// Writes the configuration, and a mirror that holds the provider just
    /// built under the addresses that Terraform and OpenTofu give it.
    fn prepare(cli: PathBuf, folder: &Path) -> Result<Self> {
        let version = env!("CARGO_PKG_VERSION");
        for host in ["registry.terraform.io", "registry.opentofu.org"] {
            let package = folder
                .join("mirror")
                .join(host)
                .join("sapcalm/sapcalm")
                .join(version)
                .join(platform());
            fs::create_dir_all(&package)?;
            let suffix = env::consts::EXE_SUFFIX;
            let binary = package.join(format!("terraform-provider-sapcalm_v{version}{suffix}"));
            fs::copy(provider_binary()?, binary)?;
        }
        fs::write(
            folder.join("cli.tfrc"),
            format!(
                "provider_installation {{\n  filesystem_mirror {{\n    path = {}\n  }}\n}}\n",
                // As a literal, with the backslashes of Windows escaped.
                json!(folder.join("mirror"))
            ),
        )?;
        fs::write(folder.join("main.tf"), include_str!("main.tf"))?;
        Ok(Self {
            cli,
            folder: folder.to_owned(),
        })
    }

    /// Runs a command with its output visible and expects its exit status.
    fn run(&self, arguments: &[&str], expected: i32) -> Result<()> {
        let name = self.cli.file_stem().unwrap_or_default().to_string_lossy();
        println!("$ {name} {}\n", arguments.join(" "));
        io::stdout().flush()?;
        let mut command = Command::new(&self.cli);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("TF_CLI_CONFIG_FILE", self.folder.join("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0");
        for (variable, _) in env::vars_os() {
            if variable.to_string_lossy().starts_with("SAPCALM_") {
                command.env_remove(variable);
            }
        }
        if !io::stdout().is_terminal() {
            command.env("TF_CLI_ARGS", "-no-color");
        }
        let status = command.status()?;
        if status.code() == Some(expected) {
            return Ok(());
        }
        Err(format!(
            "`{name} {}` ended with {status}, expected {expected}",
            arguments.join(" ")
        )
        .into())
    }
}

/// The provider that stands beside the demo, or the one that `PROVIDER` names.
fn provider_binary() -> Result<PathBuf> {
    if let Some(path) = env::var_os("PROVIDER").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let name = format!("terraform-provider-sapcalm{}", env::consts::EXE_SUFFIX);
    let binary = env::current_exe()?.with_file_name(name);
    if binary.is_file() {
        return Ok(binary);
    }
    Err("the provider is not built; run `make demo`".into())
}

/// Operating system and processor in the words of Terraform's registry.
fn platform() -> String {
    let system = match env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}_{processor}")
}

/// The emulator's control API.
struct Sap {
    url: String,
    http: reqwest::Client,
}

impl Sap {
    async fn get(&self, what: &str) -> Result<Value> {
        let answer = self
            .http
            .get(format!("{}/_emulator/{what}", self.url))
            .send()
            .await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// What a colleague might do in the cockpit and with an HTTP client.
    async fn meddle(&self) -> Result<()> {
        let state = self.get("state").await?;
        let orders = &state["subaccounts"][ORDERS_SUBDOMAIN];
        let mut properties = orders["destinations"][0]["properties"].clone();
        properties["Description"] = json!("temporary, ask Jo");
        properties["clientSecret"] = json!("a secret from an old note");
        println!("  destination CloudALM: Description = \"temporary, ask Jo\"");
        println!("  destination CloudALM: clientSecret replaced");
        println!("  Order Management foundation: offboarded");
        let changes = json!({ "subaccounts": {
            ORDERS_SUBDOMAIN: {
                "destinations": [{ "properties": properties }],
                "registration": null,
            },
            CLOUD_ALM_SUBDOMAIN: { "landscape": [] },
        } });
        let answer = self
            .http
            .patch(format!("{}/_emulator/state", self.url))
            .json(&changes)
            .send()
            .await?;
        answer.error_for_status()?;
        Ok(())
    }

    /// The calls that changed something, and how many others there were.
    async fn summary(&self) -> Result<()> {
        let journal = self.get("journal").await?;
        let calls = journal.as_array().ok_or("the journal is not a list")?;
        let mut others = 0;
        for call in calls {
            let method = call["method"].as_str().unwrap_or_default();
            let path = call["path"].as_str().unwrap_or_default();
            let path = path.split('?').next().unwrap_or(path);
            if method == "GET" || path.ends_with("/oauth/token") {
                others += 1;
                continue;
            }
            println!(
                "  {:6} {:58} {}  {}",
                method,
                path,
                call["status"],
                meaning(call, method, path)
            );
        }
        println!("\n  and {others} reads and tokens");
        Ok(())
    }
}

/// What a call of the journal did, and who made it.
fn meaning(call: &Value, method: &str, path: &str) -> &'static str {
    match (call["caller"].is_null(), method) {
        (true, "POST") if path.ends_with("/subaccountDestinations") => "create the destination",
        (true, "PATCH" | "PUT") => "repair the destination",
        (true, "DELETE") => "remove the destination",
        (true, _) if path.ends_with("/registration") => "register the service",
        (true, _) => "offboard the service",
        (false, "DELETE") => "  Order Management leaves Cloud ALM",
        (false, _) => "  Order Management calls Cloud ALM through the destination",
    }
}
