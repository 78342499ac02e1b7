//! Log lines as Terraform reads them from stderr: one JSON object each.
//!
//! Terraform puts a provider's lines into its own log and drops those that the
//! user did not ask for. Two rules keep secrets out of it: only events of this
//! crate and of those that the [`Program`] names are written, never those of HTTP
//! or TLS libraries, and of an event only the fields that this file or the program
//! lists. A message is fixed text by convention.
//!
//! Logging never blocks and never fails: lines go through a queue to a thread
//! of their own, and what does not fit into the queue is counted and dropped.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Write as _},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

use super::Program;

/// The names of the fields that may appear in a log line, beside those of
/// the [`Program`]; as other providers call them.
const FIELDS: &[&str] = &[
    "count",
    "diagnostic_error_count",
    "diagnostic_summary",
    "diagnostic_warning_count",
    "error",
    "location",
    "tf_action_type",
    "tf_data_source_type",
    "tf_ephemeral_resource_type",
    "tf_function",
    "tf_list_resource_type",
    "tf_proto_version",
    "tf_req_duration_ms",
    "tf_req_id",
    "tf_resource_type",
    "tf_rpc",
];

/// Terraform splits longer lines and then cannot read them (64 KiB).
const LONGEST_LINE: usize = 60_000;

/// In bytes. A byte takes at most six in JSON, so a message fits into a line.
const LONGEST_MESSAGE: usize = 8 * 1024;

/// In bytes.
const LONGEST_VALUE: usize = 2 * 1024;

/// Lines that may wait for a slow reader.
const QUEUE: usize = 1024;

/// How long the end of the process waits for a slow reader.
const FLUSH_LIMIT: Duration = Duration::from_millis(5);

/// Sends the events of a program to stderr from now on, and panics as error
/// lines that name the place and nothing else. `variable` reads an environment
/// variable. Only the first call in a process has an effect.
pub fn install(program: &'static Program, variable: impl Fn(&str) -> Option<OsString>) {
    let layer = LogLayer {
        program,
        level: level(program.name, variable),
        write: to_stderr,
    };
    let subscriber = tracing_subscriber::registry().with(layer);
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        // The payload of a panic may quote any value, the place cannot.
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, "panic: this is a bug in the provider");
            // It may be the last thing that this process does.
            flush();
        }));
    }
}

/// Waits a moment for lines that are not written yet. Call it before the
/// process ends.
pub fn flush() {
    if let Some(Some(queue)) = STDERR.get() {
        let (done, wait) = sync_channel(1);
        if queue.try_send(Message::Flush(done)).is_ok() {
            // Too slow a reader loses the last lines.
            let _ = wait.recv_timeout(FLUSH_LIMIT);
        }
    }
}

/// Which events to write. Terraform itself filters by what the user wants, but
/// without any such wish it would parse every line only to drop it.
fn level(program: &str, variable: impl Fn(&str) -> Option<OsString>) -> LevelFilter {
    let value = |name: &str| {
        let value = variable(name)?.to_string_lossy().to_ascii_lowercase();
        (!value.is_empty()).then_some(value)
    };
    let own = format!("TF_LOG_PROVIDER_{}", program.to_ascii_uppercase());
    if let Some(own) = value(&own) {
        return own.parse().unwrap_or(LevelFilter::TRACE);
    }
    let wanted = ["TF_LOG", "TF_LOG_CORE", "TF_LOG_PROVIDER"]
        .into_iter()
        .any(|name| value(name).is_some_and(|level| level != "off"));
    if wanted {
        LevelFilter::TRACE
    } else {
        LevelFilter::ERROR
    }
}

/// Turns events into lines and gives them to `write`.
struct LogLayer<W> {
    program: &'static Program,
    level: LevelFilter,
    write: W,
}

impl<S, W> Layer<S> for LogLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(String) + 'static,
{
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= self.level && self.is_ours(metadata.target())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::of(self.program);
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::of(self.program);
        for span in context
            .event_scope(event)
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .iter()
            .rev()
        {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.values.extend(outer.values.iter().cloned());
            }
        }
        event.record(&mut fields);
        (self.write)(line(event.metadata(), Timestamp::now(), &fields));
    }
}

impl<W> LogLayer<W> {
    fn is_ours(&self, target: &str) -> bool {
        let name = target.split("::").next().unwrap_or_default();
        name == env!("CARGO_CRATE_NAME") || self.program.log_targets.contains(&name)
    }
}

/// What may be written of an event or a span.
struct Fields {
    /// The fields beside [`FIELDS`].
    more: &'static [&'static str],
    message: String,
    values: Vec<(&'static str, Value)>,
}

impl Fields {
    fn of(program: &Program) -> Self {
        Self {
            more: program.log_fields,
            message: String::new(),
            values: Vec::new(),
        }
    }

