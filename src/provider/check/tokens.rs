//! The rows of the service keys and of the tokens that they buy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::{Context, Error, KeyKind, OAuthClient, OrderManagementKey, Proof, Refusal, Token};

use super::super::configured::{Configured, Key};
use super::super::diagnostics::Call;
use super::super::keys::{attribute, variable};
use super::super::registration::SCOPE_SUFFIX;
use super::row::{Row, Text, Topic};
use super::topics;

/// An x509 key that ends sooner is worth a word.
const SOON: Duration = Duration::from_hours(48);

/// What to do about a key of a subaccount that is not to be touched.
const NOT_ALLOWED: &str = "Give the provider the key of an allowed subaccount, or add this one to \
                           `allowed_subaccount_ids`. Nothing was read with this key.";

/// Service keys that cannot be read: what is wrong with them, and what to do.
pub(crate) type Unusable = BTreeMap<KeyKind, (String, String)>;

/// What a service key gives access to.
#[derive(Default)]
pub(super) struct Access {
    /// The key's row and the token's.
    pub(super) rows: Vec<Row>,
    pub(super) token: Option<Arc<Token>>,
    /// The tenant that the key itself names.
    key_tenant: Option<String>,
    /// There is no token with the scope that was asked for.
    is_scope_refused: bool,
}

/// A service key that is looked at, with the topics of it and of its token.
pub(super) struct Asked {
    kind: KeyKind,
    key: &'static Topic,
    token: &'static Topic,
}

pub(super) static DESTINATION: Asked = Asked {
    kind: KeyKind::Destination,
    key: &topics::DESTINATION_KEY,
    token: &topics::DESTINATION_TOKEN,
};
pub(super) static ORDER_MANAGEMENT: Asked = Asked {
    kind: KeyKind::OrderManagement,
    key: &topics::ORDER_MANAGEMENT_KEY,
    token: &topics::ORDER_MANAGEMENT_TOKEN,
};
pub(super) static CLOUD_ALM: Asked = Asked {
    kind: KeyKind::CloudAlm,
    key: &topics::CLOUD_ALM_KEY,
    token: &topics::CLOUD_ALM_TOKEN,
};

impl Access {
    /// Reads the key, and buys a token with this scope; without one, and where it is
    /// refused, with all the scopes that there are.
    pub(super) async fn by(
        provider: &Configured,
        context: &Context,
        unusable: &Unusable,
        asked: &Asked,
        scope: Option<&str>,
    ) -> Self {
        let (kind, topic) = (asked.kind, asked.token);
        let mut access = Self::default();
        match key(provider, unusable, asked) {
            Ok((row, tenant)) => {
                access.rows.push(row);
                access.key_tenant = tenant;
            }
            Err(row) => {
                let why = Text::new("without the key there is none");
                access.rows = vec![row, topic.not_tried(why)];
                return access;
            }
        }
        let (mut token, mut took) = buy(provider, context, kind, scope).await;
        access.is_scope_refused = scope.is_some()
            && matches!(&token, Err(error)
                if matches!(error.token_refusal(), Some(Refusal::InvalidScope { .. })));
        if access.is_scope_refused {
            (token, took) = buy(provider, context, kind, None).await;
        }
        let row = match token {
            Err(error) => topic.error(Call::FetchToken(kind), &error),
            Ok(token) => {
                if let Some(text) = not_allowed(provider, kind, &token) {
                    topic.failed(text).advise(NOT_ALLOWED)
                } else {
                    let row = of_token(topic, kind, &token);
                    access.token = Some(token);
                    row
                }
            }
        };
        access.rows.push(row.taking(took));
        access
    }

    /// The tenant that the key acts for.
    pub(super) fn tenant(&self) -> Option<String> {
        let token = self.token.as_ref();
        let told = token.and_then(|token| token.claims.tenant.clone());
        told.or_else(|| self.key_tenant.clone())
    }

    /// The subaccount that the token acts for.
    pub(super) fn subaccount(&self) -> Option<String> {
        self.token.as_ref()?.claims.subaccount_id.clone()
    }
}

/// A token, or why there is none, and how long that took.
async fn buy(
    provider: &Configured,
    context: &Context,
    kind: KeyKind,
    scope: Option<&str>,
) -> (Result<Arc<Token>, Error>, Duration) {
    let client = provider.client();
    let began = client.now();
    let token = client.token(context, kind, scope).await;
    (token, client.now().saturating_duration_since(began))
}

