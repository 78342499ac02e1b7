//! Cloud ALM's landscape: which services it knows.
//!
//! SAP publishes no schema we could read, so objects stay maps.

use std::collections::{BTreeMap, BTreeSet};

use foreign::Foreign;

use super::client::{Client, needed};
use super::context::Context;
use super::credentials::{CloudAlmKey, KeyKind};
use super::error::{Error, ErrorKind};
use super::http::{Operation, Request, below};
use super::told::{AtMost, Members};

/// Objects asked for at once.
const PAGE_SIZE: usize = 100;

/// Pages after which we stop believing that there is an end.
const MAX_PAGES: usize = 200;

/// Objects that a page may hold.
const MOST_OBJECTS: usize = 10_000;

/// The landscape API with the Cloud ALM key.
#[derive(Clone, Copy, Debug)]
pub struct Landscape<'a> {
    client: &'a Client,
    key: &'a CloudAlmKey,
}

/// Which landscape objects to list: parameters with SAP's names, such as
/// `lmsId`, all of which must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LandscapeQuery(pub BTreeMap<&'static str, String>);

/// The parameter for the exact landscape id, for example `CO_prod_<tenant>`.
const LMS_ID: &str = "lmsId";

impl LandscapeQuery {
    /// The object with this landscape id.
    pub fn lms_id(id: &str) -> Self {
        Self([(LMS_ID, id.to_owned())].into())
    }

    /// Every cloud service.
    pub fn cloud_services() -> Self {
        Self([("objectType", "CloudService".to_owned())].into())
    }

    /// Whether an answer belongs to a question for one landscape id. The other
    /// parameters are the service's to interpret.
    fn is_met_by(&self, object: &LandscapeObject) -> bool {
        let wanted = self.0.get(LMS_ID).map(String::as_str);
        wanted.is_none() || wanted == object.lms_id()
    }
}

/// One object as Cloud ALM describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct LandscapeObject {
    /// All its members as texts, with SAP's names.
    pub texts: BTreeMap<String, String>,
}

impl LandscapeObject {
    /// The landscape id, `lmsId`.
    pub fn lms_id(&self) -> Option<&str> {
        self.text(LMS_ID)
    }

    /// A member.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }
}

impl Client {
    /// Cloud ALM's landscape API.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingKey`] when no Cloud ALM service key is configured.
    pub fn landscape(&self) -> Result<Landscape<'_>, Error> {
        let key = needed(self.config().cloud_alm_key.as_ref(), KeyKind::CloudAlm)?;
        Ok(Landscape { client: self, key })
    }
}

