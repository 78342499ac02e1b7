//! The pages in `docs/`: they are what the provider would write now, they keep
//! the Registry's rules, and what they say about attributes is complete. Their
//! links and configurations are checked with those of the guides.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use documentation::{Files, Kind, Page, folder};
use framework::definition::Described as _;
use framework::documentation as described;
use framework::provider::Provider as _;
use framework::schema::{Attribute, AttributeType, Mode, Schema};
use framework::validators::Validator;
use sapcalm::provider::SapCalm;

use crate::support::schema_document;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The pages, as `make docs` would write them now.
fn pages() -> Vec<Page> {
    documentation::pages(&SapCalm, &sources())
}

fn sources() -> Files {
    Files::read(Path::new(ROOT)).unwrap()
}

/// Path and text of every file in `docs/`.
fn files() -> Vec<(String, String)> {
    let docs = Path::new(ROOT).join("docs");
    let mut files = Vec::new();
    let mut folders = vec![docs.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&docs).unwrap().to_str().unwrap();
                files.push((name.to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}

// ------------------------------------------------------------------ freshness

#[test]
fn the_documentation_is_what_make_docs_would_write_now() {
    let stale = folder::stale(&pages(), &Path::new(ROOT).join("docs")).unwrap();
    assert_eq!(
        stale,
        Vec::<String>::new(),
        "run `make docs` and commit what it changes"
    );
}

#[test]
fn an_attribute_that_is_named_otherwise_in_the_page_makes_the_check_fail() {
    let directory = tempfile::tempdir().unwrap();
    let docs = directory.path();
    let pages = pages();
    assert!(!folder::write(&pages, docs).unwrap().is_empty());
    assert_eq!(folder::stale(&pages, docs).unwrap(), Vec::<String>::new());

    let page = docs.join("resources/destination.md");
    let text = fs::read_to_string(&page).unwrap();
    let renamed = text.replace("- `adopt_existing`", "- `take_over`");
    assert_ne!(text, renamed);
    fs::write(&page, renamed).unwrap();
    let stale = folder::stale(&pages, docs).unwrap();
    assert_eq!(stale, ["resources/destination.md differs"]);
}

// -------------------------------------------------------- the Registry's rules

#[test]
fn files_and_folders_are_those_that_the_registry_accepts() {
    let files = files();
    assert!((20..2_000).contains(&files.len()), "{} files", files.len());
    let folders: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.folder()).collect();
    for (path, text) in &files {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        assert!(folders.contains(folder), "{path}");
        assert!(!folder.is_empty() || name == "index.md", "{path}");
        assert!(
            Path::new(name).extension().is_some_and(|it| it == "md"),
            "{path}"
        );
        assert!(text.len() < 500_000, "{path}");
    }
    assert!(
        !Path::new(ROOT).join("website").exists(),
        "the legacy folder"
    );
}

#[test]
fn front_matter_has_the_keys_that_the_registry_accepts() {
    for (path, text) in files() {
        let rest = text.strip_prefix("---\n").expect(&path);
        let (front, _) = rest.split_once("\n---\n").expect(&path);
        let keys: Vec<&str> = front
            .lines()
            .filter(|line| !line.starts_with(['#', ' ']))
            .map(|line| line.split_once(':').expect(&path).0)
            .collect();
        let expected: &[&str] = match &*path {
            "index.md" => &["page_title", "description"],
            _ => &["page_title", "subcategory", "description"],
        };
        assert_eq!(keys, expected, "{path}");
        // One line, which YAML reads as it stands.
        let texts: Vec<&str> = front.lines().filter(|line| line.starts_with(' ')).collect();
        assert!(matches!(texts[..], [text] if text.len() > 20), "{path}");
    }
}

#[test]
fn every_kind_has_its_pages_and_every_page_has_something_that_it_is_about() {
    let schemas = schema_document::schemas();
    let kinds = [
        ("resource_schemas", "resources"),
        ("data_source_schemas", "data-sources"),
        ("ephemeral_resource_schemas", "ephemeral-resources"),
        ("functions", "functions"),
        ("list_resource_schemas", "list-resources"),
        ("action_schemas", "actions"),
    ];
    let mut expected = BTreeSet::from(["index.md".to_owned()]);
    for (member, folder) in kinds {
        let names = schemas[member].as_object().unwrap().keys();
        expected.extend(names.map(|name| {
            let short = name.strip_prefix("sapcalm_").unwrap_or(name);
            format!("{folder}/{short}.md")
        }));
    }
    for entry in fs::read_dir(Path::new(ROOT).join("templates/guides")).unwrap() {
        let name = entry.unwrap().file_name();
        expected.insert(format!("guides/{}", name.to_str().unwrap()));
    }
    let present: BTreeSet<String> = files().into_iter().map(|(path, _)| path).collect();
    assert_eq!(present, expected);
}

#[test]
fn every_page_has_an_example_and_every_resource_three_ways_to_import() {
    for page in pages() {
        if page.kind == Kind::Guide {
            continue;
        }
        assert!(page.text.contains("\n## Example Usage\n"), "{}", page.path);
        if page.kind == Kind::Resource {
            for part in ["  identity = {", "  id = \"", "terraform import "] {
                assert!(page.text.contains(part), "{}: {part}", page.path);
            }
        }
    }
}

#[test]
fn every_file_of_the_examples_and_templates_is_in_a_page() {
    let pages = pages();
    for (path, text) in sources().iter() {
        let text = match path.strip_prefix("templates/guides/") {
            Some(_) => text.trim_start_matches("---\n"),
            None => text.trim_end(),
        };
        // What stands between the examples that a guide names.
        let parts = text
            .split("{{ tffile \"")
            .map(|part| part.split_once("\" }}").map_or(part, |(_, rest)| rest));
        let is_shown = pages
            .iter()
            .any(|page| parts.clone().all(|part| page.text.contains(part)));
        assert!(is_shown, "no page shows {path}: is its name right?");
    }
    for page in pages {
        assert!(
            !page.text.contains("{{ tffile"),
            "{} names no file",
            page.path
        );
    }
}

#[test]
fn pages_lead_to_pages_only() {
    for (path, text) in files() {
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            let depth = path.matches('/').count();
            assert!(
                target.matches("../").count() <= depth,
                "{path}: the Registry has no {target}"
            );
        }
    }
}

