//! The Destination service, version 1: create, read, update and delete.
//!
//! Certificates live in collections of the same kind and share this code; what
//! is theirs alone is in `certificate`. Finding a destination for use is in
//! `find`, labels are in `labels`, what a valid destination is in `validation`.
//! Fragments are left out, and labels of certificates.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::header::{ALLOW, ETAG, HeaderName};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::call::{Call, Outcome, Refusal, Reply, json_body, value_of};
use super::filter::Filter;
use super::knobs::{DestinationKnobs, DuplicateBody, ErrorBody, MissingDelete, PatchSupport};
use super::shared::Shared;
use super::validation::{self, Draft};
use super::world::{Destination, Grant, Kind, Level, LevelKind, Service, World};
use super::{certificate, find, labels};

/// Longest request target, from the path on.
const MAX_TARGET: usize = 4000;

/// Answers a request below `/destination-configuration`.
pub(crate) async fn handle(shared: &Shared, call: &Call, path: &[&str]) -> Reply {
    let outcome = match authorize(shared, call) {
        Err(refusal) => Err(refusal),
        Ok(_) if call.path_and_query().len() > MAX_TARGET => {
            Err(Refusal::new(StatusCode::URI_TOO_LONG, "URI Too Long"))
        }
        Ok(grant) => match path {
            ["v1", "destinations", name] => find::version_1(shared, call, &grant, name).await,
            ["v2", "destinations", name] => find::version_2(shared, call, &grant, name).await,
            ["v1", collection, rest @ ..] => match of_collection(collection) {
                Some(place) => manage(&mut shared.world(), call, &grant, place, rest),
                None => Err(Refusal::new(StatusCode::NOT_FOUND, "Not Found")),
            },
            _ => Err(Refusal::new(StatusCode::NOT_FOUND, "Not Found")),
        },
    };
    outcome.unwrap_or_else(|refusal| render(&refusal, &shared.world().knobs.destination))
}

/// The collections, by the path segment that names them.
const COLLECTIONS: [(&str, (Kind, LevelKind)); 4] = [
    (
        "subaccountDestinations",
        (Kind::Destination, LevelKind::Subaccount),
    ),
    (
        "instanceDestinations",
        (Kind::Destination, LevelKind::Instance),
    ),
    (
        "subaccountCertificates",
        (Kind::Certificate, LevelKind::Subaccount),
    ),
    (
        "instanceCertificates",
        (Kind::Certificate, LevelKind::Instance),
    ),
];

fn of_collection(segment: &str) -> Option<(Kind, LevelKind)> {
    COLLECTIONS
        .iter()
        .find(|(name, _)| *name == segment)
        .map(|(_, place)| *place)
}

/// An error as this service writes it.
pub(crate) fn render(refusal: &Refusal, knobs: &DestinationKnobs) -> Reply {
    let reply = match knobs.error_body {
        ErrorBody::Json => Reply::json(refusal.status, &json!({ "ErrorMessage": refusal.message })),
        ErrorBody::Text => Reply::text(refusal.status, refusal.message.clone()),
    };
    if refusal.status != StatusCode::METHOD_NOT_ALLOWED || !knobs.allow_header {
        return reply;
    }
    let methods = match knobs.patch {
        PatchSupport::Supported => "GET, POST, PUT, PATCH, DELETE",
        _ => "GET, POST, PUT, DELETE",
    };
    reply.with_header(ALLOW, methods)
}

/// The grant of the caller, if it is for this service.
fn authorize(shared: &Shared, call: &Call) -> Result<Grant, Refusal> {
    let world = shared.world();
    let grant = call
        .authorization("bearer")
        .and_then(|token| world.grant(token))
        .ok_or_else(|| {
            Refusal::new(
                StatusCode::UNAUTHORIZED,
                "Unable to parse the JWT in Authorization Header.",
            )
        })?;
    match grant.service {
        Service::Destination { .. } => Ok(grant.clone()),
        _ => Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden")),
    }
}

