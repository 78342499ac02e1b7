//! The attributes of `sapcalm_destination_certificate`: schema, identity,
//! model and validation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::attributes::{TEXT, TIMEOUTS, Timeouts, shown, text};
use client::{CertificateFile, CertificateSource, Generation, Issued};
use framework::definition::{Definition, Kind};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;
use framework::schema::{Absent, Attribute, Replace, Schema};
use framework::sensitive::Sensitive;
use framework::validators::Validator;
use framework::value::Value;

use super::super::destination_service::ids::{
    ADOPT_EXISTING, ID, INSTANCE_ID, LEVEL, SUBACCOUNT_ID, check_name,
};
use super::renewal::renewal_of;

/// Full type name.
pub(crate) const TYPE_NAME: &str = "sapcalm_destination_certificate";

/// A name, for messages.
pub(super) const EXAMPLE_NAME: &str = "cloud-alm.pem";

/// Longest name. SAP documents 200 characters for destinations and nothing
/// for certificates.
const LONGEST_NAME: usize = 255;

/// Extensions that SAP documents for files in PEM or DER form.
const PEM_EXTENSIONS: [&str; 3] = ["pem", "crt", "cer"];

/// Extensions that SAP documents for key stores.
const KEY_STORE_EXTENSIONS: [&str; 3] = ["p12", "pfx", "jks"];

pub(super) static DEFINITION: Definition = Definition::new(Kind::Resource, TYPE_NAME, &SCHEMA);

static SCHEMA: Schema = Schema::new(
    0,
    "A certificate of the SAP Destination service: a key store or a PEM file that destinations \
        name, for mutual TLS with their token service or target, or as trust store.\n\n\
        Either SAP makes it, and with `automatic_renew` makes it anew before it ends (`generate`), \
        or a file is uploaded (`content`).\n\n\
        The private key of a generated certificate stays at SAP, or with you where `csr` is \
        yours; there is no secret in plan and state. Every plan sees what SAP holds: a renewed \
        certificate of the same subject and issuer is no drift, its new `chain` and end are \
        shown; another subject, issuer, length of validity or public key of a `csr` is, and the \
        plan has it generated anew. Nobody documents that SAP tells whether `automatic_renew` is \
        on.\n\n\
        An uploaded file is write-only: it is sent to SAP and never stored in plan or state. That needs \
        Terraform 1.11. Every plan sees when somebody replaced the file outside Terraform, by \
        the file or by the etag that SAP tells, and, without a version, when the configured file \
        is another one. PEM text is the same file however its lines break.\n\n\
        Give a destination the name by a reference to this resource. Then the certificate is \
        uploaded before the destination and deleted after it.",
    ATTRIBUTES,
);

const ATTRIBUTES: &[Attribute] = &[
    text(
        "name",
        "Name of the certificate, unique on its level, with the extension that says what the \
         file is: `.pem`, `.crt`, `.cer`, `.p12`, `.pfx` or `.jks`.",
    )
    .required()
    .replace(Replace::Always)
    .validate(&[Validator::Custom(
        "At most 255 characters, without `/` and control characters.",
        |name| check_name(name, "certificate", LONGEST_NAME),
    )]),
    LEVEL.describe(
        "Where the certificate lives: `subaccount` or `instance` (of the service key). A \
         destination finds certificates of its own level.",
    ),
    Attribute::object("content", CONTENT).describe(
        "The file, to be uploaded. A new certificate needs it or `generate`; where both are null \
         later, what is there stays.",
    ),
    Attribute::object("generate", GENERATE)
        .conflicts_with(&["content"])
        .describe(
            "What SAP makes the certificate from, signed by SAP Cloud Root CA. Every change in it \
             makes SAP generate a new certificate under the same name, with a new private key \
             unless `csr` gives one. The name needs the extension of a PEM file.",
        ),
    ADOPT_EXISTING.describe(
        "Take over a certificate of that name when there is one, instead of failing. Its file \
         becomes what is configured here.",
    ),
    ID,
    SUBACCOUNT_ID.keep_prior(),
    INSTANCE_ID.keep_prior(),
    shown(
        "validity_end_time",
        "When the first certificate in the file expires (RFC 3339, UTC); null for key stores.",
    ),
    shown(
        "renews_at",
        "From when on SAP renews a generated certificate (RFC 3339, UTC), as its documentation \
         says; the job that does it may run a little later. Null without `automatic_renew`.",
    ),
    shown(
        "subject",
        "Distinguished name of a generated certificate, such as `CN=calm,OU=…,O=SAP SE,C=DE`; \
         what a recipient trusts together with `issuer`. SAP chooses everything but `CN`.",
    ),
    shown(
        "issuer",
        "Distinguished name of the authority that signed a generated certificate.",
    ),
    shown(
        "chain",
        "A generated certificate with those that lead to its authority, as PEM; never the private \
         key. It changes with every renewal.",
    ),
    Attribute::map("secrets", &TEXT)
        .describe(
            "`content`, with where the file comes from: `from configuration`, `generated by SAP`, or \
             `as found` (Terraform did not upload it). `changed outside Terraform` and `not told by SAP` are \
             what a plan found out. A plan that uploads the file or has it generated changes this entry.",
        )
        .computed(),
    TIMEOUTS,
];

