//! The inner loops: what the provider computes for every destination of every
//! plan. Both codecs, and the plan algorithm with the resource's own rules.
//!
//! `cargo run --release --package bench -- --bench` measures time. `count NAME
//! ROUNDS` runs one of them a number of times and measures nothing, for tools that
//! count instructions; `count` alone lists the names.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and ends at the first thing that is wrong"
)]

use std::collections::BTreeMap;
use std::hint::black_box;

use client::{Client, Config, DestinationKey};
use criterion::Criterion;
use framework::plan::Change;
use framework::private::Private;
use framework::resource::DynResource;
use framework::schema::AttributeType;
use framework::value::Value;
use framework::wire::json::{self, Leniency};
use framework::wire::msgpack;
use sapcalm::provider::RESOURCES;
use sapcalm::provider::configured::Configured;

/// One destination as a plan meets it.
struct Sample {
    object_type: AttributeType,
    provider: Configured,
    config: Value,
    state: Value,
    state_msgpack: Vec<u8>,
    state_json: Vec<u8>,
}

impl Sample {
    fn new() -> Self {
        let object_type = resource().definition().schema.object_type();
        let key = r#"{"clientid": "c", "clientsecret": "s", "url": "https://a.example.com", "uri": "https://d.example.com"}"#;
        let client_config = Config {
            destination_key: Some(DestinationKey::parse(key).unwrap()),
            ..Config::default()
        };
        let provider = Configured::new(Client::new(client_config).unwrap(), BTreeMap::new());
        let attributes = resource().definition().schema.attributes.iter();
        let mut config: BTreeMap<String, Value> = attributes
            .map(|attribute| (attribute.name.to_owned(), Value::Null))
            .collect();
        for (name, value) in [
            ("name", "orders-eu10"),
            ("url", "https://orders.example.com/api/v1"),
            ("authentication", "NoAuthentication"),
            ("description", "Orders of the European shops"),
        ] {
            config.insert(name.to_owned(), Value::string(value));
        }
        let config = Value::Object(config);
        let state = applied(planned(&provider, &config, Value::Null));
        let unchanged = planned(&provider, &config, state.clone());
        assert!(
            unchanged.same(&state),
            "the plan of the sample is not empty"
        );
        Self {
            state_msgpack: msgpack::encode(&object_type, &state).unwrap(),
            state_json: written(&state).to_string().into_bytes(),
            object_type,
            provider,
            config,
            state,
        }
    }
}

fn resource() -> &'static dyn DynResource<Configured> {
    RESOURCES[0]
}

fn planned(provider: &Configured, config: &Value, prior: Value) -> Value {
    let change = Change {
        config: config.clone(),
        prior,
        private: Private::default(),
    };
    let planned = resource().plan(Some(provider), change);
    assert!(
        !planned.diagnostics.has_errors(),
        "{:?}",
        planned.diagnostics
    );
    planned.state
}

/// The planned state with everything that only SAP can tell.
fn applied(planned: Value) -> Value {
    let Value::Object(mut attributes) = planned else {
        panic!("a destination is an object");
    };
    for (name, value) in &mut attributes {
        if value.is_unknown() {
            *value = match name.as_str() {
                "unmanaged_properties" => Value::Null,
                _ => Value::string("0123456789abcdef0123456789abcdef"),
            };
        }
    }
    Value::Object(attributes)
}

/// A state as Terraform stores it.
fn written(value: &Value) -> serde_json::Value {
    match value {
        Value::Null | Value::Unknown => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number
            .as_str()
            .parse::<serde_json::Number>()
            .unwrap()
            .into(),
        Value::String(text) => text.as_str().into(),
        Value::List(items) | Value::Set(items) => items.iter().map(written).collect(),
        Value::Map(entries) | Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), written(value)))
            .collect(),
    }
}

/// One round of something that is measured.
type Round = fn(&Sample);

/// Everything that is measured, by name.
const MEASURED: [(&str, Round); 5] = [
    ("msgpack_decode_state", |sample| {
        black_box(msgpack::decode(&sample.object_type, &sample.state_msgpack).unwrap());
    }),
    ("msgpack_encode_state", |sample| {
        black_box(msgpack::encode(&sample.object_type, &sample.state).unwrap());
    }),
    ("json_decode_state", |sample| {
        let decoded = json::decode(&sample.object_type, &sample.state_json, Leniency::Lenient);
        black_box(decoded.unwrap());
    }),
    ("plan_unchanged", |sample| {
        black_box(planned(
            &sample.provider,
            &sample.config,
            sample.state.clone(),
        ));
    }),
    ("plan_create", |sample| {
        black_box(planned(&sample.provider, &sample.config, Value::Null));
    }),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let sample = Sample::new();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["count"] => {
            for (name, _) in MEASURED {
                println!("{name}");
            }
        }
        ["count", name, rounds] => {
            let (_, run) = MEASURED.iter().find(|(known, _)| known == name).unwrap();
            for _ in 0..rounds.parse::<u64>().unwrap() {
                run(&sample);
            }
        }
        _ => {
            let mut criterion = Criterion::default().configure_from_args();
            for (name, run) in MEASURED {
                criterion.bench_function(name, |bencher| bencher.iter(|| run(&sample)));
            }
            criterion.final_summary();
        }
    }
}
