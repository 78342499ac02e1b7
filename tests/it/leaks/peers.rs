//! Nothing leaks to a peer: who talks to the provider, and to whom it talks.
//!
//! A stranger on this machine cannot use the provider's socket. Each token,
//! secret and header goes to the hosts of its own service key, or to the
//! endpoint that the configuration names: every service stands behind a gate of
//! its own here, which writes down what it was sent.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use emulator::Options;
use framework::proto::tfplugin6::{get_metadata, provider_client::ProviderClient};
use percent_encoding::percent_decode_str;
use serde_json::{Value as Json, json};
use tonic::transport::Channel;

use crate::support::core::process::{Network, Process, Stranger};
use crate::support::core::{self, Core, Resource};
use crate::support::gate::Gate;
use crate::support::peers::{Manner, Peer};
use crate::support::proxy::{Proxy, Rules};
use crate::support::world::{REGISTER_PATH, Variant, World};

// ------------------------------------------------- who talks to the provider

async fn is_served(channel: Channel) -> bool {
    let answer = ProviderClient::new(channel)
        .get_metadata(get_metadata::Request {})
        .await;
    answer.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_not_the_terraform_which_started_it_is_refused() {
    let process = Process::start(&core::provider(&[])).await.unwrap();
    for stranger in [
        Stranger::WithoutTls,
        Stranger::WithoutCertificate,
        Stranger::WithOtherCertificate,
    ] {
        let served = match process.connect_as(stranger).await {
            Ok(channel) => is_served(channel).await,
            Err(_) => false,
        };
        assert!(!served, "{stranger:?} was served");
    }
    // It was not the server that was broken.
    assert!(is_served(process.connect().await.unwrap()).await);
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// The number of the user who may do nothing, on every system.
const NOBODY: u32 = 65534;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_of_the_machine_cannot_reach_the_socket() {
    let process = Process::start(&core::provider(&[])).await.unwrap();
    let Network::Unix(socket) = process.handshake().network.clone() else {
        panic!("no Unix socket");
    };
    let directory = socket.parent().unwrap();
    assert_eq!(mode(directory), 0o700);
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), 1);

    // The directory alone has to keep others out.
    let outside = process.directory();
    std::fs::set_permissions(outside, std::fs::Permissions::from_mode(0o755)).unwrap();
    let reaches = |user: Option<u32>, path: &Path| {
        let mut command = Command::new("test");
        command.arg("-e").arg(path);
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command.status().unwrap().success()
    };
    assert!(reaches(None, &socket));
    // Only root can become somebody else; all others have seen the mode.
    if outside.metadata().unwrap().uid() == 0 {
        assert!(reaches(Some(NOBODY), outside));
        assert!(!reaches(Some(NOBODY), &socket));
    }
}

// ---------------------------------------------------- to whom it talks: hosts

/// What stands in one service key.
struct Identity {
    client_id: String,
    secret: String,
}

/// A world whose six services have six hosts.
struct Hosts {
    world: World,
    destination_token: Gate,
    destination: Gate,
    order_token: Gate,
    order: Gate,
    calm_token: Gate,
    calm: Gate,
}

const KEYS: [&str; 3] = ["destination", "order-management", "cloud-alm"];

impl Hosts {
    async fn start() -> Self {
        let world = World::documented().await;
        let gate = || Gate::to(world.address());
        let token_gate = |key| Gate::to(world.token_service(key));
        Self {
            destination_token: token_gate("destination").await,
            destination: gate().await,
            order_token: token_gate("order-management").await,
            order: gate().await,
            calm_token: token_gate("cloud-alm").await,
            calm: gate().await,
            world,
        }
    }

