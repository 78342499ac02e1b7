//! What every object of the Destination service has in common, destinations
//! and certificates alike: it is named by level and name ([`ids`]), belongs to
//! somebody ([`owner`]), holds something secret ([`secret`]), and an answer
//! about it can be lost ([`creation`]).
//!
//! What an object holds, and how that is changed, is no business of this room.

pub(crate) mod creation;
pub(crate) mod ids;
pub(crate) mod moves;
pub(crate) mod owner;
pub(crate) mod secret;

use client::{self, Collection, Error, KeyKind, Level};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::plan::{Action, Plan};
use framework::private::Private;
use framework::resource::Seen;
use framework::value::Value;

use super::configured::{Configured, Key, afterwards, is_over};
use super::diagnostics::{Call, failed};
use super::keys::missing_key;
use super::unsettled;
use ids::{DEFAULT_LEVEL, id_of, level_of};
use owner::Owner;

/// One kind of object of the Destination service.
pub(crate) trait Kind: Collection {
    const WORDS: Words;
}

/// What is said about one kind of object.
pub(crate) struct Words {
    /// What people call it, such as `destination`.
    pub(crate) noun: &'static str,
    /// The resource type that manages it.
    pub(crate) type_name: &'static str,
    /// Its calls, for messages.
    pub(crate) create: Call,
    pub(crate) update: Call,
    pub(crate) delete: Call,
    /// The summary where it was there, and is managed from now on.
    pub(crate) taken_over: &'static str,
    /// The summary where it was written, and what SAP holds now is not known.
    pub(crate) not_read_back: &'static str,
    /// The summary where it was to be deleted, and is the one to keep.
    pub(crate) not_deleted: &'static str,
}

/// What a look-up finds.
pub(crate) type Found<O> = Result<Option<O>, Error>;

/// One object, as one operation sees it.
pub(crate) struct Site<'a, K> {
    pub(crate) provider: &'a Configured,
    pub(crate) service: K,
    pub(crate) context: client::Context,
    pub(crate) level: Level,
    pub(crate) name: String,
}

impl<'a, K: Kind> Site<'a, K> {
    /// The object of that level and name.
    pub(crate) fn new(
        provider: &'a Configured,
        service: K,
        context: client::Context,
        level: Option<&str>,
        name: &str,
    ) -> Self {
        Self {
            provider,
            service,
            context,
            level: level_of(level),
            name: name.to_owned(),
        }
    }

    /// `<level>/<name>`.
    pub(crate) fn id(&self) -> String {
        id_of(self.level.as_str(), &self.name)
    }

