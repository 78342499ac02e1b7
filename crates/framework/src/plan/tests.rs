//! What a plan does, by example, and for any schema.

mod accepted;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::number::Number;
use crate::schema::Schema;

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(BTreeMap::from(
        entries.map(|(name, value)| (name.to_owned(), value)),
    ))
}

fn text(text: &str) -> Value {
    Value::string(text)
}

fn texts<const N: usize>(items: [&str; N]) -> Vec<Value> {
    items.into_iter().map(Value::string).collect()
}

/// Plans with a resource that does `refine`.
fn planned_by(
    schema: &Schema,
    config: Value,
    prior: Value,
    refine: impl FnOnce(&mut Plan),
) -> Planned {
    let change = Change {
        config,
        prior,
        private: Private::default(),
    };
    let mut plan = Plan::propose(schema.attributes, change);
    refine(&mut plan);
    plan.finish()
}

fn planned(schema: &Schema, config: Value, prior: Value) -> Planned {
    planned_by(schema, config, prior, |_| {})
}

fn names(paths: &[Path]) -> Vec<String> {
    paths.iter().map(ToString::to_string).collect()
}

fn complaints(planned: &Planned) -> Vec<String> {
    let details = planned.diagnostics.iter();
    details
        .map(|diagnostic| diagnostic.detail.clone())
        .collect()
}

static TEXT: AttributeType = AttributeType::String;

static THING: Schema = Schema::new(
    0,
    "A thing.",
    &[
        Attribute::string("name")
            .required()
            .describe("Name.")
            .replace(Replace::Always),
        Attribute::string("size").describe("Size.").default("small"),
        Attribute::set("tags", &TEXT).describe("Tags."),
        Attribute::string("secret_wo")
            .write_only()
            .describe("Secret."),
        Attribute::string("owner")
            .describe("Owner.")
            .replace(Replace::IfPriorKnown),
        Attribute::string("url")
            .optional_computed()
            .describe("Address.")
            .replace(Replace::Always),
        Attribute::object(
            "access",
            &[
                Attribute::string("level")
                    .describe("Level.")
                    .default("read"),
                Attribute::string("key").computed().describe("Key."),
                Attribute::string("zone")
                    .describe("Zone.")
                    .replace(Replace::Always),
                Attribute::string("token_wo")
                    .write_only()
                    .describe("Token."),
            ],
        )
        .describe("Access."),
        Attribute::string("id")
            .computed()
            .keep_prior()
            .describe("Identifier."),
        Attribute::string("etag").computed().describe("Version."),
    ],
);

/// What the practitioner wrote: a name and whatever else is given.
fn config<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let mut config: BTreeMap<_, _> = THING
        .attributes
        .iter()
        .map(|attribute| (attribute.name.to_owned(), Value::Null))
        .collect();
    config.insert("name".to_owned(), text("one"));
    config.extend(entries.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(config)
}

/// What a plan becomes: everything is known.
fn state<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let Value::Object(mut state) = config([
        ("size", text("small")),
        ("url", text("https://one")),
        ("id", text("1")),
        ("etag", text("e1")),
    ]) else {
        unreachable!()
    };
    state.extend(entries.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(state)
}

#[test]
fn create_leaves_to_the_provider_what_nobody_configured() {
    let config = config([("secret_wo", text("s3"))]);
    let planned = planned(&THING, config, Value::Null);
    assert!(planned.diagnostics.is_empty());
    assert_eq!(planned.state.get("name"), &text("one"));
    assert_eq!(planned.state.get("size"), &text("small"));
    assert_eq!(planned.state.get("secret_wo"), &Value::Null);
    assert_eq!(planned.state.get("tags"), &Value::Null);
    for name in ["url", "id", "etag"] {
        assert!(planned.state.get(name).is_unknown(), "{name}");
    }
    assert!(planned.replace.is_empty());
}

#[test]
fn nothing_is_planned_where_nothing_changed() {
    let planned = planned(&THING, config([]), state([]));
    assert_eq!(planned.state, state([]));
    assert!(planned.replace.is_empty() && planned.diagnostics.is_empty());
}

