//! The Destination service, API v1: destinations at both levels, their labels,
//! and the check whether a destination's token can be fetched.
//!
//! Source: SAP's OpenAPI description of the Destination service on Cloud
//! Foundry. SAP returns secrets in clear; [`Properties`] therefore never shows
//! its values in `Debug`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{ETAG, IF_MATCH};
use http::{HeaderValue, Method};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use url::Url;

use super::auth::Token;
use super::credentials::{DestinationKey, KeyKind};
use super::error::{Error, ErrorKind};
use super::http::{Answer, Operation, Request};
use super::{Client, Context, message};

/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Longest encoded list of names in one request: SAP accepts 4,000 characters
/// from the path on.
const MAX_FILTER: usize = 3_000;

/// How often a write without PATCH starts again because somebody else wrote.
const MAX_REWRITES: u32 = 4;

/// What a list is asked to tell besides the properties.
const METADATA: &str = "modification_time;etag;labels";

/// Where a destination lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Visible in the whole subaccount.
    Subaccount,
    /// Visible to the service instance of the key only.
    Instance,
}

impl Level {
    /// `subaccount` or `instance`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subaccount => "subaccount",
            Self::Instance => "instance",
        }
    }

    /// The level of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Subaccount, Self::Instance]
            .into_iter()
            .find(|level| level.as_str() == name)
    }

    fn collection(self) -> &'static str {
        match self {
            Self::Subaccount => "subaccountDestinations",
            Self::Instance => "instanceDestinations",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All properties of a destination by SAP's names, secrets in clear.
///
/// A map in every respect but one: `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(pub BTreeMap<String, String>);

/// Changes to properties: `Some` sets, `None` deletes, unnamed ones stay.
///
/// A map in every respect but one: `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Changes(pub BTreeMap<String, Option<String>>);

impl Deref for Properties {
    type Target = BTreeMap<String, String>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Properties {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Deref for Changes {
    type Target = BTreeMap<String, Option<String>>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Changes {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl FromIterator<(String, String)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl FromIterator<(String, Option<String>)> for Changes {
    fn from_iter<I: IntoIterator<Item = (String, Option<String>)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Properties {
    /// These properties after `changes`, as PATCH at SAP would leave them.
    #[must_use]
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
    /// [`Destinations::labels`].
    pub labels: Option<Labels>,
}

impl Destination {
    /// The property `Name`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.properties.get("Name").map_or("", String::as_str)
    }
}

/// Which destinations to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListFilter {
    /// Every one.
    All,
    /// Those with exactly these names, as far as they exist.
    Names(Vec<String>),
    /// Those whose name begins so.
    Prefix(String),
    /// Those with a label of this key and one of these values.
    Label {
        /// The label's key.
        key: String,
        /// Its values, at least one.
        values: Vec<String>,
    },
}

/// What came of deleting a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It was there and is gone now.
    Removed,
    /// It was gone before.
    AlreadyGone,
}

/// Whether the Destination service can fetch a token through a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenCheck {
    /// It fetched one. The token itself is dropped.
    Fetched,
    /// It failed.
    Failed {
        /// SAP's reason, shortened and without secrets.
        reason: String,
    },
    /// The destination's authentication has no token to fetch.
    NoToken,
}

/// The Destination service with its service key.
#[derive(Clone, Copy, Debug)]
pub struct Destinations<'a> {
    client: &'a Client,
    key: &'a DestinationKey,
}

impl<'a> Destinations<'a> {
    pub(crate) fn new(client: &'a Client, key: &'a DestinationKey) -> Self {
        Self { client, key }
    }

    /// The token these calls are made with; its claims say which subaccount and
    /// instance they act on.
    ///
    /// # Errors
    ///
    /// See [`Client::token`].
    pub async fn token(&self, context: &Context) -> Result<Arc<Token>, Error> {
        self.client.token(context, KeyKind::Destination, None).await
    }

    /// Finds one destination with its metadata.
    ///
    /// `None` only by SAP's own word: a list without it, or a 404 with SAP's
    /// `ErrorMessage`.
    ///
    /// # Errors
    ///
    /// Everything else that is not a destination.
    pub async fn find(
        &self,
        context: &Context,
        level: Level,
        name: &str,
    ) -> Result<Option<Destination>, Error> {
        self.find_within(&self.operation(context), level, name)
            .await
    }

    /// Lists destinations with their metadata, in one request as long as the
    /// names fit into one.
    ///
    /// # Errors
    ///
    /// What SAP answered.
    pub async fn list(
        &self,
        context: &Context,
        level: Level,
        filter: &ListFilter,
    ) -> Result<Vec<Destination>, Error> {
        let operation = self.operation(context);
        let mut found = Vec::new();
        for filter in filter.encode() {
            found.append(
                &mut self
                    .list_within(&operation, level, filter.as_deref())
                    .await?,
            );
        }
        Ok(found)
    }

    /// Creates a destination. The metadata is empty where SAP tells none.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] when the name exists, with [`Error::existing`] if
    /// SAP describes that one; [`Error::may_have_been_processed`] when the
    /// answer was lost: read back before deciding.
    pub async fn create(
        &self,
        context: &Context,
        level: Level,
        properties: &Properties,
    ) -> Result<Metadata, Error> {
        let mut url = self.collection_url(level);
        url.set_query(Some(&format!(
            "$includeMetadata={}",
            encode("modification_time;etag")
        )));
        let request = Request::new(Method::POST, url).masking(secret_values(properties));
        let request = request.json(&body_of(properties));
        let answer = self.send(&self.operation(context), request).await?;
        // 201 with an empty body where the service ignores the parameter.
        let metadata = answer
            .json::<Map<String, Value>>()
            .ok()
            .and_then(|mut body| metadata(&mut body));
        Ok(metadata.unwrap_or_default().0)
    }

    /// Changes some properties and leaves the others, secrets included.
    ///
    /// With PATCH where the service has it; otherwise by reading, merging and
    /// writing against the etag. Without changes nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found_by_sap`] when the destination is gone;
    /// [`ErrorKind::ConcurrentChange`] when somebody else kept writing it.
    pub async fn patch(
        &self,
        context: &Context,
        level: Level,
        name: &str,
        changes: &Changes,
    ) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let operation = self.operation(context);
        if !self.client.patch_unsupported.load(Ordering::Relaxed) {
            let values = changes.iter().filter(|(key, _)| !is_plain(key));
            let request = Request::new(Method::PATCH, self.collection_url(level))
                .masking(values.filter_map(|(_, value)| value.as_deref()))
                .json(&patch_of(name, changes));
            let refused = match self.send(&operation, request).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            match refused.status() {
                Some(405 | 501) => {}
                // No PATCH here, or no destination: the rewrite finds out.
                Some(404) if !refused.is_html() => {}
                _ => return Err(refused),
            }
        }
        self.rewrite(&operation, level, name, changes).await?;
        self.client.patch_unsupported.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Deletes a destination. One that is gone already is success.
    ///
    /// # Errors
    ///
    /// What SAP answered, for example that it is used by another destination.
    pub async fn delete(
        &self,
        context: &Context,
        level: Level,
        name: &str,
    ) -> Result<Deleted, Error> {
        let operation = self.operation(context);
        let request = Request::new(Method::DELETE, self.item_url(level, name)?);
        match self.send(&operation, request).await {
            Ok(answer) if count(&answer) == Some(0) => Ok(Deleted::AlreadyGone),
            Ok(_) => Ok(Deleted::Removed),
            Err(error) if error.is_not_found_by_sap() => Ok(Deleted::AlreadyGone),
            // A 404 of unknown origin: only SAP's list can tell.
            Err(error) if error.is_not_found_by_other() => {
                match self.find_within(&operation, level, name).await {
                    Ok(None) => Ok(Deleted::AlreadyGone),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// The labels of a destination.
    ///
    /// # Errors
    ///
    /// What SAP answered; a service without labels answers 404 or 405.
    pub async fn labels(
        &self,
        context: &Context,
        level: Level,
        name: &str,
    ) -> Result<Labels, Error> {
        self.labels_within(&self.operation(context), level, name)
            .await
    }

    /// Replaces all labels of a destination.
    ///
    /// # Errors
    ///
    /// What SAP answered; a service without labels answers 404 or 405.
    pub async fn set_labels(
        &self,
        context: &Context,
        level: Level,
        name: &str,
        labels: &Labels,
    ) -> Result<(), Error> {
        let mut url = self.item_url(level, name)?;
        push(&mut url, &["labels"]);
        let body: Vec<Value> = labels
            .iter()
            .map(|(key, values)| serde_json::json!({ "key": key, "values": values }))
            .collect();
        let request = Request::new(Method::PUT, url).json(&Value::Array(body));
        self.send(&self.operation(context), request).await.map(drop)
    }

    /// Asks the service to fetch a token through a destination.
    ///
    /// # Errors
    ///
    /// What SAP answered. A token that cannot be fetched is no error but
    /// [`TokenCheck::Failed`].
    pub async fn check_token(
        &self,
        context: &Context,
        level: Level,
        name: &str,
    ) -> Result<TokenCheck, Error> {
        check_name(name)?;
        let operation = self.operation(context);
        let mut url = self.base_url();
        push(
            &mut url,
            &["v2", "destinations", &format!("{name}@{level}")],
        );
        let answer = match self.send(&operation, Request::get(url)).await {
            Err(error) if error.is_not_found_by_other() && !error.is_html() => {
                let mut url = self.base_url();
                push(&mut url, &["v1", "destinations", name]);
                let answer = self.send(&operation, Request::get(url)).await?;
                found_on(level, &answer)?;
                answer
            }
            other => other?,
        };
        token_check(&answer)
    }

    fn operation(&self, context: &Context) -> Operation {
        self.client.http.operation(context)
    }

    async fn send(&self, operation: &Operation, request: Request) -> Result<Answer, Error> {
        let request = request.masking(self.key.oauth().secrets());
        let called = self
            .client
            .call(operation, KeyKind::Destination, None, request)
            .await?;
        Ok(called.answer)
    }

    async fn find_within(
        &self,
        operation: &Operation,
        level: Level,
        name: &str,
    ) -> Result<Option<Destination>, Error> {
        if !self.client.list_refused.load(Ordering::Relaxed) {
            let filter = names_filter(&[encode_name(name)]);
            match self.list_within(operation, level, Some(&filter)).await {
                Ok(found) => return Ok(found.into_iter().find(|one| one.name() == name)),
                Err(error) if matches!(error.status(), Some(400 | 404)) && !error.is_html() => {}
                Err(error) => return Err(error),
            }
        }
        let mut destination = match self.read_one(operation, level, name).await {
            Ok(destination) => destination,
            Err(error) if error.is_not_found_by_sap() => return Ok(None),
            Err(error) => return Err(error),
        };
        self.client.list_refused.store(true, Ordering::Relaxed);
        destination.labels = match self.labels_within(operation, level, name).await {
            Ok(labels) => Some(labels),
            // A service of that age has no labels either.
            Err(error) if matches!(error.status(), Some(400 | 404 | 405 | 501)) => None,
            Err(error) => return Err(error),
        };
        Ok(Some(destination))
    }

    async fn list_within(
        &self,
        operation: &Operation,
        level: Level,
        filter: Option<&str>,
    ) -> Result<Vec<Destination>, Error> {
        let mut url = self.collection_url(level);
        let metadata = encode(METADATA);
        url.set_query(Some(&match filter {
            Some(filter) => format!("$filter={}&$includeMetadata={metadata}", encode(filter)),
            None => format!("$includeMetadata={metadata}"),
        }));
        let answer = self.send(operation, Request::get(url)).await?;
        let items: Vec<Map<String, Value>> = answer.json()?;
        Ok(items.into_iter().map(Destination::of).collect())
    }

    /// `GET /{name}`: without modification time and labels.
    async fn read_one(
        &self,
        operation: &Operation,
        level: Level,
        name: &str,
    ) -> Result<Destination, Error> {
        let answer = self
            .send(operation, Request::get(self.item_url(level, name)?))
            .await?;
        let mut destination = Destination::of(answer.json()?);
        if destination.name() != name {
            return Err(answer.unexpected("the answer is not the destination that was asked for"));
        }
        if let Some(etag) = answer.header(&ETAG) {
            destination.metadata.etag = Some(etag.to_owned());
        }
        Ok(destination)
    }

    async fn labels_within(
        &self,
        operation: &Operation,
        level: Level,
        name: &str,
    ) -> Result<Labels, Error> {
        let mut url = self.item_url(level, name)?;
        push(&mut url, &["labels"]);
        let answer = self.send(operation, Request::get(url)).await?;
        if answer.is_empty() {
            return Ok(Labels::new());
        }
        Ok(labels_of(&answer.json()?))
    }

    /// What PATCH does, with GET and PUT.
    ///
    /// The PUT carries the etag of what was merged into. SAP does not promise
    /// that it is looked at. Where it is and does not fit, we start again; where
    /// it does not fit although nothing changed, the service does not understand
    /// its own etag and the PUT goes without.
    async fn rewrite(
        &self,
        operation: &Operation,
        level: Level,
        name: &str,
        changes: &Changes,
    ) -> Result<(), Error> {
        let mut refused_etag = None;
        for _ in 0..MAX_REWRITES {
            let current = self.read_one(operation, level, name).await?;
            let merged = current.properties.with(changes);
            if merged == current.properties {
                return Ok(());
            }
            let etag = current
                .metadata
                .etag
                .filter(|etag| refused_etag.as_ref() != Some(etag));
            let mut request = Request::new(Method::PUT, self.collection_url(level))
                .masking(secret_values(&merged))
                .json(&body_of(&merged));
            if let Some(value) = etag
                .as_deref()
                .and_then(|etag| HeaderValue::from_str(etag).ok())
            {
                request = request.header(IF_MATCH, value);
            }
            match self.send(operation, request).await {
                Ok(answer) if count(&answer) == Some(0) => {
                    return Err(answer.unexpected("the service says that nothing was updated"));
                }
                Ok(_) => return Ok(()),
                Err(error) if error.status() == Some(412) && etag.is_some() => refused_etag = etag,
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::ConcurrentChange))
    }

    fn base_url(&self) -> Url {
        let mut url = self.key.uri().clone();
        push(&mut url, &["destination-configuration"]);
        url
    }

    fn collection_url(&self, level: Level) -> Url {
        let mut url = self.base_url();
        push(&mut url, &["v1", level.collection()]);
        url
    }

    fn item_url(&self, level: Level, name: &str) -> Result<Url, Error> {
        check_name(name)?;
        let mut url = self.collection_url(level);
        push(&mut url, &[name]);
        Ok(url)
    }
}

/// Appends percent-encoded path segments.
fn push(url: &mut Url, segments: &[&str]) {
    // Never fails for http and https, which are all we have.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
}

/// Names that would vanish from a path and so address the whole collection.
fn check_name(name: &str) -> Result<(), Error> {
    if matches!(name, "" | "." | "..") {
        return Err(Error::new(ErrorKind::InvalidName));
    }
    Ok(())
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// A name inside a filter: quoted after it has been encoded a first time. The
/// whole filter is encoded a second time when it becomes a query.
fn encode_name(name: &str) -> String {
    format!("'{}'", encode(name))
}

fn names_filter(quoted: &[String]) -> String {
    format!("Name in ({})", quoted.join(", "))
}

impl ListFilter {
    /// The filters to send one after the other; `None` is no filter.
    fn encode(&self) -> Vec<Option<String>> {
        match self {
            Self::All => vec![None],
            Self::Names(names) => batches(names)
                .iter()
                .map(|batch| Some(names_filter(batch)))
                .collect(),
            Self::Prefix(prefix) => {
                vec![Some(format!(
                    "startswith(Name, '{}')",
                    prefix.replace('\'', "''")
                ))]
            }
            Self::Label { key, values } => {
                let values: Vec<String> = values.iter().map(|value| encode_name(value)).collect();
                vec![Some(format!(
                    "Label[{}] HAS ({})",
                    encode_name(key),
                    values.join(",")
                ))]
            }
        }
    }
}

/// Quoted names in groups that fit into a request.
fn batches(names: &[String]) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut length = usize::MAX;
    for name in names {
        let quoted = encode_name(name);
        // As long as it gets by the second encoding, with comma and blank.
        let size = encode(&quoted).len() + 6;
        length = length.saturating_add(size);
        match batches.last_mut() {
            Some(batch) if length <= MAX_FILTER => batch.push(quoted),
            _ => {
                batches.push(vec![quoted]);
                length = size;
            }
        }
    }
    batches
}

/// The JSON body of a destination; `$metadata` is SAP's own key.
fn body_of(properties: &Properties) -> Value {
    let members = properties.iter().filter(|(name, _)| *name != "$metadata");
    Value::Object(
        members
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect(),
    )
}

fn patch_of(name: &str, changes: &Changes) -> Value {
    let mut body = Map::new();
    for (property, value) in changes.iter().filter(|(name, _)| *name != "$metadata") {
        body.insert(
            property.clone(),
            value.clone().map_or(Value::Null, Value::String),
        );
    }
    body.insert("Name".to_owned(), name.into());
    Value::Object(body)
}

/// Properties whose values may be shown. All others are masked in messages:
/// SAP publishes no list of secret ones, and further properties may be secret.
fn is_plain(property: &str) -> bool {
    const PLAIN: [&str; 14] = [
        "Authentication",
        "CloudConnectorLocationId",
        "Description",
        "KeyStoreLocation",
        "Name",
        "ProxyType",
        "TrustAll",
        "Type",
        "URL",
        "User",
        "clientId",
        "scope",
        "tokenServiceURL",
        "tokenServiceURLType",
    ];
    PLAIN.contains(&property)
}

fn secret_values(properties: &Properties) -> impl Iterator<Item = &str> {
    properties
        .iter()
        .filter(|(name, _)| !is_plain(name))
        .map(|(_, value)| value.as_str())
}

/// `{"Count": n}` of PUT and DELETE.
fn count(answer: &Answer) -> Option<u64> {
    answer
        .json::<Map<String, Value>>()
        .ok()?
        .get("Count")?
        .as_u64()
}

impl Destination {
    fn of(mut members: Map<String, Value>) -> Self {
        let (metadata, labels) = metadata(&mut members).unwrap_or_default();
        let properties = members
            .into_iter()
            .filter_map(|(name, value)| Some((name, text_of(value)?)));
        Self {
            properties: properties.collect(),
            metadata,
            labels,
        }
    }
}

/// SAP promises strings; whatever else comes is rendered as JSON.
fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// Takes `$metadata` out of an object.
fn metadata(members: &mut Map<String, Value>) -> Option<(Metadata, Option<Labels>)> {
    let Some(Value::Object(mut metadata)) = members.shift_remove("$metadata") else {
        return None;
    };
    let labels = metadata.get("labels").map(labels_of);
    let mut text = |name: &str| metadata.shift_remove(name).and_then(text_of);
    let etag = text("etag");
    let modified = text("modification_time").and_then(|text| text.parse().ok());
    let modification_time = modified.and_then(|epoch| Timestamp::from_millisecond(epoch).ok());
    Some((
        Metadata {
            etag,
            modification_time,
        },
        labels,
    ))
}

impl Metadata {
    /// What a 409 tells about the object that is there.
    pub(crate) fn of_existing(body: &[u8]) -> Option<Self> {
        let mut body: Map<String, Value> = serde_json::from_slice(body).ok()?;
        metadata(&mut body).map(|(metadata, _)| metadata)
    }
}

/// `[{"key": "a", "values": ["b"]}]`.
fn labels_of(value: &Value) -> Labels {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| {
            let key = item.get("key")?.as_str()?.to_owned();
            let values = item.get("values")?.as_array()?;
            Some((
                key,
                values
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            ))
        })
        .collect()
}

/// The old Find looks at the instance first: whether it is the right level can
/// only be told by the owner.
fn found_on(level: Level, answer: &Answer) -> Result<(), Error> {
    let body: Value = answer.json()?;
    let instance = body.pointer("/owner/InstanceId").and_then(Value::as_str);
    let found = if instance.is_some() {
        Level::Instance
    } else {
        Level::Subaccount
    };
    if found == level {
        return Ok(());
    }
    Err(answer.unexpected(format!(
        "the service looked at the destination of the {found} level"
    )))
}

fn token_check(answer: &Answer) -> Result<TokenCheck, Error> {
    let body: Map<String, Value> = answer.json()?;
    let tokens = body.get("authTokens").and_then(Value::as_array);
    let Some(token) = tokens.and_then(|tokens| tokens.first()) else {
        return Ok(TokenCheck::NoToken);
    };
    let text = |name: &str| {
        token
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(error) = text("error") {
        return Ok(TokenCheck::Failed {
            reason: clean_reason(error, &body),
        });
    }
    if text("value").is_none() {
        let reason = "the service returned neither a token nor a reason".to_owned();
        return Ok(TokenCheck::Failed { reason });
    }
    Ok(TokenCheck::Fetched)
}

/// SAP's reason without the secrets of the destination it was found with.
fn clean_reason(reason: &str, body: &Map<String, Value>) -> String {
    let found = body
        .get("destinationConfiguration")
        .and_then(Value::as_object);
    let values = found
        .into_iter()
        .flatten()
        .filter(|(name, _)| !is_plain(name));
    message::clean(reason, values.filter_map(|(_, value)| value.as_str()))
}
