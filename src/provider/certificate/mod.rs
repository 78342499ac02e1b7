//! `sapcalm_destination_certificate`: a key store or PEM file that the
//! Destination service keeps, for destinations that name it.
//!
//! This file is the life of the object, from top to bottom: validate, plan,
//! create, read, update, delete, import. `schema` has the attributes and their
//! rules, `plan` the one decision, `drift` what Read sees.
//!
//! A certificate has no properties beside its file, so there is nothing to
//! merge: an update replaces it as a whole. Whether the file is ours or SAP's,
//! its place and its calls are the same.

mod drift;
mod plan;
mod renewal;
mod schema;

use client::{CertificateSource, DestinationCertificate, DestinationCertificates, Error, KeyKind};
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

use super::configured::{Configured, client_context};
use super::destination_service::creation::{Created, Creation, Judgement};
use super::destination_service::ids::{self, DEFAULT_LEVEL, ImportId, id_of};
use super::destination_service::moves::{self, BTP, taken_over};
use super::destination_service::owner::Owner;
use super::destination_service::secret::text;
use super::destination_service::{Kind, Site, Words};
use super::diagnostics::{Call, failed};
use drift::Record;
use plan::{Decision, no_file};
use schema::{DEFINITION, EXAMPLE_NAME, Model};

pub(crate) use schema::TYPE_NAME;

/// How often a file is sent again when the answer is lost and SAP does not show
/// it.
const RETRIES: u32 = 2;

/// The resource `sapcalm_destination_certificate`.
#[derive(Debug)]
pub(crate) struct Certificate;

/// Source of the state shape: the public schema of `SAP/btp`. The file in that
/// state is left behind.
static MOVERS: &[Mover] = &[Mover {
    source_provider: BTP,
    source_type: "btp_subaccount_destination_certificate",
    source_versions: &[1],
    convert: |state| {
        const NAME: &str = "certificate_name";
        taken_over(state, NAME, moves::text(state, NAME))
    },
}];

type CertificateSite<'a> = Site<'a, DestinationCertificates<'a>>;

impl Described for Certificate {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        schema::rules(config)
    }
}

impl Resource for Certificate {
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
        id_of(level, model.name.as_deref().unwrap_or_default())
    }

    async fn create(
        &self,
        provider: &Configured,
        context: &Context,
        request: CreateRequest<Model, Decision>,
    ) -> Result<Saved<Model>, Failed<Model>> {
        let site = site(provider, context, &request.planned)?;
        create(&site, request).await
    }

    async fn read(
        &self,
        provider: &Configured,
        context: &Context,
        request: ReadRequest<Model>,
    ) -> Result<Seen<Model>, Diagnostics> {
        let ReadRequest { state, private } = request;
        let unread =
            "The certificate was not looked at; the plan is made from its last known state.";
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
        if !request.decision.uploads {
            // Only switches or timeouts change.
            return Ok(Saved::new(request.planned, request.private));
        }
        let site = site(provider, context, &request.prior)?;
        Ok(update(&site, request).await?)
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

    fn movers(&self) -> &'static [Mover] {
        MOVERS
    }

    fn import(&self, request: ImportRequest) -> Result<Model, Diagnostics> {
        let object = ImportId::of(request, "certificate", EXAMPLE_NAME)?;
        Ok(Model {
            id: Some(id_of(object.level.as_str(), &object.name)),
            name: Some(object.name),
            level: Some(object.level.to_string()),
            subaccount_id: object.subaccount_id,
            instance_id: object.instance_id,
            ..Model::default()
        })
    }
}

fn owner_of(model: &Model) -> Owner {
    Owner {
        subaccount_id: model.subaccount_id.clone(),
        instance_id: model.instance_id.clone(),
    }
}

fn site<'a>(
    provider: &'a Configured,
    context: &Context,
    model: &Model,
) -> Result<CertificateSite<'a>, Diagnostic> {
    Ok(Site::new(
        provider,
        provider.require_certificates()?,
        client_context(context),
        model.level.as_deref(),
        model.name.as_deref().unwrap_or_default(),
    ))
}

// ------------------------------------------------------------------- create

/// A certificate that is to be uploaded or generated. Whether one that is there
/// after a lost answer is ours, its file says; where SAP does not tell that as it
/// was sent, or generated it, that nothing was there before. That is why create
/// looks first.
struct New<'a> {
    source: &'a CertificateSource,
    was_absent: bool,
}

