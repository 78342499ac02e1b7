//! Recognising a secret without storing it.
//!
//! SAP returns secrets in clear, and Terraform's state must not hold them. So
//! private state keeps, for every secret that was written, a [`Verifier`]: a
//! salted slow hash of the value; and where SAP tells it otherwise than it was
//! written (masked, or not at all), also what SAP told. Read compares them with
//! what SAP holds, Plan with what is configured.
//!
//! A verifier is not encryption: who has the state file can try guesses
//! against it, one every few milliseconds.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, OnceLock, PoisonError};

use aws_lc_rs::{digest, pbkdf2, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use framework::diagnostics::Diagnostic;

/// The only algorithm so far. It is stored with every verifier, so that
/// another one can follow.
const ALGORITHM: &str = "pbkdf2-hmac-sha256";

/// Enough for a few milliseconds on today's machines. Stored with every
/// verifier, so that it can grow, and so that a debug build, which the tests start
/// thousands of times and nobody else uses, can do with few.
const ITERATIONS: u32 = if cfg!(debug_assertions) { 100 } else { 30_000 };

/// More than this is not computed: a state file must not be able to keep us
/// busy for hours.
const MOST_ITERATIONS: u32 = 10_000_000;

const SALT_LENGTH: usize = 16;
const HASH_LENGTH: usize = 32;

/// A salted slow hash of a secret: algorithm, iterations, salt and hash, with
/// `$` between them. One text, because Terraform writes the whole state after
/// every object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Verifier(String);

/// The random source of the operating system gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRandomness;

impl From<NoRandomness> for Diagnostic {
    fn from(_: NoRandomness) -> Self {
        Self::error(
            "No random numbers",
            "The operating system gave no random numbers, which are needed to remember secrets \
             without storing them. Nothing was changed.",
        )
    }
}

impl Verifier {
    /// Hashes a secret with a salt of its own.
    pub(crate) fn new(secret: &str) -> Result<Self, NoRandomness> {
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
        let hash = BASE64.encode(derive(ITERATIONS, &salt, secret));
        let salt = BASE64.encode(salt);
        Self(format!("{ALGORITHM}${ITERATIONS}${salt}${hash}"))
    }

    /// Whether the secret is the one that was hashed. `None` where that cannot
    /// be told: a newer provider wrote this, or it is broken.
    pub(crate) fn matches(&self, secret: &str) -> Option<bool> {
        let parts: Vec<&str> = self.0.split('$').collect();
        let [ALGORITHM, iterations, salt, hash] = parts[..] else {
            return None;
        };
        let iterations: NonZeroU32 = iterations.parse().ok()?;
        if iterations.get() > MOST_ITERATIONS {
            return None;
        }
        let salt = BASE64.decode(salt).ok()?;
        let expected = BASE64.decode(hash).ok()?;
        Some(derive(iterations.get(), &salt, secret)[..] == expected)
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
    /// So many answers, some 200 bytes each; then it begins anew.
    const REMEMBERED: usize = 2048;
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
    if answers.len() >= REMEMBERED {
        answers.clear();
    }
    answers.insert(question, hash);
    hash
}

/// What is remembered about one secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// What was written; of a secret that Terraform did not write, what was
    /// found.
    pub(crate) written: Verifier,
    /// What SAP tells, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<Told>,
}

/// What SAP tells of a secret instead of its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Told {
    /// Another text: a mask, or the value in another form.
    Other(Verifier),
    /// Nothing: `false`, because a null would not be there.
    Nothing(bool),
}

/// How what SAP tells compares with what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// It is what was written; or nobody can tell.
    Same,
    /// It is what SAP told right after the write: whether it is what was
    /// written, SAP does not say.
    NotTold,
    /// It is something else.
    Other,
}

impl Remembered {
    /// A secret with a salt of its own.
    pub(crate) fn new(secret: &str) -> Result<Self, NoRandomness> {
        Verifier::new(secret).map(Self::of)
    }

    /// A secret of which there may be many copies; see
    /// [`Verifier::with_salt_of_process`].
    pub(crate) fn shared(secret: &str) -> Result<Self, NoRandomness> {
        Verifier::with_salt_of_process(secret).map(Self::of)
    }

    fn of(written: Verifier) -> Self {
        Self {
            written,
            told: None,
        }
    }

    /// Whether this is certainly the value that was written.
    pub(crate) fn confirms(&self, secret: &str) -> bool {
        self.written.matches(secret) == Some(true)
    }

