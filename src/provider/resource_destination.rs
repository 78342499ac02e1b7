//! `sapcalm_destination`: one destination of the Destination service.
//!
//! This file is the life of the object: read, delete, import, and the door to
//! create and update. Its parts:
//!
//! * `destination_schema` – attributes, identity and model.
//! * `destination_properties` – SAP's vocabulary.
//! * `destination_rules` – validation.
//! * `destination_plan` – the plan.
//! * `destination_fallback` – what comes from the Cloud ALM key, and when.
//! * `destination_body` – what is wanted compared with what is there.
//! * `destination_secrets` – how drift of secrets is seen without storing them.
//! * `destination_create`, `destination_update` – the two ways of writing.

use secrecy::{ExposeSecret, SecretString};

use super::configured::{Configured, Key, afterwards, client_context, is_over};
use super::destination_body::{is_out_of_sync, observe};
use super::destination_identity::{self, ImportId, Owner, replaced_in_place};
use super::destination_properties::{
    Known, SECRETS, TYPED, holds_credentials, lookup, security_concern,
};
use super::destination_schema::{DEFAULT_LEVEL, DEFAULT_NAME, DEFINITION, TYPE_NAME, id_of};
pub use super::destination_schema::{Model, Timeouts};
use super::destination_secrets::{NoRandomness, Origin, Record, Records, display_name};
use super::diagnostics::{Call, failed};
use super::{
    destination_create, destination_moves, destination_plan, destination_rules, destination_update,
};
use client::{self, Destinations, KeyKind, Level, Metadata, Properties};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;
use framework::plan::Plan;
use framework::private::Private;
use framework::resource::{
    Context, CreateRequest, Definition, DeleteRequest, ImportRequest, Mover, Outcome, ReadRequest,
    Resource, UpdateRequest,
};
use framework::value::Value;

/// The resource `sapcalm_destination`.
#[derive(Debug)]
pub struct Destination;

impl Resource for Destination {
    type Provider = Configured;
    type Model = Model;

    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        destination_rules::validate(config)
    }

    fn plan(&self, provider: Option<&Configured>, plan: &mut Plan) {
        destination_plan::refine(provider, plan);
    }

    async fn create(
        &self,
        provider: &Configured,
        context: &Context,
        request: CreateRequest<Model>,
    ) -> Outcome<Model> {
        match Site::of(provider, &request.planned, client_context(context)) {
            Ok(site) => {
                let _turn = provider.turn(TYPE_NAME, &site.id()).await;
                destination_create::create(&site, &request.config, request.planned).await
            }
            Err(problem) => Outcome::failed(problem),
        }
    }

    async fn read(
        &self,
        provider: &Configured,
        context: &Context,
        request: ReadRequest<Model>,
    ) -> Outcome<Model> {
        let ReadRequest { state, private } = request;
        if provider.key(KeyKind::Destination) == Key::Unknown && !state.is_import_stub() {
            let warning = provider.unknown_key_warning(
                KeyKind::Destination,
                "The destination was not looked at; the plan is made from its last known state.",
            );
            return Outcome::saved(state, private).with(warning);
        }
        match Site::of(provider, &state, client_context(context)) {
            Ok(site) => site.read(state, private).await,
            Err(problem) => Outcome::failed(problem),
        }
    }

    async fn update(
        &self,
        provider: &Configured,
        context: &Context,
        request: UpdateRequest<Model>,
    ) -> Outcome<Model> {
        if destination_update::sends_nothing(&request.planned) {
            return destination_update::unsent(request.planned, request.private);
        }
        match Site::of(provider, &request.prior, client_context(context)) {
            Ok(site) => Box::pin(destination_update::update(&site, request)).await,
            Err(problem) => Outcome::failed(problem),
        }
    }

    async fn delete(
        &self,
        provider: &Configured,
        context: &Context,
        request: DeleteRequest<Model>,
    ) -> Outcome<Model> {
        let prior = &request.prior;
        let site = match Site::of(provider, prior, client_context(context)) {
            Ok(site) => site,
            Err(problem) => return Outcome::failed(problem),
        };
        let _turn = provider.turn(TYPE_NAME, &site.id()).await;
        if provider.was_created_here(TYPE_NAME, &owned_id(prior)) {
            let reason = replaced_in_place(&format!("destination `{}`", site.id()));
            return Outcome::gone().with(Diagnostic::warning("Destination not deleted", reason));
        }
        site.delete(prior).await
    }

    fn import(&self, request: ImportRequest) -> Result<Model, Diagnostics> {
        match request {
            ImportRequest::Id(id) => ImportId::of_text(&id, "destination", DEFAULT_NAME),
            ImportRequest::Identity(identity) => {
                ImportId::of_identity(&identity, "destination", DEFAULT_NAME)
            }
        }
        .map(stub)
        .map_err(Diagnostics::from)
    }

    fn identity(&self, state: &Model) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("subaccount_id", state.subaccount_id.clone()),
            ("level", state.level.clone()),
            ("instance_id", state.instance_id.clone()),
            ("name", state.name.clone()),
        ]
    }

    fn movers(&self) -> &'static [Mover] {
        destination_moves::MOVERS
    }
}

