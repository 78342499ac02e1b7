//! The data source `sapcalm_destination`: one destination, looked at and not
//! managed.
//!
//! SAP returns secrets in clear. What a data source shows lives in the state
//! in clear, too, so it shows values of known, non-secret properties only, no
//! URL with credentials in it, and names the others. A destination that is not there is an error: Terraform
//! has no other word for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attributes::{TEXT, TEXTS, Timeouts, shown};
use super::configured::{Configured, client_context};
use super::destination::{Known, NAME_RULE, TYPE_NAME, TYPED, holds_credentials, lookup};
use super::destination_service::ids::{
    DEFAULT_LEVEL, INSTANCE_ID, INSTANCE_LEVEL, LEVELS, SUBACCOUNT_ID, id_of, level_of,
};
use super::destination_service::owner::Owner;
use super::diagnostics::{Call, failed};
use client::{self, Collection as _, Labels, Level};
use framework::data_source::{DataSource, Found};
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;
use framework::resource::Context;
use framework::schema::{Absent, Attribute, Schema, joined};

/// The data source `sapcalm_destination`.
#[derive(Debug)]
pub(crate) struct Destination;

static DEFINITION: Definition = Definition::new(Kind::DataSource, TYPE_NAME, &SCHEMA);

static SCHEMA: Schema = Schema::new(
    0,
    "Reads one destination of the SAP Destination service. It is an error when there is none of \
     this name and level.\n\n\
     Only values of known properties that are not secret are shown; the others are named in \
     `hidden_properties`.",
    &ATTRIBUTES,
);

const ATTRIBUTES: [Attribute; INPUTS.len() + DETAILS.len()] = joined(&INPUTS, &DETAILS);

const INPUTS: [Attribute; 5] = [
    Attribute::string("name")
        .required()
        .validate(&[NAME_RULE])
        .describe("Name of the destination."),
    LEVEL,
    Attribute::timeouts(&[Attribute::read_timeout()]),
    SUBACCOUNT_ID,
    INSTANCE_ID,
];

/// On which level to look.
pub(super) const LEVEL: Attribute = Attribute::string("level")
    .when_absent(Absent::Text(DEFAULT_LEVEL))
    .validate(LEVELS)
    .describe(
        "Where to look: `subaccount` or `instance` (the service instance of the service key).",
    );

/// What is told about a destination.
#[rustfmt::skip]
pub(super) const DETAILS: [Attribute; 16] = [
    shown("id", "`<level>/<name>`, which is also the import id of the resource."),
    shown("type", "Type of the destination, such as `HTTP`."),
    shown("description", "Free text."),
    shown("url", "Where the destination leads."),
    shown("proxy_type", "`Internet`, `OnPremise` or `PrivateLink`."),
    shown("authentication", "How requests are authenticated, as SAP spells it."),
    shown("client_id", "OAuth client id."),
    shown("token_service_url", "URL of the token endpoint."),
    shown("token_service_url_type", "`Dedicated` or `Common`."),
    shown("user", "User name for the target system."),
    shown("token_service_key_store_location", "Name of the certificate for mutual TLS with the token service."),
    Attribute::map("properties", &TEXT).computed()
        .describe("Further properties that are known not to be secret, in SAP's spelling."),
    Attribute::list("hidden_properties", &TEXT).computed()
        .describe("Names of the properties whose values are not shown: secrets, URLs with credentials in them (`https://user:password@host`), and those that this provider does not know."),
    Attribute::map("labels", &TEXTS).computed()
        .describe("Labels, each with its values. Null where the service does not tell them."),
    shown("etag", "Version of the destination at SAP."),
    shown("modification_time", "When it was last changed (RFC 3339, UTC)."),
];

/// Configuration and result; names follow the schema.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) level: Option<String>,
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) subaccount_id: Option<String>,
    pub(crate) instance_id: Option<String>,
    #[serde(flatten)]
    pub(crate) details: Details,
}

/// What is told about a destination; names follow [`DETAILS`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Details {
    pub(crate) id: Option<String>,
    /// The properties with an attribute of their own, by its name.
    #[serde(flatten)]
    pub(crate) typed: BTreeMap<String, Option<String>>,
    pub(crate) properties: Option<BTreeMap<String, String>>,
    pub(crate) hidden_properties: Option<Vec<String>>,
    pub(crate) labels: Option<Labels>,
    pub(crate) etag: Option<String>,
    pub(crate) modification_time: Option<String>,
}

impl Details {
    /// What may be told about a destination.
    pub(super) fn of(level: Level, found: client::Destination) -> Self {
        let id = id_of(level.as_str(), found.name());
        let client::Destination {
            properties: actual,
            metadata,
            labels,
        } = found;
        // An empty text is no value, as the resource sees it.
        let shown = |text: &&String| !text.is_empty() && !holds_credentials(text);
        let typed = TYPED.iter().map(|property| {
            let text = actual.get(property.key).filter(shown).cloned();
            (property.attribute.to_owned(), text)
        });
        let mut properties = BTreeMap::new();
        let mut hidden = Vec::new();
        for (key, value) in actual.iter() {
            match lookup(key) {
                Known::Typed(_) | Known::Open if holds_credentials(value) => {
                    hidden.push(key.clone());
                }
                Known::Name | Known::Typed(_) => {}
                Known::Open => drop(properties.insert(key.clone(), value.clone())),
                Known::Secret | Known::Unknown => hidden.push(key.clone()),
            }
        }
        Self {
            id: Some(id),
            typed: typed.collect(),
            properties: Some(properties),
            hidden_properties: Some(hidden),
            labels,
            etag: metadata.etag,
            modification_time: metadata.modification_time.map(|time| time.to_string()),
        }
    }
}

