//! Certificates that the Destination service makes itself, signed by an
//! authority that plays SAP Cloud Root CA: what a body asks for, the file that
//! comes of it, and when it is renewed.
//!
//! The names of the attributes, that a request gives nothing but its public
//! key, and the times of renewal are SAP's. Not documented, and so the
//! emulator's own: the subject beside its `CN`, the names of the authorities,
//! the kind of key, that a renewed certificate has a new one, and that the file
//! is the chain, leaf first, and then the private key. Key stores and private
//! keys with a password are not made.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use serde::Deserialize;
use serde_json::Value;

/// Longest common name (RFC 5280).
const LONGEST_COMMON_NAME: usize = 64;

/// The attributes of a body.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    #[serde(rename = "CN")]
    common_name: String,
    #[serde(rename = "Validity")]
    validity: Validity,
    #[serde(default, rename = "AutomaticRenew")]
    automatic_renew: bool,
    /// Base64 of a PEM text.
    #[serde(default, rename = "CSR")]
    request: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Validity {
    #[serde(rename = "TimeUnit")]
    unit: Unit,
    #[serde(rename = "Value")]
    value: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Unit {
    Days,
    Months,
    Years,
}

impl Validity {
    fn end(self, from: SystemTime) -> Option<Timestamp> {
        let value = i64::from(self.value);
        let span = match self.unit {
            Unit::Days => Span::new().try_days(value),
            Unit::Months => Span::new().try_months(value),
            Unit::Years => Span::new().try_years(value),
        };
        let from = Timestamp::try_from(from).ok()?.to_zoned(TimeZone::UTC);
        Some(from.checked_add(span.ok()?).ok()?.timestamp())
    }

    /// How long before its end a certificate is renewed, as SAP's table says.
    fn margin(self) -> Duration {
        let days = match (self.unit, self.value) {
            (Unit::Days, ..=1) => return Duration::from_hours(12),
            (Unit::Days, ..=14) => 1,
            (Unit::Days, ..=31) | (Unit::Months, ..=1) => 3,
            (Unit::Days, ..=154) | (Unit::Months, ..=5) => 7,
            _ => 30,
        };
        Duration::from_hours(24 * days)
    }
}

/// A certificate that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    order: Order,
    /// Base64 of the PEM text.
    pub(crate) content: String,
    /// When it is renewed, unless nobody wants that.
    pub(crate) renewal: Option<SystemTime>,
}

impl Made {
    /// The first one of a body. The error is the reason in words.
    pub(crate) fn of(attributes: &Value, owner: &str, now: SystemTime) -> Result<Self, String> {
        let order: Order =
            serde_json::from_value(attributes.clone()).map_err(|error| error.to_string())?;
        let length = order.common_name.chars().count();
        if !(1..=LONGEST_COMMON_NAME).contains(&length) || order.validity.value == 0 {
            return Err("'CN' or 'Validity' is not valid".to_owned());
        }
        Self::make(order, owner, now)
    }

    /// The next one, with the same subject and validity.
    pub(crate) fn renewed(&self, owner: &str, now: SystemTime) -> Result<Self, String> {
        Self::make(self.order.clone(), owner, now)
    }

    fn make(order: Order, owner: &str, now: SystemTime) -> Result<Self, String> {
        let authority = authority().ok_or("the certificate authority could not be made")?;
        let end = order.validity.end(now).ok_or("'Validity' is too long")?;
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let since_epoch = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let subject = &mut params.distinguished_name;
        subject.push(DnType::CountryName, "DE");
        subject.push(DnType::OrganizationName, "SAP SE");
        subject.push(DnType::OrganizationalUnitName, owner);
        subject.push(DnType::CommonName, &order.common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = epoch + Duration::from_secs(since_epoch(now).as_secs());
        params.not_after = epoch + Duration::from_secs(since_epoch(end.into()).as_secs());
        let file = if let Some(request) = &order.request {
            signed(&params, request, authority)?
        } else {
            let failed = |error: rcgen::Error| error.to_string();
            let key = KeyPair::generate().map_err(failed)?;
            let made = params.signed_by(&key, &authority.issuer).map_err(failed)?;
            let (leaf, chain) = (made.pem(), &authority.chain);
            format!("{leaf}{chain}{}", key.serialize_pem())
        };
        let margin = order.validity.margin();
        Ok(Self {
            content: STANDARD.encode(file),
            renewal: order
                .automatic_renew
                .then(|| SystemTime::from(end) - margin),
            order,
        })
    }
}

/// A certificate for the key of a request, with its chain.
#[cfg(feature = "pkcs12")]
fn signed(
    params: &CertificateParams,
    request: &str,
    authority: &Authority,
) -> Result<String, String> {
    let text = STANDARD.decode(request).ok();
    let text = text.and_then(|text| String::from_utf8(text).ok());
    let text = text.ok_or("'CSR' is not base64 of PEM text")?;
    let key = requested::Key::of(&text)?;
    let made = params.signed_by(&key, &authority.issuer);
    let made = made.map_err(|error| error.to_string())?;
    Ok(format!("{}{}", made.pem(), authority.chain))
}

/// The public key of a certificate request, which whoever made it has the private
/// key of.
#[cfg(feature = "pkcs12")]
mod requested {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256,
        UnparsedPublicKey, VerificationAlgorithm,
    };
    use rcgen::{
        PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, PublicKeyData,
        SignatureAlgorithm,
    };
    use x509_cert::der::{DecodePem as _, Encode as _};
    use x509_cert::request::CertReq;