    /// The id with its owner: the same id elsewhere is another object.
    fn owned_id(&self, owner: &Owner) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let (subaccount, instance) = (part(&owner.subaccount_id), part(&owner.instance_id));
        format!("{subaccount}/{instance}/{}", self.id())
    }

    /// Whose object it is; see [`Owner::of`]. Nothing else is called before.
    pub(crate) async fn owner(
        &self,
        call: Call,
        expected: &Owner,
    ) -> Result<(Owner, Diagnostics), Diagnostic> {
        let object = format!("{} `{}`", K::WORDS.noun, self.id());
        let about = (object.as_str(), call);
        Owner::of(self.provider, &self.context, self.level, about, expected).await
    }

    /// What SAP holds.
    pub(crate) async fn find(&self, call: Call) -> Result<Option<K::Object>, Diagnostic> {
        let found = self.service.find(&self.context, self.level, &self.name);
        found.await.map_err(|error| failed(call, &error))
    }

    /// What SAP holds, also when the operation itself was cancelled or ran out
    /// of time.
    pub(crate) async fn find_afterwards(&self) -> Found<K::Object> {
        let context = afterwards(&self.context);
        self.service.find(&context, self.level, &self.name).await
    }

    /// Whether a write may be repeated, see [`client::Client::may_repeat`].
    pub(crate) async fn may_repeat(&self, retries: u32) -> bool {
        let client = self.provider.client();
        client.may_repeat(&self.context, retries).await
    }

    /// Whether the operation may not start anything new.
    pub(crate) fn is_over(&self) -> bool {
        is_over(&self.context)
    }

    /// Remembers that this run made the object.
    pub(crate) fn remember_created(&self, owner: &Owner) {
        let id = self.owned_id(owner);
        self.provider.remember_created(K::WORDS.type_name, &id);
    }

    /// Whether this run made the object.
    pub(crate) fn was_created_here(&self, owner: &Owner) -> bool {
        let id = self.owned_id(owner);
        self.provider.was_created_here(K::WORDS.type_name, &id)
    }

    /// Whether an object that was found stays in the state: one whose create
    /// nobody could judge does only where it `is_ours`. Says what is known by now.
    pub(crate) fn settle(
        &self,
        private: &Private,
        is_ours: bool,
        warnings: &mut Diagnostics,
    ) -> bool {
        if !unsettled::is_marked(private) {
            return true;
        }
        let what = format!("{} `{}`", K::WORDS.noun, self.id());
        warnings.push(match is_ours {
            true => unsettled::seen(&what),
            false => unsettled::foreign(&what),
        });
        is_ours
    }

    /// Deletes the object, unless it is one whose create nobody could judge, and a
    /// read finds that it is not ours.
    pub(crate) async fn delete_if_ours<M>(
        &self,
        expected: &Owner,
        private: &Private,
        read: impl Future<Output = Result<Seen<M>, Diagnostic>>,
    ) -> Result<Diagnostics, Diagnostic> {
        if unsettled::is_marked(private)
            && let Seen::Gone(warnings) = read.await?
        {
            return Ok(warnings);
        }
        self.delete(expected).await
    }

    /// Deletes the object. Where this same run created it, the one to delete is
    /// the one to keep: with `create_before_destroy` create took it over, or
    /// made it anew under the same name.
    async fn delete(&self, expected: &Owner) -> Result<Diagnostics, Diagnostic> {
        if self.was_created_here(expected) {
            return Ok(self.replaced_in_place().into());
        }
        let (_, warnings) = self.owner(K::WORDS.delete, expected).await?;
        let deleted = self
            .service
            .delete(&self.context, self.level, &self.name)
            .await;
        match deleted {
            Ok(()) => Ok(warnings),
            Err(error)
                if error.maybe_processed && matches!(self.find_afterwards().await, Ok(None)) =>
            {
                Ok(warnings)
            }
            Err(error) => Err(failed(K::WORDS.delete, &error)),
        }
    }

    fn replaced_in_place(&self) -> Diagnostic {
        Diagnostic::warning(
            K::WORDS.not_deleted,
            format!(
                "The {} `{}` was created in this same run, so the one to delete is the one to \
                 keep. Nothing was deleted at SAP. This is what `create_before_destroy` means for \
                 two objects of one name.",
                K::WORDS.noun,
                self.id()
            ),
        )
    }

    /// The error of an update whose object is gone.
    pub(crate) fn gone(&self) -> Diagnostic {
        Diagnostic::error(
            K::WORDS.update.summary(),
            format!(
                "The {} `{}` was deleted outside Terraform since the plan was made. Plan again: \
                 it will be created anew.",
                K::WORDS.noun,
                self.id()
            ),
        )
    }
}

/// Plans what says which object it is: `id` follows from the configuration;
/// subaccount and service instance are told by the key, else known after
/// create, and never change.
///
/// What certainly fails is said here, before anything is changed.
pub(crate) fn plan_identity(provider: Option<&Configured>, plan: &mut Plan) {
    let level = plan.planned("level").clone();
    let id = match (level.as_str(), plan.planned("name").as_str()) {
        (Some(level), Some(name)) => Value::string(id_of(level, name)),
        _ => Value::Unknown,
    };
    plan.set("id", id);
    // Terraform plans a replacement a second time, as a create: the same rule has
    // to give the same values.
    if plan.action() == Action::Update && !plan.replaces() {
        plan.keep_prior("subaccount_id");
        plan.keep_prior("instance_id");
        return;
    }
    let told = |value: Option<&str>| value.map_or(Value::Unknown, Value::string);
    plan.set(
        "subaccount_id",
        told(provider.and_then(Configured::destination_subaccount)),
    );
    let instance = match level.as_str() {
        Some(DEFAULT_LEVEL) => Value::Null,
        Some(_) => told(provider.and_then(Configured::destination_instance)),
        None => Value::Unknown,
    };
    plan.set("instance_id", instance);
    let Some(provider) = provider else { return };
    if provider.key(KeyKind::Destination) == Key::Absent {
        plan.report(missing_key(KeyKind::Destination));
    }
    if let Err(problem) = provider.check_key(KeyKind::Destination) {
        plan.report(problem);
    }
}