// --------------------------------------------------------------- descriptions

/// Every schema with a name for messages.
fn schemas() -> Vec<(String, &'static Schema)> {
    let provider = &SapCalm;
    let mut schemas = vec![("provider".to_owned(), provider.definition().schema)];
    let mut add = |kind: &str, name: &str, schema| schemas.push((format!("{kind} {name}"), schema));
    for each in provider.resources() {
        add(
            "resource",
            each.definition().type_name,
            each.definition().schema,
        );
    }
    for each in provider.data_sources() {
        add(
            "data",
            each.definition().type_name,
            each.definition().schema,
        );
    }
    for each in provider.ephemeral_resources() {
        add(
            "ephemeral",
            each.definition().type_name,
            each.definition().schema,
        );
    }
    for each in provider.list_resources() {
        let name = each.definition().type_name;
        add("list", name, each.definition().schema);
    }
    for each in provider.actions() {
        add(
            "action",
            each.definition().type_name,
            each.definition().schema,
        );
    }
    schemas
}

/// What is missing or wrong in the text about an attribute.
fn faults(attribute: &Attribute, siblings: &[Attribute]) -> Vec<&'static str> {
    let text = described::text(attribute, siblings);
    let description = attribute.description;
    let has = |wanted: &Validator| {
        let same =
            |rule: &Validator| std::mem::discriminant(rule) == std::mem::discriminant(wanted);
        attribute.validators.iter().any(same)
    };
    let mut faults = Vec::new();
    let mut check = |is_wrong: bool, fault| {
        if is_wrong {
            faults.push(fault);
        }
    };
    // Meaning.
    check(description.split_whitespace().count() < 2, "has no meaning");
    check(description.contains('\n'), "is more than one paragraph");
    // Default.
    let is_object = matches!(attribute.kind, AttributeType::Object(_));
    let can_be_left_out = matches!(attribute.mode, Mode::Optional | Mode::OptionalComputed);
    check(
        can_be_left_out && !is_object && !text.contains(" Default: "),
        "has no default",
    );
    check(
        text.matches("efault: ").count() > 1 || description.contains("Default `"),
        "has a default in its description",
    );
    check(
        matches!(
            (attribute.kind, attribute.mode),
            (AttributeType::Bool, Mode::Optional)
        ) && attribute.absent.is_none(),
        "does not say whether it is on or off when it is left out",
    );
    // Unit.
    let duration = ["timeout", "delay", "interval", "duration"];
    let is_duration = duration.iter().any(|word| attribute.name.ends_with(word));
    check(
        is_duration && !is_object && !has(&Validator::Duration),
        "is a time without the syntax of durations",
    );
    let is_moment = ["_time", "_at"]
        .iter()
        .any(|end| attribute.name.ends_with(end));
    check(
        is_moment && matches!(attribute.kind, AttributeType::String) && !text.contains("RFC 3339"),
        "is a moment without its form",
    );
    // What is derived is not typed.
    for word in ["Environment variable", "Needs Terraform", "forces a new"] {
        check(description.contains(word), "types what is derived");
    }
    faults
}

fn check(name: &str, attributes: &[Attribute], wrong: &mut Vec<String>) -> usize {
    let mut count = 0;
    for attribute in attributes {
        count += 1;
        let path = format!("{name}.{}", attribute.name);
        for fault in faults(attribute, attributes) {
            wrong.push(format!("{path} {fault}: {}", attribute.description));
        }
        if let AttributeType::Object(inner) = attribute.kind {
            count += check(&path, inner, wrong);
        }
    }
    count
}

#[test]
fn every_attribute_says_its_meaning_its_unit_and_its_default() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, schema) in schemas() {
        count += check(&name, schema.attributes, &mut wrong);
    }
    assert!(count > 100, "the test found only {count} attributes");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_attribute_that_says_too_little_or_too_much_is_found() {
    for (attribute, fault) in [
        (Attribute::string("a").describe("A."), "has no meaning"),
        (
            Attribute::string("a")
                .optional_computed()
                .describe("Its name."),
            "has no default",
        ),
        (
            Attribute::bool("a").describe("Whether it is on."),
            "does not say whether it is on or off when it is left out",
        ),
        (
            Attribute::string("wait_timeout").describe("How long to wait."),
            "is a time without the syntax of durations",
        ),
        (
            Attribute::string("expires_at")
                .computed()
                .describe("When it ends."),
            "is a moment without its form",
        ),
        (
            Attribute::string("a").describe("Its name. Default: x."),
            "has a default in its description",
        ),
    ] {
        assert_eq!(faults(&attribute, &[]), [fault]);
    }
}
