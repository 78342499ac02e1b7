//! The documentation, as the Registry gets it: one Markdown
//! page for everything the provider offers, and the guides.
//!
//! Pages are made of the statics that the server serves, of the files in
//! `examples/`, and of hand-written parts in `templates/` ([`Files`]). What the
//! schema knows is never typed into a page, so no page can contradict the
//! provider. Nothing of this is in the provider that people install.
//!
//! * [`kind`] says what kinds of pages there are and where each has its place.
//! * [`page`] puts a page together, from [`schema`] and [`function`].
//! * [`folder`] writes the pages into `docs/`, or says which of them are stale.
//!
//! The layout of folders, headings and anchors is the one that Registry users
//! know from tfplugindocs. Attributes keep the order of the schema, though:
//! what matters most comes first.

mod files;
pub mod folder;
mod function;
mod kind;
mod page;
mod schema;

pub use files::Files;
pub use kind::Kind;

use framework::provider::Provider;
use framework::schema::{IdentitySchema, Schema};

/// One page.
#[derive(Debug, Clone)]
pub struct Page {
    /// What it is about.
    pub kind: Kind,
    /// The full name of what it is about, such as `sapcalm_destination`; of a
    /// guide the name of its file.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its place in the folder `docs`, such as `resources/destination.md`.
    pub path: String,
    /// Its text, in Markdown with front matter.
    pub text: String,
}

/// Something that the provider offers and that has a schema.
#[derive(Debug, Clone, Copy)]
struct Subject {
    kind: Kind,
    name: &'static str,
    schema: &'static Schema,
    identity: Option<&'static IdentitySchema>,
}

/// All pages of a provider, in the order of the documentation.
#[must_use]
pub fn pages<P: Provider>(provider: &P, files: &Files) -> Vec<Page> {
    let subjects = subjects(provider);
    let mut pages: Vec<Page> = subjects
        .iter()
        .map(|subject| page::of_subject(provider.type_name(), subject, files))
        .collect();
    let functions = provider.functions().iter();
    pages.extend(
        functions
            .map(|function| page::of_function(provider.type_name(), function.definition(), files)),
    );
    pages.sort_by_key(|page| page.kind);
    let guides = files.below(Kind::Guide.templates());
    pages.extend(guides.map(|(name, text)| page::of_guide(name, text)));
    let index = page::index(provider.type_name(), provider.schema(), files);
    pages.insert(0, index);
    pages
}

fn subjects<P: Provider>(provider: &P) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for resource in provider.resources() {
        let definition = resource.definition();
        subjects.push(Subject {
            kind: Kind::Resource,
            name: definition.type_name,
            schema: definition.schema,
            identity: Some(definition.identity),
        });
    }
    let mut others = |kind, name, schema| {
        subjects.push(Subject {
            kind,
            name,
            schema,
            identity: None,
        });
    };
    for data_source in provider.data_sources() {
        let definition = data_source.definition();
        others(Kind::DataSource, definition.type_name, definition.schema);
    }
    for ephemeral in provider.ephemeral_resources() {
        let definition = ephemeral.definition();
        others(
            Kind::EphemeralResource,
            definition.type_name,
            definition.schema,
        );
    }
    for list in provider.list_resources() {
        let definition = list.definition();
        others(
            Kind::ListResource,
            definition.resource.type_name,
            definition.schema,
        );
    }
    for action in provider.actions() {
        let definition = action.definition();
        others(Kind::Action, definition.type_name, definition.schema);
    }
    subjects
}
