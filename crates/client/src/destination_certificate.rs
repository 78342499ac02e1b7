//! The certificates of the Destination service, API v1: files that
//! destinations name as key store or trust store, at both levels.
//!
//! A certificate is a name with an extension that says what the file is, such
//! as `.pem` or `.p12`, and its content in base64. SAP returns the content,
//! private keys included; [`CertificateFile`] therefore shows nothing in
//! `Debug`.
//!
//! Source: SAP's description of the Destination service on Cloud Foundry, which
//! gives certificates the calls of destinations. The service also makes
//! certificates itself, from a [`Generation`]; it tells the file then, and not
//! from what it was made. Their labels and their list are not here.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use foreign::{Foreign, Secrets};
use http::Method;
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::certificate::{self, Issued};
use super::client::Client;
use super::context::Context;
use super::destination_service::{
    Call, Collection, Service, check_name, encode, encode_name, items, names_filter, updated,
};
use super::error::Error;
use super::http::{Answer, Request};
use super::level::Level;
use super::told;

/// Certificates that a list may hold.
const MOST_CERTIFICATES: usize = 10_000;

/// `Type` of every certificate that is uploaded.
const TYPE: &str = "CERTIFICATE";

/// Certificates that a chain may have; SAP's have three.
const LONGEST_CHAIN: usize = 8;

/// The content of a certificate. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct CertificateFile {
    /// Standard base64 with padding, in one line.
    base64: SecretString,
}

impl CertificateFile {
    /// A file of these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self {
            base64: STANDARD.encode(bytes).into(),
        }
    }

    /// A file from its base64 text; line breaks, blanks and missing padding do
    /// not matter. `None` when it is not base64.
    pub fn from_base64(text: &str) -> Option<Self> {
        told::bytes_of(text).map(|bytes| Self::from_bytes(&bytes))
    }

    /// The file as standard base64 in one line. Ask for it only to send it to
    /// SAP.
    pub fn expose_base64(&self) -> &str {
        self.base64.expose_secret()
    }

    /// What makes the file this one: equal files give equal texts. Of PEM text
    /// that is its blocks, wherever their lines break and whatever stands
    /// between them; of any other file all of it. Ask for it only to hash it.
    pub fn essence(&self) -> SecretString {
        match self.blocks() {
            Some(blocks) => blocks,
            None => self.base64.clone(),
        }
    }

    /// Whether a difference from the other file says for certain that they are
    /// not the same: two PEM texts can be compared however a service writes
    /// them, and key stores cannot.
    pub fn certainly_differs_from(&self, other: &Self) -> bool {
        self.blocks().is_some() && other.blocks().is_some() && self != other
    }

    /// The blocks of PEM text, each in one line; `None` when there are none.
    fn blocks(&self) -> Option<SecretString> {
        let bytes = STANDARD.decode(self.expose_base64()).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let mut blocks = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
            let (label, begun) = begun.split_once("-----")?;
            let (content, after) = begun.split_once(&format!("-----END {label}-----"))?;
            blocks.push_str(label);
            blocks.push(':');
            blocks.extend(content.split_whitespace());
            blocks.push('\n');
            rest = after;
        }
        (!blocks.is_empty()).then(|| blocks.into())
    }

    /// When the first certificate in the file expires. `None` for key stores,
    /// and when the file cannot be read.
    pub fn expiry(&self) -> Option<Timestamp> {
        let bytes = STANDARD.decode(self.expose_base64()).ok()?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => certificate::expiry(text),
            Err(_) => certificate::expiry_of_der(&bytes),
        }
    }

    /// What its first certificate says, with the chain. `None` for key stores,
    /// and when the file cannot be read.
    pub fn issued(&self) -> Option<Issued> {
        let bytes = STANDARD.decode(self.expose_base64()).ok()?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
            .take(LONGEST_CHAIN)
            .collect::<Result<_, _>>()
            .ok()?;
        Issued::of(&chain)
    }

    /// Keeps the file secret, as base64 and, where it is text, as that.
    fn keep(&self, secrets: &Secrets) {
        secrets.keep(self.expose_base64());
        let bytes = STANDARD.decode(self.expose_base64()).unwrap_or_default();
        secrets.keep(std::str::from_utf8(&bytes).unwrap_or_default());
    }
}

impl PartialEq for CertificateFile {
    fn eq(&self, other: &Self) -> bool {
        self.expose_base64() == other.expose_base64()
            || self.essence().expose_secret() == other.essence().expose_secret()
    }
}

impl Eq for CertificateFile {}

