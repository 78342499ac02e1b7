//! What SAP holds, taken into state and record: what Read sees.
//!
//! A value that SAP tells otherwise than it was written, right after the
//! write, is the service's own doing (it trims, re-encodes, masks). Such a
//! value is no drift: the state keeps the written form, or a plan would never
//! be empty. The etag says whether anybody wrote in between.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use client::{self, Properties};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;

use super::super::configured::Configured;
use super::super::destination_service::secret::{Comparison, NoRandomness, Remembered, text};
use super::model::Model;
use super::record::{Origin, Record};
use super::source::{KeyValues, of_provider};
use super::vocabulary::{
    CLIENT_SECRET, HTTP, Known, NO_AUTHENTICATION, TYPED, default_proxy_type,
    default_token_service_url_type, holds_credentials, is_open, is_secret, lookup, secret_key,
    secret_name, security_concern,
};

/// One look at a destination.
pub(super) struct Look<'a> {
    provider: &'a Configured,
    found: &'a client::Destination,
    id: String,
    /// Nobody wrote since the record was made.
    is_unchanged: bool,
    /// This is what was written a moment ago.
    is_written: bool,
    pub(super) state: Model,
    pub(super) record: Record,
    pub(super) warnings: Diagnostics,
}

impl<'a> Look<'a> {
    fn new(
        provider: &'a Configured,
        found: &'a client::Destination,
        id: String,
        (state, record): (Model, Record),
    ) -> Self {
        Self {
            provider,
            found,
            id,
            is_unchanged: false,
            is_written: false,
            state,
            record,
            warnings: Diagnostics::new(),
        }
    }

    /// Takes what SAP holds into state and record.
    pub(super) fn at(
        provider: &'a Configured,
        found: &'a client::Destination,
        id: String,
        before: (Model, Record),
    ) -> Result<Self, NoRandomness> {
        let mut look = Self::new(provider, found, id, before.clone());
        let is_stub = look.state.is_stub();
        let etag = &found.metadata.etag;
        look.is_unchanged = etag.is_some() && look.record.etag == *etag && !is_stub;
        look.typed();
        look.properties(is_stub);
        look.secrets(is_stub)?;
        look.labels(is_stub);
        if is_stub {
            look.baseline();
        }
        look.exposed();
        look.keep_bytes(&before.0, before.1);
        Ok(look)
    }

    /// What to remember after a write, of what SAP told right after it: nobody
    /// else wrote in between.
    pub(super) fn learn(
        provider: &'a Configured,
        found: &'a client::Destination,
        (state, record): (&Model, Record),
    ) -> Record {
        let mut look = Self::new(
            provider,
            found,
            String::new(),
            (state.clone(), record.clone()),
        );
        look.is_unchanged = true;
        look.is_written = true;
        look.typed();
        look.properties(false);
        // Without random numbers Read finds out.
        let mut record = look.secrets(false).map_or(record, |()| look.record);
        record.etag.clone_from(&found.metadata.etag);
        record
    }

    /// A destination that nobody manages yet, as an import reads it: without
    /// what is only remembered, without messages, and without URLs that hold
    /// credentials. Who lists has not asked for them.
    pub(super) fn listed(
        provider: &'a Configured,
        found: &'a client::Destination,
        id: String,
        stub: Model,
    ) -> Model {
        let mut look = Self::new(provider, found, id, (stub, Record::default()));
        look.typed();
        look.properties(true);
        look.labels(true);
        look.baseline();
        let secrets = found.properties.iter();
        let secrets: BTreeMap<_, _> = secrets
            .filter(|(key, value)| is_secret(key) && !value.is_empty())
            .map(|(key, _)| (secret_name(key).to_owned(), Some(text::FOUND.to_owned())))
            .collect();
        look.state.secrets = (!secrets.is_empty()).then_some(secrets);
        for property in TYPED {
            let slot = (property.slot)(&mut look.state);
            *slot = slot.take().filter(|text| !holds_credentials(text));
        }
        look.state
    }

