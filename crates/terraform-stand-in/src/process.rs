//! The provider binary as Terraform starts it: environment, handshake line,
//! mutual TLS, shutdown. Written against go-plugin's rules, not against ours.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustls::DigitallySignedStruct;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tonic::transport::{Channel, Endpoint};

/// What Terraform and go-plugin agreed on, so that nobody starts a plugin by hand.
pub const MAGIC_COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);
/// How long Terraform waits for the handshake line.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a process may take to end after Shutdown. Terraform waits 2 s and
/// kills then; a test machine that is busy with other things gets more, because
/// what is looked for is a process that does not end at all.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);
/// go-plugin ignores a shorter certificate field.
const SHORTEST_CERTIFICATE: usize = 50;

/// How a provider is started.
#[derive(Clone, Debug)]
pub struct Launch {
    pub program: PathBuf,
    /// Added to an environment that is otherwise empty but for `PATH`.
    pub env: Vec<(String, String)>,
    /// False plays `TF_DISABLE_PLUGIN_TLS`.
    pub tls: bool,
    /// The protocol that it is to speak, of the two that Terraform offers.
    pub protocol: u32,
}

impl Launch {
    /// A provider of protocol 6, with TLS.
    pub fn new(program: impl Into<PathBuf>, env: &[(&str, &str)]) -> Self {
        Self {
            program: program.into(),
            env: env
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            tls: true,
            protocol: 6,
        }
    }
}

/// The six fields of the handshake line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handshake {
    pub network: Network,
    /// The server certificate in DER; nothing without TLS.
    pub certificate: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Network {
    Unix(PathBuf),
    Tcp(String),
}

impl Handshake {
    /// Reads the line as strictly as go-plugin does.
    pub fn parse(line: &str, protocol: u32) -> Result<Self, String> {
        let fields: Vec<&str> = line.trim_end_matches('\n').split('|').collect();
        let [core, version, network, address, transport, certificate] = fields.as_slice() else {
            return Err(format!("Unrecognized remote plugin message: {line:?}"));
        };
        if *core != "1" {
            return Err(format!("Incompatible core API version with plugin: {core}"));
        }
        if *version != protocol.to_string() {
            return Err(format!("incompatible API version with plugin: {version}"));
        }
        let network = match *network {
            "unix" => Network::Unix(PathBuf::from(address)),
            "tcp" => Network::Tcp((*address).to_owned()),
            other => return Err(format!("Unknown address type: {other}")),
        };
        if *transport != "grpc" {
            return Err(format!("Unsupported plugin protocol {transport:?}"));
        }
        let certificate = (certificate.len() > SHORTEST_CERTIFICATE)
            .then(|| {
                STANDARD_NO_PAD
                    .decode(certificate)
                    .map_err(|e| format!("error parsing server cert: {e}"))
            })
            .transpose()?;
        Ok(Self {
            network,
            certificate,
        })
    }
}

/// The certificate that Terraform makes for one start of one plugin.
struct ClientCertificate {
    pem: String,
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl ClientCertificate {
    fn generate() -> Self {
        use rcgen::{
            BasicConstraints, CertificateParams, DistinguishedName, DnType,
            ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P521_SHA512,
        };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "localhost");
        name.push(DnType::OrganizationName, "HashiCorp");
        params.distinguished_name = name;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }

    /// Trusts exactly the certificate of the handshake line.
    fn tls_config(&self, server: &[u8]) -> Result<rustls::ClientConfig, String> {
        let server = CertificateDer::from(server.to_vec());
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(server.clone())
            .map_err(|e| format!("server certificate: {e}"))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let strict =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|e| e.to_string())?;
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(OneServer { server, strict }))
            .with_client_auth_cert(vec![self.der.clone()], self.key.clone_key())
            .map_err(|e| e.to_string())?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

/// A client that is not the Terraform which started the provider.
#[derive(Clone, Copy, Debug)]
pub enum Stranger {
    WithoutTls,
    WithoutCertificate,
    /// One with all the properties of Terraform's.
    WithOtherCertificate,
}

/// Trusts the server and shows no certificate.
fn anonymous(server: &[u8]) -> Result<rustls::ClientConfig, String> {
    #[derive(Debug)]
    struct Nothing;
    impl rustls::client::ResolvesClientCert for Nothing {
        fn resolve(
            &self,
            _: &[&[u8]],
            _: &[rustls::SignatureScheme],
        ) -> Option<Arc<rustls::sign::CertifiedKey>> {
            None
        }

        fn has_certs(&self) -> bool {
            false
        }
    }
    let mut config = ClientCertificate::generate().tls_config(server)?;
    config.client_auth_cert_resolver = Arc::new(Nothing);
    Ok(config)
}

