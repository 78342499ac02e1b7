//! What TLS needs from us: further trusted certificates and a client identity,
//! both of PEM texts; and what a failed handshake means.
//!
//! The platform's trust store is reqwest's business (its `rustls` feature asks
//! the platform verifier); certificates given here are added to it.

use reqwest::{Certificate, Identity};
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, PeerIncompatible, RootCertStore};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Why a PEM text cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemFault {
    /// There is none.
    #[error("no certificate in PEM form")]
    NoCertificate,
    /// It is cut off or changed.
    #[error("a damaged certificate")]
    DamagedCertificate,
    /// A private key stands where the certificate belongs.
    #[error("a private key instead of a certificate")]
    KeyForCertificate,
    /// There is none.
    #[error("no private key in PEM form")]
    NoKey,
    /// Nobody here knows the password.
    #[error("a private key that is encrypted with a password")]
    EncryptedKey,
    /// It is cut off, changed, or of a kind that TLS does not know.
    #[error("a private key that is damaged or of an unknown kind")]
    DamagedKey,
    /// It is that of an issuer: the chain is in the wrong order.
    #[error("the private key of a later certificate of the chain, whose own one must come first,")]
    WrongOrder,
    /// It is that of no certificate here.
    #[error("a private key that does not belong to the certificate")]
    ForeignKey,
}

impl PemFault {
    /// Whether the text with the private key is to blame.
    pub(crate) fn is_about_key(self) -> bool {
        !matches!(
            self,
            Self::NoCertificate | Self::DamagedCertificate | Self::KeyForCertificate
        )
    }
}

/// Why a TLS handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// Nobody whom this machine trusts has signed the certificate.
    #[error("the certificate of the host is not trusted")]
    UnknownIssuer,
    /// The host shows the certificate of an authority as its own.
    #[error("the host shows the certificate of an authority as its own")]
    AuthorityAsHost,
    /// It was valid once, by the clock of this machine.
    #[error("the certificate of the host has expired")]
    Expired,
    /// It will be valid, by the clock of this machine.
    #[error("the certificate of the host is not valid yet")]
    NotYetValid,
    /// Its issuer took it back.
    #[error("the certificate of the host was revoked")]
    Revoked,
    /// It is that of another host.
    #[error("the certificate of the host is for another name")]
    WrongHost,
    /// The host wants TLS 1.1 or older.
    #[error("the host speaks neither TLS 1.2 nor 1.3")]
    OldVersion,
    /// What came back is no TLS.
    #[error("what answers does not speak TLS")]
    NotTls,
    /// Anything else.
    #[error("TLS failed")]
    Other,
}

impl TlsFault {
    pub(crate) fn of(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => Self::of_certificate(error),
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
            | rustls::Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => Self::OldVersion,
            _ => Self::Other,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongHost
            }
            CertificateError::Revoked => Self::Revoked,
            // It has no name of its own here.
            CertificateError::Other(error)
                if format!("{error:?}").contains("CaUsedAsEndEntity") =>
            {
                Self::AuthorityAsHost
            }
            _ => Self::Other,
        }
    }
}

/// A PEM text as it was before something put it into one line: with `\n` in
/// letters, or with a blank, for every line end.
pub(crate) fn lines(pem: &str) -> String {
    // No letter of a PEM text is a backslash.
    let pem = pem
        .replace("\\r", "")
        .replace("\\n", "\n")
        .replace('\\', "");
    if pem.trim().contains('\n') {
        return pem.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    }
    // What is between two markers of five dashes is a label or a body in turn.
    let parts = pem.split("-----").map(str::trim);
    let lines = parts.map(
        |part| match part.starts_with("BEGIN ") || part.starts_with("END ") {
            true => format!("-----{part}-----"),
            false => part.replace(' ', "\n"),
        },
    );
    lines.collect::<Vec<_>>().join("\n")
}

/// Reads every certificate of a PEM text; an error when there is none or one
/// that nobody could trust.
pub(crate) fn certificates(pem: &str) -> Result<Vec<Certificate>, PemFault> {
    let mut store = RootCertStore::empty();
    let read = |found: CertificateDer<'static>| {
        let certificate = Certificate::from_der(&found).ok()?;
        store.add(found).ok()?;
        Some(certificate)
    };
    let read: Option<Vec<_>> = chain(&lines(pem))?.into_iter().map(read).collect();
    read.ok_or(PemFault::DamagedCertificate)
}

