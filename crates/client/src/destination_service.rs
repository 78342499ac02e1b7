//! What the two collections of the Destination service have in common:
//! destinations, and the certificates that they name. Both live on two levels, are
//! addressed by their name, and are gone by SAP's own word only.

use std::future::Future;

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::client::{Client, needed};
use super::context::Context;
use super::credentials::{DestinationKey, KeyKind};
use super::error::{Error, ErrorKind};
use super::http::{Answer, Operation, Request, below};
use super::level::Level;
use super::told::AtMost;

/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One of the two collections, for who treats both alike.
pub trait Collection: Copy + Send + Sync {
    /// What is in it.
    type Object: Send;

    /// Finds one object.
    ///
    /// `None` only by SAP's own word: a list without it, or a 404 with SAP's
    /// `ErrorMessage`.
    ///
    /// # Errors
    ///
    /// Everything else that is no such object.
    fn find(
        self,
        context: &Context,
        level: Level,
        name: &str,
    ) -> impl Future<Output = Result<Option<Self::Object>, Error>> + Send;

    /// Deletes an object. One that is gone already is success.
    ///
    /// # Errors
    ///
    /// What SAP answered, for example that it is used by another one.
    fn delete(
        self,
        context: &Context,
        level: Level,
        name: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The service with its key, as one of the two collections sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service<'a> {
    pub(super) client: &'a Client,
    key: &'a DestinationKey,
    /// What stands in the path behind the name of the level, such as
    /// `Destinations`.
    objects: &'static str,
}

impl<'a> Service<'a> {
    pub(super) fn new(client: &'a Client, objects: &'static str) -> Result<Self, Error> {
        let key = client.config().destination_key.as_ref();
        Ok(Self {
            client,
            key: needed(key, KeyKind::Destination)?,
            objects,
        })
    }

    /// Begins a call about a level.
    pub(super) fn call(self, context: &Context, level: Level) -> Call<'a> {
        Call {
            service: self,
            operation: self.client.http.operation(context),
            level,
        }
    }
}

/// What the caller sees as one call about one level, and the requests in it that
/// are the same for both collections.
pub(super) struct Call<'a> {
    service: Service<'a>,
    pub(super) operation: Operation,
    pub(super) level: Level,
}

impl<'a> Call<'a> {
    pub(super) fn client(&self) -> &'a Client {
        self.service.client
    }

    pub(super) async fn send(&self, request: Request) -> Result<Answer, Error> {
        self.client()
            .call(&self.operation, KeyKind::Destination, None, request)
            .await
    }

    /// `found` looks for the object, where the answer leaves open whether it is
    /// gone.
    pub(super) async fn delete<T>(
        &self,
        name: &str,
        found: impl Future<Output = Result<Option<T>, Error>>,
    ) -> Result<(), Error> {
        let request = Request::new(Method::DELETE, self.item_url(name)?);
        let problem = match self.send(request).await {
            Ok(answer) if count(&answer).is_some() => return Ok(()),
            Ok(answer) => answer.unexpected("it does not say how many were deleted"),
            Err(error) if error.is_not_found_by_sap() => return Ok(()),
            Err(error) if error.is_not_found_by_other() => error,
            Err(error) => return Err(error),
        };
        match found.await {
            Ok(None) => Ok(()),
            _ => Err(problem),
        }
    }

    /// A path below the service.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let service = below(&self.service.key.uri, &["destination-configuration"]);
        below(&service, segments)
    }

    pub(super) fn collection_url(&self) -> Url {
        self.url(&["v1", &format!("{}{}", self.level, self.service.objects)])
    }

    pub(super) fn item_url(&self, name: &str) -> Result<Url, Error> {
        check_name(name)?;
        Ok(below(&self.collection_url(), &[name]))
    }
}

/// What is in a list. That nothing is there must be SAP's word, and not that of
/// something that answers in its place.
pub(super) fn items<T: DeserializeOwned, const MOST: usize>(
    answer: &Answer,
) -> Result<Vec<T>, Error> {
    let AtMost(items): AtMost<T, MOST> = answer.json()?;
    if items.is_empty() && !answer.claims_json() {
        return Err(answer.unexpected("an empty list that does not come as JSON"));
    }
    Ok(items)
}

/// Makes an error of `{"Count": 0}` after a PUT.
pub(super) fn updated(answer: &Answer) -> Result<(), Error> {
    match count(answer) {
        Some(0) => Err(answer.unexpected("the service says that nothing was updated")),
        _ => Ok(()),
    }
}

/// `{"Count": n}` of PUT and DELETE.
fn count(answer: &Answer) -> Option<u64> {
    #[derive(Deserialize)]
    struct Counted {
        #[serde(rename = "Count")]
        count: u64,
    }
    Some(answer.json::<Counted>().ok()?.count)
}

/// Names that would vanish from a path and so address the whole collection.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    if matches!(name, "" | "." | "..") {
        return Err(Error::new(ErrorKind::InvalidName));
    }
    Ok(())
}

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// A name inside a filter: quoted after it has been encoded a first time. The
/// whole filter is encoded a second time when it becomes a query.
pub(super) fn encode_name(name: &str) -> String {
    format!("'{}'", encode(name))
}

pub(super) fn names_filter(quoted: &[String]) -> String {
    format!("Name in ({})", quoted.join(", "))
}
