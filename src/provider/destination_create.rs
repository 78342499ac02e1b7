//! Creating a destination.
//!
//! Two rules shape this file. Nothing that can fail after the create call may
//! end with an error *and* a state: Terraform would mark the object as tainted
//! and destroy it in the next run. And a lost answer is not a failure: what
//! SAP holds is read back and decides.

use std::collections::BTreeSet;

use super::configured::attribute;
use super::destination_body::{Unwanted, Wanted, unmanaged};
use super::destination_identity::import_block;
use super::destination_schema::{Model, TYPE_NAME};
use super::destination_secrets::{NoRandomness, Records};
use super::destination_settle::{Settled, remember, settle};
use super::diagnostics::{Call, failed, failed_advising, failed_softly};
use super::resource_destination::{Site, no_randomness, owned_id, set_metadata};
use client::{Error, KeyKind, Labels, Metadata, Properties, TokenCheck};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;
use framework::private::Private;
use framework::resource::Outcome;

/// How often the create call is repeated after its answer was lost and nothing
/// was there.
const ATTEMPTS: u32 = 3;

/// What came of the create call.
struct Made {
    /// What SAP holds now.
    properties: Properties,
    /// Its labels, where they are known.
    labels: Option<Labels>,
    metadata: Metadata,
    /// It did not exist before this call.
    is_new: bool,
    warnings: Diagnostics,
}

/// Creates a destination, or takes one over.
pub(super) async fn create(site: &Site<'_>, config: &Model, planned: Model) -> Outcome<Model> {
    match try_create(site, config, planned).await {
        Ok(outcome) => outcome,
        Err(problem) => Outcome::failed(problem),
    }
}

async fn try_create(
    site: &Site<'_>,
    config: &Model,
    planned: Model,
) -> Result<Outcome<Model>, Diagnostic> {
    let unwanted = match &planned.properties {
        Some(_) => Unwanted::AllOthers,
        None => Unwanted::Only(BTreeSet::new()),
    };
    let nothing = Records::default();
    let Settled { mut model, wanted } =
        settle(site.provider, config, planned, None, &nothing, unwanted)?;
    let records = remember(&wanted.secrets, &nothing).map_err(|NoRandomness| no_randomness())?;
    let owner = site
        .owner(Call::CreateDestination, &Model::default())
        .await?;

    let adopt = config.adopt_existing == Some(true);
    model.id = Some(site.id());
    model.subaccount_id = owner.subaccount_id;
    model.instance_id = owner.instance_id;
    let id = owned_id(&model);
    let mut made = make(site, &id, &wanted, adopt).await?;

    // From here on the object exists.
    label(site, &model, &mut made).await;
    if config.check_token == Some(true) {
        check(site, &mut made).await?;
    }
    model.unmanaged_properties = Some(unmanaged(&model, &made.properties, &records));
    model.out_of_sync_secrets = Some(Vec::new());
    set_metadata(&mut model, &made.metadata);
    let mut private = Private::default();
    records.store(&mut private);
    super::destination_update::remember_properties(&model, &mut private);
    site.provider.remember_created(TYPE_NAME, &owned_id(&model));
    let outcome = Outcome::saved(model, private);
    Ok(outcome.with(owner.diagnostics).with(made.warnings))
}

