//! What a destination is to hold, compared with what it holds.
//!
//! Pure functions between [`Model`] (Terraform's side) and [`Properties`]
//! (SAP's side). The promises that everything else relies on are kept here and
//! tested here: a change never drops a property that the plan did not name,
//! never blanks a secret, and is empty when SAP already holds everything.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};

use client::{Changes, Properties};
use framework::diagnostics::Diagnostic;
use framework::path::Path;

use super::super::configured::Configured;
use super::drift::{effective, same_text, value};
use super::model::Model;
use super::plan::Decision;
use super::record::Origin;
use super::source::{of_provider, own_secret};
use super::vocabulary::{HTTP, NAME, TYPED, secret_key, secret_name};

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
    /// Properties that must not be there: further ones, and secrets.
    unwanted: BTreeSet<String>,
    /// Secrets that must have these values.
    pub(super) secrets: BTreeMap<String, SecretString>,
    /// Every secret that there is or will be.
    managed: BTreeSet<String>,
    /// What SAP tells of properties that stay as they were written, where it
    /// tells them in a form of its own.
    pub(super) told: BTreeMap<String, Option<String>>,
}

impl Wanted {
    /// What a plan says. The values of the secrets that it decided to write
    /// come from the configuration and the provider's key.
    pub(super) fn new(
        provider: &Configured,
        config: &Model,
        planned: &Model,
        decision: &Decision,
    ) -> Result<Self, Diagnostic> {
        let typed = TYPED.iter().map(|property| {
            let value = (property.read)(planned).filter(|value| !value.is_empty());
            (property.key, value.map(str::to_owned))
        });
        let mut secrets = BTreeMap::new();
        for (key, origin) in &decision.write {
            let value = secret(provider, (config, planned), key, *origin);
            let value = value.ok_or_else(|| not_there(key))?;
            secrets.insert(key.clone(), value);
        }
        let entries = planned.secrets.iter().flat_map(|map| map.keys());
        Ok(Self {
            name: planned.destination_name().to_owned(),
            typed: typed.collect(),
            further: planned.properties.clone().unwrap_or_default(),
            unwanted: decision.remove.clone(),
            managed: entries
                .map(|name| secret_key(name).to_owned())
                .chain(secrets.keys().cloned())
                .collect(),
            secrets,
            told: BTreeMap::new(),
        })
    }

