//! What a certificate says about itself: subject, issuer, validity and public
//! key, which no library here tells. The files that the Destination service
//! keeps are in `destination_certificate`.
//!
//! Reads just enough of the DER form (RFC 5280, 4.1). Whether a certificate is
//! any good is not asked here.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

/// UTF-8, printable, teletex and IA5 strings: those that are read as text.
const TEXTS: [u8; 4] = [0x0c, 0x13, 0x14, 0x16];

/// The short names of what stands in a distinguished name, by their DER form.
const SHORT_NAMES: [(&[u8], &str); 9] = [
    (&[0x55, 4, 3], COMMON_NAME),
    (&[0x55, 4, 5], "SERIALNUMBER"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1],
        "UID",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25],
        "DC",
    ),
];

const COMMON_NAME: &str = "CN";

/// When the first certificate of a PEM text expires; `None` when it cannot be
/// read.
pub(crate) fn expiry(pem: &str) -> Option<Timestamp> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    expiry_of_der(&certificate)
}

/// When a certificate in DER form expires; `None` when it cannot be read.
pub(crate) fn expiry_of_der(certificate: &[u8]) -> Option<Timestamp> {
    Some(Issued::of(&[certificate.into()])?.not_after)
}

/// What a certificate says about itself. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The distinguished name of its owner, the most specific part first.
    pub subject: String,
    /// That of the authority that signed it.
    pub issuer: String,
    /// The most specific common name of the subject.
    pub common_name: Option<String>,
    /// When it begins to be valid.
    pub not_before: Timestamp,
    /// When it stops being valid.
    pub not_after: Timestamp,
    /// PEM text: the certificate and those that lead to its authority.
    pub chain: String,
    /// Its algorithm with it, as a request for a certificate has it, too.
    pub(crate) public_key: Vec<u8>,
}

impl Issued {
    /// What the first certificate of a chain says; `None` when it is none in DER
    /// form.
    pub(crate) fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let mut certificate = Elements(chain.first()?);
        let mut certificate = Elements(certificate.take(SEQUENCE)?);
        let mut signed = Elements(certificate.take(SEQUENCE)?);
        // The version is left out where it is 1.
        let _ = signed.take(VERSION);
        let _serial_number = signed.take(INTEGER)?;
        let _signature = signed.take(SEQUENCE)?;
        let issuer = signed.take(SEQUENCE)?;
        let mut validity = Elements(signed.take(SEQUENCE)?);
        let (tag, not_before) = validity.any()?;
        let not_before = moment(tag, not_before)?;
        let (tag, not_after) = validity.any()?;
        let subject = signed.take(SEQUENCE)?;
        let mut names = parts_of_name(subject).into_iter().flatten();
        Some(Self {
            subject: text_of_name(subject),
            issuer: text_of_name(issuer),
            common_name: names.find_map(|(name, value)| (name == COMMON_NAME).then_some(value)),
            not_before,
            not_after: moment(tag, not_after)?,
            chain: chain.iter().map(|one| pem_block(one)).collect(),
            public_key: signed.take(SEQUENCE)?.to_vec(),
        })
    }
}

fn pem_block(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines = base64.as_bytes().chunks(64);
    let lines: String = lines
        .map(|line| String::from_utf8_lossy(line) + "\n")
        .collect();
    format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
}

/// A distinguished name as text (RFC 4514), the most specific part first.
fn text_of_name(name: &[u8]) -> String {
    let part = |part: Vec<(String, String)>| {
        let pairs = part.into_iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={}", escaped(&value)));
        pairs.collect::<Vec<_>>().join("+")
    };
    let parts = parts_of_name(name).into_iter().map(part);
    parts.collect::<Vec<_>>().join(",")
}

/// The parts of a distinguished name, the most specific first; each is one
/// pair of name and value, rarely several.
fn parts_of_name(name: &[u8]) -> Vec<Vec<(String, String)>> {
    let mut sets = Elements(name);
    let mut parts = Vec::new();
    while let Some(set) = sets.take(SET) {
        let mut pairs = Elements(set);
        let mut part = Vec::new();
        while let Some(pair) = pairs.take(SEQUENCE) {
            let mut pair = Elements(pair);
            let id = pair.take(OBJECT_IDENTIFIER);
            if let (Some(id), Some((tag, value))) = (id, pair.any()) {
                part.push((name_of(id), value_of(tag, value)));
            }
        }
        parts.push(part);
    }
    parts.reverse();
    parts
}

fn name_of(id: &[u8]) -> String {
    let known = SHORT_NAMES.iter().find(|(known, _)| *known == id);
    known.map_or_else(|| format!("#{}", hex(id)), |(_, name)| (*name).to_owned())
}

