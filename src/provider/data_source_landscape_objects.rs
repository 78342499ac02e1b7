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
pub(crate) struct Model {
    /// What an object must have, by the names of its attributes.
    #[serde(flatten)]
    pub(crate) arguments: Object,
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
    /// The arguments that are set, with SAP's names.
    fn wanted(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let argument = |name| self.arguments.get(name)?.as_ref();
        MEMBERS
            .into_iter()
            .filter_map(move |(attribute, member)| Some((member, argument(attribute)?)))
    }

    fn query(&self) -> LandscapeQuery {
        let wanted = self.wanted();
        LandscapeQuery(wanted.map(|(name, text)| (name, text.clone())).collect())
    }

    /// Whether an object is one of those that were asked for, as far as it
    /// tells. A service that does not know a parameter may ignore it.
    fn wants(&self, found: &LandscapeObject) -> bool {
        self.wanted().all(|(member, wanted)| {
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
        let found = found.iter().filter(|one| config.wants(one));
        let mut objects: Vec<Object> = found.map(told).collect();
        objects.sort_by_cached_key(|one| MEMBERS.map(|(attribute, _)| one[attribute].clone()));
        Ok(Model {
            subaccount_id: token.claims.subaccount_id.clone(),
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
        assert!(Model::default().wants(&found));
        for (argument, text, expected) in [
            ("object_type", "CloudService", true),
            ("object_type", "TechnicalSystem", false),
            // What the object does not tell is the service's to decide.
            ("role", "PROD", true),
            ("name", "orders", true),
            ("name", "omf", true),
            ("name", "other", false),
        ] {
            let config = Model {
                arguments: Object::from([(argument.to_owned(), Some(text.to_owned()))]),
                ..Model::default()
            };
            assert_eq!(config.wants(&found), expected, "{argument} = {text}");
        }
    }
}
