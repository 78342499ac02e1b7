//! The plan of `sapcalm_destination`, and the decision that apply carries out.
//!
//! Asks no server and has no clock: the same configuration, state and private
//! data always give the same plan. Whatever apply will change at SAP shows
//! here under a name: secrets in `secrets`, foreign properties that go in
//! `unmanaged_properties`. Whatever stays keeps its prior value.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use framework::diagnostics::{Diagnostic, Diagnostics, Severity};
use framework::path::Path;
use framework::plan::{Action, Plan};
use framework::value::Value;

use super::super::configured::Configured;
use super::super::destination_service::plan_identity;
use super::super::destination_service::secret::text;
use super::credentials::{Credentials, SECRET_OBJECTS};
use super::record::{Origin, Record};
use super::rules;
use super::source::Source;
use super::vocabulary::{
    CLIENT_SECRET, HTTP, PASSWORD, TYPED, authentication, belongs_to_authentication,
    default_authentication, default_proxy_type, default_token_service_url_type, needs_password,
    secret_key, secret_name, security_concern,
};

/// What a plan decided, beyond its values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Decision {
    /// Whether an update has to look at SAP at all: not where only switches or
    /// timeouts change.
    pub(super) sends: bool,
    /// The service key that `url`, `client_id` and `token_service_url` come
    /// from.
    pub(super) key: Option<Origin>,
    /// `properties` is configured.
    pub(super) owns_properties: bool,
    /// The secrets to write, by SAP's names.
    pub(super) write: BTreeMap<String, Origin>,
    /// The secrets and further properties to remove, by SAP's names. Of an object
    /// that is taken over while it is created, with `properties`, all that they do
    /// not name.
    pub(super) remove: BTreeSet<String>,
}

impl Decision {
    /// Whether a secret of the Cloud ALM key is written to one of these
    /// properties.
    pub(super) fn writes_key(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        let mut written = self.write.iter();
        written.any(|(key, origin)| *origin == Origin::CloudAlmKey && is_meant(key))
    }
}

/// Refines the framework's plan.
pub(super) fn refine(provider: Option<&Configured>, plan: &mut Plan) -> Decision {
    if plan.action() == Action::Delete {
        return Decision::default();
    }
    plan_identity(provider, plan);
    defaults(plan);
    let record = Record::load(&plan.private);
    let source = Source::of(provider, plan, &record);
    source.plan(plan);
    if plan.diagnostics.has_errors() {
        return Decision::default();
    }
    if !source.may_have_no_name() && is_new(plan) && plan.config("name").is_null() {
        plan.report(rules::missing_name());
    }
    let remove = properties(plan, &record);
    unfit(plan);
    if plan.diagnostics.has_errors() {
        return Decision::default();
    }
    let mut decision = Decision {
        key: match &source {
            Source::Key(values) => Some(values.origin),
            Source::Configuration => None,
            _ => record.key,
        },
        owns_properties: !plan.config("properties").is_null(),
        remove,
        ..Decision::default()
    };
    let (secrets, messages) = Secrets::of(plan, &source, &record).decide(&mut decision);
    plan.set("secrets", secrets);
    for message in messages {
        plan.report(message);
    }
    decision.sends = is_new(plan) || sends(plan, &decision);
    if !plan.diagnostics.has_errors() && lacks_password(plan) {
        plan.report(rules::missing_password(plan.planned("authentication")));
    }
    decision
}

/// Whether an authentication begins that needs a password, and nobody gives one.
/// What a destination has that is there already, SAP may not tell.
fn lacks_password(plan: &Plan) -> bool {
    let begins = is_new(plan) || plan.changes("authentication");
    let adopts = plan.config("adopt_existing");
    let may_be_there = adopts.is_unknown() || adopts.as_bool() == Some(true);
    let is_needed = plan.planned("type").as_str() == Some(HTTP)
        && plan
            .planned("authentication")
            .as_str()
            .is_some_and(needs_password);
    let secrets = plan.planned("secrets");
    let is_given = secrets.is_unknown()
        || secrets
            .entries()
            .is_some_and(|entries| entries.contains_key(secret_name(PASSWORD)));
    begins && !may_be_there && is_needed && !is_given
}

/// What does not fit is an error where this plan brings it about. What is there
/// already is a warning, so that it never stops an import.
fn unfit(plan: &mut Plan) {
    let (_, planned, prior) = plan.objects();
    let before = match is_new(plan) {
        true => Diagnostics::new(),
        false => rules::unfit(prior),
    };
    for mut problem in rules::unfit(planned) {
        if before.iter().any(|one| *one == problem) {
            problem.severity = Severity::Warning;
        }
        plan.report(problem);
    }
}

/// Whether what is planned is a new object, perhaps in the place of another.
fn is_new(plan: &Plan) -> bool {
    plan.action() == Action::Create || plan.replaces()
}

/// The prior value of an attribute; null where a new object is planned.
fn prior<'a>(plan: &'a Plan, name: &str) -> &'a Value {
    if is_new(plan) {
        &Value::Null
    } else {
        plan.prior(name)
    }
}

/// What is configured by leaving it out depends on type and authentication.
fn defaults(plan: &mut Plan) {
    let type_ = or_default(plan, "type", Value::string(HTTP));
    let authentication = or_default(
        plan,
        "authentication",
        default_for(&[&type_], || default_authentication(type_.as_str()?)),
    );
    let known = [&type_, &authentication];
    let auth = authentication.as_str();
    let proxy = default_for(&known, || default_proxy_type(type_.as_str()?, auth));
    or_default(plan, "proxy_type", proxy);
    let token = default_for(&known, || {
        default_token_service_url_type(type_.as_str()?, auth)
    });
    or_default(plan, "token_service_url_type", token);
}

/// A default that depends on other values, which can be unknown.
fn default_for(others: &[&Value], default: impl Fn() -> Option<&'static str>) -> Value {
    if others.iter().any(|other| other.is_unknown()) {
        return Value::Unknown;
    }
    default().map_or(Value::Null, Value::string)
}

/// Plans the default where nothing is configured, and returns what is planned.
fn or_default(plan: &mut Plan, name: &'static str, default: Value) -> Value {
    if plan.config(name).is_null() {
        plan.set(name, default);
    }
    plan.planned(name).clone()
}