#[test]
fn a_change_makes_computed_values_unknown_except_those_that_stay() {
    let planned = planned(&THING, config([("size", text("large"))]), state([]));
    assert_eq!(planned.state.get("size"), &text("large"));
    assert_eq!(planned.state.get("id"), &text("1"));
    assert!(planned.state.get("etag").is_unknown());
    assert!(planned.state.get("url").is_unknown());
    // `url` replaces when it changes, and nobody asked for another one.
    assert!(planned.replace.is_empty());
}

#[test]
fn a_change_that_only_the_resource_makes_leaves_the_rest_as_it_was() {
    let planned = planned_by(&THING, config([]), state([]), |plan| {
        plan.set("etag", Value::Unknown);
        assert!(plan.changes("etag") && !plan.changes("url"));
    });
    assert_eq!(planned.state, state([("etag", Value::Unknown)]));
    assert!(planned.diagnostics.is_empty());
}

#[test]
fn a_set_in_another_order_is_no_change_and_keeps_its_order() {
    let prior = state([("tags", Value::Set(texts(["a", "b"])))]);
    let config = config([("tags", Value::Set(texts(["b", "a"])))]);
    assert_eq!(planned(&THING, config, prior.clone()).state, prior);
}

#[test]
fn an_object_gets_its_own_defaults_and_unknown_values() {
    let access = object([
        ("level", Value::Null),
        ("key", Value::Null),
        ("zone", Value::Null),
        ("token_wo", text("s3")),
    ]);
    let planned = planned(&THING, config([("access", access)]), state([]));
    assert!(planned.diagnostics.is_empty(), "{:?}", complaints(&planned));
    let expected = object([
        ("level", text("read")),
        ("key", Value::Unknown),
        ("zone", Value::Null),
        ("token_wo", Value::Null),
    ]);
    assert_eq!(planned.state.get("access"), &expected);
}

#[test]
fn a_replacement_names_each_path_once_and_in_order() {
    let access = |zone| {
        object([
            ("level", text("read")),
            ("key", Value::Null),
            ("zone", text(zone)),
            ("token_wo", Value::Null),
        ])
    };
    let planned = planned_by(
        &THING,
        config([("name", text("two")), ("access", access("b"))]),
        state([("access", access("a"))]),
        |plan| assert!(plan.replaces()),
    );
    assert!(planned.diagnostics.is_empty(), "{:?}", complaints(&planned));
    assert_eq!(names(&planned.replace), ["access.zone", "name"]);
    assert_eq!(planned.state.get("id"), &text("1"));
}

#[test]
fn an_unknown_configured_value_counts_as_another_one() {
    let planned = planned(&THING, config([("name", Value::Unknown)]), state([]));
    assert_eq!(names(&planned.replace), ["name"]);
}

#[test]
fn a_value_that_an_import_could_not_know_replaces_nothing() {
    let filled_in = planned(&THING, config([("owner", text("me"))]), state([]));
    assert!(filled_in.replace.is_empty());
    let prior = state([("owner", text("you"))]);
    let changed = planned(&THING, config([("owner", text("me"))]), prior);
    assert_eq!(names(&changed.replace), ["owner"]);
}

#[test]
fn a_value_that_the_resource_decides_can_replace() {
    let planned = planned_by(&THING, config([]), state([]), |plan| {
        plan.set("url", text("https://two"));
    });
    assert_eq!(names(&planned.replace), ["url"]);
}

#[test]
fn destroy_plans_nothing_and_the_resource_may_speak() {
    let planned = planned_by(&THING, Value::Null, state([]), |plan| {
        assert_eq!(plan.action(), Action::Delete);
        plan.set("etag", Value::Unknown);
        plan.report(Diagnostic::warning("Careful", "It goes."));
    });
    assert!(planned.state.is_null() && planned.replace.is_empty());
    assert_eq!(complaints(&planned), ["It goes."]);
}

