//! The socket that Terraform connects to, and the connections on it.
//!
//! A Unix socket in a directory that only this user can enter, removed on exit;
//! a TCP port on the loopback interface where there are no Unix sockets, or
//! where no directory can be written and TLS keeps strangers out.
//!
//! The accept loop is our own because tonic cannot verify a client as we need
//! it (see `tls`). Every TLS handshake runs in a task of its own with a
//! deadline, so that a client which says nothing blocks nobody.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::pending,
    io,
    net::Ipv4Addr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    sync::{mpsc, watch},
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tonic::transport::server::Connected;

use super::handshake::{Address, SocketWishes};

/// How long a client may take for its TLS handshake.
const TLS_HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Handshakes that may be under way at the same time.
const UNFINISHED_HANDSHAKES: usize = 16;

/// An open socket. Dropping it closes the socket and removes its directory.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Socket,
    address: Address,
    /// Holds the Unix socket and nothing else.
    directory: Mutex<Option<TempDir>>,
}

#[derive(Debug)]
enum Socket {
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Opens the kind of socket that fits the platform. The directory of a Unix
    /// socket begins with `name`; `private` says that TLS will authenticate clients.
    pub(super) fn bind(name: &str, wishes: &SocketWishes, private: bool) -> io::Result<Self> {
        #[cfg(unix)]
        {
            match Self::bind_unix(name, wishes, private) {
                // For example in a container whose file system is read-only.
                Err(_) if private && wishes.directory.is_none() => Self::bind_tcp(wishes.ports),
                result => result,
            }
        }
        #[cfg(not(unix))]
        {
            // go-plugin does the same there: without TLS any local process can connect.
            let _ = (name, private);
            Self::bind_tcp(wishes.ports)
        }
    }

    #[cfg(unix)]
    fn bind_unix(name: &str, wishes: &SocketWishes, private: bool) -> io::Result<Self> {
        if !private {
            unix::check_parent(&std::env::temp_dir())?;
        }
        let (directory, address) = match &wishes.directory {
            Some(parent) => unix::directory(name, parent).map_err(|error| {
                let parent = parent.display();
                explained(
                    &error,
                    &format!("`PLUGIN_UNIX_SOCKET_DIR` is `{parent}`: "),
                    "",
                )
            })?,
            // A temporary directory may have a name too long for a socket, as on macOS.
            None => unix::directory(name, &std::env::temp_dir())
                .or_else(|_| unix::directory(name, std::path::Path::new("/tmp")))
                .map_err(|error| {
                    let advice = "; the provider needs a directory for temporary files \
                                  (`TMPDIR`) that it can write to";
                    explained(&error, "", advice)
                })?,
        };
        let path = directory.path().join(unix::SOCKET_NAME);
        let listener = tokio::net::UnixListener::bind(&path)?;
        Ok(Self {
            socket: Socket::Unix(listener),
            address,
            directory: Mutex::new(Some(directory)),
        })
    }