impl Described for Destination {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }
}

impl DataSource for Destination {
    type Provider = Configured;
    type Model = Model;

    async fn read(
        &self,
        provider: &Configured,
        context: &Context,
        config: Model,
    ) -> Result<Found<Model>, Diagnostics> {
        let service = provider.require_destination()?;
        let context = client_context(context);
        let level = level_of(config.level.as_deref());
        let call = Call::ReadDestination;
        let (owner, warnings) =
            Owner::of(provider, &context, level, ("data", call), &Owner::default()).await?;
        let found = service.find(&context, level, &config.name).await;
        let found = found.map_err(|error| failed(call, &error))?;
        let found = found.ok_or_else(|| not_found(&config.name, level, &owner))?;
        Ok(Found {
            state: Model {
                subaccount_id: owner.subaccount_id,
                instance_id: owner.instance_id,
                details: Details::of(level, found),
                ..config
            },
            warnings,
        })
    }
}

fn not_found(name: &str, level: Level, owner: &Owner) -> Diagnostic {
    let place = match (level, &owner.subaccount_id, &owner.instance_id) {
        (Level::Instance, _, Some(id)) => format!("in the service instance `{id}`"),
        (Level::Subaccount, Some(id), _) => format!("in the subaccount `{id}`"),
        (level, _, _) => format!("on the level `{level}`"),
    };
    let other = match level {
        Level::Subaccount => INSTANCE_LEVEL,
        Level::Instance => DEFAULT_LEVEL,
    };
    Diagnostic::error(
        "Destination not found",
        format!(
            "There is no destination `{name}` {place}, where the provider's \
             `destination_service_key` looks.\n\n\
             Check the spelling, capital letters included, and whether `level = \"{other}\"` or \
             the key of another subaccount is meant. If this same configuration creates it, let \
             this `data` block refer to the resource. For a destination that may be missing, use \
             the data source `sapcalm_destinations`."
        ),
    )
    .at(Path::attribute("name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::Metadata;
    use framework::model;

    fn destination(properties: &[(&str, &str)]) -> client::Destination {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        client::Destination {
            properties: properties.iter().map(owned).collect(),
            metadata: Metadata::default(),
            labels: None,
        }
    }

    #[test]
    fn every_typed_property_is_shown_in_its_attribute() {
        let all: Vec<(&str, &str)> = TYPED
            .iter()
            .map(|typed| (typed.key, typed.attribute))
            .collect();
        let details = Details::of(Level::Subaccount, destination(&all));
        let object = model::to_value(
            &Model {
                name: "x".to_owned(),
                details,
                ..Model::default()
            },
            &SCHEMA.object_type(),
        );
        let object = object.unwrap();
        for typed in TYPED {
            let shown = object.get(typed.attribute).as_str();
            assert_eq!(shown, Some(typed.attribute), "{}", typed.key);
        }
    }

    #[test]
    fn only_what_is_known_not_to_be_secret_is_shown() {
        let details = Details::of(
            Level::Instance,
            destination(&[
                ("Name", "a"),
                ("Type", "HTTP"),
                ("URL", ""),
                ("clientSecret", "s3cr3t"),
                ("Password", "s3cr3t"),
                ("mail.password", "s3cr3t"),
                ("URL.headers.apikey", "s3cr3t"),
                ("own-thing", "s3cr3t"),
                ("TrustAll", "true"),
            ]),
        );
        let shown = serde_json::to_string(&details).unwrap();
        assert!(!shown.contains("s3cr3t"), "{shown}");
        assert_eq!(details.id.as_deref(), Some("instance/a"));
        assert_eq!(details.typed["url"], None);
        let open = BTreeMap::from([("TrustAll".to_owned(), "true".to_owned())]);
        assert_eq!(details.properties, Some(open));
        assert_eq!(
            details.hidden_properties.unwrap(),
            [
                "Password",
                "URL.headers.apikey",
                "clientSecret",
                "mail.password",
                "own-thing"
            ]
        );
    }

    #[test]
    fn a_url_with_credentials_is_hidden_and_named() {
        let details = Details::of(
            Level::Subaccount,
            destination(&[
                ("Name", "a"),
                ("URL", "https://ann:s3cr3t@a.example/api"),
                ("tokenServiceURL", "http://s3cr3t@t.example"),
                ("sap-client", "x://ann:s3cr3t@a.example"),
                ("User", "ann@a.example"),
                ("Description", "see https://a.example/b@c"),
            ]),
        );
        let shown = serde_json::to_string(&details).unwrap();
        assert!(!shown.contains("s3cr3t"), "{shown}");
        for (attribute, expected) in [
            ("url", None),
            ("token_service_url", None),
            ("user", Some("ann@a.example")),
            ("description", Some("see https://a.example/b@c")),
        ] {
            let told = details.typed[attribute].as_deref();
            assert_eq!(told, expected, "{attribute}");
        }
        assert_eq!(
            details.hidden_properties.unwrap(),
            ["URL", "sap-client", "tokenServiceURL"]
        );
    }
}
