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

use framework::definition::{Definition, Described};
use framework::provider::Provider;
use page::Subject;

/// The guides, in the repository.
const GUIDES: &str = "templates/guides/";

/// All pages of a provider.
pub fn pages<P: Provider>(provider: &P, files: &Files) -> Vec<Page> {
    let name = provider.definition().type_name;
    let subjects = subjects(provider).into_iter();
    let pages = subjects.map(|subject| page::of_subject(name, &subject, files));
    let guides = files.below(GUIDES);
    let guides = guides.map(|(name, text)| page::of_guide(name, text, files));
    pages.chain(guides).collect()
}

fn subjects<P: Provider>(provider: &P) -> Vec<Subject> {
    let mut subjects = vec![with_schema(Kind::Provider, provider.definition())];
    subjects.extend(provider.resources().iter().map(|resource| Subject {
        identity: Some(resource.identity_schema()),
        ..with_schema(Kind::Resource, resource.definition())
    }));
    subjects.extend(all(Kind::DataSource, provider.data_sources()));
    subjects.extend(all(Kind::EphemeralResource, provider.ephemeral_resources()));
    subjects.extend(all(Kind::ListResource, provider.list_resources()));
    subjects.extend(all(Kind::Action, provider.actions()));
    subjects.extend(provider.functions().iter().map(|function| {
        let definition = function.definition();
        Subject {
            kind: Kind::Function,
            name: definition.name,
            summary: definition.summary,
            description: definition.description,
            sections: function::sections(definition),
            identity: None,
        }
    }));
    subjects
}

/// All of a kind.
fn all<T: Described + ?Sized>(kind: Kind, all: &[&T]) -> impl Iterator<Item = Subject> {
    all.iter()
        .map(move |one| with_schema(kind, one.definition()))
}

fn with_schema(kind: Kind, definition: &'static Definition) -> Subject {
    let schema = definition.schema;
    Subject {
        kind,
        name: definition.type_name,
        summary: schema.description,
        description: schema.description,
        sections: schema::section(schema.attributes),
        identity: None,
    }
}
