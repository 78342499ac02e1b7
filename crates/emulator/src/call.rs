//! A request and its answer as the emulated services see them: read in full,
//! path and query decoded, without anything of the HTTP library.

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use hyper::body::Bytes;
use percent_encoding::percent_decode_str;
use rustls_pki_types::CertificateDer;
use serde::Serialize;
use serde_json::Value;

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path as it was sent, percent-encoded.
    pub(crate) path: String,
    /// The query as it was sent; empty when there is none.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The client certificate of the connection.
    pub(crate) certificate: Option<CertificateDer<'static>>,
}

impl Call {
    /// The decoded path segments. They are decoded one by one, so that an
    /// encoded `/` stays inside its segment.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .skip(1)
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// The query as decoded pairs, in order.
    pub(crate) fn query_pairs(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .collect()
    }

    /// The body as a decoded form; empty when the content type is another.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        if !self.content_type_is("application/x-www-form-urlencoded") {
            return Vec::new();
        }
        url::form_urlencoded::parse(&self.body)
            .into_owned()
            .collect()
    }

    /// Whether the media type is this one, parameters such as `charset` aside.
    pub(crate) fn content_type_is(&self, media_type: &str) -> bool {
        self.header("content-type")
            .and_then(|value| value.split(';').next())
            .is_some_and(|value| value.trim().eq_ignore_ascii_case(media_type))
    }

    /// A header that is readable text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What follows `<scheme> ` in the `Authorization` header.
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (found, rest) = self.header("authorization")?.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then_some(rest.trim())
    }

    /// Path and query as they were sent.
    pub(crate) fn path_and_query(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }
}

/// The value of the first pair with this name.
pub(crate) fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.as_str())
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// An answer without body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// An answer in plain text.
    pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Self {
        let mut reply = Self::empty(status).with_header(CONTENT_TYPE, "text/plain;charset=UTF-8");
        reply.body = Bytes::from(text.into());
        reply
    }

    /// An answer in JSON.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        let mut reply = Self::empty(status).with_header(CONTENT_TYPE, "application/json");
        // Our own types serialise; `Null` would be the visible sign that one does not.
        let body = serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec());
        reply.body = Bytes::from(body);
        reply
    }

    /// The same answer with one more header. A value that no header can hold is left out.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// Why a service does not do what it was asked for. Each service renders it in
/// its own form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// What is said about a name that is not there.
    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Configuration with the specified name was not found",
        )
    }

    /// What is said to a token of another service.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
    }
}

/// An answer or a refusal.
pub(crate) type Outcome = Result<Reply, Refusal>;

/// Parses a JSON body that was declared as such.
pub(crate) fn json_body(call: &Call) -> Result<Value, Refusal> {
    if !call.content_type_is("application/json") {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported Media Type",
        ));
    }
    serde_json::from_slice(&call.body)
        .map_err(|_| Refusal::bad_request("The request body is not valid JSON"))
}

/// What the platform's router answers where no application runs.
pub(crate) fn router_not_found(host: &str) -> Reply {
    Reply::text(
        StatusCode::NOT_FOUND,
        format!("404 Not Found: Requested route ('{host}') does not exist.\n"),
    )
    .with_header(HeaderName::from_static("x-cf-routererror"), "unknown_route")
}
