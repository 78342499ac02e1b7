//! `sapcalm_destination`: one destination of the Destination service.
//!
//! This file is the life of the object, from top to bottom: validate, plan,
//! create, read, update, delete, import. The other files of the room:
//!
//! * `schema` – the attributes; `model` – a configuration, plan or state.
//! * `vocabulary` – SAP's names of properties.
//! * `rules` – validation.
//! * `credentials` – the secrets that a configuration gives.
//! * `plan` – the plan, and the one decision that create and update carry out.
//! * `source` – what comes from a service key, and when.
//! * `record` – what is remembered beside the state.
//! * `drift` – what SAP holds, as Read sees it.
//! * `write` – what is wanted compared with what is there.
//! * `apply` – the requests of create and update.
//! * `site` – the destination as one object of the service.
//! * `trial` – whether the Cloud ALM key works, before it is written.
//! * `moves` – objects of other providers.
//! * `compared` – what an apply would change, for who only wants to know.

mod apply;
mod compared;
mod credentials;
mod drift;
mod model;
mod moves;
mod plan;
mod record;
mod rules;
mod schema;
mod site;
mod source;
mod trial;
mod vocabulary;
mod write;

use std::collections::BTreeMap;

use client::KeyKind;
use framework::definition::{Definition, Described};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::plan::Plan;
use framework::private::Private;
use framework::resource::{
    Context, CreateRequest, DeleteRequest, Failed, ImportRequest, Mover, ReadRequest, Resource,
    Saved, Seen, UpdateRequest,
};
use framework::schema::IdentitySchema;
use framework::value::Value;

use super::configured::Configured;
use super::destination_service::ids::{self, DEFAULT_LEVEL, ImportId, id_of};
use super::destination_service::owner::Owner;
use super::diagnostics::Call;
use drift::Look;
use plan::Decision;
use record::Record;
use site::{DestinationSite, owner_of, site};

pub(crate) use compared::{Names, with_key};
pub(crate) use model::{DEFAULT_NAME, Model};
pub(crate) use schema::{DEFINITION, NAME_RULE, TYPE_NAME, URL_FORMS};
pub(crate) use source::url_in_form;
pub(crate) use vocabulary::{Known, TYPED, holds_credentials, lookup};

/// The resource `sapcalm_destination`.
#[derive(Debug)]
pub(crate) struct Destination;

impl Described for Destination {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        rules::validate(config)
    }
}

impl Resource for Destination {
    type Provider = Configured;
    type Model = Model;
    type Decision = Decision;

    fn identity_schema(&self) -> &'static IdentitySchema {
        &ids::IDENTITY
    }

    fn plan(&self, provider: Option<&Configured>, plan: &mut Plan) -> Decision {
        plan::refine(provider, plan)
    }

    fn turn(&self, model: &Model) -> String {
        let level = model.level.as_deref().unwrap_or(DEFAULT_LEVEL);
        id_of(level, model.destination_name())
    }

    async fn create(
        &self,
        provider: &Configured,
        context: &Context,
        request: CreateRequest<Model, Decision>,
    ) -> Result<Saved<Model>, Failed<Model>> {
        let site = site(provider, context, &request.planned)?;
        Box::pin(apply::create(&site, request)).await
    }

    async fn read(
        &self,
        provider: &Configured,
        context: &Context,
        request: ReadRequest<Model>,
    ) -> Result<Seen<Model>, Diagnostics> {
        let ReadRequest { state, private } = request;
        let unread =
            "The destination was not looked at; the plan is made from its last known state.";
        let unread = provider.unknown_key(KeyKind::Destination, unread);
        if let Some(warning) = unread.filter(|_| !state.is_stub()) {
            return Ok(Seen::There(Saved::new(state, private).with(warning)));
        }
        let site = site(provider, context, &state)?;
        Ok(read(&site, state, &private).await?)
    }

    async fn update(
        &self,
        provider: &Configured,
        context: &Context,
        request: UpdateRequest<Model, Decision>,
    ) -> Result<Saved<Model>, Failed<Model>> {
        if !request.decision.sends {
            return Ok(Saved::new(request.planned, request.private));
        }
        let site = site(provider, context, &request.prior)?;
        Box::pin(apply::update(&site, request)).await
    }

    async fn delete(
        &self,
        provider: &Configured,
        context: &Context,
        request: DeleteRequest<Model>,
    ) -> Result<Diagnostics, Failed<Model>> {
        let DeleteRequest { prior, private } = request;
        let site = site(provider, context, &prior)?;
        let owner = owner_of(&prior);
        let seen = Box::pin(read(&site, prior, &private));
        Ok(site.delete_if_ours(&owner, &private, seen).await?)
    }

    fn import(&self, request: ImportRequest) -> Result<Model, Diagnostics> {
        let object = ImportId::of(request, "destination", DEFAULT_NAME)?;
        Ok(stub(object))
    }

    fn complete_generated(
        &self,
        provider: Option<&Configured>,
        config: &mut BTreeMap<String, Value>,
    ) {
        source::without_key_values(provider, config);
    }

    fn movers(&self) -> &'static [Mover] {
        moves::MOVERS
    }
}

async fn read(
    site: &DestinationSite<'_>,
    state: Model,
    private: &Private,
) -> Result<Seen<Model>, Diagnostic> {
    let (owner, mut warnings) = site.owner(Call::ReadDestination, &owner_of(&state)).await?;
    let Some(found) = site.find(Call::ReadDestination).await? else {
        return Ok(Seen::Gone(warnings));
    };
    let before = (state.clone(), Record::load(private));
    let mut look = Look::at(site.provider, &found, site.id(), before)?;
    if !site.settle(private, look.shows_exactly(&state), &mut warnings) {
        return Ok(Seen::Gone(warnings));
    }
    look.state.subaccount_id = owner.subaccount_id;
    look.state.instance_id = owner.instance_id;
    let saved = Saved::new(look.state, look.record.store());
    Ok(Seen::There(saved.with(warnings).with(look.warnings)))
}

/// What Read completes after an import or a move.
fn stub(object: ImportId) -> Model {
    Model {
        id: Some(id_of(object.level.as_str(), &object.name)),
        name: Some(object.name),
        level: Some(object.level.to_string()),
        subaccount_id: object.subaccount_id,
        instance_id: object.instance_id,
        ..Model::default()
    }
}

/// A destination that nobody manages yet, as an import reads it.
pub(crate) fn listed(
    site: &DestinationSite<'_>,
    owner: &Owner,
    found: &client::Destination,
) -> Model {
    let stub = stub(ImportId {
        subaccount_id: owner.subaccount_id.clone(),
        instance_id: owner.instance_id.clone(),
        level: site.level,
        name: site.name.clone(),
    });
    Look::listed(site.provider, found, site.id(), stub)
}
