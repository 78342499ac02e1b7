//! The list resource `sapcalm_destination`: the destinations that there are,
//! to look at or to import.
//!
//! SAP filters by prefix and label, and tells etag, time and labels, only where
//! it does not page. So a list without filter goes page by page, as far as
//! objects are wanted, and asks once more for the rest of each page; a filtered
//! one comes in one piece.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::attributes::Timeouts;
use super::configured::{Configured, client_context};
use super::data_source_destinations::{LABEL, Label};
use super::destination::{DEFINITION, listed};
use super::destination_service::Site;
use super::destination_service::ids::LEVELS;
use super::destination_service::owner::Owner;
use super::diagnostics::{Call, failed};
use client::{self, Destinations, Level, ListFilter};
use framework::definition::{Definition, Described, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::list_resource::{ListRequest, ListResource, Results};
use framework::resource::Context;
use framework::schema::{Attribute, Schema};
use framework::validators::Validator;

const CALL: Call = Call::ListDestinations;

/// Destinations of one page; SAP recommends pages for more than that.
const PAGE: usize = 100;

/// The list resource `sapcalm_destination`.
#[derive(Debug)]
pub(crate) struct DestinationList;

static LIST: Definition = Definition::new(Kind::ListResource, DEFINITION.type_name, &SCHEMA);

static SCHEMA: Schema = Schema::new(
    0,
    "Finds the destinations that the Destination service key can see: of the subaccount, and of \
     the service instance of the key. Without any argument it finds all of them.\n\n\
     What is found can be imported as `sapcalm_destination`. Secrets are never shown.",
    &[
        Attribute::string("level")
            .validate(LEVELS)
            .describe("Only destinations of this level: `subaccount` or `instance`."),
        Attribute::string("name_prefix")
            .validate(&[Validator::NotBlank])
            .describe("Only destinations whose name begins so."),
        LABEL,
        Attribute::timeouts(&[Attribute::timeout("list", "How long listing may take.")]),
    ],
);

/// The `config` block of the list; names and order follow the schema.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filters {
    level: Option<String>,
    name_prefix: Option<String>,
    label: Option<Label>,
    timeouts: Option<Timeouts>,
}

impl Described for DestinationList {
    fn definition(&self) -> &'static Definition {
        &LIST
    }
}

impl ListResource for DestinationList {
    type Provider = Configured;
    type Config = Filters;

    async fn list(
        &self,
        provider: &Configured,
        context: &Context,
        request: ListRequest<Filters>,
        results: &mut Results,
    ) -> Diagnostics {
        let service = match provider.require_destination() {
            Ok(service) => service,
            Err(problem) => return problem.into(),
        };
        let search = Search {
            provider,
            service,
            context: client_context(context),
            request: &request,
        };
        for level in [Level::Subaccount, Level::Instance] {
            let wanted = request.config.level.as_deref();
            if wanted.is_some_and(|wanted| wanted != level.as_str()) {
                continue;
            }
            match search.level(level, results).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(problem) => return problem.into(),
            }
        }
        Diagnostics::new()
    }
}

/// One list in the making.
struct Search<'a> {
    provider: &'a Configured,
    service: Destinations<'a>,
    context: client::Context,
    request: &'a ListRequest<Filters>,
}

impl Search<'_> {
    async fn level(
        &self,
        level: Level,
        results: &mut Results,
    ) -> Result<ControlFlow<()>, Diagnostic> {
        let anybody = Owner::default();
        let (owner, warnings) = self.site(level, "").owner(CALL, &anybody).await?;
        if results.report(warnings).await.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match self.filter() {
            Some(filter) => {
                let found = self.ask(level, &filter).await?;
                Ok(self.hand_over(level, &owner, &found, results).await)
            }
            None => self.page_by_page(level, &owner, results).await,
        }
    }

    /// What SAP is to filter by. Of prefix and label it takes only one; the
    /// other is looked at here.
    fn filter(&self) -> Option<ListFilter> {
        let filters = &self.request.config;
        match (&filters.label, &filters.name_prefix) {
            (Some(label), _) => Some(label.filter()),
            (None, Some(prefix)) => Some(ListFilter::Prefix(prefix.clone())),
            (None, None) => None,
        }
    }

    async fn page_by_page(
        &self,
        level: Level,
        owner: &Owner,
        results: &mut Results,
    ) -> Result<ControlFlow<()>, Diagnostic> {
        let size = results.left().clamp(1, PAGE);
        let mut seen = BTreeSet::new();
        for number in 1.. {
            let page = self.service.page(&self.context, level, number, size).await;
            let page = page.map_err(|error| failed(CALL, &error))?;
            let mut found = page.destinations;
            // What is added meanwhile moves others to the next page.
            found.retain(|one| seen.insert(one.name().to_owned()));
            if found.is_empty() {
                break;
            }
            if self.request.include_object {
                let names = found.iter().map(|one| one.name().to_owned()).collect();
                found = self.ask(level, &ListFilter::Names(names)).await?;
            }
            let handed_over = self.hand_over(level, owner, &found, results).await;
            if handed_over.is_break() || page.is_last {
                return Ok(handed_over);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn ask(
        &self,
        level: Level,
        filter: &ListFilter,
    ) -> Result<Vec<client::Destination>, Diagnostic> {
        let found = self.service.list(&self.context, level, filter).await;
        let mut found = found.map_err(|error| failed(CALL, &error))?;
        found.retain(|one| filter.matches(one));
        Ok(found)
    }

    async fn hand_over(
        &self,
        level: Level,
        owner: &Owner,
        found: &[client::Destination],
        results: &mut Results,
    ) -> ControlFlow<()> {
        let prefix = self.request.config.name_prefix.as_deref().unwrap_or("");
        for one in found.iter().filter(|one| one.name().starts_with(prefix)) {
            let site = self.site(level, one.name());
            results.found(&listed(&site, owner, one), site.id()).await?;
        }
        ControlFlow::Continue(())
    }

    fn site(&self, level: Level, name: &str) -> Site<'_, Destinations<'_>> {
        Site {
            provider: self.provider,
            service: self.service,
            context: self.context.clone(),
            level,
            name: name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framework::model;

    #[test]
    fn the_filters_fit_their_schema() {
        assert_eq!(model::check::<Filters>(&SCHEMA), Ok(()));
    }
}
