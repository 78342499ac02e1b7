//! Mutual TLS between Terraform and the provider.
//!
//! Terraform makes a key pair for every process that it starts and hands over
//! the certificate in `PLUGIN_CLIENT_CERT`; we answer with a certificate of our
//! own in the handshake line. Both sides then accept exactly that one
//! certificate of the other, so nobody else on the machine can use a provider
//! that holds credentials.
//!
//! A verifier that builds chains does not work here: Terraform's certificate is
//! its own authority and is refused as a leaf.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    server::{
        NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime, pem::PemObject as _};
use tokio_rustls::TlsAcceptor;

/// Our side of mutual TLS.
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    /// For the handshake line.
    pub(super) certificate: CertificateDer<'static>,
}

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Terraform handed over something that is no certificate.
    #[error("`PLUGIN_CLIENT_CERT` holds no PEM certificate: {0}")]
    ClientCertificate(rustls_pki_types::pem::Error),
    /// Our own certificate could not be made.
    #[error("cannot make the server certificate: {0}")]
    ServerCertificate(#[from] rcgen::Error),
    /// TLS refuses our own key or settings.
    #[error("cannot set up TLS: {0}")]
    Settings(#[from] Error),
}

impl Tls {
    /// TLS with a new key, for the one client whose certificate is given as PEM.
    pub(super) fn for_client(certificate_pem: &str) -> Result<Self, TlsError> {
        let client = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(TlsError::ClientCertificate)?;
        // For the name that go-plugin checks. It lives as long as the process, so its
        // dates say nothing.
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let certificate = own.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = OneClient {
            certificate: client,
            provider: Arc::clone(&provider),
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(vec![certificate.clone()], key.into())?;
        // gRPC clients since grpc-go 1.67 insist on it.
        config.alpn_protocols = vec![b"h2".to_vec()];
        // Terraform connects once: nothing to resume.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate,
        })
    }
}

/// Accepts one certificate, byte for byte, and demands proof of its key.
#[derive(Debug)]
struct OneClient {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for OneClient {
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if *end_entity == self.certificate {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
