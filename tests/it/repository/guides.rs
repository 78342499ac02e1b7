//! What people wrote by hand: the guides in `templates/guides/` and the
//! Markdown files at the root. Their configurations fit the schema, their links
//! lead somewhere, and the troubleshooting guide knows every message.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use documentation as docs;
use hcl::expr::{Expression, ObjectKey};
use hcl::structure::{Block, Body};
use serde_json::{Map, Value as Json};

use crate::support::schema_document::schemas;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const GUIDES: &str = "templates/guides";
/// Where the guides stand once they are rendered.
const RENDERED: &str = "docs/guides";

/// A Markdown file: its path from the root, and its text.
struct Page {
    path: String,
    text: String,
}

/// The Markdown files directly in a folder.
fn markdown(folder: &str) -> Vec<Page> {
    let mut pages: Vec<Page> = fs::read_dir(Path::new(ROOT).join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| Page {
            text: fs::read_to_string(&path).unwrap(),
            path: path.strip_prefix(ROOT).unwrap().display().to_string(),
        })
        .collect();
    pages.sort_by(|one, other| one.path.cmp(&other.path));
    pages
}

/// What the documentation generates stands in `docs/`, with all examples.
fn all_pages() -> Vec<Page> {
    let generated = docs::Kind::ALL
        .iter()
        .filter(|kind| **kind != docs::Kind::Guide)
        .map(|kind| format!("docs/{}", kind.folder()))
        .map(|folder| folder.trim_end_matches('/').to_owned());
    [".", GUIDES, ".github"]
        .map(str::to_owned)
        .into_iter()
        .chain(generated)
        .flat_map(|folder| markdown(&folder))
        .collect()
}

// --------------------------------------------------------------- front matter

#[test]
fn every_guide_has_the_front_matter_of_the_registry() {
    let guides = markdown(GUIDES);
    assert!(guides.len() >= 9, "there are only {} guides", guides.len());
    for page in guides {
        let lines: Vec<&str> = page.text.lines().take(7).collect();
        let fits = matches!(lines[..], [
            "---",
            title,
            "subcategory: \"\"",
            "description: |-",
            description,
            "---",
            "",
        ] if title.starts_with("page_title: \"") && description.starts_with("  "));
        assert!(fits, "{}: {lines:#?}", page.path);
    }
}

// ------------------------------------------------------------- configurations

/// The contents of the fences of a language.
fn fences<'a>(text: &'a str, languages: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("```") {
        let inside = &rest[start + 3..];
        let (language, body) = inside.split_once('\n').unwrap_or((inside, ""));
        let end = body.find("```").unwrap_or(body.len());
        if languages.contains(&language.trim()) {
            found.push(&body[..end]);
        }
        rest = body.get(end + 3..).unwrap_or("");
    }
    found
}

/// The schema of a top-level block, when it is one of ours.
fn schema_of<'a>(
    block: &Block,
    schemas: &'a Map<String, Json>,
) -> Option<Result<&'a Json, String>> {
    let kind = match block.identifier.as_str() {
        "provider" => "provider",
        "resource" => "resource_schemas",
        "data" => "data_source_schemas",
        "ephemeral" => "ephemeral_resource_schemas",
        "list" => "list_resource_schemas",
        "action" => "action_schemas",
        _ => return None,
    };
    let name = block.labels.first()?.as_str();
    if name != "sapcalm" && !name.starts_with("sapcalm_") {
        return None;
    }
    let found = match kind {
        "provider" => schemas.get(kind),
        _ => schemas.get(kind).and_then(|kind| kind.get(name)),
    };
    Some(
        found
            .map(|schema| &schema["block"]["attributes"])
            .ok_or(format!(
                "there is no {} `{name}`",
                block.identifier.as_str()
            )),
    )
}

/// What every block of Terraform may have besides its own attributes.
const META: [&str; 7] = [
    "count",
    "for_each",
    "provider",
    "depends_on",
    "alias",
    // Of list blocks.
    "limit",
    "include_resource",
];

/// Everything in the body of one of our blocks that the schema does not know.
fn unknown_in_body(body: &Body, attributes: &Json, found: &mut Vec<String>) {
    for attribute in body.attributes() {
        let name = attribute.key.as_str();
        if META.contains(&name) {
            continue;
        }
        match attributes.get(name) {
            Some(schema) => unknown_in_value(name, &attribute.expr, schema, found),
            None => found.push(format!("there is no attribute `{name}`")),
        }
    }
    for block in body.blocks() {
        match block.identifier.as_str() {
            "lifecycle" => {}
            // Of list resources and actions.
            "config" => unknown_in_body(&block.body, attributes, found),
            other => found.push(format!("there is no block `{other}`")),
        }
    }
}

