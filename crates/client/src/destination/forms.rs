//! In which of several forms the Destination service answers, for who wants to
//! know it. Everything else in this client works with all of them.

use http::Method;

use super::{Destination, Destinations};
use crate::context::Context;
use crate::error::Error;
use crate::http::Request;
use crate::level::Level;

impl Destinations<'_> {
    /// One destination by the request for it alone, without labels and without
    /// another way to find it. None where SAP itself says that there is none.
    ///
    /// # Errors
    ///
    /// What SAP answered.
    pub async fn read(
        &self,
        context: &Context,
        level: Level,
        name: &str,
    ) -> Result<Option<Destination>, Error> {
        super::read(&self.0.call(context, level), name).await
    }

    /// The methods that a level takes, where the service tells them when it is
    /// asked (`OPTIONS`).
    ///
    /// # Errors
    ///
    /// What SAP answered, unless it only does not know the question.
    pub async fn methods(
        &self,
        context: &Context,
        level: Level,
    ) -> Result<Option<Vec<Method>>, Error> {
        let call = self.0.call(context, level);
        let question = Request::new(Method::OPTIONS, call.collection_url());
        let answer = call.send(question.accepting(&[404, 405, 501])).await?;
        Ok(answer.methods())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, answer};

    #[tokio::test]
    async fn methods_are_those_of_the_allow_header_whatever_the_status() {
        let cases = [
            (answer(200, "").with("Allow", "GET, PATCH"), Some(2)),
            (answer(405, "no").with("Allow", "GET,PUT , POST"), Some(3)),
            (answer(405, "no"), None),
            (answer(204, ""), None),
        ];
        for (reply, expected) in cases {
            let server = Server::script([reply]).await;
            let test = server.client();
            let service = test.client.destinations().unwrap();
            let told = service.methods(&test.context, Level::Subaccount).await;
            assert_eq!(told.unwrap().map(|methods| methods.len()), expected);
            assert_eq!(server.calls()[0].method, "OPTIONS");
        }
    }

    #[tokio::test]
    async fn only_sap_itself_says_that_there_is_no_destination() {
        let gone = r#"{"ErrorMessage":"Configuration with the specified name was not found"}"#;
        let server = Server::script([answer(404, gone), answer(404, "Not Found")]).await;
        let test = server.client();
        let service = test.client.destinations().unwrap();
        let read = || service.read(&test.context, Level::Subaccount, "a");
        assert_eq!(read().await.unwrap(), None);
        assert!(read().await.unwrap_err().is_not_found_by_other());
    }
}
