//! The services that go-plugin, Terraform's plugin library, expects beside the
//! provider itself: how to end, output, further connections, health.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _, stream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::proto::{
    health::{
        HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
        health_server::Health,
    },
    plugin::{
        ConnInfo, Empty, StdioData, grpc_broker_server::GrpcBroker,
        grpc_controller_server::GrpcController, grpc_stdio_server::GrpcStdio,
    },
};

/// What a method with a stream of answers returns.
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// All services beside the provider. `shutdown` ends the server.
#[derive(Clone, Debug)]
pub(super) struct Services {
    pub(super) shutdown: CancellationToken,
}

impl Services {
    /// Says `first`, then nothing more until the server shuts down.
    fn open_until_shutdown<T: Send + 'static>(&self, first: Option<T>) -> Answers<T> {
        let rest = stream::pending().take_until(self.shutdown.clone().cancelled_owned());
        Box::pin(stream::iter(first.map(Ok)).chain(rest))
    }
}

#[tonic::async_trait]
impl GrpcController for Services {
    /// The answer still reaches the client: the server ends after it.
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.shutdown.cancel();
        Ok(Response::new(Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcStdio for Services {
    type StreamStdioStream = Answers<StdioData>;

    /// We write nothing on stdout, and Terraform reads stderr from its pipe.
    async fn stream_stdio(
        &self,
        _: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(self.open_until_shutdown(None)))
    }
}

#[tonic::async_trait]
impl GrpcBroker for Services {
    type StartStreamStream = Answers<ConnInfo>;

    /// Terraform opens the stream and uses it for nothing. It ends when
    /// Terraform ends it.
    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        let silent = request.into_inner().filter_map(async |_| None);
        let answers = silent.take_until(self.shutdown.clone().cancelled_owned());
        Ok(Response::new(Box::pin(answers)))
    }
}

#[tonic::async_trait]
impl Health for Services {
    type WatchStream = Answers<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match status(&request.into_inner()) {
            ServingStatus::ServiceUnknown => Err(Status::not_found("unknown service")),
            status => Ok(Response::new(status.into())),
        }
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let status = status(&request.into_inner());
        Ok(Response::new(self.open_until_shutdown(Some(status.into()))))
    }
}

/// go-plugin asks for the service `plugin`, others for the whole server.
fn status(request: &HealthCheckRequest) -> ServingStatus {
    match request.service.as_str() {
        "" | "plugin" => ServingStatus::Serving,
        _ => ServingStatus::ServiceUnknown,
    }
}

impl From<ServingStatus> for HealthCheckResponse {
    fn from(status: ServingStatus) -> Self {
        Self {
            status: status.into(),
        }
    }
}
