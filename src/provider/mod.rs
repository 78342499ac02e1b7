//! The provider: what Terraform's practitioners see, made of the framework and
//! the client. The only module that knows both.
//!
//! * [`config`] is the `provider` block, [`configured`] is what it becomes, and
//!   `keys` are the names of the service keys in it.
//! * [`check`] compares what is assumed about SAP with what SAP says.
//! * `diagnostics` turns failures of the client into messages.
//! * `destination`, `certificate`, `registration` and `job_monitoring` are
//!   resources, each a room of its own; what the first two share is in
//!   `destination_service`. All are listed in [`RESOURCES`]. `unsettled` is for
//!   creates whose outcome nobody knows.
//! * `data_source_*`, `ephemeral_*`, `function_*`, `list_resource_*` and
//!   `action_*` are the other things that Terraform can call, one file each. What
//!   several schemas have in common is in `attributes`.

pub(crate) mod check;
pub mod config;
pub mod configured;
pub(crate) mod keys;

mod action_connection_check;
mod action_destination_check;
mod attributes;
mod certificate;
mod data_source_connection;
mod data_source_destination;
mod data_source_destinations;
mod data_source_landscape_objects;
mod destination;
mod destination_service;
mod diagnostics;
mod ephemeral_access_token;
mod function_cloud_alm_url;
mod function_lms_id;
mod function_parse_service_key;
mod function_token_service_url;
mod job_monitoring;
mod list_resource_destination;
mod registration;
mod unsettled;

use framework::action::DynAction;
use framework::data_source::DynDataSource;
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::Diagnostics;
use framework::ephemeral_resource::DynEphemeralResource;
use framework::function::DynFunction;
use framework::list_resource::DynListResource;
use framework::provider::Provider;
use framework::resource::DynResource;
use framework::server::Server;
use framework::value::Value;

use configured::Configured;

/// The provider `sapcalm`.
#[derive(Debug)]
pub struct SapCalm;

/// The managed resources, in the order of the documentation.
pub static RESOURCES: &[&dyn DynResource<Configured>] = &[
    &destination::Destination,
    &certificate::Certificate,
    &registration::Registration,
    &job_monitoring::JobMonitoring,
];

/// The data sources, in the order of the documentation.
pub static DATA_SOURCES: &[&dyn DynDataSource<Configured>] = &[
    &data_source_connection::Connection,
    &data_source_destination::Destination,
    &data_source_destinations::DestinationList,
    &data_source_landscape_objects::LandscapeObjects,
];

/// The ephemeral resources, in the order of the documentation.
pub static EPHEMERAL_RESOURCES: &[&dyn DynEphemeralResource<Configured>] =
    &[&ephemeral_access_token::AccessToken];

/// The functions, in the order of the documentation.
pub static FUNCTIONS: &[&dyn DynFunction] = &[
    &function_parse_service_key::ParseServiceKey,
    &function_token_service_url::TokenServiceUrl,
    &function_cloud_alm_url::CloudAlmUrl,
    &function_lms_id::LmsId,
];

/// The list resources, in the order of the documentation.
pub static LIST_RESOURCES: &[&dyn DynListResource<Configured>] =
    &[&list_resource_destination::DestinationList];

/// The actions, in the order of the documentation.
pub static ACTIONS: &[&dyn DynAction<Configured>] = &[
    &action_connection_check::ConnectionCheck,
    &action_destination_check::DestinationCheck,
];

/// The provider as Terraform calls it.
pub fn service() -> Server<SapCalm> {
    Server::new(&SapCalm)
}

static DEFINITION: Definition = Definition::new(Kind::Provider, "sapcalm", &config::SCHEMA);

impl Described for SapCalm {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        config::validate(config)
    }
}

impl Provider for SapCalm {
    type Configured = Configured;

    fn configure(
        &self,
        config: &Value,
        terraform_version: &str,
    ) -> Result<(Configured, Diagnostics), Diagnostics> {
        config::read(config, &config::process_environment, terraform_version)
    }

    fn keep_secret(&self, configured: &Configured, secret: &str) {
        configured.client().secrets().keep(secret);
    }

    fn resources(&self) -> &'static [&'static dyn DynResource<Configured>] {
        RESOURCES
    }

    fn data_sources(&self) -> &'static [&'static dyn DynDataSource<Configured>] {
        DATA_SOURCES
    }

    fn ephemeral_resources(&self) -> &'static [&'static dyn DynEphemeralResource<Configured>] {
        EPHEMERAL_RESOURCES
    }

    fn functions(&self) -> &'static [&'static dyn DynFunction] {
        FUNCTIONS
    }

    fn list_resources(&self) -> &'static [&'static dyn DynListResource<Configured>] {
        LIST_RESOURCES
    }

    fn actions(&self) -> &'static [&'static dyn DynAction<Configured>] {
        ACTIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framework::data_source::DataSource;
    use framework::model;
    use framework::resource::Resource;

    fn model_fits_its_schema<R: Resource>(resource: &R) {
        let definition = resource.definition();
        let outcome = model::check::<R::Model>(definition.schema);
        assert_eq!(outcome, Ok(()), "{}", definition.type_name);
    }

    #[test]
    fn every_model_fits_its_schema() {
        model_fits_its_schema(&destination::Destination);
        model_fits_its_schema(&certificate::Certificate);
        model_fits_its_schema(&registration::Registration);
        model_fits_its_schema(&job_monitoring::JobMonitoring);
        assert_eq!(
            RESOURCES.len(),
            4,
            "check the model of the new resource, too"
        );
    }

    fn data_source_fits<D: DataSource>(data_source: &D) {
        let definition = data_source.definition();
        let outcome = model::check::<D::Model>(definition.schema);
        assert_eq!(outcome, Ok(()), "{}", definition.type_name);
    }

    #[test]
    fn every_model_of_a_data_source_fits_its_schema() {
        data_source_fits(&data_source_connection::Connection);
        data_source_fits(&data_source_destination::Destination);
        data_source_fits(&data_source_destinations::DestinationList);
        data_source_fits(&data_source_landscape_objects::LandscapeObjects);
        assert_eq!(DATA_SOURCES.len(), 4, "check the new model, too");
    }

    #[test]
    fn every_model_of_an_ephemeral_resource_fits_its_schema() {
        let definition = ephemeral_access_token::AccessToken.definition();
        let outcome = model::check::<ephemeral_access_token::Model>(definition.schema);
        assert_eq!(outcome, Ok(()));
        assert_eq!(EPHEMERAL_RESOURCES.len(), 1, "check the new model, too");
    }
}
