//! The examples that the documentation shows: formatted, applied against the
//! emulator, and imported. The stand-in for Terraform core plays what only newer
//! clients than the one at hand know. That blocks and references fit the schema
//! is checked with the pages that show them.

use std::fs;
use std::path::{Path, PathBuf};

use documentation::Kind;
use emulator::Options;
use framework::provider::Provider as _;
use framework::schema::Mode;
use hcl::expr::{Expression, ObjectKey};
use hcl::structure::{Block, Body};
use sapcalm::provider::SapCalm;
use serde_json::{Map, Value as Json, json};

use crate::support::btp_provider::Btp;
use crate::support::cli::Cli;
use crate::support::core::{Core, Resource};
use crate::support::feature::Feature;
use crate::support::pem::pem;
use crate::support::served::Served;
use crate::support::workspace::Workspace;
use crate::support::world::{Variant, World};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
/// Kinds whose examples the real CLI applies. The others are played by the
/// stand-in.
const APPLIED: [Kind; 4] = [
    Kind::Resource,
    Kind::DataSource,
    Kind::EphemeralResource,
    Kind::Function,
];

fn read(path: &str) -> String {
    let text = fs::read_to_string(Path::new(EXAMPLES).join(path));
    text.unwrap_or_else(|error| panic!("`examples/{path}`: {error}"))
}

/// The files of a kind that are shown as examples, in all its folders.
fn example_files(kind: Kind) -> Vec<PathBuf> {
    let (begin, end) = kind.example_files();
    let mut found = Vec::new();
    for folder in fs::read_dir(Path::new(EXAMPLES).join(kind.folder())).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.starts_with(begin) && name.ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

// --------------------------------------------------------------------- format

#[test]
fn cli_every_example_is_formatted() {
    let Some(cli) = Cli::with(&[Feature::Functions]) else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    cli.run(
        directory.path(),
        &["fmt", "-check", "-diff", "-recursive", EXAMPLES],
        &[],
    )
    .ok();
}

#[test]
fn every_example_is_a_configuration() {
    let mut folders = vec![PathBuf::from(EXAMPLES)];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_configuration = path
                .extension()
                .is_some_and(|extension| extension == "tf" || extension == "hcl");
            if path.is_dir() {
                folders.push(path);
            } else if is_configuration {
                count += 1;
                let parsed = hcl::parse(&fs::read_to_string(&path).unwrap());
                assert!(parsed.is_ok(), "{}: {parsed:?}", path.display());
            }
        }
    }
    assert!(count > 15, "the test found only {count} configurations");
}

// ---------------------------------------------------------------------- apply

/// A module with one example. What it asks for gets a text, and the files that
/// it reads beside itself are those of an x509 key and a key store.
fn write_module(
    workspace: &Workspace,
    name: &str,
    example: &Path,
    x509_key: &str,
) -> Map<String, Json> {
    let folder = workspace.path().join("modules").join(name);
    let keys = folder.join("keys");
    fs::create_dir_all(&keys).unwrap();
    fs::write(keys.join("cloud-alm.json"), x509_key).unwrap();
    // The service looks at the first byte, that of a DER sequence.
    fs::write(keys.join("client.p12"), [0x30, 0x03, 0x02, 0x01, 0x03]).unwrap();
    let text = fs::read_to_string(example).unwrap();
    fs::write(folder.join("main.tf"), &text).unwrap();
    let needs = json!({ "terraform": { "required_providers": { "sapcalm": { "source": "sapcalm/sapcalm" } } } });
    fs::write(folder.join("versions.tf.json"), needs.to_string()).unwrap();
    let body: Body = hcl::parse(&text).unwrap();
    let variables = body
        .blocks()
        .filter(|block| block.identifier.as_str() == "variable");
    variables
        .map(|block| (block.labels[0].as_str().to_owned(), json!("some text")))
        .collect()
}

