//! What TLS needs from us: further trusted certificates and a client identity.
//!
//! The platform's trust store is reqwest's business (its `rustls` feature asks
//! the platform verifier); certificates given here are added to it.

use reqwest::{Certificate, Identity};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Reads every certificate of a PEM text; an error when there is none or one
/// that nobody could trust.
pub(crate) fn certificates(pem: &str) -> Result<Vec<Certificate>, ()> {
    let mut store = RootCertStore::empty();
    let mut certificates = Vec::new();
    for found in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let found = found.map_err(drop)?;
        certificates.push(Certificate::from_der(&found).map_err(drop)?);
        store.add(found).map_err(drop)?;
    }
    if certificates.is_empty() {
        Err(())
    } else {
        Ok(certificates)
    }
}

/// Reads a client certificate chain and the private key that belongs to it, both
/// in PEM form.
pub(crate) fn identity(certificate: &str, key: &str) -> Result<Identity, ()> {
    let private = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(drop)?;
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(drop)?;
    // Refuses a key that belongs to another certificate.
    CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider()).map_err(drop)?;
    Identity::from_pem(format!("{certificate}\n{key}\n").as_bytes()).map_err(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa,
        KeyPair,
    };
    use rustls::RootCertStore;
    use rustls::server::WebPkiClientVerifier;
    use serde_json::json;
    use tokio_rustls::TlsAcceptor;

    use crate::testing::{Server, TestClient, answer, test_client, token_answer};
    use crate::{Config, DestinationKey, Error, ErrorKind, KeyKind};

    type Authority = CertifiedIssuer<'static, KeyPair>;

    /// A certificate authority that nobody trusts yet.
    fn authority() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// Certificate and key in PEM form, good for both ends of a connection.
    fn issue(authority: &Authority) -> (String, String) {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn acceptor(authority: &Authority, ask_client: bool) -> TlsAcceptor {
        use rustls_pki_types::pem::PemObject as _;
        use rustls_pki_types::{CertificateDer, PrivateKeyDer};
        let (certificate, key) = issue(authority);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if ask_client {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
    }

    async fn token(test: &TestClient) -> Result<(), Error> {
        test.client
            .token(&test.context, KeyKind::Destination, None)
            .await
            .map(drop)
    }

    #[tokio::test]
    async fn untrusted_certificate_is_a_tls_error_and_never_repeated() {
        let authority = authority();
        let server = Server::start(Some(acceptor(&authority, false)), |_| token_answer(1)).await;
        let error = token(&test_client(server.config())).await.unwrap_err();
        assert!(error.is_tls(), "{error:?}");
        assert_eq!(error.attempts(), 1);

        let trusting = Config {
            ca_certificates: Some(authority.pem()),
            ..server.config()
        };
        token(&test_client(trusting)).await.unwrap();
    }

    #[tokio::test]
    async fn x509_key_fetches_its_token_with_its_certificate_only() {
        let authority = authority();
        let server = Server::start(Some(acceptor(&authority, true)), |_| token_answer(1)).await;
        let plain = Server::script([answer(200, "[]")]).await;
        let (certificate, key) = issue(&authority);
        let service_key = json!({
            "clientid": "c", "certificate": certificate, "key": key,
            "certurl": server.url, "url": "https://not.called.example", "uri": plain.url,
        });
        let config = Config {
            destination_key: Some(DestinationKey::parse(&service_key.to_string()).unwrap()),
            ca_certificates: Some(authority.pem()),
            ..Config::default()
        };
        let test = test_client(config);
        let destinations = test.client.destinations().unwrap();
        let found = destinations
            .find(&test.context, crate::Level::Subaccount, "a")
            .await
            .unwrap();
        assert!(found.is_none());
        assert_eq!(
            server.all()[0].body,
            "grant_type=client_credentials&client_id=c"
        );
    }

    #[tokio::test]
    async fn server_that_rejects_the_client_is_a_tls_error() {
        let authority = authority();
        let server = Server::start(Some(acceptor(&authority, true)), |_| token_answer(1)).await;
        let trusting = Config {
            ca_certificates: Some(authority.pem()),
            ..server.config()
        };
        let error = token(&test_client(trusting)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Tls, "{error:?}");
        assert_eq!(error.attempts(), 1);
    }

    #[tokio::test]
    async fn server_that_rejects_the_certificate_of_the_key_says_so() {
        let (ours, foreign) = (authority(), authority());
        let server = Server::start(Some(acceptor(&ours, true)), |_| token_answer(1)).await;
        let (certificate, key) = issue(&foreign);
        let service_key = json!({
            "clientid": "c", "certificate": certificate, "key": key,
            "certurl": server.url, "url": server.url, "uri": server.url,
        });
        let config = Config {
            destination_key: Some(DestinationKey::parse(&service_key.to_string()).unwrap()),
            ca_certificates: Some(ours.pem()),
            ..Config::default()
        };
        let error = token(&test_client(config)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::CertificateRefused, "{error:?}");
        assert_eq!(error.attempts(), 1);
    }

    #[tokio::test]
    async fn expired_certificate_is_not_sent_anywhere() {
        let authority = authority();
        let server = Server::start(Some(acceptor(&authority, true)), |_| token_answer(1)).await;
        let mut params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2024, 3, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let service_key = json!({
            "clientid": "c", "certificate": certificate.pem(), "key": key.serialize_pem(),
            "certurl": server.url, "url": server.url, "uri": server.url,
        });
        let config = Config {
            destination_key: Some(DestinationKey::parse(&service_key.to_string()).unwrap()),
            ca_certificates: Some(authority.pem()),
            ..Config::default()
        };
        let error = token(&test_client(config)).await.unwrap_err();
        let text = "the certificate of the Destination service key expired at 2024-03-01T00:00:00Z";
        assert_eq!(error.to_string(), text);
        assert!(server.all().is_empty());
    }

    #[tokio::test]
    async fn certificate_is_judged_by_the_clock_of_the_moment() {
        let authority = authority();
        let server = Server::start(Some(acceptor(&authority, true)), |_| token_answer(1)).await;
        let mut params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
        // The server looks at the real clock.
        params.not_after = rcgen::date_time_ymd(2099, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let service_key = json!({
            "clientid": "c", "certificate": certificate.pem(), "key": key.serialize_pem(),
            "certurl": server.url, "url": server.url, "uri": server.url,
        });
        let config = Config {
            destination_key: Some(DestinationKey::parse(&service_key.to_string()).unwrap()),
            ca_certificates: Some(authority.pem()),
            ..Config::default()
        };
        let test = test_client(config);
        test.clock
            .set_wall_off(jiff::SignedDuration::from_hours(24 * 365 * 80));
        let error = test
            .client
            .token(&test.context, KeyKind::Destination, None)
            .await
            .unwrap_err();
        let expired = matches!(error.kind(), ErrorKind::ExpiredCertificate { .. });
        assert!(expired, "{error:?}");
        // Somebody corrects the clock: what was refused is not remembered.
        test.clock.set_wall_off(jiff::SignedDuration::ZERO);
        test.client
            .token(&test.context, KeyKind::Destination, None)
            .await
            .unwrap();
        assert_eq!(server.tokens(), 1);
    }

    #[test]
    fn identity_needs_both_halves() {
        let (certificate, key) = issue(&authority());
        assert!(super::identity(&certificate, &key).is_ok());
        assert!(super::identity(&certificate, "").is_err());
        assert!(super::identity("", &key).is_err());
        assert!(super::identity(&key, &certificate).is_err());
        let (_, foreign) = issue(&authority());
        assert!(super::identity(&certificate, &foreign).is_err());
    }
}
