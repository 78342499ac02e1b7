//! The promise of the plan, checked after every apply of every test: what
//! changed in SAP's stored object was named in the plan, and what the plan named
//! with known values was written. Property by property, secrets included.
//!
//! It is judged from what the emulator stores and from its journal, with a table
//! of attributes and properties that the tests keep for themselves.
//!
//! Legal exceptions:
//!
//! * An unknown value names a property and says nothing about what it becomes.
//! * A secret that the plan names as written may have had that value before: a
//!   raised version writes it again.
//! * What somebody changed after the refresh, or what a plan without a refresh
//!   could not see: it may stay as it is, or become what the plan says.
//! * After an error not everything needs to be written. What was written needs to
//!   be named all the same.
//! * The same where a fault of the test made up an answer of SAP's.
//! * What another object of the state is, too, may be deleted and stay: it is the
//!   other one's.
//! * A create names every attribute, also where it takes over an object that was
//!   there: what the plan leaves out is taken away.
//! * Where several applies are at work in one world at the same time, nobody can
//!   tell them apart. They are not judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulator::View;
use serde_json::Value as Json;
use terraform_stand_in::hook::{Applied, PostApply};
use terraform_stand_in::state::State;
use terraform_stand_in::value::UNKNOWN;

// -------------------------------------------------------------------- table

const DESTINATION: &str = "sapcalm_destination";
const CERTIFICATE: &str = "sapcalm_destination_certificate";
const REGISTRATION: &str = "sapcalm_registration";

/// Attributes of destinations, the first one also of certificates, and the
/// properties that they are.
const ATTRIBUTES: [(&str, &str); 11] = [
    ("name", "Name"),
    ("type", "Type"),
    ("description", "Description"),
    ("url", "URL"),
    ("proxy_type", "ProxyType"),
    ("authentication", "Authentication"),
    ("client_id", "clientId"),
    ("token_service_url", "tokenServiceURL"),
    ("token_service_url_type", "tokenServiceURLType"),
    ("user", "User"),
    (
        "token_service_key_store_location",
        "tokenService.KeyStoreLocation",
    ),
];

/// The names of secrets that are not SAP's spelling.
const SECRETS: [(&str, &str); 3] = [
    ("client_secret", "clientSecret"),
    ("password", "Password"),
    ("content", "Content"),
];

/// What SAP takes for granted where a property is missing.
const DEFAULTS: [(&str, &str); 1] = [("tokenServiceURLType", "Dedicated")];

/// About a secret that is there, and that Terraform has not written.
const AS_FOUND: &str = "as found";
/// About one that the configuration gives.
const FROM_CONFIGURATION: &str = "from configuration";
/// About one that comes from the provider's key.
const FROM_KEY: &str = "from cloud_alm_service_key";
/// About one that comes from the key of its own.
const FROM_OWN_KEY: &str = "from service_key";

/// Whose properties are compared one by one. Of the others it is judged that no
/// other object changes, and that what is deleted goes.
const JUDGED: [&str; 2] = [DESTINATION, CERTIFICATE];

/// What a state or a plan says about properties at SAP.
#[derive(Debug, Default)]
struct Told {
    lines: BTreeMap<String, Line>,
    /// A map as a whole is unknown: any property may come or go.
    anything: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Line {
    Value(String),
    /// A secret; the text says where it comes from.
    Secret(String),
    Unknown,
    /// Somebody else's, which weakens security.
    Unmanaged,
}

impl Told {
    fn by(type_name: &str, object: &Json) -> Self {
        let mut told = Self::default();
        let attributes = match type_name {
            DESTINATION => &ATTRIBUTES[..],
            _ => &ATTRIBUTES[..1],
        };
        for (attribute, property) in attributes {
            told.line((*property).to_owned(), &object[attribute], Line::Value);
        }
        if type_name == CERTIFICATE && !object.is_null() {
            let kind = Line::Value("CERTIFICATE".to_owned());
            told.lines.insert("Type".to_owned(), kind);
        }
        told.map(&object["properties"], str::to_owned, Line::Value);
        told.map(&object["secrets"], spelled, Line::Secret);
        told.map(&object["labels"], label, Line::Value);
        for name in object["unmanaged_properties"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let property = name.as_str().unwrap().to_owned();
            told.lines.insert(property, Line::Unmanaged);
        }
        told
    }

