//! What holds the repository together beside the code: workflows, commands,
//! changelog. Each of them names files and commands of the others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The workflows, by path.
fn workflows() -> Vec<(String, String)> {
    let folder = ".github/workflows";
    let mut found: Vec<_> = fs::read_dir(Path::new(ROOT).join(folder))
        .unwrap()
        .map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = format!("{folder}/{name}");
            let text = read(&path);
            (path, text)
        })
        .collect();
    found.sort();
    assert!(found.len() >= 3);
    found
}

/// The targets of the Makefile that are for people: those with a `##`.
fn targets() -> BTreeSet<String> {
    let makefile = read("Makefile");
    let lines = makefile
        .lines()
        .filter(|line| line.contains(':') && line.contains(" ## "));
    lines
        .filter_map(|line| Some(line.split_once(':')?.0.to_owned()))
        .collect()
}

/// The words that follow `before` in a text.
fn words_after<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    text.match_indices(before)
        .map(|(at, _)| {
            let rest = &text[at + before.len()..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c)));
            &rest[..end.unwrap_or(rest.len())]
        })
        .collect()
}

#[test]
fn every_action_is_pinned_by_commit_and_says_which_version_that_is() {
    let mut count = 0;
    for (path, text) in workflows() {
        let actions = text.lines().filter(|line| line.contains("uses: "));
        // Those of this repository are of the same commit.
        for line in actions.filter(|line| !line.contains("uses: ./")) {
            count += 1;
            let pinned = line.split_once('@').is_some_and(|(_, rest)| {
                let (commit, comment) = rest.split_at(rest.len().min(40));
                commit.len() == 40
                    && commit.chars().all(|c| c.is_ascii_hexdigit())
                    && comment.starts_with(" # v")
            });
            assert!(pinned, "{path}: {line}");
        }
    }
    assert!(count > 5);
}

#[test]
fn every_command_that_is_named_exists() {
    let targets = targets();
    assert!(
        targets.contains("demo") && targets.contains("dist"),
        "{targets:?}"
    );
    let mut places = workflows();
    for path in [
        ".ci/run",
        "README.md",
        "CONTRIBUTING.md",
        "AGENTS.md",
        ".github/pull_request_template.md",
    ] {
        places.push((path.to_owned(), read(path)));
    }
    for (path, text) in places {
        for script in words_after(&text, "sh release/") {
            let script = format!("release/{script}");
            assert!(
                Path::new(ROOT).join(&script).is_file(),
                "{path} names {script}"
            );
        }
        let commands = ["`make ", "run: make ", "\nmake "].map(|start| words_after(&text, start));
        for target in commands
            .concat()
            .into_iter()
            .filter(|name| !name.is_empty())
        {
            assert!(targets.contains(target), "{path} names `make {target}`");
        }
    }
}

#[test]
fn make_alone_lists_every_command_that_is_not_internal() {
    let internal = ["prerequisites"];
    let makefile = read("Makefile");
    let phony = makefile
        .lines()
        .filter_map(|line| line.strip_prefix(".PHONY: "));
    let named: BTreeSet<String> = phony
        .filter(|name| !internal.contains(name))
        .map(str::to_owned)
        .collect();
    assert_eq!(named, targets());
}

#[test]
fn the_changelog_has_the_kinds_that_contributing_names() {
    let contributing = read("CONTRIBUTING.md");
    let changelog = read("CHANGELOG.md");
    let mut kinds = 0;
    for line in changelog.lines().filter(|line| line.ends_with(':')) {
        let kind = line.trim_end_matches(':');
        assert!(contributing.contains(&format!("| {kind} |")), "{line}");
        kinds += 1;
    }
    assert!(kinds > 0);
    let version = format!("## {}", env!("CARGO_PKG_VERSION"));
    assert!(changelog.contains(&version), "no section {version}");
}

/// `name version` of the crates in the binary of this machine.
fn linked() -> BTreeSet<String> {
    let version = std::process::Command::new("rustc")
        .arg("-vV")
        .output()
        .unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let output = std::process::Command::new("sh")
        .args(["release/linked.sh", host.unwrap()])
        .current_dir(ROOT)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_licences_in_the_archive_are_those_of_the_crates_in_the_binary() {
    let text = read("THIRD_PARTY_LICENSES");
    let lock = read("Cargo.lock");
    let is_ours = |crate_: &String| {
        read("Cargo.toml").contains(&format!("{} = {{ path", crate_.split(' ').next().unwrap()))
    };
    let linked = linked();
    assert!(linked.len() > 50, "{linked:?}");
    for crate_ in linked
        .iter()
        .filter(|it| !it.starts_with("terraform-provider") && !is_ours(it))
    {
        let named = text.lines().any(|line| {
            let line = line.trim_start();
            line == crate_ || line.starts_with(&format!("{crate_} ("))
        });
        assert!(named, "{crate_} is missing: run `make licences`");
    }
    for line in text.lines().filter_map(|line| line.strip_prefix("  ")) {
        if let Some((name, version)) = line.split_once(' ')
            && version.starts_with(|one: char| one.is_ascii_digit())
            && !version.contains(' ')
        {
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"");
            assert!(
                lock.contains(&entry),
                "{line} is no crate of ours any more: run `make licences`"
            );
        }
    }
}

#[test]
fn the_recorded_demo_shows_the_demo_as_it_is() {
    let recorded = read("assets/demo.txt");
    assert!(recorded.starts_with(read("crates/demo/src/main.tf").trim_end()));
    let program = read("crates/demo/src/main.rs");
    let mut steps = 0;
    for step in program.split("title(\"").skip(1) {
        let step = step.split('"').next().unwrap();
        assert!(
            recorded.contains(step),
            "assets/demo.txt does not show {step:?}: record `make demo` again"
        );
        steps += 1;
    }
    assert_eq!(steps, 9);
}