    /// The service keys, each URL on the host of its service.
    fn keys(&self) -> [Json; 3] {
        let mut keys =
            KEYS.map(|name| serde_json::from_str::<Json>(&self.world.key(name)).unwrap());
        for (at, pointer, gate) in [
            (0, "/url", &self.destination_token),
            (0, "/uri", &self.destination),
            (1, "/uaa/url", &self.order_token),
            (1, "/endpoints/integration-monitoring-api", &self.order),
            (2, "/uaa/url", &self.calm_token),
            (2, "/endpoints/Api", &self.calm),
        ] {
            let url = keys[at].pointer_mut(pointer).unwrap();
            let path = url::Url::parse(url.as_str().unwrap()).unwrap();
            let path = path.path().trim_end_matches('/');
            *url = format!("{}{path}", gate.url()).into();
        }
        keys
    }

    fn identities(&self) -> [Identity; 3] {
        self.keys().map(|key| {
            let uaa = if key["uaa"].is_object() {
                &key["uaa"]
            } else {
                &key
            };
            let text = |name: &str| uaa[name].as_str().unwrap().to_owned();
            Identity {
                client_id: text("clientid"),
                secret: text("clientsecret"),
            }
        })
    }

    fn provider(&self, order_management_api: &Json) -> Json {
        let [destination, order, calm] = self.keys();
        json!({
            "destination_service_key": destination.to_string(),
            "order_management_service_key": order.to_string(),
            "cloud_alm_service_key": calm.to_string(),
            "order_management_api": order_management_api,
            "retry_base_delay": "1ms",
        })
    }

