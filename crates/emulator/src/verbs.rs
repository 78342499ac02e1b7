//! What people do to a running emulator from another terminal: somebody's edits
//! by hand, and a look at what was asked.
//!
//! A verb finds the emulator by the service keys that it wrote, and does all by
//! its control API, see `control`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use reqwest::{Certificate, Method, Url};
use serde_json::{Value, json};

use super::world::{CLOUD_ALM_SUBDOMAIN, ORDERS_SUBDOMAIN};

/// What can be done to a running emulator.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "what is flattened has its own help")]
pub enum Verb {
    /// Print every request so far, oldest first
    Journal {
        #[command(flatten)]
        place: Place,
        /// Forget them afterwards
        #[arg(long)]
        clear: bool,
    },
    /// Change something by hand, as a colleague in the cockpit does
    Drift {
        /// What happens
        what: Drift,
        #[command(flatten)]
        place: Place,
        /// The destination that is edited
        #[arg(long, value_name = "NAME", default_value = "CloudALM")]
        destination: String,
    },
    /// Give a service key a new secret; the key file changes, the old one is refused
    Rotate {
        /// The key file without `.json`
        #[arg(value_name = "KEY", default_value = "cloud-alm")]
        key: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Where the emulator is.
#[derive(Debug, Args)]
pub struct Place {
    /// Folder with the service keys that the emulator wrote
    #[arg(long, value_name = "DIR", default_value = "keys")]
    keys: PathBuf,
}

/// What somebody does by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Drift {
    /// The destination gets another description
    Description,
    /// The destination gets another client secret
    Secret,
    /// The destination gets a property that weakens security, `TrustAll`
    TrustAll,
    /// The destination is deleted
    Delete,
    /// Order Management is offboarded
    Offboard,
}

/// Does it, and returns what to print.
///
/// # Errors
/// When the emulator is not there, or has no such thing; the text is for the
/// user.
pub async fn run(verb: &Verb) -> Result<String, String> {
    match verb {
        Verb::Journal { place, clear } => {
            let control = Control::of(place)?;
            let entries = control.get("journal").await?;
            if *clear {
                control.send(Method::DELETE, "journal", None).await?;
            }
            Ok(lines(&entries))
        }
        Verb::Drift {
            what,
            place,
            destination,
        } => drift(&Control::of(place)?, *what, destination).await,
        Verb::Rotate { key, place } => {
            let path = format!("rotate/{key}");
            Control::of(place)?.send(Method::POST, &path, None).await?;
            let file = place.keys.join(format!("{key}.json"));
            Ok(format!("`{}` has a new secret.\n", file.display()))
        }
    }
}

async fn drift(control: &Control, what: Drift, name: &str) -> Result<String, String> {
    if what == Drift::Offboard {
        let change = json!({
            ORDERS_SUBDOMAIN: { "registration": null },
            CLOUD_ALM_SUBDOMAIN: { "landscape": [] },
        });
        control.patch(change).await?;
        return Ok("Order Management is not registered any more.\n".to_owned());
    }
    let state = control.get("state").await?;
    let mut list = state["subaccounts"][ORDERS_SUBDOMAIN]["destinations"].clone();
    let missing = || format!("there is no destination `{name}` in `{ORDERS_SUBDOMAIN}`");
    let destinations = list.as_array_mut().ok_or_else(missing)?;
    let is_it = |one: &Value| one["properties"]["Name"] == name;
    let found = destinations.iter_mut().find(|one| is_it(one));
    let properties = &mut found.ok_or_else(missing)?["properties"];
    let (property, value) = match what {
        Drift::Description => ("Description", "temporary, ask Jo"),
        Drift::Secret => ("clientSecret", "typed by hand"),
        Drift::TrustAll => ("TrustAll", "TRUE"),
        Drift::Delete | Drift::Offboard => ("", ""),
    };
    let said = if what == Drift::Delete {
        destinations.retain(|one| !is_it(one));
        format!("The destination `{name}` is deleted.\n")
    } else {
        properties[property] = value.into();
        format!("The destination `{name}` has another `{property}`.\n")
    };
    let change = json!({ ORDERS_SUBDOMAIN: { "destinations": list } });
    control.patch(change).await?;
    Ok(said)
}

/// One line for each request.
fn lines(entries: &Value) -> String {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or("-").to_owned();
    let line = |entry: &Value| {
        let time = text(entry, "time");
        let time = time.get(11..23).unwrap_or(&time);
        let status = entry["status"].as_u64();
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let caller = match entry["caller"].as_str() {
            Some(caller) => format!("  (from {caller})"),
            None => String::new(),
        };
        let (method, path) = (text(entry, "method"), text(entry, "path"));
        format!("{time}  {status:4}  {method:6}  {path}{caller}\n")
    };
    entries.as_array().into_iter().flatten().map(line).collect()
}

/// The control API of a running emulator.
struct Control {
    base: Url,
    http: reqwest::Client,
}

impl Control {
    fn of(place: &Place) -> Result<Self, String> {
        let file = place.keys.join("destination.json");
        let none = |problem: &dyn std::fmt::Display| {
            format!(
                "`{}`: {problem}. Start the emulator with `--keys {}`, or name its folder here.",
                file.display(),
                place.keys.display()
            )
        };
        let text = std::fs::read_to_string(&file).map_err(|error| none(&error))?;
        let key: Value = serde_json::from_str(&text).map_err(|error| none(&error))?;
        let uri = key["uri"].as_str().unwrap_or_default();
        let mut base = Url::parse(uri).map_err(|error| none(&error))?;
        base.set_path("/_emulator/");
        let http = client(&place.keys.join("ca.pem"), base.scheme());
        let http = http.map_err(|error| format!("cannot set up HTTP: {error}"))?;
        Ok(Self { base, http })
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        let answer = self.send(Method::GET, path, None).await?;
        answer.json().await.map_err(|error| self.gone(&error))
    }

    async fn patch(&self, subaccounts: Value) -> Result<(), String> {
        let change = json!({ "subaccounts": subaccounts });
        let sent = self.send(Method::PATCH, "state", Some(&change)).await;
        sent.map(drop)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<reqwest::Response, String> {
        let url = self.base.join(path).map_err(|error| error.to_string())?;
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| self.gone(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        Err(format!("the emulator answered {status}: {text}"))
    }

    fn gone(&self, error: &reqwest::Error) -> String {
        let origin = self.base.origin().ascii_serialization();
        format!("no emulator answers at {origin}: {error}")
    }
}

/// Loopback needs no proxy, and TLS the emulator's own authority.
fn client(ca: &Path, scheme: &str) -> Result<reqwest::Client, Box<dyn std::error::Error>> {
    let mut builder = reqwest::Client::builder().no_proxy();
    if scheme == "https" {
        let authority = Certificate::from_pem(&std::fs::read(ca)?)?;
        builder = builder.tls_certs_only([authority]);
    }
    Ok(builder.build()?)
}