const CONTENT: &[Attribute] = &[
    text(
        "pem_wo",
        "The file as PEM text: certificates, and for mutual TLS also the private key. For an \
         x509 service key that is its `certificate` followed by its `key`.",
    )
    .write_only()
    .validate(&[Validator::Custom(
        "PEM text with at least one certificate.",
        check_pem,
    )]),
    text(
        "base64_wo",
        "Any file in base64, such as `filebase64(\"client.p12\")` gives it.",
    )
    .write_only()
    .conflicts_with(&["pem_wo"])
    .validate(&[Validator::Custom(
        "Base64 of a file that is not empty.",
        check_base64,
    )]),
    Attribute::number("version")
        .validate(&[Validator::WholeNumber {
            min: 0,
            max: i64::MAX,
        }])
        .when_absent(Absent::Words("every plan compares the file."))
        .describe(
            "When it is set, the file is uploaded again only when this number changes, or when \
             somebody replaced the file outside Terraform.",
        ),
];

const GENERATE: &[Attribute] = &[
    text(
        "common_name",
        "`CN` of the subject. SAP sets the rest of the subject.",
    )
    .required()
    .validate(&[
        Validator::Line,
        Validator::Custom("At most 64 characters.", check_common_name),
    ]),
    Attribute::number("validity")
        .required()
        .validate(&[Validator::WholeNumber { min: 1, max: 9999 }])
        .describe("How long the certificate is valid, in units of `validity_unit`."),
    text("validity_unit", "Unit of `validity`.")
        .validate(&[Validator::OneOf(&[DAYS, "MONTHS", "YEARS"])])
        .when_absent(Absent::Text(DAYS)),
    Attribute::bool("automatic_renew")
        .when_absent(Absent::Bool(true))
        .describe(
            "Whether SAP renews the certificate before it ends, with the same subject and length \
             of validity. SAP's own default is `false`; Terraform renews nothing.",
        ),
    text(
        "csr",
        "A certificate signing request of your own, as PEM text. SAP takes nothing but the public \
         key from it, and the private key stays where you made it.",
    )
    .when_absent(Absent::Words("SAP makes the private key and keeps it."))
    .validate(&[Validator::Custom(
        "PEM text with one certificate request and no private key.",
        check_request,
    )]),
];

const DAYS: &str = "DAYS";

/// Longest common name (RFC 5280).
const LONGEST_COMMON_NAME: usize = 64;

/// A configuration, plan or state of the resource; names and order follow the
/// schema.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) name: Option<String>,
    pub(crate) level: Option<String>,
    pub(crate) content: Option<Content>,
    pub(crate) generate: Option<Generate>,
    pub(crate) adopt_existing: Option<bool>,
    pub(crate) id: Option<String>,
    pub(crate) subaccount_id: Option<String>,
    pub(crate) instance_id: Option<String>,
    pub(crate) validity_end_time: Option<String>,
    pub(crate) renews_at: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) chain: Option<String>,
    /// The entry of a plan is `None` where it is not known yet.
    pub(crate) secrets: Option<BTreeMap<String, Option<String>>>,
    pub(crate) timeouts: Option<Timeouts>,
}

/// The nested object `content`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    pub(crate) pem_wo: Option<Sensitive>,
    pub(crate) base64_wo: Option<Sensitive>,
    pub(crate) version: Option<i64>,
}

/// The nested object `generate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generate {
    pub(crate) common_name: Option<String>,
    pub(crate) validity: Option<i64>,
    pub(crate) validity_unit: Option<String>,
    pub(crate) automatic_renew: Option<bool>,
    pub(crate) csr: Option<String>,
}

impl Generate {
    /// As SAP wants it, with what counts where nothing is said.
    pub(super) fn to_generation(&self) -> Generation {
        Generation {
            common_name: self.common_name.clone().unwrap_or_default(),
            validity: self.validity.unwrap_or_default(),
            validity_unit: self.validity_unit.clone().unwrap_or(DAYS.to_owned()),
            automatic_renew: self.automatic_renew != Some(false),
            request: self.csr.clone(),
        }
    }
}

