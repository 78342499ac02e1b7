//! The provider served by the test process itself, for tests of very many
//! walks: a process for each of them would take most of the time.

use std::path::PathBuf;

use sapcalm::proto::tfplugin6::provider_server::ProviderServer;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnixListenerStream;

use super::core::Core;

/// The running server. It ends when this is dropped.
pub(crate) struct InProcess {
    socket: PathBuf,
    server: JoinHandle<()>,
    _directory: tempfile::TempDir,
}

impl InProcess {
    pub(crate) fn serve() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = tokio::spawn(async move {
            tonic::transport::Server::builder()
                .add_service(ProviderServer::new(sapcalm::provider::service()))
                .serve_with_incoming(UnixListenerStream::new(listener))
                .await
                .unwrap();
        });
        Self {
            socket,
            server,
            _directory: directory,
        }
    }

    /// Terraform core with this provider.
    pub(crate) async fn core(&self) -> Core {
        Core::connect(&self.socket).await
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        self.server.abort();
    }
}
