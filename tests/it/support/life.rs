//! The whole life that the fault and kill matrices run through: create, update,
//! both kinds of replacement, import, refresh and destroy, of two destinations
//! and a registration. One description serves the stand-in for Terraform core
//! and the real CLI.
//!
//! A further resource takes part by one more [`Block`] in [`blocks`], by what
//! it left at SAP in [`objects`], and by its id in [`names`].

use std::collections::BTreeSet;

use emulator::{CLOUD_ALM_SUBDOMAIN, ORDERS_SUBDOMAIN};
use serde_json::{Map, Value as Json, json};

use super::core::{ImportBy, Resource};

const MAIN: &str = "sapcalm_destination.cloud_alm";
const OTHER: &str = "sapcalm_destination.other";
const REGISTRATION: &str = "sapcalm_registration.order_management";

// ------------------------------------------------------------ configuration

/// What is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    Start,
    /// Other values of both destinations.
    Changed,
    /// Another name of a destination, which replaces the registration as well.
    Replaced,
    /// The same, created before it is destroyed.
    ReplacedCreateFirst,
    Nothing,
}

/// An attribute of another resource, by address and name.
type Reference<'a> = &'a dyn Fn(&str, &str) -> Json;

/// One resource block, for whoever evaluates references.
struct Block {
    address: &'static str,
    depends_on: &'static [&'static str],
    config: fn(Goal, Reference) -> Json,
}

fn blocks() -> [Block; 3] {
    [
        Block {
            address: MAIN,
            depends_on: &[],
            config: main,
        },
        Block {
            address: OTHER,
            depends_on: &[],
            config: other,
        },
        Block {
            address: REGISTRATION,
            depends_on: &[MAIN, OTHER],
            config: registration,
        },
    ]
}

fn main(goal: Goal, _: Reference) -> Json {
    match goal {
        Goal::Changed => json!({ "check_token": true, "description": "changed" }),
        _ => json!({ "check_token": true }),
    }
}

fn other(goal: Goal, _: Reference) -> Json {
    let replaced = matches!(goal, Goal::Replaced | Goal::ReplacedCreateFirst);
    let changed = goal == Goal::Changed;
    let version = if changed { 2 } else { 1 };
    let properties = if changed {
        json!({ "sap-client": "200" })
    } else {
        json!({ "sap-client": "100", "sap-language": "en" })
    };
    json!({
        "name": if replaced { "other-2" } else { "other-1" },
        "authentication": "BasicAuthentication",
        "url": "https://backend.example.com",
        "user": "technical",
        "properties": properties,
        "credentials": {
            "password_wo": format!("password-{version}"),
            "properties_wo": { "my.secret": format!("secret-{version}") },
            "version": version,
        },
        "labels": if changed { json!({ "team": ["a", "b"] }) } else { json!({ "team": ["a"] }) },
    })
}

fn registration(_: Goal, reference: Reference) -> Json {
    json!({
        "destination_name": reference(MAIN, "name"),
        "triggers": { "other": reference(OTHER, "name") },
    })
}

/// How soon the provider gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As configured by default.
    Usual,
    /// While there is a fault: few repetitions.
    Short {
        /// Somebody will be silent, so that a request has to end soon.
        silence: bool,
        /// The fault will not go away, so that a registration has to end soon:
        /// a fresh destination makes it patient.
        lasting: bool,
    },
}

impl Patience {
    /// The provider block.
    pub(crate) fn configure(self, mut block: Json) -> Json {
        if let Self::Short { silence, .. } = self {
            block["request_timeout"] = if silence { "600ms" } else { "20s" }.into();
            block["max_retries"] = 1.into();
        }
        block
    }

    fn timeouts(self) -> Json {
        match self {
            Self::Short { lasting: true, .. } => json!({ "create": "1500ms", "update": "1500ms" }),
            _ => Json::Null,
        }
    }
}

impl Block {
    fn evaluate(&self, goal: Goal, patience: Patience, reference: Reference) -> Json {
        let mut config = (self.config)(goal, reference);
        if self.address == REGISTRATION {
            config["timeouts"] = patience.timeouts();
        }
        config
    }

    fn split(&self) -> (&'static str, &'static str) {
        self.address.split_once('.').unwrap()
    }
}

/// The configuration for the stand-in.
pub(crate) fn resources(goal: Goal, patience: Patience) -> Vec<Resource> {
    if goal == Goal::Nothing {
        return Vec::new();
    }
    let resource = |block: Block| {
        let (type_name, name) = block.split();
        let depends_on = block.depends_on;
        let resource = Resource::with(type_name, name, move |values| {
            block.evaluate(goal, patience, &|address, name| values.get(address, name))
        })
        .depends_on(depends_on);
        match goal {
            Goal::ReplacedCreateFirst => resource.create_before_destroy(),
            _ => resource,
        }
    };
    blocks().map(resource).into()
}

/// The same with an `import` block for each resource.
pub(crate) fn imported(goal: Goal, patience: Patience, tenant: &str) -> Vec<Resource> {
    let all = resources(goal, patience).into_iter();
    all.map(|resource| {
        let id = import_id(&resource.address(), tenant);
        resource.import(ImportBy::Id(id))
    })
    .collect()
}

/// The configuration for the real CLI, as the JSON of a `.tf.json` file without
/// the provider.
pub(crate) fn document(goal: Goal, patience: Patience) -> Json {
    if goal == Goal::Nothing {
        return json!({});
    }
    let mut types = Map::new();
    for block in blocks() {
        let (type_name, name) = block.split();
        let mut config = block.evaluate(goal, patience, &|address, name| {
            format!("${{{address}.{name}}}").into()
        });
        if goal == Goal::ReplacedCreateFirst {
            config["lifecycle"] = json!({ "create_before_destroy": true });
        }
        types.entry(type_name).or_insert_with(|| json!({}))[name] = config;
    }
    json!({ "resource": types })
}

