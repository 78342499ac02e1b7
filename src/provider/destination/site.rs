//! A destination as one object of the Destination service: where it is, whose it
//! is, and what it is called in messages.

use client::Destinations;
use framework::diagnostics::Diagnostic;
use framework::resource::Context;

use super::super::configured::{Configured, client_context};
use super::super::destination_service::owner::Owner;
use super::super::destination_service::{Kind, Site, Words};
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
    const WORDS: Words = Words {
        noun: "destination",
        type_name: TYPE_NAME,
        create: Call::CreateDestination,
        update: Call::UpdateDestination,
        delete: Call::DeleteDestination,
        taken_over: "Existing destination taken over",
        not_read_back: "Destination not read back",
        not_deleted: "Destination not deleted",
    };
}