impl<'s> Creation<DestinationCertificates<'s>> for New<'_> {
    type Answer = ();

    async fn send(&self, site: &Site<'_, DestinationCertificates<'s>>) -> Result<(), Error> {
        site.service
            .create(&site.context, site.level, &site.name, self.source)
            .await
    }

    fn judge(&self, found: &DestinationCertificate, is_lost: bool) -> Judgement {
        let is_other = certainly_holds_other(found, self.source);
        if holds(found, self.source) {
            Judgement::Ours("holds exactly the configured file")
        } else if self.was_absent && is_lost && !is_other {
            Judgement::Ours(match self.source {
                CertificateSource::File(_) => {
                    "was not there before, and SAP does not tell its file as it was sent"
                }
                CertificateSource::Generation(_) => "was not there before",
            })
        } else if let CertificateSource::Generation(_) = self.source {
            Judgement::Foreign("This apply did not generate it.")
        } else if is_other {
            Judgement::Foreign("Its file is not the one that is configured here.")
        } else {
            Judgement::Foreign(
                "Its file cannot be compared with the one that is configured here: SAP does not \
                 tell it, or perhaps in another form than it was sent. It may be yours, from an \
                 earlier attempt.",
            )
        }
    }
}

async fn create(
    site: &CertificateSite<'_>,
    request: CreateRequest<Model, Decision>,
) -> Result<Saved<Model>, Failed<Model>> {
    let CreateRequest {
        config, planned, ..
    } = request;
    let source = config.source().ok_or_else(no_file)?;
    // Before anything is uploaded: this can fail.
    let mut record = Record::of(&source).map_err(Diagnostic::from)?;
    let (owner, warnings) = site
        .owner(Call::CreateCertificate, &owner_of(&planned))
        .await?;
    let mut model = planned;
    model.id = Some(site.id());
    model.subaccount_id.clone_from(&owner.subaccount_id);
    model.instance_id.clone_from(&owner.instance_id);
    settle(&mut model, &source);
    let before = site.find(Call::CreateCertificate).await?;
    let new = New {
        source: &source,
        was_absent: before.is_none(),
    };
    let adopt = model.adopt_existing == Some(true);
    let (found, mut more) = match site.create(&new, &owner, adopt).await {
        // What was there before is not ours, whatever became of the call.
        Err(failure) if !new.was_absent => return Err(site.problem(failure).into()),
        Err(failure) => return Err(site.failed_create(failure, model, record.store())),
        Ok(Created::New(())) => read_back(site).await,
        Ok(Created::TakenOver(found, warning)) => (Some(found), warning.into()),
        Ok(Created::ToAdopt(_)) => {
            replace(site, &source).await?;
            let (found, mut more) = read_back(site).await;
            more.push(site.adopted(""));
            (found, more)
        }
    };

    // From here on the object exists.
    site.remember_created(&owner);
    record.learn(found.as_ref());
    more.extend(not_visible(site, found.as_ref(), &source));
    show(&mut model, &mut record, found.as_ref());
    Ok(Saved::new(model, record.store()).with(warnings).with(more))
}

/// What SAP holds after a successful upload, which tells nothing itself. A
/// failure of that is no failure.
async fn read_back(site: &CertificateSite<'_>) -> (Option<DestinationCertificate>, Diagnostics) {
    let found = site.find_afterwards().await;
    let unread = site.unread("uploaded", &found);
    (found.ok().flatten(), unread.into())
}

/// The state after an upload, or before SAP shows what it generated.
fn settle(model: &mut Model, source: &CertificateSource) {
    match source {
        CertificateSource::File(file) => {
            model.set_entry(text::CONFIGURATION);
            model.validity_end_time = drift::end_of(file);
        }
        CertificateSource::Generation(_) => {
            model.set_entry(text::GENERATED);
            model.forget();
        }
    }
}

fn not_visible(
    site: &CertificateSite<'_>,
    found: Option<&DestinationCertificate>,
    source: &CertificateSource,
) -> Option<Diagnostic> {
    let is_other = found.is_some_and(|found| certainly_holds_other(found, source));
    is_other.then(|| {
        Diagnostic::warning(
            "Upload not visible",
            format!(
                "The upload of the certificate `{}` was answered with a success, but SAP tells \
                 another file now. It tells an old one, or somebody else replaced it at the same \
                 moment. What is configured counts as uploaded.",
                site.id()
            ),
        )
    })
}

/// Takes what SAP tells right after it generated a certificate.
fn show(model: &mut Model, record: &mut Record, found: Option<&DestinationCertificate>) {
    let is_generated = model.entry() == Some(text::GENERATED);
    if let Some(found) = found.filter(|_| is_generated) {
        let _ = record.look_at_generated(model, found);
    }
}