    /// Whether there is exactly what the state says, secrets included, and
    /// nothing else. Labels are set after the create.
    pub(super) fn shows_exactly(&self, state: &Model) -> bool {
        let seen = Model {
            labels: state.labels.clone(),
            ..self.state.clone()
        };
        seen == *state
    }

    /// Terraform compares private data, too, where it looks for changes: a new
    /// etag alone is none.
    fn keep_bytes(&mut self, state: &Model, record: Record) {
        let etag = self.found.metadata.etag.clone();
        let known = record.etag.is_some();
        let before = Record {
            etag: self.record.etag.clone(),
            ..record.clone()
        };
        if known && self.state == *state && self.record == before {
            self.record = record;
        } else {
            self.record.etag = etag;
        }
    }

    fn typed(&mut self) {
        let actual = &self.found.properties;
        let type_ = value(actual, "Type").unwrap_or(HTTP);
        let authentication = value(actual, "Authentication");
        for property in TYPED {
            let told = effective(actual, property.key, type_, authentication);
            let prior = (property.slot)(&mut self.state).take();
            let observed = if self.is_own_form(property.key, prior.as_deref(), told) {
                prior
            } else {
                observed(prior.as_deref(), told)
            };
            *(property.slot)(&mut self.state) = observed;
        }
    }

    /// Whether SAP only tells the written value in a form of its own.
    fn is_own_form(&mut self, key: &str, written: Option<&str>, told: Option<&str>) -> bool {
        let is_same = match (written, told) {
            (Some(written), Some(told)) => same_text(written, told),
            (written, told) => written.unwrap_or_default() == told.unwrap_or_default(),
        };
        if is_same {
            self.record.told.remove(key);
            return false;
        }
        let told = told.map(str::to_owned);
        let is_own = self.is_unchanged || self.record.told.get(key) == Some(&told);
        if is_own {
            self.record.told.insert(key.to_owned(), told);
            self.warnings.push(other_form(&self.id, key));
        } else {
            self.record.told.remove(key);
        }
        is_own
    }

    fn properties(&mut self, is_stub: bool) {
        let managed = self.secret_keys();
        let further: BTreeMap<&str, &str> = self
            .found
            .properties
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .filter(|(key, _)| matches!(lookup(key), Known::Open | Known::Unknown))
            .filter(|(key, _)| !managed.contains(*key))
            .collect();
        let is_shown = |key: &str, value: &str| is_open(key) && !holds_credentials(value);
        let prior = self.state.properties.take();
        let mut shown = BTreeMap::new();
        for (key, written) in prior.iter().flatten() {
            let told = further.get(key.as_str()).copied();
            if self.is_own_form(key, Some(written), told) {
                shown.insert(key.clone(), written.clone());
            } else if let Some(told) = told {
                let same = same_text(written, told);
                // Somebody changed one that nobody configured: as if added.
                if !same && !self.record.owns_properties && security_concern(key).is_some() {
                    continue;
                }
                let value = if same { written.clone() } else { nfc(told) };
                shown.insert(key.clone(), value);
            }
        }
        let is_complete = is_stub || (prior.is_some() && self.record.owns_properties);
        let allowed = self.state.allow_unmanaged.clone().unwrap_or_default();
        if is_complete {
            for (key, value) in &further {
                let is_known = prior.as_ref().is_some_and(|prior| prior.contains_key(*key));
                if !is_known && !allowed.contains(*key) && is_shown(key, value) {
                    shown.insert((*key).to_owned(), nfc(value));
                }
            }
        }
        let rest = further.keys().filter(|key| !shown.contains_key(**key));
        let unmanaged: Vec<String> = rest.map(|key| (*key).to_owned()).collect();
        self.state.properties = (prior.is_some() || !shown.is_empty()).then_some(shown);
        self.state.unmanaged_properties = (!unmanaged.is_empty()).then_some(unmanaged);
    }

    /// The names of the secrets that the state has.
    fn secret_keys(&self) -> BTreeSet<String> {
        let names = self.state.secrets.iter().flat_map(|map| map.keys());
        names.map(|name| secret_key(name).to_owned()).collect()
    }

