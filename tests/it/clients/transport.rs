//! The provider as a process: how it starts, what it does about signals, how
//! it ends. TLS and the services are tested beside the code.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use framework::proto::{
    plugin::{Empty, grpc_controller_client::GrpcControllerClient},
    tfplugin6::{get_metadata, provider_client::ProviderClient},
};
use hyper_util::rt::TokioIo;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{net::UnixStream, time::sleep};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::support::core::{self, Core, Launch};

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// What somebody may send to a whole process group.
const SIGNALS: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// The binary with an environment in which nothing but `variables` is ours.
fn provider(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terraform-provider-sapcalm"));
    command
        .env_remove("PLUGIN_CLIENT_CERT")
        .env_remove("TF_PLUGIN_MAGIC_COOKIE")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A provider that Terraform has started. Killed when a test fails.
struct Process {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    socket: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(self.socket.parent().unwrap());
    }
}

impl Process {
    fn start() -> Self {
        let mut child = provider(&[
            ("TF_PLUGIN_MAGIC_COOKIE", COOKIE),
            ("PLUGIN_PROTOCOL_VERSIONS", "6,5"),
            ("TF_LOG", "TRACE"),
        ])
        .spawn()
        .unwrap();
        // Logs then have nowhere to go, which must not matter.
        drop(child.stderr.take());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let socket = line
            .strip_prefix("1|6|unix|")
            .and_then(|rest| rest.strip_suffix("|grpc|\n"))
            .unwrap_or_else(|| panic!("unexpected handshake line {line:?}"));
        Self {
            child,
            stdout,
            socket: socket.into(),
        }
    }

    async fn connect(&self) -> Channel {
        let socket = self.socket.clone();
        let connector = service_fn(move |_| {
            let stream = UnixStream::connect(socket.clone());
            async { stream.await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        endpoint.connect_with_connector(connector).await.unwrap()
    }

    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(process, signal).unwrap();
    }

    /// How the process ended, None when it has not after `limit`.
    async fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            let status = self.child.try_wait().unwrap();
            if status.is_some() || start.elapsed() > limit {
                return status;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    fn rest_of_stdout(&mut self) -> String {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        rest
    }
}

async fn answers(channel: &Channel) -> bool {
    let mut client = ProviderClient::new(channel.clone());
    let answer = client.get_metadata(get_metadata::Request {}).await;
    answer.is_ok_and(|answer| !answer.get_ref().resources.is_empty())
}

#[test]
fn started_by_hand_it_explains_itself_on_stderr() {
    for cookie in [None, Some("wrong")] {
        let variables: Vec<_> = cookie
            .map(|cookie| ("TF_PLUGIN_MAGIC_COOKIE", cookie))
            .into_iter()
            .collect();
        let output = provider(&variables).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stdout, b"");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("dev_overrides"), "{text}");
        let directory = Path::new(env!("CARGO_BIN_EXE_terraform-provider-sapcalm"));
        let directory = directory.parent().unwrap().to_str().unwrap();
        assert!(text.contains(directory), "{text}");
    }
}

#[test]
fn a_socket_directory_that_cannot_be_used_is_named_and_nothing_hangs() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let missing = directory.path().join("missing");
    for unusable in [&file, &missing] {
        let unusable = unusable.to_str().unwrap();
        let output = provider(&[
            ("TF_PLUGIN_MAGIC_COOKIE", COOKIE),
            ("PLUGIN_PROTOCOL_VERSIONS", "6"),
            ("PLUGIN_UNIX_SOCKET_DIR", unusable),
        ])
        .output()
        .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stdout, b"");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.contains("cannot open a socket for Terraform"),
            "{text}"
        );
        assert!(text.contains("`PLUGIN_UNIX_SOCKET_DIR`"), "{text}");
        assert!(text.contains(unusable), "{text}");
    }
}

#[test]
fn version_is_printed_on_stdout() {
    let expected = concat!(
        "terraform-provider-sapcalm ",
        env!("CARGO_PKG_VERSION"),
        "\n"
    );
    for argument in ["version", "--version", "-V"] {
        let output = provider(&[]).arg(argument).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

#[tokio::test]
async fn signals_are_ignored_while_terraform_lives_and_shutdown_ends_the_process_at_once() {
    let mut process = Process::start();
    let channel = process.connect().await;
    assert!(answers(&channel).await);
    for signal in SIGNALS {
        process.signal(signal);
        process.signal(signal);
    }
    assert_eq!(process.ended_within(Duration::from_millis(100)).await, None);
    assert!(answers(&channel).await);

    let mut controller = GrpcControllerClient::new(channel.clone());
    controller.shutdown(Empty {}).await.unwrap();
    // Not by the end that an abandoned process finds by itself: a client is there.
    let status = process.ended_within(Duration::from_mins(1)).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!process.socket.parent().unwrap().exists());
    assert_eq!(process.rest_of_stdout(), "");
}

#[tokio::test]
async fn process_outlives_its_last_client_only_for_seconds() {
    let mut process = Process::start();
    let channel = process.connect().await;
    assert!(answers(&channel).await);
    // Terraform was killed, and perhaps somebody closed the terminal as well.
    drop(channel);
    for signal in SIGNALS {
        process.signal(signal);
    }
    assert_eq!(process.ended_within(Duration::from_millis(200)).await, None);
    let status = process.ended_within(Duration::from_secs(30)).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!process.socket.parent().unwrap().exists());
}

#[tokio::test]
async fn provider_starts_and_ends_as_terraform_expects_with_tls_and_without() {
    let mut tf = Core::start(&[]).await;
    let schema = tf.schema().await;
    assert!(schema.resources.contains_key("sapcalm_destination"));
    let session = tf.session().await;
    let process = session.process().unwrap();
    assert!(process.handshake().certificate.is_some());
    session.stop().await;
    session.close().await;
    assert_eq!(tf.processes, 2);

    let plain = Launch {
        tls: false,
        ..core::provider(&[])
    };
    let mut tf = Core::launch(plain).await;
    tf.session().await.close().await;
}
