//! Terraform's commands against one provider: each is a series of graph walks,
//! and each walk has a provider process of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::configuration::{Phase, Resource, Values, create_first, in_order};
use super::diagnostics::Diags;
use super::hook::PreApply;
use super::managed::ImportBy;
use super::outcome::Outcome;
use super::process::{self, Launch, Network, Process};
use super::release::Release;
use super::schema::ProviderSchema;
use super::session::{Interrupt, Planned, Session, Shared};
use super::state::{Instance, State};
use super::walks::{ApplyWalk, PlanWalk, evaluate, plan_delete, plan_deposed, refresh};
use crate::counts::Checks;

/// Where the provider comes from.
enum Source {
    /// A process of its own for every walk.
    Program(Launch),
    /// A server in this test, on this Unix socket.
    Server(PathBuf),
}

/// Terraform core with one provider, one configuration of it, and one state.
pub struct Core {
    source: Source,
    shared: Shared,
    schema: Option<Arc<ProviderSchema>>,
    provider_config: Json,
    /// When it differs: the provider block before apply, with unknown values.
    provider_config_at_plan: Option<Json>,
    pub state: State,
    /// How many provider processes were started.
    pub processes: usize,
    /// stderr of every process so far.
    logs: Vec<Arc<Mutex<Vec<u8>>>>,
    scenario: String,
}

/// What a command is about.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    /// The configuration is complete: what it does not name is destroyed.
    All,
    /// Only the given resources.
    Given,
}

/// A plan that can be applied later, as a saved plan file can.
#[must_use = "apply it or look at its outcome"]
pub struct SavedPlan {
    pub outcome: Outcome,
    /// The state after the refresh, which the plan was made from.
    state: State,
}

impl Core {
    /// A provider's program.
    pub async fn launch(launch: Launch) -> Self {
        Self::new(Source::Program(launch)).await
    }

    /// A provider that this test serves itself on a Unix socket, without TLS.
    pub async fn connect(socket: &Path) -> Self {
        Self::new(Source::Server(socket.to_owned())).await
    }

