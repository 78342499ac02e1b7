//! The data source `sapcalm_landscape_objects`: what Cloud ALM's landscape
//! knows, all or chosen.
//!
//! SAP publishes no schema of the landscape. The members shown here are those
//! that users of the API have seen; others are left out.

use serde::{Deserialize, Serialize};

use super::configured::{Configured, client_context};
use super::data_source_destination::Timeouts;
use super::diagnostics::{Call, failed, failed_advising};
use client::{self, KeyKind, LandscapeQuery};
use framework::data_source::{DataSource, Found};
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::resource::Context;
use framework::schema::{Attribute, AttributeType, Schema};
use framework::validators::Validator;

/// The data source `sapcalm_landscape_objects`.
#[derive(Debug)]
pub struct LandscapeObjects;

static DEFINITION: Definition =
    Definition::new(Kind::DataSource, "sapcalm_landscape_objects", &SCHEMA);

static SCHEMA: Schema = Schema::new(
    0,
    "Reads what the landscape of SAP Cloud ALM knows. It needs the provider's \
     `cloud_alm_service_key`, whose instance needs the authority `calm-api.landscape.read`.\n\n\
     An object is in the result when it meets every argument that is set; without arguments the \
     result is the whole landscape.",
    &[
        wanted(
            "lms_id",
            "Landscape id, such as `CO_<environment>_<tenant ID>` of SAP Order Management \
             foundation.",
        ),
        wanted("name", "Name or system id."),
        wanted("object_type", "Kind of object.").known_values(&[
            "CloudService",
            "TechnicalSystem",
            "BusinessService",
            "LogicalSystem",
        ]),
        wanted("service_type", "Technical type of a cloud service."),
        wanted("role", "Role of the system, such as `PROD`."),
        wanted("system_number", "Number of the system."),
        wanted("external_id", "Id by which another system knows it."),
        wanted(
            "deployment_model",
            "How it is deployed, such as `BTP System`.",
        ),
        wanted(
            "source",
            "How it got into the landscape, such as `IMPORTED`.",
        ),
        Attribute::timeouts(&[Attribute::read_timeout()]),
        shown(
            "subaccount_id",
            "Id of the Cloud ALM subaccount, as the token of the service key says.",
        ),
        Attribute::list("objects", &OBJECT)
            .computed()
            .describe("The objects, by landscape id."),
    ],
);

static OBJECT: AttributeType = AttributeType::Object(&[
    shown("lms_id", "Landscape id."),
    shown("name", "Name."),
    shown("object_type", "Kind of object, such as `CloudService`."),
    shown("service_type", "Technical type of a cloud service."),
    shown("service_type_label", "The same for people."),
    shown("role", "Role of the system, such as `PROD`."),
    shown("system_number", "Number of the system."),
    shown("external_id", "Id by which another system knows it."),
    shown("deployment_model", "How it is deployed."),
    shown("source", "How it got into the landscape."),
]);

const fn wanted(name: &'static str, description: &'static str) -> Attribute {
    Attribute::string(name)
        .validate(&[Validator::NotBlank])
        .describe(description)
}

const fn shown(name: &'static str, description: &'static str) -> Attribute {
    Attribute::string(name).computed().describe(description)
}

/// Configuration and result; names follow the schema.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the schema above describes the attributes of the same names"
)]
pub struct Model {
    pub lms_id: Option<String>,
    pub name: Option<String>,
    pub object_type: Option<String>,
    pub service_type: Option<String>,
    pub role: Option<String>,
    pub system_number: Option<String>,
    pub external_id: Option<String>,
    pub deployment_model: Option<String>,
    pub source: Option<String>,
    pub timeouts: Option<Timeouts>,
    pub subaccount_id: Option<String>,
    pub objects: Option<Vec<Object>>,
}

/// One object of the landscape; names follow the schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the schema above describes the attributes of the same names"
)]
pub struct Object {
    pub lms_id: Option<String>,
    pub name: Option<String>,
    pub object_type: Option<String>,
    pub service_type: Option<String>,
    pub service_type_label: Option<String>,
    pub role: Option<String>,
    pub system_number: Option<String>,
    pub external_id: Option<String>,
    pub deployment_model: Option<String>,
    pub source: Option<String>,
}