impl Landscape<'_> {
    /// Lists landscape objects, all pages of them.
    ///
    /// A query by landscape id gives that object only, also where the service
    /// ignores the parameter, and ends as soon as it is found.
    ///
    /// # Errors
    ///
    /// A 403 ([`Error::is_forbidden`]) means that the service instance lacks
    /// the authority `calm-api.landscape.read`. A list that does not end is an
    /// error, too: half of it would look like all of it.
    pub async fn objects(
        &self,
        context: &Context,
        query: &LandscapeQuery,
    ) -> Result<Vec<LandscapeObject>, Error> {
        let operation = self.client.http.operation(context);
        let mut objects: Vec<LandscapeObject> = Vec::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut last_page: Vec<LandscapeObject> = Vec::new();
        let mut offset = 0;
        for _ in 0..MAX_PAGES {
            let page = self.page(&operation, query, offset).await?;
            // A short page need not be the last one: nobody says how large the
            // service's pages are. A service that does not know `offset` sends
            // the same page again.
            if page.is_empty() || page == last_page {
                return Ok(objects);
            }
            offset += page.len();
            let ignores_limit = page.len() > PAGE_SIZE;
            let mut brings_news = false;
            for object in &page {
                // What is added meanwhile moves others to the next page.
                let is_new = object.lms_id().is_none_or(|id| seen.insert(id.to_owned()));
                brings_news |= is_new;
                if is_new && query.is_met_by(object) {
                    objects.push(object.clone());
                }
            }
            let found = query.0.contains_key(LMS_ID) && !objects.is_empty();
            if found || ignores_limit || !brings_news {
                return Ok(objects);
            }
            last_page = page;
        }
        Err(
            Error::new(ErrorKind::UnexpectedAnswer).with_message(format!(
                "more than {MAX_PAGES} pages, and no end of the list"
            )),
        )
    }

    async fn page(
        &self,
        operation: &Operation,
        query: &LandscapeQuery,
        offset: usize,
    ) -> Result<Vec<LandscapeObject>, Error> {
        let path = ["calm-landscape", "v1", "landscapeObjects"];
        let mut url = below(&self.key.api_url, &path);
        url.query_pairs_mut()
            .extend_pairs(&query.0)
            .append_pair("limit", &PAGE_SIZE.to_string())
            .append_pair("offset", &offset.to_string());
        let request = Request::get(url).for_list();
        let answer = self
            .client
            .call(operation, KeyKind::CloudAlm, None, request)
            .await?;
        if answer.is_empty() {
            return Ok(Vec::new());
        }
        let AtMost(objects): AtMost<Members, MOST_OBJECTS> = answer.json()?;
        let text = |text| answer.secrets.show(&Foreign::new(text));
        let object = |Members(texts)| LandscapeObject {
            // It is SAP's word, and nobody writes it back.
            texts: BTreeMap::into_iter(texts)
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
        };
        Ok(objects.into_iter().map(object).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::{Server, answer};

    fn page(from: usize, count: usize) -> String {
        let objects: Vec<Value> = (from..from + count)
            .map(|n| serde_json::json!({"lmsId": format!("CO_{n}")}))
            .collect();
        Value::from(objects).to_string()
    }

    async fn list(server: &Server, query: &LandscapeQuery) -> Result<Vec<LandscapeObject>, Error> {
        let test = server.client();
        test.client
            .landscape()
            .unwrap()
            .objects(&test.context, query)
            .await
    }

    #[tokio::test]
    async fn query_is_sent_encoded_below_the_api() {
        let server = Server::script([answer(200, r#"[{"lmsId":"CO_a b_1"}]"#)]).await;
        let query = LandscapeQuery::lms_id("CO_a b_1");
        let found = list(&server, &query).await.unwrap();
        assert_eq!(found[0].lms_id(), Some("CO_a b_1"));
        assert_eq!(server.calls().len(), 1);
        assert_eq!(
            server.calls()[0].target,
            "/api/calm-landscape/v1/landscapeObjects?lmsId=CO_a+b_1&limit=100&offset=0"
        );
    }

    #[tokio::test]
    async fn pages_are_read_until_an_empty_one() {
        // 40 is the service's own limit, below ours.
        let pages = [
            page(0, 100),
            page(100, 100),
            page(200, 40),
            page(240, 40),
            page(280, 0),
        ];
        let server = Server::script(pages.map(|body| answer(200, &body))).await;
        let query = LandscapeQuery::cloud_services();
        assert_eq!(list(&server, &query).await.unwrap().len(), 280);
        let targets: Vec<String> = server.calls().into_iter().map(|call| call.target).collect();
        assert!(targets[3].ends_with("?objectType=CloudService&limit=100&offset=240"));
    }

    #[tokio::test]
    async fn service_that_ignores_paging_is_asked_no_more_than_needed() {
        let server = Server::script([answer(200, &page(0, 250))]).await;
        let all = LandscapeQuery::default();
        assert_eq!(list(&server, &all).await.unwrap().len(), 250);
        let same = answer(200, &page(0, 100));
        let server = Server::script([same.clone(), same]).await;
        assert_eq!(list(&server, &all).await.unwrap().len(), 100);
    }

    #[tokio::test]
    async fn object_that_moves_to_the_next_page_is_listed_once() {
        let pages = [page(0, 100), page(99, 41), page(140, 0)];
        let server = Server::script(pages.map(|body| answer(200, &body))).await;
        let found = list(&server, &LandscapeQuery::default()).await.unwrap();
        assert_eq!(found.len(), 140);
        // Nothing new ends the list, even in another order.
        let pages = [page(0, 100), page(50, 50)];
        let server = Server::script(pages.map(|body| answer(200, &body))).await;
        let found = list(&server, &LandscapeQuery::default()).await.unwrap();
        assert_eq!((found.len(), server.calls().len()), (100, 2));
    }

    #[tokio::test]
    async fn list_without_an_end_is_an_error_and_not_cut_off() {
        let server = Server::script((0..=MAX_PAGES).map(|n| answer(200, &page(n, 1)))).await;
        let error = list(&server, &LandscapeQuery::default()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::UnexpectedAnswer);
        assert!(error.message.as_deref().unwrap().contains("200 pages"));
        assert_eq!(server.calls().len(), MAX_PAGES);
    }

    #[tokio::test]
    async fn service_that_ignores_the_id_does_not_fool_us() {
        let pages = || [page(0, 100), page(100, 100), page(200, 0)].map(|body| answer(200, &body));
        let server = Server::script(pages()).await;
        let found = list(&server, &LandscapeQuery::lms_id("CO_150"))
            .await
            .unwrap();
        assert_eq!((found.len(), server.calls().len()), (1, 2));
        let server = Server::script(pages()).await;
        assert!(
            list(&server, &LandscapeQuery::lms_id("CO_none"))
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn empty_result_comes_in_three_forms() {
        for reply in [answer(200, "[]"), answer(200, " \n"), answer(204, "")] {
            let server = Server::script([reply]).await;
            assert!(
                list(&server, &LandscapeQuery::default())
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
    }

    #[tokio::test]
    async fn other_answers_are_errors() {
        for reply in [answer(200, "{}"), answer(200, "<html>"), answer(200, "[1]")] {
            let server = Server::script([reply]).await;
            assert!(list(&server, &LandscapeQuery::default()).await.is_err());
        }
        let denied = answer(
            403,
            r#"{"error":{"code":"403","message":"missing authority"}}"#,
        );
        let server = Server::script([denied]).await;
        let error = list(&server, &LandscapeQuery::default()).await.unwrap_err();
        assert!(error.is_forbidden());
        assert_eq!(error.message.as_deref(), Some("403: missing authority"));
    }
}
