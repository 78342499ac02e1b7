//! The main job under the real `terraform` or `tofu`: what a practitioner
//! types, and what it ends with.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value as Json, json};

use crate::support::cli::{Cli, Output, use_built_provider};
use crate::support::world::{Variant, World};

/// A directory with the configuration of the README, and the commands in it.
struct Workspace {
    cli: Cli,
    directory: tempfile::TempDir,
}

impl Workspace {
    fn new(cli: Cli, world: &World) -> Self {
        let directory = tempfile::tempdir().unwrap();
        use_built_provider(directory.path());
        let workspace = Self { cli, directory };
        workspace.write(world, &json!({}), &json!({}));
        workspace
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes the configuration: the provider block with the keys of the world
    /// as they are now, and both resources.
    fn write(&self, world: &World, destination: &Json, more: &Json) {
        let registration = world.registration("${sapcalm_destination.cloud_alm.name}");
        let mut configuration = json!({
            "terraform": { "required_providers": { "sapcalm": { "source": "sapcalm/sapcalm" } } },
            "provider": { "sapcalm": world.provider() },
            "resource": {
                "sapcalm_destination": { "cloud_alm": destination },
                "sapcalm_registration": { "order_management": registration },
            },
        });
        for (name, value) in more.as_object().unwrap() {
            configuration[name] = value.clone();
        }
        fs::write(self.path().join("main.tf.json"), configuration.to_string()).unwrap();
    }

    async fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, &[]).await
    }

    /// The emulator lives in this process, so a command must not block it.
    async fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Output {
        let (cli, directory) = (self.cli.clone(), self.path().to_owned());
        let owned = |text: &&str| (*text).to_owned();
        let args: Vec<String> = args.iter().map(owned).collect();
        let env: Vec<(String, String)> = env
            .iter()
            .map(|(name, value)| (owned(name), owned(value)))
            .collect();
        tokio::task::spawn_blocking(move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let env: Vec<(&str, &str)> = env
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            cli.run(&directory, &args, &env)
        })
        .await
        .unwrap()
    }

    async fn apply(&self) -> Output {
        self.run(&["apply", "-auto-approve", "-no-color"])
            .await
            .ok()
    }

    /// Plans, and gives the exit code: 0 is nothing to do, 2 is changes.
    async fn plan(&self) -> (Option<i32>, Output) {
        let output = self.run(&["plan", "-detailed-exitcode", "-no-color"]).await;
        (output.code, output)
    }

    #[track_caller]
    fn state(&self) -> String {
        fs::read_to_string(self.path().join("terraform.tfstate")).unwrap()
    }
}

