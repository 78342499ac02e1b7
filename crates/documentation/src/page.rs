//! Puts pages together: front matter, description, examples, the hand-written
//! part, the attributes, and how to import.

use std::fmt::Write as _;

use framework::client_version;
use framework::function::Definition;
use framework::schema::{IdentitySchema, Schema};

use super::files::Files;
use super::folder::GENERATED;
use super::{Kind, Page, Subject, function, schema};

const ABOUT_IMPORT_BLOCKS: &str = "https://developer.hashicorp.com/terraform/language/import";
const ABOUT_IMPORT: &str = "https://developer.hashicorp.com/terraform/cli/commands/import";

/// The page about something with a schema.
pub(super) fn of_subject(provider: &str, subject: &Subject, files: &Files) -> Page {
    let Subject {
        kind, name, schema, ..
    } = *subject;
    let title = format!("{name} ({})", kind.title());
    let path = kind.path(provider, name);
    let mut text = front_matter(
        &format!("{name} {} - {provider}", kind.title()),
        true,
        schema.description,
    );
    section(&mut text, &format!("# {title}\n\n{}", schema.description));
    needed(&mut text, kind);
    examples(&mut text, kind, name, files);
    written_by_hand(&mut text, &path, files);
    section(&mut text, &schema::section(schema.attributes));
    if let Some(identity) = subject.identity {
        import(&mut text, name, identity, files);
    }
    Page {
        kind,
        name: name.to_owned(),
        title,
        path,
        text,
    }
}

/// The page about a function.
pub(super) fn of_function(provider: &str, definition: &'static Definition, files: &Files) -> Page {
    let kind = Kind::Function;
    let name = definition.name;
    let title = format!("{name} ({})", kind.title());
    let path = kind.path(provider, name);
    let mut text = front_matter(
        &format!("{name} function - {provider}"),
        true,
        definition.summary,
    );
    section(
        &mut text,
        &format!("# function: {name}\n\n{}", definition.description),
    );
    needed(&mut text, kind);
    examples(&mut text, kind, name, files);
    written_by_hand(&mut text, &path, files);
    section(&mut text, &function::sections(definition));
    Page {
        kind,
        name: name.to_owned(),
        title,
        path,
        text,
    }
}

/// The page about the provider. It lists no other pages: the Registry has its own
/// list beside it, and resolves relative links of this one page to nowhere.
pub(super) fn index(provider: &str, schema: &Schema, files: &Files) -> Page {
    let kind = Kind::Provider;
    let title = format!("{provider} Provider");
    let path = kind.path(provider, provider);
    let mut text = front_matter(&title, false, schema.description);
    section(&mut text, &format!("# {title}\n\n{}", schema.description));
    needed(&mut text, kind);
    examples(&mut text, kind, provider, files);
    written_by_hand(&mut text, &path, files);
    section(&mut text, &schema::section(schema.attributes));
    Page {
        kind,
        name: provider.to_owned(),
        title,
        path,
        text,
    }
}

/// A guide, whose file is a whole page but for the examples that it names.
pub(super) fn of_guide(file: &str, text: &str, files: &Files) -> Page {
    let text = &with_examples(text, files);
    let name = file.strip_suffix(".md").unwrap_or(file);
    let title = text
        .lines()
        .find_map(|line| line.strip_prefix("page_title:"))
        .map_or(name, |title| title.trim().trim_matches('"'));
    let source = format!("---\n{GENERATED} from templates/guides/{file}\n");
    Page {
        kind: Kind::Guide,
        name: name.to_owned(),
        title: title.to_owned(),
        path: Kind::Guide.path("", name),
        text: match text.strip_prefix("---\n") {
            Some(rest) => source + rest,
            None => source + "---\n\n" + text,
        },
    }
}

