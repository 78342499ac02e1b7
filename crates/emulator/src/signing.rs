//! The key pair that signs access tokens.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::start_error::StartError;

/// Name of the key in tokens and in the key set.
const KEY_ID: &str = "default-jwt-key--1234567890";

/// An RSA key with 2048 bits.
pub(crate) struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// The key of this process. Making one takes a while, and nothing is kept
    /// secret by having more: which tokens are valid, the world knows.
    pub(crate) fn of_process() -> Result<&'static Self, StartError> {
        static KEY: OnceLock<Option<SigningKey>> = OnceLock::new();
        KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).ok().map(Self))
            .as_ref()
            .ok_or(StartError::SigningKey)
    }

    /// A JWT with these claims.
    pub(crate) fn sign(&self, key_set_url: &str, claims: &Value) -> Option<String> {
        let header = json!({"alg": "RS256", "jku": key_set_url, "kid": KEY_ID, "typ": "JWT"});
        let content = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                content.as_bytes(),
                &mut signature,
            )
            .ok()?;
        Some(format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public key as PEM.
    pub(crate) fn public_key_pem(&self) -> String {
        let Ok(der) = self.0.public_key().as_der() else {
            return String::new();
        };
        let encoded = STANDARD.encode(der.as_ref());
        let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
        for (index, character) in encoded.chars().enumerate() {
            if index > 0 && index % 64 == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END PUBLIC KEY-----\n");
        pem
    }

    /// The public key as a JSON Web Key Set.
    pub(crate) fn key_set(&self) -> Value {
        let public = self.0.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"keys": [{
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": KEY_ID,
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
            "value": self.public_key_pem(),
        }]})
    }
}
