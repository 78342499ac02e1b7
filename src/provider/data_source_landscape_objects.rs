//! The data source `sapcalm_landscape_objects`: what Cloud ALM's landscape
//! knows, all or chosen.
//!
//! SAP publishes no schema of the landscape. The members shown here are those
//! that users of the API have seen; others are left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attributes::{Timeouts, shown};
use super::configured::{Configured, client_context};
use super::diagnostics::{Call, failed, failed_advising};
use client::{self, KeyKind, LandscapeObject, LandscapeQuery};
use framework::data_source::{DataSource, Found};
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::resource::Context;
use framework::schema::{Attribute, AttributeType, Schema};
use framework::validators::Validator;

/// The data source `sapcalm_landscape_objects`.
#[derive(Debug)]
pub(crate) struct LandscapeObjects;

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

/// Configuration and result; names follow the schema.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "they follow the schema")]
pub(crate) struct Model {
    pub(crate) lms_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) object_type: Option<String>,
    pub(crate) service_type: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) system_number: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) deployment_model: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) subaccount_id: Option<String>,
    pub(crate) objects: Option<Vec<Object>>,
}

/// The attributes of an object, with SAP's names of what they show.
const MEMBERS: [(&str, &str); 10] = [
    ("lms_id", "lmsId"),
    ("name", "name"),
    ("object_type", "objectType"),
    ("service_type", "serviceType"),
    ("service_type_label", "serviceTypeLabel"),
    ("role", "role"),
    ("system_number", "systemNumber"),
    ("external_id", "externalId"),
    ("deployment_model", "deploymentModel"),
    ("source", "source"),
];

/// One object, by the names of the attributes.
type Object = BTreeMap<String, Option<String>>;

fn told(found: &LandscapeObject) -> Object {
    let text = |member| found.text(member).map(str::to_owned);
    MEMBERS
        .map(|(attribute, member)| (attribute.to_owned(), text(member)))
        .into()
}

impl Model {
    /// The arguments, with SAP's names.
    fn arguments(&self) -> [(&'static str, &Option<String>); 9] {
        [
            ("lmsId", &self.lms_id),
            ("name", &self.name),
            ("objectType", &self.object_type),
            ("serviceType", &self.service_type),
            ("role", &self.role),
            ("systemNumber", &self.system_number),
            ("externalId", &self.external_id),
            ("deploymentModel", &self.deployment_model),
            ("source", &self.source),
        ]
    }

    fn query(&self) -> LandscapeQuery {
        let set = self.arguments().into_iter();
        let set = set.filter_map(|(name, value)| Some((name, value.clone()?)));
        LandscapeQuery(set.collect())
    }

    /// Whether an object is one of those that were asked for, as far as it
    /// tells. A service that does not know a parameter may ignore it.
    fn wants(&self, found: &LandscapeObject) -> bool {
        self.arguments().into_iter().all(|(member, wanted)| {
            let Some(wanted) = wanted else { return true };
            let same = |told: &str| told.eq_ignore_ascii_case(wanted);
            match member {
                // A system id has no member that is known.
                "name" => found.texts.values().any(|text| same(text)),
                _ => found.text(member).is_none_or(same),
            }
        })
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
        let mut found: Vec<_> = found.iter().filter(|one| config.wants(one)).collect();
        let texts =
            |one: &LandscapeObject| MEMBERS.map(|(_, member)| one.text(member).map(str::to_owned));
        found.sort_by_cached_key(|one| texts(one));
        Ok(Model {
            subaccount_id: token.claims.subaccount_id.clone(),
            objects: Some(found.into_iter().map(told).collect()),
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

    fn object(members: serde_json::Value) -> LandscapeObject {
        LandscapeObject {
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
