//! SAP's REST APIs as a plain Rust client: tokens, destinations, registration
//! and the landscape. It knows nothing of Terraform.
//!
//! * [`client`] is what all services share, [`context`] bounds an operation.
//! * [`config`] is everything a caller can set, with every default.
//! * [`credentials`] reads service keys, in every form that [`key_forms`]
//!   knows.
//! * [`auth`] fetches and caches tokens.
//! * [`certificate`] reads what a certificate says about itself.
//! * [`http`], with [`tls`], [`proxy`], [`retry`] and [`clock`], sends requests.
//! * [`message`] finds SAP's own words in an answer. They are [`foreign`]: nothing
//!   but its door shows them.
//! * [`told`] bounds what is decoded of an answer, and reads base64.
//! * [`error`] is what can go wrong, in a form that can be asked questions.
//! * [`registration`], [`landscape`] and [`jobs`] are services; the Destination
//!   service has two collections, [`destination`] and [`destination_certificate`],
//!   with [`destination_service`] for what both do. [`many_reads`] turns many reads
//!   of destinations into one list.
//!
//! The way of one call: a service method starts an operation (one correlation
//! id), takes a token for its service key, sends the request as often as the
//! retry rules allow, and decodes the answer. A [`Context`] bounds all of it.
//!
//! What it deliberately does not do: decide. Whether a lost answer to a create
//! call means "created", or a missing destination is drift, is for the caller;
//! the client only answers truthfully what is known.

mod auth;
mod certificate;
mod client;
mod clock;
mod config;
mod context;
mod credentials;
mod destination;
mod destination_certificate;
mod destination_service;
#[cfg(test)]
mod echoes;
mod error;
mod http;
mod jobs;
mod key_forms;
mod landscape;
mod level;
mod many_reads;
mod message;
mod proxy;
mod registration;
mod retry;
#[cfg(test)]
mod testing;
mod tls;
mod told;

pub use auth::{Token, TokenClaims};
pub use certificate::Issued;
pub use client::Client;
pub use config::{ApiCall, Config, ConfigError, OrderManagementApi};
pub use context::Context;
pub use credentials::{
    CloudAlmKey, DestinationKey, JobSchedulingKey, KeyError, KeyKind, KeyProblem, OAuthClient,
    OrderManagementKey, Proof, ServiceKey,
};
pub use destination::{
    ByProperty, Changes, Destination, Destinations, Labels, ListFilter, Metadata, Page, Properties,
    TokenCheck,
};
pub use destination_certificate::{
    CertificateFile, CertificateSource, DestinationCertificate, DestinationCertificates, Generation,
};
pub use destination_service::Collection;
pub use error::{Error, ErrorKind, GaveUp, Parts as ErrorParts, Refusal};
pub use jobs::{Job, Jobs};
pub use key_forms::Look;
pub use landscape::{Landscape, LandscapeObject, LandscapeQuery};
pub use level::Level;
pub use registration::OrderManagement;
pub use retry::RetryPolicy;
pub use tls::{PemFault, TlsFault};