/// Whether SAP tells exactly this file. What it generates nobody knows before.
fn holds(found: &DestinationCertificate, source: &CertificateSource) -> bool {
    matches!(source, CertificateSource::File(file) if found.file.as_ref() == Some(file))
}

/// Whether SAP tells another file, and not just another form of this one; or a
/// certificate that cannot have been generated from this.
fn certainly_holds_other(found: &DestinationCertificate, source: &CertificateSource) -> bool {
    let Some(told) = &found.file else {
        return false;
    };
    match source {
        CertificateSource::File(file) => told.certainly_differs_from(file),
        CertificateSource::Generation(generation) => {
            let issued = told.issued();
            issued.is_some_and(|issued| !issued.fits(generation))
        }
    }
}

// --------------------------------------------------------------------- read

async fn read(
    site: &CertificateSite<'_>,
    mut state: Model,
    private: &Private,
) -> Result<Seen<Model>, Diagnostic> {
    let mut record = Record::load(private);
    let (owner, mut warnings) = site.owner(Call::ReadCertificate, &owner_of(&state)).await?;
    let Some(found) = site.find(Call::ReadCertificate).await? else {
        return Ok(Seen::Gone(warnings));
    };
    record.look(&mut state, &found)?;
    let is_ours = state.entry() != Some(text::CHANGED);
    if !site.settle(private, is_ours, &mut warnings) {
        return Ok(Seen::Gone(warnings));
    }
    state.subaccount_id = owner.subaccount_id;
    state.instance_id = owner.instance_id;
    let saved = Saved::new(state, record.store());
    Ok(Seen::There(saved.with(warnings)))
}

// ------------------------------------------------------------------- update

async fn update(
    site: &CertificateSite<'_>,
    request: UpdateRequest<Model, Decision>,
) -> Result<Saved<Model>, Diagnostic> {
    let UpdateRequest {
        config,
        planned,
        prior,
        private,
        ..
    } = request;
    let source = config.source().ok_or_else(no_file)?;
    let mut record = Record::of(&source)?;
    let (_, warnings) = site
        .owner(Call::UpdateCertificate, &owner_of(&prior))
        .await?;
    let found = site.find(Call::UpdateCertificate).await?;
    let found = found.ok_or_else(|| site.gone())?;
    let before = found.clone();
    let (found, mut more) = if holds(&found, &source) {
        (Some(found), Diagnostics::new())
    } else {
        replace(site, &source).await?;
        read_back(site).await
    };
    // Just what SAP told before: it tells nothing else, or this is an old answer.
    let is_old = |found: &&DestinationCertificate| {
        found.file == before.file
            && found.etag == before.etag
            && !holds(found, &source)
            && !Record::load(&private).expects(found)
    };
    more.extend(not_visible(site, found.as_ref(), &source));
    let found = found.filter(|found| !is_old(&found));
    record.learn(found.as_ref());
    let mut model = planned;
    settle(&mut model, &source);
    show(&mut model, &mut record, found.as_ref());
    Ok(Saved::new(model, record.store()).with(warnings).with(more))
}

/// Replaces the file, or has a new one generated. That the answer was lost does
/// not matter where SAP tells the file; where it does not, or generates it, the
/// call is repeated.
async fn replace(site: &CertificateSite<'_>, source: &CertificateSource) -> Result<(), Diagnostic> {
    let mut retries = 0;
    loop {
        let replaced = site
            .service
            .replace(&site.context, site.level, &site.name, source)
            .await;
        let Err(error) = replaced else {
            return Ok(());
        };
        if !error.maybe_processed {
            return Err(failed(Call::UpdateCertificate, &error));
        }
        match site.find_afterwards().await {
            Ok(Some(found)) if holds(&found, source) => return Ok(()),
            Ok(Some(_))
                if retries < RETRIES && !site.is_over() && site.may_repeat(retries).await =>
            {
                retries += 1;
            }
            _ => return Err(failed(Call::UpdateCertificate, &error)),
        }
    }
}

// ------------------------------------------- as an object of the service

impl Kind for DestinationCertificates<'_> {
    const WORDS: Words = Words {
        noun: "certificate",
        type_name: TYPE_NAME,
        create: Call::CreateCertificate,
        update: Call::UpdateCertificate,
        delete: Call::DeleteCertificate,
        taken_over: "Existing certificate taken over",
        not_read_back: "Certificate not read back",
        not_deleted: "Certificate not deleted",
    };
}
