//! Registering an OMF tenant for Integration Monitoring, and offboarding it.
//!
//! Both are one call each with OMF's own token. SAP documents the offboarding
//! call only, so both can be configured ([`super::OrderManagementApi`]).

use std::time::Instant;

use http::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use url::Url;

use super::client::{Client, needed};
use super::config::ApiCall;
use super::context::Context;
use super::credentials::KeyKind;
use super::error::{Error, ErrorKind};
use super::http::{Answer, Request};
use super::retry::Repeat;

/// Statuses that mean a wrong request or a wrong caller, whatever the text says.
const HOPELESS: &[u16] = &[400, 401, 403, 405, 415];

/// Statuses of the offboarding call that always mean "not registered".
const GONE: [u16; 2] = [409, 410];

/// OMF's monitoring API with its service key.
#[derive(Clone, Debug)]
pub struct OrderManagement<'a> {
    client: &'a Client,
    endpoint: Url,
}

impl Client {
    /// SAP Order Management foundation's monitoring API.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingKey`] when no Order Management service key is
    /// configured, [`ErrorKind::UnusableKey`] when neither the key nor the
    /// configuration names the endpoint.
    pub fn order_management(&self) -> Result<OrderManagement<'_>, Error> {
        let key = self.config().order_management_key.as_ref();
        let key = needed(key, KeyKind::OrderManagement)?;
        let api = &self.config().order_management_api;
        let endpoint = match &api.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => key
                .endpoint(&api.endpoint_key)
                .map_err(|error| Error::new(ErrorKind::UnusableKey(error)))?,
        };
        Ok(OrderManagement {
            client: self,
            endpoint,
        })
    }
}

impl OrderManagement<'_> {
    /// Registers the tenant of the service key, and returns SAP's answer,
    /// shortened and without secrets. Doing it twice does no harm.
    ///
    /// OMF may see a changed destination only minutes later. So until
    /// `changing_until`, if given, an answer that plausibly says so is repeated
    /// more often than usual: a 422, a 424, or one that speaks of a destination.
    ///
    /// # Errors
    ///
    /// What OMF answered. A status in `already_registered_codes` is success.
    pub async fn register(
        &self,
        context: &Context,
        scope: Option<&str>,
        changing_until: Option<Instant>,
    ) -> Result<Option<String>, Error> {
        let api = &self.client.config().order_management_api;
        let mut request = self
            .request(&api.register)?
            .accepting(&api.already_registered_codes);
        if let Some(moment) = changing_until {
            request = request.patient(moment, misses_destination);
        }
        Ok(self.call(context, scope, request).await?.message())
    }

    /// Offboards the tenant of the service key. Doing it twice does no harm.
    ///
    /// 409, 410 and the statuses in `not_registered_codes` mean that it was not
    /// registered. A 404 is an error unless it is listed there, because it may as
    /// well mean a wrong path; except after an attempt whose answer was lost: that
    /// one found the path, and has done it.
    ///
    /// # Errors
    ///
    /// What OMF answered.
    pub async fn offboard(&self, context: &Context, scope: Option<&str>) -> Result<(), Error> {
        let api = &self.client.config().order_management_api;
        let request = self.request(&api.offboard)?;
        let request = request
            .accepting(&GONE)
            .accepting(&api.not_registered_codes);
        match self.call(context, scope, request).await {
            Err(error) if error.is_not_found() && error.maybe_processed => Ok(()),
            answer => answer.map(drop),
        }
    }

    async fn call(
        &self,
        context: &Context,
        scope: Option<&str>,
        request: Request,
    ) -> Result<Answer, Error> {
        let operation = self.client.http.operation(context);
        self.client
            .call(&operation, KeyKind::OrderManagement, scope, request)
            .await
    }

    /// Doing either call twice does no harm.
    fn request(&self, call: &ApiCall) -> Result<Request, Error> {
        let api = &self.client.config().order_management_api;
        let url = call.url(&self.endpoint).ok_or_else(|| {
            Error::new(ErrorKind::Setup).with_message("the configured path is not usable")
        })?;
        let mut request = Request::new(call.method.clone(), url).repeat(Repeat::Idempotent);
        if call.body.is_some() {
            request = request.body(content_type(call.text()), call.text());
        }
        for (name, value) in &api.headers {
            // The configuration has been checked, so both parse.
            if let (Ok(name), Ok(mut value)) = (
                HeaderName::try_from(name),
                HeaderValue::try_from(value.expose_secret()),
            ) {
                value.set_sensitive(true);
                request = request.header(name, value);
            }
        }
        Ok(request)
    }
}