#[test]
fn what_terraform_would_refuse_is_our_own_error() {
    type Refine = fn(&mut Plan);
    let cases: [(Refine, &str); 4] = [
        (|plan| plan.set("name", text("other")), "`name` differs"),
        (
            |plan| plan.set("tags", Value::Set(vec![])),
            "`tags` differs",
        ),
        (
            |plan| plan.set("secret_wo", text("s3")),
            "`secret_wo` differs",
        ),
        (
            |plan| plan.set("nmae", text("s3")),
            "The provider planned a value for `nmae`, which it does not have",
        ),
    ];
    for (refine, expected) in cases {
        let planned = planned_by(&THING, config([]), state([]), refine);
        let complaints = complaints(&planned);
        assert_eq!(complaints.len(), 1, "{expected}: {complaints:?}");
        assert!(complaints[0].starts_with(expected), "{complaints:?}");
        assert!(complaints[0].contains("bug in the provider"));
        assert!(!complaints[0].contains("s3"));
    }
}

#[test]
fn a_configured_value_stays_also_where_the_provider_could_decide() {
    let with_url = config([("url", text("https://mine"))]);
    let planned = planned_by(&THING, with_url, state([]), |plan| {
        plan.set("url", text("https://yours"));
    });
    assert!(complaints(&planned)[0].starts_with("`url` differs"));
    // Null is no value to go back to.
    let with_owner = config([("owner", text("me"))]);
    let planned = planned_by(&THING, with_owner, state([]), |plan| {
        plan.keep_prior("owner");
    });
    assert!(complaints(&planned)[0].starts_with("`owner` differs"));
    // The prior value is one: this is how a difference in form only is kept.
    let (prior, with_owner) = (
        state([("owner", text("me"))]),
        config([("owner", text("ME"))]),
    );
    let planned = planned_by(&THING, with_owner, prior, |plan| plan.keep_prior("owner"));
    assert!(planned.diagnostics.is_empty());
    assert!(planned.replace.is_empty());
}

#[test]
fn what_is_wrong_inside_an_object_is_named_there() {
    let access = object([
        ("level", text("read")),
        ("key", Value::Null),
        ("zone", text("a")),
        ("token_wo", Value::Null),
    ]);
    let mut wrong = access.clone();
    if let Value::Object(entries) = &mut wrong {
        entries.insert("zone".to_owned(), text("b"));
    }
    let config = config([("access", access)]);
    let planned = planned_by(&THING, config, Value::Null, |plan| {
        plan.set("access", wrong);
    });
    let complaints = complaints(&planned);
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].starts_with("`access.zone` differs"));
}

#[test]
fn an_object_that_the_configuration_lacks_cannot_be_planned() {
    let access = object([
        ("level", text("read")),
        ("key", Value::Null),
        ("zone", Value::Null),
        ("token_wo", Value::Null),
    ]);
    let planned = planned_by(&THING, config([]), Value::Null, |plan| {
        plan.set("access", access);
    });
    assert!(complaints(&planned)[0].starts_with("`access` differs"));
}

#[test]
fn a_result_may_fill_in_and_must_not_change() {
    let plan = state([
        ("etag", Value::Unknown),
        ("tags", Value::Set(vec![Value::Unknown, text("a")])),
    ]);
    let good = state([("tags", Value::Set(texts(["a"])))]);
    assert!(contradictions(THING.attributes, &plan, &good).is_empty());

    let bad = state([
        ("id", text("2")),
        ("tags", Value::Set(texts(["a", "b", "c"]))),
    ]);
    let found = contradictions(THING.attributes, &plan, &bad);
    assert_eq!(names(&found), ["id", "tags"]);
    let settled = settle(THING.attributes, &plan, &bad);
    assert_eq!(settled.get("id"), &text("1"));
    assert_eq!(settled.get("etag"), &text("e1"));
    assert!(contradictions(THING.attributes, &plan, &settled).is_empty());
}