    fn line(&mut self, property: String, value: &Json, line: fn(String) -> Line) {
        let line = match value {
            Json::Null => return,
            // An empty text and none are the same.
            Json::String(text) if text.is_empty() => return,
            Json::String(text) if text == UNKNOWN => Line::Unknown,
            Json::String(text) => line(text.clone()),
            // The values of a label, which are a set.
            other => line(sorted(other)),
        };
        self.lines.insert(property, line);
    }

    fn map(&mut self, map: &Json, spell: fn(&str) -> String, line: fn(String) -> Line) {
        self.anything |= map == UNKNOWN;
        for (name, value) in map.as_object().into_iter().flatten() {
            self.line(spell(name), value, line);
        }
    }
}

fn spelled(secret: &str) -> String {
    let found = SECRETS.iter().find(|(name, _)| *name == secret);
    found.map_or(secret, |(_, property)| property).to_owned()
}

fn is_attribute(property: &str) -> bool {
    ATTRIBUTES.iter().any(|(_, name)| *name == property)
}

/// A label, as if it were a property.
fn label(key: &str) -> String {
    format!("labels[{key:?}]")
}

fn sorted(values: &Json) -> String {
    let values = values.as_array().into_iter().flatten();
    let values: BTreeSet<String> = values.map(Json::to_string).collect();
    format!("{values:?}")
}

/// The value of a secret as the user wrote it, if he did. What is not write-only
/// is in the plan, as far as `ignore_changes` lets it through.
fn configured(config: &Json, planned: &Json, property: &str) -> Option<String> {
    let text = |value: &Json| value.as_str().map(str::to_owned);
    let (new, old) = (&config["credentials"], &planned["stored_credentials"]);
    let content = &config["content"];
    let own_key = &config["service_key"]["json_wo"];
    match property {
        "clientSecret" if own_key.is_string() => client_secret(own_key),
        "clientSecret" => text(&new["client_secret_wo"]).or_else(|| text(&old["client_secret"])),
        "Password" => text(&new["password_wo"]).or_else(|| text(&old["password"])),
        "Content" if content.is_object() => text(&content["base64_wo"])
            .or_else(|| text(&content["pem_wo"]).map(|pem| STANDARD.encode(pem))),
        _ => text(&new["properties_wo"][property]).or_else(|| text(&old["properties"][property])),
    }
}

/// The secret in the provider's Cloud ALM key.
fn secret_of_key(provider: &Json) -> Option<String> {
    client_secret(&provider["cloud_alm_service_key"])
}

/// The secret in the text of a service key.
fn client_secret(key: &Json) -> Option<String> {
    let key: Json = serde_json::from_str(key.as_str()?).ok()?;
    let secret = key["uaa"]
        .get("clientsecret")
        .or_else(|| key.get("clientsecret"));
    Some(secret?.as_str()?.to_owned())
}

// -------------------------------------------------------------------- judge

/// A stored object as text: properties by name, and labels.
type Properties = BTreeMap<String, String>;

/// One apply of one object, with its properties before and after.
struct Case {
    creates: bool,
    prior: Told,
    planned: Told,
    before: Properties,
    after: Properties,
    failed: bool,
}

impl Case {
    /// Every broken promise. `secret` is the value that is to be written where a
    /// line says so.
    fn faults(&self, secret: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let describe = |property: &String| {
            let fault = self.fault(property, &secret)?;
            let (old, new) = self.lines(property);
            let (was, is) = self.stored(property);
            Some(format!(
                "`{property}` {fault}: planned {old:?} -> {new:?}, at SAP {was:?} -> {is:?}"
            ))
        };
        self.properties().into_iter().filter_map(describe).collect()
    }

