//! What a destination is to hold, compared with what it holds.
//!
//! Pure functions between [`Model`] (Terraform's side) and [`Properties`]
//! (SAP's side). The promises that everything else relies on are kept here and
//! tested here: a change never drops a property that is not managed, never
//! blanks a secret, and is empty when SAP already holds everything.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use super::destination_fallback::Fallback;
use super::destination_properties::{
    CLIENT_SECRET, HTTP, Known, NAME, NO_AUTHENTICATION, SECRETS, TYPED, default_proxy_type,
    default_token_service_url_type, holds_credentials, is_further, is_open, lookup,
};
use super::destination_schema::Model;
use super::destination_secrets::{Origin, Records, display_name};
use client::{Changes, Properties};
use framework::sensitive::Sensitive;

/// The properties that say to whom a destination sends its secrets. They are
/// written together with every secret.
const ADDRESS: [&str; 4] = ["URL", "ProxyType", "tokenServiceURL", "tokenServiceURLType"];

/// What a destination is to hold.
#[derive(Debug)]
pub(super) struct Wanted {
    name: String,
    /// Every typed property by SAP's name; `None`: it must not be there.
    typed: BTreeMap<&'static str, Option<String>>,
    /// Further properties and their values.
    further: BTreeMap<String, String>,
    /// Which other further properties must not be there.
    unwanted: Unwanted,
    /// What is wanted of the secrets.
    pub(super) secrets: SecretsWanted,
}

/// Further properties that must not be there.
#[derive(Debug)]
pub(super) enum Unwanted {
    /// These, as far as they are not wanted.
    Only(BTreeSet<String>),
    /// All that are not wanted.
    AllOthers,
}

/// What is wanted of the secret properties. What is in neither of the three
/// is not managed.
#[derive(Debug, Default)]
pub(super) struct SecretsWanted {
    /// They must have these values.
    pub(super) set: BTreeMap<String, (Origin, SecretString)>,
    /// They must not be there: we wrote them, and they left the configuration.
    pub(super) drop: BTreeSet<String>,
    /// They stay as they are although we manage them: their version did not
    /// change, or their source is not configured any more.
    pub(super) keep: BTreeSet<String>,
}

impl SecretsWanted {
    /// Decides for a configuration that is known. `prior` is `None` on create;
    /// `from_key` is the client secret of the provider's Cloud ALM key.
    pub(super) fn of(
        config: &Model,
        prior: Option<&Model>,
        records: &Records,
        from_key: Option<&SecretString>,
    ) -> Self {
        let falls_back = Fallback::of_model(config) == Fallback::Everything;
        let drifted = |key: &str| is_out_of_sync(prior, key);
        let mut wanted = Self::default();
        for pair in SECRETS {
            let values = (pair.read)(config);
            let before = prior.map(pair.read);
            let key = pair.key.to_owned();
            if let Some(secret) = values.plain {
                wanted.set_configured(key, secret);
            } else if let Some(secret) = values.write_only {
                let same_version = values.version.is_some()
                    && before.is_some_and(|before| before.version == values.version);
                if same_version && records.is_ours(pair.key) && !drifted(pair.key) {
                    wanted.keep.insert(key);
                } else {
                    wanted.set_configured(key, secret);
                }
            } else if pair.key == CLIENT_SECRET && falls_back {
                match from_key {
                    Some(secret) => {
                        let value = (Origin::CloudAlmKey, secret.clone());
                        wanted.set.insert(key, value);
                    }
                    None => {
                        wanted.keep.insert(key);
                    }
                }
            } else if records.is_ours(pair.key)
                || before.is_some_and(|before| before.plain.is_some() || before.version.is_some())
            {
                wanted.drop.insert(key);
            }
        }
        wanted.further(config, prior, records);
        wanted
    }