    /// Compares with what SAP tells now; an empty text is no value.
    pub(crate) fn compare(&self, told: Option<&str>) -> Comparison {
        let told = told.filter(|text| !text.is_empty());
        if told.is_some_and(|text| self.written.matches(text) != Some(false)) {
            return Comparison::Same;
        }
        let is_known = match (&self.told, told) {
            (Some(Told::Other(other)), Some(text)) => other.matches(text) != Some(false),
            (Some(Told::Nothing(_)), None) => true,
            _ => false,
        };
        if is_known {
            Comparison::NotTold
        } else {
            Comparison::Other
        }
    }

    /// Whether SAP told something else than what was written.
    pub(crate) fn is_masked(&self) -> bool {
        self.told.is_some()
    }

    /// SAP tells what was written after all.
    pub(crate) fn forget_told(&mut self) {
        self.told = None;
    }

    /// Remembers what SAP told right after the write.
    pub(crate) fn learn(&mut self, told: Option<&str>) -> Result<(), NoRandomness> {
        self.told = Some(match told.filter(|text| !text.is_empty()) {
            Some(text) => Told::Other(Verifier::with_salt_of_process(text)?),
            None => Told::Nothing(false),
        });
        Ok(())
    }
}

/// The text of an entry in `secrets`: where the value of a secret comes from,
/// and what Read found out about it. Policies match them, so the list is
/// closed.
pub(crate) mod text {
    /// Written from the configuration.
    pub(crate) const CONFIGURATION: &str = "from configuration";
    /// Written from the provider's Cloud ALM key.
    pub(crate) const CLOUD_ALM_KEY: &str = "from cloud_alm_service_key";
    /// Written from the key in `service_key`.
    pub(crate) const SERVICE_KEY: &str = "from service_key";
    /// SAP made it.
    pub(crate) const GENERATED: &str = "generated by SAP";
    /// It was there, and Terraform did not write it.
    pub(crate) const FOUND: &str = "as found";
    /// SAP holds another value than the one that was written.
    pub(crate) const CHANGED: &str = "changed outside Terraform";
    /// SAP holds what was written, and the key has another secret now.
    pub(crate) const EARLIER_KEY: &str = "of an earlier key";
    /// SAP tells what it told right after the write, which is something else.
    pub(crate) const NOT_TOLD: &str = "not told by SAP";
}

#[cfg(test)]
mod tests {
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
    fn a_shared_secret_has_one_verifier_per_process() {
        let shared = |secret| Remembered::shared(secret).unwrap();
        assert_eq!(shared("a"), shared("a"));
        assert_ne!(shared("a"), shared("b"));
    }

    #[test]
    fn a_verifier_from_another_version_decides_nothing() {
        let good = Verifier::new("a").unwrap().0;
        let parts: Vec<&str> = good.split('$').collect();
        for foreign in [
            good.replace(ALGORITHM, "argon2id"),
            good.replace(parts[1], "4000000000"),
            good.replace(parts[1], "0"),
            good.replace(parts[2], "%"),
            String::new(),
        ] {
            assert_eq!(Verifier(foreign.clone()).matches("a"), None, "{foreign}");
        }
    }

    #[test]
    fn other_iterations_are_honoured() {
        let salt = [7; SALT_LENGTH];
        let hash = BASE64.encode(derive(2, &salt, "a"));
        let weak = Verifier(format!("{ALGORITHM}$2${}${hash}", BASE64.encode(salt)));
        assert_eq!(weak.matches("a"), Some(true));
        assert_eq!(weak.matches("b"), Some(false));
    }

    #[test]
    fn what_is_remembered_never_holds_the_secret() {
        let mut remembered = Remembered::new("do-not-store").unwrap();
        remembered.learn(Some("mask-of-it")).unwrap();
        let text = serde_json::to_string(&remembered).unwrap();
        assert!(text.contains(ALGORITHM));
        assert!(!text.contains("do-not-store") && !text.contains("mask-of-it"));
        let back: Remembered = serde_json::from_str(&text).unwrap();
        assert_eq!(back, remembered);
    }

    #[test]
    fn a_masked_secret_is_told_apart_from_a_changed_one() {
        let mut remembered = Remembered::new("written").unwrap();
        assert_eq!(remembered.compare(Some("written")), Comparison::Same);
        assert_eq!(remembered.compare(Some("***")), Comparison::Other);
        remembered.learn(Some("***")).unwrap();
        assert_eq!(remembered.compare(Some("***")), Comparison::NotTold);
        assert_eq!(remembered.compare(Some("written")), Comparison::Same);
        assert_eq!(remembered.compare(None), Comparison::Other);
        remembered.learn(None).unwrap();
        assert_eq!(remembered.compare(None), Comparison::NotTold);
        assert_eq!(remembered.compare(Some("")), Comparison::NotTold);
        assert_eq!(remembered.compare(Some("***")), Comparison::Other);
        let text = serde_json::to_string(&remembered).unwrap();
        assert_eq!(
            serde_json::from_str::<Remembered>(&text).unwrap(),
            remembered
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