/// The attributes that tell about a generated certificate, beside its end.
pub(super) const TOLD: [&str; 4] = ["renews_at", "subject", "issuer", "chain"];

/// The name of the only entry in `secrets`.
pub(super) const ENTRY: &str = "content";

impl Model {
    /// The configured file.
    fn file(&self) -> Option<CertificateFile> {
        let content = self.content.as_ref()?;
        file_of(
            content.pem_wo.as_ref().map(Sensitive::expose),
            content.base64_wo.as_ref().map(Sensitive::expose),
        )
    }

    /// Where the certificate comes from, by a configuration.
    pub(super) fn source(&self) -> Option<CertificateSource> {
        let generation = self.generate.as_ref().map(Generate::to_generation);
        let generation = generation.map(CertificateSource::Generation);
        generation.or_else(|| self.file().map(CertificateSource::File))
    }

    /// Whether this is the stub of an import, which Read completes.
    pub(super) fn is_stub(&self) -> bool {
        self.secrets.is_none()
    }

    /// What the state says about the file.
    pub(super) fn entry(&self) -> Option<&str> {
        self.secrets.as_ref()?.get(ENTRY)?.as_deref()
    }

    /// Says something about the file.
    pub(super) fn set_entry(&mut self, text: &str) {
        self.secrets = Some(BTreeMap::from([(ENTRY.to_owned(), Some(text.to_owned()))]));
    }

    /// Says nothing about a certificate that SAP has not shown yet.
    pub(super) fn forget(&mut self) {
        self.renews_at = None;
        self.subject = None;
        self.issuer = None;
        self.chain = None;
        self.validity_end_time = None;
    }

    /// Takes what a generated certificate says about itself.
    pub(super) fn tell(&mut self, issued: &Issued) {
        let renews = |generate: &Generate| generate.to_generation().automatic_renew;
        let renewal = self.generate.as_ref().is_some_and(renews);
        let renewal = renewal.then(|| renewal_of(issued.not_before, issued.not_after));
        self.renews_at = renewal.map(|time| time.to_string());
        self.subject = Some(issued.subject.clone());
        self.issuer = Some(issued.issuer.clone());
        self.chain = Some(issued.chain.clone());
        self.validity_end_time = Some(issued.not_after.to_string());
    }
}

pub(super) fn file_of(pem: Option<&str>, base64: Option<&str>) -> Option<CertificateFile> {
    match (pem, base64) {
        (Some(pem), _) => Some(CertificateFile::from_bytes(pem.as_bytes())),
        (None, Some(base64)) => CertificateFile::from_base64(base64),
        (None, None) => None,
    }
}

// ---------------------------------------------------------------- validation

/// What would certainly not be read as PEM. Never quotes the text.
fn check_pem(value: &Value) -> Result<(), String> {
    let pem = value.as_str().unwrap_or_default();
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(
            "This is not PEM text with a certificate: it has no line `-----BEGIN \
             CERTIFICATE-----`. For a file that is not text use `base64_wo`."
                .to_owned(),
        );
    }
    if pem.contains("\\n") {
        return Err(
            "This PEM text has the two characters `\\n` in the place of line breaks. Take it out \
             of its JSON with `jsondecode`."
                .to_owned(),
        );
    }
    let marks = pem.matches("-----BEGIN ").count();
    let at_line_starts = pem.lines().filter(|line| line.starts_with("-----BEGIN "));
    if marks != at_line_starts.count() {
        return Err(
            "Every part of a PEM text begins on a line of its own. Put a line break between \
             certificate and key, as in `\"${certificate}\\n${key}\"`."
                .to_owned(),
        );
    }
    Ok(())
}

fn check_common_name(value: &Value) -> Result<(), String> {
    let length = value.as_str().unwrap_or_default().chars().count();
    if length > LONGEST_COMMON_NAME {
        return Err(format!(
            "This common name has {length} characters, and {LONGEST_COMMON_NAME} are allowed in a \
             certificate. Shorten it."
        ));
    }
    Ok(())
}

/// It is kept in the state, so that a private key must not come with it.
fn check_request(value: &Value) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    if text.contains("PRIVATE KEY-----") {
        return Err(
            "This text has a private key, and a request needs none: the state would hold it. \
             Leave it out."
                .to_owned(),
        );
    }
    if !Generation::is_request(text) {
        return Err(
            "This is not PEM text with a certificate request: it begins with the line `-----BEGIN \
             CERTIFICATE REQUEST-----`. `tls_cert_request` and `openssl req -new` make one."
                .to_owned(),
        );
    }
    Ok(())
}

