//! As much of SAP's provider for BTP as Terraform needs to move an object away
//! from it, and to mock it: an address and the schemas of its resources for
//! destinations, their certificates, service instances and bindings.
//!
//! Source: the public schemas of `SAP/btp`. Whatever would touch an object
//! fails: nothing is left to that provider once its objects have moved, and a
//! mocked one is not asked.

use framework::data_source::{DataSource, DynDataSource, Found};
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

static STUB: Definition = Definition::new(Kind::Provider, "btp", &SETTINGS);

impl Described for Stub {
    fn definition(&self) -> &'static Definition {
        &STUB
    }
}

impl Provider for Stub {
    type Configured = ();

    fn configure(&self, _: &Value, _: &str) -> Result<((), Diagnostics), Diagnostics> {
        Ok(((), Diagnostics::new()))
    }

    fn resources(&self) -> &'static [&'static dyn DynResource<()>] {
        RESOURCES
    }

    fn data_sources(&self) -> &'static [&'static dyn DynDataSource<()>] {
        DATA_SOURCES
    }
}

static RESOURCES: &[&dyn DynResource<()>] = &[
    &Foreign(&GENERIC),
    &Foreign(&TYPED),
    &Foreign(&CERTIFICATE),
    &Foreign(&SERVICE_INSTANCE),
    &Foreign(&SERVICE_BINDING),
];

static DATA_SOURCES: &[&dyn DynDataSource<()>] = &[&Foreign(&SERVICE_PLAN)];

static SETTINGS: Schema = Schema::new(0, "SAP BTP.", &[optional("globalaccount")]);

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

static SERVICE_PLAN: Definition = Definition::new(
    Kind::DataSource,
    "btp_subaccount_service_plan",
    &SERVICE_PLAN_SCHEMA,
);

static SERVICE_PLAN_SCHEMA: Schema = Schema::new(
    0,
    "A plan of a service.",
    &[
        required("subaccount_id"),
        optional("offering_name"),
        optional("name"),
        computed("id"),
    ],
);

static SERVICE_INSTANCE: Definition = Definition::new(
    Kind::Resource,
    "btp_subaccount_service_instance",
    &SERVICE_INSTANCE_SCHEMA,
);

static SERVICE_INSTANCE_SCHEMA: Schema = Schema::new(
    0,
    "An instance of a service.",
    &[
        required("subaccount_id"),
        required("name"),
        required("serviceplan_id"),
        optional("parameters").sensitive(),
        computed("id"),
    ],
);

static SERVICE_BINDING: Definition = Definition::new(
    Kind::Resource,
    "btp_subaccount_service_binding",
    &SERVICE_BINDING_SCHEMA,
);

static SERVICE_BINDING_SCHEMA: Schema = Schema::new(
    0,
    "A binding of an instance, and its key.",
    &[
        required("subaccount_id"),
        required("service_instance_id"),
        required("name"),
        optional("parameters").sensitive(),
        computed("credentials").sensitive(),
        computed("id"),
    ],
);

/// An object of which only the schema matters.
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
}

impl DataSource for Foreign {
    type Provider = ();
    type Model = Nothing;

    async fn read(&self, (): &(), _: &Context, _: Nothing) -> Result<Found<Nothing>, Diagnostics> {
        Err(not_ours().into())
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
}
