//! A gate in front of a server: passes everything on and writes down what the
//! client sent. With one gate per service a test sees who was told what.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Interlude = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What happens before a request with this method is passed on, once.
type Pending = Arc<Mutex<Option<(&'static str, Interlude)>>>;

/// A running gate. It closes when it is dropped.
pub(crate) struct Gate {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<u8>>>,
    pending: Pending,
    task: JoinHandle<()>,
}

impl Gate {
    /// A gate on a port of its own that leads to `target`.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, pending) = (Arc::<Mutex<Vec<u8>>>::default(), Pending::default());
        let (written, waiting) = (Arc::clone(&seen), Arc::clone(&pending));
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (seen, pending) = (Arc::clone(&written), Arc::clone(&waiting));
                // An error only says that one of the two ends has gone.
                tokio::spawn(async move { pass(client, target, &seen, &pending).await.ok() });
            }
        });
        Self {
            address,
            seen,
            pending,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that clients sent.
    pub(crate) fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    /// The tokens that clients sent.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let seen = self.seen();
        let lines = seen.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }

    /// Does something before the next request with this method is passed on.
    pub(crate) fn before<F>(
        &self,
        method: &'static str,
        interlude: impl FnOnce() -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let boxed: Interlude = Box::new(|| Box::pin(interlude()));
        *self.pending.lock().unwrap() = Some((method, boxed));
    }

    /// Whether nothing that [`Gate::before`] asked for is left to do.
    pub(crate) fn is_done(&self) -> bool {
        self.pending.lock().unwrap().is_none()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    mut client: TcpStream,
    target: SocketAddr,
    seen: &Mutex<Vec<u8>>,
    pending: &Pending,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let requests = async {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let read = from_client.read(&mut chunk).await?;
            if read == 0 {
                return to_server.shutdown().await;
            }
            let bytes = &chunk[..read];
            seen.lock().unwrap().extend_from_slice(bytes);
            let due = {
                let mut pending = pending.lock().unwrap();
                pending.take_if(|(method, _)| bytes.starts_with(method.as_bytes()))
            };
            if let Some((_, interlude)) = due {
                interlude().await;
            }
            to_server.write_all(bytes).await?;
        }
    };
    tokio::try_join!(requests, copy(&mut from_server, &mut to_client))?;
    Ok(())
}
