//! A destination as one object of the Destination service: where it is, whose it
//! is, and what it is called in messages.

use client::Destinations;
use framework::diagnostics::Diagnostic;
use framework::resource::Context;

use super::super::configured::{Configured, client_context};
use super::super::destination_service::owner::Owner;
use super::super::destination_service::{Calls, Event, Kind, Site};
use super::super::diagnostics::Call;
use super::model::Model;
use super::schema::TYPE_NAME;

pub(crate) type DestinationSite<'a> = Site<'a, Destinations<'a>>;

pub(super) fn owner_of(model: &Model) -> Owner {
    Owner {
        subaccount_id: model.subaccount_id.clone(),
        instance_id: model.instance_id.clone(),
    }
}

pub(super) fn site<'a>(
    provider: &'a Configured,
    context: &Context,
    model: &Model,
) -> Result<DestinationSite<'a>, Diagnostic> {
    Ok(Site::new(
        provider,
        provider.require_destination()?,
        client_context(context),
        model.level.as_deref(),
        model.destination_name(),
    ))
}

impl Kind for Destinations<'_> {
    const NOUN: &'static str = "destination";
    const TYPE_NAME: &'static str = TYPE_NAME;
    const CALLS: Calls = Calls {
        create: Call::CreateDestination,
        update: Call::UpdateDestination,
        delete: Call::DeleteDestination,
    };

    fn summary(event: Event) -> &'static str {
        match event {
            Event::TakenOver => "Existing destination taken over",
            Event::NotReadBack => "Destination not read back",
            Event::NotDeleted => "Destination not deleted",
        }
    }
}