    /// What an import or a move finds may stay, as far as it cannot be shown.
    fn baseline(&mut self) {
        let hidden = self.state.unmanaged_properties.clone();
        self.state.allow_unmanaged = hidden.map(|names| names.into_iter().collect());
        let shown = self.state.properties.iter().flat_map(|map| map.keys());
        let hidden = self.state.unmanaged_properties.iter().flatten();
        let concerns = shown.chain(hidden).filter_map(|name| {
            let concern = security_concern(name)?;
            Some(format!("* `{name}`: {}", concern.effect))
        });
        let concerns: Vec<String> = concerns.collect();
        if !concerns.is_empty() {
            self.warnings.push(found_concerns(&self.id, &concerns));
        }
    }

    // ---- secrets ----

    fn secrets(&mut self, is_stub: bool) -> Result<(), NoRandomness> {
        let key = of_provider(self.provider);
        if is_stub {
            let followed = key.as_ref().filter(|key| self.is_from(key));
            self.record.key = followed.map(|key| key.origin);
        }
        let key = key.filter(|key| self.record.key == Some(key.origin));
        let mut seen = BTreeMap::new();
        for (name, prior) in self.state.secrets.take().unwrap_or_default() {
            let property = secret_key(&name).to_owned();
            let of_key = key.as_ref().filter(|_| property == CLIENT_SECRET);
            let of_key = of_key.map(|key| &key.client_secret);
            let prior = prior.unwrap_or_default();
            if prior == text::FOUND {
                if self.refresh(&property)? {
                    seen.insert(name, Some(prior));
                }
            } else {
                let now = self.compare(&property, &prior, of_key)?;
                seen.insert(name, Some(now.to_owned()));
            }
        }
        let found = &self.found.properties;
        let others = found
            .iter()
            .filter(|(key, value)| is_secret(key) && !value.is_empty());
        for (property, _) in others {
            let name = secret_name(property);
            if !seen.contains_key(name) && self.refresh(property)? {
                seen.insert(name.to_owned(), Some(text::FOUND.to_owned()));
            }
        }
        self.state.secrets = (!seen.is_empty()).then_some(seen);
        Ok(())
    }

    /// A secret that nobody wrote through us: a change of it is no drift, but
    /// the plan must compare with what is there now. False where it is gone.
    fn refresh(&mut self, property: &str) -> Result<bool, NoRandomness> {
        let value = value(&self.found.properties, property);
        let Some(value) = value else {
            self.record.secrets.remove(property);
            return Ok(false);
        };
        let is_known = self.record.secrets.contains_key(property);
        if !(self.is_unchanged && is_known) {
            self.record.remember(property, value, Remembered::shared)?;
        }
        Ok(true)
    }

