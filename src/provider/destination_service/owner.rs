//! Whose object: the subaccount, and on the level `instance` the service
//! instance, that the token of the Destination service key acts for.
//!
//! The same name elsewhere is another object, so nothing is called before the
//! owner that plan or state tell was compared with the one of the token.

use client::{Context, KeyKind, Level};
use framework::diagnostics::{Diagnostic, Diagnostics};

use crate::provider::configured::Configured;
use crate::provider::diagnostics::{Call, failed};
use crate::provider::keys::nobody_says;

/// Subaccount and service instance, as far as somebody says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) subaccount_id: Option<String>,
    /// For the level `instance` only.
    pub(crate) instance_id: Option<String>,
}

impl Owner {
    /// Whom the Destination service key acts for: its token says so, else the key
    /// itself. What neither says is as expected; with a warning where nobody
    /// names the subaccount.
    ///
    /// An error where it is not whom `object`, such as a destination with its
    /// id, belongs to, or not among the provider's `allowed_subaccount_ids`; and
    /// where nobody says it and something is to be written that has an owner.
    pub(crate) async fn of(
        provider: &Configured,
        context: &Context,
        level: Level,
        (object, call): (&str, Call),
        expected: &Self,
    ) -> Result<(Self, Diagnostics), Diagnostic> {
        let kind = KeyKind::Destination;
        let token = provider.client().token(context, kind, None).await;
        let claims = &token.map_err(|error| failed(call, &error))?.claims;
        let told = claims.subaccount_id.as_deref();
        let told = told.or_else(|| provider.subaccount_in_key());
        provider.check_told(kind, told, call)?;
        if told.is_none() && call.is_write() && expected.subaccount_id.is_some() {
            let why = format!("the {object} belongs to a known one");
            return Err(nobody_says(kind, &why));
        }
        let told = told.map(str::to_owned);
        let instance = claims.instance_id.as_ref();
        let instance = instance.filter(|_| level == Level::Instance);
        let agreed =
            |what, expected: &Option<String>, actual: Option<&String>| match (expected, actual) {
                (Some(expected), Some(actual)) if !expected.eq_ignore_ascii_case(actual) => {
                    Err(wrong_owner(object, what, expected, actual))
                }
                _ => Ok(actual.or(expected.as_ref()).cloned()),
            };
        let owner = Self {
            subaccount_id: agreed("subaccount", &expected.subaccount_id, told.as_ref())?,
            instance_id: agreed("service instance", &expected.instance_id, instance)?,
        };
        let is_silent = told.is_none() && provider.first_time("key without subaccount");
        Ok((owner, is_silent.then(silent_key).into()))
    }
}

fn wrong_owner(object: &str, what: &str, expected: &str, actual: &str) -> Diagnostic {
    let summary = match what {
        "subaccount" => "Service key of another subaccount",
        _ => "Service key of another service instance",
    };
    Diagnostic::error(
        summary,
        format!(
            "The {object} belongs to the {what} `{expected}`, but the token of the provider's \
             `destination_service_key` acts for the {what} `{actual}`. Nothing was read or \
             changed.\n\n\
             Give the provider the key it had before. To manage the {kind} of the other {what} \
             instead, remove this one from the state (`removed` block or `terraform state rm`) \
             and import the other. Where a new object is planned, the key itself says another \
             {what} than its token: name the right one as the only one in the provider's \
             `allowed_subaccount_ids`.",
            kind = object.split(' ').next().unwrap_or(object),
        ),
    )
}

fn silent_key() -> Diagnostic {
    Diagnostic::warning(
        "Unknown subaccount",
        "Neither the Destination service key nor its token says for which subaccount it acts. It \
         cannot be checked that the key belongs to the objects in the state.",
    )
}
