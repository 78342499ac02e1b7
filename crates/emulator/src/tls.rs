//! The emulator's own certificate authority, for `--tls` and x509 keys.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};

use super::certificate::pem_block;
use super::start_error::StartError;
use super::world::ClientCertificate;

/// A certificate authority that lives as long as the emulator.
pub(crate) struct Authority {
    /// Its certificate, for `ca.pem`.
    pub(crate) pem: String,
    /// How long the certificates of clients are valid.
    client_lifetime: Duration,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new one.
    pub(crate) fn generate(client_lifetime: Duration) -> Result<Self, StartError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params
            .distinguished_name
            .push(DnType::CommonName, "sapcalm-emulator CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self {
            pem,
            client_lifetime,
            issuer,
        })
    }

    /// How the server does TLS: for `localhost`, `ip` and `host`, with a client
    /// certificate if the client has one.
    pub(crate) fn server_config(
        &self,
        ip: IpAddr,
        host: Option<&str>,
    ) -> Result<Arc<ServerConfig>, StartError> {
        let mut names = vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            ip.to_string(),
        ];
        names.extend(host.map(str::to_owned));
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Arc::new(AnyCertificate(Arc::clone(&provider)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// The first certificate for the x509 key of a client. Making a key pair takes a
    /// while, so every emulator of this process gives a client the same one.
    pub(crate) fn first_certificate(
        &self,
        client_id: &str,
    ) -> Result<ClientCertificate, StartError> {
        static KEYS: Mutex<BTreeMap<String, Arc<KeyPair>>> = Mutex::new(BTreeMap::new());
        let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match keys.entry(client_id.to_owned()) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(new) => Arc::clone(new.insert(Arc::new(new_client_key()?))),
        };
        drop(keys);
        self.client_certificate(client_id, &key)
    }

    /// A certificate with a new key pair, in the place of one before.
    pub(crate) fn next_certificate(
        &self,
        client_id: &str,
    ) -> Result<ClientCertificate, StartError> {
        self.client_certificate(client_id, &new_client_key()?)
    }

    fn client_certificate(
        &self,
        client_id: &str,
        key: &KeyPair,
    ) -> Result<ClientCertificate, StartError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params
            .distinguished_name
            .push(DnType::CommonName, client_id);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let now = SystemTime::now();
        let expires = now.checked_add(self.client_lifetime).unwrap_or(now);
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        // A little earlier, as is usual: clocks differ.
        params.not_before = epoch + since_epoch(now).saturating_sub(Duration::from_hours(1));
        params.not_after = epoch + since_epoch(expires);
        let certificate = params.signed_by(key, &self.issuer)?;
        Ok(ClientCertificate {
            is_own: false,
            is_pinned: true,
            expires,
            der: certificate.der().clone(),
            chain_pem: format!("{}{}", certificate.pem(), self.pem),
            private_key_pem: pkcs1_pem(&key.serialize_der())?,
        })
    }
}

/// RSA with 2048 bits, as SAP makes the keys of clients.
fn new_client_key() -> Result<KeyPair, StartError> {
    Ok(KeyPair::generate_rsa_for(
        &PKCS_RSA_SHA256,
        RsaKeySize::_2048,
    )?)
}

/// An RSA key as PKCS#1 (`BEGIN RSA PRIVATE KEY`), as SAP writes it: SAP's Java
/// library takes every other PEM for an EC key. PKCS#8 is a header and PKCS#1.
fn pkcs1_pem(pkcs8: &[u8]) -> Result<String, StartError> {
    /// Sequence, version, algorithm and octet string, with lengths of two bytes.
    const HEADER: usize = 26;
    const SEQUENCE: u8 = 0x30;
    match pkcs8.get(HEADER..) {
        Some(pkcs1) if pkcs1.first() == Some(&SEQUENCE) => Ok(pem_block("RSA PRIVATE KEY", pkcs1)),
        _ => Err(StartError::SigningKey),
    }
}

/// The time since 1970.
fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Lets every client certificate in whose key the client proves to have: which
/// one belongs to which client is the token endpoint's question, and its
/// answer to a foreign certificate is 401, not a failed handshake.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
