//! The destinations of the Destination service, API v1, at both levels, their labels,
//! and the check whether a destination's token can be fetched.
//!
//! Source: SAP's description of the Destination service on Cloud
//! Foundry. SAP returns secrets in clear; [`Properties`] therefore never shows
//! its values in `Debug`.

mod forms;
pub(crate) mod object;

use std::sync::atomic::Ordering;

use foreign::Foreign;
use http::header::IF_MATCH;
use http::{HeaderValue, Method};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::client::Client;
use super::config::keep_members;
use super::context::Context;
use super::destination_service::{
    Call, Collection, Service, check_name, encode, encode_name, items, names_filter, updated,
};
use super::error::{Error, ErrorKind};
use super::http::{Answer, Request, below};
use super::level::Level;
use super::many_reads::Answered;
use super::told::{AtMost, MOST_MEMBERS};
use object::{Created, NAMELESS, Unread, destination, labels_of};

pub use object::{ByProperty, Changes, Destination, Labels, Metadata, Properties};

/// Longest encoded list of names in one request: SAP accepts 4,000 characters
/// from the path on.
const MAX_FILTER: usize = 3_000;

/// Destinations that a list may hold.
const MOST_DESTINATIONS: usize = 100_000;

/// How often a write without PATCH starts again because somebody else wrote.
const MAX_REWRITES: u32 = 4;

/// What a list is asked to tell besides the properties.
const METADATA: &str = "modification_time;etag;labels";

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

/// Some of the destinations of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// They come without metadata and labels: SAP tells those only where it
    /// does not page.
    pub destinations: Vec<Destination>,
    /// Whether no other page follows.
    pub is_last: bool,
    /// Whether the service itself says so (`Link`).
    pub is_linked: bool,
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

/// The destinations of the Destination service, with its service key.
#[derive(Clone, Copy, Debug)]
pub struct Destinations<'a>(Service<'a>);

impl Collection for Destinations<'_> {
    type Object = Destination;

    /// With its metadata. As long as this client has written nothing, the answer
    /// may be up to 30 seconds old: many reads are answered from one list.
    async fn find(
        self,
        context: &Context,
        level: Level,
        name: &str,
    ) -> Result<Option<Destination>, Error> {
        let call = self.0.call(context, level);
        // What the benchmark compares with.
        if cfg!(feature = "naive-reads") {
            return find(&call, name).await;
        }
        let clock = &self.0.client.http.clock;
        let reads = self.0.client.reads.of(level);
        let mut answered = reads.answer(name, clock.now());
        if matches!(answered, Answered::ByNewList) {
            // One lists, the others wait for it and look again.
            let turn = call.operation.bounded(reads.turn.lock()).await?;
            let asked = clock.now();
            answered = reads.answer(name, asked);
            if matches!(answered, Answered::ByNewList) {
                match ask_list(&call, None).await {
                    Ok((all, _)) => {
                        reads.keep(all, asked, clock);
                        answered = reads.answer(name, asked);
                    }
                    Err(error) if error.is_cancelled() || error.is_deadline() => return Err(error),
                    Err(_) => reads.end(),
                }
            }
            drop(turn);
        }
        // Where something is wrong with this one, the single read says what.
        if let Answered::Listed(found) = answered
            && let Ok(found) = found
                .map(|found| found.read(self.0.client.secrets()))
                .transpose()
        {
            return Ok(found);
        }
        find(&call, name).await
    }

    async fn delete(self, context: &Context, level: Level, name: &str) -> Result<(), Error> {
        let call = self.writes(context, level);
        call.delete(name, find(&call, name)).await
    }
}

impl Client {
    /// The destinations of the Destination service.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingKey`] when no Destination service key is configured.
    pub fn destinations(&self) -> Result<Destinations<'_>, Error> {
        Service::new(self, "Destinations").map(Destinations)
    }
}

