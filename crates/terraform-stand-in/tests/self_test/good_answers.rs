//! Configurations that a good provider meets one after the other: what core
//! proposes from them, and in which order it applies them, is the point.

use serde_json::{Value as Json, json};

use super::cases::{
    Block, Case, Command, LATE_BLOCKS, apply, full, full_but, good, late, one, reference,
};

pub(super) fn well_answered() -> Vec<Case> {
    let mut cases = lives();
    cases.append(&mut ignored());
    cases
}

/// Everything is changed and parts of the change are ignored: in an update, in a
/// replacement, and where a part is not known yet. One resource for each list.
fn ignored() -> Vec<Case> {
    const LISTS: [(&str, &[&str]); 14] = [
        ("a", &["all"]),
        ("b", &["size", "note", "secret", "secret_wo"]),
        ("c", &["labels", "tags", "ports", "grades"]),
        ("d", &[r#"labels["x"]"#]),
        ("e", &[r#"labels["new"]"#, r#"labels["x"]"#]),
        ("f", &[r#"labels["nowhere"]"#]),
        ("g", &["single", "several", "unordered", "keyed", "either"]),
        ("h", &["single.name", "either.name", "several[0].name"]),
        ("i", &[r#"keyed["k"]"#]),
        ("j", &[r#"keyed["k"].name"#, r#"keyed["l"].name"#]),
        ("k", &["rule", "zone", "owner"]),
        ("l", &["rule[0].name", "owner.name"]),
        ("m", &["several[7].name", "rule[7].name"]),
        ("n", &["name"]),
    ];
    let other = json!({
        "name": "", "size": 2, "note": "other", "labels": {"new": "z"}, "tags": ["v"], "ports": [3],
        "grades": ["x"], "secret": "other", "secret_wo": "other",
        "single": {"name": "o"}, "several": [{"name": "o"}], "unordered": [{"name": "o"}],
        "keyed": {"l": {"name": "o"}}, "either": {"name": "o"},
        "rule": [{"name": "o"}], "zone": [{"name": "o"}], "owner": {"name": "o"},
    });
    let mut renamed = other.clone();
    renamed["name"] = json!("renamed-");
    let late = json!({
        "name": "", "size": late("2"), "labels": {"x": late("z")}, "single": {"name": late("o")},
        "secret_wo": late("other"), "keyed": {"k": {"name": late("o")}}, "note": late("other"),
    });
    let blocks = |config: &Json| {
        let block = |(name, list): &(&'static str, &[&'static str])| {
            let mut config = config.clone();
            let prefix = config["name"].as_str().unwrap();
            config["name"] = json!(format!("{prefix}{name}"));
            Block::new(name, config).ignore_changes(list)
        };
        Command::Apply(LISTS.iter().map(block).collect())
    };
    let changes = [
        ("changes are ignored", other),
        ("changes are ignored beside a new name", renamed),
        ("late changes are ignored", late),
        ("what is taken away is ignored", json!({ "name": "" })),
    ];
    let before = blocks(&full_but(&json!({"name": ""})));
    changes
        .into_iter()
        .map(|(name, config)| good(name, vec![before.clone()], blocks(&config)))
        .collect()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn lives() -> Vec<Case> {
    let steps = |name, configs: Vec<Json>| {
        let mut commands: Vec<Command> = configs.into_iter().map(apply).collect();
        let last = commands.pop().unwrap();
        good(name, commands, last)
    };
    let late_everywhere = json!({
        "name": late("a"), "labels": {"x": late("y")}, "tags": [late("t"), "u"], "secret": late("s"),
        "secret_wo": late("w"), "note": late("mine"), "grades": [late("x"), late("y")],
        "single": {"name": late("n")}, "several": [{"name": late("n")}, {}],
        "unordered": [{"name": late("n")}, {"name": "m"}], "keyed": {"k": {"name": late("n")}},
        "either": {"name": late("n")},
        "rule": [{"name": late("n")}, {}], "zone": [{"name": late("n")}], "owner": {"name": late("n")},
    });
    let dynamic = json!({
        "name": "a", "rule": {LATE_BLOCKS: [{"name": "x"}, {"name": "y"}]},
    });
    let two = |name: &str| {
        vec![
            Block::new("first", json!({"name": name, "labels": {"of": name}})),
            Block::new(
                "second",
                json!({"name": reference("first.id"), "note": reference("first.note")}),
            )
            .depends_on("first"),
        ]
    };
    let create_first = |name: &str| {
        let [first, second] = <[Block; 2]>::try_from(two(name)).ok().unwrap();
        vec![first, second.create_before_destroy()]
    };
    vec![
        steps(
            "least and most",
            vec![json!({"name": "a"}), full(), json!({"name": "a"})],
        ),
        steps("the same again", vec![full(), full()]),
        steps(
            "lists grow, shrink and change places",
            vec![
                full(),
                full_but(
                    &json!({"several": [{}, {"name": "n"}, {"name": "o"}], "rule": [{}, {"name": "n"}, {}]}),
                ),
                full_but(&json!({"several": [{"name": "o"}], "rule": [{"name": "o"}]})),
                full_but(&json!({"several": [], "rule": []})),
            ],
        ),
        steps(
            "sets change their elements",
            vec![
                full(),
                full_but(
                    &json!({"unordered": [{"name": "m"}, {"name": "o"}], "zone": [{"name": "n"}, {}]}),
                ),
                full_but(&json!({"unordered": [{"name": "m"}, {}], "zone": [{"name": "z"}, {}]})),
                full_but(&json!({"unordered": [], "zone": []})),
            ],
        ),
        steps(
            "maps change their keys",
            vec![
                full(),
                full_but(&json!({"keyed": {"k": {"name": "o"}, "l": {"name": "n"}}})),
                full_but(&json!({"keyed": {"l": {}}, "labels": {}})),
                full_but(&json!({"keyed": {}, "labels": null})),
            ],
        ),
        steps(
            "nested objects come and go",
            vec![
                full_but(&json!({"single": null, "either": null, "owner": null})),
                full(),
                full_but(&json!({"single": {}, "either": {}, "owner": {}})),
                full_but(&json!({"single": null, "either": null, "owner": null})),
            ],
        ),
        steps(
            "computed values are taken over and given back",
            vec![
                json!({"name": "a"}),
                json!({"name": "a", "note": "mine", "grades": ["x"]}),
                json!({"name": "a", "note": "", "grades": []}),
                json!({"name": "a"}),
            ],
        ),
        steps(
            "numbers of every size",
            vec![
                json!({"name": "a", "size": 0.1, "ports": [0, -1, 255, 65536, 4_294_967_296_i64]}),
                json!({"name": "a", "size": 1.5, "ports": [0.25, 9_223_372_036_854_775_807_i64]}),
                json!({"name": "a", "size": 18_446_744_073_709_551_615_u64}),
                json!({"name": "a", "size": -0.0}),
            ],
        ),
        steps(
            "texts of every kind",
            vec![json!({
                "name": "a", "note": "e\u{301}", "secret": "$ % \" \\ \n \u{0001} ä 😀", "labels": {"e\u{301}": "x"},
            })],
        ),
        steps(
            "the name replaces",
            vec![full(), full_but(&json!({"name": "b"}))],
        ),
        steps("late values", vec![late_everywhere.clone()]),
        steps(
            "late values in an update",
            vec![full(), late_everywhere.clone()],
        ),
        steps(
            "a late name that replaces",
            vec![full(), full_but(&json!({"name": late("b")}))],
        ),
        steps(
            "late values that change nothing",
            vec![full(), full_but(&json!({"labels": {"x": late("y")}}))],
        ),
        steps("a late number of blocks", vec![dynamic.clone()]),
        steps(
            "a late number of blocks in an update",
            vec![full(), dynamic],
        ),
        good("two resources", vec![], Command::Apply(two("a"))),
        good(
            "the dependency is replaced",
            vec![Command::Apply(two("a"))],
            Command::Apply(two("b")),
        ),
        good(
            "the dependent is removed",
            vec![Command::Apply(two("a"))],
            Command::Apply(two("a")[..1].to_vec()),
        ),
        good(
            "everything is removed",
            vec![Command::Apply(two("a"))],
            Command::Apply(vec![]),
        ),
        good(
            "everything is destroyed",
            vec![Command::Apply(two("a"))],
            Command::Destroy(two("a")),
        ),
        good(
            "a replacement creates first",
            vec![Command::Apply(create_first("a"))],
            Command::Apply(create_first("b")),
        ),
        good(
            "an import block",
            vec![apply(full())],
            Command::ImportBlock(one(full())),
        ),
        good(
            "an import block with a difference",
            vec![apply(full())],
            Command::ImportBlock(one(full_but(&json!({"size": 7})))),
        ),
        good(
            "the import command",
            vec![apply(full())],
            Command::Import(one(full())),
        ),
        good(
            "a destroy",
            vec![apply(full())],
            Command::Destroy(one(full())),
        ),
    ]
}