fn unknown_in_value(path: &str, value: &Expression, schema: &Json, found: &mut Vec<String>) {
    if schema["computed"] == true && schema["optional"] != true {
        found.push(format!("`{path}` is read-only"));
    }
    let (Expression::Object(members), Some(nested)) =
        (value, schema["nested_type"]["attributes"].as_object())
    else {
        return;
    };
    for (key, value) in members {
        let name = match key {
            ObjectKey::Identifier(name) => name.as_str().to_owned(),
            other => other.to_string(),
        };
        match nested.get(&name) {
            Some(schema) => unknown_in_value(&format!("{path}.{name}"), value, schema, found),
            None => found.push(format!("there is no attribute `{path}.{name}`")),
        }
    }
}

/// References such as `sapcalm_destination.cloud_alm.name` to attributes that
/// do not exist.
fn unknown_references(text: &str, schemas: &Map<String, Json>, found: &mut Vec<String>) {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    for word in words.filter(|word| word.starts_with("sapcalm_")) {
        let parts: Vec<&str> = word.split('.').collect();
        let schema = &schemas["resource_schemas"][parts[0]]["block"]["attributes"];
        if let [_, _, attribute, ..] = parts[..]
            && schema.get(attribute).is_none()
        {
            found.push(format!("`{word}` refers to nothing"));
        }
    }
}

/// What is wrong with a configuration.
fn faults(text: &str, schemas: &Map<String, Json>) -> Vec<String> {
    let body = match hcl::parse(text) {
        Ok(body) => body,
        Err(error) => return vec![error.to_string()],
    };
    let mut found = Vec::new();
    for block in body.blocks() {
        match schema_of(block, schemas) {
            Some(Ok(attributes)) => unknown_in_body(&block.body, attributes, &mut found),
            Some(Err(fault)) => found.push(fault),
            None => {}
        }
    }
    unknown_references(text, schemas, &mut found);
    found
}

#[test]
fn every_configuration_in_a_page_fits_the_schema() {
    let schemas = schemas();
    let mut count = 0;
    let mut wrong = Vec::new();
    for page in all_pages() {
        for text in fences(&page.text, &["terraform", "hcl"]) {
            count += 1;
            for fault in faults(text, &schemas) {
                wrong.push(format!("{}: {fault}, in\n{text}", page.path));
            }
        }
    }
    for file in [
        "btp-service-keys/main.tf",
        "three-landscapes/main.tf",
        "three-landscapes/connection/main.tf",
    ] {
        let path = Path::new(ROOT).join("examples/compositions").join(file);
        let text = fs::read_to_string(path).unwrap();
        for fault in faults(&text, &schemas) {
            wrong.push(format!("{file}: {fault}"));
        }
    }
    assert!(count > 30, "the test found only {count} configurations");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_configuration_that_does_not_fit_is_found() {
    let schemas = schemas();
    for (text, fault) in [
        (
            "resource \"sapcalm_destination\" \"a\" {\n  nam = \"x\"\n}\n",
            "there is no attribute `nam`",
        ),
        (
            "resource \"sapcalm_nothing\" \"a\" {}\n",
            "there is no resource `sapcalm_nothing`",
        ),
        (
            "resource \"sapcalm_destination\" \"a\" {\n  id = \"x\"\n}\n",
            "`id` is read-only",
        ),
        (
            "provider \"sapcalm\" {\n  order_management_api = {\n    register = { pth = \"x\" }\n  }\n}\n",
            "there is no attribute `order_management_api.register.pth`",
        ),
        (
            "output \"a\" {\n  value = sapcalm_destination.a.nam\n}\n",
            "`sapcalm_destination.a.nam` refers to nothing",
        ),
        (
            "resource \"sapcalm_destination\" \"a\" {\n  nested {}\n}\n",
            "there is no block `nested`",
        ),
    ] {
        assert_eq!(faults(text, &schemas), [fault], "{text}");
    }
    assert_eq!(faults("resource {", &schemas).len(), 1);
}

#[test]
fn the_readme_names_everything_that_there_is() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let (_, table) = readme.split_once("## What it manages").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    for (kind, schemas) in schemas() {
        if kind == "provider" || kind == "resource_identity_schemas" {
            continue;
        }
        for name in schemas.as_object().unwrap().keys() {
            assert!(
                table.contains(&format!("`{name}`")),
                "the README does not name `{name}` ({kind})"
            );
        }
    }
}

// ---------------------------------------------------------------------- links