    fn properties(&self) -> BTreeSet<&String> {
        let stored = self.before.keys().chain(self.after.keys());
        let told = self.prior.lines.keys().chain(self.planned.lines.keys());
        stored.chain(told).collect()
    }

    fn fault(
        &self,
        property: &str,
        secret: impl Fn(&str) -> Option<String>,
    ) -> Option<&'static str> {
        let (old, new) = self.lines(property);
        let (was, is) = self.stored(property);
        if !self.names(property) {
            let unseen = matches!(old, Some(Line::Value(old)) if Some(old.as_str()) != was);
            let as_planned = matches!(new, Some(Line::Value(new)) if Some(new.as_str()) == is);
            let legal = was == is || (unseen && as_planned);
            return (!legal).then_some("changed and is not in the plan");
        }
        let written = match new {
            _ if self.failed => true,
            None => self.planned.anything || !self.after.contains_key(property),
            Some(Line::Value(value)) => is == Some(value),
            Some(Line::Unmanaged) => is.is_some(),
            Some(Line::Secret(_) | Line::Unknown) => {
                secret(property).is_none_or(|secret| is == Some(&secret))
            }
        };
        (!written).then_some("is not what the plan says")
    }

    /// Whether the plan has a line about a property.
    fn names(&self, property: &str) -> bool {
        let (old, new) = self.lines(property);
        match new {
            Some(Line::Unknown) => true,
            Some(Line::Secret(text)) if text == AS_FOUND => false,
            None if self.planned.anything => true,
            None if self.creates && is_attribute(property) => true,
            new => old != new,
        }
    }

    fn lines(&self, property: &str) -> (Option<&Line>, Option<&Line>) {
        let (prior, planned) = (&self.prior.lines, &self.planned.lines);
        (prior.get(property), planned.get(property))
    }

    fn stored(&self, property: &str) -> (Option<&str>, Option<&str>) {
        let default = DEFAULTS.iter().find(|(name, _)| *name == property);
        let default = default.map(|(_, value)| *value);
        let [was, is] = [&self.before, &self.after].map(|stored| stored.get(property));
        (
            was.map(String::as_str).or(default),
            is.map(String::as_str).or(default),
        )
    }
}

// -------------------------------------------------------------------- store

/// Where something is stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    subaccount: String,
    /// The service instance, or nothing for the subaccount itself.
    instance: Option<String>,
    type_name: &'static str,
    name: String,
}

type Store = BTreeMap<Place, Properties>;

fn store(state: &Json) -> Store {
    let mut store = Store::new();
    for subaccount in state["subaccounts"].as_object().into_iter().flatten() {
        let content = subaccount.1;
        let id = content["id"].as_str().unwrap();
        let mut add = |instance: Option<&String>, type_name, list: &Json| {
            for one in list.as_array().into_iter().flatten() {
                let properties = properties(one);
                let place = Place {
                    subaccount: id.to_owned(),
                    instance: instance.cloned(),
                    type_name,
                    name: properties["Name"].clone(),
                };
                store.insert(place, properties);
            }
        };
        for (type_name, own, instances) in [
            (DESTINATION, "destinations", "instances"),
            (CERTIFICATE, "certificates", "instance_certificates"),
        ] {
            add(None, type_name, &content[own]);
            for (instance, list) in content[instances].as_object().into_iter().flatten() {
                add(Some(instance), type_name, list);
            }
        }
        if !content["registration"].is_null() {
            let place = Place {
                subaccount: id.to_owned(),
                instance: None,
                type_name: REGISTRATION,
                name: String::new(),
            };
            let all = ("all".to_owned(), content["registration"].to_string());
            store.insert(place, [all].into());
        }
    }
    store
}

