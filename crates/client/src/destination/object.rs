//! A destination: what it holds, and how SAP tells it.
//!
//! Plain data. How it is asked for and changed is the business of
//! [`destination`](super).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Deref, DerefMut};

use foreign::{Foreign, Secrets};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::told::{AtMost, MOST_MEMBERS, Members, text_of};

/// Something about properties, by SAP's names. Values may be secrets in clear, so
/// `Debug` shows the names only; otherwise it is a map.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ByProperty<V>(pub BTreeMap<String, V>);

/// All properties of a destination, secrets in clear.
pub type Properties = ByProperty<String>;

/// Changes to properties: `Some` sets, `None` deletes, unnamed ones stay.
pub type Changes = ByProperty<Option<String>>;

impl<V> Deref for ByProperty<V> {
    type Target = BTreeMap<String, V>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<V> DerefMut for ByProperty<V> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<V> FromIterator<(String, V)> for ByProperty<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<V> fmt::Debug for ByProperty<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Properties {
    /// These properties after `changes`, as PATCH at SAP would leave them.
    pub fn with(&self, changes: &Changes) -> Self {
        let mut merged = self.clone();
        for (name, value) in changes.iter() {
            match value {
                Some(value) => merged.insert(name.clone(), value.clone()),
                None => merged.remove(name),
            };
        }
        merged
    }
}

/// Labels of a destination: each key with its values.
pub type Labels = BTreeMap<String, BTreeSet<String>>;

/// What SAP knows about a destination besides its properties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Opaque; quotes are kept if SAP sends any.
    pub etag: Option<String>,
    /// When it was last written.
    pub modification_time: Option<Timestamp>,
}

/// A destination as SAP holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// All properties, `Name` and `Type` included, `$metadata` not.
    pub properties: Properties,
    /// Etag and modification time, as far as SAP told them.
    pub metadata: Metadata,
    /// `None` when the answer said nothing about labels; ask
    /// [`Destinations::labels`](super::Destinations::labels).
    pub labels: Option<Labels>,
}

impl Destination {
    /// The property `Name`.
    pub fn name(&self) -> &str {
        self.properties.get("Name").map_or("", String::as_str)
    }
}

/// A destination as SAP wrote it, secrets in clear.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Unread(Box<RawValue>);

impl Unread {
    /// The property `Name`; nothing when this is no destination.
    pub(super) fn name(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Named {
            #[serde(rename = "Name")]
            name: String,
        }
        let named: Named = serde_json::from_str(self.0.get()).ok()?;
        Some(named.name).filter(|name| !name.is_empty())
    }

    /// All of it; the error says what is wrong.
    pub(super) fn read(self, secrets: &Secrets) -> Result<Destination, &'static str> {
        let members = serde_json::from_str(self.0.get()).map_err(|_| NAMELESS)?;
        destination(members, secrets)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ToldMetadata {
    etag: Option<Box<RawValue>>,
    modification_time: Option<Box<RawValue>>,
    labels: Option<ToldLabels>,
}

pub(super) type ToldLabels = AtMost<ToldLabel, MOST_MEMBERS>;

#[derive(Deserialize)]
pub(super) struct ToldLabel {
    key: Option<Foreign>,
    values: Option<AtMost<Foreign, MOST_MEMBERS>>,
}

/// The destination that these members are, when its names can be shown; from now
/// on its secrets are kept. The error says what is wrong.
pub(super) fn destination(
    Members(mut members): Members,
    secrets: &Secrets,
) -> Result<Destination, &'static str> {
    let metadata = match members.remove("$metadata") {
        Some(json) => serde_json::from_str(&json).map_err(|_| "a `$metadata` of another form")?,
        None => ToldMetadata::default(),
    };
    for (name, value) in &members {
        if secrets.identifier(&Foreign::new(name)).is_none() {
            return Err("a property whose name nobody could read");
        }
        secrets.keep_named(name, value);
    }
    if members.get("Name").is_none_or(String::is_empty) {
        return Err(NAMELESS);
    }
    let (metadata, labels) = metadata.read(secrets)?;
    Ok(Destination {
        properties: ByProperty(members),
        metadata,
        labels,
    })
}

pub(super) const NAMELESS: &str = "a destination without `Name`";

impl ToldMetadata {
    pub(super) fn read(
        self,
        secrets: &Secrets,
    ) -> Result<(Metadata, Option<Labels>), &'static str> {
        let text = |value: Option<Box<RawValue>>| value.as_deref().and_then(text_of);
        let etag = text(self.etag).map(|etag| {
            let etag = secrets.identifier(&Foreign::new(etag));
            etag.ok_or("an etag that nobody could read")
        });
        let modified = text(self.modification_time).and_then(|text| text.parse().ok());
        let metadata = Metadata {
            etag: etag.transpose()?,
            modification_time: modified.and_then(|it| Timestamp::from_millisecond(it).ok()),
        };
        let labels = self.labels.map(|labels| labels_of(labels, secrets));
        Ok((metadata, labels.transpose()?))
    }
}

/// What a create call tells about the object that is there now.
#[derive(Deserialize)]
pub(super) struct Created {
    #[serde(rename = "$metadata")]
    pub(super) metadata: ToldMetadata,
}

/// `[{"key": "a", "values": ["b"]}]`.
pub(super) fn labels_of(told: ToldLabels, secrets: &Secrets) -> Result<Labels, &'static str> {
    let text = |text: &Foreign| match secrets.identifier(text) {
        None if !text.is("") => Err("a label that nobody could read"),
        readable => Ok(readable.unwrap_or_default()),
    };
    let mut labels = Labels::new();
    for label in told.0 {
        if let (Some(key), Some(AtMost(values))) = (label.key, label.values) {
            labels.insert(
                text(&key)?,
                values.iter().map(text).collect::<Result<_, _>>()?,
            );
        }
    }
    Ok(labels)
}
