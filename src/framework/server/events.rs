//! Methods that answer with a stream of events: what surrounds them, as
//! [`rpc`](super::rpc) has it for the others.
//!
//! The work runs within the stream: it goes on when Terraform takes events, and
//! is dropped where it waits when Terraform goes away. A stream always ends
//! with what its method makes of the final messages, also after a panic.

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
use crate::framework::diagnostics::Diagnostics;

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
    let work = async move {
        let done = match prepared {
            Ok(Ok(work)) => panics::guarded(work(sender.clone())).await,
            Ok(Err(diagnostics)) => Ok(diagnostics),
            Err(location) => Err(location),
        };
        let diagnostics = done.unwrap_or_else(|location| {
            tracing::error!(location, "Provider crashed");
            rpc.crashed(&location).into()
        });
        log(&convert::diagnostics(diagnostics.clone()), started);
        if let Some(last) = (shape.last)(diagnostics) {
            // Who is gone needs no end.
            let _ = sender.send(last).await;
        }
    };
    let work = stream::once(work.instrument(span)).filter_map(|()| future::ready(None));
    let events = ReceiverStream::new(receiver).map(move |event| Ok((shape.message)(event)));
    Ok(Response::new(Box::pin(stream::select(events, work))))
}