/// The text with the examples that it names in lines such as
/// `{{ tffile "examples/a.tf" }}`. A line that names no file stays.
fn with_examples(text: &str, files: &Files) -> String {
    let lines = text.lines().map(|line| {
        let path = line
            .strip_prefix("{{ tffile \"")
            .and_then(|rest| rest.strip_suffix("\" }}"));
        match path.and_then(|path| files.get(path)) {
            Some(example) => fenced("terraform", example),
            None => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn front_matter(title: &str, has_subcategory: bool, description: &str) -> String {
    let subcategory = if has_subcategory {
        "subcategory: \"\"\n"
    } else {
        ""
    };
    let summary = plain(first_paragraph(description));
    format!(
        "---\n{GENERATED} from the schema, examples/ and templates/\npage_title: \
         \"{title}\"\n{subcategory}description: |-\n  {summary}\n---\n"
    )
}

/// Adds a part, with an empty line before it.
fn section(text: &mut String, part: &str) {
    let _ = write!(text, "\n{}\n", part.trim_end());
}

/// The first client that knows such a thing.
fn needed(text: &mut String, kind: Kind) {
    if let Some(since) = kind.since() {
        section(text, &format!("Needs {since}."));
    }
}

fn examples(text: &mut String, kind: Kind, name: &str, files: &Files) {
    let (begin, end) = kind.example_files();
    let of_kind = |(name, _): &(&str, &str)| name.starts_with(begin) && name.ends_with(end);
    let found: Vec<_> = files.below(&kind.examples(name)).filter(of_kind).collect();
    if found.is_empty() {
        return;
    }
    section(text, "## Example Usage");
    for (_, example) in found {
        section(text, &fenced("terraform", example));
    }
}

fn fenced(language: &str, code: &str) -> String {
    format!("```{language}\n{}\n```", code.trim_end())
}

/// The part that stands in the template of the same path.
fn written_by_hand(text: &mut String, path: &str, files: &Files) {
    if let Some(part) = files.get(&format!("templates/{path}")) {
        section(text, part);
    }
}

/// The three ways to import; each has its example.
fn import(text: &mut String, name: &str, identity: &IdentitySchema, files: &Files) {
    let example = |file: &str| {
        let path = Kind::Resource.examples(name) + file;
        files.get(&path)
    };
    let by_identity = example("import-by-identity.tf");
    let by_id = example("import-by-string-id.tf");
    let command = example("import.sh");
    if by_identity.or(by_id).or(command).is_none() {
        return;
    }
    section(
        text,
        "## Import\n\nImport is supported using the following syntax:",
    );
    if let Some(code) = by_identity {
        let since = client_version::IDENTITY;
        section(
            text,
            &format!(
                "With {since} the [`import` block]({ABOUT_IMPORT_BLOCKS}) can name the object by \
                 its `identity`:"
            ),
        );
        section(text, &fenced("terraform", code));
        section(text, &schema::identity(identity));
    }
    if let Some(code) = by_id {
        let since = client_version::IMPORT_BLOCK;
        section(
            text,
            &format!(
                "With {since} the [`import` block]({ABOUT_IMPORT_BLOCKS}) can name the object by \
                 its `id`:"
            ),
        );
        section(text, &fenced("terraform", code));
    }
    if let Some(code) = command {
        section(
            text,
            &format!("The [`terraform import` command]({ABOUT_IMPORT}) does it without a block:"),
        );
        section(text, &fenced("shell", code));
    }
}

fn first_paragraph(text: &str) -> &str {
    text.split("\n\n").next().unwrap_or_default()
}

/// Text without marks: one line, no code marks, of links only their words.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once('[') {
        text.push_str(before);
        let words_and_rest = link
            .split_once("](")
            .and_then(|(words, target)| Some((words, target.split_once(')')?.1)));
        if let Some((words, after)) = words_and_rest {
            text.push_str(words);
            rest = after;
        } else {
            text.push('[');
            rest = link;
        }
    }
    text.push_str(rest);
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace(['`', '*'], "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::files;
    use framework::schema::Attribute;

    static SCHEMA: Schema = Schema::new(
        0,
        "A `thing` of the [service](https://example.com/a_b).\n\nIt is small.",
        &[Attribute::string("name").required().describe("Its name.")],
    );
    static IDENTITY: IdentitySchema =
        IdentitySchema::new(&[Attribute::string("name").required().describe("Its name.")]);
    const FILES: &[(&str, &str)] = &[
        (
            "examples/resources/acme_thing/import-by-identity.tf",
            "identity\n",
        ),
        (
            "examples/resources/acme_thing/import-by-string-id.tf",
            "id\n",
        ),
        (
            "examples/resources/acme_thing/import.sh",
            "terraform import\n",
        ),
        (
            "examples/resources/acme_thing/resource-other.tf",
            "second\n",
        ),
        ("examples/resources/acme_thing/resource.tf", "first\n"),
        ("templates/resources/thing.md", "## By hand\n\nWords.\n"),
    ];

    #[test]
    fn a_page_has_its_parts_in_the_order_of_the_registry() {
        let subject = Subject {
            kind: Kind::Resource,
            name: "acme_thing",
            schema: &SCHEMA,
            identity: Some(&IDENTITY),
        };
        let page = of_subject("acme", &subject, &files(FILES));
        assert_eq!(page.path, "resources/thing.md");
        let expected = "---
# generated by `make docs` from the schema, examples/ and templates/
page_title: \"acme_thing Resource - acme\"
subcategory: \"\"
description: |-
  A thing of the service.
---

# acme_thing (Resource)

A `thing` of the [service](https://example.com/a_b).

It is small.

## Example Usage

```terraform
first
```

```terraform
second
```

## By hand

Words.

## Schema

### Required

- `name` (String) Its name.

## Import

Import is supported using the following syntax:

With Terraform 1.12 (OpenTofu 1.12) or later the [`import` block](https://developer.hashicorp.com/terraform/language/import) can name the object by its `identity`:

```terraform
identity
```

### Identity Schema

#### Required

- `name` (String) Its name.

With Terraform 1.5 (OpenTofu 1.6) or later the [`import` block](https://developer.hashicorp.com/terraform/language/import) can name the object by its `id`:

```terraform
id
```

The [`terraform import` command](https://developer.hashicorp.com/terraform/cli/commands/import) does it without a block:

```shell
terraform import
```
";
        assert_eq!(page.text, expected);
    }

    #[test]
    fn a_guide_keeps_its_front_matter_and_says_where_it_comes_from() {
        let page = of_guide(
            "start.md",
            "---\npage_title: \"Start here\"\n---\n\n# Start\n",
            &files(FILES),
        );
        assert_eq!((&*page.name, &*page.title), ("start", "Start here"));
        assert_eq!(
            page.text,
            "---\n# generated by `make docs` from templates/guides/start.md\npage_title: \"Start \
             here\"\n---\n\n# Start\n"
        );
    }

    #[test]
    fn a_guide_shows_the_examples_that_it_names() {
        let line =
            |path: &str| format!("{{{{ tffile \"examples/resources/acme_thing/{path}\" }}}}");
        let text = format!("# A\n\n{}\n\n{}\n", line("resource.tf"), line("gone.tf"));
        let page = of_guide("start.md", &text, &files(FILES));
        let expected = format!("# A\n\n```terraform\nfirst\n```\n\n{}\n", line("gone.tf"));
        assert!(page.text.ends_with(&expected), "{}", page.text);
    }
}
