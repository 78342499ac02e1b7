//! SAP Job Scheduling service: whether Cloud ALM monitors a job.
//!
//! Jobs are addressed by their id only: a change by name resets what the request
//! leaves out (SAP's documentation).

use foreign::Foreign;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::client::{Client, needed};
use super::context::Context;
use super::credentials::{JobSchedulingKey, KeyKind};
use super::error::Error;
use super::http::{Answer, Request, below};

/// The jobs of the instance that a Job Scheduling service key is for.
#[derive(Clone, Copy, Debug)]
pub struct Jobs<'a> {
    client: &'a Client,
    key: &'a JobSchedulingKey,
}

/// What is known about a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub name: Option<String>,
    /// Whether Cloud ALM monitors it. SAP's default is that it does not.
    pub is_monitored: bool,
}

/// The members of a job that matter here.
#[derive(Deserialize)]
struct Told {
    name: Option<Foreign>,
    #[serde(rename = "calmConfig")]
    calm_config: Option<CalmConfig>,
}

#[derive(Deserialize)]
struct CalmConfig {
    enabled: bool,
}

impl Client {
    /// The jobs of SAP Job Scheduling service.
    ///
    /// # Errors
    ///
    /// [`MissingKey`](crate::ErrorKind::MissingKey) when no Job Scheduling service key is
    /// configured.
    pub fn jobs(&self) -> Result<Jobs<'_>, Error> {
        let key = self.config().job_scheduling_key.as_ref();
        let key = needed(key, KeyKind::JobScheduling)?;
        Ok(Jobs { client: self, key })
    }
}

impl Jobs<'_> {
    /// Reads a job; `None` where the service says that there is none.
    ///
    /// # Errors
    ///
    /// Also a 404 that is not in the form of the service: it says nothing about
    /// the job.
    pub async fn find(&self, context: &Context, id: i64) -> Result<Option<Job>, Error> {
        let request = Request::get(self.url(id));
        let Some(answer) = self.send(context, request).await? else {
            return Ok(None);
        };
        let told: Told = answer.json()?;
        Ok(Some(Job {
            name: told.name.map(|name| answer.secrets.show(&name)),
            is_monitored: told.calm_config.is_some_and(|config| config.enabled),
        }))
    }

    /// Switches monitoring on or off, and nothing else; says whether there is such
    /// a job.
    ///
    /// # Errors
    ///
    /// As for [`Self::find`].
    pub async fn monitor(&self, context: &Context, id: i64, enabled: bool) -> Result<bool, Error> {
        let body = json!({ "calmConfig": { "enabled": enabled } });
        let request = Request::new(Method::PUT, self.url(id)).json(&body);
        Ok(self.send(context, request).await?.is_some())
    }

    fn url(&self, id: i64) -> Url {
        below(&self.key.url, &["scheduler", "jobs", &id.to_string()])
    }

    /// `None` is the service's own 404.
    async fn send(&self, context: &Context, request: Request) -> Result<Option<Answer>, Error> {
        let operation = self.client.http.operation(context);
        let kind = KeyKind::JobScheduling;
        let request = request.accepting(&[404]);
        let answer = self.client.call(&operation, kind, None, request).await?;
        if answer.status != 404 {
            return Ok(Some(answer));
        }
        let is_own = answer
            .json::<Value>()
            .is_ok_and(|body| body["code"] == 404 || body["code"] == "404");
        match is_own {
            true => Ok(None),
            false => Err(answer.unexpected(
                "a 404 that is not in the form of the Job Scheduling service, so it says nothing \
                 about the job",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, answer};

    const GONE: &str = r#"{"code":404,"message":"Could not find job 3","type":"Not Found"}"#;

    async fn found(status: u16, body: &str) -> Result<Option<Job>, Error> {
        let server = Server::script([answer(status, body)]).await;
        let test = server.client();
        test.client.jobs().unwrap().find(&test.context, 3).await
    }

    #[tokio::test]
    async fn a_job_says_whether_it_is_monitored() {
        for (body, is_monitored) in [
            (r#"{"name":"a","calmConfig":{"enabled":true}}"#, true),
            (r#"{"name":"a","calmConfig":{"enabled":false}}"#, false),
            (r#"{"name":"a"}"#, false),
        ] {
            let name = Some("a".to_owned());
            let job = Job { name, is_monitored };
            assert_eq!(found(200, body).await.unwrap(), Some(job));
        }
    }

    #[tokio::test]
    async fn only_the_switch_is_sent_and_by_the_id_of_the_job() {
        let server = Server::script([answer(200, r#"{"success":true}"#)]).await;
        let test = server.client();
        let jobs = test.client.jobs().unwrap();
        assert!(jobs.monitor(&test.context, 3, true).await.unwrap());
        let sent = server.calls().pop().unwrap();
        assert_eq!((&*sent.method, &*sent.target), ("PUT", "/scheduler/jobs/3"));
        assert_eq!(sent.body, r#"{"calmConfig":{"enabled":true}}"#);
    }

    #[tokio::test]
    async fn only_a_404_of_the_service_itself_says_that_a_job_is_gone() {
        assert_eq!(found(404, GONE).await.unwrap(), None);
        for body in ["", "Not Found", r#"{"message":"no route"}"#] {
            assert!(found(404, body).await.is_err(), "{body}");
        }
    }
}