#[test]
fn the_elements_of_a_set_that_are_known_are_in_its_result() {
    let with = |items: Vec<Value>| state([("tags", Value::Set(items))]);
    let accepted = |planned: Vec<Value>, result: Vec<Value>| {
        contradictions(THING.attributes, &with(planned), &with(result)).is_empty()
    };
    let (a, b) = (text("a"), text("b"));
    assert!(accepted(
        vec![a.clone(), b.clone()],
        vec![b.clone(), a.clone()]
    ));
    assert!(!accepted(vec![a.clone(), b.clone()], vec![a.clone()]));
    assert!(accepted(
        vec![a.clone(), Value::Unknown],
        vec![a.clone(), b.clone()]
    ));
    assert!(!accepted(
        vec![a.clone(), Value::Unknown],
        vec![b.clone(), text("c")]
    ));
    assert!(!accepted(vec![Value::Unknown], vec![]));
    assert!(!accepted(vec![a.clone()], vec![b]));
}

#[test]
fn large_sets_are_compared_in_any_order() {
    let items = |numbers: &mut dyn Iterator<Item = i64>| {
        Value::Set(numbers.map(|number| Value::Number(number.into())).collect())
    };
    let (up, down) = (items(&mut (0..50_000)), items(&mut (0..50_000).rev()));
    assert!(up.same(&down));
    let (up, down) = (state([("tags", up)]), state([("tags", down)]));
    assert!(contradictions(THING.attributes, &up, &down).is_empty());
}

#[test]
fn lists_and_maps_keep_their_length_in_a_result() {
    static SCHEMA: Schema = Schema::new(
        0,
        "A thing.",
        &[
            Attribute::list("list", &TEXT).describe("List."),
            Attribute::map("map", &TEXT).describe("Map."),
        ],
    );
    let map = |keys: &[&str]| {
        let entries = keys.iter().map(|key| ((*key).to_owned(), text("v")));
        Value::Map(entries.collect())
    };
    let plan = object([("list", Value::List(texts(["a"]))), ("map", map(&["a"]))]);
    let longer = object([
        ("list", Value::List(texts(["a", "b"]))),
        ("map", map(&["a", "b"])),
    ]);
    let found = contradictions(SCHEMA.attributes, &plan, &longer);
    assert_eq!(names(&found), ["list", "map"]);
}

// -- for any schema -----------------------------------------------------------

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Attributes of any kind, as far as a schema may have them.
fn any_attributes(depth: u32, computed: bool) -> BoxedStrategy<&'static [Attribute]> {
    prop::collection::vec(any_attribute(depth, computed), 1..=NAMES.len())
        .prop_map(|mut attributes| {
            for (attribute, name) in attributes.iter_mut().zip(NAMES) {
                attribute.name = name;
            }
            &*attributes.leak()
        })
        .boxed()
}

fn any_attribute(depth: u32, computed: bool) -> BoxedStrategy<Attribute> {
    let mode = if computed {
        Just(Mode::Computed).boxed()
    } else {
        prop_oneof![
            Just(Mode::Required),
            Just(Mode::Optional),
            Just(Mode::Computed),
            Just(Mode::OptionalComputed)
        ]
        .boxed()
    };
    let replace = prop_oneof![
        Just(Replace::Never),
        Just(Replace::Always),
        Just(Replace::IfPriorKnown)
    ];
    mode.prop_flat_map(move |mode| {
        let simple = prop_oneof![
            Just(AttributeType::String),
            Just(AttributeType::Bool),
            Just(AttributeType::Number),
            Just(AttributeType::List(&TEXT)),
            Just(AttributeType::Set(&TEXT)),
            Just(AttributeType::Map(&TEXT)),
        ];
        let kind = if depth == 0 {
            simple.boxed()
        } else {
            let nested = any_attributes(depth - 1, mode == Mode::Computed);
            prop_oneof![3 => simple, 2 => nested.prop_map(AttributeType::Object)].boxed()
        };
        (Just(mode), kind)
    })
    .prop_flat_map(move |(mode, kind)| {
        (
            Just(mode),
            Just(kind),
            replace.clone(),
            any::<(bool, bool, bool)>(),
        )
    })
    .prop_map(|(mode, kind, replace, (default, keep, write_only))| {
        let mut attribute = Attribute::string("a").describe("Any.");
        attribute.kind = kind;
        attribute.mode = mode;
        let simple = !matches!(kind, AttributeType::Object(_));
        match mode {
            Mode::OptionalComputed => {
                attribute.replace = replace;
                attribute.default = match kind {
                    AttributeType::String if default => Some("x"),
                    _ => None,
                };
                attribute.keep_prior = keep && attribute.default.is_none();
            }
            Mode::Computed => attribute.keep_prior = keep,
            Mode::Required | Mode::Optional => {
                attribute.write_only = write_only && simple;
                if !attribute.write_only {
                    attribute.replace = replace;
                }
            }
        }
        attribute
    })
    .boxed()
}