/// The row of a key, with the tenant that it names. The error is the row of one
/// that cannot be used.
fn key(
    provider: &Configured,
    unusable: &Unusable,
    asked: &Asked,
) -> Result<(Row, Option<String>), Row> {
    let (kind, topic) = (asked.kind, asked.key);
    if let Some((problem, advice)) = unusable.get(&kind) {
        return Err(topic.failed(with_names(problem)).advise(advice.clone()));
    }
    let why = match (provider.key(kind), oauth(provider, kind)) {
        (Key::Known, Some(oauth)) => {
            return Ok((of_key(provider, topic, oauth), oauth.tenant_id.clone()));
        }
        (Key::Unknown, _) => "known only after another change of this run is applied".to_owned(),
        _ => format!("no key: set `{}` or `{}`", attribute(kind), variable(kind)),
    };
    Err(topic.not_tried(Text::new(why)))
}

/// Members of service keys that SAP documents, or that this provider looks for.
const MEMBERS: [&str; 13] = [
    "Api",
    "certificate",
    "certurl",
    "clientid",
    "clientsecret",
    "credentials",
    "endpoints",
    "integration-monitoring-api",
    "key",
    "tokenurl",
    "uaa",
    "uri",
    "url",
];

/// A problem of a key: what is quoted in it may be a name of the customer's.
fn with_names(problem: &str) -> Text {
    let is_member = |quoted: &str| quoted.split('.').all(|part| MEMBERS.contains(&part));
    let parts = problem.split('`').enumerate();
    parts.fold(Text::default(), |text, (number, part)| match number % 2 {
        0 => text.and(part),
        _ => text.name(part, is_member(part)),
    })
}

fn oauth(provider: &Configured, kind: KeyKind) -> Option<&OAuthClient> {
    provider.client().config().oauth(kind)
}

fn of_key(provider: &Configured, topic: &'static Topic, oauth: &OAuthClient) -> Row {
    let expiry = oauth.certificate_expiry();
    let text = match (&oauth.proof, expiry) {
        (Proof::Secret(_), _) => Text::new("client secret"),
        (_, Some(end)) => Text::new(format!("x509, valid until {end}")),
        (_, None) => Text::new("x509"),
    };
    let text = match oauth.block.as_deref() {
        None => text.and(" at the top"),
        Some("uaa") => text.and(" in `uaa`"),
        Some(other) => text.and(" in ").name(other, false),
    };
    let text = match &oauth.identity_zone {
        Some(zone) => text.and("; subdomain ").private(zone, "subdomain"),
        None => text,
    };
    let soon = provider.client().wall() + SOON;
    match expiry {
        Some(end) if end <= soon => topic
            .note(text)
            .advise("Make a new service key before the certificate of this one ends."),
        _ => topic.ok(text),
    }
}

/// Why nothing may be read with a key, by its own word or that of its token. That
/// of Cloud ALM is of another subaccount.
fn not_allowed(provider: &Configured, kind: KeyKind, token: &Token) -> Option<Text> {
    let of_token = token.claims.subaccount_id.as_deref();
    let of_key = oauth(provider, kind).and_then(|key| key.subaccount_id.as_deref());
    let mut told = [of_token, of_key].into_iter().flatten();
    let refused = told.find(|id| provider.check_subaccount(id).is_err());
    let subaccount = refused.filter(|_| kind != KeyKind::CloudAlm)?;
    let text = Text::new("acts for the subaccount ").private(subaccount, "subaccount id");
    Some(text.and(", which is not among `allowed_subaccount_ids`"))
}

fn of_token(topic: &'static Topic, kind: KeyKind, token: &Token) -> Row {
    let claims = &token.claims;
    let mut text = Text::new(format!("valid for {}", length(token.lifetime)));
    let parts = [
        ("subaccount", "subaccount id", &claims.subaccount_id),
        ("tenant", "tenant id", &claims.tenant),
    ];
    for (what, stands_for, id) in parts {
        let is_news = what == "subaccount" || claims.subaccount_id != claims.tenant;
        if let Some(id) = id.as_ref().filter(|_| is_news) {
            text = text.and(format!("; {what} ")).private(id, stands_for);
        }
    }
    let silent = match kind {
        KeyKind::Destination => claims.subaccount_id.is_none(),
        KeyKind::OrderManagement => claims.tenant.is_none(),
        // Nothing of it is checked, or it is not looked at here.
        KeyKind::CloudAlm | KeyKind::JobScheduling => false,
    };
    if silent {
        return topic
            .note(text.and("; does not tell whom it acts for"))
            .advise(
                "That a key is one of the right subaccount or tenant cannot be checked then; \
             `tenantid` in the service key is taken instead.",
            );
    }
    topic.ok(text)
}

