//! The state of the emulated world: subaccounts with their destinations and
//! landscapes, clients with their credentials, tokens, journal and faults.
//!
//! Plain data and the few operations that keep it consistent. Nothing here
//! knows HTTP.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::digest;
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::clock::Clock;
use super::fault::Fault;
use super::issuing::{self, Made};
use super::journal::Journal;
use super::knobs::{Knobs, ScopeOwner};

/// Subdomain of the subaccount with Order Management foundation.
pub const ORDERS_SUBDOMAIN: &str = "acme-orders";
/// Subdomain of the subaccount with Cloud ALM.
pub const CLOUD_ALM_SUBDOMAIN: &str = "acme-calm";

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) knobs: Knobs,
    /// By subdomain.
    pub(crate) subaccounts: BTreeMap<String, Subaccount>,
    pub(crate) clients: Vec<Client>,
    /// Valid tokens and those that have expired, by the token itself.
    pub(crate) grants: HashMap<String, Grant>,
    pub(crate) journal: Journal,
    pub(crate) faults: Vec<Fault>,
    /// The last time stamp that was given out, in milliseconds.
    last_time: u64,
}

/// One subaccount, which is one identity zone.
#[derive(Debug, Default)]
pub(crate) struct Subaccount {
    /// The tenant, `zid` in tokens.
    pub(crate) id: String,
    /// Destinations and certificates of the whole subaccount.
    pub(crate) destinations: Level,
    /// Those of its service instances, by instance id.
    pub(crate) instances: BTreeMap<String, Level>,
    /// Whether its Order Management is registered.
    pub(crate) registration: Option<Registration>,
    /// What its Cloud ALM shows.
    pub(crate) landscape: Vec<LandscapeObject>,
    /// The jobs of its Job Scheduling service.
    pub(crate) jobs: Vec<Job>,
}

/// One job, as the Job Scheduling service tells it, shortened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    #[serde(rename = "_id")]
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) active: bool,
    #[serde(
        default,
        rename = "calmConfig",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) calm_config: Option<CalmConfig>,
}

/// Whether Cloud ALM monitors a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalmConfig {
    pub(crate) enabled: bool,
}

/// A registration of Order Management for Integration Monitoring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    /// Id of the object in the landscape.
    pub(crate) lms_id: String,
    /// The destination's URL at the time of the call.
    pub(crate) url: String,
}

/// One object of a landscape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LandscapeObject {
    /// When it becomes visible, in milliseconds since 1970; absent is at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) visible_at: Option<u64>,
    /// What the API shows: `lmsId` and others.
    #[serde(flatten)]
    pub(crate) fields: Map<String, Value>,
}

impl LandscapeObject {
    /// A field that is a string.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }
}

/// The properties of a destination; every value is a string.
pub(crate) type Properties = BTreeMap<String, String>;

/// One destination; or one certificate, which the service keeps in the same
/// form, with the properties `Name`, `Type` and `Content`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) properties: Properties,
    pub(crate) labels: Vec<Label>,
    /// Only at instance level, only when the request said so.
    pub(crate) shared_with_subscriber: Option<bool>,
    /// 64 lower-case hex digits that change with every write.
    pub(crate) etag: String,
    /// Milliseconds since 1970.
    pub(crate) modification_time: u64,
    /// A certificate that the service made, and makes anew in time.
    pub(crate) made: Option<Made>,
}

impl Destination {
    /// A destination as it is right after a write at `time`.
    pub(crate) fn new(properties: Properties, time: u64) -> Self {
        let mut content = time.to_string();
        for (key, value) in &properties {
            content.push('\0');
            content.push_str(key);
            content.push('\0');
            content.push_str(value);
        }
        Self {
            properties,
            labels: Vec::new(),
            shared_with_subscriber: None,
            etag: sha256_hex(&content),
            modification_time: time,
            made: None,
        }
    }
}

impl Destination {
    /// Takes a certificate that was made, as a write at `time`.
    pub(crate) fn put(&mut self, made: Made, time: u64) {
        let content = made.content.clone();
        self.properties.insert("Content".to_owned(), content);
        let labels = std::mem::take(&mut self.labels);
        *self = Self::new(std::mem::take(&mut self.properties), time);
        (self.labels, self.made) = (labels, Some(made));
    }
}

/// A label with its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Label {
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

/// The destinations and certificates of one subaccount or one service
/// instance, by name.
#[derive(Debug, Default)]
pub(crate) struct Level {
    pub(crate) destinations: BTreeMap<String, Destination>,
    /// Consumers see them at once.
    pub(crate) certificates: BTreeMap<String, Destination>,
    /// What consumers still see of destinations that changed a moment ago.
    outdated: BTreeMap<String, Outdated>,
}

/// What consumers see until a change has reached them.
#[derive(Debug)]
struct Outdated {
    until: Instant,
    /// Absent when there was no destination of this name.
    destination: Option<Destination>,
}