    /// What became of a secret that we wrote.
    fn compare(
        &mut self,
        property: &str,
        prior: &str,
        of_key: Option<&SecretString>,
    ) -> Result<&'static str, NoRandomness> {
        let told = value(&self.found.properties, property);
        let key = self.record.key.filter(|_| property == CLIENT_SECRET);
        let is_of_key = key == Some(Origin::CloudAlmKey);
        let is_ours = key.unwrap_or(Origin::Configuration).text();
        if let (Some(told), Some(secret)) = (told, of_key)
            && told == secret.expose_secret()
        {
            self.record.remember(property, told, Remembered::shared)?;
            return Ok(is_ours);
        }
        // As at the last look, which compared it.
        if self.is_unchanged && !self.is_written && !is_of_key {
            let remembered = self.record.secrets.get(property);
            let is_masked = remembered.is_some_and(Remembered::is_masked);
            return Ok(match prior {
                text::CHANGED => text::CHANGED,
                _ if is_masked => text::NOT_TOLD,
                _ => is_ours,
            });
        }
        let Some(remembered) = self.record.secrets.get_mut(property) else {
            // Without a record nobody can tell.
            return Ok(if told.is_some() {
                is_ours
            } else {
                text::CHANGED
            });
        };
        let mut comparison = remembered.compare(told);
        if comparison == Comparison::Other && self.is_unchanged && prior != text::CHANGED {
            remembered.learn(told)?;
            comparison = Comparison::NotTold;
        }
        if comparison == Comparison::Same {
            remembered.forget_told();
        }
        let is_earlier = || {
            let secret = of_key.map(ExposeSecret::expose_secret);
            secret.is_some_and(|secret| remembered.written.matches(secret) == Some(false))
        };
        Ok(match comparison {
            Comparison::Other => text::CHANGED,
            _ if is_earlier() => text::EARLIER_KEY,
            Comparison::NotTold => text::NOT_TOLD,
            Comparison::Same => is_ours,
        })
    }

    /// Whether the destination holds what the key says.
    fn is_from(&self, key: &KeyValues) -> bool {
        let state = &self.state;
        state.url.as_ref() == Some(&key.url)
            && state.client_id.as_ref() == Some(&key.client_id)
            && state.token_service_url.as_ref() == Some(&key.token_service_url)
    }

    // ---- the rest ----

    fn labels(&mut self, is_stub: bool) {
        let Some(labels) = &self.found.labels else {
            return;
        };
        if is_stub || self.state.labels.is_some() {
            let is_shown = !(is_stub && labels.is_empty());
            self.state.labels = is_shown.then(|| labels.clone());
        }
    }

    /// Credentials that somebody put into a URL at SAP. They are not hidden:
    /// that the URL is not the configured one must be visible.
    fn exposed(&mut self) {
        for property in TYPED {
            let value = (property.read)(&self.state);
            if value.is_some_and(holds_credentials) {
                self.warnings.push(
                    Diagnostic::warning(
                        "URL with credentials",
                        format!(
                            "At SAP, `{}` of the destination `{}` is a URL with credentials in \
                             it, which Terraform stores in its state in clear.\n\n\
                             Configure the URL without what stands in front of the `@`, give the \
                             user in `user` and the secret in `credentials`, and renew both.",
                            property.key, self.id
                        ),
                    )
                    .at(Path::attribute(property.attribute)),
                );
            }
        }
    }
}

fn other_form(id: &str, key: &str) -> Diagnostic {
    Diagnostic::warning(
        "Stored in another form",
        format!(
            "SAP tells `{key}` of the destination `{id}` otherwise than it was written, and did so \
             right after the write. The state keeps what was written, and nothing is planned \
             because of it. Write the value as SAP tells it (the data source \
             `sapcalm_destination` shows it), and this warning goes."
        ),
    )
}

fn found_concerns(id: &str, concerns: &[String]) -> Diagnostic {
    Diagnostic::warning(
        "Properties that weaken security",
        format!(
            "The destination `{id}` has properties that decide whom it trusts or what it sends to \
             whom:\n\n{}\n\n\
             They stay as they are. Look whether they are wanted. To remove them configure \
             `properties` without them, and `allow_unmanaged` without those it names. One that is \
             added later is planned to be removed.",
            concerns.join("\n")
        ),
    )
}

/// What SAP does for a typed property, also where it holds no value. An empty
/// text is no value. `type_` and `authentication` decide what the default is.
pub(super) fn effective<'a>(
    actual: &'a Properties,
    key: &str,
    type_: &str,
    authentication: Option<&str>,
) -> Option<&'a str> {
    value(actual, key).or_else(|| match key {
        "Type" => Some(HTTP),
        "Authentication" => (type_ == HTTP).then_some(NO_AUTHENTICATION),
        "ProxyType" => default_proxy_type(type_, authentication),
        "tokenServiceURLType" => default_token_service_url_type(type_, authentication),
        _ => None,
    })
}

/// A property; an empty text is no value.
pub(super) fn value<'a>(actual: &'a Properties, key: &str) -> Option<&'a str> {
    let text = actual.get(key).map(String::as_str);
    text.filter(|text| !text.is_empty())
}