    fn gates(&self) -> [(&'static str, &Gate); 6] {
        [
            (
                "the Destination key's token service",
                &self.destination_token,
            ),
            ("the Destination service", &self.destination),
            ("Order Management's token service", &self.order_token),
            ("Order Management", &self.order),
            ("Cloud ALM's token service", &self.calm_token),
            ("Cloud ALM", &self.calm),
        ]
    }
}

/// Whose token this is.
fn owner(header: &str) -> String {
    let token = header.split_once(' ').unwrap().1;
    let payload = token.split('.').nth(1).unwrap();
    let payload: Json = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    payload["client_id"].as_str().unwrap().to_owned()
}

fn owners(gate: &Gate) -> BTreeSet<String> {
    gate.tokens().iter().map(|token| owner(token)).collect()
}

/// Whether something was sent, as it is or as a form or URL writes it.
fn was_sent(gate: &Gate, text: &str) -> bool {
    let seen = gate.seen();
    let decoded = percent_decode_str(&seen).decode_utf8_lossy();
    seen.contains(text) || decoded.contains(text)
}

const MAIN: &str = "sapcalm_destination.cloud_alm";
const PASSWORD: &str = "canary-password";

fn resources() -> Vec<Resource> {
    vec![
        Resource::new(
            "sapcalm_destination",
            "cloud_alm",
            json!({ "check_token": true }),
        ),
        Resource::new(
            "sapcalm_destination",
            "basic",
            json!({
                "name": "basic",
                "authentication": "BasicAuthentication",
                "url": "https://backend.example.com",
                "user": "technical",
                "credentials": { "password_wo": PASSWORD },
            }),
        ),
        Resource::with(
            "sapcalm_registration",
            "order_management",
            |values| json!({ "destination_name": values.get(MAIN, "name") }),
        )
        .depends_on(&[MAIN]),
    ]
}

/// A whole life.
async fn live(tf: &mut Core, world: &World) {
    tf.apply(&resources()).await.ok();
    world.offboard().await;
    world.expire_tokens().await;
    tf.apply(&resources()).await.ok();
    tf.assert_empty_plan(&resources()).await;
    tf.destroy().await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_token_and_secret_goes_to_the_hosts_of_its_own_key_alone() {
    let hosts = Hosts::start().await;
    let header = "canary-header";
    let mut tf = Core::start(&[]).await;
    tf.configure(hosts.provider(
        &json!({ "register": { "path": REGISTER_PATH }, "headers": { "X-Api-Key": header } }),
    ));
    live(&mut tf, &hosts.world).await;

    let [destination, order, calm] = hosts.identities();
    let one = |identity: &Identity| BTreeSet::from([identity.client_id.clone()]);
    // Tokens go to the service, never back to a token service.
    for (gate, expected) in [
        (&hosts.destination_token, BTreeSet::new()),
        (&hosts.order_token, BTreeSet::new()),
        (&hosts.calm_token, BTreeSet::new()),
        (&hosts.destination, one(&destination)),
        (&hosts.order, one(&order)),
        (&hosts.calm, one(&calm)),
    ] {
        assert_eq!(owners(gate), expected);
    }
    // Secrets go to the token service of their key, headers to Order
    // Management, and what a destination holds to the Destination service.
    for (text, allowed) in [
        (&*destination.secret, &[&hosts.destination_token][..]),
        (&order.secret, &[&hosts.order_token]),
        (&calm.secret, &[&hosts.calm_token, &hosts.destination]),
        (header, &[&hosts.order]),
        (PASSWORD, &[&hosts.destination]),
    ] {
        for (name, gate) in hosts.gates() {
            let is_allowed = allowed.iter().any(|allowed| std::ptr::eq(*allowed, gate));
            assert_eq!(was_sent(gate, text), is_allowed, "{text} at {name}");
        }
    }
    hosts.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_set_explicitly_gets_order_managements_token_and_nothing_else() {
    let hosts = Hosts::start().await;
    let chosen = Gate::to(hosts.world.address()).await;
    let endpoint = format!("{}/omf/integration-monitoring", chosen.url());
    let mut tf = Core::start(&[]).await;
    tf.configure(
        hosts.provider(&json!({ "register": { "path": REGISTER_PATH }, "endpoint": endpoint })),
    );
    live(&mut tf, &hosts.world).await;

    let [destination, order, calm] = hosts.identities();
    assert_eq!(owners(&chosen), BTreeSet::from([order.client_id]));
    assert_eq!(hosts.order.seen(), "");
    for secret in [
        destination.secret,
        order.secret,
        calm.secret,
        PASSWORD.to_owned(),
    ] {
        assert!(!was_sent(&chosen, &secret), "{secret}");
    }
    hosts.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_carries_no_token_and_no_secret_anywhere() {
    let elsewhere = Peer::start(Manner::Answers).await;
    for (method, path) in [
        ("POST", "/zones/"),
        ("GET", "/destination-configuration/"),
        ("POST", "/destination-configuration/"),
        ("POST", "/omf/"),
        ("GET", "/api/"),
    ] {
        let world = World::documented().await;
        let mut tf = Core::start(&[]).await;
        tf.configure(world.provider());
        for status in [301, 302, 303, 307, 308] {
            let location = format!("{}/?next=1", elsewhere.url("http"));
            let fault = json!({
                "match": { "method": method, "path_prefix": path }, "times": null,
                "do": { "status": status, "headers": { "Location": location } },
            });
            world.fault(fault).await;
            drop(tf.apply(&resources()).await);
            world.clear_faults().await;
        }
        world.stop().await;
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_sees_host_names_and_no_token_and_no_secret() {
    let options = Options {
        tls: true,
        host: Some("sap.test".to_owned()),
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let rules = Rules {
        route: Some(("sap.test".to_owned(), world.address().ip())),
        ..Rules::default()
    };
    let proxy = Proxy::start(rules).await;
    let wire = Gate::to(proxy.address()).await;
    let mut tf = Core::start(&[]).await;
    let mut provider = world.provider();
    provider["proxy_url"] = wire.url().into();
    tf.configure(provider);
    tf.apply(&resources()).await.ok();
    tf.destroy().await.ok();
    assert!(was_sent(&wire, "CONNECT sap.test:"));
    assert!(wire.tokens().is_empty());
    for name in KEYS {
        let key: Json = serde_json::from_str(&world.key(name)).unwrap();
        let uaa = if key["uaa"].is_object() {
            &key["uaa"]
        } else {
            &key
        };
        assert!(!was_sent(&wire, uaa["clientsecret"].as_str().unwrap()));
    }
    assert!(!was_sent(&wire, PASSWORD));
    world.stop().await;
}
