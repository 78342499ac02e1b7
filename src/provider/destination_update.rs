//! Updating a destination in place.
//!
//! One request reads, and what differs from the plan is sent: nothing, where
//! SAP already holds everything. After a failure the state says what SAP holds
//! now, as far as that can be found out.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;

use super::destination_body::{Unwanted, Wanted, unmanaged};
use super::destination_create::{check_failed, nothing_to_check};
use super::destination_properties::is_further;
use super::destination_schema::Model;
use super::destination_secrets::{NoRandomness, Records};
use super::destination_settle::{Settled, remember, settle};
use super::diagnostics::{Call, failed, failed_softly};
use super::resource_destination::{Site, no_randomness, set_metadata};
use client::{Destination, Error, Labels, TokenCheck};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;
use framework::private::Private;
use framework::resource::{Outcome, UpdateRequest};

/// The entry in private state for the names of what `properties` wrote.
const PROPERTIES_ENTRY: &str = "properties";

/// Remembers which further properties are ours, so that they go when
/// `properties` leaves the configuration. What an import found is not ours.
pub(super) fn remember_properties(model: &Model, private: &mut Private) {
    match &model.properties {
        Some(properties) if !properties.is_empty() => {
            let names: Vec<&String> = properties.keys().collect();
            private.set(PROPERTIES_ENTRY, &names);
        }
        _ => private.remove(PROPERTIES_ENTRY),
    }
}

/// Whether the plan was sure that SAP has nothing to do: only switches or
/// timeouts change.
pub(super) fn sends_nothing(planned: &Model) -> bool {
    planned.unmanaged_properties.is_some()
}

/// The outcome of such an update.
pub(super) fn unsent(planned: Model, private: Private) -> Outcome<Model> {
    let mut model = planned.without_write_only();
    model.out_of_sync_secrets = Some(Vec::new());
    Outcome::saved(model, private)
}

/// Which further properties go: those that the plan knew of. One that
/// somebody added since then is left for the next plan to show.
fn unwanted(request: &UpdateRequest<Model>) -> Unwanted {
    let ours: BTreeSet<String> = request.private.get(PROPERTIES_ENTRY).unwrap_or_default();
    if request.planned.properties.is_none() {
        return Unwanted::Only(ours);
    }
    let prior = &request.prior;
    let shown = prior.properties.iter().flat_map(|map| map.keys());
    let named = prior.unmanaged_properties.iter().flatten();
    let known = shown.chain(named).filter(|key| is_further(key)).cloned();
    Unwanted::Only(known.chain(ours).collect())
}

/// An update in progress.
struct Update<'a> {
    site: &'a Site<'a>,
    prior: Model,
    private: Private,
    /// What private state says now.
    before: Records,
    /// What it will say when everything worked.
    after: Records,
    model: Model,
    wanted: Wanted,
    warnings: Diagnostics,
}

/// Changes what differs from the plan.
pub(super) async fn update(site: &Site<'_>, request: UpdateRequest<Model>) -> Outcome<Model> {
    let owner = match site.owner(Call::UpdateDestination, &request.prior).await {
        Ok(owner) => owner,
        Err(problem) => return Outcome::failed(problem),
    };
    let unwanted = unwanted(&request);
    let check_token = request.config.check_token == Some(true);
    let before = Records::load(&request.private);
    let settled = settle(
        site.provider,
        &request.config,
        request.planned,
        Some(&request.prior),
        &before,
        unwanted,
    );
    let Settled { model, wanted } = match settled {
        Ok(settled) => settled,
        Err(problem) => return Outcome::failed(problem),
    };
    let after = match remember(&wanted.secrets, &before) {
        Ok(after) => after,
        Err(NoRandomness) => return Outcome::failed(no_randomness()),
    };
    let update = Update {
        site,
        prior: request.prior,
        private: request.private,
        before,
        after,
        model,
        wanted,
        warnings: owner.diagnostics,
    };
    update.run(check_token).await
}

