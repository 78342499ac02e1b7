//! What SAP holds, taken into state and record: what Read sees.
//!
//! Nobody documents whether SAP returns a file byte for byte, so PEM text is
//! compared block by block, and where SAP tells, right after the upload,
//! something else than was sent, that is remembered as well: drift is a
//! difference from what SAP told then. Where SAP tells no file, or the same for
//! every file, a new etag is drift. Only where it has no etag either drift
//! cannot be seen.
//!
//! A certificate that SAP generated is another one after every renewal, and SAP
//! does not tell from what it was made. So its subject, issuer and length of
//! validity are compared with the last look, its common name and public key with
//! the configuration, and neither file nor etag with anything.

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use client::{CertificateFile, CertificateSource, DestinationCertificate};
use framework::private::Private;

use super::super::destination_service::secret::{Comparison, NoRandomness, Remembered, text};
use super::renewal::is_as_long;
use super::schema::{Generate, Model};

/// The entry in private data.
const RECORD: &str = "record";

/// What is remembered about a certificate beside its state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// Version of the certificate at the last look that changed something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    /// The file that was uploaded, or the one an import found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Remembered>,
    /// How long a generated certificate is valid, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lifetime: Option<i64>,
}

impl Record {
    /// Reads private data; what is foreign or broken there counts as nothing.
    pub(super) fn load(private: &Private) -> Self {
        private.get(RECORD).unwrap_or_default()
    }

    /// Private data with it.
    pub(super) fn store(&self) -> Private {
        let mut private = Private::default();
        if *self != Self::default() {
            private.set(RECORD, self);
        }
        private
    }

    /// What is to be uploaded or generated.
    pub(super) fn of(source: &CertificateSource) -> Result<Self, NoRandomness> {
        let content = match source {
            CertificateSource::File(file) => Some(Remembered::new(file.essence().expose_secret())?),
            CertificateSource::Generation(_) => None,
        };
        Ok(Self {
            content,
            ..Self::default()
        })
    }

    /// Whether this is certainly the remembered file.
    pub(super) fn confirms(&self, file: &CertificateFile) -> bool {
        let content = self.content.as_ref();
        content.is_some_and(|content| content.confirms(file.essence().expose_secret()))
    }

    /// Whether SAP tells what it told right after the last upload, instead of
    /// the file.
    pub(super) fn expects(&self, found: &DestinationCertificate) -> bool {
        let content = self.content.as_ref();
        let comparison = content.map(|content| content.compare(essence(found).as_deref()));
        comparison == Some(Comparison::NotTold)
    }

    /// What SAP told right after the upload; nothing where it could not be
    /// read back.
    pub(super) fn learn(&mut self, found: Option<&DestinationCertificate>) {
        let Some(found) = found else { return };
        self.etag.clone_from(&found.etag);
        let Some(content) = &mut self.content else {
            return;
        };
        let told = essence(found);
        if content.compare(told.as_deref()) == Comparison::Other {
            // Without random numbers the file counts as replaced, once.
            let _ = content.learn(told.as_deref());
        }
    }

    /// Takes what SAP holds into state and record.
    pub(super) fn look(
        &mut self,
        state: &mut Model,
        found: &DestinationCertificate,
    ) -> Result<(), NoRandomness> {
        let before = (state.clone(), self.clone());
        let is_ours = state.entry().is_some_and(|entry| entry != text::FOUND);
        let is_generated = self.lifetime.is_some()
            || state.generate.is_some()
            || state.entry() == Some(text::GENERATED);
        let now = if is_ours && is_generated {
            self.look_at_generated(state, found)
        } else if is_ours {
            self.compare(state, found)
        } else {
            self.refresh(found)?;
            text::FOUND
        };
        if let Some(content) = self.content.as_mut().filter(|_| now == text::CONFIGURATION) {
            content.forget_told();
        }
        state.set_entry(now);
        let is_file = !is_generated && now != text::NOT_TOLD;
        if let Some(file) = found.file.as_ref().filter(|_| is_file) {
            state.validity_end_time = end_of(file);
        }
        // Terraform compares private data, too: a new etag alone is no change.
        if *state != before.0 || self.content != before.1.content || before.1.etag.is_none() {
            self.etag.clone_from(&found.etag);
        }
        Ok(())
    }