fn value_of(tag: u8, value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if TEXTS.contains(&tag) => text.to_owned(),
        _ => format!("#{}", hex(value)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A value inside a distinguished name. What cannot be seen on a screen is
/// escaped, too.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for one in value.chars() {
        match one {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => text.extend(['\\', one]),
            ' '..='~' => text.push(one),
            _ if one.is_alphanumeric() => text.push(one),
            _ => {
                for byte in one.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(text, "\\{byte:02x}");
                }
            }
        }
    }
    text
}

/// DER elements, one after the other.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The content of the next element, if it has this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.any().map(|(_, content)| content)
    }

    /// Tag and content of the next element.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let add =
                |length: usize, byte: &u8| length.checked_mul(256)?.checked_add(usize::from(*byte));
            (bytes.iter().try_fold(0, add)?, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// `YYMMDDHHMMSSZ` or, from 2050 on, `YYYYMMDDHHMMSSZ`.
fn moment(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let two_digit_year = tag == UTC_TIME;
    let (year, rest) = match tag {
        UTC_TIME => digits.split_at_checked(2)?,
        GENERALIZED_TIME => digits.split_at_checked(4)?,
        _ => return None,
    };
    let year = match year.parse::<i16>().ok()? {
        year @ 0..50 if two_digit_year => 2000 + year,
        year if two_digit_year => 1900 + year,
        year => year,
    };
    if rest.len() != 10 {
        return None;
    }
    let part = |from: usize| rest.get(from..from + 2)?.parse::<i8>().ok();
    let time = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0);
    Some(time.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{
        CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData as _, date_time_ymd,
    };

    use super::*;

    fn valid_until(year: i32, month: u8, day: u8) -> String {
        let mut params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
        params.not_before = date_time_ymd(1999, 1, 1);
        params.not_after = date_time_ymd(year, month, day);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().pem()
    }

    #[test]
    fn expiry_is_found_in_both_notations() {
        for (year, month, day, expected) in [
            (2024, 2, 29, "2024-02-29T00:00:00Z"),
            (2049, 12, 31, "2049-12-31T00:00:00Z"),
            (2050, 1, 1, "2050-01-01T00:00:00Z"),
            (2999, 6, 30, "2999-06-30T00:00:00Z"),
        ] {
            let found = expiry(&valid_until(year, month, day)).unwrap();
            assert_eq!(found.to_string(), expected);
        }
    }

    #[test]
    fn the_first_certificate_of_a_chain_counts() {
        let chain = format!("{}{}", valid_until(2024, 1, 2), valid_until(2044, 1, 2));
        assert_eq!(expiry(&chain).unwrap().to_string(), "2024-01-02T00:00:00Z");
    }

    #[test]
    fn times_of_the_last_century_and_wrong_ones_are_told_apart() {
        let utc = |text: &str| moment(UTC_TIME, text.as_bytes()).map(|t| t.to_string());
        assert_eq!(utc("991231235959Z").unwrap(), "1999-12-31T23:59:59Z");
        for wrong in [
            "",
            "Z",
            "9912312359Z",
            "991331235959Z",
            "99123123595\u{e4}Z",
        ] {
            assert_eq!(utc(wrong), None, "{wrong}");
        }
        assert_eq!(moment(SEQUENCE, b"991231235959Z"), None);
    }

    #[test]
    fn a_certificate_tells_its_names_as_text_and_its_public_key() {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in [
            (DnType::CountryName, "DE"),
            (DnType::OrganizationName, "SAP SE, Inc"),
            (DnType::CommonName, "calm\u{202e}ä"),
            (DnType::CustomDnType(vec![2, 5, 4, 12]), "t"),
        ] {
            params.distinguished_name.push(kind, value);
        }
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let issued = Issued::of(&[made.der().clone()]).unwrap();
        let subject = "#55040c=t,CN=calm\\e2\\80\\aeä,O=SAP SE\\, Inc,C=DE";
        assert_eq!(
            (issued.subject.as_str(), issued.issuer.as_str()),
            (subject, subject)
        );
        assert_eq!(issued.common_name.as_deref(), Some("calm\u{202e}ä"));
        assert!(key.subject_public_key_info().ends_with(&issued.public_key));
        assert!(issued.not_before < issued.not_after);
    }

    #[test]
    fn what_is_no_certificate_has_no_expiry() {
        assert_eq!(expiry(""), None);
        assert_eq!(expiry("nonsense"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut elements = Elements(&bytes);
            while elements.any().is_some() {}
            let _ = (moment(UTC_TIME, &bytes), text_of_name(&bytes));
        }

        #[test]
        fn a_damaged_certificate_is_read_without_harm(place in 0_usize..300, byte: u8) {
            let mut der = CertificateDer::from_pem_slice(PEM.with(Clone::clone).as_bytes())
                .unwrap()
                .to_vec();
            let place = place % der.len();
            der[place] = byte;
            let body = STANDARD.encode(&der);
            let _ = expiry(&format!(
                "-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
            ));
            let _ = Issued::of(&[der.into()]);
        }
    }

    thread_local! {
        static PEM: String = valid_until(2030, 1, 1);
    }
}