fn properties(object: &Json) -> Properties {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let properties = object["properties"].as_object().unwrap().iter();
    let labels = object["labels"].as_array().into_iter().flatten();
    properties
        .map(|(name, value)| (name.clone(), text(value)))
        .filter(|(_, value)| !value.is_empty())
        .chain(labels.map(|one| (label(one["key"].as_str().unwrap()), sorted(&one["values"]))))
        .collect()
}

/// Whether what is stored here may be this object of a state or plan.
fn is_of(place: &Place, type_name: &str, object: &Json) -> bool {
    let matches = |attribute: &str, value: &str| {
        let told = object[attribute].as_str();
        told.is_none_or(|told| told == UNKNOWN || told == value)
    };
    let level = match place.instance {
        Some(_) => "instance",
        None => "subaccount",
    };
    place.type_name == type_name
        && (type_name == REGISTRATION
            || matches("name", &place.name)
                && matches("level", level)
                && matches("subaccount_id", &place.subaccount)
                && matches("instance_id", place.instance.as_deref().unwrap_or_default()))
}

/// Whether the state has a second object that is the same one at SAP.
fn is_shared(type_name: &str, object: &Json, state: &State) -> bool {
    let identity = |object: &Json| {
        if type_name == REGISTRATION {
            return object["tenant_id"].as_str().map(str::to_ascii_lowercase);
        }
        let parts = ["id", "subaccount_id", "instance_id"].map(|name| object[name].to_string());
        Some(parts.concat())
    };
    let wanted = identity(object);
    let deposed = state.deposed.iter().map(|(_, instance)| instance);
    let same = state
        .current
        .values()
        .chain(deposed)
        .filter(|one| one.type_name == type_name && identity(&one.json()) == wanted);
    wanted.is_some() && same.count() > 1
}

/// What was stored before and after an apply, and what the journal has of it.
struct Seen {
    before: Store,
    after: Store,
    /// Something was sent to be stored.
    wrote: bool,
    /// A fault of the test answered in SAP's place.
    disturbed: bool,
}

/// Judges one apply in one world.
fn judge(applied: &Applied<'_>, provider: &Json, seen: &Seen) -> Vec<String> {
    let Seen {
        before,
        after,
        wrote,
        disturbed,
    } = seen;
    let (type_name, failed) = (applied.type_name, applied.failed || *disturbed);
    let prior = applied
        .before
        .map_or(Json::Null, |object| object.value.to_json());
    let planned = applied.change.planned.to_json();
    let object = if planned.is_null() { &prior } else { &planned };
    let places: BTreeSet<&Place> = before.keys().chain(after.keys()).collect();
    let (mut own, others): (Vec<&Place>, Vec<&Place>) = places
        .into_iter()
        .partition(|place| is_of(place, type_name, object));
    let changed = |place: &&Place| before.get(*place) != after.get(*place);
    own.sort_by_key(|place| !changed(place));
    let mut faults: Vec<String> = others
        .into_iter()
        .chain(own.iter().copied().skip(1))
        .filter(changed)
        .map(|place| format!("{place:?} changed, which is another object"))
        .collect();
    let own = own.first().copied();
    let there = |store: &Store| own.is_some_and(|place| store.contains_key(place));
    if planned.is_null() {
        let kept = is_shared(type_name, &prior, applied.state);
        if there(after) && !failed && !kept {
            faults.push("it was to be deleted and is there".to_owned());
        }
        return faults;
    }
    if type_name == REGISTRATION {
        let named =
            prior.is_null() || planned["status"] == UNKNOWN || planned["message"] == UNKNOWN;
        if own.is_some_and(|own| changed(&own)) && !named {
            faults.push("it was registered, and the plan does not say so".to_owned());
        }
        // What the landscape did not tell, nobody could plan.
        if !there(after) && !failed && (named || there(before)) {
            faults.push("it is not registered".to_owned());
        }
        return faults;
    }
    if !JUDGED.contains(&type_name) {
        return faults;
    }
    let stored = |store: &Store| {
        own.and_then(|own| store.get(own))
            .cloned()
            .unwrap_or_default()
    };
    let config = applied.config.to_json();
    let saved = applied
        .after
        .map_or(Json::Null, |object| object.value.to_json());
    let saved = Told::by(type_name, &saved);
    let case = Case {
        creates: prior.is_null(),
        prior: Told::by(type_name, &prior),
        planned: Told::by(type_name, &planned),
        before: stored(before),
        after: stored(after),
        failed,
    };
    faults.extend(case.faults(|property| match saved.lines.get(property) {
        Some(Line::Secret(text)) if [FROM_CONFIGURATION, FROM_OWN_KEY].contains(&&text[..]) => {
            configured(&config, &planned, property)
        }
        Some(Line::Secret(text)) if text == FROM_KEY => secret_of_key(provider),
        _ => None,
    }));
    let mut properties = case.properties().into_iter();
    if *wrote && !failed && !properties.any(|property| case.names(property)) {
        faults.push("something was written, and the plan names nothing".to_owned());
    }
    faults
}

