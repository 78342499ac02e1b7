//! The token servers, one per zone, as XSUAA does it: `POST oauth/token` with
//! client credentials, the key set and the `OpenID` configuration.
//!
//! Each is there twice, the second time behind mutual TLS; see `origins`. Only the
//! grant `client_credentials` exists.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::call::{Call, Reply, value_of};
use super::knobs::{ScopeRule, TokenFormat, UnauthorizedBody};
use super::origins::Door;
use super::shared::Shared;
use super::world::{Client, Grant, Service, World};

/// Answers a request to the token server of a zone; `rest` is the path inside.
pub(crate) fn handle(
    shared: &Shared,
    call: &Call,
    subdomain: &str,
    rest: &[&str],
    door: Door,
) -> Reply {
    if !shared.world().subaccounts.contains_key(subdomain) {
        return Failure::UnknownZone.reply(UnauthorizedBody::Unauthorized);
    }
    match (rest, &call.method) {
        (["oauth", "token"], &Method::POST) => token(shared, call, subdomain, door),
        (["token_keys"], &Method::GET) => {
            Reply::json(StatusCode::OK, &shared.signing_key.key_set())
        }
        ([".well-known", "openid-configuration"], &Method::GET) => {
            Reply::json(StatusCode::OK, &openid_configuration(shared, subdomain))
        }
        (["oauth", "token"] | ["token_keys"] | [".well-known", "openid-configuration"], _) => {
            Failure::Method(call.method.to_string()).reply(UnauthorizedBody::Unauthorized)
        }
        _ => Reply::json(StatusCode::NOT_FOUND, &json!({"error": "Not Found"})),
    }
}

