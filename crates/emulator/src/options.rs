//! How an emulator is started: as a library, from the command line, from a
//! scenario file.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use serde::Deserialize;

use super::fault::Fault;
use super::knobs::Knobs;
use super::state::State;
use super::world::ORDERS_SUBDOMAIN;

/// How long SAP makes the certificates of x509 keys valid by itself.
const CERTIFICATE_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// What can be chosen at the start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 is any free port.
    pub listen: SocketAddr,
    /// The host name by which clients reach it, for all URLs in the keys; absent
    /// is the address.
    pub host: Option<String>,
    /// Where the service keys are written; absent is a temporary directory
    /// that is removed at the end.
    pub keys: Option<PathBuf>,
    /// Serve HTTPS with a certificate authority of its own, and write x509 keys, too.
    pub tls: bool,
    /// How long the certificates of x509 keys are valid.
    pub certificate_lifetime: Duration,
    /// How many destinations Order Management's subaccount has at the start.
    pub destinations: usize,
    /// Further instances of the Destination service, each with its own key.
    pub destination_keys: Vec<DestinationKey>,
    /// What the world is like.
    pub scenario: Scenario,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            host: None,
            keys: None,
            tls: false,
            certificate_lifetime: CERTIFICATE_LIFETIME,
            destinations: 0,
            destination_keys: Vec::new(),
            scenario: Scenario::default(),
        }
    }
}

/// A further instance of the Destination service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationKey {
    /// The key file is `destination-<name>.json`.
    pub name: String,
    /// The subaccount it lives in, which is made when there is none.
    pub subdomain: String,
}

impl FromStr for DestinationKey {
    type Err = String;

    /// `NAME=SUBDOMAIN`, or `NAME` for the subaccount of Order Management.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, subdomain) = text.split_once('=').unwrap_or((text, ORDERS_SUBDOMAIN));
        let valid = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|one| one.is_ascii_alphanumeric() || one == b'-')
        };
        if !valid(name) || !valid(subdomain) {
            return Err("must be NAME or NAME=SUBDOMAIN, letters, digits and `-` only".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            subdomain: subdomain.to_owned(),
        })
    }
}

/// What the world is like at the start; the content of a scenario file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// The knobs; see [`Knobs`].
    pub knobs: Knobs,
    /// What exists.
    pub state: State,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// The command line of `sapcalm-emulator`.
#[derive(Debug, Parser)]
#[command(
    name = "sapcalm-emulator",
    version,
    about = "XSUAA, the Destination service, Order Management and Cloud ALM in one process"
)]
pub struct Arguments {
    /// Address to listen on; port 0 is any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Host name by which clients reach it, for the URLs in the service keys [default: the address]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Directory for the service keys [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Serve HTTPS and write x509 keys, too
    #[arg(long)]
    tls: bool,
    /// How long the certificates of x509 keys are valid, for example `168h`
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    certificate_lifetime: Option<Duration>,
    /// Least time of every answer, for example `50ms`
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    latency: Option<Duration>,
    /// How long tokens are valid, for example `12h`
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    token_lifetime: Option<Duration>,
    /// Destinations that exist at the start
    #[arg(long, value_name = "N", default_value_t = 0)]
    destinations: usize,
    /// One more Destination service key, `destination-NAME.json`, for the same or another subaccount
    #[arg(long = "destination-key", value_name = "NAME[=SUBDOMAIN]")]
    destination_keys: Vec<DestinationKey>,
    /// Path of the registration call
    #[arg(long, value_name = "PATH")]
    register_path: Option<String>,
    /// Path of the offboarding call
    #[arg(long, value_name = "PATH")]
    offboard_path: Option<String>,
    /// JSON file with `knobs`, `state` and `faults`; flags win over it
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
}

impl Arguments {
    /// The options that these arguments mean.
    ///
    /// # Errors
    ///
    /// When the scenario file cannot be read or says something unknown; the
    /// text is for the user.
    pub fn into_options(self) -> Result<Options, String> {
        let mut scenario = match &self.scenario {
            Some(path) => read_scenario(path)?,
            None => Scenario::default(),
        };
        let knobs = &mut scenario.knobs;
        if let Some(latency) = self.latency {
            knobs.latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        }
        if let Some(lifetime) = self.token_lifetime {
            knobs.token.lifetime_s = lifetime.as_secs();
        }
        if let Some(path) = self.register_path {
            knobs.order_management.register_path = path;
        }
        if let Some(path) = self.offboard_path {
            knobs.order_management.offboard_path = path;
        }
        Ok(Options {
            listen: self.listen,
            host: self.host,
            keys: self.keys,
            tls: self.tls,
            certificate_lifetime: self.certificate_lifetime.unwrap_or(CERTIFICATE_LIFETIME),
            destinations: self.destinations,
            destination_keys: self.destination_keys,
            scenario,
        })
    }
}

fn read_scenario(path: &Path) -> Result<Scenario, String> {
    let problem = |error: &dyn std::fmt::Display| format!("`{}`: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| problem(&error))?;
    serde_json::from_str(&text).map_err(|error| problem(&error))
}

/// A whole number with `ms`, `s`, `m` or `h`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("must be a whole number with `ms`, `s`, `m` or `h`".to_owned()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(milliseconds))
        .map(Duration::from_millis)
        .ok_or_else(|| "is not a number that fits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(parse_duration("12h"), Ok(Duration::from_hours(12)));
        for wrong in ["50", "h", "1.5s", "-1s", "99999999999999999999s", "1d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_win_over_the_scenario_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("scenario.json");
        let scenario = r#"{"knobs": {"latency_ms": 7, "token": {"lifetime_s": 9}}}"#;
        std::fs::write(&file, scenario).unwrap();
        let arguments = Arguments::try_parse_from([
            "sapcalm-emulator",
            "--scenario",
            file.to_str().unwrap(),
            "--latency",
            "50ms",
            "--register-path",
            "/a",
            "--destination-key",
            "other=acme-other",
        ]);
        let options = arguments.unwrap().into_options().unwrap();
        assert_eq!(options.scenario.knobs.latency_ms, 50);
        assert_eq!(options.scenario.knobs.token.lifetime_s, 9);
        assert_eq!(options.scenario.knobs.order_management.register_path, "/a");
        assert_eq!(options.destination_keys[0].subdomain, "acme-other");
    }

    #[test]
    fn a_typo_in_a_scenario_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("scenario.json");
        std::fs::write(&file, r#"{"knobs": {"tokne": {}}}"#).unwrap();
        let error = read_scenario(&file).unwrap_err();
        assert!(error.contains("scenario.json"), "{error}");
        assert!(error.contains("tokne"), "{error}");
    }
}
