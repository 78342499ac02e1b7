//! What to do about a service key that cannot be read.

use client::{KeyError, KeyProblem, Look, PemFault};

use super::super::keys::attribute;

/// What to do about a service key that cannot be used.
pub(super) fn advice(error: &KeyError) -> String {
    const WHOLE: &str = "Set the service key whole, as the service gives it.";
    let text = match &error.problem {
        KeyProblem::WrongService { looks_like, .. } => {
            return format!(
                "Set the {} here; the one that was set belongs in `{}`.",
                error.kind,
                attribute(*looks_like)
            );
        }
        KeyProblem::PlainHttp { .. } => {
            "Secrets and tokens must not travel in clear text. Set the service key as the service \
             gives it, with `https://` URLs."
        }
        KeyProblem::BadPem { fault, .. } => match fault {
            PemFault::KeyForCertificate => {
                "The certificate belongs in `certificate`, and the private key in `key`."
            }
            PemFault::EncryptedKey => {
                "Nobody can type a password here. Take it off, for example with `openssl pkey -in \
                 encrypted.pem -out key.pem`, and keep the result as safe as the password."
            }
            PemFault::WrongOrder => {
                "Begin with the certificate that belongs to the `key`, and let the one of each \
                 issuer follow."
            }
            PemFault::ForeignKey => {
                "Take both from one service key. After a rotation there are two that look alike."
            }
            _ => WHOLE,
        },
        KeyProblem::Missing { path } if path == "key" || path.ends_with(".key") => {
            "A service key with a certificate of your own has no `key`: add it, in PEM form."
        }
        KeyProblem::Several { .. } => "Set the one of this service alone.",
        KeyProblem::LooksLike(look) => match look {
            Look::Path => {
                "To read a service key from a file, write `file(\"key.json\")` here, or `@key.json` \
                 in the environment variable."
            }
            Look::Yaml => {
                "Ask for JSON: `kubectl get secret NAME -o json`, or `btp --format json get \
                 services/binding`."
            }
            Look::KubernetesBinding => {
                "Set the Secret that it names: `kubectl get secret NAME -o json`."
            }
            Look::CloudFoundryBinding => {
                "Set what `cf curl /v3/service_credential_bindings/GUID/details` prints."
            }
            Look::BtpBinding => {
                "Set what `btp --format json get services/binding` prints for one binding."
            }
            _ => FORMS,
        },
        KeyProblem::Empty | KeyProblem::NotJson { .. } => {
            "Set the JSON text that the service gives, whole. To read it from a file, write \
             `file(\"key.json\")` here, or `@key.json` in the environment variable."
        }
        _ => FORMS,
    };
    text.to_owned()
}

/// What to do where nobody knows more.
const FORMS: &str = "Set the JSON text that the service gives, whole: the `credentials` of a \
     service binding, or what `cf service-key` prints. The guide \"Service keys\" lists every form \
     that is read.";
