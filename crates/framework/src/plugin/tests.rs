//! The plugin layer over real sockets, in one process: a client as strict as
//! Terraform on one side, a provider without resources on the other.

mod client;
mod small_provider;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::signal::{Signal, raise};
use tokio::{
    net::UnixStream,
    sync::{Mutex, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tonic::Code;

use self::{
    client::{ClientIdentity, Parts},
    small_provider::SmallProvider,
};
use super::{handshake::COOKIE, *};
use crate::proto::{
    health::{HealthCheckRequest, health_check_response::ServingStatus},
    plugin::{ConnInfo, Empty},
    tfplugin6::{self, DynamicValue},
};

/// What is served.
static ACME: Program = Program {
    name: "acme",
    log_targets: &[],
    log_fields: &[],
};

/// Long enough for a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(10);

/// Signals reach every server of this process, so only one test may send any.
static SIGNALS: Mutex<()> = Mutex::const_new(());

/// What Terraform says when it wants TLS with this certificate.
fn handshake(client_certificate: Option<&str>) -> Handshake {
    Handshake::read(|name| match name {
        "PLUGIN_PROTOCOL_VERSIONS" => Some("6,5".into()),
        "PLUGIN_CLIENT_CERT" => client_certificate.map(Into::into),
        _ => (name == COOKIE.0).then(|| COOKIE.1.into()),
    })
    .unwrap()
}

/// A server as Terraform sees it: its line, and whether it has ended.
struct Started {
    line: String,
    ended: JoinHandle<Result<(), ServeError>>,
}

impl Started {
    /// Starts a server for `client`, or one in clear text.
    async fn new(client: Option<&ClientIdentity>) -> Self {
        let handshake = handshake(client.map(ClientIdentity::certificate_pem));
        let (announced, line) = oneshot::channel();
        let announce = |line: &str| {
            announced.send(line.to_owned()).unwrap();
            Ok(())
        };
        let ended = tokio::spawn(async move {
            serve_announced_by(announce, &ACME, SmallProvider, &handshake).await
        });
        let line = line.await.unwrap();
        Self { line, ended }
    }

    fn parts(&self) -> Parts {
        Parts::of(&self.line)
    }

    fn directory(&self) -> PathBuf {
        Path::new(&self.parts().address).parent().unwrap().into()
    }

    async fn end(self) -> Result<(), ServeError> {
        timeout(SOON, self.ended).await.unwrap().unwrap()
    }
}

/// The number of bytes that arrived, by way of a diagnostic.
async fn bytes_that_arrive(client: &client::Clients, sent: usize) -> Result<String, tonic::Status> {
    let config = DynamicValue {
        msgpack: vec![0xc0; sent],
        json: Vec::new(),
    };
    let request = tfplugin6::validate_provider_config::Request {
        config: Some(config),
    };
    let answer = client.provider().validate_provider_config(request).await?;
    Ok(answer.into_inner().diagnostics.remove(0).summary)
}

#[tokio::test]
async fn client_with_terraforms_certificate_is_served() {
    let terraform = ClientIdentity::like_terraform();
    let server = Started::new(Some(&terraform)).await;
    let client = server.parts().connect(Some(&terraform)).await.unwrap();
    assert_eq!(bytes_that_arrive(&client, 3).await.unwrap(), "3");
}

#[tokio::test]
async fn client_that_cannot_prove_to_be_terraform_is_refused() {
    let terraform = ClientIdentity::like_terraform();
    let stranger = ClientIdentity::like_terraform();
    let thief = terraform.with_key_of(&stranger);
    let server = Started::new(Some(&terraform)).await;

    for (who, identity) in [
        ("another certificate", Some(&stranger)),
        ("the right certificate without its key", Some(&thief)),
        ("no certificate", Some(&ClientIdentity::none())),
        ("no TLS", None),
    ] {
        let attempt = async {
            let client = server.parts().connect(identity).await.ok()?;
            bytes_that_arrive(&client, 3).await.ok()
        };
        assert_eq!(timeout(SOON, attempt).await.unwrap(), None, "{who}");
    }
    // It was not the server that was broken.
    let client = server.parts().connect(Some(&terraform)).await.unwrap();
    assert!(bytes_that_arrive(&client, 3).await.is_ok());
}

#[tokio::test]
async fn http2_is_negotiated() {
    let terraform = ClientIdentity::like_terraform();
    let server = Started::new(Some(&terraform)).await;
    let protocol = server.parts().negotiated_protocol(&terraform).await;
    assert_eq!(protocol.as_deref(), Some(&b"h2"[..]));
}

#[tokio::test]
async fn unusable_client_certificate_is_an_error_and_never_clear_text() {
    let handshake = handshake(Some("no certificate"));
    let announce = |line: &str| -> io::Result<()> { panic!("announced {line}") };
    let result = serve_announced_by(announce, &ACME, SmallProvider, &handshake).await;
    assert!(matches!(
        result,
        Err(ServeError::Tls(TlsError::ClientCertificate(_)))
    ));
}

#[tokio::test]
async fn without_a_client_certificate_there_is_no_tls() {
    let server = Started::new(None).await;
    assert!(server.line.ends_with("|grpc|\n"), "{}", server.line);
    let client = server.parts().connect(None).await.unwrap();
    assert_eq!(bytes_that_arrive(&client, 3).await.unwrap(), "3");
}

#[tokio::test]
async fn client_that_says_nothing_blocks_nobody() {
    let terraform = ClientIdentity::like_terraform();
    let server = Started::new(Some(&terraform)).await;
    let _silent = UnixStream::connect(server.parts().address).await.unwrap();
    let parts = server.parts();
    let client = parts.connect(Some(&terraform));
    let client = timeout(TLS_PATIENCE, client).await.unwrap().unwrap();
    assert!(bytes_that_arrive(&client, 3).await.is_ok());
}

/// Shorter than the server's patience with the silent client.
const TLS_PATIENCE: Duration = Duration::from_secs(8);

#[tokio::test]
async fn loopback_tcp_serves_with_the_same_tls() {
    let terraform = ClientIdentity::like_terraform();
    let tls = Tls::for_client(terraform.certificate_pem()).unwrap();
    let listener = Listener::bind_tcp((0, 0)).unwrap();
    let line = handshake(None).line(listener.address(), Some(&tls.certificate));
    let server = Running {
        listener,
        tls: Some(tls),
        connections: watch::Sender::default(),
    };
    tokio::spawn(server.run(SmallProvider, std::future::pending()));

    let parts = Parts::of(&line);
    assert_eq!(parts.network, "tcp");
    let client = parts.connect(Some(&terraform)).await.unwrap();
    assert_eq!(bytes_that_arrive(&client, 3).await.unwrap(), "3");
    let stranger = ClientIdentity::like_terraform();
    let refused = async {
        let client = parts.connect(Some(&stranger)).await.ok()?;
        bytes_that_arrive(&client, 3).await.ok()
    };
    assert_eq!(refused.await, None);
}

#[tokio::test]
async fn request_of_30_mib_is_accepted() {
    let terraform = ClientIdentity::like_terraform();
    let server = Started::new(Some(&terraform)).await;
    let client = server.parts().connect(Some(&terraform)).await.unwrap();
    let arrived = bytes_that_arrive(&client, 30 << 20).await;
    assert_eq!(arrived.unwrap(), (30 << 20).to_string());
}

#[tokio::test]
async fn calls_run_side_by_side_on_one_connection() {
    let server = Started::new(None).await;
    let client = server.parts().connect(None).await.unwrap();
    let (mut first, mut second) = (client.provider(), client.provider());
    let never = first.read_data_source(tfplugin6::read_data_source::Request::default());
    let quick = second.stop_provider(tfplugin6::stop_provider::Request {});
    tokio::select! {
        biased;
        answer = never => panic!("{answer:?} from a call that never ends", answer = answer.is_ok()),
        answer = quick => assert_eq!(answer.err().unwrap().code(), Code::Unimplemented),
    }
}

#[tokio::test]
async fn shutdown_answers_then_ends_and_leaves_nothing_behind() {
    let terraform = ClientIdentity::like_terraform();
    let server = Started::new(Some(&terraform)).await;
    let directory = server.directory();
    let client = server.parts().connect(Some(&terraform)).await.unwrap();
    // All that Terraform holds open, and a call that never ends.
    let mut stdio = client.stdio().stream_stdio(()).await.unwrap().into_inner();
    let broker = client.broker();
    let mut broker = { broker }
        .start_stream(tokio_stream::pending::<ConnInfo>())
        .await
        .unwrap()
        .into_inner();
    let mut provider = client.provider();
    let endless = tokio::spawn(async move {
        let request = tfplugin6::read_data_source::Request::default();
        provider.read_data_source(request).await.is_ok()
    });
    sleep(Duration::from_millis(50)).await;
    client.controller().shutdown(Empty {}).await.unwrap();
    server.end().await.unwrap();
    assert!(!directory.exists());
    for silent in [
        timeout(SOON, stdio.message())
            .await
            .unwrap()
            .is_ok_and(|data| data.is_none()),
        timeout(SOON, broker.message())
            .await
            .unwrap()
            .is_ok_and(|info| info.is_none()),
    ] {
        assert!(silent);
    }
    // It was not waited for.
    assert!(!timeout(SOON, endless).await.unwrap().unwrap());
}

#[tokio::test]
async fn stdio_and_broker_stay_open_and_silent() {
    let server = Started::new(None).await;
    let client = server.parts().connect(None).await.unwrap();
    let mut stdio = client.stdio().stream_stdio(()).await.unwrap().into_inner();
    let (hang_up, until) = oneshot::channel::<()>();
    let greeting = tokio_stream::once(ConnInfo::default());
    let calls = futures_util::StreamExt::chain(
        greeting,
        futures_util::StreamExt::take_until(tokio_stream::pending(), until),
    );
    let mut client_of_broker = client.broker();
    let mut broker = client_of_broker
        .start_stream(calls)
        .await
        .unwrap()
        .into_inner();

    let silence = Duration::from_millis(100);
    assert!(timeout(silence, stdio.message()).await.is_err());
    assert!(timeout(silence, broker.message()).await.is_err());
    // The broker's stream ends when the client ends its half.
    drop(hang_up);
    let end = timeout(SOON, broker.message()).await.unwrap();
    assert!(matches!(end, Ok(None)));
}

#[tokio::test]
async fn health_knows_the_plugin_and_nothing_else() {
    let server = Started::new(None).await;
    let client = server.parts().connect(None).await.unwrap();
    let ask = |service: &str| HealthCheckRequest {
        service: service.to_owned(),
    };
    for service in ["plugin", ""] {
        let answer = client.health().check(ask(service)).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    }
    let unknown = client.health().check(ask("other")).await;
    assert_eq!(unknown.err().unwrap().code(), Code::NotFound);

    for (service, expected) in [
        ("plugin", ServingStatus::Serving),
        ("other", ServingStatus::ServiceUnknown),
    ] {
        let mut watch = client
            .health()
            .watch(ask(service))
            .await
            .unwrap()
            .into_inner();
        let first = watch.message().await.unwrap().unwrap();
        assert_eq!(first.status(), expected);
        let silence = Duration::from_millis(50);
        assert!(timeout(silence, watch.message()).await.is_err());
    }
}

#[tokio::test]
async fn signals_are_ignored_while_terraform_lives() {
    let _alone = SIGNALS.lock().await;
    let terraform = ClientIdentity::like_terraform();
    let server = Started::new(Some(&terraform)).await;
    let client = server.parts().connect(Some(&terraform)).await.unwrap();
    // Without our handlers each of them ends the test process.
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        raise(signal).unwrap();
        raise(signal).unwrap();
    }
    sleep(Duration::from_millis(50)).await;
    assert_eq!(bytes_that_arrive(&client, 3).await.unwrap(), "3");
    assert!(!server.ended.is_finished());
}

#[tokio::test]
async fn debug_mode_serves_in_clear_text_until_a_signal() {
    let _alone = SIGNALS.lock().await;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (announced, text) = oneshot::channel();
        let announce = |text: &str| {
            announced.send(text.to_owned()).unwrap();
            Ok(())
        };
        let ended = tokio::spawn(serve_debug_announced_by(
            announce,
            &ACME,
            SmallProvider,
            "registry.terraform.io/acme/acme",
        ));
        let text = text.await.unwrap();
        let value = text
            .split_once("TF_REATTACH_PROVIDERS='")
            .and_then(|(_, rest)| rest.split_once('\''))
            .unwrap()
            .0;
        let value: serde_json::Value = serde_json::from_str(value).unwrap();
        let how = &value["registry.terraform.io/acme/acme"];
        assert_eq!(how["Pid"], std::process::id());
        let parts = Parts {
            network: how["Addr"]["Network"].as_str().unwrap().into(),
            address: how["Addr"]["String"].as_str().unwrap().into(),
            certificate: None,
        };

        // One client after another, as many as there are.
        for _ in 0..2 {
            let client = parts.connect(None).await.unwrap();
            assert_eq!(bytes_that_arrive(&client, 3).await.unwrap(), "3");
        }
        raise(signal).unwrap();
        timeout(SOON, ended).await.unwrap().unwrap().unwrap();
        assert!(!Path::new(&parts.address).exists());
    }
}

