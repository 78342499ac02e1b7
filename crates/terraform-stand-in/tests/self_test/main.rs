//! The stand-in for Terraform core is tested with a provider that can be made to
//! answer wrongly, and held against the real `terraform` with the same provider:
//! the same requests, the same errors, the same state afterwards.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails where anything is wrong"
)]
#![allow(clippy::print_stdout, reason = "the tests say what was left out")]

mod beyond;
mod broken_answers;
mod cases;
mod fake_provider;
mod good_answers;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use self::broken_answers::broken;
use self::cases::{Block, Case, Command, full};
use self::good_answers::well_answered;
use crate::fake_provider::{ADDRESS, FakeProvider, THING};
use terraform_stand_in::cli::{Cli, Client, Output, reattach};
use terraform_stand_in::counts::Checks;
use terraform_stand_in::feature::Feature;
use terraform_stand_in::{Core, Lifecycle, Outcome, Release, Resource};

/// How many commands run at the same time.
const WORKERS: usize = 4;

#[tokio::test]
async fn well_behaved_provider_meets_no_objection() {
    let provider = FakeProvider::serve();
    let mut tf = Core::connect(provider.socket()).await;
    let renamed = json!({"name": "b", "note": "mine", "grades": ["x"]});
    Lifecycle::new(THING, &[json!({"name": "a"}), full(), renamed])
        .unknown_at_plan(&["name", "size", "tags", "single", "secret_wo"])
        .run(&mut tf)
        .await;
    assert!(tf.checks().total() > 100, "{}", tf.checks());
}

#[tokio::test]
async fn broken_answers_meet_the_expected_objection() {
    for case in well_answered().iter().chain(&broken()) {
        let run = with_stand_in(case, Release::V1_11).await;
        let expected: BTreeSet<_> = case.summary.lines().collect();
        assert_eq!(
            run.summaries(),
            expected,
            "{}: {:#?}",
            case.name,
            run.errors
        );
    }
}

/// What the stand-in plays to be like a client.
fn release_of(client: &Client) -> Release {
    match client.minor() {
        ..=11 => Release::V1_11,
        12..=13 => Release::V1_12,
        14..=15 => Release::V1_14,
        16.. => Release::V1_16,
    }
}

/// The same cases with the real thing, whichever version that is.
#[test]
fn cli_requests_errors_and_state_are_those_of_terraform() {
    let Some(cli) = Cli::with(&[Feature::WriteOnly, Feature::TerraformsRequests]) else {
        return;
    };
    let checks = Checks::default();
    let mut cases = well_answered();
    cases.append(&mut broken());
    let differences: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = cases
            .chunks(cases.len().div_ceil(WORKERS))
            .map(|cases| scope.spawn(|| compare_all(&cli, cases, &checks)))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    println!("{checks}");
    checks.record();
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

fn compare_all(cli: &Cli, cases: &[Case], checks: &Checks) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut differences = Vec::new();
    for case in cases {
        let ours = runtime.block_on(with_stand_in(case, release_of(&cli.client)));
        let (theirs, output) = with_terraform(cli, case);
        differences.extend(compare(case, &ours, &theirs, &output));
        checks.count("case compared with terraform");
    }
    differences
}

/// What a case came to, with the stand-in or with `terraform`.
#[derive(Debug, Default)]
struct Run {
    /// Summary and detail of the errors of the last command.
    errors: Vec<(String, String)>,
    state: Objects,
    /// What the provider was asked by all commands.
    requests: Vec<String>,
}

/// The objects in the state, by resource name: attributes, private data, tainted.
/// Deposed ones come after the current one.
type Objects = BTreeMap<String, Vec<(Json, Vec<u8>, bool)>>;

impl Run {
    fn summaries(&self) -> BTreeSet<&str> {
        self.errors
            .iter()
            .map(|(summary, _)| summary.as_str())
            .collect()
    }
}

async fn with_stand_in(case: &Case, release: Release) -> Run {
    let provider = FakeProvider::serve();
    let mut tf = Core::connect(provider.socket()).await;
    tf.release(release);
    for command in &case.before {
        let _ = stand_in_command(&mut tf, command).await.ok();
    }
    provider.spoil(case.spoil.clone());
    let outcome = stand_in_command(&mut tf, &case.command).await;
    let errors = outcome.diags.errors();
    Run {
        errors: errors
            .map(|diag| (diag.summary.clone(), diag.detail.clone()))
            .collect(),
        state: stand_in_state(&tf),
        requests: provider.take_requests(),
    }
}