/// All examples in one run: each is a module with a world of its own, so that
/// none gets into the way of another. The example of the provider is the root.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_every_example_applies_and_then_plans_nothing() {
    let Some(workspace) = Workspace::with(&[Feature::WriteOnly, Feature::Functions]) else {
        return;
    };
    let root = World::documented().await;
    let keys = workspace.path().join("keys");
    fs::create_dir(&keys).unwrap();
    for name in ["destination", "order-management", "cloud-alm"] {
        fs::write(keys.join(format!("{name}.json")), root.key(name)).unwrap();
    }
    // The emulator has another path than the one that is guessed.
    let example = read("provider/provider.tf").replace(
        "provider \"sapcalm\" {\n",
        "provider \"sapcalm\" {\n  order_management_api = { register = { path = \"v1/registration\" } }\n",
    );
    fs::write(workspace.path().join("provider.tf"), example).unwrap();

    let with_tls = Options {
        tls: true,
        ..Options::default()
    };
    let x509 = World::with(Variant::documented(), with_tls).await;
    let mut worlds = Vec::new();
    let mut providers = Vec::new();
    let mut modules = Map::new();
    for example in APPLIED.into_iter().flat_map(example_files) {
        let world = World::documented().await;
        let alias = format!("world_{}", worlds.len());
        let mut provider = world.provider();
        provider["alias"] = alias.as_str().into();
        providers.push(provider);
        let parts = example.iter().rev().take(2);
        let name: Vec<&str> = parts.map(|part| part.to_str().unwrap()).collect();
        let name = name.join("-").replace(".tf", "");
        let mut module = write_module(&workspace, &name, &example, &x509.key("cloud-alm-x509"));
        module.insert("source".to_owned(), format!("./modules/{name}").into());
        let passed = json!({ "sapcalm": format!("sapcalm.{alias}") });
        module.insert("providers".to_owned(), passed);
        modules.insert(name, module.into());
        worlds.push(world);
    }
    let count = modules.len();
    assert!(count >= 10, "the test found only {count} examples");
    let configuration = json!({
        "provider": { "sapcalm": providers },
        "module": modules,
    });
    fs::write(
        workspace.path().join("main.tf.json"),
        configuration.to_string(),
    )
    .unwrap();
    workspace.run(&["get"]).await.ok();
    workspace.converges().await;
    workspace.destroy().await;
    for world in worlds.into_iter().chain([root, x509]) {
        assert_eq!(world.destinations().await, Vec::<Json>::new());
        world.stop().await;
    }
}

// ------------------------------------------------- queried, invoked, imported

/// A literal of an example. Fails the test when it is a reference or a template.
fn literal(expression: &Expression) -> Json {
    let json = serde_json::to_value(hcl::Value::from(expression.clone())).unwrap();
    assert!(!json.to_string().contains("${"), "{json} is no literal");
    json
}

/// The attributes of a block, without its blocks.
fn literals(body: &Body) -> Json {
    let attributes = body.attributes();
    let members: Map<String, Json> = attributes
        .map(|each| (each.key.as_str().to_owned(), literal(&each.expr)))
        .collect();
    members.into()
}

/// The blocks of one kind in the examples of a kind, each with its two labels.
fn example_blocks(kind: Kind, identifier: &str) -> Vec<(String, String, Block)> {
    let mut found = Vec::new();
    for file in example_files(kind) {
        let body: Body = hcl::parse(&fs::read_to_string(&file).unwrap()).unwrap();
        for block in body.into_blocks() {
            if block.identifier.as_str() == identifier {
                let label = |index: usize| block.labels[index].as_str().to_owned();
                found.push((label(0), label(1), block));
            }
        }
    }
    assert!(!found.is_empty(), "no `{identifier}` in the examples");
    found
}

/// The `config` block inside a block, if there is one.
fn config(block: &Block) -> Json {
    let mut inner = block.body.blocks();
    let config = inner.find(|each| each.identifier.as_str() == "config");
    config.map_or_else(|| json!({}), |config| literals(&config.body))
}

