//! What is special about the certificates of the Destination service: a valid
//! body, the forms in which its content may be told, and the identity that a
//! destination takes from it for mutual TLS with its token service.
//!
//! A certificate is a file with a name: PEM or DER (`.pem`, `.crt`, `.cer`) or
//! a key store (`.p12`, `.pfx`, `.jks`). The service stores all of them. For
//! mutual TLS two kinds are read here: PEM with an unencrypted key, and, with
//! the feature `pkcs12`, PKCS#12 with the password of the destination. A
//! destination that names another file,
//! such as a Java key store, gets an error in the place of its token. The rules
//! are partly documented, the texts are ours.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::call::Refusal;
use super::issuing::Made;
use super::knobs::CertificateContent;
use super::validation::Draft;
use super::world::{Destination, Properties};

/// Longest name; SAP documents it for destinations only.
const LONGEST_NAME: usize = 255;

/// The property that holds the file, base64.
const CONTENT: &str = "Content";

/// What the service makes a certificate from, in the place of a file.
const ATTRIBUTES: &str = "Attributes";

const PEM_EXTENSIONS: [&str; 3] = ["pem", "crt", "cer"];

/// First byte of DER, and so of PKCS#12.
const SEQUENCE: u8 = 0x30;

/// Checks a body; `strict` also whether content and name fit together. Makes the
/// certificate of a body that has `Attributes` in the place of a file.
pub(crate) fn draft(
    value: &Value,
    strict: bool,
    owner: &str,
    now: SystemTime,
) -> Result<Draft, Refusal> {
    let object = value
        .as_object()
        .ok_or_else(|| invalid("the body is not an object"))?;
    let mut properties = Properties::new();
    for (key, value) in object {
        match (key.as_str(), value) {
            ("Name" | "Type" | CONTENT, Value::String(text)) => {
                properties.insert(key.clone(), text.clone());
            }
            (ATTRIBUTES, Value::Object(_)) => {}
            _ => return Err(invalid(&format!("'{key}' is not expected"))),
        }
    }
    let get = |key: &str| {
        let text = properties.get(key).filter(|text| !text.is_empty());
        text.ok_or_else(|| invalid(&format!("'{key}' is missing")))
    };
    let name = get("Name")?.clone();
    if name.chars().count() > LONGEST_NAME || name.chars().any(|one| one == '/' || one.is_control())
    {
        return Err(invalid("'Name' is not valid"));
    }
    if let Some(attributes) = object.get(ATTRIBUTES) {
        if properties.contains_key(CONTENT) || !has_extension(&name, &PEM_EXTENSIONS) {
            return Err(invalid(
                "'Attributes' take no 'Content', and this emulator makes PEM files only",
            ));
        }
        let made = Made::of(attributes, owner, now).map_err(|reason| invalid(&reason))?;
        properties.insert(CONTENT.to_owned(), made.content.clone());
        return Ok(Draft {
            name,
            properties,
            shared_with_subscriber: None,
            made: Some(made),
        });
    }
    if get("Type")? != "CERTIFICATE" {
        return Err(invalid("'Type' must be CERTIFICATE"));
    }
    let content = STANDARD
        .decode(get(CONTENT)?)
        .map_err(|_| invalid("'Content' is not base64"))?;
    if strict && !fits(&name, &content) {
        return Err(invalid("'Content' does not fit to the extension of 'Name'"));
    }
    Ok(Draft {
        name,
        properties,
        shared_with_subscriber: None,
        made: None,
    })
}

fn invalid(reason: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid certificate: {reason}"))
}

/// Whether a file begins as its extension says.
fn fits(name: &str, content: &[u8]) -> bool {
    let is_der = content.first() == Some(&SEQUENCE);
    if has_extension(name, &PEM_EXTENSIONS) {
        return is_der || CertificateDer::from_pem_slice(content).is_ok();
    }
    let is_jks = content.starts_with(&[0xfe, 0xed, 0xfe, 0xed]);
    has_extension(name, &["p12", "pfx", "jks"]) && is_der || has_extension(name, &["jks"]) && is_jks
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let is = |one: &str| {
        extensions
            .iter()
            .any(|known| known.eq_ignore_ascii_case(one))
    };
    extension.is_some_and(is)
}