impl fmt::Debug for CertificateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateFile")
    }
}

impl Issued {
    /// Whether it can have been made from this: it has the common name, and the
    /// public key of the request where there is one.
    pub fn fits(&self, generation: &Generation) -> bool {
        self.common_name.as_deref() == Some(&generation.common_name)
            && generation.request.as_ref().is_none_or(|request| {
                let der = CertificateSigningRequestDer::from_pem_slice(request.as_bytes());
                der.is_ok_and(|der| {
                    let mut places = der.windows(self.public_key.len().max(1));
                    places.any(|place| place == self.public_key)
                })
            })
    }
}

/// From what the service makes a certificate. It answers for the private key,
/// unless there is a request with one of somebody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// `CN` of the subject; the rest of it is the service's.
    pub common_name: String,
    /// How many units it is valid.
    pub validity: i64,
    /// `DAYS`, `MONTHS` or `YEARS`.
    pub validity_unit: String,
    /// Whether the service makes a new one before it ends.
    pub automatic_renew: bool,
    /// A request for a certificate, PEM text; the service takes nothing but the
    /// public key from it.
    pub request: Option<String>,
}

impl Generation {
    /// Whether a text is the PEM text of a request.
    pub fn is_request(text: &str) -> bool {
        CertificateSigningRequestDer::from_pem_slice(text.as_bytes()).is_ok()
    }
}

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// It is uploaded.
    File(CertificateFile),
    /// The service makes it.
    Generation(Generation),
}

impl CertificateSource {
    fn body(&self, name: &str) -> Value {
        match self {
            Self::File(file) => {
                json!({ "Name": name, "Type": TYPE, "Content": file.expose_base64() })
            }
            Self::Generation(generation) => {
                let mut attributes = json!({
                    "CN": generation.common_name,
                    "Validity": {
                        "TimeUnit": generation.validity_unit,
                        "Value": generation.validity,
                    },
                    "AutomaticRenew": generation.automatic_renew,
                });
                if let Some(request) = &generation.request {
                    attributes["CSR"] = STANDARD.encode(request).into();
                }
                json!({ "Name": name, "Attributes": attributes })
            }
        }
    }
}

/// A certificate as SAP holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationCertificate {
    /// The property `Name`.
    pub name: String,
    /// The property `Type`, which is `CERTIFICATE`.
    pub kind: Option<String>,
    /// The file; `None` where SAP does not tell it.
    pub file: Option<CertificateFile>,
    /// Version at SAP, opaque; `None` where SAP tells none.
    pub etag: Option<String>,
}

/// The certificates of the Destination service, with its service key.
#[derive(Clone, Copy, Debug)]
pub struct DestinationCertificates<'a>(Service<'a>);

impl Collection for DestinationCertificates<'_> {
    type Object = DestinationCertificate;

    async fn find(
        self,
        context: &Context,
        level: Level,
        name: &str,
    ) -> Result<Option<DestinationCertificate>, Error> {
        find(&self.0.call(context, level), name).await
    }

    async fn delete(self, context: &Context, level: Level, name: &str) -> Result<(), Error> {
        let call = self.0.call(context, level);
        call.delete(name, find(&call, name)).await
    }
}

impl Client {
    /// The certificates of the Destination service.
    ///
    /// # Errors
    ///
    /// [`MissingKey`](crate::ErrorKind::MissingKey) when no Destination service key is configured.
    pub fn destination_certificates(&self) -> Result<DestinationCertificates<'_>, Error> {
        Service::new(self, "Certificates").map(DestinationCertificates)
    }
}

impl DestinationCertificates<'_> {
    /// Uploads a new certificate, or has it made.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] when the name exists;
    /// [`maybe_processed`](crate::ErrorParts::maybe_processed) when the answer was lost: read back
    /// before deciding.
    pub async fn create(
        &self,
        context: &Context,
        level: Level,
        name: &str,
        source: &CertificateSource,
    ) -> Result<(), Error> {
        let call = self.0.call(context, level);
        upload(&call, Method::POST, name, source).await.map(drop)
    }

    /// Replaces the file of a certificate, or has a new one made.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found_by_sap`] when the certificate is gone.
    pub async fn replace(
        &self,
        context: &Context,
        level: Level,
        name: &str,
        source: &CertificateSource,
    ) -> Result<(), Error> {
        let call = self.0.call(context, level);
        updated(&upload(&call, Method::PUT, name, source).await?)
    }
}

