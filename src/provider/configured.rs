//! What the `provider` block became: the client, which service keys there are,
//! and what this process remembers.
//!
//! Making one is cheap and asks no server. A service key is demanded only by
//! the operation that needs it, through one of the `require_` functions; their
//! error names the attribute and the environment variable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use client::{
    self, Client, DestinationCertificates, Destinations, Jobs, KeyKind, Landscape, OrderManagement,
    TokenClaims,
};
use framework::diagnostics::Diagnostic;
use framework::resource::Context;

use super::diagnostics::{Call, failed};
use super::keys::{attribute, missing_key, nobody_says};

/// How long reading back may take after Terraform said stop: the whole
/// provider must be gone a second later.
const AFTER_CANCEL: Duration = Duration::from_millis(700);

/// How long reading back may take when the operation's time is over.
const AFTER_DEADLINE: Duration = Duration::from_secs(15);

/// The configured provider, shared by all operations.
#[derive(Debug)]
pub struct Configured {
    client: Client,
    /// Services that cannot be called yet, and the attribute that is unknown.
    unknown: BTreeMap<KeyKind, &'static str>,
    /// The only subaccounts to touch; all where it is nothing.
    allowed_subaccounts: Option<BTreeSet<String>>,
    /// What create made in this process, by type and id.
    created: Mutex<BTreeSet<(&'static str, String)>>,
    warned: Mutex<BTreeSet<String>>,
}

/// The attribute of the provider block for the subaccounts to touch.
pub(crate) const ALLOWED_SUBACCOUNTS: &str = "allowed_subaccount_ids";

/// What is known about a service key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// It can be used.
    Known,
    /// Something this service needs is decided later in the same run. Only
    /// while planning.
    Unknown,
    /// It is not configured.
    Absent,
}

impl Configured {
    /// A configured provider. `unknown` names, for each service that cannot be
    /// called yet, the attribute of the provider block that is unknown.
    pub fn new(client: Client, unknown: BTreeMap<KeyKind, &'static str>) -> Self {
        Self {
            client,
            unknown,
            allowed_subaccounts: None,
            created: Mutex::default(),
            warned: Mutex::default(),
        }
    }

    /// The same, for these subaccounts only.
    pub(crate) fn allowing(mut self, subaccounts: Option<BTreeSet<String>>) -> Self {
        self.allowed_subaccounts = subaccounts;
        self
    }

    /// An error for a subaccount that is not among `allowed_subaccount_ids`.
    pub(crate) fn check_subaccount(&self, id: &str) -> Result<(), Diagnostic> {
        match &self.allowed_subaccounts {
            Some(allowed) if !allowed.contains(id) => Err(Diagnostic::error(
                "Subaccount not allowed",
                format!(
                    "The service key acts for the subaccount `{id}`, which is not among the \
                     provider's `{ALLOWED_SUBACCOUNTS}`. Nothing was read or changed. Give the \
                     provider the key of an allowed subaccount, or add this one."
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The same for what a service key itself says. That of Cloud ALM is of
    /// another subaccount, in which nothing is changed.
    pub(crate) fn check_key(&self, kind: KeyKind) -> Result<(), Diagnostic> {
        let key = self.client.config().oauth(kind);
        match key.and_then(|key| key.subaccount_id.as_deref()) {
            Some(id) if kind != KeyKind::CloudAlm => self.check_subaccount(id),
            _ => Ok(()),
        }
    }

    /// The same for the token of a service key, before a call. What the token
    /// does not say, the key does. Where nobody says it, nothing is written.
    pub(crate) fn check_token(
        &self,
        kind: KeyKind,
        claims: &TokenClaims,
        call: Call,
    ) -> Result<(), Diagnostic> {
        let of_key = || self.client.config().oauth(kind)?.subaccount_id.as_deref();
        let told = claims.subaccount_id.as_deref().or_else(of_key);
        self.check_told(kind, told, call)
    }

    /// The same for what was told, if anything was.
    pub(crate) fn check_told(
        &self,
        kind: KeyKind,
        told: Option<&str>,
        call: Call,
    ) -> Result<(), Diagnostic> {
        match told {
            Some(id) => self.check_subaccount(id),
            None if call.is_write() && self.allowed_subaccounts.is_some() => {
                let why = format!("`{ALLOWED_SUBACCOUNTS}` allows some only");
                Err(nobody_says(kind, &why))
            }
            None => Ok(()),
        }
    }

    /// The subaccount that the Destination service key acts for, as far as
    /// anybody says without asking: the only allowed one, else what the key
    /// says.
    pub(crate) fn destination_subaccount(&self) -> Option<&str> {
        if let Some(allowed) = &self.allowed_subaccounts
            && let (Some(only), 1) = (allowed.first(), allowed.len())
        {
            return Some(only);
        }
        self.subaccount_in_key()
    }

    /// The same as the key itself says.
    pub(crate) fn subaccount_in_key(&self) -> Option<&str> {
        let key = &self.client.config().destination_key.as_ref()?.oauth;
        let id = key.subaccount_id.as_deref().or(key.tenant_id.as_deref());
        id.filter(|_| self.key(KeyKind::Destination) == Key::Known)
    }

    /// The service instance of the Destination service key, as far as it says.
    pub(crate) fn destination_instance(&self) -> Option<&str> {
        let key = &self.client.config().destination_key.as_ref()?.oauth;
        key.instance_id
            .as_deref()
            .filter(|_| self.key(KeyKind::Destination) == Key::Known)
    }

    /// The client for SAP's services.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// What is known about a service key.
    pub(crate) fn key(&self, kind: KeyKind) -> Key {
        if self.unknown.contains_key(&kind) {
            Key::Unknown
        } else if self.client.config().oauth(kind).is_some() {
            Key::Known
        } else {
            Key::Absent
        }
    }

    /// The destinations of the Destination service. As for every service here, it
    /// is an error when its key is missing or not known yet.
    pub(crate) fn require_destination(&self) -> Result<Destinations<'_>, Diagnostic> {
        self.service(KeyKind::Destination, Client::destinations)
    }

    /// The certificates of the Destination service.
    pub(crate) fn require_certificates(&self) -> Result<DestinationCertificates<'_>, Diagnostic> {
        self.service(KeyKind::Destination, Client::destination_certificates)
    }

    /// Order Management's monitoring API; also an error when the key names no
    /// endpoint.
    pub(crate) fn require_order_management(&self) -> Result<OrderManagement<'_>, Diagnostic> {
        self.service(KeyKind::OrderManagement, Client::order_management)
    }

    /// Cloud ALM's landscape.
    pub(crate) fn require_landscape(&self) -> Result<Landscape<'_>, Diagnostic> {
        self.service(KeyKind::CloudAlm, Client::landscape)
    }

    /// The jobs of the Job Scheduling service.
    pub(crate) fn require_jobs(&self) -> Result<Jobs<'_>, Diagnostic> {
        self.service(KeyKind::JobScheduling, Client::jobs)
    }

