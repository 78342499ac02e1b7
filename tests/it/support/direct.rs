//! Drives one resource as the framework does, without a process and without a
//! wire: plan, create, read, update, delete. For tests of what a resource
//! decides; what Terraform sees is the business of [`super::core`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use framework::diagnostics::{Diagnostic, Diagnostics, Severity};
use framework::plan::{Change, Planned};
use framework::private::Private;
use framework::resource::{
    Context, CreateRequest, DeleteRequest, DynResource, Failed, ImportRequest, ReadRequest, Saved,
    Seen, UpdateRequest,
};
use framework::value::Value;
use sapcalm::provider::configured::Configured;
use tokio_util::sync::CancellationToken;

/// An object in the state.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) state: Value,
    pub(crate) private: Private,
}

impl Instance {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.state.get(name).as_str()
    }

    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        match self.state.get(name) {
            Value::Null => Vec::new(),
            Value::List(items) => items.iter().filter_map(Value::as_str).collect(),
            other => panic!("{name} is {other:?}"),
        }
    }

    /// What `secrets` says about one of them.
    pub(crate) fn entry(&self, name: &str) -> &str {
        self.state.get("secrets").get(name).as_str().unwrap_or("")
    }

    /// State and private state as they would be stored.
    pub(crate) fn stored(&self) -> String {
        let private = String::from_utf8(self.private.to_bytes()).unwrap();
        format!("{}{private}", contents(&self.state))
    }
}

/// All texts in a value, each on a line of its own.
pub(crate) fn contents(value: &Value) -> String {
    let mut lines = Vec::new();
    collect(value, &mut lines);
    format!("\n{}\n", lines.join("\n"))
}

fn collect<'a>(value: &'a Value, lines: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => lines.push(text),
        Value::List(items) | Value::Set(items) => {
            for item in items {
                collect(item, lines);
            }
        }
        Value::Map(entries) | Value::Object(entries) => {
            for entry in entries.values() {
                collect(entry, lines);
            }
        }
        _ => {}
    }
}

/// What one operation left.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) instance: Option<Instance>,
    pub(crate) diagnostics: Diagnostics,
}

impl Done {
    /// Of a create or an update.
    pub(crate) fn of(result: Result<Saved<Value>, Failed<Value>>) -> Self {
        let (left, diagnostics) = match result {
            Ok(saved) => (Some((saved.state, saved.private)), saved.warnings),
            Err(failed) => failed.into_parts(),
        };
        Self {
            instance: left.map(|(state, private)| Instance { state, private }),
            diagnostics,
        }
    }

    fn of_read(result: Result<Seen<Value>, Diagnostics>) -> Self {
        match result {
            Ok(Seen::There(saved)) => Self::of(Ok(saved)),
            Ok(Seen::Gone(warnings)) => {
                Self::of(Err(Failed::from(Diagnostics::new()))).saying(warnings)
            }
            Err(problems) => Self::of(Err(problems.into())),
        }
    }

    fn of_delete(result: Result<Diagnostics, Failed<Value>>) -> Self {
        match result {
            Ok(warnings) => Self::of(Err(Failed::from(Diagnostics::new()))).saying(warnings),
            Err(failed) => Self::of(Err(failed)),
        }
    }

    fn saying(mut self, diagnostics: Diagnostics) -> Self {
        self.diagnostics = diagnostics;
        self
    }

    pub(crate) fn errors(&self) -> Vec<&Diagnostic> {
        self.with_severity(Severity::Error)
    }

    pub(crate) fn warnings(&self) -> Vec<&Diagnostic> {
        self.with_severity(Severity::Warning)
    }

    fn with_severity(&self, severity: Severity) -> Vec<&Diagnostic> {
        let all = self.diagnostics.iter();
        all.filter(|one| one.severity == severity).collect()
    }

    /// The object after an operation that said nothing.
    #[track_caller]
    pub(crate) fn quietly(self) -> Instance {
        assert!(self.diagnostics.is_empty(), "{:#?}", self.diagnostics);
        self.instance.unwrap()
    }

    /// The object after an operation with this one warning.
    #[track_caller]
    pub(crate) fn warning(self, summary: &str) -> Instance {
        let messages: Vec<_> = self.diagnostics.iter().collect();
        assert_eq!(messages.len(), 1, "{messages:#?}");
        assert_eq!(messages[0].severity, Severity::Warning);
        assert_eq!(messages[0].summary, summary);
        self.instance.unwrap()
    }

    /// The only error.
    #[track_caller]
    pub(crate) fn error(&self) -> &Diagnostic {
        let errors = self.errors();
        assert_eq!(errors.len(), 1, "{:#?}", self.diagnostics);
        errors[0]
    }
}

pub(crate) fn text(text: &str) -> Value {
    Value::string(text)
}

/// Some attributes of a nested object; what is not there reads as null.
pub(crate) fn object<const N: usize>(given: [(&str, Value); N]) -> Value {
    Value::Map(given.map(|(name, value)| (name.to_owned(), value)).into())
}

/// An operation that has half a minute.
pub(crate) fn context() -> Context {
    Context {
        deadline: Instant::now() + Duration::from_secs(30),
        cancel: CancellationToken::new(),
    }
}

/// A resource, and who drives it.
pub(crate) struct Direct {
    pub(crate) resource: &'static dyn DynResource<Configured>,
}

impl Direct {
    /// A configuration: these attributes, the others null.
    pub(crate) fn configuration<const N: usize>(&self, given: [(&str, Value); N]) -> Value {
        let attributes = self.resource.definition().schema.attributes.iter();
        let mut entries: BTreeMap<String, Value> = attributes
            .map(|attribute| (attribute.name.to_owned(), Value::Null))
            .collect();
        for (name, value) in given {
            assert!(entries.insert(name.to_owned(), value).is_some(), "{name}");
        }
        Value::Object(entries)
    }