impl<'a> Destinations<'a> {
    /// Begins a call that writes: from now on no read is answered from a list.
    fn writes(&self, context: &Context, level: Level) -> Call<'a> {
        self.0.client.reads.end();
        self.0.call(context, level)
    }

    /// As [`Destinations::find`], never from a list of many: for who is going to
    /// write what was read.
    ///
    /// # Errors
    ///
    /// Those of [`Destinations::find`].
    pub async fn find_now(
        &self,
        context: &Context,
        level: Level,
        name: &str,
    ) -> Result<Option<Destination>, Error> {
        find(&self.0.call(context, level), name).await
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
        let call = self.0.call(context, level);
        let mut found = Vec::new();
        for filter in filter.encode() {
            let (items, answer) = ask_list(&call, filter.as_deref()).await?;
            found.append(&mut destinations_of(items, &answer)?);
        }
        Ok(found)
    }

    /// Lists one page of a level. Pages are numbered from 1 and hold `size`
    /// destinations, at most 1,000.
    ///
    /// # Errors
    ///
    /// What SAP answered.
    pub async fn page(
        &self,
        context: &Context,
        level: Level,
        number: usize,
        size: usize,
    ) -> Result<Page, Error> {
        let call = self.0.call(context, level);
        let mut url = call.collection_url();
        url.set_query(Some(&format!("$page={number}&$pageSize={size}")));
        let answer = call.send(Request::get(url).for_list()).await?;
        let destinations = destinations_of(items_of(&answer)?, &answer)?;
        Ok(Page {
            // A service that does not page sends all at once, and nobody says
            // that the header always arrives.
            is_last: match answer.has_next_page() {
                Some(has_next) => !has_next,
                None => destinations.len() != size,
            },
            is_linked: answer.has_next_page().is_some(),
            destinations,
        })
    }

    /// Creates a destination. The metadata is empty where SAP tells none.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] when the name exists;
    /// [`maybe_processed`](crate::ErrorParts::maybe_processed) when the answer was lost: read back
    /// before deciding.
    pub async fn create(
        &self,
        context: &Context,
        level: Level,
        properties: &Properties,
    ) -> Result<Metadata, Error> {
        let call = self.writes(context, level);
        let mut url = call.collection_url();
        url.set_query(Some(&format!(
            "$includeMetadata={}",
            encode("modification_time;etag")
        )));
        for (name, value) in properties.iter() {
            self.0.client.secrets().keep_named(name, value);
        }
        let request = Request::new(Method::POST, url).json(&body_of(properties));
        let answer = call.send(request).await?;
        // 201 with an empty body where the service ignores the parameter.
        let created = answer.json::<Created>().ok();
        let metadata = created.and_then(|created| created.metadata.read(&answer.secrets).ok());
        Ok(metadata.unwrap_or_default().0)
    }

    /// Changes some properties and leaves the others, secrets included.
    ///
    /// With PATCH where the service has it; otherwise by reading, merging and
    /// writing against the etag; one that was just read is not read again before
    /// that. Without changes nothing is sent.
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
        just_read: Option<&Destination>,
        changes: &Changes,
    ) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let call = self.writes(context, level);
        let client = self.0.client;
        for (name, value) in changes.iter() {
            let value = value.as_deref().unwrap_or_default();
            client.secrets().keep_named(name, value);
        }
        if !client.patch_unsupported.load(Ordering::Relaxed) {
            let mut body = body_of(changes);
            body["Name"] = name.into();
            let request = Request::new(Method::PATCH, call.collection_url()).json(&body);
            let Err(refused) = call.send(request).await else {
                return Ok(());
            };
            match refused.status {
                Some(405 | 501) => {}
                // No PATCH here, or no destination: the rewrite finds out, as
                // PUT never creates one.
                Some(404) if !refused.is_html() => {}
                _ => return Err(refused),
            }
        }
        rewrite(&call, name, just_read, changes).await?;
        client.patch_unsupported.store(true, Ordering::Relaxed);
        Ok(())
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
        labels(&self.0.call(context, level), name).await
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
        let call = self.writes(context, level);
        let url = below(&call.item_url(name)?, &["labels"]);
        let body: Vec<Value> = labels
            .iter()
            .map(|(key, values)| serde_json::json!({ "key": key, "values": values }))
            .collect();
        let request = Request::new(Method::PUT, url).json(&Value::Array(body));
        call.send(request).await.map(drop)
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
        let call = self.0.call(context, level);
        let url = call.url(&["v2", "destinations", &format!("{name}@{level}")]);
        let answer = match call.send(Request::get(url)).await {
            Err(error) if error.is_not_found_by_other() && !error.is_html() => {
                let url = call.url(&["v1", "destinations", name]);
                let answer = call.send(Request::get(url)).await?;
                found_on(level, &answer)?;
                answer
            }
            other => other?,
        };
        token_check(&answer)
    }
}

async fn find(call: &Call<'_>, name: &str) -> Result<Option<Destination>, Error> {
    let list_refused = &call.client().list_refused;
    if !list_refused.load(Ordering::Relaxed) {
        let filter = names_filter(&[encode_name(name)]);
        match ask_list(call, Some(&filter)).await {
            Ok((items, answer)) => {
                // A service may ignore the filter.
                let named = items.into_iter().filter(|(found, _)| found == name);
                return Ok(destinations_of(named, &answer)?.into_iter().next());
            }
            Err(error) if matches!(error.status, Some(400 | 404)) && !error.is_html() => {}
            Err(error) => return Err(error),
        }
    }
    let Some(mut destination) = read(call, name).await? else {
        return Ok(None);
    };
    list_refused.store(true, Ordering::Relaxed);
    destination.labels = match labels(call, name).await {
        Ok(labels) => Some(labels),
        // A service of that age has no labels either.
        Err(error) if matches!(error.status, Some(400 | 404 | 405 | 501)) => None,
        Err(error) => return Err(error),
    };
    Ok(Some(destination))
}

/// What a list has, by name. Most of it may never be looked at, so the rest of
/// each destination stays unread.
async fn ask_list(
    call: &Call<'_>,
    filter: Option<&str>,
) -> Result<(Vec<(String, Unread)>, Answer), Error> {
    let mut url = call.collection_url();
    let metadata = encode(METADATA);
    url.set_query(Some(&match filter {
        Some(filter) => format!("$filter={}&$includeMetadata={metadata}", encode(filter)),
        None => format!("$includeMetadata={metadata}"),
    }));
    let answer = call.send(Request::get(url).for_list()).await?;
    Ok((items_of(&answer)?, answer))
}

/// The same as [`read_existing`]; none where SAP itself says that there is none.
async fn read(call: &Call<'_>, name: &str) -> Result<Option<Destination>, Error> {
    match read_existing(call, name).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found_by_sap() => Ok(None),
        Err(error) => Err(error),
    }
}

/// `GET /{name}`: without modification time and labels.
async fn read_existing(call: &Call<'_>, name: &str) -> Result<Destination, Error> {
    let answer = call.send(Request::get(call.item_url(name)?)).await?;
    let found = destination(answer.json()?, &answer.secrets);
    let mut destination = found.map_err(|what| answer.unexpected(what))?;
    if destination.name() != name {
        return Err(answer.unexpected("the answer is not the destination that was asked for"));
    }
    if let Some(etag) = answer.etag()? {
        destination.metadata.etag = Some(etag);
    }
    Ok(destination)
}