// ------------------------------------------------------------------- worlds

/// Every emulator of this process, by host and port.
static WORLDS: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

struct Watched {
    host: String,
    view: View,
    /// How many applies began or ended.
    moves: usize,
}

/// Keeps a world watched until it is dropped.
pub(crate) struct Watch(String);

/// From now on the promise is checked wherever a provider block has keys of this
/// host.
pub(crate) fn watch(host: &str, view: View) -> Watch {
    let watched = Watched {
        host: host.to_owned(),
        view,
        moves: 0,
    };
    // The path follows in every key, so that one port is not taken for another.
    WORLDS.lock().unwrap().push(watched);
    Watch(host.to_owned())
}

impl Drop for Watch {
    fn drop(&mut self) {
        WORLDS.lock().unwrap().retain(|world| world.host != self.0);
    }
}

/// The hook of every [`Core`](super::core::Core).
pub(crate) fn pre_apply(provider: &Json) -> Option<Box<PostApply>> {
    let (host, view, moves) = moved(|world| provider.to_string().contains(&world.host))?;
    let before = store(&stored_in(&view));
    let asked = view.journal().len();
    let provider = provider.clone();
    Some(Box::new(move |applied| {
        let Some((_, _, now)) = moved(|world| world.host == host) else {
            return Ok(());
        };
        if now != moves + 1 {
            return Ok(());
        }
        let journal = view.journal();
        // Some tests forget the journal, never in the middle of an apply.
        let entries = journal.get(asked..).unwrap_or_default();
        let seen = Seen {
            before,
            after: store(&stored_in(&view)),
            wrote: entries.iter().any(is_write),
            disturbed: entries.iter().any(|entry| entry.fault),
        };
        match judge(applied, &provider, &seen).as_slice() {
            [] => Ok(()),
            faults => Err(faults.join("\n")),
        }
    }))
}

/// Notes that an apply in a world begins or ends.
fn moved(is_meant: impl Fn(&Watched) -> bool) -> Option<(String, View, usize)> {
    let mut worlds = WORLDS.lock().unwrap();
    let world = worlds.iter_mut().find(|world| is_meant(world))?;
    world.moves += 1;
    Some((world.host.clone(), world.view.clone(), world.moves))
}

fn stored_in(view: &View) -> Json {
    serde_json::to_value(view.state()).unwrap()
}

/// A request to the Destination service that changes something.
fn is_write(entry: &emulator::Entry) -> bool {
    entry.method != "GET" && entry.path.starts_with("/destination-configuration/")
}

