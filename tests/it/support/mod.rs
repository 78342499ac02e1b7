//! What the integration tests stand on.

pub(crate) mod btp_provider;
pub(crate) mod cli;
pub(crate) mod core;
pub(crate) mod direct;
pub(crate) mod gate;
pub(crate) mod kinds;
pub(crate) mod life;
pub(crate) mod page;
pub(crate) mod peers;
pub(crate) mod pem;
pub(crate) mod promise;
pub(crate) mod proxy;
pub(crate) mod schema_document;
pub(crate) mod served;
pub(crate) mod trial;
pub(crate) mod workspace;
pub(crate) mod world;

pub(crate) use terraform_stand_in::{counts, feature};
