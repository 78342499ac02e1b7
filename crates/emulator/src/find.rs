//! Finding a destination for use: `GET /v1/destinations/{name}` and
//! `GET /v2/destinations/{name}@{level}`, with a token that is really fetched.
//!
//! Tokens are fetched for `OAuth2ClientCredentials` and made for
//! `BasicAuthentication`; kinds that need a user answer with an `error`, as
//! they do without a user. Mutual TLS with the token service is done with the
//! certificate that the destination names. Fragments and chains are left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::call::{Call, Outcome, Refusal, Reply, value_of};
use super::certificate::{self, Identity};
use super::shared::Shared;
use super::world::{Destination, Grant, LevelKind, Properties, Service};

/// How this service names itself in its own requests.
const CALLER: &str = "destination";

/// What a consumer finds.
struct Found {
    destination: Destination,
    /// The certificates that it names, as far as they are on the same level.
    certificates: Vec<Properties>,
    identity: Result<Option<Identity>, String>,
    owner: Value,
}

/// Instance level first, then subaccount.
pub(crate) async fn version_1(shared: &Shared, call: &Call, grant: &Grant, name: &str) -> Outcome {
    check_method(call)?;
    let found = look_up(shared, grant, name, LevelKind::Instance)
        .or_else(|| look_up(shared, grant, name, LevelKind::Subaccount))
        .ok_or_else(Refusal::not_found)?;
    let mut body = answer(shared, call, &found).await?;
    body.insert("owner".to_owned(), found.owner);
    Ok(Reply::json(StatusCode::OK, &body))
}

/// One level only, `instance` unless the name says another.
pub(crate) async fn version_2(shared: &Shared, call: &Call, grant: &Grant, name: &str) -> Outcome {
    check_method(call)?;
    let (name, level) = name.rsplit_once('@').unwrap_or((name, "instance"));
    let kind = match level {
        "subaccount" | "provider_subaccount" => LevelKind::Subaccount,
        "instance" | "provider_instance" => LevelKind::Instance,
        _ => return Err(Refusal::bad_request(format!("Invalid level '{level}'"))),
    };
    // The provider's own levels are those of the subaccount that the instance lives in.
    let mut grant = grant.clone();
    if level.starts_with("provider_") {
        let home = shared
            .world()
            .client(&grant.client_id)
            .map(|client| client.subdomain.clone());
        grant.subdomain = home.ok_or_else(Refusal::not_found)?;
    }
    let found = look_up(shared, &grant, name, kind).ok_or_else(Refusal::not_found)?;
    let mut body = answer(shared, call, &found).await?;
    let pairs = call.query_pairs();
    let metadata = value_of(&pairs, "$includeMetadata").unwrap_or_default();
    if metadata.split(';').any(|word| word == "owner") {
        add_metadata(&mut body, "owner", found.owner);
    }
    Ok(Reply::json(StatusCode::OK, &body))
}

fn check_method(call: &Call) -> Result<(), Refusal> {
    if call.method == Method::GET {
        Ok(())
    } else {
        Err(Refusal::method_not_allowed())
    }
}

fn look_up(shared: &Shared, grant: &Grant, name: &str, kind: LevelKind) -> Option<Found> {
    let mut world = shared.world();
    let now = world.clock.now();
    let level = world.level(grant, kind)?;
    let destination = level.seen_by_consumers(name, now)?.clone();
    let certificates = certificate::named(&level.certificates, &destination.properties);
    let identity = certificate::identity(&level.certificates, &destination.properties);
    let instance = match (kind, &grant.service) {
        (LevelKind::Instance, Service::Destination { instance }) => Some(instance),
        _ => None,
    };
    let subaccount = world.subaccounts.get(&grant.subdomain)?;
    let owner = json!({"SubaccountId": subaccount.id, "InstanceId": instance});
    Some(Found {
        destination,
        certificates,
        identity,
        owner,
    })
}

