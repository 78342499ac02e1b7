//! How Terraform starts the provider and talks to it: the handshake on stdout,
//! a socket with mutual TLS, the services that Terraform's plugin library
//! expects, signals, logs, and the end of the process.
//!
//! What the provider answers is none of this module's business: it serves any
//! implementation of [`Provider`]. One process, from start to end:
//!
//! ```text
//! Handshake::read → Tls, Listener → line on stdout → Terraform connects → calls → Shutdown
//! ```
//!
//! Nothing before the line on stdout waits for anything, nothing else is ever
//! written to stdout, and stdin, which is the user's terminal, is never read.

mod handshake;
mod listener;
pub mod logging;
mod process;
mod reattach;
mod services;
mod signals;
mod tls;

#[cfg(test)]
mod tests;

use std::{future::Future, io, pin::pin, time::Duration};

use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use self::{handshake::Handshake, process::check_threads, tls::TlsError};
use self::{
    listener::{Duplex, Listener},
    services::Services,
    tls::Tls,
};
use crate::proto::{
    health::health_server::HealthServer,
    plugin::{
        grpc_broker_server::GrpcBrokerServer, grpc_controller_server::GrpcControllerServer,
        grpc_stdio_server::GrpcStdioServer,
    },
    tfplugin6::provider_server::{Provider, ProviderServer},
};

/// The largest message in both directions, in bytes; as other providers have it.
const LARGEST_MESSAGE: usize = 256 << 20;

/// How long calls that still run at the shutdown may take to end, so that the
/// process is gone 10 ms after the shutdown. Terraform does not wait for them.
const LAST_CALLS: Duration = Duration::from_millis(5);

/// How long the process outlives its last connection, or its parent.
const ABANDONED_AFTER: Duration = Duration::from_secs(5);

/// How long the first connection may take; as long as Terraform waits for us.
const CONNECTED_WITHIN: Duration = Duration::from_mins(1);

/// Why the provider cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The process cannot react to signals.
    #[error("cannot install signal handlers: {0}")]
    Signals(#[source] io::Error),
    /// Mutual TLS is demanded and impossible.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is no socket.
    #[error("cannot open a socket for Terraform: {0}")]
    Listen(#[source] io::Error),
    /// Terraform cannot learn about the socket.
    #[error("cannot write to stdout: {0}")]
    Announce(#[source] io::Error),
}

/// What the program of a provider is called, and what it may log. The framework
/// logs on its own account, too.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The provider's type name, such as `acme`: the log level is that of the
    /// environment variable `TF_LOG_PROVIDER_ACME`, and the directory of the socket
    /// begins so.
    pub name: &'static str,
    /// The crates whose events are logged.
    pub log_targets: &'static [&'static str],
    /// The fields of these events that are logged: whoever adds one makes sure that
    /// its value can never hold a secret.
    pub log_fields: &'static [&'static str],
}

/// Serves `service` to the Terraform that started this process, until Terraform
/// is done with it or gone.
///
/// # Errors
///
/// When the socket, TLS or signals cannot be set up, or stdout is closed.
pub async fn serve<T: Provider>(
    program: &Program,
    service: T,
    handshake: &Handshake,
) -> Result<(), ServeError> {
    process::close_to_others();
    let announce = |line: &str| handshake::announce(line, &mut io::stdout().lock());
    serve_announced_by(announce, program, service, handshake).await
}

async fn serve_announced_by<T: Provider>(
    announce: impl FnOnce(&str) -> io::Result<()>,
    program: &Program,
    service: T,
    handshake: &Handshake,
) -> Result<(), ServeError> {
    let parent = process::parent_id();
    signals::ignore().map_err(ServeError::Signals)?;
    let tls = handshake.client_certificate.as_deref();
    let tls = tls.map(Tls::for_client).transpose()?;
    let listener = Listener::bind(program.name, &handshake.socket, tls.is_some())
        .map_err(ServeError::Listen)?;
    let certificate = tls.as_ref().map(|tls| tls.certificate.as_ref());
    announce(&handshake.line(listener.address(), certificate)).map_err(ServeError::Announce)?;

    if !handshake.offers_our_protocol {
        tracing::error!("this version of Terraform does not speak protocol 6");
    }
    let connections = watch::Sender::default();
    let patience = [ABANDONED_AFTER, CONNECTED_WITHIN];
    let abandoned = abandoned(connections.subscribe(), parent, patience);
    let server = Running {
        listener,
        tls,
        connections,
    };
    server.run(service, abandoned).await;
    Ok(())
}