/// The create call, repeated where that is safe. `id` is the one with its owner.
async fn make(site: &Site<'_>, id: &str, wanted: &Wanted, adopt: bool) -> Result<Made, Diagnostic> {
    let body = wanted.body();
    let mut attempt = 1;
    loop {
        let created = site.service.create(&site.context, site.level, &body);
        let error = match created.await {
            Ok(metadata) => return Ok(new(site, body, metadata).await),
            Err(error) => error,
        };
        if !error.is_conflict() && !error.may_have_been_processed() {
            return Err(failed(Call::CreateDestination, &error));
        }
        let found = site
            .service
            .find(&site.afterwards(), site.level, &site.name)
            .await;
        match found {
            // Another resource of this run made it.
            Ok(Some(_)) if site.provider.was_created_here(TYPE_NAME, id) => {
                return Err(exists(site, &error));
            }
            Ok(Some(found)) if wanted.is_exactly(&found.properties) => {
                return Ok(Made {
                    properties: found.properties,
                    labels: found.labels,
                    metadata: found.metadata,
                    is_new: false,
                    warnings: taken_over(site, &error).into(),
                });
            }
            Ok(Some(found)) if adopt => {
                return adopt_existing(site, wanted, found).await;
            }
            Ok(Some(_)) => return Err(exists(site, &error)),
            Ok(None) if error.is_conflict() || attempt == ATTEMPTS || site.is_over() => {
                return Err(failed(Call::CreateDestination, &error));
            }
            Ok(None) => attempt += 1,
            Err(_) if error.is_conflict() => return Err(exists(site, &error)),
            Err(_) => return Err(undecided(site, &error)),
        }
    }
}

/// What a successful create call made. The metadata is a courtesy of newer
/// services; an older one is read back, and a failure of that is no failure.
async fn new(site: &Site<'_>, properties: Properties, metadata: Metadata) -> Made {
    let mut made = Made {
        properties,
        labels: Some(Labels::new()),
        metadata,
        is_new: true,
        warnings: Diagnostics::new(),
    };
    if made.metadata.etag.is_some() {
        return made;
    }
    let found = site
        .service
        .find(&site.afterwards(), site.level, &site.name)
        .await;
    match found {
        Ok(Some(found)) => made.metadata = found.metadata,
        Ok(None) => made
            .warnings
            .push(metadata_missing(site, "The service does not show it yet.")),
        Err(error) => made.warnings.push(metadata_missing(
            site,
            &format!("Reading it back failed: {error}."),
        )),
    }
    made
}

fn metadata_missing(site: &Site<'_>, reason: &str) -> Diagnostic {
    Diagnostic::warning(
        "Destination created without metadata",
        format!(
            "The destination `{}` was created, but its etag and modification time are not known. \
             {reason} The next plan or apply fills them in.",
            site.id()
        ),
    )
}

/// Makes an existing destination what is configured.
async fn adopt_existing(
    site: &Site<'_>,
    wanted: &Wanted,
    found: client::Destination,
) -> Result<Made, Diagnostic> {
    let changes = wanted.changes(&found.properties);
    let removed = wanted.unwanted_in(&found.properties);
    let mut warnings = Diagnostics::from(adopted(site, &removed));
    let properties = found.properties.with(&changes);
    let mut metadata = found.metadata.clone();
    if !changes.is_empty() {
        let patched = site
            .service
            .patch_from(&site.context, site.level, &found, &changes);
        if let Err(error) = patched.await {
            return Err(failed(Call::UpdateDestination, &error));
        }
        let again = site
            .service
            .find(&site.afterwards(), site.level, &site.name)
            .await;
        metadata = match again {
            Ok(Some(again)) => again.metadata,
            Ok(None) => Metadata::default(),
            Err(error) => {
                warnings.push(failed_softly(Call::ReadDestination, &error));
                Metadata::default()
            }
        };
    }
    Ok(Made {
        properties,
        labels: found.labels,
        metadata,
        is_new: false,
        warnings,
    })
}

fn adopted(site: &Site<'_>, removed: &[&str]) -> Diagnostic {
    let mut detail = format!(
        "The destination `{}` existed already. `adopt_existing` is set, so it was taken over and \
         made what is configured.",
        site.id()
    );
    if !removed.is_empty() {
        detail += " `properties` is the complete set of further properties; these were removed: `";
        detail += &removed.join("`, `");
        detail += "`.";
    }
    Diagnostic::warning("Existing destination taken over", detail)
}

