//! The real provider, or another one, served in the test process instead of
//! started from its binary: a walk costs milliseconds instead of a process. For
//! tests that run thousands of walks; what a process adds (handshake, TLS, exit)
//! is not here.

use std::path::{Path, PathBuf};

use framework::proto::tfplugin6::provider_server::{Provider, ProviderServer};
use sapcalm::provider;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use super::core::Core;

/// A socket behind which every connection finds a new provider, as every walk
/// finds a new process. It closes when this is dropped.
pub(crate) struct Served {
    socket: PathBuf,
    accept: JoinHandle<()>,
    _directory: tempfile::TempDir,
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::serving(provider::service)
    }

    /// Serves what `make` makes, anew for every connection.
    pub(crate) fn serving<S: Provider>(make: impl Fn() -> S + Send + 'static) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let accept = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = tokio_stream::once(Ok::<_, std::io::Error>(stream));
                let server = tonic::transport::Server::builder()
                    .add_service(ProviderServer::new(make()))
                    .serve_with_incoming(connection);
                tokio::spawn(server);
            }
        });
        Self {
            socket,
            accept,
            _directory: directory,
        }
    }

    /// Terraform core with this provider.
    pub(crate) async fn core(&self) -> Core {
        Core::connect(&self.socket).await
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.accept.abort();
    }
}
