//! Answers that are wrong in one way each, and what core says to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::cases::{Block, Case, Command, apply, full, full_but, good, late, one};
use crate::fake_provider::{Answer, Call, Spoil};
use terraform_stand_in::value::Val;

const VALIDATE: &str = "ValidateResourceConfig";
const PLAN: &str = "PlanResourceChange";
const APPLY: &str = "ApplyResourceChange";
const READ: &str = "ReadResource";
const UPGRADE: &str = "UpgradeResourceState";
const IMPORT: &str = "ImportResourceState";

const INVALID_PLAN: &str = "Provider produced invalid plan";
const INCONSISTENT_PLAN: &str = "Provider produced inconsistent final plan";
const INCONSISTENT_RESULT: &str = "Provider produced inconsistent result after apply";
const INVALID_RESULT: &str = "Provider returned invalid result object after apply";
const INVALID_OBJECT: &str = "Provider produced invalid object";
const BROKEN: &str = "Broken on purpose";

/// All of them.
pub(super) fn broken() -> Vec<Case> {
    [
        plans(),
        creates(),
        updates(),
        deletes(),
        reads_and_upgrades(),
        imports(),
        second_plans(),
        failures(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The answers to one method are wrong during the last command.
fn spoiled(
    case: Case,
    summary: &'static str,
    method: &'static str,
    spoil: impl Fn(&Call, &mut Answer) + Send + Sync + 'static,
) -> Case {
    let spoil: Spoil = Arc::new(move |call, answer| {
        if call.method == method {
            spoil(call, answer);
        }
    });
    Case {
        spoil,
        summary,
        ..case
    }
}

fn on_create(
    name: &'static str,
    summary: &'static str,
    method: &'static str,
    spoil: impl Fn(&Call, &mut Answer) + Send + Sync + 'static,
) -> Case {
    spoiled(
        good(name, Vec::new(), apply(full())),
        summary,
        method,
        spoil,
    )
}

fn on_update(
    name: &'static str,
    summary: &'static str,
    method: &'static str,
    spoil: impl Fn(&Call, &mut Answer) + Send + Sync + 'static,
) -> Case {
    let changed = full_but(&json!({"size": 7}));
    spoiled(
        good(name, vec![apply(full())], apply(changed)),
        summary,
        method,
        spoil,
    )
}

fn on_destroy(
    name: &'static str,
    summary: &'static str,
    method: &'static str,
    spoil: impl Fn(&Call, &mut Answer) + Send + Sync + 'static,
) -> Case {
    let case = good(name, vec![apply(full())], Command::Destroy(one(full())));
    spoiled(case, summary, method, spoil)
}

fn on_import(
    name: &'static str,
    summary: &'static str,
    method: &'static str,
    spoil: impl Fn(&Call, &mut Answer) + Send + Sync + 'static,
) -> Case {
    let case = good(name, vec![apply(full())], Command::ImportBlock(one(full())));
    spoiled(case, summary, method, spoil)
}

fn remove(value: &mut Val, name: &str) {
    let Val::Object(object) = value else { return };
    object.remove(name);
}

fn object(pairs: &[(&str, Val)]) -> Val {
    Val::Object(
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    )
}

/// Plans.
#[expect(clippy::too_many_lines, reason = "a table")]
fn plans() -> Vec<Case> {
    vec![
        on_create(
            "plan changes a configured value",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                answer.state.put("size", Val::Number(2_i64.into()));
            },
        ),
        on_create(
            "plan sets what is not configured",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                answer.state.put(
                    "labels",
                    Val::Map(BTreeMap::from([("k".to_owned(), Val::string("v"))])),
                );
            },
        ),
        on_create(
            "plan changes a sensitive value",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                answer.state.put("secret", Val::string("other"));
            },
        ),
        on_create(
            "plan makes a configured value unknown",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                answer.state.put("tags", Val::Unknown);
            },
        ),
        on_create(
            "plan lacks an attribute",
            "an object with 18 attributes is required (17 given)",
            PLAN,
            |_, answer| {
                remove(&mut answer.state, "size");
            },
        ),
        on_create(
            "plan has an extra key",
            "an object with 18 attributes is required (19 given)",
            PLAN,
            |_, answer| {
                answer.state.put("surplus", Val::Null);
            },
        ),
        on_create("plan is null", INVALID_PLAN, PLAN, |_, answer| {
            answer.state = Val::Null;
        }),
        on_create(
            "plan holds a write-only value",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                answer.state.put("secret_wo", Val::string("w"));
            },
        ),
        on_create(
            "plan drops a nested object",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                answer.state.put("single", Val::Null);
            },
        ),
        on_create(
            "plan adds a nested list element",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                let mut list = answer.state.get("several").elements().to_vec();
                list.push(list[0].clone());
                answer.state.put("several", Val::List(list));
            },
        ),
        on_create(
            "plan renames a key of a nested map",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                let element = answer.state.get("keyed").get("k");
                answer.state.put(
                    "keyed",
                    Val::Map(BTreeMap::from([("other".to_owned(), element)])),
                );
            },
        ),
        on_create(
            "plan drops a nested set element",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                let set = answer.state.get("unordered").elements().to_vec();
                answer.state.put("unordered", Val::set(set[..1].to_vec()));
            },
        ),
        on_create(
            "plan changes a value in a nested map",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                let other = object(&[("name", Val::string("other")), ("made", Val::Unknown)]);
                answer
                    .state
                    .put("keyed", Val::Map(BTreeMap::from([("k".to_owned(), other)])));
            },
        ),
        on_create(
            "plan makes a block list unknown",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                answer.state.put("rule", Val::Unknown);
            },
        ),
        on_create("plan drops a block", INVALID_PLAN, PLAN, |_, answer| {
            answer.state.put("rule", Val::List(Vec::new()));
        }),
        on_create(
            "plan makes a block null",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                answer.state.put("owner", Val::Null);
            },
        ),
        on_create(
            "plan makes a set block element unknown",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                answer.state.put("zone", Val::Set(vec![Val::Unknown]));
            },
        ),
        on_update(
            "plan replaces for a path that does not exist",
            INVALID_PLAN,
            PLAN,
            |_, answer| {
                answer.replaces_for.push("nowhere");
            },
        ),
        on_update("plan keeps the prior value", "", PLAN, |call, answer| {
            answer.state = call.prior.clone();
        }),
        on_update(
            "plan replaces for what did not change",
            "",
            PLAN,
            |_, answer| {
                answer.replaces_for.push("labels");
            },
        ),
        on_update(
            "plan replaces for what became unknown",
            "",
            PLAN,
            |call, answer| {
                if !call.is_create() && !call.is_delete() {
                    answer.state.put("note", Val::Unknown);
                    answer.replaces_for.push("note");
                }
            },
        ),
        on_update("provider cannot plan", BROKEN, PLAN, |_, answer| {
            answer.errors.push(BROKEN);
        }),
        on_create("configuration is refused", BROKEN, VALIDATE, |_, answer| {
            answer.errors.push(BROKEN);
        }),
        on_destroy(
            "destroy plan is not null",
            INVALID_PLAN,
            PLAN,
            |call, answer| {
                if call.is_delete() {
                    answer.state = call.prior.clone();
                }
            },
        ),
    ]
}