/// `import` blocks for everything, in the same form.
pub(crate) fn import_blocks(tenant: &str) -> Json {
    let import =
        |block: &Block| json!({ "to": block.address, "id": import_id(block.address, tenant) });
    blocks().iter().map(import).collect()
}

fn import_id(address: &str, tenant: &str) -> String {
    match address {
        MAIN => "subaccount/CloudALM".to_owned(),
        OTHER => "subaccount/other-1".to_owned(),
        REGISTRATION => tenant.to_owned(),
        _ => panic!("no import id for {address}"),
    }
}

// -------------------------------------------------------------------- steps

/// Where a step begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    Empty,
    /// Everything is there and in the state.
    Applied,
    /// The same, and somebody has offboarded by hand.
    Drifted,
    /// Everything is there, and the state is empty.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Apply,
    Refresh,
    Destroy,
}

/// One command of the life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) begin: Begin,
    pub(crate) command: Command,
    pub(crate) goal: Goal,
    /// Whether objects may be deleted at SAP on the way.
    pub(crate) deletes: bool,
}

pub(crate) const STEPS: [Step; 7] = {
    const fn step(name: &'static str, begin: Begin, command: Command, goal: Goal) -> Step {
        let deletes = matches!(
            goal,
            Goal::Replaced | Goal::ReplacedCreateFirst | Goal::Nothing
        );
        Step {
            name,
            begin,
            command,
            goal,
            deletes,
        }
    }
    [
        step("create", Begin::Empty, Command::Apply, Goal::Start),
        step("update", Begin::Drifted, Command::Apply, Goal::Changed),
        step("replace", Begin::Applied, Command::Apply, Goal::Replaced),
        step(
            "replace, create first",
            Begin::Applied,
            Command::Apply,
            Goal::ReplacedCreateFirst,
        ),
        step("import", Begin::Unknown, Command::Apply, Goal::Start),
        step("refresh", Begin::Applied, Command::Refresh, Goal::Start),
        step("destroy", Begin::Applied, Command::Destroy, Goal::Nothing),
    ]
};

// ----------------------------------------------------------------- requests

/// One request of a step, as a fault finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    method: String,
    path: String,
    /// How many requests that look like it come before it.
    skip: usize,
}

/// The requests of an undisturbed run.
pub(crate) fn targets(journal: &[Json]) -> Vec<Target> {
    let requests: Vec<(String, String)> = journal
        .iter()
        .map(|entry| {
            let path = entry["path"].as_str().unwrap();
            let path = path.split('?').next().unwrap_or(path);
            (
                entry["method"].as_str().unwrap().to_owned(),
                path.to_owned(),
            )
        })
        .collect();
    let same = |of: &(String, String), among: &[(String, String)]| {
        among
            .iter()
            .filter(|(method, path)| *method == of.0 && path.starts_with(&of.1))
            .count()
    };
    let target = |(index, request): (usize, &(String, String))| Target {
        method: request.0.clone(),
        path: request.1.clone(),
        skip: same(request, &requests[..index]),
    };
    requests.iter().enumerate().map(target).collect()
}

impl Target {
    /// A fault for it, once or until it is cleared.
    pub(crate) fn fault(&self, action: &Json, until_cleared: bool) -> Json {
        json!({
            "match": { "method": self.method, "path_prefix": self.path },
            "skip": self.skip,
            "times": if until_cleared { Json::Null } else { json!(1) },
            "do": action,
        })
    }

    /// What it asks for, whatever it is about.
    pub(crate) fn kind(&self) -> String {
        const NAMES: [&str; 3] = ["CloudALM", "other-1", "other-2"];
        let segments = self.path.split('/');
        let segments = segments.map(|one| if NAMES.contains(&one) { "*" } else { one });
        format!("{} {}", self.method, segments.collect::<Vec<_>>().join("/"))
    }

    /// Whether it is the first of its kind in the step.
    pub(crate) fn is_first(&self) -> bool {
        self.skip == 0
    }

    pub(crate) fn is_token(&self) -> bool {
        self.path.ends_with("/oauth/token")
    }

    /// Whether it changes something at SAP.
    pub(crate) fn is_write(&self) -> bool {
        self.method != "GET" && !self.is_token()
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { method, path, skip } = self;
        write!(f, "{method} {path} #{}", skip + 1)
    }
}

// --------------------------------------------------------------------- ends

/// What SAP holds, without etags and times.
pub(crate) fn objects(state: &Json) -> Json {
    let orders = &state["subaccounts"][ORDERS_SUBDOMAIN];
    let destinations: Vec<Json> = orders["destinations"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| json!({ "properties": one["properties"], "labels": one["labels"] }))
        .collect();
    json!({
        "destinations": destinations,
        "registration": orders["registration"],
        "landscape": state["subaccounts"][CLOUD_ALM_SUBDOMAIN]["landscape"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|object| object["lmsId"].clone())
            .collect::<Vec<_>>(),
    })
}

/// The objects as their resources' ids: `subaccount/<name>`, and the tenant of
/// every object in the landscape.
pub(crate) fn names(objects: &Json) -> BTreeSet<String> {
    let list = |name: &str| objects[name].as_array().cloned().unwrap_or_default();
    let destinations = list("destinations")
        .into_iter()
        .map(|one| format!("subaccount/{}", one["properties"]["Name"].as_str().unwrap()));
    let registered = list("landscape").into_iter().map(|id| {
        let id = id.as_str().unwrap().to_owned();
        id.rsplit('_').next().unwrap_or_default().to_owned()
    });
    destinations.chain(registered).collect()
}
