//! The provider alone with 100, 1,000 and 10,000 destinations: what it takes
//! itself, without Terraform, whose own time and memory grow faster. Elapsed
//! time is also the service's; what is judged is the provider's processor time
//! and memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use framework::proto::tfplugin6 as proto;
use framework::proto::tfplugin6::provider_client::ProviderClient;
use framework::schema::AttributeType;
use framework::value::Value;
use framework::wire::msgpack;
use futures_util::stream::{self, StreamExt as _};
use sapcalm::provider::RESOURCES;
use sapcalm::provider::config::SCHEMA;
use tonic::transport::Channel;

use crate::process::{Subject, peak, processor_time, to_f64};
use crate::programs::Programs;
use crate::sap::Sap;
use crate::series::{Series, Table, verdict};
use crate::support::core::process::Process;

const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// The size at which the naive build reads, too.
const COMPARED: usize = 1_000;

/// How often both builds read.
const ROUNDS: usize = 5;

/// Calls at the same time, as Terraform makes them.
const PARALLEL: usize = 10;

const TYPE_NAME: &str = "sapcalm_destination";

/// What one process used.
struct Used {
    /// Processor time in seconds.
    time: f64,
    /// Peak memory in MiB.
    memory: f64,
}

/// What one size came to.
struct Size {
    count: usize,
    create: Used,
    read: Used,
}

pub(crate) async fn measure(programs: &Programs, latency: u64) {
    let table = Table::new(
        "Growth of the provider itself",
        &[
            "destinations",
            "create all",
            "processor time",
            "peak memory",
            "refresh all in a new process",
            "processor time",
            "peak memory",
            "requests of the refresh",
            "at most linear",
        ],
    );
    let mut before: Option<Size> = None;
    let mut compared = None;
    for count in SIZES {
        let sap = Sap::start(&programs.emulator, latency);
        let subject = Subject {
            program: programs.provider.clone(),
            protocol: 6,
        };
        let applying = Provider::start(&subject, &sap).await;
        let (objects, create_took) = applying.create(count).await;
        let create = applying.end();
        if count == COMPARED {
            compared = Some(compare(programs, &sap, &objects).await);
        }
        sap.take_requests().await;
        let refreshing = Provider::start(&subject, &sap).await;
        let read_took = refreshing.read(objects).await;
        let read = refreshing.end();
        let (requests, tokens) = sap.take_requests().await;
        let size = Size {
            count,
            create,
            read,
        };
        let linear = before
            .as_ref()
            .map(|before| verdict(is_linear(before, &size)));
        let mut row = vec![count.to_string()];
        for (took, used) in [(create_took, &size.create), (read_took, &size.read)] {
            row.push(format!("{:.2} s", took.as_secs_f64()));
            row.push(format!("{:.2} s", used.time));
            row.push(format!("{:.1} MiB", used.memory));
        }
        row.push(format!("{requests} ({tokens} token)"));
        row.push(linear.unwrap_or_default().to_owned());
        table.row(&row);
        before = Some(size);
    }
    if let Some((ours, naive)) = compared {
        let table = Table::new(
            &format!("Refresh of {COMPARED} destinations, batching on and off, without Terraform"),
            &[
                "this commit",
                "`--features naive-reads`",
                "target",
                "measured",
                "met",
            ],
        );
        let faster = naive.median() / ours.median();
        table.row(&[
            ours.to_string(),
            naive.to_string(),
            "≥ 5 × faster".to_owned(),
            format!("{faster:.1} ×"),
            verdict(faster >= 5.0).to_owned(),
        ]);
    }
}

/// Reads with both builds, in turns.
async fn compare(programs: &Programs, sap: &Sap, objects: &[Object]) -> (Series, Series) {
    let mut series = [(); 2].map(|()| Series::new("s"));
    for _ in 0..ROUNDS {
        for (series, program) in series.iter_mut().zip([&programs.provider, &programs.naive]) {
            let subject = Subject {
                program: program.clone(),
                protocol: 6,
            };
            let refreshing = Provider::start(&subject, sap).await;
            series.add_time(refreshing.read(objects.to_vec()).await);
        }
    }
    series.into()
}

/// What the system counts processor time in, in seconds.
const TICK: f64 = 0.01;

/// Whether nothing grew by more than the number of destinations did. A short
/// processor time may have been a tick longer.
fn is_linear(before: &Size, after: &Size) -> bool {
    let factor = to_f64((after.count / before.count) as u64);
    [
        after.create.time / (before.create.time + TICK),
        after.create.memory / before.create.memory,
        after.read.time / (before.read.time + TICK),
        after.read.memory / before.read.memory,
    ]
    .iter()
    .all(|grown| *grown <= factor)
}

/// An object in the state.
#[derive(Clone)]
struct Object {
    state: proto::DynamicValue,
    private: Vec<u8>,
}