    /// The first port from `first` to `last` that is free.
    pub(super) fn bind_tcp((first, last): (u16, u16)) -> io::Result<Self> {
        let mut failure = io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`PLUGIN_MIN_PORT` {first} is greater than `PLUGIN_MAX_PORT` {last}"),
        );
        for port in first..=last {
            let bound = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
            match bound.and_then(Self::from_tcp) {
                Ok(listener) => return Ok(listener),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn from_tcp(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        Ok(Self {
            address: Address::Tcp(listener.local_addr()?),
            socket: Socket::Tcp(listener),
            directory: Mutex::new(None),
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Removes the socket and its directory as soon as somebody has connected: an
    /// open connection needs neither, and a process that is killed leaves none.
    pub(super) async fn hide_when_found(
        &self,
        connections: Option<watch::Receiver<OpenConnections>>,
    ) -> Infallible {
        if let Some(mut connections) = connections
            && connections.wait_for(|open| open.ever).await.is_ok()
        {
            let mut directory = self
                .directory
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            drop(directory.take());
        }
        pending().await
    }

    /// Accepts connections for ever and hands them to `ready`, those that fail
    /// TLS excepted.
    pub(super) async fn accept_all(
        &self,
        tls: Option<TlsAcceptor>,
        open: Arc<watch::Sender<OpenConnections>>,
        ready: mpsc::Sender<io::Result<Connection>>,
    ) -> Infallible {
        let mut unfinished: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            let stream = match self.accept().await {
                Ok(stream) => stream,
                Err(error) => {
                    // Out of file descriptors, or the client is gone already.
                    tracing::warn!(error = %error, "cannot accept a connection");
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Whoever fills the places with connections that say nothing loses the
            // oldest of them; Terraform says who it is at once.
            unfinished.retain(|handshake| !handshake.is_finished());
            if unfinished.len() == UNFINISHED_HANDSHAKES
                && let Some(oldest) = unfinished.pop_front()
            {
                oldest.abort();
            }
            let handshake = hand_over(stream, tls.clone(), Arc::clone(&open), ready.clone());
            unfinished.push_back(tokio::spawn(handshake).abort_handle());
        }
    }

    async fn accept(&self) -> io::Result<Box<dyn Duplex>> {
        match &self.socket {
            #[cfg(unix)]
            Socket::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// An error of the same kind that says more.
#[cfg(unix)]
fn explained(error: &io::Error, before: &str, after: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{before}{error}{after}"))
}

async fn hand_over(
    stream: Box<dyn Duplex>,
    tls: Option<TlsAcceptor>,
    open: Arc<watch::Sender<OpenConnections>>,
    ready: mpsc::Sender<io::Result<Connection>>,
) {
    let stream = match tls {
        None => stream,
        Some(tls) => match timeout(TLS_HANDSHAKE_LIMIT, tls.accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream) as Box<dyn Duplex>,
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "refused a connection");
                return;
            }
            Err(_) => {
                tracing::warn!("refused a connection: no TLS handshake in time");
                return;
            }
        },
    };
    // Not received only when the server is shutting down.
    let _ = ready.send(Ok(Connection::new(stream, open))).await;
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenConnections {
    pub(super) now: usize,
    /// Whether there was ever one.
    pub(super) ever: bool,
}

/// Both directions of a connection.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// One authenticated connection, whatever it is made of. Counts as open until dropped.
pub(super) struct Connection {
    stream: Box<dyn Duplex>,
    open: Arc<watch::Sender<OpenConnections>>,
}

impl Connection {
    fn new(stream: Box<dyn Duplex>, open: Arc<watch::Sender<OpenConnections>>) -> Self {
        open.send_modify(|open| {
            open.now += 1;
            open.ever = true;
        });
        Self { stream, open }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.send_modify(|open| open.now -= 1);
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The files around a Unix socket.
#[cfg(unix)]
mod unix {
    use std::{
        fs::{self, Permissions},
        io,
        os::unix::fs::PermissionsExt as _,
        path::Path,
    };

    use tempfile::TempDir;

    use crate::plugin::handshake::Address;

    pub(super) const SOCKET_NAME: &str = "s";

    /// A new directory in `parent` that only this user can enter, and the
    /// address of the socket that will be in it.
    pub(super) fn directory(name: &str, parent: &Path) -> io::Result<(TempDir, Address)> {
        let directory = tempfile::Builder::new()
            .prefix(name)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        match Address::unix(&directory.path().join(SOCKET_NAME)) {
            Some(address) => Ok((directory, address)),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidFilename,
                "the path is too long for a socket or holds characters that cannot stand in the \
                 handshake",
            )),
        }
    }

    /// Refuses a folder in which others can replace what is ours: without TLS the
    /// socket is all that tells a client who serves it.
    pub(super) fn check_parent(parent: &Path) -> io::Result<()> {
        let Ok(metadata) = fs::metadata(parent) else {
            return Ok(());
        };
        let mode = metadata.permissions().mode();
        let others_write = mode & 0o022 != 0;
        let is_sticky = mode & 0o1000 != 0;
        if others_write && !is_sticky {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "others may write to `{}` and replace the socket; set `TMPDIR` to a folder \
                     of your own",
                    parent.display()
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::PermissionsExt as _,
        path::{Path, PathBuf},
    };

    use super::*;

    fn socket_path(listener: &Listener) -> PathBuf {
        match listener.address() {
            Address::Unix(path) => path.into(),
            Address::Tcp(address) => panic!("{address} is no Unix socket"),
        }
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn unix_socket_lies_in_a_private_directory_that_goes_with_the_listener() {
        let listener = Listener::bind("acme", &SocketWishes::default(), true).unwrap();
        let path = socket_path(&listener);
        let directory = path.parent().unwrap().to_owned();
        assert_eq!(mode(&directory), 0o700);
        assert!(path.exists());
        drop(listener);
        assert!(!directory.exists());
    }

    #[tokio::test]
    async fn wished_directory_is_used_or_refused_but_never_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let mut wishes = SocketWishes {
            directory: Some(parent.path().into()),
            ..SocketWishes::default()
        };
        let listener = Listener::bind("acme", &wishes, true).unwrap();
        assert!(socket_path(&listener).starts_with(parent.path()));

        let deep = parent.path().join("x".repeat(100));
        std::fs::create_dir(&deep).unwrap();
        wishes.directory = Some(deep.clone());
        assert_eq!(
            Listener::bind("acme", &wishes, true).unwrap_err().kind(),
            io::ErrorKind::InvalidFilename
        );
        assert_eq!(std::fs::read_dir(deep).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn without_tls_a_folder_that_others_may_write_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let check = |mode| {
            std::fs::set_permissions(parent.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            unix::check_parent(parent.path()).map_err(|error| error.kind())
        };
        assert_eq!(check(0o777), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(check(0o720), Err(io::ErrorKind::PermissionDenied));
        for mode in [0o700, 0o755, 0o1777] {
            assert_eq!(check(mode), Ok(()), "{mode:o}");
        }
    }

    #[tokio::test]
    async fn silent_connections_keep_nobody_out() {
        let listener = Listener::bind_tcp((0, 0)).unwrap();
        let Address::Tcp(address) = *listener.address() else {
            panic!("{:?} is no TCP address", listener.address());
        };
        let acceptor = crate::plugin::tls::Tls::for_client(
            &rcgen::generate_simple_self_signed(["a".to_owned()])
                .unwrap()
                .cert
                .pem(),
        );
        let (ready, _incoming) = mpsc::channel(1);
        let accepting = tokio::spawn(async move {
            let tls = Some(acceptor.unwrap().acceptor);
            listener.accept_all(tls, Arc::default(), ready).await
        });
        let mut silent = Vec::new();
        for _ in 0..UNFINISHED_HANDSHAKES + 4 {
            silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
        }
        // The oldest are closed, and nobody waits for the limit of a handshake.
        for stream in &mut silent[..4] {
            let mut byte = [0];
            let end = tokio::io::AsyncReadExt::read(stream, &mut byte);
            let end = timeout(TLS_HANDSHAKE_LIMIT / 2, end).await.unwrap();
            assert!(matches!(end, Ok(0) | Err(_)));
        }
        accepting.abort();
    }

    #[tokio::test]
    async fn tcp_takes_the_first_free_port_of_the_range() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let first = taken.local_addr().unwrap().port();
        let last = first.saturating_add(50);
        let listener = Listener::bind_tcp((first, last)).unwrap();
        let Address::Tcp(address) = listener.address() else {
            panic!("{:?} is no TCP address", listener.address());
        };
        assert!(address.ip().is_loopback());
        assert!((first + 1..=last).contains(&address.port()));
    }

    #[tokio::test]
    async fn tcp_says_what_is_wrong_with_the_ports() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let kind = |ports| Listener::bind_tcp(ports).unwrap_err().kind();
        assert_eq!(kind((port, port)), io::ErrorKind::AddrInUse);
        assert_eq!(kind((2, 1)), io::ErrorKind::InvalidInput);
    }
}