async fn labels(call: &Call<'_>, name: &str) -> Result<Labels, Error> {
    let url = below(&call.item_url(name)?, &["labels"]);
    let answer = call.send(Request::get(url)).await?;
    if answer.is_empty() {
        return Ok(Labels::new());
    }
    labels_of(answer.json()?, &answer.secrets).map_err(|what| answer.unexpected(what))
}

/// What PATCH does, with GET and PUT; the first GET is left out where the
/// destination was just read.
///
/// The PUT carries the etag of what was merged into. SAP does not promise
/// that it is looked at. Where it is and does not fit, we start again; where
/// it does not fit although nothing changed, the service does not understand
/// its own etag and the PUT goes without.
async fn rewrite(
    call: &Call<'_>,
    name: &str,
    known: Option<&Destination>,
    changes: &Changes,
) -> Result<(), Error> {
    let mut known = known.cloned();
    let mut refused_etag = None;
    for retry in 0..MAX_REWRITES {
        let current = match known.take() {
            Some(known) => known,
            None => read_existing(call, name).await?,
        };
        let merged = current.properties.with(changes);
        if merged == current.properties {
            return Ok(());
        }
        let etag = current
            .metadata
            .etag
            .filter(|etag| refused_etag.as_ref() != Some(etag));
        let mut request = Request::new(Method::PUT, call.collection_url()).json(&body_of(&merged));
        if let Some(etag) = &etag {
            request = request.header(IF_MATCH, header_of(etag)?);
        }
        match call.send(request).await {
            Ok(answer) => return updated(&answer),
            Err(error) if error.status == Some(412) && etag.is_some() => {
                refused_etag = etag;
                let context = &call.operation.context;
                if !call.client().may_repeat(context, retry).await {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ErrorKind::ConcurrentChange))
}

/// What is in a list, by name.
fn items_of(answer: &Answer) -> Result<Vec<(String, Unread)>, Error> {
    let items = items::<Unread, MOST_DESTINATIONS>(answer)?.into_iter();
    let named = items.map(|one| Some((one.name()?, one)));
    let named: Option<_> = named.collect();
    named.ok_or_else(|| answer.unexpected(NAMELESS))
}

fn destinations_of(
    items: impl IntoIterator<Item = (String, Unread)>,
    answer: &Answer,
) -> Result<Vec<Destination>, Error> {
    let items = items.into_iter();
    let told: Result<_, _> = items.map(|(_, item)| item.read(&answer.secrets)).collect();
    told.map_err(|what| answer.unexpected(what))
}

impl ListFilter {
    /// Whether a destination is one of those that are asked for. A service
    /// that does not know a filter may ignore it. Labels that are not told
    /// cannot be looked at.
    pub fn matches(&self, found: &Destination) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.iter().any(|name| name == found.name()),
            Self::Prefix(prefix) => found.name().starts_with(prefix),
            Self::Label { key, values } => found.labels.as_ref().is_none_or(|labels| {
                let found = labels.get(key);
                found.is_some_and(|found| values.iter().any(|value| found.contains(value)))
            }),
        }
    }

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

/// The JSON body about a destination; `$metadata` is SAP's own key.
fn body_of<V: Clone + Into<Value>>(properties: &ByProperty<V>) -> Value {
    let members = properties.iter().filter(|(name, _)| *name != "$metadata");
    let members = members.map(|(name, value)| (name.clone(), value.clone()));
    members.collect()
}

/// The value of a header that must not be left out.
fn header_of(etag: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(etag).map_err(|_| {
        Error::new(ErrorKind::UnexpectedAnswer)
            .with_message("the service gave an etag that no header can carry; nothing was written")
    })
}

/// The old Find looks at the instance first: whether it is the right level can
/// only be told by the owner.
fn found_on(level: Level, answer: &Answer) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Found {
        owner: Option<Owner>,
    }
    #[derive(Deserialize)]
    struct Owner {
        #[serde(rename = "InstanceId")]
        instance_id: Option<IgnoredAny>,
    }
    let owner = answer.json::<Found>()?.owner;
    let found = match owner.and_then(|owner| owner.instance_id) {
        Some(_) => Level::Instance,
        None => Level::Subaccount,
    };
    if found == level {
        return Ok(());
    }
    Err(answer.unexpected(format!(
        "the service looked at the destination of the {found} level"
    )))
}

