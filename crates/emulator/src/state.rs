//! The world as one JSON document, for seeding a scenario and for changes
//! "outside Terraform".
//!
//! ```json
//! { "subaccounts": {
//!     "acme-orders": {
//!       "id": "…",
//!       "destinations": [ { "properties": { "Name": "CloudALM", "Type": "HTTP" },
//!                           "labels": [], "etag": "…", "modification_time": 1788000123456 } ],
//!       "certificates": [ { "properties": { "Name": "a.pem", "Type": "CERTIFICATE", "Content": "…" } } ],
//!       "instances": { "<instance id>": [ … ] },
//!       "instance_certificates": { "<instance id>": [ … ] },
//!       "registration": { "lms_id": "CO_prod_…", "url": "…" },
//!       "jobs": [ { "_id": 1, "name": "a", "active": true, "calmConfig": { "enabled": true } } ],
//!       "landscape": [] },
//!     "acme-calm": { "landscape": [ { "lmsId": "CO_prod_…", "name": "…" } ] } } }
//! ```
//!
//! Everything may be left out. `PUT` replaces: what is left out becomes empty.
//! `PATCH` leaves alone what is left out. A destination or certificate without
//! `etag` and `modification_time` that says the same as the one that is there
//! keeps those, any other gets new ones. `id` can be set, subaccounts are never removed.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::world::{
    Destination, Job, Kind, Label, LandscapeObject, Level, Properties, Registration, Subaccount,
    World,
};

/// The document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// By subdomain.
    subaccounts: BTreeMap<String, SubaccountState>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SubaccountState {
    id: Option<String>,
    destinations: Option<Vec<DestinationState>>,
    certificates: Option<Vec<DestinationState>>,
    instances: Option<BTreeMap<String, Vec<DestinationState>>>,
    instance_certificates: Option<BTreeMap<String, Vec<DestinationState>>>,
    registration: Field<Option<Registration>>,
    landscape: Option<Vec<LandscapeObject>>,
    jobs: Option<Vec<Job>>,
}

/// A field that tells `null` from being left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Field<T> {
    #[default]
    LeftOut,
    Set(T),
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::LeftOut => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Set)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DestinationState {
    properties: Properties,
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shared_with_subscriber: Option<bool>,
    #[serde(default)]
    etag: Option<String>,
    #[serde(default)]
    modification_time: Option<u64>,
}

/// What happens to the parts that a document leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    Emptied,
    Kept,
}

/// The world as a document, secrets included.
pub(crate) fn read(world: &World) -> State {
    let list = |level: &Level, kind| level.all(kind).values().map(describe).collect();
    let subaccounts = world.subaccounts.iter().map(|(subdomain, subaccount)| {
        let instances = |kind| {
            let lists = subaccount.instances.iter();
            let lists = lists.map(|(instance, level)| (instance.clone(), list(level, kind)));
            Some(lists.collect())
        };
        let state = SubaccountState {
            id: Some(subaccount.id.clone()),
            destinations: Some(list(&subaccount.destinations, Kind::Destination)),
            certificates: Some(list(&subaccount.destinations, Kind::Certificate)),
            instances: instances(Kind::Destination),
            instance_certificates: instances(Kind::Certificate),
            registration: Field::Set(subaccount.registration.clone()),
            landscape: Some(subaccount.landscape.clone()),
            jobs: Some(subaccount.jobs.clone()),
        };
        (subdomain.clone(), state)
    });
    State {
        subaccounts: subaccounts.collect(),
    }
}

fn describe(destination: &Destination) -> DestinationState {
    DestinationState {
        properties: destination.properties.clone(),
        labels: destination.labels.clone(),
        shared_with_subscriber: destination.shared_with_subscriber,
        etag: Some(destination.etag.clone()),
        modification_time: Some(destination.modification_time),
    }
}