/// Results of a create.
#[expect(clippy::too_many_lines, reason = "a table")]
fn creates() -> Vec<Case> {
    vec![
        on_create(
            "create leaves an unknown value",
            INVALID_RESULT,
            APPLY,
            |_, answer| {
                answer.state.put("note", Val::Unknown);
            },
        ),
        on_create(
            "create changes a known value",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                answer.state.put("name", Val::string("other"));
            },
        ),
        on_create(
            "create changes a sensitive value",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                answer.state.put("secret", Val::string("other"));
            },
        ),
        on_create(
            "create returns null",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                answer.state = Val::Null;
            },
        ),
        on_create(
            "create lets a set grow",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                let mut set = answer.state.get("tags").elements().to_vec();
                set.push(Val::string("v"));
                answer.state.put("tags", Val::set(set));
            },
        ),
        on_create(
            "create changes a set element",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                answer
                    .state
                    .put("tags", Val::set(vec![Val::string("t"), Val::string("x")]));
            },
        ),
        on_create(
            "create lets a map key vanish",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                answer.state.put("labels", Val::Map(BTreeMap::new()));
            },
        ),
        on_create(
            "create lets a list element appear",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                let mut list = answer.state.get("ports").elements().to_vec();
                list.push(Val::Number(3_i64.into()));
                answer.state.put("ports", Val::List(list));
            },
        ),
        on_create(
            "create lets a block appear",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                let mut list = answer.state.get("rule").elements().to_vec();
                list.push(list[0].clone());
                answer.state.put("rule", Val::List(list));
            },
        ),
        on_create(
            "create changes a value in a nested object",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                let other = object(&[("name", Val::string("other")), ("made", Val::string("m"))]);
                answer.state.put("single", other);
            },
        ),
        on_create(
            "create gives a null attribute a value",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                let other = object(&[("name", Val::Null), ("made", Val::string("m"))]);
                answer.state.put("single", other);
            },
        ),
        on_create(
            "create returns a write-only value",
            INVALID_OBJECT,
            APPLY,
            |_, answer| {
                answer.state.put("secret_wo", Val::string("w"));
            },
        ),
        on_create(
            "create lacks an attribute",
            "an object with 18 attributes is required (17 given)",
            APPLY,
            |_, answer| {
                remove(&mut answer.state, "size");
            },
        ),
        on_create("create fails with an object", BROKEN, APPLY, |_, answer| {
            answer.errors.push(BROKEN);
        }),
        on_create(
            "create fails without an object",
            BROKEN,
            APPLY,
            |_, answer| {
                answer.errors.push(BROKEN);
                answer.state = Val::Null;
            },
        ),
        on_create(
            "create fails with unknown values",
            "Broken on purpose\nProvider returned invalid result object after apply",
            APPLY,
            |call, answer| {
                answer.errors.push(BROKEN);
                answer.state = call.proposed.clone();
            },
        ),
    ]
}