impl Object {
    fn of(found: &client::LandscapeObject) -> Self {
        let text = |name: &str| found.text(name).map(str::to_owned);
        Self {
            lms_id: text("lmsId"),
            name: text("name"),
            object_type: text("objectType"),
            service_type: text("serviceType"),
            service_type_label: text("serviceTypeLabel"),
            role: text("role"),
            system_number: text("systemNumber"),
            external_id: text("externalId"),
            deployment_model: text("deploymentModel"),
            source: text("source"),
        }
    }
}

impl Model {
    fn query(&self) -> LandscapeQuery {
        LandscapeQuery {
            lms_id: self.lms_id.clone(),
            name: self.name.clone(),
            object_type: self.object_type.clone(),
            service_type: self.service_type.clone(),
            role: self.role.clone(),
            system_number: self.system_number.clone(),
            external_id: self.external_id.clone(),
            deployment_model: self.deployment_model.clone(),
            source: self.source.clone(),
        }
    }

    /// Whether an object is one of those that were asked for, as far as it
    /// tells. A service that does not know a parameter may ignore it.
    fn wants(&self, found: &client::LandscapeObject) -> bool {
        let parameters = [
            ("objectType", &self.object_type),
            ("serviceType", &self.service_type),
            ("role", &self.role),
            ("systemNumber", &self.system_number),
            ("externalId", &self.external_id),
            ("deploymentModel", &self.deployment_model),
            ("source", &self.source),
        ];
        let same = |wanted: &str, told: &str| told.eq_ignore_ascii_case(wanted);
        let met = parameters.into_iter().all(|(member, wanted)| {
            let told = found.text(member);
            let (Some(wanted), Some(told)) = (wanted, told) else {
                return true;
            };
            same(wanted, told)
        });
        // A system id has no member that is known.
        let is_named = self
            .name
            .as_ref()
            .is_none_or(|name| found.texts.values().any(|text| same(name, text)));
        met && is_named
    }
}

impl Described for LandscapeObjects {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }
}

impl DataSource for LandscapeObjects {
    type Provider = Configured;
    type Model = Model;

    async fn read(
        &self,
        provider: &Configured,
        context: &Context,
        config: Model,
    ) -> Result<Found<Model>, Diagnostics> {
        let landscape = provider.require_landscape()?;
        let context = client_context(context);
        let token = provider
            .client()
            .token(&context, KeyKind::CloudAlm, None)
            .await;
        let token = token.map_err(|error| failed(Call::ReadLandscape, &error))?;
        let found = landscape.objects(&context, &config.query()).await;
        let found = found.map_err(|error| unreadable(&error))?;
        let mut objects: Vec<Object> = found
            .iter()
            .filter(|object| config.wants(object))
            .map(Object::of)
            .collect();
        objects.sort();
        Ok(Model {
            subaccount_id: token.claims().subaccount_id.clone(),
            objects: Some(objects),
            ..config
        }
        .into())
    }
}

fn unreadable(error: &client::Error) -> Diagnostic {
    if error.is_forbidden() {
        let advice = "The instance of the Cloud ALM service key lacks the authority \
                      `calm-api.landscape.read`. Make an instance that has it, and a service key \
                      of that instance.";
        return failed_advising(Call::ReadLandscape, error, advice.to_owned());
    }
    failed(Call::ReadLandscape, error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(members: serde_json::Value) -> client::LandscapeObject {
        client::LandscapeObject {
            texts: serde_json::from_value(members).unwrap(),
        }
    }

    #[test]
    fn what_was_not_asked_for_is_left_out_whoever_sends_it() {
        let found = object(json!({
            "lmsId": "CO_prod_1", "name": "orders", "objectType": "CloudService", "sid": "OMF",
        }));
        let wants = |config: Model| config.wants(&found);
        assert!(wants(Model::default()));
        let text = |text: &str| Some(text.to_owned());
        for (object_type, expected) in [("CloudService", true), ("TechnicalSystem", false)] {
            let object_type = text(object_type);
            let config = Model {
                object_type,
                ..Model::default()
            };
            assert_eq!(wants(config), expected);
        }
        // What the object does not tell is the service's to decide.
        let role = Model {
            role: text("PROD"),
            ..Model::default()
        };
        assert!(wants(role));
        for (name, expected) in [("orders", true), ("omf", true), ("other", false)] {
            let config = Model {
                name: text(name),
                ..Model::default()
            };
            assert_eq!(wants(config), expected, "{name}");
        }
    }
}