/// A duration in the largest unit that fits.
fn length(time: Duration) -> String {
    match time.as_secs() + 1 {
        seconds if seconds >= 7_200 => format!("{} h", seconds / 3_600),
        seconds if seconds >= 120 => format!("{} min", seconds / 60),
        _ => format!("{} s", time.as_secs()),
    }
}

/// The scope that registering asks for.
pub(super) fn wanted_scope(provider: &Configured) -> Option<String> {
    let key = provider.client().config().order_management_key.as_ref();
    key.and_then(OrderManagementKey::default_scope)
}

/// Whether the token that registering would use has that scope.
pub(super) fn scope(access: &Access, wanted: Option<&str>) -> Row {
    let topic = &topics::SCOPE;
    let Some(token) = &access.token else {
        return topic.not_tried(Text::new("no token to look at"));
    };
    let granted = &token.granted_scopes;
    if !access.is_scope_refused
        && wanted.is_some_and(|wanted| granted.iter().any(|scope| scope == wanted))
    {
        return topic.ok(Text::new(format!(
            "`{{xsappname}}{SCOPE_SUFFIX}` is granted"
        )));
    }
    let how = match access.is_scope_refused {
        true => "refused (400 `invalid_scope`)",
        false => "not granted",
    };
    let what = match wanted {
        Some(_) => Text::new(format!("`{{xsappname}}{SCOPE_SUFFIX}` is {how}")),
        None => Text::new("the key has no `xsappname`"),
    };
    match granted.iter().find(|scope| scope.ends_with(SCOPE_SUFFIX)) {
        Some(other) => {
            let begins = other.strip_suffix(SCOPE_SUFFIX).unwrap_or_default();
            let what = what.and("; granted is `").private(begins, "another name");
            topic.note(what.and(format!("{SCOPE_SUFFIX}`"))).advise(
                "Set `scope` of `sapcalm_registration` to the one that is granted, or to `\"\"`, \
                 which asks for all.",
            )
        }
        None => topic
            .failed(what.and(format!("; none of {} granted ends so", granted.len())))
            .advise(
                "Make a new service key of Order Management: one that is older than the scope may \
                 lack it.",
            ),
    }
}

/// Order Management reads the destination in its own subaccount.
pub(super) fn one_subaccount(destination: &Access, order_management: &Access) -> Row {
    let topic = &topics::ONE_SUBACCOUNT;
    match (destination.subaccount(), order_management.subaccount()) {
        (Some(one), Some(other)) if one == other => topic.ok(Text::new("the same")),
        (Some(one), Some(other)) => {
            let text = Text::new("Destination key of ").private(&one, "one subaccount");
            let text = text
                .and(", Order Management key of ")
                .private(&other, "another");
            topic.failed(text).advise(
                "Use service keys of the same subaccount: Order Management reads the destination \
                 in its own.",
            )
        }
        _ => topic.not_tried(Text::new("no two tokens that tell it")),
    }
}

/// The member of `endpoints` that is called.
pub(super) fn endpoint(provider: &Configured, order_management: &Access) -> Row {
    let topic = &topics::ENDPOINT;
    let config = provider.client().config();
    let api = &config.order_management_api;
    if let Some(endpoint) = &api.endpoint {
        let text = Text::new("set by `order_management_api.endpoint`: ");
        return topic.ok(text.private(&place(endpoint), "URL"));
    }
    let known = provider.key(KeyKind::OrderManagement) == Key::Known;
    let Some(key) = config.order_management_key.as_ref().filter(|_| known) else {
        let why = order_management
            .rows
            .first()
            .map(|row| row.observed.clone());
        return topic.not_tried(why.unwrap_or_default());
    };
    match key.endpoint(&api.endpoint_key) {
        Ok(url) => topic
            .ok(Text::new(format!("`endpoints.{}`: ", api.endpoint_key))
                .private(&place(&url), "URL")),
        Err(error) => {
            let mut names: Vec<&str> = key.endpoint_names().collect();
            names.sort_unstable();
            let none = format!("none named `{}`; the key has", api.endpoint_key);
            let text = match names.as_slice() {
                [] => format!("{none} no `endpoints`"),
                names if names.contains(&&*api.endpoint_key) => error.problem.to_string(),
                names => format!("{none} `{}`", names.join("`, `")),
            };
            topic.failed(Text::new(text)).advise(
                "Set `order_management_api.endpoint_key` to the name of the endpoint for \
                 monitoring, or `order_management_api.endpoint` to its URL.",
            )
        }
    }
}

/// A URL without its query.
fn place(url: &url::Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