fn check_base64(value: &Value) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    match CertificateFile::from_base64(text) {
        Some(file) if !file.expose_base64().is_empty() => Ok(()),
        _ => Err(
            "This is not the base64 of a file. `filebase64(\"client.p12\")` makes it of a file; \
             for PEM text use `pem_wo`."
                .to_owned(),
        ),
    }
}

/// Rules that look at more than one attribute.
pub(super) fn rules(config: &Value) -> Diagnostics {
    let content = config.get("content");
    let is_given = |value: &Value| !value.is_null() && !value.is_unknown();
    let is_pem = is_given(content) && !content.get("pem_wo").is_null();
    let pem = if is_given(config.get("generate")) {
        Some("SAP generates PEM text here, because only that can be read")
    } else {
        is_pem.then_some("`pem_wo` is PEM text")
    };
    match config.get("name").as_str() {
        Some(name) => extension_rules(name, pem),
        None => Diagnostics::new(),
    }
}

/// The extension says to SAP what the file is.
fn extension_rules(name: &str, pem: Option<&str>) -> Diagnostics {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let is_one_of = |known: &[&str]| {
        extension
            .is_some_and(|extension| known.iter().any(|one| one.eq_ignore_ascii_case(extension)))
    };
    let path = Path::attribute("name");
    if let (Some(pem), true) = (pem, is_one_of(&KEY_STORE_EXTENSIONS)) {
        return Diagnostic::error(
            "Name does not fit to the file",
            format!(
                "`{name}` has the extension of a key store, and {pem}. Give the name the \
                 extension `.pem`, or give the key store in `base64_wo`."
            ),
        )
        .at(path)
        .into();
    }
    if !is_one_of(&PEM_EXTENSIONS) && !is_one_of(&KEY_STORE_EXTENSIONS) {
        return Diagnostic::warning(
            "Unusual certificate name",
            format!(
                "SAP documents the extensions `.{}` for certificates. The service may refuse \
                 `{name}`, or may not know what the file is.",
                PEM_EXTENSIONS
                    .iter()
                    .chain(&KEY_STORE_EXTENSIONS)
                    .copied()
                    .collect::<Vec<_>>()
                    .join("`, `.")
            ),
        )
        .at(path)
        .into();
    }
    Diagnostics::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use framework::diagnostics::Severity;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";

    /// `E summary @ path` per message about a name and a member of `content`.
    fn messages(name: &str, member: &str) -> Vec<String> {
        let content = BTreeMap::from([(member.to_owned(), Value::Unknown)]);
        let config = BTreeMap::from([
            ("name".to_owned(), Value::string(name)),
            ("content".to_owned(), Value::Map(content)),
        ]);
        let found = rules(&Value::Map(config));
        let message = |one: &Diagnostic| {
            let letter = match one.severity {
                Severity::Error => 'E',
                Severity::Warning => 'W',
            };
            let path = one.path.as_ref().map(ToString::to_string);
            format!("{letter} {} @ {}", one.summary, path.unwrap_or_default())
        };
        found.iter().map(message).collect()
    }

    #[test]
    fn the_extension_fits_to_the_file() {
        for name in ["a.pem", "a.CRT", "a b (1).cer"] {
            assert!(messages(name, "pem_wo").is_empty(), "{name}");
        }
        for name in ["a.p12", "a.pfx", "a.jks", "a.pem"] {
            assert!(messages(name, "base64_wo").is_empty(), "{name}");
        }
        assert_eq!(
            messages("a.p12", "pem_wo"),
            ["E Name does not fit to the file @ name"]
        );
        for name in ["a", "a.txt"] {
            assert_eq!(
                messages(name, "pem_wo"),
                ["W Unusual certificate name @ name"]
            );
        }
    }

    #[test]
    fn pem_that_would_not_be_read_is_refused_without_quoting_it() {
        let check = |text: &str| check_pem(&Value::string(text));
        let key = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n";
        assert!(check(&format!("{PEM}{key}")).is_ok());
        let joined = format!("{}{key}", PEM.trim_end());
        let escaped = PEM.replace('\n', "\\n");
        for wrong in ["", "canary", key, &joined, &escaped] {
            let message = check(wrong).unwrap_err();
            assert!(!message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn base64_of_nothing_is_no_file() {
        let check = |text: &str| check_base64(&Value::string(text));
        assert!(check("YQ==").is_ok() && check("Y\nQ").is_ok());
        assert!(check("").is_err() && check(PEM).is_err());
    }

    #[test]
    fn names_that_cannot_be_sent_are_refused() {
        let check = |name: &str| check_name(&Value::string(name), "certificate", LONGEST_NAME);
        assert!(check("cloud alm (1).p12").is_ok());
        for wrong in ["", ".", "..", "a/b.pem", "a\n.pem", &"a".repeat(256)] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }
}
