//! `/_emulator`: how tests and curious people look into the world and change
//! it. These requests are neither written into the journal nor hit by faults.
//!
//! | call | effect |
//! | --- | --- |
//! | `GET`, `DELETE /_emulator/journal` | every request so far; forget them |
//! | `GET`, `PUT`, `PATCH /_emulator/state` | the world, see `state` |
//! | `GET`, `PUT`, `PATCH /_emulator/knobs` | see `knobs`; `PUT` sets what is left out to its default |
//! | `GET`, `POST`, `DELETE /_emulator/faults` | see `fault`; `POST` appends one or a list |
//! | `POST /_emulator/clock` | `forward_ms` moves the time, `runs` stops it and lets it go on |
//! | `POST /_emulator/tokens/expire` | every issued token is rejected from now on |
//! | `POST /_emulator/rotate/{key}` | a new secret and certificate for a client; the key files are written again |
//! | `POST /_emulator/bind/{key}` | a new x509 key of a client for a certificate of its own; the body has XSUAA's parameters for it |

use http::{Method, StatusCode};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::call::{Call, Outcome, Refusal, Reply};
use super::fault::{self, Fault};
use super::keys;
use super::knobs::Knobs;
use super::shared::Shared;
use super::state::{self, LeftOut, State};
use super::world::{Client, ClientCertificate, World};

/// Answers a control request; `path` is what follows `/_emulator`.
pub(crate) fn handle(shared: &Shared, call: &Call, path: &[&str]) -> Reply {
    answer(shared, call, path)
        .unwrap_or_else(|refusal| Reply::json(refusal.status, &json!({ "error": refusal.message })))
}

fn answer(shared: &Shared, call: &Call, path: &[&str]) -> Outcome {
    let world = &mut *shared.world();
    match (path, &call.method) {
        (["journal"], &Method::GET) => return show(world.journal.entries()),
        (["journal"], &Method::DELETE) => world.journal.clear(),
        (["state"], &Method::GET) => return show(&state::read(world)),
        (["state"], &Method::PUT) => set_state(world, call, LeftOut::Emptied)?,
        (["state"], &Method::PATCH) => set_state(world, call, LeftOut::Kept)?,
        (["knobs"], &Method::GET) => return show(&world.knobs),
        (["knobs"], &Method::PUT) => set_knobs(shared, world, parse(call)?)?,
        (["knobs"], &Method::PATCH) => {
            let knobs = patched(&world.knobs, &parse(call)?)?;
            set_knobs(shared, world, knobs)?;
        }
        (["faults"], &Method::GET) => return show(&world.faults),
        (["faults"], &Method::POST) => world.faults.extend(parse_faults(shared, call)?),
        (["faults"], &Method::DELETE) => world.faults.clear(),
        (["clock"], &Method::POST) => world.clock.change(&parse(call)?),
        (["tokens", "expire"], &Method::POST) => world.expire_tokens(),
        (["rotate", key], &Method::POST) => rotate(shared, world, key)?,
        (["bind", key], &Method::POST) => bind(shared, world, parse(call)?, key)?,
        (
            ["journal" | "state" | "knobs" | "faults" | "clock"]
            | ["tokens", "expire"]
            | ["rotate" | "bind", _],
            _,
        ) => {
            return Err(Refusal::method_not_allowed());
        }
        _ => return Err(Refusal::new(StatusCode::NOT_FOUND, "no such control call")),
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

#[expect(clippy::unnecessary_wraps, reason = "reads well where it is used")]
fn show(value: &(impl serde::Serialize + ?Sized)) -> Outcome {
    Ok(Reply::json(StatusCode::OK, &value))
}

fn parse<T: DeserializeOwned>(call: &Call) -> Result<T, Refusal> {
    serde_json::from_slice(&call.body).map_err(|error| Refusal::bad_request(error.to_string()))
}

fn set_state(world: &mut World, call: &Call, left_out: LeftOut) -> Result<(), Refusal> {
    let document: State = parse(call)?;
    state::write(world, document, left_out).map_err(Refusal::bad_request)
}

/// Some knobs are about the keys, so these are written again.
fn set_knobs(shared: &Shared, world: &mut World, knobs: Knobs) -> Result<(), Refusal> {
    world.knobs = knobs;
    write_keys(shared, world)
}

fn write_keys(shared: &Shared, world: &World) -> Result<(), Refusal> {
    let public_key = shared.signing_key.public_key_pem();
    keys::write(world, &shared.origins, &public_key, &shared.keys_dir).map_err(|error| {
        let text = format!("cannot write the key files: {error}");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    })
}

/// The knobs with the changes of a document that names only some.
fn patched(knobs: &Knobs, changes: &Value) -> Result<Knobs, Refusal> {
    let mut document = json!(knobs);
    overlay(&mut document, changes);
    serde_json::from_value(document).map_err(|error| Refusal::bad_request(error.to_string()))
}

/// Objects are merged, everything else is replaced.
fn overlay(target: &mut Value, changes: &Value) {
    match (target, changes) {
        (Value::Object(target), Value::Object(changes)) => {
            for (key, change) in changes {
                overlay(target.entry(key).or_insert(Value::Null), change);
            }
        }
        (target, change) => target.clone_from(change),
    }
}

fn parse_faults(shared: &Shared, call: &Call) -> Result<Vec<Fault>, Refusal> {
    let body: Value = parse(call)?;
    let list = if body.is_array() { body } else { json!([body]) };
    let faults: Vec<Fault> =
        serde_json::from_value(list).map_err(|error| Refusal::bad_request(error.to_string()))?;
    fault::check(&faults, shared.authority.is_some()).map_err(Refusal::bad_request)?;
    Ok(faults)
}

fn client_of<'a>(world: &'a mut World, key: &str) -> Result<&'a mut Client, Refusal> {
    let mut clients = world.clients.iter_mut();
    let client = clients.find(|client| client.key_file == key);
    client.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "no such key"))
}

/// The parameters of a service key with a certificate of one's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct KeyParameters {
    #[serde(rename = "credential-type")]
    _credential_type: Always,
    x509: OwnCertificate,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Always {
    X509,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct OwnCertificate {
    /// PEM, with its chain.
    certificate: String,
    certificate_pinning: Option<bool>,
}

/// Which authorities are trusted, SAP decides; here it is every one.
fn bind(
    shared: &Shared,
    world: &mut World,
    parameters: KeyParameters,
    key: &str,
) -> Result<(), Refusal> {
    let OwnCertificate {
        certificate,
        certificate_pinning,
    } = parameters.x509;
    let der = CertificateDer::from_pem_slice(certificate.as_bytes());
    let der = der.map_err(|_| Refusal::bad_request("'certificate' is not PEM"))?;
    let expires = world.clock.date();
    client_of(world, key)?.certificate = Some(ClientCertificate {
        der: der.into_owned(),
        chain_pem: certificate,
        private_key_pem: String::new(),
        expires,
        is_own: true,
        is_pinned: certificate_pinning.unwrap_or(true),
    });
    write_keys(shared, world)
}

fn rotate(shared: &Shared, world: &mut World, key: &str) -> Result<(), Refusal> {
    let client = client_of(world, key)?;
    client.secret = keys::new_secret();
    if let Some(authority) = &shared.authority {
        let renewed = authority.next_certificate(&client.id).map_err(|error| {
            let text = format!("cannot make a certificate: {error}");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text)
        })?;
        client.certificate = Some(renewed);
    }
    write_keys(shared, world)
}
