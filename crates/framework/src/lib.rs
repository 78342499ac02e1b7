//! Terraform's model of a provider: schemas, values, plans and the life of a
//! resource and its like, without SAP and without HTTP.
//!
//! A provider implements [`provider::Provider`] and lists what it offers as
//! static data; [`server`] turns that into the answers of the plugin
//! protocol. Only `server` sees the generated protocol messages; [`plugin`] is
//! how Terraform starts the process and talks to it.
//!
//! What is deliberately missing: nested blocks (protocol 6 has nested
//! attributes), tuples and values of dynamic type. No schema of ours needs
//! them, and a schema that cannot express them cannot get them wrong.

pub mod action;
pub mod client_version;
pub mod data_source;
pub mod definition;
pub mod diagnostics;
pub mod documentation;
pub mod duration;
pub mod ephemeral_resource;
pub mod function;
pub mod list_resource;
pub mod model;
pub mod number;
pub mod path;
pub mod plan;
pub mod plugin;
pub mod private;
pub mod proto;
pub mod provider;
pub mod resource;
pub mod schema;
pub mod sensitive;
pub mod server;
mod timeouts;
pub mod validation;
pub mod validators;
pub mod value;
pub mod value_error;
pub mod wire;
