//! The kinds of the sample that answer with events: a list of things without
//! an end, and an action that counts. What they do can be chosen with the
//! attribute `behave`.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use serde::Deserialize;

use super::{Model, World, failure, minutes, wait};
use crate::action::{Action, Progress};
use crate::definition::{Definition, Described, Kind};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::list_resource::{ListRequest, ListResource, Results};
use crate::resource::Context;
use crate::schema::{Attribute, Schema};
use crate::value::Value;

pub(in super::super) struct Things;

pub(in super::super) static THINGS: Definition = Definition::new(
    Kind::ListResource,
    super::DEFINITION.type_name,
    &Schema::new(
        0,
        "Things.",
        &[
            Attribute::string("behave").describe("What listing does."),
            Attribute::timeouts(&[Attribute::timeout("list", "Time to list. Default `20m`.")]),
        ],
    ),
);

#[derive(Deserialize)]
pub(in super::super) struct Config {
    behave: Option<String>,
    #[serde(rename = "timeouts")]
    _timeouts: Option<serde::de::IgnoredAny>,
}

impl Described for Things {
    fn definition(&self) -> &'static Definition {
        &THINGS
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        match config.get("behave").as_str() {
            Some("invalid") => Diagnostic::error("Invalid list", "It says so itself.").into(),
            _ => Diagnostics::new(),
        }
    }
}

impl ListResource for Things {
    type Provider = World;
    type Config = Config;

    async fn list(
        &self,
        world: &World,
        context: &Context,
        request: ListRequest<Config>,
        results: &mut Results,
    ) -> Diagnostics {
        let behaves = |how| request.config.behave.as_deref() == Some(how);
        if behaves("fail") {
            return failure();
        }
        let warning = Diagnostic::warning("Many", "There is no end of them.");
        if behaves("warn") && results.report(warning).await.is_break() {
            return Diagnostics::new();
        }
        for number in 0.. {
            let id = format!("id-{number}");
            let thing = Model {
                id: (!behaves("nameless")).then_some(id.clone()),
                revision: Some(number),
                secret_wo: Some("s3cr3t".to_owned()),
                seen: Some(format!("minutes={}", minutes(context.deadline))),
                ..Model::default()
            };
            world.listed.fetch_add(1, Ordering::Relaxed);
            let flow = results.found(&thing, format!("Thing {number}")).await;
            if flow == ControlFlow::Break(()) && !behaves("never_stop") {
                break;
            }
            match number {
                2 if behaves("panic") => panic!("list s3cr3t"),
                2 if behaves("few") => break,
                9 => break,
                _ => {}
            }
        }
        Diagnostics::new()
    }
}

pub(in super::super) struct Count;

pub(in super::super) static COUNT: Definition = Definition::new(
    Kind::Action,
    "sample_count",
    &Schema::new(
        0,
        "Counts to three.",
        &[Attribute::string("behave").describe("What counting does.")],
    ),
);

#[derive(Deserialize)]
pub(in super::super) struct CountConfig {
    behave: Option<String>,
}

impl Described for Count {
    fn definition(&self) -> &'static Definition {
        &COUNT
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        match config.get("behave").as_str() {
            Some("invalid") => Diagnostic::error("Invalid action", "It says so itself.").into(),
            _ => Diagnostics::new(),
        }
    }
}

impl Action for Count {
    type Provider = World;
    type Config = CountConfig;

    fn plan(&self, provider: Option<&World>, config: &Value) -> Diagnostics {
        match (provider, config.get("behave").as_str()) {
            (None, _) => Diagnostic::warning("Not configured", "Less is known.").into(),
            (_, Some("impossible")) => Diagnostic::error("No plan", "On purpose.").into(),
            _ => Diagnostics::new(),
        }
    }

    async fn invoke(
        &self,
        _: &World,
        context: &Context,
        config: CountConfig,
        progress: &Progress,
    ) -> Diagnostics {
        for number in ["one", "two", "three"] {
            progress.say(number).await;
        }
        match config.behave.as_deref() {
            Some("fail") => failure(),
            Some("warn") => Diagnostic::warning("Counted", "To three only.").into(),
            Some("panic") => panic!("count s3cr3t"),
            Some("slow") => {
                wait(context).await;
                Diagnostic::error("Stopped", "As asked.").into()
            }
            _ => Diagnostics::new(),
        }
    }
}
