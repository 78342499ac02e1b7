//! A stand-in for Terraform core: starts a provider as Terraform does, makes the
//! same calls in the same order, and objects to the same answers in the same
//! words. An independent oracle: it shares no code with a provider, and makes its
//! own messages from the interface's files.
//!
//! * [`process`] starts the binary: environment, handshake line, TLS, shutdown.
//! * [`value`], [`number`], [`types`] and [`msgpack`] are a model of values.
//! * [`schema`] is what a provider announces, and core's rules for it.
//! * [`proposed_new`], [`ignore_changes`], [`plan_valid`], [`compatible`] and
//!   [`rules`] are core's rules for plans and results, written from their
//!   description.
//! * [`session`] is one process in one walk, as a [`release`] of Terraform has it;
//!   [`managed`] is the calls about managed resources, with core's checks of every
//!   answer, and [`change`] what is planned for one.
//! * [`driver`] is the commands: [`Core`] with a state and a configuration. Their
//!   plan and apply are in [`walks`], what they come to in [`outcome`]; a
//!   [`hook`] sees every apply.
//! * [`others`] is data sources, ephemeral resources, functions, lists, actions,
//!   moves and generated configuration.
//! * [`lifecycle`] drives one resource through everything.
//! * [`cli`] is the real `terraform`, which the stand-in is compared with,
//!   [`feature`] what which version of it has, and [`counts`] sums up what was
//!   checked.
//!
//! What it does not do: expressions, modules, provisioners, checks, marks of
//! sensitive values, several configurations of a provider, parallel calls within
//! a walk.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::unnecessary_debug_formatting,
    clippy::match_same_arms,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "for tests alone, which it fails where anything is wrong"
)]

pub mod change;
pub mod cli;
pub mod compatible;
pub mod configuration;
pub mod counts;
pub mod diagnostics;
pub mod driver;
pub mod feature;
pub mod hook;
pub mod ignore_changes;
pub mod lifecycle;
pub mod managed;
pub mod msgpack;
pub mod number;
pub mod others;
pub mod outcome;
pub mod plan_valid;
pub mod process;
pub mod proposed_new;
pub mod release;
pub mod rules;
pub mod schema;
pub mod session;
pub mod state;
pub mod types;
pub mod value;
pub mod walks;

/// The messages of the interface.
#[allow(clippy::all, clippy::pedantic, unreachable_pub, reason = "generated")]
pub mod proto {
    pub mod tfplugin6 {
        include!("../../../proto/code/tfplugin6.rs");
    }
    pub mod plugin {
        include!("../../../proto/code/plugin.rs");
    }
}

pub use configuration::Resource;
pub use driver::Core;
pub use lifecycle::Lifecycle;
pub use managed::ImportBy;
pub use outcome::Outcome;
pub use release::Release;
pub use rules::Action;
pub use session::Interrupt;
pub use value::unknown;