#[tokio::test]
async fn abandoned_means_no_connection_left_for_a_while() {
    let grace = Duration::from_millis(300);
    let connections = watch::Sender::default();
    let parent = process::parent_id();
    let patience = [grace, CONNECTED_WITHIN];
    let abandoned = tokio::spawn(abandoned(connections.subscribe(), parent, patience));
    let set = |now| connections.send_replace(OpenConnections { now, ever: true });

    // Nobody has come yet, and the process that started us lives.
    sleep(2 * grace).await;
    assert!(!abandoned.is_finished());
    set(1);
    sleep(2 * grace).await;
    assert!(!abandoned.is_finished());
    // Gone, noticed, and back in time.
    set(0);
    tokio::task::yield_now().await;
    set(1);
    sleep(2 * grace).await;
    assert!(!abandoned.is_finished());
    set(0);
    timeout(SOON, abandoned).await.unwrap().unwrap();
}

#[tokio::test]
async fn connections_are_counted_while_they_last() {
    let listener = Listener::bind_tcp((0, 0)).unwrap();
    let line = handshake(None).line(listener.address(), None);
    let connections = watch::Sender::default();
    let mut count = connections.subscribe();
    let server = Running {
        listener,
        tls: None,
        connections,
    };
    tokio::spawn(server.run(SmallProvider, std::future::pending()));
    let client = Parts::of(&line).connect(None).await.unwrap();
    assert_eq!(bytes_that_arrive(&client, 3).await.unwrap(), "3");
    assert_eq!(*count.borrow(), OpenConnections { now: 1, ever: true });
    drop(client);
    let none = count.wait_for(|open| open.now == 0);
    assert!(timeout(SOON, none).await.unwrap().unwrap().ever);
}

#[tokio::test]
async fn a_provider_to_which_nobody_connects_ends() {
    let grace = Duration::from_millis(20);
    // Terraform died before this process looked who started it.
    let orphan = [process::parent_id(), process::parent_id() + 1];
    for (parent, first) in orphan.into_iter().zip([2 * grace, CONNECTED_WITHIN]) {
        let connections = watch::Sender::default();
        let abandoned = abandoned(connections.subscribe(), parent, [grace, first]);
        timeout(SOON, abandoned).await.unwrap();
    }
}

#[tokio::test]
async fn the_socket_goes_as_soon_as_terraform_has_connected() {
    let terraform = ClientIdentity::like_terraform();
    let server = Started::new(Some(&terraform)).await;
    let directory = server.directory();
    assert!(directory.exists());
    let client = server.parts().connect(Some(&terraform)).await.unwrap();
    let gone = async {
        while directory.exists() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, gone).await.unwrap();
    assert_eq!(bytes_that_arrive(&client, 3).await.unwrap(), "3");
}
