//! SAP in one process, small and strict: XSUAA, the Destination service, the
//! monitoring API of Order Management foundation and Cloud ALM's landscape.
//!
//! For tests, for the demo, and for people without a tenant. What SAP
//! documents is done as documented, error bodies included; what nobody
//! documents is a knob ([`Knobs`]). It shares no type with the client of the
//! provider, so that a field that is wrong there cannot be wrong here as well.
//!
//! A local server has no host names, so the token server of each subaccount has a
//! port of its own, another one for client certificates (see `origins`), and
//! everything else shares one:
//!
//! | path | is |
//! | --- | --- |
//! | `/destination-configuration/v1`, `/v2` | the Destination service |
//! | `/omf/integration-monitoring` | Order Management |
//! | `/api` | Cloud ALM |
//! | `/_emulator` | the control API, see `control` |
//!
//! Deliberately not here: Java key stores for mutual TLS (PEM and PKCS#12 are
//! read, see `certificate`), destination fragments, grants for users, IAS tokens,
//! the cockpit, everything else that SAP has. What a client of SAP may miss is in
//! `README.md`.

mod call;
mod certificate;
mod clock;
mod control;
mod destination;
mod fault;
mod filter;
mod find;
mod issuing;
mod jobs;
mod journal;
mod keys;
mod knobs;
mod labels;
mod landscape;
mod options;
mod origins;
mod outbound;
mod registration;
mod server;
mod shared;
mod signing;
mod start_error;
mod state;
mod tls;
mod token;
mod validation;
pub mod verbs;
mod view;
mod world;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub use fault::{Action, Fault, Match, Reset};
pub use journal::Entry;
pub use knobs::*;
pub use options::{Arguments, DestinationKey, Options, Scenario};
pub use start_error::StartError;
pub use state::State;
pub use view::View;
pub use world::{CLOUD_ALM_SUBDOMAIN, ORDERS_SUBDOMAIN};

use origins::Origins;
use outbound::Outbound;
use shared::Shared;
use signing::SigningKey;
use start_error::io_error;
use tls::Authority;
use world::{Client, Destination, Job, Properties, Service, World, stable_id};

/// A running emulator. It ends when it is dropped.
#[derive(Debug)]
pub struct Emulator {
    url: String,
    address: SocketAddr,
    keys_dir: PathBuf,
    view: View,
    /// Ours to remove, when nobody chose one.
    _temporary: Option<tempfile::TempDir>,
    stop: CancellationToken,
    servers: JoinSet<()>,
}

impl Emulator {
    /// Starts an emulator: when this returns it listens and the key files are
    /// there. It runs on the current Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the address cannot be used, the keys cannot be written or the
    /// scenario is not usable.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(io_error(&format!("cannot listen on `{}`", options.listen)))?;
        let address = listener
            .local_addr()
            .map_err(io_error("no local address"))?;
        let ip = reachable(address.ip());
        let address = SocketAddr::new(ip, address.port());
        let host = options.host.clone();
        let host_in_urls = host.clone().unwrap_or_else(|| match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        });
        let mut origins = Origins::new(options.tls, host_in_urls, address.port());
        let bound = options.listen.ip();

        let authority = if options.tls {
            Some(Authority::generate(options.certificate_lifetime)?)
        } else {
            None
        };
        let (keys_dir, temporary) = keys_directory(options.keys.clone())?;
        let signing_key = SigningKey::of_process()?;
        let world = new_world(options, authority.as_ref())?;
        let zones = origins.open(bound, world.subaccounts.keys()).await?;
        write_keys(
            &world,
            &origins,
            &signing_key.public_key_pem(),
            &keys_dir,
            authority.as_ref(),
        )?;

        let tls = match &authority {
            Some(authority) => {
                let config = authority.server_config(ip, host.as_deref())?;
                Some(TlsAcceptor::from(config))
            }
            None => None,
        };
        let ca_pem = authority.as_ref().map(|authority| authority.pem.as_str());
        let url = origins.base().to_owned();
        let shared = Arc::new(Shared {
            origins,
            keys_dir: keys_dir.clone(),
            signing_key,
            outbound: Outbound::new(ca_pem, host.map(|host| (host, address)))?,
            authority,
            world: Mutex::new(world),
            in_flight: AtomicUsize::new(0),
        });
        let stop = CancellationToken::new();
        let view = View(Arc::clone(&shared));
        let all = [(listener, String::new())].into_iter().chain(zones);
        let serve = |one| server::serve(one, tls.clone(), Arc::clone(&shared), stop.clone());
        let servers: JoinSet<()> = all.map(serve).collect();
        Ok(Self {
            url,
            address,
            keys_dir,
            view,
            _temporary: temporary,
            stop,
            servers,
        })
    }

    /// Where it listens, for example `http://127.0.0.1:41234`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address that it listens on, as this machine reaches it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the service keys are: `destination.json`, `order-management.json`,
    /// `cloud-alm.json`, with TLS also `ca.pem` and `*-x509.json`.
    pub fn keys_dir(&self) -> &Path {
        &self.keys_dir
    }

    /// A look at it from within this process.
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// Ends it; open connections are dropped.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        while self.servers.join_next().await.is_some() {}
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An address that clients can use when the listener takes all.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

