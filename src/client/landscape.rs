//! Cloud ALM's landscape: which services it knows.
//!
//! SAP publishes no schema we could read, so objects stay maps.

use serde_json::{Map, Value};

use super::credentials::{CloudAlmKey, KeyKind};
use super::error::Error;
use super::http::{Operation, Request};
use super::{Client, Context};

/// Objects asked for at once.
const PAGE_SIZE: usize = 100;

/// Pages after which we stop believing that there is an end.
const MAX_PAGES: usize = 200;

/// The landscape API with the Cloud ALM key.
#[derive(Clone, Copy, Debug)]
pub struct Landscape<'a> {
    client: &'a Client,
    key: &'a CloudAlmKey,
}

/// Which landscape objects to list. Everything set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LandscapeQuery {
    /// The exact landscape id, for example `CO_prod_<tenant>`.
    pub lms_id: Option<String>,
    /// Name or system id.
    pub name: Option<String>,
    /// For example `CloudService`, `TechnicalSystem`, `BusinessService`.
    pub object_type: Option<String>,
    /// Technical service type.
    pub service_type: Option<String>,
    /// For example `PROD`.
    pub role: Option<String>,
}

impl LandscapeQuery {
    /// The object with this landscape id.
    #[must_use]
    pub fn lms_id(id: &str) -> Self {
        Self {
            lms_id: Some(id.to_owned()),
            ..Self::default()
        }
    }

    /// Every cloud service.
    #[must_use]
    pub fn cloud_services() -> Self {
        Self {
            object_type: Some("CloudService".to_owned()),
            ..Self::default()
        }
    }
}

/// One object as Cloud ALM describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct LandscapeObject {
    /// All its members, with SAP's names.
    pub members: Map<String, Value>,
}

impl LandscapeObject {
    /// The landscape id, `lmsId`.
    #[must_use]
    pub fn lms_id(&self) -> Option<&str> {
        self.text("lmsId")
    }

    /// A member that is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }
}

impl<'a> Landscape<'a> {
    pub(crate) fn new(client: &'a Client, key: &'a CloudAlmKey) -> Self {
        Self { client, key }
    }

    /// Lists landscape objects, all pages of them.
    ///
    /// # Errors
    ///
    /// A 403 ([`Error::is_forbidden`]) means that the service instance lacks
    /// the authority `calm-api.landscape.read`.
    pub async fn objects(
        &self,
        context: &Context,
        query: &LandscapeQuery,
    ) -> Result<Vec<LandscapeObject>, Error> {
        let operation = self.client.http.operation(context);
        let mut objects: Vec<LandscapeObject> = Vec::new();
        let mut last_page: Vec<LandscapeObject> = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.page(&operation, query, objects.len()).await?;
            // A service that does not know `offset` sends the same page again.
            if page == last_page {
                break;
            }
            let is_last = page.len() != PAGE_SIZE;
            objects.extend(page.iter().cloned());
            last_page = page;
            if is_last {
                break;
            }
        }
        Ok(objects)
    }

    async fn page(
        &self,
        operation: &Operation,
        query: &LandscapeQuery,
        offset: usize,
    ) -> Result<Vec<LandscapeObject>, Error> {
        let mut url = self.key.api_url().clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/calm-landscape/v1/landscapeObjects"));
        {
            let mut pairs = url.query_pairs_mut();
            let parameters = [
                ("lmsId", &query.lms_id),
                ("name", &query.name),
                ("objectType", &query.object_type),
                ("serviceType", &query.service_type),
                ("role", &query.role),
            ];
            for (name, value) in parameters {
                if let Some(value) = value {
                    pairs.append_pair(name, value);
                }
            }
            pairs.append_pair("limit", &PAGE_SIZE.to_string());
            pairs.append_pair("offset", &offset.to_string());
        }
        let request = Request::get(url).masking(self.key.oauth().secrets());
        let answer = self
            .client
            .call(operation, KeyKind::CloudAlm, None, request)
            .await?
            .answer;
        if answer.is_empty() {
            return Ok(Vec::new());
        }
        let objects: Vec<Map<String, Value>> = answer.json()?;
        Ok(objects
            .into_iter()
            .map(|members| LandscapeObject { members })
            .collect())
    }
}