/// Whether an answer plausibly means that the service does not see the
/// destination as it is now. Nothing that went wrong on the way does.
fn misses_destination(error: &Error) -> bool {
    let Some(status) = error.status.filter(|_| error.kind == ErrorKind::Status) else {
        return false;
    };
    let speaks_of_it = error
        .message
        .as_deref()
        .is_some_and(|text| text.to_ascii_lowercase().contains("destination"));
    !HOPELESS.contains(&status) && (speaks_of_it || matches!(status, 422 | 424))
}

fn content_type(body: &str) -> &'static str {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
    if is_json {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock as _;
    use crate::testing::{Reply, Server, TestClient, answer, test_client};
    use crate::{Config, OrderManagementKey};

    const SCOPE: Option<&str> = Some("app!b1.IntegrationMonitoring");

    async fn register(test: &TestClient, until: Option<Instant>) -> Result<Option<String>, Error> {
        let api = test.client.order_management().unwrap();
        api.register(&test.context, SCOPE, until).await
    }

    async fn offboard(test: &TestClient) -> Result<(), Error> {
        test.client
            .order_management()
            .unwrap()
            .offboard(&test.context, SCOPE)
            .await
    }

    #[tokio::test]
    async fn register_and_offboard_are_posts_with_the_scopes_token() {
        let server = Server::script([
            answer(
                200,
                r#"{"message":"Registration was successful top$secret="}"#,
            ),
            answer(204, ""),
        ])
        .await;
        let test = server.client();
        let registered = register(&test, None).await.unwrap();
        assert_eq!(
            registered.as_deref(),
            Some("Registration was successful (hidden)")
        );
        offboard(&test).await.unwrap();

        let calls = server.calls();
        assert_eq!(
            (calls[0].method.as_str(), calls[0].target.as_str()),
            ("POST", "/monitoring/registration")
        );
        assert_eq!(
            (calls[1].method.as_str(), calls[1].target.as_str()),
            ("POST", "/monitoring")
        );
        assert!(calls.iter().all(|call| call.body.is_empty()));
        assert!(
            server.all()[0]
                .body
                .ends_with("&scope=app%21b1.IntegrationMonitoring")
        );
    }

    #[tokio::test]
    async fn every_part_of_both_calls_can_be_set() {
        let server = Server::script([answer(200, ""), answer(200, "")]).await;
        let mut config = server.config();
        let api = &mut config.order_management_api;
        api.endpoint = Some(Url::parse(&server.url).unwrap());
        api.register.method = http::Method::PUT;
        api.register.path = "/other/path?mode=full".to_owned();
        api.register.body = Some(r#"{"a":1}"#.into());
        api.offboard.body = Some("plain".into());
        api.headers.insert("X-Own".to_owned(), "value".into());
        let test = test_client(config);
        register(&test, None).await.unwrap();
        offboard(&test).await.unwrap();
        let calls = server.calls();
        assert_eq!(
            (calls[0].method.as_str(), calls[0].target.as_str()),
            ("PUT", "/other/path?mode=full")
        );
        assert_eq!(calls[0].body, r#"{"a":1}"#);
        assert_eq!(calls[0].header("content-type"), Some("application/json"));
        assert_eq!(calls[0].header("x-own"), Some("value"));
        assert_eq!(calls[1].target, "/");
        assert_eq!(
            calls[1].header("content-type"),
            Some("text/plain; charset=utf-8")
        );
    }

    #[tokio::test]
    async fn statuses_in_the_lists_are_success() {
        let server = Server::script([
            answer(409, "already there"),
            answer(410, ""),
            answer(404, ""),
        ])
        .await;
        let mut config = server.config();
        config.order_management_api.not_registered_codes = vec![404];
        let test = test_client(config);
        let registered = register(&test, None).await.unwrap();
        assert_eq!(registered.as_deref(), Some("already there"));
        offboard(&test).await.unwrap();
        offboard(&test).await.unwrap();
    }

    #[tokio::test]
    async fn listed_status_of_a_router_or_a_page_is_no_success() {
        let server = Server::script([
            answer(404, "").with("X-Cf-Routererror", "unknown_route"),
            answer(404, "<html></html>"),
            answer(200, "<html></html>"),
        ])
        .await;
        let mut config = server.config();
        config.order_management_api.not_registered_codes = vec![404];
        let test = test_client(config);
        for _ in 0..3 {
            assert!(offboard(&test).await.is_err());
        }
    }

    #[tokio::test]
    async fn offboarding_404_is_an_error_by_default() {
        let server = Server::script([answer(404, "Not Found")]).await;
        let error = offboard(&server.client()).await.unwrap_err();
        assert!(error.is_not_found_by_other());
    }

    const MISSED: &str = r#"{"message":"The destination CloudALM was not found"}"#;

    #[tokio::test]
    async fn a_wrong_request_fails_at_once_even_within_the_window() {
        let named = [400, 403, 405, 415].map(|status| answer(status, MISSED));
        let silent = [404, 409, 428].map(|status| answer(status, "no"));
        for reply in named.into_iter().chain(silent) {
            let server = Server::script([reply.clone()]).await;
            let mut config = server.config();
            config.order_management_api.already_registered_codes = Vec::new();
            let test = test_client(config);
            let until = test.clock.now() + Duration::from_mins(5);
            let error = register(&test, Some(until)).await.unwrap_err();
            assert_eq!((error.attempts, error.was_patient), (1, false), "{reply:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_about_an_unseen_destination_is_repeated_within_the_window() {
        let replies = [
            answer(424, ""),
            answer(422, ""),
            answer(404, MISSED),
            answer(500, MISSED),
            answer(502, MISSED),
            answer(424, ""),
            answer(424, ""),
            answer(200, "ok"),
        ];
        let server = Server::script(replies).await;
        let test = server.client();
        let until = test.clock.now() + Duration::from_mins(5);
        assert!(register(&test, Some(until)).await.is_ok());
        assert_eq!(server.calls().len(), 8);

        let server = Server::script(vec![answer(424, "wait"); 200]).await;
        let test = server.client();
        let began = test.clock.now();
        let until = began + Duration::from_mins(5);
        let error = register(&test, Some(until)).await.unwrap_err();
        assert_eq!(error.status, Some(424));
        assert!(error.was_patient && error.attempts > 15, "{error:?}");
        assert!(error.attempts <= 25);
        assert!(test.clock.now() - began < Duration::from_mins(6));
    }

    /// What nobody answered, a router, a page or a failure of the service say
    /// nothing about the destination.
    #[tokio::test]
    async fn whatever_cannot_be_about_the_destination_has_the_usual_retries() {
        let replies = [
            Reply::Close,
            answer(500, "oops"),
            answer(502, "<html>destination</html>"),
            answer(503, MISSED).with("X-Cf-Routererror", "endpoint_failure"),
        ];
        for reply in replies {
            for max_retries in [0, 2] {
                let server = Server::script(vec![reply.clone(); 30]).await;
                let mut config = server.config();
                config.retry.max_retries = max_retries;
                let test = test_client(config);
                let until = test.clock.now() + Duration::from_mins(5);
                let error = register(&test, Some(until)).await.unwrap_err();
                assert_eq!(error.attempts, max_retries + 1, "{reply:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_404_after_a_lost_answer_is_the_end_of_an_offboarding() {
        let server = Server::script([Reply::Close, answer(404, "not registered")]).await;
        offboard(&server.client()).await.unwrap();
        let router = answer(404, "").with("X-Cf-Routererror", "unknown_route");
        let server = Server::script([Reply::Close, router]).await;
        assert!(offboard(&server.client()).await.is_err());
    }

    #[tokio::test]
    async fn without_a_window_the_usual_retries_hold() {
        let server = Server::script(vec![answer(424, "wait"); 9]).await;
        assert!(register(&server.client(), None).await.is_err());
        assert_eq!(server.calls().len(), 1);
        let server = Server::script(vec![Reply::Close; 9]).await;
        let error = register(&server.client(), None).await.unwrap_err();
        assert!(error.maybe_processed);
        assert_eq!(server.calls().len(), 5);
    }

    #[test]
    fn key_without_endpoint_needs_one_in_the_configuration() {
        let json = r#"{"clientid":"c","clientsecret":"s","url":"https://t.example"}"#;
        let mut config = Config {
            order_management_key: Some(OrderManagementKey::parse(json).unwrap()),
            ..Config::default()
        };
        let client = Client::new(config.clone()).unwrap();
        let error = client.order_management().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the Order Management service key has no `endpoints.integration-monitoring-api`"
        );
        config.order_management_api.endpoint = Some(Url::parse("https://m.example/x").unwrap());
        let client = Client::new(config).unwrap();
        let api = client.order_management().unwrap();
        let url = |call| ApiCall::url(call, &api.endpoint).unwrap().to_string();
        let calls = crate::OrderManagementApi::default();
        assert_eq!(url(&calls.register), "https://m.example/x/registration");
        assert_eq!(url(&calls.offboard), "https://m.example/x");
    }
}
