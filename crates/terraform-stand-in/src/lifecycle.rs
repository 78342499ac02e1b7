//! One resource through its whole life: validate with unknown values, create,
//! update, read, plan again and again, import by id and by identity, destroy.

use serde_json::{Value as Json, json};

use super::configuration::Resource;
use super::driver::Core;
use super::outcome::differing;
use super::rules::Action;
use super::state::Instance;
use super::value::{Val, unknown};

/// The name under which the driver manages its object.
const NAME: &str = "lifecycle";

/// What is to be driven, and what may differ from the strict rules.
pub struct Lifecycle {
    type_name: String,
    /// The first one creates, each further one updates or replaces.
    configs: Vec<Json>,
    depends_on_apply: Vec<String>,
    import_id: String,
    differs_after_import: Vec<String>,
    completed_by_read: Vec<String>,
    gone_after_destroy: bool,
}

impl Lifecycle {
    /// Applies the configurations one after the other.
    pub fn new(type_name: &str, configs: &[Json]) -> Self {
        assert!(!configs.is_empty());
        Self {
            type_name: type_name.to_owned(),
            configs: configs.to_vec(),
            depends_on_apply: Vec::new(),
            import_id: "id".to_owned(),
            differs_after_import: Vec::new(),
            completed_by_read: Vec::new(),
            gone_after_destroy: true,
        }
    }

    /// Configured attributes whose values are known only at apply.
    pub fn unknown_at_plan(mut self, attributes: &[&str]) -> Self {
        self.depends_on_apply = owned(attributes);
        self
    }

    /// The attribute that holds the import id; `id` otherwise.
    pub fn import_id(mut self, attribute: &str) -> Self {
        attribute.clone_into(&mut self.import_id);
        self
    }

    /// Top-level attributes that an import cannot bring back: what is
    /// write-only or secret, timeouts, behaviour switches.
    pub fn differs_after_import(mut self, attributes: &[&str]) -> Self {
        self.differs_after_import = owned(attributes);
        self
    }

    /// Computed attributes that only a read finds out, because an update that
    /// sends nothing leaves them alone.
    pub fn completed_by_read(mut self, attributes: &[&str]) -> Self {
        self.completed_by_read = owned(attributes);
        self
    }

    /// For an object that a read reports even when it is not there.
    pub fn still_read_after_destroy(mut self) -> Self {
        self.gone_after_destroy = false;
        self
    }

    /// Drives the whole life and leaves nothing behind. Every plan and read is
    /// asked for twice on the way. The test fails at the first error.
    pub async fn run(&self, tf: &mut Core) {
        tf.repeat_calls(true);
        self.validate_with_unknowns(tf).await;
        for config in &self.configs {
            self.apply(tf, config).await;
        }
        self.import_by_id(tf).await;
        self.import_by_identity(tf).await;
        self.destroy(tf).await;
        tf.repeat_calls(false);
    }

    fn address(&self) -> String {
        format!("{}.{NAME}", self.type_name)
    }

    fn resource(&self, config: &Json) -> [Resource; 1] {
        [Resource::new(&self.type_name, NAME, config.clone())]
    }

    /// Each configured attribute unknown alone, then all of them: as in the
    /// validate walk, where no variable has a value.
    async fn validate_with_unknowns(&self, tf: &mut Core) {
        for config in &self.configs {
            tf.validate(&self.resource(config)).await.ok();
            let names: Vec<&String> = config
                .as_object()
                .into_iter()
                .flat_map(serde_json::Map::keys)
                .collect();
            for name in &names {
                let mut config = config.clone();
                config[name.as_str()] = unknown();
                tf.validate(&self.resource(&config)).await.ok();
            }
            let mut all = config.clone();
            for name in names {
                all[name] = unknown();
            }
            tf.validate(&self.resource(&all)).await.ok();
        }
    }

