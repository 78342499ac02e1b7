//! Secret drift without stored secrets.
//!
//! SAP returns secrets in clear, and Terraform's state must not hold them. So
//! private state keeps, for every secret property that was written, a
//! [`Verifier`]: a salted slow hash of the value. Read compares it with what
//! SAP holds, Plan with what is configured.
//!
//! A verifier is not encryption: who has the state file can try guesses
//! against it, one every few milliseconds.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::{Mutex, OnceLock, PoisonError};

use aws_lc_rs::{digest, pbkdf2, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use super::destination_properties::SECRETS;
use framework::private::Private;

/// The only algorithm so far. It is stored with every verifier, so that
/// another one can follow.
const ALGORITHM: &str = "pbkdf2-hmac-sha256";

/// Enough for a few milliseconds on today's machines. Stored with every
/// verifier, so that it can grow.
const ITERATIONS: u32 = 30_000;

/// More than this is not computed: a state file must not be able to keep us
/// busy for hours.
const MOST_ITERATIONS: u32 = 10_000_000;

const SALT_LENGTH: usize = 16;
const HASH_LENGTH: usize = 32;

/// The entry in private state.
const ENTRY: &str = "secrets";

/// A salted slow hash of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Verifier {
    algorithm: String,
    iterations: u32,
    salt: String,
    hash: String,
}

/// The random source of the operating system gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRandomness;

impl Verifier {
    /// Hashes a secret with a salt of its own.
    pub(super) fn new(secret: &str) -> Result<Self, NoRandomness> {
        Ok(Self::salted(secret, random_salt()?))
    }

    /// Hashes with the salt of this process, for two kinds of secrets. That of
    /// the provider's Cloud ALM key: all destinations hold the same one anyway,
    /// and a plan of a thousand of them computes one hash. And those that an
    /// import finds: reading twice gives the same private state.
    fn with_salt_of_process(secret: &str) -> Result<Self, NoRandomness> {
        static SALT: OnceLock<[u8; SALT_LENGTH]> = OnceLock::new();
        let salt = match SALT.get() {
            Some(salt) => *salt,
            None => *SALT.get_or_init({
                let salt = random_salt()?;
                move || salt
            }),
        };
        Ok(Self::salted(secret, salt))
    }

    fn salted(secret: &str, salt: [u8; SALT_LENGTH]) -> Self {
        let hash = derive(ITERATIONS, &salt, secret);
        Self {
            algorithm: ALGORITHM.to_owned(),
            iterations: ITERATIONS,
            salt: BASE64.encode(salt),
            hash: BASE64.encode(hash),
        }
    }

    /// Whether the secret is the one that was hashed. `None` where that cannot
    /// be told: a newer provider wrote this, or it is broken.
    pub(super) fn matches(&self, secret: &str) -> Option<bool> {
        if self.algorithm != ALGORITHM || self.iterations > MOST_ITERATIONS {
            return None;
        }
        let salt = BASE64.decode(&self.salt).ok()?;
        let expected = BASE64.decode(&self.hash).ok()?;
        NonZeroU32::new(self.iterations)?;
        Some(derive(self.iterations, &salt, secret)[..] == expected)
    }
}

fn random_salt() -> Result<[u8; SALT_LENGTH], NoRandomness> {
    let mut salt = [0; SALT_LENGTH];
    rand::fill(&mut salt).map_err(|_| NoRandomness)?;
    Ok(salt)
}

/// PBKDF2, remembered for this process: the same question comes up again for
/// every destination that holds the provider's secret, and in Plan after Read.
fn derive(iterations: u32, salt: &[u8], secret: &str) -> [u8; HASH_LENGTH] {
    /// What is remembered is bounded, or ten thousand destinations with a
    /// secret each would be, too.
    const REMEMBERED: usize = 64;
    type Question = (u32, Vec<u8>, Vec<u8>);
    static ANSWERS: Mutex<BTreeMap<Question, [u8; HASH_LENGTH]>> = Mutex::new(BTreeMap::new());

    let question = (
        iterations,
        salt.to_vec(),
        digest::digest(&digest::SHA256, secret.as_bytes())
            .as_ref()
            .to_vec(),
    );
    let remembered = || ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(hash) = remembered().get(&question) {
        return *hash;
    }
    let mut hash = [0; HASH_LENGTH];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN),
        salt,
        secret.as_bytes(),
        &mut hash,
    );
    let mut answers = remembered();
    if answers.len() < REMEMBERED {
        answers.insert(question, hash);
    }
    hash
}

/// Where the value of a secret property came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Origin {
    /// We wrote what was configured.
    Configuration,
    /// We wrote the secret of the provider's Cloud ALM key.
    CloudAlmKey,
    /// It was there when the destination was imported. It is not ours: it is
    /// never deleted, and a change of it is no drift by itself.
    Sap,
}

/// What is remembered about one secret property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Where the value came from.
    pub(super) origin: Origin,
    /// How to recognise it.
    pub(super) verifier: Verifier,
}

impl Record {
    /// Remembers a value.
    pub(super) fn new(origin: Origin, secret: &str) -> Result<Self, NoRandomness> {
        let verifier = match origin {
            Origin::CloudAlmKey | Origin::Sap => Verifier::with_salt_of_process(secret)?,
            Origin::Configuration => Verifier::new(secret)?,
        };
        Ok(Self { origin, verifier })
    }

    /// Whether we wrote it.
    pub(super) fn is_ours(&self) -> bool {
        self.origin != Origin::Sap
    }