/// What Read completes after an import or a move.
pub(super) fn stub(object: ImportId) -> Model {
    Model {
        id: Some(id_of(object.level.as_str(), &object.name)),
        name: Some(object.name),
        level: Some(object.level.to_string()),
        subaccount_id: object.subaccount_id,
        instance_id: object.instance_id,
        ..Model::default()
    }
}

/// The id with its owner.
pub(super) fn owned_id(model: &Model) -> String {
    destination_identity::owned_id([&model.subaccount_id, &model.instance_id, &model.id])
}

/// One destination of one service, as one operation sees it.
pub(super) struct Site<'a> {
    pub(super) provider: &'a Configured,
    pub(super) service: Destinations<'a>,
    pub(super) context: client::Context,
    pub(super) level: Level,
    pub(super) name: String,
}

impl<'a> Site<'a> {
    fn of(
        provider: &'a Configured,
        model: &Model,
        context: client::Context,
    ) -> Result<Self, Diagnostic> {
        let level = model.level.as_deref().unwrap_or(DEFAULT_LEVEL);
        Ok(Self {
            provider,
            service: provider.require_destination()?,
            context,
            level: Level::from_name(level).unwrap_or(Level::Subaccount),
            name: model.destination_name().to_owned(),
        })
    }

    /// `<level>/<name>`.
    pub(super) fn id(&self) -> String {
        id_of(self.level.as_str(), &self.name)
    }

    /// Whom the token acts for; an error when that is not whom the state
    /// belongs to. Nothing is called then: the same name in another subaccount
    /// is another object.
    pub(super) async fn owner(&self, call: Call, state: &Model) -> Result<Owner, Diagnostic> {
        let token = self.service.token(&self.context).await;
        let token = token.map_err(|error| failed(call, &error))?;
        destination_identity::check_owner(
            self.provider,
            token.claims(),
            self.level,
            &format!("destination `{}`", self.id()),
            [&state.subaccount_id, &state.instance_id],
        )
    }

    /// A context for finding out what SAP did when the operation itself was
    /// cancelled or ran out of time.
    pub(super) fn afterwards(&self) -> client::Context {
        afterwards(&self.context)
    }

    /// Whether the operation may not start anything new.
    pub(super) fn is_over(&self) -> bool {
        is_over(&self.context)
    }

    /// The client secret of the provider's Cloud ALM key.
    fn key_secret(&self) -> Option<&SecretString> {
        if self.provider.key(KeyKind::CloudAlm) != Key::Known {
            return None;
        }
        let key = self.provider.client().config().cloud_alm_key.as_ref()?;
        key.oauth().client_secret()
    }

    async fn read(&self, state: Model, mut private: Private) -> Outcome<Model> {
        let owner = match self.owner(Call::ReadDestination, &state).await {
            Ok(owner) => owner,
            Err(problem) => return Outcome::failed(problem),
        };
        let found = match self
            .service
            .find(&self.context, self.level, &self.name)
            .await
        {
            Ok(Some(found)) => found,
            Ok(None) => return Outcome::gone().with(owner.diagnostics),
            Err(error) => return Outcome::failed(failed(Call::ReadDestination, &error)),
        };
        let mut records = Records::load(&private);
        let mut state = state;
        let seen = match self.look(&mut state, &found, &mut records) {
            Ok(warnings) => warnings,
            Err(NoRandomness) => return Outcome::failed(no_randomness()),
        };
        state.subaccount_id = state.subaccount_id.or(owner.subaccount_id);
        state.instance_id = state.instance_id.or(owner.instance_id);
        records.store(&mut private);
        Outcome::saved(state, private)
            .with(owner.diagnostics)
            .with(seen)
    }

