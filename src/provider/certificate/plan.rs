//! The plan of `sapcalm_destination_certificate`, and the decision that apply
//! carries out: whether the file is uploaded, or generated anew.

use serde::{Deserialize, Serialize};

use client::CertificateFile;
use framework::diagnostics::Diagnostic;
use framework::path::Path;
use framework::plan::{Action, Plan};
use framework::value::Value;

use std::collections::BTreeMap;

use super::super::configured::Configured;
use super::super::destination_service::plan_identity;
use super::super::destination_service::secret::text;
use super::drift::{Record, end_of};
use super::schema::{ENTRY, TOLD, file_of};

/// What a plan decided, beyond its values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    /// The configured file is uploaded, or SAP generates a new one.
    pub(super) uploads: bool,
}

/// Where a configuration takes the file from, which is perhaps not known yet.
enum File {
    Known(CertificateFile),
    /// SAP generates it.
    Generated,
    Unknown,
    Missing,
}

impl File {
    fn of(plan: &Plan) -> Self {
        match plan.config("generate") {
            Value::Null => {}
            Value::Unknown => return Self::Unknown,
            _ => return Self::Generated,
        }
        let content = plan.config("content");
        let (pem, base64) = (content.get("pem_wo"), content.get("base64_wo"));
        if pem.is_unknown() || base64.is_unknown() {
            return Self::Unknown;
        }
        file_of(pem.as_str(), base64.as_str()).map_or(Self::Missing, Self::Known)
    }
}

/// What becomes of the file.
enum Fate {
    Keep,
    /// It is uploaded, or generated anew.
    Upload,
    /// That is not known yet.
    Open,
}

/// Refines the framework's plan.
pub(super) fn refine(provider: Option<&Configured>, plan: &mut Plan) -> Decision {
    if plan.action() == Action::Delete {
        return Decision::default();
    }
    plan_identity(provider, plan);
    let file = File::of(plan);
    let is_new = plan.action() == Action::Create || plan.replaces();
    let version = plan.config("content").get("version").clone();
    let is_new_version = is_new || !version.same(plan.prior("content").get("version"));
    if is_new && matches!(file, File::Missing) {
        plan.report(no_file());
    } else if is_new_version && !version.is_null() && matches!(file, File::Missing) {
        plan.report(version_without_file());
    }
    let before = match plan.prior("secrets").get(ENTRY).as_str() {
        Some(before) if !is_new => before.to_owned(),
        _ => String::new(),
    };
    let fate = fate(plan, &file, &before, is_new_version);
    let after = match file {
        File::Generated => Some(text::GENERATED),
        File::Unknown if plan.config("generate").is_unknown() => None,
        _ => Some(text::CONFIGURATION),
    };
    let entry = match (&fate, after) {
        (Fate::Keep, _) => Value::string(&before),
        (Fate::Upload, Some(after)) if before != after => Value::string(after),
        // The text stays, and something happens: Terraform would not call
        // apply.
        _ => Value::Unknown,
    };
    let end = match (&fate, &file) {
        (Fate::Keep, _) => plan.prior("validity_end_time").clone(),
        (_, File::Known(file)) => end_of(file).map_or(Value::Null, Value::string),
        _ => Value::Unknown,
    };
    if matches!(fate, Fate::Upload) && !is_new && entry.is_unknown() {
        plan.report(match file {
            File::Generated => generated_anew(),
            _ => new_file(!version.is_null()),
        });
    }
    for name in TOLD {
        let value = match (&fate, &file) {
            (Fate::Keep, _) => plan.prior(name).clone(),
            (_, File::Generated) => Value::Unknown,
            (_, File::Unknown) if plan.config("generate").is_unknown() => Value::Unknown,
            (Fate::Open, _) if !plan.prior(name).is_null() => Value::Unknown,
            _ => Value::Null,
        };
        plan.set(name, value);
    }
    plan.set(
        "secrets",
        Value::Map(BTreeMap::from([(ENTRY.to_owned(), entry)])),
    );
    plan.set("validity_end_time", end);
    Decision {
        uploads: matches!(fate, Fate::Upload),
    }
}

fn fate(plan: &Plan, file: &File, before: &str, is_new_version: bool) -> Fate {
    let version = plan.config("content").get("version");
    match (file, version) {
        (File::Missing, _) => Fate::Keep,
        (File::Generated, _) if is_current(before) && !plan.changes("generate") => Fate::Keep,
        (File::Generated, _) if is_current(before) && has_unknown(plan) => Fate::Open,
        (File::Generated, _) => Fate::Upload,
        (File::Unknown, _) if before.is_empty() => Fate::Upload,
        (File::Unknown, _) | (_, Value::Unknown) if is_current(before) => Fate::Open,
        // It can turn out to be null.
        (File::Unknown, _) => Fate::Open,
        (File::Known(_), _) if !is_current(before) => Fate::Upload,
        (File::Known(file), Value::Null) => {
            let record = Record::load(&plan.private);
            if record.confirms(file) {
                Fate::Keep
            } else {
                Fate::Upload
            }
        }
        (File::Known(_), _) if is_new_version => Fate::Upload,
        (File::Known(_), _) => Fate::Keep,
    }
}

/// Whether it is not known yet what to generate from: it can be what it was.
fn has_unknown(plan: &Plan) -> bool {
    !plan.config("generate").is_wholly_known()
}

/// Whether what SAP holds is what was written, as far as it tells.
fn is_current(before: &str) -> bool {
    !["", text::CHANGED].contains(&before)
}