async fn core(world: &World, provider: &Served) -> Core {
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    tf
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_list_example_finds_what_it_is_about() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    for (name, level, env) in [
        ("CALM_orders", "subaccount", "prod"),
        ("CALM_sandbox", "subaccount", "test"),
        ("CALM_orders", "instance", "prod"),
        ("orders", "subaccount", "prod"),
    ] {
        let config = json!({
            "name": name, "level": level, "labels": { "env": [env] },
            "authentication": "NoAuthentication", "url": "https://target.example.com",
        });
        let made = tf.apply_one("sapcalm_destination", "made", config);
        made.await.ok();
        tf.forget("sapcalm_destination.made");
    }
    let all = [
        "subaccount/CALM_orders",
        "subaccount/CALM_sandbox",
        "subaccount/orders",
        "instance/CALM_orders",
    ];
    for (type_name, name, block) in example_blocks(Kind::ListResource, "list") {
        let argument = |key: &str| {
            let mut attributes = block.body.attributes();
            let found = attributes.find(|each| each.key.as_str() == key);
            found.map(|each| literal(&each.expr))
        };
        let include = argument("include_resource").is_some_and(|value| value == true);
        // What Terraform asks for by itself.
        let limit = argument("limit").map_or(100, |value| value.as_i64().unwrap());
        let found = tf.list(&type_name, &config(&block), include, limit).await;
        let found = found.ok();
        let shown: Vec<&str> = found.iter().map(|one| &one.display_name[..]).collect();
        match (type_name.as_str(), name.as_str()) {
            ("sapcalm_destination", "all") => assert_eq!(shown, all),
            ("sapcalm_destination", "cloud_alm") => assert_eq!(shown, all[..1]),
            _ => assert!(!shown.is_empty(), "{type_name}.{name} finds nothing"),
        }
        assert!(found.iter().all(|one| one.object.is_some() == include));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_example_does_what_it_says_after_its_trigger() {
    for (type_name, name, block) in example_blocks(Kind::Action, "action") {
        let world = World::documented().await;
        let provider = Served::start();
        let mut tf = core(&world, &provider).await;
        for (resource, label, block) in example_blocks(Kind::Action, "resource") {
            let made = tf.apply_one(&resource, &label, literals(&block.body));
            made.await.ok();
        }
        let answered = tf.invoke_action(&type_name, &config(&block)).await;
        assert_eq!(answered.diags.warnings().count(), 0, "{}", answered.diags);
        let messages = answered.ok();
        match type_name.as_str() {
            "sapcalm_destination_check" => assert_eq!(
                messages.last().unwrap(),
                "The service fetched a token through `subaccount/CloudALM`."
            ),
            _ => assert!(!messages.is_empty(), "{type_name}.{name} says nothing"),
        }
        world.stop().await;
    }
}

/// What exists at SAP, under the addresses that the examples import to.
fn imported() -> Vec<Resource> {
    let certificate = json!({ "name": "cloud-alm.pem", "content": { "pem_wo": pem("client") } });
    let registration = json!({ "destination_name": "CloudALM" });
    let job = json!({ "job_id": 1 });
    vec![
        Resource::new("sapcalm_destination", "cloud_alm", json!({})),
        Resource::new("sapcalm_destination_certificate", "cloud_alm", certificate),
        Resource::new("sapcalm_registration", "order_management", registration)
            .depends_on(&["sapcalm_destination.cloud_alm"]),
        Resource::new("sapcalm_job_monitoring", "settlement", job),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_identity_import_example_imports_what_exists_and_then_plans_nothing() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = core(&world, &provider).await;
    let resources = imported();
    tf.apply(&resources).await.ok();
    for resource in SapCalm.resources() {
        let type_name = resource.definition().type_name;
        let (address, identity) = import_block(type_name, "import-by-identity.tf");
        let mut identity = literal(&identity);
        let made = tf.forget(&address);
        if let Some(tenant) = identity.get_mut("tenant_id") {
            // The documentation cannot know it.
            *tenant = made.json()["id"].clone();
        }
        let (_, name) = address.split_once('.').unwrap();
        tf.import_by_identity(type_name, name, identity).await.ok();
        assert_eq!(tf.instance(&address).identity, made.identity, "{address}");
    }
    // What only the configuration says gets into the state, and nothing to SAP.
    world.forget_journal().await;
    tf.apply(&resources).await.ok();
    assert_eq!(world.writes().await, [""; 0]);
    tf.assert_empty_plan(&resources).await;
    world.stop().await;
}

// --------------------------------------------------------------------- import

/// The block of an import example: what it imports into, and its other member.
fn import_block(type_name: &str, file: &str) -> (String, Expression) {
    let body: Body = hcl::parse(&read(&format!("resources/{type_name}/{file}"))).unwrap();
    let block = body.blocks().next().unwrap();
    assert_eq!(block.identifier.as_str(), "import", "{type_name}");
    let members: Vec<_> = block.body.attributes().collect();
    let [to, by] = members[..] else {
        panic!("{type_name}/{file} has more than `to` and one more");
    };
    assert_eq!(to.key.as_str(), "to");
    let address = hcl::format::to_string(&to.expr).unwrap();
    (address, by.expr.clone())
}

#[test]
fn the_three_ways_to_import_name_the_same_object() {
    for resource in SapCalm.resources() {
        let definition = resource.definition();
        let type_name = definition.type_name;
        let command = read(&format!("resources/{type_name}/import.sh"));
        let line = command.lines().last().unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["terraform", "import", address, id] = words[..] else {
            panic!("{type_name}: {command}");
        };
        let id = id.trim_matches(['\'', '"']);
        let (to, by_id) = import_block(type_name, "import-by-string-id.tf");
        assert_eq!((to.as_str(), by_id), (address, Expression::from(id)));

        let (to, identity) = import_block(type_name, "import-by-identity.tf");
        assert_eq!(to, address);
        let Expression::Object(identity) = identity else {
            panic!("{type_name}: the identity is no object");
        };
        let given: Vec<String> = identity
            .keys()
            .map(|key| match key {
                ObjectKey::Identifier(name) => name.as_str().to_owned(),
                other => panic!("{type_name}: {other}"),
            })
            .collect();
        let identity_schema = resource.identity_schema().attributes();
        for attribute in identity_schema {
            let is_given = given.iter().any(|name| name == attribute.name);
            assert!(is_given || attribute.mode != Mode::Required, "{type_name}");
        }
        for (name, value) in given.iter().zip(identity.values()) {
            let known = identity_schema.iter();
            assert!(known.map(|each| each.name).any(|other| other == name));
            let value = hcl::format::to_string(value).unwrap();
            assert!(
                id.contains(value.trim_matches('"')),
                "{type_name}: {value} is not in {id}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_the_import_examples_import_what_exists() {
    for (form, features) in [
        ("import-by-string-id.tf", &[][..]),
        ("import-by-identity.tf", &[Feature::Identity]),
    ] {
        if let Some(workspace) = Workspace::with(features) {
            imports_what_exists(&workspace, form).await;
        }
    }
}

async fn imports_what_exists(workspace: &Workspace, form: &str) {
    let world = World::documented().await;
    let provider = serde_json::to_string(&json!({ "provider": { "sapcalm": world.provider() } }));
    fs::write(workspace.path().join("provider.tf.json"), provider.unwrap()).unwrap();
    let example = read("resources/sapcalm_registration/resource.tf");
    workspace.write(&example);
    workspace.apply(&[]).await;
    let registration = workspace.instances("sapcalm_registration.order_management");
    let tenant = registration[0]["id"].as_str().unwrap();
    workspace.forget_state();

    let imports: Vec<String> = ["sapcalm_destination", "sapcalm_registration"]
        .map(|name| read(&format!("resources/{name}/{form}")))
        // The documentation cannot know the tenant.
        .map(|text| text.replace("11111111-2222-4333-8444-555555555555", tenant))
        .to_vec();
    workspace.write(&(example + &imports.concat()));
    let output = workspace.apply(&[]).await;
    assert!(
        output.stdout.contains("2 imported, 0 added") && output.stdout.contains("0 destroyed"),
        "{output}"
    );
    workspace.assert_empty_plan().await;
    world.stop().await;
}

// --------------------------------------------------------------- compositions

#[test]
fn the_keys_of_the_composition_come_from_bindings() {
    let text = read("compositions/btp-service-keys/main.tf");
    let body: Body = hcl::parse(&text).unwrap();
    let provider = body
        .blocks()
        .find(|block| {
            block.identifier.as_str() == "provider" && block.labels[0].as_str() == "sapcalm"
        })
        .unwrap();
    let services = ["destination", "order_management", "cloud_alm"];
    let keys: Vec<_> = provider.body.attributes().collect();
    assert_eq!(keys.len(), services.len());
    for (key, service) in keys.into_iter().zip(services) {
        assert_eq!(key.key.as_str(), format!("{service}_service_key"));
        assert_eq!(
            hcl::format::to_string(&key.expr).unwrap(),
            format!("btp_subaccount_service_binding.each[\"{service}\"].credentials")
        );
        assert!(text.contains(&format!("    {service} = {{\n")), "{service}");
    }
}

/// The folder of the composition in the workspace, for commands in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What SAP's provider would make in one landscape: the emulator's keys.
fn bindings(landscape: &str, world: &World) -> String {
    let services = ["destination", "order_management", "cloud_alm"];
    let overrides = services.map(|service| {
        let key = world.key(&service.replace('_', "-"));
        format!(
            "override_resource {{\n  \
             target = module.service_keys[\"{landscape}\"].btp_subaccount_service_binding.each[\"{service}\"]\n  \
             values = {{ credentials = {} }}\n}}\n",
            json!(key).to_string().replace("${", "$${")
        )
    });
    overrides.concat()
}

/// The composition in a workspace, with SAP's provider to be mocked.
fn three_landscapes(feature: Feature) -> Option<(Workspace, Btp, PathBuf)> {
    let mut workspace = Workspace::with(&[feature])?;
    let btp = Btp::start();
    workspace.set_env("TF_REATTACH_PROVIDERS", &btp.reattach());
    let composition = Path::new(EXAMPLES).join("compositions/three-landscapes");
    copy(&composition, workspace.path());
    Some((workspace, btp, composition))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_the_tests_of_the_three_landscapes_need_no_account() {
    let Some((workspace, _btp, composition)) = three_landscapes(Feature::Mocks) else {
        return;
    };
    workspace.run(&["get"]).await.ok();
    let output = workspace.run(&["test"]).await.ok();
    assert!(output.stdout.contains("1 passed, 0 failed"), "{output}");

    // The module by itself.
    for name in ["main.tf", "tests/landscapes.tftest.hcl"] {
        fs::remove_file(workspace.path().join(name)).unwrap();
    }
    copy(&composition.join("connection"), workspace.path());
    let output = workspace.run(&["test"]).await.ok();
    assert!(output.stdout.contains("2 passed, 0 failed"), "{output}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_three_landscapes_are_connected_with_the_keys_of_saps_provider() {
    let Some((workspace, _btp, composition)) = three_landscapes(Feature::MocksOfInstances) else {
        return;
    };
    workspace.run(&["get"]).await.ok();
    let mut test = fs::read_to_string(composition.join("tests/landscapes.tftest.hcl")).unwrap();
    let ours = test.find("mock_provider \"sapcalm\"").unwrap();
    let variables = test.find("variables {").unwrap();
    test.replace_range(ours..variables, "");
    let mut worlds = Vec::new();
    for landscape in ["dev", "test", "prod"] {
        let world = World::documented().await;
        // As the provider guesses it.
        let path = json!({ "order_management": { "register_path": "/registration" } });
        world.turn(path).await;
        test += &bindings(landscape, &world);
        worlds.push(world);
    }
    let state = worlds[0].state().await;
    let subaccount = state["subaccounts"]["acme-orders"]["id"].as_str().unwrap();
    for digit in ["d", "e", "f"] {
        let [eight, four, three, twelve] = [8, 4, 3, 12].map(|times| digit.repeat(times));
        let example = format!("{eight}-{four}-4{three}-8{three}-{twelve}");
        assert!(test.contains(&example), "{example}");
        test = test.replace(&example, subaccount);
    }
    fs::write(workspace.path().join("tests/landscapes.tftest.hcl"), test).unwrap();
    let output = workspace.run(&["test"]).await.ok();
    assert!(output.stdout.contains("1 passed, 0 failed"), "{output}");
    for world in worlds {
        let journal = world.journal().await;
        let sent = |method: &str, path: &str| {
            let fits = |entry: &&Json| {
                let asked = entry["path"].as_str().unwrap();
                let asked = asked.split('?').next().unwrap();
                entry["method"] == method && asked.ends_with(path)
            };
            journal.iter().filter(fits).count()
        };
        assert_eq!(sent("POST", "/subaccountDestinations"), 1);
        assert_eq!(sent("POST", "/registration"), 1);
        assert!(
            !world.is_registered().await,
            "the test takes all away again"
        );
        assert!(world.destinations().await.is_empty());
        world.stop().await;
    }
}