/// The targets of the links of a page, fences and inline code aside.
fn links(text: &str) -> Vec<String> {
    let mut prose = String::new();
    let mut in_fence = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        } else if !in_fence {
            let outside = line.split('`').step_by(2);
            prose.extend(outside);
            prose.push('\n');
        }
    }
    prose
        .match_indices("](")
        .filter_map(|(at, _)| prose[at + 2..].split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// The anchor that GitHub and the Registry make of a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

fn has_anchor(text: &str, wanted: &str) -> bool {
    if text.contains(&format!("<a id=\"{wanted}\"></a>")) {
        return true;
    }
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .any(|anchor| anchor == wanted)
}

/// The file that a link leads to. Guides are linked as they will be rendered.
fn target_of(page: &Page, link: &str) -> PathBuf {
    let here = Path::new(&page.path).parent().unwrap();
    let here = if here == Path::new(GUIDES) {
        Path::new(RENDERED)
    } else {
        here
    };
    let mut path = PathBuf::new();
    for part in here.join(link).components() {
        match part {
            std::path::Component::ParentDir => {
                path.pop();
            }
            std::path::Component::CurDir => {}
            part => path.push(part),
        }
    }
    // What the next `make docs` makes of it counts.
    match path.strip_prefix(RENDERED) {
        Ok(guide) => Path::new(ROOT).join(GUIDES).join(guide),
        Err(_) => Path::new(ROOT).join(path),
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut count = 0;
    for page in all_pages() {
        for link in links(&page.text) {
            if link.starts_with("https://") {
                continue;
            }
            count += 1;
            let (file, wanted) = link.split_once('#').unwrap_or((&link, ""));
            let text = if file.is_empty() {
                page.text.clone()
            } else {
                let target = target_of(&page, file);
                if !target.exists() {
                    broken.push(format!("{}: {link}", page.path));
                    continue;
                }
                fs::read_to_string(target).unwrap_or_default()
            };
            if !wanted.is_empty() && !has_anchor(&text, wanted) {
                broken.push(format!("{}: {link} (no such heading)", page.path));
            }
        }
    }
    assert!(count > 20, "the test found only {count} links");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

// ------------------------------------------------------------- troubleshooting

/// What makes a message. The summary is among the first two arguments.
const MAKERS: [&str; 8] = [
    "Diagnostic::error(",
    "Diagnostic::warning(",
    "Self::error(",
    "self.error(",
    "self.reject(",
    "absent_kind(",
    "wrong(",
    "doubtful(",
];

/// Every Rust file below a folder of `src`, its tests cut off.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "tests" || name == "snapshots" {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            found.push((path, code.to_owned()));
        }
    }
}

/// The string literals of the first two arguments of a call, from behind its
/// parenthesis.
fn literals(arguments: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut commas = 0;
    let mut rest = arguments;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => {
                let end = rest.find('"').unwrap_or(rest.len());
                if depth == 0 {
                    found.push(rest[..end].to_owned());
                }
                rest = rest.get(end + 1..).unwrap_or("");
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                commas += 1;
                if commas == 2 {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

/// A summary is a line that begins with a capital and is no sentence.
fn is_summary(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.contains(' ')
        && !text.ends_with('.')
        && !text.contains(['{', '`'])
}

/// The summaries of all messages in the code.
fn summaries() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["crates/framework/src", "src/provider"] {
        sources(&Path::new(ROOT).join(folder), &mut files);
    }
    let mut found = BTreeSet::new();
    for (_, code) in &files {
        for maker in MAKERS {
            for (at, _) in code.match_indices(maker) {
                let before = code[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                found.extend(literals(&code[at + maker.len()..]));
            }
        }
        // A summary that is chosen first, and one that belongs to a call or a kind.
        for start in ["let summary = ", "fn facts(", "const WORDS: Words"] {
            for (at, _) in code.match_indices(start) {
                let rest = &code[at..];
                let end = if start.starts_with("let") {
                    rest.find(";\n")
                } else {
                    rest.find("\n    }")
                };
                let chosen = &rest[..end.unwrap_or(rest.len())];
                found.extend(chosen.split('"').skip(1).step_by(2).map(str::to_owned));
            }
        }
    }
    found.retain(|text| is_summary(text));
    found
}

#[test]
fn the_troubleshooting_guide_has_every_message_and_no_other() {
    let guide = fs::read_to_string(Path::new(ROOT).join(GUIDES).join("troubleshooting.md"));
    let guide = guide.unwrap();
    let explained: Vec<String> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(str::to_owned)
        .collect();
    let unique: BTreeSet<String> = explained.iter().cloned().collect();
    assert_eq!(
        explained.len(),
        unique.len(),
        "a heading stands there twice"
    );
    let known = summaries();
    assert!(
        known.len() > 60,
        "the test found only {} messages",
        known.len()
    );
    let missing: Vec<_> = known.difference(&unique).collect();
    let gone: Vec<_> = unique.difference(&known).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "templates/guides/troubleshooting.md has no heading for {missing:#?}, and has headings \
         that are no messages any more: {gone:#?}"
    );
}

#[test]
fn every_message_that_a_snapshot_shows_is_a_message_of_the_code() {
    let known = summaries();
    let mut shown = 0;
    for folder in [
        "tests/it/main_job/snapshots",
        "src/provider/snapshots",
        "src/provider/config/snapshots",
    ] {
        for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            for line in text.lines() {
                let heading = ["## ", "Error: ", "Warning: "]
                    .iter()
                    .find_map(|start| line.strip_prefix(start));
                let Some(heading) = heading else {
                    continue;
                };
                let summary = heading.split(" (").next().unwrap();
                shown += 1;
                assert!(
                    known.contains(summary),
                    "{summary:?} was not found in the code"
                );
            }
        }
    }
    assert!(shown > 40, "the test found only {shown} messages");
}
