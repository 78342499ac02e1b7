//! As much of SAP's provider for BTP as Terraform needs to move an object away
//! from it: an address and the schemas of its resources for destinations and
//! their certificates.
//!
//! Source: the public schemas of `SAP/btp`. Whatever would touch an object
//! fails: nothing is left to that provider once its objects have moved.

use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::plan::Plan;
use framework::provider::Provider;
use framework::resource::{
    Context, CreateRequest, DeleteRequest, DynResource, Failed, ImportRequest, ReadRequest,
    Resource, Saved, Seen, UpdateRequest,
};
use framework::schema::{Attribute, IdentitySchema, Schema};
use framework::server::Server;
use framework::value::Value;
use serde::{Deserialize, Serialize};

use super::cli::reattach;
use super::served::Served;

/// Its address in configurations and states.
pub(crate) const ADDRESS: &str = "registry.terraform.io/sap/btp";

/// The running provider.
pub(crate) struct Btp(Served);

impl Btp {
    pub(crate) fn start() -> Self {
        Self(Served::serving(|| Server::new(&Stub)))
    }

    /// The value of `TF_REATTACH_PROVIDERS` that leads to it.
    pub(crate) fn reattach(&self) -> String {
        reattach("sap/btp", self.0.socket(), std::process::id())
    }
}

struct Stub;

static STUB: Definition = Definition::new(Kind::Provider, "btp", &NO_SETTINGS);

impl Described for Stub {
    fn definition(&self) -> &'static Definition {
        &STUB
    }
}

impl Provider for Stub {
    type Configured = ();

    fn configure(&self, _: &Value, _: &str) -> (Option<()>, Diagnostics) {
        (Some(()), Diagnostics::new())
    }

    fn resources(&self) -> &'static [&'static dyn DynResource<()>] {
        RESOURCES
    }
}

static RESOURCES: &[&dyn DynResource<()>] =
    &[&Foreign(&GENERIC), &Foreign(&TYPED), &Foreign(&CERTIFICATE)];

static NO_SETTINGS: Schema = Schema::new(0, "SAP BTP.", &[]);

static IDENTITY: IdentitySchema =
    IdentitySchema::new(&[Attribute::string("name").required().describe("Name.")]);

static GENERIC: Definition = Definition::new(
    Kind::Resource,
    "btp_subaccount_destination_generic",
    &GENERIC_SCHEMA,
);

static TYPED: Definition =
    Definition::new(Kind::Resource, "btp_subaccount_destination", &TYPED_SCHEMA);

const fn required(name: &'static str) -> Attribute {
    Attribute::string(name).describe("Given.").required()
}

const fn optional(name: &'static str) -> Attribute {
    Attribute::string(name).describe("Perhaps given.")
}

const fn computed(name: &'static str) -> Attribute {
    Attribute::string(name).describe("Found.").computed()
}

static GENERIC_SCHEMA: Schema = Schema::new(
    0,
    "A destination in JSON.",
    &[
        required("subaccount_id"),
        optional("service_instance_id"),
        required("destination_configuration").sensitive(),
        computed("id"),
        computed("name"),
        computed("creation_time"),
        computed("etag"),
        computed("modification_time"),
    ],
);

static TYPED_SCHEMA: Schema = Schema::new(
    0,
    "A destination.",
    &[
        required("subaccount_id"),
        optional("service_instance_id"),
        required("name"),
        required("type"),
        optional("proxy_type"),
        optional("url"),
        optional("authentication"),
        optional("description"),
        optional("additional_configuration"),
        computed("id"),
        computed("creation_time"),
        computed("etag"),
        computed("modification_time"),
    ],
);

static CERTIFICATE: Definition = Definition::new(
    Kind::Resource,
    "btp_subaccount_destination_certificate",
    &CERTIFICATE_SCHEMA,
);

static CERTIFICATE_SCHEMA: Schema = Schema::new(
    1,
    "A certificate.",
    &[
        required("subaccount_id"),
        optional("service_instance_id"),
        required("certificate_name"),
        required("certificate_content").sensitive(),
    ],
);

/// A resource of which only the schema matters.
struct Foreign(&'static Definition);

/// Nothing is ever read into it.
#[derive(Serialize, Deserialize)]
struct Nothing {}

fn not_ours() -> Diagnostic {
    Diagnostic::error("Not ours", "The object was to be moved, not touched.")
}

impl Described for Foreign {
    fn definition(&self) -> &'static Definition {
        self.0
    }

    fn validate(&self, _: &Value) -> Diagnostics {
        not_ours().into()
    }
}

impl Resource for Foreign {
    type Provider = ();
    type Model = Nothing;
    type Decision = ();

    fn identity_schema(&self) -> &'static IdentitySchema {
        &IDENTITY
    }

    fn plan(&self, _: Option<&()>, plan: &mut Plan) {
        plan.report(not_ours());
    }

    fn turn(&self, _: &Nothing) -> String {
        String::new()
    }

    async fn create(
        &self,
        (): &(),
        _: &Context,
        _: CreateRequest<Nothing, ()>,
    ) -> Result<Saved<Nothing>, Failed<Nothing>> {
        Err(not_ours().into())
    }

    async fn read(
        &self,
        (): &(),
        _: &Context,
        _: ReadRequest<Nothing>,
    ) -> Result<Seen<Nothing>, Diagnostics> {
        Err(not_ours().into())
    }

    async fn update(
        &self,
        (): &(),
        _: &Context,
        _: UpdateRequest<Nothing, ()>,
    ) -> Result<Saved<Nothing>, Failed<Nothing>> {
        Err(not_ours().into())
    }

    async fn delete(
        &self,
        (): &(),
        _: &Context,
        _: DeleteRequest<Nothing>,
    ) -> Result<Diagnostics, Failed<Nothing>> {
        Err(not_ours().into())
    }

    fn import(&self, _: ImportRequest) -> Result<Nothing, Diagnostics> {
        Err(not_ours().into())
    }

    fn identity(&self, _: &Nothing) -> Vec<(&'static str, Option<String>)> {
        Vec::new()
    }
}
