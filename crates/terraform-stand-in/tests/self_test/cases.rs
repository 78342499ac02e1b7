//! What is done to the fake provider, in a form for the stand-in and for
//! Terraform.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::fake_provider::{Spoil, THING};
use terraform_stand_in::ImportBy;
use terraform_stand_in::configuration::{Resource, Values};

/// A series of commands, of which the last meets a provider that answers wrongly.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) before: Vec<Command>,
    pub(super) command: Command,
    pub(super) spoil: Spoil,
    /// The summaries of the errors that must come of it, one per line.
    pub(super) summary: &'static str,
}

impl Case {
    /// Whether Terraform is free to choose an order: with several resources.
    pub(super) fn has_several_orders(&self) -> bool {
        let commands = self.before.iter().chain([&self.command]);
        commands
            .into_iter()
            .any(|command| command.blocks().len() > 1)
    }

    /// Whether what is changed has an order all the same.
    pub(super) fn has_dependencies(&self) -> bool {
        let commands = self.before.iter().chain([&self.command]);
        let mut blocks = commands.flat_map(Command::blocks);
        blocks.any(|block| !block.depends_on.is_empty())
    }
}

impl Command {
    pub(super) fn blocks(&self) -> &[Block] {
        let (Self::Apply(blocks)
        | Self::Destroy(blocks)
        | Self::Import(blocks)
        | Self::ImportBlock(blocks)) = self;
        blocks
    }
}

/// One command with the configuration that it finds.
#[derive(Clone)]
pub(super) enum Command {
    Apply(Vec<Block>),
    Destroy(Vec<Block>),
    /// Forgets the whole state and imports the first block, as the command does.
    Import(Vec<Block>),
    /// Forgets the whole state and applies with an `import` block for the first.
    ImportBlock(Vec<Block>),
}

/// One resource block, in a form that can be given to both.
#[derive(Clone)]
pub(super) struct Block {
    pub(super) name: &'static str,
    config: Json,
    depends_on: Vec<&'static str>,
    create_before_destroy: bool,
    ignore_changes: Vec<&'static str>,
}

/// Prefix of a text that is known only at apply.
const LATE: &str = "late:";
/// Prefix of a reference to another resource, `name.attribute`.
const REFERENCE: &str = "ref:";
/// A whole value, in the place of a block list, that is known only at apply.
pub(super) const LATE_BLOCKS: &str = "late blocks:";

pub(super) fn late(text: &str) -> Json {
    json!(format!("{LATE}{text}"))
}

pub(super) fn reference(to: &str) -> Json {
    json!(format!("{REFERENCE}{to}"))
}

impl Block {
    pub(super) fn new(name: &'static str, config: Json) -> Self {
        Self {
            name,
            config,
            depends_on: Vec::new(),
            create_before_destroy: false,
            ignore_changes: Vec::new(),
        }
    }

    pub(super) fn depends_on(mut self, name: &'static str) -> Self {
        self.depends_on.push(name);
        self
    }

    pub(super) fn create_before_destroy(mut self) -> Self {
        self.create_before_destroy = true;
        self
    }