    /// Takes what SAP holds into the state, and finds out which secrets
    /// somebody changed.
    pub(super) fn look(
        &self,
        state: &mut Model,
        found: &client::Destination,
        records: &mut Records,
    ) -> Result<Diagnostics, NoRandomness> {
        let import = state.is_import_stub();
        let unchanged = !import && is_unchanged(state, &found.metadata);
        if import {
            remember_imported(&found.properties, records)?;
        } else if !unchanged {
            refresh_imported(&found.properties, records)?;
        }
        Ok(self.take(state, found, records, unchanged))
    }

    /// Takes what SAP holds into the state.
    fn take(
        &self,
        state: &mut Model,
        found: &client::Destination,
        records: &Records,
        unchanged: bool,
    ) -> Diagnostics {
        let import = state.is_import_stub();
        observe(state, &found.properties, records);
        let mut warnings = Diagnostics::new();
        let drifted = self.drifted(state, &found.properties, records, unchanged, &mut warnings);
        state.out_of_sync_secrets = Some(drifted);
        if import || state.labels.is_some() {
            let labels = found.labels.clone();
            state.labels = match labels {
                Some(labels) if labels.is_empty() && import => None,
                Some(labels) => Some(labels),
                None => state.labels.take(),
            };
        }
        set_metadata(state, &found.metadata);
        warnings.extend(self.exposed(state));
        if state.properties.is_none() {
            warnings.extend(self.concerns(state, &found.properties));
        }
        warnings
    }

    /// A destination that nobody manages yet, as an import reads it. Without
    /// the warnings, which come with the import, and without URLs that hold
    /// credentials: who lists has not asked for them.
    pub(super) fn unmanaged(&self, owner: &Owner, found: &client::Destination) -> Model {
        let mut state = Model {
            id: Some(self.id()),
            name: Some(self.name.clone()),
            level: Some(self.level.as_str().to_owned()),
            subaccount_id: owner.subaccount_id.clone(),
            instance_id: owner.instance_id.clone(),
            ..Model::default()
        };
        let _ = self.take(&mut state, found, &Records::default(), false);
        for property in TYPED {
            let slot = (property.slot)(&mut state);
            *slot = slot.take().filter(|text| !holds_credentials(text));
        }
        state
    }

    /// The attributes whose secret is not what we wrote.
    fn drifted(
        &self,
        state: &Model,
        actual: &Properties,
        records: &Records,
        unchanged: bool,
        warnings: &mut Diagnostics,
    ) -> Vec<String> {
        let mut drifted = Vec::new();
        let paired = SECRETS.iter().map(|pair| pair.key);
        for key in paired.chain(records.further()) {
            let value = actual.get(key).map(String::as_str);
            let plain = SECRETS
                .iter()
                .find(|pair| pair.key == key)
                .and_then(|pair| (pair.read)(state).plain);
            let record = records.get(key).filter(|record| record.is_ours());
            let in_sync = match (plain, record) {
                (Some(plain), _) => value == Some(plain.expose()),
                (None, None) => continue,
                (None, Some(record)) => {
                    let from_key = (record.origin == Origin::CloudAlmKey)
                        .then(|| self.key_secret())
                        .flatten();
                    match from_key {
                        Some(secret) => value == Some(secret.expose_secret()),
                        None if unchanged => !is_out_of_sync(Some(state), key),
                        None => value
                            .is_some_and(|value| record.verifier.matches(value).unwrap_or(true)),
                    }
                }
            };
            if in_sync {
                continue;
            }
            let from_key = record.is_some_and(|record| record.origin == Origin::CloudAlmKey);
            if from_key && self.provider.key(KeyKind::CloudAlm) == Key::Absent {
                warnings.push(drift_without_key(&self.id()));
            } else {
                drifted.push(display_name(key));
            }
        }
        drifted
    }

    /// Credentials that somebody put into a URL at SAP. They are not hidden:
    /// that the URL is not the configured one must be visible.
    fn exposed(&self, state: &Model) -> Diagnostics {
        let mut warnings = Diagnostics::new();
        for property in TYPED {
            let value = (property.read)(state);
            if value.is_some_and(holds_credentials) {
                warnings.push(
                    Diagnostic::warning(
                        "URL with credentials",
                        format!(
                            "At SAP, `{}` of the destination `{}` is a URL with credentials in \
                             it, which Terraform stores in its state in clear.\n\n\
                             Configure the URL without what stands in front of the `@`, give the \
                             credentials in attributes of their own, such as `user` and \
                             `password`, and renew them.",
                            property.key,
                            self.id()
                        ),
                    )
                    .at(Path::attribute(property.attribute)),
                );
            }
        }
        warnings
    }