    fn further(&mut self, config: &Model, prior: Option<&Model>, records: &Records) {
        let nothing = BTreeMap::new();
        let configured = config.secret_properties_wo.as_ref().unwrap_or(&nothing);
        let version = config.secret_properties_wo_version;
        let same_version = version.is_some()
            && prior.is_some_and(|prior| prior.secret_properties_wo_version == version);
        for (key, secret) in configured {
            if same_version && records.is_ours(key) && !is_out_of_sync(prior, key) {
                self.keep.insert(key.clone());
            } else {
                self.set_configured(key.clone(), secret);
            }
        }
        for key in records.further() {
            if !configured.contains_key(key) {
                self.drop.insert(key.to_owned());
            }
        }
    }

    fn set_configured(&mut self, key: String, secret: &Sensitive) {
        let value = SecretString::from(secret.expose().to_owned());
        self.set.insert(key, (Origin::Configuration, value));
    }

    /// Secrets that are ours, whatever is done with them now.
    fn is_managed(&self, key: &str) -> bool {
        self.set.contains_key(key) || self.keep.contains(key)
    }
}

/// Whether Read found that somebody changed this secret.
pub(super) fn is_out_of_sync(prior: Option<&Model>, key: &str) -> bool {
    let names = prior.and_then(|prior| prior.out_of_sync_secrets.as_ref());
    names.is_some_and(|names| names.contains(&display_name(key)))
}

impl Wanted {
    /// What a model whose values are all decided says.
    pub(super) fn new(model: &Model, unwanted: Unwanted, secrets: SecretsWanted) -> Self {
        let typed = TYPED.iter().map(|property| {
            let value = (property.read)(model).filter(|value| !value.is_empty());
            (property.key, value.map(str::to_owned))
        });
        Self {
            name: model.destination_name().to_owned(),
            typed: typed.collect(),
            further: model.properties.clone().unwrap_or_default(),
            unwanted,
            secrets,
        }
    }

    /// A new destination with all of it.
    pub(super) fn body(&self) -> Properties {
        let mut body = Properties::default();
        for (key, value) in &self.typed {
            if let Some(value) = value {
                body.insert((*key).to_owned(), value.clone());
            }
        }
        for (key, value) in &self.further {
            body.insert(key.clone(), value.clone());
        }
        for (key, (_, secret)) in &self.secrets.set {
            let secret = secret.expose_secret();
            if !secret.is_empty() {
                body.insert(key.clone(), secret.to_owned());
            }
        }
        body.insert(NAME.to_owned(), self.name.clone());
        body
    }

    /// Whether SAP holds exactly this and nothing else: then a create call
    /// whose answer was lost has worked.
    pub(super) fn is_exactly(&self, actual: &Properties) -> bool {
        let body = self.body();
        body.len() == actual.len()
            && body
                .iter()
                .all(|(key, value)| actual.get(key).is_some_and(|have| same_text(have, value)))
    }

    /// What has to change so that SAP holds what is wanted. Empty when it
    /// already does.
    pub(super) fn changes(&self, actual: &Properties) -> Changes {
        let mut changes = Changes::default();
        let kind_changes = ["Type", "Authentication"].iter().any(|key| {
            self.typed
                .get(key)
                .is_some_and(|wanted| self.differs(actual, key, wanted.as_deref()))
        });
        for (key, wanted) in &self.typed {
            // A default that SAP only implies is written out with a new kind.
            let implied = value(actual, key).is_none() && wanted.is_some();
            if self.differs(actual, key, wanted.as_deref()) || (kind_changes && implied) {
                changes.insert((*key).to_owned(), wanted.clone());
            }
        }
        for key in actual.keys().filter(|key| self.is_unwanted(key)) {
            changes.insert(key.clone(), None);
        }
        for (key, value) in &self.further {
            if actual.get(key).is_none_or(|have| !same_text(have, value)) {
                changes.insert(key.clone(), Some(value.clone()));
            }
        }
        for key in &self.secrets.drop {
            if actual.contains_key(key) {
                changes.insert(key.clone(), None);
            }
        }
        for (key, (_, secret)) in &self.secrets.set {
            let secret = secret.expose_secret();
            if !secret.is_empty() && actual.get(key).is_none_or(|have| have != secret) {
                changes.insert(key.clone(), Some(secret.to_owned()));
                self.address(&mut changes);
            }
        }
        changes
    }