    async fn apply(&self, tf: &mut Core, config: &Json) {
        let (late, known) = (self.depends_on_apply.clone(), config.clone());
        let resource = Resource::with(&self.type_name, NAME, move |values| {
            let mut config = known.clone();
            for name in late
                .iter()
                .filter(|name| known.get(name.as_str()).is_some())
            {
                config[name.as_str()] = values.known_at_apply(known[name.as_str()].clone());
            }
            config
        });
        tf.apply(&[resource]).await.ok();
        assert!(!tf.instance(&self.address()).tainted);
        tf.assert_empty_plan(&self.resource(config)).await;
        let mut before = tf.object(&self.address());
        tf.refresh().await.ok();
        let after = tf.object(&self.address());
        for name in &self.completed_by_read {
            before[name] = after[name].clone();
        }
        assert_eq!(
            after, before,
            "a refresh right after apply changed the state"
        );
        tf.assert_empty_plan(&self.resource(config)).await;
    }

    async fn import_by_id(&self, tf: &mut Core) {
        let known = tf.instance(&self.address()).clone();
        let id = known.json()[&self.import_id].as_str().map(str::to_owned);
        let id = id.unwrap_or_else(|| {
            panic!(
                "`{}` is not an import id in {}",
                self.import_id, known.state
            )
        });
        let before = tf.forget(&self.address());
        tf.import_by_id(&self.type_name, NAME, &id).await.ok();
        self.after_import(tf, &before).await;
    }

    async fn import_by_identity(&self, tf: &mut Core) {
        let Some(identity) = tf.instance(&self.address()).identity.clone() else {
            return;
        };
        let before = tf.forget(&self.address());
        let identity = serde_json::from_str(&identity).unwrap();
        tf.import_by_identity(&self.type_name, NAME, identity)
            .await
            .ok();
        self.after_import(tf, &before).await;
    }

    /// The imported object is the old one, the plan replaces nothing, and after
    /// it was applied there is nothing left to do.
    async fn after_import(&self, tf: &mut Core, before: &Instance) {
        let schema = tf.schema().await;
        let ty = schema.resources[&self.type_name].implied_type();
        let value = |instance: &Instance| Val::from_json(&instance.json(), &ty).unwrap();
        let after = tf.instance(&self.address());
        self.only_allowed(
            "the imported object",
            &differing(&value(before), &value(after)),
        );
        assert_eq!(after.identity, before.identity, "the imported identity");
        let config = self.configs.last().unwrap();
        let plan = tf.plan(&self.resource(config)).await.ok();
        let change = plan.change(&self.address());
        assert!(
            matches!(change.action, Action::NoOp | Action::Update),
            "an import leads to {:?} for {:?}",
            change.action,
            plan.replaces_for(&self.address()),
        );
        let computed = computed_only(&schema.resources[&self.type_name].block, change);
        let differing: Vec<_> = differing(&change.prior, &change.planned)
            .into_iter()
            .filter(|name| !computed.contains(name))
            .collect();
        self.only_allowed("the plan after an import", &differing);
        if !plan.is_empty() {
            tf.apply(&self.resource(config)).await.ok();
            tf.assert_empty_plan(&self.resource(config)).await;
        }
    }

    fn only_allowed(&self, what: &str, differing: &[String]) {
        let extra: Vec<_> = differing
            .iter()
            .filter(|name| !self.differs_after_import.contains(name))
            .collect();
        assert!(extra.is_empty(), "{what} differs in {extra:?}");
    }

    async fn destroy(&self, tf: &mut Core) {
        let old = tf.instance(&self.address()).clone();
        tf.destroy().await.ok();
        assert!(tf.state.is_empty(), "{}", tf.state.text());
        if self.gone_after_destroy {
            tf.state.current.insert(self.address(), old);
            tf.refresh().await.ok();
            assert_eq!(
                tf.object(&self.address()),
                json!(null),
                "the object is read after its destruction"
            );
        }
    }
}

/// What the provider itself made unknown for the update: not a difference that
/// the import is to blame for.
fn computed_only(block: &super::schema::Block, change: &super::change::Change) -> Vec<String> {
    let unknown = |name: &String| change.planned.get(name).is_unknown();
    let computed = |name: &String| {
        block
            .attributes
            .get(name)
            .is_some_and(|attribute| attribute.computed)
    };
    change
        .planned
        .entries()
        .map(|(name, _)| name)
        .filter(|name| unknown(name) && computed(name))
        .cloned()
        .collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