/// Verifies as Go does: a trusted certificate may be its own authority, as it is
/// in providers that are written in Go.
#[derive(Debug)]
struct OneServer {
    server: CertificateDer<'static>,
    strict: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for OneServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self
            .strict
            .verify_server_cert(end_entity, intermediates, name, ocsp, now);
        match verified {
            Err(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(reason)))
                if *end_entity == self.server && reason.to_string() == "CaUsedAsEndEntity" =>
            {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}

/// A running provider. Dropping it kills the process.
pub struct Process {
    child: Child,
    client: ClientCertificate,
    handshake: Handshake,
    /// From exec to the handshake line.
    pub start_up: Duration,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    /// Temporary directory and home of the process.
    directory: tempfile::TempDir,
}

/// All that a program of a test has from ours: where programs are, and which
/// certificates are trusted. Reading all that a machine trusts takes longer than
/// anything else in the life of a short process.
pub(crate) fn inherited() -> impl Iterator<Item = (&'static str, OsString)> {
    ["PATH", "SSL_CERT_FILE"]
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
}

impl Process {
    /// Starts the binary and reads its handshake line.
    pub async fn start(launch: &Launch) -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let client = ClientCertificate::generate();
        let mut command = Command::new(&launch.program);
        command
            .env_clear()
            .envs(inherited())
            .env("HOME", directory.path())
            .env("TMPDIR", directory.path())
            .env(MAGIC_COOKIE.0, MAGIC_COOKIE.1)
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000")
            .env("PLUGIN_PROTOCOL_VERSIONS", "6,5")
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if launch.tls {
            command.env("PLUGIN_CLIENT_CERT", &client.pem);
        }
        let started = Instant::now();
        let mut child = command
            .spawn()
            .map_err(|e| format!("{}: {e}", launch.program.display()))?;
        let (stderr, draining) = drain(child.stderr.take().unwrap());
        let (line, stdout) = first_line(child.stdout.take().unwrap());
        let line = tokio::time::timeout(HANDSHAKE_TIMEOUT, line).await;
        let (handshake, start_up) = match line {
            Ok(Ok((line, arrived))) => (
                Handshake::parse(&line, launch.protocol),
                arrived.duration_since(started),
            ),
            _ => (
                Err("timeout while waiting for plugin to start".to_owned()),
                started.elapsed(),
            ),
        };
        match handshake {
            Ok(handshake) if handshake.certificate.is_some() == launch.tls => Ok(Self {
                child,
                client,
                handshake,
                start_up,
                stdout,
                stderr,
                directory,
            }),
            outcome => {
                let _ = child.kill();
                let _ = child.wait();
                // What it said last may still be on its way.
                let _ = draining.join();
                let error = outcome
                    .err()
                    .unwrap_or_else(|| "TLS was not what was asked for".to_owned());
                Err(format!("{error}\n{}", text(&stderr)))
            }
        }
    }

    /// Dials as Terraform does: TLS with the name `localhost`, then HTTP/2.
    pub async fn connect(&self) -> Result<Channel, String> {
        let tls = match &self.handshake.certificate {
            Some(certificate) => Some(Arc::new(self.client.tls_config(certificate)?)),
            None => None,
        };
        connect(self.handshake.network.clone(), tls).await
    }

    /// Dials as somebody else on this machine, who knows what the handshake line
    /// says.
    pub async fn connect_as(&self, stranger: Stranger) -> Result<Channel, String> {
        let certificate = self.handshake.certificate.as_ref().unwrap();
        let tls = match stranger {
            Stranger::WithoutTls => None,
            Stranger::WithoutCertificate => Some(anonymous(certificate)?),
            Stranger::WithOtherCertificate => {
                Some(ClientCertificate::generate().tls_config(certificate)?)
            }
        };
        connect(self.handshake.network.clone(), tls.map(Arc::new)).await
    }

    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The directory that was the temporary directory and home of the process.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn signal(&self, signal: Signal) {
        // An error only says that the process is gone already.
        let _ = kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal);
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Everything written to stderr so far: the log.
    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// A handle on stderr that outlives the process.
    pub fn stderr_buffer(&self) -> Arc<Mutex<Vec<u8>>> {
        Arc::clone(&self.stderr)
    }

