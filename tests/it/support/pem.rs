//! Certificates as PEM text.

/// A certificate for this name with its private key.
pub(crate) fn pem(name: &str) -> String {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem())
}