    pub(crate) fn planned(
        &self,
        provider: &Configured,
        config: &Value,
        prior: Option<&Instance>,
    ) -> Planned {
        let change = Change {
            config: config.clone(),
            prior: prior.map_or(Value::Null, |prior| prior.state.clone()),
            private: prior.map_or_else(Private::default, |prior| prior.private.clone()),
        };
        let planned = self.resource.plan(Some(provider), change);
        let problems = &planned.diagnostics;
        assert!(!problems.has_errors(), "{problems:#?}");
        planned
    }

    pub(crate) fn plans_nothing(
        &self,
        provider: &Configured,
        config: &Value,
        prior: &Instance,
    ) -> bool {
        let planned = self.planned(provider, config, Some(prior));
        for (name, value) in planned.state.entries().unwrap() {
            if !value.same(prior.state.get(name)) {
                eprintln!("{name} is planned to change");
            }
        }
        planned.state.same(&prior.state)
    }

    pub(crate) async fn create(&self, provider: &Configured, config: &Value) -> Done {
        self.create_within(provider, config, &context()).await
    }

    pub(crate) async fn create_within(
        &self,
        provider: &Configured,
        config: &Value,
        context: &Context,
    ) -> Done {
        self.create_instead(provider, config, None, context).await
    }

    /// The create of a replacement: its plan begins with what was kept beside the
    /// object that is replaced.
    pub(crate) async fn create_instead(
        &self,
        provider: &Configured,
        config: &Value,
        replaced: Option<&Instance>,
        context: &Context,
    ) -> Done {
        let change = Change {
            config: config.clone(),
            prior: Value::Null,
            private: replaced.map_or_else(Private::default, |replaced| replaced.private.clone()),
        };
        let planned = self.resource.plan(Some(provider), change);
        let problems = &planned.diagnostics;
        assert!(!problems.has_errors(), "{problems:#?}");
        let Planned {
            state, mut private, ..
        } = planned;
        let request = CreateRequest {
            config: config.clone(),
            planned: state.clone(),
            decision: private.take_decision(),
        };
        let done = Done::of(self.resource.create(provider, context, request).await);
        keeps_the_plan(&state, &done);
        // Terraform destroys such an object in the next run: only where nobody
        // knows what came of the call, and the error says so.
        if done.instance.is_some() && done.diagnostics.has_errors() {
            assert!(
                done.error().detail.contains("as tainted"),
                "{:#?}",
                done.error()
            );
        }
        done
    }

    pub(crate) async fn read(&self, provider: &Configured, instance: &Instance) -> Done {
        let request = ReadRequest {
            state: instance.state.clone(),
            private: instance.private.clone(),
        };
        Done::of_read(self.resource.read(provider, &context(), request).await)
    }

    pub(crate) async fn update(
        &self,
        provider: &Configured,
        config: &Value,
        prior: &Instance,
    ) -> Done {
        self.update_within(provider, config, prior, &context())
            .await
    }

    pub(crate) async fn update_within(
        &self,
        provider: &Configured,
        config: &Value,
        prior: &Instance,
        context: &Context,
    ) -> Done {
        let mut plan = self.planned(provider, config, Some(prior));
        assert!(plan.replace.is_empty(), "an update replaces");
        assert!(!plan.state.same(&prior.state), "there is nothing to update");
        let request = UpdateRequest {
            config: config.clone(),
            planned: plan.state.clone(),
            prior: prior.state.clone(),
            decision: plan.private.take_decision(),
            private: plan.private,
        };
        let done = Done::of(self.resource.update(provider, context, request).await);
        keeps_the_plan(&plan.state, &done);
        done
    }

    pub(crate) async fn delete(&self, provider: &Configured, instance: &Instance) -> Done {
        let request = DeleteRequest {
            prior: instance.state.clone(),
            private: instance.private.clone(),
        };
        Done::of_delete(self.resource.delete(provider, &context(), request).await)
    }

    /// A delete that did it.
    pub(crate) async fn delete_quietly(&self, provider: &Configured, instance: &Instance) {
        let done = self.delete(provider, instance).await;
        assert!(done.diagnostics.is_empty(), "{:#?}", done.diagnostics);
        assert!(done.instance.is_none());
    }

    /// An import by id, and the read that follows it.
    pub(crate) async fn import(&self, provider: &Configured, id: &str) -> Done {
        let stub = self
            .resource
            .import(ImportRequest::Id(id.to_owned()))
            .unwrap();
        let stub = Instance {
            state: stub,
            private: Private::default(),
        };
        self.read(provider, &stub).await
    }
}

/// Terraform's own rule: what the plan knew has come true.
pub(crate) fn keeps_the_plan(planned: &Value, done: &Done) {
    let Some(Instance { state, .. }) = &done.instance else {
        return;
    };
    assert!(state.is_wholly_known());
    for (name, value) in planned.entries().unwrap() {
        assert!(
            has_come_true(value, state.get(name)) || done.diagnostics.has_errors(),
            "{name} was planned otherwise"
        );
    }
}

/// Whether a value is the planned one, where the plan knew it.
fn has_come_true(planned: &Value, value: &Value) -> bool {
    match (planned, value) {
        (Value::Unknown, _) => true,
        (Value::Map(planned), Value::Map(value)) => {
            planned.len() == value.len()
                && planned
                    .iter()
                    .all(|(key, one)| value.get(key).is_some_and(|it| has_come_true(one, it)))
        }
        _ => planned.same(value),
    }
}