fn manage(
    world: &mut World,
    call: &Call,
    grant: &Grant,
    (kind, level): (Kind, LevelKind),
    rest: &[&str],
) -> Outcome {
    let mut scene = Scene {
        world,
        call,
        grant,
        kind,
        level,
    };
    match (rest, &call.method) {
        ([], &Method::GET) => scene.list(),
        ([], &Method::POST) => scene.create(),
        ([], &Method::PUT) => scene.replace(),
        ([], &Method::PATCH) if kind == Kind::Destination => scene.patch(),
        ([], &Method::DELETE) => scene.delete_many(),
        ([name], &Method::GET) => scene.read(name),
        ([name], &Method::DELETE) => scene.delete(name),
        ([name, "labels"], _) if kind == Kind::Destination => {
            labels::handle(scene.world, call, grant, level, name)
        }
        ([] | [_], _) => Err(Refusal::method_not_allowed()),
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "Not Found")),
    }
}

/// One request about the destinations or certificates of one level.
struct Scene<'a> {
    world: &'a mut World,
    call: &'a Call,
    grant: &'a Grant,
    kind: Kind,
    level: LevelKind,
}

impl Scene<'_> {
    fn level(&mut self) -> Result<&mut Level, Refusal> {
        self.world
            .level(self.grant, self.level)
            .ok_or_else(Refusal::forbidden)
    }

    /// All of this kind on this level.
    fn all(&mut self) -> Result<&BTreeMap<String, Destination>, Refusal> {
        let kind = self.kind;
        self.level().map(|level| level.all(kind))
    }

    fn knobs(&self) -> &DestinationKnobs {
        &self.world.knobs.destination
    }

    fn segment(&self) -> &'static str {
        let place = (self.kind, self.level);
        let mut collections = COLLECTIONS.iter();
        collections
            .find(|(_, other)| *other == place)
            .map_or("", |(name, _)| name)
    }

    /// How the service tells one of this kind.
    fn telling(&self) -> impl for<'a> Fn(&'a Destination) -> Cow<'a, Destination> + use<> {
        let (kind, knobs) = (self.kind, self.knobs());
        let (content, key) = (knobs.certificate_content, knobs.generated_key);
        move |one| match kind {
            Kind::Destination => Cow::Borrowed(one),
            Kind::Certificate => Cow::Owned(certificate::told(one, content, key)),
        }
    }

    // ---- read ----

    fn read(&mut self, name: &str) -> Outcome {
        let quoted = self.knobs().quoted_etag;
        let tell = self.telling();
        let destination = self
            .all()?
            .get(name)
            .cloned()
            .ok_or_else(Refusal::not_found)?;
        let shown = if quoted {
            format!("\"{}\"", destination.etag)
        } else {
            destination.etag.clone()
        };
        let names_it = |header: &str| header_names_etag(self.call, header, &destination.etag);
        let reply = if names_it("if-match") == Some(false) {
            Reply::empty(StatusCode::PRECONDITION_FAILED)
        } else if names_it("if-none-match") == Some(true) {
            Reply::empty(StatusCode::NOT_MODIFIED)
        } else {
            Reply::json(StatusCode::OK, &tell(&destination).properties)
        };
        Ok(reply.with_header(ETAG, &shown))
    }

    fn list(&mut self) -> Outcome {
        let query = ListQuery::parse(&self.call.query_pairs())?;
        let segment = self.segment();
        let now = self.world.clock.now_ms();
        let tell = self.telling();
        let all = self.all()?;
        let found: Vec<(&String, &Destination)> = all
            .iter()
            .filter(|(name, destination)| {
                let filter = query.filter.as_ref();
                filter.is_none_or(|filter| filter.passes(name, destination, now))
            })
            .collect();
        let body = |items: &[(&String, &Destination)]| -> Vec<Value> {
            items
                .iter()
                .map(|(name, destination)| match query.mode {
                    Mode::Select => json!({ "Name": name }),
                    _ => with_metadata(&tell(destination), &query.metadata),
                })
                .collect()
        };
        let Mode::Page {
            number,
            size,
            page_count,
            entity_count,
        } = query.mode
        else {
            return Ok(Reply::json(StatusCode::OK, &body(&found)));
        };
        let pages = found.len().div_ceil(size);
        let start = (number - 1).saturating_mul(size);
        let page: Vec<_> = found.iter().copied().skip(start).take(size).collect();
        let mut reply = Reply::json(StatusCode::OK, &body(&page));
        if let Some(link) = links(segment, number, size, pages) {
            reply = reply.with_header(http::header::LINK, &link);
        }
        if page_count {
            reply = reply.with_header(HeaderName::from_static("page-count"), &pages.to_string());
        }
        if entity_count {
            let count = found.len().to_string();
            reply = reply.with_header(HeaderName::from_static("entity-count"), &count);
        }
        Ok(reply)
    }

    // ---- create ----

    fn create(&mut self) -> Outcome {
        let metadata = match value_of(&self.call.query_pairs(), "$includeMetadata") {
            Some(list) if self.knobs().post_metadata => MetadataKind::parse_list(list)?,
            _ => Vec::new(),
        };
        let Value::Array(items) = json_body(self.call)? else {
            return self.create_one(&metadata);
        };
        let mut entries = Vec::new();
        for item in &items {
            entries.push(self.bulk_create(item, &metadata));
        }
        Ok(bulk_reply(StatusCode::CREATED, &entries))
    }

    fn create_one(&mut self, metadata: &[MetadataKind]) -> Outcome {
        let draft = self.draft(&json_body(self.call)?)?;
        let name = draft.name.clone();
        match self.add(draft)? {
            Addition::Created(_) if metadata.is_empty() => Ok(Reply::empty(StatusCode::CREATED)),
            Addition::Created(destination) => {
                let body = json!({ "$metadata": metadata_of(&destination, metadata) });
                Ok(Reply::json(StatusCode::CREATED, &body))
            }
            Addition::Exists => self.duplicate(&name, metadata),
        }
    }

    /// The 409: text as documented, JSON about the existing object when
    /// metadata was asked for, or what the knob says.
    fn duplicate(&mut self, name: &str, metadata: &[MetadataKind]) -> Outcome {
        let form = self.knobs().duplicate_body;
        let as_json = match form {
            DuplicateBody::Documented => !metadata.is_empty(),
            DuplicateBody::Json => true,
            DuplicateBody::Text => false,
        };
        if !as_json {
            return Ok(Reply::text(StatusCode::CONFLICT, "Duplicate key"));
        }
        let mut body = json!({ "ErrorMessage": "Duplicate key" });
        if let (false, Some(existing), Some(body)) = (
            metadata.is_empty(),
            self.all()?.get(name),
            body.as_object_mut(),
        ) {
            body.insert("$metadata".to_owned(), metadata_of(existing, metadata));
        }
        Ok(Reply::json(StatusCode::CONFLICT, &body))
    }

    fn bulk_create(&mut self, item: &Value, metadata: &[MetadataKind]) -> Value {
        let name = name_in(item);
        let result = self.draft(item).and_then(|draft| self.add(draft));
        match result {
            Ok(Addition::Created(destination)) => {
                let mut entry = json!({"name": name, "status": 201, "etag": destination.etag});
                if let (false, Some(entry)) = (metadata.is_empty(), entry.as_object_mut()) {
                    let metadata = metadata_of(&destination, metadata);
                    entry.insert("$metadata".to_owned(), metadata);
                }
                entry
            }
            Ok(Addition::Exists) => {
                json!({"name": name, "status": 409, "cause": "Duplicate key"})
            }
            Err(refusal) => bulk_failure(&name, &refusal),
        }
    }

    fn draft(&self, value: &Value) -> Result<Draft, Refusal> {
        match self.kind {
            Kind::Destination => validation::draft(value, self.level, self.knobs()),
            Kind::Certificate => {
                let subaccount = self.world.subaccounts.get(&self.grant.subdomain);
                let owner = subaccount.map_or("", |subaccount| subaccount.id.as_str());
                let now = self.world.clock.date();
                certificate::draft(value, self.knobs().check_certificates, owner, now)
            }
        }
    }

    fn add(&mut self, draft: Draft) -> Result<Addition, Refusal> {
        let limit = self.knobs().entity_limit;
        let time = self.world.next_time();
        let late = self.world.propagation();
        if self.all()?.contains_key(&draft.name) {
            return Ok(Addition::Exists);
        }
        if limit.is_some_and(|limit| self.count() >= limit) {
            // The limit is documented, the answer beyond it is not.
            let kind = match self.kind {
                Kind::Destination => "destinations",
                Kind::Certificate => "certificates",
            };
            let text = format!("The maximum number of {kind} is reached");
            return Err(Refusal::bad_request(text));
        }
        let mut destination = Destination::new(draft.properties, time);
        destination.shared_with_subscriber = draft.shared_with_subscriber;
        destination.made = draft.made;
        let created = destination.clone();
        let kind = self.kind;
        self.level()?.write(kind, draft.name, destination, late);
        Ok(Addition::Created(created))
    }

    /// How many of this kind the subaccount has on all levels.
    fn count(&self) -> usize {
        let Some(subaccount) = self.world.subaccounts.get(&self.grant.subdomain) else {
            return 0;
        };
        let instances = subaccount.instances.values();
        let levels = instances.chain([&subaccount.destinations]);
        levels.map(|level| level.all(self.kind).len()).sum()
    }

    // ---- update ----

    fn replace(&mut self) -> Outcome {
        let body = json_body(self.call)?;
        let Value::Array(items) = &body else {
            self.overwrite(&body)?;
            return Ok(Reply::json(StatusCode::OK, &json!({"Count": 1})));
        };
        let mut entries = Vec::new();
        for item in items {
            let name = name_in(item);
            entries.push(match self.overwrite(item) {
                Ok(etag) => json!({"name": name, "status": 200, "etag": etag}),
                Err(refusal) => bulk_failure(&name, &refusal),
            });
        }
        Ok(bulk_reply(StatusCode::OK, &entries))
    }

    /// Replaces one destination and returns its new etag.
    fn overwrite(&mut self, value: &Value) -> Result<String, Refusal> {
        let draft = self.draft(value)?;
        self.store(draft)
    }

    fn patch(&mut self) -> Outcome {
        match self.knobs().patch {
            PatchSupport::Supported => {}
            PatchSupport::MethodNotAllowed => return Err(Refusal::method_not_allowed()),
            PatchSupport::NotImplemented => {
                return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "Not Implemented"));
            }
            PatchSupport::NotFound => {
                return Err(Refusal::new(StatusCode::NOT_FOUND, "Not Found"));
            }
        }
        let body = json_body(self.call)?;
        let changes = body
            .as_object()
            .ok_or_else(|| Refusal::bad_request("The request body is not an object"))?;
        let name = name_in(&body);
        let existing = self
            .level()?
            .destinations
            .get(&name)
            .ok_or_else(Refusal::not_found)?;
        let shared = existing.shared_with_subscriber;
        let merged = merge(existing.properties.clone(), changes);
        let mut draft = self.draft(&merged)?;
        draft.shared_with_subscriber = draft.shared_with_subscriber.or(shared);
        self.store(draft)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    fn store(&mut self, draft: Draft) -> Result<String, Refusal> {
        let name = draft.name.as_str();
        self.check_if_match(name)?;
        let keep_labels = self.call.method == Method::PATCH || self.knobs().put_keeps_labels;
        let time = self.world.next_time();
        let late = self.world.propagation();
        let kind = self.kind;
        let level = self.level()?;
        let existing = level.all(kind).get(name).ok_or_else(Refusal::not_found)?;
        let mut destination = Destination::new(draft.properties, time);
        destination.shared_with_subscriber = draft.shared_with_subscriber;
        destination.made = draft.made;
        if keep_labels {
            destination.labels.clone_from(&existing.labels);
        }
        let etag = destination.etag.clone();
        level.write(kind, draft.name, destination, late);
        Ok(etag)
    }

    /// `If-Match` on a write, when the knob says that the service honours it.
    fn check_if_match(&mut self, name: &str) -> Result<(), Refusal> {
        if !self.knobs().if_match_on_write {
            return Ok(());
        }
        let call = self.call;
        let etag = self.all()?.get(name).map(|it| it.etag.clone());
        match etag.and_then(|etag| header_names_etag(call, "if-match", &etag)) {
            Some(false) => Err(Refusal::new(
                StatusCode::PRECONDITION_FAILED,
                "Precondition Failed",
            )),
            _ => Ok(()),
        }
    }

    // ---- delete ----

    fn delete(&mut self, name: &str) -> Outcome {
        self.check_if_match(name)?;
        let missing = self.knobs().missing_delete;
        let kind = self.kind;
        if let (Kind::Destination, Some(user)) = (kind, user_of(self.level()?, name)) {
            return Err(Refusal::bad_request(format!(
                "Cannot perform operation on the destination '{name}' because it is used as an \
                 assertion provider for destination '{user}'"
            )));
        }
        let late = self.world.propagation();
        match (self.level()?.erase(kind, name, late), missing) {
            (true, _) => Ok(Reply::json(StatusCode::OK, &json!({"Count": 1}))),
            (false, MissingDelete::CountZero) => {
                Ok(Reply::json(StatusCode::OK, &json!({"Count": 0})))
            }
            (false, MissingDelete::NotFound) => Err(Refusal::not_found()),
        }
    }

    fn delete_many(&mut self) -> Outcome {
        let pairs = self.call.query_pairs();
        let filter = value_of(&pairs, "$filter")
            .ok_or_else(|| Refusal::bad_request("$filter is mandatory"))?;
        let Filter::Names(names) = Filter::parse(filter).map_err(Refusal::bad_request)? else {
            return Err(Refusal::bad_request("$filter must be a list of names"));
        };
        let late = self.world.propagation();
        let kind = self.kind;
        let level = self.level()?;
        let in_use: Vec<&str> = names
            .iter()
            .filter(|_| kind == Kind::Destination)
            .filter(|name| user_of(level, name).is_some_and(|user| !names.contains(&user)))
            .map(String::as_str)
            .collect();
        if !in_use.is_empty() {
            return Err(Refusal::bad_request(format!(
                "Unable to remove Configurations \"[{}]\".",
                in_use.join(", ")
            )));
        }
        let mut count = 0;
        let mut summary = Vec::new();
        for name in &names {
            summary.push(if level.erase(kind, name, late) {
                count += 1;
                json!({"name": name, "status": "DELETED"})
            } else {
                let reason = "Could not find configuration";
                json!({"name": name, "status": "NOT_FOUND", "reason": reason})
            });
        }
        let body = json!({"Count": count, "Summary": summary});
        Ok(Reply::json(StatusCode::OK, &body))
    }
}

