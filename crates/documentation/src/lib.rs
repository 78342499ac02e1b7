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
pub use page::Page;

use framework::definition::Definition;
use framework::provider::Provider;
use page::Subject;

/// The guides, in the repository.
const GUIDES: &str = "templates/guides/";

/// All pages of a provider, in the order of the documentation.
pub fn pages<P: Provider>(provider: &P, files: &Files) -> Vec<Page> {
    let subjects = subjects(provider);
    let Definition {
        type_name, schema, ..
    } = provider.definition();
    let mut pages: Vec<Page> = subjects
        .iter()
        .map(|subject| page::of_subject(type_name, subject, files))
        .collect();
    let functions = provider.functions().iter();
    pages.extend(
        functions.map(|function| page::of_function(type_name, function.definition(), files)),
    );
    pages.sort_by_key(|page| page.kind);
    let guides = files.below(GUIDES);
    pages.extend(guides.map(|(name, text)| page::of_guide(name, text, files)));
    let index = page::index(type_name, schema, files);
    pages.insert(0, index);
    pages
}

fn subjects<P: Provider>(provider: &P) -> Vec<Subject> {
    let of = |kind, definition: &'static Definition| Subject {
        kind,
        name: definition.type_name,
        schema: definition.schema,
        identity: None,
    };
    let resources = provider.resources().iter().map(|resource| Subject {
        identity: Some(resource.identity_schema()),
        ..of(Kind::Resource, resource.definition())
    });
    let mut subjects: Vec<Subject> = resources.collect();
    let mut others = |kind, definition| subjects.push(of(kind, definition));
    for data_source in provider.data_sources() {
        others(Kind::DataSource, data_source.definition());
    }
    for ephemeral in provider.ephemeral_resources() {
        others(Kind::EphemeralResource, ephemeral.definition());
    }
    for list in provider.list_resources() {
        others(Kind::ListResource, list.definition());
    }
    for action in provider.actions() {
        others(Kind::Action, action.definition());
    }
    subjects
}