    pub(super) fn ignore_changes(mut self, list: &[&'static str]) -> Self {
        self.ignore_changes = list.to_vec();
        self
    }

    /// The block for the stand-in.
    pub(super) fn resource(&self) -> Resource {
        let config = self.config.clone();
        let needs: Vec<_> = self
            .depends_on
            .iter()
            .map(|name| format!("{THING}.{name}"))
            .collect();
        let needs: Vec<_> = needs.iter().map(String::as_str).collect();
        let mut resource = Resource::with(THING, self.name, move |values| resolve(&config, values))
            .depends_on(&needs)
            .ignore_changes(&self.ignore_changes);
        resource.create_before_destroy = self.create_before_destroy;
        resource
    }

    pub(super) fn imported(&self) -> Resource {
        self.resource().import(ImportBy::Id(self.id()))
    }

    /// The id that the fake provider gives it.
    pub(super) fn id(&self) -> String {
        format!("thing-{}", self.config["name"].as_str().unwrap())
    }

    /// The block in Terraform's JSON syntax. What is late goes through a
    /// `terraform_data` resource that is new, so that its output is unknown.
    pub(super) fn terraform(&self, late: &str, inputs: &mut Vec<Json>) -> Json {
        let mut block = expressions(&self.config, late, inputs);
        let needs: Vec<_> = self
            .depends_on
            .iter()
            .map(|name| format!("{THING}.{name}"))
            .collect();
        block["depends_on"] = json!(needs);
        let all = self.ignore_changes == ["all"];
        block["lifecycle"] = json!({
            "create_before_destroy": self.create_before_destroy,
            "ignore_changes": if all { json!("all") } else { json!(self.ignore_changes) },
        });
        block
    }
}

/// The configuration as the stand-in wants it.
fn resolve(json: &Json, values: &Values) -> Json {
    match json {
        Json::String(text) => {
            if let Some(text) = text.strip_prefix(LATE) {
                values.known_at_apply(text)
            } else if let Some(to) = text.strip_prefix(REFERENCE) {
                let (name, attribute) = to.split_once('.').unwrap();
                values.get(&format!("{THING}.{name}"), attribute)
            } else {
                json.clone()
            }
        }
        Json::Array(list) => list.iter().map(|json| resolve(json, values)).collect(),
        Json::Object(map) => match map.get(LATE_BLOCKS) {
            Some(blocks) => values.known_at_apply(blocks.clone()),
            None => Json::Object(
                map.iter()
                    .map(|(k, v)| (k.clone(), resolve(v, values)))
                    .collect(),
            ),
        },
        other => other.clone(),
    }
}

/// The configuration with Terraform's expressions. A late list of blocks becomes
/// a `dynamic` block, which stands beside the others.
fn expressions(json: &Json, late: &str, inputs: &mut Vec<Json>) -> Json {
    let mut output = |input: Json| {
        inputs.push(input);
        format!("${{terraform_data.{late}.output[{}]}}", inputs.len() - 1)
    };
    match json {
        Json::String(text) => {
            if let Some(text) = text.strip_prefix(LATE) {
                json!(output(json!(text)))
            } else if let Some(to) = text.strip_prefix(REFERENCE) {
                json!(format!("${{{THING}.{to}}}"))
            } else {
                json.clone()
            }
        }
        Json::Array(list) => list
            .iter()
            .map(|json| expressions(json, late, inputs))
            .collect(),
        Json::Object(map) => {
            let mut object = serde_json::Map::new();
            for (key, value) in map {
                if let Some(blocks) = value.get(LATE_BLOCKS) {
                    inputs.push(blocks.clone());
                    let each = format!("${{terraform_data.{late}.output[{}]}}", inputs.len() - 1);
                    let content = json!({"name": format!("${{{key}.value.name}}")});
                    object.insert(
                        "dynamic".to_owned(),
                        json!({key: {"for_each": each, "content": content}}),
                    );
                } else {
                    object.insert(key.clone(), expressions(value, late, inputs));
                }
            }
            Json::Object(object)
        }
        other => other.clone(),
    }
}

/// Everything that the schema has.
pub(super) fn full() -> Json {
    json!({
        "name": "a", "size": 0.1, "labels": {"x": "y"}, "tags": ["t", "u"], "ports": [1, 2],
        "secret": "s", "secret_wo": "w",
        "single": {"name": "n"}, "several": [{"name": "n"}, {}],
        "unordered": [{"name": "n"}, {"name": "m"}], "keyed": {"k": {"name": "n"}},
        "either": {"name": "n"},
        "rule": [{"name": "n"}, {}], "zone": [{"name": "n"}], "owner": {"name": "n"},
    })
}

/// [`full`] with some attributes set to something else.
pub(super) fn full_but(changes: &Json) -> Json {
    let mut config = full();
    for (name, value) in changes.as_object().unwrap() {
        config[name.as_str()] = value.clone();
    }
    config
}

pub(super) fn one(config: Json) -> Vec<Block> {
    vec![Block::new("a", config)]
}

pub(super) fn apply(config: Json) -> Command {
    Command::Apply(one(config))
}

/// The first resource of most cases, for the stand-in alone.
pub(super) fn thing(config: Json) -> Resource {
    Resource::new(THING, "a", config)
}

/// The provider answers well, all the time.
pub(super) fn good(name: &'static str, before: Vec<Command>, command: Command) -> Case {
    Case {
        name,
        before,
        command,
        spoil: Arc::new(|_, _| {}),
        summary: "",
    }
}
