//! Methods that answer with a stream of events: what surrounds them, as
//! [`rpc`](super::rpc) has it for the others.
//!
//! The work runs within the stream: it goes on when Terraform takes events, and
//! is dropped where it waits when Terraform goes away. A stream always ends
//! with what its method makes of the final messages, once, also after a panic,
//! be it in the work or where an event becomes a message.

use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::future;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};
use tracing::Instrument as _;

use super::rpc::{Rpc, log};
use super::{convert, panics};
use crate::diagnostics::Diagnostics;

/// A stream of events as the protocol's methods return it.
pub(super) type Events<E> = BoxStream<'static, Result<E, Status>>;

/// How a method's events become messages of the protocol.
pub(super) struct Shape<T, E> {
    /// The last event; nothing where the end of the stream says enough.
    pub(super) last: fn(Diagnostics) -> Option<T>,
    /// An event as a message.
    pub(super) message: Box<dyn Fn(T) -> E + Send>,
}

/// Prepares some work and runs it. The work sends events, and results in the
/// messages that end it.
pub(super) async fn answer<T, E, W, F>(
    rpc: Rpc<'_>,
    shape: Shape<T, E>,
    prepared: impl Future<Output = Result<W, Diagnostics>>,
) -> Result<Response<Events<E>>, Status>
where
    T: Send + 'static,
    E: Send + 'static,
    W: FnOnce(mpsc::Sender<T>) -> F + Send + 'static,
    F: Future<Output = Diagnostics> + Send + 'static,
{
    let span = rpc.span();
    let rpc = rpc.without_subject();
    let started = Instant::now();
    let prepared = async {
        tracing::trace!("Received request");
        panics::guarded(prepared).await
    }
    .instrument(span.clone())
    .await;

    // Room for one: work does not run ahead of who takes the events.
    let (sender, receiver) = mpsc::channel(1);
    let last = shape.last;
    let same_rpc = rpc.without_subject();
    let work = async move {
        let done = match prepared {
            Ok(Ok(work)) => panics::guarded(work(sender.clone())).await,
            Ok(Err(diagnostics)) => Ok(diagnostics),
            Err(location) => Err(location),
        };
        let diagnostics = done.unwrap_or_else(|location| crash(&rpc, &location));
        log(&convert::diagnostics(diagnostics.clone()), started);
        let ended = panics::caught(|| last(diagnostics))
            .or_else(|location| panics::caught(|| last(crash(&rpc, &location))));
        match ended {
            Ok(Some(last)) => {
                // Who is gone needs no end.
                let _ = sender.send(last).await;
                None
            }
            Ok(None) => None,
            Err(location) => Some(Err(no_end(&location))),
        }
    };
    let work = stream::once(work.instrument(span.clone())).filter_map(future::ready);
    let events = ReceiverStream::new(receiver).map(Ok);
    let messages = Messages {
        events: stream::select(events, work).boxed(),
        shape,
        rpc: same_rpc,
        span,
    };
    let messages = stream::unfold(
        Some(messages),
        |messages| async move { messages?.next().await },
    );
    Ok(Response::new(Box::pin(messages)))
}

/// Events on their way to Terraform.
struct Messages<T, E> {
    events: BoxStream<'static, Result<T, Status>>,
    shape: Shape<T, E>,
    rpc: Rpc<'static>,
    span: tracing::Span,
}

impl<T, E> Messages<T, E> {
    /// The next message, and where to take the one after it from. An event
    /// that cannot become a message ends the stream, and the work with it.
    async fn next(mut self) -> Option<(Result<E, Status>, Option<Self>)> {
        let event = match self.events.next().await? {
            Ok(event) => event,
            Err(status) => return Some((Err(status), None)),
        };
        match panics::caught(|| (self.shape.message)(event)) {
            Ok(message) => Some((Ok(message), Some(self))),
            Err(location) => Some((self.end(&location)?, None)),
        }
    }

    /// The end of a stream whose latest event could not become a message.
    fn end(&self, location: &str) -> Option<Result<E, Status>> {
        let diagnostics = self.span.in_scope(|| crash(&self.rpc, location));
        let Shape { last, message } = &self.shape;
        panics::caught(|| last(diagnostics).map(message))
            .map_err(|location| no_end(&location))
            .transpose()
    }
}

/// Notes a panic, and what the practitioner reads about it.
fn crash(rpc: &Rpc<'_>, location: &str) -> Diagnostics {
    tracing::error!(location, "Provider crashed");
    rpc.crashed(location).into()
}

/// Even the end cannot be told in the protocol's words.
fn no_end(location: &str) -> Status {
    Status::internal(format!("the provider crashed at `{location}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Severity;

    /// Events of a method whose work sends `1`, `2` and `3`.
    async fn told(shape: Shape<u8, u8>) -> Vec<Result<u8, tonic::Code>> {
        panics::install_hook();
        let prepared = async {
            Ok(|events: mpsc::Sender<u8>| async move {
                for event in 1..=3 {
                    let _ = events.send(event).await;
                }
                Diagnostics::new()
            })
        };
        let answer = answer(Rpc::new("InvokeAction"), shape, prepared).await;
        let events: Vec<_> = answer.unwrap().into_inner().collect().await;
        let code = |event: Result<u8, Status>| event.map_err(|status| status.code());
        events.into_iter().map(code).collect()
    }

    const END: u8 = 100;
    const CRASHED: u8 = 101;

    fn end(diagnostics: &Diagnostics) -> u8 {
        let mut severities = diagnostics.iter().map(|one| one.severity);
        let crashed = severities.any(|severity| severity == Severity::Error);
        if crashed { CRASHED } else { END }
    }

    fn shape(last: fn(Diagnostics) -> Option<u8>, unspeakable: &'static [u8]) -> Shape<u8, u8> {
        let message = move |event: u8| {
            assert!(!unspeakable.contains(&event), "secret-3f1");
            event
        };
        Shape {
            last,
            message: Box::new(message),
        }
    }

    #[tokio::test]
    async fn an_event_that_panics_as_a_message_ends_the_stream_once() {
        let whole = told(shape(|found| Some(end(&found)), &[])).await;
        assert_eq!(whole, [Ok(1), Ok(2), Ok(3), Ok(END)]);
        let early = told(shape(|found| Some(end(&found)), &[2])).await;
        assert_eq!(early, [Ok(1), Ok(CRASHED)]);
        let late = told(shape(|found| Some(end(&found)), &[END])).await;
        assert_eq!(late, [Ok(1), Ok(2), Ok(3), Ok(CRASHED)]);
        let never = told(shape(|found| Some(end(&found)), &[END, CRASHED])).await;
        assert_eq!(never.last(), Some(&Err(tonic::Code::Internal)));
        assert_eq!(never.len(), 4);
    }

    #[tokio::test]
    async fn a_panic_while_the_end_is_made_ends_the_stream_once() {
        let once = |diagnostics: Diagnostics| {
            assert!(!diagnostics.is_empty(), "secret-3f1");
            Some(end(&diagnostics))
        };
        let ended = told(shape(once, &[])).await;
        assert_eq!(ended, [Ok(1), Ok(2), Ok(3), Ok(CRASHED)]);
        let ended = told(shape(|_| panic!("secret-3f1"), &[])).await;
        let internal = Err(tonic::Code::Internal);
        assert_eq!(ended.last(), Some(&internal));
        let failures = ended.iter().filter(|event| event.is_err());
        assert_eq!(failures.count(), 1);
    }
}