/// What came of adding a destination.
enum Addition {
    Created(Destination),
    Exists,
}

/// The destination on the same level that takes its client assertion from `name`.
fn user_of(level: &Level, name: &str) -> Option<String> {
    level
        .destinations
        .iter()
        .find(|(user, destination)| {
            let provider = destination
                .properties
                .get("clientAssertion.destinationName");
            user.as_str() != name && provider.is_some_and(|provider| provider == name)
        })
        .map(|(user, _)| user.clone())
}

/// The properties with the changes of a `PATCH`; `null` deletes.
fn merge(properties: BTreeMap<String, String>, changes: &Map<String, Value>) -> Value {
    let mut merged: Map<String, Value> = properties
        .into_iter()
        .map(|(key, value)| (key, Value::String(value)))
        .collect();
    for (key, value) in changes {
        if value.is_null() {
            merged.remove(key);
        } else {
            merged.insert(key.clone(), value.clone());
        }
    }
    Value::Object(merged)
}

/// Whether a header with etags names this one; absent without the header.
fn header_names_etag(call: &Call, header: &str, etag: &str) -> Option<bool> {
    let value = call.header(header)?;
    Some(value.split(',').any(|one| {
        let one = one.trim();
        let one = one.strip_prefix("W/").unwrap_or(one);
        one == "*" || one.trim_matches('"') == etag
    }))
}

