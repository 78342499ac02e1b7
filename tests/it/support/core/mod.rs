//! A stand-in for Terraform core: starts the provider as Terraform does, makes
//! the same calls in the same order, and objects to the same answers in the same
//! words. An independent oracle: it uses the messages on the wire and nothing
//! else of the library.
//!
//! * [`process`] starts the binary: environment, handshake line, TLS, shutdown.
//! * [`value`], [`number`], [`types`] and [`msgpack`] are a model of values.
//! * [`schema`] is what a provider announces, and core's rules for it.
//! * [`proposed_new`], [`plan_valid`], [`compatible`] and [`rules`] are core's
//!   rules for plans and results, written from their description.
//! * [`session`] is one process in one walk; [`managed`] is the calls about
//!   managed resources, with core's checks of every answer.
//! * [`driver`] is the commands: [`Core`] with a state and a configuration. Their
//!   plan and apply are in [`walks`], what they come to in [`outcome`].
//! * [`others`] is data sources, ephemeral resources, functions, lists, actions,
//!   moves and generated configuration.
//! * [`lifecycle`] drives one resource through everything.
//!
//! What it does not do: expressions, modules, provisioners, checks, several
//! configurations of a provider, parallel calls within a walk.

pub(crate) mod compatible;
pub(crate) mod configuration;
pub(crate) mod diagnostics;
pub(crate) mod driver;
pub(crate) mod lifecycle;
pub(crate) mod managed;
pub(crate) mod msgpack;
pub(crate) mod number;
pub(crate) mod others;
pub(crate) mod outcome;
pub(crate) mod plan_valid;
pub(crate) mod process;
pub(crate) mod proposed_new;
pub(crate) mod rules;
pub(crate) mod schema;
pub(crate) mod session;
pub(crate) mod state;
pub(crate) mod types;
pub(crate) mod value;
pub(crate) mod walks;

pub(crate) use configuration::Resource;
pub(crate) use driver::Core;
pub(crate) use lifecycle::Lifecycle;
pub(crate) use managed::ImportBy;
pub(crate) use outcome::Outcome;
pub(crate) use rules::Action;
pub(crate) use session::{Interrupt, Release};
pub(crate) use value::unknown;