/// The prior form where SAP's value means the same, else SAP's value.
fn observed(prior: Option<&str>, actual: Option<&str>) -> Option<String> {
    match (prior, actual) {
        (Some(prior), Some(actual)) if same_text(prior, actual) => Some(prior.to_owned()),
        (Some(""), None) => Some(String::new()),
        (_, actual) => actual.map(nfc),
    }
}

/// Equality as Terraform sees it: after Unicode normalisation form C.
pub(super) fn same_text(one: &str, other: &str) -> bool {
    one == other || one.nfc().eq(other.nfc())
}

fn nfc(text: &str) -> String {
    text.nfc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use client::{Client, CloudAlmKey, Config, Metadata};

    use super::*;

    const KEY: &str = r#"{
        "endpoints": { "Api": "https://calm/api" },
        "uaa": { "clientid": "c", "clientsecret": "key-secret", "url": "https://calm.auth" }
    }"#;

    fn provider(key: Option<&str>) -> Configured {
        let config = Config {
            cloud_alm_key: key.map(|key| CloudAlmKey::parse(key).unwrap()),
            ..Config::default()
        };
        Configured::new(Client::new(config).unwrap(), BTreeMap::new())
    }

    fn at_sap(etag: &str, entries: &[(&str, &str)]) -> client::Destination {
        let basic = [("Name", "d"), ("Type", "HTTP"), ("URL", "https://a")];
        let all = basic.iter().chain(entries);
        client::Destination {
            properties: all
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            metadata: Metadata {
                etag: Some(etag.to_owned()),
                modification_time: None,
            },
            labels: None,
        }
    }

    type Seen = (Model, Record);

    fn look_with(
        key: Option<&str>,
        found: &client::Destination,
        before: Seen,
    ) -> (Seen, Vec<String>) {
        let provider = provider(key);
        let look = Look::at(&provider, found, "subaccount/d".into(), before).unwrap();
        let warnings = look.warnings.iter().map(|one| one.summary.to_string());
        let warnings = warnings.collect();
        ((look.state, look.record), warnings)
    }

    fn look(found: &client::Destination, before: Seen) -> Seen {
        look_with(None, found, before).0
    }

    /// State and record after an import.
    fn imported(found: &client::Destination) -> Seen {
        look(found, (Model::default(), Record::default()))
    }

    /// State and record after a create that wrote this password.
    fn written(etag: &str, password: &str) -> Seen {
        let (mut state, mut record) = imported(&at_sap(etag, &[]));
        state.secrets = Some(BTreeMap::from([(
            "password".to_owned(),
            Some(text::CONFIGURATION.to_owned()),
        )]));
        record
            .remember("Password", password, Remembered::new)
            .unwrap();
        (state, record)
    }

    fn entry<'a>(seen: &'a Seen, name: &str) -> &'a str {
        let entries = seen.0.secrets.as_ref();
        entries
            .and_then(|map| map.get(name)?.as_deref())
            .unwrap_or("")
    }

    fn names(list: Option<&Vec<String>>) -> Vec<&str> {
        list.into_iter().flatten().map(String::as_str).collect()
    }

    #[test]
    fn an_import_keeps_what_it_finds() {
        let found = at_sap(
            "1",
            &[("sap-client", "100"), ("mine", "x"), ("Password", "p")],
        );
        let (state, record) = imported(&found);
        let shown = BTreeMap::from([("sap-client".to_owned(), "100".to_owned())]);
        assert_eq!(state.properties, Some(shown));
        assert_eq!(names(state.unmanaged_properties.as_ref()), ["mine"]);
        assert_eq!(
            state.allow_unmanaged,
            Some(BTreeSet::from(["mine".to_owned()]))
        );
        assert_eq!(entry(&(state, record.clone()), "password"), text::FOUND);
        assert!(record.confirms("Password", "p") && !record.owns_properties);
    }

    #[test]
    fn an_import_names_what_weakens_security() {
        let found = at_sap("1", &[("TrustAll", "TRUE"), ("URL.headers.X", "y")]);
        let (_, warnings) = look_with(None, &found, (Model::default(), Record::default()));
        assert_eq!(warnings, ["Properties that weaken security"]);
    }

    #[test]
    fn a_property_that_somebody_adds_is_unmanaged() {
        let before = imported(&at_sap("1", &[("sap-client", "100")]));
        let (state, _) = look(
            &at_sap("2", &[("sap-client", "100"), ("TrustAll", "TRUE")]),
            before,
        );
        assert_eq!(names(state.unmanaged_properties.as_ref()), ["TrustAll"]);
        assert_eq!(state.properties.unwrap().len(), 1);
    }

    #[test]
    fn a_found_property_that_somebody_turns_against_security_is_as_if_added() {
        let before = imported(&at_sap("1", &[("TrustAll", "FALSE")]));
        let (state, _) = look(&at_sap("2", &[("TrustAll", "TRUE")]), before);
        assert_eq!(names(state.unmanaged_properties.as_ref()), ["TrustAll"]);
    }

    #[test]
    fn a_configured_set_shows_what_others_added_where_it_may_be_shown() {
        let (mut state, mut record) = imported(&at_sap("1", &[]));
        let given = [("gone", "0"), ("mine", "0"), ("sap-client", "200")];
        let given = given.map(|(key, value)| (key.to_owned(), value.to_owned()));
        state.properties = Some(given.into());
        record.owns_properties = true;
        let found = at_sap(
            "2",
            &[
                ("sap-client", "100"),
                ("mine", "1"),
                ("foreign", "x"),
                ("TrustAll", "TRUE"),
            ],
        );
        let (state, _) = look(&found, (state, record));
        let shown = [("TrustAll", "TRUE"), ("mine", "1"), ("sap-client", "100")];
        let shown = shown.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(state.properties, Some(shown.into()));
        assert_eq!(names(state.unmanaged_properties.as_ref()), ["foreign"]);
    }

    #[test]
    fn a_changed_secret_is_named_until_it_is_written() {
        let before = written("1", "p");
        let same = look(&at_sap("2", &[("Password", "p")]), before.clone());
        assert_eq!(entry(&same, "password"), text::CONFIGURATION);
        let changed = look(&at_sap("2", &[("Password", "q")]), before);
        assert_eq!(entry(&changed, "password"), text::CHANGED);
        let again = look(&at_sap("2", &[("Password", "q")]), changed.clone());
        assert_eq!(entry(&again, "password"), text::CHANGED);
        let gone = look(&at_sap("3", &[]), again);
        assert_eq!(entry(&gone, "password"), text::CHANGED);
        let back = look(&at_sap("4", &[("Password", "p")]), gone);
        assert_eq!(entry(&back, "password"), text::CONFIGURATION);
    }

    #[test]
    fn a_masked_secret_is_no_drift_and_a_change_of_the_mask_is() {
        for told in [&[("Password", "***")][..], &[("Password", "")], &[]] {
            let (state, record) = written("0", "p");
            let provider = provider(None);
            let record = Look::learn(&provider, &at_sap("1", told), (&state, record));
            let masked = look(&at_sap("2", told), (state, record));
            assert_eq!(entry(&masked, "password"), text::NOT_TOLD, "{told:?}");
            let later = look(&at_sap("3", told), masked);
            assert_eq!(entry(&later, "password"), text::NOT_TOLD, "{told:?}");
            let other = look(&at_sap("4", &[("Password", "*")]), later);
            assert_eq!(entry(&other, "password"), text::CHANGED, "{told:?}");
        }
    }

    #[test]
    fn a_value_in_a_form_of_the_service_keeps_the_written_one_and_warns() {
        let (mut state, record) = imported(&at_sap("1", &[]));
        state.description = Some("d\n".into());
        let found = at_sap("1", &[("Description", "d")]);
        let (seen, warnings) = look_with(None, &found, (state, record));
        assert_eq!(seen.0.description.as_deref(), Some("d\n"));
        assert_eq!(warnings, ["Stored in another form"]);
        let later = look(&at_sap("2", &[("Description", "d")]), seen);
        assert_eq!(later.0.description.as_deref(), Some("d\n"));
        let changed = look(&at_sap("3", &[("Description", "e")]), later);
        assert_eq!(changed.0.description.as_deref(), Some("e"));
        assert!(changed.1.told.is_empty());
    }

    #[test]
    fn a_new_etag_alone_changes_no_private_data() {
        let before = written("1", "p");
        let after = look(&at_sap("2", &[("Password", "p")]), before.clone());
        assert_eq!(after, before);
    }

    #[test]
    fn a_key_that_was_rotated_is_seen() {
        let found = |secret| {
            at_sap(
                "1",
                &[
                    ("Authentication", "OAuth2ClientCredentials"),
                    ("URL", "https://calm/api"),
                    ("clientId", "c"),
                    ("tokenServiceURL", "https://calm.auth/oauth/token"),
                    ("clientSecret", secret),
                ],
            )
        };
        let stub = (Model::default(), Record::default());
        let (mut seen, _) = look_with(Some(KEY), &found("key-secret"), stub);
        assert_eq!(seen.1.key, Some(Origin::CloudAlmKey));
        assert_eq!(entry(&seen, "client_secret"), text::FOUND);
        let ours = Some(text::CLOUD_ALM_KEY.to_owned());
        seen.0.secrets = Some(BTreeMap::from([("client_secret".to_owned(), ours)]));
        seen.1.etag = Some("0".to_owned());
        let look = |key: &str, secret| {
            let (seen, _) = look_with(Some(key), &found(secret), seen.clone());
            entry(&seen, "client_secret").to_owned()
        };
        let rotated = KEY.replace("key-secret", "newer");
        assert_eq!(look(KEY, "key-secret"), text::CLOUD_ALM_KEY);
        assert_eq!(look(KEY, "other"), text::CHANGED);
        assert_eq!(look(&rotated, "key-secret"), text::EARLIER_KEY);
        assert_eq!(look(&rotated, "newer"), text::CLOUD_ALM_KEY);
    }

    #[test]
    fn texts_that_differ_in_normalisation_only_keep_their_form() {
        let (mut state, record) = imported(&at_sap("1", &[]));
        state.description = Some("caf\u{e9}".into());
        let (state, _) = look(
            &at_sap("2", &[("Description", "cafe\u{301}")]),
            (state, record),
        );
        assert_eq!(state.description.as_deref(), Some("caf\u{e9}"));
    }

    #[test]
    fn an_absent_property_reads_as_its_default() {
        let (state, _) = imported(&at_sap("1", &[]));
        assert_eq!(state.proxy_type.as_deref(), Some("Internet"));
        assert_eq!(state.authentication.as_deref(), Some("NoAuthentication"));
    }

    fn any_map() -> impl Strategy<Value = BTreeMap<String, String>> {
        let keys = prop::sample::select(vec![
            "Type",
            "URL",
            "User",
            "scope",
            "Description",
            "Authentication",
            "ProxyType",
            "sap-client",
            "TrustAll",
            "URL.headers.x",
            "mine",
            "yours",
            "clientSecret",
            "Password",
            "clientKey",
            "jco.client.passwd",
        ]);
        let values = prop::sample::select(vec!["", "a", "b", "HTTP", "Internet"]);
        prop::collection::btree_map(
            keys.prop_map(str::to_owned),
            values.prop_map(str::to_owned),
            0..12,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn looking_twice_changes_nothing(map in any_map()) {
            let mut found = at_sap("1", &[]);
            found.properties = map.into_iter().collect();
            let once = imported(&found);
            prop_assert_eq!(look(&found, once.clone()), once);
        }

        #[test]
        fn values_of_unknown_properties_are_never_shown(map in any_map()) {
            let mut found = at_sap("1", &[]);
            found.properties = map.into_iter().collect();
            for key in imported(&found).0.properties.unwrap_or_default().keys() {
                prop_assert!(is_open(key));
            }
        }
    }
}
