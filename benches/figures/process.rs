//! One provider process without a Terraform: start, schema, shutdown.

use std::path::{Path, PathBuf};
use std::time::Instant;

use framework::proto::plugin as go_plugin;
use tonic::codegen::http::uri::PathAndQuery;

use crate::series::Series;
use crate::support::core::process::{Launch, Process};

/// What is measured of one program.
pub(crate) struct Life {
    pub(crate) start: Series,
    pub(crate) start_without_tls: Series,
    pub(crate) schema: Series,
    pub(crate) memory: Series,
    pub(crate) shutdown: Series,
    pub(crate) size: Series,
}

/// A program and the protocol that it speaks.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) program: PathBuf,
    pub(crate) protocol: u32,
}

impl Subject {
    pub(crate) fn launch(&self, tls: bool) -> Launch {
        Launch {
            program: self.program.clone(),
            env: Vec::new(),
            tls,
            protocol: self.protocol,
        }
    }

    fn schema_call(&self) -> PathAndQuery {
        PathAndQuery::from_static(match self.protocol {
            5 => "/tfplugin5.Provider/GetSchema",
            _ => "/tfplugin6.Provider/GetProviderSchema",
        })
    }

    /// Which protocol a peer speaks, found out by trying. Also loads the
    /// program into the page cache.
    pub(crate) async fn of_peer(program: &Path) -> Result<Self, String> {
        let mut failure = String::new();
        for protocol in [6, 5] {
            let subject = Self {
                program: program.to_owned(),
                protocol,
            };
            match Process::start(&subject.launch(true)).await {
                Ok(_) => return Ok(subject),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Starts and ends the program `times` times.
    pub(crate) async fn live(&self, times: usize) -> Life {
        let mut life = Life {
            start: Series::new("ms"),
            start_without_tls: Series::new("ms"),
            schema: Series::new("ms"),
            memory: Series::new("MiB"),
            shutdown: Series::new("ms"),
            size: Series::new("MB"),
        };
        let size = std::fs::metadata(&self.program).unwrap().len();
        life.size.add(to_f64(size) / 1e6);
        for _ in 0..times {
            let plain = Process::start(&self.launch(false)).await.unwrap();
            life.start_without_tls.add_time(plain.start_up);
            drop(plain);
            self.live_once(&mut life).await;
        }
        life
    }

    async fn live_once(&self, life: &mut Life) {
        let mut process = Process::start(&self.launch(true)).await.unwrap();
        life.start.add_time(process.start_up);
        let channel = process.connect().await.unwrap();
        let mut client =
            tonic::client::Grpc::new(channel.clone()).max_decoding_message_size(256 << 20);
        client.ready().await.unwrap();
        let began = Instant::now();
        // Whatever the message holds: the bytes arrive, and nobody keeps them.
        let codec: tonic_prost::ProstCodec<(), ()> = tonic_prost::ProstCodec::default();
        let answer = client.unary(tonic::Request::new(()), self.schema_call(), codec);
        answer.await.unwrap();
        life.schema.add_time(began.elapsed());
        if let Some(memory) = resident(process.pid()) {
            life.memory.add(memory);
        }
        let mut controller =
            go_plugin::grpc_controller_client::GrpcControllerClient::new(channel.clone());
        let began = Instant::now();
        // A provider may be gone before it has answered.
        let _ = controller.shutdown(go_plugin::Empty {}).await;
        drop((controller, client, channel));
        process.wait_at_once();
        life.shutdown.add_time(began.elapsed());
    }
}

/// Resident memory of a process in MiB, where the system tells it.
fn resident(process: u32) -> Option<f64> {
    status(process, "VmRSS:")
}

/// The most memory that a process has had resident so far, in MiB.
pub(crate) fn peak(process: u32) -> Option<f64> {
    status(process, "VmHWM:")
}

/// The processor time that a process has used so far, in seconds.
pub(crate) fn processor_time(process: u32) -> Option<f64> {
    seconds(&process.to_string(), [11, 12])
}

/// The processor time of everything that this process has started and that has
/// ended, and of what that has started in turn.
pub(crate) fn children_time() -> Option<f64> {
    seconds("self", [13, 14])
}

/// The sum of two fields of a process's statistics, by their place behind its
/// name.
fn seconds(process: &str, places: [usize; 2]) -> Option<f64> {
    /// `USER_HZ`, the same on every Linux.
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold blanks.
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some((ticks(places[0])? + ticks(places[1])?) / TICKS_PER_SECOND)
}

fn status(process: u32, field: &str) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// Exact for everything that is measured here.
#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn to_f64(value: u64) -> f64 {
    value as f64
}