fn openid_configuration(shared: &Shared, subdomain: &str) -> Value {
    let zone = shared.origins.zone(subdomain, Door::Secret);
    let mut configuration = json!({
        "issuer": format!("{zone}/oauth/token"),
        "token_endpoint": format!("{zone}/oauth/token"),
        "jwks_uri": format!("{zone}/token_keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
    });
    if shared.origins.tls()
        && let Some(fields) = configuration.as_object_mut()
    {
        let zone = shared.origins.zone(subdomain, Door::Certificate);
        let mtls = format!("{zone}/oauth/token");
        fields.insert(
            "mtls_endpoint_aliases".to_owned(),
            json!({ "token_endpoint": mtls }),
        );
    }
    configuration
}

fn token(shared: &Shared, call: &Call, subdomain: &str, door: Door) -> Reply {
    let mut world = shared.world();
    let unauthorized_body = world.knobs.token.unauthorized_body;
    match issue(shared, &mut world, call, subdomain, door) {
        Ok(body) => no_store(Reply::json(StatusCode::OK, &body))
            .with_header(CONTENT_TYPE, "application/json;charset=UTF-8"),
        Err(failure) => failure.reply(unauthorized_body),
    }
}

fn issue(
    shared: &Shared,
    world: &mut World,
    call: &Call,
    subdomain: &str,
    door: Door,
) -> Result<Value, Failure> {
    let form = call.form();
    let client = match door {
        Door::Secret => client_by_secret(world, call, &form)?,
        Door::Certificate => client_by_certificate(world, call, &form)?,
    };
    let subdomain = target_zone(world, call, subdomain)?;
    if client.subdomain != subdomain && !world.knobs.token.subscribers.contains(&subdomain) {
        return Err(Failure::Credentials);
    }
    match value_of(&form, "grant_type") {
        None => return Err(Failure::MissingGrantType),
        Some("client_credentials") => {}
        Some(_) => return Err(Failure::GrantType),
    }
    let scopes = granted_scopes(
        client.authorities(&world.knobs),
        value_of(&form, "scope"),
        world.knobs.token.scope,
    )?;
    answer(shared, world, &client, &subdomain, scopes).ok_or(Failure::Internal)
}

/// The zone of the path, or the one that the header `X-zid` names.
fn target_zone(world: &World, call: &Call, subdomain: &str) -> Result<String, Failure> {
    let Some(id) = call.header("x-zid") else {
        return Ok(subdomain.to_owned());
    };
    world
        .subaccounts
        .iter()
        .find(|(_, subaccount)| subaccount.id == id)
        .map(|(subdomain, _)| subdomain.clone())
        .ok_or(Failure::UnknownZone)
}

fn client_by_secret(
    world: &World,
    call: &Call,
    form: &[(String, String)],
) -> Result<Client, Failure> {
    let in_form = value_of(form, "client_id");
    let (id, secret) = match basic_credentials(call) {
        Some((id, secret)) => (id, Some(secret)),
        None => (
            in_form.ok_or(Failure::Credentials)?.to_owned(),
            value_of(form, "client_secret").map(ToOwned::to_owned),
        ),
    };
    let client = world
        .client(&id)
        .filter(|client| secret.as_deref() == Some(client.secret.as_str()))
        .ok_or(Failure::Credentials)?;
    if in_form.is_some_and(|in_form| in_form != id) {
        return Err(Failure::ClientMismatch);
    }
    Ok(client.clone())
}

/// Client id and secret from a Basic header: raw, or percent-encoded when the
/// header `X-CF-ENCODED-CREDENTIALS` says so.
pub(crate) fn basic_credentials(call: &Call) -> Option<(String, String)> {
    let decoded = STANDARD.decode(call.authorization("basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    let encoded = call
        .header("x-cf-encoded-credentials")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let plain = |part: &str| {
        if encoded {
            percent_decode_str(part).decode_utf8_lossy().into_owned()
        } else {
            part.to_owned()
        }
    };
    Some((plain(id), plain(secret)))
}

fn client_by_certificate(
    world: &World,
    call: &Call,
    form: &[(String, String)],
) -> Result<Client, Failure> {
    let shown = call.certificate.as_ref().ok_or(Failure::Credentials)?;
    let now = world.clock.date();
    value_of(form, "client_id")
        .and_then(|id| world.client(id))
        .filter(|client| {
            let bound = client.certificate.as_ref();
            bound.is_some_and(|bound| bound.accepts(shown, now))
        })
        .cloned()
        .ok_or(Failure::Credentials)
}

/// All authorities without a request, exactly the requested ones with it; one
/// that the client does not have fails the whole request, unless the knob says otherwise.
fn granted_scopes(
    authorities: Vec<String>,
    requested: Option<&str>,
    rule: ScopeRule,
) -> Result<Vec<String>, Failure> {
    let requested: Vec<&str> = requested.unwrap_or_default().split_whitespace().collect();
    if requested.is_empty() {
        return Ok(authorities);
    }
    let has = |scope: &str| authorities.iter().any(|authority| authority == scope);
    if rule == ScopeRule::Strict
        && let Some(refused) = requested.iter().find(|scope| !has(scope))
    {
        return Err(Failure::Scope((*refused).to_owned()));
    }
    Ok(requested
        .into_iter()
        .filter(|scope| has(scope))
        .map(ToOwned::to_owned)
        .collect())
}

/// Issues the token and answers with it.
fn answer(
    shared: &Shared,
    world: &mut World,
    client: &Client,
    subdomain: &str,
    scopes: Vec<String>,
) -> Option<Value> {
    let lifetime = world.knobs.token.lifetime_s;
    let jti = uuid::Uuid::new_v4().simple().to_string();
    let token = match world.knobs.token.format {
        TokenFormat::Opaque => jti.clone(),
        format => {
            let tenant = world.subaccounts.get(subdomain)?.id.clone();
            let issued = world.clock.now_ms() / 1000;
            let times = (issued, issued + lifetime);
            let mut claims = claims(shared, client, subdomain, &scopes, times, &jti);
            if format == TokenFormat::Jwt {
                add_tenant(&mut claims, client, subdomain, &tenant);
            }
            let key_set = format!(
                "{}/token_keys",
                shared.origins.zone(subdomain, Door::Secret)
            );
            shared.signing_key.sign(&key_set, &claims)?
        }
    };
    let body = json!({
        "access_token": token,
        "token_type": "bearer",
        "expires_in": lifetime.saturating_sub(1),
        "scope": scopes.join(" "),
        "jti": jti,
    });
    let grant = Grant {
        client_id: client.id.clone(),
        service: client.service.clone(),
        subdomain: subdomain.to_owned(),
        scopes,
        expires: world.clock.now() + Duration::from_secs(lifetime),
    };
    world.grants.insert(token, grant);
    Some(body)
}

fn claims(
    shared: &Shared,
    client: &Client,
    subdomain: &str,
    scopes: &[String],
    (issued, expires): (u64, u64),
    jti: &str,
) -> Value {
    let mut audience = vec![client.id.as_str()];
    for scope in scopes {
        let owner = scope
            .rsplit_once('.')
            .map_or(scope.as_str(), |(owner, _)| owner);
        if !audience.contains(&owner) {
            audience.push(owner);
        }
    }
    json!({
        "jti": jti,
        "ext_attr": {"enhancer": "XSUAA"},
        "sub": client.id,
        "authorities": scopes,
        "scope": scopes,
        "client_id": client.id,
        "cid": client.id,
        "azp": client.id,
        "grant_type": "client_credentials",
        "rev_sig": "8f2d1c3b",
        "iat": issued,
        "exp": expires,
        "iss": format!("{}/oauth/token", shared.origins.zone(subdomain, Door::Secret)),
        "aud": audience,
    })
}

/// The claims that say for whom the token acts.
fn add_tenant(claims: &mut Value, client: &Client, subdomain: &str, tenant: &str) {
    let Some(claims) = claims.as_object_mut() else {
        return;
    };
    let mut extended = json!({"enhancer": "XSUAA", "subaccountid": tenant, "zdn": subdomain});
    if let (Service::Destination { instance }, Some(extended)) =
        (&client.service, extended.as_object_mut())
    {
        extended.insert("serviceinstanceid".to_owned(), json!(instance));
    }
    claims.insert("ext_attr".to_owned(), extended);
    claims.insert("zid".to_owned(), json!(tenant));
}

/// Why there is no token.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Credentials,
    ClientMismatch,
    MissingGrantType,
    GrantType,
    Scope(String),
    UnknownZone,
    Method(String),
    Internal,
}

impl Failure {
    fn reply(&self, unauthorized: UnauthorizedBody) -> Reply {
        let (status, error, description) = match self {
            Self::Credentials => return bad_credentials(unauthorized),
            Self::ClientMismatch => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "Given client ID does not match authenticated client".to_owned(),
            ),
            Self::MissingGrantType => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "Missing grant type".to_owned(),
            ),
            Self::GrantType => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "Unsupported grant type".to_owned(),
            ),
            Self::Scope(scope) => (
                StatusCode::BAD_REQUEST,
                "invalid_scope",
                format!("{scope} is invalid. Please use a valid scope name in the request"),
            ),
            // The text is SAP's, the form of the body is not known.
            Self::UnknownZone => (
                StatusCode::NOT_FOUND,
                "not_found",
                "The subdomain does not map to a valid identity zone".to_owned(),
            ),
            Self::Method(method) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                format!("Request method '{method}' not supported"),
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "Internal Server Error".to_owned(),
            ),
        };
        oauth_error(status, error, &description)
    }
}

fn bad_credentials(form: UnauthorizedBody) -> Reply {
    let (error, description) = match form {
        UnauthorizedBody::Unauthorized => ("unauthorized", "Bad credentials"),
        UnauthorizedBody::InvalidClient => ("invalid_client", "Client authentication failed"),
        UnauthorizedBody::Text => {
            let text = Reply::text(StatusCode::UNAUTHORIZED, "Client authentication failed");
            return no_store(text);
        }
    };
    let challenge = format!(
        "Basic realm=\"UAA/client\", error=\"{error}\", error_description=\"{description}\""
    );
    oauth_error(StatusCode::UNAUTHORIZED, error, description)
        .with_header(WWW_AUTHENTICATE, &challenge)
}

fn oauth_error(status: StatusCode, error: &str, description: &str) -> Reply {
    let body = json!({"error": error, "error_description": description});
    no_store(Reply::json(status, &body)).with_header(CONTENT_TYPE, "application/json;charset=UTF-8")
}

fn no_store(reply: Reply) -> Reply {
    reply
        .with_header(CACHE_CONTROL, "no-store")
        .with_header(PRAGMA, "no-cache")
}