/// Reads a client certificate chain and the private key that belongs to it, both
/// in PEM form.
pub(crate) fn identity(certificate: &str, key: &str) -> Result<Identity, PemFault> {
    let chain = chain(certificate)?;
    if key.contains("ENCRYPTED") {
        return Err(PemFault::EncryptedKey);
    }
    let key_der = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| match error {
        pem::Error::NoItemsFound => PemFault::NoKey,
        _ => PemFault::DamagedKey,
    })?;
    let provider = aws_lc_rs::default_provider();
    let fits = |first: &CertificateDer<'static>| {
        CertifiedKey::from_der(vec![first.clone()], key_der.clone_key(), &provider).map(drop)
    };
    let (first, issuers) = chain.split_first().ok_or(PemFault::NoCertificate)?;
    fits(first).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) if issuers.iter().any(|it| fits(it).is_ok()) => {
            PemFault::WrongOrder
        }
        rustls::Error::InconsistentKeys(_) => PemFault::ForeignKey,
        rustls::Error::InvalidCertificate(_) => PemFault::DamagedCertificate,
        _ => PemFault::DamagedKey,
    })?;
    Identity::from_pem(format!("{certificate}\n{key}\n").as_bytes())
        .map_err(|_| PemFault::DamagedKey)
}

/// The certificates of a PEM text, at least one.
fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, PemFault> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) if pem.contains("PRIVATE KEY") => Err(PemFault::KeyForCertificate),
        Ok(_) => Err(PemFault::NoCertificate),
        Err(_) => Err(PemFault::DamagedCertificate),
    }
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

    use crate::Collection as _;
    use crate::testing::{Server, TestClient, answer, test_client, token_answer};
    use crate::{Config, DestinationKey, Error, ErrorKind, KeyKind};

    use super::{PemFault, TlsFault};

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
        acceptor_with(authority, issue(authority), ask_client)
    }

    fn acceptor_with(
        authority: &Authority,
        (certificate, key): (String, String),
        ask_client: bool,
    ) -> TlsAcceptor {
        use rustls_pki_types::pem::PemObject as _;
        use rustls_pki_types::{CertificateDer, PrivateKeyDer};
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
        let unknown = ErrorKind::Tls(TlsFault::UnknownIssuer);
        assert_eq!(error.kind, unknown, "{error:?}");
        assert_eq!(error.attempts, 1);

        let trusting = Config {
            ca_certificates: Some(authority.pem()),
            ..server.config()
        };
        token(&test_client(trusting)).await.unwrap();
    }

    /// Certificate and key of a host, made as `change` says.
    fn host(
        authority: &Authority,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (
            params.signed_by(&key, authority).unwrap().pem(),
            key.serialize_pem(),
        )
    }

    #[tokio::test]
    async fn every_cause_of_a_failed_handshake_is_told_apart() {
        let authority = authority();
        let long_ago = rcgen::date_time_ymd(2001, 1, 1);
        let far = rcgen::date_time_ymd(2090, 1, 1);
        let name = || vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())];
        let hosts = [
            (
                host(&authority, |it| it.not_after = long_ago),
                TlsFault::Expired,
            ),
            (
                host(&authority, |it| it.not_before = far),
                TlsFault::NotYetValid,
            ),
            (
                host(&authority, |it| it.subject_alt_names = name()),
                TlsFault::WrongHost,
            ),
            (
                host(&authority, |it| {
                    it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                }),
                TlsFault::AuthorityAsHost,
            ),
        ];
        for (host, fault) in hosts {
            let acceptor = acceptor_with(&authority, host, false);
            let server = Server::start(Some(acceptor), |_| token_answer(1)).await;
            let trusting = Config {
                ca_certificates: Some(authority.pem()),
                ..server.config()
            };
            let error = token(&test_client(trusting)).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Tls(fault), "{error:?}");
            assert_eq!(error.attempts, 1);
        }
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        assert_eq!(TlsFault::of(&plain), TlsFault::NotTls);
        let version = rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion);
        assert_eq!(TlsFault::of(&version), TlsFault::OldVersion);
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
        assert_eq!(error.kind, ErrorKind::Tls(TlsFault::Other), "{error:?}");
        assert_eq!(error.attempts, 1);
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
        assert_eq!(error.kind, ErrorKind::CertificateRefused, "{error:?}");
        assert_eq!(error.attempts, 1);
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
        let expired = matches!(&error.kind, ErrorKind::ExpiredCertificate { .. });
        assert!(expired, "{error:?}");
        // Somebody corrects the clock: what was refused is not remembered.
        test.clock.set_wall_off(jiff::SignedDuration::ZERO);
        test.client
            .token(&test.context, KeyKind::Destination, None)
            .await
            .unwrap();
        assert_eq!(server.tokens(), 1);
    }

    /// Certificate and key as `pem_fault` finds them.
    fn fault(certificate: &str, key: &str) -> Option<PemFault> {
        super::identity(&super::lines(certificate), &super::lines(key)).err()
    }

    #[test]
    fn every_cause_of_an_unusable_identity_is_told_apart() {
        let issuer = authority();
        let (certificate, key) = issue(&issuer);
        let (_, foreign) = issue(&issuer);
        let chain = format!("{certificate}{}", issuer.pem());
        let reversed = format!("{}{certificate}", issuer.pem());
        let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        let traditional = key.replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n");
        let cut = |pem: &str| pem[..pem.len() / 2].to_owned();
        for (certificate, key, expected) in [
            (&*certificate, &*key, None),
            (&chain, &key, None),
            ("", &key, Some(PemFault::NoCertificate)),
            ("MIIB", &key, Some(PemFault::NoCertificate)),
            (&cut(&certificate), &key, Some(PemFault::DamagedCertificate)),
            (
                &certificate.replace("MII", "AAA"),
                &key,
                Some(PemFault::DamagedCertificate),
            ),
            (&key, &certificate, Some(PemFault::KeyForCertificate)),
            (&certificate, "", Some(PemFault::NoKey)),
            (&certificate, &certificate, Some(PemFault::NoKey)),
            (&certificate, &cut(&key), Some(PemFault::DamagedKey)),
            (
                &certificate,
                &key.replace("MIG", "AAA"),
                Some(PemFault::DamagedKey),
            ),
            (&certificate, &encrypted, Some(PemFault::EncryptedKey)),
            (&certificate, &traditional, Some(PemFault::EncryptedKey)),
            (&reversed, &key, Some(PemFault::WrongOrder)),
            (&certificate, &foreign, Some(PemFault::ForeignKey)),
        ] {
            assert_eq!(fault(certificate, key), expected, "{certificate}\n{key}");
        }
    }

    #[test]
    fn texts_that_were_put_into_one_line_are_read() {
        let issuer = authority();
        let (certificate, key) = issue(&issuer);
        let chain = format!("{certificate}{}", issuer.pem());
        let bare = |pem: &str| pem.replace('\n', "");
        let spellings: [&dyn Fn(&str) -> String; 7] = [
            &|pem| pem.replace('\n', "\\n"),
            &|pem| pem.replace('\n', "\\\\n"),
            &|pem| pem.replace('\n', "\\r\\n"),
            &|pem| pem.replace('\n', "\r\n"),
            &|pem| pem.replace('\n', " "),
            &|pem| format!("  {}", pem.replace('\n', "\\n\n")),
            &bare,
        ];
        for spell in spellings {
            assert_eq!(fault(&spell(&chain), &spell(&key)), None, "{}", spell(&key));
            assert_eq!(super::certificates(&spell(&chain)).unwrap().len(), 2);
        }
    }

    #[test]
    fn every_cause_of_unusable_authorities_is_told_apart() {
        let (certificate, key) = issue(&authority());
        let cut = &certificate[..certificate.len() / 2];
        for (pem, expected) in [
            ("", PemFault::NoCertificate),
            ("no PEM", PemFault::NoCertificate),
            (&key, PemFault::KeyForCertificate),
            (cut, PemFault::DamagedCertificate),
            (
                &certificate.replace("MII", "AAA"),
                PemFault::DamagedCertificate,
            ),
        ] {
            assert_eq!(super::certificates(pem).err(), Some(expected), "{pem}");
        }
        assert!(super::certificates(&format!("{certificate}{key}")).is_ok());
    }
}