async fn applied(variant: Variant) -> Option<(World, Workspace)> {
    let cli = Cli::find_or_skip()?;
    let world = World::start(variant).await;
    let workspace = Workspace::new(cli, &world);
    workspace.apply().await;
    Some((world, workspace))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_apply_drift_repair_and_destroy_in_every_variant() {
    for variant in Variant::all() {
        println!("{}", variant.name);
        let landscape = variant.landscape;
        let Some((world, workspace)) = applied(variant).await else {
            return;
        };
        let (code, output) = workspace.plan().await;
        assert_eq!(code, Some(0), "{output}");
        let secret = world.destinations().await[0]["clientSecret"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            !workspace.state().contains(&secret),
            "the state holds the secret"
        );

        tokio::time::sleep(Duration::from_millis(400)).await;
        workspace
            .run(&["apply", "-refresh-only", "-auto-approve"])
            .await
            .ok();
        world
            .edit_destination(json!({ "Description": "temporary", "clientSecret": "by hand" }))
            .await;
        world.offboard().await;
        let (code, output) = workspace.plan().await;
        assert_eq!(code, Some(2), "{output}");
        assert!(output.stdout.contains("\"temporary\" -> null"), "{output}");
        assert!(output.stdout.contains("\"client_secret\","), "{output}");
        assert_eq!(output.stdout.contains("missing"), landscape, "{output}");

        workspace.apply().await;
        let (code, output) = workspace.plan().await;
        assert_eq!(code, Some(0), "{output}");
        assert_eq!(
            world.destinations().await[0]["clientSecret"],
            secret.as_str()
        );
        if landscape {
            assert!(world.is_registered().await);
        }

        world.forget_journal().await;
        workspace.run(&["destroy", "-auto-approve"]).await.ok();
        let writes = world.writes().await;
        assert_eq!(writes.len(), 2, "{writes:?}");
        assert!(
            writes[1].ends_with("/subaccountDestinations/CloudALM"),
            "{writes:?}"
        );
        assert!(world.destinations().await.is_empty());
        assert!(!world.is_registered().await);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_imports_both_resources_and_plans_nothing_to_replace() {
    let Some((world, workspace)) = applied(Variant::documented()).await else {
        return;
    };
    let state: Json = serde_json::from_str(&workspace.state()).unwrap();
    let tenant = state["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|resource| resource["type"] == "sapcalm_registration")
        .map(|resource| {
            resource["instances"][0]["attributes"]["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .unwrap();
    fs::remove_file(workspace.path().join("terraform.tfstate")).unwrap();
    let import = ["import", "-no-color"];
    for (address, id) in [
        ("sapcalm_destination.cloud_alm", "subaccount/CloudALM"),
        ("sapcalm_registration.order_management", tenant.as_str()),
    ] {
        workspace
            .run(&[&import[..], &[address, id]].concat())
            .await
            .ok();
    }
    workspace.apply().await;
    let (code, output) = workspace.plan().await;
    assert_eq!(code, Some(0), "{output}");
    assert!(world.is_registered().await);
    let writes = world.writes().await;
    assert_eq!(
        writes.len(),
        2,
        "an import and what it fills in must write nothing: {writes:?}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_ctrl_c_in_the_middle_of_an_apply_ends_soon_with_a_truthful_state() {
    let Some(cli) = Cli::find_or_skip() else {
        return;
    };
    for method in [
        "/destination-configuration/v1/subaccountDestinations",
        "/omf",
    ] {
        let world = World::documented().await;
        let workspace = Workspace::new(cli.clone(), &world);
        // SAP processes the call, and then takes its time to answer.
        world
            .fault(json!({ "match": { "method": "POST", "path_prefix": method }, "do": { "delay_ms": 30_000 } }))
            .await;
        let running = cli.start(
            workspace.path(),
            &["apply", "-auto-approve", "-no-color"],
            &[],
        );
        let deadline = Instant::now() + Duration::from_mins(1);
        while !world.journal().await.iter().any(|entry| {
            entry["method"] == "POST" && entry["path"].as_str().unwrap().starts_with(method)
        }) {
            assert!(Instant::now() < deadline, "the call was never made");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        running.signal(Signal::SIGINT);
        let interrupted = Instant::now();
        let output = tokio::task::spawn_blocking(move || running.wait())
            .await
            .unwrap();
        assert_eq!(output.code, Some(1), "{output}");
        assert!(interrupted.elapsed() < Duration::from_secs(10), "{output}");

        // Whatever the state says now, the next apply converges without a duplicate.
        world.clear_faults().await;
        workspace.apply().await;
        let (code, output) = workspace.plan().await;
        assert_eq!(code, Some(0), "{output}");
        assert_eq!(world.destinations().await.len(), 1);
        assert!(world.is_registered().await);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_keys_from_the_environment_and_from_files_work() {
    let Some(cli) = Cli::find_or_skip() else {
        return;
    };
    let world = World::documented().await;
    let workspace = Workspace::new(cli, &world);
    let empty_block = json!({ "provider": { "sapcalm": {} } });
    workspace.write(&world, &json!({}), &empty_block);
    let destination = format!("@{}", world.keys().join("destination.json").display());
    let env = [
        ("SAPCALM_DESTINATION_SERVICE_KEY", destination.as_str()),
        (
            "SAPCALM_ORDER_MANAGEMENT_SERVICE_KEY",
            &world.key("order-management"),
        ),
        ("SAPCALM_CLOUD_ALM_SERVICE_KEY", &world.key("cloud-alm")),
    ];
    workspace
        .run_with(&["apply", "-auto-approve"], &env)
        .await
        .ok();
    assert!(world.is_registered().await);
    workspace
        .run_with(&["destroy", "-auto-approve"], &env)
        .await
        .ok();
    assert!(!world.is_registered().await);
    world.stop().await;
}