/// Serves `service` to every Terraform that is told about this process, until
/// SIGINT or SIGTERM. `address` is the provider's full source address.
///
/// Prints on stdout how to tell Terraform. There is no TLS: the socket is in a
/// directory that only this user can enter.
///
/// # Errors
///
/// As [`serve`].
pub async fn serve_debug<T: Provider>(
    program: &Program,
    service: T,
    address: &str,
) -> Result<(), ServeError> {
    let announce = |text: &str| handshake::announce(text, &mut io::stdout().lock());
    serve_debug_announced_by(announce, program, service, address).await
}

async fn serve_debug_announced_by<T: Provider>(
    announce: impl FnOnce(&str) -> io::Result<()>,
    program: &Program,
    service: T,
    address: &str,
) -> Result<(), ServeError> {
    let interrupted = signals::interrupted().map_err(ServeError::Signals)?;
    let listener = Listener::bind(program.name, &handshake::SocketWishes::default(), false)
        .map_err(ServeError::Listen)?;
    let text = reattach::instructions(address, listener.address(), std::process::id());
    announce(&text).map_err(ServeError::Announce)?;
    let server = Running {
        listener,
        tls: None,
        connections: watch::Sender::default(),
    };
    server.run(service, interrupted).await;
    Ok(())
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct OpenConnections {
    now: usize,
    /// Whether there was ever one.
    ever: bool,
}

/// An open socket that the world knows of.
struct Running {
    listener: Listener,
    tls: Option<Tls>,
    connections: watch::Sender<OpenConnections>,
}

impl Running {
    /// Serves until a client calls Shutdown or `end` happens. The socket is
    /// closed and removed when this returns.
    async fn run<T: Provider>(mut self, service: T, end: impl Future<Output = ()>) {
        let shutdown = CancellationToken::new();
        let routes = routes(service, &shutdown);
        let tls = self.tls.map(|tls| tls.acceptor);
        let mut end = pin!(end);
        let mut connections = JoinSet::new();
        while !shutdown.is_cancelled() {
            tokio::select! {
                stream = self.listener.next(tls.as_ref()) => {
                    // In debug mode others may come later.
                    if tls.is_some() {
                        self.listener.hide();
                    }
                    connections.spawn(answer(stream, routes.clone(), shutdown.clone()));
                }
                Some(_) = connections.join_next() => {}
                () = shutdown.cancelled() => {}
                () = &mut end => return,
            }
            self.connections.send_modify(|open| {
                open.now = connections.len();
                open.ever |= open.now > 0;
            });
        }
        let last_calls = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(LAST_CALLS, last_calls).await;
    }
}

/// Answers on one connection. After Shutdown what was asked before is answered,
/// Shutdown included.
async fn answer(stream: Box<dyn Duplex>, routes: Routes, shutdown: CancellationToken) {
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        // Each call is one, and Terraform decides how many it makes.
        .max_concurrent_streams(None)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    // An error is the end of the connection, too.
    let _ = connection.await;
}

fn routes<T: Provider>(service: T, shutdown: &CancellationToken) -> Routes {
    let services = Services {
        shutdown: shutdown.clone(),
    };
    let provider = ProviderServer::new(service)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    Routes::new(provider)
        .add_service(GrpcControllerServer::new(services.clone()))
        .add_service(GrpcStdioServer::new(services.clone()))
        .add_service(GrpcBrokerServer::new(services.clone()))
        .add_service(HealthServer::new(services))
        .prepare()
}

/// Waits until nobody can need this process any more: a Terraform that is
/// killed does not say so.
///
/// That is when no connection is open for `grace`, and either there was one or
/// the process that started us is gone, or nobody came within
/// `first`.
async fn abandoned(
    mut connections: watch::Receiver<OpenConnections>,
    parent: u32,
    [grace, first]: [Duration; 2],
) {
    let announced = Instant::now();
    while connections.wait_for(|open| open.now == 0).await.is_ok() {
        let connected = connections.wait_for(|open| open.now > 0);
        if timeout(grace, connected).await.is_ok() {
            continue;
        }
        let is_late = announced.elapsed() >= first;
        if connections.borrow().ever || is_late || process::parent_id() != parent {
            tracing::warn!("Terraform is gone without a word; the provider ends");
            return;
        }
    }
}