async fn find(call: &Call<'_>, name: &str) -> Result<Option<DestinationCertificate>, Error> {
    let error = match call.send(Request::get(call.item_url(name)?)).await {
        Ok(answer) => return read_one(&answer, name).map(Some),
        Err(error) if error.is_not_found_by_sap() => return Ok(None),
        Err(error) => error,
    };
    if !error.is_not_found_by_other() || error.is_html() {
        return Err(error);
    }
    // A 404 in another form: the list has SAP's own word.
    listed(call, name).await.map_err(|_| error)
}

async fn listed(call: &Call<'_>, name: &str) -> Result<Option<DestinationCertificate>, Error> {
    let mut url = call.collection_url();
    let filter = names_filter(&[encode_name(name)]);
    url.set_query(Some(&format!("$filter={}", encode(&filter))));
    let answer = call.send(Request::get(url).for_list()).await?;
    let items = items::<Told, MOST_CERTIFICATES>(&answer)?;
    let found = items.into_iter().find(|one| one.name == name);
    Ok(found.map(|found| found.read(&answer)))
}

async fn upload(
    call: &Call<'_>,
    method: Method,
    name: &str,
    source: &CertificateSource,
) -> Result<Answer, Error> {
    check_name(name)?;
    if let CertificateSource::File(file) = source {
        file.keep(call.client().secrets());
    }
    let request = Request::new(method, call.collection_url()).json(&source.body(name));
    call.send(request).await
}

fn read_one(answer: &Answer, name: &str) -> Result<DestinationCertificate, Error> {
    let told: Told = answer.json()?;
    if told.name != name {
        return Err(answer.unexpected("the answer is not the certificate that was asked for"));
    }
    let mut found = told.read(answer);
    found.etag = answer.etag()?;
    Ok(found)
}

/// What is asked for of a certificate.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Type")]
    kind: Option<Foreign>,
    #[serde(rename = "Content")]
    content: Option<String>,
}

impl Told {
    fn read(self, answer: &Answer) -> DestinationCertificate {
        // What is not base64 is a file of its own kind: equal only to itself.
        let file = self.content.filter(|text| !text.is_empty()).map(|text| {
            CertificateFile::from_base64(&text)
                .unwrap_or_else(|| CertificateFile::from_bytes(text.as_bytes()))
        });
        if let Some(file) = &file {
            file.keep(&answer.secrets);
        }
        DestinationCertificate {
            name: self.name,
            kind: self.kind.map(|kind| answer.secrets.show(&kind)),
            file,
            etag: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, TestClient, answer};

    const LEVEL: Level = Level::Subaccount;
    const GONE: &str = r#"{"ErrorMessage":"Configuration with the specified name was not found"}"#;
    const PATH: &str = "/destination-configuration/v1/subaccountCertificates";

    fn of(test: &TestClient) -> DestinationCertificates<'_> {
        test.client.destination_certificates().unwrap()
    }

    const TEXT: &[u8] = b"0123456789012345678901234567890123456789secret\n";

    fn file() -> CertificateSource {
        CertificateSource::File(CertificateFile::from_bytes(TEXT))
    }

    #[test]
    fn a_file_is_the_same_however_its_base64_is_written() {
        let file = CertificateFile::from_bytes(b"some bytes");
        for text in [
            "c29tZSBieXRlcw==",
            "c29tZSBieXRlcw",
            " c29tZSBi\r\neXRlcw== \n",
        ] {
            assert_eq!(CertificateFile::from_base64(text), Some(file.clone()));
        }
        assert_eq!(CertificateFile::from_base64("no base64!"), None);
        assert_eq!(format!("{file:?}"), "CertificateFile");
    }

    #[test]
    fn pem_is_the_same_however_it_is_written_and_every_block_counts() {
        let file = |text: &str| CertificateFile::from_bytes(text.as_bytes());
        let block = |label: &str, lines: &str| {
            format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
        };
        let certificate = block("CERTIFICATE", "YWJj\nZGVm");
        let key = block("ENCRYPTED PRIVATE KEY", "Z2hp");
        let both = file(&format!("{certificate}{key}"));
        let rewritten = format!("Bag\n{}\n\n{key}\n", certificate.replace("j\nZ", "jZ"));
        assert_eq!(both, file(&rewritten.replace('\n', "\r\n")));
        for other in [
            certificate.clone(),
            format!("{key}{certificate}"),
            format!("{certificate}{}", block("ENCRYPTED PRIVATE KEY", "Z2hq")),
            format!("{certificate}{}", block("PRIVATE KEY", "Z2hp")),
        ] {
            assert!(both.certainly_differs_from(&file(&other)), "{other}");
        }
        // What is no whole PEM text is compared byte for byte, and a difference
        // says nothing.
        for other in ["\n", &certificate[..40]] {
            let (one, other) = (file(other), file(&format!("{other} ")));
            assert!(one != other && !one.certainly_differs_from(&other));
        }
    }