impl Level {
    /// All of one kind.
    pub(crate) fn all(&self, kind: Kind) -> &BTreeMap<String, Destination> {
        match kind {
            Kind::Destination => &self.destinations,
            Kind::Certificate => &self.certificates,
        }
    }

    /// Writes one; consumers see a destination late.
    pub(crate) fn write(&mut self, kind: Kind, name: String, one: Destination, late: Late) {
        match kind {
            Kind::Destination => self.insert(name, one, late),
            Kind::Certificate => drop(self.certificates.insert(name, one)),
        }
    }

    /// Removes one, see [`Level::write`]; says whether it was there.
    pub(crate) fn erase(&mut self, kind: Kind, name: &str, late: Late) -> bool {
        match kind {
            Kind::Destination => self.remove(name, late),
            Kind::Certificate => self.certificates.remove(name).is_some(),
        }
    }

    /// Writes a destination; consumers see it late.
    pub(crate) fn insert(&mut self, name: String, destination: Destination, late: Late) {
        let before = self.destinations.insert(name.clone(), destination);
        self.remember(name, before, late);
    }

    /// Removes a destination, for consumers late; says whether it was there.
    pub(crate) fn remove(&mut self, name: &str, late: Late) -> bool {
        let before = self.destinations.remove(name);
        let existed = before.is_some();
        if existed {
            self.remember(name.to_owned(), before, late);
        }
        existed
    }

    /// A destination as consumers see it now.
    pub(crate) fn seen_by_consumers(&self, name: &str, now: Instant) -> Option<&Destination> {
        match self.outdated.get(name) {
            Some(old) if now < old.until => old.destination.as_ref(),
            _ => self.destinations.get(name),
        }
    }

    /// Two changes in a row: consumers see the oldest until its time is over.
    fn remember(&mut self, name: String, destination: Option<Destination>, late: Late) {
        let Late { now, until } = late;
        if self.outdated.get(&name).is_some_and(|old| now < old.until) {
            return;
        }
        if now < until {
            self.outdated.insert(name, Outdated { until, destination });
        } else {
            self.outdated.remove(&name);
        }
    }
}

/// When something changes, and when consumers see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Late {
    now: Instant,
    until: Instant,
}

/// What a path of the Destination service is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Destination,
    /// A key store, or certificates in PEM or DER form.
    Certificate,
}

/// On which level a path of the Destination service looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LevelKind {
    Subaccount,
    Instance,
}

/// One client of the token servers: the service instance that keys belong to.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// The certificate of its x509 key.
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) service: Service,
    /// Subdomain of its subaccount.
    pub(crate) subdomain: String,
    pub(crate) xsappname: String,
    /// Name of its key file without `.json`.
    pub(crate) key_file: String,
}

/// The certificate of an x509 key.
#[derive(Clone, Debug)]
pub(crate) struct ClientCertificate {
    pub(crate) der: CertificateDer<'static>,
    /// The chain that the key holds.
    pub(crate) chain_pem: String,
    pub(crate) private_key_pem: String,
    /// When it stops being valid.
    pub(crate) expires: SystemTime,
    /// Whether it is the client's own, whose private key is not in the key.
    pub(crate) is_own: bool,
    /// Whether nothing but this very certificate counts, and not every one of its
    /// subject and issuer.
    pub(crate) is_pinned: bool,
}

impl ClientCertificate {
    /// Whether a client that shows this proves to be the one.
    pub(crate) fn accepts(&self, shown: &CertificateDer<'_>, now: SystemTime) -> bool {
        let is_this = self.der == *shown;
        match self.is_own {
            true => (is_this || !self.is_pinned) && issuing::is_of_the_same(&self.der, shown, now),
            false => is_this && self.expires > now,
        }
    }
}

/// What a client is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// An instance of the Destination service.
    Destination {
        /// The instance's id.
        instance: String,
    },
    OrderManagement,
    CloudAlm,
    JobScheduling,
}

impl Client {
    /// The scopes that it may have.
    pub(crate) fn authorities(&self, knobs: &Knobs) -> Vec<String> {
        let mut scopes = vec!["uaa.resource".to_owned()];
        match self.service {
            Service::OrderManagement if knobs.order_management.scope_granted => {
                let owner = match knobs.order_management.scope_owner {
                    ScopeOwner::Xsappname => self.xsappname.as_str(),
                    ScopeOwner::Master => self.master(),
                };
                scopes.push(format!("{owner}.IntegrationMonitoring"));
            }
            Service::CloudAlm if knobs.cloud_alm.scope_granted => {
                scopes.push(format!("{}.calm-api.landscape.read", self.master()));
            }
            _ => {}
        }
        scopes
    }

    /// The application that its own was cloned from.
    fn master(&self) -> &str {
        self.xsappname
            .split_once('|')
            .map_or(self.xsappname.as_str(), |(_, master)| master)
    }
}

/// What an issued token allows.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) service: Service,
    /// The zone whose token server issued it.
    pub(crate) subdomain: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: Instant,
}