fn stand_in_state(tf: &Core) -> Objects {
    let mut objects = Objects::new();
    let current = tf.state.current.iter();
    let deposed = tf
        .state
        .deposed
        .iter()
        .map(|(address, instance)| (address, instance));
    for (address, instance) in current.chain(deposed) {
        let name = address
            .trim_start_matches(THING)
            .trim_start_matches('.')
            .to_owned();
        let object = (instance.json(), instance.private.clone(), instance.tainted);
        objects.entry(name).or_default().push(object);
    }
    objects
}

async fn stand_in_command(tf: &mut Core, command: &Command) -> Outcome {
    let resources: Vec<Resource> = command.blocks().iter().map(Block::resource).collect();
    match command {
        Command::Apply(_) => tf.apply(&resources).await,
        Command::Destroy(_) => tf.destroy_configured(&resources).await,
        Command::Import(blocks) => {
            tf.state.current.clear();
            tf.import_by_id(THING, blocks[0].name, &blocks[0].id())
                .await
        }
        Command::ImportBlock(blocks) => {
            tf.state.current.clear();
            tf.apply(&[blocks[0].imported()]).await
        }
    }
}

/// A working directory of the real `terraform`, attached to a provider.
struct Attached {
    cli: Cli,
    directory: tempfile::TempDir,
    provider: FakeProvider,
    /// How many configurations were written.
    written: usize,
}

impl Attached {
    fn new(cli: &Cli) -> Self {
        Self {
            cli: cli.clone(),
            directory: tempfile::tempdir().unwrap(),
            provider: FakeProvider::serve(),
            written: 0,
        }
    }

    fn run(&self, args: &[&str]) -> Output {
        let attach = reattach("example/broken", self.provider.socket(), std::process::id());
        self.cli.run(
            self.directory.path(),
            args,
            &[("TF_REATTACH_PROVIDERS", &attach)],
        )
    }

    fn command(&mut self, command: &Command) -> Output {
        let blocks = command.blocks();
        let address = |block: &Block| format!("{THING}.{}", block.name);
        match command {
            Command::Apply(_) => {
                self.write(blocks, &json!([]));
                self.run(&["apply", "-auto-approve", "-json"])
            }
            Command::Destroy(_) => {
                self.write(blocks, &json!([]));
                self.run(&["destroy", "-auto-approve", "-json"])
            }
            Command::Import(_) => {
                self.write(blocks, &json!([]));
                self.forget();
                self.run(&["import", "-no-color", &address(&blocks[0]), &blocks[0].id()])
            }
            Command::ImportBlock(_) => {
                let import = json!({"to": address(&blocks[0]), "id": blocks[0].id()});
                self.write(&blocks[..1], &json!([import]));
                self.forget();
                self.run(&["apply", "-auto-approve", "-json"])
            }
        }
    }

    fn forget(&self) {
        std::fs::remove_file(self.directory.path().join("terraform.tfstate")).unwrap();
    }

    fn write(&mut self, blocks: &[Block], imports: &Json) {
        self.written += 1;
        let late = format!("late{}", self.written);
        let mut inputs = Vec::new();
        let blocks: BTreeMap<_, _> = blocks
            .iter()
            .map(|block| (block.name, block.terraform(&late, &mut inputs)))
            .collect();
        let mut config = json!({
            "terraform": {"required_providers": {"broken": {"source": ADDRESS}}},
            "import": imports,
        });
        if !blocks.is_empty() {
            config["resource"][THING] = json!(blocks);
        }
        if !inputs.is_empty() {
            config["resource"]["terraform_data"] = json!({late: {"input": inputs}});
        }
        std::fs::write(
            self.directory.path().join("main.tf.json"),
            config.to_string(),
        )
        .unwrap();
    }