    /// A new destination with all of it.
    pub(super) fn body(&self) -> Properties {
        let typed = self.typed.iter();
        let typed = typed.filter_map(|(key, value)| Some(((*key).to_owned(), value.clone()?)));
        let secrets = self.secrets.iter();
        let secrets = secrets.map(|(key, secret)| (key.clone(), secret.expose_secret().to_owned()));
        let name = (NAME.to_owned(), self.name.clone());
        let further = self.further.clone();
        typed.chain(further).chain(secrets).chain([name]).collect()
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
        for key in actual.keys().filter(|key| self.unwanted.contains(*key)) {
            changes.insert(key.clone(), None);
        }
        for (key, value) in &self.further {
            let is_there = actual.get(key).is_some_and(|have| same_text(have, value));
            if !is_there && !self.is_own_form(actual, key) {
                changes.insert(key.clone(), Some(value.clone()));
            }
        }
        for (key, secret) in &self.secrets {
            let secret = secret.expose_secret();
            if actual.get(key).is_none_or(|have| have != secret) {
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
        if self.is_own_form(actual, key) {
            return false;
        }
        match wanted {
            Some(wanted) => self
                .effect(actual, key)
                .is_none_or(|have| !same_text(have, wanted)),
            None => value(actual, key).is_some(),
        }
    }

    fn is_own_form(&self, actual: &Properties, key: &str) -> bool {
        let told = self.told.get(key);
        told.is_some_and(|told| told.as_deref() == actual.get(key).map(String::as_str))
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

    /// The properties at SAP that nothing here stands for.
    pub(super) fn foreign(&self, actual: &Properties) -> Vec<String> {
        let is_known = |key: &str| {
            key == NAME
                || self.typed.contains_key(key)
                || self.further.contains_key(key)
                || self.managed.contains(key)
                || super::vocabulary::is_secret(key)
        };
        let keys = actual.keys().filter(|key| !is_known(key));
        keys.cloned().collect()
    }

    /// Takes over a destination: with `properties` every other one goes,
    /// except those that may stay.
    pub(super) fn remove_foreign(&mut self, actual: &Properties, allowed: &BTreeSet<String>) {
        let foreign = self.foreign(actual).into_iter();
        self.unwanted
            .extend(foreign.filter(|key| !allowed.contains(key)));
    }

    /// The properties that go.
    pub(super) fn removed_from<'a>(&self, actual: &'a Properties) -> Vec<&'a str> {
        let keys = actual.keys().map(String::as_str);
        keys.filter(|key| self.unwanted.contains(*key)).collect()
    }
}

/// The value of a secret that a plan decided to write. Never an empty one. From
/// the configuration comes what is write-only; what the plan itself holds may be
/// another one there, whose change is ignored.
fn secret(
    provider: &Configured,
    (config, planned): (&Model, &Model),
    key: &str,
    origin: Origin,
) -> Option<SecretString> {
    let name = secret_name(key);
    let configured = || planned.secret(name).or_else(|| config.secret(name));
    let value = match origin {
        Origin::Configuration => SecretString::from(configured()?.expose().to_owned()),
        Origin::ServiceKey => own_secret(config.service_key.as_ref()?.json_wo.as_ref()?.expose())?,
        Origin::CloudAlmKey => of_provider(provider)?.client_secret,
    };
    Some(value).filter(|value| !value.expose_secret().is_empty())
}

fn not_there(key: &str) -> Diagnostic {
    Diagnostic::error(
        "Secret not there",
        format!(
            "The plan writes `{}`, and now it has no value. Nothing was changed. Plan again.",
            secret_name(key)
        ),
    )
    .at(Path::attribute("credentials"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::vocabulary::is_secret;
    use super::*;

    fn properties(entries: &[(&str, &str)]) -> Properties {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        entries.iter().map(owned).collect()
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

    fn wanted_by(planned: &Model, config: &Model, decision: &Decision) -> Wanted {
        let client = client::Client::new(client::Config::default()).unwrap();
        let provider = Configured::new(client, BTreeMap::new());
        Wanted::new(&provider, config, planned, decision).unwrap()
    }

    fn wanted(planned: &Model) -> Wanted {
        wanted_by(planned, planned, &Decision::default())
    }

    fn listed(changes: &Changes) -> Vec<(&str, Option<&str>)> {
        let changes = changes.iter();
        changes
            .map(|(key, value)| (key.as_str(), value.as_deref()))
            .collect()
    }

    #[test]
    fn nothing_changes_when_sap_holds_everything() {
        assert_eq!(listed(&wanted(&basic()).changes(&basic_at_sap())), []);
        assert!(wanted(&basic()).is_exactly(&basic_at_sap()));
    }

    #[test]
    fn an_absent_property_reads_as_its_default() {
        let mut actual = basic_at_sap();
        actual.remove("ProxyType");
        assert_eq!(listed(&wanted(&basic()).changes(&actual)), []);
    }

    #[test]
    fn a_default_that_comes_with_another_authentication_is_sent() {
        let mut model = basic();
        model.authentication = Some("OAuth2JWTBearer".into());
        model.token_service_url_type = Some("Dedicated".into());
        model.user = None;
        let sent = ("tokenServiceURLType", Some("Dedicated"));
        let changes = wanted(&model).changes(&basic_at_sap());
        assert!(listed(&changes).contains(&sent), "{changes:?}");
        // Where the authentication was that one before, absence says the same.
        let mut actual = basic_at_sap();
        actual.insert("Authentication".into(), "OAuth2JWTBearer".into());
        let changes = wanted(&model).changes(&actual);
        assert!(!listed(&changes).contains(&sent), "{changes:?}");
    }

    #[test]
    fn only_what_differs_is_sent() {
        let mut model = basic();
        model.description = Some("new".into());
        model.user = None;
        let changes = wanted(&model).changes(&basic_at_sap());
        assert_eq!(
            listed(&changes),
            [("Description", Some("new")), ("User", None)]
        );
    }

    #[test]
    fn an_empty_text_is_no_value() {
        let mut model = basic();
        model.description = Some(String::new());
        let wanted = wanted(&model);
        assert_eq!(listed(&wanted.changes(&basic_at_sap())), []);
        assert!(!wanted.body().contains_key("Description"));
        let mut actual = basic_at_sap();
        actual.insert("Description".into(), String::new());
        assert_eq!(listed(&wanted.changes(&actual)), []);
    }

    #[test]
    fn what_the_service_tells_in_a_form_of_its_own_is_not_sent_again() {
        let mut model = basic();
        model.description = Some("d\n".into());
        let mut wanted = wanted(&model);
        wanted.told.insert("Description".into(), Some("d".into()));
        let mut actual = basic_at_sap();
        actual.insert("Description".into(), "d".into());
        assert_eq!(listed(&wanted.changes(&actual)), []);
        actual.insert("Description".into(), "other".into());
        assert_eq!(
            listed(&wanted.changes(&actual)),
            [("Description", Some("d\n"))]
        );
    }

    #[test]
    fn a_secret_goes_together_with_its_address() {
        let config = Model {
            stored_credentials: Some(super::super::model::StoredCredentials {
                password: Some("p".into()),
                ..Default::default()
            }),
            ..basic()
        };
        let decision = Decision {
            write: BTreeMap::from([("Password".to_owned(), Origin::Configuration)]),
            ..Decision::default()
        };
        let wanted = wanted_by(&basic(), &config, &decision);
        let changes = wanted.changes(&basic_at_sap());
        assert_eq!(
            listed(&changes),
            [
                ("Password", Some("p")),
                ("ProxyType", Some("Internet")),
                ("URL", Some("https://a"))
            ]
        );
        let mut expected = basic_at_sap();
        expected.insert("Password".into(), "p".into());
        assert!(wanted.body() == expected && wanted.is_exactly(&expected));
        expected.insert("more".into(), "x".into());
        assert!(!wanted.is_exactly(&expected), "others are somebody else's");
    }

    #[test]
    fn a_secret_that_is_not_there_is_never_written_as_an_empty_one() {
        let client = client::Client::new(client::Config::default()).unwrap();
        let provider = Configured::new(client, BTreeMap::new());
        let decision = Decision {
            write: BTreeMap::from([("Password".to_owned(), Origin::Configuration)]),
            ..Decision::default()
        };
        let error = Wanted::new(&provider, &basic(), &basic(), &decision).unwrap_err();
        assert_eq!(error.summary, "Secret not there");
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
        let names = prop::collection::btree_set(any_key(), 0..6);
        (any_map(), any_map(), any_map(), names).prop_map(|(typed, further, secrets, unwanted)| {
            let typed = TYPED.iter().map(|property| {
                let value = typed.get(property.key).filter(|value| !value.is_empty());
                (property.key, value.cloned())
            });
            let typed: BTreeMap<_, _> = typed.collect();
            let is_typed = |key: &str| typed.contains_key(key);
            let secrets: BTreeMap<_, _> = secrets
                .into_iter()
                .filter(|(key, value)| is_secret(key) && !value.is_empty())
                .map(|(key, value)| (key, SecretString::from(value)))
                .collect();
            let further: BTreeMap<_, _> = further
                .into_iter()
                .filter(|(key, _)| !is_typed(key) && !is_secret(key))
                .collect();
            Wanted {
                name: "d".to_owned(),
                unwanted: unwanted
                    .into_iter()
                    .filter(|key| {
                        !is_typed(key) && !further.contains_key(key) && !secrets.contains_key(key)
                    })
                    .collect(),
                managed: secrets.keys().cloned().collect(),
                typed,
                further,
                secrets,
                told: BTreeMap::new(),
            }
        })
    }

    fn actual(map: BTreeMap<String, String>) -> Properties {
        map.into_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn changes_never_touch_what_is_not_managed(wanted in any_wanted(), map in any_map()) {
            for (key, value) in wanted.changes(&actual(map)).iter() {
                let typed = wanted.typed.contains_key(key.as_str());
                if value.is_some() {
                    let configured = wanted.further.contains_key(key)
                        || wanted.secrets.contains_key(key);
                    prop_assert!(typed || configured, "sets {key}");
                } else {
                    prop_assert!(typed || wanted.unwanted.contains(key), "removes {key}");
                }
            }
        }

        #[test]
        fn changes_never_blank_a_secret(wanted in any_wanted(), map in any_map()) {
            for (key, value) in wanted.changes(&actual(map)).iter().filter(|(key, _)| is_secret(key)) {
                prop_assert_ne!(value.as_deref(), Some(""), "{}", key);
            }
        }

        #[test]
        fn after_a_change_nothing_is_left_to_change(wanted in any_wanted(), map in any_map()) {
            let actual = actual(map);
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
        fn a_take_over_leaves_nothing_foreign(mut wanted in any_wanted(), map in any_map()) {
            let actual = actual(map);
            wanted.remove_foreign(&actual, &BTreeSet::new());
            let after = actual.with(&wanted.changes(&actual));
            prop_assert_eq!(wanted.foreign(&after), Vec::<String>::new());
        }
    }
}
