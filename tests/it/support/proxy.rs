//! An HTTP proxy as companies have one: `CONNECT` for `https://`, requests with
//! the whole URL for `http://`, credentials if it wants them. It writes down
//! what it was asked for, and it knows the names of a world without DNS.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a proxy does with those who come.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    /// `user:password` that it demands.
    pub(crate) credentials: Option<String>,
    /// A host name and its address; others are resolved as usual.
    pub(crate) route: Option<(String, IpAddr)>,
    /// Answer every request with 403.
    pub(crate) forbid: bool,
}

/// What a proxy was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// `host:port` of every tunnel that was opened.
    pub(crate) tunnels: Vec<String>,
    /// `METHOD URL` of every request that was passed on.
    pub(crate) forwards: Vec<String>,
    /// The first line of everything that was refused.
    pub(crate) refusals: Vec<String>,
}

impl Seen {
    /// Whether nobody came at all.
    pub(crate) fn nothing(&self) -> bool {
        self.tunnels.is_empty() && self.forwards.is_empty() && self.refusals.is_empty()
    }
}

/// A running proxy. It ends when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (rules, seen) = (rules.clone(), Arc::clone(&shared));
                // An error only says that one of the two ends has gone.
                tokio::spawn(async move { serve(stream, &rules, &seen).await.ok() });
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without credentials.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its URL with `user:password`, as it would be configured.
    pub(crate) fn url_with(&self, credentials: &str) -> String {
        format!("http://{credentials}@{}", self.address)
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The head of a request.
struct Head {
    method: String,
    target: String,
    /// The lines after the first, without the empty one at the end.
    headers: Vec<String>,
    /// What has arrived of the body.
    rest: Vec<u8>,
}

impl Head {
    async fn read(stream: &mut TcpStream) -> std::io::Result<Self> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        };
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = text.split("\r\n").map(str::to_owned);
        let first = lines.next().unwrap();
        let mut words = first.split(' ');
        Ok(Self {
            method: words.next().unwrap().to_owned(),
            target: words.next().unwrap().to_owned(),
            headers: lines.collect(),
            rest: bytes[end + 4..].to_vec(),
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

async fn serve(mut client: TcpStream, rules: &Rules, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let head = Head::read(&mut client).await?;
    let line = format!("{} {}", head.method, head.target);
    let wanted = rules
        .credentials
        .as_ref()
        .map(|pair| format!("Basic {}", STANDARD.encode(pair)));
    if wanted
        .as_deref()
        .is_some_and(|wanted| head.header("proxy-authorization") != Some(wanted))
    {
        seen.lock().unwrap().refusals.push(line);
        let challenge = "HTTP/1.1 407 Proxy Authentication Required\r\n\
            Proxy-Authenticate: Basic realm=\"company\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return client.write_all(challenge.as_bytes()).await;
    }
    if rules.forbid {
        seen.lock().unwrap().refusals.push(line);
        let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return client.write_all(refusal.as_bytes()).await;
    }
    if head.method == "CONNECT" {
        let (host, port) = head.target.rsplit_once(':').unwrap();
        let mut server = dial(host, port.parse().unwrap(), rules).await?;
        seen.lock().unwrap().tunnels.push(head.target.clone());
        client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await?;
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let url = url::Url::parse(&head.target).unwrap();
    let port = url.port_or_known_default().unwrap();
    let mut server = dial(url.host_str().unwrap(), port, rules).await?;
    seen.lock().unwrap().forwards.push(line);
    // One request per connection: a second one would have to be rewritten, too.
    let kept = head.headers.iter().filter(|line| {
        let line = line.to_ascii_lowercase();
        !line.starts_with("proxy-") && !line.starts_with("connection:")
    });
    let path = &url[url::Position::BeforePath..];
    let mut forwarded = format!("{} {path} HTTP/1.1\r\nConnection: close\r\n", head.method);
    for line in kept {
        forwarded.push_str(line);
        forwarded.push_str("\r\n");
    }
    forwarded.push_str("\r\n");
    server.write_all(forwarded.as_bytes()).await?;
    server.write_all(&head.rest).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn dial(host: &str, port: u16, rules: &Rules) -> std::io::Result<TcpStream> {
    match &rules.route {
        Some((name, ip)) if name == host => TcpStream::connect((*ip, port)).await,
        _ => TcpStream::connect((host, port)).await,
    }
}
