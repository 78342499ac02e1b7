//! Creating and updating a destination: the plan's decision, carried out.
//!
//! Two rules shape this file. Nothing that can fail after the create call may
//! end with an error *and* a state: Terraform would mark the object as tainted
//! and destroy it in the next run. And after an update that failed the state
//! says what SAP holds now, as far as that can be found out.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;

use client::{self, Changes, Collection as _, Destinations, Error, Labels, Metadata, TokenCheck};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;
use framework::resource::{CreateRequest, Failed, Saved, UpdateRequest};

use super::super::configured::afterwards;
use super::super::destination_service::Site;
use super::super::destination_service::creation::{Created, Creation, Judgement};
use super::super::destination_service::secret::{NoRandomness, Remembered};
use super::super::diagnostics::{Call, failed, failed_softly};
use super::drift::Look;
use super::model::Model;
use super::plan::Decision;
use super::record::{Origin, Record};
use super::site::{DestinationSite, owner_of};
use super::trial::try_key;
use super::vocabulary::{TYPED, secret_name};
use super::write::Wanted;

// ------------------------------------------------------------------- create

/// A destination that is to be created.
struct New<'a>(&'a Wanted);

impl<'s> Creation<Destinations<'s>> for New<'_> {
    type Answer = Metadata;

    async fn send(&self, site: &Site<'_, Destinations<'s>>) -> Result<Metadata, Error> {
        let body = self.0.body();
        site.service.create(&site.context, site.level, &body).await
    }

    fn judge(&self, found: &client::Destination, _: bool) -> Judgement {
        if self.0.is_exactly(&found.properties) {
            Judgement::Ours("holds exactly what is configured, secrets included, and nothing else")
        } else {
            Judgement::Foreign("It is not what is configured here.")
        }
    }
}

/// What came of the create call.
struct Made {
    /// What SAP holds now.
    found: client::Destination,
    /// It did not exist before this call.
    is_new: bool,
    warnings: Diagnostics,
}

/// Creates a destination, or takes one over.
pub(super) async fn create(
    site: &DestinationSite<'_>,
    request: CreateRequest<Model, Decision>,
) -> Result<Saved<Model>, Failed<Model>> {
    let CreateRequest {
        config,
        planned,
        decision,
    } = request;
    let mut wanted = Wanted::new(site.provider, &config, &planned, &decision)?;
    let record = Record::default().after(&decision, &wanted);
    let record = record.map_err(Diagnostic::from)?;
    let expected = owner_of(&planned);
    let (owner, mut warnings) = site.owner(Call::CreateDestination, &expected).await?;
    if decision.writes_key(|_| true) {
        warnings.extend(try_key(site).await?);
    }
    let mut model = planned;
    model.id = Some(site.id());
    model.subaccount_id.clone_from(&owner.subaccount_id);
    model.instance_id.clone_from(&owner.instance_id);
    settle_secrets(&mut model, &decision);
    let adopts = model.adopt_existing == Some(true);
    let mut made = match site.create(&New(&wanted), &owner, adopts).await {
        Err(failure) => return Err(site.failed_create(failure, model, record.store())),
        Ok(Created::New(metadata)) => new(site, &wanted, metadata).await,
        Ok(Created::TakenOver(found, warning)) => there(found, warning),
        Ok(Created::ToAdopt(found)) => {
            if decision.owns_properties {
                let allowed = model.allow_unmanaged.clone().unwrap_or_default();
                wanted.remove_foreign(&found.properties, &allowed);
            }
            adopt(site, &wanted, found).await?
        }
    };

    // From here on the object exists.
    label(site, &model, &mut made).await;
    if model.check_token == Some(true)
        && let Err((problem, is_left)) = check_new(site, &mut made).await
    {
        return Err(match is_left {
            true => Failed::leaving(model, record.store(), problem),
            false => problem.into(),
        });
    }
    site.remember_created(&owner);
    let foreign = wanted.foreign(&made.found.properties);
    if adopts && !decision.owns_properties && !foreign.is_empty() {
        let allowed = model.allow_unmanaged.take();
        model.allow_unmanaged = allowed.or_else(|| Some(foreign.iter().cloned().collect()));
        model.unmanaged_properties = Some(foreign);
    }
    let record = Look::learn(site.provider, &made.found, (&model, record));
    Ok(Saved::new(model, record.store())
        .with(warnings)
        .with(made.warnings))
}

/// What a successful create call made. It is read back where the service told
/// no metadata, and where it may tell a secret otherwise than it was written. A
/// failure of that is no failure.
async fn new(site: &DestinationSite<'_>, wanted: &Wanted, metadata: Metadata) -> Made {
    let mut made = Made {
        found: client::Destination {
            properties: wanted.body(),
            metadata,
            labels: Some(Labels::new()),
        },
        is_new: true,
        warnings: Diagnostics::new(),
    };
    if made.found.metadata.etag.is_none() || !wanted.secrets.is_empty() {
        made.read_back(site, "created").await;
    }
    made
}