fn any_text() -> BoxedStrategy<Value> {
    "[x-z]".prop_map(Value::String).boxed()
}

/// A known value of a kind; null and unknown are the caller's business.
/// `unknowns` allows them inside.
fn any_value(kind: AttributeType, unknowns: bool, whole: bool) -> BoxedStrategy<Value> {
    let element = if unknowns {
        prop_oneof![4 => any_text(), 1 => Just(Value::Unknown)].boxed()
    } else {
        any_text()
    };
    match kind {
        AttributeType::String => any_text(),
        AttributeType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        AttributeType::Number => (0_i64..3)
            .prop_map(|number| Value::Number(Number::from(number)))
            .boxed(),
        AttributeType::List(_) => prop::collection::vec(element, 0..3)
            .prop_map(Value::List)
            .boxed(),
        AttributeType::Set(_) => prop::collection::vec(element, 0..3)
            .prop_map(|items| {
                let mut distinct: Vec<Value> = Vec::new();
                for item in items {
                    if !distinct.contains(&item) {
                        distinct.push(item);
                    }
                }
                Value::Set(distinct)
            })
            .boxed(),
        AttributeType::Map(_) => prop::collection::btree_map("[k-m]", element, 0..3)
            .prop_map(Value::Map)
            .boxed(),
        AttributeType::Object(nested) if whole => any_state(nested),
        AttributeType::Object(nested) => any_config(nested, unknowns),
    }
}

/// A configuration that Terraform would send.
fn any_config(attributes: &'static [Attribute], unknowns: bool) -> BoxedStrategy<Value> {
    any_object(attributes, move |attribute| {
        let value = any_value(attribute.kind, unknowns, false);
        let value = if unknowns {
            prop_oneof![5 => value, 1 => Just(Value::Unknown)].boxed()
        } else {
            value
        };
        match attribute.mode {
            Mode::Computed => Just(Value::Null).boxed(),
            Mode::Required => value,
            Mode::Optional | Mode::OptionalComputed => {
                prop_oneof![1 => Just(Value::Null), 2 => value].boxed()
            }
        }
    })
}

/// A state that may be stored.
fn any_state(attributes: &'static [Attribute]) -> BoxedStrategy<Value> {
    any_object(attributes, |attribute| {
        if attribute.write_only {
            return Just(Value::Null).boxed();
        }
        let value = any_value(attribute.kind, false, true);
        prop_oneof![1 => Just(Value::Null), 3 => value].boxed()
    })
}