fn generated_anew() -> Diagnostic {
    Diagnostic::warning(
        "Certificate will be generated anew",
        "`generate` is another one. This apply has SAP generate a new certificate, with a new \
         private key unless `csr` gives one. A recipient that trusts subject and issuer accepts it \
         as long as these stay; one that trusts the certificate itself has to learn the new one.",
    )
    .at(Path::attribute("generate"))
}

fn new_file(has_version: bool) -> Diagnostic {
    let why = if has_version {
        "The `version` in `content` is another one."
    } else {
        "The configured file is not the one that was uploaded last."
    };
    Diagnostic::warning(
        "File will be uploaded",
        format!("{why} This apply uploads it."),
    )
    .at(Path::attribute("content"))
}

pub(super) fn no_file() -> Diagnostic {
    Diagnostic::error(
        "Missing file",
        "A new certificate needs its file. Set `pem_wo` (PEM text) or `base64_wo` (any file in \
         base64) in `content`, or let SAP make it with `generate`.",
    )
    .at(Path::attribute("content"))
}

fn version_without_file() -> Diagnostic {
    Diagnostic::error(
        "Version without file",
        "`version` in `content` says that the file is new, but there is none. Give `content` the \
         file, or leave `version` as it was.",
    )
    .at(Path::attribute("content").then("version"))
}

#[cfg(test)]
mod tests {
    use super::super::super::attributes::object_with;
    use super::super::Certificate;
    use super::super::schema::DEFINITION;
    use super::*;
    use client::CertificateSource;
    use framework::plan::{Change, Planned};
    use framework::resource::DynResource;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";

    fn object(given: &[(&str, Value)]) -> Value {
        object_with(DEFINITION.schema, given)
    }

    fn content(pem: Value, version: Option<i64>) -> (&'static str, Value) {
        let version = version.map_or(Value::Null, |version| Value::Number(version.into()));
        let members = [
            ("pem_wo", pem),
            ("base64_wo", Value::Null),
            ("version", version),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value));
        ("content", Value::Object(members.into()))
    }

    fn planned(configured: (&'static str, Value), prior: &Value) -> (Planned, Decision) {
        let file = CertificateSource::File(CertificateFile::from_bytes(PEM.as_bytes()));
        let change = Change {
            config: object(&[("name", Value::string("a.pem")), configured]),
            prior: prior.clone(),
            private: Record::of(&file).unwrap().store(),
        };
        let mut planned = DynResource::plan(&Certificate, None, change);
        let decision = serde_json::from_value(planned.private.take_decision());
        (planned, decision.unwrap_or_default())
    }

    fn state(entry: &str, version: Option<i64>) -> Value {
        let secrets = Value::Map([(ENTRY.to_owned(), Value::string(entry))].into());
        object(&[
            ("name", Value::string("a.pem")),
            ("level", Value::string("subaccount")),
            ("id", Value::string("subaccount/a.pem")),
            content(Value::Null, version),
            ("secrets", secrets),
        ])
    }

    #[test]
    fn an_upload_is_named_and_nothing_else_is() {
        let pem = || Value::string(PEM);
        let other = || Value::string(PEM.replace("YQ", "YR"));
        let rows = [
            (
                "as uploaded",
                pem(),
                None,
                state(text::CONFIGURATION, None),
                text::CONFIGURATION,
                false,
            ),
            (
                "another file",
                other(),
                None,
                state(text::CONFIGURATION, None),
                "?",
                true,
            ),
            (
                "same version",
                other(),
                Some(1),
                state(text::CONFIGURATION, Some(1)),
                text::CONFIGURATION,
                false,
            ),
            (
                "new version",
                pem(),
                Some(2),
                state(text::CONFIGURATION, Some(1)),
                "?",
                true,
            ),
            (
                "replaced",
                pem(),
                Some(1),
                state(text::CHANGED, Some(1)),
                text::CONFIGURATION,
                true,
            ),
            (
                "not told",
                pem(),
                None,
                state(text::NOT_TOLD, None),
                text::NOT_TOLD,
                false,
            ),
            (
                "null",
                Value::Null,
                None,
                state(text::CHANGED, None),
                text::CHANGED,
                false,
            ),
            (
                "unknown",
                Value::Unknown,
                None,
                state(text::CONFIGURATION, None),
                "?",
                false,
            ),
            (
                "as found",
                pem(),
                None,
                state(text::FOUND, None),
                text::FOUND,
                false,
            ),
        ];
        for (name, pem, version, prior, entry, uploads) in rows {
            let (planned, decision) = planned(content(pem, version), &prior);
            assert!(!planned.diagnostics.has_errors(), "{name}");
            let shown = planned
                .state
                .get("secrets")
                .get(ENTRY)
                .as_str()
                .unwrap_or("?");
            assert_eq!((shown, decision.uploads), (entry, uploads), "{name}");
        }
    }

    #[test]
    fn a_new_certificate_needs_its_file() {
        for configured in [("content", Value::Null), content(Value::Null, None)] {
            let (planned, _) = planned(configured, &Value::Null);
            let error = planned.diagnostics.iter().next().unwrap();
            assert_eq!(error.summary, "Missing file");
        }
        let (planned, decision) = planned(content(Value::Unknown, None), &Value::Null);
        assert!(!planned.diagnostics.has_errors() && decision.uploads);
    }

    #[test]
    fn a_version_without_a_file_is_refused() {
        let prior = state(text::CONFIGURATION, Some(1));
        let (planned, _) = planned(content(Value::Null, Some(2)), &prior);
        let error = planned.diagnostics.iter().next().unwrap();
        assert_eq!(error.summary, "Version without file");
    }
}