/// What was there before.
fn there(found: client::Destination, warning: Diagnostic) -> Made {
    Made {
        found,
        is_new: false,
        warnings: warning.into(),
    }
}

impl Made {
    /// Takes what SAP tells of properties and metadata now.
    async fn read_back(&mut self, site: &DestinationSite<'_>, what_happened: &str) {
        let again = site.find_afterwards().await;
        self.warnings.extend(site.unread(what_happened, &again));
        self.found.metadata = Metadata::default();
        if let Ok(Some(again)) = again {
            self.found.properties = again.properties;
            self.found.metadata = again.metadata;
        }
    }
}

/// Makes an existing destination what is configured.
async fn adopt(
    site: &DestinationSite<'_>,
    wanted: &Wanted,
    found: client::Destination,
) -> Result<Made, Diagnostic> {
    let removed = wanted.removed_from(&found.properties);
    let more = match removed.join("`, `") {
        none if none.is_empty() => none,
        names => format!(
            " `properties` is the complete set of further properties; these were removed: \
             `{names}`."
        ),
    };
    let warning = site.adopted(&more);
    let changes = wanted.changes(&found.properties);
    if changes.is_empty() {
        return Ok(there(found, warning));
    }
    let patched = patch(site, &found, &changes).await;
    patched.map_err(|error| failed(Call::UpdateDestination, &error))?;
    let mut made = there(found, warning);
    made.found.properties = made.found.properties.with(&changes);
    made.read_back(site, "taken over").await;
    Ok(made)
}

/// Sends what differs from what was found.
async fn patch(
    site: &DestinationSite<'_>,
    found: &client::Destination,
    changes: &Changes,
) -> Result<(), Error> {
    let (service, context) = (&site.service, &site.context);
    let patched = service.patch(context, site.level, &site.name, Some(found), changes);
    patched.await
}

