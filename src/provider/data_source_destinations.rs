//! The data source `sapcalm_destinations`: the destinations of a level, all or
//! chosen by name, by the beginning of the name, or by label.
//!
//! What does not exist is not in the result, so this is also how to ask
//! whether a destination exists. About each one it tells what
//! [`super::data_source_destination`] tells.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::attributes::{TEXT, Timeouts};
use super::configured::{Configured, client_context};
use super::data_source_destination::{DETAILS, Details, LEVEL};
use super::destination_service::ids::{INSTANCE_ID, SUBACCOUNT_ID, level_of};
use super::destination_service::owner::Owner;
use super::diagnostics::{Call, failed};
use client::ListFilter;
use framework::data_source::{DataSource, Found};
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::Diagnostics;
use framework::resource::Context;
use framework::schema::{Attribute, AttributeType, Schema};
use framework::validators::Validator;
use framework::value::Value;

/// The data source `sapcalm_destinations`.
#[derive(Debug)]
pub(crate) struct DestinationList;

static DEFINITION: Definition = Definition::new(Kind::DataSource, "sapcalm_destinations", &SCHEMA);

static DESTINATION: AttributeType = AttributeType::Object(&DETAILS);

static SCHEMA: Schema = Schema::new(
    0,
    "Reads destinations of the SAP Destination service: those with given names, those whose name \
     begins in a given way, those with a label, or all of one level.\n\n\
     What is not there is not in the result. Only values of known properties that are not secret \
     are shown; the others are named in `hidden_properties`.",
    &[
        Attribute::set("names", &TEXT)
            .conflicts_with(&["name_prefix", "label"])
            .describe("Names to look for."),
        Attribute::string("name_prefix")
            .conflicts_with(&["label"])
            .validate(&[Validator::NotBlank])
            .describe("How the names begin, capital letters included."),
        LABEL,
        LEVEL,
        Attribute::timeouts(&[Attribute::read_timeout()]),
        SUBACCOUNT_ID,
        INSTANCE_ID,
        Attribute::map("destinations", &DESTINATION)
            .computed()
            .describe("The destinations by name."),
    ],
);

/// The argument `label`.
pub(super) const LABEL: Attribute = Attribute::object(
    "label",
    &[
        Attribute::string("key")
            .required()
            .validate(&[Validator::NotBlank])
            .describe("Key of the label."),
        Attribute::set("values", &TEXT)
            .required()
            .validate(&[Validator::Custom("At least one value.", at_least_one)])
            .describe("Values of the label, one of which a destination must have."),
    ],
)
.describe("A label that the destinations have.");

fn at_least_one(value: &Value) -> Result<(), String> {
    match value.items() {
        Some([]) => Err(
            "`values` is empty, and no destination has a label with none of its \
                         values. Give at least one value."
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// Configuration and result; names follow the schema.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) names: Option<BTreeSet<String>>,
    pub(crate) name_prefix: Option<String>,
    pub(crate) label: Option<Label>,
    pub(crate) level: Option<String>,
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) subaccount_id: Option<String>,
    pub(crate) instance_id: Option<String>,
    pub(crate) destinations: Option<BTreeMap<String, Details>>,
}

/// A label that the destinations have.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Label {
    pub(crate) key: String,
    pub(crate) values: BTreeSet<String>,
}

impl Label {
    pub(crate) fn filter(&self) -> ListFilter {
        ListFilter::Label {
            key: self.key.clone(),
            values: self.values.iter().cloned().collect(),
        }
    }
}

impl Model {
    fn filter(&self) -> ListFilter {
        if let Some(names) = &self.names {
            ListFilter::Names(names.iter().cloned().collect())
        } else if let Some(prefix) = &self.name_prefix {
            ListFilter::Prefix(prefix.clone())
        } else if let Some(label) = &self.label {
            label.filter()
        } else {
            ListFilter::All
        }
    }
}

impl Described for DestinationList {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }
}

impl DataSource for DestinationList {
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
        let call = Call::ListDestinations;
        let (owner, warnings) =
            Owner::of(provider, &context, level, ("data", call), &Owner::default()).await?;
        let filter = config.filter();
        let found = service.list(&context, level, &filter).await;
        let found = found.map_err(|error| failed(call, &error))?;
        let wanted = found.into_iter().filter(|one| filter.matches(one));
        let destinations = wanted
            .map(|one| (one.name().to_owned(), Details::of(level, one)))
            .collect();
        Ok(Found {
            state: Model {
                subaccount_id: owner.subaccount_id,
                instance_id: owner.instance_id,
                destinations: Some(destinations),
                ..config
            },
            warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::{self, Labels, Metadata};

    fn destination(name: &str, labels: Option<Labels>) -> client::Destination {
        client::Destination {
            properties: [("Name".to_owned(), name.to_owned())].into_iter().collect(),
            metadata: Metadata::default(),
            labels,
        }
    }

    fn set(texts: &[&str]) -> BTreeSet<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_was_not_asked_for_is_left_out_whoever_sends_it() {
        let wants = |model: &Model, name: &str| model.filter().matches(&destination(name, None));
        let all = Model::default();
        assert!(wants(&all, "a"));
        assert_eq!(all.filter(), ListFilter::All);
        let names = Model {
            names: Some(set(&["b", "a"])),
            ..Model::default()
        };
        assert!(wants(&names, "a") && !wants(&names, "A"));
        assert_eq!(
            names.filter(),
            ListFilter::Names(vec!["a".to_owned(), "b".to_owned()])
        );
        let prefix = Model {
            name_prefix: Some("Cloud".to_owned()),
            ..Model::default()
        };
        assert!(wants(&prefix, "CloudALM") && !wants(&prefix, "aCloud"));
    }

    #[test]
    fn one_value_of_a_label_is_enough() {
        let model = Model {
            label: Some(Label {
                key: "env".to_owned(),
                values: set(&["prod", "qa"]),
            }),
            ..Model::default()
        };
        let wants = |key: &str, values: &[&str]| {
            let labels = Labels::from([(key.to_owned(), set(values))]);
            model.filter().matches(&destination("a", Some(labels)))
        };
        assert!(wants("env", &["qa", "x"]));
        assert!(!wants("env", &["dev"]) && !wants("other", &["qa"]));
        assert!(
            !model
                .filter()
                .matches(&destination("a", Some(Labels::new())))
        );
        assert!(model.filter().matches(&destination("a", None)));
    }
}
