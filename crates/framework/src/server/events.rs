//! Methods that answer with a stream of events: what surrounds them, as
//! [`rpc`](super::rpc) has it for the others.
//!
//! The work runs within the stream: it goes on when Terraform takes events, and
//! is dropped where it waits when Terraform goes away. A stream always ends
//! with what its method makes of the final messages, once, also after a panic,
//! be it in the work or where an event becomes a message.

use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::future::{self, BoxFuture};
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};
use tracing::Instrument as _;

use super::panics;
use super::rpc::{Rpc, crashed, log};
use crate::diagnostics::Diagnostics;

/// A stream of events as the protocol's methods return it.
pub(super) type Events<M> = BoxStream<'static, Result<M, Status>>;

/// Some work, and how its events become messages of the protocol. The work
/// results in the messages that end it.
pub(super) type Work<E, M> = (
    BoxFuture<'static, Diagnostics>,
    Box<dyn Fn(E) -> M + Send + Sync>,
);

/// Prepares some work, which gets where to send its events, and runs it. `last`
/// makes the last message; none where the end of the stream says enough.
pub(super) async fn answer<E: Send + 'static, M: Send + 'static>(
    rpc: Rpc<'_>,
    prepare: impl FnOnce(mpsc::Sender<E>) -> Result<Work<E, M>, Diagnostics>,
    last: fn(Diagnostics) -> Option<M>,
) -> Result<Response<Events<M>>, Status> {
    let (span, name, started) = (rpc.span(), rpc.name, Instant::now());
    // Room for one: work does not run ahead of who takes the messages.
    let (sender, mut events) = mpsc::channel(1);
    let (messages, receiver) = mpsc::channel(1);
    let prepared = async {
        tracing::trace!("Received request");
        panics::guarded(async { prepare(sender) }).await
    };
    let prepared = prepared.instrument(span.clone()).await;
    let run = async move {
        let ended = match prepared {
            Ok(Ok((work, message))) => {
                let tell = async {
                    while let Ok(room) = messages.reserve().await
                        && let Some(event) = events.recv().await
                    {
                        room.send(message(event));
                    }
                };
                // What was sent before a panic in the work is told all the same.
                let both = async { future::join(panics::guarded(work), tell).await.0 };
                panics::guarded(both).await.flatten()
            }
            Ok(Err(diagnostics)) => Ok(diagnostics),
            Err(location) => Err(location),
        };
        let diagnostics = ended.unwrap_or_else(|location| crashed(name, &location).into());
        log(&diagnostics, started);
        if let Some(last) = last(diagnostics) {
            // Not received where Terraform has gone away.
            let _ = messages.send(last).await;
        }
    };
    // Yields nothing itself.
    let run = stream::once(run.instrument(span)).filter_map(|()| future::ready(None));
    let messages = stream::select(ReceiverStream::new(receiver), run);
    Ok(Response::new(messages.map(Ok).boxed()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Severity;

    const END: u8 = 100;
    const CRASHED: u8 = 101;

    /// Messages of a method whose work sends `1`, `2` and `3`; one of them cannot
    /// become a message.
    async fn told(unspeakable: u8) -> Vec<u8> {
        panics::install_hook();
        let prepare = |events: mpsc::Sender<u8>| -> Result<Work<u8, u8>, Diagnostics> {
            let work = async move {
                for event in 1..=3 {
                    let _ = events.send(event).await;
                }
                Diagnostics::new()
            };
            let message = move |event| {
                assert!(event != unspeakable, "secret-3f1");
                event
            };
            Ok((Box::pin(work), Box::new(message)))
        };
        let last = |diagnostics: Diagnostics| {
            let mut severities = diagnostics.iter().map(|one| one.severity);
            let crashed = severities.any(|severity| severity == Severity::Error);
            Some(if crashed { CRASHED } else { END })
        };
        let answer = answer(Rpc::new("InvokeAction"), prepare, last).await;
        let messages = answer.unwrap().into_inner();
        messages.map(|message| message.unwrap()).collect().await
    }

    #[tokio::test]
    async fn an_event_that_panics_as_a_message_ends_the_stream_once() {
        assert_eq!(told(0).await, [1, 2, 3, END]);
        assert_eq!(told(1).await, [CRASHED]);
        assert_eq!(told(2).await, [1, CRASHED]);
        assert_eq!(told(3).await, [1, 2, CRASHED]);
    }
}
