//! When a certificate expires: the one fact of X.509 that we need and that no
//! library here tells. The files that the Destination service keeps are in
//! `destination_certificate`.
//!
//! Reads just enough of the DER form (RFC 5280, 4.1) to find `notAfter`.
//! Whether a certificate is any good is not asked here.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// When the first certificate of a PEM text expires; `None` when it cannot be
/// read.
pub(crate) fn expiry(pem: &str) -> Option<Timestamp> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    expiry_of_der(&certificate)
}

/// When a certificate in DER form expires; `None` when it cannot be read.
pub(crate) fn expiry_of_der(certificate: &[u8]) -> Option<Timestamp> {
    let mut certificate = Elements(certificate);
    let mut certificate = Elements(certificate.take(SEQUENCE)?);
    let mut signed = Elements(certificate.take(SEQUENCE)?);
    // The version is left out where it is 1.
    let _ = signed.take(VERSION);
    let _serial_number = signed.take(INTEGER)?;
    let _signature = signed.take(SEQUENCE)?;
    let _issuer = signed.take(SEQUENCE)?;
    let mut validity = Elements(signed.take(SEQUENCE)?);
    let (_, _not_before) = validity.any()?;
    let (tag, not_after) = validity.any()?;
    moment(tag, not_after)
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
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

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
            let _ = moment(UTC_TIME, &bytes);
        }

        #[test]
        fn a_damaged_certificate_is_read_without_harm(place in 0_usize..300, byte: u8) {
            use base64::Engine as _;
            use base64::engine::general_purpose::STANDARD;
            let mut der = CertificateDer::from_pem_slice(PEM.with(Clone::clone).as_bytes())
                .unwrap()
                .to_vec();
            let place = place % der.len();
            der[place] = byte;
            let body = STANDARD.encode(&der);
            let _ = expiry(&format!(
                "-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
            ));
        }
    }

    thread_local! {
        static PEM: String = valid_until(2030, 1, 1);
    }
}
