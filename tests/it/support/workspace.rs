//! A directory with a configuration, and the real `terraform` in it.

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::cli::{Cli, Client, Output, Running, temporary, use_built_provider};
use super::feature::Feature;

/// The directory and the program.
pub(crate) struct Workspace {
    cli: Cli,
    directory: tempfile::TempDir,
    /// What the environment of every command has besides the usual.
    env: Vec<(String, String)>,
}

impl Workspace {
    /// With any client; see [`Workspace::with`].
    pub(crate) fn new_or_skip() -> Option<Self> {
        Self::with(&[])
    }

    /// With a client that has these features; nothing where there is none, see
    /// [`Cli::with`].
    pub(crate) fn with(features: &[Feature]) -> Option<Self> {
        let cli = Cli::with(features)?;
        let directory = tempfile::tempdir().unwrap();
        use_built_provider(directory.path());
        Some(Self {
            cli,
            directory,
            env: Vec::new(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Which program it is.
    pub(crate) fn client(&self) -> &Client {
        &self.cli.client
    }

    /// Sets an environment variable for every command from now on.
    pub(crate) fn set_env(&mut self, name: &str, value: &str) {
        self.env.retain(|(other, _)| other != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Replaces the configuration by a provider block and resources.
    pub(crate) fn write_json(&self, provider: &Json, resources: &Json) {
        self.write_document(provider, json!({ "resource": resources }));
    }

    /// Replaces the configuration by a provider block and any other blocks, as
    /// in a `.tf.json` file.
    pub(crate) fn write_document(&self, provider: &Json, mut configuration: Json) {
        configuration["terraform"] =
            json!({ "required_providers": { "sapcalm": { "source": "sapcalm/sapcalm" } } });
        configuration["provider"] = json!({ "sapcalm": provider });
        fs::write(self.path().join("main.tf.json"), configuration.to_string()).unwrap();
    }

    /// Replaces the configuration; where the provider comes from is added.
    pub(crate) fn write(&self, configuration: &str) {
        let provider = "terraform {\n  required_providers {\n    sapcalm = { source = \"sapcalm/sapcalm\" }\n  }\n}\n";
        let text = format!("{provider}\n{configuration}");
        fs::write(self.path().join("main.tf"), text).unwrap();
    }

    /// The text of the state file.
    #[track_caller]
    pub(crate) fn state(&self) -> String {
        fs::read_to_string(self.path().join("terraform.tfstate")).unwrap()
    }

    /// The same, when there is one.
    pub(crate) fn state_if_any(&self) -> Option<String> {
        fs::read_to_string(self.path().join("terraform.tfstate")).ok()
    }

    /// Puts the backup in the place of a state file that Terraform was killed
    /// over: it empties the file before it writes it. The backup is the state
    /// before the run.
    pub(crate) fn mend_state(&self) {
        let file = self.path().join("terraform.tfstate");
        let cut = fs::metadata(&file).is_ok_and(|file| file.len() == 0);
        let backup = self.path().join("terraform.tfstate.backup");
        if cut && backup.exists() {
            println!("Terraform was killed over its state file; the backup takes its place");
            fs::copy(backup, file).unwrap();
        }
    }

    /// Makes this the state file, or loses it, and what lies beside it.
    pub(crate) fn set_state(&self, text: Option<&str>) {
        for name in [
            "terraform.tfstate",
            "terraform.tfstate.backup",
            ".terraform.tfstate.lock.info",
        ] {
            // It need not be there.
            let _ = fs::remove_file(self.path().join(name));
        }
        if let Some(text) = text {
            fs::write(self.path().join("terraform.tfstate"), text).unwrap();
        }
    }

    /// What providers have left in the temporary directory.
    pub(crate) fn sockets_left(&self) -> Vec<String> {
        let entries = fs::read_dir(temporary(self.path())).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("sapcalm")).collect()
    }

    /// Loses the state file.
    #[track_caller]
    pub(crate) fn forget_state(&self) {
        fs::remove_file(self.path().join("terraform.tfstate")).unwrap();
    }

    /// Starts a command: for signals in the middle of it.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        self.cli.start(self.path(), args, &[])
    }

    /// Runs a command. Whatever the test serves in this process goes on
    /// meanwhile.
    pub(crate) async fn run(&self, args: &[&str]) -> Output {
        let (cli, directory) = (self.cli.clone(), self.path().to_owned());
        let env = self.env.clone();
        let mut owned: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        // After the addresses of an import no flag may follow.
        if args.first() != Some(&"import") {
            owned.push("-no-color".to_owned());
        }
        tokio::task::spawn_blocking(move || {
            let args: Vec<&str> = owned.iter().map(String::as_str).collect();
            let env = env.iter().map(|(name, value)| (&name[..], &value[..]));
            cli.run(&directory, &args, &env.collect::<Vec<_>>())
        })
        .await
        .unwrap()
    }

    /// `terraform apply` with further arguments; fails the test if it fails.
    pub(crate) async fn apply(&self, args: &[&str]) -> Output {
        self.run(&[&["apply", "-auto-approve"], args].concat())
            .await
            .ok()
    }

    /// `terraform apply` of everything, after which nothing may be left to do.
    pub(crate) async fn converges(&self) -> Output {
        let output = self.apply(&[]).await;
        self.assert_empty_plan().await;
        output
    }

    /// `terraform plan`: 0 is nothing to do, 2 is changes.
    pub(crate) async fn plan(&self) -> Output {
        self.run(&["plan", "-detailed-exitcode"]).await
    }

    pub(crate) async fn assert_empty_plan(&self) {
        let output = self.plan().await;
        assert_eq!(output.code, Some(0), "{output}");
    }

    pub(crate) async fn destroy(&self) -> Output {
        self.run(&["destroy", "-auto-approve"]).await.ok()
    }

    /// The attributes of every instance of a resource in the state, by index
    /// key.
    pub(crate) fn instances(&self, address: &str) -> Vec<Json> {
        let (type_name, name) = address.split_once('.').unwrap();
        let state: Json = serde_json::from_str(&self.state()).unwrap();
        let resources = state["resources"].as_array().unwrap();
        resources
            .iter()
            .filter(|resource| resource["type"] == type_name && resource["name"] == name)
            .flat_map(|resource| resource["instances"].as_array().unwrap())
            .map(|instance| instance["attributes"].clone())
            .collect()
    }
}