// --------------------------------------------------------------------- tests

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The faults of an update: what the state and the plan say, and what SAP
    /// stores before and after. The secret to be written is `new`.
    fn faults(told: [Json; 2], stored: [Json; 2]) -> Vec<String> {
        let [prior, planned] = told.map(|object| Told::by(DESTINATION, &object));
        let [before, after] = stored.map(|found| properties(&json!({ "properties": found })));
        let case = Case {
            creates: false,
            prior,
            planned,
            before,
            after,
            failed: false,
        };
        case.faults(|property| {
            let is_secret = ["Password", "clientSecret"].contains(&property);
            is_secret.then(|| "new".to_owned())
        })
    }

    #[test]
    fn a_change_that_the_plan_names_is_no_fault() {
        let told = [
            json!({ "url": "a", "properties": { "x": "1", "y": "1" }, "unmanaged_properties": ["TrustAll"],
                    "secrets": { "password": "from configuration", "client_secret": "as found", "z": "as found" } }),
            json!({ "url": "b", "properties": { "x": "2" }, "description": UNKNOWN,
                    "secrets": { "password": UNKNOWN, "client_secret": "from configuration" } }),
        ];
        let stored = [
            json!({ "URL": "a", "x": "1", "y": "1", "TrustAll": "true", "Password": "old", "clientSecret": "old", "z": "z", "else": "e" }),
            json!({ "URL": "b", "x": "2", "Description": "any", "Password": "new", "clientSecret": "new", "else": "e" }),
        ];
        assert_eq!(faults(told, stored), Vec::<String>::new());
    }

    #[test]
    fn every_difference_between_plan_and_effect_is_a_fault() {
        let secret = |text: &str| json!({ "secrets": { "password": text } });
        let with = |name: &str, value: &str| json!({ "properties": { name: value } });
        let cases = [
            (
                "written without a line",
                [json!({}), json!({})],
                [json!({}), json!({ "x": "1" })],
            ),
            (
                "removed without a line",
                [json!({}), json!({})],
                [json!({ "x": "1" }), json!({})],
            ),
            (
                "named and not written",
                [with("x", "1"), with("x", "2")],
                [json!({ "x": "1" }), json!({ "x": "1" })],
            ),
            (
                "named as removed and still there",
                [with("x", "1"), json!({ "properties": {} })],
                [json!({ "x": "1" }), json!({ "x": "1" })],
            ),
            (
                "somebody else's, named as removed and still there",
                [json!({ "unmanaged_properties": ["TrustAll"] }), json!({})],
                [json!({ "TrustAll": "true" }), json!({ "TrustAll": "true" })],
            ),
            (
                "a secret written without a line",
                [secret("from configuration"), secret("from configuration")],
                [json!({ "Password": "old" }), json!({ "Password": "new" })],
            ),
            (
                "a secret named as found and written",
                [json!({}), secret("as found")],
                [json!({ "Password": "old" }), json!({ "Password": "new" })],
            ),
            (
                "a secret named and not written",
                [secret("as found"), secret("from configuration")],
                [json!({ "Password": "old" }), json!({ "Password": "old" })],
            ),
            (
                "a secret named as removed and still there",
                [secret("from configuration"), json!({ "secrets": {} })],
                [json!({ "Password": "old" }), json!({ "Password": "old" })],
            ),
        ];
        for (name, told, stored) in cases {
            assert_eq!(faults(told, stored).len(), 1, "{name}");
        }
    }

    #[test]
    fn what_the_plan_could_not_see_may_stay_or_become_what_it_says() {
        let told = || [json!({ "url": "a" }), json!({ "url": "a" })];
        let edited = || json!({ "URL": "edited" });
        assert!(faults(told(), [edited(), edited()]).is_empty());
        assert!(faults(told(), [edited(), json!({ "URL": "a" })]).is_empty());
        assert_eq!(faults(told(), [edited(), json!({ "URL": "c" })]).len(), 1);
    }
}