/// Labels live beside the destination. A failure is a warning: the next plan
/// shows the difference.
async fn label(site: &DestinationSite<'_>, model: &Model, made: &mut Made) {
    let Some(labels) = &model.labels else {
        return;
    };
    if made.found.labels.as_ref() == Some(labels) {
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
/// again. The error says whether it is left all the same.
async fn check_new(site: &DestinationSite<'_>, made: &mut Made) -> Result<(), (Diagnostic, bool)> {
    let reason = match check(site).await {
        Ok(warning) => {
            made.warnings.extend(warning);
            return Ok(());
        }
        Err(reason) => reason,
    };
    let mut is_left = false;
    let consequence = if made.is_new {
        let context = afterwards(&site.context);
        let deleted = site.service.delete(&context, site.level, &site.name).await;
        match deleted {
            Ok(()) => "The destination that was just created was deleted again.".to_owned(),
            Err(error) => {
                is_left = true;
                format!(
                    "The destination that was just created could not be deleted again ({error}). \
                     It is kept in the state as tainted: the next apply deletes and creates it \
                     again, and a destroy deletes it."
                )
            }
        }
    } else {
        "The destination existed before and was left as it is.".to_owned()
    };
    Err((check_failed(&reason, &consequence), is_left))
}

/// Lets the service fetch a token. The error is SAP's reason.
async fn check(site: &DestinationSite<'_>) -> Result<Option<Diagnostic>, String> {
    let checked = site
        .service
        .check_token(&site.context, site.level, &site.name)
        .await;
    match checked {
        Ok(TokenCheck::Fetched) => Ok(None),
        Ok(TokenCheck::NoToken) => Ok(Some(nothing_to_check())),
        Ok(TokenCheck::Failed { reason }) => Err(reason),
        Err(error) => Ok(Some(failed_softly(Call::CheckDestination, &error))),
    }
}

fn check_failed(reason: &str, consequence: &str) -> Diagnostic {
    Diagnostic::error(
        "Destination cannot fetch a token",
        format!(
            "The Destination service could not fetch a token through the destination. SAP says: \
             {reason}\n\n\
             {consequence} Correct client, secret and token service URL (here, or in the \
             provider's `cloud_alm_service_key` where they come from it), or take `check_token` \
             out."
        ),
    )
    .at(Path::attribute("check_token"))
}

fn nothing_to_check() -> Diagnostic {
    Diagnostic::warning(
        "Nothing to check",
        "`check_token` is set, but the service fetches no token for this authentication.",
    )
    .at(Path::attribute("check_token"))
}

/// Fills in the entries of the secrets that were written.
fn settle_secrets(model: &mut Model, decision: &Decision) {
    for (key, origin) in &decision.write {
        let entries = model.secrets.get_or_insert_default();
        entries.insert(secret_name(key).to_owned(), Some(origin.text().to_owned()));
    }
}

impl Record {
    /// What to remember once SAP holds what was decided.
    fn after(&self, decision: &Decision, wanted: &Wanted) -> Result<Self, NoRandomness> {
        let mut after = Self {
            key: decision.key,
            owns_properties: decision.owns_properties,
            told: wanted.told.clone(),
            ..self.clone()
        };
        for key in &decision.remove {
            after.secrets.remove(key);
        }
        for (key, secret) in &wanted.secrets {
            let new = match decision.write.get(key) {
                Some(Origin::CloudAlmKey) => Remembered::shared,
                _ => Remembered::new,
            };
            after.remember(key, secret.expose_secret(), new)?;
        }
        Ok(after)
    }
}

// ------------------------------------------------------------------- update

/// An update in progress.
struct Update<'a> {
    site: &'a DestinationSite<'a>,
    prior: Model,
    /// What is remembered now.
    before: Record,
    /// What will be when everything worked.
    after: Record,
    model: Model,
    wanted: Wanted,
    decision: Decision,
    /// What SAP tells otherwise after the write without having stored it in a
    /// form of its own: the next plan shows it.
    unsettled: BTreeSet<String>,
    warnings: Diagnostics,
}

/// Changes what differs from the plan.
pub(super) async fn update(
    site: &DestinationSite<'_>,
    request: UpdateRequest<Model, Decision>,
) -> Result<Saved<Model>, Failed<Model>> {
    let UpdateRequest {
        config,
        planned,
        prior,
        private,
        decision,
    } = request;
    let expected = owner_of(&prior);
    let (_, warnings) = site.owner(Call::UpdateDestination, &expected).await?;
    let before = Record::load(&private);
    let mut wanted = Wanted::new(site.provider, &config, &planned, &decision)?;
    wanted.told = settled(&before, &prior, &planned);
    let after = before.after(&decision, &wanted).map_err(Diagnostic::from)?;
    let update = Update {
        site,
        prior,
        before,
        after,
        model: planned,
        wanted,
        decision,
        unsettled: BTreeSet::new(),
        warnings,
    };
    update.run().await
}

/// What SAP tells in a form of its own, of properties that the plan leaves as
/// they are.
fn settled(
    record: &Record,
    prior: &Model,
    planned: &Model,
) -> std::collections::BTreeMap<String, Option<String>> {
    let further = |model: &Model, key: &str| model.properties.as_ref()?.get(key).cloned();
    let is_same = |key: &str| match TYPED.iter().find(|property| property.key == key) {
        Some(property) => (property.read)(prior) == (property.read)(planned),
        None => further(prior, key) == further(planned, key),
    };
    let told = record.told.iter().filter(|(key, _)| is_same(key));
    told.map(|(key, told)| (key.clone(), told.clone()))
        .collect()
}

/// Why a change was not made, and what SAP holds now.
struct Failure {
    problem: Diagnostic,
    now: Option<client::Destination>,
}

impl Update<'_> {
    async fn run(mut self) -> Result<Saved<Model>, Failed<Model>> {
        let Site {
            service,
            context,
            level,
            name,
            ..
        } = self.site;
        let found = match service.find_now(context, *level, name).await {
            Ok(Some(found)) => found,
            Ok(None) => return Err(Failed::from(self.site.gone()).with(self.warnings)),
            Err(error) => return Err(failed(Call::UpdateDestination, &error).into()),
        };
        let labels_before = found.labels.clone();
        let found = match self.write(found).await {
            Ok(found) => found,
            Err(failure) => {
                return Err(match failure.now {
                    Some(now) => self.truth(&now, failure.problem),
                    None => failure.problem.into(),
                });
            }
        };
        if let Err(error) = self.label(labels_before, &found).await {
            let problem = failed(Call::LabelDestination, &error).at(Path::attribute("labels"));
            return Err(self.truth(&found, problem));
        }
        settle_secrets(&mut self.model, &self.decision);
        let mut record = Look::learn(self.site.provider, &found, (&self.model, self.after));
        if !self.unsettled.is_empty() {
            record.told.retain(|key, _| !self.unsettled.contains(key));
            // Looked at anew, whatever etag it has.
            record.etag = None;
        }
        if self.model.check_token == Some(true) {
            match check(self.site).await {
                Ok(warning) => self.warnings.extend(warning),
                Err(reason) => {
                    let problem = check_failed(&reason, "The update itself was made.");
                    let failed = Failed::leaving(self.model, record.store(), problem);
                    return Err(failed.with(self.warnings));
                }
            }
        }
        Ok(Saved::new(self.model, record.store()).with(self.warnings))
    }

    /// Sends what differs, and returns what SAP holds then.
    async fn write(
        &mut self,
        found: client::Destination,
    ) -> Result<client::Destination, Box<Failure>> {
        let changes = self.wanted.changes(&found.properties);
        if changes.is_empty() {
            return Ok(found);
        }
        let site = self.site;
        if self.decision.writes_key(|key| changes.contains_key(key)) {
            match try_key(site).await {
                Ok(warning) => self.warnings.extend(warning),
                Err(problem) => {
                    let now = Some(found);
                    return Err(Box::new(Failure { problem, now }));
                }
            }
        }
        let patched = patch(site, &found, &changes).await;
        let again = site.find_afterwards().await;
        match (patched, again) {
            (Ok(()), Ok(Some(again))) => {
                let left = self.wanted.changes(&again.properties);
                if !left.is_empty() {
                    let names: BTreeSet<&str> = left.keys().map(String::as_str).collect();
                    self.warnings.push(not_visible(&site.id(), &names));
                    // What was not written is somebody else's, and what is as it
                    // was under the same etag was not stored at all.
                    let is_old = again.metadata.etag == found.metadata.etag;
                    let is_same =
                        |key: &str| again.properties.get(key) == found.properties.get(key);
                    let names = left
                        .keys()
                        .filter(|key| !changes.contains_key(*key) || is_old && is_same(key));
                    self.unsettled = names.cloned().collect();
                }
                Ok(again)
            }
            (Ok(()), unread) => {
                self.warnings.extend(site.unread("updated", &unread));
                Ok(client::Destination {
                    properties: found.properties.with(&changes),
                    metadata: Metadata::default(),
                    labels: None,
                })
            }
            // The answer was lost, the change was not.
            (Err(_), Ok(Some(again))) if self.wanted.changes(&again.properties).is_empty() => {
                Ok(again)
            }
            (Err(error), again) => Err(Box::new(Failure {
                problem: failed(Call::UpdateDestination, &error),
                now: again.ok().flatten(),
            })),
        }
    }

    /// Labels live beside the destination; an old service without PATCH may
    /// also have dropped them with the rest of the body.
    async fn label(
        &self,
        before: Option<Labels>,
        found: &client::Destination,
    ) -> Result<(), Error> {
        let removed = self.prior.labels.is_some().then(Labels::new);
        let Some(wanted) = self.model.labels.clone().or(removed).or(before) else {
            return Ok(());
        };
        let is_planned = self.model.labels != self.prior.labels;
        let differs = match &found.labels {
            Some(labels) => *labels != wanted,
            None => is_planned,
        };
        if !differs {
            return Ok(());
        }
        let site = self.site;
        site.service
            .set_labels(&site.context, site.level, &site.name, &wanted)
            .await
    }

    /// The prior state, corrected by what SAP holds now. The version stays that
    /// of the prior state, so that the next plan repeats what did not work.
    fn truth(self, now: &client::Destination, problem: Diagnostic) -> Failed<Model> {
        let mut state = self.prior;
        let mut record = self.before;
        let holds = |key: &str| now.properties.get(key).map(String::as_str);
        for (key, secret) in &self.wanted.secrets {
            let arrived = holds(key) == Some(secret.expose_secret());
            let origin = self.decision.write.get(key).filter(|_| arrived);
            if let (Some(origin), Some(new)) = (origin, self.after.secrets.get(key)) {
                record.secrets.insert(key.clone(), new.clone());
                let entries = state.secrets.get_or_insert_default();
                entries.insert(secret_name(key).to_owned(), Some(origin.text().to_owned()));
            }
        }
        for key in &self.decision.remove {
            if holds(key).is_none() {
                record.secrets.remove(key);
                if let Some(entries) = &mut state.secrets {
                    entries.remove(secret_name(key));
                }
            }
        }
        // Looked at anew, whatever etag it has.
        record.etag = None;
        let look = Look::at(self.site.provider, now, self.site.id(), (state, record));
        match look {
            Ok(look) => Failed::leaving(look.state, look.record.store(), problem)
                .with(self.warnings)
                .with(look.warnings),
            Err(NoRandomness) => Failed::from(problem).with(Diagnostic::from(NoRandomness)),
        }
    }
}

fn not_visible(id: &str, names: &BTreeSet<&str>) -> Diagnostic {
    Diagnostic::warning(
        "Update not visible",
        format!(
            "The update of the destination `{id}` was answered with a success, but SAP tells \
             something else now in `{}`. SAP stores it in another form (it trims, re-encodes or \
             hides it), or somebody else changed it at the same moment. What SAP stored in a form \
             of its own counts as written; the next plan shows the rest.",
            names.iter().copied().collect::<Vec<_>>().join("`, `")
        ),
    )
}