/// Results of an update.
fn updates() -> Vec<Case> {
    vec![
        on_update(
            "update changes a known value",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                answer.state.put("size", Val::Number(8_i64.into()));
            },
        ),
        on_update(
            "update returns null",
            INCONSISTENT_RESULT,
            APPLY,
            |_, answer| {
                answer.state = Val::Null;
            },
        ),
        on_update(
            "update fails with the old object",
            BROKEN,
            APPLY,
            |call, answer| {
                answer.errors.push(BROKEN);
                answer.state = call.prior.clone();
            },
        ),
        on_update(
            "update fails without an object",
            BROKEN,
            APPLY,
            |_, answer| {
                answer.errors.push(BROKEN);
                answer.state = Val::Null;
            },
        ),
    ]
}

/// Results of a delete.
fn deletes() -> Vec<Case> {
    vec![
        on_destroy(
            "delete returns an object",
            INVALID_RESULT,
            APPLY,
            |call, answer| {
                answer.state = call.prior.clone();
            },
        ),
        on_destroy(
            "delete fails with the object",
            BROKEN,
            APPLY,
            |call, answer| {
                answer.errors.push(BROKEN);
                answer.state = call.prior.clone();
            },
        ),
        on_destroy(
            "delete fails without the object",
            BROKEN,
            APPLY,
            |_, answer| {
                answer.errors.push(BROKEN);
            },
        ),
    ]
}

/// Reads and upgrades.
fn reads_and_upgrades() -> Vec<Case> {
    vec![
        on_update("read finds nothing", "", READ, |_, answer| {
            answer.state = Val::Null;
        }),
        on_update("read finds a difference", "", READ, |_, answer| {
            answer.state.put("labels", Val::Null);
            answer.private = b"seen".to_vec();
        }),
        on_update(
            "read returns an unknown value",
            INVALID_OBJECT,
            READ,
            |_, answer| {
                answer.state.put("note", Val::Unknown);
            },
        ),
        on_update(
            "read returns a write-only value",
            INVALID_OBJECT,
            READ,
            |_, answer| {
                answer.state.put("secret_wo", Val::string("w"));
            },
        ),
        on_update("read fails", BROKEN, READ, |_, answer| {
            answer.errors.push(BROKEN);
        }),
        on_update(
            "upgrade returns an unknown value",
            "Invalid resource state upgrade",
            UPGRADE,
            |_, answer| {
                answer.state.put("note", Val::Unknown);
            },
        ),
        on_update(
            "upgrade returns a write-only value",
            "Invalid resource state upgrade",
            UPGRADE,
            |_, answer| {
                answer.state.put("secret_wo", Val::string("w"));
            },
        ),
    ]
}

/// Imports.
fn imports() -> Vec<Case> {
    vec![
        on_import(
            "import returns nothing",
            "Import returned no resources",
            IMPORT,
            |_, answer| {
                answer.copies = 0;
            },
        ),
        on_import(
            "import returns null",
            "Import returned null resource",
            IMPORT,
            |_, answer| {
                answer.state = Val::Null;
            },
        ),
        on_import(
            "import finds nothing",
            "Cannot import non-existent remote object",
            READ,
            |_, answer| {
                answer.state = Val::Null;
            },
        ),
        on_import("import fails", BROKEN, IMPORT, |_, answer| {
            answer.errors.push(BROKEN);
        }),
    ]
}