    /// Adds where secrets go: somebody may redirect the destination between
    /// our look at it and the write, and a secret must not arrive there.
    fn address(&self, changes: &mut Changes) {
        for key in ADDRESS {
            if let Some(Some(value)) = self.typed.get(key) {
                changes.entry(key.to_owned()).or_insert(Some(value.clone()));
            }
        }
    }

    /// Whether SAP does something else for a typed property than what is
    /// wanted.
    fn differs(&self, actual: &Properties, key: &str, wanted: Option<&str>) -> bool {
        match wanted {
            Some(wanted) => self
                .effect(actual, key)
                .is_none_or(|have| !same_text(have, wanted)),
            None => value(actual, key).is_some(),
        }
    }

    /// What SAP does for a typed property, before and after type and
    /// authentication become the wanted ones. A default counts only when it
    /// holds on both sides: else the change is one that the plan shows.
    fn effect<'a>(&self, actual: &'a Properties, key: &str) -> Option<&'a str> {
        let wanted = |key| self.typed.get(key).and_then(Option::as_deref);
        let type_ = wanted("Type").unwrap_or(HTTP);
        let after = effective(actual, key, type_, wanted("Authentication"));
        let type_ = value(actual, "Type").unwrap_or(HTTP);
        let before = effective(actual, key, type_, value(actual, "Authentication"));
        after.filter(|after| before == Some(*after))
    }

    fn is_unwanted(&self, key: &str) -> bool {
        let unwanted = match &self.unwanted {
            Unwanted::Only(keys) => keys.contains(key),
            Unwanted::AllOthers => true,
        };
        unwanted
            && is_further(key)
            && !self.further.contains_key(key)
            && !self.secrets.is_managed(key)
    }

    /// The properties at SAP that nothing here stands for and that a complete
    /// set of properties removes.
    pub(super) fn unwanted_in<'a>(&self, actual: &'a Properties) -> Vec<&'a str> {
        let keys = actual.keys().map(String::as_str);
        keys.filter(|key| self.is_unwanted(key)).collect()
    }
}

/// Fills a model with what SAP holds, and keeps the form of what is equal.
///
/// `records` says which secrets are managed; they are not named as unmanaged.
pub(super) fn observe(model: &mut Model, actual: &Properties, records: &Records) {
    let import = model.is_import_stub();
    let type_ = value(actual, "Type").unwrap_or(HTTP);
    let authentication = value(actual, "Authentication");
    for property in TYPED {
        let slot = (property.slot)(model);
        let effective = effective(actual, property.key, type_, authentication);
        *slot = observed(slot.as_deref(), effective);
    }
    let secrets = records.further();
    let further: Vec<(&String, &String)> = actual
        .iter()
        .filter(|(key, _)| match lookup(key) {
            Known::Open | Known::Unknown => !secrets.contains(key.as_str()),
            _ => false,
        })
        .collect();
    let is_shown = |key: &str, value: &str| is_open(key) && !holds_credentials(value);
    if import {
        // A set that leaves something out would be a wish to remove it.
        let all_open =
            !further.is_empty() && further.iter().all(|(key, value)| is_shown(key, value));
        model.properties = all_open.then(BTreeMap::new);
    }
    if let Some(prior) = model.properties.take() {
        let shown = further
            .iter()
            .filter(|(key, value)| prior.contains_key(*key) || is_shown(key, value))
            .map(|(key, value)| {
                let form = prior.get(*key).filter(|prior| same_text(prior, value));
                ((*key).clone(), form.cloned().unwrap_or_else(|| nfc(value)))
            });
        model.properties = Some(shown.collect());
    }
    model.unmanaged_properties = Some(unmanaged(model, actual, records));
}