    fn service<'a, S>(
        &'a self,
        kind: KeyKind,
        open: fn(&'a Client) -> Result<S, client::Error>,
    ) -> Result<S, Diagnostic> {
        self.require(kind)?;
        open(&self.client).map_err(|error| failed(Call::UseKey, &error))
    }

    /// Demands a service key.
    ///
    /// # Errors
    /// When it is missing or not known yet.
    pub(crate) fn require(&self, kind: KeyKind) -> Result<(), Diagnostic> {
        match self.key(kind) {
            Key::Known => self.check_key(kind),
            Key::Absent => Err(missing_key(kind)),
            Key::Unknown => Err(Diagnostic::error(
                "Unknown provider configuration",
                format!(
                    "The provider's `{}` is only known after another change of this run is \
                     applied, and this operation needs it now.\n\n\
                     Apply that change first with `-target`, or give the provider a value that \
                     is known. A `data` block waits for the change with `depends_on`.",
                    self.unknown.get(&kind).unwrap_or(&attribute(kind))
                ),
            )),
        }
    }

    /// The warning of an operation that goes on without a service key, where that
    /// is not known yet. `consequence` is a sentence.
    pub(crate) fn unknown_key(&self, kind: KeyKind, consequence: &str) -> Option<Diagnostic> {
        let attribute = self.unknown.get(&kind)?;
        Some(Diagnostic::warning(
            "Unknown provider configuration",
            format!(
                "The provider's `{attribute}` is only known after another change of this run is \
                 applied. {consequence}"
            ),
        ))
    }

    /// Remembers that create made this object in this process.
    pub(crate) fn remember_created(&self, type_name: &'static str, id: &str) {
        lock(&self.created).insert((type_name, id.to_owned()));
    }

    /// Remembers that delete removed this object in this process.
    pub(crate) fn remember_deleted(&self, type_name: &'static str, id: &str) {
        lock(&self.created).remove(&(type_name, id.to_owned()));
    }

    /// Whether create made this object in this process. If so, a delete of the
    /// same object is the second half of a replacement that creates first, and
    /// would remove what was just made.
    pub(crate) fn was_created_here(&self, type_name: &'static str, id: &str) -> bool {
        lock(&self.created).contains(&(type_name, id.to_owned()))
    }

    /// True once per topic, for warnings that would otherwise repeat for every
    /// object.
    pub(crate) fn first_time(&self, topic: &str) -> bool {
        lock(&self.warned).insert(topic.to_owned())
    }

    /// Whether [`Self::first_time`] has met this topic.
    pub(crate) fn was_said(&self, topic: &str) -> bool {
        lock(&self.warned).contains(topic)
    }
}

/// What the client needs to know about the operation around it.
pub(crate) fn client_context(context: &Context) -> client::Context {
    client::Context {
        deadline: context.deadline,
        cancel: context.cancel.clone(),
    }
}

/// A context for finding out what SAP did when the operation itself was
/// cancelled or ran out of time.
pub(crate) fn afterwards(context: &client::Context) -> client::Context {
    let now = Instant::now();
    if context.cancel.is_cancelled() {
        client::Context {
            deadline: now + AFTER_CANCEL,
            cancel: CancellationToken::new(),
        }
    } else if context.deadline <= now + Duration::from_secs(1) {
        client::Context {
            deadline: now + AFTER_DEADLINE,
            cancel: context.cancel.clone(),
        }
    } else {
        context.clone()
    }
}

/// Whether an operation may not start anything new.
pub(crate) fn is_over(context: &client::Context) -> bool {
    context.cancel.is_cancelled() || context.deadline <= Instant::now()
}

/// A panic while the lock was held leaves a set of names, which is still good.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
