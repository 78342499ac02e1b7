//! What TLS needs from us: further trusted certificates and a client identity.
//!
//! The platform's trust store is reqwest's business (its `rustls` feature asks
//! the platform verifier); certificates given here are added to it.

use reqwest::{Certificate, Identity};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Reads every certificate of a PEM text; an error when there is none.
pub(crate) fn certificates(pem: &str) -> Result<Vec<Certificate>, ()> {
    let certificates = Certificate::from_pem_bundle(pem.as_bytes()).map_err(drop)?;
    if certificates.is_empty() {
        Err(())
    } else {
        Ok(certificates)
    }
}

/// Reads a client certificate chain and its private key, both in PEM form.
pub(crate) fn identity(certificate: &str, key: &str) -> Result<Identity, ()> {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
    if chain.filter_map(Result::ok).next().is_none() {
        return Err(());
    }
    PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(drop)?;
    Identity::from_pem(format!("{certificate}\n{key}\n").as_bytes()).map_err(drop)
}