fn keys_directory(
    chosen: Option<PathBuf>,
) -> Result<(PathBuf, Option<tempfile::TempDir>), StartError> {
    if let Some(directory) = chosen {
        return Ok((directory, None));
    }
    let temporary = tempfile::Builder::new()
        .prefix("sapcalm-emulator-")
        .tempdir()
        .map_err(io_error("cannot make a directory for the keys"))?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

fn write_keys(
    world: &World,
    origins: &Origins,
    public_key_pem: &str,
    directory: &Path,
    authority: Option<&Authority>,
) -> Result<(), StartError> {
    let what = format!("cannot write the keys into `{}`", directory.display());
    keys::write(world, origins, public_key_pem, directory).map_err(io_error(&what))?;
    match authority {
        Some(authority) => {
            std::fs::write(directory.join("ca.pem"), &authority.pem).map_err(io_error(&what))
        }
        None => Ok(()),
    }
}

/// The world at the start: two subaccounts, a client for each service, and
/// what the options add.
fn new_world(options: Options, authority: Option<&Authority>) -> Result<World, StartError> {
    let mut world = World::default();
    world.knobs = options.scenario.knobs;
    world.ensure_subaccount(ORDERS_SUBDOMAIN);
    world.ensure_subaccount(CLOUD_ALM_SUBDOMAIN);
    world.clients = vec![
        destination_client("destination", ORDERS_SUBDOMAIN),
        client(
            "order-management",
            ORDERS_SUBDOMAIN,
            Service::OrderManagement,
            "omf-demo!b4711|dom!b99".to_owned(),
        ),
        client(
            "cloud-alm",
            CLOUD_ALM_SUBDOMAIN,
            Service::CloudAlm,
            "terraform-calm!b123|sapcloudalm!b456".to_owned(),
        ),
        client(
            "job-scheduling",
            ORDERS_SUBDOMAIN,
            Service::JobScheduling,
            "orders-jobs!b5|sap-jobscheduler!b3".to_owned(),
        ),
    ];
    add_jobs(&mut world);
    for key in &options.destination_keys {
        world.ensure_subaccount(&key.subdomain);
        let key_file = format!("destination-{}", key.name);
        world
            .clients
            .push(destination_client(&key_file, &key.subdomain));
    }
    if let Some(authority) = authority {
        for client in &mut world.clients {
            client.certificate = Some(authority.first_certificate(&client.id)?);
        }
    }
    add_destinations(&mut world, options.destinations);
    state::write(&mut world, options.scenario.state, state::LeftOut::Kept)
        .map_err(StartError::Scenario)?;
    fault::check(&options.scenario.faults, authority.is_some())
        .map_err(|problem| StartError::Scenario(problem.to_owned()))?;
    world.faults = options.scenario.faults;
    Ok(world)
}

fn client(key_file: &str, subdomain: &str, service: Service, xsappname: String) -> Client {
    Client {
        id: format!("sb-{xsappname}"),
        secret: keys::new_secret(),
        certificate: None,
        service,
        subdomain: subdomain.to_owned(),
        xsappname,
        key_file: key_file.to_owned(),
    }
}

fn destination_client(key_file: &str, subdomain: &str) -> Client {
    let instance = stable_id(&format!("instance {key_file} {subdomain}"));
    let clone = instance.replace('-', "");
    let xsappname = format!("clone{clone}!b4711|destination-xsappname!b9");
    client(
        key_file,
        subdomain,
        Service::Destination { instance },
        xsappname,
    )
}

/// Jobs that somebody made, which Cloud ALM does not monitor.
fn add_jobs(world: &mut World) {
    if let Some(subaccount) = world.subaccounts.get_mut(ORDERS_SUBDOMAIN) {
        let names = (1..).zip(["nightly-settlement", "stock-sync"]);
        subaccount.jobs = names
            .map(|(id, name)| Job {
                id,
                name: name.to_owned(),
                active: true,
                calm_config: None,
            })
            .collect();
    }
}

/// `--destinations N`
fn add_destinations(world: &mut World, count: usize) {
    for number in 1..=count {
        let name = format!("destination-{number:05}");
        let properties: Properties = [
            ("Name", name.as_str()),
            ("Type", "HTTP"),
            ("URL", &format!("https://{name}.example.com/api")),
            ("ProxyType", "Internet"),
            ("Authentication", "OAuth2ClientCredentials"),
            ("clientId", &format!("sb-{name}!b1|demo!b2")),
            ("clientSecret", &format!("secret-{number}")),
            (
                "tokenServiceURL",
                "https://acme.authentication.example.com/oauth/token",
            ),
            ("tokenServiceURLType", "Dedicated"),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
        let time = world.next_time();
        if let Some(subaccount) = world.subaccounts.get_mut(ORDERS_SUBDOMAIN) {
            let destination = Destination::new(properties, time);
            // Consumers see them at once.
            subaccount
                .destinations
                .destinations
                .insert(name, destination);
        }
    }
}