    /// Whether this is certainly the remembered value.
    pub(super) fn confirms(&self, secret: &str) -> bool {
        self.verifier.matches(secret) == Some(true)
    }
}

/// What is remembered about the secret properties of one destination, by
/// SAP's names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Records(BTreeMap<String, Record>);

impl Records {
    /// Reads private state; what is foreign or broken there counts as nothing.
    pub(super) fn load(private: &Private) -> Self {
        Self(private.get(ENTRY).unwrap_or_default())
    }

    /// Writes private state.
    pub(super) fn store(&self, private: &mut Private) {
        if self.0.is_empty() {
            private.remove(ENTRY);
        } else {
            private.set(ENTRY, &self.0);
        }
    }

    /// What is remembered about a property.
    pub(super) fn get(&self, key: &str) -> Option<&Record> {
        self.0.get(key)
    }

    /// Remembers a property.
    pub(super) fn insert(&mut self, key: &str, record: Record) {
        self.0.insert(key.to_owned(), record);
    }

    /// Forgets a property.
    pub(super) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Everything that is remembered.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Record)> {
        self.0.iter().map(|(key, record)| (key.as_str(), record))
    }

    /// The properties that `secret_properties_wo` wrote.
    pub(super) fn further(&self) -> BTreeSet<&str> {
        self.iter()
            .filter(|(key, record)| record.is_ours() && !has_pair(key))
            .map(|(key, _)| key)
            .collect()
    }

    /// Whether we wrote that property.
    pub(super) fn is_ours(&self, key: &str) -> bool {
        self.get(key).is_some_and(Record::is_ours)
    }
}

/// Whether a secret property has attributes of its own.
fn has_pair(key: &str) -> bool {
    SECRETS.iter().any(|pair| pair.key == key)
}

/// The name of a secret property in `out_of_sync_secrets`: the attribute that
/// configures it.
pub(super) fn display_name(key: &str) -> String {
    match SECRETS.iter().find(|pair| pair.key == key) {
        Some(pair) => pair.attribute.to_owned(),
        None => format!("secret_properties_wo[{key:?}]"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_verifier_recognises_its_secret_only() {
        let verifier = Verifier::new("s3cret").unwrap();
        assert_eq!(verifier.matches("s3cret"), Some(true));
        assert_eq!(verifier.matches("S3cret"), Some(false));
        assert_eq!(verifier.matches(""), Some(false));
    }

    #[test]
    fn equal_secrets_have_different_verifiers() {
        assert_ne!(Verifier::new("a").unwrap(), Verifier::new("a").unwrap());
    }

    #[test]
    fn the_provider_key_has_one_verifier_per_process() {
        let record = |secret| Record::new(Origin::CloudAlmKey, secret).unwrap();
        assert_eq!(record("a"), record("a"));
        assert_ne!(record("a"), record("b"));
    }

    #[test]
    fn a_verifier_from_another_version_decides_nothing() {
        let good = Verifier::new("a").unwrap();
        let newer = Verifier {
            algorithm: "argon2id".to_owned(),
            ..good.clone()
        };
        assert_eq!(newer.matches("a"), None);
        let endless = Verifier {
            iterations: u32::MAX,
            ..good.clone()
        };
        assert_eq!(endless.matches("a"), None);
        let broken = Verifier {
            salt: "%".to_owned(),
            ..good
        };
        assert_eq!(broken.matches("a"), None);
    }

    #[test]
    fn other_iterations_are_honoured() {
        let salt = [7; SALT_LENGTH];
        let weak = Verifier {
            algorithm: ALGORITHM.to_owned(),
            iterations: 2,
            salt: BASE64.encode(salt),
            hash: BASE64.encode(derive(2, &salt, "a")),
        };
        assert_eq!(weak.matches("a"), Some(true));
        assert_eq!(weak.matches("b"), Some(false));
    }

    #[test]
    fn one_verifier_costs_milliseconds() {
        let begin = Instant::now();
        let salt = random_salt().unwrap();
        derive(ITERATIONS, &salt, "some secret of usual length");
        assert!(begin.elapsed() < Duration::from_millis(500));
    }

    #[test]
    fn private_state_never_holds_the_secret() {
        let mut records = Records::default();
        let record = Record::new(Origin::Configuration, "do-not-store").unwrap();
        records.insert("clientSecret", record);
        let mut private = Private::default();
        records.store(&mut private);
        let text = String::from_utf8(private.to_bytes()).unwrap();
        assert!(text.contains("pbkdf2-hmac-sha256"));
        assert!(!text.contains("do-not-store"));
        assert_eq!(Records::load(&private), records);
    }

    #[test]
    fn foreign_private_state_counts_as_empty() {
        let private = Private::from_bytes(br#"{"secrets": [1, 2], "other": true}"#);
        assert_eq!(Records::load(&private), Records::default());
    }

    #[test]
    fn drift_is_named_by_attribute() {
        assert_eq!(
            display_name("tokenService.KeyStorePassword"),
            "token_service_key_store_password"
        );
        assert_eq!(
            display_name("jco.client.passwd"),
            r#"secret_properties_wo["jco.client.passwd"]"#
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn any_text_is_recognised(secret in "\\PC{0,80}", other in "\\PC{0,80}") {
            let verifier = Verifier::new(&secret).unwrap();
            prop_assert_eq!(verifier.matches(&secret), Some(true));
            prop_assert_eq!(verifier.matches(&other), Some(secret == other));
        }
    }
}