    /// Properties that are left alone although they decide whom the
    /// destination trusts.
    fn concerns(&self, state: &Model, actual: &Properties) -> Diagnostics {
        let mut warnings = Diagnostics::new();
        for name in state.unmanaged_properties.iter().flatten() {
            let value = actual.get(name).map_or("", String::as_str);
            if let Some(concern) = security_concern(name, value) {
                warnings.push(
                    Diagnostic::warning(
                        "Unmanaged security property",
                        format!(
                            "The destination `{}` has the property `{name}`, which this \
                             configuration does not manage: {concern}.\n\n\
                             Set `properties` to manage the complete set; `properties = {{}}` \
                             removes it.",
                            self.id()
                        ),
                    )
                    .at(Path::attribute("properties")),
                );
            }
        }
        warnings
    }

    async fn delete(&self, prior: &Model) -> Outcome<Model> {
        let owner = match self.owner(Call::DeleteDestination, prior).await {
            Ok(owner) => owner,
            Err(problem) => return Outcome::failed(problem),
        };
        let deleted = self
            .service
            .delete(&self.context, self.level, &self.name)
            .await;
        let Err(error) = deleted else {
            return Outcome::gone().with(owner.diagnostics);
        };
        if error.may_have_been_processed() {
            let found = self
                .service
                .find(&self.afterwards(), self.level, &self.name)
                .await;
            if matches!(found, Ok(None)) {
                return Outcome::gone().with(owner.diagnostics);
            }
        }
        Outcome::failed(failed(Call::DeleteDestination, &error))
    }
}

/// Whether SAP's object is certainly the one of the last look.
fn is_unchanged(state: &Model, metadata: &Metadata) -> bool {
    metadata.etag.is_some()
        && state.etag == metadata.etag
        && state.modification_time == metadata.modification_time.map(|time| time.to_string())
}

/// Takes etag and modification time into the state.
pub(super) fn set_metadata(state: &mut Model, metadata: &Metadata) {
    state.etag.clone_from(&metadata.etag);
    state.modification_time = metadata.modification_time.map(|time| time.to_string());
}

fn is_secret(key: &str) -> bool {
    matches!(lookup(key), Known::Secret(_) | Known::OtherSecret)
}

/// After an import the plan compares configured secrets with what was there.
fn remember_imported(actual: &Properties, records: &mut Records) -> Result<(), NoRandomness> {
    let secrets = actual.iter().filter(|(key, _)| is_secret(key));
    for (key, value) in secrets {
        if records.get(key).is_none() && !value.is_empty() {
            records.insert(key, Record::new(Origin::Sap, value)?);
        }
    }
    Ok(())
}

/// Nobody wrote these secrets through us, so a change of them is no drift; but
/// the plan must compare with what is there now.
fn refresh_imported(actual: &Properties, records: &mut Records) -> Result<(), NoRandomness> {
    let imported = records.iter().filter(|(_, record)| !record.is_ours());
    let changed: Vec<String> = imported
        .filter(|(key, record)| {
            let value = actual.get(*key);
            value.is_none_or(|value| record.verifier.matches(value) == Some(false))
        })
        .map(|(key, _)| key.to_owned())
        .collect();
    for key in changed {
        records.remove(&key);
        if let Some(value) = actual.get(&key).filter(|value| !value.is_empty()) {
            records.insert(&key, Record::new(Origin::Sap, value)?);
        }
    }
    Ok(())
}

fn drift_without_key(id: &str) -> Diagnostic {
    Diagnostic::warning(
        "Client secret changed",
        format!(
            "The client secret of the destination `{id}` came from a Cloud ALM service key and \
             is now another one. The provider has no such key any more, so the change can be \
             seen but not undone. Set `cloud_alm_service_key`, or configure `url`, `client_id`, \
             `token_service_url` and the client secret."
        ),
    )
}

/// The error of a machine without a random source.
pub(super) fn no_randomness() -> Diagnostic {
    Diagnostic::error(
        "No random numbers",
        "The operating system gave no random numbers, which are needed to remember secrets \
         without storing them. Nothing was changed.",
    )
}