    /// Waits for the end of the process, and lets nothing else run meanwhile:
    /// for measurements.
    pub fn wait_at_once(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Waits for the end of the process.
    pub async fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + at_most;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// After Shutdown was answered: the process must end by itself, well,
    /// and without a trace.
    pub async fn expect_exit(mut self) -> Result<(), String> {
        let Some(status) = self.wait(SHUTDOWN_TIMEOUT).await else {
            return Err(format!(
                "plugin failed to exit gracefully\n{}",
                self.stderr()
            ));
        };
        if !status.success() {
            return Err(format!(
                "the provider ended with {status}\n{}",
                self.stderr()
            ));
        }
        if let Network::Unix(socket) = &self.handshake.network
            && socket.exists()
        {
            return Err(format!(
                "the provider left its socket behind: {}",
                socket.display()
            ));
        }
        let printed = text(&self.stdout);
        if printed.is_empty() {
            Ok(())
        } else {
            Err(format!("the provider wrote to stdout: {printed:?}"))
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Dials a provider, with TLS or without.
pub async fn connect(
    network: Network,
    tls: Option<Arc<rustls::ClientConfig>>,
) -> Result<Channel, String> {
    let dial = move |_: http::Uri| {
        let (network, tls) = (network.clone(), tls.clone());
        async move {
            match network {
                Network::Unix(path) => handshake_over(UnixStream::connect(path).await?, tls).await,
                Network::Tcp(address) => {
                    handshake_over(TcpStream::connect(address).await?, tls).await
                }
            }
        }
    };
    Endpoint::from_static("http://localhost")
        .connect_with_connector(tower::service_fn(dial))
        .await
        .map_err(|e| format!("cannot connect to the provider: {e:?}"))
}

/// Any stream that HTTP/2 can run on.
trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Stream for T {}

async fn handshake_over(
    stream: impl Stream + 'static,
    tls: Option<Arc<rustls::ClientConfig>>,
) -> std::io::Result<TokioIo<Box<dyn Stream>>> {
    let Some(config) = tls else {
        return Ok(TokioIo::new(Box::new(stream)));
    };
    let name = ServerName::try_from("localhost").unwrap();
    let stream = tokio_rustls::TlsConnector::from(config)
        .connect(name, stream)
        .await?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(std::io::Error::other("missing selected ALPN property"));
    }
    Ok(TokioIo::new(Box::new(stream)))
}

fn text(buffer: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&buffer.lock().unwrap()).into_owned()
}

/// Reads to the end in a thread of its own, as Terraform keeps doing.
fn drain(mut from: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, JoinHandle<()>) {
    let buffer = Arc::new(Mutex::new(Vec::new()));
    let target = Arc::clone(&buffer);
    let thread = std::thread::spawn(move || {
        let mut chunk = [0; 8192];
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            target.lock().unwrap().extend_from_slice(&chunk[..n]);
        }
    });
    (buffer, thread)
}

/// A line, and when it came.
type TimedLine = (String, Instant);

/// The first line and when it came, and a buffer of everything that comes after
/// it.
fn first_line(
    from: impl Read + Send + 'static,
) -> (oneshot::Receiver<TimedLine>, Arc<Mutex<Vec<u8>>>) {
    let (sender, receiver) = oneshot::channel();
    let buffer = Arc::new(Mutex::new(Vec::new()));
    let target = Arc::clone(&buffer);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(from);
        let mut line = String::new();
        if reader.read_line(&mut line).is_ok() {
            let _ = sender.send((line, Instant::now()));
        }
        let mut chunk = [0; 8192];
        while let Ok(n @ 1..) = reader.read(&mut chunk) {
            target.lock().unwrap().extend_from_slice(&chunk[..n]);
        }
    });
    (receiver, buffer)
}

#[test]
fn handshake_line_is_read_as_go_plugin_reads_it() {
    let certificate = STANDARD_NO_PAD.encode([7_u8; 100]);
    let good = Handshake::parse(&format!("1|6|unix|/tmp/s|grpc|{certificate}\n"), 6).unwrap();
    assert_eq!(good.network, Network::Unix(PathBuf::from("/tmp/s")));
    assert_eq!(good.certificate, Some(vec![7; 100]));
    assert_eq!(
        Handshake::parse("1|6|tcp|127.0.0.1:10000|grpc|\n", 6)
            .unwrap()
            .certificate,
        None
    );
    for line in [
        "hello\n",
        "2|6|unix|/tmp/s|grpc|\n",
        "1|5|unix|/tmp/s|grpc|\n",
        "1|6|pipe|/tmp/s|grpc|\n",
        "1|6|unix|/tmp/s||\n",
        "1|6|unix|/tmp/s|grpc\n",
        "1|6|unix|/tmp/s|grpc||false\n",
        &format!("1|6|unix|/tmp/s|grpc|{certificate}==\n"),
    ] {
        assert!(Handshake::parse(line, 6).is_err(), "{line}");
    }
}