/// Makes the world what the document says. A destination without a name is an
/// error, and nothing is changed then.
pub(crate) fn write(world: &mut World, state: State, left_out: LeftOut) -> Result<(), String> {
    check(&state)?;
    let mut state = state.subaccounts;
    if left_out == LeftOut::Emptied {
        for subdomain in world.subaccounts.keys() {
            state.entry(subdomain.clone()).or_default();
        }
    }
    for (subdomain, part) in state {
        world.ensure_subaccount(&subdomain);
        // Taken out while it is rebuilt: time stamps need the world.
        let mut subaccount = world.subaccounts.remove(&subdomain).unwrap_or_default();
        rebuild(world, &mut subaccount, part, left_out);
        world.subaccounts.insert(subdomain, subaccount);
    }
    Ok(())
}

fn check(state: &State) -> Result<(), String> {
    for (subdomain, part) in &state.subaccounts {
        let instances = [&part.instances, &part.instance_certificates];
        let instances = instances.into_iter().flatten().flat_map(BTreeMap::values);
        let lists = part.destinations.iter().chain(&part.certificates);
        if lists
            .chain(instances)
            .flatten()
            .any(|it| !it.properties.contains_key("Name"))
        {
            return Err(format!(
                "a destination or certificate of '{subdomain}' has no 'Name'"
            ));
        }
    }
    Ok(())
}

fn rebuild(
    world: &mut World,
    subaccount: &mut Subaccount,
    part: SubaccountState,
    left_out: LeftOut,
) {
    let emptied = left_out == LeftOut::Emptied;
    if let Some(id) = part.id {
        subaccount.id = id;
    }
    for (kind, list) in [
        (Kind::Destination, part.destinations),
        (Kind::Certificate, part.certificates),
    ] {
        if let Some(list) = list.or_else(|| emptied.then(Vec::new)) {
            fill(world, &mut subaccount.destinations, kind, list);
        }
    }
    for (kind, instances) in [
        (Kind::Destination, part.instances),
        (Kind::Certificate, part.instance_certificates),
    ] {
        let mut instances = instances.unwrap_or_default();
        if emptied {
            for instance in subaccount.instances.keys() {
                instances.entry(instance.clone()).or_default();
            }
        }
        for (instance, list) in instances {
            let level = subaccount.instances.entry(instance).or_default();
            fill(world, level, kind, list);
        }
    }
    match part.registration {
        Field::Set(registration) => subaccount.registration = registration,
        Field::LeftOut if emptied => subaccount.registration = None,
        Field::LeftOut => {}
    }
    if let Some(landscape) = part.landscape.or_else(|| emptied.then(Vec::new)) {
        subaccount.landscape = landscape;
    }
    if let Some(jobs) = part.jobs.or_else(|| emptied.then(Vec::new)) {
        subaccount.jobs = jobs;
    }
}

/// Makes the destinations or certificates of a level those of the list.
fn fill(world: &mut World, level: &mut Level, kind: Kind, list: Vec<DestinationState>) {
    let late = world.propagation();
    let wanted: BTreeMap<String, DestinationState> = list
        .into_iter()
        .filter_map(|state| Some((state.properties.get("Name")?.clone(), state)))
        .collect();
    let gone: Vec<String> = level
        .all(kind)
        .keys()
        .filter(|name| !wanted.contains_key(*name))
        .cloned()
        .collect();
    for name in gone {
        level.erase(kind, &name, late);
    }
    for (name, state) in wanted {
        let unchanged = level
            .all(kind)
            .get(&name)
            .filter(|existing| existing.properties == state.properties);
        let mut destination = match unchanged {
            Some(existing) => existing.clone(),
            None => Destination::new(state.properties, world.next_time()),
        };
        destination.labels = state.labels;
        destination.shared_with_subscriber = state.shared_with_subscriber;
        // A changed destination has a new etag, even when the document still
        // holds the one that was read before the change.
        if level
            .all(kind)
            .get(&name)
            .is_none_or(|existing| Some(&existing.etag) != state.etag.as_ref())
        {
            if let Some(etag) = state.etag {
                destination.etag = etag;
            }
            if let Some(time) = state.modification_time {
                destination.modification_time = time;
            }
        }
        level.write(kind, name, destination, late);
    }
}