    fn state(&self) -> Objects {
        let mut objects = Objects::new();
        let file = self.directory.path().join("terraform.tfstate");
        let Ok(text) = std::fs::read_to_string(file) else {
            return objects;
        };
        let state: Json = serde_json::from_str(&text).unwrap();
        let resources = state["resources"].as_array().into_iter().flatten();
        for resource in resources.filter(|resource| resource["type"] == THING) {
            for instance in resource["instances"].as_array().into_iter().flatten() {
                let private = instance["private"].as_str().unwrap_or_default();
                let private = STANDARD.decode(private).unwrap();
                let tainted = instance["status"] == "tainted";
                let object = (instance["attributes"].clone(), private, tainted);
                let name = resource["name"].as_str().unwrap().to_owned();
                let of_resource = objects.entry(name).or_default();
                let is_current = instance["deposed"].is_null();
                of_resource.insert(if is_current { 0 } else { of_resource.len() }, object);
            }
        }
        objects
    }
}

fn with_terraform(cli: &Cli, case: &Case) -> (Run, Output) {
    let mut attached = Attached::new(cli);
    for command in &case.before {
        let _ = attached.command(command).ok();
    }
    attached.provider.spoil(case.spoil.clone());
    let output = attached.command(&case.command);
    let errors = match case.command {
        Command::Import(_) => printed_errors(&output.stderr),
        _ => output.errors(),
    };
    let run = Run {
        errors,
        state: attached.state(),
        requests: attached.provider.take_requests(),
    };
    (run, output)
}

/// The summaries in a text for people.
fn printed_errors(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.trim_start_matches(['│', ' ']).strip_prefix("Error: "))
        .map(|summary| (summary.to_owned(), String::new()))
        .collect()
}

fn compare(case: &Case, ours: &Run, theirs: &Run, output: &Output) -> Vec<String> {
    let name = case.name;
    let mut found = Vec::new();
    if ours.summaries() != theirs.summaries() {
        let (ours, theirs) = (&ours.errors, &theirs.errors);
        found.push(format!(
            "{name}: errors\nours   {ours:#?}\ntheirs {theirs:#?}\n{output}"
        ));
    }
    let details: String = theirs
        .errors
        .iter()
        .map(|(_, detail)| without_quotes(detail))
        .collect();
    for path in ours.errors.iter().flat_map(|(_, detail)| paths(detail)) {
        if !details.contains(&path) {
            found.push(format!("{name}: {path} is not mentioned in {details}"));
        }
    }
    if ours.state != theirs.state {
        found.push(format!(
            "{name}: state\nours   {:?}\ntheirs {:?}",
            ours.state, theirs.state
        ));
    }
    let (mut asked, mut expected) = (ours.requests.clone(), theirs.requests.clone());
    if case.has_several_orders() {
        // Only the order of what changes something is the same every time.
        if case.has_dependencies() && applies(&asked) != applies(&expected) {
            found.push(format!(
                "{name}: order of changes\nours   {asked:#?}\ntheirs {expected:#?}"
            ));
        }
        asked.sort();
        expected.sort();
    }
    if asked != expected {
        let first = asked
            .iter()
            .zip(&expected)
            .find(|(ours, theirs)| ours != theirs);
        let (ours, theirs) = (methods(&ours.requests), methods(&theirs.requests));
        found.push(format!(
            "{name}: requests\nours   {ours:?}\ntheirs {theirs:?}\n{first:#?}"
        ));
    }
    found
}

fn applies(requests: &[String]) -> Vec<&String> {
    requests
        .iter()
        .filter(|request| request.starts_with("ApplyResourceChange"))
        .collect()
}

/// Method and capabilities.
fn methods(requests: &[String]) -> Vec<&str> {
    let short = |request: &str| request.find([')', '{']).map_or(request.len(), |end| end);
    requests
        .iter()
        .map(|request| &request[..short(request)])
        .collect()
}

/// The paths that a detail names at the beginning of its lines.
fn paths(detail: &str) -> Vec<String> {
    detail
        .lines()
        .filter(|line| line.starts_with('.'))
        .filter_map(|line| line.split_once(": "))
        .map(|(path, _)| without_quotes(path))
        .collect()
}

/// Terraform writes a map key in a path in two ways; this is one for both.
fn without_quotes(text: &str) -> String {
    text.replace("[\"", ".").replace("\"]", "")
}
