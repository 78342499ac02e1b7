//! What is special about the certificates of the Destination service: a valid
//! body, the forms in which its content may be told, and the identity that a
//! destination takes from it for mutual TLS with its token service.
//!
//! A certificate is a file with a name: PEM or DER (`.pem`, `.crt`, `.cer`) or
//! a key store (`.p12`, `.pfx`, `.jks`). The service stores all of them. For
//! mutual TLS only PEM with an unencrypted key is read here: a destination that
//! names a key store gets an error in the place of its token. The rules are
//! partly documented, the texts are ours.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::call::Refusal;
use super::knobs::CertificateContent;
use super::validation::Draft;
use super::world::{Destination, Properties};

/// Longest name; SAP documents it for destinations only.
const LONGEST_NAME: usize = 255;

/// The property that holds the file, base64.
const CONTENT: &str = "Content";

/// Checks a body; `strict` also whether content and name fit together.
pub(crate) fn draft(value: &Value, strict: bool) -> Result<Draft, Refusal> {
    let object = value
        .as_object()
        .ok_or_else(|| invalid("the body is not an object"))?;
    let mut properties = Properties::new();
    for (key, value) in object {
        match (key.as_str(), value) {
            ("Name" | "Type" | CONTENT, Value::String(text)) => {
                properties.insert(key.clone(), text.clone());
            }
            ("Attributes", _) => {
                return Err(invalid("this emulator does not generate certificates"));
            }
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
    })
}

fn invalid(reason: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid certificate: {reason}"))
}

/// Whether a file begins as its extension says.
fn fits(name: &str, content: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    let is_der = content.first() == Some(&SEQUENCE);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("pem" | "crt" | "cer") => is_der || CertificateDer::from_pem_slice(content).is_ok(),
        Some("p12" | "pfx") => is_der,
        Some("jks") => is_der || content.starts_with(&[0xfe, 0xed, 0xfe, 0xed]),
        _ => false,
    }
}

/// A certificate as the service tells it.
pub(crate) fn told(stored: &Destination, form: CertificateContent) -> Destination {
    let mut told = stored.clone();
    let Some(content) = told.properties.get_mut(CONTENT) else {
        return told;
    };
    match form {
        CertificateContent::Verbatim => {}
        CertificateContent::Wrapped => *content = wrapped(content),
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

/// The same text in lines of 76 characters.
fn wrapped(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let lines = characters.chunks(76).map(String::from_iter);
    lines.collect::<Vec<_>>().join("\r\n")
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

/// A private key with its certificates, in PEM form.
pub(crate) struct Identity(Vec<u8>);

impl Identity {
    /// For the HTTP client. The error is the reason in words.
    pub(crate) fn to_reqwest(&self) -> Result<reqwest::Identity, String> {
        reqwest::Identity::from_pem(&self.0)
            .map_err(|_| "the certificate holds no private key that can be read".to_owned())
    }
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
            Ok(Some(Identity(content)))
        }
        _ => Err(format!(
            "the key store '{name}' is not PEM, and this emulator reads nothing else"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pem() -> String {
        let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        made.cert.pem()
    }

    fn body(name: &str, content: &[u8]) -> Value {
        json!({ "Name": name, "Type": "CERTIFICATE", "Content": STANDARD.encode(content) })
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

    #[test]
    fn a_destination_proves_itself_with_pem_only() {
        let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let both = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
        let stored = |content: &[u8]| {
            let properties = [(CONTENT.to_owned(), STANDARD.encode(content))];
            Destination::new(properties.into(), 1)
        };
        let certificates = BTreeMap::from([
            ("both.pem".to_owned(), stored(both.as_bytes())),
            ("public.pem".to_owned(), stored(made.cert.pem().as_bytes())),
            ("store.p12".to_owned(), stored(&[0x30, 0x82])),
        ]);
        let identity = |name: &str| {
            let key = "tokenService.KeyStoreLocation".to_owned();
            identity(&certificates, &[(key, name.to_owned())].into())
        };
        assert!(
            super::identity(&certificates, &Properties::new())
                .unwrap()
                .is_none()
        );
        assert!(identity("both.pem").unwrap().unwrap().to_reqwest().is_ok());
        assert!(
            identity("public.pem")
                .unwrap()
                .unwrap()
                .to_reqwest()
                .is_err()
        );
        for (name, reason) in [("store.p12", "not PEM"), ("other.pem", "not found")] {
            let error = identity(name).err().unwrap();
            assert!(error.contains(reason), "{error}");
        }
    }
}