/// A certificate as the service tells it, one that it made perhaps without its
/// `key`.
pub(crate) fn told(stored: &Destination, form: CertificateContent, key: bool) -> Destination {
    let mut told = stored.clone();
    let Some(content) = told.properties.get_mut(CONTENT) else {
        return told;
    };
    if stored.made.is_some() && !key {
        let text = STANDARD.decode(&*content).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let public = text.split("-----BEGIN PRIVATE KEY").next();
        *content = STANDARD.encode(public.unwrap_or_default());
    }
    match form {
        CertificateContent::Verbatim => {}
        CertificateContent::Wrapped => *content = wrapped(content, 76, "\r\n"),
        CertificateContent::Rewritten => {
            let mut bytes = STANDARD.decode(&*content).unwrap_or_default();
            bytes.push(b'\n');
            *content = STANDARD.encode(bytes);
        }
        CertificateContent::Masked => *content = STANDARD.encode("***"),
        CertificateContent::Withheld => {
            told.properties.remove(CONTENT);
        }
    }
    told
}

/// The same text in lines of so many characters.
fn wrapped(text: &str, width: usize, line_break: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let lines = characters.chunks(width).map(String::from_iter);
    lines.collect::<Vec<_>>().join(line_break)
}

/// The certificates that a destination names, as a consumer gets them.
pub(crate) fn named(
    certificates: &BTreeMap<String, Destination>,
    destination: &Properties,
) -> Vec<Properties> {
    let keys = [
        "KeyStoreLocation",
        "TrustStoreLocation",
        "tokenService.KeyStoreLocation",
    ];
    let names = keys.iter().filter_map(|key| destination.get(*key));
    names
        .filter_map(|name| certificates.get(name))
        .map(|certificate| certificate.properties.clone())
        .collect()
}

/// A file with a private key and its certificates. A key store is opened when it
/// is used: that is slow on purpose, and the world is locked before.
pub(crate) enum Identity {
    Pem(Vec<u8>),
    KeyStore { content: Vec<u8>, password: String },
}

impl Identity {
    /// For the HTTP client. The error is the reason in words.
    pub(crate) fn to_reqwest(&self) -> Result<reqwest::Identity, String> {
        let pem = match self {
            Self::Pem(pem) => Cow::Borrowed(pem),
            Self::KeyStore { content, password } => Cow::Owned(opened(content, password)?),
        };
        reqwest::Identity::from_pem(&pem)
            .map_err(|_| "the certificate holds no private key that can be read".to_owned())
    }
}

#[cfg(not(feature = "pkcs12"))]
fn opened(_: &[u8], _: &str) -> Result<Vec<u8>, String> {
    Err("this emulator was built without its feature 'pkcs12', and opens no key store".to_owned())
}

/// The private key of a PKCS#12 key store with its certificates, as PEM.
#[cfg(feature = "pkcs12")]
fn opened(content: &[u8], password: &str) -> Result<Vec<u8>, String> {
    use p12_keystore::error::Error as KeyStoreError;
    use p12_keystore::{KeyStore, Pkcs12ImportPolicy};

    let store = KeyStore::from_pkcs12(content, password, Pkcs12ImportPolicy::Strict);
    let store = store.map_err(|error| match error {
        KeyStoreError::MacError(_) => "'tokenService.KeyStorePassword' does not open the key store",
        _ => "the key store is not PKCS#12 that can be read",
    })?;
    let (_, chain) = store
        .private_key_chain()
        .ok_or("the key store holds no private key with its certificate")?;
    let certificates = chain.certs().iter();
    let blocks = certificates
        .map(|certificate| pem_block("CERTIFICATE", certificate.as_der()))
        .chain([pem_block("PRIVATE KEY", chain.key().as_der())]);
    Ok(blocks.collect::<String>().into_bytes())
}