/// The names of the properties at SAP that no attribute of the model stands
/// for.
pub(super) fn unmanaged(model: &Model, actual: &Properties, records: &Records) -> Vec<String> {
    let nothing = BTreeMap::new();
    let managed = model.properties.as_ref().unwrap_or(&nothing);
    let secrets = records.further();
    let names = actual.keys().filter(|key| {
        matches!(
            lookup(key),
            Known::Open | Known::Unknown | Known::OtherSecret
        ) && !managed.contains_key(*key)
            && !secrets.contains(key.as_str())
    });
    names.cloned().collect()
}

/// What SAP does for a typed property, also where it holds no value. An empty
/// text is no value. `type_` and `authentication` decide what the default is.
fn effective<'a>(
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

fn value<'a>(actual: &'a Properties, key: &str) -> Option<&'a str> {
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
fn same_text(one: &str, other: &str) -> bool {
    one == other || one.nfc().eq(other.nfc())
}

fn nfc(text: &str) -> String {
    text.nfc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::provider::destination_secrets::Record;

    fn properties(entries: &[(&str, &str)]) -> Properties {
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn secret(text: &str) -> Sensitive {
        Sensitive::from(text.to_owned())
    }

    fn keys(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn none() -> Unwanted {
        Unwanted::Only(BTreeSet::new())
    }

    fn basic() -> Model {
        Model {
            name: Some("d".into()),
            r#type: Some("HTTP".into()),
            url: Some("https://a".into()),
            proxy_type: Some("Internet".into()),
            authentication: Some("BasicAuthentication".into()),
            user: Some("u".into()),
            ..Model::default()
        }
    }

    fn basic_at_sap() -> Properties {
        properties(&[
            ("Name", "d"),
            ("Type", "HTTP"),
            ("URL", "https://a"),
            ("ProxyType", "Internet"),
            ("Authentication", "BasicAuthentication"),
            ("User", "u"),
        ])
    }

    fn change_list(changes: &Changes) -> Vec<(String, Option<String>)> {
        changes
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    #[test]
    fn nothing_changes_when_sap_holds_everything() {
        let wanted = Wanted::new(&basic(), none(), SecretsWanted::default());
        assert_eq!(change_list(&wanted.changes(&basic_at_sap())), []);
        assert!(wanted.is_exactly(&basic_at_sap()));
    }

    #[test]
    fn an_absent_property_reads_as_its_default() {
        let mut actual = basic_at_sap();
        actual.remove("ProxyType");
        let wanted = Wanted::new(&basic(), none(), SecretsWanted::default());
        assert_eq!(change_list(&wanted.changes(&actual)), []);
        let mut model = basic();
        observe(&mut model, &actual, &Records::default());
        assert_eq!(model.proxy_type.as_deref(), Some("Internet"));
        actual.remove("Authentication");
        observe(&mut model, &actual, &Records::default());
        assert_eq!(model.authentication.as_deref(), Some("NoAuthentication"));
    }

    #[test]
    fn a_default_that_comes_with_another_authentication_is_sent() {
        let mut model = basic();
        model.authentication = Some("OAuth2JWTBearer".into());
        model.token_service_url_type = Some("Dedicated".into());
        model.user = None;
        let wanted = Wanted::new(&model, none(), SecretsWanted::default());
        let changes = change_list(&wanted.changes(&basic_at_sap()));
        let sent = (
            "tokenServiceURLType".to_owned(),
            Some("Dedicated".to_owned()),
        );
        assert!(changes.contains(&sent), "{changes:?}");
        // Where the authentication was that one before, absence says the same.
        let mut actual = basic_at_sap();
        actual.insert("Authentication".into(), "OAuth2JWTBearer".into());
        let changes = change_list(&wanted.changes(&actual));
        assert!(!changes.contains(&sent), "{changes:?}");
    }

    #[test]
    fn only_what_differs_is_sent() {
        let mut model = basic();
        model.description = Some("new".into());
        model.user = None;
        let wanted = Wanted::new(&model, none(), SecretsWanted::default());
        assert_eq!(
            change_list(&wanted.changes(&basic_at_sap())),
            [
                ("Description".to_owned(), Some("new".to_owned())),
                ("User".to_owned(), None)
            ]
        );
    }

    #[test]
    fn an_empty_text_is_no_value() {
        let mut model = basic();
        model.description = Some(String::new());
        let wanted = Wanted::new(&model, none(), SecretsWanted::default());
        assert_eq!(change_list(&wanted.changes(&basic_at_sap())), []);
        assert!(!wanted.body().contains_key("Description"));
        let mut actual = basic_at_sap();
        actual.insert("Description".into(), String::new());
        assert_eq!(change_list(&wanted.changes(&actual)), []);
        observe(&mut model, &basic_at_sap(), &Records::default());
        assert_eq!(
            model.description.as_deref(),
            Some(""),
            "the prior form stays"
        );
    }

    #[test]
    fn unmanaged_properties_stay_and_are_named() {
        let mut actual = basic_at_sap();
        actual.insert("TrustAll".into(), "TRUE".into());
        actual.insert("mine".into(), "x".into());
        actual.insert("Password".into(), "p".into());
        let mut model = basic();
        model.unmanaged_properties = Some(Vec::new());
        observe(&mut model, &actual, &Records::default());
        assert_eq!(model.properties, None);
        assert_eq!(model.unmanaged_properties.unwrap(), ["TrustAll", "mine"]);
        let wanted = Wanted::new(&basic(), none(), SecretsWanted::default());
        assert_eq!(change_list(&wanted.changes(&actual)), []);
    }

    #[test]
    fn a_complete_set_shows_open_values_and_names_the_others() {
        let mut actual = basic_at_sap();
        for (key, value) in [
            ("sap-client", "100"),
            ("mine", "1"),
            ("foreign", "x"),
            ("TrustAll", "TRUE"),
        ] {
            actual.insert(key.into(), value.into());
        }
        let mut model = basic();
        model.unmanaged_properties = Some(Vec::new());
        model.properties = Some(BTreeMap::from([
            ("sap-client".to_owned(), "200".to_owned()),
            ("mine".to_owned(), "0".to_owned()),
            ("gone".to_owned(), "0".to_owned()),
        ]));
        observe(&mut model, &actual, &Records::default());
        let shown: Vec<(String, String)> = model.properties.unwrap().into_iter().collect();
        assert_eq!(
            shown,
            [("TrustAll", "TRUE"), ("mine", "1"), ("sap-client", "100")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
        assert_eq!(model.unmanaged_properties.unwrap(), ["foreign"]);
    }

    #[test]
    fn an_import_shows_further_properties_only_when_all_of_them_may_be_shown() {
        let mut actual = basic_at_sap();
        actual.insert("sap-client".into(), "100".into());
        actual.insert("Password".into(), "p".into());
        let mut stub = Model::default();
        observe(&mut stub, &actual, &Records::default());
        assert_eq!(
            stub.properties,
            Some(BTreeMap::from([(
                "sap-client".to_owned(),
                "100".to_owned()
            )]))
        );
        assert_eq!(stub.unmanaged_properties.unwrap(), [""; 0]);
        actual.insert("mine".into(), "x".into());
        let mut stub = Model::default();
        observe(&mut stub, &actual, &Records::default());
        assert_eq!(stub.properties, None);
        assert_eq!(stub.unmanaged_properties.unwrap(), ["mine", "sap-client"]);
        let mut stub = Model::default();
        observe(&mut stub, &basic_at_sap(), &Records::default());
        assert_eq!(stub.properties, None);
    }

    #[test]
    fn texts_that_differ_in_normalisation_only_keep_their_form() {
        let mut model = basic();
        model.description = Some("caf\u{e9}".into());
        let mut actual = basic_at_sap();
        actual.insert("Description".into(), "cafe\u{301}".into());
        let wanted = Wanted::new(&model, none(), SecretsWanted::default());
        assert_eq!(change_list(&wanted.changes(&actual)), []);
        observe(&mut model, &actual, &Records::default());
        assert_eq!(model.description.as_deref(), Some("caf\u{e9}"));
    }

    #[test]
    fn a_secret_that_left_the_configuration_is_dropped_only_when_it_is_ours() {
        let mut records = Records::default();
        records.insert("Password", Record::new(Origin::Configuration, "p").unwrap());
        records.insert("clientKey", Record::new(Origin::Sap, "k").unwrap());
        records.insert(
            "jco.client.passwd",
            Record::new(Origin::Configuration, "j").unwrap(),
        );
        let wanted = SecretsWanted::of(&basic(), Some(&basic()), &records, None);
        assert_eq!(wanted.drop, keys(&["Password", "jco.client.passwd"]));
        assert!(wanted.set.is_empty() && wanted.keep.is_empty());
    }

    #[test]
    fn a_version_decides_when_a_write_only_secret_is_written() {
        let mut records = Records::default();
        records.insert(
            "Password",
            Record::new(Origin::Configuration, "old").unwrap(),
        );
        let with = |version| Model {
            password_wo: Some(secret("new")),
            password_wo_version: version,
            ..basic()
        };
        let prior = |version, drift: &[&str]| Model {
            password_wo_version: version,
            out_of_sync_secrets: Some(drift.iter().map(|name| (*name).to_owned()).collect()),
            ..basic()
        };
        let is_written = |config: &Model, prior: &Model, records: &Records| {
            let wanted = SecretsWanted::of(config, Some(prior), records, None);
            wanted.set.contains_key("Password")
        };
        assert!(!is_written(&with(Some(1)), &prior(Some(1), &[]), &records));
        assert!(is_written(&with(Some(2)), &prior(Some(1), &[]), &records));
        assert!(is_written(
            &with(Some(1)),
            &prior(Some(1), &["password"]),
            &records
        ));
        assert!(is_written(
            &with(Some(1)),
            &prior(Some(1), &[]),
            &Records::default()
        ));
        assert!(is_written(&with(None), &prior(None, &[]), &records));
    }

    #[test]
    fn the_key_feeds_the_secret_and_its_absence_keeps_it() {
        let config = Model::default();
        let from_key = SecretString::from("k".to_owned());
        let records = Records::default();
        let wanted = SecretsWanted::of(&config, None, &records, Some(&from_key));
        let (origin, value) = &wanted.set[CLIENT_SECRET];
        assert_eq!((*origin, value.expose_secret()), (Origin::CloudAlmKey, "k"));
        let wanted = SecretsWanted::of(&config, None, &records, None);
        assert_eq!(wanted.keep, keys(&[CLIENT_SECRET]));
    }

    #[test]
    fn the_body_holds_secrets_and_the_name() {
        let mut config = basic();
        config.password_wo = Some(secret("p"));
        let secrets = SecretsWanted::of(&config, None, &Records::default(), None);
        let mut expected = basic_at_sap();
        expected.insert("Password".into(), "p".into());
        let wanted = Wanted::new(&basic(), Unwanted::AllOthers, secrets);
        assert!(wanted.body() == expected);
        assert!(wanted.is_exactly(&expected));
        expected.insert("more".into(), "x".into());
        assert!(!wanted.is_exactly(&expected), "others are somebody else's");
    }

    /// Keys of every class: typed, open, secret, unknown.
    fn any_key() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
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
        ])
        .prop_map(str::to_owned)
    }

    fn any_value() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["", "a", "b", "HTTP", "Internet"]).prop_map(str::to_owned)
    }

    fn any_map() -> impl Strategy<Value = BTreeMap<String, String>> {
        prop::collection::btree_map(any_key(), any_value(), 0..12)
    }

    fn any_wanted() -> impl Strategy<Value = Wanted> {
        let sets = (any_map(), any_map(), any_map());
        let names = || prop::collection::btree_set(any_key(), 0..6);
        let more = (names(), names(), names(), any::<bool>());
        (sets, more).prop_map(|((typed, further, set), (drop, keep, only, all))| {
            let typed = TYPED.iter().map(|property| {
                let value = typed.get(property.key).filter(|value| !value.is_empty());
                (property.key, value.cloned())
            });
            let is_secret =
                |key: &str| matches!(lookup(key), Known::Secret(_) | Known::OtherSecret);
            let set = set
                .into_iter()
                .filter(|(key, _)| is_secret(key))
                .map(|(key, value)| (key, (Origin::Configuration, SecretString::from(value))));
            let set: BTreeMap<_, _> = set.collect();
            let keep: BTreeSet<String> = keep.into_iter().filter(|key| is_secret(key)).collect();
            let drop = drop
                .into_iter()
                .filter(|key| is_secret(key) && !set.contains_key(key) && !keep.contains(key));
            Wanted {
                name: "d".to_owned(),
                typed: typed.collect(),
                further: further
                    .into_iter()
                    .filter(|(key, _)| is_further(key))
                    .collect(),
                unwanted: if all {
                    Unwanted::AllOthers
                } else {
                    Unwanted::Only(only)
                },
                secrets: SecretsWanted {
                    drop: drop.collect(),
                    keep,
                    set,
                },
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn changes_never_touch_what_is_not_managed(wanted in any_wanted(), actual in any_map()) {
            let actual = Properties(actual);
            let changes = wanted.changes(&actual);
            for (key, value) in changes.iter() {
                let typed = wanted.typed.contains_key(key.as_str());
                let configured = wanted.further.contains_key(key)
                    || wanted.secrets.set.contains_key(key);
                let removable = wanted.secrets.drop.contains(key)
                    || (is_further(key) && match &wanted.unwanted {
                        Unwanted::Only(keys) => keys.contains(key),
                        Unwanted::AllOthers => true,
                    });
                if value.is_some() {
                    prop_assert!(typed || configured, "sets {key}");
                } else {
                    prop_assert!(typed || removable, "removes {key}");
                    prop_assert!(!wanted.secrets.is_managed(key), "removes managed {key}");
                }
            }
        }

        #[test]
        fn changes_never_blank_a_secret(wanted in any_wanted(), actual in any_map()) {
            for (key, value) in wanted.changes(&Properties(actual)).iter() {
                if matches!(lookup(key), Known::Secret(_) | Known::OtherSecret) {
                    prop_assert_ne!(value.as_deref(), Some(""));
                }
            }
        }

        #[test]
        fn after_a_change_nothing_is_left_to_change(wanted in any_wanted(), actual in any_map()) {
            let actual = Properties(actual);
            let after = actual.with(&wanted.changes(&actual));
            prop_assert!(wanted.changes(&after).is_empty());
        }

        #[test]
        fn a_new_destination_needs_no_change(wanted in any_wanted()) {
            let body = wanted.body();
            prop_assert!(wanted.is_exactly(&body));
            prop_assert!(wanted.changes(&body).is_empty());
        }

        #[test]
        fn observing_twice_changes_nothing(actual in any_map()) {
            let actual = Properties(actual);
            let mut model = Model::default();
            observe(&mut model, &actual, &Records::default());
            let once = serde_json::to_value(&model).unwrap();
            observe(&mut model, &actual, &Records::default());
            prop_assert_eq!(once, serde_json::to_value(&model).unwrap());
        }

        #[test]
        fn what_was_observed_needs_no_change(actual in any_map()) {
            let actual = Properties(actual);
            let mut model = Model::default();
            observe(&mut model, &actual, &Records::default());
            let unwanted = match &model.properties {
                Some(_) => Unwanted::AllOthers,
                None => Unwanted::Only(BTreeSet::new()),
            };
            let wanted = Wanted::new(&model, unwanted, SecretsWanted::default());
            prop_assert!(wanted.changes(&actual).is_empty());
        }

        #[test]
        fn values_of_unknown_properties_are_never_shown(actual in any_map()) {
            let actual = Properties(actual);
            let mut model = Model::default();
            observe(&mut model, &actual, &Records::default());
            for key in model.properties.unwrap_or_default().keys() {
                prop_assert!(is_open(key));
            }
        }
    }
}