    /// What became of a certificate that SAP generated; takes what it says now.
    pub(super) fn look_at_generated(
        &mut self,
        state: &mut Model,
        found: &DestinationCertificate,
    ) -> &'static str {
        let was_changed = state.entry() == Some(text::CHANGED);
        let Some(issued) = found.file.as_ref().and_then(CertificateFile::issued) else {
            return if was_changed {
                text::CHANGED
            } else {
                text::NOT_TOLD
            };
        };
        let is_same =
            |known: &Option<String>, told: &str| known.as_deref().is_none_or(|known| known == told);
        let lifetime = issued.not_after.duration_since(issued.not_before);
        let lifetime = lifetime.as_secs();
        let generate = state.generate.as_ref().map(Generate::to_generation);
        let is_ours = generate.is_none_or(|generation| issued.fits(&generation))
            && is_same(&state.subject, &issued.subject)
            && is_same(&state.issuer, &issued.issuer)
            && self
                .lifetime
                .is_none_or(|known| is_as_long(known, lifetime));
        self.lifetime = Some(lifetime);
        state.tell(&issued);
        if is_ours && !was_changed {
            text::GENERATED
        } else {
            text::CHANGED
        }
    }

    /// Nobody uploaded this through us, so a change is no drift; but the plan
    /// must compare with what is there now.
    fn refresh(&mut self, found: &DestinationCertificate) -> Result<(), NoRandomness> {
        let told = essence(found);
        let is_known = self.content.as_ref().is_some_and(|content| {
            let told = told.as_deref();
            told.is_some_and(|told| content.written.matches(told) != Some(false))
        });
        if !is_known {
            let content = told.as_deref().map(Remembered::shared);
            self.content = content.transpose()?;
        }
        Ok(())
    }

    /// What became of a file that we uploaded.
    fn compare(&self, state: &Model, found: &DestinationCertificate) -> &'static str {
        let etags = self.etag.as_ref().zip(found.etag.as_ref());
        let was_changed = state.entry() == Some(text::CHANGED);
        if etags.is_some_and(|(known, told)| known == told) && was_changed {
            return text::CHANGED;
        }
        let has_new_etag = etags.is_some_and(|(known, told)| known != told);
        let told = essence(found);
        let told = told.as_deref();
        let comparison = self.content.as_ref().map(|content| content.compare(told));
        match comparison {
            Some(Comparison::Same) => text::CONFIGURATION,
            // What SAP told after the upload may be what it tells of every file.
            _ if has_new_etag || (told.is_none() && was_changed) => text::CHANGED,
            Some(Comparison::NotTold) => text::NOT_TOLD,
            _ if told.is_none() => text::NOT_TOLD,
            _ => text::CHANGED,
        }
    }
}

/// What makes the file that SAP tells this one.
fn essence(found: &DestinationCertificate) -> Option<String> {
    let file = found.file.as_ref()?;
    Some(file.essence().expose_secret().to_owned())
}

/// When the first certificate in a file expires.
pub(super) fn end_of(file: &CertificateFile) -> Option<String> {
    file.expiry().map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_sap(etag: Option<&str>, file: Option<&[u8]>) -> DestinationCertificate {
        DestinationCertificate {
            name: "a.p12".to_owned(),
            kind: None,
            file: file.map(CertificateFile::from_bytes),
            etag: etag.map(str::to_owned),
        }
    }

    /// State and record after an upload of `new`, after which SAP told this.
    fn uploaded(told: &DestinationCertificate) -> (Model, Record) {
        let new = CertificateSource::File(CertificateFile::from_bytes(b"new"));
        let mut record = Record::of(&new).unwrap();
        record.learn(Some(told));
        let mut state = Model::default();
        state.set_entry(text::CONFIGURATION);
        (state, record)
    }

    fn look(seen: &(Model, Record), found: &DestinationCertificate) -> (Model, Record) {
        let (mut state, mut record) = seen.clone();
        record.look(&mut state, found).unwrap();
        (state, record)
    }

    fn entry(seen: &(Model, Record)) -> &str {
        seen.0.entry().unwrap()
    }

    #[test]
    fn a_replaced_file_is_seen_and_a_new_etag_alone_is_nothing() {
        let before = uploaded(&at_sap(Some("1"), Some(b"new")));
        let same = look(&before, &at_sap(Some("2"), Some(b"new")));
        assert_eq!(same, before);
        let other = look(&before, &at_sap(Some("2"), Some(b"other")));
        assert_eq!(entry(&other), text::CHANGED);
        let again = look(&other, &at_sap(Some("2"), Some(b"other")));
        assert_eq!(entry(&again), text::CHANGED);
        let back = look(&again, &at_sap(Some("3"), Some(b"new")));
        assert_eq!(entry(&back), text::CONFIGURATION);
    }

    #[test]
    fn what_is_told_of_every_file_counts_as_told_until_the_etag_changes() {
        for told in [Some(&b"***"[..]), None] {
            let before = uploaded(&at_sap(Some("1"), told));
            let masked = look(&before, &at_sap(Some("1"), told));
            assert_eq!(entry(&masked), text::NOT_TOLD, "{told:?}");
            let changed = look(&masked, &at_sap(Some("2"), told));
            assert_eq!(entry(&changed), text::CHANGED, "{told:?}");
            let again = look(&changed, &at_sap(Some("2"), told));
            assert_eq!(entry(&again), text::CHANGED, "{told:?}");
        }
    }

    #[test]
    fn without_etag_a_mask_is_believed() {
        let told = at_sap(None, Some(b"***"));
        let seen = look(&uploaded(&told), &told);
        assert_eq!(entry(&seen), text::NOT_TOLD);
        assert_eq!(
            entry(&look(&seen, &at_sap(None, Some(b"x")))),
            text::CHANGED
        );
    }

    #[test]
    fn a_generated_certificate_that_cannot_be_read_is_not_told_and_stays_as_it_was_known() {
        let mut state = Model {
            subject: Some("CN=calm".to_owned()),
            ..Model::default()
        };
        state.set_entry(text::GENERATED);
        let before = (state, Record::default());
        for told in [Some(&b"***"[..]), None] {
            let seen = look(&before, &at_sap(Some("2"), told));
            assert_eq!(entry(&seen), text::NOT_TOLD);
            assert_eq!(seen.0.subject.as_deref(), Some("CN=calm"));
        }
    }

    #[test]
    fn a_file_that_nobody_uploaded_here_is_never_drift() {
        let import = (Model::default(), Record::default());
        let found = look(&import, &at_sap(Some("1"), Some(b"theirs")));
        assert_eq!(entry(&found), text::FOUND);
        let other = look(&found, &at_sap(Some("2"), Some(b"other")));
        assert_eq!(entry(&other), text::FOUND);
        assert!(other.1.confirms(&CertificateFile::from_bytes(b"other")));
    }
}