    fn add(&mut self, field: &Field, value: impl FnOnce() -> Value) {
        if FIELDS.contains(&field.name()) || self.more.contains(&field.name()) {
            self.values.push((field.name(), value()));
        }
    }

    fn add_text(&mut self, field: &Field, text: impl FnOnce() -> String) {
        if field.name() == "message" {
            self.message = foreign::visible_beginning(&text(), LONGEST_MESSAGE);
        } else {
            self.add(field, || {
                foreign::visible_beginning(&text(), LONGEST_VALUE).into()
            });
        }
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, || value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add_text(field, || value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add_text(field, || format!("{value:?}"));
    }
}

/// The line for one event, with its line feed.
fn line(metadata: &Metadata<'_>, time: Timestamp, fields: &Fields) -> String {
    let mut line = Map::new();
    // Terraform crashes when one of these is not a string. No field can
    // replace them: no name of a field starts with `@`.
    let level = metadata.level().as_str().to_ascii_lowercase();
    line.insert("@level".into(), level.into());
    line.insert("@message".into(), fields.message.as_str().into());
    line.insert(
        "@module".into(),
        metadata.target().replace("::", ".").into(),
    );
    let time = time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    line.insert("@timestamp".into(), time.into());
    let mut length = Value::from(line.clone()).to_string().len();
    for (name, value) in &fields.values {
        length += name.len() + value.to_string().len() + r#","":"#.len();
        if length > LONGEST_LINE {
            break;
        }
        line.insert((*name).into(), value.clone());
    }
    format!("{}\n", Value::from(line))
}

enum Message {
    Line(String),
    Flush(SyncSender<()>),
}

/// The queue to stderr. None when its thread could not be started.
static STDERR: OnceLock<Option<SyncSender<Message>>> = OnceLock::new();

static DROPPED: AtomicU64 = AtomicU64::new(0);

fn to_stderr(line: String) {
    match STDERR.get_or_init(start_writer) {
        Some(queue) => {
            if queue.try_send(Message::Line(line)).is_err() {
                DROPPED.fetch_add(1, Ordering::Relaxed);
            }
        }
        // Where no thread can start, these may be the last words.
        None => drop(io::stderr().write_all(line.as_bytes())),
    }
}

fn start_writer() -> Option<SyncSender<Message>> {
    let (sender, receiver) = sync_channel(QUEUE);
    std::thread::Builder::new()
        .name("log".into())
        .spawn(move || write_all(&receiver, &mut io::stderr()))
        .ok()?;
    Some(sender)
}

/// Writes until nobody can send any more. Errors are of no use to anybody:
/// stderr is closed.
fn write_all(queue: &Receiver<Message>, stderr: &mut impl io::Write) {
    for message in queue {
        match message {
            Message::Line(line) => {
                let _ = stderr.write_all(line.as_bytes());
            }
            Message::Flush(done) => {
                let _ = done.try_send(());
            }
        }
        let dropped = DROPPED.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(count = dropped, "log lines were dropped");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use tracing::Dispatch;

    use super::*;

    static PROGRAM: Program = Program {
        name: "acme",
        log_targets: &["acme"],
        log_fields: &["attempt", "host", "method", "status"],
    };

    /// The lines that `events` writes.
    fn lines_at(level: LevelFilter, events: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let layer = LogLayer {
            program: &PROGRAM,
            level,
            write: move |line| written.lock().unwrap().push(line),
        };
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::dispatcher::with_default(&Dispatch::new(subscriber), events);
        lines.lock().unwrap().clone()
    }

    fn line_of(event: impl FnOnce()) -> Map<String, Value> {
        let lines = lines_at(LevelFilter::TRACE, event);
        let [line] = &lines[..] else {
            panic!("not one line: {lines:?}");
        };
        assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
        serde_json::from_str(line).unwrap()
    }

    fn keys(line: &Map<String, Value>) -> Vec<&str> {
        line.keys().map(String::as_str).collect()
    }

    #[test]
    fn line_has_the_keys_that_terraform_reads_as_strings() {
        let line = line_of(|| tracing::info!(status = 409_u64, method = "POST", "answered"));
        assert_eq!(
            keys(&line),
            [
                "@level",
                "@message",
                "@module",
                "@timestamp",
                "status",
                "method"
            ]
        );
        assert_eq!(line["@level"], "info");
        assert_eq!(line["@message"], "answered");
        assert_eq!(line["@module"], "framework.plugin.logging.tests");
        assert_eq!(line["status"], 409);
        assert!(line["@timestamp"].is_string());
    }

    #[test]
    fn timestamp_has_six_fraction_digits_also_when_they_are_zero() {
        let time = line_of(|| tracing::info!("now"))["@timestamp"].clone();
        let time = time.as_str().unwrap();
        assert_eq!(time.len(), "2006-01-02T15:04:05.000000Z".len(), "{time}");
        assert!(time.parse::<Timestamp>().is_ok(), "{time}");

        let metadata = tracing::metadata::Metadata::new(
            "event",
            "acme",
            tracing::Level::INFO,
            None,
            None,
            None,
            tracing::field::FieldSet::new(&[], tracing::callsite::Identifier(&CALLSITE)),
            tracing::metadata::Kind::EVENT,
        );
        let line = line(&metadata, Timestamp::UNIX_EPOCH, &Fields::of(&PROGRAM));
        assert!(line.contains(r#""1970-01-01T00:00:00.000000Z""#), "{line}");
    }

    struct NoCallsite;

    static CALLSITE: NoCallsite = NoCallsite;

    impl tracing::Callsite for NoCallsite {
        fn set_interest(&self, _: tracing::subscriber::Interest) {}

        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("nobody registers this callsite")
        }
    }

    #[test]
    fn only_listed_fields_of_our_own_events_are_written() {
        let line = line_of(|| {
            tracing::info!(client_secret = "s3cr3t", token = ?"s3cr3t", attempt = 2_u64, "sent");
            tracing::error!(target: "hyper::client", error = "s3cr3t", "from a library");
            tracing::error!(target: "acmeother", "from a neighbour");
        });
        assert_eq!(line["attempt"], 2);
        assert!(!Value::from(line).to_string().contains("s3cr3t"));
    }

    #[test]
    fn no_field_can_replace_what_terraform_reads() {
        assert!(FIELDS.iter().all(|name| !name.starts_with('@')));
        assert!(!FIELDS.contains(&"message"));
        let line = line_of(|| {
            tracing::info!({ "@level" = 5, "@timestamp" = 6, "@message" = 7 }, "unharmed");
        });
        assert_eq!(line["@level"], "info");
        assert_eq!(line["@message"], "unharmed");
    }

    #[test]
    fn fields_of_spans_are_on_the_line_and_inner_ones_win() {
        let line = line_of(|| {
            let call = tracing::info_span!("call", tf_rpc = "Plan", attempt = 1, secret = "s3cr3t");
            let _call = call.enter();
            let inner = tracing::info_span!("request", attempt = 2_u64);
            let _inner = inner.enter();
            tracing::info!(count = 7_u64, "again");
        });
        assert_eq!(line["tf_rpc"], "Plan");
        assert_eq!(line["attempt"], 2);
        assert_eq!(line["count"], 7);
        assert!(!line.contains_key("secret"));
    }

    #[test]
    fn events_below_the_level_are_not_written() {
        let all = || {
            tracing::error!("e");
            tracing::warn!("w");
            tracing::trace!("t");
        };
        let count = |level| lines_at(level, all).len();
        assert_eq!(count(LevelFilter::OFF), 0);
        assert_eq!(count(LevelFilter::ERROR), 1);
        assert_eq!(count(LevelFilter::WARN), 2);
        assert_eq!(count(LevelFilter::TRACE), 3);
    }

    #[test]
    fn level_comes_from_our_own_variable_then_from_terraforms() {
        let level_with = |variables: &[(&str, &str)]| {
            level("acme", |name| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| OsString::from(value))
            })
        };
        assert_eq!(level_with(&[]), LevelFilter::ERROR);
        for name in ["TF_LOG", "TF_LOG_CORE", "TF_LOG_PROVIDER"] {
            assert_eq!(level_with(&[(name, "ERROR")]), LevelFilter::TRACE);
            assert_eq!(level_with(&[(name, "off")]), LevelFilter::ERROR);
            assert_eq!(level_with(&[(name, "")]), LevelFilter::ERROR);
        }
        let own = |value| level_with(&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER_ACME", value)]);
        assert_eq!(own("Warn"), LevelFilter::WARN);
        assert_eq!(own("OFF"), LevelFilter::OFF);
        assert_eq!(own("nonsense"), LevelFilter::TRACE);
    }

    #[test]
    fn closed_stderr_stops_nothing() {
        struct Closed;
        impl io::Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (queue, messages) = sync_channel(3);
        let (done, flushed) = sync_channel(1);
        queue.send(Message::Line("one\n".into())).unwrap();
        queue.send(Message::Flush(done)).unwrap();
        drop(queue);
        write_all(&messages, &mut Closed);
        assert!(flushed.try_recv().is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_line_is_one_line_of_json_below_64_kib(
            text in "(?s).{0,40}",
            repeat in 0_usize..4000,
        ) {
            let long = text.repeat(repeat);
            let line = line_of(|| {
                tracing::info!(
                    error = long, host = long, location = ?long, method = long, status = long,
                    tf_function = long, tf_req_id = long, tf_rpc = long, tf_action_type = long,
                    "{long}"
                );
            });
            prop_assert!(Value::from(line).to_string().len() < 64 * 1024 - 1);
        }
    }
}