/// DER as PEM.
pub(crate) fn pem_block(label: &str, der: &[u8]) -> String {
    let text = wrapped(&STANDARD.encode(der), 64, "\n");
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// What a destination proves itself with at its token service: nothing, unless
/// it names a certificate. The error is the reason in words.
pub(crate) fn identity(
    certificates: &BTreeMap<String, Destination>,
    destination: &Properties,
) -> Result<Option<Identity>, String> {
    let Some(name) = destination.get("tokenService.KeyStoreLocation") else {
        return Ok(None);
    };
    let certificate = certificates
        .get(name)
        .ok_or_else(|| format!("the key store '{name}' was not found"))?;
    let content = certificate.properties.get(CONTENT);
    let content = content.and_then(|content| STANDARD.decode(content).ok());
    match content {
        Some(content) if CertificateDer::from_pem_slice(&content).is_ok() => {
            Ok(Some(Identity::Pem(content)))
        }
        Some(content) if content.first() == Some(&SEQUENCE) => {
            let password = destination.get("tokenService.KeyStorePassword");
            let password = password.cloned().unwrap_or_default();
            Ok(Some(Identity::KeyStore { content, password }))
        }
        _ => Err(format!(
            "the key store '{name}' is neither PEM nor PKCS#12, and this emulator reads nothing else"
        )),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "pkcs12")]
    use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
    use serde_json::json;

    use super::*;

    fn pem() -> String {
        let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        made.cert.pem()
    }

    fn body(name: &str, content: &[u8]) -> Value {
        json!({ "Name": name, "Type": "CERTIFICATE", "Content": STANDARD.encode(content) })
    }

    fn draft(value: &Value, strict: bool) -> Result<Draft, Refusal> {
        super::draft(value, strict, "s", SystemTime::now())
    }

    fn refused(value: &Value) -> String {
        draft(value, true).unwrap_err().message
    }

    #[test]
    fn a_certificate_has_name_type_and_content_and_nothing_else() {
        let good = body("a.pem", pem().as_bytes());
        assert!(draft(&good, true).is_ok());
        for (key, value) in [
            ("Name", json!("")),
            ("Name", json!("a/b.pem")),
            ("Type", json!("HTTP")),
            ("Content", json!("no base64")),
            ("Content", json!("")),
            ("Content", json!(7)),
            ("Attributes", json!({"CN": "a"})),
            ("Attributes", json!("a")),
            ("Password", json!("x")),
        ] {
            let mut body = good.clone();
            body[key] = value;
            assert!(refused(&body).starts_with("Invalid certificate: "), "{key}");
        }
    }

    #[test]
    fn the_extension_says_what_the_content_is() {
        let pem = pem();
        let jks = [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2];
        for (name, content, fits) in [
            ("a.pem", pem.as_bytes(), true),
            ("a.CRT", pem.as_bytes(), true),
            ("a.cer", &[0x30, 0x82], true),
            ("a.pem", &jks, false),
            ("a.p12", &[0x30, 0x82], true),
            ("a.pfx", pem.as_bytes(), false),
            ("a.jks", &jks, true),
            ("a.txt", pem.as_bytes(), false),
            ("a", pem.as_bytes(), false),
        ] {
            assert_eq!(draft(&body(name, content), true).is_ok(), fits, "{name}");
            assert!(draft(&body(name, content), false).is_ok(), "{name}");
        }
    }

    /// A key store as others write it.
    #[cfg(feature = "pkcs12")]
    fn key_store(made: &rcgen::CertifiedKey<rcgen::KeyPair>, password: &str) -> Vec<u8> {
        let key = PrivateKey::from_der(&made.signing_key.serialize_der()).unwrap();
        let certificate = Certificate::from_der(made.cert.der()).unwrap();
        let chain = PrivateKeyChain::new("1", key, [certificate]);
        let mut store = KeyStore::new();
        store.add_entry("a", KeyStoreEntry::PrivateKeyChain(chain));
        store.writer(password).write().unwrap()
    }

    #[cfg(feature = "pkcs12")]
    #[test]
    fn a_destination_proves_itself_with_pem_or_a_key_store_that_its_password_opens() {
        let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let both = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
        let jks = [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2];
        let no_key = KeyStore::new().writer("right").write().unwrap();
        let certificates = [
            ("both.pem", both.as_bytes()),
            ("public.pem", made.cert.pem().as_bytes()),
            ("store.p12", &key_store(&made, "right")),
            ("open.p12", &key_store(&made, "")),
            ("empty.p12", &no_key),
            ("public.cer", made.cert.der()),
            ("store.jks", &jks),
        ]
        .map(|(name, content)| {
            let properties = [(CONTENT.to_owned(), STANDARD.encode(content))];
            (name.to_owned(), Destination::new(properties.into(), 1))
        });
        let read = |name: &str, password: Option<&str>| {
            let mut destination = Properties::new();
            destination.insert("tokenService.KeyStoreLocation".to_owned(), name.to_owned());
            if let Some(password) = password {
                let key = "tokenService.KeyStorePassword".to_owned();
                destination.insert(key, password.to_owned());
            }
            let identity = identity(&certificates.clone().into(), &destination)?;
            identity.unwrap().to_reqwest()
        };
        for (name, password) in [
            ("both.pem", None),
            ("store.p12", Some("right")),
            ("open.p12", None),
        ] {
            assert!(read(name, password).is_ok(), "{name}");
        }
        for (name, password, reason) in [
            ("public.pem", None, "no private key"),
            ("store.p12", Some("s3cr3t"), "does not open the key store"),
            ("store.p12", None, "does not open the key store"),
            ("empty.p12", Some("right"), "no private key"),
            ("public.cer", None, "not PKCS#12"),
            ("store.jks", Some("right"), "neither PEM nor PKCS#12"),
            ("other.pem", None, "not found"),
        ] {
            let error = read(name, password).err().unwrap();
            assert!(error.contains(reason), "{name}: {error}");
            assert!(!error.contains("s3cr3t"), "{error}");
        }
        let without = identity(&certificates.into(), &Properties::new());
        assert!(without.unwrap().is_none());
    }
}