/// Second plans that differ from the first.
fn second_plans() -> Vec<Case> {
    vec![
        spoiled(
            good(
                "second plan changes a known value",
                Vec::new(),
                apply(json!({"name": late("a")})),
            ),
            INCONSISTENT_PLAN,
            PLAN,
            |call, answer| {
                let note = if call.config.is_wholly_known() {
                    "two"
                } else {
                    "one"
                };
                answer.state.put("note", Val::string(note));
            },
        ),
        spoiled(
            good(
                "second plan makes a known value unknown",
                Vec::new(),
                apply(json!({"name": late("a")})),
            ),
            INCONSISTENT_PLAN,
            PLAN,
            |call, answer| {
                if !call.config.is_wholly_known() {
                    answer.state.put("note", Val::string("one"));
                }
            },
        ),
        spoiled(
            good(
                "second plan adds a set element",
                Vec::new(),
                apply(json!({"name": late("a")})),
            ),
            INCONSISTENT_PLAN,
            PLAN,
            |call, answer| {
                let one = vec![Val::string("a")];
                let two = vec![Val::string("a"), Val::string("b")];
                let late = call.config.is_wholly_known();
                answer
                    .state
                    .put("grades", Val::Set(if late { two } else { one }));
            },
        ),
        spoiled(
            good(
                "second plan replaces",
                vec![apply(full())],
                apply(full_but(&json!({"size": 7, "note": late("x")}))),
            ),
            INCONSISTENT_PLAN,
            PLAN,
            |call, answer| {
                if call.config.is_wholly_known() {
                    answer.replaces_for.push("size");
                }
            },
        ),
        spoiled(
            good(
                "second plan has nothing to do",
                vec![apply(full())],
                apply(full_but(&json!({"labels": {"x": late("y")}}))),
            ),
            "",
            PLAN,
            |call, answer| {
                if call.config.is_wholly_known() {
                    answer.state = call.prior.clone();
                }
            },
        ),
    ]
}

/// Objects that a failure left behind.
fn failures() -> Vec<Case> {
    vec![
        spoiled(
            good(
                "tainted object is replaced and fails again",
                vec![apply(full())],
                apply(full_but(&json!({"name": "b"}))),
            ),
            BROKEN,
            APPLY,
            |call, answer| {
                if !call.is_delete() {
                    answer.errors.push(BROKEN);
                }
            },
        ),
        spoiled(
            good(
                "replacement cannot delete",
                vec![apply(full())],
                apply(full_but(&json!({"name": "b"}))),
            ),
            BROKEN,
            APPLY,
            |call, answer| {
                if call.is_delete() {
                    answer.errors.push(BROKEN);
                    answer.state = call.prior.clone();
                }
            },
        ),
        spoiled(
            good(
                "replacement that creates first cannot create",
                vec![Command::Apply(vec![
                    Block::new("a", full()).create_before_destroy(),
                ])],
                Command::Apply(vec![
                    Block::new("a", full_but(&json!({"name": "b"}))).create_before_destroy(),
                ]),
            ),
            BROKEN,
            APPLY,
            |call, answer| {
                if call.is_create() {
                    answer.errors.push(BROKEN);
                    answer.state = Val::Null;
                }
            },
        ),
        on_update(
            "update returns a write-only value",
            INVALID_OBJECT,
            APPLY,
            |_, answer| {
                answer.state.put("secret_wo", Val::string("w"));
            },
        ),
        on_update(
            "update leaves an unknown value",
            INVALID_RESULT,
            APPLY,
            |_, answer| {
                answer.state.put("note", Val::Unknown);
            },
        ),
        on_import(
            "import is planned as a replacement",
            "",
            READ,
            |_, answer| {
                answer.state.put("name", Val::string("other"));
            },
        ),
        on_import(
            "import returns two objects",
            "Multiple import states not supported",
            IMPORT,
            |_, answer| {
                answer.copies = 2;
            },
        ),
        on_create(
            "plan is deferred",
            "Provider deferred changes when Terraform did not allow deferrals",
            PLAN,
            |_, answer| {
                answer.deferred = true;
            },
        ),
    ]
}