    pub(super) struct Key {
        bytes: Vec<u8>,
        kind: &'static SignatureAlgorithm,
    }

    impl Key {
        /// That of a request in PEM.
        pub(super) fn of(request: &str) -> Result<Self, String> {
            Self::read(request).ok_or_else(|| "'CSR' is not valid".to_owned())
        }

        fn read(request: &str) -> Option<Self> {
            let request = CertReq::from_pem(request).ok()?;
            let bytes = request.info.public_key.subject_public_key.as_bytes()?;
            let info = request.info.to_der().ok()?;
            let signature = request.signature.as_bytes()?;
            let kinds: [(_, &dyn VerificationAlgorithm); 3] = [
                (&PKCS_ECDSA_P256_SHA256, &ECDSA_P256_SHA256_ASN1),
                (&PKCS_ECDSA_P384_SHA384, &ECDSA_P384_SHA384_ASN1),
                (&PKCS_RSA_SHA256, &RSA_PKCS1_2048_8192_SHA256),
            ];
            let is_signed = |algorithm| {
                let key = UnparsedPublicKey::new(algorithm, bytes);
                key.verify(&info, signature).is_ok()
            };
            let (kind, _) = kinds
                .into_iter()
                .find(|(_, algorithm)| is_signed(*algorithm))?;
            Some(Self {
                bytes: bytes.to_vec(),
                kind,
            })
        }
    }

    impl PublicKeyData for Key {
        fn der_bytes(&self) -> &[u8] {
            &self.bytes
        }

        fn algorithm(&self) -> &'static SignatureAlgorithm {
            self.kind
        }
    }
}

#[cfg(not(feature = "pkcs12"))]
fn signed(_: &CertificateParams, _: &str, _: &Authority) -> Result<String, String> {
    Err("this emulator was built without its feature 'pkcs12', and reads no 'CSR'".to_owned())
}

/// Whether a certificate that is valid now has the subject and the issuer of
/// another one, and is not older. Who signed it is not looked at.
#[cfg(feature = "pkcs12")]
pub(crate) fn is_of_the_same(known: &[u8], shown: &[u8], now: SystemTime) -> bool {
    use x509_cert::Certificate;
    use x509_cert::der::Decode as _;

    let (Ok(known), Ok(shown)) = (Certificate::from_der(known), Certificate::from_der(shown))
    else {
        return false;
    };
    let (known, shown) = (known.tbs_certificate(), shown.tbs_certificate());
    let (before, valid) = (known.validity(), shown.validity());
    shown.subject() == known.subject()
        && shown.issuer() == known.issuer()
        && valid.not_before.to_unix_duration() >= before.not_before.to_unix_duration()
        && UNIX_EPOCH + valid.not_after.to_unix_duration() > now
}

#[cfg(not(feature = "pkcs12"))]
pub(crate) fn is_of_the_same(_: &[u8], _: &[u8], _: SystemTime) -> bool {
    false
}

/// Who signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate and that of its root, as PEM.
    chain: String,
}

/// The authority of this process.
fn authority() -> Option<&'static Authority> {
    static AUTHORITY: OnceLock<Option<Authority>> = OnceLock::new();
    AUTHORITY.get_or_init(|| new_authority().ok()).as_ref()
}

fn new_authority() -> Result<Authority, rcgen::Error> {
    let params = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let root = params("SAP Cloud Root CA (sapcalm-emulator)");
    let root_key = KeyPair::generate()?;
    let root_pem = root.self_signed(&root_key)?.pem();
    let root = Issuer::new(root, root_key);
    let client = params("SAP PKI Certificate Service Client CA (sapcalm-emulator)");
    let key = KeyPair::generate()?;
    let pem = client.signed_by(&key, &root)?.pem();
    Ok(Authority {
        issuer: Issuer::new(client, key),
        chain: format!("{pem}{root_pem}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_renewed_as_long_before_its_end_as_sap_says() {
        let (day, days) = (Duration::from_hours(24), |days: u64| {
            Duration::from_hours(24 * days)
        });
        for (unit, values, margin) in [
            (Unit::Days, [1, 1], day / 2),
            (Unit::Days, [2, 14], day),
            (Unit::Days, [15, 31], days(3)),
            (Unit::Days, [32, 154], days(7)),
            (Unit::Days, [155, 365], days(30)),
            (Unit::Months, [1, 1], days(3)),
            (Unit::Months, [2, 5], days(7)),
            (Unit::Months, [6, 12], days(30)),
            (Unit::Years, [1, 9], days(30)),
        ] {
            for value in values {
                assert_eq!(
                    Validity { unit, value }.margin(),
                    margin,
                    "{value} {unit:?}"
                );
            }
        }
    }
}