impl Grant {
    /// Whether one of its scopes ends so.
    pub(crate) fn has_scope(&self, suffix: &str) -> bool {
        self.scopes.iter().any(|scope| scope.ends_with(suffix))
    }
}

impl World {
    /// The next time stamp in milliseconds: now, and never the same twice.
    pub(crate) fn next_time(&mut self) -> u64 {
        self.last_time = self.clock.now_ms().max(self.last_time + 1);
        self.last_time
    }

    /// Makes those certificates anew whose time has come. SAP has a job for it,
    /// so that it can be a little later there.
    pub(crate) fn renew_certificates(&mut self) {
        let now = self.clock.date();
        let mut time = self.clock.now_ms().max(self.last_time);
        for subaccount in self.subaccounts.values_mut() {
            let instances = subaccount.instances.values_mut();
            let levels = instances.chain([&mut subaccount.destinations]);
            for one in levels.flat_map(|level| level.certificates.values_mut()) {
                let due = |made: &&Made| made.renewal.is_some_and(|renewal| renewal <= now);
                let renewed = one.made.as_ref().filter(due);
                // What cannot be made is tried again with the next request.
                let renewed = renewed.and_then(|made| made.renewed(&subaccount.id, now).ok());
                if let Some(made) = renewed {
                    time += 1;
                    one.put(made, time);
                }
            }
        }
        self.last_time = time;
    }

    /// Ends every token. The grants stay, expired: the journal can still say
    /// whose token it was.
    pub(crate) fn expire_tokens(&mut self) {
        let now = self.clock.now();
        for grant in self.grants.values_mut() {
            grant.expires = now;
        }
    }

    /// The client with this id.
    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// The grant of a token that is valid now.
    pub(crate) fn grant(&self, token: &str) -> Option<&Grant> {
        let now = self.clock.now();
        self.grants.get(token).filter(|grant| now < grant.expires)
    }

    /// The destinations that a token reaches; none for a token of another service.
    pub(crate) fn level(&mut self, grant: &Grant, kind: LevelKind) -> Option<&mut Level> {
        let Service::Destination { instance } = &grant.service else {
            return None;
        };
        let subaccount = self.subaccounts.get_mut(&grant.subdomain)?;
        Some(match kind {
            LevelKind::Subaccount => &mut subaccount.destinations,
            LevelKind::Instance => subaccount.instances.entry(instance.clone()).or_default(),
        })
    }

    /// When consumers see what changes now.
    pub(crate) fn propagation(&self) -> Late {
        let now = self.clock.now();
        let until = now + Duration::from_millis(self.knobs.destination.propagation_ms);
        Late { now, until }
    }

    /// Adds a subaccount unless it is there.
    pub(crate) fn ensure_subaccount(&mut self, subdomain: &str) {
        self.subaccounts
            .entry(subdomain.to_owned())
            .or_insert_with(|| Subaccount {
                id: stable_id(&format!("subaccount {subdomain}")),
                ..Subaccount::default()
            });
    }
}

/// An id in the form of a UUID that is the same in every run.
pub(crate) fn stable_id(name: &str) -> String {
    let digest = digest::digest(&digest::SHA256, name.as_bytes());
    let mut bytes = [0; 16];
    for (target, source) in bytes.iter_mut().zip(digest.as_ref()) {
        *target = *source;
    }
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// SHA-256 as 64 lower-case hex digits.
pub(crate) fn sha256_hex(content: &str) -> String {
    use std::fmt::Write as _;
    let digest = digest::digest(&digest::SHA256, content.as_bytes());
    digest
        .as_ref()
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(url: &str) -> Destination {
        Destination::new(BTreeMap::from([("URL".to_owned(), url.to_owned())]), 1)
    }

    #[test]
    fn time_never_stands_still() {
        let mut world = World::default();
        let first = world.next_time();
        assert!(world.next_time() > first);
    }

    #[test]
    fn an_etag_is_64_hex_digits_and_changes_with_every_write() {
        let one = Destination::new(Properties::new(), 1);
        let two = Destination::new(Properties::new(), 2);
        assert_eq!(one.etag.len(), 64);
        assert!(
            one.etag
                .bytes()
                .all(|byte| b"0123456789abcdef".contains(&byte))
        );
        assert_ne!(one.etag, two.etag);
    }

    #[test]
    fn consumers_see_a_change_after_the_delay_only() {
        let mut level = Level::default();
        let now = Instant::now();
        let until = now + Duration::from_mins(1);
        let (at_once, late) = (Late { now, until: now }, Late { now, until });
        level.insert("a".to_owned(), destination("old"), at_once);
        level.insert("a".to_owned(), destination("new"), late);
        level.remove("a", late);
        let old = destination("old");
        assert_eq!(level.seen_by_consumers("a", now), Some(&old));
        assert_eq!(level.seen_by_consumers("a", until), None);
    }
}