/// Whether an update may send a request. What is not known yet counts as a
/// difference.
fn sends(plan: &Plan, decision: &Decision) -> bool {
    TYPED
        .iter()
        .any(|property| plan.changes(property.attribute))
        || ["properties", "labels", "secrets", "unmanaged_properties"]
            .iter()
            .any(|name| plan.changes(name))
        || !decision.write.is_empty()
}

// ------------------------------------------------------- further properties

/// Plans `properties`, `allow_unmanaged` and `unmanaged_properties`; returns
/// the names of what goes.
fn properties(plan: &mut Plan, record: &Record) -> BTreeSet<String> {
    let is_new = is_new(plan);
    let is_set = !plan.config("properties").is_null();
    if !is_set {
        // What an import found was never configured: nobody took it out.
        let stays = !is_new && !record.owns_properties;
        let value = if stays {
            plan.prior("properties").clone()
        } else {
            Value::Null
        };
        plan.set("properties", value);
    }
    let adopts = plan.config("adopt_existing");
    let adopts = is_new && !is_set && !(adopts.is_null() || adopts.as_bool() == Some(false));
    if plan.config("allow_unmanaged").is_null() {
        let value = match (is_new, adopts) {
            (false, _) => plan.prior("allow_unmanaged").clone(),
            (true, true) => Value::Unknown,
            (true, false) => Value::Null,
        };
        plan.set("allow_unmanaged", value);
    }
    if is_new {
        let value = if adopts { Value::Unknown } else { Value::Null };
        plan.set("unmanaged_properties", value);
        return BTreeSet::new();
    }
    unmanaged(plan, is_set)
}

/// What becomes of properties that are there, and that the state knows.
fn unmanaged(plan: &mut Plan, is_set: bool) -> BTreeSet<String> {
    let secrets = Credentials::of(plan.objects().0);
    let keys = |value: &Value| -> BTreeSet<String> {
        let keys = value.entries().map(|entries| entries.keys().cloned());
        keys.into_iter().flatten().collect()
    };
    let planned = keys(plan.planned("properties"));
    let is_managed = |name: &str| planned.contains(name) || secrets.values.contains_key(name);
    let names: Vec<String> = texts(plan.prior("unmanaged_properties"))
        .map(str::to_owned)
        .collect();
    let open = [plan.planned("properties"), plan.planned("allow_unmanaged")];
    let is_open = open.iter().any(|value| value.is_unknown()) || secrets.is_open;
    let allowed: BTreeSet<&str> = texts(plan.planned("allow_unmanaged")).collect();
    let goes = |name: &str| {
        !is_managed(name) && !allowed.contains(name) && (is_set || security_concern(name).is_some())
    };
    let mut removed: BTreeSet<String> = names.iter().filter(|name| goes(name)).cloned().collect();
    let rest: Vec<Value> = names
        .iter()
        .filter(|name| !is_managed(name) && !goes(name))
        .map(Value::string)
        .collect();
    let rest = match rest.is_empty() {
        _ if is_open && !names.is_empty() => Value::Unknown,
        true => Value::Null,
        false => Value::List(rest),
    };
    let warning = (!removed.is_empty() && !is_open).then(|| removal(&removed, is_set));
    let gone = keys(plan.prior("properties")).into_iter();
    removed.extend(gone.filter(|name| !is_managed(name)));
    plan.set("unmanaged_properties", rest);
    if let Some(warning) = warning {
        plan.report(warning);
    }
    removed
}

/// Their values are not in the state, so the plan shows them by name only.
fn removal(names: &BTreeSet<String>, is_set: bool) -> Diagnostic {
    let listed = names.iter().map(|name| match security_concern(name) {
        Some(concern) => format!("* `{name}`: {}", concern.effect),
        None => format!("* `{name}`"),
    });
    let why = if is_set {
        "`properties` is the complete set of further properties, and the destination has others."
    } else {
        "Somebody added properties to the destination that weaken its security."
    };
    Diagnostic::warning(
        "Properties will be removed",
        format!(
            "{why} This apply removes them:\n\n{}\n\n\
             To keep one, name it in `allow_unmanaged`, or give it its value in `properties` (in \
             `properties_wo` of `credentials`, where it is secret).",
            listed.collect::<Vec<_>>().join("\n")
        ),
    )
    .at(Path::attribute("unmanaged_properties"))
}

/// The known texts of a list or set.
fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.items()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
}

// ------------------------------------------------------------------- secrets

/// What becomes of one secret.
enum Fate {
    /// Its entry stays as it is: nothing is written.
    Keep,
    /// It is written.
    Write(Origin),
    /// It is deleted.
    Delete,
    /// Whether it is written is not known yet; its entry stays in any case.
    Open,
    /// Whether there will be an entry is not known yet.
    Undecided,
}

/// What is known about the secrets while planning.
struct Secrets<'a> {
    source: &'a Source,
    record: &'a Record,
    configured: Credentials<'a>,
    /// The entries of the state, by SAP's names.
    before: BTreeMap<String, String>,
    /// Both objects were taken out.
    are_taken_out: bool,
    /// The configured version; null where there is none.
    version: &'a Value,
    /// It is another one than in the state.
    is_new_version: bool,
    /// As planned.
    authentication: &'a Value,
    /// The key may give its secret to where the destination leads.
    leads_to_key: bool,
}

impl<'a> Secrets<'a> {
    fn of(plan: &'a Plan, source: &'a Source, record: &'a Record) -> Self {
        let (config, ..) = plan.objects();
        let configured = Credentials::of(config);
        let had = SECRET_OBJECTS
            .iter()
            .any(|(name, _)| !prior(plan, name).is_null());
        let version = config.get("credentials").get("version");
        let before = prior(plan, "secrets").entries().into_iter().flatten();
        Self {
            source,
            record,
            are_taken_out: had && configured.is_absent,
            configured,
            before: before
                .map(|(name, text)| {
                    let text = text.as_str().unwrap_or_default();
                    (secret_key(name).to_owned(), text.to_owned())
                })
                .collect(),
            version,
            is_new_version: !version.same(prior(plan, "credentials").get("version")),
            authentication: plan.planned("authentication"),
            leads_to_key: match source {
                Source::Key(values) => {
                    values.lead_to(plan.planned("url"), plan.planned("token_service_url"))
                }
                _ => false,
            },
        }
    }

