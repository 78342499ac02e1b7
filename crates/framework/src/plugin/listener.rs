//! The socket that Terraform connects to, and the handshakes on it.
//!
//! A Unix socket in a directory that only this user can enter, removed on exit;
//! a TCP port on the loopback interface where there are no Unix sockets, or
//! where no directory can be written and TLS keeps strangers out.
//!
//! The accept loop is our own because tonic cannot verify a client as we need
//! it (see `tls`). Every TLS handshake runs in a task of its own with a
//! deadline, so that a client which says nothing blocks nobody.

use std::{collections::VecDeque, io, net::Ipv4Addr, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

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
    directory: Option<TempDir>,
    handshakes: JoinSet<Option<Box<dyn Duplex>>>,
    /// Those of `handshakes` that may still be under way, the oldest first.
    unfinished: VecDeque<AbortHandle>,
}

#[derive(Debug)]
enum Socket {
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
    Tcp(TcpListener),
}

impl Socket {
    async fn accept(&self) -> io::Result<Box<dyn Duplex>> {
        match self {
            #[cfg(unix)]
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
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
        Ok(Self::new(Socket::Unix(listener), address, Some(directory)))
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
        let address = Address::Tcp(listener.local_addr()?);
        Ok(Self::new(Socket::Tcp(listener), address, None))
    }

    fn new(socket: Socket, address: Address, directory: Option<TempDir>) -> Self {
        Self {
            socket,
            address,
            directory,
            handshakes: JoinSet::new(),
            unfinished: VecDeque::new(),
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Removes the socket and its directory: an open connection needs neither, and
    /// a process that is killed leaves none.
    pub(super) fn hide(&mut self) {
        self.directory = None;
    }

    /// The next connection whose TLS handshake succeeds. Nothing is lost where this is
    /// given up and called again.
    pub(super) async fn next(&mut self, tls: Option<&TlsAcceptor>) -> Box<dyn Duplex> {
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok(stream) => self.begin(stream, tls.cloned()),
                    Err(error) => {
                        // Out of file descriptors, or the client is gone already.
                        tracing::warn!(error = %error, "cannot accept a connection");
                        sleep(Duration::from_millis(50)).await;
                    }
                },
                Some(ended) = self.handshakes.join_next() => {
                    if let Ok(Some(stream)) = ended {
                        return stream;
                    }
                }
            }
        }
    }

    /// Begins a handshake. Whoever fills the places with connections that say nothing
    /// loses the oldest of them; Terraform says who it is at once.
    fn begin(&mut self, stream: Box<dyn Duplex>, tls: Option<TlsAcceptor>) {
        self.unfinished.retain(|handshake| !handshake.is_finished());
        if self.unfinished.len() == UNFINISHED_HANDSHAKES
            && let Some(oldest) = self.unfinished.pop_front()
        {
            oldest.abort();
        }
        let handshake = self.handshakes.spawn(authenticated(stream, tls));
        self.unfinished.push_back(handshake);
    }
}

/// An error of the same kind that says more.
#[cfg(unix)]
fn explained(error: &io::Error, before: &str, after: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{before}{error}{after}"))
}

/// The connection within TLS, unless the client fails it.
async fn authenticated(
    stream: Box<dyn Duplex>,
    tls: Option<TlsAcceptor>,
) -> Option<Box<dyn Duplex>> {
    let Some(tls) = tls else {
        return Some(stream);
    };
    match timeout(TLS_HANDSHAKE_LIMIT, tls.accept(stream)).await {
        Ok(Ok(stream)) => return Some(Box::new(stream)),
        Ok(Err(error)) => tracing::warn!(error = %error, "refused a connection"),
        Err(_) => tracing::warn!("refused a connection: no TLS handshake in time"),
    }
    None
}

/// Both directions of a connection.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

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
        let mut listener = Listener::bind_tcp((0, 0)).unwrap();
        let Address::Tcp(address) = *listener.address() else {
            panic!("{:?} is no TCP address", listener.address());
        };
        let acceptor = crate::plugin::tls::Tls::for_client(
            &rcgen::generate_simple_self_signed(["a".to_owned()])
                .unwrap()
                .cert
                .pem(),
        );
        let accepting = tokio::spawn(async move {
            let tls = acceptor.unwrap().acceptor;
            listener.next(Some(&tls)).await
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
