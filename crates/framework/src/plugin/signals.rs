//! What the process does about signals. SIGTERM keeps its default, to end the
//! process, except in debug mode.

use std::io;

/// Takes SIGINT (Ctrl-C elsewhere) from now on and does nothing about it.
///
/// Ctrl-C reaches the whole process group. Terraform then asks us by
/// `StopProvider` to come to an end and waits for the results; a provider that
/// dies instead loses the object that it was just creating.
pub(super) fn ignore_interrupt() -> io::Result<()> {
    // A handler once installed stays, also when nobody listens to it.
    #[cfg(unix)]
    drop(tokio::signal::unix::signal(
        tokio::signal::unix::SignalKind::interrupt(),
    )?);
    #[cfg(windows)]
    drop(tokio::signal::windows::ctrl_c()?);
    Ok(())
}

/// Takes SIGINT and SIGTERM from now on; the future ends with the first of them.
#[cfg(unix)]
pub(super) fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    })
}

/// Takes Ctrl-C from now on; the future ends with the first one.
#[cfg(windows)]
pub(super) fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