fn token_check(answer: &Answer) -> Result<TokenCheck, Error> {
    #[derive(Deserialize)]
    struct Checked {
        #[serde(rename = "authTokens")]
        tokens: Option<AtMost<CheckedToken, MOST_MEMBERS>>,
        #[serde(default, rename = "destinationConfiguration")]
        configuration: Value,
    }
    #[derive(Deserialize)]
    struct CheckedToken {
        error: Option<Foreign>,
        value: Option<String>,
    }
    let checked: Checked = answer.json()?;
    keep_members(&answer.secrets, "", &checked.configuration);
    let tokens = checked.tokens.map(|tokens| tokens.0).unwrap_or_default();
    let Some(CheckedToken { error, value }) = tokens.into_iter().next() else {
        return Ok(TokenCheck::NoToken);
    };
    let value = value.filter(|value| !value.is_empty());
    answer.secrets.keep(value.as_deref().unwrap_or_default());
    let reason = match error.filter(|error| !error.is_blank()) {
        Some(error) => answer.secrets.show(&error),
        None if value.is_some() => return Ok(TokenCheck::Fetched),
        None => "the service returned neither a token nor a reason".to_owned(),
    };
    Ok(TokenCheck::Failed { reason })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::{Reply, Server, TestClient, answer};

    const GONE: &str = r#"{"ErrorMessage":"Configuration with the specified name was not found"}"#;
    const LEVEL: Level = Level::Subaccount;

    fn of(test: &TestClient) -> Destinations<'_> {
        test.client.destinations().unwrap()
    }

    fn properties(items: &[(&str, &str)]) -> Properties {
        items
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn changes(items: &[(&str, Option<&str>)]) -> Changes {
        let owned =
            |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
        items.iter().map(owned).collect()
    }

    /// The query of a request, decoded once, as a server sees it.
    fn query(target: &str) -> BTreeMap<String, String> {
        let url = url::Url::parse(&format!("http://x{target}")).unwrap();
        url.query_pairs().into_owned().collect()
    }

    fn body(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[tokio::test]
    async fn find_reads_properties_metadata_and_labels_in_one_request() {
        let list = json!([{
            "Name": "CloudALM", "Type": "HTTP", "clientSecret": "s", "odd": true, "n": 7, "gone": null,
            "$metadata": {
                "modification_time": "1767225600000", "etag": "\"e1\"",
                "labels": [{"key": "env", "values": ["prod", "eu"]}, {"bad": 1}],
            },
        }]);
        let server = Server::script([answer(200, &list.to_string())]).await;
        let test = server.client();
        let found = of(&test)
            .find(&test.context, LEVEL, "CloudALM")
            .await
            .unwrap()
            .unwrap();

        let expected = [
            ("Name", "CloudALM"),
            ("Type", "HTTP"),
            ("clientSecret", "s"),
            ("n", "7"),
            ("odd", "true"),
        ];
        assert_eq!(found.properties, properties(&expected));
        assert_eq!(found.metadata.etag.as_deref(), Some("\"e1\""));
        assert_eq!(
            found.metadata.modification_time.unwrap().to_string(),
            "2026-01-01T00:00:00Z"
        );
        let values = found.labels.unwrap().remove("env").unwrap();
        assert_eq!(values, BTreeSet::from(["prod".to_owned(), "eu".to_owned()]));

        let calls = server.calls();
        assert_eq!(calls.len(), 1);
        assert!(
            calls[0].target.starts_with(
                "/destination-configuration/v1/subaccountDestinations?$filter=Name%20in"
            )
        );
        assert!(
            calls[0]
                .header("authorization")
                .unwrap()
                .starts_with("Bearer eyJ")
        );
        let query = query(&calls[0].target);
        assert_eq!(query["$filter"], "Name in ('CloudALM')");
        assert_eq!(query["$includeMetadata"], "modification_time;etag;labels");
    }

    #[tokio::test]
    async fn the_last_page_is_known_by_its_links_or_else_by_its_size() {
        let two = r#"[{"Name":"a"},{"Name":"b"}]"#;
        let next = "</subaccountDestinations?$page=2&$pageSize=2>; rel='next'";
        let previous = "</subaccountDestinations?$page=1&$pageSize=2>; rel='previous'";
        for (reply, size, is_last) in [
            (answer(200, two).with("link", next), 2, false),
            (answer(200, two).with("link", previous), 2, true),
            (
                answer(200, two).with("link", &format!("{previous}, {next}")),
                2,
                false,
            ),
            // Nobody says that the header arrives.
            (answer(200, two), 2, false),
            (answer(200, two), 3, true),
            (answer(200, "[]"), 2, true),
            // All at once, from a service that does not page.
            (answer(200, two), 1, true),
        ] {
            let server = Server::script([reply]).await;
            let test = server.client();
            let page = of(&test).page(&test.context, LEVEL, 7, size).await.unwrap();
            assert_eq!(page.is_last, is_last, "size {size}");
            let query = query(&server.calls()[0].target);
            assert_eq!(query["$page"], "7");
            assert_eq!(query["$pageSize"], size.to_string());
        }
    }

    #[tokio::test]
    async fn name_in_a_filter_is_encoded_twice() {
        let name = "our-team's app, (ü)/100%";
        let list = json!([{"Name": "other"}, {"Name": name, "Type": "HTTP"}]);
        let server = Server::script([answer(200, &list.to_string())]).await;
        let test = server.client();
        let found = of(&test)
            .find(&test.context, Level::Instance, name)
            .await
            .unwrap();
        assert_eq!(found.unwrap().name(), name);
        let call = &server.calls()[0];
        assert!(call.target.contains("/v1/instanceDestinations?"));
        assert!(
            call.target.contains("our-team%2527s%2520app"),
            "{}",
            call.target
        );
        assert_eq!(
            query(&call.target)["$filter"],
            "Name in ('our-team%27s%20app%2C%20%28%C3%BC%29%2F100%25')"
        );
    }

    #[tokio::test]
    async fn absence_needs_saps_own_word() {
        let absent = [answer(200, "[]"), answer(200, r#"[{"Name":"cloudalm"}]"#)];
        for reply in absent {
            let server = Server::script([reply]).await;
            let test = server.client();
            assert_eq!(
                of(&test)
                    .find(&test.context, LEVEL, "CloudALM")
                    .await
                    .unwrap(),
                None
            );
        }
        let unclear = [
            answer(200, ""),
            answer(200, "{}"),
            answer(200, "<html></html>"),
            answer(404, "<html></html>"),
            answer(403, "no"),
        ];
        for reply in unclear {
            let server = Server::script([reply.clone()]).await;
            let test = server.client();
            let found = of(&test).find(&test.context, LEVEL, "CloudALM").await;
            assert!(found.is_err(), "{reply:?}");
        }
    }

    #[tokio::test]
    async fn routers_404_for_everything_is_an_error() {
        let router = || answer(404, GONE).with("X-Cf-Routererror", "unknown_route");
        let server = Server::script([router(), router(), router()]).await;
        let test = server.client();
        let found = of(&test).find(&test.context, LEVEL, "a").await;
        assert!(found.unwrap_err().is_not_found_by_other());
        let deleted = of(&test).delete(&test.context, LEVEL, "a").await;
        assert!(deleted.unwrap_err().is_not_found_by_other());
    }

    #[tokio::test]
    async fn service_without_filtered_lists_is_asked_the_old_way_from_then_on() {
        let one = || answer(200, r#"{"Name":"a b","Type":"HTTP"}"#).with("ETag", "e1");
        let server = Server::script([
            answer(400, "unknown parameter"),
            one(),
            answer(200, r#"[{"key":"k","values":["v"]}]"#),
            one(),
            answer(404, ""),
            answer(404, GONE),
        ])
        .await;
        let test = server.client();
        let found = of(&test)
            .find(&test.context, LEVEL, "a b")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.metadata.etag.as_deref(), Some("e1"));
        assert_eq!(found.labels.unwrap().len(), 1);
        let again = of(&test)
            .find(&test.context, LEVEL, "a b")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(again.labels, None);
        assert_eq!(
            of(&test).find(&test.context, LEVEL, "a b").await.unwrap(),
            None
        );
        let targets: Vec<String> = server.calls().into_iter().map(|call| call.target).collect();
        let base = "/destination-configuration/v1/subaccountDestinations";
        assert_eq!(
            targets[1..3],
            [format!("{base}/a%20b"), format!("{base}/a%20b/labels")]
        );
        assert_eq!(targets[3], targets[1]);
    }

    #[tokio::test]
    async fn list_sends_each_kind_of_filter() {
        let label = ListFilter::Label {
            key: "e'nv".to_owned(),
            values: vec!["prod".to_owned(), "q a".to_owned()],
        };
        let cases = [
            (ListFilter::All, None),
            (
                ListFilter::Prefix("SAP_John's".to_owned()),
                Some("startswith(Name, 'SAP_John''s')"),
            ),
            (label, Some("Label['e%27nv'] HAS ('prod','q%20a')")),
        ];
        for (filter, expected) in cases {
            let server = Server::script([answer(200, r#"[{"Name":"a"},{"Name":"b"}]"#)]).await;
            let test = server.client();
            let found = of(&test).list(&test.context, LEVEL, &filter).await.unwrap();
            assert_eq!(found.len(), 2);
            let query = query(&server.calls()[0].target);
            assert_eq!(query.get("$filter").map(String::as_str), expected);
        }
    }

    #[test]
    fn filter_knows_what_a_service_that_ignores_it_should_have_left_out() {
        let found: Destination = Destination {
            properties: [("Name".to_owned(), "CloudALM".to_owned())]
                .into_iter()
                .collect(),
            metadata: Metadata::default(),
            labels: None,
        };
        let names = |name: &str| ListFilter::Names(vec![name.to_owned()]);
        assert!(ListFilter::All.matches(&found));
        assert!(names("CloudALM").matches(&found) && !names("cloudalm").matches(&found));
        let prefix = |text: &str| ListFilter::Prefix(text.to_owned());
        assert!(prefix("Cloud").matches(&found) && !prefix("ALM").matches(&found));
    }

    #[tokio::test]
    async fn thousand_names_go_in_requests_of_bearable_length() {
        let names: Vec<String> = (0..1000)
            .map(|n| format!("destination number {n}"))
            .collect();
        let server = Server::script(vec![answer(200, "[]"); 100]).await;
        let test = server.client();
        let filter = ListFilter::Names(names.clone());
        of(&test).list(&test.context, LEVEL, &filter).await.unwrap();
        let calls = server.calls();
        assert!(calls.iter().all(|call| call.target.len() < 4000));
        let asked: usize = calls
            .iter()
            .map(|c| query(&c.target)["$filter"].matches("destination").count())
            .sum();
        assert_eq!(asked, names.len());

        let none = ListFilter::Names(Vec::new());
        assert!(
            of(&test)
                .list(&test.context, LEVEL, &none)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(server.calls().len(), calls.len());
    }

    #[tokio::test]
    async fn create_sends_strings_and_takes_metadata_or_an_empty_body() {
        let metadata = r#"{"$metadata":{"etag":"e1","modification_time":"1767225600000"}}"#;
        let server = Server::script([answer(201, metadata), answer(201, "")]).await;
        let test = server.client();
        let new = properties(&[
            ("Name", "a"),
            ("Type", "HTTP"),
            ("$metadata", "x"),
            ("clientSecret", "s"),
        ]);
        let made = of(&test).create(&test.context, LEVEL, &new).await.unwrap();
        assert_eq!(made.etag.as_deref(), Some("e1"));
        assert!(made.modification_time.is_some());
        let made = of(&test).create(&test.context, LEVEL, &new).await.unwrap();
        assert_eq!(made, Metadata::default());
        let call = &server.calls()[0];
        assert_eq!(call.method, "POST");
        assert!(
            call.target
                .ends_with("?$includeMetadata=modification_time%3Betag")
        );
        assert_eq!(
            body(&call.body),
            json!({"Name": "a", "Type": "HTTP", "clientSecret": "s"})
        );
    }

    #[tokio::test]
    async fn create_conflict_is_known_in_every_form_and_shows_no_secret() {
        let described = r#"{"ErrorMessage":"Duplicate key for s3cr3t!","$metadata":{"etag":"e7"}}"#;
        for text in ["Duplicate key s3cr3t!", "\"Duplicate key\"", described] {
            let server = Server::script([answer(409, text)]).await;
            let test = server.client();
            let new = properties(&[("Name", "a"), ("my.token", "s3cr3t!"), ("flag", "true")]);
            let error = of(&test)
                .create(&test.context, LEVEL, &new)
                .await
                .unwrap_err();
            assert!(error.is_conflict());
            assert!(
                error
                    .message
                    .as_deref()
                    .unwrap()
                    .starts_with("Duplicate key")
            );
            assert!(
                !format!("{error} {error:?}").contains("s3cr3t"),
                "{error:?}"
            );
        }
    }

    #[tokio::test]
    async fn lost_answer_to_create_is_said_and_not_repeated() {
        let server = Server::script([Reply::Close]).await;
        let test = server.client();
        let error = of(&test)
            .create(&test.context, LEVEL, &properties(&[("Name", "a")]))
            .await
            .unwrap_err();
        assert!(error.maybe_processed);
        assert_eq!(server.calls().len(), 1);
    }

    #[tokio::test]
    async fn rejected_token_is_replaced_once_even_for_a_post() {
        let server = Server::script([answer(401, "expired"), answer(201, "")]).await;
        let test = server.client();
        let new = properties(&[("Name", "a")]);
        of(&test).create(&test.context, LEVEL, &new).await.unwrap();
        assert_eq!((server.tokens(), server.calls().len()), (2, 2));
        let sent = server.calls();
        assert_ne!(
            sent[0].header("authorization"),
            sent[1].header("authorization")
        );
        assert_eq!(
            sent[0].header("x-correlationid"),
            sent[1].header("x-correlationid")
        );

        let server = Server::script([answer(401, "no"), answer(401, "no")]).await;
        let test = server.client();
        let error = of(&test)
            .create(&test.context, LEVEL, &new)
            .await
            .unwrap_err();
        assert_eq!(error.status, Some(401));
        assert_eq!(
            (server.tokens(), server.calls().len(), error.attempts),
            (2, 2, 2)
        );
    }

    #[tokio::test]
    async fn a_refused_patch_shows_neither_the_new_secret_nor_the_one_before() {
        let server = Server::script([answer(
            400,
            r#"{"ErrorMessage":"clientSecret is old-secret, not new-secret"}"#,
        )])
        .await;
        let test = server.client();
        let current = Destination {
            properties: properties(&[("Name", "a"), ("clientSecret", "old-secret")]),
            metadata: Metadata::default(),
            labels: None,
        };
        // What was read once is known from then on.
        test.client.secrets().keep("old-secret");
        let error = of(&test)
            .patch(
                &test.context,
                LEVEL,
                "a",
                Some(&current),
                &changes(&[("clientSecret", Some("new-secret"))]),
            )
            .await
            .unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains("clientSecret is (hidden), not (hidden)"),
            "{shown}"
        );
    }

    #[tokio::test]
    async fn patch_sends_changes_only_and_null_for_deletions() {
        let server = Server::script([answer(204, "")]).await;
        let test = server.client();
        let wanted = changes(&[
            ("URL", Some("https://x")),
            ("old", None),
            ("Name", Some("other")),
        ]);
        of(&test)
            .patch(&test.context, LEVEL, "a", None, &wanted)
            .await
            .unwrap();
        of(&test)
            .patch(&test.context, LEVEL, "a", None, &Changes::default())
            .await
            .unwrap();
        let calls = server.calls();
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].method, "PATCH");
        assert_eq!(
            body(&calls[0].body),
            json!({"Name": "a", "URL": "https://x", "old": null})
        );
    }

    /// GET of a destination in the fallback.
    fn one(etag: &str, url: &str) -> Reply {
        let body = json!({"Name": "a", "Type": "HTTP", "URL": url, "clientSecret": "keep"});
        answer(200, &body.to_string()).with("ETag", etag)
    }

    #[tokio::test]
    async fn without_patch_the_whole_destination_is_merged_and_written() {
        for refusal in [answer(405, ""), answer(501, ""), answer(404, "Not Found")] {
            let server = Server::script([
                refusal,
                one("e1", "https://old"),
                answer(200, r#"{"Count":1}"#),
                one("e2", "https://x"),
                answer(200, r#"{"Count":1}"#),
            ])
            .await;
            let test = server.client();
            let wanted = changes(&[
                ("URL", Some("https://x")),
                ("Type", Some("HTTP")),
                ("old", None),
            ]);
            of(&test)
                .patch(&test.context, LEVEL, "a", None, &wanted)
                .await
                .unwrap();
            let more = changes(&[("URL", Some("https://y"))]);
            of(&test)
                .patch(&test.context, LEVEL, "a", None, &more)
                .await
                .unwrap();

            let calls = server.calls();
            let methods: Vec<&str> = calls.iter().map(|call| call.method.as_str()).collect();
            assert_eq!(methods, ["PATCH", "GET", "PUT", "GET", "PUT"]);
            assert_eq!(calls[2].header("if-match"), Some("e1"));
            let written =
                json!({"Name": "a", "Type": "HTTP", "URL": "https://x", "clientSecret": "keep"});
            assert_eq!(body(&calls[2].body), written);
        }
    }

    #[tokio::test]
    async fn what_was_just_read_is_not_read_again_before_it_is_written() {
        let server = Server::script([
            answer(405, ""),
            answer(412, ""),
            one("e2", "https://other"),
            answer(200, r#"{"Count":1}"#),
            answer(404, GONE),
        ])
        .await;
        let test = server.client();
        let current = Destination {
            properties: properties(&[("Name", "a"), ("URL", "https://old"), ("k", "v")]),
            metadata: Metadata {
                etag: Some("e1".to_owned()),
                ..Metadata::default()
            },
            labels: None,
        };
        let wanted = changes(&[("x", Some("1"))]);
        let destinations = of(&test);
        let patch = || destinations.patch(&test.context, LEVEL, "a", Some(&current), &wanted);
        patch().await.unwrap();
        let calls = server.calls();
        let methods: Vec<&str> = calls.iter().map(|call| call.method.as_str()).collect();
        assert_eq!(methods, ["PATCH", "PUT", "GET", "PUT"]);
        assert_eq!(calls[1].header("if-match"), Some("e1"));
        let written = json!({"Name": "a", "URL": "https://old", "k": "v", "x": "1"});
        assert_eq!(body(&calls[1].body), written);
        assert_eq!(calls[3].header("if-match"), Some("e2"));
        // Gone since it was read: PUT creates nothing.
        assert!(patch().await.unwrap_err().is_not_found_by_sap());
        assert_eq!(server.calls().len(), 5);
    }

    #[tokio::test]
    async fn rewrite_starts_again_when_somebody_else_wrote() {
        let server = Server::script([
            answer(405, ""),
            one("e1", "https://old"),
            answer(412, ""),
            one("e2", "https://other"),
            answer(200, r#"{"Count":1}"#),
        ])
        .await;
        let test = server.client();
        of(&test)
            .patch(
                &test.context,
                LEVEL,
                "a",
                None,
                &changes(&[("x", Some("1"))]),
            )
            .await
            .unwrap();
        let calls = server.calls();
        assert_eq!(calls[4].header("if-match"), Some("e2"));
        assert_eq!(body(&calls[4].body)["URL"], "https://other");
    }

    #[tokio::test]
    async fn rewrite_goes_without_an_etag_that_the_service_does_not_understand() {
        let server = Server::script([
            answer(405, ""),
            one("e1", "https://old"),
            answer(412, ""),
            one("e1", "https://old"),
            answer(200, r#"{"Count":1}"#),
        ])
        .await;
        let test = server.client();
        of(&test)
            .patch(
                &test.context,
                LEVEL,
                "a",
                None,
                &changes(&[("x", Some("1"))]),
            )
            .await
            .unwrap();
        assert_eq!(server.calls()[4].header("if-match"), None);
    }

    #[tokio::test]
    async fn rewrite_that_is_done_already_sends_nothing() {
        let server = Server::script([answer(405, ""), one("e1", "https://x")]).await;
        let test = server.client();
        let wanted = changes(&[("URL", Some("https://x")), ("old", None)]);
        of(&test)
            .patch(&test.context, LEVEL, "a", None, &wanted)
            .await
            .unwrap();
        assert_eq!(server.calls().len(), 2);
    }

    #[tokio::test]
    async fn patch_of_a_missing_destination_says_so_and_blames_no_method() {
        let server = Server::script([answer(404, GONE), answer(404, GONE), answer(204, "")]).await;
        let test = server.client();
        let wanted = changes(&[("URL", Some("https://x"))]);
        let error = of(&test)
            .patch(&test.context, LEVEL, "a", None, &wanted)
            .await
            .unwrap_err();
        assert!(error.is_not_found_by_sap());
        of(&test)
            .patch(&test.context, LEVEL, "a", None, &wanted)
            .await
            .unwrap();
        assert_eq!(server.calls()[2].method, "PATCH");
    }

    #[tokio::test]
    async fn delete_knows_every_way_to_be_gone() {
        let removed = Server::script([answer(200, r#"{"Count":1}"#)]).await;
        let test = removed.client();
        of(&test).delete(&test.context, LEVEL, "a/b").await.unwrap();
        assert!(
            removed.calls()[0]
                .target
                .ends_with("/subaccountDestinations/a%2Fb")
        );

        let gone = [
            vec![answer(200, r#"{"Count":0}"#)],
            vec![answer(404, GONE)],
            vec![answer(404, "Not Found"), answer(200, "[]")],
        ];
        for replies in gone {
            let server = Server::script(replies).await;
            let test = server.client();
            of(&test).delete(&test.context, LEVEL, "a").await.unwrap();
        }

        let there = [answer(404, "Not Found"), answer(200, r#"[{"Name":"a"}]"#)];
        let server = Server::script(there).await;
        let test = server.client();
        assert!(of(&test).delete(&test.context, LEVEL, "a").await.is_err());
    }

    #[tokio::test]
    async fn name_that_would_address_the_collection_is_never_sent() {
        let server = Server::script([]).await;
        let test = server.client();
        for name in ["", ".", ".."] {
            let error = of(&test)
                .delete(&test.context, LEVEL, name)
                .await
                .unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidName);
            assert!(
                of(&test)
                    .check_token(&test.context, LEVEL, name)
                    .await
                    .is_err()
            );
        }
        assert!(server.all().is_empty());
    }

    #[tokio::test]
    async fn labels_are_read_and_replaced() {
        let body = r#"[{"key":"env","values":["prod"]}]"#;
        let server = Server::script([answer(200, body), answer(200, ""), answer(204, "")]).await;
        let test = server.client();
        let labels = of(&test).labels(&test.context, LEVEL, "a").await.unwrap();
        assert_eq!(
            labels,
            Labels::from([("env".to_owned(), BTreeSet::from(["prod".to_owned()]))])
        );
        assert!(
            of(&test)
                .labels(&test.context, LEVEL, "a")
                .await
                .unwrap()
                .is_empty()
        );
        of(&test)
            .set_labels(&test.context, LEVEL, "a", &labels)
            .await
            .unwrap();
        let call = &server.calls()[2];
        assert_eq!((call.method.as_str(), call.body.as_str()), ("PUT", body));
        assert!(call.target.ends_with("/a/labels"));
    }

    #[tokio::test]
    async fn token_check_tells_saps_reason_and_keeps_no_token() {
        let failed = |reason: &str| TokenCheck::Failed {
            reason: reason.to_owned(),
        };
        let cases = [
            (
                json!({"authTokens": [{"type": "Bearer", "value": "eyJtoken"}]}),
                TokenCheck::Fetched,
            ),
            (
                json!({
                    "destinationConfiguration": {"clientSecret": "s3cr3t!", "URL": "https://x"},
                    "authTokens": [{"type": "", "value": "", "error": "401 for s3cr3t! at https://x"}],
                }),
                failed("401 for (hidden) at https://x"),
            ),
            (
                json!({"authTokens": [{"type": "", "value": ""}]}),
                failed("the service returned neither a token nor a reason"),
            ),
            (json!({"authTokens": []}), TokenCheck::NoToken),
            (json!({}), TokenCheck::NoToken),
        ];
        for (body, expected) in cases {
            let server = Server::script([answer(200, &body.to_string())]).await;
            let test = server.client();
            let check = of(&test)
                .check_token(&test.context, LEVEL, "a b")
                .await
                .unwrap();
            assert_eq!(check, expected);
            let target = &server.calls()[0].target;
            assert_eq!(
                target,
                "/destination-configuration/v2/destinations/a%20b@subaccount"
            );
        }
    }

    #[tokio::test]
    async fn token_check_falls_back_to_the_old_find_on_the_right_level_only() {
        let found = |instance: Value| {
            json!({
                "owner": {"SubaccountId": "s", "InstanceId": instance},
                "authTokens": [{"type": "Bearer", "value": "t"}],
            })
        };
        let router = || answer(404, "").with("X-Cf-Routererror", "unknown_route");
        let server = Server::script([
            router(),
            answer(200, &found(Value::Null).to_string()),
            router(),
            answer(200, &found("i".into()).to_string()),
        ])
        .await;
        let test = server.client();
        let check = of(&test)
            .check_token(&test.context, LEVEL, "a")
            .await
            .unwrap();
        assert_eq!(check, TokenCheck::Fetched);
        let error = of(&test)
            .check_token(&test.context, LEVEL, "a")
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::UnexpectedAnswer);
        assert!(!error.maybe_processed);
        assert_eq!(
            server.calls()[1].target,
            "/destination-configuration/v1/destinations/a"
        );
    }

    #[test]
    fn debug_shows_names_only() {
        let shown = format!(
            "{:?} {:?}",
            properties(&[("clientSecret", "s3cr3t")]),
            changes(&[("Password", Some("s3cr3t"))])
        );
        assert!(shown.contains("clientSecret") && shown.contains("Password"));
        assert!(!shown.contains("s3cr3t"));
    }

    #[test]
    fn level_has_one_name() {
        for level in [Level::Subaccount, Level::Instance] {
            assert_eq!(Level::from_name(level.as_str()), Some(level));
        }
        assert_eq!(Level::from_name("Subaccount"), None);
    }

    fn any_properties() -> impl Strategy<Value = Properties> {
        prop::collection::btree_map("[a-e]", "[x-z]{0,2}", 0..6).prop_map(ByProperty)
    }

    fn any_changes() -> impl Strategy<Value = Changes> {
        let value = prop::option::of("[x-z]{0,2}");
        prop::collection::btree_map("[a-e]", value, 0..6).prop_map(ByProperty)
    }

    proptest! {
        /// What SAP documents for PATCH: named keys are set, `null` deletes,
        /// others stay.
        #[test]
        fn merge_is_what_patch_does(before in any_properties(), changes in any_changes()) {
            let after = before.with(&changes);
            for key in before.keys().chain(changes.keys()) {
                let expected = match changes.get(key) {
                    Some(change) => change.as_ref(),
                    None => before.get(key),
                };
                prop_assert_eq!(after.get(key), expected);
            }
            prop_assert!(after.keys().all(|key| before.contains_key(key) || changes.contains_key(key)));
            prop_assert_eq!(after.with(&changes), after);
        }

        /// Decoding the query and then the name gives the name back.
        #[test]
        fn double_encoding_is_undone_by_double_decoding(name in "[^\\x00]{1,40}") {
            let filter = names_filter(&[encode_name(&name)]);
            let target = format!("/?$filter={}", encode(&filter));
            let decoded = query(&target).remove("$filter").unwrap();
            let inner = decoded.strip_prefix("Name in ('").unwrap().strip_suffix("')").unwrap();
            prop_assert!(!inner.contains('\''));
            let name_again = percent_encoding::percent_decode_str(inner).decode_utf8().unwrap();
            prop_assert_eq!(name_again, name);
        }
    }
}