    #[test]
    fn pem_and_der_say_when_they_expire() {
        let mut params = rcgen::CertificateParams::new(vec!["a".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 2, 3);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let text = format!("{}{}", key.serialize_pem(), made.pem());
        for bytes in [text.as_bytes(), made.der()] {
            let expiry = CertificateFile::from_bytes(bytes).expiry().unwrap();
            assert_eq!(expiry.to_string(), "2031-02-03T00:00:00Z");
        }
        assert_eq!(
            CertificateFile::from_bytes(&[0x30, 3, 2, 1, 3]).expiry(),
            None
        );
    }

    #[tokio::test]
    async fn a_certificate_is_found_with_its_etag_and_absent_by_saps_word() {
        let body = json!({"Name": "a b.pem", "Type": "CERTIFICATE", "Content": "YQ"});
        let server = Server::script([
            answer(200, &body.to_string()).with("ETag", "e1"),
            answer(404, GONE),
            answer(404, "Not Found"),
            answer(200, "[]"),
            answer(404, "Not Found"),
            answer(200, &json!([body]).to_string()),
        ])
        .await;
        let test = server.client();
        let find = async || {
            of(&test)
                .find(&test.context, LEVEL, "a b.pem")
                .await
                .unwrap()
        };
        let found = find().await.unwrap();
        assert_eq!(found.file, CertificateFile::from_base64("YQ=="));
        assert_eq!(found.etag.as_deref(), Some("e1"));
        assert_eq!(found.kind.as_deref(), Some("CERTIFICATE"));
        assert_eq!(find().await, None);
        assert_eq!(find().await, None);
        assert_eq!(find().await.unwrap().etag, None);
        assert_eq!(server.calls()[0].target, format!("{PATH}/a%20b.pem"));
    }

    #[tokio::test]
    async fn what_is_not_saps_word_is_an_error() {
        let router = || answer(404, GONE).with("X-Cf-Routererror", "unknown_route");
        let scripts = [
            vec![router(), router()],
            vec![answer(404, "<html></html>")],
            vec![answer(404, "Not Found"), answer(403, "no")],
            vec![answer(200, r#"{"Name":"other.pem"}"#)],
            vec![answer(200, "<html></html>")],
            vec![answer(403, "no")],
        ];
        for script in scripts {
            let server = Server::script(script.clone()).await;
            let test = server.client();
            let found = of(&test).find(&test.context, LEVEL, "a.pem").await;
            assert!(found.is_err(), "{script:?}");
        }
    }

    #[tokio::test]
    async fn uploads_send_the_file_and_show_nothing_of_it() {
        let echo = json!({ "ErrorMessage": format!(
            "{} and 0123456789012345678901234567890123456789secret",
            STANDARD.encode(TEXT),
        ) });
        let server = Server::script([
            answer(201, ""),
            answer(200, r#"{"Count":1}"#),
            answer(400, &echo.to_string()),
            answer(200, r#"{"Count":0}"#),
        ])
        .await;
        let test = server.client();
        let (certificates, file) = (of(&test), file());
        let level = Level::Instance;
        let created = certificates.create(&test.context, level, "a.pem", &file);
        created.await.unwrap();
        let replaced = certificates.replace(&test.context, level, "a.pem", &file);
        replaced.await.unwrap();
        let refused = certificates.create(&test.context, level, "a.pem", &file);
        let shown = refused.await.unwrap_err().to_string();
        assert!(shown.contains("(hidden)= and (hidden)"), "{shown}");
        let nothing = certificates.replace(&test.context, level, "a.pem", &file);
        assert!(nothing.await.is_err());
        let calls = server.calls();
        assert_eq!(
            (calls[0].method.as_str(), calls[1].method.as_str()),
            ("POST", "PUT")
        );
        assert!(calls[0].target.ends_with("/v1/instanceCertificates"));
        let body: Value = serde_json::from_str(&calls[0].body).unwrap();
        let content = STANDARD.encode(TEXT);
        assert_eq!(
            body,
            json!({"Name": "a.pem", "Type": "CERTIFICATE", "Content": content})
        );
    }

    #[tokio::test]
    async fn a_certificate_that_sap_makes_is_asked_for_as_sap_documents_it() {
        let mut generation = Generation {
            common_name: "calm".to_owned(),
            validity: 30,
            validity_unit: "DAYS".to_owned(),
            automatic_renew: true,
            request: None,
        };
        let server = Server::script([answer(201, ""), answer(200, r#"{"Count":1}"#)]).await;
        let test = server.client();
        let (certificates, context) = (of(&test), &test.context);
        let source = CertificateSource::Generation(generation.clone());
        let made = certificates.create(context, LEVEL, "a.pem", &source);
        made.await.unwrap();
        generation.request = Some("pem".to_owned());
        let source = CertificateSource::Generation(generation);
        let made = certificates.replace(context, LEVEL, "a.pem", &source);
        made.await.unwrap();
        let mut attributes = json!({
            "CN": "calm", "Validity": { "TimeUnit": "DAYS", "Value": 30 }, "AutomaticRenew": true,
        });
        for call in server.calls() {
            let body: Value = serde_json::from_str(&call.body).unwrap();
            assert_eq!(body, json!({ "Name": "a.pem", "Attributes": attributes }));
            attributes["CSR"] = "cGVt".into();
        }
    }

    #[test]
    fn what_was_made_shows_its_chain_without_the_key_and_fits_to_its_request() {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "calm");
        let [key, other] = [(); 2].map(|()| rcgen::KeyPair::generate().unwrap());
        let [own, foreign] = [&key, &other].map(|key| {
            let request = rcgen::CertificateParams::default().serialize_request(key);
            request.unwrap().pem().unwrap()
        });
        let made = params.self_signed(&key).unwrap().pem();
        let file = format!("{}{made}{made}", key.serialize_pem());
        let issued = CertificateFile::from_bytes(file.as_bytes()).issued();
        let issued = issued.unwrap();
        assert_eq!(issued.chain, format!("{made}{made}").replace('\r', ""));
        assert_eq!(issued.subject, "CN=calm");
        for (common_name, request, fits) in [
            ("calm", None, true),
            ("other", None, false),
            ("calm", Some(own), true),
            ("calm", Some(foreign), false),
            ("calm", Some("no request".to_owned()), false),
        ] {
            let generation = Generation {
                common_name: common_name.to_owned(),
                validity: 1,
                validity_unit: "DAYS".to_owned(),
                automatic_renew: false,
                request,
            };
            assert_eq!(issued.fits(&generation), fits, "{generation:?}");
        }
        for no_certificate in ["", "***", &key.serialize_pem()] {
            let file = CertificateFile::from_bytes(no_certificate.as_bytes());
            assert_eq!(file.issued(), None);
        }
    }

    #[tokio::test]
    async fn a_piece_of_the_new_or_the_previous_file_is_hidden_too() {
        let pem = || {
            let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
            format!("{}{}", made.signing_key.serialize_pem(), made.cert.pem())
        };
        let [previous, new] = [pem(), pem()];
        for quoted in [&previous, &new] {
            let base64 = STANDARD.encode(quoted);
            let key = quoted.lines().nth(1).unwrap();
            for piece in [&base64[..60], &base64[41..77], &key[..20], &key[7..30]] {
                let message = format!("Content '{piece}...' is wrong");
                let body = json!({ "ErrorMessage": message }).to_string();
                let server = Server::script([answer(400, &body)]).await;
                let test = server.client();
                // What was read once is known from then on.
                CertificateFile::from_bytes(previous.as_bytes()).keep(test.client.secrets());
                let new = CertificateSource::File(CertificateFile::from_bytes(new.as_bytes()));
                let certificates = of(&test);
                let refused = certificates.replace(&test.context, LEVEL, "a.pem", &new);
                let shown = refused.await.unwrap_err().to_string();
                assert!(shown.contains("Content '(hidden)' is wrong"), "{shown}");
            }
        }
    }

    #[tokio::test]
    async fn delete_knows_every_way_to_be_gone() {
        let cases = [
            vec![answer(200, r#"{"Count":1}"#)],
            vec![answer(204, ""), answer(404, GONE)],
            vec![answer(200, r#"{"Count":0}"#)],
            vec![answer(404, GONE)],
            vec![answer(404, "x"), answer(404, "x"), answer(200, "[]")],
        ];
        for replies in cases {
            let server = Server::script(replies).await;
            let test = server.client();
            let deleted = of(&test).delete(&test.context, LEVEL, "a.pem").await;
            deleted.unwrap();
        }
        let server = Server::script([]).await;
        let test = server.client();
        for name in ["", ".", ".."] {
            assert!(of(&test).delete(&test.context, LEVEL, name).await.is_err());
        }
        assert!(server.all().is_empty());
    }
}