    /// What `secrets` is planned to be, with messages; and what is to be done.
    fn decide(self, decision: &mut Decision) -> (Value, Vec<Diagnostic>) {
        let mut planned = BTreeMap::new();
        let mut is_open = self.configured.is_open;
        let mut messages = Vec::new();
        for key in self.keys() {
            let before = self.before.get(&key);
            let value = match self.fate(&key) {
                Fate::Keep => before.map(Value::string),
                Fate::Delete => {
                    decision.remove.insert(key.clone());
                    None
                }
                Fate::Write(origin) => {
                    decision.write.insert(key.clone(), origin);
                    let is_same = before.is_some_and(|before| before == origin.text());
                    if is_same {
                        messages.push(self.new_value(&key, origin));
                    }
                    // The text stays, and something happens: Terraform would
                    // not call apply.
                    Some(if is_same {
                        Value::Unknown
                    } else {
                        Value::string(origin.text())
                    })
                }
                Fate::Open => Some(Value::Unknown),
                Fate::Undecided => {
                    is_open = true;
                    None
                }
            };
            if let Some(value) = value {
                planned.insert(secret_name(&key).to_owned(), value);
            }
        }
        messages.extend(self.not_sent());
        messages.extend(self.is_empty_version().then(version_without_secret));
        let secrets = match planned.is_empty() {
            _ if is_open => Value::Unknown,
            true => Value::Null,
            false => Value::Map(planned),
        };
        (secrets, messages)
    }

    /// Every secret that there is or that there will be.
    fn keys(&self) -> BTreeSet<String> {
        let from_key = !matches!(self.source, Source::Configuration | Source::Kept);
        let configured = self.configured.values.keys().map(|key| (*key).to_owned());
        let before = self.before.keys().cloned();
        let from_key = from_key.then(|| CLIENT_SECRET.to_owned());
        configured.chain(before).chain(from_key).collect()
    }

    fn fate(&self, key: &str) -> Fate {
        let before = self.before.get(key).map(String::as_str);
        let is_ours = before.is_some_and(|before| before != text::FOUND);
        match self.is_of_no_use(key) {
            None if is_ours => return Fate::Undecided,
            Some(true) if is_ours => return Fate::Delete,
            _ => {}
        }
        if let Some(value) = self.configured.values.get(key) {
            return self.fate_of_configured(key, value, before);
        }
        if key == CLIENT_SECRET {
            match self.source {
                Source::Key(values) => {
                    let secret = values.client_secret.expose_secret();
                    let is_there = before.is_some_and(|before| {
                        [values.origin.text(), text::NOT_TOLD, text::FOUND].contains(&before)
                    });
                    let is_written = is_there && self.record.confirms(key, secret);
                    return if is_written || !self.leads_to_key {
                        Fate::Keep
                    } else {
                        Fate::Write(values.origin)
                    };
                }
                Source::UnknownKey(_) if before.is_some() => return Fate::Open,
                Source::UnknownKey(origin) => return Fate::Write(*origin),
                Source::Undecided => return Fate::Undecided,
                Source::Kept => return Fate::Keep,
                // Its destination leads elsewhere now.
                Source::Configuration if self.record.key.is_some() && is_ours => {
                    return Fate::Delete;
                }
                Source::Configuration | Source::Broken(_) => {}
            }
        }
        if self.configured.is_open && is_ours {
            Fate::Undecided
        } else if self.are_taken_out && is_ours {
            Fate::Delete
        } else {
            Fate::Keep
        }
    }

    fn fate_of_configured(&self, key: &str, value: &Value, before: Option<&str>) -> Fate {
        let write = match (before, value.as_str()) {
            (_, Some(_)) => Fate::Write(Origin::Configuration),
            // It can turn out to be null.
            (Some(_), None) => Fate::Open,
            (None, None) => Fate::Undecided,
        };
        let is_current = before.is_some_and(|before| {
            [text::CONFIGURATION, text::NOT_TOLD, text::FOUND].contains(&before)
        });
        let has_version = !self.version.is_null();
        let is_written = || match value.as_str() {
            _ if has_version => !self.is_new_version,
            Some(secret) => self.record.confirms(key, secret),
            None => false,
        };
        match self.version {
            Value::Unknown if is_current => Fate::Open,
            _ if is_current && is_written() => Fate::Keep,
            _ => write,
        }
    }

    /// Whether the planned authentication has no such secret. `None` while
    /// that is not known.
    fn is_of_no_use(&self, key: &str) -> Option<bool> {
        if !belongs_to_authentication(key) {
            return Some(false);
        }
        match self.authentication {
            Value::Unknown => None,
            Value::String(name) => Some(authentication(name).is_some_and(|kind| !kind.uses(key))),
            _ => Some(true),
        }
    }

    /// A version says that secrets are new, and there is none.
    fn is_empty_version(&self) -> bool {
        self.is_new_version
            && !self.version.is_null()
            && !self.version.is_unknown()
            && !self.configured.is_open
            && self.configured.values.is_empty()
    }

    /// Why a secret is written although its entry looks the same.
    fn new_value(&self, key: &str, origin: Origin) -> Diagnostic {
        let name = secret_name(key);
        let why = match origin {
            Origin::CloudAlmKey => "The Cloud ALM service key has another client secret now.",
            Origin::ServiceKey => "The key in `service_key` has another client secret now.",
            Origin::Configuration if !self.version.is_null() => {
                "The `version` in `credentials` is another one."
            }
            Origin::Configuration => "The configured value is not the one that was written last.",
        };
        Diagnostic::warning(
            "Secret will be written",
            format!("{why} This apply writes `{name}` of the destination."),
        )
        .at(Path::attribute("secrets"))
    }

    /// A secret that is not what it should be, and stays so.
    fn not_sent(&self) -> Option<Diagnostic> {
        let entry = self.before.get(CLIENT_SECRET)?;
        let is_old = [text::CHANGED, text::EARLIER_KEY].contains(&entry.as_str());
        let is_kept = match self.source {
            Source::Key(_) => !self.leads_to_key,
            Source::Kept => self.record.key.is_some(),
            _ => false,
        };
        (is_old && is_kept && !self.configured.values.contains_key(CLIENT_SECRET)).then(|| {
            Diagnostic::warning(
                "Client secret not written",
                format!(
                    "`client_secret` of the destination is `{entry}`, and it stays so: the \
                     destination does not lead to the hosts of its service key (a change is \
                     ignored), or there is no such key now. The key's secret is written only where \
                     `url` and `token_service_url` are those of the key."
                ),
            )
            .at(Path::attribute("secrets"))
        })
    }
}

