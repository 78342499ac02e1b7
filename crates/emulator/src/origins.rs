//! Where the services listen. The token server of a subaccount has an origin of
//! its own, a port without a path, as it has a host of its own at SAP: SAP's
//! libraries append `/oauth/token` to the origin of a key's `url`, and so forget
//! a path. Everything else shares the first port.
//!
//! Inside the emulator a token server has a name that is a path, `/zones/NAME`
//! or `/cert-zones/NAME`, which its port puts in front of what is asked there:
//! journal and faults call it by that. The first port knows these paths as well,
//! for a common token URL with `{tenant}` and for subaccounts that a state
//! document adds while the emulator runs; those get no port any more.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tokio::net::TcpListener;

use super::start_error::{StartError, io_error};

/// The URLs of the services.
#[derive(Debug)]
pub(crate) struct Origins {
    /// `http` or `https`.
    scheme: &'static str,
    /// The host in all of them.
    host: String,
    /// The one of everything that has no own.
    base: String,
    /// Those of the token servers, by name.
    zones: BTreeMap<String, String>,
}

/// Through which address a token server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// `url` of a key: the client proves itself with its secret.
    Secret,
    /// `certurl` of a key: with its certificate.
    Certificate,
}

impl Door {
    /// The name of a zone's token server behind this door.
    fn zone(self, subdomain: &str) -> String {
        match self {
            Self::Secret => format!("/zones/{subdomain}"),
            Self::Certificate => format!("/cert-zones/{subdomain}"),
        }
    }
}

/// A port, and what goes in front of every path that is asked there.
pub(crate) type Listener = (TcpListener, String);

impl Origins {
    /// With the first port; [`Origins::open`] adds those of token servers.
    pub(crate) fn new(tls: bool, host: String, port: u16) -> Self {
        let scheme = if tls { "https" } else { "http" };
        Self {
            base: format!("{scheme}://{host}:{port}"),
            scheme,
            host,
            zones: BTreeMap::new(),
        }
    }

    /// Opens a port for each token server of these subaccounts.
    pub(crate) async fn open(
        &mut self,
        ip: IpAddr,
        subdomains: impl Iterator<Item = &String>,
    ) -> Result<Vec<Listener>, StartError> {
        let mut doors = vec![Door::Secret];
        if self.tls() {
            doors.push(Door::Certificate);
        }
        let mut listeners = Vec::new();
        for subdomain in subdomains {
            for door in &doors {
                let zone = door.zone(subdomain);
                let what = "cannot listen for a token server";
                let listener = TcpListener::bind((ip, 0)).await.map_err(io_error(what))?;
                let address = listener.local_addr().map_err(io_error(what))?;
                let origin = format!("{}://{}:{}", self.scheme, self.host, address.port());
                self.zones.insert(zone.clone(), origin);
                listeners.push((listener, zone));
            }
        }
        Ok(listeners)
    }

    /// The URL of everything that has no own.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether they are `https://`.
    pub(crate) fn tls(&self) -> bool {
        self.scheme == "https"
    }

    /// The URL of a token server, to which `/oauth/token` is appended.
    pub(crate) fn zone(&self, subdomain: &str, door: Door) -> String {
        let zone = door.zone(subdomain);
        match self.zones.get(&zone) {
            Some(origin) => origin.clone(),
            None => format!("{}{zone}", self.base),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_subaccount_that_comes_later_has_a_path_instead_of_a_port() {
        let mut origins = Origins::new(false, "127.0.0.1".to_owned(), 1);
        let ip = IpAddr::from([127, 0, 0, 1]);
        let early = ["early".to_owned()];
        let listeners = origins.open(ip, early.iter()).await.unwrap();
        assert_eq!(listeners.len(), 1);
        let port = listeners[0].0.local_addr().unwrap().port();
        let url = origins.zone("early", Door::Secret);
        assert_eq!(url, format!("http://127.0.0.1:{port}"));
        let url = origins.zone("late", Door::Secret);
        assert_eq!(url, "http://127.0.0.1:1/zones/late");
    }
}
