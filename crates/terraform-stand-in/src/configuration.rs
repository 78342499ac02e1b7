//! A configuration as a test writes it: resources, what they depend on, and
//! values that one takes from another.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::ignore_changes::IgnoreChanges;
use super::managed::ImportBy;
use super::value::{Val, unknown};

/// When a configuration is evaluated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Nothing from other objects is known.
    Validate,
    Plan,
    /// Everything is known.
    Apply,
}

/// What a configuration can refer to: the other objects as they are planned or,
/// at apply, as they have become.
pub struct Values {
    pub phase: Phase,
    pub objects: BTreeMap<String, Val>,
}

impl Values {
    /// An attribute of another resource; unknown as long as it is not known.
    pub fn get(&self, address: &str, attribute: &str) -> Json {
        match self.objects.get(address) {
            Some(value) => value.get(attribute).to_json(),
            None => unknown(),
        }
    }

    /// A value that something outside the provider makes during apply.
    pub fn known_at_apply(&self, value: impl Into<Json>) -> Json {
        if self.phase == Phase::Apply {
            value.into()
        } else {
            unknown()
        }
    }
}

type Evaluate = Box<dyn Fn(&Values) -> Json + Send + Sync>;

/// One resource block.
pub struct Resource {
    pub type_name: String,
    pub name: String,
    pub depends_on: Vec<String>,
    pub create_before_destroy: bool,
    pub ignore_changes: IgnoreChanges,
    pub import: Option<ImportBy>,
    evaluate: Evaluate,
}

impl Resource {
    /// A block of constants. What is missing is null.
    pub fn new(type_name: &str, name: &str, config: Json) -> Self {
        Self::with(type_name, name, move |_| config.clone())
    }

    /// A block that refers to other objects.
    pub fn with(
        type_name: &str,
        name: &str,
        config: impl Fn(&Values) -> Json + Send + Sync + 'static,
    ) -> Self {
        Self {
            type_name: type_name.to_owned(),
            name: name.to_owned(),
            depends_on: Vec::new(),
            create_before_destroy: false,
            ignore_changes: IgnoreChanges::default(),
            import: None,
            evaluate: Box::new(config),
        }
    }

    /// Addresses (`type.name`) that this resource refers to.
    pub fn depends_on(mut self, addresses: &[&str]) -> Self {
        self.depends_on = addresses
            .iter()
            .map(|address| (*address).to_owned())
            .collect();
        self
    }

    /// `lifecycle { create_before_destroy = true }`.
    pub fn create_before_destroy(mut self) -> Self {
        self.create_before_destroy = true;
        self
    }

    /// `lifecycle { ignore_changes = [url, properties["x"]] }`, or `all` alone.
    pub fn ignore_changes(mut self, list: &[&str]) -> Self {
        self.ignore_changes = IgnoreChanges::parse(list);
        self
    }

    /// An `import` block for this resource: it takes effect as long as there is
    /// no object in the state.
    pub fn import(mut self, by: ImportBy) -> Self {
        self.import = Some(by);
        self
    }

    /// `type.name`.
    pub fn address(&self) -> String {
        format!("{}.{}", self.type_name, self.name)
    }

    pub fn config(&self, values: &Values) -> Json {
        (self.evaluate)(values)
    }
}

/// The resources so that each comes after what it depends on.
pub fn in_order(resources: &[Resource]) -> Vec<&Resource> {
    let mut ordered: Vec<&Resource> = Vec::new();
    let mut rest: Vec<&Resource> = resources.iter().collect();
    while !rest.is_empty() {
        let waiting: Vec<String> = rest.iter().map(|resource| resource.address()).collect();
        let ready = rest
            .iter()
            .position(|resource| !resource.depends_on.iter().any(|d| waiting.contains(d)));
        let ready = ready.unwrap_or_else(|| panic!("the dependencies of {waiting:?} are a circle"));
        ordered.push(rest.remove(ready));
    }
    ordered
}

/// Which resources create before they destroy: those that say so, and all that
/// these depend on.
pub fn create_first(ordered: &[&Resource]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for resource in ordered.iter().rev() {
        let address = resource.address();
        let needed = ordered
            .iter()
            .any(|other| other.depends_on.contains(&address) && found.contains(&other.address()));
        if resource.create_before_destroy || needed {
            found.push(address);
        }
    }
    found
}