/// The name of a body, or nothing.
fn name_in(value: &Value) -> String {
    value
        .get("Name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn bulk_failure(name: &str, refusal: &Refusal) -> Value {
    json!({"name": name, "status": refusal.status.as_u16(), "cause": refusal.message})
}

/// `success` when every entry succeeded, else 207.
fn bulk_reply(success: StatusCode, entries: &[Value]) -> Reply {
    let expected = success.as_u16();
    let all = entries.iter().all(|entry| entry["status"] == expected);
    let status = if all {
        success
    } else {
        StatusCode::MULTI_STATUS
    };
    Reply::json(status, &entries)
}

/// One word of `$includeMetadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetadataKind {
    ModificationTime,
    Etag,
    SharedWithSubscriber,
    Labels,
}

impl MetadataKind {
    fn parse_list(list: &str) -> Result<Vec<Self>, Refusal> {
        list.split(';')
            .map(|word| match word.trim() {
                "modification_time" => Ok(Self::ModificationTime),
                "etag" => Ok(Self::Etag),
                "shared_with_subscriber" => Ok(Self::SharedWithSubscriber),
                "labels" => Ok(Self::Labels),
                other => Err(Refusal::bad_request(format!(
                    "Invalid value '{other}' of $includeMetadata"
                ))),
            })
            .collect()
    }
}

