//! A create call whose answer can be lost.
//!
//! A lost answer is not a failure: what SAP holds is read back and decides.
//! The call is repeated only where nothing is there, and an object that is
//! there is taken for the one that was to be created only where it proves it.

use client::Error;
use framework::diagnostics::Diagnostic;
use framework::path::Path;
use framework::private::Private;
use framework::resource::Failed;

use super::ids::import_block;
use super::owner::Owner;
use super::{Found, Kind, Site};
use crate::provider::diagnostics::{failed, failed_advising};
use crate::provider::unsettled;

/// How often the call is repeated at most after its answer was lost and nothing
/// was there.
const RETRIES: u32 = 2;

/// An object that is to be created.
pub(crate) trait Creation<K: Kind>: Sync {
    /// What a successful call answers.
    type Answer: Send;

    /// The create call.
    fn send(&self, site: &Site<'_, K>) -> impl Future<Output = Result<Self::Answer, Error>> + Send;

    /// Whether what is there is what was to be created. `is_lost` says that an
    /// answer was lost. The words complete "The object …".
    fn judge(&self, found: &K::Object, is_lost: bool) -> Judgement;
}

/// What there is, compared with what was to be created.
pub(crate) enum Judgement {
    /// It is the one; this is why, as in "It {…}".
    Ours(&'static str),
    /// It is not, or nobody can tell; this sentence says why.
    Foreign(&'static str),
}

/// What came of a create call.
pub(crate) enum Created<A, O> {
    /// The object is new.
    New(A),
    /// It was there, and is taken for the one that was to be created.
    TakenOver(O, Diagnostic),
    /// Another one is there, and `adopt_existing` wants it.
    ToAdopt(O),
}

/// Why there is nothing to manage.
pub(crate) enum NotCreated {
    /// It is not there, or not ours.
    Refused(Diagnostic),
    /// It may be there: the answer was lost, and nobody can look.
    Unknown(Error),
}

impl From<Diagnostic> for NotCreated {
    fn from(problem: Diagnostic) -> Self {
        Self::Refused(problem)
    }
}

impl<K: Kind> Site<'_, K> {
    /// What a failed create leaves. `state` and `private` are those of an object
    /// that was created.
    pub(crate) fn failed_create<M>(
        &self,
        failure: NotCreated,
        state: M,
        private: Private,
    ) -> Failed<M> {
        let is_open = matches!(failure, NotCreated::Unknown(_));
        let problem = self.problem(failure);
        if is_open {
            unsettled::failed_create(problem, state, private)
        } else {
            problem.into()
        }
    }

    /// The message about a failed create that leaves nothing.
    pub(crate) fn problem(&self, failure: NotCreated) -> Diagnostic {
        match failure {
            NotCreated::Refused(problem) => problem,
            NotCreated::Unknown(error) => self.undecided(&error),
        }
    }

    /// Creates an object, repeated where that is safe.
    pub(crate) async fn create<C: Creation<K>>(
        &self,
        creation: &C,
        owner: &Owner,
        adopt: bool,
    ) -> Result<Created<C::Answer, K::Object>, NotCreated> {
        let mut is_lost = false;
        let mut retries = 0;
        loop {
            let error = match creation.send(self).await {
                Ok(answer) => return Ok(Created::New(answer)),
                Err(error) => error,
            };
            is_lost |= error.maybe_processed;
            if !error.is_conflict() && !error.maybe_processed {
                return Err(failed(K::WORDS.create, &error).into());
            }
            let found = match self.find_afterwards().await {
                Ok(Some(found)) => found,
                Ok(None) => {
                    let may_repeat = !error.is_conflict()
                        && retries < RETRIES
                        && !self.is_over()
                        && self.may_repeat(retries).await;
                    if !may_repeat {
                        return Err(failed(K::WORDS.create, &error).into());
                    }
                    retries += 1;
                    continue;
                }
                Err(_) if is_lost && !self.was_created_here(owner) => {
                    return Err(NotCreated::Unknown(error));
                }
                Err(_) => return Err(self.exists(&error, "It could not be read.").into()),
            };
            if self.was_created_here(owner) {
                let problem = self.exists(&error, "Another resource of this run made it.");
                return Err(problem.into());
            }
            return match creation.judge(&found, is_lost) {
                Judgement::Ours(why) => {
                    let warning = self.taken_over(&error, why);
                    Ok(Created::TakenOver(found, warning))
                }
                Judgement::Foreign(_) if adopt => Ok(Created::ToAdopt(found)),
                Judgement::Foreign(why) => Err(self.exists(&error, why).into()),
            };
        }
    }

    fn taken_over(&self, error: &Error, why: &str) -> Diagnostic {
        let reason = if error.is_conflict() {
            format!("SAP said that the {} exists already", K::WORDS.noun)
        } else {
            "The answer to the create call was lost".to_owned()
        };
        Diagnostic::warning(
            K::WORDS.taken_over,
            format!(
                "{reason}. The {} `{}` {why}: it is taken for the one that was to be created, \
                 most likely by an earlier attempt. If another resource or configuration manages \
                 it, remove one of the two.",
                K::WORDS.noun,
                self.id()
            ),
        )
    }

    /// The warning of an adoption. `more` are further sentences.
    pub(crate) fn adopted(&self, more: &str) -> Diagnostic {
        Diagnostic::warning(
            K::WORDS.taken_over,
            format!(
                "The {} `{}` existed already. `adopt_existing` is set, so it was taken over and \
                 made what is configured.{more}",
                K::WORDS.noun,
                self.id()
            ),
        )
    }

    /// `why` is the sentence that says why it is not taken over.
    fn exists(&self, error: &Error, why: &str) -> Diagnostic {
        let id = self.id();
        let advice = format!(
            "A {} `{id}` exists already. {why} To manage the existing one, import it (put the \
             name of this resource in):\n\n{}\n\n\
             or set `adopt_existing = true`, which makes it what is configured. Otherwise choose \
             another `name`.",
            K::WORDS.noun,
            import_block(K::WORDS.type_name, &id),
        );
        failed_advising(K::WORDS.create, error, advice).at(Path::attribute("name"))
    }

    fn undecided(&self, error: &Error) -> Diagnostic {
        let advice = format!(
            "It is not known whether SAP created the {} `{}`: the answer was lost, and it could \
             not be read back.",
            K::WORDS.noun,
            self.id()
        );
        failed_advising(K::WORDS.create, error, advice)
    }

    /// The warning where a write worked and what it left could not be read.
    /// `reason` is a sentence.
    pub(crate) fn unread(
        &self,
        what_happened: &str,
        found: &Found<K::Object>,
    ) -> Option<Diagnostic> {
        let reason = match found {
            Ok(Some(_)) => return None,
            Ok(None) => "The service does not show it yet.".to_owned(),
            Err(error) => format!("Reading it back failed: {error}."),
        };
        Some(Diagnostic::warning(
            K::WORDS.not_read_back,
            format!(
                "The {} `{}` was {what_happened}, but what SAP holds now is not known. {reason} \
                 The next plan finds out.",
                K::WORDS.noun,
                self.id()
            ),
        ))
    }
}
