//! Labels of a destination: `…/{name}/labels`.

use http::{Method, StatusCode};
use serde::Deserialize;

use super::call::{Call, Outcome, Refusal, Reply, json_body};
use super::world::{Grant, Label, LevelKind, World};

/// Most labels of one destination and most values of one label.
const LIMIT: usize = 10;

/// Answers a request about the labels of a destination.
pub(crate) fn handle(
    world: &mut World,
    call: &Call,
    grant: &Grant,
    kind: LevelKind,
    name: &str,
) -> Outcome {
    let destination = world
        .level(grant, kind)
        .ok_or_else(Refusal::forbidden)?
        .destinations
        .get_mut(name)
        .ok_or_else(Refusal::not_found)?;
    let new = match call.method {
        Method::GET => return Ok(Reply::json(StatusCode::OK, &destination.labels)),
        Method::PUT => parse(call)?,
        Method::PATCH => {
            let change: Change = parse(call)?;
            change.applied_to(destination.labels.clone())
        }
        _ => return Err(Refusal::method_not_allowed()),
    };
    check(&new)?;
    destination.labels = new;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn parse<T: serde::de::DeserializeOwned>(call: &Call) -> Result<T, Refusal> {
    serde_json::from_value(json_body(call)?)
        .map_err(|error| Refusal::bad_request(format!("Invalid labels: {error}")))
}

/// The limits are documented, the answer beyond them is not.
fn check(labels: &[Label]) -> Result<(), Refusal> {
    if labels.len() > LIMIT {
        return Err(Refusal::bad_request("Invalid labels: more than 10 labels"));
    }
    if labels.iter().any(|label| label.values.len() > LIMIT) {
        return Err(Refusal::bad_request("Invalid labels: more than 10 values"));
    }
    Ok(())
}

/// The body of a `PATCH`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    action: Action,
    labels: Vec<Label>,
}

/// The schema says `REMOVE`, its text and its examples say `DELETE`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Action {
    Add,
    #[serde(alias = "REMOVE")]
    Delete,
}

impl Change {
    fn applied_to(self, mut labels: Vec<Label>) -> Vec<Label> {
        for change in self.labels {
            let existing = labels.iter_mut().find(|label| label.key == change.key);
            match (self.action, existing) {
                (Action::Add, None) => labels.push(change),
                (Action::Add, Some(label)) => {
                    for value in change.values {
                        if !label.values.contains(&value) {
                            label.values.push(value);
                        }
                    }
                }
                (Action::Delete, None) => {}
                (Action::Delete, Some(label)) => {
                    label.values.retain(|value| !change.values.contains(value));
                }
            }
        }
        labels.retain(|label| !label.values.is_empty());
        labels
    }
}