impl Update<'_> {
    async fn run(mut self, check_token: bool) -> Outcome<Model> {
        let found = match self.find().await {
            Ok(Some(found)) => found,
            Ok(None) => return Outcome::failed(gone(self.site)).with(self.warnings),
            Err(error) => return Outcome::failed(failed(Call::UpdateDestination, &error)),
        };
        let labels_before = found.labels.clone();
        let found = match self.write(found).await {
            Ok(found) => found,
            Err(failure) => return self.fail(*failure),
        };
        if let Err(error) = self.label(labels_before, &found).await {
            return self.fail_labels(&found, &error);
        }
        self.finish(&found);
        let checked = if check_token {
            self.check().await
        } else {
            None
        };
        self.after.store(&mut self.private);
        remember_properties(&self.model, &mut self.private);
        let outcome = Outcome::saved(self.model, self.private).with(self.warnings);
        match checked {
            Some(problem) => outcome.with(problem),
            None => outcome,
        }
    }

    async fn find(&self) -> Result<Option<Destination>, Error> {
        let Site {
            service,
            context,
            level,
            name,
            ..
        } = self.site;
        service.find_now(context, *level, name).await
    }

    /// Sends what differs, and returns what SAP holds then.
    async fn write(&mut self, found: Destination) -> Result<Destination, Box<Failure>> {
        let changes = self.wanted.changes(&found.properties);
        if changes.is_empty() {
            return Ok(found);
        }
        let Site {
            service,
            context,
            level,
            name,
            ..
        } = self.site;
        let patched = service.patch_from(context, *level, &found, &changes).await;
        let again = service.find(&self.site.afterwards(), *level, name).await;
        match (patched, again) {
            (Ok(()), Ok(Some(again))) => {
                let left = self.wanted.changes(&again.properties);
                if !left.is_empty() {
                    let names = left.keys().map(String::as_str);
                    self.warnings.push(not_visible(self.site, names));
                }
                Ok(again)
            }
            (Ok(()), unread) => {
                self.warnings
                    .push(unread_update(self.site, unread.err().as_ref()));
                Ok(Destination {
                    properties: found.properties.with(&changes),
                    metadata: client::Metadata::default(),
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
    async fn label(&self, before: Option<Labels>, found: &Destination) -> Result<(), Error> {
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
        let Site {
            service,
            context,
            level,
            name,
            ..
        } = self.site;
        service.set_labels(context, *level, name, &wanted).await
    }

    /// Fills in what only the request could tell.
    fn finish(&mut self, found: &Destination) {
        let names = unmanaged(&self.model, &found.properties, &self.after);
        self.model.unmanaged_properties = Some(names);
        self.model.out_of_sync_secrets = Some(Vec::new());
        set_metadata(&mut self.model, &found.metadata);
    }

    async fn check(&mut self) -> Option<Diagnostic> {
        let Site {
            service,
            context,
            level,
            name,
            ..
        } = self.site;
        match service.check_token(context, *level, name).await {
            Ok(TokenCheck::Fetched) => None,
            Ok(TokenCheck::NoToken) => {
                self.warnings.push(nothing_to_check());
                None
            }
            Ok(TokenCheck::Failed { reason }) => {
                Some(check_failed(&reason, "The update itself was made."))
            }
            Err(error) => {
                self.warnings
                    .push(failed_softly(Call::CheckDestination, &error));
                None
            }
        }
    }

    /// An error, and the state as SAP holds it now.
    fn fail(self, failure: Failure) -> Outcome<Model> {
        let outcome = match failure.now {
            Some(now) => self.truth(&now),
            None => Outcome::failed(Diagnostics::new()),
        };
        outcome.with(failure.problem)
    }

    fn fail_labels(self, found: &Destination, error: &Error) -> Outcome<Model> {
        let problem = failed(Call::LabelDestination, error).at(Path::attribute("labels"));
        self.truth(found).with(problem)
    }

    /// The prior state, corrected by what SAP holds now. Versions stay those
    /// of the prior state, so that the next plan repeats what did not work.
    fn truth(mut self, now: &Destination) -> Outcome<Model> {
        let mut records = self.before.clone();
        for (key, (_, secret)) in &self.wanted.secrets.set {
            let arrived =
                now.properties.get(key).map(String::as_str) == Some(secret.expose_secret());
            if let Some(record) = self.after.get(key).filter(|_| arrived) {
                records.insert(key, record.clone());
            }
        }
        for key in &self.wanted.secrets.drop {
            if !now.properties.contains_key(key) {
                records.remove(key);
            }
        }
        let mut state = self.prior.clone();
        // Looked at again, whatever etag it has.
        state.etag = None;
        let Ok(seen) = self.site.look(&mut state, now, &mut records) else {
            return Outcome::failed(no_randomness());
        };
        records.store(&mut self.private);
        Outcome::saved(state, self.private)
            .with(self.warnings)
            .with(seen)
    }
}

/// Why a change was not made, and what SAP holds now.
struct Failure {
    problem: Diagnostic,
    now: Option<Destination>,
}

fn gone(site: &Site<'_>) -> Diagnostic {
    Diagnostic::error(
        Call::UpdateDestination.summary(),
        format!(
            "The destination `{}` was deleted outside Terraform since the plan was made. Plan \
             again: it will be created anew.",
            site.id()
        ),
    )
}

fn not_visible<'a>(site: &Site<'_>, names: impl Iterator<Item = &'a str>) -> Diagnostic {
    Diagnostic::warning(
        "Update not visible",
        format!(
            "The update of the destination `{}` was answered with a success, but what is there \
             now differs in `{}`. Somebody else changed it at the same moment, or something \
             answered in SAP's place. The next plan shows the difference.",
            site.id(),
            names.collect::<Vec<_>>().join("`, `")
        ),
    )
}

fn unread_update(site: &Site<'_>, error: Option<&Error>) -> Diagnostic {
    let reason = match error {
        Some(error) => format!("Reading it back failed: {error}."),
        None => "The service does not show it any more.".to_owned(),
    };
    Diagnostic::warning(
        "Destination updated without metadata",
        format!(
            "The destination `{}` was updated, but its etag and modification time are not known. \
             {reason} The next plan or apply fills them in.",
            site.id()
        ),
    )
}