fn metadata_of(destination: &Destination, kinds: &[MetadataKind]) -> Value {
    let mut metadata = Map::new();
    for kind in kinds {
        let (name, value) = match kind {
            MetadataKind::ModificationTime => (
                "modification_time",
                json!(destination.modification_time.to_string()),
            ),
            MetadataKind::Etag => ("etag", json!(destination.etag)),
            MetadataKind::SharedWithSubscriber => (
                "shared_with_subscriber",
                json!(destination.shared_with_subscriber.unwrap_or(false)),
            ),
            MetadataKind::Labels => ("labels", json!(destination.labels)),
        };
        metadata.insert(name.to_owned(), value);
    }
    Value::Object(metadata)
}

fn with_metadata(destination: &Destination, kinds: &[MetadataKind]) -> Value {
    let mut item = json!(destination.properties);
    if let (false, Some(item)) = (kinds.is_empty(), item.as_object_mut()) {
        item.insert("$metadata".to_owned(), metadata_of(destination, kinds));
    }
    item
}

/// The query of a list.
struct ListQuery {
    filter: Option<Filter>,
    metadata: Vec<MetadataKind>,
    mode: Mode,
}

/// The three modes, which exclude each other.
enum Mode {
    Default,
    Select,
    Page {
        /// From 1.
        number: usize,
        /// 1 to 1000.
        size: usize,
        page_count: bool,
        entity_count: bool,
    },
}

