//! Service keys: what SAP shows for a binding, written as files.
//!
//! The values look like real ones on purpose: client ids with `!` and `|`,
//! secrets with `$`, `+` and `=`, and the names that invite confusion (`uri`
//! and `url` in the Destination key).

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::knobs::{EndpointForm, KeyShape, Knobs};
use super::origins::{Door, Origins};
use super::world::{Client, Service, World};

/// Path of Order Management's monitoring API.
pub(crate) const ORDER_MANAGEMENT_PATH: &str = "/omf/integration-monitoring";
/// Path of Cloud ALM's APIs.
pub(crate) const CLOUD_ALM_PATH: &str = "/api";

/// A new client secret.
pub(crate) fn new_secret() -> String {
    let id = uuid::Uuid::new_v4();
    let noise = uuid::Uuid::new_v4().simple().to_string();
    format!("{id}${noise}+fake-_=")
}

/// Writes the key files of all clients into `directory`. Each file is replaced
/// as a whole, so that a reader never sees half of one.
pub(crate) fn write(
    world: &World,
    origins: &Origins,
    public_key_pem: &str,
    directory: &Path,
) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for client in &world.clients {
        let facts = Facts {
            client,
            tenant: world
                .subaccounts
                .get(&client.subdomain)
                .map_or("", |subaccount| subaccount.id.as_str()),
            origins,
            public_key_pem,
            knobs: &world.knobs,
        };
        replace(
            &directory.join(format!("{}.json", client.key_file)),
            &facts.key(Credentials::Secret),
        )?;
        if client.certificate.is_some() {
            replace(
                &directory.join(format!("{}-x509.json", client.key_file)),
                &facts.key(Credentials::Certificate),
            )?;
        }
    }
    Ok(())
}

fn replace(path: &Path, key: &Value) -> io::Result<()> {
    let unfinished = path.with_extension("json.new");
    fs::write(&unfinished, format!("{key:#}\n"))?;
    fs::rename(&unfinished, path)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Credentials {
    Secret,
    Certificate,
}

/// What goes into the key of one client.
struct Facts<'a> {
    client: &'a Client,
    tenant: &'a str,
    origins: &'a Origins,
    public_key_pem: &'a str,
    knobs: &'a Knobs,
}

impl Facts<'_> {
    fn key(&self, credentials: Credentials) -> Value {
        let uaa = self.uaa(credentials);
        match &self.client.service {
            Service::Destination { instance } => {
                let mut key = uaa;
                key.insert("uri".to_owned(), json!(self.origins.base()));
                key.insert("instanceid".to_owned(), json!(instance));
                Value::Object(key)
            }
            Service::OrderManagement => self.order_management(uaa),
            Service::CloudAlm => json!({
                "endpoints": { "Api": format!("{}{CLOUD_ALM_PATH}", self.origins.base()) },
                "uaa": uaa,
            }),
            Service::JobScheduling => json!({
                "url": format!("{}{}", self.origins.base(), super::jobs::PATH),
                "uaa": uaa,
            }),
        }
    }

    fn order_management(&self, uaa: Map<String, Value>) -> Value {
        let knobs = &self.knobs.order_management;
        let endpoint = |url: String| match knobs.endpoint_form {
            EndpointForm::Text => json!(url),
            EndpointForm::Object => json!({ "url": url }),
        };
        let mut endpoints = Map::new();
        endpoints.insert(
            knobs.endpoint_key.clone(),
            endpoint(format!("{}{ORDER_MANAGEMENT_PATH}", self.origins.base())),
        );
        endpoints.insert(
            "order-api".to_owned(),
            endpoint(format!("{}/omf/orders", self.origins.base())),
        );
        let mut key = Map::new();
        key.insert("endpoints".to_owned(), Value::Object(endpoints));
        match knobs.key_shape {
            KeyShape::Nested => {
                key.insert("uaa".to_owned(), Value::Object(uaa));
            }
            KeyShape::Flat => key.extend(uaa),
        }
        Value::Object(key)
    }

    /// The part of the key that is the token server's.
    fn uaa(&self, credentials: Credentials) -> Map<String, Value> {
        let client = self.client;
        let url = self.origins.zone(&client.subdomain, Door::Secret);
        // Where SAP's libraries fetch the signing keys: `/token_keys` follows.
        let domain = url.split_once("://").map_or("", |(_, domain)| domain);
        let mut uaa = Map::new();
        let mut set = |name: &str, value: &str| {
            uaa.insert(name.to_owned(), Value::from(value));
        };
        set("clientid", &client.id);
        if let (Credentials::Certificate, Some(certificate)) = (credentials, &client.certificate) {
            let url = self.origins.zone(&client.subdomain, Door::Certificate);
            set("certificate", &certificate.chain_pem);
            if !certificate.is_own {
                set("key", &certificate.private_key_pem);
            }
            set("certurl", &url);
            set("credential-type", "x509");
        } else {
            set("clientsecret", &client.secret);
            set("credential-type", "binding-secret");
        }
        set("url", &url);
        set("uaadomain", domain);
        set("identityzone", &client.subdomain);
        set("tenantid", self.tenant);
        set("tenantmode", "dedicated");
        set("verificationkey", self.public_key_pem);
        set("xsappname", &client.xsappname);
        uaa
    }
}
