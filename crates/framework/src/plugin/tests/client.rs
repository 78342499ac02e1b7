//! The other side of the socket: what go-plugin does on behalf of Terraform.

use std::{io, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ClientConfig, RootCertStore, SignatureScheme,
    client::ResolvesClientCert,
    crypto::{CryptoProvider, aws_lc_rs},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::{
    plugin::listener::Duplex,
    proto::{
        health::health_client::HealthClient,
        plugin::{
            grpc_broker_client::GrpcBrokerClient, grpc_controller_client::GrpcControllerClient,
            grpc_stdio_client::GrpcStdioClient,
        },
        tfplugin6::provider_client::ProviderClient,
    },
};

/// A client certificate and a key, which need not belong together.
#[derive(Debug)]
pub(super) struct ClientIdentity {
    certificate_pem: String,
    key: Option<Arc<CertifiedKey>>,
}

impl ClientIdentity {
    /// A fresh one with all the properties of those that Terraform makes.
    pub(super) fn like_terraform() -> Self {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        let certificate = params.self_signed(&key).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let key = provider()
            .key_provider
            .load_private_key(key.into())
            .unwrap();
        Self {
            certificate_pem: certificate.pem(),
            key: Some(Arc::new(CertifiedKey::new(
                vec![certificate.der().clone()],
                key,
            ))),
        }
    }

    /// TLS without a client certificate.
    pub(super) fn none() -> Self {
        Self {
            certificate_pem: String::new(),
            key: None,
        }
    }

    /// This certificate with the key of another.
    pub(super) fn with_key_of(&self, other: &Self) -> Self {
        let (own, other) = (self.key.as_ref().unwrap(), other.key.as_ref().unwrap());
        Self {
            certificate_pem: self.certificate_pem.clone(),
            key: Some(Arc::new(CertifiedKey::new(
                own.cert.clone(),
                Arc::clone(&other.key),
            ))),
        }
    }

    pub(super) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }
}

/// Presents a key without looking whether it fits.
#[derive(Debug)]
struct Always(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// The fields of a handshake line that matter to a client.
pub(super) struct Parts {
    pub(super) network: String,
    pub(super) address: String,
    pub(super) certificate: Option<CertificateDer<'static>>,
}

impl Parts {
    /// Takes the line apart as strictly as go-plugin.
    pub(super) fn of(line: &str) -> Self {
        let fields: Vec<_> = line.strip_suffix('\n').unwrap().split('|').collect();
        let ["1", "6", network, address, "grpc", certificate] = fields[..] else {
            panic!("unexpected handshake line {line}");
        };
        let der = STANDARD_NO_PAD.decode(certificate).unwrap();
        Self {
            network: network.to_owned(),
            address: address.to_owned(),
            certificate: (!der.is_empty()).then(|| der.into()),
        }
    }

    /// Connects, with TLS when there is an identity.
    pub(super) async fn connect(
        &self,
        identity: Option<&ClientIdentity>,
    ) -> Result<Clients, tonic::transport::Error> {
        let stream: Box<dyn Duplex> = match identity {
            None => self.open().await,
            Some(identity) => match self.open_tls(identity).await {
                Ok(stream) => Box::new(stream),
                // An end of its own: the server has closed its side, too.
                Err(_) => Box::new(tokio::io::duplex(1).0),
            },
        };
        let mut stream = Some(TokioIo::new(stream));
        let once = service_fn(move |_| {
            let stream = stream.take().ok_or(io::ErrorKind::NotConnected);
            std::future::ready(stream.map_err(io::Error::from))
        });
        let endpoint = Endpoint::from_static("http://localhost");
        let channel = endpoint.connect_with_connector(once).await?;
        Ok(Clients(channel))
    }

    pub(super) async fn negotiated_protocol(&self, identity: &ClientIdentity) -> Option<Vec<u8>> {
        let stream = self.open_tls(identity).await.unwrap();
        stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
    }

    async fn open(&self) -> Box<dyn Duplex> {
        if self.network == "unix" {
            Box::new(UnixStream::connect(&self.address).await.unwrap())
        } else {
            Box::new(TcpStream::connect(&self.address).await.unwrap())
        }
    }

    /// Trusts the certificate of the line and nothing else.
    async fn open_tls(&self, identity: &ClientIdentity) -> io::Result<TlsStream<Box<dyn Duplex>>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone().unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_cert_resolver(Arc::new(Always(identity.key.clone())));
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, self.open().await).await
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Clients of all services over one connection.
pub(super) struct Clients(Channel);

impl Clients {
    pub(super) fn provider(&self) -> ProviderClient<Channel> {
        ProviderClient::new(self.0.clone())
    }

    pub(super) fn controller(&self) -> GrpcControllerClient<Channel> {
        GrpcControllerClient::new(self.0.clone())
    }

    pub(super) fn stdio(&self) -> GrpcStdioClient<Channel> {
        GrpcStdioClient::new(self.0.clone())
    }

    pub(super) fn broker(&self) -> GrpcBrokerClient<Channel> {
        GrpcBrokerClient::new(self.0.clone())
    }

    pub(super) fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.0.clone())
    }
}