/// A configured provider process.
struct Provider {
    process: Process,
    client: ProviderClient<Channel>,
    object_type: AttributeType,
}

impl Provider {
    async fn start(subject: &Subject, sap: &Sap) -> Self {
        let process = Process::start(&subject.launch(true)).await.unwrap();
        let channel = process.connect().await.unwrap();
        let mut client = ProviderClient::new(channel).max_decoding_message_size(256 << 20);
        let file = |name: &str| std::fs::read_to_string(sap.keys().join(name)).unwrap();
        let block = object(
            &SCHEMA.object_type(),
            &[
                ("destination_service_key", &file("destination.json")),
                ("cloud_alm_service_key", &file("cloud-alm.json")),
                ("ca_certificates", &file("ca.pem")),
            ],
        );
        let request = proto::configure_provider::Request {
            terraform_version: "1.11.4".to_owned(),
            config: Some(encoded(&SCHEMA.object_type(), &block)),
            client_capabilities: None,
        };
        let answer = client.configure_provider(request).await.unwrap();
        assert_eq!(answer.into_inner().diagnostics.len(), 0);
        let destination = RESOURCES
            .iter()
            .find(|resource| resource.definition().type_name == TYPE_NAME);
        Self {
            process,
            client,
            object_type: destination.unwrap().definition().schema.object_type(),
        }
    }

    async fn create(&self, count: usize) -> (Vec<Object>, Duration) {
        let began = Instant::now();
        let creates = (0..count).map(|number| self.create_one(number));
        let objects = stream::iter(creates).buffered(PARALLEL).collect().await;
        (objects, began.elapsed())
    }

    async fn create_one(&self, number: usize) -> Object {
        let mut client = self.client.clone();
        let config = object(&self.object_type, &[("name", &format!("bench-{number}"))]);
        let config = encoded(&self.object_type, &config);
        let null = encoded(&self.object_type, &Value::Null);
        let request = proto::plan_resource_change::Request {
            type_name: TYPE_NAME.to_owned(),
            prior_state: Some(null.clone()),
            proposed_new_state: Some(config.clone()),
            config: Some(config.clone()),
            ..proto::plan_resource_change::Request::default()
        };
        let planned = client.plan_resource_change(request).await.unwrap();
        let planned = planned.into_inner();
        assert_eq!(planned.diagnostics.len(), 0);
        let request = proto::apply_resource_change::Request {
            type_name: TYPE_NAME.to_owned(),
            prior_state: Some(null),
            planned_state: planned.planned_state,
            config: Some(config),
            planned_private: planned.planned_private,
            ..proto::apply_resource_change::Request::default()
        };
        let applied = client.apply_resource_change(request).await.unwrap();
        let applied = applied.into_inner();
        assert_eq!(applied.diagnostics.len(), 0);
        Object {
            state: applied.new_state.unwrap(),
            private: applied.private,
        }
    }

    async fn read(&self, objects: Vec<Object>) -> Duration {
        let began = Instant::now();
        let reads = objects.into_iter().map(|object| self.read_one(object));
        stream::iter(reads)
            .buffered(PARALLEL)
            .for_each(|()| async {})
            .await;
        began.elapsed()
    }

    /// A refresh that finds nothing changed.
    async fn read_one(&self, object: Object) {
        let request = proto::read_resource::Request {
            type_name: TYPE_NAME.to_owned(),
            current_state: Some(object.state.clone()),
            private: object.private,
            ..proto::read_resource::Request::default()
        };
        let read = self.client.clone().read_resource(request).await.unwrap();
        let read = read.into_inner();
        assert_eq!(read.diagnostics.len(), 0);
        assert!(read.new_state.unwrap().msgpack == object.state.msgpack);
    }

    /// Ends the process and tells what it used.
    fn end(self) -> Used {
        let process = self.process.pid();
        Used {
            time: processor_time(process).unwrap_or(f64::NAN),
            memory: peak(process).unwrap_or(f64::NAN),
        }
    }
}

/// An object with these attributes, the others null.
fn object(object_type: &AttributeType, given: &[(&str, &str)]) -> Value {
    let AttributeType::Object(attributes) = object_type else {
        panic!("a schema is an object");
    };
    let mut entries: BTreeMap<String, Value> = attributes
        .iter()
        .map(|attribute| (attribute.name.to_owned(), Value::Null))
        .collect();
    for (name, value) in given {
        entries.insert((*name).to_owned(), Value::string(*value));
    }
    Value::Object(entries)
}

fn encoded(object_type: &AttributeType, value: &Value) -> proto::DynamicValue {
    proto::DynamicValue {
        msgpack: msgpack::encode(object_type, value).unwrap(),
        json: Vec::new(),
    }
}