/// The body without the owner, which the versions write to different places.
async fn answer(
    shared: &Shared,
    call: &Call,
    found: &Found,
) -> Result<Map<String, Value>, Refusal> {
    let pairs = call.query_pairs();
    let is_set = |name: &str| value_of(&pairs, name) == Some("true");
    let tenant = call.header("x-tenant");
    let properties = &found.destination.properties;
    let mut shown = properties.clone();
    if is_set("$skipCredentials") {
        shown.retain(|key, _| !is_secret(key));
    }
    let mut body = Map::new();
    body.insert("destinationConfiguration".to_owned(), json!(shown));
    let metadata = value_of(&pairs, "$includeMetadata").unwrap_or_default();
    if metadata.split(';').any(|word| word == "labels") {
        add_metadata(&mut body, "labels", json!(found.destination.labels));
    }
    if !is_set("$skipTokenRetrieval") {
        check_tenant(properties, tenant)?;
        let tokens = tokens(shared, found, tenant).await;
        body.insert("authTokens".to_owned(), json!(tokens));
    }
    if !found.certificates.is_empty() && !is_set("$skipCredentials") {
        body.insert("certificates".to_owned(), json!(found.certificates));
    }
    Ok(body)
}

fn add_metadata(body: &mut Map<String, Value>, name: &str, value: Value) {
    let configuration = body
        .get_mut("destinationConfiguration")
        .and_then(Value::as_object_mut);
    if let Some(configuration) = configuration
        && let Some(metadata) = configuration
            .entry("$metadata")
            .or_insert_with(|| json!({}))
            .as_object_mut()
    {
        metadata.insert(name.to_owned(), value);
    }
}

/// `X-tenant` belongs to a common token service and to no other.
fn check_tenant(properties: &Properties, tenant: Option<&str>) -> Result<(), Refusal> {
    let kind = properties.get("tokenServiceURLType").map(String::as_str);
    match (kind, tenant) {
        (Some("Common"), None) => Err(Refusal::bad_request(
            "X-tenant is required when tokenServiceURLType is Common",
        )),
        (Some("Dedicated"), Some(_)) => Err(Refusal::bad_request(
            "X-tenant is not allowed when tokenServiceURLType is Dedicated",
        )),
        _ => Ok(()),
    }
}

async fn tokens(shared: &Shared, found: &Found, tenant: Option<&str>) -> Vec<Value> {
    let properties = &found.destination.properties;
    let get = |key: &str| properties.get(key).map_or("", String::as_str);
    match get("Authentication") {
        "OAuth2ClientCredentials" => {
            let token = match &found.identity {
                Ok(identity) => {
                    let identity = identity.as_ref();
                    let outbound = &shared.outbound;
                    outbound.token(CALLER, properties, tenant, identity).await
                }
                Err(reason) => Err(reason.clone()),
            };
            vec![match token {
                Ok(token) => {
                    let mut entry = ready("Bearer", &token.value);
                    if let Some(entry) = entry.as_object_mut() {
                        if let Some(seconds) = token.expires_in {
                            entry.insert("expires_in".to_owned(), json!(seconds.to_string()));
                        }
                        if let Some(scope) = token.scope {
                            entry.insert("scope".to_owned(), json!(scope));
                        }
                    }
                    entry
                }
                Err(reason) => failed(&reason),
            }]
        }
        "BasicAuthentication" => {
            let pair = format!("{}:{}", get("User"), get("Password"));
            vec![ready("Basic", &STANDARD.encode(pair))]
        }
        "" | "NoAuthentication" | "ClientCertificateAuthentication" | "PrincipalPropagation" => {
            Vec::new()
        }
        other => vec![failed(&format!("{other} needs the token of a user"))],
    }
}

fn ready(kind: &str, value: &str) -> Value {
    json!({
        "type": kind,
        "value": value,
        "http_header": {"key": "Authorization", "value": format!("{kind} {value}")},
    })
}

/// A token that could not be fetched: the call is a success all the same.
fn failed(reason: &str) -> Value {
    json!({
        "type": "",
        "value": "",
        "error": format!("Retrieval of OAuthToken failed due to: {reason}"),
    })
}

/// The keys that `$skipCredentials` leaves out. The list is ours.
fn is_secret(key: &str) -> bool {
    const NAMES: [&str; 7] = [
        "clientSecret",
        "Password",
        "tokenServicePassword",
        "KeyStorePassword",
        "TrustStorePassword",
        "tokenService.KeyStorePassword",
        "clientKey",
    ];
    NAMES.contains(&key)
}