impl ListQuery {
    fn parse(pairs: &[(String, String)]) -> Result<Self, Refusal> {
        let get = |name: &str| value_of(pairs, name);
        let others = |allowed: &[&str]| {
            pairs
                .iter()
                .any(|(name, _)| name.starts_with('$') && !allowed.contains(&name.as_str()))
        };
        let mixed = || Refusal::bad_request("The query parameters cannot be combined");
        if let Some(select) = get("$select") {
            if others(&["$select"]) {
                return Err(mixed());
            }
            if select != "Name" {
                return Err(Refusal::bad_request("$select must be Name"));
            }
            return Ok(Self::in_mode(Mode::Select));
        }
        if let Some(page) = get("$page") {
            if others(&["$page", "$pageSize", "$pageCount", "$entityCount"]) {
                return Err(mixed());
            }
            return Ok(Self::in_mode(Mode::Page {
                number: number(page, "$page", usize::MAX)?,
                size: number(get("$pageSize").unwrap_or("10"), "$pageSize", 1000)?,
                page_count: get("$pageCount") == Some("true"),
                entity_count: get("$entityCount") == Some("true"),
            }));
        }
        if others(&["$filter", "$includeMetadata"]) {
            return Err(mixed());
        }
        let filter = get("$filter").map(Filter::parse).transpose();
        let metadata = get("$includeMetadata")
            .map(MetadataKind::parse_list)
            .transpose()?;
        Ok(Self {
            filter: filter.map_err(Refusal::bad_request)?,
            metadata: metadata.unwrap_or_default(),
            mode: Mode::Default,
        })
    }

    fn in_mode(mode: Mode) -> Self {
        Self {
            filter: None,
            metadata: Vec::new(),
            mode,
        }
    }
}

fn number(text: &str, name: &str, most: usize) -> Result<usize, Refusal> {
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(Refusal::bad_request(format!("Invalid value of {name}"))),
    }
}

/// The `Link` header: single quotes around `rel` and a path without the
/// service's prefix, as the real one has it.
fn links(segment: &str, number: usize, size: usize, pages: usize) -> Option<String> {
    let link = |page: usize, relation: &str| {
        format!("</{segment}?$page={page}&$pageSize={size}>; rel='{relation}'")
    };
    let mut links = Vec::new();
    if number > 1 {
        links.push(link(number - 1, "previous"));
    }
    if number < pages {
        links.push(link(number + 1, "next"));
    }
    (!links.is_empty()).then(|| links.join(", "))
}
