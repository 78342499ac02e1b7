//! Registering an OMF tenant for Integration Monitoring, and offboarding it.
//!
//! Both are one call each with OMF's own token. SAP documents the offboarding
//! call only, so both can be configured ([`super::OrderManagementApi`]).

use std::time::Instant;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::config::ApiCall;
use super::credentials::{KeyKind, OrderManagementKey};
use super::error::{Error, ErrorKind};
use super::http::Request;
use super::{Called, Client, Context};

/// Statuses that registering again cannot cure.
const HOPELESS: &[u16] = &[400, 401, 403, 404, 405, 415];

/// Statuses of the offboarding call that always mean "not registered".
const GONE: [u16; 2] = [409, 410];

/// OMF's monitoring API with its service key.
#[derive(Clone, Debug)]
pub struct OrderManagement<'a> {
    client: &'a Client,
    key: &'a OrderManagementKey,
    endpoint: Url,
}

/// What came of a registration call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The HTTP status.
    pub status: u16,
    /// The tenant was registered before.
    pub already: bool,
    /// SAP's answer, shortened and without secrets.
    pub message: Option<String>,
    /// The scopes of the token the call was made with.
    pub granted_scopes: Vec<String>,
}

/// What came of an offboarding call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offboarded {
    /// The HTTP status.
    pub status: u16,
    /// The tenant was not registered, by SAP's word.
    pub already: bool,
    /// SAP's answer, shortened and without secrets.
    pub message: Option<String>,
}

impl<'a> OrderManagement<'a> {
    pub(crate) fn new(client: &'a Client, key: &'a OrderManagementKey) -> Result<Self, Error> {
        let api = &client.config().order_management_api;
        let endpoint = match &api.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => key
                .endpoint(&api.endpoint_key)
                .map_err(|error| Error::new(ErrorKind::UnusableKey(error)))?,
        };
        Ok(Self {
            client,
            key,
            endpoint,
        })
    }

    /// Registers the tenant of the service key. Doing it twice does no harm.
    ///
    /// The statuses 400, 401, 403, 404, 405 and 415 fail at once. Any other
    /// failure is repeated until `retry_until`, if given: OMF may see a changed
    /// destination only minutes later. Otherwise the usual retries hold.
    ///
    /// # Errors
    ///
    /// What OMF answered. A status in `already_registered_codes` is success.
    pub async fn register(
        &self,
        context: &Context,
        scope: Option<&str>,
        retry_until: Option<Instant>,
    ) -> Result<Registered, Error> {
        let api = &self.client.config().order_management_api;
        let mut request = self
            .request(&api.register)?
            .accepting(&api.already_registered_codes);
        request = match retry_until {
            Some(moment) => request.repeatable().until(moment, HOPELESS),
            None => request.repeatable(),
        };
        let called = self.call(context, scope, request).await?;
        Ok(Registered {
            status: called.answer.status,
            already: !is_success(called.answer.status),
            message: called.answer.message(),
            granted_scopes: called.token.granted_scopes().to_vec(),
        })
    }

    /// Offboards the tenant of the service key. Doing it twice does no harm.
    ///
    /// 409, 410 and the statuses in `not_registered_codes` mean that it was not
    /// registered. A 404 is an error unless it is listed there: it may as well
    /// mean a wrong path.
    ///
    /// # Errors
    ///
    /// What OMF answered.
    pub async fn offboard(
        &self,
        context: &Context,
        scope: Option<&str>,
    ) -> Result<Offboarded, Error> {
        let api = &self.client.config().order_management_api;
        let gone: Vec<u16> = GONE
            .iter()
            .chain(&api.not_registered_codes)
            .copied()
            .collect();
        let request = self.request(&api.offboard)?.accepting(&gone).repeatable();
        let called = self.call(context, scope, request).await?;
        Ok(Offboarded {
            status: called.answer.status,
            already: !is_success(called.answer.status),
            message: called.answer.message(),
        })
    }

    /// The URL that registering calls, for messages.
    ///
    /// # Errors
    ///
    /// When the configured path does not fit the endpoint.
    pub fn register_url(&self) -> Result<Url, Error> {
        self.url(&self.client.config().order_management_api.register)
    }

    /// The URL that offboarding calls, for messages.
    ///
    /// # Errors
    ///
    /// When the configured path does not fit the endpoint.
    pub fn offboard_url(&self) -> Result<Url, Error> {
        self.url(&self.client.config().order_management_api.offboard)
    }

    async fn call(
        &self,
        context: &Context,
        scope: Option<&str>,
        request: Request,
    ) -> Result<Called, Error> {
        let operation = self.client.http.operation(context);
        self.client
            .call(&operation, KeyKind::OrderManagement, scope, request)
            .await
    }

    fn url(&self, call: &ApiCall) -> Result<Url, Error> {
        call.url(&self.endpoint).ok_or_else(|| {
            Error::new(ErrorKind::Setup).with_message("the configured path is not usable")
        })
    }

    fn request(&self, call: &ApiCall) -> Result<Request, Error> {
        let api = &self.client.config().order_management_api;
        let mut request = Request::new(call.method.clone(), self.url(call)?)
            .masking(self.key.oauth().secrets())
            .masking(api.headers.values().map(String::as_str))
            .masking(call.body.as_deref());
        if let Some(body) = &call.body {
            request = request.body(content_type(body), body.as_str());
        }
        for (name, value) in &api.headers {
            // The configuration has been checked, so both parse.
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                request = request.header(name, value);
            }
        }
        Ok(request)
    }
}

fn content_type(body: &str) -> &'static str {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
    if is_json {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}