fn version_without_secret() -> Diagnostic {
    Diagnostic::error(
        "Version without secret",
        "`version` in `credentials` says that the secrets are new, but all of them are null. An \
         empty variable never deletes a secret. Give `credentials` a value, or leave `version` as \
         it was.",
    )
    .at(Path::attribute("credentials").then("version"))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::super::attributes::object_with;
    use super::super::super::configured::Key;
    use super::super::super::destination_service::secret::Remembered;
    use super::super::Destination;
    use super::super::schema::DEFINITION;
    use super::super::source::FROM_KEY;
    use super::*;
    use client::{Client, CloudAlmKey, Config, DestinationKey, KeyKind};
    use framework::plan::{Change, Planned};
    use framework::private::Private;
    use framework::resource::DynResource;

    const KEY: &str = r#"{
        "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
        "uaa": { "clientid": "sb-calm", "clientsecret": "key-secret", "url": "https://acme-calm.auth" }
    }"#;

    const DESTINATION_KEY: &str = r#"{"clientid":"c","clientsecret":"s","uri":"https://d.example","url":"https://zone.example"}"#;

    /// A provider with a Destination key, and what is known about the Cloud ALM
    /// key.
    fn provider(key: Key) -> Configured {
        let config = Config {
            destination_key: Some(DestinationKey::parse(DESTINATION_KEY).unwrap()),
            cloud_alm_key: (key == Key::Known).then(|| CloudAlmKey::parse(KEY).unwrap()),
            ..Config::default()
        };
        let unknown = (key == Key::Unknown).then_some((KeyKind::CloudAlm, "cloud_alm_service_key"));
        Configured::new(Client::new(config).unwrap(), unknown.into_iter().collect())
    }

    fn text(text: &str) -> Value {
        Value::string(text)
    }

    fn list(items: &[&str]) -> Value {
        Value::List(items.iter().map(|item| text(item)).collect())
    }

    fn set(items: &[&str]) -> Value {
        Value::Set(items.iter().map(|item| text(item)).collect())
    }

    fn entries(entries: &[(&str, Value)]) -> BTreeMap<String, Value> {
        let owned = |(key, value): &(&str, Value)| ((*key).to_owned(), value.clone());
        entries.iter().map(owned).collect()
    }

    fn map(given: &[(&str, Value)]) -> Value {
        Value::Map(entries(given))
    }

    fn number(number: i64) -> Value {
        Value::Number(number.into())
    }

    fn object(given: &[(&str, Value)]) -> Value {
        object_with(DEFINITION.schema, given)
    }

    fn with(base: &Value, given: &[(&str, Value)]) -> Value {
        let mut object = base.entries().unwrap().clone();
        for (name, value) in given {
            assert!(
                object.insert((*name).to_owned(), value.clone()).is_some(),
                "{name}"
            );
        }
        Value::Object(object)
    }

    /// The nested object with secrets.
    fn credentials(given: &[(&str, Value)]) -> (&'static str, Value) {
        let names = [
            "client_secret_wo",
            "password_wo",
            "properties_wo",
            "version",
        ];
        let mut members = entries(&names.map(|name| (name, Value::Null)));
        members.extend(entries(given));
        assert_eq!(members.len(), names.len(), "an unknown member");
        ("credentials", Value::Object(members))
    }

    fn stored(given: &[(&str, Value)]) -> (&'static str, Value) {
        let mut members =
            entries(&["client_secret", "password", "properties"].map(|name| (name, Value::Null)));
        members.extend(entries(given));
        ("stored_credentials", Value::Object(members))
    }

    fn secrets(given: &[(&str, &str)]) -> (&'static str, Value) {
        let given: Vec<_> = given.iter().map(|(name, is)| (*name, text(is))).collect();
        ("secrets", map(&given))
    }

    /// The state of a basic destination.
    fn state() -> Value {
        object(&[
            ("name", text("d")),
            ("level", text("subaccount")),
            ("type", text("HTTP")),
            ("url", text("https://a")),
            ("proxy_type", text("Internet")),
            ("authentication", text("BasicAuthentication")),
            ("user", text("u")),
            ("id", text("subaccount/d")),
            ("subaccount_id", text("s")),
        ])
    }

    fn config(given: &[(&str, Value)]) -> Value {
        let base = object(&[
            ("name", text("d")),
            ("url", text("https://a")),
            ("authentication", text("BasicAuthentication")),
            ("user", text("u")),
        ]);
        with(&base, given)
    }

    /// The state of a destination that came from the key.
    fn keyed_state() -> Value {
        with(
            &state(),
            &[
                ("name", text("CloudALM")),
                ("id", text("subaccount/CloudALM")),
                ("authentication", text("OAuth2ClientCredentials")),
                ("url", text("https://eu10.alm.cloud.sap/api")),
                ("client_id", text("sb-calm")),
                (
                    "token_service_url",
                    text("https://acme-calm.auth/oauth/token"),
                ),
                ("token_service_url_type", text("Dedicated")),
                ("user", Value::Null),
                secrets(&[("client_secret", text::CLOUD_ALM_KEY)]),
            ],
        )
    }

    fn record(given: &[(&str, &str)]) -> Record {
        let mut record = Record::default();
        for (key, secret) in given {
            record.remember(key, secret, Remembered::new).unwrap();
        }
        record
    }

    fn keyed(secret: &str) -> Record {
        Record {
            key: Some(Origin::CloudAlmKey),
            ..record(&[(CLIENT_SECRET, secret)])
        }
    }

    fn planned(key: Key, config: &Value, prior: &Value, record: &Record) -> (Planned, Decision) {
        let provider = provider(key);
        let change = || Change {
            config: config.clone(),
            prior: prior.clone(),
            private: record.store(),
        };
        let mut first = DynResource::plan(&Destination, Some(&provider), change());
        let second = DynResource::plan(&Destination, Some(&provider), change());
        assert!(first.state.same(&second.state), "planning is deterministic");
        let decision = serde_json::from_value(first.private.take_decision());
        let record_after = Record::load(&first.private);
        if !prior.is_null() {
            assert_eq!(&record_after, record, "a plan changes no record");
        }
        (first, decision.unwrap_or_default())
    }

    fn fine(key: Key, config: &Value, prior: &Value, record: &Record) -> (Planned, Decision) {
        let (planned, decision) = planned(key, config, prior, record);
        assert!(
            !planned.diagnostics.has_errors(),
            "{:#?}",
            planned.diagnostics
        );
        (planned, decision)
    }

    fn warnings(planned: &Planned) -> Vec<&str> {
        planned
            .diagnostics
            .iter()
            .map(|one| one.summary.as_ref())
            .collect()
    }

    /// A map as one text: `name=text`, with `?` for what is not known.
    fn shown(value: &Value) -> String {
        let Some(entries) = value.entries() else {
            return if value.is_unknown() { "?" } else { "" }.to_owned();
        };
        let mut shown = String::new();
        for (name, value) in entries {
            let value = value.as_str().unwrap_or("?");
            let _ = write!(
                shown,
                "{}{name}={value}",
                if shown.is_empty() { "" } else { ", " }
            );
        }
        shown
    }

    #[test]
    fn an_unchanged_configuration_plans_nothing_and_sends_nothing() {
        let (planned, decision) = fine(Key::Absent, &config(&[]), &state(), &Record::default());
        assert!(planned.state.same(&state()));
        assert!(!decision.sends);
    }

    #[test]
    fn what_an_update_sends() {
        let open = ("unmanaged_properties", list(&["mine"]));
        let rows = [
            ("a property", vec![("description", text("d"))], vec![], true),
            (
                "a property that left",
                vec![],
                vec![("description", text("s"))],
                true,
            ),
            (
                "an unknown property",
                vec![("user", Value::Unknown)],
                vec![],
                true,
            ),
            ("labels", vec![("labels", map(&[]))], vec![], true),
            (
                "a switch",
                vec![("check_token", Value::Bool(true))],
                vec![],
                false,
            ),
            (
                "another switch",
                vec![("adopt_existing", Value::Bool(true))],
                vec![],
                false,
            ),
            ("unmanaged properties", vec![], vec![open.clone()], false),
            (
                "a complete set",
                vec![("properties", map(&[]))],
                vec![open],
                true,
            ),
        ];
        for (name, configured, before, sends) in rows {
            let prior = with(&state(), &before);
            let (_, decision) = fine(
                Key::Absent,
                &config(&configured),
                &prior,
                &Record::default(),
            );
            assert_eq!(decision.sends, sends, "{name}");
        }
    }

    const PASSWORD: &str = "Password";

    /// What a plan says about the password, and what it decides.
    fn password(configured: &[(&str, Value)], before: &[(&str, Value)], record: &Record) -> String {
        let prior = with(&state(), before);
        let (planned, decision) = fine(Key::Absent, &config(configured), &prior, record);
        let what = match (
            decision.write.get(PASSWORD),
            decision.remove.contains(PASSWORD),
        ) {
            (Some(_), false) => "written",
            (None, true) => "deleted",
            (None, false) => "kept",
            (Some(_), true) => "both",
        };
        format!("{} / {what}", shown(planned.state.get("secrets")))
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "one table")]
    fn a_secret_that_is_written_is_named_and_no_other_is() {
        let wo = |secret: &str| credentials(&[("password_wo", text(secret))]);
        let versioned = |secret: Value, version: i64| {
            credentials(&[("password_wo", secret), ("version", number(version))])
        };
        let null = || credentials(&[]);
        let is = |text: &str| secrets(&[("password", text)]);
        let ours = || is(text::CONFIGURATION);
        let p = record(&[(PASSWORD, "p")]);
        let no = Record::default();
        let rows = [
            (
                "new",
                vec![wo("p")],
                vec![],
                &no,
                "password=from configuration / written",
            ),
            (
                "as written",
                vec![wo("p")],
                vec![null(), ours()],
                &p,
                "password=from configuration / kept",
            ),
            (
                "another value",
                vec![wo("q")],
                vec![null(), ours()],
                &p,
                "password=? / written",
            ),
            (
                "as found",
                vec![wo("p")],
                vec![is(text::FOUND)],
                &p,
                "password=as found / kept",
            ),
            (
                "other than found",
                vec![wo("q")],
                vec![is(text::FOUND)],
                &p,
                "password=from configuration / written",
            ),
            (
                "found, not configured",
                vec![],
                vec![is(text::FOUND)],
                &p,
                "password=as found / kept",
            ),
            (
                "changed outside",
                vec![wo("p")],
                vec![null(), is(text::CHANGED)],
                &p,
                "password=from configuration / written",
            ),
            (
                "masked",
                vec![wo("p")],
                vec![null(), is(text::NOT_TOLD)],
                &p,
                "password=not told by SAP / kept",
            ),
            (
                "masked, another value",
                vec![wo("q")],
                vec![null(), is(text::NOT_TOLD)],
                &p,
                "password=from configuration / written",
            ),
            (
                "same version",
                vec![versioned(text("q"), 1)],
                vec![versioned(Value::Null, 1), ours()],
                &p,
                "password=from configuration / kept",
            ),
            (
                "new version",
                vec![versioned(text("q"), 2)],
                vec![versioned(Value::Null, 1), ours()],
                &p,
                "password=? / written",
            ),
            (
                "same version, changed outside",
                vec![versioned(text("p"), 1)],
                vec![versioned(Value::Null, 1), is(text::CHANGED)],
                &p,
                "password=from configuration / written",
            ),
            (
                "null",
                vec![null()],
                vec![null(), ours()],
                &p,
                "password=from configuration / kept",
            ),
            (
                "null, changed outside",
                vec![null()],
                vec![null(), is(text::CHANGED)],
                &p,
                "password=changed outside Terraform / kept",
            ),
            ("taken out", vec![], vec![null(), ours()], &p, " / deleted"),
            (
                "taken out, as found",
                vec![],
                vec![null(), is(text::FOUND)],
                &p,
                "password=as found / kept",
            ),
            (
                "stored instead",
                vec![stored(&[("password", text("p"))])],
                vec![null(), ours()],
                &p,
                "password=from configuration / kept",
            ),
            (
                "stored, another value",
                vec![stored(&[("password", text("q"))])],
                vec![stored(&[("password", text("p"))]), ours()],
                &p,
                "password=? / written",
            ),
            (
                "without a record",
                vec![wo("p")],
                vec![null(), ours()],
                &no,
                "password=? / written",
            ),
        ];
        for (name, configured, before, record, expected) in rows {
            assert_eq!(password(&configured, &before, record), expected, "{name}");
        }
    }

    #[test]
    fn what_is_not_known_leaves_the_name_where_it_is_known() {
        let unknown = || credentials(&[("password_wo", Value::Unknown)]);
        let p = record(&[(PASSWORD, "p")]);
        let ours = || secrets(&[("password", text::CONFIGURATION)]);
        let shown = |configured: &[(&str, Value)], before: &[(&str, Value)]| {
            password(configured, before, &p)
                .split(" / ")
                .next()
                .unwrap()
                .to_owned()
        };
        assert_eq!(shown(&[unknown()], &[]), "?");
        assert_eq!(
            shown(&[unknown()], &[credentials(&[]), ours()]),
            "password=?"
        );
        let map = credentials(&[("properties_wo", Value::Unknown)]);
        assert_eq!(shown(&[map], &[credentials(&[]), ours()]), "?");
        let whole = ("credentials", Value::Unknown);
        assert_eq!(shown(&[whole], &[credentials(&[]), ours()]), "?");
        let kind = ("authentication", Value::Unknown);
        assert_eq!(
            shown(&[kind, credentials(&[])], &[credentials(&[]), ours()]),
            "?"
        );
    }

    #[test]
    fn an_authentication_without_the_secret_deletes_it() {
        let configured = [
            ("authentication", text("NoAuthentication")),
            ("user", Value::Null),
        ];
        let before = [secrets(&[("password", text::CONFIGURATION)])];
        let p = record(&[(PASSWORD, "p")]);
        assert_eq!(password(&configured, &before, &p), " / deleted");
        let before = [secrets(&[("password", text::FOUND)])];
        assert_eq!(
            password(&configured, &before, &p),
            "password=as found / kept"
        );
    }

    #[test]
    fn further_secrets_are_named_as_sap_spells_them() {
        let of = |keys: &[(&str, Value)]| credentials(&[("properties_wo", map(keys))]);
        let before = [credentials(&[]), secrets(&[("k", text::CONFIGURATION)])];
        let rows = [
            (vec![of(&[("k", text("v"))])], "k=from configuration"),
            (vec![of(&[("k", text("w"))])], "k=?"),
            (
                vec![of(&[("k", text("v")), ("l", text("x"))])],
                "k=from configuration, l=from configuration",
            ),
            (vec![of(&[])], "k=from configuration"),
            (vec![], ""),
        ];
        for (configured, expected) in rows {
            let prior = with(&state(), &before);
            let record = record(&[("k", "v")]);
            let (planned, _) = fine(Key::Absent, &config(&configured), &prior, &record);
            assert_eq!(shown(planned.state.get("secrets")), expected);
        }
    }

    #[test]
    fn a_version_without_any_secret_is_refused() {
        let raised = config(&[credentials(&[("version", number(2))])]);
        let before = [
            credentials(&[("version", number(1))]),
            secrets(&[("password", text::CONFIGURATION)]),
        ];
        let (planned, _) = planned(
            Key::Absent,
            &raised,
            &with(&state(), &before),
            &Record::default(),
        );
        let error = planned.diagnostics.iter().next().unwrap();
        assert_eq!(error.summary, "Version without secret");
        assert_eq!(
            error.path,
            Some(Path::attribute("credentials").then("version"))
        );
    }

    #[test]
    fn the_key_is_compared_with_what_was_written() {
        let of_key = text::CLOUD_ALM_KEY;
        let rows = [
            (
                "the same key",
                Key::Known,
                of_key,
                keyed("key-secret"),
                "client_secret=from cloud_alm_service_key",
            ),
            (
                "a rotated key that Read did not see",
                Key::Known,
                of_key,
                keyed("older"),
                "client_secret=?",
            ),
            (
                "a rotated key",
                Key::Known,
                text::EARLIER_KEY,
                keyed("older"),
                "client_secret=from cloud_alm_service_key",
            ),
            (
                "changed outside",
                Key::Known,
                text::CHANGED,
                keyed("key-secret"),
                "client_secret=from cloud_alm_service_key",
            ),
            (
                "an import that fits",
                Key::Known,
                text::FOUND,
                record(&[(CLIENT_SECRET, "key-secret")]),
                "client_secret=as found",
            ),
            (
                "an import with another secret",
                Key::Known,
                text::FOUND,
                record(&[(CLIENT_SECRET, "x")]),
                "client_secret=from cloud_alm_service_key",
            ),
            (
                "no key",
                Key::Absent,
                of_key,
                keyed("older"),
                "client_secret=from cloud_alm_service_key",
            ),
            (
                "an unknown key",
                Key::Unknown,
                of_key,
                keyed("key-secret"),
                "client_secret=?",
            ),
        ];
        for (name, key, before, record, expected) in rows {
            let prior = with(&keyed_state(), &[secrets(&[("client_secret", before)])]);
            let (planned, _) = fine(key, &object(&[]), &prior, &record);
            assert_eq!(shown(planned.state.get("secrets")), expected, "{name}");
        }
    }

    #[test]
    fn a_rotated_key_says_why() {
        let (planned, decision) = fine(Key::Known, &object(&[]), &keyed_state(), &keyed("older"));
        assert_eq!(warnings(&planned), ["Secret will be written"]);
        assert_eq!(decision.write[CLIENT_SECRET], Origin::CloudAlmKey);
        assert!(decision.key.is_some() && decision.sends);
    }

    #[test]
    fn an_ignored_url_does_not_cut_a_destination_off_from_its_key() {
        let elsewhere = text("https://eu10.alm.cloud.sap/other");
        for ignored in [
            &["url"][..],
            &["client_id"],
            &["url", "client_id", "token_service_url"],
        ] {
            let prior = with(&keyed_state(), &[("url", elsewhere.clone())]);
            let same: Vec<_> = ignored
                .iter()
                .map(|name| (*name, prior.get(name).clone()))
                .collect();
            let (planned, decision) = fine(Key::Known, &object(&same), &prior, &keyed("older"));
            assert!(decision.key.is_some(), "{ignored:?}");
            assert_eq!(
                decision.write.len(),
                1,
                "the host is the key's: {ignored:?}"
            );
            for name in FROM_KEY {
                assert!(!planned.state.get(name).is_null(), "{name}");
            }
        }
    }

    #[test]
    fn the_secret_of_the_key_is_not_written_where_an_ignored_change_leads_elsewhere() {
        for (name, value) in [
            ("url", "https://evil"),
            ("token_service_url", "https://evil/t"),
        ] {
            let prior = with(
                &keyed_state(),
                &[
                    (name, text(value)),
                    secrets(&[("client_secret", text::EARLIER_KEY)]),
                ],
            );
            let (planned, decision) = fine(
                Key::Known,
                &object(&[(name, text(value))]),
                &prior,
                &keyed("older"),
            );
            assert!(
                decision.write.is_empty() && decision.remove.is_empty(),
                "{name}"
            );
            assert_eq!(warnings(&planned), ["Client secret not written"]);
        }
    }

    #[test]
    fn an_ignored_property_that_keeps_the_key_out_changes_nothing() {
        let trusting = ("properties", map(&[("TrustAll", text("TRUE"))]));
        let prior = with(&keyed_state(), std::slice::from_ref(&trusting));
        let record = Record {
            owns_properties: true,
            ..keyed("key-secret")
        };
        let (planned, decision) = fine(Key::Known, &object(&[trusting]), &prior, &record);
        assert!(planned.state.same(&prior));
        assert!(!decision.sends);
    }

    #[test]
    fn a_destination_that_leads_elsewhere_loses_the_secret_of_the_key() {
        let config = object(&[
            ("name", text("CloudALM")),
            ("url", text("https://a")),
            ("client_id", text("c")),
            ("token_service_url", text("https://t")),
        ]);
        let (planned, decision) = fine(Key::Known, &config, &keyed_state(), &keyed("key-secret"));
        assert!(planned.state.get("secrets").is_null());
        assert!(decision.remove.contains(CLIENT_SECRET) && decision.key.is_none());
    }

    #[test]
    fn an_unknown_key_makes_unknown_what_comes_from_it() {
        let (planned, _) = fine(
            Key::Unknown,
            &object(&[]),
            &keyed_state(),
            &keyed("key-secret"),
        );
        for name in FROM_KEY {
            assert!(planned.state.get(name).is_unknown(), "{name}");
        }
        assert!(!planned.state.get("authentication").is_unknown());
    }

    #[test]
    fn a_new_destination_knows_everything_but_its_owner() {
        let (planned, decision) = fine(Key::Known, &object(&[]), &Value::Null, &Record::default());
        let expected = [
            ("name", text("CloudALM")),
            ("level", text("subaccount")),
            ("id", text("subaccount/CloudALM")),
            ("type", text("HTTP")),
            ("authentication", text("OAuth2ClientCredentials")),
            ("proxy_type", text("Internet")),
            ("token_service_url_type", text("Dedicated")),
            ("url", text("https://eu10.alm.cloud.sap/api")),
            ("client_id", text("sb-calm")),
            (
                "token_service_url",
                text("https://acme-calm.auth/oauth/token"),
            ),
            ("instance_id", Value::Null),
            ("subaccount_id", Value::Unknown),
            ("properties", Value::Null),
            ("allow_unmanaged", Value::Null),
            ("unmanaged_properties", Value::Null),
        ];
        for (name, value) in expected {
            assert!(planned.state.get(name).same(&value), "{name}");
        }
        assert_eq!(
            shown(planned.state.get("secrets")),
            "client_secret=from cloud_alm_service_key"
        );
        assert!(decision.sends && decision.key.is_some());
        let (planned, _) = fine(Key::Unknown, &object(&[]), &Value::Null, &Record::default());
        assert_eq!(
            shown(planned.state.get("secrets")),
            "client_secret=from cloud_alm_service_key"
        );
    }

    #[test]
    fn the_record_of_a_replaced_destination_is_not_that_of_the_new_one() {
        let other = object(&[("name", text("CloudALM2"))]);
        let (planned, decision) = fine(Key::Known, &other, &keyed_state(), &keyed("key-secret"));
        assert_eq!(planned.replace, [Path::attribute("name")]);
        assert_eq!(decision.write.len(), 1, "the new one needs its secret");
    }

    #[test]
    fn an_adoption_leaves_open_what_it_will_find() {
        let adopts = [("adopt_existing", Value::Bool(true))];
        let (planned, _) = fine(
            Key::Known,
            &object(&adopts),
            &Value::Null,
            &Record::default(),
        );
        for name in ["allow_unmanaged", "unmanaged_properties"] {
            assert!(planned.state.get(name).is_unknown(), "{name}");
        }
        let complete = [
            ("adopt_existing", Value::Bool(true)),
            ("properties", map(&[])),
        ];
        let (planned, _) = fine(
            Key::Known,
            &object(&complete),
            &Value::Null,
            &Record::default(),
        );
        for name in ["allow_unmanaged", "unmanaged_properties"] {
            assert!(planned.state.get(name).is_null(), "{name}");
        }
    }

    #[test]
    fn only_the_cloud_alm_destination_may_leave_its_name_out() {
        let config = object(&[
            ("authentication", text("NoAuthentication")),
            ("url", text("https://a")),
        ]);
        let (planned, _) = planned(Key::Known, &config, &Value::Null, &Record::default());
        let error = planned.diagnostics.iter().next().unwrap();
        assert_eq!(error.path, Some(Path::attribute("name")));
    }

    #[test]
    fn other_types_write_nothing_that_was_not_asked_for() {
        let config = object(&[("name", text("r")), ("type", text("RFC"))]);
        let (planned, _) = fine(Key::Known, &config, &Value::Null, &Record::default());
        for name in [
            "authentication",
            "proxy_type",
            "token_service_url_type",
            "url",
            "client_id",
            "secrets",
        ] {
            assert!(planned.state.get(name).is_null(), "{name}");
        }
    }

    #[test]
    fn a_new_destination_without_key_names_attribute_and_variable() {
        let (planned, _) = planned(Key::Absent, &object(&[]), &Value::Null, &Record::default());
        let error = planned.diagnostics.iter().next().unwrap();
        assert!(error.detail.contains("`cloud_alm_service_key`"));
        assert!(error.detail.contains("`SAPCALM_CLOUD_ALM_SERVICE_KEY`"));
        assert_eq!(error.path, Some(Path::attribute("url")));
    }

    #[test]
    fn a_new_destination_without_a_destination_key_is_refused_while_planning() {
        let without = Configured::new(Client::new(Config::default()).unwrap(), BTreeMap::new());
        let change = Change {
            config: config(&[]),
            prior: Value::Null,
            private: Private::default(),
        };
        let planned = DynResource::plan(&Destination, Some(&without), change);
        let details: Vec<_> = planned.diagnostics.iter().map(|one| &one.detail).collect();
        assert_eq!(details.len(), 1, "{details:?}");
        assert!(details[0].contains("`SAPCALM_DESTINATION_SERVICE_KEY`"));
    }

    #[test]
    fn defaults_wait_for_what_they_depend_on() {
        let config = object(&[("type", Value::Unknown)]);
        let (planned, _) = fine(Key::Known, &config, &Value::Null, &Record::default());
        for name in [
            "authentication",
            "proxy_type",
            "token_service_url_type",
            "url",
            "secrets",
        ] {
            assert!(planned.state.get(name).is_unknown(), "{name}");
        }
    }

    /// What a plan says about further properties: the planned `properties` and
    /// `unmanaged_properties`, and what it removes.
    fn further(configured: &[(&str, Value)], before: &[(&str, Value)], owns: bool) -> String {
        let prior = with(&state(), before);
        let record = Record {
            owns_properties: owns,
            ..Record::default()
        };
        let (planned, decision) = fine(Key::Absent, &config(configured), &prior, &record);
        let unmanaged: Vec<_> = texts(planned.state.get("unmanaged_properties")).collect();
        let removed: Vec<_> = decision.remove.iter().map(String::as_str).collect();
        format!(
            "{} / {} / -{}",
            shown(planned.state.get("properties")),
            unmanaged.join(","),
            removed.join(",")
        )
    }

    #[test]
    fn properties_that_go_are_named_and_no_other_is() {
        let a = || ("properties", map(&[("a", text("1"))]));
        let b = || ("properties", map(&[("b", text("1"))]));
        let none = || ("properties", map(&[]));
        let there = |names: &[&str]| ("unmanaged_properties", list(names));
        let allow = |names: &[&str]| ("allow_unmanaged", set(names));
        let rows = [
            ("left alone", vec![], vec![there(&["x"])], false, " / x / -"),
            (
                "weakens security",
                vec![],
                vec![there(&["TrustAll", "x"])],
                false,
                " / x / -TrustAll",
            ),
            (
                "by prefix",
                vec![],
                vec![there(&["URL.headers.X"])],
                false,
                " /  / -URL.headers.X",
            ),
            (
                "allowed",
                vec![allow(&["TrustAll"])],
                vec![there(&["TrustAll"])],
                false,
                " / TrustAll / -",
            ),
            (
                "allowed by an import",
                vec![],
                vec![there(&["TrustAll"]), allow(&["TrustAll"])],
                false,
                " / TrustAll / -",
            ),
            (
                "not allowed any more",
                vec![allow(&[])],
                vec![there(&["TrustAll"]), allow(&["TrustAll"])],
                false,
                " /  / -TrustAll",
            ),
            (
                "a complete set",
                vec![none()],
                vec![none(), there(&["x"])],
                true,
                " /  / -x",
            ),
            (
                "a complete set that allows",
                vec![none(), allow(&["x"])],
                vec![none(), there(&["x"])],
                true,
                " / x / -",
            ),
            ("another one", vec![b()], vec![a()], true, "b=1 /  / -a"),
            (
                "one that was unmanaged",
                vec![b()],
                vec![there(&["b"])],
                false,
                "b=1 /  / -",
            ),
            (
                "taken out",
                vec![],
                vec![a(), there(&["x"])],
                true,
                " / x / -a",
            ),
            (
                "found, never configured",
                vec![],
                vec![a()],
                false,
                "a=1 /  / -",
            ),
        ];
        for (name, configured, before, owns, expected) in rows {
            assert_eq!(further(&configured, &before, owns), expected, "{name}");
        }
    }

    #[test]
    fn a_property_that_becomes_a_secret_is_not_removed() {
        let configured = [
            credentials(&[("properties_wo", map(&[("x", text("1"))]))]),
            ("properties", map(&[])),
        ];
        let before = [
            ("properties", map(&[])),
            ("unmanaged_properties", list(&["x"])),
        ];
        assert_eq!(further(&configured, &before, true), " /  / -");
    }

    #[test]
    fn what_will_be_removed_is_a_warning_that_says_how_to_keep_it() {
        let prior = with(&state(), &[("unmanaged_properties", list(&["TrustAll"]))]);
        let (planned, _) = fine(Key::Absent, &config(&[]), &prior, &Record::default());
        assert_eq!(warnings(&planned), ["Properties will be removed"]);
        let detail = &planned.diagnostics.iter().next().unwrap().detail;
        assert!(detail.contains("`TrustAll`") && detail.contains("`allow_unmanaged`"));
    }

    #[test]
    fn name_and_level_replace() {
        for (name, value) in [("name", "other"), ("level", "instance")] {
            let password = credentials(&[("password_wo", text("p"))]);
            let configured = config(&[(name, text(value)), password]);
            let (planned, _) = fine(Key::Absent, &configured, &state(), &Record::default());
            assert_eq!(planned.replace, [Path::attribute(name)]);
            // The second plan, as a create, gives the same.
            assert!(planned.state.get("subaccount_id").is_unknown());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_where_it_is_new_and_doubted_where_it_is_there() {
        let severity = |proxy_type: &str, prior: &Value| {
            let configured = config(&[
                ("proxy_type", text(proxy_type)),
                credentials(&[("password_wo", text("p"))]),
            ]);
            let (planned, _) = planned(Key::Absent, &configured, prior, &Record::default());
            let found = planned.diagnostics.iter();
            let mut found = found.filter(|one| one.summary == "Wrong spelling");
            found.next().map(|one| one.severity)
        };
        let there = with(&state(), &[("proxy_type", text("internet"))]);
        assert_eq!(severity("internet", &Value::Null), Some(Severity::Error));
        assert_eq!(severity("internet", &state()), Some(Severity::Error));
        assert_eq!(severity("internet", &there), Some(Severity::Warning));
        assert_eq!(severity("Internet", &there), None);
    }

    #[test]
    fn an_authentication_that_begins_with_a_password_needs_one() {
        let summary = |configured: &Value, prior: &Value| {
            let (planned, _) = planned(Key::Absent, configured, prior, &Record::default());
            let first = planned.diagnostics.iter().next();
            first.map(|one| one.summary.to_string())
        };
        let missing = Some("Missing password".to_owned());
        let none = config(&[]);
        assert_eq!(summary(&none, &Value::Null), missing);
        assert_eq!(summary(&none, &state()), None, "it may be there");
        let other = config(&[
            ("authentication", text("OAuth2Password")),
            ("client_id", text("c")),
            ("token_service_url", text("https://t")),
        ]);
        assert_eq!(summary(&other, &state()), missing);
        let late = config(&[credentials(&[("password_wo", Value::Unknown)])]);
        assert_eq!(summary(&late, &Value::Null), None, "it comes");
        let adopting = config(&[("adopt_existing", Value::Bool(true))]);
        assert_ne!(summary(&adopting, &Value::Null), missing, "it may be there");
    }
}