    #[expect(
        clippy::unused_async,
        reason = "so that starting early is possible later without changing every test"
    )]
    async fn new(source: Source) -> Self {
        let thread = std::thread::current();
        Self {
            source,
            shared: Shared {
                release: Release::V1_16,
                checks: Checks::default(),
                calls: Arc::default(),
                interrupt: Arc::default(),
                on_signal: None,
                repeat: false,
                hook: None,
            },
            schema: None,
            provider_config: json!({}),
            provider_config_at_plan: None,
            state: State::default(),
            processes: 0,
            logs: Vec::new(),
            scenario: thread.name().unwrap_or("a scenario").to_owned(),
        }
    }

    /// Plays another Terraform.
    pub fn release(&mut self, release: Release) {
        self.shared.release = release;
        self.schema = None;
    }

    /// From now on every plan and read is asked for twice, and both answers must
    /// be the same. Not for tests that count requests.
    pub fn repeat_calls(&mut self, repeat: bool) {
        self.shared.repeat = repeat;
    }

    /// From now on this sees every apply.
    pub fn hook(&mut self, hook: Arc<PreApply>) {
        self.shared.hook = Some(hook);
    }

    /// The provider block.
    pub fn configure(&mut self, config: Json) {
        self.provider_config = config;
        self.provider_config_at_plan = None;
    }

    /// The provider block as it is before apply, with unknown values; at apply
    /// that of [`Core::configure`] holds, which has to be called before.
    pub fn configure_at_plan(&mut self, config: Json) {
        self.provider_config_at_plan = Some(config);
    }

    /// Whether the provider block is another one before apply.
    pub fn is_unknown_at_plan(&self) -> bool {
        self.provider_config_at_plan.is_some()
    }

    /// Sets an environment variable for every process from now on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        let Source::Program(launch) = &mut self.source else {
            panic!("a server in the test has no environment")
        };
        launch.env.retain(|(other, _)| other != name);
        launch.env.push((name.to_owned(), value.to_owned()));
    }

    /// Interrupts the next call of a method, some time after it began.
    pub fn interrupt_next(&mut self, method: &'static str, after: Duration, what: Interrupt) {
        *self.shared.interrupt.lock().unwrap() = Some(Planned {
            method,
            after,
            what,
        });
    }

    /// Interrupts whatever call there is when the signal is cancelled, in every
    /// command from now on; nothing takes that back.
    pub fn on_signal(&mut self, signal: Option<(CancellationToken, Interrupt)>) {
        self.shared.on_signal = signal;
    }

    pub fn checks(&self) -> &Checks {
        &self.shared.checks
    }

    /// The methods called so far, in order.
    pub fn calls(&self) -> Vec<String> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// What all provider processes wrote to stderr so far.
    pub fn log(&self) -> String {
        self.logs
            .iter()
            .map(|log| String::from_utf8_lossy(&log.lock().unwrap()).into_owned())
            .collect()
    }

    /// The object in the state as JSON; null when there is none.
    pub fn object(&self, address: &str) -> Json {
        self.state
            .current
            .get(address)
            .map_or(Json::Null, Instance::json)
    }

    #[track_caller]
    pub fn instance(&self, address: &str) -> &Instance {
        self.state
            .current
            .get(address)
            .unwrap_or_else(|| panic!("{address} is not in the state"))
    }

    /// `terraform state rm`.
    #[track_caller]
    pub fn forget(&mut self, address: &str) -> Instance {
        self.state
            .current
            .remove(address)
            .unwrap_or_else(|| panic!("{address} is not in the state"))
    }

    /// `terraform taint`.
    #[track_caller]
    pub fn taint(&mut self, address: &str) {
        self.state
            .current
            .get_mut(address)
            .unwrap_or_else(|| panic!("{address} is not in the state"))
            .tainted = true;
    }

    /// The provider's schema; loads it if no command has done so yet.
    pub async fn schema(&mut self) -> Arc<ProviderSchema> {
        let mut diags = Diags::default();
        self.load_schema(&mut diags).await;
        assert!(!diags.has_errors(), "{diags}");
        Arc::clone(self.schema.as_ref().unwrap())
    }

    /// A connected provider that is not configured, for calls of a test's own.
    /// End it with [`Session::close`].
    pub async fn session(&mut self) -> Session {
        self.schema().await;
        self.connected().await
    }

    /// As [`Core::session`], and configured.
    pub async fn configured_session(&mut self) -> Session {
        self.schema().await;
        let mut diags = Diags::default();
        let session = self.known_walk(&mut diags).await;
        assert!(!diags.has_errors(), "{diags}");
        session.unwrap()
    }

    pub async fn load_schema(&mut self, diags: &mut Diags) -> bool {
        if self.schema.is_none() {
            let session = self.connected().await;
            self.schema = session.load_schema(diags).await.map(Arc::new);
            session.close().await;
        }
        self.schema.is_some()
    }

    pub async fn connected(&mut self) -> Session {
        let (process, channel) = match &self.source {
            Source::Program(launch) => {
                let process = Process::start(launch)
                    .await
                    .unwrap_or_else(|e| panic!("Failed to start plugin: {e}"));
                self.logs.push(process.stderr_buffer());
                let channel = process
                    .connect()
                    .await
                    .unwrap_or_else(|e| panic!("{e}\n{}", process.stderr()));
                (Some(process), channel)
            }
            Source::Server(socket) => (
                None,
                process::connect(Network::Unix(socket.clone()), None)
                    .await
                    .unwrap(),
            ),
        };
        self.processes += 1;
        let mut session = Session::new(channel, process, self.shared.clone()).await;
        if let Some(schema) = &self.schema {
            session.set_schema(Arc::clone(schema));
            let shared = self.shared.release.shares_the_schema()
                && schema.capabilities.get_provider_schema_optional;
            if !shared {
                let _ = session.load_schema(&mut Diags::default()).await;
            }
        }
        session
    }

    /// Starts a walk: a process, configured as the phase wants it.
    pub async fn walk(&mut self, phase: Phase, diags: &mut Diags) -> Option<Session> {
        let config = match &self.provider_config_at_plan {
            Some(config) if phase != Phase::Apply => config.clone(),
            _ => self.provider_config.clone(),
        };
        self.start_walk(phase, &config, diags).await
    }

    /// A walk outside plan and apply, for which everything must be known: import,
    /// a query, and what a test asks on its own.
    pub async fn known_walk(&mut self, diags: &mut Diags) -> Option<Session> {
        let config = self.provider_config.clone();
        self.start_walk(Phase::Plan, &config, diags).await
    }

    async fn start_walk(
        &mut self,
        phase: Phase,
        config: &Json,
        diags: &mut Diags,
    ) -> Option<Session> {
        if !self.load_schema(diags).await {
            return None;
        }
        let mut session = self.connected().await;
        match phase {
            // Terraform does not validate a provider block that is not there.
            Phase::Validate if config.as_object().is_none_or(serde_json::Map::is_empty) => {}
            Phase::Validate => drop(session.validate_provider(config, diags).await),
            Phase::Plan => session.configure(config, diags).await,
            Phase::Apply => {
                session.set_applying();
                session.configure(config, diags).await;
            }
        }
        if diags.has_errors() {
            session.close().await;
            return None;
        }
        Some(session)
    }

    /// `terraform validate`: references to other objects are unknown.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn validate(&mut self, resources: &[Resource]) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(session) = self.walk(Phase::Validate, &mut outcome.diags).await else {
            return outcome;
        };
        let values = Values {
            phase: Phase::Validate,
            objects: BTreeMap::new(),
        };
        for resource in in_order(resources) {
            if let Some(config) = evaluate(&session, resource, &values, &mut outcome.diags) {
                session
                    .validate(
                        &resource.type_name,
                        &resource.address(),
                        &config,
                        &mut outcome.diags,
                    )
                    .await;
            }
        }
        session.close().await;
        outcome
    }

    /// `terraform plan`. What is in the state and not in the configuration is
    /// planned for destruction. The state itself is not changed.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn plan(&mut self, resources: &[Resource]) -> Outcome {
        self.plan_saved(resources, Scope::All).await.outcome
    }

    /// `terraform plan` of one resource, as if it were all there is.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn plan_one(&mut self, type_name: &str, name: &str, config: Json) -> Outcome {
        let resource = [Resource::new(type_name, name, config)];
        self.plan_saved(&resource, Scope::Given).await.outcome
    }

    /// `terraform plan -out`.
    pub async fn plan_for_later(&mut self, resources: &[Resource]) -> SavedPlan {
        self.plan_saved(resources, Scope::All).await
    }

    /// `terraform apply`.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn apply(&mut self, resources: &[Resource]) -> Outcome {
        self.apply_in(resources, Scope::All).await
    }

    /// `terraform apply` of one resource; the others are left alone.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn apply_one(&mut self, type_name: &str, name: &str, config: Json) -> Outcome {
        let resource = [Resource::new(type_name, name, config)];
        self.apply_in(&resource, Scope::Given).await
    }

    async fn apply_in(&mut self, resources: &[Resource], scope: Scope) -> Outcome {
        let plan = self.plan_saved(resources, scope).await;
        self.apply_saved(resources, plan).await
    }

    /// `terraform apply` of a saved plan, made from the same resources.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn apply_saved(&mut self, resources: &[Resource], plan: SavedPlan) -> Outcome {
        let SavedPlan { mut outcome, state } = plan;
        if outcome.diags.has_errors() {
            return outcome;
        }
        self.state = state;
        if outcome.is_empty() {
            // Terraform applies an empty plan, too: a walk in which nothing happens.
            if let Some(session) = self.walk(Phase::Apply, &mut outcome.diags).await {
                session.close().await;
            }
            return outcome;
        }
        if let Some(session) = self.walk(Phase::Apply, &mut outcome.diags).await {
            let mut walk = ApplyWalk {
                session: &session,
                state: &mut self.state,
                ordered: in_order(resources),
                failed: BTreeSet::new(),
                values: Values {
                    phase: Phase::Apply,
                    objects: BTreeMap::new(),
                },
                diags: Diags::default(),
            };
            walk.run(&outcome.changes).await;
            outcome.diags.append(walk.diags);
            session.report_interrupt(&mut outcome.diags);
            session.close().await;
        }
        outcome
    }

    async fn plan_saved(&mut self, resources: &[Resource], scope: Scope) -> SavedPlan {
        let mut state = self.state.clone();
        let mut outcome = self.validate(resources).await;
        if outcome.diags.has_errors() {
            return SavedPlan { outcome, state };
        }
        let Some(session) = self.walk(Phase::Plan, &mut outcome.diags).await else {
            return SavedPlan { outcome, state };
        };
        let ordered = in_order(resources);
        let mut walk = PlanWalk {
            session: &session,
            state: &mut state,
            create_first: create_first(&ordered),
            failed: BTreeSet::new(),
            values: Values {
                phase: Phase::Plan,
                objects: BTreeMap::new(),
            },
            outcome: &mut outcome,
        };
        for resource in &ordered {
            walk.plan(resource).await;
        }
        if scope == Scope::All {
            walk.plan_orphans(&ordered).await;
            plan_deposed(&session, &mut state, &mut outcome).await;
        }
        session.report_interrupt(&mut outcome.diags);
        session.close().await;
        SavedPlan { outcome, state }
    }

    /// `terraform apply -refresh-only`.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn refresh(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(session) = self.walk(Phase::Plan, &mut outcome.diags).await else {
            return outcome;
        };
        let mut state = self.state.clone();
        for address in self.state.current.keys() {
            let _ = refresh(&session, &mut state, address, &mut outcome.diags).await;
        }
        session.report_interrupt(&mut outcome.diags);
        session.close().await;
        if !outcome.diags.has_errors() {
            self.state = state;
        }
        outcome
    }

    /// Plans and fails the test unless there is nothing to do.
    pub async fn assert_empty_plan(&mut self, resources: &[Resource]) {
        self.plan(resources).await.assert_empty();
    }

    /// Plans one resource and fails the test unless there is nothing to do.
    pub async fn assert_empty_plan_one(&mut self, type_name: &str, name: &str, config: Json) {
        self.plan_one(type_name, name, config).await.assert_empty();
    }

    /// `terraform import`, by the id that the documentation names.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn import_by_id(&mut self, type_name: &str, name: &str, id: &str) -> Outcome {
        self.import(type_name, name, &ImportBy::Id(id.to_owned()))
            .await
    }

    /// An `import` block with an identity (1.12).
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn import_by_identity(
        &mut self,
        type_name: &str,
        name: &str,
        identity: Json,
    ) -> Outcome {
        self.import(type_name, name, &ImportBy::Identity(identity))
            .await
    }

    async fn import(&mut self, type_name: &str, name: &str, by: &ImportBy) -> Outcome {
        let mut outcome = Outcome::default();
        let address = format!("{type_name}.{name}");
        assert!(
            !self.state.current.contains_key(&address),
            "{address} is in the state already"
        );
        let Some(session) = self.known_walk(&mut outcome.diags).await else {
            return outcome;
        };
        let found = session
            .import(type_name, &address, by, &mut outcome.diags)
            .await;
        if let Some(object) = found
            && !outcome.diags.has_errors()
        {
            self.state
                .current
                .insert(address, session.save(type_name, &object));
        }
        session.close().await;
        outcome
    }

    /// `terraform destroy`, dependents first. Terraform plans the configuration
    /// before, in a walk of its own, to refresh the state.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn destroy_configured(&mut self, resources: &[Resource]) -> Outcome {
        let SavedPlan { outcome, state } = self.plan_saved(resources, Scope::All).await;
        if outcome.diags.has_errors() {
            return outcome;
        }
        let addresses: Vec<String> = state.current.keys().cloned().collect();
        self.destroy_these(&addresses, state, outcome.diags).await
    }

    /// `terraform destroy` of everything in the state, whatever the configuration.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn destroy(&mut self) -> Outcome {
        let addresses: Vec<String> = self.state.current.keys().cloned().collect();
        self.refresh_and_destroy(&addresses).await
    }

    /// `terraform destroy` of one object.
    #[must_use = "call `ok` or look at the diagnostics"]
    pub async fn destroy_one(&mut self, address: &str) -> Outcome {
        self.refresh_and_destroy(&[address.to_owned()]).await
    }

    async fn refresh_and_destroy(&mut self, addresses: &[String]) -> Outcome {
        let mut outcome = Outcome::default();
        let mut state = self.state.clone();
        let Some(session) = self.walk(Phase::Plan, &mut outcome.diags).await else {
            return outcome;
        };
        for address in addresses {
            let _ = refresh(&session, &mut state, address, &mut outcome.diags).await;
        }
        session.report_interrupt(&mut outcome.diags);
        session.close().await;
        if outcome.diags.has_errors() {
            return outcome;
        }
        self.destroy_these(addresses, state, outcome.diags).await
    }

    async fn destroy_these(
        &mut self,
        addresses: &[String],
        mut state: State,
        diags: Diags,
    ) -> Outcome {
        let mut outcome = Outcome {
            diags,
            ..Outcome::default()
        };
        let Some(session) = self.walk(Phase::Plan, &mut outcome.diags).await else {
            return outcome;
        };
        for address in addresses
            .iter()
            .filter(|address| state.current.contains_key(*address))
        {
            plan_delete(&session, &state, address, &mut outcome).await;
        }
        plan_deposed(&session, &mut state, &mut outcome).await;
        session.close().await;
        self.apply_saved(&[], SavedPlan { outcome, state }).await
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let (scenario, checks) = (&self.scenario, &self.shared.checks);
        if checks.total() > 0 {
            println!(
                "{scenario}: {} provider processes, {} checks",
                self.processes,
                checks.total()
            );
        }
        // What the stand-in's own tests check is not a check of a provider.
        if matches!(self.source, Source::Program(_)) {
            checks.record();
        }
    }
}