fn taken_over(site: &Site<'_>, error: &Error) -> Diagnostic {
    let reason = if error.is_conflict() {
        "SAP said that the destination exists already"
    } else {
        "The answer to the create call was lost"
    };
    Diagnostic::warning(
        "Existing destination taken over",
        format!(
            "{reason}. The destination `{}` holds exactly what is configured, secrets included, \
             and nothing else: it is taken for the one that was to be created, most likely by an \
             earlier attempt. If another resource or configuration manages it, remove one of the \
             two.",
            site.id()
        ),
    )
}

fn exists(site: &Site<'_>, error: &Error) -> Diagnostic {
    let id = site.id();
    let advice = format!(
        "A destination `{id}` exists already, and it is not what is configured here. To manage \
         the existing one, import it (put the name of this resource in):\n\n{}\n\n\
         or set `adopt_existing = true`, which changes it to what is configured. Otherwise choose \
         another `name`.",
        import_block(TYPE_NAME, &id),
    );
    failed_advising(Call::CreateDestination, error, advice).at(Path::attribute("name"))
}

fn undecided(site: &Site<'_>, error: &Error) -> Diagnostic {
    let advice = format!(
        "It is not known whether SAP created the destination `{}`: the answer was lost, and it \
         could not be read back. Nothing was saved. The next apply finds out: it takes over a \
         destination that is exactly what is configured.",
        site.id()
    );
    failed_advising(Call::CreateDestination, error, advice)
}

/// Labels live beside the destination. A failure is a warning: the next plan
/// shows the difference.
async fn label(site: &Site<'_>, model: &Model, made: &mut Made) {
    let Some(labels) = &model.labels else {
        return;
    };
    if made.labels.as_ref() == Some(labels) {
        return;
    }
    let set = site
        .service
        .set_labels(&site.context, site.level, &site.name, labels);
    if let Err(error) = set.await {
        let mut warning = failed_softly(Call::LabelDestination, &error);
        warning.detail.push_str(
            "\n\nThe destination itself is there. The next plan shows the missing labels.",
        );
        made.warnings.push(warning.at(Path::attribute("labels")));
    }
}

/// Asks the service to fetch a token. If it cannot, a new destination goes
/// again.
async fn check(site: &Site<'_>, made: &mut Made) -> Result<(), Diagnostic> {
    let answer = site
        .service
        .check_token(&site.context, site.level, &site.name)
        .await;
    let reason = match answer {
        Ok(TokenCheck::Fetched) => return Ok(()),
        Ok(TokenCheck::NoToken) => {
            made.warnings.push(nothing_to_check());
            return Ok(());
        }
        Ok(TokenCheck::Failed { reason }) => reason,
        Err(error) => {
            made.warnings
                .push(failed_softly(Call::CheckDestination, &error));
            return Ok(());
        }
    };
    let consequence = if made.is_new {
        match site
            .service
            .delete(&site.afterwards(), site.level, &site.name)
            .await
        {
            Ok(_) => "The destination that was just created was deleted again.".to_owned(),
            Err(error) => format!(
                "The destination that was just created could not be deleted again ({error}). The \
                 next apply takes it over."
            ),
        }
    } else {
        "The destination existed before and was left as it is.".to_owned()
    };
    Err(check_failed(&reason, &consequence))
}

pub(super) fn check_failed(reason: &str, consequence: &str) -> Diagnostic {
    Diagnostic::error(
        "Destination cannot fetch a token",
        format!(
            "The Destination service could not fetch a token through the destination. SAP says: \
             {reason}\n\n{consequence} Correct client, secret and token service URL (here, or in \
             the provider's `{}` where they come from it), or take `check_token` out.",
            attribute(KeyKind::CloudAlm)
        ),
    )
    .at(Path::attribute("check_token"))
}

pub(super) fn nothing_to_check() -> Diagnostic {
    Diagnostic::warning(
        "Nothing to check",
        "`check_token` is set, but the service fetches no token for this authentication.",
    )
    .at(Path::attribute("check_token"))
}