fn any_object(
    attributes: &'static [Attribute],
    value: impl Fn(&'static Attribute) -> BoxedStrategy<Value>,
) -> BoxedStrategy<Value> {
    let values: Vec<_> = attributes.iter().map(value).collect();
    values
        .prop_map(|values| {
            let names = attributes.iter().map(|attribute| attribute.name.to_owned());
            Value::Object(names.zip(values).collect())
        })
        .boxed()
}

#[derive(Debug)]
struct Case {
    schema: Schema,
    config: Value,
    prior: Value,
}

fn any_case(unknowns: bool) -> impl Strategy<Value = Case> {
    any_attributes(2, false).prop_flat_map(move |attributes| {
        let prior = prop_oneof![1 => Just(Value::Null), 3 => any_state(attributes)];
        (any_config(attributes, unknowns), prior).prop_map(move |(config, prior)| Case {
            schema: Schema::new(0, "Any.", attributes),
            config,
            prior,
        })
    })
}

/// What an apply could make of a plan: everything unknown becomes something.
fn filled(kind: AttributeType, value: &Value) -> Value {
    match (kind, value) {
        (AttributeType::Object(nested), Value::Object(_) | Value::Unknown) => fill(nested, value),
        (AttributeType::String, Value::Unknown) => text("filled"),
        (AttributeType::Bool, Value::Unknown) => Value::Bool(false),
        (AttributeType::Number, Value::Unknown) => Value::Number(Number::from(7_i64)),
        (AttributeType::List(_), Value::Unknown) => Value::List(texts(["filled"])),
        (AttributeType::Set(_), Value::Unknown) => Value::Set(texts(["filled"])),
        (AttributeType::Map(_), Value::Unknown) => Value::Map(BTreeMap::new()),
        _ => value.clone(),
    }
}

fn fill(attributes: &[Attribute], object: &Value) -> Value {
    let entries = attributes.iter().map(|attribute| {
        let value = if attribute.write_only {
            Value::Null
        } else {
            filled(attribute.kind, object.get(attribute.name))
        };
        (attribute.name.to_owned(), value)
    });
    Value::Object(entries.collect())
}

fn plan_case(case: &Case) -> Planned {
    planned(&case.schema, case.config.clone(), case.prior.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_plan_is_one_that_terraform_accepts(case in any_case(true)) {
        let planned = plan_case(&case);
        prop_assert!(planned.diagnostics.is_empty(), "{:?}", complaints(&planned));
        let objects = [&case.config, &case.prior, &planned.state];
        let violations = accepted::plan(case.schema.attributes, objects, &planned.replace);
        prop_assert!(violations.is_empty(), "{violations:?}");
        let mut sorted = planned.replace.clone();
        sorted.sort();
        sorted.dedup();
        prop_assert_eq!(&sorted, &planned.replace);
        prop_assert!(!case.prior.is_null() || planned.replace.is_empty());
    }

    #[test]
    fn the_same_question_has_the_same_answer(case in any_case(true)) {
        let (first, second) = (plan_case(&case), plan_case(&case));
        prop_assert_eq!(first.state, second.state);
        prop_assert_eq!(first.replace, second.replace);
    }

    #[test]
    fn a_plan_of_its_own_result_changes_nothing(case in any_case(false)) {
        let planned = plan_case(&case);
        let state = fill(case.schema.attributes, &planned.state);
        prop_assert!(contradictions(case.schema.attributes, &planned.state, &state).is_empty());
        let again = Case { prior: state.clone(), ..case };
        let again = plan_case(&again);
        prop_assert_eq!(again.state, state);
        prop_assert!(again.replace.is_empty());
    }

    #[test]
    fn a_destroyed_object_is_planned_away(case in any_case(false)) {
        prop_assume!(!case.prior.is_null());
        let planned = plan_case(&Case { config: Value::Null, ..case });
        prop_assert!(planned.state.is_null() && planned.replace.is_empty());
        prop_assert!(planned.diagnostics.is_empty());
    }

    #[test]
    fn a_settled_result_never_contradicts_its_plan(
        (case, result) in any_case(true).prop_flat_map(|case| {
            let result = any_state(case.schema.attributes);
            (Just(std::rc::Rc::new(case)), result)
        })
    ) {
        let planned = plan_case(&case);
        let attributes = case.schema.attributes;
        let settled = settle(attributes, &planned.state, &result);
        prop_assert!(settled.is_wholly_known());
        prop_assert!(contradictions(attributes, &planned.state, &settled).is_empty());
    }
}
