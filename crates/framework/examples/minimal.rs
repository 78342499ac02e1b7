//! A whole provider: its one resource, `acme_note`, is a text file.
use std::{env, fs, io};

use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::plugin::{self, Handshake, Program};
use framework::private::Private;
use framework::resource::{Context, DynResource, Failed, ImportRequest, Resource, Saved, Seen};
use framework::resource::{CreateRequest, DeleteRequest, ReadRequest, UpdateRequest};
use framework::schema::{Attribute, IdentitySchema, Replace, Schema};
use framework::{provider::Provider, server::Server, value::Value};
use serde::{Deserialize, Serialize};

struct Acme;
static NOTHING: Schema = Schema::new(0, "Keeps notes.", &[]);
static ACME: Definition = Definition::new(Kind::Provider, "acme", &NOTHING);
impl Described for Acme {
    fn definition(&self) -> &'static Definition {
        &ACME
    }
}
impl Provider for Acme {
    type Configured = ();
    fn configure(&self, _: &Value, _: &str) -> Result<((), Diagnostics), Diagnostics> {
        Ok(((), Diagnostics::new()))
    }
    fn resources(&self) -> &'static [&'static dyn DynResource<()>] {
        &[&Note]
    }
}

struct Note;
const PATH: Attribute = Attribute::string("path").required().describe("Its file.");
const TEXT: Attribute = Attribute::string("text").required().describe("Its text.");
static SCHEMA: Schema = Schema::new(0, "A note.", &[PATH.replace(Replace::Always), TEXT]);
static NOTE: Definition = Definition::new(Kind::Resource, "acme_note", &SCHEMA);
static IDENTITY: IdentitySchema = IdentitySchema::new(&[PATH]);
impl Described for Note {
    fn definition(&self) -> &'static Definition {
        &NOTE
    }
}
#[derive(Serialize, Deserialize)]
struct Model {
    path: String,
    text: Option<String>,
}
type Written = Result<Saved<Model>, Failed<Model>>;
type Read = Result<Seen<Model>, Diagnostics>;
type Deleted = Result<Diagnostics, Failed<Model>>;
fn failed(error: &io::Error) -> Diagnostic {
    Diagnostic::error("No access", error.to_string())
}
fn write(note: Model) -> Written {
    let text = note.text.as_deref().unwrap_or_default();
    fs::write(&note.path, text).map_err(|error| failed(&error))?;
    Ok(Saved::new(note, Private::default()))
}
impl Resource for Note {
    type Provider = ();
    type Model = Model;
    type Decision = ();
    fn identity_schema(&self) -> &'static IdentitySchema {
        &IDENTITY
    }
    fn turn(&self, note: &Model) -> String {
        note.path.clone()
    }
    async fn create(&self, (): &(), _: &Context, it: CreateRequest<Model, ()>) -> Written {
        write(it.planned)
    }
    async fn update(&self, (): &(), _: &Context, it: UpdateRequest<Model, ()>) -> Written {
        write(it.planned)
    }
    async fn read(&self, (): &(), _: &Context, it: ReadRequest<Model>) -> Read {
        let path = it.state.path;
        if !fs::exists(&path).map_err(|error| failed(&error))? {
            return Ok(Seen::Gone(Diagnostics::new()));
        }
        let text = Some(fs::read_to_string(&path).map_err(|error| failed(&error))?);
        Ok(Seen::There(Saved::new(Model { path, text }, it.private)))
    }
    async fn delete(&self, (): &(), _: &Context, it: DeleteRequest<Model>) -> Deleted {
        fs::remove_file(it.prior.path).map_err(|error| failed(&error))?;
        Ok(Diagnostics::new())
    }
    fn import(&self, it: ImportRequest) -> Result<Model, Diagnostics> {
        let path = match it {
            ImportRequest::Id(path) => path,
            ImportRequest::Identity(mut identity) => identity.remove("path").unwrap_or_default(),
        };
        Ok(Model { path, text: None })
    }
}

static PROGRAM: Program = Program {
    name: "acme",
    log_targets: &["minimal"],
    log_fields: &[],
};
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let handshake = Handshake::read(|name| env::var_os(name)).ok_or("Terraform starts this")?;
    plugin::logging::install(&PROGRAM, |name| env::var_os(name));
    Ok(plugin::serve(&PROGRAM, Server::new(&Acme), &handshake).await?)
}
